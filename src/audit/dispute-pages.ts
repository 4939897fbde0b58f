/** A dispute on paper, and the same as JSON: amounts in minor units there, in the currency's own on paper. Times are UTC. */
import {exportJsonLines, exportText} from '../../journal/export.ts'
import type {ExportOrigin} from '../../journal/export.ts'
import type {Stored} from '../../journal/entry.ts'
import type {Verdict} from '../../journal/range.ts'
import {epochMs, isoTime} from '../../kit/clock.ts'
import {formatAmount} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import {verdictWords} from '../status/verdict.ts'
import type {Anchor} from './anchors.ts'
import type {Dispute, Load, Story} from './dispute.ts'

/** A dispute with what proves it. */
export interface Proved {
  readonly origin: ExportOrigin
  readonly dispute: Dispute
  /** Every row of the disputed visit. */
  readonly visit: readonly Stored[]
  /** Of the whole journal. */
  readonly verdict: Verdict
}

/** Lines for a person. */
export function disputeText({origin, dispute, visit, verdict}: Proved): string {
  const {disputed, before, after, loadBefore, loadAfter, faults, anchor} = dispute
  const money = (minor: Minor): string => `${formatAmount(minor, origin.currency)} ${origin.currency}`
  const story = (one: Story): readonly string[] => [
    `${one === disputed ? '>>' : '  '} ${one.key}  ${seconds(one.atMs)}  rows ${one.firstRow} to ${one.lastRow}`,
    `     card ${one.card ?? 'not known'}, asked ${money(one.askedMinor)}, fee ${money(one.feeMinor)}, planned ${listed(one.planned.map(({cassette, count}) => `${count} of cassette ${cassette}`))}`,
    `     bank: ${one.authCode === null ? (one.refused ?? 'nothing yet') : `approved, authorization ${one.authCode}`}`,
    `     dispenser: ${listed(one.tallies.map(({cassette, picked, dispensed, rejected}) => `cassette ${cassette}: ${picked} picked, ${dispensed} out, ${rejected} rejected`))}`,
    `     ended: ${endingOf(one, money)}`,
    `     in the cassettes before: ${levelsOf(one.levelsBefore)}; after: ${levelsOf(one.levelsAfter)}`,
  ]
  const lines = [
    `Dispute of ${disputed.key}`,
    `Machine ${origin.terminal}, amounts in ${origin.currency}, times in UTC`,
    '',
    'Operations, the disputed one marked',
    ...[...before, disputed, ...after].flatMap(story),
    '',
    'Counts',
    `  before: ${loadText(loadBefore)}`,
    `  after:  ${loadText(loadAfter)}`,
    '',
    'Faults from the first of these operations to the last',
    ...(faults.length === 0
      ? ['  none']
      : faults.map(({row, atMs, what}) => `  ${seconds(atMs)}  row ${row}  ${what}`)),
    '',
    'Proof',
    `  the whole journal: ${verdictWords(verdict)}`,
    `  signed for by machine and bank: ${anchorText(anchor)}`,
    '',
    'The disputed visit, row by row',
    '',
    exportText(visit, origin).trimEnd(),
  ]
  return lines.join('\n')
}

/** One object; the rows of the visit are as an export has them, so that their hashes can be computed again. */
export function disputeJson({origin, dispute, visit, verdict}: Proved): string {
  const {disputed, before, after, loadBefore, loadAfter, faults, anchor} = dispute
  const load = (one: Load | null) => (one === null ? null : {...one, atMs: undefined, at: isoTime(one.atMs)})
  const story = (one: Story) => ({
    ...one,
    atMs: undefined,
    at: isoTime(one.atMs),
    acknowledgedAtMs: undefined,
    acknowledgedAt: one.acknowledgedAtMs === null ? null : isoTime(one.acknowledgedAtMs),
  })
  return JSON.stringify(
    {
      terminal: origin.terminal,
      currency: origin.currency,
      reference: disputed.key,
      operation: story(disputed),
      before: before.map(story),
      after: after.map(story),
      loadBefore: load(loadBefore),
      loadAfter: load(loadAfter),
      faults: faults.map(({row, atMs, what}) => ({row, at: isoTime(atMs), what})),
      proof: {journal: verdictWords(verdict), isWhole: verdict.kind === 'whole', anchor},
      visit: exportJsonLines(visit).trimEnd().split('\n'),
    },
    null,
    2,
  )
}

function endingOf({advice, refused, acknowledgedAtMs}: Story, money: (minor: Minor) => string): string {
  if (advice === null) return refused === null ? 'open' : 'nothing was to be told'
  const told =
    acknowledgedAtMs === null ? 'the bank has not taken it' : `told at ${seconds(acknowledgedAtMs)}`
  switch (advice.kind) {
    case 'host.complete':
      return `completed, paid ${money(advice.paidMinor)} (rule ${advice.row}), ${told}`
    case 'host.reverse':
      return `reversed, ${advice.because} (rule ${advice.row}), ${told}`
    case 'host.suspect':
      return `suspect, between ${money(advice.atLeastMinor)} and ${money(advice.atMostMinor)} with the customer (rule ${advice.row}), ${told}`
  }
}

function anchorText(anchor: Anchor | null): string {
  if (anchor === null) return 'not yet'
  const {event, seq, verdict} = anchor
  const words = {
    bothKnown: 'both signatures are right',
    otherKeys: 'signed by keys that are not known here',
    notSigned: 'NOT SIGNED',
  }
  return `row ${event.row}, hash ${event.hash}, at ${event.takenAt}; ${words[verdict]} (anchor in row ${seq})`
}

function loadText(load: Load | null): string {
  if (load === null) return 'no load'
  const counted = load.counted.map(({step, cassette, count}) => {
    const of = cassette === null ? '' : ` of cassette ${cassette}`
    return `${step}${of} ${count ?? 0}`
  })
  const byHand = counted.length === 0 ? '' : `; counted by hand: ${counted.join(', ')}`
  return `${seconds(load.atMs)}, row ${load.row}: ${levelsOf(load.levels)}${byHand}`
}

function levelsOf(levels: Story['levelsBefore']): string {
  return listed(
    levels.map(({cassette, count, state}) => `${cassette}: ${count}${state === 'ok' ? '' : ` (${state})`}`),
  )
}

function listed(items: readonly string[]): string {
  return items.length === 0 ? 'none' : items.join(', ')
}

function seconds(ms: number): string {
  return `${isoTime(epochMs(ms)).slice(0, 19)}Z`
}
