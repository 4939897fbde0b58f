/**
 * Fujitsu F53 and F56 cash dispensers. The front profile pays out as it counts, the pool profile gathers first and brings
 * the notes to the front afterwards. It recalls nothing that can be tied to an order, so after a lost answer the only
 * honest outcome is `unknown`.
 */
import {assert} from '../../../kit/assert.ts'
import type {Clock} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import type {Failed} from '../../outcome.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import {NONSENSE, failed, unheard, untold} from '../ask.ts'
import type {Told} from '../ask.ts'
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
  CASSETTES,
  COMMANDS,
  NOTES_PER_BUNCH_MAX,
  NOTES_PER_CASSETTE_MAX,
  PROFILES,
  errorRow,
  errorRows,
} from './bytes.ts'
import type {Profile} from './bytes.ts'
import {answers, dataOf, decode} from './codec.ts'
import type {Command, Response} from './codec.ts'
import {errorText, foldCount, foldStatus, levelsText} from './fold.ts'
import {F56Line} from './line.ts'

/** How often the front is looked at while a customer takes the notes. */
const TAKEN_POLL_MS = 250

export class F56 implements Dispenser {
  readonly capabilities: DispenserCapabilities
  readonly errors = errorRows()
  readonly #line: F56Line
  readonly #clock: Clock
  readonly #log: Log
  readonly #profile: Profile
  readonly #turns = new Turns()

  /** @param link already chosen: a serial port of 9600 8E1 in the machine, a loopback in tests */
  constructor(link: ByteLink, clock: Clock, log: Log, profile: Profile = PROFILES.front) {
    this.capabilities = {
      stacker: profile.pool,
      shutter: profile.pool,
      itemsTakenSensor: true,
      retract: false,
      recall: false,
      test: false,
      cassettes: CASSETTES,
      notesPerCassetteMax: NOTES_PER_CASSETTE_MAX,
      notesPerBunchMax: NOTES_PER_BUNCH_MAX,
    }
    this.#clock = clock
    this.#log = log.named('device.dispenser.f56')
    this.#profile = profile
    this.#line = new F56Line(link, clock, why => {
      this.#log.warn('link lost', {why})
    })
  }

  open(): ReturnType<Dispenser['open']> {
    return this.#turns.take(async () => {
      const opened = await this.#line.open()
      if (opened !== 'open') return failed(opened, 'the link does not open')
      const status = await this.#askStatus()
      if (status.kind === 'failed') return status
      // No public command tells the firmware's version.
      const identity = {
        model: 'f56',
        firmware: this.#profile.pool ? 'not told; with pool' : 'not told; front exit',
      }
      this.#log.info('dispenser open', {error: status.error?.code ?? 'none'})
      return {kind: 'open', identity, status}
    })
  }

  status(): Promise<DispenserStatus | Failed<DispenserFault>> {
    return this.#turns.take(() => this.#askStatus())
  }

  describe(): Promise<readonly string[]> {
    const {pool, sizes} = this.#profile
    return this.#turns.take(async () => {
      const told = await this.#tell({kind: 'status'})
      return [
        `exit: ${pool ? 'pool behind a shutter, then the front' : 'straight to the front'}`,
        `note sizes: ${sizes === null ? 'as stored in the device' : sizes.map(size => `${size.lengthMinMm}-${size.lengthMaxMm} mm`).join(', ')}`,
        `sensors: ${told.kind === 'told' ? levelsText(told.answer.levels) : told.detail}`,
      ]
    })
  }

  async denominate(picks: readonly Pick[]): Promise<DenominateOutcome> {
    checkPicks(picks)
    return this.#turns.take(() => this.#denominate(picks))
  }

  async mark(): Promise<{readonly kind: 'marked'; readonly mark: null}> {
    return {kind: 'marked', mark: null}
  }

  async dispense(picks: readonly Pick[], serial: number): Promise<DispenseOutcome> {
    checkPicks(picks)
    assert(Number.isSafeInteger(serial) && serial >= 0, `${serial} is not a serial`)
    return this.#turns.take(async () => {
      const denominated = await this.#denominate(picks)
      if (denominated.kind === 'refused') return denominated
      const counts = CASSETTES.map(cassette => picks.find(pick => pick.cassette === cassette)?.count ?? 0)
      const told = await this.#tell({kind: 'count', counts})
      const outcome = told.kind === 'told' ? foldCount(picks, told.answer) : unheard(told)
      this.#log.info('dispensed', {serial, outcome: outcome.kind, detail: outcome.detail})
      return outcome
    })
  }

  async present(takeWithinMs: number): Promise<PresentOutcome> {
    if (!this.#profile.pool)
      return {kind: 'notPresented', fault: 'not-supported', detail: 'no pool: a count pays out'}
    return this.#turns.take(async () => {
      const told = await this.#tell({kind: 'transport'})
      if (told.kind === 'untold')
        return told.mayHaveRun
          ? {kind: 'unknown', why: told.why, detail: told.detail}
          : this.#notPresented('hardware', told.detail)
      const error = errorRow(...told.answer.error)
      if (error?.class === 'before') return this.#notPresented(error.fault ?? 'hardware', errorText(error))
      if (error !== null) return {kind: 'unknown', why: error.fault ?? 'hardware', detail: errorText(error)}
      return this.#untilTaken(takeWithinMs)
    })
  }

  async retract(): Promise<RetractOutcome> {
    return {kind: 'unknown', why: 'not-supported', detail: 'no public command draws notes back'}
  }

  /** A mechanical reset moves the pool to the reject box; the device counts nothing of it. */
  async reject(): Promise<RejectOutcome> {
    if (!this.#profile.pool) return {kind: 'unknown', why: 'not-supported', detail: 'no pool to empty'}
    return this.#turns.take(async () => {
      const told = await this.#reset()
      if (told.kind === 'untold') return {kind: 'unknown', why: told.why, detail: told.detail}
      const error = errorRow(...told.answer.error)
      return error === null
        ? {kind: 'rejected', count: null}
        : {kind: 'unknown', why: error.fault ?? 'hardware', detail: errorText(error)}
    })
  }

  async recall(): Promise<Recall> {
    return {kind: 'notRemembered'}
  }

  reset(): Promise<ResetOutcome> {
    return this.#turns.take(async () => {
      const told = await this.#reset()
      if (told.kind === 'untold') return failed(told.why, `reset: ${told.detail}`)
      const error = errorRow(...told.answer.error)
      if (error !== null) return failed(error.fault ?? 'hardware', errorText(error))
      const status = await this.#askStatus()
      if (status.kind === 'failed') return status
      if (status.path === 'blocked') return failed('jam', `after a reset: ${status.detail}`)
      return {kind: 'reset', tallies: null, status}
    })
  }

  async test(): Promise<TestOutcome> {
    return failed('not-supported', 'no public command sends a single note to the reject box')
  }

  close(): Promise<void> {
    return this.#line.close()
  }

  #notPresented(fault: DispenserFault, detail: string): PresentOutcome {
    return {kind: 'notPresented', fault, detail}
  }

  async #untilTaken(takeWithinMs: number): Promise<PresentOutcome> {
    const endMs = this.#clock.monotonicMs() + takeWithinMs
    for (;;) {
      const status = await this.#askStatus()
      if (status.kind === 'failed') return {kind: 'unknown', why: status.fault, detail: status.detail}
      if (status.media === 'none') return {kind: 'taken'}
      if (this.#clock.monotonicMs() >= endMs) return {kind: 'left'}
      await this.#clock.sleep(TAKEN_POLL_MS)
    }
  }

  #reset(): Promise<Told<Response>> {
    return this.#tell({kind: 'reset', odr: this.#profile.odr, sizes: this.#profile.sizes})
  }

  async #denominate(picks: readonly Pick[]): Promise<DenominateOutcome> {
    const status = await this.#askStatus()
    if (status.kind === 'failed') return {kind: 'refused', fault: status.fault, detail: status.detail}
    const refused = (fault: DispenserFault): DenominateOutcome => ({
      kind: 'refused',
      fault,
      detail: status.detail,
    })
    if (status.path !== 'clear') return refused(status.media === 'atMouth' ? 'jam-at-mouth' : 'jam')
    if (status.stacker === 'notEmpty') return refused('items-left')
    if (this.#profile.pool && status.media === 'atMouth') return refused('items-left')
    if (status.rejectBin === 'missing') return refused('reject-bin-missing')
    const isMissing = picks.some(pick =>
      status.cassettes.some(known => known.cassette === pick.cassette && known.state === 'missing'),
    )
    return isMissing ? refused('cassette-missing') : {kind: 'dispensable'}
  }

  async #askStatus(): Promise<DispenserStatus | Failed<DispenserFault>> {
    const told = await this.#tell({kind: 'status'})
    return told.kind === 'told'
      ? foldStatus(told.answer, this.#profile.pool)
      : failed(told.why, `status: ${told.detail}`)
  }

  async #tell(command: Command): Promise<Told<Response>> {
    const {retry, answerMs} = COMMANDS[command.kind]
    const reply = await this.#line.ask({
      data: dataOf(command),
      retry,
      answerMs,
      isAnswer: data => answers(command.kind, data),
    })
    if (reply.kind !== 'answer') return untold(reply)
    const answer = decode(command.kind, reply.frame)
    return answer === null ? NONSENSE : {kind: 'told', answer}
  }
}

function checkPicks(picks: readonly Pick[]): void {
  const positions = new Set(picks.map(({cassette}) => cassette))
  assert(picks.length > 0 && positions.size === picks.length, 'an order names each cassette once')
  for (const {cassette, count} of picks) {
    assert(
      CASSETTES.some(known => known === cassette),
      `there is no cassette ${cassette}`,
    )
    assert(count >= 1 && count <= NOTES_PER_CASSETTE_MAX, `${count} notes of cassette ${cassette}`)
  }
}
