/**
 * Transfers between two accounts of the bank: posted at once, or, for a machine that asks so, held until it has told
 * what became of its question. A machine that heard no answer takes the hold back, and nobody has spent it meanwhile.
 */
import {answered, problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import type {PayeeAnswer, TransferAnswer, TransferRequest} from './api/schema.ts'
import {isoSeconds, newId} from './bank.ts'
import type {Bank} from './bank.ts'
import type {Identity} from './identity.ts'
import {holdEntry, transferEntry} from './ledger/book.ts'
import {
  amountText,
  answerOfBefore,
  balanceAfter,
  decline,
  isTooLate,
  isVisiting,
  operationOf,
  touchesOf,
  visitingCard,
  wishOf,
} from './movement.ts'
import type {Address, Wish} from './movement.ts'
import type {BankAccount, Tx} from './store/port.ts'
import {present} from '../kit/assert.ts'
import type {EpochMs} from '../kit/clock.ts'
import {minorUnits} from '../kit/money.ts'

/**
 * Posts or holds, declines or repeats.
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
  const isHeld = request.hold ?? false
  if (isHeld && who.kind !== 'atm') return problemOf('malformed', 'field hold is for machines')
  const at: Address = {type: 'transfer', key, accountId, targetAccountId, isHeld}
  return bank.store.move(touchesOf(bank, who, at, request), async tx => {
    const wish = await wishOf(tx, who, at, request)
    if ('status' in wish) return wish
    const before = await answerOfBefore(bank, tx, who, wish)
    if (before !== null) return before
    const nowMs = bank.clock.wallMs()
    if (isTooLate(wish, nowMs)) return decline(tx, who, wish, '68', nowMs)
    if (who.kind === 'atm' && !(await isVisiting(tx, who.atmId, accountId, nowMs)))
      return decline(tx, who, wish, '57', nowMs)
    const target = present(wish.target, 'the target of a transfer')
    return move(bank, tx, who, {wish, target, heldBy: isHeld ? wish.atmId : null}, nowMs)
  })
}

interface Decided {
  readonly wish: Wish
  readonly target: BankAccount
  /** The machine that is to say what became of it; null for a transfer that is posted at once. */
  readonly heldBy: string | null
}

async function move(
  bank: Bank,
  tx: Tx,
  who: Identity,
  {wish, target, heldBy}: Decided,
  nowMs: EpochMs,
): Promise<Answer> {
  const {account, amountMinor} = wish
  const {accountId, currency} = account
  const entry =
    heldBy === null
      ? transferEntry(accountId, target.accountId, currency, amountMinor)
      : holdEntry({accountId, atmId: heldBy, currency, amountMinor, feeMinor: minorUnits(0)})
  const posted = await tx.ledger.post(wish.key, entry, nowMs)
  if (posted.kind === 'insufficient') return decline(tx, who, wish, '51', nowMs)
  // A machine serves one customer, and is told of no other one's money.
  const maySee =
    heldBy === null && (who.kind === 'person' || (await isVisiting(tx, who.atmId, target.accountId, nowMs)))
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
  const state = heldBy === null ? 'posted' : 'held'
  await tx.operations.insert(operationOf(wish, state, {transactionId, answer: answer.text}, nowMs))
  // A hold is a line of the statement when it is completed.
  if (heldBy === null)
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

/**
 * Whose account the customer at the machine typed, as far as a stranger may know: `E*** N***`. A machine may ask while
 * a card of the paying account is there, and is told nothing of accounts that it could not pay to.
 */
export async function payee(
  bank: Bank,
  atmId: string,
  accountId: string,
  payeeAccountId: string,
): Promise<Answer> {
  return bank.store.read(async tx => {
    const account = await tx.accounts.find(accountId)
    if (account === null) return problemOf('unknown-account', 'the account in the path does not exist')
    if ((await visitingCard(tx, atmId, accountId, bank.clock.wallMs())) === null)
      return problemOf('not-you', 'no card of this account was verified at this machine')
    const target = payeeAccountId === accountId ? null : await tx.accounts.find(payeeAccountId)
    if (target?.currency !== account.currency)
      return problemOf('unknown-account', 'the payee has no account that this one could pay to')
    const user = present(await tx.accounts.findUser(target.userId), 'the customer of an account')
    const body: PayeeAnswer = {account_id: payeeAccountId, name: shownName(user.name)}
    return answered(body)
  })
}

/** The first letter of each word, and no more: not even how long it is. */
function shownName(name: string): string {
  return name
    .split(/\s+/)
    .filter(word => word !== '')
    .map(word => `${Array.from(word)[0] ?? ''}***`)
    .join(' ')
}
