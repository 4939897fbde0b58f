/** The workload on PostgreSQL, in short: two host processes, a primary and its synchronous standby. */
import t from 'tap'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {postgresFolder, skipUnless} from '../needs.ts'
import {isProof, summary} from './report.ts'
import {runWorkload} from './run.ts'
import {realClock} from '../../kit/clock.ts'

const clock = realClock()

t.test('the bank holds on PostgreSQL while servers are killed, paused and promoted', async t => {
  const programs = postgresFolder()
  if (!skipUnless(t, programs, 'postgresql')) return
  const folder = mkdtempSync(join(tmpdir(), 'bank-'))
  t.teardown(() => {
    rmSync(folder, {recursive: true, force: true})
  })
  const seed = `${clock.wallMs()}`
  const options = {
    db: 'postgres',
    programs,
    durationMs: 20_000,
    durationMaxMs: 60_000,
    clientsCount: 8,
    seed,
  } as const
  const run = await runWorkload({...options, folder: join(folder, 'run')}, clock)
  t.ok(isProof(run), summary(run))
})
