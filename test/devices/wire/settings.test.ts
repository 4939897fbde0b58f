/** How each model's line is set, as its manual has it, as the binding is told, and as the terminal says afterwards; and that the port is ours alone. */
import t from 'tap'
import {spawnSync} from 'node:child_process'
import {join} from 'node:path'
import {SerialPort} from 'serialport'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import {realClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {KINDS} from '../../../src/kinds.ts'
import {ptyAvailable, skipUnless} from '../../needs.ts'

const clock = realClock()
const listener = {bytes: () => undefined, lost: () => undefined}

/** As the pages of docs/protocols/ have it, written once more by hand: rate, data bits, parity, stop bits, flow control. */
const SETTINGS: Readonly<Record<string, string>> = {
  crt310: '9600 8 none 1 free',
  'crt310-no-shutter': '9600 8 none 1 free',
  'crt310-no-bin': '9600 8 none 1 free',
  'crt310-no-contacts': '9600 8 none 1 free',
  'crt310-track-2': '9600 8 none 1 free',
  'crt310-front-head': '9600 8 none 1 free',
  crt571: '9600 8 none 1 free',
  szzt: '9600 8 none 1 rtscts',
  'szzt-zt598': '9600 8 none 1 rtscts',
  abecs: '19200 8 none 1 free',
  'abecs-dukpt': '19200 8 none 1 free',
  lcdm1000: '9600 8 none 1 free',
  'lcdm1000-19200': '19200 8 none 1 free',
  'lcdm1000-38400': '38400 8 none 1 free',
  lcdm2000: '9600 8 none 1 free',
  'lcdm2000-19200': '19200 8 none 1 free',
  'lcdm2000-38400': '38400 8 none 1 free',
  lcdm4000: '9600 8 even 1 free',
  'lcdm4000-8n1': '9600 8 none 1 free',
  'lcdm4000-serial': '9600 8 even 1 free',
  'lcdm4000-serial-8n1': '9600 8 none 1 free',
  f56: '9600 8 even 1 free',
  'f56-pool': '9600 8 even 1 free',
  reference: '38400 8 none 1 free',
  ebds: '9600 7 even 1 free',
  nv200: '9600 8 none 2 free',
  escpos: '38400 8 none 1 free',
  'escpos-kiosk': '115200 8 none 1 free',
}

/** What `stty` says of the terminal at that path. */
function stty(path: string): string {
  const {stdout, stderr} = spawnSync('stty', ['-F', path, '-a'], {encoding: 'utf8', timeout: 20_000})
  return `${stdout} ${stderr}`.replaceAll(/\s+/g, ' ')
}

t.test('every model sets its line as its manual says', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const {binding} = SerialPort
  const told = t.capture(binding, 'open', binding.open.bind(binding))
  const terminal = pseudoTerminal(join(t.testdir(), 'port'))
  for (const [name, {line}] of KINDS.flatMap(({models}) => Object.entries(models))) {
    // A report has no line.
    if (line === null) continue
    const {baudRate, dataBits, parity, stopBits, rtscts} = line
    const flow = rtscts ? 'rtscts' : 'free'
    t.equal([baudRate, dataBits, parity, stopBits, flow].join(' '), SETTINGS[name], name)
    const link = serialLink(terminal.path, line, clock, silentLog)
    t.equal(await link.open(listener), 'open')
    // A pseudo-terminal of Linux always has eight bits and no parity, whatever it is told; a real port is told the same.
    t.match(
      told().at(-1)?.args[0],
      {path: terminal.path, baudRate, dataBits, parity, stopBits, rtscts, lock: true},
      name,
    )
    const said = stty(terminal.path)
    t.match(said, new RegExp(`speed ${baudRate} baud`), name)
    t.match(said, / cs8 /, name)
    t.match(said, stopBits === 1 ? / -cstopb / : / cstopb /, name)
    t.match(said, rtscts ? / crtscts/ : / -crtscts/, name)
    // Bytes as they are: no line editing, no echo, no signals, no flow control or newlines in the bytes.
    for (const raw of [
      'icanon',
      'echo',
      'isig',
      'iexten',
      'opost',
      'icrnl',
      'inlcr',
      'igncr',
      'ixon',
      'ixoff',
      'istrip',
    ])
      t.ok(said.includes(` -${raw}`), `${name}: ${raw} is off`)
    await link.close()
  }
  terminal.remove()
})

t.test('a port that is open is locked against other programs, under every name it has', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const terminal = pseudoTerminal(join(t.testdir(), 'port'))
  const line = {baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1, rtscts: false} as const
  const mine = serialLink(terminal.path, line, clock, silentLog)
  const lockedBy = (path: string): boolean =>
    spawnSync('flock', ['--nonblock', '--conflict-exit-code', '9', path, 'true'], {timeout: 20_000})
      .status === 9
  t.equal(lockedBy(terminal.path), false)
  t.equal(await mine.open(listener), 'open')
  t.equal(mine.refusal, null)
  t.equal(lockedBy(terminal.path), true)
  const second = serialLink(terminal.path, line, clock, silentLog)
  t.equal(await second.open(listener), 'not-opened')
  t.equal(second.refusal, 'another program has it open')
  await mine.close()
  t.equal(await second.open(listener), 'open', 'and free again when it is closed')
  t.equal(second.refusal, null)
  await second.close()
  terminal.remove()
  t.equal(await second.open(listener), 'not-opened')
  t.equal(second.refusal, 'No such file or directory')
  const none = serialLink('/dev/null', line, clock, silentLog)
  t.equal(await none.open(listener), 'not-opened')
  t.equal(none.refusal, 'it is no serial port')
})
