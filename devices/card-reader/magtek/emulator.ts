/**
 * MagTek swipe and insert readers, the far end of the wire: reads what is drawn through or pushed in, answers
 * commands as the manuals say, and misbehaves when told. What they leave open is marked `assumed` in
 * docs/protocols/magtek-hid.md.
 *
 * What a stripe holds goes over the wire and nowhere else: not into the transcript, not into the world.
 */
import type {Clock} from '../../../kit/clock.ts'
import {Watchers} from '../../../kit/watchers.ts'
import type {HidDevice, HidFarEnd} from '../../wire/hid.ts'
import type {Card} from '../emulator-card.ts'
import {MischiefQueue} from '../emulator-mischief.ts'
import type {Mischief as CommonMischief} from '../emulator-mischief.ts'
import type {Remains as PathRemains, World as PathWorld} from '../emulator-path.ts'
import type {CardReaderEmulator} from '../emulator-reader.ts'
import {Transcript} from '../emulator-transcript.ts'
import type {TranscriptLine} from '../emulator-transcript.ts'
import {
  FEATURE_BYTES,
  MAGNE_SAFE_BYTES,
  magneSafeDescriptor,
  PRODUCTS,
  PROPERTY,
  SURE_SWIPE_BYTES,
  SURE_SWIPE_DESCRIPTOR,
  VENDOR_ID,
} from './bytes.ts'
import type {CommandName, Family, ProductId} from './bytes.ts'
import {decodeCommand, encodeAnswer, familyOf} from './codec.ts'
import {Unit} from './emulator-unit.ts'
import type {UnitRemains} from './emulator-unit.ts'

/** What survives without power: settings and keys, and the card that stands in the slot of an insert reader. */
export interface Remains extends PathRemains, UnitRemains {}

export const NEW: Remains = {
  securityLevel: 2,
  keyCounter: 1,
  swipeCount: 0,
  properties: new Map(),
  card: null,
  place: 'frontFree',
  bin: [],
  takenCount: 0,
}

export interface EmulatorOptions {
  /** Default 0011, the MagneSafe swipe reader. */
  readonly productId?: ProductId
  /** MagneSafe: 856, 887 or 931; default 887. */
  readonly inputBytes?: number
  /** Whether the masked fields are masked even while nothing is encrypted, as one published dump has them. */
  readonly masksInClear?: boolean
  readonly remains?: Remains
}

/** Everything that can be seen of it. Its mouth is always open, and a card in it is always within reach. */
export interface World extends PathWorld {
  readonly isOnBus: boolean
  readonly securityLevel: number
}

/** One misbehaviour, consumed by the next thing it fits. Nothing here moves, so nothing jams. */
export type Mischief =
  | CommonMischief<CommandName>
  /** The next report of a card is never sent. */
  | {readonly kind: 'reportLost'}
  /** The next card goes by so that no track can be decoded. */
  | {readonly kind: 'badRead'}

/** From the answer to a reset until the reader is off the bus, and from there until it is back. */
const RESET_AFTER_MS = 50
const RESET_MS = 1_000
/** How much later than the host's patience for a transfer a late answer comes. */
const LATE_MS = 1_500
/** Of an input report, as far as the card encode type: what follows a stripe holds. */
const SHOWN_BYTES = 7

export class MagtekEmulator implements CardReaderEmulator {
  readonly #far: HidFarEnd
  readonly #clock: Clock
  readonly #productId: ProductId
  readonly #inputBytes: number
  readonly #family: Family
  readonly #unit: Unit
  readonly #transcript = new Transcript(frame =>
    frame.length >= SURE_SWIPE_BYTES ? SHOWN_BYTES : frame.length,
  )
  readonly #watchers = new Watchers()
  readonly #mischief = new MischiefQueue<CommandName>()
  #lostReports = 0
  #badReads = 0
  #card: Card | null
  #isPowered = true
  #isStarted = false
  #inserted: number
  #taken: number
  #answer: Uint8Array = encodeAnswer('done')
  /** The command that the answer answers. */
  #asked: CommandName | null = null
  /** Counts power cuts and resets, so that what was under way before one does not happen after it. */
  #life = 0

  constructor(far: HidFarEnd, clock: Clock, options: EmulatorOptions = {}) {
    const {productId = 0x0011, masksInClear = false, remains = NEW} = options
    this.#far = far
    this.#clock = clock
    this.#productId = productId
    this.#inputBytes = productId === 0x0002 ? SURE_SWIPE_BYTES : (options.inputBytes ?? MAGNE_SAFE_BYTES.long)
    this.#family = familyOf(this.#inputBytes) ?? 'magneSafe'
    this.#unit = new Unit(this.#family, this.#inputBytes, masksInClear, remains)
    this.#card = remains.card
    this.#taken = remains.takenCount
    this.#inserted = this.#taken + (this.#card === null ? 0 : 1)
  }

  /** Appears on the bus and begins to answer. */
  async start(): Promise<void> {
    this.#isStarted = true
    await this.#attach()
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    this.#life += 1
    await this.#far.close()
  }

  /** The hand of the customer: draws a card through, or pushes it into the slot. Refused where one stands already. */
  insert(card: Card): 'inserted' | 'refused' {
    if (this.#card !== null) return 'refused'
    const isDip = PRODUCTS[this.#productId].type === 'dip'
    this.#inserted += 1
    if (isDip) this.#card = card
    else this.#taken += 1
    this.#watchers.tell()
    this.#read(card, isDip ? 'in' : 'out')
    return 'inserted'
  }

  /** The hand of the customer; null when no card stands in the slot. */
  take(): Card | null {
    const card = this.#card
    if (card === null) return null
    this.#card = null
    this.#taken += 1
    this.#watchers.tell()
    this.#read(card, 'out')
    return card
  }

  /** Off the bus until `restorePower`; a card stays where it is. */
  cutPower(): void {
    this.#life += 1
    this.#isPowered = false
    this.#watchers.tell()
    void this.#far.close()
  }

  restorePower(): void {
    this.#isPowered = true
    this.#watchers.tell()
    void this.#attach()
  }

  plan(mischief: Mischief): void {
    if (mischief.kind === 'reportLost') this.#lostReports += 1
    else if (mischief.kind === 'badRead') this.#badReads += 1
    else this.#mischief.plan(mischief)
  }

  onChange(watcher: () => void): () => void {
    return this.#watchers.add(watcher)
  }

  get world(): World {
    return {
      isPowered: this.#isPowered,
      mouth: 'switch',
      isAdmitting: this.#card === null,
      place: this.#card === null ? 'none' : 'frontFree',
      isMoving: false,
      insertedCount: this.#inserted,
      takenCount: this.#taken,
      capturedCount: 0,
      stackedCount: 0,
      isOnBus: this.#far.isOpen,
      securityLevel: this.#unit.securityLevel,
    }
  }

  get remains(): Remains {
    return {...this.#unit.remains, card: this.#card, place: 'frontFree', bin: [], takenCount: this.#taken}
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#transcript.lines
  }

  async #attach(): Promise<void> {
    const isWanted = this.#isStarted && this.#isPowered && !this.#unit.settings.isKeyboard
    if (!isWanted || this.#far.isOpen) return
    const device: HidDevice = {
      identity: {
        vendorId: VENDOR_ID,
        productId: this.#productId,
        product: PRODUCTS[this.#productId].name,
        serial: this.#unit.settings.text(PROPERTY.usbSerial),
      },
      descriptor:
        this.#family === 'sureSwipe' ? SURE_SWIPE_DESCRIPTOR : magneSafeDescriptor(this.#inputBytes),
      attached: () => {
        this.#answer = encodeAnswer('done')
        this.#unit.powerUp()
      },
      setFeature: (_id, bytes) => this.#take(bytes),
      getFeature: async () => this.#give(),
      output: () => undefined,
    }
    await this.#far.open(device)
    this.#watchers.tell()
  }

  async #take(bytes: Uint8Array): Promise<boolean> {
    if (bytes.length !== FEATURE_BYTES[this.#family]) return false
    const {name, content} = decodeCommand(bytes)
    this.#transcript.add('host', bytes.subarray(0, content === null ? bytes.length : 2 + content.length))
    if (this.#mischief.cutsPower(name)) {
      this.cutPower()
      return false
    }
    if (this.#isOnLine('ignoreFrame', name) || this.#isOnLine('nak', name)) return false
    const life = this.#life
    const late = this.#mischief.onLine('lateReply', name)
    if (late !== null) await this.#clock.sleep(late.ms ?? LATE_MS)
    if (life !== this.#life) return false
    const code = this.#mischief.refusalOf(name)
    this.#answer = code === null ? this.#unit.answer(name, content, bytes) : Uint8Array.of(code, 0)
    this.#asked = name
    if (name === 'reset' && code === null && content !== null) this.#reset()
    this.#watchers.tell()
    return true
  }

  #give(): Uint8Array | null {
    const asked = this.#asked
    // A report cannot come in pieces: what would split a frame loses it here.
    const isLost = this.#isOnLine('dropReply', asked) || this.#isOnLine('splitReply', asked)
    if (isLost || this.#isOnLine('dropAck', asked)) return null
    const isCorrupt = this.#isOnLine('corruptReply', asked)
    const answer = isCorrupt ? Uint8Array.of(this.#answer[0] ?? 0, 0xff) : this.#answer
    this.#transcript.add('device', answer)
    return answer
  }

  #isOnLine(what: Extract<CommonMischief<never>, {kind: 'line'}>['do'], name: CommandName | null): boolean {
    return this.#mischief.onLine(what, name) !== null
  }

  #reset(): void {
    this.#life += 1
    const life = this.#life
    this.#clock.after(RESET_AFTER_MS, () => {
      if (life !== this.#life || !this.#isStarted) return
      void this.#far.close()
      this.#watchers.tell()
      this.#clock.after(RESET_MS, () => {
        if (life === this.#life) void this.#attach()
      })
    })
  }

  /** A card goes by the head. */
  #read(card: Card, way: 'in' | 'out'): void {
    if (!this.#isPowered || !this.#far.isOpen) return
    const isBad = this.#badReads > 0
    const isLost = this.#lostReports > 0
    this.#badReads = Math.max(0, this.#badReads - 1)
    this.#lostReports = Math.max(0, this.#lostReports - 1)
    const report = this.#unit.read(card, way, isBad)
    if (isLost) return
    this.#transcript.add('device', report)
    void this.#far.report(0, report)
    if (this.#isOnLine('duplicateReply', null)) void this.#far.report(0, report)
  }
}
