// What the machine tells the system it runs on: ready, alive, its log's fields; and how it ends.
import {spawnSync} from 'node:child_process'
import {mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync, chmodSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import t from 'tap'
import type {Standing} from '../../fsm/session.ts'
import {begin} from '../../fsm/session.ts'
import {present} from '../../kit/assert.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {lineLog, silentLog} from '../../kit/log.ts'
import {Secret} from '../../kit/secret.ts'
import {REST_MAX_MS, Service} from '../../src/service/service.ts'
import {credential, surroundings} from '../../src/service/surroundings.ts'
import {messageId, systemJournalLog} from '../../src/service/system-journal.ts'
import {LOOK_MAX_MS, STATE_MAX_MS} from '../../src/service/watchdog.ts'
import {setupOf} from '../screen/samples.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const PATIENCE_MS = 30_000

/** A machine of which only the standing is real. */
class Served {
  readonly #listeners = new Set<() => void>()
  lookedAtMs: number | null = null
  standing: Standing = begin(setupOf(false)).standing

  become(state: Standing['state']): void {
    this.standing = {...this.standing, state}
    for (const listener of this.#listeners) listener()
  }

  onChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

function bench() {
  const clock = new VirtualClock(epochMs(1_800_000_000_000))
  const told: string[] = []
  const machine = new Served()
  const decoder = new TextDecoder()
  const toManager = (datagram: Uint8Array): boolean => {
    told.push(decoder.decode(datagram))
    return true
  }
  const log: string[] = []
  const service = new Service(
    machine,
    {toManager, watchdogMs: PATIENCE_MS},
    clock,
    lineLog(clock, line => log.push(line)),
  )
  const signs = (): number => told.filter(text => text === 'WATCHDOG=1').length
  return {clock, told, log, machine, service, signs}
}

t.test('ready is after recovery, once', async t => {
  const {machine, service, told} = bench()
  service.start()
  machine.become('recovering')
  t.notMatch(told.join(), 'READY=1')
  machine.become('outOfService')
  machine.become('idle')
  t.equal(told.join('\n').match(/READY=1/g)?.length, 1)
  t.match(told.at(-1), 'STATUS=idle, bank down; failed: cardReader, pinPad, dispenser')
  service.stop()
})

t.test('signs of life come three times in the time that systemd waits', async t => {
  const {clock, machine, service, signs} = bench()
  machine.become('idle')
  service.start()
  await clock.advance(PATIENCE_MS)
  t.ok(signs() >= 3, `${signs()} signs`)
  const before = signs()
  service.stop()
  await clock.advance(PATIENCE_MS)
  t.equal(signs(), before, 'none after the end')
})

t.test('no signs from a machine whose devices are asked and do not end', async t => {
  const {clock, machine, service, signs, log} = bench()
  machine.become('outOfService')
  service.start()
  for (let looks = 0; looks < 10; looks += 1) {
    await clock.advance(LOOK_MAX_MS / 2)
    machine.lookedAtMs = clock.monotonicMs()
  }
  t.ok(signs() > 100, 'failing devices that answer, or time out, are no reason to be silent')
  await clock.advance(LOOK_MAX_MS + PATIENCE_MS)
  const before = signs()
  await clock.advance(PATIENCE_MS)
  t.equal(signs(), before, 'a look that does not end is')
  t.equal(log.filter(line => line.includes('stands still')).length, 1, 'and is told once')
  service.stop()
})

t.test('a visit has no looks, and no state for ever', async t => {
  const {clock, machine, service, signs} = bench()
  machine.become('idle')
  service.start()
  for (let turns = 0; turns < 4; turns += 1)
    for (const state of ['choosingAmount', 'authorizing'] as const) {
      machine.become(state)
      await clock.advance(LOOK_MAX_MS - PATIENCE_MS)
    }
  const before = signs()
  await clock.advance(PATIENCE_MS)
  t.ok(signs() > before)
  await clock.advance(STATE_MAX_MS)
  const after = signs()
  await clock.advance(PATIENCE_MS)
  t.equal(signs(), after)
  service.stop()
})

t.test('asked to stop, the visit ends first; one that does not is left to recovery', async t => {
  const resting = bench()
  resting.machine.become('idle')
  await resting.service.rest()
  t.match(resting.told.join(), 'STOPPING=1')

  const failed = bench()
  failed.machine.become('suspended')
  await failed.service.rest()
  t.equal(failed.clock.monotonicMs(), 0, 'after the journal failed no visit goes on')

  const visiting = bench()
  visiting.machine.become('dispensing')
  let hasEnded = false
  const rest = visiting.service.rest().then(() => (hasEnded = true))
  await visiting.clock.advance(REST_MAX_MS - 1)
  t.notOk(hasEnded)
  visiting.machine.become('idle')
  await rest

  const endless = bench()
  endless.machine.become('dispensing')
  await endless.clock.finish(endless.service.rest(), REST_MAX_MS)
  t.equal(endless.clock.monotonicMs(), REST_MAX_MS)
})

/** The fields of one datagram of the journal's own protocol. */
function fieldsOf(datagram: Uint8Array): Map<string, string> {
  const bytes = Buffer.from(datagram)
  const fields = new Map<string, string>()
  for (let at = 0; at < bytes.length;) {
    const nameEnd = bytes.indexOf('\n', at)
    const length = Number(bytes.readBigUInt64LE(nameEnd + 1))
    const from = nameEnd + 9
    fields.set(bytes.toString('utf8', at, nameEnd), bytes.toString('utf8', from, from + length))
    at = from + length + 1
  }
  return fields
}

t.test('the log in the system’s journal has fields, and none that a value forged', t => {
  const sent: Uint8Array[] = []
  const lines: string[] = []
  let isThere = true
  const clock = new VirtualClock(epochMs(1_800_000_000_000))
  const log = systemJournalLog(
    datagram => isThere && sent.push(datagram) > 0,
    lineLog(clock, line => lines.push(line)),
  )
  log
    .named('link')
    .warn('the bank is away', {why: 'two\nPRIORITY=0\nlines', hostUrl: 'https://x', key: new Secret('k')})
  const fields = fieldsOf(present(sent[0], 'a datagram'))
  t.strictSame(Object.fromEntries(fields), {
    MESSAGE: 'the bank is away why=two\nPRIORITY=0\nlines hostUrl=https://x key="[secret]"',
    MESSAGE_ID: messageId('the bank is away'),
    PRIORITY: '4',
    SYSLOG_IDENTIFIER: 'tellerd',
    TELLERD_LAYER: 'link',
    TELLERD_WHY: 'two\nPRIORITY=0\nlines',
    TELLERD_HOST_URL: 'https://x',
    TELLERD_KEY: '"[secret]"',
  })
  t.match(messageId('the bank is away'), /^[0-9a-f]{32}$/)
  log.debug('nobody wants this')
  log.info('long', {text: 'x'.repeat(300_000)})
  t.ok(present(sent[1], 'a second').byteLength < 20_000)
  isThere = false
  log.named('link').error('lost?')
  t.equal(lines.length, 1)
  t.match(lines[0], '"layer":"link","message":"lost?"', 'what the journal does not take is a line')
  t.end()
})

t.test('the surroundings are what systemd put there, and nothing by hand', t => {
  t.same(surroundings({}), {
    toManager: null,
    toJournal: null,
    watchdogMs: null,
    runtimeFolder: null,
    credentialsFolder: null,
  })
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-around-'))
  const file = join(folder, 'sent')
  const fd = openSync(file, 'w')
  const around = surroundings({
    TELLERD_NOTIFY_FD: String(fd),
    TELLERD_JOURNAL_FD: '',
    WATCHDOG_USEC: '30000000',
    CREDENTIALS_DIRECTORY: folder,
  })
  t.equal(around.watchdogMs, 30_000)
  t.equal(around.toJournal, null)
  t.equal(around.toManager?.(Buffer.from('READY=1')), true)
  t.equal(readFileSync(file, 'utf8'), 'READY=1')
  closeSync(fd)
  t.equal(around.toManager?.(Buffer.from('READY=1')), false, 'nobody there is a no')
  writeFileSync(join(folder, 'code'), 'ABCD-EFGH\n')
  t.equal(credential(around, 'code'), 'ABCD-EFGH')
  t.equal(credential(around, 'other'), null)
  t.throws(() => credential({...around, credentialsFolder: file}, 'code'), {name: 'SystemFault'})
  rmSync(folder, {recursive: true})
  t.end()
})

t.test('the command becomes the program, with the sockets of systemd open', t => {
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-command-'))
  const command = readFileSync(join(ROOT, 'package/tellerd/tellerd.pl'), 'utf8')
  writeFileSync(join(folder, 'tellerd'), command.replace('/usr/lib/tellerd', folder))
  // Stands for Node: tells who it is and what it was given.
  writeFileSync(
    join(folder, 'node'),
    '#!/bin/sh\nprintf "%s " $$ "$@" >&$TELLERD_NOTIFY_FD\necho "journal $TELLERD_JOURNAL_FD"\n',
  )
  chmodSync(join(folder, 'node'), 0o755)
  const listening = `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un("$ARGV[0]/sock")) or die;
    $ENV{NOTIFY_SOCKET} = "$ARGV[0]/sock"; my $pid = fork; exec "/usr/bin/perl", "$ARGV[0]/tellerd", "run", "--x" unless $pid;
    waitpid $pid, 0; recv(S, my $told, 999, MSG_DONTWAIT); print "$pid said $told"`
  const {stdout, stderr} = spawnSync('perl', ['-e', listening, folder], {
    encoding: 'utf8',
    env: {PATH: process.env['PATH']},
    timeout: 60_000,
  })
  t.equal(stderr, '')
  const [, pid, said] = /(\d+) said (.*)$/.exec(stdout) ?? []
  t.equal(said?.trim(), `${pid ?? ''} ${folder}/tellerd.js run --x`, 'the same process, which systemd knows')
  t.match(stdout, 'journal \n', 'started by hand it leaves the system’s journal alone')
  rmSync(folder, {recursive: true})
  t.end()
})

t.test('without systemd nobody is told, and nothing is missed', async t => {
  const machine = new Served()
  const clock = new VirtualClock(epochMs(1_800_000_000_000))
  const service = new Service(machine, {toManager: null, watchdogMs: null}, clock, silentLog)
  service.start()
  machine.become('idle')
  await service.rest()
  service.stop()
  t.equal(await clock.runUntil(() => false, PATIENCE_MS), 'idle', 'no timer runs')
})
