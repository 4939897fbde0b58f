/** What checking a journal costs: every row on all cores, against nothing but the SHA-256 of the same rows on one. */
import {hash} from 'node:crypto'
import {availableParallelism} from 'node:os'
import {join} from 'node:path'
import {sessionIdOf} from '../../journal/entry.ts'
import type {Entry} from '../../journal/entry.ts'
import {exportJsonLines} from '../../journal/export.ts'
import {Journal} from '../../journal/journal.ts'
import {verifyInParallel} from '../../journal/parallel.ts'
import {assert} from '../../kit/assert.ts'
import {realClock} from '../../kit/clock.ts'
import {interleaved, median, plainRow, rowOf, timed} from './measure.ts'
import type {Row} from './measure.ts'

const ROUNDS = 5
const ROWS = 200_000
/** As one append takes at most. */
const ROWS_PER_APPEND = 100
/** 200,000 rows a second, on two cores. */
const AIM_MS = 1_000

/** A masked card and a visit: about the middle of what rows are long. */
const ENTRY: Entry = {
  kind: 'event',
  event: {type: 'card.inserted', card: {masked: '411111******1111'}, businessDate: '2026-11-22'},
  answers: null,
}

export async function verifyRows(folder: string): Promise<readonly Row[]> {
  const path = join(folder, 'verify.db')
  const texts = filled(path)
  const walk = async (): Promise<void> => {
    const verdict = await verifyInParallel(path, availableParallelism())
    assert(verdict.kind === 'whole' && verdict.rows >= ROWS, 'the measured journal is not whole')
  }
  const values = await interleaved(
    {
      verify: () => timed(walk),
      bare: () =>
        timed(() => {
          for (const text of texts) hash('sha256', text)
        }),
    },
    ROUNDS,
  )
  const name = `journal verify, ${ROWS / 1_000},000 rows`
  return [
    rowOf({name, unit: 'ms', against: 'bare SHA-256', ratioMax: 6}, values.verify, values.bare),
    plainRow(name, 'ms', median(values.verify), AIM_MS),
  ]
}

/** @returns the rows' texts as the chain hashes them */
function filled(path: string): readonly string[] {
  const journal = Journal.open(path, realClock(), 'perf', '0'.repeat(64))
  try {
    for (let rows = 0; rows < ROWS; rows += ROWS_PER_APPEND)
      journal.append(sessionIdOf(`visit-${rows}`), [ENTRY, ...Array<Entry>(ROWS_PER_APPEND - 1).fill(ENTRY)])
    journal.checkpoint()
    const texts: string[] = []
    for (let from = 1; from <= ROWS; from += 10_000)
      texts.push(...exportJsonLines(journal.rows(from, 10_000)).trimEnd().split('\n'))
    return texts
  } finally {
    journal.close()
  }
}
