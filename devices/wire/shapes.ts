/**
 * The three families of frame grammar among the serial devices, each a function from a few constants to
 * a FrameShape. A model's `bytes.ts` makes its own shape from one of them.
 */
import type {FrameShape, Measure} from './framer.ts'

const MORE: Measure = {kind: 'more'}
const NOISE: Measure = {kind: 'broken', why: 'noise'}
const CHECKSUM: Measure = {kind: 'broken', why: 'checksum'}
const TOO_LONG: Measure = {kind: 'broken', why: 'too-long'}

/** Three zeros where a decimal count stands. */
const LONG_COUNT: readonly number[] = [0x30, 0x30, 0x30]

/** XOR of all the bytes, the block check of most serial devices. */
export function xorOf(bytes: Uint8Array): number {
  let sum = 0
  for (const byte of bytes) sum ^= byte
  return sum
}

/**
 * CRC-16/XMODEM: polynomial 1021, from 0000, high bit first. 31C3 over "123456789".
 * @param from what came out over the bytes before, where they come in pieces
 */
export function crc16Xmodem(bytes: Uint8Array, from = 0): number {
  let crc = from
  for (const byte of bytes) crc = ((crc << 8) & 0xffff) ^ (XMODEM[(crc >> 8) ^ byte] ?? 0)
  return crc
}

/** What each byte does to it. */
const XMODEM = Uint16Array.from({length: 256}, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
  return crc
})

interface Common {
  /** Bytes that mean something by themselves outside frames. */
  readonly controls: readonly number[] | 'any'
  readonly frameBytesMax: number
  /** First byte of a frame to its last. */
  readonly frameTimeMaxMs: number
  readonly byteGapMaxMs?: number
}

export interface ClosedByEtx extends Common {
  /** The fixed bytes a frame begins with. */
  readonly head: readonly number[]
  readonly etx: number
  /** Bytes that may stand between head and ETX; the ETX itself is never one of them. */
  isBody(byte: number): boolean
  /** Short unchecked notices that begin with the head's first byte: their second byte, and whole length. */
  readonly notices?: ReadonlyMap<number, number>
}

/** `head body ETX BCC`, BCC the XOR of all before it; no length, no escaping. After ETX comes exactly one byte, whatever it is. */
export function closedByEtx(shape: ClosedByEtx): FrameShape {
  const {head, etx} = shape
  return {
    ...common(shape, head[0]),
    measure(bytes) {
      const noticeBytes = shape.notices?.get(bytes[1] ?? -1)
      if (noticeBytes !== undefined) return noticeOf(bytes, noticeBytes, head[0])
      if (head.some((byte, at) => at < bytes.length && bytes[at] !== byte)) return NOISE
      for (let at = head.length; at < bytes.length; at += 1) {
        const byte = bytes[at] ?? 0
        if (byte === etx) return closedAt(bytes, at)
        if (!shape.isBody(byte)) return CHECKSUM
      }
      return MORE
    },
  }
}

export interface Counted extends Common {
  readonly stx: number
  readonly etx: number
  /** Bytes of address between STX and LEN; none when left out. */
  readonly addressBytes?: number
}

/** `STX LENhi LENlo text ETX BCC`, LEN the bytes of the text, BCC the XOR of all before it. */
export function counted(shape: Counted): FrameShape {
  const textAt = 3 + (shape.addressBytes ?? 0)
  return {
    ...common(shape, shape.stx),
    measure(bytes) {
      if (bytes.length < textAt) return MORE
      const etxAt = textAt + (bytes[textAt - 2] ?? 0) * 256 + (bytes[textAt - 1] ?? 0)
      if (etxAt + 2 > shape.frameBytesMax) return TOO_LONG
      if (bytes.length <= etxAt) return MORE
      return bytes[etxAt] === shape.etx ? closedAt(bytes, etxAt) : CHECKSUM
    },
  }
}

export interface DecimalCounted extends Counted {
  /** Whether `000` stands for four more digits, for texts longer than 999 bytes. False when left out. */
  readonly longText?: boolean
}

/**
 * `STX LEN text ETX C1 C2`: LEN three decimal digits, the bytes of the text; C1 C2 two upper-case hex digits,
 * the XOR from LEN through ETX.
 */
export function decimalCounted(shape: DecimalCounted): FrameShape {
  return {
    ...common(shape, shape.stx),
    measure(bytes) {
      const isLong = shape.longText === true && LONG_COUNT.every((byte, at) => bytes[1 + at] === byte)
      const textAt = isLong ? 8 : 4
      const digits = bytes.subarray(1, textAt)
      if (digits.some(byte => byte < 0x30 || byte > 0x39)) return NOISE
      if (digits.length < textAt - 1) return MORE
      const etxAt = textAt + digits.reduce((sum, byte) => sum * 10 + byte - 0x30, 0)
      if (etxAt + 3 > shape.frameBytesMax) return TOO_LONG
      if (bytes.length <= etxAt) return MORE
      if (bytes[etxAt] !== shape.etx) return CHECKSUM
      const lengthBytes = etxAt + 3
      if (bytes.length < lengthBytes) return MORE
      const check = xorOf(bytes.subarray(1, etxAt + 1))
        .toString(16)
        .toUpperCase()
        .padStart(2, '0')
      const isGood = bytes[etxAt + 1] === check.charCodeAt(0) && bytes[etxAt + 2] === check.charCodeAt(1)
      return isGood ? {kind: 'frame', lengthBytes} : CHECKSUM
    },
  }
}

function common(shape: Common, first: number | undefined): Omit<FrameShape, 'measure'> {
  const {controls, frameBytesMax, frameTimeMaxMs, byteGapMaxMs = frameTimeMaxMs} = shape
  return {
    starts: byte => byte === first,
    isControl: controls === 'any' ? () => true : byte => controls.includes(byte),
    frameBytesMax,
    frameTimeMaxMs,
    byteGapMaxMs,
  }
}

/** A notice has no check of its own; a frame that begins inside it shows that it is none. */
function noticeOf(bytes: Uint8Array, lengthBytes: number, first: number | undefined): Measure {
  if (bytes.subarray(1).some(byte => byte === first)) return NOISE
  return bytes.length < lengthBytes ? MORE : {kind: 'frame', lengthBytes}
}

/** The one byte after the ETX decides. */
function closedAt(bytes: Uint8Array, etxAt: number): Measure {
  const check = bytes[etxAt + 1]
  if (check === undefined) return MORE
  return check === xorOf(bytes.subarray(0, etxAt + 1)) ? {kind: 'frame', lengthBytes: etxAt + 2} : CHECKSUM
}
