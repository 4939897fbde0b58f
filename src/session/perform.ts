/**
 * From an order to its one event: calls the port, folds the outcome into the machine's words. Never rejects
 * and never orders twice; "nobody knows" is an event like any other. A port that throws made a mistake of
 * ours, and that ends the program.
 */
import type {CardReader} from '../../devices/card-reader/port.ts'
import type {
  DispenseOutcome,
  Dispenser,
  DispenserStatus,
  PastOrder,
  Pick,
  Recall,
} from '../../devices/dispenser/port.ts'
import type {PinPad} from '../../devices/pin-pad/port.ts'
import type {PrintOutcome, Printer} from '../../devices/printer/port.ts'
import type {Advice, Device, Event, Mix, Order, Slip} from '../../fsm/vocabulary.ts'
import type {Seq} from '../../journal/entry.ts'
import {unreachable} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import type {Minor} from '../../kit/money.ts'
import type {Secret} from '../../kit/secret.ts'
import type {Declined, HostLink, Silent, StatementLine} from '../link/port.ts'
import type {Pocket} from './pocket.ts'
import {panOf} from './pocket.ts'

export interface Ports {
  readonly reader: CardReader
  readonly pinPad: PinPad
  readonly dispenser: Dispenser
  /** Null where the machine has none. */
  readonly printer: Printer | null
  /** Puts the slip together as things stand now, in the customer's language, and prints it. */
  readonly print: (slip: Slip) => Promise<PrintOutcome>
  readonly link: HostLink
  readonly clock: Clock
  readonly pocket: Pocket
  /** Journals where the dispenser's memory stands, before the open dispense order is given. @throws SystemFault when the ink does not hold */
  readonly keepMark: (mark: string) => void
  /** What the bank was to be told of the operation before, acknowledged or not; null before the first. */
  readonly lastAdvice: () => Advice | null
  /** What the customer's eyes need and no record keeps. */
  readonly glance: {
    pinDigits(digits: number): void
    balance(balanceMinor: Minor): void
    statement(lines: readonly StatementLine[]): void
    payee(name: string): void
  }
}

/** ISO 9564-1: PINs of 4 to 12 digits. */
const PIN_LENGTH_MIN = 4
const PIN_LENGTH_MAX = 12

/** How long a dispenser that is still moving is waited for before it counts as not remembering. Longer than its longest motion. */
const REST_WAIT_MAX_MS = 180_000
const REST_POLL_MS = 500

/** A wire that was pulled may be back soon: so many questions without an answer, so far apart, before the memory counts as lost. */
const RECALL_TRIES_MAX = 4
const RECALL_RETRY_MS = 2_000

/** Carries out one order. */
export async function performOrder(ports: Ports, order: Order, intent: Seq): Promise<Event> {
  switch (order.kind) {
    case 'reader.eject':
      return ejected(ports.reader, order.takeWithinMs)
    case 'reader.retain': {
      const outcome = await ports.reader.retain()
      return outcome.kind === 'retained'
        ? {type: 'card.retained'}
        : {type: 'card.retainFailed', fault: outcome.detail}
    }
    case 'pinPad.collect':
      return collected(ports, order.entryTimeoutMs)
    case 'host.verify':
      return verified(ports, order)
    case 'pinPad.collectNew':
      return collectedNew(ports, order)
    case 'host.changePin':
      return pinChanged(ports, order)
    case 'host.statement': {
      const answer = await ports.link.statement({accountId: order.account.accountId})
      if (answer.kind !== 'statement') return bankEvent(answer)
      ports.glance.statement(answer.lines)
      return {type: 'statement.told'}
    }
    case 'host.payee': {
      const answer = await ports.link.payee({
        accountId: order.account.accountId,
        toAccountId: order.toAccountId,
      })
      if (answer.kind !== 'payee') return bankEvent(answer)
      ports.glance.payee(answer.name)
      return {type: 'payee.named'}
    }
    case 'host.transfer': {
      const {key, account, toAccountId, amountMinor, currency} = order
      const answer = await ports.link.transfer({
        key,
        accountId: account.accountId,
        toAccountId,
        amountMinor,
        currency,
        last: ports.lastAdvice(),
      })
      if (answer.kind !== 'approved') return bankEvent(answer)
      return {type: 'host.approved', authCode: answer.authCode, amountMinor: answer.amountMinor}
    }
    case 'host.balance': {
      const answer = await ports.link.balance({accountId: order.account.accountId})
      if (answer.kind !== 'balance') return bankEvent(answer)
      ports.glance.balance(answer.balanceMinor)
      return {type: 'balance.told'}
    }
    case 'host.authorize': {
      const {key, amountMinor, feeMinor, currency} = order
      const answer = await ports.link.authorize({
        key,
        accountId: order.account.accountId,
        amountMinor,
        feeMinor,
        currency,
        last: ports.lastAdvice(),
      })
      if (answer.kind !== 'approved') return bankEvent(answer)
      return {type: 'host.approved', authCode: answer.authCode, amountMinor: answer.amountMinor}
    }
    case 'dispenser.dispense':
      return dispensed(ports, order.mix, intent)
    case 'dispenser.present': {
      const outcome = await ports.dispenser.present(order.takeWithinMs)
      // Notes within the customer's reach are the customer's, on a device that cannot tell whether they were taken.
      if (outcome.kind === 'taken' || outcome.kind === 'presented') return {type: 'notes.taken'}
      if (outcome.kind === 'left') return {type: 'notes.left'}
      if (outcome.kind === 'notPresented') return {type: 'notes.notPresented', fault: outcome.detail}
      return {type: 'notes.presentUnknown', why: outcome.detail}
    }
    case 'dispenser.retract': {
      const outcome = await ports.dispenser.retract()
      return outcome.kind === 'retracted'
        ? {type: 'notes.retracted', count: outcome.count, itemsTaken: outcome.itemsTaken}
        : {type: 'notes.retractUnknown', why: outcome.detail}
    }
    case 'dispenser.reject': {
      const outcome = await ports.dispenser.reject()
      return outcome.kind === 'rejected'
        ? {type: 'notes.rejected', count: outcome.count}
        : {type: 'notes.rejectUnknown', why: outcome.detail}
    }
    case 'printer.print':
      return paperEvent(await ports.print(order.slip))
    case 'operator.reset':
      return resetDevice(ports, order.device)
    case 'operator.test': {
      const outcome = await ports.dispenser.test(order.cassette)
      return outcome.kind === 'tested'
        ? {type: 'test.done', tally: outcome.tally}
        : {type: 'test.failed', cassette: order.cassette, fault: outcome.detail}
    }
    case 'host.cutOver': {
      const {businessDate} = order
      const answer = await ports.link.cutOver(order, intent)
      if (answer.kind === 'silent') return {type: 'host.silent', why: answer.why}
      if (answer.kind === 'refused') return {type: 'day.refused', businessDate, why: answer.why}
      return {type: 'day.closed', businessDate, next: answer.next, settlement: answer.settlement}
    }
    case 'host.completeTransfer':
    case 'host.reverseTransfer':
    case 'host.complete':
    case 'host.reverse':
    case 'host.suspect': {
      const answer = await ports.link.advise(order)
      return answer.kind === 'acknowledged'
        ? {type: 'host.acknowledged', state: answer.state}
        : {type: 'host.silent', why: answer.why}
    }
    default:
      return unreachable(order)
  }
}

/** The machine's word for what became of a slip. */
function paperEvent(outcome: PrintOutcome): Event {
  if (outcome.kind === 'printed') return {type: 'receipt.printed', paper: outcome.paper}
  return {type: 'receipt.failed', outcome: outcome.kind, fault: outcome.detail}
}

async function resetDevice({reader, pinPad, dispenser, printer}: Ports, device: Device): Promise<Event> {
  switch (device) {
    case 'cardReader': {
      const outcome = await reader.reset('stay')
      return outcome.kind === 'reset'
        ? {type: 'reset.done', device, tallies: null}
        : {type: 'reset.failed', device, fault: outcome.detail}
    }
    case 'pinPad': {
      const outcome = await pinPad.open()
      return outcome.kind === 'open'
        ? {type: 'reset.done', device, tallies: null}
        : {type: 'reset.failed', device, fault: outcome.detail}
    }
    case 'dispenser': {
      const outcome = await dispenser.reset()
      return outcome.kind === 'reset'
        ? {type: 'reset.done', device, tallies: outcome.tallies}
        : {type: 'reset.failed', device, fault: outcome.detail}
    }
    case 'printer': {
      if (printer === null) return {type: 'reset.failed', device, fault: 'this machine has no printer'}
      const outcome = await printer.recover()
      return outcome.kind === 'status' && outcome.fault === null
        ? {type: 'reset.done', device, tallies: null}
        : {type: 'reset.failed', device, fault: outcome.detail}
    }
  }
}

async function ejected(reader: CardReader, takeWithinMs: number): Promise<Event> {
  const outcome = await reader.eject(takeWithinMs)
  switch (outcome.kind) {
    case 'taken':
      return {type: 'card.taken'}
    case 'left':
      return {type: 'card.left'}
    case 'failed':
      return {type: 'card.stuck', fault: outcome.detail}
  }
}

async function collected(ports: Ports, entryTimeoutMs: number): Promise<Event> {
  return entered(ports, entryTimeoutMs, block => {
    ports.pocket.keepPin(block)
  })
}

async function collectedNew(
  ports: Ports,
  {isRepeated, entryTimeoutMs}: Extract<Order, {kind: 'pinPad.collectNew'}>,
): Promise<Event> {
  return entered(ports, entryTimeoutMs, block => {
    ports.pocket.keepNewPin(block, isRepeated)
  })
}

async function entered(
  {pinPad, pocket, glance}: Ports,
  entryTimeoutMs: number,
  keep: (block: Secret<Uint8Array>) => void,
): Promise<Event> {
  if (pocket.track2 === null) return {type: 'pin.failed', fault: 'no card data'}
  const outcome = await pinPad.enterPin({
    pan: panOf(pocket.track2),
    lengthMin: PIN_LENGTH_MIN,
    lengthMax: PIN_LENGTH_MAX,
    entryTimeoutMs,
    onDigits: digits => {
      glance.pinDigits(digits)
    },
  })
  glance.pinDigits(0)
  switch (outcome.kind) {
    case 'entered':
      keep(outcome.block)
      return {type: 'pin.entered'}
    case 'cancelled':
      return {type: 'pin.cancelled'}
    case 'timedOut':
      return {type: 'pin.timedOut'}
    case 'failed':
      return {type: 'pin.failed', fault: outcome.detail}
  }
}

async function verified({link, pocket}: Ports, order: Extract<Order, {kind: 'host.verify'}>): Promise<Event> {
  const pinBlock = pocket.takePin()
  if (pocket.track2 === null || pinBlock === null)
    return {type: 'host.silent', why: 'no card data or PIN to send'}
  const answer = await link.verify({key: order.key, track2: pocket.track2, pinBlock})
  switch (answer.kind) {
    case 'verified':
      return {type: 'card.verified', accounts: answer.accounts}
    case 'pinWrong':
      return {type: 'pin.wrong', triesLeft: answer.triesLeft}
    case 'declined':
      return {type: 'card.refused', code: answer.code, retain: answer.retain}
    case 'silent':
      return {type: 'host.silent', why: answer.why}
  }
}

async function pinChanged(
  {link, pocket}: Ports,
  order: Extract<Order, {kind: 'host.changePin'}>,
): Promise<Event> {
  const {track2, newPins} = pocket
  if (track2 === null || newPins === null) return {type: 'host.silent', why: 'no card data or PIN to send'}
  const answer = await link.changePin({key: order.key, track2, ...newPins})
  return answer.kind === 'changed' ? {type: 'pin.changed'} : bankEvent(answer)
}

function bankEvent(answer: Declined | Silent): Event {
  return answer.kind === 'declined'
    ? {type: 'host.declined', code: answer.code, retain: answer.retain}
    : {type: 'host.silent', why: answer.why}
}

async function dispensed({dispenser, clock, keepMark}: Ports, mix: Mix, intent: Seq): Promise<Event> {
  const picks = picksOf(mix)
  const marked = await dispenser.mark()
  if (marked.kind === 'failed') return {type: 'notes.refused', fault: marked.fault}
  const {mark} = marked
  try {
    if (mark !== null) keepMark(mark)
  } catch (thrown) {
    if (!(thrown instanceof SystemFault)) throw thrown
    return {type: 'notes.refused', fault: thrown.message}
  }
  const outcome = await dispenser.dispense(picks, intent)
  if (outcome.kind !== 'unknown') return dispenseEvent(outcome, 'unknown')
  const recalled = await recallAtRest(dispenser, clock, {serial: intent, picks, mark})
  return recalled.kind === 'moved' || recalled.kind === 'movedNothing'
    ? recallEvent(recalled)
    : dispenseEvent(outcome, await pathOf(dispenser))
}

/** The picks of a mix, by cassette. */
export function picksOf(mix: Mix): readonly Pick[] {
  return mix.map(({cassette, count}) => ({cassette, count}))
}

/** The machine's word for what a dispense order came to. @param path what the sensors said afterwards; only for unknown */
export function dispenseEvent(outcome: DispenseOutcome, path: DispenserStatus['path']): Event {
  switch (outcome.kind) {
    case 'dispensed':
      return {
        type: 'notes.dispensed',
        tallies: outcome.tallies,
        fault: outcome.fault === null ? null : outcome.detail,
      }
    case 'refused':
      return {type: 'notes.refused', fault: outcome.fault}
    case 'partial': {
      const {tallies, inPath, path: where, counts, detail} = outcome
      return {type: 'notes.partial', tallies, inPath, path: where, counts, fault: detail}
    }
    case 'overpaid':
      return {type: 'notes.overpaid', tallies: outcome.tallies, fault: outcome.detail}
    case 'unknown':
      return {type: 'notes.unknown', why: outcome.detail, path}
  }
}

/** The machine's word for what the device remembers: the same as if its answer had come. */
export function recallEvent(recall: Extract<Recall, {kind: 'moved' | 'movedNothing'}>): Event {
  return recall.kind === 'moved'
    ? dispenseEvent(recall.outcome, 'unknown')
    : {type: 'notes.refused', fault: 'the dispenser proves that nothing moved'}
}

/**
 * Asks the dispenser what it did under that order, and only believes it at rest: a device that kept its power may
 * still be moving the notes of an order whose answer was lost. Lasting silence counts as not remembering.
 */
export async function recallAtRest(
  dispenser: Dispenser,
  clock: Clock,
  order: PastOrder,
): Promise<Exclude<Recall, {kind: 'busy'}>> {
  if (!dispenser.capabilities.recall) return {kind: 'notRemembered'}
  const endMs = clock.monotonicMs() + REST_WAIT_MAX_MS
  for (let tries = 0; clock.monotonicMs() < endMs;) {
    const recall = await dispenser.recall(order)
    if (recall.kind !== 'failed' && recall.kind !== 'busy') return recall
    if (recall.kind === 'failed') {
      tries += 1
      if (tries >= RECALL_TRIES_MAX) break
      await clock.sleep(RECALL_RETRY_MS)
      await dispenser.open()
    } else {
      await clock.sleep(REST_POLL_MS)
    }
  }
  return {kind: 'notRemembered'}
}

async function pathOf(dispenser: Dispenser): Promise<DispenserStatus['path']> {
  const status = await dispenser.status()
  return status.kind === 'failed' ? 'unknown' : wayOut(status)
}

/** What the sensors say of the way out; notes still in a stacker count as a path that is not clear. */
export function wayOut({
  path,
  stacker,
}: {
  readonly path: DispenserStatus['path']
  readonly stacker: DispenserStatus['stacker']
}): DispenserStatus['path'] {
  if (stacker === 'notEmpty') return 'blocked'
  return stacker === 'unknown' && path === 'clear' ? 'blocked' : path
}
