/**
 * Creator CRT-310: values to frames and back. Both ends of the wire use it; vectors.json is the
 * witness that neither can talk the other into a shared mistake.
 *
 * A frame is STX, LEN (two bytes, high first, counting CM, PM and data), CM, PM, data, ETX and the
 * exclusive-or of everything from STX to ETX.
 */
import {assert} from '../../../kit/assert.ts'
import {counted, xorOf} from '../../wire/shapes.ts'
import type {FrameShape} from '../../wire/framer.ts'
import {nameOf, namesOf} from '../names.ts'
import type {ChipProtocol} from '../port.ts'
import {
  BYTE_GAP_MAX_MS,
  CARD_AT,
  CHIP,
  COMMANDS,
  DATA_BYTES_MAX,
  ERROR_HEAD,
  ETX,
  FRAME_BYTES_MAX,
  FRAME_TIME_MAX_MS,
  MOUTH_STATUS,
  REAR_STATUS,
  RESULT,
  SENSORS,
  SENSORS_V3,
  SERIAL_CHARACTERS_MAX,
  STX,
} from './bytes.ts'
import type {CardAt, CommandName, Mouth, Rear, Result} from './bytes.ts'

/** What a frame carries: of a command or a good reply CM, PM and data; of a refusal the head, CM and the code. */
export interface Body {
  readonly cm: number
  readonly pm: number
  readonly data: Uint8Array
}

/** STX, LEN, CM, PM before the data; ETX and the check byte after. */
const HEAD_BYTES = 5
const TAIL_BYTES = 2

/**
 * How frames are cut out of arriving bytes, for either end.
 * @param controls single bytes that mean something to this end outside a frame; others are noise
 * @param from who sends them
 */
export function frameShape(controls: readonly number[], from: keyof typeof FRAME_TIME_MAX_MS): FrameShape {
  return counted({
    stx: STX,
    etx: ETX,
    controls,
    frameBytesMax: FRAME_BYTES_MAX,
    frameTimeMaxMs: FRAME_TIME_MAX_MS[from],
    byteGapMaxMs: BYTE_GAP_MAX_MS,
  })
}

/** @throws AssertionFailed when the data exceed `DATA_BYTES_MAX`. */
export function encodeFrame(body: Body): Uint8Array {
  assert(body.data.length <= DATA_BYTES_MAX, `${body.data.length} data bytes in a CRT-310 frame`)
  const length = 2 + body.data.length
  const frame = new Uint8Array(HEAD_BYTES + body.data.length + TAIL_BYTES)
  frame.set([STX, length >> 8, length & 0xff, body.cm, body.pm])
  frame.set(body.data, HEAD_BYTES)
  frame[frame.length - TAIL_BYTES] = ETX
  frame[frame.length - 1] = xorOf(frame.subarray(0, -1))
  return frame
}

/** What exactly one whole frame carries; null when the bytes are anything else. */
export function decodeFrame(bytes: Uint8Array): Body | null {
  const [first, , , cm, pm] = bytes
  if (first !== STX || cm === undefined || pm === undefined) return null
  const measure = SHAPE.measure(bytes)
  if (measure.kind !== 'frame' || measure.lengthBytes !== bytes.length) return null
  return bytes.length < HEAD_BYTES + TAIL_BYTES ? null : {cm, pm, data: bytes.slice(HEAD_BYTES, -TAIL_BYTES)}
}

/**
 * The frame of a command.
 * @param parameters what follows CM and PM; for a command whose row holds no PM, PM and what follows
 */
export function encodeCommand(name: CommandName, parameters: readonly number[] = []): Uint8Array {
  const row = COMMANDS[name]
  const [pm, ...data] = row.pm === null ? parameters : [row.pm, ...parameters]
  assert(pm !== undefined, `the command ${name} needs a parameter`)
  return encodeFrame({cm: row.cm, pm, data: Uint8Array.from(data)})
}

/** Which command of the table a body is, or null. */
export function commandOf(body: Body): CommandName | null {
  for (const name of COMMAND_NAMES) {
    const row = COMMANDS[name]
    if (row.cm === body.cm && (row.pm === null || row.pm === body.pm)) return name
  }
  return null
}

export type Reply =
  | {readonly kind: 'reply'; readonly data: Uint8Array}
  | {readonly kind: 'refused'; readonly code: number}
  /** A frame that answers something else. */
  | {readonly kind: 'stray'}

/**
 * Reads a reply as the answer to a command. A refusal is known by its head standing where CM stands;
 * the same byte further in is the letter of an order that failed.
 * @param sent the command's body
 */
export function decodeReply(body: Body, sent: Body): Reply {
  if (body.cm === ERROR_HEAD) {
    const [code] = body.data
    return body.pm === sent.cm && body.data.length === 1 && code !== undefined
      ? {kind: 'refused', code}
      : {kind: 'stray'}
  }
  return body.cm === sent.cm && body.pm === sent.pm ? {kind: 'reply', data: body.data} : {kind: 'stray'}
}

/** The letter of an order's reply, or null when the data are not exactly one known letter. */
export function decodeResult(data: Uint8Array): Result | null {
  return data.length === 1 ? nameOf(RESULT, data[0]) : null
}

export interface Status {
  readonly card: CardAt
  readonly mouth: Mouth
  readonly rear: Rear
}

/** The three bytes of a status reply, or null when they are not three known ones. */
export function decodeStatus(data: Uint8Array): Status | null {
  if (data.length !== 3) return null
  const card = nameOf(CARD_AT, data[0])
  const mouth = nameOf(MOUTH_STATUS, data[1])
  const rear = nameOf(REAR_STATUS, data[2])
  return card === null || mouth === null || rear === null ? null : {card, mouth, rear}
}

export function encodeStatus(status: Status): Uint8Array {
  return Uint8Array.of(CARD_AT[status.card], MOUTH_STATUS[status.mouth], REAR_STATUS[status.rear])
}

/** The sensors of a reply, by name, active or not; null when they are not exactly as many 30 and 31 as there are names. */
export function decodeSensors(
  data: Uint8Array,
  version: 'v3' | 'v2',
): ReadonlyMap<(typeof SENSORS_V3)[number], boolean> | null {
  const names = version === 'v3' ? SENSORS_V3 : SENSORS
  if (data.length !== names.length || data.some(byte => byte !== 0x30 && byte !== 0x31)) return null
  return new Map(names.map((name, at) => [name, data[at] === 0x31]))
}

export type ChipAnswer =
  | {readonly kind: 'bytes'; readonly letter: keyof typeof CHIP; readonly bytes: Uint8Array}
  | {readonly kind: 'result'; readonly result: Exclude<Result, 'done'>}

/** What came from a chip, an answer to reset or to a command; null when the data are of neither form. */
export function decodeChip(data: Uint8Array): ChipAnswer | null {
  const [letter, high, low, ...bytes] = data
  const result = decodeResult(data)
  if (result !== null) return result === 'done' ? null : {kind: 'result', result}
  const name = nameOf(CHIP, letter)
  if (name === null || high === undefined || low === undefined) return null
  return high * 256 + low === bytes.length
    ? {kind: 'bytes', letter: name, bytes: Uint8Array.from(bytes)}
    : null
}

export function encodeChip(letter: keyof typeof CHIP, bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(CHIP[letter], ...withLength(bytes))
}

/** Which protocol the letter of an answer to reset stands for. */
export const PROTOCOL_OF: Readonly<Record<keyof typeof CHIP, ChipProtocol>> = {t0: 'T0', t1: 'T1'}

/** Two bytes of length before the bytes themselves, as commands to a chip carry them. */
export function withLength(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(bytes.length >> 8, bytes.length & 0xff, ...bytes)
}

/** The bytes after two bytes of length, or null when the length is another. */
export function withoutLength(data: Uint8Array): Uint8Array | null {
  const [high, low] = data
  if (high === undefined || low === undefined || high * 256 + low !== data.length - 2) return null
  return data.slice(2)
}

/**
 * The serial text after the letter of a reply, or null when it is none. The maker's text for this reader has the text
 * alone, that for a sister (CRT-188) a byte with its length before it; printable characters begin far above any length.
 */
export function decodeSerial(data: Uint8Array): string | null {
  const [letter, ...rest] = data
  const isCounted = rest[0] === rest.length - 1 && rest.length <= 1 + SERIAL_CHARACTERS_MAX
  const text = isCounted ? rest.slice(1) : rest
  if (letter !== RESULT.done || text.length > SERIAL_CHARACTERS_MAX) return null
  return text.every(byte => byte >= 0x20 && byte < 0x7f) ? String.fromCharCode(...text) : null
}

const SHAPE = frameShape([], 'ofReader')

const COMMAND_NAMES: readonly CommandName[] = namesOf(COMMANDS)
