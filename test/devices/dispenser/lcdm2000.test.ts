/** LCDM-2000 alone: golden frames both ways, the error table, and what its answers are folded into. */
import t from 'tap'
import {readFileSync} from 'node:fs'
import {COMMANDS, ERRORS, HANDSHAKE, KNOWN_ROMS} from '../../../devices/dispenser/lcdm2000/bytes.ts'
import {answers, decode, encode} from '../../../devices/dispenser/lcdm2000/codec.ts'
import type {Answer, Command, Counts} from '../../../devices/dispenser/lcdm2000/codec.ts'
import {Lcdm2000} from '../../../devices/dispenser/lcdm2000/driver.ts'
import {
  answerFrame,
  HostReader,
  oneCassetteBody,
  readCounts,
  twoCassettesBody,
} from '../../../devices/dispenser/lcdm2000/emulator-frames.ts'
import {Lcdm2000Emulator} from '../../../devices/dispenser/lcdm2000/emulator.ts'
import {foldDispense} from '../../../devices/dispenser/lcdm2000/fold.ts'
import {Framer} from '../../../devices/wire/framer.ts'
import {silentLog} from '../../../kit/log.ts'
import {dispenseAndCompare, pastOf, pick, rigOf} from './conformance.ts'
import type {Model} from './conformance.ts'

interface Vector {
  readonly name: string
  readonly from: 'host' | 'device'
  readonly hex: string
  readonly fields: {readonly kind: string}
  readonly source: string
}

const VECTORS = readVectors()
const HOST = VECTORS.filter(vector => vector.from === 'host')
const DEVICE = VECTORS.filter(vector => vector.from === 'device' && vector.fields.kind !== 'notice')

const MODEL: Model = {
  name: 'lcdm2000',
  driver: (link, clock) => new Lcdm2000(link, clock, silentLog),
  emulator: (link, clock, notes, noteMs) => new Lcdm2000Emulator(link, clock, {1: notes, 2: notes}, {noteMs}),
}

t.test('every command has golden frames, and every frame a source', async t => {
  for (const kind of Object.keys(COMMANDS)) {
    t.ok(
      HOST.some(({fields}) => fields.kind === kind),
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
  for (const {name, hex, fields} of HOST) {
    t.equal(hexOf(encode(commandOf(fields))), hex, name)
    const [said, ...more] = new HostReader().push(bytesOf(hex), 0)
    t.same(more, [])
    t.match(said, {kind: 'command', code: bytesOf(hex)[3]}, name)
    if (said?.kind === 'command' && said.argument.length > 0)
      t.same(readCounts(said.argument, said.argument.length === 2 ? 1 : 2), countsAsked(fields), name)
  }
})

t.test('the driver reads the golden answers, and the emulator writes them', async t => {
  for (const {name, hex, fields} of DEVICE) {
    const verdicts = new Framer(HANDSHAKE.shape).push(bytesOf(hex), 0)
    t.equal(verdicts.length, 1, name)
    const [verdict] = verdicts
    if (verdict?.kind !== 'frame') {
      t.fail(`${name} is no frame`)
      continue
    }
    const answer = decode(verdict.bytes)
    t.same(answer, fields, name)
    if (answer !== null && answer.kind !== 'declined') t.equal(hexOf(written(answer)), hex, name)
    t.ok(Object.keys(COMMANDS).some(kind => kind === fields.kind && isAnswerOf(verdict.bytes, kind)))
  }
})

t.test('notices are short frames of their own', async t => {
  for (const {name, hex} of VECTORS.filter(({fields}) => fields.kind === 'notice')) {
    const [verdict] = new Framer(HANDSHAKE.shape).push(bytesOf(hex), 0)
    t.match(verdict, {kind: 'frame'}, name)
    if (verdict?.kind === 'frame') t.equal(HANDSHAKE.isNotice?.(verdict.bytes), true, name)
  }
})

t.test('every one-bit flip of every golden frame is refused', async t => {
  for (const {name, from, hex} of VECTORS.filter(({fields}) => fields.kind !== 'notice')) {
    const good = bytesOf(hex)
    let taken = 0
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const flipped = good.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      const isTaken =
        from === 'host'
          ? new HostReader().push(flipped, 0).some(({kind}) => kind === 'command')
          : framesIn(flipped).length > 0
      if (isTaken) taken += 1
    }
    t.equal(taken, 0, `${name}: ${good.length * 8} flips`)
  }
})

t.test('an answer of the wrong length or with impossible fields is no answer', async t => {
  for (const {name, hex} of DEVICE) {
    t.equal(decode(bytesOf(hex).slice(0, -1)), null, `${name}, too short`)
    t.equal(decode(Uint8Array.from([...bytesOf(hex), 0])), null, `${name}, too long`)
  }
  t.equal(decode(answerFrame(0x45, oneCassetteBody(0x30, counted(1, 1, 0)).with(0, 0x3a))), null, 'no digit')
  t.equal(decode(answerFrame(0x46, [0x30, 0x30, 0x40, 0x80])), null, 'bit 7 of the first sensor byte')
  t.equal(decode(answerFrame(0x46, [0x31, 0x30, 0x80, 0x80])), null, 'first byte of status')
  t.equal(decode(answerFrame(0x99, [0x30])), null, 'no such command')
})

t.test('the error table is whole and its codes are different', async t => {
  t.equal(ERRORS.length, 30)
  t.equal(new Set(ERRORS.map(({byte}) => byte)).size, ERRORS.length)
  t.equal(ERRORS.filter(({class: kind}) => kind === 'mouth').length, 1)
  t.same(
    ERRORS.filter(({class: kind}) => kind === 'exitCount' || kind === 'over').map(({byte}) => byte),
    [0x34, 0x3d],
  )
  t.equal(Object.keys(KNOWN_ROMS).length, 4)
})

t.test('answers fold into what they prove', async t => {
  const three = [pick(1, 3)]
  const fold = (error: number, picked: number, out: number, rejected: number) =>
    foldDispense(three, {kind: 'dispenseUpper', error, counts: {...counted(picked, out, rejected)}})
  t.match(fold(0x30, 3, 3, 0), {kind: 'dispensed', fault: null})
  t.match(fold(0x30, 3, 3, 1), {kind: 'dispensed', tallies: [{picked: 4, dispensed: 3, rejected: 1}]})
  t.match(fold(0x35, 4, 3, 0), {kind: 'dispensed', fault: 'jam-at-mouth'}, 'all out, one more stuck')
  t.match(fold(0x38, 0, 0, 0), {kind: 'refused', fault: 'cassette-empty'})
  t.match(fold(0x38, 2, 2, 0), {kind: 'partial', fault: 'cassette-empty', inPath: 0, counts: 'trusted'})
  t.match(fold(0x33, 0, 0, 0), {kind: 'partial', fault: 'jam', inPath: 0}, 'a jam may hold an uncounted note')
  t.match(fold(0x41, 0, 0, 0), {kind: 'partial', fault: 'hardware'})
  t.match(fold(0x35, 2, 1, 0), {kind: 'partial', path: 'atMouth', inPath: 1, counts: 'trusted'})
  t.match(fold(0x3d, 3, 2, 0), {kind: 'partial', counts: 'inDoubt', inPath: 1})
  t.match(
    fold(0x3d, 3, 3, 0),
    {kind: 'partial', counts: 'inDoubt', inPath: 0},
    'even when the counts look right',
  )
  t.match(fold(0x34, 4, 4, 0), {kind: 'overpaid', tallies: [{dispensed: 4}]})
  t.match(fold(0x30, 4, 4, 0), {kind: 'overpaid'}, 'counts decide, not the error byte')
  t.match(fold(0x34, 2, 2, 0), {kind: 'partial', counts: 'inDoubt'}, 'overflow with less than asked: doubt')
  t.match(fold(0x30, 2, 2, 0), {kind: 'partial', counts: 'inDoubt'}, 'short and yet good')
  t.match(fold(0x7e, 3, 1, 1), {kind: 'partial', fault: 'jam', inPath: 1}, 'an unknown error is a jam')
  const both = foldDispense([pick(1, 2), pick(2, 2)], {
    kind: 'dispenseBoth',
    error: 0x34,
    upper: {...counted(3, 3, 0)},
    lower: {...counted(1, 1, 0)},
  })
  t.match(both, {kind: 'partial', counts: 'inDoubt'}, 'more of one and less of the other is not just more')
})

t.test('the emulator answers 3B, 37 and a purge as the paper says', async t => {
  const rig = await rigOf(MODEL)
  rig.emulator.plan({kind: 'jam', at: 'diverter', afterNotes: 1})
  await dispenseAndCompare(t, rig, [pick(1, 2)], 'jam')
  t.match(await rig.run(rig.dispenser.reset()), {kind: 'reset', tallies: null, status: {path: 'clear'}})
  t.equal(rig.emulator.world.reject[1], 1)
  t.match(await rig.run(rig.dispenser.status()), {kind: 'status', path: 'clear', fault: null})
  rig.emulator.operator.setRejectBin('out')
  t.match(await rig.run(rig.dispenser.reset()), {kind: 'failed', fault: 'reject-bin-missing'})
})

t.test('the other model behind the same wire is not taken for this one', async t => {
  const other: Model = {
    ...MODEL,
    emulator: (link, clock, notes) =>
      new Lcdm2000Emulator(link, clock, {1: notes, 2: notes}, {rom: 'O16TAD2C'}),
  }
  const rig = await rigOf(other, {isOpen: false})
  t.match(await rig.run(rig.dispenser.open()), {kind: 'failed', fault: 'not-supported'})
})

t.test('what the model cannot do is said, and memory is not claimed', async t => {
  const rig = await rigOf(MODEL)
  const {dispenser} = rig
  t.match(await rig.run(dispenser.present(1000)), {kind: 'notPresented', fault: 'not-supported'})
  t.match(await rig.run(dispenser.retract()), {kind: 'unknown', why: 'not-supported'})
  t.match(await rig.run(dispenser.reject()), {kind: 'unknown', why: 'not-supported'})
  t.same(await rig.run(dispenser.recall(pastOf([pick(1, 1)], 1))), {kind: 'notRemembered'})
})

t.test('the device goes on when the line dies, and only its ledger knows', async t => {
  const rig = await rigOf(MODEL)
  rig.clock.after(300, () => {
    rig.cable.pull()
  })
  const outcome = await dispenseAndCompare(t, rig, [pick(1, 5)], 'pulled')
  t.match(outcome, {kind: 'unknown', why: 'hung-up'})
  t.equal(rig.emulator.world.outlet[1], 5)
})

function readVectors(): readonly Vector[] {
  const url = new URL('../../../devices/dispenser/lcdm2000/vectors.json', import.meta.url)
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

function countsAsked(fields: {readonly kind: string}): readonly unknown[] {
  return Object.entries(fields)
    .filter(([name]) => name !== 'kind')
    .map(([, value]): unknown => value)
}

function isAnswerOf(frame: Uint8Array, kind: string): boolean {
  return answers(frame, commandOf({kind}).kind)
}

function written(answer: Exclude<Answer, {kind: 'declined'}>): Uint8Array {
  const code = COMMANDS[answer.kind].code
  switch (answer.kind) {
    case 'purge':
      return answerFrame(code, [answer.error])
    case 'status':
      return answerFrame(code, [0x30, answer.error, ...answer.sensors])
    case 'romVersion':
      return answerFrame(code, [...Buffer.from(`${answer.letter}${answer.version}T${answer.checksum}`)])
    case 'dispenseBoth':
      return answerFrame(code, twoCassettesBody(answer.error, answer.upper, answer.lower))
    default:
      return answerFrame(code, oneCassetteBody(answer.error, answer.counts))
  }
}

function framesIn(bytes: Uint8Array): readonly Uint8Array[] {
  const framer = new Framer(HANDSHAKE.shape)
  const verdicts = [...framer.push(bytes, 0), ...framer.idle(10_000)]
  return verdicts.flatMap(verdict => (verdict.kind === 'frame' ? [verdict.bytes] : []))
}

function counted(picked: number, out: number, rejected: number): Counts {
  return {picked, out, rejected, isNearEnd: false}
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(' '), byte => parseInt(byte, 16))
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}
