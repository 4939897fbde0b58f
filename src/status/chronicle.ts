/**
 * What the journal says about more than this moment: how often something happened lately, and what waits for a person.
 * A fold that catches up in pieces, so that nobody's visit pays for a long journal.
 */
import type {Event, NoteTally, OperationKey, Order} from '../../fsm/vocabulary.ts'
import type {Seq, SessionId, Stored} from '../../journal/entry.ts'
import {SuspenseFold} from '../session/suspense.ts'
import type {SuspenseItem} from '../session/suspense.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const TEN_MINUTES_MS = 600_000

/** Of one kind in a day. Chosen: more than any machine does; the oldest go first. */
const HAPPENINGS_MAX = 5_000

/** What the windows hold at one moment. */
export interface Lately {
  /** Oldest first. */
  readonly suspense: readonly SuspenseItem[]
  /** Within an hour, those after a change of the settings aside. */
  readonly starts: number
  readonly cardsRetained: number
  /** Orders to dispense within ten minutes. */
  readonly dispenses: number
  /** Within a day, all that follow. */
  readonly dispenseFaults: number
  readonly overpaid: number
  /** Notes moved for an operation that the bank had not approved. */
  readonly unapproved: number
  /** Visits in which the card was kept from its owner and the notes came to nothing good as well. */
  readonly trapped: number
  /** What the printer told of its roll with the last slip. */
  readonly paper: 'ok' | 'low' | 'out'
  readonly notes: ReadonlyMap<
    number,
    {readonly picked: number; readonly rejected: number; readonly paid: number}
  >
}

export class Chronicle {
  readonly #suspense = new SuspenseFold()
  readonly #starts = new Recent<null>(HOUR_MS)
  readonly #cardsRetained = new Recent<null>(HOUR_MS)
  readonly #dispenses = new Recent<null>(TEN_MINUTES_MS)
  readonly #dispenseFaults = new Recent<null>(DAY_MS)
  readonly #overpaid = new Recent<null>(DAY_MS)
  readonly #unapproved = new Recent<null>(DAY_MS)
  readonly #trapped = new Recent<null>(DAY_MS)
  readonly #tallies = new Recent<NoteTally>(DAY_MS)
  #paper: Lately['paper'] = 'ok'
  #authorize: {readonly seq: Seq; readonly key: OperationKey} | null = null
  #approved: OperationKey | null = null
  #configHash: string | null = null
  #trap: {session: SessionId | null; card: boolean; notes: boolean} = {
    session: null,
    card: false,
    notes: false,
  }

  /** One row, in the journal's order. */
  add(row: Stored): void {
    this.#suspense.add(row)
    const {entry, atMs} = row
    if (entry.kind === 'boot') this.#boot(entry.configHash, atMs)
    if (entry.kind === 'intent') this.#addOrder(entry.order, row)
    if (entry.kind === 'event') this.#addEvent(entry.event, entry.answers, row)
  }

  /** A start with other settings than before is a person's doing, or the end of a trial: no sign of a fault. */
  #boot(configHash: string, atMs: number): void {
    if (this.#configHash === null || this.#configHash === configHash) this.#starts.add(atMs, null)
    this.#configHash = configHash
  }

  lately(nowMs: number): Lately {
    const notes = new Map<number, {picked: number; rejected: number; paid: number}>()
    for (const {cassette, picked, rejected, dispensed} of this.#tallies.since(nowMs)) {
      const sum = notes.get(cassette) ?? {picked: 0, rejected: 0, paid: 0}
      notes.set(cassette, {
        picked: sum.picked + picked,
        rejected: sum.rejected + rejected,
        paid: sum.paid + dispensed,
      })
    }
    return {
      suspense: this.#suspense.items(),
      starts: this.#starts.since(nowMs).length,
      cardsRetained: this.#cardsRetained.since(nowMs).length,
      dispenses: this.#dispenses.since(nowMs).length,
      dispenseFaults: this.#dispenseFaults.since(nowMs).length,
      overpaid: this.#overpaid.since(nowMs).length,
      unapproved: this.#unapproved.since(nowMs).length,
      trapped: this.#trapped.since(nowMs).length,
      paper: this.#paper,
      notes,
    }
  }

  #addOrder(order: Order, {seq, atMs}: Stored): void {
    if (order.kind === 'host.authorize') this.#authorize = {seq, key: order.key}
    if (order.kind !== 'dispenser.dispense') return
    this.#dispenses.add(atMs, null)
    if (order.key !== this.#approved) this.#unapproved.add(atMs, null)
  }

  #addEvent(event: Event, answers: Seq | null, {atMs, session}: Stored): void {
    switch (event.type) {
      case 'host.approved':
        if (answers !== null && answers === this.#authorize?.seq) this.#approved = this.#authorize.key
        return
      case 'receipt.printed':
        this.#paper = event.paper
        return
      case 'notes.dispensed':
        for (const tally of event.tallies) this.#tallies.add(atMs, tally)
        return
      case 'notes.partial':
      case 'notes.overpaid':
        for (const tally of event.tallies) this.#tallies.add(atMs, tally)
        if (event.type === 'notes.overpaid') this.#overpaid.add(atMs, null)
        this.#dispenseFaults.add(atMs, null)
        this.#sprung(session, 'notes', atMs)
        return
      case 'notes.refused':
      case 'notes.unknown':
        this.#dispenseFaults.add(atMs, null)
        this.#sprung(session, 'notes', atMs)
        return
      case 'notes.left':
        this.#sprung(session, 'notes', atMs)
        return
      case 'card.retained':
        this.#cardsRetained.add(atMs, null)
        this.#sprung(session, 'card', atMs)
        return
      case 'card.left':
      case 'card.stuck':
        this.#sprung(session, 'card', atMs)
        return
      default:
    }
  }

  /** Half of the pattern of transaction reversal fraud; both halves in one visit count as one. */
  #sprung(session: SessionId | null, what: 'card' | 'notes', atMs: number): void {
    if (session === null) return
    if (this.#trap.session !== session) this.#trap = {session, card: false, notes: false}
    const wasWhole = this.#trap.card && this.#trap.notes
    this.#trap[what] = true
    if (!wasWhole && this.#trap.card && this.#trap.notes) this.#trapped.add(atMs, null)
  }
}

/** What happened within the time, and no longer ago. */
class Recent<T> {
  readonly #spanMs: number
  #happenings: {readonly atMs: number; readonly what: T}[] = []

  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  add(atMs: number, what: T): void {
    this.#happenings.push({atMs, what})
    if (this.#happenings.length > HAPPENINGS_MAX) this.#happenings.shift()
  }

  since(nowMs: number): readonly T[] {
    this.#happenings = this.#happenings.filter(({atMs}) => nowMs - atMs <= this.#spanMs)
    return this.#happenings.map(({what}) => what)
  }
}
