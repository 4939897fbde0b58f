/**
 * SZZT pads, the far end of the wire: answers as the public host sources expect, has keys to press, and
 * misbehaves when told. What the sources leave open is marked `assumed` in docs/protocols/szzt-zt588.md.
 *
 * No PIN digit leaves it: not on the wire, not in the transcript, not in the world. PAN, key and block go over
 * the wire, as the protocol has it, and are left out of the transcript.
 */
import {bytesOfHex, hexOf, isHex} from '../../../crypto/hex.ts'
import {isPan} from '../../../crypto/pin-block.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import {BadInput} from '../../../kit/errors.ts'
import {Framer} from '../../wire/framer.ts'
import type {Verdict} from '../../wire/framer.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import type {Key} from '../port.ts'
import {CODE, COMMAND, CONTROL, KEY_LENGTH, KEY_TYPE, PIN_FORMAT, ZT588} from './bytes.ts'
import type {CommandName, ControlName, Profile} from './bytes.ts'
import {decodeFrame, encodeFrame, frameShape, START_WITH_BACKSPACE} from './codec.ts'
import {Keypad} from './keypad.ts'
import {MischiefQueue} from './mischief.ts'
import type {Mischief} from './mischief.ts'
import {DEMO_MASTER_KEY, SecureModule} from './secure-module.ts'
import {commandOf, Transcript} from './transcript.ts'
import type {LoadedKey} from './secure-module.ts'
import type {TranscriptLine} from './transcript.ts'

/** What can be seen of the pad from outside, and nothing of what it keeps. */
export interface World {
  readonly isPowered: boolean
  readonly isTampered: boolean
  readonly mode: 'idle' | 'clear' | 'pin'
  /** Stars on the screen of somebody who counts them. */
  readonly stars: number
  readonly keyTone: boolean
  readonly beepCount: number
  /** Indexes at which a PIN key lies. */
  readonly pinKeyIndexes: readonly number[]
}

/** All of it that a power cut leaves as it is, kept by the battery. */
export interface Remains {
  readonly isTampered: boolean
  readonly isBatteryLow: boolean
  readonly loaded: readonly LoadedKey[]
}

export interface EmulatorOptions {
  readonly profile?: Profile
  /** By index; the demonstration key at the profile's master key index when left out. */
  readonly masterKeys?: ReadonlyMap<number, Uint8Array>
  /** Time to answer a command. */
  readonly answerMs?: number
  /** As it is found after a power cut; without PIN keys when left out. A key that does not load is BadInput. */
  readonly remains?: Remains
}

/** How long a reset takes; smartware waits 3 s. */
const RESET_MS = 2_000
/** How much later than the host's patience a late reply comes. */
const LATE_BY_MS = 150

export class SzztEmulator {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #profile: Profile
  readonly #answerMs: number
  readonly #framer = new Framer(frameShape([]))
  readonly #module: SecureModule
  /** What the pad says, one thing after the other. */
  readonly #out = new Turns()
  readonly #watchers: (() => void)[] = []
  readonly #keypad: Keypad
  #stall: Timer | null = null
  #isPowered = true
  #isBatteryLow = false
  #beepCount = 0
  readonly #mischief = new MischiefQueue()
  readonly #transcript = new Transcript()
  /** Counts power cuts and resets, so that what was under way before one does not answer after it. */
  #life = 0

  constructor(link: ByteLink, clock: Clock, options: EmulatorOptions = {}) {
    this.#link = link
    this.#clock = clock
    this.#profile = options.profile ?? ZT588
    this.#answerMs = options.answerMs ?? 5
    this.#module = new SecureModule(
      options.masterKeys ?? new Map([[this.#profile.masterKeyIndex, DEMO_MASTER_KEY]]),
    )
    this.#find(options.remains)
    this.#keypad = new Keypad(this.#module, this.#profile, clock, {
      report: byte => {
        this.#report(byte)
      },
      leaks: () => this.#mischief.strike(mischief => mischief.kind === 'clearDigit') !== null,
      changed: () => {
        this.#changed()
      },
    })
  }

  /** Opens its end of the wire and begins to answer. */
  async start(): Promise<void> {
    await this.#link.open({
      bytes: chunk => {
        this.#receive(this.#framer.push(chunk, this.#clock.monotonicMs()))
      },
      lost: () => {
        this.#framer.reset()
      },
    })
  }

  async stop(): Promise<void> {
    this.#life += 1
    this.#stall?.cancel()
    this.#keypad.end()
    await this.#link.close()
  }

  /** A finger. `ignored`: the pad is in no mode in which that key does anything. */
  press(key: Key): 'pressed' | 'ignored' {
    if (!this.#isPowered || this.#module.isTampered) return 'ignored'
    return this.#keypad.press(key)
  }

  /** Somebody opens the pad: its keys are gone, and it says so from then on. */
  tamper(): void {
    this.#module.tamper()
    this.#keypad.end()
  }

  setBattery(battery: 'good' | 'low'): void {
    this.#isBatteryLow = battery === 'low'
  }

  /** Dead until `restorePower`. Keys stay, kept by the battery; digits of a PIN do not. */
  cutPower(): void {
    this.#life += 1
    this.#isPowered = false
    this.#framer.reset()
    this.#keypad.end()
  }

  restorePower(): void {
    this.#isPowered = true
    this.#keypad.toDefaults()
    this.#changed()
  }

  /** Queues one misbehaviour. */
  plan(mischief: Mischief): void {
    this.#mischief.plan(mischief)
  }

  /** Calls back after everything that changes the world. */
  onChange(watcher: () => void): void {
    this.#watchers.push(watcher)
  }

  get world(): World {
    const {kind} = this.#keypad.input
    return {
      isPowered: this.#isPowered,
      isTampered: this.#module.isTampered,
      mode: kind === 'entered' ? 'idle' : kind,
      stars: kind === 'pin' ? this.#module.digitCount : 0,
      keyTone: this.#keypad.settings.keyTone,
      beepCount: this.#beepCount,
      pinKeyIndexes: this.#module.pinKeyIndexes,
    }
  }

  get remains(): Remains {
    return {
      isTampered: this.#module.isTampered,
      isBatteryLow: this.#isBatteryLow,
      loaded: this.#module.loaded,
    }
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#transcript.lines
  }

  #find(remains: Remains | undefined): void {
    if (remains === undefined) return
    this.#isBatteryLow = remains.isBatteryLow
    if (remains.isTampered) this.#module.tamper()
    for (const {masterIndex, index, encryptedKey} of remains.loaded) {
      const {kind} = this.#module.loadPinKey(masterIndex, index, encryptedKey)
      if (kind !== 'loaded')
        throw new BadInput(`pinKeys: the key of index ${index} does not load under its master key`)
    }
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher()
  }

  #receive(verdicts: readonly Verdict[]): void {
    this.#stall?.cancel()
    const stallsAtMs = this.#framer.stallsAtMs
    if (stallsAtMs !== null)
      this.#stall = this.#clock.after(Math.max(0, stallsAtMs - this.#clock.monotonicMs()), () => {
        this.#receive(this.#framer.idle(Math.max(stallsAtMs, this.#clock.monotonicMs())))
      })
    for (const verdict of verdicts) {
      // A frame that fails its check is not answered at all.
      const bytes = verdict.kind === 'frame' ? decodeFrame(verdict.bytes) : null
      if (bytes !== null && this.#isPowered) void this.#take(Buffer.from(bytes).toString('latin1'))
    }
  }

  async #take(text: string): Promise<void> {
    this.#transcript.command(text)
    const name = commandOf(text)
    if (this.#mischief.strike(mischief => mischief.kind === 'power' && mischief.command === name) !== null) {
      this.cutPower()
      return
    }
    if (this.#mischief.onLine('ignoreFrame', name) !== null) return
    const life = this.#life
    const refusal = this.#mischief.refusalOf(name)
    const reply = refusal !== null ? code(refusal) : this.#do(name, text)
    await this.#clock.sleep(this.#answerMs)
    if (life === this.#life) await this.#reply(name, reply, life)
  }

  async #reply(name: CommandName | null, text: Uint8Array, life: number): Promise<void> {
    const frame = encodeFrame(text)
    const late = this.#mischief.onLine('lateReply', name)
    if (late !== null) await this.#clock.sleep(late.ms ?? this.#profile.replyTimeoutMs + LATE_BY_MS)
    if (life !== this.#life || this.#mischief.onLine('dropReply', name) !== null) return
    this.#transcript.reply(text)
    await this.#out.take(() => this.#sendSpoilt(name, frame, life))
  }

  async #sendSpoilt(name: CommandName | null, frame: Uint8Array, life: number): Promise<void> {
    if (this.#mischief.onLine('corruptReply', name) !== null) {
      await this.#link.write(frame.map((byte, at) => (at === frame.length - 1 ? byte ^ 1 : byte)))
      return
    }
    if (this.#mischief.onLine('corruptStart', name) !== null) {
      await this.#link.write(frame.map((byte, at) => (at === 0 ? byte ^ 0x40 : byte)))
      return
    }
    if (this.#mischief.onLine('garbageBeforeReply', name) !== null)
      await this.#link.write(Uint8Array.of(0x00, 0xff, 0x55))
    if (this.#mischief.onLine('keyInsideReply', name) !== null) {
      const middle = frame.length - 3
      await this.#link.write(
        Uint8Array.of(...frame.slice(0, middle), this.#keypad.codeOf('5'), ...frame.slice(middle)),
      )
      return
    }
    const split = this.#mischief.onLine('splitReply', name)
    if (split !== null) await this.#sendSplit(frame, split.ms ?? 20, life)
    else await this.#link.write(frame)
    if (this.#mischief.onLine('duplicateReply', name) !== null) await this.#link.write(frame)
  }

  async #sendSplit(frame: Uint8Array, gapMs: number, life: number): Promise<void> {
    for (const byte of frame) {
      if (life !== this.#life) return
      await this.#link.write(Uint8Array.of(byte))
      await this.#clock.sleep(gapMs)
    }
  }

  #do(name: CommandName | null, text: string): Uint8Array {
    if (this.#module.isTampered) return code(CODE.tampered)
    if (this.#isBatteryLow && name !== 'identify' && name !== 'control') return code(CODE.battery)
    switch (name) {
      case 'loadKey':
        return this.#loadKey(text)
      case 'identify':
        return this.#identify()
      case 'keyTable':
        return code(/^4[0-9A-F]{48}$/.test(text) ? CODE.done : CODE.commandLength)
      case 'control':
        return this.#control(text)
      case 'startPin':
        return this.#startPin(text)
      case 'fetchBlock':
        return this.#fetchBlock(text)
      case null:
        return code(CODE.malformed)
    }
  }

  #loadKey(text: string): Uint8Array {
    const [, master = '', index = '', type, length, hex = ''] =
      /^2([0-9A-F]{2})([0-9A-F]{2})(.)(.)([0-9A-F]*)$/.exec(text) ?? []
    if (type !== KEY_TYPE.pin) return code(CODE.parameter)
    if (!isHex(hex) || KEY_LENGTH.get(hex.length / 2) !== length) return code(CODE.keyLength)
    const loaded = this.#module.loadPinKey(
      Number.parseInt(master, 16),
      Number.parseInt(index, 16),
      bytesOfHex(hex),
    )
    if (loaded.kind === 'refused') return code(loaded.code)
    this.#changed()
    const lie = this.#mischief.strike(mischief => mischief.kind === 'wrongCheckValue')
    return code(CODE.done, lie === null ? loaded.checkValue : 'BAD0C0')
  }

  #identify(): Uint8Array {
    const {inputTimeS, mask, lengthMin, lengthMax, beepTime, keyTone} = this.#keypad.settings
    const isActive = this.#keypad.input.kind === 'clear' || this.#keypad.input.kind === 'pin'
    const flags = (this.#module.hasMasterKey ? 0 : 1) | (isActive ? 2 : 0) | (keyTone ? 4 : 0)
    const settings = Uint8Array.of(flags, 0, inputTimeS, mask, lengthMin, lengthMax, 0x33, 0x37, beepTime, 0)
    const user = 'EMULATED PAD'.padEnd(50)
    const table = '0'.repeat(48)
    const rest = `${'0'.repeat(8)}${this.#profile.model.toUpperCase().padEnd(6)}1.02.126110001`
    return code(CODE.done, user + table + hexOf(settings) + rest)
  }

  #control(text: string): Uint8Array {
    const parameter = text[1]
    const hex = text.slice(2)
    if (!/^[0-9A-F]{2}$/.test(hex)) return code(CODE.commandLength)
    const value = Number.parseInt(hex, 16)
    for (const name of CONTROL_NAMES) {
      const row = CONTROL[name]
      if (row.parameter === parameter && (row.value === null || row.value === value)) {
        this.#obey(name, value)
        return code(CODE.done)
      }
    }
    return code(CODE.parameter)
  }

  #obey(name: ControlName, value: number): void {
    switch (name) {
      case 'reset':
        this.#reset()
        break
      case 'stopInput':
        this.#keypad.end()
        break
      case 'clearInput':
        this.#keypad.begin({kind: 'clear'})
        break
      case 'toneOff':
      case 'toneOn':
        this.#keypad.settings.keyTone = name === 'toneOn'
        break
      case 'beep':
        this.#beepCount += 1
        break
      case 'inputTime':
        this.#keypad.settings.inputTimeS = value
        break
      case 'mask':
      case 'lengthMin':
      case 'lengthMax':
      case 'beepTime':
        this.#keypad.settings[name] = value
        break
      case 'plainHex':
        break
    }
    this.#changed()
  }

  /** Answers, then is away for a while. */
  #reset(): void {
    this.#clock.after(this.#answerMs + 1, () => {
      this.cutPower()
      this.#clock.after(RESET_MS, () => {
        this.restorePower()
      })
    })
  }

  #startPin(text: string): Uint8Array {
    const {dialect, pinKeyIndex} = this.#profile
    if (dialect === 'panAtFetch') {
      if (text !== `${COMMAND.startPin}${START_WITH_BACKSPACE}`) return code(CODE.malformed)
      this.#keypad.begin({kind: 'pin', keyIndex: pinKeyIndex, pan: ''})
      return code(CODE.done)
    }
    const [, index = '', format, lengthMax, pan = ''] =
      /^6([0-9A-F]{2})(.)[0-9]([0-9]{2})([0-9]+)$/.exec(text) ?? []
    if (format !== PIN_FORMAT.iso0 || !isPan(pan)) return code(CODE.malformed)
    const keyIndex = Number.parseInt(index, 16)
    if (!this.#module.hasPinKey(keyIndex)) return code(CODE.keyMissing)
    this.#keypad.settings.lengthMax = Math.min(this.#keypad.settings.lengthMax, Number(lengthMax))
    this.#keypad.begin({kind: 'pin', keyIndex, pan})
    return code(CODE.done)
  }

  #fetchBlock(text: string): Uint8Array {
    const input = this.#keypad.input
    if (input.kind !== 'entered') return code(CODE.inputMode)
    const asked = this.#fetchWith(text, input)
    if (asked === null) return code(CODE.malformed)
    const made = this.#module.block(asked.keyIndex, asked.pan)
    if (made.kind === 'refused') return code(made.code)
    return code(CODE.done, `00${made.digits.toString().padStart(2, '0')}${hexOf(made.block)}`)
  }

  #fetchWith(
    text: string,
    input: {readonly keyIndex: number; readonly pan: string},
  ): {readonly keyIndex: number; readonly pan: string} | null {
    if (this.#profile.dialect === 'panAtStart') return text === COMMAND.fetchBlock ? input : null
    const [, index, field] = /^7([0-9A-F]{2}) ([0-9]{12})$/.exec(text) ?? []
    if (index === undefined || field === undefined) return null
    // Any check digit will do: a PIN block leaves it out.
    return {keyIndex: Number.parseInt(index, 16), pan: `${field}0`}
  }

  #report(byte: number): void {
    this.#transcript.key(byte)
    const life = this.#life
    void this.#out.take(async () => {
      if (life === this.#life) await this.#link.write(Uint8Array.of(byte))
    })
  }
}

const CONTROL_NAMES = keysOf(CONTROL)

function keysOf<T extends Readonly<Record<string, unknown>>>(table: T): readonly (keyof T & string)[] {
  return Object.keys(table)
}

function code(returned: number, rest = ''): Uint8Array {
  return Uint8Array.of(returned, ...Buffer.from(rest, 'latin1'))
}
