/**
 * Three sources held against each other: the bank's operations, the machine's journal, and notes that a person
 * counted. Pure, and a function of rows alone: no clock decides what belongs to a business date.
 *
 * Each is asked the same question, how much cash left the machine. H is what the bank has, J what the journal
 * settled, P what is missing from the cassettes since they were counted last. Where an outcome is not known the
 * answer is a range. A deposit left the machine less than nothing. H and J are held against each other operation
 * by operation, within one business date; a count is held against everything since the count before.
 */
import type {Operation} from '../ledger/operation.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'

/** Cash that left the machine, at least and at most; below zero for a deposit. */
export interface Moved {
  readonly leastMinor: Minor
  readonly mostMinor: Minor
}

/** What a machine's journal says of one operation: asked for and nothing more, or settled. */
export interface JournalOutcome {
  readonly key: string
  readonly kind: 'asked' | 'completed' | 'reversed' | 'suspect' | 'stored'
  readonly currency: Currency
  readonly moved: Moved
}

/** One place for notes, between two counts. */
export interface CountedUnit {
  readonly unit: string
  readonly kind: 'cassette' | 'bin'
  /** Worth of one note; a bin that takes several has a unit for each. */
  readonly noteMinor: Minor
  /** Notes left in it by the count before. */
  readonly beforeCount: number
  readonly countedCount: number
  /** What the machine believed was in it; null when it did not say. */
  readonly believedCount: number | null
}

/** The machine's own sums of a business date, in the manner of ISO 8583 fields 74 to 89. */
export interface Totals {
  readonly withdrawalsCount: number
  readonly withdrawalsMinor: Minor
  readonly reversalsCount: number
  readonly reversalsMinor: Minor
  readonly depositsCount: number
  readonly depositsMinor: Minor
}

/** Operations of some dates, as the two sides have them. */
export interface Period {
  /** The machine's operations, as the bank has them now. */
  readonly host: readonly Operation[]
  /** Null when the machine has not sent its journal to the end of the period. */
  readonly journal: readonly JournalOutcome[] | null
}

export interface Sources extends Period {
  readonly currency: Currency
  /** What a person counted at the end of the date, and all since the count before; null when there are no two counts. */
  readonly count: (Period & {readonly units: readonly CountedUnit[]}) | null
  /** Whether the date is over; in an open one a hold is nothing to wonder at. */
  readonly isClosed: boolean
  readonly hostTotals: Totals
  /** Null when the machine has not sent any. */
  readonly machineTotals: Totals | null
}

/**
 * - `host-over` (H > J): approved and never confirmed, or a lost completion
 * - `host-short` (H < J): dispensed, and the bank lacks it
 * - `cash-over` (J > P): more notes than there should be; a short dispense or a retract that was not booked
 * - `cash-short` (J < P): notes are missing
 * - `bins-differ`: reject or retract bins hold other counts than the machine believed
 * - `suspect`: nobody knows what left the machine; a count or a person closes it
 * - `forced`: paid under a key that the bank never approved; in suspense until somebody books it
 * - `totals-differ`: machine and bank have other sums of the same date
 */
export const DIFFERENCE_CLASSES = [
  'host-over',
  'host-short',
  'cash-over',
  'cash-short',
  'bins-differ',
  'suspect',
  'forced',
  'totals-differ',
] as const
export type DifferenceClass = (typeof DIFFERENCE_CLASSES)[number]

export interface Difference {
  readonly class: DifferenceClass
  /** The operation's key, the unit, or `all`: with the class it names the difference within its date. */
  readonly subject: string
  readonly currency: Currency
  /** Never below zero; a range where an outcome is not known. */
  readonly leastMinor: Minor
  readonly mostMinor: Minor
  /** For a person. */
  readonly explanation: string
}

/** A suspect that the count leaves only one answer for. */
export interface ClosedByCount {
  readonly key: string
  readonly paidMinor: Minor
}

export interface Comparison {
  readonly hostMoved: Moved
  /** Null as its source. */
  readonly journalMoved: Moved | null
  readonly countedMinor: Minor | null
  readonly differences: readonly Difference[]
  readonly closedByCount: readonly ClosedByCount[]
}

const NOTHING: Moved = {leastMinor: minorUnits(0), mostMinor: minorUnits(0)}

/** Every difference, named; none when the three agree. */
export function compare(sources: Sources): Comparison {
  const {journal, count, currency} = sources
  const pairs = pairsOf(sources)
  const cash = count === null ? null : cashOf(count, count.units)
  return {
    hostMoved: sum(pairs.map(({host}) => movedAtHost(host))),
    journalMoved: journal === null ? null : sum(journal.map(({moved}) => moved)),
    countedMinor: cash?.goneMinor ?? null,
    differences: [
      ...pairs.flatMap(pair => differencesOf(pair, sources)),
      ...(cash === null ? [] : cashDifferences(cash, currency)),
      ...(count?.units ?? []).flatMap(unit => binDifference(unit, currency)),
      ...totalsDifference(sources),
    ],
    closedByCount: cash === null ? [] : closable(cash),
  }
}

/** What a count found gone, and what each operation since the count before had taken away. */
interface Cash {
  readonly goneMinor: Minor
  readonly expected: readonly {readonly pair: Pair; readonly moved: Moved}[]
}

function cashOf(period: Period, units: readonly CountedUnit[]): Cash {
  return {
    goneMinor: missingNotes(units),
    // Where the journal is not here, the bank's own rows are all there is to hold against the count.
    expected: pairsOf(period).map(pair => ({pair, moved: expectedOf(pair, period.journal !== null)})),
  }
}

/** One operation as the two sides have it; one of them may have nothing. */
interface Pair {
  readonly key: string
  readonly host: Operation | null
  readonly journal: JournalOutcome | null
}

function pairsOf({host, journal}: Period): readonly Pair[] {
  const byKey = new Map<string, {host: Operation | null; journal: JournalOutcome | null}>()
  for (const operation of host) byKey.set(operation.key, {host: operation, journal: null})
  for (const outcome of journal ?? []) {
    const known = byKey.get(outcome.key)
    if (known === undefined) byKey.set(outcome.key, {host: null, journal: outcome})
    else known.journal = outcome
  }
  return [...byKey]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, {host: own, journal: other}]) => ({key, host: own, journal: other}))
}

/** What left the machine as the bank has it. A hold is approved and says nothing yet. */
export function movedAtHost(operation: Operation | null): Moved {
  if (operation === null) return NOTHING
  switch (operation.state) {
    case 'completed':
    case 'forced':
      return exactly(operation.paidMinor)
    case 'suspect':
      return {leastMinor: operation.paidMinor, mostMinor: operation.paidAtMostMinor}
    case 'held':
      return {leastMinor: minorUnits(0), mostMinor: operation.amountMinor}
    case 'posted':
      return operation.type === 'deposit' ? exactly(minorUnits(0 - operation.amountMinor)) : NOTHING
    case 'reversed':
    case 'declined':
    case 'tombstone':
      return NOTHING
  }
}

function differencesOf(pair: Pair, {journal, isClosed, currency}: Sources): readonly Difference[] {
  const {host, key} = pair
  const named = (name: DifferenceClass, moved: Moved, explanation: string): readonly Difference[] => [
    {class: name, subject: key, currency: host?.currency ?? currency, ...moved, explanation},
  ]
  if (host?.state === 'suspect')
    return named(
      'suspect',
      movedAtHost(host),
      'nobody knows what left the machine; a count or a person closes it',
    )
  if (host?.state === 'forced')
    return named(
      'forced',
      movedAtHost(host),
      'paid under a key that was never approved; book it to an account or a loss',
    )
  if (host?.state === 'held') {
    if (!isClosed) return []
    const told = pair.journal
    return told === null || told.kind === 'asked'
      ? named('host-over', exactly(host.amountMinor), 'approved, and never confirmed by the machine')
      : named(
          'host-over',
          exactly(host.amountMinor),
          `approved, and the journal has it ${told.kind}: its advice has not arrived`,
        )
  }
  return journal === null ? [] : settledDifference(pair, named)
}

/** Both sides are through with the operation, or one of them never had it. */
function settledDifference(
  {host, journal}: Pair,
  named: (name: DifferenceClass, moved: Moved, explanation: string) => readonly Difference[],
): readonly Difference[] {
  const bank = movedAtHost(host).leastMinor
  const state = host?.state ?? 'nowhere'
  if (journal === null)
    return bank === 0
      ? []
      : named(
          bank > 0 ? 'host-over' : 'host-short',
          exactly(absolute(bank)),
          `${state} at the bank, and the journal has nothing of it`,
        )
  // Asked for, declined or not heard of, and over: nothing moved.
  if (journal.kind === 'asked' && bank === 0) return []
  const {leastMinor, mostMinor} = journal.moved
  if (bank >= leastMinor && bank <= mostMinor) return []
  return bank > mostMinor
    ? named(
        'host-over',
        {leastMinor: minorUnits(bank - mostMinor), mostMinor: minorUnits(bank - leastMinor)},
        `${state} at the bank with more than the journal has as ${journal.kind}`,
      )
    : named(
        'host-short',
        {leastMinor: minorUnits(leastMinor - bank), mostMinor: minorUnits(mostMinor - bank)},
        `${journal.kind} in the journal, ${state} at the bank`,
      )
}

/** What the count should find gone. What a person has settled since is no longer a range. */
function expectedOf({host, journal}: Pair, hasJournal: boolean): Moved {
  if (!hasJournal || journal === null) return hasJournal ? NOTHING : movedAtHost(host)
  if (journal.kind !== 'suspect' && journal.kind !== 'asked') return journal.moved
  return host?.state === 'completed' || host?.state === 'reversed' ? movedAtHost(host) : journal.moved
}

/** Notes that were there after the last count and are not now, in money. */
function missingNotes(units: readonly CountedUnit[]): Minor {
  return minorUnits(
    units.reduce((total, unit) => total + unit.noteMinor * (unit.beforeCount - unit.countedCount), 0),
  )
}

function cashDifferences({goneMinor, expected: parts}: Cash, currency: Currency): readonly Difference[] {
  const expected = sum(parts.map(({moved}) => moved))
  const named = (name: DifferenceClass, amount: number, explanation: string): readonly Difference[] => [
    {class: name, subject: 'all', currency, ...exactly(minorUnits(amount)), explanation},
  ]
  if (goneMinor < expected.leastMinor)
    return named(
      'cash-over',
      expected.leastMinor - goneMinor,
      'more notes in the machine than the journal accounts for',
    )
  if (goneMinor > expected.mostMinor)
    return named(
      'cash-short',
      goneMinor - expected.mostMinor,
      'fewer notes in the machine than the journal accounts for',
    )
  return []
}

function binDifference(unit: CountedUnit, currency: Currency): readonly Difference[] {
  const {kind, believedCount, countedCount, noteMinor} = unit
  if (kind !== 'bin' || believedCount === null || believedCount === countedCount) return []
  const worth = exactly(minorUnits(noteMinor * Math.abs(countedCount - believedCount)))
  const explanation = `${countedCount} notes counted, ${believedCount} by the machine`
  return [{class: 'bins-differ', subject: unit.unit, currency, ...worth, explanation}]
}

function totalsDifference({hostTotals, machineTotals, currency}: Sources): readonly Difference[] {
  if (machineTotals === null || sameTotals(hostTotals, machineTotals)) return []
  const amount = Math.max(
    Math.abs(hostTotals.withdrawalsMinor - machineTotals.withdrawalsMinor),
    Math.abs(hostTotals.reversalsMinor - machineTotals.reversalsMinor),
    Math.abs(hostTotals.depositsMinor - machineTotals.depositsMinor),
  )
  const explanation = 'the machine closed the date with other sums than the bank'
  return [{class: 'totals-differ', subject: 'all', currency, ...exactly(minorUnits(amount)), explanation}]
}

export function sameTotals(one: Totals, other: Totals): boolean {
  return (
    one.withdrawalsCount === other.withdrawalsCount &&
    one.withdrawalsMinor === other.withdrawalsMinor &&
    one.reversalsCount === other.reversalsCount &&
    one.reversalsMinor === other.reversalsMinor &&
    one.depositsCount === other.depositsCount &&
    one.depositsMinor === other.depositsMinor
  )
}

/** The suspects for which the count leaves one answer: a single one, or all at their least or all at their most. */
function closable({expected, goneMinor}: Cash): readonly ClosedByCount[] {
  const open = expected.filter(({pair}) => pair.host?.state === 'suspect')
  const others = sum(expected.filter(({pair}) => pair.host?.state !== 'suspect').map(({moved}) => moved))
  // While anything else is a range too, the count cannot say whose the difference is.
  if (open.length === 0 || others.leastMinor !== others.mostMinor) return []
  const rest = minorUnits(goneMinor - others.leastMinor)
  const range = sum(open.map(({moved}) => moved))
  if (rest < range.leastMinor || rest > range.mostMinor) return []
  const [first] = open
  if (open.length === 1 && first !== undefined) return [{key: first.pair.key, paidMinor: rest}]
  if (rest === range.leastMinor)
    return open.map(({pair, moved}) => ({key: pair.key, paidMinor: moved.leastMinor}))
  if (rest === range.mostMinor)
    return open.map(({pair, moved}) => ({key: pair.key, paidMinor: moved.mostMinor}))
  return []
}

function sum(parts: readonly Moved[]): Moved {
  return {
    leastMinor: minorUnits(parts.reduce((total, {leastMinor}) => total + leastMinor, 0)),
    mostMinor: minorUnits(parts.reduce((total, {mostMinor}) => total + mostMinor, 0)),
  }
}

export function exactly(amountMinor: Minor): Moved {
  return {leastMinor: amountMinor, mostMinor: amountMinor}
}

function absolute(amountMinor: Minor): Minor {
  return minorUnits(Math.abs(amountMinor))
}
