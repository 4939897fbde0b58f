/** EBDS: messages with their length and check, orders to bytes, replies to facts. Pure. */
import {assert} from '../../../kit/assert.ts'
import {keysOf} from '../../../kit/table.ts'
import type {FrameShape, Measure} from '../../wire/framer.ts'
import {xorOf} from '../../wire/shapes.ts'
import {BITS, COMMANDS, ENVELOPE_BYTES, ETX, MESSAGE_BYTES_MAX, MESSAGE_TIME_MS, STX, TYPES} from './bytes.ts'
import type {Bit, CommandName} from './bytes.ts'

/** The bit that tells a new message from one that is sent again. */
export type Ack = 0 | 1

export type Command =
  | {readonly kind: 'omnibus'; readonly bytes: readonly [enabled: number, modes: number, options: number]}
  | {readonly kind: 'extendedNote'; readonly index: number}
  | {readonly kind: Exclude<CommandName, 'omnibus' | 'extendedNote'>}

/** A whole message. @throws AssertionFailed for what seven bits cannot say */
export function messageOf(command: Command, ack: Ack): Uint8Array {
  const {type, code} = COMMANDS[command.kind]
  switch (command.kind) {
    case 'omnibus':
      return framed(type, ack, command.bytes)
    case 'extendedNote':
      return framed(type, ack, [code ?? 0, 0, 0, 0, command.index])
    case 'softReset':
      return framed(type, ack, [0x7f, 0x7f, code ?? 0])
    default:
      return framed(type, ack, [0, 0, code ?? 0])
  }
}

function framed(type: number, ack: Ack, data: readonly number[]): Uint8Array {
  assert(
    data.every(byte => byte >= 0 && byte <= 0x7f),
    'every byte has seven bits',
  )
  const checked = [data.length + ENVELOPE_BYTES, (type << 4) | ack, ...data]
  return Uint8Array.of(STX, ...checked, ETX, xorOf(Uint8Array.from(checked)))
}

const MORE: Measure = {kind: 'more'}
const NOISE: Measure = {kind: 'broken', why: 'noise'}
const CHECKSUM: Measure = {kind: 'broken', why: 'checksum'}

/** What either side sends; an ENQ outside asks for a poll, and is passed over. */
export const SHAPE: FrameShape = {
  starts: byte => byte === STX,
  isControl: byte => byte === 0x05,
  frameBytesMax: MESSAGE_BYTES_MAX,
  frameTimeMaxMs: MESSAGE_TIME_MS,
  measure: bytes => {
    const lengthBytes = bytes[1]
    if (lengthBytes === undefined) return MORE
    if (lengthBytes < ENVELOPE_BYTES || lengthBytes > MESSAGE_BYTES_MAX) return NOISE
    if (bytes.length < lengthBytes) return MORE
    const check = xorOf(bytes.subarray(1, lengthBytes - 2))
    const isGood = bytes[lengthBytes - 2] === ETX && bytes[lengthBytes - 1] === check
    return isGood && bytes.subarray(0, lengthBytes).every(byte => byte <= 0x7f)
      ? {kind: 'frame', lengthBytes}
      : CHECKSUM
  },
}

export interface Message {
  readonly type: number
  readonly ack: Ack
  /** 0 an acceptor, 1 a recycler. */
  readonly device: number
  readonly data: Uint8Array
}

/** What a whole message says, or null when it is none. */
export function decodeMessage(frame: Uint8Array): Message | null {
  const measure = SHAPE.measure(frame)
  if (frame[0] !== STX || measure.kind !== 'frame' || measure.lengthBytes !== frame.length) return null
  const control = frame[2] ?? 0
  return {
    type: (control >> 4) & 7,
    ack: (control & 1) === 1 ? 1 : 0,
    device: (control >> 1) & 7,
    data: frame.slice(3, -2),
  }
}

/** A note as the extended report describes it. */
export interface ExtendedNote {
  /** Its row in the acceptor's table when that was asked for; 0 of one in escrow or stacked. */
  readonly index: number
  readonly currency: string
  /** The value is `base * 10 ** exponent`, in whole units. */
  readonly base: number
  readonly exponent: number
}

/** What a reply tells of the acceptor. */
export interface State {
  readonly bits: ReadonlySet<Bit>
  /** The denomination of the note in escrow or stacked, 1 to 7; 0 for none. */
  readonly index: number
  readonly model: number
  readonly revision: number
  readonly note: ExtendedNote | null
}

const STATE_BYTES = 6
const EXTENDED_BYTES = 25

/** What a reply to an omnibus or extended message says, or null when it is none. */
export function decodeState({type, data}: Message): State | null {
  if (type === TYPES.reply && data.length === STATE_BYTES) return stateFrom(data, null)
  if (type !== TYPES.extended || data.length !== EXTENDED_BYTES || data[0] !== COMMANDS.extendedNote.code)
    return null
  return stateFrom(data.subarray(1, 1 + STATE_BYTES), noteFrom(data.subarray(1 + STATE_BYTES)))
}

function stateFrom(bytes: Uint8Array, note: ExtendedNote | null): State {
  const isSet = (name: Bit): boolean => {
    const [byte, bit] = BITS[name]
    return ((bytes[byte] ?? 0) & (1 << bit)) !== 0
  }
  return {
    bits: new Set(keysOf(BITS).filter(isSet)),
    index: ((bytes[2] ?? 0) >> 3) & 7,
    model: bytes[4] ?? 0,
    revision: bytes[5] ?? 0,
    note,
  }
}

/** Null for a row that there is not, which comes as zeros. */
function noteFrom(bytes: Uint8Array): ExtendedNote | null {
  const text = Buffer.from(bytes).toString('latin1')
  const [, currency = '', base = '', sign = '', exponent = ''] =
    /^.([A-Z]{3})([0-9]{3})([+-])([0-9]{2})/s.exec(text) ?? []
  if (currency === '') return null
  const power = Number(exponent)
  return {
    index: bytes[0] ?? 0,
    currency,
    base: Number(base),
    exponent: sign === '-' ? 0 - power : power,
  }
}

/** A text of an auxiliary reply: up to its first zero, printable. */
export function decodeText(data: Uint8Array): string {
  const [text = ''] = Buffer.from(data).toString('latin1').split('\0')
  return text.replace(/[^ -~]/g, '?').trim()
}
