/**
 * What is done to the bank while it works. Each kind of fault comes from a shuffled deck, so that a short run has
 * each of them and a long one has them in every order.
 */
import type {BankDatabase, DatabaseFault} from './database.ts'
import type {HostProcess} from './processes.ts'
import {CUTS} from './proxy.ts'
import type {Cut, Proxy} from './proxy.ts'
import {present} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Random} from '../../kit/random.ts'

export interface ChaosOptions {
  readonly hosts: readonly HostProcess[]
  readonly database: BankDatabase
  readonly clock: Clock
  readonly random: Random
  /** What the proxies have cut so far. */
  readonly cuts: Readonly<Record<Cut, number>>
  readonly plan: Plan
}

/** Which faults there are. Mean times between two of a kind; null for none of it. */
export interface Plan {
  readonly killEveryMs: number | null
  readonly cutEveryMs: number | null
  /** By name; all unless told. */
  readonly database?: readonly string[]
}

/** Chosen: several connections are cut in a second, and the bank still does most of its work. */
export const EVERYTHING: Plan = {killEveryMs: 1_500, cutEveryMs: 150}

const DATABASE_CUT_EVERY_MS = 700
const DATABASE_FAULT_EVERY_MS = 1_500
const DOWN_MAX_MS = 400
const PAUSE_MAX_MS = 2_500

/** How often what was done. */
export interface Done {
  readonly kills: number
  readonly pauses: number
  readonly cuts: Readonly<Record<Cut, number>>
  readonly database: Readonly<Record<string, number>>
}

export class Chaos {
  readonly #options: ChaosOptions
  readonly #done = {
    kills: 0,
    pauses: 0,
    database: new Map<string, number>(),
  }
  #isOver = false

  constructor(options: ChaosOptions) {
    this.#options = options
  }

  get done(): Done {
    const {kills, pauses, database} = this.#done
    return {kills, pauses, cuts: {...this.#options.cuts}, database: Object.fromEntries(database)}
  }

  /** Whether each kind of fault that is planned has struck. */
  get isThrough(): boolean {
    const {kills, database} = this.#done
    const {plan, cuts} = this.#options
    return (
      (plan.killEveryMs === null || kills > 0) &&
      (plan.cutEveryMs === null || CUTS.every(cut => cuts[cut] > 0)) &&
      this.#planned().every(({name}) => (database.get(name) ?? 0) > 0)
    )
  }

  #planned(): readonly DatabaseFault[] {
    const {database, plan} = this.#options
    return database.faults.filter(({name}) => plan.database?.includes(name) ?? true)
  }

  /** Until `end`; when it resolves, everything runs and leads where it must. @throws SystemFault when something does not come back */
  async run(end: Promise<unknown>): Promise<void> {
    void end.then(() => {
      this.#isOver = true
    })
    const {database, hosts, plan} = this.#options
    const {killEveryMs, cutEveryMs} = plan
    const proxies = hosts.map(({proxy}) => proxy)
    await Promise.all([
      killEveryMs === null ? undefined : this.#killing(killEveryMs),
      cutEveryMs === null ? undefined : this.#cutting(proxies, cutEveryMs),
      cutEveryMs === null || database.proxy === null
        ? undefined
        : this.#cutting([database.proxy], DATABASE_CUT_EVERY_MS),
      this.#breaking(this.#planned()),
    ])
    for (const {proxy} of hosts) proxy.disarm()
    database.proxy?.disarm()
  }

  async #killing(everyMs: number): Promise<void> {
    const {hosts, clock} = this.#options
    const random = this.#options.random.stream('kills')
    for (;;) {
      await this.#wait(everyMs, random)
      if (this.#isOver) return
      const host = present(hosts[random.below(hosts.length)], 'a host')
      if (random.below(4) === 0) {
        this.#done.pauses += 1
        await host.pause(200 + random.below(PAUSE_MAX_MS))
        continue
      }
      this.#done.kills += 1
      await host.kill()
      await clock.sleep(random.below(DOWN_MAX_MS))
      await host.start()
    }
  }

  async #cutting(proxies: readonly Proxy[], everyMs: number): Promise<void> {
    const random = this.#options.random.stream(`cuts ${everyMs}`)
    const deck = deckOf(CUTS, random)
    for (;;) {
      await this.#wait(everyMs, random)
      if (this.#isOver) return
      present(proxies[random.below(proxies.length)], 'a proxy').arm(deck())
    }
  }

  async #breaking(faults: readonly DatabaseFault[]): Promise<void> {
    if (faults.length === 0) return
    const random = this.#options.random.stream('database')
    const deck = deckOf(faults, random)
    for (;;) {
      await this.#wait(DATABASE_FAULT_EVERY_MS, random)
      if (this.#isOver) return
      const fault = deck()
      this.#done.database.set(fault.name, (this.#done.database.get(fault.name) ?? 0) + 1)
      await fault.strike()
    }
  }

  /** Half to one and a half times as long; no longer than until the end. */
  async #wait(meanMs: number, random: Random): Promise<void> {
    const {clock} = this.#options
    const endMs = clock.monotonicMs() + meanMs / 2 + random.below(meanMs)
    while (!this.#isOver && clock.monotonicMs() < endMs) await clock.sleep(Math.min(50, meanMs))
  }
}

/** Each card once, in an order of chance, then shuffled again. */
function deckOf<T>(cards: readonly T[], random: Random): () => T {
  let left: T[] = []
  return () => {
    if (left.length === 0) left = [...cards]
    const [card] = left.splice(random.below(left.length), 1)
    return present(card, 'a card')
  }
}
