/**
 * DynaPro: one PIN entry under way, as far as the wire tells of it. It ends once, by whatever comes first; reports
 * from before the request was given, and after the end, are of another entry and change nothing.
 *
 * That the pad accepted is read on another pipe than its reports, so a quick customer's end may be heard before it.
 * It counts unless the pad is heard waiting for a PIN afterwards: reports among themselves keep their order.
 */
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {LinkLost} from '../../wire/link.ts'
import {SESSION} from './bytes.ts'
import type {PinReport, StateReport} from './codec.ts'

export type PinEnd =
  | {readonly kind: 'report'; readonly report: PinReport}
  /** `unheard`: the pad was seen not waiting for a PIN, and its report did not come. */
  | {readonly kind: 'stop' | 'late' | 'unheard' | 'powerChange'}
  | {readonly kind: 'lost'; readonly why: LinkLost}

/** So long after the pad was seen idle its PIN report may still come, and after an early one the state that disowns it. */
const UNHEARD_MS = 1_000

export class Entry {
  readonly #clock: Clock
  readonly #deadline: Timer
  #unheard: Timer | null = null
  #isAsked = false
  #isArmed = false
  /** What came between the request and its acceptance. */
  #early: PinReport | null = null
  #end: PinEnd | null = null
  #wake: ((end: PinEnd) => void) | null = null

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock
    this.#deadline = clock.after(limitMs, () => {
      this.end({kind: 'late'})
    })
  }

  get hasEnded(): boolean {
    return this.#end !== null
  }

  /** The request is about to be given. */
  ask(): void {
    this.#isAsked = true
    this.#early = null
  }

  /** The pad accepted the request: from now on its reports are this entry's. */
  arm(): void {
    this.#isArmed = true
    if (this.#early !== null) this.#awaitReport()
  }

  /** How it ends. */
  ended(): Promise<PinEnd> {
    if (this.#end !== null) return Promise.resolve(this.#end)
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  /** The keypad is to be armed anew: the end that was, a PIN report, was none. */
  begin(): void {
    this.#isAsked = false
    this.#isArmed = false
    this.#end = null
  }

  end(end: PinEnd): void {
    if (this.#end !== null) return
    this.#end = end
    this.#unheard?.cancel()
    this.#wake?.(end)
  }

  /** Its timers run no more. */
  close(): void {
    this.#deadline.cancel()
    this.end({kind: 'stop'})
  }

  hearPin(report: PinReport): void {
    if (this.#isArmed) this.end({kind: 'report', report})
    else if (this.#isAsked) this.#early = report
  }

  hearState({deviceState, session}: StateReport): void {
    const isWaiting = deviceState === 'waitingForPin'
    if (isWaiting) this.#early = null
    if (!this.#isArmed || this.#end !== null) return
    this.#unheard?.cancel()
    if (isWaiting) return
    if ((session & SESSION.powerChange) !== 0) this.end({kind: 'powerChange'})
    // It may be an older state, or the PIN report comes behind it; not for long.
    else this.#awaitReport()
  }

  #awaitReport(): void {
    this.#unheard = this.#clock.after(UNHEARD_MS, () => {
      this.end(this.#early === null ? {kind: 'unheard'} : {kind: 'report', report: this.#early})
    })
  }
}
