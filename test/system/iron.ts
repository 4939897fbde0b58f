/**
 * A machine as near to iron as a test gets: the real daemon in its own process, real serial ports (pseudo-terminals)
 * with emulators behind them that outlive it, and a bank on TLS. What `kill -9` meets.
 */
import {spawn} from 'node:child_process'
import type {ChildProcess} from 'node:child_process'
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {pseudoTerminal} from '../../devices/wire/pty.ts'
import type {PseudoTerminal} from '../../devices/wire/pty.ts'
import {demoCertificates} from '../../host/certificates.ts'
import {startHost} from '../../host/start.ts'
import type {RunningHost} from '../../host/start.ts'
import {JournalReader} from '../../journal/reader.ts'
import {assert, present} from '../../kit/assert.ts'
import {realClock} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {minorUnits} from '../../kit/money.ts'
import {systemRandom} from '../../kit/random.ts'
import {compareLedgers} from '../../src/bench/ledgers.ts'
import type {Account} from '../../src/bench/ledgers.ts'
import {emulatorsOn, startEmulators, stopEmulators} from '../../src/bench/rig.ts'
import type {Emulators} from '../../src/bench/rig.ts'
import {TERMINAL} from '../../src/bench/table.ts'
import {readPast} from '../../src/session/past.ts'
import {endingAt, tracing} from './last-call.ts'
import type {LastCall} from './last-call.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const NOTES = {1: 2_000, 2: 2_000} as const
const NOTE_MINORS = new Map([
  [1, minorUnits(20_00)],
  [2, minorUnits(50_00)],
])
/** Longest wait for a state of the daemon, on a busy machine. */
export const PATIENCE_MS = 60_000

export const clock = realClock()

/** One life of the daemon. */
export class Life {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  readonly #waiting = new Set<() => void>()
  state = ''
  screenUrl: string | null = null
  readonly log: string[] = []

  constructor(configPath: string, last: LastCall | null) {
    const command = [process.execPath, join(ROOT, 'src', 'cli.ts'), 'run', '--config', configPath]
    const [program, ...words] = last === null ? command : endingAt(last, command)
    this.#child = spawn(present(program, 'a program'), words, {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
      // As the unit sets it.
      env: {...process.env, NODE_COMPILE_CACHE: join(ROOT, '.cache', 'compiled')},
    })
    this.#ended = new Promise(resolve =>
      this.#child.once('close', () => {
        resolve()
      }),
    )
    const stderr = present(this.#child.stderr, 'the daemon’s standard error')
    createInterface({input: stderr}).on('line', line => {
      this.log.push(line)
      const said: unknown = line.startsWith('{') ? JSON.parse(line) : null
      if (typeof said !== 'object' || said === null) return
      if ('state' in said && typeof said.state === 'string') this.state = said.state
      if ('screen' in said && typeof said.screen === 'string') this.screenUrl = said.screen
      for (const wake of this.#waiting) wake()
    })
  }

  /** Waits until the daemon says so. @returns false when it ended or took too long */
  async until(isSo: () => boolean): Promise<boolean> {
    const endMs = clock.monotonicMs() + PATIENCE_MS
    while (!isSo()) {
      if (this.isOver || clock.monotonicMs() > endMs) return false
      await new Promise<void>(resolve => {
        const wake = (): void => {
          this.#waiting.delete(wake)
          timer.cancel()
          resolve()
        }
        const timer = clock.after(100, wake)
        this.#waiting.add(wake)
      })
    }
    return true
  }

  /** Whether its process has ended. */
  get isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Why it ended by itself, in its own last words; null while it lives, and when it was killed. */
  get failure(): string | null {
    if (!this.isOver || this.#child.signalCode === 'SIGKILL') return null
    return this.log.slice(-5).join(' | ')
  }

  /** From now on it ends at that call. Resolves when somebody looks, or it is over. */
  async endAt(last: LastCall): Promise<void> {
    const tracer = spawn('strace', ['-p', String(this.#child.pid), ...tracing(last)], {stdio: 'ignore'})
    tracer.once('error', () => this.#child.kill('SIGKILL'))
    const path = `/proc/${String(this.#child.pid)}/status`
    const isLooking = (): boolean => /^TracerPid:\s*[1-9]/m.test(readFileSync(path, 'utf8'))
    const endMs = clock.monotonicMs() + PATIENCE_MS
    while (!this.isOver && existsSync(path) && !isLooking()) {
      assert(tracer.exitCode === null && clock.monotonicMs() < endMs, 'strace attaches')
      await clock.sleep(2)
    }
  }

  /** SIGKILL, by its process id; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}

export class Iron {
  readonly emulators: Emulators
  readonly host: RunningHost
  readonly configPath: string
  /** Settings, certificates, and the three ports as links; the bank's books below it. */
  readonly folder: string
  readonly #terminals: readonly PseudoTerminal[]

  private constructor(
    folder: string,
    terminals: readonly PseudoTerminal[],
    emulators: Emulators,
    host: RunningHost,
  ) {
    this.folder = folder
    this.#terminals = terminals
    this.emulators = emulators
    this.host = host
    this.configPath = join(folder, 'config.json')
  }

  static async open(dispenser: 'lcdm2000' | 'reference'): Promise<Iron> {
    const folder = mkdtempSync(join(tmpdir(), 'tellerd-iron-'))
    const [reader, pinPad, cash] = ['reader', 'pin-pad', 'dispenser'].map(name =>
      pseudoTerminal(join(folder, name)),
    )
    const terminals = {
      reader: present(reader, 'a terminal'),
      pinPad: present(pinPad, 'a terminal'),
      dispenser: present(cash, 'a terminal'),
    }
    const ends = {
      reader: terminals.reader.far,
      pinPad: terminals.pinPad.far,
      dispenser: terminals.dispenser.far,
    }
    const emulators = emulatorsOn(ends, dispenser, NOTES, {cardMoveMs: 50, noteMs: 60, lineMs: 30}, clock)
    await startEmulators(emulators)
    const stateFolder = join(folder, 'bank')
    const where = {stateFolder, address: '127.0.0.1', port: 0, atmIds: [TERMINAL], seedDemo: true}
    const host = await startHost(where, clock, systemRandom(), silentLog)
    const iron = new Iron(folder, Object.values(terminals), emulators, host)
    await iron.#writeConfig(dispenser, stateFolder)
    return iron
  }

  /** @param last what it is killed at; lives until killed by us when null */
  live(last: LastCall | null = null): Life {
    return new Life(this.configPath, last)
  }

  /** Reads the journal of a daemon that is gone, and holds it against notes and bank. */
  async ledgers(path = join(this.folder, 'journal.db')): Promise<Account> {
    const journal = JournalReader.open(path)
    try {
      const {levels} = readPast(journal)
      return await compareLedgers(
        journal,
        this.emulators.dispenser.world,
        levels,
        NOTE_MINORS,
        this.host.bank,
      )
    } finally {
      journal.close()
    }
  }

  async close(): Promise<void> {
    await stopEmulators(this.emulators)
    for (const terminal of this.#terminals) terminal.remove()
    await this.host.close()
    rmSync(this.folder, {recursive: true, force: true})
  }

  async #writeConfig(dispenser: 'lcdm2000' | 'reference', stateFolder: string): Promise<void> {
    const certificates = await demoCertificates(
      join(stateFolder, 'certificates'),
      [TERMINAL],
      clock.wallMs(),
      systemRandom(),
    )
    const {certificate, key} = present(certificates.atms.get(TERMINAL), 'the machine’s certificate')
    const file = (name: string, text: string): string => {
      const path = join(this.folder, name)
      writeFileSync(path, text, {mode: 0o600})
      return path
    }
    const config = {
      terminal: TERMINAL,
      currency: 'EUR',
      journal: {path: join(this.folder, 'journal.db')},
      host: {
        url: this.host.url,
        caPath: file('ca.pem', certificates.authority),
        certificatePath: file('atm.pem', certificate),
        keyPath: file('atm.key', key.reveal()),
        hostPins: [this.host.hostPin],
        signersPath: file('signers.pem', this.host.signingCertificate),
      },
      cardReader: {model: 'crt310', port: join(this.folder, 'reader')},
      pinPad: {model: 'szzt', port: join(this.folder, 'pin-pad')},
      dispenser: {model: dispenser, port: join(this.folder, 'dispenser')},
      cassettes: [
        {cassette: 1, note: '20.00', initialCount: NOTES[1]},
        {cassette: 2, note: '50.00', initialCount: NOTES[2]},
      ],
      payout: {amountMax: '1000.00'},
      timers: {endingTimeoutMs: 2_000, watchIntervalMs: 500},
      screen: {port: 0},
    }
    file('config.json', JSON.stringify(config))
  }
}
