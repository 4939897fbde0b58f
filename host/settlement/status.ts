/** What a machine says of itself between two visits: the cash that it believes to hold, and what changed. */
import {answered, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import type {CashAnswer, CashRequest, EventsAnswer, StatusEvent} from '../api/schema.ts'
import {isoSeconds} from '../bank.ts'
import type {Bank} from '../bank.ts'
import {faultOfUnits} from './cash.ts'
import {dateFor} from './day.ts'
import {writeJson} from '../../kit/exact-json.ts'

export async function takeCash(bank: Bank, atmId: string, request: CashRequest): Promise<Answer> {
  const fault = faultOfUnits(request)
  if (fault !== null) return problemOf('amount-invalid', fault)
  return bank.store.transact(async tx => {
    const nowMs = bank.clock.wallMs()
    await tx.fleet.setCash(atmId, writeJson(request), nowMs)
    const body: CashAnswer = {
      atm_id: atmId,
      business_date: await dateFor(tx, atmId, nowMs),
      taken_at: isoSeconds(nowMs),
    }
    return answered(body)
  })
}

/** Takes each event once, in whatever order they come. */
export async function takeEvents(bank: Bank, atmId: string, events: readonly StatusEvent[]): Promise<Answer> {
  return bank.store.transact(async tx => {
    const nowMs = bank.clock.wallMs()
    await tx.fleet.heard(atmId, nowMs)
    for (const event of events) await tx.fleet.addEvent(atmId, event, nowMs)
    const body: EventsAnswer = {atm_id: atmId, taken_through: await tx.fleet.lastEventSeq(atmId)}
    return answered(body)
  })
}
