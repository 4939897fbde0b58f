/**
 * Samples for whoever looks at the machine from outside (the drawing, the walk of its graph): a few machines,
 * and for each event the values that a guard or the money table could tell apart. Nothing here runs an ATM.
 */
import {minorUnits, noteCount} from '../kit/money.ts'
import {NOBODY, TESTS_MAX} from './attendance.ts'
import type {Context, MachineSetup} from './context.ts'
import {operationKeyOf} from './vocabulary.ts'
import type {Attendance, Day, CassetteLevel, Event, Mix, NoteTally} from './vocabulary.ts'

/** A machine by the letter that the drawing calls it. */
export const SETUPS: Readonly<Record<string, MachineSetup>> = {
  A: setupOf({stacker: true, retainCard: true, retractNotes: true}, 'onIfCounted', 250),
  B: setupOf({stacker: true, retainCard: true, retractNotes: true}, 'on', 0),
  C: setupOf({stacker: true, retainCard: true, retractNotes: false}, 'off', 0),
  D: setupOf({stacker: false, retainCard: false, retractNotes: false, printer: true}, 'off', 0),
}

/** What tells the sample machines apart, for people. */
export const SETUP_WORDS: Readonly<Record<string, string>> = {
  A: 'stacker and shutter, retains cards, draws notes back and gives a counted retract back, a fee',
  B: 'as A, but a person decides about notes drawn back; no fee',
  C: 'as B, but leaves untaken notes where they are',
  D: 'no stacker: what is dispensed is out at once; returns cards without holding them; prints receipts; no fee',
}

type Hands = Pick<MachineSetup['capabilities'], 'stacker' | 'retainCard' | 'retractNotes'> & {
  readonly printer?: true
}

function setupOf(hands: Hands, retract: MachineSetup['policy']['retract'], feeMinor: number): MachineSetup {
  return {
    terminal: 'ATM1',
    currency: 'EUR',
    capabilities: {
      stacker: hands.stacker,
      retainCard: hands.retainCard,
      retractNotes: hands.retractNotes,
      printer: hands.printer ?? false,
      notesPerCassetteMax: 3,
      notesPerBunchMax: 4,
    },
    policy: {
      mix: 'fewestNotes',
      retract,
      feeMinor: minorUnits(feeMinor),
      amountMaxMinor: minorUnits(40_000),
      transferMaxMinor: minorUnits(100_000),
      notesMax: 20,
      pinEntryTimeoutMs: 30_000,
      customerTimeoutMs: 30_000,
      feeTimeoutMs: 60_000,
      moreTimeTimeoutMs: 30_000,
      anotherTimeoutMs: 20_000,
      cardTakeTimeoutMs: 30_000,
      notesTakeTimeoutMs: 30_000,
      endingTimeoutMs: 5_000,
      referenceTimeoutMs: 20_000,
    },
  }
}

const LOADED: readonly CassetteLevel[] = [
  {cassette: 1, noteMinor: minorUnits(2_000), count: noteCount(1_000), state: 'ok'},
  {cassette: 2, noteMinor: minorUnits(1_000), count: noteCount(1_000), state: 'ok'},
]
const EMPTY = LOADED.map(level => ({...level, count: noteCount(0)}))

const RECOVERED = {
  cardInside: false,
  levels: LOADED,
  nextStan: 7,
  dispenserHeld: null,
  attendance: NOBODY,
} as const
/** In the middle of a supervision in which no further test is allowed. */
const TESTED: Attendance = {...NOBODY, supervisor: 'oona', testsCount: TESTS_MAX}

const DAY: Day = {
  businessDate: '2026-11-22',
  totals: {
    withdrawals: {count: noteCount(3), sumMinor: minorUnits(18_000)},
    reversals: {count: noteCount(1), sumMinor: minorUnits(6_000)},
  },
  cash: [{unit: 'cassette-1', kind: 'cassette', noteMinor: minorUnits(2_000), count: noteCount(97)}],
}
const SETTLED_BEFORE = operationKeyOf('ATM1', '2026-11-22', 6)
const ONE_NOTE: Mix = [{cassette: 1, noteMinor: minorUnits(2_000), count: noteCount(1)}]

const CURRENT = {accountId: 'a1', label: 'Current'} as const
const SAVINGS = {accountId: 'a2', label: 'Savings'} as const

/** Pays in one bunch, in two bunches, not at all. */
const ONE_BUNCH = minorUnits(5_000)
const TWO_BUNCHES = minorUnits(11_000)
const NOT_PAYABLE = minorUnits(5_500)

type EventOf<T extends Event['type']> = Extract<Event, {readonly type: T}>
/** Samples of one event by the words that tell them apart. */
type Samples<T extends Event['type']> = Readonly<Record<string, Omit<EventOf<T>, 'type'>>>

/** Every event of the vocabulary: a missing one does not compile. */
const SAMPLES: {readonly [T in Event['type']]: (context: Context) => Samples<T>} = {
  'devices.opened': context => ({
    'all well': {failed: [], businessDate: '2026-11-22'},
    'no host': {failed: [], businessDate: null},
    'no dispenser': {failed: ['dispenser'], businessDate: '2026-11-22'},
    ...ofPrinter(context, {'no printer': {failed: ['printer'], businessDate: '2026-11-22'}}),
  }),
  'recovery.finished': () => ({
    'nothing left': {...RECOVERED},
    'card inside': {...RECOVERED, cardInside: true},
    'no notes': {...RECOVERED, levels: EMPTY},
    'dispenser held': {...RECOVERED, dispenserHeld: 'answer lost'},
    'tested enough': {...RECOVERED, attendance: TESTED},
  }),
  'device.failed': context => ({
    'card reader': {device: 'cardReader', fault: 'jam'},
    'PIN pad': {device: 'pinPad', fault: 'tamper'},
    dispenser: {device: 'dispenser', fault: 'jam'},
    ...ofPrinter(context, {printer: {device: 'printer', fault: 'paper-out'}}),
  }),
  'device.restored': context => ({
    'card reader': {device: 'cardReader', cardInside: false},
    'card reader, card inside': {device: 'cardReader', cardInside: true},
    'PIN pad': {device: 'pinPad', cardInside: false},
    dispenser: {device: 'dispenser', cardInside: false},
    ...ofPrinter(context, {printer: {device: 'printer', cardInside: false}}),
  }),
  'host.lost': () => ({'': {why: 'no answer'}}),
  'host.restored': () => ({'': {businessDate: '2026-11-22'}}),
  'journal.failed': () => ({'': {why: 'disk full'}}),
  'disk.filled': () => ({'': {freeBytes: 1_000_000}}),
  'disk.freed': () => ({'': {freeBytes: 900_000_000}}),
  'timer.fired': () => ({
    customer: {name: 'customer'},
    'more time': {name: 'moreTime'},
    ending: {name: 'ending'},
    retry: {name: 'retry'},
  }),
  'cassettes.loaded': () => ({notes: {levels: LOADED}, 'no notes': {levels: EMPTY}}),
  'card.inserted': () => ({'': {card: {masked: '476173******0119'}, businessDate: '2026-11-22'}}),
  'card.unreadable': () => ({'': {why: 'parity'}}),
  'card.taken': () => ({'': {}}),
  'card.left': () => ({'': {}}),
  'card.stuck': () => ({'': {fault: 'jam'}}),
  'card.retained': () => ({'': {}}),
  'card.retainFailed': () => ({'': {fault: 'jam'}}),
  'pin.entered': () => ({'': {}}),
  'pin.cancelled': () => ({'': {}}),
  'pin.timedOut': () => ({'': {}}),
  'pin.failed': () => ({'': {fault: 'no-answer'}}),
  'service.chosen': () => ({
    withdrawal: {service: 'withdrawal'},
    balance: {service: 'balance'},
    transfer: {service: 'transfer'},
    statement: {service: 'statement'},
    'a new PIN': {service: 'pinChange'},
  }),
  'account.chosen': () => ({
    'of the card': {accountId: CURRENT.accountId},
    'of nobody here': {accountId: 'a7'},
  }),
  'amount.chosen': () => ({
    payable: {amountMinor: ONE_BUNCH},
    'payable in two bunches': {amountMinor: TWO_BUNCHES},
    'not payable': {amountMinor: NOT_PAYABLE},
  }),
  'target.chosen': () => ({
    'of the card': {accountId: SAVINGS.accountId},
    'of somebody else': {accountId: 'a7'},
    'the same': {accountId: CURRENT.accountId},
  }),
  'transfer.confirmed': () => ({'': {}}),
  'fee.accepted': () => ({'': {}}),
  'receipt.chosen': () => ({wanted: {wanted: true}, 'not wanted': {wanted: false}}),
  'receipt.printed': () => ({'': {paper: 'ok'}}),
  'receipt.failed': () => ({'': {outcome: 'refused', fault: 'paper-out'}}),
  'visit.continued': () => ({'': {}}),
  'visit.cancelled': () => ({'': {}}),
  'time.granted': () => ({'': {}}),
  'time.declined': () => ({'': {}}),
  'card.verified': () => ({
    'one account': {accounts: [CURRENT]},
    'two accounts': {accounts: [CURRENT, SAVINGS]},
  }),
  'pin.wrong': () => ({'': {triesLeft: 2}}),
  'card.refused': () => ({give: {code: '51', retain: false}, keep: {code: '41', retain: true}}),
  'balance.told': () => ({'': {}}),
  'statement.told': () => ({'': {}}),
  'payee.named': () => ({'': {}}),
  'pin.changed': () => ({'': {}}),
  'host.approved': context => ({
    'the amount asked': {authCode: 'A1', amountMinor: amountOf(context)},
    'another amount': {authCode: 'A1', amountMinor: minorUnits(amountOf(context) + 1_000)},
  }),
  'host.declined': () => ({
    give: {code: '51', retain: false},
    keep: {code: '41', retain: true},
    'two PINs': {code: '55', retain: false},
    'a weak PIN': {code: '89', retain: false},
  }),
  'host.silent': () => ({'': {why: 'timeout'}}),
  'host.acknowledged': () => ({'': {state: 'completed'}}),
  'host.refusedAdvice': () => ({
    '': {key: SETTLED_BEFORE, row: 12, why: '21 out of order'},
  }),
  'day.due': () => ({'by itself': {person: null, ...DAY}, 'by a person': {person: 'oona', ...DAY}}),
  'day.closed': () => ({
    '': {businessDate: '2026-11-22', next: '2026-11-23', settlement: 'in-balance'},
  }),
  'day.refused': () => ({'': {businessDate: '2026-11-22', why: '94 closed with other sums'}}),
  'notes.dispensed': context => ({'': {tallies: talliesOf(bunchOf(context), 0), fault: null}}),
  'notes.refused': () => ({'': {fault: 'jam'}, 'a cassette is missing': {fault: 'cassette-missing'}}),
  'notes.partial': context => partials(bunchOf(context)),
  'notes.overpaid': context => ({'': {tallies: talliesOf(bunchOf(context), 1), fault: 'count-mismatch'}}),
  'notes.unknown': () => ({
    'path clear': {why: 'no-answer', path: 'clear'},
    'path blocked': {why: 'no-answer', path: 'blocked'},
    'path unknown': {why: 'no-answer', path: 'unknown'},
  }),
  'notes.taken': () => ({'': {}}),
  'notes.left': () => ({'': {}}),
  'notes.notPresented': () => ({'': {fault: 'shutter-blocked'}}),
  'notes.presentUnknown': () => ({'': {why: 'no-answer'}}),
  'notes.retracted': context => ({
    'all counted': {count: noteCount(countOf(bunchOf(context))), itemsTaken: false},
    'fewer counted': {count: noteCount(Math.max(0, countOf(bunchOf(context)) - 1)), itemsTaken: false},
    'not counted': {count: null, itemsTaken: false},
    'some taken': {count: null, itemsTaken: true},
  }),
  'notes.retractUnknown': () => ({'': {why: 'no-answer'}}),
  'notes.rejected': context => ({
    'all counted': {count: noteCount(context.visit?.operation?.stacked ?? 0)},
    'not counted': {count: null},
  }),
  'notes.rejectUnknown': () => ({'': {why: 'no-answer'}}),
  'supervisor.called': () => ({'': {person: 'oona'}}),
  'supervisor.left': () => ({'': {person: 'oona'}}),
  'service.closed': () => ({'': {person: 'oona', because: 'moving house'}}),
  'service.opened': () => ({'': {person: 'oona'}}),
  'machine.locked': () => ({'': {person: 'saga', because: 'the door was forced'}}),
  'machine.unlocked': () => ({'': {person: 'saga', second: 'stig'}}),
  'reset.chosen': () => ({
    dispenser: {person: 'erik', device: 'dispenser'},
    'card reader': {person: 'erik', device: 'cardReader'},
  }),
  'reset.done': () => ({
    dispenser: {device: 'dispenser', tallies: talliesOf(ONE_NOTE, 0)},
    'not counted': {device: 'dispenser', tallies: null},
  }),
  'reset.failed': () => ({'': {device: 'dispenser', fault: 'jam'}}),
  'test.chosen': () => ({
    '': {person: 'oona', cassette: 1},
    'no such cassette': {person: 'oona', cassette: 7},
  }),
  'test.done': () => ({
    '': {
      tally: {cassette: 1, picked: noteCount(1), dispensed: noteCount(0), rejected: noteCount(1)},
    },
  }),
  'test.failed': () => ({'': {cassette: 1, fault: 'no-answer'}}),
  'exchange.opened': () => ({'': {person: 'oona', second: 'olaf'}}),
  'exchange.advanced': () => ({
    '': {step: 'rejects', cassette: null, count: noteCount(3), expected: noteCount(2)},
  }),
  'exchange.closed': () => ({'': {person: 'oona', second: 'olaf'}}),
  'totals.closed': () => ({'': {person: 'oona'}}),
  'cards.cleared': () => ({'': {person: 'oona', count: noteCount(2)}}),
  'suspense.taken': () => ({'': {person: 'ines', key: SETTLED_BEFORE}}),
  'suspense.noted': () => ({'': {person: 'ines', key: SETTLED_BEFORE, note: 'the camera shows two notes'}}),
  'suspense.closed': () => ({'': {person: 'ines', key: SETTLED_BEFORE, because: 'paid back at the branch'}}),
  'person.acted': () => ({'': {person: 'erik', command: 'show status', outcome: 'done'}}),
  'order.abandoned': () => ({'': {because: 'power cut'}}),
  'operation.recovered': () => ({
    '': {key: SETTLED_BEFORE, row: 'dispense-forgotten'},
  }),
  'dispenser.marked': () => ({'': {mark: '52 20 30'}}),
  'journal.anchored': () => ({
    '': {
      row: 7,
      hash: '0'.repeat(64),
      takenAt: '2026-11-22T11:30:00Z',
      machineKey: 'MCow',
      machineSignature: 'ab==',
      bankKey: 'MCow',
      bankSignature: 'cd==',
    },
  }),
}

export const EVENT_TYPES: readonly Event['type'][] = Object.keys(SAMPLES).filter(isEventType)

function isEventType(name: string): name is Event['type'] {
  return Object.hasOwn(SAMPLES, name)
}

/** An event with the words that tell it from others of its type; empty where there is but one. */
export interface Sample {
  readonly words: string
  readonly event: Event
}

/** The samples of one event, with values that fit the context: its amount, its bunch. */
export function samplesOf(type: Event['type'], context: Context): readonly Sample[] {
  return Object.entries(SAMPLES[type](context)).map(([words, rest]) => {
    // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- SAMPLES types each row by its own key; the compiler forgets it over a union of keys
    return {words, event: {type, ...rest} as Event}
  })
}

/** What only a machine with a printer can come across. */
function ofPrinter<T>(context: Context, samples: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return context.setup.capabilities.printer ? samples : {}
}

function amountOf(context: Context): ReturnType<typeof minorUnits> {
  return context.visit?.operation?.amountMinor ?? context.visit?.transfer?.amountMinor ?? ONE_BUNCH
}

function bunchOf(context: Context): Mix {
  const operation = context.visit?.operation
  return operation?.bunches[operation.bunch] ?? []
}

function countOf(mix: Mix): number {
  return mix.reduce((sum, part) => sum + part.count, 0)
}

/** Everything asked for, and `surplus` notes more from each cassette. */
function talliesOf(bunch: Mix, surplus: number): readonly NoteTally[] {
  return bunch.map(part => ({
    cassette: part.cassette,
    picked: noteCount(part.count + surplus),
    dispensed: noteCount(part.count + surplus),
    rejected: noteCount(0),
  }))
}

function partials(bunch: Mix): Samples<'notes.partial'> {
  const none = tallyFirst(bunch, {picked: 1, dispensed: 0, rejected: 1})
  const some = tallyFirst(bunch, {picked: 2, dispensed: 1, rejected: 1})
  const inPath = tallyFirst(bunch, {picked: 2, dispensed: 1, rejected: 0})
  const stuck = tallyFirst(bunch, {picked: 1, dispensed: 0, rejected: 0})
  const base = {fault: 'jam', inPath: noteCount(0), path: 'inside', counts: 'trusted'} as const
  return {
    'none out': {...base, tallies: none},
    'some out': {...base, tallies: some},
    'none out, one in the path': {...base, tallies: stuck, inPath: noteCount(1)},
    'some out, one in the path': {...base, tallies: inPath, inPath: noteCount(1)},
    'one at the mouth': {...base, tallies: inPath, inPath: noteCount(1), path: 'atMouth'},
    'counts in doubt': {...base, tallies: some, counts: 'inDoubt'},
  }
}

/** The first cassette of the bunch moved so many notes, the others none. */
function tallyFirst(
  bunch: Mix,
  first: Readonly<Record<'picked' | 'dispensed' | 'rejected', number>>,
): readonly NoteTally[] {
  return bunch.map((part, at) => ({
    cassette: part.cassette,
    picked: noteCount(at === 0 ? first.picked : 0),
    dispensed: noteCount(at === 0 ? first.dispensed : 0),
    rejected: noteCount(at === 0 ? first.rejected : 0),
  }))
}
