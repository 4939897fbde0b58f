/**
 * Start-up after whatever happened: each order that the life before left open gets its one answer, and the
 * operation under way is settled, before the machine serves anybody. The device is asked first, and only at
 * rest; then the table of fsm/recovery.ts says what to do.
 */
import type {Dispenser, DispenserStatus, Recall} from '../../devices/dispenser/port.ts'
import {adviceFor, isAdvice} from '../../fsm/context.ts'
import {addMix, decide, stackedCount} from '../../fsm/decide.ts'
import type {Evidence} from '../../fsm/decide.ts'
import {recoveryRow} from '../../fsm/recovery.ts'
import type {Found, Remedy} from '../../fsm/recovery.ts'
import type {Event, Mix, Order} from '../../fsm/vocabulary.ts'
import type {Entry, Intent, Seq, SessionId, Stored} from '../../journal/entry.ts'
import {assert, present} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import type {Count} from '../../kit/money.ts'
import {dispensesOf, readPast} from './past.ts'
import type {Asked, Given, Past, Rows, Unsettled} from './past.ts'
import {dispenseEvent, picksOf, recallAtRest, wayOut} from './perform.ts'

/** The journal as recovery uses it. */
export interface RecoveryJournal extends Rows {
  append(session: SessionId | null, entries: readonly [Entry, ...Entry[]]): readonly Stored[]
}

export interface RecoveryPorts {
  readonly journal: RecoveryJournal
  readonly dispenser: Dispenser
  readonly clock: Clock
  readonly log: Log
  /** Carries out one order to the dispenser, as during a visit. */
  readonly perform: (order: Order, intent: Seq) => Promise<Event>
  readonly retract: 'off' | 'on' | 'onIfCounted'
}

/** Settles the life before. @returns what the journal says now, with nothing unsettled and only advices open. */
export async function recover(ports: RecoveryPorts): Promise<Past> {
  const {unsettled, transfer} = readPast(ports.journal)
  for (const intent of ports.journal.openIntents())
    if (intent.seq === transfer?.seq) takeBack(ports, transfer)
    else await answer(ports, intent, unsettled)
  const past = readPast(ports.journal)
  assert(
    past.unsettled === null && past.transfer === null,
    'recovery settles the operation that was under way',
  )
  return past
}

/** A transfer whose answer reached nobody is never made: the bank is told so, whatever it has of it. */
function takeBack({journal, log}: RecoveryPorts, {seq, session, order: {key}}: Asked): void {
  const {name, remedy} = recoveryRow({open: 'host.transfer', bank: 'noAnswer', ...UNASKED})
  assert(remedy === 'reverseTransfer', `row ${name} takes no transfer back`)
  log.warn('an order of the life before was open', {order: 'host.transfer', seq, row: name})
  journal.append(session, [
    {kind: 'event', event: ABANDONED, answers: seq},
    {kind: 'event', event: {type: 'operation.recovered', key, row: name}, answers: null},
    {
      kind: 'intent',
      order: {kind: 'host.reverseTransfer', key, because: 'no-answer', row: 'transfer-not-answered'},
    },
  ])
}

/** What a dispenser says that is not asked, since no note was ordered. */
const UNASKED = {
  recall: 'notRemembered',
  path: 'unknown',
  media: 'unknown',
  stacker: 'unknown',
  shutter: 'unknown',
} as const

/** Gives one open order its one answer, by its row of the recovery table. */
async function answer(ports: RecoveryPorts, intent: Intent, underWay: Unsettled | null): Promise<void> {
  const {journal, log} = ports
  // An advice is about an operation of its own, which it settles.
  const unsettled = isAdvice(intent.entry.order) ? null : underWay
  const recall = await recallOf(ports, unsettled)
  const found = await findings(ports, intent, unsettled, recall)
  const {name, remedy} = recoveryRow(found)
  if (remedy === 'tellAgain') return
  log.warn('an order of the life before was open', {
    order: intent.entry.order.kind,
    seq: intent.seq,
    row: name,
  })
  if (remedy === 'forget') {
    journal.append(intent.session, [abandoned(intent.seq)])
    return
  }
  assert(unsettled !== null && remedy !== 'reverseTransfer', `row ${name} settles an operation`)
  await new Settlement(ports, unsettled, intent.seq, name).carryOut(remedy, recall, wayOut(found))
}

/** The remedies that settle an operation. */
type Settling = Exclude<Remedy, 'forget' | 'tellAgain' | 'reverseTransfer'>

type AtRest = Exclude<Recall, {kind: 'busy'}>

/** What the device remembers of the last dispense order; a device that was given none is not asked. */
async function recallOf({dispenser, clock}: RecoveryPorts, unsettled: Unsettled | null): Promise<AtRest> {
  const dispense = unsettled === null ? undefined : dispensesOf(unsettled.moves).at(-1)
  if (unsettled === null || dispense === undefined) return {kind: 'notRemembered'}
  const {seq, order} = dispense
  return recallAtRest(dispenser, clock, {serial: seq, picks: picksOf(order.mix), mark: unsettled.mark})
}

async function findings(
  {dispenser}: RecoveryPorts,
  intent: Intent,
  unsettled: Unsettled | null,
  recall: AtRest,
): Promise<Found> {
  const isAsked = unsettled !== null && unsettled.moves.length > 0
  const status = isAsked ? await dispenser.status() : null
  const sensors: Pick<Found, 'path' | 'media' | 'stacker' | 'shutter'> =
    status?.kind === 'status'
      ? {path: status.path, media: status.media, stacker: status.stacker, shutter: status.shutter}
      : {path: 'unknown', media: 'unknown', stacker: 'unknown', shutter: 'unknown'}
  return {open: intent.entry.order.kind, bank: bankOf(unsettled), recall: recall.kind, ...sensors}
}

function bankOf(unsettled: Unsettled | null): Found['bank'] {
  if (unsettled === null) return 'nothingUnderWay'
  const {answer: said} = unsettled.authorize
  if (said === null) return 'noAnswer'
  assert(said.type === 'host.approved', `operation ${unsettled.key} goes on after ${said.type}`)
  return 'approved'
}

/** The steps that one remedy takes: answers, further orders to the dispenser, and the one advice at the end. */
class Settlement {
  readonly #ports: RecoveryPorts
  readonly #unsettled: Unsettled
  readonly #row: string
  /** The order whose answer is next. */
  #open: Seq
  readonly #paid: Mix
  readonly #bunch: Mix
  readonly #bunchIndex: number
  readonly #current: Given<'dispenser.dispense'> | null

  /** @param row of the recovery table, for the record */
  constructor(ports: RecoveryPorts, unsettled: Unsettled, open: Seq, row: string) {
    this.#ports = ports
    this.#unsettled = unsettled
    this.#row = row
    this.#open = open
    const dispenses = dispensesOf(unsettled.moves)
    const current = dispenses.at(-1) ?? null
    this.#current = current
    this.#paid = dispenses.slice(0, -1).reduce<Mix>((sum, given) => addMix(sum, given.order.mix), [])
    this.#bunch = current?.order.mix ?? unsettled.authorize.order.mix
    this.#bunchIndex = current?.order.bunch ?? 0
  }

  async carryOut(remedy: Settling, recall: Recall, path: DispenserStatus['path']): Promise<void> {
    switch (remedy) {
      case 'reverseUnanswered':
        this.#conclude(ABANDONED, {kind: 'notMoved', because: 'no-answer'})
        return
      case 'reverseNotOrdered':
        this.#conclude(ABANDONED, {kind: 'notMoved', because: 'unable-to-complete'})
        return
      case 'reverseNotMoved':
        this.#conclude(
          {type: 'notes.refused', fault: 'the dispenser proves that nothing moved'},
          {kind: 'notMoved', because: 'malfunction'},
        )
        return
      case 'asRecalled':
        assert(recall.kind === 'moved', 'only what is remembered can be recalled')
        await this.#asRecalled(dispenseEvent(recall.outcome, 'unknown'))
        return
      case 'answerLost':
        this.#conclude(
          {type: 'notes.unknown', why: 'restarted with the order open', path},
          {kind: 'answerLost', path},
        )
        return
      case 'takenAsPresented':
        this.#concludePaid({type: 'notes.taken'})
        return
      case 'leftBehind':
        await this.#leftBehind()
        return
      case 'stillStacked':
        await this.#reject(
          {type: 'notes.notPresented', fault: 'restarted before the shutter opened'},
          this.#stackedBefore(),
        )
        return
      case 'presentUnknown':
        this.#conclude(
          {type: 'notes.presentUnknown', why: 'restarted with the order open'},
          {kind: 'presentUnknown'},
        )
        return
      case 'retractUnknown':
        this.#conclude(
          {type: 'notes.retractUnknown', why: 'restarted with the order open'},
          {kind: 'retractUnknown'},
        )
        return
      case 'rejectUnknown':
        this.#conclude(
          {type: 'notes.rejectUnknown', why: 'restarted with the order open'},
          {kind: 'rejectUnknown'},
        )
        return
    }
  }

  /** As if the answer had come in time, but nothing further is paid: the customer is gone. */
  async #asRecalled(event: Event): Promise<void> {
    const {stacker} = this.#ports.dispenser.capabilities
    switch (event.type) {
      case 'notes.refused':
        this.#conclude(event, {kind: 'notMoved', because: 'malfunction'})
        return
      case 'notes.unknown':
        this.#conclude(event, {kind: 'answerLost', path: event.path})
        return
      case 'notes.dispensed':
        if (stacker) await this.#reject(event, stackedCount(event))
        else this.#concludePaid(event)
        return
      case 'notes.partial':
        if (stacker) await this.#reject(event, stackedCount(event))
        else {
          const {tallies, inPath, path, counts} = event
          this.#conclude(event, {kind: 'sprayed', tallies, inPath, path, counts})
        }
        return
      case 'notes.overpaid':
        if (stacker) await this.#reject(event, stackedCount(event))
        else this.#conclude(event, {kind: 'overpaid', tallies: event.tallies})
        return
      default:
        assert(false, `${event.type} is no answer to a dispense order`)
    }
  }

  /** Stacked notes that nobody was shown go to the reject bin, and are counted there. */
  async #reject(event: Event, stacked: Count | null): Promise<void> {
    const outcome = await this.#order(event, {
      kind: 'dispenser.reject',
      key: this.#unsettled.key,
      bunch: this.#bunchIndex,
    })
    this.#conclude(
      outcome,
      outcome.type === 'notes.rejected'
        ? {kind: 'rejected', stacked, count: outcome.count}
        : {kind: 'rejectUnknown'},
    )
  }

  #stackedBefore(): Count | null {
    const answer = this.#current?.answer
    assert(answer?.type === 'notes.dispensed', 'only a stacked bunch is presented')
    return stackedCount(answer)
  }

  async #leftBehind(): Promise<void> {
    const left: Event = {type: 'notes.left'}
    if (!this.#ports.dispenser.capabilities.retract || this.#ports.retract === 'off') {
      this.#conclude(left, {kind: 'leftInPlace'})
      return
    }
    const outcome = await this.#order(left, {
      kind: 'dispenser.retract',
      key: this.#unsettled.key,
      bunch: this.#bunchIndex,
    })
    this.#conclude(
      outcome,
      outcome.type === 'notes.retracted'
        ? {kind: 'retracted', count: outcome.count, itemsTaken: outcome.itemsTaken}
        : {kind: 'retractUnknown'},
    )
  }

  /** This bunch is with the customer; what was still to come never was ordered. */
  #concludePaid(event: Event): void {
    const paid = addMix(this.#paid, this.#bunch)
    const approved = this.#unsettled.authorize.order.mix
    const isAll =
      addMix(paid, []).every((part, index) => approved[index]?.count === part.count) &&
      paid.length === approved.length
    if (isAll) this.#conclude(event, {kind: 'taken'})
    else this.#conclude(event, {kind: 'notMoved', because: 'malfunction'}, paid)
  }

  /** Ink first, here as everywhere: the answer and the next order in one append, then the order. */
  async #order(event: Event, order: Order): Promise<Event> {
    const stored = this.#append([
      {kind: 'event', event, answers: this.#open},
      {kind: 'intent', order},
    ])
    const intent = present(stored[1], 'the order just journaled')
    this.#open = intent.seq
    return this.#ports.perform(order, intent.seq)
  }

  #conclude(event: Event, evidence: Evidence, paid: Mix = this.#paid): void {
    const {authorize, key} = this.#unsettled
    const asked = {approved: authorize.order.mix, paid, bunch: this.#bunch}
    const decision = decide(asked, evidence, {reverseCountedRetract: this.#ports.retract === 'onIfCounted'})
    this.#append([
      {kind: 'event', event, answers: this.#open},
      {kind: 'event', event: {type: 'operation.recovered', key, row: this.#row}, answers: null},
      {kind: 'intent', order: adviceFor(key, authorize.order.feeMinor, decision)},
    ])
  }

  #append(entries: readonly [Entry, ...Entry[]]): readonly Stored[] {
    return this.#ports.journal.append(this.#unsettled.session, entries)
  }
}

const ABANDONED: Event = {type: 'order.abandoned', because: 'restarted'}

function abandoned(answers: Seq): Entry {
  return {kind: 'event', event: ABANDONED, answers}
}
