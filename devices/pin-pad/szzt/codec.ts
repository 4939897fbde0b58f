/**
 * SZZT pads: values to frames and back. Both ends of the wire use it; vectors.json is the witness that
 * neither can talk the other into a shared mistake.
 *
 * A frame is STX, the length of TEXT as three decimal digits, TEXT, ETX and the exclusive-or from the length
 * to ETX as two upper-case hexadecimal digits. TEXT of a reply begins with a binary return code. Bytes
 * outside frames are keys that somebody presses.
 */
import {bytesOfHex, hexOf, isHex} from '../../../crypto/hex.ts'
import {assert, present} from '../../../kit/assert.ts'
import type {FrameShape} from '../../wire/framer.ts'
import {decimalCounted, xorOf} from '../../wire/shapes.ts'
import {
  AUTHENTICATION_BYTES,
  COMMAND,
  COMMAND_GAP_MAX_MS,
  CONTROL,
  ETX,
  FRAME_BYTES_MAX,
  FRAME_TIME_MAX_MS,
  KEY_LENGTH,
  LONG_TEXT_BYTES_MAX,
  PIN_FORMAT,
  STX,
  TEXT_BYTES_MAX,
} from './bytes.ts'
import type {ControlName, KeyType, Profile} from './bytes.ts'

/**
 * How frames are cut out of arriving bytes.
 * @param side the host, to whom every byte outside a frame may be a key, or the pad, which bears a slow host
 */
export function frameShape(side: 'host' | 'pad', longText: boolean): FrameShape {
  return decimalCounted({
    stx: STX,
    etx: ETX,
    frameBytesMax: FRAME_BYTES_MAX,
    longText,
    ...(side === 'host'
      ? {controls: 'any', frameTimeMaxMs: FRAME_TIME_MAX_MS}
      : {controls: [], frameTimeMaxMs: Infinity, byteGapMaxMs: COMMAND_GAP_MAX_MS}),
  })
}

/** @param text one byte a character; 1 to 2047 of them. @throws AssertionFailed when it is longer or empty */
export function encodeFrame(text: Uint8Array): Uint8Array {
  assert(text.length >= 1 && text.length <= LONG_TEXT_BYTES_MAX, `a TEXT of ${text.length} bytes`)
  const count =
    text.length <= TEXT_BYTES_MAX
      ? text.length.toString().padStart(3, '0')
      : `000${text.length.toString().padStart(4, '0')}`
  const etxAt = 1 + count.length + text.length
  const frame = new Uint8Array(etxAt + 3)
  frame[0] = STX
  frame.set(Buffer.from(count, 'latin1'), 1)
  frame.set(text, 1 + count.length)
  frame[etxAt] = ETX
  frame.set(Buffer.from(hexOf(Uint8Array.of(xorOf(frame.subarray(1, etxAt + 1)))), 'latin1'), etxAt + 1)
  return frame
}

/** The TEXT of exactly one whole frame; null when the bytes are anything else, or the TEXT is empty. */
export function decodeFrame(bytes: Uint8Array, longText = false): Uint8Array | null {
  if (bytes[0] !== STX) return null
  const measure = (longText ? LONG_SHAPE : SHORT_SHAPE).measure(bytes)
  if (measure.kind !== 'frame' || measure.lengthBytes !== bytes.length) return null
  const isLong = longText && Buffer.from(bytes.subarray(1, 4)).toString('latin1') === '000'
  const text = bytes.slice(isLong ? 8 : 4, -3)
  return text.length === 0 ? null : text
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

/** TEXT that sets the least or most digits of a PIN. @param digits 0 to 12 */
export function lengthText(profile: Profile, name: 'lengthMin' | 'lengthMax', digits: number): string {
  if (profile.lengthsAs === 'hexadecimal') return controlText(name, digits)
  return `${COMMAND.control}${CONTROL[name].parameter}${digits.toString().padStart(2, '0')}`
}

/** TEXT that loads the scan codes of 24 keys. */
export function keyTableText(table: string): string {
  assert(table.length === 24, `a table of ${table.length} keys`)
  return `${COMMAND.keyTable}${hexOf(Buffer.from(table, 'latin1'))}`
}

/** TEXT that loads a key. @param key 8, 16 or 24 bytes, under the master key */
export function loadKeyText(profile: Profile, type: KeyType, index: number, key: Uint8Array): string {
  const indexes = hexByte(profile.masterKeyIndex) + hexByte(index)
  return `${COMMAND.loadKey}${indexes}${type}${lengthDigit(key)}${hexOf(key)}`
}

/** TEXT that loads a key in clear. @param key 8, 16 or 24 bytes */
export function loadClearKeyText(profile: Profile, type: KeyType, index: number, key: Uint8Array): string {
  const digit = lengthDigit(key) - 1 + profile.clearLengthFrom
  return `${COMMAND.loadClearKey}${hexByte(index)}${type}${digit}${hexOf(key)}`
}

/** TEXT that starts PIN entry. @param pan digits, with the check digit */
export function startPinText(profile: Profile, pan: string, lengthMax: number): string {
  // The hint digit is what a display of the pad would show; none has one.
  const hint = '0'
  const digits = lengthMax.toString().padStart(2, '0')
  if (profile.dialect === 'panAtStart')
    return `${COMMAND.startPin}${hexByte(profile.pinKeyIndex)}${PIN_FORMAT.iso0}${hint}${digits}${pan}`
  return `${COMMAND.startPin}${profile.clearErases === 'last' ? START_WITH_BACKSPACE : START_WITHOUT}`
}

/** TEXT that fetches the PIN block. */
export function fetchBlockText(profile: Profile, pan: string): string {
  if (profile.dialect === 'panAtStart') return COMMAND.fetchBlock
  return `${COMMAND.fetchBlock}${hexByte(profile.pinKeyIndex)}${PIN_FORMAT.iso0}${panField(pan)}`
}

/** TEXT of a MAC: the message goes as it is. @param type one character */
export function macText(index: number, type: string, message: Uint8Array): string {
  return `${COMMAND.mac}${hexByte(index)}${type}${Buffer.from(message).toString('latin1')}`
}

/** TEXT of one step of the authentication. @param step a byte of `AUTHENTICATION`, or the index of a key @param bytes 16 */
export function authenticateText(step: number, bytes: Uint8Array): string {
  assert(bytes.length === AUTHENTICATION_BYTES, `an authentication of ${bytes.length} bytes`)
  return `${COMMAND.authenticate}${hexByte(step)}${hexOf(bytes)}`
}

/** The twelve right-most PAN digits without the check digit, as a PIN block takes them. */
export function panField(pan: string): string {
  return pan.slice(0, -1).slice(-12).padStart(12, '0')
}

export interface Identification {
  readonly user: string
  readonly functions: string
  readonly model: string
  readonly hardware: string
  readonly software: string
  /** As the pad writes it. */
  readonly made: string
  readonly serial: string
  /** Null where the field does not read as settings, which is so on pads with other offsets. */
  readonly settings: Settings | null
}

/** What the pad is set to. */
export interface Settings {
  /** The pad says that it has no initial master key, and serves for nothing until it gets one. */
  readonly lacksMasterKey: boolean
  readonly isInputActive: boolean
  readonly keyTone: boolean
  readonly inputTimeS: number
  readonly mask: number
  readonly lengthMin: number
  readonly lengthMax: number
  /** Null when the byte names none of the eight. */
  readonly baudRate: number | null
  readonly hex: 'plain' | 'broken'
  /** Hundredths of a second. */
  readonly beepTime: number
}

/** Rates by their byte in the settings, from 30. */
export const RATES: readonly number[] = [1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200]

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
/** Without them it is no identification; what follows is for people, and pads differ in it by a character or two. */
const IDENTIFICATION_BYTES_MIN = 1 + FIELDS.user + FIELDS.table + FIELDS.settings
/** Characters of the user's own text. */
export const USER_TEXT_CHARACTERS = FIELDS.user

/** What an identification reply says, or null when it is too short to be one. */
export function decodeIdentification(text: Uint8Array): Identification | null {
  if (text.length < IDENTIFICATION_BYTES_MIN) return null
  let at = 1
  const next = (width: number) => {
    const field = Buffer.from(text.subarray(at, at + width)).toString('latin1')
    at += width
    return field
  }
  const user = printable(next(FIELDS.user))
  next(FIELDS.table)
  const settings = plainHex(next(FIELDS.settings))
  return {
    user,
    settings: isHex(settings) ? decodeSettings(bytesOfHex(settings)) : null,
    functions: printable(next(FIELDS.functions)),
    model: printable(next(FIELDS.model)),
    hardware: printable(next(FIELDS.hardware)),
    software: printable(next(FIELDS.software)),
    made: printable(next(FIELDS.date)),
    serial: printable(next(FIELDS.serial)),
  }
}

function decodeSettings(bytes: Uint8Array): Settings {
  const [
    flags = 0,
    ,
    inputTimeS = 0,
    mask = 0,
    lengthMin = 0,
    lengthMax = 0,
    rate = 0,
    hex = 0,
    beepTime = 0,
  ] = bytes
  return {
    lacksMasterKey: (flags & 1) !== 0,
    isInputActive: (flags & 2) !== 0,
    keyTone: (flags & 4) !== 0,
    inputTimeS,
    mask,
    lengthMin,
    lengthMax,
    baudRate: RATES[rate - 0x30] ?? null,
    hex: hex === CONTROL.brokenHex.value ? 'broken' : 'plain',
    beepTime,
  }
}

/** Bytes from the hexadecimal text after the return code; null when it is none of that many. */
export function decodeHex(text: Uint8Array, lengthBytes: number): Uint8Array | null {
  const hex = Buffer.from(text.subarray(1)).toString('latin1')
  return hex.length === 2 * lengthBytes && isHex(hex) ? bytesOfHex(hex) : null
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

/** Hexadecimal with `:;<=>?` for A to F, as a pad that was not told otherwise may write it. */
export function brokenHex(hex: string): string {
  return hex.replaceAll(/[A-F]/g, letter => String.fromCharCode(letter.charCodeAt(0) - 7))
}

/** The way back from `brokenHex`; plain hexadecimal stays as it is. */
export function plainHex(hex: string): string {
  return hex.replaceAll(/[:;<=>?]/g, sign => String.fromCharCode(sign.charCodeAt(0) + 7))
}

/** The bodies of a PIN start of the pads that take the PAN at the fetch: up to twelve digits, with backspace or without. */
export const START_WITH_BACKSPACE = '00011'
export const START_WITHOUT = '00012'

const SHORT_SHAPE = frameShape('host', false)
const LONG_SHAPE = frameShape('host', true)

function lengthDigit(key: Uint8Array): number {
  return present(KEY_LENGTH.get(key.length), `a key length of ${key.length} bytes`)
}

function hexByte(byte: number): string {
  return hexOf(Uint8Array.of(byte))
}

function printable(field: string): string {
  return field.replaceAll(/[^\x20-\x7e]/g, '').trim()
}
