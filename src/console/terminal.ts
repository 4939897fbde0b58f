/** A person at a terminal of 80 columns and 24 lines: the line being typed, help, completion, pages and the live log. */
import type {Clock, Timer} from '../../kit/clock.ts'
import {Editor} from './editor.ts'
import type {Key} from './editor.ts'
import {filtered} from './filter.ts'
import type {Filter} from './filter.ts'
import type {Front, Helper, Said, Send} from './front.ts'
import type {Next} from './grammar.ts'
import {Pager} from './pager.ts'
import {ascii, jsonOf, linesOf} from './view.ts'
import type {Reply} from './view.ts'

const COLUMNS = 80
const LINES = 24
const MORE = '--More--'
/** Of what a long line goes on with. */
const INDENT = '    '
/** Live lines that wait for a slow line; beyond, they are counted and dropped. */
const LIVE_BYTES_MAX = 4_096
const NOBODY: Helper = {help: () => [], complete: line => ({line, choices: []})}

export class Terminal implements Front {
  readonly #send: Send
  readonly #clock: Clock
  readonly #idleMs: number
  readonly #editor: Editor
  #helper = NOBODY
  #prompt = ''
  #waiting: ((said: Said) => void) | null = null
  /** Of the answer that is shown. */
  #pager = new Pager()
  #idle: Timer | null = null
  #isGone = false
  #isIdle = false
  #length = LINES
  #columns = COLUMNS
  #unsentBytes = 0
  #droppedLines = 0

  constructor(send: Send, clock: Clock, idleMs: number) {
    this.#send = send
    this.#clock = clock
    this.#idleMs = idleMs
    this.#editor = new Editor(
      text => {
        this.#write(text)
      },
      key => {
        this.#onKey(key)
      },
      COLUMNS,
    )
  }

  command(prompt: string, helper: Helper): Promise<Said> {
    return this.#next(prompt, false, helper)
  }

  ask(question: string, isSecret: boolean): Promise<Said> {
    return this.#next(`${question}: `, isSecret, NOBODY)
  }

  async say(lines: readonly string[]): Promise<void> {
    await this.#paged(lines.map(ascii))
  }

  async reply(command: string, reply: Reply, filters: readonly Filter[]): Promise<void> {
    if (filters.some(({name}) => name === 'json')) await this.#paged([jsonOf(command, reply)])
    else if (reply.kind === 'done')
      await this.#paged(filtered(linesOf(reply.view), filters).flatMap(line => this.#wrapped(line)))
    else await this.#paged(this.#wrapped(ascii(`refused: ${reply.why}`)))
  }

  live(line: string): void {
    if (this.#pager.isWaiting || this.#unsentBytes > LIVE_BYTES_MAX) {
      this.#droppedLines += 1
      return
    }
    const dropped = this.#droppedLines === 0 ? [] : [`% ${this.#droppedLines} lines dropped`]
    this.#droppedLines = 0
    this.#editor.above([...dropped, `% ${ascii(line)}`])
  }

  get isIdle(): boolean {
    return this.#isIdle
  }

  forget(): void {
    this.#isIdle = false
    this.#editor.forget()
  }

  setLength(lines: number): void {
    this.#length = lines
  }

  setWidth(columns: number): void {
    this.#columns = columns
    this.#editor.columns = columns
  }

  hangUp(): void {
    this.#isGone = true
    this.#idle?.cancel()
    this.#editor.close()
    this.#answer({kind: 'gone'})
    this.#pager.end()
  }

  feed(bytes: Uint8Array): void {
    this.#stir()
    for (const byte of bytes) {
      if (!this.#pager.take(byte)) this.#editor.feed(byte)
    }
  }

  #next(prompt: string, isSecret: boolean, helper: Helper): Promise<Said> {
    if (this.#isGone) return Promise.resolve({kind: 'gone'})
    this.#prompt = prompt
    this.#helper = helper
    return new Promise(resolve => {
      this.#waiting = resolve
      this.#stir()
      // Last, since what was typed ahead may be the answer already.
      this.#editor.open(prompt, isSecret)
    })
  }

  #answer(said: Said): void {
    const waiting = this.#waiting
    this.#waiting = null
    this.#idle?.cancel()
    waiting?.(said)
  }

  #stir(): void {
    this.#idle?.cancel()
    this.#isIdle = false
    if (this.#isGone) return
    this.#idle = this.#clock.after(this.#idleMs, () => {
      this.#isIdle = true
      this.#editor.close()
      this.#answer({kind: 'idle'})
      this.#pager.end()
    })
  }

  #onKey(key: Key): void {
    switch (key.kind) {
      case 'line':
        this.#answer({kind: 'said', text: key.line})
        return
      case 'abort':
      case 'end':
        this.#answer({kind: 'ended'})
        return
      case 'help': {
        const lines = this.#helped(this.#helper.help(key.line))
        this.#editor.above(lines.length === 0 ? ['  (nothing)'] : lines.map(ascii))
        return
      }
      case 'tab': {
        const {line, choices} = this.#helper.complete(key.line)
        if (choices.length > 1) this.#editor.above(this.#wrapped(`  ${choices.join('  ')}`))
        if (line === key.line && choices.length === 0) this.#write('\x07')
        this.#editor.open(this.#prompt, false, line)
        return
      }
    }
  }

  /** What may stand next, with what it is for; the words alone where the glass has no room for that. */
  #helped(next: readonly Next[]): readonly string[] {
    const lines = next.flatMap(({word, purpose}) => this.#wrapped(`  ${word.padEnd(14)} ${purpose}`))
    if (this.#length === 0 || lines.length < this.#length) return lines
    return this.#wrapped(`  ${next.map(({word}) => word).join('  ')}`).concat(
      "  ('help' says what each is for)",
    )
  }

  /** Long answers a page at a time: space for a page, Enter for a line, q for enough; any other key begins the next line. */
  async #paged(lines: readonly string[]): Promise<void> {
    this.#pager = new Pager()
    await this.#pages(lines)
    for (const key of this.#pager.close()) this.#editor.feed(key)
  }

  async #pages(lines: readonly string[]): Promise<void> {
    let room = this.#length - 1
    let chunk = ''
    for (const [at, line] of lines.entries()) {
      chunk += `${line}\r\n`
      room -= Math.max(1, Math.ceil(line.length / this.#columns))
      const isLast = at === lines.length - 1
      if (this.#length > 0 && room <= 0 && !isLast) {
        if (!(await this.#sent(chunk + MORE))) return
        chunk = ''
        this.#stir()
        const wanted = await this.#pager.next()
        await this.#sent(`\r${' '.repeat(MORE.length)}\r`)
        if (wanted === 'enough') return
        room = wanted === 'line' ? 1 : this.#length - 1
      } else if (chunk.length > 1_024) {
        if (!(await this.#sent(chunk))) return
        chunk = ''
      }
    }
    await this.#sent(chunk)
  }

  #write(text: string): void {
    this.#sent(text).catch(() => undefined)
  }

  async #sent(text: string): Promise<boolean> {
    if (text === '') return !this.#isGone
    this.#unsentBytes += text.length
    const isSent = await this.#send(text)
    this.#unsentBytes -= text.length
    return isSent && !this.#isGone
  }

  /** Broken at spaces, so that no line is longer than the terminal is wide. */
  #wrapped(line: string): readonly string[] {
    if (line.length < this.#columns) return [line]
    const at = line.lastIndexOf(' ', this.#columns - 1)
    const end = at > INDENT.length ? at : this.#columns - 1
    return [line.slice(0, end), ...this.#wrapped(`${INDENT}${line.slice(end).trimStart()}`)]
  }
}
