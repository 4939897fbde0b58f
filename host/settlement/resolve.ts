/**
 * What people decide about operations and differences: always with a reason, always by a posting where money is to
 * move, never by deletion.
 */
import {answered, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import type {Action, ResolveRequest, SettleRequest} from '../api/office-schema.ts'
import {recordSettled} from '../advice.ts'
import {isoSeconds, newId} from '../bank.ts'
import type {Bank} from '../bank.ts'
import {note} from '../guard/audit.ts'
import {ledgerAccounts, resolutionEntry} from '../ledger/book.ts'
import {decideSettlement} from '../ledger/operation.ts'
import type {Operation} from '../ledger/operation.ts'
import {differenceMessage, operationMessage} from '../office-messages.ts'
import type {KnownDifference, Resolution, Tx} from '../store/port.ts'
import {assert, present} from '../../kit/assert.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {parseAmount} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'

/** Who decided, and why. */
export interface Decider {
  readonly by: string
  readonly reason: string
}

/** What a person may do about the difference now. */
export function actionsFor(difference: KnownDifference, operation: Operation | null): readonly Action[] {
  if (difference.state !== 'open') return []
  switch (difference.class) {
    case 'suspect':
      return ['settle']
    case 'host-over':
      return operation?.state === 'held' ? ['settle'] : ['credit-customer', 'accept']
    case 'host-short':
    case 'forced':
      return ['debit-customer', 'write-off']
    case 'cash-over':
      return ['credit-customer', 'write-off']
    case 'cash-short':
      return ['write-off']
    case 'bins-differ':
    case 'totals-differ':
      return ['accept']
  }
}

/** Closes a hold or a suspect, and every difference that was open about it. */
export async function settle(bank: Bank, key: string, request: SettleRequest, by: string): Promise<Answer> {
  return bank.store.transact(async tx => {
    const operation = await tx.operations.find(key)
    if (operation === null) return problemOf('unknown', 'there is no such operation')
    const {currency} = operation
    if (currency === null) return problemOf('out-of-order', `the operation is ${operation.state}`)
    const paid = parseAmount(request.paid.source, currency)
    if (paid.kind === 'refused') return problemOf('amount-invalid', paid.why)
    const nowMs = bank.clock.wallMs()
    const refusal = await settleOperation(
      tx,
      operation,
      paid.amountMinor,
      {by, reason: request.reason},
      nowMs,
    )
    if (refusal !== null) return refusal
    bank.log.warn('a person settled an operation', {key, by})
    await note(bank, tx, {who: by, action: 'operation.settled', subject: key, detail: request.reason})
    return answered(operationMessage(present(await tx.operations.find(key), 'the settled operation')))
  })
}

/** The same inside a transaction. Null when it is done. */
export async function settleOperation(
  tx: Tx,
  operation: Operation,
  paidMinor: Minor,
  {by, reason}: Decider,
  nowMs: EpochMs,
): Promise<Answer | null> {
  const decision = decideSettlement(operation, paidMinor, `settled by ${by}: ${reason}`, nowMs)
  if (decision.kind === 'impossible') return problemOf('out-of-order', decision.why)
  const {next, entry} = decision
  await tx.operations.settle(next)
  if (entry !== null) {
    const posted = await tx.ledger.post(next.key, entry, nowMs)
    assert(posted.kind === 'posted', 'settling a hold took a customer below zero')
  }
  await recordSettled(tx, next)
  const [atmId = '', date = ''] = operation.key.split(':')
  for (const difference of await tx.differences.of(atmId, date))
    if (difference.state === 'open' && difference.subject === operation.key)
      await tx.differences.put(resolved(difference, {action: 'settle', by, reason, atMs: nowMs}))
  return null
}

/** Resolves one difference by one of the actions that it allows. */
export async function resolve(bank: Bank, id: string, request: ResolveRequest, by: string): Promise<Answer> {
  return bank.store.transact(async tx => {
    const difference = await tx.differences.find(id)
    if (difference === null) return problemOf('unknown', 'there is no such difference')
    const operation = await tx.operations.find(difference.subject)
    if (!actionsFor(difference, operation).includes(request.action))
      return problemOf('out-of-order', `a ${difference.class} that is ${difference.state} does not allow it`)
    const amount = amountOf(difference, request)
    if ('status' in amount) return amount
    const nowMs = bank.clock.wallMs()
    const decider = {by, reason: request.reason}
    const refusal =
      request.action === 'settle'
        ? await settleOperation(
            tx,
            present(operation, 'the operation of a difference that can be settled'),
            amount.amountMinor,
            decider,
            nowMs,
          )
        : await book(bank, tx, {difference, operation, request, amountMinor: amount.amountMinor}, nowMs)
    if (refusal !== null) return refusal
    const resolution: Resolution = {action: request.action, ...decider, atMs: nowMs}
    await tx.differences.put(resolved(difference, resolution))
    bank.log.warn('a person resolved a difference', {id, by, action: request.action})
    await note(bank, tx, {
      who: by,
      action: 'difference.resolved',
      subject: id,
      detail: `${request.action}: ${request.reason}`,
    })
    return answered(differenceMessage(present(await tx.differences.find(id), 'the resolved difference'), []))
  })
}

function resolved(difference: KnownDifference, resolution: Resolution): KnownDifference {
  return {...difference, state: 'resolved', resolution}
}

/** How much is settled or booked; a range needs to be told. */
function amountOf(
  difference: KnownDifference,
  {action, amount}: ResolveRequest,
): {readonly amountMinor: Minor} | Answer {
  const {leastMinor, mostMinor, currency} = difference
  if (amount === undefined) {
    if (action !== 'settle' && leastMinor === mostMinor) return {amountMinor: leastMinor}
    return action === 'accept'
      ? {amountMinor: mostMinor}
      : problemOf('amount-invalid', 'this needs an amount: the difference is a range, or is settled')
  }
  const parsed = parseAmount(amount.source, currency)
  if (parsed.kind === 'refused') return problemOf('amount-invalid', parsed.why)
  const {amountMinor} = parsed
  if (action !== 'settle' && (amountMinor < leastMinor || amountMinor > mostMinor))
    return problemOf('amount-invalid', 'the amount lies outside the difference')
  return {amountMinor}
}

interface Case {
  readonly difference: KnownDifference
  readonly operation: Operation | null
  readonly request: ResolveRequest
  readonly amountMinor: Minor
}

/** Posts what the action says; null when it is done. */
async function book(bank: Bank, tx: Tx, what: Case, nowMs: EpochMs): Promise<Answer | null> {
  const {difference, operation, request, amountMinor} = what
  const {atmId, currency} = difference
  const {action} = request
  if (action === 'accept' || amountMinor === 0) return null
  const isForced = difference.class === 'forced'
  const cash = isForced ? ledgerAccounts.suspense : ledgerAccounts.atmCash(atmId)
  let other = ledgerAccounts.cashDifference(atmId)
  const accountId = request.account_id ?? operation?.accountId ?? null
  if (action !== 'write-off') {
    const account = accountId === null ? null : await tx.accounts.find(accountId)
    if (account === null) return problemOf('unknown-account', 'the account to book it to does not exist')
    if (account.currency !== currency)
      return problemOf('amount-invalid', `the account is in ${account.currency}`)
    other = ledgerAccounts.customer(account.accountId)
  }
  // Cash that is gone is a credit of the machine's cash; cash that is there after all is a debit of it.
  const isGone = difference.class !== 'cash-over' && difference.class !== 'host-over'
  const entry = isGone
    ? resolutionEntry(other, cash, currency, amountMinor)
    : resolutionEntry(cash, other, currency, amountMinor)
  const posted = await tx.ledger.post(`difference:${difference.id}`, entry, nowMs)
  if (posted.kind === 'insufficient') return problemOf('insufficient-funds', 'nothing was moved')
  if (action === 'debit-customer') {
    const debited = present(accountId, 'the account that was debited')
    await tx.ledger.addTransaction({
      transactionId: newId(bank, debited),
      accountId: debited,
      atmId,
      transactionType: 'withdrawal',
      amountMinor,
      transactionDate: isoSeconds(nowMs),
    })
  }
  return null
}
