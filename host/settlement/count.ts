/** Notes that a person counted, and left in the machine. A count closes what it leaves one answer for. */
import {answered, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'

import type {CountAnswer, CountRequest} from '../api/office-schema.ts'
import {isoSeconds} from '../bank.ts'
import type {Bank} from '../bank.ts'
import {note} from '../guard/audit.ts'
import {cashOf, faultOfUnits} from './cash.ts'
import {reconcile} from './reconcile.ts'
import {settleOperation} from './resolve.ts'
import {ledgerAccounts, loadEntry} from '../ledger/book.ts'
import {amountText} from '../movement.ts'
import type {CashCount, CountedNotes, Tx} from '../store/port.ts'
import {assert, present} from '../../kit/assert.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {minorUnits, parseAmount} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'

/**
 * Takes one count. The first one of a machine is where reckoning begins; each later one is held against what left
 * since the one before, and what it finds is kept as differences.
 */
export async function takeCount(
  bank: Bank,
  atmId: string,
  request: CountRequest,
  countedBy: string,
): Promise<Answer> {
  const fault = faultOfUnits(request)
  if (fault !== null) return problemOf('amount-invalid', fault)
  return bank.store.transact(async tx => {
    const {business_date: date, currency} = request
    if ((await tx.atms.find(atmId)) === null) return problemOf('unknown-atm', 'there is no such machine')
    const day = await tx.days.find(atmId, date)
    if (day === null) return problemOf('out-of-order', 'the machine was never in that date')
    if ((await tx.counts.find(atmId, date)) !== null)
      return problemOf(
        'exists',
        'the date was counted before; a mistake shows, and is resolved, at the next count',
      )
    const before = await tx.counts.before(atmId, date)
    if (before !== null && day.closedAtMs === null)
      return problemOf('out-of-order', 'the date is still open: a count ends it')
    const units = unitsOf(request, await believed(tx, atmId))
    const mismatch = before === null ? null : mismatchOf(units, before, request)
    if (mismatch !== null) return problemOf('amount-invalid', mismatch)
    const nowMs = bank.clock.wallMs()
    const count: CashCount = {atmId, date, currency, units, countedBy, countedAtMs: nowMs}
    await tx.counts.add(count)
    await load(tx, count, before === null, nowMs)
    const found = await reconcile(tx, day, nowMs)
    const settled = found.comparison.closedByCount
    for (const {key, paidMinor} of settled) {
      const operation = present(await tx.operations.find(key), 'a suspect that a count closes')
      const decider = {by: countedBy, reason: `the count of ${date} leaves no other answer`}
      const refusal = await settleOperation(tx, operation, paidMinor, decider, nowMs)
      assert(refusal === null, 'a count closed a suspect with more than can have left')
    }
    if (settled.length > 0) await reconcile(tx, day, nowMs)
    await note(bank, tx, {who: countedBy, action: 'machine.counted', subject: atmId, detail: date})
    const body: CountAnswer = {
      atm_id: atmId,
      business_date: date,
      counted_at: isoSeconds(nowMs),
      settled: settled.map(({key, paidMinor}) => ({key, paid: amountText(paidMinor, currency)})),
    }
    return answered(body)
  })
}

/** What the machine last said it held, by unit. */
async function believed(tx: Tx, atmId: string): Promise<ReadonlyMap<string, number>> {
  const cash = (await tx.fleet.statuses([atmId])).get(atmId)?.cash ?? null
  return new Map(cash === null ? [] : cashOf(cash).units.map(({unit, count}) => [unit, count]))
}

function unitsOf(
  {units, currency}: CountRequest,
  believedCounts: ReadonlyMap<string, number>,
): readonly CountedNotes[] {
  return units.map(({unit, kind, value, counted, left}) => {
    const worth = parseAmount(value.source, currency)
    assert(worth.kind === 'amount', 'the worth of a note was checked before')
    return {
      unit,
      kind,
      noteMinor: worth.amountMinor,
      countedCount: counted,
      leftCount: left,
      believedCount: believedCounts.get(unit) ?? null,
    }
  })
}

/** Why the count cannot be held against the one before; null when it can. */
function mismatchOf(units: readonly CountedNotes[], before: CashCount, request: CountRequest): string | null {
  if (before.currency !== request.currency) return `the count before was in ${before.currency}`
  for (const {unit, noteMinor, leftCount} of before.units) {
    const now = units.find(each => each.unit === unit)
    if (now === undefined && leftCount > 0) return `${unit} had notes and is not counted`
    if (now !== undefined && now.noteMinor !== noteMinor)
      return `${unit} had other notes; a unit keeps its denomination, a new one has a new name`
  }
  return null
}

/** Books what was put in or taken out. At the first count it is whatever brings the book to what is there. */
async function load(
  tx: Tx,
  {atmId, date, currency, units}: CashCount,
  isFirst: boolean,
  nowMs: EpochMs,
): Promise<void> {
  const worth = (of: (unit: CountedNotes) => number): Minor =>
    minorUnits(units.reduce((sum, unit) => sum + unit.noteMinor * of(unit), 0))
  const inBook = isFirst ? await tx.ledger.balance(ledgerAccounts.atmCash(atmId), currency) : minorUnits(0)
  // In the book a machine's cash is a debit: what is there is below zero.
  const added = isFirst
    ? worth(({leftCount}) => leftCount) + inBook
    : worth(({leftCount, countedCount}) => leftCount - countedCount)
  const entry = loadEntry(atmId, currency, minorUnits(added))
  if (entry === null) return
  const posted = await tx.ledger.post(`count:${atmId}:${date}`, entry, nowMs)
  assert(posted.kind === 'posted', 'loading a machine touched a customer')
}
