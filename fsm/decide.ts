/**
 * The money decision: from what the dispenser proves about the notes of one operation to what the bank
 * is told. A table of rows; exactly one matches each case (test/fsm/decide.test.ts enumerates them), and
 * nothing but evidence about notes goes in: no card, no timeout, no host. Unknown becomes suspect, never
 * a reversal.
 */
import {assert, present} from '../kit/assert.ts'
import {minorUnits, noteCount} from '../kit/money.ts'
import type {Count, Minor} from '../kit/money.ts'
import type {Event, Mix, NoteTally, ReversalReason} from './vocabulary.ts'

/** What is known of the bunch in question when nothing more can be learned. */
export type Evidence =
  /** It is proved that no note of this bunch moved. */
  | {readonly kind: 'notMoved'; readonly because: ReversalReason}
  /** Every note of this bunch, and of all before, is with the customer. */
  | {readonly kind: 'taken'}
  /** Presented, not taken, and left there: the customer has access. */
  | {readonly kind: 'leftInPlace'}
  /**
   * Stacked, never presented, moved to the reject bin; `stacked` of them, of which the device counted `count`.
   * `stacked` is null when it is not proved that every note picked stayed inside: no count can then clear the bunch.
   */
  | {readonly kind: 'rejected'; readonly stacked: Count | null; readonly count: Count | null}
  | {readonly kind: 'rejectUnknown'}
  | {readonly kind: 'presentUnknown'}
  | {readonly kind: 'retracted'; readonly count: Count | null; readonly itemsTaken: boolean}
  | {readonly kind: 'retractUnknown'}
  /** A dispenser without stacker paid out less than asked. */
  | {
      readonly kind: 'sprayed'
      readonly tallies: readonly NoteTally[]
      readonly inPath: Count
      readonly path: 'inside' | 'atMouth'
      readonly counts: 'trusted' | 'inDoubt'
    }
  | {readonly kind: 'overpaid'; readonly tallies: readonly NoteTally[]}
  /** The order was given and nothing trustworthy came back: none to all of the bunch may be out. */
  | {readonly kind: 'answerLost'; readonly path: 'clear' | 'blocked' | 'unknown'}

/** The operation around the evidence. `bunch` is the part in question, `paid` what earlier bunches gave for certain. */
export interface Asked {
  readonly approved: Mix
  readonly paid: Mix
  readonly bunch: Mix
}

export interface DecisionPolicy {
  /** Whether a counted, complete retract gives the money back without a person. */
  readonly reverseCountedRetract: boolean
}

export type Verdict =
  | {readonly kind: 'complete'; readonly paid: Mix}
  | {readonly kind: 'reverse'; readonly because: ReversalReason}
  | {readonly kind: 'suspect'; readonly atLeast: Mix; readonly atMost: Mix}

export interface Decision {
  /** Name of the row, as docs and journal show it. */
  readonly row: string
  readonly verdict: Verdict
  /** Why the dispenser must not be used until a person has counted, or null. */
  readonly held: string | null
  /** Notes out beyond what was approved: the machine's own difference, never the customer's. */
  readonly surplus: Mix
}

/** An answer to a dispense order that counts notes. */
type StackAnswer = Extract<Event, {type: 'notes.dispensed' | 'notes.partial' | 'notes.overpaid'}>

interface Row {
  readonly name: string
  readonly when: (evidence: Evidence, asked: Asked, policy: DecisionPolicy) => boolean
  readonly verdict: (evidence: Evidence, asked: Asked) => Verdict
  /** As in Decision. */
  readonly held: string | null
}

const NOTHING: Mix = []

/** The table. Order carries no meaning: the rows exclude each other. Source: design of the payout, after XFS4IoT's evidence names. */
export const ROWS: readonly Row[] = [
  {
    name: 'not-moved',
    when: (e, a) => e.kind === 'notMoved' && isNone(a.paid),
    verdict: e => ({kind: 'reverse', because: e.kind === 'notMoved' ? e.because : 'malfunction'}),
    held: null,
  },
  {
    name: 'not-moved-after-earlier-bunch',
    when: (e, a) => e.kind === 'notMoved' && !isNone(a.paid),
    verdict: (_e, a) => ({kind: 'complete', paid: a.paid}),
    held: null,
  },
  {
    name: 'taken',
    when: e => e.kind === 'taken',
    verdict: (_e, a) => ({kind: 'complete', paid: a.approved}),
    held: null,
  },
  {
    name: 'left-in-place',
    when: e => e.kind === 'leftInPlace',
    verdict: (_e, a) => ({kind: 'complete', paid: addMix(a.paid, a.bunch)}),
    held: 'notes left in the mouth',
  },
  {
    name: 'rejected-counted',
    when: (e, a) => isCountedReject(e) && isNone(a.paid),
    verdict: () => ({kind: 'reverse', because: 'malfunction-no-cash'}),
    held: null,
  },
  {
    name: 'rejected-counted-after-earlier-bunch',
    when: (e, a) => isCountedReject(e) && !isNone(a.paid),
    verdict: (_e, a) => ({kind: 'complete', paid: a.paid}),
    held: null,
  },
  {
    name: 'rejected-not-counted',
    when: e => e.kind === 'rejected' && !isCountedReject(e),
    verdict: (_e, a) => suspect(a.paid, addMix(a.paid, a.bunch)),
    held: 'rejected notes not counted',
  },
  {
    name: 'reject-unknown',
    when: e => e.kind === 'rejectUnknown',
    verdict: (_e, a) => suspect(a.paid, addMix(a.paid, a.bunch)),
    held: 'reject not confirmed',
  },
  {
    name: 'present-unknown',
    when: e => e.kind === 'presentUnknown',
    verdict: (_e, a) => suspect(a.paid, addMix(a.paid, a.bunch)),
    held: 'present not confirmed',
  },
  {
    name: 'retracted-counted',
    when: (e, a, p) => isCountedRetract(e, a) && p.reverseCountedRetract && isNone(a.paid),
    verdict: () => ({kind: 'reverse', because: 'not-taken'}),
    held: null,
  },
  {
    name: 'retracted-counted-after-earlier-bunch',
    when: (e, a, p) => isCountedRetract(e, a) && p.reverseCountedRetract && !isNone(a.paid),
    verdict: (_e, a) => ({kind: 'complete', paid: a.paid}),
    held: null,
  },
  {
    name: 'retracted-for-a-person-to-decide',
    when: (e, a, p) => isCountedRetract(e, a) && !p.reverseCountedRetract,
    verdict: (_e, a) => suspect(a.paid, addMix(a.paid, a.bunch)),
    held: null,
  },
  {
    name: 'retracted-not-counted',
    when: e => e.kind === 'retracted' && e.count === null && !e.itemsTaken,
    verdict: (_e, a) => suspect(a.paid, addMix(a.paid, a.bunch)),
    held: null,
  },
  {
    name: 'retracted-some-taken',
    when: (e, a) =>
      e.kind === 'retracted' && (e.itemsTaken || (e.count !== null && e.count !== notesIn(a.bunch))),
    verdict: (_e, a) => suspect(a.paid, addMix(a.paid, a.bunch)),
    held: null,
  },
  {
    name: 'retract-unknown',
    when: e => e.kind === 'retractUnknown',
    verdict: (_e, a) => suspect(a.paid, addMix(a.paid, a.bunch)),
    held: 'retract not confirmed',
  },
  {
    name: 'sprayed-none-rest-inside',
    when: (e, a) => isTrustedSpray(e) && e.inPath === 0 && isNone(addMix(a.paid, outOf(e.tallies, a.bunch))),
    verdict: () => ({kind: 'reverse', because: 'malfunction-no-cash'}),
    held: null,
  },
  {
    name: 'sprayed-some-rest-inside',
    when: (e, a) => isTrustedSpray(e) && e.inPath === 0 && !isNone(addMix(a.paid, outOf(e.tallies, a.bunch))),
    verdict: (e, a) => ({kind: 'complete', paid: sprayPaid(e, a)}),
    held: null,
  },
  {
    name: 'sprayed-none-rest-in-path',
    when: (e, a) =>
      isTrustedSpray(e) &&
      e.inPath > 0 &&
      e.path === 'inside' &&
      isNone(addMix(a.paid, outOf(e.tallies, a.bunch))),
    verdict: () => ({kind: 'reverse', because: 'malfunction-no-cash'}),
    held: 'notes in the path',
  },
  {
    name: 'sprayed-some-rest-in-path',
    when: (e, a) =>
      isTrustedSpray(e) &&
      e.inPath > 0 &&
      e.path === 'inside' &&
      !isNone(addMix(a.paid, outOf(e.tallies, a.bunch))),
    verdict: (e, a) => ({kind: 'complete', paid: sprayPaid(e, a)}),
    held: 'notes in the path',
  },
  {
    name: 'sprayed-jam-at-mouth',
    when: e => isTrustedSpray(e) && e.inPath > 0 && e.path === 'atMouth',
    verdict: (e, a) => suspect(sprayPaid(e, a), sprayAtMost(e, a)),
    held: 'notes at the mouth',
  },
  {
    name: 'sprayed-count-in-doubt',
    when: e => e.kind === 'sprayed' && e.counts === 'inDoubt',
    verdict: (_e, a) => suspect(a.paid, addMix(a.paid, a.bunch)),
    held: 'count in doubt',
  },
  {
    name: 'overpaid',
    when: e => e.kind === 'overpaid',
    verdict: (e, a) => ({
      kind: 'complete',
      paid: addMix(a.paid, outOf(e.kind === 'overpaid' ? e.tallies : [], a.bunch)),
    }),
    held: 'more notes out than approved',
  },
  {
    name: 'answer-lost-path-clear',
    when: e => e.kind === 'answerLost' && e.path === 'clear',
    verdict: (_e, a) => suspect(a.paid, addMix(a.paid, a.bunch)),
    held: null,
  },
  {
    name: 'answer-lost-path-not-clear',
    when: e => e.kind === 'answerLost' && e.path !== 'clear',
    verdict: (_e, a) => suspect(a.paid, addMix(a.paid, a.bunch)),
    held: 'answer lost, path not clear',
  },
]

/** Why a decision by that row holds the dispenser back, or null: what a restart must still know. */
export function heldByRow(name: string): string | null {
  return present(
    ROWS.find(row => row.name === name),
    `row ${name} of the decision table`,
  ).held
}

/**
 * Decides one operation.
 * @throws AssertionFailed unless exactly one row matches, and unless the verdict stays within what was approved.
 */
export function decide(asked: Asked, evidence: Evidence, policy: DecisionPolicy): Decision {
  const rows = ROWS.filter(row => row.when(evidence, asked, policy))
  const row = rows[0]
  assert(
    row !== undefined && rows.length === 1,
    `${rows.length} rows of the decision table match ${JSON.stringify(evidence)}`,
  )
  const decision = {
    row: row.name,
    verdict: row.verdict(evidence, asked),
    held: row.held,
    surplus: surplusOf(evidence, asked),
  }
  if (decision.verdict.kind === 'complete') {
    const paidMinor = valueOf(decision.verdict.paid)
    assert(
      paidMinor > 0 && paidMinor <= valueOf(asked.approved),
      `row ${row.name} completes ${paidMinor} of ${valueOf(asked.approved)}`,
    )
  }
  return decision
}

function suspect(atLeast: Mix, atMost: Mix): Verdict {
  return {kind: 'suspect', atLeast, atMost}
}

type Spray = Extract<Evidence, {kind: 'sprayed'}>

function isTrustedSpray(evidence: Evidence): evidence is Spray {
  return evidence.kind === 'sprayed' && evidence.counts === 'trusted'
}

function isCountedReject(evidence: Evidence): boolean {
  return evidence.kind === 'rejected' && evidence.stacked !== null && evidence.count === evidence.stacked
}

function isCountedRetract(evidence: Evidence, asked: Asked): boolean {
  return evidence.kind === 'retracted' && !evidence.itemsTaken && evidence.count === notesIn(asked.bunch)
}

function sprayPaid(evidence: Evidence, asked: Asked): Mix {
  return evidence.kind === 'sprayed' ? addMix(asked.paid, outOf(evidence.tallies, asked.bunch)) : asked.paid
}

/** Notes picked that are neither out nor rejected may have been reached through the mouth. */
function sprayAtMost(evidence: Evidence, asked: Asked): Mix {
  if (evidence.kind !== 'sprayed') return asked.paid
  const reachable = evidence.tallies.map(tally => ({
    ...tally,
    dispensed: noteCount(Math.max(0, tally.picked - tally.rejected)),
  }))
  return addMix(asked.paid, outOf(reachable, asked.bunch))
}

/** The notes that the tallies say went out, valued by the bunch, at most what the bunch asked for. */
function outOf(tallies: readonly NoteTally[], bunch: Mix): Mix {
  return bunch
    .map(part => ({...part, count: noteCount(Math.min(part.count, dispensedFrom(tallies, part.cassette)))}))
    .filter(part => part.count > 0)
}

function surplusOf(evidence: Evidence, asked: Asked): Mix {
  if (evidence.kind !== 'overpaid') return NOTHING
  return asked.bunch
    .map(part => ({
      ...part,
      count: noteCount(Math.max(0, dispensedFrom(evidence.tallies, part.cassette) - part.count)),
    }))
    .filter(part => part.count > 0)
}

function dispensedFrom(tallies: readonly NoteTally[], cassette: number): number {
  return tallies.filter(tally => tally.cassette === cassette).reduce((sum, tally) => sum + tally.dispensed, 0)
}

/**
 * Notes that a dispenser with a stacker counted into it, or null when not every note it picked is proved to be inside:
 * one at the mouth may be in a customer's hand, and counts in doubt prove nothing.
 */
export function stackedCount(answer: StackAnswer): Count | null {
  if (answer.type === 'notes.partial' && (answer.path === 'atMouth' || answer.counts === 'inDoubt'))
    return null
  return noteCount(answer.tallies.reduce((sum, tally) => sum + tally.dispensed, 0))
}

/** Both mixes together, by cassette. */
export function addMix(a: Mix, b: Mix): Mix {
  const sum = new Map(a.map(part => [part.cassette, part]))
  for (const part of b) {
    const count = noteCount((sum.get(part.cassette)?.count ?? 0) + part.count)
    sum.set(part.cassette, {...part, count})
  }
  return [...sum.values()].filter(part => part.count > 0).toSorted((x, y) => x.cassette - y.cassette)
}

/** What the notes are worth. */
export function valueOf(mix: Mix): Minor {
  return minorUnits(mix.reduce((sum, part) => sum + part.noteMinor * part.count, 0))
}

/** How many notes. */
export function notesIn(mix: Mix): Count {
  return noteCount(mix.reduce((sum, part) => sum + part.count, 0))
}

function isNone(mix: Mix): boolean {
  return notesIn(mix) === 0
}
