/** Machines, visits and endings to look at: one of everything that the vocabulary can say. */
import type {
  CardFate,
  Context,
  Ending,
  MachineSetup,
  Notice,
  Operation,
  ReceiptFate,
} from '../../fsm/context.ts'
import {contextAtStart, newVisit} from '../../fsm/context.ts'
import {operationKeyOf} from '../../fsm/vocabulary.ts'
import type {ReversalReason} from '../../fsm/vocabulary.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import type {Currency} from '../../kit/money.ts'
import type {Desk} from '../../src/screen/view-model.ts'
import {EMPTY_DESK} from '../../src/screen/desk.ts'

export const KEY = operationKeyOf('ATM00001', '2026-11-22', 418)

export const REASONS: readonly ReversalReason[] = [
  'customer-cancelled',
  'malfunction',
  'unable-to-complete',
  'malfunction-card-retained',
  'malfunction-no-cash',
  'not-taken',
  'card-not-taken',
  'no-answer',
]

export const FATES: readonly CardFate[] = [
  'inside',
  'returned',
  'leftInMouth',
  'stuck',
  'pin-tries',
  'bank-says-so',
  'not-taken',
  'found-at-start',
]

export const ENDINGS: readonly (Ending | null)[] = [
  null,
  {kind: 'goodbye'},
  {kind: 'timedOut'},
  {kind: 'paid', paidMinor: minorUnits(6_000), reference: KEY},
  {kind: 'partlyPaid', paidMinor: minorUnits(2_000), askedMinor: minorUnits(6_000), reference: KEY},
  ...REASONS.map(because => ({kind: 'notPaid', because, reference: KEY}) as const),
  {kind: 'beingChecked', reference: KEY},
  ...['05', '14', '38', '51', '54', '57', '58', '61', '65', '75', '91', '96', 'ZZ'].map(
    code => ({kind: 'declined', code}) as const,
  ),
  {kind: 'bankUnreachable'},
  {kind: 'cardUnreadable'},
  {kind: 'pinPadFailed'},
  {kind: 'outOfService'},
]

export const NOTICES: readonly (Notice | null)[] = [
  null,
  {kind: 'pinWrong', triesLeft: 2},
  {kind: 'pinWrong', triesLeft: 1},
  {kind: 'cannotPay', belowMinor: minorUnits(12_000), aboveMinor: minorUnits(13_000)},
  {kind: 'cannotPay', belowMinor: null, aboveMinor: minorUnits(1_000)},
  {kind: 'cannotPay', belowMinor: minorUnits(50_000), aboveMinor: null},
  {kind: 'cannotPay', belowMinor: null, aboveMinor: null},
  {kind: 'balanceUnavailable'},
  {kind: 'balancePrinted'},
  {kind: 'balanceNotPrinted'},
]

const LEVELS = [
  {cassette: 1, noteMinor: minorUnits(1_000), count: noteCount(40), state: 'ok'},
  {cassette: 2, noteMinor: minorUnits(2_000), count: noteCount(40), state: 'ok'},
  {cassette: 3, noteMinor: minorUnits(5_000), count: noteCount(2), state: 'suspect'},
] as const

export function setupOf(stacker: boolean, currency: Currency = 'EUR'): MachineSetup {
  return {
    terminal: 'ATM00001',
    currency,
    capabilities: {
      retainCard: true,
      stacker,
      retractNotes: stacker,
      printer: false,
      notesPerCassetteMax: 20,
      notesPerBunchMax: 20,
    },
    policy: {
      mix: 'fewestNotes',
      retract: 'onIfCounted',
      feeMinor: minorUnits(250),
      amountMaxMinor: minorUnits(50_000),
      transferMaxMinor: minorUnits(100_000),
      notesMax: 40,
      pinEntryTimeoutMs: 30_000,
      customerTimeoutMs: 30_000,
      feeTimeoutMs: 60_000,
      moreTimeTimeoutMs: 30_000,
      anotherTimeoutMs: 20_000,
      cardTakeTimeoutMs: 30_000,
      notesTakeTimeoutMs: 30_000,
      endingTimeoutMs: 8_000,
      referenceTimeoutMs: 20_000,
    },
  }
}

export function operation(bunchCount: number): Operation {
  const bunch = [{cassette: 2, noteMinor: minorUnits(2_000), count: noteCount(3)}] as const
  return {
    key: KEY,
    account: {accountId: '10-4471', label: 'Current account'},
    amountMinor: minorUnits(6_000 * bunchCount),
    feeMinor: minorUnits(250),
    approved: [{cassette: 2, noteMinor: minorUnits(2_000), count: noteCount(3 * bunchCount)}],
    bunches: Array.from({length: bunchCount}, () => bunch),
    bunch: 0,
    paid: [],
    stacked: noteCount(0),
    authCode: 'A1B2C3',
    decision: null,
  }
}

export interface Sample {
  readonly name: string
  readonly context: Context
  readonly desk: Desk
}

/** A machine in service without a visit. */
export function atRest(stacker = false): Context {
  return {
    ...contextAtStart(setupOf(stacker)),
    devices: {cardReader: 'ok', pinPad: 'ok', dispenser: 'ok', printer: 'absent'},
    host: 'up',
    levels: LEVELS,
    nextStan: 418,
  }
}

export function during(
  change: {
    readonly notice?: Notice | null
    readonly ending?: Ending | null
    readonly fate?: CardFate
    readonly bunchCount?: number
    readonly receipt?: ReceiptFate
    readonly isAskedForTime?: boolean
  },
  stacker = false,
): Context {
  return {
    ...atRest(stacker),
    visit: {
      ...newVisit({masked: '476173******0119'}, '2026-11-22', change.ending ?? null),
      accounts: ACCOUNTS,
      account: ACCOUNTS[0],
      isAskedForTime: change.isAskedForTime ?? false,
      notice: change.notice ?? null,
      receipt: change.receipt ?? 'notAsked',
      cardFate: change.fate ?? 'inside',
      operation: change.bunchCount === undefined ? null : operation(change.bunchCount),
    },
  }
}

const ACCOUNTS = [
  {accountId: '10-4471', label: 'Current account'},
  {accountId: '10-4472', label: 'Current account 2'},
] as const

export const DESKS: readonly Desk[] = [
  EMPTY_DESK,
  {...EMPTY_DESK, pinDigits: 4, amountDigits: '120', balanceMinor: minorUnits(125_050)},
  {...EMPTY_DESK, pinDigits: 12, amountDigits: '125', balanceMinor: minorUnits(-1_005)},
]

export const RECEIPTS: readonly ReceiptFate[] = ['notAsked', 'unwanted', 'wanted', 'printed', 'failed']
const PAID: Ending = {kind: 'paid', paidMinor: minorUnits(6_000), reference: KEY}

/** The same with a printer that works, and the money of its operation decided: paid in full. */
export function withPaper(context: Context): Context {
  const {visit, setup} = context
  const operation = visit?.operation ?? null
  const decision = operation && {
    row: 'paid-in-full',
    verdict: {kind: 'complete', paid: operation.approved} as const,
    surplus: [],
    held: null,
  }
  return {
    ...context,
    setup: {...setup, capabilities: {...setup.capabilities, printer: true}},
    devices: {...context.devices, printer: 'ok'},
    visit: visit && {...visit, operation: operation && {...operation, decision}},
  }
}

/** Contexts that between them hold every notice, ending, fate of a card and kind of dispenser. */
export const SAMPLES: readonly Sample[] = [
  {name: 'at the very start', context: contextAtStart(setupOf(true)), desk: EMPTY_DESK},
  {name: 'at rest', context: atRest(), desk: EMPTY_DESK},
  ...DESKS.map((desk, at) => ({name: `desk ${at}`, context: during({bunchCount: 1}), desk})),
  ...NOTICES.map((notice, at) => ({name: `notice ${at}`, context: during({notice}), desk: EMPTY_DESK})),
  ...ENDINGS.flatMap(ending =>
    [true, false].map(stacker => ({
      name: `ending ${JSON.stringify(ending)}, stacker ${String(stacker)}`,
      context: during({ending, fate: 'returned', bunchCount: 1}, stacker),
      desk: EMPTY_DESK,
    })),
  ),
  ...RECEIPTS.map(receipt => ({
    name: `receipt ${receipt}`,
    context: withPaper(during({ending: PAID, fate: 'returned', bunchCount: 1, receipt})),
    desk: {...EMPTY_DESK, balanceMinor: minorUnits(125_050)},
  })),
  ...FATES.map(fate => ({
    name: `card ${fate}`,
    context: during({fate, ending: {kind: 'notPaid', because: 'card-not-taken', reference: KEY}}),
    desk: EMPTY_DESK,
  })),
  {name: 'asked for more time', context: during({isAskedForTime: true}), desk: EMPTY_DESK},
  {name: 'two bunches', context: during({bunchCount: 2}, true), desk: EMPTY_DESK},
]
