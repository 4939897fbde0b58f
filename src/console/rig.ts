/** A rig or a program at the far end: one command a line, one JSON object a line. */
import {ReadlineParser} from '@serialport/parser-readline'
import type {Clock, Timer} from '../../kit/clock.ts'
import {writeJson} from '../../kit/exact-json.ts'
import {filtered} from './filter.ts'
import type {Filter} from './filter.ts'
import type {Front, Said, Send} from './front.ts'
import {LINE_MAX} from './grammar.ts'
import {ascii, jsonOf, linesOf} from './view.ts'
import type {Reply} from './view.ts'

/** Lines that wait while one is carried out; more are dropped. */
const WAITING_MAX = 64

export class RigFront implements Front {
  readonly #send: Send
  readonly #clock: Clock
  readonly #idleMs: number
  readonly #parser = new ReadlineParser({delimiter: '\n', encoding: 'latin1', includeDelimiter: false})
  /** Bytes since the last end of a line: the parser itself knows no limit. */
  #lineBytes = 0
  readonly #lines: string[] = []
  #waiting: ((said: Said) => void) | null = null
  #idle: Timer | null = null
  #isGone = false
  #isIdle = false

  constructor(send: Send, clock: Clock, idleMs: number) {
    this.#send = send
    this.#clock = clock
    this.#idleMs = idleMs
    this.#parser.on('data', (line: string) => {
      this.#take(line)
    })
  }

  command(): Promise<Said> {
    return this.#next()
  }

  async ask(question: string): Promise<Said> {
    await this.#sent(`{"ask":${writeJson(ascii(question))}}`)
    return this.#next()
  }

  async say(lines: readonly string[]): Promise<void> {
    await this.#sent(writeJson({say: lines.map(ascii)}))
  }

  async reply(command: string, reply: Reply, filters: readonly Filter[]): Promise<void> {
    const isFiltered = filters.some(({name}) => name !== 'json') && reply.kind === 'done'
    const shown: Reply = isFiltered
      ? {kind: 'done', view: {kind: 'text', lines: filtered(linesOf(reply.view), filters)}}
      : reply
    await this.#sent(jsonOf(command, shown))
  }

  live(line: string): void {
    this.#sent(writeJson({log: ascii(line)})).catch(() => undefined)
  }

  get isIdle(): boolean {
    return this.#isIdle
  }

  forget(): void {
    this.#isIdle = false
  }

  setLength(): void {
    // A rig has no pages.
  }

  setWidth(): void {
    // Nor columns.
  }

  hangUp(): void {
    this.#isGone = true
    this.#idle?.cancel()
    this.#parser.destroy()
    this.#answer({kind: 'gone'})
  }

  feed(bytes: Uint8Array): void {
    if (this.#isGone) return
    const kept: number[] = []
    for (const byte of bytes) {
      this.#lineBytes = byte === 0x0a ? 0 : this.#lineBytes + 1
      // The line is too long already; the parser gets one byte more than is allowed, so that the whole is refused.
      if (this.#lineBytes <= LINE_MAX + 2) kept.push(byte)
    }
    this.#parser.write(Buffer.from(kept))
  }

  #take(raw: string): void {
    const line = raw.replace(/\r$/, '')
    // Noise, or too long: never carried out, and said.
    if (line.length > LINE_MAX || /[^ -~]/.test(line)) {
      this.#sent('{"outcome":"refused","why":"the line is no command: too long, or not plain text"}').catch(
        () => undefined,
      )
      return
    }
    if (this.#waiting !== null) this.#answer({kind: 'said', text: line})
    else if (this.#lines.length < WAITING_MAX) this.#lines.push(line)
  }

  #next(): Promise<Said> {
    if (this.#isGone) return Promise.resolve({kind: 'gone'})
    const line = this.#lines.shift()
    if (line !== undefined) return Promise.resolve({kind: 'said', text: line})
    return new Promise(resolve => {
      this.#waiting = resolve
      this.#idle?.cancel()
      this.#isIdle = false
      this.#idle = this.#clock.after(this.#idleMs, () => {
        this.#isIdle = true
        this.#answer({kind: 'idle'})
      })
    })
  }

  #answer(said: Said): void {
    const waiting = this.#waiting
    this.#waiting = null
    this.#idle?.cancel()
    waiting?.(said)
  }

  async #sent(line: string): Promise<void> {
    if (!this.#isGone) await this.#send(`${line}\r\n`)
  }
}
