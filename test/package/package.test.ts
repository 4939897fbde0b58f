// The packages' insides, without building 100 MB of them: what the bundles are made of, that they start, and that
// the same tree always packs to the same bytes. `npm run system:boot` builds, installs and boots the real ones.
import {spawnSync} from 'node:child_process'
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import t from 'tap'
import {Journal} from '../../journal/journal.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {PACKAGES, build} from '../../package/build.ts'
import {HOST, TELLERD, bundle} from '../../package/bundle.ts'
import type {Program} from '../../package/bundle.ts'
import {pack, treeAt} from '../../package/debian.ts'
import {lintianPath, skipUnless} from '../needs.ts'
import {EMULATOR} from '../tidy/table.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const BUILT_MS = 1_700_000_000_000

const SETTINGS = {
  terminal: 'ATM123',
  currency: 'EUR',
  host: {
    url: 'https://bank:8443',
    caPath: 'ca.pem',
    certificatePath: 'atm.pem',
    keyPath: 'atm.key',
    hostPins: ['0'.repeat(64)],
    signersPath: 'signers.pem',
  },
  cardReader: {model: 'crt310', port: '/dev/ttyUSB0'},
  pinPad: {model: 'szzt', port: '/dev/ttyUSB1'},
  dispenser: {model: 'reference', port: '/dev/ttyUSB2'},
  cassettes: [{cassette: 1, note: '20.00'}],
  payout: {amountMax: '500.00'},
}

const folder = mkdtempSync(join(tmpdir(), 'tellerd-package-test-'))
t.teardown(() => {
  rmSync(folder, {recursive: true})
})

async function bundled(program: Program, name: string): Promise<{at: string; inputs: readonly string[]}> {
  const at = join(folder, name)
  mkdirSync(at)
  return {at, inputs: await bundle(program, at, process.arch === 'arm64' ? 'arm64' : 'x64')}
}

function bytesIn(at: string): Map<string, string> {
  const files = globSync('**', {cwd: at, withFileTypes: true}).filter(entry => entry.isFile())
  const paths = files.map(entry => join(entry.parentPath, entry.name)).toSorted()
  return new Map(paths.map(path => [path.slice(at.length), readFileSync(path, 'base64')]))
}

t.test(
  'the machine’s bundle has what the machine needs, and nothing of bench, emulators or bank',
  async t => {
    const {at, inputs} = await bundled(TELLERD, 'tellerd')
    const own = inputs.filter(path => !path.includes('node_modules/'))
    t.ok(own.includes('src/session/runner.ts'))
    t.same(
      own.filter(
        path =>
          EMULATOR.test(path) ||
          path.startsWith('src/bench/') ||
          path.startsWith('test/') ||
          path.startsWith('package/'),
      ),
      [],
    )
    t.same(
      own.filter(path => path.startsWith('host/')),
      ['host/api/schema.ts', 'host/api/shape.ts'],
    )
    t.notOk(inputs.some(path => /node_modules\/(fastify|@peculiar|@lydell)\//.test(path)))
    t.same(globSync('*.node', {cwd: at}).length, 3, 'one addon each for the journal, serial ports and HID')
    const help = spawnSync(process.execPath, [join(at, 'tellerd.js'), '--help'], {encoding: 'utf8'})
    t.match(help.stdout, 'usage: tellerd')
    const probe = spawnSync(
      process.execPath,
      ['--jitless', join(at, 'tellerd.js'), 'probe', 'escpos', '--port', join(folder, 'no-port')],
      {encoding: 'utf8'},
    )
    t.match(
      probe.stderr,
      /no-port: No such file/,
      'serial ports are there, and chunks that are loaded when wanted',
    )
    const hid = spawnSync(
      process.execPath,
      [join(at, 'tellerd.js'), 'probe', 'dynapro', '--port', '0801:fffe'],
      {
        encoding: 'utf8',
      },
    )
    t.match(hid.stderr, 'tellerd: --port 0801:fffe: ', 'HID is there')
    const path = join(folder, 'journal.db')
    Journal.open(path, new VirtualClock(epochMs(BUILT_MS)), 'build', 'config').close()
    const settings = join(folder, 'tellerd.json')
    writeFileSync(settings, JSON.stringify({...SETTINGS, journal: {path}}))
    const verified = spawnSync(
      process.execPath,
      [join(at, 'tellerd.js'), 'journal', 'verify', '--config', settings],
      {encoding: 'utf8'},
    )
    t.match(verified.stdout + verified.stderr, /^whole: 1 rows\nanchors: none; /, 'threads find their file')
    const told = join(folder, 'told.cjs')
    writeFileSync(told, `process.on('exit', () => { console.log(process.moduleLoadList.join()) })`)
    const started = spawnSync(process.execPath, ['-r', told, join(at, 'tellerd.js'), '--help'], {
      encoding: 'utf8',
      // What the runner loads into every process is not the program's.
      env: {},
    })
    t.match(started.stdout, 'NativeModule https', 'what the machine talks to its bank with is loaded')
    for (const needless of ['internal/deps/undici/undici', 'readline'])
      t.notMatch(started.stdout, `NativeModule ${needless},`, `no start pays for ${needless}`)
    const again = await bundled(TELLERD, 'tellerd-again')
    t.strictSame(bytesIn(again.at), bytesIn(at), 'the same sources give the same bytes')
  },
)

t.test('the bank’s bundle starts', async t => {
  const {at} = await bundled(HOST, 'host')
  const {stdout} = spawnSync(process.execPath, [join(at, 'tellerd-host.js'), '--help'], {encoding: 'utf8'})
  t.match(stdout, '--seed-demo')
})

t.test('a package is the same bytes whoever makes it, whenever', t => {
  const packed = (name: string, umask: number): Buffer => {
    const before = process.umask(umask)
    const tree = treeAt(join(folder, name))
    tree.write('usr/bin/x', '#!/bin/sh\n', 0o755)
    tree.writeGzip('usr/share/doc/x/changelog.gz', 'x')
    const at = umask === 0 ? 1_000_000_000 : 2_000_000_000
    utimesSync(join(tree.root, 'usr/bin/x'), at, BUILT_MS / 1_000)
    const out = join(folder, `${name}.deb`)
    const control =
      'Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x.example>\nInstalled-Size: {size}\nDescription: x\n'
    t.equal(pack(tree, control, BUILT_MS, out), null)
    process.umask(before)
    return readFileSync(out)
  }
  t.ok(packed('one', 0o000).equals(packed('two', 0o077)))
  const list = spawnSync('dpkg-deb', ['--contents', join(folder, 'two.deb')], {encoding: 'utf8'}).stdout
  t.match(list, /-rwxr-xr-x root\/root .* \.\/usr\/bin\/x/)
  const broken = treeAt(join(folder, 'three'))
  broken.write('x', '')
  t.match(pack(broken, 'Package: x\n', BUILT_MS, join(folder, 'three.deb')), /error/)
  t.end()
})

t.test('lintian finds no error in the packages, and would', async t => {
  const path = lintianPath()
  if (!skipUnless(t, path, 'lintian')) return
  const out = join(folder, 'debs')
  mkdirSync(out)
  // A hundred megabytes of Node would be packed and read for nothing.
  const options = {version: '0.0.0', builtMs: BUILT_MS, out, node: realpathSync('/bin/true')}
  const judged = (...debs: readonly string[]): {status: number | null; stdout: string} =>
    spawnSync(path, ['--fail-on', 'error', '--allow-root', ...debs], {encoding: 'utf8'})
  const debs: string[] = []
  for (const contents of PACKAGES) debs.push(await build(contents, options))
  const {status, stdout} = judged(...debs)
  t.equal(status, 0, stdout)
  t.notMatch(stdout, 'no-manual-page')
  const tree = treeAt(join(folder, 'careless'))
  tree.write('usr/share/doc/x/README', 'x\n')
  const careless = join(out, 'careless.deb')
  const control =
    'Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x.example>\nInstalled-Size: {size}\nDescription: x\n'
  t.equal(pack(tree, control, BUILT_MS, careless), null)
  t.not(judged(careless).status, 0, 'a package without a copyright is refused')
})

t.test('the manual pages name every word of the command line', t => {
  const page = readFileSync(join(ROOT, 'package/tellerd/tellerd.1'), 'utf8').replaceAll('\\-', '-')
  const {stdout} = spawnSync(process.execPath, [join(ROOT, 'src/cli.ts'), '--help'], {encoding: 'utf8'})
  const subcommands = [...stdout.matchAll(/^ {2}(\S+) .*? {2,}(.+)$/gm)]
  t.equal(subcommands.length, stdout.trim().split('\n').length - 1)
  for (const [, name = '', purpose = ''] of subcommands) {
    t.match(page, new RegExp(`^\\.BI "${name} `, 'm'), name)
    t.ok(page.replaceAll('\n', ' ').includes(purpose), purpose)
  }
  const hostPage = readFileSync(join(ROOT, 'package/tellerd-host/tellerd-host.8'), 'utf8').replaceAll(
    '\\-',
    '-',
  )
  const host = spawnSync(process.execPath, [join(ROOT, 'host/main.ts'), '--help'], {encoding: 'utf8'})
  const flags = [...host.stdout.matchAll(/^ {2}(--\S+)/gm)].map(([, flag = '']) => flag)
  t.ok(flags.length > 8)
  for (const flag of flags) t.ok(hostPage.includes(flag), flag)
  t.end()
})

t.test('the package’s version is the one that the journal names', t => {
  const version = /"version": "([^"]+)"/.exec(readFileSync(join(ROOT, 'package.json'), 'utf8'))?.[1] ?? 'none'
  t.match(readFileSync(join(ROOT, 'src/main.ts'), 'utf8'), `BUILD = 'tellerd ${version}'`)
  for (const script of globSync('package/*/{postinst,prerm,postrm}', {cwd: ROOT})) {
    const {status, stderr} = spawnSync('sh', ['-n', join(ROOT, script)], {encoding: 'utf8'})
    t.same({status, stderr}, {status: 0, stderr: ''}, script)
  }
  t.end()
})
