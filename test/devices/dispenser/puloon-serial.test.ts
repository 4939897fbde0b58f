/** The Puloon models over the real serial stack on a pseudo-terminal: every command with every fault, and one day in real time. */
import t from 'tap'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import {realClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {DISPENSERS} from '../../../src/drivers.ts'
import {ptyAvailable, skipUnless} from '../../needs.ts'
import {everyCommand} from './commands.ts'
import {everyMischief, orderOn, pick} from './conformance.ts'
import {LCDM1000, LCDM2000, LCDM4000} from './models.ts'
import {PtyWires} from './pty-wire.ts'

for (const [model, {line}] of [
  [LCDM1000, DISPENSERS.lcdm1000],
  [LCDM2000, DISPENSERS.lcdm2000],
  [LCDM4000, DISPENSERS.lcdm4000],
] as const) {
  t.test(`${model.name}: all that a probe, a visit and an operator ask, in real time`, async t => {
    if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
    const clock = realClock()
    const terminal = pseudoTerminal(`${t.testdir()}/dispenser`)
    const emulator = model.emulator(terminal.far, clock, 100, 5)
    await emulator.start()
    const dispenser = model.driver(serialLink(terminal.path, line, clock, silentLog), clock)
    t.match(await dispenser.open(), {kind: 'open', identity: {model: model.name}, status: {path: 'clear'}})
    t.ok((await dispenser.describe()).length > 0)
    t.match(await dispenser.mark(), {kind: 'marked'})
    t.match(await dispenser.dispense(orderOn({dispenser}), 1), {kind: 'dispensed', fault: null})
    emulator.plan({kind: 'jam', at: 'diverter', afterNotes: 1})
    t.match(await dispenser.dispense([pick(1, 3)], 2), {kind: 'partial', fault: 'jam', inPath: 1})
    t.match(await dispenser.dispense([pick(1, 1)], 3), {kind: 'refused', fault: 'jam'})
    t.match(await dispenser.reset(), {kind: 'reset', status: {path: 'clear'}})
    t.match(await dispenser.test(1), {kind: 'tested', tally: {rejected: 1}})
    t.match(await dispenser.dispense([pick(1, 2)], 4), {kind: 'dispensed'})
    await dispenser.close()
    await emulator.stop()
    terminal.remove()
  })

  t.test(`${model.name}: every command with every fault`, async t => {
    if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
    const wires = new PtyWires(line)
    const onTerminal = {...model, wire: wires.wire.bind(wires)}
    await everyMischief(t, onTerminal, 1, [150])
    await everyCommand(t, onTerminal, true)
    await wires.end()
  })
}
