/**
 * The bank's OpenAPI document as somebody outside reads it: plain JSON and a validator that knows nothing of the
 * shapes it was made from. Every answer that a suite gets is held against it.
 */
import {openapiText} from '../../host/documents.ts'
import {assert, present} from '../../kit/assert.ts'

type Plain = Readonly<Record<string, unknown>>

export const DOCUMENT: Plain = parsed(openapiText())

interface Operation {
  readonly method: string
  readonly path: RegExp
  readonly responses: Plain
}

const OPERATIONS: readonly Operation[] = Object.entries(plain(DOCUMENT['paths'])).flatMap(([url, item]) =>
  Object.entries(plain(item)).map(([method, operation]) => ({
    method: method.toUpperCase(),
    path: new RegExp(`^${url.replaceAll(/\{[a-z_]+\}/g, '[^/]+')}$`),
    responses: plain(plain(operation)['responses']),
  })),
)

/** What the document does not say of this answer; empty when it says all of it. */
export function undocumented(
  method: string,
  url: string,
  answer: {readonly status: number; readonly type: string; readonly json: unknown},
): readonly string[] {
  const path = url.split('?')[0] ?? ''
  const ofPath = OPERATIONS.filter(operation => operation.path.test(path))
  const operation = ofPath.find(each => each.method === method)
  if (operation === undefined) {
    const wanted = ofPath.length === 0 ? 'no-route' : 'wrong-method'
    const {type} = plain(answer.json)
    return type === `urn:tellerd:problem:${wanted}` || type === 'urn:tellerd:problem:malformed'
      ? []
      : [`${method} ${path} is in no document and answers ${String(type)}`]
  }
  const response = operation.responses[answer.status.toString()]
  if (response === undefined) return [`${method} ${path} has no documented status ${answer.status}`]
  const content = plain(plain(response)['content'])[answer.type]
  if (content === undefined) return [`${method} ${path} is not documented to answer ${answer.type}`]
  return faultsOf(answer.json, plain(plain(content)['schema']), 'the answer')
}

/** JSON Schema 2020-12, as much of it as the document may use; a keyword that is not known here is a fault. */
export function faultsOf(value: unknown, schema: Plain, where: string): readonly string[] {
  return Object.entries(schema).flatMap(([keyword, rule]) => {
    const check = KEYWORDS[keyword]
    return check === undefined
      ? [`the schema of ${where} has the keyword ${keyword}`]
      : check(value, rule, where, schema)
  })
}

type Check = (value: unknown, rule: unknown, where: string, schema: Plain) => readonly string[]

const KEYWORDS: Readonly<Record<string, Check>> = {
  $ref: (value, rule, where) => faultsOf(value, referred(String(rule)), where),
  description: () => [],
  type: (value, rule, where) =>
    typesOf(value).includes(String(rule)) ? [] : [`${where} is no ${String(rule)}`],
  enum: (value, rule, where) => (list(rule).includes(value) ? [] : [`${where} is none of ${String(rule)}`]),
  pattern: (value, rule, where) =>
    typeof value !== 'string' || pattern(String(rule)).test(value)
      ? []
      : [`${where} does not match ${String(rule)}`],
  maxLength: (value, rule, where) =>
    typeof value === 'string' && value.length > Number(rule) ? [`${where} is too long`] : [],
  minimum: (value, rule, where) =>
    typeof value === 'number' && value < Number(rule) ? [`${where} is below ${String(rule)}`] : [],
  maximum: (value, rule, where) =>
    typeof value === 'number' && value > Number(rule) ? [`${where} is above ${String(rule)}`] : [],
  maxItems: (value, rule, where) =>
    Array.isArray(value) && value.length > Number(rule) ? [`${where} has too many items`] : [],
  items: (value, rule, where) =>
    Array.isArray(value) ? value.flatMap((item, at) => faultsOf(item, plain(rule), `${where}[${at}]`)) : [],
  properties: (value, rule, where) =>
    Object.entries(plain(rule)).flatMap(([name, inner]) =>
      isPlain(value) && name in value ? faultsOf(value[name], plain(inner), `${where}.${name}`) : [],
    ),
  required: (value, rule, where) =>
    list(rule).flatMap(name =>
      isPlain(value) && String(name) in value ? [] : [`${where} has no ${String(name)}`],
    ),
  additionalProperties: (value, rule, where, schema) => {
    if (rule !== false || !isPlain(value)) return []
    const known = Object.keys(plain(schema['properties'] ?? {}))
    return Object.keys(value).flatMap(name => (known.includes(name) ? [] : [`${where} has ${name}`]))
  },
  allOf: (value, rule, where) => list(rule).flatMap(each => faultsOf(value, plain(each), where)),
  anyOf: (value, rule, where) => {
    const tried = list(rule).map(each => faultsOf(value, plain(each), where))
    return tried.some(faults => faults.length === 0)
      ? []
      : [`${where} is none of its kinds: ${tried.flat().join(', ')}`]
  },
}

const patterns = new Map<string, RegExp>()
/** Compiled once: every answer of every suite passes here. */
function pattern(source: string): RegExp {
  const known = patterns.get(source) ?? new RegExp(source, 'u')
  patterns.set(source, known)
  return known
}

/** @param pointer `#/components/schemas/Name` */
function referred(pointer: string): Plain {
  const name = /^#\/components\/schemas\/([A-Za-z]+)$/.exec(pointer)?.[1]
  return plain(plain(plain(DOCUMENT['components'])['schemas'])[present(name, pointer)])
}

function typesOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return ['array']
  if (value === null) return ['null']
  if (typeof value === 'number') return Number.isInteger(value) ? ['number', 'integer'] : ['number']
  return [typeof value]
}

function list(value: unknown): readonly unknown[] {
  assert(Array.isArray(value), 'the document has no list where one belongs')
  return value
}

export function plain(value: unknown): Plain {
  assert(isPlain(value), 'the document has no object where one belongs')
  return value
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parsed(text: string): Plain {
  const value: unknown = JSON.parse(text)
  return plain(value)
}
