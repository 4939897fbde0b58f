/**
 * SZZT pads, the host's end of the line: one command at a time, and key presses in between.
 *
 * A damaged frame looks like a row of key presses: its bytes are digits and letters. So keys that arrive
 * while an answer is awaited are held until a good answer proves them keys, and after damage nothing is
 * believed until the line was quiet. A press lost that way is pressed again; a press made up could be money.
 */
import {BoundedQueue} from '../../../kit/bounded-queue.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {NoAnswer} from '../../outcome.ts'
import {Framer} from '../../wire/framer.ts'
import type {Verdict} from '../../wire/framer.ts'
import type {ByteLink, LinkLost} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import {isDone} from './bytes.ts'
import type {Profile} from './bytes.ts'
import {decodeFrame, encodeFrame, frameShape} from './codec.ts'

export type Answer<T> =
  | {readonly kind: 'done'; readonly value: T}
  | {readonly kind: 'refused'; readonly code: number}
  | {readonly kind: 'silent'; readonly why: NoAnswer}

export interface Ask<T> {
  readonly text: string
  /** `never`: sending it twice may mean something else than sending it once. */
  readonly retry: 'safe' | 'never'
  /**
   * Whether the reply brings more than its code. A reply does not say what it answers, so one that came twice must not
   * lend its check value or its MAC to the next command: that waits until the line is quiet.
   */
  readonly tells: boolean
  /** Reads the TEXT of a reply that says done; null when it cannot be the answer to this. */
  readonly read: (text: Uint8Array) => T | null
}

export interface LineListener {
  /** A byte outside any frame: a key, a star, or the word that input timed out. */
  pressed(byte: number): void
  lost(why: LinkLost): void
}

type Heard =
  | {readonly kind: 'text'; readonly text: Uint8Array}
  | {readonly kind: 'damage'}
  | {readonly kind: 'silence'}
  | {readonly kind: 'lost'; readonly why: LinkLost}

/** Far more than a person presses, or frames arrive, while one answer is awaited. */
const HELD_MAX = 64

export class Line {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #profile: Profile
  readonly #listener: LineListener
  readonly #framer: Framer
  readonly #turns = new Turns()
  readonly #heard = new BoundedQueue<Heard>(HELD_MAX)
  #held: number[] = []
  #isAsking = false
  /** Damaged frames heard since the link was opened first. */
  #damageCount = 0
  #deafUntilMs = 0
  /** When a whole frame came last. */
  #frameAtMs = -Infinity
  #lost: LinkLost | null = 'not-opened'
  #wake: ((heard: Heard) => void) | null = null
  #stall: Timer | null = null

  constructor(link: ByteLink, clock: Clock, profile: Profile, listener: LineListener) {
    this.#link = link
    this.#clock = clock
    this.#profile = profile
    this.#framer = new Framer(frameShape('host', profile.longText))
    this.#listener = listener
  }

  /** Opens the link, afresh if it was open. */
  async open(): Promise<'open' | LinkLost> {
    await this.close()
    const opened = await this.#link.open({
      bytes: chunk => {
        this.#hear(this.#framer.push(chunk, this.#clock.monotonicMs()))
      },
      lost: why => {
        this.#lose(why)
        this.#listener.lost(why)
      },
    })
    this.#lost = opened === 'open' ? null : opened
    return opened
  }

  /** Lets go of the link; a command that waits for its answer ends at once. */
  async close(): Promise<void> {
    this.#lose('not-opened')
    this.#framer.reset()
    this.#stall?.cancel()
    await this.#link.close()
  }

  /** Gives one command, after those given before it, and brings back what the pad made of it. Never rejects. */
  ask<T>(ask: Ask<T>): Promise<Answer<T>> {
    return this.#turns.take(() => this.#askNow(ask))
  }

  async #askNow<T>(ask: Ask<T>): Promise<Answer<T>> {
    const quietForMs = this.#frameAtMs + this.#profile.quietMs - this.#clock.monotonicMs()
    if (ask.tells && quietForMs > 0) await this.#clock.sleep(quietForMs)
    this.#isAsking = true
    const damageCount = this.#damageCount
    this.#held = []
    this.#heard.clear()
    const frame = encodeFrame(Buffer.from(ask.text, 'latin1'))
    const {answer, sends} = await this.#sendUntilHeard(ask, frame)
    // Answers do not say what they answer: one that comes twice must have come before the next command goes.
    if (sends > 1 && this.#lost === null) await this.#clock.sleep(this.#profile.quietMs)
    this.#isAsking = false
    const held = this.#held
    this.#held = []
    if (answer.kind === 'done' && this.#damageCount === damageCount && sends === 1)
      for (const byte of held) this.#listener.pressed(byte)
    return answer
  }

  async #sendUntilHeard<T>(ask: Ask<T>, frame: Uint8Array): Promise<{answer: Answer<T>; sends: number}> {
    const sendsMax = ask.retry === 'safe' ? this.#profile.sendsMax : 1
    for (let sends = 1; ; sends++) {
      const sent = this.#lost ?? (await this.#link.write(frame))
      if (sent !== 'written') return {answer: {kind: 'silent', why: sent}, sends}
      const answer = await this.#listen(ask)
      if (answer.kind !== 'silent' || sends >= sendsMax || this.#lost !== null) return {answer, sends}
      if (answer.why === 'nonsense') await this.#clock.sleep(this.#profile.quietMs)
    }
  }

  async #listen<T>(ask: Ask<T>): Promise<Answer<T>> {
    const endMs = this.#clock.monotonicMs() + this.#profile.replyTimeoutMs
    for (;;) {
      const heard = await this.#next(Math.max(0, endMs - this.#clock.monotonicMs()))
      if (heard.kind === 'silence') return {kind: 'silent', why: 'no-answer'}
      if (heard.kind === 'damage') return {kind: 'silent', why: 'nonsense'}
      if (heard.kind === 'lost') return {kind: 'silent', why: heard.why}
      const [code = 0] = heard.text
      if (!isDone(code)) return {kind: 'refused', code}
      const value = ask.read(heard.text)
      if (value !== null) return {kind: 'done', value}
    }
  }

  #next(withinMs: number): Promise<Heard> {
    const waiting = this.#heard.shift()
    if (waiting !== undefined) return Promise.resolve(waiting)
    if (this.#lost !== null) return Promise.resolve({kind: 'lost', why: this.#lost})
    return new Promise(resolve => {
      const timer = this.#clock.after(withinMs, () => this.#wake?.({kind: 'silence'}))
      this.#wake = heard => {
        this.#wake = null
        timer.cancel()
        resolve(heard)
      }
    })
  }

  #hear(verdicts: readonly Verdict[]): void {
    for (const verdict of verdicts) {
      if (verdict.kind === 'frame') this.#takeFrame(verdict.bytes)
      else if (verdict.kind === 'control') this.#takeByte(verdict.byte)
      else this.#takeDamage()
    }
    this.#watchStall()
  }

  #takeFrame(bytes: Uint8Array): void {
    this.#frameAtMs = this.#clock.monotonicMs()
    const text = decodeFrame(bytes, this.#profile.longText)
    if (this.#isAsking && text !== null) this.#note({kind: 'text', text})
  }

  #takeByte(byte: number): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#deafUntilMs) this.#deafUntilMs = nowMs + this.#profile.quietMs
    else if (!this.#isAsking) this.#listener.pressed(byte)
    else if (this.#held.length < HELD_MAX) this.#held.push(byte)
  }

  #takeDamage(): void {
    this.#damageCount += 1
    this.#deafUntilMs = this.#clock.monotonicMs() + this.#profile.quietMs
    if (this.#isAsking) this.#note({kind: 'damage'})
  }

  #note(heard: Heard): void {
    if (this.#wake !== null) this.#wake(heard)
    // A full queue means a babbling line; the answer is asked for again.
    else if (this.#heard.push(heard) === 'full') this.#heard.clear()
  }

  #watchStall(): void {
    this.#stall?.cancel()
    const stallsAtMs = this.#framer.stallsAtMs
    if (stallsAtMs === null) return
    this.#stall = this.#clock.after(Math.max(0, stallsAtMs - this.#clock.monotonicMs()), () => {
      // A real timer may fire a fraction early; the frame is given up at its own deadline all the same.
      this.#hear(this.#framer.idle(Math.max(stallsAtMs, this.#clock.monotonicMs())))
    })
  }

  #lose(why: LinkLost): void {
    this.#lost = why
    this.#wake?.({kind: 'lost', why})
  }
}
