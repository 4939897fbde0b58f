/** MagTek readers: golden reports and commands, the reader suite on all three, and every misbehaviour of the emulator. */
import t from 'tap'
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {
  COMMANDS,
  ENCRYPTED_TRACKS,
  FEATURE_BYTES,
  MAGNE_SAFE_AT,
  MAGNE_SAFE_BYTES,
  magneSafeDescriptor,
  PROFILE,
  SURE_SWIPE_DESCRIPTOR,
} from '../../../devices/card-reader/magtek/bytes.ts'
import type {CommandName} from '../../../devices/card-reader/magtek/bytes.ts'
import {
  decodeAnswer,
  decodeCard,
  decodeCommand,
  encodeAnswer,
  encodeCard,
  encodeCommand,
} from '../../../devices/card-reader/magtek/codec.ts'
import {MagtekReader} from '../../../devices/card-reader/magtek/driver.ts'
import {MagtekEmulator, NEW} from '../../../devices/card-reader/magtek/emulator.ts'
import type {EmulatorOptions, Mischief} from '../../../devices/card-reader/magtek/emulator.ts'
import {
  CardCipher,
  DEMO_BASE_KEY,
  DEMO_KSN,
  masked,
} from '../../../devices/card-reader/magtek/emulator-cipher.ts'
import golden from '../../../devices/card-reader/magtek/vectors.json' with {type: 'json'}
import type {AcceptOutcome, Track, Tracks} from '../../../devices/card-reader/port.ts'
import type {HidDevice, HidGot, HidLink} from '../../../devices/wire/hid.ts'
import {readDescriptor} from '../../../devices/wire/hid-descriptor.ts'
import {hidPair} from '../../../devices/wire/hid-pair.ts'
import type {LineFault} from '../../../devices/wire/loopback.ts'
import {lineLog, silentLog} from '../../../kit/log.ts'
import {seededRandom} from '../../../kit/random.ts'
import {newClock, readerSuite, settled, TRACK2} from './suite.ts'
import type {ReaderBench} from './suite.ts'

interface Vector {
  readonly name: string
  readonly hex: string
  readonly source: string
  readonly content: string
  readonly command?: string
  readonly answers?: string
  readonly result?: string
}
interface ReportVector {
  readonly name: string
  readonly bytes: number
  readonly fields: Readonly<Record<string, string | undefined>>
  readonly source: string
  readonly expect: {
    readonly encode: string
    readonly way: string | null
    readonly encryption?: number
    readonly tracks: readonly string[] | string
  }
}
const vectors: readonly Vector[] = golden.vectors
const reports: readonly ReportVector[] = golden.reports

function isCommand(name: string | undefined): name is CommandName {
  return name !== undefined && Object.hasOwn(COMMANDS, name)
}

/** The whole report of a vector. */
function reportOf({bytes, fields}: ReportVector): Uint8Array {
  const report = new Uint8Array(bytes)
  for (const [at, hex] of Object.entries(fields)) report.set(bytesOfHex(hex ?? ''), Number(at))
  return report
}

/** What was read of each track, in words. */
function wordsOf(report: Uint8Array): unknown {
  const card = decodeCard(report)
  if (card === null) return null
  const {encode, way, encryption, tracks} = card
  if (tracks === 'encrypted') return {encode, way, encryption, tracks}
  const words = [...tracks.values()].map(track => {
    if (track.kind === 'text') return track.text
    return track.kind === 'dataInvalid' ? track.why : track.kind
  })
  return {encode, way, encryption, tracks: words}
}

t.test('golden commands and answers, both ways', t => {
  for (const vector of vectors) {
    const content = bytesOfHex(vector.content)
    if (isCommand(vector.command)) {
      t.equal(hexOf(encodeCommand(vector.command, [...content])), vector.hex, vector.name)
      for (const size of Object.values(FEATURE_BYTES)) {
        const padded = new Uint8Array(size)
        padded.set(bytesOfHex(vector.hex))
        t.same(decodeCommand(padded), {name: vector.command, content}, vector.name)
      }
      continue
    }
    const answer = decodeAnswer(bytesOfHex(vector.hex))
    t.match(answer, {result: vector.result, content}, vector.name)
    if (answer?.result === null || answer === null) t.fail(`${vector.name} has no result`)
    else t.equal(hexOf(encodeAnswer(answer.result, content)), vector.hex, vector.name)
  }
  for (const name in COMMANDS)
    t.ok(
      vectors.some(({command}) => command === name),
      `${name} has a vector`,
    )
  for (const {name, source} of [...vectors, ...reports])
    t.match(source, /^(D99875(191|475)|report rule|assumed)/, name)
  t.end()
})

t.test('an answer or a command whose length points beyond its report is refused', t => {
  t.equal(decodeAnswer(bytesOfHex('')), null)
  t.equal(decodeAnswer(bytesOfHex('00')), null)
  t.equal(decodeAnswer(bytesOfHex('000201')), null)
  t.match(decodeAnswer(bytesOfHex('4400')), {result: null, code: 0x44})
  t.same(decodeCommand(bytesOfHex('000201')), {name: 'getProperty', content: null})
  t.same(decodeCommand(bytesOfHex('4400')), {name: null, content: new Uint8Array()})
  t.end()
})

t.test('golden reports', t => {
  for (const vector of reports) {
    const {encode, way, encryption = 0, tracks} = vector.expect
    t.same(wordsOf(reportOf(vector)), {encode, way, encryption, tracks}, vector.name)
  }
  t.end()
})

t.test('the emulator builds the published reports byte for byte', t => {
  const track = (text: string): Uint8Array => Buffer.from(text, 'latin1')
  const tracks = {
    1: '%B5452300551227189^HOGAN/PAUL      ^08043210000000725000000?',
    2: ';5452300551227189=080432100000007250?',
    3: ';5163499080020445=000000000000?',
  }
  const none = {1: '', 2: '', 3: ''}
  t.equal(
    hexOf(encodeCard(337, {encode: 'iso', tracks, magneSafe: null})),
    hexOf(reportOf(vectorNamed('SureSwipe, three tracks'))),
  )
  const cipher = new CardCipher(DEMO_BASE_KEY, DEMO_KSN, 8)
  const dump = reportOf(vectorNamed('MagneSafe of 856 bytes, security level 3'))
  const built = encodeCard(856, {
    encode: 'iso',
    tracks,
    magneSafe: {
      way: 'out',
      encrypted: {
        1: cipher.encrypt(track(tracks[1])),
        2: cipher.encrypt(track(tracks[2])),
        3: cipher.encrypt(track(tracks[3])),
      },
      masked: {1: masked(1, tracks[1]), 2: masked(2, tracks[2]), 3: masked(3, tracks[3])},
      encryption: 0x0006,
      serial: '',
      ksn: cipher.ksn,
      session: bytesOfHex('21685F158B5C6BE0'),
      swipeCount: 0,
      version: '',
      sha1: new Uint8Array(20),
    },
  })
  // The dump's MagnePrint is longer than none, and its third track is masked with a digit that the page does not explain.
  built[MAGNE_SAFE_AT.clearLengths + 3] = 0x36
  built[732 + 9] = 0x35
  t.equal(hexOf(built), hexOf(dump))
  t.equal(masked(1, '%?'), '%?')
  t.equal(masked(2, ';1234567=3012?'), ';0000000=3012?', 'too short to show any of it')
  t.equal(masked(2, ';12345?'), ';00000?')
  t.equal(masked(2, ';4012345678909=?'), ';4012000008909=?')
  t.throws(() => encodeCard(337, {encode: 'iso', tracks: {...none, 2: ';'.repeat(111)}, magneSafe: null}), {
    name: 'AssertionFailed',
  })
  t.equal(
    hexOf(new CardCipher(DEMO_BASE_KEY, DEMO_KSN, 1).mac(bytesOfHex('150503'))),
    'E7E2FA38',
    'example 6',
  )
  const last = new CardCipher(DEMO_BASE_KEY, DEMO_KSN, 0x1ff800)
  last.advance()
  t.equal(last.isExhausted, true)
  t.end()
})

function vectorNamed(name: string): ReportVector {
  const found = reports.find(vector => vector.name === name)
  if (found === undefined) throw new RangeError(`no report ${name}`)
  return found
}

t.test('reports of other lengths, and impossible ones, are refused', t => {
  for (const vector of reports) {
    const report = reportOf(vector)
    for (const length of [0, 1, 7, 336, 338, 855])
      if (length < report.length) t.equal(decodeCard(report.slice(0, length)), null, `${length}`)
  }
  const swipe = reportOf(vectorNamed('SureSwipe, three tracks'))
  t.equal(decodeCard(swipe.map((byte, at) => (at === 4 ? 111 : byte))), null, 'a track longer than its room')
  const safe = reportOf(vectorNamed('MagneSafe of 856 bytes, security level 3'))
  t.equal(decodeCard(safe.map((byte, at) => (at === 3 ? 113 : byte))), null)
  t.equal(decodeCard(safe.map((byte, at) => (at === 506 ? 113 : byte))), null)
  t.match(
    wordsOf(swipe.map((byte, at) => (at === 6 ? 2 : byte))),
    {encode: null},
    'a code that is not in use',
  )
  const broken = (at: number, byte: number): unknown =>
    wordsOf(swipe.map((one, index) => (index === at ? byte : one)))
  t.match(broken(117, 0x25), {tracks: [String, 'startSentinel', String]})
  t.match(broken(117 + 36, 0x30), {tracks: [String, 'endSentinel', String]})
  t.match(broken(120, 0x07), {tracks: [String, 'format', String]})
  t.match(broken(4, 1), {tracks: [String, 'endSentinel', String]}, 'a start sentinel alone')
  t.end()
})

t.test('no bytes make the decoder throw, and no masked track is ever read', t => {
  const random = seededRandom('magtek')
  let cards = 0
  for (let round = 0; round < 4_000; round += 1) {
    const vector = reports[random.below(reports.length)]
    if (vector === undefined) continue
    const report = reportOf(vector)
    for (let changes = random.below(8); changes > 0; changes -= 1)
      report[random.below(report.length)] = random.below(256)
    const card = decodeCard(report)
    if (card !== null) cards += 1
    if (card === null || card.tracks === 'encrypted' || vector.expect.tracks !== 'encrypted') continue
    // The bit that says encrypted was changed; ciphertext is no text between sentinels.
    for (const track of card.tracks.values())
      if (track.kind === 'text' && /^B?\d{4}0{8}\d{4}/.test(track.text))
        t.fail(`round ${round}: a masked number`)
  }
  t.ok(cards > 2_000)
  t.end()
})

t.test('descriptors give the lengths of the reports', t => {
  const lengthsOf = (descriptor: Uint8Array): unknown => {
    const read = readDescriptor(descriptor)
    if (read.kind === 'refused') return read.why
    const {isNumbered, lengths} = read.table
    return {isNumbered, input: [...lengths.input], feature: [...lengths.feature], output: [...lengths.output]}
  }
  t.same(lengthsOf(SURE_SWIPE_DESCRIPTOR), {
    isNumbered: false,
    input: [[0, 337]],
    feature: [[0, 24]],
    output: [],
  })
  for (const size of Object.values(MAGNE_SAFE_BYTES))
    t.same(lengthsOf(magneSafeDescriptor(size)), {
      isNumbered: false,
      input: [[0, size]],
      feature: [[0, 60]],
      output: [],
    })
  t.end()
})

interface Bench extends ReaderBench {
  readonly emulator: MagtekEmulator
  readonly reader: MagtekReader
  readonly pair: ReturnType<typeof hidPair>
  readonly misbehave: (fault: LineFault, from?: 'near' | 'far', times?: number) => void
}

async function newBench(options: EmulatorOptions = {}): Promise<Bench> {
  const clock = newClock()
  const pair = hidPair(clock, {delayMs: 2})
  const emulator = new MagtekEmulator(pair.far, clock, options)
  await emulator.start()
  const lines: string[] = []
  const log = lineLog(clock, line => lines.push(line), 'debug')
  const type = options.productId === 0x0013 ? 'dip' : 'swipe'
  return {
    reader: new MagtekReader(pair.near, clock, log, type),
    clock,
    emulator,
    insert: track2 => emulator.insert({track2}),
    insertCard: card => emulator.insert(card),
    take: () => emulator.take() !== null,
    cards: () => {
      const {insertedCount, takenCount} = emulator.world
      return {inserted: insertedCount, taken: takenCount, captured: 0}
    },
    written: () => JSON.stringify([lines, emulator.transcript, emulator.world]),
    pullCable: () => {
      pair.cable.pull()
    },
    plugCable: () => {
      pair.cable.plug()
    },
    // A report has no check of its own, since the bus has: bytes changed unseen cannot come, and the suite changes some.
    cable: null,
    pair,
    misbehave: (fault, from = 'far', times = 1) => {
      pair.cable.misbehave(from, fault, times)
    },
  }
}

const READERS: readonly (readonly [string, EmulatorOptions])[] = [
  ['SureSwipe 0002', {productId: 0x0002}],
  ['MagneSafe swipe 0011', {productId: 0x0011}],
  ['MagneSafe insert 0013', {productId: 0x0013}],
  ['MagneSafe insert of 856 bytes, masking', {productId: 0x0013, inputBytes: 856, masksInClear: true}],
  ['MagneSafe swipe of 931 bytes', {productId: 0x0011, inputBytes: 931}],
]

for (const [name, options] of READERS)
  t.test(`as every reader: ${name}`, t => {
    readerSuite(t, () => newBench(options))
    t.end()
  })

/** A bench whose reader is open. */
async function opened(options: EmulatorOptions = {}): Promise<Bench> {
  const bench = await newBench(options)
  const outcome = await settled(bench.clock, bench.reader.open())
  if (outcome.kind !== 'open') throw new RangeError(`does not open: ${outcome.detail}`)
  return bench
}

/** What `accept` gives when that is done a second later. */
async function acceptedAfter(
  bench: Bench,
  act: () => unknown,
  tracks?: readonly Track[],
): Promise<AcceptOutcome> {
  const accepting = bench.reader.accept(tracks)
  await bench.clock.advance(1_000)
  act()
  return settled(bench.clock, accepting)
}

function texts(tracks: Tracks): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(tracks).map(([track, read]) => [
      track,
      read.kind === 'read' ? read.text.reveal() : read.kind,
    ]),
  )
}

t.test('who it is, and what it tells of itself', async t => {
  const safe = await newBench({productId: 0x0013})
  t.match(await settled(safe.clock, safe.reader.open()), {
    kind: 'open',
    identity: {model: 'magtek', firmware: '21042840G01', serial: 'B000795'},
    status: {
      family: 'magneSafe',
      product: 'MagneSafe V5 insert',
      media: 'unknown',
      securityLevel: 2,
      readerState: {state: 0, antecedent: 0},
      ksn: 'FFFF9876543210E00001',
      encryptionsLeft: null,
    },
  })
  const plain = await newBench({productId: 0x0002})
  t.match(await settled(plain.clock, plain.reader.open()), {
    kind: 'open',
    identity: {firmware: '21042812D01', serial: null},
    status: {family: 'sureSwipe', media: 'notSupported', securityLevel: null, readerState: null, ksn: null},
  })
})

t.test('a device that is another is refused at opening', async t => {
  const insert = await newBench({productId: 0x0013})
  const swipe = new MagtekReader(insert.pair.near, insert.clock, silentLog, 'swipe')
  t.match(await settled(insert.clock, swipe.open()), {
    kind: 'failed',
    fault: 'not-supported',
    detail: '0801:0013 is a dip reader, and a swipe one is set',
  })
  t.equal(insert.pair.near.isOpen, false)
  const device = (vendorId: number, productId: number, descriptor: Uint8Array): HidDevice => ({
    identity: {vendorId, productId, product: '', serial: ''},
    descriptor,
    attached: () => undefined,
    setFeature: async () => true,
    getFeature: async () => new Uint8Array(),
    output: () => undefined,
  })
  const cases: readonly (readonly [HidDevice, RegExp])[] = [
    [device(0x0801, 0x3009, SURE_SWIPE_DESCRIPTOR), /0801:3009 is no MagTek reader/],
    [device(0x1234, 0x0002, SURE_SWIPE_DESCRIPTOR), /1234:0002 is no MagTek reader/],
    [
      device(0x0801, 0x0011, bytesOfHex('0600FF0901A101150026FF0075089620030920810295180920B102C0')),
      /800 bytes/,
    ],
  ]
  for (const [other, detail] of cases) {
    const clock = newClock()
    const {near, far} = hidPair(clock)
    await far.open(other)
    const reader = new MagtekReader(near, clock, silentLog, 'swipe')
    t.match(await settled(clock, reader.open()), {kind: 'failed', fault: 'not-supported', detail})
  }
})

t.test('a MagneSafe reader that speaks as a SureSwipe one is read by the length of its reports', async t => {
  const clock = newClock()
  const {near, far} = hidPair(clock)
  const asked: string[] = []
  await far.open({
    identity: {vendorId: 0x0801, productId: 0x0011, product: '', serial: ''},
    descriptor: SURE_SWIPE_DESCRIPTOR,
    attached: () => undefined,
    setFeature: async (_, bytes) => {
      asked.push(hexOf(bytes.subarray(0, 3)))
      return true
    },
    getFeature: async () => encodeAnswer('done', Buffer.from('X')),
    output: () => undefined,
  })
  const reader = new MagtekReader(near, clock, silentLog, 'swipe')
  t.match(await settled(clock, reader.open()), {kind: 'open', status: {family: 'sureSwipe'}})
  t.same(asked, ['000100', '000101', '000100'])
  const accepting = reader.accept()
  await far.report(0, reportOf(vectorNamed('SureSwipe, track 2 alone')))
  t.equal((await settled(clock, accepting)).kind, 'inserted')
})

t.test('tracks that were asked for, whole and in part', async t => {
  const bench = await opened()
  const {emulator} = bench
  const card = {track1: 'B4012345678909^DOE/J^3012', track2: TRACK2, track3: '123=4'}
  const all = await acceptedAfter(bench, () => emulator.insert(card), [1, 2, 3])
  t.ok(all.kind === 'inserted')
  if (all.kind === 'inserted') t.same(texts(all.tracks), {1: card.track1, 2: TRACK2, 3: '123=4'})
  const one = await acceptedAfter(bench, () => emulator.insert(card))
  if (one.kind === 'inserted') t.same(texts(one.tracks), {2: TRACK2}, 'nothing beside what was asked for')
  const partly = await acceptedAfter(bench, () => emulator.insert({...card, faults: {1: 'parity'}}), [1, 2])
  t.ok(partly.kind === 'inserted')
  if (partly.kind === 'inserted') t.same(texts(partly.tracks), {1: 'dataInvalid', 2: TRACK2})
  const useless = await acceptedAfter(bench, () => emulator.insert({...card, faults: {2: 'parity'}}), [1])
  t.match(useless, {kind: 'unreadable', detail: /track 2: cannot be read/})
  if (useless.kind === 'unreadable') t.same(texts(useless.tracks), {1: card.track1, 2: 'dataInvalid'})
  t.match(await acceptedAfter(bench, () => emulator.insert({track1: 'X'})), {
    kind: 'unreadable',
    detail: /track 2: nothing encoded/,
  })
  emulator.plan({kind: 'badRead'})
  t.match(await acceptedAfter(bench, () => emulator.insert(card)), {kind: 'unreadable'})
  t.notMatch(bench.written(), /4012345678909/)
  t.notMatch(bench.written(), /34 30 31 32 33 34/)
})

t.test('an insert reader: in, out, and what is read when', async t => {
  const bench = await opened({productId: 0x0013})
  const {reader, emulator, clock} = bench
  const inside = await acceptedAfter(bench, () => emulator.insert({track2: TRACK2}))
  t.equal(inside.kind, 'inserted', 'read on the way in')
  t.match(await settled(clock, reader.status()), {media: 'present'})
  t.equal(emulator.insert({track2: TRACK2}), 'refused')
  const ejecting = reader.eject(30_000)
  await clock.advance(5_000)
  emulator.take()
  t.same(await settled(clock, ejecting), {kind: 'taken'})
  t.match(await settled(clock, reader.status()), {media: 'notPresent'})

  emulator.plan({kind: 'badRead'})
  const accepting = reader.accept()
  await clock.advance(1_000)
  emulator.insert({track2: TRACK2})
  await clock.advance(5_000)
  t.match(
    await settled(clock, reader.status()),
    {accepting: true, media: 'present'},
    'it may come out better',
  )
  emulator.take()
  t.equal((await settled(clock, accepting)).kind, 'inserted', 'read on the way out')
  t.same(await settled(clock, reader.eject(1_000)), {kind: 'taken'})

  emulator.plan({kind: 'badRead'})
  const refused = reader.accept()
  await clock.advance(1_000)
  emulator.insert({track2: TRACK2})
  await clock.advance(1_000)
  await reader.refuse()
  t.match(await settled(clock, refused), {kind: 'unreadable'}, 'a card came, so it is not said that none did')
  t.same(await settled(clock, reader.eject(1_000)), {kind: 'left'})
  emulator.take()
})

t.test('the way out of a card that was read is no second card', async t => {
  const bench = await opened({productId: 0x0013})
  const {reader, emulator, clock} = bench
  await acceptedAfter(bench, () => emulator.insert({track2: TRACK2}))
  t.same(await settled(clock, reader.eject(2_000)), {kind: 'left'})
  const next = reader.accept()
  await clock.advance(1_000)
  emulator.take()
  await clock.advance(1_000)
  t.match(await settled(clock, reader.status()), {accepting: true})
  emulator.insert({track2: '5012345678900=30122010000000000'})
  const outcome = await settled(clock, next)
  t.equal(outcome.kind === 'inserted' && outcome.track2.reveal(), '5012345678900=30122010000000000')
  emulator.take()

  // Pushed in before anybody asked, pulled out after: that customer means this visit.
  emulator.insert({track2: TRACK2})
  await clock.advance(1_000)
  const early = await acceptedAfter(bench, () => emulator.take())
  t.equal(early.kind === 'inserted' && early.track2.reveal(), TRACK2)
})

t.test('an insert reader whose report on the way in is lost still gives the one on the way out', async t => {
  const bench = await opened({productId: 0x0013})
  bench.emulator.plan({kind: 'reportLost'})
  const accepting = bench.reader.accept()
  await bench.clock.advance(500)
  bench.emulator.insert({track2: TRACK2})
  await bench.clock.advance(1_000)
  bench.emulator.take()
  t.equal((await settled(bench.clock, accepting)).kind, 'inserted')
  t.same(await settled(bench.clock, bench.reader.eject(1_000)), {kind: 'taken'})
})

t.test('a reader that encrypts gives no track, whatever it shows', async t => {
  const sealed = await newBench({remains: {...NEW, securityLevel: 3, keyCounter: 8}})
  t.match(await settled(sealed.clock, sealed.reader.open()), {
    kind: 'failed',
    fault: 'not-supported',
    detail: /security level 3/,
  })
  // It was raised while we were open.
  const bench = await opened()
  const {near} = bench.pair
  const signed = encodeCommand('securityLevel', [...bytesOfHex('03E7E2FA38')])
  t.equal(await settled(bench.clock, near.send('feature', 0, signed)), 'sent')
  t.equal(bench.emulator.world.securityLevel, 3)
  t.match(await acceptedAfter(bench, () => bench.insert(TRACK2)), {
    kind: 'unreadable',
    tracks: {},
    detail: /encrypts its tracks: key injected, encryption on/,
  })
  t.match(await settled(bench.clock, bench.reader.status()), {securityLevel: 3, ksn: 'FFFF9876543210E00003'})
})

t.test('at security level 3 the wire carries the published ciphertext', async t => {
  const clock = newClock()
  const {near, far} = hidPair(clock)
  const emulator = new MagtekEmulator(far, clock, {
    inputBytes: 856,
    remains: {...NEW, securityLevel: 3, keyCounter: 8},
  })
  await emulator.start()
  const heard: Uint8Array[] = []
  await near.open({
    report: (_, bytes) => {
      heard.push(bytes)
    },
    garbage: () => undefined,
    lost: () => undefined,
  })
  emulator.insert({
    track1: 'B5452300551227189^HOGAN/PAUL      ^08043210000000725000000',
    track2: '5452300551227189=080432100000007250',
    track3: '5163499080020445=000000000000',
  })
  await clock.advance(100)
  const [report] = heard
  const dump = reportOf(vectorNamed('MagneSafe of 856 bytes, security level 3'))
  const part = (bytes: Uint8Array | undefined, at: number, length: number): string =>
    hexOf(bytes?.subarray(at, at + length) ?? new Uint8Array())
  for (const track of [1, 2, 3]) {
    const at = ENCRYPTED_TRACKS.tracksAt + (track - 1) * ENCRYPTED_TRACKS.trackBytes
    t.equal(part(report, at, 112), part(dump, at, 112), `track ${track}`)
  }
  t.equal(part(report, MAGNE_SAFE_AT.encryption, 12), '0006FFFF9876543210E00008')
  t.equal(emulator.remains.keyCounter, 9)
})

const CHANNEL: readonly (readonly [Mischief, object])[] = [
  [{kind: 'line', do: 'ignoreFrame', command: 'readerState'}, {kind: 'status'}],
  [{kind: 'line', do: 'nak', command: 'readerState'}, {kind: 'status'}],
  [{kind: 'line', do: 'dropAck', command: 'readerState'}, {kind: 'status'}],
  [{kind: 'line', do: 'dropReply', command: 'readerState'}, {kind: 'status'}],
  [{kind: 'line', do: 'splitReply', command: 'readerState'}, {kind: 'status'}],
  [{kind: 'line', do: 'corruptReply', command: 'readerState'}, {kind: 'status'}],
  [{kind: 'line', do: 'lateReply', ms: 500, command: 'ksn'}, {kind: 'status'}],
  [{kind: 'line', do: 'lateReply', command: 'ksn'}, {kind: 'status'}],
  [
    {kind: 'refuse', code: 1, command: 'ksn'},
    {kind: 'failed', fault: 'hardware', detail: /ksn: result 01, it failed/},
  ],
  [
    {kind: 'refuse', code: 2, command: 'ksn'},
    {kind: 'status', ksn: null},
  ],
  [
    {kind: 'refuse', code: 5, command: 'ksn'},
    {kind: 'failed', fault: 'not-now', detail: /delayed/},
  ],
  [
    {kind: 'refuse', code: 7, command: 'ksn'},
    {kind: 'failed', fault: 'not-now', detail: /sequence/},
  ],
  [
    {kind: 'refuse', code: 0x0a, command: 'ksn'},
    {kind: 'failed', fault: 'not-supported'},
  ],
  [
    {kind: 'refuse', code: 0x0b, command: 'ksn'},
    {kind: 'failed', fault: 'not-now'},
  ],
  [
    {kind: 'refuse', code: 0x77, command: 'ksn'},
    {kind: 'failed', fault: 'hardware', detail: /77, a code/},
  ],
  [
    {kind: 'power', command: 'ksn'},
    {kind: 'failed', fault: 'hung-up'},
  ],
]

t.test('what can go wrong with a command', async t => {
  for (const [mischief, expected] of CHANNEL) {
    const {reader, clock, emulator} = await opened()
    emulator.plan(mischief)
    t.match(await settled(clock, reader.status()), expected, JSON.stringify(mischief))
  }
  const mute = await opened()
  for (let times = 0; times < 3; times += 1) mute.emulator.plan({kind: 'line', do: 'ignoreFrame'})
  t.match(await settled(mute.clock, mute.reader.status()), {kind: 'failed', fault: 'no-answer'})
  t.equal((await settled(mute.clock, mute.reader.status())).kind, 'status', 'the next is answered')
})

t.test('every command of an opening, with every fault of the line', async t => {
  const names: readonly CommandName[] = [
    'getProperty',
    'securityLevel',
    'readerState',
    'ksn',
    'encryptionCounter',
  ]
  const faults: readonly LineFault[] = [
    {do: 'drop', unit: 'chunk', everyNth: 1},
    {do: 'drop', unit: 'byte', everyNth: 1},
    {do: 'duplicate', unit: 'chunk', everyNth: 1},
    {do: 'duplicate', unit: 'byte', everyNth: 1},
    {do: 'split', everyNth: 1, gapMs: 10},
    {do: 'garbage', bytes: Uint8Array.of(0)},
  ]
  for (let at = 1; at <= 2 * (names.length + 1); at += 1)
    for (const fault of faults)
      for (const from of ['near', 'far'] as const) {
        const {reader, clock, pair} = await newBench({productId: 0x0013})
        pair.cable.misbehave(from, 'everyNth' in fault ? {...fault, everyNth: at} : fault, 1)
        const what = `${from} ${JSON.stringify(fault)} at ${at}`
        t.equal((await settled(clock, reader.open())).kind, 'open', what)
        await reader.close()
      }
  t.end()
})

t.test('reports that are lost, doubled or cut', async t => {
  const lost = await opened()
  lost.misbehave({do: 'drop', unit: 'chunk', everyNth: 1})
  const accepting = lost.reader.accept()
  lost.insert(TRACK2)
  await lost.clock.advance(5_000)
  t.match(await settled(lost.clock, lost.reader.status()), {accepting: true}, 'a swipe that nobody heard')
  lost.insert(TRACK2)
  t.equal((await settled(lost.clock, accepting)).kind, 'inserted', 'is made again')

  const doubled = await opened()
  doubled.emulator.plan({kind: 'line', do: 'duplicateReply'})
  t.equal((await acceptedAfter(doubled, () => doubled.insert(TRACK2))).kind, 'inserted')
  await doubled.clock.advance(1_000)
  const next = doubled.reader.accept()
  await doubled.clock.advance(5_000)
  await doubled.reader.refuse()
  t.same(await settled(doubled.clock, next), {kind: 'stopped'}, 'the second is passed over')

  const cut = await opened()
  cut.misbehave({do: 'drop', unit: 'byte', everyNth: 200})
  t.match(await acceptedAfter(cut, () => cut.insert(TRACK2)), {kind: 'unreadable', detail: /without sense/})
  t.equal((await acceptedAfter(cut, () => cut.insert(TRACK2))).kind, 'inserted')
})

t.test('unplugged and plugged in again, in every state', async t => {
  for (const productId of [0x0002, 0x0011, 0x0013] as const)
    for (const state of ['idle', 'accepting', 'asking', 'inside', 'ejecting', 'resetting'] as const) {
      const bench = await opened({productId})
      const {reader, clock, emulator, pullCable, plugCable} = bench
      const isDip = productId === 0x0013
      let work: Promise<{readonly kind: string}> | null = null
      if (state === 'inside' || state === 'ejecting') await acceptedAfter(bench, () => bench.insert(TRACK2))
      if (state === 'accepting') work = reader.accept()
      if (state === 'asking') work = reader.status()
      if (state === 'ejecting') work = reader.eject(30_000)
      if (state === 'resetting') work = reader.reset('stay')
      await clock.advance(state === 'asking' || state === 'resetting' ? 1 : 500)
      pullCable()
      if (work !== null && (state !== 'ejecting' || isDip))
        t.match(await settled(clock, work), {kind: 'failed', fault: 'hung-up'}, `${productId} ${state}`)
      t.match(await settled(clock, reader.open()), {fault: 'not-opened'})
      t.match(await settled(clock, reader.accept()), {fault: 'not-opened'})
      plugCable()
      await clock.advance(3_000)
      t.equal((await settled(clock, reader.open())).kind, 'open', `${productId} ${state}: opens again`)
      emulator.take()
      t.equal((await acceptedAfter(bench, () => bench.insert(TRACK2))).kind, 'inserted')
      emulator.take()
      await reader.close()
    }
})

t.test('power that goes and comes back', async t => {
  const bench = await opened({productId: 0x0013})
  const {reader, emulator, clock} = bench
  await acceptedAfter(bench, () => bench.insert(TRACK2))
  emulator.cutPower()
  t.match(await settled(clock, reader.eject(5_000)), {kind: 'failed', fault: 'not-opened'})
  t.match(emulator.world, {isPowered: false, isOnBus: false, place: 'frontFree'})
  emulator.restorePower()
  t.match(await settled(clock, reader.open()), {kind: 'open', status: {media: 'unknown'}})
  const accepting = reader.accept()
  await clock.advance(1_000)
  emulator.take()
  t.equal((await settled(clock, accepting)).kind, 'inserted', 'it comes out while a card is waited for')
})

t.test('a reset takes the reader off the bus, and it is waited for', async t => {
  const {reader, clock, emulator, pair} = await opened()
  const atMs = clock.monotonicMs()
  t.match(await settled(clock, reader.reset('stay')), {kind: 'reset', status: {accepting: false}})
  t.ok(clock.monotonicMs() - atMs >= 1_000, 'it was away')
  t.match(emulator.world, {isOnBus: true})
  const resetting = reader.reset('stay')
  await clock.advance(200)
  emulator.cutPower()
  t.match(await settled(clock, resetting), {kind: 'failed', fault: 'not-opened'})
  t.ok(clock.monotonicMs() - atMs >= PROFILE.resetMaxMs)
  emulator.restorePower()
  await settled(clock, reader.open())
  emulator.plan({kind: 'refuse', code: 1, command: 'reset'})
  t.match(await settled(clock, reader.reset('stay')), {kind: 'failed', fault: 'hardware'})
  t.equal(pair.near.isOpen, true, 'a reset that was refused leaves it open')
})

/** What a stranger's program sees: commands as bytes, answers as bytes without the zeros to their end. */
async function stranger(options: EmulatorOptions): Promise<{
  readonly say: (hex: string) => Promise<string>
  readonly emulator: MagtekEmulator
  readonly near: HidLink
}> {
  const clock = newClock()
  const {near, far} = hidPair(clock)
  const emulator = new MagtekEmulator(far, clock, options)
  await emulator.start()
  const listener = {report: () => undefined, garbage: () => undefined, lost: () => undefined}
  await near.open(listener)
  const say = async (hex: string): Promise<string> => {
    const sent = await settled(clock, near.send('feature', 0, bytesOfHex(hex)))
    if (sent !== 'sent') return sent
    const got: HidGot = await settled(clock, near.getFeature(0))
    return got.kind === 'report'
      ? hexOf(got.bytes)
          .replace(/(00)*$/, '')
          .padEnd(4, '0')
      : got.kind
  }
  return {say, emulator, near}
}

t.test('commands of a stranger, good and bad', async t => {
  const safe = await stranger({})
  t.equal(await safe.say('000110'), '0001', 'HID; the value 00 is among the zeros')
  t.equal(await safe.say('00010000'), '000B3231303432383430473031')
  t.equal(await safe.say('01050131323334'), '0000')
  t.equal(await safe.say('000101'), '000431323334', 'what was set is told')
  t.equal(await safe.say('01021000'), '0000')
  t.equal(await safe.say('000105'), '000195')
  t.equal(await safe.say('0900'), '000AFFFF9876543210E00001')
  t.equal(await safe.say('1500'), '000102')
  t.equal(await safe.say('1400'), '0002')
  t.equal(await safe.say('1C00'), '001342303030373935000000000000000000FFFFFF')
  t.equal(await safe.say('0A080102030405060708'), '0000')
  t.equal(await safe.say('0A0701020304050607'), '0200', 'a session id of another length')
  t.equal(await safe.say('7F00'), '0200', 'no such command')
  t.equal(await safe.say('000177'), '0200', 'no such property')
  t.equal(await safe.say('00020000'), '0200', 'a property number of two bytes')
  t.equal(await safe.say('0000'), '0200', 'none at all')
  t.equal(await safe.say('00FF10'), '0200', 'a length beyond the report')
  t.equal(await safe.say('01020031'), '0200', 'the software id cannot be set')
  t.equal(await safe.say('0102777701'), '0200')
  t.equal(await safe.say(`011101${'31'.repeat(16)}`), '0200', 'a serial number too long')
  t.equal(await safe.say('150503DEADBEEF'), '0700', 'a MAC that is wrong')
  t.equal(await safe.say('150504E7E2FA38'), '0200', 'no such level')
  t.equal(await safe.say('150503E7E2FA38'), '0000', 'example 6')
  t.equal(await safe.say('1500'), '000103')
  t.equal(await safe.say('150503E7E2FA38'), '0200', 'it is raised once')
  t.equal(await safe.say('0900'), '000AFFFF9876543210E00002', 'a key that signed is spent')
  t.equal(await safe.say('01021000'), '0700', 'from level 3 on, to set wants a MAC')
  const mac = hexOf(new CardCipher(DEMO_BASE_KEY, DEMO_KSN, 2).mac(bytesOfHex('01061000')))
  t.equal(await safe.say(`01061000${mac}`), '0000')
  t.same([...safe.emulator.remains.properties.keys()], [0x01, 0x10])

  const plain = await stranger({productId: 0x0002})
  t.equal(await plain.say('000103'), '000108', 'the packet size, where MagneSafe has its serial number')
  t.equal(await plain.say('0900'), '0200', 'no keys, no such command')
  t.equal(await plain.say('01020595'), '0200', 'property 05 is of MagneSafe')
})

t.test('switched-off and required tracks', async t => {
  const bench = await opened({remains: {...NEW, properties: new Map([[0x05, Uint8Array.of(0b10_01_00)]])}})
  const outcome = await acceptedAfter(
    bench,
    () => bench.emulator.insert({track1: 'B4012345678909^DOE/J^3012', track2: TRACK2}),
    [1, 2, 3],
  )
  t.ok(outcome.kind === 'inserted')
  if (outcome.kind === 'inserted')
    t.same(texts(outcome.tracks), {1: 'dataMissing', 2: TRACK2, 3: 'dataInvalid'})
})

t.test('set to be a keyboard it does not come up as a reader', async t => {
  const clock = newClock()
  const {near, far} = hidPair(clock)
  const remains = {...NEW, properties: new Map([[0x10, Uint8Array.of(1)]])}
  const emulator = new MagtekEmulator(far, clock, {remains})
  await emulator.start()
  const reader = new MagtekReader(near, clock, silentLog, 'swipe')
  t.match(await settled(clock, reader.open()), {kind: 'failed', fault: 'not-opened'})
  t.match(emulator.world, {isPowered: true, isOnBus: false})
})
