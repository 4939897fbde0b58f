/**
 * What looks wrong, as data, and whether it does, as a pure function: from facts about one card or one
 * machine to the rules that they break. It moves no money and asks nobody.
 */
import type {EpochMs} from '../../kit/clock.ts'

/** `verified`: card and PIN were right; the rest is of a withdrawal, by its operation's key. */
export const FACT_KINDS = ['verified', 'pin-wrong', 'approved', 'completed', 'reversed', 'suspect'] as const
export type FactKind = (typeof FACT_KINDS)[number]

/** WGS 84, in millionths of a degree. */
export interface Place {
  readonly latitudeMicro: number
  readonly longitudeMicro: number
}

export interface Fact {
  readonly kind: FactKind
  readonly cardId: string
  readonly atmId: string
  /** Of the operation or verification that it is about. */
  readonly key: string
  readonly atMs: EpochMs
  /** Of the machine; null when the bank does not know it. */
  readonly place: Place | null
}

interface RuleBase {
  readonly name: string
  /** Whose facts it looks at. */
  readonly of: 'card' | 'machine'
  readonly withinMs: number
  /** The card is held with the alert, until somebody closes it. */
  readonly holds: boolean
}

export type Rule =
  /** More than `countMax` such facts. */
  | (RuleBase & {readonly kind: 'count'; readonly fact: FactKind; readonly countMax: number})
  /** Two facts at places that nobody goes between so fast; nearer than `kmMin` never counts. */
  | (RuleBase & {readonly kind: 'travel'; readonly kmPerHourMax: number; readonly kmMin: number})
  /** More than `countMax` approvals older than `afterMs` of which nobody said what became. */
  | (RuleBase & {readonly kind: 'unfinished'; readonly afterMs: number; readonly countMax: number})

export interface Alarm {
  readonly rule: Rule
  /** For the one who looks at it. */
  readonly why: string
}

/** @param facts of one card or one machine, in any order */
export function alarmsOf(rules: readonly Rule[], facts: readonly Fact[], nowMs: EpochMs): readonly Alarm[] {
  return rules.flatMap(rule => {
    const why = whyBroken(
      rule,
      facts.filter(({atMs}) => nowMs - atMs <= rule.withinMs),
      nowMs,
    )
    return why === null ? [] : [{rule, why}]
  })
}

function whyBroken(rule: Rule, facts: readonly Fact[], nowMs: EpochMs): string | null {
  switch (rule.kind) {
    case 'count': {
      const count = facts.filter(({kind}) => kind === rule.fact).length
      return count > rule.countMax ? `${count} times ${rule.fact} in ${minutes(rule.withinMs)} minutes` : null
    }
    case 'unfinished': {
      const told = new Set(facts.filter(isOutcome).map(({key}) => key))
      const count = facts.filter(
        ({kind, key, atMs}) => kind === 'approved' && !told.has(key) && nowMs - atMs > rule.afterMs,
      ).length
      return count > rule.countMax
        ? `${count} approvals without an outcome after ${minutes(rule.afterMs)} minutes`
        : null
    }
    case 'travel':
      return impossibleTravel(rule, facts)
  }
}

function isOutcome({kind}: Fact): boolean {
  return kind === 'completed' || kind === 'reversed' || kind === 'suspect'
}

/** Where a card was seen: a right PIN or a wrong one says where it is, an advice may come hours later. */
function impossibleTravel(
  {kmPerHourMax, kmMin}: Extract<Rule, {kind: 'travel'}>,
  facts: readonly Fact[],
): string | null {
  const seen = facts
    .filter(({kind, place}) => (kind === 'verified' || kind === 'pin-wrong') && place !== null)
    .sort((left, right) => left.atMs - right.atMs)
  for (const [index, after] of seen.entries()) {
    const before = seen[index - 1]
    if (before === undefined || before.place === null || after.place === null) continue
    const km = kmBetween(before.place, after.place)
    const hours = (after.atMs - before.atMs) / 3_600_000
    if (km >= kmMin && km > kmPerHourMax * hours)
      return `${Math.round(km)} km from ${before.atmId} to ${after.atmId} in ${minutes(after.atMs - before.atMs)} minutes`
  }
  return null
}

/** Mean radius of the earth (IUGG). */
const EARTH_KM = 6_371.0088

/** Along the surface, by the haversine formula; right to half a per cent, as the earth is no ball. */
export function kmBetween(from: Place, to: Place): number {
  const radians = (micro: number) => (micro / 1_000_000) * (Math.PI / 180)
  const latitude = radians(to.latitudeMicro - from.latitudeMicro)
  const longitude = radians(to.longitudeMicro - from.longitudeMicro)
  const chord =
    Math.sin(latitude / 2) ** 2 +
    Math.cos(radians(from.latitudeMicro)) * Math.cos(radians(to.latitudeMicro)) * Math.sin(longitude / 2) ** 2
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(chord)))
}

function minutes(ms: number): number {
  return Math.round(ms / 60_000)
}
