/**
 * LCDM-2000 seen from the device: host bytes in, answer frames out. Written from the protocol page alone and
 * sharing nothing with the driver's codec, so that a mistake in one of them shows as a disagreement.
 */
import type {Counted} from '../mechanism.ts'

/** What the host said. */
export type HostSaid =
  | {readonly kind: 'command'; readonly code: number; readonly argument: readonly number[]}
  /** A whole frame with a wrong check byte. */
  | {readonly kind: 'damaged'}
  | {readonly kind: 'ack' | 'nak'}
  /** Anything else; FF is what some hosts send for NAK by mistake. */
  | {readonly kind: 'stray'; readonly byte: number}

/** A host frame is at most `04 50 02 56 n n n n 03 BCC`. */
const ARGUMENT_BYTES_MAX = 8
/** Inside one frame, first byte to check byte; the maker's paper. */
const FRAME_TIME_MAX_MS = 200

type Expecting = 'start' | 'address' | 'stx' | 'command' | 'argument' | 'check'

export class HostReader {
  #expecting: Expecting = 'start'
  #startedAtMs = 0
  #sum = 0
  #code = 0
  #argument: number[] = []

  push(chunk: Uint8Array, atMs: number): readonly HostSaid[] {
    if (this.#expecting !== 'start' && atMs - this.#startedAtMs >= FRAME_TIME_MAX_MS) this.reset()
    const said: HostSaid[] = []
    for (const byte of chunk) {
      const one = this.#take(byte, atMs)
      if (one !== null) said.push(one)
    }
    return said
  }

  reset(): void {
    this.#expecting = 'start'
  }

  #take(byte: number, atMs: number): HostSaid | null {
    if (this.#expecting === 'start') return this.#takeFirst(byte, atMs)
    if (this.#expecting === 'check') {
      this.#expecting = 'start'
      return byte === this.#sum
        ? {kind: 'command', code: this.#code, argument: this.#argument}
        : {kind: 'damaged'}
    }
    this.#sum ^= byte
    return this.#takeInside(byte)
  }

  #takeFirst(byte: number, atMs: number): HostSaid | null {
    if (byte === 0x06) return {kind: 'ack'}
    if (byte === 0x15) return {kind: 'nak'}
    if (byte !== 0x04) return {kind: 'stray', byte}
    this.#expecting = 'address'
    this.#startedAtMs = atMs
    this.#sum = byte
    this.#argument = []
    return null
  }

  #takeInside(byte: number): HostSaid | null {
    switch (this.#expecting) {
      case 'address':
        return this.#follow(byte === 0x50, 'stx', byte)
      case 'stx':
        return this.#follow(byte === 0x02, 'command', byte)
      case 'command':
        this.#code = byte
        return this.#follow(true, 'argument', byte)
      default:
        if (byte === 0x03) return this.#follow(true, 'check', byte)
        this.#argument.push(byte)
        return this.#follow(this.#argument.length <= ARGUMENT_BYTES_MAX, 'argument', byte)
    }
  }

  #follow(isRight: boolean, next: Expecting, byte: number): HostSaid | null {
    this.#expecting = isRight ? next : 'start'
    return isRight ? null : {kind: 'stray', byte}
  }
}

/** One cassette's counters of one order, and its state. */
export interface Reported extends Counted {
  readonly isNearEnd: boolean
}

/** `01 50 02 CMD ... 03 BCC`. */
export function answerFrame(code: number, body: readonly number[]): Uint8Array {
  const bytes = [0x01, 0x50, 0x02, code, ...body, 0x03]
  let check = 0
  for (const byte of bytes) check ^= byte
  return Uint8Array.from([...bytes, check])
}

/** CHK EXIT ERR CASS REJ. */
export function oneCassetteBody(error: number, counted: Reported): readonly number[] {
  return [
    ...decimal(counted.picked),
    ...decimal(counted.out),
    error,
    flag(counted.isNearEnd),
    ...decimal(counted.rejected),
  ]
}

/** CHK EXIT of the upper, CHK EXIT of the lower, ERR, both CASS, both REJ. */
export function twoCassettesBody(error: number, upper: Reported, lower: Reported): readonly number[] {
  return [
    ...decimal(upper.picked),
    ...decimal(upper.out),
    ...decimal(lower.picked),
    ...decimal(lower.out),
    error,
    flag(upper.isNearEnd),
    flag(lower.isNearEnd),
    ...decimal(upper.rejected),
    ...decimal(lower.rejected),
  ]
}

/** Two ASCII digits; the wire cannot say more than 99. */
function decimal(count: number): readonly number[] {
  const text = Math.min(count, 99).toString().padStart(2, '0')
  return [text.charCodeAt(0), text.charCodeAt(1)]
}

function flag(isNearEnd: boolean): number {
  return isNearEnd ? 0x31 : 0x30
}

/** The number two or four digit bytes spell per cassette, or null when they are no digits. */
export function readCounts(argument: readonly number[], cassettes: 1 | 2): readonly number[] | null {
  if (argument.length !== 2 * cassettes) return null
  const text = String.fromCharCode(...argument)
  if (!/^[0-9]+$/.test(text)) return null
  return cassettes === 1 ? [Number(text)] : [Number(text.slice(0, 2)), Number(text.slice(2))]
}
