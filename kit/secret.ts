/** A value that cannot be printed by accident: PAN, track data, PIN block, keys. */
import {inspect} from 'node:util'

const SHOWN = '[secret]'

/**
 * Holds a secret. Every way of turning it into text gives `[secret]`; `reveal()` is the only way out,
 * and `test/tidy.test.ts` names the files that may call it.
 */
export class Secret<T> {
  readonly #value: T
  constructor(value: T) {
    this.#value = value
  }
  /** The value itself. Use it where it leaves for its one destination, and keep no copy. */
  reveal(): T {
    return this.#value
  }
  /** A secret made of this one. */
  map<U>(make: (value: T) => U): Secret<U> {
    return new Secret(make(this.#value))
  }
  toString(): string {
    return SHOWN
  }
  toJSON(): string {
    return SHOWN
  }
  [inspect.custom](): string {
    return SHOWN
  }
}
