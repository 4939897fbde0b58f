/** How much, how often, and what looks wrong: the bank's policy as data. */
import type {Rule} from './rules.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'

/** Of withdrawals at machines, in one window. Amounts are in the minor units of the account's own currency. */
export interface Limit {
  readonly amountMinorMax: Minor
  readonly countMax: number
}

export interface Policy {
  /** Of one card in one day (UTC). */
  readonly cardDay: Limit | null
  /** Of one account in one day, whatever card. */
  readonly accountDay: Limit | null
  /** Of one machine in one hour. */
  readonly machineHour: Limit | null
  /** More than this at once needs a second proof of who stands there. */
  readonly stepUpAboveMinor: Minor | null
  readonly rules: readonly Rule[]
}

/** Nothing is limited and nobody watched: for tests and simulations of something else. */
export const NO_POLICY: Policy = {
  cardDay: null,
  accountDay: null,
  machineHour: null,
  stepUpAboveMinor: null,
  rules: [],
}

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** Chosen, all of it: a bank sets its own. What holds is what an honest customer hardly ever does. */
export const DEFAULT_POLICY: Policy = {
  cardDay: {amountMinorMax: minorUnits(5_000_00), countMax: 50},
  accountDay: {amountMinorMax: minorUnits(10_000_00), countMax: 100},
  machineHour: {amountMinorMax: minorUnits(100_000_00), countMax: 400},
  stepUpAboveMinor: minorUnits(1_000_00),
  rules: [
    {
      name: 'velocity',
      of: 'card',
      kind: 'count',
      fact: 'approved',
      withinMs: HOUR_MS,
      countMax: 10,
      holds: false,
    },
    {
      name: 'wrong-pins',
      of: 'card',
      kind: 'count',
      fact: 'pin-wrong',
      withinMs: DAY_MS,
      countMax: 5,
      holds: true,
    },
    {
      name: 'reversals',
      of: 'card',
      kind: 'count',
      fact: 'reversed',
      withinMs: DAY_MS,
      countMax: 3,
      holds: false,
    },
    // An airliner flies at 900 km/h.
    {name: 'travel', of: 'card', kind: 'travel', withinMs: DAY_MS, kmPerHourMax: 900, kmMin: 50, holds: true},
    {
      name: 'unfinished-card',
      of: 'card',
      kind: 'unfinished',
      withinMs: DAY_MS,
      afterMs: HOUR_MS,
      countMax: 1,
      holds: false,
    },
    {
      name: 'unfinished-machine',
      of: 'machine',
      kind: 'unfinished',
      withinMs: DAY_MS,
      afterMs: HOUR_MS,
      countMax: 2,
      holds: false,
    },
  ],
}
