/** What was said on an emulated reader's wire, without what a card holds. */
import {spacedHexOf} from '../../crypto/hex.ts'

export interface TranscriptLine {
  readonly from: 'host' | 'device'
  /** Bytes as upper-case hex with spaces; what a card holds is replaced by its length. */
  readonly hex: string
}

/** Lines the transcript keeps; the oldest go first. */
export const TRANSCRIPT_LINES_MAX = 1_000

export class Transcript {
  readonly #shownBytes: (frame: Uint8Array) => number
  #lines: TranscriptLine[] = []

  /** @param shownBytes how many bytes of a frame may be written down, from its first; its whole length for most */
  constructor(shownBytes: (frame: Uint8Array) => number) {
    this.#shownBytes = shownBytes
  }

  /** Oldest first. */
  get lines(): readonly TranscriptLine[] {
    return this.#lines.slice(-TRANSCRIPT_LINES_MAX)
  }

  add(from: TranscriptLine['from'], bytes: Uint8Array): void {
    const shown = this.#shownBytes(bytes)
    const hex = spacedHexOf(bytes.subarray(0, shown))
    this.#lines.push({from, hex: shown < bytes.length ? `${hex} [${bytes.length - shown} bytes]` : hex})
    // Seldom, because it copies them all.
    if (this.#lines.length > 2 * TRANSCRIPT_LINES_MAX) this.#lines = this.#lines.slice(-TRANSCRIPT_LINES_MAX)
  }
}
