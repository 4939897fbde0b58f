/**
 * MagTek readers, the host's end of the feature channel: a report out with the command, the same report asked back
 * with the result. One at a time; the answer carries no number to tell it from another.
 */
import type {Log} from '../../../kit/log.ts'
import type {HidGot, HidLink, HidSent} from '../../wire/hid.ts'
import {Turns} from '../../wire/turns.ts'
import type {CardReaderFailed} from '../port.ts'
import type {CommandName} from './bytes.ts'
import {decodeAnswer, encodeCommand} from './codec.ts'
import {failedBy, failedWith} from './meaning.ts'

export type Told = {readonly kind: 'told'; readonly content: Uint8Array} | CardReaderFailed

/** How often a command is given before the reader counts as mute; none of them does harm when done twice. */
const TRIES_MAX = 3

export class Requests {
  readonly #link: HidLink
  readonly #log: Log
  readonly #turns = new Turns()

  constructor(link: HidLink, log: Log) {
    this.#link = link
    this.#log = log
  }

  /** Gives one command, after those given before it, and brings back what the reader made of it. Never rejects. */
  ask(name: CommandName, content: readonly number[] = []): Promise<Told> {
    return this.#turns.take(async () => {
      let told = await this.#try(name, content)
      for (let tries = 1; tries < TRIES_MAX && isUnclear(told); tries++) told = await this.#try(name, content)
      if (told.kind === 'failed')
        this.#log.warn('the device did not do it', {fault: told.fault, detail: told.detail})
      return told
    })
  }

  async #try(name: CommandName, content: readonly number[]): Promise<Told> {
    const sent = await this.#link.send('feature', 0, encodeCommand(name, content))
    if (sent !== 'sent') return unsent(name, sent)
    const got = await this.#link.getFeature(0)
    if (got.kind !== 'report') return ungot(name, got)
    const answer = decodeAnswer(got.bytes)
    if (answer === null) return failedWith('nonsense', `${name}: the answer is longer than its report`)
    return answer.result === 'done' ? {kind: 'told', content: answer.content} : failedBy(name, answer)
  }
}

function isUnclear(told: Told): boolean {
  return told.kind === 'failed' && (told.fault === 'no-answer' || told.fault === 'nonsense')
}

function unsent(name: CommandName, sent: Exclude<HidSent, 'sent'>): CardReaderFailed {
  return sent === 'failed'
    ? failedWith('no-answer', `${name}: the reader did not take the report`)
    : failedWith(sent, `${name}: ${sent}`)
}

function ungot(name: CommandName, got: Exclude<HidGot, {kind: 'report'}>): CardReaderFailed {
  switch (got.kind) {
    case 'failed':
      return failedWith('no-answer', `${name}: the reader did not give its answer`)
    case 'garbage':
      return failedWith('nonsense', `${name}: an answer of a wrong ${got.why}`)
    case 'lost':
      return failedWith(got.why, `${name}: ${got.why}`)
  }
}
