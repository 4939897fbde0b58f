/**
 * SZZT pads: values to frames and back. Both ends of the wire use it; vectors.json is the witness that
 * neither can talk the other into a shared mistake.
 *
 * A frame is STX, the length of TEXT as three decimal digits, TEXT, ETX and the exclusive-or from the length
 * to ETX as two upper-case hexadecimal digits. TEXT of a reply begins with a binary return code. Bytes
 * outside frames are keys that somebody presses.
 */
import {hexOf, isHex} from '../../../crypto/hex.ts'
import {assert} from '../../../kit/assert.ts'
import type {FrameShape} from '../../wire/framer.ts'
import {decimalCounted, xorOf} from '../../wire/shapes.ts'
import {
  COMMAND,
  CONTROL,
  ETX,
  FRAME_BYTES_MAX,
  FRAME_TIME_MAX_MS,
  KEY_LENGTH,
  KEY_TYPE,
  PIN_FORMAT,
  STX,
  TEXT_BYTES_MAX,
} from './bytes.ts'
import type {ControlName, Profile} from './bytes.ts'

/**
 * How frames are cut out of arriving bytes.
 * @param controls `any` for the host, to whom every byte outside a frame may be a key; none for the pad
 */
export function frameShape(controls: 'any' | readonly number[]): FrameShape {
  return decimalCounted({
    stx: STX,
    etx: ETX,
    controls,
    frameBytesMax: FRAME_BYTES_MAX,
    frameTimeMaxMs: FRAME_TIME_MAX_MS,
  })
}

/** @param text one byte a character; 1 to 999 of them. @throws AssertionFailed when it is longer or empty */
export function encodeFrame(text: Uint8Array): Uint8Array {
  assert(text.length >= 1 && text.length <= TEXT_BYTES_MAX, `a TEXT of ${text.length} bytes`)
  const length = Buffer.from(text.length.toString().padStart(3, '0'), 'latin1')
  const checked = Uint8Array.of(...length, ...text, ETX)
  const check = Buffer.from(hexOf(Uint8Array.of(xorOf(checked))), 'latin1')
  return Uint8Array.of(STX, ...checked, ...check)
}

/** The TEXT of exactly one whole frame; null when the bytes are anything else. */
export function decodeFrame(bytes: Uint8Array): Uint8Array | null {
  if (bytes[0] !== STX) return null
  const measure = SHAPE.measure(bytes)
  if (measure.kind !== 'frame' || measure.lengthBytes !== bytes.length || bytes.length <= ENVELOPE_BYTES)
    return null
  return bytes.slice(4, -3)
}

/** TEXT of a control order. @param value 0 to 255, for the orders whose row holds none */
export function controlText(name: ControlName, value?: number): string {
  const row = CONTROL[name]
  const byte = row.value ?? value
  assert(
    byte !== undefined && byte >= 0 && byte <= 0xff,
    `the control order ${name} needs a value of one byte`,
  )
  return `${COMMAND.control}${row.parameter}${hexByte(byte)}`
}

/** TEXT that loads the scan codes of 24 keys. */
export function keyTableText(table: string): string {
  assert(table.length === 24, `a table of ${table.length} keys`)
  return `${COMMAND.keyTable}${hexOf(Buffer.from(table, 'latin1'))}`
}

/** TEXT that loads a PIN key. @param encryptedKey 16 or 24 bytes, under the master key */
export function loadKeyText(profile: Profile, encryptedKey: Uint8Array): string {
  const length = KEY_LENGTH.get(encryptedKey.length)
  assert(length !== undefined, `a key of ${encryptedKey.length} bytes`)
  const indexes = hexByte(profile.masterKeyIndex) + hexByte(profile.pinKeyIndex)
  return `${COMMAND.loadKey}${indexes}${KEY_TYPE.pin}${length}${hexOf(encryptedKey)}`
}

/** TEXT that starts PIN entry. @param pan digits, with the check digit */
export function startPinText(profile: Profile, pan: string, lengthMax: number): string {
  // The hint digit is what a display of the pad would show; none has one.
  const hint = '0'
  const digits = lengthMax.toString().padStart(2, '0')
  if (profile.dialect === 'panAtStart')
    return `${COMMAND.startPin}${hexByte(profile.pinKeyIndex)}${PIN_FORMAT.iso0}${hint}${digits}${pan}`
  return `${COMMAND.startPin}${START_WITH_BACKSPACE}`
}

/** TEXT that fetches the PIN block. */
export function fetchBlockText(profile: Profile, pan: string): string {
  if (profile.dialect === 'panAtStart') return COMMAND.fetchBlock
  return `${COMMAND.fetchBlock}${hexByte(profile.pinKeyIndex)}${PIN_FORMAT.iso0}${panField(pan)}`
}

/** The twelve right-most PAN digits without the check digit, as a PIN block takes them. */
export function panField(pan: string): string {
  return pan.slice(0, -1).slice(-12).padStart(12, '0')
}

export interface Identification {
  readonly model: string
  readonly hardware: string
  readonly software: string
  readonly serial: string
  /** Null where the field does not read as settings, which is so on pads with other offsets. */
  readonly settings: {readonly lacksMasterKey: boolean; readonly isInputActive: boolean} | null
}

/** Widths of the fields after the return code. */
const FIELDS = {
  user: 50,
  table: 48,
  settings: 20,
  functions: 8,
  model: 6,
  hardware: 3,
  software: 3,
  date: 4,
  serial: 4,
}
const IDENTIFICATION_BYTES = 1 + Object.values(FIELDS).reduce((sum, width) => sum + width, 0)

/** What an identification reply says, or null when it is too short to be one. */
export function decodeIdentification(text: Uint8Array): Identification | null {
  if (text.length < IDENTIFICATION_BYTES) return null
  let at = 1 + FIELDS.user + FIELDS.table
  const next = (width: number) => {
    const field = Buffer.from(text.subarray(at, at + width)).toString('latin1')
    at += width
    return field
  }
  const settings = next(FIELDS.settings)
  next(FIELDS.functions)
  const model = printable(next(FIELDS.model))
  const hardware = printable(next(FIELDS.hardware))
  const software = printable(next(FIELDS.software))
  next(FIELDS.date)
  const serial = printable(next(FIELDS.serial))
  const flags = isHex(settings) ? Number.parseInt(settings.slice(0, 2), 16) : null
  return {
    model,
    hardware,
    software,
    serial,
    settings: flags === null ? null : {lacksMasterKey: (flags & 1) !== 0, isInputActive: (flags & 2) !== 0},
  }
}

/** Six upper-case hexadecimal digits from the reply to a key load, or null when it has another form. */
export function decodeCheckValue(text: Uint8Array): string | null {
  const hex = Buffer.from(text.subarray(1)).toString('latin1')
  return hex.length >= 6 && isHex(hex) ? hex.slice(0, 6).toUpperCase() : null
}

/** The reply to a fetch: how many digits, and the encrypted block; null when it has another form. */
export function decodeBlock(text: Uint8Array): {readonly digits: number; readonly blockHex: string} | null {
  const match = /^[0-9]{2}([0-9]{2})([0-9A-Fa-f]{16})$/.exec(Buffer.from(text.subarray(1)).toString('latin1'))
  const [, digits, blockHex] = match ?? []
  return digits === undefined || blockHex === undefined ? null : {digits: Number(digits), blockHex}
}

/** The body of a PIN start of the pads that take the PAN at the fetch: up to twelve digits, backspace allowed. */
export const START_WITH_BACKSPACE = '00011'

/** STX, three length digits, ETX, two check digits. */
const ENVELOPE_BYTES = 7
const SHAPE = frameShape([])

function hexByte(byte: number): string {
  return hexOf(Uint8Array.of(byte))
}

function printable(field: string): string {
  return field.replaceAll(/[^\x20-\x7e]/g, '').trim()
}
