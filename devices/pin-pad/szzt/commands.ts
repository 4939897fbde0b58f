/**
 * SZZT pads: the host's commands, each with what its reply amounts to. A pad that wants to be authenticated
 * first is authenticated, and then asked again.
 */
import {bytesOfHex} from '../../../crypto/hex.ts'
import {withZeros} from '../../../crypto/mac.ts'
import {DES_BLOCK_BYTES, singleDes, tdesEncrypt} from '../../../crypto/tdes.ts'
import {xored} from '../../../crypto/xor.ts'
import type {Log} from '../../../kit/log.ts'
import {Secret} from '../../../kit/secret.ts'
import type {Failed} from '../../outcome.ts'
import type {PinPadFault} from '../port.ts'
import {AUTHENTICATION, AUTHENTICATION_BYTES, CODE, COMMAND, MAC_TYPE, MESSAGE_BYTES_MAX} from './bytes.ts'
import type {ControlName, Profile} from './bytes.ts'
import {
  authenticateText,
  controlText,
  decodeBlock,
  decodeCheckValue,
  decodeHex,
  decodeIdentification,
  fetchBlockText,
  macText,
} from './codec.ts'
import type {Identification} from './codec.ts'
import type {Answer, Ask, Line} from './line.ts'
import {failedBy} from './meaning.ts'

export type PinPadFailed = Failed<PinPadFault>
/** What a command brought back. */
export type Told<T> = {readonly kind: 'told'; readonly value: T} | PinPadFailed

export interface FetchedBlock {
  readonly digits: number
  readonly block: Secret<Uint8Array>
}

export class Commands {
  readonly #line: Line
  readonly #profile: Profile
  readonly #log: Log

  constructor(line: Line, profile: Profile, log: Log) {
    this.#line = line
    this.#profile = profile
    this.#log = log
  }

  identify(): Promise<Told<Identification>> {
    return this.#tell('identify', {
      text: COMMAND.identify,
      retry: 'safe',
      tells: true,
      read: decodeIdentification,
    })
  }

  /** What a pad with an identity of its own says when asked for it: only a low battery is told apart. */
  async battery(): Promise<'good' | 'low' | 'unknown'> {
    if (!this.#profile.hasId) return 'unknown'
    const answer = await this.#line.ask({text: COMMAND.id, retry: 'safe', tells: true, read: () => true})
    if (answer.kind === 'refused') return answer.code === CODE.battery ? 'low' : 'unknown'
    return answer.kind === 'done' ? 'good' : 'unknown'
  }

  /** Six upper-case hex digits. @param text a key load, clear or under the master key */
  load(text: string): Promise<Told<string>> {
    return this.#tell('load key', {text, retry: 'safe', tells: true, read: decodeCheckValue})
  }

  /** The block of the PIN that was entered, or that time was over before it was. */
  async fetchBlock(pan: string): Promise<Told<FetchedBlock> | {readonly kind: 'timedOut'}> {
    const text = fetchBlockText(this.#profile, pan)
    const answer = await this.#askAuthenticated({text, retry: 'safe', tells: true, read: decodeBlock})
    if (answer.kind === 'refused' && answer.code === CODE.timedOut) return {kind: 'timedOut'}
    if (answer.kind !== 'done') return this.#told(failedBy('fetch PIN block', answer))
    const {digits, blockHex} = answer.value
    return {kind: 'told', value: {digits, block: new Secret(bytesOfHex(blockHex))}}
  }

  /**
   * Chains the message through the pad and brings back the last block; a long one goes in pieces, each mixed with the
   * code of those before.
   */
  async chained(how: keyof typeof MAC_TYPE, message: Uint8Array): Promise<Told<Uint8Array>> {
    const blocks = withZeros(message)
    let code: Uint8Array = new Uint8Array(DES_BLOCK_BYTES)
    for (let at = 0; at < blocks.length; at += MESSAGE_BYTES_MAX) {
      const piece = blocks.slice(at, at + MESSAGE_BYTES_MAX)
      piece.set(xored(piece.subarray(0, DES_BLOCK_BYTES), code))
      const text = macText(this.#profile.macKeyIndex, MAC_TYPE[how], piece)
      const told = await this.#tell('MAC', {
        text,
        retry: 'safe',
        tells: true,
        read: reply => decodeHex(reply, DES_BLOCK_BYTES),
      })
      if (told.kind === 'failed') return told
      code = told.value
    }
    return {kind: 'told', value: code}
  }

  /** Gives the orders one after another; null when all were done. */
  async controls(orders: readonly (readonly [ControlName, number?])[]): Promise<PinPadFailed | null> {
    for (const [name, value] of orders) {
      const failed = await this.control(name, value)
      if (failed !== null) return failed
    }
    return null
  }

  control(name: ControlName, value?: number): Promise<PinPadFailed | null> {
    return this.act(name, controlText(name, value))
  }

  /** For commands whose answer is a return code alone; null when it says done. */
  async act(what: string, text: string, retry: Ask<true>['retry'] = 'safe'): Promise<PinPadFailed | null> {
    const told = await this.#tell(what, {
      text,
      retry,
      // What is sent once only must not be taken for done by an answer of before.
      tells: retry === 'never',
      read: reply => (reply.length === 1 ? true : null),
    })
    return told.kind === 'failed' ? told : null
  }

  async #tell<T>(what: string, ask: Ask<T>): Promise<Told<T>> {
    const answer = await this.#askAuthenticated(ask)
    return answer.kind === 'done' ? {kind: 'told', value: answer.value} : this.#told(failedBy(what, answer))
  }

  async #askAuthenticated<T>(ask: Ask<T>): Promise<Answer<T>> {
    const answer = await this.#line.ask(ask)
    if (answer.kind !== 'refused' || answer.code !== CODE.unauthenticated) return answer
    // Refused, so it was not done, and may be asked again.
    return (await this.#authenticates()) ? this.#line.ask(ask) : answer
  }

  /** Random number, challenge under the master key, proof, and the pad's own proof in return. */
  async #authenticates(): Promise<boolean> {
    const step = async (name: number, bytes: Uint8Array) => {
      const answer = await this.#line.ask({
        text: authenticateText(name, bytes),
        retry: 'safe',
        tells: true,
        read: reply => decodeHex(reply, AUTHENTICATION_BYTES),
      })
      return answer.kind === 'done' ? answer.value : null
    }
    const random = await step(AUTHENTICATION.challenge, new Uint8Array(AUTHENTICATION_BYTES).fill(0x30))
    const challenge = random === null ? null : await step(this.#profile.masterKeyIndex, random)
    if (challenge === null) return false
    const key = singleDes(this.#profile.authenticationKey)
    const proof = tdesEncrypt(key, challenge)
    const theirs = await step(AUTHENTICATION.proveMaster, proof)
    const isProved = theirs !== null && Buffer.from(tdesEncrypt(key, proof)).equals(theirs)
    if (!isProved) this.#log.warn('the pad and this program do not share an authentication key')
    return isProved
  }

  #told(failed: PinPadFailed): PinPadFailed {
    this.#log.warn('the device did not do it', {fault: failed.fault, detail: failed.detail})
    return failed
  }
}
