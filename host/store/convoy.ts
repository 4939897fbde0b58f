/**
 * What arrives together travels together: transactions that are asked for while others are under way wait for
 * them and then share one transaction of the database, and its one commit. Each still has its own answer, told
 * after the commit, and its own failure.
 */
import type {Touches, Tx} from './port.ts'
import {settle} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'

/** Requests that wait, at most; beyond it is no use to wait. Chosen: a second's work and more. */
const WAITING_MAX = 10_000

/** One transaction that somebody asked for. */
export interface Member {
  readonly touches: Touches
  /** Does the work. What comes back is to be called when all of it is on disk. Rejects when the work does. */
  run(tx: Tx): Promise<() => void>
  /** Tells the one who asked. */
  fail(reason: unknown): void
}

/**
 * Runs the members one after another and commits.
 * @returns what is to be called then, a failed member's `fail` with it; rejecting fails all of them
 */
export type Carry = (members: readonly Member[]) => Promise<readonly (() => void)[]>

export const NOTHING: Touches = {keys: [], accountIds: [], atmIds: [], limits: () => []}

export class Convoys {
  readonly #lanesCount: number
  readonly #membersMax: number
  readonly #carry: Carry
  #waiting: Member[] = []
  #openCount = 0
  #idlers: (() => void)[] = []

  /** @param size `lanesCount`: convoys under way at once; `membersMax`: in each */
  constructor(size: {readonly lanesCount: number; readonly membersMax: number}, carry: Carry) {
    this.#lanesCount = size.lanesCount
    this.#membersMax = size.membersMax
    this.#carry = carry
  }

  /** @throws what the work throws, and what the carrier does; SystemFault when too many wait */
  join<T>(work: (tx: Tx) => Promise<T>, touches: Touches = NOTHING): Promise<T> {
    if (this.#waiting.length >= WAITING_MAX)
      return Promise.reject(new SystemFault(`${WAITING_MAX} transactions wait already`))
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        touches,
        run: async tx => {
          const result = await work(tx)
          return () => {
            resolve(result)
          }
        },
        fail: reject,
      })
      if (this.#openCount < this.#lanesCount) void this.#travel()
    })
  }

  /** Resolves when nobody travels or waits. */
  idle(): Promise<void> {
    if (this.#openCount === 0) return Promise.resolve()
    return new Promise(resolve => this.#idlers.push(resolve))
  }

  async #travel(): Promise<void> {
    this.#openCount += 1
    // Whoever is heard in the same turn comes along.
    await settle()
    while (this.#waiting.length > 0) {
      const members = this.#waiting.slice(0, this.#membersMax)
      this.#waiting = this.#waiting.slice(this.#membersMax)
      try {
        for (const tell of await this.#carry(members)) tell()
      } catch (thrown) {
        for (const member of members) member.fail(thrown)
      }
    }
    // In the same turn in which nobody waited: whoever joins from here on opens a lane.
    this.#openCount -= 1
    if (this.#openCount > 0) return
    for (const tell of this.#idlers.splice(0)) tell()
  }
}
