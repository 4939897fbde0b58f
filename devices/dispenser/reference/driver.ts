/**
 * The reference dispenser: stacker, shutter, items-taken sensor, retract, and a memory of what it did.
 *
 * Each dispense is announced by its serial first. A device that kept its power can then tell three things
 * apart: announced and never ordered (nothing moved, and never will under that serial), ordered (it says what
 * moved), and never heard of (it may have lost its memory with its power).
 */
import {assert} from '../../../kit/assert.ts'
import type {Clock} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import {noteCount} from '../../../kit/money.ts'
import type {Failed} from '../../outcome.ts'
import {Exchange} from '../../wire/exchange.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import {failed, NONSENSE, transportOf, unheard, untold} from '../ask.ts'
import type {Told as Heard, Untold} from '../ask.ts'
import type {
  CassetteStatus,
  DenominateOutcome,
  DispenseOutcome,
  Dispenser,
  DispenserCapabilities,
  DispenserFault,
  DispenserStatus,
  PastOrder,
  Pick,
  PresentOutcome,
  Recall,
  RejectOutcome,
  ResetOutcome,
  RetractOutcome,
  SensorStatus,
} from '../port.ts'
import {
  BUSY,
  CASSETTES,
  COMMANDS,
  ERRORS,
  HANDSHAKE,
  NOTES_PER_BUNCH_MAX,
  NOTES_PER_CASSETTE_MAX,
} from './bytes.ts'
import type {ErrorRow} from './bytes.ts'
import {answers, decode, encode} from './codec.ts'
import type {Answer, Command, Report} from './codec.ts'

const CAPABILITIES: DispenserCapabilities = {
  stacker: true,
  shutter: true,
  itemsTakenSensor: true,
  retract: true,
  recall: true,
  test: false,
  cassettes: CASSETTES,
  notesPerCassetteMax: NOTES_PER_CASSETTE_MAX,
  notesPerBunchMax: NOTES_PER_BUNCH_MAX,
}

/** A wanted answer; or the device declined and nothing ran; or nothing trustworthy came. */
type Told<K extends Answer['kind']> = Heard<Extract<Answer, {kind: K}>> | Declined

interface Declined {
  readonly kind: 'declined'
  readonly why: DispenserFault
  readonly detail: string
}

export class ReferenceDispenser implements Dispenser {
  readonly capabilities = CAPABILITIES
  readonly errors = ERRORS
  readonly #exchange: Exchange
  readonly #log: Log
  readonly #turns = new Turns()

  constructor(link: ByteLink, clock: Clock, log: Log) {
    this.#log = log.named('device.dispenser.reference')
    this.#exchange = new Exchange(link, clock, HANDSHAKE, {
      lost: why => {
        this.#log.warn('link lost', {why})
      },
    })
  }

  open(): ReturnType<Dispenser['open']> {
    return this.#turns.take(async () => {
      const opened = await this.#exchange.open()
      if (opened !== 'open') return failed(opened, 'the link does not open')
      const status = await this.#askStatus()
      if (status.kind === 'failed') return status
      const identity = await this.#tell({kind: 'identify'}, 'identify')
      if (identity.kind !== 'told') return failed(identity.why, `identify: ${identity.detail}`)
      const firmware = `${identity.answer.model} ${identity.answer.version}`
      this.#log.info('dispenser open', {firmware})
      return {kind: 'open', identity: {model: 'reference', firmware}, status}
    })
  }

  status(): Promise<DispenserStatus | Failed<DispenserFault>> {
    return this.#turns.take(() => this.#askStatus())
  }

  describe(): Promise<readonly string[]> {
    return this.#turns.take(async () => {
      const identity = await this.#tell({kind: 'identify'}, 'identify')
      const told =
        identity.kind === 'told' ? `${identity.answer.model} ${identity.answer.version}` : identity.detail
      return [`identity: ${told}`, 'not a product: docs/protocols/reference-dispenser.md defines it']
    })
  }

  async denominate(picks: readonly Pick[]): Promise<DenominateOutcome> {
    checkPicks(picks)
    return this.#turns.take(async () => {
      const status = await this.#askStatus()
      if (status.kind === 'failed') return {kind: 'refused', fault: status.fault, detail: status.detail}
      const fault = obstacle(status, picks)
      return fault === null
        ? {kind: 'dispensable'}
        : {kind: 'refused', fault, detail: `${fault}; ${status.detail}`}
    })
  }

  /** The announcement of the serial ties its memory to an order; nothing else is needed. */
  async mark(): Promise<{readonly kind: 'marked'; readonly mark: null}> {
    return {kind: 'marked', mark: null}
  }

  /** Announced first, which the device refuses itself where an order cannot be carried out. */
  async dispense(picks: readonly Pick[], serial: number): Promise<DispenseOutcome> {
    checkPicks(picks)
    const order = encode({kind: 'dispense', serial, picks})
    assert(order.length > 0, 'an order has bytes')
    return this.#turns.take(async () => {
      const announced = await this.#tell({kind: 'announce', serial}, 'announce')
      if (announced.kind !== 'told')
        return {kind: 'refused', fault: announced.why, detail: `announce: ${announced.detail}`}
      const {error} = announced.answer
      if (error.fault !== null) return {kind: 'refused', fault: error.fault, detail: textOf(error)}
      const told = await this.#tell({kind: 'dispense', serial, picks}, 'dispense')
      const outcome = told.kind === 'told' ? fold(told.answer.report) : undone(told)
      this.#log.info('dispensed', {serial, outcome: outcome.kind, detail: outcome.detail})
      return outcome
    })
  }

  present(takeWithinMs: number): Promise<PresentOutcome> {
    return this.#turns.take(async () => {
      const told = await this.#tell({kind: 'present', takeWithinMs}, 'present')
      if (told.kind === 'declined') return {kind: 'notPresented', fault: told.why, detail: told.detail}
      if (told.kind === 'untold') return {kind: 'unknown', why: told.why, detail: told.detail}
      const {error, notes} = told.answer
      if (notes === 'taken' || notes === 'left') return {kind: notes}
      const fault = error.fault ?? 'hardware'
      if (notes === 'none') return {kind: 'notPresented', fault, detail: textOf(error)}
      return {kind: 'unknown', why: fault, detail: textOf(error)}
    })
  }

  retract(): Promise<RetractOutcome> {
    return this.#turns.take(async () => {
      const told = await this.#tell({kind: 'retract'}, 'retract')
      if (told.kind !== 'told') return {kind: 'unknown', why: told.why, detail: told.detail}
      const {error, count, isSomeTaken} = told.answer
      if (error.fault !== null) return {kind: 'unknown', why: error.fault, detail: textOf(error)}
      return {kind: 'retracted', count, itemsTaken: isSomeTaken}
    })
  }

  reject(): Promise<RejectOutcome> {
    return this.#turns.take(async () => {
      const told = await this.#tell({kind: 'reject'}, 'reject')
      if (told.kind !== 'told') return {kind: 'unknown', why: told.why, detail: told.detail}
      const {error, count} = told.answer
      if (error.fault !== null) return {kind: 'unknown', why: error.fault, detail: textOf(error)}
      return {kind: 'rejected', count}
    })
  }

  recall({serial}: PastOrder): Promise<Recall | Failed<DispenserFault>> {
    return this.#turns.take(async () => {
      const told = await this.#tell({kind: 'recall', serial}, 'recall')
      if (told.kind !== 'told') return failed(told.why, `recall: ${told.detail}`)
      return told.answer.serial === serial ? recalled(told.answer.memory) : {kind: 'notRemembered'}
    })
  }

  reset(): Promise<ResetOutcome> {
    return this.#turns.take(async () => {
      const told = await this.#tell({kind: 'purge'}, 'purge')
      if (told.kind !== 'told') return failed(told.why, `purge: ${told.detail}`)
      const {error} = told.answer
      if (error.fault !== null) return failed(error.fault, textOf(error))
      const status = await this.#askStatus()
      if (status.kind === 'failed') return status
      return status.path === 'clear'
        ? {kind: 'reset', tallies: null, status}
        : failed('jam', `after a purge: ${status.detail}`)
    })
  }

  async test(): Promise<Failed<DispenserFault>> {
    return failed('not-supported', 'this model has no test')
  }

  close(): Promise<void> {
    return this.#exchange.close()
  }

  async #askStatus(): Promise<DispenserStatus | Failed<DispenserFault>> {
    const told = await this.#tell({kind: 'status'}, 'status')
    return told.kind === 'told' ? foldStatus(told.answer) : failed(told.why, `status: ${told.detail}`)
  }

  async #tell<K extends Command['kind']>(command: Command, kind: K): Promise<Told<K>> {
    const row = COMMANDS[command.kind]
    const reply = await this.#exchange.ask({
      frame: encode(command),
      retry: row.retry,
      answerMs: row.answerMs + (command.kind === 'present' ? command.takeWithinMs : 0),
      isAnswer: frame => answers(frame, command.kind),
    })
    if (reply.kind !== 'answer') return untold(reply)
    const answer = decode(reply.frame)
    // What moves may be this very order, of which a bad line made two.
    if (answer?.kind === 'declined' && answer.error.code === BUSY && row.retry === 'never')
      return {...NONSENSE, detail: textOf(answer.error)}
    if (answer?.kind === 'declined')
      return {kind: 'declined', why: answer.error.fault ?? 'hardware', detail: textOf(answer.error)}
    return answer !== null && isKind(answer, kind) ? {kind: 'told', answer} : NONSENSE
  }
}

function checkPicks(picks: readonly Pick[]): void {
  const total = picks.reduce((sum, {count}) => sum + count, 0)
  const cassettes = new Set(picks.map(({cassette}) => cassette))
  assert(picks.length > 0 && cassettes.size === picks.length, 'each cassette at most once in an order')
  assert(total <= NOTES_PER_BUNCH_MAX, `${total} notes are more than the stacker holds`)
  for (const {cassette, count} of picks) {
    assert(
      CASSETTES.some(known => known === cassette),
      `there is no cassette ${cassette}`,
    )
    assert(count >= 1 && count <= NOTES_PER_CASSETTE_MAX, `${count} notes of one cassette in an order`)
  }
}

/** What became of a dispense order: the stacked count decides, whatever the error says. */
function fold({error, lines}: Report): DispenseOutcome {
  const tallies = lines.map(({cassette, picked, stacked, rejected}) => ({
    cassette,
    picked,
    dispensed: stacked,
    rejected,
  }))
  const detail = `${textOf(error)}; ${lines
    .map(
      line =>
        `${line.cassette}: ${line.asked} asked, ${line.picked} picked, ${line.stacked} stacked, ${line.rejected} rejected`,
    )
    .join('; ')}`
  const isShort = lines.some(({stacked, asked}) => stacked < asked)
  const isOver = lines.some(({stacked, asked}) => stacked > asked)
  if ((isOver || error.class === 'over') && !isShort) return {kind: 'overpaid', tallies, detail}
  if (!isShort && error.class !== 'doubt') return {kind: 'dispensed', tallies, fault: error.fault, detail}
  if (error.class === 'before' && error.fault !== null && lines.every(({picked}) => picked === 0))
    return {kind: 'refused', fault: error.fault, detail}
  const inside = lines.reduce((sum, {picked, stacked, rejected}) => sum + picked - stacked - rejected, 0)
  const isSound = inside >= 0 && !isOver && (error.class === 'before' || error.class === 'inside')
  return {
    kind: 'partial',
    fault: error.fault ?? 'count-mismatch',
    tallies,
    inPath: noteCount(Math.max(0, inside)),
    path: 'inside',
    counts: isSound ? 'trusted' : 'inDoubt',
    detail,
  }
}

function recalled(memory: Extract<Answer, {kind: 'recall'}>['memory']): Recall {
  switch (memory) {
    case 'none':
      return {kind: 'notRemembered'}
    case 'clean':
      return {kind: 'movedNothing'}
    case 'busy':
      return {kind: 'busy'}
    default: {
      const outcome = fold(memory)
      return outcome.kind === 'refused' ? {kind: 'movedNothing'} : {kind: 'moved', outcome}
    }
  }
}

function foldStatus(answer: Extract<Answer, {kind: 'status'}>): DispenserStatus {
  const state = (letter: 'o' | 'l' | 'e' | 'm' | undefined): CassetteStatus['state'] => {
    switch (letter) {
      case 'o':
        return 'ok'
      case 'l':
        return 'low'
      case 'e':
        return 'empty'
      default:
        return 'missing'
    }
  }
  const isBlocked = answer.isPathBlocked || answer.isAtOutlet
  const {error} = answer
  return {
    kind: 'status',
    path: isBlocked ? 'blocked' : 'clear',
    media: answer.isAtOutlet ? 'atMouth' : 'none',
    transport: transportOf(error.fault),
    stacker: answer.isStacked ? 'notEmpty' : 'empty',
    shutter: answer.isShutterOpen ? 'open' : 'closed',
    cassettes: CASSETTES.map(cassette => ({
      cassette,
      state: state(answer.cassettes.get(cassette)),
      detail: '',
    })),
    rejectBin: answer.isBinMissing ? 'missing' : 'ok',
    sensors: sensorsOf(answer),
    error: error.fault === null ? null : error,
    fault: error.fault,
    detail: `${textOf(error)}${answer.isAtOutlet ? '; notes at the outlet' : ''}`,
  }
}

function sensorsOf(answer: Extract<Answer, {kind: 'status'}>): readonly SensorStatus[] {
  return [
    {name: 'path', isSet: answer.isPathBlocked, means: 'a note is there'},
    {name: 'stacker', isSet: answer.isStacked, means: 'a note is there'},
    {name: 'outlet', isSet: answer.isAtOutlet, means: 'a note is at the mouth'},
    {name: 'shutter', isSet: answer.isShutterOpen, means: 'open'},
    {name: 'reject bin', isSet: answer.isBinMissing, means: 'missing'},
  ]
}

/** Why an order must not be given in this state, or null. */
function obstacle(status: DispenserStatus, picks: readonly Pick[]): DispenserFault | null {
  if (status.stacker === 'notEmpty' || status.media === 'atMouth') return 'items-left'
  if (status.path === 'blocked') return 'jam'
  if (status.rejectBin === 'missing') return 'reject-bin-missing'
  const stateOf = (cassette: number): CassetteStatus['state'] | undefined =>
    status.cassettes.find(known => known.cassette === cassette)?.state
  if (picks.some(({cassette}) => stateOf(cassette) === 'missing')) return 'cassette-missing'
  return picks.some(({cassette}) => stateOf(cassette) === 'empty') ? 'cassette-empty' : null
}

function undone(told: Untold | Declined): DispenseOutcome {
  return told.kind === 'untold' ? unheard(told) : {kind: 'refused', fault: told.why, detail: told.detail}
}

function textOf(error: ErrorRow): string {
  return `error ${error.code}: ${error.meaning}`
}

function isKind<K extends Answer['kind']>(answer: Answer, kind: K): answer is Extract<Answer, {kind: K}> {
  return answer.kind === kind
}
