/** The note mix against brute force: every amount of thousands of small machines, both policies, notes kept back. */
import fc from 'fast-check'
import t from 'tap'
import {bunches, fastAmounts, mostPayable, multipleOf, planMix} from '../../fsm/mix.ts'
import type {MixLimits} from '../../fsm/mix.ts'
import type {CassetteLevel, Mix} from '../../fsm/vocabulary.ts'
import {AssertionFailed} from '../../kit/assert.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'

type Shape = readonly [noteMinor: number, count: number, state?: CassetteLevel['state']]

function levelsOf(...shapes: readonly Shape[]): readonly CassetteLevel[] {
  return shapes.map(([noteMinor, count, state], at) => ({
    cassette: at + 1,
    noteMinor: minorUnits(noteMinor),
    count: noteCount(count),
    state: state ?? 'ok',
  }))
}

function limitsOf(over: Partial<MixLimits> = {}): MixLimits {
  return {notesMax: 40, notesPerCassetteMax: 40, notesPerBunchMax: 40, policy: 'fewestNotes', ...over}
}

/** `1:2x1000 3:1x5000`, cassette, count and note. */
function shown(mix: Mix): string {
  return mix.map(notes => `${notes.cassette}:${notes.count}x${notes.noteMinor}`).join(' ')
}

function planned(amount: number, levels: readonly CassetteLevel[], limits: MixLimits): string {
  const plan = planMix(minorUnits(amount), levels, limits)
  return plan.kind === 'mix' ? shown(plan.mix) : `none ${plan.below ?? '-'} ${plan.above ?? '-'}`
}

const notesOf = (mix: Mix) => mix.reduce((sum, notes) => sum + notes.count, 0)
const sumOf = (mix: Mix) => mix.reduce((sum, notes) => sum + notes.count * notes.noteMinor, 0)

t.test('mixes a teller would make', t => {
  const levels = levelsOf([1000, 100], [2000, 100], [5000, 100])
  t.equal(planned(6000, levelsOf([2000, 9], [5000, 9]), limitsOf()), '1:3x2000', 'the greedy 50 fails for 60')
  t.equal(planned(8000, levels, limitsOf()), '1:1x1000 2:1x2000 3:1x5000')
  t.equal(planned(8000, levels, limitsOf({keep: 100})), '2:4x2000', 'the tens are kept')
  t.equal(planned(7000, levels, limitsOf({keep: 100})), '2:1x2000 3:1x5000')
  t.equal(planned(3000, levels, limitsOf({keep: 100})), '1:1x1000 2:1x2000', 'only a kept ten makes 30')
  t.equal(planned(6100, levels, limitsOf()), 'none 6000 7000')
  t.equal(planned(500, levels, limitsOf()), 'none - 1000')
  t.equal(planned(900000, levels, limitsOf()), 'none 200000 -', 'forty fifties are the most')
  const tied = levelsOf([1000, 50], [1000, 60], [1000, 60, 'suspect'], [2000, 9, 'out'])
  t.equal(planned(70000, tied, limitsOf({notesMax: 100})), '1:10x1000 2:60x1000', 'the fullest first')
  const even = limitsOf({notesMax: 100, policy: 'balanceCassettes'})
  t.equal(planned(66000, tied, even), '1:30x1000 2:36x1000', 'in proportion')
  t.equal(
    planned(10000, levelsOf([1000, 1000], [10000, 10]), even),
    '1:10x1000',
    'a full cassette spares an empty one',
  )
  t.equal(planned(1000, [], limitsOf()), 'none - -')
  t.equal(planned(1000, levelsOf([1000, 0], [1000, 5, 'out']), limitsOf()), 'none - -')
  t.end()
})

t.test('what the screen asks', t => {
  const levels = levelsOf([2000, 3], [5000, 2])
  const wishes = [1000, 2000, 3000, 5000, 6000, 9000, 15000, 16000, 18000].map(minorUnits)
  t.same(fastAmounts(levels, limitsOf(), wishes), [2000, 5000, 6000, 9000, 16000])
  t.same(fastAmounts(levels, limitsOf({notesMax: 2}), wishes), [2000, 5000])
  t.same(fastAmounts([], limitsOf(), wishes), [])
  t.equal(multipleOf(levels), 1000, 'the divisor, not the smallest note')
  t.equal(multipleOf(levelsOf([2000, 3], [5000, 2, 'suspect'])), 2000)
  t.equal(multipleOf(levelsOf([2000, 0])), null)
  t.equal(mostPayable(levels, limitsOf()), 16000)
  t.equal(mostPayable(levels, limitsOf({notesMax: 3})), 12000)
  t.equal(mostPayable([], limitsOf()), 0)
  t.throws(() => planMix(minorUnits(0), levels, limitsOf()), AssertionFailed)
  t.throws(() => planMix(minorUnits(-2000), levels, limitsOf()), AssertionFailed)
  t.throws(() => multipleOf([...levels, ...levels]), AssertionFailed, 'a cassette twice')
  t.end()
})

interface Way {
  readonly notes: number
  /** Kept notes used beyond what may be spared. */
  readonly short: number
  /** Largest fraction of a cassette, as [taken, of]. */
  readonly fraction: readonly [number, number]
}

/** Every way to take notes out, by amount. */
function everyWay(
  levels: readonly CassetteLevel[],
  notesMax: number,
  keep: number,
): ReadonlyMap<number, readonly Way[]> {
  const usable = levels.filter(level => level.state === 'ok' && level.count > 0)
  const smallest = Math.min(...usable.map(level => level.noteMinor))
  const smallStock = usable.reduce((sum, level) => sum + (level.noteMinor === smallest ? level.count : 0), 0)
  const ways = new Map<number, Way[]>()
  const walk = (
    at: number,
    sum: number,
    notes: number,
    small: number,
    fraction: readonly [number, number],
  ) => {
    const level = usable[at]
    if (level === undefined) {
      const short = Math.max(0, small - Math.max(0, smallStock - keep))
      if (notes > 0 && notes <= notesMax) ways.set(sum, [...(ways.get(sum) ?? []), {notes, short, fraction}])
      return
    }
    for (let count = 0; count <= level.count; count++) {
      const isLarger = count * fraction[1] > fraction[0] * level.count
      walk(
        at + 1,
        sum + count * level.noteMinor,
        notes + count,
        small + (level.noteMinor === smallest ? count : 0),
        isLarger ? [count, level.count] : fraction,
      )
    }
  }
  walk(0, 0, 0, 0, [0, 1])
  return ways
}

/** The first ways by kept notes, then by policy: below zero when `a` is better. */
function compared(a: Way, b: Way, policy: MixLimits['policy']): number {
  const fractions =
    policy === 'fewestNotes' ? 0 : a.fraction[0] * b.fraction[1] - b.fraction[0] * a.fraction[1]
  return a.short - b.short || fractions || a.notes - b.notes
}

/** What the mix is, in the terms of brute force; null when it takes what is not there. */
function wayOf(mix: Mix, levels: readonly CassetteLevel[], keep: number): Way | null {
  const usable = levels.filter(level => level.state === 'ok' && level.count > 0)
  const smallest = Math.min(...usable.map(level => level.noteMinor))
  const left = usable.reduce((sum, level) => sum + (level.noteMinor === smallest ? level.count : 0), 0)
  let small = 0
  let fraction: readonly [number, number] = [0, 1]
  for (const notes of mix) {
    const level = usable.find(one => one.cassette === notes.cassette)
    if (level?.noteMinor !== notes.noteMinor || notes.count < 1 || notes.count > level.count) return null
    if (notes.noteMinor === smallest) small += notes.count
    if (notes.count * fraction[1] > fraction[0] * level.count) fraction = [notes.count, level.count]
  }
  return {notes: notesOf(mix), short: Math.max(0, small - Math.max(0, left - keep)), fraction}
}

/** Checks every amount of one machine against brute force; says what is wrong, or null. */
function wrongWith(levels: readonly CassetteLevel[], limits: MixLimits): string | null {
  const keep = limits.keep ?? 0
  const ways = everyWay(levels, limits.notesMax, keep)
  const payable = [...ways.keys()].sort((a, b) => a - b)
  const most = payable.at(-1) ?? 0
  if (mostPayable(levels, limits) !== most) return `${most} is the most`
  for (let amount = 1; amount <= most + 12; amount++) {
    const plan = planMix(minorUnits(amount), levels, limits)
    const best = ways.get(amount)?.reduce((a, b) => (compared(b, a, limits.policy) < 0 ? b : a))
    if (plan.kind === 'none') {
      const below = payable.findLast(other => other < amount) ?? null
      const above = payable.find(other => other > amount) ?? null
      if (best !== undefined) return `${amount} has a mix`
      if (plan.below !== below || plan.above !== above)
        return `${amount} lies between ${below ?? '-'} and ${above ?? '-'}, not ${planned(amount, levels, limits)}`
    } else {
      const way = wayOf(plan.mix, levels, keep)
      if (best === undefined || way === null || sumOf(plan.mix) !== amount)
        return `${amount} is not ${shown(plan.mix)}`
      if (compared(way, best, limits.policy) !== 0)
        return `${shown(plan.mix)} is not the best for ${amount}: ${JSON.stringify(best)}`
    }
    if (shown(plan.kind === 'mix' ? plan.mix : []) !== shown(again(amount, levels, limits)))
      return `${amount} is planned in two ways`
  }
  const wishes = Array.from({length: most + 3}, (_, at) => minorUnits(at))
  return fastAmounts(levels, limits, wishes).join() === payable.join() ? null : 'the fast amounts are others'
}

/** The same question put with fresh objects. */
function again(amount: number, levels: readonly CassetteLevel[], limits: MixLimits): Mix {
  const plan = planMix(minorUnits(amount), structuredClone(levels), {...limits})
  return plan.kind === 'mix' ? plan.mix : []
}

t.test('brute force agrees, for small machines drawn at random', t => {
  const random = seededRandom('mix')
  for (let round = 0; round < 1500; round++) {
    const noteMax = [5, 12, 30][random.below(3)] ?? 5
    const levels = levelsOf(
      ...Array.from({length: 1 + random.below(4)}, (): Shape => {
        const state = (['ok', 'ok', 'ok', 'ok', 'suspect', 'out'] as const)[random.below(6)]
        return [1 + random.below(noteMax), random.below(6), state ?? 'ok']
      }),
    )
    const limits = limitsOf({
      notesMax: 1 + random.below(16),
      policy: random.below(2) === 0 ? 'fewestNotes' : 'balanceCassettes',
      ...(random.below(2) === 0 ? {keep: random.below(7)} : {}),
    })
    const wrong = wrongWith(levels, limits)
    if (wrong !== null) return t.fail(wrong, {round, levels: levels.map(level => shown([level])), limits})
  }
  t.pass('1500 machines, every amount')
  return t.end()
})

t.test('brute force agrees, shrunk by fast-check when it does not', t => {
  const shape = fc.tuple(fc.integer({min: 1, max: 20}), fc.integer({min: 0, max: 5}))
  fc.assert(
    fc.property(
      fc.array(shape, {minLength: 1, maxLength: 4}),
      fc.integer({min: 1, max: 20}),
      fc.constantFrom('fewestNotes' as const, 'balanceCassettes' as const),
      fc.integer({min: 0, max: 5}),
      (shapes, notesMax, policy, keep) =>
        wrongWith(levelsOf(...shapes), limitsOf({notesMax, policy, keep})) === null,
    ),
    {seed: 417, numRuns: 150},
  )
  t.pass('150 machines, every amount')
  t.end()
})

/** Fewest notes for every amount up to `most`, by the plainest table there is. */
function plainTable(levels: readonly CassetteLevel[], most: number): readonly number[] {
  let fewest = [0, ...Array.from({length: most}, () => Infinity)]
  for (const {noteMinor, count} of levels)
    for (let note = 0; note < count; note++)
      fewest = fewest.map((notes, amount) => Math.min(notes, (fewest[amount - noteMinor] ?? Infinity) + 1))
  return fewest
}

t.test('large machines, where most notes are settled beforehand', t => {
  const random = seededRandom('large')
  for (let round = 0; round < 40; round++) {
    // Full cassettes of small denominations: the ideal mix lies far from both ends of the table.
    const levels = levelsOf(
      ...Array.from({length: 2 + random.below(3)}, (): Shape => [2 + random.below(8), 20 + random.below(60)]),
    )
    const most = sumOf(levels)
    const table = plainTable(levels, most)
    const limits = limitsOf({notesMax: 40 + random.below(200)})
    const payable = table.map(notes => notes <= limits.notesMax)
    for (let amount = 1; amount <= most; amount++) {
      const plan = planMix(minorUnits(amount), levels, limits)
      if (plan.kind === 'mix') {
        if (notesOf(plan.mix) !== table[amount])
          return t.fail(`round ${round}: ${amount} by ${shown(plan.mix)}`)
        continue
      }
      const below = payable.lastIndexOf(true, amount)
      const above = payable.indexOf(true, amount)
      if (payable[amount] === true || (plan.below ?? 0) !== below || (plan.above ?? -1) !== above)
        return t.fail(
          `round ${round}: ${amount} is ${planned(amount, levels, limits)}, not ${below} ${above}`,
        )
    }
  }
  t.pass('40 machines, every amount')
  return t.end()
})

t.test('a machine filled to the brim', t => {
  const notes = [500, 1000, 2000, 5000, 10000, 20000, 50000, 50000]
  const levels = levelsOf(...notes.map((noteMinor): Shape => [noteMinor, 3000]))
  const limits = limitsOf({notesMax: 24_000})
  t.equal(planned(20_000 * 5000, levels, limits), '7:2000x50000')
  t.equal(planned(sumOf(levels), levels, limits), shown(levels), 'every note')
  t.equal(planned(sumOf(levels) - 500, levels, limits), shown(levels).replace('1:3000', '1:2999'))
  t.equal(planned(sumOf(levels) + 500, levels, limits), `none ${sumOf(levels)} -`)
  const even = planMix(minorUnits(sumOf(levels) / 3), levels, {...limits, policy: 'balanceCassettes'})
  t.equal(
    even.kind === 'mix' && shown(even.mix),
    shown(levels).replaceAll('3000x', '1000x'),
    'a third of each',
  )
  t.end()
})

t.test('bunches make up the mix, within their limits, and no fewer could', t => {
  const random = seededRandom('bunches')
  for (let round = 0; round < 3000; round++) {
    const mix = Array.from({length: 1 + random.below(5)}, (_, at) => ({
      cassette: at + 1,
      noteMinor: minorUnits(1000 * (at + 1)),
      count: noteCount(1 + random.below(60)),
    }))
    const perBunch = 1 + random.below(50)
    const perCassette = 1 + random.below(30)
    const split = bunches(mix, perBunch, perCassette)
    const least = Math.max(
      Math.ceil(notesOf(mix) / perBunch),
      ...mix.map(notes => Math.ceil(notes.count / perCassette)),
    )
    const rejoined = mix.map(notes => ({
      ...notes,
      count: noteCount(
        split.flat().reduce((sum, part) => sum + (part.cassette === notes.cassette ? part.count : 0), 0),
      ),
    }))
    const isWithin = split.every(
      bunch =>
        notesOf(bunch) >= 1 &&
        notesOf(bunch) <= perBunch &&
        bunch.every(notes => notes.count >= 1 && notes.count <= perCassette),
    )
    if (!isWithin || split.length !== least || shown(rejoined) !== shown(mix))
      return t.fail(`round ${round}`, {mix: shown(mix), split: split.map(shown), perBunch, perCassette})
  }
  t.same(bunches([], 40, 40), [])
  const mix = levelsOf([2000, 30], [5000, 30], [10000, 90])
  t.same(bunches(mix, 60, 30).map(shown), [
    '1:10x2000 2:10x5000 3:30x10000',
    '1:10x2000 2:10x5000 3:30x10000',
    '1:10x2000 2:10x5000 3:30x10000',
  ])
  t.same(bunches(levelsOf([2000, 3], [5000, 2]), 2, 2).map(shown), [
    '1:1x2000 2:1x5000',
    '1:1x2000 2:1x5000',
    '1:1x2000',
  ])
  return t.end()
})
