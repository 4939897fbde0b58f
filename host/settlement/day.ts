/**
 * Business dates. A machine is in one at a time; what the bank accepts from it counts in the date that is open
 * then, whatever the clock or the key says, so that the sums of a closed date never change.
 */
import {answered, answeredBefore, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import type {CutOverAnswer, CutOverRequest, TotalsMessage} from '../api/schema.ts'
import {businessDate} from '../bank.ts'
import type {Bank} from '../bank.ts'
import {sameTotals} from './compare.ts'
import type {Totals} from './compare.ts'
import {faultOfUnits} from './cash.ts'
import {reconcile} from './reconcile.ts'
import {amountText} from '../movement.ts'
import type {Accepted, BusinessDay, Touches, Tx} from '../store/port.ts'
import {epochMs, timeFromIso} from '../../kit/clock.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {present} from '../../kit/assert.ts'
import {writeJson} from '../../kit/exact-json.ts'
import {parseAmount} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'

const DAY_MS = 86_400_000

/** The open date of that machine, which is changed under its lock alone. */
export function machineTouched(atmId: string): Touches {
  return {keys: [], accountIds: [], atmIds: [atmId], limits: () => []}
}

/** The date that a sign-on now would tell: the open one, unless the calendar is past it. */
export async function dateFor(tx: Tx, atmId: string, nowMs: EpochMs): Promise<string> {
  const open = await tx.days.open(atmId)
  const today = businessDate(nowMs)
  return open === null || open.date < today ? today : open.date
}

/**
 * Opens the machine's date at a sign-on. One that the machine did not close is closed without its word; the
 * journal and a count can still be held against it.
 */
export async function openDay(tx: Tx, atmId: string, nowMs: EpochMs): Promise<string> {
  const open = await tx.days.open(atmId)
  const date = await dateFor(tx, atmId, nowMs)
  if (open?.date === date) {
    // A machine that comes back may have told, or be known to owe, what was not known before.
    await reconcile(tx, open, nowMs)
    return date
  }
  if (open !== null) {
    const nothing = {machineTotals: null, journalRowsCount: null, answer: null}
    await tx.days.close(atmId, open.date, {atMs: nowMs, ...nothing})
    await reconcile(tx, present(await tx.days.find(atmId, open.date), 'the date just closed'), nowMs)
  }
  await tx.days.begin(atmId, date, nowMs)
  return date
}

/** Counts what a machine told in the date that is open. */
export async function acceptInDay(
  tx: Tx,
  atmId: string,
  key: string,
  what: Accepted,
  amountMinor: Minor,
  nowMs: EpochMs,
): Promise<void> {
  const open = await tx.days.open(atmId)
  // An advice may be the first that a machine ever says.
  const date = open === null ? await openDay(tx, atmId, nowMs) : open.date
  await tx.days.accept(key, what, {atmId, date, amountMinor})
}

/** Closes the open date with the machine's sums, and opens the next. Whether they agree is told, and changes nothing. */
export async function cutOver(bank: Bank, atmId: string, request: CutOverRequest): Promise<Answer> {
  const told = totalsOf(request)
  if ('why' in told) return problemOf('amount-invalid', told.why)
  const cash = request.units === undefined ? null : {currency: request.currency, units: request.units}
  const fault = cash === null ? null : faultOfUnits(cash)
  if (fault !== null) return problemOf('amount-invalid', fault)
  // The date is locked before its sums are read, as whoever adds to them has it locked.
  return bank.store.move(machineTouched(atmId), async tx => {
    const {business_date: date, currency} = request
    const day = await tx.days.find(atmId, date)
    if (day === null) return problemOf('out-of-order', 'the machine was never in that date')
    if (day.closedAtMs !== null) return closedBefore(day, told)
    const nowMs = bank.clock.wallMs()
    const next = nextDate(date, nowMs)
    const own = await tx.days.totals(atmId, date)
    const body: CutOverAnswer = {
      atm_id: atmId,
      closed_date: date,
      business_date: next,
      settlement: sameTotals(own, told) ? 'in-balance' : 'out-of-balance',
      totals: totalsMessage(own, currency),
    }
    const answer = answered(body)
    await tx.days.close(atmId, date, {
      atMs: nowMs,
      machineTotals: told,
      journalRowsCount: request.journal_rows ?? null,
      answer: answer.text,
    })
    await tx.days.begin(atmId, next, nowMs)
    await reconcile(tx, present(await tx.days.find(atmId, date), 'the date just closed'), nowMs)
    if (cash !== null) await tx.fleet.setCash(atmId, writeJson(cash), nowMs)
    if (body.settlement === 'out-of-balance') bank.log.warn('a date closed out of balance', {atmId, date})
    return answer
  })
}

function closedBefore({machineTotals, answer}: BusinessDay, told: Totals): Answer {
  if (answer === null || machineTotals === null)
    return problemOf('out-of-order', 'the date was closed by a later sign-on')
  return sameTotals(machineTotals, told)
    ? answeredBefore(answer)
    : problemOf('key-used-otherwise', 'the date was closed with other sums')
}

/** The day after, or today when that is later. */
function nextDate(date: string, nowMs: EpochMs): string {
  const after = businessDate(
    epochMs(present(timeFromIso(`${date}T00:00:00Z`), 'the time of a date') + DAY_MS),
  )
  const today = businessDate(nowMs)
  return after > today ? after : today
}

function totalsOf({totals, currency}: CutOverRequest): Totals | {readonly why: string} {
  const {withdrawals, reversals, deposits} = totals
  const amounts = [withdrawals, reversals, deposits].map(({amount}) => parseAmount(amount.source, currency))
  const [withdrawn, reversed, deposited] = amounts
  const refused = amounts.find(each => each.kind === 'refused')
  if (refused !== undefined) return {why: refused.why}
  const minor = (each: (typeof amounts)[number] | undefined): Minor => {
    const parsed = present(each, 'an amount of the totals')
    return present(parsed.kind === 'amount' ? parsed.amountMinor : null, 'an amount of the totals')
  }
  return {
    withdrawalsCount: withdrawals.count,
    withdrawalsMinor: minor(withdrawn),
    reversalsCount: reversals.count,
    reversalsMinor: minor(reversed),
    depositsCount: deposits.count,
    depositsMinor: minor(deposited),
  }
}

export function totalsMessage(totals: Totals, currency: Currency): TotalsMessage {
  const sums = (count: number, amountMinor: Minor) => ({count, amount: amountText(amountMinor, currency)})
  return {
    withdrawals: sums(totals.withdrawalsCount, totals.withdrawalsMinor),
    reversals: sums(totals.reversalsCount, totals.reversalsMinor),
    deposits: sums(totals.depositsCount, totals.depositsMinor),
  }
}
