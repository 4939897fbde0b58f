/** Measuring: a figure beside its baseline, round after round, so that a busy machine slows both alike. */
import {realClock} from '../../kit/clock.ts'

/** One line of the table. */
export interface Row {
  readonly name: string
  readonly unit: 'ms' | 'MB' | 'kB' | 'commits' | 'kB/s' | 'frames/s' | '1/s'
  readonly value: number
  /** What it is measured against, in the same run; null for what is counted. */
  readonly baseline: {readonly name: string; readonly value: number; readonly ratio: number} | null
  /** What we want, in words: `1.15 x`. */
  readonly aim: string
  readonly isReached: boolean
  /** Of one of what is counted, in ms; of a rate alone. */
  readonly latency?: {readonly p50: number; readonly p99: number}
}

const clock = realClock()

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

/** How long the work took, in ms. */
export async function timed(work: () => Promise<void> | void): Promise<number> {
  const startMs = clock.monotonicMs()
  await work()
  return clock.monotonicMs() - startMs
}

/** A measurement that can be repeated; gives one value. */
export type Measure = () => Promise<number>

/**
 * Runs the measures in turn, `roundsCount` times, after one round that does not count.
 * @returns for each measure its values, round by round
 */
export async function interleaved<K extends string>(
  measures: Readonly<Record<K, Measure>>,
  roundsCount: number,
): Promise<Readonly<Record<K, readonly number[]>>> {
  const names = namesOf(measures)
  const values = new Map<K, number[]>(names.map(name => [name, []]))
  for (let round = 0; round <= roundsCount; round++) {
    for (const name of names) {
      const value = await measures[name]()
      if (round > 0) values.get(name)?.push(value)
    }
  }
  return recordOf(names, name => values.get(name) ?? [])
}

/** The row of a figure: medians of both sides, and the median of the rounds' own ratios. */
export function rowOf(
  about: {
    readonly name: string
    readonly unit: Row['unit']
    readonly against: string
    readonly ratioMax: number
  },
  values: readonly number[],
  baseline: readonly number[],
): Row {
  const ratio = median(values.map((value, round) => value / (baseline[round] ?? Number.NaN)))
  return {
    name: about.name,
    unit: about.unit,
    value: median(values),
    baseline: {name: about.against, value: median(baseline), ratio},
    aim: `${about.ratioMax} x`,
    isReached: ratio <= about.ratioMax,
  }
}

/** The row of a rate: the more the better. @param latencies in ms, of every one that was counted */
export function rateRow(
  about: {readonly name: string; readonly against: string; readonly ratioMin: number},
  values: readonly number[],
  baseline: readonly number[],
  latencies: readonly number[],
): Row {
  const ratio = median(values.map((value, round) => value / (baseline[round] ?? Number.NaN)))
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return {
    name: about.name,
    unit: '1/s',
    value: median(values),
    baseline: {name: about.against, value: median(baseline), ratio},
    aim: `above ${about.ratioMin} x`,
    isReached: ratio > about.ratioMin,
    latency: {p50: at(0.5), p99: at(0.99)},
  }
}

/** The row of something counted, or of a time with an aim of its own. */
export function plainRow(name: string, unit: Row['unit'], value: number, aimMax: number): Row {
  return {name, unit, value, baseline: null, aim: `${aimMax} ${unit}`, isReached: value <= aimMax}
}

function namesOf<K extends string>(record: Readonly<Record<K, unknown>>): readonly K[] {
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- the keys of a record literal are its key type
  return Object.keys(record) as K[]
}

function recordOf<K extends string, V>(names: readonly K[], valueOf: (name: K) => V): Readonly<Record<K, V>> {
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- one entry for each of the names
  return Object.fromEntries(names.map(name => [name, valueOf(name)])) as Record<K, V>
}
