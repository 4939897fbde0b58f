/**
 * The F53/F56 link: whoever wants to send bids with ENQ, the other accepts with ACK, a text follows and is accepted or
 * refused; the response comes the same way the other way round. One command at a time.
 *
 * A text that moves notes is sent again only after a NAK. When its ACK does not come, the device may be counting already, so
 * the line waits for the device's own bid instead; the public drivers send it again, and pay twice.
 */
import {assert} from '../../../kit/assert.ts'
import {BoundedQueue} from '../../../kit/bounded-queue.ts'
import type {Clock} from '../../../kit/clock.ts'
import type {Reply, Retry} from '../../wire/exchange.ts'
import {Framer} from '../../wire/framer.ts'
import type {Verdict} from '../../wire/framer.ts'
import type {ByteLink, LinkLost} from '../../wire/link.ts'
import {DLE, STEP_TIMEOUT_MS, TOKENS, TRIES_MAX} from './bytes.ts'
import {SHAPE, dataIn, frameOf} from './codec.ts'

type Heard =
  | {readonly kind: 'enq' | 'ack' | 'nak' | 'damaged' | 'late'}
  | {readonly kind: 'text'; readonly data: Uint8Array}
  | {readonly kind: 'lost'; readonly why: LinkLost}

/** One command: its data, and how long its response may take. */
export interface Ask {
  readonly data: Uint8Array
  readonly retry: Retry
  readonly answerMs: number
  isAnswer(data: Uint8Array): boolean
}

/** What came of a bid or of a text. */
type Step = 'accepted' | 'bidden' | 'refused' | 'silent' | Extract<Reply, {kind: 'lost'}>

const HEARD_MAX = 512

export class F56Line {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #framer = new Framer(SHAPE)
  readonly #heard = new BoundedQueue<Heard>(HEARD_MAX)
  readonly #lost: (why: LinkLost) => void
  #wake: (() => void) | null = null

  /** @param lost called when the link ends by itself */
  constructor(link: ByteLink, clock: Clock, lost: (why: LinkLost) => void) {
    this.#link = link
    this.#clock = clock
    this.#lost = lost
  }

  /** Opens the link, or says at once that it is open already. */
  async open(): Promise<'open' | LinkLost> {
    if (this.#link.isOpen) return 'open'
    this.#forget()
    return this.#link.open({
      bytes: chunk => {
        for (const verdict of this.#framer.push(chunk, this.#clock.monotonicMs()))
          this.#note(heardIn(verdict))
      },
      lost: why => {
        this.#framer.reset()
        this.#note({kind: 'lost', why})
        this.#lost(why)
      },
    })
  }

  async close(): Promise<void> {
    await this.#link.close()
    this.#note({kind: 'lost', why: 'hung-up'})
  }

  /** Gives one command and waits for what comes of it. The answer's frame is its data. */
  async ask(ask: Ask): Promise<Reply> {
    // What came before this command cannot be its answer.
    this.#forget()
    const bid = await this.#bid()
    if (bid === 'silent') return {kind: 'no-answer', mayHaveRun: false}
    if (bid !== 'accepted') return lostOr(bid, false)
    const sent = await this.#send(ask)
    if (sent === 'refused') return {kind: 'refused'}
    if (sent === 'silent' && ask.retry === 'safe') return {kind: 'no-answer', mayHaveRun: true}
    if (typeof sent === 'object') return sent
    return this.#response(ask, sent === 'bidden')
  }

  async #bid(): Promise<Step> {
    for (let tries = 0; tries < TRIES_MAX;) {
      const written = await this.#say('enq')
      if (written !== 'written') return {kind: 'lost', why: written, mayHaveRun: false}
      const heard = await this.#stepOf(['ack', 'enq', 'nak', 'text'])
      if (heard.kind === 'lost') return {kind: 'lost', why: heard.why, mayHaveRun: false}
      if (heard.kind === 'ack') return 'accepted'
      // It tells an earlier response again, whose acceptance got lost on the way.
      if (heard.kind === 'text') await this.#say('ack')
      // It bids itself, for what it still has to say of an earlier command: that comes first, and is nobody's answer.
      if (heard.kind === 'enq') await this.#receive(true, this.#clock.monotonicMs() + STEP_TIMEOUT_MS)
      tries += 1
    }
    return 'silent'
  }

  async #send({data, retry}: Ask): Promise<Step> {
    let isSilent = false
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const isOpen = this.#link.isOpen
      const written = await this.#link.write(frameOf(data))
      if (written !== 'written') return {kind: 'lost', why: written, mayHaveRun: isOpen || isSilent}
      const heard = await this.#stepOf(['ack', 'enq', 'nak'])
      if (heard.kind === 'lost') return {kind: 'lost', why: heard.why, mayHaveRun: true}
      if (heard.kind === 'ack') return 'accepted'
      // Its bid where an acceptance was due: the acceptance got lost, and this is the response's.
      if (heard.kind === 'enq') return 'bidden'
      if (heard.kind === 'late') {
        if (retry === 'never') return 'silent'
        isSilent = true
      }
    }
    return isSilent ? 'silent' : 'refused'
  }

  async #response(ask: Ask, isBidden: boolean): Promise<Reply> {
    const untilMs = this.#clock.monotonicMs() + ask.answerMs
    let wasDamaged = false
    for (let bidden = isBidden; ; bidden = false) {
      const received = await this.#receive(bidden, untilMs)
      if (received.kind === 'lost') return {kind: 'lost', why: received.why, mayHaveRun: true}
      if (received.kind === 'text' && ask.isAnswer(received.data))
        return {kind: 'answer', frame: received.data}
      wasDamaged ||= received.kind === 'damaged'
      if (this.#clock.monotonicMs() >= untilMs)
        return {kind: wasDamaged ? 'nonsense' : 'no-answer', mayHaveRun: true}
    }
  }

  /** Takes one text of the device, its bid first; `damaged` after the last try of one that stayed damaged. */
  async #receive(isBidden: boolean, untilMs: number): Promise<Exclude<Heard, {kind: 'enq' | 'ack' | 'nak'}>> {
    if (isBidden) await this.#say('ack')
    let refusals = 0
    for (;;) {
      const heard = await this.#next(untilMs)
      switch (heard.kind) {
        case 'enq':
          await this.#say('ack')
          break
        case 'text':
          await this.#say('ack')
          return heard
        case 'damaged':
          refusals += 1
          await this.#say('nak')
          if (refusals >= TRIES_MAX) return heard
          break
        case 'late':
        case 'lost':
          return heard
        case 'ack':
        case 'nak':
          break
      }
    }
  }

  /** The first of those tokens within one step's time; anything else is passed over. */
  async #stepOf(tokens: readonly Heard['kind'][]): Promise<Heard> {
    const untilMs = this.#clock.monotonicMs() + STEP_TIMEOUT_MS
    for (;;) {
      const heard = await this.#next(untilMs)
      if (heard.kind === 'late' || heard.kind === 'lost' || tokens.includes(heard.kind)) return heard
    }
  }

  #say(token: keyof typeof TOKENS): Promise<'written' | LinkLost> {
    return this.#link.write(Uint8Array.of(DLE, TOKENS[token]))
  }

  #forget(): void {
    this.#heard.clear()
    this.#framer.reset()
  }

  #note(heard: Heard | null): void {
    if (heard === null) return
    this.#heard.push(heard)
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }

  /** The next thing heard, or `late` when nothing was until then. A text that stopped midway is given up meanwhile. */
  async #next(untilMs: number): Promise<Heard> {
    for (;;) {
      const waiting = this.#heard.shift()
      if (waiting !== undefined) return waiting
      const nowMs = this.#clock.monotonicMs()
      const stallsAtMs = this.#framer.stallsAtMs
      if (stallsAtMs !== null && stallsAtMs <= nowMs)
        for (const verdict of this.#framer.idle(nowMs)) this.#note(heardIn(verdict))
      else if (nowMs >= untilMs) return {kind: 'late'}
      else await this.#sleep(Math.min(untilMs, stallsAtMs ?? untilMs) - nowMs)
    }
  }

  async #sleep(delayMs: number): Promise<void> {
    assert(this.#wake === null, 'one listens at a time')
    await new Promise<void>(resolve => {
      const timer = this.#clock.after(delayMs, () => {
        this.#wake = null
        resolve()
      })
      this.#wake = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}

function lostOr(step: Exclude<Step, 'accepted' | 'silent'>, mayHaveRun: boolean): Reply {
  return typeof step === 'object' ? step : {kind: 'no-answer', mayHaveRun}
}

/** Noise is passed over; a text whose check failed or that stopped midway is refused. */
function heardIn(verdict: Verdict): Heard | null {
  if (verdict.kind === 'garbage') return verdict.why === 'noise' ? null : {kind: 'damaged'}
  if (verdict.kind === 'control') return null
  if (verdict.bytes.length > 2) return {kind: 'text', data: dataIn(verdict.bytes)}
  switch (verdict.bytes[1]) {
    case TOKENS.enq:
      return {kind: 'enq'}
    case TOKENS.ack:
      return {kind: 'ack'}
    default:
      return {kind: 'nak'}
  }
}
