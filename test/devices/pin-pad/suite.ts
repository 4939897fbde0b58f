/**
 * What every encrypting PIN pad must do, whatever its model: run against any driver with its emulator. A
 * model's own test file builds the bench and adds what only that model has.
 */
import type {Test} from 'tap'
import {dukptKey, initialKey} from '../../../crypto/dukpt.ts'
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {macOf} from '../../../crypto/mac.ts'
import {decodeIso0} from '../../../crypto/pin-block.ts'
import {tdesDecrypt} from '../../../crypto/tdes.ts'
import type {
  Key,
  KeyToLoad,
  MacOutcome,
  PinOutcome,
  PinPad,
  PinPadCapabilities,
  PinRequest,
} from '../../../devices/pin-pad/port.ts'
import type {Cable, LineFault} from '../../../devices/wire/loopback.ts'
import {epochMs, VirtualClock} from '../../../kit/clock.ts'
import {seededRandom} from '../../../kit/random.ts'
import type {Random} from '../../../kit/random.ts'
import {Secret} from '../../../kit/secret.ts'

export const PAN = '4012345678909'
/** A working key in clear, and under the demonstration master key. */
export const PIN_KEY = 'C1D0F8FB4958670DBA40AB1F3752EF0D'
export const PIN_KEY_UNDER_MASTER = '6EA5FA37FF743D19CC3BAE6D3C273274'

/** The PIN key on its way into the pad, as the bank sends it. */
export function pinKey(key: Uint8Array = bytesOfHex(PIN_KEY_UNDER_MASTER)): KeyToLoad {
  return {use: 'pin', form: 'underMaster', key: new Secret(key)}
}

/** The base of the demonstration DUKPT keys, and the master key. */
const DEMO_KEY = bytesOfHex('0123456789ABCDEFFEDCBA9876543210')

export interface PadBench {
  readonly pad: PinPad
  readonly clock: VirtualClock
  /** What the clear key does to the digits so far. */
  readonly clearErases: 'all' | 'last'
  /** A finger. */
  readonly press: (key: Key) => 'pressed' | 'ignored'
  /** Everything that was written down: transcript, log lines, the world as JSON. */
  readonly written: () => string
  /** Bytes that came from the pad since this was asked last, as hex. */
  readonly fromPad: () => string
  readonly pullCable: () => void
  readonly plugCable: () => void
  readonly cable: Pick<Cable, 'misbehave' | 'behave'>
}

/** A clock at a fixed moment. */
export function newClock(): VirtualClock {
  return new VirtualClock(epochMs(Date.UTC(2026, 10, 22)))
}

/** Runs virtual time until the promise settles. @throws when nothing could settle it, or only after ten minutes */
export async function settled<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const mark = () => {
    isSettled = true
  }
  promise.then(mark, mark)
  const end = await clock.runUntil(() => isSettled, 600_000)
  if (end !== 'done') throw new RangeError(`the promise did not settle: ${end}`)
  return promise
}

/** Opens the pad and loads the PIN key, where it takes one. */
export async function ready(bench: PadBench): Promise<void> {
  const opened = await settled(bench.clock, bench.pad.open())
  if (opened.kind !== 'open') throw new RangeError(`the pad did not open: ${opened.detail}`)
  if (bench.pad.capabilities.keyLoad === 'none') return
  await settled(bench.clock, bench.pad.loadKey(pinKey()))
}

/** The keys that stand for two zeros in PIN mode. */
function doubleZero({keys}: PinPadCapabilities): readonly Key[] {
  return keys.includes('00') ? ['00'] : ['0', '0']
}

export function request(onDigits: (digits: number) => void = () => undefined): PinRequest {
  return {pan: new Secret(PAN), lengthMin: 4, lengthMax: 6, entryTimeoutMs: 30_000, onDigits}
}

/** Presses the keys a third of a second apart. @returns those that the pad took */
export async function type(bench: PadBench, keys: readonly Key[]): Promise<readonly Key[]> {
  const taken: Key[] = []
  for (const key of keys) {
    if (bench.press(key) === 'pressed') taken.push(key)
    await bench.clock.advance(333)
  }
  return taken
}

/** The PIN in an outcome, as the bank would open it; null when there is none. */
export function pinIn(outcome: PinOutcome): string | null {
  if (outcome.kind !== 'entered') return null
  const {ksn} = outcome
  const key = ksn === null ? bytesOfHex(PIN_KEY) : dukptKeyOf('pin', ksn)
  const clear = tdesDecrypt(key, outcome.block.reveal())
  const opened = decodeIso0(clear, PAN)
  return opened.kind === 'pin' ? opened.pin.reveal() : null
}

/** The bank's side of a DUKPT key. */
function dukptKeyOf(use: 'pin' | 'dataRequest', ksn: string): Uint8Array {
  return dukptKey(use, initialKey(DEMO_KEY, bytesOfHex(ksn)), bytesOfHex(ksn))
}

/** Whether that is the MAC of the message under the key that the pad has for it. */
function isMacOf(made: MacOutcome, method: 'desCbc' | 'retail' | 'tdesCbc', message: Uint8Array): boolean {
  if (made.kind !== 'mac') return false
  const key = made.ksn === null ? bytesOfHex(PIN_KEY) : dukptKeyOf('dataRequest', made.ksn)
  return hexOf(made.mac) === hexOf(macOf(method, key, message))
}

export function padSuite(t: Test, newBench: () => PadBench | Promise<PadBench>): void {
  t.test('a key goes in as the capabilities say', async t => {
    const {pad, clock} = await newBench()
    const {keyLoad, clearKeyLoad} = pad.capabilities
    t.equal((await settled(clock, pad.open())).kind, 'open')
    const outcome = {
      stored: {kind: 'loaded', checkValue: '2DAF03'},
      perRequest: {kind: 'kept'},
      none: {kind: 'failed', fault: 'not-supported'},
    }[keyLoad]
    t.match(await settled(clock, pad.loadKey(pinKey())), outcome)
    t.match(await settled(clock, pad.loadKey({...pinKey(), use: 'mac'})), outcome)
    for (const size of [0, 8, 15, 32]) {
      const refusal = keyLoad === 'none' ? 'not-supported' : 'bad-request'
      t.match(await settled(clock, pad.loadKey(pinKey(new Uint8Array(size)))), {fault: refusal})
    }
    const inClear: KeyToLoad = {use: 'master', form: 'clear', key: new Secret(DEMO_KEY)}
    const taken = clearKeyLoad ? {kind: 'loaded', checkValue: '08D7B4'} : {fault: 'not-supported'}
    t.match(await settled(clock, pad.loadKey(inClear)), taken)
    t.equal((await settled(clock, pad.status())).kind, 'status')
    await pad.close()
  })

  t.test('a PIN is entered, and only its block comes out', async t => {
    const bench = await newBench()
    const {pad, clock} = bench
    await ready(bench)
    const counts: number[] = []
    const entering = pad.enterPin(request(digits => counts.push(digits)))
    await clock.advance(1_000)
    bench.fromPad()
    await type(bench, ['7', '3', '9', '1'])
    t.notMatch(bench.fromPad(), /3[0-9]/, 'no digit on the wire')
    bench.press('enter')
    const outcome = await settled(clock, entering)
    t.equal(pinIn(outcome), '7391')
    t.same(counts, pad.capabilities.tellsDigits ? [1, 2, 3, 4] : [])
    t.notMatch(bench.written(), /7391|37 33 39 31/, 'no PIN written')
    t.notMatch(bench.written(), new RegExp(PAN), 'no PAN written')
    t.notMatch(bench.written(), /34 30 31 32 33 34/, 'no PAN written as bytes')
    if (outcome.kind === 'entered') {
      const block = hexOf(outcome.block.reveal())
      t.notMatch(bench.written(), new RegExp(block), 'no block written')
      t.notMatch(JSON.stringify(outcome), new RegExp(block), 'and an outcome does not print it')
    }
    await pad.close()
  })

  t.test('the published block', async t => {
    const bench = await newBench()
    await ready(bench)
    const entering = bench.pad.enterPin(request())
    await bench.clock.advance(1_000)
    await type(bench, ['1', '2', '3', '4', 'enter'])
    const outcome = await settled(bench.clock, entering)
    const isDukpt = bench.pad.capabilities.keyScheme === 'dukpt'
    t.equal(
      outcome.kind === 'entered' && hexOf(outcome.block.reveal()),
      isDukpt ? '1B9C1845EB993A7A' : 'F12B8E897D89E69F',
    )
    t.match(outcome, {format: 'iso0', ksn: isDukpt ? 'FFFF9876543210E00001' : null})
    await bench.pad.close()
  })

  t.test('correcting, too few digits, too many', async t => {
    const bench = await newBench()
    await ready(bench)
    const counts: number[] = []
    const entering = bench.pad.enterPin(request(digits => counts.push(digits)))
    await bench.clock.advance(1_000)
    const zeros = doubleZero(bench.pad.capabilities)
    await type(bench, ['1', '2', '3', 'enter', 'clear', '4', ...zeros, '5', '6', '7', '8'])
    const isEmptied = bench.clearErases === 'all'
    const expected = isEmptied ? [1, 2, 3, 0, 1, 2, 3, 4, 5, 6] : [1, 2, 3, 2, 3, 4, 5, 6]
    t.same(counts, bench.pad.capabilities.tellsDigits ? expected : [], 'seven digits do not fit')
    await type(bench, ['A', 'dot', 'enter'])
    t.equal(pinIn(await settled(bench.clock, entering)), isEmptied ? '400567' : '124005')
    await bench.pad.close()
  })

  t.test('PIN entry ends by the cancel key, by stop, and by time', async t => {
    const bench = await newBench()
    const {pad, clock} = bench
    await ready(bench)
    const cancelling = pad.enterPin(request())
    await clock.advance(1_000)
    await type(bench, ['1', '2', 'cancel'])
    t.same(await settled(clock, cancelling), {kind: 'cancelled'})

    const stopping = pad.enterPin(request())
    await clock.advance(1_000)
    await type(bench, ['1', '2', '3', '4'])
    await settled(clock, pad.stop())
    t.same(await settled(clock, stopping), {kind: 'cancelled'})
    t.equal(bench.press('5'), 'ignored', 'the pad has left PIN mode when stop resolves')

    const atMs = clock.monotonicMs()
    t.same(await settled(clock, pad.enterPin(request())), {kind: 'timedOut'})
    const tookMs = clock.monotonicMs() - atMs
    t.ok(tookMs >= 30_000 && tookMs < 33_000, `after ${tookMs} ms`)
    t.equal(bench.press('5'), 'ignored')

    const startStop = pad.enterPin(request())
    await settled(clock, pad.stop())
    t.same(await settled(clock, startStop), {kind: 'cancelled'}, 'stopped before the pad was in PIN mode')
    t.equal(bench.press('5'), 'ignored')
    await pad.close()
  })

  t.test('clear keys go to the listener until stop', async t => {
    const bench = await newBench()
    const {pad, clock} = bench
    await ready(bench)
    const keys: Key[] = []
    t.equal(bench.press('A'), 'ignored', 'nobody listens yet')
    t.same(
      await settled(
        clock,
        pad.listen(key => keys.push(key)),
      ),
      {kind: 'listening'},
    )
    await clock.advance(100)
    const all = pad.capabilities.keys
    await type(bench, all)
    t.same(keys, all)
    t.match(await settled(clock, pad.enterPin(request())), {kind: 'failed', fault: 'busy'})
    await clock.advance(400_000)
    await type(bench, ['A'])
    t.equal(keys.at(-1), 'A', 'listening outlives the time limit of the pad')
    await settled(clock, pad.stop())
    await type(bench, ['B'])
    t.equal(keys.length, all.length + 1)
    const entering = pad.enterPin(request())
    t.match(
      await settled(
        clock,
        pad.listen(() => undefined),
      ),
      {kind: 'failed', fault: 'busy'},
    )
    t.match(await settled(clock, pad.enterPin(request())), {kind: 'failed', fault: 'busy'})
    await clock.advance(1_000)
    await type(bench, ['9', '9', '9', '9', 'enter'])
    t.equal(pinIn(await settled(clock, entering)), '9999')
    t.equal(keys.length, all.length + 1, 'no key of the PIN went to the old listener')
    await pad.close()
  })

  t.test('stop right before listening does not stop the listening', async t => {
    const bench = await newBench()
    await ready(bench)
    const entering = bench.pad.enterPin(request())
    const keys: Key[] = []
    const switching = bench.pad.stop().then(() => bench.pad.listen(key => keys.push(key)))
    t.same(await settled(bench.clock, switching), {kind: 'listening'})
    await settled(bench.clock, entering)
    await bench.clock.advance(5_000)
    await type(bench, ['enter'])
    t.same(keys, ['enter'])
    await bench.pad.close()
  })

  t.test('without a key there is no PIN', async t => {
    const bench = await newBench()
    // Keys that come in nowhere cannot be left out either.
    if (bench.pad.capabilities.keyLoad === 'none') return
    await settled(bench.clock, bench.pad.open())
    // Some pads say so at once, others only when the block is fetched.
    const entering = bench.pad.enterPin(request())
    await bench.clock.advance(1_000)
    await type(bench, ['1', '2', '3', '4', 'enter'])
    t.match(await settled(bench.clock, entering), {kind: 'failed', fault: 'key-missing'})
    t.equal(bench.press('1'), 'ignored')
    await bench.pad.close()
  })

  t.test('a PAN that is none is refused, lengths that are none are our own mistake', async t => {
    const bench = await newBench()
    await ready(bench)
    const bad = {...request(), pan: new Secret('hello')}
    t.match(await settled(bench.clock, bench.pad.enterPin(bad)), {kind: 'failed', fault: 'bad-request'})
    for (const [lengthMin, lengthMax] of [
      [3, 6],
      [6, 5],
      [4, 13],
    ] as const)
      await t.rejects(bench.pad.enterPin({...request(), lengthMin, lengthMax}), {name: 'AssertionFailed'})
    await bench.pad.close()
  })

  t.test('MACs as the capabilities say, of any length', async t => {
    const bench = await newBench()
    const {pad, clock} = bench
    await ready(bench)
    await settled(clock, pad.loadKey({...pinKey(), use: 'mac'}))
    const {macMethods, keyScheme} = pad.capabilities
    const message = Buffer.from('4012345678909D987', 'latin1')
    for (const method of ['desCbc', 'retail', 'tdesCbc'] as const) {
      if (!macMethods.includes(method)) {
        t.match(await settled(clock, pad.mac(message, method)), {fault: 'not-supported'}, method)
        continue
      }
      t.ok(isMacOf(await settled(clock, pad.mac(message, method)), method, message), method)
      for (const bytes of [1, 8, 16, 256]) {
        const long = new Uint8Array(bytes).fill(0x41)
        t.ok(isMacOf(await settled(clock, pad.mac(long, method)), method, long), `${method} of ${bytes}`)
      }
      const tooLong = new Uint8Array(1_003).fill(0x42)
      const made = await settled(clock, pad.mac(tooLong, method))
      if (keyScheme === 'dukpt') t.match(made, {fault: 'bad-request'}, 'one key, one message')
      else t.ok(isMacOf(made, method, tooLong), `${method} of 1003`)
      t.match(await settled(clock, pad.mac(new Uint8Array(0), method)), {fault: 'bad-request'})
    }
    await pad.close()
  })

  t.test('tones, display and self-test as the capabilities say', async t => {
    const bench = await newBench()
    const {pad, clock} = bench
    await ready(bench)
    const {tones, display, selfTest} = pad.capabilities
    for (const tone of ['beep', 'keysOn', 'keysOff'] as const)
      t.match(
        await settled(clock, pad.tone(tone)),
        tones.includes(tone) ? {kind: 'done'} : {fault: 'not-supported'},
        tone,
      )
    t.match(
      await settled(clock, pad.show(['HELLO'])),
      display === null ? {fault: 'not-supported'} : {kind: 'done'},
    )
    t.match(await settled(clock, pad.selfTest()), selfTest ? {kind: 'passed'} : {fault: 'not-supported'})
    const entering = pad.enterPin(request())
    await clock.advance(5_000)
    await type(bench, ['4', '4', '4', '4', 'enter'])
    t.equal(pinIn(await settled(clock, entering)), '4444', 'and the pad serves afterwards')
    await pad.close()
  })

  t.test('what the pad tells of itself', async t => {
    const bench = await newBench()
    const {pad, clock} = bench
    await ready(bench)
    const status = await settled(clock, pad.status())
    if (status.kind !== 'status') {
      t.fail(status.detail)
      return
    }
    t.not(status.masterKey, 'missing')
    t.not(status.pinKey, 'missing')
    t.not(status.tamper, 'tampered')
    t.equal(status.input, 'idle')
    t.match(status.serialNumber, /^\S+$/)
    await settled(
      clock,
      pad.listen(() => undefined),
    )
    const keys: Key[] = []
    await settled(
      clock,
      pad.listen(key => keys.push(key)),
    )
    t.equal((await settled(clock, pad.status())).kind, 'status', 'while keys are listened to')
    await clock.advance(1_000)
    await type(bench, ['enter'])
    t.same(keys, ['enter'], 'by who listens now, and listening goes on')
    await pad.close()
  })

  t.test('a pulled cable ends PIN entry, and opening again finds the pad idle', async t => {
    const bench = await newBench()
    const {pad, clock} = bench
    await ready(bench)
    const entering = pad.enterPin(request())
    await clock.advance(1_000)
    await type(bench, ['1', '2'])
    bench.pullCable()
    t.match(await settled(clock, entering), {kind: 'failed', fault: 'hung-up'})
    t.match(await settled(clock, pad.open()), {kind: 'failed', fault: 'not-opened'})
    t.match(
      await settled(
        clock,
        pad.listen(() => undefined),
      ),
      {kind: 'failed'},
    )
    bench.plugCable()
    t.equal((await settled(clock, pad.open())).kind, 'open')
    t.equal(bench.press('3'), 'ignored', 'the digits of before are gone')
    const again = pad.enterPin(request())
    await clock.advance(1_000)
    await type(bench, ['8', '8', '8', '8', 'enter'])
    t.equal(pinIn(await settled(clock, again)), '8888')
    await pad.close()
  })

  t.test('closing ends what is under way', async t => {
    const bench = await newBench()
    t.equal((await settled(bench.clock, bench.pad.status())).kind, 'failed', 'before it was ever opened')
    await ready(bench)
    const entering = bench.pad.enterPin(request())
    await bench.clock.advance(1_000)
    await bench.pad.close()
    await bench.pad.close()
    t.equal((await settled(bench.clock, entering)).kind, 'failed')
  })

  t.test('whatever the line does, a block is the block of the PIN that was pressed', async t => {
    let entered = 0
    for (let round = 0; round < BAD_LINE_ROUNDS; round++) {
      const seed = `bad-line/${round}`
      const random = seededRandom(seed)
      const bench = await newBench()
      await ready(bench)
      for (let faults = 1 + random.below(2); faults > 0; faults--) {
        const fault = someFault(random)
        // An 8-bit exclusive-or passes the same bit flipped twice in one frame, so bits are flipped once.
        const times = fault.do === 'corrupt' ? 1 : 1 + random.below(8)
        bench.cable.misbehave(random.below(2) === 0 ? 'near' : 'far', fault, times)
      }
      const entering = bench.pad.enterPin(request())
      await bench.clock.advance(6_000)
      const pressed = await type(bench, ['3', '1', '4', '1', '5', 'enter'])
      const outcome = await settled(bench.clock, entering)
      if (outcome.kind === 'entered') entered += 1
      if (outcome.kind === 'entered' && `${pinIn(outcome) ?? ''}enter` !== pressed.join(''))
        t.fail(`${seed}: another PIN came out`)
      bench.cable.behave()
      await bench.clock.advance(5_000)
      if ((await settled(bench.clock, bench.pad.open())).kind !== 'open')
        t.fail(`${seed}: does not open again`)
      await bench.pad.close()
    }
    t.ok(entered > BAD_LINE_ROUNDS / 4, `${entered} of ${BAD_LINE_ROUNDS} got through`)
  })
}

const BAD_LINE_ROUNDS = 150

function someFault(random: Random): LineFault {
  const unit = random.below(2) === 0 ? 'chunk' : 'byte'
  const everyNth = 1 + random.below(unit === 'chunk' ? 12 : 120)
  switch (random.below(5)) {
    case 0:
      return {do: 'drop', unit, everyNth}
    case 1:
      return {do: 'duplicate', unit, everyNth}
    case 2:
      return {do: 'corrupt', unit, everyNth, bit: random.below(8)}
    case 3:
      return {do: 'split', everyNth, gapMs: random.below(200)}
    default:
      return {do: 'garbage', bytes: random.bytes(1 + random.below(12))}
  }
}
