/** What was said on an emulated reader's wire, without what a card holds. */
import {spacedHexOf} from '../../crypto/hex.ts'

export interface TranscriptLine {
  readonly from: 'host' | 'device'
  /** Bytes as upper-case hex with spaces; what a card holds is replaced by its length. */
  readonly hex: string
}

/** Lines the transcript keeps; the oldest go first. */
export const TRANSCRIPT_LINES_MAX = 1_000

/** What may be written down of a frame; it becomes text for those who read it. */
interface Heard {
  readonly from: TranscriptLine['from']
  readonly shown: Uint8Array
  readonly restBytes: number
  /** Once somebody has read it: the same line to everybody, for who follows a transcript knows its lines again. */
  line: TranscriptLine | null
}

export class Transcript {
  readonly #shownBytes: (frame: Uint8Array) => number
  #lines: Heard[] = []

  /** @param shownBytes how many bytes of a frame may be written down, from its first; its whole length for most */
  constructor(shownBytes: (frame: Uint8Array) => number) {
    this.#shownBytes = shownBytes
  }

  /** Oldest first. */
  get lines(): readonly TranscriptLine[] {
    return this.#lines.slice(-TRANSCRIPT_LINES_MAX).map(heard => (heard.line ??= lineOf(heard)))
  }

  add(from: TranscriptLine['from'], bytes: Uint8Array): void {
    const shown = bytes.slice(0, this.#shownBytes(bytes))
    this.#lines.push({from, shown, restBytes: bytes.length - shown.length, line: null})
    // Seldom, because it copies them all.
    if (this.#lines.length > 2 * TRANSCRIPT_LINES_MAX) this.#lines = this.#lines.slice(-TRANSCRIPT_LINES_MAX)
  }
}

function lineOf({from, shown, restBytes}: Heard): TranscriptLine {
  const hex = spacedHexOf(shown)
  return {from, hex: restBytes > 0 ? `${hex} [${restBytes} bytes]` : hex}
}
