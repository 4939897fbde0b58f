/**
 * Creator CRT-571: values to frames and back. Both ends of the wire use it; vectors.json is the witness that
 * neither can talk the other into a shared mistake.
 *
 * A frame is STX, the reader's address, LEN (two bytes, high first, the bytes of the text), the text, ETX and the
 * exclusive-or of everything from STX to ETX. A command's text is C, CM, PM and data; an answer's P, CM, PM, three
 * bytes of state and data; a refusal's N (or E), CM, PM and two digits.
 */
import {assert} from '../../../kit/assert.ts'
import type {FrameShape} from '../../wire/framer.ts'
import {counted, xorOf} from '../../wire/shapes.ts'
import {nameOf, namesOf} from '../names.ts'
import type {ChipProtocol} from '../port.ts'
import {
  ADDRESS_MAX,
  BIN,
  BYTE_GAP_MAX_MS,
  CARD_AT,
  COMMANDS,
  COUNTER_MAX,
  DATA_BYTES_MAX,
  ETX,
  FRAME_BYTES_MAX,
  FRAME_TIME_MAX_MS,
  HEAD,
  PROTOCOL,
  SENSORS,
  STACKER,
  STX,
} from './bytes.ts'
import type {Bin, CardAt, CommandName, Stacker} from './bytes.ts'

/** STX, address and length before the text; ETX and the check byte after. */
const HEAD_BYTES = 4
const TAIL_BYTES = 2

/** How frames are cut out of arriving bytes. @param controls bytes that mean something outside a frame @param from who sends them */
export function frameShape(controls: readonly number[], from: keyof typeof FRAME_TIME_MAX_MS): FrameShape {
  return counted({
    stx: STX,
    etx: ETX,
    addressBytes: 1,
    controls,
    frameBytesMax: FRAME_BYTES_MAX,
    frameTimeMaxMs: FRAME_TIME_MAX_MS[from],
    byteGapMaxMs: BYTE_GAP_MAX_MS,
  })
}

export interface Frame {
  readonly address: number
  readonly text: Uint8Array
}

export function encodeFrame({address, text}: Frame): Uint8Array {
  assert(address >= 0 && address <= ADDRESS_MAX, `there is no address ${address}`)
  assert(text.length <= FRAME_BYTES_MAX - HEAD_BYTES - TAIL_BYTES, `${text.length} bytes of text in a frame`)
  const checked = Uint8Array.of(STX, address, text.length >> 8, text.length & 0xff, ...text, ETX)
  return Uint8Array.of(...checked, xorOf(checked))
}

/** What exactly one whole frame carries; null when the bytes are anything else. */
export function decodeFrame(bytes: Uint8Array): Frame | null {
  const [first, address] = bytes
  if (first !== STX || address === undefined || address > ADDRESS_MAX) return null
  const measure = SHAPE.measure(bytes)
  if (measure.kind !== 'frame' || measure.lengthBytes !== bytes.length) return null
  return {address, text: bytes.slice(HEAD_BYTES, -TAIL_BYTES)}
}

export interface Command {
  readonly cm: number
  readonly pm: number
  readonly data: Uint8Array
}

export function encodeCommand(name: CommandName, address: number, data: Uint8Array = NONE): Uint8Array {
  assert(data.length <= DATA_BYTES_MAX, `${data.length} data bytes in a command`)
  const {cm, pm} = COMMANDS[name]
  return encodeFrame({address, text: Uint8Array.of(HEAD.command, cm, pm, ...data)})
}

/** The command that a text is, or null. */
export function decodeCommand(text: Uint8Array): Command | null {
  const [head, cm, pm, ...data] = text
  if (head !== HEAD.command || cm === undefined || pm === undefined) return null
  return {cm, pm, data: Uint8Array.from(data)}
}

/** Which command of the table it is, or null. */
export function commandOf({cm, pm}: Pick<Command, 'cm' | 'pm'>): CommandName | null {
  for (const name of COMMAND_NAMES) if (COMMANDS[name].cm === cm && COMMANDS[name].pm === pm) return name
  return null
}

/** The three status bytes of every answer. */
export interface State {
  readonly card: CardAt
  readonly stacker: Stacker
  readonly bin: Bin
}

export type Reply =
  | {readonly kind: 'reply'; readonly state: State; readonly data: Uint8Array}
  /** Two hexadecimal digits, and what the refusal carries beside them. */
  | {readonly kind: 'refused'; readonly code: string; readonly data: Uint8Array}
  /** A frame that answers something else, or nothing. */
  | {readonly kind: 'stray'}

/** Reads a text as the answer to that command. */
export function decodeReply(text: Uint8Array, asked: Pick<Command, 'cm' | 'pm'>): Reply {
  const [head, cm, pm, ...rest] = text
  if (cm !== asked.cm || pm !== asked.pm) return {kind: 'stray'}
  if (HEAD.refused.some(one => one === head)) {
    const code = String.fromCharCode(...rest.slice(0, 2))
    if (!/^[0-9A-F]{2}$/.test(code)) return {kind: 'stray'}
    return {kind: 'refused', code, data: Uint8Array.from(rest.slice(2))}
  }
  const state = head === HEAD.good ? decodeState(rest) : null
  return state === null ? {kind: 'stray'} : {kind: 'reply', state, data: Uint8Array.from(rest.slice(3))}
}

export function encodeGood(command: Pick<Command, 'cm' | 'pm'>, state: State, data: Uint8Array): Uint8Array {
  const {card, stacker, bin} = state
  return Uint8Array.of(HEAD.good, command.cm, command.pm, CARD_AT[card], STACKER[stacker], BIN[bin], ...data)
}

/** @param head which of the two bytes a refusal begins with @param code two hexadecimal digits */
export function encodeRefusal(
  head: (typeof HEAD.refused)[number],
  command: Pick<Command, 'cm' | 'pm'>,
  code: string,
  data: Uint8Array,
): Uint8Array {
  return Uint8Array.of(head, command.cm, command.pm, ...Buffer.from(code, 'latin1'), ...data)
}

function decodeState([st0, st1, st2]: readonly number[]): State | null {
  const card = nameOf(CARD_AT, st0)
  const stacker = nameOf(STACKER, st1)
  const bin = nameOf(BIN, st2)
  return card === null || stacker === null || bin === null ? null : {card, stacker, bin}
}

/** The sensors of a reply, by name; null when the first seven bytes are not all 30 or 31. */
export function decodeSensors(data: Uint8Array): ReadonlyMap<(typeof SENSORS)[number], boolean> | null {
  const bytes = [...data.subarray(0, SENSORS.length)]
  if (bytes.length < SENSORS.length || bytes.some(byte => byte !== 0x30 && byte !== 0x31)) return null
  return new Map(SENSORS.map((name, at) => [name, bytes[at] === 0x31]))
}

export interface AnswerToReset {
  readonly protocol: ChipProtocol
  readonly atr: Uint8Array
}

/** Protocol and answer to reset; null when the data are not of that form. */
export function decodeReset(data: Uint8Array): AnswerToReset | null {
  const [type, ...atr] = data
  const protocol = nameOf(PROTOCOL, type)
  return protocol === null || atr.length < 2 ? null : {protocol, atr: Uint8Array.from(atr)}
}

export function encodeReset({protocol, atr}: AnswerToReset): Uint8Array {
  return Uint8Array.of(PROTOCOL[protocol], ...atr)
}

/** The serial text after a byte with its length; null when the length is another. */
export function decodeSerial(data: Uint8Array): string | null {
  const [length, ...text] = data
  return length === text.length ? printable(text) : null
}

/** Cards in the bin: three digits, or null. */
export function decodeCount(data: Uint8Array): number | null {
  const text = String.fromCharCode(...data)
  return /^[0-9]{3}$/.test(text) ? Number(text) : null
}

/** @param count 0 to 999 */
export function encodeCount(count: number): Uint8Array {
  assert(count >= 0 && count <= COUNTER_MAX, `the counter has no room for ${count}`)
  return Uint8Array.from(Buffer.from(String(count).padStart(3, '0'), 'latin1'))
}

/** What of it is printable ASCII. */
export function printable(bytes: Iterable<number>): string {
  return String.fromCharCode(...[...bytes].filter(byte => byte >= 0x20 && byte < 0x7f)).trim()
}

const NONE = new Uint8Array()
const SHAPE = frameShape([], 'ofReader')
const COMMAND_NAMES: readonly CommandName[] = namesOf(COMMANDS)
