/**
 * The power goes while a machine writes its journal to a real file system, anywhere: between two writes, inside one,
 * with the drive's cache kept, lost or half of it. On every disk that is left, every acknowledged row is there, none is
 * by half, and a machine that starts on it settles what was under way without a note or an amount out of place.
 *
 * TELLERD_POWER_IMAGES: how many disks, half of them here over all scenes and half in power-bank.test.ts (200 unless set;
 * `npm run system:power` makes 5,000).
 * TELLERD_SEED repeats a run.
 */
import {copyFileSync, cpSync, existsSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import type {Test} from 'tap'
import {Journal} from '../../journal/journal.ts'
import {present} from '../../kit/assert.ts'
import {SystemFault} from '../../kit/errors.ts'
import {seededRandom} from '../../kit/random.ts'
import type {Random} from '../../kit/random.ts'
import type {MachineJournal} from '../../src/machine.ts'
import {afterwards} from '../session/afterwards.ts'
import {inkWith} from '../session/ink.ts'
import {BUDGET_MS, World} from '../session/world.ts'
import type {Scene} from '../session/world.ts'
import {IMAGES, SEED, canCut, clock, cutDisks, withoutWaiting} from './power/cuts.ts'
import type {Lived} from './power/cuts.ts'
import type {LogMark, LoggedDisk} from './power/disk.ts'

const CONTROL_IMAGES = 30
const FILES = ['journal.db', 'journal.db-wal'] as const
/** Often enough that some cuts fall into the folding of the log, and some right after it. */
const APPENDS_PER_FOLD = 9

const SCENES: Readonly<Record<string, Scene>> = {
  'a dispenser without a stacker': {dispenser: 'lcdm2000'},
  'a dispenser with a stacker, notes left': {dispenser: 'reference', plan: 'customer: leaves notes'},
  'a dispenser that recalls by its marks': {dispenser: 'lcdm4000'},
  'a bank that does not answer': {dispenser: 'reference', plan: 'bank: unreachable in dispensing'},
}

/** Calls back after each append that was acknowledged, and folds the log now and then. */
function inkThat(journal: Journal, acknowledged: () => void, before: () => void): MachineJournal {
  let appends = 0
  return inkWith(journal, (session, entries) => {
    before()
    const stored = journal.append(session, entries)
    acknowledged()
    appends += 1
    if (appends % APPENDS_PER_FOLD === 0) journal.checkpoint()
    return stored
  })
}

const nothing = (): void => undefined

/** One life on the watched disk: after which write each append was acknowledged, and which rows it wrote. */
interface Written {
  readonly marks: readonly LogMark[]
  /** Rows acknowledged with each mark. */
  readonly rows: readonly number[]
  readonly hashes: readonly string[]
  /** Where the journal was. Settings name the path, and the first row the settings: elsewhere it would be another's. */
  readonly folder: string
}

async function writtenLife(scene: Scene, disk: LoggedDisk): Promise<Lived<Written>> {
  const from = disk.mark()
  const marks: LogMark[] = []
  const rows: number[] = []
  let opened: Journal | null = null
  const world = await World.open({
    ...scene,
    folder: disk.mount,
    ink: journal => {
      opened = journal
      const keep = (): void => {
        marks.push(disk.mark())
        rows.push(journal.head.seq)
      }
      keep()
      return inkThat(journal, keep, nothing)
    },
  })
  try {
    const customer = world.customer()
    world.table.machine.start()
    await world.clock.runUntil(() => customer.isDone, BUDGET_MS)
    await world.clock.advance(60_000)
    const journal = present<Journal>(opened, 'the journal')
    const hashes = journal.rows(1, 10_000).map(({hash}) => hash)
    return {
      from,
      until: present(marks.at(-1), 'the last mark'),
      story: {marks, rows, hashes, folder: disk.mount},
    }
  } finally {
    await world.close()
  }
}

/** The same life with the computer gone after so many appends, going on with the disk that the cut left. */
async function livesOn(t: Test, scene: Scene, appends: number, files: string, folder: string): Promise<void> {
  let left = appends
  rmSync(folder, {recursive: true, force: true})
  const world = await World.open({
    ...scene,
    folder,
    ink: journal =>
      inkThat(journal, nothing, () => {
        if (left === 0) throw new SystemFault('the power went', {cause: null})
        left -= 1
      }),
  })
  try {
    world.customer()
    world.table.machine.start()
    const isOff = (): boolean => left === 0 && world.state === 'suspended'
    await world.clock.runUntil(isOff, 600_000).catch(nothing)
    left = Number.MAX_SAFE_INTEGER
    await world.crash(() => {
      const {path} = world.table.config.journal
      for (const name of FILES) {
        const [from, to] = [join(files, name), path.replace('journal.db', name)]
        rmSync(to, {force: true})
        if (existsSync(from)) copyFileSync(from, to)
      }
    })
    await afterwards(t, world)
  } finally {
    await world.close()
  }
}

/** What a disk after a cut holds: its rows and the last one's hash; or why it cannot be used. */
function heldOn(files: string): {readonly rows: number; readonly hash: string} | string {
  const path = join(files, 'journal.db')
  if (!existsSync(path)) return {rows: 0, hash: ''}
  try {
    const journal = Journal.open(path, clock, 'build-1', 'config-1')
    try {
      const verdict = journal.verify()
      if (verdict.kind === 'broken') return `row ${verdict.at}: ${verdict.why}`
      // The last row is this opening's own.
      const rows = journal.head.seq - 1
      return {rows, hash: rows === 0 ? '' : present(journal.rows(rows, 1)[0], 'the last row').hash}
    } finally {
      journal.close()
    }
  } catch (thrown) {
    if (thrown instanceof SystemFault) return thrown.message
    throw thrown
  }
}

interface Cuts {
  readonly lostRows: number
  readonly unusable: readonly string[]
  readonly inTheMiddle: number
}

/** Cuts the power of one scene that many times. @param relive whether machines go on with the disks that are left */
async function cutPower(
  t: Test,
  scene: Scene,
  images: number,
  random: Random,
  relive: boolean,
): Promise<Cuts> {
  const seen = new Set<string>()
  const unusable: string[] = []
  let lostRows = 0
  let inTheMiddle = 0
  for await (const {at, files, story} of cutDisks(images, FILES, random, disk => writtenLife(scene, disk))) {
    const last = story.marks.findLastIndex(mark => mark <= at)
    const acknowledged = story.rows[last] ?? 0
    // The first mark is the journal's own, at its opening.
    const appends = Math.max(0, last)
    // Opening it folds the log: the machine gets the disk as it was left.
    const untouched = `${files}-untouched`
    rmSync(untouched, {recursive: true, force: true})
    cpSync(files, untouched, {recursive: true})
    const held = heldOn(files)
    if (typeof held === 'string') {
      unusable.push(`${held} (cut at write ${at})`)
      continue
    }
    if (held.rows > acknowledged) inTheMiddle += 1
    if (held.rows < acknowledged) lostRows += 1
    else if (held.rows > 0 && held.hash !== story.hashes[held.rows - 1])
      unusable.push(`row ${held.rows} is not as it was written (cut at write ${at})`)
    // The same life up to the same row is the same machine in the same place; a third of them go on.
    const moment = `${appends} ${held.rows}`
    if (!relive || seen.has(moment) || held.rows < acknowledged || random.below(3) > 0) continue
    seen.add(moment)
    await t.test(`cut after append ${appends}, ${held.rows} rows left`, t =>
      livesOn(t, scene, appends, untouched, story.folder),
    )
  }
  return {lostRows, unusable, inTheMiddle}
}

t.comment(`seed ${SEED}; TELLERD_SEED repeats it`)

for (const [name, scene] of Object.entries(SCENES))
  await t.test(name, {timeout: 3_600_000}, async t => {
    if (!canCut(t)) return
    const random = seededRandom(SEED).stream(name)
    const {lostRows, unusable, inTheMiddle} = await cutPower(
      t,
      scene,
      Math.ceil(IMAGES / Object.keys(SCENES).length),
      random,
      true,
    )
    t.strictSame(unusable, [], 'every disk can be used')
    t.equal(lostRows, 0, 'no acknowledged row is lost')
    t.comment(`${inTheMiddle} disks hold rows that were written and not acknowledged`)
  })

await t.test('a journal that does not wait for the disk is caught', async t => {
  if (!canCut(t)) return
  withoutWaiting(t)
  const random = seededRandom(SEED).stream('control')
  const {lostRows} = await cutPower(t, {dispenser: 'lcdm2000'}, CONTROL_IMAGES, random, false)
  t.ok(lostRows > 0, `${lostRows} of ${CONTROL_IMAGES} disks lost acknowledged rows`)
})
