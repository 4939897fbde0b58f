/** Messages between what keeps the bank's door and the people who work there. The ATM's side never sees these. */
import {atmId, isoMoment, roles} from './schema.ts'
import {digits, flag, list, oneOf, optional, record, text, wholeNumber} from './shape.ts'
import type {Of} from './shape.ts'

export const programName = text(
  'a name of 2 to 32 lower-case letters, digits, dots or hyphens',
  /^[a-z][a-z0-9.-]{1,31}$/,
  32,
)
/** `token` goes into `Authorization: Bearer`; it is shown this once. */
export const admitProgramRequest = record({
  name: programName,
  roles,
  days: optional(wholeNumber('days until it ends', 1, 366)),
})
export type AdmitProgramRequest = Of<typeof admitProgramRequest>
export const programTokenAnswer = record({
  token: text('a bearer token', /^[A-Za-z0-9_-]{1,200}$/, 200),
  name: programName,
  roles,
  ends_at: isoMoment,
})
export type ProgramTokenAnswer = Of<typeof programTokenAnswer>
export const programAnswer = record({name: programName, roles, ends_at: isoMoment, is_revoked: flag})
export type ProgramAnswer = Of<typeof programAnswer>
export const programsAnswer = record({programs: list(programAnswer, 10_000)})
export type ProgramsAnswer = Of<typeof programsAnswer>

const auditSeq = wholeNumber('a number of an entry', 0, 999_999_999_999)
const plain = text('a line', /^[^\r\n]{0,400}$/, 400)
export const auditAnswer = record({
  entries: list(
    record({
      seq: auditSeq,
      at: isoMoment,
      who: plain,
      action: plain,
      subject: plain,
      outcome: oneOf(['done', 'refused']),
      detail: plain,
    }),
    200,
  ),
})
export type AuditAnswer = Of<typeof auditAnswer>
/** `from`: number of the first entry; 1 unless told. */
export const auditQuery = record({from: optional(digits('a number of an entry', 1, 999_999_999_999))})
/** `seq`: of the last entry, or of the first that is not as it was written. Who notes `head` sees a cut tail. */
export const auditVerdictAnswer = record({
  verdict: oneOf(['whole', 'broken']),
  seq: auditSeq,
  head: optional(text('a MAC in hex', /^[0-9A-F]{0,64}$/, 64)),
  why: optional(plain),
})
export type AuditVerdictAnswer = Of<typeof auditVerdictAnswer>

const degrees = (what: string, digitsMax: string) =>
  text(`${what} in degrees`, new RegExp(`^-?[0-9]{1,${digitsMax}}(?:\\.[0-9]{1,6})?$`), 11)
/** WGS 84, as text so that no digit is lost: `"52.520008"`. */
export const placeRequest = record({
  latitude: degrees('a latitude', '2'),
  longitude: degrees('a longitude', '3'),
})
export type PlaceRequest = Of<typeof placeRequest>

export const secondFactorAnswer = record({
  totp_uri: text('an otpauth URI', /^otpauth:\/\/totp\/[\x21-\x7e]{1,400}$/, 420),
})
export type SecondFactorAnswer = Of<typeof secondFactorAnswer>

const cardId = text('a card id', /^[0-9A-Za-z-]{1,40}$/, 40)
const alertId = text('an alert id', /^[0-9a-f]{24}$/, 24)
const line = text('a line', /^[^\r\n]{1,400}$/, 400)
export const alertMessage = record({
  alert_id: alertId,
  rule: line,
  card_id: optional(cardId),
  atm_id: atmId,
  why: line,
  holds_card: flag,
  raised_at: isoMoment,
  closed_at: optional(isoMoment),
  closed_by: optional(line),
  closing: optional(line),
})
export type AlertMessage = Of<typeof alertMessage>
export const alertsQuery = record({status: optional(oneOf(['open', 'all']))})
export const alertsAnswer = record({alerts: list(alertMessage, 200)})
export type AlertsAnswer = Of<typeof alertsAnswer>
export const alertPath = record({alert_id: alertId})
/** What it was, in the words of whoever looked. */
export const closeAlertRequest = record({closing: line})
export const cardPath = record({card_id: cardId})
