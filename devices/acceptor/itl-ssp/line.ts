/**
 * The SSP line: one packet out, one answer in, encrypted once a key is agreed.
 *
 * A packet whose answer does not come goes again with the same sequence bit and the same bytes. A unit that served it
 * already answers from store and does nothing twice, and one that lost its power meanwhile lost the key with it; so
 * here, and nowhere else, sending again is safe whatever the command.
 */
import {EsspCipher, ESSP_FIXED_KEY, fromLittleEndian, offerAgreement} from '../../../crypto/essp.ts'
import type {Clock} from '../../../kit/clock.ts'
import type {Random} from '../../../kit/random.ts'
import type {NoAnswer} from '../../outcome.ts'
import {Exchange} from '../../wire/exchange.ts'
import type {ByteLink, LinkLost} from '../../wire/link.ts'
import {ADDRESS, ANSWER_MS, SENDS_MAX, STEX} from './bytes.ts'
import {SHAPE, dataOf, decodeAnswer, decodeFrame, frameOf} from './codec.ts'
import type {Answer, Command, Sequence} from './codec.ts'
import {openPacket, sealPacket} from './packet.ts'

/** An answer, or why there is none. */
export type Heard =
  | {readonly kind: 'heard'; readonly answer: Answer}
  | {readonly kind: 'unheard'; readonly why: NoAnswer; readonly detail: string}

export class SspLine {
  readonly #exchange: Exchange
  readonly #random: Random
  #sequence: Sequence = 1
  /** False from a silence to the next synchronisation: then nobody knows which sequence bit is due. */
  #isInStep = false
  #cipher: EsspCipher | null = null
  #count = 0

  /** @param lost called when the link ends by itself */
  constructor(link: ByteLink, clock: Clock, random: Random, lost: (why: LinkLost) => void) {
    this.#random = random
    this.#exchange = new Exchange(
      link,
      clock,
      {shape: SHAPE, accepts: null, answers: null, sendsMax: SENDS_MAX, quietMs: 0},
      {
        lost: why => {
          this.#isInStep = false
          lost(why)
        },
      },
    )
  }

  get isEncrypted(): boolean {
    return this.#cipher !== null
  }

  /** Opens the link and puts both sides in step; what was agreed before is forgotten. */
  async open(): Promise<Heard> {
    const opened = await this.#exchange.open()
    if (opened !== 'open') return {kind: 'unheard', why: opened, detail: 'the link does not open'}
    this.#cipher = null
    this.#sequence = 1
    this.#isInStep = true
    return this.ask({kind: 'sync'})
  }

  async close(): Promise<void> {
    this.#isInStep = false
    await this.#exchange.close()
  }

  /** Agrees on a key for all that follows; `refused` where the unit knows no encryption. */
  async encrypt(): Promise<'encrypted' | 'refused' | Extract<Heard, {kind: 'unheard'}>> {
    const agreement = offerAgreement(this.#random)
    const steps: readonly Command[] = [
      {kind: 'setGenerator', number: agreement.generator},
      {kind: 'setModulus', number: agreement.modulus},
      {kind: 'requestKeyExchange', number: agreement.inter},
    ]
    let inter: Uint8Array = new Uint8Array()
    for (const step of steps) {
      const heard = await this.ask(step)
      if (heard.kind === 'unheard') return heard
      if (heard.answer.reply !== 'ok') return 'refused'
      inter = heard.answer.data
    }
    if (inter.length !== 8) return 'refused'
    this.#cipher = new EsspCipher(ESSP_FIXED_KEY, agreement.agree(fromLittleEndian(inter)))
    this.#count = 0
    return 'encrypted'
  }

  async ask(command: Command): Promise<Heard> {
    if (!this.#isInStep) return {kind: 'unheard', why: 'no-answer', detail: 'out of step since a silence'}
    const plain = dataOf(command)
    const data = this.#cipher === null ? plain : sealPacket(this.#cipher, plain, this.#count, this.#random)
    const reply = await this.#exchange.ask({
      frame: frameOf(this.#sequence, data),
      retry: 'safe',
      answerMs: ANSWER_MS,
      isAnswer: frame => this.#answerIn(frame) !== null,
    })
    const answer = reply.kind === 'answer' ? this.#answerIn(reply.frame) : null
    if (answer !== null) {
      this.#sequence = this.#sequence === 1 ? 0 : 1
      this.#count += 1
      return {kind: 'heard', answer}
    }
    this.#isInStep = false
    return {
      kind: 'unheard',
      why: reply.kind === 'lost' ? reply.why : reply.kind === 'nonsense' ? 'nonsense' : 'no-answer',
      detail: reply.kind === 'lost' ? 'the link was lost' : `no good answer to ${command.kind}`,
    }
  }

  /** Under a key, an answer in clear is believed only where it says that there is no key: anybody could have said the rest. */
  #answerIn(frame: Uint8Array): Answer | null {
    const packet = decodeFrame(frame)
    if (packet === null || packet.sequence !== this.#sequence || packet.address !== ADDRESS) return null
    if (packet.data[0] === STEX) {
      const plain = this.#cipher === null ? null : openPacket(this.#cipher, packet.data, this.#count + 1)
      return plain === null ? null : decodeAnswer(plain)
    }
    const answer = decodeAnswer(packet.data)
    return this.#cipher === null || answer?.reply === 'keyNotSet' ? answer : null
  }
}
