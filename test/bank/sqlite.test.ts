/** The workload on SQLite, in short, and the program around it. */
import t from 'tap'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {spawnSync} from 'node:child_process'
import {isProof, summary, vacuities} from './report.ts'
import {runWorkload} from './run.ts'
import {realClock} from '../../kit/clock.ts'

const clock = realClock()

t.test('the bank holds on SQLite while its process is killed and its callers are cut off', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'bank-'))
  t.teardown(() => {
    rmSync(folder, {recursive: true, force: true})
  })
  const seed = `${clock.wallMs()}`
  const options = {
    db: 'sqlite',
    programs: null,
    durationMs: 20_000,
    durationMaxMs: 60_000,
    clientsCount: 8,
    seed,
  } as const
  const run = await runWorkload({...options, folder: join(folder, 'run')}, clock)
  t.ok(isProof(run), summary(run))
  t.match(summary(run), /held: no violation/)

  // What was done, but to a bank that was left alone, proves nothing.
  const calm = {...run, done: {...run.done, kills: 0}}
  t.same(vacuities(calm), ['hosts killed: 0, and it takes 1 to prove anything'])
  t.notOk(isProof(calm))
})

t.test('bad arguments are one line, and exit 2', async t => {
  for (const [args, says] of [
    [[], /^bank-test: --db is missing; it is sqlite or postgres$/],
    [['--db', 'oracle'], /^bank-test: --db is oracle; it is sqlite or postgres$/],
    [['--db', 'sqlite', '--seconds', '0'], /^bank-test: --seconds is no whole number from 5 to 180$/],
    [['--db', 'sqlite', '--clients', '1e1'], /^bank-test: --clients is no whole number from 2 to 64$/],
    [['--db', 'sqlite', '--keep', tmpdir()], /^bank-test: --keep .* is there already; every run begins/],
    [['--db', 'sqlite', '--fast'], /^bank-test: .*'--fast'/],
  ] as const) {
    const {status, stderr} = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
      encoding: 'utf8',
    })
    t.equal(status, 2, args.join(' '))
    t.match(stderr.trimEnd(), says)
  }
})
