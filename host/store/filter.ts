/**
 * The conditions of a list that a person filters and turns the pages of: only those that are set stand in the
 * statement, so that each combination is a statement of its own with the index that fits it.
 */
import type {Slice} from './port.ts'
import type {SqlValue} from './sql.ts'

export interface Filtered {
  /** `WHERE ...`, or nothing. */
  readonly where: string
  readonly values: readonly SqlValue[]
}

/** `?` stands for the value, also more than once; what is undefined is no condition. */
export type Condition = readonly [text: string, value: SqlValue | undefined]

/** @param keyset the columns that order the list, which together have no ties */
export function filtered(
  conditions: readonly Condition[],
  {after}: Slice,
  keyset: readonly string[],
  order: 'ascending' | 'descending',
): Filtered {
  const values: SqlValue[] = []
  const bound = (value: SqlValue) => `$${values.push(value)}`
  const parts = conditions.flatMap(([text, value]) => {
    if (value === undefined) return []
    const parameter = bound(value)
    return [text.replaceAll('?', parameter)]
  })
  if (after !== null)
    parts.push(`(${keyset.join(', ')}) ${order === 'ascending' ? '>' : '<'} (${after.map(bound).join(', ')})`)
  return {where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values}
}
