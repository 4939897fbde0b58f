// `tellerd emulate` as a rig meets it: processes of their own, driven by our drivers over the real serial stack and
// by commands, killed, restarted, and started wrongly.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import {noteCount} from '../../kit/money.ts'
import {silentLog} from '../../kit/log.ts'
import {serialLink} from '../../devices/wire/serial.ts'
import type {Dispenser} from '../../devices/dispenser/port.ts'
import {DISPENSERS, PIN_PADS, READERS} from '../../src/drivers.ts'
import type {SerialModel} from '../../src/drivers.ts'
import {STANDS} from '../../src/bench/stands.ts'
import {uhidProblem} from '../../devices/wire/hid-uhid.ts'
import {PACES} from '../../src/bench/pace.ts'
import {DEMO_TRACKS} from '../../src/bench/stands/cards.ts'
import {pinIn, pinKey, request} from '../devices/pin-pad/suite.ts'
import {ptyAvailable, skipUnless} from '../needs.ts'
import {ControlSocket, TellerdProcess, clock, fieldsOf, until} from './standing.ts'

const folder = mkdtempSync(join(tmpdir(), 'tellerd-emulate-'))
const running = new Set<TellerdProcess>()
t.teardown(async () => {
  for (const one of running) if (one.isRunning) await one.kill('SIGKILL')
  rmSync(folder, {recursive: true})
})

let madeCount = 0
/** A path of its own in the folder of this run. */
function path(name: string): string {
  madeCount += 1
  return join(folder, `${madeCount}-${name}`)
}

function start(...args: readonly string[]): TellerdProcess {
  const one = new TellerdProcess(['emulate', ...args])
  running.add(one)
  return one
}

/** Our driver on the real serial stack. */
function driverAt<Port>({line, on}: SerialModel<Port>, port: string): Port {
  return on(serialLink(port, line, clock, silentLog), clock, silentLog)
}

/** Lists of texts that an answer holds under that name. */
function texts(fields: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const list = fields[name]
  if (!Array.isArray(list)) throw new RangeError(`no list ${name}`)
  return list.map(String)
}

/** All notes of a world, wherever they are. */
function notesIn(world: Readonly<Record<string, unknown>>): number {
  return Object.entries(world).reduce((sum, [name, value]) => {
    if (!Array.isArray(value)) return sum
    const counts = value.map((one: unknown) => {
      const {count} = name === 'cassettes' ? fieldsOf(JSON.stringify(one)) : {count: one}
      return Number(count)
    })
    return sum + counts.reduce((all, count) => all + count, 0)
  }, 0)
}

/** What a fault of `help` is as a plan, with as little as it takes. */
async function planned(one: TellerdProcess, fault: string): Promise<Readonly<Record<string, unknown>>> {
  const text = fault
    .replaceAll(/ ?\[[^\]]*\]/g, '')
    .replace('CODE', '30')
    .replace('STATUS', '042')
    .replace(/\bN\b/, '1')
  const answer = await one.ask(`plan ${text.replace(' on ORDER', '')}`)
  const [, order] = /one of ([^,]+)/.exec(String(answer['error'])) ?? []
  return order === undefined ? answer : one.ask(`plan ${text.replace('ORDER', order)}`)
}

t.test('every model starts, answers each of its commands with one object, and ends', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  for (const [name, load] of Object.entries(STANDS)) {
    const {profiles, faults, wire} = await load()
    const last = Object.keys(profiles).at(-1) ?? ''
    const link = path(name)
    const one = start(name, '--link', link, '--profile', last)
    if (wire === 'hid' && uhidProblem() !== null) {
      t.same(await one.ended(), {code: 1, signal: null})
      t.match(one.err, /^tellerd: .*\/dev\/uhid.*\n$/, `${name}: one line says what is missing`)
      t.notOk(existsSync(link))
      continue
    }
    t.same(await one.ready(), {ready: true, model: name, profile: last, link})
    t.ok(statSync(link).isCharacterDevice(), `${name}: the link leads to a terminal`)
    const help = await one.ask('help')
    t.same(help['faults'], faults)
    for (const fault of faults) t.match(await planned(one, fault), {planned: /./}, `${name}: ${fault}`)
    const world = await one.ask('show world')
    t.ok(Object.keys(world).length > 0, `${name} has a world`)
    const commands = texts(help, 'commands').map(text => text.replace(/: .*/, ''))
    let askedCount = one.out.length
    for (const words of commands.filter(words => words !== 'quit')) {
      const isWithArguments = /\b[A-Z]+\b/.test(words)
      const answer = await one.ask(words.replaceAll(/\b[A-Z]+\b/g, '~'))
      askedCount += 1
      t.equal('error' in answer, isWithArguments, `${name}: ${words}: ${JSON.stringify(answer)}`)
    }
    t.match(await one.ask('juggle'), {error: 'no command fits that line; help lists them'})
    t.equal(one.out.length, askedCount + 1, `${name}: one line for each command`)
    t.same(await one.ask('quit'), {ended: true})
    t.same(await one.ended(), {code: 0, signal: null})
    t.equal(one.err, '')
    t.notOk(existsSync(link), `${name}: the link is gone`)
  }
})

t.test('a dispenser with our driver: each cassette alone and both, and the notes outlive a kill', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const link = path('dispenser')
  const world = path('world.json')
  const first = start('lcdm2000', '--link', link, '--world', world)
  await first.ready()
  t.equal(notesIn(fieldsOf(readFileSync(world, 'utf8'))), 4_000, 'there before the first byte')
  const dispenser = driverAt(DISPENSERS.lcdm2000, link)
  t.match(await dispenser.open(), {kind: 'open', identity: {model: 'lcdm2000'}})
  const order = (upper: number, lower: number) =>
    [
      {cassette: 1, count: upper},
      {cassette: 2, count: lower},
    ].flatMap(({cassette, count}) => (count === 0 ? [] : [{cassette, count: noteCount(count)}]))
  t.match(await dispenser.dispense(order(3, 0), 1), {kind: 'dispensed'})
  t.match(await dispenser.dispense(order(0, 2), 2), {kind: 'dispensed'})
  t.match(await dispenser.dispense(order(1, 4), 3), {kind: 'dispensed'})
  t.match(await first.ask('show world'), {cassettes: [{count: 1_996}, {count: 1_994}], outlet: [4, 6]})
  t.same(await first.ask('take notes'), {taken: [4, 6]})
  await first.kill('SIGKILL')
  t.equal(statSync(link, {throwIfNoEntry: false}), undefined, 'a killed emulator leaves a link to nowhere')
  t.ok(readlinkSync(link).startsWith('/dev/pts/'))

  const second = start('lcdm2000', '--link', link, '--world', world, '--plan', 'jam after 1')
  await second.ready()
  t.match(await second.ask('show world'), {
    cassettes: [{count: 1_996}, {count: 1_994}],
    outlet: [0, 0],
    customer: [4, 6],
  })
  t.match(await dispenser.open(), {kind: 'open'}, 'the same driver goes on')
  const jammed = await dispenser.dispense(order(0, 3), 4)
  t.match(jammed, {kind: 'partial'}, 'as planned on the command line')
  await second.ask('clear path')
  await second.ask('plan pick fails after 1')
  t.match(await dispenser.dispense(order(3, 0), 5), {kind: 'partial'}, 'as planned by a command')
  t.equal(notesIn(await second.ask('show world')), 4_000)
  await dispenser.close()
  t.same(await second.kill('SIGTERM'), {code: 0, signal: null})
})

t.test('killed at any moment of a movement, no note is lost or made', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const link = path('dispenser')
  const world = path('world.json')
  for (const cassette of [1, 2]) {
    const one = start('lcdm2000', '--link', link, '--world', world, '--pace')
    await one.ready()
    const dispenser: Dispenser = driverAt(DISPENSERS.lcdm2000, link)
    t.match(await dispenser.open(), {kind: 'open'})
    // What the kill before left in the path would be in the way.
    await one.ask('clear path')
    const before = notesIn(await one.ask('show world'))
    const dispensing = dispenser.dispense([{cassette, count: noteCount(20)}], 1)
    await until(
      'the first notes',
      async () => Number(texts(await one.ask('show world'), 'outlet')[cassette - 1]) >= 2,
    )
    await one.kill('SIGKILL')
    t.match(await dispensing, {kind: 'unknown'})
    await dispenser.close()
    const left = fieldsOf(readFileSync(world, 'utf8'))
    t.equal(notesIn(left), before, `cassette ${cassette}`)
    t.not(left['cassettes'], undefined)
  }
})

t.test('--pace: motors take their time', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const link = path('slow')
  const one = start('lcdm2000', '--link', link, '--pace')
  await one.ready()
  const dispenser = driverAt(DISPENSERS.lcdm2000, link)
  t.match(await dispenser.open(), {kind: 'open'})
  const startMs = clock.monotonicMs()
  t.match(await dispenser.dispense([{cassette: 2, count: noteCount(6)}], 1), {kind: 'dispensed'})
  // A slow machine can only make it longer.
  t.ok(clock.monotonicMs() - startMs >= 6 * PACES.iron.noteMs, 'no faster than its motors')
  await dispenser.close()
  await one.ask('quit')
  await one.ended()
})

t.test(
  'a card reader with our driver, its card moved by the control socket after standard input has ended',
  async t => {
    if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
    const link = path('reader')
    const control = path('control')
    const transcript = path('transcript')
    const one = start('crt310', '--link', link, '--control', control, '--transcript', transcript)
    t.match(await one.ready(), {control})
    one.endInput()
    const hand = new ControlSocket(control)
    const other = new ControlSocket(control)
    const reader = driverAt(READERS.crt310, link)
    t.match(await reader.open(), {kind: 'open'})
    const accepting = reader.accept()
    await until('the mouth', async () => (await hand.ask('insert card ada'))['outcome'] === 'inserted')
    const accepted = await accepting
    t.equal(accepted.kind, 'inserted')
    const ejecting = reader.eject(20_000)
    await until('the card', async () => (await other.ask('take card'))['card'] === 'ada')
    t.same(await ejecting, {kind: 'taken'})
    t.match(await hand.ask('insert card nobody'), {error: /there is no card 'nobody'/})
    t.ok(one.isRunning, 'the end of its input did not end it')

    await reader.close()
    const shown = await hand.ask('show transcript')
    const lines = readFileSync(transcript, 'utf8').trimEnd().split('\n')
    t.same(
      lines.map(line => line.replace(/^ *[0-9]+\.[0-9]{3} /, '').replace(/ +/, ' ')),
      (Array.isArray(shown['transcript']) ? shown['transcript'] : []).map((each: unknown) => {
        const {from, hex} = fieldsOf(JSON.stringify(each))
        return `${String(from)} ${String(hex)}`
      }),
    )
    const track = DEMO_TRACKS.get('ada') ?? 'missing'
    const asBytes = Array.from(track.slice(0, 8), digit => digit.charCodeAt(0).toString(16)).join(' ')
    t.notMatch(lines.join('\n'), new RegExp(asBytes, 'i'), 'no track in the file')
    t.same(await one.kill('SIGTERM'), {code: 0, signal: null})
    t.notOk(existsSync(link), 'a signal removes the link')
    t.notOk(existsSync(control), 'and the socket')
    hand.close()
    other.close()
  },
)

t.test('a PIN pad with our driver, its keys pressed by commands that are not repeated', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const link = path('pad')
  const world = path('world.json')
  const one = start('szzt', '--link', link, '--world', world)
  await one.ready()
  const pad = driverAt(PIN_PADS.szzt, link)
  t.match(await pad.open(), {kind: 'open'})
  t.match(await pad.loadKey(pinKey()), {kind: 'loaded'})
  const entering = pad.enterPin(request())
  await until('PIN mode', async () => (await one.ask('show state'))['mode'] === 'pin')
  t.same(await one.ask('press key 7 3 9 1 enter'), {pressedCount: 5})
  t.equal(pinIn(await entering), '7391')
  t.match(await one.ask('press key 7391'), {error: /^that is no key/})
  t.match(await one.ask('7391'), {error: /^no command fits/})
  await pad.close()
  t.same(await one.kill('SIGINT'), {code: 0, signal: null})
  t.notMatch([...one.out, one.err, readFileSync(world, 'utf8')].join('\n'), /7391|7 3 9 1/)
})

t.test('the cable and the power, by command', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const link = path('dispenser')
  const one = start('lcdm2000', '--link', link)
  await one.ready()
  const dispenser = driverAt(DISPENSERS.lcdm2000, link)
  t.match(await dispenser.open(), {kind: 'open'})
  t.same(await one.ask('pull cable'), {cable: 'pulled'})
  t.match(await dispenser.status(), {kind: 'failed'})
  t.match(await dispenser.open(), {kind: 'failed', fault: 'not-opened'})
  t.same(await one.ask('plug cable'), {cable: 'plugged'})
  t.match(await dispenser.open(), {kind: 'open'})
  t.same(await one.ask('cut power'), {power: 'off'})
  t.match(await dispenser.status(), {kind: 'failed', fault: 'no-answer'})
  t.same(await one.ask('restore power'), {power: 'on'})
  t.match(await dispenser.status(), {kind: 'status', path: 'clear'})
  await dispenser.close()
  await one.kill('SIGTERM')
})

t.test('commands in any pieces are answered in order; what is too much is refused', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const one = start('lcdm2000', '--link', path('x'))
  await one.ready()
  one.type('show st')
  one.type('ate\n\n  plan   jam   after 2 \ntake')
  one.type(' notes\n')
  t.match(await one.answer(), {power: 'on'})
  t.same(await one.answer(), {planned: 'jam   after 2'})
  t.same(await one.answer(), {taken: [0, 0]})
  t.match(await one.ask('x'.repeat(100_000)), {error: 'that line is too long'})
  for (let count = 0; count < 255; count += 1) await one.ask('plan jam')
  t.match(
    await one.ask('plan jam'),
    {error: 'plan: 256 faults wait already'},
    'one plan too many is an answer, not an end',
  )
  t.match(await one.ask('plan jam on moon'), {error: /^plan: 'moon' is none of dispense, /})
  t.match(await one.ask('load 5'), {error: 'load takes 2 numbers'})
  t.match(await one.ask('load 5 -1'), {error: /from 0 to/})
  t.same(await one.ask('quit'), {ended: true})
  await one.ended()
})

t.test('a link of somebody newer is left alone; a dead socket and a dead link are replaced', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const link = path('link')
  const control = path('control')
  symlinkSync('/nowhere/at/all', link)
  const older = start('lcdm2000', '--link', link, '--control', control)
  await older.ready()
  const busy = start('lcdm2000', '--link', path('other'), '--control', control)
  t.match(await busy.ended(), {code: 2})
  t.equal(busy.err, `tellerd: --control ${control}: another program listens there\n`)
  await older.kill('SIGKILL')
  const newer = start('lcdm2000', '--link', link, '--control', control)
  await newer.ready()
  const third = start('lcdm2000', '--link', link)
  await third.ready()
  const target = readlinkSync(link)
  t.same(await newer.kill('SIGTERM'), {code: 0, signal: null})
  t.equal(readlinkSync(link), target, 'it belongs to the third')
  await third.kill('SIGTERM')
  t.notOk(existsSync(link))
})

interface Bad {
  readonly args: readonly string[]
  readonly says: RegExp
  /** Content of a world file, given with `--world`. */
  readonly world?: string
}

t.test('bad input is one clear line and exit 2, and touches nothing', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const folderThere = path('folder')
  mkdirSync(folderThere)
  const file = path('file')
  writeFileSync(file, 'kept')
  const gone = join(folderThere, 'no', 'such')
  const rows: readonly Bad[] = [
    {args: [], says: /^'' is no model .* lcdm2000/},
    {args: ['lcdm9000'], says: /^'lcdm9000' is no model/},
    {args: ['constructor'], says: /^'constructor' is no model/},
    {args: ['lcdm2000', 'twice'], says: /^'twice' is too much/},
    {args: ['lcdm2000', '--profil', 'rom20'], says: /--profil/},
    {
      args: ['lcdm2000', '--profile', 'rom99'],
      says: /^--profile: lcdm2000 has no 'rom99'; it has rom20, rom30, keeps-error, throat-without-rejects, progress$/,
    },
    {
      args: ['lcdm2000', '--plan', 'explode'],
      says: /^plan: 'explode' is no fault of this model; it knows jam/,
    },
    {args: ['lcdm2000', '--plan', ' ; '], says: /^plan: names no fault$/},
    {args: ['crt310', '--plan', 'power cut'], says: /^plan: 'power cut' needs 'on'/},
    {args: ['lcdm2000', '--world', join(gone, 'w.json')], says: /^--world .*: there is no folder .*no.such$/},
    {args: ['lcdm2000', '--world', folderThere], says: /^--world .*directory/},
    {args: ['lcdm2000', '--transcript', gone], says: /^--transcript .*: there is no folder/},
    {args: ['lcdm2000', '--transcript', folderThere], says: /^--transcript .*directory/},
    {args: ['lcdm2000', '--control', join(gone, 's')], says: /^--control .*: there is no folder/},
    {args: ['lcdm2000', '--control', file], says: /^--control .*: something is there that is no socket$/},
    {
      args: ['lcdm2000'],
      world: '{"cassettes": [{"count": -1}, {"count": 5}]}',
      says: /w\.json: cassettes\[0\]: count must be a whole number from 0/,
    },
    {args: ['lcdm2000'], world: '{"cassettes": [{"count": 1}]}', says: /cassettes must be a list of 2 to 2$/},
    {args: ['lcdm2000'], world: '{"outlet": [1, 2.5]}', says: /outlet\[1\] must be a whole number/},
    {args: ['lcdm2000'], world: '{"casettes": []}', says: /casettes is no part of a dispenser$/},
    {args: ['lcdm2000'], world: '[]', says: /must be an object$/},
    {args: ['lcdm2000'], world: '{"outlet":', says: /w\.json: no JSON value/},
    {args: ['crt310'], world: '{"at": "inside", "card": "nobody"}', says: /card: there is no card 'nobody'/},
    {args: ['szzt'], world: '{"battery": "empty"}', says: /battery must be good or low$/},
  ]
  for (const {args, world, says} of rows) {
    const link = path('link')
    const worldPath = path('w.json')
    if (world !== undefined) writeFileSync(worldPath, world)
    const one = start(...args, '--link', link, ...(world === undefined ? [] : ['--world', worldPath]))
    const what = [...args, world ?? ''].join(' ')
    t.match(await one.ended(), {code: 2}, what)
    const [line = '', ...more] = one.err.trimEnd().split('\n')
    t.same(more, [], `${what}: one line`)
    t.match(line.replace(/^tellerd: /, ''), says)
    t.same(one.out, [])
    t.notOk(existsSync(link), `${what}: no link`)
    if (world !== undefined) t.equal(readFileSync(worldPath, 'utf8'), world, 'the file is as it was')
  }
  t.equal(readFileSync(file, 'utf8'), 'kept')
  for (const [args, says] of [
    [['lcdm2000'], /emulate needs --link PATH/],
    [['lcdm2000', '--link', gone], /--link .*: there is no folder/],
    [['lcdm2000', '--link', file], /--link .*: something is there that is no symbolic link/],
  ] as const) {
    const one = start(...args)
    t.match(await one.ended(), {code: 2})
    t.match(one.err, says)
  }
})
