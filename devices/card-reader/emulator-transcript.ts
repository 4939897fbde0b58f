/** What was said on an emulated reader's wire, without what a card holds. */

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
    return this.#lines
  }

  add(from: TranscriptLine['from'], bytes: Uint8Array): void {
    const shown = this.#shownBytes(bytes)
    const hex = spacedHex(bytes.subarray(0, shown))
    this.#lines.push({from, hex: shown < bytes.length ? `${hex} [${bytes.length - shown} bytes]` : hex})
    if (this.#lines.length > TRANSCRIPT_LINES_MAX) this.#lines = this.#lines.slice(-TRANSCRIPT_LINES_MAX)
  }
}

function spacedHex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0').toUpperCase()).join(' ')
}
