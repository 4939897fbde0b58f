/**
 * The embedded store: one SQLite file, one writer. better-sqlite3 lowers WAL databases to
 * `synchronous=NORMAL`, which may lose the last commits at a power cut, so FULL is set and read back.
 */
import Database from 'better-sqlite3'
import {SystemFault, reasonOf} from '../../kit/errors.ts'
import {SCHEMA, SCHEMA_VERSION} from './sqlite-schema.ts'
import {sqliteRows} from './sqlite-rows.ts'
import type {Store, Tx} from './port.ts'

/** How long another process may hold the file's lock before we give up. Chosen: below an ATM's deadline. */
const BUSY_TIMEOUT_MS = 5_000
/** `PRAGMA synchronous` reads FULL as this. Source: sqlite.org, pragma.html. */
const SYNCHRONOUS_FULL = 2

/**
 * Opens or creates the bank's database.
 * @param path a file, or `:memory:` for a bank that forgets
 * @throws SystemFault when the file cannot be opened or the durability settings do not hold
 */
export function openSqliteStore(path: string): Store {
  const database = opened(path)
  const rows = sqliteRows(database)
  let tail: Promise<unknown> = Promise.resolve()

  const run = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = await work(rows)
      database.exec('COMMIT')
      return result
    } catch (thrown) {
      // A failed COMMIT may already have rolled back.
      if (database.inTransaction) database.exec('ROLLBACK')
      throw thrown
    }
  }

  return {
    // One connection carries one transaction at a time; the others wait their turn here, in order.
    transact(work) {
      const turn = tail.then(() => run(work))
      tail = turn.catch(() => undefined)
      return turn
    },
    async close() {
      await tail
      database.close()
    },
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
      const version = database.pragma('user_version', {simple: true})
      if (version === SCHEMA_VERSION) return
      if (version !== 0) throw new SystemFault(`schema version ${String(version)} is newer than this program`)
      database.exec(SCHEMA)
      database.pragma(`user_version = ${SCHEMA_VERSION}`)
    })
    .immediate()
}
