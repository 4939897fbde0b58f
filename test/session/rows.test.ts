/** The rows of the recovery table on whole machines: a scene for each, and what the bank is told for it. */
import t from 'tap'
import {RECOVERY_ROWS} from '../../fsm/recovery.ts'
import type {StateName} from '../../fsm/session.ts'
import {BUDGET_MS, World} from './world.ts'
import type {Scene} from './world.ts'

interface Death {
  readonly row: string
  readonly dispenser: NonNullable<Scene['dispenser']>
  readonly plan?: string
  readonly before?: (world: World) => void
  /** The machine's computer dies so long after it came to this state. */
  readonly state: StateName
  readonly afterMs: number
  /** What the world does while the computer is away. */
  readonly meanwhile?: (world: World) => void
  /** The advice, with the row of the money table. */
  readonly told: string
}

function losePower(world: World): void {
  const {dispenser} = world.table.stage.rig.emulators
  dispenser.powerCut()
  dispenser.powerOn()
}

function takeNotes(world: World): void {
  world.table.stage.rig.emulators.dispenser.takeNotes()
}

const LEAVES = 'customer: leaves notes'

const DEATHS: readonly Death[] = [
  {
    row: 'asked-without-answer',
    dispenser: 'lcdm2000',
    plan: 'bank: answer lost in authorizing',
    state: 'authorizing',
    afterMs: 5_000,
    told: 'host.reverse not-moved',
  },
  {
    row: 'approved-not-ordered',
    dispenser: 'lcdm2000',
    state: 'returningCardBeforeCash',
    afterMs: 100,
    told: 'host.reverse not-moved',
  },
  {
    row: 'dispense-proved-not-moved',
    dispenser: 'reference',
    plan: 'dispenser: command lost in dispensing',
    state: 'dispensing',
    afterMs: 200,
    told: 'host.reverse not-moved',
  },
  {
    row: 'dispense-recalled',
    dispenser: 'reference',
    state: 'dispensing',
    afterMs: 200,
    told: 'host.reverse rejected-counted',
  },
  {
    row: 'dispense-forgotten',
    dispenser: 'reference',
    state: 'dispensing',
    afterMs: 200,
    meanwhile: losePower,
    told: 'host.suspect answer-lost-path-not-clear',
  },
  {
    row: 'dispense-forgotten',
    dispenser: 'lcdm2000',
    state: 'dispensing',
    afterMs: 200,
    told: 'host.suspect answer-lost-path-clear',
  },
  {
    row: 'presented-and-gone',
    dispenser: 'reference',
    plan: LEAVES,
    state: 'presenting',
    afterMs: 5_000,
    meanwhile: takeNotes,
    told: 'host.complete taken',
  },
  {
    row: 'presented-and-there',
    dispenser: 'reference',
    plan: LEAVES,
    state: 'presenting',
    afterMs: 5_000,
    told: 'host.reverse retracted-counted',
  },
  {
    row: 'stacked-behind-the-shutter',
    dispenser: 'reference',
    before: world => {
      const lost = {kind: 'answerLost', when: 'before-moving', on: 'present'} as const
      world.table.stage.rig.emulators.dispenser.plan(lost)
    },
    state: 'presenting',
    afterMs: 200,
    told: 'host.reverse rejected-counted',
  },
  {
    row: 'presented-and-unsure',
    dispenser: 'reference',
    plan: LEAVES,
    state: 'presenting',
    afterMs: 5_000,
    meanwhile: losePower,
    told: 'host.suspect present-unknown',
  },
  {
    row: 'retract-open',
    dispenser: 'reference',
    plan: LEAVES,
    state: 'retracting',
    afterMs: 100,
    told: 'host.suspect retract-unknown',
  },
  {
    row: 'reject-open',
    dispenser: 'reference',
    plan: 'dispenser: shutter blocked',
    state: 'rejecting',
    afterMs: 100,
    told: 'host.suspect reject-unknown',
  },
]

for (const death of DEATHS) {
  t.test(`${death.row} on ${death.dispenser}`, async t => {
    const world = await World.open({
      dispenser: death.dispenser,
      ...(death.plan === undefined ? {} : {plan: death.plan}),
    })
    t.teardown(() => world.close())
    death.before?.(world)
    world.customer()
    world.table.machine.start()
    await world.clock.runUntil(() => world.state === death.state, BUDGET_MS)
    await world.clock.advance(death.afterMs)
    t.equal(world.state, death.state, 'it dies there')
    await world.table.machine.stop()
    death.meanwhile?.(world)
    await world.crash()
    await world.settle()
    const rows = world.table.journal
      .rows(1, 1_000)
      .flatMap(({entry}) =>
        entry.kind === 'event' && entry.event.type === 'operation.recovered' ? [entry.event.row] : [],
      )
    t.strictSame(rows, [death.row])
    world.bystander()
    await world.clock.advance(60_000)
    const account = await world.ledgers()
    t.strictSame(
      account.settled.map(({advice}) => `${advice.kind} ${advice.row}`),
      [death.told],
    )
    t.strictSame(account.differences, [], 'the ledgers agree')
  })
}

t.test('every row that settles an operation has a scene', t => {
  // Its device would have to deny what its own sensors see; no emulator lies so.
  // And a transfer moves no note: services.test.ts plays its death.
  const unplayed = ['transfer-without-answer', 'dispense-contradicted']
  const settling = RECOVERY_ROWS.filter(({remedy}) => remedy !== 'forget' && remedy !== 'tellAgain')
  t.strictSame(
    settling.map(({name}) => name).filter(name => !DEATHS.some(({row}) => row === name)),
    unplayed,
  )
  t.end()
})
