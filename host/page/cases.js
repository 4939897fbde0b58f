// @ts-check
/** What waits for a decision: differences, and operations of which nobody knows what left the machine. */
import {decide} from './decide.js'
import {
  button,
  choiceField,
  filters,
  head,
  linkTo,
  made,
  money,
  pages,
  table,
  textField,
  time,
  word,
} from './draw.js'
import {get, post} from './link.js'

/** @typedef {import('./views.js').View} View */
/** @typedef {import('./views.js').Place} Place */
/**
 * @typedef {object} Difference
 * @property {string} difference_id
 * @property {string} atm_id
 * @property {string} business_date
 * @property {string} class
 * @property {string} subject
 * @property {string} currency
 * @property {number} amount
 * @property {number} amount_at_most
 * @property {string} explanation
 * @property {'open' | 'gone' | 'resolved'} state
 * @property {readonly string[]} actions
 * @property {{action: string, by: string, reason: string, at: string}} [resolution]
 */
/** @typedef {{key: string, type: string, state: string, atm_id?: string, account_id?: string, currency?: string, amount?: number, paid_at_least?: number, paid_at_most?: number, evidence: string, changed_at: string}} Operation */

/** @type {View} */
export async function differences(place) {
  const {query} = place
  if (!query.has('state')) query.set('state', 'open')
  const answer = /** @type {{differences: readonly Difference[], next?: string}} */ (
    await get(
      '/api/differences',
      [...query].map(([name, value]) => [name, value === 'all' ? '' : value]),
    )
  )
  return [
    head('Reconciliation', 'What did not agree. A difference is resolved with a reason, and never deleted.'),
    filters('differences', [
      choiceField('State', 'state', query.get('state'), [
        ['open', 'open'],
        ['resolved', 'resolved'],
        ['gone', 'gone'],
        ['all', 'all'],
      ]),
      textField('Machine', 'atm_id', query.get('atm_id')),
    ]),
    differenceTable('Differences', answer.differences, place),
    pages('differences', query, answer.next),
  ]
}

/**
 * @param {string} caption
 * @param {readonly Difference[]} list
 * @param {Place} place
 */
export function differenceTable(caption, list, place) {
  return table(
    caption,
    [
      {title: 'Class'},
      {title: 'Machine'},
      {title: 'Date'},
      {title: 'About'},
      {title: 'Amount', sum: true},
      {title: 'What it is'},
      {title: 'State'},
    ],
    list.map(each => [
      each.class,
      linkTo(['machines', each.atm_id], each.atm_id),
      linkTo(['machines', each.atm_id, each.business_date], each.business_date),
      made('span', {class: 'break'}, each.subject),
      rangeText(each),
      each.explanation,
      stateText(each, place),
    ]),
  )
}

/** @param {Difference} difference */
function rangeText({amount, amount_at_most: most, currency}) {
  return amount === most ? money(amount, currency) : `${money(amount, currency)} to ${money(most, currency)}`
}

/**
 * @param {Difference} difference
 * @param {Place} place
 */
function stateText(difference, place) {
  const {state, resolution, actions} = difference
  if (resolution !== undefined)
    return made(
      'div',
      {},
      word('resolved', 'good'),
      made('div', {class: 'quiet'}, `${resolution.action} by ${resolution.by}: ${resolution.reason}`),
    )
  if (state === 'gone') return word('gone', 'quiet')
  return made(
    'div',
    {},
    word('open', 'bad'),
    ' ',
    button('Resolve', () => {
      askResolution(difference, actions, place)
    }),
  )
}

const ACTIONS = new Map([
  ['settle', 'settle: so much left the machine'],
  ['debit-customer', 'debit a customer'],
  ['credit-customer', 'credit a customer'],
  ['write-off', "book it to the machine's cash differences"],
  ['accept', 'accept: nothing is booked'],
])

/**
 * @param {Difference} difference
 * @param {readonly string[]} actions
 * @param {Place} place
 */
function askResolution(difference, actions, place) {
  decide({
    title: `Resolve ${difference.class}`,
    text: `${difference.atm_id}, ${difference.business_date}, ${difference.subject}: ${difference.explanation}, ${rangeText(difference)}`,
    fields: [
      choiceField(
        'Decision',
        'action',
        null,
        actions.map(action => [action, ACTIONS.get(action) ?? action]),
      ),
      textField('Amount, to settle or where it is a range', 'amount', '', {inputmode: 'decimal'}),
      textField('Account, where the operation has none', 'account_id', ''),
    ],
    decide: answers =>
      post(`/api/differences/${encodeURIComponent(difference.difference_id)}/resolve`, answers, ['amount']),
    done: () => {
      place.again('The difference is resolved.')
    },
  })
}

/** @type {View} */
export async function operations(place) {
  const {query} = place
  const answer = /** @type {{operations: readonly Operation[], next?: string}} */ (
    await get('/api/operations', query)
  )
  const states = ['held', 'suspect', 'forced', 'completed', 'reversed', 'declined', 'tombstone', 'posted']
  return [
    head('Operations', 'Every key, whatever became of it, latest change first.'),
    filters('operations', [
      choiceField('State', 'state', query.get('state'), [['', 'all'], ...states.map(each => pair(each))]),
      textField('Machine', 'atm_id', query.get('atm_id')),
      textField('Account', 'account_id', query.get('account_id')),
    ]),
    table(
      'Operations',
      [
        {title: 'Key'},
        {title: 'Type'},
        {title: 'State'},
        {title: 'Account'},
        {title: 'Asked for', sum: true},
        {title: 'Left the machine', sum: true},
        {title: 'Evidence'},
        {title: 'Changed'},
      ],
      answer.operations.map(each => [
        made('code', {class: 'break'}, each.key),
        each.type,
        operationState(each, place),
        each.account_id === undefined ? 'unknown' : linkTo(['accounts', each.account_id], each.account_id),
        each.amount === undefined ? '' : money(each.amount, each.currency ?? 'EUR'),
        paidText(each),
        each.evidence,
        time(each.changed_at),
      ]),
    ),
    pages('operations', query, answer.next),
  ]
}

/**
 * @param {string} each
 * @returns {readonly [string, string]}
 */
function pair(each) {
  return [each, each]
}

/** @param {Operation} operation */
function paidText({paid_at_least: least, paid_at_most: most, currency = 'EUR', type}) {
  if (least === undefined || most === undefined || type !== 'withdrawal') return ''
  return least === most ? money(least, currency) : `${money(least, currency)} to ${money(most, currency)}`
}

/**
 * @param {Operation} operation
 * @param {Place} place
 */
function operationState(operation, place) {
  const {state, key} = operation
  if (state !== 'suspect' && state !== 'held') return state
  return made(
    'div',
    {},
    word(state, state === 'suspect' ? 'bad' : 'warn'),
    ' ',
    button('Settle', () => {
      decide({
        title: `Settle a ${state} operation`,
        text: `${key}. Say what left the machine; the customer pays that and no more.`,
        fields: [textField('Left the machine', 'paid', '', {inputmode: 'decimal', required: ''})],
        decide: answers => post(`/api/operations/${encodeURIComponent(key)}/settle`, answers, ['paid']),
        done: () => {
          place.again('The operation is settled.')
        },
      })
    }),
  )
}
