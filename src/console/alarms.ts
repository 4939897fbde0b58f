/** What needs a hand: each with what it means for customers and what to do about it. Derived, never kept. */
import type {ConsoleMachine} from './port.ts'

export interface Alarm {
  readonly what: string
  readonly customer: string
  readonly action: string
}

/** A cassette below so many notes is worth a visit. Chosen: a quiet day's withdrawals. */
const LOW_COUNT = 50

export function alarmsOf(machine: Pick<ConsoleMachine, 'standing' | 'journal'>): readonly Alarm[] {
  const {context} = machine.standing()
  const alarms: Alarm[] = []
  const raise = (what: string, customer: string, action: string): void => {
    alarms.push({what, customer, action})
  }
  if (context.suspendedBecause !== null)
    raise(
      `journal failed: ${context.suspendedBecause}`,
      'no service',
      'free the disk, start the machine anew',
    )
  if (context.held !== null) raise(`dispenser held: ${context.held}`, 'no service', 'count by replenish')
  for (const [device, health] of Object.entries(context.devices))
    if (health === 'failed') raise(`${device} fails`, 'no service', 'show device; test; reset')
  if (context.host === 'down')
    raise('the bank cannot be reached', 'no service', 'test host; look at the line')
  if (context.attendance.closedBecause !== null)
    raise(`closed: ${context.attendance.closedBecause}`, 'no service', 'service in')
  for (const {cassette, count, state} of context.levels) {
    if (state !== 'ok') raise(`cassette ${cassette} is ${state}`, 'fewer amounts', 'count it by replenish')
    else if (count < LOW_COUNT) raise(`cassette ${cassette} is low: ${count}`, 'fewer amounts', 'replenish')
  }
  const open = machine.journal.openIntents().length
  if (open > 0 && context.visit === null)
    raise(`${open} advices wait for the bank`, 'none', 'test host; they are sent until acknowledged')
  return alarms
}
