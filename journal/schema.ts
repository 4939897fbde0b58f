/**
 * The journal's file: its one table, what guards it, and the settings that make a commit durable.
 *
 * SQLite in WAL mode with synchronous=FULL syncs the log on every commit. better-sqlite3 is compiled so that a WAL
 * database falls back to NORMAL, which may lose the last commits with the power: so FULL is set, and read back.
 */
import Database from 'better-sqlite3'
import {assert} from '../kit/assert.ts'
import {SystemFault, codeOf, reasonOf} from '../kit/errors.ts'

/** Raised with every change of the schema, or of what a kind of row says: 2 since acknowledgements say what the bank has, and rests who locked the machine. */
const VERSION = 2

/** 'TLRD': marks the file as a journal of ours, for `file` and for us. */
const APPLICATION_ID = 0x54_4c_52_44

/** `PRAGMA synchronous` answers with numbers: 0 OFF, 1 NORMAL, 2 FULL, 3 EXTRA. */
const SYNCHRONOUS_FULL = 2

/** About 16 MB of log. The log is folded back when idle; this is the backstop for a machine that never is. */
const AUTO_CHECKPOINT_PAGES = 4000

/** In the order of creation. The names are read back at every start, text and all. */
const SCHEMA: Readonly<Record<string, string>> = {
  journal: `CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  session TEXT,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  answers INTEGER,
  body TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT`,
  journal_answers: 'CREATE UNIQUE INDEX journal_answers ON journal (answers) WHERE answers IS NOT NULL',
  // Finds a visit's rows; and, being small, all intents at a start, without an index of their own to write.
  journal_sessions: 'CREATE INDEX journal_sessions ON journal (session, kind)',
  journal_no_update: `CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is never changed'); END`,
  // REPLACE deletes the row in its way without asking the trigger below.
  journal_no_replace: `CREATE TRIGGER journal_no_replace BEFORE INSERT ON journal
WHEN NEW.seq <= (SELECT max(seq) FROM journal) OR EXISTS (SELECT 1 FROM journal WHERE answers = NEW.answers)
BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END`,
  journal_no_delete: `CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is never shortened'); END`,
}

/** One row as the table holds it. */
export interface TableRow {
  readonly seq: number
  readonly session: string | null
  readonly at_ms: number
  readonly kind: string
  readonly answers: number | null
  readonly body: string
  readonly hash: string
}

/**
 * The one way in which rows go: the guard is lifted within the transaction that deletes, and stands again, to the letter,
 * when it ends, whichever way.
 * @param through the last row that goes
 */
export function deleteThrough(database: Database.Database, through: number): void {
  const guard = SCHEMA['journal_no_delete']
  assert(guard !== undefined, 'the guard against deletion has a text')
  database
    .transaction(() => {
      database.exec('DROP TRIGGER journal_no_delete')
      database.prepare<[number]>('DELETE FROM journal WHERE seq <= ?').run(through)
      database.exec(guard)
    })
    .immediate()
}

export const INSERT_ROW =
  'INSERT INTO journal (seq, session, at_ms, kind, answers, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)'

/**
 * Opens the file for writing, creating it when it is not there, and keeps every other process (and a second
 * connection of this one) out until it is closed. The lock is the kernel's: a killed process leaves none behind.
 *
 * While the file is open, nothing else in this process may open and close it by another way (a copy, a checksum):
 * POSIX drops a process's locks on a file whenever the process closes any descriptor of it.
 * @param pagesMax most pages of 4096 bytes the file may have; an append beyond is refused as a full disk is
 * @throws SystemFault when the file cannot be opened, is in use, is no journal, or does not hold its settings
 */
export function openForWriting(path: string, pagesMax: number): Database.Database {
  return opened(path, {timeout: 0}, database => {
    // Before anything else is read: the lock is then taken at the first look into the file, and kept.
    database.pragma('locking_mode = EXCLUSIVE')
    set(database, path, 'journal_mode', 'WAL', 'wal')
    set(database, path, 'synchronous', 'FULL', SYNCHRONOUS_FULL)
    set(database, path, 'foreign_keys', 'ON', 1)
    set(database, path, 'secure_delete', 'ON', 1)
    set(database, path, 'trusted_schema', 'OFF', 0)
    set(database, path, 'wal_autocheckpoint', AUTO_CHECKPOINT_PAGES, AUTO_CHECKPOINT_PAGES)
    set(database, path, 'max_page_count', pagesMax, pagesMax)
    createIfEmpty(database)
    checkSchema(database, path)
  })
}

/**
 * Opens an existing journal for reading only, while no machine has it open.
 * @throws SystemFault as openForWriting
 */
export function openForReading(path: string): Database.Database {
  return opened(path, {timeout: 0, readonly: true, fileMustExist: true}, database => {
    checkSchema(database, path)
  })
}

/** @throws SystemFault when a commit would not be synced; asked again after the first write, because SQLite settles it only then. */
export function checkDurable(database: Database.Database, path: string): void {
  for (const [name, wanted] of [
    ['journal_mode', 'wal'],
    ['synchronous', SYNCHRONOUS_FULL],
    ['locking_mode', 'exclusive'],
  ] as const) {
    const held = database.pragma(name, {simple: true})
    if (held !== wanted) throw new SystemFault(`journal ${path}: ${name} is ${String(held)}, not ${wanted}`)
  }
}

function opened(
  path: string,
  options: Database.Options,
  prepare: (database: Database.Database) => void,
): Database.Database {
  let database: Database.Database | null = null
  try {
    database = new Database(path, options)
    prepare(database)
    return database
  } catch (thrown) {
    database?.close()
    if (thrown instanceof SystemFault) throw thrown
    if (codeOf(thrown)?.startsWith('SQLITE_BUSY') === true)
      throw new SystemFault(`journal ${path} is already open, here or in another process`, {cause: thrown})
    throw new SystemFault(`journal ${path} cannot be opened: ${reasonOf(thrown)}`, {cause: thrown})
  }
}

function set(
  database: Database.Database,
  path: string,
  name: string,
  value: string | number,
  wanted: string | number,
): void {
  database.pragma(`${name} = ${value}`)
  const held = database.pragma(name, {simple: true})
  if (held !== wanted) throw new SystemFault(`journal ${path}: ${name} is ${String(held)}, not ${wanted}`)
}

function createIfEmpty(database: Database.Database): void {
  database
    .transaction(() => {
      const objects = database.prepare<[], number>('SELECT count(*) FROM sqlite_schema').pluck().get()
      if (objects !== 0) return
      for (const statement of Object.values(SCHEMA)) database.exec(statement)
      database.pragma(`application_id = ${APPLICATION_ID}`)
      database.pragma(`user_version = ${VERSION}`)
    })
    .immediate()
}

/** A journal whose triggers or indexes are gone, or changed, has been tampered with: no machine starts on it. */
function checkSchema(database: Database.Database, path: string): void {
  const held = database.pragma('user_version', {simple: true})
  const owner = database.pragma('application_id', {simple: true})
  if (owner !== APPLICATION_ID) throw new SystemFault(`${path} is a database, but no journal`)
  if (held !== VERSION)
    throw new SystemFault(`journal ${path} has version ${String(held)}; this program knows ${VERSION}`)
  const objects = database
    .prepare<[], {name: string; sql: string | null}>(
      "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'",
    )
    .all()
  const found = new Map(objects.map(object => [object.name, object.sql]))
  for (const [name, sql] of Object.entries(SCHEMA))
    if (found.get(name) !== sql) throw new SystemFault(`journal ${path}: ${name} is missing or was changed`)
  if (found.size !== Object.keys(SCHEMA).length)
    throw new SystemFault(`journal ${path} holds something that is not ours`)
}
