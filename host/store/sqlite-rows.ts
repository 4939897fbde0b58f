/** The SQL of money in the embedded store: operations, postings and what statements show. Prepared once. */
import type Database from 'better-sqlite3'
import {assert} from '../../kit/assert.ts'
import {epochMs} from '../../kit/clock.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Operation, OperationState} from '../ledger/operation.ts'
import {accountRows, currencyOf} from './sqlite-accounts.ts'
import {atmRows, cardRows} from './sqlite-machines.ts'
import type {BankTransaction, LedgerRows, OperationRows, Tx} from './port.ts'

type Db = Database.Database

/** Every group of statements over one connection. */
export function sqliteRows(database: Db): Tx {
  return {
    atms: atmRows(database),
    cards: cardRows(database),
    accounts: accountRows(database),
    operations: operationRows(database),
    ledger: ledgerRows(database),
  }
}

interface OperationRow {
  readonly operation_key: string
  readonly atm_id: string | null
  readonly state: OperationState
  readonly fingerprint: string | null
  readonly account_id: string | null
  readonly currency: string | null
  readonly amount: number
  readonly fee: number
  readonly paid: number
  readonly paid_at_most: number
  readonly paid_fee: number
  readonly transaction_id: string | null
  readonly answer: string | null
  readonly evidence: string
  readonly created_at_ms: number
  readonly changed_at_ms: number
}

function operationRows(database: Db): OperationRows {
  const find = database.prepare<[string], OperationRow>('SELECT * FROM operations WHERE operation_key = ?')
  const insert = database.prepare<[OperationRow]>(
    `INSERT INTO operations VALUES (@operation_key, @atm_id, @state, @fingerprint, @account_id, @currency, @amount,
     @fee, @paid, @paid_at_most, @paid_fee, @transaction_id, @answer, @evidence, @created_at_ms, @changed_at_ms)`,
  )
  const settle = database.prepare<[OperationRow]>(
    `UPDATE operations SET state = @state, paid = @paid, paid_at_most = @paid_at_most, paid_fee = @paid_fee,
     evidence = @evidence, changed_at_ms = @changed_at_ms WHERE operation_key = @operation_key`,
  )
  const recent = database.prepare<[number], OperationRow>(
    'SELECT * FROM operations ORDER BY changed_at_ms DESC, rowid DESC LIMIT ?',
  )
  const open = database.prepare<[], OperationRow>(
    "SELECT * FROM operations WHERE state IN ('held', 'suspect') ORDER BY rowid",
  )
  const all = database.prepare<[], OperationRow>('SELECT * FROM operations ORDER BY rowid')
  return {
    async find(key) {
      const row = find.get(key)
      return row === undefined ? null : operationOf(row)
    },
    async insert(operation) {
      insert.run(rowOf(operation))
    },
    async settle(operation) {
      const {changes} = settle.run(rowOf(operation))
      assert(changes === 1, `operation ${operation.key} is not there to be settled`)
    },
    recent: async countMax => recent.all(countMax).map(operationOf),
    open: async () => open.all().map(operationOf),
    all: async () => all.all().map(operationOf),
  }
}

function rowOf(operation: Operation): OperationRow {
  return {
    operation_key: operation.key,
    atm_id: operation.atmId,
    state: operation.state,
    fingerprint: operation.fingerprint,
    account_id: operation.accountId,
    currency: operation.currency,
    amount: operation.amountMinor,
    fee: operation.feeMinor,
    paid: operation.paidMinor,
    paid_at_most: operation.paidAtMostMinor,
    paid_fee: operation.paidFeeMinor,
    transaction_id: operation.transactionId,
    answer: operation.answer,
    evidence: operation.evidence,
    created_at_ms: operation.createdAtMs,
    changed_at_ms: operation.changedAtMs,
  }
}

function operationOf(row: OperationRow): Operation {
  return {
    key: row.operation_key,
    atmId: row.atm_id,
    state: row.state,
    fingerprint: row.fingerprint,
    accountId: row.account_id,
    currency: row.currency === null ? null : currencyOf(row.currency),
    amountMinor: minorUnits(row.amount),
    feeMinor: minorUnits(row.fee),
    paidMinor: minorUnits(row.paid),
    paidAtMostMinor: minorUnits(row.paid_at_most),
    paidFeeMinor: minorUnits(row.paid_fee),
    transactionId: row.transaction_id,
    answer: row.answer,
    evidence: row.evidence,
    createdAtMs: epochMs(row.created_at_ms),
    changedAtMs: epochMs(row.changed_at_ms),
  }
}

interface TransactionRow {
  readonly transaction_id: string
  readonly account_id: string
  readonly atm_id: string | null
  readonly transaction_type: BankTransaction['transactionType']
  readonly amount: number
  readonly transaction_date: string
}

function ledgerRows(database: Db): LedgerRows {
  // The guard and the change are one statement, so that no decision rests on a balance read earlier.
  const move = database.prepare<[{readonly account: string; readonly by: number}]>(
    'UPDATE accounts SET balance = balance + @by WHERE account_id = @account AND balance + @by >= 0',
  )
  const entry = database.prepare<[string, string, string, number]>(
    'INSERT INTO entries (operation_key, kind, currency, at_ms) VALUES (?, ?, ?, ?)',
  )
  const posting = database.prepare<[number, number, string, number]>(
    'INSERT INTO postings VALUES (?, ?, ?, ?)',
  )
  const addTransaction = database.prepare<[TransactionRow]>(
    `INSERT INTO transactions VALUES
     (@transaction_id, @account_id, @atm_id, @transaction_type, @amount, @transaction_date)`,
  )
  const postings = database.prepare<
    [],
    {entry_id: number; currency: string; ledger_account: string; amount: number}
  >(
    'SELECT p.entry_id, e.currency, p.ledger_account, p.amount FROM postings p JOIN entries e USING (entry_id) ORDER BY entry_id, leg',
  )
  const transactions = database.prepare<[], TransactionRow>('SELECT * FROM transactions ORDER BY rowid')
  return {
    async post(key, {kind, currency, postings: legs}, atMs) {
      // In one order always, so that two entries can never wait for each other's accounts.
      const customers = legs
        .flatMap(leg => {
          const account = /^customer:(.+)$/.exec(leg.ledgerAccount)?.[1]
          return account === undefined ? [] : [{account, by: leg.amountMinor}]
        })
        .sort((left, right) => (left.account < right.account ? -1 : 1))
      assert(customers.length <= 1, 'an entry touches two customers; a refused second leg needs a savepoint')
      for (const change of customers) if (move.run(change).changes !== 1) return 'insufficient'
      const entryId = Number(entry.run(key, kind, currency, atMs).lastInsertRowid)
      for (const [leg, {ledgerAccount, amountMinor}] of legs.entries())
        posting.run(entryId, leg, ledgerAccount, amountMinor)
      return 'posted'
    },
    async addTransaction(transaction) {
      addTransaction.run({
        transaction_id: transaction.transactionId,
        account_id: transaction.accountId,
        atm_id: transaction.atmId,
        transaction_type: transaction.transactionType,
        amount: transaction.amountMinor,
        transaction_date: transaction.transactionDate,
      })
    },
    postings: async () =>
      postings.all().map(row => ({
        entryId: row.entry_id,
        currency: currencyOf(row.currency),
        ledgerAccount: row.ledger_account,
        amountMinor: minorUnits(row.amount),
      })),
    transactions: async () =>
      transactions.all().map(row => ({
        transactionId: row.transaction_id,
        accountId: row.account_id,
        atmId: row.atm_id,
        transactionType: row.transaction_type,
        amountMinor: minorUnits(row.amount),
        transactionDate: row.transaction_date,
      })),
  }
}
