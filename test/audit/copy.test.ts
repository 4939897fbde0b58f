// A journal is read whole while its machine runs, and never half of a write.
import {mkdtempSync, readdirSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import {Journal} from '../../journal/journal.ts'
import {JournalReader} from '../../journal/reader.ts'
import {VirtualClock, epochMs, realClock} from '../../kit/clock.ts'
import {readWhole} from '../../src/audit/copy.ts'

const HASH = '0'.repeat(64)

t.test('of a running machine a copy is read, all of it, and nothing is left', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-audit-'))
  const path = join(folder, 'journal.db')
  const journal = Journal.open(path, realClock(), 'test', HASH)
  for (let count = 0; count < 20; count += 1)
    journal.append(null, [{kind: 'event', event: {type: 'host.lost', why: 'test'}, answers: null}])
  t.throws(() => JournalReader.open(path), /already open/, 'the machine keeps it to itself')
  const written = realClock().wallMs()
  // It was written just now: nobody copies before it has been still for a second.
  const clock = new VirtualClock(written)
  const verdict = await clock.finish(
    readWhole(path, clock, reader => reader.verify()),
    10_000,
  )
  t.strictSame(verdict, {kind: 'whole', rows: 21})
  t.ok(clock.monotonicMs() >= 1_000, 'waited')
  t.notOk(readdirSync(folder).some(name => name.includes('audit')))
  journal.append(null, [
    {kind: 'event', event: {type: 'host.restored', businessDate: '2026-11-22'}, answers: null},
  ])

  // Written all the time: each look finds a write that is younger than a second.
  const behind = new VirtualClock(epochMs(written - 3_600_000))
  await t.rejects(
    behind.finish(
      readWhole(path, behind, () => null),
      600_000,
    ),
    {name: 'SystemFault', message: /written all the time/},
  )
  journal.close()
  t.strictSame(
    await readWhole(path, clock, reader => reader.head().seq),
    22,
    'a machine at rest has its file read',
  )
  await t.rejects(
    readWhole(join(folder, 'none.db'), clock, () => null),
    {name: 'SystemFault'},
  )
  rmSync(folder, {recursive: true})
})
