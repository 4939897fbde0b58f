/**
 * SZZT pads, the far end of the wire: answers as the public host sources expect, has keys to press, and
 * misbehaves when told. What the sources leave open is marked `assumed` in docs/protocols/szzt-zt588.md.
 *
 * No PIN digit leaves it: not on the wire, not in the transcript, not in the world. PAN, key and block go over
 * the wire, as the protocol has it, and are left out of the transcript.
 */
import type {Clock, Timer} from '../../../kit/clock.ts'
import {seededRandom} from '../../../kit/random.ts'
import type {Random} from '../../../kit/random.ts'
import {Watchers} from '../../../kit/watchers.ts'
import {Framer} from '../../wire/framer.ts'
import type {Verdict} from '../../wire/framer.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import type {PadWorld, PinPadEmulator, TranscriptLine} from '../mischief.ts'
import type {Key} from '../port.ts'
import {KEY_TYPE, ZT588} from './bytes.ts'
import type {CommandName, Profile} from './bytes.ts'
import {decodeFrame, encodeFrame, frameShape} from './codec.ts'
import {EmulatedCommands, onlyCode} from './emulator-commands.ts'
import {Keypad} from './keypad.ts'
import {Mischiefs} from './mischief.ts'
import type {Mischief} from './mischief.ts'
import {DEMO_MASTER_KEY, SecureModule, unwrapped} from './secure-module.ts'
import type {PadKey, WrappedKey} from './secure-module.ts'
import {commandOf, Transcript} from './transcript.ts'

/** What can be seen of the pad from outside, and nothing of what it keeps. */
export interface World extends PadWorld {
  readonly isTampered: boolean
  readonly keyTone: boolean
  readonly beepCount: number
  /** Indexes at which a PIN key lies. */
  readonly pinKeyIndexes: readonly number[]
}

/** All of it that a power cut leaves as it is, kept by the battery. */
export interface Remains {
  readonly isTampered: boolean
  readonly isBatteryLow: boolean
  /** `demoKeys` of the profile where null. */
  readonly keys: readonly WrappedKey[] | null
}

export interface EmulatorOptions {
  readonly profile?: Profile
  /** By index; `demoKeys` of the profile when left out. */
  readonly keys?: ReadonlyMap<number, PadKey>
  /** Time to answer a command. */
  readonly answerMs?: number
  /** How long a reset takes; smartware waits 3 s. */
  readonly resetMs?: number
  /** As it is found after a power cut; the keys it names count instead of `keys`. One that cannot be a key is BadInput. */
  readonly remains?: Remains
  /** Whether key loads, PIN blocks, MACs and ciphers wait for an authentication. */
  readonly wantsAuthentication?: boolean
  /** For challenges, and for what fills PIN blocks of formats 1 and 3. */
  readonly random?: Random
}

/** How much later than the host's patience a late reply comes. */
const LATE_BY_MS = 150
/** Where the initial key of a demonstration lies, as in smartware. */
const INITIAL_KEY_INDEX = 0x80

/** The published key as initial and as master key, where the sources of that model put them. */
export function demoKeys(profile: Profile): ReadonlyMap<number, PadKey> {
  const master: PadKey = {type: KEY_TYPE.master, key: DEMO_MASTER_KEY}
  const indexes = new Set([profile.masterKeyIndex, ...(profile.model === 'zt588' ? [0x00] : [0x01, 0x20])])
  return new Map([
    [INITIAL_KEY_INDEX, {type: KEY_TYPE.initial, key: DEMO_MASTER_KEY}],
    ...Array.from(indexes, index => [index, master] as const),
  ])
}

export class SzztEmulator implements PinPadEmulator {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #profile: Profile
  readonly #answerMs: number
  readonly #resetMs: number
  readonly #framer: Framer
  readonly #module: SecureModule
  readonly #commands: EmulatedCommands
  /** What the pad says, one thing after the other. */
  readonly #out = new Turns()
  readonly #watchers = new Watchers()
  readonly #keypad: Keypad
  #stall: Timer | null = null
  #isPowered = true
  #isReady = true
  /** Told to reset, which it does once it has said so. */
  #isResetDue = false
  readonly #mischief = new Mischiefs()
  readonly #transcript = new Transcript()
  /** Counts power cuts and resets, so that what was under way before one does not answer after it. */
  #life = 0

  constructor(link: ByteLink, clock: Clock, options: EmulatorOptions = {}) {
    const profile = options.profile ?? ZT588
    this.#link = link
    this.#clock = clock
    this.#profile = profile
    this.#answerMs = options.answerMs ?? 5
    this.#resetMs = options.resetMs ?? 2_000
    this.#framer = new Framer(frameShape('pad', profile.longText))
    const {remains} = options
    const kept = remains === undefined || remains.keys === null ? null : unwrapped(remains.keys)
    this.#module = new SecureModule(
      kept ?? options.keys ?? demoKeys(profile),
      profile.authenticationKey,
      options.random ?? seededRandom('szzt'),
    )
    const codes = Uint8Array.from(Buffer.from(profile.keyTable, 'latin1'))
    this.#keypad = new Keypad(this.#module, codes, clock, {
      report: byte => {
        this.#report(byte)
      },
      leaks: () => this.#mischief.strike(mischief => mischief.kind === 'clearDigit') !== null,
      changed: () => {
        this.#changed()
      },
    })
    this.#commands = new EmulatedCommands(profile, this.#module, this.#keypad, {
      wantsAuthentication: options.wantsAuthentication ?? false,
      reset: () => {
        this.#isResetDue = true
      },
      liesAboutCheckValue: () => this.#mischief.strike(one => one.kind === 'wrongCheckValue') !== null,
      changed: () => {
        this.#changed()
      },
    })
    this.#commands.isBatteryLow = remains?.isBatteryLow ?? false
    if (remains?.isTampered === true) this.#module.tamper()
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

  press(key: Key): 'pressed' | 'ignored' {
    return this.#hasHands ? this.#keypad.press(key) : 'ignored'
  }

  /** A finger that stays until `release`: one press, and no other key makes one meanwhile. */
  hold(key: Key): 'pressed' | 'ignored' {
    return this.#hasHands ? this.#keypad.hold(key) : 'ignored'
  }

  release(): void {
    this.#keypad.release()
  }

  get #hasHands(): boolean {
    return this.#isPowered && this.#isReady && !this.#module.isTampered
  }

  /** Somebody opens the pad: its keys are gone, and it says so from then on. */
  tamper(): void {
    this.#module.tamper()
    this.#keypad.end()
  }

  setBattery(battery: 'good' | 'low'): void {
    this.#commands.isBatteryLow = battery === 'low'
    this.#changed()
  }

  /** The removal switch: while it is open the pad refuses everything. */
  setSeat(seat: 'closed' | 'open'): void {
    this.#commands.isSeatOpen = seat === 'open'
    this.#changed()
  }

  /** Whether the pad holds its line DSR up. While it does not, it is booting or unwell, and says nothing. */
  setReady(isReady: boolean): void {
    this.#isReady = isReady
    if (!isReady) this.#framer.reset()
    this.#changed()
  }

  /** Keys stay, kept by the battery; digits of a PIN do not. */
  cutPower(): void {
    this.#life += 1
    this.#isPowered = false
    this.#isResetDue = false
    this.#framer.reset()
    this.#keypad.end()
    this.#module.forget()
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

  onChange(watcher: () => void): () => void {
    return this.#watchers.add(watcher)
  }

  get world(): World {
    const {kind} = this.#keypad.input
    const {pinKeyIndexes} = this.#module
    return {
      isPowered: this.#isPowered,
      isTampered: this.#module.isTampered,
      mode: kind === 'entered' ? 'idle' : kind,
      stars: kind === 'pin' ? this.#module.digitCount : 0,
      hasPinKey: pinKeyIndexes.length > 0,
      keyTone: this.#keypad.settings.keyTone,
      beepCount: this.#commands.beepCount,
      pinKeyIndexes,
    }
  }

  get remains(): Remains {
    return {
      isTampered: this.#module.isTampered,
      isBatteryLow: this.#commands.isBatteryLow,
      keys: this.#module.wrapped,
    }
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#transcript.lines
  }

  #changed(): void {
    this.#watchers.tell()
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
      const text = verdict.kind === 'frame' ? decodeFrame(verdict.bytes, this.#profile.longText) : null
      if (text !== null && this.#isPowered && this.#isReady)
        void this.#take(Buffer.from(text).toString('latin1'))
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
    const reply = refusal !== null ? onlyCode(refusal) : this.#commands.do(name, text)
    await this.#clock.sleep(this.#answerMs)
    if (life === this.#life) await this.#reply(name, reply, life)
    if (this.#isResetDue && life === this.#life) this.#reset()
  }

  async #reply(name: CommandName | null, text: Uint8Array, life: number): Promise<void> {
    const frame = encodeFrame(text)
    const late = this.#mischief.onLine('lateReply', name)
    if (late !== null) await this.#clock.sleep(late.ms ?? this.#profile.replyTimeoutMs + LATE_BY_MS)
    if (life !== this.#life || this.#mischief.onLine('dropReply', name) !== null) return
    this.#transcript.reply(name, text)
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

  /** Is away for a while. */
  #reset(): void {
    this.cutPower()
    if (this.#resetMs === 0) this.restorePower()
    else
      this.#clock.after(this.#resetMs, () => {
        this.restorePower()
      })
  }

  #report(byte: number): void {
    this.#transcript.key(byte)
    const life = this.#life
    void this.#out.take(async () => {
      if (life === this.#life) await this.#link.write(Uint8Array.of(byte))
    })
  }
}
