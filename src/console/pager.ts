/** The keys that somebody presses between the pages of a long answer. None is lost while a page is on its way. */
import {LINE_MAX} from './grammar.ts'

/** What a key at `--More--` asks for; null for one that is the beginning of the next command. */
const MEANINGS: Readonly<Record<number, 'page' | 'line' | 'enough'>> = {
  0x20: 'page',
  0x0d: 'line',
  0x71: 'enough',
  0x03: 'enough',
}

export class Pager {
  /** Pressed and not asked for yet; null while there are no pages. */
  #keys: number[] | null = null
  #waiting: (() => void) | null = null
  #hasEnded = false

  /** Whether a key is waited for. */
  get isWaiting(): boolean {
    return this.#waiting !== null
  }

  /** @returns whether the key was for the pages */
  take(byte: number): boolean {
    if (this.#keys === null || this.#keys.length >= LINE_MAX) return false
    this.#keys.push(byte)
    this.#wake()
    return true
  }

  /** What to do after the page; `enough` as well when nobody is there any more. */
  async next(): Promise<'page' | 'line' | 'enough'> {
    this.#keys ??= []
    while (this.#keys.length === 0 && !this.#hasEnded)
      await new Promise<void>(resolve => {
        this.#waiting = resolve
      })
    const [key] = this.#keys
    const meaning = key === undefined ? undefined : MEANINGS[key]
    if (meaning === undefined) return 'enough'
    this.#keys.shift()
    return meaning
  }

  /** The pages are over. @returns the keys that were not for them */
  close(): readonly number[] {
    const keys = this.#keys ?? []
    this.#keys = null
    return keys
  }

  /** Nobody is there any more: who waits gets `enough`, now and from now on. */
  end(): void {
    this.#hasEnded = true
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.()
  }
}
