/**
 * Creator CRT-571, the host's end of the line: frame, ACK, execution, reply, ACK. One command at a time.
 *
 * The frame itself is the order: after silence only what moves no card goes again. A damaged reply is asked for with
 * NAK, and the reader sends it once more without doing anything. Nothing is ever cancelled: a movement that is broken
 * off leaves a card halfway.
 */
import type {Clock} from '../../../kit/clock.ts'
import type {NoAnswer} from '../../outcome.ts'
import {Exchange} from '../../wire/exchange.ts'
import type {ByteLink, LinkLost} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import {ACK, COMMANDS, NAK} from './bytes.ts'
import type {CommandName, Profile} from './bytes.ts'
import {decodeFrame, decodeReply, encodeCommand, frameShape} from './codec.ts'
import type {Reply} from './codec.ts'

export type Answer =
  | Exclude<Reply, {readonly kind: 'stray'}>
  /** No answer that can be trusted; `mayHaveRun` says whether the reader may have done it all the same. */
  | {readonly kind: 'silent'; readonly why: NoAnswer; readonly mayHaveRun: boolean}

/** Silence after a damaged reply before it is asked for again, and after a NAK before the frame goes again. Chosen. */
const QUIET_MS = 20
/** How often a damaged reply is asked for. Chosen. */
const NAK_MAX = 3

export class Line {
  readonly #profile: Profile
  readonly #exchange: Exchange
  readonly #turns = new Turns()

  constructor(link: ByteLink, clock: Clock, profile: Profile) {
    this.#profile = profile
    this.#exchange = new Exchange(link, clock, {
      shape: frameShape([ACK, NAK], 'ofReader'),
      accepts: {ack: ACK, nak: NAK, timeoutMs: profile.ackTimeoutMs, enquiry: null},
      answers: {ack: ACK, nak: NAK, nakMax: NAK_MAX},
      sendsMax: profile.sendsMax,
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
  ask(name: CommandName, data?: Uint8Array): Promise<Answer> {
    const frame = encodeCommand(name, this.#profile.address, data)
    return this.#turns.take(() => this.#askNow(name, frame))
  }

  async #askNow(name: CommandName, frame: Uint8Array): Promise<Answer> {
    const {retry, answerMs} = COMMANDS[name]
    const replyIn = (bytes: Uint8Array): Reply => {
      const found = decodeFrame(bytes)
      return found?.address === this.#profile.address
        ? decodeReply(found.text, COMMANDS[name])
        : {kind: 'stray'}
    }
    const heard = await this.#exchange.ask({
      frame,
      retry,
      answerMs,
      isAnswer: bytes => replyIn(bytes).kind !== 'stray',
    })
    switch (heard.kind) {
      case 'answer': {
        const reply = replyIn(heard.frame)
        return reply.kind === 'stray' ? {kind: 'silent', why: 'nonsense', mayHaveRun: true} : reply
      }
      case 'refused':
        return {kind: 'silent', why: 'nonsense', mayHaveRun: false}
      case 'lost':
        return {kind: 'silent', why: heard.why, mayHaveRun: heard.mayHaveRun}
      case 'no-answer':
      case 'nonsense':
        return {kind: 'silent', why: heard.kind, mayHaveRun: heard.mayHaveRun}
    }
  }
}
