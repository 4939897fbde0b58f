/** SZZT ZT588 and ZT598: golden vectors, the PIN pad suite, and every misbehaviour the emulator knows. */
import t from 'tap'
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {tdesEncrypt} from '../../../crypto/tdes.ts'
import {
  CODE,
  COMMAND,
  CONTROL,
  KEY_TYPE,
  MAC_TYPE,
  ZT588,
  ZT598,
} from '../../../devices/pin-pad/szzt/bytes.ts'
import type {ControlName} from '../../../devices/pin-pad/szzt/bytes.ts'
import {
  authenticateText,
  controlText,
  decodeBlock,
  decodeCheckValue,
  decodeFrame,
  decodeHex,
  decodeIdentification,
  encodeFrame,
  fetchBlockText,
  keyTableText,
  lengthText,
  loadClearKeyText,
  loadKeyText,
  macText,
  startPinText,
} from '../../../devices/pin-pad/szzt/codec.ts'
import {SzztPinPad} from '../../../devices/pin-pad/szzt/driver.ts'
import {SzztEmulator} from '../../../devices/pin-pad/szzt/emulator.ts'
import {CODES} from '../../../devices/pin-pad/szzt/meaning.ts'
import {DEMO_MASTER_KEY} from '../../../devices/pin-pad/szzt/secure-module.ts'
import golden from '../../../devices/pin-pad/szzt/vectors.json' with {type: 'json'}
import type {Key} from '../../../devices/pin-pad/port.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import {lineLog} from '../../../kit/log.ts'
import {seededRandom} from '../../../kit/random.ts'
import {szztBench} from './benches.ts'
import {SZZT_LINE_FAULTS, szztFaults} from './faults.ts'
import {newClock, padSuite, pinIn, pinKey, ready, request, settled, type} from './suite.ts'

interface Vector {
  readonly name: string
  readonly hex: string
  readonly source: string
  readonly text?: string
  readonly command?: string
  readonly control?: string
  readonly value?: number
  readonly model?: string
  readonly pan?: string
  readonly lengthMax?: number
  readonly lengths?: string
  readonly digits?: number
  readonly use?: string
  readonly key?: string
  readonly method?: string
  readonly message?: string
  readonly step?: number
  readonly answers?: string
  readonly expect?: Readonly<Record<string, unknown>>
}
const vectors: readonly Vector[] = golden.vectors

function isControl(name: string | undefined): name is ControlName {
  return name !== undefined && Object.hasOwn(CONTROL, name)
}

/** The TEXT that our codec makes of what the vector says; null for commands that the driver never gives. */
function textOf(vector: Vector): string | null {
  const profile = vector.model === 'zt598' ? ZT598 : ZT588
  const {lengths, use = 'pin', key, message = ''} = vector
  if (isControl(vector.control)) return controlText(vector.control, vector.value)
  if (lengths === 'lengthMin' || lengths === 'lengthMax')
    return lengthText(profile, lengths, vector.digits ?? 0)
  const type = use === 'master' ? KEY_TYPE.master : use === 'mac' ? KEY_TYPE.mac : KEY_TYPE.pin
  const index = {master: profile.masterKeyIndex, mac: profile.macKeyIndex, pin: profile.pinKeyIndex}
  const at = use === 'master' || use === 'mac' ? index[use] : index.pin
  switch (vector.command) {
    case 'keyTable':
      return keyTableText(profile.keyTable)
    case 'startPin':
      return startPinText(profile, vector.pan ?? '', vector.lengthMax ?? 0)
    case 'fetchBlock':
      return fetchBlockText(profile, vector.pan ?? '')
    case 'loadKey':
      return key === undefined ? null : loadKeyText(profile, type, at, bytesOfHex(key))
    case 'loadClearKey':
      return loadClearKeyText(profile, type, at, bytesOfHex(key ?? ''))
    case 'mac':
      return macText(
        profile.macKeyIndex,
        MAC_TYPE[vector.method === 'desCbc' ? 'desCbc' : 'tdesCbc'],
        bytesOfHex(message),
      )
    case 'authenticate':
      return authenticateText(vector.step ?? 0, bytesOfHex(message))
    case 'identify':
      return COMMAND.identify
    case 'id':
      return COMMAND.id
    default:
      return null
  }
}

/** What our codec reads out of a reply. */
function readOut(vector: Vector, text: Uint8Array): unknown {
  const [code = 0] = text
  if (code >= 0xe0) return {refused: code}
  switch (vector.answers) {
    case 'loadKey':
      return {checkValue: decodeCheckValue(text)}
    case 'fetchBlock':
      return decodeBlock(text)
    case 'mac':
      return {mac: hexOf(decodeHex(text, 8) ?? new Uint8Array(0))}
    case 'authenticate':
      return {bytes: hexOf(decodeHex(text, 16) ?? new Uint8Array(0))}
    case 'identify': {
      const {settings, ...rest} = decodeIdentification(text) ?? {settings: null}
      return {...rest, ...settings}
    }
    default:
      return {done: text.length === 1}
  }
}

t.test('golden vectors, both ways', t => {
  for (const vector of vectors) {
    const text = decodeFrame(bytesOfHex(vector.hex))
    if (text === null) {
      t.fail(`${vector.name} does not decode`)
      continue
    }
    t.equal(hexOf(encodeFrame(text)), vector.hex, vector.name)
    if (vector.answers !== undefined) {
      t.same(readOut(vector, text), vector.expect, vector.name)
    } else {
      const told = Buffer.from(text).toString('latin1')
      if (vector.text !== undefined) t.equal(told, vector.text, vector.name)
      const ours = textOf(vector)
      if (ours !== null) t.equal(ours, told, vector.name)
    }
  }
  t.end()
})

t.test('every one-bit flip and every cut of every vector is refused', t => {
  let refused = 0
  for (const {hex, name} of vectors) {
    const bytes = bytesOfHex(hex)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      if (decodeFrame(flipped) === null) refused += 1
      else t.fail(`${name} with bit ${bit} flipped was taken`)
    }
    for (let length = 0; length < bytes.length; length++)
      if (decodeFrame(bytes.slice(0, length)) !== null) t.fail(`${name} cut to ${length} was taken`)
    if (decodeFrame(Uint8Array.of(...bytes, 0x30)) !== null) t.fail(`${name} with a byte more was taken`)
  }
  t.ok(refused > 3_000)
  t.end()
})

t.test('every command has a vector, and every vector a source', t => {
  for (const name in COMMAND)
    t.ok(
      vectors.some(({command, control}) => (control === undefined ? command : 'control') === name),
      name,
    )
  for (const name in CONTROL)
    t.ok(
      vectors.some(vector => vector.control === name),
      name,
    )
  for (const vector of vectors) t.ok(['frame rule', 'assumed'].includes(vector.source), vector.name)
  t.end()
})

t.test('replies of another form are not read', t => {
  const bytes = (text: string) => Uint8Array.of(0x80, ...Buffer.from(text, 'latin1'))
  for (const bad of ['', '2DAF0', '2DAF0G', '2DAF031']) t.equal(decodeCheckValue(bytes(bad)), null, bad)
  t.equal(decodeCheckValue(bytes('2daf03AABBCCDDEE')), '2DAF03')
  for (const bad of ['', '0004', '0004F12B8E897D89E6', 'xx04F12B8E897D89E69F', '0004F12B8E897D89E69F0'])
    t.equal(decodeBlock(bytes(bad)), null, bad)
  t.equal(decodeIdentification(bytes('short')), null)
  t.end()
})

const newBench = szztBench

for (const profile of [ZT588, ZT598]) {
  t.test(`as every pad: ${profile.model}`, t => {
    padSuite(t, () => newBench(profile))
    t.end()
  })
}

t.test('no digit on the wire in PIN mode, for many PINs and all key orders', async t => {
  const random = seededRandom('szzt-pins')
  const bench = await newBench()
  await ready(bench)
  for (let round = 0; round < 40; round++) {
    const pin = Array.from({length: 4 + random.below(3)}, () => String(random.below(10)))
    const entering = bench.pad.enterPin(request())
    await bench.clock.advance(200)
    bench.fromPad()
    for (const digit of pin) {
      const [key] = KEYS.filter(known => known === digit)
      if (key !== undefined) await type(bench, [key])
    }
    t.match(bench.fromPad(), /^(?:2A )+$/, 'stars and nothing else')
    await type(bench, ['enter'])
    t.equal(pinIn(await settled(bench.clock, entering)), pin.join(''))
    if (new RegExp(`(?<![0-9])${pin.join('')}(?![0-9])`).test(JSON.stringify(bench.emulator.transcript)))
      t.fail('the PIN is in the transcript')
  }
  t.end()
})
const KEYS: readonly Key[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

t.test('the transcript shows the protocol, without PAN, key or block', async t => {
  const bench = await newBench()
  await ready(bench)
  const entering = bench.pad.enterPin(request())
  await bench.clock.advance(1_000)
  await type(bench, ['1', '2', '3', '4', 'enter'])
  await settled(bench.clock, entering)
  const text = bench.emulator.transcript.map(line => `${line.from} ${line.hex}`).join('\n')
  t.match(text, /host 02 30 33 39 32 32 30 33 30 33 32 \[32 bytes\]/)
  t.match(text, /host 02 30 32 30 36 33 30 20 30 30 36 \[13 bytes\]/)
  t.match(text, /device 02 30 32 31 80 \[20 bytes\]/)
  t.notMatch(text, /36 45 41 35/, 'no key')
  t.notMatch(text, /46 31 32 42/, 'no block')
  t.end()
})

t.test('every command with every line fault', async t => {
  await szztFaults(t)
})

t.test('no damage to an answer ever makes up a key press', async t => {
  const random = seededRandom('szzt-phantoms')
  for (let round = 0; round < 60; round++) {
    const clock = newClock()
    const {near, far, cable} = loopbackPair(clock, {delayMs: 2})
    const emulator = new SzztEmulator(far, clock)
    await emulator.start()
    const pad = new SzztPinPad(
      near,
      clock,
      lineLog(clock, () => undefined),
    )
    await settled(clock, pad.open())
    const keys: Key[] = []
    await settled(
      clock,
      pad.listen(key => keys.push(key)),
    )
    const everyNth = 1 + random.below(150)
    const unit = 'byte'
    const faults = [
      {do: 'drop', unit, everyNth},
      {do: 'duplicate', unit, everyNth},
      {do: 'corrupt', unit, everyNth, bit: random.below(8)},
    ] as const
    const fault = faults[round % faults.length]
    if (fault !== undefined) cable.misbehave('far', fault, 1 + random.below(3))
    await settled(clock, pad.status())
    await settled(clock, pad.status())
    cable.behave()
    await clock.advance(2_000)
    t.same(keys, [], `round ${round}: ${fault?.do ?? ''} every ${everyNth}`)
    emulator.press('5')
    await clock.advance(100)
    t.same(keys, ['5'], `round ${round}: a real one still counts`)
    await pad.close()
  }
  t.end()
})

t.test('a damaged answer is no row of key presses, whether it was awaited or not', async t => {
  for (const what of SZZT_LINE_FAULTS) {
    const {pad, clock, emulator} = await newBench()
    await settled(clock, pad.open())
    const keys: Key[] = []
    await settled(
      clock,
      pad.listen(key => keys.push(key)),
    )
    emulator.plan({kind: 'line', do: what, command: 'identify'})
    t.equal((await settled(clock, pad.status())).kind, 'status', what)
    await clock.advance(3_000)
    t.same(keys, [], what)
    await pad.close()
  }
  const clock = newClock()
  const {near, far} = loopbackPair(clock)
  const emulator = new SzztEmulator(far, clock)
  await emulator.start()
  const pad = new SzztPinPad(
    near,
    clock,
    lineLog(clock, () => undefined),
  )
  await settled(clock, pad.open())
  const keys: Key[] = []
  await settled(
    clock,
    pad.listen(key => keys.push(key)),
  )
  // The answer to a key load with one byte too many: its last bytes are outside any frame.
  await far.write(bytesOfHex('0230303780324441374630330343' + '36'))
  await clock.advance(ZT588.quietMs + 10)
  t.same(keys, [], 'nobody had asked')
  emulator.press('6')
  await clock.advance(10)
  t.same(keys, ['6'], 'and once the line was quiet keys count again')
  await pad.close()
})

t.test('keys pressed while a command is under way are kept, in order', async t => {
  const bench = await newBench()
  await ready(bench)
  const keys: Key[] = []
  await settled(
    bench.clock,
    bench.pad.listen(key => keys.push(key)),
  )
  bench.press('1')
  const asking = bench.pad.status()
  bench.press('2')
  await bench.clock.advance(3)
  bench.press('3')
  t.equal((await settled(bench.clock, asking)).kind, 'status')
  bench.press('4')
  await bench.clock.advance(100)
  t.same(keys, ['1', '2', '3', '4'])
  await bench.pad.close()
})

t.test('a pad that gives a digit away is stopped', async t => {
  const bench = await newBench()
  await ready(bench)
  const entering = bench.pad.enterPin(request())
  await bench.clock.advance(1_000)
  await type(bench, ['1'])
  bench.emulator.plan({kind: 'clearDigit'})
  await type(bench, ['7'])
  t.match(await settled(bench.clock, entering), {kind: 'failed', fault: 'hardware'})
  t.equal(bench.emulator.world.mode, 'idle')
  t.end()
})

t.test('a pad that says nothing is no answer, within a bounded time', async t => {
  const bench = await newBench()
  bench.emulator.cutPower()
  t.match(await settled(bench.clock, bench.pad.open()), {kind: 'failed', fault: 'no-answer'})
  t.ok(bench.clock.monotonicMs() <= ZT588.sendsMax * (ZT588.replyTimeoutMs + ZT588.quietMs))
  bench.emulator.restorePower()
  t.match(await settled(bench.clock, bench.pad.open()), {
    kind: 'open',
    identity: {model: 'zt588', firmware: 'ZT588 hardware 1.0 software 2.1'},
    status: {detail: /serial 0001, master key there/},
  })
  t.end()
})

t.test('power cut in PIN entry, and between enter and fetch', async t => {
  const bench = await newBench()
  const {pad, clock, emulator} = bench
  await ready(bench)
  const entering = pad.enterPin(request())
  await clock.advance(1_000)
  await type(bench, ['1', '2'])
  emulator.cutPower()
  t.equal(bench.press('3'), 'ignored')
  const cut = await settled(clock, entering)
  t.same(cut, {kind: 'timedOut'}, 'a mute pad is given up at our own deadline')
  emulator.restorePower()
  t.equal((await settled(clock, pad.open())).kind, 'open')
  t.same(emulator.world.pinKeyIndexes, [ZT588.pinKeyIndex], 'keys outlive the power')

  emulator.plan({kind: 'power', command: 'fetchBlock'})
  const second = pad.enterPin(request())
  await clock.advance(1_000)
  await type(bench, ['1', '2', '3', '4', 'enter'])
  t.match(await settled(clock, second), {kind: 'failed', fault: 'no-answer'})
  emulator.restorePower()
  t.equal((await settled(clock, pad.open())).kind, 'open')
  t.end()
})

t.test('tamper, battery, and a pad without a master key', async t => {
  const bench = await newBench()
  const {pad, clock, emulator} = bench
  await ready(bench)
  emulator.setBattery('low')
  t.match(await settled(clock, pad.enterPin(request())), {kind: 'failed', fault: 'battery', detail: /E0/})
  emulator.setBattery('good')
  const entering = pad.enterPin(request())
  await clock.advance(1_000)
  await type(bench, ['1', '2', '3', '4'])
  emulator.tamper()
  t.equal(bench.press('enter'), 'ignored')
  t.same(await settled(clock, entering), {kind: 'timedOut'})
  t.match(await settled(clock, pad.status()), {kind: 'failed', fault: 'tampered', detail: /DD/})
  t.match(await settled(clock, pad.open()), {kind: 'failed', fault: 'tampered'})
  t.same(emulator.world.pinKeyIndexes, [], 'its keys are gone')

  const {near, far} = loopbackPair(clock)
  const blank = new SzztEmulator(far, clock, {keys: new Map()})
  await blank.start()
  const blankPad = new SzztPinPad(
    near,
    clock,
    lineLog(clock, () => undefined),
  )
  t.match(await settled(clock, blankPad.open()), {kind: 'open', status: {masterKey: 'missing'}})
  t.end()
})

t.test('keys that the pad will not have', async t => {
  const bench = await newBench()
  const {pad, clock, emulator} = bench
  await ready(bench)
  emulator.plan({kind: 'wrongCheckValue'})
  t.match(await settled(clock, pad.loadKey(pinKey())), {
    kind: 'loaded',
    checkValue: 'BAD0C0',
  })
  const evenParity = tdesEncrypt(DEMO_MASTER_KEY, new Uint8Array(16))
  t.match(await settled(clock, pad.loadKey(pinKey(evenParity))), {
    kind: 'failed',
    fault: 'key-refused',
    detail: /E6/,
  })
  const other = await newBench({...ZT588, masterKeyIndex: 0x21})
  await settled(other.clock, other.pad.open())
  const stranger = new SzztPinPad(
    loopbackPair(clock).near,
    clock,
    lineLog(clock, () => undefined),
  )
  t.match(await settled(clock, stranger.loadKey(pinKey())), {fault: 'not-opened'})
  t.end()
})

t.test('every return code has its meaning, and the operator an action', async t => {
  const bench = await newBench()
  await ready(bench)
  const codes: (readonly [number, string])[] = Array.from(CODES, ([code, {fault}]) => [code, fault])
  for (const [code, fault] of [...codes, [0x42, 'hardware'] as const]) {
    // A pad that wants to be authenticated first is, and then it starts.
    if (code === CODE.unauthenticated) continue
    bench.emulator.plan({kind: 'refuse', code, command: 'startPin'})
    const detail = new RegExp(`start PIN: error ${code.toString(16).toUpperCase()}, `)
    t.match(await settled(bench.clock, bench.pad.enterPin(request())), {kind: 'failed', fault, detail})
  }
  for (const [code, {fault, text, action}] of CODES) {
    t.ok(text.length > 5, String(code))
    if (fault !== 'bad-request' && fault !== 'busy')
      t.ok(action.length > 5, `${code.toString(16)}: what to do`)
  }
  t.equal(CODES.size, 14 + 16 + 15, 'D0 to DE but D9, E0 to EF, F1 to FF')
})

t.test('a PIN whose time was over when its block was fetched', async t => {
  const bench = await newBench()
  await ready(bench)
  bench.emulator.plan({kind: 'refuse', code: CODE.timedOut, command: 'fetchBlock'})
  const entering = bench.pad.enterPin(request())
  await bench.clock.advance(1_000)
  await type(bench, ['1', '2', '3', '4', 'enter'])
  t.same(await settled(bench.clock, entering), {kind: 'timedOut'})
})
