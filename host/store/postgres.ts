/**
 * PostgreSQL, for any number of host processes. Nothing is kept in a session: every transaction brings its own
 * settings, no statement has a name, so the way to the server may lead through pgbouncer's transaction mode, and
 * connections may come and go. Nothing is used that YugabyteDB or CockroachDB lack.
 *
 * Money is committed when a second server has it too. That is looked at when the store is opened, and asked for
 * by every transaction.
 */
import pg from 'pg'
import {ConvoyRows} from './convoy-rows.ts'
import {Convoys} from './convoy.ts'
import type {Carry, Member} from './convoy.ts'
import {POSTGRES} from './dialect.ts'
import type {Store} from './port.ts'
import {CommitUnknown, DatabaseFault, tried} from './retry.ts'
import {rowsOver} from './rows.ts'
import {migrationsTable, pendingMigrations} from './schema.ts'
import {SqlRow} from './sql.ts'
import type {Sql, SqlResult} from './sql.ts'
import {assert, present} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import {BadInput, SystemFault, reasonOf} from '../../kit/errors.ts'
import type {Log} from '../../kit/log.ts'
import type {Random} from '../../kit/random.ts'

/**
 * Deadlines of one transaction, the server's own and then ours, which is longer so that the server is the one to
 * say why. Chosen: a transaction takes milliseconds, and a machine waits for seconds.
 */
const LOCK_TIMEOUT_MS = 2_000
const STATEMENT_TIMEOUT_MS = 4_000
const IDLE_TIMEOUT_MS = 5_000
const ANSWER_TIMEOUT_MS = 6_000
const CONNECT_TIMEOUT_MS = 3_000
/** Connections of one process. Chosen: two for convoys, the rest for what is not made for them. */
const CONNECTIONS_MAX = 8
const LANES_COUNT = 2
const MEMBERS_MAX = 128

export interface PostgresOptions {
  /** `postgres://user@host:port/database`. */
  readonly url: string
  /** `server`: development alone; what one server has committed goes with that server. */
  readonly durability: 'standby' | 'server'
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

type Mode = 'decide' | 'move' | 'look'
/** What a transaction may see of others. Movements lock what they decide on; the rest is checked by the server. */
const ISOLATION: Readonly<Record<Mode, string>> = {
  decide: 'SERIALIZABLE',
  move: 'READ COMMITTED',
  look: 'REPEATABLE READ READ ONLY',
}

/**
 * Connects, checks how durable a commit is, and brings the tables up to date.
 * @throws BadInput when the address is none, or the database is not fit for money; SystemFault when it cannot be had
 */
export async function openPostgresStore(options: PostgresOptions): Promise<Store> {
  const {clock, random, log} = options
  const pool = poolOf(options)
  const within = <T>(mode: Mode, work: (sql: Sql) => Promise<T>): Promise<T> =>
    tried(() => transaction(pool, mode, work), {clock, random, isKeyed: mode === 'move'})

  const carry: Carry = async members => {
    try {
      return await within('move', sql => travel(sql, members))
    } catch (thrown) {
      if (thrown instanceof TurnedBack) return await without(members, thrown.by, thrown.cause)
      if (members.length === 1 || (thrown instanceof DatabaseFault && thrown.isEnd)) throw thrown
      // One of them is at fault or in the way, and must not be in the way of the others.
      log.warn('a convoy is split', {membersCount: members.length, why: reasonOf(thrown)})
      return (await Promise.all(members.map(alone))).flat()
    }
  }
  const without = async (members: readonly Member[], out: Member, why: unknown) => {
    const others = members.filter(member => member !== out)
    return [failing(out, why), ...(others.length === 0 ? [] : await carry(others))]
  }
  const alone = async (member: Member) => {
    try {
      return await carry([member])
    } catch (thrown) {
      return [failing(member, thrown)]
    }
  }
  const convoys = new Convoys({lanesCount: LANES_COUNT, membersMax: MEMBERS_MAX}, carry)

  const store: Store = {
    transact: work => within('decide', sql => work(rowsOver(sql))),
    move: (touches, work) => convoys.join(work, touches),
    read: work => within('look', sql => work(rowsOver(sql))),
    async close() {
      await convoys.idle()
      await pool.end()
    },
  }
  try {
    await within('look', sql => checkFitness(sql, options))
    await within('decide', migrate)
    return store
  } catch (thrown) {
    await pool.end()
    throw thrown
  }
}

/** A member failed when something of it was in the database already: all of it goes, and the others set out again. */
class TurnedBack extends SystemFault {
  readonly by: Member

  constructor(by: Member, cause: unknown) {
    super(reasonOf(cause), {cause})
    this.by = by
  }
}

function failing(member: Member, why: unknown): () => void {
  return () => {
    member.fail(why)
  }
}

async function travel(sql: Sql, members: readonly Member[]): Promise<readonly (() => void)[]> {
  const rows = new ConvoyRows(sql)
  await rows.fetch(members.map(({touches}) => touches))
  const tellings: (() => void)[] = []
  for (const member of members) {
    rows.begin()
    try {
      tellings.push(await member.run(rows.tx))
    } catch (thrown) {
      if (thrown instanceof DatabaseFault) throw thrown
      if (!rows.drop()) throw new TurnedBack(member, thrown)
      tellings.push(failing(member, thrown))
    }
  }
  await rows.write()
  return tellings
}

function poolOf({url, log}: PostgresOptions): pg.Pool {
  if (!/^postgres(?:ql)?:\/\//.test(url) || !URL.canParse(url))
    throw new BadInput('the address of the database does not read postgres://user@host:port/database')
  // 64-bit integers as numbers; `SqlRow` refuses those that a number cannot hold.
  const types = new pg.TypeOverrides()
  types.setTypeParser(pg.types.builtins.INT8, Number)
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'tellerd-host',
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
    types,
  })
  // Whoever waits on the connection hears of its end as well; this is for the time when nobody does.
  const onEnd = (error: Error) => {
    log.debug('a connection to the database ended', {why: error.message})
  }
  pool.on('connect', client => client.on('error', onEnd))
  pool.on('error', onEnd)
  return pool
}

async function transaction<T>(pool: pg.Pool, mode: Mode, work: (sql: Sql) => Promise<T>): Promise<T> {
  const connection = await connected(pool)
  let isSound = false
  try {
    await ask(connection, beginning(mode))
    const result = await work(sqlOver(connection, mode))
    await commit(connection)
    isSound = true
    return result
  } catch (thrown) {
    isSound = !(thrown instanceof DatabaseFault && thrown.isEnd) && (await rolledBack(connection))
    throw thrown
  } finally {
    // A connection that could not even roll back is closed.
    connection.release(!isSound)
  }
}

function rolledBack(connection: pg.PoolClient): Promise<boolean> {
  return ask(connection, 'ROLLBACK').then(
    () => true,
    () => false,
  )
}

function beginning(mode: Mode): string {
  return [
    `BEGIN ISOLATION LEVEL ${ISOLATION[mode]}`,
    `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`,
    `SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}`,
    `SET LOCAL idle_in_transaction_session_timeout = ${IDLE_TIMEOUT_MS}`,
    // Whatever somebody has set for the role or the database.
    "SET LOCAL synchronous_commit = 'on'",
  ].join('; ')
}

/** @throws CommitUnknown when it is open whether it did: a connection that ended, a standby that was not waited for */
async function commit(connection: pg.PoolClient): Promise<void> {
  const warnings: string[] = []
  const onNotice = ({message}: {readonly message: string | undefined}) => {
    warnings.push(message ?? 'a warning without words')
  }
  connection.on('notice', onNotice)
  try {
    const {command} = await committed(connection)
    assert(command === 'COMMIT', 'a transaction went on after one of its statements had failed')
    // A server that is told to stop waiting for its standby says so, and reports success.
    const [warning] = warnings
    if (warning !== undefined) throw new CommitUnknown('08006', warning, {cause: null})
  } finally {
    connection.off('notice', onNotice)
  }
}

async function committed(connection: pg.PoolClient): Promise<pg.QueryResult> {
  try {
    return await ask(connection, 'COMMIT')
  } catch (thrown) {
    if (!(thrown instanceof DatabaseFault && thrown.isEnd)) throw thrown
    throw new CommitUnknown(thrown.state, reasonOf(thrown.cause), {cause: thrown})
  }
}

function sqlOver(connection: pg.PoolClient, mode: Mode): Sql {
  const query = async (statement: string, values: readonly unknown[]): Promise<SqlResult> => {
    const {rows, rowCount, command} = await ask(connection, statement, values)
    if (mode === 'look' && command !== 'SELECT')
      throw new SystemFault('a transaction that only reads was asked to write')
    return {
      rows: rows.map(row => new SqlRow(row)),
      changedCount: command === 'SELECT' ? 0 : (rowCount ?? 0),
    }
  }
  return {
    query: (statement, values = []) => query(statement, values),
    async forRows(columns, rows, statement) {
      if (rows.length === 0) return {rows: [], changedCount: 0}
      const names = Object.keys(columns)
      const arrays = Object.values(columns).map((type, index) => `$${index + 1}::${ARRAYS[type]}`)
      const source = `(SELECT * FROM unnest(${arrays.join(', ')}) AS u (${names.join(', ')}))`
      const values = names.map((_, index) => rows.map(row => row[index]))
      return query(statement(source), values)
    },
    // A lock is a write: the transaction that took it waits for the standby, so what it saw is there as well.
    forUpdate: table => (mode === 'look' ? '' : `FOR NO KEY UPDATE OF ${table}`),
  }
}

const ARRAYS = {text: 'text[]', integer: 'bigint[]'} as const

async function connected(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect()
  } catch (thrown) {
    throw faultOf(thrown)
  }
}

async function ask(
  connection: pg.PoolClient,
  statement: string,
  values: readonly unknown[] = [],
): Promise<pg.QueryResult<Record<string, unknown>>> {
  try {
    // Without values it goes as it stands, and may be several.
    return await (values.length === 0
      ? connection.query<Record<string, unknown>>(statement)
      : connection.query<Record<string, unknown>>(statement, [...values]))
  } catch (thrown) {
    throw faultOf(thrown)
  }
}

/** What did not come from the server came from the way to it. */
function faultOf(thrown: unknown): DatabaseFault {
  const state = thrown instanceof pg.DatabaseError ? thrown.code : undefined
  return new DatabaseFault(state ?? '08006', reasonOf(thrown), {cause: thrown})
}

/** @throws SystemFault when what is committed here could be lost, or texts are not in the order that we take locks in */
async function checkFitness(sql: Sql, {durability, log}: PostgresOptions): Promise<void> {
  const {rows} = await sql.query(
    `SELECT current_setting('fsync') AS fsync, CASE WHEN 'a' < 'B' THEN 1 ELSE 0 END AS is_by_language,
       (SELECT CAST(count(*) AS BIGINT) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) AS standbys`,
  )
  const row = present(rows[0], 'the settings of the database')
  if (row.flag('is_by_language'))
    throw new SystemFault("the database sorts by a language; create it with LC_COLLATE 'C'")
  if (row.text('fsync') !== 'on') throw new SystemFault('the database runs with fsync off')
  if (durability === 'server') {
    log.warn('development setting: the database has one server, and what is committed goes with it')
    return
  }
  if (row.integer('standbys') === 0)
    throw new SystemFault(
      'the database has no synchronous standby (synchronous_standby_names), and money needs one; ' +
        'its user must have pg_monitor to see it; --single-server does without, for development',
    )
}

/** Two programs may start at once: the name goes in first, so that the second waits for it and finds it done. */
async function migrate(sql: Sql): Promise<void> {
  await sql.query(migrationsTable(POSTGRES))
  const {rows} = await sql.query('SELECT name FROM migrations')
  for (const {name, statements} of pendingMigrations(rows.map(row => row.text('name')))) {
    await sql.query('INSERT INTO migrations (name) VALUES ($1)', [name])
    for (const statement of statements(POSTGRES)) await sql.query(statement)
  }
}
