/**
 * Whether rows are as they were written: each one's number, hash, shape and answer, over a range of the journal or
 * over several that follow each other, so that more than one thread can look. Pure but for the reading.
 */
import type Database from 'better-sqlite3'
import {AssertionFailed, assert} from '../kit/assert.ts'
import {codeOf, reasonOf} from '../kit/errors.ts'
import {GENESIS, chainHash} from './chain.ts'
import {contentOf, placeOf, seqOf} from './entry.ts'
import type {Seq} from './entry.ts'
import type {TableRow} from './schema.ts'

/**
 * `at`: the first row that is not as it was written; with rows missing, where they should be; the number after the last row
 * when all rows are whole and only the file around them (an index, a page) is damaged. `rows`: how many were checked.
 */
export type Verdict =
  | {readonly kind: 'whole'; readonly rows: number}
  | {readonly kind: 'broken'; readonly at: Seq; readonly why: string}

/** A row's number and hash; 0 and GENESIS before the first. */
export interface Head {
  readonly seq: number
  readonly hash: string
}

export const COLUMNS = 'seq, session, at_ms, kind, answers, body, hash'

/** The rows after `after.seq` up to `through`, which follow from `after`. */
export interface Range {
  readonly after: Head
  /** Null: to the end. */
  readonly through: number | null
}

/** What one range says. It can be posted from one thread to another. */
export interface RangeVerdict {
  readonly range: Range
  /** A break within; answers to rows before the range are left to `joined`. */
  readonly verdict: Verdict
  readonly last: Head
  /** Intents that nothing in the range answers. */
  readonly open: readonly number[]
  /** Answers to intents before the range. */
  readonly outward: readonly {readonly seq: number; readonly answers: number}[]
}

/** Walks one range. A fault of the file is a break; anything else that is thrown is ours. */
export function checkRange(database: Database.Database, range: Range): RangeVerdict {
  let {seq, hash} = range.after
  // Row 1 is the first: what is numbered below it was put there.
  const from = seq === 0 ? -Number.MAX_SAFE_INTEGER : seq
  const open = new Set<number>()
  const outward: {readonly seq: number; readonly answers: number}[] = []
  const ended = (verdict: Verdict): RangeVerdict => ({
    range,
    verdict,
    last: {seq, hash},
    open: [...open],
    outward,
  })
  const broken = (why: string): RangeVerdict => ended({kind: 'broken', at: seqOf(seq + 1), why})
  const known = new Contents()
  try {
    for (const row of rowsIn(database, from, range.through ?? Number.MAX_SAFE_INTEGER)) {
      const why = faultOf(row, {seq, hash}, known)
      if (why !== null) return broken(why)
      if (row.kind === 'intent') open.add(row.seq)
      if (row.answers !== null && !open.delete(row.answers)) {
        if (row.answers > range.after.seq) return broken(STRAY)
        outward.push({seq: row.seq, answers: row.answers})
      }
      seq = row.seq
      hash = row.hash
    }
  } catch (thrown) {
    if (codeOf(thrown) === null) throw thrown
    return broken(`the file is damaged: ${reasonOf(thrown)}`)
  }
  return ended({kind: 'whole', rows: seq - range.after.seq})
}

/** One verdict over ranges that follow each other from the first row held to the end. */
export function joined(parts: readonly RangeVerdict[]): Verdict {
  const open = new Set<number>()
  let rows = 0
  let before: Head | null = null
  for (const {range, verdict, last, open: opened, outward} of parts) {
    assert(
      before === null || (before.seq === range.after.seq && before.hash === range.after.hash),
      'the ranges do not follow each other',
    )
    const stray = outward.find(({answers}) => !open.delete(answers))
    if (stray !== undefined) return {kind: 'broken', at: seqOf(stray.seq), why: STRAY}
    if (verdict.kind === 'broken') return verdict
    for (const seq of opened) open.add(seq)
    rows += verdict.rows
    before = last
  }
  return {kind: 'whole', rows}
}

/**
 * What the oldest row follows from: GENESIS before row 1; where older rows are kept no more, the anchor that speaks for
 * the last of them, which machine and bank have signed. Null when rows are missing for which nothing speaks.
 */
function baseOf(database: Database.Database): Head | null {
  const first = database.prepare<[], number | null>('SELECT min(seq) FROM journal').pluck().get() ?? 1
  if (first <= 1) return {seq: 0, hash: GENESIS}
  const anchor = database
    .prepare<[number], Head>(
      `SELECT json_extract(body, '$.row') AS seq, json_extract(body, '$.hash') AS hash FROM journal
       WHERE ${IS_ANCHOR} AND json_extract(body, '$.row') = ? ORDER BY seq LIMIT 1`,
    )
    .get(first - 1)
  return anchor ?? null
}

/** Of a row of the table: the canonical text of an anchor begins so, and no other does. */
export const IS_ANCHOR = `kind = 'event' AND body LIKE '{"bankKey":%"type":"journal.anchored"}'`

/**
 * The whole journal in ranges, about equally long.
 * @param partsMax at least 1
 */
export function ranges(database: Database.Database, partsMax: number): readonly Range[] {
  try {
    return cutInto(database, partsMax)
  } catch (thrown) {
    if (codeOf(thrown) === null) throw thrown
    // Too damaged to be cut: walked in one, it shows where.
    return [{after: {seq: 0, hash: GENESIS}, through: null}]
  }
}

function cutInto(database: Database.Database, partsMax: number): readonly Range[] {
  const base = baseOf(database) ?? {seq: 0, hash: GENESIS}
  const afters: Head[] = [base]
  const last =
    partsMax === 1 ? null : database.prepare<[], number | null>('SELECT max(seq) FROM journal').pluck().get()
  const rowAt = database.prepare<[number], Head>('SELECT seq, hash FROM journal WHERE seq = ?')
  for (let part = 1; part < partsMax; part++) {
    const head = rowAt.get(base.seq + Math.floor((((last ?? 0) - base.seq) * part) / partsMax))
    // Where a row is missing, the range before goes on, and finds that it is.
    if (head !== undefined && head.seq > (afters.at(-1)?.seq ?? 0)) afters.push(head)
  }
  return afters.map((after, part) => ({after, through: afters[part + 1]?.seq ?? null}))
}

/** Rows of one read: a call for each row would cost as much as its hash. */
const ROWS_PER_READ = 1_000

function* rowsIn(database: Database.Database, after: number, through: number): Generator<TableRow, void> {
  const read = database.prepare<[number, number, number], TableRow>(
    `SELECT ${COLUMNS} FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
  )
  for (let from = after; ;) {
    const rows = read.all(from, through, ROWS_PER_READ)
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < ROWS_PER_READ) return
    from = last.seq
  }
}

/** Contents found well shaped before: more than half of a journal's rows say what another has said, word for word. */
class Contents {
  readonly #known = new Set<string>()

  /** @throws AssertionFailed unless the row's content is one that this program can have written */
  check(row: TableRow): void {
    const text = `${row.kind} ${row.answers === null ? '' : 'answers '}${row.body}`
    if (this.#known.has(text)) return
    contentOf(row)
    if (text.length <= CONTENT_CHARS_MAX && this.#known.size < CONTENTS_MAX) this.#known.add(text)
  }
}

/** So that what is remembered stays below a few megabytes, whatever the journal. */
const CONTENT_CHARS_MAX = 400
const CONTENTS_MAX = 10_000

/** Why the row does not follow from the one before, or null. */
function faultOf(row: TableRow, before: Head, known: Contents): string | null {
  if (row.seq !== before.seq + 1)
    return row.seq > before.seq + 1 ? 'a row is missing' : 'a row is not numbered from 1'
  const {seq, session, at_ms: atMs, kind, answers, body} = row
  if (chainHash(before.hash, {seq, session, atMs, kind, answers, body}) !== row.hash)
    return 'its hash does not fit it and the row before'
  try {
    placeOf(row)
    known.check(row)
    return null
  } catch (thrown) {
    if (thrown instanceof AssertionFailed) return thrown.message
    throw thrown
  }
}

const STRAY = 'it answers no earlier intent that was still open'
