/** What is kept of a wire: all that passes, both ways, and of a secret one its lengths alone. */
import t from 'tap'
import {hidPair} from '../../../devices/wire/hid-pair.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import {Trace, tracedHid, tracedLink} from '../../../devices/wire/trace.ts'
import {bytesOfHex} from '../../../crypto/hex.ts'
import {VirtualClock, epochMs} from '../../../kit/clock.ts'

/** 8 bytes in, 8 out, 8 as feature, not numbered. */
const PLAIN = bytesOfHex(
  '0600FF0901A1010902150026FF007508950881020903150026FF00750895089102090475089508B102C0',
)

t.test('bytes, as they pass', async t => {
  const clock = new VirtualClock(epochMs(0))
  const {near, far} = loopbackPair(clock)
  const trace = new Trace(clock, true)
  const link = tracedLink(near, trace)
  const heard: string[] = []
  const listener = {
    bytes: (chunk: Uint8Array): void => {
      heard.push(Buffer.from(chunk).toString('hex'))
    },
    lost: (): undefined => undefined,
  }
  await clock.finish(far.open(listener), 1_000)
  t.equal(await clock.finish(link.open(listener), 1_000), 'open')
  t.equal(link.isOpen, true)
  t.equal(await clock.finish(link.write(Uint8Array.of(1, 2)), 1_000), 'written')
  await clock.finish(far.write(new Uint8Array(100).fill(3)), 1_000)
  await clock.advance(100)
  t.same(heard, ['0102', '03'.repeat(100)], 'nothing is kept from those it is for')
  t.match(trace.passed, [
    {way: 'out', lengthBytes: 2, hex: '0102'},
    {way: 'in', lengthBytes: 100, hex: '03'.repeat(64)},
  ])
  await clock.finish(link.close(), 1_000)
  t.equal(link.isOpen, false)
})

t.test('reports of a device with secrets', async t => {
  const clock = new VirtualClock(epochMs(0))
  const {near, far} = hidPair(clock)
  const trace = new Trace(clock, false)
  const link = tracedHid(near, trace)
  await clock.finish(
    far.open({
      identity: {vendorId: 1, productId: 2, product: 'none', serial: ''},
      descriptor: PLAIN,
      attached: () => undefined,
      setFeature: () => Promise.resolve(true),
      getFeature: () => Promise.resolve(bytesOfHex('4711471147114711')),
      output: () => undefined,
    }),
    1_000,
  )
  let reportsCount = 0
  const opened = await clock.finish(
    link.open({
      report: () => {
        reportsCount += 1
      },
      garbage: () => undefined,
      lost: () => undefined,
    }),
    1_000,
  )
  t.equal(opened.kind, 'open')
  t.equal(await clock.finish(link.send('output', 0, Uint8Array.of(0x47, 0x11)), 1_000), 'sent')
  t.equal((await clock.finish(link.getFeature(0), 2_000)).kind, 'report')
  await clock.finish(far.report(0, Uint8Array.of(0x47)), 1_000)
  await clock.advance(100)
  t.equal(reportsCount, 1)
  t.match(trace.passed, [
    {way: 'out', lengthBytes: 2, hex: null},
    {way: 'in', lengthBytes: 8, hex: null},
    {way: 'in', lengthBytes: 8, hex: null},
  ])
  t.notMatch(JSON.stringify(trace.passed), '47')
  await clock.finish(link.close(), 1_000)
})
