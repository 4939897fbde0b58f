/** What statements show: transactions with filters, and every posting of one account with its running balance. */
import {OPERATION_TYPES} from '../ledger/operation.ts'
import {ledgerAccounts} from '../ledger/book.ts'
import {filtered} from './filter.ts'
import {firstRow} from './sql.ts'
import type {Sql, SqlRow} from './sql.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import type {Migration} from './dialect.ts'
import type {StatementLine, StatementRows} from './port.ts'

export const STATEMENT_TABLES: Migration = {
  name: 'statements',
  statements: ({strict, appendOnly}) => [
    `CREATE TABLE transfer_targets (
       transaction_id TEXT PRIMARY KEY REFERENCES transactions,
       target_account_id TEXT NOT NULL REFERENCES accounts
     ) ${strict}`,
    'CREATE INDEX transfer_targets_by_account ON transfer_targets (target_account_id)',
    'CREATE INDEX transactions_by_account ON transactions (account_id, transaction_date)',
    'CREATE INDEX transactions_by_date ON transactions (transaction_date)',
    ...appendOnly('transfer_targets'),
  ],
}

/**
 * Of one moment, what comes in is before what goes out, so that no balance on the way is one that never was:
 * many postings of a busy account share a millisecond.
 */
const ORDER = ['at_ms', '(0 - amount)', 'operation_key', 'kind', 'leg'] as const

export function statementRows(sql: Sql): StatementRows {
  return {
    async transactions({accountId, atmId, type, from, to}, slice) {
      const {where, values} = filtered(
        [
          ['(t.account_id = ? OR x.target_account_id = ?)', accountId],
          ['t.atm_id = ?', atmId],
          ['t.transaction_type = ?', type],
          ['t.transaction_date >= ?', from],
          ['t.transaction_date < ?', to],
        ],
        slice,
        ['t.transaction_date', 't.transaction_id'],
        'descending',
      )
      const {rows} = await sql.query(
        `SELECT t.*, x.target_account_id, c.currency FROM transactions t
         JOIN account_terms c USING (account_id)
         LEFT JOIN transfer_targets x ON x.transaction_id = t.transaction_id
         ${where} ORDER BY t.transaction_date DESC, t.transaction_id DESC LIMIT $${values.length + 1}`,
        [...values, slice.countMax],
      )
      return rows.map(lineOf)
    },
    async movements({accountId}, slice) {
      const ledgerAccount = ledgerAccounts.customer(accountId)
      const {where, values} = filtered([['ledger_account = ?', ledgerAccount]], slice, ORDER, 'descending')
      const {rows} = await sql.query(
        `SELECT operation_key, kind, leg, amount, at_ms FROM postings ${where}
         ORDER BY at_ms DESC, amount, operation_key DESC, kind DESC, leg DESC LIMIT $${values.length + 1}`,
        [...values, slice.countMax],
      )
      // Everything up to the newest of the page, and from there downwards.
      const until = await firstRow(
        sql,
        `SELECT CAST(COALESCE(sum(amount), 0) AS BIGINT) AS balance FROM postings ${where}`,
        values,
      )
      let balanceMinor: Minor = until?.minor('balance') ?? minorUnits(0)
      return rows.map(row => {
        const movement = {
          key: row.text('operation_key'),
          kind: row.text('kind'),
          leg: row.integer('leg'),
          amountMinor: row.minor('amount'),
          balanceMinor,
          atMs: row.moment('at_ms'),
        }
        balanceMinor = minorUnits(balanceMinor - movement.amountMinor)
        return movement
      })
    },
  }
}

function lineOf(row: SqlRow): StatementLine {
  return {
    transactionId: row.text('transaction_id'),
    accountId: row.text('account_id'),
    atmId: row.textOrNull('atm_id'),
    transactionType: row.word('transaction_type', OPERATION_TYPES),
    amountMinor: row.minor('amount'),
    transactionDate: row.text('transaction_date'),
    currency: row.currency('currency'),
    targetAccountId: row.textOrNull('target_account_id'),
  }
}
