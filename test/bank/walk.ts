/**
 * Whether the balances that an account's answers told can be those of one order of its movements. Each movement
 * leads from one balance to the next, so together they must be one walk that uses each step once, from the opening
 * balance to the last one. Two movements that both began at the same balance, as after a lost update, leave a step
 * that no walk can take.
 */
import type {BankRows, OperationRow} from './rows.ts'

interface Step {
  readonly from: number
  readonly to: number
}

/**
 * What keeps it from being a walk, or null. An account's every movement must be one that tells its balance.
 * A walk over each step once exists when every balance is left as often as it is come to, but for the two ends, and
 * all steps hang together (Euler).
 */
export function balancesToldWrong(accountId: string, openingMinor: number, rows: BankRows): string | null {
  const steps = [...rows.operations.values()]
    .filter(({state}) => state === 'posted')
    .flatMap(row => stepOf(row, accountId))
  const last = rows.balances.get(accountId) ?? Number.NaN
  const surplus = new Map<number, number>([[openingMinor, -1]])
  const add = (balance: number, by: number) => {
    surplus.set(balance, (surplus.get(balance) ?? 0) + by)
  }
  add(last, 1)
  for (const {from, to} of steps) {
    add(from, 1)
    add(to, -1)
  }
  const broken = [...surplus].find(([, times]) => times !== 0)
  if (broken !== undefined)
    return broken[1] > 0
      ? `a movement began at ${broken[0]}, where no other had led`
      : `a movement led to ${broken[0]}, and none went on from there`
  return hangsTogether(steps, openingMinor) ? null : 'its movements are not one walk'
}

function stepOf(
  {type, accountId: own, targetAccountId, amount, fee, answer}: OperationRow,
  accountId: string,
): Step[] {
  if (own !== accountId && targetAccountId !== accountId) return []
  const told: unknown = JSON.parse(answer ?? 'null')
  const balance = (name: string) => {
    const fields = typeof told === 'object' && told !== null ? Object.entries(told) : []
    const value: unknown = fields.find(([field]) => field === name)?.[1]
    return typeof value === 'number' ? Math.round(value * 100) : Number.NaN
  }
  if (type === 'deposit') return [{from: balance('balance') - amount, to: balance('balance')}]
  if (type === 'withdrawal') return [{from: balance('balance') + amount + fee, to: balance('balance')}]
  return own === accountId
    ? [{from: balance('source_balance') + amount, to: balance('source_balance')}]
    : [{from: balance('target_balance') - amount, to: balance('target_balance')}]
}

function hangsTogether(steps: readonly Step[], start: number): boolean {
  const next = new Map<number, number[]>()
  for (const {from, to} of steps) next.set(from, [...(next.get(from) ?? []), to])
  const reached = new Set([start])
  const open = [start]
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const to of next.get(at) ?? [])
      if (!reached.has(to)) {
        reached.add(to)
        open.push(to)
      }
  return steps.every(({from}) => reached.has(from))
}
