/** The recovery table: every combination of open order, the bank's word, the device's memory and its sensors has one row, or cannot be. */
import {readFileSync} from 'node:fs'
import t from 'tap'
import {RECOVERY_FILE, everyCase, isPossible, recoveryDrawing} from '../../fsm/draw-recovery.ts'
import {IMPOSSIBLE, RECOVERY_ROWS, recoveryRow} from '../../fsm/recovery.ts'
import {AssertionFailed} from '../../kit/assert.ts'

const cases = everyCase()
const possible = cases.filter(isPossible)

t.test('exactly one row matches each case that can be, and every row is needed', t => {
  const hit = new Set<string>()
  const wrong = possible.filter(found => RECOVERY_ROWS.filter(row => row.when(found)).length !== 1)
  t.strictSame(wrong, [])
  for (const found of possible) hit.add(recoveryRow(found).name)
  t.strictSame([...hit].toSorted(), RECOVERY_ROWS.map(row => row.name).toSorted())
  t.end()
})

t.test('a case that cannot be crashes, whatever the rows say, and each reason is needed', t => {
  const impossible = cases.filter(found => !isPossible(found))
  const taken = impossible.filter(found => {
    try {
      recoveryRow(found)
      return true
    } catch (thrown) {
      if (!(thrown instanceof AssertionFailed)) throw thrown
      return false
    }
  })
  t.strictSame(taken, [])
  for (const {why, when} of IMPOSSIBLE) {
    const alone = impossible.filter(
      found => when(found) && !IMPOSSIBLE.some(other => other.why !== why && other.when(found)),
    )
    t.ok(alone.length > 0, `nothing else says: ${why}`)
    t.strictSame(
      alone.filter(found => RECOVERY_ROWS.some(row => row.when(found))),
      [],
      `no row matches where ${why}`,
    )
  }
  t.end()
})

t.test('not remembering is never taken for not having moved, nor is a proof that the sensors deny', t => {
  const asked = possible.filter(({open}) => open.startsWith('dispenser.'))
  const unsure = /^(answerLost|presentUnknown|retractUnknown|rejectUnknown)$/
  t.strictSame(
    asked.filter(found => found.recall === 'notRemembered' && !unsure.test(recoveryRow(found).remedy)),
    [],
  )
  t.strictSame(
    asked.filter(
      found =>
        recoveryRow(found).remedy === 'reverseNotMoved' &&
        (found.path === 'blocked' || found.stacker === 'notEmpty'),
    ),
    [],
  )
  t.end()
})

t.test('nothing is reversed without a count once a present, retract or reject was ordered', t => {
  t.strictSame(
    possible.filter(
      found =>
        /^dispenser\.(present|retract|reject)$/.test(found.open) &&
        recoveryRow(found).remedy.startsWith('reverse'),
    ),
    [],
  )
  t.end()
})

t.test('an advice is told again whatever the machine looks like', t => {
  const advices = possible.filter(({open}) => /^host\.(complete|reverse|suspect)$/.test(open))
  t.ok(advices.length > 0)
  t.strictSame([...new Set(advices.map(found => recoveryRow(found).remedy))], ['tellAgain'])
  t.end()
})

t.test('docs/recovery.md is the table', t => {
  t.equal(readFileSync(RECOVERY_FILE, 'utf8'), recoveryDrawing(), 'npm run states writes it anew')
  t.end()
})
