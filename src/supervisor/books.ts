/** What the journal adds up to for people: a fold that catches up when somebody asks, so that nobody's visit pays for it. */
import type {CassetteTotals, Books} from '../console/port.ts'
import type {Event, Mix, NoteTally, Order} from '../../fsm/vocabulary.ts'
import type {Seq, Stored} from '../../journal/entry.ts'
import type {Clock, EpochMs} from '../../kit/clock.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import {Follower} from '../session/follow.ts'
import type {Followed} from '../session/follow.ts'
import {PlacesFold} from '../session/places.ts'
import {SuspenseFold} from '../session/suspense.ts'

const FAULTS_MAX = 50
const ACTS_MAX = 200
const VISITS_MAX = 50
const CARDS_MAX = 200
const RETRACTS_MAX = 50

type Writable<T> = {-readonly [K in keyof T]: T[K]}
type Visit = Writable<Books['recentVisits'][number]>

export class BookKeeper {
  readonly #follower: Follower
  #sinceMs: EpochMs | null = null
  #cassettes = new Map<number, Writable<CassetteTotals>>()
  #completed = {count: 0, sumMinor: minorUnits(0)}
  #reversed = 0
  #visits = 0
  #rejectsExpected = 0
  #masked = new Map<string, string>()
  readonly #orders = new Map<Seq, Mix>()
  readonly #suspense = new SuspenseFold()
  readonly #places = new PlacesFold()
  readonly #retained: Books['retained'][number][] = []
  readonly #retracts: Books['retracts'][number][] = []
  readonly #faults: Books['faults'][number][] = []
  readonly #acts: Books['acts'][number][] = []
  readonly #recent: Visit[] = []

  constructor(journal: Followed, clock: Clock) {
    this.#follower = new Follower(journal, clock, row => {
      this.#add(row)
    })
  }

  /** The books as of now. @throws SystemFault when the journal cannot be read */
  async read(): Promise<Books> {
    await this.#follower.catchUp()
    return {
      sinceMs: this.#sinceMs,
      cassettes: [...this.#cassettes.values()],
      completed: this.#completed,
      reversed: this.#reversed,
      visits: this.#visits,
      rejectsExpected: this.#rejectsExpected,
      retained: this.#retained,
      retracts: this.#retracts.toReversed(),
      suspense: this.#suspense.items(),
      places: this.#places.places(),
      faults: this.#faults.toReversed(),
      acts: this.#acts.toReversed(),
      recentVisits: this.#recent.toReversed(),
    }
  }

  #add(row: Stored): void {
    this.#suspense.add(row)
    this.#places.add(row)
    const {entry, session, atMs} = row
    if (session !== null) this.#visit(session, atMs)
    if (entry.kind === 'intent') this.#addOrder(entry.order, row)
    if (entry.kind === 'event') this.#addEvent(entry.event, row, entry.answers)
  }

  #visit(id: string, atMs: EpochMs): void {
    const last = this.#recent.at(-1)
    if (last?.id === id) {
      last.rows += 1
      return
    }
    const known = this.#recent.find(visit => visit.id === id)
    if (known !== undefined) {
      known.rows += 1
      return
    }
    this.#visits += 1
    kept(this.#recent, {id, atMs, rows: 1}, VISITS_MAX)
  }

  #addOrder(order: Order, {seq}: Stored): void {
    switch (order.kind) {
      case 'dispenser.dispense':
        this.#orders.set(seq, order.mix)
        return
      case 'host.complete':
        this.#completed = {
          count: this.#completed.count + 1,
          sumMinor: minorUnits(this.#completed.sumMinor + order.paidMinor),
        }
        return
      case 'host.reverse':
        this.#reversed += 1
        return
      default:
    }
  }

  #addEvent(event: Event, {atMs, session}: Stored, answers: Seq | null): void {
    const asked = answers === null ? undefined : this.#orders.get(answers)
    if (answers !== null) this.#orders.delete(answers)
    switch (event.type) {
      case 'cassettes.loaded':
        for (const {cassette, noteMinor, count} of event.levels) this.#loaded(cassette, noteMinor, count)
        this.#rejectsExpected = 0
        return
      case 'notes.dispensed':
      case 'notes.partial':
      case 'notes.overpaid':
        this.#moved(event.tallies)
        return
      case 'notes.unknown':
        for (const {cassette, count} of asked ?? []) this.#totals(cassette).unknown += count
        return
      case 'reset.done':
        this.#moved(event.tallies ?? [])
        return
      case 'test.done':
        this.#moved([event.tally])
        return
      case 'test.failed':
        this.#totals(event.cassette).unknown += 1
        return
      case 'notes.rejected':
        this.#rejectsExpected += event.count ?? 0
        return
      case 'card.inserted':
        // One visit at a time: only the last card can still be retained.
        this.#masked = new Map([[session ?? '', event.card.masked]])
        return
      case 'card.retained':
        kept(
          this.#retained,
          {atMs, masked: this.#masked.get(session ?? '') ?? 'not read', visit: session ?? '-'},
          CARDS_MAX,
        )
        return
      case 'notes.retracted':
        kept(this.#retracts, {atMs, count: event.count, visit: session ?? '-'}, RETRACTS_MAX)
        return
      case 'notes.retractUnknown':
        kept(this.#retracts, {atMs, count: null, visit: session ?? '-'}, RETRACTS_MAX)
        return
      case 'device.failed':
        kept(this.#faults, {atMs, device: event.device, fault: event.fault}, FAULTS_MAX)
        return
      case 'reset.failed':
        kept(this.#faults, {atMs, device: event.device, fault: event.fault}, FAULTS_MAX)
        return
      case 'person.acted':
        kept(
          this.#acts,
          {atMs, person: event.person, command: event.command, outcome: event.outcome},
          ACTS_MAX,
        )
        return
      case 'exchange.advanced':
        if (event.step === 'cards') this.#retained.length = 0
        return
      case 'cards.cleared':
        this.#retained.length = 0
        return
      case 'totals.closed':
        this.#close(atMs)
        return
      default:
    }
  }

  #loaded(cassette: number, noteMinor: Minor, count: number): void {
    const totals = this.#totals(cassette)
    totals.noteMinor = noteMinor
    totals.loaded = count
  }

  #moved(tallies: readonly NoteTally[]): void {
    for (const {cassette, picked, dispensed, rejected} of tallies) {
      const totals = this.#totals(cassette)
      totals.dispensed += dispensed
      totals.rejected += rejected
      totals.unknown += Math.max(0, picked - dispensed - rejected)
      this.#rejectsExpected += rejected
    }
  }

  #totals(cassette: number): Writable<CassetteTotals> {
    const known = this.#cassettes.get(cassette)
    if (known !== undefined) return known
    const fresh = {cassette, noteMinor: minorUnits(0), loaded: 0, dispensed: 0, rejected: 0, unknown: 0}
    this.#cassettes.set(cassette, fresh)
    return fresh
  }

  #close(atMs: EpochMs): void {
    this.#sinceMs = atMs
    for (const totals of this.#cassettes.values()) {
      totals.dispensed = 0
      totals.rejected = 0
      totals.unknown = 0
    }
    this.#completed = {count: 0, sumMinor: minorUnits(0)}
    this.#reversed = 0
    this.#visits = 0
  }
}

function kept<T>(list: T[], item: T, lengthMax: number): void {
  list.push(item)
  if (list.length > lengthMax) list.shift()
}
