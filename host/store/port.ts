/**
 * What the bank keeps, whatever engine keeps it. Everything a decision reads and writes happens inside
 * one `transact`; when that has resolved, it is on disk.
 */
import type {Role} from '../guard/roles.ts'
import type {Entry} from '../ledger/book.ts'
import type {Operation} from '../ledger/operation.ts'
import type {EpochMs} from '../../kit/clock.ts'
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
}

export interface CardRows {
  findByPan(panHash: string): Promise<Card | null>
  /** In the order in which the customer is offered them. */
  accounts(cardId: string): Promise<readonly BankAccount[]>
  put(card: Card, accountIds: readonly string[]): Promise<void>
  setStatus(cardId: string, status: CardStatus): Promise<void>
  /** Adds `by` (1 or -1) to the tries, never below 0. */
  addTries(cardId: string, by: number): Promise<void>
  clearTries(cardId: string): Promise<void>
  visit(atmId: string): Promise<Visit | null>
  setVisit(atmId: string, visit: Visit | null): Promise<void>
  /** `known`: a verification under that key was here before. */
  recordVerification(key: string, atmId: string, atMs: EpochMs): Promise<'new' | 'known'>
}

export interface AccountRows {
  find(accountId: string): Promise<BankAccount | null>
  list(): Promise<readonly (BankAccount & {readonly userName: string})[]>
  putUser(user: User): Promise<void>
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
}

export interface LedgerRows {
  /**
   * Appends the entry's postings and moves the balances of the customers it touches. A key posts each kind of
   * entry once; a second time is our own mistake and takes the transaction with it.
   */
  post(key: string, entry: Entry, atMs: EpochMs): Promise<Posted>
  addTransaction(transaction: BankTransaction): Promise<void>
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
}

export interface Store {
  /**
   * All of it or, when `work` rejects, nothing of it; as if every transaction had run alone. `work` may be run
   * again from its beginning, also after it took effect and the answer was lost: so it changes nothing but rows,
   * and begins by looking whether its key is there already. It waits for nothing but `tx`, and never for another
   * transaction.
   */
  transact<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Reads one moment of the bank, all of it committed. Money is never decided on it. @throws SystemFault on a write */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  close(): Promise<void>
}
