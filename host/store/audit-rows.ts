/** The audit: who did what, when, with which outcome. Rows are only ever added, each chained to the one before. */
import {present} from '../../kit/assert.ts'
import {firstRow} from './sql.ts'
import type {Sql} from './sql.ts'
import type {Migration} from './dialect.ts'
import type {AuditRows} from './port.ts'

export const AUDIT_TABLES: Migration = {
  name: 'audit',
  statements: ({integer, strict, appendOnly, neverDeleted}) => [
    `CREATE TABLE audit (
       seq ${integer} PRIMARY KEY,
       at_ms ${integer} NOT NULL,
       who TEXT NOT NULL,
       action TEXT NOT NULL,
       subject TEXT NOT NULL,
       outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
       detail TEXT NOT NULL,
       mac TEXT NOT NULL
     ) ${strict}`,
    ...appendOnly('audit'),
    `CREATE TABLE audit_head (
       id ${integer} PRIMARY KEY CHECK (id = 1),
       seq ${integer} NOT NULL,
       mac TEXT NOT NULL
     ) ${strict}`,
    "INSERT INTO audit_head (id, seq, mac) VALUES (1, 0, '')",
    ...neverDeleted('audit_head'),
  ],
}

export function auditRows(sql: Sql): AuditRows {
  return {
    async takeNext() {
      // The one row that all who append wait for, so that the chain has no forks whoever runs beside us.
      const {rows} = await sql.query('UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, mac')
      const row = present(rows[0], 'the head of the audit')
      return {seq: row.integer('seq'), macBefore: row.text('mac')}
    },
    async append({seq, atMs, who, action, subject, outcome, detail, mac}) {
      await sql.query(
        `INSERT INTO audit (seq, at_ms, who, action, subject, outcome, detail, mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [seq, atMs, who, action, subject, outcome, detail, mac],
      )
      await sql.query('UPDATE audit_head SET mac = $1 WHERE id = 1', [mac])
    },
    async head() {
      const row = present(
        await firstRow(sql, 'SELECT seq, mac FROM audit_head WHERE id = 1', []),
        'the head of the audit',
      )
      return {seq: row.integer('seq'), mac: row.text('mac')}
    },
    async from(seq, countMax) {
      const {rows} = await sql.query('SELECT * FROM audit WHERE seq >= $1 ORDER BY seq LIMIT $2', [
        seq,
        countMax,
      ])
      return rows.map(row => ({
        seq: row.integer('seq'),
        atMs: row.moment('at_ms'),
        who: row.text('who'),
        action: row.text('action'),
        subject: row.text('subject'),
        outcome: row.word('outcome', ['done', 'refused']),
        detail: row.text('detail'),
        mac: row.text('mac'),
      }))
    },
  }
}
