/**
 * ABECS pads, the far end of the wire: takes packets as the published text has it, waits for fingers and cards, and
 * misbehaves when told.
 *
 * No PIN digit leaves it: not on the wire, not in the transcript, not in the world. PAN, keys and blocks go over the
 * wire, as the protocol has it, and are left out of the transcript.
 */
import type {Clock, Timer} from '../../../kit/clock.ts'
import {Watchers} from '../../../kit/watchers.ts'
import {Framer} from '../../wire/framer.ts'
import type {Verdict} from '../../wire/framer.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import type {PadWorld, PinPadEmulator, TranscriptLine} from '../mischief.ts'
import type {Key} from '../port.ts'
import {ACK, CAN, EOT, NAK, QUIET_MS, REPLY_TIMEOUT_MS} from './bytes.ts'
import type {CommandId} from './bytes.ts'
import {commandIn, decodePacket, displayText, encodePacket, frameShape, reply} from './codec.ts'
import type {Stripe} from './emulator-cards.ts'
import {EmulatedCommands} from './emulator-commands.ts'
import type {Wait} from './emulator-waits.ts'
import {Mischiefs} from './mischief.ts'
import type {Mischief} from './mischief.ts'
import {demoSlots, SecureModule} from './secure-module.ts'
import type {SlotKeys} from './secure-module.ts'
import {Transcript} from './transcript.ts'

/** What can be seen of the pad from outside, and nothing of what it keeps. */
export interface World extends PadWorld {
  readonly isTampered: boolean
  readonly display: readonly string[]
  readonly chip: 'in' | 'out'
}

/** All of it that a power cut leaves as it is. */
export interface Remains {
  readonly isTampered: boolean
  readonly keys: SlotKeys
}

export interface EmulatorOptions {
  /** As it is found; with `demoSlots` and whole when left out. */
  readonly remains?: Remains
  /** Time to answer a command. */
  readonly answerMs?: number
  /** Whether data may be enciphered with the fifth variant of a DUKPT key; no when left out. */
  readonly hasVariant5?: boolean
}

/** How much later than the host's patience a late reply comes. */
const LATE_BY_MS = 150

export class AbecsEmulator implements PinPadEmulator {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #answerMs: number
  readonly #framer = new Framer(frameShape('pad'))
  readonly #module: SecureModule
  readonly #commands: EmulatedCommands
  readonly #out = new Turns()
  readonly #mischief = new Mischiefs()
  readonly #transcript = new Transcript()
  readonly #watchers = new Watchers()
  #stall: Timer | null = null
  /** While rubbish is waited out, nothing is heard. */
  #deaf: Timer | null = null
  #idle: Timer | null = null
  /** The command under way, that waits for a person. */
  #waiting: Wait | null = null
  /** What NAK has it say again. */
  #lastReply: Uint8Array | null = null
  #isPowered = true
  #isTampered: boolean
  #stuck: Key | null = null
  /** Counts commands, cancels and power cuts, so that what was under way before one does not answer after it. */
  #run = 0

  constructor(link: ByteLink, clock: Clock, options: EmulatorOptions = {}) {
    this.#link = link
    this.#clock = clock
    this.#answerMs = options.answerMs ?? 5
    this.#module = new SecureModule(options.remains?.keys ?? demoSlots())
    this.#isTampered = options.remains?.isTampered ?? false
    this.#commands = new EmulatedCommands(this.#module, options.hasVariant5 ?? false, () => {
      this.#changed()
    })
  }

  /** Opens its end of the wire and begins to answer. */
  async start(): Promise<void> {
    await this.#link.open({
      bytes: chunk => {
        this.#receive(chunk)
      },
      lost: () => {
        this.#framer.reset()
      },
    })
  }

  async stop(): Promise<void> {
    this.#letGo()
    this.#stall?.cancel()
    this.#deaf?.cancel()
    await this.#link.close()
  }

  press(key: Key): 'pressed' | 'ignored' {
    if (!this.#isPowered || this.#stuck !== null) return 'ignored'
    return this.#take(this.#waiting?.press(key) ?? null)
  }

  /** A finger that stays until `release`: one press, and no other key makes one meanwhile. */
  hold(key: Key): 'pressed' | 'ignored' {
    const pressed = this.press(key)
    this.#stuck = key
    return pressed
  }

  release(): void {
    this.#stuck = null
  }

  /** A card through the stripe reader. `ignored`: nobody asked for one. */
  swipe(stripe: Stripe): 'taken' | 'ignored' {
    if (!this.#isPowered) return 'ignored'
    return this.#take(this.#waiting?.swipe?.(stripe) ?? null) === 'pressed' ? 'taken' : 'ignored'
  }

  setChip(is: 'in' | 'out'): void {
    this.#commands.setChip(is)
    this.#changed()
    if (this.#isPowered) this.#take(this.#waiting?.chip?.(is) ?? null)
  }

  /** Null where the pad has no battery. */
  setBattery(percent: number | null): void {
    this.#commands.batteryPercent = percent
    this.#changed()
  }

  /** Somebody opens the pad: its keys are gone. */
  tamper(): void {
    this.#isTampered = true
    this.#module.wipe()
    this.#changed()
  }

  cutPower(): void {
    this.#isPowered = false
    this.#letGo()
    this.#framer.reset()
    this.#deaf?.cancel()
    this.#deaf = null
    this.#lastReply = null
    this.#commands.forget()
    this.#changed()
  }

  restorePower(): void {
    this.#isPowered = true
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
    return {
      isPowered: this.#isPowered,
      mode: this.#waiting?.mode ?? 'idle',
      stars: this.#waiting?.mode === 'pin' ? this.#module.digitCount : 0,
      hasPinKey: this.#module.map('masterPin').includes('1') || this.#module.map('dukptPin').includes('1'),
      isTampered: this.#isTampered,
      display: this.#commands.rows,
      chip: this.#commands.isChipIn ? 'in' : 'out',
    }
  }

  get remains(): Remains {
    return {isTampered: this.#isTampered, keys: this.#module.keys}
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#transcript.lines
  }

  #changed(): void {
    this.#watchers.tell()
  }

  /** What a hand made of the command under way. */
  #take(made: Uint8Array | 'taken' | null): 'pressed' | 'ignored' {
    if (made === null) return 'ignored'
    if (made === 'taken') this.#restartIdle()
    else this.#end(made)
    this.#changed()
    return 'pressed'
  }

  #receive(chunk: Uint8Array): void {
    if (!this.#isPowered) return
    if (this.#deaf !== null) {
      this.#waitOutRubbish()
      return
    }
    this.#hear(this.#framer.push(chunk, this.#clock.monotonicMs()))
  }

  #hear(verdicts: readonly Verdict[]): void {
    this.#stall?.cancel()
    for (const verdict of verdicts) {
      if (this.#deaf !== null) break
      if (verdict.kind === 'frame') this.#takePacket(verdict.bytes)
      else if (verdict.kind === 'control') this.#takeControl(verdict.byte)
      // A packet that stopped is forgotten; bytes outside packets mean nothing.
      else if (verdict.why === 'checksum' || verdict.why === 'too-long') this.#waitOutRubbish()
    }
    const stallsAtMs = this.#framer.stallsAtMs
    if (stallsAtMs !== null)
      this.#stall = this.#clock.after(Math.max(0, stallsAtMs - this.#clock.monotonicMs()), () => {
        this.#hear(this.#framer.idle(Math.max(stallsAtMs, this.#clock.monotonicMs())))
      })
  }

  /** Nothing is heard until the line was quiet, and then the packet is refused. */
  #waitOutRubbish(): void {
    this.#framer.reset()
    this.#deaf?.cancel()
    this.#deaf = this.#clock.after(QUIET_MS, () => {
      this.#deaf = null
      void this.#say(Uint8Array.of(NAK))
    })
  }

  #takeControl(byte: number): void {
    this.#transcript.control('host', byte)
    if (byte === NAK && this.#lastReply !== null) void this.#say(this.#lastReply)
    if (byte !== CAN || this.#mischief.strike(one => one.kind === 'cancelLost') !== null) return
    this.#letGo()
    void this.#say(Uint8Array.of(EOT))
  }

  #takePacket(bytes: Uint8Array): void {
    const data = decodePacket(bytes)
    if (data === null) return
    const id = commandIn(data)
    this.#transcript.command(data)
    if (this.#mischief.strike(one => one.kind === 'power' && one.command === id) !== null) {
      this.cutPower()
      return
    }
    if (this.#mischief.onLine('ignoreFrame', id) !== null) return
    if (this.#mischief.onLine('nak', id) !== null) {
      void this.#say(Uint8Array.of(NAK))
      return
    }
    // A new command ends the one that waits, whatever it is.
    this.#letGo()
    if (this.#mischief.onLine('dropAck', id) === null) void this.#say(Uint8Array.of(ACK))
    void this.#answer(id, data)
  }

  async #answer(id: CommandId | null, data: Uint8Array): Promise<void> {
    const run = this.#run
    await this.#clock.sleep(this.#answerMs)
    if (run !== this.#run) return
    const refusal = this.#mischief.refusalOf(id)
    if (this.#mischief.onLine('notice', id) !== null)
      await this.#say(encodePacket(reply('NTM', 0, displayText(['PLEASE WAIT']))))
    const begun = id !== null && refusal !== null ? reply(id, refusal) : this.#commands.begin(data)
    if (begun instanceof Uint8Array) {
      await this.#reply(id, begun)
      return
    }
    this.#waiting = begun
    this.#restartIdle()
    this.#changed()
  }

  /** The command under way has its reply. */
  #end(data: Uint8Array): void {
    const id = this.#waiting?.id ?? null
    this.#letGo()
    void this.#reply(id, data)
  }

  /** Nothing is under way any more, and nothing that was will answer. */
  #letGo(): void {
    this.#run += 1
    this.#idle?.cancel()
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting === null) return
    this.#commands.ended(waiting.id)
    this.#changed()
  }

  #restartIdle(): void {
    this.#idle?.cancel()
    const waiting = this.#waiting
    if (waiting === null || waiting.idleMs === null) return
    this.#idle = this.#clock.after(waiting.idleMs, () => {
      this.#end(waiting.late)
    })
  }

  async #reply(id: CommandId | null, data: Uint8Array): Promise<void> {
    const run = this.#run
    const packet = encodePacket(data)
    this.#lastReply = packet
    const late = this.#mischief.onLine('lateReply', id)
    if (late !== null) await this.#clock.sleep(late.ms ?? REPLY_TIMEOUT_MS + LATE_BY_MS)
    if (run !== this.#run || this.#mischief.onLine('dropReply', id) !== null) return
    this.#transcript.reply(data)
    await this.#out.take(() => this.#sendSpoilt(id, packet, run))
  }

  async #sendSpoilt(id: CommandId | null, packet: Uint8Array, run: number): Promise<void> {
    if (this.#mischief.onLine('corruptReply', id) !== null) {
      await this.#link.write(packet.map((byte, at) => (at === packet.length - 1 ? byte ^ 1 : byte)))
      return
    }
    if (this.#mischief.onLine('corruptStart', id) !== null) {
      await this.#link.write(packet.map((byte, at) => (at === 0 ? byte ^ 0x40 : byte)))
      return
    }
    if (this.#mischief.onLine('garbageBeforeReply', id) !== null)
      await this.#link.write(Uint8Array.of(0x00, 0xff, 0x55))
    const split = this.#mischief.onLine('splitReply', id)
    if (split === null) await this.#link.write(packet)
    else await this.#sendSplit(packet, split.ms ?? 20, run)
    if (this.#mischief.onLine('duplicateReply', id) !== null) await this.#link.write(packet)
  }

  async #sendSplit(packet: Uint8Array, gapMs: number, run: number): Promise<void> {
    for (const byte of packet) {
      if (run !== this.#run) return
      await this.#link.write(Uint8Array.of(byte))
      await this.#clock.sleep(gapMs)
    }
  }

  async #say(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 1) this.#transcript.control('device', bytes[0] ?? 0)
    await this.#out.take(async () => {
      if (this.#isPowered) await this.#link.write(bytes)
    })
  }
}
