/**
 * How much and how often at machines. What a withdrawal uses of its limits is counted in its own
 * transaction, on rows that nobody else counts in meanwhile; what was not paid is given back with the advice
 * that says so, to the same windows.
 */
import type {Limit, Policy} from './policy.ts'
import type {Tx} from '../store/port.ts'
import {isoTime} from '../../kit/clock.ts'
import type {EpochMs} from '../../kit/clock.ts'

/** ISO 8583, field 39: 61 exceeds the amount, 65 exceeds the frequency. */
const TOO_MUCH = '61'
const TOO_OFTEN = '65'

/** A withdrawal as its limits see it. */
export interface LimitedUse {
  readonly cardId: string
  readonly accountId: string
  readonly atmId: string
  /** When it was asked for: which windows it counts in. */
  readonly askedAtMs: EpochMs
}

/** Uses `amountMinor` once of every limit; or nothing of any, and the response code. */
export async function useLimits(
  tx: Tx,
  policy: Policy,
  use: LimitedUse,
  amountMinor: number,
): Promise<string | null> {
  const used: (readonly [key: string, by: number])[] = []
  for (const {key, by, most, code} of windowsOf(policy, use, amountMinor)) {
    if ((await tx.limits.use(key, by, most)) === 'within') {
      used.push([key, by])
      continue
    }
    for (const [before, back] of used) await tx.limits.use(before, 0 - back, Number.MAX_SAFE_INTEGER)
    return code
  }
  return null
}

/** Gives back what was not paid; the whole of it with the count. */
export async function giveBackLimits(
  tx: Tx,
  policy: Policy,
  use: LimitedUse,
  amountMinor: number,
  isWhole: boolean,
): Promise<void> {
  for (const {key, by, code} of windowsOf(policy, use, amountMinor))
    if (isWhole || code === TOO_MUCH) await tx.limits.use(key, 0 - by, Number.MAX_SAFE_INTEGER)
}

/** Names of the rows in which the policy counts that use. */
export function limitsOf(policy: Policy, use: LimitedUse): readonly string[] {
  return windowsOf(policy, use, 0).map(({key}) => key)
}

function windowsOf(policy: Policy, {cardId, accountId, atmId, askedAtMs}: LimitedUse, amountMinor: number) {
  const moment = isoTime(askedAtMs)
  const day = moment.slice(0, 10)
  const hour = moment.slice(0, 13)
  // In one order always, as rows are locked in it.
  return [
    ...windowsIn(policy.accountDay, `account:${accountId}:${day}`, amountMinor),
    ...windowsIn(policy.cardDay, `card:${cardId}:${day}`, amountMinor),
    ...windowsIn(policy.machineHour, `machine:${atmId}:${hour}`, amountMinor),
  ]
}

function windowsIn(limit: Limit | null, window: string, amountMinor: number) {
  if (limit === null) return []
  return [
    {key: `${window}:amount`, by: amountMinor, most: limit.amountMinorMax, code: TOO_MUCH},
    {key: `${window}:count`, by: 1, most: limit.countMax, code: TOO_OFTEN},
  ]
}
