/**
 * The outcome of a machine's operation before, which comes with its next request. It is the advice told once more: one that
 * was lost is repaired by it, any other is a repeat. It never stands in the way of the request that brings it.
 */
import {takeAdvice} from './advice.ts'
import type {LastOutcome} from './api/schema.ts'
import type {Bank} from './bank.ts'
import type {Identity} from './identity.ts'
import type {BankAdvice} from './ledger/operation.ts'
import {minorUnits, parseAmount} from '../kit/money.ts'

/** Takes it as the advice that it repeats. A key of another machine, or amounts that cannot be, are noted and left. */
export async function takeLast(bank: Bank, who: Identity, last: LastOutcome): Promise<void> {
  const {key} = last
  const advice = adviceOf(last)
  if (who.kind !== 'atm' || !key.startsWith(`${who.atmId}:`) || advice === null) {
    bank.log.warn('an outcome told with a request is left', {key})
    return
  }
  const answer = await takeAdvice(bank, who.atmId, key, advice)
  if (answer.status !== 200) bank.log.warn('an outcome told with a request is refused', {key})
}

/** Null when an amount has more digits than its currency. */
function adviceOf({
  outcome,
  currency,
  at_least,
  at_most,
  fee,
  reason,
  row = '',
}: LastOutcome): BankAdvice | null {
  const least = parseAmount(at_least.source, currency)
  const most = parseAmount(at_most.source, currency)
  const paidFee = fee === undefined ? null : parseAmount(fee.source, currency)
  if (least.kind === 'refused' || most.kind === 'refused' || paidFee?.kind === 'refused') return null
  switch (outcome) {
    case 'completed':
      return {
        kind: 'complete',
        paidMinor: least.amountMinor,
        feeMinor: paidFee?.amountMinor ?? minorUnits(0),
        currency,
        evidence: row,
      }
    case 'reversed':
      return {
        kind: 'reverse',
        evidence: [reason, row].filter(each => each !== undefined && each !== '').join(': '),
      }
    case 'suspect':
      return {
        kind: 'suspect',
        atLeastMinor: least.amountMinor,
        atMostMinor: most.amountMinor,
        currency,
        evidence: row,
      }
  }
}
