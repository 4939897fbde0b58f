/**
 * The note mix: which notes of which cassettes make an amount. A mix is found whenever one exists, and among
 * the mixes that exist the policy's best one: nothing here is greedy.
 *
 * How: cassettes of one denomination are pooled; amounts are counted in units of the greatest common divisor of
 * the denominations; one bounded-coin table tells the fewest notes for every amount near the wanted one. The
 * table stays small for any amount, because most notes of a large mix are settled beforehand (see `nearIdeal`).
 * Everything else (policies, notes kept back, nearest amounts) is a question to that table, since "payable"
 * means "the fewest notes are at most notesMax" and that can only turn from no to yes as more notes are allowed.
 *
 * Cost of one table, with m denominations and D the largest one in units: O(m * min(amount, m * D^2)) steps,
 * whatever the stock. `fewestNotes` needs one table, `balanceCassettes` about twenty (a bisection), a refused
 * amount two, and `keep` about twelve more when the notes to keep are needed after all.
 */
import {assert, present} from '../kit/assert.ts'
import {minorUnits, noteCount} from '../kit/money.ts'
import type {Minor} from '../kit/money.ts'
import type {CassetteLevel, CassetteNotes, Mix} from './vocabulary.ts'

/**
 * `fewestNotes`: no other mix has fewer notes.
 * `balanceCassettes`: the largest fraction that any cassette loses of the notes in it is as small as any mix can
 * make it; among those mixes, the fewest notes.
 */
export type MixPolicy = 'fewestNotes' | 'balanceCassettes'

export interface MixLimits {
  /** Most notes in one withdrawal, over all its bunches. */
  readonly notesMax: number
  /** Most notes of one cassette in one bunch. */
  readonly notesPerCassetteMax: number
  /** Most notes in one bunch. */
  readonly notesPerBunchMax: number
  readonly policy: MixPolicy
  /**
   * Notes of the smallest denomination that should stay inside, for amounts that only they can make. Before the
   * policy, as few as possible of those kept are used; an amount that needs them is paid all the same.
   */
  readonly keep?: number
}

/** `none`: no mix exists; the nearest amounts that have one, or null where there is none on that side (zero does not count). */
export type MixPlan =
  | {readonly kind: 'mix'; readonly mix: Mix}
  | {readonly kind: 'none'; readonly below: Minor | null; readonly above: Minor | null}

/** The most cassettes of any supported machine, and notes of one cassette (thick cassettes hold about 3,000). */
const CASSETTES_MAX = 32
const NOTES_MAX = 50_000

/** The notes of one denomination, over all the cassettes that hold it. `unitCount` is the denomination in units. */
interface Pool {
  readonly unitCount: number
  readonly stock: number
  readonly cassettes: readonly CassetteNotes[]
}

interface Stock {
  /** The greatest common divisor of the denominations. */
  readonly unitMinor: number
  /** Largest denomination first; never empty. */
  readonly pools: readonly Pool[]
}

/**
 * The notes for this amount.
 * @param amountMinor above zero
 * @returns the same mix for the same arguments, always; cassettes in the order of `levels`. Only `ok` cassettes are used.
 */
export function planMix(amountMinor: Minor, levels: readonly CassetteLevel[], limits: MixLimits): MixPlan {
  assert(amountMinor > 0, `an amount of ${amountMinor} has no notes`)
  const stock = stockOf(levels)
  if (stock === null) return {kind: 'none', below: null, above: null}
  const counts = chosenCounts(amountMinor, stock, limits)
  if (counts === null) return {kind: 'none', ...nearest(amountMinor, stock, limits.notesMax)}
  const mix = levels.flatMap(({cassette, noteMinor}) => {
    const count = counts.get(cassette) ?? 0
    return count === 0 ? [] : [{cassette, noteMinor, count: noteCount(count)}]
  })
  const sum = mix.reduce((total, notes) => total + notes.noteMinor * notes.count, 0)
  assert(sum === amountMinor, `a mix of ${sum} was planned for ${amountMinor}`)
  return {kind: 'mix', mix}
}

/** Those of the wished amounts that can be paid now, in the order wished. */
export function fastAmounts(
  levels: readonly CassetteLevel[],
  limits: MixLimits,
  wishes: readonly Minor[],
): readonly Minor[] {
  const stock = stockOf(levels)
  if (stock === null) return []
  const stocks = stock.pools.map(pool => pool.stock)
  return wishes.filter(wish => fewest(wish, stock, stocks, limits.notesMax) !== null)
}

/** Every payable amount is a multiple of this: the greatest common divisor of the notes that can be paid out; null when there are none. */
export function multipleOf(levels: readonly CassetteLevel[]): Minor | null {
  const stock = stockOf(levels)
  return stock === null ? null : minorUnits(stock.unitMinor)
}

/** The largest amount that can be paid now; zero when nothing can. */
export function mostPayable(levels: readonly CassetteLevel[], limits: MixLimits): Minor {
  const stock = stockOf(levels)
  return minorUnits(stock === null ? 0 : mostUnits(stock, limits.notesMax) * stock.unitMinor)
}

/**
 * Splits a mix into dispense orders: as few as the limits allow, of nearly equal size.
 *
 * The notes, laid out cassette by cassette, are dealt like cards to so many bunches that the average fits. Dealing
 * spreads both the whole and each cassette's share evenly, so no bunch can exceed a limit that the average keeps.
 */
export function bunches(mix: Mix, notesPerBunchMax: number, notesPerCassetteMax: number): readonly Mix[] {
  assert(notesPerBunchMax >= 1 && notesPerCassetteMax >= 1, 'a bunch must have room for a note')
  const total = mix.reduce((sum, notes) => sum + notes.count, 0)
  const bunchCount = Math.max(
    Math.ceil(total / notesPerBunchMax),
    ...mix.map(notes => Math.ceil(notes.count / notesPerCassetteMax)),
  )
  return Array.from({length: bunchCount}, (_, bunch) => {
    let dealt = 0
    return mix.flatMap(notes => {
      // Of the cards dealt.. to dealt + count, those whose place modulo bunchCount is this bunch.
      const upTo = (end: number) => Math.floor((end - bunch + bunchCount - 1) / bunchCount)
      const share = upTo(dealt + notes.count) - upTo(dealt)
      dealt += notes.count
      return share === 0 ? [] : [{...notes, count: noteCount(share)}]
    })
  })
}

function stockOf(levels: readonly CassetteLevel[]): Stock | null {
  assert(levels.length <= CASSETTES_MAX, `${levels.length} cassettes are more than ${CASSETTES_MAX}`)
  assert(new Set(levels.map(level => level.cassette)).size === levels.length, 'a cassette is listed twice')
  const usable = levels.filter(level => level.state === 'ok' && level.count > 0)
  for (const {cassette, noteMinor, count} of usable)
    assert(
      Number.isSafeInteger(noteMinor) && noteMinor > 0 && noteCount(count) <= NOTES_MAX,
      `cassette ${cassette} holds ${count} notes of ${noteMinor}`,
    )
  const unitMinor = usable.reduce((divisor, level) => gcd(divisor, level.noteMinor), 0)
  if (unitMinor === 0) return null
  const denominations = [...new Set(usable.map(level => level.noteMinor))].sort((a, b) => b - a)
  const pools = denominations.map(noteMinor => {
    const cassettes = usable.filter(level => level.noteMinor === noteMinor)
    const stock = cassettes.reduce((sum, level) => sum + level.count, 0)
    return {unitCount: noteMinor / unitMinor, stock, cassettes}
  })
  return {unitMinor, pools}
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}

/** Notes by cassette, the best by `keep`, then by policy; null when no mix exists. */
function chosenCounts(
  amountMinor: number,
  stock: Stock,
  limits: MixLimits,
): ReadonlyMap<number, number> | null {
  const plan = (caps: readonly number[]) => fewest(amountMinor, stock, caps, limits.notesMax)
  const caps = keptBack(stock, limits.keep ?? 0, plan)
  if (caps === null) return null
  const counts = present(plan(caps), 'the mix that the caps allow')
  if (limits.policy === 'fewestNotes') return fromFullest(stock, counts)
  return fromEvenly(stock, balanced(stock, caps, counts, plan))
}

/** Fewest notes under caps by pool, as counts by pool; null when the caps allow no mix. */
type Plan = (caps: readonly number[]) => readonly number[] | null

/** The caps by pool that spare as many of the kept notes as the amount allows; null when there is no mix at all. */
function keptBack(stock: Stock, keep: number, plan: Plan): readonly number[] | null {
  const stocks = stock.pools.map(pool => pool.stock)
  const withSmallest = (cap: number) => stocks.with(-1, cap)
  const all = present(stocks.at(-1), 'the smallest denomination')
  const spared = Math.max(0, all - keep)
  if (plan(withSmallest(spared)) !== null) return withSmallest(spared)
  if (plan(stocks) === null) return null
  let tooFew = spared
  let enough = all
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2)
    if (plan(withSmallest(middle)) === null) tooFew = middle
    else enough = middle
  }
  return withSmallest(enough)
}

/** Counts by pool of the fewest notes among the mixes whose largest fraction of a cassette is smallest. */
function balanced(
  stock: Stock,
  caps: readonly number[],
  first: readonly number[],
  plan: Plan,
): readonly number[] {
  // Fractions as whole numbers of 1/scale. Two different fractions of two cassettes are further apart than
  // that, so the smallest number that works allows exactly what the smallest fraction allows.
  const largest = Math.max(...stock.pools.flatMap(pool => pool.cassettes.map(notes => notes.count)))
  const scale = largest * largest + 1
  const capsAt = (fraction: number) =>
    stock.pools.map((pool, at) =>
      Math.min(
        present(caps[at], 'the cap'),
        pool.cassettes.reduce((sum, notes) => sum + Math.floor((notes.count * fraction) / scale), 0),
      ),
    )
  let best = first
  let tooSmall = 0
  let works = scale
  while (works - tooSmall > 1) {
    const middle = Math.floor((tooSmall + works) / 2)
    const counts = plan(capsAt(middle))
    if (counts === null) tooSmall = middle
    else [works, best] = [middle, counts]
  }
  return best
}

/** Each pool's notes from its fullest cassette first, so that the cassettes of one denomination even out. */
function fromFullest(stock: Stock, counts: readonly number[]): ReadonlyMap<number, number> {
  const taken = new Map<number, number>()
  stock.pools.forEach((pool, at) => {
    let rest = present(counts[at], 'the count')
    for (const notes of pool.cassettes.toSorted((a, b) => b.count - a.count)) {
      const share = Math.min(rest, notes.count)
      taken.set(notes.cassette, share)
      rest -= share
    }
  })
  return taken
}

/** Each pool's notes one by one from the cassette that loses the smallest fraction by it, the first of equals. */
function fromEvenly(stock: Stock, counts: readonly number[]): ReadonlyMap<number, number> {
  const taken = new Map<number, number>()
  stock.pools.forEach((pool, at) => {
    for (let rest = present(counts[at], 'the count'); rest > 0; rest--) {
      // Cross-multiplied, so that no fraction is ever rounded.
      const next = pool.cassettes.reduce((a, b) =>
        ((taken.get(b.cassette) ?? 0) + 1) * a.count < ((taken.get(a.cassette) ?? 0) + 1) * b.count ? b : a,
      )
      taken.set(next.cassette, (taken.get(next.cassette) ?? 0) + 1)
    }
  })
  return taken
}

/**
 * The nearest payable amounts. The largest notes, put down one after the other, make payable sums no further apart than the
 * largest denomination, up to the most that can be paid: so one table that reaches that far each way has the answer.
 */
function nearest(
  amountMinor: number,
  stock: Stock,
  notesMax: number,
): {below: Minor | null; above: Minor | null} {
  const {unitMinor, pools} = stock
  const stocks = pools.map(pool => pool.stock)
  const mostOf = mostUnits(stock, notesMax)
  const largest = present(pools[0], 'the largest denomination').unitCount
  const from = Math.min(Math.floor(amountMinor / unitMinor), mostOf)
  const table = coinTable(from, largest, pools, stocks)
  const isPayable = (units: number) => table.notesFor(units) <= notesMax
  let below = from
  while (below > 0 && !isPayable(below)) below--
  let above = from + 1
  while (above <= mostOf && !isPayable(above)) above++
  return {
    below: below > 0 ? minorUnits(below * unitMinor) : null,
    above: above <= mostOf ? minorUnits(above * unitMinor) : null,
  }
}

/** The most that can be paid, in units: the notesMax largest notes. */
function mostUnits({pools}: Stock, notesMax: number): number {
  let room = notesMax
  return pools.reduce((sum, pool) => {
    const count = Math.min(room, pool.stock)
    room -= count
    return sum + count * pool.unitCount
  }, 0)
}

/** Counts by pool of the mix with the fewest notes, of several such the one with more large notes; null when none is within the caps and notesMax. */
function fewest(
  amountMinor: number,
  {unitMinor, pools}: Stock,
  caps: readonly number[],
  notesMax: number,
): readonly number[] | null {
  if (amountMinor <= 0 || amountMinor % unitMinor !== 0) return null
  const units = amountMinor / unitMinor
  if (pools.reduce((sum, pool, at) => sum + pool.unitCount * present(caps[at], 'the cap'), 0) < units)
    return null
  const table = coinTable(units, 0, pools, caps)
  return table.notesFor(units) <= notesMax ? table.countsFor(units) : null
}

/** "No mix": larger than any count of notes, small enough to add to. */
const NO_MIX = 2 ** 30

interface CoinTable {
  /** Fewest notes for an amount within the reach, NO_MIX when there is no mix. */
  notesFor(units: number): number
  /** Their counts by pool. */
  countsFor(units: number): readonly number[]
}

/** The fewest notes for every amount of `units` plus or minus `reach`. */
function coinTable(units: number, reach: number, pools: readonly Pool[], caps: readonly number[]): CoinTable {
  const {settled, open} = nearIdeal(units, reach, pools, caps)
  const settledUnits = pools.reduce((sum, pool, at) => sum + pool.unitCount * (settled[at] ?? 0), 0)
  const settledNotes = settled.reduce((sum, count) => sum + count, 0)
  const length = units + reach - settledUnits + 1
  // layers[i][u]: the fewest notes of the pools from i on that make u.
  let layer = new Int32Array(length).fill(NO_MIX)
  layer[0] = 0
  const layers = [layer]
  for (let at = pools.length - 1; at >= 0; at--) {
    layer = withPool(layer, present(pools[at], 'the pool').unitCount, open[at] ?? 0)
    layers.unshift(layer)
  }
  const notesAt = (at: number, rest: number) => layers[at]?.[rest] ?? NO_MIX
  return {
    notesFor: wanted => Math.min(NO_MIX, notesAt(0, wanted - settledUnits) + settledNotes),
    countsFor(wanted) {
      let rest = wanted - settledUnits
      return pools.map((pool, at) => {
        const least = notesAt(at, rest)
        let count = Math.min(open[at] ?? 0, Math.floor(rest / pool.unitCount))
        while (count > 0 && notesAt(at + 1, rest - count * pool.unitCount) + count !== least) count--
        rest -= count * pool.unitCount
        return count + (settled[at] ?? 0)
      })
    },
  }
}

/**
 * One more denomination: for each amount the best number of its notes, 0 to `cap`, on top of what `before` can do.
 * Amounts of one remainder form a row in which the best source slides along; a queue holds the sources that can
 * still become the best, so each amount is looked at a constant number of times, whatever the cap.
 */
function withPool(before: Int32Array, unitCount: number, cap: number): Int32Array<ArrayBuffer> {
  const after = Int32Array.from(before)
  if (cap === 0) return after
  const steps = Math.ceil(before.length / unitCount)
  const queuedStep = new Int32Array(steps)
  const queuedNotes = new Int32Array(steps)
  for (let remainder = 0; remainder < unitCount && remainder < before.length; remainder++) {
    let head = 0
    let tail = 0
    for (let step = 0, at = remainder; at < before.length; step++, at += unitCount) {
      const notes = before[at] ?? NO_MIX
      if (notes < NO_MIX) {
        while (tail > head && (queuedNotes[tail - 1] ?? 0) >= notes - step) tail--
        queuedStep[tail] = step
        queuedNotes[tail++] = notes - step
      }
      if (head < tail && (queuedStep[head] ?? 0) < step - cap) head++
      after[at] = head < tail ? (queuedNotes[head] ?? 0) + step : NO_MIX
    }
  }
  return after
}

/**
 * How many notes of each pool can be settled beforehand, and how many are then open to choice.
 *
 * Let z be the mix that takes the largest notes first and cuts the last note to fit: it has the fewest notes if cutting were
 * allowed. Claim: some best real mix x differs from z by less than 2D notes in every pool, D being the largest
 * denomination in units. Take the best x nearest to z. Its whole-note differences from z are steps of plus or minus a
 * denomination that sum to less than D either way, and can be ordered so that the running sum stays above -D and not
 * above D: 2D values. With 2D steps or more one value would come twice, and the steps between sum to zero. Undoing them in x
 * keeps its amount and its bounds, brings it nearer to z, and costs nothing (else doing them in z would make z
 * cheaper, which z excludes): a contradiction. For an amount `reach` away, z itself moves by up to `reach` notes more.
 */
function nearIdeal(
  units: number,
  reach: number,
  pools: readonly Pool[],
  caps: readonly number[],
): {readonly settled: readonly number[]; readonly open: readonly number[]} {
  const spread = 2 * present(pools[0], 'the largest denomination').unitCount + reach + 1
  const settled: number[] = []
  const open: number[] = []
  let rest = units
  pools.forEach((pool, at) => {
    const cap = present(caps[at], 'the cap')
    const whole = Math.min(cap, Math.floor(rest / pool.unitCount))
    rest = whole < cap ? 0 : rest - whole * pool.unitCount
    const least = Math.max(0, whole - spread)
    settled.push(least)
    open.push(Math.min(cap, whole + 1 + spread) - least)
  })
  return {settled, open}
}
