/**
 * The life of one money operation under its key: which message may change it, into what, and which is
 * only told the answer of before. Pure; the caller applies a decision in the same store transaction in
 * which it read the operation.
 *
 * Nothing here ends by time: a hold stays until the machine or a person says what became of it.
 */
import {completionEntry, forcedEntry, heldTransferEntry, reversalEntry} from './book.ts'
import type {Entry, HeldMoney} from './book.ts'
import {present} from '../../kit/assert.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'

/**
 * - `held`: approved for a machine, outcome open
 * - `completed`, `reversed`: settled by the machine's advice
 * - `suspect`: nobody knows what left the machine; any hold stays; only a person closes it
 * - `declined`: refused, nothing was touched
 * - `tombstone`: reversed before it was ever asked for; the late request finds this and is declined
 * - `forced`: completed without ever having been asked for; in suspense until a person books it
 * - `posted`: at once and for good: over the counter, a deposit, a transfer that no machine is to complete
 */
export const OPERATION_STATES = [
  'held',
  'completed',
  'reversed',
  'suspect',
  'declined',
  'tombstone',
  'forced',
  'posted',
] as const
export type OperationState = (typeof OPERATION_STATES)[number]

export const OPERATION_TYPES = ['withdrawal', 'deposit', 'transfer'] as const
export type OperationType = (typeof OPERATION_TYPES)[number]

/** The bank's record of one operation. */
export interface Operation {
  readonly key: string
  /** A withdrawal where an advice came before any request: nothing else is advised of. */
  readonly type: OperationType
  /** The machine, or null for a teller's. */
  readonly atmId: string | null
  readonly state: OperationState
  /** Of the request; null when the bank never saw one. */
  readonly fingerprint: string | null
  /** Null when the bank never saw a request that it could place. */
  readonly accountId: string | null
  /** Of a transfer. */
  readonly targetAccountId: string | null
  readonly currency: Currency | null
  /** As asked for. */
  readonly amountMinor: Minor
  readonly feeMinor: Minor
  /** As the advice told: paid for certain, at most, and the fee. Zero before any advice. */
  readonly paidMinor: Minor
  readonly paidAtMostMinor: Minor
  readonly paidFeeMinor: Minor
  readonly transactionId: string | null
  /** The answer to the request, as sent; null when there was none. */
  readonly answer: string | null
  /** The machine's reason or evidence row, the code of a no, or who settled it and why. */
  readonly evidence: string
  /** Whether the machine has said that it does not know; stays when somebody settles it. */
  readonly wasSuspect: boolean
  readonly createdAtMs: EpochMs
  readonly changedAtMs: EpochMs
}

export type BankAdvice =
  | {
      readonly kind: 'complete'
      readonly paidMinor: Minor
      readonly feeMinor: Minor
      readonly currency: Currency
      readonly evidence: string
    }
  | {readonly kind: 'reverse'; readonly evidence: string}
  | {
      readonly kind: 'suspect'
      readonly atLeastMinor: Minor
      readonly atMostMinor: Minor
      readonly currency: Currency
      readonly evidence: string
    }

export type AdviceDecision =
  /** Write `next`, and `entry` when money moves. `isNew`: the key had no record. */
  | {
      readonly kind: 'apply'
      readonly next: Operation
      readonly entry: Entry | null
      readonly isNew: boolean
    }
  /** Known and done; acknowledge again. */
  | {readonly kind: 'repeat'; readonly state: OperationState}
  /** The same key tells another story than before. */
  | {readonly kind: 'contradicts'; readonly why: string}
  /** The amounts cannot be. */
  | {readonly kind: 'impossible'; readonly why: string}
  /** Comes after something that it cannot follow. */
  | {readonly kind: 'tooLate'; readonly why: string}

/** What an advice does to an operation, or to a key that the bank has not seen. */
export function decideAdvice(
  operation: Operation | null,
  advice: BankAdvice,
  at: {readonly key: string; readonly atmId: string; readonly nowMs: EpochMs},
): AdviceDecision {
  if (advice.kind === 'complete') {
    if (advice.paidMinor <= 0) return {kind: 'impossible', why: 'a completion of nothing is a reversal'}
    return operation === null ? force(advice, at) : complete(operation, advice, at.nowMs)
  }
  if (advice.kind === 'reverse') {
    return operation === null ? bury(advice, at) : reverse(operation, advice, at.nowMs)
  }
  if (advice.atMostMinor < advice.atLeastMinor)
    return {kind: 'impossible', why: 'at most is less than at least'}
  return operation === null ? suspectUnknown(advice, at) : suspect(operation, advice, at.nowMs)
}

export type Settlement =
  | {readonly kind: 'apply'; readonly next: Operation; readonly entry: Entry | null}
  | {readonly kind: 'impossible'; readonly why: string}

/**
 * Closes a hold or a suspect by what a count or a person found: so much left the machine. The fee falls due only for
 * all that was asked for. Where the bank has no hold, what was paid goes to suspense.
 */
export function decideSettlement(
  operation: Operation,
  paidMinor: Minor,
  evidence: string,
  nowMs: EpochMs,
): Settlement {
  if (operation.state !== 'held' && operation.state !== 'suspect')
    return {kind: 'impossible', why: `the operation is ${operation.state}`}
  const hasHold = operation.accountId !== null
  const most = hasHold ? operation.amountMinor : operation.paidAtMostMinor
  if (paidMinor < 0 || paidMinor > most)
    return {kind: 'impossible', why: 'more than can have left the machine'}
  if (operation.type === 'transfer' && paidMinor !== 0 && paidMinor !== operation.amountMinor)
    return {kind: 'impossible', why: 'a transfer is all of it or none'}
  const feeMinor = paidMinor === operation.amountMinor ? operation.feeMinor : minorUnits(0)
  const settled = {
    ...operation,
    paidMinor,
    paidAtMostMinor: paidMinor,
    paidFeeMinor: hasHold && paidMinor > 0 ? feeMinor : minorUnits(0),
    evidence,
    changedAtMs: nowMs,
  }
  if (paidMinor === 0)
    return {
      kind: 'apply',
      next: {...settled, state: 'reversed'},
      entry: hasHold ? reversalEntry(heldMoney(operation)) : null,
    }
  if (hasHold)
    return {
      kind: 'apply',
      next: {...settled, state: 'completed'},
      entry: settledEntry(operation, paidMinor, settled.paidFeeMinor),
    }
  const atmId = present(operation.atmId, 'the machine of a suspect')
  const currency = present(operation.currency, 'the currency of a suspect')
  return {
    kind: 'apply',
    next: {...settled, state: 'forced'},
    entry: forcedEntry(atmId, currency, paidMinor),
  }
}

/** Where a hold goes that was not taken back: out of the machine, or to the payee. */
function settledEntry(operation: Operation, paidMinor: Minor, feeMinor: Minor): Entry {
  const money = heldMoney(operation)
  return operation.type === 'transfer'
    ? heldTransferEntry(money, present(operation.targetAccountId, 'the target of a transfer'))
    : completionEntry(money, paidMinor, feeMinor)
}

/** The money of an operation that holds some. */
export function heldMoney(operation: Operation): HeldMoney {
  return {
    accountId: present(operation.accountId, 'the account of a hold'),
    atmId: present(operation.atmId, 'the machine of a hold'),
    currency: present(operation.currency, 'the currency of a hold'),
    amountMinor: operation.amountMinor,
    feeMinor: operation.feeMinor,
  }
}

type Complete = Extract<BankAdvice, {kind: 'complete'}>
type Reverse = Extract<BankAdvice, {kind: 'reverse'}>
type Suspect = Extract<BankAdvice, {kind: 'suspect'}>

function complete(operation: Operation, advice: Complete, nowMs: EpochMs): AdviceDecision {
  switch (operation.state) {
    case 'held': {
      if (advice.currency !== operation.currency)
        return {kind: 'impossible', why: `the hold is in ${operation.currency ?? 'no currency'}`}
      if (advice.paidMinor > operation.amountMinor || advice.feeMinor > operation.feeMinor)
        return {kind: 'impossible', why: 'more than the hold'}
      if (operation.type === 'transfer' && advice.paidMinor !== operation.amountMinor)
        return {kind: 'impossible', why: 'a transfer is all of it or none'}
      return {
        kind: 'apply',
        next: {
          ...operation,
          state: 'completed',
          paidMinor: advice.paidMinor,
          paidAtMostMinor: advice.paidMinor,
          paidFeeMinor: advice.feeMinor,
          evidence: advice.evidence,
          changedAtMs: nowMs,
        },
        entry: settledEntry(operation, advice.paidMinor, advice.feeMinor),
        isNew: false,
      }
    }
    case 'completed':
    case 'forced':
      return operation.paidMinor === advice.paidMinor &&
        operation.paidFeeMinor === advice.feeMinor &&
        operation.currency === advice.currency
        ? {kind: 'repeat', state: operation.state}
        : {kind: 'contradicts', why: 'completed before with other amounts'}
    case 'reversed':
    case 'tombstone':
    case 'suspect':
    case 'declined':
    case 'posted':
      return {kind: 'tooLate', why: `a completion cannot follow ${operation.state}`}
  }
}

function reverse(operation: Operation, advice: Reverse, nowMs: EpochMs): AdviceDecision {
  switch (operation.state) {
    case 'held':
      return {
        kind: 'apply',
        next: {...operation, state: 'reversed', evidence: advice.evidence, changedAtMs: nowMs},
        entry: reversalEntry(heldMoney(operation)),
        isNew: false,
      }
    case 'reversed':
    case 'tombstone':
    case 'declined':
      return {kind: 'repeat', state: operation.state}
    case 'completed':
    case 'forced':
    case 'suspect':
    case 'posted':
      return {kind: 'tooLate', why: `a reversal cannot follow ${operation.state}`}
  }
}

function suspect(operation: Operation, advice: Suspect, nowMs: EpochMs): AdviceDecision {
  switch (operation.state) {
    case 'held':
      if (advice.currency !== operation.currency)
        return {kind: 'impossible', why: `the hold is in ${operation.currency ?? 'no currency'}`}
      return {
        kind: 'apply',
        next: {
          ...operation,
          state: 'suspect',
          paidMinor: advice.atLeastMinor,
          paidAtMostMinor: advice.atMostMinor,
          evidence: advice.evidence,
          wasSuspect: true,
          changedAtMs: nowMs,
        },
        entry: null,
        isNew: false,
      }
    case 'suspect':
      return operation.paidMinor === advice.atLeastMinor &&
        operation.paidAtMostMinor === advice.atMostMinor &&
        operation.currency === advice.currency
        ? {kind: 'repeat', state: 'suspect'}
        : {kind: 'contradicts', why: 'suspected before with other amounts'}
    case 'completed':
    case 'reversed':
    case 'forced':
      // Said again because our acknowledgement was lost, while somebody here has settled it.
      if (operation.wasSuspect) return {kind: 'repeat', state: operation.state}
      return {kind: 'tooLate', why: `a suspicion cannot follow ${operation.state}`}
    case 'tombstone':
    case 'declined':
    case 'posted':
      return {kind: 'tooLate', why: `a suspicion cannot follow ${operation.state}`}
  }
}

interface At {
  readonly key: string
  readonly atmId: string
  readonly nowMs: EpochMs
}

function force(advice: Complete, at: At): AdviceDecision {
  const next: Operation = {
    ...unseen(at, advice.evidence),
    state: 'forced',
    currency: advice.currency,
    paidMinor: advice.paidMinor,
    paidAtMostMinor: advice.paidMinor,
    paidFeeMinor: advice.feeMinor,
  }
  return {
    kind: 'apply',
    next,
    entry: forcedEntry(at.atmId, advice.currency, advice.paidMinor),
    isNew: true,
  }
}

function bury(advice: Reverse, at: At): AdviceDecision {
  return {
    kind: 'apply',
    next: {...unseen(at, advice.evidence), state: 'tombstone'},
    entry: null,
    isNew: true,
  }
}

function suspectUnknown(advice: Suspect, at: At): AdviceDecision {
  const next: Operation = {
    ...unseen(at, advice.evidence),
    state: 'suspect',
    currency: advice.currency,
    paidMinor: advice.atLeastMinor,
    paidAtMostMinor: advice.atMostMinor,
    wasSuspect: true,
  }
  return {kind: 'apply', next, entry: null, isNew: true}
}

/** A key that an advice brings before any request. */
function unseen(at: At, evidence: string): Omit<Operation, 'state'> {
  const nothing = minorUnits(0)
  return {
    key: at.key,
    atmId: at.atmId,
    type: 'withdrawal',
    fingerprint: null,
    accountId: null,
    targetAccountId: null,
    currency: null,
    amountMinor: nothing,
    feeMinor: nothing,
    paidMinor: nothing,
    paidAtMostMinor: nothing,
    paidFeeMinor: nothing,
    transactionId: null,
    answer: null,
    evidence,
    wasSuspect: false,
    createdAtMs: at.nowMs,
    changedAtMs: at.nowMs,
  }
}
