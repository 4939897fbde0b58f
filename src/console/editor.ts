/**
 * One line being typed on a terminal that knows carriage return, backspace and bell, and no more. Bytes in,
 * bytes out; it waits for nothing and knows no command. A byte that no key of a person sends spoils the whole
 * line: what a bad cable makes up is never half a command.
 */
import {LINE_MAX} from './grammar.ts'

/** What a key led to. */
export type Key =
  | {readonly kind: 'line'; readonly line: string}
  | {readonly kind: 'abort'}
  | {readonly kind: 'end'}
  | {readonly kind: 'help'; readonly line: string}
  | {readonly kind: 'tab'; readonly line: string}

const BELL = '\x07'
const HISTORY_MAX = 50

const CTRL_A = 0x01
const CTRL_B = 0x02
const CTRL_C = 0x03
const CTRL_D = 0x04
const CTRL_E = 0x05
const CTRL_F = 0x06
const BACKSPACE = 0x08
const TAB = 0x09
const LINE_FEED = 0x0a
const CTRL_K = 0x0b
const CTRL_L = 0x0c
const ENTER = 0x0d
const CTRL_N = 0x0e
const CTRL_P = 0x10
const CTRL_R = 0x12
const CTRL_U = 0x15
const CTRL_W = 0x17
const ESCAPE = 0x1b
const DELETE = 0x7f

export class Editor {
  readonly #write: (text: string) => void
  readonly #key: (key: Key) => void
  #columns: number
  #prompt = ''
  #line = ''
  #at = 0
  #isSecret = false
  #isSpoiled = false
  #isOpen = false
  /** What of an escape sequence came so far; null outside one. */
  #escape: string | null = null
  #afterEnter = false
  #ahead: number[] = []
  /** The beginning of what comes next was lost. */
  #isTail = false
  #history: string[] = []
  #recalled = 0
  /** What is searched for backwards; null while nothing is. */
  #search: string | null = null
  /** Columns of the line as it stands on the terminal, prompt included. */
  #drawn = 0

  constructor(write: (text: string) => void, key: (key: Key) => void, columns: number) {
    this.#write = write
    this.#key = key
    this.#columns = columns
  }

  /** Begins a line. @param isSecret shows nothing of it, and remembers nothing */
  open(prompt: string, isSecret: boolean, line = ''): void {
    this.#prompt = prompt
    this.#isSecret = isSecret
    this.#line = line
    this.#at = line.length
    this.#isSpoiled = this.#isTail
    this.#isTail = false
    this.#isOpen = true
    this.#recalled = this.#history.length
    this.#search = null
    this.#drawn = 0
    this.#draw()
    if (this.#isSpoiled) this.#write(BELL)
    const ahead = this.#ahead
    this.#ahead = []
    for (const byte of ahead) this.feed(byte)
  }

  /** Nothing is asked now: keys wait until the next line is opened. */
  close(): void {
    this.#isOpen = false
  }

  /** Somebody else's turn: what they typed is not for the next. */
  forget(): void {
    this.#history = []
    this.#ahead = []
    this.#isTail = false
  }

  set columns(columns: number) {
    this.#columns = columns
  }

  /** Lines above the one being typed, which stands below them as it stood. */
  above(lines: readonly string[]): void {
    const wipe = this.#isOpen ? `\r${' '.repeat(this.#drawn)}\r` : ''
    this.#write(`${wipe}${lines.map(line => `${line}\r\n`).join('')}`)
    this.#drawn = 0
    if (this.#isOpen) this.#draw()
  }

  feed(byte: number): void {
    const isSecondOfEnter = byte === LINE_FEED && this.#afterEnter
    this.#afterEnter = byte === ENTER
    if (isSecondOfEnter) return
    if (!this.#isOpen) {
      this.#keep(byte)
      return
    }
    // No sequence of a terminal holds an end of the line: half of one spoils the line, and Enter still ends it.
    if (this.#escape !== null && [ENTER, LINE_FEED, CTRL_C].includes(byte)) {
      this.#escape = null
      this.#spoil()
    }
    if (this.#escape !== null) this.#feedEscape(this.#escape + String.fromCharCode(byte))
    else if (byte >= 0x20 && byte < DELETE) this.#feedLetter(String.fromCharCode(byte))
    else this.#feedControl(byte)
  }

  /** Typed ahead. When that is too much, what comes next may be half a line, and is spoiled up to its end. */
  #keep(byte: number): void {
    this.#ahead.push(byte)
    if (this.#ahead.length <= LINE_MAX) return
    this.#ahead = []
    this.#isTail = true
  }

  #feedLetter(letter: string): void {
    if (this.#isSpoiled) return
    if (this.#search !== null) {
      this.#searchFor(this.#search + letter)
      return
    }
    if (letter === '?' && !this.#isSecret) {
      this.#write('?\r\n')
      this.#drawn = 0
      this.#key({kind: 'help', line: this.#line.slice(0, this.#at)})
      return
    }
    if (this.#line.length >= LINE_MAX) {
      this.#spoil()
      return
    }
    this.#line = this.#line.slice(0, this.#at) + letter + this.#line.slice(this.#at)
    this.#at += 1
    const isPlain = this.#at === this.#line.length && this.#drawn + 1 < this.#columns
    if (this.#isSecret) return
    if (isPlain) {
      this.#write(letter)
      this.#drawn += 1
    } else this.#draw()
  }

  #feedControl(byte: number): void {
    switch (byte) {
      case ENTER:
      case LINE_FEED:
        this.#enter()
        return
      case CTRL_C:
        this.#write('^C\r\n')
        this.#isOpen = false
        this.#key({kind: 'abort'})
        return
      case CTRL_D:
        if (this.#line === '' && !this.#isSpoiled) {
          this.#write('\r\n')
          this.#isOpen = false
          this.#key({kind: 'end'})
        } else this.#edit(this.#line.slice(0, this.#at) + this.#line.slice(this.#at + 1), this.#at)
        return
      case CTRL_L:
        this.#write('\r\n')
        this.#drawn = 0
        this.#draw()
        return
      case CTRL_U:
        this.#isSpoiled = false
        this.#edit('', 0)
        return
    }
    if (this.#isSpoiled) return
    switch (byte) {
      case CTRL_A:
        this.#edit(this.#line, 0)
        return
      case CTRL_E:
        this.#edit(this.#line, this.#line.length)
        return
      case CTRL_B:
        this.#edit(this.#line, this.#at - 1)
        return
      case CTRL_F:
        this.#edit(this.#line, this.#at + 1)
        return
      case BACKSPACE:
      case DELETE:
        if (this.#search !== null) this.#searchFor(this.#search.slice(0, -1))
        else if (this.#at > 0)
          this.#edit(this.#line.slice(0, this.#at - 1) + this.#line.slice(this.#at), this.#at - 1)
        else this.#write(BELL)
        return
      case CTRL_K:
        this.#edit(this.#line.slice(0, this.#at), this.#at)
        return
      case CTRL_W: {
        const kept = this.#line.slice(0, this.#at).replace(/[^ ]* *$/, '')
        this.#edit(kept + this.#line.slice(this.#at), kept.length)
        return
      }
      case CTRL_P:
        this.#recall(-1)
        return
      case CTRL_N:
        this.#recall(1)
        return
      case CTRL_R:
        if (!this.#isSecret) this.#searchFor(this.#search ?? '')
        return
      case TAB:
        if (!this.#isSecret && this.#at === this.#line.length)
          this.#key({kind: 'tab', line: this.#line.slice(0, this.#at)})
        return
      case ESCAPE:
        this.#escape = ''
        return
      default:
        this.#spoil()
    }
  }

  /** Arrows, Home, End and Delete, as every terminal of the last forty years sends them. */
  #feedEscape(sequence: string): void {
    if (sequence === '[' || sequence === 'O' || /^\[[0-9]$/.test(sequence)) {
      this.#escape = sequence
      return
    }
    this.#escape = null
    const meaning = ESCAPES[sequence]
    if (meaning === undefined) this.#spoil()
    else if (meaning !== 'delete') this.#feedControl(meaning)
    else this.#edit(this.#line.slice(0, this.#at) + this.#line.slice(this.#at + 1), this.#at)
  }

  #enter(): void {
    this.#write('\r\n')
    this.#drawn = 0
    this.#search = null
    if (this.#isSpoiled) {
      this.open(this.#prompt, this.#isSecret)
      return
    }
    const line = this.#line
    this.#isOpen = false
    if (!this.#isSecret && line.trim() !== '' && this.#history.at(-1) !== line) {
      this.#history.push(line)
      if (this.#history.length > HISTORY_MAX) this.#history.shift()
    }
    this.#key({kind: 'line', line})
  }

  #edit(line: string, at: number): void {
    if (at < 0 || at > line.length) {
      this.#write(BELL)
      return
    }
    this.#search = null
    this.#line = line
    this.#at = at
    this.#draw()
  }

  #recall(by: number): void {
    const at = this.#recalled + by
    if (this.#isSecret || at < 0 || at > this.#history.length) {
      this.#write(BELL)
      return
    }
    this.#recalled = at
    const line = this.#history[at] ?? ''
    this.#edit(line, line.length)
  }

  #searchFor(words: string): void {
    this.#search = words
    const found = words === '' ? undefined : this.#history.findLast(line => line.includes(words))
    if (words !== '' && found === undefined) this.#write(BELL)
    if (found !== undefined) {
      this.#line = found
      this.#at = found.length
    }
    this.#draw()
  }

  #spoil(): void {
    this.#isSpoiled = true
    this.#line = ''
    this.#at = 0
    this.#write(BELL)
    this.#draw()
  }

  /** The whole line anew, with nothing but carriage return and backspace; a long one shows the part around the hand. */
  #draw(): void {
    const prompt = this.#search === null ? this.#prompt : `search '${this.#search}': `
    const shown = this.#isSecret ? '' : this.#line
    const at = this.#isSecret ? 0 : this.#at
    const room = Math.max(10, this.#columns - prompt.length - 2)
    const from = at < room ? 0 : at - room + 1
    const part = (from > 0 ? '<' : '') + shown.slice(from > 0 ? from + 1 : 0, from + room)
    const fill = ' '.repeat(Math.max(0, this.#drawn - prompt.length - part.length))
    const back = '\b'.repeat(fill.length + part.length - (at - from))
    this.#write(`\r${prompt}${part}${fill}${back}`)
    this.#drawn = prompt.length + part.length
  }
}

const ESCAPES: Readonly<Record<string, number | 'delete'>> = {
  '[A': CTRL_P,
  '[B': CTRL_N,
  '[C': CTRL_F,
  '[D': CTRL_B,
  '[H': CTRL_A,
  '[F': CTRL_E,
  '[1~': CTRL_A,
  '[4~': CTRL_E,
  '[3~': 'delete',
  OA: CTRL_P,
  OB: CTRL_N,
  OC: CTRL_F,
  OD: CTRL_B,
  OH: CTRL_A,
  OF: CTRL_E,
}
