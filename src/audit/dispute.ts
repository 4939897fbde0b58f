/**
 * What somebody needs who decides about one disputed payout: the operation, three before and three after it, the counts
 * of the notes around it, the faults in between, and the anchor that covers it all. A fold over the journal; nothing is
 * looked up anywhere else. The trade wants the neighbours because a note that one customer misses is often the next
 * one's.
 */
import {isCashAdvice} from '../../fsm/context.ts'
import {levelsAfter} from '../../fsm/levels.ts'
import type {
  CashAdvice,
  CassetteLevel,
  Event,
  Mix,
  NoteTally,
  OperationKey,
  Order,
} from '../../fsm/vocabulary.ts'
import type {Seq, SessionId, Stored} from '../../journal/entry.ts'
import type {EpochMs} from '../../kit/clock.ts'
import type {Minor} from '../../kit/money.ts'
import type {Anchor} from './anchors.ts'

/** Operations told before and after the disputed one. */
const NEIGHBOURS_COUNT = 3

/** One operation as the journal has it. */
export interface Story {
  readonly key: OperationKey
  readonly visit: SessionId | null
  readonly card: string | null
  /** Rows of its visit so far. */
  readonly firstRow: number
  readonly lastRow: number
  readonly atMs: EpochMs
  readonly askedMinor: Minor
  readonly feeMinor: Minor
  readonly planned: Mix
  /** The bank's answer to the request: its authorization code, what it said instead, or null while it has said nothing. */
  readonly authCode: string | null
  readonly refused: string | null
  /** What the dispenser counted, movement by movement. */
  readonly tallies: readonly NoteTally[]
  /** What the bank was told; null when nothing was to be told. */
  readonly advice: CashAdvice | null
  readonly acknowledgedAtMs: EpochMs | null
  readonly levelsBefore: readonly CassetteLevel[]
  readonly levelsAfter: readonly CassetteLevel[]
}

/** A load of the cassettes, with what was counted by hand for it. */
export interface Load {
  readonly row: number
  readonly atMs: EpochMs
  readonly levels: readonly CassetteLevel[]
  readonly counted: readonly Extract<Event, {type: 'exchange.advanced'}>[]
}

export interface Fault {
  readonly row: number
  readonly atMs: EpochMs
  readonly what: string
}

export interface Dispute {
  readonly disputed: Story
  readonly before: readonly Story[]
  readonly after: readonly Story[]
  readonly loadBefore: Load | null
  readonly loadAfter: Load | null
  /** From the first of these operations to the last. */
  readonly faults: readonly Fault[]
  /** The first anchor that covers the last of these rows; null while there is none. */
  readonly anchor: Anchor | null
}

export type DisputeAnswer =
  | {readonly kind: 'found'; readonly dispute: Dispute}
  | {readonly kind: 'none'}
  /** The reference is the end of several keys. */
  | {readonly kind: 'several'; readonly keys: readonly OperationKey[]}

type Telling = {-readonly [K in keyof Story]: Story[K]}

export class DisputeFold {
  readonly #anchorIn: (row: Stored) => Anchor | null
  readonly #stories: Telling[] = []
  readonly #byKey = new Map<OperationKey, Telling>()
  readonly #loads: Load[] = []
  readonly #faults: Fault[] = []
  readonly #anchors: Anchor[] = []
  #levels: readonly CassetteLevel[] = []
  #counted: Load['counted'] = []
  /** Orders that nothing has answered yet. */
  readonly #orders = new Map<Seq, Order>()
  readonly #cards = new Map<SessionId, {readonly card: string; readonly row: number}>()

  constructor(anchorIn: (row: Stored) => Anchor | null) {
    this.#anchorIn = anchorIn
  }

  add(row: Stored): void {
    const {seq, session, entry} = row
    if (entry.kind === 'intent') this.#addOrder(row, entry.order)
    if (entry.kind === 'event') this.#addEvent(row, entry.event, entry.answers)
    const story = this.#stories.at(-1)
    if (story !== undefined && session !== null && story.visit === session) story.lastRow = seq
  }

  /** @param reference a key, or its end as a receipt may show it: `2026-11-22:000417`, `000417` */
  answer(reference: string): DisputeAnswer {
    const exact = this.#stories.filter(({key}) => key === reference)
    const found = exact.length > 0 ? exact : this.#stories.filter(({key}) => key.endsWith(`:${reference}`))
    const [disputed, other] = found
    if (disputed === undefined) return {kind: 'none'}
    if (other !== undefined) return {kind: 'several', keys: found.map(({key}) => key)}
    return {kind: 'found', dispute: this.#disputeOf(disputed)}
  }

  #disputeOf(disputed: Telling): Dispute {
    const at = this.#stories.indexOf(disputed)
    const before = this.#stories.slice(Math.max(0, at - NEIGHBOURS_COUNT), at)
    const after = this.#stories.slice(at + 1, at + 1 + NEIGHBOURS_COUNT)
    const {firstRow} = before[0] ?? disputed
    const {lastRow} = after.at(-1) ?? disputed
    return {
      disputed,
      before,
      after,
      loadBefore: this.#loads.findLast(({row}) => row < disputed.firstRow) ?? null,
      loadAfter: this.#loads.find(({row}) => row > disputed.lastRow) ?? null,
      faults: this.#faults.filter(({row}) => row >= firstRow && row <= lastRow),
      anchor: this.#anchors.find(({event}) => event.row >= lastRow) ?? null,
    }
  }

  #addOrder({seq, session, atMs}: Stored, order: Order): void {
    this.#orders.set(seq, order)
    if (isCashAdvice(order)) {
      const story = this.#byKey.get(order.key)
      if (story !== undefined) story.advice = order
    }
    if (order.kind !== 'host.authorize') return
    const inserted = session === null ? undefined : this.#cards.get(session)
    const story: Telling = {
      key: order.key,
      visit: session,
      card: inserted?.card ?? null,
      firstRow: inserted?.row ?? seq,
      lastRow: seq,
      atMs,
      askedMinor: order.amountMinor,
      feeMinor: order.feeMinor,
      planned: order.mix,
      authCode: null,
      refused: null,
      tallies: [],
      advice: null,
      acknowledgedAtMs: null,
      levelsBefore: this.#levels,
      levelsAfter: this.#levels,
    }
    this.#stories.push(story)
    this.#byKey.set(order.key, story)
  }

  #addEvent(row: Stored, event: Event, answers: Seq | null): void {
    const {seq, session, atMs} = row
    const order = answers === null ? undefined : this.#orders.get(answers)
    if (answers !== null) this.#orders.delete(answers)
    const asked: Mix = order?.kind === 'dispenser.dispense' ? order.mix : []
    this.#levels = levelsAfter(this.#levels, event, asked)
    if (order !== undefined && 'key' in order) this.#answered(order.key, row, event, asked)
    switch (event.type) {
      case 'card.inserted':
        if (session !== null) this.#cards.set(session, {card: event.card.masked, row: seq})
        return
      case 'cassettes.loaded':
        this.#loads.push({row: seq, atMs, levels: event.levels, counted: this.#counted})
        this.#counted = []
        return
      case 'exchange.advanced':
        if (event.count !== null) this.#counted = [...this.#counted, event]
        return
      case 'device.failed':
        this.#faults.push({row: seq, atMs, what: `${event.device}: ${event.fault}`})
        return
      case 'journal.failed':
        this.#faults.push({row: seq, atMs, what: `journal: ${event.why}`})
        return
      case 'journal.anchored': {
        const anchor = this.#anchorIn(row)
        if (anchor !== null) this.#anchors.push(anchor)
        return
      }
      default:
    }
  }

  #answered(key: OperationKey, {atMs}: Stored, event: Event, asked: Mix): void {
    const story = this.#byKey.get(key)
    if (story === undefined) return
    switch (event.type) {
      case 'host.approved':
        story.authCode = event.authCode
        return
      case 'host.declined':
        story.refused = `declined ${event.code}`
        return
      case 'host.silent':
        story.refused = `no answer: ${event.why}`
        return
      case 'host.acknowledged':
        story.acknowledgedAtMs = atMs
        return
      case 'notes.dispensed':
      case 'notes.partial':
      case 'notes.overpaid':
        story.tallies = [...story.tallies, ...event.tallies]
        break
      default:
    }
    if (asked.length > 0) story.levelsAfter = this.#levels
  }
}
