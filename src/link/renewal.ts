/**
 * The line to the bank with a certificate that never runs out: when two thirds of its life are over, the next
 * one is asked for, kept, and used from the next question on. Until then, and while the bank does not
 * answer, the old one goes on.
 */
import {reasonOf} from '../../kit/errors.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import type {Random} from '../../kit/random.ts'
import {lifeOf} from './identity.ts'
import type {MachineIdentity} from './identity.ts'
import type {Issued} from './enrolment.ts'
import type {BankRequest, Transport, TransportAnswer} from './transport.ts'

/** After a renewal that failed. Chosen: ten days of tries remain of thirty. */
const AGAIN_AFTER_MS = 3_600_000

export interface RenewalParts {
  readonly identity: MachineIdentity
  /** A sealed line with this identity. */
  readonly open: (identity: MachineIdentity) => Transport
  /** Asks for the next certificate over the line of the present one. */
  readonly renew: (line: Transport, identity: MachineIdentity) => Promise<Issued>
  /** Durable when it returns. @throws SystemFault */
  readonly keep: (identity: MachineIdentity) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export function renewingTransport(parts: RenewalParts): Transport {
  return new RenewingLine(parts)
}

class RenewingLine implements Transport {
  readonly #parts: RenewalParts
  #identity: MachineIdentity
  #line: CountedLine
  #dueMs: number
  #renewal: Promise<void> | null = null

  constructor(parts: RenewalParts) {
    this.#parts = parts
    this.#identity = parts.identity
    this.#line = new CountedLine(parts.open(parts.identity))
    this.#dueMs = dueOf(parts.identity, parts.random)
  }

  send(request: BankRequest): Promise<TransportAnswer> {
    const answer = this.#line.send(request)
    if (this.#renewal === null && this.#parts.clock.wallMs() >= this.#dueMs)
      this.#renewal = this.#renew().finally(() => {
        this.#renewal = null
      })
    return answer
  }

  async close(): Promise<void> {
    await this.#line.close()
    await this.#renewal
  }

  async #renew(): Promise<void> {
    const {clock, random, log, renew, keep, open} = this.#parts
    this.#dueMs = clock.wallMs() + AGAIN_AFTER_MS
    try {
      const issued = await renew(this.#line, this.#identity)
      if (issued.kind !== 'issued') {
        log.warn('the certificate was not renewed', {kind: issued.kind, why: issued.why})
        return
      }
      keep(issued.identity)
      const before = this.#line
      this.#identity = issued.identity
      this.#line = new CountedLine(open(issued.identity))
      this.#dueMs = dueOf(issued.identity, random)
      log.info('the certificate was renewed')
      before.closeWhenIdle()
    } catch (thrown) {
      // The old one still counts, and the disk may take the next one in an hour.
      log.error('the certificate was not renewed', {kind: 'fault', why: reasonOf(thrown)})
    }
  }
}

/** Two thirds of the life, and up to a tenth more, so that machines that were enrolled together part. */
function dueOf({certificate}: MachineIdentity, random: Random): number {
  const {fromMs, toMs} = lifeOf(certificate)
  const lifeMs = toMs - fromMs
  return fromMs + (lifeMs * 2) / 3 + (lifeMs / 10) * (random.below(1_000) / 1_000)
}

/** A line that knows whether somebody still waits on it. */
class CountedLine implements Transport {
  readonly #line: Transport
  #waitingCount = 0
  #closesWhenIdle = false

  constructor(line: Transport) {
    this.#line = line
  }

  async send(request: BankRequest): Promise<TransportAnswer> {
    this.#waitingCount += 1
    try {
      return await this.#line.send(request)
    } finally {
      this.#waitingCount -= 1
      this.#closeIfIdle()
    }
  }

  close(): Promise<void> {
    return this.#line.close()
  }

  closeWhenIdle(): void {
    this.#closesWhenIdle = true
    this.#closeIfIdle()
  }

  #closeIfIdle(): void {
    if (this.#closesWhenIdle && this.#waitingCount === 0) void this.#line.close()
  }
}
