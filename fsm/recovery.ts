/**
 * The recovery table: what becomes of an order that a life of the machine left open, from what the journal has of its
 * operation, what the dispenser remembers at rest, and what its sensors say. Exactly one row matches each case that can
 * be; one that cannot be is a mistake of ours and stops the program (test/session/recover.test.ts enumerates them all,
 * docs/recovery.md is drawn from here). Unknown never becomes a reversal.
 */
import {assert} from '../kit/assert.ts'
import {ADVICE_KINDS} from './vocabulary.ts'
import type {Order} from './vocabulary.ts'

/** What is found at start about one order that nothing answered. */
export interface Found {
  readonly open: Order['kind']
  /**
   * What the bank said of the operation under way. `nothingUnderWay`: it was never asked, it declined, or an advice is in
   * ink and says what became of the operation. `noAnswer`: asked, and whatever it answered reached nobody.
   */
  readonly bank: 'nothingUnderWay' | 'noAnswer' | 'approved'
  /** What the dispenser remembers of the last dispense order, at rest. Matters where the dispenser was given an order. */
  readonly recall: 'moved' | 'movedNothing' | 'notRemembered'
  /** Its sensors, as its port tells them; `unknown` as well when it does not answer. */
  readonly path: 'clear' | 'blocked' | 'unknown'
  readonly media: 'none' | 'atMouth' | 'unknown'
  readonly stacker: 'empty' | 'notEmpty' | 'unknown' | 'notSupported'
  readonly shutter: 'closed' | 'open' | 'unknown' | 'notSupported'
}

/** Every kind of order: one that is missing does not compile. */
const ORDERS: Readonly<Record<Order['kind'], true>> = {
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
  'dispenser.dispense': true,
  'dispenser.present': true,
  'dispenser.retract': true,
  'dispenser.reject': true,
  'printer.print': true,
  'host.complete': true,
  'host.reverse': true,
  'host.suspect': true,
  'host.cutOver': true,
  'operator.reset': true,
  'operator.test': true,
}

function isOrderKind(name: string): name is Order['kind'] {
  return Object.hasOwn(ORDERS, name)
}

/** Every value of every column: the space that the table covers. */
export const FOUND_VALUES: {readonly [C in keyof Found]: readonly Found[C][]} = {
  open: Object.keys(ORDERS).filter(isOrderKind),
  bank: ['nothingUnderWay', 'noAnswer', 'approved'],
  recall: ['moved', 'movedNothing', 'notRemembered'],
  path: ['clear', 'blocked', 'unknown'],
  media: ['none', 'atMouth', 'unknown'],
  stacker: ['empty', 'notEmpty', 'unknown', 'notSupported'],
  shutter: ['closed', 'open', 'unknown', 'notSupported'],
}

/** What to do about it, with what the page says of it. */
export const REMEDIES = {
  forget: 'nothing is owed: the order is abandoned',
  tellAgain: 'the outbox tells the bank, under the same key, until it acknowledges',
  reverseUnanswered: 'no note was ordered: reverse, reason `no-answer`',
  reverseTransfer: 'no transfer was confirmed to anybody: reverse, reason `no-answer`',
  reverseNotOrdered: 'no note was ordered: reverse, reason `unable-to-complete`',
  reverseNotMoved: 'proved that no note moved: reverse, or complete what earlier bunches paid',
  asRecalled: 'as if the answer had come; what is stacked goes to the reject bin and is counted',
  answerLost: 'none to all of the bunch may be out: suspect',
  takenAsPresented: 'the customer has the bunch: complete',
  leftBehind: 'the bunch lies open: draw it back where that is allowed, then by the count',
  stillStacked: 'the shutter never opened: to the reject bin, then by the count',
  presentUnknown: 'nobody knows who has the bunch: suspect',
  retractUnknown: 'nobody knows what was drawn back: suspect',
  rejectUnknown: 'nobody knows what reached the reject bin: suspect',
} as const
export type Remedy = keyof typeof REMEDIES

export interface RecoveryRow {
  readonly name: string
  readonly when: (found: Found) => boolean
  readonly remedy: Remedy
}

type Open = Found['open']
/** Questions after whose answer the bank holds money. */
const HOLDS: readonly Open[] = ['host.authorize', 'host.transfer']
const MOVES: readonly Open[] = [
  'dispenser.dispense',
  'dispenser.present',
  'dispenser.retract',
  'dispenser.reject',
]

/** The table. Order carries no meaning: the rows exclude each other. */
export const RECOVERY_ROWS: readonly RecoveryRow[] = [
  {
    // Cards, PINs, questions, slips and an operator's tests owe nobody anything once the people are gone. A date that the bank
    // closed without our hearing of it is told by the next sign-on; one that it did not is closed when it is due again.
    name: 'nothing-owed',
    when: f =>
      f.bank === 'nothingUnderWay' &&
      !ADVICE_KINDS.includes(f.open) &&
      !MOVES.includes(f.open) &&
      !HOLDS.includes(f.open),
    remedy: 'forget',
  },
  {
    name: 'bank-not-told',
    when: f => f.bank === 'nothingUnderWay' && ADVICE_KINDS.includes(f.open),
    remedy: 'tellAgain',
  },
  {
    // An answer that is still on its way finds nobody: it is never waited for, and the bank is told so.
    name: 'asked-without-answer',
    when: f => f.open === 'host.authorize' && f.bank === 'noAnswer',
    remedy: 'reverseUnanswered',
  },
  {
    // Approved and completed are one append; so a question that is open was answered to nobody.
    name: 'transfer-without-answer',
    when: f => f.open === 'host.transfer' && f.bank === 'noAnswer',
    remedy: 'reverseTransfer',
  },
  {
    name: 'approved-not-ordered',
    when: f => f.open === 'reader.eject' && f.bank === 'approved',
    remedy: 'reverseNotOrdered',
  },
  {
    name: 'dispense-proved-not-moved',
    when: f => isOpen(f, 'dispenser.dispense') && f.recall === 'movedNothing' && !hasNotesInside(f),
    remedy: 'reverseNotMoved',
  },
  {
    // It proves that nothing moved while its own sensors see notes: no proof.
    name: 'dispense-contradicted',
    when: f => isOpen(f, 'dispenser.dispense') && f.recall === 'movedNothing' && hasNotesInside(f),
    remedy: 'answerLost',
  },
  {
    name: 'dispense-recalled',
    when: f => isOpen(f, 'dispenser.dispense') && f.recall === 'moved',
    remedy: 'asRecalled',
  },
  {
    name: 'dispense-forgotten',
    when: f => isOpen(f, 'dispenser.dispense') && f.recall === 'notRemembered',
    remedy: 'answerLost',
  },
  {
    // It kept its power, so its sensors speak of this bunch: what it counted into the stacker is nowhere inside any more.
    name: 'presented-and-gone',
    when: isGone,
    remedy: 'takenAsPresented',
  },
  {
    name: 'presented-and-there',
    when: isThere,
    remedy: 'leftBehind',
  },
  {
    // The count of what reaches the reject bin proves whether the shutter ever was open.
    name: 'stacked-behind-the-shutter',
    when: isBehindShutter,
    remedy: 'stillStacked',
  },
  {
    name: 'presented-and-unsure',
    when: f => isOpen(f, 'dispenser.present') && !isGone(f) && !isThere(f) && !isBehindShutter(f),
    remedy: 'presentUnknown',
  },
  {name: 'retract-open', when: f => isOpen(f, 'dispenser.retract'), remedy: 'retractUnknown'},
  {name: 'reject-open', when: f => isOpen(f, 'dispenser.reject'), remedy: 'rejectUnknown'},
]

/** What no journal of ours can say, and why. */
export const IMPOSSIBLE: readonly {readonly why: string; readonly when: (found: Found) => boolean}[] = [
  {
    why: 'notes were ordered without an approval',
    when: f => MOVES.includes(f.open) && f.bank !== 'approved',
  },
  {
    why: 'an authorization is open and answered, or belongs to no operation',
    when: f => HOLDS.includes(f.open) && f.bank !== 'noAnswer',
  },
  {
    why: 'an advice is in ink and its operation is under way all the same',
    when: f => ADVICE_KINDS.includes(f.open) && f.bank !== 'nothingUnderWay',
  },
  {
    why: 'another order was given while the authorization had no answer',
    when: f => isAside(f) && f.bank === 'noAnswer',
  },
  {
    why: 'after an approval only the card goes back before notes are ordered',
    when: f => isAside(f) && f.bank === 'approved' && f.open !== 'reader.eject',
  },
]

/** The row for a case. @throws AssertionFailed for a case that cannot be, and unless exactly one row matches */
export function recoveryRow(found: Found): RecoveryRow {
  const impossible = IMPOSSIBLE.find(({when}) => when(found))
  assert(impossible === undefined, `${impossible?.why ?? ''}: ${JSON.stringify(found)}`)
  const rows = RECOVERY_ROWS.filter(row => row.when(found))
  const row = rows[0]
  assert(
    row !== undefined && rows.length === 1,
    `${rows.length} rows of the recovery table match ${JSON.stringify(found)}`,
  )
  return row
}

function isOpen({open, bank}: Found, order: Open): boolean {
  return open === order && bank === 'approved'
}

function isAside({open}: Found): boolean {
  return !MOVES.includes(open) && !ADVICE_KINDS.includes(open) && !HOLDS.includes(open)
}

function hasNotesInside({path, stacker}: Found): boolean {
  return path === 'blocked' || stacker === 'notEmpty'
}

function isGone(found: Found): boolean {
  const {path, media, stacker} = found
  return isPresentRecalled(found) && path === 'clear' && media === 'none' && stacker === 'empty'
}

function isThere(found: Found): boolean {
  const {media, stacker, shutter} = found
  return isPresentRecalled(found) && media === 'atMouth' && stacker === 'empty' && shutter !== 'closed'
}

function isBehindShutter(found: Found): boolean {
  const {media, stacker, shutter} = found
  return isPresentRecalled(found) && media === 'none' && stacker === 'notEmpty' && shutter === 'closed'
}

/** The device kept its memory of the bunch that was to be presented. */
function isPresentRecalled(found: Found): boolean {
  return isOpen(found, 'dispenser.present') && found.recall === 'moved'
}
