/**
 * What the bank keeps, whatever engine keeps it. Everything a decision reads and writes happens inside
 * one `transact`; when that has resolved, it is on disk.
 */
import type {Fact, Place} from '../guard/rules.ts'
import type {Role} from '../guard/roles.ts'
import type {Entry} from '../ledger/book.ts'
import type {Operation, OperationState, OperationType} from '../ledger/operation.ts'
import type {DifferenceClass, Totals} from '../settlement/compare.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import type {Currency, Minor} from '../../kit/money.ts'

export interface User {
  readonly userId: string
  readonly name: string
  readonly email: string
  readonly phoneNumber: string
  readonly address: string
}

export type AccountType = 'checking' | 'savings'

export interface BankAccount {
  readonly accountId: string
  readonly userId: string
  readonly accountType: AccountType
  readonly currency: Currency
  /** What the customer may still use: the sum of the account's postings, holds included. */
  readonly balanceMinor: Minor
  /** ISO 8601, UTC. */
  readonly createdAt: string
}

export interface Atm {
  readonly atmId: string
  readonly location: string
  readonly status: 'active' | 'inactive'
}

/** Keys of one machine; every one of them under the bank's storage key. */
export interface AtmKeys {
  readonly masterKey: string
  /** Null before the first sign-on, and after a PIN block that did not open. */
  readonly pinKey: string | null
}

/** One pinned certificate key. */
export interface AtmPin {
  readonly atm: Atm
  readonly isRevoked: boolean
}

export type CardStatus = 'active' | 'blocked' | 'stolen'

export interface Card {
  readonly cardId: string
  /** Keyed hash of the PAN, hex; the PAN itself is kept nowhere. */
  readonly panHash: string
  /** First six, last four. */
  readonly panShown: string
  /** `YYMM`, the last month in which it is valid. */
  readonly expires: string
  readonly status: CardStatus
  /** What `pin.ts` made of the PIN; useless without its pepper. */
  readonly pinVerifier: string
  /** Wrong or unfinished PIN tries since the last right one. */
  readonly pinTriesCount: number
}

/** The card whose PIN was last verified at a machine. */
export interface Visit {
  readonly cardId: string
  readonly verifiedAtMs: EpochMs
}

/** A settled movement, as statements show it. */
export interface BankTransaction {
  readonly transactionId: string
  readonly accountId: string
  readonly atmId: string | null
  readonly transactionType: 'withdrawal' | 'deposit' | 'transfer'
  readonly amountMinor: Minor
  /** ISO 8601, UTC. */
  readonly transactionDate: string
}

/** One leg as it stands in the book; those of one kind under one key are one entry. */
export interface StoredPosting {
  readonly key: string
  readonly kind: string
  readonly currency: Currency
  readonly ledgerAccount: string
  readonly amountMinor: Minor
  readonly atMs: EpochMs
}

export type Posted =
  /** `balances`: what each customer whom the entry touches may still use, by account. */
  | {readonly kind: 'posted'; readonly balances: ReadonlyMap<string, Minor>}
  /** A customer has too little; nothing was written. */
  | {readonly kind: 'insufficient'}

/** A page of a list: at most so many rows, behind the row with these values in the columns that order the list. */
export interface Slice {
  readonly after: readonly (string | number)[] | null
  readonly countMax: number
}

/** A line of a statement with what its tables know besides. */
export interface StatementLine extends BankTransaction {
  readonly currency: Currency
  readonly targetAccountId: string | null
}

/** One posting of one customer's account. */
export interface Movement {
  readonly key: string
  readonly kind: string
  readonly leg: number
  readonly amountMinor: Minor
  /** What the account had after it. */
  readonly balanceMinor: Minor
  readonly atMs: EpochMs
}

export interface StatementRows {
  /** Newest first. */
  transactions(
    filter: {
      readonly accountId?: string | undefined
      readonly atmId?: string | undefined
      readonly type?: OperationType | undefined
      /** ISO 8601: counts itself. */
      readonly from?: string | undefined
      /** Does not. */
      readonly to?: string | undefined
    },
    slice: Slice,
  ): Promise<readonly StatementLine[]>
  /** Newest first, by `[atMs, 0 - amountMinor, key, kind, leg]`. */
  movements(account: BankAccount, slice: Slice): Promise<readonly Movement[]>
}

/** One business date of one machine. */
export interface BusinessDay {
  readonly atmId: string
  /** `2026-11-22`. */
  readonly date: string
  readonly openedAtMs: EpochMs
  /** Null while the machine is in it. */
  readonly closedAtMs: EpochMs | null
  /** What the machine said its sums were; null when the bank closed the date without it, or has not. */
  readonly machineTotals: Totals | null
  /** How many rows the machine's journal had then; null when it did not say. */
  readonly journalRowsCount: number | null
  /** The answer to the cut-over, as sent. */
  readonly answer: string | null
}

/** What a machine told that its date counts. */
export type Accepted = 'withdrawal' | 'reversal' | 'deposit'

export interface DayRows {
  open(atmId: string): Promise<BusinessDay | null>
  find(atmId: string, date: string): Promise<BusinessDay | null>
  /** Newest first, by `[date]`. */
  list(atmId: string, slice: Slice): Promise<readonly BusinessDay[]>
  begin(atmId: string, date: string, atMs: EpochMs): Promise<void>
  close(
    atmId: string,
    date: string,
    end: Pick<BusinessDay, 'machineTotals' | 'journalRowsCount' | 'answer'> & {readonly atMs: EpochMs},
  ): Promise<void>
  /** Counts an operation in a date, once. */
  accept(
    key: string,
    what: Accepted,
    at: {readonly atmId: string; readonly date: string; readonly amountMinor: Minor},
  ): Promise<void>
  /** Of what was accepted in the date; a function of rows alone. */
  totals(atmId: string, date: string): Promise<Totals>
}

/** The last that a machine said of itself. */
export interface MachineStatus {
  readonly atmId: string
  readonly heardAtMs: EpochMs
  /** JSON as the machine sent it; null before the first. */
  readonly cash: string | null
  readonly cashAtMs: EpochMs | null
}

export const PARTS = [
  'machine',
  'card-reader',
  'pin-pad',
  'dispenser',
  'acceptor',
  'printer',
  'link',
  'safe',
] as const
export interface MachineEvent {
  readonly seq: number
  /** By the machine's clock, ISO 8601. */
  readonly at: string
  readonly part: (typeof PARTS)[number]
  readonly state: 'ok' | 'degraded' | 'out'
  readonly detail: string
}

/** What waits for somebody, at one machine. */
export interface OpenCounts {
  readonly holdsCount: number
  readonly suspectsCount: number
  readonly differencesCount: number
}

export interface FleetRows {
  /** By `[atmId]`. */
  list(slice: Slice): Promise<readonly Atm[]>
  setLocation(atmId: string, location: string): Promise<void>
  statuses(atmIds: readonly string[]): Promise<ReadonlyMap<string, MachineStatus>>
  heard(atmId: string, atMs: EpochMs): Promise<void>
  setCash(atmId: string, cash: string, atMs: EpochMs): Promise<void>
  /** Takes one event, once. */
  addEvent(atmId: string, event: MachineEvent, atMs: EpochMs): Promise<void>
  /** 0 when there is none. */
  lastEventSeq(atmId: string): Promise<number>
  /** The newest of each part. */
  parts(atmIds: readonly string[]): Promise<ReadonlyMap<string, readonly MachineEvent[]>>
  openCounts(): Promise<ReadonlyMap<string, OpenCounts>>
}

/** What a person found in one unit, and left in it. */
export interface CountedNotes {
  readonly unit: string
  readonly kind: 'cassette' | 'bin'
  readonly noteMinor: Minor
  readonly countedCount: number
  readonly leftCount: number
  /** What the machine believed; null when it did not say. */
  readonly believedCount: number | null
}

export interface CashCount {
  readonly atmId: string
  readonly date: string
  readonly currency: Currency
  readonly units: readonly CountedNotes[]
  readonly countedBy: string
  readonly countedAtMs: EpochMs
}

export interface CountRows {
  find(atmId: string, date: string): Promise<CashCount | null>
  /** The last one of an earlier date. */
  before(atmId: string, date: string): Promise<CashCount | null>
  add(count: CashCount): Promise<void>
}

/** How far a machine's journal is here. */
export interface JournalTip {
  readonly offsetBytes: number
  readonly rowsCount: number
  /** 64 zeros before the first row. */
  readonly lastHash: string
  /** When the last of it came. */
  readonly takenAtMs: EpochMs
}

export interface JournalSegment {
  readonly offsetBytes: number
  readonly lengthBytes: number
  readonly sha256: string
  readonly text: string
}

/** What a machine's journal says of an operation; amounts in minor units. */
export interface JournalWord {
  readonly key: string
  readonly date: string
  readonly kind: 'asked' | 'completed' | 'reversed' | 'suspect' | 'stored'
  /** As the request named it; null where the journal has no request. */
  readonly currency: Currency | null
  /** Left the machine, at least and at most; below zero for a deposit. */
  readonly leastMinor: Minor
  readonly mostMinor: Minor
}

/** A journal's length and last hash, signed by machine and bank; see `crypto/anchor.ts`. */
export interface JournalAnchor {
  readonly row: number
  readonly hash: string
  readonly machineKey: string
  readonly machineSignature: string
  readonly bankKey: string
  readonly bankSignature: string
  /** As it was signed: `2026-11-22T11:30:00Z`. */
  readonly takenAt: string
}

export interface JournalRows {
  tip(atmId: string): Promise<JournalTip | null>
  /** @param tip after the segment */
  add(atmId: string, segment: JournalSegment, tip: JournalTip): Promise<void>
  segment(atmId: string, offsetBytes: number): Promise<JournalSegment | null>
  /** The newer word replaces the older; `currency` stays when the newer names none. */
  putWord(atmId: string, word: JournalWord): Promise<void>
  /** Of operations whose keys have dates after `from` (null: any) up to `to` with it. */
  words(atmId: string, from: string | null, to: string): Promise<readonly JournalWord[]>
  anchor(atmId: string, row: number): Promise<JournalAnchor | null>
  addAnchor(atmId: string, anchor: JournalAnchor): Promise<void>
}

export const DIFFERENCE_STATES = ['open', 'gone', 'resolved'] as const
export type DifferenceState = (typeof DIFFERENCE_STATES)[number]

/** A difference that a comparison found, and what became of it. Never deleted. */
export interface KnownDifference {
  /** `<atm>:<date>:<class>:<subject>`, with `:2` and so on where more of it was found after it was resolved. */
  readonly id: string
  readonly atmId: string
  readonly date: string
  readonly class: DifferenceClass
  readonly subject: string
  readonly currency: Currency
  readonly leastMinor: Minor
  readonly mostMinor: Minor
  readonly explanation: string
  readonly state: DifferenceState
  readonly foundAtMs: EpochMs
  readonly resolution: Resolution | null
}

export const ACTIONS = ['settle', 'debit-customer', 'credit-customer', 'write-off', 'accept'] as const
export interface Resolution {
  readonly action: (typeof ACTIONS)[number]
  readonly by: string
  readonly reason: string
  readonly atMs: EpochMs
}

export interface DifferenceRows {
  find(id: string): Promise<KnownDifference | null>
  of(atmId: string, date: string): Promise<readonly KnownDifference[]>
  /** Newest first, by `[foundAtMs, id]`. */
  list(
    filter: {readonly atmId?: string | undefined; readonly state?: DifferenceState | undefined},
    slice: Slice,
  ): Promise<readonly KnownDifference[]>
  /** Adds it, or gives the one of that id its new amounts, words, state and resolution. */
  put(difference: KnownDifference): Promise<void>
  /** The verdict of the last comparison of a date, for the list of dates. */
  setVerdict(atmId: string, date: string, verdict: Verdict, atMs: EpochMs): Promise<void>
  verdicts(atmId: string, dates: readonly string[]): Promise<ReadonlyMap<string, Verdict>>
}

export const VERDICTS = ['in-balance', 'out-of-balance', 'incomplete'] as const
export type Verdict = (typeof VERDICTS)[number]

export interface AtmRows {
  find(atmId: string): Promise<Atm | null>
  list(): Promise<readonly Atm[]>
  put(atm: Atm, masterKey: string): Promise<void>
  setStatus(atmId: string, status: Atm['status']): Promise<void>
  keys(atmId: string): Promise<AtmKeys | null>
  setPinKey(atmId: string, pinKey: string | null): Promise<void>
  findPin(spkiSha256: string): Promise<AtmPin | null>
  addPin(atmId: string, spkiSha256: string): Promise<void>
  revokePin(spkiSha256: string): Promise<void>
  /** All pins of the machine but this one; null for all. */
  revokeAllBut(atmId: string, spkiSha256: string | null): Promise<void>
  /** Adds a pin, which must be new, in place of every other that was never used. */
  addNextPin(atmId: string, spkiSha256: string): Promise<void>
}

export interface CardRows {
  findByPan(panHash: string): Promise<Card | null>
  /** In the order in which the customer is offered them. */
  accounts(cardId: string): Promise<readonly BankAccount[]>
  put(card: Card, accountIds: readonly string[]): Promise<void>
  find(cardId: string): Promise<Card | null>
  /** By `[cardId]`. */
  page(filter: {readonly accountId?: string | undefined}, slice: Slice): Promise<readonly Card[]>
  setStatus(cardId: string, status: CardStatus): Promise<void>
  /** Adds `by` (1 or -1) to the tries, never below 0. */
  addTries(cardId: string, by: number): Promise<void>
  clearTries(cardId: string): Promise<void>
  setPinVerifier(cardId: string, pinVerifier: string): Promise<void>
  visit(atmId: string): Promise<Visit | null>
  setVisit(atmId: string, visit: Visit | null): Promise<void>
  /** `known`: a verification under that key was here before. */
  recordVerification(key: string, atmId: string, atMs: EpochMs): Promise<'new' | 'known'>
}

export interface AccountRows {
  find(accountId: string): Promise<BankAccount | null>
  list(): Promise<readonly (BankAccount & {readonly userName: string})[]>
  putUser(user: User): Promise<void>
  findUser(userId: string): Promise<User | null>
  /** By `[userId]`. */
  users(slice: Slice): Promise<readonly User[]>
  changeUser(user: User): Promise<void>
  /** By `[accountId]`. */
  page(filter: {readonly userId?: string | undefined}, slice: Slice): Promise<readonly BankAccount[]>
  /** With balance zero; an opening entry gives it one. */
  put(account: Omit<BankAccount, 'balanceMinor'>): Promise<void>
}

export interface OperationRows {
  find(key: string): Promise<Operation | null>
  insert(operation: Operation): Promise<void>
  /** Replaces what may change: state, paid amounts, evidence, moment. */
  settle(operation: Operation): Promise<void>
  /** Latest change first. */
  recent(countMax: number): Promise<readonly Operation[]>
  /** Those that hold money: `held` and `suspect`. */
  open(): Promise<readonly Operation[]>
  all(): Promise<readonly Operation[]>
  /** Latest change first, by `[changedAtMs, key]`. */
  page(
    filter: {
      readonly state?: OperationState | undefined
      readonly atmId?: string | undefined
      readonly accountId?: string | undefined
    },
    slice: Slice,
  ): Promise<readonly Operation[]>
  /** Of one machine, with keys of dates after `from` (null: any) up to `to` with it. */
  ofDates(atmId: string, from: string | null, to: string): Promise<readonly Operation[]>
}

export interface LedgerRows {
  /**
   * Appends the entry's postings and moves the balances of the customers it touches. A key posts each kind of
   * entry once; a second time is our own mistake and takes the transaction with it.
   */
  post(key: string, entry: Entry, atMs: EpochMs): Promise<Posted>
  /** @param targetAccountId of a transfer */
  addTransaction(transaction: BankTransaction, targetAccountId?: string): Promise<void>
  /** What one ledger account has in one currency. */
  balance(ledgerAccount: string, currency: Currency): Promise<Minor>
  postings(): Promise<readonly StoredPosting[]>
  transactions(): Promise<readonly BankTransaction[]>
}

/** Somebody who works at the bank. */
export interface Person {
  readonly name: string
  readonly roles: readonly Role[]
  /** What `passwords.ts` made of the password. */
  readonly password: string
  /** Of the one-time codes, sealed. */
  readonly seed: string
  /** The last one-time code that was taken; only later ones are. */
  readonly lastStep: number
  readonly isClosed: boolean
  readonly createdAtMs: EpochMs
}

/** A person's stay; its token is kept nowhere, only the token's hash. */
export interface Session {
  readonly name: string
  readonly usedAtMs: EpochMs
  /** However busy it is. */
  readonly endsAtMs: EpochMs
}

/** Somebody may become one of the bank's people, with a code of which only the hash is kept. */
export interface Invitation {
  /** The first supervisor of a new bank is invited by the program itself. */
  readonly purpose: 'person' | 'first-supervisor'
  /** Null when the one who comes may choose it. */
  readonly name: string | null
  readonly roles: readonly Role[]
  /** Of the one-time codes to come, sealed. */
  readonly seed: string
  readonly endsAtMs: EpochMs
}

export interface PeopleRows {
  find(name: string): Promise<Person | null>
  list(): Promise<readonly Person[]>
  insert(person: Omit<Person, 'isClosed'>): Promise<void>
  /**
   * Counts a try before anything is checked; the last one locks in advance, until `lockedUntilMs`.
   * `refused`: nobody of that name, closed, or locked now.
   */
  takeTry(
    name: string,
    limit: {readonly nowMs: EpochMs; readonly triesMax: number; readonly lockedUntilMs: EpochMs},
  ): Promise<'taken' | 'refused'>
  /** Forgives the tries and keeps the step of the code; `replayed` when it or a later one was taken before. */
  acceptStep(name: string, step: number): Promise<'accepted' | 'replayed'>
  /** For good, with all sessions. */
  close(name: string): Promise<void>
  addSession(tokenHash: string, session: Session): Promise<void>
  /** With the roles as they are now; null when it is not there or its person is closed. */
  session(tokenHash: string): Promise<(Session & {readonly roles: readonly Role[]}) | null>
  useSession(tokenHash: string, atMs: EpochMs): Promise<void>
  endSession(tokenHash: string): Promise<void>
  invite(codeHash: string, invitation: Invitation): Promise<void>
  /** Null when it is unknown, used or over. */
  invitation(codeHash: string, nowMs: EpochMs): Promise<Invitation | null>
  /** Once: `gone` when it was used meanwhile. */
  spendInvitation(codeHash: string, nowMs: EpochMs): Promise<'spent' | 'gone'>
}

/** What was used of a limit in its window: `card:c1:2026-11-22`. */
export interface LimitRows {
  /**
   * Uses `by` more, unless that would be more than `most`; then nothing is used.
   * @param by below zero gives back, down to zero
   */
  use(limit: string, by: number, most: number): Promise<'within' | 'beyond'>
  /** What was used so far. */
  used(limit: string): Promise<number>
}

/** Something that a rule found wrong, for a person to look at. */
export interface Alert {
  readonly alertId: string
  readonly rule: string
  /** Null when it is about a machine. */
  readonly cardId: string | null
  /** About which it is, or where the card was. */
  readonly atmId: string
  readonly why: string
  /** The card is of no use while the alert is open. */
  readonly isHolding: boolean
  readonly raisedAtMs: EpochMs
  readonly closedAtMs: EpochMs | null
  readonly closedBy: string | null
  readonly closing: string | null
}

export interface RiskRows {
  setPlace(atmId: string, place: Place): Promise<void>
  /** Once for a kind and a key. */
  addFact(fact: Omit<Fact, 'place'>): Promise<void>
  /** Newest first. */
  factsOfCard(cardId: string, sinceMs: EpochMs, countMax: number): Promise<readonly Fact[]>
  factsOfMachine(atmId: string, sinceMs: EpochMs, countMax: number): Promise<readonly Fact[]>
  /** The card for which the operation was approved. */
  cardOf(key: string): Promise<string | null>
  /** The newest of that rule, about the card, or without a card about the machine. */
  latestAlert(
    rule: string,
    about: {readonly cardId: string | null; readonly atmId: string},
  ): Promise<Alert | null>
  raise(alert: Omit<Alert, 'closedAtMs' | 'closedBy' | 'closing'>): Promise<void>
  isHeld(cardId: string): Promise<boolean>
  /** Newest first. */
  alerts(which: 'open' | 'all', countMax: number): Promise<readonly Alert[]>
  alert(alertId: string): Promise<Alert | null>
  close(
    alertId: string,
    by: {readonly atMs: EpochMs; readonly by: string; readonly closing: string},
  ): Promise<void>
  /** In place of any other at that machine. */
  grantStepUp(
    atmId: string,
    grant: {readonly cardId: string; readonly amountMinorMax: Minor; readonly endsAtMs: EpochMs},
  ): Promise<void>
  spendStepUp(
    atmId: string,
    on: {readonly cardId: string; readonly amountMinor: number; readonly nowMs: EpochMs},
  ): Promise<'spent' | 'none'>
  /** The sealed seed of the customer's one-time codes; null when the card has none. */
  factor(cardId: string): Promise<string | null>
  setFactor(cardId: string, seed: string): Promise<void>
  /** Keeps the step of the code; `replayed` when it or a later one was taken before. */
  acceptStep(cardId: string, step: number): Promise<'accepted' | 'replayed'>
}

/** A program with a token of its own. */
export interface Program {
  readonly name: string
  readonly roles: readonly Role[]
  readonly tokenHash: string
  readonly endsAtMs: EpochMs
  readonly isRevoked: boolean
}

export interface ProgramRows {
  find(name: string): Promise<Program | null>
  byToken(tokenHash: string): Promise<Program | null>
  list(): Promise<readonly Program[]>
  insert(program: Omit<Program, 'isRevoked'>): Promise<void>
  revoke(name: string): Promise<void>
}

/** One line of the audit. */
export interface AuditEntry {
  /** 1, 2, 3, ... without gaps. */
  readonly seq: number
  readonly atMs: EpochMs
  readonly who: string
  readonly action: string
  readonly subject: string
  readonly outcome: 'done' | 'refused'
  readonly detail: string
  /** Over all of it and the entry before. */
  readonly mac: string
}

export interface AuditRows {
  /** The number of the next entry, which must be appended in this transaction, and the MAC of the one before. */
  takeNext(): Promise<{readonly seq: number; readonly macBefore: string}>
  append(entry: AuditEntry): Promise<void>
  /** Number and MAC of the last entry; 0 and empty when there is none. */
  head(): Promise<{readonly seq: number; readonly mac: string}>
  /** In order, from that number on. */
  from(seq: number, countMax: number): Promise<readonly AuditEntry[]>
}

export interface EnrolmentRows {
  /** In place of every open code of the machine. */
  open(codeHash: string, atmId: string, nowMs: EpochMs, endsAtMs: EpochMs): Promise<void>
  /** For one key: `gone` when it is unknown, of another machine, used for another key, or over. */
  spend(
    codeHash: string,
    by: {readonly atmId: string; readonly pin: string; readonly nowMs: EpochMs},
  ): Promise<'spent' | 'gone'>
}

/** Which numbers of signed messages one key has used. */
export interface MessageWindow {
  /** This one and all below are used, or count as used. */
  readonly floor: number
  /** Used ones above the floor, ascending. */
  readonly seen: readonly number[]
}

export interface MessageRows {
  /** Of a key that has signed nothing yet: nothing used. */
  window(signerPin: string): Promise<MessageWindow>
  setWindow(signerPin: string, window: MessageWindow): Promise<void>
}

/** One transaction; of no use after `work` has ended. */
export interface Tx {
  readonly atms: AtmRows
  readonly cards: CardRows
  readonly accounts: AccountRows
  readonly operations: OperationRows
  readonly ledger: LedgerRows
  readonly people: PeopleRows
  readonly messages: MessageRows
  readonly statements: StatementRows
  readonly days: DayRows
  readonly fleet: FleetRows
  readonly counts: CountRows
  readonly journals: JournalRows
  readonly differences: DifferenceRows
  readonly enrolments: EnrolmentRows
  readonly audit: AuditRows
  readonly programs: ProgramRows
  readonly limits: LimitRows
  readonly risk: RiskRows
}

/** The rows that a movement of money is going to look at. One that is not named is found all the same, more slowly. */
export interface Touches {
  /** Of operations. */
  readonly keys: readonly string[]
  readonly accountIds: readonly string[]
  readonly atmIds: readonly string[]
  readonly limits: (found: Found) => readonly string[]
}

/** What was found of the rest, from which the limits that a movement uses can be told. */
export interface Found {
  /** Who stands at the machines. */
  readonly cardIds: readonly string[]
  /** Of the keys, with the cards for which they were approved. */
  readonly operations: readonly (Operation & {readonly cardId: string | null})[]
}

export interface Store {
  /**
   * All of it or, when `work` rejects, nothing of it; as if every transaction had run alone. When it has resolved,
   * it outlives the server that said so. `work` may be run again from its beginning, but never after it may have
   * taken effect: so it changes nothing but rows. It waits for nothing but `tx`, and never for another transaction.
   * @throws SystemFault when it is not known whether it took effect, or the database could not be had; Contended
   */
  transact<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * The same for movements of money, made for many at once: those that arrive together are decided one after
   * another, on rows that were fetched and locked together, and committed together. `work` may be run again also after
   * it took effect and the answer was lost: so it begins by looking whether its key is there already.
   *
   * Locked are the operations, the accounts, the limits, the open dates of the machines and the cards that stand
   * there; what else a movement reads may change while it runs.
   */
  move<T>(touches: Touches, work: (tx: Tx) => Promise<T>): Promise<T>
  /** Reads one moment of the bank, all of it committed. Money is never decided on it. @throws SystemFault on a write */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Somebody else works under the same key, or on the same rows, and did not finish in time. */
export class Contended extends SystemFault {}
