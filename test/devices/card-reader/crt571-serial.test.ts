/** Creator CRT-571 over the real serial stack: pseudo-terminals, a visit in real time, a cable that is pulled, and every command under every fault. */
import t from 'tap'
import {LINE, PROFILE} from '../../../devices/card-reader/crt571/bytes.ts'
import {Crt571} from '../../../devices/card-reader/crt571/driver.ts'
import {Crt571Emulator} from '../../../devices/card-reader/crt571/emulator.ts'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import {realClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {ptyAvailable, skipUnless} from '../../needs.ts'
import {PtyWires} from '../dispenser/pty-wire.ts'
import {everyCommandUnderEveryFault} from './matrix.ts'
import {CHIPPED, CRT571} from './models.ts'
import {TRACK2} from './suite.ts'

const clock = realClock()

/** Looks every 10 ms until the condition holds. @throws when it does not within 20 s */
async function until(condition: () => boolean): Promise<void> {
  const endMs = clock.monotonicMs() + 20_000
  while (!condition()) {
    if (clock.monotonicMs() > endMs) throw new RangeError('what was waited for did not come')
    await clock.sleep(10)
  }
}

t.test('a visit over a pseudo-terminal, with faults, and a cable that is pulled in the middle', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const terminal = pseudoTerminal(`${t.testdir()}/reader`)
  const emulator = new Crt571Emulator(terminal.far, clock, {moveMs: 50})
  await emulator.start()
  const reader = new Crt571(serialLink(terminal.path, LINE, clock, silentLog), clock, silentLog, {
    ...PROFILE,
    pollMs: 20,
  })
  t.teardown(async () => {
    await reader.close()
    await emulator.stop()
    terminal.remove()
  })
  for (const fault of ['nak', 'dropAck', 'corruptReply', 'splitReply', 'garbageBeforeReply'] as const)
    for (const command of ['initStayCounted', 'coldReset', 'apduT0', 'toHold'] as const)
      emulator.plan({kind: 'line', do: fault, command})
  t.match(await reader.open(), {kind: 'open', status: {media: 'notPresent'}})
  const accepting = reader.accept()
  await until(() => emulator.world.isAdmitting)
  emulator.insert(CHIPPED)
  const accepted = await accepting
  t.equal(accepted.kind === 'inserted' && accepted.track2.reveal(), TRACK2)

  emulator.plan({kind: 'line', do: 'lateReply', command: 'toHold', ms: 2_000})
  const ejecting = reader.eject(60_000)
  await until(() => emulator.world.place === 'frontHeld')
  terminal.hangUp()
  t.match(await ejecting, {kind: 'failed', fault: 'hung-up'})
  t.match(await reader.open(), {kind: 'failed', fault: 'not-opened'})
  terminal.plug()
  let found = await reader.open()
  for (let tries = 0; found.kind !== 'open' && tries < 10; tries++) found = await reader.open()
  t.match(found, {kind: 'open', status: {media: 'entering'}})
  t.same(await reader.retain(), {kind: 'retained'})
  t.match(emulator.world, {insertedCount: 1, takenCount: 0, capturedCount: 1})
})

t.test('every command under every fault', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const wires = new PtyWires(LINE)
  await everyCommandUnderEveryFault(t, CRT571, wires.wire.bind(wires))
  await wires.end()
})
