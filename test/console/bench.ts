/** A machine in virtual time with its console: people who can log in, a glass to read, a keyboard to type on. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Test} from 'tap'
import {codeAt} from '../../crypto/one-time.ts'
import type {PasswordCost} from '../../crypto/passwords.ts'
import {isRest} from '../../fsm/context.ts'
import type {Device} from '../../fsm/vocabulary.ts'
import {Trace} from '../../devices/wire/trace.ts'
import {present} from '../../kit/assert.ts'
import {epochMs} from '../../kit/clock.ts'
import {seededRandom} from '../../kit/random.ts'
import {Secret} from '../../kit/secret.ts'
import {Ceremony} from '../../src/console/ceremony.ts'
import type {House} from '../../src/console/command.ts'
import {ARGUMENTS} from '../../src/console/grammar.ts'
import {Line} from '../../src/console/line.ts'
import {People} from '../../src/console/people.ts'
import type {Role} from '../../src/console/people.ts'
import type {SettingsDesk} from '../../src/console/port.ts'
import {RecentLog} from '../../src/console/recent-log.ts'
import {BUILD} from '../../src/main.ts'
import {machineDesk} from '../../src/supervisor/desk.ts'
import {BUDGET_MS, World} from '../session/world.ts'
import type {Scene} from '../session/world.ts'
import {System, monitorOf} from '../status/bench.ts'
import {Glass} from './screen.ts'

/** The least that Argon2id takes: the tests are of doors, not of locks. */
export const CHEAP: PasswordCost = {memoryKib: 8, passesCount: 1, lanesCount: 1}
export const PASSWORD = 'correct horse 42'

/** One of every role, and seconds for those who need one. */
export const STAFF: Readonly<Record<string, Role>> = {
  anna: 'auditor',
  oona: 'operator',
  olaf: 'operator',
  erik: 'engineer',
  emma: 'engineer',
  sven: 'senior',
  siri: 'senior',
  saga: 'security',
  stig: 'security',
}

/** Compares with the transcript beside this file; `--write` in the arguments writes it anew. */
export function golden(t: Test, name: string, glass: Pick<Glass, 'text'>): void {
  const path = join(import.meta.dirname, 'transcripts', `${name}.txt`)
  const text = `${glass.text}\n`
  if (process.argv.includes('--write')) writeFileSync(path, text)
  t.equal(text, readFileSync(path, 'utf8'), name)
}

/** A line that the grammar takes for the command, whatever its arguments. */
export function lineFor(words: string): string {
  return words
    .split(' ')
    .map(word => (Object.hasOwn(ARGUMENTS, word) ? (EXAMPLES[word] ?? word) : word))
    .join(' ')
}

const EXAMPLES: Readonly<Record<string, string>> = {
  DEVICE: 'dispenser',
  CASSETTE: '1',
  COUNT: '5',
  ROW: '1',
  VISIT: 'visit-1',
  KEY: 'ATM1:2026-11-22:000418',
  NAME: 'nobody',
  ROLE: 'auditor',
  SETTING: 'timers.customerTimeoutMs',
  MINUTES: '5',
  LINES: '0',
  SWITCH: 'on',
  CODE: '35',
  TEXT: 'a reason',
  VALUE: '45000',
}

/** Somebody who has that role. */
export function personOf(role: Role): string {
  return present(
    Object.entries(STAFF).find(([, one]) => one === role),
    `somebody who is ${role}`,
  )[0]
}

type Traces = Readonly<Record<Device, Trace>>

export class Bench {
  readonly world: World
  readonly folder: string
  readonly #settings: SettingsDesk
  /** Of the wires, as the daemon has them; here a test lets bytes pass. */
  readonly traces: Traces
  readonly #seeds = new Map<string, Secret<Uint8Array>>()
  #house: House

  private constructor(world: World, folder: string, settings: SettingsDesk) {
    this.world = world
    this.folder = folder
    this.#settings = settings
    const {clock} = world
    this.traces = {
      cardReader: new Trace(clock, false),
      pinPad: new Trace(clock, false),
      dispenser: new Trace(clock, true),
      printer: new Trace(clock, false),
    }
    this.#house = houseAt(world, folder, settings, this.traces)
  }

  static async open(scene: Scene = {}, staff = STAFF, settings: SettingsDesk = NO_SETTINGS): Promise<Bench> {
    const folder = mkdtempSync(join(tmpdir(), 'tellerd-console-'))
    const world = await World.open(scene)
    const {clock, table} = world
    const bench = new Bench(world, folder, settings)
    for (const [name, role] of Object.entries(staff)) {
      const seed = new Secret(seededRandom(name).bytes(20))
      bench.#seeds.set(name, seed)
      await clock.finish(bench.house.people.put(name, role, new Secret(PASSWORD), seed, 0), BUDGET_MS)
    }
    table.machine.start()
    await clock.runUntil(() => world.state === 'idle', BUDGET_MS)
    return bench
  }

  /** The console of the present life. */
  get house(): House {
    return this.#house
  }

  /** The machine's computer loses its power and starts again; what was at its console is gone. */
  async cutPower(wire: Wire): Promise<void> {
    wire.line.hangUp()
    await this.world.crash()
    this.#house = houseAt(this.world, this.folder, this.#settings, this.traces)
    await this.world.clock.runUntil(() => isRest(this.world.state), BUDGET_MS)
  }

  /** The code that the person's app shows now; it counts once, so time passes first. */
  async code(name: string): Promise<string> {
    await this.world.clock.advance(60_000)
    return codeAt(present(this.#seeds.get(name), `the seed of ${name}`), epochMs(this.world.clock.wallMs()))
  }

  keepSettings(text: string): string {
    const path = join(this.folder, 'tellerd.json')
    writeFileSync(path, text)
    return path
  }

  connect(): Wire {
    return new Wire(this)
  }

  async close(): Promise<void> {
    await this.world.close()
    rmSync(this.folder, {recursive: true, force: true})
  }
}

function houseAt(world: World, folder: string, settings: SettingsDesk, traces: Traces): House {
  const {table, clock} = world
  const monitor = monitorOf(world, new System())
  const files = {peoplePath: join(folder, 'people.json'), keyPath: join(folder, 'people.key')}
  const {machine, journal, config, drivers} = table
  return {
    machine: machineDesk({
      machine,
      journal,
      config,
      ...drivers,
      clock,
      build: BUILD,
      traces,
      monitor,
    }),
    settings,
    people: People.open(files, clock, seededRandom('people'), CHEAP, () => false),
    log: new RecentLog(),
    ceremony: new Ceremony(clock),
    clock,
    random: seededRandom('nonces'),
    isCashDual: true,
  }
}

/** A cable with a person at its end. */
export class Wire {
  readonly bench: Bench
  readonly glass = new Glass()
  readonly line: Line
  hasLeft = false

  constructor(bench: Bench) {
    this.bench = bench
    const {house} = bench
    this.line = new Line(
      house,
      async text => {
        this.glass.write(text)
        return true
      },
      () => {
        this.hasLeft = true
      },
      thrown => {
        // Of a life that the power ended nothing is left that could fail.
        if (bench.house !== house) return
        process.nextTick(() => {
          throw thrown
        })
      },
    )
    this.line.start()
  }

  /** Types, key by key, and waits until the machine has nothing more to say. */
  async type(keys: string, budgetMs = 20_000): Promise<void> {
    this.line.feed(Buffer.from(keys, 'latin1'))
    await this.rest(budgetMs)
  }

  /** Until it asks for something: the line ends in a prompt. */
  async rest(budgetMs = 20_000): Promise<void> {
    await this.bench.world.clock.runUntil(() => /[>#:] $|--More--$/.test(this.glass.lastLine), budgetMs)
  }

  async logIn(name: string): Promise<void> {
    await this.rest()
    const code = await this.bench.code(name)
    await this.type(`${name}\r`)
    await this.type(`${PASSWORD}\r`)
    await this.type(`${code}\r`)
  }

  /** Gives a command and reads what came, the prompt after it left out. */
  async give(command: string, budgetMs?: number): Promise<string> {
    this.glass.clear()
    await this.type(`${command}\r`, budgetMs)
    return this.glass.text
  }

  /** Types back the number that the console asks for. */
  async confirm(budgetMs?: number): Promise<string> {
    const nonce = /type ([0-9]{4}) to go on/.exec(this.glass.text)?.[1] ?? 'nothing'
    await this.type(`${nonce}\r`, budgetMs)
    return this.glass.text
  }

  /** The second person's name, password and code. */
  async vouch(name: string): Promise<string> {
    const code = await this.bench.code(name)
    await this.type(`${name}\r`)
    await this.type(`${PASSWORD}\r`)
    await this.type(`${code}\r`)
    return this.glass.text
  }
}

const NO_SETTINGS: SettingsDesk = {
  running: () => [],
  candidate: () => [],
  set: () => 'none',
  remove: () => 'none',
  discard: () => undefined,
  diff: () => [],
  commit: () => 'none',
  confirm: () => 'none',
  rollback: () => 'none',
  reload: () => undefined,
}
