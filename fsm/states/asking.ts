/**
 * What every state has in which the customer is asked for something: keys, a timer, and the question whether more time
 * is needed, which lies over the state and leaves what was typed alone. No, or silence, is the end of the visit.
 */
import {
  base,
  ending,
  listenToKeys,
  startCustomerTimer,
  startTimer,
  stopKeys,
  stopTimer,
  visitTo,
} from '../base.ts'
import {stanAfter, visitOf} from '../context.ts'
import type {Context} from '../context.ts'

export const goodbye = {actions: ending({kind: 'goodbye'}), target: 'returningCard'} as const
export const walkedOff = {actions: ending({kind: 'timedOut'}), target: 'returningCard'} as const

export const takeStan = base.assign(({context}) => ({nextStan: stanAfter(context.nextStan)}))
export const forgetNotice = visitTo({notice: null})

/** Entry of a state that asks, and its exit. */
export const ask = [listenToKeys, startCustomerTimer]
export const stopAsking = [stopTimer, stopKeys, visitTo({isAskedForTime: false})]

const startMoreTimeTimer = startTimer('moreTime', policy => policy.moreTimeTimeoutMs)

const isAskedForTime = ({context}: {context: Context}): boolean => visitOf(context).isAskedForTime

/** The transitions of the question; `again` starts the timer that the state began with. */
export function moreTimeThen(again: typeof startCustomerTimer) {
  return {
    'timer.fired': [
      {guard: isAskedForTime, ...walkedOff},
      {actions: [visitTo({isAskedForTime: true}), startMoreTimeTimer]},
    ],
    'time.granted': {guard: isAskedForTime, actions: [visitTo({isAskedForTime: false}), again]},
    'time.declined': {guard: isAskedForTime, ...walkedOff},
  } as const
}

/** For a state with the customer's usual timer; cancel ends the visit as well. */
export const asks = {'visit.cancelled': goodbye, ...moreTimeThen(startCustomerTimer)} as const

/** The PIN pad's own time was up, and it has thrown away what it held: with more time, the PIN is typed anew. */
export const offeringTime = base.createStateConfig({
  entry: [listenToKeys, startMoreTimeTimer],
  exit: [stopTimer, stopKeys],
  on: {
    'time.granted': [
      {guard: ({context}) => visitOf(context).service === 'pinChange', target: 'enteringNewPin'},
      {target: 'enteringPin'},
    ],
    'time.declined': walkedOff,
    'timer.fired': walkedOff,
    'visit.cancelled': goodbye,
  },
})
