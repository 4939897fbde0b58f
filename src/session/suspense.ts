/**
 * What waits for a person: operations of which nobody knows what left the machine, and advices that the bank refuses.
 * A fold over the journal like everything else, so an item is there until a row closes it, over every restart:
 * a count, or the bank's late acknowledgement. Never time.
 */
import {isAdvice} from '../../fsm/context.ts'
import type {Advice, Event, OperationKey} from '../../fsm/vocabulary.ts'
import type {Stored} from '../../journal/entry.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'

export interface SuspenseItem {
  readonly key: OperationKey
  readonly why: 'suspect' | 'refused'
  /** With the customer, at least and at most. */
  readonly leastMinor: Minor
  readonly mostMinor: Minor
  readonly sinceMs: EpochMs
}

/** The fold itself: one row at a time, in the journal's order. */
export class SuspenseFold {
  readonly #advices = new Map<number, Advice>()
  readonly #items = new Map<number, SuspenseItem>()

  add({seq, atMs, entry}: Stored): void {
    if (entry.kind === 'intent') {
      const {order} = entry
      if (!isAdvice(order)) return
      this.#advices.set(seq, order)
      if (order.kind === 'host.suspect') this.#items.set(seq, itemOf(order, 'suspect', atMs))
    }
    if (entry.kind === 'event') this.#addEvent(entry.event, entry.answers, atMs)
  }

  /** Oldest first. */
  items(): readonly SuspenseItem[] {
    return [...this.#items.values()].toSorted((one, other) => one.sinceMs - other.sinceMs)
  }

  #addEvent(event: Event, answers: number | null, atMs: EpochMs): void {
    // Whoever loads has emptied path and bins and counted: what a count can close at the machine is closed.
    if (event.type === 'cassettes.loaded')
      for (const [row, {why}] of this.#items) if (why === 'suspect') this.#items.delete(row)
    if (event.type === 'host.refusedAdvice') {
      const advice = this.#advices.get(event.row)
      if (advice !== undefined && !this.#items.has(event.row))
        this.#items.set(event.row, itemOf(advice, 'refused', atMs))
    }
    if (event.type !== 'host.acknowledged' || answers === null) return
    // The bank took it after all. A suspect that it has taken waits on, for a count.
    if (this.#items.get(answers)?.why === 'refused') this.#items.delete(answers)
    this.#advices.delete(answers)
  }
}

function itemOf(advice: Advice, why: SuspenseItem['why'], sinceMs: EpochMs): SuspenseItem {
  const {key} = advice
  switch (advice.kind) {
    case 'host.complete':
      return {key, why, leastMinor: advice.paidMinor, mostMinor: advice.paidMinor, sinceMs}
    case 'host.reverse':
      return {key, why, leastMinor: minorUnits(0), mostMinor: minorUnits(0), sinceMs}
    case 'host.suspect':
      return {key, why, leastMinor: advice.atLeastMinor, mostMinor: advice.atMostMinor, sinceMs}
  }
}
