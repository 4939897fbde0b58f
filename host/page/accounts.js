// @ts-check
/** Settled movements, and one account with everything that moved it. */
import {
  choiceField,
  facts,
  filters,
  head,
  linkTo,
  made,
  money,
  pages,
  table,
  textField,
  time,
} from './draw.js'
import {get} from './link.js'

/** @typedef {import('./views.js').View} View */
/** @typedef {import('./views.js').Place} Place */
/** @typedef {{transaction_id: string, account_id: string, atm_id?: string, transaction_type: string, amount: number, transaction_date: string, currency: string, target_account_id?: string}} Transaction */
/** @typedef {{account_id: string, user_id: string, account_type: string, balance: number, currency: string, created_at: string}} Account */

/** @type {View} */
export async function transactions({query}) {
  const answer = /** @type {{transactions: readonly Transaction[], next?: string}} */ (
    await get('/api/transactions', query)
  )
  return [
    head('Transactions', 'Settled movements, newest first. Times are UTC.'),
    filters('transactions', [
      textField('Account', 'account_id', query.get('account_id')),
      textField('Machine', 'atm_id', query.get('atm_id')),
      choiceField('Type', 'transaction_type', query.get('transaction_type'), [
        ['', 'all'],
        ['withdrawal', 'withdrawal'],
        ['deposit', 'deposit'],
        ['transfer', 'transfer'],
      ]),
      textField('From', 'from', query.get('from'), {placeholder: '2026-11-22T00:00:00Z'}),
      textField('Before', 'to', query.get('to'), {placeholder: '2026-11-23T00:00:00Z'}),
    ]),
    table(
      'Transactions',
      [
        {title: 'Time'},
        {title: 'Type'},
        {title: 'Account'},
        {title: 'To account'},
        {title: 'Machine'},
        {title: 'Amount', sum: true},
        {title: 'Transaction'},
      ],
      answer.transactions.map(each => [
        time(each.transaction_date),
        each.transaction_type,
        linkTo(['accounts', each.account_id], each.account_id),
        each.target_account_id === undefined
          ? ''
          : linkTo(['accounts', each.target_account_id], each.target_account_id),
        each.atm_id === undefined ? '' : linkTo(['machines', each.atm_id], each.atm_id),
        money(each.amount, each.currency),
        made('code', {}, each.transaction_id),
      ]),
    ),
    pages('transactions', query, answer.next),
  ]
}

/** @type {View} */
export async function accounts({way, query}) {
  const [accountId] = way
  if (accountId !== undefined) return history(accountId, query)
  const answer = /** @type {{accounts: readonly Account[], next?: string}} */ (
    await get('/api/accounts', query)
  )
  return [
    head('Accounts'),
    filters('accounts', [textField('Customer', 'user_id', query.get('user_id'))]),
    table(
      'Accounts',
      [
        {title: 'Account'},
        {title: 'Customer'},
        {title: 'Type'},
        {title: 'Balance', sum: true},
        {title: 'Opened'},
      ],
      answer.accounts.map(each => [
        linkTo(['accounts', each.account_id], each.account_id),
        each.user_id,
        each.account_type,
        money(each.balance, each.currency),
        time(each.created_at),
      ]),
    ),
    pages('accounts', query, answer.next),
  ]
}

/**
 * @param {string} accountId
 * @param {URLSearchParams} query
 */
async function history(accountId, query) {
  const path = `/api/accounts/${encodeURIComponent(accountId)}`
  const account = /** @type {Account} */ (await get(path))
  const user = /** @type {{name: string}} */ (await get(`/api/users/${encodeURIComponent(account.user_id)}`))
  const {movements, next} =
    /** @type {{movements: readonly {key: string, kind: string, amount: number, balance: number, at: string}[], next?: string}} */ (
      await get(`${path}/history`, query)
    )
  const {currency} = account
  return [
    head(`Account ${accountId}`, `${user.name}, ${account.account_type}`),
    facts([
      ['May still use', money(account.balance, currency)],
      ['Customer', account.user_id],
      ['Opened', time(account.created_at)],
    ]),
    table(
      'Every posting, newest first',
      [
        {title: 'Time'},
        {title: 'What'},
        {title: 'Amount', sum: true},
        {title: 'Balance after', sum: true},
        {title: 'Key'},
      ],
      movements.map(each => [
        time(each.at),
        each.kind,
        money(each.amount, currency),
        money(each.balance, currency),
        made('code', {class: 'break'}, each.key),
      ]),
    ),
    pages(`accounts/${encodeURIComponent(accountId)}`, query, next),
  ]
}
