/** Balances and withdrawals: an ATM's becomes a hold, a teller's is posted at once. One key, one effect, for ever. */
import {createHash} from 'node:crypto'
import {answered, answeredBefore, declinedWith, problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import type {BalanceAnswer, WithdrawAnswer, WithdrawRequest} from './api/schema.ts'
import {isoSeconds} from './bank.ts'
import type {Bank} from './bank.ts'
import type {Identity} from './identity.ts'
import {holdEntry, tellerWithdrawalEntry} from './ledger/book.ts'
import type {Operation} from './ledger/operation.ts'
import type {BankAccount, Posted, Tx} from './store/port.ts'
import {assert, present} from '../kit/assert.ts'
import {timeFromIso} from '../kit/clock.ts'
import type {EpochMs} from '../kit/clock.ts'
import {NumberText, writeJson} from '../kit/exact-json.ts'
import {formatAmount, minorUnits, parseAmount} from '../kit/money.ts'
import type {Currency, Minor} from '../kit/money.ts'
import type {Random} from '../kit/random.ts'

/** How long after the PIN a machine may ask about the card's accounts. Chosen: a long visit, several times over. */
export const VISIT_MS = 600_000

/** A withdrawal as asked, read and addressed, not yet decided. */
interface Wish {
  readonly key: string
  readonly account: BankAccount
  readonly amountMinor: Minor
  readonly feeMinor: Minor
  /** Null when the caller set none. */
  readonly deadlineMs: EpochMs | null
  /** As the request names it; a teller may name none. */
  readonly atmId: string | null
  readonly fingerprint: string
}

/** What the customer may still use. A machine is told only of the card that was verified there just now. */
export async function balance(bank: Bank, who: Identity, accountId: string): Promise<Answer> {
  return bank.store.read(async tx => {
    const account = await tx.accounts.find(accountId)
    if (account === null) return problemOf('unknown-account', 'the account in the path does not exist')
    if (who.kind === 'atm' && !(await isVisiting(tx, who.atmId, accountId, bank.clock.wallMs())))
      return problemOf('not-you', 'no card of this account was verified at this machine')
    const body: BalanceAnswer = {
      account_id: accountId,
      balance: amountText(account.balanceMinor, account.currency),
      currency: account.currency,
    }
    return answered(body)
  })
}

/**
 * Approves, declines or repeats.
 * @param who already allowed to speak for the machine that `request` and `key` name
 */
export async function withdraw(
  bank: Bank,
  who: Identity,
  ask: {readonly accountId: string; readonly key: string; readonly request: WithdrawRequest},
): Promise<Answer> {
  return bank.store.transact(async tx => {
    const account = await tx.accounts.find(ask.accountId)
    if (account === null) return problemOf('unknown-account', 'the account in the path does not exist')
    const wish = wishOf(who, account, ask.key, ask.request)
    if ('status' in wish) return wish
    if (wish.atmId !== null && (await tx.atms.find(wish.atmId)) === null)
      return problemOf('unknown-atm', 'the machine in the body does not exist')
    const before = await tx.operations.find(ask.key)
    if (before !== null) return repeated(bank, before, wish)
    return who.kind === 'atm' ? hold(bank, tx, who.atmId, wish) : post(bank, tx, who.name, wish)
  })
}

/** An amount as messages carry it. */
export function amountText(amountMinor: Minor, currency: Currency): NumberText {
  return new NumberText(formatAmount(amountMinor, currency))
}

function wishOf(who: Identity, account: BankAccount, key: string, request: WithdrawRequest): Wish | Answer {
  if ((request.currency ?? account.currency) !== account.currency)
    return problemOf('amount-invalid', `the account is in ${account.currency}`)
  const amount = parseAmount(request.amount.source, account.currency)
  if (amount.kind === 'refused') return problemOf('amount-invalid', amount.why)
  const fee = parseAmount(request.fee?.source ?? '0', account.currency)
  if (fee.kind === 'refused') return problemOf('amount-invalid', fee.why)
  if (amount.amountMinor === 0) return problemOf('amount-invalid', 'nothing is not an amount')
  const deadlineMs = request.deadline === undefined ? null : timeFromIso(request.deadline)
  if (request.deadline !== undefined && deadlineMs === null)
    return problemOf('malformed', 'field deadline is not a moment in UTC')
  const atmId = who.kind === 'atm' ? who.atmId : (request.atm_id ?? null)
  const meaning = [
    who.kind,
    atmId ?? '',
    account.accountId,
    account.currency,
    amount.amountMinor,
    fee.amountMinor,
  ]
  return {
    key,
    account,
    amountMinor: amount.amountMinor,
    feeMinor: fee.amountMinor,
    deadlineMs,
    atmId,
    fingerprint: createHash('sha256').update(JSON.stringify(meaning)).digest('hex'),
  }
}

/** The key is known: the answer of before, or no. */
function repeated(bank: Bank, before: Operation, wish: Wish): Answer {
  if (before.fingerprint !== null && before.fingerprint !== wish.fingerprint) {
    bank.log.warn('a key came back with another meaning', {key: wish.key})
    return problemOf('key-used-otherwise', 'the key belongs to another withdrawal')
  }
  switch (before.state) {
    case 'held':
    case 'declined':
    case 'posted':
      return answeredBefore(present(before.answer, 'the stored answer'))
    // What the machine said since then outranks the approval: an approval said again now would be paid on.
    case 'completed':
    case 'reversed':
    case 'suspect':
    case 'tombstone':
    case 'forced':
      return declinedWith({rc: '94', retain: false})
  }
}

async function hold(bank: Bank, tx: Tx, atmId: string, wish: Wish): Promise<Answer> {
  const nowMs = bank.clock.wallMs()
  if (!(await isVisiting(tx, atmId, wish.account.accountId, nowMs))) return decline(tx, wish, '57', nowMs)
  if (wish.deadlineMs !== null && nowMs > wish.deadlineMs) return decline(tx, wish, '68', nowMs)
  const {account, amountMinor, feeMinor} = wish
  const entry = holdEntry({
    accountId: account.accountId,
    atmId,
    currency: account.currency,
    amountMinor,
    feeMinor,
  })
  const posted = await tx.ledger.post(wish.key, entry, nowMs)
  if (posted.kind === 'insufficient') return decline(tx, wish, '51', nowMs)
  const approval = approvalOf(bank.random, wish, balanceAfter(posted, account), nowMs)
  await tx.operations.insert(operationOf(wish, 'held', approval, nowMs))
  return answered(approval)
}

async function post(bank: Bank, tx: Tx, teller: string, wish: Wish): Promise<Answer> {
  const nowMs = bank.clock.wallMs()
  if (wish.deadlineMs !== null && nowMs > wish.deadlineMs) return decline(tx, wish, '68', nowMs)
  const {account, amountMinor, feeMinor} = wish
  const entry = tellerWithdrawalEntry(account.accountId, teller, account.currency, amountMinor, feeMinor)
  const posted = await tx.ledger.post(wish.key, entry, nowMs)
  if (posted.kind === 'insufficient') return decline(tx, wish, '51', nowMs)
  const approval = approvalOf(bank.random, wish, balanceAfter(posted, account), nowMs)
  await tx.operations.insert({
    ...operationOf(wish, 'posted', approval, nowMs),
    paidMinor: amountMinor,
    paidAtMostMinor: amountMinor,
    paidFeeMinor: feeMinor,
  })
  await tx.ledger.addTransaction({
    transactionId: approval.transaction_id,
    accountId: account.accountId,
    atmId: wish.atmId,
    transactionType: 'withdrawal',
    amountMinor,
    transactionDate: approval.transaction_date,
  })
  return answered(approval)
}

async function decline(tx: Tx, wish: Wish, rc: string, nowMs: EpochMs): Promise<Answer> {
  const declined = {rc, retain: false}
  await tx.operations.insert({
    ...operationOf(wish, 'declined', null, nowMs),
    answer: writeJson(declined),
    evidence: `rc ${rc}`,
  })
  return declinedWith(declined)
}

/** As the posting itself left it, not as it was read before. */
function balanceAfter({balances}: Extract<Posted, {kind: 'posted'}>, {accountId}: BankAccount): Minor {
  return present(balances.get(accountId), 'the balance of the account that was debited')
}

function approvalOf(random: Random, wish: Wish, balanceMinor: Minor, nowMs: EpochMs): WithdrawAnswer {
  const {account, amountMinor, feeMinor} = wish
  const {currency} = account
  return {
    // Grows with time, so that rows of one hour lie together.
    transaction_id: `${nowMs.toString(16).padStart(12, '0')}${Buffer.from(random.bytes(6)).toString('hex')}`,
    account_id: account.accountId,
    amount: amountText(amountMinor, currency),
    balance: amountText(balanceMinor, currency),
    transaction_date: isoSeconds(nowMs),
    fee: amountText(feeMinor, currency),
    currency,
    rc: '00',
    auth_code: random.below(1_000_000).toString().padStart(6, '0'),
  }
}

function operationOf(
  wish: Wish,
  state: 'held' | 'declined' | 'posted',
  approval: WithdrawAnswer | null,
  nowMs: EpochMs,
): Operation {
  const nothing = minorUnits(0)
  assert((approval === null) === (state === 'declined'), 'an operation is approved or declined')
  return {
    key: wish.key,
    type: 'withdrawal',
    atmId: wish.atmId,
    state,
    fingerprint: wish.fingerprint,
    accountId: wish.account.accountId,
    targetAccountId: null,
    currency: wish.account.currency,
    amountMinor: wish.amountMinor,
    feeMinor: wish.feeMinor,
    paidMinor: nothing,
    paidAtMostMinor: nothing,
    paidFeeMinor: nothing,
    transactionId: approval === null ? null : approval.transaction_id,
    answer: approval === null ? null : writeJson(approval),
    evidence: '',
    wasSuspect: false,
    createdAtMs: nowMs,
    changedAtMs: nowMs,
  }
}

/** Whether a card of this account was verified at this machine, with its PIN, just now. */
async function isVisiting(tx: Tx, atmId: string, accountId: string, nowMs: EpochMs): Promise<boolean> {
  const visit = await tx.cards.visit(atmId)
  if (visit === null || nowMs - visit.verifiedAtMs > VISIT_MS) return false
  const accounts = await tx.cards.accounts(visit.cardId)
  return accounts.some(account => account.accountId === accountId)
}
