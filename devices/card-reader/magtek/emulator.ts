/**
 * MagTek swipe and insert readers, the far end of the wire: reads what is drawn through or pushed in, answers
 * commands as the manuals say, and misbehaves when told. What they leave open is marked `assumed` in
 * docs/protocols/magtek-hid.md.
 *
 * What a stripe holds goes over the wire and nowhere else: not into the transcript, not into the world.
 */
import type {Clock} from '../../../kit/clock.ts'
import type {HidDevice, HidFarEnd} from '../../wire/hid.ts'
import type {Card} from '../emulator-card.ts'
import {stripeRead} from '../emulator-card.ts'
import {Transcript} from '../emulator-transcript.ts'
import type {TranscriptLine} from '../emulator-transcript.ts'
import type {Track} from '../port.ts'
import {
  ALL_TRACKS,
  ENCRYPTION,
  FEATURE_BYTES,
  INTERFACE,
  MAGNE_SAFE_BYTES,
  MAGNE_SAFE_PROPERTY,
  magneSafeDescriptor,
  PRODUCTS,
  PROPERTY,
  SECURITY_LEVEL_ENCRYPTING,
  SURE_SWIPE_BYTES,
  SURE_SWIPE_COMMANDS,
  SURE_SWIPE_DESCRIPTOR,
  SURE_SWIPE_PROPERTY,
  VENDOR_ID,
} from './bytes.ts'
import type {CommandName, Family, ProductId, Result} from './bytes.ts'
import {decodeCommand, encodeAnswer, encodeCard, familyOf, TRACKS} from './codec.ts'
import type {CardFields} from './codec.ts'
import {CardCipher, DEMO_BASE_KEY, DEMO_KSN, hashOf, MAC_BYTES, masked} from './emulator-cipher.ts'

/** What survives without power. */
export interface Remains {
  readonly securityLevel: 2 | 3
  /** Of the key that comes next. */
  readonly keyCounter: number
  readonly swipeCount: number
  /** Properties that were set, by number. */
  readonly properties: ReadonlyMap<number, Uint8Array>
  /** Insert readers: the card that is pushed in. */
  readonly card: Card | null
}

export const NEW: Remains = {
  securityLevel: 2,
  keyCounter: 1,
  swipeCount: 0,
  properties: new Map(),
  card: null,
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

/** Everything that can be seen of it. Holds nothing that a stripe holds. */
export interface World {
  readonly isPowered: boolean
  readonly isOnBus: boolean
  /** Insert readers: whether a card stands in the slot. */
  readonly card: 'none' | 'inside'
  /** A swiped card came in and was taken. */
  readonly insertedCount: number
  readonly takenCount: number
  readonly securityLevel: number
}

/** One misbehaviour, consumed by the next thing it fits: any command where it names none. */
export type Mischief =
  | {readonly kind: 'command'; readonly do: 'stallSet' | 'stallGet'; readonly command?: CommandName}
  | {readonly kind: 'late'; readonly ms: number; readonly command?: CommandName}
  /** That result instead of the act. */
  | {readonly kind: 'refuse'; readonly code: number; readonly command?: CommandName}
  | {readonly kind: 'report'; readonly do: 'drop' | 'duplicate'}
  /** The next reading gives no track that could be decoded. */
  | {readonly kind: 'badRead'}
  /** The power goes when the command arrives. */
  | {readonly kind: 'power'; readonly command: CommandName}

/** From the answer to a reset until the reader is off the bus, and from there until it is back. */
const RESET_AFTER_MS = 50
const RESET_MS = 1_000
/** Result of a command whose number the reader does not know; the manuals give none. */
const UNKNOWN_COMMAND: Result = 'badParameter'

export class MagtekEmulator {
  readonly #far: HidFarEnd
  readonly #clock: Clock
  readonly #productId: ProductId
  readonly #inputBytes: number
  readonly #family: Family
  readonly #masksInClear: boolean
  readonly #cipher: CardCipher
  readonly #transcript = new Transcript(frame =>
    frame.length >= SURE_SWIPE_BYTES ? SHOWN_BYTES : frame.length,
  )
  readonly #watchers: (() => void)[] = []
  #mischief: Mischief[] = []
  #properties: Map<number, Uint8Array>
  #securityLevel: 2 | 3
  #swipeCount: number
  #session = new Uint8Array(8)
  #card: Card | null
  #isPowered = true
  #isStarted = false
  #inserted = 0
  #taken = 0
  #answer: Uint8Array
  /** The command that the answer answers. */
  #asked: CommandName | null = null
  /** Counts power cuts and resets, so that what was under way before one does not happen after it. */
  #life = 0

  constructor(far: HidFarEnd, clock: Clock, options: EmulatorOptions = {}) {
    const {productId = 0x0011, remains = NEW} = options
    this.#far = far
    this.#clock = clock
    this.#productId = productId
    this.#inputBytes = productId === 0x0002 ? SURE_SWIPE_BYTES : (options.inputBytes ?? MAGNE_SAFE_BYTES.long)
    this.#family = familyOf(this.#inputBytes) ?? 'magneSafe'
    this.#masksInClear = options.masksInClear ?? false
    this.#cipher = new CardCipher(DEMO_BASE_KEY, DEMO_KSN, remains.keyCounter)
    this.#properties = new Map(remains.properties)
    this.#securityLevel = remains.securityLevel
    this.#swipeCount = remains.swipeCount
    this.#card = remains.card
    this.#inserted = remains.card === null ? 0 : 1
    this.#answer = encodeAnswer('done')
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
    this.#inserted += 1
    if (this.#type === 'dip') this.#card = card
    else this.#taken += 1
    this.#changed()
    this.#read(card, this.#type === 'dip' ? 'in' : 'out')
    return 'inserted'
  }

  /** The hand of the customer; null when no card stands in the slot. */
  take(): Card | null {
    const card = this.#card
    if (card === null) return null
    this.#card = null
    this.#taken += 1
    this.#changed()
    this.#read(card, 'out')
    return card
  }

  /** Off the bus until `restorePower`; a card stays where it is. */
  cutPower(): void {
    this.#life += 1
    this.#isPowered = false
    this.#changed()
    void this.#far.close()
  }

  restorePower(): void {
    this.#isPowered = true
    this.#changed()
    void this.#attach()
  }

  /** Queues one misbehaviour. */
  plan(mischief: Mischief): void {
    this.#mischief.push(mischief)
  }

  /** Calls back after everything that changes the world. */
  onChange(watcher: () => void): void {
    this.#watchers.push(watcher)
  }

  get world(): World {
    return {
      isPowered: this.#isPowered,
      isOnBus: this.#far.isOpen,
      card: this.#card === null ? 'none' : 'inside',
      insertedCount: this.#inserted,
      takenCount: this.#taken,
      securityLevel: this.#securityLevel,
    }
  }

  get remains(): Remains {
    return {
      securityLevel: this.#securityLevel,
      keyCounter: this.#cipher.counter,
      swipeCount: this.#swipeCount,
      properties: this.#properties,
      card: this.#card,
    }
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#transcript.lines
  }

  get #type(): 'swipe' | 'dip' {
    return PRODUCTS[this.#productId].type
  }

  async #attach(): Promise<void> {
    // Set to be a keyboard it comes up as one, and is no device of ours.
    const isKeyboard = this.#properties.get(PROPERTY.interface)?.[0] === INTERFACE.keyboard
    if (!this.#isStarted || !this.#isPowered || this.#far.isOpen || isKeyboard) return
    await this.#far.open(this.#device())
    this.#changed()
  }

  #device(): HidDevice {
    const serial = Buffer.from(this.#property(PROPERTY.usbSerial) ?? []).toString('latin1')
    return {
      identity: {
        vendorId: VENDOR_ID,
        productId: this.#productId,
        product: PRODUCTS[this.#productId].name,
        serial,
      },
      descriptor:
        this.#family === 'sureSwipe' ? SURE_SWIPE_DESCRIPTOR : magneSafeDescriptor(this.#inputBytes),
      attached: () => {
        this.#answer = encodeAnswer('done')
        this.#session = new Uint8Array(8)
      },
      setFeature: (_id, bytes) => this.#take(bytes),
      getFeature: async () => this.#give(),
      output: () => undefined,
    }
  }

  async #take(bytes: Uint8Array): Promise<boolean> {
    if (bytes.length !== FEATURE_BYTES[this.#family]) return false
    const {name, content} = decodeCommand(bytes)
    this.#transcript.add('host', bytes.subarray(0, content === null ? bytes.length : 2 + content.length))
    if (this.#strike(one => one.kind === 'power' && one.command === name) !== null) {
      this.cutPower()
      return false
    }
    if (this.#strike(one => isOnCommand(one, 'stallSet', name)) !== null) return false
    const life = this.#life
    const late = this.#strike(one => one.kind === 'late' && (one.command ?? name) === name)
    if (late?.kind === 'late') await this.#clock.sleep(late.ms)
    if (life !== this.#life) return false
    const refusal = this.#strike(one => one.kind === 'refuse' && (one.command ?? name) === name)
    const answer =
      refusal?.kind === 'refuse' ? Uint8Array.of(refusal.code, 0) : this.#do(name, content, bytes)
    this.#answer = answer
    this.#asked = name
    this.#changed()
    return true
  }

  #give(): Uint8Array | null {
    if (this.#strike(one => isOnCommand(one, 'stallGet', this.#asked)) !== null) return null
    this.#transcript.add('device', this.#answer)
    return this.#answer
  }

  #do(name: CommandName | null, content: Uint8Array | null, bytes: Uint8Array): Uint8Array {
    const isKnown = name !== null && (this.#family === 'magneSafe' || SURE_SWIPE_COMMANDS.includes(name))
    if (!isKnown) return encodeAnswer(UNKNOWN_COMMAND)
    if (content === null) return encodeAnswer('badParameter')
    switch (name) {
      case 'getProperty':
        return this.#getProperty(content)
      case 'setProperty':
        return encodeAnswer(this.#setProperty(content, bytes))
      case 'reset':
        this.#reset()
        return encodeAnswer('done')
      case 'ksn':
        return encodeAnswer('done', this.#cipher.ksn)
      case 'setSession':
        if (content.length !== this.#session.length) return encodeAnswer('badParameter')
        this.#session = Uint8Array.from(content)
        return encodeAnswer('done')
      case 'readerState':
        return encodeAnswer('done', READER_STATE)
      case 'securityLevel':
        return this.#setLevel(content, bytes)
      case 'encryptionCounter': {
        const serial = Uint8Array.from({length: 16}, (_, at) => this.#serial[at] ?? 0)
        return encodeAnswer('done', Uint8Array.of(...serial, 0xff, 0xff, 0xff))
      }
    }
  }

  #getProperty([number, ...rest]: Uint8Array): Uint8Array {
    const value = number === undefined || rest.length > 0 ? null : this.#property(number)
    return value === null ? encodeAnswer('badParameter') : encodeAnswer('done', value)
  }

  #property(number: number): Uint8Array | null {
    return this.#properties.get(number) ?? defaultsOf(this.#family).get(number) ?? null
  }

  get #serial(): Uint8Array {
    return this.#property(MAGNE_SAFE_PROPERTY.deviceSerial) ?? new Uint8Array()
  }

  /** At security level 3 only with a MAC; what is on the bus changes at the next reset. */
  #setProperty(content: Uint8Array, bytes: Uint8Array): Result {
    const isSigned = this.#family === 'magneSafe' && this.#securityLevel >= SECURITY_LEVEL_ENCRYPTING
    const number = content[0] ?? 0xff
    const value = content.slice(1, isSigned ? -MAC_BYTES : undefined)
    if (number === PROPERTY.softwareId || value.length > VALUE_BYTES_MAX) return 'badParameter'
    if (!defaultsOf(this.#family).has(number)) return 'badParameter'
    if (isSigned && !this.#isMacRight(bytes, content)) return 'badSequence'
    this.#properties.set(number, value)
    return 'done'
  }

  #setLevel(content: Uint8Array, bytes: Uint8Array): Uint8Array {
    if (content.length === 0) return encodeAnswer('done', Uint8Array.of(this.#securityLevel))
    if (content.length !== 1 + MAC_BYTES || content[0] !== SECURITY_LEVEL_ENCRYPTING)
      return encodeAnswer('badParameter')
    if (this.#securityLevel >= SECURITY_LEVEL_ENCRYPTING) return encodeAnswer('badParameter')
    if (!this.#isMacRight(bytes, content)) return encodeAnswer('badSequence')
    this.#securityLevel = 3
    return encodeAnswer('done')
  }

  /** The MAC ends the command and is over all before it. A key that signed one command signs no other. */
  #isMacRight(bytes: Uint8Array, content: Uint8Array): boolean {
    const endsAt = 2 + content.length
    if (content.length <= MAC_BYTES) return false
    const right = this.#cipher.mac(bytes.subarray(0, endsAt - MAC_BYTES))
    const isRight = Buffer.compare(right, bytes.subarray(endsAt - MAC_BYTES, endsAt)) === 0
    if (isRight) this.#cipher.advance()
    return isRight
  }

  #reset(): void {
    this.#life += 1
    const life = this.#life
    this.#clock.after(RESET_AFTER_MS, () => {
      if (life !== this.#life || !this.#isStarted) return
      void this.#far.close()
      this.#changed()
      this.#clock.after(RESET_MS, () => {
        if (life === this.#life) void this.#attach()
      })
    })
  }

  /** A card goes by the head. */
  #read(card: Card, way: 'in' | 'out'): void {
    if (!this.#isPowered || !this.#far.isOpen) return
    const isBad = this.#strike(one => one.kind === 'badRead') !== null
    const isSilent = this.#strike(one => one.kind === 'report' && one.do === 'drop') !== null
    const fields = this.#fieldsOf(card, way, isBad)
    const report = encodeCard(this.#inputBytes, fields)
    if (isSilent) return
    this.#transcript.add('device', report)
    void this.#far.report(0, report)
    if (this.#strike(one => one.kind === 'report' && one.do === 'duplicate') !== null)
      void this.#far.report(0, report)
  }

  #fieldsOf(card: Card, way: 'in' | 'out', isBad: boolean): CardFields {
    const tracks = {
      1: isBad ? null : this.#trackOf(card, 1),
      2: isBad ? null : this.#trackOf(card, 2),
      3: isBad ? null : this.#trackOf(card, 3),
    }
    const isBlank = TRACKS.every(track => tracks[track] === '')
    const encode = isBad ? 'undetermined' : isBlank ? 'blank' : 'iso'
    if (this.#family === 'sureSwipe') return {encode, tracks, magneSafe: null}
    this.#swipeCount += 1
    const isEncrypting = this.#securityLevel >= SECURITY_LEVEL_ENCRYPTING
    const clear = (track: Track): string => tracks[track] ?? ''
    const each = <T>(make: (track: Track) => T): Record<Track, T> => ({1: make(1), 2: make(2), 3: make(3)})
    const hidden = (track: Track): Uint8Array => {
      const bytes = Buffer.from(clear(track), 'latin1')
      return isEncrypting ? this.#cipher.encrypt(bytes) : bytes
    }
    const shown = (track: Track): string =>
      clear(track) !== '' && (isEncrypting || this.#masksInClear) ? masked(track, clear(track)) : clear(track)
    const magneSafe = {
      way,
      encrypted: each(hidden),
      masked: each(shown),
      encryption: this.#encryption,
      serial: Buffer.from(this.#serial).toString('latin1'),
      ksn: isEncrypting ? this.#cipher.ksn : new Uint8Array(10),
      session: isEncrypting ? this.#cipher.encrypt(this.#session) : this.#session,
      swipeCount: this.#swipeCount,
      version: 'V05',
      sha1: hashOf(clear(2)),
    }
    this.#session = new Uint8Array(8)
    if (isEncrypting) this.#cipher.advance()
    return {encode, tracks, magneSafe}
  }

  get #encryption(): number {
    const isEncrypting = this.#securityLevel >= SECURITY_LEVEL_ENCRYPTING
    return (
      ENCRYPTION.keyInjected |
      (isEncrypting ? ENCRYPTION.enabled : 0) |
      (this.#cipher.isExhausted ? ENCRYPTION.keysExhausted : 0)
    )
  }

  /** With sentinels; empty where nothing is, or the track is switched off; null where it could not be decoded. */
  #trackOf(card: Card, track: Track): string | null {
    const number =
      this.#family === 'magneSafe' ? MAGNE_SAFE_PROPERTY.trackEnable : SURE_SWIPE_PROPERTY.trackEnable
    const enabled = ((this.#property(number)?.[0] ?? ALL_TRACKS) >> (2 * (track - 1))) & 3
    if (enabled === TRACK_OFF) return ''
    const read = stripeRead(card, track)
    if (read.kind === 'fault') return null
    if (read.kind === 'blank') return enabled === TRACK_REQUIRED ? null : ''
    return `${track === 1 ? '%' : ';'}${read.text}?`
  }

  /** Takes out the first that is due, or null. */
  #strike(isDue: (mischief: Mischief) => boolean): Mischief | null {
    const struck = this.#mischief.find(isDue) ?? null
    this.#mischief = this.#mischief.filter(mischief => mischief !== struck)
    return struck
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher()
  }
}

/** Of an input report, as far as the card encode type: what follows a stripe holds. */
const SHOWN_BYTES = 7
/** Two bits a track in the property `trackEnable`: 00 off, 01 on, 10 on and an error when blank. */
const TRACK_OFF = 0
const TRACK_REQUIRED = 2
/** Longest value of a property (the serial numbers). */
const VALUE_BYTES_MAX = 15
/** It waits for a card and has done so since it was powered up; codes of D99875475, assumed for these levels. */
const READER_STATE = Uint8Array.of(0x00, 0x00)

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** What each property is before anybody sets it. */
function defaultsOf(family: Family): ReadonlyMap<number, Uint8Array> {
  return family === 'sureSwipe' ? SURE_SWIPE_DEFAULTS : MAGNE_SAFE_DEFAULTS
}

const SURE_SWIPE_DEFAULTS: ReadonlyMap<number, Uint8Array> = new Map([
  // Part number and version, as the manual's example has them.
  [PROPERTY.softwareId, ascii('21042812D01')],
  [PROPERTY.usbSerial, new Uint8Array()],
  [PROPERTY.pollInterval, Uint8Array.of(1)],
  [SURE_SWIPE_PROPERTY.maxPacket, Uint8Array.of(8)],
  [SURE_SWIPE_PROPERTY.trackEnable, Uint8Array.of(ALL_TRACKS)],
  [PROPERTY.interface, Uint8Array.of(INTERFACE.hid)],
])

const MAGNE_SAFE_DEFAULTS: ReadonlyMap<number, Uint8Array> = new Map([
  [PROPERTY.softwareId, ascii('21042840G01')],
  [PROPERTY.usbSerial, new Uint8Array()],
  [PROPERTY.pollInterval, Uint8Array.of(1)],
  [MAGNE_SAFE_PROPERTY.deviceSerial, ascii('B000795')],
  [MAGNE_SAFE_PROPERTY.version, ascii('V05')],
  [MAGNE_SAFE_PROPERTY.trackEnable, Uint8Array.of(ALL_TRACKS)],
  [MAGNE_SAFE_PROPERTY.isoMask, ascii('04040Y')],
  [MAGNE_SAFE_PROPERTY.maxPacket, Uint8Array.of(8)],
  [PROPERTY.interface, Uint8Array.of(INTERFACE.hid)],
  [MAGNE_SAFE_PROPERTY.sureSwipe, Uint8Array.of(0)],
])

function isOnCommand(mischief: Mischief, what: 'stallSet' | 'stallGet', name: CommandName | null): boolean {
  return mischief.kind === 'command' && mischief.do === what && (mischief.command ?? name) === name
}
