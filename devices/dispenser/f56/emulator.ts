/**
 * F53/F56 emulated: the far end of the wire. It bids before it speaks, listens to nothing but the link while it moves, and
 * keeps counting when the host's side of the line dies.
 *
 * What no source says and is decided here: a text without a bid before it is ignored; the stored note sizes are there
 * from the start; the status shows a missing cassette or reject box while it is missing, and else the last order's error,
 * which a power cut takes; cassettes are counted in their order; sensors stand where bytes.ts assumes them.
 */
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Mechanism} from '../mechanism.ts'
import type {MechanismSettings, Remains} from '../mechanism.ts'
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
import {NoteLedger, Transcript, addNotes} from '../world.ts'
import type {DeviceState, Notes, TranscriptLine, World} from '../world.ts'
import {Commands} from './emulator-commands.ts'
import {HostReader, textFrame} from './emulator-frames.ts'
import type {HostSaid} from './emulator-frames.ts'

export interface F56EmulatorOptions extends Partial<MechanismSettings> {
  /** Gathers in a pool behind a shutter; pays out at the front without one. Default without. */
  readonly hasPool?: boolean
  /** As it is found after a power cut; the notes in its cassettes come on top. */
  readonly remains?: Remains
}

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
  'answerShort',
  'answerLate',
  'nakStorm',
  'answerSplit',
  'answerTwice',
  'strayBytes',
]

const JAM_SPOTS: readonly JamSpot[] = ['throat', 'diverter', 'eject', 'mouth']
const ENQ = [0x10, 0x05]
const ACK = [0x10, 0x06]
const NAK = [0x10, 0x15]
const STEP_MS = 5_000
const TRIES_MAX = 3
/** Between its own acceptance and its bid, so that the host has read the first. */
const GAP_MS = 20
/** Which byte of a text a planned corruption hits; in the middle of the data of every response. */
const CORRUPT_AT = 8
const DEFAULTS: MechanismSettings = {noteMs: 150, nearEndCount: 20, rejectsMax: 10}

/** A response on its way: bid for, then told, until accepted or given up. */
interface Telling {
  readonly frame: Uint8Array
  readonly talking: TalkingMischief | null
  phase: 'bidding' | 'telling'
  triesCount: number
  timer: Timer | null
}

export class F56Emulator implements DispenserEmulator {
  readonly mischiefKinds = KINDS
  readonly jamSpots = JAM_SPOTS
  readonly operator: OperatorHand
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #hasPool: boolean
  readonly #plan = new MischiefPlan(KINDS)
  readonly #reader = new HostReader()
  readonly #transcript = new Transcript()
  readonly #listeners = new Set<() => void>()
  readonly #ledger: NoteLedger
  readonly #mechanism: Mechanism
  readonly #commands: Commands
  #isOn = true
  #isMoving = false
  /** The host has bid and may send its text. */
  #isBidden = false
  #telling: Telling | null = null
  /** A power cut ends the life that an execution belongs to. */
  #life = 0
  #naksDue = 0
  #heldBack: MechanicalMischief | null = null

  /**
   * @param link the far end of the wire, opened by `start`
   * @param notes how many notes each of the four cassettes holds
   */
  constructor(
    link: ByteLink,
    clock: Clock,
    notes: Readonly<Record<1 | 2 | 3 | 4, number>>,
    options: F56EmulatorOptions = {},
  ) {
    const changed = (): void => {
      this.#changed()
    }
    this.#link = link
    this.#clock = clock
    this.#hasPool = options.hasPool ?? false
    this.#ledger = new NoteLedger(notes, changed)
    const settings = {...DEFAULTS, ...options}
    this.#mechanism = new Mechanism(this.#ledger, clock, settings, this.#hasPool ? 'stacker' : 'outlet')
    if (options.remains !== undefined) this.#mechanism.find(options.remains)
    this.#commands = new Commands(this.#ledger, this.#mechanism, this.#hasPool)
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
      shutter: this.#hasPool ? (this.#ledger.total('outlet') > 0 ? 'open' : 'closed') : 'none',
      cassettesMissing: this.#mechanism.missing,
      isRejectBinMissing: this.#mechanism.isRejectBinMissing,
    }
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#transcript.lines
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
    this.#isBidden = false
    this.#mechanism.stop()
    this.#stopTelling()
    this.#reader.reset()
    this.#commands.forget()
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
    this.#transcript.add('host', chunk)
    for (const said of this.#reader.push(chunk, this.#clock.monotonicMs())) this.#take(said)
  }

  #take(said: HostSaid): void {
    switch (said.kind) {
      case 'enq':
        // While it moves, or has something to say itself, it does not let the host speak.
        if (this.#isMoving || this.#telling !== null) return
        this.#isBidden = true
        this.#say(ACK)
        return
      case 'ack':
        this.#accepted()
        return
      case 'nak':
        if (this.#telling?.phase === 'telling') this.#tell(this.#telling)
        return
      case 'damaged':
        if (this.#isBidden && !this.#isMoving) this.#say(NAK)
        return
      case 'text':
        if (this.#isBidden && !this.#isMoving) this.#takeText(said.data)
    }
  }

  #accepted(): void {
    const telling = this.#telling
    if (telling === null) return
    if (telling.phase === 'telling') {
      this.#stopTelling()
      return
    }
    telling.phase = 'telling'
    telling.triesCount = 0
    this.#tell(telling)
  }

  #takeText(data: readonly number[]): void {
    if (this.#naksDue > 0) {
      this.#naksDue -= 1
      this.#say(NAK)
      return
    }
    const {mechanical: struck, talking} = this.#plan.strike(orderOf(data))
    const mechanical = this.#heldBack ?? struck
    this.#heldBack = null
    if (talking?.kind === 'nakStorm') {
      this.#heldBack = mechanical
      this.#naksDue = talking.times - 1
      this.#say(NAK)
      return
    }
    if (talking?.kind === 'answerLost' && talking.when === 'before-moving') return
    this.#isBidden = false
    if (talking?.kind !== 'acknowledgementLost') this.#say(ACK)
    if (talking?.kind === 'strayBytes') this.#say([0xff, 0x10, 0xff])
    void this.#execute(data, mechanical, talking)
  }

  async #execute(
    data: readonly number[],
    mechanical: MechanicalMischief | null,
    talking: TalkingMischief | null,
  ): Promise<void> {
    const life = this.#life
    this.#isMoving = true
    this.#changed()
    const response = await this.#commands.perform(data, mechanical)
    if (response === 'cut') {
      // Cut by a plan; cut from outside, it is off already, and may be on again.
      if (mechanical?.kind === 'powerCut') this.powerCut()
      return
    }
    if (life !== this.#life) return
    await this.#clock.sleep(GAP_MS)
    if (talking?.kind === 'answerLate') await this.#clock.sleep(talking.delayMs)
    if (life !== this.#life) return
    this.#isMoving = false
    this.#changed()
    if (talking?.kind === 'answerLost') return
    const telling: Telling = {
      frame: textFrame(response),
      talking,
      phase: 'bidding',
      triesCount: 0,
      timer: null,
    }
    this.#telling = telling
    this.#tell(telling)
  }

  /** Bids or tells once more, as far as tries go. */
  #tell(telling: Telling): void {
    telling.timer?.cancel()
    if (telling.triesCount >= TRIES_MAX) {
      this.#stopTelling()
      return
    }
    telling.triesCount += 1
    telling.timer = this.#clock.after(STEP_MS, () => {
      this.#tell(telling)
    })
    if (telling.phase === 'bidding') this.#say(ENQ)
    else this.#sayText(telling)
  }

  #sayText({frame, talking, triesCount}: Telling): void {
    switch (talking?.kind) {
      case 'answerCorrupt':
        this.#say(
          triesCount <= talking.times
            ? frame.map((byte, at) => (at === CORRUPT_AT ? byte ^ 0x40 : byte))
            : frame,
        )
        return
      case 'answerShort':
        this.#say(triesCount <= talking.times ? frame.slice(0, -1) : frame)
        return
      case 'answerTwice':
        this.#say(frame)
        this.#say(frame)
        return
      case 'answerSplit':
        void this.#saySlowly(frame, talking.gapMs)
        return
      default:
        this.#say(frame)
    }
  }

  async #saySlowly(frame: Uint8Array, gapMs: number): Promise<void> {
    const telling = this.#telling
    const tries = telling?.triesCount
    for (const byte of frame) {
      if (this.#telling !== telling || telling?.triesCount !== tries) return
      this.#say([byte])
      await this.#clock.sleep(gapMs)
    }
  }

  #stopTelling(): void {
    this.#telling?.timer?.cancel()
    this.#telling = null
  }

  #say(bytes: Iterable<number>): void {
    const said = Uint8Array.from(bytes)
    this.#transcript.add('device', said)
    void this.#link.write(said)
  }
}

function orderOf(data: readonly number[]): OrderKind {
  switch (data[1]) {
    case 0x02:
      return 'reset'
    case 0x03:
    case 0x09:
      return 'dispense'
    case 0x05:
      return 'present'
    default:
      return 'status'
  }
}
