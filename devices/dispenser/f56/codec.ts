/** F53/F56: commands to bytes and responses to facts; the texts' envelope and its check. */
import {assert} from '../../../kit/assert.ts'
import type {FrameShape, Measure} from '../../wire/framer.ts'
import {
  AT,
  BAD,
  CASSETTES,
  COMMANDS,
  DLE,
  ETX,
  FS,
  GOOD,
  LEVELS,
  NOTES_PER_CASSETTE_MAX,
  ODR_COUNT,
  PICKS_MAX,
  REJECTS_MAX,
  SENSOR_BYTES,
  STX,
  TEXT_BYTES_MAX,
  TEXT_TIME_MS,
  TOKENS,
} from './bytes.ts'
import type {CommandName, NoteSize} from './bytes.ts'

export type Command =
  | {readonly kind: 'status' | 'cancel' | 'extendedStatus' | 'transport'}
  /** Null keeps the sizes that the device has stored. */
  | {readonly kind: 'reset'; readonly odr: number; readonly sizes: readonly NoteSize[] | null}
  | {readonly kind: 'reset8'; readonly odr: number; readonly sizes: readonly NoteSize[]}
  | {
      readonly kind: 'count' | 'countAndTransport'
      /** Of cassettes 1 to 4. */
      readonly counts: readonly number[]
      readonly rejectsMax?: readonly number[]
      readonly picksMax?: readonly number[]
    }
  | {readonly kind: 'clearLog'; readonly text: Uint8Array}

/** A response; counts by cassette where it is one to a count. */
export interface Response {
  readonly isGood: boolean
  /** Code and detail; both 0 when nothing is wrong. */
  readonly error: readonly [code: number, detail: number]
  readonly sensors: readonly number[]
  /** How dirty each sensor is, as `LEVELS` names them; empty where the response does not tell. */
  readonly levels: readonly number[]
  readonly counts: readonly {readonly dispensed: number; readonly rejected: number}[]
}

const LOG_TEXT_BYTES = 0x29

/** The data of a command, FS and all. @throws AssertionFailed for what the wire cannot say */
export function dataOf(command: Command): Uint8Array {
  const [dh0, dh1] = COMMANDS[command.kind].head
  switch (command.kind) {
    case 'status':
    case 'cancel':
      return Uint8Array.of(dh0, dh1, FS)
    case 'extendedStatus':
      return Uint8Array.of(dh0, dh1, 0xff, 0x00, 0x00, 0x01, 0x00, FS)
    case 'transport':
      return short(dh0, dh1, [0x01])
    case 'reset':
      return short(dh0, dh1, [command.odr, ...group(command.sizes ?? [])])
    case 'reset8': {
      const params = [
        0x00,
        command.odr,
        ...group(command.sizes.slice(0, 4)),
        ...group(command.sizes.slice(4)),
      ]
      return Uint8Array.of(dh0, dh1, 0xff, 0x00, params.length >> 8, params.length & 0xff, ...params, FS)
    }
    case 'count':
    case 'countAndTransport': {
      const {
        counts,
        rejectsMax = CASSETTES.map(() => REJECTS_MAX),
        picksMax = CASSETTES.map(() => PICKS_MAX),
      } = command
      assert(counts.length === CASSETTES.length, 'a count names all four cassettes')
      return short(dh0, dh1, [
        ODR_COUNT,
        ...counts.flatMap(digits),
        ...rejectsMax.flatMap(digits),
        ...picksMax,
      ])
    }
    case 'clearLog':
      assert(command.text.length === LOG_TEXT_BYTES, `a log text has ${LOG_TEXT_BYTES} bytes`)
      return short(dh0, dh1, [...command.text])
  }
}

function short(dh0: number, dh1: number, params: readonly number[]): Uint8Array {
  return Uint8Array.of(dh0, dh1, params.length, ...params, FS)
}

/** Length pairs of four cassettes, then their thicknesses; a cassette without a size gets zeros. */
function group(sizes: readonly NoteSize[]): readonly number[] {
  const four = CASSETTES.map((_, at) => sizes[at] ?? null)
  return [
    ...four.flatMap(size => (size === null ? [0, 0] : [size.lengthMaxMm, size.lengthMinMm])),
    ...four.map(size => size?.thickness ?? 0),
  ]
}

/** Two digits with even parity in bit 7. @param count 0 to 99 */
export function digits(count: number): readonly [number, number] {
  assert(
    Number.isInteger(count) && count >= 0 && count <= NOTES_PER_CASSETTE_MAX,
    `${count} is no count of two digits`,
  )
  return [digit(Math.floor(count / 10)), digit(count % 10)]
}

function digit(value: number): number {
  const code = 0x30 + value
  return isEven(code) ? code : code | 0x80
}

function isEven(byte: number): boolean {
  let ones = 0
  for (let bits = byte; bits > 0; bits >>= 1) ones += bits & 1
  return ones % 2 === 0
}

/** The count that two digits say, or null when they are none. */
function countOf(tens: number | undefined, ones: number | undefined): number | null {
  const value = (byte: number | undefined): number | null => {
    if (byte === undefined || !isEven(byte)) return null
    const code = byte & 0x7f
    return code >= 0x30 && code <= 0x39 ? code - 0x30 : null
  }
  const [high, low] = [value(tens), value(ones)]
  return high === null || low === null ? null : high * 10 + low
}

/** A whole text frame around that data. */
export function frameOf(data: Uint8Array): Uint8Array {
  assert(data.length <= TEXT_BYTES_MAX, 'the data fits in a text')
  const checked = Uint8Array.of(data.length >> 8, data.length & 0xff, ...data, DLE, ETX)
  const check = crcKermit(checked)
  return Uint8Array.of(DLE, STX, ...checked, check & 0xff, check >> 8)
}

/** The data of a whole, checked frame. */
export function dataIn(frame: Uint8Array): Uint8Array {
  return frame.subarray(4, -4)
}

/** CRC-16/KERMIT: polynomial 1021 reflected, initial 0000; `123456789` gives 2189. */
export function crcKermit(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0x8408 : crc >> 1
  }
  return crc
}

/** Whether that data answers that command; what came of an earlier one does not. */
export function answers(name: CommandName, data: Uint8Array): boolean {
  const [dh0, dh1] = data
  return (dh0 === GOOD || dh0 === BAD) && dh1 === COMMANDS[name].head[1] && data.at(-1) === FS
}

/** What a response says, or null when its fields are impossible. */
export function decode(name: CommandName, data: Uint8Array): Response | null {
  if (!answers(name, data)) return null
  const byte = (at: number): number => (at < data.length - 1 ? (data[at] ?? 0) : 0)
  const counts = name === 'count' || name === 'countAndTransport' ? countsIn(data) : []
  if (counts === null) return null
  return {
    isGood: data[0] === GOOD,
    error: [byte(AT.errorCode), byte(AT.errorCode + 1)],
    sensors: Array.from({length: SENSOR_BYTES}, (_, at) => byte(AT.sensors + at)),
    levels: hasLevels(name, data) ? LEVELS.names.map((_, at) => byte(LEVELS.at + at)) : [],
    counts,
  }
}

/** Firmware whose status is shorter does not tell them. */
function hasLevels(name: CommandName, data: Uint8Array): boolean {
  const isStatus = name === 'status' || name === 'extendedStatus'
  return isStatus && data.length > LEVELS.at + LEVELS.names.length
}

function countsIn(data: Uint8Array): Response['counts'] | null {
  const counts = CASSETTES.map((_, at) => ({
    dispensed: countOf(data[AT.dispensed + 2 * at], data[AT.dispensed + 2 * at + 1]),
    rejected: countOf(data[AT.rejected + 2 * at], data[AT.rejected + 2 * at + 1]),
  }))
  const whole = counts.flatMap(({dispensed, rejected}) =>
    dispensed === null || rejected === null ? [] : [{dispensed, rejected}],
  )
  return whole.length === CASSETTES.length ? whole : null
}

const NOISE: Measure = {kind: 'broken', why: 'noise'}
const MORE: Measure = {kind: 'more'}
const ENVELOPE_BYTES = 8

/**
 * What either side sends: tokens of two bytes, and texts that their length ends; a DLE inside is not doubled (captured
 * frames show it), so nothing but the length may be trusted.
 */
export const SHAPE: FrameShape = {
  starts: byte => byte === DLE,
  isControl: () => false,
  frameBytesMax: TEXT_BYTES_MAX + ENVELOPE_BYTES,
  frameTimeMaxMs: TEXT_TIME_MS,
  measure: bytes => {
    const second = bytes[1]
    if (second === undefined) return MORE
    if (second === TOKENS.enq || second === TOKENS.ack || second === TOKENS.nak)
      return {kind: 'frame', lengthBytes: 2}
    if (second !== STX) return NOISE
    if (bytes.length < 4) return MORE
    const dataBytes = (bytes[2] ?? 0) * 256 + (bytes[3] ?? 0)
    if (dataBytes > TEXT_BYTES_MAX) return {kind: 'broken', why: 'too-long'}
    const lengthBytes = dataBytes + ENVELOPE_BYTES
    if (bytes.length < lengthBytes) return MORE
    const closed = bytes[lengthBytes - 4] === DLE && bytes[lengthBytes - 3] === ETX
    const check = crcKermit(bytes.subarray(2, lengthBytes - 2))
    const isGood = bytes[lengthBytes - 2] === (check & 0xff) && bytes[lengthBytes - 1] === check >> 8
    return closed && isGood ? {kind: 'frame', lengthBytes} : {kind: 'broken', why: 'checksum'}
  },
}
