/** Machines: what is known of each, its keys, and the pins of its certificates. */
import {firstRow} from './sql.ts'
import type {Sql, SqlRow} from './sql.ts'
import type {Migration} from './dialect.ts'
import type {Atm, AtmRows} from './port.ts'

export const ATM_TABLES: Migration = {
  name: 'machines',
  statements: ({integer, strict}) => [
    `CREATE TABLE atms (
       atm_id TEXT PRIMARY KEY,
       location TEXT NOT NULL,
       status TEXT NOT NULL CHECK (status IN ('active', 'inactive'))
     ) ${strict}`,
    `CREATE TABLE atm_keys (
       atm_id TEXT PRIMARY KEY REFERENCES atms,
       master_key TEXT NOT NULL,
       pin_key TEXT
     ) ${strict}`,
    `CREATE TABLE atm_pins (
       spki_sha256 TEXT PRIMARY KEY,
       atm_id TEXT NOT NULL REFERENCES atms,
       is_revoked ${integer} NOT NULL CHECK (is_revoked IN (0, 1))
     ) ${strict}`,
  ],
}

export function atmRows(sql: Sql): AtmRows {
  return {
    async find(atmId) {
      const row = await firstRow(sql, 'SELECT * FROM atms WHERE atm_id = $1', [atmId])
      return row === null ? null : atmOf(row)
    },
    async list() {
      const {rows} = await sql.query('SELECT * FROM atms ORDER BY atm_id')
      return rows.map(atmOf)
    },
    async put(atm, masterKey) {
      await sql.query('INSERT INTO atms (atm_id, location, status) VALUES ($1, $2, $3)', [
        atm.atmId,
        atm.location,
        atm.status,
      ])
      await sql.query('INSERT INTO atm_keys (atm_id, master_key) VALUES ($1, $2)', [atm.atmId, masterKey])
    },
    async setStatus(atmId, status) {
      await sql.query('UPDATE atms SET status = $1 WHERE atm_id = $2', [status, atmId])
    },
    async keys(atmId) {
      const row = await firstRow(sql, 'SELECT * FROM atm_keys WHERE atm_id = $1', [atmId])
      return row === null ? null : {masterKey: row.text('master_key'), pinKey: row.textOrNull('pin_key')}
    },
    async setPinKey(atmId, pinKey) {
      await sql.query('UPDATE atm_keys SET pin_key = $1 WHERE atm_id = $2', [pinKey, atmId])
    },
    async findPin(spkiSha256) {
      const row = await firstRow(
        sql,
        'SELECT a.*, p.is_revoked FROM atm_pins p JOIN atms a USING (atm_id) WHERE p.spki_sha256 = $1',
        [spkiSha256],
      )
      return row === null ? null : {atm: atmOf(row), isRevoked: row.flag('is_revoked')}
    },
    async addPin(atmId, spkiSha256) {
      await sql.query(
        `INSERT INTO atm_pins (spki_sha256, atm_id, is_revoked) VALUES ($1, $2, 0)
         ON CONFLICT (spki_sha256) DO NOTHING`,
        [spkiSha256, atmId],
      )
    },
    async revokeAllBut(atmId, spkiSha256) {
      await sql.query('UPDATE atm_pins SET is_revoked = 1 WHERE atm_id = $1 AND spki_sha256 <> $2', [
        atmId,
        spkiSha256 ?? '',
      ])
    },
    async addNextPin(atmId, spkiSha256) {
      await sql.query(
        `UPDATE atm_pins SET is_revoked = 1 WHERE atm_id = $1 AND NOT EXISTS
           (SELECT 1 FROM message_windows w WHERE w.signer_pin = atm_pins.spki_sha256)`,
        [atmId],
      )
      await sql.query('INSERT INTO atm_pins (spki_sha256, atm_id, is_revoked) VALUES ($1, $2, 0)', [
        spkiSha256,
        atmId,
      ])
    },
    async revokePin(spkiSha256) {
      await sql.query('UPDATE atm_pins SET is_revoked = 1 WHERE spki_sha256 = $1', [spkiSha256])
    },
  }
}

/** Those of the machines that are there. */
export async function atmsOf(sql: Sql, atmIds: readonly string[]): Promise<readonly Atm[]> {
  const {rows} = await sql.forRows(
    {atm_id: 'text'},
    atmIds.map(atmId => [atmId]),
    source => `SELECT a.* FROM atms a JOIN ${source} AS r ON a.atm_id = r.atm_id`,
  )
  return rows.map(atmOf)
}

export function atmOf(row: SqlRow): Atm {
  return {
    atmId: row.text('atm_id'),
    location: row.text('location'),
    status: row.word('status', ['active', 'inactive']),
  }
}
