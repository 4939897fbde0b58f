/** SSP: golden packets both ways, in clear and encrypted; the NV200 against its emulator; a stranger's host; the real serial stack. */
import t from 'tap'
import {readFileSync} from 'node:fs'
import {EsspCipher, ESSP_FIXED_KEY, agreementWith, fromLittleEndian} from '../../../crypto/essp.ts'
import {COMMANDS, EVENTS, LINE, REPLIES} from '../../../devices/acceptor/itl-ssp/bytes.ts'
import {
  SHAPE,
  crcCms,
  dataOf,
  decodeAnswer,
  decodeCounters,
  decodeEvents,
  decodeFrame,
  decodeLevels,
  decodeSerial,
  decodeSetup,
  frameOf,
} from '../../../devices/acceptor/itl-ssp/codec.ts'
import type {Command, Sequence} from '../../../devices/acceptor/itl-ssp/codec.ts'
import {Nv200} from '../../../devices/acceptor/itl-ssp/driver.ts'
import {
  HostReader,
  packetFor,
  remainder,
  sealed,
  unsealed,
} from '../../../devices/acceptor/itl-ssp/emulator-frames.ts'
import {NEW, Nv200Emulator, STANDARD} from '../../../devices/acceptor/itl-ssp/emulator.ts'
import type {Nv200Quirks} from '../../../devices/acceptor/itl-ssp/emulator.ts'
import {openPacket, sealPacket} from '../../../devices/acceptor/itl-ssp/packet.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import {VirtualClock, epochMs, realClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {seededRandom} from '../../../kit/random.ts'
import type {Random} from '../../../kit/random.ts'
import {keysOf} from '../../../kit/table.ts'
import {ptyAvailable, skipUnless} from '../../needs.ts'
import {framesSuite} from '../card-reader/frames.ts'
import {acceptorSuite, feed, startedRig} from './suite.ts'
import type {Model} from './suite.ts'

interface Vector {
  readonly name: string
  readonly from: 'host' | 'device'
  readonly sequence: Sequence
  readonly hex: string
  readonly fields?: {readonly kind: Command['kind']; readonly number?: string}
  readonly reply?: string
  readonly events?: readonly unknown[]
  readonly isWhole?: boolean
  readonly serial?: number
  readonly counters?: unknown
  readonly levels?: unknown
  readonly setup?: unknown
  readonly sealed?: {
    readonly key: string
    readonly count: number
    readonly text: string
    readonly isZeroPadded?: boolean
  }
}

const VECTORS = readVectors()

function readVectors(): readonly Vector[] {
  const url = new URL('../../../devices/acceptor/itl-ssp/vectors.json', import.meta.url)
  const rows: unknown = JSON.parse(readFileSync(url, 'utf8'))
  if (!Array.isArray(rows)) throw new RangeError('vectors.json holds no list')
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- our own file; a wrong row fails its test
  return rows as readonly Vector[]
}

function commandOf({fields}: Vector): Command {
  const number = fields?.number === undefined ? {} : {number: BigInt(fields.number)}
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- as above
  return {...fields, ...number} as Command
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(' '), pair => Number.parseInt(pair, 16))
}

function hexOf(bytes: Iterable<number>): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}

const zeros: Random = {
  bytes: lengthBytes => new Uint8Array(lengthBytes),
  below: () => 0,
  stream: () => zeros,
}

t.test('the check is CRC-16/CMS, on either side', async t => {
  t.equal(crcCms(new TextEncoder().encode('123456789')), 0xaee7)
  t.equal(remainder([...new TextEncoder().encode('123456789')]), 0xaee7)
})

t.test('commands are written as printed, and read by the emulator', async t => {
  const host = VECTORS.filter(({fields}) => fields !== undefined)
  t.same(
    keysOf(COMMANDS).filter(name => !host.some(({fields}) => fields?.kind === name)),
    [],
    'each has a vector',
  )
  for (const vector of host) {
    const {name, hex, sequence} = vector
    const data = dataOf(commandOf(vector))
    t.equal(hexOf(frameOf(sequence, data)), hex, name)
    t.same(
      new HostReader().push(bytesOf(hex), 0),
      [{kind: 'command', head: sequence * 0x80, data: [...data]}],
      name,
    )
  }
})

t.test('answers are written by the emulator as printed, and read by the driver', async t => {
  for (const vector of VECTORS.filter(({reply}) => reply !== undefined)) {
    const packet = decodeFrame(bytesOf(vector.hex))
    const answer = packet === null ? null : decodeAnswer(packet.data)
    t.match(answer, {reply: vector.reply}, vector.name)
    if (packet === null || answer === null) continue
    t.equal(packet.sequence, vector.sequence)
    t.equal(hexOf(packetFor(vector.sequence * 0x80, [...packet.data])), vector.hex, vector.name)
    const {data} = answer
    const {events, isWhole = true, counters, levels, setup, serial} = vector
    if (events !== undefined) t.same(decodeEvents(data, 7), {events, isWhole}, vector.name)
    if (counters !== undefined) t.same(decodeCounters(data), counters)
    if (levels !== undefined) t.same(decodeLevels(data), levels)
    if (setup !== undefined) t.same(decodeSetup(data), setup)
    if (serial !== undefined) t.equal(decodeSerial(data), serial)
  }
  t.same(
    Object.values(REPLIES).map(code => decodeAnswer(Uint8Array.of(code))?.reply),
    keysOf(REPLIES),
  )
})

t.test('every event has a code of its own and is read; before version 6 with bare values', async t => {
  t.equal(new Set(keysOf(EVENTS).map(name => EVENTS[name].code)).size, keysOf(EVENTS).length)
  const eur = [0x45, 0x55, 0x52]
  const value = [0xf4, 0x01, 0x00, 0x00]
  const bodies = {
    none: [],
    channel: [3],
    value: [...value, ...eur],
    amounts: [1, ...value, ...eur],
    paidAndRequested: [1, ...value, ...value, ...eur],
    amountsAndError: [1, ...value, ...eur, 4],
  } as const
  for (const name of keysOf(EVENTS)) {
    const {code, shape} = EVENTS[name]
    const body = [code, ...bodies[shape]]
    t.match(decodeEvents(Uint8Array.from([...body, 0xf1]), 7), {
      events: [{name}, {name: 'slaveReset'}],
      isWhole: true,
    })
    for (let at = 1; at < body.length; at += 1)
      t.same(decodeEvents(Uint8Array.from(body.slice(0, at)), 7), {events: [], isWhole: false}, `${name} cut`)
  }
  t.same(decodeEvents(Uint8Array.from([0xd2, ...value, 0xdc, ...value, ...value]), 5), {
    events: [
      {name: 'dispensed', amounts: [{value: 500, currency: ''}]},
      {
        name: 'incompletePayout',
        amounts: [{value: 500, currency: ''}],
        requested: [{value: 500, currency: ''}],
      },
    ],
    isWhole: true,
  })
  t.same(decodeEvents(Uint8Array.of(0xef, 2, 0x99, 0xee, 1), 7), {
    events: [{name: 'read', channel: 2}],
    isWhole: false,
  })
})

framesSuite(
  t,
  VECTORS.map(({name, hex}) => ({name, bytes: bytesOf(hex)})),
  SHAPE,
  decodeFrame,
)

t.test('a lone STX begins a packet anew, for either side', async t => {
  const stream = bytesOf('7f 80 05 07 7f 80 01 11 65 82')
  t.same(new HostReader().push(stream, 0), [{kind: 'command', head: 0x80, data: [0x11]}])
})

t.test('the key is agreed as the printed vectors have it', async t => {
  const first = agreementWith(0x7fcc9ee3n, 0x7f1c7181n, 0x7f2bceecn)
  t.equal(first.inter, 0x0c043f46n)
  t.equal(first.agree(0x634c0016n), 0x7bf49046n)
  t.equal(agreementWith(2n, 0x2d469703n, 0x2d61283dn).agree(0x04ba466dn), 0x1aeda1fbn)
})

t.test('encrypted packets are sealed and opened as printed, by either side', async t => {
  const rows = VECTORS.flatMap(({name, hex, sealed: row}) => (row === undefined ? [] : [{name, hex, row}]))
  t.ok(rows.length >= 5)
  for (const {name, hex, row} of rows) {
    const cipher = new EsspCipher(ESSP_FIXED_KEY, BigInt(row.key))
    const data = decodeFrame(bytesOf(hex))?.data ?? new Uint8Array()
    const {text} = row
    t.equal(hexOf(openPacket(cipher, data, row.count) ?? []), text, name)
    t.equal(hexOf(unsealed(cipher, [...data], row.count) ?? []), text, name)
    t.equal(openPacket(cipher, data, row.count + 1), null, 'of another count')
    t.equal(unsealed(cipher, [...data], row.count + 1), null)
    t.equal(openPacket(new EsspCipher(ESSP_FIXED_KEY, 1n), data, row.count), null, 'of another key')
    if (row.isZeroPadded === true) {
      t.same(sealPacket(cipher, bytesOf(text), row.count, zeros), data, name)
      t.same(sealed(cipher, [...bytesOf(text)], row.count, zeros), [...data], name)
    }
  }
  const random = seededRandom('essp')
  for (let textBytes = 1; textBytes <= 60; textBytes += 1) {
    const cipher = new EsspCipher(ESSP_FIXED_KEY, fromLittleEndian(random.bytes(8)))
    const text = random.bytes(textBytes)
    t.same(unsealed(cipher, [...sealPacket(cipher, text, textBytes, random)], textBytes), [...text])
    t.same(openPacket(cipher, Uint8Array.from(sealed(cipher, [...text], textBytes, random)), textBytes), text)
  }
})

function nv200(quirks: Partial<Nv200Quirks> = {}, needsMark = true): Model {
  return {
    name: `nv200 ${JSON.stringify(quirks)}`,
    driver: (link, clock) => new Nv200(link, clock, silentLog, seededRandom('host')),
    emulator: (link, clock) =>
      new Nv200Emulator(link, clock, seededRandom('unit'), {
        moveMs: 750,
        quirks: {...STANDARD, ...quirks},
        remains: NEW,
      }),
    needsMark,
  }
}

await acceptorSuite(t, nv200())
await acceptorSuite(t, nv200({ackPollAccepts: false}))

t.test('other firmware: no counters, repeated credits', async t => {
  for (const quirks of [{isOld: true}, {repeatsCredit: true}, {isOld: true, repeatsCredit: true}]) {
    const rig = await startedRig(nv200(quirks))
    for (const channel of [1, 2]) {
      t.match(await feed(rig, channel), {kind: 'escrowed', note: {channel, valueMinor: channel * 500}})
      t.match(await rig.run(rig.acceptor.stack()), {kind: 'stacked', note: {channel}, to: 'cashbox'})
    }
    t.same(await rig.run(rig.acceptor.next(3_000)), {kind: 'nothing'}, 'and none is credited twice')
  }
})

t.test('after a silence nothing is asked before the line is synchronised anew', async t => {
  const rig = await startedRig(nv200())
  rig.emulator.plan({kind: 'answerLost', times: 20})
  t.match(await rig.run(rig.acceptor.status()), {kind: 'failed', fault: 'no-answer'})
  const saidCount = rig.emulator.transcript.length
  t.match(await rig.run(rig.acceptor.status()), {kind: 'failed', fault: 'no-answer'})
  t.equal(
    rig.emulator.transcript.length,
    saidCount,
    'with the bit of that time it would be answered from store',
  )
  t.equal((await rig.run(rig.acceptor.open())).kind, 'open')
})

t.test('nothing readable goes over the wire once the key is agreed', async t => {
  const rig = await startedRig(nv200())
  await feed(rig, 1)
  await rig.run(rig.acceptor.stack())
  const after = rig.emulator.transcript.slice(10)
  t.ok(after.length > 20)
  for (const {hex} of after) t.match(hex, /^7f [08]0 [1-9a-f]1 7e /)
  t.match(await rig.run(rig.acceptor.status()), {link: 'encrypted'})
})

t.test('a stranger’s host, byte by byte, in clear', async t => {
  const clock = new VirtualClock(epochMs(1_700_000_000_000))
  const {near, far} = loopbackPair(clock)
  const emulator = new Nv200Emulator(far, clock, seededRandom('unit'), {
    moveMs: 100,
    quirks: STANDARD,
    remains: NEW,
  })
  await emulator.start()
  let heard: number[] = []
  await near.open({
    bytes: chunk => {
      heard.push(...chunk)
    },
    lost: () => undefined,
  })
  let bit = 0x80
  /** One packet, its check made here. @returns the data of the answer */
  const say = async (data: readonly number[], isNew = true): Promise<string> => {
    if (data[0] === 0x11) bit = 0x80
    else if (isNew) bit ^= 0x80
    let crc = 0xffff
    for (const byte of [bit, data.length, ...data]) {
      crc ^= byte << 8
      for (let step = 0; step < 8; step += 1)
        crc = ((crc << 1) ^ ((crc & 0x8000) === 0 ? 0 : 0x8005)) & 0xffff
    }
    const wire = [bit, data.length, ...data, crc & 0xff, crc >> 8]
    heard = []
    await near.write(
      Uint8Array.from([0x7f, ...wire.flatMap(byte => (byte === 0x7f ? [0x7f, 0x7f] : [byte]))]),
    )
    await clock.advance(20)
    const plain = hexOf(heard).replaceAll('7f 7f', '7F').split(' ')
    t.ok(heard.length === 0 || plain[1] === bit.toString(16).padStart(2, '0'), 'with the same sequence bit')
    return plain.slice(3, -2).join(' ')
  }
  t.equal(await say([0x11]), 'f0')
  t.equal(await say([0x06, 0x07]), 'f0')
  t.equal(await say([0x06, 0x63]), 'f8', 'a version that there is not')
  t.match(await say([0x05]), /^f0 00 30 33 33 33 45 55 52 00 00 01 04 05 0a 14 32 02 02 02 02 00 00 64 07 /)
  t.equal(await say([0x0c]), 'f0 00 1c 96 2c')
  t.equal(await say([0x07]), 'f0 f1 e8', 'a reset is told once')
  t.equal(await say([0x07]), 'f0')
  t.equal(await say([0x99]), 'f2')
  t.equal(await say([0x02, 0x07]), 'f3')
  t.equal(await say([0x33, 0, 0, 0, 0]), 'f2', 'it pays nothing out')
  t.equal(await say([0x18]), 'f5', 'nothing in escrow to hold')
  t.equal(emulator.insert(1).is, 'not-taken', 'disabled from the start')
  t.equal(await say([0x02, 0x0f, 0x00]), 'f0')
  t.equal(await say([0x0a]), 'f0')
  t.equal(emulator.insert(2).is, 'pulled')
  t.equal(await say([0x07]), 'f0 ef 00')
  await clock.advance(100)
  t.equal(await say([0x07]), 'f0 ef 02')
  t.equal(await say([0x07], false), 'f0 ef 02', 'the same bit again: from store, and the note stays')
  t.equal(await say([0x18]), 'f0')
  await clock.advance(9_000)
  t.equal(await say([0x18]), 'f0')
  await clock.advance(9_000)
  t.equal(emulator.state.phase, 'escrow')
  t.equal(await say([0x56]), 'f0 cc', 'a poll accepts')
  await clock.advance(300)
  t.equal(await say([0x56]), 'f0 ee 02 eb')
  t.equal(await say([0x56]), 'f0 ee 02', 'until it is acknowledged')
  t.equal(await say([0x57]), 'f0')
  t.equal(await say([0x57]), 'f5')
  t.equal(await say([0x56]), 'f0')
  t.equal(await say([0x58]), 'f0 05 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00')
  emulator.insert(3)
  await clock.advance(150)
  t.equal(await say([0x07]), 'f0 ef 03')
  await clock.advance(10_050)
  t.equal(await say([0x07]), 'f0 ed', 'ten seconds without a poll')
  await clock.advance(200)
  t.equal(await say([0x07]), 'f0 ec')
  t.equal(await say([0x17]), 'f0 13')
  t.equal(await say([0x7e, ...Array.from({length: 16}, () => 0)]), 'fa', 'encrypted, and no key')
  heard = []
  await near.write(bytesOf('7f 80 01 11 65 83'))
  await near.write(bytesOf('7f 85 01 11 00 00'))
  await clock.advance(50)
  t.equal(hexOf(heard), '', 'a wrong check and another address are passed over')
  emulator.insert(1)
  await clock.advance(150)
  await say([0x07])
  await say([0x07])
  await clock.advance(50)
  emulator.cutPower()
  emulator.restorePower()
  t.equal(await say([0x11]), 'f0')
  t.equal(await say([0x56]), 'f0 f1 e2 01 e8', 'cleared into the cashbox, and told which')
  t.equal(await say([0x56]), 'f0 e2 01')
})

t.test('over the real serial stack', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const clock = realClock()
  const terminal = pseudoTerminal(`${t.testdir()}/nv200`)
  const emulator = new Nv200Emulator(terminal.far, clock, seededRandom('unit'), {
    moveMs: 1,
    quirks: STANDARD,
    remains: NEW,
  })
  await emulator.start()
  const link = serialLink(terminal.path, LINE, clock, silentLog)
  const acceptor = new Nv200(link, clock, silentLog, seededRandom('host'))
  t.teardown(async () => {
    await acceptor.close()
    await emulator.stop()
    terminal.remove()
  })
  t.match(await acceptor.open(), {kind: 'open', identity: {model: 'nv200'}, status: {link: 'encrypted'}})
  t.same(await acceptor.start([1, 2]), {kind: 'started'})
  emulator.insert(2)
  t.match(await acceptor.next(20_000), {
    kind: 'escrowed',
    note: {channel: 2, currency: 'EUR', valueMinor: 1000},
  })
  t.match(await acceptor.stack(), {kind: 'stacked', note: {channel: 2}, to: 'cashbox'})
  emulator.insert(1)
  t.match(await acceptor.next(20_000), {kind: 'escrowed'})
  const stacking = acceptor.stack()
  terminal.hangUp()
  t.match(await stacking, {kind: /unknown|stacked/})
  terminal.plug()
  t.equal((await acceptor.open()).kind, 'open')
  t.same(await acceptor.end(), {kind: 'ended'})
})
