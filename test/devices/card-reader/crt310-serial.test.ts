/** Creator CRT-310 over the real serial stack: a pseudo-terminal, real time, and a cable that is pulled. */
import t from 'tap'
import {LINE, PROFILE} from '../../../devices/card-reader/crt310/bytes.ts'
import {Crt310} from '../../../devices/card-reader/crt310/driver.ts'
import {Crt310Emulator} from '../../../devices/card-reader/crt310/emulator.ts'
import type {CardReader} from '../../../devices/card-reader/port.ts'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import {realClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {ptyAvailable, skipUnless} from '../../needs.ts'
import {PtyWires} from '../dispenser/pty-wire.ts'
import {everyCommandUnderEveryFault} from './matrix.ts'
import {CRT310} from './models.ts'
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

async function insertWhenOpen(emulator: Crt310Emulator): Promise<void> {
  await until(() => emulator.world.isAdmitting)
  emulator.insert({track2: TRACK2})
}

async function opened(reader: CardReader): Promise<string> {
  const outcome = await reader.open()
  return outcome.kind === 'open' ? `open, ${outcome.status.media}` : outcome.fault
}

t.test('a visit, a hang-up in the middle of an exchange, and recovery by opening again', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const terminal = pseudoTerminal(`${t.testdir()}/reader`)
  const emulator = new Crt310Emulator(terminal.far, clock, {moveMs: 50})
  await emulator.start()
  const link = serialLink(terminal.path, LINE, clock, silentLog)
  const reader = new Crt310(link, clock, silentLog, {...PROFILE, pollMs: 20})
  t.teardown(async () => {
    await reader.close()
    await emulator.stop()
    terminal.remove()
  })
  t.equal(await opened(reader), 'open, notPresent')
  const accepting = reader.accept()
  await insertWhenOpen(emulator)
  const accepted = await accepting
  t.equal(accepted.kind === 'inserted' && accepted.track2.reveal(), TRACK2)

  // The reply hangs in the middle of a slow movement when the cable goes.
  emulator.plan({kind: 'line', do: 'lateReply', command: 'ejectHeld', ms: 3_000})
  const ejecting = reader.eject(60_000)
  await until(() => emulator.world.place === 'frontHeld')
  terminal.hangUp()
  t.match(await ejecting, {kind: 'failed', fault: 'hung-up'})
  t.match(await reader.status(), {kind: 'failed'})
  t.equal(await opened(reader), 'not-opened')

  terminal.plug()
  // The reader is still busy with its late reply and mute until it is through.
  let found = await opened(reader)
  for (let tries = 0; found !== 'open, entering' && tries < 10; tries++) found = await opened(reader)
  t.equal(found, 'open, entering', 'the card is where it was left')
  t.same(await reader.retain(), {kind: 'retained'})
  t.match(emulator.world, {insertedCount: 1, takenCount: 0, capturedCount: 1})

  const second = reader.accept()
  await insertWhenOpen(emulator)
  t.equal((await second).kind, 'inserted')
  const last = reader.eject(20_000)
  await until(() => emulator.take() !== null)
  t.same(await last, {kind: 'taken'})
})

t.test('every command under every fault', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const wires = new PtyWires(LINE)
  await everyCommandUnderEveryFault(t, CRT310, wires.wire.bind(wires))
  await wires.end()
})
