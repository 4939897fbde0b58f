/**
 * Creator CRT-571, the far end of the wire: answers as the maker's page says, moves cards, and misbehaves when told.
 * What the page leaves open is an option here and in docs/protocols/creator-crt571.md.
 *
 * What a card holds goes over the wire and nowhere else: not into the transcript, not into the world.
 */
import type {Clock, Timer} from '../../../kit/clock.ts'
import {Watchers} from '../../../kit/watchers.ts'
import {Framer} from '../../wire/framer.ts'
import type {Verdict} from '../../wire/framer.ts'
import type {ByteLink} from '../../wire/link.ts'
import type {Card} from '../emulator-card.ts'
import {MischiefQueue} from '../emulator-mischief.ts'
import type {LineMischief, Mischief} from '../emulator-mischief.ts'
import type {Remains, World} from '../emulator-path.ts'
import type {CardReaderEmulator} from '../emulator-reader.ts'
import {Transcript} from '../emulator-transcript.ts'
import type {TranscriptLine} from '../emulator-transcript.ts'
import {ACK, COMMANDS, DLE, EOT, HEAD, NAK} from './bytes.ts'
import type {CommandName} from './bytes.ts'
import {
  commandOf,
  decodeCommand,
  decodeFrame,
  encodeFrame,
  encodeGood,
  encodeRefusal,
  frameShape,
} from './codec.ts'
import type {Command} from './codec.ts'
import {Acts, MAKE} from './emulator-acts.ts'
import type {Doing, Make} from './emulator-acts.ts'

export interface EmulatorOptions extends Partial<Make> {
  /** As its switches are set. */
  readonly address?: number
  /** What a refusal begins with; the page prints a letter and the value of another. */
  readonly refusalHead?: (typeof HEAD.refused)[number]
  /** What a cleared line is answered with. */
  readonly cancelAnswer?: 'eot' | 'dleEot'
  /** As it is found after a power cut; without a card when left out. */
  readonly remains?: Remains
}

/** What this line cannot do: there is no enquiry to lose. */
export const WITHOUT: readonly LineMischief[] = ['loseEnq']

/** One command being executed; `frame` is what a host that missed the ACK would send again. */
interface Busy {
  readonly frame: Uint8Array
  readonly isMove: boolean
}

export class Crt571Emulator implements CardReaderEmulator {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #options: EmulatorOptions
  readonly #framer = new Framer(frameShape([ACK, NAK, EOT], 'ofHost'))
  readonly #watchers = new Watchers()
  readonly #acts: Acts
  readonly #mischief = new MischiefQueue<CommandName>()
  readonly #transcript = new Transcript(shownBytes)
  #busy: Busy | null = null
  /** The reply that a NAK brings again, until its ACK or the next command. */
  #lastReply: Uint8Array | null = null
  #stall: Timer | null = null
  /** Counts power cuts and cancelled commands, so that what was under way before does not answer after. */
  #life = 0

  constructor(link: ByteLink, clock: Clock, options: EmulatorOptions = {}) {
    this.#link = link
    this.#clock = clock
    this.#options = options
    this.#acts = new Acts(clock, {...MAKE, ...options}, options.remains, () => {
      this.#watchers.tell()
    })
  }

  async start(): Promise<void> {
    await this.#link.open({
      bytes: chunk => {
        this.#receive(this.#framer.push(chunk, this.#clock.monotonicMs()))
      },
      lost: () => undefined,
    })
  }

  async stop(): Promise<void> {
    this.#stall?.cancel()
    this.#life += 1
    await this.#link.close()
  }

  insert(card: Card): 'inserted' | 'refused' {
    return this.#acts.path.insert(card)
  }

  take(): Card | null {
    return this.#acts.path.take()
  }

  /** The operator's hand: empties the bin. @returns what lay in it */
  emptyBin(): readonly Card[] {
    return this.#acts.path.emptyBin()
  }

  cutPower(): void {
    this.#giveUp()
    this.#lastReply = null
    this.#framer.reset()
    this.#acts.path.cutPower()
  }

  restorePower(): void {
    this.#acts.toDefaults()
    this.#acts.path.restorePower()
  }

  plan(mischief: Mischief<CommandName>): void {
    if (mischief.kind === 'jam') this.#acts.path.jam(mischief.journey)
    else this.#mischief.plan(mischief)
  }

  onChange(watcher: () => void): () => void {
    return this.#watchers.add(watcher)
  }

  get world(): World {
    return this.#acts.path.world
  }

  get remains(): Remains {
    return this.#acts.path.remains
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#transcript.lines
  }

  #receive(verdicts: readonly Verdict[]): void {
    this.#stall?.cancel()
    const stallsAtMs = this.#framer.stallsAtMs
    if (stallsAtMs !== null)
      this.#stall = this.#clock.after(Math.max(0, stallsAtMs - this.#clock.monotonicMs()), () => {
        this.#receive(this.#framer.idle(Math.max(stallsAtMs, this.#clock.monotonicMs())))
      })
    if (!this.#acts.path.world.isPowered) return
    for (const verdict of verdicts) {
      if (verdict.kind === 'frame') this.#takeFrame(verdict.bytes)
      else if (verdict.kind === 'control') this.#takeControl(verdict.byte)
      else if (verdict.why === 'checksum') this.#refuse(verdict.bytes)
    }
  }

  get #address(): number {
    return this.#options.address ?? 0
  }

  /** A damaged frame is asked for again, unless it was for another reader on the same line. */
  #refuse(bytes: Uint8Array): void {
    this.#transcript.add('host', bytes)
    if (bytes[1] === this.#address && this.#busy === null) this.#send(Uint8Array.of(NAK))
  }

  #takeFrame(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes)
    if (frame?.address !== this.#address) return
    this.#transcript.add('host', bytes)
    const command = decodeCommand(frame.text)
    if (command === null) return
    if (this.#busy !== null) {
      // A host that missed the ACK hears it again; the command runs once.
      if (Buffer.compare(this.#busy.frame, bytes) === 0) this.#send(Uint8Array.of(ACK))
      return
    }
    const name = commandOf(command)
    if (this.#mischief.onLine('ignoreFrame', name) !== null) return
    if (this.#mischief.onLine('nak', name) !== null) {
      this.#send(Uint8Array.of(NAK))
      return
    }
    this.#lastReply = null
    this.#busy = {frame: bytes, isMove: name !== null && COMMANDS[name].retry === 'never'}
    if (this.#mischief.onLine('dropAck', name) === null) this.#send(Uint8Array.of(ACK))
    void this.#execute(name, command)
  }

  #takeControl(byte: number): void {
    this.#transcript.add('host', Uint8Array.of(byte))
    if (byte === ACK) this.#lastReply = null
    else if (byte === EOT) this.#cancel()
    else if (this.#busy === null && this.#lastReply !== null) this.#send(this.#lastReply)
  }

  /** The line is cleared: what is under way is discontinued. */
  #cancel(): void {
    // A card that a customer pushed in meanwhile goes on its way.
    if (this.#busy?.isMove === true) this.#acts.discontinue()
    this.#giveUp()
    this.#lastReply = null
    this.#acts.path.settle()
    this.#send(this.#options.cancelAnswer === 'dleEot' ? Uint8Array.of(DLE, EOT) : Uint8Array.of(EOT))
  }

  #giveUp(): void {
    this.#life += 1
    this.#busy = null
  }

  async #execute(name: CommandName | null, command: Command): Promise<void> {
    const life = this.#life
    if (this.#mischief.cutsPower(name)) {
      this.cutPower()
      return
    }
    const refusal = this.#mischief.refusalOf(name)
    const doing: Doing =
      refusal === null
        ? await this.#acts.do(name, command)
        : {kind: 'refused', code: hexDigits(refusal), data: new Uint8Array()}
    if (life !== this.#life) return
    this.#acts.path.settle()
    const text =
      doing.kind === 'good'
        ? encodeGood(command, this.#acts.state, doing.data)
        : encodeRefusal(this.#options.refusalHead ?? HEAD.refused[0], command, doing.code, doing.data)
    await this.#reply(name, encodeFrame({address: this.#address, text}), life)
  }

  async #reply(name: CommandName | null, frame: Uint8Array, life: number): Promise<void> {
    const late = this.#mischief.onLine('lateReply', name)
    if (late !== null) {
      const patienceMs = name === null ? 0 : COMMANDS[name].answerMs
      await this.#clock.sleep(late.ms ?? patienceMs + LATE_BY_MS)
    }
    if (life !== this.#life) return
    this.#lastReply = frame
    const split = this.#mischief.onLine('splitReply', name)
    if (split !== null) await this.#sendSplit(frame, split.ms ?? 5, life)
    else this.#sendSpoilt(name, frame)
    if (life === this.#life) this.#busy = null
  }

  #sendSpoilt(name: CommandName | null, frame: Uint8Array): void {
    if (this.#mischief.onLine('dropReply', name) !== null) return
    if (this.#mischief.onLine('corruptReply', name) !== null) {
      this.#send(frame.map((byte, at) => (at === frame.length - 1 ? byte ^ 0x20 : byte)))
      return
    }
    if (this.#mischief.onLine('garbageBeforeReply', name) !== null)
      this.#send(Uint8Array.of(0x00, 0xff, 0x55, 0x03))
    this.#send(frame)
    if (this.#mischief.onLine('duplicateReply', name) !== null) this.#send(frame)
  }

  async #sendSplit(frame: Uint8Array, gapMs: number, life: number): Promise<void> {
    this.#transcript.add('device', frame)
    for (const [at, byte] of frame.entries()) {
      if (at > 0) await this.#clock.sleep(gapMs)
      if (life !== this.#life) return
      await this.#link.write(Uint8Array.of(byte))
    }
  }

  #send(bytes: Uint8Array): void {
    this.#transcript.add('device', bytes)
    void this.#link.write(bytes)
  }
}

/** How much later than the host's patience a late reply comes. */
const LATE_BY_MS = 500

function hexDigits(code: number): string {
  return code.toString(16).padStart(2, '0').toUpperCase()
}

/** STX, address, length, head, CM, PM; in an answer the three bytes of state as well. */
const COMMAND_HEAD_BYTES = 7
const REPLY_HEAD_BYTES = COMMAND_HEAD_BYTES + 3

/** How much of a frame holds nothing that a chip is told or tells. */
function shownBytes(frame: Uint8Array): number {
  const [, , , , head, cm = 0, pm = 0] = frame
  const name = commandOf({cm, pm})
  if (name === null || !TALK.includes(name)) return frame.length
  const shown =
    head === HEAD.good ? REPLY_HEAD_BYTES : head === HEAD.command ? COMMAND_HEAD_BYTES : frame.length
  return Math.min(shown, frame.length)
}

const TALK: readonly CommandName[] = ['apduT0', 'apduT1', 'apduAuto', 'samApduT0', 'samApduT1', 'samApduAuto']
