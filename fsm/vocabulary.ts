/**
 * Every word of the machine: what happened (events), what we want done (commands), and what the machine
 * remembers between the two. Start reading the project here.
 */
import type {Count, Currency, Minor} from '../kit/money.ts'

/** `ATM123:2026-11-22:000417`: terminal, business date, STAN. One key per money operation, for ever, reused on every retry. */
declare const operationKey: unique symbol
export type OperationKey = string & {readonly [operationKey]: true}

/** @param stan system trace audit number, 1 to 999999 */
export function operationKeyOf(terminal: string, businessDate: string, stan: number): OperationKey {
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- the brand's one constructor
  return `${terminal}:${businessDate}:${stan.toString().padStart(6, '0')}` as OperationKey
}

/** So many notes of one cassette, with what one note of it is worth. */
export interface CassetteNotes {
  readonly cassette: number
  readonly noteMinor: Minor
  readonly count: Count
}

/** Notes by cassette, in the order of the cassettes; a cassette without notes is left out. */
export type Mix = readonly CassetteNotes[]

/** What is in one cassette now, by the journal. */
export interface CassetteLevel extends CassetteNotes {
  /** `suspect` and `out` cassettes are not planned with. */
  readonly state: 'ok' | 'suspect' | 'out'
}

/** What the dispenser counted of one cassette's notes in one movement. */
export interface NoteTally {
  readonly cassette: number
  readonly picked: Count
  /** Reached the stacker, or the customer where there is no stacker. */
  readonly dispensed: Count
  readonly rejected: Count
}

export type Device = 'cardReader' | 'pinPad' | 'dispenser' | 'printer'
/** What a customer can be given on paper. */
export type Slip = 'withdrawal' | 'balance'
export type Service = 'withdrawal' | 'balance' | 'transfer' | 'statement' | 'pinChange'

/** A card as records and screens may show it: first six, last four. */
export interface MaskedCard {
  readonly masked: string
}

/** An account as the bank names it, and as the customer reads it. */
export interface Account {
  readonly accountId: string
  readonly label: string
}

/** ISO 8583:2003 reversal reasons as jPOS-CMF lists them, in words. */
export type ReversalReason =
  | 'customer-cancelled' // 4000
  | 'malfunction' // 4002
  | 'unable-to-complete' // 4007
  | 'malfunction-card-retained' // 4014
  | 'malfunction-no-cash' // 4017
  | 'not-taken' // 4018
  | 'card-not-taken' // 4019
  | 'no-answer' // 4021

export type RetainReason = 'pin-tries' | 'bank-says-so' | 'not-taken' | 'found-at-start'

/** Leaves this machine: moves paper or plastic, or asks the bank. Journaled as an intent before its first byte. */
export type Order =
  | {readonly kind: 'reader.eject'; readonly takeWithinMs: number}
  | {readonly kind: 'reader.retain'; readonly because: RetainReason}
  | {readonly kind: 'pinPad.collect'; readonly entryTimeoutMs: number}
  /** The new PIN, once and again. */
  | {
      readonly kind: 'pinPad.collectNew'
      readonly isRepeated: boolean
      readonly entryTimeoutMs: number
    }
  | {readonly kind: 'host.verify'; readonly key: OperationKey}
  | {readonly kind: 'host.statement'; readonly key: OperationKey; readonly account: Account}
  /** Given again under its key when its answer was lost. */
  | {readonly kind: 'host.changePin'; readonly key: OperationKey}
  | {
      readonly kind: 'host.payee'
      readonly key: OperationKey
      readonly account: Account
      readonly toAccountId: string
    }
  | {
      readonly kind: 'host.transfer'
      readonly key: OperationKey
      readonly account: Account
      readonly toAccountId: string
      readonly amountMinor: Minor
      readonly currency: Currency
    }
  | {readonly kind: 'host.balance'; readonly key: OperationKey; readonly account: Account}
  | {
      readonly kind: 'host.authorize'
      readonly key: OperationKey
      readonly account: Account
      readonly amountMinor: Minor
      readonly feeMinor: Minor
      readonly currency: Currency
      readonly mix: Mix
    }
  | {
      readonly kind: 'dispenser.dispense'
      readonly key: OperationKey
      readonly bunch: number
      readonly mix: Mix
    }
  | {
      readonly kind: 'dispenser.present'
      readonly key: OperationKey
      readonly bunch: number
      readonly takeWithinMs: number
    }
  | {readonly kind: 'dispenser.retract'; readonly key: OperationKey; readonly bunch: number}
  | {readonly kind: 'dispenser.reject'; readonly key: OperationKey; readonly bunch: number}
  /** One slip, once. What is on it is put together when it is printed; an amount that no record keeps is in none. */
  | {readonly kind: 'printer.print'; readonly slip: Slip}
  | ({readonly kind: 'host.cutOver'; readonly currency: Currency} & Day)
  | OperatorOrder
  | Advice

/** What a person at the machine has it do, in supervisor mode alone. It belongs to no operation and tells the bank nothing. */
export type OperatorOrder =
  /** Brings a device home; a dispenser clears its path into the reject bin. */
  | {readonly kind: 'operator.reset'; readonly device: Device}
  /** One note of that cassette to the reject bin. */
  | {readonly kind: 'operator.test'; readonly cassette: number; readonly noteMinor: Minor}

/** What the bank must be told, until it acknowledges; the open ones are the outbox. */
export type Advice = CashAdvice | TransferAdvice

/** What became of a transfer that the bank was asked for, and holds. */
export type TransferAdvice =
  | {
      readonly kind: 'host.completeTransfer'
      readonly key: OperationKey
      readonly amountMinor: Minor
      readonly row: string
    }
  | {
      readonly kind: 'host.reverseTransfer'
      readonly key: OperationKey
      readonly because: ReversalReason
      readonly row: string
    }

/** What became of notes that the bank approved, or may have. */
export type CashAdvice =
  | {
      readonly kind: 'host.complete'
      readonly key: OperationKey
      readonly paidMinor: Minor
      readonly feeMinor: Minor
      readonly paid: Mix
      readonly row: string
    }
  | {
      readonly kind: 'host.reverse'
      readonly key: OperationKey
      readonly because: ReversalReason
      readonly row: string
    }
  | {
      readonly kind: 'host.suspect'
      readonly key: OperationKey
      /** With the customer for certain, and at most. */
      readonly atLeastMinor: Minor
      readonly atMostMinor: Minor
      readonly row: string
    }

export const CASH_ADVICE_KINDS: readonly Order['kind'][] = ['host.complete', 'host.reverse', 'host.suspect']
export const ADVICE_KINDS: readonly Order['kind'][] = [
  ...CASH_ADVICE_KINDS,
  'host.completeTransfer',
  'host.reverseTransfer',
]

/** What the bank has of an operation after it took an advice: `forced` was paid and never approved, `tombstone` is taken back before it came. */
export type AdviceState = 'completed' | 'reversed' | 'suspect' | 'declined' | 'forced' | 'tombstone'

/** So many operations, and their sum. */
export interface Sums {
  readonly count: Count
  readonly sumMinor: Minor
}

/** What the bank acknowledged of one business date; withdrawals without fees. */
export interface DayTotals {
  readonly withdrawals: Sums
  readonly reversals: Sums
}

/** Notes of one worth in one place, as the machine believes. */
export interface CashUnit {
  /** `cassette-1`, `reject-2000`: of a bin with its note, in minor units. */
  readonly unit: string
  readonly kind: 'cassette' | 'bin'
  readonly noteMinor: Minor
  readonly count: Count
}

/** A business date, its sums and the notes at its end. */
export interface Day {
  /** `2026-11-22` */
  readonly businessDate: string
  readonly totals: DayTotals
  readonly cash: readonly CashUnit[]
}

/** Stays inside: a crash may forget it at no cost. Never journaled. */
export type Chore =
  | {readonly kind: 'devices.open'}
  | {readonly kind: 'recovery.run'}
  | {readonly kind: 'reader.accept'}
  | {readonly kind: 'reader.refuse'}
  | {readonly kind: 'keys.listen'}
  | {readonly kind: 'keys.stop'}
  | {readonly kind: 'timer.start'; readonly name: TimerName; readonly afterMs: number}
  | {readonly kind: 'timer.stop'}
  | {readonly kind: 'pocket.empty'}
  | {readonly kind: 'report.unexpected'}

export type Command = Order | Chore

export type TimerName = 'customer' | 'moreTime' | 'ending' | 'retry'

/** Machine-wide facts. */
type MachineEvent =
  | {
      readonly type: 'devices.opened'
      readonly failed: readonly Device[]
      /** The bank's, as it told at the sign-on; null while the bank is not there. */
      readonly businessDate: string | null
    }
  | {
      readonly type: 'recovery.finished'
      readonly cardInside: boolean
      readonly levels: readonly CassetteLevel[]
      readonly nextStan: number
      readonly dispenserHeld: string | null
      readonly attendance: Attendance
    }
  | {readonly type: 'device.failed'; readonly device: Device; readonly fault: string}
  | {readonly type: 'device.restored'; readonly device: Device; readonly cardInside: boolean}
  | {readonly type: 'host.lost'; readonly why: string}
  | {readonly type: 'host.restored'; readonly businessDate: string}
  | {readonly type: 'journal.failed'; readonly why: string}
  /** The disk has no room for another visit; and has room again. */
  | {readonly type: 'disk.filled'; readonly freeBytes: number}
  | {readonly type: 'disk.freed'; readonly freeBytes: number}
  | {readonly type: 'timer.fired'; readonly name: TimerName}
  /** A person emptied path and bins, counted, and loaded the cassettes to these levels. */
  | {readonly type: 'cassettes.loaded'; readonly levels: readonly CassetteLevel[]}

/** The card and the customer's wishes. */
type VisitEvent =
  | {readonly type: 'card.inserted'; readonly card: MaskedCard; readonly businessDate: string}
  | {readonly type: 'card.unreadable'; readonly why: string}
  | {readonly type: 'card.taken'}
  | {readonly type: 'card.left'}
  | {readonly type: 'card.stuck'; readonly fault: string}
  | {readonly type: 'card.retained'}
  | {readonly type: 'card.retainFailed'; readonly fault: string}
  | {readonly type: 'pin.entered'}
  | {readonly type: 'pin.cancelled'}
  | {readonly type: 'pin.timedOut'}
  | {readonly type: 'pin.failed'; readonly fault: string}
  | {readonly type: 'service.chosen'; readonly service: Service}
  | {readonly type: 'account.chosen'; readonly accountId: string}
  | {readonly type: 'amount.chosen'; readonly amountMinor: Minor}
  /** A transfer is to go to that account. */
  | {readonly type: 'target.chosen'; readonly accountId: string}
  | {readonly type: 'transfer.confirmed'}
  | {readonly type: 'fee.accepted'}
  | {readonly type: 'receipt.chosen'; readonly wanted: boolean}
  | {readonly type: 'visit.continued'}
  | {readonly type: 'visit.cancelled'}
  /** The customer needs more time; or does not. */
  | {readonly type: 'time.granted'}
  | {readonly type: 'time.declined'}

/** The bank's answers. `host.silent`: no trustworthy answer within the deadline; the bank may or may not have acted. */
type HostEvent =
  | {readonly type: 'card.verified'; readonly accounts: readonly Account[]}
  | {readonly type: 'pin.wrong'; readonly triesLeft: number}
  | {readonly type: 'card.refused'; readonly code: string; readonly retain: boolean}
  | {readonly type: 'balance.told'}
  | {readonly type: 'statement.told'}
  | {readonly type: 'payee.named'}
  | {readonly type: 'pin.changed'}
  | {readonly type: 'host.approved'; readonly authCode: string; readonly amountMinor: Minor}
  | {readonly type: 'host.declined'; readonly code: string; readonly retain: boolean}
  | {readonly type: 'host.silent'; readonly why: string}
  | {readonly type: 'host.acknowledged'; readonly state: AdviceState}
  /** The bank understood an advice and will not take it: parked for a person, told again now and then, still owed. */
  | {
      readonly type: 'host.refusedAdvice'
      readonly key: OperationKey
      /** Row of the journal in which the advice stands. */
      readonly row: number
      readonly why: string
    }

/** The business date and its end. */
type DayEvent =
  /** The date is to be closed: it is time, or a person wants it. Everything of it is acknowledged. */
  | ({readonly type: 'day.due'; readonly person: string | null} & Day)
  /** The bank closed the date and opened the next. */
  | {
      readonly type: 'day.closed'
      readonly businessDate: string
      readonly next: string
      readonly settlement: 'in-balance' | 'out-of-balance'
    }
  /** The bank has that date closed otherwise, or never had it: a sign-on tells the date that is open. */
  | {readonly type: 'day.refused'; readonly businessDate: string; readonly why: string}

/** What became of the notes. Each physical act has an arm for "nobody knows". */
type NotesEvent =
  | {readonly type: 'notes.dispensed'; readonly tallies: readonly NoteTally[]; readonly fault: string | null}
  | {readonly type: 'notes.refused'; readonly fault: string}
  | {
      readonly type: 'notes.partial'
      readonly tallies: readonly NoteTally[]
      readonly fault: string
      readonly inPath: Count
      readonly path: 'inside' | 'atMouth'
      readonly counts: 'trusted' | 'inDoubt'
    }
  | {readonly type: 'notes.overpaid'; readonly tallies: readonly NoteTally[]; readonly fault: string}
  | {readonly type: 'notes.unknown'; readonly why: string; readonly path: 'clear' | 'blocked' | 'unknown'}
  | {readonly type: 'notes.taken'}
  | {readonly type: 'notes.left'}
  | {readonly type: 'notes.notPresented'; readonly fault: string}
  | {readonly type: 'notes.presentUnknown'; readonly why: string}
  | {readonly type: 'notes.retracted'; readonly count: Count | null; readonly itemsTaken: boolean}
  | {readonly type: 'notes.retractUnknown'; readonly why: string}
  | {readonly type: 'notes.rejected'; readonly count: Count | null}
  | {readonly type: 'notes.rejectUnknown'; readonly why: string}

/** What became of a slip. Money was decided before, and nothing here ever changes it. */
type PaperEvent =
  | {readonly type: 'receipt.printed'; readonly paper: 'ok' | 'low' | 'out'}
  /** `refused`: given nothing; `partial`: what came out is no receipt; `unknown`: nothing trustworthy came back. */
  | {
      readonly type: 'receipt.failed'
      readonly outcome: 'refused' | 'partial' | 'unknown'
      readonly fault: string
    }

/** Written by recovery. */
type RecoveryEvent =
  /** An order of the life before that nothing more is owed for. */
  | {readonly type: 'order.abandoned'; readonly because: string}
  /** The operation under way was settled by that row of the recovery table. */
  | {readonly type: 'operation.recovered'; readonly key: OperationKey; readonly row: string}

/** What a person counts or does in one step of a replenishment; `remaining`, `loaded` and `tested` are of one cassette. */
export type ExchangeStep =
  'rejects' | 'remaining' | 'loaded' | 'levels' | 'tested' | 'cards' | 'report' | 'told'

/** One step of a replenishment that a person has done. */
export interface StepDone {
  readonly step: ExchangeStep
  readonly cassette: number | null
  /** Notes or cards counted by hand; null where there is nothing to count. */
  readonly count: Count | null
  /** What there should have been, by the journal, when it was counted; null where nothing can be held against it. */
  readonly expected: Count | null
}

/** A replenishment under way. */
export interface Exchange {
  readonly person: string
  /** Who counted with them; null where one person is enough. */
  readonly second: string | null
  /** In the order they were done. */
  readonly done: readonly StepDone[]
}

export interface Attendance {
  /** Who called for supervisor mode; null while nobody did. */
  readonly supervisor: string | null
  /** Tests of a cassette since then. */
  readonly testsCount: number
  /** Why a person took the machine out of service, or null. */
  readonly closedBecause: string | null
  /** Why it is locked: nobody is served and nobody supervises until two people of security have looked; or null. */
  readonly lockedBecause: string | null
  readonly exchange: Exchange | null
}

/** The machine's own people, by the names they log in under. */
type OperatorEvent =
  /** Wants supervisor mode, which begins when the visit under way is over. */
  | {readonly type: 'supervisor.called'; readonly person: string}
  | {readonly type: 'supervisor.left'; readonly person: string}
  | {readonly type: 'service.closed'; readonly person: string; readonly because: string}
  | {readonly type: 'service.opened'; readonly person: string}
  | {readonly type: 'machine.locked'; readonly person: string; readonly because: string}
  | {readonly type: 'machine.unlocked'; readonly person: string; readonly second: string}
  | {readonly type: 'reset.chosen'; readonly person: string; readonly device: Device}
  /** Null where the device counts nothing of what it moved. */
  | {
      readonly type: 'reset.done'
      readonly device: Device
      readonly tallies: readonly NoteTally[] | null
    }
  | {readonly type: 'reset.failed'; readonly device: Device; readonly fault: string}
  | {readonly type: 'test.chosen'; readonly person: string; readonly cassette: number}
  | {readonly type: 'test.done'; readonly tally: NoteTally}
  /** The note may have moved, or not. */
  | {readonly type: 'test.failed'; readonly cassette: number; readonly fault: string}
  | {readonly type: 'exchange.opened'; readonly person: string; readonly second: string | null}
  | ({readonly type: 'exchange.advanced'} & StepDone)
  /** Signed by whoever brought it to its end. */
  | {readonly type: 'exchange.closed'; readonly person: string; readonly second: string | null}
  /** The totals begin anew. */
  | {readonly type: 'totals.closed'; readonly person: string}
  /** The retain bin was emptied of so many cards. */
  | {readonly type: 'cards.cleared'; readonly person: string; readonly count: Count}
  /** Somebody looks after what waits in suspense. */
  | {readonly type: 'suspense.taken'; readonly person: string; readonly key: OperationKey}
  | {
      readonly type: 'suspense.noted'
      readonly person: string
      readonly key: OperationKey
      readonly note: string
    }
  /** Settled by a person outside this machine: with the customer, or in the bank's books. */
  | {
      readonly type: 'suspense.closed'
      readonly person: string
      readonly key: OperationKey
      readonly because: string
    }
  /** A person's command at the console, without secrets; `outcome` is empty before the command is carried out. */
  | {
      readonly type: 'person.acted'
      readonly person: string
      readonly command: string
      readonly outcome: string
    }

/**
 * Written right before a dispense order is given: where the dispenser's own memory stood, in its words, so that what it
 * recalls later can be told from what it recalled before.
 */
type MarkEvent = {readonly type: 'dispenser.marked'; readonly mark: string}

/**
 * Written beside the loop: machine and bank have signed that the journal goes to that row, with that hash, and that the
 * bank keeps every row up to it. The signed texts are those of `crypto/anchor.ts`.
 */
type AnchorEvent = {
  readonly type: 'journal.anchored'
  readonly row: number
  readonly hash: string
  /** By the bank's clock, in whole seconds: `2026-11-22T11:30:00Z`. */
  readonly takenAt: string
  /** Public keys and signatures in base64, as `crypto/anchor.ts` has them. */
  readonly machineKey: string
  readonly machineSignature: string
  readonly bankKey: string
  readonly bankSignature: string
}

export type Event =
  | MachineEvent
  | VisitEvent
  | HostEvent
  | DayEvent
  | NotesEvent
  | PaperEvent
  | OperatorEvent
  | RecoveryEvent
  | MarkEvent
  | AnchorEvent
