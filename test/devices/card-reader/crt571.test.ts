/** Creator CRT-571: golden vectors, the reader suite, and every misbehaviour its emulator knows. */
import t from 'tap'
import {COMMANDS, PROFILE} from '../../../devices/card-reader/crt571/bytes.ts'
import type {CommandName, Profile} from '../../../devices/card-reader/crt571/bytes.ts'
import {
  commandOf,
  decodeCommand,
  decodeCount,
  decodeFrame,
  decodeReply,
  decodeReset,
  decodeSensors,
  decodeSerial,
  encodeCommand,
  encodeCount,
  encodeFrame,
  encodeGood,
  encodeRefusal,
  encodeReset,
  frameShape,
} from '../../../devices/card-reader/crt571/codec.ts'
import {Crt571} from '../../../devices/card-reader/crt571/driver.ts'
import {Crt571Emulator} from '../../../devices/card-reader/crt571/emulator.ts'
import type {EmulatorOptions} from '../../../devices/card-reader/crt571/emulator.ts'
import {REFUSALS} from '../../../devices/card-reader/crt571/meaning.ts'
import golden from '../../../devices/card-reader/crt571/vectors.json' with {type: 'json'}
import type {LineMischief} from '../../../devices/card-reader/emulator-mischief.ts'
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import {lineLog} from '../../../kit/log.ts'
import {openReader} from '../../../src/session/health.ts'
import {chipSuite} from './chip-suite.ts'
import {framesSuite} from './frames.ts'
import {newClock, readerSuite, settled, TRACK2} from './suite.ts'
import type {ReaderBench} from './suite.ts'

interface Vector {
  readonly name: string
  readonly hex: string
  readonly source: string
  readonly command?: string
  readonly answers?: string
  readonly state?: string
  readonly data: string
  readonly refusal?: string
}
const vectors: readonly Vector[] = golden.vectors

function isCommand(name: string | undefined): name is CommandName {
  return name !== undefined && Object.hasOwn(COMMANDS, name)
}

t.test('golden vectors, both ways', t => {
  for (const vector of vectors) {
    const frame = decodeFrame(bytesOfHex(vector.hex))
    if (frame === null) {
      t.fail(`${vector.name} does not decode`)
      continue
    }
    t.equal(hexOf(encodeFrame(frame)), vector.hex, vector.name)
    const data = bytesOfHex(vector.data)
    if (isCommand(vector.command)) {
      t.equal(hexOf(encodeCommand(vector.command, 0, data)), vector.hex, vector.name)
      const command = decodeCommand(frame.text)
      t.equal(command === null ? null : commandOf(command), vector.command, vector.name)
      t.same(command?.data, data, vector.name)
      continue
    }
    if (!isCommand(vector.answers)) {
      t.fail(`${vector.name} answers nothing`)
      continue
    }
    const asked = COMMANDS[vector.answers]
    const reply = decodeReply(frame.text, asked)
    if (vector.refusal !== undefined) {
      t.same(reply, {kind: 'refused', code: vector.refusal, data}, vector.name)
      const head = frame.text[0] === 0x45 ? 0x45 : 0x4e
      t.same(encodeRefusal(head, asked, vector.refusal, data), frame.text, vector.name)
    } else {
      t.equal(reply.kind, 'reply', vector.name)
      if (reply.kind !== 'reply') continue
      t.same(reply.data, data, vector.name)
      t.same(encodeGood(asked, reply.state, reply.data), frame.text, vector.name)
      t.equal(String.fromCharCode(...frame.text.slice(3, 6)), vector.state, vector.name)
    }
  }
  t.end()
})

t.test('every command has a vector, and every vector a source', t => {
  for (const name in COMMANDS)
    t.ok(
      vectors.some(vector => vector.command === name),
      name,
    )
  for (const vector of vectors)
    t.ok(['published and frame rule', 'frame rule', 'assumed'].includes(vector.source), vector.name)
  t.end()
})

t.test('what moves a card or tells a chip something is marked so', t => {
  const never = Object.entries(COMMANDS).flatMap(([name, {retry}]) => (retry === 'never' ? [name] : []))
  t.same(never, [
    'initHold',
    'initCapture',
    'initHoldCounted',
    'initCaptureCounted',
    'toHold',
    'toContact',
    'toRadio',
    'capture',
    'eject',
    'apduT0',
    'apduT1',
    'apduAuto',
    'samApduT0',
    'samApduT1',
    'samApduAuto',
  ])
  t.end()
})

t.test('frames', t => {
  framesSuite(
    t,
    vectors.map(({name, hex}) => ({name, bytes: bytesOfHex(hex)})),
    frameShape([0x04, 0x06, 0x15], 'ofReader'),
    decodeFrame,
  )
  t.end()
})

t.test('replies, field by field', t => {
  const status = {cm: 0x31, pm: 0x30}
  const reply = (hex: string) => decodeReply(bytesOfHex(hex), status)
  t.same(reply('503130323231'), {
    kind: 'reply',
    state: {card: 'position', stacker: 'enough', bin: 'full'},
    data: new Uint8Array(),
  })
  for (const bad of ['', '5031', '503130', '5031303331', '503130333231', '503130323331', '503130323232'])
    t.equal(reply(bad).kind, 'stray', bad)
  t.equal(reply('503131323230').kind, 'stray', 'of another command')
  t.match(reply('4E31304230'), {kind: 'refused', code: 'B0'})
  t.match(reply('4531304230'), {kind: 'refused', code: 'B0'})
  for (const bad of ['4E313042', '4E31306230', '4E31304732']) t.equal(reply(bad).kind, 'stray', bad)
  t.equal(decodeSensors(bytesOfHex('31303030303030'))?.get('S1'), true)
  t.equal(decodeSensors(bytesOfHex('3030303030303132'))?.get('S7'), true, 'what is reserved is anything')
  for (const bad of ['', '303030303030', '30303030303032']) t.equal(decodeSensors(bytesOfHex(bad)), null, bad)
  t.equal(decodeSerial(bytesOfHex('03414243')), 'ABC')
  t.equal(decodeSerial(bytesOfHex('00')), '')
  for (const bad of ['', '0441', '0241']) t.equal(decodeSerial(bytesOfHex(bad)), null, bad)
  t.equal(decodeCount(encodeCount(7)), 7)
  t.equal(hexOf(encodeCount(999)), '393939')
  for (const bad of ['', '3030', '30303030', '303041']) t.equal(decodeCount(bytesOfHex(bad)), null, bad)
  t.same(decodeReset(encodeReset({protocol: 'T1', atr: bytesOfHex('3B00')})), {
    protocol: 'T1',
    atr: bytesOfHex('3B00'),
  })
  for (const bad of ['', '30', '303B', '323B00']) t.equal(decodeReset(bytesOfHex(bad)), null, bad)
  for (const bad of ['', '43', '4330', '503130']) t.equal(decodeCommand(bytesOfHex(bad)), null, bad)
  t.end()
})

interface Bench extends ReaderBench {
  readonly emulator: Crt571Emulator
}

async function newBench(profile: Partial<Profile> = {}, make: EmulatorOptions = {}): Promise<Bench> {
  const clock = newClock()
  const {near, far, cable} = loopbackPair(clock, {delayMs: 2})
  const emulator = new Crt571Emulator(far, clock, make)
  await emulator.start()
  const lines: string[] = []
  const log = lineLog(clock, line => lines.push(line), 'debug')
  return {
    reader: new Crt571(near, clock, log, {...PROFILE, ...profile}),
    clock,
    emulator,
    // It knows cards by their chips.
    insert: track2 => emulator.insert({chip: {protocol: 'T0', track2, holder: 'NOBODY/ADA'}}),
    insertCard: card => emulator.insert(card),
    take: () => emulator.take() !== null,
    cards: () => {
      const {insertedCount, takenCount, capturedCount} = emulator.world
      return {inserted: insertedCount, taken: takenCount, captured: capturedCount}
    },
    written: () => JSON.stringify([lines, emulator.transcript, emulator.world]),
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
async function withCard(make?: EmulatorOptions): Promise<Bench> {
  const bench = await newBench({}, make)
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
  chipSuite(t, () => newBench())
  t.end()
})

/** Readers of another make, each with the profile that the settings have for it. */
const MAKES: Readonly<Record<string, {readonly profile?: Partial<Profile>; readonly make: EmulatorOptions}>> =
  {
    'address 15': {profile: {address: 15}, make: {address: 15}},
    'refusals begin with E': {make: {refusalHead: 0x45}},
    'ten bytes of sensors': {make: {sensorBytes: 10}},
    'answers before it is initialised': {make: {needsInit: false}},
    'cards in the stacker': {
      make: {remains: {card: null, place: 'inside', bin: [], takenCount: 0, stackedCount: 20}},
    },
  }

for (const [name, {profile = {}, make}] of Object.entries(MAKES))
  t.test(`as every reader, ${name}`, t => {
    readerSuite(t, () => newBench(profile, make), {badLineRounds: 5})
    t.end()
  })

t.test('who it is, and what it counts', async t => {
  const {reader, clock, emulator} = await withCard()
  t.match(await settled(clock, reader.retain()), {kind: 'retained'})
  t.match(await settled(clock, reader.open()), {
    kind: 'open',
    identity: {model: 'crt571', firmware: 'CRT-591-M001 CRT-591-M001 V1.0 DEMO', serial: '571M0001'},
    status: {media: 'notPresent', retainBin: 'ok', retainedCount: 1, shutter: 'closed', chipPower: 'noCard'},
  })
  emulator.cutPower()
  emulator.restorePower()
  t.match(await settled(clock, reader.status()), {
    kind: 'failed',
    fault: 'not-now',
    detail: /B0.*lost its power/,
  })
  t.match(await settled(clock, reader.open()), {status: {detail: /the reader had lost its power/}})
})

t.test('the transcript shows commands and answers, and nothing of a chip', async t => {
  const {emulator, written} = await withCard()
  const text = emulator.transcript.map(line => `${line.from} ${line.hex}`).join('\n')
  t.match(
    text,
    /host F2 00 00 17 43 51 33 \[22 bytes\]\ndevice 06\ndevice F2 00 00 08 50 51 33 32 30 30 \[4 bytes\]\nhost 06/,
  )
  t.notMatch(written(), /40123456789|40 12 34 56/)
})

t.test('a full bin lets no card in', async t => {
  const {reader, clock, emulator} = await withCard({binMax: 1})
  t.match(await settled(clock, reader.retain()), {kind: 'retained'})
  t.match(await settled(clock, reader.status()), {retainBin: 'full'})
  t.match(await settled(clock, openReader(reader)), {fault: 'the retain bin is full'}, 'nor does the machine')
  t.match(await settled(clock, reader.accept()), {
    kind: 'failed',
    fault: 'retain-bin-full',
    detail: /empty the bin/,
  })
  t.equal(emulator.world.mouth, 'closed')
  t.equal(emulator.emptyBin().length, 1)
  const accepting = reader.accept()
  await clock.advance(1_000)
  t.equal(emulator.world.mouth, 'switch')
  void reader.refuse()
  t.match(await settled(clock, accepting), {kind: 'stopped'})
})

t.test('a card that is kept is proved by the count, whatever became of the answer', async t => {
  for (const fault of ['dropReply', 'corruptReply', 'lateReply', 'dropAck'] as const) {
    const {reader, clock, emulator} = await withCard()
    emulator.plan({kind: 'line', do: fault, command: 'capture'})
    t.match(await settled(clock, reader.retain()), {kind: 'retained'}, fault)
    t.equal(emulator.world.capturedCount, 1)
  }
  const {reader, clock, emulator} = await withCard()
  emulator.plan({kind: 'line', do: 'ignoreFrame', command: 'capture'})
  t.match(await settled(clock, reader.retain()), {kind: 'failed', fault: 'no-answer'}, 'not executed')
  t.equal(emulator.world.capturedCount, 0)
  const at = reader.eject(5_000)
  await clock.advance(3_000)
  emulator.plan({kind: 'line', do: 'ignoreFrame', command: 'capture'})
  await settled(clock, at)
  const retaining = reader.retain()
  await clock.advance(1_000)
  t.ok(emulator.take(), 'pulled out while the order is lost')
  t.match(await settled(clock, retaining), {kind: 'failed', fault: 'no-answer'}, 'gone, and not kept')
})

t.test('a movement that may have been executed is not repeated', async t => {
  const {reader, clock, emulator} = await withCard()
  emulator.plan({kind: 'line', do: 'dropReply', command: 'toHold'})
  await settled(clock, reader.eject(1_000))
  const sent = emulator.transcript.filter(line => line.hex === 'F2 00 00 03 43 32 30 03 B3')
  t.equal(sent.length, 1)
})

const PASSING: readonly LineMischief[] = [
  'nak',
  'dropAck',
  'splitReply',
  'duplicateReply',
  'garbageBeforeReply',
  'corruptReply',
]
const SILENCING: readonly LineMischief[] = ['ignoreFrame', 'dropReply', 'lateReply']

t.test('line faults on every step of a visit', async t => {
  const steps: readonly CommandName[] = [
    'status',
    'entryOpen',
    'entryShut',
    'toContact',
    'coldReset',
    'apduT0',
    'chipOff',
    'toHold',
    'capture',
  ]
  for (const what of [...PASSING, ...SILENCING])
    for (const command of steps) {
      const {reader, clock, emulator, insert, cards} = await newBench()
      await settled(clock, reader.open())
      emulator.plan({kind: 'line', do: what, command})
      const accepting = reader.accept()
      await clock.advance(30_000)
      insert(TRACK2)
      const accepted = await settled(clock, accepting)
      const isNever = COMMANDS[command].retry === 'never'
      // What cannot be asked for twice ends the reading; the card is inside all the same and goes back.
      const isReadingLost =
        SILENCING.includes(what) && isNever && command !== 'toHold' && command !== 'capture'
      t.equal(accepted.kind, isReadingLost ? 'failed' : 'inserted', `${what} on ${command}: the card is read`)
      const ejected = await settled(clock, reader.eject(5_000))
      const isUndone = what === 'ignoreFrame' && command === 'toHold'
      t.match(
        ejected,
        isUndone ? {kind: 'failed', fault: 'no-answer'} : {kind: 'left'},
        `${what} on ${command}`,
      )
      const isKept = what === 'ignoreFrame' && command === 'capture'
      const retained = await settled(clock, reader.retain())
      t.equal(retained.kind, isKept ? 'failed' : 'retained', `${what} on ${command}`)
      t.same(cards(), {inserted: 1, taken: 0, captured: isKept ? 0 : 1}, `${what} on ${command}`)
      await reader.close()
    }
})

t.test('refusals by code, with text for the operator', async t => {
  for (const [code, {fault}] of REFUSALS) {
    const {reader, clock, emulator} = await withCard()
    emulator.plan({kind: 'refuse', code: Number.parseInt(code, 16), command: 'toHold'})
    const outcome = await settled(clock, reader.eject(5_000))
    t.match(outcome, {kind: 'failed', fault, detail: new RegExp(`toHold: error ${code}, .+; .+`)}, code)
    t.equal(emulator.world.place, 'insideContact')
    await reader.close()
  }
  const {reader, clock, emulator} = await withCard()
  emulator.plan({kind: 'refuse', code: 0x77, command: 'toHold'})
  t.match(await settled(clock, reader.eject(5_000)), {fault: 'hardware', detail: /note the code/})
})

t.test('jams and power', async t => {
  const {reader, clock, emulator, cards} = await withCard()
  emulator.plan({kind: 'jam', journey: 'eject'})
  t.match(await settled(clock, reader.eject(5_000)), {
    kind: 'failed',
    fault: 'jam',
    detail: /toHold: error 10/,
  })
  emulator.plan({kind: 'jam', journey: 'capture'})
  t.match(await settled(clock, reader.retain()), {kind: 'failed', fault: 'jam'})
  const ejecting = reader.eject(5_000)
  await clock.advance(300)
  t.equal(emulator.world.isMoving, true)
  emulator.cutPower()
  t.equal(emulator.take(), null, 'a card that stopped inside is out of reach')
  t.match(await settled(clock, ejecting), {kind: 'failed', fault: 'no-answer'})
  emulator.restorePower()
  t.match(await settled(clock, reader.open()), {status: {media: 'present'}})
  t.same(await settled(clock, reader.retain()), {kind: 'retained'})
  emulator.plan({kind: 'jam', journey: 'insert'})
  const accepting = reader.accept()
  await clock.advance(1_000)
  emulator.insert({})
  t.match(await settled(clock, accepting), {kind: 'failed', fault: 'jam', detail: /not drawn in/})
  t.ok(emulator.take())
  t.same(cards(), {inserted: 2, taken: 1, captured: 1})
})

t.test('what is no card of a bank is unreadable and is given back', async t => {
  for (const [card, detail] of [
    [{}, /no answer to reset/],
    [{length: 'long'}, /too long/],
    [{length: 'short'}, /too short/],
    [{chip: {protocol: 'T1', track2: TRACK2, holder: 'A/B', state: 'stalls'}}, /does not answer/],
    [{chip: {protocol: 'T0', track2: '12=34', holder: 'A/B'}}, /ISO\/IEC 7813/],
  ] as const) {
    const {reader, clock, emulator} = await newBench()
    await settled(clock, reader.open())
    const accepting = reader.accept()
    await clock.advance(1_000)
    emulator.insert(card)
    t.match(await settled(clock, accepting), {kind: 'unreadable', detail}, detail.source)
    const ejecting = reader.eject(10_000)
    await clock.advance(4_000)
    t.ok(emulator.take())
    t.same(await settled(clock, ejecting), {kind: 'taken'})
    await reader.close()
  }
})

t.test('an answer to reset that EMV does not allow is asked for by ISO/IEC 7816-3', async t => {
  const {reader, clock, emulator} = await withCard()
  emulator.plan({kind: 'refuse', code: 0x69, command: 'coldReset'})
  const chip = reader.chip
  if (chip === null) return
  t.match(await settled(clock, chip.reset('cold')), {kind: 'answered'})
  const resets = emulator.transcript
    .filter(({hex}) => hex.startsWith('F2 00 00 04 43 51 30'))
    .map(({hex}) => hex)
  t.same(resets.slice(-2), ['F2 00 00 04 43 51 30 30 03 E7', 'F2 00 00 04 43 51 30 33 03 E4'])
})
