/** What is true of every machine that has died and lives again, once it has come to rest. */
import type {Test} from 'tap'
import {BUDGET_MS} from './world.ts'
import type {World} from './world.ts'

/** Lets somebody take what is offered and the bank hear everything, then looks at the ledgers. */
export async function afterwards(
  t: Pick<Test, 'strictSame' | 'ok' | 'match' | 'equal'>,
  world: World,
): Promise<void> {
  world.bystander()
  await world.settle()
  // A card that was on its way in when the computer died makes a visit of its own, and times out.
  await world.clock.advance(180_000)
  await world.clock.runUntil(() => ['idle', 'outOfService'].includes(world.state), BUDGET_MS)
  const account = await world.ledgers()
  t.strictSame(account.differences, [], 'the ledgers agree')
  t.ok(account.suspects.length <= 1, 'at most one suspect item')
  t.match(
    world.state,
    /^(idle|outOfService)$/,
    `at rest ${world.table.machine.standing.context.suspendedBecause ?? ''}`,
  )
  t.equal(world.table.stage.rig.emulators.reader.world.place, 'none', 'no card is forgotten inside')
  t.equal(world.table.journal.verify().kind, 'whole', 'the chain')
}
