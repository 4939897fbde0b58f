/** Whole visits on whole machines in virtual time: how each ends, and that the three ledgers agree. */
import t from 'tap'
import {PlacesFold} from '../../src/session/places.ts'
import {World} from './world.ts'
import type {Scene} from './world.ts'

interface Row extends Scene {
  readonly name: string
  readonly ending: number
  readonly paidMinor: number
  readonly suspects?: number
  /** The state it comes to rest in; idle when left out. */
  readonly rest?: string
}

const EITHER: readonly Row[] = [
  {name: 'full payout', ending: 0, paidMinor: 6000},
  {name: 'full payout with a fee', feeMinor: 250, ending: 0, paidMinor: 6000},
  {name: 'wrong PIN three times', pin: '9999', ending: 11, paidMinor: 0},
  {name: 'stolen card', card: 2, ending: 11, paidMinor: 0},
  {name: 'beyond the balance', card: 1, amountDigits: '500', ending: 10, paidMinor: 0},
  {name: 'an amount the cassettes cannot make', amountDigits: '30', ending: 15, paidMinor: 0},
  {name: 'cancelled at the PIN', plan: 'customer: cancels in enteringPin', ending: 16, paidMinor: 0},
  {name: 'cancelled at the menu', plan: 'customer: cancels in choosingService', ending: 16, paidMinor: 0},
  {
    name: 'walks off at the PIN',
    plan: 'customer: walks off in enteringPin; customer: leaves card',
    ending: 11,
    paidMinor: 0,
  },
  {
    name: 'walks off at the amount',
    plan: 'customer: walks off in choosingAmount; customer: leaves card',
    ending: 11,
    paidMinor: 0,
  },
  {name: 'card left before cash', plan: 'customer: leaves card', ending: 12, paidMinor: 0},
  {name: 'bank cut before the question', plan: 'bank: unreachable in authorizing', ending: 12, paidMinor: 0},
  {name: 'bank acted, answer lost', plan: 'bank: answer lost in authorizing', ending: 12, paidMinor: 0},
  {
    name: 'bank cut after approval',
    plan: 'bank: unreachable in returningCardBeforeCash',
    ending: 0,
    paidMinor: 6000,
  },
  {name: 'acknowledgement lost', plan: 'bank: answer lost in showingEnding', ending: 0, paidMinor: 6000},
  {
    name: 'card jams on the way out',
    plan: 'reader: eject jam in authorizing',
    ending: 12,
    paidMinor: 0,
  },
]

const SPRAY: readonly Row[] = [
  {
    name: 'command lost before moving',
    plan: 'dispenser: command lost',
    ending: 14,
    paidMinor: 0,
    suspects: 1,
  },
  {name: 'jam before the first note', plan: 'dispenser: jam', ending: 12, paidMinor: 0, rest: 'outOfService'},
  {
    name: 'jam in the middle',
    plan: 'dispenser: jam after 2',
    ending: 13,
    paidMinor: 4000,
    rest: 'outOfService',
  },
  {
    name: 'jam at the mouth',
    plan: 'dispenser: jam at mouth after 2',
    ending: 14,
    paidMinor: 6000,
    suspects: 1,
    rest: 'outOfService',
  },
  {name: 'pick fails after one', plan: 'dispenser: pick fails after 1', ending: 13, paidMinor: 2000},
  {name: 'double pick', plan: 'dispenser: double pick after 1', ending: 0, paidMinor: 6000},
  {
    name: 'answer lost after moving',
    plan: 'dispenser: answer lost',
    ending: 14,
    paidMinor: 6000,
    suspects: 1,
  },
  {
    name: 'uncounted note',
    plan: 'dispenser: count mismatch after 1',
    ending: 14,
    paidMinor: 4000,
    suspects: 1,
    rest: 'outOfService',
  },
  {name: 'overpaid', plan: 'dispenser: overpay', ending: 18, paidMinor: 8000, rest: 'outOfService'},
  {
    name: 'power cut in mid-motion',
    plan: 'dispenser: power cut after 1',
    ending: 14,
    paidMinor: 2000,
    suspects: 1,
    rest: 'outOfService',
  },
  {name: 'notes left', plan: 'customer: leaves notes', ending: 0, paidMinor: 6000},
]

const STACKER: readonly Row[] = [
  {name: 'command lost before moving', plan: 'dispenser: command lost', ending: 12, paidMinor: 0},
  {name: 'jam before the first note', plan: 'dispenser: jam', ending: 12, paidMinor: 0, rest: 'outOfService'},
  {name: 'answer lost after moving', plan: 'dispenser: answer lost', ending: 0, paidMinor: 6000},
  {name: 'notes left', plan: 'customer: leaves notes', ending: 12, paidMinor: 0},
  {
    name: 'some notes left',
    plan: 'customer: leaves notes; dispenser: some taken after 1',
    ending: 14,
    paidMinor: 2000,
    suspects: 1,
  },
  {name: 'shutter blocked', plan: 'dispenser: shutter blocked', ending: 12, paidMinor: 0},
]

/** What the journal says of the notes' places and the emulated world does not. What nobody knows may be anywhere. */
function placesAgainstWorld(world: World): readonly string[] {
  const fold = new PlacesFold()
  for (const row of world.table.journal.rows(1, 10_000)) fold.add(row)
  const {world: notes} = world.table.stage.rig.emulators.dispenser
  return fold.places().flatMap(places => {
    const {
      cassette,
      loaded,
      surplus,
      inCassette,
      inPath,
      underWay,
      rejected,
      retracted,
      withCustomers,
      unknown,
    } = places
    const of = (place: keyof typeof notes): number => notes[place][cassette] ?? 0
    const known: readonly (readonly [what: string, journal: number, world: number])[] = [
      ['in the cassette', inCassette, of('cassette')],
      ['with customers', withCustomers, of('customer') + of('outlet')],
      ['in the path', inPath + underWay, of('path') + of('mouth') + of('stacker')],
      ['rejected', rejected, of('reject')],
      ['retracted', retracted, of('retract')],
    ]
    const sum = inCassette + inPath + underWay + rejected + retracted + withCustomers + unknown
    return [
      ...(sum === loaded + surplus
        ? []
        : [`${sum} notes of ${loaded} and ${surplus} of cassette ${cassette}`]),
      ...known
        .filter(([, journal, there]) => there < journal || there > journal + unknown)
        .map(
          ([what, journal, there]) =>
            `cassette ${cassette}, ${what}: ${journal} by the journal, ${there} there`,
        ),
    ]
  })
}

async function play(row: Row, dispenser: NonNullable<Scene['dispenser']>): Promise<void> {
  await t.test(`${dispenser}: ${row.name}`, async t => {
    const world = await World.open({...row, dispenser})
    t.teardown(() => world.close())
    await world.visit()
    const account = await world.ledgers()
    t.strictSame(account.differences, [], 'the ledgers agree')
    t.equal(world.ending, row.ending, 'the ending')
    t.equal(account.customerMinor, row.paidMinor, 'what customers hold')
    t.equal(account.suspects.length, row.suspects ?? 0, 'suspect items')
    t.strictSame(placesAgainstWorld(world), [], 'where the notes are')
    t.equal(world.state, row.rest ?? 'idle', 'the state at rest')
    t.equal(world.table.stage.rig.emulators.reader.world.place, 'none', 'the card went back, or into the bin')
    t.equal(world.table.journal.verify().kind, 'whole', 'the chain')
  })
}

for (const row of [...EITHER, ...SPRAY]) await play(row, 'lcdm2000')
for (const row of [...EITHER, ...STACKER]) await play(row, 'reference')
