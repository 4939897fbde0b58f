/**
 * LCDM-2000 emulated: the far end of the wire. Sees bytes, owns paper. It keeps executing when the host's
 * side of the line dies, and ignores what is said to it while it moves.
 *
 * What the maker's paper leaves open and is decided here: the error of the last order stays in STATUS until
 * the next one, and is gone after a power cut; in one order the upper cassette's notes go first.
 */
import type {Clock} from '../../../kit/clock.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Mechanism} from '../mechanism.ts'
import type {MechanismSettings, Motion, Remains, Request, Stop} from '../mechanism.ts'
import {MischiefPlan} from '../mischief.ts'
import type {
  DispenserEmulator,
  JamSpot,
  MechanicalMischief,
  Mischief,
  OperatorHand,
  OrderKind,
  TalkingMischief,
} from '../mischief.ts'
import {operatorHand} from '../operator.ts'
import {Talk} from '../talk.ts'
import type {TalkSettings} from '../talk.ts'
import {addNotes, NoteLedger} from '../world.ts'
import type {DeviceState, Notes, TranscriptLine, World} from '../world.ts'
import {answerFrame, HostReader, oneCassetteBody, readCounts, twoCassettesBody} from './emulator-frames.ts'
import type {HostSaid, Reported} from './emulator-frames.ts'

export interface Lcdm2000EmulatorOptions extends Partial<MechanismSettings> {
  /** Eight characters of the ROM VERSION answer; default `T20T5624`. */
  readonly rom?: string
  /** As it is found after a power cut; the notes in its cassettes come on top. */
  readonly remains?: Remains
}

/** What can go wrong with it. */
export const KINDS: readonly Mischief['kind'][] = [
  'jam',
  'pickFails',
  'doublePick',
  'overflow',
  'countMismatch',
  'powerCut',
  'answerLost',
  'acknowledgementLost',
  'answerCorrupt',
  'nakStorm',
  'answerSplit',
  'answerTwice',
  'progress',
]

const JAM_SPOTS: readonly JamSpot[] = ['throat', 'diverter', 'eject', 'mouth']
const UPPER = 1
const LOWER = 2
const NOTES_MAX = 60
/** The maker's paper gives the counts and no timeout; 500 ms, the time for the other direction, is assumed. */
const PATIENCE: TalkSettings = {sendsMax: 3, naksMax: 3, ackTimeoutMs: 500}
const DEFAULTS: MechanismSettings & {readonly rom: string} = {
  noteMs: 150,
  nearEndCount: 20,
  rejectsMax: 10,
  rom: 'T20T5624',
}

export class Lcdm2000Emulator implements DispenserEmulator {
  readonly mischiefKinds = KINDS
  readonly jamSpots = JAM_SPOTS
  readonly operator: OperatorHand
  readonly #link: ByteLink
  readonly #talk: Talk
  readonly #clock: Clock
  readonly #rom: string
  readonly #plan = new MischiefPlan(KINDS)
  readonly #reader = new HostReader()
  readonly #listeners = new Set<() => void>()
  readonly #ledger: NoteLedger
  readonly #mechanism: Mechanism
  #isOn = true
  #isMoving = false
  /** A power cut ends the life that an execution belongs to. */
  #life = 0
  #lastError = 0x30
  #naksDue = 0
  #heldBack: MechanicalMischief | null = null

  /**
   * @param link the far end of the wire, opened by `start`
   * @param notes how many notes cassettes 1 (upper) and 2 (lower) hold
   */
  constructor(
    link: ByteLink,
    clock: Clock,
    notes: Readonly<Record<1 | 2, number>>,
    options: Lcdm2000EmulatorOptions = {},
  ) {
    const {remains, ...given} = options
    const settings = {...DEFAULTS, ...given}
    this.#link = link
    this.#talk = new Talk(link, clock, PATIENCE)
    this.#clock = clock
    this.#rom = settings.rom
    this.#ledger = new NoteLedger(notes, () => {
      this.#changed()
    })
    this.#mechanism = new Mechanism(this.#ledger, clock, settings, 'outlet')
    if (remains !== undefined) this.#mechanism.find(remains)
    this.operator = operatorHand(
      this.#ledger,
      this.#mechanism,
      () => undefined,
      () => {
        this.#changed()
      },
    )
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
    this.#lastError = 0x30
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
    for (const said of this.#reader.push(chunk, this.#clock.monotonicMs())) {
      // While it moves it listens to nothing.
      if (!this.#isMoving) this.#take(said)
    }
  }

  #take(said: HostSaid): void {
    switch (said.kind) {
      case 'ack':
        this.#talk.stopTelling()
        break
      case 'nak':
        this.#talk.refused()
        break
      case 'damaged':
        this.#talk.say([0x15])
        break
      case 'command':
        this.#takeCommand(said.code, said.argument)
        break
      case 'stray':
        break
    }
  }

  #takeCommand(code: number, argument: readonly number[]): void {
    this.#talk.stopTelling()
    if (this.#naksDue > 0) {
      this.#naksDue -= 1
      this.#talk.say([0x15])
      return
    }
    const strike = this.#plan.strike(orderKind(code))
    const mechanical = this.#heldBack ?? strike.mechanical
    this.#heldBack = null
    if (strike.talking?.kind === 'nakStorm') {
      this.#heldBack = mechanical
      this.#naksDue = strike.talking.times - 1
      this.#talk.say([0x15])
      return
    }
    const talking = strike.talking
    if (talking?.kind === 'answerLost' && talking.when === 'before-moving') return
    if (talking?.kind !== 'acknowledgementLost') this.#talk.say([0x06])
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
    const body = await this.#perform(code, argument, mechanical)
    if (body === 'cut') {
      // Cut by a plan; cut from outside, it is off already, and may be on again.
      if (mechanical?.kind === 'powerCut') this.powerCut()
      return
    }
    if (life !== this.#life) return
    this.#isMoving = false
    this.#changed()
    if (talking?.kind === 'answerLost') return
    if (talking?.kind === 'progress') {
      this.#talk.say([0x01, 0x8d, 0x31])
      this.#talk.say([0x01, 0x9c, 0x35])
    }
    this.#talk.tell(answerFrame(code, body), talking)
  }

  async #perform(
    code: number,
    argument: readonly number[],
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    switch (code) {
      case 0x44:
        return this.#afterPurge(await this.#mechanism.purge())
      case 0x45:
      case 0x55:
        return this.#dispenseOne(code === 0x45 ? UPPER : LOWER, readCounts(argument, 1), mischief)
      case 0x46:
        return [0x30, this.#lastError, ...this.#sensors()]
      case 0x47:
        return Array.from(this.#rom, char => char.charCodeAt(0))
      case 0x56:
        return this.#dispenseBoth(readCounts(argument, 2), mischief)
      case 0x76:
      case 0x77:
        return this.#bodyOfOne(
          code === 0x76 ? UPPER : LOWER,
          await this.#mechanism.test(code === 0x76 ? UPPER : LOWER),
        )
      default:
        return [0x37]
    }
  }

  async #dispenseOne(
    position: number,
    counts: readonly number[] | null,
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    const [count = 0] = counts ?? []
    if (count < 1 || count > NOTES_MAX) return oneCassetteBody(this.#note(0x3b), this.#nothing(position))
    return this.#bodyOfOne(position, await this.#mechanism.dispense([{cassette: position, count}], mischief))
  }

  async #dispenseBoth(
    counts: readonly number[] | null,
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    const [upper = 0, lower = 0] = counts ?? []
    const isPossible = upper + lower >= 1 && upper <= NOTES_MAX && lower <= NOTES_MAX
    if (counts === null || !isPossible)
      return twoCassettesBody(this.#note(0x3b), this.#nothing(UPPER), this.#nothing(LOWER))
    const requests: readonly Request[] = [
      {cassette: UPPER, count: upper},
      {cassette: LOWER, count: lower},
    ]
    const motion = await this.#mechanism.dispense(requests, mischief)
    if (motion === 'cut') return 'cut'
    const of = (position: number): Reported => this.#reported(position, motion)
    return twoCassettesBody(this.#note(errorByte(motion.stop)), of(UPPER), of(LOWER))
  }

  #bodyOfOne(position: number, motion: Motion | 'cut'): readonly number[] | 'cut' {
    if (motion === 'cut') return 'cut'
    return oneCassetteBody(this.#note(errorByte(motion.stop)), this.#reported(position, motion))
  }

  #afterPurge(stop: Stop | 'cut' | null): readonly number[] | 'cut' {
    return stop === 'cut' ? 'cut' : [this.#note(errorByte(stop))]
  }

  #reported(position: number, motion: Motion): Reported {
    return {...this.#nothing(position), ...motion.counted.get(position)}
  }

  #nothing(position: number): Reported {
    return {picked: 0, out: 0, rejected: 0, isNearEnd: this.#mechanism.isNearEnd(position)}
  }

  /** Keeps the error for STATUS. */
  #note(error: number): number {
    this.#lastError = error
    return error
  }

  #sensors(): readonly [number, number] {
    const {spot, missing, isRejectBinMissing} = this.#mechanism
    const bit = (isSet: boolean, at: number): number => (isSet ? 1 << at : 0)
    return [
      0x80 |
        bit(spot?.at === 'throat' && spot.cassette === UPPER, 0) |
        bit(spot?.at === 'diverter', 2) |
        bit(spot?.at === 'eject', 4) |
        bit(spot?.at === 'mouth', 5) |
        bit(this.#mechanism.isNearEnd(UPPER), 6),
      0x80 |
        bit(missing.includes(UPPER), 1) |
        bit(missing.includes(LOWER), 2) |
        bit(spot?.at === 'throat' && spot.cassette === LOWER, 3) |
        bit(this.#mechanism.isNearEnd(LOWER), 5) |
        bit(isRejectBinMissing, 6),
    ]
  }
}

/** The error byte for what stopped a motion. */
function errorByte(stop: Stop | null): number {
  if (stop === null) return 0x30
  switch (stop.kind) {
    case 'jam':
      return jamByte(stop.at, stop.cassette)
    case 'pickFailed':
      return 0x32
    case 'empty':
      return stop.cassette === UPPER ? 0x38 : 0x40
    case 'missing':
      return stop.cassette === UPPER ? 0x45 : 0x46
    case 'rejectBinMissing':
      return 0x3f
    case 'overflow':
      return 0x34
    case 'countMismatch':
      return 0x3d
    case 'tooManyRejects':
      return 0x44
  }
}

function jamByte(at: JamSpot, cassette: number): number {
  switch (at) {
    case 'throat':
      return cassette === UPPER ? 0x33 : 0x4c
    case 'diverter':
      return 0x36
    case 'eject':
      return 0x48
    case 'mouth':
      return 0x35
  }
}

function orderKind(code: number): OrderKind {
  switch (code) {
    case 0x44:
      return 'purge'
    case 0x46:
      return 'status'
    case 0x47:
      return 'identify'
    default:
      return 'dispense'
  }
}
