/** A machine's key from its first day to its last, over the real door. */
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import {dirname, join} from 'node:path'
import t from 'tap'
import {ATM} from '../host/bench.ts'
import {PROBE, asPerson, clock, once, openDoor, summary} from '../host/door.ts'
import type {Door} from '../host/door.ts'
import {possessionProof, provedKey, publicKeyText} from '../../crypto/possession.ts'
import {MACHINE_MS} from '../../host/certificates.ts'
import {ENROLMENT_MS} from '../../host/guard/enrolment.ts'
import {codeHash} from '../../host/guard/tokens.ts'
import {createPrivateKey, createPublicKey} from 'node:crypto'
import {spkiPin} from '../../host/tls.ts'
import {assert, present} from '../../kit/assert.ts'
import {BadInput, SystemFault} from '../../kit/errors.ts'
import {epochMs} from '../../kit/clock.ts'
import {lineLog} from '../../kit/log.ts'
import {seededRandom} from '../../kit/random.ts'
import {configFrom} from '../../src/config.ts'
import type {Config} from '../../src/config.ts'
import {renewAt} from '../../src/link/enrolment.ts'
import {keepIdentity, newMachineKey, readIdentity} from '../../src/link/identity.ts'
import type {MachineIdentity} from '../../src/link/identity.ts'
import {renewingTransport} from '../../src/link/renewal.ts'
import {enroll} from '../../src/main.ts'

/** Changes nothing, and counts as a message that could. */
const SIGN_ON = {
  method: 'POST',
  path: `/api/atms/${ATM}/sign-on`,
  headers: {'content-type': 'application/json'},
  body: '{}',
  deadlineMs: 5_000,
} as const

/** Some number that is not root's. */
const DAEMON = 4_711

function configIn(folder: string, door: Door): Config {
  const file = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const config = {
    terminal: ATM,
    currency: 'EUR',
    journal: {path: join(folder, 'journal.db')},
    host: {
      url: door.host.url,
      caPath: file('ca.pem', door.certificates.authority),
      certificatePath: join(folder, 'identity', 'machine.crt'),
      keyPath: join(folder, 'identity', 'machine.key'),
      hostPins: [door.host.hostPin],
      signersPath: file('signers.pem', door.host.signingCertificate),
    },
    cardReader: {model: 'crt310', port: '/dev/null'},
    pinPad: {model: 'szzt', port: '/dev/null'},
    dispenser: {model: 'lcdm2000', port: '/dev/null'},
    cassettes: [{cassette: 1, note: '20.00', initialCount: 100}],
    payout: {amountMax: '500.00'},
    timers: {},
    screen: {},
  }
  return configFrom(JSON.stringify(config), 'test')
}

async function codeFor(door: Door, atmId: string): Promise<string> {
  const {status, json} = await asPerson(door, 'operator', 'POST', `/api/atms/${atmId}/enrolment`, {})
  t.equal(status, 200)
  return String(json['code'])
}

async function signedOn(door: Door, as: MachineIdentity): Promise<string> {
  const line = door.knock({as})
  const answer = summary(await line.send(SIGN_ON))
  await line.close()
  return answer
}

t.test('a machine enrols by a code, once', async t => {
  const folder = t.testdir()
  const door = await openDoor(join(folder, 'bank'))
  t.teardown(() => door.host.close())
  const config = configIn(folder, door)
  t.equal(await signedOn(door, door.atm), 'status 200', 'a key in use')
  t.throws(() => readIdentity(config.host), SystemFault, 'nothing yet')
  for (const role of ['teller', 'auditor'] as const)
    t.equal((await asPerson(door, role, 'POST', `/api/atms/${ATM}/enrolment`, {})).status, 403, role)
  t.equal((await asPerson(door, 'operator', 'POST', '/api/atms/ATM404/enrolment', {})).status, 404)

  const first = await codeFor(door, ATM)
  const code = await codeFor(door, ATM)
  await t.rejects(enroll(config, first), BadInput, 'a code that another followed')
  const other = await codeFor(door, 'ATM999')
  await t.rejects(enroll(config, other), BadInput, 'the code of another machine')
  t.equal(existsSync(config.host.keyPath), false, 'and nothing was kept')
  // As on a fresh machine, where root gives the command and the folder is the daemon's.
  const mayGive = process.geteuid?.() === 0
  if (mayGive) chownSync(folder, DAEMON, DAEMON)
  await enroll(config, code)
  t.equal(statSync(config.host.keyPath).mode & 0o777, 0o600, 'the key is the machine’s alone')
  if (mayGive)
    for (const path of [config.host.keyPath, config.host.certificatePath, join(folder, 'identity')])
      t.match(statSync(path), {uid: DAEMON, gid: DAEMON}, path)
  await t.rejects(enroll(config, code), BadInput, 'used')

  const own = readIdentity(config.host)
  t.equal(summary(await once(door.knock())), 'status 200', 'the old key until the new one is used')
  t.equal(await signedOn(door, own), 'status 200')
  t.equal(summary(await once(door.knock())), 'status 403, unsigned', 'and no longer')
  const wrong = {...config, host: {...config.host, hostPins: ['0'.repeat(64)]}}
  await t.rejects(enroll(wrong, await codeFor(door, ATM)), SystemFault, 'at a bank of another key')
  t.equal(readIdentity(config.host).certificate, own.certificate)
})

t.test('a code is short-lived, and the bank keeps its hash alone', async t => {
  const door = await openDoor(t.testdir())
  t.teardown(() => door.host.close())
  const {store} = door.host.bank
  const code = await codeFor(door, ATM)
  const spend = (pin: string, nowMs: number) =>
    store.transact(tx => tx.enrolments.spend(codeHash(code), {atmId: ATM, pin, nowMs: epochMs(nowMs)}))
  const nowMs = clock.wallMs()
  t.equal(await spend('a', nowMs + ENROLMENT_MS + 1_000), 'gone', 'an hour later')
  t.equal(await spend('a', nowMs), 'spent')
  t.equal(await spend('a', nowMs), 'spent', 'the same key again: its answer was lost')
  t.equal(await spend('b', nowMs), 'gone')
  for (const name of ['bank.db', 'bank.db-wal'])
    t.equal(readFileSync(join(t.testdirName, name)).includes(code), false, name)
})

t.test('the certificate is renewed in time, with the old key good until the new one is used', async t => {
  const folder = t.testdir()
  const door = await openDoor(join(folder, 'bank'))
  t.teardown(() => door.host.close())
  const config = configIn(folder, door)
  await enroll(config, await codeFor(door, ATM))
  const before = readIdentity(config.host)
  t.equal(await signedOn(door, before), 'status 200')
  let aheadMs = 0
  let bankIsBack = false
  const lines: string[] = []
  const line = renewingTransport({
    identity: before,
    open: identity => door.knock({as: identity}),
    renew: async (inner, identity) =>
      bankIsBack
        ? renewAt(inner, spkiPin(identity.certificate), {
            atmId: ATM,
            authority: door.certificates.authority,
            deadlineMs: 5_000,
          })
        : {kind: 'silent', why: 'not now'},
    keep: identity => {
      keepIdentity(config.host, identity)
    },
    clock: {...clock, wallMs: () => epochMs(clock.wallMs() + aheadMs)},
    random: seededRandom('renewal'),
    log: lineLog(clock, text => lines.push(text)),
  })
  t.teardown(() => line.close())
  const isRenewed = () => readIdentity(config.host).certificate !== before.certificate
  const settled = async (done: () => boolean) => {
    for (let tries = 0; !done() && tries < 500; tries++) await clock.sleep(10)
    return done()
  }
  t.equal(summary(await line.send(PROBE)), 'status 200')
  aheadMs = MACHINE_MS * 0.6
  await line.send(PROBE)
  t.same(lines, [], 'not before two thirds')
  aheadMs = MACHINE_MS * 0.8
  await line.send(PROBE)
  t.equal(await settled(() => lines.length === 1), true, 'tried')
  await line.send(PROBE)
  t.equal(lines.length, 1, 'and not again at once')
  t.equal(isRenewed(), false)
  bankIsBack = true
  aheadMs += 2 * 3_600_000
  await line.send(PROBE)
  t.equal(await settled(() => lines.length === 2), true)
  t.equal(isRenewed(), true, 'kept')
  t.equal(summary(await once(door.knock({as: before}))), 'status 200', 'two keys while it turns')
  t.equal(summary(await line.send(SIGN_ON)), 'status 200', 'the new one, on a line of its own')
  t.equal(summary(await once(door.knock({as: before}))), 'status 403, unsigned', 'the old one is retired')
  t.equal(await signedOn(door, readIdentity(config.host)), 'status 200', 'what is on disk is what counts')
})

t.test('a renewal that was never used leaves no third key behind', async t => {
  const folder = t.testdir()
  const door = await openDoor(join(folder, 'bank'))
  t.teardown(() => door.host.close())
  const ask = {atmId: ATM, authority: door.certificates.authority, deadlineMs: 5_000}
  const line = door.knock()
  t.teardown(() => line.close())
  const pin = spkiPin(door.atm.certificate)
  t.equal(summary(await line.send(SIGN_ON)), 'status 200')
  const lost = await renewAt(line, pin, ask)
  const next = await renewAt(line, pin, ask)
  assert(lost.kind === 'issued' && next.kind === 'issued', 'no certificate was issued')
  t.equal(await signedOn(door, lost.identity), 'status 403, unsigned', 'the one whose answer was lost')
  t.equal(await signedOn(door, next.identity), 'status 200')
  t.match(await renewAt(line, pin, ask), {kind: 'silent', why: /403/}, 'the key of before renews nothing')
  const mine = door.knock({as: next.identity})
  t.teardown(() => mine.close())
  t.match(await renewAt(mine, pin, ask), {kind: 'refused', why: /proof/}, 'a proof for another key')
})

t.test('a revocation by an operator counts on the open connection, for every key', async t => {
  const folder = t.testdir()
  const door = await openDoor(join(folder, 'bank'))
  t.teardown(() => door.host.close())
  const config = configIn(folder, door)
  t.equal(await signedOn(door, door.atm), 'status 200', 'a key in use')
  await enroll(config, await codeFor(door, ATM))
  const lines = [door.knock(), door.knock({as: readIdentity(config.host)})]
  for (const line of lines) t.equal(summary(await line.send(PROBE)), 'status 200')
  t.equal((await asPerson(door, 'teller', 'POST', `/api/atms/${ATM}/revoke`, {})).status, 403)
  t.equal((await asPerson(door, 'operator', 'POST', `/api/atms/${ATM}/revoke`, {})).status, 200)
  for (const line of lines) t.equal(summary(await line.send(PROBE)), 'status 403, unsigned')
  for (const line of lines) await line.close()
  await enroll(config, await codeFor(door, ATM))
  t.equal(await signedOn(door, readIdentity(config.host)), 'status 200', 'a new key, and it is back')
})

t.test('power may go at any moment of a change of keys', async t => {
  const folder = t.testdir({bank: {}})
  const door = await openDoor(join(folder, 'bank'))
  t.teardown(() => door.host.close())
  const config = configIn(folder, door)
  const {certificatePath, keyPath} = config.host
  mkdirSync(dirname(keyPath))
  const old = {certificate: door.atm.certificate, key: door.atm.key}
  const other = present(door.certificates.atms.get('ATM999'), 'another identity')
  const steps: readonly (readonly [string, () => void])[] = [
    ['before anything', () => undefined],
    [
      'half a key',
      () => {
        writeFileSync(`${keyPath}.new`, other.key.reveal().slice(0, 40))
      },
    ],
    [
      'the key',
      () => {
        writeFileSync(`${keyPath}.new`, other.key.reveal())
      },
    ],
    [
      'half a certificate',
      () => {
        writeFileSync(`${certificatePath}.new`, other.certificate.slice(0, 99))
      },
    ],
    [
      'the certificate',
      () => {
        writeFileSync(`${certificatePath}.new`, other.certificate)
      },
    ],
    [
      'one in its place',
      () => {
        renameSync(`${certificatePath}.new`, certificatePath)
      },
    ],
    [
      'both in their places',
      () => {
        renameSync(`${keyPath}.new`, keyPath)
      },
    ],
  ]
  for (let cut = 0; cut < steps.length; cut++) {
    for (const path of [certificatePath, keyPath]) rmSync(`${path}.new`, {force: true})
    writeFileSync(certificatePath, old.certificate)
    writeFileSync(keyPath, old.key.reveal())
    for (const [, step] of steps.slice(0, cut + 1)) step()
    const expected = cut < 5 ? old.certificate : other.certificate
    t.equal(readIdentity(config.host).certificate, expected, steps[cut]?.[0] ?? '')
    t.equal(readIdentity(config.host).certificate, expected, 'and again')
    copyFileSync(keyPath, `${keyPath}.copy`)
  }
  // The two renames may reach the disk in the other order.
  writeFileSync(certificatePath, old.certificate)
  writeFileSync(`${certificatePath}.new`, other.certificate)
  writeFileSync(keyPath, other.key.reveal())
  t.equal(readIdentity(config.host).certificate, other.certificate, 'the key alone in its place')
  t.equal(readIdentity(config.host).certificate, other.certificate, 'and again')
  writeFileSync(keyPath, 'no key at all')
  rmSync(`${keyPath}.new`, {force: true})
  t.throws(() => readIdentity(config.host), /tellerd enroll/)
})

t.test('a proof is of one key, one machine and one occasion', async t => {
  const key = createPrivateKey(newMachineKey().reveal())
  const text = publicKeyText(createPublicKey(key))
  const occasion = {atmId: ATM, because: 'a code'}
  const proof = possessionProof(key, occasion)
  t.not(provedKey(text, proof, occasion), null)
  t.equal(provedKey(text, proof, {...occasion, atmId: 'ATM124'}), null)
  t.equal(provedKey(text, proof, {...occasion, because: 'another code'}), null)
  const other = publicKeyText(createPublicKey(createPrivateKey(newMachineKey().reveal())))
  t.equal(provedKey(other, proof, occasion), null)
  t.equal(provedKey('AAAA', proof, occasion), null)
  t.equal(provedKey(`${text.slice(0, -4)}AAA=`, proof, occasion), null)
})
