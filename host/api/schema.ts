/**
 * Every message between an ATM and the bank, with the paths they travel on. The only file of the bank
 * that the ATM's side may import.
 *
 * Requests are read strictly (an unknown field is refused: it could change what is meant), answers
 * tolerantly (they may grow). Amounts are JSON numbers in major units, exact to the digit.
 */
import {amount, currency, flag, list, oneOf, optional, record, text, wholeNumber} from './shape.ts'
import type {Of, Shape} from './shape.ts'

/** Any message of this file: `schema` is its JSON Schema, `decode` reads it. */
export type Message<T> = Shape<T>

/** `ATM123`: letters, digits, hyphen, underscore; ISO 8583 field 41 has room for 8 to 16. */
export const atmId = text('a terminal id', /^[A-Za-z0-9_-]{1,16}$/, 16)
export const accountId = text('an account id', /^[A-Za-z0-9]{1,34}$/, 34)
/** `<terminal>:<business date>:<STAN>`; one money operation for ever. */
export const operationKey = text(
  'an operation key',
  /^[A-Za-z0-9_-]{1,16}:[0-9]{4}-[0-9]{2}-[0-9]{2}:[0-9]{6}$/,
  34,
)
export const isoDate = text('a date', /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/, 10)
export const isoMoment = text('a moment in UTC', /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,12}Z$/, 24)
/** ISO 8583 field 39. */
export const responseCode = text('a response code', /^[0-9A-Z]{2}$/, 2)
const authCode = text('an authorization code', /^[0-9A-Z]{6}$/, 6)
export const transactionId = text('a transaction id', /^[0-9A-Za-z-]{1,40}$/, 40)
/** Which evidence the machine's money table decided by, for the one who audits it. */
const evidenceRow = text('an evidence row', /^[\x20-\x7e]{0,200}$/, 200)

export const empty = record({})

/** Answer to a balance question; `balance` is what the customer may still use. */
export const balanceAnswer = record({
  account_id: accountId,
  balance: amount('what the customer may still use', 'signed'),
  currency: optional(currency),
})
export type BalanceAnswer = Of<typeof balanceAnswer>

/**
 * How the machine's operation before ended, told again with its next: a bank that lost the advice repairs itself.
 * `at_least` and `at_most` are what left the machine; `fee` goes with `completed`, `reason` with `reversed`.
 */
export const lastOutcome = record({
  key: operationKey,
  outcome: oneOf(['completed', 'reversed', 'suspect']),
  currency,
  at_least: amount('left the machine for certain', 'unsigned'),
  at_most: amount('left the machine at most', 'unsigned'),
  fee: optional(amount('what the customer paid on top', 'unsigned')),
  reason: optional(text('a reversal reason', /^[a-z-]{1,40}$/, 40)),
  row: optional(evidenceRow),
})
export type LastOutcome = Of<typeof lastOutcome>

export const withdrawRequest = record({
  amount: amount('what the customer asks for', 'unsigned'),
  atm_id: optional(atmId),
  fee: optional(amount('what the customer pays on top', 'unsigned')),
  currency: optional(currency),
  /** The bank does not approve later than this. */
  deadline: optional(isoMoment),
  last: optional(lastOutcome),
})
export type WithdrawRequest = Of<typeof withdrawRequest>

/** The approval. From an ATM the amount is held until completed or reversed; from a teller it is posted. */
export const withdrawAnswer = record({
  transaction_id: transactionId,
  account_id: accountId,
  amount: amount('what was approved', 'unsigned'),
  balance: amount('what the customer may still use', 'signed'),
  transaction_date: isoMoment,
  fee: optional(amount('what the customer pays on top', 'unsigned')),
  currency: optional(currency),
  rc: optional(responseCode),
  auth_code: optional(authCode),
})
export type WithdrawAnswer = Of<typeof withdrawAnswer>

/** Notes of one worth. */
const notes = record({
  value: amount('worth of one note', 'unsigned'),
  count: wholeNumber('notes', 0, 100_000),
})

/** Cash taken in. From an ATM: what was stored, no more and no less; `notes` must add up to `amount`. */
export const depositRequest = record({
  amount: amount('what was taken in', 'unsigned'),
  atm_id: optional(atmId),
  currency: optional(currency),
  notes: optional(list(notes, 20)),
})
export type DepositRequest = Of<typeof depositRequest>

export const depositAnswer = record({
  transaction_id: transactionId,
  account_id: accountId,
  amount: amount('what was taken in', 'unsigned'),
  balance: amount('what the customer may still use', 'signed'),
  transaction_date: isoMoment,
  currency: optional(currency),
  rc: optional(responseCode),
})
export type DepositAnswer = Of<typeof depositAnswer>

export const transferRequest = record({
  target_account_id: accountId,
  amount: amount('what goes over', 'unsigned'),
  atm_id: optional(atmId),
  currency: optional(currency),
  /** The amount is set aside until the machine completes or reverses the operation, as a withdrawal's is. */
  hold: optional(flag),
  /** The bank does not approve later than this. */
  deadline: optional(isoMoment),
  last: optional(lastOutcome),
})
export type TransferRequest = Of<typeof transferRequest>

export const transferAnswer = record({
  transaction_id: transactionId,
  source_account_id: accountId,
  target_account_id: accountId,
  amount: amount('what went over', 'unsigned'),
  source_balance: amount('what the giver may still use', 'signed'),
  /** A machine is not told what another customer has. */
  target_balance: optional(amount('what the receiver may still use', 'signed')),
  transaction_date: isoMoment,
  currency: optional(currency),
  rc: optional(responseCode),
})
export type TransferAnswer = Of<typeof transferAnswer>

/** Whose account it is, as far as the one who pays may know. */
export const payeeAnswer = record({
  account_id: accountId,
  name: text('a name with little of it left', /^[^\r\n]{1,80}$/u, 80),
})
export type PayeeAnswer = Of<typeof payeeAnswer>

/** Most lines of a mini statement. */
export const MINI_STATEMENT_LINES = 10

/** The last settled movements of an account, newest first; `amount` is what the account gained. */
export const statementAnswer = record({
  account_id: accountId,
  currency,
  lines: list(
    record({
      at: isoMoment,
      kind: oneOf(['withdrawal', 'deposit', 'sent', 'received']),
      amount: amount('what the account gained', 'signed'),
    }),
    MINI_STATEMENT_LINES,
  ),
})
export type StatementAnswer = Of<typeof statementAnswer>

/** A business decision against the customer's wish; HTTP 200, so that no layer in between repeats the request. */
export const declined = record({
  rc: responseCode,
  /** The card stays in the machine. */
  retain: flag,
  tries_left: optional(wholeNumber('PIN tries left', 0, 9)),
})
export type Declined = Of<typeof declined>

export const signOnAnswer = record({
  atm_id: atmId,
  business_date: isoDate,
  /** Double-length TDES key under the machine's master key, TDES-ECB. */
  pin_key: text('a wrapped key in hex', /^[0-9A-F]{32}$/, 32),
  pin_key_check_value: text('a key check value in hex', /^[0-9A-F]{6}$/, 6),
  host_time: isoMoment,
})
export type SignOnAnswer = Of<typeof signOnAnswer>

const track2 = text('track 2 data', /^;?[0-9]{8,19}=[0-9]{4}[0-9]*\??$/, 40)
/** ISO 9564-1 format 0 under the PIN key, TDES-ECB. */
const pinBlock = text('a PIN block in hex', /^[0-9A-F]{16}$/, 16)

export const verifyRequest = record({track2, pin_block: pinBlock})
export type VerifyRequest = Of<typeof verifyRequest>

/** The new PIN twice, for the card that was verified at the machine just now. */
export const changePinRequest = record({
  track2,
  new_pin_block: pinBlock,
  repeated_pin_block: pinBlock,
  /** The bank does not change it later than this. */
  deadline: isoMoment,
})
export type ChangePinRequest = Of<typeof changePinRequest>

/** Done. A no has 55 when the two PINs differ, 89 when the bank will not have it. */
export const changePinAnswer = record({rc: responseCode})
export type ChangePinAnswer = Of<typeof changePinAnswer>

export const verifyAnswer = record({
  rc: responseCode,
  accounts: list(record({account_id: accountId, account_type: oneOf(['checking', 'savings'])}), 8),
})
export type VerifyAnswer = Of<typeof verifyAnswer>

export const completeRequest = record({
  amount: amount('what left the machine', 'unsigned'),
  fee: amount('what the customer pays on top', 'unsigned'),
  currency,
  row: optional(evidenceRow),
})
export type CompleteRequest = Of<typeof completeRequest>

export const reverseRequest = record({
  reason: text('a reversal reason', /^[a-z-]{1,40}$/, 40),
  row: optional(evidenceRow),
})
export type ReverseRequest = Of<typeof reverseRequest>

export const suspectRequest = record({
  at_least: amount('with the customer for certain', 'unsigned'),
  at_most: amount('with the customer at most', 'unsigned'),
  currency,
  row: optional(evidenceRow),
})
export type SuspectRequest = Of<typeof suspectRequest>

/** The bank has taken an advice, now or before. */
export const adviceAnswer = record({
  key: operationKey,
  rc: responseCode,
  state: oneOf(['completed', 'reversed', 'suspect', 'declined', 'forced', 'tombstone']),
})
export type AdviceAnswer = Of<typeof adviceAnswer>

export const probeAnswer = record({atm_id: atmId, business_date: isoDate, host_time: isoMoment})
export type ProbeAnswer = Of<typeof probeAnswer>

/** Of one of the bank's people. */
export const personName = text(
  'a name of 2 to 32 lower-case letters, digits, dots or hyphens',
  /^[a-z][a-z0-9.-]{1,31}$/,
  32,
)
export const roles = list(oneOf(['teller', 'operator', 'supervisor', 'auditor']), 4)
const password = text('a password', /^.{1,128}$/su, 128)
/** Of an authenticator app (RFC 6238). */
const oneTimeCode = text('a one-time code of six digits', /^[0-9]{6}$/, 6)
const invitationCode = text('a code of an invitation', /^[0-9A-Za-z-]{20,23}$/, 23)

export const signInRequest = record({name: personName, password, code: oneTimeCode})
export type SignInRequest = Of<typeof signInRequest>

/** `token` goes into `Authorization: Bearer` of what follows. */
export const signInAnswer = record({
  token: text('a bearer token', /^[A-Za-z0-9_-]{1,200}$/, 200),
  name: personName,
  roles,
  idle_minutes: wholeNumber('minutes without a request after which the session is over', 1, 1_440),
  ends_at: isoMoment,
})
export type SignInAnswer = Of<typeof signInAnswer>

export const inviteRequest = record({name: personName, roles})
export type InviteRequest = Of<typeof inviteRequest>

export const inviteAnswer = record({code: invitationCode, name: personName, roles, ends_at: isoMoment})
export type InviteAnswer = Of<typeof inviteAnswer>

export const openInvitationRequest = record({code: invitationCode})

/** `totp_uri` is what an authenticator app reads; without `name` the invited chooses one. */
export const invitationAnswer = record({
  name: optional(personName),
  roles,
  totp_uri: text('an otpauth URI', /^otpauth:\/\/totp\/[\x21-\x7e]{1,400}$/, 420),
  ends_at: isoMoment,
})
export type InvitationAnswer = Of<typeof invitationAnswer>

export const acceptInvitationRequest = record({
  code: invitationCode,
  name: personName,
  password,
  one_time_code: oneTimeCode,
})
export type AcceptInvitationRequest = Of<typeof acceptInvitationRequest>

export const personAnswer = record({name: personName, roles})
/** A place for notes in a machine. A bin that takes several denominations is a unit for each. */
export const unitName = text('a name of a unit', /^[a-z0-9-]{1,20}$/, 20)
const cashUnit = record({
  unit: unitName,
  kind: oneOf(['cassette', 'bin']),
  value: amount('worth of one note', 'unsigned'),
  count: wholeNumber('notes that the machine believes in it', 0, 100_000),
  /** Right after people counted the unit and loaded it: what they found, and what the machine believed before. */
  found: optional(wholeNumber('notes that people found in it', 0, 100_000)),
  expected: optional(wholeNumber('notes that should have been in it', 0, 100_000)),
})

/** What a machine believes to hold now; after a replenishment with what people found. */
export const cashRequest = record({currency, units: list(cashUnit, 32)})
export type CashRequest = Of<typeof cashRequest>
export const cashAnswer = record({atm_id: atmId, business_date: isoDate, taken_at: isoMoment})
export type CashAnswer = Of<typeof cashAnswer>

const sums = (what: string) =>
  record({count: wholeNumber(`${what}, how many`, 0, 999_999), amount: amount(`${what}, in sum`, 'unsigned')})
/** What the bank acknowledged in a business date: the counts and amounts of ISO 8583 fields 74 to 89. */
export const totals = record({
  withdrawals: sums('completed withdrawals without fees'),
  reversals: sums('reversed approvals'),
  deposits: sums('deposits'),
})
export type TotalsMessage = Of<typeof totals>

/** Closes a business date. Sent again it is answered again; with other sums it is refused. */
export const cutOverRequest = record({
  business_date: isoDate,
  currency,
  totals,
  units: optional(list(cashUnit, 32)),
  /** Rows of the machine's journal at its cut-over: how far the bank must have it to hold it against its own. */
  journal_rows: optional(wholeNumber('rows of the journal', 0, 1_000_000_000_000)),
})
export type CutOverRequest = Of<typeof cutOverRequest>

export const cutOverAnswer = record({
  atm_id: atmId,
  closed_date: isoDate,
  /** The date that is open from now on; the keys of what follows carry it. */
  business_date: isoDate,
  /** ISO 8583 field 66: 1 and 2. */
  settlement: oneOf(['in-balance', 'out-of-balance']),
  totals,
})
export type CutOverAnswer = Of<typeof cutOverAnswer>

/** Most characters of one segment of a journal. */
export const SEGMENT_CHARS_MAX = 262_144

/**
 * A piece of a machine's journal: whole lines of its JSON-lines export, from `offset` bytes on.
 * The answer says where the next piece begins, also when this one was here before.
 */
export const journalRequest = record({
  offset: wholeNumber('bytes before the segment', 0, 1_000_000_000_000),
  sha256: text('SHA-256 of the segment in hex', /^[0-9a-f]{64}$/, 64),
  segment: text('whole lines of a journal', /^(?:[^\n]+\n)+$/, SEGMENT_CHARS_MAX),
})
export type JournalRequest = Of<typeof journalRequest>

const rowHash = text('hash of a row in hex', /^[0-9a-f]{64}$/, 64)

export const journalAnswer = record({
  atm_id: atmId,
  next_offset: wholeNumber('bytes that the bank has', 0, 1_000_000_000_000),
  rows: wholeNumber('rows that the bank has', 0, 1_000_000_000_000),
  /** 64 zeros before the first row. */
  last_hash: rowHash,
})
export type JournalAnswer = Of<typeof journalAnswer>

/** SubjectPublicKeyInfo. */
const publicKey = text('a public key in base64', /^[A-Za-z0-9+/]{40,400}={0,2}$/, 402)
const signature = text('a signature in base64', /^[A-Za-z0-9+/]{86}==$/, 88)

/** The machine signs how far its journal goes; see `crypto/anchor.ts`. The bank must have it to that row. */
export const anchorRequest = record({
  row: wholeNumber('number of the last row', 1, 1_000_000_000_000),
  hash: rowHash,
  public_key: publicKey,
  signature: signature,
})
export type AnchorRequest = Of<typeof anchorRequest>

/** What machine and bank have signed; the machine's part is as it was at the first time. */
export const anchorAnswer = record({
  atm_id: atmId,
  row: wholeNumber('number of the last row', 1, 1_000_000_000_000),
  hash: rowHash,
  machine_key: publicKey,
  machine_signature: signature,
  bank_key: publicKey,
  bank_signature: signature,
  taken_at: isoMoment,
})
export type AnchorAnswer = Of<typeof anchorAnswer>

/** What changed at a machine. `seq` is the machine's own, growing; one that was here before is not taken again. */
export const statusEvent = record({
  seq: wholeNumber('number of the event', 1, 1_000_000_000_000),
  at: isoMoment,
  part: oneOf(['machine', 'card-reader', 'pin-pad', 'dispenser', 'acceptor', 'printer', 'link', 'safe']),
  state: oneOf(['ok', 'degraded', 'out']),
  detail: text('a sentence', /^[\x20-\x7e]{0,200}$/, 200),
})
export type StatusEvent = Of<typeof statusEvent>
export const eventsRequest = record({events: list(statusEvent, 100)})
export const eventsAnswer = record({
  atm_id: atmId,
  taken_through: wholeNumber('number of the last event that the bank has', 0, 1_000_000_000_000),
})
export type EventsAnswer = Of<typeof eventsAnswer>

/** `code` for a card with a second factor, `track2` and `pin_block` for any other. */
export const stepUpRequest = record({
  amount: amount('what the customer wants, at most', 'unsigned'),
  currency,
  code: optional(oneTimeCode),
  track2: optional(track2),
  pin_block: optional(pinBlock),
})
export type StepUpRequest = Of<typeof stepUpRequest>
export const stepUpAnswer = record({rc: responseCode, currency, ends_at: isoMoment})
export type StepUpAnswer = Of<typeof stepUpAnswer>

export const enrolmentCodeAnswer = record({code: invitationCode, atm_id: atmId, ends_at: isoMoment})
export type EnrolmentCodeAnswer = Of<typeof enrolmentCodeAnswer>

const proof = text('a proof in base64', /^[A-Za-z0-9+/]{86}==$/, 88)

/** `proof`: see `crypto/possession.ts`; of the code as it is sent here. */
export const enrolRequest = record({atm_id: atmId, code: invitationCode, public_key: publicKey, proof})
export type EnrolRequest = Of<typeof enrolRequest>

/** `proof`: of the pin of the key that signs the request. */
export const renewRequest = record({public_key: publicKey, proof})
export type RenewRequest = Of<typeof renewRequest>

export const certificateAnswer = record({
  certificate: text('a certificate, PEM', /^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s-]{1,8000}$/, 8_192),
})
export type CertificateAnswer = Of<typeof certificateAnswer>

/** RFC 9457 problem details, with the response code and what the sender may do. */
export const problem = record({
  type: text('a problem type', /^urn:[a-z0-9:-]{1,80}$/, 84),
  title: text('a title', /^.{0,200}$/, 200),
  status: wholeNumber('an HTTP status', 400, 599),
  detail: text('an explanation', /^[^\r\n]{0,400}$/, 400),
  rc: responseCode,
  retry: oneOf(['never', 'same-key', 'new-key']),
})
export type Problem = Of<typeof problem>

/** Where each question goes. */
export const paths = {
  balance: (account: string) => `/api/accounts/${encodeURIComponent(account)}/balance`,
  withdraw: (account: string) => `/api/accounts/${encodeURIComponent(account)}/withdraw`,
  signOn: (atm: string) => `/api/atms/${encodeURIComponent(atm)}/sign-on`,
  verifyCard: (atm: string) => `/api/atms/${encodeURIComponent(atm)}/verify-card`,
  deposit: (account: string) => `/api/accounts/${encodeURIComponent(account)}/deposit`,
  transfer: (account: string) => `/api/accounts/${encodeURIComponent(account)}/transfer`,
  payee: (account: string, payee: string) =>
    `/api/accounts/${encodeURIComponent(account)}/payees/${encodeURIComponent(payee)}`,
  statement: (account: string) => `/api/accounts/${encodeURIComponent(account)}/statement`,
  changePin: (atm: string) => `/api/atms/${encodeURIComponent(atm)}/change-pin`,
  cash: (atm: string) => `/api/atms/${encodeURIComponent(atm)}/cash`,
  cutOver: (atm: string) => `/api/atms/${encodeURIComponent(atm)}/cut-over`,
  journal: (atm: string) => `/api/atms/${encodeURIComponent(atm)}/journal`,
  anchor: (atm: string) => `/api/atms/${encodeURIComponent(atm)}/journal/anchor`,
  events: (atm: string) => `/api/atms/${encodeURIComponent(atm)}/events`,
  probe: (atm: string) => `/api/atms/${encodeURIComponent(atm)}/probe`,
  renew: (atm: string) => `/api/atms/${encodeURIComponent(atm)}/renew`,
  enrol: () => '/api/enrol',
  complete: (key: string) => `/api/operations/${encodeURIComponent(key)}/complete`,
  reverse: (key: string) => `/api/operations/${encodeURIComponent(key)}/reverse`,
  suspect: (key: string) => `/api/operations/${encodeURIComponent(key)}/suspect`,
} as const

/** The `Idempotency-Key` header: the key as a structured-field string (RFC 9651). */
export function keyHeader(key: string): string {
  return `"${key}"`
}

/** The key of a well-formed `Idempotency-Key` header, or null. */
export function keyOfHeader(header: string): string | null {
  return /^"([A-Za-z0-9:_-]{1,64})"$/.exec(header)?.[1] ?? null
}
