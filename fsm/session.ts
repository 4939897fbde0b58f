/**
 * The machine: every state by its name, in the order a customer meets them. Events in, commands out;
 * no invoke, no after, no spawn, no clock. It is only ever used through XState's pure `transition()`.
 */
import {initialTransition, transition} from 'xstate'
import type {SnapshotFrom} from 'xstate'
import {assert} from '../kit/assert.ts'
import {base, perform} from './base.ts'
import {contextAtStart} from './context.ts'
import type {Context, MachineSetup} from './context.ts'
import {offeringTime} from './states/asking.ts'
import {returningCard, retainingCard, showingEnding} from './states/closing.ts'
import {
  authorizing,
  dispensing,
  presenting,
  rejecting,
  retracting,
  returningCardBeforeCash,
} from './states/payout.ts'
import {
  closingDay,
  facts,
  idle,
  offline,
  outOfService,
  recovering,
  resting,
  starting,
  suspended,
} from './states/service.ts'
import {changingPin, enteringNewPin, repeatingNewPin, showingPinChanged} from './states/pin-change.ts'
import {askingStatement, showingStatement} from './states/statement.ts'
import {servicing, supervisor} from './states/supervisor.ts'
import {
  askingPayee,
  choosingSum,
  choosingTarget,
  confirmingTransfer,
  showingTransfer,
  transferring,
} from './states/transfer.ts'
import {
  amountRefused,
  askingAnother,
  askingBalance,
  choosingAccount,
  choosingAmount,
  choosingReceipt,
  choosingService,
  confirmingFee,
  enteringPin,
  printingBalance,
  showingBalance,
  verifyingPin,
} from './states/visit.ts'
import type {Chore, Command, Event, Order} from './vocabulary.ts'

const states = {
  starting,
  recovering,
  resting,
  idle,
  offline,
  outOfService,
  suspended,
  supervisor,
  servicing,
  closingDay,
  enteringPin,
  offeringTime,
  verifyingPin,
  choosingService,
  choosingAccount,
  askingBalance,
  showingBalance,
  printingBalance,
  askingStatement,
  showingStatement,
  choosingTarget,
  askingPayee,
  choosingSum,
  confirmingTransfer,
  transferring,
  showingTransfer,
  enteringNewPin,
  repeatingNewPin,
  changingPin,
  showingPinChanged,
  askingAnother,
  choosingAmount,
  amountRefused,
  confirmingFee,
  choosingReceipt,
  authorizing,
  returningCardBeforeCash,
  dispensing,
  presenting,
  retracting,
  rejecting,
  returningCard,
  retainingCard,
  showingEnding,
}

export type StateName = keyof typeof states

/** The names of all states, in the order a customer meets them. */
export const STATE_NAMES: readonly StateName[] = Object.keys(states).filter(isStateName)

function isStateName(name: string): name is StateName {
  return Object.hasOwn(states, name)
}

export const session = base.createMachine({
  id: 'session',
  initial: 'starting',
  context: ({input}) => contextAtStart(input),
  states,
  // XState drops an event nobody handles; here nothing is dropped without a record.
  on: {...facts, '*': {actions: perform({kind: 'report.unexpected'})}},
})

/** Where the machine stands: the state's name and what it remembers. */
export interface Standing {
  readonly state: StateName
  readonly context: Context
  readonly snapshot: SnapshotFrom<typeof session>
}

/** What one event made of the machine. Orders come before chores; each list keeps the machine's own order. */
export interface Step {
  readonly standing: Standing
  readonly orders: readonly Order[]
  readonly chores: readonly Chore[]
}

/** The machine before anything happened, and what it wants done first. */
export function begin(setup: MachineSetup): Step {
  const [snapshot, actions] = initialTransition(session, setup)
  return stepOf(snapshot, actions)
}

/** One turn: pure, so the same standing and event give the same step, always. */
export function step(standing: Standing, event: Event): Step {
  const [snapshot, actions] = transition(session, standing.snapshot, event)
  return stepOf(snapshot, actions)
}

interface Action {
  readonly type: string
  readonly params?: unknown
}

function stepOf(snapshot: SnapshotFrom<typeof session>, actions: readonly Action[]): Step {
  const state = snapshot.value
  assert(typeof state === 'string' && isStateName(state), `no state is named ${JSON.stringify(state)}`)
  const commands = actions.map(commandOf)
  return {
    standing: {state, context: snapshot.context, snapshot},
    orders: commands.filter(isOrder),
    chores: commands.filter(command => !isOrder(command)),
  }
}

function commandOf(action: Action): Command {
  assert(action.type === 'perform', `the machine asked for ${action.type}, and only perform exists`)
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- base.ts types the params of every perform as Command; XState's list forgets it
  return action.params as Command
}

const CHORES: Readonly<Record<Chore['kind'], true>> = {
  'devices.open': true,
  'recovery.run': true,
  'reader.accept': true,
  'reader.refuse': true,
  'keys.listen': true,
  'keys.stop': true,
  'timer.start': true,
  'timer.stop': true,
  'pocket.empty': true,
  'report.unexpected': true,
}

function isOrder(command: Command): command is Order {
  return !Object.hasOwn(CHORES, command.kind)
}
