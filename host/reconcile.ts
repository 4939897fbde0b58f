/** What the bank believes of its machines: functions of the rows it accepted, never of clocks. */
import type {Bank} from './bank.ts'
import {balancesOf, ledgerAccounts} from './ledger/book.ts'
import type {Operation, OperationState} from './ledger/operation.ts'
import type {AccountType, StoredPosting} from './store/port.ts'
import {minorUnits} from '../kit/money.ts'
import type {Currency, Minor} from '../kit/money.ts'

/** So many operations of one state, and their money. */
export interface Tally {
  readonly count: number
  /** What left the machine by its own word, or what was asked for while it has said nothing. Without fees. */
  readonly amountMinor: Minor
  /** The most that may have left; differs from the amount for suspects only. */
  readonly atMostMinor: Minor
}

/** One machine's operations by state; a state without operations has a tally of zero. */
export type AtmTotals = Readonly<Record<OperationState, Tally>>

/** The totals of every machine that has operations, in one currency. */
export function totalsByAtm(operations: readonly Operation[]): ReadonlyMap<string, AtmTotals> {
  const byAtm = Map.groupBy(
    operations.filter(operation => operation.atmId !== null),
    operation => operation.atmId ?? '',
  )
  return new Map([...byAtm].map(([atmId, own]) => [atmId, totalsOf(own)]))
}

/** How one state's money is counted. */
function amountOf(operation: Operation): {readonly amountMinor: number; readonly atMostMinor: number} {
  switch (operation.state) {
    case 'completed':
    case 'forced':
    case 'posted':
    case 'suspect':
      return {amountMinor: operation.paidMinor, atMostMinor: operation.paidAtMostMinor}
    case 'held':
    case 'reversed':
    case 'declined':
    case 'tombstone':
      return {amountMinor: operation.amountMinor, atMostMinor: operation.amountMinor}
  }
}

function totalsOf(operations: readonly Operation[]): AtmTotals {
  const tally = (state: OperationState): Tally => {
    const amounts = operations.filter(operation => operation.state === state).map(amountOf)
    return {
      count: amounts.length,
      amountMinor: minorUnits(amounts.reduce((sum, {amountMinor}) => sum + amountMinor, 0)),
      atMostMinor: minorUnits(amounts.reduce((sum, {atMostMinor}) => sum + atMostMinor, 0)),
    }
  }
  return {
    held: tally('held'),
    completed: tally('completed'),
    reversed: tally('reversed'),
    suspect: tally('suspect'),
    declined: tally('declined'),
    tombstone: tally('tombstone'),
    forced: tally('forced'),
    posted: tally('posted'),
  }
}

/** What does not agree with itself; empty when the books are right. */
export async function bookFaults(bank: Pick<Bank, 'store'>): Promise<readonly string[]> {
  const {accounts, postings, operations} = await bank.store.read(async tx => ({
    accounts: await tx.accounts.list(),
    postings: await tx.ledger.postings(),
    operations: await tx.operations.all(),
  }))
  const balances = balancesOf(postings)
  const faults = unbalancedEntries(postings)
  for (const {accountId, balanceMinor} of accounts) {
    const rebuilt = balances.get(ledgerAccounts.customer(accountId)) ?? 0
    if (rebuilt !== balanceMinor)
      faults.push(`account ${accountId} shows ${balanceMinor}, its postings ${rebuilt}`)
  }
  const heldByAtm = new Map<string, number>()
  for (const operation of operations)
    if (operation.atmId !== null && (operation.state === 'held' || operation.state === 'suspect'))
      heldByAtm.set(
        operation.atmId,
        (heldByAtm.get(operation.atmId) ?? 0) + operation.amountMinor + operation.feeMinor,
      )
  for (const atmId of new Set(operations.flatMap(({atmId}) => (atmId === null ? [] : [atmId])))) {
    const booked = balances.get(ledgerAccounts.held(atmId)) ?? 0
    const open = heldByAtm.get(atmId) ?? 0
    if (booked !== open)
      faults.push(`machine ${atmId} holds ${booked} by the book, ${open} by its operations`)
  }
  return faults
}

function unbalancedEntries(postings: readonly StoredPosting[]): string[] {
  const sums = new Map<string, number>()
  for (const {key, kind, currency, amountMinor} of postings) {
    const entry = `${kind} of ${key} in ${currency}`
    sums.set(entry, (sums.get(entry) ?? 0) + amountMinor)
  }
  return [...sums].flatMap(([entry, sum]) => (sum === 0 ? [] : [`the ${entry} sums to ${sum}`]))
}

/** An account as somebody looking over the bank's shoulder sees it. */
export interface AccountView {
  readonly accountId: string
  readonly holder: string
  readonly accountType: AccountType
  readonly currency: Currency
  /** What the customer may still use. */
  readonly balanceMinor: Minor
  /** Set aside by machines and not settled. */
  readonly heldMinor: Minor
}

export interface BankView {
  readonly accounts: readonly AccountView[]
  /** Latest change first. */
  readonly operations: readonly Operation[]
}

/** A read-only look at the whole bank. */
export async function bankView(bank: Bank, operationCountMax = 20): Promise<BankView> {
  return bank.store.read(async tx => {
    const open = await tx.operations.open()
    const accounts = await tx.accounts.list()
    return {
      accounts: accounts.map(account => ({
        accountId: account.accountId,
        holder: account.userName,
        accountType: account.accountType,
        currency: account.currency,
        balanceMinor: account.balanceMinor,
        heldMinor: heldOf(account.accountId, open),
      })),
      operations: await tx.operations.recent(operationCountMax),
    }
  })
}

/** A machine's totals as the bank's rows tell them now. */
export async function atmTotals(bank: Bank): Promise<ReadonlyMap<string, AtmTotals>> {
  return totalsByAtm(await bank.store.read(tx => tx.operations.all()))
}

function heldOf(accountId: string, open: readonly Operation[]): Minor {
  const own = open.filter(operation => operation.accountId === accountId)
  return minorUnits(own.reduce((sum, {amountMinor, feeMinor}) => sum + amountMinor + feeMinor, 0))
}
