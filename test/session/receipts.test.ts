/** Whole visits on machines with a receipt printer: whatever becomes of the paper, money goes as if there were none. */
import t from 'tap'
import type {Test} from 'tap'
import type {Event} from '../../fsm/vocabulary.ts'
import {World} from './world.ts'
import type {Scene} from './world.ts'

type Fate = 'printed' | 'refused' | 'partial' | 'unknown'

interface Row extends Scene {
  readonly name: string
  readonly paidMinor: number
  /** Of the slip; null where none is owed. */
  readonly fate: Fate | Readonly<Record<'escpos' | 'escpos-kiosk', Fate>> | null
  /** What stands on the paper. */
  readonly paper?: readonly RegExp[]
}

const ROWS: readonly Row[] = [
  {
    name: 'all is well',
    feeMinor: 250,
    paidMinor: 6_000,
    fate: 'printed',
    paper: [
      /Cash withdrawal/,
      /Paid out +EUR 60\.00/,
      /Fee +EUR 2\.50/,
      /Total charged +EUR 62\.50/,
      /\*\*\d{4}/,
    ],
  },
  {name: 'the paper ends', plan: 'printer: paper ends', paidMinor: 6_000, fate: 'partial'},
  {
    // A kiosk printer stops as well, and has no word for why.
    name: 'the cutter sticks',
    plan: 'printer: cutter sticks',
    paidMinor: 6_000,
    fate: {escpos: 'partial', 'escpos-kiosk': 'unknown'},
  },
  {name: 'the cover is opened', plan: 'printer: cover opens', paidMinor: 6_000, fate: 'partial'},
  {name: 'the power of the printer goes', plan: 'printer: power cut', paidMinor: 6_000, fate: 'unknown'},
  {
    name: 'its cable is pulled while the notes come',
    plan: 'printer: cable pulled in dispensing',
    paidMinor: 6_000,
    fate: 'refused',
  },
  {
    name: 'its cable is pulled right before it prints',
    plan: 'printer: cable pulled in showingEnding',
    paidMinor: 6_000,
    fate: 'refused',
  },
  {
    name: 'the bank does not answer: the customer has it on paper',
    plan: 'bank: answer lost in authorizing',
    paidMinor: 0,
    fate: 'printed',
    paper: [/Paid out +EUR 0\.00/, /Total charged +EUR 0\.00/, /did not answer in time/],
  },
  {
    name: 'a jam in the middle',
    plan: 'dispenser: jam after 2',
    paidMinor: 4_000,
    fate: 'printed',
    paper: [/Asked for +EUR 60\.00/, /Paid out +EUR 40\.00/],
  },
  {
    name: 'nobody knows what came out',
    plan: 'dispenser: answer lost',
    paidMinor: 6_000,
    fate: 'printed',
    paper: [/being checked/],
  },
  {name: 'declined: nothing was done', card: 1, amountDigits: '500', paidMinor: 0, fate: null},
]

for (const printer of ['escpos', 'escpos-kiosk'] as const)
  for (const row of ROWS)
    t.test(`${printer}: ${row.name}`, async t => {
      const world = await World.open({...row, printer})
      t.teardown(() => world.close())
      await world.visit()
      await agrees(t, world, row.paidMinor)
      const events = eventsOf(world)
      const fates = events.flatMap(event =>
        event.type === 'receipt.printed'
          ? ['printed']
          : event.type === 'receipt.failed'
            ? [event.outcome]
            : [],
      )
      const expected = typeof row.fate === 'object' ? row.fate?.[printer] : row.fate
      t.same(fates, expected === undefined ? [] : [expected])
      const {printer: emulator} = world.table.stage.rig.emulators
      const tickets =
        emulator === null
          ? []
          : [
              ...emulator.remains.tickets,
              ...(emulator.remains.inMouth === null ? [] : [emulator.remains.inMouth]),
            ]
      for (const pattern of row.paper ?? []) t.match(tickets.at(-1)?.join('\n') ?? '', pattern)
      t.notMatch(JSON.stringify(tickets), /\d{13}/, 'no card number is on paper')
    })

async function agrees(t: Test, world: World, paidMinor: number): Promise<void> {
  const {differences, customerMinor} = await world.ledgers()
  t.same(differences, [])
  t.equal(customerMinor, paidMinor)
}

function eventsOf(world: World): readonly Event[] {
  return world.table.journal
    .rows(1, 10_000)
    .flatMap(({entry}) => (entry.kind === 'event' ? [entry.event] : []))
}

t.test('a life that ends while the slip is printed owes nothing for it', async t => {
  const world = await World.open({printer: 'escpos'})
  t.teardown(() => world.close())
  const {table, clock} = world
  world.customer()
  table.machine.start()
  await clock.runUntil(
    () => table.journal.openIntents().some(({entry}) => entry.order.kind === 'printer.print'),
    600_000,
  )
  await world.crash()
  await world.settle()
  t.ok(eventsOf(world).some(event => event.type === 'order.abandoned'))
  await agrees(t, world, 6_000)
  const prints = table.journal
    .rows(1, 10_000)
    .filter(({entry}) => entry.kind === 'intent' && entry.order.kind === 'printer.print')
  t.equal(prints.length, 1, 'a slip is printed once')
})

t.test(
  'a printer that failed is looked at between visits, and the next customer is told before committing',
  async t => {
    const world = await World.open({printer: 'escpos', plan: 'printer: paper ends'})
    t.teardown(() => world.close())
    await world.visit()
    const {machine, stage} = world.table
    t.equal(machine.standing.state, 'idle', 'it stays in service')
    t.equal(machine.standing.context.devices.printer, 'failed')
    const customer = world.customer()
    await world.clock.runUntil(() => machine.standing.state === 'choosingService', 600_000)
    t.match(machine.current().notice, /cannot print a receipt/)
    await world.clock.runUntil(() => customer.isDone, 600_000)
    const asked = eventsOf(world).filter(event => event.type === 'receipt.chosen')
    t.equal(asked.length, 1, 'the first customer alone was asked')
    stage.rig.emulators.printer?.loadPaper()
    await world.clock.runUntil(() => machine.standing.context.devices.printer === 'ok', 600_000)
    t.pass('a new roll brings receipts back')
  },
)
