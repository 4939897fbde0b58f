/** Creator CRT-310: what was said on the emulator's wire, without what a stripe holds. */
import {COMMANDS, TRACK} from './bytes.ts'

export interface TranscriptLine {
  readonly from: 'host' | 'device'
  /** Bytes as upper-case hex with spaces; a track's content is replaced by its length. */
  readonly hex: string
}

/** Lines the transcript keeps; the oldest go first. */
export const TRANSCRIPT_LINES_MAX = 1_000

export class Transcript {
  #lines: TranscriptLine[] = []

  /** Oldest first. */
  get lines(): readonly TranscriptLine[] {
    return this.#lines
  }

  add(from: TranscriptLine['from'], bytes: Uint8Array): void {
    this.#lines.push({from, hex: masked(bytes)})
    if (this.#lines.length > TRANSCRIPT_LINES_MAX) this.#lines = this.#lines.slice(-TRANSCRIPT_LINES_MAX)
  }
}

/** Hex of a frame, without what a stripe holds: replies to a track upload are cut after the verdict on the track. */
function masked(bytes: Uint8Array): string {
  const hex = (part: Uint8Array) =>
    Array.from(part, byte => byte.toString(16).padStart(2, '0').toUpperCase()).join(' ')
  const trackAt = 9
  const isTrack = bytes[3] === COMMANDS.readTracks.cm && bytes[trackAt - 1] === TRACK.good
  return isTrack ? `${hex(bytes.subarray(0, trackAt))} [${bytes.length - trackAt} bytes]` : hex(bytes)
}
