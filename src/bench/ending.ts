/** How a visit ended, read from its journal: one exit code for each way. Money first, then the card, then the wish. */
import type {Stored} from '../../journal/entry.ts'

export interface VisitEnding {
  readonly code: number
  readonly text: string
}

const PAID: VisitEnding = {code: 0, text: 'paid in full; the ledgers agree'}
const DECLINED: VisitEnding = {code: 10, text: 'the bank declined; the card went back'}
const RETAINED: VisitEnding = {code: 11, text: 'the card was kept, no cash was owed'}
const REVERSED: VisitEnding = {code: 12, text: 'no cash; the bank was told to let the money go'}
const PARTLY: VisitEnding = {code: 13, text: 'paid in part; the bank posted that part'}
const SUSPECT: VisitEnding = {code: 14, text: 'nobody knows yet; one suspect item is open at the bank'}
const NOT_PAYABLE: VisitEnding = {code: 15, text: 'the cassettes could not make the amount'}
const NO_WISH: VisitEnding = {code: 16, text: 'the visit ended before any money was asked for'}
const OVERPAID: VisitEnding = {
  code: 18,
  text: 'paid, and more notes left than approved: the machine’s own difference',
}
const NO_SERVICE: VisitEnding = {code: 17, text: 'the machine let no card in'}

/** All of them, for the help and the documentation. */
export const ENDINGS: readonly VisitEnding[] = [
  PAID,
  DECLINED,
  RETAINED,
  REVERSED,
  PARTLY,
  SUSPECT,
  NOT_PAYABLE,
  NO_WISH,
  NO_SERVICE,
  OVERPAID,
]

/** The ending that the rows tell, oldest first. */
export function endingOf(rows: readonly Stored[]): VisitEnding {
  const orders = rows.flatMap(({entry}) => (entry.kind === 'intent' ? [entry.order] : []))
  const events = rows.flatMap(({entry}) => (entry.kind === 'event' ? [entry.event] : []))
  const asked = orders.find(order => order.kind === 'host.authorize')
  if (orders.some(order => order.kind === 'host.suspect')) return SUSPECT
  const completed = orders.find(order => order.kind === 'host.complete')
  if (completed?.row === 'overpaid') return OVERPAID
  if (completed !== undefined) return completed.paidMinor === asked?.amountMinor ? PAID : PARTLY
  if (orders.some(order => order.kind === 'host.reverse')) return REVERSED
  if (events.some(({type}) => type === 'card.retained')) return RETAINED
  if (events.some(({type}) => type === 'host.declined' || type === 'card.refused')) return DECLINED
  if (!events.some(({type}) => type === 'card.inserted')) return NO_SERVICE
  return events.some(({type}) => type === 'amount.chosen') ? NOT_PAYABLE : NO_WISH
}
