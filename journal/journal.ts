/**
 * The journal: the one record of what this machine did, append-only, durable before anything moves. Every other
 * figure (levels, balances, what is owed to the bank) is a fold over its rows. Only this file writes to it.
 */
import type Database from 'better-sqlite3'
import {assert} from '../kit/assert.ts'
import type {Clock} from '../kit/clock.ts'
import {SystemFault, codeOf, reasonOf} from '../kit/errors.ts'
import {chainHash} from './chain.ts'
import {answersOf, bodyOf, seqOf} from './entry.ts'
import type {Entry, Intent, Seq, SessionId, Stored} from './entry.ts'
import {JournalReader, isIntent} from './reader.ts'
import type {Head, Verdict} from './range.ts'
import {INSERT_ROW, checkDurable, deleteThrough, openForWriting} from './schema.ts'

/** Rows whose chain is checked at every start: some thirty visits, a few milliseconds. `verify` checks them all. */
export const CHAIN_CHECK_ROWS = 1000

/** Rows that are never forgotten: a start checks as many, and needs the one before them. */
export const ROWS_KEPT_MIN = CHAIN_CHECK_ROWS + 1

/** Most entries of one append; a turn of the loop writes an event and a handful of intents. */
const ENTRIES_MAX = 100

/** 64 GB in pages of 4096 bytes: beyond any disk of ours, so the disk is the limit unless the caller sets one. */
const PAGES_MAX = 16_777_216

type Insert = Database.Statement<[number, string | null, number, string, number | null, string, string]>

export class Journal {
  readonly #path: string
  readonly #clock: Clock
  readonly #database: Database.Database
  readonly #makeRoom: () => boolean
  readonly #reader: JournalReader
  readonly #insert: Insert
  readonly #begin: Database.Statement<[]>
  readonly #commit: Database.Statement<[]>
  readonly #open: Map<Seq, Intent>
  readonly #listeners = new Set<(row: Stored) => void>()
  #head: Head
  #failed: string | null = null

  private constructor(path: string, clock: Clock, database: Database.Database, makeRoom: () => boolean) {
    this.#makeRoom = makeRoom
    this.#path = path
    this.#clock = clock
    this.#database = database
    this.#reader = new JournalReader(path, database)
    this.#insert = database.prepare(INSERT_ROW)
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    const tail = this.#reader.verifyTail(CHAIN_CHECK_ROWS)
    if (tail.kind === 'broken')
      throw new SystemFault(`journal ${path} is broken at row ${tail.at}: ${tail.why}`)
    this.#head = this.#reader.head()
    this.#open = new Map(this.#reader.openIntents().map(intent => [intent.seq, intent]))
  }

  /**
   * Opens or creates the journal and appends a `boot` entry. It belongs to this process alone until closed.
   * @param build the program's version, as the console's `about` shows it
   * @param configHash SHA-256 of the settings
   * @param limits `pagesMax`: largest file, in pages of 4096 bytes; unlimited when left out. `makeRoom`: asked when the
   * disk is full; whether there is room now
   * @throws SystemFault when the file cannot be opened or is open elsewhere, when WAL and synchronous=FULL do not hold,
   * when the schema is not ours to the letter, when the last CHAIN_CHECK_ROWS rows or any answer are not as
   * written, and when the boot entry cannot be made durable
   */
  static open(
    path: string,
    clock: Clock,
    build: string,
    configHash: string,
    limits: {readonly pagesMax?: number; readonly makeRoom?: () => boolean} = {},
  ): Journal {
    const database = openForWriting(path, limits.pagesMax ?? PAGES_MAX)
    try {
      const journal = new Journal(path, clock, database, limits.makeRoom ?? (() => false))
      journal.append(null, [{kind: 'boot', build, configHash}])
      checkDurable(database, path)
      return journal
    } catch (thrown) {
      database.close()
      throw thrown
    }
  }

  /**
   * All entries in one transaction, on disk when this returns.
   *
   * A failure throws, so that nobody can go on by overlooking it: whatever was to be ordered is then not ordered.
   * None of the entries is in force; after an error of the disk itself (a sync that failed) the file may
   * nevertheless hold all of them, never some, which the next `open` sees. From then on the journal refuses
   * everything but reading, until it is opened again.
   * @param session the visit that the entries belong to, null for the machine's own
   * @throws SystemFault when they could not be made durable, or when the journal failed before or is closed
   * @throws AssertionFailed, having written nothing, for an entry that must not be written: see `bodyOf`; an answer to an
   * intent that is not open
   */
  append(session: SessionId | null, entries: readonly [Entry, ...Entry[]]): readonly Stored[] {
    if (this.#failed !== null)
      throw new SystemFault(`journal ${this.#path} takes no entries: ${this.#failed}`)
    const stored = this.#chained(session, entries)
    try {
      this.#write(stored)
    } catch (thrown) {
      // A full disk took nothing, and says so before any sync; with room made, the same can be tried again.
      if (codeOf(thrown) !== 'SQLITE_FULL' || !this.#rolledBack() || !this.#makeRoom())
        throw this.#failing(thrown)
      this.#writeAgain(stored)
    }
    const rows = stored.map(({row}) => row)
    for (const row of rows) this.#adopt(row)
    return rows
  }

  /** Intents no event has answered, oldest first. After a clean stop only advices to the bank may remain. */
  openIntents(): readonly Intent[] {
    return [...this.#open.values()]
  }

  /** The rows of one visit, oldest first. @throws SystemFault when a row cannot be read */
  session(id: SessionId): readonly Stored[] {
    return this.#reader.session(id)
  }

  /** Rows from that number on, oldest first, at most `countMax` (1 to ROWS_READ_MAX). @throws SystemFault when a row cannot be read */
  rows(fromSeq: number, countMax: number): readonly Stored[] {
    return this.#reader.rows(fromSeq, countMax)
  }

  /** Checks the whole journal, and that what this process believes to be open is what the file says. Takes seconds per million rows. */
  verify(): Verdict {
    const verdict = this.#reader.verify()
    if (verdict.kind === 'whole') {
      const held = this.#reader.openIntents().map(intent => intent.seq)
      assert(held.join() === [...this.#open.keys()].join(), `the journal's open intents are ${held.join()}`)
    }
    return verdict
  }

  /**
   * Why the rows up to that one must stay, or null when they may go: both have signed for that row and its hash, no later
   * row answers one of them, no order among them or in their visits is open, no visit is cut in two, and enough remain.
   * Whether they are old, and whether what the machine knows stands in the others, is for the caller to say.
   * @throws SystemFault when the journal cannot be read
   */
  cutFault(through: number): string | null {
    if (this.#head.seq - through < ROWS_KEPT_MIN) return `the last ${ROWS_KEPT_MIN} rows stay`
    const [row, next] = this.#reader.rows(through, 2)
    if (row?.seq !== through || next === undefined) return 'it is no row of this journal'
    if (row.session !== null && row.session === next.session) return 'a visit would be cut in two'
    if (this.#reader.anchoredHash(through) !== row.hash) return 'machine and bank have not signed for it'
    const open = [...this.#open.values()].find(({seq, session}) =>
      session === null ? seq <= through : (this.#reader.session(session)[0]?.seq ?? seq) <= through,
    )
    if (open !== undefined) return `the order in row ${open.seq} is open`
    const late = this.#reader.answerAcross(through)
    return late === null ? null : `row ${late} answers one of them`
  }

  /**
   * Forgets the rows up to that one: the bank has them. The chain of the others goes on from the anchor of that row.
   * @throws AssertionFailed when `cutFault` says why not; SystemFault when the disk did not take it: the journal has then
   * failed, or stands as it was when there was no room
   */
  cutThrough(through: number): void {
    const why = this.cutFault(through)
    assert(why === null, `rows up to ${through} must stay: ${why ?? ''}`)
    if (this.#failed !== null) throw new SystemFault(`journal ${this.#path} is not cut: ${this.#failed}`)
    try {
      deleteThrough(this.#database, through)
    } catch (thrown) {
      if (codeOf(thrown) !== 'SQLITE_FULL') throw this.#failing(thrown)
      throw new SystemFault(`journal ${this.#path} is not cut: ${reasonOf(thrown)}`, {cause: thrown})
    }
  }

  /** The last row's number and hash. */
  get head(): Head {
    return this.#head
  }

  /** Why the journal takes no entries, or null while it does. */
  get failed(): string | null {
    return this.#failed
  }

  /**
   * Tells every row from now on, in order, soon after its append returned. A listener that throws ends the program, as any
   * mistake of ours does, but cannot make an append look failed that was not.
   * @returns stops the telling
   */
  onAppend(listener: (row: Stored) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Folds the write-ahead log into the file. For idle moments: it costs a few syncs, which would otherwise fall into somebody's visit. */
  checkpoint(): void {
    if (this.#failed !== null) return
    try {
      this.#database.pragma('wal_checkpoint(TRUNCATE)')
    } catch (thrown) {
      throw this.#failing(thrown)
    }
  }

  /** Gives the file free. Harmless when closed already. */
  close(): void {
    this.#failed ??= 'it is closed'
    this.#listeners.clear()
    this.#database.close()
  }

  #chained(
    session: SessionId | null,
    entries: readonly Entry[],
  ): readonly {readonly row: Stored; readonly body: string}[] {
    assert(entries.length >= 1 && entries.length <= ENTRIES_MAX, `${entries.length} entries in one append`)
    const atMs = this.#clock.wallMs()
    const answered = new Set<Seq>()
    let {seq, hash} = this.#head
    return entries.map(entry => {
      const answers = answersOf(entry)
      if (answers !== null) {
        assert(this.#open.has(answers) && !answered.has(answers), `row ${answers} is no open intent`)
        answered.add(answers)
      }
      const body = bodyOf(entry)
      seq += 1
      hash = chainHash(hash, {seq, session, atMs, kind: entry.kind, answers, body})
      return {row: {seq: seqOf(seq), session, atMs, hash, entry}, body}
    })
  }

  #write(stored: readonly {readonly row: Stored; readonly body: string}[]): void {
    this.#begin.run()
    for (const {row, body} of stored)
      this.#insert.run(row.seq, row.session, row.atMs, row.entry.kind, answersOf(row.entry), body, row.hash)
    this.#commit.run()
  }

  #writeAgain(stored: readonly {readonly row: Stored; readonly body: string}[]): void {
    try {
      this.#write(stored)
    } catch (thrown) {
      throw this.#failing(thrown)
    }
  }

  /** @returns whether it could be */
  #rolledBack(): boolean {
    try {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK')
      return true
    } catch (thrown) {
      this.#failed = `rolling back: ${reasonOf(thrown)}`
      return false
    }
  }

  #adopt(row: Stored): void {
    this.#head = {seq: row.seq, hash: row.hash}
    if (isIntent(row)) this.#open.set(row.seq, row)
    const answers = answersOf(row.entry)
    if (answers !== null) this.#open.delete(answers)
    for (const listener of this.#listeners)
      queueMicrotask(() => {
        if (this.#listeners.has(listener)) listener(row)
      })
  }

  #failing(thrown: unknown): SystemFault {
    const why = reasonOf(thrown)
    // When that fails: the connection is not used for writing any more, and the next open settles what the file holds.
    this.#failed = this.#rolledBack() ? why : `${why}; ${this.#failed ?? ''}`
    return new SystemFault(`journal ${this.#path} failed: ${this.#failed}`, {cause: thrown})
  }
}
