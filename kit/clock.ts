/**
 * Time comes in from outside: every wait of the program goes through a Clock, so that a run in
 * virtual time waits for nothing and one seed replays one run exactly. No other file may touch
 * Date, performance or Node's timers.
 */
import {assert} from './assert.ts'

declare const epoch: unique symbol
/** Milliseconds since 1970-01-01T00:00Z, an integer. */
export type EpochMs = number & {readonly [epoch]: true}

/** @throws AssertionFailed unless the number is a non-negative safe integer. */
export function epochMs(value: number): EpochMs {
  assert(Number.isSafeInteger(value) && value >= 0, `${value} is not a time in ms since 1970`)
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- the brand's one constructor, just checked
  return value as EpochMs
}

/** The moment as UTC text, `2026-11-22T11:30:00.000Z`. */
export function isoTime(atMs: EpochMs): string {
  return new Date(atMs).toISOString()
}

/** The moment that an ISO 8601 text names, or null when it names none:  `2026-11-22T11:30:00Z`. */
export function timeFromIso(text: string): EpochMs | null {
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? null : epochMs(atMs)
}

/** A timer that has not fired yet; cancelling it twice, or after it fired, is harmless. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall-clock time; may step when the operator or NTP sets it. For records, never for measuring. */
  wallMs(): EpochMs
  /** Milliseconds since some fixed moment; never steps. For measuring. */
  monotonicMs(): number
  /** Calls `fire` once, `delayMs` (at least 0) from now. */
  after(delayMs: number, fire: () => void): Timer
  /** Resolves `delayMs` from now. */
  sleep(delayMs: number): Promise<void>
  /**
   * Passes on work that ends outside this clock's world (a real socket, a child process). Virtual time
   * stands still until it has ended; real time does not care.
   */
  outside<T>(work: Promise<T>): Promise<T>
}

/** The process's own clock. A waiting timer keeps the process alive. */
export function realClock(): Clock {
  return {
    wallMs: () => epochMs(Date.now()),
    monotonicMs: () => performance.now(),
    after(delayMs, fire) {
      const timer = setTimeout(fire, delayMs)
      return {
        cancel: () => {
          clearTimeout(timer)
        },
      }
    },
    sleep: delayMs => new Promise(resolve => setTimeout(resolve, delayMs)),
    outside: work => work,
  }
}

interface Due {
  readonly atMs: number
  readonly order: number
  readonly fire: () => void
}

/**
 * A clock that moves only when told, and then as fast as the program can: it fires the next timer as
 * soon as everything already set in motion has come to rest. Timers due at the same moment fire in the
 * order they were set.
 */
export class VirtualClock implements Clock {
  readonly #startMs: EpochMs
  #elapsedMs = 0
  #nextOrder = 0
  #outsideCount = 0
  readonly #due = new Set<Due>()

  constructor(startMs: EpochMs) {
    this.#startMs = startMs
  }

  wallMs(): EpochMs {
    return epochMs(this.#startMs + Math.floor(this.#elapsedMs))
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  after(delayMs: number, fire: () => void): Timer {
    assert(delayMs >= 0, `a timer ${delayMs} ms from now lies in the past`)
    const due: Due = {atMs: this.#elapsedMs + delayMs, order: this.#nextOrder++, fire}
    this.#due.add(due)
    return {cancel: () => this.#due.delete(due)}
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise(resolve => this.after(delayMs, resolve))
  }

  async outside<T>(work: Promise<T>): Promise<T> {
    this.#outsideCount += 1
    try {
      return await work
    } finally {
      this.#outsideCount -= 1
    }
  }

  /**
   * Runs until `isDone` holds, moving time from timer to timer.
   * @returns `done`; `idle` when nothing is left that could ever happen; `late` when the next timer lies
   * beyond `budgetMs` of virtual time from now.
   */
  async runUntil(isDone: () => boolean, budgetMs: number): Promise<'done' | 'idle' | 'late'> {
    const endMs = this.#elapsedMs + budgetMs
    for (;;) {
      await settle()
      while (this.#outsideCount > 0) await settle()
      if (isDone()) return 'done'
      const next = this.#next()
      if (next === null) return 'idle'
      if (next.atMs > endMs) {
        this.#elapsedMs = endMs
        return 'late'
      }
      this.#due.delete(next)
      this.#elapsedMs = next.atMs
      next.fire()
    }
  }

  /**
   * Runs until the work has ended and gives its result.
   * @throws AssertionFailed when it has not ended within `budgetMs` of virtual time, or never can; what the work throws
   */
  async finish<T>(work: Promise<T>, budgetMs: number): Promise<T> {
    let hasEnded = false
    const watched = work.finally(() => {
      hasEnded = true
    })
    // Its failure is passed on below, when it is awaited.
    watched.catch(() => undefined)
    const ran = await this.runUntil(() => hasEnded, budgetMs)
    assert(ran === 'done', `the work has not ended: ${ran}`)
    return watched
  }

  /** Moves time on by `delayMs`, firing what falls due on the way. */
  async advance(delayMs: number): Promise<void> {
    const endMs = this.#elapsedMs + delayMs
    await this.runUntil(() => false, delayMs)
    this.#elapsedMs = endMs
  }

  #next(): Due | null {
    let next: Due | null = null
    for (const due of this.#due) {
      if (next === null || due.atMs < next.atMs || (due.atMs === next.atMs && due.order < next.order))
        next = due
    }
    return next
  }
}

/** Lets every promise and callback that is ready run, and lets sockets have their turn. Waits for no time. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
