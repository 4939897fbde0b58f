// The money table against a second opinion: an oracle written from the rules alone, which counts in money where
// the table counts in notes and knows nothing of rows. All combinations of small numbers are tried.
import t from 'tap'
import {ROWS, addMix, decide, notesIn, valueOf} from '../../fsm/decide.ts'
import {AssertionFailed} from '../../kit/assert.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import type {Asked, Decision, Evidence} from '../../fsm/decide.ts'
import type {CassetteNotes, Mix, NoteTally} from '../../fsm/vocabulary.ts'

const part = (cassette: number, noteMinor: number, count: number): CassetteNotes => ({
  cassette,
  noteMinor: minorUnits(noteMinor),
  count: noteCount(count),
})

const TWENTY = 2_000
const TEN = 1_000

/** The bunch in question, alone and after an earlier one; of one cassette and of two. */
const ASKED: readonly Asked[] = [
  {bunch: [part(1, TWENTY, 2)], paid: []},
  {bunch: [part(1, TWENTY, 2), part(2, TEN, 1)], paid: []},
  {bunch: [part(1, TWENTY, 1)], paid: [part(1, TWENTY, 2)]},
  {bunch: [part(2, TEN, 2)], paid: [part(1, TWENTY, 1), part(2, TEN, 1)]},
].map(({bunch, paid}) => ({bunch, paid, approved: addMix(bunch, paid)}))

const POLICIES = [{reverseCountedRetract: true}, {reverseCountedRetract: false}]

/** What the dispenser may say of one cassette from which `count` notes were asked: nothing lost, nothing twice. */
function talliesOfPart({cassette, count}: CassetteNotes): NoteTally[] {
  const tallies: NoteTally[] = []
  for (let picked = 0; picked <= count + 1; picked++)
    for (let dispensed = 0; dispensed <= Math.min(picked, count); dispensed++)
      for (let rejected = 0; rejected + dispensed <= picked; rejected++)
        tallies.push({
          cassette,
          picked: noteCount(picked),
          dispensed: noteCount(dispensed),
          rejected: noteCount(rejected),
        })
  return tallies
}

function talliesOf(bunch: Mix): (readonly NoteTally[])[] {
  return bunch.reduce<(readonly NoteTally[])[]>(
    (all, each) => all.flatMap(before => talliesOfPart(each).map(tally => [...before, tally])),
    [[]],
  )
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
const inPathOf = (tallies: readonly NoteTally[]): number =>
  sum(tallies.map(tally => tally.picked - tally.dispensed - tally.rejected))

/** Everything that can be known of a bunch. */
function evidenceOf(bunch: Mix): Evidence[] {
  const notes = notesIn(bunch)
  const counts = [null, ...Array.from({length: notes + 2}, (_, at) => noteCount(at))]
  const whole = bunch.map(each => ({
    ...each,
    picked: each.count,
    dispensed: each.count,
    rejected: noteCount(0),
  }))
  return [
    {kind: 'notMoved', because: 'malfunction'},
    {kind: 'notMoved', because: 'no-answer'},
    {kind: 'taken'},
    {kind: 'leftInPlace'},
    ...counts.flatMap(count =>
      Array.from({length: notes + 1}, (_, at) => ({
        kind: 'rejected' as const,
        stacked: noteCount(at),
        count,
      })),
    ),
    ...counts.map(count => ({kind: 'rejected' as const, stacked: null, count})),
    {kind: 'rejectUnknown'},
    {kind: 'presentUnknown'},
    ...counts.flatMap(count =>
      [true, false].map(itemsTaken => ({kind: 'retracted' as const, count, itemsTaken})),
    ),
    {kind: 'retractUnknown'},
    ...talliesOf(bunch)
      .filter(tallies => sum(tallies.map(tally => tally.dispensed)) < notes)
      .flatMap(tallies =>
        (['inside', 'atMouth'] as const).flatMap(path =>
          (['trusted', 'inDoubt'] as const).map(
            counted =>
              ({
                kind: 'sprayed',
                tallies,
                inPath: noteCount(inPathOf(tallies)),
                path,
                counts: counted,
              }) as const,
          ),
        ),
      ),
    ...whole.map(
      (_, first) =>
        ({
          kind: 'overpaid',
          tallies: whole.map((each, at) => ({
            ...each,
            dispensed: noteCount(at === first ? each.dispensed + 1 : each.dispensed),
          })),
        }) as const,
    ),
    ...(['clear', 'blocked', 'unknown'] as const).map(path => ({kind: 'answerLost' as const, path})),
  ]
}

interface Case {
  readonly asked: Asked
  readonly evidence: Evidence
  readonly policy: (typeof POLICIES)[number]
}

const CASES: readonly Case[] = ASKED.flatMap(asked =>
  evidenceOf(asked.bunch).flatMap(evidence => POLICIES.map(policy => ({asked, evidence, policy}))),
)

/** What the customer holds: certainly, and at most; and who may look. */
interface Opinion {
  readonly leastMinor: number
  readonly mostMinor: number
  /** Certain enough to be decided without a person. */
  readonly isSettled: boolean
  readonly isHeld: boolean
}

/** The oracle: where are the notes, and what follows. Money already with the customer is added by the caller. */
function opinionOf({asked, evidence, policy}: Case): Opinion {
  const wholeMinor = valueOf(asked.bunch)
  const nobodyKnows = {leastMinor: 0, mostMinor: wholeMinor, isSettled: false, isHeld: true}
  const inside = {leastMinor: 0, mostMinor: 0, isSettled: true, isHeld: false}
  const out = {leastMinor: wholeMinor, mostMinor: wholeMinor, isSettled: true, isHeld: false}
  switch (evidence.kind) {
    case 'notMoved':
      return inside
    case 'taken':
      return out
    case 'leftInPlace':
      return {...out, isHeld: true}
    case 'overpaid':
      return {...out, isHeld: true}
    case 'rejected':
      return evidence.stacked !== null && evidence.count === evidence.stacked ? inside : nobodyKnows
    case 'retracted': {
      const isAllBack = !evidence.itemsTaken && evidence.count === notesIn(asked.bunch)
      if (isAllBack && policy.reverseCountedRetract) return inside
      // The notes are in a bin and the dispenser is fit for use; only the money waits for a person.
      return {...nobodyKnows, isHeld: false}
    }
    case 'rejectUnknown':
    case 'presentUnknown':
    case 'retractUnknown':
      return nobodyKnows
    case 'answerLost':
      return {...nobodyKnows, isHeld: evidence.path !== 'clear'}
    case 'sprayed':
      return opinionOfSpray(asked, evidence)
  }
}

function opinionOfSpray(asked: Asked, evidence: Extract<Evidence, {kind: 'sprayed'}>): Opinion {
  const noteOf = (cassette: number): number =>
    asked.bunch.find(each => each.cassette === cassette)?.noteMinor ?? 0
  const leastMinor = sum(evidence.tallies.map(tally => tally.dispensed * noteOf(tally.cassette)))
  if (evidence.counts === 'inDoubt')
    return {leastMinor: 0, mostMinor: valueOf(asked.bunch), isSettled: false, isHeld: true}
  const stuck = inPathOf(evidence.tallies)
  if (stuck === 0) return {leastMinor, mostMinor: leastMinor, isSettled: true, isHeld: false}
  if (evidence.path === 'inside') return {leastMinor, mostMinor: leastMinor, isSettled: true, isHeld: true}
  // What hangs at the mouth may be pulled out, but nobody is debited more than was asked of that cassette.
  const mostMinor = sum(
    asked.bunch.map(each => {
      const tally = evidence.tallies.find(told => told.cassette === each.cassette)
      const reachable = tally === undefined ? 0 : tally.picked - tally.rejected
      return Math.min(each.count, reachable) * each.noteMinor
    }),
  )
  return {leastMinor, mostMinor, isSettled: false, isHeld: true}
}

function decided({asked, evidence, policy}: Case): Decision {
  return decide(asked, evidence, policy)
}

function toldMinor(decision: Decision): [least: number, most: number] {
  const {verdict} = decision
  if (verdict.kind === 'complete') return [valueOf(verdict.paid), valueOf(verdict.paid)]
  if (verdict.kind === 'reverse') return [0, 0]
  return [valueOf(verdict.atLeast), valueOf(verdict.atMost)]
}

t.test('the table says what the oracle says, in every case', t => {
  let agreedCount = 0
  for (const each of CASES) {
    const decision = decided(each)
    const opinion = opinionOf(each)
    const before = valueOf(each.asked.paid)
    const [least, most] = toldMinor(decision)
    const wrong = [
      least === before + opinion.leastMinor ? null : `at least ${least}`,
      most === before + opinion.mostMinor ? null : `at most ${most}`,
      (decision.verdict.kind !== 'suspect') === opinion.isSettled ? null : decision.verdict.kind,
      (decision.held !== null) === opinion.isHeld ? null : `held: ${String(decision.held)}`,
    ].filter(difference => difference !== null)
    if (wrong.length === 0) agreedCount++
    else t.fail(`row ${decision.row} gives ${wrong.join(', ')}`, {each, opinion})
  }
  t.equal(agreedCount, CASES.length)
  t.equal(CASES.length > 1_000, true, `${CASES.length} cases`)
  t.end()
})

t.test('exactly one row fits each case, and every row fits some', t => {
  const hit = new Map<string, number>()
  for (const {asked, evidence, policy} of CASES) {
    const rows = ROWS.filter(row => row.when(evidence, asked, policy)).map(row => row.name)
    if (rows.length !== 1) t.fail(`${rows.length} rows fit`, {evidence, asked, policy, rows})
    for (const name of rows) hit.set(name, (hit.get(name) ?? 0) + 1)
  }
  t.same(
    ROWS.map(row => row.name).filter(name => !hit.has(name)),
    [],
    'rows that nothing hits',
  )
  t.equal(new Set(ROWS.map(row => row.name)).size, ROWS.length, 'names are not given twice')
  t.end()
})

t.test('the rules that no row may break', t => {
  const broken: string[] = []
  for (const each of CASES) {
    const {verdict, surplus, row} = decided(each)
    const approvedMinor = valueOf(each.asked.approved)
    const opinion = opinionOf(each)
    if (verdict.kind === 'reverse' && (opinion.mostMinor > 0 || notesIn(each.asked.paid) > 0))
      broken.push(`${row}: reversed while a note may be out`)
    if (verdict.kind === 'reverse' && /nknown|answerLost|leftInPlace/.test(each.evidence.kind))
      broken.push(`${row}: unknown was reversed`)
    if (verdict.kind === 'complete' && valueOf(verdict.paid) > approvedMinor)
      broken.push(`${row}: completed beyond the approval`)
    if (verdict.kind === 'suspect') {
      if (valueOf(verdict.atLeast) > valueOf(verdict.atMost)) broken.push(`${row}: at least exceeds at most`)
      if (valueOf(verdict.atMost) > approvedMinor) broken.push(`${row}: suspects more than was approved`)
      if (!contains(verdict.atLeast, each.asked.paid)) broken.push(`${row}: forgets an earlier bunch`)
    }
    if (notesIn(surplus) > 0 && each.evidence.kind !== 'overpaid')
      broken.push(`${row}: a surplus from nowhere`)
  }
  t.same([...new Set(broken)], [])
  t.end()
})

/** Value is conserved: what went out is what the bank completes and what the machine books as its own difference. */
t.test('an overpayment is the machine’s own difference, to the note', t => {
  const overpaid = CASES.filter(each => each.evidence.kind === 'overpaid')
  t.equal(overpaid.length > 0, true)
  for (const each of overpaid) {
    if (each.evidence.kind !== 'overpaid') continue
    const outMinor = sum(
      each.evidence.tallies.map(
        tally =>
          tally.dispensed *
          (each.asked.bunch.find(asked => asked.cassette === tally.cassette)?.noteMinor ?? 0),
      ),
    )
    const decision = decided(each)
    const [completed] = toldMinor(decision)
    t.equal(completed + valueOf(decision.surplus), valueOf(each.asked.paid) + outMinor)
    t.equal(completed, valueOf(each.asked.approved))
  }
  t.end()
})

t.test('a decision outside of what was approved stops the program', t => {
  const asked: Asked = {
    approved: [part(1, TWENTY, 1)],
    paid: [part(1, TWENTY, 1)],
    bunch: [part(1, TWENTY, 1)],
  }
  t.throws(() => decide(asked, {kind: 'leftInPlace'}, {reverseCountedRetract: false}), AssertionFailed)
  const nothing: Asked = {approved: [], paid: [], bunch: []}
  t.throws(() => decide(nothing, {kind: 'taken'}, {reverseCountedRetract: false}), AssertionFailed)
  t.end()
})

t.test('adding mixes adds their value and their notes, cassette by cassette', t => {
  for (const a of ASKED) {
    for (const b of ASKED) {
      const both = addMix(a.bunch, b.approved)
      t.equal(valueOf(both), valueOf(a.bunch) + valueOf(b.approved))
      t.equal(notesIn(both), notesIn(a.bunch) + notesIn(b.approved))
      t.equal(new Set(both.map(each => each.cassette)).size, both.length, 'no cassette twice')
    }
  }
  t.same(addMix([], []), [])
  t.end()
})

function contains(whole: Mix, inner: Mix): boolean {
  return inner.every(
    each => (whole.find(other => other.cassette === each.cassette)?.count ?? 0) >= each.count,
  )
}
