/** Transfers between two accounts of the bank, posted at once. */
import {answered, problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import type {TransferAnswer, TransferRequest} from './api/schema.ts'
import {isoSeconds, newId} from './bank.ts'
import type {Bank} from './bank.ts'
import type {Identity} from './identity.ts'
import {transferEntry} from './ledger/book.ts'
import {
  amountText,
  answerOfBefore,
  balanceAfter,
  decline,
  isVisiting,
  operationOf,
  touchesOf,
  wishOf,
} from './movement.ts'
import type {Address, Wish} from './movement.ts'
import type {BankAccount, Tx} from './store/port.ts'
import {present} from '../kit/assert.ts'
import type {EpochMs} from '../kit/clock.ts'

/**
 * Posts, declines or repeats.
 * @param key already known to be of the caller
 */
export async function transfer(
  bank: Bank,
  who: Identity,
  ask: {readonly accountId: string; readonly key: string; readonly request: TransferRequest},
): Promise<Answer> {
  const {accountId, key, request} = ask
  const targetAccountId = request.target_account_id
  if (targetAccountId === accountId)
    return problemOf('same-account', 'source and target are the same account')
  const at: Address = {type: 'transfer', key, accountId, targetAccountId}
  return bank.store.move(touchesOf(bank, who, at, request), async tx => {
    const wish = await wishOf(tx, who, at, request)
    if ('status' in wish) return wish
    const before = await answerOfBefore(bank, tx, who, wish)
    if (before !== null) return before
    const nowMs = bank.clock.wallMs()
    if (who.kind === 'atm' && !(await isVisiting(tx, who.atmId, accountId, nowMs)))
      return decline(tx, who, wish, '57', nowMs)
    return post(bank, tx, who, wish, present(wish.target, 'the target of a transfer'), nowMs)
  })
}

async function post(
  bank: Bank,
  tx: Tx,
  who: Identity,
  wish: Wish,
  target: BankAccount,
  nowMs: EpochMs,
): Promise<Answer> {
  const {account, amountMinor} = wish
  const {accountId, currency} = account
  const entry = transferEntry(accountId, target.accountId, currency, amountMinor)
  const posted = await tx.ledger.post(wish.key, entry, nowMs)
  if (posted.kind === 'insufficient') return decline(tx, who, wish, '51', nowMs)
  // A machine serves one customer, and is told of no other one's money.
  const maySee = who.kind === 'person' || (await isVisiting(tx, who.atmId, target.accountId, nowMs))
  const body: TransferAnswer = {
    transaction_id: newId(bank, accountId),
    source_account_id: accountId,
    target_account_id: target.accountId,
    amount: amountText(amountMinor, currency),
    source_balance: amountText(balanceAfter(posted, account), currency),
    ...(maySee ? {target_balance: amountText(balanceAfter(posted, target), currency)} : {}),
    transaction_date: isoSeconds(nowMs),
    currency,
    rc: '00',
  }
  const answer = answered(body)
  const transactionId = body.transaction_id
  await tx.operations.insert(operationOf(wish, 'posted', {transactionId, answer: answer.text}, nowMs))
  await tx.ledger.addTransaction(
    {
      transactionId,
      accountId,
      atmId: wish.atmId,
      transactionType: 'transfer',
      amountMinor,
      transactionDate: body.transaction_date,
    },
    target.accountId,
  )
  return answer
}
