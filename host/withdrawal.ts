/** Balances and withdrawals: an ATM's becomes a hold, a teller's is posted at once. */
import {answered, problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import type {BalanceAnswer, WithdrawAnswer, WithdrawRequest} from './api/schema.ts'
import {isoSeconds, newId} from './bank.ts'
import type {Bank} from './bank.ts'
import {approved, refusalOf, withdrawn} from './guard/watch.ts'
import type {Identity} from './identity.ts'
import {holdEntry, tellerWithdrawalEntry} from './ledger/book.ts'
import {
  amountText,
  answerOfBefore,
  balanceAfter,
  decline,
  isTooLate,
  operationOf,
  touchesOf,
  visitingCard,
  wishOf,
} from './movement.ts'
import type {Address, Wish} from './movement.ts'
import type {Tx} from './store/port.ts'
import type {EpochMs} from '../kit/clock.ts'
import type {Minor} from '../kit/money.ts'

/** What the customer may still use. A machine is told only of the card that was verified there just now. */
export async function balance(bank: Bank, who: Identity, accountId: string): Promise<Answer> {
  return bank.store.read(async tx => {
    const account = await tx.accounts.find(accountId)
    if (account === null) return problemOf('unknown-account', 'the account in the path does not exist')
    if (who.kind === 'atm' && (await visitingCard(tx, who.atmId, accountId, bank.clock.wallMs())) === null)
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
 * @param key already known to be of the caller
 */
export async function withdraw(
  bank: Bank,
  who: Identity,
  ask: {readonly accountId: string; readonly key: string; readonly request: WithdrawRequest},
): Promise<Answer> {
  const at: Address = {type: 'withdrawal', key: ask.key, accountId: ask.accountId}
  return bank.store.move(touchesOf(bank, who, at, ask.request), async tx => {
    const wish = await wishOf(tx, who, at, ask.request)
    if ('status' in wish) return wish
    const before = await answerOfBefore(bank, tx, who, wish)
    if (before !== null) return before
    const nowMs = bank.clock.wallMs()
    if (isTooLate(wish, nowMs)) return decline(tx, who, wish, '68', nowMs)
    return who.kind === 'atm' ? hold(bank, tx, who, wish, nowMs) : post(bank, tx, who, wish, nowMs)
  })
}

async function hold(
  bank: Bank,
  tx: Tx,
  who: Extract<Identity, {kind: 'atm'}>,
  wish: Wish,
  nowMs: EpochMs,
): Promise<Answer> {
  const {account, amountMinor, feeMinor} = wish
  const {accountId, currency} = account
  const {atmId} = who
  const cardId = await visitingCard(tx, atmId, accountId, nowMs)
  if (cardId === null) return decline(tx, who, wish, '57', nowMs)
  const asked = {key: wish.key, cardId, accountId, atmId, amountMinor}
  const refusal = await refusalOf(bank, tx, asked, nowMs)
  if (refusal !== null) return decline(tx, who, wish, refusal, nowMs)
  const entry = holdEntry({accountId, atmId, currency, amountMinor, feeMinor})
  const posted = await tx.ledger.post(wish.key, entry, nowMs)
  if (posted.kind === 'insufficient') {
    await withdrawn(bank, tx, asked, nowMs)
    return decline(tx, who, wish, '51', nowMs)
  }
  await approved(bank, tx, asked, nowMs)
  const approval = approvalOf(bank, wish, balanceAfter(posted, account), nowMs)
  const answer = answered(approval)
  const transactionId = approval.transaction_id
  await tx.operations.insert(operationOf(wish, 'held', {transactionId, answer: answer.text}, nowMs))
  return answer
}

async function post(
  bank: Bank,
  tx: Tx,
  who: Extract<Identity, {kind: 'person'}>,
  wish: Wish,
  nowMs: EpochMs,
): Promise<Answer> {
  const {account, amountMinor, feeMinor} = wish
  const entry = tellerWithdrawalEntry(account.accountId, who.name, account.currency, amountMinor, feeMinor)
  const posted = await tx.ledger.post(wish.key, entry, nowMs)
  if (posted.kind === 'insufficient') return decline(tx, who, wish, '51', nowMs)
  const approval = approvalOf(bank, wish, balanceAfter(posted, account), nowMs)
  const answer = answered(approval)
  const transactionId = approval.transaction_id
  await tx.operations.insert(operationOf(wish, 'posted', {transactionId, answer: answer.text}, nowMs))
  await tx.ledger.addTransaction({
    transactionId,
    accountId: account.accountId,
    atmId: wish.atmId,
    transactionType: 'withdrawal',
    amountMinor,
    transactionDate: approval.transaction_date,
  })
  return answer
}

function approvalOf(bank: Bank, wish: Wish, balanceMinor: Minor, nowMs: EpochMs): WithdrawAnswer {
  const {account, amountMinor, feeMinor} = wish
  const {currency} = account
  return {
    transaction_id: newId(bank, account.accountId),
    account_id: account.accountId,
    amount: amountText(amountMinor, currency),
    balance: amountText(balanceMinor, currency),
    transaction_date: isoSeconds(nowMs),
    fee: amountText(feeMinor, currency),
    currency,
    rc: '00',
    auth_code: bank.random.below(1_000_000).toString().padStart(6, '0'),
  }
}
