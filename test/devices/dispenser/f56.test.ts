/** F53/F56 alone: golden frames both ways, the link's bids and refusals, the pool, and what its responses are folded into. */
import t from 'tap'
import {readFileSync} from 'node:fs'
import {COMMANDS, LINE, PROFILES, errorRow, errorRows, sizeOf} from '../../../devices/dispenser/f56/bytes.ts'
import type {NoteSize} from '../../../devices/dispenser/f56/bytes.ts'
import {
  SHAPE,
  crcKermit,
  dataIn,
  dataOf,
  decode,
  digits,
  frameOf,
} from '../../../devices/dispenser/f56/codec.ts'
import type {Command, Response} from '../../../devices/dispenser/f56/codec.ts'
import {F56} from '../../../devices/dispenser/f56/driver.ts'
import {HostReader, readCount, textFrame, writeCount} from '../../../devices/dispenser/f56/emulator-frames.ts'
import {F56Emulator} from '../../../devices/dispenser/f56/emulator.ts'
import {foldCount} from '../../../devices/dispenser/f56/fold.ts'
import {Framer} from '../../../devices/wire/framer.ts'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import {VirtualClock, epochMs, realClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {seededRandom} from '../../../kit/random.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import {keysOf} from '../../../kit/table.ts'
import {ptyAvailable, skipUnless} from '../../needs.ts'
import {rawHost} from '../card-reader/wire.ts'
import {pick, rigOf} from './conformance.ts'
import {F56_FRONT, F56_POOL} from './models.ts'

interface Vector {
  readonly name: string
  readonly from: 'host' | 'device'
  readonly hex?: string
  readonly fields?: Readonly<Record<string, unknown>> & {readonly kind: Command['kind']}
  readonly command?: 'reset' | 'count'
  readonly dataBytes?: number
  readonly error?: readonly number[]
  readonly dispensed?: readonly number[]
  readonly rejected?: readonly number[]
  readonly check?: string
}

const VECTORS = readVectors()

function readVectors(): readonly Vector[] {
  const url = new URL('../../../devices/dispenser/f56/vectors.json', import.meta.url)
  const rows: unknown = JSON.parse(readFileSync(url, 'utf8'))
  if (!Array.isArray(rows)) throw new RangeError('vectors.json holds no list')
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- our own file; a wrong row fails its test
  return rows as readonly Vector[]
}

function commandOf({fields}: Vector): Command {
  const sizes = fields?.['sizes']
  const text = fields?.kind === 'clearLog' ? {text: new Uint8Array(0x29).fill(0x20)} : {}
  const named = Array.isArray(sizes)
    ? sizes.map((row: readonly number[]): NoteSize => {
        const [lengthMaxMm = 0, lengthMinMm = 0, thickness = 0] = row
        return {lengthMaxMm, lengthMinMm, thickness}
      })
    : null
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- as above
  return {...fields, ...text, sizes: named} as unknown as Command
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(' '), pair => Number.parseInt(pair, 16))
}

function hexOf(bytes: Iterable<number>): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}

/** The data that a device vector describes, written out by hand here. */
function dataOfVector({
  dataBytes = 0,
  command,
  error = [],
  dispensed = [],
  rejected = [],
}: Vector): readonly number[] {
  const data = Array.from({length: dataBytes}, () => 0)
  data.splice(0, 5, error[0] === 0 ? 0xe0 : 0xf0, command === 'reset' ? 0x02 : 0x03, dataBytes - 4, ...error)
  for (const [at, count] of dispensed.entries()) data.splice(0x27 + 2 * at, 2, ...writeCount(count))
  for (const [at, count] of rejected.entries()) data.splice(0x2f + 2 * at, 2, ...writeCount(count))
  data[dataBytes - 1] = 0x1c
  return data
}

const HOST = VECTORS.filter(({from}) => from === 'host')

t.test('the check is CRC-16/KERMIT', async t => {
  t.equal(crcKermit(new TextEncoder().encode('123456789')), 0x2189)
})

t.test('commands are written as captured, and read by the emulator', async t => {
  t.same(
    keysOf(COMMANDS).filter(name => !HOST.some(({fields}) => fields?.kind === name)),
    [],
    'each has a vector',
  )
  for (const vector of HOST) {
    const {name, hex = ''} = vector
    t.equal(hexOf(frameOf(dataOf(commandOf(vector)))), hex, name)
    t.same(
      new HostReader().push(bytesOf(hex), 0),
      [{kind: 'text', data: [...bytesOf(hex).slice(4, -4)]}],
      name,
    )
  }
})

t.test('responses are written by the emulator as computed, and read by the driver', async t => {
  for (const vector of VECTORS.filter(({from, command}) => from === 'device' && command !== undefined)) {
    const {name, hex, check, command = 'count', error, dispensed, rejected} = vector
    const frame = textFrame(dataOfVector(vector))
    if (hex !== undefined) t.equal(hexOf(frame), hex, name)
    if (check !== undefined) t.equal(hexOf(frame.slice(-2)), check, name)
    const verdicts = new Framer(SHAPE).push(frame, 0)
    t.match(verdicts, [{kind: 'frame'}], name)
    const response = decode(command, dataIn(frame))
    t.same(response?.error, error, name)
    if (dispensed !== undefined) {
      t.same(
        response?.counts.map(count => count.dispensed),
        dispensed,
        name,
      )
      t.same(
        response?.counts.map(count => count.rejected),
        rejected,
        name,
      )
    }
  }
  t.match(new Framer(SHAPE).push(bytesOf('10 02 00 02 01 a1 10 03 32 f8'), 0), [{kind: 'frame'}])
})

t.test('digits carry even parity, both ways', async t => {
  for (let count = 0; count < 100; count++) {
    const written = digits(count)
    t.same([...writeCount(count)], [...written])
    t.equal(readCount(written), count)
  }
  t.equal(readCount([0x31, 0x30]), null, 'a digit without its parity is none')
})

t.test('every flip of one bit is refused on either side', async t => {
  const frames = [
    ...HOST.map(({hex = ''}) => bytesOf(hex)),
    textFrame(dataOfVector(VECTORS.find(({command}) => command === 'count') ?? VECTORS[0] ?? fail())),
  ]
  for (const frame of frames)
    for (let at = 0; at < frame.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const flipped = frame.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte))
        const texts = new HostReader().push(flipped, 0).filter(({kind}) => kind === 'text')
        if (texts.length > 0) t.fail(`the emulator takes byte ${at} bit ${bit} of ${hexOf(frame)}`)
        const framer = new Framer(SHAPE)
        const whole = [...framer.push(flipped, 0), ...framer.idle(10_000)].filter(
          verdict => verdict.kind === 'frame' && verdict.bytes.length > 2,
        )
        if (whole.length > 0) t.fail(`the driver takes byte ${at} bit ${bit} of ${hexOf(frame)}`)
      }
  t.ok(frames.length > 10)
})

function fail(): never {
  throw new RangeError('vectors.json holds no count')
}

t.test('tokens and texts are found however the stream is cut, with noise between', async t => {
  const random = seededRandom('f56')
  for (let round = 0; round < 200; round++) {
    const parts = Array.from({length: 6}, () => {
      const pickOf = random.below(4)
      if (pickOf === 0) return bytesOf('10 05')
      if (pickOf === 1) return bytesOf('10 06')
      return bytesOf(HOST[random.below(HOST.length)]?.hex ?? '10 15')
    })
    const noise = (): readonly number[] =>
      Array.from({length: random.below(4)}, () => 0x20 + random.below(64))
    const stream = parts.flatMap(part => [...noise(), ...part])
    const [framer, reader] = [new Framer(SHAPE), new HostReader()]
    const [driver, device]: [string[], string[]] = [[], []]
    for (let at = 0; at < stream.length;) {
      const chunk = Uint8Array.from(stream.slice(at, (at += 1 + random.below(40))))
      for (const verdict of framer.push(chunk, 0))
        if (verdict.kind === 'frame') driver.push(hexOf(verdict.bytes))
      for (const said of reader.push(chunk, 0))
        device.push(said.kind === 'text' ? hexOf(textFrame(said.data)) : said.kind)
    }
    t.same(driver, parts.map(hexOf))
    const tokens: Readonly<Record<string, string>> = {'10 05': 'enq', '10 06': 'ack', '10 15': 'nak'}
    t.same(
      device,
      parts.map(part => tokens[hexOf(part)] ?? hexOf(part)),
    )
  }
})

t.test('every error of the table says what to do, or needs nothing done', async t => {
  for (const row of errorRows()) {
    t.ok(row.meaning.length > 0, row.code)
    if (row.class !== 'before') t.ok(row.action.endsWith('.'), row.code)
  }
  t.match(errorRow(0x25, 1), {code: '25 01', meaning: 'cassette 6 is empty', fault: 'cassette-empty'})
  t.match(errorRow(0xd7, 0), {meaning: /not in/})
  t.equal(errorRow(0, 0), null)
})

t.test('what a count proves', async t => {
  const response = (code: number, dispensed: readonly number[], rejected = [0, 0, 0, 0]): Response => ({
    isGood: code === 0,
    error: [code, 0],
    sensors: [],
    levels: [],
    counts: dispensed.map((count, at) => ({dispensed: count, rejected: rejected[at] ?? 0})),
  })
  const order = [pick(1, 3), pick(2, 2)]
  const fold = (...args: Parameters<typeof response>): unknown => foldCount(order, response(...args))
  t.match(fold(0, [3, 2, 0, 0], [1, 0, 0, 0]), {kind: 'dispensed', fault: null})
  t.match(fold(0xb5, [3, 2, 0, 0]), {kind: 'dispensed', fault: 'reject-bin-missing'})
  t.match(fold(0x11, [0, 0, 0, 0]), {kind: 'refused', fault: 'cassette-empty'})
  t.match(fold(0x78, [0, 0, 0, 0]), {kind: 'partial', inPath: 1, path: 'inside', counts: 'trusted'})
  t.match(fold(0x7c, [3, 1, 0, 0]), {kind: 'partial', inPath: 1, path: 'atMouth', counts: 'trusted'})
  t.match(fold(0x88, [3, 2, 0, 0]), {kind: 'partial', counts: 'inDoubt'})
  t.match(fold(0x88, [3, 3, 0, 0]), {kind: 'overpaid'})
  t.match(fold(0, [3, 1, 0, 0]), {kind: 'partial', counts: 'inDoubt'}, 'short without a reason')
  t.match(fold(0xfd, [1, 0, 0, 0]), {kind: 'partial', counts: 'inDoubt'}, 'power lost during the count')
})

t.test('a count is never sent again but after a refusal', async t => {
  const count = /^10 02 00 19 60 03/
  const rig = await rigOf(F56_FRONT)
  rig.emulator.plan({kind: 'acknowledgementLost'})
  t.match(await rig.run(rig.dispenser.dispense([pick(3, 4)], 1)), {kind: 'dispensed'})
  rig.emulator.plan({kind: 'answerLost', when: 'before-moving'})
  t.match(await rig.run(rig.dispenser.dispense([pick(4, 4)], 2)), {kind: 'unknown'})
  const sent = rig.emulator.transcript.filter(({from, hex}) => from === 'host' && count.test(hex))
  t.equal(sent.length, 2)
  t.same(rig.emulator.world.outlet, {1: 0, 2: 0, 3: 4, 4: 0})
})

t.test('a response that a host before never accepted is taken first', async t => {
  const clock = new VirtualClock(epochMs(1_700_000_000_000))
  const {near, far} = loopbackPair(clock)
  const emulator = new F56Emulator(far, clock, {1: 9, 2: 9, 3: 9, 4: 9})
  await emulator.start()
  const host = await rawHost(near, clock)
  await host.say('1005', 50)
  await host.say('1002000300011c1003fa97', 50)
  t.match(await host.say('1006', 50), /^10020038E00134/)
  await near.close()
  const dispenser = new F56(near, clock, silentLog)
  t.match(await clock.finish(dispenser.open(), 60_000), {kind: 'open'})
  await clock.finish(dispenser.close(), 60_000)
  await emulator.stop()
})

t.test(
  'with a pool: gathered, brought to the front, taken; or moved to the reject box uncounted',
  async t => {
    const rig = await rigOf(F56_POOL)
    const order = [pick(1, 2), pick(4, 1)]
    t.match(await rig.run(rig.dispenser.dispense(order, 1)), {kind: 'dispensed'})
    t.match(await rig.run(rig.dispenser.status()), {stacker: 'notEmpty', path: 'clear'})
    t.match(await rig.run(rig.dispenser.dispense(order, 2)), {kind: 'refused', fault: 'items-left'})
    rig.clock.after(3_000, () => {
      rig.emulator.takeNotes()
    })
    t.same(await rig.run(rig.dispenser.present(10_000)), {kind: 'taken'})
    t.same(rig.emulator.world.customer, {1: 2, 2: 0, 3: 0, 4: 1})
    t.match(
      await rig.run(rig.dispenser.present(1_000)),
      {kind: 'notPresented', fault: 'bad-request'},
      'nothing in the pool',
    )

    await rig.run(rig.dispenser.dispense(order, 3))
    t.same(await rig.run(rig.dispenser.reject()), {kind: 'rejected', count: null})
    t.same(rig.emulator.world.reject, {1: 2, 2: 0, 3: 0, 4: 1})

    await rig.run(rig.dispenser.dispense(order, 4))
    t.same(await rig.run(rig.dispenser.present(1_000)), {kind: 'left'})
    t.match(await rig.run(rig.dispenser.status()), {media: 'atMouth'})
    t.match(await rig.run(rig.dispenser.dispense(order, 5)), {kind: 'refused', fault: 'items-left'})
  },
)

t.test('a jam is cleared by a reset, which moves it to the reject box', async t => {
  const rig = await rigOf(F56_FRONT)
  rig.emulator.plan({kind: 'jam', at: 'throat', afterNotes: 1})
  t.match(await rig.run(rig.dispenser.dispense([pick(2, 3)], 1)), {kind: 'partial', fault: 'jam', inPath: 1})
  t.match(await rig.run(rig.dispenser.reset()), {kind: 'reset', status: {path: 'clear', error: null}})
  t.equal(rig.emulator.world.reject[2], 1)
  t.match(await rig.run(rig.dispenser.dispense([pick(2, 3)], 2)), {kind: 'dispensed'})
})

t.test('the emulator answers what is wrong with a request', async t => {
  const clock = new VirtualClock(epochMs(1_700_000_000_000))
  const {near, far} = loopbackPair(clock)
  const emulator = new F56Emulator(far, clock, {1: 10, 2: 10, 3: 10, 4: 10}, {noteMs: 0})
  await emulator.start()
  let heard: number[] = []
  await near.open({
    bytes: chunk => {
      heard.push(...chunk)
    },
    lost: () => undefined,
  })
  const say = async (hex: string): Promise<string> => {
    heard = []
    await near.write(bytesOf(hex))
    await clock.advance(200)
    return hexOf(heard)
  }
  /** Data in, the first bytes of the response's data out. */
  const ask = async (data: readonly number[]): Promise<string> => {
    t.equal(await say('10 05'), '10 06')
    t.equal(await say(hexOf(textFrame(data))), '10 06 10 05')
    const response = await say('10 06')
    await say('10 06')
    return response.slice(12, 26)
  }
  const digitsOf = Array.from({length: 16}, () => 0x30)
  t.equal(await ask([0x00, 0x01, 0x1c]), 'e0 01 34 00 00')
  t.equal(await ask([0x00, 0x10, 0x1c]), 'e0 10 24 00 00')
  t.equal(await ask([0x60, 0x01, 0xff, 0, 0, 1, 0, 0x1c]), 'e0 01 34 00 00')
  t.equal(await ask([0x60, 0x03, 0x15, 0xe4, ...digitsOf, 0, 0, 0, 0]), 'f0 03 99 ec 00', 'no FS')
  t.equal(
    await ask([0x60, 0x03, 0x14, 0xe4, ...digitsOf, 0, 0, 0, 0, 0x1c]),
    'f0 03 99 ee 00',
    'a wrong length',
  )
  t.equal(
    await ask([0x60, 0x03, 0x15, 0xe4, 0x30, 0x31, ...digitsOf.slice(2), 0, 0, 0, 0, 0x1c]),
    'f0 03 99 e6 00',
    'a digit without parity',
  )
  t.equal(
    await ask([0x60, 0x03, 0x15, 0xe4, ...digitsOf, 0, 0, 0, 0, 0x1c]),
    'e0 03 99 00 00',
    'nothing asked',
  )
  t.equal(await ask([0x60, 0x77, 0x00, 0x1c]), 'f0 77 24 ee 00', 'no such command')
  t.equal(await ask([0x60, 0x05, 0x01, 0x01, 0x1c]), 'f0 05 24 ef 00', 'no pool')
  t.equal(
    await ask([
      ...dataOf({kind: 'reset', odr: 0, sizes: [sizeOf(133), sizeOf(120), sizeOf(140), sizeOf(147)]}),
    ]),
    'e0 02 34 00 00',
  )
  t.equal(
    await ask([0x60, 0x02, 0x0d, 0, 100, 120, ...Array.from({length: 6}, () => 0), 0x0d, 0, 0, 0, 0x1c]),
    'f0 02 34 e8 00',
    'longest below shortest',
  )
  t.equal(await say('10 02 00 03 00 01 1c 10 03 fa 97'), '', 'a text without a bid is ignored')
  t.equal(await say('10 05'), '10 06')
  t.equal(await say('10 02 00 03 00 01 1c 10 03 fa 98'), '10 15', 'a wrong check is refused')
  t.equal(await say('10 02 00 03 00 01 1c 10 03 fa 97'), '10 06 10 05', 'and the text may come again')
})

t.test('over the real serial stack', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const clock = realClock()
  const terminal = pseudoTerminal(`${t.testdir()}/f56`)
  const emulator = new F56Emulator(terminal.far, clock, {1: 50, 2: 50, 3: 50, 4: 50}, {noteMs: 5})
  await emulator.start()
  const dispenser = new F56(
    serialLink(terminal.path, LINE, clock, silentLog),
    clock,
    silentLog,
    PROFILES.front,
  )
  t.teardown(async () => {
    await dispenser.close()
    await emulator.stop()
    terminal.remove()
  })
  t.match(await dispenser.open(), {kind: 'open', identity: {model: 'f56'}})
  t.match(await dispenser.dispense([pick(1, 2), pick(3, 3)], 1), {kind: 'dispensed'})
  t.same(emulator.world.outlet, {1: 2, 2: 0, 3: 3, 4: 0})
  // It counts on when the cable goes.
  emulator.plan({kind: 'answerLate', delayMs: 1_500})
  const dispensing = dispenser.dispense([pick(2, 4)], 2)
  const endMs = clock.monotonicMs() + 20_000
  while ((emulator.world.outlet[2] ?? 0) < 4 && clock.monotonicMs() < endMs) await clock.sleep(10)
  terminal.hangUp()
  t.match(await dispensing, {kind: 'unknown', why: 'hung-up'})
  terminal.plug()
  await clock.sleep(1_600)
  t.equal((await dispenser.open()).kind, 'open')
  t.equal(emulator.world.outlet[2], 4)
})
