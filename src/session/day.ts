/**
 * The end of the business date: what the bank acknowledged in it, where the notes are, and when it is time to close
 * it. Only between visits and with nothing left to tell, so that both sides add up the same operations.
 */
import type {Context} from '../../fsm/context.ts'
import {isCashAdvice} from '../../fsm/context.ts'
import type {StateName} from '../../fsm/session.ts'
import type {CashAdvice, Day, DayTotals, Event, OperationKey, Sums} from '../../fsm/vocabulary.ts'
import type {Stored} from '../../journal/entry.ts'
import {timeFromIso} from '../../kit/clock.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import type {CassetteFound, HostLink} from '../link/port.ts'
import type {Business} from './business.ts'
import {Follower} from './follow.ts'
import type {Followed} from './follow.ts'
import {PlacesFold} from './places.ts'

const NOTHING: Sums = {count: noteCount(0), sumMinor: minorUnits(0)}

/** The sums of the date that is open, as the bank has acknowledged them: a fold over the journal. */
export class DayFold {
  #date: string | null = null
  #totals: DayTotals = {withdrawals: NOTHING, reversals: NOTHING}
  readonly #advices = new Map<number, CashAdvice>()
  /** What each reversal would take back, until the bank has acknowledged what became of it. */
  readonly #approved = new Map<OperationKey, Minor>()
  #asked: {readonly row: number; readonly key: OperationKey} | null = null

  get totals(): DayTotals {
    return this.#totals
  }

  add({seq, entry}: Stored): void {
    if (entry.kind === 'intent') {
      const {order} = entry
      if (order.kind === 'host.authorize') {
        this.#approved.set(order.key, order.amountMinor)
        this.#asked = {row: seq, key: order.key}
      }
      if (isCashAdvice(order)) this.#advices.set(seq, order)
    }
    if (entry.kind === 'event') this.#addEvent(entry.event, entry.answers)
  }

  #addEvent(event: Event, answers: number | null): void {
    switch (event.type) {
      case 'devices.opened':
      case 'host.restored':
        if (event.businessDate !== null) this.#goTo(event.businessDate)
        return
      case 'day.closed':
        this.#goTo(event.next)
        return
      case 'host.declined':
        // Nothing will be told of it.
        if (this.#asked !== null && this.#asked.row === answers) this.#approved.delete(this.#asked.key)
        return
      case 'host.acknowledged': {
        const advice = answers === null ? undefined : this.#advices.get(answers)
        if (answers === null || advice === undefined) return
        this.#advices.delete(answers)
        this.#count(advice, event.state)
        this.#approved.delete(advice.key)
        return
      }
      default:
    }
  }

  #goTo(date: string): void {
    if (this.#date !== date) this.#totals = {withdrawals: NOTHING, reversals: NOTHING}
    this.#date = date
  }

  /** As the bank counts: what it has as paid, and what it took back; what it never approved it cannot take back. */
  #count(advice: CashAdvice, state: string): void {
    const {withdrawals, reversals} = this.#totals
    if (advice.kind === 'host.complete' && (state === 'completed' || state === 'forced'))
      this.#totals = {reversals, withdrawals: plus(withdrawals, advice.paidMinor)}
    if (advice.kind === 'host.reverse' && state === 'reversed')
      this.#totals = {
        withdrawals,
        reversals: plus(reversals, this.#approved.get(advice.key) ?? minorUnits(0)),
      }
  }
}

function plus({count, sumMinor}: Sums, minor: Minor): Sums {
  return {count: noteCount(count + 1), sumMinor: minorUnits(sumMinor + minor)}
}

export interface DayPorts {
  readonly journal: Followed
  readonly clock: Clock
  readonly log: Log
  readonly link: Pick<HostLink, 'tellCash'>
  readonly business: Business
  readonly standing: () => {readonly state: StateName; readonly context: Context}
  readonly offer: (event: Event) => void
  /** What the bank is still to be told; what it refuses is in no sum, and the date does not wait for it. */
  readonly openAdvices: () => readonly {readonly isParked: boolean}[]
  /** `23:00`, UTC; null for a date that is closed by a person or by the bank alone. */
  readonly cutOverAt: string | null
}

/** In which a date can end. */
const CLOSES: readonly StateName[] = ['idle', 'outOfService', 'supervisor']

export class DayEnd {
  readonly #with: DayPorts
  readonly #day = new DayFold()
  readonly #places = new PlacesFold()
  readonly #follower: Follower
  /** The last report of cash that the bank took. */
  #toldCash = ''

  constructor(withPorts: DayPorts) {
    this.#with = withPorts
    this.#follower = new Follower(withPorts.journal, withPorts.clock, row => {
      this.#day.add(row)
      this.#places.add(row)
    })
  }

  /** Between visits: tells the bank what the machine holds when that changed, and closes the date when it is time. */
  async look(): Promise<void> {
    if (this.#whyNot() !== null) return
    await this.#follower.catchUp()
    if (this.#cash() !== this.#toldCash && !(await this.tellCash([])))
      this.#with.log.warn('the bank did not take the report of cash')
    if (this.#isTime()) await this.close(null)
  }

  /** What closing it now would tell the bank, and why it cannot be closed; null when it can. */
  async trial(): Promise<{readonly day: Day; readonly whyNot: string | null}> {
    await this.#follower.catchUp()
    return {day: this.#now(), whyNot: this.#whyNot()}
  }

  /** Closes the date now. @param person who wants it, or null. @returns null when it was begun, or why not */
  async close(person: string | null): Promise<string | null> {
    const {offer} = this.#with
    const whyNotEven = this.#whyNot()
    if (whyNotEven !== null) return whyNotEven
    while (!this.#follower.isAtHead) await this.#follower.catchUp()
    // From here on nothing comes between the sums and the order that tells them.
    const why = this.#whyNot()
    if (why !== null) return why
    offer({type: 'day.due', person, ...this.#now()})
    return null
  }

  #now(): Day {
    return {businessDate: this.#with.business.date, totals: this.#day.totals, cash: this.#places.cash()}
  }

  /** Tells the bank what the machine holds, and what people found in its cassettes. @returns whether the bank has it */
  async tellCash(found: readonly CassetteFound[]): Promise<boolean> {
    await this.#follower.catchUp()
    const cash = this.#cash()
    const isTold = await this.#with.link.tellCash(this.#places.cash(), found)
    if (isTold) this.#toldCash = cash
    return isTold
  }

  #cash(): string {
    return JSON.stringify(this.#places.cash())
  }

  #whyNot(): string | null {
    const {standing, openAdvices, business} = this.#with
    const {state, context} = standing()
    if (context.host === 'down' || business.date === '') return 'the bank cannot be reached'
    if (!CLOSES.includes(state)) return 'a visit is under way, or the machine is not ready'
    const untold = openAdvices().filter(({isParked}) => !isParked).length
    return untold === 0 ? null : `${untold} advices wait for the bank`
  }

  #isTime(): boolean {
    const {business, clock, cutOverAt} = this.#with
    if (cutOverAt === null) return false
    const dueMs = timeFromIso(`${business.date}T${cutOverAt}:00Z`)
    return dueMs !== null && clock.wallMs() >= dueMs
  }
}
