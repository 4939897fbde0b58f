/**
 * ABECS pads: values to packets and back. Both ends of the wire use it; vectors.json is the witness that neither
 * can talk the other into a shared mistake.
 *
 * A packet is SYN, data, ETB and a CRC-16/XMODEM over data and ETB, high byte first. Within the data SYN, ETB and
 * the escape itself are marked; the check is over what they stand for, and is never marked. Data is a name of three
 * letters, in replies a status of three digits, and blocks that each begin with their length in three digits. Newer
 * commands have one list in their blocks: number, length, value, two bytes each of the first two.
 */
import {hexOf} from '../../../crypto/hex.ts'
import {assert} from '../../../kit/assert.ts'
import type {FrameShape, Measure} from '../../wire/framer.ts'
import {crc16Xmodem} from '../../wire/shapes.ts'
import {
  ACK,
  BLOCK_BYTES_MAX,
  CAN,
  COMMANDS,
  DATA_BYTES_MAX,
  DISPLAY,
  EOT,
  ESCAPE,
  ESCAPE_SHIFT,
  ETB,
  HOST_GAP_MAX_MS,
  NAK,
  PACKET_BYTES_MAX,
  PAD_GAP_MAX_MS,
  PIN_METHOD,
  SYN,
} from './bytes.ts'
import type {CommandId, Profile} from './bytes.ts'

const MORE: Measure = {kind: 'more'}
const CHECKSUM: Measure = {kind: 'broken', why: 'checksum'}
const TOO_LONG: Measure = {kind: 'broken', why: 'too-long'}

/** How packets are cut out of arriving bytes. A SYN within a packet counts as data, as pads take it. */
export function frameShape(side: 'host' | 'pad'): FrameShape {
  const controls = side === 'host' ? [ACK, NAK, EOT] : [NAK, CAN]
  return {
    starts: byte => byte === SYN,
    isControl: byte => controls.includes(byte),
    measure,
    frameBytesMax: PACKET_BYTES_MAX,
    frameTimeMaxMs: Infinity,
    byteGapMaxMs: side === 'host' ? HOST_GAP_MAX_MS : PAD_GAP_MAX_MS,
  }
}

function measure(bytes: Uint8Array): Measure {
  const etbAt = bytes.indexOf(ETB, 1)
  if (etbAt < 0) return MORE
  const lengthBytes = etbAt + 3
  // Marked bytes can be twice as many, so only the whole packet tells how much data there is.
  const data = unmarked(bytes.subarray(1, etbAt))
  if (data === null) return CHECKSUM
  if (data.length > DATA_BYTES_MAX) return TOO_LONG
  if (bytes.length < lengthBytes) return MORE
  const check = ((bytes[etbAt + 1] ?? 0) << 8) | (bytes[etbAt + 2] ?? 0)
  return check === checkOf(data) ? {kind: 'frame', lengthBytes} : CHECKSUM
}

/** Over the data and the ETB that follows it. */
function checkOf(data: Uint8Array): number {
  return crc16Xmodem(Uint8Array.of(ETB), crc16Xmodem(data))
}

/** @param data 1 to 2049 bytes. @throws AssertionFailed on any other size */
export function encodePacket(data: Uint8Array): Uint8Array {
  assert(data.length >= 1 && data.length <= DATA_BYTES_MAX, `a packet of ${data.length} bytes`)
  const check = checkOf(data)
  const packet = new Uint8Array(2 * data.length + 4)
  packet[0] = SYN
  let end = 1
  for (const byte of data) {
    const isMarked = byte === SYN || byte === ETB || byte === ESCAPE
    if (isMarked) packet[end++] = ESCAPE
    packet[end++] = isMarked ? byte + ESCAPE_SHIFT : byte
  }
  packet.set([ETB, check >> 8, check & 0xff], end)
  return packet.slice(0, end + 3)
}

/** The data of exactly one whole packet; null when the bytes are anything else. */
export function decodePacket(bytes: Uint8Array): Uint8Array | null {
  if (bytes[0] !== SYN) return null
  const measured = measure(bytes)
  if (measured.kind !== 'frame' || measured.lengthBytes !== bytes.length) return null
  return unmarked(bytes.subarray(1, -3))
}

/** What marked bytes stand for; null when a mark stands at the end, or before what nobody marks. */
function unmarked(bytes: Uint8Array): Uint8Array | null {
  const data = new Uint8Array(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at += 1) {
    let byte = bytes[at] ?? 0
    if (byte === ESCAPE) {
      at += 1
      byte = (bytes[at] ?? 0) - ESCAPE_SHIFT
      if (byte < 0) return null
    }
    data[length] = byte
    length += 1
  }
  return data.subarray(0, length)
}

/** One parameter or told value. */
export interface Tlv {
  readonly tag: number
  readonly value: Uint8Array
}

export function tlv(tag: number, value: string | number | Uint8Array): Tlv {
  if (typeof value === 'string') return {tag, value: latin(value)}
  return {tag, value: typeof value === 'number' ? Uint8Array.of(value) : value}
}

/** Data of a command with blocks. */
export function blockCommand(id: CommandId, ...blocks: readonly (string | Uint8Array)[]): Uint8Array {
  return Uint8Array.of(...latin(id), ...blocks.flatMap(block => [...countedBlock(bytesOf(block))]))
}

/** Data of a command with a list; without one when it is empty. */
export function tlvCommand(id: CommandId, list: readonly Tlv[]): Uint8Array {
  return Uint8Array.of(...latin(id), ...(list.length === 0 ? [] : countedBlock(encodeTlvs(list))))
}

/** Data of a reply. @param status 0 to 999 */
export function reply(id: string, status: number, ...blocks: readonly (string | Uint8Array)[]): Uint8Array {
  return Uint8Array.of(
    ...latin(`${id}${status.toString().padStart(3, '0')}`),
    ...blocks.flatMap(block => [...countedBlock(bytesOf(block))]),
  )
}

/** A list as the blocks that it needs: none is cut in two. */
export function tlvBlocks(list: readonly Tlv[]): readonly Uint8Array[] {
  const blocks: Uint8Array[] = []
  let pending: Tlv[] = []
  for (const item of list) {
    if (encodeTlvs([...pending, item]).length > BLOCK_BYTES_MAX) {
      blocks.push(encodeTlvs(pending))
      pending = []
    }
    pending.push(item)
  }
  return pending.length === 0 ? blocks : [...blocks, encodeTlvs(pending)]
}

export function encodeTlvs(list: readonly Tlv[]): Uint8Array {
  return Uint8Array.from(
    list.flatMap(({tag, value}) => [tag >> 8, tag & 0xff, value.length >> 8, value.length & 0xff, ...value]),
  )
}

/** The list in a block, or null when a length does not fit. */
export function decodeTlvs(block: Uint8Array): readonly Tlv[] | null {
  const list: Tlv[] = []
  for (let at = 0; at < block.length;) {
    if (block.length - at < 4) return null
    const tag = ((block[at] ?? 0) << 8) | (block[at + 1] ?? 0)
    const length = ((block[at + 2] ?? 0) << 8) | (block[at + 3] ?? 0)
    if (block.length - at - 4 < length) return null
    list.push({tag, value: block.slice(at + 4, at + 4 + length)})
    at += 4 + length
  }
  return list
}

/** The blocks in data from a place on, or null when a length does not fit. */
export function decodeBlocks(data: Uint8Array, from: number): readonly Uint8Array[] | null {
  const blocks: Uint8Array[] = []
  for (let at = from; at < data.length;) {
    const digits = textOf(data.subarray(at, at + 3))
    if (!/^[0-9]{3}$/.test(digits)) return null
    const length = Number(digits)
    if (data.length - at - 3 < length) return null
    blocks.push(data.slice(at + 3, at + 3 + length))
    at += 3 + length
  }
  return blocks
}

export interface Reply {
  readonly id: string
  readonly status: number
  readonly blocks: readonly Uint8Array[]
}

/** A reply taken apart, or null when it is none. */
export function decodeReply(data: Uint8Array): Reply | null {
  const head = textOf(data.subarray(0, 6))
  const blocks = decodeBlocks(data, 6)
  if (!/^[A-Z]{3}[0-9]{3}$/.test(head) || blocks === null) return null
  return {id: head.slice(0, 3), status: Number(head.slice(3)), blocks}
}

/** Everything listed in a reply's blocks, by number; null when one does not read as a list. The first of two counts. */
export function toldIn(blocks: readonly Uint8Array[]): ReadonlyMap<number, Uint8Array> | null {
  const told = new Map<number, Uint8Array>()
  for (const block of blocks) {
    const list = decodeTlvs(block)
    if (list === null) return null
    for (const {tag, value} of list) if (!told.has(tag)) told.set(tag, value)
  }
  return told
}

/** The name in a command, or null when there is none that is known. */
export function commandIn(data: Uint8Array): CommandId | null {
  const name = textOf(data.subarray(0, 3))
  return isCommandId(name) ? name : null
}

function isCommandId(name: string): name is CommandId {
  return Object.hasOwn(COMMANDS, name)
}

/** Two rows as the pad's display takes them: 32 characters of printable ASCII. */
export function displayText(rows: readonly string[]): string {
  return Array.from({length: DISPLAY.rows}, (_, at) =>
    (rows[at] ?? '')
      .replaceAll(/[^\x20-\x7e]/g, '?')
      .slice(0, DISPLAY.columns)
      .padEnd(DISPLAY.columns),
  ).join('')
}

/** Digits in a PAN field of a PIN request. */
const PAN_FIELD_CHARACTERS = 19
/** A working key of zeros, where none is meant. */
const NO_WORKING_KEY: Uint8Array = new Uint8Array(16)

/** The block that asks for a PIN, 93 characters. @param workingKey 16 bytes under the master key; null for DUKPT */
export function pinRequestBlock(
  profile: Profile,
  workingKey: Uint8Array | null,
  pan: string,
  lengthMin: number,
  lengthMax: number,
): string {
  return [
    PIN_METHOD[profile.keyScheme],
    twoDigits(profile.pinKeySlot),
    hexOf(workingKey ?? NO_WORKING_KEY),
    twoDigits(pan.length),
    pan.padEnd(PAN_FIELD_CHARACTERS),
    // So many things are asked for.
    '1',
    twoDigits(lengthMin),
    twoDigits(lengthMax),
    displayText(profile.prompt),
  ].join('')
}

/** Block and KSN in a reply to a PIN request, as upper-case hex; null when it has another form. */
export function pinIn(blocks: readonly Uint8Array[]): {readonly block: string; readonly ksn: string} | null {
  const [only, ...more] = blocks
  if (only === undefined || more.length > 0) return null
  const [, block, ksn] = /^([0-9A-F]{16})([0-9A-F]{20})$/.exec(textOf(only).toUpperCase()) ?? []
  return block === undefined || ksn === undefined ? null : {block, ksn}
}

export function twoDigits(value: number): string {
  return value.toString().padStart(2, '0')
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function latin(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

function bytesOf(block: string | Uint8Array): Uint8Array {
  return typeof block === 'string' ? latin(block) : block
}

function countedBlock(block: Uint8Array): Uint8Array {
  assert(block.length <= BLOCK_BYTES_MAX, `a block of ${block.length} bytes`)
  return Uint8Array.of(...latin(block.length.toString().padStart(3, '0')), ...block)
}
