/** The typed ground that every state stands on: XState's setup with one effect, `perform`, which never runs here. */
import {setup} from 'xstate'
import {AssertionFailed, assert} from '../kit/assert.ts'
import {adviceOf, concluded, operationOf, visitOf} from './context.ts'
import type {Context, Ending, MachinePolicy, MachineSetup, Visit} from './context.ts'
import type {Evidence} from './decide.ts'
import type {Command, Device, Event, TimerName} from './vocabulary.ts'

type EventOf<T extends Event['type']> = Extract<Event, {readonly type: T}>

export const base = setup({
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions, @typescript-eslint/no-unnecessary-type-assertion -- XState takes its types from values that are never read
  types: {} as {context: Context; events: Event; input: MachineSetup},
  actions: {
    /** The one thing the machine can ask for. The runner reads it from the list that `transition()` returns. */
    perform: (_, _command: Command): void => {
      throw new AssertionFailed('perform belongs to the runner')
    },
  },
})

function isOf<T extends Event['type']>(event: Event, type: T): event is EventOf<T> {
  return event.type === type
}

/** Changes the context by an event of that type. */
export function by<T extends Event['type']>(
  type: T,
  change: (event: EventOf<T>, context: Context) => Partial<Context>,
) {
  return base.assign(({context, event}) => {
    assert(isOf(event, type), `${event.type} reached an action for ${type}`)
    return change(event, context)
  })
}

/** Changes the visit by an event of that type. */
export function visitBy<T extends Event['type']>(
  type: T,
  change: (event: EventOf<T>, context: Context) => Partial<Visit>,
) {
  return by(type, (event, context) => ({visit: {...visitOf(context), ...change(event, context)}}))
}

/** Changes the visit, whatever the event. */
export function visitTo(change: Partial<Visit>) {
  return base.assign(({context}) => ({visit: {...visitOf(context), ...change}}))
}

/** Sets what the customer is told at the end, unless the money already said it. */
export function ending(last: Ending) {
  return base.assign(({context}) => ({visit: {...visitOf(context), ending: visitOf(context).ending ?? last}}))
}

/** The device does not work until it says otherwise. */
export function failed(device: Device) {
  return base.assign(({context}) => ({devices: {...context.devices, [device]: 'failed'} as const}))
}

/**
 * The money is decided here: the decision enters the context, and the advice to the bank is an order, so it
 * stands in ink in the same append as the evidence.
 */
export function concludeBy<T extends Event['type']>(
  type: T,
  evidence: (event: EventOf<T>, context: Context) => Evidence,
) {
  return [by(type, (event, context) => concluded(context, evidence(event, context))), advise] as const
}

const advise = {
  type: 'perform',
  params: ({context}: {context: Context}) => adviceOf(operationOf(context)),
} as const

/** A command that needs nothing from the context. */
export function perform(command: Command) {
  return {type: 'perform', params: command} as const
}

/** A command made from the context as it stands when the action runs. */
export function performing(command: (context: Context) => Command) {
  return {type: 'perform', params: ({context}: {context: Context}) => command(context)} as const
}

/** A command made from the event that leads on. */
export function performingBy<T extends Event['type']>(
  type: T,
  command: (event: EventOf<T>, context: Context) => Command,
) {
  return {
    type: 'perform',
    params: ({context, event}: {context: Context; event: Event}) => {
      assert(isOf(event, type), `${event.type} reached a command for ${type}`)
      return command(event, context)
    },
  } as const
}

/** @param afterMs by this machine's policy */
export function startTimer(name: TimerName, afterMs: (policy: MachinePolicy) => number) {
  return performing(context => ({kind: 'timer.start', name, afterMs: afterMs(context.setup.policy)}))
}

/** The timer of a state in which the customer is asked for something. */
export const startCustomerTimer = startTimer('customer', policy => policy.customerTimeoutMs)
export const stopTimer = perform({kind: 'timer.stop'})
export const listenToKeys = perform({kind: 'keys.listen'})
export const stopKeys = perform({kind: 'keys.stop'})
