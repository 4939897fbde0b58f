/**
 * What a dispenser on iron must hold. With TELLERD_TEST_PORT=/dev/ttyUSB0 and TELLERD_TEST_MODEL=lcdm2000 it asks the device
 * there all that moves nothing. With TELLERD_TEST_MOVE=notes as well it tests each cassette, pays out one note of each,
 * and resets: the path must be clear and somebody must stand there.
 *
 * Without a port the same goes to emulators on pseudo-terminals, or nobody would know whether it holds.
 */
import t from 'tap'
import type {Test} from 'tap'
import type {Dispenser} from '../../../devices/dispenser/port.ts'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import {realClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {DISPENSERS} from '../../../src/drivers.ts'
import {KINDS} from '../../../src/kinds.ts'
import {ptyAvailable, skipUnless} from '../../needs.ts'
import {pick} from './conformance.ts'
import {F56_FRONT, LCDM1000, LCDM2000, LCDM4000} from './models.ts'

const clock = realClock()

function dispenserAt(name: string, port: string): Dispenser {
  const model = Object.entries(DISPENSERS).find(([known]) => known === name)?.[1]
  if (model === undefined)
    throw new RangeError(`TELLERD_TEST_MODEL is none of ${Object.keys(DISPENSERS).join(', ')}`)
  return model.on(serialLink(port, model.line, clock, silentLog), clock, silentLog)
}

async function asks(t: Test, name: string, dispenser: Dispenser): Promise<void> {
  const opened = await dispenser.open()
  t.match(opened, {kind: 'open'}, JSON.stringify(opened))
  if (opened.kind !== 'open') return
  t.ok(name.startsWith(opened.identity.model), `${opened.identity.model}: ${opened.identity.firmware}`)
  t.same(
    opened.status.cassettes.map(({cassette}) => cassette),
    dispenser.capabilities.cassettes,
  )
  for (const line of await dispenser.describe()) t.comment(line)
  for (const {name: sensor, isSet, means} of opened.status.sensors)
    if (isSet) t.comment(`${sensor}: ${means}`)
  const again = await dispenser.status()
  t.match(again, {kind: 'status', path: opened.status.path}, 'it says the same twice')
  t.match(await dispenser.mark(), {kind: 'marked'})
  t.match(
    await dispenser.denominate([pick(1, 1)]),
    {kind: opened.status.path === 'clear' ? /./ : 'refused'},
    'nothing is promised past a note in the path',
  )
}

async function moves(t: Test, dispenser: Dispenser): Promise<void> {
  const {cassettes, test} = dispenser.capabilities
  for (const cassette of cassettes) {
    if (test) t.match(await dispenser.test(cassette), {kind: 'tested', tally: {cassette, rejected: 1}})
    t.match(await dispenser.dispense([pick(cassette, 1)], cassette), {
      kind: 'dispensed',
      tallies: [{cassette, dispensed: 1}],
    })
  }
  t.match(await dispenser.reset(), {kind: 'reset', status: {path: 'clear'}})
}

const {TELLERD_TEST_PORT: port, TELLERD_TEST_MODEL: model = '', TELLERD_TEST_MOVE: move} = process.env

/** What is at the port is for another kind's suite. */
const isElsewhere = KINDS.some(({name, models}) => name !== 'dispenser' && Object.hasOwn(models, model))

if (port !== undefined && !isElsewhere)
  t.test(`${model} at ${port}`, async t => {
    const dispenser = dispenserAt(model, port)
    await asks(t, model, dispenser)
    if (move === 'notes') await moves(t, dispenser)
    else t.comment('no note was moved: TELLERD_TEST_MOVE=notes lets it')
    await dispenser.close()
  })
else
  for (const {name, emulator: make} of [LCDM1000, LCDM2000, LCDM4000, F56_FRONT])
    t.test(`${name}, emulated`, async t => {
      if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
      const terminal = pseudoTerminal(`${t.testdir()}/dispenser`)
      const emulator = make(terminal.far, clock, 10, 0)
      await emulator.start()
      const dispenser = dispenserAt(name, terminal.path)
      const before = emulator.world
      await asks(t, name, dispenser)
      t.same(emulator.world, before, 'no note moved')
      await moves(t, dispenser)
      const {cassettes, test} = dispenser.capabilities
      const each = (count: number) => Object.fromEntries(cassettes.map(cassette => [cassette, count]))
      t.same(emulator.world.outlet, each(1))
      t.same(emulator.world.reject, each(test ? 1 : 0))
      await dispenser.close()
      await emulator.stop()
      terminal.remove()
    })
