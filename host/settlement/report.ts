/** A reconciliation as a person reads it: plain text, at most 78 columns. */
import {isoSeconds} from '../bank.ts'
import type {Moved, Totals} from './compare.ts'
import type {Missing, Reconciliation} from './reconcile.ts'
import type {KnownDifference, Verdict} from '../store/port.ts'
import {formatAmount} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'

const COLUMNS_MAX = 78
const VERDICT_TEXT: Readonly<Record<Verdict, string>> = {
  'in-balance': 'in balance: the three sources agree',
  'out-of-balance': 'OUT OF BALANCE: somebody must look at what is open',
  incomplete: 'incomplete: nothing differs, and not everything was here to compare',
}
const MISSING_TEXT: Readonly<Record<Missing, string>> = {
  journal: "the machine's journal is not here to the end of the date",
  count: 'nobody has counted the notes at the end of the date, and before',
  totals: 'the machine has not closed the date with sums of its own',
}

export function reportText(run: Reconciliation): string {
  const {atmId, date, currency, isClosed, runAtMs, verdict, missing, comparison} = run
  const money = (amountMinor: Minor) => formatAmount(amountMinor, currency).padStart(14)
  const moved = (title: string, of: Moved | null) =>
    of === null
      ? `  ${title.padEnd(34)}${'not here'.padStart(14)}`
      : `  ${title.padEnd(34)}${money(of.leastMinor)}  ${money(of.mostMinor)}`
  const counted = comparison.countedMinor
  return [
    `Reconciliation of ${atmId}, business date ${date}, ${isClosed ? 'closed' : 'still open'}`,
    `Run ${isoSeconds(runAtMs)}, amounts in ${currency}`,
    '',
    `Verdict: ${VERDICT_TEXT[verdict]}`,
    ...missing.map(each => `  - ${MISSING_TEXT[each]}`),
    '',
    `${'Left the machine'.padEnd(36)}${'at least'.padStart(14)}  ${'at most'.padStart(14)}`,
    moved("by the bank's operations", comparison.hostMoved),
    moved("by the machine's journal", comparison.journalMoved),
    moved(
      'by the notes, since the last count',
      counted === null ? null : {leastMinor: counted, mostMinor: counted},
    ),
    '',
    ...totalsLines(run.hostTotals, run.machineTotals, money),
    '',
    ...differenceLines(run.differences),
  ]
    .map(line => `${line}\n`)
    .join('')
}

function totalsLines(host: Totals, machine: Totals | null, money: (amountMinor: Minor) => string): string[] {
  const line = (title: string, count: (totals: Totals) => number, amount: (totals: Totals) => Minor) => {
    const own = (totals: Totals) => `${count(totals).toString().padStart(6)} ${money(amount(totals))}`
    const others = machine === null ? 'not told'.padStart(21) : own(machine)
    return `  ${title.padEnd(18)}${own(host)}   ${others}`
  }
  return [
    `${'Accepted in the date'.padEnd(20)}${'by the bank'.padStart(21)}   ${'by the machine'.padStart(21)}`,
    line(
      'withdrawals',
      totals => totals.withdrawalsCount,
      totals => totals.withdrawalsMinor,
    ),
    line(
      'reversals',
      totals => totals.reversalsCount,
      totals => totals.reversalsMinor,
    ),
    line(
      'deposits',
      totals => totals.depositsCount,
      totals => totals.depositsMinor,
    ),
  ]
}

function differenceLines(differences: readonly KnownDifference[]): string[] {
  if (differences.length === 0) return ['Differences: none']
  return [
    `Differences: ${differences.length}, open ${differences.filter(({state}) => state === 'open').length}`,
    ...differences.flatMap((difference, at) => [
      `${(at + 1).toString().padStart(3)}. ${difference.class}, ${difference.subject}: ${rangeText(difference)}, ${difference.state}`,
      ...wrapped(difference.explanation),
      ...(difference.resolution === null
        ? []
        : wrapped(
            `${difference.resolution.action} by ${difference.resolution.by}, ${isoSeconds(difference.resolution.atMs)}: ${difference.resolution.reason}`,
          )),
    ]),
  ]
}

function rangeText({leastMinor, mostMinor, currency}: KnownDifference): string {
  const least = formatAmount(leastMinor, currency)
  return leastMinor === mostMinor ? least : `${least} to ${formatAmount(mostMinor, currency)}`
}

/** Indented lines; a word longer than a line stands alone. */
function wrapped(text: string): string[] {
  const lines: string[] = []
  let line = '    '
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > COLUMNS_MAX && line.trim() !== '') {
      lines.push(line)
      line = '    '
    }
    line += ` ${word}`
  }
  return [...lines, line]
}
