/**
 * A dispenser that remembers its last motion and not whose it was (LCDM-4000): the computer dies at moments all through
 * the dispense, and the next life settles by what the device recalls, tied to the order by the journaled mark.
 */
import t from 'tap'
import {BUDGET_MS, World} from './world.ts'
import type {Scene} from './world.ts'

type Model = NonNullable<Scene['dispenser']>

const NOTES = {1: 100, 2: 100, 3: 100, 4: 100}

/** From the start to the moment that the mark of the dispense order is in the journal. */
async function upToMark(world: World): Promise<void> {
  const {journal} = world.table
  const isMarked = (): boolean =>
    journal
      .rows(1, 1_000)
      .some(({entry}) => entry.kind === 'event' && entry.event.type === 'dispenser.marked')
  world.customer()
  world.table.machine.start()
  await world.clock.runUntil(isMarked, BUDGET_MS)
}

/** Dies so long after the mark, and lives again. @returns the rules by which the operations were settled */
async function settledAfter(
  t: Tap,
  model: Model,
  afterMs: number,
  power: 'kept' | 'lost',
): Promise<readonly string[]> {
  const world = await World.open({dispenser: model, amountDigits: '75', notes: NOTES})
  t.teardown(() => world.close())
  await upToMark(world)
  await world.clock.advance(afterMs)
  const {dispenser} = world.table.stage.rig.emulators
  if (power === 'lost') {
    dispenser.powerCut()
    dispenser.powerOn()
  }
  await world.crash()
  world.bystander()
  await world.settle()
  await world.clock.advance(60_000)
  const account = await world.ledgers()
  t.strictSame(account.differences, [], `${afterMs} ms: the ledgers agree`)
  return account.settled.map(({advice}) => `${advice.kind} ${advice.row}`)
}

type Tap = Pick<typeof t, 'strictSame' | 'teardown'>

/** Notes of 50, 20 and 5, 150 ms each; the first byte of the order leaves with the mark. */
const MOVED_MS = 450

for (const model of ['lcdm4000', 'lcdm4000-serial'] as const) {
  t.test(`${model}: power kept, the device says what it did`, async t => {
    for (let afterMs = 10; afterMs < MOVED_MS; afterMs += 73)
      t.strictSame(
        await settledAfter(t, model, afterMs, 'kept'),
        ['host.complete taken'],
        `dies ${afterMs} ms after the mark`,
      )
  })

  t.test(`${model}: power lost, nobody knows and the bank is told so`, async t => {
    for (let afterMs = 10; afterMs < MOVED_MS; afterMs += 146) {
      const [settled = '', ...more] = await settledAfter(t, model, afterMs, 'lost')
      t.strictSame(more, [])
      t.match(settled, /^host\.suspect answer-lost/, `dies ${afterMs} ms after the mark`)
    }
  })

  t.test(`${model}: dead before the order's first byte, the order before is not taken for it`, async t => {
    const world = await World.open({dispenser: model, amountDigits: '75', notes: NOTES})
    t.teardown(() => world.close())
    await world.visit()
    const before = world.table.stage.rig.emulators.dispenser.world
    // The same amount again, and the command is lost on the way: the device tells the visit before.
    world.table.stage.rig.emulators.dispenser.plan({kind: 'answerLost', when: 'before-moving'})
    const orders = (): number =>
      world.table.journal
        .rows(1, 1_000)
        .filter(({entry}) => entry.kind === 'event' && entry.event.type === 'dispenser.marked').length
    await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
    world.customer()
    await world.clock.runUntil(() => orders() === 2, BUDGET_MS)
    await world.clock.advance(500)
    await world.crash()
    world.bystander()
    await world.settle()
    const account = await world.ledgers()
    t.strictSame(account.differences, [])
    t.strictSame(
      account.settled.map(({advice}) => advice.kind),
      ['host.complete', 'host.suspect'],
    )
    t.strictSame(world.table.stage.rig.emulators.dispenser.world.cassette, before.cassette, 'nothing moved')
  })
}
