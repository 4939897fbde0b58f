/**
 * Which faults of a database are worth another try. Not one of them is a fault of the work that was tried: two
 * transactions met, or the server went away. A commit whose answer was lost may have been one; so it is tried again
 * only where the work begins by looking whether its key is there, and then finds out.
 */
import {Contended} from './port.ts'
import type {Clock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import type {Random} from '../../kit/random.ts'

/**
 * Tries of one transaction, the first one with it, and the time after which no other begins. Chosen: a machine waits
 * for seconds. And the longest pause between them, doubled from the first.
 */
const TRIES_MAX = 6
const TRYING_MAX_MS = 10_000
const FIRST_PAUSE_MS = 20
const PAUSE_MAX_MS = 400

/** What the database, or the way to it, said no with. */
export class DatabaseFault extends SystemFault {
  /** SQLSTATE; `08006` for a connection that is gone. Source: PostgreSQL 15, appendix A. */
  readonly state: string

  constructor(state: string, why: string, options: {readonly cause: unknown}) {
    super(`the database said ${state}: ${why}`, options)
    this.state = state
  }

  /** Whether the connection goes with it. */
  get isEnd(): boolean {
    return /^(?:08...|57P0[123])$/.test(this.state)
  }
}

/** The answer to a commit did not come, or not for the standby too. */
export class CommitUnknown extends DatabaseFault {}

/**
 * - `40001` serialization failure, `40P01` deadlock: two transactions met
 * - `23505`: two transactions met at a key that neither had found; the next try finds it
 * - class `08`, `57P01` to `57P03`: the server goes, went, or is coming; `53300`: it has no room now
 * - `25006`: the way leads to a standby that is not promoted yet
 */
const WORTH_ANOTHER_TRY = /^(?:40001|40P01|23505|08...|57P0[123]|53300|25006)$/
/** A lock, or a statement, took longer than it may. Somebody else is at it. */
const CONTENDED = /^(?:55P03|57014)$/

export interface Trying {
  readonly clock: Clock
  readonly random: Random
  /** Whether the work may be run again after it may have taken effect. */
  readonly isKeyed: boolean
}

/** Tries until it succeeds, or fails for good, or often enough. @throws Contended, DatabaseFault, what `attempt` throws */
export async function tried<T>(attempt: () => Promise<T>, {clock, random, isKeyed}: Trying): Promise<T> {
  const endMs = clock.monotonicMs() + TRYING_MAX_MS
  for (let triesCount = 1; ; triesCount++) {
    try {
      return await attempt()
    } catch (thrown) {
      if (!(thrown instanceof DatabaseFault)) throw thrown
      if (CONTENDED.test(thrown.state))
        throw new Contended(`others did not finish in time: ${thrown.message}`, {cause: thrown})
      if (!WORTH_ANOTHER_TRY.test(thrown.state) || (thrown instanceof CommitUnknown && !isKeyed)) throw thrown
      if (triesCount === TRIES_MAX || clock.monotonicMs() >= endMs) throw thrown
      const pauseMaxMs = Math.min(PAUSE_MAX_MS, FIRST_PAUSE_MS * 2 ** triesCount)
      await clock.sleep(random.below(pauseMaxMs) + 1)
    }
  }
}
