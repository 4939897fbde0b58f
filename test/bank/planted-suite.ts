/** Every planted mistake turns the workload red, for the reason that it should; once for each database. */
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Test} from 'tap'
import {PLANTED, plant} from './planted.ts'
import type {Planted} from './planted.ts'
import {isStorm, summary} from './report.ts'
import {runWorkload} from './run.ts'
import {realClock} from '../../kit/clock.ts'

/** A run ends when it has seen enough, however slow the machine. */
const DURATION_MAX_MS = 90_000

const clock = realClock()
export async function plantedSuite(t: Test, db: Planted['db'], programs: string | null): Promise<void> {
  for (const planted of PLANTED.filter(each => each.db === db))
    await t.test(planted.name, async t => {
      const {plan, isEnough, clientsCount} = planted
      const folder = mkdtempSync(join(tmpdir(), 'planted-'))
      t.teardown(() => {
        rmSync(folder, {recursive: true, force: true})
      })
      const root = join(folder, 'tree')
      plant(planted, root)
      const run = await runWorkload(
        {
          db,
          programs,
          durationMs: 0,
          durationMaxMs: DURATION_MAX_MS,
          seed: `planted ${planted.name} ${clock.wallMs()}`,
          clientsCount,
          folder: join(folder, 'run'),
          root,
          plan,
          isEnough,
        },
        clock,
      )
      const red = new Set(run.verdict.violations.map(({check}) => check))
      if (planted.reds.length === 0) t.ok(isStorm(run), `a storm of deadlocks\n${summary(run)}`)
      else
        t.ok(
          planted.reds.some(check => red.has(check)),
          `found as ${[...red].join('; ')}\n${summary(run)}`,
        )
    })
}
