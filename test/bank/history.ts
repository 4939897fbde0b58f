/**
 * What the workload asked, what it heard and what was done to the bank meanwhile: one JSON line each, in the order
 * of time. The checker reads the file and nothing else of the workload.
 */
import {closeSync, openSync, readFileSync, writeSync} from 'node:fs'
import {isoTime} from '../../kit/clock.ts'
import type {Clock} from '../../kit/clock.ts'
import type {World} from './world.ts'

/** A request that moves money. */
export interface Movement {
  readonly kind: 'withdrawal' | 'deposit' | 'transfer'
  /** A counter's name or a machine's id. */
  readonly who: string
  readonly at: 'counter' | 'machine'
  readonly accountId: string
  readonly targetAccountId: string | null
  readonly amountMinor: number
  readonly feeMinor: number
}

export type Advice =
  | {readonly kind: 'complete'; readonly paidMinor: number; readonly feeMinor: number}
  | {readonly kind: 'reverse'}
  | {readonly kind: 'suspect'; readonly leastMinor: number; readonly mostMinor: number}

/** A wrong PIN. */
export interface Guess {
  readonly kind: 'guess'
  readonly cardId: string
}

export type Question = Movement | Advice | Guess

export type Answer =
  /** A movement was made; `text` is the whole answer. */
  | {readonly kind: 'approved'; readonly text: string}
  | {readonly kind: 'declined'; readonly rc: string; readonly triesLeft: number | null}
  | {readonly kind: 'acknowledged'; readonly state: string}
  /** The bank will not, and says so for good. */
  | {readonly kind: 'refused'; readonly problem: string}
  /** The bank could not now. */
  | {readonly kind: 'again'; readonly problem: string}
  | {readonly kind: 'silent'; readonly why: string}
  /** Nothing that this question is answered with. */
  | {readonly kind: 'strange'; readonly why: string}

export interface Asked {
  readonly line: 'asked'
  readonly at: string
  readonly ms: number
  readonly ask: number
  /** As the bank's rows have it. */
  readonly key: string
  readonly to: string
  readonly question: Question
}

export interface Heard {
  readonly line: 'heard'
  readonly at: string
  readonly ms: number
  readonly ask: number
  readonly key: string
  readonly answer: Answer
}

/** What somebody saw who looked at many accounts at once. */
export interface Look {
  readonly line: 'look'
  readonly at: string
  readonly ms: number
  /** What was wrong; null when it was as it must be. */
  readonly wrong: string | null
  readonly by: 'database' | 'bank'
}

export interface Fault {
  readonly line: 'fault'
  readonly at: string
  readonly ms: number
  readonly fault: string
}

export type Line = Asked | Heard | Look | Fault | {readonly line: 'world'; readonly world: World}

type Timeless<T> = T extends {readonly ms: number} ? Omit<T, 'at' | 'ms'> : T

export class History {
  readonly path: string
  readonly #file: number
  readonly #clock: Clock
  readonly #onLine: (line: Line) => void
  #asksCount = 0
  #answersCount = 0
  #guessesCount = 0
  #tombstonesCount = 0

  /** @param onLine hears each line once it is written */
  constructor(path: string, clock: Clock, onLine: (line: Line) => void = () => undefined) {
    this.path = path
    this.#clock = clock
    this.#onLine = onLine
    this.#file = openSync(path, 'w')
  }

  write(line: Timeless<Line>): void {
    if (line.line === 'heard') this.#count(line.answer)
    const at = isoTime(this.#clock.wallMs())
    const ms = Math.round(this.#clock.monotonicMs())
    const whole: Line = line.line === 'world' ? line : {at, ms, ...line}
    writeSync(this.#file, `${JSON.stringify(whole)}\n`)
    this.#onLine(whole)
  }

  /** Movements that were approved or declined so far, repeats with them. */
  get answersCount(): number {
    return this.#answersCount
  }

  /** Wrong PINs that were called wrong so far. */
  get guessesCount(): number {
    return this.#guessesCount
  }

  /** Reversals that came before what they take back, so far. */
  get tombstonesCount(): number {
    return this.#tombstonesCount
  }

  /** Before the first byte of a question goes. @returns its number */
  asked(key: string, to: string, question: Question): number {
    this.#asksCount += 1
    this.write({line: 'asked', ask: this.#asksCount, key, to, question})
    return this.#asksCount
  }

  fault(fault: string): void {
    this.write({line: 'fault', fault})
  }

  close(): void {
    closeSync(this.#file)
  }

  #count(answer: Answer): void {
    if (answer.kind === 'declined' && answer.triesLeft !== null) this.#guessesCount += 1
    else if (answer.kind === 'declined' || answer.kind === 'approved') this.#answersCount += 1
    else if (answer.kind === 'acknowledged' && answer.state === 'tombstone') this.#tombstonesCount += 1
  }
}

export function readHistory(path: string): readonly Line[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(text => text !== '')
    .map(text => {
      const line: unknown = JSON.parse(text)
      // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- what History wrote, and nobody else
      return line as Line
    })
}
