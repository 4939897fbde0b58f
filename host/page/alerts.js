// @ts-check
/** What the bank's rules found wrong. Somebody looks, and says what it was. */
import {decide} from './decide.js'
import {button, choiceField, filters, head, linkTo, made, table, time, word} from './draw.js'
import {get, post} from './link.js'

/** @typedef {import('./views.js').View} View */
/** @typedef {import('./views.js').Place} Place */
/**
 * @typedef {object} Alert
 * @property {string} alert_id
 * @property {string} rule
 * @property {string} [card_id]
 * @property {string} atm_id
 * @property {string} why
 * @property {boolean} holds_card
 * @property {string} raised_at
 * @property {string} [closed_at]
 * @property {string} [closed_by]
 * @property {string} [closing]
 */

/** @type {View} */
export async function alerts(place) {
  const {query} = place
  const answer = /** @type {{alerts: readonly Alert[]}} */ (await get('/api/alerts', query))
  return [
    head('Alerts', 'What the rules found wrong, newest first. Times are UTC.'),
    filters('alerts', [
      choiceField('Show', 'status', query.get('status'), [
        ['open', 'open'],
        ['all', 'all'],
      ]),
    ]),
    table(
      'Alerts',
      [
        {title: 'Rule'},
        {title: 'Raised'},
        {title: 'Machine'},
        {title: 'Card'},
        {title: 'What happened'},
        {title: 'State'},
      ],
      answer.alerts.map(each => [
        each.rule,
        time(each.raised_at),
        linkTo(['machines', each.atm_id], each.atm_id),
        each.card_id === undefined ? '' : made('code', {}, each.card_id),
        each.why,
        stateText(each, place),
      ]),
    ),
  ]
}

/**
 * @param {Alert} alert
 * @param {Place} place
 */
function stateText(alert, place) {
  const {alert_id: id, holds_card: isHolding, closed_by: by, closing = ''} = alert
  if (by !== undefined)
    return made('div', {}, word('closed', 'good'), made('div', {class: 'quiet'}, `by ${by}: ${closing}`))
  return made(
    'div',
    {},
    word(isHolding ? 'open, the card is held' : 'open', 'bad'),
    ' ',
    button('Close', () => {
      decide({
        title: 'Close an alert',
        text: `${alert.rule} at ${alert.atm_id}: ${alert.why}${isHolding ? ' Closing it frees the card.' : ''}`,
        fields: [],
        decide: ({reason = ''}) => post(`/api/alerts/${encodeURIComponent(id)}/close`, {closing: reason}),
        done: () => {
          place.again('The alert is closed.')
        },
      })
    }),
  )
}
