/**
 * The Puloon dispensers emulated, as far as they are alike: the far end of the wire, its talk, its notes, its power.
 * What a model's commands mean is its Firmware.
 *
 * It keeps executing when the host's side of the line dies. While it moves it takes no command; what the pages leave
 * open about that is decided so.
 */
import type {Clock} from '../../kit/clock.ts'
import type {ByteLink} from '../wire/link.ts'
import {answerFrame, HostReader} from './emulator-puloon-frames.ts'
import type {HostSaid} from './emulator-puloon-frames.ts'
import {Mechanism} from './mechanism.ts'
import type {MechanismSettings, Remains} from './mechanism.ts'
import {MischiefPlan} from './mischief.ts'
import type {
  DispenserEmulator,
  JamSpot,
  MechanicalMischief,
  Mischief,
  OperatorHand,
  OrderKind,
  TalkingMischief,
} from './mischief.ts'
import {operatorHand} from './operator.ts'
import {Talk} from './talk.ts'
import type {TalkSettings} from './talk.ts'
import {addNotes, NoteLedger} from './world.ts'
import type {DeviceState, Notes, TranscriptLine, World} from './world.ts'

/** What one model makes of its commands. */
export interface Firmware {
  /** The command as fault plans name it. */
  orderOf(code: number): OrderKind
  /** The body of an answer that is told before the motion already, or null. */
  early(code: number): readonly number[] | null
  /** Executes a command. @returns the body of its answer; `silent` when it answers no more, `cut` when the power went meanwhile */
  perform(
    code: number,
    argument: readonly number[],
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'silent' | 'cut'>
  /** The power went: what was kept in memory alone is gone. */
  forget(): void
}

export interface PuloonSettings extends MechanismSettings {
  /** The address byte of the family. */
  readonly id: number
  /** Said after the host acknowledged an answer; null where nothing is. */
  readonly closing: number | null
  readonly mischiefKinds: readonly Mischief['kind'][]
  /** Says 3-byte notices before each answer to a dispense. */
  readonly tellsProgress: boolean
  /** As it is found after a power cut; the notes in its cassettes come on top. */
  readonly remains?: Remains
}

const JAM_SPOTS: readonly JamSpot[] = ['throat', 'diverter', 'eject', 'mouth']
/** The maker's paper gives the counts and no timeout; 500 ms, the time for the other direction, is assumed. */
const PATIENCE: TalkSettings = {sendsMax: 3, naksMax: 3, ackTimeoutMs: 500}
const ACK = 0x06
const NAK = 0x15
/** Seen from idle LCDM-4000 devices; means nothing. */
const STRAY = [0xff, 0xff]
/** `01 8D xx` while dispensing, `01 9C rr` while rejecting; 35 is a note too long. TerminalClient alone. */
const NOTICES = [
  [0x01, 0x8d, 0x31],
  [0x01, 0x9c, 0x35],
]

export class PuloonDevice<F extends Firmware = Firmware> implements DispenserEmulator {
  readonly mischiefKinds: readonly Mischief['kind'][]
  readonly jamSpots = JAM_SPOTS
  readonly operator: OperatorHand
  protected readonly firmware: F
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #settings: PuloonSettings
  readonly #talk: Talk
  readonly #plan: MischiefPlan
  readonly #reader: HostReader
  readonly #listeners = new Set<() => void>()
  readonly #ledger: NoteLedger
  readonly #mechanism: Mechanism
  #isOn = true
  #isMoving = false
  /** A power cut ends the life that an execution belongs to. */
  #life = 0
  #naksDue = 0
  #heldBack: MechanicalMischief | null = null

  /**
   * @param link the far end of the wire, opened by `start`
   * @param notes how many notes each cassette holds, by position
   * @param firmware makes the model's firmware on its mechanism
   */
  constructor(
    link: ByteLink,
    clock: Clock,
    notes: Readonly<Record<number, number>>,
    settings: PuloonSettings,
    firmware: (mechanism: Mechanism) => F,
  ) {
    const changed = (): void => {
      this.#changed()
    }
    this.#link = link
    this.#clock = clock
    this.#settings = settings
    this.mischiefKinds = settings.mischiefKinds
    this.#plan = new MischiefPlan(settings.mischiefKinds)
    this.#reader = new HostReader(settings.id)
    this.#talk = new Talk(link, clock, PATIENCE)
    this.#ledger = new NoteLedger(notes, changed)
    this.#mechanism = new Mechanism(this.#ledger, clock, settings, 'outlet')
    if (settings.remains !== undefined) this.#mechanism.find(settings.remains)
    this.firmware = firmware(this.#mechanism)
    this.operator = operatorHand(this.#ledger, this.#mechanism, () => undefined, changed)
  }

  get world(): World {
    return this.#ledger.snapshot()
  }

  get remains(): Remains {
    return this.#mechanism.remains
  }

  get state(): DeviceState {
    return {
      power: this.#isOn ? 'on' : 'off',
      isMoving: this.#isMoving,
      shutter: 'none',
      cassettesMissing: this.#mechanism.missing,
      isRejectBinMissing: this.#mechanism.isRejectBinMissing,
    }
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#talk.transcript.lines
  }

  async start(): Promise<void> {
    await this.#link.open({
      bytes: chunk => {
        this.#hear(chunk)
      },
      lost: () => {
        this.#reader.reset()
      },
    })
  }

  async stop(): Promise<void> {
    this.powerCut()
    await this.#link.close()
  }

  plan(mischief: Mischief): void {
    this.#plan.add(mischief)
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  powerCut(): void {
    this.#isOn = false
    this.#life += 1
    this.#isMoving = false
    this.#mechanism.stop()
    this.#talk.stopTelling()
    this.#reader.reset()
    this.firmware.forget()
    this.#naksDue = 0
    this.#heldBack = null
    this.#changed()
  }

  powerOn(): void {
    this.#isOn = true
    this.#changed()
  }

  takeNotes(): Notes {
    return addNotes(this.#ledger.moveAll('outlet', 'customer'), this.#ledger.moveAll('mouth', 'customer'))
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }

  #hear(chunk: Uint8Array): void {
    if (!this.#isOn) return
    this.#talk.transcript.add('host', chunk)
    for (const said of this.#reader.push(chunk, this.#clock.monotonicMs())) this.#take(said)
  }

  #take(said: HostSaid): void {
    switch (said.kind) {
      case 'ack':
        this.#acknowledged()
        break
      case 'nak':
        this.#talk.refused()
        break
      case 'damaged':
        if (!this.#isMoving) this.#talk.say([NAK])
        break
      case 'command':
        if (!this.#isMoving) this.#takeCommand(said.code, said.argument)
        break
      case 'stray':
        break
    }
  }

  #acknowledged(): void {
    const told = this.#talk.acknowledged()
    const {closing} = this.#settings
    if (told !== null && closing !== null && told.talking?.kind !== 'closingLost') this.#talk.say([closing])
  }

  #takeCommand(code: number, argument: readonly number[]): void {
    this.#talk.stopTelling()
    if (this.#naksDue > 0) {
      this.#naksDue -= 1
      this.#talk.say([NAK])
      return
    }
    const {mechanical: struck, talking} = this.#plan.strike(this.firmware.orderOf(code))
    const mechanical = this.#heldBack ?? struck
    this.#heldBack = null
    if (talking?.kind === 'nakStorm') {
      this.#heldBack = mechanical
      this.#naksDue = talking.times - 1
      this.#talk.say([NAK])
      return
    }
    if (talking?.kind === 'answerLost' && talking.when === 'before-moving') return
    if (talking?.kind !== 'acknowledgementLost' && talking?.kind !== 'acknowledgementGlued')
      this.#talk.say([ACK])
    if (talking?.kind === 'strayBytes') this.#talk.say(STRAY)
    void this.#execute(code, argument, mechanical, talking)
  }

  async #execute(
    code: number,
    argument: readonly number[],
    mechanical: MechanicalMischief | null,
    talking: TalkingMischief | null,
  ): Promise<void> {
    const life = this.#life
    this.#isMoving = true
    this.#changed()
    const early = this.firmware.early(code)
    if (early !== null) this.#talk.tell(answerFrame(this.#settings.id, code, early), null)
    const body = await this.firmware.perform(code, argument, mechanical)
    if (body === 'cut') {
      // Cut by a plan; cut from outside, it is off already, and may be on again.
      if (mechanical?.kind === 'powerCut') this.powerCut()
      return
    }
    if (life !== this.#life) return
    this.#isMoving = false
    this.#changed()
    if (body === 'silent' || talking?.kind === 'answerLost') return
    if (talking?.kind === 'answerLate') {
      await this.#clock.sleep(talking.delayMs)
      if (life !== this.#life) return
    }
    if (this.#tellsProgress(code, talking)) for (const notice of NOTICES) this.#talk.say(notice)
    this.#talk.tell(answerFrame(this.#settings.id, code, body), talking)
  }

  #tellsProgress(code: number, talking: TalkingMischief | null): boolean {
    if (talking?.kind === 'progress') return true
    return this.#settings.tellsProgress && this.firmware.orderOf(code) === 'dispense'
  }
}
