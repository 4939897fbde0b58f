// The settings' file and a candidate of it: what no machine can start with never becomes the file, and what was tried and
// not confirmed is taken back, also by the next start.
import {spawn} from 'node:child_process'
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import t from 'tap'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {SettingsFile, endTrial} from '../../src/supervisor/settings.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const TRIAL_MS = 600_000

const SETTINGS = {
  terminal: 'ATM123',
  currency: 'EUR',
  journal: {path: 'journal.db'},
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

function desk() {
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-settings-'))
  const path = join(folder, 'tellerd.json')
  const first = JSON.stringify(SETTINGS)
  writeFileSync(path, first)
  const clock = new VirtualClock(epochMs(1_800_000_000_000))
  const lives = {count: 1}
  /** A new life with what the file says then. */
  const open = (): SettingsFile =>
    new SettingsFile(path, clock, () => {
      lives.count += 1
    })
  const text = (): string => readFileSync(path, 'utf8')
  const amountMax = (): unknown => {
    const read: unknown = JSON.parse(text())
    return typeof read === 'object' && read !== null
      ? Reflect.get(Reflect.get(read, 'payout'), 'amountMax')
      : null
  }
  return {
    folder,
    path,
    first,
    clock,
    lives,
    open,
    text,
    amountMax,
    [Symbol.dispose]: () => {
      rmSync(folder, {recursive: true})
    },
  }
}

t.test('settings that no machine can start with never become the file', async t => {
  using own = desk()
  const file = own.open()
  for (const [path, value, why] of [
    ['payout.amountMax', '"10.00"', 'amountMax is less than one note of 20.00'],
    ['dispenser.model', '"none"', 'dispenser: model must be'],
    ['cassettes[0].cassette', '9', 'cassettes'],
    ['terminal', '""', 'terminal must be'],
  ] as const) {
    t.equal(file.set(path, value), null)
    t.match(file.commit(null), why)
    t.equal(own.text(), own.first, `after ${path}`)
    file.discard()
  }
  t.match(file.set('cassettes[7].note', '1'), 'there is no place')
  t.match(file.commit(null), 'what is in force')
  t.equal(own.lives.count, 1, 'and nothing started anew')
  t.notOk(existsSync(`${own.path}.before`))
})

t.test('what is committed is the file, and what was before can be had again', async t => {
  using own = desk()
  const file = own.open()
  file.set('payout.amountMax', '"300.00"')
  t.same(file.diff(), ['- payout.amountMax 500.00', '+ payout.amountMax 300.00'])
  t.equal(file.commit(null), null)
  t.equal(own.amountMax(), '300.00')
  t.equal(own.lives.count, 2)
  const next = own.open()
  t.equal(next.rollback(), null)
  t.equal(next.commit(null), null)
  t.equal(own.amountMax(), '500.00')
  t.equal(endTrial(own.path), false, 'nothing was on trial')
})

t.test('a trial that nobody confirms ends, also over a restart', async t => {
  using own = desk()
  const file = own.open()
  file.set('payout.amountMax', '"300.00"')
  t.equal(file.commit(TRIAL_MS), null)
  file.stop()
  const next = own.open()
  await own.clock.advance(TRIAL_MS - 1)
  t.equal(own.amountMax(), '300.00', 'the next life gives it its full time')
  t.equal(own.lives.count, 2)
  await own.clock.advance(1)
  t.equal(own.text(), own.first)
  t.equal(own.lives.count, 3)
  t.match(next.confirm(), null)
  t.equal(own.text(), own.first, 'too late to confirm')
})

t.test('a trial that is confirmed stays', async t => {
  using own = desk()
  own.open().commit(null)
  const file = own.open()
  file.set('payout.amountMax', '"300.00"')
  t.equal(file.commit(TRIAL_MS), null)
  file.stop()
  const next = own.open()
  t.equal(next.confirm(), null)
  t.match(next.confirm(), 'nothing is on trial')
  await own.clock.advance(TRIAL_MS)
  t.equal(own.amountMax(), '300.00')
  t.equal(endTrial(own.path), false)
})

t.test('settings on trial with which the program does not start are taken back by it', async t => {
  using own = desk()
  const file = own.open()
  file.set('journal.path', '"/nowhere/at/all/journal.db"')
  t.equal(file.commit(TRIAL_MS), null)
  file.stop()
  const child = spawn(process.execPath, [join(ROOT, 'src/cli.ts'), 'run', '--config', own.path], {
    cwd: own.folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  for await (const chunk of child.stderr) said += String(chunk)
  t.match(said, 'the settings on trial do not start; the ones before are back')
  t.match(said, 'atm.pem', 'and the ones before are tried: these lack their certificates')
  t.equal(own.text(), own.first)
  t.notOk(existsSync(`${own.path}.trial`))
})
