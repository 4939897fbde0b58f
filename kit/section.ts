/**
 * Reads a JSON object that a person wrote: settings, or the world of an emulated device. Every refusal is one
 * line with the path to the field; a field that nobody asked for is refused, so that a misspelt one is not passed over.
 */
import {BadInput} from './errors.ts'
import {NumberText} from './exact-json.ts'
import type {Json} from './exact-json.ts'
import {formatAmount, minorUnits, parseAmount} from './money.ts'
import type {Currency, Minor} from './money.ts'

/** For `oneOf`: whether a text is one of those words. */
export function isIn<const T extends string>(all: readonly T[]): (text: string) => text is T {
  return (text): text is T => all.some(one => one === text)
}

/** One object of a file, with its path for the error line. */
export class Section {
  readonly #path: string
  readonly #value: Json
  readonly #noun: string
  readonly #asked = new Set<string>()

  /**
   * @param path before the error line, such as the name of the file; empty for none
   * @param noun what a field is called when it is unknown: `setting`
   */
  constructor(path: string, value: Json, noun: string) {
    this.#path = path
    this.#value = value
    this.#noun = noun
  }

  /** Whether the field is there; it counts as asked for. */
  has(field: string): boolean {
    return this.#field(field) !== undefined
  }

  /** What `read` makes of the section; a field that it does not know is refused. */
  closed<T>(read: (section: Section) => T): T {
    if (!isFields(this.#value)) throw new BadInput(this.#at('must be an object'))
    const result = read(this)
    const unknown = [...this.#value.keys()].find(field => !this.#asked.has(field))
    if (unknown !== undefined) this.refuse(unknown, `is no ${this.#noun}`)
    return result
  }

  refuse(field: string, why: string): never {
    throw new BadInput(this.#at(`${field} ${why}`))
  }

  section(field: string): Section {
    return new Section(this.#at(field), this.#field(field) ?? new Map(), this.#noun)
  }

  text(field: string, shape: RegExp, hint: string, byDefault?: string): string {
    const value = this.#field(field) ?? byDefault
    if (typeof value !== 'string' || !shape.test(value)) this.refuse(field, `must be ${hint}`)
    return value
  }

  itself(shape: RegExp, hint: string): string {
    if (typeof this.#value !== 'string' || !shape.test(this.#value))
      throw new BadInput(this.#at(`must be ${hint}`))
    return this.#value
  }

  oneOf<T extends string>(field: string, is: (text: string) => text is T, hint: string, byDefault?: T): T {
    const value = this.#field(field) ?? byDefault
    if (typeof value !== 'string' || !is(value)) this.refuse(field, `must be ${hint}`)
    return value
  }

  flag(field: string, byDefault?: boolean): boolean {
    const value = this.#field(field) ?? byDefault
    if (typeof value !== 'boolean') this.refuse(field, 'must be true or false')
    return value
  }

  integer(field: string, least: number, most: number, byDefault?: number): number {
    const value = this.#field(field)
    if (value === undefined && byDefault !== undefined) return byDefault
    return new Section(this.#at(field), value ?? null, this.#noun).whole(least, most)
  }

  /** The item of a list as a whole number. */
  whole(least: number, most: number): number {
    const value = this.#value
    const number =
      value instanceof NumberText && /^(0|-?[1-9][0-9]{0,14})$/.test(value.source)
        ? Number(value.source)
        : NaN
    if (!(number >= least && number <= most))
      throw new BadInput(`${this.#path} must be a whole number from ${least} to ${most}`)
    return number
  }

  /** An amount in the currency, written as text or number: `"20.00"`. Bounds in minor units. */
  amount(field: string, currency: Currency, least: number, most: number, byDefault?: number): Minor {
    const value = this.#field(field)
    if (value === undefined && byDefault !== undefined) return minorUnits(byDefault)
    const text = value instanceof NumberText ? value.source : value
    const parsed = typeof text === 'string' ? parseAmount(text, currency) : null
    if (parsed?.kind !== 'amount')
      this.refuse(field, `must be an amount in ${currency}${parsed === null ? '' : `: ${parsed.why}`}`)
    if (parsed.amountMinor < least || parsed.amountMinor > most)
      this.refuse(
        field,
        `must be from ${formatAmount(minorUnits(least), currency)} to ${formatAmount(minorUnits(most), currency)}`,
      )
    return parsed.amountMinor
  }

  list<T>(
    field: string,
    lengthMin: number,
    lengthMax: number,
    read: (section: Section) => T,
    byDefault?: readonly T[],
  ): readonly T[] {
    const value = this.#field(field)
    if (value === undefined && byDefault !== undefined) return byDefault
    if (value === undefined || !isList(value) || value.length < lengthMin || value.length > lengthMax)
      this.refuse(field, `must be a list of ${lengthMin} to ${lengthMax}`)
    return value.map((item, index) => read(new Section(this.#at(`${field}[${index}]`), item, this.#noun)))
  }

  #at(more: string): string {
    return this.#path === '' ? more : `${this.#path}: ${more}`
  }

  #field(field: string): Json | undefined {
    this.#asked.add(field)
    return isFields(this.#value) ? this.#value.get(field) : undefined
  }
}

function isFields(value: Json): value is ReadonlyMap<string, Json> {
  return value instanceof Map
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
