/**
 * What the journal says of the life before: a fold over its rows into levels, the next STAN, whether the
 * dispenser waits to be counted, and the one operation that was under way.
 */
import {heldByRow} from '../../fsm/decide.ts'
import {NOBODY, attendanceAfter} from '../../fsm/attendance.ts'
import {levelsAfter} from '../../fsm/levels.ts'
import type {
  Advice,
  Attendance,
  CassetteLevel,
  Event,
  Mix,
  OperationKey,
  Order,
} from '../../fsm/vocabulary.ts'
import {stanAfter} from '../../fsm/context.ts'
import type {Intent, Seq, SessionId, Stored} from '../../journal/entry.ts'
import {everyRow} from '../../journal/reader.ts'
import {assert} from '../../kit/assert.ts'
import {noteCount} from '../../kit/money.ts'

type OrderOf<K extends Order['kind']> = Extract<Order, {readonly kind: K}>

/** One order of the operation, and what answered it; null while open. */
export interface Given<K extends Order['kind']> {
  readonly seq: Seq
  readonly order: OrderOf<K>
  readonly answer: Event | null
}

/** An operation that the bank may have approved and that no advice settled yet. */
export interface Unsettled {
  readonly key: OperationKey
  readonly session: SessionId | null
  readonly authorize: Given<'host.authorize'>
  /** Every order to the dispenser, oldest first. */
  readonly moves: readonly Move[]
  /** Where the dispenser's memory stood before the last dispense order; null when that was not kept. */
  readonly mark: string | null
}

/** A transfer that the bank may hold. */
export interface Asked {
  readonly seq: Seq
  readonly session: SessionId | null
  readonly order: OrderOf<'host.transfer'>
}

/** An order that moves notes. */
export type Move = Given<
  'dispenser.dispense' | 'dispenser.present' | 'dispenser.retract' | 'dispenser.reject'
>

export interface Past {
  readonly levels: readonly CassetteLevel[]
  readonly nextStan: number
  readonly held: string | null
  readonly attendance: Attendance
  readonly unsettled: Unsettled | null
  /** A transfer that the bank was asked for, and that no answer and no advice settled. */
  readonly transfer: Asked | null
  /** What the bank was to be told last, acknowledged or not. */
  readonly lastAdvice: Advice | null
  /** Rows of advices that the bank has refused, taken later or not. */
  readonly parked: ReadonlySet<number>
}

/** The part of the journal that the fold reads. */
export interface Rows {
  rows(fromSeq: number, countMax: number): readonly Stored[]
  openIntents(): readonly Intent[]
}

/** Folds the whole journal. */
export function readPast(journal: Pick<Rows, 'rows'>): Past {
  const fold = new PastFold()
  for (const row of everyRow(journal)) fold.add(row)
  return fold.past()
}

/** The fold itself: one row at a time, in the journal's order. */
export class PastFold {
  #levels: readonly CassetteLevel[] = []
  #nextStan = 1
  #held: string | null = null
  #authorize: Given<'host.authorize'> | null = null
  #session: SessionId | null = null
  #transfer: Asked | null = null
  #moves: readonly Move[] = []
  #mark: string | null = null
  #lastAdvice: Advice | null = null
  readonly #parked = new Set<number>()
  #attendance = NOBODY
  /** A person's test that nothing answered yet, and the note it may have moved. */
  #test: {readonly seq: Seq; readonly mix: Mix} | null = null

  add(row: Stored): void {
    if (row.entry.kind === 'intent') this.#addOrder(row.seq, row.session, row.entry.order)
    if (row.entry.kind === 'event') this.#addEvent(row.entry.event, row.entry.answers)
  }

  past(): Past {
    const authorize = this.#authorize
    const unsettled =
      authorize === null
        ? null
        : {
            key: authorize.order.key,
            session: this.#session,
            authorize,
            moves: this.#moves,
            mark: this.#mark,
          }
    return {
      levels: this.#levels,
      nextStan: this.#nextStan,
      held: this.#held,
      attendance: this.#attendance,
      unsettled,
      transfer: this.#transfer,
      lastAdvice: this.#lastAdvice,
      parked: new Set(this.#parked),
    }
  }

  #addOrder(seq: Seq, session: SessionId | null, order: Order): void {
    switch (order.kind) {
      case 'host.verify':
      case 'host.balance':
      case 'host.statement':
      case 'host.changePin':
      case 'host.payee':
        this.#nextStan = stanAfter(stanOf(order.key))
        break
      case 'host.authorize':
        assert(this.#authorize === null, `row ${seq} authorizes while another operation is unsettled`)
        this.#nextStan = stanAfter(stanOf(order.key))
        this.#authorize = {seq, order, answer: null}
        this.#session = session
        this.#moves = []
        break
      case 'host.transfer':
        assert(this.#transfer === null, `row ${seq} transfers while another transfer is unsettled`)
        this.#nextStan = stanAfter(stanOf(order.key))
        this.#transfer = {seq, session, order}
        break
      case 'host.completeTransfer':
      case 'host.reverseTransfer':
        assert(this.#transfer?.order.key === order.key, `row ${seq} settles no transfer under way`)
        this.#lastAdvice = order
        this.#transfer = null
        break
      case 'dispenser.dispense':
      case 'dispenser.present':
      case 'dispenser.retract':
      case 'dispenser.reject':
        assert(this.#authorize?.order.key === order.key, `row ${seq} moves notes of no operation under way`)
        this.#moves = [...this.#moves, {seq, order, answer: null}]
        if (order.kind === 'dispenser.dispense') this.#mark = null
        break
      case 'host.complete':
      case 'host.reverse':
      case 'host.suspect':
        assert(this.#authorize?.order.key === order.key, `row ${seq} settles no operation under way`)
        this.#held ??= heldByRow(order.row)
        this.#lastAdvice = order
        this.#settle()
        break
      case 'operator.test':
        this.#test = {
          seq,
          mix: [{cassette: order.cassette, noteMinor: order.noteMinor, count: noteCount(1)}],
        }
        break
      default:
        break
    }
  }

  #addEvent(event: Event, answers: Seq | null): void {
    const move = this.#moves.find(given => given.seq === answers)
    const test = this.#test !== null && this.#test.seq === answers ? this.#test : null
    const asked: Mix = move?.order.kind === 'dispenser.dispense' ? move.order.mix : (test?.mix ?? [])
    if (test !== null) this.#test = null
    this.#levels = levelsAfter(this.#levels, event, asked)
    this.#attendance = attendanceAfter(this.#attendance, event)
    if (event.type === 'cassettes.loaded') this.#held = null
    if (event.type === 'host.refusedAdvice') this.#parked.add(event.row)
    if (event.type === 'dispenser.marked') this.#mark = event.mark
    if (move !== undefined)
      this.#moves = this.#moves.map(given => (given === move ? {...given, answer: event} : given))
    if (this.#transfer?.seq === answers && event.type === 'host.declined') this.#transfer = null
    if (this.#authorize !== null && this.#authorize.seq === answers) {
      this.#authorize = {...this.#authorize, answer: event}
      // A bank that said no holds nothing, and nothing moved: there is nothing to tell.
      if (event.type === 'host.declined') this.#settle()
    }
  }

  #settle(): void {
    this.#authorize = null
    this.#session = null
    this.#moves = []
    this.#mark = null
  }
}

/** The STAN at the end of a key. */
function stanOf(key: OperationKey): number {
  const stan = Number(key.slice(key.lastIndexOf(':') + 1))
  assert(Number.isSafeInteger(stan) && stan >= 1, `${key} ends in no STAN`)
  return stan
}

/** The dispense orders among the moves, oldest first. */
export function dispensesOf(moves: readonly Move[]): readonly Given<'dispenser.dispense'>[] {
  return moves.flatMap(({seq, order, answer}) =>
    order.kind === 'dispenser.dispense' ? [{seq, order, answer}] : [],
  )
}
