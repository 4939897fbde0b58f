/**
 * Puloon LCDM-4000: four cassettes, no stacker, no shutter, no retract; notes leave one at a time, so a dispense pays out.
 * It remembers the result of its last motion as long as it has power, which recovery uses (memory.ts).
 */
import {assert} from '../../../kit/assert.ts'
import type {Clock} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import type {Failed} from '../../outcome.ts'
import {Exchange} from '../../wire/exchange.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import {failed, NONSENSE, unheard, untold} from '../ask.ts'
import type {Told as Heard, Untold} from '../ask.ts'
import type {
  DenominateOutcome,
  DispenseOutcome,
  Dispenser,
  DispenserCapabilities,
  DispenserFault,
  DispenserStatus,
  Mark,
  PastOrder,
  Pick,
  PresentOutcome,
  Recall,
  RejectOutcome,
  ResetOutcome,
  RetractOutcome,
  TestOutcome,
} from '../port.ts'
import {
  CASSETTES,
  COMMANDS,
  errorRow,
  ERRORS,
  HANDSHAKE,
  LENGTH_MAX,
  LENGTH_UNIT_MM,
  NOTES_PER_CASSETTE_MAX,
  NOTES_PER_ORDER_MAX,
  PROFILES,
  RESET_QUIET_MS,
} from './bytes.ts'
import type {Profile} from './bytes.ts'
import {answers, decode, encode} from './codec.ts'
import type {Answer, Command, Four} from './codec.ts'
import {errorText, foldDispense, foldStatus, lengthMm, obstacle, resultText, talliesOf} from './fold.ts'
import {markOf, recallFrom, serialAfter} from './memory.ts'
import type {Memory} from './memory.ts'

const CAPABILITIES: DispenserCapabilities = {
  stacker: false,
  shutter: false,
  itemsTakenSensor: false,
  retract: false,
  recall: true,
  test: true,
  cassettes: CASSETTES,
  notesPerCassetteMax: NOTES_PER_CASSETTE_MAX,
  notesPerBunchMax: NOTES_PER_ORDER_MAX,
}

const NOT_TOLD = 'not told'

/** A wanted answer; or the device declined and nothing ran; or nothing trustworthy came. */
type Told<K extends Answer['kind']> = Heard<Extract<Answer, {kind: K}>>

type Dispensed = Extract<Command, {kind: 'dispense'}>

export class Lcdm4000 implements Dispenser {
  readonly capabilities = CAPABILITIES
  readonly errors = ERRORS
  readonly #profile: Profile
  readonly #clock: Clock
  readonly #exchange: Exchange
  readonly #log: Log
  readonly #turns = new Turns()
  /** Until it says nothing to the question, which one source alone knows. */
  #tellsVersion = true
  /** Waits for the second answer to a reset. */
  #resetAgain: (() => void) | null = null

  /** @param link already chosen: a serial port set as the profile's line says, a loopback in tests */
  constructor(link: ByteLink, clock: Clock, log: Log, profile: keyof typeof PROFILES = 'long') {
    this.#profile = PROFILES[profile]
    this.#clock = clock
    this.#log = log.named('device.dispenser.lcdm4000')
    this.#exchange = new Exchange(link, clock, HANDSHAKE, {
      lost: why => {
        this.#log.warn('link lost', {why})
      },
      unsolicited: frame => {
        if (answers(frame, 'reset')) this.#resetAgain?.()
      },
    })
  }

  open(): ReturnType<Dispenser['open']> {
    return this.#turns.take(async () => {
      const opened = await this.#exchange.open()
      if (opened !== 'open') return failed(opened, 'the link does not open')
      const status = await this.#askStatus()
      if (status.kind === 'failed') return status
      const firmware = await this.#askFirmware()
      this.#log.info('dispenser open', {firmware})
      return {kind: 'open', identity: {model: 'lcdm4000', firmware}, status}
    })
  }

  status(): Promise<DispenserStatus | Failed<DispenserFault>> {
    return this.#turns.take(() => this.#askStatus())
  }

  describe(): Promise<readonly string[]> {
    return this.#turns.take(async () => {
      const say = <K extends Answer['kind']>(
        name: string,
        told: Told<K>,
        text: (answer: Extract<Answer, {kind: K}>) => string,
      ): string => `${name}: ${told.kind === 'told' ? text(told.answer) : told.detail}`
      return [
        say('version', await this.#tell({kind: 'version'}, 'version'), ({text}) => text),
        say('cassette order', await this.#tell({kind: 'order'}, 'order'), ({values}) => values.join(' ')),
        say('opacity', await this.#tell({kind: 'opacity'}, 'opacity'), ({values}) => values.join(' ')),
        say('note lengths', await this.#tell({kind: 'lengths'}, 'lengths'), ({values}) =>
          values.map(units => `${lengthMm(units)} mm`).join(' '),
        ),
        say(
          'dispense serial',
          await this.#tell({kind: 'dispenseSerial'}, 'dispenseSerial'),
          ({serial}) => `${serial}`,
        ),
        say('last motion', await this.#tell({kind: 'lastStatus'}, 'lastStatus'), last => {
          const error = errorText(errorRow(last.error))
          return `command ${last.command.toString(16)}, ${error}; ${resultText(last)}`
        }),
      ]
    })
  }

  async denominate(picks: readonly Pick[]): Promise<DenominateOutcome> {
    countsOf(picks)
    return this.#turns.take(() => this.#denominate(picks))
  }

  /** The result of the last motion, and the device's own serial where the profile has one. */
  mark(): Promise<{readonly kind: 'marked'; readonly mark: Mark} | Failed<DispenserFault>> {
    return this.#turns.take(async () => {
      const memory = await this.#askMemory()
      if (memory.kind === 'untold') return failed(memory.why, `last status: ${memory.detail}`)
      return {kind: 'marked', mark: memory.answer === null ? null : markOf(memory.answer)}
    })
  }

  /** Reads the sensors first, and refuses when notes stand in the path: what moves then could not be told from what stood there. */
  async dispense(picks: readonly Pick[], serial: number): Promise<DispenseOutcome> {
    const counts = countsOf(picks)
    assert(Number.isSafeInteger(serial) && serial >= 0, `${serial} is not a serial`)
    return this.#turns.take(async () => {
      const denominated = await this.#denominate(picks)
      if (denominated.kind === 'refused') return denominated
      const own = await this.#nextSerial()
      if (own.kind === 'untold') return {kind: 'refused', fault: own.why, detail: `serial: ${own.detail}`}
      const command: Dispensed = {kind: 'dispense', counts, timeDigit: null, serial: own.answer}
      const told = await this.#tell(command, 'dispense')
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

  recall(order: PastOrder): Promise<Recall | Failed<DispenserFault>> {
    return this.#turns.take(async () => {
      const memory = await this.#askMemory()
      if (memory.kind === 'untold') return failed(memory.why, `last status: ${memory.detail}`)
      return memory.answer === null ? {kind: 'notRemembered'} : recallFrom(memory.answer, order)
    })
  }

  /** Mechanism home (44), path into the reject tray (51), which the device counts, then a look whether it is clear. */
  reset(): Promise<ResetOutcome> {
    return this.#turns.take(async () => {
      const home = await this.#resetMechanism()
      if (home !== null) return home
      const purged = await this.#tell({kind: 'purge'}, 'purge')
      if (purged.kind === 'untold') return failed(purged.why, `purge: ${purged.detail}`)
      const error = errorRow(purged.answer.error)
      if (error.class !== 'ok')
        return failed(error.fault ?? 'hardware', `${errorText(error)}; ${resultText(purged.answer)}`)
      const status = await this.#askStatus()
      if (status.kind === 'failed') return status
      if (status.path !== 'clear') return failed('jam', `after a purge: ${status.detail}`)
      return {kind: 'reset', tallies: talliesOf(purged.answer), status}
    })
  }

  async test(cassette: number): Promise<TestOutcome> {
    assert(
      CASSETTES.some(known => known === cassette),
      `there is no cassette ${cassette}`,
    )
    const counts = four(at => (at === cassette ? 1 : 0))
    return this.#turns.take(async () => {
      const told = await this.#tell({kind: 'test', counts, timeDigit: null, serial: null}, 'test')
      if (told.kind === 'untold') return failed(told.why, `test: ${told.detail}`)
      const error = errorRow(told.answer.error)
      if (error.class !== 'ok') return failed(error.fault ?? 'hardware', errorText(error))
      const [tally, ...more] = talliesOf(told.answer)
      const isRight =
        more.length === 0 && tally?.cassette === cassette && tally.rejected === 1 && tally.dispensed === 0
      return isRight ? {kind: 'tested', tally} : failed('count-mismatch', `test: ${resultText(told.answer)}`)
    })
  }

  /** Runs five notes of a cassette into the reject tray and tells what its sensors made of them; for who sets it up. */
  async diagnose(cassette: number): Promise<Extract<Answer, {kind: 'diagnose'}> | Failed<DispenserFault>> {
    assert(
      CASSETTES.some(known => known === cassette),
      `there is no cassette ${cassette}`,
    )
    return this.#turns.take(async () => {
      const told = await this.#tell({kind: 'diagnose', cassette}, 'diagnose')
      return told.kind === 'told' ? told.answer : failed(told.why, `diagnose: ${told.detail}`)
    })
  }

  /** Sets the opacity of the notes of each cassette, in the device's unit. Kept in the device's EEPROM. */
  setOpacity(values: Four): Promise<{readonly kind: 'set'} | Failed<DispenserFault>> {
    return this.#turns.take(() => this.#set({kind: 'setOpacity', values}, 'setOpacity'))
  }

  /**
   * Sets how long the notes of each cassette are, in millimetres; 0 keeps what is set. Kept in the device's EEPROM.
   * @throws AssertionFailed for a length beyond 200 mm
   */
  async setNoteLengths(lengthsMm: Four): Promise<{readonly kind: 'set'} | Failed<DispenserFault>> {
    const units = lengthsMm.map(mm => Math.floor(mm / LENGTH_UNIT_MM))
    assert(
      units.every(unit => unit >= 0 && unit <= LENGTH_MAX),
      `note lengths of ${lengthsMm.join(', ')} mm`,
    )
    const values = four(at => units[at - 1] ?? 0)
    return this.#turns.take(() => this.#set({kind: 'setLengths', values}, 'setLengths'))
  }

  /** Sets which cassette code stands in which place. @throws AssertionFailed unless each code stands once */
  async setCassetteOrder(values: Four): Promise<{readonly kind: 'set'} | Failed<DispenserFault>> {
    assert(new Set(values).size === CASSETTES.length, `cassette codes ${values.join(' ')}`)
    return this.#turns.take(() => this.#set({kind: 'setOrder', values}, 'setOrder'))
  }

  close(): Promise<void> {
    return this.#exchange.close()
  }

  async #set(
    command: Command,
    kind: 'setLengths' | 'setOpacity' | 'setOrder',
  ): Promise<{readonly kind: 'set'} | Failed<DispenserFault>> {
    const told = await this.#tell(command, kind)
    if (told.kind === 'untold') return failed(told.why, told.detail)
    const error = errorRow(told.answer.error)
    return error.class === 'ok' ? {kind: 'set'} : failed(error.fault ?? 'hardware', errorText(error))
  }

  /** Null when it is home. It answers once, twice or not at all; then STATUS tells whether it is there. */
  async #resetMechanism(): Promise<Failed<DispenserFault> | null> {
    const again = new Promise<void>(resolve => {
      this.#resetAgain = resolve
    })
    const told = await this.#tell({kind: 'reset'}, 'reset')
    if (told.kind === 'untold' && told.why !== 'no-answer') return failed(told.why, `reset: ${told.detail}`)
    await Promise.race([again, this.#clock.sleep(RESET_QUIET_MS)])
    this.#resetAgain = null
    if (told.kind === 'untold') return null
    const error = errorRow(told.answer.error)
    return error.class === 'ok' ? null : failed(error.fault ?? 'hardware', `reset: ${errorText(error)}`)
  }

  async #denominate(picks: readonly Pick[]): Promise<DenominateOutcome> {
    const status = await this.#askStatus()
    if (status.kind === 'failed') return {kind: 'refused', fault: status.fault, detail: status.detail}
    const inTheWay = obstacle(status, picks)
    return inTheWay === null
      ? {kind: 'dispensable'}
      : {kind: 'refused', fault: inTheWay, detail: status.detail}
  }

  /** A device that does not answer is none the worse, and is not asked again. */
  async #askFirmware(): Promise<string> {
    if (!this.#tellsVersion) return NOT_TOLD
    const version = await this.#tell({kind: 'version'}, 'version')
    if (version.kind === 'told') return version.answer.text
    this.#tellsVersion = version.why !== 'no-answer' && version.why !== 'nonsense'
    return NOT_TOLD
  }

  async #askStatus(): Promise<DispenserStatus | Failed<DispenserFault>> {
    const told = await this.#tell({kind: 'status'}, 'status')
    return told.kind === 'told' ? foldStatus(told.answer) : failed(told.why, `status: ${told.detail}`)
  }

  /** Null where the device says that it has no such command. */
  async #askMemory(): Promise<Heard<Memory | null>> {
    const last = await this.#tell({kind: 'lastStatus'}, 'lastStatus')
    if (last.kind === 'untold') return last.mayHaveRun ? last : {kind: 'told', answer: null}
    const serial = await this.#askSerial()
    return serial.kind === 'told'
      ? {kind: 'told', answer: {last: last.answer, serial: serial.answer}}
      : serial
  }

  /** The serial of the device's last dispense, or null where the profile has none. */
  async #askSerial(): Promise<Heard<number | null>> {
    if (this.#profile.dispenseForm === 'long') return {kind: 'told', answer: null}
    const told = await this.#tell({kind: 'dispenseSerial'}, 'dispenseSerial')
    if (told.kind === 'untold') return told
    const error = errorRow(told.answer.error)
    if (error.class === 'ok') return {kind: 'told', answer: told.answer.serial}
    return {...NONSENSE, mayHaveRun: false, detail: errorText(error)}
  }

  /** What the next dispense carries. */
  async #nextSerial(): Promise<Heard<number | null>> {
    const told = await this.#askSerial()
    if (told.kind === 'untold' || told.answer === null) return told
    return {kind: 'told', answer: serialAfter(told.answer)}
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
function declined(value: number): Untold {
  const error = errorRow(value)
  return {...NONSENSE, mayHaveRun: error.fault !== 'bad-request', detail: `declined: ${errorText(error)}`}
}

/** @throws AssertionFailed for an order that the model cannot take */
function countsOf(picks: readonly Pick[]): Four {
  const total = picks.reduce((sum, {count}) => sum + count, 0)
  const named = new Set(picks.map(({cassette}) => cassette))
  assert(picks.length > 0 && named.size === picks.length, 'each cassette at most once in an order')
  assert(total <= NOTES_PER_ORDER_MAX, `${total} notes in an order`)
  for (const {cassette, count} of picks) {
    assert(
      CASSETTES.some(known => known === cassette),
      `there is no cassette ${cassette}`,
    )
    assert(count >= 1 && count <= NOTES_PER_CASSETTE_MAX, `${count} notes of one cassette in an order`)
  }
  return four(at => picks.find(({cassette}) => cassette === at)?.count ?? 0)
}

function four(value: (cassette: number) => number): Four {
  return [value(1), value(2), value(3), value(4)]
}

function notesOf(command: Command): number {
  return command.kind === 'dispense' || command.kind === 'test'
    ? command.counts.reduce((sum, count) => sum + count, 0)
    : 0
}

function isKind<K extends Answer['kind']>(answer: Answer, kind: K): answer is Extract<Answer, {kind: K}> {
  return answer.kind === kind
}
