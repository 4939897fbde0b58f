/** Creator CRT-310: golden vectors, the reader suite, and every misbehaviour its emulator knows. */
import t from 'tap'
import {COMMANDS, LESSER, PROFILE} from '../../../devices/card-reader/crt310/bytes.ts'
import type {CommandName, Profile} from '../../../devices/card-reader/crt310/bytes.ts'
import {
  commandOf,
  decodeChip,
  decodeFrame,
  decodeReply,
  decodeSensors,
  decodeSerial,
  decodeStatus,
  encodeChip,
  encodeCommand,
  encodeFrame,
  encodeStatus,
  frameShape,
} from '../../../devices/card-reader/crt310/codec.ts'
import type {Body} from '../../../devices/card-reader/crt310/codec.ts'
import {Crt310} from '../../../devices/card-reader/crt310/driver.ts'
import {Crt310Emulator} from '../../../devices/card-reader/crt310/emulator.ts'
import type {EmulatorOptions} from '../../../devices/card-reader/crt310/emulator.ts'
import {decodeTracks, encodeTracks, parameterFor} from '../../../devices/card-reader/crt310/tracks.ts'
import type {Card, StripeFault} from '../../../devices/card-reader/emulator-card.ts'
import type {LineMischief, Mischief} from '../../../devices/card-reader/emulator-mischief.ts'
import {TRANSCRIPT_LINES_MAX} from '../../../devices/card-reader/emulator-transcript.ts'
import golden from '../../../devices/card-reader/crt310/vectors.json' with {type: 'json'}
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import type {ByteLink} from '../../../devices/wire/link.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import {lineLog} from '../../../kit/log.ts'
import {chipSuite} from './chip-suite.ts'
import {framesSuite} from './frames.ts'
import {newClock, readerSuite, settled, TRACK2} from './suite.ts'
import type {ReaderBench} from './suite.ts'

interface Vector {
  readonly name: string
  readonly hex: string
  readonly source: string
  readonly command?: string
  readonly parameters?: string
  readonly answers?: string
  readonly of?: string
  readonly data?: string
  readonly refusal?: string
}
const vectors: readonly Vector[] = golden.vectors

function isCommand(name: string | undefined): name is CommandName {
  return name !== undefined && Object.hasOwn(COMMANDS, name)
}

function sent(vector: Vector): Body | null {
  if (!isCommand(vector.answers)) return null
  return decodeFrame(encodeCommand(vector.answers, [...bytesOfHex(vector.of ?? '')]))
}

t.test('golden vectors, both ways', t => {
  for (const vector of vectors) {
    const bytes = bytesOfHex(vector.hex)
    const body = decodeFrame(bytes)
    if (body === null) {
      t.fail(`${vector.name} does not decode`)
      continue
    }
    t.equal(hexOf(encodeFrame(body)), vector.hex, vector.name)
    if (isCommand(vector.command)) {
      const parameters = [...bytesOfHex(vector.parameters ?? '')]
      t.equal(hexOf(encodeCommand(vector.command, parameters)), vector.hex, vector.name)
      t.equal(commandOf(body), vector.command, vector.name)
      continue
    }
    const asked = sent(vector)
    if (asked === null) {
      t.fail(`${vector.name} answers nothing`)
      continue
    }
    const reply = decodeReply(body, asked)
    if (vector.refusal !== undefined)
      t.same(reply, {kind: 'refused', code: Number.parseInt(vector.refusal, 16)}, vector.name)
    else t.equal(reply.kind === 'reply' && hexOf(reply.data), vector.data, vector.name)
  }
  t.end()
})

t.test('what moves a card or tells a chip something is marked so', t => {
  const never = Object.entries(COMMANDS).flatMap(([name, {retry}]) => (retry === 'never' ? [name] : []))
  t.same(never, [
    'resetEjectFront',
    'resetEjectRear',
    'toRadio',
    'toContact',
    'ejectFree',
    'ejectHeld',
    'rearHeld',
    'capture',
    'captureAbnormal',
    'apduT0',
    'apduT1',
    'readTracksAgain',
  ])
  t.end()
})

t.test('frames', t => {
  framesSuite(
    t,
    vectors.map(({name, hex}) => ({name, bytes: bytesOfHex(hex)})),
    frameShape([0x05, 0x04, 0x06, 0x15], 'ofReader'),
    decodeFrame,
  )
  t.end()
})

t.test('every command has a vector, and every vector a source', t => {
  for (const name in COMMANDS)
    t.ok(
      vectors.some(vector => vector.command === name),
      name,
    )
  for (const vector of vectors) t.ok(['frame rule', 'assumed'].includes(vector.source), vector.name)
  t.end()
})

t.test('status and track replies, field by field', t => {
  t.same(decodeStatus(bytesOfHex('4A494E')), {card: 'inside', mouth: 'magAndSwitch', rear: 'closed'})
  t.same(decodeStatus(bytesOfHex('4E4E4A')), {card: 'none', mouth: 'closed', rear: 'open'})
  t.same(decodeStatus(encodeStatus({card: 'goneRear', mouth: 'mag', rear: 'closed'})), {
    card: 'goneRear',
    mouth: 'mag',
    rear: 'closed',
  })
  for (const bad of ['', '4A49', '4A494E4E', '00494E', '4A004E', '4A4900'])
    t.equal(decodeStatus(bytesOfHex(bad)), null, bad)
  t.end()
})

t.test('track uploads, both ways and no others', t => {
  const upload = (hex: string) => decodeTracks(bytesOfHex(hex))
  t.same(upload('30321F4EE3'), new Map([[2, {kind: 'bad', fault: 'parity'}]]))
  t.same(upload('30331F4FE0'), new Map([[3, {kind: 'notReadable'}]]))
  t.same(upload('3030'), new Map())
  const two = new Map([
    [1, {kind: 'track', text: 'B12^X'}],
    [2, {kind: 'bad', fault: 'blank'}],
  ] as const)
  for (const mode of ['ascii', 'binary'] as const)
    t.same(decodeTracks(encodeTracks(mode, 0x34, two)), two, mode)
  t.equal(
    hexOf(encodeTracks('binary', 0x32, new Map([[2, {kind: 'track', text: '1='}]]))),
    '31321F5930313044',
  )
  t.equal(parameterFor([2, 1]), 0x34)
  t.equal(parameterFor([1, 2, 3]), 0x37)
  t.equal(parameterFor([]), 0x30)
  for (const bad of [
    '',
    '30',
    '3032',
    '303200',
    '30321F4E',
    '30321F4EE9',
    '30321F4FE1',
    '30321F00',
    '32321F5931',
    '30381F5931',
    '30341F5931',
    '30321F59311F5932',
    '303255591F31',
    '31321F5931',
    '31321F593147',
    '31321F595F5F',
    '31321F593246',
  ])
    t.equal(upload(bad), null, bad)
  t.end()
})

t.test('sensors, serial text and what a chip gave', t => {
  const on = decodeSensors(bytesOfHex('31303030303131'), 'v2')
  t.same(
    [...(on ?? [])].filter(([, isActive]) => isActive).map(([name]) => name),
    ['PSS1', 'shutter', 'switch'],
  )
  t.equal(decodeSensors(bytesOfHex('3130303030313130'), 'v3')?.get('PSS0'), true)
  for (const bad of ['', '313030303031', '31303030303132', '3130303030313130'])
    t.equal(decodeSensors(bytesOfHex(bad), 'v2'), null, bad)
  t.equal(decodeSerial(bytesOfHex('594352543130')), 'CRT10', 'bare')
  t.equal(decodeSerial(bytesOfHex('59054352543130')), 'CRT10', 'counted')
  t.equal(decodeSerial(bytesOfHex('59')), '')
  t.equal(decodeSerial(bytesOfHex('5900')), '')
  for (const bad of ['4E', '590743', '59430A', `59${'41'.repeat(17)}`])
    t.equal(decodeSerial(bytesOfHex(bad)), null, bad)
  t.same(decodeChip(encodeChip('t1', bytesOfHex('3B00'))), {
    kind: 'bytes',
    letter: 't1',
    bytes: bytesOfHex('3B00'),
  })
  t.same(decodeChip(bytesOfHex('4E')), {kind: 'result', result: 'failed'})
  for (const bad of ['', '59', '5900', '590002AA', '590001AABB', '4E0001AA', '00'])
    t.equal(decodeChip(bytesOfHex(bad)), null, bad)
  t.end()
})

t.test('a refusal is known by the place of its head', t => {
  const eject: Body = {cm: 0x32, pm: 0x31, data: new Uint8Array()}
  const failed = {cm: 0x32, pm: 0x31, data: Uint8Array.of(0x4e)}
  t.equal(decodeReply(failed, eject).kind, 'reply', 'the letter of an order that failed')
  t.equal(decodeReply({cm: 0x4e, pm: 0x32, data: Uint8Array.of(2)}, eject).kind, 'refused')
  t.equal(
    decodeReply({cm: 0x4e, pm: 0x31, data: Uint8Array.of(2)}, eject).kind,
    'stray',
    'of another command',
  )
  t.equal(decodeReply({cm: 0x4e, pm: 0x32, data: Uint8Array.of()}, eject).kind, 'stray')
  t.equal(decodeReply({cm: 0x32, pm: 0x30, data: Uint8Array.of(0x59)}, eject).kind, 'stray')
  t.end()
})

interface Bench extends ReaderBench {
  readonly emulator: Crt310Emulator
}

async function newBench(profile: Profile = PROFILE, make: EmulatorOptions = {}): Promise<Bench> {
  const clock = newClock()
  const {near, far, cable} = loopbackPair(clock, {delayMs: 2})
  const emulator = new Crt310Emulator(far, clock, make)
  await emulator.start()
  const lines: string[] = []
  const log = lineLog(clock, line => lines.push(line), 'debug')
  return {
    reader: new Crt310(near, clock, log, profile),
    clock,
    emulator,
    insert: track2 => emulator.insert({track2}),
    insertCard: card => emulator.insert(card),
    take: () => emulator.take() !== null,
    cards: () => {
      const {insertedCount, takenCount, capturedCount} = emulator.world
      return {inserted: insertedCount, taken: takenCount, captured: capturedCount}
    },
    written: () => JSON.stringify([lines, emulator.transcript, emulator.world, Buffer.from(TRACK2).length]),
    pullCable: () => {
      cable.pull()
    },
    plugCable: () => {
      cable.plug()
    },
    cable,
  }
}

/** A bench with a card inside, read. */
async function withCard(profile?: Profile): Promise<Bench> {
  const bench = await newBench(profile)
  await settled(bench.clock, bench.reader.open())
  const accepting = bench.reader.accept()
  await bench.clock.advance(1_000)
  bench.insert(TRACK2)
  const accepted = await settled(bench.clock, accepting)
  if (accepted.kind !== 'inserted') throw new RangeError(`no card came in: ${accepted.kind}`)
  return bench
}

t.test('as every reader', t => {
  readerSuite(t, () => newBench())
  t.end()
})

t.test('as every reader with contacts', t => {
  chipSuite(t, () => newBench({...PROFILE, admit: 'switch'}))
  t.end()
})

/** Readers of another make, each with the profile that the settings have for it. */
const MAKES: Readonly<Record<string, {readonly profile?: Profile; readonly make: EmulatorOptions}>> = {
  'version 2': {make: {version: 'v2'}},
  'no shutter': {profile: LESSER['no-shutter'], make: {shutter: false}},
  'no contacts': {profile: LESSER['no-contacts'], make: {contacts: false}},
  'track 2 alone': {profile: LESSER['track-2'], make: {heads: [2]}},
  'front head': {profile: LESSER['front-head'], make: {rearHead: false}},
  'no bin': {profile: LESSER['no-bin'], make: {}},
  'mouth order done with N': {make: {mouthDone: 'N'}},
  'serial text counted': {make: {serialText: 'counted'}},
  'tracks with sentinels': {make: {sentinels: true}},
  'deaf before ENQ': {make: {frameBeforeEnq: 'ignored'}},
  'repeats on NAK': {make: {repeatsOnNak: true}},
}

for (const [name, {profile, make}] of Object.entries(MAKES))
  t.test(`as every reader, ${name}`, t => {
    readerSuite(t, () => newBench(profile ?? PROFILE, make), {badLineRounds: 5})
    t.end()
  })

t.test('the transcript shows commands and replies, and no stripe', async t => {
  const {emulator, written} = await withCard()
  const text = emulator.transcript.map(line => `${line.from} ${line.hex}`).join('\n')
  t.match(
    text,
    /host 02 00 04 45 30 30 32 03 72\ndevice 06\nhost 05\ndevice 02 00 25 45 30 30 32 \[35 bytes\]/,
  )
  t.notMatch(text, /34 30 31 32 33 34 35 36/, 'no PAN in hex')
  t.notMatch(written(), /40123456789/)
  t.end()
})

t.test('the transcript stays bounded', async t => {
  const {emulator, reader, clock} = await newBench()
  await settled(clock, reader.open())
  void reader.accept()
  await clock.advance(120_000)
  t.equal(emulator.transcript.length, TRANSCRIPT_LINES_MAX)
  t.end()
})

const PASSING: readonly LineMischief[] = [
  'ignoreFrame',
  'nak',
  'dropAck',
  'splitReply',
  'duplicateReply',
  'garbageBeforeReply',
]
const SILENCING: readonly LineMischief[] = ['loseEnq', 'dropReply', 'corruptReply', 'lateReply']

t.test('line faults before and after execution, on every step of a visit', async t => {
  const steps: readonly CommandName[] = ['status', 'mouth', 'readTracks', 'ejectHeld', 'capture']
  for (const what of [...PASSING, ...SILENCING]) {
    for (const command of steps) {
      const {reader, clock, emulator, cards} = await newBench()
      await settled(clock, reader.open())
      emulator.plan({kind: 'line', do: what, command})
      const accepting = reader.accept()
      await clock.advance(30_000)
      emulator.insert({track2: TRACK2})
      const accepted = await settled(clock, accepting)
      t.equal(accepted.kind, 'inserted', `${what} on ${command}: the card is read`)
      const ejected = await settled(clock, reader.eject(5_000))
      // An eject whose ENQ got lost was never executed: the sensors say so.
      const isUndone = what === 'loseEnq' && command === 'ejectHeld'
      t.match(
        ejected,
        isUndone ? {kind: 'failed', fault: 'no-answer'} : {kind: 'left'},
        `${what} on ${command}`,
      )
      const retained = await settled(clock, reader.retain())
      const isKept = what === 'loseEnq' && command === 'capture'
      t.match(
        retained,
        isKept ? {kind: 'failed', fault: 'no-answer'} : {kind: 'retained'},
        `${what} on ${command}`,
      )
      t.same(
        cards(),
        {inserted: 1, taken: 0, captured: isKept ? 0 : 1},
        `${what} on ${command}: the card is where it was said`,
      )
      await reader.close()
    }
  }
  t.end()
})

t.test('a movement that may have been executed is not repeated', async t => {
  const {reader, clock, emulator} = await withCard()
  emulator.plan({kind: 'line', do: 'dropReply', command: 'ejectHeld'})
  await settled(clock, reader.eject(1_000))
  const ejects = emulator.transcript.filter(line => line.hex === '02 00 02 32 31 03 00')
  t.equal(ejects.length, 1)
  t.end()
})

t.test('a reader that says nothing is no answer, within a bounded time', async t => {
  const {reader, clock, emulator} = await newBench()
  for (let times = 0; times < PROFILE.offersMax; times++) emulator.plan({kind: 'line', do: 'ignoreFrame'})
  t.match(await settled(clock, reader.open()), {kind: 'failed', fault: 'no-answer'})
  t.ok(clock.monotonicMs() < 5_000)
  for (let times = 0; times < PROFILE.offersMax; times++) emulator.plan({kind: 'line', do: 'nak'})
  t.match(await settled(clock, reader.open()), {kind: 'failed', fault: 'nonsense'})
  t.match(await settled(clock, reader.open()), {
    kind: 'open',
    identity: {model: 'crt310', firmware: 'CRT 310 V3.0'},
  })
  t.end()
})

t.test('jams', async t => {
  const {reader, clock, emulator, cards} = await withCard()
  emulator.plan({kind: 'jam', journey: 'eject'})
  const jammed = await settled(clock, reader.eject(5_000))
  t.match(jammed, {kind: 'failed', fault: 'jam', detail: /ejectHeld.*N/})
  t.match(await settled(clock, reader.status()), {media: 'present'})
  emulator.plan({kind: 'jam', journey: 'capture'})
  t.match(await settled(clock, reader.retain()), {kind: 'failed', fault: 'jam'})
  t.match(await settled(clock, reader.status()), {media: 'present'})
  t.same(await settled(clock, reader.retain()), {kind: 'retained'}, 'the next try goes through')
  t.same(cards(), {inserted: 1, taken: 0, captured: 1})

  emulator.plan({kind: 'jam', journey: 'insert'})
  const accepting = reader.accept()
  await clock.advance(1_000)
  emulator.insert({track2: TRACK2})
  t.match(await settled(clock, accepting), {kind: 'failed', fault: 'jam', detail: /not drawn in/})
  t.match(await settled(clock, reader.status()), {media: 'entering', accepting: false})
  t.ok(emulator.take())
  t.end()
})

t.test('what is wrong with a stripe is told', async t => {
  const cases: readonly (readonly [Card, RegExp, object])[] = [
    ...(
      [
        ['startSentinel', /start sentinel/],
        ['endSentinel', /end sentinel/],
        ['parity', /parity/],
        ['checkCharacter', /check character/],
      ] as const
    ).map(([fault, detail]): [Card, RegExp, object] => [
      spoilt(fault),
      detail,
      {2: {kind: 'dataInvalid', why: fault}},
    ]),
    [{}, /nothing encoded/, {2: {kind: 'dataMissing'}}],
    [{track1: 'B1^X^1'}, /nothing encoded/, {1: {kind: 'read'}, 2: {kind: 'dataMissing'}}],
  ]
  for (const [card, detail, tracks] of cases) {
    const {reader, clock, emulator} = await newBench({...PROFILE, admit: 'switch'})
    await settled(clock, reader.open())
    const accepting = reader.accept([1, 2])
    await clock.advance(1_000)
    t.equal(emulator.insert(card), 'inserted')
    t.match(await settled(clock, accepting), {kind: 'unreadable', detail, tracks}, detail.source)
    const rereads = emulator.transcript.filter(({hex}) => hex.startsWith('02 00 04 45 31 30 34'))
    t.equal(
      rereads.length,
      card.faults === undefined ? 0 : 1,
      'only what is spoilt goes over the heads again',
    )
    await reader.close()
  }
  const {reader, clock, emulator} = await newBench({...PROFILE, tracks: [1, 3]}, {heads: [1, 3]})
  await settled(clock, reader.open())
  const accepting = reader.accept()
  await clock.advance(1_000)
  t.equal(emulator.insert({}), 'refused', 'no stripe does not open the mouth')
  emulator.insert({track2: TRACK2})
  t.match(await settled(clock, accepting), {kind: 'unreadable', detail: /cannot read that track/})
  t.end()
})

function spoilt(fault: StripeFault): Card {
  return {track2: TRACK2, faults: {2: fault}}
}

t.test('all tracks, where they are asked for', async t => {
  const {reader, clock, emulator} = await newBench()
  await settled(clock, reader.open())
  const accepting = reader.accept([1, 3])
  await clock.advance(1_000)
  emulator.insert({track1: 'B1^NOBODY^30', track2: TRACK2, track3: '0123='})
  const outcome = await settled(clock, accepting)
  t.match(outcome, {kind: 'inserted', source: 'stripe'})
  if (outcome.kind !== 'inserted') return
  const texts = Object.values(outcome.tracks).map(one => (one.kind === 'read' ? one.text.reveal() : one.kind))
  t.same(texts, ['B1^NOBODY^30', TRACK2, '0123='])
  t.notMatch(JSON.stringify(outcome), /NOBODY|0123/, 'secrets, all of them')
  t.end()
})

t.test('sentinels round a track are not part of it', async t => {
  const {reader, clock, emulator} = await newBench()
  await settled(clock, reader.open())
  const accepting = reader.accept()
  await clock.advance(1_000)
  emulator.insert({track2: `;${TRACK2}?`})
  const accepted = await settled(clock, accepting)
  t.equal(accepted.kind === 'inserted' && accepted.track2.reveal(), TRACK2)
  t.end()
})

t.test('a card of abnormal length is unreadable and is given back', async t => {
  for (const length of ['long', 'short'] as const) {
    const {reader, clock, emulator} = await newBench()
    await settled(clock, reader.open())
    const accepting = reader.accept()
    await clock.advance(1_000)
    emulator.insert({track2: TRACK2, length})
    t.match(await settled(clock, accepting), {kind: 'unreadable', detail: new RegExp(length)})
    const ejecting = reader.eject(10_000)
    await clock.advance(4_000)
    t.ok(emulator.take())
    t.same(await settled(clock, ejecting), {kind: 'taken'})
    t.equal(emulator.world.mouth, 'closed', 'and the mouth is shut behind it')
  }
  t.end()
})

t.test('refusals by code, with text for the operator', async t => {
  const cases = [
    [0x00, 'not-supported', /unknown command/],
    [0x01, 'bad-request', /parameter/],
    [0x02, 'not-now', /cannot execute/],
    [0x04, 'bad-request', /data/],
    [0x05, 'power', /voltage/],
    [0x06, 'card-length', /abnormal/],
    [0x07, 'power', /backup/],
    [0x09, 'hardware', /error 09/],
  ] as const
  for (const [code, fault, detail] of cases) {
    const {reader, clock, emulator} = await withCard()
    emulator.plan({kind: 'refuse', code, command: 'ejectHeld'})
    t.match(await settled(clock, reader.eject(5_000)), {kind: 'failed', fault, detail}, detail.source)
    t.equal(emulator.world.place, 'inside')
  }
  t.end()
})

t.test('power', async t => {
  const {reader, clock, emulator, cards} = await withCard()
  emulator.setSupply('outside')
  t.match(await settled(clock, reader.status()), {kind: 'failed', fault: 'power', detail: /voltage/})
  emulator.setSupply('backup')
  t.match(await settled(clock, reader.eject(1_000)), {
    kind: 'failed',
    fault: 'power',
    detail: /backup.*restore/,
  })
  emulator.setSupply('good')

  emulator.plan({kind: 'power', command: 'ejectHeld'})
  t.match(await settled(clock, reader.eject(5_000)), {kind: 'failed', fault: 'no-answer'})
  t.equal(emulator.world.place, 'inside')
  emulator.restorePower()
  t.match(await settled(clock, reader.open()), {kind: 'open', status: {media: 'present', accepting: false}})

  const ejecting = reader.eject(5_000)
  await clock.advance(300)
  t.equal(emulator.world.isMoving, true)
  emulator.cutPower()
  t.equal(emulator.take(), null, 'a card that stopped inside is out of reach')
  t.match(await settled(clock, ejecting), {kind: 'failed', fault: 'no-answer'})
  emulator.restorePower()
  t.match(await settled(clock, reader.open()), {status: {media: 'present'}})
  t.same(await settled(clock, reader.retain()), {kind: 'retained'})
  t.same(cards(), {inserted: 1, taken: 0, captured: 1})
  t.end()
})

t.test(
  'a pair of flipped bits that the check byte lets pass makes no card taken, and no other card',
  async t => {
    const clock = newClock()
    const {near, far} = loopbackPair(clock)
    const emulator = new Crt310Emulator(far, clock)
    await emulator.start()
    // The next chunk that looks like the one to spoil has these two bytes changed by the same bit.
    let spoil: {readonly starts: string; readonly at: readonly number[]; readonly bit: number} | null = null
    const link: ByteLink = {
      get isOpen() {
        return near.isOpen
      },
      open: listener =>
        near.open({
          bytes: chunk => {
            const plan = spoil
            if (plan === null || !hexOf(chunk).startsWith(plan.starts)) {
              listener.bytes(chunk)
              return
            }
            spoil = null
            listener.bytes(chunk.map((byte, at) => (plan.at.includes(at) ? byte ^ plan.bit : byte)))
          },
          lost: why => {
            listener.lost(why)
          },
        }),
      write: bytes => near.write(bytes),
      close: () => near.close(),
    }
    const reader = new Crt310(
      link,
      clock,
      lineLog(clock, () => undefined),
    )
    await settled(clock, reader.open())
    const accepting = reader.accept()
    await clock.advance(1_000)
    spoil = {starts: '020025453030321F59', at: [10, 11], bit: 1}
    emulator.insert({track2: TRACK2})
    const accepted = await settled(clock, accepting)
    t.equal(spoil, null, 'the upload was spoilt')
    t.equal(accepted.kind === 'inserted' && accepted.track2.reveal(), TRACK2)

    const ejecting = reader.eject(10_000)
    await clock.advance(3_000)
    // 49, held at the mouth, becomes 4E, no card: three bits, and the same three of the check byte.
    spoil = {starts: '0200053130', at: [5, 9], bit: 0x07}
    t.same(await settled(clock, ejecting), {kind: 'left'})
    t.equal(spoil, null, 'the status was spoilt')
    t.end()
  },
)

t.test('opening keeps the evidence of a card that went to the bin', async t => {
  const {reader, clock} = await withCard()
  await settled(clock, reader.retain())
  t.match(await settled(clock, reader.open()), {
    kind: 'open',
    status: {media: 'notPresent', detail: /before the reset: last card gone to the rear/},
  })
  t.end()
})

const AT_MOST_ONE: readonly Mischief<CommandName>[] = [
  {kind: 'line', do: 'dropReply', command: 'resetInPlace'},
  {kind: 'line', do: 'dropAck', command: 'resetInPlace'},
  {kind: 'line', do: 'corruptReply', command: 'stopAt'},
]

t.test('opening survives one line fault', async t => {
  for (const mischief of AT_MOST_ONE) {
    const {reader, clock, emulator} = await newBench()
    emulator.plan(mischief)
    t.equal((await settled(clock, reader.open())).kind, 'open')
    t.equal(emulator.world.mouth, 'closed')
    t.equal(emulator.world.rear, 'closed')
  }
  t.end()
})
