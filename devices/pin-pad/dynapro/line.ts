/**
 * DynaPro, the host's end of the feature channel: a report out with the command, report 01 back that says whether it
 * was accepted. One command at a time, because report 01 speaks of the last one.
 */
import type {Log} from '../../../kit/log.ts'
import type {HidGot, HidLink, HidListener, HidOpened, HidSent} from '../../wire/hid.ts'
import type {ReportTable} from '../../wire/hid-descriptor.ts'
import {Turns} from '../../wire/turns.ts'
import {ACK, COMMANDS} from './bytes.ts'
import type {CommandName} from './bytes.ts'
import {decodeAck} from './codec.ts'
import {failedWith, refusedBy} from './meaning.ts'
import type {PinPadFailed} from './meaning.ts'

export interface Asked {
  readonly name: CommandName
  readonly content: readonly number[]
  /** `never`: it begins something that a second one would begin anew. */
  readonly retry: 'safe' | 'never'
}

/** `unclear`: whether the pad took the command is not known. */
type Tried = {readonly kind: 'accepted'} | (PinPadFailed & {readonly isUnclear: boolean})

export class Line {
  readonly #link: HidLink
  readonly #log: Log
  readonly #triesMax: number
  readonly #turns = new Turns()
  #reports: ReportTable['lengths']['feature'] = new Map()

  constructor(link: HidLink, log: Log, triesMax: number) {
    this.#link = link
    this.#log = log
    this.#triesMax = triesMax
  }

  /** Opens the link, afresh if it was open. */
  async open(listener: HidListener): Promise<HidOpened> {
    await this.#link.close()
    const opened = await this.#link.open(listener)
    if (opened.kind === 'open') this.#reports = opened.reports.lengths.feature
    return opened
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  /** Gives one command, after those given before it. Never rejects. */
  ask(asked: Asked): Promise<Tried> {
    return this.#turns.take(() => this.#askNow(asked))
  }

  /** Gives one command and gets the report of the same ID, which answers it. */
  askBack(asked: Asked): Promise<{readonly kind: 'told'; readonly bytes: Uint8Array} | PinPadFailed> {
    return this.#turns.take(async () => {
      const tried = await this.#askNow(asked)
      if (tried.kind === 'failed') return failedWith(tried.fault, tried.detail)
      const got = await this.#link.getFeature(COMMANDS[asked.name])
      return got.kind === 'report' ? {kind: 'told', bytes: got.bytes} : ungot(asked.name, got)
    })
  }

  async #askNow(asked: Asked): Promise<Tried> {
    if (!this.#link.isOpen)
      return {...failedWith('not-opened', `${asked.name}: the PIN pad is not open`), isUnclear: false}
    // The manuals leave some lengths open, and firmware differs: the descriptor has the last word.
    const room = this.#reports.get(COMMANDS[asked.name])
    if (room === undefined || room < asked.content.length)
      return {...failedWith('not-supported', `${asked.name}: ${noRoom(room)}`), isUnclear: false}
    for (let tries = 1; ; tries += 1) {
      const tried = await this.#try(asked)
      const isOver = tried.kind === 'accepted' || !tried.isUnclear || tries >= this.#triesMax
      if (tried.kind === 'failed' && (isOver || asked.retry === 'never'))
        this.#log.warn('the device did not do it', {fault: tried.fault, detail: tried.detail})
      if (isOver || asked.retry === 'never') return tried
    }
  }

  async #try({name, content}: Asked): Promise<Tried> {
    const id = COMMANDS[name]
    const sent = await this.#link.send('feature', id, Uint8Array.from(content))
    if (sent !== 'sent') return {...unsent(name, sent), isUnclear: sent === 'failed'}
    const got = await this.#link.getFeature(ACK.id)
    if (got.kind !== 'report') return {...ungot(name, got), isUnclear: got.kind !== 'lost'}
    const ack = decodeAck(got.bytes)
    if (ack?.of !== id)
      return {...failedWith('nonsense', `${name}: what was acknowledged is another command`), isUnclear: true}
    if (ack.status === 'accepted') return {kind: 'accepted'}
    // Our own lengths are the descriptor's, so a wrong one came about on the way.
    return {...refusedBy(name, ack), isUnclear: ack.status === 'badLength'}
  }
}

function noRoom(room: number | undefined): string {
  return room === undefined ? 'the pad has no such report' : `the pad's report has ${room} bytes only`
}

function unsent(name: CommandName, sent: Exclude<HidSent, 'sent'>): PinPadFailed {
  return sent === 'failed'
    ? failedWith('no-answer', `${name}: the pad did not take the report`)
    : failedWith(sent, `${name}: ${sent}`)
}

function ungot(name: CommandName, got: Exclude<HidGot, {kind: 'report'}>): PinPadFailed {
  switch (got.kind) {
    case 'failed':
      return failedWith('no-answer', `${name}: the pad did not give its answer`)
    case 'garbage':
      return failedWith('nonsense', `${name}: an answer of a wrong ${got.why}`)
    case 'lost':
      return failedWith(got.why, `${name}: ${got.why}`)
  }
}
