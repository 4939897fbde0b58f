/** What a machine asks and tells besides the customers' money. */
import {problemOf} from './answer.ts'
import type {Answer, ProblemName} from './answer.ts'
import {atmPath} from './office-schema.ts'
import {machineOf, route} from './route.ts'
import type {Route} from './route.ts'
import * as schema from './schema.ts'
import {record} from './shape.ts'
import {takeAdvice} from '../advice.ts'
import type {Bank} from '../bank.ts'
import {probe, signOn, verifyCard} from '../card.ts'
import type {Guest, Identity} from '../identity.ts'
import type {BankAdvice} from '../ledger/operation.ts'
import {changePin} from '../pin-change.ts'
import {cutOver} from '../settlement/day.ts'
import {takeAnchor} from '../settlement/journal-anchor.ts'
import {journalTip, takeJournal} from '../settlement/journal-upload.ts'
import {takeCash, takeEvents} from '../settlement/status.ts'
import type {NumberText} from '../../kit/exact-json.ts'
import {parseAmount} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'

/** Every row of this table. */
const OWN = {group: 'machine', callers: ['atm']} as const
const ITSELF = {...OWN, machine: 'itself', path: atmPath} as const
const keyPath = record({key: schema.operationKey})
const OWNER = {...OWN, machine: 'owner', path: keyPath, answers: [schema.adviceAnswer]} as const
const ADVISING = [
  'amount-invalid',
  'out-of-order',
  'key-used-otherwise',
] as const satisfies readonly ProblemName[]

/** A segment may double when it is written as JSON text, and has words around it. */
const JOURNAL_BODY_BYTES_MAX = 4 * schema.SEGMENT_CHARS_MAX

export const machineRoutes: readonly Route[] = [
  route({
    ...ITSELF,
    method: 'POST',
    url: '/api/atms/{atm_id}/sign-on',
    name: 'signOn',
    summary: 'Business date, time and a fresh PIN key',
    request: schema.empty,
    answers: [schema.signOnAnswer],
    run: async ({bank, path}) => signOn(bank, path.atm_id),
  }),
  route({
    ...ITSELF,
    method: 'GET',
    url: '/api/atms/{atm_id}/probe',
    name: 'probe',
    summary: 'Proof that the link lives, with date and time',
    answers: [schema.probeAnswer],
    run: async ({bank, path}) => probe(bank, path.atm_id),
  }),
  route({
    ...ITSELF,
    method: 'POST',
    url: '/api/atms/{atm_id}/verify-card',
    name: 'verifyCard',
    summary: 'Card and PIN',
    key: 'machine',
    request: schema.verifyRequest,
    answers: [schema.verifyAnswer, schema.declined],
    problems: ['key-used'],
    run: async ({bank, path, key, body}) => verifyCard(bank, path.atm_id, key, body),
  }),
  route({
    ...ITSELF,
    method: 'POST',
    url: '/api/atms/{atm_id}/change-pin',
    name: 'changePin',
    summary: 'A new PIN for the card at the machine',
    key: 'machine',
    request: schema.changePinRequest,
    answers: [schema.changePinAnswer, schema.declined],
    run: async ({bank, path, key, body}) => changePin(bank, path.atm_id, key, body),
  }),
  route({
    ...OWNER,
    method: 'POST',
    url: '/api/operations/{key}/complete',
    name: 'complete',
    summary: 'So much left the machine',
    request: schema.completeRequest,
    problems: ADVISING,
    run: async ({bank, who, path, body}) => {
      const paid = minorOf(body.amount, body.currency)
      const fee = minorOf(body.fee, body.currency)
      return advise(
        bank,
        who,
        path.key,
        paid === null || fee === null
          ? null
          : {
              kind: 'complete',
              paidMinor: paid,
              feeMinor: fee,
              currency: body.currency,
              evidence: body.row ?? '',
            },
      )
    },
  }),
  route({
    ...OWNER,
    method: 'POST',
    url: '/api/operations/{key}/reverse',
    name: 'reverse',
    summary: 'Nothing left the machine; also before the request that it reverses',
    request: schema.reverseRequest,
    problems: ADVISING,
    run: async ({bank, who, path, body: {reason, row}}) =>
      advise(bank, who, path.key, {
        kind: 'reverse',
        evidence: row === undefined ? reason : `${reason}: ${row}`,
      }),
  }),
  route({
    ...OWNER,
    method: 'POST',
    url: '/api/operations/{key}/suspect',
    name: 'suspect',
    summary: 'Nobody knows what left the machine',
    request: schema.suspectRequest,
    problems: ADVISING,
    run: async ({bank, who, path, body}) => {
      const atLeast = minorOf(body.at_least, body.currency)
      const atMost = minorOf(body.at_most, body.currency)
      return advise(
        bank,
        who,
        path.key,
        atLeast === null || atMost === null
          ? null
          : {
              kind: 'suspect',
              atLeastMinor: atLeast,
              atMostMinor: atMost,
              currency: body.currency,
              evidence: body.row ?? '',
            },
      )
    },
  }),
  route({
    ...ITSELF,
    method: 'POST',
    url: '/api/atms/{atm_id}/cash',
    name: 'tellCash',
    summary: 'What the machine believes to hold',
    request: schema.cashRequest,
    answers: [schema.cashAnswer],
    problems: ['amount-invalid'],
    run: async ({bank, path, body}) => takeCash(bank, path.atm_id, body),
  }),
  route({
    ...ITSELF,
    method: 'POST',
    url: '/api/atms/{atm_id}/cut-over',
    name: 'cutOver',
    summary: 'Close a business date with its sums, open the next, reconcile',
    request: schema.cutOverRequest,
    answers: [schema.cutOverAnswer],
    problems: ['amount-invalid', 'out-of-order', 'key-used-otherwise'],
    run: async ({bank, path, body}) => cutOver(bank, path.atm_id, body),
  }),
  route({
    ...ITSELF,
    method: 'GET',
    url: '/api/atms/{atm_id}/journal',
    name: 'getJournalTip',
    summary: 'How far the bank has the journal',
    answers: [schema.journalAnswer],
    run: async ({bank, path}) => journalTip(bank, path.atm_id),
  }),
  route({
    ...ITSELF,
    method: 'POST',
    url: '/api/atms/{atm_id}/journal',
    name: 'sendJournal',
    summary: 'The next piece of the journal; it must continue the chain of hashes',
    bodyBytesMax: JOURNAL_BODY_BYTES_MAX,
    request: schema.journalRequest,
    answers: [schema.journalAnswer],
    problems: ['out-of-order', 'key-used-otherwise', 'journal-broken'],
    run: async ({bank, path, body}) => takeJournal(bank, path.atm_id, body),
  }),
  route({
    ...ITSELF,
    method: 'POST',
    url: '/api/atms/{atm_id}/journal/anchor',
    name: 'anchorJournal',
    summary: 'Both sign how far the journal goes',
    request: schema.anchorRequest,
    answers: [schema.anchorAnswer],
    problems: ['key-unproved', 'out-of-order', 'key-used-otherwise', 'journal-broken'],
    run: async ({bank, who, path, body}) => takeAnchor(bank, who, path.atm_id, body),
  }),
  route({
    ...ITSELF,
    method: 'POST',
    url: '/api/atms/{atm_id}/events',
    name: 'tellEvents',
    summary: 'What changed at the machine',
    bodyBytesMax: 65_536,
    request: schema.eventsRequest,
    answers: [schema.eventsAnswer],
    run: async ({bank, path, body}) => takeEvents(bank, path.atm_id, body.events),
  }),
]

/** @param advice null when an amount has more digits than its currency */
async function advise(
  bank: Bank,
  who: Identity | Guest,
  key: string,
  advice: BankAdvice | null,
): Promise<Answer> {
  return advice === null
    ? problemOf('amount-invalid', 'more digits than the currency has')
    : takeAdvice(bank, machineOf(who), key, advice)
}

function minorOf(amount: NumberText, currency: Currency): Minor | null {
  const parsed = parseAmount(amount.source, currency)
  return parsed.kind === 'amount' ? parsed.amountMinor : null
}
