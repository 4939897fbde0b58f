/** The replenishment: what two people are asked with the safe open, and that the power may go at every answer. */
import t from 'tap'
import type {CassetteLevel, Exchange, StepDone} from '../../fsm/vocabulary.ts'
import {present} from '../../kit/assert.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import {differences, dueSteps, nextDue} from '../../src/console/exchange.ts'
import {IDLE_MS} from '../../src/console/conversation.ts'
import {BUDGET_MS} from '../session/world.ts'
import {Bench, PASSWORD, golden} from './bench.ts'
import type {Wire} from './bench.ts'

/** What a person finds and puts in: by the beginning of the question. */
const FOUND: Readonly<Record<string, string>> = {
  'notes in the reject bin': '3',
  'notes found in cassette 1': '98',
  'notes found in cassette 2': '100',
  'cassette 1: what one note': '20.00',
  'cassette 2: what one note': '50',
  'notes loaded into cassette 1': '80',
  'notes loaded into cassette 2': '90',
  'retained cards': '0',
}

/** Answers whatever stands there as two honest people would. @returns false when nothing is asked any more */
async function answerOnce(wire: Wire, found = FOUND): Promise<boolean> {
  const asked = wire.glass.lastLine.trim()
  if (asked.endsWith('#') || asked.endsWith('>')) return false
  const nonce = /^type ([0-9]{4}) to go on/.exec(asked)?.[1]
  const count = Object.entries(found).find(([beginning]) => asked.startsWith(beginning))?.[1]
  if (nonce !== undefined) await wire.type(`${nonce}\r`, BUDGET_MS)
  else if (asked.startsWith('second person')) await wire.type('olaf\r')
  else if (asked === 'olaf, password:') await wire.type(`${PASSWORD}\r`)
  else if (asked === 'olaf, code:') await wire.type(`${await wire.bench.code('olaf')}\r`)
  else if (asked.startsWith('the same once more'))
    await wire.type(`${present(lastCount.get(wire), 'a count')}\r`)
  else {
    lastCount.set(wire, present(count, `an answer to '${asked}'`))
    await wire.type(`${present(count, asked)}\r`)
  }
  return true
}

const lastCount = new WeakMap<Wire, string>()

async function begun(bench: Bench): Promise<Wire> {
  const wire = bench.connect()
  await wire.logIn('oona')
  if (bench.world.state !== 'supervisor') await wire.give('supervisor enter')
  await wire.give('replenish')
  // Name, password and code of the second person.
  for (let answers = 0; answers < 3; answers++) await answerOnce(wire)
  return wire
}

function exchangeOf(bench: Bench): Exchange | null {
  return bench.world.table.machine.standing.context.attendance.exchange
}

function events(bench: Bench, type: string): readonly unknown[] {
  return bench.world.table.journal
    .rows(1, 10_000)
    .flatMap(({entry}) => (entry.kind === 'event' && entry.event.type === type ? [entry.event] : []))
}

t.test('from the first count to the signature', async t => {
  const bench = await Bench.open()
  const {world} = bench
  const wire = await begun(bench)
  t.match(wire.glass.text, /totals since/, 'the totals are shown before anything is touched')
  while (await answerOnce(wire));
  const text = wire.glass.text
  golden(t, 'replenish', wire.glass)
  t.match(text, /cassette 1 +20\.00 +100 +98 +short/)
  t.match(text, /cassette 2 +50\.00 +100 +100 +agrees/)
  t.match(text, /reject bin +- +0 +3 +over/)
  t.match(text, /40\.00 EUR short in the cassettes/)
  t.match(text, /The bank has the report/)
  const cash = (await world.table.bank.store.transact(tx => tx.fleet.statuses(['ATM123']))).get(
    'ATM123',
  )?.cash
  t.match(JSON.parse(cash ?? '{}'), {
    units: [
      {unit: 'cassette-1', count: 79, found: 98, expected: 100},
      {unit: 'cassette-2', count: 89, found: 100, expected: 100},
    ],
  })
  t.same(
    world.table.machine.standing.context.levels.map(({count}) => count),
    [79, 89],
    'loaded, less the note that was tested',
  )
  t.match(events(bench, 'exchange.closed'), [{person: 'oona', second: 'olaf'}])
  t.equal(exchangeOf(bench), null)
  const {world: notes} = world.table.stage.rig.emulators.dispenser
  t.equal(
    Object.values(notes.customer).every(count => count === 0),
    true,
    'no note left the machine',
  )
  await bench.close()
})

t.test('the power may go after every single answer, and each step is done once', async t => {
  const bench = await Bench.open()
  let wire = await begun(bench)
  let cutsCount = 0
  /** What whoever comes back after each cut at a first question reads. */
  const returns: string[] = []
  // A step of so many answers is cut after none, after one, after two, until it holds.
  for (let answers = 0; exchangeOf(bench) !== null; answers++) {
    const before = present(exchangeOf(bench), 'the exchange').done
    const asked = wire.glass.lastLine
    for (let given = 0; given < answers && exchangeOf(bench)?.done.length === before.length; given++)
      await answerOnce(wire)
    const isDone = exchangeOf(bench)?.done.length !== before.length
    const after = exchangeOf(bench)
    await bench.cutPower(wire)
    cutsCount += 1
    t.same(exchangeOf(bench), after, `cut ${cutsCount}, at '${asked}': nothing that was done is lost`)
    if (after === null) break
    t.equal(bench.world.state, 'supervisor', 'no customer comes in between')
    wire = await begun(bench)
    if (answers === 0) returns.push(`(the power was cut at: ${asked})\n${wire.glass.text}`)
    if (!isDone) t.equal(unnumbered(wire.glass.lastLine), unnumbered(asked), 'and it asks the same again')
    if (isDone) answers = -1
  }
  t.equal(cutsCount > 30, true, `${cutsCount} cuts`)
  golden(t, 'replenish-again', {text: returns.join('\n\n')})
  const steps = events(bench, 'exchange.advanced').map(event => JSON.stringify(event))
  t.equal(new Set(steps).size, steps.length)
  t.equal(events(bench, 'exchange.opened').length, 1)
  t.equal(events(bench, 'exchange.closed').length, 1)
  const {levels} = bench.world.table.machine.standing.context
  t.same(
    levels.map(({count}) => count),
    [79, 89],
  )
  await bench.close()
})

/** The number to type back is another one each time. */
function unnumbered(line: string): string {
  return line.replace(/[0-9]{4}/, 'NNNN')
}

t.test('power that goes while the test note moves', async t => {
  const bench = await Bench.open()
  const wire = await begun(bench)
  while (!/test/.test(wire.glass.lastLine) && exchangeOf(bench)?.done.at(-1)?.step !== 'levels')
    await answerOnce(wire)
  const nonce = /type ([0-9]{4})/.exec(wire.glass.lastLine)?.[1]
  wire.line.feed(Buffer.from(`${present(nonce, 'a number')}\r`))
  await bench.world.clock.runUntil(() => bench.world.state === 'servicing', BUDGET_MS)
  await bench.cutPower(wire)
  t.equal(bench.world.state, 'supervisor')
  t.equal(bench.world.table.machine.standing.context.levels[0]?.count, 79, 'the note counts as gone')
  const again = await begun(bench)
  while (await answerOnce(again));
  t.equal(exchangeOf(bench), null)
  t.equal(bench.world.table.machine.standing.context.levels[0]?.count, 78)
  await bench.close()
})

t.test('a bank that is silent is told later, or again', async t => {
  const bench = await Bench.open()
  const wire = await begun(bench)
  bench.world.table.stage.line.cut()
  while (!wire.glass.lastLine.startsWith('the bank does not answer')) await answerOnce(wire)
  await wire.type('\r', BUDGET_MS)
  t.match(wire.glass.lastLine, /^the bank does not answer/)
  bench.world.table.stage.line.restore()
  await wire.type('\r', BUDGET_MS)
  t.match(wire.glass.text, /The bank has the report/)
  await bench.close()
})

t.test('what is typed wrong counts nothing', async t => {
  const bench = await Bench.open()
  const wire = await begun(bench)
  for (const wrong of ['-1', '12.5', '10000', 'many', '007', ''])
    t.match(await wire.give(wrong), /that is no count/, wrong)
  await wire.type('3\r')
  await wire.type('4\r')
  t.match(wire.glass.text, /the two differ/)
  while (!/what one note/.test(wire.glass.lastLine)) await answerOnce(wire)
  await wire.type('50.00\r')
  t.match(wire.glass.text, /set up for notes of 20\.00/, 'the cassettes were swapped')
  t.same(
    exchangeOf(bench)?.done.map(({step}) => step),
    ['rejects', 'remaining'],
  )
  await wire.type('\x03')
  await wire.give('supervisor leave')
  t.match((await wire.confirm()).replace(/\s+/g, ' '), /a replenishment is open/)
  await bench.close()
})

t.test('whoever is called away is logged out, and it stays open', async t => {
  const bench = await Bench.open()
  const wire = await begun(bench)
  await bench.world.clock.advance(IDLE_MS + 1)
  t.match(wire.glass.text, /logged out: nothing was typed/)
  t.match(wire.glass.lastLine, /^login: $/, 'at once, not after another five minutes at a prompt')
  t.equal(exchangeOf(bench)?.done.length, 0)
  t.equal(bench.world.state, 'supervisor')
  await bench.close()
})

t.test('what the counts say', t => {
  const level = (cassette: number): CassetteLevel => ({
    cassette,
    noteMinor: minorUnits(20_00),
    count: noteCount(0),
    state: 'ok',
  })
  const counts = (...pairs: readonly (readonly [expected: number, counted: number])[]): Exchange => ({
    person: 'oona',
    second: null,
    done: pairs.map(([expected, counted], at): StepDone => ({
      step: 'remaining',
      cassette: at + 1,
      count: noteCount(counted),
      expected: noteCount(expected),
    })),
  })
  const verdicts = (exchange: Exchange): readonly string[] =>
    differences([level(1), level(2), level(3)], exchange).map(({verdict}) => verdict)
  t.same(verdicts(counts([5, 5], [7, 6], [8, 9])), ['agrees', 'short', 'over'])
  t.same(verdicts(counts([5, 7], [7, 5], [3, 0])), ['swapped', 'swapped', 'empty'])
  t.same(verdicts(counts([5, 5])), ['agrees'], 'what was not counted is not judged')
  const due = dueSteps([1, 2], false)
  t.notOk(
    due.some(({step}) => step === 'tested'),
    'no test where the dispenser has none',
  )
  t.same(nextDue(due, counts()), {step: 'rejects', cassette: null})
  t.end()
})
