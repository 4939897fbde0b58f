/** The rules alone: facts in, alarms out. */
import t from 'tap'
import {DEFAULT_POLICY} from '../../../host/guard/policy.ts'
import {alarmsOf, kmBetween} from '../../../host/guard/rules.ts'
import type {Fact, FactKind, Place, Rule} from '../../../host/guard/rules.ts'
import {epochMs} from '../../../kit/clock.ts'

const NOW_MS = epochMs(1_795_345_200_000)
const MINUTE_MS = 60_000
const BERLIN: Place = {latitudeMicro: 52_520_008, longitudeMicro: 13_404_954}
const PARIS: Place = {latitudeMicro: 48_856_613, longitudeMicro: 2_352_222}

let nextKey = 0
function fact(kind: FactKind, minutesAgo: number, more: Partial<Fact> = {}): Fact {
  return {
    kind,
    cardId: 'c1',
    atmId: 'ATM123',
    key: `k${nextKey++}`,
    atMs: epochMs(NOW_MS - minutesAgo * MINUTE_MS),
    place: null,
    ...more,
  }
}

function many(kind: FactKind, count: number, minutesAgo = 1): readonly Fact[] {
  return Array.from({length: count}, () => fact(kind, minutesAgo))
}

function broken(rule: Rule, facts: readonly Fact[]): boolean {
  return alarmsOf([rule], facts, NOW_MS).length === 1
}

const base = {name: 'r', of: 'card', holds: false, withinMs: 60 * MINUTE_MS} as const

t.test('a count: one more than may be, in the window, of that kind', async t => {
  const rule: Rule = {...base, kind: 'count', fact: 'approved', countMax: 3}
  t.equal(broken(rule, many('approved', 3)), false)
  t.equal(broken(rule, many('approved', 4)), true)
  t.equal(broken(rule, [...many('approved', 3), ...many('reversed', 9)]), false, 'another kind')
  t.equal(broken(rule, [...many('approved', 3), fact('approved', 60)]), true, 'at the window’s edge')
  t.equal(broken(rule, [...many('approved', 3), fact('approved', 60.01)]), false, 'outside')
})

t.test('an approval of which nobody says what became', async t => {
  const rule: Rule = {...base, kind: 'unfinished', afterMs: 10 * MINUTE_MS, countMax: 0}
  const approved = fact('approved', 11)
  t.equal(broken(rule, [approved]), true)
  t.equal(broken(rule, [fact('approved', 10)]), false, 'young yet')
  for (const kind of ['completed', 'reversed', 'suspect'] as const)
    t.equal(broken(rule, [approved, fact(kind, 1, {key: approved.key})]), false, kind)
  t.equal(broken(rule, [approved, fact('completed', 1)]), true, 'the outcome of another')
  t.equal(broken(rule, [approved, fact('verified', 1, {key: approved.key})]), true)
})

t.test('nobody is in Berlin and in Paris within the hour', async t => {
  // Berlin to Paris along the surface: 878 km (WGS 84, half a per cent either way).
  const km = kmBetween(BERLIN, PARIS)
  t.ok(km > 873 && km < 883, `${km} km`)
  t.equal(kmBetween(BERLIN, BERLIN), 0)
  const half = kmBetween(
    {latitudeMicro: 0, longitudeMicro: -90_000_000},
    {latitudeMicro: 0, longitudeMicro: 90_000_000},
  )
  t.ok(Math.abs(half - 20_015) < 1, `half around: ${half} km`)
  const rule: Rule = {...base, withinMs: 1_440 * MINUTE_MS, kind: 'travel', kmPerHourMax: 900, kmMin: 50}
  const berlin = (minutesAgo: number, kind: FactKind = 'verified') => fact(kind, minutesAgo, {place: BERLIN})
  const paris = (minutesAgo: number, kind: FactKind = 'verified') =>
    fact(kind, minutesAgo, {place: PARIS, atmId: 'ATM999'})
  t.equal(broken(rule, [berlin(30), paris(1)]), true)
  t.equal(broken(rule, [paris(1), berlin(30)]), true, 'in any order')
  t.equal(broken(rule, [berlin(80), paris(1)]), false, 'a flight')
  t.equal(broken(rule, [berlin(80), berlin(40), paris(1)]), true, 'between neighbours in time')
  t.equal(broken(rule, [berlin(30, 'pin-wrong'), paris(1)]), true, 'a thief who guesses counts')
  t.equal(broken(rule, [berlin(30), paris(1, 'completed')]), false, 'an advice may be late')
  t.equal(broken(rule, [fact('verified', 30), paris(1)]), false, 'a machine of no known place')
  const near = {latitudeMicro: BERLIN.latitudeMicro + 300_000, longitudeMicro: BERLIN.longitudeMicro}
  t.equal(broken(rule, [berlin(1), fact('verified', 0.5, {place: near})]), false, '33 km count never')
})

t.test('every rule says what it saw, and the bank’s own are silent about a quiet customer', async t => {
  const [alarm] = alarmsOf(DEFAULT_POLICY.rules, many('approved', 11), NOW_MS)
  t.match(alarm, {rule: {name: 'velocity'}, why: '11 times approved in 60 minutes'})
  const quiet = [fact('verified', 5), fact('approved', 4, {key: 'q'}), fact('completed', 3, {key: 'q'})]
  t.same(alarmsOf(DEFAULT_POLICY.rules, quiet, NOW_MS), [])
  const names = DEFAULT_POLICY.rules.map(({name}) => name)
  t.equal(new Set(names).size, names.length, 'a name is one rule’s')
})
