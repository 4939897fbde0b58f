/** SSP: packets with their stuffing and check, commands to bytes, answers and events to facts. Pure. */
import {assert} from '../../../kit/assert.ts'
import {littleEndian} from '../../../crypto/essp.ts'
import {keysOf, nameOf} from '../../../kit/table.ts'
import type {FrameShape, Measure} from '../../wire/framer.ts'
import {
  ADDRESS,
  COMMANDS,
  COMMIT,
  DATA_BYTES_MAX,
  EVENTS,
  FRAME_TIME_MS,
  REPLIES,
  ROUTES,
  STX,
  TEST,
} from './bytes.ts'
import type {CommandName, EventName, EventShape, ReplyName} from './bytes.ts'

/** So many notes of one value. */
export interface Level {
  readonly count: number
  readonly value: number
  readonly currency: string
}

/** A value in the device's smallest unit, with its currency. */
export interface Amount {
  readonly value: number
  readonly currency: string
}

interface Committed {
  /** To do, or only to try. */
  readonly commit: boolean
}

type WithArguments =
  | {readonly kind: 'setInhibits'; readonly mask: number}
  | {readonly kind: 'hostProtocolVersion'; readonly version: number}
  | ({readonly kind: 'setRoute'; readonly route: keyof typeof ROUTES} & Amount)
  | ({readonly kind: 'getRoute' | 'getDenominationLevel'} & Amount)
  | ({readonly kind: 'setDenominationLevel'} & Level)
  | ({readonly kind: 'payoutAmount'} & Amount & Committed)
  | ({readonly kind: 'floatAmount'; readonly least: number} & Amount & Committed)
  | {readonly kind: 'getMinimumPayout'; readonly currency: string}
  | ({
      readonly kind: 'payoutByDenomination' | 'floatByDenomination'
      readonly levels: readonly Level[]
    } & Committed)
  | {
      readonly kind: 'setGenerator' | 'setModulus' | 'requestKeyExchange' | 'setFixedKey'
      readonly number: bigint
    }
  /** 0 for 9600, 1 for 38400, 2 for 115200; whether it stays over a reset. */
  | {readonly kind: 'setBaudRate'; readonly rate: number; readonly stays: boolean}
  | {readonly kind: 'enablePayout'; readonly options: number}

export type Command =
  WithArguments | {readonly kind: Exclude<CommandName, WithArguments['kind']>; readonly data?: undefined}

/** The data of a command. @throws AssertionFailed for what the wire cannot say */
export function dataOf(command: Command): Uint8Array {
  const op = COMMANDS[command.kind]
  switch (command.kind) {
    case 'setInhibits':
      return Uint8Array.of(op, ...number2(command.mask))
    case 'hostProtocolVersion':
      return Uint8Array.of(op, command.version)
    case 'setRoute':
      return Uint8Array.of(op, ROUTES[command.route], ...amount(command))
    case 'getRoute':
    case 'getDenominationLevel':
      return Uint8Array.of(op, ...amount(command))
    case 'setDenominationLevel':
      return Uint8Array.of(op, ...level(command))
    case 'payoutAmount':
      return Uint8Array.of(op, ...amount(command), option(command))
    case 'floatAmount':
      return Uint8Array.of(op, ...number4(command.least), ...amount(command), option(command))
    case 'getMinimumPayout':
      return Uint8Array.of(op, ...letters(command.currency))
    case 'payoutByDenomination':
    case 'floatByDenomination':
      return Uint8Array.of(op, command.levels.length, ...command.levels.flatMap(level), option(command))
    case 'setGenerator':
    case 'setModulus':
    case 'requestKeyExchange':
    case 'setFixedKey':
      return Uint8Array.of(op, ...littleEndian(command.number))
    case 'setBaudRate':
      return Uint8Array.of(op, command.rate, command.stays ? 1 : 0)
    case 'enablePayout':
      return Uint8Array.of(op, command.options)
    default:
      return Uint8Array.of(op)
  }
}

function option({commit}: Committed): number {
  return commit ? COMMIT : TEST
}

function level({count, value, currency}: Level): readonly number[] {
  return [...number2(count), ...amount({value, currency})]
}

function amount({value, currency}: Amount): readonly number[] {
  return [...number4(value), ...letters(currency)]
}

function letters(currency: string): readonly number[] {
  assert(/^[A-Z]{3}$/.test(currency), `'${currency}' is no currency of three letters`)
  return [...Buffer.from(currency, 'latin1')]
}

function number2(value: number): readonly number[] {
  assert(Number.isInteger(value) && value >= 0 && value < 2 ** 16, `${value} does not fit two bytes`)
  return [value & 0xff, value >> 8]
}

function number4(value: number): readonly number[] {
  assert(Number.isInteger(value) && value >= 0 && value < 2 ** 32, `${value} does not fit four bytes`)
  return [0, 8, 16, 24].map(shift => Math.floor(value / 2 ** shift) & 0xff)
}

/** CRC-16/CMS: polynomial 8005, from FFFF, high bit first. AEE7 over "123456789". */
export function crcCms(bytes: Uint8Array): number {
  return bytes.reduce((crc, byte) => ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] ?? 0), 0xffff)
}

/** What each byte does to it. */
const TABLE = Uint16Array.from({length: 256}, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x8005
  return crc
})

/** The bit that tells a new packet from one that is sent again. */
export type Sequence = 0 | 1

/** A whole packet on the wire, stuffed. */
export function frameOf(sequence: Sequence, data: Uint8Array): Uint8Array {
  assert(data.length >= 1 && data.length <= DATA_BYTES_MAX, `${data.length} bytes of data in a packet`)
  const checked = Uint8Array.of((sequence << 7) | ADDRESS, data.length, ...data)
  const crc = crcCms(checked)
  const rest = [...checked, crc & 0xff, crc >> 8]
  return Uint8Array.of(STX, ...rest.flatMap(byte => (byte === STX ? [STX, STX] : [byte])))
}

export interface Packet {
  readonly sequence: Sequence
  readonly address: number
  readonly data: Uint8Array
}

/** What a whole frame says, or null when it is none. */
export function decodeFrame(frame: Uint8Array): Packet | null {
  const measure = SHAPE.measure(frame)
  if (measure.kind !== 'frame' || measure.lengthBytes !== frame.length || frame[0] !== STX) return null
  const bytes = unstuffed(frame)
  const [head = 0] = bytes
  return {sequence: head >= 0x80 ? 1 : 0, address: head & 0x7f, data: bytes.slice(2, -2)}
}

/** Everything after the STX, each pair of them made one. */
function unstuffed(frame: Uint8Array): Uint8Array {
  const bytes: number[] = []
  for (let at = 1; at < frame.length; at += 1) {
    bytes.push(frame[at] ?? 0)
    if (frame[at] === STX) at += 1
  }
  return Uint8Array.from(bytes)
}

const MORE: Measure = {kind: 'more'}
const NOISE: Measure = {kind: 'broken', why: 'noise'}
const CHECKSUM: Measure = {kind: 'broken', why: 'checksum'}
/** Address, length and check. */
const ENVELOPE_BYTES = 4

/** What either side sends. A lone STX begins a packet anew, wherever it stands. */
export const SHAPE: FrameShape = {
  starts: byte => byte === STX,
  isControl: () => false,
  frameBytesMax: 1 + 2 * (DATA_BYTES_MAX + ENVELOPE_BYTES),
  frameTimeMaxMs: FRAME_TIME_MS,
  measure: bytes => {
    let count = 0
    let dataBytes = Infinity
    for (let at = 1; at < bytes.length; at += 1) {
      const byte = bytes[at]
      if (byte === STX) {
        at += 1
        if (at === bytes.length) return MORE
        if (bytes[at] !== STX) return NOISE
      }
      count += 1
      if (count === 2) dataBytes = byte ?? 0
      if (dataBytes === 0) return NOISE
      if (count === dataBytes + ENVELOPE_BYTES) {
        const plain = unstuffed(bytes.subarray(0, at + 1))
        const crc = crcCms(plain.subarray(0, -2))
        const isGood = plain.at(-2) === (crc & 0xff) && plain.at(-1) === crc >> 8
        return isGood ? {kind: 'frame', lengthBytes: at + 1} : CHECKSUM
      }
    }
    return MORE
  },
}

/** An answer's first byte, and what follows. */
export interface Answer {
  readonly reply: ReplyName
  readonly data: Uint8Array
}

/** What the data of an answer says, or null when its first byte is none. */
export function decodeAnswer(data: Uint8Array): Answer | null {
  const reply = nameOf(REPLIES, data[0])
  return reply === null ? null : {reply, data: data.slice(1)}
}

/** One event of a poll. `amounts` of those that tell several; `channel` where it is a channel's. */
export interface SspEvent {
  readonly name: EventName
  readonly channel?: number
  readonly amounts?: readonly Amount[]
  /** Beside each of `amounts`, which were paid. */
  readonly requested?: readonly Amount[]
  readonly error?: number
}

/** Everything that a poll told, and whether an event came that is not in the table: then nothing behind it can be read. */
export interface Told {
  readonly events: readonly SspEvent[]
  readonly isWhole: boolean
}

const BY_CODE: ReadonlyMap<number, EventName> = new Map(
  keysOf(EVENTS).map((name): readonly [number, EventName] => [EVENTS[name].code, name]),
)

/** The events of a poll's answer, its first byte taken off. @param version of the protocol, as agreed */
export function decodeEvents(data: Uint8Array, version: number): Told {
  const reader = new Reader(data)
  const events: SspEvent[] = []
  while (!reader.isAtEnd) {
    const name = BY_CODE.get(reader.byte() ?? -1)
    const event = name === undefined ? null : eventFrom(name, EVENTS[name].shape, reader, version)
    if (event === null) return {events, isWhole: false}
    events.push(event)
  }
  return {events, isWhole: true}
}

function eventFrom(name: EventName, shape: EventShape, reader: Reader, version: number): SspEvent | null {
  switch (shape) {
    case 'none':
      return {name}
    case 'channel': {
      const channel = reader.byte()
      return channel === null ? null : {name, channel}
    }
    case 'value': {
      const one = reader.amount()
      return one === null ? null : {name, amounts: [one]}
    }
    case 'amounts': {
      const amounts = reader.amounts(version)
      return amounts === null ? null : {name, amounts}
    }
    case 'amountsAndError': {
      const amounts = reader.amounts(version)
      const error = reader.byte()
      return amounts === null || error === null ? null : {name, amounts, error}
    }
    case 'paidAndRequested': {
      const both = reader.paidAndRequested(version)
      return both === null ? null : {name, ...both}
    }
  }
}

/** Takes bytes off one by one; null when there are not enough. */
class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number | null {
    const byte = this.#bytes[this.#at]
    this.#at += 1
    return byte ?? null
  }

  /** Lowest byte first. */
  number(lengthBytes: 2 | 4): number | null {
    let value = 0
    for (let at = 0; at < lengthBytes; at += 1) {
      const byte = this.byte()
      if (byte === null) return null
      value += byte * 2 ** (8 * at)
    }
    return value
  }

  letters(): string | null {
    const text = Buffer.from(this.#bytes.subarray(this.#at, this.#at + 3)).toString('latin1')
    this.#at += 3
    return /^[A-Z]{3}$/.test(text) ? text : null
  }

  amount(): Amount | null {
    const value = this.number(4)
    const currency = this.letters()
    return value === null || currency === null ? null : {value, currency}
  }

  /** Before version 6 one value alone, of the only currency there is. */
  amounts(version: number): readonly Amount[] | null {
    if (version < 6) {
      const value = this.number(4)
      return value === null ? null : [{value, currency: ''}]
    }
    return this.list(() => this.amount())
  }

  paidAndRequested(version: number): {amounts: readonly Amount[]; requested: readonly Amount[]} | null {
    const one = (currency: string | null): readonly [Amount, Amount] | null => {
      const paid = this.number(4)
      const requested = this.number(4)
      const named = currency ?? this.letters()
      if (paid === null || requested === null || named === null) return null
      return [
        {value: paid, currency: named},
        {value: requested, currency: named},
      ]
    }
    const pairs = version < 6 ? listOf(one('')) : this.list(() => one(null))
    if (pairs === null) return null
    return {amounts: pairs.map(([paid]) => paid), requested: pairs.map(([, requested]) => requested)}
  }

  list<T>(read: () => T | null): readonly T[] | null {
    const count = this.byte()
    if (count === null) return null
    const items: T[] = []
    for (let at = 0; at < count; at += 1) {
      const item = read()
      if (item === null) return null
      items.push(item)
    }
    return items
  }
}

function listOf<T>(item: T | null): readonly T[] | null {
  return item === null ? null : [item]
}

/** One channel of a dataset. `value` in whole units; times `Setup.multiplier` it is in the smallest. */
export interface Channel {
  readonly value: number
  readonly currency: string
}

export interface Setup {
  readonly unitType: number
  /** Four characters: `0333`. */
  readonly firmware: string
  readonly country: string
  /** Smallest units in one unit of a channel's value: 100. */
  readonly multiplier: number
  readonly version: number
  /** Channel 1 first. */
  readonly channels: readonly Channel[]
}

/** What a setup answer of a validator or a SMART Payout says, or null. */
export function decodeSetup(data: Uint8Array): Setup | null {
  const count = data[11] ?? -1
  const wanted = 16 + 2 * count
  if (count < 0 || data.length < wanted) return null
  const text = (from: number, to: number): string => Buffer.from(data.subarray(from, to)).toString('latin1')
  const big3 = (at: number): number =>
    (data[at] ?? 0) * 65_536 + (data[at + 1] ?? 0) * 256 + (data[at + 2] ?? 0)
  const version = data[15 + 2 * count] ?? 0
  const country = text(5, 8)
  const base = {
    unitType: data[0] ?? 0,
    firmware: printable(text(1, 5)),
    country: printable(country),
    multiplier: big3(12 + 2 * count),
    version,
  }
  if (version < 6) {
    const values = [...data.subarray(12, 12 + count)]
    return {...base, channels: values.map(value => ({value: value * big3(8), currency: printable(country)}))}
  }
  if (data.length !== wanted + 7 * count) return null
  const currencies = new Reader(data.subarray(wanted))
  const values = new Reader(data.subarray(wanted + 3 * count))
  const channels = Array.from({length: count}, () => ({
    currency: currencies.letters(),
    value: values.number(4),
  }))
  const whole = channels.flatMap(({currency, value}) =>
    currency === null || value === null ? [] : [{currency, value}],
  )
  return whole.length === count ? {...base, channels: whole} : null
}

/** Firmware and dataset versions are text. */
export function decodeText(data: Uint8Array): string {
  return printable(Buffer.from(data).toString('latin1'))
}

/** Four bytes, highest first, or null. */
export function decodeSerial(data: Uint8Array): number | null {
  return data.length === 4 ? Buffer.from(data).readUInt32BE() : null
}

/** All levels of the store, or null. */
export function decodeLevels(data: Uint8Array): readonly Level[] | null {
  const reader = new Reader(data)
  const levels = reader.list(() => {
    const count = reader.number(2)
    const one = reader.amount()
    return count === null || one === null ? null : {count, ...one}
  })
  return levels !== null && reader.isAtEnd ? levels : null
}

/** What it counted since its counters were set back; a power cut does not touch them. */
export interface Counters {
  readonly stacked: number
  readonly stored: number
  readonly dispensed: number
  /** From the store to the cashbox. */
  readonly transferred: number
  readonly rejected: number
}

/** The counters, or null. */
export function decodeCounters(data: Uint8Array): Counters | null {
  const reader = new Reader(data)
  if (reader.byte() !== 5 || data.length !== 21) return null
  const [stacked, stored, dispensed, transferred, rejected] = [0, 1, 2, 3, 4].map(() => reader.number(4) ?? 0)
  return {
    stacked: stacked ?? 0,
    stored: stored ?? 0,
    dispensed: dispensed ?? 0,
    transferred: transferred ?? 0,
    rejected: rejected ?? 0,
  }
}

function printable(text: string): string {
  return text.replace(/[^ -~]/g, '?')
}
