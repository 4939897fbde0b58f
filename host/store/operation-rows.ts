/** Operations: one row a key, for ever. The row is the idempotency record, written with the postings it speaks of. */
import {OPERATION_STATES, OPERATION_TYPES} from '../ledger/operation.ts'
import type {Operation} from '../ledger/operation.ts'
import {filtered} from './filter.ts'
import {firstRow, insertRows} from './sql.ts'
import type {Columns, Sql, SqlRow, SqlValue} from './sql.ts'
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
      const row = await firstRow(
        sql,
        `SELECT * FROM operations WHERE operation_key = $1 ${sql.forUpdate('operations')}`,
        [key],
      )
      return row === null ? null : operationOf(row)
    },
    insert: operation => insertOperations(sql, [operation]),
    settle: operation => settleOperations(sql, [operation]),
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

const COLUMNS: Columns = {
  operation_key: 'text',
  operation_type: 'text',
  atm_id: 'text',
  business_date: 'text',
  state: 'text',
  fingerprint: 'text',
  account_id: 'text',
  target_account_id: 'text',
  currency: 'text',
  amount: 'integer',
  fee: 'integer',
  paid: 'integer',
  paid_at_most: 'integer',
  paid_fee: 'integer',
  transaction_id: 'text',
  answer: 'text',
  evidence: 'text',
  was_suspect: 'integer',
  created_at_ms: 'integer',
  changed_at_ms: 'integer',
}

export function insertOperations(sql: Sql, operations: readonly Operation[]): Promise<void> {
  const rows = operations.map(operation => [
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
  ])
  return insertRows(sql, 'operations', COLUMNS, rows)
}

const SETTLED: Columns = {
  operation_key: 'text',
  state: 'text',
  paid: 'integer',
  paid_at_most: 'integer',
  paid_fee: 'integer',
  evidence: 'text',
  was_suspect: 'integer',
  changed_at_ms: 'integer',
}

/** What `OperationRows.settle` does, for several. */
export async function settleOperations(sql: Sql, operations: readonly Operation[]): Promise<void> {
  const rows = operations.map(operation => [
    operation.key,
    operation.state,
    operation.paidMinor,
    operation.paidAtMostMinor,
    operation.paidFeeMinor,
    operation.evidence,
    operation.wasSuspect ? 1 : 0,
    operation.changedAtMs,
  ])
  const {changedCount} = await sql.forRows(
    SETTLED,
    rows,
    source =>
      `UPDATE operations SET state = r.state, paid = r.paid, paid_at_most = r.paid_at_most, paid_fee = r.paid_fee,
         evidence = r.evidence, was_suspect = r.was_suspect, changed_at_ms = r.changed_at_ms
       FROM ${source} AS r WHERE operations.operation_key = r.operation_key`,
  )
  assert(changedCount === rows.length, 'an operation is not there to be settled')
}

/** Those of the keys that are there, for the transaction's time; in the order of keys, which is the order of locks. */
export async function lockOperations(sql: Sql, keys: readonly string[]): Promise<readonly Operation[]> {
  const {rows} = await sql.forRows(
    {operation_key: 'text'},
    keys.map(key => [key]),
    source =>
      `SELECT o.* FROM operations o JOIN ${source} AS r ON o.operation_key = r.operation_key
       ORDER BY o.operation_key ${sql.forUpdate('o')}`,
  )
  return rows.map(operationOf)
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
