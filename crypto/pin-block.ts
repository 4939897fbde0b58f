/**
 * PIN blocks of ISO 9564-1: the PIN in the form in which it is encrypted. Format 0, which binds the PIN
 * to the card's number and goes under triple DES.
 *
 * A clear block is as secret as the PIN. No message here repeats a PIN, a PAN or a block.
 */
import {assert} from '../kit/assert.ts'
import {Secret} from '../kit/secret.ts'
import {bytesOfHex, hexOf} from './hex.ts'

/** Bytes of a format 0 block. */
export const ISO0_BLOCK_BYTES = 8
/** Fewest and most digits of a PIN (ISO 9564-1). */
export const PIN_DIGITS_MIN = 4
export const PIN_DIGITS_MAX = 12
/** Digits of a PAN: the shortest in use, and the longest of ISO/IEC 7812-1. */
const PAN_DIGITS_MIN = 8
const PAN_DIGITS_MAX = 19
/** Digits of the PAN that go into the block: right-most, without the check digit. */
const PAN_FIELD_DIGITS = 12

export type OpenedPinBlock =
  {readonly kind: 'pin'; readonly pin: Secret<string>} | {readonly kind: 'malformed'}

/** Whether the text is 4 to 12 decimal digits. */
export function isPin(text: string): boolean {
  return isDigits(text, PIN_DIGITS_MIN, PIN_DIGITS_MAX)
}

/** Whether the text is 8 to 19 decimal digits; the check digit is not verified. */
export function isPan(text: string): boolean {
  return isDigits(text, PAN_DIGITS_MIN, PAN_DIGITS_MAX)
}

/**
 * Builds the clear format 0 block: `0`, length, PIN, filled with F, xor four zeros and twelve PAN digits.
 * @param pin 4 to 12 digits
 * @param pan 8 to 19 digits with the check digit; a PAN of under 13 digits is filled with zeros on the left
 * @returns 8 bytes
 * @throws AssertionFailed unless `isPin(pin)` and `isPan(pan)`
 */
export function encodeIso0(pin: string, pan: string): Uint8Array {
  assert(isPin(pin), `a PIN of ${pin.length} characters is not 4 to 12 digits`)
  const pinField = bytesOfHex(`0${pin.length.toString(16)}${pin}`.padEnd(2 * ISO0_BLOCK_BYTES, 'F'))
  return xored(pinField, panField(pan))
}

/**
 * Opens a clear format 0 block.
 * @param block 8 bytes, as deciphered
 * @param pan as for `encodeIso0`
 * @returns `malformed` for anything that `encodeIso0` would not have built with this PAN, which is what a
 * wrong key or another card's PAN nearly always gives
 * @throws AssertionFailed unless `isPan(pan)`
 */
export function decodeIso0(block: Uint8Array, pan: string): OpenedPinBlock {
  const field = panField(pan)
  if (block.length !== ISO0_BLOCK_BYTES) return {kind: 'malformed'}
  // The length digit is matched as its own group because it says where the PIN ends and the fill begins.
  const match = /^0([4-9A-C])([0-9]{4,12})(F{2,10})$/.exec(hexOf(xored(block, field)))
  const [, length = '', pin = ''] = match ?? []
  if (match === null || pin.length !== Number.parseInt(length, 16)) return {kind: 'malformed'}
  return {kind: 'pin', pin: new Secret(pin)}
}

function panField(pan: string): Uint8Array {
  assert(isPan(pan), `a PAN of ${pan.length} characters is not 8 to 19 digits`)
  return bytesOfHex(
    pan
      .slice(0, -1)
      .slice(-PAN_FIELD_DIGITS)
      .padStart(2 * ISO0_BLOCK_BYTES, '0'),
  )
}

function xored(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((byte, index) => byte ^ (right[index] ?? 0))
}

function isDigits(text: string, lengthMin: number, lengthMax: number): boolean {
  return text.length >= lengthMin && text.length <= lengthMax && /^[0-9]+$/.test(text)
}
