/**
 * What was used of each limit in its window: one row counts up, and the statement that counts is the one that
 * refuses. So a limit holds over any number of host processes and over their restarts.
 */
import {firstRow} from './sql.ts'
import type {Sql} from './sql.ts'
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
      // The first use is within when it is alone; every other is measured against what is there.
      const {changedCount} = await sql.query(
        `INSERT INTO limit_uses (limit_key, used)
         SELECT CAST($1 AS TEXT), CASE WHEN CAST($2 AS BIGINT) < 0 THEN 0 ELSE CAST($2 AS BIGINT) END
         WHERE CAST($2 AS BIGINT) <= CAST($3 AS BIGINT)
         ON CONFLICT (limit_key) DO UPDATE
         SET used = CASE WHEN limit_uses.used + CAST($2 AS BIGINT) < 0 THEN 0
                         ELSE limit_uses.used + CAST($2 AS BIGINT) END
         WHERE limit_uses.used + CAST($2 AS BIGINT) <= CAST($3 AS BIGINT)`,
        [limit, by, most],
      )
      return changedCount === 1 ? 'within' : 'beyond'
    },
    async used(limit) {
      const row = await firstRow(sql, 'SELECT used FROM limit_uses WHERE limit_key = $1', [limit])
      return row?.integer('used') ?? 0
    },
  }
}
