/** PostgreSQL: the suites of the other engine once more, and what only a server far away can do to a bank. */
import {rmSync} from 'node:fs'
import type {Test} from 'tap'
import {join} from 'node:path'
import t from 'tap'
import {pgbouncerPath, postgresFolder, skipUnless} from '../needs.ts'
import {Cluster, Pooler, clusterFolder, openNewDatabase} from './postgres.ts'
import {START_MS} from './bench.ts'
import {Wire} from './wire.ts'
import {openingEntry} from '../../host/ledger/book.ts'
import type {Operation} from '../../host/ledger/operation.ts'
import {openPostgresStore} from '../../host/store/postgres.ts'
import type {PostgresOptions} from '../../host/store/postgres.ts'
import {CommitUnknown} from '../../host/store/retry.ts'
import {Contended} from '../../host/store/port.ts'
import type {Store, Touches} from '../../host/store/port.ts'
import {BadInput, SystemFault} from '../../kit/errors.ts'
import {realClock} from '../../kit/clock.ts'
import {minorUnits} from '../../kit/money.ts'
import {silentLog} from '../../kit/log.ts'
import {seededRandom} from '../../kit/random.ts'

const OPENING = openingEntry('1', 'EUR', minorUnits(100))
const NO_MONEY = minorUnits(0)
const TOMBSTONE: Omit<Operation, 'key'> = {
  type: 'withdrawal',
  atmId: null,
  targetAccountId: null,
  wasSuspect: false,
  state: 'tombstone',
  fingerprint: null,
  accountId: null,
  currency: null,
  amountMinor: NO_MONEY,
  feeMinor: NO_MONEY,
  paidMinor: NO_MONEY,
  paidAtMostMinor: NO_MONEY,
  paidFeeMinor: NO_MONEY,
  transactionId: null,
  answer: null,
  evidence: '',
  createdAtMs: START_MS,
  changedAtMs: START_MS,
}
const ADA = {userId: 'u', name: 'Ada', email: '', phoneNumber: '', address: ''}
const ACCOUNT = {userId: 'u', accountType: 'checking', currency: 'EUR', createdAt: ''} as const

function touching(limit: string, ...keys: readonly string[]): Touches {
  return {keys, accountIds: [], atmIds: [], limits: () => [limit]}
}

/** A movement as short as one can be: under a new key it counts, under a known one it has counted. */
function countOnce(store: Store, key: string, limit: string): Promise<void> {
  return store.move(touching(limit, key), async tx => {
    if ((await tx.operations.find(key)) !== null) return
    await tx.operations.insert({...TOMBSTONE, key})
    await tx.limits.use(limit, 1, 1_000)
  })
}

const programs = postgresFolder()
if (skipUnless(t, programs, 'postgresql')) {
  const folder = clusterFolder()
  const cluster = new Cluster(programs, folder, 'a')
  await cluster.init()
  await cluster.start()
  t.teardown(async () => {
    await cluster.stop('SIGQUIT')
    rmSync(folder, {recursive: true, force: true})
  })
  await suites(cluster)
  await engine(cluster)
  await pooled(cluster, folder)
  await paired(programs, cluster, folder)
}

async function suites(cluster: Cluster): Promise<void> {
  for (const suite of ['store', 'money', 'operations', 'settlement/settlement', 'guard/watch'])
    await t.spawn(
      process.execPath,
      [join(import.meta.dirname, `${suite}.test.ts`)],
      {env: {...process.env, TELLERD_TEST_CLUSTER: cluster.url()}},
      `${suite} on PostgreSQL`,
    )
}

function optionsOf(url: string): PostgresOptions {
  return {url, durability: 'server', clock: realClock(), random: seededRandom('store'), log: silentLog}
}

async function engine(cluster: Cluster): Promise<void> {
  const open = (url: string) => openPostgresStore(optionsOf(url))

  await t.test('rows of the past cannot be changed, whoever tries', async t => {
    const store = await openNewDatabase(cluster.url(), 'past')
    await store.transact(tx => tx.accounts.putUser(ADA))
    await store.transact(tx => tx.accounts.put({...ACCOUNT, accountId: '1'}))
    await store.transact(tx => tx.ledger.post('k', OPENING, START_MS))
    await store.close()
    for (const [statement, why] of [
      ['UPDATE postings SET amount = 1', /never changed/],
      ['DELETE FROM postings', /never deleted/],
      ['UPDATE accounts SET balance = -1', /check constraint/],
    ] as const)
      await t.rejects(cluster.sql(statement, 'past'), why, statement)
    const columns = await cluster.sql(
      `SELECT table_name AS of, string_agg(column_name, ' ' ORDER BY ordinal_position) AS names
       FROM information_schema.columns WHERE table_name IN ('users', 'accounts', 'transactions', 'atms')
       GROUP BY table_name ORDER BY table_name`,
      'past',
    )
    t.same(columns, [
      {of: 'accounts', names: 'account_id user_id account_type balance created_at'},
      {of: 'atms', names: 'atm_id location status'},
      {
        of: 'transactions',
        names: 'transaction_id account_id atm_id transaction_type amount transaction_date',
      },
      {of: 'users', names: 'user_id name email phone_number address'},
    ])
  })

  await t.test('a database that is not fit for money is refused', async t => {
    await t.rejects(open('mysql://bank'), BadInput)
    await t.rejects(
      openPostgresStore({...optionsOf(cluster.url()), durability: 'standby'}),
      /no synchronous standby.*--single-server/,
    )
    await cluster.sql("CREATE DATABASE german TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'")
    await t.rejects(open(cluster.url('german')), /sorts by a language.*LC_COLLATE 'C'/)
    await t.rejects(open(cluster.url('nowhere')), SystemFault)
    await cluster.sql('CREATE DATABASE newer')
    await (await open(cluster.url('newer'))).close()
    await cluster.sql("INSERT INTO migrations VALUES ('of tomorrow')", 'newer')
    await t.rejects(open(cluster.url('newer')), /newer program.*'of tomorrow'/)
  })

  await t.test('programs that start at once agree on who makes the tables', async t => {
    await cluster.sql('CREATE DATABASE crowd')
    const stores = await Promise.all(Array.from({length: 4}, () => open(cluster.url('crowd'))))
    await Promise.all(stores.map(store => store.close()))
    t.equal((await cluster.sql("SELECT * FROM migrations WHERE name = 'ledger'", 'crowd')).length, 1)
  })

  await t.test('a development setting is said', async t => {
    const said: string[] = []
    const log = {...silentLog, warn: (message: string) => said.push(message)}
    await (await openPostgresStore({...optionsOf(cluster.url('crowd')), log})).close()
    t.match(said, [/development setting/])
  })

  await t.test('who holds a row too long is not waited for, and nobody else waits behind', async t => {
    const store = await openNewDatabase(cluster.url(), 'busy')
    const other = await open(cluster.url('busy'))
    t.teardown(() => Promise.all([store.close(), other.close()]))
    await store.transact(tx => tx.limits.use('held', 1, 9))
    let isHeld = (): void => undefined
    let letGo = (): void => undefined
    const held = new Promise<void>(resolve => (isHeld = resolve))
    const over = new Promise<void>(resolve => (letGo = resolve))
    const holding = other.transact(async tx => {
      await tx.limits.use('held', 1, 9)
      isHeld()
      await over
    })
    await held
    const ended = await Promise.allSettled([
      store.move(touching('held'), tx => tx.limits.use('held', 1, 9)),
      store.move(touching('free'), tx => tx.limits.use('free', 1, 9)),
    ])
    letGo()
    await holding
    t.match(ended, [{status: 'rejected'}, {status: 'fulfilled', value: 'within'}])
    t.ok(ended[0].status === 'rejected' && ended[0].reason instanceof Contended)
    t.equal(await store.read(tx => tx.limits.used('held')), 2)
  })

  await t.test('a connection cut at any moment of a movement leaves it done once', async t => {
    const direct = await openNewDatabase(cluster.url(), 'cut')
    const wire = await Wire.open(cluster)
    const store = await open(wire.url('cut'))
    t.teardown(async () => {
      await Promise.all([store.close(), direct.close()])
      await wire.close()
    })
    // The messages of one movement: begun, locked, machines, written..., committed; and beyond, when nothing is cut.
    for (let messagesCount = 0; messagesCount < 10; messagesCount++) {
      const limit = `l${messagesCount}`
      for (const moment of ['before the server', 'after the server'] as const) {
        wire.cutAfter(messagesCount, moment)
        await countOnce(store, `${limit} ${moment}`, limit)
      }
      t.equal(await direct.read(tx => tx.limits.used(limit)), 2, `${messagesCount} messages`)
    }
    t.ok(wire.cutsCount >= 12, `${wire.cutsCount} connections were cut`)
  })
}

async function pooled(cluster: Cluster, folder: string): Promise<void> {
  await t.test('programs behind a pooler that gives each transaction another session', async (t: Test) => {
    const program = pgbouncerPath()
    if (!skipUnless(t, program, 'pgbouncer')) return
    const direct = await openNewDatabase(cluster.url(), 'pooled')
    const pooler = await Pooler.start(program, folder, cluster)
    const stores = await Promise.all(['a', 'b'].map(() => openPostgresStore(optionsOf(pooler.url('pooled')))))
    t.teardown(async () => {
      await Promise.all([direct, ...stores].map(store => store.close()))
      await pooler.stop()
    })
    await direct.transact(tx => tx.limits.use('transacted', 0, 1_000))
    await Promise.all(
      Array.from({length: 60}, async (_, index) => {
        for (const store of stores) await countOnce(store, `k${index}`, 'moved')
        const [store = direct] = stores.slice(index % 2)
        if (index % 10 === 0) await store.transact(tx => tx.limits.use('transacted', 1, 1_000))
        await store.read(tx => tx.limits.used('moved'))
      }),
    )
    t.equal(await direct.read(tx => tx.limits.used('moved')), 60, 'each key once, whoever brought it')
    t.equal(await direct.read(tx => tx.limits.used('transacted')), 6)
  })
}

async function paired(programs: string, alone: Cluster, folder: string): Promise<void> {
  await t.test('a commit is one when the standby has it', async (t: Test) => {
    await alone.stop()
    const primary = new Cluster(programs, folder, 'p')
    const standby = new Cluster(programs, folder, 's')
    t.teardown(() => Promise.all([primary.stop('SIGQUIT'), standby.stop('SIGQUIT')]))
    await primary.init()
    await primary.start()
    await standby.copyFrom(primary)
    await standby.start()
    await primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
    await primary.sql('SELECT pg_reload_conf()')
    const isFollowed = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
    while ((await primary.sql(isFollowed)).length === 0) await realClock().sleep(50)

    const store = await openPostgresStore({...optionsOf(primary.url()), durability: 'standby'})
    t.teardown(() => store.close())
    await countOnce(store, 'first', 'l')
    standby.signalAll('SIGSTOP')
    await t.rejects(countOnce(store, 'second', 'l'), SystemFault, 'not acknowledged')
    const [unkeyed] = await Promise.allSettled([store.transact(tx => tx.limits.use('other', 1, 9))])
    t.ok(unkeyed.status === 'rejected' && unkeyed.reason instanceof CommitUnknown, 'nor tried again')
    standby.signalAll('SIGCONT')
    await countOnce(store, 'second', 'l')
    t.equal(await store.read(tx => tx.limits.used('l')), 2, 'and done once')

    await primary.stop('SIGKILL')
    await standby.promote()
    const promoted = await openPostgresStore({...optionsOf(standby.url()), durability: 'server'})
    t.teardown(() => promoted.close())
    t.equal(await promoted.read(tx => tx.limits.used('l')), 2, 'whatever was acknowledged is there')
  })
}
