/**
 * An EBDS acceptor emulated: the far end of the wire. It repeats its reply to a message that comes again with the same
 * bit, and tells how a note ended once.
 *
 * What no source says and is decided here: a note in escrow at a power cut goes out at the front and is told as returned
 * beside the power-up bit, one behind it is stacked, its value told under the policies B and C alone.
 */
import type {Clock} from '../../../kit/clock.ts'
import {Watchers} from '../../../kit/watchers.ts'
import type {ByteLink} from '../../wire/link.ts'
import {NotePath} from '../emulator-path.ts'
import type {AcceptorEmulator, Manner, PathMischief, PathRemains} from '../emulator-path.ts'
import {Talk, isTalking} from '../emulator-talk.ts'
import type {TalkMischief, TranscriptLine} from '../emulator-talk.ts'
import {HostReader, messageFrom} from './emulator-frames.ts'
import type {HostMessage} from './emulator-frames.ts'

export type Mischief = PathMischief | TalkMischief

/** US dollar notes, index 1 first. */
export const NOTES: readonly number[] = [1, 5, 10, 20, 50, 100]
const CASSETTE_NOTES_MAX = 1_000
const QUIET_MS = 1_000
const MODEL = 0x54
const REVISION = 0x12

const TEXTS: ReadonlyMap<number, readonly [text: string, bytes: number]> = new Map([
  [0x04, ['SC6607R', 20]],
  [0x05, ['00187352', 20]],
  [0x06, ['28600107', 9]],
  [0x07, ['286001103', 9]],
  [0x08, ['USD', 32]],
  [0x09, ['490860120', 9]],
])

/** Told once. */
interface Ending {
  readonly is: 'stacked' | 'returned' | 'rejected' | 'cheated'
  readonly channel: number
}

export interface EbdsOptions {
  readonly moveMs: number
  readonly remains: PathRemains
}

export class EbdsEmulator implements AcceptorEmulator<Mischief, PathRemains> {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #talk: Talk
  readonly #reader = new HostReader()
  readonly #watchers = new Watchers()
  readonly #path: NotePath
  #isOn = true
  #isQuiet = false
  #enabled = 0
  #isEscrowing = true
  #isExtended = false
  #hasPowerUp = false
  #served: {readonly control: number; readonly reply: Uint8Array} | null = null
  #endings: Ending[] = []
  #reason: 'host' | 'own' = 'own'
  #channel = 0

  /** @param link the far end of the wire, opened by `start` */
  constructor(link: ByteLink, clock: Clock, {moveMs, remains}: EbdsOptions) {
    this.#link = link
    this.#clock = clock
    this.#talk = new Talk(link, clock, Uint8Array.of(0x05, 0x00, 0x55))
    this.#path = new NotePath(clock, moveMs, CASSETTE_NOTES_MAX, remains, {
      changed: () => {
        this.#watchers.tell()
      },
      escrowed: channel => {
        this.#channel = channel
        if (!this.#isEscrowing) this.#path.stack()
      },
      rejecting: reason => {
        this.#reason = reason === 'host' || reason === 'timeout' ? 'host' : 'own'
      },
      rejected: () => {
        this.#endings.push({is: this.#reason === 'host' ? 'returned' : 'rejected', channel: 0})
      },
      credited: channel => {
        this.#channel = channel
      },
      stacked: () => {
        this.#endings.push({is: 'stacked', channel: this.#channel})
      },
      jammed: () => {
        this.#enabled = 0
      },
      fraud: () => {
        this.#endings.push({is: 'cheated', channel: 0})
      },
      powerFails: () => {
        this.cutPower()
      },
    })
    this.#wake()
  }

  get remains(): PathRemains {
    return this.#path.remains
  }

  get state() {
    const {phase} = this.#path
    return {power: this.#isOn ? 'on' : 'off', enabled: this.#enabled !== 0, phase} as const
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#talk.lines
  }

  async start(): Promise<void> {
    await this.#link.open({
      bytes: chunk => {
        this.#hear(chunk)
      },
      lost: () => {
        this.#reader.reset()
      },
    })
  }

  async stop(): Promise<void> {
    this.cutPower()
    await this.#link.close()
  }

  onChange(watcher: () => void): () => void {
    return this.#watchers.add(watcher)
  }

  plan(mischief: Mischief): void {
    if (isTalking(mischief)) this.#talk.plan(mischief)
    else this.#path.plan(mischief)
  }

  insert(
    channel: number,
    manner: Manner = 'well',
  ): {readonly name: string; readonly is: 'pulled' | 'not-taken'} {
    const name = this.#path.introduce(channel)
    return {name, is: this.insertAgain(name, manner)}
  }

  insertAgain(name: string, manner: Manner = 'well'): 'pulled' | 'not-taken' {
    const isTaking = this.#isOn && !this.#isQuiet && this.#enabled !== 0
    const takes = (channel: number): boolean => Math.floor(this.#enabled / 2 ** (channel - 1)) % 2 === 1
    return this.#path.insert(name, manner, isTaking ? takes : null)
  }

  takeBack(): readonly string[] {
    return this.#path.takeBack()
  }

  clearPath(): readonly string[] {
    return this.#path.clearPath()
  }

  emptyCashbox(): readonly string[] {
    return this.#path.emptyCashbox()
  }

  setCashbox(is: 'in' | 'out'): void {
    this.#path.setCashbox(is)
  }

  cutPower(): void {
    this.#isOn = false
    this.#path.powerCut()
    this.#talk.cut()
    this.#reader.reset()
    this.#enabled = 0
    this.#served = null
    this.#endings = []
    this.#watchers.tell()
  }

  restorePower(): void {
    if (this.#isOn) return
    this.#isOn = true
    this.#wake()
    this.#watchers.tell()
  }

  #wake(): void {
    this.#hasPowerUp = true
    for (const {to, channel} of this.#path.powerOn())
      this.#endings.push(to === 'cashbox' ? {is: 'stacked', channel} : {is: 'returned', channel: 0})
  }

  async #softReset(): Promise<void> {
    this.cutPower()
    this.#isOn = true
    this.#isQuiet = true
    await this.#clock.sleep(QUIET_MS)
    this.#isQuiet = false
    if (this.#isListening) this.#wake()
  }

  get #isListening(): boolean {
    return this.#isOn && !this.#isQuiet
  }

  #hear(chunk: Uint8Array): void {
    if (!this.#isListening) return
    this.#talk.heard(chunk)
    for (const message of this.#reader.push(chunk, this.#clock.monotonicMs())) this.#take(message)
  }

  #take(message: HostMessage): void {
    // The message before may have been a reset.
    if (!this.#isListening) return
    const {control} = message
    const ack = control % 2
    const type = Math.floor(control / 16)
    if (Math.floor(control / 2) % 8 !== 0) return
    // Heard again, whatever it says: the reply is what it was.
    if (this.#served !== null && this.#served.control % 2 === ack) {
      this.#talk.answer(this.#served.reply)
      return
    }
    const reply = this.#replyTo(type, message.data, ack)
    if (reply === null) return
    this.#served = {control, reply}
    this.#talk.answer(reply)
  }

  #replyTo(type: number, data: readonly number[], ack: number): Uint8Array | null {
    if (type === 1 && data.length === 3) return this.#omnibus(data, ack)
    if (type === 6 && data.length === 3) return this.#auxiliary(data, ack)
    if (type === 7 && data[0] === 0x02 && data.length === 5)
      return messageFrom(7, ack, [0x02, ...this.#stateBytes(null), ...this.#row(data[4] ?? 0)])
    const refused = [...this.#stateBytes(null)]
    refused[2] = (refused[2] ?? 0) | 0x02
    return messageFrom(2, ack, refused)
  }

  #omnibus([enabled = 0, modes = 0, options = 0]: readonly number[], ack: number): Uint8Array {
    this.#enabled = this.#path.phase === 'jammed' ? 0 : enabled
    this.#isEscrowing = Math.floor(modes / 16) % 2 === 1
    this.#isExtended = Math.floor(options / 16) % 2 === 1
    if (Math.floor(modes / 32) % 2 === 1) this.#path.stack()
    if (Math.floor(modes / 64) % 2 === 1) this.#path.giveBack('host')
    const tellsValue = !this.#hasPowerUp || Math.floor(options / 4) % 4 !== 0
    const ending = this.#endings.shift() ?? null
    const told = ending !== null && !tellsValue ? {...ending, channel: 0} : ending
    const channel =
      told?.is === 'stacked'
        ? told.channel
        : this.#path.phase === 'escrow' && told === null
          ? this.#channel
          : 0
    const bytes = this.#stateBytes(told, this.#isExtended ? 0 : channel)
    this.#hasPowerUp = false
    if (!this.#isExtended || channel === 0) return messageFrom(2, ack, bytes)
    return messageFrom(7, ack, [0x02, ...bytes, ...this.#row(channel, 0)])
  }

  #auxiliary([a = 0, b = 0, code = 0]: readonly number[], ack: number): Uint8Array | null {
    if (a === 0x7f && b === 0x7f && code === 0x7f) {
      void this.#softReset()
      return null
    }
    const text = TEXTS.get(code)
    if (text !== undefined) {
      const [words, size] = text
      return messageFrom(6, ack, [...Buffer.from(words.padEnd(size, '\0').slice(0, size), 'latin1')])
    }
    if (code === 0x00) return messageFrom(6, ack, [0x0a, 0x05, 0x0c, 0x03, 0x00, 0x00])
    if (code === 0x01) {
      const total = this.#path.remains.notes
        .filter(({at}) => at === 'cashbox')
        .reduce((sum, {channel}) => sum + (NOTES[channel - 1] ?? 0), 0)
      return messageFrom(
        6,
        ack,
        [5, 4, 3, 2, 1, 0].map(at => Math.floor(total / 16 ** at) % 16),
      )
    }
    const refused = [...this.#stateBytes(null)]
    refused[2] = (refused[2] ?? 0) | 0x02
    return messageFrom(2, ack, refused)
  }

  #stateBytes(ending: Ending | null, index = 0): readonly number[] {
    const {phase, isFull, remains} = this.#path
    const moving = {
      idle: 0x01,
      reading: 0x02,
      escrow: 0x04,
      stacking: 0x08,
      rejecting: this.#reason === 'host' ? 0x20 : 0x02,
      held: this.#reason === 'host' ? 0x20 : 0x02,
      jammed: 0x00,
    }[phase]
    // The end of a note stands alone, and escrow is told by the next reply.
    const first =
      ending?.is === 'stacked' ? 0x10 : ending?.is === 'returned' ? 0x40 : ending === null ? moving : 0x01
    const second =
      (ending?.is === 'cheated' ? 0x01 : 0) +
      (ending?.is === 'rejected' ? 0x02 : 0) +
      (phase === 'jammed' ? 0x04 : 0) +
      (isFull ? 0x08 : 0) +
      (remains.isCashboxIn ? 0x10 : 0)
    return [first, second, (this.#hasPowerUp ? 0x01 : 0) + index * 8, 0x10, MODEL, REVISION]
  }

  /** The 18 bytes that describe a note; zeros for one that there is not. */
  #row(channel: number, index = channel): readonly number[] {
    const value = NOTES[channel - 1]
    if (value === undefined) return Array.from({length: 18}, () => 0)
    const text = `USD${String(value).padStart(3, '0')}+00`
    return [index, ...Buffer.from(text, 'latin1'), 0x00, 0x43, 0x41, 0x44, 0x42, 0x00, 0x00, 0x00]
  }
}
