/**
 * Every route of the machine's API as a table: method, path, what the body must be, who may call, and
 * what it does. The application registers the table; documentation is generated from it.
 */
import {problemOf} from './answer.ts'
import type {Answer} from './answer.ts'
import * as schema from './schema.ts'
import type {Decoded, Shape} from './shape.ts'
import {takeAdvice} from '../advice.ts'
import type {Bank} from '../bank.ts'
import {probe, signOn, verifyCard} from '../card.ts'
import {acceptInvitation, invite, openInvitation} from '../guard/invitations.ts'
import {signIn, signOut} from '../guard/sign-in.ts'
import type {Caller, Guest, Identity} from '../identity.ts'
import type {BankAdvice} from '../ledger/operation.ts'
import {balance, withdraw} from '../withdrawal.ts'
import {assert} from '../../kit/assert.ts'
import type {Json} from '../../kit/exact-json.ts'
import type {NumberText} from '../../kit/exact-json.ts'
import {parseAmount} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'

/** A request whose caller is one of the route's. */
export interface Call {
  readonly bank: Bank
  /** A guest only where the route is open to anyone. */
  readonly who: Identity | Guest
  /** The one parameter of a path: an account, a machine or an operation key; empty when there is none. */
  readonly id: string
  /** The raw `Idempotency-Key` header, or null. */
  readonly keyHeader: string | null
  /** Null when there was none. */
  readonly body: Json
}

export interface Route {
  readonly method: 'GET' | 'POST'
  /** With `:id` where the parameter stands. */
  readonly url: string
  readonly summary: string
  readonly callers: readonly Caller[]
  /** Null for a request without a body. */
  readonly request: Shape<unknown> | null
  readonly answers: readonly Shape<unknown>[]
  readonly run: (call: Call) => Promise<Answer>
}

export const routes: readonly Route[] = [
  {
    method: 'GET',
    url: '/api/accounts/:id/balance',
    summary: 'What the customer may still use',
    callers: ['atm', 'accounts.read'],
    request: null,
    answers: [schema.balanceAnswer],
    run: async call => {
      const account = decode(schema.accountId, call.id)
      return account.kind === 'refused'
        ? malformed('path', account.why)
        : balance(call.bank, named(call), account.value)
    },
  },
  {
    method: 'POST',
    url: '/api/accounts/:id/withdraw',
    summary: 'Hold for a machine, or post for a teller',
    callers: ['atm', 'money.post'],
    request: schema.withdrawRequest,
    answers: [schema.withdrawAnswer, schema.declined],
    run: runWithdraw,
  },
  {
    method: 'POST',
    url: '/api/atms/:id/sign-on',
    summary: 'Business date and a fresh PIN key',
    callers: ['atm'],
    request: schema.empty,
    answers: [schema.signOnAnswer],
    run: async call => asMachine(call, atmId => signOn(call.bank, atmId)),
  },
  {
    method: 'GET',
    url: '/api/atms/:id/probe',
    summary: 'Proof that the link lives',
    callers: ['atm'],
    request: null,
    answers: [schema.probeAnswer],
    run: async call => asMachine(call, async atmId => probe(call.bank, atmId)),
  },
  {
    method: 'POST',
    url: '/api/atms/:id/verify-card',
    summary: 'Card and PIN',
    callers: ['atm'],
    request: schema.verifyRequest,
    answers: [schema.verifyAnswer, schema.declined],
    run: async call =>
      asMachine(call, async atmId => {
        const request = decode(schema.verifyRequest, call.body)
        if (request.kind === 'refused') return malformed('body', request.why)
        const key = machineKey(call, atmId)
        return typeof key === 'string' ? verifyCard(call.bank, atmId, key, request.value) : key
      }),
  },
  {
    method: 'POST',
    url: '/api/operations/:id/complete',
    summary: 'So much left the machine',
    callers: ['atm'],
    request: schema.completeRequest,
    answers: [schema.adviceAnswer],
    run: async call =>
      asOwner(call, schema.completeRequest, ({amount, fee, currency, row}) => {
        const paid = minorOf(amount, currency)
        const charged = minorOf(fee, currency)
        return paid === null || charged === null
          ? null
          : {kind: 'complete', paidMinor: paid, feeMinor: charged, currency, evidence: row ?? ''}
      }),
  },
  {
    method: 'POST',
    url: '/api/operations/:id/reverse',
    summary: 'Nothing left the machine',
    callers: ['atm'],
    request: schema.reverseRequest,
    answers: [schema.adviceAnswer],
    run: async call =>
      asOwner(call, schema.reverseRequest, ({reason, row}) => ({
        kind: 'reverse',
        evidence: row === undefined ? reason : `${reason}: ${row}`,
      })),
  },
  {
    method: 'POST',
    url: '/api/operations/:id/suspect',
    summary: 'Nobody knows what left the machine',
    callers: ['atm'],
    request: schema.suspectRequest,
    answers: [schema.adviceAnswer],
    run: async call =>
      asOwner(call, schema.suspectRequest, ask => {
        const atLeast = minorOf(ask.at_least, ask.currency)
        const atMost = minorOf(ask.at_most, ask.currency)
        return atLeast === null || atMost === null
          ? null
          : {
              kind: 'suspect',
              atLeastMinor: atLeast,
              atMostMinor: atMost,
              currency: ask.currency,
              evidence: ask.row ?? '',
            }
      }),
  },
  {
    method: 'POST',
    url: '/api/sign-in',
    summary: 'A token for a session, by password and one-time code',
    callers: ['anyone'],
    request: schema.signInRequest,
    answers: [schema.signInAnswer],
    run: async call => withBody(call, schema.signInRequest, ask => signIn(call.bank, ask)),
  },
  {
    method: 'POST',
    url: '/api/sign-out',
    summary: 'End the session that asks',
    callers: ['person'],
    request: schema.empty,
    answers: [schema.empty],
    run: async call => signOut(call.bank, named(call)),
  },
  {
    method: 'POST',
    url: '/api/people/invite',
    summary: 'A one-time code by which somebody becomes one of the bank’s people',
    callers: ['people.manage'],
    request: schema.inviteRequest,
    answers: [schema.inviteAnswer],
    run: async call => withBody(call, schema.inviteRequest, ask => invite(call.bank, ask)),
  },
  {
    method: 'POST',
    url: '/api/invitations/open',
    summary: 'What an invitation is for, and the seed for an authenticator app',
    callers: ['anyone'],
    request: schema.openInvitationRequest,
    answers: [schema.invitationAnswer],
    run: async call =>
      withBody(call, schema.openInvitationRequest, ({code}) => openInvitation(call.bank, code)),
  },
  {
    method: 'POST',
    url: '/api/invitations/accept',
    summary: 'Take a name and a password; the code is spent',
    callers: ['anyone'],
    request: schema.acceptInvitationRequest,
    answers: [schema.personAnswer],
    run: async call =>
      withBody(call, schema.acceptInvitationRequest, ask => acceptInvitation(call.bank, ask)),
  },
]

async function withBody<T>(call: Call, shape: Shape<T>, run: (body: T) => Promise<Answer>): Promise<Answer> {
  const body = decode(shape, call.body)
  return body.kind === 'refused' ? malformed('body', body.why) : run(body.value)
}

async function runWithdraw(call: Call): Promise<Answer> {
  const account = decode(schema.accountId, call.id)
  if (account.kind === 'refused') return malformed('path', account.why)
  const request = decode(schema.withdrawRequest, call.body)
  if (request.kind === 'refused') return malformed('body', request.why)
  const who = named(call)
  if (who.kind === 'person') {
    const key = call.keyHeader === null ? null : schema.keyOfHeader(call.keyHeader)
    if (key === null) return problemOf('key-missing', 'a withdrawal has a key')
    // In a space of the teller's own, so that nobody can take a machine's key, or another teller's.
    return withdraw(call.bank, who, {
      accountId: account.value,
      key: `teller:${who.name}:${key}`,
      request: request.value,
    })
  }
  if (request.value.atm_id !== undefined && request.value.atm_id !== who.atmId)
    return problemOf('not-you', 'the machine in the body is not the caller')
  const key = machineKey(call, who.atmId)
  if (typeof key !== 'string') return key
  return withdraw(call.bank, who, {accountId: account.value, key, request: request.value})
}

/** The caller of a route that is not open to anyone. */
function named({who}: Call): Identity {
  assert(who.kind !== 'guest', 'a guest came through a closed door')
  return who
}

/** The machine in the path must be the one that calls. */
async function asMachine(call: Call, run: (atmId: string) => Promise<Answer>): Promise<Answer> {
  const {who} = call
  if (who.kind !== 'atm' || who.atmId !== call.id)
    return problemOf('not-you', 'the machine in the path is not the caller')
  return run(who.atmId)
}

/** The key in the path must be the caller's own. */
async function asOwner<T>(
  call: Call,
  shape: Shape<T>,
  adviceOf: (request: T) => BankAdvice | null,
): Promise<Answer> {
  const key = decode(schema.operationKey, call.id)
  if (key.kind === 'refused') return malformed('path', key.why)
  const {who} = call
  if (who.kind !== 'atm' || !isKeyOf(key.value, who.atmId))
    return problemOf('not-you', 'the key in the path is not of the calling machine')
  const request = decode(shape, call.body)
  if (request.kind === 'refused') return malformed('body', request.why)
  const advice = adviceOf(request.value)
  if (advice === null) return problemOf('amount-invalid', 'more digits than the currency has')
  return takeAdvice(call.bank, who.atmId, key.value, advice)
}

/** The key of the header, when it is well-formed and the machine's own. */
function machineKey(call: Call, atmId: string): string | Answer {
  const key = call.keyHeader === null ? null : schema.keyOfHeader(call.keyHeader)
  if (key === null || decode(schema.operationKey, key).kind === 'refused')
    return problemOf('key-missing', 'it reads "<atm_id>:<business_date>:<stan>", quotes included')
  return isKeyOf(key, atmId) ? key : problemOf('not-you', 'the key is not of the calling machine')
}

function isKeyOf(key: string, atmId: string): boolean {
  return key.startsWith(`${atmId}:`)
}

function decode<T>(shape: Shape<T>, json: Json): Decoded<T> {
  return shape.decode(json, 'refuse')
}

function malformed(where: 'path' | 'body', why: string): Answer {
  return problemOf('malformed', `${where} ${why}`)
}

function minorOf(amount: NumberText, currency: Currency): Minor | null {
  const parsed = parseAmount(amount.source, currency)
  return parsed.kind === 'amount' ? parsed.amountMinor : null
}
