/**
 * A new PIN, typed twice into the pad; the bank compares the two blocks and judges the PIN. An answer that is lost is
 * asked for once more under the same key; after that nobody here knows, and the customer is told so.
 */
import {assert} from '../../kit/assert.ts'
import {base, ending, failed, performing, visitBy, visitTo} from '../base.ts'
import {nextKey, visitOf} from '../context.ts'
import type {Context} from '../context.ts'
import type {OperationKey} from '../vocabulary.ts'
import {ask, asks, forgetNotice, goodbye, stopAsking, takeStan} from './asking.ts'

const collect = (isRepeated: boolean) =>
  performing(context => ({
    kind: 'pinPad.collectNew',
    isRepeated,
    entryTimeoutMs: context.setup.policy.pinEntryTimeoutMs,
  }))

const padGivesUp = {
  'pin.cancelled': goodbye,
  'pin.timedOut': 'offeringTime',
  'pin.failed': {actions: [failed('pinPad'), ending({kind: 'pinPadFailed'})], target: 'returningCard'},
} as const

export const enteringNewPin = base.createStateConfig({
  entry: collect(false),
  exit: forgetNotice,
  on: {...padGivesUp, 'pin.entered': 'repeatingNewPin'},
})

export const repeatingNewPin = base.createStateConfig({
  entry: collect(true),
  on: {...padGivesUp, 'pin.entered': 'changingPin'},
})

function keyOf(context: Context): OperationKey {
  const {pinChange} = visitOf(context)
  assert(pinChange !== null, 'a change that is asked for has its key')
  return pinChange.key
}

const tell = performing(context => ({kind: 'host.changePin', key: keyOf(context)}))

const again = visitTo({pinChange: null})
const differ = [again, visitTo({notice: {kind: 'pinsDiffer'}})]
const weak = [again, visitTo({notice: {kind: 'pinWeak'}})]
const hasCode =
  (code: string) =>
  ({event}: {event: {readonly code: string}}): boolean =>
    event.code === code

export const changingPin = base.createStateConfig({
  entry: [
    base.assign(({context}) => ({
      visit: {...visitOf(context), pinChange: {key: nextKey(context), isAskedAgain: false}},
    })),
    tell,
    takeStan,
  ],
  on: {
    'pin.changed': 'showingPinChanged',
    // The codes of host/pin-change.ts: the two differ; anybody would guess it.
    'host.declined': [
      {guard: hasCode('55'), actions: differ, target: 'enteringNewPin'},
      {guard: hasCode('89'), actions: weak, target: 'enteringNewPin'},
      {
        actions: [again, visitBy('host.declined', ({code}) => ({notice: {kind: 'pinNotChanged', code}}))],
        target: 'choosingService',
      },
    ],
    'host.silent': [
      {
        guard: ({context}) => visitOf(context).pinChange?.isAskedAgain === false,
        actions: [
          base.assign(({context}) => ({
            visit: {...visitOf(context), pinChange: {key: keyOf(context), isAskedAgain: true}},
          })),
          tell,
        ],
      },
      {
        actions: base.assign(({context}) => ({
          visit: {
            ...visitOf(context),
            ending: {kind: 'pinUnknown', reference: keyOf(context)} as const,
          },
        })),
        target: 'returningCard',
      },
    ],
  },
})

/** Said only after the bank has said so. */
export const showingPinChanged = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {...asks, 'visit.continued': 'askingAnother'},
})
