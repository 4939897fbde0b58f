/**
 * A slip as a list of parts: what the customer takes along of one operation, in the language of the visit. Pure, and
 * after the fact: it reads the decision and changes nothing. Of card and account it shows the last four digits.
 *
 * What stands on it is what US Regulation E asks of a terminal receipt (12 CFR 1005.9: amount, fee shown apart, date,
 * kind of transfer, kind of account, at most four digits of the account, place of the terminal), and the reference.
 */
import type {Receipt, ReceiptPart} from '../../devices/printer/port.ts'
import type {Context, Operation} from '../../fsm/context.ts'
import {valueOf} from '../../fsm/decide.ts'
import type {Slip} from '../../fsm/vocabulary.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import {readableReference} from './ending.ts'
import {sayIn} from './say.ts'
import type {Say} from './say.ts'
import type {Desk} from './view-model.ts'

/** What an operator has printed on every slip; empty for nothing. */
export interface Letterhead {
  readonly operator: string
  readonly location: string
  readonly phone: string
}

/** When it is printed, and in which zone the clock on the wall is: `Europe/Berlin`. */
export interface Moment {
  readonly atMs: EpochMs
  readonly timeZone: string
}

/** The slip of that kind for the visit under way. */
export function receiptOf(
  slip: Slip,
  context: Context,
  desk: Pick<Desk, 'language' | 'balanceMinor'>,
  letterhead: Letterhead,
  moment: Moment,
): Receipt {
  const say = sayIn(desk.language, context.setup.currency, 'paper')
  return [
    ...head(letterhead),
    {...line(say.words(`paper.${slip}`, {})), align: 'center', bold: true},
    {kind: 'feed', linesCount: 1},
    ...whenAndWhere(context, moment, say),
    ...(slip === 'balance' ? balanceParts(context, desk, say) : withdrawalParts(context, say)),
    {kind: 'rule'},
    ...(letterhead.phone === '' ? [] : [line(say.words('paper.questions', {phone: letterhead.phone}))]),
    line(say.words('paper.keep', {})),
  ]
}

function head({operator, location}: Letterhead): Receipt {
  if (operator === '' && location === '') return []
  return [
    ...(operator === '' ? [] : [{...line(operator), align: 'center', bold: true} as const]),
    ...(location === '' ? [] : [{...line(location), align: 'center'} as const]),
    {kind: 'rule'},
  ]
}

function whenAndWhere({setup, visit}: Context, {atMs, timeZone}: Moment, say: Say): Receipt {
  const masked = visit?.card?.masked ?? null
  return [
    pair(say.words('paper.date', {}), say.date(atMs, timeZone)),
    pair(say.words('paper.time', {}), say.time(atMs, timeZone)),
    pair(say.words('paper.terminal', {}), setup.terminal),
    ...(masked === null ? [] : [pair(say.words('paper.card', {}), lastFour(masked))]),
  ]
}

function balanceParts({visit}: Context, {balanceMinor}: Pick<Desk, 'balanceMinor'>, say: Say): Receipt {
  const account = visit?.accounts[0]
  return [
    ...(account === undefined ? [] : [accountPart(account, say)]),
    {kind: 'rule'},
    ...(balanceMinor === null ? [] : [pair(say.words('paper.available', {}), say.amount(balanceMinor))]),
  ]
}

function withdrawalParts({visit}: Context, say: Say): Receipt {
  const operation = visit?.operation ?? null
  if (operation === null) return []
  const {key, account, authCode} = operation
  return [
    accountPart(account, say),
    pair(say.words('figure.reference', {}), readableReference(key)),
    ...(authCode === null ? [] : [pair(say.words('paper.authorization', {}), authCode)]),
    {kind: 'rule'},
    pair(say.words('figure.asked', {}), say.amount(operation.amountMinor)),
    ...outcomeParts(operation, say),
  ]
}

/** What was paid and charged, by the decision alone; where nobody knows, it says so and names no sum. */
function outcomeParts({decision, feeMinor}: Operation, say: Say): Receipt {
  const verdict = decision?.verdict
  switch (verdict?.kind) {
    case 'complete':
      return sums(valueOf(verdict.paid), feeMinor, say)
    case 'reverse':
      return [...sums(minorUnits(0), minorUnits(0), say), line(say.words(`notPaid.${verdict.because}`, {}))]
    case 'suspect':
    case undefined:
      return [
        {...line(say.words('ending.beingChecked.title', {})), bold: true},
        line(say.words('paper.checked', {})),
      ]
  }
}

function sums(paidMinor: Minor, feeMinor: Minor, say: Say): Receipt {
  return [
    pair(say.words('figure.paid', {}), say.amount(paidMinor)),
    pair(say.words('figure.fee', {}), say.amount(feeMinor)),
    pair(say.words('figure.total', {}), say.amount(minorUnits(paidMinor + feeMinor))),
  ]
}

/** The bank's own name of the account, which may end in its last digits already. */
function accountPart({accountId, label}: Operation['account'], say: Say): ReceiptPart {
  const name = label.endsWith(accountId.slice(-4)) ? label : `${label} ${lastFour(accountId)}`
  return pair(say.words('paper.account', {}), name)
}

/** `**4471`; a paper is thrown away where others find it. */
function lastFour(text: string): string {
  return `**${text.slice(-4)}`
}

function pair(left: string, right: string): ReceiptPart {
  return {kind: 'pair', left, right}
}

function line(text: string): Extract<ReceiptPart, {kind: 'text'}> {
  return {kind: 'text', text, align: 'left', size: 'normal', bold: false}
}
