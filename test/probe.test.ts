/** `tellerd probe` over the real serial stack: what it prints of each model, that it moves nothing, and how it fails. */
import t from 'tap'
import {spawn} from 'node:child_process'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {LINE} from '../devices/pin-pad/szzt/bytes.ts'
import {pseudoTerminal} from '../devices/wire/pty.ts'
import {serialLink} from '../devices/wire/serial.ts'
import {realClock} from '../kit/clock.ts'
import {SystemFault} from '../kit/errors.ts'
import {readJson, writeJson} from '../kit/exact-json.ts'
import type {Json} from '../kit/exact-json.ts'
import {silentLog} from '../kit/log.ts'
import {seededRandom} from '../kit/random.ts'
import {probe} from '../src/probe.ts'
import type {Stand} from '../src/bench/stand.ts'
import {STANDS} from '../src/bench/stands.ts'
import {ptyAvailable, skipUnless} from './needs.ts'

const clock = realClock()
const folder = mkdtempSync(join(tmpdir(), 'tellerd-probe-'))
t.teardown(() => {
  rmSync(folder, {recursive: true})
})

/** Something to move, where a probe could be tempted. Models without a row are met as they stand in their box. */
const TEMPTING: Readonly<Record<string, string>> = {
  lcdm2000: '{"path": [1, 0], "outlet": [2, 3], "covered": {"at": "diverter", "cassette": 1}}',
  crt310: '{"at": "inside", "card": "ada"}',
}

/** What a model tells beside its status. */
const DETAILS: Readonly<Record<string, RegExp>> = {
  f56: /^details +sensors: clean$/m,
  lcdm4000: /^details +note lengths: 133 mm/m,
}

function jsonOf(text: string): Json {
  const read = readJson(text)
  if (read.kind === 'refused') throw new RangeError(read.why)
  return read.json
}

interface Met {
  readonly port: string
  readonly stand: Stand
  /** Runs the probe; gives what it printed. */
  readonly ask: (...more: readonly string[]) => Promise<string>
  readonly end: () => Promise<void>
}

async function meet(name: string, load: NonNullable<(typeof STANDS)[keyof typeof STANDS]>): Promise<Met> {
  const model = await load()
  if (model.wire !== 'serial') throw new RangeError(`${name} is on no serial line`)
  const port = join(folder, name)
  const terminal = pseudoTerminal(port)
  const [profile = ''] = Object.keys(model.profiles)
  const world = TEMPTING[name]
  const stand = model.make(terminal.far, clock, seededRandom(name), {
    profile,
    world: world === undefined ? null : jsonOf(world),
    pace: 'fast',
  })
  await stand.start()
  return {
    port,
    stand,
    ask: async (...more) => {
      const said: string[] = []
      t.equal(await probe([name, '--port', port, ...more], clock, text => said.push(text)), 0)
      return said.join('\n')
    },
    end: async () => {
      await stand.stop()
      terminal.remove()
    },
  }
}

t.test('every model tells who it is, twice, and nothing has moved', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  for (const [name, load] of Object.entries(STANDS)) {
    // HID models want a kernel that makes HID devices: test/system/hid.
    if ((await load()).wire === 'hid') continue
    const {port, stand, ask, end} = await meet(name, load)
    const before = writeJson(stand.world())
    const found: unknown = JSON.parse(await ask('--json'))
    t.match(
      found,
      {model: /./, firmware: /./, kind: /./, port, line: /^[0-9]+ [78][NEO][12]/, capabilities: {}},
      name,
    )
    const page = await ask()
    t.match(page, /^model +\S/, name)
    t.match(page, /^firmware +\S/m)
    t.match(page, /^status$/m)
    const detail = DETAILS[name]
    if (detail !== undefined) t.match(page, detail, name)
    t.notMatch(page, /\[object|undefined/)
    t.equal(writeJson(stand.world()), before, `${name}: the world is as it was`)
    await end()
  }
})

t.test('of a dispenser it asks status and version, and nothing else', async t => {
  const load = STANDS.lcdm2000
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals') || load === undefined) return
  const {stand, ask, end} = await meet('lcdm2000', load)
  const page = await ask()
  t.match(page, /^firmware +T20T 5624/m)
  t.match(page, /^ {2}path +blocked$/m)
  t.match(page, /^ {2}cassettes +cassette 2, state ok/m)
  t.match(page, /^ {2}items taken sensor +no$/m)
  // An ACK may have come together with what followed it.
  const asked = stand.transcript.flatMap(({from, hex}) => {
    const frame = hex.replace(/^06 ?/, '')
    return from === 'host' && frame !== '' ? [frame] : []
  })
  t.same(new Set(asked), new Set(['04 50 02 46 03 13', '04 50 02 47 03 12']))
  await end()
})

const unheard = (): void => undefined

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The installed command. */
function tellerd(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'src', 'cli.ts'), ...args])
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.once('error', reject)
    child.once('close', code => {
      resolve({code, out, err})
    })
  })
}

t.test('nobody there, somebody else there, a wrong model, a wrong port', async t => {
  const load = STANDS.crt310
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals') || load === undefined) return
  const silent = pseudoTerminal(join(folder, 'silent'))
  const nobody = await tellerd('probe', 'lcdm2000', '--port', silent.path)
  t.same([nobody.code, nobody.out], [1, ''])
  t.match(nobody.err, /^tellerd: \S+silent: no lcdm2000 answers there: no-answer, [^\n]+\n$/)
  silent.remove()

  const reader = await meet('crt310', load)
  await t.rejects(probe(['lcdm2000', '--port', reader.port], clock, unheard), SystemFault)
  await reader.end()

  const bad: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^'' is no model that can be probed; there are .*lcdm2000/],
    [['lcdm9000', '--port', '/dev/null'], /^'lcdm9000' is no model/],
    [['toString', '--port', '/dev/null'], /^'toString' is no model/],
    [['lcdm2000'], /^probe needs --port PATH$/],
    [['lcdm2000', 'crt310', '--port', '/dev/null'], /^'crt310' is too much for probe$/],
    [['lcdm2000', '--prot', '/dev/null'], /--prot/],
    [['lcdm2000', '--port', '/dev/null'], /^--port \/dev\/null: it is no serial port$/],
    [['lcdm2000', '--port', join(folder, 'none')], /^--port \S+none: No such file or directory$/],
  ]
  for (const [args, says] of bad)
    await t.rejects(probe(args, clock, unheard), {name: 'BadInput', message: says}, args.join(' '))
  const wrong = await tellerd('probe', 'lcdm2000', '--port', '/dev/null')
  t.same(wrong, {code: 2, out: '', err: 'tellerd: --port /dev/null: it is no serial port\n'})
})

t.test('a port that a program has open is refused, and says so', async t => {
  const load = STANDS.szzt
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals') || load === undefined) return
  const {port, ask, end} = await meet('szzt', load)
  const holder = serialLink(port, LINE, clock, silentLog)
  t.equal(await holder.open({bytes: unheard, lost: unheard}), 'open')
  await t.rejects(probe(['szzt', '--port', port], clock, unheard), {
    name: 'BadInput',
    message: `--port ${port}: another program has it open`,
  })
  await holder.close()
  t.match(await ask(), /^model/, 'and free again afterwards')
  await end()
})
