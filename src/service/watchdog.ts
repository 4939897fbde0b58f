/**
 * Signs of life for systemd. Its timer fires only while the event loop turns; and it speaks only while the machine makes
 * progress: between visits it looks at its devices again and again, in a visit it does not stay in one state for
 * ever. A device that fails is no reason to stay silent; a driver that never answers is.
 */
import {isWaiting} from '../../fsm/context.ts'
import type {Standing} from '../../fsm/session.ts'
import type {Clock, Timer} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'

/** Signs in the time that systemd waits for one. */
const SIGNS = 3

/**
 * One look asks three devices and the bank, each with deadlines of its own; a device that comes back is opened and a
 * motor may run a minute. Chosen: far above their sum.
 */
export const LOOK_MAX_MS = 300_000

/** The longest deadlines of one state add up to less than five minutes: a customer's, a device's and the bank's. Chosen: three times that. */
export const STATE_MAX_MS = 900_000

/** What is watched. */
export interface Watched {
  readonly standing: Standing
  /** When the machine last finished looking at its devices and the bank, on the monotonic clock; null before it first did. */
  readonly lookedAtMs: number | null
}

export class Watchdog {
  readonly #watched: Watched
  readonly #clock: Clock
  readonly #log: Log
  readonly #intervalMs: number
  readonly #sign: () => void
  #timer: Timer | null = null
  #state: Standing['state'] | null = null
  #sinceMs = 0
  #isSilent = false

  /** @param patienceMs how long systemd waits for a sign */
  constructor(watched: Watched, patienceMs: number, sign: () => void, clock: Clock, log: Log) {
    this.#watched = watched
    this.#intervalMs = patienceMs / SIGNS
    this.#sign = sign
    this.#clock = clock
    this.#log = log
  }

  start(): void {
    this.#look()
    this.#timer = this.#clock.after(this.#intervalMs, () => {
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #look(): void {
    const stuck = this.#stuck()
    if (stuck === null) this.#sign()
    else if (!this.#isSilent) this.#log.error('the machine stands still and is to be restarted', {why: stuck})
    this.#isSilent = stuck !== null
  }

  /** What does not go on, or null. */
  #stuck(): string | null {
    const nowMs = this.#clock.monotonicMs()
    const {
      standing: {state},
      lookedAtMs,
    } = this.#watched
    if (state !== this.#state) {
      this.#state = state
      this.#sinceMs = nowMs
    }
    const stoodMs = nowMs - this.#sinceMs
    // One that is suspended because its journal failed never leaves that by itself: started again, it tries the disk once more.
    if (!isWaiting(state)) return stoodMs > STATE_MAX_MS ? `the machine does not leave ${state}` : null
    const unseenMs = Math.min(stoodMs, nowMs - (lookedAtMs ?? 0))
    return unseenMs > LOOK_MAX_MS ? 'a device or the bank is asked and the question does not end' : null
  }
}
