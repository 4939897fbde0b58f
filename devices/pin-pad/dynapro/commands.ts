/** DynaPro: its commands as the driver gives them, with what they bring about as values. */
import type {Clock} from '../../../kit/clock.ts'
import {INFORMATION} from './bytes.ts'
import type {CommandName, Information, Profile} from './bytes.ts'
import {decodeText, encodePan} from './codec.ts'
import type {StateReport} from './codec.ts'
import type {Line} from './line.ts'
import {failedWith} from './meaning.ts'
import type {PinPadFailed} from './meaning.ts'

/** So long what was cancelled may take to say so. */
const CANCEL_MS = 1_000

export class Commands {
  readonly #line: Line
  readonly #clock: Clock
  readonly #stateTimeoutMs: number
  readonly #triesMax: number
  #stateWaiters: ((state: StateReport | null) => void)[] = []
  #endWaiters: (() => void)[] = []

  constructor(line: Line, clock: Clock, {stateTimeoutMs, triesMax}: Profile) {
    this.#triesMax = triesMax
    this.#line = line
    this.#clock = clock
    this.#stateTimeoutMs = stateTimeoutMs
  }

  /** Gives a command; null when the pad accepted it. @param retry `never` for what a second one would begin anew */
  async do(
    name: CommandName,
    content: readonly number[],
    retry: 'safe' | 'never' = 'safe',
  ): Promise<PinPadFailed | null> {
    const tried = await this.#line.ask({name, content, retry})
    return tried.kind === 'failed' ? failedWith(tried.fault, tried.detail) : null
  }

  async information(
    what: Information,
  ): Promise<{readonly kind: 'text'; readonly text: string} | PinPadFailed> {
    const mode = INFORMATION[what]
    const told = await this.#line.askBack({name: 'deviceInformation', content: [mode], retry: 'safe'})
    if (told.kind === 'failed') return told
    const text = told.bytes[0] === mode ? decodeText(told.bytes.subarray(1)) : null
    return text === null
      ? failedWith('nonsense', `deviceInformation: ${what} has an unknown form`)
      : {kind: 'text', text}
  }

  /** Ends the session before, and tells the number of the card that the next PIN is for; null when the pad has it. */
  async startSession(pan: string): Promise<PinPadFailed | null> {
    for (let tries = 1; ; tries += 1) {
      const unended = await this.do('endSession', [0])
      if (unended !== null) return unended
      // A pad that may have taken the number would refuse a second: it begins from the end of the session again.
      const tried = await this.#line.ask({name: 'sendSession', content: [...encodePan(pan)], retry: 'never'})
      if (tried.kind === 'accepted') return null
      if (!tried.isUnclear || tries >= this.#triesMax) return failedWith(tried.fault, tried.detail)
    }
  }

  /** Asks for the device state and waits for its report. */
  async state(): Promise<{readonly kind: 'state'; readonly state: StateReport} | PinPadFailed> {
    const heard = new Promise<StateReport | null>(resolve => {
      const timer = this.#clock.after(this.#stateTimeoutMs, () => {
        resolve(null)
      })
      this.#stateWaiters.push(state => {
        timer.cancel()
        resolve(state)
      })
    })
    const refused = await this.do('requestStatus', [0])
    if (refused !== null) return refused
    const state = await heard
    return state === null
      ? failedWith('no-answer', 'requestStatus: the device state did not come')
      : {kind: 'state', state}
  }

  /** Ends whatever the pad waits for, and waits until it has said so; then the session. */
  async cancel(): Promise<void> {
    const looked = await this.state()
    const isWaiting = looked.kind === 'state' && isWaitingState(looked.state)
    if (looked.kind === 'failed' || isWaiting) {
      const ended = this.#nextEnd()
      const refused = await this.do('cancel', [0])
      if (isWaiting && refused === null) await ended
    }
    await this.do('endSession', [0])
  }

  /** The pad told its state, asked or not. */
  hearState(state: StateReport): void {
    const waiters = this.#stateWaiters
    this.#stateWaiters = []
    for (const wake of waiters) wake(state)
  }

  /** Something that waited for a person has ended. */
  hearEnd(): void {
    const waiters = this.#endWaiters
    this.#endWaiters = []
    for (const wake of waiters) wake()
  }

  /** The link is gone: nobody waits any longer. */
  lose(): void {
    const waiters = this.#stateWaiters
    this.#stateWaiters = []
    for (const wake of waiters) wake(null)
    this.hearEnd()
  }

  #nextEnd(): Promise<void> {
    return new Promise(resolve => {
      const timer = this.#clock.after(CANCEL_MS, resolve)
      this.#endWaiters.push(() => {
        timer.cancel()
        resolve()
      })
    })
  }
}

/** Whether the pad waits for somebody. */
export function isWaitingState({deviceState}: StateReport): boolean {
  return deviceState !== 'idle' && deviceState !== 'session'
}
