/**
 * Shapes: one description of a message that is at once its JSON Schema, its decoder and its TypeScript
 * type. Both ends of the link use them, so they are plain objects and cost nothing at start. A refusal
 * names the field and what it should have been, never what it was: a field may hold a secret.
 */
import {NumberText} from '../../kit/exact-json.ts'
import type {Json} from '../../kit/exact-json.ts'
import {isCurrency} from '../../kit/money.ts'
import type {Currency} from '../../kit/money.ts'

/** The part of JSON Schema 2020-12 that shapes need. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
  readonly enum?: readonly string[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean
}

export type Decoded<T> =
  {readonly kind: 'decoded'; readonly value: T} | {readonly kind: 'refused'; readonly why: string}

/** `refuse` where a field that is not understood could change what is meant; `ignore` where an answer may grow. */
export type UnknownFields = 'refuse' | 'ignore'

export interface Shape<T> {
  readonly schema: JsonSchema
  decode(json: Json, unknownFields: UnknownFields): Decoded<T>
}

/** The value that a shape decodes to. */
export type Of<S> = S extends Shape<infer T> ? T : never

/** A field that may be absent. */
export interface Optional<T> {
  readonly optional: Shape<T>
}

type Field = Shape<unknown> | Optional<unknown>
type Fields = Readonly<Record<string, Field>>
type Present<F extends Fields> = {
  readonly [K in keyof F as F[K] extends Shape<unknown> ? K : never]: Of<F[K]>
}
type Absentable<F extends Fields> = {
  readonly [K in keyof F as F[K] extends Optional<unknown> ? K : never]?: F[K] extends Optional<infer T>
    ? T
    : never
}
type RecordOf<F extends Fields> = Present<F> & Absentable<F>

function decoded<T>(value: T): Decoded<T> {
  return {kind: 'decoded', value}
}

function refused(why: string): {readonly kind: 'refused'; readonly why: string} {
  return {kind: 'refused', why}
}

/** A string that matches the whole pattern, at most `lengthMax` UTF-16 units. */
export function text(description: string, pattern: RegExp, lengthMax: number): Shape<string> {
  return {
    schema: {type: 'string', description, pattern: pattern.source, maxLength: lengthMax},
    decode: json =>
      typeof json === 'string' && json.length <= lengthMax && pattern.test(json)
        ? decoded(json)
        : refused(`is not ${description}`),
  }
}

/** One of a few words. */
export function oneOf<const W extends readonly [string, ...string[]]>(words: W): Shape<W[number]> {
  return {
    schema: {type: 'string', enum: words},
    decode: json => {
      const word = words.find(candidate => candidate === json)
      return word === undefined ? refused(`is not one of ${words.join(', ')}`) : decoded(word)
    },
  }
}

/** A whole number, `least` to `most`. */
export function wholeNumber(description: string, least: number, most: number): Shape<number> {
  return {
    schema: {type: 'integer', description, minimum: least, maximum: most},
    decode: json => {
      const value =
        json instanceof NumberText && /^(?:0|[1-9][0-9]{0,14})$/.test(json.source)
          ? Number(json.source)
          : Number.NaN
      return value >= least && value <= most
        ? decoded(value)
        : refused(`is not a whole number from ${least} to ${most}`)
    },
  }
}

/** The same, written as text: in a query everything is. */
export function digits(description: string, least: number, most: number): Shape<number> {
  return {
    schema: {type: 'integer', description, minimum: least, maximum: most},
    decode: json => {
      const value =
        typeof json === 'string' && /^(?:0|[1-9][0-9]{0,14})$/.test(json) ? Number(json) : Number.NaN
      return value >= least && value <= most
        ? decoded(value)
        : refused(`is not a whole number from ${least} to ${most}`)
    },
  }
}

export const flag: Shape<boolean> = {
  schema: {type: 'boolean'},
  decode: json => (typeof json === 'boolean' ? decoded(json) : refused('is not true or false')),
}

/** Digits before the point, and after it whatever the currency. Source: `parseAmount`, and ISO 4217, where no currency has more than four. */
const WHOLE_DIGITS_MAX = 9
const FRACTION_DIGITS_MAX = 4

/**
 * An amount in major units as JSON writes it, `100.00`. It stays text; who knows the currency makes minor
 * units of it with `parseAmount`.
 * @param sign `signed` for a balance, which may be below zero
 */
export function amount(description: string, sign: 'unsigned' | 'signed'): Shape<NumberText> {
  return {
    schema: {
      type: 'number',
      description: `${description}; plain digits, at most as many after the point as the currency has`,
      ...(sign === 'unsigned' ? {minimum: 0} : {}),
    },
    decode: json => {
      if (typeof json === 'string') return refused('is text; an amount is a number such as 100.00')
      if (!(json instanceof NumberText)) return refused('is no number')
      const [, minus = '', whole = '', fraction = '', exponent] =
        /^(-?)([0-9]+)(?:\.([0-9]+))?(.*)$/.exec(json.source) ?? []
      if (exponent !== '') return refused('is written with an exponent')
      if (minus !== '' && sign === 'unsigned') return refused('is below zero')
      if (whole.length > WHOLE_DIGITS_MAX)
        return refused(`has more than ${WHOLE_DIGITS_MAX} digits before the point`)
      if (fraction.length > FRACTION_DIGITS_MAX)
        return refused(`has more than ${FRACTION_DIGITS_MAX} digits after the point`)
      return decoded(json)
    },
  }
}

/** An ISO 4217 code that this program knows. */
export const currency: Shape<Currency> = {
  schema: {type: 'string', description: 'ISO 4217 code', pattern: '^[A-Z]{3}$'},
  decode: json =>
    typeof json === 'string' && isCurrency(json) ? decoded(json) : refused('is not a known currency code'),
}

/** A list of at most `lengthMax` of the same. */
export function list<T>(item: Shape<T>, lengthMax: number): Shape<readonly T[]> {
  return {
    schema: {type: 'array', items: item.schema, maxItems: lengthMax},
    decode: (json, unknownFields) => {
      if (!isList(json) || json.length > lengthMax) return refused(`is not a list of at most ${lengthMax}`)
      const values: T[] = []
      for (const [index, element] of json.entries()) {
        const one = item.decode(element, unknownFields)
        if (one.kind === 'refused') return refused(`item ${index} ${one.why}`)
        values.push(one.value)
      }
      return decoded(values)
    },
  }
}

/** The field may be left out; null is not leaving it out. */
export function optional<T>(shape: Shape<T>): Optional<T> {
  return {optional: shape}
}

/** An object with exactly these fields, as far as `unknownFields` says. */
export function record<const F extends Fields>(fields: F): Shape<RecordOf<F>> {
  const entries = Object.entries(fields).map(([name, field]) =>
    'optional' in field
      ? {name, shape: field.optional, required: false}
      : {name, shape: field, required: true},
  )
  const names = new Set(entries.map(({name}) => name))
  return {
    schema: {
      type: 'object',
      properties: Object.fromEntries(entries.map(({name, shape}) => [name, shape.schema])),
      required: entries.filter(({required}) => required).map(({name}) => name),
      additionalProperties: false,
    },
    decode: (json, unknownFields) => {
      if (!isMap(json)) return refused('is not an object')
      if (unknownFields === 'refuse')
        for (const name of json.keys())
          if (!names.has(name)) return refused(`has a field that is not known here`)
      const values: [string, unknown][] = []
      for (const {name, shape, required} of entries) {
        const value = json.get(name)
        if (value === undefined) {
          if (required) return refused(`has no field ${name}`)
          continue
        }
        const one = shape.decode(value, unknownFields)
        if (one.kind === 'refused') return refused(`field ${name} ${one.why}`)
        values.push([name, one.value])
      }
      // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- every field was just decoded by its own shape
      return decoded(Object.fromEntries(values) as RecordOf<F>)
    },
  }
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json)
}

/** An object, as `readJson` gives it. */
export function isMap(json: Json): json is ReadonlyMap<string, Json> {
  return json instanceof Map
}
