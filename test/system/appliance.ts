/**
 * One machine of the boot test: a Debian in a container with the package, emulated devices and a cable on
 * pseudo-terminals bound in as its serial ports, and its bank at the far end of a line that can be cut.
 */
import {execFile} from 'node:child_process'
import {promisify} from 'node:util'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import {dirname, join} from 'node:path'
import {pseudoTerminal} from '../../devices/wire/pty.ts'
import type {PseudoTerminal} from '../../devices/wire/pty.ts'
import {openEnrolment} from '../../host/guard/enrolment.ts'
import {present} from '../../kit/assert.ts'
import {SystemFault} from '../../kit/errors.ts'
import {TERMINAL} from '../../src/bench/table.ts'
import {Container, freshRoot, inRoot} from './container.ts'
import type {Ran} from './container.ts'
import {Iron, clock} from './iron.ts'
import {Somebody} from './killing.ts'
import {Relay} from './relay.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const PATIENCE_MS = 60_000
/** Below the root of the machine's file system. */
export const SETTINGS = 'etc/tellerd/tellerd.json'
/** Of the watchdog, while it is tested; the unit's own half a minute would only make the test longer. */
const WATCHDOG_S = 4

/** The serial ports of the machine: what hangs there, and its link, which stands for udev's. */
const PORTS = {
  reader: {port: '/dev/ttyS10', link: 'reader'},
  'pin-pad': {port: '/dev/ttyS11', link: 'pinpad'},
  dispenser: {port: '/dev/ttyS12', link: 'dispenser'},
  console: {port: '/dev/ttyS13', link: 'console'},
} as const
const NAMES = ['reader', 'pin-pad', 'dispenser', 'console'] as const

export class Appliance {
  readonly iron: Iron
  readonly relay: Relay
  /** Where the laptop is plugged in. */
  readonly cable: PseudoTerminal
  /** A keyboard with its display, inside the machine. */
  readonly keyboard: PseudoTerminal
  /** The file system of the machine, seen from outside. */
  readonly root: string
  readonly #work: string
  #container: Container | null = null
  /** The state as Somebody wants to know it; kept by every look at the status. */
  readonly life = {state: ''}

  private constructor(work: string, iron: Iron, relay: Relay) {
    this.#work = work
    this.root = join(work, 'root')
    this.iron = iron
    this.relay = relay
    this.cable = pseudoTerminal(join(iron.folder, 'console'))
    this.keyboard = pseudoTerminal(join(iron.folder, 'keyboard'))
  }

  static async open(): Promise<Appliance> {
    mkdirSync(join(ROOT, '.cache'), {recursive: true})
    const work = mkdtempSync(join(ROOT, '.cache', 'boot-'))
    const iron = await Iron.open('lcdm2000')
    return new Appliance(work, iron, await Relay.open(iron.host.port))
  }

  async close(): Promise<void> {
    this.#container?.kill()
    this.relay.close()
    this.cable.remove()
    this.keyboard.remove()
    await this.iron.close()
    await clock.sleep(500)
    rmSync(this.#work, {recursive: true, force: true})
  }

  /** Builds the package into a folder of this test's. @returns its path */
  async build(folder: string, revision: string | null): Promise<string> {
    const at = join(this.#work, folder)
    const args = [join(ROOT, 'package/main.ts'), at, ...(revision === null ? [] : ['--revision', revision])]
    const {stdout} = await promisify(execFile)(process.execPath, args, {timeout: 600_000})
    return stdout.split('\n')[0] ?? ''
  }

  /** A fresh system with the package that was built into `debs`. @returns what dpkg said */
  async install(): Promise<Ran> {
    await freshRoot(this.root)
    return inRoot(
      this.root,
      ['sh', '-c', 'dpkg -i /debs/tellerd_*.deb'],
      [`--bind-ro=${join(this.#work, 'debs')}:/debs`],
    )
  }

  /** What stands for udev, and the one thing that the unit must be told about pseudo-terminals. */
  furnish(): void {
    const gid = Number(
      readFileSync(join(this.root, 'etc/group'), 'utf8')
        .split('\n')
        .find(line => line.startsWith('tellerd:'))
        ?.split(':')[2],
    )
    for (const name of NAMES) {
      chownSync(this.portPath(name), 0, gid)
      chmodSync(this.portPath(name), 0o660)
    }
    this.file(
      'etc/systemd/system/tellerd.service.d/test.conf',
      `[Service]\nDeviceAllow=char-pts rw\nWatchdogSec=${WATCHDOG_S}\n`,
    )
    const links = Object.values(PORTS).map(({port, link}) => `L /dev/tellerd/${link} - - - - ${port}`)
    this.file('etc/tmpfiles.d/test.conf', ['d /dev/tellerd 0755', ...links, ''].join('\n'))
    // A terminal that is hung up is gone, if it is a pseudo one.
    this.file('etc/systemd/system/tellerd-console@.service.d/test.conf', '[Service]\nTTYVHangup=no\n')
  }

  /** What whoever prepares the machine does as root, before its first start. @returns what setup said */
  async setUp(): Promise<Ran> {
    const answers = [
      TERMINAL,
      '',
      `https://127.0.0.1:${this.relay.port}`,
      this.iron.host.hostPin,
      ...NAMES.flatMap(name => (name === 'console' ? [] : [PORTS[name].port, ''])),
      ...['2', '20.00', '2000', '50.00', '2000', '1000.00'],
      PORTS.console.port,
      ...['', ''],
    ]
    this.file('root/answers', `${answers.join('\n')}\n`)
    const ran = await this.run('sh', '-c', 'tellerd setup < /root/answers')
    // The container has this machine's network, and its ports may be somebody's.
    const settings: unknown = JSON.parse(readFileSync(join(this.root, SETTINGS), 'utf8'))
    this.file(SETTINGS, JSON.stringify(Object.assign({}, settings, {screen: {port: 0}}), null, 2))
    copyFileSync(join(this.iron.folder, 'ca.pem'), join(this.root, 'etc/tellerd/bank-ca.pem'))
    copyFileSync(join(this.iron.folder, 'signers.pem'), join(this.root, 'etc/tellerd/bank-signers.pem'))
    for (const name of ['bank-ca.pem', 'bank-signers.pem'])
      chmodSync(join(this.root, 'etc/tellerd', name), 0o644)
    return ran
  }

  /** A code that an operator of the bank makes, left where the unit looks for it. */
  async leaveEnrolmentCode(): Promise<void> {
    const operator = {kind: 'person', name: 'the test', roles: []} as const
    const {text} = await openEnrolment(this.iron.host.bank, operator, TERMINAL)
    const code = present(/"code":"([^"]+)"/.exec(text)?.[1], `a code in ${text}`)
    this.file('etc/credstore/tellerd.enrolment-code', `${code}\n`)
  }

  file(path: string, text: string): void {
    const at = join(this.root, path)
    mkdirSync(dirname(at), {recursive: true})
    writeFileSync(at, text)
  }

  /** The pseudo-terminal that is this port. */
  portPath(name: keyof typeof PORTS): string {
    return realpathSync(join(this.iron.folder, name))
  }

  linkOf(name: keyof typeof PORTS): {readonly link: string; readonly port: string} {
    return {link: `/dev/tellerd/${PORTS[name].link}`, port: PORTS[name].port}
  }

  async boot(): Promise<void> {
    this.#container = await Container.boot(this.root, [
      ...NAMES.map(name => `--bind=${this.portPath(name)}:${PORTS[name].port}`),
      `--bind=${realpathSync(this.keyboard.path)}:/dev/ttykeyboard`,
      `--bind-ro=${join(this.#work, 'debs')}:/debs`,
    ])
  }

  powerOff(): Promise<void> {
    return this.#booted.powerOff()
  }

  get #booted(): Container {
    return present(this.#container, 'a machine that is booted')
  }

  run(...command: readonly string[]): Promise<Ran> {
    return this.#booted.run(...command)
  }

  systemctl(...words: readonly string[]): Promise<Ran> {
    return this.run('systemctl', ...words, 'tellerd.service')
  }

  show(unit: string, property: string): Promise<string> {
    return this.#booted.show(unit, property)
  }

  /** What the daemon told systemd last: `idle, bank up`. */
  async status(): Promise<string> {
    const text = await this.show('tellerd.service', 'StatusText')
    this.life.state = /^(\w+),/.exec(text)?.[1] ?? ''
    return text
  }

  async isIn(...states: readonly string[]): Promise<boolean> {
    await this.status()
    return states.includes(this.life.state)
  }

  async isInService(): Promise<boolean> {
    return (await this.status()) === 'idle, bank up'
  }

  /** @returns null once it is so; how things stand when it took too long */
  async notYet(isSo: () => boolean | Promise<boolean>, patienceMs = PATIENCE_MS): Promise<string | null> {
    const endMs = clock.monotonicMs() + patienceMs
    while (!(await isSo())) {
      // Whoever stands there goes by it.
      await this.status()
      if (clock.monotonicMs() > endMs)
        return `${await this.status()}; ${(await this.logged()).split('\n').slice(-12).join('\n')}`
      await clock.sleep(100)
    }
    return null
  }

  async logged(): Promise<string> {
    return (await this.run('journalctl', '-u', 'tellerd.service', '-o', 'cat', '--no-pager')).out
  }

  async restarts(): Promise<number> {
    return Number(await this.show('tellerd.service', 'NRestarts'))
  }

  /** Somebody comes, and goes when the work is over. */
  async withSomebody(brings: 'card' | 'nothing', work: () => Promise<void>): Promise<void> {
    const somebody = new Somebody(this.iron, brings)
    const playing = somebody.play(this.life)
    try {
      await work()
    } finally {
      somebody.leave()
      await playing
    }
  }

  notesOut(): number {
    const {customer} = this.iron.emulators.dispenser.world
    return Object.values(customer).reduce((sum, count) => sum + count, 0)
  }

  /**
   * The machine's file, notes and bank against each other, once it is told that the bank has what became of everything:
   * it is stopped for that, and may be stopped between the bank's note and its own.
   * @returns the differences
   */
  async ledgerDifferences(): Promise<readonly string[]> {
    for (let tries = 1; ; tries += 1) {
      await this.systemctl('stop')
      const copy = mkdtempSync(join(this.#work, 'ledgers-'))
      // A file system of the container's own is not seen from outside.
      const copied = await this.run('sh', '-c', 'rm -rf /root/ledgers; cp -a /var/lib/tellerd /root/ledgers')
      if (copied.status !== 0) throw new SystemFault(copied.out)
      cpSync(join(this.root, 'root/ledgers'), copy, {recursive: true})
      const {differences} = await this.iron.ledgers(join(copy, 'journal.db'))
      // So many starts in so few minutes are the test's own.
      await this.systemctl('reset-failed')
      await this.systemctl('start')
      const isOnTheWay =
        differences.length > 0 && differences.every(one => one.includes('has not acknowledged'))
      if (!isOnTheWay || tries === STOPS_MAX) return differences
      await this.notYet(() => this.isInService())
    }
  }
}

const STOPS_MAX = 3
