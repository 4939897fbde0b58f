/**
 * What waits for a person: operations of which nobody knows what left the machine, and advices that the bank refuses.
 * A fold over the journal like everything else, so an item is there until a row closes it, over every restart: a count,
 * a person's word, or the bank's late acknowledgement of what it refused. Never time.
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
  /** The row of the money table by which it was decided. */
  readonly rule: string
  readonly sinceMs: EpochMs
  /** Whether the bank has acknowledged the advice. */
  readonly isTold: boolean
  /** Who looks after it; null while nobody does. */
  readonly owner: string | null
  /** The newest last, at most `NOTES_MAX`. */
  readonly notes: readonly SuspenseNote[]
}

export interface SuspenseNote {
  readonly atMs: EpochMs
  readonly person: string
  readonly note: string
}

/** Older notes stay in the journal. */
const NOTES_MAX = 20

/** The fold itself: one row at a time, in the journal's order. */
export class SuspenseFold {
  readonly #advices = new Map<number, Advice>()
  /** By the row of the advice. */
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
    switch (event.type) {
      case 'cassettes.loaded':
        // Whoever loads has emptied path and bins and counted: what a count can close at the machine is closed.
        for (const [row, {why}] of this.#items) if (why === 'suspect') this.#items.delete(row)
        return
      case 'host.refusedAdvice': {
        const advice = this.#advices.get(event.row)
        if (advice !== undefined && !this.#items.has(event.row))
          this.#items.set(event.row, itemOf(advice, 'refused', atMs))
        return
      }
      case 'host.acknowledged':
        if (answers !== null) this.#acknowledged(answers)
        return
      case 'suspense.taken':
        this.#change(event.key, item => ({...item, owner: event.person}))
        return
      case 'suspense.noted': {
        const {person, note} = event
        this.#change(event.key, item => ({
          ...item,
          notes: [...item.notes, {atMs, person, note}].slice(-NOTES_MAX),
        }))
        return
      }
      case 'suspense.closed':
        for (const [row, {key}] of this.#items) if (key === event.key) this.#items.delete(row)
        return
      default:
    }
  }

  #acknowledged(row: number): void {
    const item = this.#items.get(row)
    // The bank took it after all. A suspect that it has taken waits on, for a count.
    if (item?.why === 'refused') this.#items.delete(row)
    else if (item !== undefined) this.#items.set(row, {...item, isTold: true})
    this.#advices.delete(row)
  }

  #change(key: OperationKey, to: (item: SuspenseItem) => SuspenseItem): void {
    for (const [row, item] of this.#items) if (item.key === key) this.#items.set(row, to(item))
  }
}

function itemOf(advice: Advice, why: SuspenseItem['why'], sinceMs: EpochMs): SuspenseItem {
  const {key, row: rule} = advice
  const [leastMinor, mostMinor] = rangeOf(advice)
  return {key, why, leastMinor, mostMinor, rule, sinceMs, isTold: false, owner: null, notes: []}
}

function rangeOf(advice: Advice): readonly [least: Minor, most: Minor] {
  switch (advice.kind) {
    case 'host.complete':
      return [advice.paidMinor, advice.paidMinor]
    case 'host.completeTransfer':
      return [advice.amountMinor, advice.amountMinor]
    case 'host.reverse':
    case 'host.reverseTransfer':
      return [minorUnits(0), minorUnits(0)]
    case 'host.suspect':
      return [advice.atLeastMinor, advice.atMostMinor]
  }
}
