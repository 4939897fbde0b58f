/** One world: a machine that lives and dies, its devices, its bank, its disk, and the judge who sees all of it. */
import {existsSync, mkdirSync, readFileSync, rmSync} from 'node:fs'
import {basename, join} from 'node:path'
import type {Entry, SessionId, Stored} from '../../journal/entry.ts'
import {signerOfSeed} from '../../crypto/anchor.ts'
import {ENDLESS_ROOM} from '../../journal/room.ts'
import {sentenceOf} from '../../journal/sentences.ts'
import {SystemFault} from '../../kit/errors.ts'
import type {Log} from '../../kit/log.ts'
import {minorUnits} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'
import {tableConfig} from '../../src/bench/table.ts'
import type {Config} from '../../src/config.ts'
import {configHash} from '../../src/config.ts'
import {Machine} from '../../src/machine.ts'
import {drawNothing} from '../../src/paper/paper.ts'
import {BankDoor, PEOPLE, START_MS} from './bank.ts'
import {Life, SimClock} from './clock.ts'
import {Devices, drawModels} from './devices.ts'
import {SimDisk} from './disk.ts'
import {Draws} from './draws.ts'
import {Faults, drawTheme} from './faults.ts'
import type {FaultName} from './faults.ts'
import {SimLine} from './line.ts'
import {Canaries} from './oracle/canaries.ts'
import {Oracle} from './oracle/oracle.ts'
import type {Violation} from './oracle/oracle.ts'
import {BankFile, rawOf, readJournalFile} from './oracle/raw.ts'
import type {JournalRow} from './oracle/raw.ts'
import type {Scene} from './scenes.ts'
import {toldBy} from './told.ts'
import {Trace} from './trace.ts'
import type {Line} from './trace.ts'

export interface WorldOptions {
  readonly seed: number
  /** Where the files of this run may be; emptied at the end. */
  readonly folder: string
  /** The bank's file to begin with. */
  readonly bankTemplate: string
  /** Strikes that happen, of all that are drawn; all when null. */
  readonly only: ReadonlySet<string> | null
  /** What is laid down of this run; everything is drawn when null. */
  readonly scene: Scene | null
  /** Whether secrets are looked for in every place and in every form, which costs more than all else. */
  readonly isThorough: boolean
  /** Hears every line of what happens; null when nobody watches. */
  readonly watch: ((line: Line) => void) | null
  /** Waited for before virtual time passes; null when nobody looks on. */
  readonly pace: ((aheadMs: number) => Promise<void>) | null
}

/** What was seen at least once; the names that the "sometimes" list asks for. */
export type Seen = Map<string, number>

/** Of a machine without a certificate. */
const SIGNER = signerOfSeed(seededRandom('sim/machine/key').bytes(32))
const CANARIES = new Canaries(PEOPLE)
/** Of so many runs one has every screen looked at, which costs more than all else. */
const SCREENS_EVERY = 10

const RETRACTS = ['off', 'on', 'onIfCounted', 'onIfCounted'] as const
const MONEY_RISK = 8
const MOMENT_MAX_MS = 1_500
/** Between the question to the bank and the end of the payout. */
const MONEY_STATES: readonly string[] = [
  'authorizing',
  'returningCardBeforeCash',
  'dispensing',
  'presenting',
  'retracting',
  'rejecting',
]

export class World {
  readonly clock: SimClock
  readonly draws: Draws
  readonly faults: Faults
  readonly trace: Trace
  readonly devices: Devices
  readonly bank: BankDoor
  readonly oracle: Oracle
  readonly seen: Seen = new Map()
  readonly config: Config
  readonly #seed: number
  readonly #isThorough: boolean
  readonly #folder: string
  readonly #disk: SimDisk
  readonly #bankFile: BankFile
  readonly #log: Log
  readonly #changed = new Set<() => void>()
  #life: {readonly life: Life; readonly machine: Machine} | null = null
  #lives = 0
  #violation: Violation | null = null
  #atFirstDeath: ReadonlyMap<FaultName, number> | null = null
  #capturedCount = 0
  #recoveryDeaths = 0
  #state = ''
  #card = ''

  constructor({seed, folder, bankTemplate, only, scene, isThorough, watch, pace: pacing}: WorldOptions) {
    this.clock = new SimClock(START_MS, pacing)
    this.draws = new Draws(`seed ${seed}`)
    this.#seed = seed
    this.#isThorough = isThorough
    this.#folder = folder
    rmSync(folder, {recursive: true, force: true})
    mkdirSync(folder, {recursive: true})
    this.trace = new Trace(() => this.clock.monotonicMs(), watch)
    const told = (id: string): void => {
      this.note(`fault ${id.split('#')[0] ?? ''}`)
      this.say('fault', id)
    }
    const setting = this.draws.stream('setting')
    const theme = scene === null ? drawTheme(this.draws.stream('theme')) : 'anything'
    this.faults = new Faults(this.draws.stream('faults'), only, told, theme, scene?.script ?? null)
    const drawn = scene?.models ?? drawModels(setting)
    // Of all dispensers it alone draws notes back, and gives notes again and again.
    const models =
      theme === 'notes left' || theme === 'many bunches' ? {...drawn, dispenser: 'reference' as const} : drawn
    const notes = drawNotes(setting)
    const paper = this.draws.stream('paper')
    const hasPrinter = scene === null && paper.chance(0.7)
    const printer = hasPrinter ? paper.one(['escpos', 'escpos-kiosk'] as const) : null
    const pace = {
      cardMoveMs: setting.one([0, 120, 500]),
      noteMs: setting.one([0, 40, 150]),
      lineMs: paper.one([0, 30]),
    }
    // A few minutes after every run begins.
    const cutOver = scene === null && setting.chance(0.3) ? {cutOverAt: '09:03'} : {}
    const table = tableConfig({
      folder: 'sim',
      dispenser: models.dispenser,
      reader: models.reader,
      pinPad: models.pad,
      ...(printer === null ? {} : {printer}),
      feeMinor: minorUnits(setting.one([0, 0, 250])),
      notes,
      ...cutOver,
    })
    this.config = {
      ...table,
      payout: {
        ...table.payout,
        retract: setting.one(theme === 'notes left' ? ['on', 'onIfCounted'] : RETRACTS),
        mix: setting.one(['fewestNotes', 'balanceCassettes']),
        notesMax: setting.one([40, 40, 100]),
        amountMaxMinor: minorUnits(setting.one([1_000_00, 3_000_00])),
      },
      timers: {...table.timers, watchIntervalMs: setting.one([5_000, 15_000, 60_000])},
    }
    const isScene = scene !== null
    const temper = {
      ...pace,
      bunchNotesMax: isScene
        ? Infinity
        : setting.one(theme === 'many bunches' ? [10, 4] : [Infinity, Infinity, 10, 4]),
      countsRetracted: isScene || setting.chance(theme === 'notes left' ? 0.5 : 0.7),
    }
    this.devices = new Devices(models, printer, this.clock, notes, temper)
    this.#log = this.#makeLog()
    this.bank = new BankDoor(
      bankTemplate,
      folder,
      `sim/bank/${seed}`,
      this.clock,
      this.#log.named('bank'),
      (request, answer) => {
        const said = answer.kind === 'answer' ? `${answer.status} ${answer.body}` : answer.why
        this.trace.mark(said)
        if (
          request.path.endsWith('/withdraw') &&
          this.oracle.isReversed(request.headers['idempotency-key'] ?? '')
        )
          this.note('late request after reversal')
        this.say('bank', `${request.method} ${request.path}`)
        this.trace.tell('bank', () => said)
        this.oracle.bankDone()
      },
    )
    this.#bankFile = new BankFile(this.bank.path)
    const {reader, dispenser} = this.devices
    this.oracle = new Oracle(
      {
        noteMinors: new Map(this.config.cassettes.map(({cassette, noteMinor}) => [cassette, noteMinor])),
        feeMinor: this.config.payout.feeMinor,
        amountMaxMinor: this.config.payout.amountMaxMinor,
      },
      () => dispenser.world,
      () => reader.world.place,
      this.#bankFile,
      violation => {
        this.violate(violation)
      },
    )
    this.#disk = new SimDisk(join(folder, 'disk'), this.faults, {
      appended: rows => {
        this.#appended(rows)
      },
      attempted: (session, entries) => {
        this.oracle.attempted(entries.map(entry => rowOf({session, entry})))
      },
      cut: why => {
        this.die(why, 'power')
      },
      say: (who, what) => {
        this.say(who, what)
      },
      risk: () => this.risk,
    })
    dispenser.watch(() => {
      this.#notesChanged()
    })
    reader.onChange(() => {
      this.#cardChanged()
    })
    this.devices.printer?.watch(() => {
      this.#paperChanged()
    })
    this.devices.pad.onChange(() => {
      this.#tell()
    })
    this.say('setting', `${models.dispenser}, ${models.reader}, ${models.pad}; about ${theme}`)
  }

  get machine(): Machine | null {
    return this.#life?.machine ?? null
  }

  get violation(): Violation | null {
    return this.#violation
  }

  /** Whether a promise was broken: then everything stops. */
  isBroken(): boolean {
    return this.#violation !== null
  }

  /** Faults of the computer strike as many times as often where money is under way: most of the time nothing is. */
  get risk(): number {
    return MONEY_STATES.includes(this.machine?.standing.state ?? 'off') ? MONEY_RISK : 1
  }

  /** How many lives the machine had. */
  get lives(): number {
    return this.#lives
  }

  /** How many opportunities a scene's faults had had when the first life ended; null while none has. */
  get atFirstDeath(): ReadonlyMap<FaultName, number> | null {
    return this.#atFirstDeath
  }

  /** Orders that nothing has answered, in the live journal; as long as no machine lives, some may be. */
  get openCount(): number {
    return this.#disk.openCount
  }

  /** The three ledgers against each other, at rest. */
  reckon(): void {
    this.oracle.atRest()
    this.oracle.levels(this.machine?.standing.context.levels ?? [])
    const {place} = this.devices.reader.world
    if (place !== 'none') this.violate({promise: 'no-card-forgotten', detail: `a card is ${place}`})
  }

  say(who: string, what: string): void {
    // Where the files of a run are must not be part of what happened in it.
    this.trace.say(who, what.replaceAll(this.#folder, ''))
  }

  /** Something was seen that a campaign wants to see sometimes. */
  note(name: string): void {
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1)
  }

  /** The first broken promise ends the run. */
  violate(violation: Violation): void {
    if (this.#violation !== null) return
    this.#violation = violation
    this.say('BROKEN', `${violation.promise}: ${violation.detail}`)
  }

  /** Calls after every change that somebody in front of the machine could see. */
  onChange(listener: () => void): () => void {
    this.#changed.add(listener)
    return () => this.#changed.delete(listener)
  }

  /** The computer starts. @returns false when it could not */
  begin(): boolean {
    const life = new Life(this.clock)
    const log = this.#log
    const seedName = this.#seed
    this.#lives += 1
    try {
      const journal = this.#disk.open(life.clock, 'sim', configHash(this.config))
      const machine = new Machine({
        config: this.config,
        ...this.devices.drivers(
          life,
          this.faults,
          {
            bytes: chunk => {
              this.trace.bytes(chunk)
            },
            say: (who, what) => {
              this.say(who, what)
            },
            beforeWrite: () => {
              this.#mayDie('power.frame', 'before a frame')
            },
          },
          log,
        ),
        transport: new SimLine(this.bank, life, this.clock, this.faults, {
          say: (who, what) => {
            this.say(who, what)
          },
          note: name => {
            this.note(name)
          },
          beforeSend: () => {
            this.#mayDie('power.bank', 'before a message to the bank')
          },
        }),
        signer: () => SIGNER,
        draw: drawNothing,
        timeZone: 'UTC',
        room: ENDLESS_ROOM,
        journal: this.#disk.ink(journal, life),
        clock: life.clock,
        random: seededRandom(`sim/machine/${seedName}/${this.#lives}`),
        log,
        crash: thrown => {
          if (!life.isDead)
            this.violate({
              promise: 'no-mistake-of-ours',
              detail: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
            })
        },
      })
      this.#life = {life, machine}
      machine.onChange(() => {
        if (!life.isDead) this.#machineChanged(machine)
      })
      this.say('power', `life ${this.#lives} begins`)
      this.note(`state ${machine.standing.state}`)
      machine.start()
      return true
    } catch (thrown) {
      if (!(thrown instanceof SystemFault)) throw thrown
      this.say('disk', `the journal does not open: ${thrown.message}`)
      this.note('journal did not open')
      life.die()
      this.#life = null
      this.#leave('all')
      return false
    }
  }

  /** The computer stops here and now. */
  die(why: string, how: 'power' | 'killed'): void {
    const now = this.#life
    if (now === null || now.life.isDead) return
    now.life.die()
    this.#atFirstDeath ??= new Map(this.faults.opportunities)
    this.say('power', `${how === 'power' ? 'power gone' : 'killed'} ${why}`)
    const {state} = now.machine.standing
    this.note(`death in ${state}`)
    const isRecovering = state === 'starting' || state === 'recovering'
    this.#recoveryDeaths = isRecovering ? this.#recoveryDeaths + 1 : 0
    if (this.#recoveryDeaths === 1) this.note('crash in recovery')
    if (this.#recoveryDeaths === 2) this.note('crash in recovery, twice')
    this.#life = null
    this.devices.drop()
    if (this.#isThorough) this.#lookAtTranscripts()
    // What stood in the middle of a call is over; the file is looked at when that call has returned.
    this.clock.after(0, () => {
      this.#leave(how === 'power' ? 'synced' : 'all')
      this.#tell()
    })
  }

  async close(): Promise<void> {
    this.#life?.life.die()
    this.devices.drop()
    this.#disk.stop('all', this.draws)
    this.#bankFile.close()
    await this.bank.close()
    rmSync(this.#folder, {recursive: true, force: true})
  }

  /** The journal's file as it is now, read by another way. */
  lookAtJournal(): void {
    const copy = join(this.#folder, 'look.db')
    this.#disk.copyTo(copy)
    const found = this.oracle.found(readJournalFile(copy))
    if (found !== null) this.note(`torn append found ${found}`)
    rmSync(copy, {force: true})
    rmSync(`${copy}-wal`, {force: true})
  }

  /** Every byte that the machine and its bank have left on a disk. */
  lookForSecrets(): void {
    for (const path of [...this.#disk.files, this.bank.path, `${this.bank.path}-wal`]) {
      if (!existsSync(path)) continue
      const bytes = readFileSync(path)
      const found =
        CANARIES.inBytes(bytes) ?? (this.#isThorough ? CANARIES.inAnyForm(bytes.toString('latin1')) : null)
      if (found !== null) this.#secretFound(basename(path), found)
    }
  }

  /** And what is shown to those who look after a machine: the wires' transcripts, status and figures, the paper of an auditor. */
  async lookEverywhere(): Promise<void> {
    if (!this.#isThorough) return
    this.#lookAtTranscripts()
    const {machine} = this
    const {journal} = this.#disk
    if (machine === null || journal === null) return
    for (const [where, text] of await toldBy(machine, journal, this.config, this.clock)) {
      const found = CANARIES.inAnyForm(text)
      if (found !== null) this.#secretFound(where, found)
    }
  }

  #lookAtTranscripts(): void {
    const {reader, pad, dispenser} = this.devices
    for (const [where, {transcript}] of Object.entries({reader, pad, dispenser})) {
      const found = CANARIES.inAnyForm(transcript.map(({hex}) => hex).join('\n'))
      if (found !== null) this.#secretFound(`the transcript of the ${where}`, found)
    }
  }

  /** Whoever picks a slip up may read it. */
  #paperChanged(): void {
    const {uncut = [], inMouth, tickets = []} = this.devices.printer?.remains ?? {}
    const secret = CANARIES.inText([...uncut, ...(inMouth ?? []), ...(tickets.at(-1) ?? [])].join('\n'))
    if (secret !== null) this.#secretFound('a slip', secret)
  }

  #secretFound(where: string, which: string): void {
    this.violate({promise: 'no-secret-is-kept', detail: `a secret ending ${which} in ${where}`})
  }

  #leave(keeps: 'all' | 'synced'): void {
    this.#disk.stop(keeps, this.draws.stream(`image/${this.#lives}`))
    this.lookAtJournal()
  }

  #mayDie(name: 'power.frame' | 'power.bank' | 'power.note', why: string): void {
    const now = this.#life
    if (now === null) return
    if (this.faults.strike(name, this.risk) !== null) {
      this.die(why, 'power')
      return
    }
    const isRecovering = ['starting', 'recovering'].includes(now.machine.standing.state)
    if (isRecovering && this.#lives > 1 && this.faults.strike('power.recovery') !== null)
      this.die(`${why}, in recovery`, 'power')
    else if (this.faults.strike('process.killed', this.risk) !== null) this.die(why, 'killed')
    else {
      const frozen = this.faults.strike('process.frozen')
      if (frozen !== null) now.life.freeze(frozen.draws.below(60_000))
    }
  }

  /** Some time into a state in which money is under way, where nothing that can be seen happens. */
  #mayDieLater(machine: Machine): void {
    const moment = this.faults.strike('power.moment')
    if (moment === null) return
    const {state} = machine.standing
    this.clock.after(moment.draws.below(MOMENT_MAX_MS), () => {
      if (this.machine === machine && machine.standing.state === state) this.die(`in ${state}`, 'power')
    })
  }

  #appended(rows: readonly Stored[]): void {
    for (const {seq, entry} of rows) {
      const answers = entry.kind === 'event' ? entry.answers : null
      const mark = entry.kind === 'intent' ? '>' : answers === null ? '*' : `< ${answers}:`
      this.trace.tell('journal', () => `${seq} ${mark} ${sentenceOf(entry, this.config.currency)}`)
      this.#noteEntry(entry)
    }
    this.trace.mark(`${rows.at(-1)?.hash ?? ''}\n`)
    this.oracle.durable(rows.map(rowOf))
  }

  #noteEntry(entry: Entry): void {
    if (entry.kind === 'intent') {
      this.note(`order ${entry.order.kind}`)
      if ('row' in entry.order) this.note(`row ${entry.order.row}`)
    }
    if (entry.kind !== 'event') return
    this.note(`event ${entry.event.type}`)
    if (entry.event.type === 'timer.fired' && entry.event.name === 'customer')
      this.note('a customer timer fired')
  }

  #notesChanged(): void {
    const before = this.oracle.notes.movesCount
    this.oracle.notes.look()
    if (this.oracle.notes.movesCount > before) this.#mayDie('power.note', 'while a note moves')
    this.#tell()
  }

  #cardChanged(): void {
    const {place, capturedCount} = this.devices.reader.world
    const card = `card ${place}, ${capturedCount} kept`
    if (card === this.#card) return
    this.#card = card
    this.say('reader', card)
    if (capturedCount > this.#capturedCount) this.oracle.captured()
    this.#capturedCount = capturedCount
    this.#tell()
  }

  #machineChanged(machine: Machine): void {
    const {state} = machine.standing
    if (state !== this.#state) {
      this.#state = state
      this.note(`state ${state}`)
      this.say('machine', state)
      if (this.risk > 1) this.#mayDieLater(machine)
      const secret =
        this.#isThorough || this.#seed % SCREENS_EVERY === 0
          ? CANARIES.inText(JSON.stringify(machine.current()))
          : null
      if (secret !== null) this.#secretFound('the screen', secret)
    }
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#changed) listener()
  }

  #makeLog(): Log {
    const make = (layer: string): Log => {
      const write = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
        const text = `${level} ${message} ${fields === undefined ? '' : JSON.stringify(fields)}`
        this.say(layer, text)
        const secret = CANARIES.inText(text)
        if (secret !== null) this.#secretFound('the log', secret)
        const row = fields?.['row']
        if (layer === 'recovery' && typeof row === 'string') this.note(`recovery ${row}`)
      }
      return {
        debug: () => undefined,
        info: () => undefined,
        warn: write('warn'),
        error: write('error'),
        named: make,
      }
    }
    return make('machine')
  }
}

function drawNotes(draws: Draws): Readonly<Record<number, number>> {
  const full = draws.one([25, 60, 200, 400])
  return Object.fromEntries([1, 2, 3, 4].map(cassette => [cassette, draws.between(full >> 1, full)]))
}

/** As a witness of its writing has it. */
function rowOf({
  seq,
  session,
  atMs,
  entry,
}: Partial<Stored> & {readonly session: SessionId | null; readonly entry: Entry}): JournalRow {
  return {
    seq: seq ?? 0,
    session,
    atMs: atMs ?? 0,
    kind: entry.kind,
    answers: entry.kind === 'event' ? entry.answers : null,
    body: rawOf(bodyOf(entry)),
  }
}

function bodyOf(entry: Entry): unknown {
  switch (entry.kind) {
    case 'boot':
      return {build: entry.build, configHash: entry.configHash}
    case 'intent':
      return entry.order
    case 'event':
      return entry.event
  }
}
