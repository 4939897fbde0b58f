/**
 * `npm run system:boot`: the Debian package built, installed, set up, booted and put through what a machine in the field
 * goes through, under a real systemd, with emulated devices on pseudo-terminals and a bank on TLS. Needs root,
 * systemd-nspawn and debootstrap; takes some minutes, so it is not part of the everyday tests.
 */
import {chmodSync, existsSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import type {Test} from 'tap'
import {TERMINAL} from '../../src/bench/table.ts'
import {Appliance, SETTINGS} from './appliance.ts'
import {ran} from './container.ts'
import {clock} from './iron.ts'
import {isSettled} from './killing.ts'
import {PASSWORD, Person} from './person.ts'

/** What the issue of the appliance asks for, from the first process of the system to in service. */
const BOOT_AIM_MS = 5_000
const STATE = '/var/lib/tellerd'
/** Of a commit on trial, and some for the machine to start anew with the settings before. */
const TRIAL_MAX_MS = 120_000

t.setTimeout(3_600_000)
const atm = await Appliance.open()
const {iron, relay, cable, keyboard, root} = atm
const laptop = await Person.at(cable.far)
t.teardown(() => atm.close())

async function until(
  t: Test,
  what: string,
  isSo: () => boolean | Promise<boolean>,
  patienceMs?: number,
): Promise<void> {
  t.equal(await atm.notYet(isSo, patienceMs), null, what)
}

const isInService = (): Promise<boolean> => atm.isInService()

/** The machine at rest, its file copied: three ledgers against each other. */
async function ledgersAgree(t: Test, what: string): Promise<void> {
  t.strictSame(await atm.ledgerDifferences(), [], `${what}: the ledgers agree`)
}

await t.test('the same sources give the same package', async t => {
  const first = await atm.build('debs', null)
  const second = await atm.build('again', null)
  t.ok(readFileSync(first).equals(readFileSync(second)), first)
  const lintian = await ran('lintian', ['--fail-on', 'error', first])
  if (lintian.status === null) t.comment('no lintian here')
  else t.equal(lintian.status, 0, lintian.out)
})

await t.test('installed without settings, the service explains itself and waits', {bail: true}, async t => {
  const installed = await atm.install()
  t.equal(installed.status, 0, installed.out)
  t.match(installed.out, "run 'tellerd setup'")
  atm.furnish()
  await atm.boot()
  await until(t, 'explained', async () => (await atm.show('tellerd.service', 'ActiveState')) === 'failed')
  t.match(await atm.logged(), "/etc/tellerd/tellerd.json is not there: 'tellerd setup'")
  t.equal(await atm.restarts(), 0, 'and is not started again and again')
  const person = await Person.at(keyboard.far)
  await atm.run('systemctl', 'start', 'tellerd-console@ttykeyboard.service')
  t.match(
    await person.until(/tellerd setup/),
    "is not there: 'tellerd setup'",
    'nor is whoever stands there left alone',
  )
  await atm.run('systemctl', 'stop', 'tellerd-console@ttykeyboard.service')
  await keyboard.far.close()
})

await t.test(
  'set up, it finds its devices, gets its certificate, and comes into service',
  {bail: true},
  async t => {
    const told = await atm.setUp()
    t.equal(told.status, 0, told.out)
    for (const device of ['model crt310', 'model zt588', 'model lcdm2000']) t.match(told.out, device)
    t.match((await atm.run('tellerd', 'config', 'check', `/${SETTINGS}`)).out, 'a machine can start with it')
    await atm.leaveEnrolmentCode()
    await atm.systemctl('reset-failed')
    await atm.run('systemctl', 'daemon-reload')
    const started = await atm.systemctl('start')
    t.equal(started.status, 0, started.out)
    await until(t, 'in service', isInService)
    t.match(await atm.logged(), 'the machine has its certificate', 'with the code that systemd handed over')
    await atm.powerOff()
  },
)

await t.test('from boot to in service', {bail: true}, async t => {
  await atm.boot()
  await until(t, 'in service', isInService)
  const fromMs = Number(await atm.show('', 'UserspaceTimestampMonotonic')) / 1_000
  const readyMs = Number(await atm.show('tellerd.service', 'ActiveEnterTimestampMonotonic')) / 1_000
  t.comment(`boot to in service: ${Math.round(readyMs - fromMs)} ms, aim ${BOOT_AIM_MS} ms`)
  t.equal(await atm.show('tellerd.service', 'ActiveState'), 'active')
  const failed = (await atm.run('systemctl', '--failed', '--no-legend', '--plain')).out
  t.notMatch(failed, 'tellerd', 'nothing of ours has failed')
})

await t.test('the log has fields and ids', async t => {
  const {out} = await atm.run(
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

await t.test('the first people enrol at the serial port, and one of them looks around', async t => {
  const code = readFileSync(join(root, 'var/lib/tellerd/people.json.code'), 'utf8').trim()
  for (const name of ['anna', 'sven']) {
    await laptop.hail(/enrolment code: $/)
    await laptop.answer(/enrolment code: $/, code)
    await laptop.answer(/your name: $/, name)
    const said = await laptop.enrol(name, /enrolled as security[^]*: $/)
    t.match(said, `${name} is enrolled as security`)
  }
  t.notOk(existsSync(join(root, 'var/lib/tellerd/people.json.code')), 'the code is gone for good')
  await laptop.logIn('anna')
  t.match(await laptop.give('show status'), /state +idle/)
  t.match(await laptop.give('show alarms'), 'none')
  const inside = await Person.at(keyboard.far)
  await atm.run('systemctl', 'start', 'tellerd-console@ttykeyboard.service')
  t.match(await inside.until(/login: $/), 'What is done here is recorded.', 'the same inside the machine')
  await atm.run('systemctl', 'stop', 'tellerd-console@ttykeyboard.service')
  t.notOk(laptop.seen.includes(PASSWORD) || laptop.seen.includes(code), 'nothing secret was echoed')
})

await t.test('two of them let two engineers in, who change the settings at the console', async t => {
  const before = readFileSync(join(root, SETTINGS), 'utf8')
  for (const name of ['sara', 'silas']) {
    await laptop.answer(/[#>] $/, `user add ${name} senior`)
    await laptop.vouch('sven')
    t.match(await laptop.enrol(name, /[#>] $/), 'done', `${name} is a senior engineer`)
  }
  t.match(await laptop.give('exit', /login: $/), 'logged out')
  const change = async (line: string): Promise<void> => {
    await laptop.logIn('sara')
    for (const setting of ['timers.watchIntervalMs 500', 'timers.endingTimeoutMs 2000'])
      t.match(await laptop.give(`config set ${setting}`), 'done', setting)
    t.match(await laptop.give('config diff'), '+ timers.watchIntervalMs 500')
    await laptop.answer(/[#>] $/, line)
    await laptop.vouch('silas')
    t.match(await laptop.confirm(/login: $/), 'committed', line)
  }
  const started = (lives: number) => async (): Promise<boolean> =>
    (await atm.logged()).split('starting anew with the settings').length > lives
  await change('config commit confirmed 1')
  await until(t, 'started anew', started(1))
  t.match(readFileSync(join(root, SETTINGS), 'utf8'), '"watchIntervalMs": 500', 'on trial')
  await until(t, 'in service with it', isInService)
  await until(
    t,
    'taken back, since nobody confirmed it',
    () => readFileSync(join(root, SETTINGS), 'utf8') === before,
    TRIAL_MAX_MS,
  )
  await until(t, 'started anew with what was before', started(2))
  await until(t, 'in service as before', isInService)
  await change('config commit')
  await until(t, 'started anew for good', started(3))
  await until(t, 'in service', isInService)
  t.match(readFileSync(join(root, SETTINGS), 'utf8'), '"watchIntervalMs": 500', 'for good')
  t.equal(await atm.restarts(), 0, 'and the program ran on')
})

await t.test('whoever is on the machine reads how it is, and so does the bank', async t => {
  const asNobody = (file: string): Promise<{out: string}> =>
    atm.run('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'cat', `/run/tellerd/${file}`)
  await until(t, 'published', async () =>
    (await asNobody('metrics.prom')).out.includes('tellerd_in_service 1'),
  )
  const status: unknown = JSON.parse((await asNobody('status.json')).out)
  t.match(status, {terminal: TERMINAL, state: 'idle', alarms: []})
  await until(t, 'the bank knows that every part is well', async () => {
    const parts = await iron.host.bank.store.read(tx => tx.fleet.parts([TERMINAL]))
    return (parts.get(TERMINAL) ?? []).every(({state}) => state === 'ok')
  })
})

await t.test('a withdrawal', async t => {
  const before = atm.notesOut()
  await atm.withSomebody('card', async () => {
    await until(t, 'paid', () => atm.notesOut() > before)
    await until(t, 'told', () => isSettled(iron))
  })
  await ledgersAgree(t, 'after it')
})

await t.test('the journal of the running machine is checked', async t => {
  await until(t, 'in service', isInService)
  t.equal((await atm.run('systemctl', 'start', 'tellerd-verify.service')).status, 0)
  const {out} = await atm.run('journalctl', '-u', 'tellerd-verify.service', '-o', 'cat', '--no-pager')
  t.match(out, /whole: \d+ rows/)
  t.match(
    readFileSync(join(root, 'var/lib/tellerd/verified'), 'utf8'),
    /whole: \d+ rows/,
    'the machine is told',
  )
  t.equal(await atm.show('tellerd-verify.timer', 'ActiveState'), 'active')
})

await t.test('a daemon that hangs is ended by the watchdog, and its successor serves', async t => {
  const before = await atm.restarts()
  await atm.systemctl('kill', '-s', 'STOP')
  await until(t, 'restarted', async () => (await atm.restarts()) === before + 1)
  await until(t, 'in service', isInService)
  t.match((await atm.run('journalctl', '-o', 'cat', '--no-pager')).out, /tellerd.service: Watchdog timeout/)
})

await t.test('killed in the middle of a payout, it recovers', async t => {
  const before = await atm.restarts()
  await atm.withSomebody('card', async () => {
    await until(t, 'dispensing', () => atm.isIn('dispensing'))
    await atm.systemctl('kill', '-s', 'KILL')
  })
  await atm.withSomebody('nothing', async () => {
    await until(t, 'restarted', async () => (await atm.restarts()) > before)
    await until(t, 'stands', () => atm.isIn('idle', 'outOfService'))
    await until(t, 'told', () => isSettled(iron))
  })
  t.comment(`after the kill: ${await atm.status()}`)
  await ledgersAgree(t, 'after the kill')
})

await t.test('upgraded with an advice open, the new version tells the bank', async t => {
  await until(t, 'in service', isInService)
  await atm.withSomebody('card', async () => {
    await until(t, 'dispensing', () => atm.isIn('dispensing'))
    relay.cut()
  })
  await atm.withSomebody('nothing', async () => {
    await until(t, 'between visits', () => atm.isIn('offline', 'outOfService'))
  })
  t.notOk(await isSettled(iron), 'the bank has not been told')
  const deb = await atm.build('debs', 'next')
  const upgraded = await atm.run('sh', '-c', `dpkg -i /debs/${deb.split('/').at(-1) ?? ''}`)
  t.equal(upgraded.status, 0, upgraded.out)
  t.match((await atm.run('dpkg-query', '-W', '-f', '${Version}', 'tellerd')).out, '+next')
  t.equal(await atm.show('tellerd.service', 'ActiveState'), 'active')
  t.notOk(await isSettled(iron), 'still not')
  relay.mend()
  await until(t, 'told', () => isSettled(iron))
  await ledgersAgree(t, 'after the upgrade')
})

const wire = atm.linkOf('dispenser')
for (const [what, take, give] of [
  [
    'a device with the wrong permissions',
    () => {
      chmodSync(atm.portPath('dispenser'), 0o600)
    },
    () => {
      chmodSync(atm.portPath('dispenser'), 0o660)
    },
  ],
  [
    'a device that is not there',
    () => atm.run('rm', wire.link),
    () => atm.run('ln', '-s', wire.port, wire.link),
  ],
] as const)
  await t.test(`${what} is no reason to restart, and is found when it is mended`, async t => {
    await atm.systemctl('stop')
    await take()
    await atm.systemctl('start')
    await until(t, 'out of service', () => atm.isIn('outOfService'))
    t.match(await atm.status(), 'failed: dispenser')
    const explained = await atm.run('journalctl', '-x', '-u', 'tellerd.service', '-n', '60', '--no-pager')
    t.match(explained.out, 'The machine is out of service without it', 'the log says what it means')
    t.equal(await atm.show('tellerd.service', 'ActiveState'), 'active')
    t.equal(await atm.restarts(), 0)
    await give()
    await until(t, 'in service', isInService)
    t.equal(await atm.restarts(), 0)
  })

await t.test('a disk that fills up ends no payout, and then no visit begins until there is room', async t => {
  // A disk of its own, small enough to be filled.
  await atm.systemctl('stop')
  const onSmallDisk = [
    `cp -a ${STATE} /root/state`,
    `mount -t tmpfs -o size=512m tmpfs ${STATE}`,
    `cp -a /root/state/. ${STATE}`,
    `chown tellerd:tellerd ${STATE}`,
    `chmod 0700 ${STATE}`,
  ]
  t.equal((await atm.run('sh', '-c', onSmallDisk.join(' && '))).status, 0)
  await atm.systemctl('start')
  await until(t, 'in service', isInService)
  const before = atm.notesOut()
  await atm.withSomebody('card', async () => {
    await until(t, 'dispensing', () => atm.isIn('dispensing'))
    await atm.run('sh', '-c', `cat /dev/zero > ${STATE}/filler`)
  })
  await atm.withSomebody('nothing', async () => {
    await until(t, 'out of service', () => atm.isIn('outOfService'))
    await until(t, 'told', () => isSettled(iron))
  })
  t.ok(atm.notesOut() > before, 'whoever had begun was paid')
  const paid = atm.notesOut()
  await atm.withSomebody('card', async () => {
    const endMs = clock.monotonicMs() + 8_000
    while (clock.monotonicMs() < endMs) await atm.status()
  })
  t.equal(atm.notesOut(), paid, 'nobody after that')
  t.match(await atm.status(), 'outOfService')
  await atm.run('rm', `${STATE}/filler`)
  await until(t, 'in service by itself', isInService)
  t.equal(await atm.restarts(), 0)
  await ledgersAgree(t, 'after it')
  await atm.systemctl('stop')
  await atm.run('sh', '-c', `cp -a ${STATE} /root/after && umount ${STATE} && cp -a /root/after/. ${STATE}`)
  await atm.systemctl('start')
  await until(t, 'in service', isInService)
})

await t.test('removed it keeps settings and journal, purged the journal', async t => {
  t.equal((await atm.run('dpkg', '-r', 'tellerd')).status, 0)
  t.not(await atm.show('tellerd.service', 'ActiveState'), 'active')
  for (const path of [
    'etc/tellerd/tellerd.json',
    'var/lib/tellerd/journal.db',
    'var/lib/tellerd/identity/machine.key',
  ])
    t.ok(existsSync(join(root, path)), path)
  t.notOk(existsSync(join(root, 'usr/lib/tellerd')))
  const purged = await atm.run('dpkg', '-P', 'tellerd')
  t.equal(purged.status, 0, purged.out)
  for (const path of ['etc/tellerd', 'var/lib/tellerd/identity', 'var/cache/tellerd'])
    t.notOk(existsSync(join(root, path)), path)
  t.ok(existsSync(join(root, 'var/lib/tellerd/journal.db')), 'the journal stays')
  t.ok(atm.notesOut() > 0, 'and notes were paid in this life')
  await atm.powerOff()
})
