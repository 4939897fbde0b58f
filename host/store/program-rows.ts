/** Programs that work at the bank under a token of their own. */
import {firstRow} from './sql.ts'
import type {Sql, SqlRow} from './sql.ts'
import type {Migration} from './dialect.ts'
import {rolesIn} from './people-rows.ts'
import type {Program, ProgramRows} from './port.ts'

export const PROGRAM_TABLES: Migration = {
  name: 'programs',
  statements: ({integer, strict, neverDeleted}) => [
    `CREATE TABLE programs (
       name TEXT PRIMARY KEY,
       roles TEXT NOT NULL,
       token_hash TEXT NOT NULL UNIQUE,
       ends_at_ms ${integer} NOT NULL,
       is_revoked ${integer} NOT NULL CHECK (is_revoked IN (0, 1))
     ) ${strict}`,
    // A name stands in keys and postings, so it is never given to another program.
    ...neverDeleted('programs'),
  ],
}

export function programRows(sql: Sql): ProgramRows {
  return {
    async find(name) {
      const row = await firstRow(sql, 'SELECT * FROM programs WHERE name = $1', [name])
      return row === null ? null : programOf(row)
    },
    async byToken(tokenHash) {
      const row = await firstRow(sql, 'SELECT * FROM programs WHERE token_hash = $1', [tokenHash])
      return row === null ? null : programOf(row)
    },
    async list() {
      const {rows} = await sql.query('SELECT * FROM programs ORDER BY name')
      return rows.map(programOf)
    },
    async insert({name, roles, tokenHash, endsAtMs}) {
      await sql.query(
        'INSERT INTO programs (name, roles, token_hash, ends_at_ms, is_revoked) VALUES ($1, $2, $3, $4, 0)',
        [name, roles.join(','), tokenHash, endsAtMs],
      )
    },
    async revoke(name) {
      await sql.query('UPDATE programs SET is_revoked = 1 WHERE name = $1', [name])
    },
  }
}

function programOf(row: SqlRow): Program {
  return {
    name: row.text('name'),
    roles: rolesIn(row),
    tokenHash: row.text('token_hash'),
    endsAtMs: row.moment('ends_at_ms'),
    isRevoked: row.flag('is_revoked'),
  }
}
