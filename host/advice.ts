/** What a machine says became of an operation. Acknowledged again and again, applied once. */
import {answered, problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import type {AdviceAnswer} from './api/schema.ts'
import {isoSeconds} from './bank.ts'
import type {Bank} from './bank.ts'
import {limitsOf} from './guard/limits.ts'
import {advised} from './guard/watch.ts'
import {decideAdvice} from './ledger/operation.ts'
import type {BankAdvice, Operation, OperationState} from './ledger/operation.ts'
import type {Touches, Tx} from './store/port.ts'
import {acceptInDay} from './settlement/day.ts'
import {assert, present} from '../kit/assert.ts'

/**
 * Takes one advice.
 * @param atmId the machine that sends it, already known to own the key
 */
export async function takeAdvice(
  bank: Bank,
  atmId: string,
  key: string,
  advice: BankAdvice,
): Promise<Answer> {
  return bank.store.move(touchesOf(bank, atmId, key), async tx => {
    const operation = await tx.operations.find(key)
    const nowMs = bank.clock.wallMs()
    const decision = decideAdvice(operation, advice, {key, atmId, nowMs})
    switch (decision.kind) {
      case 'apply': {
        const {next, entry, isNew} = decision
        if (isNew) await tx.operations.insert(next)
        else await tx.operations.settle(next)
        if (entry !== null) {
          const posted = await tx.ledger.post(key, entry, nowMs)
          assert(posted.kind === 'posted', 'settling a hold took a customer below zero')
        }
        await recordSettled(tx, next)
        await count(tx, atmId, next)
        await advised(bank, tx, next)
        if (next.state === 'forced' || next.state === 'suspect')
          bank.log.warn('somebody must look at an operation', {key, state: next.state})
        return acknowledged(key, next.state)
      }
      case 'repeat':
        return acknowledged(key, decision.state)
      case 'contradicts':
        bank.log.warn('an advice contradicts the one before', {key, why: decision.why})
        return problemOf('key-used-otherwise', decision.why)
      case 'impossible':
        bank.log.warn('an advice cannot be', {key, why: decision.why})
        return problemOf('amount-invalid', decision.why)
      case 'tooLate':
        bank.log.warn('an advice comes too late', {key, why: decision.why})
        return problemOf('out-of-order', decision.why)
    }
  })
}

function touchesOf(bank: Bank, atmId: string, key: string): Touches {
  return {
    keys: [key],
    accountIds: [],
    atmIds: [atmId],
    limits: ({operations}) =>
      operations.flatMap(({cardId, accountId, createdAtMs}) =>
        cardId === null || accountId === null
          ? []
          : limitsOf(bank.guard.policy, {cardId, accountId, atmId, askedAtMs: createdAtMs}),
      ),
  }
}

/** A settled hold becomes a line of the customer's statement. */
export async function recordSettled(tx: Tx, operation: Operation): Promise<void> {
  if (operation.state !== 'completed') return
  await tx.ledger.addTransaction(
    {
      transactionId: present(operation.transactionId, 'the transaction id of a completed operation'),
      accountId: present(operation.accountId, 'the account of a completed operation'),
      atmId: operation.atmId,
      transactionType: operation.type,
      amountMinor: operation.paidMinor,
      transactionDate: isoSeconds(operation.changedAtMs),
    },
    operation.targetAccountId ?? undefined,
  )
}

/** What the machine's sums of cash at its next cut-over must have as well. */
async function count(
  tx: Tx,
  atmId: string,
  {key, type, state, amountMinor, paidMinor, changedAtMs}: Operation,
): Promise<void> {
  if (type === 'transfer') return
  if (state === 'completed' || state === 'forced')
    await acceptInDay(tx, atmId, key, 'withdrawal', paidMinor, changedAtMs)
  if (state === 'reversed') await acceptInDay(tx, atmId, key, 'reversal', amountMinor, changedAtMs)
}

function acknowledged(key: string, state: OperationState): Answer {
  assert(state !== 'held' && state !== 'posted', `an advice left ${key} in state ${state}`)
  const body: AdviceAnswer = {key, rc: '00', state}
  return answered(body)
}
