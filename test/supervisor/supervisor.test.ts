/** Whatever people want of the machine while a customer is at it, it waits, and no note moves for them before. */
import t from 'tap'
import type {Event} from '../../fsm/vocabulary.ts'
import {noteCount} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'
import {BUDGET_MS, World} from '../session/world.ts'

const SEEDS_COUNT = 16
/** Between two wishes at most; a visit takes some twenty seconds. */
const WISH_EVERY_MS = 900

/** All that a console can offer, and more often than any person would. */
const WISHES: readonly Event[] = [
  {type: 'supervisor.called', person: 'oona'},
  {type: 'supervisor.left', person: 'oona'},
  {type: 'service.closed', person: 'erik', because: 'the shop moves house'},
  {type: 'service.opened', person: 'erik'},
  {type: 'machine.locked', person: 'anna', because: 'the door was forced'},
  {type: 'machine.unlocked', person: 'saga', second: 'stig'},
  {type: 'reset.chosen', person: 'erik', device: 'dispenser'},
  {type: 'reset.chosen', person: 'erik', device: 'cardReader'},
  {type: 'test.chosen', person: 'oona', cassette: 1},
  {type: 'exchange.opened', person: 'oona', second: 'olaf'},
  {
    type: 'exchange.advanced',
    step: 'remaining',
    cassette: 1,
    count: noteCount(7),
    expected: noteCount(100),
  },
  {type: 'exchange.closed', person: 'oona', second: 'olaf'},
]

t.test('people wait for the visit to end, whatever they want, and the customer gets the money', async t => {
  const ordered = {count: 0}
  for (let seed = 0; seed < SEEDS_COUNT; seed++) {
    const random = seededRandom(`wishes/${seed}`)
    const world = await World.open({})
    const {machine, journal} = world.table
    const mixed: string[] = []
    machine.onChange(() => {
      const {state, context} = machine.standing
      if (['supervisor', 'servicing'].includes(state) && context.visit !== null) mixed.push(state)
    })
    const customer = world.customer()
    machine.start()
    await world.clock.runUntil(() => world.state === 'enteringPin', BUDGET_MS)
    while (!customer.isDone) {
      await world.clock.advance(random.below(WISH_EVERY_MS))
      const wish = WISHES[random.below(WISHES.length)]
      if (wish !== undefined) machine.operate(wish)
    }
    await world.settle()
    const rows = journal.rows(1, 5_000)
    t.same(mixed, [], `seed ${seed}: nobody supervises while a customer is there`)
    const own = rows.flatMap(({entry, session}) =>
      entry.kind === 'intent' && entry.order.kind.startsWith('operator.')
        ? [{kind: entry.order.kind, session}]
        : [],
    )
    ordered.count += own.length
    t.same(
      own.filter(({session}) => session !== null),
      [],
      `seed ${seed}: what a person ordered belongs to no visit`,
    )
    const {differences} = await world.ledgers()
    t.same(differences, [], `seed ${seed}: notes, journal and bank agree`)
    t.equal(world.ending, 0, `seed ${seed}: the customer was paid`)
    await world.close()
  }
  t.equal(ordered.count > 0, true, 'and afterwards they got what they wanted')
})
