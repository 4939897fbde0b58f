/** What checking a journal costs: every row on all cores, against nothing but the SHA-256 of the same rows on one. */
import {hash} from 'node:crypto'
import {availableParallelism} from 'node:os'
import {join} from 'node:path'
import {sessionIdOf} from '../../journal/entry.ts'
import type {Entry} from '../../journal/entry.ts'
import {exportJsonLines} from '../../journal/export.ts'
import {Journal} from '../../journal/journal.ts'
import {verifyInParallel} from '../../journal/parallel.ts'
import {STAN_MAX} from '../../fsm/context.ts'
import {operationKeyOf} from '../../fsm/vocabulary.ts'
import type {Event, Order} from '../../fsm/vocabulary.ts'
import {assert, present} from '../../kit/assert.ts'
import {realClock} from '../../kit/clock.ts'
import {minorUnits} from '../../kit/money.ts'
import {interleaved, median, plainRow, rowOf, timed} from './measure.ts'
import type {Row} from './measure.ts'

const ROUNDS = 5
const ROWS = 200_000
/** 200,000 rows a second, on two cores. */
const AIM_MS = 1_000

/** One visit's rows, about as they come: a third of them says something that no other row says. */
function visitRows(visit: number): readonly Entry[] {
  const key = operationKeyOf('ATM123', '2026-11-22', (visit % STAN_MAX) + 1)
  const happened = (event: Event): Entry => ({kind: 'event', event, answers: null})
  const ordered = (order: Order): Entry => ({kind: 'intent', order})
  const digits = (1_000 + (visit % 9_000)).toString()
  return [
    happened({type: 'card.inserted', card: {masked: `476173******${digits}`}, businessDate: '2026-11-22'}),
    ordered({kind: 'pinPad.collect', entryTimeoutMs: 30_000}),
    happened({type: 'pin.entered'}),
    ordered({kind: 'host.verify', key}),
    happened({type: 'card.verified', accounts: [{accountId: digits, label: `Checking ...${digits}`}]}),
    happened({type: 'service.chosen', service: 'withdrawal'}),
    happened({type: 'amount.chosen', amountMinor: minorUnits(60_00)}),
    ordered({kind: 'reader.eject', takeWithinMs: 30_000}),
    happened({type: 'card.taken'}),
    ordered({kind: 'dispenser.present', key, bunch: 0, takeWithinMs: 30_000}),
    happened({type: 'notes.taken'}),
    happened({type: 'host.acknowledged', state: 'completed'}),
  ]
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
    for (let visit = 1; journal.head.seq < ROWS; visit += 1) {
      const [first, ...more] = visitRows(visit)
      journal.append(sessionIdOf(`visit-${visit}`), [present(first, 'a row'), ...more])
    }
    journal.checkpoint()
    const texts: string[] = []
    for (let from = 1; from <= ROWS; from += 10_000)
      texts.push(...exportJsonLines(journal.rows(from, 10_000)).trimEnd().split('\n'))
    return texts
  } finally {
    journal.close()
  }
}
