/** What happened in one run, line by line: its hash says whether two runs were the same, its text is for people. */
import {createHash} from 'node:crypto'

/** One line of a run. */
export interface Line {
  readonly atMs: number
  readonly who: string
  readonly what: string
}

export class Trace {
  readonly #nowMs: () => number
  readonly #hash = createHash('sha256')
  readonly #listener: ((line: Line) => void) | null
  #pending: string[] = []
  #bytes = 0x811c9dc5
  #bytesCount = 0

  /** @param listener hears every line, for those who watch */
  constructor(nowMs: () => number, listener: ((line: Line) => void) | null) {
    this.#nowMs = nowMs
    this.#listener = listener
  }

  say(who: string, what: string): void {
    const atMs = this.#nowMs()
    this.#pending.push(`${atMs} ${who} ${what}\n`)
    if (this.#pending.length > 500) this.#flush()
    this.#listener?.({atMs, who, what})
  }

  /** For those who watch alone: the same in words. */
  tell(who: string, words: () => string): void {
    this.#listener?.({atMs: this.#nowMs(), who, what: words()})
  }

  /** Part of the hash alone: what would tell a person nothing. */
  mark(text: string): void {
    this.#pending.push(text)
  }

  /** Bytes on a wire count, too; folded together (FNV-1a), because there are many. */
  bytes(chunk: Uint8Array): void {
    let sum = this.#bytes
    for (const byte of chunk) sum = Math.imul(sum ^ byte, 0x01000193)
    this.#bytes = sum
    this.#bytesCount += chunk.length
  }

  /** SHA-256 over everything said, hexadecimal. */
  digest(): string {
    this.mark(`${this.#bytesCount} bytes, ${this.#bytes >>> 0}`)
    this.#flush()
    return this.#hash.copy().digest('hex')
  }

  #flush(): void {
    this.#hash.update(this.#pending.join(''))
    this.#pending = []
  }
}
