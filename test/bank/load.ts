/**
 * What the clients do: movements of money with the habits of a bad line (asking twice at once, asking again later,
 * giving up, telling the end before the beginning), each client after its own seeded stream.
 */
import {Counter, Machine} from './clients.ts'
import type {Errand, Reach} from './clients.ts'
import type {Advice, Answer, Movement} from './history.ts'
import type {World, WorldAccount} from './world.ts'
import {assert, present} from '../../kit/assert.ts'
import type {Random} from '../../kit/random.ts'
import type {MachineIdentity} from '../../src/link/identity.ts'

/** Tries of somebody who does not give up, over the time that a promotion takes. */
const TRIES_MAX = 12
const PAUSE_MAX_MS = 250
/** Between two errands of one client. Two cores carry clients, hosts and servers, so nobody asks without a pause. */
const THINK_MAX_MS = 40
/** Errands of before that a client remembers, to ask again. */
const REMEMBERED_MAX = 40
/** After the faults, everything that is asked again is answered within this. */
const SETTLE_MAX_MS = 30_000

type Wish = Omit<Movement, 'who' | 'at'>

export class Load {
  readonly #reach: Reach
  readonly #world: World
  readonly #random: Random
  readonly #counters: readonly Counter[]
  readonly #machines: readonly Machine[]
  readonly #guesser: Machine
  /** Given up: the client does not know what became of them. */
  readonly #unknown: Errand[] = []
  #isOver = false

  constructor(reach: Reach, world: World, identities: ReadonlyMap<string, MachineIdentity>, random: Random) {
    const machine = (atmId: string) =>
      new Machine(reach, atmId, present(identities.get(atmId), 'a certificate'))
    this.#reach = reach
    this.#world = world
    this.#random = random
    this.#counters = world.counters.map(({name, token}) => new Counter(reach, name, token))
    this.#machines = world.atmIds.map(machine)
    this.#guesser = machine(world.guessingAtmId)
  }

  /** Machines sign on and let their customers in. */
  async open(): Promise<void> {
    const cards = this.#world.cards.filter(({use}) => use === 'customer')
    await Promise.all(
      this.#machines.map((machine, index) => machine.open(present(cards[index], 'a card for each machine'))),
    )
    await this.#guesser.open(null)
  }

  /** All clients, until `end`. */
  async run(end: Promise<unknown>): Promise<void> {
    void end.then(() => {
      this.#isOver = true
    })
    const streams = (name: string) => (index: number) => this.#random.stream(`${name} ${index}`)
    await Promise.all([
      ...this.#counters.map((counter, index) => this.#atCounter(counter, streams('counter')(index))),
      ...this.#machines.map((machine, index) => this.#atMachine(machine, streams('machine')(index))),
      this.#guessing(streams('guess')(0)),
      this.#looking(streams('look')(0)),
    ])
  }

  /**
   * When the faults are over: what is unknown is asked once more, every second one, and the others stay unknown.
   * Each host has to answer.
   * @returns what did not come to an answer
   */
  async settle(): Promise<readonly string[]> {
    const {clock, hosts} = this.#reach
    const endMs = clock.monotonicMs() + SETTLE_MAX_MS
    const faults: string[] = []
    const counter = present(this.#counters[0], 'a counter')
    for (const [index, {name}] of hosts.entries()) {
      while ((await counter.balances('circle', index)) === null) {
        if (clock.monotonicMs() > endMs) return [`${name} does not answer any more`]
        await clock.sleep(PAUSE_MAX_MS)
      }
    }
    for (const errand of this.#unknown.splice(0)) {
      if (this.#random.below(2) === 0) continue
      let answer = await errand.ask(this.#random.below(hosts.length))
      while (!isFinal(answer) && clock.monotonicMs() < endMs) {
        await clock.sleep(PAUSE_MAX_MS)
        answer = await errand.ask(this.#random.below(hosts.length))
      }
      if (!isFinal(answer)) faults.push(`${errand.key} is not answered: ${JSON.stringify(answer)}`)
    }
    return faults
  }

  async close(): Promise<void> {
    await Promise.all([...this.#counters, ...this.#machines, this.#guesser].map(caller => caller.close()))
  }

  async #atCounter(counter: Counter, random: Random): Promise<void> {
    const remembered: Errand[] = []
    while (!this.#isOver) {
      const wish = this.#counterWish(random)
      const errand = counter.movement(wish)
      const answer = await this.#pursue(errand, random)
      if (isFinal(answer) && random.below(12) === 0)
        await this.#once(counter.movement({...wish, amountMinor: wish.amountMinor + 1}, errand), random)
      await this.#again(errand, remembered, random)
      await this.#think(random)
    }
  }

  async #atMachine(machine: Machine, random: Random): Promise<void> {
    const remembered: Errand[] = []
    while (!this.#isOver) {
      const wish = this.#machineWish(random)
      const errand = machine.movement(wish)
      if (wish.kind === 'withdrawal') await this.#visit(machine, errand, wish, random)
      else await this.#pursue(errand, random)
      await this.#again(errand, remembered, random)
      await this.#think(random)
    }
  }

  /** A withdrawal and what is told of its end, in the order in which lines may bring it. */
  async #visit(machine: Machine, errand: Errand, wish: Wish, random: Random): Promise<void> {
    const advise = (advice: Advice) => machine.advice(errand.key, advice)
    const reverse = () => advise({kind: 'reverse'})
    switch (random.below(12)) {
      case 0: {
        // The reversal overtakes what it reverses.
        await this.#pursue(reverse(), random)
        await this.#pursue(errand, random)
        return
      }
      case 1: {
        await Promise.all([this.#pursue(errand, random), this.#pursue(reverse(), random)])
        await this.#once(errand, random)
        return
      }
      case 2: {
        // Paid under a key that was never asked for, by a machine that lost its journal.
        if (random.below(4) === 0)
          await this.#pursue(advise({kind: 'complete', paidMinor: wish.amountMinor, feeMinor: 0}), random)
        await this.#once(errand, random)
        return
      }
      default: {
        const answer = await this.#pursue(errand, random)
        const end = answer.kind === 'approved' ? endOf(wish, random) : ({kind: 'reverse'} as const)
        if (end === null) return
        await this.#pursue(advise(end), random)
        // The request comes once more, long after; or the end is told otherwise than before.
        if (random.below(6) === 0) await this.#once(errand, random)
        if (random.below(8) === 0) await this.#once(reverse(), random)
        if (random.below(12) === 0)
          await this.#once(advise({kind: 'complete', paidMinor: wish.amountMinor, feeMinor: 0}), random)
      }
    }
  }

  /** Asks until there is an answer, or the client gives up. */
  async #pursue(errand: Errand, random: Random): Promise<Answer> {
    const triesMax = random.below(4) === 0 ? 1 : TRIES_MAX
    for (let triesCount = 1; ; triesCount++) {
      const answer =
        random.below(10) === 0 ? await this.#twice(errand, random) : await this.#once(errand, random)
      if (isFinal(answer)) return answer
      if (triesCount === triesMax || this.#isOver) {
        this.#unknown.push(errand)
        return answer
      }
      await this.#reach.clock.sleep(random.below(PAUSE_MAX_MS))
    }
  }

  #once(errand: Errand, random: Random): Promise<Answer> {
    return errand.ask(random.below(this.#reach.hosts.length), random.below(8) === 0 ? 'little' : 'usual')
  }

  /** At the same moment, of whichever hosts. */
  async #twice(errand: Errand, random: Random): Promise<Answer> {
    const answers = await Promise.all([this.#once(errand, random), this.#once(errand, random)])
    return present(answers.find(isFinal) ?? answers[0], 'an answer')
  }

  /** Sometimes asks once more what was asked long before. */
  async #again(errand: Errand, remembered: Errand[], random: Random): Promise<void> {
    remembered.push(errand)
    if (remembered.length > REMEMBERED_MAX) remembered.splice(random.below(REMEMBERED_MAX), 1)
    if (random.below(6) > 0) return
    await this.#once(present(remembered[random.below(remembered.length)], 'an errand'), random)
  }

  /** Wrong PINs, slowly, so that hosts end and begin between the tries of one card. */
  async #guessing(random: Random): Promise<void> {
    for (const card of this.#world.cards.filter(({use}) => use === 'guess')) {
      for (let isOpen = true; isOpen && !this.#isOver;) {
        const answer = await this.#once(this.#guesser.guess(card), random)
        if (answer.kind === 'declined' && answer.rc === '81')
          await this.#guesser.signOn(random.below(this.#reach.hosts.length))
        isOpen = !(answer.kind === 'declined' && answer.rc === '75')
        await this.#reach.clock.sleep(100 + random.below(600))
      }
      if (this.#isOver) return
      await this.#once(this.#guesser.guess(card), random)
    }
  }

  /** Asks the bank for all accounts of the circle at once: nothing gets in or out. */
  async #looking(random: Random): Promise<void> {
    const {clock, history, hosts} = this.#reach
    const circle = this.#world.accounts.filter(({group}) => group === 'circle')
    const expectedMinor = circle.reduce((sum, {openingMinor}) => sum + openingMinor, 0)
    const counter = present(this.#counters[0], 'a counter')
    while (!this.#isOver) {
      const balances = await counter.balances('circle', random.below(hosts.length))
      if (balances !== null) {
        const sum = balances.reduce((total, balance) => total + balance, 0)
        const isRight =
          balances.length === circle.length &&
          sum === expectedMinor &&
          balances.every(balance => balance >= 0)
        const wrong = isRight ? null : `the circle has ${balances.join(' + ')} = ${sum}, not ${expectedMinor}`
        history.write({line: 'look', by: 'bank', wrong})
      }
      await clock.sleep(150 + random.below(300))
    }
  }

  #think(random: Random): Promise<void> {
    return this.#reach.clock.sleep(random.below(THINK_MAX_MS))
  }

  #counterWish(random: Random): Wish {
    const amountMinor = 1 + random.below(60_00)
    const dice = random.below(10)
    if (dice < 4) return this.#transfer('circle', amountMinor, random)
    // Half of all at one account.
    const account = random.below(2) === 0 ? this.#hot() : this.#account('counter', random)
    if (dice < 6)
      return {
        kind: 'withdrawal',
        ...account,
        targetAccountId: null,
        amountMinor,
        feeMinor: random.below(3) === 0 ? 50 : 0,
      }
    if (dice < 8) return {kind: 'deposit', ...account, targetAccountId: null, amountMinor, feeMinor: 0}
    return this.#transfer('counter', amountMinor, random)
  }

  #machineWish(random: Random): Wish {
    const amountMinor = (1 + random.below(12)) * 10_00
    const account = this.#account('machine', random)
    const dice = random.below(10)
    if (dice < 7)
      return {
        kind: 'withdrawal',
        ...account,
        targetAccountId: null,
        amountMinor,
        feeMinor: random.below(3) === 0 ? 2_50 : 0,
      }
    if (dice < 9) return {kind: 'deposit', ...account, targetAccountId: null, amountMinor, feeMinor: 0}
    return this.#transfer('machine', amountMinor, random)
  }

  #transfer(group: WorldAccount['group'], amountMinor: number, random: Random): Wish {
    const from = this.#account(group, random)
    const others = this.#world.accounts.filter(
      account => account.group === group && account.accountId !== from.accountId,
    )
    const to = present(others[random.below(others.length)], 'another account')
    return {kind: 'transfer', ...from, targetAccountId: to.accountId, amountMinor, feeMinor: 0}
  }

  #account(group: WorldAccount['group'], random: Random): {readonly accountId: string} {
    const all = this.#world.accounts.filter(account => account.group === group)
    const {accountId} = present(all[random.below(all.length)], 'an account')
    return {accountId}
  }

  #hot(): {readonly accountId: string} {
    const hot = this.#world.accounts.find(({group}) => group === 'counter')
    assert(hot !== undefined, 'a hot account')
    return {accountId: hot.accountId}
  }
}

/** How an approved withdrawal ends; null when nobody ever says. */
function endOf({amountMinor, feeMinor}: Wish, random: Random): Advice | null {
  const dice = random.below(20)
  if (dice < 11) return {kind: 'complete', paidMinor: amountMinor, feeMinor}
  if (dice < 14) {
    const paidMinor = Math.max(10_00, Math.floor(amountMinor / 20_00) * 10_00)
    return {kind: 'complete', paidMinor, feeMinor: 0}
  }
  if (dice < 18) return {kind: 'reverse'}
  if (dice < 19) return {kind: 'suspect', leastMinor: 0, mostMinor: amountMinor}
  return null
}

/** Whether the bank has decided, and has said so. */
export function isFinal({kind}: Answer): boolean {
  return kind !== 'again' && kind !== 'silent'
}
