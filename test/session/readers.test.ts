/** Whole visits at a reader that knows cards by their chips alone: the visit is the same, and the card is where it should be. */
import t from 'tap'
import {World} from './world.ts'
import type {Scene} from './world.ts'

interface Row extends Scene {
  readonly name: string
  readonly ending: number
  readonly paidMinor: number
  readonly captured: number
  readonly rest?: string
}

const ROWS: readonly Row[] = [
  {name: 'full payout', ending: 0, paidMinor: 6000, captured: 0},
  {name: 'stolen card', card: 2, ending: 11, paidMinor: 0, captured: 1},
  {name: 'card left before cash', plan: 'customer: leaves card', ending: 12, paidMinor: 0, captured: 1},
  {
    name: 'card jams on the way out',
    plan: 'reader: eject jam in authorizing',
    ending: 12,
    paidMinor: 0,
    captured: 0,
  },
  {
    name: 'the reader loses its power',
    plan: 'reader: power cut in enteringPin',
    ending: 12,
    paidMinor: 0,
    captured: 0,
    rest: 'outOfService',
  },
]

for (const row of ROWS)
  t.test(row.name, async t => {
    const world = await World.open({...row, reader: 'crt571'})
    t.teardown(() => world.close())
    await world.visit()
    t.strictSame((await world.ledgers()).differences, [], 'the ledgers agree')
    t.equal((await world.ledgers()).customerMinor, row.paidMinor, 'what customers hold')
    t.equal(world.ending, row.ending, 'the ending')
    t.equal(world.state, row.rest ?? 'idle', 'the state at rest')
    t.equal(world.table.stage.rig.emulators.reader.world.capturedCount, row.captured, 'cards in the bin')
  })
