/** Customers and their accounts. */
import {filtered} from './filter.ts'
import {firstRow} from './sql.ts'
import type {Sql, SqlRow} from './sql.ts'
import type {Migration} from './dialect.ts'
import {assert} from '../../kit/assert.ts'
import type {AccountRows, BankAccount, User} from './port.ts'

export const ACCOUNT_TABLES: Migration = {
  name: 'accounts',
  statements: ({integer, strict}) => [
    `CREATE TABLE users (
       user_id TEXT PRIMARY KEY,
       name TEXT NOT NULL,
       email TEXT NOT NULL,
       phone_number TEXT NOT NULL,
       address TEXT NOT NULL
     ) ${strict}`,
    `CREATE TABLE accounts (
       account_id TEXT PRIMARY KEY,
       user_id TEXT NOT NULL REFERENCES users,
       account_type TEXT NOT NULL CHECK (account_type IN ('checking', 'savings')),
       balance ${integer} NOT NULL CHECK (balance >= 0),
       created_at TEXT NOT NULL
     ) ${strict}`,
    `CREATE TABLE account_terms (
       account_id TEXT PRIMARY KEY REFERENCES accounts,
       currency TEXT NOT NULL
     ) ${strict}`,
    'CREATE INDEX accounts_by_user ON accounts (user_id)',
  ],
}

export function accountRows(sql: Sql): AccountRows {
  return {
    async find(accountId) {
      const row = await firstRow(
        sql,
        'SELECT a.*, t.currency FROM accounts a JOIN account_terms t USING (account_id) WHERE account_id = $1',
        [accountId],
      )
      return row === null ? null : accountOf(row)
    },
    async list() {
      const {rows} = await sql.query(
        `SELECT a.*, t.currency, u.name FROM accounts a JOIN account_terms t USING (account_id)
         JOIN users u USING (user_id) ORDER BY account_id`,
      )
      return rows.map(row => ({...accountOf(row), userName: row.text('name')}))
    },
    async putUser({userId, name, email, phoneNumber, address}) {
      await sql.query(
        'INSERT INTO users (user_id, name, email, phone_number, address) VALUES ($1, $2, $3, $4, $5)',
        [userId, name, email, phoneNumber, address],
      )
    },
    async findUser(userId) {
      const row = await firstRow(sql, 'SELECT * FROM users WHERE user_id = $1', [userId])
      return row === null ? null : userOf(row)
    },
    async users(slice) {
      const {where, values} = filtered([], slice, ['user_id'], 'ascending')
      const {rows} = await sql.query(
        `SELECT * FROM users ${where} ORDER BY user_id LIMIT $${values.length + 1}`,
        [...values, slice.countMax],
      )
      return rows.map(userOf)
    },
    async changeUser({userId, name, email, phoneNumber, address}) {
      await sql.query(
        'UPDATE users SET name = $2, email = $3, phone_number = $4, address = $5 WHERE user_id = $1',
        [userId, name, email, phoneNumber, address],
      )
    },
    async page({userId}, slice) {
      const {where, values} = filtered([['a.user_id = ?', userId]], slice, ['a.account_id'], 'ascending')
      const {rows} = await sql.query(
        `SELECT a.*, t.currency FROM accounts a JOIN account_terms t USING (account_id) ${where}
         ORDER BY a.account_id LIMIT $${values.length + 1}`,
        [...values, slice.countMax],
      )
      return rows.map(accountOf)
    },
    async put({accountId, userId, accountType, createdAt, currency}) {
      await sql.query(
        `INSERT INTO accounts (account_id, user_id, account_type, balance, created_at)
         VALUES ($1, $2, $3, 0, $4)`,
        [accountId, userId, accountType, createdAt],
      )
      await sql.query('INSERT INTO account_terms (account_id, currency) VALUES ($1, $2)', [
        accountId,
        currency,
      ])
    },
  }
}

function userOf(row: SqlRow): User {
  return {
    userId: row.text('user_id'),
    name: row.text('name'),
    email: row.text('email'),
    phoneNumber: row.text('phone_number'),
    address: row.text('address'),
  }
}

/** Those of the accounts that are there, in the order of ids, which is the order of locks, for the transaction's time. */
export async function lockAccounts(sql: Sql, accountIds: readonly string[]): Promise<readonly BankAccount[]> {
  const {rows} = await sql.forRows(
    {account_id: 'text'},
    accountIds.map(accountId => [accountId]),
    source =>
      `SELECT a.*, t.currency FROM accounts a JOIN account_terms t ON a.account_id = t.account_id
       JOIN ${source} AS r ON a.account_id = r.account_id ORDER BY a.account_id ${sql.forUpdate('a')}`,
  )
  return rows.map(accountOf)
}

/**
 * Moves balances by what each account gains or loses, none below zero. One that does not move is our mistake:
 * their rows were locked and looked at.
 */
export async function moveBalances(sql: Sql, changes: ReadonlyMap<string, number>): Promise<void> {
  const {changedCount} = await sql.forRows(
    {account_id: 'text', by: 'integer'},
    [...changes],
    source =>
      `UPDATE accounts SET balance = accounts.balance + r.by FROM ${source} AS r
       WHERE accounts.account_id = r.account_id AND accounts.balance + r.by >= 0`,
  )
  assert(changedCount === changes.size, 'a balance was not where its lock had it')
}

/** @param row the columns of accounts, with the currency of its terms */
export function accountOf(row: SqlRow): BankAccount {
  return {
    accountId: row.text('account_id'),
    userId: row.text('user_id'),
    accountType: row.word('account_type', ['checking', 'savings']),
    currency: row.currency('currency'),
    balanceMinor: row.minor('balance'),
    createdAt: row.text('created_at'),
  }
}
