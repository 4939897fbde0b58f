/**
 * `npm run system:boot`: the Debian package built, installed, booted and put through what a machine in the field goes
 * through, under a real systemd, with emulated devices on pseudo-terminals and a bank on TLS. Needs root,
 * systemd-nspawn and debootstrap; takes some minutes, so it is not part of the everyday tests.
 */
import {execFile} from 'node:child_process'
import {promisify} from 'node:util'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import {dirname, join} from 'node:path'
import t from 'tap'
import type {Test} from 'tap'
import {codeAt} from '../../crypto/one-time.ts'
import {pseudoTerminal} from '../../devices/wire/pty.ts'
import {present} from '../../kit/assert.ts'
import {Secret} from '../../kit/secret.ts'
import {TERMINAL} from '../../src/bench/table.ts'
import {Container, freshRoot, inRoot, ran} from './container.ts'
import {Iron, clock} from './iron.ts'
import {Somebody, isSettled} from './killing.ts'
import {Person} from './person.ts'
import {Relay} from './relay.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const PATIENCE_MS = 60_000
/** Of the watchdog, while it is tested; the unit's own half a minute would only make the test longer. */
const WATCHDOG_S = 4
/** What the issue of the appliance asks for, from the first process of the system to in service. */
const BOOT_AIM_MS = 5_000

/** Where each port is bound in the container, and the link that stands for udev's. */
const PORTS = {
  reader: 'card-reader',
  'pin-pad': 'pin-pad',
  dispenser: 'dispenser',
  console: 'console',
} as const
const NAMES = ['reader', 'pin-pad', 'dispenser', 'console'] as const

mkdirSync(join(ROOT, '.cache'), {recursive: true})
const work = mkdtempSync(join(ROOT, '.cache', 'boot-'))
const root = join(work, 'root')
const iron = await Iron.open('lcdm2000')
const cable = pseudoTerminal(join(iron.folder, 'console'))
/** A keyboard with its display, inside the machine. */
const keyboard = pseudoTerminal(join(iron.folder, 'keyboard'))
const relay = await Relay.open(Number(new URL(iron.host.url).port))
t.setTimeout(3_600_000)
let container: Container | null = null

t.teardown(async () => {
  container?.kill()
  relay.close()
  cable.remove()
  keyboard.remove()
  await iron.close()
  await clock.sleep(500)
  rmSync(work, {recursive: true, force: true})
})

function machine(): Container {
  if (container === null) throw new TypeError('the machine is not booted')
  return container
}

/** What the daemon told systemd last: `idle, bank up`. */
async function status(): Promise<string> {
  const text = await machine().show('tellerd.service', 'StatusText')
  life.state = /^(\w+),/.exec(text)?.[1] ?? ''
  return text
}

/** The state as Somebody wants to know it; kept by every look at the status. */
const life = {state: ''}

async function isIn(...states: readonly string[]): Promise<boolean> {
  await status()
  return states.includes(life.state)
}

async function isInService(): Promise<boolean> {
  return (await status()) === 'idle, bank up'
}

async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<boolean> {
  const endMs = clock.monotonicMs() + patienceMs
  while (!(await isSo())) {
    await status()
    if (clock.monotonicMs() > endMs) {
      t.comment(`not ${what}: ${await status()}; ${(await logged()).split('\n').slice(-12).join('\n')}`)
      return false
    }
    await clock.sleep(100)
  }
  return true
}

async function logged(): Promise<string> {
  return (await machine().run('journalctl', '-u', 'tellerd.service', '-o', 'cat', '--no-pager')).out
}

async function restarts(): Promise<number> {
  return Number(await machine().show('tellerd.service', 'NRestarts'))
}

function file(path: string, text: string): void {
  const at = join(root, path)
  mkdirSync(dirname(at), {recursive: true})
  writeFileSync(at, text)
}

/** The number that a name has in the container. */
function idOf(table: 'passwd' | 'group', name: string): number {
  const line = readFileSync(join(root, 'etc', table), 'utf8')
    .split('\n')
    .find(line => line.startsWith(`${name}:`))
  return Number(line?.split(':')[2])
}

function portPath(name: keyof typeof PORTS): string {
  return realpathSync(join(iron.folder, name))
}

/** The settings that Iron made, with the places of an installed machine; what a site and its udev rules bring. */
function furnish(): void {
  const uid = idOf('passwd', 'tellerd')
  const gid = idOf('group', 'tellerd')
  const settings: unknown = JSON.parse(readFileSync(iron.configPath, 'utf8'))
  const told = Object.assign({}, settings, {
    journal: {path: '/var/lib/tellerd/journal.db'},
    host: {
      url: `https://127.0.0.1:${relay.port}`,
      caPath: '/etc/tellerd/ca.pem',
      certificatePath: '/var/lib/tellerd/identity/machine.crt',
      keyPath: '/var/lib/tellerd/identity/machine.key',
      hostPins: [iron.host.hostPin],
      signersPath: '/etc/tellerd/signers.pem',
    },
    cardReader: {model: 'crt310', port: '/dev/tellerd/card-reader'},
    pinPad: {model: 'szzt', port: '/dev/tellerd/pin-pad'},
    dispenser: {model: 'lcdm2000', port: '/dev/tellerd/dispenser'},
    console: {
      port: '/dev/tellerd/console',
      socketPath: '/run/tellerd/console.sock',
      peoplePath: '/var/lib/tellerd/people.json',
      keyPath: '/var/lib/tellerd/people.key',
    },
  })
  file('etc/tellerd/tellerd.json', JSON.stringify(told))
  for (const name of ['ca.pem', 'signers.pem'])
    copyFileSync(join(iron.folder, name), join(root, 'etc/tellerd', name))
  for (const name of ['tellerd.json', 'ca.pem', 'signers.pem']) {
    chownSync(join(root, 'etc/tellerd', name), 0, gid)
    chmodSync(join(root, 'etc/tellerd', name), 0o640)
  }
  const identity = join(root, 'var/lib/tellerd/identity')
  mkdirSync(identity, {recursive: true})
  copyFileSync(join(iron.folder, 'atm.pem'), join(identity, 'machine.crt'))
  copyFileSync(join(iron.folder, 'atm.key'), join(identity, 'machine.key'))
  for (const path of [identity, join(identity, 'machine.crt'), join(identity, 'machine.key')])
    chownSync(path, uid, gid)
  for (const name of NAMES) {
    chownSync(portPath(name), 0, gid)
    chmodSync(portPath(name), 0o660)
  }
  // A pseudo-terminal stands for a serial port: the one thing that the unit must be told about this test.
  file(
    'etc/systemd/system/tellerd.service.d/test.conf',
    `[Service]\nDeviceAllow=char-pts rw\nWatchdogSec=${WATCHDOG_S}\n`,
  )
  file(
    'etc/tmpfiles.d/test.conf',
    [
      'd /dev/tellerd 0755',
      ...Object.values(PORTS).map(link => `L /dev/tellerd/${link} - - - - /dev/tty-${link}`),
    ].join('\n'),
  )
}

function binds(): readonly string[] {
  const ports = NAMES.map(name => `--bind=${portPath(name)}:/dev/tty-${PORTS[name]}`)
  return [
    ...ports,
    `--bind=${realpathSync(keyboard.path)}:/dev/ttykeyboard`,
    `--bind-ro=${join(work, 'debs')}:/debs`,
  ]
}

async function built(folder: string, revision: string | null): Promise<string> {
  const at = join(work, folder)
  const args = [join(ROOT, 'package/main.ts'), at, ...(revision === null ? [] : ['--revision', revision])]
  const {stdout} = await promisify(execFile)(process.execPath, args, {timeout: 600_000})
  return stdout.split('\n')[0] ?? ''
}

async function withSomebody(brings: 'card' | 'nothing', work: () => Promise<void>): Promise<void> {
  const somebody = new Somebody(iron, brings)
  const playing = somebody.play(life)
  try {
    await work()
  } finally {
    somebody.leave()
    await playing
  }
}

function notesOut(): number {
  return Object.values(iron.emulators.dispenser.world.customer).reduce((sum, count) => sum + count, 0)
}

/** The machine at rest, its file copied: three ledgers against each other. */
async function ledgersAgree(t: Test, what: string): Promise<void> {
  await machine().run('systemctl', 'stop', 'tellerd.service')
  const copy = mkdtempSync(join(work, 'ledgers-'))
  cpSync(join(root, 'var/lib/tellerd'), copy, {recursive: true})
  const account = await iron.ledgers(join(copy, 'journal.db'))
  t.strictSame(account.differences, [], `${what}: the ledgers agree`)
  await machine().run('systemctl', 'start', 'tellerd.service')
}

await t.test('the same sources give the same package', async t => {
  const first = await built('debs', null)
  const second = await built('again', null)
  t.ok(readFileSync(first).equals(readFileSync(second)), first)
  const lintian = await ran('lintian', ['--fail-on', 'error', first])
  if (lintian.status === null) t.comment('no lintian here')
  else t.equal(lintian.status, 0, lintian.out)
})

await t.test('installed without settings, the service explains itself and waits', {bail: true}, async t => {
  await freshRoot(root)
  const installed = await inRoot(
    root,
    ['sh', '-c', 'dpkg -i /debs/tellerd_*.deb'],
    [`--bind-ro=${join(work, 'debs')}:/debs`],
  )
  t.equal(installed.status, 0, installed.out)
  t.match(installed.out, "run 'tellerd setup'")
  // A pseudo-terminal that is hung up is gone.
  file('etc/systemd/system/tellerd-console@.service.d/test.conf', '[Service]\nTTYVHangup=no\n')
  container = await Container.boot(root, binds())
  t.ok(
    await until(
      'explained',
      async () => (await machine().show('tellerd.service', 'ActiveState')) === 'failed',
    ),
  )
  t.match(await logged(), "/etc/tellerd/tellerd.json is not there: 'tellerd setup'")
  t.equal(await restarts(), 0, 'and is not started again and again')
  const person = await Person.at(keyboard.far)
  await machine().run('systemctl', 'start', 'tellerd-console@ttykeyboard.service')
  t.match(
    await person.until(/tellerd setup/),
    "is not there: 'tellerd setup'",
    'nor is whoever stands there left alone',
  )
  await keyboard.far.close()
  await container.powerOff()
})

await t.test('from boot to in service', {bail: true}, async t => {
  furnish()
  container = await Container.boot(root, binds())
  t.ok(await until('in service', isInService), await status())
  const fromMs = Number(await machine().show('', 'UserspaceTimestampMonotonic')) / 1_000
  const readyMs = Number(await machine().show('tellerd.service', 'ActiveEnterTimestampMonotonic')) / 1_000
  t.comment(`boot to in service: ${Math.round(readyMs - fromMs)} ms, aim ${BOOT_AIM_MS} ms`)
  t.equal(await machine().show('tellerd.service', 'ActiveState'), 'active')
  const failed = (await machine().run('systemctl', '--failed', '--no-legend', '--plain')).out
  t.notMatch(failed, 'tellerd', 'nothing of ours has failed')
})

await t.test('the log has fields and ids', async t => {
  const {out} = await machine().run(
    'journalctl',
    '-u',
    'tellerd.service',
    'TELLERD_STATE=idle',
    '-o',
    'json',
    '--no-pager',
  )
  t.match(out, /"MESSAGE_ID":"[0-9a-f]{32}"/)
  t.match(out, '"PRIORITY":"6"')
})

/** Seeds as an authenticator app reads them: base 32 (RFC 4648). */
function seedIn(uri: string): Secret<Uint8Array> {
  const letters = present(/secret=([A-Z2-7]+)/.exec(uri)?.[1], `a secret in ${uri}`)
  const bits = letters
    .split('')
    .map(letter => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
  const bytes = bits.join('').match(/[01]{8}/g) ?? []
  return new Secret(Uint8Array.from(bytes, byte => parseInt(byte, 2)))
}

await t.test('the first people enrol at the serial port, and one of them looks around', async t => {
  const person = await Person.at(cable.far)
  const password = 'correct horse 42'
  const code = readFileSync(join(root, 'var/lib/tellerd/people.json.code'), 'utf8').trim()
  const seeds: Secret<Uint8Array>[] = []
  for (const name of ['anna', 'sven']) {
    // What stands there was asked before anybody came; Enter leads from the log-in to the question for the code and back.
    do await person.answer(/$/, '')
    while (!/enrolment code: $/.test(await person.until(/(enrolment code|login): $/)))
    await person.answer(/enrolment code: $/, code)
    await person.answer(/your name: $/, name)
    await person.answer(/characters or more: $/, password)
    await person.answer(/once more: $/, password)
    const seed = seedIn(await person.until(/secret=[A-Z2-7]+[^]*app shows: $/))
    seeds.push(seed)
    await person.answer(/app shows: $/, codeAt(seed, clock.wallMs()))
    t.match(await person.until(/enrolled as security[^]*login: $/), `${name} is enrolled as security`)
  }
  t.notOk(existsSync(join(root, 'var/lib/tellerd/people.json.code')), 'the code is gone for good')
  // A code counts once: the next one comes within half a minute.
  await clock.sleep(31_000)
  await person.answer(/login: $/, 'anna')
  await person.answer(/password: $/, password)
  await person.answer(/code: $/, codeAt(present(seeds[0], 'a seed'), clock.wallMs()))
  await person.answer(/# $|> $/, 'show status')
  t.match(await person.until(/advices to the bank[^]*[#>] $/), /state +idle/)
  await person.answer(/[#>] $/, 'show alarms')
  t.match(await person.until(/none[^]*[#>] $/), 'none')
  await person.answer(/[#>] $/, 'exit')
  t.match(await person.until(/login: $/), 'login: ')
  const inside = await Person.at(keyboard.far)
  await machine().run('systemctl', 'start', 'tellerd-console@ttykeyboard.service')
  t.match(await inside.until(/login: $/), 'What is done here is recorded.', 'the same inside the machine')
  await machine().run('systemctl', 'stop', 'tellerd-console@ttykeyboard.service')
  t.notOk(person.seen.includes(password) || person.seen.includes(code), 'nothing secret was echoed')
})

await t.test('whoever is on the machine reads how it is, and so does the bank', async t => {
  const asNobody = (file: string): Promise<{out: string}> =>
    machine().run(
      'setpriv',
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      'cat',
      `/run/tellerd/${file}`,
    )
  t.ok(
    await until('published', async () =>
      (await asNobody('metrics.prom')).out.includes('tellerd_in_service 1'),
    ),
  )
  const status: unknown = JSON.parse((await asNobody('status.json')).out)
  t.match(status, {terminal: TERMINAL, state: 'idle', alarms: []})
  const parts = await iron.host.bank.store.read(tx => tx.fleet.parts([TERMINAL]))
  t.same(new Set((parts.get(TERMINAL) ?? []).map(({state}) => state)), new Set(['ok']))
})

await t.test('a withdrawal', async t => {
  const before = notesOut()
  await withSomebody('card', async () => {
    t.ok(await until('paid', () => notesOut() > before))
    t.ok(await until('told', () => isSettled(iron)))
  })
  await ledgersAgree(t, 'after it')
})

await t.test('the journal of the running machine is checked', async t => {
  t.ok(await until('in service', isInService))
  t.equal((await machine().run('systemctl', 'start', 'tellerd-verify.service')).status, 0)
  const {out} = await machine().run('journalctl', '-u', 'tellerd-verify.service', '-o', 'cat', '--no-pager')
  t.match(out, /whole: \d+ rows/)
  t.match(
    readFileSync(join(root, 'var/lib/tellerd/verified'), 'utf8'),
    /whole: \d+ rows/,
    'the machine is told',
  )
  t.equal(await machine().show('tellerd-verify.timer', 'ActiveState'), 'active')
})

await t.test('a daemon that hangs is ended by the watchdog, and its successor serves', async t => {
  const before = await restarts()
  await machine().run('systemctl', 'kill', '-s', 'STOP', 'tellerd.service')
  t.ok(await until('restarted', async () => (await restarts()) === before + 1))
  t.ok(await until('in service', isInService))
  t.match(
    (await machine().run('journalctl', '-o', 'cat', '--no-pager')).out,
    /tellerd.service: Watchdog timeout/,
  )
})

await t.test('killed in the middle of a payout, it recovers', async t => {
  const before = await restarts()
  await withSomebody('card', async () => {
    t.ok(await until('dispensing', () => isIn('dispensing')))
    await machine().run('systemctl', 'kill', '-s', 'KILL', 'tellerd.service')
  })
  await withSomebody('nothing', async () => {
    t.ok(await until('restarted', async () => (await restarts()) > before))
    t.ok(await until('stands', () => isIn('idle', 'outOfService')))
    t.ok(await until('told', () => isSettled(iron)))
  })
  t.comment(`after the kill: ${await status()}`)
  await ledgersAgree(t, 'after the kill')
})

await t.test('upgraded with an advice open, the new version tells the bank', async t => {
  t.ok(await until('in service', isInService))
  await withSomebody('card', async () => {
    t.ok(await until('dispensing', () => isIn('dispensing')))
    relay.cut()
  })
  await withSomebody('nothing', async () => {
    t.ok(await until('between visits', () => isIn('offline', 'outOfService')))
  })
  t.notOk(await isSettled(iron), 'the bank has not been told')
  const deb = await built('debs', 'next')
  const upgraded = await machine().run('sh', '-c', `dpkg -i /debs/${deb.split('/').at(-1) ?? ''}`)
  t.equal(upgraded.status, 0, upgraded.out)
  t.match((await machine().run('dpkg-query', '-W', '-f', '${Version}', 'tellerd')).out, '+next')
  t.equal(await machine().show('tellerd.service', 'ActiveState'), 'active')
  t.notOk(await isSettled(iron), 'still not')
  relay.mend()
  t.ok(await until('told', () => isSettled(iron)))
  await ledgersAgree(t, 'after the upgrade')
})

for (const [what, take, give] of [
  [
    'a device with the wrong permissions',
    () => {
      chmodSync(portPath('dispenser'), 0o600)
    },
    () => {
      chmodSync(portPath('dispenser'), 0o660)
    },
  ],
  [
    'a device that is not there',
    () => machine().run('rm', '/dev/tellerd/dispenser'),
    () => machine().run('ln', '-s', '/dev/tty-dispenser', '/dev/tellerd/dispenser'),
  ],
] as const)
  await t.test(`${what} is no reason to restart, and is found when it is mended`, async t => {
    await machine().run('systemctl', 'stop', 'tellerd.service')
    await take()
    await machine().run('systemctl', 'start', 'tellerd.service')
    t.ok(await until('out of service', () => isIn('outOfService')), await status())
    t.match(await status(), 'failed: dispenser')
    const explained = await machine().run(
      'journalctl',
      '-x',
      '-u',
      'tellerd.service',
      '-n',
      '60',
      '--no-pager',
    )
    t.match(explained.out, 'The machine is out of service without it', 'the log says what it means')
    t.equal(await machine().show('tellerd.service', 'ActiveState'), 'active')
    t.equal(await restarts(), 0)
    await give()
    t.ok(await until('in service', isInService), await status())
    t.equal(await restarts(), 0)
  })

await t.test('on a full disk nothing is paid, and nothing is lost', async t => {
  // A disk of its own, small enough to be filled.
  await machine().run('systemctl', 'stop', 'tellerd.service')
  const state = '/var/lib/tellerd'
  await machine().run('cp', '-a', state, '/root/state')
  t.equal((await machine().run('mount', '-t', 'tmpfs', '-o', 'size=512m', 'tmpfs', state)).status, 0)
  await machine().run(
    'sh',
    '-c',
    `cp -a /root/state/. ${state} && chown tellerd:tellerd ${state} && chmod 0700 ${state}`,
  )
  await machine().run('systemctl', 'start', 'tellerd.service')
  t.ok(await until('in service', isInService), await status())
  await machine().run('sh', '-c', `cat /dev/zero > ${state}/filler`)
  const before = notesOut()
  await withSomebody('card', async () => {
    // Whatever the machine makes of it, it makes nothing of it that the journal does not hold.
    const endMs = clock.monotonicMs() + 8_000
    while (clock.monotonicMs() < endMs) await status()
  })
  t.equal(notesOut(), before, 'no note left')
  t.ok(await isIn('outOfService'), await status())
  t.comment(`on the full disk: ${await machine().show('tellerd.service', 'ActiveState')}, ${await status()}`)
  await machine().run('rm', `${state}/filler`)
  await withSomebody('nothing', async () => {
    await machine().run('systemctl', 'reset-failed', 'tellerd.service')
    await machine().run('systemctl', 'restart', 'tellerd.service')
    t.ok(await until('in service', isInService), await status())
    t.ok(await until('told', () => isSettled(iron)))
  })
  await machine().run('systemctl', 'stop', 'tellerd.service')
  const copy = join(work, 'after-full')
  // The tmpfs is the container's alone: its files come out through a folder of the root.
  await machine().run('cp', '-a', state, '/root/after-full')
  cpSync(join(root, 'root/after-full'), copy, {recursive: true})
  t.strictSame((await iron.ledgers(join(copy, 'journal.db'))).differences, [], 'the ledgers agree')
  await machine().run('sh', '-c', `umount ${state} && cp -a /root/after-full/. ${state}`)
  await machine().run('systemctl', 'start', 'tellerd.service')
  t.ok(await until('in service', isInService), await status())
})

await t.test('removed it keeps settings and journal, purged the journal', async t => {
  t.equal((await machine().run('dpkg', '-r', 'tellerd')).status, 0)
  t.not(await machine().show('tellerd.service', 'ActiveState'), 'active')
  for (const path of [
    'etc/tellerd/tellerd.json',
    'var/lib/tellerd/journal.db',
    'var/lib/tellerd/identity/machine.key',
  ])
    t.ok(existsSync(join(root, path)), path)
  t.notOk(existsSync(join(root, 'usr/lib/tellerd')))
  const purged = await machine().run('dpkg', '-P', 'tellerd')
  t.equal(purged.status, 0, purged.out)
  for (const path of ['etc/tellerd', 'var/lib/tellerd/identity', 'var/cache/tellerd'])
    t.notOk(existsSync(join(root, path)), path)
  t.ok(existsSync(join(root, 'var/lib/tellerd/journal.db')), 'the journal stays')
  t.ok(notesOut() > 0, 'and notes were paid in this life')
  await machine().powerOff()
})
