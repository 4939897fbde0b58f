// What runs inside the guest: this project's devices put on the kernel's bus by uhid, and met through hidraw by
// node-hid. Prints TAP on the console; started by main.ts, and of use wherever `/dev/uhid` may be opened.
import {closeSync, mkdtempSync, openSync, readFileSync, readdirSync, readlinkSync, writeSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {MagtekReader} from '../../../devices/card-reader/magtek/driver.ts'
import {MagtekEmulator} from '../../../devices/card-reader/magtek/emulator.ts'
import type {EmulatorOptions as ReaderOptions} from '../../../devices/card-reader/magtek/emulator.ts'
import {PROFILE, PROFILE_2014} from '../../../devices/pin-pad/dynapro/bytes.ts'
import {DynaProPinPad} from '../../../devices/pin-pad/dynapro/driver.ts'
import {DynaProEmulator} from '../../../devices/pin-pad/dynapro/emulator.ts'
import type {Key} from '../../../devices/pin-pad/port.ts'
import {hidAddress} from '../../../devices/wire/hid.ts'
import type {HidDevice, HidListener} from '../../../devices/wire/hid.ts'
import {hidBus} from '../../../devices/wire/hid-bus.ts'
import type {HidBus} from '../../../devices/wire/hid-bus.ts'
import {hidLink} from '../../../devices/wire/hid-node.ts'
import type {HidPort} from '../../../devices/wire/hid-node.ts'
import {encodeCreate, encodeInput, uhidProblem} from '../../../devices/wire/hid-uhid.ts'
import {silentLog} from '../../../kit/log.ts'
import {seededRandom} from '../../../kit/random.ts'
import {TRACK2} from '../../devices/card-reader/suite.ts'
import {PAN, pinIn, request} from '../../devices/pin-pad/suite.ts'
import {clock, TellerdProcess, until} from '../standing.ts'
import {GUEST_TIMEOUT_MS} from './image.ts'

const folder = mkdtempSync(join(tmpdir(), 'tellerd-hid-'))
let madeCount = 0

function newPath(): string {
  madeCount += 1
  return join(folder, String(madeCount))
}

/** 8 bytes in, 8 out, 8 as feature, not numbered. */
const PLAIN = bytesOfHex(
  '0600FF0901A1010902150026FF007508950881020903150026FF00750895089102090475089508B102C0',
)
/** Feature 1 of 4 bytes, input 32 of 5. */
const NUMBERED = bytesOfHex('0620FF0901A1017508150026FF00850109019504B202018520092095058102C0')

interface Box {
  readonly device: HidDevice
  /** What the host did, in order. */
  readonly said: string[]
  refuses: boolean
}

/** A device that writes down what it is told, and gives it back as its feature report. */
function newBox(descriptor: Uint8Array, serial: string): Box {
  let kept = new Uint8Array()
  const box: Box = {
    said: [],
    refuses: false,
    device: {
      identity: {vendorId: 0x1209, productId: 0x0001, product: 'Box', serial},
      descriptor,
      attached: () => undefined,
      setFeature: async (id, bytes) => {
        box.said.push(`feature ${id} ${hexOf(bytes)}`)
        kept = Uint8Array.from(bytes)
        return !box.refuses
      },
      getFeature: async () => (box.refuses ? null : kept),
      output: (id, bytes) => {
        box.said.push(`output ${id} ${hexOf(bytes)}`)
      },
    },
  }
  return box
}

interface Ear extends HidListener {
  readonly heard: string[]
}

function newEar(): Ear {
  const heard: string[] = []
  return {
    heard,
    report: (id, bytes) => heard.push(`report ${id} ${hexOf(bytes)}`),
    garbage: why => heard.push(`garbage ${why}`),
    lost: why => heard.push(`lost ${why}`),
  }
}

function linkAt(address: string): HidPort {
  return hidLink(hidAddress(address), clock, silentLog)
}

/** The device on a bus of its own, plugged in. */
async function plugged(device: HidDevice): Promise<{readonly bus: HidBus; readonly path: string}> {
  const path = newPath()
  const bus = hidBus(path, clock)
  await bus.far.open(device)
  await bus.plug()
  return {bus, path}
}

t.setTimeout(GUEST_TIMEOUT_MS)
t.equal(uhidProblem(), null, 'this kernel makes HID devices')

t.test('opened by its path, its numbers, its serial number; two of a kind must be told apart', async t => {
  const [one, two] = [await plugged(newBox(PLAIN, 'A1').device), await plugged(newBox(PLAIN, 'B2').device)]
  for (const [address, serial] of [
    [one.path, 'A1'],
    [two.path, 'B2'],
    [readlinkSync(two.path), 'B2'],
    ['1209:0001:A1', 'A1'],
    ['1209:0001:B2', 'B2'],
  ] as const) {
    const link = linkAt(address)
    const opened = await link.open(newEar())
    t.match(
      opened,
      {kind: 'open', identity: {vendorId: 0x1209, productId: 1, product: 'Box', serial}},
      address,
    )
    await link.close()
  }
  for (const [address, refusal] of [
    ['1209:0001', /2 such HID devices are plugged in; name a serial number/],
    ['1209:0001:C3', /no such HID device is plugged in/],
    ['1209:0002', /no such HID device is plugged in/],
    [join(folder, 'none'), /no such file/],
    ['/dev/null', /no hidraw/],
  ] as const) {
    const link = linkAt(address)
    t.same(await link.open(newEar()), {kind: 'lost', why: 'not-opened'}, address)
    t.match(link.refusal, refusal)
  }
  await two.bus.remove()
  const link = linkAt('1209:0001')
  t.match(await link.open(newEar()), {kind: 'open', identity: {serial: 'A1'}}, 'the only one left')
  await link.close()
  await one.bus.remove()
})

t.test('reports of both directions, padded; a refused one leaves the link open', async t => {
  const box = newBox(PLAIN, 'A1')
  const {bus, path} = await plugged(box.device)
  const ear = newEar()
  const link = linkAt(path)
  await link.open(ear)
  t.equal(await link.send('feature', 0, Uint8Array.of(1, 2)), 'sent')
  t.equal(await link.send('output', 0, Uint8Array.of(3)), 'sent')
  await until('the output report', () => box.said.length === 2)
  t.same(box.said, ['feature 0 0102000000000000', 'output 0 0300000000000000'])
  t.same(await link.getFeature(0), {kind: 'report', bytes: Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 0)})
  await bus.far.report(0, Uint8Array.of(0xab))
  await bus.far.report(0, Uint8Array.of(0xcd))
  await until('the input reports', () => ear.heard.length === 2)
  t.same(ear.heard, ['report 0 AB00000000000000', 'report 0 CD00000000000000'])
  box.refuses = true
  t.equal(await link.send('feature', 0, Uint8Array.of(9)), 'failed')
  t.same(await link.getFeature(0), {kind: 'failed'})
  box.refuses = false
  t.equal(link.isOpen, true)
  t.equal(await link.send('feature', 0, Uint8Array.of(8)), 'sent')
  await link.close()
  await bus.remove()
})

t.test('numbered reports; what has a wrong length or an unknown number is none', async t => {
  const box = newBox(NUMBERED, 'N1')
  const fd = openSync('/dev/uhid', 'r+')
  const nodes = () => readdirSync('/sys/class/hidraw')
  const before = new Set(nodes())
  writeSync(fd, encodeCreate(box.device.identity, NUMBERED, 'guest/raw'))
  await until('a hidraw', () => nodes().length > before.size)
  const ear = newEar()
  const link = linkAt('1209:0001:N1')
  t.match(await link.open(ear), {kind: 'open', reports: {isNumbered: true}})
  // Kernels differ in what they make of a short one.
  for (const hex of ['210102030405', '2001020304', '20010203040506', '200102030405'])
    writeSync(fd, encodeInput(bytesOfHex(hex)))
  await until('a report', () => ear.heard.some(line => line.startsWith('report')))
  t.same(new Set(ear.heard), new Set(['garbage length', 'report 32 0102030405']))
  closeSync(fd)
  await until('the loss', () => !link.isOpen)
  t.equal(ear.heard.at(-1), 'lost hung-up')
})

t.test('pulled out while it listens and while it is asked, and plugged in again', async t => {
  const {bus} = await plugged(newBox(PLAIN, 'A1').device)
  const link = linkAt('1209:0001')
  for (const round of [1, 2, 3]) {
    const ear = newEar()
    t.match(await link.open(ear), {kind: 'open'}, `round ${round}`)
    await bus.pull()
    await until('the loss', () => !link.isOpen)
    t.same(ear.heard, ['lost hung-up'], 'told once')
    t.equal(await link.send('feature', 0, new Uint8Array(8)), 'hung-up')
    t.same(await link.getFeature(0), {kind: 'lost', why: 'hung-up'})
    t.same(await link.open(newEar()), {kind: 'lost', why: 'not-opened'})
    await bus.plug()
  }
  t.match(await link.open(newEar()), {kind: 'open'})
  const asking = link.getFeature(0)
  await bus.pull()
  const got = await asking
  t.ok(got.kind === 'report' || (got.kind === 'lost' && got.why === 'hung-up'), got.kind)
  await link.close()
  await bus.remove()
})

const READERS: readonly (readonly [string, ReaderOptions, 'swipe' | 'dip'])[] = [
  ['SureSwipe 0002', {productId: 0x0002}, 'swipe'],
  ['MagneSafe swipe 0011', {}, 'swipe'],
  ['MagneSafe swipe 0011 of 931 bytes', {inputBytes: 931}, 'swipe'],
  ['MagneSafe insert 0013', {productId: 0x0013}, 'dip'],
]

for (const [name, options, type] of READERS)
  t.test(`${name}: cards, a reset, a pulled cable`, async t => {
    const path = newPath()
    const bus = hidBus(path, clock)
    const emulator = new MagtekEmulator(bus.far, clock, options)
    await emulator.start()
    await bus.plug()
    const reader = new MagtekReader(linkAt(path), clock, silentLog, type)
    t.match(await reader.open(), {kind: 'open', identity: {model: 'magtek'}})
    for (let round = 0; round < 3; round += 1) {
      const accepting = reader.accept([1, 2, 3])
      t.equal(emulator.insert({track2: TRACK2}), 'inserted')
      if (type === 'dip') emulator.take()
      const outcome = await accepting
      t.equal(outcome.kind === 'inserted' ? outcome.track2.reveal() : outcome.kind, TRACK2)
      t.same(await reader.eject(5_000), {kind: 'taken'})
    }
    t.match(await reader.reset('stay'), {kind: 'reset'}, 'gone from the bus and back')
    const accepting = reader.accept()
    await bus.pull()
    t.match(await accepting, {kind: 'failed', fault: 'hung-up'})
    await bus.plug()
    t.match(await reader.open(), {kind: 'open'})
    await reader.close()
    await emulator.stop()
    await bus.remove()
  })

for (const [name, firmware, profile] of [
  ['as of 2018', 2018, PROFILE],
  ['as of 2014', 2014, PROFILE_2014],
] as const)
  t.test(`DynaPro Mini ${name}: PIN blocks, a cancelled entry, single keys, a pulled cable`, async t => {
    const path = newPath()
    const bus = hidBus(path, clock)
    const emulator = new DynaProEmulator(bus.far, clock, seededRandom('guest'), {firmware})
    await emulator.start()
    await bus.plug()
    const pad = new DynaProPinPad(linkAt(path), clock, silentLog, profile)
    t.match(await pad.open(), {kind: 'open', identity: {model: 'dynapro'}, status: {pinKey: 'present'}})
    const press = (key: Key) => until(`key ${key}`, () => emulator.press(key) === 'pressed')
    for (const round of [1, 2]) {
      const entering = pad.enterPin(request())
      for (const key of ['1', '2', '3', '4', 'enter'] as const) await press(key)
      const outcome = await entering
      t.equal(pinIn(outcome), '1234', `PIN block ${round} for ${PAN}`)
    }
    const cancelled = pad.enterPin(request())
    await press('1')
    await press('cancel')
    t.same(await cancelled, {kind: 'cancelled'})
    const keys: Key[] = []
    t.same(await pad.listen(key => keys.push(key)), {kind: 'listening'})
    await press('enter')
    await until('the key', () => keys.length === 1)
    t.same(keys, ['enter'])
    await pad.stop()
    const entering = pad.enterPin(request())
    await press('1')
    await bus.pull()
    t.match(await entering, {kind: 'failed', fault: 'hung-up'})
    await bus.plug()
    t.match(await pad.open(), {kind: 'open'})
    await pad.close()
    await emulator.stop()
    await bus.remove()
  })

t.test('an emulator of its own process, asked by probe', async t => {
  for (const [model, ids] of [
    ['magtek', '0801:0011'],
    ['dynapro', '0801:3009'],
  ] as const) {
    const link = newPath()
    const stand = new TellerdProcess(['emulate', model, '--link', link])
    t.match(await stand.ready(), {ready: true, model, link}, stand.err)
    t.match(
      readFileSync(`/sys/class/hidraw/${readlinkSync(link).slice(5)}/device/uevent`, 'latin1'),
      /HID_ID/,
    )
    for (const port of [link, ids]) {
      const probe = new TellerdProcess(['probe', model, '--port', port, '--json'])
      t.same(await probe.ended(), {code: 0, signal: null}, probe.err)
      t.match(probe.out.join(''), new RegExp(`"model":"${model}"`))
    }
    t.same(await stand.ask('quit'), {ended: true})
    t.same(await stand.ended(), {code: 0, signal: null})
    t.equal(stand.err, '')
  }
})
