/**
 * Puloon LCDM-2000: two cassettes, no stacker, no shutter, no retract; notes leave one at a time, so a
 * dispense pays out. It remembers nothing: after a lost answer the only honest outcome is `unknown`.
 */
import {assert} from '../../../kit/assert.ts'
import type {Clock} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import type {Failed, NoAnswer} from '../../outcome.ts'
import {Exchange} from '../../wire/exchange.ts'
import type {Reply} from '../../wire/exchange.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import type {
  DispenseOutcome,
  Dispenser,
  DispenserCapabilities,
  DispenserFault,
  DispenserStatus,
  Pick,
  PresentOutcome,
  Recall,
  RejectOutcome,
  RetractOutcome,
} from '../port.ts'
import {COMMANDS, errorRow, HANDSHAKE, KNOWN_ROMS, NOTES_PER_COMMAND_MAX, ROM_LETTER} from './bytes.ts'
import {answers, decode, encode} from './codec.ts'
import type {Answer, Command} from './codec.ts'
import {errorText, foldDispense, foldStatus, LOWER, obstacle, UPPER} from './fold.ts'

const CAPABILITIES: DispenserCapabilities = {
  stacker: false,
  itemsTakenSensor: false,
  retract: false,
  recall: false,
  cassettes: [UPPER, LOWER],
  notesPerCassetteMax: NOTES_PER_COMMAND_MAX,
  notesPerBunchMax: 2 * NOTES_PER_COMMAND_MAX,
}

/** A wanted answer, or why there is none and whether the command may have run all the same. */
type Told<K extends Answer['kind']> =
  | {readonly kind: 'told'; readonly answer: Extract<Answer, {kind: K}>}
  | {
      readonly kind: 'untold'
      readonly why: NoAnswer
      readonly mayHaveRun: boolean
      readonly detail: string
    }

export class Lcdm2000 implements Dispenser {
  readonly capabilities = CAPABILITIES
  readonly #exchange: Exchange
  readonly #log: Log
  readonly #turns = new Turns()

  /** @param link already chosen: a serial port of 9600 8N1 in the machine, a loopback in tests */
  constructor(link: ByteLink, clock: Clock, log: Log) {
    this.#log = log.named('device.dispenser.lcdm2000')
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
      const rom = await this.#tell({kind: 'romVersion'}, 'romVersion')
      if (rom.kind === 'untold') return failed(rom.why, `ROM version: ${rom.detail}`)
      const {letter, version, checksum} = rom.answer
      // The second sensor byte means something else on other models, so their status must not be believed.
      if (letter !== ROM_LETTER)
        return failed('not-supported', `ROM ${letter}${version} is not of an LCDM-2000`)
      const name = KNOWN_ROMS[checksum]
      const firmware = `${letter}${version}T ${checksum}${name === undefined ? '' : ` (${name})`}`
      this.#log.info('dispenser open', {firmware})
      return {kind: 'open', identity: {model: 'lcdm2000', firmware}, status}
    })
  }

  status(): Promise<DispenserStatus | Failed<DispenserFault>> {
    return this.#turns.take(() => this.#askStatus())
  }

  /** Reads the sensors first, and refuses when notes stand in the path: what moves then could not be told from what stood there. */
  async dispense(picks: readonly Pick[], serial: number): Promise<DispenseOutcome> {
    const command = commandFor(picks)
    assert(Number.isSafeInteger(serial) && serial >= 0, `${serial} is not a serial`)
    return this.#turns.take(async () => {
      const status = await this.#tell({kind: 'status'}, 'status')
      if (status.kind === 'untold')
        return {kind: 'refused', fault: status.why, detail: `status: ${status.detail}`}
      const inTheWay = obstacle(status.answer, picks)
      if (inTheWay !== null)
        return {kind: 'refused', fault: inTheWay, detail: foldStatus(status.answer).detail}
      const told = await this.#tell(command, command.kind)
      const outcome: DispenseOutcome = told.kind === 'told' ? foldDispense(picks, told.answer) : unheard(told)
      this.#log.info('dispensed', {serial, outcome: outcome.kind, detail: outcome.detail})
      return outcome
    })
  }

  async present(): Promise<PresentOutcome> {
    return {kind: 'notPresented', fault: 'not-supported', detail: 'no stacker: dispense pays out'}
  }

  async retract(): Promise<RetractOutcome> {
    return {kind: 'unknown', why: 'not-supported', detail: 'this model cannot retract'}
  }

  async reject(): Promise<RejectOutcome> {
    return {kind: 'unknown', why: 'not-supported', detail: 'no stacker to empty'}
  }

  async recall(): Promise<Recall> {
    return {kind: 'notRemembered'}
  }

  /** Runs the path into the reject tray; the device counts nothing of it, and a note at the mouth may leave outward. */
  purge(): Promise<{readonly kind: 'purged'} | Failed<DispenserFault>> {
    return this.#turns.take(async () => {
      const told = await this.#tell({kind: 'purge'}, 'purge')
      if (told.kind === 'untold') return failed(told.why, `purge: ${told.detail}`)
      const error = errorRow(told.answer.error)
      if (error.class === 'ok') return {kind: 'purged'}
      return failed(error.fault ?? 'hardware', errorText(error))
    })
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
      answerMs: row.answerMs + row.perNoteMs * notesOf(command),
      isAnswer: frame => answers(frame, command.kind),
    })
    if (reply.kind !== 'answer') return untold(reply)
    const answer = decode(reply.frame)
    if (answer !== null && isKind(answer, kind)) return {kind: 'told', answer}
    return {kind: 'untold', why: 'nonsense', mayHaveRun: true, detail: 'the answer has impossible fields'}
  }
}

function commandFor(
  picks: readonly Pick[],
): Extract<Command, {kind: 'dispenseUpper' | 'dispenseLower' | 'dispenseBoth'}> {
  const upper = picks.find(pick => pick.cassette === UPPER)
  const lower = picks.find(pick => pick.cassette === LOWER)
  const known = (upper === undefined ? 0 : 1) + (lower === undefined ? 0 : 1)
  assert(known === picks.length, 'each of the cassettes 1 and 2 at most once in an order')
  for (const {count} of picks)
    assert(count >= 1 && count <= NOTES_PER_COMMAND_MAX, `${count} notes of one cassette in an order`)
  if (upper !== undefined && lower !== undefined)
    return {kind: 'dispenseBoth', upper: upper.count, lower: lower.count}
  if (upper !== undefined) return {kind: 'dispenseUpper', count: upper.count}
  assert(lower !== undefined, 'an order names at least one cassette')
  return {kind: 'dispenseLower', count: lower.count}
}

function notesOf(command: Command): number {
  switch (command.kind) {
    case 'dispenseUpper':
    case 'dispenseLower':
      return command.count
    case 'dispenseBoth':
      return command.upper + command.lower
    default:
      return 0
  }
}

function untold(reply: Exclude<Reply, {kind: 'answer'}>): Told<never> {
  switch (reply.kind) {
    case 'refused':
      return {kind: 'untold', why: 'nonsense', mayHaveRun: false, detail: 'the frame was refused every time'}
    case 'lost':
      return {kind: 'untold', why: reply.why, mayHaveRun: reply.mayHaveRun, detail: 'the link was lost'}
    case 'no-answer':
    case 'nonsense':
      return {kind: 'untold', why: reply.kind, mayHaveRun: reply.mayHaveRun, detail: 'no good answer in time'}
  }
}

function unheard(told: Extract<Told<never>, {kind: 'untold'}>): DispenseOutcome {
  return told.mayHaveRun
    ? {kind: 'unknown', why: told.why, detail: told.detail}
    : {kind: 'refused', fault: told.why, detail: told.detail}
}

function isKind<K extends Answer['kind']>(answer: Answer, kind: K): answer is Extract<Answer, {kind: K}> {
  return answer.kind === kind
}

function failed(fault: DispenserFault | NoAnswer, detail: string): Failed<DispenserFault> {
  return {kind: 'failed', fault, detail}
}
