/** The calls that move or show a customer's money. */
import {identified, machineOf, route} from './route.ts'
import type {Route} from './route.ts'
import type {ProblemName} from './answer.ts'
import * as schema from './schema.ts'
import {accountPath} from './office-schema.ts'
import {record} from './shape.ts'
import {deposit} from '../deposit.ts'
import {takeLast} from '../last.ts'
import {miniStatement} from '../statement.ts'
import {payee, transfer} from '../transfer.ts'
import {balance, withdraw} from '../withdrawal.ts'

/** What any movement may be refused for. */
const MOVING = [
  'unknown-account',
  'unknown-atm',
  'atm-inactive',
  'amount-invalid',
  'key-used-otherwise',
  'declined',
] as const satisfies readonly ProblemName[]

export const moneyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/accounts/{account_id}/balance',
    name: 'getBalance',
    group: 'money',
    summary: 'What the customer may still use',
    callers: ['atm', 'accounts.read'],
    path: accountPath,
    answers: [schema.balanceAnswer],
    problems: ['unknown-account'],
    run: async ({bank, who, path}) => balance(bank, identified(who), path.account_id),
  }),
  route({
    method: 'POST',
    url: '/api/accounts/{account_id}/withdraw',
    name: 'withdraw',
    group: 'money',
    summary: 'Hold for a machine, or post for a teller',
    callers: ['atm', 'money.post'],
    key: 'money',
    path: accountPath,
    request: schema.withdrawRequest,
    answers: [schema.withdrawAnswer, schema.declined],
    problems: [...MOVING, 'insufficient-funds', 'too-late'],
    run: async ({bank, who, path, key, body}) => {
      // First, so that a hold that it settles does not stand in the way.
      if (body.last !== undefined) await takeLast(bank, identified(who), body.last)
      return withdraw(bank, identified(who), {accountId: path.account_id, key, request: body})
    },
  }),
  route({
    method: 'POST',
    url: '/api/accounts/{account_id}/deposit',
    name: 'deposit',
    group: 'money',
    summary: 'Post what a machine has stored, or a teller has taken in',
    callers: ['atm', 'money.post'],
    key: 'money',
    path: accountPath,
    request: schema.depositRequest,
    answers: [schema.depositAnswer, schema.declined],
    problems: MOVING,
    run: async ({bank, who, path, key, body}) =>
      deposit(bank, identified(who), {accountId: path.account_id, key, request: body}),
  }),
  route({
    method: 'POST',
    url: '/api/accounts/{account_id}/transfer',
    name: 'transfer',
    group: 'money',
    summary: 'From the account in the path to another one',
    callers: ['atm', 'money.post'],
    key: 'money',
    path: accountPath,
    request: schema.transferRequest,
    answers: [schema.transferAnswer, schema.declined],
    problems: [...MOVING, 'same-account', 'insufficient-funds'],
    run: async ({bank, who, path, key, body}) => {
      if (body.last !== undefined) await takeLast(bank, identified(who), body.last)
      return transfer(bank, identified(who), {accountId: path.account_id, key, request: body})
    },
  }),
  route({
    method: 'GET',
    url: '/api/accounts/{account_id}/payees/{payee_id}',
    name: 'getPayee',
    group: 'money',
    summary: 'Whose account a customer at a machine wants to transfer to',
    callers: ['atm'],
    path: record({account_id: schema.accountId, payee_id: schema.accountId}),
    answers: [schema.payeeAnswer],
    problems: ['unknown-account'],
    run: async ({bank, who, path}) => payee(bank, machineOf(who), path.account_id, path.payee_id),
  }),
  route({
    method: 'GET',
    url: '/api/accounts/{account_id}/statement',
    name: 'getStatement',
    group: 'money',
    summary: 'The last lines of an account, for the customer at a machine',
    callers: ['atm'],
    path: accountPath,
    answers: [schema.statementAnswer],
    problems: ['unknown-account'],
    run: async ({bank, who, path}) => miniStatement(bank, machineOf(who), path.account_id),
  }),
]
