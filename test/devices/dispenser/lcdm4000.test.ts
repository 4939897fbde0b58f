/** LCDM-4000 alone: golden frames both ways, the error table, what answers and memory prove, and what strangers hear. */
import t from 'tap'
import {
  CASSETTE_BITS,
  COMMANDS,
  DEVICE_BITS,
  DEVICE_ID,
  errorRow,
  ERRORS,
  HANDSHAKE,
  PROFILES,
} from '../../../devices/dispenser/lcdm4000/bytes.ts'
import {answers, decode, encode} from '../../../devices/dispenser/lcdm4000/codec.ts'
import type {Answer, Command, Result} from '../../../devices/dispenser/lcdm4000/codec.ts'
import {Lcdm4000} from '../../../devices/dispenser/lcdm4000/driver.ts'
import {answerFrame, HostReader} from '../../../devices/dispenser/emulator-puloon-frames.ts'
import {
  FORMS,
  lengthsBody,
  outcomeBody,
  readAsked,
  readFour,
  readLengths,
  readOrder,
  said,
  statusBody,
} from '../../../devices/dispenser/lcdm4000/emulator-frames.ts'
import {Lcdm4000Emulator} from '../../../devices/dispenser/lcdm4000/emulator.ts'
import type {Lcdm4000EmulatorOptions} from '../../../devices/dispenser/lcdm4000/emulator.ts'
import {fits, foldDispense} from '../../../devices/dispenser/lcdm4000/fold.ts'
import {markOf, recallFrom, serialAfter} from '../../../devices/dispenser/lcdm4000/memory.ts'
import {Framer} from '../../../devices/wire/framer.ts'
import {seededRandom} from '../../../kit/random.ts'
import {dispenseAndCompare, markOf as markOn, pick, rigOf} from './conformance.ts'
import type {Rig} from './conformance.ts'
import {LCDM4000, LCDM4000_SERIAL} from './models.ts'
import {bareHost, bytesOf, framesHold, hexOf, missingOnPage, readVectors} from './puloon-frames.ts'

const VECTORS = readVectors('lcdm4000')
const HOST = VECTORS.filter(vector => vector.from === 'host')
const DEVICE = VECTORS.filter(vector => vector.from === 'device')

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
    const command = commandOf(fields)
    t.equal(hexOf(encode(command)), hex, name)
    const [heard, ...more] = new HostReader(DEVICE_ID).push(bytesOf(hex), 0)
    t.same(more, [])
    t.match(heard, {kind: 'command', code: bytesOf(hex)[3]}, name)
    if (heard?.kind === 'command') t.same(argumentRead(command, heard.argument), argumentSaid(command), name)
  }
})

/** What the emulator's own code reads of an argument, and what was said. */
function argumentRead(command: Command, argument: readonly number[]): unknown {
  switch (command.kind) {
    case 'dispense':
    case 'test':
      return readAsked(argument, FORMS.both)
    case 'setLengths':
      return readLengths(argument)
    case 'setOpacity':
      return readFour(argument)
    case 'setOrder':
      return readOrder(argument)
    case 'diagnose':
      return argument.map(byte => byte - 0x30)
    default:
      return []
  }
}

function argumentSaid(command: Command): unknown {
  switch (command.kind) {
    case 'dispense':
    case 'test':
      return {counts: command.counts, serial: command.serial}
    case 'setLengths':
    case 'setOpacity':
    case 'setOrder':
      return command.values
    case 'diagnose':
      return [command.cassette]
    default:
      return []
  }
}

t.test('the driver reads the golden answers, and the emulator writes them', async t => {
  for (const {name, hex, fields} of DEVICE) {
    const [verdict, ...more] = new Framer(HANDSHAKE.shape).push(bytesOf(hex), 0)
    t.same(more, [], name)
    if (verdict?.kind !== 'frame') {
      t.fail(`${name} is no frame`)
      continue
    }
    const answer = decode(verdict.bytes)
    t.same(answer, fields, name)
    if (answer !== null && answer.kind !== 'declined')
      t.equal(hexOf(answerFrame(DEVICE_ID, COMMANDS[answer.kind].code, bodyOf(answer))), hex, name)
    t.ok(
      Object.keys(COMMANDS).some(kind => answers(verdict.bytes, commandKind(kind))),
      name,
    )
  }
})

/** The body of an answer, written by the emulator's own code. */
function bodyOf(answer: Exclude<Answer, {kind: 'declined'}>): readonly number[] {
  const types = 'cassettes' in answer ? answer.cassettes.map(({type}) => type) : []
  switch (answer.kind) {
    case 'status': {
      const seen = (bit: number): boolean => (answer.bits & (1 << bit)) !== 0
      return statusBody(
        answer.error,
        {diverter: seen(0), eject: seen(2), exit: seen(3)},
        answer.cassettes.map(({bits, type, opacity, length}) => ({
          isThroatCovered: (bits & 1) !== 0,
          isPresent: (bits & 4) !== 0,
          isNearEnd: (bits & 8) !== 0,
          type,
          opacity,
          length,
        })),
      )
    }
    case 'purge':
      return outcomeBody(outcomeOf(answer), types)
    case 'dispense':
    case 'test':
      return [...outcomeBody(outcomeOf(answer), types), ...Array.from({length: 9}, () => 0x20)]
    case 'lastStatus':
      return [answer.command, ...outcomeBody(outcomeOf(answer), types)]
    case 'diagnose':
      return [answer.opacity, answer.length, answer.divertMs, answer.rejected].map(said)
    case 'opacity':
      return answer.values.map(said)
    case 'order':
      return answer.values.map(code => 0x30 + code)
    case 'lengths':
      return [said(answer.error), ...lengthsBody(answer.values)]
    case 'dispenseSerial':
      return [said(answer.error), said(answer.serial)]
    case 'version':
      return [...Buffer.from(answer.text)]
    default:
      return [said(answer.error)]
  }
}

function outcomeOf({error, missing, cassettes}: Result): Parameters<typeof outcomeBody>[0] {
  return {
    error,
    missing,
    out: cassettes.map(({out}) => out),
    rejected: cassettes.map(({rejected}) => rejected),
  }
}

t.test('frames', t => framesHold(t, VECTORS, {id: DEVICE_ID, shape: HANDSHAKE.shape}))

t.test(
  'an answer of the wrong length or with impossible fields is no answer, and no body breaks the codec',
  async t => {
    for (const {name, hex, fields} of DEVICE) {
      if (fields.kind === 'version') continue
      t.notMatch(decode(bytesOf(hex).slice(0, -1)), {kind: fields.kind}, `${name}, too short`)
      t.equal(decode(Uint8Array.from([...bytesOf(hex), 0x30])), null, `${name}, too long`)
    }
    const body = [...bytesOf('20 30 23 20 31 22 20 32 20 20 33 20 20 34')]
    t.match(decode(answerFrame(DEVICE_ID, 0x51, body)), {kind: 'purge'})
    t.equal(decode(answerFrame(DEVICE_ID, 0x51, body.with(4, 0x35))), null, 'a fifth cassette code')
    t.equal(decode(answerFrame(DEVICE_ID, 0x51, body.with(1, 0x2f))), null, 'fewer than no notes missing')
    t.equal(decode(answerFrame(DEVICE_ID, 0x51, body.with(2, 0x1f))), null, 'below the offset')
    t.equal(decode(answerFrame(DEVICE_ID, 0x5d, [0x31, 0x32, 0x33, 0x35])), null, 'a fifth place')
    t.equal(
      decode(answerFrame(DEVICE_ID, 0x5f, [0x20, 0x3c, 0x40, 0x3c, 0x36, 0x30, 0x30, 0x30, 0x30])),
      null,
    )
    t.equal(decode(answerFrame(DEVICE_ID, 0x71, [0xff, 0xfe])), null, 'a version that is no text')
    t.equal(decode(answerFrame(DEVICE_ID, 0x71, [])), null)
    t.match(
      decode(answerFrame(DEVICE_ID, 0x55, [0x00, ...body])),
      {kind: 'lastStatus', command: 0},
      'no command yet',
    )
    t.equal(decode(answerFrame(DEVICE_ID, 0x55, [0x52, ...body.with(2, 0x00)])), null)
    t.equal(decode(answerFrame(DEVICE_ID, 0x99, [0x20])), null, 'no such command')
    const random = seededRandom('bodies')
    const codes = Object.values(COMMANDS).map(({code}) => code)
    let read = 0
    for (let round = 0; round < 20_000; round += 1) {
      const code = codes[random.below(codes.length)] ?? 0
      const bytes = answerFrame(DEVICE_ID, code, [...random.bytes(random.below(26))])
      if (decode(bytes) !== null) read += 1
    }
    t.ok(read > 100, `${read} of 20,000 random bodies make sense, and none throws`)
  },
)

t.test('the error table is whole, its codes are different, and each says what to do', async t => {
  t.equal(ERRORS.length, 34)
  t.equal(new Set(ERRORS.map(({value}) => value)).size, ERRORS.length)
  for (const {code, fault, action} of ERRORS) t.equal(action.length > 0, fault !== null, code)
  t.match(errorRow(0x51), {fault: 'jam', class: 'inside', source: 'assumed'}, 'another family of firmware')
  t.same(missingOnPage('puloon-lcdm4000.md', ERRORS), [], 'the page lists them')
  t.equal(DEVICE_BITS.length, 6)
  t.equal(CASSETTE_BITS.length, 4)
})

const NONE = {out: 0, rejected: 0, type: 0x31}

function result(
  error: number,
  moved: readonly (readonly [out: number, rejected: number])[],
  missing = 0,
): Result {
  const cassettes = [0, 1, 2, 3].map(at => ({
    ...NONE,
    out: moved[at]?.[0] ?? 0,
    rejected: moved[at]?.[1] ?? 0,
    type: 0x31 + at,
  }))
  return {kind: 'dispense', error, missing, cassettes}
}

t.test('answers fold into what they prove', async t => {
  const three = [pick(1, 3)]
  const fold = (error: number, out: number, rejected: number, missing = 0) =>
    foldDispense(three, result(error, [[out, rejected]], missing))
  t.match(fold(0x00, 3, 0), {kind: 'dispensed', fault: null, tallies: [{cassette: 1, picked: 3}]})
  t.match(fold(0x00, 3, 1), {kind: 'dispensed', tallies: [{picked: 4, dispensed: 3, rejected: 1}]})
  t.match(
    fold(0x00, 3, 0, 1),
    {kind: 'dispensed', fault: 'count-mismatch'},
    'one is missing, but not of these',
  )
  t.match(fold(0x05, 3, 0), {kind: 'dispensed', fault: 'jam-at-mouth'}, 'all out, one more stuck')
  t.match(fold(0x01, 0, 0), {kind: 'refused', fault: 'pick-failed'})
  t.match(fold(0x24, 0, 0), {kind: 'refused', fault: 'cassette-missing'})
  t.match(fold(0x01, 0, 0, 1), {kind: 'partial', inPath: 1}, 'something is missing: it moved')
  t.match(fold(0x01, 2, 1), {kind: 'partial', fault: 'pick-failed', inPath: 0, counts: 'trusted'})
  t.match(fold(0x02, 0, 0), {kind: 'partial', fault: 'jam', inPath: 1, path: 'inside'}, 'a jam holds a note')
  t.match(fold(0x03, 1, 0, 2), {kind: 'partial', inPath: 2, tallies: [{picked: 3, dispensed: 1}]})
  t.match(fold(0x04, 1, 0), {kind: 'partial', path: 'atMouth', inPath: 1, tallies: [{picked: 2}]})
  t.match(fold(0x05, 1, 0), {kind: 'partial', path: 'atMouth', counts: 'trusted'})
  t.match(fold(0x0a, 1, 0), {kind: 'partial', path: 'atMouth'})
  for (const error of [0x06, 0x07, 0x08, 0x40])
    t.match(fold(error, 2, 0), {kind: 'partial', counts: 'inDoubt', fault: 'count-mismatch'})
  t.match(fold(0x07, 3, 0), {kind: 'partial', counts: 'inDoubt'}, 'even when the counts look right')
  t.match(fold(0x29, 4, 0), {kind: 'overpaid', tallies: [{dispensed: 4}]})
  t.match(fold(0x00, 4, 0), {kind: 'overpaid'}, 'counts decide, not the error')
  t.match(fold(0x29, 2, 0), {kind: 'partial', counts: 'inDoubt'}, 'overflow with less than asked: doubt')
  t.match(fold(0x00, 2, 0), {kind: 'partial', counts: 'inDoubt'}, 'short and yet good')
  t.match(fold(0x51, 2, 0), {kind: 'partial', fault: 'jam', inPath: 1}, 'an unknown error is a jam')
  const two = [pick(1, 2), pick(3, 2)]
  t.match(
    foldDispense(
      two,
      result(
        0x03,
        [
          [2, 0],
          [0, 0],
          [1, 0],
        ],
        1,
      ),
    ),
    {
      kind: 'partial',
      tallies: [
        {cassette: 1, picked: 2},
        {cassette: 3, picked: 2, dispensed: 1},
      ],
    },
    'the note in the path is of the first cassette that gave too little',
  )
  t.match(
    foldDispense(
      two,
      result(0x00, [
        [2, 0],
        [1, 0],
        [1, 0],
      ]),
    ),
    {kind: 'partial', counts: 'inDoubt'},
    'a note of a cassette that was not asked',
  )
})

t.test('memory proves an order only when it is newer than the mark and fits', async t => {
  const picks = [pick(1, 3), pick(2, 2)]
  const full = result(0x00, [
    [3, 0],
    [2, 0],
  ])
  const last = (command: number, of: Result) => ({...of, kind: 'lastStatus' as const, command})
  const memory = (command: number, of: Result, serial: number | null = null) => ({
    last: last(command, of),
    serial,
  })
  const old = markOf(memory(0x52, result(0x00, [[1, 0]])))
  const recalled = (found: ReturnType<typeof memory>, mark: string | null) =>
    recallFrom(found, {serial: 7, picks, mark})
  t.match(recalled(memory(0x52, full), old), {kind: 'moved', outcome: {kind: 'dispensed'}})
  t.same(recalled(memory(0x52, full), null), {kind: 'notRemembered'}, 'nothing without a mark')
  t.same(
    recalled(memory(0x52, full), markOf(memory(0x52, full))),
    {kind: 'notRemembered'},
    'the same as before',
  )
  for (const other of [0x51, 0x53, 0x20])
    t.same(recalled(memory(other, full), old), {kind: 'notRemembered'}, 'no dispense')
  t.same(
    recalled(
      memory(
        0x52,
        result(0x00, [
          [3, 0],
          [1, 0],
        ]),
      ),
      old,
    ),
    {kind: 'notRemembered'},
    'good, and not what was asked',
  )
  t.same(
    recalled(
      memory(
        0x52,
        result(0x03, [
          [0, 0],
          [0, 0],
          [1, 0],
        ]),
      ),
      old,
    ),
    {kind: 'notRemembered'},
    'not its cassette',
  )
  t.match(
    recalled(
      memory(
        0x52,
        result(
          0x03,
          [
            [3, 0],
            [1, 0],
          ],
          1,
        ),
      ),
      old,
    ),
    {kind: 'moved', outcome: {kind: 'partial'}},
  )
  t.same(recalled(memory(0x52, result(0x24, [])), old), {kind: 'movedNothing'}, 'its own result says so')

  const five = markOf(memory(0x52, full, 5))
  t.match(recalled(memory(0x52, full, 6), five), {kind: 'moved'}, 'the same counts, the next serial')
  for (const serial of [5, 7, 4])
    t.same(recalled(memory(0x52, full, serial), five), {kind: 'notRemembered'}, `serial ${serial} after 5`)
  t.match(recalled(memory(0x52, full, null), five), {kind: 'notRemembered'}, 'the profile lost its serials')
  t.equal(serialAfter(223), 0)
  t.ok(five.length <= 200 && /^[ -~]+$/.test(five), `a mark is short and printable: ${five}`)
  t.equal(fits(picks, full), true)
})

t.test('a serial firmware tells two equal orders apart; the long form cannot, and says so', async t => {
  for (const model of [LCDM4000_SERIAL, LCDM4000]) {
    const rig = await rigOf(model)
    t.equal((await dispenseAndCompare(t, rig, [pick(1, 2)], 'the first', 1)).kind, 'dispensed')
    const mark = await markOn(rig)
    rig.emulator.plan({kind: 'answerLost', when: 'after-moving'})
    t.equal((await dispenseAndCompare(t, rig, [pick(1, 2)], 'the same again', 2)).kind, 'unknown')
    const recall = await rig.run(rig.dispenser.recall({serial: 2, picks: [pick(1, 2)], mark}))
    if (model === LCDM4000_SERIAL) t.match(recall, {kind: 'moved', outcome: {kind: 'dispensed'}})
    else t.same(recall, {kind: 'notRemembered'})
  }
})

const options = (given: Lcdm4000EmulatorOptions): Promise<Rig> =>
  rigOf({
    ...LCDM4000,
    emulator: (link, clock, notes, noteMs) =>
      new Lcdm4000Emulator(link, clock, {1: notes, 2: notes, 3: notes, 4: notes}, {noteMs, ...given}),
  })

t.test('a reset answers twice, once or not at all, and is done either way', async t => {
  for (const resetAnswers of [0, 1, 2] as const) {
    const rig = await options({resetAnswers})
    rig.emulator.plan({kind: 'jam', at: 'mouth', afterNotes: 1})
    await dispenseAndCompare(t, rig, [pick(2, 3)], 'jam')
    const reset = await rig.run(rig.dispenser.reset())
    t.match(
      reset,
      {kind: 'reset', tallies: [{cassette: 2, dispensed: 1, rejected: 0}]},
      `${resetAnswers} answers`,
    )
    t.equal((await dispenseAndCompare(t, rig, [pick(1, 1)], 'serves again', 8)).kind, 'dispensed')
  }
})

t.test('memory that outlives the power is believed only where it is newer than the mark', async t => {
  for (const afterNotes of [0, 1, 2]) {
    const rig = await options({keepsLast: true})
    await dispenseAndCompare(t, rig, [pick(1, 1)], 'the order before', 1)
    const mark = await markOn(rig)
    rig.emulator.plan({kind: 'powerCut', afterNotes})
    t.equal((await dispenseAndCompare(t, rig, [pick(1, 2)], 'cut', 2)).kind, 'unknown')
    rig.emulator.powerOn()
    t.equal((await rig.run(rig.dispenser.open())).kind, 'open')
    const recall = await rig.run(rig.dispenser.recall({serial: 2, picks: [pick(1, 2)], mark}))
    t.same(recall, {kind: 'notRemembered'}, `cut after ${afterNotes}: it still tells the order before`)
  }
  const done = await options({keepsLast: true})
  const mark = await markOn(done)
  done.emulator.plan({kind: 'answerLost', when: 'after-moving'})
  await dispenseAndCompare(t, done, [pick(1, 2)], 'answer lost', 1)
  done.emulator.powerCut()
  done.emulator.powerOn()
  await done.run(done.dispenser.open())
  t.match(await done.run(done.dispenser.recall({serial: 1, picks: [pick(1, 2)], mark})), {
    kind: 'moved',
    outcome: {kind: 'dispensed'},
  })
})

t.test('an exchange that is not closed is carried on with, and idle FF means nothing', async t => {
  const rig = await options({closes: false})
  t.equal((await dispenseAndCompare(t, rig, [pick(1, 2), pick(4, 1)], 'no EOT')).kind, 'dispensed')
  t.equal((await dispenseAndCompare(t, rig, [pick(3, 40)], 'again', 8)).kind, 'dispensed')
})

t.test('what is set in its EEPROM is read back, and shows in status', async t => {
  const rig = await rigOf(LCDM4000)
  const {dispenser} = rig
  if (!(dispenser instanceof Lcdm4000)) throw new TypeError('another driver')
  t.same(await rig.run(dispenser.setNoteLengths([156, 133, 0, 0])), {kind: 'set'})
  t.same(await rig.run(dispenser.setOpacity([1, 2, 3, 4])), {kind: 'set'})
  t.same(await rig.run(dispenser.setCassetteOrder([2, 1, 4, 3])), {kind: 'set'})
  const lines = await rig.run(dispenser.describe())
  t.same(lines, [
    'version: LCDM4000 V1.0',
    'cassette order: 2 1 4 3',
    'opacity: 1 2 3 4',
    'note lengths: 155 mm 133 mm 126 mm 119 mm',
    'dispense serial: 0',
    'last motion: command 20, error 00: good; nothing counted, 0 missing',
  ])
  t.match(await rig.run(dispenser.status()), {
    cassettes: [{detail: 'code 32, opacity 1, note length 155 mm'}],
    rejectBin: 'unknown',
  })
  rig.emulator.powerCut()
  rig.emulator.powerOn()
  t.same((await rig.run(dispenser.describe())).slice(1, 4), lines.slice(1, 4), 'kept over a power cut')
  t.match(await rig.run(dispenser.diagnose(2)), {kind: 'diagnose', opacity: 2, rejected: 5})
  t.equal(rig.emulator.world.reject[2], 5)
  await t.rejects(dispenser.setNoteLengths([201, 0, 0, 0]), {name: 'AssertionFailed'})
  await t.rejects(dispenser.setCassetteOrder([1, 1, 2, 3]), {name: 'AssertionFailed'})
})

t.test('a device that lacks the rarer commands serves all the same', async t => {
  const rig = await rigOf(LCDM4000, {isOpen: false})
  const lost = {kind: 'answerLost', when: 'before-moving', on: 'identify'} as const
  for (let times = 0; times < 3; times += 1) rig.emulator.plan({...lost})
  const opened = await rig.run(rig.dispenser.open())
  t.match(opened, {kind: 'open', identity: {model: 'lcdm4000', firmware: 'not told'}})
  const askedCount = rig.emulator.transcript.length
  t.match(await rig.run(rig.dispenser.open()), {kind: 'open', identity: {firmware: 'not told'}})
  t.notOk(
    rig.emulator.transcript.slice(askedCount).some(({hex}) => hex.startsWith('04 30 02 71')),
    'it is not asked again',
  )
})

/** What a host says after another, and what it must hear. */
const TALKS: readonly (readonly [
  string,
  readonly (readonly [say: string, hear: string, forMs?: number])[],
  Lcdm4000EmulatorOptions?,
])[] = [
  [
    'an acknowledged answer is closed by EOT',
    [
      ['04 30 02 67 03 52', '06 01 30 02 67 20 20 03 57'],
      ['06', '04'],
      ['06', ''],
    ],
  ],
  [
    'a reset as lamassu knows it: answered before and after, each closed',
    [
      ['04 30 02 44 03 71', '06 01 30 02 44 20 03 54'],
      ['06', '04', 300],
      ['', '01 30 02 44 20 03 54', 1_000],
      ['06', '04'],
    ],
  ],
  ['a reset that nobody acknowledges', [['04 30 02 44 03 71', '06 01 30 02 44 20 03 54', 200]]],
  ['a wrong check byte', [['04 30 02 67 03 53', '15', 2_000]]],
  ['an unknown command', [['04 30 02 60 03 55', '06 01 30 02 60 50 03 00']]],
  [
    'stray FF',
    [
      ['ff ff', ''],
      ['ff 04 30 02 67 03 52', '06 01 30 02 67 20 20 03 57'],
    ],
  ],
  [
    'the form of lamassu, and its serial used again',
    [
      [
        '04 30 02 52 23 22 20 20 20 20 26 03 40',
        '06 01 30 02 52 20 30 23 20 31 22 20 32 20 20 33 20 20 34 20 20 20 20 20 20 20 20 20 03 57',
        900,
      ],
      ['06', '04'],
      ['04 30 02 67 03 52', '06 01 30 02 67 20 26 03 51'],
      ['06', '04'],
      [
        '04 30 02 52 23 22 20 20 20 20 26 03 40',
        '06 01 30 02 52 51 30 20 20 31 20 20 32 20 20 33 20 20 34 20 20 20 20 20 20 20 20 20 03 27',
      ],
      ['06', '04'],
      ['04 30 02 55 03 60', '06 01 30 02 55 52 20 30 23 20 31 22 20 32 20 20 33 20 20 34 03 22'],
    ],
  ],
  [
    'more than a hundred notes, none at all, a form that it does not take',
    [
      [
        '04 30 02 52 78 78 20 20 20 20 20 20 20 20 20 20 20 20 20 03 47',
        '06 01 30 02 52 2c 30 20 20 31 20 20 32 20 20 33 20 20 34 20 20 20 20 20 20 20 20 20 03 5a',
      ],
      ['06', '04'],
      [
        '04 30 02 52 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 03 47',
        '06 01 30 02 52 51 30 20 20 31 20 20 32 20 20 33 20 20 34 20 20 20 20 20 20 20 20 20 03 27',
      ],
      ['06', '04'],
      [
        '04 30 02 52 23 22 20 20 20 20 26 03 40',
        '06 01 30 02 52 51 30 20 20 31 20 20 32 20 20 33 20 20 34 20 20 20 20 20 20 20 20 20 03 27',
      ],
    ],
    {forms: 'long'},
  ],
]

t.test('what a host that is not ours hears', async t => {
  for (const [name, talk, given = {}] of TALKS) {
    const host = await bareHost(
      (link, clock) => new Lcdm4000Emulator(link, clock, {1: 100, 2: 100, 3: 100, 4: 100}, given),
    )
    for (const [say, hear, forMs] of talk) t.equal(await host.say(say, forMs), hear, `${name}: ${say}`)
  }
})

t.test('the lines are set as the profiles say', async t => {
  t.same(
    Object.entries(PROFILES).map(([name, {line, dispenseForm}]) => [
      name,
      line.baudRate,
      line.parity,
      dispenseForm,
    ]),
    [
      ['long', 9_600, 'even', 'long'],
      ['long-8n1', 9_600, 'none', 'long'],
      ['serial', 9_600, 'even', 'serial'],
      ['serial-8n1', 9_600, 'none', 'serial'],
    ],
  )
  const rig = await rigOf(LCDM4000)
  t.ok(rig.dispenser.errors.some(({code}) => code === '26'))
})

function commandOf(fields: {readonly kind: string}): Command {
  if (!isCommand(fields)) throw new TypeError(`${fields.kind} is no command`)
  return fields
}

function commandKind(kind: string): Command['kind'] {
  return commandOf({kind}).kind
}

function isCommand(fields: {readonly kind: string}): fields is Command {
  return Object.hasOwn(COMMANDS, fields.kind)
}
