/**
 * The reference dispenser emulated: the far end of the wire. Sees bytes, owns paper. It remembers its orders
 * by serial as long as it has power, and goes on when the host's side of the line dies.
 */
import type {Clock} from '../../../kit/clock.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Mechanism} from '../mechanism.ts'
import type {MechanismSettings, Motion, Request, Stop} from '../mechanism.ts'
import {MischiefPlan} from '../mischief.ts'
import type {
  DispenserEmulator,
  JamSpot,
  MechanicalMischief,
  Mischief,
  OperatorHand,
  OrderKind,
  Strike,
  TalkingMischief,
} from '../mischief.ts'
import {operatorHand} from '../operator.ts'
import {Talk} from '../talk.ts'
import {NoteLedger} from '../world.ts'
import type {DeviceState, Notes, TranscriptLine, World} from '../world.ts'
import {answerFrame, HostReader, readPick} from './emulator-frames.ts'
import type {HostSaid} from './emulator-frames.ts'
import {Memory} from './emulator-memory.ts'
import {jamAfter, Shutter} from './emulator-shutter.ts'

export interface ReferenceEmulatorOptions extends Partial<MechanismSettings> {
  /** Whether it counts what it retracts; default true. */
  readonly countsRetracted?: boolean
}

const KINDS: readonly Mischief['kind'][] = [
  'jam',
  'pickFails',
  'doublePick',
  'overflow',
  'countMismatch',
  'powerCut',
  'shutterBlocked',
  'rejectJam',
  'someTaken',
  'answerLost',
  'acknowledgementLost',
  'answerCorrupt',
  'nakStorm',
  'answerSplit',
  'answerTwice',
]
const JAM_SPOTS: readonly JamSpot[] = ['throat', 'diverter', 'eject']
const DEFAULTS: Required<ReferenceEmulatorOptions> = {
  noteMs: 150,
  nearEndCount: 20,
  rejectsMax: 10,
  countsRetracted: true,
}
const IDENTITY = 'i;TELLERD-REF;1.0'
const BUNCH_MAX = 40
const PRESENT_MS_MAX = 600_000

export class ReferenceDispenserEmulator implements DispenserEmulator {
  readonly mischiefKinds = KINDS
  readonly jamSpots = JAM_SPOTS
  readonly operator: OperatorHand
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #talk: Talk
  readonly #settings: Required<ReferenceEmulatorOptions>
  readonly #plan = new MischiefPlan(KINDS)
  readonly #reader = new HostReader()
  readonly #listeners = new Set<() => void>()
  readonly #ledger: NoteLedger
  readonly #mechanism: Mechanism
  readonly #shutter: Shutter
  readonly #memory = new Memory()
  #isOn = true
  #isMoving = false
  #life = 0
  #lastError = '00'
  #naksDue = 0
  #heldBack: MechanicalMischief | null = null

  /** @param notes how many notes each cassette holds, by position */
  constructor(
    link: ByteLink,
    clock: Clock,
    notes: Readonly<Record<1 | 2, number>>,
    options: ReferenceEmulatorOptions = {},
  ) {
    this.#link = link
    this.#clock = clock
    this.#settings = {...DEFAULTS, ...options}
    this.#talk = new Talk(link, clock, {sendsMax: 3, naksMax: 3, ackTimeoutMs: 500})
    this.#ledger = new NoteLedger(notes, () => {
      this.#changed()
    })
    this.#mechanism = new Mechanism(this.#ledger, clock, this.#settings, 'stacker')
    this.#shutter = new Shutter(this.#ledger, this.#mechanism, clock, this.#settings.noteMs)
    this.operator = operatorHand(
      this.#ledger,
      this.#mechanism,
      () => {
        this.#shutter.closeIfEmpty()
        this.#changed()
      },
      () => {
        this.#changed()
      },
    )
  }

  get world(): World {
    return this.#ledger.snapshot()
  }

  get state(): DeviceState {
    return {
      power: this.#isOn ? 'on' : 'off',
      isMoving: this.#isMoving,
      shutter: this.#shutter.isOpen ? 'open' : 'closed',
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

  /** A jam at the mouth strikes the next present: nothing reaches the mouth in a dispense. */
  plan(mischief: Mischief): void {
    const isAtMouth = mischief.kind === 'jam' && mischief.at === 'mouth' && mischief.on === undefined
    this.#plan.add(isAtMouth ? {...mischief, on: 'present'} : mischief)
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
    this.#shutter.stop()
    this.#talk.stopTelling()
    this.#reader.reset()
    this.#memory.clear()
    this.#lastError = '00'
    this.#naksDue = 0
    this.#heldBack = null
    this.#changed()
  }

  /** A shutter with nothing in it is closed when power comes. */
  powerOn(): void {
    this.#isOn = true
    this.#shutter.closeIfEmpty()
    this.#changed()
  }

  takeNotes(): Notes {
    return this.#shutter.take()
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
        this.#talk.stopTelling()
        break
      case 'nak':
        this.#talk.refused()
        break
      case 'damaged':
        this.#talk.say([0x15])
        break
      case 'command':
        this.#takeCommand(said.words)
        break
      case 'stray':
        break
    }
  }

  #takeCommand(words: readonly string[]): void {
    this.#talk.stopTelling()
    if (this.#naksDue > 0) {
      this.#naksDue -= 1
      this.#talk.say([0x15])
      return
    }
    const [letter = ''] = words
    if (this.#isMoving) {
      this.#talk.say([0x06])
      this.#talk.tell(answerFrame(this.#sayMoving(words)), null)
      return
    }
    const {mechanical, talking} = this.#struck(letter)
    if (talking?.kind === 'nakStorm') {
      this.#heldBack = mechanical
      this.#naksDue = talking.times - 1
      this.#talk.say([0x15])
      return
    }
    if (talking?.kind === 'answerLost' && talking.when === 'before-moving') return
    if (talking?.kind !== 'acknowledgementLost') this.#talk.say([0x06])
    void this.#execute(words, mechanical, talking)
  }

  /** While it moves it answers questions and takes no orders. */
  #sayMoving(words: readonly string[]): string {
    switch (words[0]) {
      case 'I':
        return IDENTITY
      case 'S':
        return this.#status()
      case 'Q':
        return this.#memory.recall(words[1] ?? '', true)
      default:
        return 'x;23'
    }
  }

  #struck(letter: string): Strike {
    const kind = orderKind(letter)
    if (kind === null) return {mechanical: null, talking: null}
    const strike = this.#plan.strike(kind)
    const mechanical = this.#heldBack ?? strike.mechanical
    this.#heldBack = null
    return {mechanical, talking: strike.talking}
  }

  async #execute(
    words: readonly string[],
    mechanical: MechanicalMischief | null,
    talking: TalkingMischief | null,
  ): Promise<void> {
    const life = this.#life
    this.#isMoving = true
    this.#changed()
    const text = await this.#perform(words, mechanical)
    if (life !== this.#life) return
    if (text === 'cut') {
      this.powerCut()
      return
    }
    this.#isMoving = false
    this.#changed()
    if (talking?.kind !== 'answerLost') this.#talk.tell(answerFrame(text), talking)
  }

  async #perform(words: readonly string[], mischief: MechanicalMischief | null): Promise<string> {
    const [letter] = words
    switch (letter) {
      case 'I':
        return IDENTITY
      case 'S':
        return this.#status()
      case 'A':
        return this.#memory.announce(words[1] ?? '')
      case 'D':
        return this.#dispense(words, mischief)
      case 'P':
        return this.#present(words, mischief)
      case 'R':
        return this.#retract(mischief)
      case 'J':
        return this.#reject(mischief)
      case 'Q':
        return this.#memory.recall(words[1] ?? '', false)
      case 'C':
        return this.#purge(mischief)
      default:
        return 'x;20'
    }
  }

  #status(): string {
    const cassettes = this.#ledger.positions.map(position => `${position}=${this.#cassetteState(position)}`)
    const isSet = (count: number): string => (count > 0 ? '1' : '0')
    return [
      's',
      this.#lastError,
      isSet(this.#ledger.total('path')),
      isSet(this.#ledger.total('stacker')),
      isSet(this.#shutter.notesCount),
      this.#shutter.isOpen ? 'o' : 'c',
      this.#mechanism.isRejectBinMissing ? 'm' : 'p',
      ...cassettes,
    ].join(';')
  }

  #cassetteState(position: number): string {
    if (this.#mechanism.missing.includes(position)) return 'm'
    if (this.#ledger.at('cassette', position) === 0) return 'e'
    return this.#mechanism.isNearEnd(position) ? 'l' : 'o'
  }

  async #dispense(words: readonly string[], mischief: MechanicalMischief | null): Promise<string> {
    const [, serialWord = '', ...pickWords] = words
    const requests = pickWords.map(readPick).filter(request => request !== null)
    const serial = Number(serialWord)
    const known = this.#memory.of(serial)
    // The same order again moves nothing: it is told what came of it.
    if (typeof known === 'object') return `d;${serialWord};${known.report}`
    const refusal = known === 'announced' ? this.#refusal(requests, pickWords.length) : '21'
    if (refusal !== null) return this.#reported(serial, {stop: null, counted: new Map()}, requests, refusal)
    this.#memory.remember(serial, 'moving')
    const motion = await this.#mechanism.dispense(requests, mischief)
    if (motion === 'cut') return 'cut'
    return this.#reported(serial, motion, requests, errorOf(motion.stop))
  }

  #refusal(requests: readonly Request[], asked: number): string | null {
    const total = requests.reduce((sum, {count}) => sum + count, 0)
    const isKnown = requests.every(
      ({cassette, count}) => count >= 1 && this.#ledger.positions.includes(cassette),
    )
    if (requests.length !== asked || !isKnown || total < 1 || total > BUNCH_MAX) return '20'
    if (this.#ledger.total('stacker') + this.#shutter.notesCount > 0) return '10'
    return null
  }

  #reported(serial: number, motion: Motion, requests: readonly Request[], error: string): string {
    const lines = requests.map(({cassette, count}) => {
      const {picked = 0, out = 0, rejected = 0} = motion.counted.get(cassette) ?? {}
      return `${cassette}=${count}/${picked}/${out}/${rejected}`
    })
    this.#lastError = error
    const report = [error, ...lines].join(';')
    this.#memory.remember(serial, {report})
    return `d;${serial};${report}`
  }

  async #present([, within = '']: readonly string[], mischief: MechanicalMischief | null): Promise<string> {
    if (!/^[0-9]+$/.test(within) || Number(within) > PRESENT_MS_MAX) return 'x;20'
    const presented = await this.#shutter.present(Number(within), mischief)
    return presented === 'cut' ? 'cut' : `p;${this.#failed(presented.error)};${presented.notes}`
  }

  async #retract(mischief: MechanicalMischief | null): Promise<string> {
    const drawn = await this.#shutter.retract(mischief)
    if (drawn === 'cut') return 'cut'
    if (drawn.stop !== null) return `r;${this.#failed(errorOf(drawn.stop))};-;0`
    this.#lastError = '00'
    if (!this.#settings.countsRetracted) return 'r;00;-;0'
    return `r;00;${drawn.count};${drawn.isSomeTaken ? '1' : '0'}`
  }

  async #reject(mischief: MechanicalMischief | null): Promise<string> {
    const motion = await this.#mechanism.binAll('stacker', 'reject', jamAfter(mischief))
    if (motion === 'cut') return 'cut'
    if (!('count' in motion)) return `j;${this.#failed(errorOf(motion))};-`
    this.#lastError = '00'
    return `j;00;${motion.count}`
  }

  async #purge(mischief: MechanicalMischief | null): Promise<string> {
    const motion = await this.#mechanism.purge(mischief)
    if (motion === 'cut') return 'cut'
    return `c;${this.#failed(errorOf(motion.stop))}`
  }

  /** Keeps the error for the next status. */
  #failed(error: string): string {
    this.#lastError = error
    return error
  }
}

/** The two digits for what stopped a motion. */
function errorOf(stop: Stop | null): string {
  switch (stop?.kind) {
    case undefined:
      return '00'
    case 'jam':
      return '01'
    case 'pickFailed':
      return '02'
    case 'empty':
      return '03'
    case 'missing':
      return '04'
    case 'rejectBinMissing':
      return '05'
    case 'countMismatch':
      return '06'
    case 'overflow':
      return '07'
    case 'tooManyRejects':
      return '08'
  }
}

function orderKind(letter: string): OrderKind | null {
  switch (letter) {
    case 'D':
      return 'dispense'
    case 'P':
      return 'present'
    case 'R':
      return 'retract'
    case 'J':
      return 'reject'
    case 'C':
      return 'purge'
    case 'S':
      return 'status'
    case 'I':
      return 'identify'
    case 'Q':
      return 'recall'
    default:
      return null
  }
}
