/**
 * What card readers, PIN pads and printers on iron must hold; dispensers have a suite of their own. With
 * TELLERD_TEST_PORT=/dev/ttyUSB0 and TELLERD_TEST_MODEL=crt310 it asks the device there all that moves nothing. With
 * TELLERD_TEST_MOVE=cards, keys or paper as well a person must stand there: to give a card and take it back, to press a
 * key, to see a receipt come out. A card is never retained and a key never loaded: neither can be taken back.
 *
 * Without a port the same goes to emulators on pseudo-terminals with a hand beside them, or nobody would know whether it
 * holds. HID devices are asked by name (`0801:0011`); their emulators have suites in memory and in a guest's kernel.
 */
import t from 'tap'
import type {Test} from 'tap'
import type {CardReader} from '../../devices/card-reader/port.ts'
import type {PinPad} from '../../devices/pin-pad/port.ts'
import type {Printer} from '../../devices/printer/port.ts'
import {pseudoTerminal} from '../../devices/wire/pty.ts'
import {present} from '../../kit/assert.ts'
import {realClock} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {seededRandom} from '../../kit/random.ts'
import {StandControl} from '../../src/bench/control.ts'
import type {Stand, StandModel} from '../../src/bench/stand.ts'
import {STANDS} from '../../src/bench/stands.ts'
import {PIN_PADS, READERS, onPort} from '../../src/drivers.ts'
import type {Model} from '../../src/drivers.ts'
import {PRINTERS} from '../../src/printers.ts'
import {ptyAvailable, skipUnless} from '../needs.ts'
import {RECEIPT} from './printer/suite.ts'

const clock = realClock()
/** So long a person is waited for. */
const PATIENCE_MS = 60_000

/** What a person is asked to do; an emulator's hand does it. */
type Hand = (what: 'give a card' | 'take the card' | 'press enter') => Promise<void>

interface Kind<Port> {
  readonly models: Readonly<Record<string, Model<Port>>>
  /** The word that lets it move. */
  readonly moving: string
  readonly asks: (t: Test, device: Port) => Promise<void>
  readonly moves: (t: Test, device: Port, hand: Hand) => Promise<void>
}

const readers: Kind<CardReader> = {
  models: READERS,
  moving: 'cards',
  async asks(t, reader) {
    const opened = await reader.open()
    t.match(opened, {kind: 'open', status: {accepting: false}}, JSON.stringify(opened))
    if (opened.kind !== 'open') return
    t.comment(`${opened.identity.model} ${opened.identity.firmware}: ${opened.status.detail}`)
    for (const {name, isActive} of opened.status.sensors)
      t.comment(`${name}: ${isActive ? 'active' : 'not active'}`)
    t.match(await reader.status(), {kind: 'status', media: opened.status.media}, 'it says the same twice')
    t.equal(reader.chip === null, reader.capabilities.chip.length === 0)
    t.equal(opened.status.shutter === 'notSupported', !reader.capabilities.shutter)
  },
  async moves(t, reader, hand) {
    const accepting = reader.accept()
    await hand('give a card')
    const timer = clock.after(PATIENCE_MS, () => {
      void reader.refuse()
    })
    const accepted = await accepting
    timer.cancel()
    t.match(accepted, {kind: 'inserted'}, 'a card that can be read')
    const {type} = reader.capabilities
    const isHeld = type === 'motor' || type === 'latchedDip'
    if (isHeld) t.match(await reader.status(), {media: /present|latched/, accepting: false})
    if (isHeld && reader.chip !== null) {
      t.match(await reader.chip.reset('cold'), {kind: /answered|mute/})
      t.match(await reader.chip.powerOff(), {kind: 'poweredOff'})
    }
    const ejecting = reader.eject(PATIENCE_MS)
    if (type !== 'swipe') await hand('take the card')
    t.same(await ejecting, {kind: 'taken'})
    if (type !== 'swipe') t.match(await reader.status(), {media: 'notPresent'})
  },
}

const pads: Kind<PinPad> = {
  models: PIN_PADS,
  moving: 'keys',
  async asks(t, pad) {
    const opened = await pad.open()
    t.match(opened, {kind: 'open'}, JSON.stringify(opened))
    if (opened.kind !== 'open') return
    t.comment(`${opened.identity.model} ${opened.identity.firmware}: ${opened.status.detail}`)
    t.match(await pad.status(), {
      kind: 'status',
      tamper: opened.status.tamper,
      masterKey: opened.status.masterKey,
    })
    if (pad.capabilities.selfTest) t.match(await pad.selfTest(), {kind: 'passed'})
  },
  async moves(t, pad, hand) {
    const {promise: pressed, resolve} = Promise.withResolvers<string>()
    t.match(await pad.listen(resolve), {kind: 'listening'})
    const timer = clock.after(PATIENCE_MS, () => {
      resolve('nothing')
    })
    await hand('press enter')
    t.equal(await pressed, 'enter')
    timer.cancel()
    await pad.stop()
    t.match(await pad.status(), {kind: 'status'}, 'and it is done with keys')
  },
}

const printers: Kind<Printer> = {
  models: PRINTERS,
  moving: 'paper',
  async asks(t, printer) {
    const opened = await printer.open()
    t.match(opened, {kind: 'open'}, JSON.stringify(opened))
    if (opened.kind !== 'open') return
    t.comment(`${opened.identity.model} ${opened.identity.firmware}: ${opened.status.detail}`)
    t.match(await printer.status(), {kind: 'status', paper: opened.status.paper, fault: opened.status.fault})
  },
  async moves(t, printer) {
    t.match(await printer.print(RECEIPT), {kind: 'printed'})
  },
}

const {TELLERD_TEST_PORT: port, TELLERD_TEST_MODEL: wanted = '', TELLERD_TEST_MOVE: move} = process.env

/** A person, who reads what is wanted. */
const person =
  (t: Test): Hand =>
  async what => {
    t.comment(`now: ${what}, within ${PATIENCE_MS / 1_000} s`)
  }

function onIron<Port extends {close(): Promise<void>}>(kind: Kind<Port>, path: string): void {
  const model = Object.hasOwn(kind.models, wanted) ? kind.models[wanted] : undefined
  if (model === undefined) return
  t.test(`${wanted} at ${path}`, async t => {
    const {device} = onPort(model, path, clock, silentLog)
    await kind.asks(t, device)
    if (move === kind.moving) await kind.moves(t, device, person(t))
    else t.comment(`nothing was moved: TELLERD_TEST_MOVE=${kind.moving} lets it`)
    await device.close()
  })
}

const HANDS = {
  'give a card': 'insert card ada',
  'take the card': 'take card',
  'press enter': 'press key enter',
}

/** The hand of somebody who does what is wanted, at an emulated device. */
function emulatedHand(t: Test, model: StandModel, stand: Stand): Hand {
  const cable = {pull: () => undefined, plug: () => undefined}
  const control = new StandControl(
    model,
    stand,
    cable,
    () => undefined,
    () => undefined,
  )
  return async what => {
    await clock.sleep(300)
    t.match(await control.answer(HANDS[what]), /inserted|"ada"|"pressedCount":1/, what)
  }
}

function emulated<Port extends {close(): Promise<void>}>(
  kind: Kind<Port>,
  names: readonly (keyof typeof STANDS)[],
): void {
  for (const name of names)
    t.test(`${name}, emulated`, async t => {
      if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
      const model = await present(STANDS[name], name)()
      if (model.wire !== 'serial') return
      const terminal = pseudoTerminal(`${t.testdir()}/device`)
      const [profile = ''] = Object.keys(model.profiles)
      const stand = model.make(terminal.far, clock, seededRandom('iron'), {
        profile,
        world: null,
        pace: 'fast',
      })
      await stand.start()
      const {device} = onPort(present(kind.models[name], name), terminal.path, clock, silentLog)
      const before = JSON.stringify(stand.world())
      await kind.asks(t, device)
      t.equal(JSON.stringify(stand.world()), before, 'asking moved and changed nothing')
      await kind.moves(t, device, emulatedHand(t, model, stand))
      await device.close()
      await stand.stop()
      terminal.remove()
    })
}

if (port !== undefined) {
  onIron(readers, port)
  onIron(pads, port)
  onIron(printers, port)
} else {
  emulated(readers, ['crt310', 'crt571'])
  emulated(pads, ['szzt', 'abecs'])
  emulated(printers, ['escpos'])
}
