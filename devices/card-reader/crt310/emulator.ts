/**
 * Creator CRT-310, the far end of the wire: answers as the maker's page says, moves cards, and misbehaves
 * when told. What the page leaves open is marked `assumed` in docs/protocols/creator-crt310.md.
 *
 * What a stripe holds goes over the wire and nowhere else: not into the transcript, not into the world.
 */
import type {Clock, Timer} from '../../../kit/clock.ts'
import {Framer} from '../../wire/framer.ts'
import type {Verdict} from '../../wire/framer.ts'
import type {ByteLink} from '../../wire/link.ts'
import {
  ACK,
  ENQ,
  EOT,
  ERROR_HEAD,
  MOUTH_ORDER,
  NAK,
  REAR_ORDER,
  RESULT,
  STOP_AT,
  TRACK,
  COMMANDS,
} from './bytes.ts'
import type {CommandName, Mouth, Rear, Result, StopAt} from './bytes.ts'
import {commandOf, decodeFrame, encodeFrame, encodeStatus, encodeTrack2, frameShape} from './codec.ts'
import type {Body} from './codec.ts'
import {CardPath} from './card-path.ts'
import type {Card, Remains, World} from './card-path.ts'
import {MischiefQueue} from './mischief.ts'
import type {Mischief} from './mischief.ts'
import {Transcript} from './transcript.ts'
import type {TranscriptLine} from './transcript.ts'

export interface EmulatorOptions {
  /** Time that one movement of a card takes. Emulators move in 0.3 to 2 s; 0 for tests that do not care. */
  readonly moveMs?: number
  readonly firmware?: string
  /** As it is found after a power cut; without a card when left out. */
  readonly remains?: Remains
}

type Line = {readonly at: 'idle' | 'executing'} | {readonly at: 'awaitingEnq'; readonly body: Body}
type Doing =
  {readonly kind: 'data'; readonly data: Uint8Array} | {readonly kind: 'error'; readonly code: number}

export class Crt310Emulator {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #firmware: string
  readonly #framer = new Framer(frameShape([ENQ, EOT]))
  readonly #path: CardPath
  readonly #watchers: (() => void)[] = []
  #line: Line = {at: 'idle'}
  #supply: 'good' | 'outside' | 'backup' = 'good'
  readonly #mischief = new MischiefQueue()
  readonly #transcript = new Transcript()
  #stall: Timer | null = null
  /** Counts power cuts, so that what was under way before one does not answer after it. */
  #life = 0

  constructor(link: ByteLink, clock: Clock, options: EmulatorOptions = {}) {
    this.#link = link
    this.#clock = clock
    this.#firmware = options.firmware ?? 'CRT 310 V3.0'
    const changed = (): void => {
      for (const watcher of this.#watchers) watcher()
    }
    this.#path = new CardPath(clock, options.moveMs ?? 500, changed, options.remains)
  }

  /** Opens its end of the wire and begins to answer. */
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

  /** The hand of the customer. Refused when the mouth is shut, occupied, or not opened by such a card. */
  insert(card: Card): 'inserted' | 'refused' {
    return this.#path.insert(card)
  }

  /** The hand of the customer; null when no card is within reach. */
  take(): Card | null {
    return this.#path.take()
  }

  /** `outside` and `backup` are the supply troubles the reader reports; `good` ends them. */
  setSupply(supply: 'good' | 'outside' | 'backup'): void {
    this.#supply = supply
  }

  /** Dead until `restorePower`; cards stay where they are. */
  cutPower(): void {
    this.#life += 1
    this.#line = {at: 'idle'}
    this.#framer.reset()
    this.#path.cutPower()
  }

  restorePower(): void {
    this.#toDefaults()
    this.#path.restorePower()
  }

  /** Queues one misbehaviour. */
  plan(mischief: Mischief): void {
    if (mischief.kind === 'jam') this.#path.jam(mischief.journey)
    else this.#mischief.plan(mischief)
  }

  /** Calls back after everything that changes the world. */
  onChange(watcher: () => void): void {
    this.#watchers.push(watcher)
  }

  get world(): World {
    return this.#path.world
  }

  /** Cards with all that is on them: for the one who put them in. */
  get remains(): Remains {
    return this.#path.remains
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#transcript.lines
  }

  #receive(verdicts: readonly Verdict[]): void {
    this.#stall?.cancel()
    const stallsAtMs = this.#framer.stallsAtMs
    if (stallsAtMs !== null)
      this.#stall = this.#clock.after(Math.max(0, stallsAtMs - this.#clock.monotonicMs()), () => {
        this.#receive(this.#framer.idle(this.#clock.monotonicMs()))
      })
    if (!this.#path.world.isPowered) return
    for (const verdict of verdicts) {
      if (this.#line.at === 'executing') continue
      if (verdict.kind === 'frame') this.#takeFrame(verdict.bytes)
      else if (verdict.kind === 'control') this.#takeControl(verdict.byte)
      else if (verdict.why === 'checksum' && this.#line.at === 'idle') this.#send(Uint8Array.of(NAK))
    }
  }

  #takeFrame(bytes: Uint8Array): void {
    this.#transcript.add('host', bytes)
    // Between a frame and its ENQ only ENQ or EOT means anything.
    const body = decodeFrame(bytes)
    if (this.#line.at !== 'idle' || body === null) return
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
    } else if (line.at === 'awaitingEnq' && this.#mischief.onLine('loseEnq', commandOf(line.body)) === null) {
      this.#line = {at: 'executing'}
      void this.#execute(line.body)
    }
  }

  async #execute(body: Body): Promise<void> {
    const life = this.#life
    const name = commandOf(body)
    if (this.#mischief.strike(mischief => mischief.kind === 'power' && mischief.command === name) !== null) {
      this.cutPower()
      return
    }
    const refusal = this.#mischief.refusalOf(name)
    const doing: Doing = refusal !== null ? {kind: 'error', code: refusal} : await this.#do(name, body)
    if (life !== this.#life) return
    this.#path.settle()
    const frame =
      doing.kind === 'data'
        ? encodeFrame({cm: body.cm, pm: body.pm, data: doing.data})
        : encodeFrame({cm: ERROR_HEAD, pm: body.cm, data: Uint8Array.of(doing.code)})
    await this.#reply(body, frame, life)
  }

  async #reply(body: Body, frame: Uint8Array, life: number): Promise<void> {
    const name = commandOf(body)
    const late = this.#mischief.onLine('lateReply', name)
    if (late !== null) {
      const patienceMs = name === null ? 0 : COMMANDS[name].replyTimeoutMs
      await this.#clock.sleep(late.ms ?? patienceMs + LATE_BY_MS)
    }
    if (life !== this.#life) return
    const split = this.#mischief.onLine('splitReply', name)
    if (split !== null) await this.#sendSplit(frame, split.ms ?? 30, life)
    else this.#sendSpoilt(body, frame)
    if (life === this.#life) this.#line = {at: 'idle'}
  }

  #sendSpoilt(body: Body, frame: Uint8Array): void {
    if (this.#mischief.onLine('dropReply', commandOf(body)) !== null) return
    if (this.#mischief.onLine('corruptReply', commandOf(body)) !== null) {
      this.#send(frame.map((byte, at) => (at === frame.length - 1 ? byte ^ 0x20 : byte)))
      return
    }
    if (this.#mischief.onLine('garbageBeforeReply', commandOf(body)) !== null)
      this.#send(Uint8Array.of(0x00, 0xff, 0x55, 0x03))
    this.#send(frame)
    if (this.#mischief.onLine('duplicateReply', commandOf(body)) !== null) this.#send(frame)
  }

  async #sendSplit(frame: Uint8Array, gapMs: number, life: number): Promise<void> {
    this.#transcript.add('device', frame)
    for (const byte of frame) {
      if (life !== this.#life) return
      await this.#link.write(Uint8Array.of(byte))
      await this.#clock.sleep(gapMs)
    }
  }

  async #do(name: CommandName | null, body: Body): Promise<Doing> {
    if (name === null) return error(0x00)
    if (this.#supply === 'outside') return error(0x05)
    if (this.#supply === 'backup' && COMMANDS[name].retry === 'never') return error(0x07)
    const isAbnormal = this.#path.cardAt === 'longCard' || this.#path.cardAt === 'shortCard'
    if (isAbnormal && !CLEARING.has(name)) return error(0x06)
    switch (name) {
      case 'resetInPlace':
        return this.#reset()
      case 'resetEjectFront':
        await this.#move('frontHeld')
        return this.#reset()
      case 'resetEjectRear':
        await this.#move('bin')
        return this.#reset()
      case 'status':
        return data(encodeStatus({card: this.#path.cardAt, mouth: this.#path.mouth, rear: this.#path.rear}))
      case 'sensors':
        return data(this.#sensors())
      case 'mouth':
        return this.#setMouth(body)
      case 'stopAt':
        return this.#setStop(body)
      case 'toContact':
        return result(await this.#move('insideContact'))
      case 'ejectFree':
        return result(await this.#move('frontFree'))
      case 'ejectHeld':
        return result(await this.#move('frontHeld'))
      case 'capture':
        return result(await this.#move('bin'))
      case 'captureAbnormal':
        return result(isAbnormal ? await this.#move('bin') : 'noCard')
      case 'readTracks':
        return this.#readTrack(body)
    }
  }

  async #move(to: Parameters<CardPath['moveTo']>[0]): Promise<Result> {
    const {cardAt} = this.#path
    if (cardAt === 'none' || cardAt === 'goneRear') return 'noCard'
    // The rollers let go of a card that was pushed out free.
    if (cardAt === 'frontFree') return 'wrongPosition'
    return (await this.#path.moveTo(to)) ? 'done' : 'failed'
  }

  #reset(): Doing {
    this.#toDefaults()
    return data(Buffer.from(this.#firmware.padEnd(VERSION_BYTES).slice(0, VERSION_BYTES), 'latin1'))
  }

  #toDefaults(): void {
    this.#path.mouth = 'switch'
    this.#path.rear = 'open'
    this.#path.stop = 'inside'
    this.#path.forgetRear()
  }

  #sensors(): Uint8Array {
    const {place, isAdmitting} = this.#path.world
    const bit = (isOn: boolean) => (isOn ? 0x31 : 0x30)
    const isAtFront = place === 'frontHeld' || place === 'frontFree'
    const isWithin = place === 'inside' || place === 'insideContact'
    return Uint8Array.of(
      bit(isAtFront),
      bit(isWithin),
      bit(isWithin),
      bit(isWithin),
      bit(place === 'rearHeld'),
      bit(isAdmitting || isAtFront),
      bit(isAtFront),
    )
  }

  #setMouth(body: Body): Doing {
    const mouth = keyOf<Mouth>(MOUTH_ORDER, body.pm)
    const rear = keyOf<Rear>(REAR_ORDER, body.data[0])
    if (mouth === null || rear === null || body.data.length !== 1) return error(0x01)
    this.#path.mouth = mouth
    this.#path.rear = rear
    return data(Uint8Array.of(...body.data, RESULT.done))
  }

  #setStop(body: Body): Doing {
    const stop = keyOf<StopAt>(STOP_AT, body.pm)
    if (stop === null || body.data.length !== 0) return error(0x01)
    this.#path.stop = stop
    return result('done')
  }

  #readTrack(body: Body): Doing {
    const [mode, track] = body.data
    if (body.data.length !== 2 || mode !== TRACK.ascii || track !== TRACK.track2) return error(0x01)
    const card = this.#path.readable
    if (card === null) return result('noCard')
    const stripe = card.stripe ?? 'good'
    if (stripe === 'good') return data(encodeTrack2({kind: 'track', text: card.track2}))
    return data(encodeTrack2(stripe === 'notReadable' ? {kind: stripe} : {kind: 'bad', fault: stripe}))
  }

  #send(bytes: Uint8Array): void {
    this.#transcript.add('device', bytes)
    void this.#link.write(bytes)
  }
}

/** How much later than the host's patience a late reply comes. */
const LATE_BY_MS = 500

/** Length of the version text in a reset's reply. */
const VERSION_BYTES = 13

/** What a reader with an abnormal card inside still does. The maker says "clear commands"; which ones is assumed. */
const CLEARING: ReadonlySet<CommandName> = new Set([
  'resetInPlace',
  'resetEjectFront',
  'resetEjectRear',
  'status',
  'sensors',
  'ejectFree',
  'ejectHeld',
  'captureAbnormal',
])

function error(code: number): Doing {
  return {kind: 'error', code}
}

function data(bytes: Uint8Array): Doing {
  return {kind: 'data', data: bytes}
}

function result(letter: Result): Doing {
  return data(Uint8Array.of(RESULT[letter]))
}

function keyOf<Name extends string>(
  table: Readonly<Record<Name, number>>,
  code: number | undefined,
): Name | null {
  for (const name in table) if (table[name] === code) return name
  return null
}
