/** The real serial stack on a pseudo-terminal, against an emulated dispenser: opening, hang-up, and no spinning. */
import t from 'tap'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {Lcdm2000} from '../../../devices/dispenser/lcdm2000/driver.ts'
import {LINE} from '../../../devices/dispenser/lcdm2000/bytes.ts'
import {Lcdm2000Emulator} from '../../../devices/dispenser/lcdm2000/emulator.ts'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import type {PseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import type {SerialLink} from '../../../devices/wire/serial.ts'
import type {LinkLost} from '../../../devices/wire/link.ts'
import {realClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {noteCount} from '../../../kit/money.ts'

const clock = realClock()
const folder = mkdtempSync(join(tmpdir(), 'tellerd-serial-'))
t.teardown(() => {
  rmSync(folder, {recursive: true})
})

/** Generous, because the machine may be busy; nothing waits that long when things work. */
const PATIENCE_MS = 20_000

async function until(what: string, isDone: () => boolean): Promise<void> {
  const endMs = clock.monotonicMs() + PATIENCE_MS
  while (!isDone()) {
    if (clock.monotonicMs() > endMs) throw new RangeError(`waited in vain: ${what}`)
    await clock.sleep(2)
  }
}

interface Ends {
  readonly terminal: PseudoTerminal
  readonly serial: SerialLink
  readonly got: number[]
  readonly losses: LinkLost[]
  readonly listener: {readonly bytes: (chunk: Uint8Array) => void; readonly lost: (why: LinkLost) => void}
}

function ends(name: string): Ends {
  const terminal = pseudoTerminal(join(folder, name))
  const got: number[] = []
  const losses: LinkLost[] = []
  const listener = {
    bytes: (chunk: Uint8Array) => {
      got.push(...chunk)
    },
    lost: (why: LinkLost) => {
      losses.push(why)
    },
  }
  // Looked at never, so that a loss below is noticed by reading.
  const serial = serialLink(terminal.path, LINE, clock, silentLog, {aliveEveryMs: 3_600_000})
  return {terminal, serial, got, losses, listener}
}

t.test('all byte values both ways; closing and opening again; one owner', async t => {
  const {terminal, serial, got, losses, listener} = ends('plain')
  const all = Uint8Array.from({length: 256}, (_, at) => at)
  await terminal.far.open({bytes: chunk => void terminal.far.write(chunk), lost: () => undefined})
  t.equal(await serial.write(all), 'not-opened')
  for (const round of [1, 2, 3]) {
    t.equal(await serial.open(listener), 'open', `round ${round}`)
    t.equal(serial.isOpen, true)
    t.equal(await serialLink(terminal.path, LINE, clock, silentLog).open(listener), 'not-opened', 'locked')
    got.length = 0
    t.equal(await serial.write(all), 'written')
    await until('echo', () => got.length >= 256)
    t.same(got, [...all])
    t.equal(await serial.modemLines(), null, 'a pseudo-terminal has none, and that is no error')
    await serial.close()
    await serial.close()
    t.equal(serial.isOpen, false)
  }
  t.same(losses, [], 'closing is not losing')
  t.equal(await serial.write(all), 'hung-up')
  terminal.remove()
  t.equal(await serial.open(listener), 'not-opened', 'nothing is there')
})

t.test('what was written before a close arrives', async t => {
  const {terminal, serial, listener} = ends('last')
  let heardCount = 0
  await terminal.far.open({
    bytes: chunk => {
      heardCount += chunk.length
    },
    lost: () => undefined,
  })
  for (let round = 1; round <= 20; round++) {
    await serial.open(listener)
    t.equal(await serial.write(Uint8Array.of(0x06)), 'written')
    await serial.close()
    await until(`byte ${round}`, () => heardCount === round)
  }
  terminal.remove()
})

t.test('bytes from before the opening are dropped', async t => {
  const {terminal, serial, got, listener} = ends('before')
  await terminal.far.open({bytes: () => undefined, lost: () => undefined})
  await terminal.far.write(Uint8Array.of(1, 2, 3))
  await clock.sleep(20)
  await serial.open(listener)
  await terminal.far.write(Uint8Array.of(9))
  await until('the new byte', () => got.length > 0)
  t.same(got, [9])
  await serial.close()
  terminal.remove()
})

t.test('a hang-up is noticed, idle or in a burst, does not spin, and opening again works', async t => {
  const {terminal, serial, got, losses, listener} = ends('hangup')
  await terminal.far.open({bytes: chunk => void terminal.far.write(chunk), lost: () => undefined})
  const burst = new Uint8Array(50).fill(0x78)
  // Within the listener nothing waits for more bytes: the next read finds the line gone, and gives 0 bytes for ever.
  const hangingUp = {
    ...listener,
    bytes: () => {
      terminal.hangUp()
    },
  }
  for (const round of ['idle', 'in a burst', 'idle', 'in a burst', 'under a burst', 'under a burst']) {
    t.equal(await serial.open(round === 'in a burst' ? hangingUp : listener), 'open')
    losses.length = 0
    if (round !== 'idle') for (let sent = 0; sent < 400; sent += 1) void terminal.far.write(burst)
    if (round === 'under a burst') await until('the burst to begin', () => got.length > 0)
    if (round !== 'in a burst') terminal.hangUp()
    await until('the loss', () => losses.length > 0)
    t.same(losses, ['hung-up'], round)
    t.equal(serial.isOpen, false)
    t.equal(await serial.write(burst), 'hung-up', 'a write answers')
    t.equal(await serial.open(listener), 'not-opened')
    const before = process.cpuUsage()
    await clock.sleep(300)
    const {user, system} = process.cpuUsage(before)
    // A spinning read takes more than half of the time; 150 ms leaves room for a busy machine.
    t.ok((user + system) / 1_000 < 150, 'the process is at rest')
    terminal.plug()
    t.equal(await serial.open(listener), 'open', 'opens again')
    got.length = 0
    t.equal(await serial.write(Uint8Array.of(1, 2, 3)), 'written')
    await until('echo', () => got.length >= 3)
    t.same(got, [1, 2, 3], 'and no byte is stolen')
    await serial.close()
    got.length = 0
  }
  terminal.remove()
})

t.test('a full line ends a write in its time, and nothing of it leaves later', async t => {
  const {terminal, listener} = ends('full')
  const serial = serialLink(terminal.path, LINE, clock, silentLog, {writeTimeoutMs: 200})
  const losses: LinkLost[] = []
  let isMarked = false
  await terminal.far.open({
    bytes: chunk => {
      isMarked ||= chunk.includes(1)
    },
    lost: () => undefined,
  })
  t.equal(await serial.open({...listener, lost: why => losses.push(why)}), 'open')
  const readOn = terminal.pause()
  const first = serial.write(new Uint8Array(1_000_000))
  const second = serial.write(Uint8Array.of(1))
  t.equal(await first, 'write-stalled')
  readOn()
  t.not(await second, 'written')
  await serial.close()
  await clock.sleep(50)
  t.equal(isMarked, false, 'what was queued behind it never left')
  t.same(losses, ['write-stalled'])
  t.equal(serial.isOpen, false)
  terminal.remove()
})

t.test('the dispenser driver on a real serial port', async t => {
  const {terminal, serial} = ends('dispenser')
  const emulator = new Lcdm2000Emulator(terminal.far, clock, {1: 50, 2: 50}, {noteMs: 5})
  await emulator.start()
  const dispenser = new Lcdm2000(serial, clock, silentLog)
  t.match(await dispenser.open(), {kind: 'open', identity: {firmware: 'T20T 5624'}})
  const order = [
    {cassette: 1, count: noteCount(3)},
    {cassette: 2, count: noteCount(2)},
  ]
  t.match(await dispenser.dispense(order, 1), {kind: 'dispensed', fault: null})
  t.same(emulator.world.outlet, {1: 3, 2: 2})

  const stop = emulator.watch(() => {
    if (emulator.world.outlet[1] === 4) terminal.hangUp()
  })
  t.match(await dispenser.dispense(order, 2), {kind: 'unknown', why: 'hung-up'})
  stop()
  await until('the device to finish', () => !emulator.state.isMoving)
  t.same(emulator.world.outlet, {1: 6, 2: 4}, 'it went on by itself')
  t.match(await dispenser.dispense(order, 3), {kind: 'refused', fault: 'hung-up'})
  terminal.plug()
  t.match(await dispenser.open(), {kind: 'open'})
  t.match(await dispenser.dispense(order, 4), {kind: 'dispensed'})
  t.same(emulator.world.outlet, {1: 9, 2: 6})
  await dispenser.close()
  await emulator.stop()
  terminal.remove()
})
