/**
 * An ESC/POS printer emulated: sees bytes, owns paper. It prints line by line in its own time, stops where
 * paper, cover or cutter stop it, keeps what it could not print in its buffer, and answers real-time
 * requests all the while.
 *
 * Decided here where manuals differ: the near-end sensor sees the last 20 lines of a roll; a paper that ends in
 * the middle of a ticket leaves that ticket in the printer, and printing goes on when a roll is put in.
 */
import {assert} from '../../../kit/assert.ts'
import type {Clock} from '../../../kit/clock.ts'
import type {ByteLink} from '../../wire/link.ts'
import {DLE, KIOSK_STATUS, PROCESS_ID, PROFILES, TEXT, XOFF, XON} from './bytes.ts'
import type {Condition, Profile} from './bytes.ts'
import {kioskBytes, paperByte, realtimeByte} from './codec.ts'
import {Answers} from './emulator-answers.ts'
import type {AnswerMischief, TranscriptLine} from './emulator-answers.ts'
import {HostReader} from './emulator-reader.ts'
import type {Queued, RealtimeRequest} from './emulator-reader.ts'

/** All that a power cut does not take. */
export interface Remains {
  /** Lines left on the roll. */
  readonly paperLines: number
  readonly isCoverOpen: boolean
  readonly isCutterStuck: boolean
  /** Printed and not cut yet. */
  readonly uncut: readonly string[]
  /** A ticket held in the mouth of a kiosk printer. */
  readonly inMouth: readonly string[] | null
  /** Cut and gone, oldest first; the last TICKETS_MAX. */
  readonly tickets: readonly (readonly string[])[]
}

/** What goes wrong with paper, cutter, cover, head or power. */
type PaperMischief =
  /** The cutter sticks at the next cut. */
  | {readonly kind: 'cutterSticks'}
  /** The paper tears or ends after so many more lines. */
  | {readonly kind: 'paperEnds'; readonly afterLines: number}
  /** The head gets too hot after so many lines and cools down by itself. */
  | {readonly kind: 'headHot'; readonly afterLines: number; readonly coolMs: number}
  | {readonly kind: 'coverOpens'; readonly afterLines: number}
  | {readonly kind: 'powerCut'; readonly afterLines: number}

export type Mischief = PaperMischief | AnswerMischief

export interface EmulatorOptions {
  readonly profile?: Profile
  /** Time of one line. */
  readonly lineMs?: number
  readonly remains?: Remains
}

export const FULL_ROLL_LINES = 2_000
export const NEAR_END_LINES = 20
export const TICKETS_MAX = 50
/** What fits into the receive buffer, counted in commands and texts. More is lost, as in a printer nobody waits for. */
const QUEUE_MAX = 8_192
const DOTS_PER_LINE = 24
/** ESC c 4: either bit is the near-end sensor of the roll. */
const NEAR_END_BITS = 0x03

export const FULL: Remains = {
  paperLines: FULL_ROLL_LINES,
  isCoverOpen: false,
  isCutterStuck: false,
  uncut: [],
  inMouth: null,
  tickets: [],
}

/** GS I: numbers and words of this emulator. */
const IDS: Readonly<Record<number, number>> = {1: 0x20, 2: 0x02, 3: 0x01}
const WORDS: Readonly<Record<number, string>> = {
  0x41: '1.00',
  0x42: 'TELLERD',
  0x43: 'ESCPOS-EMU',
  0x44: '00000001',
  0x45: 'A',
}
const KIOSK_MODEL = 0xe1
const KIOSK_ROM = '1.00'

export class EscPosEmulator {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #profile: Profile
  readonly #lineMs: number
  readonly #reader = new HostReader()
  readonly #listeners = new Set<() => void>()
  readonly #answers: Answers
  #remains: Remains
  #queue: Queued[] = []
  #text: number[] = []
  #plans: PaperMischief[] = []
  #isOn = true
  /** A power cut ends the life that a line being printed belongs to. */
  #life = 0
  /** The life whose commands are being carried out, or null when all is done or stopped. */
  #working: number | null = null
  #isPrinting = false
  /** The cutter stuck: nothing goes on before it is free and the host has said so. */
  #isWaiting: boolean
  #isHot = false
  #isButtonDown = false
  #isDrawerOpen = false
  /** ESC c 4: the near-end sensor stops printing as the end itself does. */
  #stopsAtNearEnd = false

  /** @param link the far end of the wire, opened by `start` */
  constructor(link: ByteLink, clock: Clock, options: EmulatorOptions = {}) {
    this.#link = link
    this.#clock = clock
    this.#answers = new Answers(link, clock)
    this.#profile = options.profile ?? PROFILES.desktop
    this.#lineMs = options.lineMs ?? 20
    this.#remains = options.remains ?? FULL
    this.#isWaiting = this.#remains.isCutterStuck
    assert(this.#remains.paperLines >= 0, 'a roll has no fewer lines than none')
  }

  get remains(): Remains {
    return this.#remains
  }

  get state(): {
    readonly power: 'on' | 'off'
    readonly conditions: readonly Condition[]
    readonly drawer: 'open' | 'closed'
  } {
    return {
      power: this.#isOn ? 'on' : 'off',
      conditions: [...this.#conditions()],
      drawer: this.#isDrawerOpen ? 'open' : 'closed',
    }
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#answers.transcript
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
    this.#life += 1
    await this.#link.close()
  }

  plan(mischief: Mischief): void {
    if (isOfPaper(mischief)) this.#plans.push(mischief)
    else this.#answers.plan(mischief)
  }

  /** Calls the listener after every change; the result stops it. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  powerCut(): void {
    if (!this.#isOn) return
    this.#isOn = false
    this.#life += 1
    this.#queue = []
    this.#text = []
    this.#isPrinting = false
    this.#isHot = false
    this.#isButtonDown = false
    this.#stopsAtNearEnd = false
    this.#answers.power('off')
    this.#reader.reset()
    this.#changed()
  }

  powerOn(): void {
    if (this.#isOn) return
    this.#isOn = true
    this.#answers.power('on')
    this.#isWaiting = this.#remains.isCutterStuck
    this.#changed()
  }

  setCover(is: 'open' | 'closed'): void {
    this.#set({isCoverOpen: is === 'open'})
  }

  /** A new roll, with so many lines on it. */
  loadPaper(lines: number = FULL_ROLL_LINES): void {
    assert(Number.isInteger(lines) && lines >= 0, `${lines} lines are no roll`)
    this.#set({paperLines: lines})
  }

  /** The operator frees the cutter; the printer still waits for the host to end the error. */
  freeCutter(): void {
    this.#set({isCutterStuck: false})
  }

  pressFeed(is: 'down' | 'up'): void {
    this.#isButtonDown = is === 'down'
    this.#changed()
  }

  /** The customer takes what is within reach; what is said on it, or null. */
  takeTicket(): readonly string[] | null {
    const {inMouth, tickets} = this.#remains
    if (inMouth === null) return null
    this.#set({inMouth: null, tickets: [...tickets, inMouth].slice(-TICKETS_MAX)})
    return inMouth
  }

  #conditions(): Set<Condition> {
    const {paperLines, isCoverOpen, isCutterStuck, inMouth} = this.#remains
    const isEnded = paperLines === 0 || (this.#stopsAtNearEnd && paperLines <= NEAR_END_LINES)
    const isStopped = isCoverOpen || isEnded || this.#isWaiting || this.#isHot
    const table: Readonly<Partial<Record<Condition, boolean>>> = {
      coverOpen: isCoverOpen,
      paperOut: paperLines === 0,
      paperNearEnd: paperLines <= NEAR_END_LINES,
      stoppedByPaperEnd: isEnded,
      cutter: isCutterStuck || this.#isWaiting,
      error: this.#isWaiting || this.#isHot,
      waitingForRecovery: this.#isWaiting && !isCutterStuck,
      recoverable: this.#isHot,
      headTemperature: this.#isHot,
      offLine: isStopped,
      feedButton: this.#isButtonDown,
      feeding: this.#isButtonDown || (this.#isPrinting && this.#profile.family === 'kiosk'),
      spooling: this.#queue.length > 0,
      ticketInMouth: inMouth !== null,
      drawerHigh: this.#isDrawerOpen,
    }
    const names = new Set<Condition>()
    for (const name in table) if (isCondition(name, table)) names.add(name)
    return names
  }

  get #isStopped(): boolean {
    return this.#conditions().has('offLine')
  }

  #hear(chunk: Uint8Array): void {
    this.#answers.note('host', chunk)
    if (!this.#isOn) return
    for (const said of this.#reader.push(chunk)) {
      if (said.kind === 'realtime') this.#realtime(said)
      else if (this.#queue.length < QUEUE_MAX) this.#queue.push(said)
    }
    void this.#work()
  }

  #realtime({function: asked, n}: RealtimeRequest): void {
    if (asked === 'recover') {
      this.#recover(n)
      return
    }
    const conditions = this.#conditions()
    if (n === KIOSK_STATUS.request) {
      if (this.#profile.family === 'kiosk') this.#answers.answer(kioskBytes(conditions))
      return
    }
    if (n < 1 || n > 4) return
    // An open cover is itself an error that ends by itself, in these answers alone (E).
    if (conditions.has('coverOpen')) conditions.add('recoverable')
    this.#answers.answer(Uint8Array.of(realtimeByte(n, conditions)))
  }

  #recover(n: number): void {
    if (!this.#isWaiting || this.#remains.isCutterStuck || (n !== 1 && n !== 2)) return
    this.#isWaiting = false
    if (n === 2) {
      this.#queue = []
      this.#text = []
    }
    this.#changed()
    void this.#work()
  }

  async #work(): Promise<void> {
    const life = this.#life
    if (this.#working === life) return
    this.#working = life
    while (this.#isOn && life === this.#life && !this.#isStopped) {
      const next = this.#queue.shift()
      if (next === undefined) break
      // What stopped in the middle is done again when the printer goes on.
      if (!(await this.#carryOut(next, life)) && life === this.#life) this.#queue.unshift(next)
    }
    if (this.#working === life) this.#working = null
  }

  /** @returns false when the printer stopped before it was done */
  async #carryOut(next: Queued, life: number): Promise<boolean> {
    switch (next.kind) {
      case 'text':
        this.#text.push(...next.bytes)
        return true
      case 'lineFeed':
        return this.#printLine(life)
      case 'image':
        return this.#printPicture(next, life)
      case 'command':
        return this.#command(next.bytes, life)
      case 'unknown':
        return true
    }
  }

  async #command(bytes: readonly number[], life: number): Promise<boolean> {
    const [first = 0, second = 0, n = 0, m = 0] = bytes
    switch (first * 256 + second) {
      case 0x1b40:
        this.#text = []
        this.#stopsAtNearEnd = false
        return true
      case 0x1b63:
        // ESC c 3 is about a signal of the parallel port.
        if (n === 0x34) this.#stopsAtNearEnd = (m & NEAR_END_BITS) !== 0
        this.#changed()
        return true
      case 0x1b64:
        return (await this.#printLine(life)) && this.#feed(n - 1, life)
      case 0x1b70:
        this.#isDrawerOpen = true
        this.#changed()
        return true
      case 0x1b76:
        this.#answers.answer(Uint8Array.of(paperByte(this.#conditions())))
        return true
      case 0x1d28:
        this.#tellProcess(bytes)
        return true
      case 0x1d49:
        this.#identify(n)
        return true
      case 0x1d56:
        if (this.#text.length > 0 && !(await this.#printLine(life))) return false
        if (!(await this.#feed(Math.ceil(m / DOTS_PER_LINE), life))) return false
        this.#cut()
        return true
      case 0x1d61:
        if (this.#profile.family === 'desktop') this.#answers.askFor(n, this.#news)
        return true
      case 0x1d72:
        if (n === 1 || n === 0x31) this.#answers.answer(Uint8Array.of(paperByte(this.#conditions())))
        if (n === 2 || n === 0x32) this.#answers.answer(Uint8Array.of(this.#isDrawerOpen ? 1 : 0))
        return true
      case 0x1cc0:
        if (this.#profile.family === 'kiosk') this.#cut()
        return true
      default:
        return true
    }
  }

  /** GS ( H: the four bytes that the host gave come back once everything before them is done. */
  #tellProcess(bytes: readonly number[]): void {
    const {head, length} = PROCESS_ID
    if (bytes.length !== length || !head.every((byte, at) => bytes[at] === byte)) return
    this.#answers.answer(Uint8Array.of(...PROCESS_ID.answer, ...bytes.slice(head.length), TEXT.end))
  }

  #identify(n: number): void {
    if (this.#profile.family === 'kiosk') {
      if (n === 0x31) this.#answers.answer(Uint8Array.of(KIOSK_MODEL))
      if (n === 0x33) this.#answers.answer(ascii(KIOSK_ROM))
      return
    }
    const id = IDS[n >= 0x31 && n <= 0x33 ? n - 0x30 : n]
    const words = WORDS[n]
    if (words !== undefined) this.#answers.answer(Uint8Array.of(TEXT.head, ...ascii(words), TEXT.end))
    else if (id !== undefined) this.#answers.answer(Uint8Array.of(id))
  }

  /** Its dots are not kept: a line of the ticket says how many there were. */
  async #printPicture(
    {widthDots, heightDots}: Extract<Queued, {readonly kind: 'image'}>,
    life: number,
  ): Promise<boolean> {
    if (!(await this.#feed(Math.ceil(heightDots / DOTS_PER_LINE), life))) return false
    this.#set({uncut: [...this.#remains.uncut, `[picture ${widthDots} x ${heightDots}]`]})
    return true
  }

  async #printLine(life: number): Promise<boolean> {
    const line = shown(this.#text)
    if (!(await this.#feed(1, life))) return false
    this.#text = []
    this.#set({uncut: [...this.#remains.uncut, line]})
    return true
  }

  /** @returns false when it stopped on the way */
  async #feed(lines: number, life: number): Promise<boolean> {
    for (let line = 0; line < lines; line++) {
      this.#strike()
      if (this.#isStopped || life !== this.#life) return false
      this.#isPrinting = true
      this.#set({paperLines: this.#remains.paperLines - 1})
      await this.#clock.sleep(this.#lineMs)
      if (life !== this.#life) return false
      this.#isPrinting = false
      this.#changed()
    }
    return true
  }

  /** What is planned for this line. */
  #strike(): void {
    const plan = this.#plans.find(one => one.kind !== 'cutterSticks')
    if (plan === undefined) return
    this.#plans = this.#plans.filter(one => one !== plan)
    if (plan.afterLines > 0) {
      this.#plans = [{...plan, afterLines: plan.afterLines - 1}, ...this.#plans]
      return
    }
    switch (plan.kind) {
      case 'paperEnds':
        this.#set({paperLines: 0})
        return
      case 'coverOpens':
        this.#set({isCoverOpen: true})
        return
      case 'powerCut':
        this.powerCut()
        return
      case 'headHot':
        this.#isHot = true
        this.#changed()
        this.#clock.after(plan.coolMs, () => {
          this.#isHot = false
          this.#changed()
          void this.#work()
        })
    }
  }

  #cut(): void {
    const plan = this.#plans.find(({kind}) => kind === 'cutterSticks')
    this.#plans = this.#plans.filter(one => one !== plan)
    if (plan !== undefined) {
      this.#isWaiting = true
      this.#set({isCutterStuck: true})
      return
    }
    const {uncut, tickets} = this.#remains
    if (this.#profile.family === 'desktop') {
      this.#set({uncut: [], tickets: [...tickets, uncut].slice(-TICKETS_MAX)})
      return
    }
    // A ticket that nobody took is pushed out by the next.
    this.takeTicket()
    this.#set({uncut: [], inMouth: uncut})
  }

  #set(change: Partial<Remains>): void {
    this.#remains = {...this.#remains, ...change}
    this.#changed()
    void this.#work()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
    this.#answers.changed(this.#news)
  }

  /** What is worth telling unasked: paper that moves for a job is no news, a button's feed is. */
  get #news(): ReadonlySet<Condition> {
    const conditions = this.#conditions()
    if (!this.#isButtonDown) conditions.delete('feeding')
    return conditions
  }
}

function isOfPaper(mischief: Mischief): mischief is PaperMischief {
  return mischief.kind === 'cutterSticks' || 'afterLines' in mischief
}

function isCondition(name: string, table: Readonly<Partial<Record<Condition, boolean>>>): name is Condition {
  return Object.entries(table).some(([one, holds]) => one === name && holds)
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, character => character.charCodeAt(0))
}

/** Bytes as a person may read them: ASCII as it stands, what a code page says as its number. */
function shown(bytes: readonly number[]): string {
  return bytes
    .filter(byte => byte !== XON && byte !== XOFF && byte !== DLE)
    .map(byte =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
    )
    .join('')
}
