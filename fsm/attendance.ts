/**
 * Who of the machine's own people is at it, folded from events: the live machine and recovery use this same
 * fold, so a power cut in the middle of a replenishment comes back to the same step of it.
 */
import type {Attendance, Event} from './vocabulary.ts'

export const NOBODY: Attendance = {
  supervisor: null,
  testsCount: 0,
  closedBecause: null,
  lockedBecause: null,
  exchange: null,
}

/** Tests in one supervision: each sends one note to the reject bin. Chosen: two for each of eight cassettes. */
export const TESTS_MAX = 16

/** Whether another test is allowed in this supervision. */
export function canTest({supervisor, testsCount}: Attendance): boolean {
  return supervisor !== null && testsCount < TESTS_MAX
}

/** The attendance after an event. Nobody leaves an open exchange; what does not fit changes nothing. */
export function attendanceAfter(before: Attendance, event: Event): Attendance {
  switch (event.type) {
    case 'supervisor.called':
      return before.supervisor === null ? {...before, supervisor: event.person, testsCount: 0} : before
    case 'supervisor.left':
      return before.exchange === null ? {...before, supervisor: null, testsCount: 0} : before
    case 'service.closed':
      return {...before, closedBecause: event.because}
    case 'service.opened':
      return {...before, closedBecause: null}
    case 'machine.locked':
      return {...before, lockedBecause: before.lockedBecause ?? event.because}
    case 'machine.unlocked':
      return {...before, lockedBecause: null}
    case 'test.chosen':
      return canTest(before) ? {...before, testsCount: before.testsCount + 1} : before
    case 'exchange.opened': {
      const {person, second} = event
      return before.supervisor === null || before.exchange !== null
        ? before
        : {...before, exchange: {person, second, done: []}}
    }
    case 'exchange.advanced': {
      const {exchange} = before
      const {step, cassette, count, expected} = event
      // A step is done once: of two people who count the same cassette, the first is believed.
      if (exchange === null || exchange.done.some(one => one.step === step && one.cassette === cassette))
        return before
      return {...before, exchange: {...exchange, done: [...exchange.done, {step, cassette, count, expected}]}}
    }
    case 'exchange.closed':
      return {...before, exchange: null}
    default:
      return before
  }
}
