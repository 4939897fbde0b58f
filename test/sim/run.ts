/** One run: chaos for as many customers as the seed brings, then everything works again, and then the reckoning. */
import {present} from '../../kit/assert.ts'
import {LAST_PERSON, PEOPLE} from './bank.ts'
import type {Person} from './bank.ts'
import {Customer} from './customer.ts'
import type {Draws} from './draws.ts'
import type {FaultName} from './faults.ts'
import {planDevices, planPeople} from './mischief.ts'
import {Operator, RESTING} from './operator.ts'
import type {Violation} from './oracle/oracle.ts'
import type {Scene} from './scenes.ts'
import {World} from './world.ts'
import type {Seen, WorldOptions} from './world.ts'

/** One run's result. */
export interface Outcome {
  readonly seed: number
  /** Same seed, same hash. */
  readonly hash: string
  readonly violation: Violation | null
  /** When it was found, in virtual time. */
  readonly atMs: number
  readonly visitsCount: number
  readonly livesCount: number
  readonly virtualMs: number
  /** Strikes by their ids, in order. */
  readonly struck: readonly string[]
  /** How many opportunities each fault of a scene's script had. */
  readonly opportunities: ReadonlyMap<FaultName, number>
  /** The same when the first life ended; null when none did. */
  readonly atFirstDeath: ReadonlyMap<FaultName, number> | null
  readonly seen: Seen
}

/** Longest that a run's chaos lasts, in virtual time. */
const CHAOS_MS = 12 * 3_600_000
/** Within this, all is well again once nothing goes wrong any more. */
const HEALING_MS = 3 * 3_600_000
const VISIT_MS = 900_000
/** So long at most a machine stays shut before somebody tries it all the same. */
const SHUT_MAX_MS = 1_800_000

export interface RunOptions extends WorldOptions {
  /** No more customers than this, however many the seed would bring. */
  readonly customersMax?: number
  /** Gets the world before anything happens in it, to look at. */
  readonly begun?: (world: World) => void
}

/** Plays one seed to its end, or to the first broken promise. */
export async function play(options: RunOptions): Promise<Outcome> {
  const world = new World(options)
  options.begun?.(world)
  try {
    const visitsCount = await live(world, options)
    const {violation, faults, clock, seen} = world
    const virtualMs = clock.monotonicMs()
    return {
      seed: options.seed,
      hash: world.trace.digest(),
      violation,
      atMs: virtualMs,
      visitsCount,
      livesCount: world.lives,
      virtualMs,
      struck: faults.struck,
      opportunities: faults.opportunities,
      atFirstDeath: world.atFirstDeath,
      seen,
    }
  } finally {
    await world.close()
  }
}

async function live(world: World, options: RunOptions): Promise<number> {
  if (options.scene !== null) return liveScene(world, options.scene)
  const people = world.draws.stream('people')
  const operator = new Operator(world, world.draws.stream('operator'))
  await world.devices.start()
  world.begin()
  const count = Math.min(people.between(5, 22), options.customersMax ?? Number.POSITIVE_INFINITY)
  let visits = 0
  for (; visits < count && !world.isBroken(); visits += 1) {
    // Nobody stands in front of a machine that is shut; somebody from the bank comes first.
    await world.clock.runUntil(
      () => world.isBroken() || world.machine?.standing.state === 'idle',
      SHUT_MAX_MS,
    )
    planDevices(world)
    planPeople(world, operator)
    await visit(world, people.stream(`visit/${visits}`), `customer ${visits + 1}`)
    if (world.clock.monotonicMs() > CHAOS_MS) break
    await world.clock.runUntil(
      () => world.isBroken(),
      people.chance(0.03) ? people.below(120_000) : people.below(2_000),
    )
  }
  if (world.isBroken()) return visits
  await heal(world, operator)
  return visits
}

/** Part of the visits that are of somebody whose card or account is in trouble. */
const ODD_RATE = 0.08
const isOdd = ({status, openingMinor, track2}: Person): boolean =>
  status !== 'active' || openingMinor < 100_000 || track2.includes('=2601')
const ODD_PEOPLE = PEOPLE.filter(isOdd)
const GOOD_PEOPLE = PEOPLE.filter((person, at) => !isOdd(person) && at !== LAST_PERSON)

/** One customer's visit as the scene has it, however many lives it takes, and the reckoning. */
async function liveScene(world: World, {mischief, habits}: Scene): Promise<number> {
  const operator = new Operator(world, world.draws.stream('operator'))
  await world.devices.start()
  if (mischief !== null) world.devices.dispenser.plan(mischief)
  world.begin()
  const person = present(GOOD_PEOPLE[0], 'somebody with an account')
  await visited(world, new Customer(world, person, world.draws.stream('visit'), 'the customer', habits))
  const bystander = standBy(world)
  await world.clock.runUntil(
    () => world.isBroken() || RESTING.includes(world.machine?.standing.state ?? 'off'),
    HEALING_MS,
  )
  bystander()
  if (!world.isBroken()) await heal(world, operator)
  return 1
}

async function visit(world: World, draws: Draws, name: string): Promise<void> {
  const person = draws.one(draws.chance(ODD_RATE) ? ODD_PEOPLE : GOOD_PEOPLE)
  await visited(world, new Customer(world, person, draws, name))
}

async function visited(world: World, customer: Customer): Promise<void> {
  const stop = world.onChange(() => {
    customer.look()
  })
  await world.clock.runUntil(() => customer.isGone || world.isBroken(), VISIT_MS)
  stop()
}

/** Waits until the machine is in service and owes nobody an answer. */
async function rest(world: World, operator: Operator): Promise<void> {
  const isWell = (): boolean =>
    world.machine?.standing.state === 'idle' && world.openCount === 0 && !operator.isTelling
  const isOver = await world.clock.runUntil(() => world.isBroken() || isWell(), HEALING_MS)
  if (!isOver)
    world.violate({
      promise: 'all-is-well-in-the-end',
      detail: `the machine is ${world.machine?.standing.state ?? 'off'}, ${world.openCount} orders are open`,
    })
}

/** Faults are over, people come who know what to do; then the machine must be in service and the books closed. */
async function heal(world: World, operator: Operator): Promise<void> {
  world.say('world', 'everything works from now on')
  world.faults.heal()
  world.devices.mend()
  const bystander = standBy(world)
  await rest(world, operator)
  bystander()
  if (world.isBroken()) return
  world.lookAtJournal()
  world.lookForSecrets()
  await world.lookEverywhere()
  world.reckon()
  if (!world.isBroken()) await oneGoodVisit(world, operator)
}

/** In the end somebody comes and simply gets cash: perhaps not at once, for a device may still have a fault in stock. */
async function oneGoodVisit(world: World, operator: Operator): Promise<void> {
  const paidBefore = world.seen.get('order host.complete') ?? 0
  const isPaid = (): boolean => (world.seen.get('order host.complete') ?? 0) > paidBefore
  for (let tries = 0; tries < GOOD_VISITS_MAX && !isPaid(); tries += 1) {
    operator.visit()
    const person = present(PEOPLE[LAST_PERSON], 'somebody with an account')
    const name = `last customer ${tries + 1}`
    await visited(world, new Customer(world, person, world.draws.stream(name), name, GOOD))
    await rest(world, operator)
    if (world.isBroken()) return
    world.reckon()
  }
  if (!world.isBroken() && !isPaid())
    world.violate({
      promise: 'a-good-visit-pays',
      detail: 'people came, did everything right, and got nothing',
    })
}

const GOOD_VISITS_MAX = 12
const GOOD = {amountUnits: 60, balanceFirst: false, touches: false} as const

/** Somebody who takes what lies there, so that nothing waits for a customer who has gone. */
function standBy(world: World): () => void {
  let isThere = true
  const look = (): void => {
    if (!isThere) return
    const {reader, dispenser} = world.devices
    const {place} = reader.world
    if (place === 'frontFree' || place === 'frontHeld') reader.take()
    dispenser.takeNotes()
    world.clock.after(2_000, look)
  }
  look()
  return () => {
    isThere = false
  }
}
