/**
 * Randomness comes in from outside. A seeded source gives every consumer its own named stream, so that
 * adding one consumer does not shift what the others draw.
 */
import {createHash, randomBytes} from 'node:crypto'
import {assert} from './assert.ts'

export interface Random {
  /** `lengthBytes` random bytes. */
  bytes(lengthBytes: number): Uint8Array
  /** A whole number, 0 <= n < `bound`; `bound` at most 2^32. */
  below(bound: number): number
  /** An independent source under that name; the same name gives the same stream. */
  stream(name: string): Random
}

/** The operating system's generator. */
export function systemRandom(): Random {
  const source: Random = {
    bytes: lengthBytes => randomBytes(lengthBytes),
    below: bound => belowFrom(() => randomBytes(4).readUInt32BE(), bound),
    stream: () => source,
  }
  return source
}

/** A repeatable generator: SHA-256 over the seed, the stream's name and a counter. For simulation, never for keys. */
export function seededRandom(seed: string): Random {
  let counter = 0
  let pool: Buffer = Buffer.alloc(0)
  const take = (lengthBytes: number): Buffer => {
    while (pool.length < lengthBytes) {
      pool = Buffer.concat([pool, createHash('sha256').update(`${seed}\0${counter++}`).digest()])
    }
    const taken = pool.subarray(0, lengthBytes)
    pool = pool.subarray(lengthBytes)
    return taken
  }
  return {
    bytes: lengthBytes => Uint8Array.from(take(lengthBytes)),
    below: bound => belowFrom(() => take(4).readUInt32BE(), bound),
    stream: name => seededRandom(`${seed}/${name}`),
  }
}

function belowFrom(draw32: () => number, bound: number): number {
  assert(Number.isSafeInteger(bound) && bound >= 1 && bound <= 2 ** 32, `bound ${bound} is not in 1..2^32`)
  // The tail that would make small values likelier is drawn again.
  const fairMax = Math.floor(2 ** 32 / bound) * bound
  for (;;) {
    const value = draw32()
    if (value < fairMax) return value % bound
  }
}
