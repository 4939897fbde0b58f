/** EBDS: golden messages both ways; the driver against the emulator; a stranger's host; the real serial stack. */
import t from 'tap'
import {readFileSync} from 'node:fs'
import {COMMANDS, LINE} from '../../../devices/acceptor/ebds/bytes.ts'
import {
  SHAPE,
  decodeMessage,
  decodeState,
  decodeText,
  messageOf,
} from '../../../devices/acceptor/ebds/codec.ts'
import type {Ack, Command} from '../../../devices/acceptor/ebds/codec.ts'
import {Ebds} from '../../../devices/acceptor/ebds/driver.ts'
import {HostReader, messageFrom} from '../../../devices/acceptor/ebds/emulator-frames.ts'
import {EbdsEmulator} from '../../../devices/acceptor/ebds/emulator.ts'
import {NEW_PATH} from '../../../devices/acceptor/emulator-path.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import {VirtualClock, epochMs, realClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {keysOf} from '../../../kit/table.ts'
import {ptyAvailable, skipUnless} from '../../needs.ts'
import {framesSuite} from '../card-reader/frames.ts'
import {acceptorSuite, feed, startedRig} from './suite.ts'
import type {Model} from './suite.ts'

interface Vector {
  readonly name: string
  readonly from: 'host' | 'device'
  readonly ack: Ack
  readonly hex: string
  readonly fields?: Command
  readonly bits?: readonly string[]
  readonly index?: number
  readonly extended?: unknown
}

const VECTORS = readVectors()

function readVectors(): readonly Vector[] {
  const url = new URL('../../../devices/acceptor/ebds/vectors.json', import.meta.url)
  const rows: unknown = JSON.parse(readFileSync(url, 'utf8'))
  if (!Array.isArray(rows)) throw new RangeError('vectors.json holds no list')
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- our own file; a wrong row fails its test
  return rows as readonly Vector[]
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(' '), pair => Number.parseInt(pair, 16))
}

function hexOf(bytes: Iterable<number>): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}

t.test('orders are written as printed, and read by the emulator', async t => {
  const host = VECTORS.flatMap(vector =>
    vector.fields === undefined ? [] : [{...vector, fields: vector.fields}],
  )
  t.same(
    keysOf(COMMANDS).filter(name => !host.some(({fields}) => fields.kind === name)),
    [],
    'each has a vector',
  )
  for (const {name, hex, ack, fields} of host) {
    t.equal(hexOf(messageOf(fields, ack)), hex, name)
    const bytes = bytesOf(hex)
    t.same(
      new HostReader().push(bytes, 0),
      [{kind: 'command', control: bytes[2], data: [...bytes.slice(3, -2)]}],
      name,
    )
  }
})

t.test('replies are written by the emulator as printed, and read by the driver', async t => {
  for (const {name, hex, ack, bits, index, extended} of VECTORS.filter(({from}) => from === 'device')) {
    const message = decodeMessage(bytesOf(hex))
    t.match(message, {ack, device: 0}, name)
    if (message === null) continue
    t.equal(hexOf(messageFrom(message.type, ack, [...message.data])), hex, name)
    const state = decodeState(message)
    t.same([...(state?.bits ?? [])], bits, name)
    t.same([state?.index, state?.note], [index, extended], name)
  }
  t.equal(decodeText(bytesOf('53 43 20 01 00 41')), 'SC ?')
})

framesSuite(
  t,
  VECTORS.map(({name, hex}) => ({name, bytes: bytesOf(hex)})),
  SHAPE,
  decodeMessage,
)

const EBDS: Model = {
  name: 'ebds',
  driver: (link, clock) => new Ebds(link, clock, silentLog),
  emulator: (link, clock) => new EbdsEmulator(link, clock, {moveMs: 750, remains: NEW_PATH}),
  needsMark: false,
}

await acceptorSuite(t, EBDS)

t.test('values are what the acceptor’s own table says', async t => {
  const rig = await startedRig(EBDS)
  t.match(await feed(rig, 3), {kind: 'escrowed', note: {channel: 3, currency: 'USD', valueMinor: 1000}})
  t.match(await rig.run(rig.acceptor.stack()), {kind: 'stacked', note: {valueMinor: 1000}})
})

t.test('the reply that told of a note’s end is asked for again after a silence', async t => {
  const rig = await startedRig(EBDS)
  const inserted = await feed(rig, 2)
  rig.clock.after(1_550, () => {
    rig.emulator.plan({kind: 'answerLost', times: 20})
  })
  t.match(await rig.run(rig.acceptor.stack()), {kind: 'unknown', why: 'no-answer'})
  t.equal((await rig.run(rig.acceptor.open())).kind, 'open')
  if (inserted.kind !== 'escrowed') throw new RangeError(inserted.kind)
  t.match(await rig.run(rig.acceptor.recall({note: inserted.note, mark: null})), {
    kind: 'remembered',
    outcome: {kind: 'stacked', note: {channel: 2}},
  })
})

t.test('a stranger’s host, byte by byte', async t => {
  const clock = new VirtualClock(epochMs(1_700_000_000_000))
  const {near, far} = loopbackPair(clock)
  const emulator = new EbdsEmulator(far, clock, {moveMs: 100, remains: NEW_PATH})
  await emulator.start()
  let heard: number[] = []
  await near.open({
    bytes: chunk => {
      heard.push(...chunk)
    },
    lost: () => undefined,
  })
  let bit = 0
  /** One message, its check made here. @returns what comes back, without STX, length, ETX and check */
  const say = async (type: number, data: readonly number[], isNew = true): Promise<string> => {
    if (isNew) bit = 1 - bit
    const inner = [data.length + 5, type * 16 + bit, ...data]
    heard = []
    await near.write(Uint8Array.from([2, ...inner, 3, inner.reduce((sum, byte) => sum ^ byte, 0)]))
    await clock.advance(20)
    t.ok(heard.length === 0 || (heard[1] === heard.length && (heard[2] ?? 0) % 2 === bit), 'length and bit')
    return hexOf(heard.slice(3, -2))
  }
  t.match(await say(1, [0x7f, 0x1c, 0x04]), /^01 10 01 /, 'power-up is told')
  t.match(await say(1, [0x7f, 0x1c, 0x04]), /^01 10 00 /, 'once')
  emulator.insert(2)
  t.match(await say(1, [0x7f, 0x1c, 0x04]), /^02 10 00 /)
  await clock.advance(100)
  t.match(await say(1, [0x7f, 0x1c, 0x04]), /^04 10 10 /, 'in escrow, by its index')
  t.match(
    await say(1, [0x7f, 0x1c, 0x14]),
    /^02 04 10 00 10 54 12 00 55 53 44 30 30 35 2b 30 30 /,
    'and in full',
  )
  t.match(await say(1, [0x7f, 0x3c, 0x04]), /^08 10 00 /)
  await clock.advance(300)
  t.match(await say(1, [0x7f, 0x1c, 0x04]), /^10 10 10 /, 'stacked')
  t.match(await say(1, [0x7f, 0x1c, 0x04], false), /^10 10 10 /, 'the same bit again: the same reply')
  t.match(await say(1, [0x7f, 0x1c, 0x04]), /^01 10 00 /, 'and told once')
  emulator.insert(1)
  await clock.advance(150)
  t.match(await say(1, [0x7f, 0x5c, 0x04]), /^20 10 00 /)
  await clock.advance(150)
  t.match(await say(1, [0x7f, 0x1c, 0x04]), /^40 10 00 /, 'returned')
  emulator.insert(0)
  await clock.advance(300)
  t.match(await say(1, [0x7f, 0x1c, 0x04]), /^01 12 00 /, 'rejected')
  emulator.insert(3)
  await clock.advance(150)
  await say(1, [0x7f, 0x3c, 0x04])
  await clock.advance(50)
  emulator.cutPower()
  emulator.restorePower()
  t.match(await say(1, [0x7f, 0x1c, 0x04]), /^10 10 19 /, 'policy B: stacked at power-up, its value told')
  emulator.insert(3)
  await clock.advance(150)
  await say(1, [0x7f, 0x3c, 0x00])
  await clock.advance(50)
  emulator.cutPower()
  emulator.restorePower()
  t.match(await say(1, [0x7f, 0x1c, 0x00]), /^10 10 01 /, 'policy A: no value')
  emulator.insert(4)
  await clock.advance(150)
  t.match(await say(1, [0x7f, 0x0c, 0x00]), /^04 /, 'in escrow, for it came under escrow')
  await say(1, [0x7f, 0x2c, 0x00])
  await clock.advance(300)
  t.match(await say(1, [0x7f, 0x0c, 0x00]), /^10 10 20 /)
  emulator.insert(1)
  await clock.advance(400)
  t.match(await say(1, [0x7f, 0x0c, 0x00]), /^10 10 08 /, 'without escrow it is stacked at once')
  t.match(await say(6, [0, 0, 5]), /^30 30 31 38 37 33 35 32 00 /)
  t.equal(await say(6, [0, 0, 1]), '00 00 00 00 02 0e', '46 dollars')
  t.match(await say(6, [0, 0, 0x55]), /^01 10 02 /, 'an invalid command')
  t.match(await say(7, [0x02, 0, 0, 0, 9]), /^02 01 10 00 10 54 12 00 00 00 /, 'a row that there is not')
  heard = []
  await near.write(bytesOf('02 08 10 7f 00 00 03 66'))
  await clock.advance(50)
  t.equal(hexOf(heard), '', 'a wrong check is passed over')
  t.equal(await say(6, [0x7f, 0x7f, 0x7f]), '', 'a soft reset is not answered')
  t.equal(await say(1, [0x7f, 0x1c, 0x04]), '', 'nor anything for a second')
  await clock.advance(1_000)
  t.match(await say(1, [0x7f, 0x1c, 0x04]), /^01 10 01 /)
})

t.test('over the real serial stack', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const clock = realClock()
  const terminal = pseudoTerminal(`${t.testdir()}/ebds`)
  const emulator = new EbdsEmulator(terminal.far, clock, {moveMs: 1, remains: NEW_PATH})
  await emulator.start()
  const acceptor = new Ebds(serialLink(terminal.path, LINE, clock, silentLog), clock, silentLog)
  t.teardown(async () => {
    await acceptor.close()
    await emulator.stop()
    terminal.remove()
  })
  t.match(await acceptor.open(), {kind: 'open', identity: {model: 'ebds', firmware: '286001103'}})
  t.same(await acceptor.start([1, 2]), {kind: 'started'})
  emulator.insert(2)
  t.match(await acceptor.next(20_000), {kind: 'escrowed', note: {channel: 2, valueMinor: 500}})
  t.match(await acceptor.stack(), {kind: 'stacked', note: {channel: 2}})
  t.same(await acceptor.end(), {kind: 'ended'})
})
