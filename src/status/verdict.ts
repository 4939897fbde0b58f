/** What a check of the whole journal leaves for the machine, which cannot make it while customers come: one line. */
import {dirname, join} from 'node:path'
import type {Verdict} from '../../journal/range.ts'
import {epochMs, isoTime, timeFromIso} from '../../kit/clock.ts'
import type {EpochMs} from '../../kit/clock.ts'

/** Beside the journal. */
export function verdictPath(journalPath: string): string {
  return join(dirname(journalPath), 'verified')
}

/** For a person, and for the machine after the time: `whole: 1234 rows`. */
export function verdictWords(verdict: Verdict): string {
  return verdict.kind === 'whole'
    ? `whole: ${verdict.rows} rows`
    : `broken at row ${verdict.at}: ${verdict.why}`
}

export function verdictText(verdict: Verdict, atMs: EpochMs): string {
  return `${isoTime(atMs)} ${verdictWords(verdict)}\n`
}

/** @returns when the journal was checked, and what is wrong with it; null without a check. A line that is none is a fault. */
export function verdictIn(
  text: string | null,
): {readonly atMs: EpochMs; readonly fault: string | null} | null {
  if (text === null) return null
  const [, time = '', words = ''] = /^(\S+) (.*)\n$/s.exec(text) ?? []
  const atMs = timeFromIso(time)
  if (atMs === null) return {atMs: epochMs(0), fault: 'the last verdict cannot be read'}
  return {atMs, fault: words.startsWith('whole: ') ? null : words}
}
