/** Conversations at the console as a person has them. */
import {existsSync, readFileSync} from 'node:fs'
import t from 'tap'
import {codeAt} from '../../crypto/one-time.ts'
import {DEMO_CARDS} from '../../host/demo.ts'
import {present} from '../../kit/assert.ts'
import {epochMs} from '../../kit/clock.ts'
import {Secret} from '../../kit/secret.ts'
import {COMMANDS} from '../../src/console/commands.ts'
import {IDLE_MS} from '../../src/console/conversation.ts'
import {LINE_MAX} from '../../src/console/grammar.ts'
import {LOCK_MS, TRIES_MAX} from '../../src/console/people.ts'
import {BUDGET_MS} from '../session/world.ts'
import {Bench, PASSWORD, golden, lineFor} from './bench.ts'
import {seedIn} from './seed.ts'

t.test('an engineer looks around', async t => {
  const bench = await Bench.open()
  const wire = bench.connect()
  await wire.logIn('erik')
  for (const line of [
    'show status',
    'sh cas',
    'show cash',
    'show cassette 1',
    'show alarms',
    'show error 35',
  ])
    await wire.type(`${line}\r`)
  await wire.type('sh dev?')
  await wire.type('\x15')
  await wire.type('sh stat\t\r')
  await wire.type('show status | include ok | count\r')
  await wire.type('show cash | json\r')
  await wire.type('show status | exclude -\r')
  await wire.type('user list\r')
  await wire.type('exit\r')
  golden(t, 'engineer', wire.glass)
  await bench.close()
})

t.test('the first two people come in by the code of the first start, and nobody after them', async t => {
  const bench = await Bench.open({}, {})
  const wire = bench.connect()
  await wire.rest()
  t.match(wire.glass.text, /Nobody can log in[^]*enrolment code:$/)
  const code = readFileSync(bench.house.people.codePath, 'utf8').trim()
  await wire.type('not the code\r')
  t.match(wire.glass.text, /that is not the code[^]*enrolment code:$/, 'and is asked again')
  for (const name of ['anna', 'sven']) {
    wire.glass.clear()
    await wire.type(`${code}\r`)
    await wire.type('Anna!\r')
    t.match(
      wire.glass.text,
      /a name has 2 to 16 small letters[^]*your name:$/,
      'the code need not be typed again',
    )
    await wire.type(`${name}\r`)
    await wire.type('short\r')
    await wire.type(`${PASSWORD}\r`)
    await wire.type('another horse 42\r')
    t.match(wire.glass.text, /the two passwords differ/)
    await wire.type(`${PASSWORD}\r`)
    await wire.type(`${PASSWORD}\r`)
    const seed = seedIn(wire.glass.text)
    await wire.type(`${codeAt(seed, epochMs(bench.world.clock.wallMs()))}\r`)
    t.match(wire.glass.text, `${name} is enrolled as security`)
  }
  await wire.rest()
  t.match(wire.glass.lastLine, 'login: ')
  t.equal(bench.house.people.isEnrolling, false)
  t.notOk(existsSync(bench.house.people.codePath), 'the code is gone for good')
  t.same(
    bench.house.people.list().map(({name, role}) => [name, role]),
    [
      ['anna', 'security'],
      ['sven', 'security'],
    ],
  )
  await bench.close()
})

t.test('pages stop, and go on by the line, by the page, or not at all', async t => {
  const bench = await Bench.open()
  const wire = bench.connect()
  await wire.logIn('sven')
  await wire.give('help')
  t.match(wire.glass.lastLine, /--More--$/)
  const firstPage = wire.glass.text.split('\n').length
  t.equal(firstPage, 25, 'the command, 23 lines and the mark')
  await wire.type('\r')
  t.equal(wire.glass.text.split('\n').length, firstPage + 1, 'one line more')
  await wire.type('q')
  t.match(wire.glass.lastLine, /> $/)
  wire.glass.clear()
  await wire.type('show ?')
  t.match(wire.glass.text, /\n  version  status [^]*'help' says what each is for/, 'more than a glass holds')
  t.equal(
    wire.glass.text.split('\n').every(line => line.length < 80),
    true,
  )
  await wire.type('\x15')
  await wire.give('terminal length 0')
  wire.glass.clear()
  await wire.type('show ?')
  t.match(wire.glass.text, /version +the program/)
  await wire.type('\x15')
  const whole = await wire.give('help')
  t.notMatch(whole, /--More--/)
  await bench.close()
})

t.test('what is typed ahead is kept whole, and half a line is never carried out', async t => {
  const bench = await Bench.open()
  const wire = bench.connect()
  await wire.logIn('sven')
  t.match(await wire.give('show timers\rshow cash'), /cardTakeTimeoutMs[^]+cassette +note[^]+>$/)
  await wire.give('help')
  t.match(wire.glass.lastLine, /--More--$/)
  const next = await wire.give('show cash')
  t.match(next, /cassette +note/, 'any other key ends the pages and begins the next line')
  const flood = await wire.give(`show timers\r${'x'.repeat(LINE_MAX)}show cash`)
  t.match(flood, /cardTakeTimeoutMs/)
  t.notMatch(flood, /cassette +note/, 'its beginning was lost')
  t.match(await wire.give('show cash'), /cassette +note/, 'the next line counts again')
  t.match(await wire.give('show cash\x1b'), />$/, 'half a sequence of an arrow spoils')
  t.notMatch(wire.glass.text, /cassette +note/)
  await bench.close()
})

t.test('what changes something is not to be had by single letters', async t => {
  const bench = await Bench.open()
  const wire = bench.connect()
  await wire.logIn('sven')
  t.match(await wire.give('con r'), /refused: type more of each word: config rollback/)
  t.match(await wire.give('con rol'), /^con rol\n(?!refused: type)/)
  t.match(await wire.give('sh stat'), /state +idle/, 'a look may be as short as can be told from others')
  await bench.close()
})

t.test('supervisor mode waits for the visit to end, and nothing moves for a person before', async t => {
  const bench = await Bench.open()
  const {world} = bench
  const wire = bench.connect()
  await wire.logIn('oona')
  const customer = world.customer()
  await world.clock.runUntil(() => world.state === 'dispensing', BUDGET_MS)
  wire.line.feed(Buffer.from('supervisor enter\r'))
  await world.clock.runUntil(() => /waiting for the visit/.test(wire.glass.text), 5_000)
  t.not(world.state, 'supervisor')
  // Whatever reaches the machine now, no order of a person's is given during the visit.
  world.table.machine.operate({type: 'test.chosen', person: 'oona', cassette: 1})
  world.table.machine.operate({type: 'reset.chosen', person: 'oona', device: 'dispenser'})
  await world.clock.runUntil(() => customer.isDone, BUDGET_MS)
  await world.clock.runUntil(() => world.state === 'supervisor', BUDGET_MS)
  await wire.rest()
  t.match(wire.glass.text, /state +supervisor/)
  const kinds = world.table.journal
    .rows(1, 1_000)
    .map(({entry}) => (entry.kind === 'intent' ? entry.order.kind : ''))
  t.notOk(kinds.includes('operator.test') || kinds.includes('operator.reset'))
  t.equal(world.ending, 0, 'the customer got the money')
  await bench.close()
})

t.test('a locked machine serves nobody and lets nobody supervise, over a power cut too', async t => {
  const bench = await Bench.open()
  const {world} = bench
  const anna = bench.connect()
  await anna.logIn('anna')
  await anna.give('lock the door was forced')
  await anna.confirm()
  t.equal(world.state, 'outOfService')
  await bench.cutPower(anna)
  t.equal(world.state, 'outOfService')
  const oona = bench.connect()
  await oona.logIn('oona')
  t.match(await oona.give('show alarms'), /the machine is locked: the door was forced/)
  t.match(await oona.give('supervisor enter'), /refused: locked: the door was forced/)
  await oona.give('service in')
  await oona.confirm()
  t.equal(world.state, 'outOfService')
  const saga = bench.connect()
  await saga.logIn('saga')
  await saga.give('unlock')
  t.match(await saga.vouch('anna'), /must vouch/)
  await saga.give('unlock')
  await saga.vouch('stig')
  await saga.confirm()
  t.equal(world.state, 'idle')
  await bench.close()
})

t.test('what passes a wire is kept and told, and of a reader or a PIN pad how much alone', async t => {
  const bench = await Bench.open()
  const {traces} = bench
  const wire = bench.connect()
  await wire.logIn('erik')
  t.match(await wire.give('diag capture dispenser'), 'none')
  traces.dispenser.add('out', Uint8Array.of(0x04, 0x30, 0x02))
  traces.pinPad.add('in', Uint8Array.of(0x47, 0x11))
  t.match(await wire.give('diag capture dispenser'), /[0-9:.]{12}  out  3      043002/)
  t.match(await wire.give('diag capture pin-pad'), /in   2      not shown/)
  await wire.give('diag trace dispenser on')
  await wire.give('diag trace pin-pad on')
  wire.glass.clear()
  for (const trace of [traces.dispenser, traces.pinPad]) trace.add('in', new Uint8Array(300).fill(0x47))
  await bench.world.clock.advance(1)
  t.match(wire.glass.text, new RegExp(`^% dispenser [0-9:.]{12} in 300 ${'47'.repeat(13)}`), 'live')
  t.match(wire.glass.text, /% pin-pad [0-9:.]{12} in 300 not shown/)
  await wire.give('diag trace pin-pad off')
  wire.glass.clear()
  for (let at = 0; at < 300; at++) traces.pinPad.add('out', Uint8Array.of(at & 0xff))
  await bench.world.clock.advance(1)
  t.notMatch(wire.glass.text, 'pin-pad')
  t.match(
    await wire.give('diag capture pin-pad | count'),
    /^diag.*\n257\n/,
    'as many as are kept, and their head',
  )
  await wire.type('exit\r')
  wire.glass.clear()
  traces.dispenser.add('in', Uint8Array.of(1))
  await bench.world.clock.advance(1)
  t.equal(wire.glass.text, '', 'nothing comes after the log-out')
  await bench.close()
})

t.test('figures, storage and the open date are shown', async t => {
  const bench = await Bench.open()
  const customer = bench.world.customer()
  await bench.world.clock.runUntil(() => customer.isDone && bench.world.state === 'idle', BUDGET_MS)
  const anna = bench.connect()
  await anna.logIn('anna')
  t.match(
    await anna.give('settle trial'),
    /withdrawals +1 for 60\.00 EUR\nreversals +0 for 0\.00 EUR\n[^]*can be closed +yes/,
  )
  await anna.give('terminal length 0')
  const [key] = bench.world.table.journal
    .rows(1, 1_000)
    .flatMap(({entry}) =>
      entry.kind === 'intent' && entry.order.kind === 'host.authorize' ? [entry.order.key] : [],
    )
  const dispute = await anna.give(`ej dispute ${present(key, 'a reference')}`)
  t.match(dispute, /Dispute of ATM123:[^]*dispenser: cassette 1: 3 picked, 3 out[^]*the whole journal: whole/)
  t.match(await anna.give('ej dispute ATM123:2026-11-22:999999'), 'refused: no operation here')
  bench.world.table.stage.line.cut()
  await bench.world.clock.advance(120_000)
  t.match(await anna.give('settle trial'), /can be closed +no: the bank cannot be reached/)
  t.match(await anna.give('show storage'), /rows +[1-9][0-9]*\noldest row here +1\n/)
  const erik = bench.connect()
  await erik.logIn('erik')
  await erik.give('terminal length 0')
  t.match(await erik.give('show metrics | include in_service'), /tellerd_in_service 0/)
  await bench.close()
})

t.test('a test note goes to the reject bin alone, by two people, and the levels follow', async t => {
  const bench = await Bench.open()
  const {world} = bench
  const wire = bench.connect()
  await wire.logIn('oona')
  t.match(await wire.give('test dispenser to-reject 1'), /only in supervisor mode/)
  await wire.give('supervisor enter')
  await wire.give('test dispenser to-reject 1')
  await wire.vouch('olaf')
  await wire.confirm(60_000)
  t.match(wire.glass.text, /to the reject bin +1/)
  const {world: notes} = world.table.stage.rig.emulators.dispenser
  t.same(
    Object.values(notes.customer).filter(count => count > 0),
    [],
  )
  t.equal(world.table.machine.standing.context.levels[0]?.count, 99)
  const rows = world.table.journal.rows(1, 1_000).map(({entry}) => entry)
  const order = rows.findIndex(entry => entry.kind === 'intent' && entry.order.kind === 'operator.test')
  const done = rows.findIndex(entry => entry.kind === 'event' && entry.event.type === 'test.done')
  t.equal(order > 0 && done > order, true, 'in ink before it moves')
  await bench.close()
})

t.test('a suspect has an owner and notes, and is closed by two people of those who handle cash', async t => {
  const bench = await Bench.open({dispenser: 'lcdm2000', plan: 'dispenser: answer lost'})
  const customer = bench.world.customer()
  await bench.world.clock.runUntil(() => customer.isDone, BUDGET_MS)
  await bench.world.settle()
  const key = present(/[A-Z0-9]+:[0-9-]{10}:[0-9]{6}/.exec(await listed(bench, 'anna'))?.[0], 'a reference')
  const wire = bench.connect()
  await wire.logIn('anna')
  await wire.give(`suspense take ${key}`)
  await wire.give(`suspense note ${key} the camera shows three notes`)
  t.match(await wire.give(`suspense show ${key}`), /owner +anna[^]*anna: the camera shows three notes/)
  t.match(await wire.give(`suspense close ${key} paid back`), /that is for operator/)
  t.match(await wire.give('suspense take ATM1:2026-11-22:000999'), /nothing in suspense has that reference/)
  await wire.give('exit')
  const cash = bench.connect()
  await cash.logIn('oona')
  await cash.give(`suspense close ${key} counted at the branch`)
  await cash.vouch('olaf')
  await cash.confirm()
  t.notMatch(await listed(bench, 'anna'), new RegExp(key))
  const {journal} = bench.world.table
  const closed = journal
    .rows(1, 1_000)
    .find(({entry}) => entry.kind === 'event' && entry.event.type === 'suspense.closed')
  t.match(closed?.entry, {event: {person: 'oona', key, because: 'counted at the branch'}})
  await bench.close()
})

/** The list as that person sees it. */
async function listed(bench: Bench, name: string): Promise<string> {
  const wire = bench.connect()
  await wire.logIn(name)
  const list = await wire.give('suspense list')
  await wire.give('exit')
  return list
}

t.test('nobody vouches for themselves, nor a role that may not', async t => {
  const bench = await Bench.open()
  const wire = bench.connect()
  await wire.logIn('oona')
  await wire.give('supervisor enter')
  for (const second of ['oona', 'anna']) {
    await wire.give('test dispenser to-reject 1')
    t.match(await wire.vouch(second), /must vouch/, second)
  }
  await bench.close()
})

t.test('too many tries lock, also over a power cut, and the right password helps no more', async t => {
  const bench = await Bench.open()
  const wire = bench.connect()
  await wire.rest()
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    await wire.type('anna\r')
    await wire.type('wrong password 1\r')
    await wire.type('000000\r')
  }
  wire.line.hangUp()
  const again = bench.connect()
  await again.logIn('anna')
  t.match(again.glass.text, /do not fit/)
  await bench.world.clock.advance(LOCK_MS)
  await again.rest()
  await again.logIn('anna')
  t.match(again.glass.text, /anna, auditor/)
  await bench.close()
})

t.test('a pulled cable logs out, and so do five minutes of nothing', async t => {
  const bench = await Bench.open()
  const {clock, table} = bench.world
  const wire = bench.connect()
  await wire.logIn('erik')
  wire.line.hangUp()
  await clock.advance(1)
  const outcomes = (): readonly string[] =>
    table.journal
      .rows(1, 1_000)
      .flatMap(({entry}) =>
        entry.kind === 'event' && entry.event.type === 'person.acted' && entry.event.command === 'logout'
          ? [entry.event.outcome]
          : [],
      )
  t.same(outcomes(), ['gone'])
  const next = bench.connect()
  await next.rest()
  t.match(next.glass.lastLine, /^login: $/, 'whoever plugs in next is nobody')
  await next.logIn('erik')
  await clock.advance(IDLE_MS + 1)
  t.same(outcomes(), ['gone', 'idle'])
  t.match(next.glass.text, /logged out/)
  await bench.close()
})

t.test('the live log leaves the line being typed as it was', async t => {
  const bench = await Bench.open()
  const wire = bench.connect()
  await wire.logIn('erik')
  await wire.give('terminal monitor on')
  wire.glass.clear()
  await wire.type('show sta')
  bench.house.log
    .log(bench.world.clock)
    .named('link')
    .warn('no answer', {why: 'timeout', card: new Secret('4711')})
  await bench.world.clock.advance(1)
  t.match(wire.glass.text, /^% [0-9:]{8} warn link: no answer why=timeout card="\[secret\]"\n.*show sta$/)
  await wire.type('tus\r')
  t.match(wire.glass.text, /state +idle/, 'and Enter carries out what was typed')
  await bench.close()
})

t.test('one command and one JSON object a line, for rigs', async t => {
  const bench = await Bench.open()
  const wire = bench.connect()
  await wire.rest()
  await wire.type(':lines\r', 1_000)
  wire.glass.clear()
  const code = await bench.code('anna')
  await wire.type(`anna\n${PASSWORD}\n${code}\nshow cash\nshow nothing\nconfig commit\n`, 10_000)
  const objects = wire.glass.text
    .split('\n')
    .filter(line => line !== '')
    .map((line): unknown => JSON.parse(line))
  t.match(objects.at(-3), {
    command: 'show cash',
    outcome: 'done',
    result: [{cassette: 1, count: 100}, {cassette: 2}],
  })
  t.match(objects.at(-2), {outcome: 'refused'})
  t.match(objects.at(-1), {outcome: 'refused', why: 'that is for senior'})
  await bench.close()
})

t.test('no password, no code and no card number reaches the glass or the journal', async t => {
  const bench = await Bench.open()
  const {world} = bench
  const customer = world.customer()
  await world.clock.runUntil(() => customer.isDone, BUDGET_MS)
  const wire = bench.connect()
  await wire.logIn('anna')
  await wire.give('terminal length 0')
  for (const {words, may, kind} of COMMANDS)
    if (may.includes('auditor') && kind === 'look') await wire.give(lineFor(words))
  await wire.give('ej last 500')
  t.notMatch(await wire.give('service out 4111 1111 1111 1111'), /done/)
  wire.glass.clear()
  t.notMatch(wire.glass.raw, PASSWORD)
  // Looked for by its own digits: a hash may hold as many in a row by chance.
  t.notMatch(wire.glass.raw, present(DEMO_CARDS[0], 'a demo card').pan)
  t.match(wire.glass.raw, /[0-9]{6}\*{6}[0-9]{4}/)
  const rows = JSON.stringify(world.table.journal.rows(1, 10_000))
  t.notMatch(rows, PASSWORD)
  t.notMatch(rows, '4111 1111')
  await bench.close()
})
