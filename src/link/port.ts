/** What the session asks of the bank, whatever carries it. Every way an exchange can end is a value. */
import type {Account, Advice, AdviceState, CashUnit, Day, OperationKey} from '../../fsm/vocabulary.ts'
import type {StatusEvent} from '../../host/api/schema.ts'
import type {EpochMs} from '../../kit/clock.ts'
import type {Currency, Minor} from '../../kit/money.ts'
import type {Secret} from '../../kit/secret.ts'

/** No trustworthy answer came within the deadline; the bank may or may not have acted. */
export interface Silent {
  readonly kind: 'silent'
  /** For the operator; holds no secret. */
  readonly why: string
}

/** The bank answered no. `code` is the ISO 8583 response code (51, 55, 75, ...). */
export interface Declined {
  readonly kind: 'declined'
  readonly code: string
  readonly retain: boolean
}

export type SignOnAnswer =
  | {
      readonly kind: 'signedOn'
      /** `2026-11-22`; the date that the next operations' keys carry. */
      readonly businessDate: string
      /** The PIN key under the pad's master key. */
      readonly pinKey: Secret<Uint8Array>
      /** Six upper-case hex digits that the pad must compute as well. */
      readonly pinKeyCheckValue: string
    }
  | Declined
  | Silent

export type VerifyAnswer =
  | {readonly kind: 'verified'; readonly accounts: readonly Account[]}
  | {readonly kind: 'pinWrong'; readonly triesLeft: number}
  | Declined
  | Silent

export type BalanceAnswer = {readonly kind: 'balance'; readonly balanceMinor: Minor} | Declined | Silent

/** One settled movement of an account. */
export interface StatementLine {
  /** When the bank booked it, UTC: `2026-11-22T11:30:00Z`. */
  readonly at: string
  readonly kind: 'withdrawal' | 'deposit' | 'sent' | 'received'
  /** What the account gained. */
  readonly amountMinor: Minor
}

/** Newest first. */
export type StatementAnswer =
  {readonly kind: 'statement'; readonly lines: readonly StatementLine[]} | Declined | Silent

/** `name`: of the account's holder, with as little of it as the bank likes. */
export type PayeeAnswer = {readonly kind: 'payee'; readonly name: string} | Declined | Silent

export type ChangePinAnswer = {readonly kind: 'changed'} | Declined | Silent

export type AuthorizeAnswer =
  {readonly kind: 'approved'; readonly authCode: string; readonly amountMinor: Minor} | Declined | Silent

/** `refused`: the bank answered, and will not take this advice; it stays open and somebody must look. */
export type AdviceAnswer =
  | {readonly kind: 'acknowledged'; readonly state: AdviceState}
  | {readonly kind: 'refused'; readonly why: string}
  | Silent

/** `refused`: the bank has the date closed with other sums, or does not know it. */
export type CutOverAnswer =
  | {readonly kind: 'closed'; readonly next: string; readonly settlement: 'in-balance' | 'out-of-balance'}
  | {readonly kind: 'refused'; readonly why: string}
  | Silent

/** What people found in a cassette when they opened it, and what the machine believed. */
export interface CassetteFound {
  readonly cassette: number
  readonly found: number
  readonly expected: number
}

/** How a part of the machine stands from now on. Each has a number of its own, the highest is the newest. */
export interface PartEvent {
  readonly seq: number
  readonly atMs: EpochMs
  readonly part: StatusEvent['part']
  readonly state: StatusEvent['state']
  /** At most 200 characters of printable ASCII. */
  readonly detail: string
}

/** `throughSeq`: the highest number that the bank has of this machine's events, 0 before the first. */
export type EventsAnswer = {readonly kind: 'taken'; readonly throughSeq: number} | Declined | Silent

export interface HostLink {
  /** Opens the business: fetches the date and the PIN key. */
  signOn(): Promise<SignOnAnswer>
  /** Card and PIN together; the PIN block goes nowhere else. */
  verify(ask: {
    readonly key: OperationKey
    readonly track2: Secret<string>
    readonly pinBlock: Secret<Uint8Array>
  }): Promise<VerifyAnswer>
  balance(ask: {readonly accountId: string}): Promise<BalanceAnswer>
  /** Asks for a hold of amount and fee. The same key asks for the same hold, however often. */
  authorize(ask: {
    readonly key: OperationKey
    readonly accountId: string
    readonly amountMinor: Minor
    readonly feeMinor: Minor
    readonly currency: Currency
    /** How the operation before ended, told again: a bank that lost its advice can repair itself. Null before the first. */
    readonly last: Advice | null
  }): Promise<AuthorizeAnswer>
  statement(ask: {readonly accountId: string}): Promise<StatementAnswer>
  payee(ask: {readonly accountId: string; readonly toAccountId: string}): Promise<PayeeAnswer>
  /** Asks for a hold that becomes a transfer when it is completed. The same key asks for the same, however often. */
  transfer(ask: {
    readonly key: OperationKey
    readonly accountId: string
    readonly toAccountId: string
    readonly amountMinor: Minor
    readonly currency: Currency
    /** As in `authorize`. */
    readonly last: Advice | null
  }): Promise<AuthorizeAnswer>
  /** The new PIN twice. The same key changes it once, and tells whether it did. */
  changePin(ask: {
    readonly key: OperationKey
    readonly track2: Secret<string>
    readonly newPin: Secret<Uint8Array>
    readonly repeatedPin: Secret<Uint8Array>
  }): Promise<ChangePinAnswer>
  /** Tells what became of an operation. Idempotent by the advice's key. */
  advise(advice: Advice): Promise<AdviceAnswer>
  /** Closes the business date with its sums. @param rowsCount of the journal by then. Idempotent by date and sums. */
  cutOver(day: Day, rowsCount: number): Promise<CutOverAnswer>
  /** Tells what the machine believes to hold, and what people found in its cassettes. @returns whether the bank has it */
  tellCash(cash: readonly CashUnit[], found: readonly CassetteFound[]): Promise<boolean>
  /** A cheap question that proves the link; true when the bank answered. */
  probe(): Promise<boolean>
  /** Tells what changed at the machine, 100 events at most; none asks how far the bank has them. Idempotent by number. */
  tellEvents(events: readonly PartEvent[]): Promise<EventsAnswer>
  /** How far this clock is from the bank's at least, by its last sign-on or probe; null before the first. */
  clockErrorMs(): number | null
  /** What the bank's clock says; null when it does not answer. Exact to the time that the answer took. */
  time(): Promise<EpochMs | null>
  close(): Promise<void>
}
