/** The end of the business date, with a real bank: both sides add up the same operations, whatever is lost on the way. */
import t from 'tap'
import type {Test} from 'tap'
import type {Event} from '../../fsm/vocabulary.ts'
import {present} from '../../kit/assert.ts'
import {BUDGET_MS, World} from './world.ts'
import type {Scene} from './world.ts'

const DATE = '2026-11-22'
const NEXT = '2026-11-23'

async function openWorld(t: Test, scene: Scene = {}): Promise<World> {
  const world = await World.open(scene)
  t.teardown(() => world.close())
  return world
}

/** The facts of that kind, oldest first. */
function facts<T extends Event['type']>(world: World, type: T): readonly Extract<Event, {type: T}>[] {
  return world.table.journal
    .rows(1, 10_000)
    .flatMap(({entry}) => (entry.kind === 'event' && isOf(entry.event, type) ? [entry.event] : []))
}

function isOf<T extends Event['type']>(event: Event, type: T): event is Extract<Event, {type: T}> {
  return event.type === type
}

function cutOversCount(world: World): number {
  return world.table.journal
    .rows(1, 10_000)
    .filter(({entry}) => entry.kind === 'intent' && entry.order.kind === 'host.cutOver').length
}

async function another(world: World): Promise<void> {
  const customer = world.customer()
  await world.clock.runUntil(() => customer.isDone, BUDGET_MS)
  await world.settle()
}

async function closeDay(world: World): Promise<void> {
  const said = await world.clock.finish(world.table.machine.closeDay('oona'), BUDGET_MS)
  t.equal(said, null)
  await world.clock.runUntil(() => world.state !== 'closingDay', BUDGET_MS)
}

/** The key of the last withdrawal. */
function lastKey(world: World): string {
  const keys = world.table.journal
    .rows(1, 10_000)
    .flatMap(({entry}) =>
      entry.kind === 'intent' && entry.order.kind === 'host.authorize' ? [entry.order.key] : [],
    )
  return present(keys.at(-1), 'a withdrawal')
}

t.test('a date closes in balance, and what follows carries the next', async t => {
  const world = await openWorld(t)
  await world.visit()
  await another(world)
  await closeDay(world)
  t.strictSame(facts(world, 'day.closed'), [
    {type: 'day.closed', businessDate: DATE, next: NEXT, settlement: 'in-balance'},
  ])
  t.match(facts(world, 'day.due'), [
    {person: 'oona', totals: {withdrawals: {count: 2, sumMinor: 12_000}, reversals: {count: 0}}},
  ])
  t.equal(world.state, 'idle')
  await another(world)
  t.match(lastKey(world), new RegExp(`:${NEXT}:`))
  await closeDay(world)
  t.match(facts(world, 'day.due')[1], {
    businessDate: NEXT,
    totals: {withdrawals: {count: 1, sumMinor: 6_000}},
  })
  t.match(facts(world, 'day.closed')[1], {settlement: 'in-balance'})
})

t.test('reversals count with what they take back, suspects with nothing', async t => {
  for (const [plan, totals] of [
    ['dispenser: jam', {withdrawals: {count: 0, sumMinor: 0}, reversals: {count: 1, sumMinor: 6_000}}],
    ['dispenser: answer lost', {withdrawals: {count: 0}, reversals: {count: 0}}],
    ['dispenser: pick fails after 1', {withdrawals: {count: 1, sumMinor: 2_000}, reversals: {count: 0}}],
  ] as const) {
    const world = await openWorld(t, {plan})
    await world.visit()
    await closeDay(world)
    t.match(facts(world, 'day.due'), [{totals}], plan)
    t.match(facts(world, 'day.closed'), [{settlement: 'in-balance'}], plan)
  }
})

t.test('the hour closes it, once, and only with the bank there', async t => {
  const world = await openWorld(t, {cutOverAt: '09:10'})
  await world.visit()
  t.equal(cutOversCount(world), 0, 'not before the hour')
  world.table.stage.line.cut()
  await world.clock.advance(10 * 60_000)
  t.equal(facts(world, 'day.closed').length, 0, 'no bank, no end')
  world.table.stage.line.restore()
  await world.clock.advance(60_000)
  t.match(facts(world, 'day.closed'), [{businessDate: DATE, next: NEXT}])
  await world.clock.advance(5 * 60_000)
  t.equal(cutOversCount(world), 1, 'the next is due tomorrow')
})

t.test('no visit begins while the date is being closed, and the card goes back', async t => {
  const world = await openWorld(t)
  await world.visit()
  world.table.stage.line.loseAnswer()
  const closing = world.table.machine.closeDay('oona')
  await world.clock.finish(closing, BUDGET_MS)
  t.equal(world.state, 'closingDay')
  world.table.machine.operate({type: 'card.inserted', card: {masked: '476173******0119'}, businessDate: DATE})
  t.equal(world.state, 'closingDay', 'the card waits for the answer')
  await world.clock.runUntil(() => world.state !== 'closingDay', BUDGET_MS)
  t.equal(world.state, 'returningCard')
  await world.settle()
  await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
  t.equal(facts(world, 'day.closed').length, 0)
  t.equal(facts(world, 'host.silent').length, 1)
  await another(world)
  t.match(lastKey(world), new RegExp(`:${NEXT}:`), 'the sign-on told the date that the bank has open')
  t.strictSame((await world.ledgers()).differences, [])
})

t.test('nobody closes it during a visit, nor with advices untold', async t => {
  const world = await openWorld(t)
  const customer = world.customer()
  world.table.machine.start()
  await world.clock.runUntil(() => world.state === 'dispensing', BUDGET_MS)
  const during = await world.clock.finish(world.table.machine.closeDay('oona'), BUDGET_MS)
  t.match(during, /visit/)
  world.table.stage.line.cut()
  await world.clock.runUntil(() => customer.isDone && world.state === 'idle', BUDGET_MS)
  t.match(await world.clock.finish(world.table.machine.closeDay('oona'), BUDGET_MS), /1 advices wait/)
  t.equal(cutOversCount(world), 0)
})

t.test('a life that ends while the date is closed asks the bank which date is open', async t => {
  const world = await openWorld(t)
  await world.visit()
  world.table.stage.line.loseAnswer()
  await world.clock.finish(world.table.machine.closeDay('oona'), BUDGET_MS)
  await world.crash()
  await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
  await another(world)
  t.match(lastKey(world), new RegExp(`:${NEXT}:`))
  await closeDay(world)
  t.match(facts(world, 'day.closed'), [{businessDate: NEXT, settlement: 'in-balance'}])
})

t.test('the bank knows after each visit what the machine holds', async t => {
  const world = await openWorld(t, {plan: 'dispenser: double pick after 1'})
  await world.visit()
  await world.clock.advance(10_000)
  const {terminal} = world.table.config
  const statuses = world.table.bank.store.read(tx => tx.fleet.statuses([terminal]))
  const cash = (await world.clock.finish(statuses, BUDGET_MS)).get(terminal)?.cash
  t.match(cash, '"unit":"cassette-1","kind":"cassette","value":20.00,"count":95')
  t.match(cash, '"unit":"reject-2000","kind":"bin","value":20.00,"count":2')
})

t.test('both sign for the journal soon after a date was closed', async t => {
  const world = await openWorld(t)
  await world.visit()
  await world.clock.advance(130_000)
  const before = facts(world, 'journal.anchored').length
  await world.clock.advance(130_000)
  t.equal(facts(world, 'journal.anchored').length, before, 'nothing happened')
  await closeDay(world)
  await world.clock.advance(130_000)
  t.equal(facts(world, 'journal.anchored').length, before + 1)
})

t.test('the machine knows how far its clock is from the bank’s', async t => {
  const world = await openWorld(t)
  await world.visit()
  t.equal(world.table.machine.bank.clockErrorMs(), 0)
})
