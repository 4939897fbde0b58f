/** Deposits, posted at once: a machine tells of notes that it has stored, a teller of notes in the drawer. */
import {answered, problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import type {DepositAnswer, DepositRequest} from './api/schema.ts'
import {isoSeconds, newId} from './bank.ts'
import type {Bank} from './bank.ts'
import type {Identity} from './identity.ts'
import {depositEntry, ledgerAccounts} from './ledger/book.ts'
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
import {acceptInDay} from './settlement/day.ts'
import type {Tx} from './store/port.ts'
import {assert} from '../kit/assert.ts'
import type {EpochMs} from '../kit/clock.ts'
import {parseAmount} from '../kit/money.ts'

/**
 * Posts, declines or repeats. A machine that hears a decline gives the notes back; one that hears nothing asks
 * again under the same key.
 * @param key already known to be of the caller
 */
export async function deposit(
  bank: Bank,
  who: Identity,
  ask: {readonly accountId: string; readonly key: string; readonly request: DepositRequest},
): Promise<Answer> {
  const at: Address = {type: 'deposit', key: ask.key, accountId: ask.accountId}
  return bank.store.move(touchesOf(bank, who, at, ask.request), async tx => {
    const wish = await wishOf(tx, who, at, ask.request)
    if ('status' in wish) return wish
    const why = mismatchOf(wish, ask.request)
    if (why !== null) return problemOf('amount-invalid', why)
    const before = await answerOfBefore(bank, tx, who, wish)
    if (before !== null) return before
    const nowMs = bank.clock.wallMs()
    const {accountId} = wish.account
    if (who.kind === 'atm' && !(await isVisiting(tx, who.atmId, accountId, nowMs)))
      return decline(tx, who, wish, '57', nowMs)
    return post(bank, tx, who, wish, nowMs)
  })
}

/** What does not fit between the notes, where they are listed, and the amount; null when all does. */
function mismatchOf({account, amountMinor}: Wish, {notes}: DepositRequest): string | null {
  if (notes === undefined) return null
  let sumMinor = 0
  for (const {value, count} of notes) {
    const worth = parseAmount(value.source, account.currency)
    if (worth.kind === 'refused') return worth.why
    sumMinor += worth.amountMinor * count
  }
  return sumMinor === amountMinor ? null : 'the notes do not add up to the amount'
}

async function post(bank: Bank, tx: Tx, who: Identity, wish: Wish, nowMs: EpochMs): Promise<Answer> {
  const {account, amountMinor} = wish
  const {accountId, currency} = account
  const cash = who.kind === 'atm' ? ledgerAccounts.atmCash(who.atmId) : ledgerAccounts.till(who.name)
  const posted = await tx.ledger.post(wish.key, depositEntry(accountId, cash, currency, amountMinor), nowMs)
  assert(posted.kind === 'posted', 'a deposit took a customer below zero')
  const body: DepositAnswer = {
    transaction_id: newId(bank, accountId),
    account_id: accountId,
    amount: amountText(amountMinor, currency),
    balance: amountText(balanceAfter(posted, account), currency),
    transaction_date: isoSeconds(nowMs),
    currency,
    rc: '00',
  }
  const answer = answered(body)
  const transactionId = body.transaction_id
  await tx.operations.insert(operationOf(wish, 'posted', {transactionId, answer: answer.text}, nowMs))
  await tx.ledger.addTransaction({
    transactionId,
    accountId,
    atmId: wish.atmId,
    transactionType: 'deposit',
    amountMinor,
    transactionDate: body.transaction_date,
  })
  if (who.kind === 'atm') await acceptInDay(tx, who.atmId, wish.key, 'deposit', amountMinor, nowMs)
  return answer
}
