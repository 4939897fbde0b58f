/** The outbox in whole machines: what the bank must hear gets there, once in effect, whatever stands between. */
import t from 'tap'
import {BUDGET_MS, World} from './world.ts'
import type {Scene} from './world.ts'
import type {BankRequest, TransportAnswer} from '../../src/link/transport.ts'
import {SystemFault} from '../../kit/errors.ts'
import {inkWith} from './ink.ts'

/** Beyond the longest wait between two tries. */
const LONG_MS = 400_000

type Tap = Pick<typeof t, 'teardown'>

async function opened(t: Tap, scene: Scene = {}): Promise<World> {
  const world = await World.open(scene)
  t.teardown(() => world.close())
  return world
}

/** One customer, from card to ending. */
async function serve(world: World): Promise<void> {
  await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
  const customer = world.customer()
  await world.clock.runUntil(() => customer.isDone, BUDGET_MS)
}

/** Stands in the line: what `instead` gives an answer for never reaches the bank. */
function between(world: World, instead: (request: BankRequest) => TransportAnswer | null): void {
  const {line} = world.table.stage
  const send = line.send.bind(line)
  line.send = async request => instead(request) ?? send(request)
}

const LOST: TransportAnswer = {kind: 'silent', why: 'lost on the way', sent: true}

function stateOf(world: World, key: string): Promise<string | undefined> {
  return world.table.bank.store.read(async tx => (await tx.operations.find(key))?.state)
}

function advicesOf(world: World): readonly string[] {
  return world.table.journal
    .rows(1, 1_000)
    .flatMap(({entry}) =>
      entry.kind === 'intent' && 'row' in entry.order ? [`${entry.order.kind} ${entry.order.key}`] : [],
    )
}

t.test('an approval that comes too late leads to exactly one reversal', async t => {
  const world = await opened(t, {plan: 'bank: answer lost in authorizing'})
  await world.visit()
  await world.clock.advance(LONG_MS)
  const [told = '', ...more] = advicesOf(world)
  t.match(told, /^host\.reverse /)
  t.strictSame(more, [], 'told once in ink')
  t.equal(await stateOf(world, told.slice('host.reverse '.length)), 'reversed', 'the hold is gone')
  t.strictSame((await world.ledgers()).differences, [])
})

t.test(
  'an advice outlives a long time without a bank, and restarts; none is dropped by age or count',
  async t => {
    const world = await opened(t)
    world.table.machine.start()
    let isLost = true
    between(world, ({path}) => (isLost && path.endsWith('/complete') ? LOST : null))
    for (let visit = 0; visit < 3; visit += 1) await serve(world)
    for (let life = 0; life < 3; life += 1) {
      await world.clock.advance(LONG_MS)
      await world.crash()
    }
    t.equal(world.table.journal.openIntents().length, 3, 'all are owed still')
    isLost = false
    await world.settle()
    const account = await world.ledgers()
    t.strictSame(account.differences, [])
    t.strictSame(
      account.settled.map(({advice}) => advice.kind),
      ['host.complete', 'host.complete', 'host.complete'],
    )
  },
)

t.test(
  'the next request carries how the last one ended, and a bank that lost the advice repairs itself',
  async t => {
    const world = await opened(t)
    world.table.machine.start()
    between(world, ({path}) => (path.endsWith('/complete') ? LOST : null))
    await serve(world)
    const key = advicesOf(world)[0]?.slice('host.complete '.length) ?? ''
    t.equal(await stateOf(world, key), 'held', 'the completion never came')
    await world.crash()
    await serve(world)
    t.equal(await stateOf(world, key), 'completed', 'over a restart, by the next withdrawal')
  },
)

t.test('what the bank refuses is parked in ink, once, and waits for nobody else', async t => {
  const world = await opened(t)
  world.table.machine.start()
  const no = {type: 'urn:x:refused', title: 'no', status: 409, detail: 'too late', rc: '21', retry: 'never'}
  const refusal: TransportAnswer = {kind: 'answer', status: 409, headers: {}, body: JSON.stringify(no)}
  let refused = ''
  between(world, ({path}) => {
    if (!path.endsWith('/complete')) return null
    refused ||= path
    return path === refused ? refusal : null
  })
  await serve(world)
  await serve(world)
  await world.clock.advance(LONG_MS)
  await world.crash()
  await world.clock.advance(LONG_MS)
  const parked = world.table.journal
    .rows(1, 1_000)
    .filter(({entry}) => entry.kind === 'event' && entry.event.type === 'host.refusedAdvice')
  t.equal(parked.length, 1, 'said once, over a restart too')
  const open = world.table.journal.openIntents()
  t.equal(open.length, 1, 'still owed; the other one went')
})

t.test('an acknowledgement that cannot be kept takes the machine out of service at once', async t => {
  let isFull = false
  const world = await opened(t, {
    ink: journal =>
      inkWith(journal, (session, entries) => {
        if (isFull) throw new SystemFault('the disk took nothing')
        return journal.append(session, entries)
      }),
  })
  let isLost = true
  between(world, ({path}) => (isLost && path.endsWith('/complete') ? LOST : null))
  world.table.machine.start()
  await serve(world)
  await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
  isFull = true
  isLost = false
  await world.clock.runUntil(() => world.state !== 'idle', LONG_MS)
  t.equal(world.state, 'suspended', 'nobody had to come for that')
  t.equal(world.table.journal.openIntents().length, 1, 'the advice is still owed')
})
