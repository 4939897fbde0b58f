/**
 * Reading what the judged programs wrote, by a way of its own: SQL on copies and second connections, JSON taken apart
 * here, the journal's chain computed again from its description. Nothing below imports what it judges.
 */
import Database from 'better-sqlite3'
import {createHash} from 'node:crypto'

/** An object of JSON, nothing known of it. */
export type Raw = Readonly<Record<string, unknown>>

export function rawOf(value: unknown): Raw {
  return isRaw(value) ? value : {}
}

function isRaw(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function textIn(raw: Raw, field: string): string {
  const value = raw[field]
  return typeof value === 'string' ? value : ''
}

/** The number, or NaN, which equals nothing. */
export function numberIn(raw: Raw, field: string): number {
  const value = raw[field]
  return typeof value === 'number' ? value : Number.NaN
}

export function listIn(raw: Raw, field: string): readonly Raw[] {
  const value = raw[field]
  return Array.isArray(value) ? value.map(rawOf) : []
}

/** A row of the journal, as a witness of its writing or a reader of its file has it. */
export interface JournalRow {
  readonly seq: number
  readonly session: string | null
  readonly atMs: number
  readonly kind: string
  readonly answers: number | null
  readonly body: Raw
}

/** What identifies a row's content, whoever wrote its JSON. */
export function fingerprint({seq, session, atMs, kind, answers, body}: JournalRow): string {
  return JSON.stringify([seq, session, atMs, kind, answers, sorted(body)])
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isRaw(value)) return value
  return Object.keys(value)
    .toSorted()
    .map(key => [key, sorted(value[key])])
}

export interface JournalFile {
  readonly rows: readonly JournalRow[]
  /** What is wrong with the chain, or null. */
  readonly fault: string | null
}

/** Reads a copy of a journal's file, and checks its chain. @param path of the copy, which is changed by being opened */
export function readJournalFile(path: string): JournalFile {
  const database = new Database(path)
  try {
    const found = database
      .prepare<[], Record<string, unknown>>(
        'SELECT seq, session, at_ms, kind, answers, body, hash FROM journal ORDER BY seq',
      )
      .all()
    let previous = '0'.repeat(64)
    let fault: string | null = null
    const rows = found.map((row, index): JournalRow => {
      const seq = numberIn(row, 'seq')
      const atMs = numberIn(row, 'at_ms')
      const kind = textIn(row, 'kind')
      const session = typeof row['session'] === 'string' ? row['session'] : null
      const answers = typeof row['answers'] === 'number' ? row['answers'] : null
      const body = textIn(row, 'body')
      const text = `{"answers":${answers ?? 'null'},"atMs":${atMs},"body":${body},"kind":"${kind}","seq":${seq},"session":${session === null ? 'null' : `"${session}"`}}`
      const hash = createHash('sha256').update(`${previous}\n${text}`).digest('hex')
      if (seq !== index + 1) fault ??= `row ${seq} stands where ${index + 1} should`
      if (hash !== textIn(row, 'hash')) fault ??= `row ${seq} breaks the chain`
      previous = hash
      return {seq, session, atMs, kind, answers, body: rawOf(JSON.parse(body))}
    })
    return {rows, fault}
  } finally {
    database.close()
  }
}

/** One leg of the bank's book. */
export interface PostingRow {
  readonly key: string
  readonly kind: string
  readonly account: string
  readonly amountMinor: number
}

/** One operation as the bank has it. */
export interface OperationRow {
  readonly key: string
  readonly state: string
  readonly amountMinor: number
  readonly feeMinor: number
  readonly paidMinor: number
  readonly atMostMinor: number
  readonly paidFeeMinor: number
}

/** A second pair of eyes on the bank's database, with a connection of its own. */
export class BankFile {
  readonly #database: Database.Database
  readonly #newPostings: Database.Statement<[number], Record<string, unknown>>
  readonly #operation: Database.Statement<[string], Record<string, unknown>>
  readonly #operations: Database.Statement<[], Record<string, unknown>>
  #seen = 0

  constructor(path: string) {
    this.#database = new Database(path, {readonly: true})
    this.#newPostings = this.#database.prepare(
      'SELECT rowid AS at, operation_key, kind, ledger_account, amount FROM postings WHERE rowid > ? ORDER BY rowid',
    )
    const columns = 'operation_key, state, amount, fee, paid, paid_at_most, paid_fee'
    this.#operation = this.#database.prepare(`SELECT ${columns} FROM operations WHERE operation_key = ?`)
    this.#operations = this.#database.prepare(`SELECT ${columns} FROM operations ORDER BY operation_key`)
  }

  /** Postings since the last time. */
  newPostings(): readonly PostingRow[] {
    return this.#newPostings.all(this.#seen).map(row => {
      this.#seen = numberIn(row, 'at')
      return {
        key: textIn(row, 'operation_key'),
        kind: textIn(row, 'kind'),
        account: textIn(row, 'ledger_account'),
        amountMinor: numberIn(row, 'amount'),
      }
    })
  }

  operation(key: string): OperationRow | null {
    const row = this.#operation.get(key)
    return row === undefined ? null : operationRow(row)
  }

  operations(): readonly OperationRow[] {
    return this.#operations.all().map(operationRow)
  }

  close(): void {
    this.#database.close()
  }
}

function operationRow(row: Raw): OperationRow {
  return {
    key: textIn(row, 'operation_key'),
    state: textIn(row, 'state'),
    amountMinor: numberIn(row, 'amount'),
    feeMinor: numberIn(row, 'fee'),
    paidMinor: numberIn(row, 'paid'),
    atMostMinor: numberIn(row, 'paid_at_most'),
    paidFeeMinor: numberIn(row, 'paid_fee'),
  }
}
