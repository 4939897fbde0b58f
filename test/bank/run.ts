/** One run of the workload: a bank is made, worked with and broken, comes back, and is judged. */
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {Chaos, EVERYTHING} from './chaos.ts'
import type {Done, Plan} from './chaos.ts'
import {postgresPair, sqliteDatabase} from './database.ts'
import type {BankDatabase} from './database.ts'
import {History, readHistory} from './history.ts'
import type {Line} from './history.ts'
import {Load} from './load.ts'
import {judge} from './oracle.ts'
import type {Verdict, Violation} from './oracle.ts'
import {HostProcess, seedBank} from './processes.ts'
import type {HostOptions, Ready} from './processes.ts'
import {MOMENT, readBank, wrongMoment} from './rows.ts'
import type {BankRows} from './rows.ts'
import {worldOf} from './world.ts'
import type {World} from './world.ts'
import {present} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import {seededRandom} from '../../kit/random.ts'
import {Secret} from '../../kit/secret.ts'
import type {MachineIdentity} from '../../src/link/identity.ts'

export interface RunOptions {
  readonly db: 'sqlite' | 'postgres'
  /** Of PostgreSQL's programs; only for that database. */
  readonly programs: string | null
  /** At least so long, and then until it is enough. */
  readonly durationMs: number
  readonly durationMaxMs: number
  readonly seed: string
  /** Half of them counters, half machines. */
  readonly clientsCount: number
  /** Everything of the run stays there: the history, the bank's folder, what the hosts logged. */
  readonly folder: string
  /** Of the tree that the hosts run; this one unless it is to be a broken one. */
  readonly root?: string
  /** `EVERYTHING` unless told. */
  readonly plan?: Plan
  /** Each planned kind of fault once, and some answers a second, unless told. */
  readonly isEnough?: (progress: Progress) => boolean
}

/** What there was so far. */
export interface Progress {
  readonly done: Done
  /** Movements approved or declined. */
  readonly answersCount: number
  /** Wrong PINs called wrong. */
  readonly guessesCount: number
  /** Reversals acknowledged before what they take back had come. */
  readonly tombstonesCount: number
}

export interface Run {
  readonly options: RunOptions
  readonly done: Done
  readonly verdict: Verdict
  readonly deadlocksCount: number
  readonly lines: readonly Line[]
  readonly rows: BankRows
}

const ROOT = dirname(dirname(import.meta.dirname))
/** Host processes behind one database. Chosen: two cores carry them. */
const HOSTS_COUNT = {sqlite: 1, postgres: 2} as const
const LOOK_EVERY_MS = 350
const POLL_MS = 50
const ANSWERS_PER_SECOND_COUNT = 8

/** @throws SystemFault when the surroundings fail, or the bank never comes back */
export async function runWorkload(options: RunOptions, clock: Clock): Promise<Run> {
  const {db, folder, seed, clientsCount} = options
  mkdirSync(folder, {recursive: true})
  const random = seededRandom(seed)
  const machinesCount = Math.max(1, Math.floor(clientsCount / 2))
  const world = worldOf(random.stream('world'), machinesCount, Math.max(1, clientsCount - machinesCount))
  const worldPath = join(folder, 'world.json')
  writeFileSync(worldPath, JSON.stringify(world))
  const history = new History(join(folder, 'history.jsonl'), clock)
  history.write({line: 'world', world})
  const stateFolder = join(folder, 'bank')
  const cuts = {before: 0, after: 0, half: 0, stall: 0}
  const onCut: HostOptions['onCut'] = (cut, name) => {
    history.fault(`${name} cut: ${cut}`)
    cuts[cut] += 1
  }
  const database =
    db === 'sqlite'
      ? sqliteDatabase(stateFolder)
      : await postgresPair(
          present(options.programs, "the folder of PostgreSQL's programs"),
          clock,
          history,
          onCut,
          random.stream('server'),
        )
  const hostOptions: HostOptions = {
    root: options.root ?? ROOT,
    stateFolder,
    worldPath,
    databaseUrl: database.url,
    logPath: join(folder, 'hosts.log'),
    clock,
    history,
    onCut,
  }
  const hosts: HostProcess[] = []
  try {
    await seedBank(hostOptions)
    for (let index = 0; index < HOSTS_COUNT[db]; index++)
      hosts.push(await HostProcess.open(`host ${index}`, hostOptions))
    const [ready] = await startedInTurn(hosts)
    const reach = {
      hosts,
      ready: present(ready, 'a host'),
      authority: pemIn(stateFolder, 'authority'),
      clock,
      history,
    }
    const load = new Load(reach, world, identitiesOf(world, stateFolder), random.stream('load'))
    const chaos = new Chaos({
      hosts,
      database,
      clock,
      random: random.stream('chaos'),
      cuts,
      plan: options.plan ?? EVERYTHING,
    })
    await load.open()
    const end = endOf(options, clock, () =>
      options.isEnough === undefined
        ? chaos.isThrough && history.answersCount >= (ANSWERS_PER_SECOND_COUNT * options.durationMs) / 1_000
        : options.isEnough({
            done: chaos.done,
            answersCount: history.answersCount,
            guessesCount: history.guessesCount,
            tombstonesCount: history.tombstonesCount,
          }),
    )
    await Promise.all([load.run(end), chaos.run(end), looking(database, history, clock, end)])
    const unsettled = await load.settle()
    await load.close()
    await Promise.all(hosts.map(host => host.stop()))
    await database.rest()
    history.close()
    const lines = readHistory(history.path)
    const rows = await readBank(statement => database.rows(statement))
    const verdict = judge(lines, rows)
    const deadlocksCount = database.deadlocksCount()
    const violations = [
      ...verdict.violations,
      ...unsettled.map(says => ({check: 'the bank comes back and answers', key: null, says})),
      ...endedByThemselves(hosts),
    ]
    return {options, done: chaos.done, verdict: {...verdict, violations}, deadlocksCount, lines, rows}
  } finally {
    await Promise.all(hosts.map(host => host.close()))
    await database.close()
  }
}

async function endOf(
  {durationMs, durationMaxMs}: RunOptions,
  clock: Clock,
  isEnough: () => boolean,
): Promise<void> {
  const startMs = clock.monotonicMs()
  const passed = (durationMs: number) => clock.monotonicMs() - startMs >= durationMs
  while (!passed(durationMs) || !(isEnough() || passed(durationMaxMs))) await clock.sleep(POLL_MS)
}

async function startedInTurn(hosts: readonly HostProcess[]): Promise<readonly Ready[]> {
  const ready: Ready[] = []
  for (const host of hosts) ready.push(await host.start())
  return ready
}

/** Looks at the totals past the bank, as often as the database lets it. */
async function looking(
  database: BankDatabase,
  history: History,
  clock: Clock,
  end: Promise<unknown>,
): Promise<void> {
  const work = {isOver: false}
  void end.then(() => {
    work.isOver = true
  })
  while (!work.isOver) {
    // Whoever asks a database that is down gets no answer, and nothing is judged by it.
    const rows = await database.rows(MOMENT).catch(() => null)
    if (rows !== null) history.write({line: 'look', by: 'database', wrong: wrongMoment(rows)})
    await clock.sleep(LOOK_EVERY_MS)
  }
}

function endedByThemselves(hosts: readonly HostProcess[]): readonly Violation[] {
  return hosts
    .filter(({deathsCount}) => deathsCount > 0)
    .map(({name, deathsCount}) => ({
      check: 'no host ends by itself',
      key: null,
      says: `${name}, ${deathsCount} times`,
    }))
}

/** The machines' certificates and keys, as the bank's demo made them. */
export function identitiesOf(world: World, stateFolder: string): ReadonlyMap<string, MachineIdentity> {
  return new Map(
    [...world.atmIds, world.guessingAtmId].map(atmId => {
      const certificate = pemIn(stateFolder, `atm-${atmId}`)
      const key = readFileSync(join(stateFolder, 'certificates', `atm-${atmId}.key`), 'utf8')
      return [atmId, {certificate, key: new Secret(key)}]
    }),
  )
}

/** A certificate of the bank's folder. */
export function pemIn(stateFolder: string, name: string): string {
  return readFileSync(join(stateFolder, 'certificates', `${name}.crt`), 'utf8')
}
