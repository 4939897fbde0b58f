/**
 * Creator CRT-310, the host's end of the line: frame, ACK, ENQ, execution, reply. One command at a time.
 *
 * The reader executes nothing before ENQ. So whatever goes wrong earlier is repeated freely, and what goes
 * wrong later is repeated only for commands that move no card.
 */
import type {Clock} from '../../../kit/clock.ts'
import {present} from '../../../kit/assert.ts'
import type {NoAnswer} from '../../outcome.ts'
import {Exchange} from '../../wire/exchange.ts'
import type {Reply as Heard} from '../../wire/exchange.ts'
import type {ByteLink, LinkLost} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import {ACK, COMMANDS, ENQ, EOT, NAK} from './bytes.ts'
import type {CommandName, Profile} from './bytes.ts'
import {decodeFrame, decodeReply, encodeCommand, frameShape} from './codec.ts'
import type {Reply} from './codec.ts'

export type Answer =
  | {readonly kind: 'reply'; readonly data: Uint8Array}
  /** The reader took the command and would not do it. */
  | {readonly kind: 'refused'; readonly code: number}
  /** No answer that can be trusted; `executed` says whether the reader may have done it all the same. */
  | {readonly kind: 'silent'; readonly why: NoAnswer; readonly executed: 'no' | 'perhaps'}

/** Silence after a NAK before the frame goes again. */
const QUIET_MS = 20

export class Line {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #profile: Profile
  readonly #exchange: Exchange
  readonly #turns = new Turns()

  constructor(link: ByteLink, clock: Clock, profile: Profile) {
    this.#link = link
    this.#clock = clock
    this.#profile = profile
    this.#exchange = new Exchange(link, clock, {
      shape: frameShape([ACK, NAK, EOT], 'ofReader'),
      accepts: {ack: ACK, nak: NAK, timeoutMs: profile.ackTimeoutMs, enquiry: ENQ},
      answers: null,
      // Between two offers of a frame the reader has to hear EOT, which is why they are counted here.
      sendsMax: 1,
      quietMs: QUIET_MS,
    })
  }

  /** Opens the link, afresh if it was open. */
  async open(): Promise<'open' | LinkLost> {
    await this.#exchange.close()
    return this.#exchange.open()
  }

  /** Lets go of the link; a command that waits for its answer ends at once. */
  close(): Promise<void> {
    return this.#exchange.close()
  }

  /** Gives one command, after those given before it, and brings back what the reader made of it. Never rejects. */
  ask(name: CommandName, parameters: readonly number[] = []): Promise<Answer> {
    const frame = encodeCommand(name, parameters)
    return this.#turns.take(() => this.#askNow(name, frame))
  }

  async #askNow(name: CommandName, frame: Uint8Array): Promise<Answer> {
    const {retry, replyTimeoutMs} = COMMANDS[name]
    const asked = present(decodeFrame(frame), 'the body of our own frame')
    const replyIn = (bytes: Uint8Array): Reply => {
      const body = decodeFrame(bytes)
      return body === null ? {kind: 'stray'} : decodeReply(body, asked)
    }
    for (let offers = 1; ; offers++) {
      const heard = await this.#exchange.ask({
        frame,
        retry,
        answerMs: replyTimeoutMs,
        isAnswer: bytes => replyIn(bytes).kind !== 'stray',
      })
      const answer = heard.kind === 'answer' ? replyIn(heard.frame) : silence(heard)
      if (answer.kind === 'reply' || answer.kind === 'refused') return answer
      if (answer.kind === 'stray' || heard.kind === 'lost') return silence(heard)
      if (heard.kind !== 'refused') await this.#cancel()
      const mayRepeat = retry === 'safe' || answer.executed === 'no'
      if (!mayRepeat || offers >= this.#profile.offersMax) return answer
    }
  }

  /** The reader may still hold the frame and wait for ENQ: it forgets it at EOT, which it answers, and hears the next. */
  async #cancel(): Promise<void> {
    await this.#link.write(Uint8Array.of(EOT))
    await this.#clock.sleep(this.#profile.ackTimeoutMs)
  }
}

function silence(heard: Heard): Extract<Answer, {kind: 'silent'}> {
  switch (heard.kind) {
    case 'answer':
      return {kind: 'silent', why: 'nonsense', executed: 'perhaps'}
    case 'refused':
      return {kind: 'silent', why: 'nonsense', executed: 'no'}
    case 'no-answer':
    case 'nonsense':
      return {kind: 'silent', why: heard.kind, executed: heard.mayHaveRun ? 'perhaps' : 'no'}
    case 'lost':
      return {kind: 'silent', why: heard.why, executed: heard.mayHaveRun ? 'perhaps' : 'no'}
  }
}
