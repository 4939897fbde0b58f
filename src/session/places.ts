/**
 * Where the notes are, by the journal: a fold in which every note that was loaded is in exactly one place at every row.
 * A count begins it anew, since whoever counts has emptied path and bins. What nobody knows is a place of its own.
 */
import type {CashUnit, Event, Mix, NoteTally, Order} from '../../fsm/vocabulary.ts'
import type {Seq, Stored} from '../../journal/entry.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'

/** The notes of one cassette since it was loaded: `loaded + surplus` is the sum of all the others. */
export interface Places {
  readonly cassette: number
  readonly noteMinor: Minor
  readonly loaded: number
  /** Picked although nobody believed them to be there. */
  readonly surplus: number
  readonly inCassette: number
  readonly inPath: number
  /** Counted into the stacker or out of the machine, and not yet said to be anywhere else. */
  readonly underWay: number
  readonly rejected: number
  readonly retracted: number
  readonly withCustomers: number
  readonly unknown: number
}

type Place = Exclude<keyof Places, 'cassette' | 'noteMinor' | 'loaded'>
type Changing = {-readonly [K in keyof Places]: Places[K]}

/** From where a device takes the notes that it clears away, the likeliest first. */
const CLEARED_FROM: readonly Place[] = ['inPath', 'underWay', 'unknown', 'inCassette']

/** The fold itself: one row at a time, in the journal's order. */
export class PlacesFold {
  readonly #places = new Map<number, Changing>()
  /** Notes that an order without an answer may have moved. */
  readonly #asked = new Map<Seq, Mix>()
  #isLeft = false

  add({seq, entry}: Stored): void {
    if (entry.kind === 'intent') this.#addOrder(entry.order, seq)
    if (entry.kind === 'event') this.#addEvent(entry.event, entry.answers)
  }

  /** By cassette, in their order. */
  places(): readonly Places[] {
    return [...this.#places.values()]
      .map(places => ({...places}))
      .toSorted((one, other) => one.cassette - other.cassette)
  }

  /** What is in the machine, as the bank is told: the cassettes, and of each bin its notes by their worth. */
  cash(): readonly CashUnit[] {
    const places = this.places()
    return [
      ...places.map(({cassette, noteMinor, inCassette}) => ({
        unit: `cassette-${cassette}`,
        kind: 'cassette' as const,
        noteMinor,
        count: noteCount(inCassette),
      })),
      ...binUnits('reject', places, ({rejected}) => rejected),
      ...binUnits('retract', places, ({retracted}) => retracted),
    ]
  }

  #addOrder(order: Order, seq: Seq): void {
    switch (order.kind) {
      case 'dispenser.dispense':
        this.#isLeft = false
        this.#asked.set(seq, order.mix)
        return
      case 'operator.test':
        this.#asked.set(seq, [{cassette: order.cassette, noteMinor: order.noteMinor, count: noteCount(1)}])
        return
      case 'host.complete':
      case 'host.reverse':
      case 'host.suspect':
        // What lay open at the end of a visit may have been taken, or not.
        this.#moveAll('underWay', this.#isLeft ? 'unknown' : 'withCustomers')
        this.#isLeft = false
        return
      default:
    }
  }

  #addEvent(event: Event, answers: Seq | null): void {
    const asked = (answers === null ? undefined : this.#asked.get(answers)) ?? []
    if (answers !== null) this.#asked.delete(answers)
    switch (event.type) {
      case 'cassettes.loaded':
        this.#places.clear()
        for (const {cassette, noteMinor, count} of event.levels)
          this.#places.set(cassette, {...EMPTY, cassette, noteMinor, loaded: count, inCassette: count})
        return
      case 'notes.dispensed':
      case 'notes.overpaid':
        this.#picked(event.tallies, 'underWay', 'inPath')
        return
      case 'notes.partial':
        if (event.counts === 'inDoubt') this.#picked(event.tallies, 'unknown', 'unknown')
        else this.#picked(event.tallies, 'underWay', event.path === 'inside' ? 'inPath' : 'unknown')
        return
      case 'notes.unknown':
      case 'order.abandoned':
        for (const {cassette, count} of asked) this.#move(cassette, count, 'inCassette', 'unknown')
        return
      case 'notes.taken':
        this.#moveAll('underWay', 'withCustomers')
        return
      case 'notes.left':
        this.#isLeft = true
        return
      case 'notes.presentUnknown':
      case 'notes.retractUnknown':
      case 'notes.rejectUnknown':
        this.#moveAll('underWay', 'unknown')
        return
      case 'notes.retracted':
        this.#moveAll('underWay', this.#isAll(event.count) && !event.itemsTaken ? 'retracted' : 'unknown')
        return
      case 'notes.rejected':
        this.#moveAll('underWay', this.#isAll(event.count) ? 'rejected' : 'unknown')
        return
      case 'reset.done':
        this.#picked(event.tallies ?? [], 'unknown', 'inPath')
        return
      case 'test.done':
        this.#picked([event.tally], 'unknown', 'inPath')
        return
      case 'test.failed':
        this.#move(event.cassette, 1, 'inCassette', 'unknown')
        return
      default:
    }
  }

  /** @param restTo where those went that were picked and neither dispensed nor rejected */
  #picked(tallies: readonly NoteTally[], dispensedTo: Place, restTo: Place): void {
    for (const {cassette, picked, dispensed, rejected} of tallies) {
      const rest = picked - dispensed - rejected
      // A device that clears its path rejects notes that it did not pick just now.
      const cleared = Math.max(0, -rest)
      this.#move(cassette, picked, 'inCassette', 'inPath')
      this.#move(cassette, dispensed, 'inPath', dispensedTo)
      this.#move(cassette, rejected - cleared, 'inPath', 'rejected')
      if (rest > 0) this.#move(cassette, rest, 'inPath', restTo)
      this.#clear(cassette, cleared)
    }
  }

  #clear(cassette: number, count: number): void {
    let left = count
    for (const place of CLEARED_FROM) {
      const some = Math.min(left, this.#of(cassette)[place])
      this.#move(cassette, some, place, 'rejected')
      left -= some
    }
    this.#move(cassette, left, 'inCassette', 'rejected')
  }

  /** Whether the count is of all that are under way: a count of some of them does not say of which cassette. */
  #isAll(count: number | null): boolean {
    return count === this.places().reduce((sum, {underWay}) => sum + underWay, 0)
  }

  #moveAll(from: Place, to: Place): void {
    for (const places of this.#places.values()) this.#move(places.cassette, places[from], from, to)
  }

  /** What was not believed to be where it came from is surplus. */
  #move(cassette: number, count: number, from: Place, to: Place): void {
    const places = this.#of(cassette)
    const found = Math.max(0, count - places[from])
    places.surplus += found
    places[from] += found - count
    places[to] += count
  }

  #of(cassette: number): Changing {
    const known = this.#places.get(cassette)
    if (known !== undefined) return known
    const fresh = {...EMPTY, cassette}
    this.#places.set(cassette, fresh)
    return fresh
  }
}

const EMPTY: Omit<Places, 'cassette'> = {
  noteMinor: minorUnits(0),
  loaded: 0,
  surplus: 0,
  inCassette: 0,
  inPath: 0,
  underWay: 0,
  rejected: 0,
  retracted: 0,
  withCustomers: 0,
  unknown: 0,
}

function binUnits(
  bin: string,
  places: readonly Places[],
  countOf: (places: Places) => number,
): readonly CashUnit[] {
  const counts = new Map<Minor, number>()
  for (const each of places) counts.set(each.noteMinor, (counts.get(each.noteMinor) ?? 0) + countOf(each))
  return [...counts].map(([noteMinor, count]) => ({
    unit: `${bin}-${noteMinor}`,
    kind: 'bin',
    noteMinor,
    count: noteCount(count),
  }))
}
