/**
 * Creator CRT-310, the far end of the wire: answers as the maker's page says, moves cards, and misbehaves
 * when told. What the page leaves open is an option here and in docs/protocols/creator-crt310.md.
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
import type {Mischief} from '../emulator-mischief.ts'
import type {Remains, World} from '../emulator-path.ts'
import type {CardReaderEmulator} from '../emulator-reader.ts'
import {Transcript} from '../emulator-transcript.ts'
import type {TranscriptLine} from '../emulator-transcript.ts'
import {ACK, COMMANDS, ENQ, EOT, ERROR_HEAD, NAK} from './bytes.ts'
import type {CommandName, Rear} from './bytes.ts'
import {commandOf, decodeFrame, encodeFrame, frameShape} from './codec.ts'
import type {Body} from './codec.ts'
import {Acts, MAKE} from './emulator-acts.ts'
import type {Doing, Make} from './emulator-acts.ts'

export interface EmulatorOptions extends Partial<Make> {
  /** What a frame does that comes where ENQ or EOT is waited for: takes the place of the one before, or nothing. */
  readonly frameBeforeEnq?: 'replaces' | 'ignored'
  /** Whether a NAK after a reply brings that reply again; nothing in the maker's text asks for one. */
  readonly repeatsOnNak?: boolean
  /** As it is found after a power cut; without a card when left out. */
  readonly remains?: Remains
}

type Line = {readonly at: 'idle' | 'executing'} | {readonly at: 'awaitingEnq'; readonly body: Body}

export class Crt310Emulator implements CardReaderEmulator {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #options: EmulatorOptions
  readonly #framer = new Framer(frameShape([ENQ, EOT, NAK], 'ofHost'))
  readonly #watchers = new Watchers()
  readonly #acts: Acts
  readonly #mischief = new MischiefQueue<CommandName>()
  readonly #transcript = new Transcript(shownBytes)
  #line: Line = {at: 'idle'}
  #lastReply: Uint8Array | null = null
  #stall: Timer | null = null
  /** Counts power cuts, so that what was under way before one does not answer after it. */
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
      lost: () => {
        this.#line = {at: 'idle'}
      },
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

  /** `outside` and `backup` are the supply troubles the reader reports; `good` ends them. */
  setSupply(supply: 'good' | 'outside' | 'backup'): void {
    this.#acts.supply = supply
  }

  /** The operator's hand: empties the bin. @returns what lay in it */
  emptyBin(): readonly Card[] {
    return this.#acts.path.emptyBin()
  }

  cutPower(): void {
    this.#life += 1
    this.#line = {at: 'idle'}
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

  get world(): World & {readonly rear: Rear} {
    return {...this.#acts.path.world, rear: this.#acts.rear}
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
      if (this.#line.at === 'executing') continue
      if (verdict.kind === 'frame') this.#takeFrame(verdict.bytes)
      else if (verdict.kind === 'control') this.#takeControl(verdict.byte)
      else if (verdict.why === 'checksum') this.#refuse(verdict.bytes)
    }
  }

  /** Where ENQ is waited for, the frame that was acknowledged stands: it was good. */
  get #isListening(): boolean {
    return this.#line.at === 'idle' || this.#options.frameBeforeEnq !== 'ignored'
  }

  /** A damaged frame is never acknowledged. */
  #refuse(bytes: Uint8Array): void {
    this.#transcript.add('host', bytes)
    if (this.#isListening) this.#send(Uint8Array.of(NAK))
  }

  #takeFrame(bytes: Uint8Array): void {
    this.#transcript.add('host', bytes)
    const body = decodeFrame(bytes)
    if (!this.#isListening || body === null) return
    if (this.#mischief.onLine('ignoreFrame', commandOf(body)) !== null) return
    if (this.#mischief.onLine('nak', commandOf(body)) !== null) {
      this.#send(Uint8Array.of(NAK))
      return
    }
    this.#line = {at: 'awaitingEnq', body}
    if (this.#mischief.onLine('dropAck', commandOf(body)) === null) this.#send(Uint8Array.of(ACK))
  }

  #takeControl(byte: number): void {
    this.#transcript.add('host', Uint8Array.of(byte))
    const line = this.#line
    if (byte === EOT) {
      this.#line = {at: 'idle'}
      this.#send(Uint8Array.of(EOT))
    } else if (byte === NAK) {
      if (this.#options.repeatsOnNak === true && line.at === 'idle' && this.#lastReply !== null)
        this.#send(this.#lastReply)
    } else if (line.at === 'awaitingEnq' && this.#mischief.onLine('loseEnq', commandOf(line.body)) === null) {
      this.#line = {at: 'executing'}
      void this.#execute(line.body)
    }
  }

  async #execute(body: Body): Promise<void> {
    const life = this.#life
    const name = commandOf(body)
    if (this.#mischief.cutsPower(name)) {
      this.cutPower()
      return
    }
    const refusal = this.#mischief.refusalOf(name)
    const doing: Doing = refusal !== null ? {kind: 'error', code: refusal} : await this.#acts.do(name, body)
    if (life !== this.#life) return
    this.#acts.path.settle()
    const frame =
      doing.kind === 'data'
        ? encodeFrame({cm: body.cm, pm: body.pm, data: doing.data})
        : encodeFrame({cm: ERROR_HEAD, pm: body.cm, data: Uint8Array.of(doing.code)})
    await this.#reply(body, frame, life)
  }

  async #reply(body: Body, frame: Uint8Array, life: number): Promise<void> {
    const name = commandOf(body)
    this.#lastReply = frame
    const late = this.#mischief.onLine('lateReply', name)
    if (late !== null) {
      const patienceMs = name === null ? 0 : COMMANDS[name].replyTimeoutMs
      await this.#clock.sleep(late.ms ?? patienceMs + LATE_BY_MS)
    }
    if (life !== this.#life) return
    const split = this.#mischief.onLine('splitReply', name)
    if (split !== null) await this.#sendSplit(frame, split.ms ?? 30, life)
    else this.#sendSpoilt(name, frame)
    if (life === this.#life) this.#line = {at: 'idle'}
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

/** STX, LEN, CM, PM; and, before a track's content, how it was asked for. */
const HEAD_BYTES = 5
const TRACK_HEAD_BYTES = HEAD_BYTES + 2
/** The longest frames of those commands that hold nothing of a card: asking for tracks, and a letter. */
const LETTER_FRAME_BYTES = 8
const ASKING_FRAME_BYTES = 9

/** How much of a frame holds nothing that a stripe or a chip holds. */
function shownBytes(frame: Uint8Array): number {
  const [, , , cm, pm] = frame
  const isTracks = cm === COMMANDS.readTracks.cm && frame.length > ASKING_FRAME_BYTES
  if (isTracks) return TRACK_HEAD_BYTES
  const isApdu = cm === COMMANDS.apduT0.cm && (pm === COMMANDS.apduT0.pm || pm === COMMANDS.apduT1.pm)
  return isApdu && frame.length > LETTER_FRAME_BYTES ? HEAD_BYTES : frame.length
}
