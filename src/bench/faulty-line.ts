/** The line to the bank with a switch in it: cut, or losing what comes back. */
import type {BankRequest, Transport, TransportAnswer} from '../link/transport.ts'
import type {Clock} from '../../kit/clock.ts'

export class FaultyLine implements Transport {
  readonly #inner: Transport
  readonly #clock: Clock
  #isCut = false
  #losesAnswers = 0
  readonly #listeners = new Set<() => void>()

  constructor(inner: Transport, clock: Clock) {
    this.#inner = inner
    this.#clock = clock
  }

  get isCut(): boolean {
    return this.#isCut
  }

  cut(): void {
    this.#isCut = true
    this.#tell()
  }

  restore(): void {
    this.#isCut = false
    this.#tell()
  }

  /** The next answer reaches the bank's end of the line and no further. */
  loseAnswer(): void {
    this.#losesAnswers += 1
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  async send(request: BankRequest): Promise<TransportAnswer> {
    if (this.#isCut) return {kind: 'silent', why: 'the line is cut', sent: false}
    const losesThis = this.#losesAnswers > 0
    if (losesThis) this.#losesAnswers -= 1
    const answer = await this.#inner.send(request)
    if (!losesThis && !this.#wasCutMeanwhile()) return answer
    // The bank has acted, and this end hears nothing until its patience is over.
    await this.#clock.sleep(request.deadlineMs)
    return {kind: 'silent', why: 'no answer within the deadline', sent: true}
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  #wasCutMeanwhile(): boolean {
    return this.#isCut
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
