/**
 * Reconciliation of one machine's business date: fetches the three sources, compares them, and keeps what it found.
 * Run at a cut-over, at a count and on demand; running it again finds what is true then, and what a person has
 * resolved stays resolved.
 */
import {compare} from './compare.ts'
import type {Comparison, CountedUnit, Difference, JournalOutcome, Sources, Totals} from './compare.ts'
import type {
  BusinessDay,
  CashCount,
  JournalTip,
  JournalWord,
  KnownDifference,
  Tx,
  Verdict,
} from '../store/port.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Currency} from '../../kit/money.ts'

export type Missing = 'journal' | 'count' | 'totals'

export interface Reconciliation {
  readonly atmId: string
  readonly date: string
  readonly currency: Currency
  readonly runAtMs: EpochMs
  readonly isClosed: boolean
  readonly verdict: Verdict
  readonly missing: readonly Missing[]
  readonly comparison: Comparison
  readonly hostTotals: Totals
  readonly machineTotals: Totals | null
  /** Of this date, whatever became of them. */
  readonly differences: readonly KnownDifference[]
}

/** Compares one date and keeps the outcome. @param day of the machine, open or closed */
export async function reconcile(tx: Tx, day: BusinessDay, nowMs: EpochMs): Promise<Reconciliation> {
  const {atmId, date} = day
  const sources = await sourcesOf(tx, day)
  const comparison = compare(sources)
  const known = await tx.differences.of(atmId, date)
  const changes = changesOf(comparison.differences, known, {atmId, date, nowMs})
  for (const difference of changes) await tx.differences.put(difference)
  const differences = await tx.differences.of(atmId, date)
  const missing = missingOf(sources)
  const verdict = verdictOf(differences, missing)
  await tx.differences.setVerdict(atmId, date, verdict, nowMs)
  return {
    atmId,
    date,
    currency: sources.currency,
    runAtMs: nowMs,
    isClosed: sources.isClosed,
    verdict,
    missing,
    comparison,
    hostTotals: sources.hostTotals,
    machineTotals: sources.machineTotals,
    differences,
  }
}

/** A date in which nothing happened has no currency; its zeros are shown in this one. */
const QUIET: Currency = 'EUR'

async function sourcesOf(tx: Tx, day: BusinessDay): Promise<Sources> {
  const {atmId, date} = day
  const count = await tx.counts.find(atmId, date)
  const before = count === null ? null : await tx.counts.before(atmId, date)
  const from = before?.date ?? null
  const hasJournal = isHere(day, await tx.journals.tip(atmId))
  // A transfer moves no notes, and is in no sum of them.
  const operations = (await tx.operations.ofDates(atmId, from, date)).filter(({type}) => type !== 'transfer')
  const words = await tx.journals.words(atmId, from, date)
  const currency = count?.currency ?? operations.find(each => each.currency !== null)?.currency ?? QUIET
  const outcomes = hasJournal ? words.map(word => outcomeOf(word, currency)) : null
  const ofDate = (key: string) => key.split(':')[1] === date
  return {
    currency,
    host: operations.filter(({key}) => ofDate(key)),
    journal: outcomes?.filter(({key}) => ofDate(key)) ?? null,
    count:
      count === null || before === null
        ? null
        : {host: operations, journal: outcomes, units: unitsOf(count, before)},
    isClosed: day.closedAtMs !== null,
    hostTotals: await tx.days.totals(atmId, date),
    machineTotals: day.machineTotals,
  }
}

/** Whether the machine's journal is here to the end of the date. */
function isHere({closedAtMs, journalRowsCount}: BusinessDay, tip: JournalTip | null): boolean {
  if (closedAtMs === null || tip === null) return false
  return journalRowsCount === null ? tip.takenAtMs >= closedAtMs : tip.rowsCount >= journalRowsCount
}

function outcomeOf(
  {key, kind, currency, leastMinor, mostMinor}: JournalWord,
  usual: Currency,
): JournalOutcome {
  return {key, kind, currency: currency ?? usual, moved: {leastMinor, mostMinor}}
}

/** What was counted beside what the count before left. */
function unitsOf(count: CashCount, before: CashCount): readonly CountedUnit[] {
  return count.units.map(({unit, kind, noteMinor, countedCount, believedCount}) => ({
    unit,
    kind,
    noteMinor,
    beforeCount: before.units.find(each => each.unit === unit)?.leftCount ?? 0,
    countedCount,
    believedCount,
  }))
}

function missingOf({journal, count, machineTotals}: Sources): readonly Missing[] {
  const missing: Missing[] = []
  if (journal === null) missing.push('journal')
  if (count === null) missing.push('count')
  if (machineTotals === null) missing.push('totals')
  return missing
}

function verdictOf(differences: readonly KnownDifference[], missing: readonly Missing[]): Verdict {
  if (differences.some(({state}) => state === 'open')) return 'out-of-balance'
  return missing.length === 0 ? 'in-balance' : 'incomplete'
}

/**
 * What is to be written so that the known differences say what was found. One that is no longer found is gone; one
 * that somebody resolved stays, and only what is found beyond it is open, as a difference of its own.
 */
export function changesOf(
  found: readonly Difference[],
  known: readonly KnownDifference[],
  at: {readonly atmId: string; readonly date: string; readonly nowMs: EpochMs},
): readonly KnownDifference[] {
  const nameOf = ({class: name, subject}: Pick<Difference, 'class' | 'subject'>) => `${name}:${subject}`
  const opened = found.flatMap(difference => {
    const same = known.filter(each => nameOf(each) === nameOf(difference))
    const resolved = same.filter(({state}) => state === 'resolved')
    const done = resolved.reduce((sum, {mostMinor}) => sum + mostMinor, 0)
    const mostMinor = minorUnits(Math.max(0, difference.mostMinor - done))
    if (mostMinor === 0 && resolved.length > 0) return []
    const unresolved = same.find(({state}) => state !== 'resolved')
    const suffix = resolved.length === 0 ? '' : `:${resolved.length + 1}`
    return [
      {
        ...difference,
        leastMinor: minorUnits(Math.max(0, difference.leastMinor - done)),
        mostMinor,
        id: unresolved?.id ?? `${at.atmId}:${at.date}:${nameOf(difference)}${suffix}`,
        atmId: at.atmId,
        date: at.date,
        state: 'open' as const,
        foundAtMs: unresolved?.foundAtMs ?? at.nowMs,
        resolution: null,
      },
    ]
  })
  const stillThere = new Set(opened.map(({id}) => id))
  const gone = known
    .filter(({id, state}) => state === 'open' && !stillThere.has(id))
    .map(difference => ({...difference, state: 'gone' as const}))
  return [...opened, ...gone]
}
