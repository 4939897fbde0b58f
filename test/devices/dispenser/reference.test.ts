/** The reference dispenser alone: golden frames both ways; and the notes' ledger, which every emulator stands on. */
import t from 'tap'
import {readFileSync} from 'node:fs'
import {COMMANDS, ERRORS, HANDSHAKE} from '../../../devices/dispenser/reference/bytes.ts'
import {answers, decode, encode} from '../../../devices/dispenser/reference/codec.ts'
import type {Command} from '../../../devices/dispenser/reference/codec.ts'
import {ReferenceDispenserEmulator} from '../../../devices/dispenser/reference/emulator.ts'
import {answerFrame, HostReader, readPick} from '../../../devices/dispenser/reference/emulator-frames.ts'
import {MischiefPlan} from '../../../devices/dispenser/mischief.ts'
import {NoteLedger, Transcript, TRANSCRIPT_LINES_MAX} from '../../../devices/dispenser/world.ts'
import {Framer} from '../../../devices/wire/framer.ts'
import {pick, rigOf} from './conformance.ts'
import type {Model} from './conformance.ts'
import {REFERENCE} from './models.ts'

interface Vector {
  readonly name: string
  readonly from: 'host' | 'device'
  readonly hex: string
  readonly text: string
  readonly fields: {readonly kind: string}
  readonly source: string
}

const VECTORS = readVectors()
const HOST = VECTORS.filter(({from}) => from === 'host')
const DEVICE = VECTORS.filter(({from}) => from === 'device')

t.test('every command has golden frames, and every frame a source', async t => {
  for (const [kind, {letter}] of Object.entries(COMMANDS)) {
    t.ok(
      HOST.some(({fields, text}) => fields.kind === kind && text.startsWith(letter)),
      `host sends ${kind}`,
    )
    t.ok(
      DEVICE.some(({fields}) => fields.kind === kind),
      `device answers ${kind}`,
    )
  }
  for (const {name, source} of VECTORS) t.ok(source.length > 0, name)
})

t.test('the driver writes the golden commands, and the emulator reads them', async t => {
  for (const {name, hex, text, fields} of HOST) {
    t.equal(hexOf(encode(commandOf(fields))), hex, name)
    t.same(new HostReader().push(bytesOf(hex), 0), [{kind: 'command', words: text.split(';')}], name)
  }
  t.same(readPick('1=40'), {cassette: 1, count: 40})
  for (const word of ['', '1', '1=', '=1', '1=2=3', '1=-2', '1=1e1']) t.equal(readPick(word), null, word)
})

t.test('the driver reads the golden answers, and the emulator writes them', async t => {
  for (const {name, hex, text, fields} of DEVICE) {
    t.equal(hexOf(answerFrame(text)), hex, name)
    const [verdict, ...more] = new Framer(HANDSHAKE.shape).push(bytesOf(hex), 0)
    t.same(more, [])
    t.match(verdict, {kind: 'frame'}, name)
    if (verdict?.kind !== 'frame') continue
    t.match(plain(decode(verdict.bytes)), fields, name)
    t.ok(
      Object.keys(COMMANDS).some(kind => answers(verdict.bytes, commandOf({kind}).kind)),
      name,
    )
  }
})

t.test('every one-bit flip of every golden frame is refused', async t => {
  for (const {name, from, hex} of VECTORS) {
    const good = bytesOf(hex)
    let taken = 0
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const flipped = good.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      const framer = new Framer(HANDSHAKE.shape)
      const isTaken =
        from === 'host'
          ? new HostReader().push(flipped, 0).some(({kind}) => kind === 'command')
          : [...framer.push(flipped, 0), ...framer.idle(10_000)].some(({kind}) => kind === 'frame')
      if (isTaken) taken += 1
    }
    t.equal(taken, 0, `${name}: ${good.length * 8} flips`)
  }
})

t.test('an answer with impossible fields is no answer', async t => {
  const texts = ['', 'i;X', 's;00;0;0;0;c;p', 's;00;2;0;0;c;p;1=o', 'a;417', 'a;x;00', 'a;417;99', 'd;1;00;1=1/1/1', 'd;;00;1=1/1/1/0',
    'd;1;00;1=1/1/1/-1', 'p;00;gone', 'p;00', 'r;00;5', 'r;00;x;0', 'r;00;5;2', 'j;00;', 'j;00;5;1', 'q;1;perhaps', 'q;1;none;1', 'q;1;moved', 'c', 'c;77', 'x;00;1', 'z;00'] // prettier-ignore
  for (const text of texts) t.equal(decode(answerFrame(text)), null, text)
  for (const {code} of ERRORS) t.match(decode(answerFrame(`c;${code}`)), {error: {code}})
  t.equal(new Set(ERRORS.map(({code}) => code)).size, ERRORS.length)
})

t.test('a retract that does not count says so', async t => {
  const model: Model = {
    ...REFERENCE,
    emulator: (link, clock, notes) =>
      new ReferenceDispenserEmulator(link, clock, {1: notes, 2: notes}, {countsRetracted: false}),
  }
  const rig = await rigOf(model)
  await rig.run(rig.dispenser.dispense([pick(1, 2)], 1))
  t.same(await rig.run(rig.dispenser.present(1_000)), {kind: 'left'})
  t.same(await rig.run(rig.dispenser.retract()), {kind: 'retracted', count: null, itemsTaken: false})
  t.equal(rig.emulator.world.retract[1], 2)
})

t.test("the operator's hand counts what it takes, and no note is made or lost", async t => {
  const ledger = new NoteLedger({1: 5, 2: 0})
  t.throws(
    () => {
      ledger.move(1, 'cassette', 'path', 6)
    },
    {name: 'AssertionFailed'},
  )
  t.throws(
    () => {
      ledger.move(3, 'cassette', 'path')
    },
    {name: 'AssertionFailed'},
  )
  t.throws(
    () => {
      ledger.move(1, 'cassette', 'path', -1)
    },
    {name: 'AssertionFailed'},
  )
  ledger.move(1, 'cassette', 'path', 2)
  t.same(ledger.moveAll('path', 'removed'), {1: 2, 2: 0})
  ledger.introduce({2: 4})
  t.same(ledger.snapshot().cassette, {1: 3, 2: 4})
  t.equal(ledger.total('removed'), 2)

  let changes = 0
  const rig = await rigOf(REFERENCE)
  const stop = rig.emulator.watch(() => {
    changes += 1
  })
  await rig.run(rig.dispenser.dispense([pick(1, 2), pick(2, 1)], 1))
  t.ok(changes >= 8, 'an observer sees the notes move')
  t.same(rig.emulator.operator.clearPath(), {1: 2, 2: 1})
  t.same(rig.emulator.operator.load({1: 10, 2: 20}), {1: 98, 2: 99})
  t.same(rig.emulator.world.cassette, {1: 10, 2: 20})
  await rig.run(rig.dispenser.dispense([pick(2, 1)], 2))
  await rig.run(rig.dispenser.reject())
  t.same(rig.emulator.operator.emptyBins(), {1: 0, 2: 1})
  stop()
  const before = changes
  rig.emulator.powerCut()
  t.equal(changes, before)
  t.match(rig.emulator.state, {power: 'off', isMoving: false, shutter: 'closed'})
})

t.test('plans are used up by the order they fit, and only what the model can do is taken', async t => {
  const plan = new MischiefPlan(['jam', 'answerLost', 'pickFails'])
  plan.add({kind: 'pickFails', afterNotes: 1})
  plan.add({kind: 'answerLost', when: 'after-moving', on: 'status'})
  plan.add({kind: 'answerLost', when: 'before-moving'})
  t.same(plan.strike('purge'), {mechanical: null, talking: null})
  t.match(plan.strike('status'), {mechanical: null, talking: {when: 'after-moving'}})
  t.match(plan.strike('dispense'), {mechanical: {kind: 'pickFails'}, talking: {when: 'before-moving'}})
  t.equal(plan.waitingCount, 0)
  t.throws(
    () => {
      plan.add({kind: 'progress'})
    },
    {name: 'AssertionFailed'},
  )
})

t.test('the transcript keeps the newest lines', async t => {
  const transcript = new Transcript()
  for (let at = 0; at < TRANSCRIPT_LINES_MAX + 5; at += 1)
    transcript.add('host', Uint8Array.of(at & 0xff, at >> 8))
  t.equal(transcript.lines.length, TRANSCRIPT_LINES_MAX)
  t.same(transcript.lines[0], {from: 'host', hex: '05 00'})
})

function readVectors(): readonly Vector[] {
  const url = new URL('../../../devices/dispenser/reference/vectors.json', import.meta.url)
  const read: unknown = JSON.parse(readFileSync(url, 'utf8'))
  return Array.isArray(read) ? read.filter(isVector) : []
}

function isVector(read: unknown): read is Vector {
  return typeof read === 'object' && read !== null && 'hex' in read && 'fields' in read && 'source' in read
}

function commandOf(fields: {readonly kind: string}): Command {
  if (!isCommand(fields)) throw new TypeError(`${fields.kind} is no command`)
  return fields
}

function isCommand(fields: {readonly kind: string}): fields is Command {
  return Object.hasOwn(COMMANDS, fields.kind)
}

/** As JSON has it: maps as objects. */
function plain(answer: object | null): unknown {
  const text = JSON.stringify(answer, (_, value: unknown) => {
    if (!(value instanceof Map)) return value
    const named: Record<string, unknown> = {}
    for (const [key, held] of value) named[String(key)] = held
    return named
  })
  const read: unknown = JSON.parse(text)
  return read
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(' '), byte => parseInt(byte, 16))
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}
