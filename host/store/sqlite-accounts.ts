/** The SQL of customers and their accounts in the embedded store. Prepared once. */
import type Database from 'better-sqlite3'
import {assert} from '../../kit/assert.ts'
import {isCurrency, minorUnits} from '../../kit/money.ts'
import type {Currency} from '../../kit/money.ts'
import type {AccountRows, AccountType, BankAccount} from './port.ts'

type Db = Database.Database

/** An account with its currency, as the queries give it. */
export interface AccountRow {
  readonly account_id: string
  readonly user_id: string
  readonly account_type: AccountType
  readonly balance: number
  readonly created_at: string
  readonly currency: string
}

export function accountRows(database: Db): AccountRows {
  const find = database.prepare<[string], AccountRow>(
    'SELECT a.*, t.currency FROM accounts a JOIN account_terms t USING (account_id) WHERE account_id = ?',
  )
  const list = database.prepare<[], AccountRow & {name: string}>(
    `SELECT a.*, t.currency, u.name FROM accounts a JOIN account_terms t USING (account_id)
     JOIN users u USING (user_id) ORDER BY account_id`,
  )
  const putUser = database.prepare<[string, string, string, string, string]>(
    'INSERT INTO users VALUES (?, ?, ?, ?, ?)',
  )
  const put = database.prepare<[string, string, string, string]>(
    'INSERT INTO accounts VALUES (?, ?, ?, 0, ?)',
  )
  const putTerms = database.prepare<[string, string]>('INSERT INTO account_terms VALUES (?, ?)')
  return {
    async find(accountId) {
      const row = find.get(accountId)
      return row === undefined ? null : accountOf(row)
    },
    list: async () => list.all().map(row => ({...accountOf(row), userName: row.name})),
    async putUser(user) {
      putUser.run(user.userId, user.name, user.email, user.phoneNumber, user.address)
    },
    async put(account) {
      put.run(account.accountId, account.userId, account.accountType, account.createdAt)
      putTerms.run(account.accountId, account.currency)
    },
  }
}

export function accountOf(row: AccountRow): BankAccount {
  return {
    accountId: row.account_id,
    userId: row.user_id,
    accountType: row.account_type,
    currency: currencyOf(row.currency),
    balanceMinor: minorUnits(row.balance),
    createdAt: row.created_at,
  }
}

/** @throws AssertionFailed: only our own code writes currencies */
export function currencyOf(text: string): Currency {
  assert(isCurrency(text), 'the database holds a currency that this program does not know')
  return text
}
