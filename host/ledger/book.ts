/**
 * Double entry: which ledger accounts an event of money touches, and by how much. Pure. A credit is
 * positive, a debit negative, and every entry sums to zero; so a customer's balance is the sum of that
 * account's postings, and a hold is an entry like any other.
 */
import {assert, present} from '../../kit/assert.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'

/** One leg: the ledger account and what it gains (credit) or loses (debit). */
export interface Posting {
  readonly ledgerAccount: string
  readonly amountMinor: Minor
}

export type EntryKind =
  | 'opening'
  | 'hold'
  | 'completion'
  | 'reversal'
  | 'forced'
  | 'withdrawal'
  | 'deposit'
  | 'transfer'
  | 'load'
  | 'resolution'

export interface Entry {
  readonly kind: EntryKind
  readonly currency: Currency
  /** Two or more legs that sum to zero; none is zero. */
  readonly postings: readonly Posting[]
}

/** Names of the ledger accounts; the part before the colon is the kind. */
export const ledgerAccounts = {
  /** What the bank owes a customer. */
  customer: (accountId: string) => `customer:${accountId}`,
  /** Cash in a machine: falls by a credit. */
  atmCash: (atmId: string) => `atm-cash:${atmId}`,
  /** Approved for a machine and not yet settled. */
  held: (atmId: string) => `held:${atmId}`,
  /** Cash in a teller's drawer. */
  till: (teller: string) => `till:${teller}`,
  /** Cash outside machines and drawers: it comes from here when a machine is loaded. */
  vault: 'vault',
  /** What a machine's cash was found to be over (credit) or short (debit), once somebody has said so. */
  cashDifference: (atmId: string) => `cash-difference:${atmId}`,
  feeIncome: 'fee-income',
  /** Paid, and nobody knows by whom. */
  suspense: 'suspense',
  /** Where opening balances come from. */
  opening: 'opening',
} as const

/** Money set aside from one account for one machine. */
export interface HeldMoney {
  readonly accountId: string
  readonly atmId: string
  readonly currency: Currency
  readonly amountMinor: Minor
  readonly feeMinor: Minor
}

/** Sets amount and fee aside. */
export function holdEntry(money: HeldMoney): Entry {
  const total = money.amountMinor + money.feeMinor
  return entry('hold', money.currency, [
    [ledgerAccounts.customer(money.accountId), -total],
    [ledgerAccounts.held(money.atmId), total],
  ])
}

/** Settles a hold by what was paid; the customer gets the rest back. */
export function completionEntry(money: HeldMoney, paidMinor: Minor, feeMinor: Minor): Entry {
  const total = money.amountMinor + money.feeMinor
  const rest = total - paidMinor - feeMinor
  assert(
    paidMinor > 0 && paidMinor <= money.amountMinor && feeMinor >= 0 && feeMinor <= money.feeMinor,
    'a completion lies outside its hold',
  )
  return entry('completion', money.currency, [
    [ledgerAccounts.held(money.atmId), -total],
    [ledgerAccounts.atmCash(money.atmId), paidMinor],
    [ledgerAccounts.feeIncome, feeMinor],
    [ledgerAccounts.customer(money.accountId), rest],
  ])
}

/** Settles a held transfer: all of it goes to the payee. */
export function heldTransferEntry(money: HeldMoney, targetAccountId: string): Entry {
  return entry('completion', money.currency, [
    [ledgerAccounts.held(money.atmId), 0 - money.amountMinor],
    [ledgerAccounts.customer(targetAccountId), money.amountMinor],
  ])
}

/** Gives a hold back. */
export function reversalEntry(money: HeldMoney): Entry {
  const total = money.amountMinor + money.feeMinor
  return entry('reversal', money.currency, [
    [ledgerAccounts.held(money.atmId), -total],
    [ledgerAccounts.customer(money.accountId), total],
  ])
}

/** Cash that left a machine under a key the bank never approved. */
export function forcedEntry(atmId: string, currency: Currency, paidMinor: Minor): Entry {
  return entry('forced', currency, [
    [ledgerAccounts.suspense, 0 - paidMinor],
    [ledgerAccounts.atmCash(atmId), paidMinor],
  ])
}

/** Cash over the counter, at once. */
export function tellerWithdrawalEntry(
  accountId: string,
  teller: string,
  currency: Currency,
  amountMinor: Minor,
  feeMinor: Minor,
): Entry {
  return entry('withdrawal', currency, [
    [ledgerAccounts.customer(accountId), -(amountMinor + feeMinor)],
    [ledgerAccounts.till(teller), amountMinor],
    [ledgerAccounts.feeIncome, feeMinor],
  ])
}

/** Cash taken in. @param cash the ledger account of the machine or drawer that has it now */
export function depositEntry(accountId: string, cash: string, currency: Currency, amountMinor: Minor): Entry {
  return entry('deposit', currency, [
    [cash, 0 - amountMinor],
    [ledgerAccounts.customer(accountId), amountMinor],
  ])
}

export function transferEntry(
  sourceAccountId: string,
  targetAccountId: string,
  currency: Currency,
  amountMinor: Minor,
): Entry {
  return entry('transfer', currency, [
    [ledgerAccounts.customer(sourceAccountId), 0 - amountMinor],
    [ledgerAccounts.customer(targetAccountId), amountMinor],
  ])
}

/** Notes that a person put into a machine, less those taken out; null when it comes to nothing. */
export function loadEntry(atmId: string, currency: Currency, addedMinor: Minor): Entry | null {
  if (addedMinor === 0) return null
  return entry('load', currency, [
    [ledgerAccounts.atmCash(atmId), 0 - addedMinor],
    [ledgerAccounts.vault, addedMinor],
  ])
}

/** What a person decided about a difference: the debit of one ledger account to the credit of another. */
export function resolutionEntry(
  debit: string,
  credit: string,
  currency: Currency,
  amountMinor: Minor,
): Entry {
  return entry('resolution', currency, [
    [debit, 0 - amountMinor],
    [credit, amountMinor],
  ])
}

/** The balance an account starts with. */
export function openingEntry(accountId: string, currency: Currency, balanceMinor: Minor): Entry {
  return entry('opening', currency, [
    [ledgerAccounts.opening, 0 - balanceMinor],
    [ledgerAccounts.customer(accountId), balanceMinor],
  ])
}

/** What each customer gains or loses by the postings, in the order of account ids, which is the order of locks. */
export function customerChanges(postings: readonly Posting[]): ReadonlyMap<string, Minor> {
  const prefix = ledgerAccounts.customer('')
  const changes = [...balancesOf(postings)]
    .filter(([account]) => account.startsWith(prefix))
    .map(([account, by]) => [account.slice(prefix.length), by] as const)
  return new Map(changes.sort(([left], [right]) => (left < right ? -1 : 1)))
}

/**
 * What each customer whom the postings touch may use after them; null when one has too little. The one place that
 * decides it, whoever keeps the rows.
 * @param before by account id, of all of them
 */
export function balancesAfter(
  postings: readonly Posting[],
  before: ReadonlyMap<string, Minor>,
): ReadonlyMap<string, Minor> | null {
  const after = new Map<string, Minor>()
  for (const [accountId, by] of customerChanges(postings)) {
    const balance = present(before.get(accountId), 'the balance of an account that is posted to') + by
    if (balance < 0) return null
    after.set(accountId, minorUnits(balance))
  }
  return after
}

/** Every ledger account's balance, from nothing but postings. */
export function balancesOf(postings: readonly Posting[]): ReadonlyMap<string, Minor> {
  const balances = new Map<string, Minor>()
  for (const {ledgerAccount, amountMinor} of postings)
    balances.set(ledgerAccount, minorUnits((balances.get(ledgerAccount) ?? 0) + amountMinor))
  return balances
}

function entry(
  kind: EntryKind,
  currency: Currency,
  legs: readonly (readonly [ledgerAccount: string, amountMinor: number])[],
): Entry {
  const postings = legs
    .filter(([, amountMinor]) => amountMinor !== 0)
    .map(([ledgerAccount, amountMinor]) => ({ledgerAccount, amountMinor: minorUnits(amountMinor)}))
  const sum = postings.reduce((total, {amountMinor}) => total + amountMinor, 0)
  assert(sum === 0 && postings.length >= 2, `${kind} entry with ${postings.length} legs sums to ${sum}`)
  return {kind, currency, postings}
}
