/**
 * Chance for the simulator: a tree of named streams, each its own generator, so that a new consumer does not shift
 * what the others draw. Fast and repeatable on every machine; never for keys.
 */
import {createHash} from 'node:crypto'
import {present} from '../../kit/assert.ts'

export class Draws {
  readonly #name: string
  #a: number
  #b: number
  #c: number
  #d: number

  /** @param name the seed and the stream's path */
  constructor(name: string) {
    this.#name = name
    const seed = createHash('sha256').update(name).digest()
    this.#a = seed.readInt32LE(0)
    this.#b = seed.readInt32LE(4)
    this.#c = seed.readInt32LE(8)
    this.#d = seed.readInt32LE(12)
  }

  /** An independent stream; the same name gives the same one. */
  stream(name: string): Draws {
    return new Draws(`${this.#name}/${name}`)
  }

  /** 0 <= n < 1. The generator is sfc32 (PractRand, C. Doty-Humphrey). */
  unit(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return (sum >>> 0) / 2 ** 32
  }

  /** True that often. */
  chance(rate: number): boolean {
    return this.unit() < rate
  }

  /** A whole number, 0 <= n < bound. */
  below(bound: number): number {
    return Math.floor(this.unit() * bound)
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  one<T>(all: readonly T[]): T {
    return present(all[this.below(all.length)], 'something to choose from')
  }
}
