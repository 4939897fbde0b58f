/** What a machine believes to hold, as it says itself: read, refused, and read again from where it is kept. */
import {cashRequest} from '../api/schema.ts'
import type {CashRequest} from '../api/schema.ts'
import {assert} from '../../kit/assert.ts'
import {readJson} from '../../kit/exact-json.ts'
import {parseAmount} from '../../kit/money.ts'

/** What cannot be in it; null when it can be kept. */
export function faultOfUnits({
  currency,
  units,
}: Pick<CashRequest, 'currency'> & {readonly units: readonly Worth[]}): string | null {
  for (const {unit, value} of units) {
    const worth = parseAmount(value.source, currency)
    if (worth.kind === 'refused') return worth.why
    if (worth.amountMinor === 0) return `a note of ${unit} is worth nothing`
  }
  return new Set(units.map(({unit}) => unit)).size === units.length ? null : 'a unit is named twice'
}

type Worth = Pick<CashRequest['units'][number], 'unit' | 'value'>

/** What was kept, as it came. */
export function cashOf(stored: string): CashRequest {
  const read = readJson(stored)
  assert(read.kind === 'json', 'the stored cash is no JSON')
  const cash = cashRequest.decode(read.json, 'refuse')
  assert(cash.kind === 'decoded', 'the stored cash is no report of cash')
  return cash.value
}
