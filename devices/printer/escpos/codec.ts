/** ESC/POS: commands to bytes, status bytes to conditions and back. What a byte from the printer means depends on what was asked. */
import {
  AUTOMATIC_LAST,
  COMMANDS,
  CONDITIONS,
  DLE,
  KIOSK_STATUS,
  MARKS,
  TEXT,
  TEXT_BYTES_MAX,
  XOFF,
  XON,
} from './bytes.ts'
import type {AnswerKind, CommandName, Condition, ConditionRow, Place, Profile} from './bytes.ts'
import {assert} from '../../../kit/assert.ts'
import {keysOf} from '../../../kit/table.ts'
import type {FrameShape, Measure} from '../../wire/framer.ts'

const NAMES = keysOf(CONDITIONS)

/** A command's bytes. @throws AssertionFailed unless it has as many arguments as it takes, each a byte */
export function encode(name: CommandName, ...args: readonly number[]): Uint8Array {
  const {code, argumentBytes} = COMMANDS[name]
  assert(args.length === argumentBytes, `${name} takes ${argumentBytes} arguments`)
  assert(
    args.every(arg => Number.isInteger(arg) && arg >= 0 && arg <= 0xff),
    `${name} takes bytes`,
  )
  return Uint8Array.from([...code, ...args])
}

/** The byte that answers DLE EOT n (1 to 4) where these conditions hold. */
export function realtimeByte(n: number, conditions: ReadonlySet<Condition>): number {
  return MARKS.realtime.value | bitsOf('realtime', n, conditions)
}

/** The four automatic bytes. */
export function automaticBytes(conditions: ReadonlySet<Condition>): Uint8Array {
  return Uint8Array.of(
    MARKS.automatic.value | bitsOf('automatic', 0, conditions),
    bitsOf('automatic', 1, conditions),
    bitsOf('automatic', 2, conditions),
    AUTOMATIC_LAST,
  )
}

/** The byte that answers GS r 1 and ESC v: paper alone, as in the third automatic byte. */
export function paperByte(conditions: ReadonlySet<Condition>): number {
  return bitsOf('automatic', 2, conditions)
}

/** The kiosk status block. */
export function kioskBytes(conditions: ReadonlySet<Condition>): Uint8Array {
  return Uint8Array.of(
    DLE,
    KIOSK_STATUS.head,
    ...[0, 1, 2, 3].map(at => bitsOf('kiosk', at, conditions) & 0xff),
  )
}

/** What the four answers to DLE EOT 1 to 4 tell. */
export function conditionsOfRealtime(answers: readonly number[]): readonly Condition[] {
  return NAMES.filter(name => isSet(placeOf(name, 'realtime'), at => answers[at - 1]))
}

/** What four automatic bytes tell. */
export function conditionsOfAutomatic(frame: Uint8Array): readonly Condition[] {
  return NAMES.filter(name => isSet(placeOf(name, 'automatic'), at => frame[at]))
}

/** What a whole kiosk block tells. */
export function conditionsOfKiosk(frame: Uint8Array): readonly Condition[] {
  return NAMES.filter(name => isSet(placeOf(name, 'kiosk'), at => frame[at + 2]))
}

/** The text between head and end of an answer to GS I, printable ASCII; anything else as `?`. */
export function textOf(frame: Uint8Array): string {
  return Array.from(frame.subarray(1, -1), byte =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?',
  ).join('')
}

/** Whether four bytes are a notice that the printer sends by itself. */
export function isAutomatic(frame: Uint8Array): boolean {
  return frame.length === 4 && isMarked('automatic', frame[0])
}

function placeOf(name: Condition, where: 'realtime' | 'automatic' | 'kiosk'): Place | undefined {
  const row: ConditionRow = CONDITIONS[name]
  return row[where]
}

function bitsOf(
  where: 'realtime' | 'automatic' | 'kiosk',
  at: number,
  conditions: ReadonlySet<Condition>,
): number {
  return [...conditions].reduce((bits, name) => {
    const place = placeOf(name, where)
    if (place?.[0] !== at) return bits
    // A whole byte of errors is one condition: its lowest bit stands for all.
    return bits | (place[1] === 0xff ? 0x01 : place[1])
  }, 0)
}

function isSet(place: Place | undefined, byteAt: (at: number) => number | undefined): boolean {
  return place !== undefined && ((byteAt(place[0]) ?? 0) & place[1]) !== 0
}

function isMarked(kind: keyof typeof MARKS, byte: number | undefined): boolean {
  const {mask, value} = MARKS[kind]
  return byte !== undefined && (byte & mask) === value
}

const NOISE: Measure = {kind: 'broken', why: 'noise'}
const MORE: Measure = {kind: 'more'}

function frameOf(lengthBytes: number): Measure {
  return {kind: 'frame', lengthBytes}
}

/**
 * What the printer sends, as frames. Answers of one byte have no envelope, so the shape looks at what was asked.
 * @param expected the kind of answer that is waited for now
 */
export function frameShape(family: Profile['family'], expected: () => AnswerKind): FrameShape {
  return {
    starts: byte => byte !== XON && byte !== XOFF,
    isControl: byte => byte === XON || byte === XOFF,
    frameBytesMax: TEXT_BYTES_MAX,
    frameTimeMaxMs: 200,
    measure: bytes => measureOf(bytes, family, expected()),
  }
}

function measureOf(bytes: Uint8Array, family: Profile['family'], expected: AnswerKind): Measure {
  const [first] = bytes
  if (expected === 'kiosk' && first === DLE) return headed(bytes, KIOSK_STATUS.head, 6)
  if (expected === 'rom') return bytes.length < 4 ? MORE : frameOf(4)
  if (family === 'desktop' && isMarked('automatic', first)) return automatic(bytes)
  switch (expected) {
    case 'realtime':
      return isMarked('realtime', first) ? frameOf(1) : NOISE
    case 'queued':
      return isMarked('queued', first) ? frameOf(1) : NOISE
    case 'id':
      return frameOf(1)
    case 'text':
      return first === TEXT.head ? ended(bytes) : NOISE
    default:
      return NOISE
  }
}

function headed(bytes: Uint8Array, second: number, lengthBytes: number): Measure {
  if (bytes.length > 1 && bytes[1] !== second) return NOISE
  return bytes.length < lengthBytes ? MORE : frameOf(lengthBytes)
}

/** Bits 4 and 7 of the second and third byte, and bit 4 of the fourth, are 0 (E). */
function automatic(bytes: Uint8Array): Measure {
  const masks = [0, 0x90, 0x90, 0x10]
  if (bytes.some((byte, at) => (byte & (masks[at] ?? 0)) !== 0)) return NOISE
  return bytes.length < 4 ? MORE : frameOf(4)
}

function ended(bytes: Uint8Array): Measure {
  const end = bytes.indexOf(TEXT.end)
  return end < 0 ? MORE : frameOf(end + 1)
}
