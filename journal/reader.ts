/** Reads a journal back: rows, one visit, and the proof that nothing was changed. Never writes. */
import type Database from 'better-sqlite3'
import {assert} from '../kit/assert.ts'
import {SystemFault, reasonOf} from '../kit/errors.ts'
import {GENESIS} from './chain.ts'
import {entryOf, seqOf} from './entry.ts'
import type {Intent, SessionId, Stored} from './entry.ts'
import {COLUMNS, IS_ANCHOR, checkRange, joined, ranges} from './range.ts'
import type {Head, Verdict} from './range.ts'
import {openForReading} from './schema.ts'
import type {TableRow} from './schema.ts'

/** Rows of one read by `everyRow`. */
const ROWS_PER_READ = 1_000

/** Every row, oldest first. Reads in pieces, so memory does not grow with the journal. @throws SystemFault when a row cannot be read */
export function* everyRow(journal: {
  rows(fromSeq: number, countMax: number): readonly Stored[]
}): Generator<Stored, void> {
  for (let from = 1; ;) {
    const rows = journal.rows(from, ROWS_PER_READ)
    yield* rows
    const last = rows.at(-1)
    if (last === undefined) return
    from = last.seq + 1
  }
}

/** Most rows of one `rows` call; a visit has about thirty. */
export const ROWS_READ_MAX = 10_000

export class JournalReader {
  readonly #path: string
  readonly #database: Database.Database
  readonly #rows: Database.Statement<[number, number], TableRow>
  readonly #session: Database.Statement<[string], TableRow>
  readonly #open: Database.Statement<[], TableRow>

  /** @param database open, its schema checked; this reader shares it and does not own it */
  constructor(path: string, database: Database.Database) {
    this.#path = path
    this.#database = database
    this.#rows = database.prepare(`SELECT ${COLUMNS} FROM journal WHERE seq >= ? ORDER BY seq LIMIT ?`)
    this.#session = database.prepare(`SELECT ${COLUMNS} FROM journal WHERE session = ? ORDER BY seq`)
    this.#open = database.prepare(
      `SELECT ${COLUMNS} FROM journal AS intent INDEXED BY journal_sessions WHERE kind = 'intent'
       AND NOT EXISTS (SELECT 1 FROM journal AS event WHERE event.answers = intent.seq) ORDER BY seq`,
    )
  }

  /**
   * A closed journal's file, for audits; close it by `close`.
   * @throws SystemFault when it cannot be opened, or a running machine has it open
   */
  static open(path: string): JournalReader {
    return new JournalReader(path, openForReading(path))
  }

  /** Of the file that is read. */
  get path(): string {
    return this.#path
  }

  /** Rows from that number on, oldest first, at most `countMax` (1 to ROWS_READ_MAX). @throws SystemFault when a row cannot be read */
  rows(fromSeq: number, countMax: number): readonly Stored[] {
    assert(
      countMax >= 1 && countMax <= ROWS_READ_MAX,
      `${countMax} rows at once are not 1 to ${ROWS_READ_MAX}`,
    )
    return this.#read(() => this.#rows.all(fromSeq, countMax))
  }

  /** The rows of one visit, oldest first; empty when there was no such visit. @throws SystemFault when a row cannot be read */
  session(id: SessionId): readonly Stored[] {
    return this.#read(() => this.#session.all(id))
  }

  /** Intents that no event answers, oldest first. @throws SystemFault when a row cannot be read */
  openIntents(): readonly Intent[] {
    return this.#read(() => this.#open.all()).filter(isIntent)
  }

  head(): Head {
    return this.#asking(() => {
      const last = this.#database
        .prepare<[], Head>('SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1')
        .get()
      return last ?? {seq: 0, hash: GENESIS}
    })
  }

  /** The hash that machine and bank have signed for that row, by the first anchor that speaks of it; null when none does. */
  anchoredHash(row: number): string | null {
    return this.#asking(
      () =>
        this.#database
          .prepare<[number, number], string>(
            `SELECT json_extract(body, '$.hash') FROM journal
             WHERE seq > ? AND ${IS_ANCHOR} AND json_extract(body, '$.row') = ? ORDER BY seq LIMIT 1`,
          )
          .pluck()
          .get(row, row) ?? null,
    )
  }

  /** Every anchor, oldest first. @throws SystemFault when a row cannot be read */
  anchors(): readonly Stored[] {
    return this.#read(() =>
      this.#database
        .prepare<[], TableRow>(`SELECT ${COLUMNS} FROM journal WHERE ${IS_ANCHOR} ORDER BY seq`)
        .all(),
    )
  }

  /** A row behind that one which answers one up to it; null when there is none. */
  answerAcross(row: number): number | null {
    return this.#asking(
      () =>
        this.#database
          .prepare<[number, number], number>(
            'SELECT seq FROM journal INDEXED BY journal_answers WHERE answers <= ? AND seq > ? LIMIT 1',
          )
          .pluck()
          .get(row, row) ?? null,
    )
  }

  /** Checks every row's number, hash and shape, every answer, and the file itself. Reads the whole journal. */
  verify(): Verdict {
    return this.verdictWith(
      joined(ranges(this.#database, 1).map(range => checkRange(this.#database, range))),
      this.damage(),
    )
  }

  /**
   * The verdict on the whole: on a whole chain only, what else can be wrong with a journal.
   * @param damage as `damage` found it
   */
  verdictWith(chain: Verdict, damage: string | null): Verdict {
    if (chain.kind === 'broken') return chain
    if (damage !== null) return {kind: 'broken', at: seqOf(this.head().seq + 1), why: damage}
    const liar = this.#database
      .prepare<[], number>(
        `SELECT anchor.seq FROM
           (SELECT seq, json_extract(body, '$.row') AS row, json_extract(body, '$.hash') AS hash
            FROM journal WHERE ${IS_ANCHOR}) AS anchor
         LEFT JOIN journal ON journal.seq = anchor.row
         WHERE anchor.row >= anchor.seq OR journal.hash <> anchor.hash ORDER BY anchor.seq LIMIT 1`,
      )
      .pluck()
      .get()
    return liar === undefined
      ? chain
      : {kind: 'broken', at: seqOf(liar), why: 'it anchors another row than is here'}
  }

  /**
   * Checks the last `rowsMax` rows only, and that every answer of the whole journal names an earlier intent.
   */
  verifyTail(rowsMax: number): Verdict {
    const {seq} = this.head()
    const before = Math.max(0, seq - rowsMax)
    const after = before === 0 ? {seq: 0, hash: GENESIS} : this.#rows.get(before, 1)
    if (after?.seq !== before) return {kind: 'broken', at: seqOf(before), why: 'a row is missing'}
    const {verdict: chain} = checkRange(this.#database, {
      after: {seq: before, hash: after.hash},
      through: null,
    })
    if (chain.kind === 'broken') return chain
    const stray = this.#database
      .prepare<[], number>(
        `SELECT event.seq FROM journal AS event INDEXED BY journal_answers
         LEFT JOIN journal AS intent ON intent.seq = event.answers
         WHERE event.answers IS NOT NULL
         AND (intent.seq IS NULL OR intent.kind <> 'intent' OR intent.seq >= event.seq) LIMIT 1`,
      )
      .pluck()
      .get()
    if (stray === undefined) return chain
    return {kind: 'broken', at: seqOf(stray), why: 'it answers no earlier intent'}
  }

  close(): void {
    this.#database.close()
  }

  /** What SQLite says against its own pages and indexes, or null. */
  damage(): string | null {
    try {
      const said = this.#database.pragma('integrity_check(1)', {simple: true})
      return said === 'ok' ? null : `the file is damaged: ${String(said)}`
    } catch (thrown) {
      return `the file is damaged: ${reasonOf(thrown)}`
    }
  }

  #read(ask: () => readonly TableRow[]): readonly Stored[] {
    return this.#asking(ask).map(row => {
      try {
        return entryOf(row)
      } catch (thrown) {
        throw new SystemFault(`journal ${this.#path}, row ${row.seq}: ${reasonOf(thrown)}`, {cause: thrown})
      }
    })
  }

  #asking<T>(ask: () => T): T {
    try {
      return ask()
    } catch (thrown) {
      throw new SystemFault(`journal ${this.#path} cannot be read: ${reasonOf(thrown)}`, {cause: thrown})
    }
  }
}

/** Whether the row is an intent. */
export function isIntent(row: Stored): row is Intent {
  return row.entry.kind === 'intent'
}
