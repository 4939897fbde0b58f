/**
 * Puloon LCDM-2000, and the LCDM-1000 with its one cassette: no stacker, no shutter, no retract; notes leave one
 * at a time, so a dispense pays out. It remembers nothing: after a lost answer the only honest outcome is `unknown`.
 */
import {assert} from '../../../kit/assert.ts'
import type {Clock} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import type {Failed} from '../../outcome.ts'
import {Exchange} from '../../wire/exchange.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import {failed, NONSENSE, unheard, untold} from '../ask.ts'
import type {Told as Heard} from '../ask.ts'
import type {
  DenominateOutcome,
  DispenseOutcome,
  Dispenser,
  DispenserCapabilities,
  DispenserFault,
  DispenserStatus,
  Pick,
  PresentOutcome,
  Recall,
  RejectOutcome,
  ResetOutcome,
  RetractOutcome,
  TestOutcome,
} from '../port.ts'
import {
  COMMANDS,
  errorRow,
  HANDSHAKE,
  KNOWN_ROMS,
  LOWER,
  NOTES_PER_COMMAND_MAX,
  UPPER,
  VARIANTS,
} from './bytes.ts'
import type {Variant} from './bytes.ts'
import {answers, decode, encode} from './codec.ts'
import type {Answer, Command} from './codec.ts'
import {errorText, foldDispense, foldStatus, obstacle, tallyOf} from './fold.ts'

type Told<K extends Answer['kind']> = Heard<Extract<Answer, {kind: K}>>

export class Lcdm2000 implements Dispenser {
  readonly capabilities: DispenserCapabilities
  readonly errors
  readonly #variant: Variant
  readonly #exchange: Exchange
  readonly #log: Log
  readonly #turns = new Turns()

  /**
   * @param link already chosen: a serial port of 9600 8N1 in the machine, a loopback in tests
   * @param model which of the two it must be; `open` refuses the other
   */
  constructor(link: ByteLink, clock: Clock, log: Log, model: keyof typeof VARIANTS = 'lcdm2000') {
    const variant = VARIANTS[model]
    this.#variant = variant
    this.errors = variant.errors
    this.capabilities = {
      stacker: false,
      shutter: false,
      itemsTakenSensor: false,
      retract: false,
      recall: false,
      test: true,
      cassettes: variant.cassettes,
      notesPerCassetteMax: NOTES_PER_COMMAND_MAX,
      notesPerBunchMax: NOTES_PER_COMMAND_MAX * variant.cassettes.length,
    }
    this.#log = log.named(`device.dispenser.${model}`)
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
      const {model, name, romLetter} = this.#variant
      // The second sensor byte means something else on the other model, so its status must not be believed.
      if (letter !== romLetter) return failed('not-supported', `ROM ${letter}${version} is not of an ${name}`)
      const firmware = `${letter}${version}T ${checksum}`
      this.#log.info('dispenser open', {firmware})
      return {kind: 'open', identity: {model, firmware}, status}
    })
  }

  status(): Promise<DispenserStatus | Failed<DispenserFault>> {
    return this.#turns.take(() => this.#askStatus())
  }

  describe(): Promise<readonly string[]> {
    return this.#turns.take(async () => {
      const rom = await this.#tell({kind: 'romVersion'}, 'romVersion')
      if (rom.kind === 'untold') return [`ROM: ${rom.detail}`]
      const {letter, version, checksum} = rom.answer
      return [`ROM: ${letter}${version}T, checksum ${checksum}, ${KNOWN_ROMS[checksum] ?? 'not known'}`]
    })
  }

  async denominate(picks: readonly Pick[]): Promise<DenominateOutcome> {
    commandFor(this.#variant, picks)
    return this.#turns.take(() => this.#denominate(picks))
  }

  async mark(): Promise<{readonly kind: 'marked'; readonly mark: null}> {
    return {kind: 'marked', mark: null}
  }

  /** Reads the sensors first, and refuses when notes stand in the path: what moves then could not be told from what stood there. */
  async dispense(picks: readonly Pick[], serial: number): Promise<DispenseOutcome> {
    const command = commandFor(this.#variant, picks)
    assert(Number.isSafeInteger(serial) && serial >= 0, `${serial} is not a serial`)
    return this.#turns.take(async () => {
      const denominated = await this.#denominate(picks)
      if (denominated.kind === 'refused') return denominated
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
  reset(): Promise<ResetOutcome> {
    return this.#turns.take(async () => {
      const told = await this.#tell({kind: 'purge'}, 'purge')
      if (told.kind === 'untold') return failed(told.why, `purge: ${told.detail}`)
      const error = errorRow(told.answer.error)
      if (error.class !== 'ok') return failed(error.fault ?? 'hardware', errorText(error))
      const status = await this.#askStatus()
      if (status.kind === 'failed') return status
      if (status.path !== 'clear') return failed('jam', `after a purge: ${status.detail}`)
      return {kind: 'reset', tallies: null, status}
    })
  }

  async test(cassette: number): Promise<TestOutcome> {
    assert(this.#variant.cassettes.includes(cassette), `there is no cassette ${cassette}`)
    const kind = cassette === UPPER ? 'testUpper' : 'testLower'
    return this.#turns.take(async () => {
      const told = await this.#tell({kind}, kind)
      if (told.kind === 'untold') return failed(told.why, `test: ${told.detail}`)
      const error = errorRow(told.answer.error)
      const tally = tallyOf(cassette, told.answer.counts)
      if (error.class !== 'ok') return failed(error.fault ?? 'hardware', errorText(error))
      if (tally.rejected !== 1 || tally.dispensed !== 0)
        return failed('count-mismatch', `test: ${tally.dispensed} out, ${tally.rejected} rejected`)
      return {kind: 'tested', tally}
    })
  }

  close(): Promise<void> {
    return this.#exchange.close()
  }

  async #denominate(picks: readonly Pick[]): Promise<DenominateOutcome> {
    const status = await this.#tell({kind: 'status'}, 'status')
    if (status.kind === 'untold')
      return {kind: 'refused', fault: status.why, detail: `status: ${status.detail}`}
    const inTheWay = obstacle(this.#variant, status.answer, picks)
    if (inTheWay === null) return {kind: 'dispensable'}
    return {kind: 'refused', fault: inTheWay, detail: foldStatus(this.#variant, status.answer).detail}
  }

  async #askStatus(): Promise<DispenserStatus | Failed<DispenserFault>> {
    const told = await this.#tell({kind: 'status'}, 'status')
    if (told.kind === 'untold') return failed(told.why, `status: ${told.detail}`)
    return foldStatus(this.#variant, told.answer)
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
    return answer?.kind === 'declined' ? declined(answer.error) : NONSENSE
  }
}

/** Only an error that says the command was not understood proves that it did not run. */
function declined(byte: number): Told<never> {
  const error = errorRow(byte)
  return {...NONSENSE, mayHaveRun: error.fault !== 'bad-request', detail: `declined: ${errorText(error)}`}
}

/** @throws AssertionFailed for an order that the model cannot take */
function commandFor(
  {cassettes}: Variant,
  picks: readonly Pick[],
): Extract<Command, {kind: 'dispenseUpper' | 'dispenseLower' | 'dispenseBoth'}> {
  const upper = picks.find(pick => pick.cassette === UPPER)
  const lower = picks.find(pick => pick.cassette === LOWER)
  const named = new Set(picks.map(pick => pick.cassette))
  assert(named.size === picks.length, 'a cassette at most once in an order')
  for (const {cassette, count} of picks) {
    assert(cassettes.includes(cassette), `there is no cassette ${cassette}`)
    assert(count >= 1 && count <= NOTES_PER_COMMAND_MAX, `${count} notes of one cassette in an order`)
  }
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

function isKind<K extends Answer['kind']>(answer: Answer, kind: K): answer is Extract<Answer, {kind: K}> {
  return answer.kind === kind
}
