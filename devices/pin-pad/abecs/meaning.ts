/** ABECS pads: what statuses mean in the words of the PIN pad port, and what the operator does. */
import type {Failed, NoAnswer} from '../../outcome.ts'
import type {PinPadFault} from '../port.ts'
import type {Answer} from './line.ts'

export interface Meaning {
  readonly fault: PinPadFault
  readonly text: string
  /** What helps; empty where the status tells of a mistake of the program. */
  readonly action: string
}

const RESTART = 'unplug the pad and plug it in again'
const KEYS = 'have the acquirer load its keys'
const CARD = 'the card reader of the machine reads cards, not the pad'

/** Source: the table of statuses of the published text. Those that answer a key or an event are not here. */
export const STATUSES: ReadonlyMap<number, Meaning> = new Map([
  [
    3,
    {fault: 'not-supported', text: 'the pad wants a secured session', action: 'set the pad up without one'},
  ],
  [9, {fault: 'not-supported', text: 'the pad is in a secured session', action: RESTART}],
  [10, {fault: 'bad-request', text: 'not allowed now, or no such command', action: ''}],
  [11, {fault: 'bad-request', text: 'a parameter is wrong', action: ''}],
  [12, {fault: 'busy', text: 'time was over', action: ''}],
  [13, {fault: 'busy', text: 'the customer cancelled', action: ''}],
  [19, {fault: 'bad-request', text: 'a parameter is missing', action: ''}],
  [20, {fault: 'bad-request', text: 'other card tables than expected', action: CARD}],
  [21, {fault: 'hardware', text: 'card tables cannot be stored', action: CARD}],
  [40, {fault: 'hardware', text: 'internal error', action: RESTART}],
  [41, {fault: 'bad-request', text: 'a stripe could not be read', action: CARD}],
  [42, {fault: 'key-missing', text: 'no key in that slot', action: KEYS}],
  [43, {fault: 'bad-request', text: 'no card in the pad', action: CARD}],
  [
    44,
    {
      fault: 'locked',
      text: 'too many PINs in a short time',
      action: 'wait; the pad takes PINs again by itself',
    },
  ],
  [45, {fault: 'bad-request', text: 'the answer would be too long', action: ''}],
  [46, {fault: 'key-refused', text: 'a cipher does not fit', action: KEYS}],
  [47, {fault: 'locked', text: 'ended for security', action: 'look whether somebody tampers with the pad'}],
  [60, {fault: 'bad-request', text: 'the card is mute', action: CARD}],
  [61, {fault: 'bad-request', text: 'the card does not answer rightly', action: CARD}],
  [67, {fault: 'bad-request', text: 'the card was made invalid', action: CARD}],
  [68, {fault: 'bad-request', text: 'the card has problems', action: CARD}],
  [69, {fault: 'bad-request', text: 'the card holds wrong data', action: CARD}],
  [70, {fault: 'bad-request', text: 'the card has no application for this', action: CARD}],
  [71, {fault: 'bad-request', text: 'the application of the card cannot be used here', action: CARD}],
  [76, {fault: 'bad-request', text: 'the chip failed, the stripe may be tried', action: CARD}],
  [77, {fault: 'bad-request', text: 'wrong amount', action: ''}],
  [78, {fault: 'bad-request', text: 'the card has too many applications', action: CARD}],
  [79, {fault: 'bad-request', text: 'the card is blocked', action: CARD}],
  [80, {fault: 'bad-request', text: 'more than one contactless card', action: CARD}],
  [81, {fault: 'bad-request', text: 'the contactless card does not answer rightly', action: CARD}],
  [82, {fault: 'bad-request', text: 'the contactless card was made invalid', action: CARD}],
  [83, {fault: 'bad-request', text: 'the contactless card has problems', action: CARD}],
  [84, {fault: 'bad-request', text: 'the contactless card has no application for this', action: CARD}],
  [
    85,
    {fault: 'bad-request', text: 'the application of the contactless card cannot be used here', action: CARD},
  ],
  [86, {fault: 'bad-request', text: 'the telephone wants something from its owner', action: CARD}],
  [87, {fault: 'bad-request', text: 'the card wants another way than contactless', action: CARD}],
  [100, {fault: 'bad-request', text: 'no such media file', action: ''}],
  [101, {fault: 'bad-request', text: 'wrong form of a media file', action: ''}],
  [102, {fault: 'bad-request', text: 'a media file could not be loaded', action: ''}],
] satisfies [number, Meaning][])

export function failedWith(fault: PinPadFault | NoAnswer, detail: string): Failed<PinPadFault> {
  return {kind: 'failed', fault, detail}
}

/** The failure that a status, an unknown command or a silence amounts to. @param what the command, for the operator */
export function failedBy(
  what: string,
  answer: Exclude<Answer<unknown>, {kind: 'done'}>,
): Failed<PinPadFault> {
  switch (answer.kind) {
    case 'silent':
      return failedWith(answer.why, `${what}: ${answer.why}`)
    case 'unknown':
      return failedWith('not-supported', `${what}: the pad does not know the command`)
    case 'aborted':
      return failedWith('busy', `${what}: ended by us`)
    case 'refused': {
      const {fault, text, action} = STATUSES.get(answer.status) ?? {
        fault: 'hardware',
        text: 'a status that is not listed',
        action: RESTART,
      }
      const status = answer.status.toString().padStart(3, '0')
      return failedWith(fault, `${what}: status ${status}, ${text}${action === '' ? '' : `; ${action}`}`)
    }
  }
}
