/**
 * DynaPro Mini, the far end of the wire: answers as the manuals say, has keys to press and a slot to swipe through,
 * and misbehaves when told. What the manuals leave open is marked `assumed` in docs/protocols/magtek-dynapro.md.
 *
 * No PIN digit leaves it: not on the wire, not in the transcript, not in the world. A card's number, a block and a
 * track go over the wire, as the protocol has it, and are left out of the transcript.
 */
import {hexOf, spacedHexOf} from '../../../crypto/hex.ts'
import type {Clock} from '../../../kit/clock.ts'
import type {Random} from '../../../kit/random.ts'
import {nameOf} from '../../../kit/table.ts'
import {Watchers} from '../../../kit/watchers.ts'
import type {HidDevice, HidFarEnd} from '../../wire/hid.ts'
import {MischiefQueue, TranscriptLines} from '../mischief.ts'
import type {CommonMischief, PadWorld, PinPadEmulator, TranscriptLine} from '../mischief.ts'
import type {Key} from '../port.ts'
import {
  ACK,
  COMMAND_BYTES,
  COMMANDS,
  descriptor,
  DEVICE_STATE,
  DEVICE_STATUS,
  HARDWARE,
  INFORMATION,
  INPUTS,
  OLD_STATE_BYTES,
  OPERATION,
  OTHER_COMMANDS,
  PIN_MODE,
  PRODUCT_ID,
  RANGE_MAX,
  SELECTION_MESSAGE,
  VENDOR_ID,
} from './bytes.ts'
import type {AckStatus, CommandName, DeviceState, InputName, Operation, Profile} from './bytes.ts'
import {encodeAck, encodeBlock, encodeSelection, encodeState, isIso3} from './codec.ts'
import {cardReports} from './emulator-card.ts'
import type {SwipedCard} from './emulator-card.ts'
import {SecureModule} from './emulator-module.ts'
import type {PinKey} from './emulator-module.ts'
import {Prompts} from './emulator-prompts.ts'
import type {Prompt, PromptEnd} from './emulator-prompts.ts'
import {Session} from './emulator-session.ts'
import {INFORMATION_TEXT, promptOf, SHOWN_OF_DEVICE, shownOfHost, STATE_OF} from './emulator-tables.ts'

export interface World extends PadWorld {
  readonly isTampered: boolean
  readonly isOnBus: boolean
  readonly deviceState: DeviceState
  /** Message of its own that is on the display, by number; null for none. */
  readonly message: number | null
  /** Beeps since power-up. */
  readonly beepCount: number
}

/** What survives without power. */
export interface Remains {
  readonly pinKey: PinKey
  /** Of the PIN key used last. */
  readonly pinCounter: number
  readonly isTampered: boolean
  readonly configuration: Uint8Array
}

export const NEW: Remains = {
  pinKey: 'dukpt',
  pinCounter: 0,
  isTampered: false,
  configuration: new Uint8Array(COMMAND_BYTES.configure),
}

export interface EmulatorOptions {
  /** Meaning of the key bits; older firmware tells no key status. */
  readonly firmware?: Profile['statusOf']
  readonly remains?: Remains
}

/** One misbehaviour, consumed by the next command it fits: any command where it names none. */
export type Mischief =
  | (CommonMischief & {readonly command?: CommandName})
  /** That ACK status instead of the act. */
  | {readonly kind: 'refuse'; readonly code: number; readonly command?: CommandName}
  /** The keypad notices something: the next PIN ends with operation status 05. */
  | {readonly kind: 'keypadSecurity'}
  /** The next PIN report is never sent; the device state that follows it is. */
  | {readonly kind: 'losePin'}
  /** The power goes when the command arrives. */
  | {readonly kind: 'power'; readonly command: CommandName}

/** PINs in an hour after which the pad locks. */
const PINS_MAX = 120
const HOUR_MS = 3_600_000
/** From the answer to a reset until the pad is off the bus, and from there until it is back. */
const RESET_AFTER_MS = 50
const RESET_MS = 2_000
/** How much later than the host's patience for a transfer a late one is taken. */
const LATE_MS = 1_500
/** Device status, certificates and hardware as the published dialogue has them: authentication bit, keys and sensors good. */
const GOOD = {deviceStatus: 0x40, certificates: 0x47, hardware: 0x07} as const

export class DynaProEmulator implements PinPadEmulator {
  readonly #far: HidFarEnd
  readonly #clock: Clock
  readonly #firmware: Profile['statusOf']
  readonly #module: SecureModule
  readonly #prompts: Prompts
  readonly #transcript = new TranscriptLines()
  readonly #mischief = new MischiefQueue<Mischief>()
  readonly #watchers = new Watchers()
  #isStarted = false
  #isPowered = true
  #isHeld = false
  #isTampered: boolean
  #hasDeviceError = false
  #configuration: Uint8Array
  #ack: Uint8Array = encodeAck('accepted', 0)
  #information = 0
  readonly #session = new Session()
  #message: number | null = null
  #beepCount = 0
  #announced = ''
  #pinsAtMs: number[] = []
  /** Counts power cuts and resets, so that what was under way before one does not happen after it. */
  #life = 0

  constructor(far: HidFarEnd, clock: Clock, random: Random, options: EmulatorOptions = {}) {
    const {firmware = 2018, remains = NEW} = options
    this.#far = far
    this.#clock = clock
    this.#firmware = firmware
    this.#isTampered = remains.isTampered
    this.#configuration = remains.configuration
    this.#module = new SecureModule(random, remains.pinKey, remains.pinCounter)
    this.#prompts = new Prompts(this.#module, clock, end => {
      this.#report(end)
    })
  }

  /** Appears on the bus and begins to answer. */
  async start(): Promise<void> {
    this.#isStarted = true
    await this.#attach()
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    this.#life += 1
    this.#prompts.drop()
    await this.#far.close()
  }

  press(key: Key): 'pressed' | 'ignored' {
    if (!this.#isPowered || this.#isTampered || this.#isHeld) return 'ignored'
    const pressed = this.#prompts.press(key)
    if (pressed === 'pressed') this.#changed()
    return pressed
  }

  /** A finger that stays: one press, and no other key makes one until `release`. */
  hold(key: Key): 'pressed' | 'ignored' {
    const pressed = this.press(key)
    this.#isHeld = true
    return pressed
  }

  release(): void {
    this.#isHeld = false
  }

  /** The hand of the customer draws a card through the pad's own slot. */
  swipe(card: SwipedCard): 'read' | 'ignored' {
    if (!this.#isPowered || this.#prompts.prompt?.kind !== 'card') return 'ignored'
    this.#session.swiped(card)
    this.#prompts.end('done')
    return 'read'
  }

  /** Somebody opens the pad: its keys are gone, and it says so from then on. */
  tamper(): void {
    this.#isTampered = true
    this.#module.tamper()
    this.#prompts.end('hostCancel')
    this.#announce()
  }

  /** An error of the pad's own, until its session is ended. */
  fail(): void {
    this.#hasDeviceError = true
    this.#announce()
  }

  /** The bus slept and woke, as far as the pad can tell: its session is lost, the link is not. */
  wake(): void {
    this.#powerUp()
    this.#announce()
  }

  /** Off the bus until `restorePower`. Keys stay, kept by a battery; the session does not. */
  cutPower(): void {
    this.#life += 1
    this.#isPowered = false
    this.#prompts.drop()
    this.#changed()
    void this.#far.close()
  }

  restorePower(): void {
    this.#isPowered = true
    this.#changed()
    void this.#attach()
  }

  plan(mischief: Mischief): void {
    this.#mischief.plan(mischief)
  }

  /** The result stops it. */
  onChange(watcher: () => void): () => void {
    return this.#watchers.add(watcher)
  }

  get world(): World {
    const {prompt} = this.#prompts
    return {
      isPowered: this.#isPowered,
      mode: prompt?.kind === 'pin' ? 'pin' : prompt?.kind === 'selection' ? 'clear' : 'idle',
      stars: prompt?.kind === 'pin' ? this.#module.digitCount : 0,
      hasPinKey: this.#module.hasPinKey,
      isTampered: this.#isTampered,
      isOnBus: this.#far.isOpen,
      deviceState: this.#deviceState,
      message: this.#message,
      beepCount: this.#beepCount,
    }
  }

  get remains(): Remains {
    return {
      pinKey: this.#module.pinKey,
      pinCounter: this.#module.pinCounter,
      isTampered: this.#isTampered,
      configuration: this.#configuration,
    }
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#transcript.lines
  }

  async #attach(): Promise<void> {
    if (!this.#isStarted || !this.#isPowered || this.#far.isOpen) return
    const device: HidDevice = {
      identity: {
        vendorId: VENDOR_ID,
        productId: PRODUCT_ID,
        product: INFORMATION_TEXT.product,
        serial: INFORMATION_TEXT.serial,
      },
      descriptor: descriptor(this.#firmware === 2014 ? OLD_STATE_BYTES : INPUTS.deviceState.bytes),
      attached: () => {
        this.#powerUp()
      },
      setFeature: (id, bytes) => this.#take(id, bytes),
      getFeature: async id => this.#give(id),
      output: () => undefined,
    }
    await this.#far.open(device)
    this.#changed()
  }

  #powerUp(): void {
    this.#prompts.drop()
    this.#session.powerUp()
    this.#message = null
    this.#hasDeviceError = false
    this.#beepCount = 0
    this.#ack = encodeAck('accepted', 0)
  }

  async #take(id: number, bytes: Uint8Array): Promise<boolean> {
    const name = nameOf(COMMANDS, id)
    this.#write('host', id, bytes)
    if (this.#mischief.strike(one => one.kind === 'power' && one.command === name) !== null) {
      this.cutPower()
      return false
    }
    if (this.#onLine('ignoreFrame', name) !== null) return false
    const life = this.#life
    const late = this.#onLine('lateReply', name)
    if (late !== null) await this.#clock.sleep(late.ms ?? LATE_MS)
    if (life !== this.#life) return false
    const refusal = this.#mischief.strike(one => one.kind === 'refuse' && (one.command ?? name) === name)
    if (refusal?.kind === 'refuse') this.#ack = Uint8Array.of(refusal.code, id, 0, 0)
    else this.#ack = encodeAck(this.#obey(name, id, bytes), id)
    this.#changed()
    return true
  }

  #give(id: number): Uint8Array | null {
    if (id !== ACK.id) return this.#giveBack(id)
    const of = nameOf(COMMANDS, this.#ack[1])
    // A report cannot come in pieces: what would split a frame loses it here.
    if (this.#onLine('dropReply', of) !== null || this.#onLine('splitReply', of) !== null) return null
    const isOther = this.#onLine('corruptReply', of) !== null || this.#onLine('corruptStart', of) !== null
    const ack = isOther ? this.#ack.map((byte, at) => (at === 1 ? byte ^ 0x40 : byte)) : this.#ack
    this.#write('device', id, ack)
    return ack
  }

  #giveBack(id: number): Uint8Array | null {
    if (id === COMMANDS.configure) return this.#configuration
    if (id !== COMMANDS.deviceInformation) return null
    const what = nameOf(INFORMATION, this.#information)
    const text = what === null ? '' : INFORMATION_TEXT[what]
    return Uint8Array.of(this.#information, ...Buffer.from(text, 'latin1'))
  }

  #obey(name: CommandName | null, id: number, bytes: Uint8Array): AckStatus {
    if (name === null) return this.#refuse(id, bytes)
    if (bytes.length !== COMMAND_BYTES[name]) return 'badLength'
    switch (name) {
      case 'endSession':
        if (bytes[0] === undefined || bytes[0] > RANGE_MAX.idlePicture) return 'badParameter'
        this.#prompts.end('hostCancel')
        this.#session.end()
        this.#hasDeviceError = false
        return this.#done()
      case 'cancel':
        this.#prompts.end('hostCancel')
        return this.#done()
      case 'requestStatus':
        this.#tellState()
        return 'accepted'
      case 'sendSession':
        return this.#sendSession(bytes)
      case 'requestCard':
        return this.#sendCard()
      case 'configure':
        this.#configuration = Uint8Array.from(bytes)
        return 'accepted'
      case 'deviceInformation':
        if (nameOf(INFORMATION, bytes[0]) === null) return 'badParameter'
        this.#information = bytes[0] ?? 0
        return 'accepted'
      case 'reset':
        this.#reset()
        return 'accepted'
      case 'requestSwipe':
      case 'requestPin':
      case 'requestSelection':
      case 'displayMessage':
      case 'requestEntry':
      case 'requestClearEntry':
        return this.#prompt(name, bytes)
    }
  }

  /** A report that is none of the modelled ones. */
  #refuse(id: number, bytes: Uint8Array): AckStatus {
    const other = Object.values(OTHER_COMMANDS).find(one => one.id === id)
    if (other === undefined) return 'unknownReport'
    return bytes.length === other.bytes ? 'notAvailable' : 'badLength'
  }

  #prompt(name: CommandName, bytes: Uint8Array): AckStatus {
    const waits = promptOf(name, bytes)
    if (waits === null) return 'badParameter'
    if (this.#isTampered || this.#hasDeviceError) return this.#isTampered ? 'notAvailable' : 'deviceError'
    const {prompt, tone} = waits
    const refused = this.#refusalOf(prompt, bytes)
    if (refused !== null) return refused
    this.#beepCount += tone
    this.#message = prompt.kind === 'message' ? (bytes[1] ?? 0) : null
    this.#prompts.begin(prompt, bytes[0] ?? 0, prompt.kind === 'card' || prompt.kind === 'message')
    return this.#done()
  }

  #refusalOf(prompt: Prompt, bytes: Uint8Array): AckStatus | null {
    if (this.#prompts.prompt !== null) return 'notIdle'
    if (prompt.kind === 'selection')
      return bytes[1] === SELECTION_MESSAGE.verifyAmount && !this.#session.hasAmount ? 'amountNeeded' : null
    if (prompt.kind !== 'pin') return null
    const {mode} = prompt.ask
    const isWithAmount = mode === PIN_MODE.withAmount || mode === PIN_MODE.reenterWithAmount
    if (isWithAmount && !this.#session.hasAmount) return 'amountNeeded'
    if (!this.#module.hasPinKey) return 'noKey'
    const nowMs = this.#clock.monotonicMs()
    this.#pinsAtMs = this.#pinsAtMs.filter(atMs => atMs > nowMs - HOUR_MS)
    return this.#pinsAtMs.length >= PINS_MAX ? 'locked' : null
  }

  #sendSession(bytes: Uint8Array): AckStatus {
    if (this.#prompts.prompt !== null) return 'notIdle'
    const status = this.#session.take(bytes)
    this.#announce()
    return status
  }

  #sendCard(): AckStatus {
    if (this.#prompts.prompt !== null) return 'notIdle'
    const {card} = this.#session
    if (card === null) return 'notAvailable'
    const reports = cardReports(card, this.#module)
    if (reports === null) return 'noKey'
    for (const report of reports) this.#say('cardData', report)
    return 'accepted'
  }

  #reset(): void {
    this.#life += 1
    const life = this.#life
    this.#prompts.drop()
    this.#clock.after(RESET_AFTER_MS, () => {
      if (life !== this.#life || !this.#isStarted) return
      void this.#far.close()
      this.#changed()
      this.#clock.after(RESET_MS, () => {
        if (life === this.#life) void this.#attach()
      })
    })
  }

  /** A prompt ended: its report, then the state that follows from it. */
  #report({prompt, operation, key}: PromptEnd): void {
    this.#message = null
    switch (prompt.kind) {
      case 'pin':
        this.#reportPin(prompt.ask, operation)
        break
      case 'selection':
        this.#say('selection', encodeSelection(operation, key))
        break
      case 'message':
        this.#say('messageDone', Uint8Array.of(OPERATION[operation]))
        break
      case 'card':
        this.#say('cardStatus', this.#cardStatus(operation))
        break
      case 'entry':
        this.#reportEntry(prompt, operation)
        break
    }
    this.#announce()
  }

  #reportPin(ask: Extract<Prompt, {kind: 'pin'}>['ask'], operation: Operation): void {
    if (operation === 'done') this.#pinsAtMs.push(this.#clock.monotonicMs())
    const isNoticed = operation === 'done' && this.#strikes('keypadSecurity')
    const made =
      operation === 'done' && !isNoticed ? this.#module.pinBlock(this.#session.pan, isIso3(ask)) : null
    if (this.#strikes('losePin')) return
    this.#say('pin', encodeBlock(isNoticed ? 'keypadSecurity' : operation, made))
  }

  #reportEntry({mode, isClear}: Extract<Prompt, {kind: 'entry'}>, operation: Operation): void {
    const isDone = operation === 'done'
    if (!isClear) {
      this.#say('entry', encodeBlock(operation, isDone ? this.#module.entryBlock() : null))
      return
    }
    const digits = isDone ? this.#module.takeEntry() : ''
    this.#say(
      'clearEntry',
      Uint8Array.of(OPERATION[operation], mode, digits.length, ...Buffer.from(digits, 'latin1')),
    )
  }

  #cardStatus(operation: Operation): Uint8Array {
    const {status = 0, type = 0} = operation === 'done' ? (this.#session.card ?? {}) : {}
    return Uint8Array.of(OPERATION[operation], status, type)
  }

  get #deviceState(): DeviceState {
    const {prompt} = this.#prompts
    if (prompt !== null) return STATE_OF[prompt.kind]
    return this.#session.isEmpty ? 'idle' : 'session'
  }

  #stateBytes(): Uint8Array {
    // Which of the two is `no key` differs by revision; `not bound` is the same in both.
    const missing = this.#firmware === 2014 ? 1 : 2
    return encodeState({
      stateCode: DEVICE_STATE[this.#deviceState],
      session: this.#session.bits,
      deviceStatus:
        GOOD.deviceStatus |
        (this.#module.hasPinKey ? 0 : missing) |
        (this.#isTampered ? DEVICE_STATUS.tamper : 0) |
        (this.#hasDeviceError ? DEVICE_STATUS.deviceError : 0),
      certificates: GOOD.certificates,
      hardware: GOOD.hardware | (this.#isTampered ? HARDWARE.keypadTampered : 0),
      keyStatus: this.#firmware === 2014 ? null : 0,
    })
  }

  #done(): AckStatus {
    this.#announce()
    return 'accepted'
  }

  /** Tells the device state where it is another than it was told last. */
  #announce(): void {
    this.#changed()
    if (hexOf(this.#stateBytes()) !== this.#announced) this.#tellState()
  }

  #tellState(): void {
    const bytes = this.#stateBytes()
    this.#announced = hexOf(bytes)
    this.#put('deviceState', bytes)
  }

  /** Something that the host waits for. */
  #say(name: InputName, bytes: Uint8Array): void {
    if (this.#onLine('garbageBeforeReply', null) !== null) this.#put('bigBlock', Uint8Array.of(0xff, 0x00))
    this.#put(name, bytes)
    if (this.#onLine('duplicateReply', null) !== null) this.#put(name, bytes)
  }

  #put(name: InputName, bytes: Uint8Array): void {
    if (!this.#far.isOpen) return
    const {id} = INPUTS[name]
    this.#write('device', id, bytes)
    void this.#far.report(id, bytes)
  }

  #write(from: TranscriptLine['from'], id: number, bytes: Uint8Array): void {
    const shown = from === 'host' ? shownOfHost(id, bytes) : (SHOWN_OF_DEVICE.get(id) ?? bytes.length)
    const open = Uint8Array.of(id, ...bytes.subarray(0, shown))
    const hidden = bytes.length - shown
    this.#transcript.add(from, () => `${spacedHexOf(open)}${hidden > 0 ? ` [${hidden} bytes]` : ''}`)
  }

  /** The first misbehaviour of that kind on the line that fits the command; null fits any. */
  #onLine(what: CommonMischief['do'], name: CommandName | null): Extract<Mischief, {kind: 'line'}> | null {
    const struck = this.#mischief.strike(
      one => one.kind === 'line' && one.do === what && (name === null || (one.command ?? name) === name),
    )
    return struck?.kind === 'line' ? struck : null
  }

  #strikes(kind: 'keypadSecurity' | 'losePin'): boolean {
    return this.#mischief.strike(one => one.kind === kind) !== null
  }

  #changed(): void {
    this.#watchers.tell()
  }
}
