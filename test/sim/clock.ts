/**
 * Time in the simulator: one queue of what falls due, a wall clock that can be set, and for each life of the machine a
 * view of it that ends with that life. Nothing here waits for real time.
 */
import {assert} from '../../kit/assert.ts'
import {epochMs} from '../../kit/clock.ts'
import type {Clock, EpochMs, Timer} from '../../kit/clock.ts'

interface Due {
  readonly atMs: number
  readonly order: number
  fire: (() => void) | null
}

export class SimClock implements Clock {
  readonly #startMs: number
  readonly #pace: ((aheadMs: number) => Promise<void>) | null
  #nowMs = 0
  #wallOffsetMs = 0
  #nextOrder = 0
  #outsideCount = 0
  #firedCount = 0
  /** A binary heap, the next first. */
  readonly #due: Due[] = []

  /** @param pace waited for before time passes, for whoever looks on; null goes as fast as it can */
  constructor(startMs: EpochMs, pace: ((aheadMs: number) => Promise<void>) | null = null) {
    this.#startMs = startMs
    this.#pace = pace
  }

  wallMs(): EpochMs {
    return epochMs(Math.floor(this.#startMs + this.#nowMs + this.#wallOffsetMs))
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  /** Somebody sets the wall clock. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  /** What was due and happened so far. */
  get firedCount(): number {
    return this.#firedCount
  }

  after(delayMs: number, fire: () => void): Timer {
    assert(delayMs >= 0, `a timer ${delayMs} ms from now lies in the past`)
    const due: Due = {atMs: this.#nowMs + delayMs, order: this.#nextOrder++, fire}
    this.#push(due)
    return {
      cancel: () => {
        due.fire = null
      },
    }
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
   * Lets time pass until `isDone` holds; looked at after everything that happens.
   * @returns false when nothing is left to happen, or when `budgetMs` have passed
   */
  async runUntil(isDone: () => boolean, budgetMs: number): Promise<boolean> {
    const endMs = this.#nowMs + budgetMs
    for (;;) {
      await rest()
      while (this.#outsideCount > 0) await breath()
      if (isDone()) return true
      const next = this.#due[0]
      if (next === undefined) return false
      if (next.atMs > endMs) {
        this.#nowMs = endMs
        return false
      }
      this.#pop()
      if (next.fire === null) continue
      if (this.#pace !== null && next.atMs > this.#nowMs) await this.#pace(next.atMs - this.#nowMs)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      this.#firedCount += 1
      next.fire()
    }
  }

  #push(due: Due): void {
    const heap = this.#due
    let at = heap.push(due) - 1
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up]
      if (parent === undefined || isBefore(parent, due)) break
      heap[at] = parent
      at = up
    }
    heap[at] = due
  }

  #pop(): void {
    const heap = this.#due
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      const left = heap[down]
      if (left === undefined) break
      const right = heap[down + 1]
      if (right !== undefined && isBefore(right, left)) down += 1
      const child = heap[down]
      if (child === undefined || isBefore(last, child)) break
      heap[at] = child
      at = down
    }
    heap[at] = last
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

/** Every promise that is ready has run: Node looks at this queue again when no promise is left. */
function rest(): Promise<void> {
  return new Promise(resolve => {
    process.nextTick(resolve)
  })
}

/** Work outside (a thread, a stream) gets its turn. */
function breath(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/**
 * One life of the machine's computer. Dead, it hears nothing and nothing of it happens any more; frozen (a slow disk, a
 * stopped process), what reaches it waits until it wakes, while the world goes on.
 */
export class Life {
  readonly clock: Clock
  readonly #world: SimClock
  #isDead = false
  #frozenUntilMs = 0
  #waitingCount = 0

  constructor(world: SimClock) {
    this.#world = world
    this.clock = {
      wallMs: () => world.wallMs(),
      monotonicMs: () => world.monotonicMs(),
      after: (delayMs, fire) => {
        if (this.#isDead) return {cancel: () => undefined}
        let timer = world.after(delayMs, () => {
          if (this.#isDead) return
          const waitMs = this.#frozenUntilMs - world.monotonicMs()
          if (waitMs <= 0) fire()
          else timer = this.clock.after(waitMs, fire)
        })
        return {
          cancel: () => {
            timer.cancel()
          },
        }
      },
      sleep: delayMs => new Promise(resolve => this.clock.after(delayMs, resolve)),
      outside: work => world.outside(work),
    }
  }

  get isDead(): boolean {
    return this.#isDead
  }

  die(): void {
    this.#isDead = true
  }

  freeze(forMs: number): void {
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.#world.monotonicMs() + forMs)
  }

  /** Something reaches this life from outside: now, when it wakes, or never. Order is kept. */
  reach(what: () => void): void {
    if (this.#isDead) return
    if (this.#waitingCount === 0 && this.#frozenUntilMs <= this.#world.monotonicMs()) {
      what()
      return
    }
    this.#waitingCount += 1
    this.clock.after(0, () => {
      this.#waitingCount -= 1
      what()
    })
  }
}
