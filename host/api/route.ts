/**
 * What a route is, and everything that is the same for all of them: which machine may call, and reading the
 * path, the query, the key and the body by their shapes. What a route does begins when all of that is in order.
 */
import {problemOf} from './answer.ts'
import type {Answer, ProblemName} from './answer.ts'
import {keyOfHeader, operationKey} from './schema.ts'
import {isMap, record} from './shape.ts'
import type {Shape} from './shape.ts'
import {newId} from '../bank.ts'
import type {Bank} from '../bank.ts'
import {isAmong} from '../identity.ts'
import type {Caller, Guest, Identity} from '../identity.ts'
import {assert} from '../../kit/assert.ts'
import type {Json} from '../../kit/exact-json.ts'

/** Of the machines that may call: `any` active one; `itself`, the one in the path; `owner`, whose key is in the path. */
export type MachineRule = 'any' | 'itself' | 'owner'

/**
 * The `Idempotency-Key` of a route.
 * - `none`: the path names what is changed, or nothing is
 * - `machine`: a machine's own operation key, which it must send
 * - `money`: the same for a machine; a person may send any key, which counts among that person's own, and whoever
 *   sends none gets a fresh one and cannot repeat
 */
export type KeyRule = 'none' | 'machine' | 'money'

/** A request as it came; who sent it is known. */
export interface Call {
  readonly bank: Bank
  readonly who: Identity | Guest
  /** Parameters of the path and of the query, by name. */
  readonly path: Json
  readonly query: Json
  /** The raw `Idempotency-Key` header, or null. */
  readonly keyHeader: string | null
  /** Null when there was none. */
  readonly body: Json
}

/** A request in order. */
export interface Asked<P, Q, B> {
  readonly bank: Bank
  /** A guest only where the route is open to anyone. */
  readonly who: Identity | Guest
  readonly path: P
  readonly query: Q
  readonly body: B
  /** The operation's key in the bank's own space; empty where the route has none. */
  readonly key: string
}

/** The chapters of the documentation. */
export type Group = 'money' | 'machine' | 'people' | 'office'

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** With `{name}` where a parameter stands. */
  readonly url: string
  /** For generated clients; one for ever. */
  readonly name: string
  readonly group: Group
  readonly summary: string
  readonly callers: readonly Caller[]
  readonly machine: MachineRule
  readonly key: KeyRule
  readonly bodyBytesMax: number
  readonly path: Shape<unknown>
  readonly query: Shape<unknown>
  /** Null for a request without a body. */
  readonly request: Shape<unknown> | null
  /** Each with status 200. */
  readonly answers: readonly Shape<unknown>[]
  /** What it may answer besides what every route may. */
  readonly problems: readonly ProblemName[]
  /** @param call of somebody to whom the route is not closed */
  run(call: Call): Promise<Answer>
}

/** As a row of the table writes it; what is left out has the value of `DEFAULTS`. */
interface Spec<P, Q, B> extends Partial<Omit<Route, 'run' | 'path' | 'query' | 'request'>> {
  readonly method: Route['method']
  readonly url: string
  readonly name: string
  readonly group: Group
  readonly summary: string
  readonly callers: readonly Caller[]
  readonly answers: readonly Shape<unknown>[]
  readonly path?: Shape<P>
  readonly query?: Shape<Q>
  readonly request?: Shape<B>
  readonly run: (asked: Asked<P, Q, B>) => Promise<Answer>
}

const DEFAULTS = {
  machine: 'any',
  key: 'none',
  // The largest message of money has under 1 KiB.
  bodyBytesMax: 16_384,
  problems: [],
} as const satisfies Partial<Route>

const nothing = record({})

/** Makes a row of the table. What the shapes refuse never reaches its `run`. */
export function route<P = object, Q = object, B = null>(spec: Spec<P, Q, B>): Route {
  const whole = {...DEFAULTS, path: nothing, query: nothing, request: null, ...spec}
  const read = {
    path: spec.path ?? absent<P>(),
    query: spec.query ?? absent<Q>(),
    body: spec.request ?? bodiless<B>(),
  }
  return {
    ...whole,
    async run(call) {
      const {bank, who} = call
      const path = read.path.decode(call.path, 'refuse')
      if (path.kind === 'refused') return problemOf('malformed', `the path ${path.why}`)
      const stranger = strangerTo(whole.machine, call)
      if (stranger !== null) return stranger
      const query = read.query.decode(call.query, 'refuse')
      if (query.kind === 'refused') return problemOf('malformed', `the query ${query.why}`)
      const body = read.body.decode(call.body, 'refuse')
      if (body.kind === 'refused') return problemOf('malformed', `the body ${body.why}`)
      const key = keyOf(call, whole.key)
      if (typeof key !== 'string') return key
      return spec.run({bank, who, path: path.value, query: query.value, body: body.value, key})
    },
  }
}

/** The refusal of a caller to whom the route is closed, or null; before anything of the request is read. */
export function closedTo({callers}: Route, who: Identity | Guest): Answer | null {
  if (isAmong(callers, who)) return null
  return who.kind === 'guest'
    ? problemOf('not-signed-in', 'this path needs a certificate or a token')
    : problemOf('not-you', `this path is open to ${callers.join(', ')}`)
}

/** For a route without parameters: P is then the default, an empty object. */
function absent<P>(): Shape<P> {
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- the type parameter has its default exactly where the shape is left out
  return nothing as unknown as Shape<P>
}

/** For a route without a body: B is then the default, null. */
function bodiless<B>(): Shape<B> {
  const shape: Shape<null> = {schema: {}, decode: () => ({kind: 'decoded', value: null})}
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- as above
  return shape as unknown as Shape<B>
}

/** The refusal of a machine that speaks for another one, or null. */
function strangerTo(rule: MachineRule, {who, path}: Call): Answer | null {
  if (who.kind !== 'atm' || rule === 'any') return null
  if (rule === 'itself')
    return parameter(path, 'atm_id') === who.atmId
      ? null
      : problemOf('not-you', 'the machine in the path is not the caller')
  return isKeyOf(parameter(path, 'key'), who.atmId)
    ? null
    : problemOf('not-you', 'the key in the path is not of the calling machine')
}

function keyOf({bank, who, keyHeader}: Call, rule: KeyRule): string | Answer {
  if (rule === 'none') return ''
  assert(who.kind !== 'guest', 'a route with a key is open to guests')
  const key = keyHeader === null ? null : keyOfHeader(keyHeader)
  if (who.kind === 'person') {
    if (keyHeader !== null && key === null)
      return problemOf('key-missing', 'a key is letters, digits, : _ or - in quotation marks')
    // In a space of the person's own, so that nobody can take a machine's key, or another person's.
    return `person:${who.name}:${key ?? newId(bank)}`
  }
  if (key === null || operationKey.decode(key, 'refuse').kind === 'refused')
    return problemOf('key-missing', 'a key is "<terminal>:<business date>:<STAN>" in quotation marks')
  return isKeyOf(key, who.atmId) ? key : problemOf('not-you', 'the key is not of the calling machine')
}

/** The caller of a route that is not open to guests. */
export function identified(who: Identity | Guest): Identity {
  assert(who.kind !== 'guest', 'a guest came through a closed door')
  return who
}

/** The caller of a route for machines alone. */
export function machineOf(who: Identity | Guest): string {
  assert(who.kind === 'atm', 'somebody who is no machine came through a closed door')
  return who.atmId
}

/** The caller of a route for people alone. */
export function nameOf(who: Identity | Guest): string {
  assert(who.kind === 'person', 'somebody who is no person came through a closed door')
  return who.name
}

function isKeyOf(key: string, atmId: string): boolean {
  return key.startsWith(`${atmId}:`)
}

function parameter(path: Json, name: string): string {
  const value = isMap(path) ? path.get(name) : undefined
  return typeof value === 'string' ? value : ''
}
