/**
 * What every cash dispenser offers, in the words of XFS4IoT (CEN CWA 17852): denominate, dispense, present,
 * retract, reject, reset. Drivers fold their model's codes into these outcomes; the session knows nothing below them.
 *
 * Every act ends as one of three: proved done, proved not done, or unknown. A method that a model's capabilities
 * deny moves nothing and says `not-supported`.
 */
import type {Count} from '../../kit/money.ts'
import type {Failed, Identity, NoAnswer} from '../outcome.ts'

/** Where models differ; the visit takes the order of things from here. */
export interface DispenserCapabilities {
  /** Notes are gathered inside first (dispense), and given to the customer by `present`. Without one, dispense pays out. */
  readonly stacker: boolean
  /** Something closes the mouth between customers. */
  readonly shutter: boolean
  /** The device notices that the customer took the notes. */
  readonly itemsTakenSensor: boolean
  /** Notes not taken can be drawn back. */
  readonly retract: boolean
  /** `recall` can tell what the last dispense did. */
  readonly recall: boolean
  /** `test` can send one note of a cassette to the reject bin. */
  readonly test: boolean
  /** Positions of the cassettes, from 1. */
  readonly cassettes: readonly number[]
  /** Most notes of one cassette in one dispense. */
  readonly notesPerCassetteMax: number
  /** Most notes in one dispense, over all cassettes. */
  readonly notesPerBunchMax: number
}

/** So many notes of one cassette. */
export interface Pick {
  readonly cassette: number
  readonly count: Count
}

/** What the device counted of one cassette's notes in one movement. */
export interface Tally {
  readonly cassette: number
  /** Left the cassette. */
  readonly picked: Count
  /** Reached the stacker, or the customer's side where there is no stacker. Nothing else is paid. */
  readonly dispensed: Count
  /** Diverted to the reject bin. */
  readonly rejected: Count
}

export type DispenserFault =
  | 'jam'
  | 'jam-at-mouth'
  | 'pick-failed'
  | 'cassette-empty'
  | 'cassette-missing'
  | 'reject-bin-missing'
  | 'count-mismatch'
  | 'overflow'
  | 'too-many-rejects'
  | 'shutter-blocked'
  | 'items-left'
  | 'hardware'
  | 'not-supported'
  | 'bad-request'

/** One code that a model may report: a row of its error table. */
export interface DeviceError {
  /** As the maker writes it: `35`. */
  readonly code: string
  readonly meaning: string
  /** Null where the code tells of no error. */
  readonly fault: DispenserFault | null
  /** What the operator does about it, a sentence; empty where there is nothing to do. */
  readonly action: string
  /** `assumed`: one public source alone, or a reading of this project's. */
  readonly source: 'agreed' | 'assumed'
}

/** Whether that order could be carried out now, as far as limits and sensors tell; nothing moves. */
export type DenominateOutcome =
  | {readonly kind: 'dispensable'}
  | {readonly kind: 'refused'; readonly fault: DispenserFault | NoAnswer; readonly detail: string}

/**
 * What is known of the notes after a dispense order.
 * `dispensed`: exactly the notes asked for; a fault may still be reported beside it.
 * `refused`: proved that no note left a cassette.
 * `partial`: fewer than asked; the tallies say how many. `inPath` notes were picked and are neither out nor rejected;
 *   `atMouth` when they may be within the customer's reach; `inDoubt` when the count of notes out cannot be trusted.
 * `overpaid`: more notes out than asked.
 * `unknown`: the order left this machine and nothing trustworthy came back; 0 to all notes may have moved.
 */
export type DispenseOutcome =
  | {
      readonly kind: 'dispensed'
      readonly tallies: readonly Tally[]
      readonly fault: DispenserFault | null
      readonly detail: string
    }
  | {readonly kind: 'refused'; readonly fault: DispenserFault | NoAnswer; readonly detail: string}
  | {
      readonly kind: 'partial'
      readonly fault: DispenserFault
      readonly tallies: readonly Tally[]
      readonly inPath: Count
      readonly path: 'inside' | 'atMouth'
      readonly counts: 'trusted' | 'inDoubt'
      readonly detail: string
    }
  | {readonly kind: 'overpaid'; readonly tallies: readonly Tally[]; readonly detail: string}
  | {readonly kind: 'unknown'; readonly why: NoAnswer; readonly detail: string}

/**
 * `taken` and `left` are presented notes on a device that notices: taken, or not within the time. `presented`: within the
 * customer's reach on a device that notices no more than that. `notPresented`: the shutter never opened, the notes are in
 * the stacker.
 */
export type PresentOutcome =
  | {readonly kind: 'taken'}
  | {readonly kind: 'left'}
  | {readonly kind: 'presented'}
  | {readonly kind: 'notPresented'; readonly fault: DispenserFault; readonly detail: string}
  | {readonly kind: 'unknown'; readonly why: NoAnswer | DispenserFault; readonly detail: string}

/** `count` is null when the device does not count what it draws back; `itemsTaken`: it noticed that some were taken before. */
export type RetractOutcome =
  | {readonly kind: 'retracted'; readonly count: Count | null; readonly itemsTaken: boolean}
  | {readonly kind: 'unknown'; readonly why: NoAnswer | DispenserFault; readonly detail: string}

/** Stacked notes to the reject bin. */
export type RejectOutcome =
  | {readonly kind: 'rejected'; readonly count: Count | null}
  | {readonly kind: 'unknown'; readonly why: NoAnswer | DispenserFault; readonly detail: string}

/**
 * The path is clear and the mechanism at home. `tallies`: what the device counted of the notes that it moved for it, or null
 * where it counts nothing; some may have left through the mouth.
 */
export type ResetOutcome =
  | {readonly kind: 'reset'; readonly tallies: readonly Tally[] | null; readonly status: DispenserStatus}
  | Failed<DispenserFault>

/** One note was picked and lies in the reject bin. */
export type TestOutcome = {readonly kind: 'tested'; readonly tally: Tally} | Failed<DispenserFault>

/**
 * Where the device's own memory stands before an order, in its own words: up to 200 printable characters, to be kept
 * with the order before the order is given. Null on a device whose memory needs none.
 */
export type Mark = string | null

/** A dispense order of the past, as far as the machine knows it. */
export interface PastOrder {
  readonly serial: number
  readonly picks: readonly Pick[]
  /** What `mark` gave before that order; null when nothing was kept. */
  readonly mark: Mark
}

/**
 * What the device remembers of one dispense order.
 * `movedNothing`: it proves that no note of that order moved. `notRemembered`: it cannot say, or what it remembers cannot be
 * tied to this order; not the same thing.
 * `busy`: still moving; ask again when it is at rest.
 */
export type Recall =
  | {readonly kind: 'movedNothing'}
  | {readonly kind: 'moved'; readonly outcome: DispenseOutcome}
  | {readonly kind: 'notRemembered'}
  | {readonly kind: 'busy'}

/** What the device itself tells of one cassette. */
export interface CassetteStatus {
  readonly cassette: number
  readonly state: 'ok' | 'low' | 'empty' | 'missing'
  /** What else it tells: `code 31, opacity 0, note length 156 mm`. May be empty. */
  readonly detail: string
}

/** One sensor, as the device reports it. */
export interface SensorStatus {
  /** The maker's name: `CHK1`. */
  readonly name: string
  readonly isSet: boolean
  /** What it means that it is set: `a note is there`. */
  readonly means: string
}

export interface DispenserStatus {
  readonly kind: 'status'
  /** Anything seen by a sensor of the transport path or the mouth. */
  readonly path: 'clear' | 'blocked' | 'unknown'
  /** Notes at the mouth, within the customer's reach. */
  readonly media: 'none' | 'atMouth' | 'unknown'
  /** Whether rollers and gates move, by the present error. */
  readonly transport: 'ok' | 'inoperative' | 'unknown'
  readonly stacker: 'empty' | 'notEmpty' | 'unknown' | 'notSupported'
  readonly shutter: 'closed' | 'open' | 'unknown' | 'notSupported'
  readonly cassettes: readonly CassetteStatus[]
  readonly rejectBin: 'ok' | 'missing' | 'unknown'
  /** Every sensor that the device reports. */
  readonly sensors: readonly SensorStatus[]
  /** What the device reports as its present error, or null. */
  readonly error: DeviceError | null
  /** The fault of that error. */
  readonly fault: DispenserFault | null
  readonly detail: string
}

export interface Dispenser {
  readonly capabilities: DispenserCapabilities
  /** Every code that this model may report, with what the operator does about it. */
  readonly errors: readonly DeviceError[]
  /** Connects, identifies and reads status; moves nothing, so that evidence stays. Safe to call again after a lost link. */
  open(): Promise<
    | {readonly kind: 'open'; readonly identity: Identity; readonly status: DispenserStatus}
    | Failed<DispenserFault>
  >
  status(): Promise<DispenserStatus | Failed<DispenserFault>>
  /** What else the device can tell of itself and its settings, a fact a line, for a person to read. Moves nothing. */
  describe(): Promise<readonly string[]>
  /** Checks an order against limits and sensors. @throws AssertionFailed for a cassette or count that the model does not have */
  denominate(picks: readonly Pick[]): Promise<DenominateOutcome>
  /** Where the device's memory stands now; asked right before each order, and kept with it. Moves nothing. */
  mark(): Promise<{readonly kind: 'marked'; readonly mark: Mark} | Failed<DispenserFault>>
  /**
   * Moves notes, once: one frame, one chance, never sent again on silence. Denominates first.
   * @param serial ties what the device remembers to this order, where it can
   */
  dispense(picks: readonly Pick[], serial: number): Promise<DispenseOutcome>
  /** Stacked notes to the customer; resolves when they were taken, or after `takeWithinMs`. Only with a stacker. */
  present(takeWithinMs: number): Promise<PresentOutcome>
  /** Draws back what the customer left. Only where capabilities say so. */
  retract(): Promise<RetractOutcome>
  /** Empties the stacker into the reject bin. Only with a stacker. */
  reject(): Promise<RejectOutcome>
  /** What the device itself says it did under that order. Read by recovery before anyone decides about money. */
  recall(order: PastOrder): Promise<Recall | Failed<DispenserFault>>
  /** Clears the path into the reject bin and brings the mechanism home. It moves evidence: an operator's act, never recovery's. */
  reset(): Promise<ResetOutcome>
  /** One note of that cassette to the reject bin: an operator's check, never the session's, for no journal counts that note. */
  test(cassette: number): Promise<TestOutcome>
  close(): Promise<void>
}
