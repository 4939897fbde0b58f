/**
 * The power goes while the bank writes its books to a real file system. On every disk that is left the books open and
 * balance, whatever somebody was told is there as it was told, whatever nobody was told is there whole or not at all,
 * and a bank that starts on it gives to every question the answer that it gave before.
 *
 * Asked and judged as by `npm run bank-test`: real clients over TLS, and a checker that shares no code with the bank.
 *
 * TELLERD_POWER_IMAGES: how many disks, half of them here and half in power.test.ts (200 unless set; `npm run
 * system:power` makes 5,000). TELLERD_SEED repeats the choices, and not how clients and bank meet.
 */
import {copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {SqliteError} from 'better-sqlite3'
import t from 'tap'
import {bookFaults} from '../../host/reconcile.ts'
import {startHost} from '../../host/start.ts'
import type {RunningHost} from '../../host/start.ts'
import {openState} from '../../host/state.ts'
import {present} from '../../kit/assert.ts'
import {SystemFault} from '../../kit/errors.ts'
import {silentLog} from '../../kit/log.ts'
import {seededRandom, systemRandom} from '../../kit/random.ts'
import type {Random} from '../../kit/random.ts'
import {Counter, Machine} from '../bank/clients.ts'
import type {Errand, Reach} from '../bank/clients.ts'
import {sqliteDatabase} from '../bank/database.ts'
import {History} from '../bank/history.ts'
import type {Asked, Line} from '../bank/history.ts'
import {Load} from '../bank/load.ts'
import {judge} from '../bank/oracle.ts'
import {WIDE_POLICY} from '../bank/policy.ts'
import {seedBank} from '../bank/processes.ts'
import {readBank} from '../bank/rows.ts'
import {identitiesOf, pemIn} from '../bank/run.ts'
import {worldOf} from '../bank/world.ts'
import type {World} from '../bank/world.ts'
import {IMAGES, SEED, canCut, clock, cutDisks, withoutWaiting} from './power/cuts.ts'
import type {Lived} from './power/cuts.ts'
import type {LogMark, LoggedDisk} from './power/disk.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const FILES = ['bank.db', 'bank.db-wal'] as const
const CONTROL_IMAGES = 30
/** A life is as long as it takes to tell that many cuts apart. */
const IMAGES_PER_LIFE = 100
const CLIENTS = 4
/** Enough that the log is folded into the file several times. */
const ANSWERS = 200
/** For a disk that is slower than any. */
const LIFE_MAX_MS = 60_000
const LOOK_MS = 20
/** One disk in so many is started on, beginning in the middle of them. */
const RESTARTED = 10

/** A line of the history, and the end of the disk's log when it was written. */
interface Marked {
  readonly line: Line
  readonly mark: LogMark
}

/** One life of a bank on the watched disk. */
interface Written {
  readonly world: World
  readonly lines: readonly Marked[]
  /** What the bank's folder holds beside its books: keys and certificates. */
  readonly beside: string
}

async function writtenLife(disk: LoggedDisk, folder: string, random: Random): Promise<Lived<Written>> {
  const world = worldOf(random.stream('world'), CLIENTS, CLIENTS)
  const worldPath = join(folder, 'world.json')
  writeFileSync(worldPath, JSON.stringify(world))
  const lines: Marked[] = []
  const history = new History(join(folder, 'history.jsonl'), clock, line => {
    lines.push({line, mark: disk.mark()})
  })
  history.write({line: 'world', world})
  const stateFolder = disk.mount
  await seedBank({
    root: ROOT,
    stateFolder,
    worldPath,
    databaseUrl: null,
    logPath: join(folder, 'seed.log'),
    clock,
    history,
    onCut: () => undefined,
  })
  const host = await bankIn(stateFolder, world)
  const beside = join(folder, 'beside')
  cpSync(stateFolder, beside, {
    recursive: true,
    filter: path => !path.includes('bank.db') && !path.endsWith('lost+found'),
  })
  const from = disk.mark()
  const reach = reachOf(host, stateFolder, history)
  const load = new Load(reach, world, identitiesOf(world, stateFolder), random.stream('load'))
  await load.open()
  const endMs = clock.monotonicMs() + LIFE_MAX_MS
  const ended = async (): Promise<void> => {
    while (history.answersCount < ANSWERS && clock.monotonicMs() < endMs) await clock.sleep(LOOK_MS)
  }
  await load.run(ended())
  await load.close()
  await host.close()
  history.close()
  return {from, until: disk.mark(), story: {world, lines, beside}}
}

function bankIn(stateFolder: string, {atmIds, guessingAtmId}: World): Promise<RunningHost> {
  const options = {
    stateFolder,
    address: '127.0.0.1',
    port: 0,
    atmIds: [...atmIds, guessingAtmId],
    policy: WIDE_POLICY,
    seedDemo: false,
  }
  return startHost(options, clock, systemRandom(), silentLog)
}

function reachOf(host: RunningHost, stateFolder: string, history: History): Reach {
  return {
    hosts: [{name: 'host', proxy: host}],
    ready: host,
    authority: pemIn(stateFolder, 'authority'),
    clock,
    history,
  }
}

/** What is wrong with the bank's rows, by the checker and by the bank's own look at itself. */
async function faultsIn(stateFolder: string, lines: readonly Line[]): Promise<readonly string[]> {
  const database = sqliteDatabase(stateFolder)
  try {
    const integrity = await database.rows('PRAGMA integrity_check')
    const {violations} = judge(lines, await readBank(statement => database.rows(statement)))
    return [
      ...integrity.map(row => String(row['integrity_check'])).filter(said => said !== 'ok'),
      ...violations.map(({check, key, says}) => `${check}: ${key ?? ''} ${says}`),
    ]
  } finally {
    await database.close()
  }
}

/** Opens the books as a bank does. @returns what is wrong with them */
async function booksIn(stateFolder: string, lines: readonly Line[]): Promise<readonly string[]> {
  try {
    const {store} = await openState(stateFolder, systemRandom())
    const own = await bookFaults({store})
    await store.close()
    return [...own, ...(await faultsIn(stateFolder, lines))]
  } catch (thrown) {
    if (thrown instanceof SystemFault || thrown instanceof SqliteError) return [thrown.message]
    throw thrown
  }
}

/** Starts the bank again and puts to it everything that it was asked before, in the same order. */
async function askedAgain(
  stateFolder: string,
  {world}: Written,
  lines: readonly Line[],
  folder: string,
): Promise<readonly string[]> {
  const asks = lines.filter(line => line.line === 'asked')
  const again: Line[] = []
  // Its questions get numbers of their own, above those of before.
  const firstAsk = asks.length
  const host = await bankIn(stateFolder, world)
  const history = new History(join(folder, 'again.jsonl'), clock, line => {
    again.push('ask' in line ? {...line, ask: firstAsk + line.ask} : line)
  })
  const reach = reachOf(host, stateFolder, history)
  const identities = identitiesOf(world, stateFolder)
  const machines = new Map(
    [...identities].map(([atmId, own]) => [atmId, new Machine(reach, atmId, own)] as const),
  )
  const counters = new Map(
    world.counters.map(({name, token}) => [name, new Counter(reach, name, token)] as const),
  )
  try {
    for (const ask of asks) await errandOf(ask, machines, counters)?.ask(0)
    const own = await bookFaults(host.bank)
    return [...own, ...(await faultsIn(stateFolder, [...lines, ...again]))]
  } finally {
    await Promise.all([...machines.values(), ...counters.values()].map(caller => caller.close()))
    history.close()
    await host.close()
  }
}

/** The question as it was put; null for a guess, which is never the same again. */
function errandOf(
  {key, question}: Asked,
  machines: ReadonlyMap<string, Machine>,
  counters: ReadonlyMap<string, Counter>,
): Errand | null {
  if (question.kind === 'guess') return null
  if ('who' in question) {
    const callers = question.at === 'machine' ? machines : counters
    return present(callers.get(question.who), 'who asked').movement(question, {key})
  }
  return present(machines.get(key.split(':')[0] ?? ''), 'the machine of the key').advice(key, question)
}

interface Cuts {
  /** Of each disk that was not as it must be. */
  readonly faults: readonly string[]
  readonly answersHeard: number
  readonly restarted: number
}

/** @param restarts whether banks start on the disks that are left */
async function cutPower(images: number, random: Random, restarts: boolean): Promise<Cuts> {
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-power-bank-'))
  const faults: string[] = []
  let answersHeard = 0
  let restarted = 0
  let cuts = 0
  try {
    for await (const {at, files, story} of cutDisks(images, FILES, random, disk =>
      writtenLife(disk, folder, random),
    )) {
      const lines = story.lines.filter(({mark}) => mark <= at).map(({line}) => line)
      answersHeard += lines.filter(({line}) => line === 'heard').length
      const stateFolder = join(folder, 'left')
      const leave = (): void => {
        rmSync(stateFolder, {recursive: true, force: true})
        cpSync(story.beside, stateFolder, {recursive: true})
        for (const name of readdirSync(files)) copyFileSync(join(files, name), join(stateFolder, name))
      }
      leave()
      const found = existsSync(join(files, 'bank.db')) ? await booksIn(stateFolder, lines) : ['no books']
      if (found.length > 0) faults.push(`cut at write ${at}: ${found.join('; ')}`)
      cuts += 1
      if (!restarts || found.length > 0 || cuts % RESTARTED !== RESTARTED / 2) continue
      leave()
      const after = await askedAgain(stateFolder, story, lines, folder)
      restarted += 1
      if (after.length > 0) faults.push(`cut at write ${at}, and asked again: ${after.join('; ')}`)
    }
    return {faults, answersHeard, restarted}
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}

t.comment(`seed ${SEED}; TELLERD_SEED repeats the choices`)
for (let life = 0; life * IMAGES_PER_LIFE < IMAGES; life += 1)
  await t.test(`life ${life} of a bank`, {timeout: 3_600_000}, async t => {
    if (!canCut(t)) return
    const random = seededRandom(SEED).stream(`bank ${life}`)
    const images = Math.min(IMAGES_PER_LIFE, IMAGES - life * IMAGES_PER_LIFE)
    const {faults, answersHeard, restarted} = await cutPower(images, random, true)
    t.strictSame(faults, [], 'every disk is as it must be')
    t.ok(answersHeard > images, `${answersHeard} answers were heard before ${images} cuts`)
    t.ok(restarted > 0, `a bank started on ${restarted} of the disks, and was asked everything again`)
  })

await t.test('a bank that does not wait for the disk is caught', async t => {
  if (!canCut(t)) return
  withoutWaiting(t)
  const {faults} = await cutPower(CONTROL_IMAGES, seededRandom(SEED).stream('control'), false)
  t.match(
    faults.join(),
    /every acknowledged|every answered/,
    `${faults.length} of ${CONTROL_IMAGES} disks lost what was told`,
  )
})
