/**
 * The embedded engine: one SQLite file, one writer. better-sqlite3 lowers WAL databases to
 * `synchronous=NORMAL`, which may lose the last commits at a power cut, so FULL is set and read back.
 */
import Database from 'better-sqlite3'
import {SystemFault, codeOf, reasonOf} from '../../kit/errors.ts'
import {SQLITE} from './dialect.ts'
import {rowsOver} from './rows.ts'
import {migrationsTable, pendingMigrations} from './schema.ts'
import {Convoys} from './convoy.ts'
import type {Member} from './convoy.ts'
import {SqlRow} from './sql.ts'
import {Contended} from './port.ts'
import type {Store} from './port.ts'
import type {RowValues, Sql, SqlResult, SqlValue} from './sql.ts'

/** How long another process may hold the file's lock before we give up. Chosen: below an ATM's deadline. */
const BUSY_TIMEOUT_MS = 5_000
/** `PRAGMA synchronous` reads FULL as this. Source: sqlite.org, pragma.html. */
const SYNCHRONOUS_FULL = 2
/** Most transactions under one commit. Chosen: a few milliseconds of work, in which nobody else is heard. */
const MEMBERS_MAX = 64

/**
 * Opens or creates the bank's database.
 * @param path a file, or `:memory:` for a bank that forgets
 * @throws SystemFault when the file cannot be opened or the durability settings do not hold
 */
export function openSqliteStore(path: string): Store {
  const database = opened(path)
  const rows = rowsOver(sqlOver(database))
  const lookRows = rowsOver(sqlOver(database, 'reads only'))
  let tail: Promise<unknown> = Promise.resolve()

  // One connection carries one transaction at a time; the others wait their turn here, in order.
  const inTurn = <T>(start: () => Promise<T>): Promise<T> => {
    const turn = tail.then(start)
    tail = turn.catch(() => undefined)
    return turn
  }
  const whole = async <T>(begin: string, work: () => Promise<T>): Promise<T> => {
    try {
      begun(database, begin)
      const result = await work()
      database.exec('COMMIT')
      return result
    } catch (thrown) {
      // A failed COMMIT may already have rolled back.
      if (database.inTransaction) database.exec('ROLLBACK')
      const fault = engineFault(thrown)
      if (fault !== null) throw fault
      throw thrown
    }
  }
  // What one member did before it failed goes, and what the others did stays.
  const attempt = async (member: Member): Promise<() => void> => {
    database.exec('SAVEPOINT member')
    try {
      return await member.run(rows)
    } catch (thrown) {
      if (!database.inTransaction) throw thrown
      database.exec('ROLLBACK TO member')
      return () => {
        member.fail(engineFault(thrown) ?? thrown)
      }
    } finally {
      if (database.inTransaction) database.exec('RELEASE member')
    }
  }
  const convoys = new Convoys({lanesCount: 1, membersMax: MEMBERS_MAX}, members =>
    inTurn(() =>
      whole('BEGIN IMMEDIATE', async () => {
        const tellings: (() => void)[] = []
        for (const member of members) tellings.push(await attempt(member))
        return tellings
      }),
    ),
  )

  return {
    transact: work => convoys.join(work),
    move: (_, work) => convoys.join(work),
    read: work => inTurn(() => whole('BEGIN', () => work(lookRows))),
    async close() {
      await convoys.idle()
      await tail
      database.close()
    },
  }
}

/** What SQLite refused, as the system's fault; null when it was something else. */
function engineFault(thrown: unknown): SystemFault | null {
  return thrown instanceof Database.SqliteError
    ? new SystemFault(`the bank's database failed: ${thrown.message}`, {cause: thrown})
    : null
}

/** @throws Contended when another process has the file too long */
function begun(database: Database.Database, begin: string): void {
  try {
    database.exec(begin)
  } catch (thrown) {
    if (codeOf(thrown) !== 'SQLITE_BUSY') throw thrown
    throw new Contended('another process has the file for itself', {cause: thrown})
  }
}

function opened(path: string): Database.Database {
  try {
    const database = new Database(path, {timeout: BUSY_TIMEOUT_MS})
    const mode = database.pragma('journal_mode = WAL', {simple: true})
    if (mode !== 'wal' && path !== ':memory:')
      throw new SystemFault(`the journal mode is ${String(mode)}, not wal`)
    database.pragma('synchronous = FULL')
    if (database.pragma('synchronous', {simple: true}) !== SYNCHRONOUS_FULL)
      throw new SystemFault('synchronous=FULL did not hold')
    database.pragma('foreign_keys = ON')
    migrate(database)
    return database
  } catch (thrown) {
    throw new SystemFault(`cannot open the bank's database ${path}: ${reasonOf(thrown)}`, {cause: thrown})
  }
}

function migrate(database: Database.Database): void {
  database
    .transaction(() => {
      database.exec(migrationsTable(SQLITE))
      const names = database.prepare<[], {name: string}>('SELECT name FROM migrations').all()
      for (const {name, statements} of pendingMigrations(names.map(row => row.name))) {
        for (const statement of statements(SQLITE)) database.exec(statement)
        database.prepare('INSERT INTO migrations (name) VALUES (?)').run(name)
      }
      // What it cannot open to write, SQLite opens to read, and every movement of money would fail. This one does then.
      database.exec("DELETE FROM migrations WHERE name = ''")
    })
    .immediate()
}

/** Statements are prepared once and kept; there are as many as the rows' source has. */
function sqlOver(database: Database.Database, may: 'everything' | 'reads only' = 'everything'): Sql {
  const prepared = new Map<string, Database.Statement<[Record<string, SqlValue>], Record<string, unknown>>>()
  const query = (text: string, values: RowValues): SqlResult => {
    const statement = prepared.get(text) ?? database.prepare(text)
    prepared.set(text, statement)
    if (may === 'reads only' && !statement.readonly)
      throw new SystemFault('a transaction that only reads was asked to write')
    // `$1` is a named parameter to SQLite, and its name is 1.
    const bound = Object.fromEntries(values.map((value, index) => [String(index + 1), value]))
    if (!statement.reader) return {rows: [], changedCount: statement.run(bound).changes}
    const rows = statement.all(bound).map(row => new SqlRow(row))
    return {rows, changedCount: statement.readonly ? 0 : rows.length}
  }
  return {
    query: async (text, values = []) => query(text, values),
    async forRows(columns, rows, statement) {
      const named = Object.keys(columns).map((name, index) => `$${index + 1} AS ${name}`)
      const text = statement(`(SELECT ${named.join(', ')})`)
      const results = rows.map(values => query(text, values))
      return {
        rows: results.flatMap(result => result.rows),
        changedCount: results.reduce((sum, {changedCount}) => sum + changedCount, 0),
      }
    },
    // The one writer has the whole file to itself.
    forUpdate: () => '',
  }
}
