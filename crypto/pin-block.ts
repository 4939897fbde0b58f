/**
 * PIN blocks of ISO 9564-1: the PIN in the form in which it is encrypted. Formats 0 and 3 bind the PIN to the
 * card's number, 1 does not; all three go under triple DES. Format 4 goes under AES, and what encrypts is part
 * of it, so there is no clear block to be had.
 *
 * A clear block is as secret as the PIN. No message here repeats a PIN, a PAN or a block.
 */
import {createCipheriv, createDecipheriv} from 'node:crypto'
import {assert} from '../kit/assert.ts'
import {Secret} from '../kit/secret.ts'
import {bytesOfHex, hexOf} from './hex.ts'
import {xored} from './xor.ts'

/** Bytes of a block of formats 0, 1 and 3. */
export const DES_PIN_BLOCK_BYTES = 8
/** Bytes of a block of format 4, and how many of them are chance. */
export const AES_PIN_BLOCK_BYTES = 16
export const AES_PIN_SALT_BYTES = 8
/** Fewest and most digits of a PIN (ISO 9564-1). */
export const PIN_DIGITS_MIN = 4
export const PIN_DIGITS_MAX = 12
/** Places of a block for PIN and fill, after control and length. */
export const PIN_PLACES = 14
/** Digits of a PAN: the shortest in use, and the longest of ISO/IEC 7812-1. */
const PAN_DIGITS_MIN = 8
const PAN_DIGITS_MAX = 19
/** Digits of the PAN that go into the block: right-most, without the check digit. */
const PAN_FIELD_DIGITS = 12
/** Digits of a PAN in format 4; a shorter one is filled with zeros on the left. */
const AES_PAN_DIGITS_MIN = 12

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
  return xored(pinField('0', pin, 'F'.repeat(PIN_PLACES - pin.length)), panField(pan))
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
  return openedPinField('0', unbound(block, pan), /^F+$/)
}

/**
 * Builds the clear format 1 block, for a PIN without a card's number: `1`, length, PIN, and what never comes twice.
 * @param pin 4 to 12 digits
 * @param fill 14 upper-case hexadecimal digits less the PIN's: a running number, a time, chance
 * @throws AssertionFailed unless `isPin(pin)` and the fill fits
 */
export function encodeIso1(pin: string, fill: string): Uint8Array {
  assert(/^[0-9A-F]*$/.test(fill), 'a fill that is not hexadecimal')
  return pinField('1', pin, fill)
}

/** Opens a clear format 1 block of 8 bytes; `malformed` as for format 0. */
export function decodeIso1(block: Uint8Array): OpenedPinBlock {
  return openedPinField('1', block.length === DES_PIN_BLOCK_BYTES ? block : null, /^[0-9A-F]+$/)
}

/**
 * Builds the clear format 2 block, as it goes to a chip card: `2`, length, PIN, filled with F.
 * @param pin 4 to 12 digits
 * @throws AssertionFailed unless `isPin(pin)`
 */
export function encodeIso2(pin: string): Uint8Array {
  return pinField('2', pin, 'F'.repeat(PIN_PLACES - pin.length))
}

/**
 * Builds the clear format 3 block: as format 0, filled by chance so that equal PINs make unequal blocks.
 * @param pin 4 to 12 digits
 * @param pan as for `encodeIso0`
 * @param fill 14 letters A to F less the PIN's digits
 * @throws AssertionFailed unless `isPin(pin)`, `isPan(pan)` and the fill fits
 */
export function encodeIso3(pin: string, pan: string, fill: string): Uint8Array {
  assert(/^[A-F]*$/.test(fill), 'a fill that is not letters A to F')
  return xored(pinField('3', pin, fill), panField(pan))
}

/** Opens a clear format 3 block; all as for `decodeIso0`. */
export function decodeIso3(block: Uint8Array, pan: string): OpenedPinBlock {
  return openedPinField('3', unbound(block, pan), /^[A-F]+$/)
}

/**
 * The encrypted format 4 block.
 * @param key 16, 24 or 32 bytes
 * @param pin 4 to 12 digits
 * @param pan 8 to 19 digits
 * @param salt 8 random bytes
 * @returns 16 bytes
 * @throws AssertionFailed on anything else
 */
export function encryptIso4(key: Uint8Array, pin: string, pan: string, salt: Uint8Array): Uint8Array {
  assert(salt.length === AES_PIN_SALT_BYTES, `a salt of ${salt.length} bytes`)
  const field = Uint8Array.of(...pinField('4', pin, 'A'.repeat(PIN_PLACES - pin.length)), ...salt)
  return aesBlock('encrypt', key, xored(aesBlock('encrypt', key, field), aesPanField(pan)))
}

/**
 * Opens an encrypted format 4 block.
 * @param key as for `encryptIso4`
 * @param pan as for `encryptIso4`
 * @returns `malformed` for anything that `encryptIso4` would not have made with this key and PAN
 */
export function decryptIso4(key: Uint8Array, block: Uint8Array, pan: string): OpenedPinBlock {
  const bound = aesPanField(pan)
  if (block.length !== AES_PIN_BLOCK_BYTES) return {kind: 'malformed'}
  const field = aesBlock('decrypt', key, xored(aesBlock('decrypt', key, block), bound))
  return openedPinField('4', field.subarray(0, AES_PIN_BLOCK_BYTES - AES_PIN_SALT_BYTES), /^A+$/)
}

/**
 * The PIN's part of a block, 8 bytes: control digit, length, PIN, fill.
 * @throws AssertionFailed unless `isPin(pin)` and the fill has the digits that are left of 14
 */
function pinField(control: '0' | '1' | '2' | '3' | '4', pin: string, fill: string): Uint8Array {
  assert(isPin(pin), `a PIN of ${pin.length} characters is not 4 to 12 digits`)
  assert(pin.length + fill.length === PIN_PLACES, `a fill of ${fill.length} characters`)
  return bytesOfHex(`${control}${pin.length.toString(16)}${pin}${fill}`)
}

/** The way back from `pinField`. @param field null when the block had another size @param fillForm what the fill must be */
function openedPinField(
  control: '0' | '1' | '3' | '4',
  field: Uint8Array | null,
  fillForm: RegExp,
): OpenedPinBlock {
  if (field === null) return {kind: 'malformed'}
  const text = hexOf(field)
  const length = Number.parseInt(text.slice(1, 2), 16)
  const pin = text.slice(2, 2 + length)
  const fill = text.slice(2 + length)
  return text.startsWith(control) && isPin(pin) && fillForm.test(fill)
    ? {kind: 'pin', pin: new Secret(pin)}
    : {kind: 'malformed'}
}

/** The block with the PAN taken out of it again; null when it has another size. */
function unbound(block: Uint8Array, pan: string): Uint8Array | null {
  const field = panField(pan)
  return block.length === DES_PIN_BLOCK_BYTES ? xored(block, field) : null
}

function panField(pan: string): Uint8Array {
  assert(isPan(pan), `a PAN of ${pan.length} characters is not 8 to 19 digits`)
  return bytesOfHex(
    pan
      .slice(0, -1)
      .slice(-PAN_FIELD_DIGITS)
      .padStart(2 * DES_PIN_BLOCK_BYTES, '0'),
  )
}

function isDigits(text: string, lengthMin: number, lengthMax: number): boolean {
  return text.length >= lengthMin && text.length <= lengthMax && /^[0-9]+$/.test(text)
}

/** How many digits more than twelve, the digits, zeros. */
function aesPanField(pan: string): Uint8Array {
  assert(isPan(pan), `a PAN of ${pan.length} characters is not 8 to 19 digits`)
  const digits = pan.padStart(AES_PAN_DIGITS_MIN, '0')
  return bytesOfHex(`${digits.length - AES_PAN_DIGITS_MIN}${digits}`.padEnd(2 * AES_PIN_BLOCK_BYTES, '0'))
}

function aesBlock(way: 'encrypt' | 'decrypt', key: Uint8Array, block: Uint8Array): Uint8Array {
  assert([16, 24, 32].includes(key.length), `an AES key of ${key.length} bytes`)
  const algorithm = `aes-${8 * key.length}-ecb`
  const cipher =
    way === 'encrypt' ? createCipheriv(algorithm, key, null) : createDecipheriv(algorithm, key, null)
  return Uint8Array.from(Buffer.concat([cipher.setAutoPadding(false).update(block), cipher.final()]))
}
