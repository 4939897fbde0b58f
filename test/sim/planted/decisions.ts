/** Mistakes in the money table and in the machine. */
import {planted} from './planted.ts'
import type {Planted} from './planted.ts'

const DECIDE = 'fsm/decide.ts'
const PAYOUT = 'fsm/states/payout.ts'

/** A row of the decision table with another verdict. */
function row(name: string, of: string, was: string, put: string): Planted {
  return planted(name, DECIDE, `${of}\n    verdict: ${was},`, `${of}\n    verdict: ${put},`)
}

const SUSPECT = '(_e, a) => suspect(a.paid, addMix(a.paid, a.bunch))'
const REVERSE = "() => ({kind: 'reverse', because: 'malfunction'})"
const COMPLETE = "(_e, a) => ({kind: 'complete', paid: a.approved})"

export const DECISIONS: readonly Planted[] = [
  row(
    'reverse on unknown, path clear',
    "when: e => e.kind === 'answerLost' && e.path === 'clear',",
    SUSPECT,
    REVERSE,
  ),
  row(
    'reverse on unknown, path not clear',
    "when: e => e.kind === 'answerLost' && e.path !== 'clear',",
    SUSPECT,
    REVERSE,
  ),
  row('complete on unknown', "when: e => e.kind === 'answerLost' && e.path !== 'clear',", SUSPECT, COMPLETE),
  row(
    'take a present without an answer as paid',
    "when: e => e.kind === 'presentUnknown',",
    SUSPECT,
    COMPLETE,
  ),
  row('reverse a present without an answer', "when: e => e.kind === 'presentUnknown',", SUSPECT, REVERSE),
  row(
    'credit a retract that was not counted',
    "when: e => e.kind === 'retracted' && e.count === null && !e.itemsTaken,",
    SUSPECT,
    REVERSE,
  ),
  planted(
    'credit a retract of which some was taken',
    DECIDE,
    "name: 'retracted-some-taken',\n    when: (e, a) =>\n      e.kind === 'retracted' && (e.itemsTaken || (e.count !== null && e.count !== notesIn(a.bunch))),\n    verdict: (_e, a) => suspect(a.paid, addMix(a.paid, a.bunch)),",
    `name: 'retracted-some-taken',\n    when: (e, a) =>\n      e.kind === 'retracted' && (e.itemsTaken || (e.count !== null && e.count !== notesIn(a.bunch))),\n    verdict: ${REVERSE},`,
  ),
  row('credit a retract that failed', "when: e => e.kind === 'retractUnknown',", SUSPECT, REVERSE),
  row(
    'reverse what was left in the mouth',
    "when: e => e.kind === 'leftInPlace',",
    "(_e, a) => ({kind: 'complete', paid: addMix(a.paid, a.bunch)})",
    REVERSE,
  ),
  row(
    'complete what was rejected without a count',
    "when: e => e.kind === 'rejected' && !isCountedReject(e),",
    SUSPECT,
    COMPLETE,
  ),
  row('complete when a reject failed', "when: e => e.kind === 'rejectUnknown',", SUSPECT, COMPLETE),
  row(
    'trust a count in doubt',
    "when: e => e.kind === 'sprayed' && e.counts === 'inDoubt',",
    SUSPECT,
    COMPLETE,
  ),
  row(
    'reverse with a note at the mouth',
    "when: e => isTrustedSpray(e) && e.inPath > 0 && e.path === 'atMouth',",
    '(e, a) => suspect(sprayPaid(e, a), sprayAtMost(e, a))',
    REVERSE,
  ),
  planted(
    'forget that a note at the mouth may be taken',
    DECIDE,
    'dispensed: noteCount(Math.max(0, tally.picked - tally.rejected)),',
    'dispensed: tally.dispensed,',
  ),
  planted(
    'count requested for exited',
    DECIDE,
    'count: noteCount(Math.min(part.count, dispensedFrom(tallies, part.cassette)))',
    'count: part.count',
  ),
  planted(
    'reverse a partial payout',
    DECIDE,
    "isTrustedSpray(e) && e.inPath === 0 && !isNone(addMix(a.paid, outOf(e.tallies, a.bunch))),\n    verdict: (e, a) => ({kind: 'complete', paid: sprayPaid(e, a)}),",
    `isTrustedSpray(e) && e.inPath === 0 && !isNone(addMix(a.paid, outOf(e.tallies, a.bunch))),\n    verdict: ${REVERSE},`,
  ),
  planted(
    'forget earlier bunches when a later one did not move',
    DECIDE,
    "when: (e, a) => e.kind === 'notMoved' && !isNone(a.paid),\n    verdict: (_e, a) => ({kind: 'complete', paid: a.paid}),",
    `when: (e, a) => e.kind === 'notMoved' && !isNone(a.paid),\n    verdict: ${REVERSE},`,
  ),
  planted(
    'forget what earlier bunches paid',
    'fsm/context.ts',
    'paid: addMix(operation.paid, currentBunch(operation)),',
    'paid: operation.paid,',
  ),
  planted(
    'pay the same bunch for ever',
    'fsm/context.ts',
    'bunch: operation.bunch + 1,',
    'bunch: operation.bunch,',
  ),
  planted(
    'take the first bunch for the last',
    PAYOUT,
    '!hasAnotherBunch(operationOf(context))\n',
    '!hasAnotherBunch(operationOf(context)) || context.nextStan > 0\n',
  ),
  planted(
    'take silence for approval',
    PAYOUT,
    "'host.silent': {\n      actions: [...concludeBy('host.silent', () => ({kind: 'notMoved', because: 'no-answer'}))],\n      target: 'returningCard',\n    },",
    "'host.silent': 'returningCardBeforeCash',",
  ),
  planted(
    'pay although the card is stuck',
    PAYOUT,
    "actions: [\n        ...concludeBy('card.stuck', () => ({kind: 'notMoved', because: 'malfunction-card-retained'})),\n        failed('cardReader'),\n        visitTo({cardFate: 'stuck'}),\n      ],\n      target: 'showingEnding',",
    "actions: [failed('cardReader')],\n      target: 'dispensing',",
  ),
  planted(
    'present a bunch that was not gathered whole',
    PAYOUT,
    "lookedAtFirst,\n        ],\n        target: 'rejecting',",
    "lookedAtFirst,\n        ],\n        target: 'presenting',",
  ),
  planted(
    'take a shut shutter for a payout',
    PAYOUT,
    "'notes.notPresented': 'rejecting',",
    "'notes.notPresented': {actions: [...concludeBy('notes.notPresented', () => ({kind: 'taken'}))], target: 'showingEnding'},",
  ),
  planted(
    'take an unknown payout for a whole one',
    PAYOUT,
    "...concludeBy('notes.unknown', event => ({kind: 'answerLost', path: event.path})),",
    "...concludeBy('notes.unknown', () => ({kind: 'taken'})),",
  ),
  planted(
    'reuse a STAN',
    PAYOUT,
    'base.assign(({context}) => ({nextStan: stanAfter(context.nextStan)})),',
    'base.assign(({context}) => ({nextStan: context.nextStan})),',
  ),
  planted(
    'reuse the STAN of a balance',
    'fsm/states/asking.ts',
    'export const takeStan = base.assign(({context}) => ({nextStan: stanAfter(context.nextStan)}))',
    'export const takeStan = base.assign(({context}) => ({nextStan: context.nextStan}))',
  ),
  planted(
    'forget rejected notes in the levels',
    'fsm/levels.ts',
    '.reduce((sum, tally) => sum + tally.picked, 0)',
    '.reduce((sum, tally) => sum + tally.dispensed, 0)',
  ),
  planted(
    'keep the levels after an unknown payout',
    'fsm/levels.ts',
    "case 'notes.unknown':\n      return levels.map(level => lowered(level, countOf(asked, level.cassette), 'ok'))",
    "case 'notes.unknown':\n      return levels",
  ),
]
