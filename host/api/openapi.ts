/**
 * The OpenAPI 3.1 document, made of the route table: the same shapes that read a request describe it here, so the
 * two cannot drift. A test holds every answer that the suites get against it.
 */
import {PROBLEMS, problemNames} from './answer.ts'
import type {ProblemName} from './answer.ts'
import type {Group, Route} from './route.ts'
import {problem} from './schema.ts'
import type {JsonSchema, Shape} from './shape.ts'
import type {Caller} from '../identity.ts'
import type {Writable} from '../../kit/exact-json.ts'

/** What OpenAPI calls a tag, in the order of the page. */
export const GROUPS: Readonly<Record<Group, string>> = {
  money:
    'Balance, withdrawal, deposit and transfer. A machine asks with its certificate, a teller with a token.',
  machine:
    'What a machine tells and asks: sign-on, card and PIN, what became of notes, cut-over, journal, status.',
  people: 'Signing in and out, and who works here.',
  office:
    'Customers, cards, machines, transactions, alerts and reconciliation, for the people who work here.',
}

/** Problems that any route may answer with, besides its own. */
const EVERYWHERE: readonly ProblemName[] = [
  'unknown-caller',
  'not-signed-in',
  'not-you',
  'malformed',
  'in-progress',
  'fault',
]
/** What the signature above TLS may be refused for; a machine in process has none. */
const OF_MACHINES: readonly ProblemName[] = [
  'message-unsigned',
  'message-forged',
  'message-old',
  'message-replayed',
]
const WITH_BODY: readonly ProblemName[] = ['too-large', 'wrong-type']

/** Every problem that the route can answer with, in the order of the table of problems. */
export function problemsOf(route: Route): readonly ProblemName[] {
  const own = new Set([
    ...EVERYWHERE,
    ...(route.callers.includes('atm') ? OF_MACHINES : []),
    ...(route.request === null ? [] : WITH_BODY),
    ...(route.key === 'none' ? [] : (['key-missing'] as const)),
    ...route.problems,
  ])
  return problemNames.filter(name => own.has(name))
}

/** @param named messages that get a name of their own in the document; the others stand where they are used */
export function openapi(
  routes: readonly Route[],
  named: Readonly<Record<string, JsonSchema>>,
): {readonly [field: string]: Writable} {
  const components = new Components(
    named,
    routes.flatMap(({request}) => (request === null ? [] : [request.schema])),
  )
  const paths: Record<string, Record<string, Writable>> = {}
  for (const route of routes)
    paths[route.url] = {...paths[route.url], [route.method.toLowerCase()]: operationOf(route, components)}
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tellerd bank',
      version: '1',
      description: INTRODUCTION,
      license: {name: 'Apache-2.0', identifier: 'Apache-2.0'},
    },
    tags: Object.entries(GROUPS).map(([name, description]) => ({name, description})),
    paths,
    components: {
      schemas: components.all(),
      securitySchemes: {
        token: {type: 'http', scheme: 'bearer', description: 'Of a person who signed in, or of a program.'},
        certificate: {type: 'mutualTLS', description: 'Of a machine; the bank knows the pin of its key.'},
      },
    },
  }
}

/** The named messages that the document has used so far. */
class Components {
  readonly #nameOf: ReadonlyMap<JsonSchema, string>
  readonly #requests: ReadonlySet<JsonSchema>
  readonly #used = new Map<string, Writable>()

  constructor(named: Readonly<Record<string, JsonSchema>>, requests: readonly JsonSchema[]) {
    // A message is `withdrawRequest` in the source and `WithdrawRequest` in the document.
    this.#nameOf = new Map(
      Object.entries(named)
        .filter(([, {type}]) => type === 'object')
        .map(([name, schema]) => [schema, name.charAt(0).toUpperCase() + name.slice(1)]),
    )
    this.#requests = new Set(requests)
  }

  request({schema}: Shape<unknown>): Writable {
    return this.#named(schema, () => written(schema, inner => written(inner, null)))
  }

  /** An answer may have more fields one day, and whoever reads it must not mind: so it is not closed. */
  answer({schema}: Shape<unknown>): Writable {
    return this.#answer(schema)
  }

  all(): {readonly [name: string]: Writable} {
    return Object.fromEntries([...this.#used].sort(([left], [right]) => (left < right ? -1 : 1)))
  }

  #answer(schema: JsonSchema): Writable {
    const open = () => {
      const {additionalProperties: _, ...rest} = schema
      return written(rest, inner => this.#answer(inner))
    }
    // What is a request as well has its name for that, and is closed there.
    return this.#requests.has(schema) ? open() : this.#named(schema, open)
  }

  #named(schema: JsonSchema, write: () => Writable): Writable {
    const name = this.#nameOf.get(schema)
    if (name === undefined) return write()
    if (!this.#used.has(name)) this.#used.set(name, write())
    return {$ref: `#/components/schemas/${name}`}
  }
}

/** @param inside writes what is nested; null: as it stands */
function written(schema: JsonSchema, inside: ((inner: JsonSchema) => Writable) | null): Writable {
  const {items, properties, ...rest} = schema
  const write = inside ?? (inner => written(inner, null))
  return {
    ...rest,
    ...(items === undefined ? {} : {items: write(items)}),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, each]) => [name, write(each)]),
          ),
        }),
  }
}

export const INTRODUCTION =
  `Amounts are JSON numbers in major units with at most the digits of their currency, 1000.00: no
exponents, no text. Every error is an RFC 9457 problem whose \`type\` never changes; \`rc\` is the ISO 8583 response code
and \`retry\` says whether the same request may be sent again (\`same-key\`), only under a new key (\`new-key\`) or never.
A machine hears a decision against its customer as status 200 with an \`rc\` other than 00, so that no proxy repeats the
request; a person hears it as a problem. A request that moves money has an \`Idempotency-Key\`: sent again with the same
key it is answered again, byte for byte, and done once.`.replaceAll('\n', ' ')

function operationOf(route: Route, components: Components): {readonly [field: string]: Writable | undefined} {
  return {
    operationId: route.name,
    tags: [route.group],
    summary: route.summary,
    description: `Open to ${route.callers.map(callerText).join(', ')}.`,
    security: securityOf(route.callers),
    parameters: [
      ...parametersOf(route.path, 'path'),
      ...parametersOf(route.query, 'query'),
      ...(route.key === 'none' ? [] : [keyParameter(route)]),
    ],
    requestBody:
      route.request === null
        ? undefined
        : {required: true, content: {'application/json': {schema: components.request(route.request)}}},
    responses: responsesOf(route, components),
  }
}

function responsesOf(route: Route, components: Components): {readonly [status: string]: Writable} {
  const [first, ...others] = route.answers.map(shape => components.answer(shape))
  const byStatus = Map.groupBy(problemsOf(route), name => PROBLEMS[name][0])
  return {
    200: {
      description: others.length === 0 ? 'Done' : 'Done, or declined with a code',
      content: {
        'application/json': {schema: others.length === 0 ? (first ?? {}) : {anyOf: [first ?? {}, ...others]}},
      },
    },
    ...Object.fromEntries(
      [...byStatus]
        .sort(([left], [right]) => left - right)
        .map(([status, names]) => [
          status.toString(),
          {
            description: names.map(name => `\`${name}\`: ${PROBLEMS[name][3]}`).join('; '),
            content: {
              'application/problem+json': {
                schema: {
                  allOf: [
                    components.answer(problem),
                    {
                      type: 'object',
                      properties: {type: {enum: names.map(name => `urn:tellerd:problem:${name}`)}},
                    },
                  ],
                },
              },
            },
          },
        ]),
    ),
  }
}

function parametersOf(shape: Shape<unknown>, where: 'path' | 'query'): readonly Writable[] {
  const {properties = {}, required = []} = shape.schema
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: where,
    required: required.includes(name),
    schema: written(schema, null),
  }))
}

function keyParameter({key, callers}: Route): Writable {
  return {
    name: 'Idempotency-Key',
    in: 'header',
    required: key === 'machine',
    description:
      'A text in quotation marks (RFC 9651). A machine must send its operation key, "<terminal>:<business date>:<STAN>".' +
      (callers.length > 1
        ? ' A person may send any; without one the request cannot be repeated safely.'
        : ''),
    schema: {type: 'string', pattern: '^"[A-Za-z0-9:_-]{1,64}"$'},
  }
}

export function callerText(caller: Caller): string {
  if (caller === 'anyone') return 'anyone'
  if (caller === 'person') return 'whoever has signed in'
  return caller === 'atm' ? 'machines' : `people with \`${caller}\``
}

function securityOf(callers: readonly Caller[]): readonly Writable[] {
  if (callers.includes('anyone')) return []
  return [
    ...(callers.includes('atm') ? [{certificate: []}] : []),
    ...(callers.some(caller => caller !== 'atm') ? [{token: []}] : []),
  ]
}
