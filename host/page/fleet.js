// @ts-check
/** The fleet, one machine, and one of its business dates. */
import {differenceTable} from './cases.js'
import {facts, head, linkTo, made, money, pages, table, time, word} from './draw.js'
import {get, post} from './link.js'

/** @typedef {import('./views.js').View} View */
/** @typedef {import('./views.js').Place} Place */
/** @typedef {import('./cases.js').Difference} Difference */
/** @typedef {{unit: string, kind: string, value: number, count: number}} CashUnit */
/** @typedef {{currency: string, units: readonly CashUnit[]}} Cash */
/** @typedef {{part: string, state: 'ok' | 'degraded' | 'out', detail: string, at: string}} Part */
/**
 * @typedef {object} Atm
 * @property {string} atm_id
 * @property {string} location
 * @property {'active' | 'inactive'} status
 * @property {string} [business_date]
 * @property {string} [heard_at]
 * @property {Cash} [cash]
 * @property {string} [cash_at]
 * @property {readonly Part[]} parts
 * @property {number} open_holds
 * @property {number} open_suspects
 * @property {number} open_differences
 */

const VERDICTS = new Map([
  ['in-balance', word('in balance', 'good')],
  ['out-of-balance', word('out of balance', 'bad')],
  ['incomplete', word('incomplete', 'warn')],
])

/** @param {string | undefined} verdict */
function verdictWord(verdict) {
  return VERDICTS.get(verdict ?? '')?.cloneNode(true) ?? word('not compared', 'quiet')
}

/** @type {View} */
export async function fleet({query}) {
  const answer = /** @type {{atms: readonly Atm[], next?: string}} */ (await get('/api/atms', query))
  const rows = answer.atms.map(atm => [
    linkTo(['machines', atm.atm_id], atm.atm_id),
    atm.location,
    atm.status === 'active' ? word('active', 'good') : word('inactive', 'quiet'),
    partsText(atm.parts),
    cashText(atm.cash),
    count(atm.open_holds),
    count(atm.open_suspects),
    count(atm.open_differences),
    time(atm.heard_at),
  ])
  return [
    head('Fleet', 'Machines, what they hold, and what waits for somebody. Times are UTC.'),
    table(
      'Machines',
      [
        {title: 'Machine'},
        {title: 'Place'},
        {title: 'Status'},
        {title: 'Parts'},
        {title: 'Cash', sum: true},
        {title: 'Holds', sum: true},
        {title: 'Suspects', sum: true},
        {title: 'Differences', sum: true},
        {title: 'Heard'},
      ],
      rows,
    ),
    pages('fleet', query, answer.next),
  ]
}

/** @param {number} many */
function count(many) {
  return many === 0 ? made('span', {class: 'quiet'}, '0') : word(many.toString(), 'bad')
}

/** @param {readonly Part[]} parts */
function partsText(parts) {
  const troubled = parts.filter(({state}) => state !== 'ok')
  if (parts.length === 0) return made('span', {class: 'quiet'}, 'nothing said')
  if (troubled.length === 0) return word('all well', 'good')
  return made(
    'ul',
    {class: 'plain'},
    ...troubled.map(({part, state}) =>
      made('li', {}, word(`${part} ${state}`, state === 'out' ? 'bad' : 'warn')),
    ),
  )
}

/** @param {Cash | undefined} cash */
function cashText(cash) {
  if (cash === undefined) return made('span', {class: 'quiet'}, 'not told')
  const inCassettes = cash.units.filter(({kind}) => kind === 'cassette')
  return money(
    inCassettes.reduce((sum, unit) => sum + unit.value * unit.count, 0),
    cash.currency,
  )
}

/** @type {View} */
export async function machine(place) {
  const {way} = place
  const [atmId = '', date] = way
  return date === undefined ? oneMachine(place, atmId) : oneDate(place, atmId, date)
}

/**
 * @param {Place} place
 * @param {string} atmId
 */
async function oneMachine({query}, atmId) {
  const path = `/api/atms/${encodeURIComponent(atmId)}`
  const atm = /** @type {Atm} */ (await get(path))
  const {dates, next} =
    /** @type {{dates: readonly {business_date: string, opened_at: string, closed_at?: string, verdict?: string}[], next?: string}} */ (
      await get(`${path}/dates`, query)
    )
  const units = atm.cash?.units ?? []
  const currency = atm.cash?.currency ?? 'EUR'
  return [
    head(atm.atm_id, atm.location),
    facts([
      ['Status', atm.status],
      ['Business date', atm.business_date ?? 'none yet'],
      ['Heard', time(atm.heard_at)],
      ['Holds, suspects', `${atm.open_holds}, ${atm.open_suspects}`],
    ]),
    made(
      'section',
      {},
      table(
        'Cash as the machine believes',
        [
          {title: 'Unit'},
          {title: 'Kind'},
          {title: 'Note', sum: true},
          {title: 'Notes', sum: true},
          {title: 'Worth', sum: true},
        ],
        units.map(unit => [
          unit.unit,
          unit.kind,
          money(unit.value, currency),
          unit.count.toString(),
          money(unit.value * unit.count, currency),
        ]),
      ),
    ),
    made(
      'section',
      {},
      table(
        'Parts',
        [{title: 'Part'}, {title: 'State'}, {title: 'Since'}, {title: 'What it said'}],
        atm.parts.map(({part, state, at, detail}) => [
          part,
          word(state, state === 'ok' ? 'good' : state === 'out' ? 'bad' : 'warn'),
          time(at),
          detail,
        ]),
      ),
    ),
    made(
      'section',
      {},
      table(
        'Business dates',
        [{title: 'Date'}, {title: 'Opened'}, {title: 'Closed'}, {title: 'Reconciliation'}],
        dates.map(each => [
          linkTo(['machines', atmId, each.business_date], each.business_date),
          time(each.opened_at),
          each.closed_at === undefined ? 'still open' : time(each.closed_at),
          verdictWord(each.verdict),
        ]),
      ),
      pages(`machines/${encodeURIComponent(atmId)}`, query, next),
    ),
  ]
}

/**
 * @param {Place} place
 * @param {string} atmId
 * @param {string} date
 */
async function oneDate(place, atmId, date) {
  const path = `/api/atms/${encodeURIComponent(atmId)}/dates/${encodeURIComponent(date)}/reconcile`
  const run =
    /** @type {{verdict: string, date_state: string, report: string, differences: readonly Difference[]}} */ (
      await post(path, {})
    )
  return [
    head(`${atmId}, ${date}`, 'Journal against postings against counted cash, compared just now.'),
    facts([
      ['Machine', linkTo(['machines', atmId], atmId)],
      ['Date', run.date_state],
      ['Verdict', verdictWord(run.verdict)],
    ]),
    differenceTable('Differences of the date', run.differences, place),
    made('section', {}, made('h3', {}, 'Report'), made('pre', {tabindex: '0'}, run.report)),
  ]
}
