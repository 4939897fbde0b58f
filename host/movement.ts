/**
 * What withdrawal, deposit and transfer have in common: reading what is asked, answering a key that is known
 * already, declining, and the record of one operation. One key, one effect, for ever.
 */
import {createHash} from 'node:crypto'
import {answeredBefore, declinedWith, problemOf, problemWith} from './api/answer.ts'
import type {Answer, ProblemName} from './api/answer.ts'

import type {Bank} from './bank.ts'
import {limitsOf} from './guard/limits.ts'
import type {Identity} from './identity.ts'
import type {Operation, OperationState, OperationType} from './ledger/operation.ts'
import type {BankAccount, Posted, Touches, Tx} from './store/port.ts'
import {present} from '../kit/assert.ts'
import {timeFromIso} from '../kit/clock.ts'
import type {EpochMs} from '../kit/clock.ts'
import {NumberText} from '../kit/exact-json.ts'
import {formatAmount, minorUnits, parseAmount} from '../kit/money.ts'
import type {Currency, Minor} from '../kit/money.ts'

/** How long after the PIN a machine may ask about the card's accounts. Chosen: a long visit, several times over. */
export const VISIT_MS = 600_000

/** A movement of money as asked, read and addressed, not yet decided. */
export interface Wish {
  readonly type: OperationType
  readonly key: string
  readonly account: BankAccount
  readonly target: BankAccount | null
  readonly amountMinor: Minor
  readonly feeMinor: Minor
  /** Null when the caller set none. */
  readonly deadlineMs: EpochMs | null
  /** The machine that asks, or that a person names; null for none. */
  readonly atmId: string | null
  readonly fingerprint: string
}

/** What a request may say besides its addresses; all three messages have these names. */
interface Request {
  readonly amount: NumberText
  readonly atm_id?: string
  readonly fee?: NumberText
  readonly currency?: Currency
  readonly deadline?: string
}

/** Where the money is, and the key under which it moves. */
export interface Address {
  readonly type: OperationType
  readonly key: string
  readonly accountId: string
  /** Of a transfer. */
  readonly targetAccountId?: string
  /** Whether a transfer is held first. */
  readonly isHeld?: boolean
}

/** What deciding it will look at. */
export function touchesOf(bank: Bank, who: Identity, at: Address, request: Pick<Request, 'atm_id'>): Touches {
  const {key, accountId, targetAccountId} = at
  const atmId = who.kind === 'atm' ? who.atmId : request.atm_id
  const nowMs = bank.clock.wallMs()
  return {
    keys: [key],
    accountIds: targetAccountId === undefined ? [accountId] : [accountId, targetAccountId],
    atmIds: atmId === undefined ? [] : [atmId],
    limits: ({cardIds}) =>
      at.type === 'withdrawal' && who.kind === 'atm'
        ? cardIds.flatMap(cardId =>
            limitsOf(bank.guard.policy, {cardId, accountId, atmId: who.atmId, askedAtMs: nowMs}),
          )
        : [],
  }
}

/** Reads the request against the accounts that it names, or says what is wrong with it. */
export async function wishOf(tx: Tx, who: Identity, at: Address, request: Request): Promise<Wish | Answer> {
  if (who.kind === 'atm' && request.atm_id !== undefined && request.atm_id !== who.atmId)
    return problemOf('not-you', 'the machine in the body is not the caller')
  const account = await tx.accounts.find(at.accountId)
  if (account === null) return problemOf('unknown-account', 'the account in the path does not exist')
  const target = at.targetAccountId === undefined ? null : await tx.accounts.find(at.targetAccountId)
  if (at.targetAccountId !== undefined && target === null)
    return problemOf('unknown-account', 'the account in target_account_id does not exist')
  const {currency} = account
  if ((request.currency ?? currency) !== currency)
    return problemOf('amount-invalid', `the account is in ${currency}`)
  if (target !== null && target.currency !== currency)
    return problemOf('amount-invalid', `the one account is in ${currency}, the other in ${target.currency}`)
  const amount = parseAmount(request.amount.source, currency)
  if (amount.kind === 'refused') return problemOf('amount-invalid', amount.why)
  const fee = parseAmount(request.fee?.source ?? '0', currency)
  if (fee.kind === 'refused') return problemOf('amount-invalid', fee.why)
  if (amount.amountMinor === 0) return problemOf('amount-invalid', 'nothing is not an amount')
  const deadlineMs = request.deadline === undefined ? null : timeFromIso(request.deadline)
  if (request.deadline !== undefined && deadlineMs === null)
    return problemOf('malformed', 'field deadline is not a moment in UTC')
  const atmId = who.kind === 'atm' ? who.atmId : (request.atm_id ?? null)
  const stranger = who.kind === 'person' && atmId !== null ? await unusable(tx, atmId) : null
  if (stranger !== null) return stranger
  const meaning = [
    at.type,
    who.kind,
    atmId ?? '',
    account.accountId,
    target?.accountId ?? '',
    currency,
    amount.amountMinor,
    fee.amountMinor,
    ...(at.isHeld === true ? ['held'] : []),
  ]
  return {
    type: at.type,
    key: at.key,
    account,
    target,
    amountMinor: amount.amountMinor,
    feeMinor: fee.amountMinor,
    deadlineMs,
    atmId,
    fingerprint: createHash('sha256').update(JSON.stringify(meaning)).digest('hex'),
  }
}

/** Why a machine that a person names cannot be named; null when it can. */
async function unusable(tx: Tx, atmId: string): Promise<Answer | null> {
  const atm = await tx.atms.find(atmId)
  if (atm === null) return problemOf('unknown-atm', 'the machine in the body does not exist')
  return atm.status === 'active' ? null : problemOf('atm-inactive', 'the machine in the body is switched off')
}

/** The answer to a key that was here before; null when it was not. */
export async function answerOfBefore(bank: Bank, tx: Tx, who: Identity, wish: Wish): Promise<Answer | null> {
  const before = await tx.operations.find(wish.key)
  if (before === null) return null
  if (before.fingerprint !== null && before.fingerprint !== wish.fingerprint) {
    bank.log.warn('a key came back with another meaning', {key: wish.key})
    return problemOf('key-used-otherwise', 'the key belongs to another movement of money')
  }
  switch (before.state) {
    case 'declined':
      return declinedFor(who, declineCodeOf(before))
    case 'held':
    case 'posted':
      return answeredBefore(present(before.answer, 'the stored answer'))
    // What was said since then outranks the approval: an approval said again now would be paid on.
    case 'completed':
    case 'reversed':
    case 'suspect':
    case 'tombstone':
    case 'forced':
      return declinedFor(who, '94')
  }
}

/** The problems that a person hears for a code; any other code is `declined`. */
const PROBLEM_OF: Readonly<Record<string, readonly [name: ProblemName, detail: string]>> = {
  '51': ['insufficient-funds', 'nothing was moved'],
  '68': ['too-late', 'nothing was moved'],
  '94': ['key-used-otherwise', 'the key was settled meanwhile'],
}

/** A no: for a machine a message of its own, for a person a problem. The same no is the same text. */
export function declinedFor(who: Identity, rc: string): Answer {
  if (who.kind === 'atm') return declinedWith({rc, retain: false})
  const known = PROBLEM_OF[rc]
  return known === undefined
    ? problemWith('declined', 'nothing was moved', rc)
    : problemOf(known[0], known[1])
}

/** Records the no under its key, so that the key stays a no. */
export async function decline(
  tx: Tx,
  who: Identity,
  wish: Wish,
  rc: string,
  nowMs: EpochMs,
): Promise<Answer> {
  const answer = declinedFor(who, rc)
  await tx.operations.insert({
    ...operationOf(wish, 'declined', null, nowMs),
    answer: answer.text,
    evidence: rc,
  })
  return answer
}

/** The evidence of a declined operation is its code. */
function declineCodeOf({evidence}: Operation): string {
  return evidence
}

/** The record of an operation that has just been decided. @param approval its id and the answer as sent */
export function operationOf(
  wish: Wish,
  state: Extract<OperationState, 'held' | 'declined' | 'posted'>,
  approval: {readonly transactionId: string; readonly answer: string} | null,
  nowMs: EpochMs,
): Operation {
  const nothing = minorUnits(0)
  const isPosted = state === 'posted'
  return {
    key: wish.key,
    type: wish.type,
    atmId: wish.atmId,
    state,
    fingerprint: wish.fingerprint,
    accountId: wish.account.accountId,
    targetAccountId: wish.target?.accountId ?? null,
    currency: wish.account.currency,
    amountMinor: wish.amountMinor,
    feeMinor: wish.feeMinor,
    paidMinor: isPosted ? wish.amountMinor : nothing,
    paidAtMostMinor: isPosted ? wish.amountMinor : nothing,
    paidFeeMinor: isPosted ? wish.feeMinor : nothing,
    transactionId: approval?.transactionId ?? null,
    answer: approval?.answer ?? null,
    evidence: '',
    wasSuspect: false,
    createdAtMs: nowMs,
    changedAtMs: nowMs,
  }
}

/** Whether the time that the caller gave is over. */
export function isTooLate({deadlineMs}: Wish, nowMs: EpochMs): boolean {
  return deadlineMs !== null && nowMs > deadlineMs
}

/** As the posting itself left it, not as it was read before. */
export function balanceAfter({balances}: Extract<Posted, {kind: 'posted'}>, {accountId}: BankAccount): Minor {
  return present(balances.get(accountId), 'the balance of an account that was moved')
}

/** An amount as messages carry it. */
export function amountText(amountMinor: Minor, currency: Currency): NumberText {
  return new NumberText(formatAmount(amountMinor, currency))
}

/** The card of this account that was verified at this machine, with its PIN, just now; null when there is none. */
export async function visitingCard(
  tx: Tx,
  atmId: string,
  accountId: string,
  nowMs: EpochMs,
): Promise<string | null> {
  const visit = await tx.cards.visit(atmId)
  if (visit === null || nowMs - visit.verifiedAtMs > VISIT_MS) return null
  const accounts = await tx.cards.accounts(visit.cardId)
  return accounts.some(account => account.accountId === accountId) ? visit.cardId : null
}

export async function isVisiting(tx: Tx, atmId: string, accountId: string, nowMs: EpochMs): Promise<boolean> {
  return (await visitingCard(tx, atmId, accountId, nowMs)) !== null
}
