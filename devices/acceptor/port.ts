/**
 * What every note acceptor offers, in the words of XFS4IoT's cash acceptance: a cash-in is started, items are inserted,
 * held in escrow, stored or rolled back, and the cash-in is ended. Drivers fold their model's codes into these outcomes.
 *
 * A note that was in escrow ends as exactly one of three: `stacked`, `returned` or `unknown`. Money is credited for
 * `stacked` alone, and never for what merely lies in escrow.
 */
import type {Minor} from '../../kit/money.ts'
import type {Failed, Identity, NoAnswer} from '../outcome.ts'

/** Where models differ. */
export interface AcceptorCapabilities {
  /**
   * Notes that can be held between the customer and the cashbox at once. With 1 each note is decided before the next
   * one is taken in, and only the last one can still be given back.
   */
  readonly escrowNotesMax: number
  /** Accepted notes may go to a store from which the device pays out. */
  readonly recycles: boolean
  /** `recall` can tell what became of a note after the answer was lost, the device's power included. */
  readonly recall: boolean
  /** What is said on the wire can be encrypted, so that nobody between can alter an amount. */
  readonly encrypts: boolean
}

/** One kind of note that the device recognises. */
export interface NoteType {
  /** The device's own number of it, from 1. */
  readonly channel: number
  /** ISO 4217, as the device tells it: `EUR`. */
  readonly currency: string
  readonly valueMinor: Minor
}

export type AcceptorFault =
  | 'jam'
  | 'cashbox-full'
  | 'cashbox-missing'
  | 'path-open'
  | 'fraud'
  | 'hardware'
  | 'not-supported'
  | 'bad-request'

/**
 * Why a note was given back. `not-recognised`: no note that it knows, or not a good one. `not-accepted`: known, and not
 * wanted now. `two-notes`, `fed-badly`: as it came. `host`: we asked for it. `timeout`: nobody decided in time.
 * `fraud`: pulled on a string. `not-stacked`: the way to the cashbox was barred. `unspecified`: the device gives no reason.
 */
export type RefusalReason =
  | 'not-recognised'
  | 'not-accepted'
  | 'two-notes'
  | 'fed-badly'
  | 'host'
  | 'timeout'
  | 'fraud'
  | 'not-stacked'
  | 'unspecified'

/** What came of waiting for a note. */
export type Inserted =
  /** It lies in escrow and waits for `stack` or `rollback`. */
  | {readonly kind: 'escrowed'; readonly note: NoteType}
  /** A note came and went back to the customer. */
  | {readonly kind: 'refused'; readonly reason: RefusalReason; readonly detail: string}
  /** Stored without having been ordered: the device decided by itself, and its account is all there is. */
  | {readonly kind: 'stacked'; readonly note: NoteType; readonly to: Stored; readonly detail: string}
  /** Nobody inserted anything within the time. */
  | {readonly kind: 'nothing'}
  /** It takes no notes until this is mended; no note is known to be inside. */
  | {readonly kind: 'failed'; readonly fault: AcceptorFault | NoAnswer; readonly detail: string}
  /** A note may be inside, and nobody knows which or where. */
  | {readonly kind: 'unknown'; readonly why: AcceptorFault | NoAnswer; readonly detail: string}

/** Where a stored note lies; `unspecified` where the device does not tell. */
export type Stored = 'cashbox' | 'recycler' | 'unspecified'

/** What became of the note that was in escrow. */
export type ItemOutcome =
  /** The device credits it: it is out of the customer's reach for good. `note` is what the device says it stored. */
  | {readonly kind: 'stacked'; readonly note: NoteType; readonly to: Stored; readonly detail: string}
  /** It went back out through the mouth; within the customer's reach, or taken. */
  | {readonly kind: 'returned'; readonly reason: RefusalReason; readonly detail: string}
  | {readonly kind: 'unknown'; readonly why: AcceptorFault | NoAnswer; readonly detail: string}

/**
 * Where the device's own memory stands before a note is stored, in its own words: up to 200 printable characters, to be
 * kept with the order. Null on a device whose memory needs none.
 */
export type Mark = string | null

/** A note that was ordered to be stored or given back, as far as the machine knows it. */
export interface PastItem {
  readonly note: NoteType
  /** What `mark` gave before that order; null when nothing was kept. */
  readonly mark: Mark
}

/** What the device remembers of it. `notRemembered`: it cannot say, or its accounts contradict each other. `busy`: ask again. */
export type ItemRecall =
  | {readonly kind: 'remembered'; readonly outcome: Exclude<ItemOutcome, {kind: 'unknown'}>}
  | {readonly kind: 'notRemembered'; readonly detail: string}
  | {readonly kind: 'busy'}

/** One thing that a model may report of itself, with what the operator does about it. */
export interface AcceptorCondition {
  readonly name: string
  readonly meaning: string
  /** Null where it stops nothing. */
  readonly fault: AcceptorFault | null
  /** A sentence; empty where there is nothing to do. */
  readonly action: string
  /** `assumed`: one public source alone, or a reading of this project's. */
  readonly source: 'agreed' | 'assumed'
}

export interface AcceptorStatus {
  readonly kind: 'status'
  /** Whether notes are taken in now. */
  readonly accepting: boolean
  /** A note between mouth and cashbox. */
  readonly path: 'clear' | 'escrow' | 'moving' | 'jammed' | 'unknown'
  readonly cashbox: 'ok' | 'full' | 'missing' | 'unknown'
  /** Whether what is said on the wire is encrypted. A credit over a clear link can have been altered by whoever holds the cable. */
  readonly link: 'clear' | 'encrypted'
  /** The kinds of notes that it recognises. */
  readonly notes: readonly NoteType[]
  /** Conditions that it reports, by the names of the model's table. */
  readonly conditions: readonly string[]
  /** The first of its faults that stops acceptance, or null. */
  readonly fault: AcceptorFault | null
  /** What the device counts and remembers, in its own words, a fact an item: `stacked 12`. */
  readonly counters: readonly string[]
  readonly detail: string
}

export interface Acceptor {
  readonly capabilities: AcceptorCapabilities
  /** Everything that this model may report. */
  readonly conditions: readonly AcceptorCondition[]
  /**
   * Connects, identifies, and reads what the device remembers; takes no notes in. A note that lies in escrow and was
   * not ordered anywhere is given back, for it is the customer's. Safe to call again after a lost link.
   */
  open(): Promise<
    | {readonly kind: 'open'; readonly identity: Identity; readonly status: AcceptorStatus}
    | Failed<AcceptorFault>
  >
  /** Moves nothing; a note in escrow stays there. */
  status(): Promise<AcceptorStatus | Failed<AcceptorFault>>
  /** What else the device can tell of itself and its settings, a fact a line, for a person to read. Moves nothing. */
  describe(): Promise<readonly string[]>
  /** Starts a cash-in: takes in notes of these channels, and refuses all others. @throws AssertionFailed for a channel that it does not have */
  start(channels: readonly number[]): Promise<{readonly kind: 'started'} | Failed<AcceptorFault>>
  /**
   * Waits for the next note. Only in a cash-in, and with nothing in escrow. What lies in escrow is held by the driver,
   * for as long as the device lets it.
   */
  next(withinMs: number): Promise<Inserted>
  /** Where the device's memory stands now; asked right before `stack` or `rollback`, and kept with it. Moves nothing. */
  mark(): Promise<{readonly kind: 'marked'; readonly mark: Mark} | Failed<AcceptorFault>>
  /** Stores the note in escrow, once. With nothing in escrow any more it says what became of the last one. */
  stack(): Promise<ItemOutcome>
  /** Gives the note in escrow back. */
  rollback(): Promise<ItemOutcome>
  /** Ends the cash-in: takes no more notes. A note in escrow goes back. */
  end(): Promise<{readonly kind: 'ended'} | Failed<AcceptorFault>>
  /** What the device itself says became of a note under an order whose answer was lost. */
  recall(item: PastItem): Promise<ItemRecall | Failed<AcceptorFault>>
  /** Restarts the device and lets it clear its path. It moves evidence: an operator's act, never recovery's. */
  reset(): Promise<{readonly kind: 'reset'; readonly status: AcceptorStatus} | Failed<AcceptorFault>>
  close(): Promise<void>
}
