/** Every message between the bank and the people who work there. The ATM's side never sees these. */
import {
  accountId,
  atmId,
  cashRequest,
  isoDate,
  isoMoment,
  statusEvent,
  totals,
  transactionId,
  unitName,
} from './schema.ts'
import {amount, currency, digits, list, oneOf, optional, record, text, wholeNumber} from './shape.ts'
import type {Of} from './shape.ts'

/** Most rows of one page. */
export const PAGE_ROWS_MAX = 200
const limit = optional(digits('rows of a page, 50 unless told', 1, PAGE_ROWS_MAX))
/** Where the next page begins: what `next` of the page before said. */
const cursor = text('a place in a list', /^[A-Za-z0-9_-]{1,200}$/, 200)
const page = {after: optional(cursor), limit}

/** The caller sends an object, and there is nothing to say in it. */
export const emptyRequest = record({})

const userId = text('a user id', /^[A-Za-z0-9-]{1,34}$/, 34)
const cardId = text('a card id', /^[A-Za-z0-9-]{1,34}$/, 34)
/** Any key: a machine's `<terminal>:<business date>:<STAN>`, or one made for a person. */
export const anyKey = text('a key', /^[A-Za-z0-9:._-]{1,140}$/, 140)
const line = (what: string, lengthMax: number) =>
  text(`${what} in one line`, /^[^\p{Cc}]*[^\p{Cc}\s][^\p{Cc}]*$/u, lengthMax)
/** Why somebody did it; part of the record for ever. */
const reason = line('a reason', 300)
const accountType = oneOf(['checking', 'savings'])
const status = oneOf(['active', 'inactive'])
const cardStatus = oneOf(['active', 'blocked', 'stolen'])
const email = text('an e-mail address', /^[^\s@\p{Cc}]{1,64}@[^\s@\p{Cc}]{1,180}$/u, 254)
const phoneNumber = text('a phone number', /^\+?[0-9 ()/.-]{3,30}$/, 31)

export const user = record({
  user_id: userId,
  name: line('a name', 120),
  email,
  phone_number: phoneNumber,
  address: line('an address', 300),
})
export type UserMessage = Of<typeof user>
export const userPath = record({user_id: userId})
/** Without `user_id` the bank makes one. */
export const newUser = record({
  user_id: optional(userId),
  name: line('a name', 120),
  email,
  phone_number: phoneNumber,
  address: line('an address', 300),
})
export type NewUser = Of<typeof newUser>
/** What is left out stays. */
export const userChange = record({
  name: optional(line('a name', 120)),
  email: optional(email),
  phone_number: optional(phoneNumber),
  address: optional(line('an address', 300)),
})
export type UserChange = Of<typeof userChange>
export const usersQuery = record(page)
export type PageQuery = Of<typeof usersQuery>
export const usersAnswer = record({users: list(user, PAGE_ROWS_MAX), next: optional(cursor)})

export const account = record({
  account_id: accountId,
  user_id: userId,
  account_type: accountType,
  balance: amount('what the customer may still use', 'signed'),
  created_at: isoMoment,
  currency,
})
export type AccountMessage = Of<typeof account>
export const accountPath = record({account_id: accountId})
/** Without `account_id` the bank makes one. Money comes in by a deposit. */
export const newAccount = record({
  account_id: optional(accountId),
  user_id: userId,
  account_type: accountType,
  currency,
})
export type NewAccount = Of<typeof newAccount>
export const accountsQuery = record({...page, user_id: optional(userId)})
export type AccountsQuery = Of<typeof accountsQuery>
export const accountsAnswer = record({accounts: list(account, PAGE_ROWS_MAX), next: optional(cursor)})

/** One posting of the account: a credit is above zero; `balance` is what the account had after it. */
const movement = record({
  key: anyKey,
  kind: text('what moved it', /^[a-z-]{1,30}$/, 30),
  amount: amount('what it gained, or lost below zero', 'signed'),
  balance: amount('what it had then', 'signed'),
  at: isoMoment,
})
export const historyQuery = record(page)
export const historyAnswer = record({
  account_id: accountId,
  currency,
  movements: list(movement, PAGE_ROWS_MAX),
  next: optional(cursor),
})
export type HistoryAnswer = Of<typeof historyAnswer>

export const card = record({
  card_id: cardId,
  /** First six and last four digits; the bank keeps no more of it. */
  card_number: text('a shortened card number', /^[0-9]{6}\*+[0-9]{4}$/, 19),
  expires: text('the last month, YYMM', /^[0-9]{2}(?:0[1-9]|1[0-2])$/, 4),
  status: cardStatus,
  pin_tries: wholeNumber('wrong PINs since the last right one', 0, 9),
  accounts: list(accountId, 8),
})
export type CardMessage = Of<typeof card>
export const cardPath = record({card_id: cardId})
/**
 * A card that was made elsewhere. Number and PIN go to the PIN module and nowhere else: what the bank keeps is a
 * keyed hash of each.
 */
export const newCard = record({
  card_number: text('a card number with its check digit', /^[0-9]{13,19}$/, 19),
  expires: text('the last month, YYMM', /^[0-9]{2}(?:0[1-9]|1[0-2])$/, 4),
  pin: text('a PIN of 4 to 12 digits', /^[0-9]{4,12}$/, 12),
  accounts: list(accountId, 8),
})
export type NewCard = Of<typeof newCard>
/** `stolen` and `blocked` are kept by the machine that sees them. `forgive_tries` opens a card that had too many. */
export const cardChange = record({
  status: optional(cardStatus),
  forgive_tries: optional(oneOf(['yes'])),
  reason,
})
export type CardChange = Of<typeof cardChange>
export const cardsQuery = record({...page, account_id: optional(accountId)})
export type CardsQuery = Of<typeof cardsQuery>
export const cardsAnswer = record({cards: list(card, PAGE_ROWS_MAX), next: optional(cursor)})

/** A machine as the fleet's list shows it. */
export const atm = record({
  atm_id: atmId,
  location: line('a place', 200),
  status,
  /** Absent before its first sign-on. */
  business_date: optional(isoDate),
  /** When it was heard last. */
  heard_at: optional(isoMoment),
  cash: optional(cashRequest),
  cash_at: optional(isoMoment),
  /** The last word of each part that has said something. */
  parts: list(statusEvent, 16),
  open_holds: wholeNumber('approvals that wait for the machine', 0, 1_000_000),
  open_suspects: wholeNumber('operations of which nobody knows what left', 0, 1_000_000),
  open_differences: wholeNumber('differences that nobody has resolved', 0, 1_000_000),
})
export type AtmMessage = Of<typeof atm>
export const atmPath = record({atm_id: atmId})
export const newAtm = record({
  atm_id: atmId,
  location: line('a place', 200),
  /** As it was loaded into the machine's PIN pad; the answer's check value must be the pad's. */
  master_key: text('a double-length TDES key in hex', /^[0-9A-F]{32}$/, 32),
})
export type NewAtm = Of<typeof newAtm>
export const newAtmAnswer = record({
  atm_id: atmId,
  location: line('a place', 200),
  status,
  master_key_check_value: text('a key check value in hex', /^[0-9A-F]{6}$/, 6),
})
export const atmChange = record({location: optional(line('a place', 200)), status: optional(status)})
export type AtmChange = Of<typeof atmChange>
export const atmsQuery = record(page)
export const atmsAnswer = record({atms: list(atm, PAGE_ROWS_MAX), next: optional(cursor)})

const transactionType = oneOf(['withdrawal', 'deposit', 'transfer'])
export const transaction = record({
  transaction_id: transactionId,
  account_id: accountId,
  atm_id: optional(atmId),
  transaction_type: transactionType,
  amount: amount('without fees', 'unsigned'),
  transaction_date: isoMoment,
  currency,
  target_account_id: optional(accountId),
})
export type TransactionMessage = Of<typeof transaction>
/** Newest first. `from` counts, `to` does not. An account finds its transfers from both ends. */
export const transactionsQuery = record({
  ...page,
  account_id: optional(accountId),
  atm_id: optional(atmId),
  transaction_type: optional(transactionType),
  from: optional(isoMoment),
  to: optional(isoMoment),
})
export type TransactionsQuery = Of<typeof transactionsQuery>
export const transactionsAnswer = record({
  transactions: list(transaction, PAGE_ROWS_MAX),
  next: optional(cursor),
})

const operationState = oneOf([
  'held',
  'completed',
  'reversed',
  'suspect',
  'declined',
  'tombstone',
  'forced',
  'posted',
])
export const operation = record({
  key: anyKey,
  type: transactionType,
  state: operationState,
  atm_id: optional(atmId),
  account_id: optional(accountId),
  transaction_id: optional(transactionId),
  currency: optional(currency),
  amount: optional(amount('as asked for', 'unsigned')),
  fee: optional(amount('as asked for', 'unsigned')),
  paid_at_least: optional(amount('left the machine for certain', 'unsigned')),
  paid_at_most: optional(amount('left the machine at most', 'unsigned')),
  evidence: text('why', /^[^\p{Cc}]{0,300}$/u, 300),
  created_at: isoMoment,
  changed_at: isoMoment,
})
export type OperationMessage = Of<typeof operation>
export const operationPath = record({key: anyKey})
export const operationsQuery = record({
  ...page,
  state: optional(operationState),
  atm_id: optional(atmId),
  account_id: optional(accountId),
})
export type OperationsQuery = Of<typeof operationsQuery>
export const operationsAnswer = record({operations: list(operation, PAGE_ROWS_MAX), next: optional(cursor)})

/** Closes a hold or a suspect: so much left the machine. The fee falls due only for all that was asked for. */
export const settleRequest = record({paid: amount('what left the machine', 'unsigned'), reason})
export type SettleRequest = Of<typeof settleRequest>

/**
 * A person opened the machine: counted what was in each unit, and left so many notes in it. The two bound a
 * period; reasoning about notes never crosses one.
 */
export const countRequest = record({
  /** The date that the count belongs to the end of. */
  business_date: isoDate,
  currency,
  units: list(
    record({
      unit: unitName,
      kind: oneOf(['cassette', 'bin']),
      value: amount('worth of one note', 'unsigned'),
      counted: wholeNumber('notes found', 0, 100_000),
      left: wholeNumber('notes left in it', 0, 100_000),
    }),
    32,
  ),
})
export type CountRequest = Of<typeof countRequest>
export const countAnswer = record({
  atm_id: atmId,
  business_date: isoDate,
  counted_at: isoMoment,
  /** Suspects that the count left one answer for; they are settled. */
  settled: list(record({key: anyKey, paid: amount('what had left the machine', 'unsigned')}), 100),
})
export type CountAnswer = Of<typeof countAnswer>

const differenceClass = oneOf([
  'host-over',
  'host-short',
  'cash-over',
  'cash-short',
  'bins-differ',
  'suspect',
  'forced',
  'totals-differ',
])
const differenceId = text('a difference id', /^[A-Za-z0-9:._-]{1,200}$/, 200)
/**
 * What a person may do about a difference.
 * - `settle`: say what left the machine, for a hold or a suspect
 * - `debit-customer`, `credit-customer`: book it to an account
 * - `write-off`: book it to the machine's cash differences
 * - `accept`: nothing is to be booked
 */
export const action = oneOf(['settle', 'debit-customer', 'credit-customer', 'write-off', 'accept'])
export type Action = Of<typeof action>
export const difference = record({
  difference_id: differenceId,
  atm_id: atmId,
  business_date: isoDate,
  class: differenceClass,
  /** An operation's key, a unit of the machine, or `all`. */
  subject: anyKey,
  currency,
  amount: amount('at least', 'unsigned'),
  amount_at_most: amount('at most', 'unsigned'),
  explanation: line('what it is', 300),
  /** `gone`: a later comparison no longer found it. */
  state: oneOf(['open', 'gone', 'resolved']),
  found_at: isoMoment,
  actions: list(action, 5),
  resolution: optional(record({action, by: text('a name', /^[a-z0-9.-]{1,40}$/, 40), reason, at: isoMoment})),
})
export type DifferenceMessage = Of<typeof difference>
export const differencePath = record({difference_id: differenceId})
export const differencesQuery = record({
  ...page,
  atm_id: optional(atmId),
  state: optional(oneOf(['open', 'gone', 'resolved'])),
})
export type DifferencesQuery = Of<typeof differencesQuery>
export const differencesAnswer = record({
  differences: list(difference, PAGE_ROWS_MAX),
  next: optional(cursor),
})
export const resolveRequest = record({
  action,
  reason,
  /** For `settle`: what left the machine. Otherwise how much is booked, where the difference is a range. */
  amount: optional(amount('how much', 'unsigned')),
  /** For `debit-customer` and `credit-customer`, where the operation has no account of its own. */
  account_id: optional(accountId),
})
export type ResolveRequest = Of<typeof resolveRequest>

const moved = record({
  at_least: amount('left the machine', 'signed'),
  at_most: amount('left the machine', 'signed'),
})
/** One machine's business date: journal against postings against counted cash. */
export const reconciliation = record({
  atm_id: atmId,
  business_date: isoDate,
  currency,
  run_at: isoMoment,
  /** `open`: the machine is still in that date. */
  date_state: oneOf(['open', 'closed']),
  /** No difference is open, and nothing was missing to compare. */
  verdict: oneOf(['in-balance', 'out-of-balance', 'incomplete']),
  /** What was not there to compare. */
  missing: list(oneOf(['journal', 'count', 'totals']), 3),
  host: moved,
  journal: optional(moved),
  counted: optional(amount('left the machine by the count', 'signed')),
  host_totals: totals,
  machine_totals: optional(totals),
  differences: list(difference, 1_000),
  report: text('the report for a person', /^[\s\S]{0,400000}$/, 400_000),
})
export type ReconciliationMessage = Of<typeof reconciliation>
export const reconciliationPath = record({atm_id: atmId, business_date: isoDate})
export const datesAnswer = record({
  atm_id: atmId,
  dates: list(
    record({
      business_date: isoDate,
      opened_at: isoMoment,
      closed_at: optional(isoMoment),
      verdict: optional(oneOf(['in-balance', 'out-of-balance', 'incomplete'])),
    }),
    PAGE_ROWS_MAX,
  ),
  next: optional(cursor),
})
