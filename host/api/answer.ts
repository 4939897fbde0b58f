/** What a route gives back: a status and the finished JSON text, so that a stored answer is sent again byte for byte. */
import type {Declined, Problem} from './schema.ts'
import {writeJson} from '../../kit/exact-json.ts'
import type {Writable} from '../../kit/exact-json.ts'

export interface Answer {
  readonly status: number
  readonly contentType: 'application/json' | 'application/problem+json'
  readonly text: string
  /** ISO 8583 field 39, for the log. */
  readonly rc: string
}

/** @param body what the route's shape describes */
export function answered(body: {readonly [field: string]: Writable | undefined}, rc = '00'): Answer {
  return {status: 200, contentType: 'application/json', text: writeJson(body), rc}
}

/** A stored answer, again. */
export function answeredBefore(text: string): Answer {
  return {status: 200, contentType: 'application/json', text, rc: '00'}
}

/** A business decision: HTTP 200 with a response code. */
export function declinedWith(declined: Declined): Answer {
  return answered(declined, declined.rc)
}

/** The problems there are: HTTP status, response code, what the sender may do, title. */
export const PROBLEMS = {
  malformed: [400, '30', 'never', 'The message cannot be read'],
  'key-missing': [400, '30', 'never', 'The Idempotency-Key header is missing or malformed'],
  'not-you': [403, '63', 'never', 'Not allowed to this caller'],
  'unknown-caller': [403, '63', 'never', 'The caller is not known or not active'],
  'message-unsigned': [401, '63', 'never', 'The message is not signed'],
  'message-forged': [403, '63', 'never', 'The signature does not count'],
  'message-old': [403, '63', 'same-key', 'The message was not signed just now'],
  'message-replayed': [409, '63', 'same-key', 'The message was here before'],
  'not-signed-in': [401, '63', 'never', 'Sign in first'],
  'sign-in-refused': [401, '63', 'never', 'Not signed in'],
  'code-gone': [403, '63', 'never', 'The one-time code is of no use'],
  'key-unproved': [403, '63', 'never', 'The public key is not the sender’s'],
  'no-authority': [404, '30', 'never', 'There is no authority here'],
  'name-taken': [409, '94', 'never', 'The name is taken'],
  'password-weak': [422, '30', 'never', 'The password is not taken'],
  'unknown-account': [404, '14', 'never', 'There is no such account'],
  'unknown-atm': [404, '25', 'never', 'There is no such machine'],
  unknown: [404, '25', 'never', 'There is no such thing'],
  'no-route': [404, '30', 'never', 'There is nothing here'],
  'wrong-method': [405, '30', 'never', 'This path is not asked so'],
  'key-used': [409, '94', 'new-key', 'The key was used before'],
  'out-of-order': [409, '21', 'never', 'This cannot follow what happened before'],
  exists: [409, '94', 'never', 'The name is taken by something else'],
  'journal-broken': [409, '95', 'never', 'The journal does not continue where it ended'],
  'too-large': [413, '30', 'never', 'The message is too long'],
  'wrong-type': [415, '30', 'never', 'The message is not JSON'],
  'amount-invalid': [422, '13', 'never', 'The amount is not valid here'],
  'atm-inactive': [422, '58', 'never', 'The machine is switched off'],
  'same-account': [422, '12', 'never', 'An account transfers nothing to itself'],
  'insufficient-funds': [422, '51', 'new-key', 'The account has too little'],
  'key-used-otherwise': [422, '94', 'never', 'The key was used before with another meaning'],
  'too-late': [422, '68', 'new-key', 'The time that the caller gave is over'],
  declined: [422, '05', 'never', 'The bank declines'],
  'in-progress': [409, '09', 'same-key', 'The same is being worked on'],
  fault: [500, '96', 'same-key', 'The bank could not do this now'],
} as const satisfies Record<string, readonly [number, string, Problem['retry'], string]>

export type ProblemName = keyof typeof PROBLEMS

/** In the order of the table. */
export const problemNames: readonly ProblemName[] = Object.keys(PROBLEMS).filter(isProblemName)

function isProblemName(name: string): name is ProblemName {
  return Object.hasOwn(PROBLEMS, name)
}

/** A problem whose response code is not its table's, because the reason is in the code. */
export function problemWith(name: ProblemName, detail: string, rc: string): Answer {
  const [status, , retry, title] = PROBLEMS[name]
  return problemText({type: `urn:tellerd:problem:${name}`, title, status, detail, rc, retry})
}

/**
 * RFC 9457 problem details; the type is `urn:tellerd:problem:<name>` and never changes.
 * @param detail says what was wrong, never repeats what was sent
 */
export function problemOf(name: ProblemName, detail: string): Answer {
  return problemWith(name, detail, PROBLEMS[name][1])
}

function problemText(body: Problem): Answer {
  const {status, rc} = body
  return {status, contentType: 'application/problem+json', text: writeJson({...body}), rc}
}
