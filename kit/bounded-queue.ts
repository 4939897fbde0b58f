/** A first-in first-out queue that cannot grow without limit. */
import {assert} from './assert.ts'

export class BoundedQueue<T> {
  readonly #items: T[] = []
  readonly #lengthMax: number

  /** @param lengthMax most items held at once, at least 1 */
  constructor(lengthMax: number) {
    assert(
      Number.isSafeInteger(lengthMax) && lengthMax >= 1,
      `queue bound ${lengthMax} is not a positive integer`,
    )
    this.#lengthMax = lengthMax
  }

  /** Appends the item; `full` means it was not taken, and the caller says what that means. */
  push(item: T): 'taken' | 'full' {
    if (this.#items.length >= this.#lengthMax) return 'full'
    this.#items.push(item)
    return 'taken'
  }

  /** Removes and returns the oldest item, or undefined when empty. */
  shift(): T | undefined {
    return this.#items.shift()
  }

  get length(): number {
    return this.#items.length
  }

  clear(): void {
    this.#items.length = 0
  }
}
