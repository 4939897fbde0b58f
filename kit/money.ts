/**
 * Money: integer minor units with the currency beside them. Text becomes an amount digit by digit,
 * never through a floating-point number.
 */
import {assert} from './assert.ts'

declare const minor: unique symbol
/** An amount in minor units (cents), a safe integer; may be negative in a posting. */
export type Minor = number & {readonly [minor]: true}

/** @throws AssertionFailed unless the number is a safe integer. */
export function minorUnits(value: number): Minor {
  assert(Number.isSafeInteger(value), `${value} is not a whole number of minor units`)
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- the brand's one constructor, just checked
  return value as Minor
}

declare const count: unique symbol
/** A number of notes, a non-negative safe integer; never an index and never an amount. */
export type Count = number & {readonly [count]: true}

/** @throws AssertionFailed unless the number is a non-negative safe integer. */
export function noteCount(value: number): Count {
  assert(Number.isSafeInteger(value) && value >= 0, `${value} is not a count of notes`)
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- the brand's one constructor, just checked
  return value as Count
}

/** ISO 4217 codes with their minor-unit digits. Source: ISO 4217 list one; extend it as machines need more. */
const DIGITS = {
  AED: 2, BHD: 3, BRL: 2, CAD: 2, CHF: 2, CLP: 0, CNY: 2, EUR: 2, GBP: 2, INR: 2,
  JOD: 3, JPY: 0, KRW: 0, KWD: 3, MXN: 2, OMR: 3, PLN: 2, TND: 3, TRY: 2, USD: 2, ZAR: 2,
} as const // prettier-ignore

export type Currency = keyof typeof DIGITS

/** Whether the text is the code of a currency this program knows. */
export function isCurrency(text: string): text is Currency {
  return Object.hasOwn(DIGITS, text)
}

/** Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD. */
export function digitsOf(currency: Currency): number {
  return DIGITS[currency]
}

export type Parsed =
  {readonly kind: 'amount'; readonly amountMinor: Minor} | {readonly kind: 'refused'; readonly why: string}

/**
 * Reads a plain decimal amount such as `60`, `60.0` or `60.00`. Exponents, signs, separators, leading
 * zeros, more digits than the currency has and amounts beyond 999,999,999.99 are refused with the reason.
 */
export function parseAmount(text: string, currency: Currency): Parsed {
  const digits = digitsOf(currency)
  const match = /^(0|[1-9][0-9]{0,8})(?:\.([0-9]+))?$/.exec(text)
  if (match === null) return {kind: 'refused', why: `'${text.slice(0, 40)}' is not a plain decimal amount`}
  const [, whole = '', fraction = ''] = match
  if (fraction.length > digits)
    return {kind: 'refused', why: `'${text.slice(0, 40)}' has more than ${digits} digits for ${currency}`}
  return {kind: 'amount', amountMinor: minorUnits(Number(whole + fraction.padEnd(digits, '0')))}
}

/** The amount as a plain decimal, `1000.00` or `-5.20`: for JSON, logs and records, not for customers. */
export function formatAmount(amountMinor: Minor, currency: Currency): string {
  const digits = digitsOf(currency)
  const text = Math.abs(amountMinor)
    .toString()
    .padStart(digits + 1, '0')
  const sign = amountMinor < 0 ? '-' : ''
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
}
