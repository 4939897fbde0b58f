/** What the suites that cut the power share: a life on a watched disk, and the disks that cuts in it leave. */
import {existsSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import Database from 'better-sqlite3'
import type {Test} from 'tap'
import {LoggedDisk, RIG_PROGRAMS} from './disk.ts'
import type {LogMark} from './disk.ts'
import {realClock} from '../../../kit/clock.ts'
import type {Random} from '../../../kit/random.ts'
import {missingProgram, skipUnless} from '../../needs.ts'

export const clock = realClock()

/** Disks of each suite, over all of its lives: they share what is asked for. */
export const IMAGES = Math.ceil(Number(process.env['TELLERD_POWER_IMAGES'] ?? '200') / 2)
export const SEED = process.env['TELLERD_SEED'] ?? `power-${clock.wallMs()}`

/** A life that is over: between which marks it may be cut, and what is to be known of it. */
export interface Lived<S> {
  readonly from: LogMark
  readonly until: LogMark
  readonly story: S
}

/** A disk after a cut. */
export interface CutDisk<S> {
  readonly at: LogMark
  /** A folder with the files; gone at the next cut. */
  readonly files: string
  readonly story: S
}

/** Whether the rig can work here; the test is marked as skipped when it cannot. */
export function canCut(t: Test): boolean {
  const missing = missingProgram(RIG_PROGRAMS)
  const canMount = process.getuid?.() === 0 && existsSync('/dev/fuse') && existsSync('/dev/loop-control')
  return skipUnless(t, missing === null, missing ?? '') && skipUnless(t, canMount, 'mounting as root')
}

/**
 * Lives once on a new disk, then cuts its power that often, in the order of time.
 * @param names of the disk's files that are wanted
 * @param live ends with nothing on the disk open
 */
export async function* cutDisks<S>(
  images: number,
  names: readonly string[],
  random: Random,
  live: (disk: LoggedDisk) => Promise<Lived<S>>,
): AsyncGenerator<CutDisk<S>> {
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-power-'))
  try {
    const disk = await LoggedDisk.open(folder, clock)
    const {from, until, story} = await live(disk).finally(() => disk.close())
    const cutter = disk.cutter()
    const moments = Array.from({length: images}, () => from + random.below(until - from + 1))
    for (const at of moments.toSorted((a, b) => a - b))
      yield {at, files: cutter.filesAt(at, names, random), story}
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}

/** Until the test ends, SQLite does not wait for the disk, and says that it does. */
export function withoutWaiting(t: Test): void {
  const driver = Database.prototype
  const pragma = Reflect.get(driver, 'pragma')
  t.teardown(() => {
    driver.pragma = pragma
  })
  driver.pragma = function (this: Database.Database, text, options) {
    if (text === 'synchronous') return 2
    return pragma.call(this, text === 'synchronous = FULL' ? 'synchronous = NORMAL' : text, options)
  }
}
