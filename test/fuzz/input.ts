/**
 * Inputs for decoders: random bytes, golden frames with a few changes, several of them with noise between, and
 * bytes drawn from what golden frames are made of; cut into chunks that arrive at their times. The number of an
 * input and the seed give the input again.
 */
import {hash} from 'node:crypto'

export interface Chunk {
  readonly bytes: Uint8Array
  /** Silence before it. */
  readonly gapMs: number
}

export interface Input {
  readonly chunks: readonly Chunk[]
  /** Draws of this input that are left for the target: which good frame follows, and how. */
  readonly more: Draws
}

/** No input is longer. */
export const INPUT_BYTES_MAX = 1_024

/** The random bytes that make one input. When they are used up they begin again, so that an input always ends. */
export class Draws {
  readonly #tape: Uint8Array
  #at = 0

  constructor(tape: Uint8Array) {
    this.#tape = tape
  }

  byte(): number {
    const byte = this.#tape[this.#at % this.#tape.length] ?? 0
    this.#at += 1
    return byte
  }

  /** 0 <= n < bound; slightly uneven, which is of no matter here. */
  below(bound: number): number {
    return ((this.byte() << 8) | this.byte()) % bound
  }

  one<T>(all: readonly T[]): T {
    const chosen = all[this.below(all.length)]
    if (chosen === undefined) throw new RangeError('nothing to choose from')
    return chosen
  }

  bytes(lengthBytes: number): number[] {
    return Array.from({length: lengthBytes}, () => this.byte())
  }
}

/** @param good golden frames or fields; @param name of the target, so that each has inputs of its own */
export function inputAt(seed: string, name: string, index: number, good: readonly Uint8Array[]): Input {
  // One digest is the whole tape: a generator made anew for each input would cost more than most decoders.
  const draws = new Draws(hash('sha512', `${seed}/${name}/${index}`, 'buffer'))
  const bytes = Uint8Array.from(contentOf(draws, good).slice(0, INPUT_BYTES_MAX))
  return {chunks: chunksOf(bytes, draws), more: draws}
}

/** The chunks as text, `0450 +5ms 0246`, for whoever looks for the mistake. */
export function textOf({chunks}: Input): string {
  return chunks
    .map(({bytes, gapMs}) => (gapMs === 0 ? '' : `+${gapMs}ms `) + Buffer.from(bytes).toString('hex'))
    .join(' ')
}

export function joined({chunks}: Input): Uint8Array {
  return Uint8Array.from(Buffer.concat(chunks.map(({bytes}) => bytes)))
}

function contentOf(draws: Draws, good: readonly Uint8Array[]): readonly number[] {
  switch (draws.below(4)) {
    case 0:
      return draws.bytes(draws.below(80))
    case 1:
      return changed(draws, draws.one(good))
    case 2: {
      // Bytes that frames are made of come close to frames far more often than bytes at random.
      const alphabet = draws.one(good)
      return Array.from({length: draws.below(60)}, () => alphabet[draws.below(alphabet.length)] ?? 0)
    }
    default:
      return Array.from({length: 1 + draws.below(4)}, () => [
        ...draws.bytes(draws.below(4)),
        ...(draws.below(2) === 0 ? draws.one(good) : changed(draws, draws.one(good))),
      ]).flat()
  }
}

function changed(draws: Draws, frame: Uint8Array): number[] {
  const bytes = [...frame]
  for (let left = 1 + draws.below(4); left > 0; left -= 1) {
    const at = draws.below(bytes.length + 1)
    switch (draws.below(6)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << draws.below(8))
        break
      case 1:
        bytes[at] = draws.byte()
        break
      case 2:
        bytes.splice(at, 0, ...draws.bytes(1 + draws.below(3)))
        break
      case 3:
        bytes.splice(at, 1 + draws.below(4))
        break
      case 4:
        bytes.length = at
        break
      default:
        bytes.splice(at, 0, ...bytes.slice(draws.below(bytes.length + 1)))
    }
  }
  return bytes
}

const GAPS_MS = [0, 0, 0, 0, 0, 0, 5, 150, 10_000]

function chunksOf(bytes: Uint8Array, draws: Draws): readonly Chunk[] {
  const chunks: Chunk[] = []
  for (let at = 0; at < bytes.length;) {
    const end = draws.below(3) === 0 ? at + 1 + draws.below(12) : bytes.length
    chunks.push({bytes: bytes.slice(at, end), gapMs: draws.one(GAPS_MS)})
    at = end
  }
  return chunks
}
