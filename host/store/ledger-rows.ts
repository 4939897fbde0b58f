/**
 * Postings, and the lines that statements show. An entry is the postings of one kind under one key; its primary
 * key is why a key can post each kind at most once, whatever repeats it. Only customers have a balance row; what
 * everybody touches (a fee, a machine's cash) is the sum of its postings and nobody waits for it.
 */
import {customerChanges} from '../ledger/book.ts'
import type {Sql} from './sql.ts'
import {present} from '../../kit/assert.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import type {Migration} from './dialect.ts'
import type {LedgerRows} from './port.ts'

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
  // The guard and the change are one statement, so that no decision rests on a balance read earlier.
  const move = async (accountId: string, by: number): Promise<Minor | null> => {
    const {rows} = await sql.query(
      'UPDATE accounts SET balance = balance + $2 WHERE account_id = $1 AND balance + $2 >= 0 RETURNING balance',
      [accountId, by],
    )
    return rows[0]?.minor('balance') ?? null
  }
  return {
    async post(key, {kind, currency, postings}, atMs) {
      const balances = new Map<string, Minor>()
      const changes = customerChanges(postings)
      for (const [accountId, by] of changes) {
        const balance = await move(accountId, by)
        if (balance === null) {
          // What was moved before the refusal goes back; nobody has seen it.
          for (const moved of balances.keys()) await move(moved, 0 - present(changes.get(moved), 'a change'))
          return {kind: 'insufficient'}
        }
        balances.set(accountId, balance)
      }
      for (const [leg, {ledgerAccount, amountMinor}] of postings.entries())
        await sql.query(
          `INSERT INTO postings (operation_key, kind, leg, ledger_account, currency, amount, at_ms)
           VALUES ($1, $2, $3, $4, $5, $6, $7)`,
          [key, kind, leg, ledgerAccount, currency, amountMinor, atMs],
        )
      return {kind: 'posted', balances}
    },
    async addTransaction(transaction, targetAccountId) {
      await sql.query(
        `INSERT INTO transactions (transaction_id, account_id, atm_id, transaction_type, amount, transaction_date)
         VALUES ($1, $2, $3, $4, $5, $6)`,
        [
          transaction.transactionId,
          transaction.accountId,
          transaction.atmId,
          transaction.transactionType,
          transaction.amountMinor,
          transaction.transactionDate,
        ],
      )
      if (targetAccountId !== undefined)
        await sql.query('INSERT INTO transfer_targets (transaction_id, target_account_id) VALUES ($1, $2)', [
          transaction.transactionId,
          targetAccountId,
        ])
    },
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
