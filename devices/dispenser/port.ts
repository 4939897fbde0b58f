/**
 * What every cash dispenser offers, in the words of XFS4IoT (CEN CWA 17852): dispense, present, retract,
 * reject. Drivers fold their model's codes into these outcomes; the session knows nothing below them.
 */
import type {Count} from '../../kit/money.ts'
import type {Failed, Identity, NoAnswer} from '../outcome.ts'

/** Where models differ; the visit takes the order of things from here. */
export interface DispenserCapabilities {
  /** Notes are gathered inside first (dispense), and given to the customer by `present`. Without one, dispense pays out. */
  readonly stacker: boolean
  /** The device notices that the customer took the notes. */
  readonly itemsTakenSensor: boolean
  /** Notes not taken can be drawn back. */
  readonly retract: boolean
  /** `recall` can tell what the last movement did. */
  readonly recall: boolean
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

/** `left`: presented, not taken within the time. `notPresented`: the shutter never opened, the notes are in the stacker. */
export type PresentOutcome =
  | {readonly kind: 'taken'}
  | {readonly kind: 'left'}
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
 * What the device remembers of the dispense order with that serial.
 * `movedNothing`: it proves that no note of that order moved. `notRemembered`: it cannot say; not the same thing.
 * `busy`: still moving; ask again when it is at rest.
 */
export type Recall =
  | {readonly kind: 'movedNothing'}
  | {readonly kind: 'moved'; readonly outcome: DispenseOutcome}
  | {readonly kind: 'notRemembered'}
  | {readonly kind: 'busy'}

export interface CassetteStatus {
  readonly cassette: number
  readonly state: 'ok' | 'low' | 'empty' | 'missing'
}

export interface DispenserStatus {
  readonly kind: 'status'
  /** Anything seen by a sensor of the transport path or the mouth. */
  readonly path: 'clear' | 'blocked' | 'unknown'
  readonly stacker: 'empty' | 'notEmpty' | 'unknown' | 'notSupported'
  readonly shutter: 'closed' | 'open' | 'unknown' | 'notSupported'
  readonly cassettes: readonly CassetteStatus[]
  readonly rejectBin: 'ok' | 'missing' | 'unknown'
  /** What the device reports as its present error, or null. */
  readonly fault: DispenserFault | null
  readonly detail: string
}

export interface Dispenser {
  readonly capabilities: DispenserCapabilities
  /** Connects, identifies and reads status; moves nothing, so that evidence stays. Safe to call again after a lost link. */
  open(): Promise<
    | {readonly kind: 'open'; readonly identity: Identity; readonly status: DispenserStatus}
    | Failed<DispenserFault>
  >
  status(): Promise<DispenserStatus | Failed<DispenserFault>>
  /**
   * Moves notes, once: one frame, one chance, never sent again on silence.
   * @param serial ties what the device remembers to this order, where it can
   */
  dispense(picks: readonly Pick[], serial: number): Promise<DispenseOutcome>
  /** Stacked notes to the customer; resolves when they were taken, or after `takeWithinMs`. Only with a stacker. */
  present(takeWithinMs: number): Promise<PresentOutcome>
  /** Draws back what the customer left. Only where capabilities say so. */
  retract(): Promise<RetractOutcome>
  /** Empties the stacker into the reject bin. Only with a stacker. */
  reject(): Promise<RejectOutcome>
  /** What the device itself says it did under that serial. Read by recovery before anyone decides about money. */
  recall(serial: number): Promise<Recall | Failed<DispenserFault>>
  /** Clears the transport path into the reject bin. It moves evidence: an operator's act, never recovery's. */
  purge(): Promise<{readonly kind: 'purged'} | Failed<DispenserFault>>
  close(): Promise<void>
}
