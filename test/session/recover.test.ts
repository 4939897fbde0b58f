/** The recovery table: every combination of open order, what the device remembers and what its sensors say matches exactly one row. */
import t from 'tap'
import {RECOVERY_ROWS, recoveryRow} from '../../src/session/recover.ts'
import type {Found} from '../../src/session/recover.ts'

const PHASES = ['notOrdered', 'dispenseOpen', 'presentOpen', 'retractOpen', 'rejectOpen'] as const
const RECALLS = ['moved', 'movedNothing', 'notRemembered'] as const
const STACKERS = ['empty', 'notEmpty', 'unknown', 'notSupported'] as const
const SHUTTERS = ['closed', 'open', 'unknown', 'notSupported'] as const

function* everything(): Generator<Found> {
  for (const phase of PHASES)
    for (const recall of RECALLS)
      for (const stacker of STACKERS) for (const shutter of SHUTTERS) yield {phase, recall, stacker, shutter}
}

t.test('exactly one row matches each case, and every row is needed', async t => {
  const hit = new Set<string>()
  for (const found of everything()) {
    const rows = RECOVERY_ROWS.filter(row => row.when(found))
    t.equal(rows.length, 1, JSON.stringify(found))
    hit.add(recoveryRow(found).name)
  }
  t.strictSame([...hit].toSorted(), RECOVERY_ROWS.map(row => row.name).toSorted())
})

t.test('not remembering is never taken for not having moved', async t => {
  for (const found of everything())
    if (found.phase !== 'notOrdered' && found.recall === 'notRemembered')
      t.match(
        recoveryRow(found).remedy,
        /^(answerLost|presentUnknown|retractUnknown|rejectUnknown)$/,
        JSON.stringify(found),
      )
})

t.test('nothing is settled as not moved once a present, retract or reject was ordered', async t => {
  for (const found of everything())
    if (found.phase !== 'notOrdered' && found.phase !== 'dispenseOpen')
      t.not(recoveryRow(found).remedy, 'notMoved', JSON.stringify(found))
})
