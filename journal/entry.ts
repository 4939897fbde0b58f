/** What the journal holds, as the program sees it, and the one place where stored text becomes typed again. */
import {AssertionFailed, assert} from '../kit/assert.ts'
import {epochMs} from '../kit/clock.ts'
import type {EpochMs} from '../kit/clock.ts'
import type {Event, Order} from '../fsm/vocabulary.ts'
import {canonicalJson} from './chain.ts'
import type {TableRow} from './schema.ts'

declare const seq: unique symbol
/** A row's number: from 1, without gaps, never used again. */
export type Seq = number & {readonly [seq]: true}

declare const sessionId: unique symbol
/** One visit of one customer, as the machine names it. */
export type SessionId = string & {readonly [sessionId]: true}

/** @throws AssertionFailed unless the number is a positive safe integer. */
export function seqOf(value: number): Seq {
  assert(Number.isSafeInteger(value) && value >= 1, `${value} is no row of a journal`)
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- the brand's one constructor, just checked
  return value as Seq
}

/** @param text 1 to 64 letters, digits, `:`, `.`, `_` or `-`. @throws AssertionFailed for anything else. */
export function sessionIdOf(text: string): SessionId {
  assert(/^[A-Za-z0-9:._-]{1,64}$/.test(text), `'${text}' cannot name a session`)
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- the brand's one constructor, just checked
  return text as SessionId
}

/** The program started: which build of it, and the hash of the settings it started with. */
export interface Boot {
  readonly kind: 'boot'
  readonly build: string
  readonly configHash: string
}

/** Something is about to leave this machine. Open until an event answers it. */
export interface OrderIntent {
  readonly kind: 'intent'
  readonly order: Order
}

/** Something happened; `answers` names the intent whose outcome it is. */
export interface Happening {
  readonly kind: 'event'
  readonly event: Event
  readonly answers: Seq | null
}

export type Entry = Boot | OrderIntent | Happening

export interface Stored<E extends Entry = Entry> {
  readonly seq: Seq
  readonly session: SessionId | null
  /** Wall-clock time; may step back between rows when the clock was set. */
  readonly atMs: EpochMs
  /** SHA-256 over the previous hash and this row's canonical JSON, in hexadecimal. */
  readonly hash: string
  readonly entry: E
}

export type Intent = Stored<OrderIntent>

/** Every kind of order; the compiler refuses a missing or a superfluous one. */
const ORDER_KINDS: Readonly<Record<Order['kind'], true>> = {
  'reader.eject': true,
  'reader.retain': true,
  'pinPad.collect': true,
  'host.verify': true,
  'host.balance': true,
  'pinPad.collectNew': true,
  'host.statement': true,
  'host.changePin': true,
  'host.payee': true,
  'host.transfer': true,
  'host.completeTransfer': true,
  'host.reverseTransfer': true,
  'host.authorize': true,
  'host.complete': true,
  'host.reverse': true,
  'host.suspect': true,
  'dispenser.dispense': true,
  'dispenser.present': true,
  'dispenser.retract': true,
  'dispenser.reject': true,
  'printer.print': true,
  'host.cutOver': true,
  'operator.reset': true,
  'operator.test': true,
}

/** Every type of event, likewise. */
const EVENT_TYPES: Readonly<Record<Event['type'], true>> = {
  'devices.opened': true,
  'recovery.finished': true,
  'device.failed': true,
  'device.restored': true,
  'host.lost': true,
  'host.restored': true,
  'journal.failed': true,
  'disk.filled': true,
  'disk.freed': true,
  'timer.fired': true,
  'cassettes.loaded': true,
  'card.inserted': true,
  'card.unreadable': true,
  'card.taken': true,
  'card.left': true,
  'card.stuck': true,
  'card.retained': true,
  'card.retainFailed': true,
  'pin.entered': true,
  'pin.cancelled': true,
  'pin.timedOut': true,
  'pin.failed': true,
  'service.chosen': true,
  'account.chosen': true,
  'amount.chosen': true,
  'target.chosen': true,
  'transfer.confirmed': true,
  'fee.accepted': true,
  'receipt.chosen': true,
  'receipt.printed': true,
  'receipt.failed': true,
  'visit.continued': true,
  'visit.cancelled': true,
  'time.granted': true,
  'time.declined': true,
  'card.verified': true,
  'pin.wrong': true,
  'card.refused': true,
  'balance.told': true,
  'statement.told': true,
  'payee.named': true,
  'pin.changed': true,
  'host.approved': true,
  'host.declined': true,
  'host.silent': true,
  'host.acknowledged': true,
  'host.refusedAdvice': true,
  'notes.dispensed': true,
  'notes.refused': true,
  'notes.partial': true,
  'notes.overpaid': true,
  'notes.unknown': true,
  'notes.taken': true,
  'notes.left': true,
  'notes.notPresented': true,
  'notes.presentUnknown': true,
  'notes.retracted': true,
  'notes.retractUnknown': true,
  'notes.rejected': true,
  'notes.rejectUnknown': true,
  'supervisor.called': true,
  'supervisor.left': true,
  'service.closed': true,
  'service.opened': true,
  'machine.locked': true,
  'machine.unlocked': true,
  'reset.chosen': true,
  'reset.done': true,
  'reset.failed': true,
  'test.chosen': true,
  'test.done': true,
  'test.failed': true,
  'exchange.opened': true,
  'exchange.advanced': true,
  'exchange.closed': true,
  'totals.closed': true,
  'day.due': true,
  'day.closed': true,
  'day.refused': true,
  'cards.cleared': true,
  'suspense.taken': true,
  'suspense.noted': true,
  'suspense.closed': true,
  'person.acted': true,
  'order.abandoned': true,
  'operation.recovered': true,
  'dispenser.marked': true,
  'journal.anchored': true,
}

/** The intent that the entry answers, or null. */
export function answersOf(entry: Entry): Seq | null {
  return entry.kind === 'event' ? entry.answers : null
}

/** Most characters of a body. The longest of ours, a full set of cassette levels, has about 1,000. */
const BODY_CHARS_MAX = 16_384

/**
 * The text that is stored for an entry: of an order or an event the whole of it; `answers` has a column of its own.
 * @throws AssertionFailed for what the journal must not hold (see canonicalJson), an unknown kind, or an unmasked card
 */
export function bodyOf(entry: Entry): string {
  let content: object
  switch (entry.kind) {
    case 'boot':
      content = {build: entry.build, configHash: entry.configHash}
      break
    case 'intent':
      assert(Object.hasOwn(ORDER_KINDS, entry.order.kind), `${entry.order.kind} is no order`)
      content = entry.order
      break
    case 'event':
      assert(Object.hasOwn(EVENT_TYPES, entry.event.type), `${entry.event.type} is no event`)
      if (entry.event.type === 'card.inserted')
        assert(isMasked(entry.event.card.masked), 'a card goes into the journal unmasked')
      content = entry.event
      break
  }
  const body = canonicalJson(content)
  assert(body.length <= BODY_CHARS_MAX, `a body of ${body.length} characters is too long for the journal`)
  return body
}

/** First six and last four digits at most (PCI DSS 3.3: what a truncated card number may show). */
function isMasked(text: string): boolean {
  return text.replace(/[^0-9]/g, '').length <= 10
}

/**
 * A row as the program sees it.
 * @throws AssertionFailed when the row is not one that this program can have written; the caller, who knows where the row
 * came from, turns that into its own answer
 */
export function entryOf(row: TableRow): Stored {
  return {...placeOf(row), hash: row.hash, entry: contentOf(row)}
}

/**
 * What a row says besides its content.
 * @throws AssertionFailed as entryOf
 */
export function placeOf(row: TableRow): Pick<Stored, 'seq' | 'session' | 'atMs'> {
  return {
    seq: seqOf(row.seq),
    session: row.session === null ? null : sessionIdOf(row.session),
    atMs: epochMs(row.at_ms),
  }
}

/**
 * The content alone, which does not depend on the row's place.
 * @throws AssertionFailed as entryOf
 */
export function contentOf(row: Pick<TableRow, 'kind' | 'answers' | 'body'>): Entry {
  const body: unknown = parsed(row.body)
  assert(isRecord(body) && canonicalJson(body) === row.body, 'the body is not canonical JSON')
  return typed(row, body)
}

function typed(row: Pick<TableRow, 'kind' | 'answers'>, body: Readonly<Record<string, unknown>>): Entry {
  assert(row.answers === null || row.kind === 'event', `an answer in a row of kind '${row.kind}'`)
  switch (row.kind) {
    case 'boot': {
      const {build, configHash} = body
      assert(typeof build === 'string' && typeof configHash === 'string', 'a boot without its build')
      return {kind: 'boot', build, configHash}
    }
    case 'intent':
      assert(isOneOf(body['kind'], ORDER_KINDS), 'an order of no known kind')
      // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- bodyOf wrote this text from an Order, the chain says it is unchanged, and its kind is known
      return {kind: 'intent', order: body as unknown as Order}
    case 'event':
      assert(isOneOf(body['type'], EVENT_TYPES), 'an event of no known type')
      return {
        kind: 'event',
        // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- as above, from an Event
        event: body as unknown as Event,
        answers: row.answers === null ? null : seqOf(row.answers),
      }
    default:
      throw new AssertionFailed(`'${row.kind}' is no kind of row`)
  }
}

function isOneOf(name: unknown, names: Readonly<Record<string, true>>): boolean {
  return typeof name === 'string' && Object.hasOwn(names, name)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw new AssertionFailed('the body is not JSON', {cause: thrown})
  }
}
