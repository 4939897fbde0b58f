/** What the machine remembers between two events, and the pure steps that change it. */
import {assert, present} from '../kit/assert.ts'
import {noteCount} from '../kit/money.ts'
import type {Count, Currency, Minor} from '../kit/money.ts'
import {NOBODY} from './attendance.ts'
import {addMix, decide, valueOf} from './decide.ts'
import type {Asked, Decision, Evidence} from './decide.ts'
import {bunches, planMix} from './mix.ts'
import {ADVICE_KINDS, CASH_ADVICE_KINDS, operationKeyOf} from './vocabulary.ts'
import type {
  Account,
  Advice,
  CashAdvice,
  Attendance,
  CassetteLevel,
  Device,
  MaskedCard,
  Mix,
  OperationKey,
  Order,
  RetainReason,
  ReversalReason,
  Service,
  TransferAdvice,
} from './vocabulary.ts'

/** What the devices of this machine can do; fixed for the life of the program. */
export interface MachineCapabilities {
  readonly retainCard: boolean
  readonly stacker: boolean
  readonly retractNotes: boolean
  /** Whether there is a receipt printer. */
  readonly printer: boolean
  readonly notesPerCassetteMax: number
  readonly notesPerBunchMax: number
}

/** The operator's choices; ranges are asserted where the configuration is read. */
export interface MachinePolicy {
  readonly mix: 'fewestNotes' | 'balanceCassettes'
  /** `onIfCounted`: draw notes back only if the dispenser counts them, and give the money back by that count. */
  readonly retract: 'off' | 'on' | 'onIfCounted'
  readonly feeMinor: Minor
  readonly amountMaxMinor: Minor
  /** Of one transfer. */
  readonly transferMaxMinor: Minor
  readonly notesMax: number
  /** PIN entry, choices, a fee, more time or not, something else or not, card and notes to be taken, the last screen: all in ms. */
  readonly pinEntryTimeoutMs: number
  readonly customerTimeoutMs: number
  readonly feeTimeoutMs: number
  readonly moreTimeTimeoutMs: number
  readonly anotherTimeoutMs: number
  readonly cardTakeTimeoutMs: number
  readonly notesTakeTimeoutMs: number
  readonly endingTimeoutMs: number
  /** The last screen, where the customer has to write the reference down for want of paper. */
  readonly referenceTimeoutMs: number
}

export interface MachineSetup {
  readonly terminal: string
  readonly currency: Currency
  readonly capabilities: MachineCapabilities
  readonly policy: MachinePolicy
}

/** Something to tell the customer on the next screen of the same visit. */
export type Notice =
  | {readonly kind: 'pinWrong'; readonly triesLeft: number}
  | {readonly kind: 'cannotPay'; readonly belowMinor: Minor | null; readonly aboveMinor: Minor | null}
  | {readonly kind: 'balanceUnavailable'}
  | {readonly kind: 'balancePrinted'}
  | {readonly kind: 'balanceNotPrinted'}
  | {readonly kind: 'statementUnavailable'}
  | {readonly kind: 'payeeUnknown'}
  | {readonly kind: 'transferDeclined'; readonly code: string}
  | {readonly kind: 'pinsDiffer'}
  | {readonly kind: 'pinWeak'}
  | {readonly kind: 'pinNotChanged'; readonly code: string}

/** How the visit ended for the customer: what the last screens say. */
export type Ending =
  | {readonly kind: 'goodbye'}
  | {readonly kind: 'timedOut'}
  | {readonly kind: 'paid'; readonly paidMinor: Minor; readonly reference: OperationKey}
  | {
      readonly kind: 'partlyPaid'
      readonly paidMinor: Minor
      readonly askedMinor: Minor
      readonly reference: OperationKey
    }
  | {readonly kind: 'notPaid'; readonly because: ReversalReason; readonly reference: OperationKey}
  | {readonly kind: 'beingChecked'; readonly reference: OperationKey}
  | {readonly kind: 'transferReversed'; readonly reference: OperationKey}
  | {readonly kind: 'pinUnknown'; readonly reference: OperationKey}
  | {readonly kind: 'declined'; readonly code: string}
  | {readonly kind: 'bankUnreachable'}
  | {readonly kind: 'cardUnreadable'}
  | {readonly kind: 'pinPadFailed'}
  | {readonly kind: 'outOfService'}

export type CardFate = 'inside' | 'returned' | 'leftInMouth' | 'stuck' | RetainReason

export interface Operation {
  readonly key: OperationKey
  readonly account: Account
  readonly amountMinor: Minor
  readonly feeMinor: Minor
  readonly approved: Mix
  readonly bunches: readonly Mix[]
  /** Index of the bunch being paid. */
  readonly bunch: number
  /** With the customer for certain, from bunches before this one. */
  readonly paid: Mix
  /** Notes of this bunch that the dispenser counted into the stacker; null when some may be outside. */
  readonly stacked: Count | null
  /** The bank's, from its approval; null before. */
  readonly authCode: string | null
  readonly decision: Decision | null
}

/** Whether the customer wants a receipt, and what became of it. */
export type ReceiptFate = 'notAsked' | 'unwanted' | 'wanted' | 'printed' | 'failed'

/** A transfer on its way. */
export interface Transfer {
  readonly toAccountId: string
  /** Zero until it is chosen. */
  readonly amountMinor: Minor
  /** Of the question to the bank; null before it. */
  readonly key: OperationKey | null
  /** What the bank was told of its answer; null before it. */
  readonly advice: TransferAdvice | null
}

export interface Visit {
  readonly card: MaskedCard | null
  readonly cardFate: CardFate
  readonly businessDate: string
  readonly accounts: readonly Account[]
  /** The service under way, and the account that it is about; null before they are chosen. */
  readonly service: Service | null
  readonly account: Account | null
  /** Whether the question for more time lies over the screen. */
  readonly isAskedForTime: boolean
  readonly transfer: Transfer | null
  /** The question under way, and whether it went out a second time. */
  readonly pinChange: {readonly key: OperationKey; readonly isAskedAgain: boolean} | null
  readonly notice: Notice | null
  readonly operation: Operation | null
  readonly receipt: ReceiptFate
  readonly ending: Ending | null
}

/** `absent`: this machine has none, and needs none. */
export type DeviceHealth = 'ok' | 'failed' | 'absent'

export interface Context {
  readonly setup: MachineSetup
  readonly devices: Readonly<Record<Device, DeviceHealth>>
  readonly host: 'up' | 'down'
  /** Why the dispenser must not be used until a person has counted. */
  readonly held: string | null
  readonly suspendedBecause: string | null
  /** Whether the journal's disk has room for another visit. */
  readonly disk: 'roomy' | 'full'
  readonly levels: readonly CassetteLevel[]
  readonly nextStan: number
  readonly attendance: Attendance
  readonly visit: Visit | null
}

export const STAN_MAX = 999_999

export function contextAtStart(setup: MachineSetup): Context {
  return {
    setup,
    devices: {
      cardReader: 'failed',
      pinPad: 'failed',
      dispenser: 'failed',
      printer: setup.capabilities.printer ? 'failed' : 'absent',
    },
    host: 'down',
    held: null,
    suspendedBecause: null,
    disk: 'roomy',
    levels: [],
    nextStan: 1,
    attendance: NOBODY,
    visit: null,
  }
}

/** The visit's state, which the state we are in says is there. */
export function visitOf(context: Context): Visit {
  return present(context.visit, 'visit')
}

/** The account that the service under way is about. */
export function accountOf(context: Context): Account {
  return present(visitOf(context).account, 'account')
}

export function transferOf(context: Context): Transfer {
  return present(visitOf(context).transfer, 'transfer')
}

export function operationOf(context: Context): Operation {
  return present(visitOf(context).operation, 'operation')
}

/** A fresh visit; `card` is null when one was found inside that nobody identified. */
export function newVisit(card: MaskedCard | null, businessDate: string, ending: Ending | null = null): Visit {
  return {
    card,
    cardFate: 'inside',
    businessDate,
    accounts: [],
    service: null,
    account: null,
    isAskedForTime: false,
    transfer: null,
    pinChange: null,
    notice: null,
    operation: null,
    receipt: 'notAsked',
    ending,
  }
}

/** The key of the host order that the next state gives. */
export function nextKey(context: Context): OperationKey {
  return operationKeyOf(context.setup.terminal, visitOf(context).businessDate, context.nextStan)
}

export function stanAfter(stan: number): number {
  return stan >= STAN_MAX ? 1 : stan + 1
}

/** Plans the amount with the notes that are there; the limits are the dispenser's and the operator's. */
export function plan(context: Context, amountMinor: Minor): ReturnType<typeof planMix> {
  const {capabilities, policy} = context.setup
  return planMix(amountMinor, context.levels, {
    notesMax: policy.notesMax,
    notesPerCassetteMax: capabilities.notesPerCassetteMax,
    notesPerBunchMax: capabilities.notesPerBunchMax,
    policy: policy.mix,
  })
}

/** Whether the amount is allowed and can be paid out exactly. */
export function isPayable(context: Context, amountMinor: Minor): boolean {
  return (
    amountMinor > 0 &&
    amountMinor <= context.setup.policy.amountMaxMinor &&
    plan(context, amountMinor).kind === 'mix'
  )
}

/** The operation for a payable amount. @throws AssertionFailed when it is not payable: the guard comes first. */
export function newOperation(context: Context, amountMinor: Minor): Operation {
  const {capabilities, policy} = context.setup
  const planned = plan(context, amountMinor)
  assert(planned.kind === 'mix', `no mix for ${amountMinor}`)
  assert(valueOf(planned.mix) === amountMinor, `the mix is worth ${valueOf(planned.mix)}, not ${amountMinor}`)
  return {
    key: nextKey(context),
    account: accountOf(context),
    amountMinor,
    feeMinor: policy.feeMinor,
    approved: planned.mix,
    bunches: bunches(planned.mix, capabilities.notesPerBunchMax, capabilities.notesPerCassetteMax),
    bunch: 0,
    paid: [],
    stacked: noteCount(0),
    authCode: null,
    decision: null,
  }
}

/** The bunch that is being paid. */
export function currentBunch(operation: Operation): Mix {
  return present(operation.bunches[operation.bunch], `bunch ${operation.bunch}`)
}

export function hasAnotherBunch(operation: Operation): boolean {
  return operation.bunch + 1 < operation.bunches.length
}

/** The operation after this bunch went to the customer whole, on its way to the next. */
export function afterBunch(operation: Operation): Operation {
  return {
    ...operation,
    paid: addMix(operation.paid, currentBunch(operation)),
    bunch: operation.bunch + 1,
    stacked: noteCount(0),
  }
}

/** The context after the money is decided: decision, ending, and whether the dispenser is held. Decided once. */
export function concluded(context: Context, evidence: Evidence): Context {
  const operation = operationOf(context)
  assert(operation.decision === null, `operation ${operation.key} is decided already`)
  const decision = decideOperation(context, operation, evidence)
  return {
    ...context,
    held: context.held ?? decision.held,
    visit: {...visitOf(context), operation: {...operation, decision}, ending: endingOf(operation, decision)},
  }
}

function decideOperation(context: Context, operation: Operation, evidence: Evidence): Decision {
  const asked: Asked = {approved: operation.approved, paid: operation.paid, bunch: currentBunch(operation)}
  return decide(asked, evidence, {reverseCountedRetract: context.setup.policy.retract === 'onIfCounted'})
}

function endingOf(operation: Operation, decision: Decision): Ending {
  const reference = operation.key
  switch (decision.verdict.kind) {
    case 'complete': {
      const paidMinor = valueOf(decision.verdict.paid)
      return paidMinor === operation.amountMinor
        ? {kind: 'paid', paidMinor, reference}
        : {kind: 'partlyPaid', paidMinor, askedMinor: operation.amountMinor, reference}
    }
    case 'reverse':
      return {kind: 'notPaid', because: decision.verdict.because, reference}
    case 'suspect':
      return {kind: 'beingChecked', reference}
  }
}

/** What the bank is told of a decided operation. */
export function adviceOf(operation: Operation): CashAdvice {
  const decision = present(operation.decision, 'decision')
  return adviceFor(operation.key, operation.feeMinor, decision)
}

/** Whether an order tells the bank what became of an operation: it stays open, however old, until the bank takes it. */
export function isAdvice(order: Order): order is Advice {
  return ADVICE_KINDS.includes(order.kind)
}

/** Whether it is about notes. */
export function isCashAdvice(order: Order): order is CashAdvice {
  return CASH_ADVICE_KINDS.includes(order.kind)
}

/** What the bank was to be told last in this visit; null before there was anything. */
export function lastAdviceOf({visit}: Context): Advice | null {
  const operation = visit?.operation ?? null
  if (operation !== null && operation.decision !== null) return adviceOf(operation)
  return visit?.transfer?.advice ?? null
}

/** The advice for a decision; the fee is charged when any cash was paid. */
export function adviceFor(key: OperationKey, feeMinor: Minor, decision: Decision): CashAdvice {
  const {verdict, row} = decision
  switch (verdict.kind) {
    case 'complete':
      return {kind: 'host.complete', key, paidMinor: valueOf(verdict.paid), feeMinor, paid: verdict.paid, row}
    case 'reverse':
      return {kind: 'host.reverse', key, because: verdict.because, row}
    case 'suspect':
      return {
        kind: 'host.suspect',
        key,
        atLeastMinor: valueOf(verdict.atLeast),
        atMostMinor: valueOf(verdict.atMost),
        row,
      }
  }
}

/** The states between visits. */
const RESTS = ['suspended', 'supervisor', 'outOfService', 'offline', 'idle'] as const
export type Rest = (typeof RESTS)[number]

/** Whether the machine is between visits. */
export function isRest(state: string): state is Rest {
  return RESTS.some(rest => rest === state)
}

/** Whether it is, and looks after its devices meanwhile: suspended, it does nothing before it is started again. */
export function isWaiting(state: string): boolean {
  return isRest(state) && state !== 'suspended'
}

/** Without one of these nobody is served; without the others, with less. */
export const ESSENTIAL: readonly Device[] = ['cardReader', 'pinPad', 'dispenser']

/** Whether a slip can be printed now. */
export function canPrint(context: Context): boolean {
  return context.devices.printer === 'ok'
}

/** Whether the customer is still to be given a receipt: wanted, and the money decided. */
export function owesReceipt(context: Context): boolean {
  const {receipt, operation} = visitOf(context)
  return receipt === 'wanted' && operation !== null && operation.decision !== null
}

/** Whether the reference on the last screen is all that the customer takes along, and not by choice. */
export function leavesReferenceAlone({visit}: Context): boolean {
  return (
    visit !== null &&
    (visit.operation?.decision ?? null) !== null &&
    (visit.receipt === 'notAsked' || visit.receipt === 'failed')
  )
}

/** The state between visits: the first of them whose reason holds. */
export function restOf(context: Context): Rest {
  if (context.suspendedBecause !== null) return 'suspended'
  if (context.attendance.lockedBecause !== null) return 'outOfService'
  if (context.attendance.supervisor !== null) return 'supervisor'
  if (context.attendance.closedBecause !== null) return 'outOfService'
  const devicesOk = ESSENTIAL.every(device => context.devices[device] === 'ok')
  const hasNotes = context.levels.some(level => level.state === 'ok' && level.count > 0)
  if (!devicesOk || context.held !== null || !hasNotes || context.disk === 'full') return 'outOfService'
  return context.host === 'up' ? 'idle' : 'offline'
}
