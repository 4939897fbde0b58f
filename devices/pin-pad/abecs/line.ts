/**
 * ABECS pads, the host's end of the line: one command at a time, acknowledged, answered, and let go of when asked.
 *
 * A command that waits for a person ends by `abort` or by its own deadline. After an abort the pad is idle, whatever
 * it was about to say is passed over, and the command counts as never answered.
 */
import {BoundedQueue} from '../../../kit/bounded-queue.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {NoAnswer} from '../../outcome.ts'
import {Framer} from '../../wire/framer.ts'
import type {Verdict} from '../../wire/framer.ts'
import type {ByteLink, LinkLost} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import {
  ACK,
  ACK_TIMEOUT_MS,
  CAN,
  EOT,
  NAK,
  NOTICE,
  QUIET_MS,
  REPLY_TIMEOUT_MS,
  TRIES_MAX,
  UNKNOWN,
} from './bytes.ts'
import type {CommandId} from './bytes.ts'
import {decodePacket, decodeReply, encodePacket, frameShape, textOf} from './codec.ts'
import type {Reply} from './codec.ts'

export type Answer<T> =
  | {readonly kind: 'done'; readonly value: T}
  /** `status` other than 000. */
  | {readonly kind: 'refused'; readonly status: number}
  | {readonly kind: 'unknown'}
  /** `abort` came before the reply. */
  | {readonly kind: 'aborted'}
  | {readonly kind: 'silent'; readonly why: NoAnswer}

export interface Ask<T> {
  readonly id: CommandId
  /** Name and blocks. */
  readonly data: Uint8Array
  /** `never`: a second time may mean something else than the first, as with a PIN. */
  readonly retry: 'safe' | 'never'
  /** Reads a reply that says done; null when it cannot be one. */
  readonly read: (reply: Reply) => T | null
  /**
   * What becomes of a reply that came damaged: it is asked for again, or the command is ended. A pad asked again may
   * repeat what it said to the command before, so a command that may follow another of its name must end.
   */
  readonly ifDamaged: 'askAgain' | 'end'
  /** How long a command that waits for a person may take once it is accepted. */
  readonly waitMs?: number
  /** The pad has taken the command, and is at it. */
  readonly onAccepted?: () => void
  /** False once nobody wants the answer any more; asked right before the command goes. */
  readonly isWanted?: () => boolean
}

export interface LineListener {
  /** What the pad would have the operator read, during a command that takes time. */
  notice(text: string): void
  lost(why: LinkLost): void
}

type Heard =
  | {readonly kind: 'reply'; readonly reply: Reply}
  | {readonly kind: 'control'; readonly byte: number}
  | {readonly kind: 'damage'}
  | {readonly kind: 'silence'}
  | {readonly kind: 'abort'}
  | {readonly kind: 'lost'; readonly why: LinkLost}

const HEARD_MAX = 64

export class Line {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #listener: LineListener
  readonly #framer = new Framer(frameShape('host'))
  readonly #turns = new Turns()
  readonly #heard = new BoundedQueue<Heard>(HEARD_MAX)
  #lost: LinkLost | null = 'not-opened'
  #isAbortAsked = false
  #lastByteAtMs = 0
  #wake: ((heard: Heard) => void) | null = null
  #stall: Timer | null = null

  constructor(link: ByteLink, clock: Clock, listener: LineListener) {
    this.#link = link
    this.#clock = clock
    this.#listener = listener
  }

  /** Opens the link, afresh if it was open, and has the pad let go of whatever it does. */
  async open(): Promise<'open' | NoAnswer> {
    await this.close()
    const opened = await this.#link.open({
      bytes: chunk => {
        this.#lastByteAtMs = this.#clock.monotonicMs()
        this.#hear(this.#framer.push(chunk, this.#lastByteAtMs))
      },
      lost: why => {
        this.#lose(why)
        this.#listener.lost(why)
      },
    })
    if (opened !== 'open') return opened
    this.#lost = null
    return this.#turns.take(() => this.#cancel())
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

  /** Ends the command under way, if there is one. One that has not begun ends by its `isWanted`. */
  abort(): void {
    this.#isAbortAsked = true
    if (this.#wake !== null) this.#wake({kind: 'abort'})
  }

  async #askNow<T>(ask: Ask<T>): Promise<Answer<T>> {
    this.#heard.clear()
    this.#isAbortAsked = false
    if (ask.isWanted?.() === false) return {kind: 'aborted'}
    const packet = encodePacket(ask.data)
    for (let round = 1; ; round += 1) {
      const accepted = await this.#send(packet)
      if (accepted === 'accepted') ask.onAccepted?.()
      const answer = accepted === 'accepted' ? await this.#listen(ask) : accepted
      if (answer.kind === 'aborted') {
        const cancelled = await this.#cancel()
        return cancelled === 'open' ? answer : {kind: 'silent', why: cancelled}
      }
      if (answer.kind !== 'silent' || this.#lost !== null) return answer
      // A pad that may be at it still must let go before it hears anything else.
      const cancelled = await this.#cancel()
      if (cancelled !== 'open' || ask.retry === 'never' || round >= 2) return answer
    }
  }

  /** Until the pad acknowledges the packet, or refused it as often as it may. */
  async #send(
    packet: Uint8Array,
  ): Promise<'accepted' | Extract<Answer<never>, {kind: 'silent' | 'aborted'}>> {
    for (let tries = 1; ; tries += 1) {
      const sent = this.#lost ?? (await this.#link.write(packet))
      if (sent !== 'written') return {kind: 'silent', why: sent}
      const endMs = this.#clock.monotonicMs() + ACK_TIMEOUT_MS
      const said = await this.#untilControl(endMs)
      if (said.kind === 'silence') return {kind: 'silent', why: 'no-answer'}
      if (said.kind === 'lost') return {kind: 'silent', why: said.why}
      if (said.kind === 'abort') return {kind: 'aborted'}
      if (said.byte === ACK) return 'accepted'
      if (tries >= TRIES_MAX) return {kind: 'silent', why: 'nonsense'}
    }
  }

  /** The next ACK or NAK; replies of before are passed over. */
  async #untilControl(
    endMs: number,
  ): Promise<Extract<Heard, {kind: 'control' | 'silence' | 'lost' | 'abort'}>> {
    for (;;) {
      const heard = await this.#next(endMs)
      if (heard.kind === 'control' && (heard.byte === ACK || heard.byte === NAK)) return heard
      if (heard.kind === 'silence' || heard.kind === 'lost' || heard.kind === 'abort') return heard
    }
  }

  async #listen<T>(ask: Ask<T>): Promise<Answer<T>> {
    const endMs = this.#clock.monotonicMs() + (ask.waitMs ?? REPLY_TIMEOUT_MS)
    for (let damages = 0; ;) {
      const heard = await this.#next(endMs)
      switch (heard.kind) {
        case 'silence':
          return {kind: 'silent', why: damages > 0 ? 'nonsense' : 'no-answer'}
        case 'lost':
          return {kind: 'silent', why: heard.why}
        case 'abort':
          return {kind: 'aborted'}
        case 'damage':
          damages += 1
          await this.#quiet()
          if (ask.ifDamaged === 'end' || damages > TRIES_MAX) return {kind: 'silent', why: 'nonsense'}
          await this.#link.write(Uint8Array.of(NAK))
          break
        case 'reply': {
          const answer = this.#answerOf(ask, heard.reply)
          if (answer !== null) return answer
          break
        }
        case 'control':
          break
      }
    }
  }

  /** Null when the reply is a notice, or answers something else. */
  #answerOf<T>(ask: Ask<T>, reply: Reply): Answer<T> | null {
    if (reply.id === NOTICE) {
      this.#listener.notice(reply.blocks.map(textOf).join(''))
      return null
    }
    if (reply.id === UNKNOWN) return {kind: 'unknown'}
    if (reply.id !== ask.id) return null
    const value = ask.read(reply)
    if (value !== null) return {kind: 'done', value}
    return reply.status === 0 ? {kind: 'silent', why: 'nonsense'} : {kind: 'refused', status: reply.status}
  }

  /** CAN until the pad says EOT; everything else that it says meanwhile is passed over. */
  async #cancel(): Promise<'open' | NoAnswer> {
    this.#isAbortAsked = false
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      this.#framer.reset()
      this.#heard.clear()
      const sent = this.#lost ?? (await this.#link.write(Uint8Array.of(CAN)))
      if (sent !== 'written') return sent
      const endMs = this.#clock.monotonicMs() + ACK_TIMEOUT_MS
      for (;;) {
        const heard = await this.#next(endMs)
        if (heard.kind === 'control' && heard.byte === EOT) return 'open'
        if (heard.kind === 'lost') return heard.why
        if (heard.kind === 'silence') break
        if (heard.kind === 'abort') this.#isAbortAsked = false
      }
    }
    return 'no-answer'
  }

  /** Until nothing has come for a while; what came before says nothing any more. */
  async #quiet(): Promise<void> {
    const endMs = this.#clock.monotonicMs() + REPLY_TIMEOUT_MS
    for (;;) {
      const quietAtMs = this.#lastByteAtMs + QUIET_MS
      const nowMs = this.#clock.monotonicMs()
      if (nowMs >= quietAtMs || nowMs >= endMs || this.#lost !== null) break
      await this.#clock.sleep(quietAtMs - nowMs)
    }
    this.#framer.reset()
    this.#heard.clear()
    if (this.#isAbortAsked) this.#heard.push({kind: 'abort'})
  }

  #next(endMs: number): Promise<Heard> {
    if (this.#lost !== null) return Promise.resolve({kind: 'lost', why: this.#lost})
    const waiting = this.#heard.shift()
    if (waiting !== undefined) return Promise.resolve(waiting)
    if (this.#isAbortAsked) return Promise.resolve({kind: 'abort'})
    return new Promise(resolve => {
      const timer =
        endMs === Infinity
          ? null
          : this.#clock.after(Math.max(0, endMs - this.#clock.monotonicMs()), () =>
              this.#wake?.({kind: 'silence'}),
            )
      this.#wake = heard => {
        this.#wake = null
        timer?.cancel()
        resolve(heard)
      }
    })
  }

  #hear(verdicts: readonly Verdict[]): void {
    for (const verdict of verdicts) {
      if (verdict.kind === 'control') this.#note({kind: 'control', byte: verdict.byte})
      else if (verdict.kind === 'frame') this.#takePacket(verdict.bytes)
      // Bytes between packets are passed over; a packet that broke is asked for again.
      else if (verdict.why !== 'noise') this.#note({kind: 'damage'})
    }
    this.#watchStall()
  }

  #takePacket(bytes: Uint8Array): void {
    const data = decodePacket(bytes)
    const reply = data === null ? null : decodeReply(data)
    if (reply !== null) this.#note({kind: 'reply', reply})
  }

  #note(heard: Heard): void {
    if (this.#wake !== null) this.#wake(heard)
    // A full queue means a babbling line; what is missing then is asked for again.
    else if (this.#heard.push(heard) === 'full') this.#heard.clear()
  }

  #watchStall(): void {
    this.#stall?.cancel()
    const stallsAtMs = this.#framer.stallsAtMs
    if (stallsAtMs === null) return
    this.#stall = this.#clock.after(Math.max(0, stallsAtMs - this.#clock.monotonicMs()), () => {
      // A real timer may fire a fraction early; the packet is given up at its own deadline all the same.
      this.#hear(this.#framer.idle(Math.max(stallsAtMs, this.#clock.monotonicMs())))
    })
  }

  #lose(why: LinkLost): void {
    this.#lost = why
    this.#wake?.({kind: 'lost', why})
  }
}
