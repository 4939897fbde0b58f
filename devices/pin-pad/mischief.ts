/** What every emulated PIN pad has in common: hands on it, eyes on it, and the queue of what is to go wrong. */
import type {Key} from './port.ts'

/** What the line does to one command or its reply, on every model. */
export type LineMischief =
  | 'ignoreFrame'
  | 'dropReply'
  | 'corruptReply'
  | 'corruptStart'
  | 'splitReply'
  | 'lateReply'
  | 'duplicateReply'
  | 'garbageBeforeReply'

/** The misbehaviour that every model knows. */
export interface CommonMischief {
  readonly kind: 'line'
  readonly do: LineMischief
  readonly ms?: number
}

/** What can be seen of a pad from outside, and nothing of what it keeps. */
export interface PadWorld {
  readonly isPowered: boolean
  readonly mode: 'idle' | 'clear' | 'pin'
  /** Stars on the screen of somebody who counts them. */
  readonly stars: number
  /** Whether a PIN could be entered: a key for the block is in the pad, or comes with the request. */
  readonly hasPinKey: boolean
}

/** An emulated pad as bench and tests hold it, whatever its model. */
export interface PinPadEmulator {
  readonly world: PadWorld
  /** What was said on its wire, oldest first, without what must not be written down. */
  readonly transcript: readonly TranscriptLine[]
  start(): Promise<void>
  stop(): Promise<void>
  /** A finger. `ignored`: the pad is in no mode in which that key does anything. */
  press(key: Key): 'pressed' | 'ignored'
  /** Dead until `restorePower`. Keys stay; digits of a PIN do not. */
  cutPower(): void
  restorePower(): void
  plan(mischief: CommonMischief): void
  /** Calls back after everything that changes the world. */
  onChange(watcher: () => void): () => void
}

export interface TranscriptLine {
  readonly from: 'host' | 'device'
  /** Bytes as upper-case hex with spaces; PAN, keys and blocks are replaced by their length. */
  readonly hex: string
}

/** Misbehaviours that wait for something they fit; each strikes once. */
export class MischiefQueue<M> {
  #waiting: M[] = []

  plan(mischief: M): void {
    this.#waiting.push(mischief)
  }

  /** Takes out the first that is due, or null. */
  strike(isDue: (mischief: M) => boolean): M | null {
    const struck = this.#waiting.find(isDue) ?? null
    this.#waiting = this.#waiting.filter(mischief => mischief !== struck)
    return struck
  }
}

/** Lines a transcript keeps; the oldest go first. */
export const TRANSCRIPT_LINES_MAX = 1_000

interface Heard {
  readonly from: TranscriptLine['from']
  readonly hex: () => string
  /** Once somebody has read it: the same line to everybody, for who follows a transcript knows its lines again. */
  line: TranscriptLine | null
}

/** What was said on an emulated pad's wire. */
export class TranscriptLines {
  #lines: Heard[] = []

  get lines(): readonly TranscriptLine[] {
    return this.#lines
      .slice(-TRANSCRIPT_LINES_MAX)
      .map(heard => (heard.line ??= {from: heard.from, hex: heard.hex()}))
  }

  /** @param hex writes it for those who read it, and holds nothing that must not be written */
  add(from: TranscriptLine['from'], hex: () => string): void {
    this.#lines.push({from, hex, line: null})
    // Seldom, because it copies them all.
    if (this.#lines.length > 2 * TRANSCRIPT_LINES_MAX) this.#lines = this.#lines.slice(-TRANSCRIPT_LINES_MAX)
  }
}
