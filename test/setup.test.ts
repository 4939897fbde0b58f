// Setup finds the devices that are there, and what it writes a machine can start with; what it cannot use replaces nothing.
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import {pseudoTerminal} from '../devices/wire/pty.ts'
import {present} from '../kit/assert.ts'
import {realClock} from '../kit/clock.ts'
import {emulatorsOn, startEmulators, stopEmulators} from '../src/bench/rig.ts'
import {readConfig} from '../src/config.ts'
import {setup} from '../src/setup.ts'
import {ptyAvailable, skipUnless} from './needs.ts'

const clock = realClock()

/** Somebody who has an answer for each question, told by its first words, the longest that fit; the last one is repeated. */
function person(answers: Readonly<Record<string, readonly string[]>>) {
  const heard: string[] = []
  const left = new Map(Object.entries(answers).map(([word, all]) => [word, [...all]]))
  return {
    heard,
    say: (text: string): void => {
      heard.push(text)
    },
    ask: async (question: string): Promise<string | null> => {
      heard.push(question)
      const word = [...left.keys()]
        .filter(word => question.startsWith(word))
        .toSorted((a, b) => b.length - a.length)[0]
      const mine = word === undefined ? [] : (left.get(word) ?? [])
      return (mine.length > 1 ? mine.shift() : mine[0]) ?? null
    },
  }
}

const ANSWERS = {
  Terminal: ['not a terminal!', 'ATM-7'],
  Currency: [''],
  Address: ['https://bank.example:8443'],
  Pin: ['0'.repeat(64)],
  Model: [''],
  'Port of the receipt printer': [''],
  'Cassettes with': ['2'],
  'Note in': [''],
  'Notes in': ['500'],
  Largest: ['400.00'],
  'Serial port for': [''],
  'Its speed': ['57601', ''],
  'Do two people': [''],
}

t.test('at a machine with three devices', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const root = mkdtempSync(join(tmpdir(), 'tellerd-setup-'))
  const names = ['reader', 'pinPad', 'dispenser'] as const
  const [reader, pinPad, dispenser] = names.map(name =>
    present(pseudoTerminal(join(root, name)), 'a terminal'),
  )
  const wires = {
    reader: present(reader, 'a terminal'),
    pinPad: present(pinPad, 'a terminal'),
    dispenser: present(dispenser, 'a terminal'),
  }
  const ends = {reader: wires.reader.far, pinPad: wires.pinPad.far, dispenser: wires.dispenser.far}
  const emulators = emulatorsOn(ends, 'lcdm1000', {1: 100}, {cardMoveMs: 0, noteMs: 0, lineMs: 0}, clock)
  await startEmulators(emulators)
  t.teardown(async () => {
    await stopEmulators(emulators)
    for (const wire of Object.values(wires)) wire.remove()
    rmSync(root, {recursive: true})
  })
  const configPath = join(root, 'etc/tellerd/tellerd.json')
  const somebody = person({
    ...ANSWERS,
    'Port of the card reader': [join(root, 'reader')],
    'Port of the PIN pad': [join(root, 'pinPad')],
    'Port of the dispenser': [join(root, 'dispenser')],
    'Model of the dispenser': ['no such model', ''],
    'Cassettes with': ['1'],
  })
  await setup({configPath, root}, somebody, clock)
  const config = readConfig(configPath)
  t.match(config, {
    terminal: 'ATM-7',
    currency: 'EUR',
    cardReader: {model: 'crt310', port: join(root, 'reader')},
    pinPad: {model: 'szzt'},
    dispenser: {model: 'lcdm1000'},
    cassettes: [{cassette: 1, noteMinor: 20_00, initialCount: 500}],
    console: {port: null, socketPath: '/run/tellerd/console.sock', cashDual: true},
  })
  t.match(somebody.heard.join('\n'), "'not a terminal!' does not fit.")
  t.match(somebody.heard.join('\n'), "'no such model' does not fit.")
  t.notOk(existsSync(join(root, 'etc/udev')), 'a port that udev does not know needs no rule')
})

t.test('what cannot be used replaces nothing', async t => {
  const root = mkdtempSync(join(tmpdir(), 'tellerd-setup-'))
  const configPath = join(root, 'tellerd.json')
  writeFileSync(configPath, 'the last good one')
  const ports = {
    'Port of': ['0801:0002', '0801:3009', join(root, 'none')],
    'Model of the card': ['magtek'],
    'Model of the PIN': ['dynapro'],
    'Model of the d': ['lcdm1000'],
  }
  const wrong = person({...ANSWERS, ...ports, [configPath]: ['yes'], 'Cassettes with': ['3']})
  await t.rejects(setup({configPath, root}, wrong, clock), {
    name: 'BadInput',
    message: /these answers: .*cassettes names cassette 2, which lcdm1000 does not have/,
  })
  const gone = person({[configPath]: ['yes'], Terminal: ['A']})
  await t.rejects(setup({configPath, root}, gone, clock), {
    name: 'BadInput',
    message: /ended before it was told: Currency/,
  })
  await setup({configPath, root}, person({[configPath]: ['']}), clock)
  t.equal(readFileSync(configPath, 'utf8'), 'the last good one')
  t.notOk(existsSync(`${configPath}.new`))
  rmSync(root, {recursive: true})
})

t.test('a port that udev knows keeps its name by a rule, and the machine waits for it', async t => {
  const root = mkdtempSync(join(tmpdir(), 'tellerd-setup-'))
  const configPath = join(root, 'etc/tellerd/tellerd.json')
  for (const folder of ['dev/serial/by-path', 'etc/tellerd']) mkdirSync(join(root, folder), {recursive: true})
  for (const name of ['ttyUSB3', 'ttyS97', 'ttyAMA98']) writeFileSync(join(root, 'dev', name), '')
  const byPath = '/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0'
  symlinkSync('../../ttyUSB3', join(root, byPath))
  const somebody = person({
    ...ANSWERS,
    'Port of the card reader': ['0801:0011'],
    'Port of the PIN pad': [byPath],
    'Port of the dispenser': ['/dev/ttyS97'],
    'Model of the card': ['magtek'],
    'Model of the PIN': ['szzt'],
    'Model of the d': ['lcdm2000'],
    'Serial port for': ['/dev/ttyAMA98'],
    'Do two people': ['perhaps', 'no'],
  })
  await setup({configPath, root}, somebody, clock)
  const config = readConfig(configPath)
  t.match(config, {
    console: {port: '/dev/tellerd/console', baudRate: 9_600, cashDual: false},
    cardReader: {model: 'magtek', port: '0801:0011'},
    pinPad: {port: '/dev/tellerd/pinpad'},
    dispenser: {port: '/dev/tellerd/dispenser'},
  })
  const heard = somebody.heard.join('\n')
  t.match(heard, `Serial ports: ${byPath}, /dev/ttyAMA98, /dev/ttyS97.`)
  t.match(heard, '(/dev/ttyAMA98)', 'for the console what is left')
  t.match(heard, 'systemctl mask --now serial-getty@ttyAMA98', 'where two log-ins would answer')
  t.match(heard, "'57601' does not fit.")
  const rules = readFileSync(join(root, 'etc/udev/rules.d/61-tellerd-site.rules'), 'utf8').split('\n')
  t.strictSame(rules.slice(1), [
    'SUBSYSTEM=="tty", ENV{ID_PATH}=="pci-0000:00:14.0-usb-0:2:1.0", ATTRS{port_number}=="0", GROUP="tellerd", MODE="0660", SYMLINK+="tellerd/pinpad", TAG+="systemd"',
    'SUBSYSTEM=="tty", KERNEL=="ttyS97", GROUP="tellerd", MODE="0660", SYMLINK+="tellerd/dispenser", TAG+="systemd"',
    'SUBSYSTEM=="tty", KERNEL=="ttyAMA98", GROUP="tellerd", MODE="0660", SYMLINK+="tellerd/console", TAG+="systemd"',
    '',
  ])
  const units = 'dev-tellerd-pinpad.device dev-tellerd-dispenser.device'
  t.match(
    readFileSync(join(root, 'etc/systemd/system/tellerd.service.d/devices.conf'), 'utf8'),
    `[Unit]\nWants=${units}\nAfter=${units}\n`,
  )
  rmSync(root, {recursive: true})
})
