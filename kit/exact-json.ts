/**
 * JSON in which a number stays the text it was written as, so that an amount of money never becomes a
 * floating-point number on its way in or out. Stricter than JSON.parse: an object that names a field
 * twice is refused, because two readers could see two different amounts in it.
 */
import {assert} from './assert.ts'

/** Longest text read, in UTF-16 units, and deepest nesting. Chosen: the largest message of the bank link is far below. */
const TEXT_LENGTH_MAX = 1_048_576
const DEPTH_MAX = 16

const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y
const SPACE = /[ \t\n\r]*/y

/** A JSON number as its source text, such as `1000.00`. */
export class NumberText {
  readonly source: string

  /** @throws AssertionFailed unless the text is a JSON number; what came from outside is read by `readJson`. */
  constructor(source: string) {
    NUMBER.lastIndex = 0
    assert(NUMBER.exec(source)?.[0] === source, 'the text is not a JSON number')
    this.source = source
  }
}

/** What `readJson` gives: objects are maps, so that no field name can reach a prototype. */
export type Json = null | boolean | string | NumberText | readonly Json[] | ReadonlyMap<string, Json>

export type Read =
  {readonly kind: 'json'; readonly json: Json} | {readonly kind: 'refused'; readonly why: string}

/** What `writeJson` takes; a field that is undefined is left out. */
export type Writable =
  | null
  | boolean
  | string
  | number
  | NumberText
  | readonly Writable[]
  | {readonly [field: string]: Writable | undefined}

/** Reads one JSON text. A refusal names what and where, never the text itself: it may hold a secret. */
export function readJson(text: string): Read {
  if (text.length > TEXT_LENGTH_MAX)
    return {kind: 'refused', why: `text is longer than ${TEXT_LENGTH_MAX} characters`}
  return new Reader(text).whole()
}

/**
 * Writes JSON text without spaces, fields in the order given.
 * @throws AssertionFailed for a number that is not a safe integer: fractions go through NumberText
 */
export function writeJson(value: Writable): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    assert(Number.isSafeInteger(value), `${value} is not a safe integer; a fraction is written from its text`)
    return value.toString()
  }
  if (value instanceof NumberText) return value.source
  if (isList(value)) return `[${value.map(writeJson).join(',')}]`
  const fields = Object.entries(value).flatMap(([name, field]) =>
    field === undefined ? [] : [`${JSON.stringify(name)}:${writeJson(field)}`],
  )
  return `{${fields.join(',')}}`
}

function isList(value: Writable): value is readonly Writable[] {
  return Array.isArray(value)
}

/** One pass over one text; the first refusal ends it. */
class Reader {
  readonly #text: string
  #at = 0
  #why: string | null = null

  constructor(text: string) {
    this.#text = text
  }

  whole(): Read {
    const json = this.#value(0)
    this.#take(SPACE)
    if (this.#why === null && this.#at < this.#text.length) this.#refuse('something follows the value')
    return this.#why === null ? {kind: 'json', json} : {kind: 'refused', why: this.#why}
  }

  #value(depth: number): Json {
    this.#take(SPACE)
    const first = this.#text[this.#at]
    if (depth > DEPTH_MAX) return this.#refuse(`nesting is deeper than ${DEPTH_MAX}`)
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#array(depth)
    if (first === '"') return this.#string()
    const word = this.#take(WORD)
    if (word !== null) return word === 'null' ? null : word === 'true'
    const number = this.#take(NUMBER)
    return number === null ? this.#refuse('no JSON value') : new NumberText(number)
  }

  #object(depth: number): Json {
    const fields = new Map<string, Json>()
    this.#at += 1
    if (this.#punctuation('}')) return fields
    do {
      this.#take(SPACE)
      const name = this.#string()
      if (this.#isRefused()) return null
      if (fields.has(name)) return this.#refuse('a field is named twice')
      if (!this.#punctuation(':')) return this.#refuse('no colon')
      fields.set(name, this.#value(depth + 1))
      if (this.#isRefused()) return null
    } while (this.#punctuation(','))
    return this.#punctuation('}') ? fields : this.#refuse('an object does not end')
  }

  #array(depth: number): Json {
    const items: Json[] = []
    this.#at += 1
    if (this.#punctuation(']')) return items
    do {
      items.push(this.#value(depth + 1))
      if (this.#isRefused()) return null
    } while (this.#punctuation(','))
    return this.#punctuation(']') ? items : this.#refuse('an array does not end')
  }

  #string(): string {
    const quoted = this.#take(STRING)
    if (quoted === null) {
      this.#refuse('no string')
      return ''
    }
    // The pattern admits exactly the strings of JSON, so only the escapes are left to undo.
    const text: unknown = JSON.parse(quoted)
    assert(typeof text === 'string', 'a quoted text was not a string')
    return text
  }

  #punctuation(mark: string): boolean {
    this.#take(SPACE)
    if (this.#text[this.#at] !== mark) return false
    this.#at += 1
    return true
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return null
    this.#at += match[0].length
    return match[0]
  }

  #isRefused(): boolean {
    return this.#why !== null
  }

  #refuse(why: string): null {
    this.#why ??= `${why} at character ${this.#at}`
    return null
  }
}
