/**
 * NV200 emulated: the far end of an SSP wire. It answers from store what is sent again with the same sequence bit, keeps
 * what must be acknowledged until it is, and takes a polled note in unless it is rejected.
 *
 * What no source says and is decided here: a note in escrow at a power cut goes out at the front, a note behind it into
 * the cashbox; the channel of one that was credited already is told as 0, as is one that was not read; events that
 * wait for their acknowledgement go with the power, the counters stay.
 */
import {
  EsspCipher,
  ESSP_FIXED_KEY,
  agreementOver,
  fromLittleEndian,
  littleEndian,
} from '../../../crypto/essp.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {Random} from '../../../kit/random.ts'
import {Watchers} from '../../../kit/watchers.ts'
import type {ByteLink} from '../../wire/link.ts'
import {NEW_PATH, NotePath} from '../emulator-path.ts'
import type {AcceptorEmulator, Manner, PathMischief, PathReason, PathRemains} from '../emulator-path.ts'
import {Talk, isTalking} from '../emulator-talk.ts'
import type {TalkMischief, TranscriptLine} from '../emulator-talk.ts'
import {HostReader, packetFor, sealed, unsealed} from './emulator-frames.ts'
import type {HostPacket} from './emulator-frames.ts'

export type Mischief = PathMischief | TalkMischief

/** What the protocol page leaves open. */
export interface Nv200Quirks {
  /** Whether a poll with acknowledgement accepts the note in escrow, as a plain one does. */
  readonly ackPollAccepts: boolean
  /** Whether a credit is told on every plain poll until the note is stacked. */
  readonly repeatsCredit: boolean
  /** Whether the counters and the polls with acknowledgement are there. */
  readonly isOld: boolean
}

export const STANDARD: Nv200Quirks = {ackPollAccepts: true, repeatsCredit: false, isOld: false}

/** All that a power cut does not take. */
export interface Remains extends PathRemains {
  readonly counters: {readonly stacked: number; readonly rejected: number}
  readonly lastReject: number
  readonly fixedKey: bigint
}

export const NEW: Remains = {
  ...NEW_PATH,
  counters: {stacked: 0, rejected: 0},
  lastReject: 0,
  fixedKey: ESSP_FIXED_KEY,
}

export interface Nv200Options {
  readonly moveMs: number
  readonly quirks: Nv200Quirks
  readonly remains: Remains
}

/** The dataset: euro notes, channel 1 first. */
export const DATASET: readonly number[] = [5, 10, 20, 50]
const CURRENCY = [0x45, 0x55, 0x52]
const SERIAL = [0x00, 0x1c, 0x96, 0x2c]
const CASHBOX_NOTES_MAX = 600
const ESCROW_MS = 10_000
const VERSION_MAX = 8

const OK = 0xf0
const UNKNOWN = 0xf2
const COUNT = 0xf3
const RANGE = 0xf4
const NOT_NOW = 0xf5
const FAIL = 0xf8
const NO_KEY = 0xfa

const REJECT_CODES: Readonly<Record<PathReason, number>> = {
  unknown: 0x02,
  inhibited: 0x0c,
  two: 0x1c,
  string: 0x0e,
  host: 0x08,
  timeout: 0x13,
  stacker: 0x1d,
}

/** Every command that it knows, with the bytes that must follow its code. */
const ARGUMENTS: ReadonlyMap<number, number> = new Map([
  ...[
    0x01, 0x03, 0x04, 0x05, 0x07, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x0e, 0x0f, 0x11, 0x17, 0x18, 0x20, 0x21,
    0x4f, 0x56, 0x57, 0x58, 0x59, 0x61,
  ].map((op): readonly [number, number] => [op, 0]),
  [0x02, 2],
  [0x06, 1],
  [0x4a, 8],
  [0x4b, 8],
  [0x4c, 8],
  [0x4d, 2],
  [0x60, 8],
])

/** An event that waits to be told. */
interface Waiting {
  readonly bytes: readonly number[]
  readonly needsAck: boolean
}

export class Nv200Emulator implements AcceptorEmulator<Mischief, Remains> {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #random: Random
  readonly #quirks: Nv200Quirks
  readonly #talk: Talk
  readonly #reader = new HostReader()
  readonly #watchers = new Watchers()
  readonly #path: NotePath
  #counters: Remains['counters']
  #lastReject: number
  #fixedKey: bigint
  #isOn = true
  #isEnabled = false
  #inhibits = 0
  #version = 6
  #cipher: EsspCipher | null = null
  #count = 0
  #generator: bigint | null = null
  #modulus: bigint | null = null
  #served: {readonly head: number; readonly answer: Uint8Array} | null = null
  #waiting: Waiting[] = []
  /** Told under a poll with acknowledgement, and not acknowledged yet. */
  #told: Waiting[] = []
  #hasToldEscrow = false
  #crediting: number | null = null
  #escrowTimer: Timer | null = null

  /** @param link the far end of the wire, opened by `start` */
  constructor(link: ByteLink, clock: Clock, random: Random, {moveMs, quirks, remains}: Nv200Options) {
    this.#link = link
    this.#clock = clock
    this.#random = random
    this.#quirks = quirks
    this.#counters = remains.counters
    this.#lastReject = remains.lastReject
    this.#fixedKey = remains.fixedKey
    this.#talk = new Talk(link, clock, Uint8Array.of(0x00, 0xff, 0x55))
    this.#path = new NotePath(clock, moveMs, CASHBOX_NOTES_MAX, remains, {
      changed: () => {
        this.#watchers.tell()
      },
      escrowed: () => {
        this.#hasToldEscrow = false
        this.#restartEscrow()
      },
      rejecting: reason => {
        this.#escrowTimer?.cancel()
        this.#lastReject = REJECT_CODES[reason]
        this.#counters = {...this.#counters, rejected: this.#counters.rejected + 1}
        this.#watchers.tell()
      },
      rejected: () => {
        this.#tell([0xec])
      },
      credited: channel => {
        this.#crediting = channel
        this.#tell([0xee, channel], true)
      },
      stacked: () => {
        this.#crediting = null
        this.#counters = {...this.#counters, stacked: this.#counters.stacked + 1}
        this.#tell([0xeb])
        if (this.#path.isFull) this.#tell([0xe7])
        this.#watchers.tell()
      },
      jammed: () => {
        this.#disable()
      },
      fraud: channel => {
        this.#tell([0xe6, channel], true)
      },
      powerFails: () => {
        this.cutPower()
      },
    })
    this.#wake()
  }

  get remains(): Remains {
    return {
      ...this.#path.remains,
      counters: this.#counters,
      lastReject: this.#lastReject,
      fixedKey: this.#fixedKey,
    }
  }

  get state() {
    const {phase} = this.#path
    return {power: this.#isOn ? 'on' : 'off', enabled: this.#isEnabled, phase} as const
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#talk.lines
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
    this.cutPower()
    await this.#link.close()
  }

  onChange(watcher: () => void): () => void {
    return this.#watchers.add(watcher)
  }

  plan(mischief: Mischief): void {
    if (isTalking(mischief)) this.#talk.plan(mischief)
    else this.#path.plan(mischief)
  }

  /** A new note, pushed in. @returns its name, and whether it was pulled in */
  insert(
    channel: number,
    manner: Manner = 'well',
  ): {readonly name: string; readonly is: 'pulled' | 'not-taken'} {
    const name = this.#path.introduce(channel)
    return {name, is: this.insertAgain(name, manner)}
  }

  insertAgain(name: string, manner: Manner = 'well'): 'pulled' | 'not-taken' {
    const takes = this.#isOn && this.#isEnabled ? (channel: number) => this.#takes(channel) : null
    return this.#path.insert(name, manner, takes)
  }

  takeBack(): readonly string[] {
    return this.#path.takeBack()
  }

  clearPath(): readonly string[] {
    return this.#path.clearPath()
  }

  emptyCashbox(): readonly string[] {
    return this.#path.emptyCashbox()
  }

  setCashbox(is: 'in' | 'out'): void {
    const was = this.#path.remains.isCashboxIn
    this.#path.setCashbox(is)
    if (is === 'in' && !was) this.#tell([0xe4])
  }

  cutPower(): void {
    this.#isOn = false
    this.#path.powerCut()
    this.#talk.cut()
    this.#escrowTimer?.cancel()
    this.#reader.reset()
    this.#forget()
    this.#watchers.tell()
  }

  restorePower(): void {
    if (this.#isOn) return
    this.#isOn = true
    this.#wake()
    this.#watchers.tell()
  }

  /** As after power came, or a reset. */
  #wake(): void {
    const wasCredited = this.#crediting !== null
    this.#crediting = null
    this.#tell([0xf1])
    for (const {to, channel} of this.#path.powerOn()) {
      if (to === 'cashbox') {
        this.#counters = {...this.#counters, stacked: this.#counters.stacked + 1}
        this.#tell([0xe2, wasCredited ? 0 : channel], true)
      } else {
        this.#counters = {...this.#counters, rejected: this.#counters.rejected + 1}
        this.#tell([0xe1, channel])
      }
    }
    this.#tell([0xe8])
  }

  #forget(): void {
    this.#isEnabled = false
    this.#inhibits = 0
    this.#cipher = null
    this.#count = 0
    this.#generator = null
    this.#modulus = null
    this.#served = null
    this.#waiting = []
    this.#told = []
    this.#hasToldEscrow = false
  }

  #takes(channel: number): boolean {
    return Math.floor(this.#inhibits / 2 ** (channel - 1)) % 2 === 1
  }

  #tell(bytes: readonly number[], needsAck = false): void {
    this.#waiting.push({bytes, needsAck})
  }

  #disable(): void {
    if (this.#isEnabled) this.#tell([0xe8])
    this.#isEnabled = false
  }

  #restartEscrow(): void {
    this.#escrowTimer?.cancel()
    if (this.#path.phase !== 'escrow') return
    this.#escrowTimer = this.#clock.after(ESCROW_MS, () => {
      this.#path.giveBack('timeout')
    })
  }

  #hear(chunk: Uint8Array): void {
    if (!this.#isOn) return
    this.#talk.heard(chunk)
    for (const packet of this.#reader.push(chunk, this.#clock.monotonicMs())) this.#take(packet)
  }

  #take({head, data}: HostPacket): void {
    if (head % 0x80 !== 0) return
    const isSync = data.length === 1 && data[0] === 0x11
    if (!isSync && this.#served?.head === head) {
      this.#talk.answer(this.#served.answer)
      return
    }
    const text = this.#textOf(data)
    if (text === null) return
    const isSealed = data[0] === 0x7e && this.#cipher !== null
    const cipher = this.#cipher
    const count = this.#count
    const answer = this.#execute(text)
    const isSealing = isSealed && cipher !== null
    // A new key starts the count anew.
    if (isSealing && this.#cipher === cipher) this.#count = count + 1
    const said = packetFor(head, isSealing ? sealed(cipher, answer, count + 1, this.#random) : answer)
    this.#served = {head, answer: said}
    this.#restartEscrow()
    this.#talk.answer(said)
    if (text[0] === 0x01) this.#reset()
  }

  /** What the host says, or null for a packet to be discarded. */
  #textOf(data: readonly number[]): readonly number[] | null {
    if (data[0] !== 0x7e) return data
    if (this.#cipher === null) return [0x7e]
    return unsealed(this.#cipher, data, this.#count)
  }

  #reset(): void {
    this.#path.powerCut()
    this.#forget()
    this.#wake()
  }

  #execute(text: readonly number[]): readonly number[] {
    const [op = 0, ...args] = text
    if (op === 0x7e) return [NO_KEY]
    const wanted = ARGUMENTS.get(op)
    if (wanted === undefined) return [UNKNOWN]
    if (args.length !== wanted) return [COUNT]
    const bytes = Uint8Array.from(args)
    switch (op) {
      case 0x01:
      case 0x03:
      case 0x04:
      case 0x11:
        return [OK]
      case 0x02:
        this.#inhibits = (args[0] ?? 0) + (args[1] ?? 0) * 256
        if (this.#inhibits === 0) this.#tell([0xb5])
        return [OK]
      case 0x05:
        return [OK, ...this.#setup()]
      case 0x06:
        if ((args[0] ?? 0) < 1 || (args[0] ?? 0) > VERSION_MAX) return [FAIL]
        this.#version = args[0] ?? 0
        return [OK]
      case 0x07:
        return [OK, ...this.#poll(false)]
      case 0x08:
        if (this.#path.phase !== 'escrow') return [NOT_NOW]
        this.#path.giveBack('host')
        return [OK]
      case 0x09:
        this.#disable()
        return [OK]
      case 0x0a:
        this.#isEnabled = true
        return [OK]
      case 0x0c:
        return [OK, ...SERIAL]
      case 0x0d:
        return [OK, 0x00, ...ascii('0333'), ...CURRENCY, 0, 0, 1, this.#version]
      case 0x0e:
        return [OK, ...this.#channels()]
      case 0x0f:
        return [OK, DATASET.length, ...DATASET.map(() => 2)]
      case 0x17:
        return [OK, this.#lastReject]
      case 0x18:
        return [this.#path.phase === 'escrow' ? OK : NOT_NOW]
      case 0x20:
        return [OK, ...ascii('NV02004333498000')]
      case 0x21:
        return [OK, ...ascii('EUR01610')]
      case 0x4d:
        // It answers at the old rate, and a pseudo-terminal has none.
        return [(args[0] ?? 0) <= 2 ? OK : RANGE]
      case 0x4f:
        return [OK, 0x00, ...this.#fourBytes(0x0102)]
      case 0x4a:
      case 0x4b:
      case 0x4c:
        return this.#negotiate(op, fromLittleEndian(bytes))
      case 0x60:
        this.#fixedKey = fromLittleEndian(bytes)
        return [OK]
      case 0x61:
        this.#fixedKey = ESSP_FIXED_KEY
        return [OK]
      default:
        return this.#quirks.isOld ? [UNKNOWN] : this.#executeNew(op)
    }
  }

  #executeNew(op: number): readonly number[] {
    switch (op) {
      case 0x56:
        return [OK, ...this.#poll(true)]
      case 0x57:
        if (this.#told.length === 0) return [NOT_NOW]
        this.#told = []
        return [OK]
      case 0x58: {
        const {stacked, rejected} = this.#counters
        return [OK, 5, ...[stacked, 0, 0, 0, rejected].flatMap(count => this.#fourBytes(count))]
      }
      case 0x59:
        this.#counters = {stacked: 0, rejected: 0}
        return [OK]
      default:
        return [UNKNOWN]
    }
  }

  #negotiate(op: number, number: bigint): readonly number[] {
    if (op === 0x4a) this.#generator = number
    if (op === 0x4b) this.#modulus = number
    if (op !== 0x4c) return [number < 2n ? RANGE : OK]
    const generator = this.#generator
    const modulus = this.#modulus
    if (generator === null || modulus === null || modulus < 2n) return [FAIL]
    const agreement = agreementOver(generator, modulus, this.#random)
    this.#cipher = new EsspCipher(this.#fixedKey, agreement.agree(number))
    this.#count = 0
    return [OK, ...littleEndian(agreement.inter)]
  }

  /** Everything that there is to tell now. */
  #poll(isWithAck: boolean): readonly number[] {
    const accepts = !isWithAck || this.#quirks.ackPollAccepts
    if (this.#path.phase === 'escrow' && this.#hasToldEscrow && accepts) {
      this.#escrowTimer?.cancel()
      this.#path.stack()
    }
    const fresh = this.#waiting
    this.#waiting = []
    const told = [...this.#told, ...fresh]
    this.#told = isWithAck ? told.filter(({needsAck}) => needsAck) : []
    return [...told.flatMap(({bytes}) => bytes), ...this.#lasting(isWithAck, told)]
  }

  /** What is told on every poll while it lasts. */
  #lasting(isWithAck: boolean, told: readonly Waiting[]): readonly number[] {
    const {phase, remains} = this.#path
    const lasting: number[] = []
    if (phase === 'reading') lasting.push(0xef, 0x00)
    if (phase === 'escrow') {
      this.#hasToldEscrow = true
      lasting.push(0xef, remains.notes.find(({at}) => at === 'escrow')?.channel ?? 0)
    }
    if (phase === 'stacking') lasting.push(0xcc)
    if (phase === 'rejecting' || phase === 'held') lasting.push(0xed)
    if (phase === 'jammed') lasting.push(0xe9)
    if (!remains.isCashboxIn) lasting.push(0xe3)
    const isNew = told.some(({bytes}) => bytes[0] === 0xee)
    if (this.#quirks.repeatsCredit && !isWithAck && this.#crediting !== null && !isNew)
      lasting.push(0xee, this.#crediting)
    return lasting
  }

  #setup(): readonly number[] {
    const expanded = [...DATASET.flatMap(() => CURRENCY), ...DATASET.flatMap(value => this.#fourBytes(value))]
    return [
      ...[0x00, ...ascii('0333'), ...CURRENCY, 0, 0, 1, DATASET.length],
      ...[...DATASET, ...DATASET.map(() => 2), 0, 0, 100, this.#version],
      ...(this.#version >= 6 ? expanded : []),
    ]
  }

  #channels(): readonly number[] {
    const expanded = [...DATASET.flatMap(() => CURRENCY), ...DATASET.flatMap(value => this.#fourBytes(value))]
    return [DATASET.length, ...DATASET, ...(this.#version >= 6 ? expanded : [])]
  }

  #fourBytes(value: number): readonly number[] {
    return [0, 1, 2, 3].map(at => Math.floor(value / 256 ** at) % 256)
  }
}

function ascii(text: string): readonly number[] {
  return [...Buffer.from(text, 'latin1')]
}
