/** Messages between what keeps the bank's door and the people who work there. The ATM's side never sees these. */
import {isoMoment, roles} from './schema.ts'
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
