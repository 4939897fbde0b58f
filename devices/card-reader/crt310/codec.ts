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
import {
  CARD_AT,
  COMMANDS,
  DATA_BYTES_MAX,
  ERROR_HEAD,
  ETX,
  FRAME_BYTES_MAX,
  FRAME_TIME_MAX_MS,
  MOUTH_STATUS,
  REAR_STATUS,
  RESULT,
  STX,
  TRACK,
  TRACK_FAULT,
  TRACK_NOT_READABLE,
} from './bytes.ts'
import type {CardAt, CommandName, Mouth, Rear, Result, TrackFault} from './bytes.ts'

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
 */
export function frameShape(controls: readonly number[]): FrameShape {
  return counted({
    stx: STX,
    etx: ETX,
    controls,
    frameBytesMax: FRAME_BYTES_MAX,
    frameTimeMaxMs: FRAME_TIME_MAX_MS,
  })
}

/** @throws AssertionFailed when the data exceed `DATA_BYTES_MAX`. */
export function encodeFrame(body: Body): Uint8Array {
  assert(body.data.length <= DATA_BYTES_MAX, `${body.data.length} data bytes in a CRT-310 frame`)
  const length = 2 + body.data.length
  const checked = Uint8Array.of(STX, length >> 8, length & 0xff, body.cm, body.pm, ...body.data, ETX)
  return Uint8Array.of(...checked, xorOf(checked))
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

export type TrackRead =
  | {readonly kind: 'track'; readonly text: string}
  | {readonly kind: 'bad'; readonly fault: TrackFault}
  | {readonly kind: 'notReadable'}

/** The reply to `readTracks` for track 2 as ASCII: mode and track echoed, separator, then the track. Null when it is not of that form. */
export function decodeTrack2(data: Uint8Array): TrackRead | null {
  const [mode, track, separator, verdict, ...rest] = data
  if (mode !== TRACK.ascii || track !== TRACK.track2 || separator !== TRACK.separator) return null
  if (verdict === TRACK.good) return {kind: 'track', text: String.fromCharCode(...rest)}
  if (verdict === TRACK.notReadable && rest.length === 1 && rest[0] === TRACK_NOT_READABLE)
    return {kind: 'notReadable'}
  const fault = verdict === TRACK.bad && rest.length === 1 ? nameOf(TRACK_FAULT, rest[0]) : null
  return fault === null ? null : {kind: 'bad', fault}
}

export function encodeTrack2(read: TrackRead): Uint8Array {
  const head = [TRACK.ascii, TRACK.track2, TRACK.separator]
  switch (read.kind) {
    case 'track':
      return Uint8Array.of(...head, TRACK.good, ...Buffer.from(read.text, 'latin1'))
    case 'bad':
      return Uint8Array.of(...head, TRACK.bad, TRACK_FAULT[read.fault])
    case 'notReadable':
      return Uint8Array.of(...head, TRACK.notReadable, TRACK_NOT_READABLE)
  }
}

/** Most characters of track 2 between its sentinels (ISO/IEC 7813: 40 with sentinels and check character). */
const TRACK2_CHARACTERS_MAX = 37

/**
 * Track 2 without sentinels, `PAN=YYMM...`, or null when the text is not one (ISO/IEC 7813). The maker does
 * not say whether sentinels are uploaded, so both forms are taken. The PAN's check digit is the bank's affair.
 */
export function track2Of(text: string): string | null {
  const match = /^;?([0-9]{8,19}=[0-9]{4}[0-9]*)\??$/.exec(text)
  const [, content] = match ?? []
  return content === undefined || content.length > TRACK2_CHARACTERS_MAX ? null : content
}

const SHAPE = frameShape([])

const COMMAND_NAMES: readonly CommandName[] = namesOf(COMMANDS)

function namesOf<T extends Readonly<Record<string, unknown>>>(table: T): readonly (keyof T & string)[] {
  return Object.keys(table)
}

function nameOf<T extends Readonly<Record<string, number>>>(
  table: T,
  code: number | undefined,
): (keyof T & string) | null {
  return namesOf(table).find(name => table[name] === code) ?? null
}
