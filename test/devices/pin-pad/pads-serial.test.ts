/** The pads over the real serial stack: pseudo-terminals, a cable that is pulled, and every command with every fault. */
import t from 'tap'
import {LINE as ABECS_LINE} from '../../../devices/pin-pad/abecs/bytes.ts'
import {AbecsPinPad} from '../../../devices/pin-pad/abecs/driver.ts'
import {AbecsEmulator} from '../../../devices/pin-pad/abecs/emulator.ts'
import {LINE} from '../../../devices/pin-pad/szzt/bytes.ts'
import {SzztPinPad} from '../../../devices/pin-pad/szzt/driver.ts'
import {SzztEmulator} from '../../../devices/pin-pad/szzt/emulator.ts'
import type {Key} from '../../../devices/pin-pad/port.ts'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import {realClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {ptyAvailable, skipUnless} from '../../needs.ts'
import {PtyWires} from '../dispenser/pty-wire.ts'
import {abecsFaults, szztFaults} from './faults.ts'
import {pinIn, pinKey, request} from './suite.ts'

const clock = realClock()

/** Looks every 10 ms until the condition holds. @throws when it does not within 20 s */
async function until(condition: () => boolean): Promise<void> {
  const endMs = clock.monotonicMs() + 20_000
  while (!condition()) {
    if (clock.monotonicMs() > endMs) throw new RangeError('what was waited for did not come')
    await clock.sleep(10)
  }
}

t.test('SZZT: a PIN, a hang-up in the middle of one, and recovery by opening again', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const terminal = pseudoTerminal(`${t.testdir()}/pad`)
  const emulator = new SzztEmulator(terminal.far, clock)
  await emulator.start()
  const pad = new SzztPinPad(serialLink(terminal.path, LINE, clock, silentLog), clock, silentLog)
  t.teardown(async () => {
    await pad.close()
    await emulator.stop()
    terminal.remove()
  })
  t.equal((await pad.open()).kind, 'open')
  t.match(await pad.loadKey(pinKey()), {checkValue: '2DAF03'})

  let digits = 0
  const counting = request(count => {
    digits = count
  })
  const enter = async (pin: readonly Key[]): Promise<string | null> => {
    const entering = pad.enterPin(counting)
    await until(() => emulator.world.mode === 'pin')
    for (const key of pin) emulator.press(key)
    await until(() => digits === pin.length)
    emulator.press('enter')
    return pinIn(await entering)
  }
  t.equal(await enter(['4', '0', '7', '2']), '4072')

  const hanging = pad.enterPin(counting)
  await until(() => emulator.world.mode === 'pin')
  emulator.press('1')
  await until(() => digits === 1)
  emulator.plan({kind: 'line', do: 'splitReply', command: 'fetchBlock', ms: 50})
  for (const key of ['2', '3', '4', 'enter'] as const) emulator.press(key)
  await until(() => emulator.transcript.at(-1)?.hex.endsWith('[20 bytes]') === true)
  terminal.hangUp()
  t.match(await hanging, {kind: 'failed', fault: 'hung-up'})
  t.match(await pad.open(), {kind: 'failed', fault: 'not-opened'})

  terminal.plug()
  t.equal((await pad.open()).kind, 'open')
  t.equal(await enter(['9', '1', '1', '9', '8']), '91198')
  const keys: Key[] = []
  t.same(await pad.listen(key => keys.push(key)), {kind: 'listening'})
  for (const key of ['7', '00', 'A', 'enter'] as const) emulator.press(key)
  await until(() => keys.length === 4)
  t.same(keys, ['7', '00', 'A', 'enter'])
})

t.test('ABECS: the same', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const terminal = pseudoTerminal(`${t.testdir()}/pad`)
  const emulator = new AbecsEmulator(terminal.far, clock)
  await emulator.start()
  const pad = new AbecsPinPad(serialLink(terminal.path, ABECS_LINE, clock, silentLog), clock, silentLog)
  t.teardown(async () => {
    await pad.close()
    await emulator.stop()
    terminal.remove()
  })
  t.equal((await pad.open()).kind, 'open')
  t.match(await pad.loadKey(pinKey()), {kind: 'kept'})
  const enter = async (pin: readonly Key[]): Promise<string | null> => {
    const entering = pad.enterPin(request())
    await until(() => emulator.world.mode === 'pin')
    for (const key of [...pin, 'enter'] as const) emulator.press(key)
    return pinIn(await entering)
  }
  t.equal(await enter(['4', '0', '7', '2']), '4072')

  const hanging = pad.enterPin(request())
  await until(() => emulator.world.mode === 'pin')
  emulator.press('1')
  terminal.hangUp()
  t.match(await hanging, {kind: 'failed', fault: 'hung-up'})
  t.match(await pad.open(), {kind: 'failed', fault: 'not-opened'})

  terminal.plug()
  t.equal((await pad.open()).kind, 'open')
  t.equal(await enter(['9', '1', '1', '9', '8']), '91198')
  const keys: Key[] = []
  t.same(await pad.listen(key => keys.push(key)), {kind: 'listening'})
  for (const key of ['up', 'A', 'enter'] as const) {
    await until(() => emulator.press(key) === 'pressed')
    await until(() => keys.at(-1) === key)
  }
  t.same(keys, ['up', 'A', 'enter'])
})

for (const [name, line, faults] of [
  ['SZZT', LINE, szztFaults],
  ['ABECS', ABECS_LINE, abecsFaults],
] as const)
  t.test(`${name}: every command with every line fault, while time stands still`, async t => {
    if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
    const wires = new PtyWires(line)
    await faults(t, wires.wire.bind(wires))
    await wires.end()
  })
