/** DynaPro Mini: golden reports, the pad suite, every misbehaviour of the emulator, and what a stranger's host sees. */
import t from 'tap'
import {dukptKey, initialKey} from '../../../crypto/dukpt.ts'
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {decodeIso1, decodeIso3} from '../../../crypto/pin-block.ts'
import {tdesDecrypt} from '../../../crypto/tdes.ts'
import {
  COMMAND_BYTES,
  COMMANDS,
  descriptor,
  INPUTS,
  MESSAGE,
  OLD_STATE_BYTES,
  PROFILE,
} from '../../../devices/pin-pad/dynapro/bytes.ts'
import type {CommandName, Profile} from '../../../devices/pin-pad/dynapro/bytes.ts'
import {
  decodeAck,
  decodePin,
  decodePinAsk,
  decodeSelection,
  decodeSession,
  decodeState,
  decodeText,
  encodeAck,
  encodeBlock,
  encodePan,
  encodePinAsk,
  encodeSelection,
  encodeState,
} from '../../../devices/pin-pad/dynapro/codec.ts'
import {DynaProPinPad} from '../../../devices/pin-pad/dynapro/driver.ts'
import {DynaProEmulator, NEW} from '../../../devices/pin-pad/dynapro/emulator.ts'
import type {EmulatorOptions} from '../../../devices/pin-pad/dynapro/emulator.ts'
import {swipedCard} from '../../../devices/pin-pad/dynapro/emulator-card.ts'
import {DEMO_BASE_KEY} from '../../../devices/pin-pad/dynapro/emulator-module.ts'
import {keyWords} from '../../../devices/pin-pad/dynapro/meaning.ts'
import golden from '../../../devices/pin-pad/dynapro/vectors.json' with {type: 'json'}
import type {Key, PinOutcome} from '../../../devices/pin-pad/port.ts'
import type {HidDevice, HidLink} from '../../../devices/wire/hid.ts'
import {readDescriptor} from '../../../devices/wire/hid-descriptor.ts'
import {hidPair} from '../../../devices/wire/hid-pair.ts'
import type {LineFault} from '../../../devices/wire/loopback.ts'
import type {VirtualClock} from '../../../kit/clock.ts'
import {lineLog, silentLog} from '../../../kit/log.ts'
import {seededRandom} from '../../../kit/random.ts'
import {keysOf} from '../../../kit/table.ts'
import {newClock, padSuite, PAN, pinIn, ready, request, settled, type} from './suite.ts'
import type {PadBench} from './suite.ts'

interface Vector {
  readonly name: string
  readonly from: string
  readonly hex: string
  readonly source: string
  readonly command?: string
  readonly pinAsk?: Readonly<
    Record<'waitS' | 'mode' | 'lengthMin' | 'lengthMax' | 'tone' | 'options', number>
  >
  readonly pan?: string
  readonly amount?: string
  readonly type?: number
  readonly ack?: {readonly status: string; readonly of: number}
  readonly state?: Readonly<Record<string, number | string | null>>
  readonly pin?: {readonly operation: string | null; readonly ksn: string | null; readonly block: string}
  readonly selection?: {readonly operation: string; readonly key: string | null}
  readonly text?: string
}
const vectors: readonly Vector[] = golden.vectors

function isCommand(name: string | undefined): name is CommandName {
  return name !== undefined && Object.hasOwn(COMMANDS, name)
}

/** ID and the bytes after it. */
function cut(hex: string): {readonly id: number; readonly bytes: Uint8Array} {
  const raw = bytesOfHex(hex)
  return {id: raw[0] ?? 0, bytes: raw.slice(1)}
}

t.test('golden reports, both ways', t => {
  for (const vector of vectors) {
    const {id, bytes} = cut(vector.hex)
    const {name, pinAsk, pan, amount, ack, state, pin, selection, text} = vector
    if (isCommand(vector.command)) {
      t.equal(id, COMMANDS[vector.command], name)
      t.equal(bytes.length, COMMAND_BYTES[vector.command], name)
    }
    if (pinAsk !== undefined) {
      const asked = decodePinAsk(bytes)
      t.same(asked, pinAsk, name)
      if (asked !== null) t.equal(hexOf(encodePinAsk(asked)), hexOf(bytes), name)
    }
    if (pan !== undefined) {
      const sent = decodeSession(bytes)
      t.equal(sent.kind === 'pan' && sent.pan.reveal(), pan, name)
      t.equal(hexOf(encodePan(pan)), hexOf(bytes), name)
    }
    if (amount !== undefined) t.same(decodeSession(bytes), {kind: 'amount', type: vector.type, amount}, name)
    if (ack !== undefined) {
      const heard = decodeAck(bytes)
      t.match(heard, ack, name)
      if (heard !== null && heard.status !== null)
        t.equal(hexOf(encodeAck(heard.status, ack.of)), hexOf(bytes), name)
    }
    if (state !== undefined) {
      const told = decodeState(bytes)
      t.same(told, state, name)
      if (told !== null) t.equal(hexOf(encodeState(told)), hexOf(bytes), name)
    }
    if (pin !== undefined) {
      const heard = decodePin(bytes)
      t.match(heard, {operation: pin.operation, ksn: pin.ksn}, name)
      t.equal(heard === null ? '' : hexOf(heard.block.reveal()), pin.block, name)
      if (heard !== null && heard.operation !== null) {
        const ksn = bytesOfHex(pin.ksn ?? '00'.repeat(10))
        t.equal(hexOf(encodeBlock(heard.operation, {ksn, block: bytesOfHex(pin.block)})), hexOf(bytes), name)
      }
    }
    if (selection !== undefined) {
      const heard = decodeSelection(bytes)
      t.match(heard, selection, name)
      if (heard !== null && heard.operation !== null)
        t.equal(hexOf(encodeSelection(heard.operation, heard.key)), hexOf(bytes), name)
    }
    if (text !== undefined) t.equal(decodeText(bytes.subarray(1)), text, name)
    t.match(vector.source, /^(99875629|report rule|computed|assumed)/, name)
  }
  for (const name of keysOf(COMMANDS))
    t.ok(
      vectors.some(({command}) => command === name),
      `${name} has a vector`,
    )
  t.end()
})

t.test('reports of wrong lengths, and values out of range, are refused', t => {
  for (let length = 0; length < 24; length += 1) {
    const bytes = new Uint8Array(length)
    if (length !== 4) t.equal(decodeAck(bytes), null)
    if (length !== 5 && length !== 6) t.equal(decodeState(bytes), null)
    if (length !== 19) t.equal(decodePin(bytes), null)
    if (length !== 2) t.equal(decodeSelection(bytes), null)
    if (length !== 5) t.equal(decodePinAsk(bytes), null)
    if (length !== 21) t.same(decodeSession(bytes), {kind: 'refused'})
  }
  t.equal(decodePinAsk(bytesOfHex('1E05440101')), null, 'no such mode')
  t.match(decodeAck(bytesOfHex('77040000')), {status: null, code: 0x77})
  t.match(decodeSelection(bytesOfHex('0073')), {operation: 'done', key: null})
  const session = (hex: string): unknown => decodeSession(bytesOfHex(hex.padEnd(42, '0')))
  t.same(session('0107' + '34'.repeat(7)), {kind: 'refused'}, 'a number too short')
  t.same(session('0114' + '34'.repeat(19)), {kind: 'refused'}, 'a number too long')
  t.same(session('0108' + '3A'.repeat(8)), {kind: 'refused'}, 'a number that is none')
  t.same(session('000043'), {kind: 'refused'}, 'an amount of nothing')
  t.same(session('000C43' + '31'.repeat(12)), {kind: 'refused'}, 'an amount too long')
  t.same(session('00034331412E'), {kind: 'refused'}, 'an amount that is none')
  t.same(session('02'), {kind: 'refused'}, 'something else')
  t.equal(decodeText(bytesOfHex('4100FF')), 'A')
  t.equal(decodeText(bytesOfHex('41FF')), null)
  t.equal(decodeText(bytesOfHex('4142')), 'AB', 'a text as long as its report')
  t.throws(() => encodePan('hello'), {name: 'AssertionFailed'})
  t.throws(() => encodePinAsk({waitS: 256, mode: 0, lengthMin: 4, lengthMax: 4, tone: 0, options: 0}), {
    name: 'AssertionFailed',
  })
  t.throws(() => encodePinAsk({waitS: 1, mode: 0, lengthMin: 5, lengthMax: 4, tone: 0, options: 0}), {
    name: 'AssertionFailed',
  })
  t.end()
})

t.test('no bytes make a decoder throw', t => {
  const random = seededRandom('dynapro')
  let good = 0
  for (let round = 0; round < 20_000; round += 1) {
    const bytes = random.bytes(random.below(24))
    for (const decode of [decodeAck, decodeState, decodePin, decodeSelection, decodePinAsk, decodeText])
      if (decode(bytes) !== null) good += 1
    if (decodeSession(bytes).kind !== 'refused') good += 1
  }
  t.ok(good > 1_000)
  t.end()
})

t.test('the descriptor begins as printed, and gives every length', t => {
  t.match(
    hexOf(descriptor(6)),
    /^0620FF0901A1017508150026FF00850109019504B20201850209029501B20201850309039503B20201850409049505B20201850509059501B2020185060906/,
  )
  for (const stateBytes of [OLD_STATE_BYTES, INPUTS.deviceState.bytes]) {
    const read = readDescriptor(descriptor(stateBytes))
    t.equal(read.kind, 'table')
    if (read.kind !== 'table') return
    const {isNumbered, lengths} = read.table
    t.equal(isNumbered, true)
    t.equal(lengths.feature.get(1), 4)
    for (const name of keysOf(COMMANDS))
      t.equal(lengths.feature.get(COMMANDS[name]), COMMAND_BYTES[name], name)
    for (const {id, bytes} of Object.values(INPUTS))
      t.equal(lengths.input.get(id), id === INPUTS.deviceState.id ? stateBytes : bytes, `input ${id}`)
    t.equal(lengths.output.size, 0, 'no output reports')
  }
  t.end()
})

t.test('what the key fields mean depends on the revision; that no key is usable does not', t => {
  t.equal(keyWords(0, 2014), 'present')
  t.equal(keyWords(1, 2014), 'missing')
  t.equal(keyWords(2, 2014), 'exhausted')
  t.equal(keyWords(1, 2018), 'exhausted')
  t.equal(keyWords(2, 2018), 'missing')
  t.equal(keyWords(3, 2018), 'not bound')
  t.end()
})

interface Bench extends PadBench {
  readonly pad: DynaProPinPad
  readonly emulator: DynaProEmulator
  readonly pair: ReturnType<typeof hidPair>
  readonly lines: readonly string[]
}

async function newBench(options: EmulatorOptions = {}, profile: Profile = PROFILE): Promise<Bench> {
  const clock = newClock()
  const pair = hidPair(clock, {delayMs: 2})
  const emulator = new DynaProEmulator(pair.far, clock, seededRandom('pad'), options)
  await emulator.start()
  const lines: string[] = []
  const log = lineLog(clock, line => lines.push(line), 'debug')
  let heard = 0
  return {
    pad: new DynaProPinPad(pair.near, clock, log, profile),
    clock,
    clearErases: 'all',
    press: key => emulator.press(key),
    written: () => JSON.stringify([lines, emulator.transcript, emulator.world, emulator.remains.pinCounter]),
    fromPad: () => {
      const said = emulator.transcript.slice(heard).filter(({from}) => from === 'device')
      heard = emulator.transcript.length
      return said.map(({hex}) => hex).join('\n')
    },
    pullCable: () => {
      pair.cable.pull()
    },
    plugCable: () => {
      pair.cable.plug()
    },
    cable: {
      // The bus has a check of its own: a report in which a bit was flipped does not arrive changed, but not at all.
      misbehave: (from, fault, times) => {
        pair.cable.misbehave(
          from,
          fault.do === 'corrupt' ? {do: 'drop', unit: 'chunk', everyNth: fault.everyNth} : fault,
          times,
        )
      },
      behave: () => {
        pair.cable.behave()
      },
    },
    emulator,
    pair,
    lines,
  }
}

t.test('as every pad', t => {
  padSuite(t, newBench)
  t.end()
})

t.test('as every pad, older firmware', t => {
  padSuite(t, () => newBench({firmware: 2014}, {...PROFILE, statusOf: 2014}))
  t.end()
})

t.test('as every pad, one fixed key', t => {
  const remains = {...NEW, pinKey: 'fixed' as const}
  padSuite(t, () => newBench({remains}, {...PROFILE, keyScheme: 'fixed'}))
  t.end()
})

/** A bench whose pad is open and waits for a PIN. */
async function entering(
  options: EmulatorOptions = {},
): Promise<{readonly bench: Bench; readonly outcome: Promise<PinOutcome>}> {
  const bench = await newBench(options)
  await ready(bench)
  const outcome = bench.pad.enterPin(request())
  await bench.clock.advance(1_000)
  return {bench, outcome}
}

t.test('who it is, and what it tells of itself', async t => {
  const bench = await newBench()
  const opened = await settled(bench.clock, bench.pad.open())
  t.match(opened, {
    kind: 'open',
    identity: {model: 'dynapro', firmware: '30050500A10'},
    status: {
      pinKey: 'present',
      tamper: 'intact',
      serialNumber: '12345678',
      detail: 'idle, PIN key present, MSR key present',
      state: {stateCode: 0, session: 0, keyStatus: 0},
      certificates: ['device', 'deviceCa', 'pinCa', 'pinCrl'],
      hardware: ['tamperSensors', 'head', 'keypadCalibrated'],
    },
  })
  const old = await newBench({firmware: 2014})
  t.match(await settled(old.clock, old.pad.open()), {kind: 'open', status: {state: {keyStatus: null}}})
})

t.test('the wire of one PIN, as published', async t => {
  const {bench, outcome} = await entering()
  await type(bench, ['1', '2', '3', '4', 'enter'])
  await settled(bench.clock, outcome)
  const wire = bench.emulator.transcript.map(({from, hex}) => `${from} ${hex}`).join('\n')
  t.match(
    wire,
    new RegExp(
      [
        'host 02 00',
        'device 01 00 02 00 00',
        'host 0D 01 \\[20 bytes\\]',
        'device 20 01 02 40 47 07 00',
        'device 01 00 0D 00 00',
        'host 04 1E 00 64 01 00',
        'device 20 03 02 40 47 07 00',
        'device 01 00 04 00 00',
        'device 24 00 \\[18 bytes\\]',
        'device 20 01 02 40 47 07 00',
        'host 02 00',
      ].join('\n'),
    ),
  )
  t.equal(bench.emulator.world.beepCount, 1)
})

t.test('every key is used once, until they are used up', async t => {
  const bench = await newBench({remains: {...NEW, pinCounter: 0x1ff400}})
  await ready(bench)
  const ksns: unknown[] = []
  for (let round = 0; round < 2; round += 1) {
    const outcome = bench.pad.enterPin(request())
    await bench.clock.advance(1_000)
    await type(bench, ['1', '2', '3', '4', 'enter'])
    const ended = await settled(bench.clock, outcome)
    ksns.push(ended.kind === 'entered' ? ended.ksn : ended.kind === 'failed' ? ended.fault : ended.kind)
  }
  t.same(ksns, ['FFFF9876543210FFF800', 'key-missing'])
  t.match(await settled(bench.clock, bench.pad.status()), {pinKey: 'missing'})
})

t.test('without a PIN key', async t => {
  for (const firmware of [2014, 2018] as const) {
    const bench = await newBench(
      {firmware, remains: {...NEW, pinKey: 'none'}},
      {...PROFILE, statusOf: firmware},
    )
    t.match(await settled(bench.clock, bench.pad.open()), {
      kind: 'open',
      status: {pinKey: 'missing', detail: 'idle, PIN key missing, MSR key present'},
    })
    t.match(await settled(bench.clock, bench.pad.enterPin(request())), {
      kind: 'failed',
      fault: 'key-missing',
      detail: /ACK status 85.*injected again/,
    })
  }
})

t.test('a block that names no key where DUKPT is set', async t => {
  const bench = await newBench({remains: {...NEW, pinKey: 'fixed'}})
  await ready(bench)
  const outcome = bench.pad.enterPin(request())
  await bench.clock.advance(1_000)
  await type(bench, ['1', '2', '3', '4', 'enter'])
  t.match(await settled(bench.clock, outcome), {kind: 'failed', fault: 'key-missing', detail: /names no key/})
})

const REFUSALS: readonly (readonly [number, string, RegExp])[] = [
  [0x15, 'not-supported', /no such report/],
  [0x80, 'hardware', /device error; reset the pad/],
  [0x81, 'busy', /not idle/],
  [0x82, 'bad-request', /bad parameter/],
  [0x84, 'busy', /card number already/],
  [0x85, 'key-missing', /injected/],
  [0x86, 'busy', /busy/],
  [0x87, 'locked', /120 PINs.*wait an hour/],
  [0x88, 'locked', /authentication/],
  [0x89, 'locked', /authentication/],
  [0x8a, 'not-supported', /not available/],
  [0x8b, 'bad-request', /amount/],
  [0x8c, 'battery', /battery/],
  [0x8d, 'busy', /resetting/],
  [0x90, 'key-refused', /certificate/],
  [0x91, 'key-refused', /expired/],
  [0x92, 'key-refused', /not valid/],
  [0x93, 'key-refused', /revoked/],
  [0x94, 'key-refused', /revoked certificates/],
  [0x95, 'key-refused', /exists/],
  [0x96, 'key-refused', /exists/],
  [0x77, 'hardware', /not listed/],
]

t.test('refusals by code, with what the operator does', async t => {
  for (const [code, fault, detail] of REFUSALS)
    for (const command of ['requestPin', 'sendSession'] as const) {
      const bench = await newBench()
      await ready(bench)
      bench.emulator.plan({kind: 'refuse', code, command})
      t.match(await settled(bench.clock, bench.pad.enterPin(request())), {kind: 'failed', fault, detail})
      t.equal(bench.emulator.world.deviceState, 'idle', 'and the pad is left idle')
    }
  t.end()
})

t.test('a report that came damaged is given again', async t => {
  const bench = await newBench()
  await ready(bench)
  bench.pair.cable.misbehave('near', {do: 'drop', unit: 'byte', everyNth: 1}, 1)
  t.equal((await settled(bench.clock, bench.pad.status())).kind, 'status')
  const shortened = bench.emulator.transcript.filter(({hex}) => hex === '01 83 08 00 00')
  t.equal(shortened.length, 0, 'the ID itself was lost here')
  bench.pair.cable.misbehave('near', {do: 'duplicate', unit: 'byte', everyNth: 2}, 1)
  t.equal((await settled(bench.clock, bench.pad.status())).kind, 'status')
  t.equal(bench.emulator.transcript.filter(({hex}) => hex === '01 83 08 00 00').length, 1, 'wrong length')
})

t.test('every command of a PIN entry, with every misbehaviour of the line', async t => {
  const commands: readonly CommandName[] = [
    'endSession',
    'sendSession',
    'requestPin',
    'requestStatus',
    'cancel',
  ]
  const what = [
    'ignoreFrame',
    'dropReply',
    'corruptReply',
    'corruptStart',
    'splitReply',
    'lateReply',
    'duplicateReply',
    'garbageBeforeReply',
  ] as const
  for (const command of commands)
    for (const mischief of what) {
      const bench = await newBench()
      await ready(bench)
      bench.emulator.plan({kind: 'line', do: mischief, command})
      const outcome = bench.pad.enterPin(request())
      await bench.clock.advance(5_000)
      const pressed = await type(bench, ['3', '1', '4', '1', 'enter'])
      const ended = await settled(bench.clock, outcome)
      const name = `${mischief} on ${command}`
      if (pressed.length === 0) t.match(ended, {kind: 'failed'}, name)
      else t.equal(pinIn(ended), '3141', name)
      if (command !== 'requestPin') t.equal(ended.kind, 'entered', name)
      t.equal(bench.emulator.world.deviceState, 'idle', `${name}: the pad is left idle`)
      t.equal((await settled(bench.clock, bench.pad.status())).kind, 'status', name)
    }
  t.end()
})

t.test('a PIN request whose acceptance is not clear is not given twice', async t => {
  const bench = await newBench()
  await ready(bench)
  bench.emulator.plan({kind: 'line', do: 'dropReply', command: 'requestPin'})
  t.match(await settled(bench.clock, bench.pad.enterPin(request())), {kind: 'failed', fault: 'no-answer'})
  t.equal(bench.emulator.transcript.filter(({hex}) => hex.startsWith('04 ')).length, 1)
  t.equal(bench.press('1'), 'ignored', 'and it was cancelled')
})

t.test('a PIN report that is lost is noticed by the state that follows', async t => {
  const {bench, outcome} = await entering()
  bench.emulator.plan({kind: 'losePin'})
  await type(bench, ['1', '2', '3', '4'])
  const atMs = bench.clock.monotonicMs()
  bench.press('enter')
  t.match(await settled(bench.clock, outcome), {kind: 'failed', fault: 'no-answer', detail: /did not come/})
  t.ok(bench.clock.monotonicMs() - atMs < 5_000, 'and not only when time is over')
})

t.test('a customer quicker than the acknowledgement is heard', async t => {
  for (const [keys, expected] of [
    [['cancel'], {kind: 'cancelled'}],
    [['1', '2', '3', '4', 'enter'], {kind: 'entered'}],
  ] as const) {
    const bench = await newBench()
    await ready(bench)
    const outcome = bench.pad.enterPin(request())
    // The pad waits while its acceptance is still to be fetched.
    while (bench.emulator.world.deviceState !== 'waitingForPin') await bench.clock.advance(1)
    await type(bench, keys)
    const atMs = bench.clock.monotonicMs()
    t.match(await settled(bench.clock, outcome), expected, keys.join(' '))
    t.ok(bench.clock.monotonicMs() - atMs < 5_000, 'and not only when time is over')
  }
})

t.test('a PIN report that nobody waits for changes nothing', async t => {
  const {bench, outcome} = await entering()
  bench.emulator.plan({kind: 'line', do: 'duplicateReply'})
  await type(bench, ['1', '2', '3', '4', 'enter'])
  t.equal(pinIn(await settled(bench.clock, outcome)), '1234')
  const next = bench.pad.enterPin(request())
  await bench.clock.advance(1_000)
  await type(bench, ['5', '6', '7', '8', 'enter'])
  t.equal(pinIn(await settled(bench.clock, next)), '5678')
})

t.test('a keypad that noticed something is armed anew, a few times', async t => {
  const {bench, outcome} = await entering()
  bench.emulator.plan({kind: 'keypadSecurity'})
  await type(bench, ['1', '2', '3', '4', 'enter'])
  await bench.clock.advance(1_000)
  await type(bench, ['5', '6', '7', '8', 'enter'])
  t.equal(pinIn(await settled(bench.clock, outcome)), '5678')
  t.match(await settled(bench.clock, bench.pad.status()), {input: 'idle'})

  const stuck = await entering()
  for (let times = 0; times < 4; times += 1) {
    stuck.bench.emulator.plan({kind: 'keypadSecurity'})
    await type(stuck.bench, ['1', '2', '3', '4', 'enter'])
    await stuck.bench.clock.advance(500)
  }
  t.match(await settled(stuck.bench.clock, stuck.outcome), {
    kind: 'failed',
    fault: 'hardware',
    detail: /operation status 05.*look at the keypad/,
  })
})

t.test('a pad that was opened, that fails, that loses its power', async t => {
  const tampered = await newBench({remains: {...NEW, isTampered: true, pinKey: 'none'}})
  t.match(await settled(tampered.clock, tampered.pad.open()), {
    kind: 'failed',
    fault: 'tampered',
    detail: /tampered; replace the pad/,
  })
  const {bench, outcome} = await entering()
  bench.emulator.tamper()
  t.equal((await settled(bench.clock, outcome)).kind, 'cancelled')
  t.match(await settled(bench.clock, bench.pad.status()), {tamper: 'tampered', pinKey: 'missing'})
  t.match(await settled(bench.clock, bench.pad.enterPin(request())), {kind: 'failed'})
  t.equal(bench.press('1'), 'ignored')

  const failing = await newBench()
  await ready(failing)
  failing.emulator.fail()
  t.match(await settled(failing.clock, failing.pad.status()), {detail: /device error/})
  const after = failing.pad.enterPin(request())
  await failing.clock.advance(1_000)
  await type(failing, ['1', '2', '3', '4', 'enter'])
  t.equal(pinIn(await settled(failing.clock, after)), '1234', 'ending the session clears the error')

  const woken = await entering()
  woken.bench.emulator.wake()
  t.match(await settled(woken.bench.clock, woken.outcome), {
    kind: 'failed',
    fault: 'hardware',
    detail: /lost its power/,
  })

  const cutOff = await entering()
  cutOff.bench.emulator.plan({kind: 'power', command: 'endSession'})
  await type(cutOff.bench, ['1', '2', '3', '4', 'enter'])
  t.equal((await settled(cutOff.bench.clock, cutOff.outcome)).kind, 'entered', 'the block was there already')
  t.match(cutOff.bench.emulator.world, {isPowered: false, isOnBus: false})
  t.match(await settled(cutOff.bench.clock, cutOff.bench.pad.open()), {fault: 'not-opened'})
  cutOff.bench.emulator.restorePower()
  t.equal((await settled(cutOff.bench.clock, cutOff.bench.pad.open())).kind, 'open')
})

t.test('more than 120 PINs in an hour lock the pad for a while', async t => {
  const bench = await newBench()
  await ready(bench)
  const enter = async (): Promise<PinOutcome> => {
    const outcome = bench.pad.enterPin(request())
    await bench.clock.advance(100)
    for (const key of ['1', '2', '3', '4', 'enter'] as const) bench.press(key)
    return settled(bench.clock, outcome)
  }
  for (let count = 0; count < 120; count += 1) if ((await enter()).kind !== 'entered') t.fail(`PIN ${count}`)
  t.match(await enter(), {kind: 'failed', fault: 'locked'})
  await bench.clock.advance(3_600_000)
  t.equal((await enter()).kind, 'entered')
})

t.test('function keys, one request each', async t => {
  const bench = await newBench()
  await ready(bench)
  const keys: Key[] = []
  await settled(
    bench.clock,
    bench.pad.listen(key => keys.push(key)),
  )
  t.equal(bench.press('1'), 'ignored', 'no digit')
  t.equal(bench.press('A'), 'pressed')
  t.equal(bench.press('B'), 'ignored', 'faster than the pad is asked')
  await bench.clock.advance(100)
  await type(bench, ['C', 'cancel', 'enter'])
  t.same(keys, ['A', 'C', 'cancel', 'enter'])
  bench.emulator.plan({kind: 'refuse', code: 0x8a, command: 'requestSelection'})
  bench.press('A')
  await bench.clock.advance(100)
  t.equal(bench.press('A'), 'ignored', 'the pad takes no more requests')
  t.same(
    await settled(
      bench.clock,
      bench.pad.listen(() => undefined),
    ),
    {kind: 'listening'},
  )
})

t.test('messages of the pad, and its reset', async t => {
  const bench = await newBench()
  await ready(bench)
  t.same(await settled(bench.clock, bench.pad.showMessage('processing', 10)), {kind: 'done'})
  t.match(bench.emulator.world, {deviceState: 'showingMessage', message: MESSAGE.processing})
  await bench.clock.advance(11_000)
  t.match(bench.emulator.world, {deviceState: 'idle', message: null})
  const outcome = bench.pad.enterPin(request())
  t.match(await settled(bench.clock, bench.pad.showMessage('thankYou', 3)), {fault: 'busy'})
  t.match(await settled(bench.clock, bench.pad.selfTest()), {fault: 'busy'})
  await settled(bench.clock, bench.pad.stop())
  await settled(bench.clock, outcome)
  await t.rejects(bench.pad.showMessage('thankYou', 256), {name: 'AssertionFailed'})
  t.match(await settled(bench.clock, bench.pad.selfTest()), {kind: 'passed', detail: /reset; idle/})
  const gone = bench.pad.selfTest()
  await bench.clock.advance(100)
  bench.emulator.cutPower()
  t.match(await settled(bench.clock, gone), {kind: 'failed', fault: 'not-opened'})
})

t.test('another device is refused at opening, and a shorter report is not overrun', async t => {
  const device = (productId: number, described: Uint8Array): HidDevice => ({
    identity: {vendorId: 0x0801, productId, product: '', serial: ''},
    descriptor: described,
    attached: () => undefined,
    setFeature: async () => true,
    getFeature: async () => Uint8Array.of(0, 0x02, 0, 0),
    output: () => undefined,
  })
  // Reports 01 and 24 alone.
  const poor = bytesOfHex('85017508' + '9504B102' + '8524' + '9513' + '8102')
  const cases: readonly (readonly [HidDevice, RegExp])[] = [
    [device(0x0011, descriptor(6)), /0801:0011 is no DynaPro Mini/],
    [device(0x3009, bytesOfHex('850175089503B102')), /0801:3009 has no reports of a DynaPro Mini/],
    [device(0x3009, poor), /deviceInformation: the pad has no such report/],
  ]
  for (const [other, detail] of cases) {
    const clock = newClock()
    const {near, far} = hidPair(clock)
    await far.open(other)
    const pad = new DynaProPinPad(near, clock, silentLog)
    t.match(await settled(clock, pad.open()), {kind: 'failed', fault: 'not-supported', detail})
    t.equal(near.isOpen, false)
  }
})

t.test('unplugged and plugged in again, in every state', async t => {
  for (const state of ['idle', 'preparing', 'pin', 'keys', 'asking', 'stopping', 'resetting'] as const) {
    const bench = await newBench()
    const {pad, clock} = bench
    await ready(bench)
    let work: Promise<{readonly kind: string}> | null = null
    if (state === 'preparing' || state === 'pin' || state === 'stopping') work = pad.enterPin(request())
    if (state === 'pin' || state === 'stopping') await clock.advance(1_000)
    if (state === 'keys')
      await settled(
        clock,
        pad.listen(() => undefined),
      )
    if (state === 'asking') work = pad.status()
    if (state === 'stopping') void pad.stop()
    if (state === 'resetting') work = pad.selfTest()
    await clock.advance(1)
    bench.pullCable()
    if (work !== null) {
      const ended = await settled(clock, work)
      if (state === 'stopping') t.same(ended, {kind: 'cancelled'})
      else
        t.match(
          ended,
          {kind: 'failed', fault: state === 'resetting' ? /hung-up|not-opened/ : 'hung-up'},
          state,
        )
    }
    t.match(await settled(clock, pad.open()), {fault: 'not-opened'}, state)
    bench.plugCable()
    await clock.advance(5_000)
    t.equal((await settled(clock, pad.open())).kind, 'open', state)
    const outcome = pad.enterPin(request())
    await clock.advance(1_000)
    await type(bench, ['1', '2', '3', '4', 'enter'])
    t.equal(pinIn(await settled(clock, outcome)), '1234', state)
  }
})

/** A stranger's host: raw reports out, ACK and input reports in. */
async function stranger(options: EmulatorOptions = {}): Promise<{
  readonly clock: VirtualClock
  readonly near: HidLink
  readonly emulator: DynaProEmulator
  /** Sends the report and gets report 01; with what arrived since, input reports in order. */
  readonly say: (hex: string) => Promise<string>
  readonly heard: () => readonly string[]
}> {
  const clock = newClock()
  const {near, far} = hidPair(clock)
  const emulator = new DynaProEmulator(far, clock, seededRandom('stranger'), options)
  await emulator.start()
  let inputs: string[] = []
  await near.open({
    report: (id, bytes) => {
      inputs.push(hexOf(Uint8Array.of(id, ...bytes)))
    },
    garbage: () => undefined,
    lost: () => undefined,
  })
  return {
    clock,
    near,
    emulator,
    say: async hex => {
      const {id, bytes} = cut(hex.replaceAll(' ', ''))
      const sent = await settled(clock, near.send('feature', id, bytes))
      if (sent !== 'sent') return sent
      const got = await settled(clock, near.getFeature(1))
      return got.kind === 'report' ? hexOf(got.bytes) : got.kind
    },
    heard: () => {
      const all = inputs
      inputs = []
      return all
    },
  }
}

t.test('the published dialogue: a swipe, its data, a PIN', async t => {
  const {clock, emulator, say, heard} = await stranger({firmware: 2014})
  t.equal(await say('03 20 00 01'), '00030000')
  t.same(heard(), ['200280404707'], 'waits for a card; power changed since')
  t.equal(await say('0A 00'), '810A0000', 'not while it waits')
  emulator.swipe(swipedCard('4012345678909=30122011234500000'))
  await clock.advance(10)
  t.same(heard(), ['22000001', '20018C404707'])
  t.equal(await say('0A 00'), '000A0000')
  const data = heard()
  t.same(
    data.map(report => report.slice(0, 8)),
    ['23010000', '23020021', '23030000', '23040000', '23050028', '23060000', '23070000', '2363000E'],
  )
  t.equal(
    Buffer.from(bytesOfHex((data[1] ?? '').slice(8, 8 + 2 * 33))).toString('latin1'),
    ';4012000008909=00000000000000000?',
    'masked',
  )
  const ksn = (data[7] ?? '').slice(8, 28)
  const key = dukptKey('pin', initialKey(DEMO_BASE_KEY, bytesOfHex(ksn)), bytesOfHex(ksn))
  t.equal(
    hexOf(tdesDecrypt(key, bytesOfHex((data[4] ?? '').slice(8, 24)))),
    hexOf(Buffer.from(';4012345')),
    'the first block of track 2 opens with the key that is named',
  )
  t.equal(await say('04 1E 00 44 01 01'), '00040000')
  t.same(heard(), ['20038C404707'])
  for (const digit of ['1', '2', '3', '4', 'enter'] as const) emulator.press(digit)
  await clock.advance(10)
  const [pin = '', state] = heard()
  t.equal(state, '20018C404707')
  t.equal(pin.slice(0, 24), '2400FFFF9876543210E00001')
  const pinKsn = bytesOfHex(pin.slice(4, 24))
  const clear = tdesDecrypt(
    dukptKey('pin', initialKey(DEMO_BASE_KEY, pinKsn), pinKsn),
    bytesOfHex(pin.slice(24)),
  )
  const opened = decodeIso3(clear, PAN)
  t.equal(opened.kind === 'pin' && opened.pin.reveal(), '1234', 'format 3 with the number of the card')
  t.equal(await say('02 00'), '00020000')
  t.same(heard(), ['200000404707'], 'idle, and the power change is seen')
})

t.test('a card from another reader, and a stranger who does things wrong', async t => {
  const {clock, emulator, say, heard} = await stranger()
  const pan = `0D 01 0D ${Buffer.from(PAN).toString('hex')}`
  t.equal(await say('02 00'), '00020000')
  t.equal(await say(pan), '000D0000')
  t.equal(await say(pan), '840D0000', 'a second number in the session')
  t.equal(await say('04 3C 00 C4 01 00'), '00040000')
  t.equal(await say('04 3C 00 C4 01 00'), '81040000', 'not idle')
  t.equal(await say('06 00 02 0F 00'), '81060000')
  t.equal(await say(pan), '810D0000')
  for (const digit of ['1', '2', '3', '4', 'enter'] as const) emulator.press(digit)
  await clock.advance(10)
  t.ok(heard().includes('2400FFFF9876543210E000011B9C1845EB993A7A'), 'the published block')
  t.equal(await say('02 00'), '00020000')

  t.equal(await say('04 3C 00 C4 01 00'), '00040000', 'without a number')
  for (const digit of ['1', '2', '3', '4', 'enter'] as const) emulator.press(digit)
  await clock.advance(10)
  const pin = heard().find(report => report.startsWith('2400')) ?? ''
  const ksn = bytesOfHex(pin.slice(4, 24))
  const clear = tdesDecrypt(dukptKey('pin', initialKey(DEMO_BASE_KEY, ksn), ksn), bytesOfHex(pin.slice(24)))
  const opened = decodeIso1(clear)
  t.equal(opened.kind === 'pin' && opened.pin.reveal(), '1234', 'the block is of format 1')

  const bad: readonly (readonly [string, string])[] = [
    ['02 05', '82020000'],
    ['03 20 05 01', '82030000'],
    ['03 20 00 03', '82030000'],
    ['04 3C 05 C4 01 00', '82040000'],
    ['04 3C 00 C3 01 00', '82040000'],
    ['04 3C 00 D4 01 00', '82040000'],
    ['04 3C 00 46 01 00', '82040000'],
    ['04 3C 00 C4 03 00', '82040000'],
    ['04 3C 01 C4 01 00', '8B040000'],
    ['06 00 06 0F 00', '82060000'],
    ['06 00 02 00 00', '82060000'],
    ['06 00 02 10 00', '82060000'],
    ['06 00 01 0F 00', '8B060000'],
    ['07 05 10', '82070000'],
    ['0A 00', '8A0A0000'],
    ['0D 01 07 31323334353637', '820D0000'],
    ['14 05 04 00', '82140000'],
    ['1F 05 00 03', '821F0000'],
    ['1A 09', '821A0000'],
    ['10 A4', '8A100000'],
    ['30', '8A300000'],
  ]
  for (const [hex, ack] of bad) t.equal(await say(hex), ack, hex)
  t.equal(await say('0D 00 04 43 312E3030'), '000D0000')
  t.equal(await say('04 3C 01 C4 01 00'), '00040000', 'with an amount it asks')
  t.equal(await say('05 00'), '00050000')
  t.ok(heard().includes(`2403${'00'.repeat(18)}`), 'cancelled by the host')
  t.equal(await say('05 00'), '00050000', 'cancelling nothing is harmless')
})

t.test('what no descriptor has, and what is too short, is answered in the ACK', async t => {
  const clock = newClock()
  const {near, far, cable} = hidPair(clock)
  const emulator = new DynaProEmulator(far, clock, seededRandom('short'), {})
  await emulator.start()
  await near.open({report: () => undefined, garbage: () => undefined, lost: () => undefined})
  const ack = async (fault: LineFault): Promise<string> => {
    cable.misbehave('near', fault, 1)
    await settled(clock, near.send('feature', 0x04, bytesOfHex('1E00440101')))
    const got = await settled(clock, near.getFeature(1))
    return got.kind === 'report' ? hexOf(got.bytes) : got.kind
  }
  t.equal(await ack({do: 'drop', unit: 'byte', everyNth: 6}), '83040000', 'a report of four bytes')
  t.equal(await ack({do: 'garbage', bytes: Uint8Array.of(0x66)}), '15660000', 'a report that there is not')
  t.equal(emulator.world.deviceState, 'idle')
})

t.test('digits that are no PIN, twice the same PIN, keys by their mask, and time', async t => {
  const {clock, emulator, say, heard} = await stranger()
  const press = async (keys: readonly Key[]): Promise<void> => {
    for (const key of keys) emulator.press(key)
    await clock.advance(10)
  }
  t.equal(await say('1F 1E 01 01'), '001F0000')
  t.match(emulator.world, {deviceState: 'waitingForEntry', beepCount: 1})
  await press(['1', '2', 'enter', 'clear', '1', '2', '3', '4', '5', '6', 'enter'])
  t.ok(heard().includes('2E000105' + '3132333435' + '00'.repeat(4)), 'five digits, in clear')
  t.equal(await say('14 1E 03 00'), '00140000')
  await press(['1', '2', '3', '4', '5', '6', 'enter'])
  const entry = heard().find(report => report.startsWith('21')) ?? ''
  const ksn = bytesOfHex(entry.slice(4, 24))
  const clear = tdesDecrypt(
    dukptKey('dataRequest', initialKey(DEMO_BASE_KEY, ksn), ksn),
    bytesOfHex(entry.slice(24)),
  )
  t.match(hexOf(clear), /^16123456/, 'encrypted, in a block like format 1')
  t.equal(await say('1F 05 00 00'), '001F0000')
  await clock.advance(5_100)
  t.ok(heard().includes(`2E020000${'00'.repeat(9)}`), 'time is over')
  t.equal(await say('1F 05 00 00'), '001F0000')
  await press(['cancel'])
  t.ok(heard().includes(`2E010000${'00'.repeat(9)}`), 'cancelled')

  t.equal(await say('04 1E 04 44 00 00'), '00040000', 'verify: twice')
  await press(['1', '2', '3', '4', 'enter'])
  t.match(emulator.world, {deviceState: 'waitingForPin', stars: 0})
  await press(['1', '2', '3', '5', 'enter'])
  t.ok(heard().includes(`2404${'00'.repeat(18)}`), 'the two differ')
  t.equal(await say('04 1E 00 44 00 02'), '00040000', 'by the option bit')
  await press(['1', '2', '3', '4', 'enter', '1', '2', '3', '4', 'enter'])
  t.ok(heard().some(report => report.startsWith('2400')))

  t.equal(await say('06 05 00 05 02'), '00060000')
  t.equal(emulator.press('B'), 'ignored', 'not in the mask')
  t.equal(emulator.press('enter'), 'ignored')
  await press(['C'])
  t.ok(heard().includes('250074'))
  t.equal(await say('06 05 00 08 00'), '00060000')
  await clock.advance(5_100)
  t.ok(heard().includes('250200'))

  t.equal(await say('03 00 00 00'), '00030000')
  await clock.advance(3_600_000)
  t.match(emulator.world, {deviceState: 'waitingForCard'}, 'a swipe is waited for without end')
  t.equal(emulator.press('1'), 'ignored')
  await press(['cancel'])
  t.ok(heard().includes('22010000'))
  t.equal(emulator.swipe(swipedCard('1=2')), 'ignored', 'nobody asked')
  t.equal(await say('07 00 08'), '00070000')
  await clock.advance(3_600_000)
  t.match(emulator.world, {message: 8}, 'and a message shown')
  t.equal(await say('02 00'), '00020000')
  t.ok(heard().includes('2703'))
  t.equal(await say('07 01 00'), '00070000')
  await clock.advance(1_100)
  t.ok(heard().includes('2700'))
})

t.test('configuration and device information', async t => {
  const {clock, near, say} = await stranger()
  const get = async (id: number): Promise<string> => {
    const got = await settled(clock, near.getFeature(id))
    return got.kind === 'report' ? hexOf(got.bytes).replace(/(00)*$/, '') : got.kind
  }
  t.equal(await say('09 0102030405060708'), '00090000')
  t.equal(await get(0x09), '0102030405060708')
  for (const [mode, text] of [
    ['00', '3009'],
    ['02', 'V=4,SC=0,MS2=1,PFK=1,UDE=0,CE=2'],
    ['03', 'MagTek, Inc.'],
    ['04', 'DynaPro Mini'],
    ['05', '12345678'],
    ['06', '30050500A10'],
    ['0A', '1.00'],
  ] as const) {
    t.equal(await say(`1A ${mode}`), '001A0000')
    t.equal(await get(0x1a), `${mode}${Buffer.from(text).toString('hex').toUpperCase()}`, text)
  }
  t.equal(await get(0x02), 'failed', 'nothing to get there')
  t.equal(await say('FF 00 00'), '00FF0000')
  await clock.advance(5_000)
  t.equal(near.isOpen, false, 'a reset takes it off the bus')
})
