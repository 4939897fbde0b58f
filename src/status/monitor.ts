/**
 * Watches the machine from the side: what is wrong is logged, told to the bank and written for whoever collects figures. It
 * decides nothing and moves nothing; without it the machine pays as before.
 */
import {isAdvice} from '../../fsm/context.ts'
import type {Standing} from '../../fsm/session.ts'
import type {Journal} from '../../journal/journal.ts'
import type {Clock, EpochMs, Timer} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import type {Log} from '../../kit/log.ts'
import type {HostLink} from '../link/port.ts'
import {alarmsOf, isServing} from './alarms.ts'
import type {Alarm, Seen} from './alarms.ts'
import {Chronicle} from './chronicle.ts'
import {exposition} from './metrics.ts'
import type {Histogram, Samples} from './metrics.ts'
import {samplesOf, statusOf} from './samples.ts'
import type {Raised} from './samples.ts'
import type {Disk, Sensors} from './sensors.ts'
import {Tally} from './tally.ts'
import {Teller} from './teller.ts'
import {verdictIn} from './verdict.ts'

/** Between two beats, which show how late timers come, and beats between two looks. */
const BEAT_MS = 1_000
const BEATS_PER_LOOK = 10
/** Rows of the journal read at a time, and the pause between two readings of a long one. */
const ROWS_PER_READ = 500
const READ_PAUSE_MS = 20

export const STATUS_FILE = 'status.json'
export const METRICS_FILE = 'metrics.prom'

export interface MonitorParts {
  readonly machine: {
    readonly standing: Standing
    readonly bank: Pick<HostLink, 'tellEvents' | 'clockErrorMs'>
    onChange(listener: () => void): () => void
  }
  readonly journal: Pick<Journal, 'rows' | 'onAppend' | 'openIntents' | 'head'>
  /** What the appends of the journal took. */
  readonly commits: Histogram
  readonly sensors: Sensors
  /** Of the certificate that was in force at the start. */
  readonly certificate: {readonly fromMs: EpochMs; readonly toMs: EpochMs}
  readonly terminal: string
  readonly build: string
  readonly clock: Clock
  readonly log: Log
  /** Ends the program: one of our own mistakes surfaced. */
  readonly crash: (thrown: unknown) => void
}

export class Monitor {
  readonly #with: MonitorParts
  readonly #tally = new Tally()
  readonly #chronicle = new Chronicle()
  readonly #teller: Teller
  readonly #startedMs: EpochMs
  readonly #settings: string | null
  readonly #raised = new Map<string, Raised>()
  #before: Standing
  #notServingFromMs: number | null
  #bankAwayFromMs: number | null
  #nextSeq = 1
  #isRead = false
  #lagMs = 0
  #beats = 0
  #timer: Timer | null = null
  #stopped = false
  #isPublishing = true
  #forget: readonly (() => void)[] = []

  constructor(parts: MonitorParts) {
    this.#with = parts
    const {machine, clock, log, sensors} = parts
    this.#teller = new Teller(machine.bank, clock, log)
    this.#startedMs = clock.wallMs()
    this.#settings = sensors.settingsText()
    this.#before = machine.standing
    this.#notServingFromMs = clock.monotonicMs()
    this.#bankAwayFromMs = clock.monotonicMs()
  }

  start(): void {
    const {machine, journal, crash} = this.#with
    this.#forget = [
      machine.onChange(() => {
        this.#follow()
      }),
      journal.onAppend(row => {
        this.#tally.row(row)
      }),
    ]
    this.#beat()
    this.#readBack().catch(crash)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    for (const forget of this.#forget) forget()
  }

  /** What is raised now, the worst first; what the journal says counts once it was read to its end. */
  alarms(): readonly Alarm[] {
    return alarmsOf(this.#seen())
  }

  /** What a collector reads, without the words around it. */
  figures(): readonly string[] {
    const seen = this.#seen()
    return exposition(this.#samples(seen, alarmsOf(seen)))
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
  }

  /** The disk with the journal, null when the system does not say, and the sizes of the journal's files. */
  storage(): {readonly disk: Disk | null; readonly main: number; readonly wal: number} {
    const {sensors} = this.#with
    return {disk: sensors.disk(), ...sensors.journalBytes()}
  }

  /** Looks at once, as it does from time to time. */
  async look(): Promise<void> {
    if (this.#stopped) return
    if (this.#isRead) this.#readOn()
    const seen = this.#seen()
    const alarms = alarmsOf(seen)
    this.#log(alarms, seen.nowMs)
    this.#publish(seen, alarms)
    this.#lagMs = 0
    // What the journal says is half the truth until it was read.
    if (!this.#isRead || seen.state === 'starting' || seen.state === 'recovering') return
    this.#teller.note(alarms)
    if (seen.context.host === 'up' && seen.context.visit === null) await this.#teller.tell()
  }

  #beat(): void {
    const {clock, crash} = this.#with
    const dueMs = clock.monotonicMs() + BEAT_MS
    this.#timer = clock.after(BEAT_MS, () => {
      this.#lagMs = Math.max(this.#lagMs, clock.monotonicMs() - dueMs)
      this.#beats += 1
      if (this.#beats % BEATS_PER_LOOK === 0) this.look().catch(crash)
      this.#beat()
    })
  }

  #follow(): void {
    const {standing} = this.#with.machine
    if (standing === this.#before) return
    const nowMs = this.#with.clock.monotonicMs()
    this.#tally.step(this.#before, standing, nowMs)
    this.#notServingFromMs = isServing(standing) ? null : (this.#notServingFromMs ?? nowMs)
    this.#bankAwayFromMs = standing.context.host === 'up' ? null : (this.#bankAwayFromMs ?? nowMs)
    this.#before = standing
  }

  /** The journal so far, in pieces, with everybody else's turn between them. */
  async #readBack(): Promise<void> {
    while (!this.#stopped && !this.#readOn()) await this.#with.clock.sleep(READ_PAUSE_MS)
    this.#isRead = true
  }

  /** @returns whether that was the end, or as far as the journal can be read: the machine itself says what that means */
  #readOn(): boolean {
    try {
      const rows = this.#with.journal.rows(this.#nextSeq, ROWS_PER_READ)
      for (const row of rows) this.#chronicle.add(row)
      // A journal that was shortened does not begin with its first row.
      this.#nextSeq = (rows.at(-1)?.seq ?? this.#nextSeq - 1) + 1
      return rows.length < ROWS_PER_READ
    } catch (thrown) {
      if (!(thrown instanceof SystemFault)) throw thrown
      this.#with.log.error('the journal cannot be read', {why: thrown.message})
      return true
    }
  }

  #seen(): Seen {
    const {machine, journal, sensors, certificate, clock} = this.#with
    const {state, context} = machine.standing
    const nowMs = clock.wallMs()
    const since = (fromMs: number | null): number => (fromMs === null ? 0 : clock.monotonicMs() - fromMs)
    const disk = sensors.disk()
    const [oldest] = openAdvices(journal)
    return {
      state,
      context,
      nowMs,
      notServingMs: since(this.#notServingFromMs),
      bankAwayMs: since(this.#bankAwayFromMs),
      oldestAdviceMs: oldest === undefined ? 0 : Math.max(0, nowMs - oldest.atMs),
      lately: this.#chronicle.lately(nowMs),
      diskFree: disk === null ? null : disk.freeBytes / disk.sizeBytes,
      certificateLeft: (certificate.toMs - nowMs) / (certificate.toMs - certificate.fromMs),
      clockErrorMs: machine.bank.clockErrorMs(),
      verified: verdictIn(sensors.verifiedText()),
      settingsChanged: sensors.settingsText() !== this.#settings,
    }
  }

  /** Each alarm when it is raised and when it is over. */
  #log(alarms: readonly Alarm[], nowMs: EpochMs): void {
    const {log} = this.#with
    const names = new Set(alarms.map(({rule}) => rule.name))
    for (const alarm of alarms) {
      const {rule, cause} = alarm
      const before = this.#raised.get(rule.name)
      this.#raised.set(rule.name, {alarm, sinceMs: before?.sinceMs ?? nowMs})
      if (before !== undefined) continue
      const fields = {alarm: rule.name, severity: rule.severity, cause}
      if (rule.severity === 'minor') log.warn(rule.title, fields)
      else log.error(rule.title, fields)
    }
    for (const [name, {alarm}] of this.#raised) {
      if (names.has(name)) continue
      this.#raised.delete(name)
      log.info('an alarm is over', {alarm: name, title: alarm.rule.title})
    }
  }

  #samples(seen: Seen, alarms: readonly Alarm[]): Samples {
    const {journal, sensors, commits, certificate, build} = this.#with
    const now = samplesOf(seen, alarms, {
      build,
      startedMs: this.#startedMs,
      lagMs: this.#lagMs,
      rowsCount: journal.head.seq,
      advicesCount: openAdvices(journal).length,
      commits,
      residentBytes: sensors.residentBytes(),
      journalBytes: sensors.journalBytes(),
      certificateToMs: certificate.toMs,
    })
    return this.#tally.samples.with(now)
  }

  #publish(seen: Seen, alarms: readonly Alarm[]): void {
    const {log, sensors} = this.#with
    try {
      sensors.publish(
        STATUS_FILE,
        `${JSON.stringify(statusOf(this.#with, seen, [...this.#raised.values()]), null, 2)}\n`,
      )
      sensors.publish(METRICS_FILE, exposition(this.#samples(seen, alarms)))
      this.#isPublishing = true
    } catch (thrown) {
      if (!(thrown instanceof SystemFault)) throw thrown
      // Told once: a folder that is full stays so, and nobody is to be paid less for it.
      if (this.#isPublishing) log.error('status and figures cannot be written', {why: thrown.message})
      this.#isPublishing = false
    }
  }
}

/** The oldest first. */
function openAdvices(journal: Pick<Journal, 'openIntents'>): ReturnType<Journal['openIntents']> {
  return journal.openIntents().filter(({entry: {order}}) => isAdvice(order))
}
