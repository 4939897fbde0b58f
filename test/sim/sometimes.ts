/**
 * What a campaign must have seen at least once, or its silence proves nothing: every row of both money tables, every
 * state, every fault, and the moments in which money was lost elsewhere.
 */
import {ROWS} from '../../fsm/decide.ts'
import {STATE_NAMES} from '../../fsm/session.ts'
import type {Event} from '../../fsm/vocabulary.ts'
import {RECOVERY_ROWS} from '../../fsm/recovery.ts'
import {FAULT_NAMES} from './faults.ts'

/** Every way in which something ends by time, or by nobody knowing. */
const EVENTS: readonly Event['type'][] = [
  'card.left',
  'card.stuck',
  'card.retainFailed',
  'card.unreadable',
  'pin.timedOut',
  'pin.failed',
  'pin.wrong',
  'host.silent',
  'host.declined',
  'card.refused',
  'notes.refused',
  'notes.partial',
  'notes.overpaid',
  'notes.unknown',
  'notes.left',
  'notes.notPresented',
  'notes.presentUnknown',
  'notes.retracted',
  'notes.retractUnknown',
  'notes.rejected',
  'notes.rejectUnknown',
  'order.abandoned',
  'day.closed',
  'day.refused',
  'visit.cancelled',
]

/** Between the question to the bank and the end of the payout: where a death costs most. */
const MONEY_STATES = [
  'authorizing',
  'returningCardBeforeCash',
  'dispensing',
  'presenting',
  'retracting',
  'rejecting',
  'showingEnding',
] as const

const MOMENTS: readonly string[] = [
  'crash in recovery',
  'crash in recovery, twice',
  'late request after reversal',
  'request delivered twice',
  'clock set in a visit',
  'torn append found whole',
  'torn append found gone',
  'journal did not open',
  'operator loaded',
  'a customer timer fired',
]

/** What no run can show, and why: a campaign says so instead of asking for it. The enumerations of test/fsm have it. */
export const UNSEEABLE: Readonly<Record<string, string>> = {
  'recovery dispense-contradicted': 'no emulated dispenser contradicts its own sensors',
}

/** Names as `World.note` counts them. */
export const SOMETIMES: readonly string[] = [
  ...ROWS.map(({name}) => `row ${name}`),
  // An advice that is told again leaves no line in the log.
  ...RECOVERY_ROWS.filter(({remedy}) => remedy !== 'tellAgain').map(({name}) => `recovery ${name}`),
  ...STATE_NAMES.filter(name => name !== 'resting').map(name => `state ${name}`),
  ...EVENTS.map(type => `event ${type}`),
  ...MONEY_STATES.map(state => `death in ${state}`),
  ...FAULT_NAMES.map(name => `fault ${name}`),
  ...MOMENTS,
]

/** Those that were never seen. */
export function neverSeen(seen: ReadonlyMap<string, number>): readonly string[] {
  return SOMETIMES.filter(name => !seen.has(name) && !Object.hasOwn(UNSEEABLE, name))
}
