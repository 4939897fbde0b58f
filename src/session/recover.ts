/**
 * Start-up after whatever happened: each order that the life before left open gets its one answer, and the
 * operation under way is settled, before the machine serves anybody. The device is asked first, and only at
 * rest; "does not remember" is not "moved nothing"; unknown becomes suspect and never a reversal.
 */
import type {Dispenser, DispenserStatus, Recall} from '../../devices/dispenser/port.ts'
import {adviceFor} from '../../fsm/context.ts'
import {addMix, decide, stackedCount} from '../../fsm/decide.ts'
import type {Evidence} from '../../fsm/decide.ts'
import type {Event, Mix, Order} from '../../fsm/vocabulary.ts'
import type {Entry, Intent, Seq, SessionId, Stored} from '../../journal/entry.ts'
import {assert, present} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import type {Count} from '../../kit/money.ts'
import {dispensesOf, readPast} from './past.ts'
import type {Given, Move, Past, Rows, Unsettled} from './past.ts'
import {dispenseEvent, pathOf, picksOf, recallAtRest} from './perform.ts'

/** What the last order to the dispenser was, and that nothing answered it; `notOrdered`: approved or asked for, and no more. */
export type Phase = 'notOrdered' | 'dispenseOpen' | 'presentOpen' | 'retractOpen' | 'rejectOpen'

/** What was found at start: the case that the table decides. */
export interface Found {
  readonly phase: Phase
  /** What the dispenser remembers of the last dispense order, at rest. */
  readonly recall: 'moved' | 'movedNothing' | 'notRemembered'
  readonly stacker: DispenserStatus['stacker']
  readonly shutter: DispenserStatus['shutter']
}

/** What to do about it. */
export type Remedy =
  | 'notMoved'
  | 'asRecalled'
  | 'answerLost'
  | 'takenAsPresented'
  | 'leftBehind'
  | 'stillStacked'
  | 'presentUnknown'
  | 'retractUnknown'
  | 'rejectUnknown'

interface RecoveryRow {
  readonly name: string
  readonly when: (found: Found) => boolean
  readonly remedy: Remedy
}

/** The recovery table; exactly one row matches each case (test/session/recover.test.ts enumerates them). */
export const RECOVERY_ROWS: readonly RecoveryRow[] = [
  {name: 'never-ordered', when: f => f.phase === 'notOrdered', remedy: 'notMoved'},
  {
    name: 'dispense-proved-not-moved',
    when: f => f.phase === 'dispenseOpen' && f.recall === 'movedNothing',
    remedy: 'notMoved',
  },
  {
    name: 'dispense-recalled',
    when: f => f.phase === 'dispenseOpen' && f.recall === 'moved',
    remedy: 'asRecalled',
  },
  {
    name: 'dispense-forgotten',
    when: f => f.phase === 'dispenseOpen' && f.recall === 'notRemembered',
    remedy: 'answerLost',
  },
  {
    // It kept its power, so its sensors speak of this bunch: what it counted into the stacker is not there any more.
    name: 'presented-and-gone',
    when: f => isSureAfterPresent(f) && f.stacker === 'empty',
    remedy: 'takenAsPresented',
  },
  {
    name: 'presented-and-there',
    when: f => isSureAfterPresent(f) && f.stacker === 'notEmpty' && f.shutter === 'open',
    remedy: 'leftBehind',
  },
  {
    // The count of what reaches the reject bin proves whether the shutter ever was open.
    name: 'stacked-behind-the-shutter',
    when: f => isSureAfterPresent(f) && f.stacker === 'notEmpty' && f.shutter === 'closed',
    remedy: 'stillStacked',
  },
  {
    name: 'presented-and-unsure',
    when: f => f.phase === 'presentOpen' && !isSureAfterPresent(f),
    remedy: 'presentUnknown',
  },
  {name: 'retract-open', when: f => f.phase === 'retractOpen', remedy: 'retractUnknown'},
  {name: 'reject-open', when: f => f.phase === 'rejectOpen', remedy: 'rejectUnknown'},
]

/** The device kept its memory, and its sensors say where the bunch is. */
function isSureAfterPresent({phase, recall, stacker, shutter}: Found): boolean {
  if (phase !== 'presentOpen' || recall !== 'moved') return false
  return stacker === 'empty' || (stacker === 'notEmpty' && (shutter === 'open' || shutter === 'closed'))
}

/** The row for a case. @throws AssertionFailed unless exactly one matches. */
export function recoveryRow(found: Found): RecoveryRow {
  const rows = RECOVERY_ROWS.filter(row => row.when(found))
  const row = rows[0]
  assert(
    row !== undefined && rows.length === 1,
    `${rows.length} rows of the recovery table match ${JSON.stringify(found)}`,
  )
  return row
}

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
  const before = readPast(ports.journal)
  if (before.unsettled !== null) await settle(ports, before.unsettled)
  abandonRest(ports)
  const past = readPast(ports.journal)
  assert(past.unsettled === null, 'recovery settles the operation that was under way')
  return past
}

async function settle(ports: RecoveryPorts, unsettled: Unsettled): Promise<void> {
  const {dispenser, clock, log} = ports
  const last = unsettled.moves.at(-1)
  assert(
    last === undefined || last.answer === null,
    `operation ${unsettled.key} stopped after an answer, not at an order`,
  )
  const dispense = dispensesOf(unsettled.moves).at(-1)
  const recall: Exclude<Recall, {kind: 'busy'}> =
    dispense === undefined
      ? {kind: 'notRemembered'}
      : notBusy(
          await recallAtRest(dispenser, clock, {
            serial: dispense.seq,
            picks: picksOf(dispense.order.mix),
            mark: unsettled.mark,
          }),
        )
  const status = last === undefined ? null : await dispenser.status()
  const found: Found = {
    phase: phaseOf(last),
    recall: recall.kind,
    stacker: status?.kind === 'status' ? status.stacker : 'unknown',
    shutter: status?.kind === 'status' ? status.shutter : 'unknown',
  }
  const row = recoveryRow(found)
  log.warn('settling the operation under way', {key: unsettled.key, row: row.name})
  await new Settlement(ports, unsettled).carryOut(row.remedy, recall)
}

function notBusy(recall: Recall): Exclude<Recall, {kind: 'busy'}> {
  return recall.kind === 'busy' ? {kind: 'notRemembered'} : recall
}

function phaseOf(last: Move | undefined): Phase {
  switch (last?.order.kind) {
    case undefined:
      return 'notOrdered'
    case 'dispenser.dispense':
      return 'dispenseOpen'
    case 'dispenser.present':
      return 'presentOpen'
    case 'dispenser.retract':
      return 'retractOpen'
    case 'dispenser.reject':
      return 'rejectOpen'
  }
}

/** The steps that one remedy takes: answers, further orders to the dispenser, and the one advice at the end. */
class Settlement {
  readonly #ports: RecoveryPorts
  readonly #unsettled: Unsettled
  /** The order whose answer is next. */
  #open: Seq | null
  readonly #paid: Mix
  readonly #bunch: Mix
  readonly #bunchIndex: number
  readonly #current: Given<'dispenser.dispense'> | null

  constructor(ports: RecoveryPorts, unsettled: Unsettled) {
    this.#ports = ports
    this.#unsettled = unsettled
    this.#open = unsettled.moves.at(-1)?.seq ?? null
    const dispenses = dispensesOf(unsettled.moves)
    const current = dispenses.at(-1) ?? null
    this.#current = current
    this.#paid = dispenses.slice(0, -1).reduce<Mix>((sum, given) => addMix(sum, given.order.mix), [])
    this.#bunch = current?.order.mix ?? unsettled.authorize.order.mix
    this.#bunchIndex = current?.order.bunch ?? 0
  }

  async carryOut(remedy: Remedy, recall: Recall): Promise<void> {
    switch (remedy) {
      case 'notMoved':
        this.#conclude(
          this.#open === null
            ? null
            : {type: 'notes.refused', fault: 'the dispenser proves that nothing moved'},
          {
            kind: 'notMoved',
            because: this.#unsettled.authorize.answer === null ? 'no-answer' : 'malfunction',
          },
        )
        return
      case 'asRecalled':
        assert(recall.kind === 'moved', 'only what is remembered can be recalled')
        await this.#asRecalled(dispenseEvent(recall.outcome, 'unknown'))
        return
      case 'answerLost': {
        const path = await pathOf(this.#ports.dispenser)
        this.#conclude(
          {type: 'notes.unknown', why: 'restarted with the order open', path},
          {kind: 'answerLost', path},
        )
        return
      }
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

  #conclude(event: Event | null, evidence: Evidence, paid: Mix = this.#paid): void {
    const {authorize, key} = this.#unsettled
    const asked = {approved: authorize.order.mix, paid, bunch: this.#bunch}
    const decision = decide(asked, evidence, {reverseCountedRetract: this.#ports.retract === 'onIfCounted'})
    const entries: Entry[] = []
    if (event !== null) entries.push({kind: 'event', event, answers: this.#open})
    if (authorize.answer === null) entries.push(abandoned(authorize.seq))
    this.#append([...entries, {kind: 'intent', order: adviceFor(key, authorize.order.feeMinor, decision)}])
  }

  #append(entries: readonly Entry[]): readonly Stored[] {
    const [first, ...rest] = entries
    return this.#ports.journal.append(this.#unsettled.session, [present(first, 'an entry'), ...rest])
  }
}

/** Orders about cards, PINs and questions owe nobody anything once the customer is gone. */
function abandonRest({journal}: RecoveryPorts): void {
  const open = journal.openIntents().filter(intent => !isAdvice(intent))
  const [first, ...rest] = open.map(intent => abandoned(intent.seq))
  if (first !== undefined) journal.append(open[0]?.session ?? null, [first, ...rest])
}

/** Whether the bank must still be told this; such an intent is the outbox's, however old. */
export function isAdvice(intent: Intent): boolean {
  const {kind} = intent.entry.order
  return kind === 'host.complete' || kind === 'host.reverse' || kind === 'host.suspect'
}

function abandoned(answers: Seq): Entry {
  return {kind: 'event', event: {type: 'order.abandoned', because: 'restarted'}, answers}
}
