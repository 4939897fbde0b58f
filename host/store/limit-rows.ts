/**
 * What was used of each limit in its window: one row counts up, and stays locked from the look at it until the
 * transaction is over. So a limit holds over any number of host processes and over their restarts.
 */
import {firstRow, insertRows} from './sql.ts'
import type {Columns, Sql} from './sql.ts'
import type {Migration} from './dialect.ts'
import type {LimitRows} from './port.ts'

export const LIMIT_TABLES: Migration = {
  name: 'limits',
  statements: ({integer, strict}) => [
    `CREATE TABLE limit_uses (
       limit_key TEXT PRIMARY KEY,
       used ${integer} NOT NULL CHECK (used >= 0)
     ) ${strict}`,
  ],
}

export function limitRows(sql: Sql): LimitRows {
  return {
    async use(limit, by, most) {
      const [before] = await lockLimits(sql, [limit])
      const used = usedAfter(before?.used ?? 0, by, most)
      if (used === null) return 'beyond'
      await (before === undefined ? insertLimits : setLimits)(sql, [{limit, used}])
      return 'within'
    },
    async used(limit) {
      const row = await firstRow(sql, 'SELECT used FROM limit_uses WHERE limit_key = $1', [limit])
      return row?.integer('used') ?? 0
    },
  }
}

/**
 * What is used of a limit after `by` more, or less when it is below zero, but never less than nothing; null when that
 * is beyond `most`. The one place that decides it, whoever keeps the rows.
 */
export function usedAfter(used: number, by: number, most: number): number | null {
  return used + by > most ? null : Math.max(0, used + by)
}

/** Uses of limits whose rows this transaction has locked or found missing. */
export interface LimitUse {
  readonly limit: string
  readonly used: number
}

const COLUMNS: Columns = {limit_key: 'text', used: 'integer'}

/** Fails when another transaction has made one of them meanwhile. */
export function insertLimits(sql: Sql, uses: readonly LimitUse[]): Promise<void> {
  return insertRows(
    sql,
    'limit_uses',
    COLUMNS,
    uses.map(({limit, used}) => [limit, used]),
  )
}

export async function setLimits(sql: Sql, uses: readonly LimitUse[]): Promise<void> {
  await sql.forRows(
    COLUMNS,
    uses.map(({limit, used}) => [limit, used]),
    source =>
      `UPDATE limit_uses SET used = r.used FROM ${source} AS r WHERE limit_uses.limit_key = r.limit_key`,
  )
}

/** Those of the limits that were used before, in their order, for the transaction's time. */
export async function lockLimits(sql: Sql, limits: readonly string[]): Promise<readonly LimitUse[]> {
  const {rows} = await sql.forRows(
    {limit_key: 'text'},
    limits.map(limit => [limit]),
    source =>
      `SELECT l.* FROM limit_uses l JOIN ${source} AS r ON l.limit_key = r.limit_key
       ORDER BY l.limit_key ${sql.forUpdate('l')}`,
  )
  return rows.map(row => ({limit: row.text('limit_key'), used: row.integer('used')}))
}
