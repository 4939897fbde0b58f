/** The bank's tables as the checker reads them: plain statements, plain values, no code of the bank's. */
import type {SqlRows} from './database.ts'
import {assert} from '../../kit/assert.ts'

export interface OperationRow {
  readonly key: string
  readonly type: string
  readonly atmId: string | null
  readonly state: string
  readonly accountId: string | null
  readonly targetAccountId: string | null
  readonly amount: number
  readonly fee: number
  readonly paid: number
  readonly paidAtMost: number
  readonly paidFee: number
  readonly transactionId: string | null
  readonly answer: string | null
  readonly evidence: string
  readonly createdAtMs: number
}

export interface PostingRow {
  readonly key: string
  readonly kind: string
  readonly account: string
  readonly currency: string
  readonly amount: number
}

export interface BankRows {
  readonly operations: ReadonlyMap<string, OperationRow>
  readonly postings: ReadonlyMap<string, readonly PostingRow[]>
  /** By id; a table's own key keeps them apart. */
  readonly transactions: ReadonlyMap<
    string,
    {readonly accountId: string; readonly type: string; readonly amount: number}
  >
  readonly balances: ReadonlyMap<string, number>
  readonly pinTries: ReadonlyMap<string, number>
  /** What was accepted into business dates: `key what` and the amount. */
  readonly accepted: ReadonlyMap<string, number>
  readonly limits: ReadonlyMap<string, number>
}

export async function readBank(rows: (statement: string) => Promise<SqlRows>): Promise<BankRows> {
  const operations = await rows('SELECT * FROM operations')
  const postings = await rows('SELECT * FROM postings ORDER BY operation_key, kind, leg')
  const transactions = await rows('SELECT * FROM transactions')
  const accounts = await rows('SELECT account_id, balance FROM accounts')
  const cards = await rows('SELECT card_id, pin_tries FROM cards')
  const accepted = await rows('SELECT operation_key, what, amount FROM accepted')
  const limits = await rows('SELECT limit_key, used FROM limit_uses')
  const byKey = new Map<string, PostingRow[]>()
  for (const row of postings) {
    const key = text(row, 'operation_key')
    const posting = {
      key,
      kind: text(row, 'kind'),
      account: text(row, 'ledger_account'),
      currency: text(row, 'currency'),
      amount: number(row, 'amount'),
    }
    byKey.set(key, [...(byKey.get(key) ?? []), posting])
  }
  return {
    operations: new Map(operations.map(row => [text(row, 'operation_key'), operationOf(row)])),
    postings: byKey,
    transactions: new Map(
      transactions.map(row => [
        text(row, 'transaction_id'),
        {
          accountId: text(row, 'account_id'),
          type: text(row, 'transaction_type'),
          amount: number(row, 'amount'),
        },
      ]),
    ),
    balances: new Map(accounts.map(row => [text(row, 'account_id'), number(row, 'balance')])),
    pinTries: new Map(cards.map(row => [text(row, 'card_id'), number(row, 'pin_tries')])),
    accepted: new Map(
      accepted.map(row => [`${text(row, 'operation_key')} ${text(row, 'what')}`, number(row, 'amount')]),
    ),
    limits: new Map(limits.map(row => [text(row, 'limit_key'), number(row, 'used')])),
  }
}

function operationOf(row: Row): OperationRow {
  return {
    key: text(row, 'operation_key'),
    type: text(row, 'operation_type'),
    atmId: textOrNull(row, 'atm_id'),
    state: text(row, 'state'),
    accountId: textOrNull(row, 'account_id'),
    targetAccountId: textOrNull(row, 'target_account_id'),
    amount: number(row, 'amount'),
    fee: number(row, 'fee'),
    paid: number(row, 'paid'),
    paidAtMost: number(row, 'paid_at_most'),
    paidFee: number(row, 'paid_fee'),
    transactionId: textOrNull(row, 'transaction_id'),
    answer: textOrNull(row, 'answer'),
    evidence: text(row, 'evidence'),
    createdAtMs: number(row, 'created_at_ms'),
  }
}

type Row = SqlRows[number]

function text(row: Row, column: string): string {
  const value = row[column]
  assert(typeof value === 'string', `column ${column} holds no text`)
  return value
}

function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column)
}

/** PostgreSQL's driver gives 64-bit integers as text. */
function number(row: Row, column: string): number {
  const value = Number(row[column])
  assert(Number.isSafeInteger(value), `column ${column} holds no whole number`)
  return value
}

/** One statement, so that all of it is of one moment. Engines give `sum` of integers their own types. */
export const MOMENT = `SELECT
  (SELECT COALESCE(sum(amount), 0) FROM postings) AS everything,
  (SELECT COALESCE(sum(amount), 0) FROM postings WHERE ledger_account NOT LIKE 'customer:%') AS others,
  (SELECT COALESCE(sum(balance), 0) FROM accounts) AS balances,
  (SELECT COALESCE(min(balance), 0) FROM accounts) AS least,
  (SELECT COALESCE(sum(amount), 0) FROM postings WHERE ledger_account LIKE 'held:%') AS held,
  (SELECT COALESCE(sum(amount + fee), 0) FROM operations
   WHERE state IN ('held', 'suspect') AND account_id IS NOT NULL) AS open_holds`

/** What is wrong with the totals of one moment, or null. */
export function wrongMoment(rows: SqlRows): string | null {
  const [row] = rows
  assert(row !== undefined, 'a moment has one row')
  const everything = number(row, 'everything')
  const others = number(row, 'others')
  const balances = number(row, 'balances')
  const held = number(row, 'held')
  const openHolds = number(row, 'open_holds')
  if (everything !== 0) return `all postings add up to ${everything}`
  if (balances + others !== 0) return `customers have ${balances}, and everybody else ${others}`
  if (held !== openHolds) return `${held} is held, and the open operations hold ${openHolds}`
  const least = number(row, 'least')
  return least < 0 ? `a balance is ${least}` : null
}
