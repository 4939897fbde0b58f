/**
 * The conscience of a walk through the machine: remembers, from events and commands alone, what was approved,
 * moved, told and promised, and names every rule that a step breaks. It reads the machine's own memory only to
 * ask whether a card was forgotten.
 */
import {valueOf} from '../../fsm/decide.ts'
import type {StateName, Standing, Step} from '../../fsm/session.ts'
import type {Event, Order, OperationKey} from '../../fsm/vocabulary.ts'

/** One operation as the bank and the dispenser see it. */
interface Told {
  readonly key: OperationKey
  readonly askedMinor: number
  readonly isApproved: boolean
  readonly mustConclude: boolean
  readonly dispensedMinor: number
  readonly bunchesMoved: readonly number[]
  readonly advicesCount: number
  /** Whether a note of it may be out of the machine. */
  readonly mayBeOut: boolean
}

/** A transfer as the bank sees it. */
interface Sent {
  readonly key: OperationKey
  /** Approved, or asked for without an answer: the bank may hold it. */
  readonly mayBeHeld: boolean
  readonly advicesCount: number
}

/** What a walk remembers. */
export interface Memory {
  readonly sent: Sent | null
  readonly told: Told | null
  readonly keysUsed: ReadonlySet<string>
  readonly timerRuns: boolean
  /** An order that the runner's deadline will answer. */
  readonly waitsFor: Order['kind'] | 'devices.open' | 'recovery.run' | null
  readonly isCardTaken: boolean
  /** Notes lie in the dispenser's path, and nobody has looked since. */
  readonly isPathBlocked: boolean
}

export const BLANK: Memory = {
  sent: null,
  told: null,
  keysUsed: new Set(),
  timerRuns: false,
  waitsFor: 'devices.open',
  isCardTaken: false,
  isPathBlocked: false,
}

/** Answers to a present order after which the customer had access, or may have had. */
const SHUTTER_OPENED: ReadonlySet<Event['type']> = new Set<Event['type']>([
  'notes.taken',
  'notes.left',
  'notes.presentUnknown',
])

const RESTS: ReadonlySet<StateName> = new Set<StateName>([
  'idle',
  'offline',
  'outOfService',
  'supervisor',
  'suspended',
])

export interface Seen {
  readonly memory: Memory
  /** Rules broken by this step, in words; empty when all is well. */
  readonly broken: readonly string[]
}

/** Follows one step. */
export function follow(before: Memory, from: Standing, event: Event, made: Step): Seen {
  const broken: string[] = []
  let told = afterEvent(before.told, from, event)
  let keysUsed = before.keysUsed
  let sent = sentAfter(before.sent, from, event)
  const isNewVisit = from.state === 'idle' && event.type === 'card.inserted'
  const isCardTaken = event.type === 'card.taken' || (before.isCardTaken && !isNewVisit)
  const isPathBlocked = blockedAfter(before.isPathBlocked, from, event)
  for (const order of made.orders) {
    if (order.kind === 'dispenser.dispense' && isPathBlocked)
      broken.push('notes are ordered past notes in the path')
    if (order.kind === 'printer.print' && order.slip === 'withdrawal' && told?.advicesCount !== 1)
      broken.push('a receipt is printed before the bank is told what became of it')
    if (order.kind.startsWith('operator.') && (from.state !== 'supervisor' || from.context.visit !== null))
      broken.push(`${order.kind} is given in ${from.state}`)
    if (order.kind === 'host.completeTransfer' || order.kind === 'host.reverseTransfer') {
      broken.push(...transferRules(sent, order, event))
      sent = sent && {...sent, advicesCount: sent.advicesCount + 1}
    } else if (isTheRepeat(order, from)) {
      if (!keysUsed.has(order.key)) broken.push(`${order.kind} is repeated under a new key, ${order.key}`)
    } else if ('key' in order && !isAbout(order, told)) {
      if (QUESTIONS.has(order.kind)) {
        if (keysUsed.has(order.key)) broken.push(`${order.kind} uses the key ${order.key} again`)
        keysUsed = new Set([...keysUsed, order.key])
      } else broken.push(`${order.kind} for ${order.key}, which is not the operation at hand`)
    }
    if (order.kind === 'host.transfer') {
      if (event.type !== 'transfer.confirmed') broken.push(`a transfer is asked for by ${event.type}`)
      if (sent !== null && sent.mayBeHeld && sent.advicesCount === 0)
        broken.push('a transfer begins before the last was concluded')
      sent = {key: order.key, mayBeHeld: false, advicesCount: 0}
    }
    if (order.kind === 'host.authorize') {
      if (told !== null && told.mustConclude && told.advicesCount === 0)
        broken.push('a new operation begins before the last was concluded')
      told = newOperation(order.key, order.amountMinor)
    }
    if (told !== null) {
      const moved = afterOrder(told, order, isCardTaken)
      broken.push(...moved.broken)
      told = moved.told
    }
  }
  if (
    from.state === 'changingPin' &&
    made.standing.state === 'showingPinChanged' &&
    event.type !== 'pin.changed'
  )
    broken.push(`a PIN is said to be changed after ${event.type}`)
  const memory = {told, sent, keysUsed, isCardTaken, isPathBlocked, ...waiting(before, from, made, event)}
  broken.push(...standingRules(memory, from, event, made))
  // Between visits nothing is remembered but the keys.
  return {
    memory: RESTS.has(made.standing.state) ? {...memory, told: null, sent: null, isCardTaken: false} : memory,
    broken,
  }
}

/** What is asked under a key of its own. */
const QUESTIONS: ReadonlySet<Order['kind']> = new Set<Order['kind']>([
  'host.authorize',
  'host.verify',
  'host.balance',
  'host.statement',
  'host.changePin',
  'host.payee',
  'host.transfer',
])

/** The one question that is asked again, and under the same key. */
function isTheRepeat(order: Order, from: Standing): order is Extract<Order, {kind: 'host.changePin'}> {
  return order.kind === 'host.changePin' && from.state === 'changingPin'
}

function sentAfter(sent: Sent | null, from: Standing, event: Event): Sent | null {
  const isAnswer = event.type === 'host.approved' || event.type === 'host.silent'
  return sent !== null && from.state === 'transferring' && isAnswer ? {...sent, mayBeHeld: true} : sent
}

function transferRules(
  sent: Sent | null,
  order: Extract<Order, {kind: 'host.completeTransfer' | 'host.reverseTransfer'}>,
  event: Event,
): string[] {
  if (sent?.key !== order.key) return [`${order.kind} for ${order.key}, which was not asked for`]
  return [
    ...(sent.advicesCount === 0 ? [] : ['the bank is told twice what became of a transfer']),
    ...(sent.mayBeHeld ? [] : ['the bank is told about a transfer that it does not hold']),
    ...(order.kind === 'host.completeTransfer' && event.type !== 'host.approved'
      ? ['a transfer is completed that nobody approved']
      : []),
  ]
}

/** What clears a path, or proves it clear. */
const LOOKED: ReadonlySet<Event['type']> = new Set<Event['type']>([
  'cassettes.loaded',
  'reset.done',
  'recovery.finished',
])

function blockedAfter(isBlocked: boolean, from: Standing, event: Event): boolean {
  if (from.state === 'dispensing' && event.type === 'notes.partial' && event.inPath > 0) return true
  const isLookedAt =
    LOOKED.has(event.type) || (event.type === 'device.restored' && event.device === 'dispenser')
  return isBlocked && !isLookedAt
}

function isAbout(order: Order & {readonly key: OperationKey}, told: Told | null): boolean {
  return told !== null && order.key === told.key && order.kind !== 'host.authorize'
}

function newOperation(key: OperationKey, askedMinor: number): Told {
  return {
    key,
    askedMinor,
    isApproved: false,
    mustConclude: false,
    dispensedMinor: 0,
    bunchesMoved: [],
    advicesCount: 0,
    mayBeOut: false,
  }
}

/** What an answer says about the operation. Only an answer to what the state waits for counts. */
function afterEvent(told: Told | null, from: Standing, event: Event): Told | null {
  if (told === null) return null
  const {stacker} = from.context.setup.capabilities
  if (from.state === 'authorizing') {
    if (event.type === 'host.approved')
      return {...told, mustConclude: true, isApproved: event.amountMinor === told.askedMinor}
    if (event.type === 'host.silent') return {...told, mustConclude: true}
  }
  if (from.state === 'dispensing') {
    if (event.type === 'notes.unknown') return {...told, mayBeOut: true}
    if (event.type === 'notes.partial' && (event.path === 'atMouth' || event.counts === 'inDoubt'))
      return {...told, mayBeOut: true}
    const tallies = 'tallies' in event && event.type !== 'reset.done' ? event.tallies : []
    if (!stacker && tallies.some(tally => tally.dispensed > 0)) return {...told, mayBeOut: true}
  }
  if (from.state === 'presenting' && SHUTTER_OPENED.has(event.type)) return {...told, mayBeOut: true}
  const isDrawnBack = event.type === 'notes.retracted' && !event.itemsTaken && event.count !== null
  if (from.state === 'retracting' && isDrawnBack && told.bunchesMoved.length === 1) {
    const bunch = from.context.visit?.operation?.bunches[0] ?? []
    return {...told, mayBeOut: event.count !== bunch.reduce((sum, part) => sum + part.count, 0)}
  }
  return told
}

function afterOrder(told: Told, order: Order, isCardTaken: boolean): {told: Told; broken: string[]} {
  switch (order.kind) {
    case 'dispenser.dispense': {
      const dispensedMinor = told.dispensedMinor + valueOf(order.mix)
      return {
        told: {...told, dispensedMinor, bunchesMoved: [...told.bunchesMoved, order.bunch]},
        broken: [
          ...(told.isApproved ? [] : ['notes are ordered without an approval of that amount']),
          ...(dispensedMinor <= told.askedMinor ? [] : ['more is ordered than was approved']),
          ...(told.bunchesMoved.includes(order.bunch) ? [`bunch ${order.bunch} is ordered again`] : []),
          ...(told.advicesCount === 0 ? [] : ['notes are ordered after the decision']),
          ...(isCardTaken ? [] : ['notes are ordered before the card was taken']),
        ],
      }
    }
    case 'dispenser.present':
      return {
        told,
        broken: told.bunchesMoved.includes(order.bunch)
          ? []
          : [`bunch ${order.bunch} is presented, never stacked`],
      }
    case 'host.complete':
    case 'host.suspect':
    case 'host.reverse':
      return {told: {...told, advicesCount: told.advicesCount + 1}, broken: adviceRules(told, order)}
    default:
      return {told, broken: []}
  }
}

function adviceRules(told: Told, order: Extract<Order, {readonly row: string}>): string[] {
  const broken = told.advicesCount === 0 ? [] : ['the bank is told twice what became of it']
  if (!told.mustConclude) broken.push('the bank is told about money it never gave')
  if (order.kind === 'host.reverse' && told.mayBeOut) broken.push('it is reversed while a note may be out')
  if (order.kind === 'host.complete' && order.paidMinor > told.askedMinor)
    broken.push('more is completed than was approved')
  if (
    order.kind === 'host.suspect' &&
    (order.atLeastMinor > order.atMostMinor || order.atMostMinor > told.askedMinor)
  )
    broken.push(`suspect bounds ${order.atLeastMinor} to ${order.atMostMinor} of ${told.askedMinor}`)
  return broken
}

function waiting(
  before: Memory,
  from: Standing,
  made: Step,
  event: Event,
): Pick<Memory, 'timerRuns' | 'waitsFor'> {
  let timerRuns = before.timerRuns && event.type !== 'timer.fired'
  let waitsFor = made.standing.state === from.state ? before.waitsFor : null
  for (const chore of made.chores) {
    if (chore.kind === 'timer.start') timerRuns = true
    if (chore.kind === 'timer.stop') timerRuns = false
    if (chore.kind === 'devices.open' || chore.kind === 'recovery.run') waitsFor = chore.kind
  }
  for (const order of made.orders) if (!('row' in order)) waitsFor = order.kind
  return {timerRuns, waitsFor}
}

function standingRules(memory: Memory, from: Standing, event: Event, made: Step): string[] {
  const {state} = made.standing
  const isAtRest = RESTS.has(state)
  const broken: string[] = []
  if (!isAtRest && !memory.timerRuns && memory.waitsFor === null) broken.push(`${state} has no deadline`)
  if (isAtRest && memory.timerRuns) broken.push(`a timer runs on in ${state}`)
  const {told} = memory
  if (isAtRest && state !== 'suspended') {
    if (told !== null && told.mustConclude && told.advicesCount !== 1)
      broken.push(`${state} with an operation the bank was told ${told.advicesCount} times about`)
    const {sent} = memory
    if (sent !== null && sent.mayBeHeld && sent.advicesCount !== 1)
      broken.push(`${state} with a transfer the bank was told ${sent.advicesCount} times about`)
    const fate = from.context.visit?.cardFate ?? 'returned'
    if (fate === 'inside' && event.type !== 'card.taken') broken.push('the card is forgotten inside')
  }
  if (event.type === 'journal.failed' && (state !== 'suspended' || made.orders.length > 0))
    broken.push(`a failed journal leads to ${state} with ${made.orders.length} orders`)
  if (from.state === 'suspended' && (state !== 'suspended' || made.orders.length > 0))
    broken.push('something is ordered while suspended')
  return broken
}
