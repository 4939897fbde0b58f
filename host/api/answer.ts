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

/** The problems there are: URN, HTTP status, response code, what the sender may do, title. */
const PROBLEMS = {
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
  'name-taken': [409, '94', 'never', 'The name is taken'],
  'password-weak': [422, '30', 'never', 'The password is not taken'],
  'unknown-account': [404, '14', 'never', 'There is no such account'],
  'unknown-atm': [404, '25', 'never', 'There is no such machine'],
  'no-route': [404, '30', 'never', 'There is nothing here'],
  'key-used-otherwise': [422, '94', 'never', 'The key was used before with another meaning'],
  'key-used': [409, '94', 'new-key', 'The key was used before'],
  'out-of-order': [409, '21', 'never', 'This cannot follow what happened before'],
  'amount-invalid': [422, '13', 'never', 'The amount is not valid here'],
  'too-large': [413, '30', 'never', 'The message is too long'],
  fault: [500, '96', 'same-key', 'The bank could not do this now'],
} as const satisfies Record<string, readonly [number, string, Problem['retry'], string]>

export type ProblemName = keyof typeof PROBLEMS

/**
 * RFC 9457 problem details; the type is `urn:tellerd:problem:<name>` and never changes.
 * @param detail says what was wrong, never repeats what was sent
 */
export function problemOf(name: ProblemName, detail: string): Answer {
  const [status, rc, retry, title] = PROBLEMS[name]
  const body: Problem = {type: `urn:tellerd:problem:${name}`, title, status, detail, rc, retry}
  return {status, contentType: 'application/problem+json', text: writeJson({...body}), rc}
}
