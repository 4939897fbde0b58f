/** The comparison of the three sources: every class of difference, and every way to agree. */
import fc from 'fast-check'
import t from 'tap'
import type {Operation, OperationState} from '../../../host/ledger/operation.ts'
import {DIFFERENCE_CLASSES, compare} from '../../../host/settlement/compare.ts'
import type {
  CountedUnit,
  Difference,
  DifferenceClass,
  JournalOutcome,
  Sources,
  Totals,
} from '../../../host/settlement/compare.ts'
import {changesOf} from '../../../host/settlement/reconcile.ts'
import type {KnownDifference} from '../../../host/store/port.ts'
import {epochMs} from '../../../kit/clock.ts'
import {minorUnits} from '../../../kit/money.ts'

const DATE = '2026-11-22'
const nothing = minorUnits(0)

function key(stan: number): string {
  return `ATM123:${DATE}:${stan.toString().padStart(6, '0')}`
}

/** 100.00 asked for under key 1, unless told. */
function atBank(state: OperationState, paid = 0, more: Partial<Operation> = {}): Operation {
  return {
    key: key(1),
    type: 'withdrawal',
    atmId: 'ATM123',
    state,
    fingerprint: null,
    accountId: '12345',
    targetAccountId: null,
    currency: 'EUR',
    amountMinor: minorUnits(10_000),
    feeMinor: nothing,
    paidMinor: minorUnits(paid),
    paidAtMostMinor: minorUnits(paid),
    paidFeeMinor: nothing,
    transactionId: null,
    answer: null,
    evidence: '',
    wasSuspect: false,
    createdAtMs: epochMs(0),
    changedAtMs: epochMs(0),
    ...more,
  }
}

function inJournal(kind: JournalOutcome['kind'], least = 0, most = least, stan = 1): JournalOutcome {
  return {
    key: key(stan),
    kind,
    currency: 'EUR',
    moved: {leastMinor: minorUnits(least), mostMinor: minorUnits(most)},
  }
}

const NONE: Totals = {
  withdrawalsCount: 0,
  withdrawalsMinor: nothing,
  reversalsCount: 0,
  reversalsMinor: nothing,
  depositsCount: 0,
  depositsMinor: nothing,
}

/** A cassette of 50.00 from which so many are gone. */
function cassette(gone: number): CountedUnit {
  return {
    unit: 'cassette-1',
    kind: 'cassette',
    noteMinor: minorUnits(5_000),
    beforeCount: 100,
    countedCount: 100 - gone,
    believedCount: null,
  }
}

function bin(counted: number, believed: number | null): CountedUnit {
  return {
    ...cassette(0),
    unit: 'reject',
    kind: 'bin',
    beforeCount: 0,
    countedCount: counted,
    believedCount: believed,
  }
}

interface Given {
  readonly host?: readonly Operation[]
  /** `absent`: not sent. */
  readonly journal?: readonly JournalOutcome[] | 'absent'
  readonly units?: readonly CountedUnit[]
  readonly more?: Partial<Sources>
}

function sourcesOf({host = [], journal = [], units, more = {}}: Given): Sources {
  const sent = journal === 'absent' ? null : journal
  return {
    currency: 'EUR',
    host,
    journal: sent,
    count: units === undefined ? null : {host, journal: sent, units},
    isClosed: true,
    hostTotals: NONE,
    machineTotals: null,
    ...more,
  }
}

const suspect = (least: number, most: number, stan = 1) =>
  atBank('suspect', least, {key: key(stan), paidAtMostMinor: minorUnits(most)})

/** What is given, and what is to be found: class, subject, at least, at most. */
const CASES: readonly (readonly [
  name: string,
  given: Given,
  found: readonly (readonly [DifferenceClass, string, number, number])[],
])[] = [
  ['nothing at all', {}, []],
  [
    'paid, and all agree',
    {host: [atBank('completed', 10_000)], journal: [inJournal('completed', 10_000)], units: [cassette(2)]},
    [],
  ],
  [
    'partly paid, and all agree',
    {host: [atBank('completed', 5_000)], journal: [inJournal('completed', 5_000)], units: [cassette(1)]},
    [],
  ],
  [
    'reversed, and all agree',
    {host: [atBank('reversed')], journal: [inJournal('reversed')], units: [cassette(0)]},
    [],
  ],
  ['declined', {host: [atBank('declined')], journal: [inJournal('asked', 0, 10_000)]}, []],
  [
    'asked for, never heard of, reversed before it came',
    {host: [atBank('tombstone')], journal: [inJournal('reversed')]},
    [],
  ],
  ['asked for, and the bank never heard', {journal: [inJournal('asked', 0, 10_000)]}, []],
  [
    'deposited, and all agree',
    {
      host: [atBank('posted', 10_000, {type: 'deposit'})],
      journal: [inJournal('stored', -10_000)],
      units: [cassette(-2)],
    },
    [],
  ],
  ['transferred', {host: [atBank('posted', 10_000, {type: 'transfer'})]}, []],

  [
    'approved, and the journal knows nothing',
    {host: [atBank('held')]},
    [['host-over', key(1), 10_000, 10_000]],
  ],
  [
    'approved, and the journal only asked',
    {host: [atBank('held')], journal: [inJournal('asked', 0, 10_000)]},
    [['host-over', key(1), 10_000, 10_000]],
  ],
  [
    'paid, and the completion was lost',
    {host: [atBank('held')], journal: [inJournal('completed', 10_000)], units: [cassette(2)]},
    [['host-over', key(1), 10_000, 10_000]],
  ],
  [
    'not paid, and the reversal was lost',
    {host: [atBank('held')], journal: [inJournal('reversed')], units: [cassette(0)]},
    [['host-over', key(1), 10_000, 10_000]],
  ],
  [
    'approved, in a date that goes on',
    {host: [atBank('held')], journal: 'absent', more: {isClosed: false}},
    [],
  ],
  [
    'approved, and no journal',
    {host: [atBank('held')], journal: 'absent'},
    [['host-over', key(1), 10_000, 10_000]],
  ],
  [
    'completed, and the journal knows nothing',
    {host: [atBank('completed', 10_000)]},
    [['host-over', key(1), 10_000, 10_000]],
  ],
  ['completed, and no journal', {host: [atBank('completed', 10_000)], journal: 'absent'}, []],
  [
    'completed with more than the journal',
    {host: [atBank('completed', 10_000)], journal: [inJournal('completed', 4_000)]},
    [['host-over', key(1), 6_000, 6_000]],
  ],
  [
    'completed, and the journal reversed',
    {host: [atBank('completed', 10_000)], journal: [inJournal('reversed')]},
    [['host-over', key(1), 10_000, 10_000]],
  ],

  [
    'paid, and the bank reversed',
    {host: [atBank('reversed')], journal: [inJournal('completed', 10_000)]},
    [['host-short', key(1), 10_000, 10_000]],
  ],
  [
    'paid, and the bank never heard',
    {journal: [inJournal('completed', 10_000)]},
    [['host-short', key(1), 10_000, 10_000]],
  ],
  [
    'paid after a decline',
    {host: [atBank('declined')], journal: [inJournal('completed', 10_000)]},
    [['host-short', key(1), 10_000, 10_000]],
  ],
  [
    'completed with less than the journal',
    {host: [atBank('completed', 4_000)], journal: [inJournal('completed', 10_000)]},
    [['host-short', key(1), 6_000, 6_000]],
  ],
  [
    'perhaps paid, and the bank reversed',
    {host: [atBank('reversed')], journal: [inJournal('suspect', 2_000, 10_000)]},
    [['host-short', key(1), 2_000, 10_000]],
  ],
  [
    'booked as a deposit, and the journal stored nothing',
    {host: [atBank('posted', 10_000, {type: 'deposit'})]},
    [['host-short', key(1), 10_000, 10_000]],
  ],
  [
    'stored, and the bank booked nothing',
    {journal: [inJournal('stored', -10_000)]},
    [['host-over', key(1), 10_000, 10_000]],
  ],

  [
    'more notes than there should be',
    {host: [atBank('completed', 10_000)], journal: [inJournal('completed', 10_000)], units: [cassette(1)]},
    [['cash-over', 'all', 5_000, 5_000]],
  ],
  [
    'fewer notes than there should be',
    {host: [atBank('completed', 10_000)], journal: [inJournal('completed', 10_000)], units: [cassette(3)]},
    [['cash-short', 'all', 5_000, 5_000]],
  ],
  [
    'fewer notes, and only the bank to ask',
    {host: [atBank('completed', 10_000)], journal: 'absent', units: [cassette(3)]},
    [['cash-short', 'all', 5_000, 5_000]],
  ],
  ['notes gone where nothing happened', {units: [cassette(2)]}, [['cash-short', 'all', 10_000, 10_000]]],

  [
    'a reject bin with other notes than believed',
    {units: [cassette(2), bin(2, 1)]},
    [['bins-differ', 'reject', 5_000, 5_000]],
  ],
  ['a reject bin as believed', {units: [cassette(2), bin(2, 2)]}, []],
  ['a reject bin of which nothing was said', {units: [cassette(2), bin(2, null)]}, []],

  [
    'nobody knows',
    {host: [suspect(0, 10_000)], journal: [inJournal('suspect', 0, 10_000)]},
    [['suspect', key(1), 0, 10_000]],
  ],
  [
    'nobody knew, and a person said',
    {
      host: [atBank('completed', 5_000, {wasSuspect: true})],
      journal: [inJournal('suspect', 0, 10_000)],
      units: [cassette(1)],
    },
    [],
  ],
  [
    'nobody knew, and a person said it was nothing',
    {
      host: [atBank('reversed', 0, {wasSuspect: true})],
      journal: [inJournal('suspect', 0, 10_000)],
      units: [cassette(0)],
    },
    [],
  ],
  [
    'what the person said is more than the journal can be',
    {host: [atBank('completed', 10_000, {wasSuspect: true})], journal: [inJournal('suspect', 0, 5_000)]},
    [['host-over', key(1), 5_000, 10_000]],
  ],
  [
    'paid under a key that was never approved',
    {host: [atBank('forced', 10_000)], journal: [inJournal('completed', 10_000)], units: [cassette(2)]},
    [['forced', key(1), 10_000, 10_000]],
  ],

  [
    'other sums',
    {more: {machineTotals: {...NONE, withdrawalsCount: 1, withdrawalsMinor: minorUnits(2_000)}}},
    [['totals-differ', 'all', 2_000, 2_000]],
  ],
  [
    'the same money in more pieces',
    {more: {machineTotals: {...NONE, reversalsCount: 1}}},
    [['totals-differ', 'all', 0, 0]],
  ],
  ['the same sums', {more: {machineTotals: NONE}}, []],
]

t.test('every difference has its name', async t => {
  for (const [name, given, found] of CASES)
    t.same(
      compare(sourcesOf(given)).differences.map(each => [
        each.class,
        each.subject,
        each.leastMinor,
        each.mostMinor,
      ]),
      found,
      name,
    )
  const named = new Set(CASES.flatMap(([, , found]) => found.map(([name]) => name)))
  t.same([...named].sort(), [...DIFFERENCE_CLASSES].sort(), 'each class occurs')
})

t.test('a count closes the suspects for which it leaves one answer', async t => {
  const closed = (host: readonly Operation[], gone: number) =>
    compare(sourcesOf({host, journal: 'absent', units: [cassette(gone)]})).closedByCount.map(each => [
      each.key,
      each.paidMinor,
    ])
  t.same(closed([suspect(0, 10_000)], 1), [[key(1), 5_000]], 'a single one: what is gone was paid')
  t.same(closed([suspect(0, 10_000)], 0), [[key(1), 0]])
  t.same(closed([suspect(0, 10_000)], 3), [], 'more is gone than it can have paid')
  t.same(closed([suspect(5_000, 10_000)], 0), [], 'less is gone than it paid for certain')
  const two = [suspect(0, 10_000, 1), suspect(5_000, 10_000, 2)]
  t.same(
    closed(two, 4),
    [
      [key(1), 10_000],
      [key(2), 10_000],
    ],
    'all at their most',
  )
  t.same(
    closed(two, 1),
    [
      [key(1), 0],
      [key(2), 5_000],
    ],
    'all at their least',
  )
  t.same(closed(two, 2), [], 'either may have paid it')
  t.same(
    closed([suspect(0, 10_000), atBank('held', 0, {key: key(2)})], 1),
    [],
    'a hold that is open may have paid it',
  )
  t.same(closed([suspect(0, 10_000), atBank('completed', 10_000, {key: key(2)})], 3), [[key(1), 5_000]])
})

t.test('who agrees has no differences, and one lie is found', async t => {
  const seed = 7
  const paid = fc.array(fc.integer({min: 1, max: 40}), {minLength: 1, maxLength: 8})
  fc.assert(
    fc.property(paid, fc.nat(7), fc.constantFrom('host', 'journal', 'count'), (notes, at, liar) => {
      const lieAt = at % notes.length
      const host = notes.map((count, index) =>
        atBank('completed', 5_000 * (count + (liar === 'host' && index === lieAt ? 1 : 0)), {
          key: key(index + 1),
        }),
      )
      const journal = notes.map((count, index) =>
        inJournal(
          'completed',
          5_000 * (count + (liar === 'journal' && index === lieAt ? 1 : 0)),
          undefined,
          index + 1,
        ),
      )
      const gone = notes.reduce((sum, count) => sum + count, liar === 'count' ? 1 : 0)
      const unit = {...cassette(0), beforeCount: 1_000, countedCount: 1_000 - gone}
      const classes = compare(sourcesOf({host, journal, units: [unit]})).differences.map(each => each.class)
      const wanted = {host: ['host-over'], journal: ['host-short', 'cash-over'], count: ['cash-short']}[liar]
      return JSON.stringify(classes) === JSON.stringify(wanted)
    }),
    {seed, numRuns: 300},
  )
  t.pass(`no counterexample from seed ${seed}`)
})

const FOUND: Difference = {
  class: 'cash-short',
  subject: 'all',
  currency: 'EUR',
  leastMinor: minorUnits(5_000),
  mostMinor: minorUnits(5_000),
  explanation: 'fewer notes',
}
const AT = {atmId: 'ATM123', date: DATE, nowMs: epochMs(5)}

t.test('what a comparison finds again keeps its name, what it no longer finds is gone', async t => {
  const [first] = changesOf([FOUND], [], AT)
  t.match(first, {id: `ATM123:${DATE}:cash-short:all`, state: 'open', foundAtMs: 5})
  if (first === undefined) return
  const later = {...AT, nowMs: epochMs(9)}
  t.match(changesOf([FOUND], [first], later), [{id: first.id, state: 'open', foundAtMs: 5}])
  t.match(changesOf([], [first], later), [{id: first.id, state: 'gone'}])
  t.match(changesOf([FOUND], [{...first, state: 'gone'}], later), [{id: first.id, state: 'open'}])
})

t.test('what a person resolved stays so, and only what is beyond it is open', async t => {
  const resolved: KnownDifference = {
    ...FOUND,
    id: `ATM123:${DATE}:cash-short:all`,
    atmId: 'ATM123',
    date: DATE,
    state: 'resolved',
    foundAtMs: epochMs(5),
    resolution: {action: 'write-off', by: 'sue', reason: 'counted twice', atMs: epochMs(6)},
  }
  t.same(changesOf([FOUND], [resolved], AT), [])
  t.same(changesOf([], [resolved], AT), [])
  const more = {...FOUND, leastMinor: minorUnits(7_000), mostMinor: minorUnits(7_000)}
  t.match(changesOf([more], [resolved], AT), [
    {id: `${resolved.id}:2`, state: 'open', leastMinor: 2_000, mostMinor: 2_000},
  ])
})
