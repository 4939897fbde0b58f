/**
 * The database under the bank, as the workload has it in its hands: it makes it, breaks it, and looks into it past
 * the bank, with statements of its own.
 */
import Database from 'better-sqlite3'
import {existsSync, readFileSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import pg from 'pg'
import {Proxy} from './proxy.ts'
import type {Cut} from './proxy.ts'
import type {History} from './history.ts'
import {Cluster, clusterFolder} from '../host/postgres.ts'
import type {Clock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'

export type SqlRows = readonly Readonly<Record<string, unknown>>[]

/** Something that can be done to the database; it resolves when the database is whole again. */
export interface DatabaseFault {
  readonly name: string
  strike(): Promise<void>
}

export interface BankDatabase {
  /** Null for the file in the bank's folder. */
  readonly url: string | null
  readonly faults: readonly DatabaseFault[]
  /** The way to it; null when there is none. */
  readonly proxy: Proxy | null
  /** One statement. @throws whatever keeps it from being answered */
  rows(statement: string): Promise<SqlRows>
  /** Transactions that waited for each other until the database ended one of them. */
  deadlocksCount(): number
  /** Resolves when nobody works in it any more. */
  rest(): Promise<void>
  close(): Promise<void>
}

export function sqliteDatabase(stateFolder: string): BankDatabase {
  const path = join(stateFolder, 'bank.db')
  let database: Database.Database | null = null
  return {
    url: null,
    faults: [],
    proxy: null,
    async rows(statement) {
      database ??= new Database(path, {readonly: true})
      return database.prepare<[], Record<string, unknown>>(statement).all()
    },
    // One writer waits for nobody.
    deadlocksCount: () => 0,
    rest: async () => undefined,
    async close() {
      database?.close()
    },
  }
}

const NAME = 'bank'
const LOOK_MAX_MS = 4_000
const POLL_MS = 50
const REST_MAX_MS = 20_000
/**
 * A commit is one when the other server has it. The other intervals bring two servers together again in tenths of
 * seconds instead of the five seconds that PostgreSQL waits.
 */
const SETTINGS = [
  'synchronous_standby_names=*',
  'wal_retrieve_retry_interval=100ms',
  'max_connections=80',
  'deadlock_timeout=200ms',
  'logging_collector=on',
  'log_filename=server.log',
]

/**
 * Two servers, the second a synchronous standby of the first, behind a proxy that leads to whichever is the primary.
 * @param programs folder of PostgreSQL's programs
 */
export async function postgresPair(
  programs: string,
  clock: Clock,
  history: History,
  onCut: (cut: Cut, name: string) => void,
  random: {below(bound: number): number},
): Promise<BankDatabase> {
  const folder = clusterFolder()
  let primary = new Cluster(programs, folder, 'a')
  let standby = new Cluster(programs, folder, 'b')
  const proxy = await Proxy.open({name: 'the way to the database', handshakeCount: 3, clock, onCut})

  const logFolder = join(folder, 'log')
  const settings = [...SETTINGS, `log_directory=${logFolder}`]

  const follow = async () => {
    await standby.copyFrom(primary)
    await standby.start(settings)
  }
  const untilSynchronous = () =>
    until(clock, REST_MAX_MS, 'the standby does not follow', async () => {
      const rows = await primary.sql(
        "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'",
      )
      return rows.length > 0
    })
  const leadToPrimary = () => {
    proxy.leadTo({path: primary.socketPath})
  }
  const crash = () => primary.stop(random.below(2) === 0 ? 'SIGKILL' : 'SIGQUIT')

  const said = (fault: string) => {
    history.fault(fault)
  }
  const promoted = async () => {
    await standby.promote()
    ;[primary, standby] = [standby, primary]
    leadToPrimary()
    said('the way leads to the new primary')
    await follow()
    await untilSynchronous()
    said('it has a standby')
  }

  const close = async () => {
    await proxy.close()
    for (const cluster of [primary, standby]) {
      cluster.signalAll('SIGCONT')
      await cluster.stop('SIGQUIT')
    }
    rmSync(folder, {recursive: true, force: true})
  }

  try {
    await primary.init()
    await primary.start(settings)
    await follow()
    await untilSynchronous()
    await primary.sql(`CREATE DATABASE ${NAME}`)
    leadToPrimary()
  } catch (thrown) {
    await close()
    throw thrown
  }

  return {
    url: `postgres://bank@127.0.0.1:${proxy.port}/${NAME}`,
    proxy,
    deadlocksCount: () => deadlocksIn(join(logFolder, 'server.log')),
    faults: [
      {
        name: 'server killed',
        async strike() {
          said('the database server is killed')
          await crash()
          await primary.start(settings)
          said('the database server is up again')
          await untilSynchronous()
        },
      },
      {
        name: 'standby promoted',
        async strike() {
          said('the primary is killed, and the standby promoted')
          await crash()
          await promoted()
        },
      },
      {
        // What was committed in between, if anything was, is nowhere.
        name: 'stale standby promoted',
        async strike() {
          said('the standby is killed')
          await standby.stop('SIGKILL')
          await clock.sleep(300 + random.below(700))
          said('the primary is killed, and the standby of before promoted')
          await crash()
          await standby.start(settings)
          await promoted()
        },
      },
      {
        name: 'server paused',
        async strike() {
          const durationMs = 300 + random.below(1_500)
          said(`the database server is paused for ${durationMs} ms`)
          primary.signalAll('SIGSTOP')
          await clock.sleep(durationMs)
          primary.signalAll('SIGCONT')
        },
      },
      {
        name: 'standby killed',
        async strike() {
          said('the standby is killed')
          await standby.stop('SIGKILL')
          await clock.sleep(random.below(1_000))
          await standby.start(settings)
          await untilSynchronous()
          said('the standby follows again')
        },
      },
    ],
    rows: statement => asked(primary.url(NAME), statement),
    rest: () =>
      until(clock, REST_MAX_MS, 'the database does not come to rest', async () => {
        const rows = await primary.sql(
          "SELECT 1 FROM pg_stat_activity WHERE application_name = 'tellerd-host'",
        )
        return rows.length === 0
      }),
    close,
  }
}

async function asked(url: string, statement: string): Promise<SqlRows> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: LOOK_MAX_MS,
    query_timeout: LOOK_MAX_MS,
  })
  // Its end is told to whoever asks, below.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const {rows} = await client.query<Record<string, unknown>>(statement)
    return rows
  } finally {
    await client.end().catch(() => undefined)
  }
}

function deadlocksIn(logPath: string): number {
  if (!existsSync(logPath)) return 0
  return readFileSync(logPath, 'utf8').split('deadlock detected').length - 1
}

async function until(
  clock: Clock,
  withinMs: number,
  otherwise: string,
  isSo: () => Promise<boolean>,
): Promise<void> {
  const endMs = clock.monotonicMs() + withinMs
  for (;;) {
    if (await isSo().catch(() => false)) return
    if (clock.monotonicMs() > endMs) throw new SystemFault(otherwise)
    await clock.sleep(POLL_MS)
  }
}
