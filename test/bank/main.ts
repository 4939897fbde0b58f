/**
 * `npm run bank-test -- --db sqlite|postgres`: many clients at real host processes that are killed, cut off and
 * left without their database, and then the question whether every answer was true. Ends with a page; exit 1 when
 * something did not hold or nothing was proved, 2 for bad arguments.
 *
 *   --seconds N    how long the clients work, 5 to 180 (60); on a slow machine up to three times as long, until each
 *                  kind of fault has struck
 *   --clients N    half counters, half machines, 2 to 64 (12)
 *   --seed TEXT    what clients and faults do follows from it; when they meet does not
 *   --keep DIR     leaves history, logs and bank there
 */
import {existsSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {isProof, summary} from './report.ts'
import {runWorkload} from './run.ts'
import type {RunOptions} from './run.ts'
import {realClock} from '../../kit/clock.ts'
import {BadInput, SystemFault, reasonOf} from '../../kit/errors.ts'
import {systemRandom} from '../../kit/random.ts'
import {postgresFolder} from '../needs.ts'

const DATABASES = ['sqlite', 'postgres'] as const
/** On a slow machine less happens in a second. */
const STRETCH_MAX = 3

/** @throws BadInput */
function optionsOf(args: readonly string[]): Omit<RunOptions, 'folder'> & {readonly keep: string | null} {
  const values = parsed(args)
  const db = DATABASES.find(name => name === values.db)
  if (db === undefined) throw new BadInput(`--db is ${values.db ?? 'missing'}; it is sqlite or postgres`)
  const programs = postgresFolder()
  if (db === 'postgres' && programs === null)
    throw new BadInput('--db postgres needs the programs of PostgreSQL 15, and there are none here')
  if (values.keep !== undefined && existsSync(values.keep))
    throw new BadInput(`--keep ${values.keep} is there already; every run begins with nothing`)
  const seconds = wholeNumber('--seconds', values.seconds ?? '60', 5, 180)
  const seed = values.seed ?? Buffer.from(systemRandom().bytes(6)).toString('hex')
  return {
    db,
    programs,
    seed,
    durationMs: seconds * 1_000,
    // A card lets a machine ask for ten minutes, and no longer.
    durationMaxMs: STRETCH_MAX * seconds * 1_000,
    clientsCount: wholeNumber('--clients', values.clients ?? '12', 2, 64),
    keep: values.keep ?? null,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        db: {type: 'string'},
        seconds: {type: 'string'},
        clients: {type: 'string'},
        seed: {type: 'string'},
        keep: {type: 'string'},
      },
    }).values
  } catch (thrown) {
    throw new BadInput(reasonOf(thrown), {cause: thrown})
  }
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new BadInput(`${flag} is no whole number from ${least} to ${most}`)
}

async function main(): Promise<void> {
  const {keep, ...options} = optionsOf(process.argv.slice(2))
  const folder = keep ?? mkdtempSync(join(tmpdir(), 'bank-test-'))
  process.stdout.write(`seed ${options.seed}\n`)
  try {
    const run = await runWorkload({...options, folder}, realClock())
    process.stdout.write(summary(run))
    process.exitCode = isProof(run) ? 0 : 1
  } finally {
    if (keep === null) rmSync(folder, {recursive: true, force: true})
  }
}

try {
  await main()
} catch (thrown) {
  if (!(thrown instanceof BadInput || thrown instanceof SystemFault)) throw thrown
  process.stderr.write(`bank-test: ${thrown.message}\n`)
  process.exitCode = thrown instanceof BadInput ? 2 : 1
}
