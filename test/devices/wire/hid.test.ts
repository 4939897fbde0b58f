/** The report port: descriptors, addresses, the pair in memory with every fault, and the events of /dev/uhid. */
import t from 'tap'
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {hidAddress, judgeReport, rawReport} from '../../../devices/wire/hid.ts'
import type {HidDevice, HidFarEnd, HidGot, HidLink, HidSent} from '../../../devices/wire/hid.ts'
import {readDescriptor} from '../../../devices/wire/hid-descriptor.ts'
import type {ReportTable} from '../../../devices/wire/hid-descriptor.ts'
import {hidLink} from '../../../devices/wire/hid-node.ts'
import {hidPair} from '../../../devices/wire/hid-pair.ts'
import type {HidPairOptions} from '../../../devices/wire/hid-pair.ts'
import {
  decodeEvent,
  encodeCreate,
  encodeGetReply,
  encodeInput,
  encodeSetReply,
  uhidFarEnd,
  uhidProblem,
} from '../../../devices/wire/hid-uhid.ts'
import type {Cable, LineFault} from '../../../devices/wire/loopback.ts'
import {epochMs, realClock, VirtualClock} from '../../../kit/clock.ts'
import {lineLog} from '../../../kit/log.ts'
import {seededRandom} from '../../../kit/random.ts'

/** 8 bytes in, 8 out, 8 as feature, not numbered. */
const PLAIN = bytesOfHex(
  '0600FF0901A1010902150026FF007508950881020903150026FF00750895089102090475089508B102C0',
)
/** Feature 1 of 4 bytes, feature 2 of 1, input 32 (hex 20) of 5. */
const NUMBERED = bytesOfHex(
  '0620FF0901A1017508150026FF00850109019504B2020185020902950' + '1B202018520092095058102C0',
)

function tableOf(descriptor: Uint8Array): ReportTable {
  const read = readDescriptor(descriptor)
  if (read.kind === 'refused') throw new RangeError(read.why)
  return read.table
}

t.test('what a descriptor says of its reports', t => {
  const plain = tableOf(PLAIN)
  t.equal(plain.isNumbered, false)
  t.same([...plain.lengths.input], [[0, 8]])
  t.same([...plain.lengths.output], [[0, 8]])
  t.same([...plain.lengths.feature], [[0, 8]])
  const numbered = tableOf(NUMBERED)
  t.equal(numbered.isNumbered, true)
  t.same(
    [...numbered.lengths.feature],
    [
      [1, 4],
      [2, 1],
    ],
  )
  t.same([...numbered.lengths.input], [[32, 5]])
  t.same(
    [...tableOf(bytesOfHex('7501950CA4750395028102B48102')).lengths.input],
    [[0, 3]],
    '18 bits are 3 bytes',
  )
  t.same(
    [...tableOf(bytesOfHex('FE02AABBCC750895018102')).lengths.input],
    [[0, 1]],
    'a long item is passed over',
  )
  t.same([...tableOf(bytesOfHex('770800000097020000008102')).lengths.input], [[0, 2]], 'values of four bytes')
  t.end()
})

t.test('a descriptor that makes no sense is refused with the reason', t => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /0 bytes/],
    ['06', /does not end/],
    ['FE', /does not end/],
    ['FE09AA', /does not end/],
    ['A101C0', /no reports/],
    ['8500', /report ID 0/],
    ['860001', /report ID 256/],
    ['B4', /pop without/],
    ['A4'.repeat(17), /too many pushes/],
    ['7508950181028501950181 02'.replaceAll(' ', ''), /some reports are numbered/],
    ['77FFFFFFFF97FFFFFFFF8102', /longer than 4096/],
    ['7508960110' + '8102', /longer than 4096/],
    ['00'.repeat(4_097), /4097 bytes/],
  ]
  for (const [hex, why] of cases)
    t.match(readDescriptor(bytesOfHex(hex)), {kind: 'refused', why}, hex.slice(0, 40))
  t.end()
})

t.test('no bytes make the reader of descriptors throw, or believe a report beyond its bound', t => {
  const random = seededRandom('hid-descriptor')
  let tables = 0
  for (let round = 0; round < 20_000; round += 1) {
    const bytes = random.bytes(1 + random.below(60))
    // Every other round a good descriptor with one byte changed.
    const input = round % 2 === 0 ? bytes : Uint8Array.from(NUMBERED)
    if (round % 2 === 1) input[random.below(input.length)] = random.below(256)
    const read = readDescriptor(input)
    if (read.kind === 'refused') continue
    tables += 1
    for (const lengths of Object.values(read.table.lengths))
      for (const lengthBytes of lengths.values())
        if (lengthBytes > 4_096) t.fail(`round ${round}: ${lengthBytes}`)
  }
  t.ok(tables > 1_000, `${tables} of them were descriptors`)
  t.end()
})

t.test('reports as they travel', t => {
  const plain = tableOf(PLAIN)
  const numbered = tableOf(NUMBERED)
  t.equal(hexOf(rawReport(plain, 'output', 0, bytesOfHex('0102'))), '0102000000000000')
  t.equal(hexOf(rawReport(numbered, 'feature', 1, bytesOfHex('0102'))), '0101020000')
  t.throws(() => rawReport(numbered, 'feature', 3, new Uint8Array()), {name: 'AssertionFailed'})
  t.throws(() => rawReport(numbered, 'feature', 2, new Uint8Array(2)), {name: 'AssertionFailed'})
  t.same(judgeReport(numbered, 'feature', bytesOfHex('0201')), {
    kind: 'report',
    id: 2,
    bytes: Uint8Array.of(1),
  })
  t.same(judgeReport(numbered, 'feature', bytesOfHex('020100')), {kind: 'garbage', why: 'length'})
  t.same(judgeReport(numbered, 'feature', bytesOfHex('02')), {kind: 'garbage', why: 'length'})
  t.same(judgeReport(numbered, 'input', bytesOfHex('0201')), {kind: 'garbage', why: 'id'})
  t.same(judgeReport(numbered, 'input', new Uint8Array()), {kind: 'garbage', why: 'id'})
  t.same(judgeReport(plain, 'input', new Uint8Array(7)), {kind: 'garbage', why: 'length'})
  t.match(judgeReport(plain, 'input', new Uint8Array(8)), {kind: 'report', id: 0})
  t.end()
})

t.test('how a person names a device', t => {
  t.same(hidAddress('/dev/hidraw3'), {kind: 'path', path: '/dev/hidraw3'})
  t.same(hidAddress('0801:0011'), {kind: 'ids', vendorId: 0x801, productId: 0x11, serial: null})
  t.same(hidAddress('0801:3009:B1:2'), {kind: 'ids', vendorId: 0x801, productId: 0x3009, serial: 'B1:2'})
  for (const bad of ['', '0801', '801:11', '0801:00111', '0801:0011:', 'hidraw0', '0801-0011'])
    t.throws(() => hidAddress(bad), {name: 'BadInput', message: /must be a path/}, `'${bad}'`)
  t.end()
})

interface Bench {
  readonly clock: VirtualClock
  readonly near: HidLink
  readonly far: HidFarEnd
  readonly cable: Cable
  /** What the device saw, and what the host's listener heard. */
  readonly seen: string[]
  readonly heard: string[]
  readonly device: {answer: string | null; isTaking: boolean; answerMs: number}
  readonly open: () => Promise<string>
}

async function bench(
  descriptor: Uint8Array = NUMBERED,
  options: HidPairOptions = {delayMs: 1},
): Promise<Bench> {
  const clock = new VirtualClock(epochMs(0))
  const {near, far, cable} = hidPair(clock, options)
  const seen: string[] = []
  const heard: string[] = []
  const behaviour: Bench['device'] = {answer: '01020304', isTaking: true, answerMs: 0}
  const device: HidDevice = {
    identity: {vendorId: 0x801, productId: 0x11, product: 'Reader', serial: 'B1'},
    descriptor,
    attached: () => {
      seen.push('attached')
    },
    setFeature: async (id, bytes) => {
      seen.push(`set ${id} ${hexOf(bytes)}`)
      if (bytes.length !== (id === 1 ? 4 : descriptor === PLAIN ? 8 : 1)) return false
      if (behaviour.answerMs > 0) await clock.sleep(behaviour.answerMs)
      return behaviour.isTaking
    },
    getFeature: async id => {
      seen.push(`get ${id}`)
      return behaviour.answer === null ? null : bytesOfHex(behaviour.answer)
    },
    output: (id, bytes) => {
      seen.push(`output ${id} ${hexOf(bytes)}`)
    },
  }
  await far.open(device)
  const open = async (): Promise<string> => {
    const opened = await near.open({
      report: (id, bytes) => {
        heard.push(`${id} ${hexOf(bytes)}`)
      },
      garbage: why => {
        heard.push(`garbage ${why}`)
      },
      lost: why => {
        heard.push(`lost ${why}`)
      },
    })
    return opened.kind === 'open' ? opened.identity.product : opened.why
  }
  return {clock, near, far, cable, seen, heard, device: behaviour, open}
}

async function settled<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  return clock.finish(work, 60_000)
}

t.test('the pair carries every kind of report, padded, both ways', async t => {
  const {clock, near, far, seen, heard, open} = await bench(PLAIN)
  t.equal(await open(), 'Reader')
  t.equal(near.isOpen, true)
  t.equal(await settled(clock, near.send('feature', 0, bytesOfHex('0102'))), 'sent')
  t.equal(await settled(clock, near.send('output', 0, bytesOfHex('03'))), 'sent')
  const got = await settled(clock, near.getFeature(0))
  t.equal(got.kind === 'report' && hexOf(got.bytes), '0102030400000000')
  await far.report(0, bytesOfHex('0A'))
  await clock.advance(5)
  t.same(seen, ['attached', 'set 0 0102000000000000', 'output 0 0300000000000000', 'get 0'])
  t.same(heard, ['0 0A00000000000000'])
  await t.rejects(near.send('output', 1, new Uint8Array()), {name: 'AssertionFailed'})
  await t.rejects(near.getFeature(7), {name: 'AssertionFailed'})
  await t.rejects(far.report(0, new Uint8Array(9)), {name: 'AssertionFailed'})
  await t.rejects(open(), {name: 'AssertionFailed', message: /one owner/})
})

t.test('a transfer that the device refuses, or never answers, fails', async t => {
  const {clock, near, device, open} = await bench(NUMBERED, {delayMs: 1, transferTimeoutMs: 400})
  await open()
  device.isTaking = false
  t.equal(await settled(clock, near.send('feature', 2, Uint8Array.of(1))), 'failed')
  t.ok(clock.monotonicMs() < 100, 'a refusal comes at once')
  device.isTaking = true
  device.answerMs = 1_000
  const atMs = clock.monotonicMs()
  t.equal(await settled(clock, near.send('feature', 2, Uint8Array.of(1))), 'failed')
  t.equal(clock.monotonicMs() - atMs, 400)
  device.answer = null
  t.same(await settled(clock, near.getFeature(1)), {kind: 'failed'})
})

t.test('pulled, plugged, vanished and come again', async t => {
  const {clock, near, far, cable, seen, heard, open} = await bench()
  t.equal(await near.send('feature', 2, Uint8Array.of(1)), 'not-opened', 'before the first opening')
  t.same(await near.getFeature(1), {kind: 'lost', why: 'not-opened'})
  await open()
  const sending = near.send('feature', 2, Uint8Array.of(1))
  const getting = near.getFeature(1)
  await far.report(0x20, Uint8Array.of(9))
  cable.pull()
  t.equal(await sending, 'hung-up')
  t.same(await getting, {kind: 'lost', why: 'hung-up'})
  await clock.advance(100)
  t.same(heard, ['lost hung-up'], 'what was under way is gone, and the loss is told once')
  t.equal(await open(), 'not-opened')
  t.equal(await near.send('feature', 2, Uint8Array.of(1)), 'hung-up')
  t.equal(await far.report(0x20, Uint8Array.of(1)), 'written', 'the device does not notice')
  cable.plug()
  cable.plug()
  t.same(seen, ['attached', 'attached'], 'powered up again')
  t.equal(await open(), 'Reader')
  await far.close()
  t.same(heard, ['lost hung-up', 'lost hung-up'])
  t.equal(far.isOpen, false)
  t.equal(await far.report(0x20, Uint8Array.of(1)), 'not-opened')
  t.equal(await open(), 'not-opened')
  await near.close()
  await near.close()
})

t.test('closing is no loss, and reports of an earlier opening do not reach the next', async t => {
  const {clock, near, far, heard, open} = await bench()
  await open()
  await far.report(0x20, Uint8Array.of(1))
  const sending = near.send('feature', 2, Uint8Array.of(1))
  await near.close()
  t.equal(await sending, 'hung-up')
  await open()
  await far.report(0x20, Uint8Array.of(2))
  await clock.advance(10)
  t.same(heard, ['32 0200000000'])
})

t.test('faults of the line, one by one', async t => {
  const input: readonly (readonly [LineFault, readonly string[]])[] = [
    [{do: 'drop', unit: 'chunk', everyNth: 1}, []],
    [{do: 'drop', unit: 'byte', everyNth: 6}, ['garbage length']],
    [{do: 'duplicate', unit: 'chunk', everyNth: 1}, ['32 0100000000', '32 0100000000']],
    [{do: 'duplicate', unit: 'byte', everyNth: 6}, ['garbage length']],
    [{do: 'corrupt', unit: 'chunk', everyNth: 1, bit: 0}, ['32 0100000001']],
    [{do: 'garbage', bytes: Uint8Array.of(0x20)}, ['garbage length']],
    [{do: 'garbage', bytes: Uint8Array.of(0x21)}, ['garbage id']],
    [{do: 'split', everyNth: 1, gapMs: 1}, ['garbage length', ...Array<string>(5).fill('garbage id')]],
  ]
  for (const [fault, expected] of input) {
    const {clock, far, cable, heard, open} = await bench()
    await open()
    cable.misbehave('far', fault)
    await far.report(0x20, Uint8Array.of(1))
    await clock.advance(100)
    t.same(heard, expected, `input: ${JSON.stringify(fault)}`)
    cable.behave()
    heard.length = 0
    await far.report(0x20, Uint8Array.of(2))
    await clock.advance(100)
    t.same(heard, ['32 0200000000'], 'and behaves again')
  }
  const out: readonly (readonly [LineFault, HidSent, readonly string[]])[] = [
    [{do: 'drop', unit: 'chunk', everyNth: 1}, 'failed', []],
    [{do: 'drop', unit: 'byte', everyNth: 5}, 'failed', ['set 1 090000']],
    [{do: 'duplicate', unit: 'chunk', everyNth: 1}, 'sent', ['set 1 09000000', 'set 1 09000000']],
    [{do: 'corrupt', unit: 'chunk', everyNth: 1, bit: 7}, 'sent', ['set 1 09000080']],
    [{do: 'garbage', bytes: Uint8Array.of(7)}, 'failed', ['set 7 0109000000']],
  ]
  for (const [fault, end, expected] of out) {
    const {clock, near, cable, seen, open} = await bench()
    await open()
    cable.misbehave('near', fault)
    t.equal(await settled(clock, near.send('feature', 1, Uint8Array.of(9))), end, JSON.stringify(fault))
    await clock.advance(100)
    t.same(seen, ['attached', ...expected], `feature: ${JSON.stringify(fault)}`)
  }
  const answers: readonly (readonly [LineFault, HidGot])[] = [
    [{do: 'drop', unit: 'chunk', everyNth: 1}, {kind: 'failed'}],
    [
      {do: 'drop', unit: 'byte', everyNth: 5},
      {kind: 'garbage', why: 'length'},
    ],
    [
      {do: 'garbage', bytes: Uint8Array.of(2)},
      {kind: 'garbage', why: 'length'},
    ],
    [
      {do: 'garbage', bytes: Uint8Array.of(0x21)},
      {kind: 'garbage', why: 'id'},
    ],
    [
      {do: 'corrupt', unit: 'chunk', everyNth: 1, bit: 0},
      {kind: 'report', bytes: bytesOfHex('01020305')},
    ],
  ]
  for (const [fault, got] of answers) {
    const {clock, near, cable, open} = await bench()
    await open()
    cable.misbehave('far', fault)
    t.same(await settled(clock, near.getFeature(1)), got, `answer: ${JSON.stringify(fault)}`)
  }
})

t.test('an answer under another ID of the same length is garbage', async t => {
  const descriptor = bytesOfHex('850175089504B10285029504B102')
  const {clock, near, cable, open} = await bench(descriptor)
  await open()
  // Flips the low bits of the first byte: 01 becomes 02.
  cable.misbehave('far', {do: 'corrupt', unit: 'byte', everyNth: 1, bit: 0}, 1)
  cable.misbehave('far', {do: 'corrupt', unit: 'byte', everyNth: 1, bit: 1}, 1)
  t.same(await settled(clock, near.getFeature(1)), {kind: 'garbage', why: 'id'})
})

t.test('events of /dev/uhid', t => {
  const create = encodeCreate(
    {vendorId: 0x0801, productId: 0x3009, product: 'DynaPro Mini', serial: '12345678'},
    NUMBERED,
    'bench/1',
  )
  t.equal(Buffer.from(create.subarray(132, 140)).toString('latin1'), 'bench/1\0')
  const hex = hexOf(create)
  t.equal(create.length, 4_376, 'the size of struct uhid_event')
  t.equal(hex.slice(0, 8), '0B000000')
  t.equal(Buffer.from(create.subarray(4, 17)).toString('latin1'), 'DynaPro Mini\0')
  t.equal(Buffer.from(create.subarray(196, 205)).toString('latin1'), '12345678\0')
  t.equal(hex.slice(2 * 260, 2 * 280), '2900' + '0300' + '01080000' + '09300000' + '01000000' + '00000000')
  t.equal(hex.slice(2 * 280, 2 * 280 + 82), hexOf(NUMBERED))
  t.equal(hexOf(encodeInput(bytesOfHex('200102'))), '0C0000000300200102')
  t.equal(hexOf(encodeSetReply(7, true)), '0E000000070000000000')
  t.equal(hexOf(encodeSetReply(7, false)), '0E000000070000002000')
  t.equal(hexOf(encodeGetReply(7, bytesOfHex('01AA'))), '0A00000007000000000002' + '0001AA')
  t.equal(hexOf(encodeGetReply(7, null)), '0A0000000700000020000000')

  t.same(decodeEvent(bytesOfHex('020000000000000000000000')), {kind: 'start'})
  t.same(decodeEvent(bytesOfHex('03000000')), {kind: 'stop'})
  t.same(decodeEvent(bytesOfHex('04000000')), {kind: 'other'})
  t.same(decodeEvent(bytesOfHex('0900000005000000' + '0100')), null, 'too short')
  t.same(decodeEvent(bytesOfHex('0900000005000000' + '01000000')), {
    kind: 'get',
    id: 5,
    report: 'feature',
    number: 1,
  })
  t.same(decodeEvent(bytesOfHex('0900000005000000' + '01030000')), null, 'no such kind of report')
  t.same(decodeEvent(bytesOfHex('0D00000006000000' + '0200' + '0200' + '0201')), {
    kind: 'set',
    id: 6,
    report: 'feature',
    number: 2,
    data: bytesOfHex('0201'),
  })
  t.equal(decodeEvent(bytesOfHex('0D00000006000000' + '0200' + '0300' + '0201')), null, 'data cut off')
  const output = new Uint8Array(4 + 4_096 + 3)
  output.set([6, 0, 0, 0, 0, 0xaa])
  output[4_100] = 2
  t.same(decodeEvent(output), {kind: 'output', data: bytesOfHex('00AA')})
  output[4_101] = 0xff
  t.equal(decodeEvent(output), null, 'longer than there is room')
  t.equal(decodeEvent(output.subarray(0, 100)), null)
  t.equal(decodeEvent(new Uint8Array(3)), null)
  const random = seededRandom('uhid')
  for (let round = 0; round < 5_000; round += 1) {
    const bytes = random.bytes(random.below(40))
    if (bytes.length > 0) bytes[0] = random.below(16)
    if (bytes.length > 3) bytes.fill(0, 1, 4)
    decodeEvent(bytes)
  }
  t.end()
})

t.test('where there is no uhid, and where there is no such device, that is said', async t => {
  const lines: string[] = []
  const clock = realClock()
  const log = lineLog(clock, line => lines.push(line), 'debug')
  const folder = t.testdir({file: ''})
  const nowhere = `${folder}/uhid`
  t.match(uhidProblem(nowhere), /this kernel has no .*load the module uhid/)
  t.equal(uhidProblem(`${folder}/file`), null)
  const far = uhidFarEnd(log, 'bench', nowhere)
  const device: HidDevice = {
    identity: {vendorId: 1, productId: 1, product: '', serial: ''},
    descriptor: PLAIN,
    attached: () => undefined,
    setFeature: async () => true,
    getFeature: async () => null,
    output: () => undefined,
  }
  t.equal(await far.open(device), 'not-opened')
  t.equal(await far.report(0, new Uint8Array()), 'not-opened')
  await far.close()

  // Whether or not this machine has the libraries that node-hid's binary needs.
  for (const address of [`${folder}/hidraw0`, 'ffff:fffe']) {
    const link = hidLink(hidAddress(address), clock, log)
    const listener = {report: () => undefined, garbage: () => undefined, lost: () => undefined}
    t.same(await link.open(listener), {kind: 'lost', why: 'not-opened'}, address)
    t.equal(await link.send('feature', 0, new Uint8Array()), 'not-opened')
    t.same(await link.getFeature(0), {kind: 'lost', why: 'not-opened'})
    await link.close()
  }
  t.equal(lines.filter(line => /does not open/.test(line)).length, 2, lines.join('\n'))
})
