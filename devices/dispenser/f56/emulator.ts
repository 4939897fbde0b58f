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
import {NoteLedger, Transcript, addNotes} from '../world.ts'
import type {DeviceState, Notes, TranscriptLine, World} from '../world.ts'
import {HostReader, readCount, textFrame, writeCount} from './emulator-frames.ts'
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
const POSITIONS = [1, 2, 3, 4] as const
const ENQ = [0x10, 0x05]
const ACK = [0x10, 0x06]
const NAK = [0x10, 0x15]
const FS = 0x1c
const STEP_MS = 5_000
const TRIES_MAX = 3
/** Between its own acceptance and its bid, so that the host has read the first. */
const GAP_MS = 20
/** Which byte of a text a planned corruption hits; in the middle of the data of every response. */
const CORRUPT_AT = 8
/** Data of a response by its command, DH1; of any other command OTHER_BYTES. */
const RESPONSE_BYTES: ReadonlyMap<number, number> = new Map([
  [0x01, 0x38],
  [0x02, 0x38],
  [0x03, 0x9d],
  [0x09, 0x9d],
])
const OTHER_BYTES = 0x28
/** Where the levels of the sensors stand in a status, how many, and one that is well: 1 to 8 normal, 9 to 12 to be cleaned. */
const LEVELS_AT = 0x27
const LEVELS_COUNT = 15
const LEVEL_NORMAL = 4
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
  #isOn = true
  #isMoving = false
  /** The host has bid and may send its text. */
  #isBidden = false
  #telling: Telling | null = null
  /** A power cut ends the life that an execution belongs to. */
  #life = 0
  #lastError: readonly [number, number] = [0, 0]
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
    this.#lastError = [0, 0]
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
    const response = await this.#perform(data, mechanical)
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

  /** @returns the data of the response */
  async #perform(
    data: readonly number[],
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    const [dh0, dh1 = 0, dh2 = 0] = data
    if (data.at(-1) !== FS) return this.#refused(dh1, 0xec)
    if (dh0 === 0x00 && data.length === 3 && (dh1 === 0x01 || dh1 === 0x10))
      return dh1 === 0x01 ? this.#status() : this.#response(dh1, [0, 0])
    const params = paramsIn(data)
    if (dh0 !== 0x60 || params === null) return this.#refused(dh1, 0xee)
    switch (dh1) {
      case 0x01:
        return this.#status()
      case 0x02:
        return this.#reset(params, dh2 === 0xff, mischief)
      case 0x03:
        return this.#count(dh1, params, mischief)
      case 0x05:
        return this.#transport(params)
      case 0x09: {
        const counted = await this.#count(dh1, params, mischief)
        if (counted !== 'cut' && counted[0] === 0xe0) this.#ledger.moveAll('stacker', 'outlet')
        return counted === 'cut' ? 'cut' : withSensors(counted, this.#sensors())
      }
      case 0x12:
        return params.length === 0x29 ? this.#response(dh1, [0, 0]) : this.#refused(dh1, 0xea)
      default:
        return this.#refused(dh1, 0xee)
    }
  }

  /** Everything inside goes to the reject box, what is at the mouth falls out. */
  async #reset(
    params: readonly number[],
    isLong: boolean,
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    if (params.length !== (isLong ? 0x1a : 0x0d)) return this.#refused(0x02, 0xee)
    if (!areSizes(isLong ? params.slice(1) : params)) return this.#refused(0x02, 0xe8)
    const motion = await this.#mechanism.purge(mischief)
    if (motion === 'cut') return 'cut'
    if (motion.stop === null) {
      const emptied = await this.#mechanism.binAll('stacker', 'reject', null)
      if (emptied === 'cut') return 'cut'
    }
    this.#lastError = errorOf(motion.stop)
    return this.#response(0x02, this.#lastError)
  }

  async #count(
    dh1: number,
    params: readonly number[],
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    if (params.length !== 0x15) return this.#refused(dh1, 0xee)
    const numbers = POSITIONS.map((_, at) => readCount(params.slice(1 + 2 * at, 3 + 2 * at)))
    const rejects = POSITIONS.map((_, at) => readCount(params.slice(9 + 2 * at, 11 + 2 * at)))
    if (rejects.includes(null)) return this.#refused(dh1, 0xe6)
    const requests: Request[] = []
    for (const [at, count] of numbers.entries()) {
      if (count === null) return this.#refused(dh1, 0xe6)
      if (count > 0) requests.push({cassette: at + 1, count})
    }
    if (this.#hasPool && this.#ledger.total('stacker') > 0) return this.#refused(dh1, 0x51)
    const motion = await this.#mechanism.dispense(requests, mischief)
    if (motion === 'cut') return 'cut'
    this.#lastError = errorOf(motion.stop)
    return this.#counted(dh1, this.#lastError, motion)
  }

  /** Pool to the front. */
  async #transport(params: readonly number[]): Promise<readonly number[] | 'cut'> {
    if (params.length !== 1 || params[0] !== 0x01) return this.#refused(0x05, 0xea)
    if (!this.#hasPool) return this.#refused(0x05, 0xef)
    if (this.#ledger.total('stacker') === 0) return this.#refused(0x05, 0x52)
    this.#ledger.moveAll('stacker', 'outlet')
    this.#lastError = [0, 0]
    return this.#response(0x05, this.#lastError)
  }

  #counted(dh1: number, error: readonly [number, number], motion: Motion | null): readonly number[] {
    const data = [...this.#response(dh1, error)]
    for (const [at, position] of POSITIONS.entries()) {
      const counted = motion?.counted.get(position)
      data.splice(0x27 + 2 * at, 2, ...writeCount(counted?.out ?? 0))
      data.splice(0x2f + 2 * at, 2, ...writeCount(counted?.rejected ?? 0))
    }
    return data
  }

  /** Nothing moved for it. */
  #refused(dh1: number, code: number): readonly number[] {
    return dh1 === 0x03 || dh1 === 0x09 ? this.#counted(dh1, [code, 0], null) : this.#response(dh1, [code, 0])
  }

  /** A status tells how clean the sensors are, too. */
  #status(): readonly number[] {
    const data = [...this.#response(0x01, this.#present())]
    data.splice(LEVELS_AT, LEVELS_COUNT, ...Array.from({length: LEVELS_COUNT}, () => LEVEL_NORMAL))
    return data
  }

  /** A response of its command's length, FS included, with nothing in it but error and sensors. */
  #response(dh1: number, error: readonly [number, number]): readonly number[] {
    const dataBytes = RESPONSE_BYTES.get(dh1) ?? OTHER_BYTES
    const data = Array.from({length: dataBytes}, () => 0)
    data.splice(0, 5, error[0] === 0 ? 0xe0 : 0xf0, dh1, dataBytes - 4, ...error)
    data[dataBytes - 1] = FS
    return withSensors(data, this.#sensors())
  }

  /** What the status shows: a part that is missing now, or how the last order ended. */
  #present(): readonly [number, number] {
    const [missing] = this.#mechanism.missing
    if (this.#mechanism.isRejectBinMissing) return [0xb0, 0]
    return missing === undefined ? this.#lastError : [missing * 16, 0]
  }

  #sensors(): readonly number[] {
    const {spot} = this.#mechanism
    const bit = (isSet: boolean, at: number): number => (isSet ? 1 << at : 0)
    return [
      bit(spot?.at === 'throat', (spot?.cassette ?? 1) - 1) | bit(spot?.at === 'diverter', 7),
      bit(spot?.at === 'eject', 3) |
        bit(this.#ledger.total('mouth') > 0, 4) |
        bit(this.#ledger.total('stacker') > 0, 5),
      bit(this.#ledger.total('outlet') > 0, 4),
      0,
      0,
      0,
    ]
  }
}

function withSensors(data: readonly number[], sensors: readonly number[]): readonly number[] {
  return [...data.slice(0, 0x0c), ...sensors, ...data.slice(0x12)]
}

/** The parameters of either form, or null when its lengths are wrong. */
function paramsIn(data: readonly number[]): readonly number[] | null {
  const [, , dh2 = 0, zero, high = 0, low = 0] = data
  const isLong = dh2 === 0xff && zero === 0x00 && data.length === 7 + high * 256 + low
  if (isLong) return data.slice(6, -1)
  return data.length === 4 + dh2 ? data.slice(3, -1) : null
}

/** ODR, then in groups of four cassettes longest and shortest length, then thickness; zeros keep what is stored. */
function areSizes(params: readonly number[]): boolean {
  const groups = (params.length - 1) / 12
  return Array.from({length: groups}, (_, at) => params.slice(1 + 12 * at, 13 + 12 * at)).every(group =>
    [0, 1, 2, 3].every(at => {
      const [longest = 0, shortest = 0, thickness = 0] = [group[2 * at], group[2 * at + 1], group[8 + at]]
      return longest >= shortest && (longest === 0 || thickness > 0) && thickness <= 0x20
    }),
  )
}

function errorOf(stop: Stop | null): readonly [number, number] {
  switch (stop?.kind) {
    case undefined:
      return [0, 0]
    case 'jam':
      return [{throat: 0x78, diverter: 0x7a, eject: 0x7d, mouth: 0x7c}[stop.at], 0]
    case 'pickFailed':
      return [stop.cassette * 16 + 6, 0]
    case 'empty':
      return [stop.cassette * 16 + 1, 0]
    case 'missing':
      return [stop.cassette * 16, 0]
    case 'rejectBinMissing':
      return [0xb0, 0]
    case 'overflow':
    case 'countMismatch':
      return [0x88, 0]
    case 'tooManyRejects':
      return [0x84, 0]
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
