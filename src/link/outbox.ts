/**
 * The outbox: what the bank must still be told. It keeps no list of its own; the open advices of the
 * journal are the list. Each is sent until the bank acknowledges it, never dropped, in the order of its
 * operation, and no operation waits for another.
 */
import type {Advice, AdviceState} from '../../fsm/vocabulary.ts'
import type {Clock, Timer} from '../../kit/clock.ts'
import {reasonOf} from '../../kit/errors.ts'
import type {Log} from '../../kit/log.ts'
import type {Random} from '../../kit/random.ts'
import type {AdviceAnswer} from './port.ts'

/** Full-jitter backoff between tries of one operation. Chosen: quick after a blip, gentle to a bank that is down. */
const BACKOFF_BASE_MS = 1_000
const BACKOFF_CAP_MS = 300_000
/** Operations told at once: as many as the link has connections. */
const IN_FLIGHT_MAX = 2

/** What the outbox needs of the journal. */
export interface AdviceSource {
  /** Oldest first. */
  openAdvices(): readonly OpenAdvice[]
  /** Durable when it returns. The advice is open no more. */
  acknowledge(seq: number, state: AdviceState): void
  /** Durable when it returns. The bank will not take the advice, which stays open; said once for each. */
  park(seq: number, why: string): void
}

export interface OpenAdvice {
  /** Of the intent in the journal. */
  readonly seq: number
  readonly advice: Advice
  /** Whether the bank has refused it before, in this life or another. */
  readonly isParked: boolean
}

/** One operation's standing with the bank; forgotten when nothing of it is open. */
interface Standing {
  triesCount: number
  /** Not again before this moment of the monotonic clock. */
  notBeforeMs: number
  isInFlight: boolean
  isRefused: boolean
}

export class Outbox {
  readonly #source: AdviceSource
  readonly #advise: (advice: Advice) => Promise<AdviceAnswer>
  readonly #clock: Clock
  readonly #random: Random
  readonly #log: Log
  readonly #standings = new Map<string, Standing>()
  #inFlightCount = 0
  #timer: Timer | null = null
  #isStopped = false

  /** @param advise the link's `advise` */
  constructor(
    source: AdviceSource,
    advise: (advice: Advice) => Promise<AdviceAnswer>,
    clock: Clock,
    random: Random,
    log: Log,
  ) {
    this.#source = source
    this.#advise = advise
    this.#clock = clock
    this.#random = random
    this.#log = log
  }

  /** Something was added, or the bank is back: everything is due now, but what the bank has refused. */
  kick(): void {
    for (const standing of this.#standings.values()) if (!standing.isRefused) standing.notBeforeMs = 0
    this.#pump()
  }

  /** Tells the oldest open advice of every operation once, whatever its backoff; resolves when each has ended. */
  async sendOnce(): Promise<void> {
    const heads = this.#heads().filter(({advice}) => !this.#standingOf(advice.key).isInFlight)
    await Promise.all(heads.map(head => this.#tell(head)))
  }

  /** Sends nothing more. An acknowledgement still under way is not taken; the advice is told again after the next start. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#timer = null
  }

  #pump(): void {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#isStopped) return
    const nowMs = this.#clock.monotonicMs()
    let nextMs = Number.POSITIVE_INFINITY
    for (const head of this.#heads()) {
      const standing = this.#standingOf(head.advice.key)
      if (standing.isInFlight) continue
      if (standing.notBeforeMs > nowMs) nextMs = Math.min(nextMs, standing.notBeforeMs)
      // One that finds no place is looked at again when a place is free.
      else if (this.#inFlightCount < IN_FLIGHT_MAX) void this.#tellAndGoOn(head)
    }
    if (nextMs < Number.POSITIVE_INFINITY)
      this.#timer = this.#clock.after(nextMs - nowMs, () => {
        this.#pump()
      })
  }

  async #tellAndGoOn(head: OpenAdvice): Promise<void> {
    await this.#tell(head)
    this.#pump()
  }

  async #tell({seq, advice, isParked}: OpenAdvice): Promise<void> {
    const standing = this.#standingOf(advice.key)
    standing.isInFlight = true
    standing.triesCount += 1
    this.#inFlightCount += 1
    const answer = await this.#answerTo(advice)
    this.#inFlightCount -= 1
    standing.isInFlight = false
    if (this.#isStopped) return
    switch (answer.kind) {
      case 'acknowledged':
        if (this.#acknowledged(seq, answer.state)) this.#standings.delete(advice.key)
        else this.#later(standing)
        return
      case 'refused':
        if (!standing.isRefused)
          this.#log.error('the bank refuses an advice; somebody must look', {
            key: advice.key,
            advice: advice.kind,
            why: answer.why,
          })
        standing.isRefused = true
        if (!isParked) this.#parked(seq, answer.why)
        standing.notBeforeMs = this.#clock.monotonicMs() + BACKOFF_CAP_MS
        return
      case 'silent':
        this.#log.warn('the bank did not acknowledge an advice', {
          key: advice.key,
          triesCount: standing.triesCount,
          why: answer.why,
        })
        this.#later(standing)
    }
  }

  async #answerTo(advice: Advice): Promise<AdviceAnswer> {
    try {
      return await this.#advise(advice)
    } catch (thrown) {
      // Nothing may stop the outbox for good: whatever broke, the advice is still owed.
      return {kind: 'silent', why: reasonOf(thrown)}
    }
  }

  /** Whether the acknowledgement is durable; if not, the advice is told again, which does no harm. */
  #acknowledged(seq: number, state: AdviceState): boolean {
    try {
      this.#source.acknowledge(seq, state)
      return true
    } catch (thrown) {
      this.#log.error('an acknowledgement could not be kept', {seq, why: reasonOf(thrown)})
      return false
    }
  }

  /** Not kept, it is said again at the next refusal. */
  #parked(seq: number, why: string): void {
    try {
      this.#source.park(seq, why)
    } catch (thrown) {
      this.#log.error('a refusal could not be kept', {seq, why: reasonOf(thrown)})
    }
  }

  /** Anywhere between now and the doubled wait, so that machines that lost the bank together do not return together. */
  #later(standing: Standing): void {
    const doubled = BACKOFF_BASE_MS * 2 ** Math.min(standing.triesCount - 1, 16)
    const waitMs = this.#random.below(Math.min(BACKOFF_CAP_MS, doubled) + 1)
    standing.notBeforeMs = this.#clock.monotonicMs() + waitMs
  }

  /** The oldest open advice of each operation. */
  #heads(): readonly OpenAdvice[] {
    const heads = new Map<string, OpenAdvice>()
    for (const open of this.#source.openAdvices())
      if (!heads.has(open.advice.key)) heads.set(open.advice.key, open)
    return [...heads.values()]
  }

  #standingOf(key: string): Standing {
    const known = this.#standings.get(key)
    if (known !== undefined) return known
    const standing = {triesCount: 0, notBeforeMs: 0, isInFlight: false, isRefused: false}
    this.#standings.set(key, standing)
    return standing
  }
}
