/** Operations: one row a key, for ever. The row is the idempotency record, written with the postings it speaks of. */
import {OPERATION_STATES, OPERATION_TYPES} from '../ledger/operation.ts'
import type {Operation} from '../ledger/operation.ts'
import {filtered} from './filter.ts'
import {firstRow} from './sql.ts'
import type {Sql, SqlRow, SqlValue} from './sql.ts'
import {assert} from '../../kit/assert.ts'
import type {Migration} from './dialect.ts'
import type {OperationRows} from './port.ts'

export const OPERATION_TABLES: Migration = {
  name: 'operations',
  statements: ({integer, strict, neverDeleted}) => [
    `CREATE TABLE operations (
       operation_key TEXT PRIMARY KEY,
       operation_type TEXT NOT NULL CHECK (operation_type IN ('withdrawal', 'deposit', 'transfer')),
       atm_id TEXT REFERENCES atms,
       business_date TEXT,
       state TEXT NOT NULL CHECK (state IN
         ('held', 'completed', 'reversed', 'suspect', 'declined', 'tombstone', 'forced', 'posted')),
       fingerprint TEXT,
       account_id TEXT REFERENCES accounts,
       target_account_id TEXT REFERENCES accounts,
       currency TEXT,
       amount ${integer} NOT NULL CHECK (amount >= 0),
       fee ${integer} NOT NULL CHECK (fee >= 0),
       paid ${integer} NOT NULL CHECK (paid >= 0),
       paid_at_most ${integer} NOT NULL CHECK (paid_at_most >= paid),
       paid_fee ${integer} NOT NULL CHECK (paid_fee >= 0),
       transaction_id TEXT UNIQUE,
       answer TEXT,
       evidence TEXT NOT NULL,
       was_suspect ${integer} NOT NULL CHECK (was_suspect IN (0, 1)),
       created_at_ms ${integer} NOT NULL,
       changed_at_ms ${integer} NOT NULL
     ) ${strict}`,
    "CREATE INDEX operations_open ON operations (state) WHERE state IN ('held', 'suspect')",
    'CREATE INDEX operations_by_date ON operations (atm_id, business_date)',
    'CREATE INDEX operations_by_change ON operations (changed_at_ms DESC)',
    ...neverDeleted('operations'),
  ],
}

export function operationRows(sql: Sql): OperationRows {
  const list = async (rest: string, values: readonly SqlValue[] = []) => {
    const {rows} = await sql.query(`SELECT * FROM operations ${rest}`, values)
    return rows.map(operationOf)
  }
  return {
    async find(key) {
      const row = await firstRow(sql, 'SELECT * FROM operations WHERE operation_key = $1', [key])
      return row === null ? null : operationOf(row)
    },
    async insert(operation) {
      await sql.query(
        `INSERT INTO operations (operation_key, operation_type, atm_id, business_date, state, fingerprint, account_id,
           target_account_id, currency, amount, fee, paid, paid_at_most, paid_fee, transaction_id, answer, evidence,
           was_suspect, created_at_ms, changed_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
        [
          operation.key,
          operation.type,
          operation.atmId,
          businessDateOf(operation.key),
          operation.state,
          operation.fingerprint,
          operation.accountId,
          operation.targetAccountId,
          operation.currency,
          operation.amountMinor,
          operation.feeMinor,
          operation.paidMinor,
          operation.paidAtMostMinor,
          operation.paidFeeMinor,
          operation.transactionId,
          operation.answer,
          operation.evidence,
          operation.wasSuspect ? 1 : 0,
          operation.createdAtMs,
          operation.changedAtMs,
        ],
      )
    },
    async settle(operation) {
      const {changedCount} = await sql.query(
        `UPDATE operations SET state = $2, paid = $3, paid_at_most = $4, paid_fee = $5, evidence = $6,
           changed_at_ms = $7, was_suspect = $8 WHERE operation_key = $1`,
        [
          operation.key,
          operation.state,
          operation.paidMinor,
          operation.paidAtMostMinor,
          operation.paidFeeMinor,
          operation.evidence,
          operation.changedAtMs,
          operation.wasSuspect ? 1 : 0,
        ],
      )
      assert(changedCount === 1, `operation ${operation.key} is not there to be settled`)
    },
    recent: countMax => list('ORDER BY changed_at_ms DESC, operation_key DESC LIMIT $1', [countMax]),
    open: () => list("WHERE state IN ('held', 'suspect') ORDER BY created_at_ms, operation_key"),
    all: () => list('ORDER BY created_at_ms, operation_key'),
    page({state, atmId, accountId}, slice) {
      const {where, values} = filtered(
        [
          ['state = ?', state],
          ['atm_id = ?', atmId],
          ['account_id = ?', accountId],
        ],
        slice,
        ['changed_at_ms', 'operation_key'],
        'descending',
      )
      return list(`${where} ORDER BY changed_at_ms DESC, operation_key DESC LIMIT $${values.length + 1}`, [
        ...values,
        slice.countMax,
      ])
    },
    ofDates: (atmId, from, to) =>
      list('WHERE atm_id = $1 AND business_date > $2 AND business_date <= $3 ORDER BY operation_key', [
        atmId,
        from ?? '',
        to,
      ]),
  }
}

/** A machine's key has its business date in it; a person's has none. */
function businessDateOf(key: string): string | null {
  return /^[A-Za-z0-9_-]{1,16}:([0-9]{4}-[0-9]{2}-[0-9]{2}):[0-9]{6}$/.exec(key)?.[1] ?? null
}

function operationOf(row: SqlRow): Operation {
  return {
    key: row.text('operation_key'),
    type: row.word('operation_type', OPERATION_TYPES),
    atmId: row.textOrNull('atm_id'),
    state: row.word('state', OPERATION_STATES),
    fingerprint: row.textOrNull('fingerprint'),
    accountId: row.textOrNull('account_id'),
    targetAccountId: row.textOrNull('target_account_id'),
    currency: row.textOrNull('currency') === null ? null : row.currency('currency'),
    amountMinor: row.minor('amount'),
    feeMinor: row.minor('fee'),
    paidMinor: row.minor('paid'),
    paidAtMostMinor: row.minor('paid_at_most'),
    paidFeeMinor: row.minor('paid_fee'),
    transactionId: row.textOrNull('transaction_id'),
    answer: row.textOrNull('answer'),
    evidence: row.text('evidence'),
    wasSuspect: row.flag('was_suspect'),
    createdAtMs: row.moment('created_at_ms'),
    changedAtMs: row.moment('changed_at_ms'),
  }
}
