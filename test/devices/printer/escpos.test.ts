/** ESC/POS printers: golden bytes both ways, the two families against the emulator, bad bytes, and the real serial stack. */
import t from 'tap'
import {readFileSync} from 'node:fs'
import {COMMANDS, CONDITIONS, PROFILES} from '../../../devices/printer/escpos/bytes.ts'
import type {AnswerKind, CommandName, Condition} from '../../../devices/printer/escpos/bytes.ts'
import {
  automaticBytes,
  conditionsOfAutomatic,
  conditionsOfKiosk,
  conditionsOfRealtime,
  encode,
  frameShape,
  kioskBytes,
  paperByte,
  realtimeByte,
} from '../../../devices/printer/escpos/codec.ts'
import {EscPosPrinter} from '../../../devices/printer/escpos/driver.ts'
import {HostReader} from '../../../devices/printer/escpos/emulator-reader.ts'
import {EscPosEmulator} from '../../../devices/printer/escpos/emulator.ts'
import {jobOf} from '../../../devices/printer/escpos/layout.ts'
import {Framer} from '../../../devices/wire/framer.ts'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import {realClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {seededRandom} from '../../../kit/random.ts'
import {keysOf} from '../../../kit/table.ts'
import {ptyAvailable, skipUnless} from '../../needs.ts'
import {RECEIPT, cameOut, printerSuite, rigOf} from './suite.ts'

interface Vector {
  readonly name: string
  readonly from: 'host' | 'device'
  readonly command?: keyof typeof COMMANDS
  readonly arguments?: readonly number[]
  readonly hex?: string
  readonly realtime?: string
  readonly automatic?: string
  readonly kiosk?: string
  readonly paper?: string
  readonly conditions?: readonly Condition[]
  /** Conditions that the automatic bytes have no bit for. */
  readonly automaticLacks?: readonly Condition[]
}

const VECTORS = readVectors()

function readVectors(): readonly Vector[] {
  const url = new URL('../../../devices/printer/escpos/vectors.json', import.meta.url)
  const rows: unknown = JSON.parse(readFileSync(url, 'utf8'))
  if (!Array.isArray(rows)) throw new RangeError('vectors.json holds no list')
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- our own file; a wrong row fails its test
  return rows as readonly Vector[]
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(' '), pair => Number.parseInt(pair, 16))
}

function hexOf(bytes: Iterable<number>): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}

function isRealtime(command: CommandName): boolean {
  return command === 'realtimeStatus' || command === 'recover' || command === 'kioskStatus'
}

t.test('commands are written as the sources have them, and read by the emulator', async t => {
  const host = VECTORS.filter(({from}) => from === 'host')
  t.same(
    keysOf(COMMANDS).filter(name => !host.some(({command}) => command === name)),
    [],
    'each has a vector',
  )
  for (const {name, command, hex = '', arguments: args = []} of host) {
    if (command === undefined) throw new RangeError(`${name} names no command`)
    t.equal(hexOf(encode(command, ...args)), hex, name)
    const said = new HostReader().push(bytesOf(hex))
    t.equal(said.length, 1, name)
    t.match(said[0]?.kind, command === 'picture' ? 'image' : isRealtime(command) ? 'realtime' : 'command')
  }
})

t.test('status bytes, both ways', async t => {
  for (const vector of VECTORS.filter(({from}) => from === 'device')) {
    const conditions = vector.conditions ?? []
    const set = new Set(conditions)
    if (vector.realtime !== undefined) {
      t.equal(hexOf([1, 2, 3, 4].map(n => realtimeByte(n, set))), vector.realtime, vector.name)
      t.same(
        conditionsOfRealtime([...bytesOf(vector.realtime)]).toSorted(),
        [...conditions].toSorted(),
        vector.name,
      )
    }
    if (vector.automatic !== undefined) {
      t.equal(hexOf(automaticBytes(set)), vector.automatic, vector.name)
      t.same(
        conditionsOfAutomatic(bytesOf(vector.automatic)).toSorted(),
        conditions.filter(name => vector.automaticLacks?.includes(name) !== true).toSorted(),
        vector.name,
      )
    }
    if (vector.paper !== undefined) t.equal(hexOf([paperByte(set)]), vector.paper, vector.name)
    if (vector.kiosk !== undefined) {
      t.equal(hexOf(kioskBytes(set)), vector.kiosk, vector.name)
      t.same(conditionsOfKiosk(bytesOf(vector.kiosk)).toSorted(), [...conditions].toSorted(), vector.name)
    }
  }
})

t.test('every condition that stops printing tells the operator what to do', async t => {
  for (const name of keysOf(CONDITIONS)) {
    const {fault, action, meaning} = CONDITIONS[name]
    t.ok(meaning.length > 0, name)
    if (fault !== null) t.ok(action.endsWith('.'), name)
  }
})

t.test('answers are found in a stream, however it is cut, with flow control and noise between', async t => {
  const random = seededRandom('escpos')
  const answers: readonly (readonly [AnswerKind, 'desktop' | 'kiosk', string])[] = [
    ['realtime', 'desktop', '16'],
    ['queued', 'desktop', '0f'],
    ['automatic', 'desktop', '38 00 00 0f'],
    ['text', 'desktop', '5f 54 4d 2d 54 38 38 00'],
    ['id', 'desktop', '02'],
    ['kiosk', 'kiosk', '10 0f 05 00 00 00'],
    ['rom', 'kiosk', '31 2e 30 30'],
  ]
  for (const [kind, family, hex] of answers)
    for (let round = 0; round < 50; round++) {
      const framer = new Framer(frameShape(family, () => kind))
      const stream = [...(round % 2 === 0 ? [0x13, 0x11] : []), ...bytesOf(hex)]
      const verdicts = []
      for (let at = 0; at < stream.length;) {
        const lengthBytes = 1 + random.below(stream.length - at)
        verdicts.push(...framer.push(Uint8Array.from(stream.slice(at, at + lengthBytes)), 0))
        at += lengthBytes
      }
      t.same(
        verdicts
          .filter(({kind: one}) => one === 'frame')
          .map(one => ('bytes' in one ? hexOf(one.bytes) : '')),
        [hex],
        kind,
      )
    }
})

t.test('a bit that must not change is noticed in every automatic notice and kiosk block', async t => {
  const framed = (family: 'desktop' | 'kiosk', kind: AnswerKind, bytes: Uint8Array): boolean =>
    new Framer(frameShape(family, () => kind))
      .push(bytes, 0)
      .some(one => one.kind === 'frame' && one.bytes.length === bytes.length)
  const notice = bytesOf('10 00 00 0f')
  for (const [at, mask] of [
    [0, 0x93],
    [1, 0x90],
    [2, 0x90],
    [3, 0x10],
  ] as const)
    for (let bit = 1; bit <= 0x80; bit *= 2)
      if ((mask & bit) !== 0)
        t.notOk(
          framed(
            'desktop',
            'none',
            notice.map((byte, index) => (index === at ? byte ^ bit : byte)),
          ),
          `byte ${at} bit ${bit}`,
        )
  const block = bytesOf('10 0f 00 00 00 00')
  for (const at of [0, 1])
    for (let bit = 1; bit <= 0x80; bit *= 2)
      t.notOk(
        framed(
          'kiosk',
          'kiosk',
          block.map((byte, index) => (index === at ? byte ^ bit : byte)),
        ),
        `block byte ${at} bit ${bit}`,
      )
})

for (const profile of keysOf(PROFILES)) await printerSuite(t, profile)

t.test('a stuck cutter waits for a hand and then for the host', async t => {
  const rig = await rigOf('desktop')
  await rig.run(rig.printer.open())
  rig.emulator.plan({kind: 'cutterSticks'})
  t.match(await rig.run(rig.printer.print(RECEIPT)), {kind: 'partial', fault: 'cutter'})
  t.match(await rig.run(rig.printer.recover()), {fault: 'cutter'}, 'nobody has freed it yet')
  rig.emulator.freeCutter()
  t.match(await rig.run(rig.printer.recover()), {fault: null})
  t.match(await rig.run(rig.printer.print(RECEIPT)), {kind: 'printed'})
  t.ok(cameOut(rig))
})

t.test('a kiosk printer holds the ticket until somebody takes it', async t => {
  const rig = await rigOf('kiosk')
  await rig.run(rig.printer.open())
  await rig.run(rig.printer.print(RECEIPT))
  t.match(await rig.run(rig.printer.status()), {ticket: 'inMouth'})
  t.same(await rig.run(rig.printer.awaitTaken(1_000)), {kind: 'left'})
  rig.clock.after(500, () => {
    rig.emulator.takeTicket()
  })
  t.same(await rig.run(rig.printer.awaitTaken(20_000)), {kind: 'taken'})
})

t.test('a desktop printer tells by itself what changes', async t => {
  const rig = await rigOf('desktop')
  const heard: string[] = []
  rig.printer.onStatus(({paper, cover}) => heard.push(`${paper} ${cover}`))
  await rig.run(rig.printer.open())
  rig.emulator.setCover('open')
  rig.emulator.loadPaper(5)
  rig.emulator.setCover('closed')
  await rig.run(rig.clock.sleep(100))
  t.same(heard.slice(-3), ['ok open', 'low open', 'low closed'])
})

t.test('the emulator answers in the middle of an image, and passes over what it does not know', async t => {
  const {clock, emulator, printer, run} = await rigOf('desktop')
  await run(printer.open())
  const lines = emulator.transcript.length
  const reader = new HostReader()
  const image = [0x1d, 0x76, 0x30, 0x00, 2, 0, 24, 0, ...Array.from({length: 20}, () => 0xff)]
  t.same(reader.push(Uint8Array.from([...image, 0x10, 0x04, 0x01])), [
    {kind: 'image', widthDots: 16, heightDots: 24},
    {kind: 'realtime', function: 'status', n: 1},
  ])
  t.same(reader.push(Uint8Array.from([...Array.from({length: 25}, () => 0xff), 0x41])), [
    {kind: 'text', bytes: [0x41]},
  ])
  t.same(new HostReader().push(bytesOf('1b ff 41')), [
    {kind: 'unknown', bytes: [0x1b, 0xff]},
    {kind: 'text', bytes: [0x41]},
  ])
  t.same(
    new HostReader().push(bytesOf('1d 6b 04 31 32 00 1d 6b 49 02 31 32 0a')).map(({kind}) => kind),
    ['command', 'command', 'lineFeed'],
  )
  await run(clock.sleep(10))
  t.equal(emulator.transcript.length, lines)
})

t.test(
  'what would be taken for a real-time request, or fills more than a buffer, is our mistake',
  async t => {
    t.throws(
      () =>
        jobOf(
          Array.from({length: 200}, () => ({kind: 'pair', left: 'a'.repeat(30), right: 'b'})),
          PROFILES.desktop,
        ),
      {
        name: 'AssertionFailed',
      },
    )
    const job = jobOf(
      [{kind: 'text', text: 'a\u0010\u0004\u0001b', align: 'left', size: 'normal', bold: false}],
      PROFILES.desktop,
    )
    t.notMatch(hexOf(job), /10 04/, 'control characters do not come through')
  },
)

t.test('over the real serial stack', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const clock = realClock()
  const terminal = pseudoTerminal(`${t.testdir()}/printer`)
  const emulator = new EscPosEmulator(terminal.far, clock, {lineMs: 2})
  await emulator.start()
  const printer = new EscPosPrinter(
    serialLink(terminal.path, PROFILES.desktop.line, clock, silentLog),
    clock,
    silentLog,
  )
  t.teardown(async () => {
    await printer.close()
    await emulator.stop()
    terminal.remove()
  })
  t.match(await printer.open(), {kind: 'open', identity: {firmware: /ESCPOS-EMU/}})
  t.match(await printer.print(RECEIPT), {kind: 'printed'})
  terminal.hangUp()
  t.match(await printer.print(RECEIPT), {kind: /refused|unknown/})
  terminal.plug()
  t.equal((await printer.open()).kind, 'open')
  t.match(await printer.print(RECEIPT), {kind: 'printed'})
  t.equal(emulator.remains.tickets.length, 2)
})
