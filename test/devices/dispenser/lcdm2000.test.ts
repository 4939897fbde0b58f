/** LCDM-2000 alone: golden frames both ways, the error table, and what its answers are folded into. */
import t from 'tap'
import {
  COMMANDS,
  DEVICE_ID,
  ERRORS,
  HANDSHAKE,
  KNOWN_ROMS,
  LINE,
  VARIANTS,
} from '../../../devices/dispenser/lcdm2000/bytes.ts'
import {answers, decode, encode} from '../../../devices/dispenser/lcdm2000/codec.ts'
import type {Answer, Command, Counts} from '../../../devices/dispenser/lcdm2000/codec.ts'
import {answerFrame, HostReader} from '../../../devices/dispenser/emulator-puloon-frames.ts'
import {
  oneCassetteBody,
  readCounts,
  twoCassettesBody,
} from '../../../devices/dispenser/lcdm2000/emulator-frames.ts'
import {Lcdm1000Emulator, Lcdm2000Emulator} from '../../../devices/dispenser/lcdm2000/emulator.ts'
import type {Lcdm2000EmulatorOptions} from '../../../devices/dispenser/lcdm2000/emulator.ts'
import {foldDispense} from '../../../devices/dispenser/lcdm2000/fold.ts'
import type {DispenseOutcome} from '../../../devices/dispenser/port.ts'
import {Framer} from '../../../devices/wire/framer.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import {present} from '../../../kit/assert.ts'
import {VirtualClock, epochMs} from '../../../kit/clock.ts'
import {dispenseAndCompare, pastOf, pick, rigOf} from './conformance.ts'
import type {Rig} from './conformance.ts'
import {LCDM1000, LCDM2000} from './models.ts'
import {bareHost, bytesOf, framesHold, hexOf, missingOnPage, readVectors} from './puloon-frames.ts'

const VECTORS = readVectors('lcdm2000')
const HOST = VECTORS.filter(vector => vector.from === 'host')
const DEVICE = VECTORS.filter(vector => vector.from === 'device' && vector.fields.kind !== 'notice')

const MODEL = LCDM2000

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
    const [said, ...more] = new HostReader(DEVICE_ID).push(bytesOf(hex), 0)
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
    t.ok(
      Object.keys(COMMANDS).some(
        kind => [kind, 'declined'].includes(fields.kind) && isAnswerOf(verdict.bytes, kind),
      ),
      name,
    )
  }
})

t.test('notices are short frames of their own', async t => {
  for (const {name, hex} of VECTORS.filter(({fields}) => fields.kind === 'notice')) {
    const [verdict] = new Framer(HANDSHAKE.shape).push(bytesOf(hex), 0)
    t.match(verdict, {kind: 'frame'}, name)
    if (verdict?.kind === 'frame') t.equal(HANDSHAKE.isNotice?.(verdict.bytes), true, name)
  }
})

t.test('frames', t => framesHold(t, VECTORS, {id: DEVICE_ID, shape: HANDSHAKE.shape}))

t.test('an answer of the wrong length or with impossible fields is no answer', async t => {
  for (const {name, hex} of DEVICE) {
    t.equal(decode(bytesOf(hex).slice(0, -1)), null, `${name}, too short`)
    t.equal(decode(Uint8Array.from([...bytesOf(hex), 0])), null, `${name}, too long`)
  }
  t.equal(
    decode(answerFrame(DEVICE_ID, 0x45, oneCassetteBody(0x30, counted(1, 1, 0)).with(0, 0x3a))),
    null,
    'no digit',
  )
  t.equal(
    decode(answerFrame(DEVICE_ID, 0x46, [0x30, 0x30, 0x40, 0x80])),
    null,
    'bit 7 of the first sensor byte',
  )
  t.equal(decode(answerFrame(DEVICE_ID, 0x46, [0x31, 0x30, 0x80, 0x80])), null, 'first byte of status')
  t.equal(decode(answerFrame(DEVICE_ID, 0x99, [0x30])), null, 'no such command')
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
  t.same(missingOnPage('puloon-lcdm2000.md', ERRORS), [], 'the page lists them')
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
  t.match(
    fold(0x35, 2, 1, 1),
    {kind: 'partial', path: 'atMouth', inPath: 1, tallies: [{picked: 3, dispensed: 1, rejected: 1}]},
    'the throat left the reject out, and a note is at the mouth all the same',
  )
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
  for (const [driven, there] of [
    [LCDM2000, LCDM1000],
    [LCDM1000, LCDM2000],
  ] as const) {
    const rig = await rigOf({...driven, emulator: there.emulator}, {isOpen: false})
    t.match(await rig.run(rig.dispenser.open()), {kind: 'failed', fault: 'not-supported'}, there.name)
  }
})

t.test('LCDM-1000: one cassette, its own status bits, no code that belongs to a second cassette', async t => {
  const rig = await rigOf(LCDM1000)
  const {dispenser, emulator} = rig
  t.same(dispenser.capabilities.cassettes, [1])
  t.equal(dispenser.capabilities.notesPerBunchMax, 60)
  t.same(
    VARIANTS.lcdm2000.errors
      .filter(({byte}) => !dispenser.errors.some(({code}) => parseInt(code, 16) === byte))
      .map(({byte}) => byte),
    [0x3a, 0x40, 0x46, 0x48, 0x4c],
  )
  emulator.operator.setRejectBin('out')
  emulator.operator.setCassette(1, 'out')
  const status = await rig.run(dispenser.status())
  t.match(status, {rejectBin: 'missing', cassettes: [{cassette: 1, state: 'missing'}], path: 'clear'})
  emulator.operator.setRejectBin('in')
  emulator.operator.setCassette(1, 'in')
  emulator.plan({kind: 'jam', at: 'mouth', afterNotes: 1})
  await dispenseAndCompare(t, rig, [pick(1, 3)], 'jam at the mouth')
  t.match(await rig.run(dispenser.status()), {
    path: 'blocked',
    media: 'atMouth',
    transport: 'inoperative',
    error: {code: '35', action: /mouth/},
  })
})

/** `heard: said`: what a host says after another, and what it must hear; `..` stands for a time that passes. */
const TALKS: readonly (readonly [
  string,
  readonly (readonly [say: string, hear: string, forMs?: number])[],
])[] = [
  [
    'status',
    [
      ['04 50 02 46 03 13', '06 01 50 02 46 30 30 80 80 03 16'],
      ['06', ''],
    ],
  ],
  ['a wrong check byte is refused, and the command did not run', [['04 50 02 45 31 30 03 12', '15', 5_000]]],
  ['an unknown command', [['04 50 02 48 03 1d', '06 01 50 02 48 37 03 2f']]],
  [
    'no notes, too many notes, no number, too few digits',
    [
      ['04 50 02 45 30 30 03 10', '06 01 50 02 45 30 30 30 30 3b 30 30 30 03 1e'],
      ['04 50 02 45 36 31 03 17', '06 01 50 02 45 30 30 30 30 3b 30 30 30 03 1e'],
      ['04 50 02 45 41 31 03 60', '06 01 50 02 45 30 30 30 30 3b 30 30 30 03 1e'],
      ['04 50 02 45 31 03 21', '06 01 50 02 45 30 30 30 30 3b 30 30 30 03 1e'],
    ],
  ],
  [
    'stray bytes, FF for NAK, and an EOT right before a frame',
    [
      ['ff ff 00 7f 02', ''],
      ['04 04 50 02 46 03 13', '06 01 50 02 46 30 30 80 80 03 16'],
      ['ff', ''],
    ],
  ],
  [
    'an answer comes three times without an ACK',
    [
      ['04 50 02 46 03 13', '06 01 50 02 46 30 30 80 80 03 16', 499],
      ['', '01 50 02 46 30 30 80 80 03 16', 500],
      ['', '01 50 02 46 30 30 80 80 03 16', 500],
      ['', '', 5_000],
    ],
  ],
  [
    'a NAK asks for it again, the third one ends it',
    [
      ['04 50 02 46 03 13', '06 01 50 02 46 30 30 80 80 03 16'],
      ['15', '01 50 02 46 30 30 80 80 03 16'],
      ['15', '01 50 02 46 30 30 80 80 03 16'],
      ['15', '', 5_000],
    ],
  ],
  [
    'a host that never acknowledges is served all the same',
    [
      ['04 50 02 46 03 13', '06 01 50 02 46 30 30 80 80 03 16'],
      ['04 50 02 47 03 12', '06 01 50 02 47 54 32 30 54 35 36 32 34 03 10'],
    ],
  ],
  [
    'a frame that stopped midway is forgotten',
    [
      ['04 50 02 45', '', 300],
      ['04 50 02 46 03 13', '06 01 50 02 46 30 30 80 80 03 16'],
    ],
  ],
  [
    'while it moves it hears nothing',
    [
      ['04 50 02 45 30 32 03 12', '06', 100],
      ['04 50 02 46 03 13', '', 100],
      ['', '01 50 02 45 30 32 30 32 30 30 30 30 03 15', 200],
    ],
  ],
]

t.test('what a host that is not ours hears', async t => {
  for (const [name, talk] of TALKS) {
    const host = await bareHost((link, clock) => new Lcdm2000Emulator(link, clock, {1: 100, 2: 100}))
    for (const [say, hear, forMs] of talk) t.equal(await host.say(say, forMs), hear, `${name}: ${say}`)
  }
  const old = await bareHost((link, clock) => new Lcdm1000Emulator(link, clock, {1: 100}))
  for (const [say, hear] of [
    ['04 50 02 47 03 12', '06 01 50 02 47 4f 31 36 54 41 44 32 43 03 7f'],
    ['04 50 02 55 31 32 03 03', '06 01 50 02 55 37 03 32'],
    ['04 50 02 56 30 33 30 32 03 02', '06 01 50 02 56 37 03 31'],
    ['04 50 02 77 03 22', '06 01 50 02 77 37 03 10'],
  ] as const) {
    t.equal(await old.say(say), hear, `LCDM-1000: ${say}`)
    await old.say('06')
  }
})

t.test('a command that is not understood did not run; any other short answer proves nothing', async t => {
  const short = async (error: number): Promise<DispenseOutcome> => {
    const clock = new VirtualClock(epochMs(0))
    const {near, far} = loopbackPair(clock)
    await far.open({
      bytes: chunk => {
        const code = chunk[3]
        if (code === 0x46)
          void far.write(Uint8Array.of(0x06, ...answerFrame(DEVICE_ID, 0x46, [0x30, 0x30, 0x80, 0x80])))
        if (code === 0x45) void far.write(Uint8Array.of(0x06, ...answerFrame(DEVICE_ID, 0x45, [error])))
      },
      lost: () => undefined,
    })
    const dispenser = LCDM2000.driver(near, clock)
    const outcomes: DispenseOutcome[] = []
    void (async () => {
      await dispenser.open()
      outcomes.push(await dispenser.dispense([pick(1, 2)], 1))
    })()
    await clock.runUntil(() => outcomes.length > 0, 600_000)
    return present(outcomes[0], 'an outcome')
  }
  t.match(await short(0x37), {kind: 'refused'})
  t.match(await short(0x3b), {kind: 'refused'})
  t.match(await short(0x38), {kind: 'unknown'})
})

t.test('quirks of real ones: the error over a power cut, the throat without rejects, progress', async t => {
  const quirky = (options: Lcdm2000EmulatorOptions): Promise<Rig> =>
    rigOf({
      ...LCDM2000,
      emulator: (link, clock, notes) => new Lcdm2000Emulator(link, clock, {1: notes, 2: notes}, options),
    })
  for (const keepsError of [false, true]) {
    const rig = await quirky({keepsError})
    rig.emulator.plan({kind: 'pickFails', afterNotes: 1})
    await dispenseAndCompare(t, rig, [pick(1, 2)], 'pick fails')
    rig.emulator.powerCut()
    rig.emulator.powerOn()
    const status = await rig.run(rig.dispenser.status())
    t.equal(status.fault, keepsError ? 'pick-failed' : null)
    t.equal(
      (await dispenseAndCompare(t, rig, [pick(1, 2)], 'an old error stops nothing', 8)).kind,
      'dispensed',
    )
  }
  const leaving = await quirky({throatLeavesRejectsOut: true})
  leaving.emulator.plan({kind: 'doublePick', afterNotes: 1, times: 1})
  t.match(await dispenseAndCompare(t, leaving, [pick(1, 3)], 'rejects left out'), {
    kind: 'dispensed',
    tallies: [{picked: 5, dispensed: 3, rejected: 2}],
  })
  const telling = await quirky({tellsProgress: true})
  t.equal((await dispenseAndCompare(t, telling, [pick(1, 3), pick(2, 1)], 'notices')).kind, 'dispensed')
  t.ok(telling.emulator.transcript.some(({hex}) => hex === '01 8d 31'))
})

t.test('the line is set as the page says', async t => {
  t.same(LINE, {baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1, rtscts: false})
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
      return answerFrame(DEVICE_ID, code, [answer.error])
    case 'status':
      return answerFrame(DEVICE_ID, code, [0x30, answer.error, ...answer.sensors])
    case 'romVersion':
      return answerFrame(DEVICE_ID, code, [
        ...Buffer.from(`${answer.letter}${answer.version}T${answer.checksum}`),
      ])
    case 'dispenseBoth':
      return answerFrame(DEVICE_ID, code, twoCassettesBody(answer.error, answer.upper, answer.lower))
    default:
      return answerFrame(DEVICE_ID, code, oneCassetteBody(answer.error, answer.counts))
  }
}

function counted(picked: number, out: number, rejected: number): Counts {
  return {picked, out, rejected, isNearEnd: false}
}
