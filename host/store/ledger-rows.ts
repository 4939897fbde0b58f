/**
 * Postings, and the lines that statements show. An entry is the postings of one kind under one key; its primary
 * key is why a key can post each kind at most once, whatever repeats it. Only customers have a balance row; what
 * everybody touches (a fee, a machine's cash) is the sum of its postings and nobody waits for it.
 */
import {balancesAfter, customerChanges} from '../ledger/book.ts'
import {lockAccounts, moveBalances} from './account-rows.ts'
import {insertRows} from './sql.ts'
import type {Columns, Sql} from './sql.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Migration} from './dialect.ts'
import type {BankTransaction, LedgerRows, StoredPosting} from './port.ts'

export const LEDGER_TABLES: Migration = {
  name: 'ledger',
  statements: ({integer, strict, appendOnly}) => [
    `CREATE TABLE transactions (
       transaction_id TEXT PRIMARY KEY,
       account_id TEXT NOT NULL REFERENCES accounts,
       atm_id TEXT REFERENCES atms,
       transaction_type TEXT NOT NULL CHECK (transaction_type IN ('withdrawal', 'deposit', 'transfer')),
       amount ${integer} NOT NULL CHECK (amount > 0),
       transaction_date TEXT NOT NULL
     ) ${strict}`,
    `CREATE TABLE postings (
       operation_key TEXT NOT NULL,
       kind TEXT NOT NULL,
       leg ${integer} NOT NULL,
       ledger_account TEXT NOT NULL,
       currency TEXT NOT NULL,
       amount ${integer} NOT NULL CHECK (amount <> 0),
       at_ms ${integer} NOT NULL,
       PRIMARY KEY (operation_key, kind, leg)
     ) ${strict}`,
    'CREATE INDEX postings_by_account ON postings (ledger_account, at_ms)',
    ...appendOnly('postings'),
  ],
}

export function ledgerRows(sql: Sql): LedgerRows {
  return {
    async post(key, {kind, currency, postings}, atMs) {
      const changes = customerChanges(postings)
      const accounts = await lockAccounts(sql, [...changes.keys()])
      const before = new Map(accounts.map(({accountId, balanceMinor}) => [accountId, balanceMinor]))
      const balances = balancesAfter(postings, before)
      if (balances === null) return {kind: 'insufficient'}
      await moveBalances(sql, changes)
      await insertPostings(
        sql,
        postings.map((posting, leg) => ({...posting, key, kind, leg, currency, atMs})),
      )
      return {kind: 'posted', balances}
    },
    addTransaction: (transaction, targetAccountId) =>
      insertTransactions(sql, [{...transaction, targetAccountId: targetAccountId ?? null}]),
    async balance(ledgerAccount, currency) {
      const {rows} = await sql.query(
        `SELECT CAST(COALESCE(sum(amount), 0) AS BIGINT) AS balance FROM postings
         WHERE ledger_account = $1 AND currency = $2`,
        [ledgerAccount, currency],
      )
      return rows[0]?.minor('balance') ?? minorUnits(0)
    },
    async postings() {
      const {rows} = await sql.query('SELECT * FROM postings ORDER BY at_ms, operation_key, kind, leg')
      return rows.map(row => ({
        key: row.text('operation_key'),
        kind: row.text('kind'),
        currency: row.currency('currency'),
        ledgerAccount: row.text('ledger_account'),
        amountMinor: row.minor('amount'),
        atMs: row.moment('at_ms'),
      }))
    },
    async transactions() {
      const {rows} = await sql.query('SELECT * FROM transactions ORDER BY transaction_date, transaction_id')
      return rows.map(row => ({
        transactionId: row.text('transaction_id'),
        accountId: row.text('account_id'),
        atmId: row.textOrNull('atm_id'),
        transactionType: row.word('transaction_type', ['withdrawal', 'deposit', 'transfer']),
        amountMinor: row.minor('amount'),
        transactionDate: row.text('transaction_date'),
      }))
    },
  }
}

/** One leg as it is to be written. */
export interface NewPosting extends StoredPosting {
  readonly leg: number
}

const POSTING_COLUMNS: Columns = {
  operation_key: 'text',
  kind: 'text',
  leg: 'integer',
  ledger_account: 'text',
  currency: 'text',
  amount: 'integer',
  at_ms: 'integer',
}

export function insertPostings(sql: Sql, postings: readonly NewPosting[]): Promise<void> {
  const rows = postings.map(({key, kind, leg, ledgerAccount, currency, amountMinor, atMs}) => [
    key,
    kind,
    leg,
    ledgerAccount,
    currency,
    amountMinor,
    atMs,
  ])
  return insertRows(sql, 'postings', POSTING_COLUMNS, rows)
}

export interface NewTransaction extends BankTransaction {
  /** Null unless it is a transfer. */
  readonly targetAccountId: string | null
}

const TRANSACTION_COLUMNS: Columns = {
  transaction_id: 'text',
  account_id: 'text',
  atm_id: 'text',
  transaction_type: 'text',
  amount: 'integer',
  transaction_date: 'text',
}

export async function insertTransactions(sql: Sql, transactions: readonly NewTransaction[]): Promise<void> {
  const rows = transactions.map(transaction => [
    transaction.transactionId,
    transaction.accountId,
    transaction.atmId,
    transaction.transactionType,
    transaction.amountMinor,
    transaction.transactionDate,
  ])
  await insertRows(sql, 'transactions', TRANSACTION_COLUMNS, rows)
  const targets = transactions.flatMap(({transactionId, targetAccountId}) =>
    targetAccountId === null ? [] : [[transactionId, targetAccountId]],
  )
  const columns: Columns = {transaction_id: 'text', target_account_id: 'text'}
  await insertRows(sql, 'transfer_targets', columns, targets)
}
