/** One-time codes by which a machine may bring its first key, or a new one when it lost the old. */
import type {Sql} from './sql.ts'
import type {Migration} from './dialect.ts'
import type {EnrolmentRows} from './port.ts'

export const ENROLMENT_TABLES: Migration = {
  name: 'enrolments',
  statements: ({integer, strict}) => [
    `CREATE TABLE enrolments (
       code_hash TEXT PRIMARY KEY,
       atm_id TEXT NOT NULL REFERENCES atms,
       ends_at_ms ${integer} NOT NULL,
       used_at_ms ${integer},
       used_for_pin TEXT
     ) ${strict}`,
    'CREATE INDEX enrolments_by_machine ON enrolments (atm_id)',
  ],
}

export function enrolmentRows(sql: Sql): EnrolmentRows {
  return {
    async open(codeHash, atmId, nowMs, endsAtMs) {
      await sql.query('UPDATE enrolments SET used_at_ms = $1 WHERE atm_id = $2 AND used_at_ms IS NULL', [
        nowMs,
        atmId,
      ])
      await sql.query('INSERT INTO enrolments (code_hash, atm_id, ends_at_ms) VALUES ($1, $2, $3)', [
        codeHash,
        atmId,
        endsAtMs,
      ])
    },
    async spend(codeHash, {atmId, pin, nowMs}) {
      const {changedCount} = await sql.query(
        `UPDATE enrolments SET used_at_ms = $1, used_for_pin = $4
         WHERE code_hash = $2 AND atm_id = $3 AND ends_at_ms > $1 AND (used_at_ms IS NULL OR used_for_pin = $4)`,
        [nowMs, codeHash, atmId, pin],
      )
      return changedCount === 1 ? 'spent' : 'gone'
    },
  }
}
