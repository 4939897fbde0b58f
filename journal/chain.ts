/**
 * The chain that makes a changed journal show: canonical text of a row, and the hash that ties it to the row
 * before. Pure, so that an auditor can recompute it from the JSON lines of an export with nothing but SHA-256.
 *
 * It shows any change, deletion, swap or insertion of rows. It cannot show that rows are missing at the end, nor a
 * journal rewritten as a whole: for that somebody outside must know an earlier hash (the header of an export).
 */
import {hash} from 'node:crypto'
import {AssertionFailed, assert} from '../kit/assert.ts'
import {Secret} from '../kit/secret.ts'

/** What stands for "the hash before" in the first row: 64 zeros. */
export const GENESIS = '0'.repeat(64)

/** Deepest nesting of a body; ours are at most five deep. */
const DEPTH_MAX = 12

/** A row as the table holds it, but for its hash. `body` is canonical JSON text. */
export interface ChainedRow {
  readonly seq: number
  readonly session: string | null
  readonly atMs: number
  readonly kind: string
  readonly answers: number | null
  readonly body: string
}

/** The row as one canonical JSON object, its body inside as an object. */
export function rowJson({seq, session, atMs, kind, answers, body}: ChainedRow): string {
  const sessionText = session === null ? 'null' : stringJson(session)
  return `{"answers":${answers ?? 'null'},"atMs":${atMs},"body":${body},"kind":${stringJson(kind)},"seq":${seq},"session":${sessionText}}`
}

/**
 * SHA-256, in lower-case hexadecimal, over the previous row's hash (as text), a newline and `rowJson`, in UTF-8.
 * @param previous the hash of the row before, GENESIS for row 1
 */
export function chainHash(previous: string, row: ChainedRow): string {
  return hash('sha256', `${previous}\n${rowJson(row)}`)
}

/**
 * The one text of a value: keys sorted by code unit, no spaces, whole numbers only, and every control and
 * direction character escaped, so that no text from outside can reorder or hide what an auditor reads.
 * @throws AssertionFailed for anything a journal must not hold or could not give back unchanged: a Secret, a
 * fraction, a BigInt, undefined, a function, bytes, dates and every other object that is not a plain record or list.
 */
export function canonicalJson(value: unknown, depth = 0): string {
  assert(depth <= DEPTH_MAX, `a body is nested deeper than ${DEPTH_MAX}`)
  if (value === null) return 'null'
  if (typeof value === 'string') return stringJson(value)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value))
      throw new AssertionFailed(`a body holds ${value}, which is not a safe integer`)
    return (value === 0 ? 0 : value).toString()
  }
  assert(typeof value === 'object', `a body holds a ${typeof value}`)
  assert(!(value instanceof Secret), 'a body holds a secret')
  if (Array.isArray(value)) return `[${value.map(item => canonicalJson(item, depth + 1)).join(',')}]`
  const prototype: unknown = Object.getPrototypeOf(value)
  assert(
    prototype === Object.prototype || prototype === null,
    'a body holds an object that is no plain record',
  )
  return recordJson(Object.entries(value), depth)
}

function recordJson(fields: [string, unknown][], depth: number): string {
  // By code units, whatever the locale.
  fields.sort(([a], [b]) => (a < b ? -1 : 1))
  let text = ''
  for (const [key, field] of fields)
    text += `${text === '' ? '{' : ','}${stringJson(key)}:${canonicalJson(field, depth + 1)}`
  return text === '' ? '{}' : `${text}}`
}

/** DEL and C1 controls; zero-width, line-separating and direction characters; specials. JSON.stringify escapes C0 and lone surrogates. */
const HIDDEN = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/g

/** Text of which JSON needs to escape nothing: nearly all of ours. */
const PLAIN = /^[ !#-[\]-~]*$/

function stringJson(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(
    HIDDEN,
    hidden => `\\u${hidden.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
