/** Each device's cable is pulled, and its power cut, in each state of a visit: money and card end safely, and the machine heals when the device is back. */
import t from 'tap'
import type {StateName} from '../../fsm/session.ts'
import {BUDGET_MS, World} from './world.ts'
import type {Scene} from './world.ts'

const STATES: readonly StateName[] = [
  'enteringPin',
  'verifyingPin',
  'choosingService',
  'choosingAmount',
  'authorizing',
  'returningCardBeforeCash',
  'dispensing',
  'presenting',
  'showingEnding',
]

async function play(dispenser: NonNullable<Scene['dispenser']>, plan: string): Promise<void> {
  await t.test(`${dispenser}: ${plan}`, async t => {
    const world = await World.open({dispenser, plan})
    t.teardown(() => world.close())
    const customer = world.customer()
    world.table.machine.start()
    await world.clock.runUntil(() => customer.isDone, 600_000)
    world.bystander()
    await world.settle()
    const {reader, pinPad, dispenser: cash} = world.table.stage.rig.emulators
    if (!reader.world.isPowered) reader.restorePower()
    if (!pinPad.world.isPowered) pinPad.restorePower()
    if (cash.state.power === 'off') cash.powerOn()
    const isAtRest = (): boolean => {
      const {held} = world.table.machine.standing.context
      return (
        reader.world.place === 'none' &&
        (world.state === 'idle' || (world.state === 'outOfService' && held !== null))
      )
    }
    const healed = await world.clock.runUntil(isAtRest, BUDGET_MS)
    const account = await world.ledgers()
    t.strictSame(account.differences, [], 'the ledgers agree')
    t.ok(account.suspects.length <= 1, 'at most one suspect item')
    t.equal(healed, 'done', `back in service, or held for a count: ${world.state}`)
    t.equal(world.table.journal.verify().kind, 'whole', 'the chain')
  })
}

for (const dispenser of ['lcdm2000', 'reference'] as const)
  for (const state of STATES) {
    if (state === 'presenting' && dispenser === 'lcdm2000') continue
    for (const target of ['reader', 'pinpad', 'dispenser'] as const) {
      await play(dispenser, `${target}: cable pulled in ${state}`)
      await play(dispenser, `${target}: power cut in ${state}`)
    }
  }

// The watch may find no moment to look when one visit follows another: the refusal itself must say that it is gone.
for (const dispenser of ['lcdm2000', 'reference', 'lcdm4000', 'f56'] as const)
  t.test(`${dispenser}: gone before an order, it is opened again before the next visit`, async t => {
    const world = await World.open({dispenser, plan: 'dispenser: cable pulled in authorizing'})
    t.teardown(() => world.close())
    const customer = world.customer()
    world.table.machine.start()
    await world.clock.runUntil(() => world.state === 'showingEnding', 600_000)
    t.equal(world.table.machine.standing.context.devices.dispenser, 'failed', 'nobody else is let in')
    await world.clock.runUntil(() => customer.isDone, 600_000)
    t.equal(world.state, 'outOfService')
    await world.settle()
    t.equal(await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS), 'done', 'back in service')
  })
