/** What the console may ask of the machine: to look, and to offer what a person wants as events. It reaches no device. */
import type {Context} from '../../fsm/context.ts'
import type {StateName} from '../../fsm/session.ts'
import type {Passed} from '../../devices/wire/trace.ts'
import type {Day, Device, Event} from '../../fsm/vocabulary.ts'
import type {Intent, SessionId, Stored} from '../../journal/entry.ts'
import type {Head, Verdict} from '../../journal/range.ts'
import type {EpochMs} from '../../kit/clock.ts'
import type {Currency, Minor} from '../../kit/money.ts'
import type {Secret} from '../../kit/secret.ts'
import type {CassetteFound} from '../link/port.ts'
import type {Places} from '../session/places.ts'
import type {SuspenseItem} from '../session/suspense.ts'
import type {Cell} from './view.ts'

export interface Standing {
  readonly state: StateName
  readonly context: Context
}

export type Facts = readonly (readonly [name: string, value: Cell])[]

/** What a device tells of itself, or why it does not. */
export type Report =
  {readonly kind: 'told'; readonly facts: Facts} | {readonly kind: 'silent'; readonly why: string}

/** Lines of the record, or why there are none. */
export type Told =
  {readonly kind: 'told'; readonly lines: readonly string[]} | {readonly kind: 'silent'; readonly why: string}

/** The check value that the pad computed, or why it has no key. */
export type KeyLoaded =
  {readonly kind: 'loaded'; readonly checkValue: string} | {readonly kind: 'silent'; readonly why: string}

/** One code that the dispenser may report. */
export interface ErrorCode {
  readonly code: string
  readonly meaning: string
  readonly fault: string
  readonly action: string
}

/** The record, read; only `note` writes, and only what a person did. */
export interface ConsoleJournal {
  readonly head: Head
  rows(fromSeq: number, countMax: number): readonly Stored[]
  session(id: SessionId): readonly Stored[]
  openIntents(): readonly Intent[]
  verify(): Verdict
  /** On disk when it returns. @throws SystemFault when the journal takes no entries */
  note(event: Event): void
}

/** Notes of one cassette since the totals were closed. */
export interface CassetteTotals {
  readonly cassette: number
  readonly noteMinor: Minor
  readonly loaded: number
  readonly dispensed: number
  readonly rejected: number
  /** Picked, and seen nowhere since. */
  readonly unknown: number
}

/** A bunch that nobody took and the dispenser drew back. */
export interface Retract {
  readonly atMs: EpochMs
  /** Notes that came back, as the dispenser counted them; null when it does not know. */
  readonly count: number | null
  readonly visit: string
}

export interface RetainedCard {
  readonly atMs: EpochMs
  readonly masked: string
  readonly visit: string
}

/** What the journal adds up to. */
export interface Books {
  readonly sinceMs: EpochMs | null
  readonly cassettes: readonly CassetteTotals[]
  readonly completed: {readonly count: number; readonly sumMinor: Minor}
  readonly reversed: number
  readonly visits: number
  /** Notes in the reject bin that were counted on their way there, since the cassettes were loaded. */
  readonly rejectsExpected: number
  readonly retained: readonly RetainedCard[]
  /** The newest first, at most 50. */
  readonly retracts: readonly Retract[]
  /** The oldest first. */
  readonly suspense: readonly SuspenseItem[]
  readonly places: readonly Places[]
  /** Faults of devices, the newest first, at most 50. */
  readonly faults: readonly {readonly atMs: EpochMs; readonly device: string; readonly fault: string}[]
  /** What people did, the newest first, at most 200. */
  readonly acts: readonly {
    readonly atMs: EpochMs
    readonly person: string
    readonly command: string
    readonly outcome: string
  }[]
  /** The newest visits, the newest first, at most 50. */
  readonly recentVisits: readonly {readonly id: string; readonly atMs: EpochMs; readonly rows: number}[]
}

/** What needs a hand: what is wrong, what it means for customers, what to do about it. */
export interface Alarm {
  readonly what: string
  readonly customer: string
  readonly action: string
}

export interface ConsoleMachine {
  readonly terminal: string
  readonly currency: Currency
  readonly build: string
  readonly bankUrl: string
  /** Whether `test dispenser` can move a note to the reject bin. */
  readonly canTest: boolean
  readonly startedMs: EpochMs
  readonly journal: ConsoleJournal
  readonly errors: readonly ErrorCode[]
  standing(): Standing
  /** Between visits, whatever the machine does there. */
  isResting(): boolean
  /** What is raised now, the worst first. */
  alarms(): readonly Alarm[]
  books(): Promise<Books>
  /** The figures of docs/operations.md, a line each: `tellerd_in_service 1`. */
  figures(): readonly string[]
  /** The journal's files and their disk. */
  storage(): Facts
  /** What passed the device's wire lately. */
  trace(device: Device): {
    readonly passed: readonly Passed[]
    onPassed(listener: (passed: Passed) => void): () => void
  }
  /** All about one payout, with what proves it. Between visits alone: the whole journal is read. */
  dispute(reference: string): Promise<Told>
  /** Asks the device; between visits alone, or it says why not. */
  report(device: Device): Promise<Report>
  /** Has the PIN pad prove itself. Between visits alone. */
  selfTest(): Promise<Report>
  /** Whether the PIN pad takes a master key over the wire. */
  readonly canLoadMasterKey: boolean
  /** Gives it to the pad, which says what it has. Between visits alone. */
  loadMasterKey(key: Secret<Uint8Array>): Promise<KeyLoaded>
  /** The machine's own certificate, by which the bank knows it. */
  certificate(): Report
  /** Whether the bank answers. */
  probeBank(): Promise<boolean>
  /** What the bank's clock says; null when it does not answer. */
  bankTime(): Promise<EpochMs | null>
  /** What closing the business date would tell the bank now, and what stands in the way; null when nothing does. */
  day(): Promise<{readonly day: Day; readonly whyNot: string | null}>
  /** Closes the business date with the bank. @returns null when it was begun, or why not */
  closeDay(person: string): Promise<string | null>
  /** Tells the bank what is in the cassettes now, and what people found in them. @returns whether the bank has it */
  tellCash(found: readonly CassetteFound[]): Promise<boolean>
  /** Looks at every device and the bank as between visits, and goes by what it finds. */
  look(): Promise<void>
  offer(event: Event): void
  /** Whether that came true within the time. */
  until(isSo: (standing: Standing) => boolean, timeoutMs: number): Promise<boolean>
}

/** The settings' file and what somebody wants to make of it. */
export interface SettingsDesk {
  running(): Facts
  candidate(): Facts
  /** Null when it can be had; why not otherwise. */
  set(path: string, value: string): string | null
  remove(path: string): string | null
  discard(): void
  diff(): readonly string[]
  /** Writes the candidate; with a time, it is taken back after it unless confirmed. */
  commit(confirmWithinMs: number | null): string | null
  /** Keeps what was committed on trial. */
  confirm(): string | null
  /** The settings before the last commit become the candidate. */
  rollback(): string | null
  /** Starts the machine anew with what the file says. Between visits alone. */
  reload(): void
}
