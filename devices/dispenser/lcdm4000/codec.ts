/** LCDM-4000: commands to frames and answer frames to values. Envelope and check were judged by the framer before. */
import {assert} from '../../../kit/assert.ts'
import {xorOf} from '../../wire/shapes.ts'
import {
  CASSETTES,
  COMMANDS,
  DEVICE_ID,
  DIGIT,
  EOT,
  ETX,
  LENGTH_MAX,
  OFFSET,
  RESERVED_COUNT,
  SERIAL_MAX,
  STX,
  OWN_TIME,
  GIVEN_TIME_MARK,
  VERSION_ARGUMENT,
} from './bytes.ts'

/** One value for each of the four cassettes, cassette 1 first. */
export type Four = readonly [number, number, number, number]

/** `serial`: the short form with the device's own serial; null: the long form. */
interface Dispensing<Kind extends string> {
  readonly kind: Kind
  /** Notes of each cassette. */
  readonly counts: Four
  /** Digit of the timeout field; null leaves the device its own time. */
  readonly timeDigit: number | null
  readonly serial: number | null
}

export type Command =
  | {
      readonly kind:
        | 'reset'
        | 'status'
        | 'purge'
        | 'lastStatus'
        | 'opacity'
        | 'order'
        | 'lengths'
        | 'dispenseSerial'
        | 'version'
    }
  | Dispensing<'dispense'>
  | Dispensing<'test'>
  | {readonly kind: 'diagnose'; readonly cassette: number}
  | {readonly kind: 'setOpacity'; readonly values: Four}
  /** Cassette codes 1 to 4 by place. */
  | {readonly kind: 'setOrder'; readonly values: Four}
  /** In the device's unit; 0 keeps what is set. */
  | {readonly kind: 'setLengths'; readonly values: Four}

/** What one cassette came to in a motion. */
export interface Moved {
  /** Left the machine. */
  readonly out: number
  readonly rejected: number
  /** Its code, 31 to 34; 30 where none is there. */
  readonly type: number
}

/** The result of a motion. */
export interface Result<Kind extends string = string> {
  readonly kind: Kind
  readonly error: number
  /** Notes that are missing on the way; 0 is none. That it is their number is assumed. */
  readonly missing: number
  readonly cassettes: readonly Moved[]
}

/** One cassette in STATUS. */
export interface CassetteState {
  /** Bits of CASSETTE_BITS. */
  readonly bits: number
  readonly type: number
  readonly opacity: number
  readonly length: number
}

/** Whether it was carried out. */
export interface Done<Kind extends string> {
  readonly kind: Kind
  readonly error: number
}

export type Answer =
  | Done<'reset'>
  | Done<'setOpacity'>
  | Done<'setOrder'>
  | Done<'setLengths'>
  | {
      readonly kind: 'status'
      readonly error: number
      /** Bits of DEVICE_BITS. */
      readonly bits: number
      readonly cassettes: readonly CassetteState[]
    }
  | Result<'purge'>
  | Result<'dispense'>
  | Result<'test'>
  /** The command that moved last, and its result. */
  | (Result<'lastStatus'> & {readonly command: number})
  | {
      readonly kind: 'diagnose'
      readonly opacity: number
      readonly length: number
      readonly divertMs: number
      readonly rejected: number
    }
  | {readonly kind: 'opacity'; readonly values: readonly number[]}
  | {readonly kind: 'order'; readonly values: readonly number[]}
  | {readonly kind: 'lengths'; readonly error: number; readonly values: readonly number[]}
  | {readonly kind: 'dispenseSerial'; readonly error: number; readonly serial: number}
  | {readonly kind: 'version'; readonly text: string}
  /** An error and nothing else where more belongs: the command was not carried out. */
  | {readonly kind: 'declined'; readonly error: number}

/** @throws AssertionFailed for a value that the wire cannot carry. */
export function encode(command: Command): Uint8Array {
  const frame = Uint8Array.from([
    EOT,
    DEVICE_ID,
    STX,
    COMMANDS[command.kind].code,
    ...argumentOf(command),
    ETX,
  ])
  return Uint8Array.from([...frame, xorOf(frame)])
}

function argumentOf(command: Command): readonly number[] {
  switch (command.kind) {
    case 'dispense':
    case 'test':
      return dispensing(command)
    case 'diagnose':
      return [DIGIT + within(command.cassette, 1, CASSETTES.length)]
    case 'setOpacity':
      return command.values.map(value => OFFSET + within(value, 0, 0xff - OFFSET))
    case 'setOrder':
      return command.values.map(code => DIGIT + within(code, 1, CASSETTES.length))
    case 'setLengths':
      return command.values.flatMap(nibbles)
    case 'version':
      return VERSION_ARGUMENT
    default:
      return []
  }
}

/** Q1 Q2 Q3 Q4 TO1 TO2, then the serial or nine reserved bytes. */
function dispensing({counts, timeDigit, serial}: Dispensing<'dispense' | 'test'>): readonly number[] {
  return [
    ...counts.map(count => OFFSET + within(count, 0, 100)),
    ...(timeDigit === null ? OWN_TIME : [GIVEN_TIME_MARK, DIGIT + within(timeDigit, 0, 9)]),
    ...(serial === null
      ? Array.from({length: RESERVED_COUNT}, () => OFFSET)
      : [OFFSET + within(serial, 0, SERIAL_MAX)]),
  ]
}

function nibbles(length: number): readonly number[] {
  within(length, 0, LENGTH_MAX)
  return [DIGIT + (length >> 4), DIGIT + (length & 0x0f)]
}

function within(value: number, least: number, most: number): number {
  assert(
    Number.isInteger(value) && value >= least && value <= most,
    `${value} is not from ${least} to ${most}`,
  )
  return value
}

/** Whether the frame answers that kind of command. */
export function answers(frame: Uint8Array, kind: Command['kind']): boolean {
  return frame[3] === COMMANDS[kind].code
}

const KINDS: readonly Command['kind'][] = [
  'reset',
  'status',
  'purge',
  'dispense',
  'test',
  'lastStatus',
  'diagnose',
  'setOpacity',
  'opacity',
  'setOrder',
  'order',
  'setLengths',
  'lengths',
  'dispenseSerial',
  'version',
]

/** `01 30 02 CMD ERR 03 BCC`. */
const DECLINED_BYTES = 7

/** The answer in a whole, checked frame; null when its length or a field makes no sense. */
export function decode(frame: Uint8Array): Answer | null {
  const kind = KINDS.find(known => answers(frame, known))
  if (kind === undefined) return null
  const body = frame.subarray(4, -2)
  const offset = kind === 'lastStatus' ? body.subarray(1) : body
  if (body.length === 0 || offset.some(byte => byte < OFFSET)) return null
  const {answerBytes} = COMMANDS[kind]
  if (answerBytes !== null && frame.length !== answerBytes)
    return frame.length === DECLINED_BYTES ? {kind: 'declined', error: valueAt(body, 0)} : null
  switch (kind) {
    case 'reset':
    case 'setOpacity':
    case 'setOrder':
    case 'setLengths':
      return {kind, error: valueAt(body, 0)}
    case 'status':
      return decodeStatus(body)
    case 'purge':
    case 'dispense':
    case 'test':
      return decodeResult(kind, body)
    case 'lastStatus': {
      const result = decodeResult(kind, body.subarray(1))
      return result === null ? null : {...result, command: at(body, 0)}
    }
    case 'diagnose':
      return {
        kind,
        opacity: valueAt(body, 0),
        length: valueAt(body, 1),
        divertMs: valueAt(body, 2),
        rejected: valueAt(body, 3),
      }
    case 'opacity':
      return {kind, values: CASSETTES.map((_, index) => valueAt(body, index))}
    case 'order':
      return decodeOrder(body)
    case 'lengths':
      return decodeLengths(body)
    case 'dispenseSerial':
      return {kind, error: valueAt(body, 0), serial: valueAt(body, 1)}
    case 'version':
      return decodeVersion(body)
  }
}

/** ERR DISP, then STAT TYPE OPAC LENG of each cassette. */
function decodeStatus(body: Uint8Array): Answer | null {
  const cassettes = CASSETTES.map((_, index) => ({
    bits: valueAt(body, 2 + 4 * index),
    type: at(body, 3 + 4 * index),
    opacity: valueAt(body, 4 + 4 * index),
    length: valueAt(body, 5 + 4 * index),
  }))
  if (!cassettes.every(({type}) => isType(type))) return null
  return {kind: 'status', error: valueAt(body, 0), bits: valueAt(body, 1), cassettes}
}

/** ERR MISS, then EXIT REJECT TYPE of each cassette; what follows is reserved. */
function decodeResult<Kind extends string>(kind: Kind, body: Uint8Array): Result<Kind> | null {
  const missing = at(body, 1) - DIGIT
  const cassettes = CASSETTES.map((_, index) => ({
    out: valueAt(body, 2 + 3 * index),
    rejected: valueAt(body, 3 + 3 * index),
    type: at(body, 4 + 3 * index),
  }))
  if (missing < 0 || !cassettes.every(({type}) => isType(type))) return null
  return {kind, error: valueAt(body, 0), missing, cassettes}
}

function decodeOrder(body: Uint8Array): Answer | null {
  const values = CASSETTES.map((_, index) => at(body, index) - DIGIT)
  return values.every(code => code >= 1 && code <= CASSETTES.length) ? {kind: 'order', values} : null
}

function decodeLengths(body: Uint8Array): Answer | null {
  const halves = Array.from(body.subarray(1), byte => byte - DIGIT)
  if (!halves.every(half => half >= 0 && half <= 0x0f)) return null
  const values = CASSETTES.map((_, index) => (halves[2 * index] ?? 0) * 16 + (halves[2 * index + 1] ?? 0))
  return {kind: 'lengths', error: valueAt(body, 0), values}
}

/** Printable characters; a single byte that is none of a text's is an error. */
function decodeVersion(body: Uint8Array): Answer | null {
  const text = Buffer.from(body).toString('latin1').trim()
  if (body.length === 1) return {kind: 'declined', error: valueAt(body, 0)}
  return /^[ -~]+$/.test(text) ? {kind: 'version', text} : null
}

/** 30 for none, 31 to 34 for a cassette's code. */
function isType(byte: number): boolean {
  return byte >= DIGIT && byte <= DIGIT + CASSETTES.length
}

/** The value of a byte that travels with its offset. */
function valueAt(body: Uint8Array, index: number): number {
  return at(body, index) - OFFSET
}

function at(body: Uint8Array, index: number): number {
  const byte = body[index]
  assert(byte !== undefined, `answer has no byte ${index}, its length was checked`)
  return byte
}
