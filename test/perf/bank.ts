/**
 * How many withdrawals a bank can take: each with its account's guard, its idempotency record, two postings and
 * its line of the statement, acknowledged when it is on disk. SQLite against the least that SQLite can commit;
 * PostgreSQL against `pgbench`, whose transaction (three updates, a select, an insert) has neither key nor
 * postings, on the same server, with as many clients. Callers are in this process: HTTP is not measured here.
 */
import {spawn} from 'node:child_process'
import {chmodSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import type {Bank} from '../../host/bank.ts'
import {openGuard} from '../../host/guard/guard.ts'
import type {Identity} from '../../host/identity.ts'
import {openingEntry} from '../../host/ledger/book.ts'
import {newHsmKeys, softPinModule} from '../../host/pin.ts'
import {openPostgresStore} from '../../host/store/postgres.ts'
import type {Store} from '../../host/store/port.ts'
import {openSqliteStore} from '../../host/store/sqlite.ts'
import {withdraw} from '../../host/withdrawal.ts'
import {assert, present} from '../../kit/assert.ts'
import {realClock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import {NumberText} from '../../kit/exact-json.ts'
import {silentLog} from '../../kit/log.ts'
import {minorUnits} from '../../kit/money.ts'
import {seededRandom, systemRandom} from '../../kit/random.ts'
import {Cluster, clusterFolder} from '../host/postgres.ts'
import {postgresFolder} from '../needs.ts'
import {bareDatabase} from './ink.ts'
import {interleaved, rateRow, timed} from './measure.ts'
import type {Row} from './measure.ts'

const ROUNDS = 5
const ROUND_MS = 2_000
const CLIENTS_COUNT = 64
const ACCOUNTS_COUNT = 1_000
/** As many branches as clients: with fewer, pgbench's clients wait for each other's branch. */
const PGBENCH_SCALE = CLIENTS_COUNT
const OPENING_MINOR = minorUnits(1_000_000_000)
const TELLER: Identity = {kind: 'person', name: 'perf', roles: ['teller']}

const clock = realClock()

export async function bankRows(folder: string): Promise<readonly Row[]> {
  return [...(await sqliteRows(folder)), ...(await postgresRows(folder))]
}

async function sqliteRows(folder: string): Promise<readonly Row[]> {
  const bank = await openBank(openSqliteStore(join(folder, 'bank.db')))
  const bare = bareDatabase(join(folder, 'bare-bank.db'))
  const latencies: number[] = []
  try {
    const values = await interleaved(
      {
        ours: () => withdrawals(bank, uniform, latencies),
        bare: async () => {
          let commitsCount = 0
          const tookMs = await timed(() => {
            const endMs = clock.monotonicMs() + ROUND_MS
            for (; clock.monotonicMs() < endMs; commitsCount++) bare.commit()
          })
          return (commitsCount / tookMs) * 1000
        },
      },
      ROUNDS,
    )
    return [
      rateRow(
        {name: 'withdrawals on SQLite', against: 'bare inserts', ratioMin: 1},
        values.ours,
        values.bare,
        latencies,
      ),
    ]
  } finally {
    bare.close()
    await bank.store.close()
  }
}

async function postgresRows(folder: string): Promise<readonly Row[]> {
  const programs = postgresFolder()
  if (programs === null) return []
  // Whoever runs the server must get there.
  chmodSync(folder, 0o755)
  const ground = clusterFolder(folder)
  const cluster = new Cluster(programs, ground, 'a', clusterFolder())
  await cluster.init()
  await cluster.start(['max_connections=120'])
  try {
    await cluster.sql('CREATE DATABASE bench')
    await cluster.sql('CREATE DATABASE bank')
    await pgbench(cluster, folder, ['-i', '-q', '-s', String(PGBENCH_SCALE)])
    const bank = await openBank(
      await openPostgresStore({
        url: cluster.url('bank'),
        durability: 'server',
        clock,
        random: systemRandom(),
        log: silentLog,
      }),
    )
    const latencies = {uniform: new Array<number>(), hot: new Array<number>()}
    const values = await interleaved(
      {
        uniform: () => withdrawals(bank, uniform, latencies.uniform),
        hot: () => withdrawals(bank, () => 'a0', latencies.hot),
        pgbench: () => tpcB(cluster, folder),
      },
      ROUNDS,
    )
    await bank.store.close()
    return [
      rateRow(
        {name: 'withdrawals on PostgreSQL, uniform', against: 'pgbench TPC-B', ratioMin: 1},
        values.uniform,
        values.pgbench,
        latencies.uniform,
      ),
      rateRow(
        {name: 'withdrawals on PostgreSQL, one account', against: 'pgbench TPC-B', ratioMin: 1},
        values.hot,
        values.pgbench,
        latencies.hot,
      ),
    ]
  } finally {
    await cluster.stop('SIGQUIT')
    rmSync(ground, {recursive: true, force: true})
  }
}

async function openBank(store: Store): Promise<Bank> {
  const random = seededRandom('perf')
  const keys = newHsmKeys(random)
  const bank: Bank = {
    store,
    pin: softPinModule(keys, random),
    guard: openGuard(keys, random),
    clock,
    random: systemRandom(),
    log: silentLog,
  }
  await store.transact(async tx => {
    await tx.accounts.putUser({userId: 'u', name: 'Perf', email: '', phoneNumber: '', address: ''})
    for (let index = 0; index < ACCOUNTS_COUNT; index++) {
      const accountId = `a${index}`
      await tx.accounts.put({
        accountId,
        userId: 'u',
        accountType: 'checking',
        currency: 'EUR',
        createdAt: '2026-01-01T00:00:00Z',
      })
      await tx.ledger.post(
        `opening:${accountId}`,
        openingEntry(accountId, 'EUR', OPENING_MINOR),
        clock.wallMs(),
      )
    }
  })
  return bank
}

const accounts = seededRandom('accounts')
function uniform(): string {
  return `a${accounts.below(ACCOUNTS_COUNT)}`
}

let nextKey = 0
/** Clients without a pause; the rate of one round in 1/s. */
async function withdrawals(bank: Bank, accountOf: () => string, latencies: number[]): Promise<number> {
  let doneCount = 0
  const startMs = clock.monotonicMs()
  const client = async () => {
    for (;;) {
      const askedMs = clock.monotonicMs()
      if (askedMs - startMs > ROUND_MS) return
      const {rc} = await withdraw(bank, TELLER, {
        accountId: accountOf(),
        key: `perf${nextKey++}`,
        request: {amount: new NumberText('1.00')},
      })
      assert(rc === '00', `a withdrawal was declined with ${rc}`)
      latencies.push(clock.monotonicMs() - askedMs)
      doneCount += 1
    }
  }
  await Promise.all(Array.from({length: CLIENTS_COUNT}, client))
  return (doneCount / (clock.monotonicMs() - startMs)) * 1000
}

/** The rate of one round in 1/s, without the time it takes to connect. */
async function tpcB(cluster: Cluster, folder: string): Promise<number> {
  const said = await pgbench(cluster, folder, [
    ...['-n', '-c', String(CLIENTS_COUNT), '-j', '2', '-T', String(ROUND_MS / 1000)],
  ])
  return Number(present(/^tps = ([0-9.]+)/m.exec(said)?.[1], 'the rate in what pgbench said'))
}

async function pgbench(cluster: Cluster, folder: string, args: readonly string[]): Promise<string> {
  const child = spawn('pgbench', ['-h', cluster.socketFolder, '-p', '5432', '-U', 'bank', ...args, 'bench'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', bytes => (said += String(bytes)))
  const status = await new Promise(resolve => child.once('close', resolve))
  if (status !== 0) throw new SystemFault(`pgbench failed: ${said}`)
  return said
}
