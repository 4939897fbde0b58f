/** Differences between the three sources, and what became of each. */
import {DIFFERENCE_CLASSES} from '../settlement/compare.ts'
import {filtered} from './filter.ts'
import {firstRow} from './sql.ts'
import type {Sql, SqlRow, SqlValue} from './sql.ts'
import type {Migration} from './dialect.ts'
import {ACTIONS, DIFFERENCE_STATES, VERDICTS} from './port.ts'
import type {DifferenceRows, KnownDifference} from './port.ts'

export const DIFFERENCE_TABLES: Migration = {
  name: 'differences',
  statements: ({integer, strict, neverDeleted}) => [
    `CREATE TABLE differences (
       difference_id TEXT PRIMARY KEY,
       atm_id TEXT NOT NULL REFERENCES atms,
       business_date TEXT NOT NULL,
       class TEXT NOT NULL,
       subject TEXT NOT NULL,
       currency TEXT NOT NULL,
       least ${integer} NOT NULL CHECK (least >= 0),
       most ${integer} NOT NULL CHECK (most >= least),
       explanation TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('open', 'gone', 'resolved')),
       found_at_ms ${integer} NOT NULL,
       action TEXT,
       resolved_by TEXT,
       reason TEXT,
       resolved_at_ms ${integer},
       CHECK ((state = 'resolved') = (action IS NOT NULL))
     ) ${strict}`,
    'CREATE INDEX differences_by_date ON differences (atm_id, business_date)',
    "CREATE INDEX differences_open ON differences (found_at_ms) WHERE state = 'open'",
    `CREATE TABLE verdicts (
       atm_id TEXT NOT NULL REFERENCES atms,
       business_date TEXT NOT NULL,
       verdict TEXT NOT NULL,
       run_at_ms ${integer} NOT NULL,
       PRIMARY KEY (atm_id, business_date)
     ) ${strict}`,
    ...neverDeleted('differences'),
  ],
}

export function differenceRows(sql: Sql): DifferenceRows {
  return {
    async find(id) {
      const row = await firstRow(sql, 'SELECT * FROM differences WHERE difference_id = $1', [id])
      return row === null ? null : differenceOf(row)
    },
    async of(atmId, date) {
      const {rows} = await sql.query(
        'SELECT * FROM differences WHERE atm_id = $1 AND business_date = $2 ORDER BY difference_id',
        [atmId, date],
      )
      return rows.map(differenceOf)
    },
    async list({atmId, state}, slice) {
      const {where, values} = filtered(
        [
          ['atm_id = ?', atmId],
          ['state = ?', state],
        ],
        slice,
        ['found_at_ms', 'difference_id'],
        'descending',
      )
      const {rows} = await sql.query(
        `SELECT * FROM differences ${where} ORDER BY found_at_ms DESC, difference_id DESC
         LIMIT $${values.length + 1}`,
        [...values, slice.countMax],
      )
      return rows.map(differenceOf)
    },
    async put(difference) {
      const {resolution} = difference
      await sql.query(
        `INSERT INTO differences (difference_id, atm_id, business_date, class, subject, currency, least, most,
           explanation, state, found_at_ms, action, resolved_by, reason, resolved_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (difference_id) DO UPDATE SET least = excluded.least, most = excluded.most,
           explanation = excluded.explanation, state = excluded.state, action = excluded.action,
           resolved_by = excluded.resolved_by, reason = excluded.reason, resolved_at_ms = excluded.resolved_at_ms`,
        [
          difference.id,
          difference.atmId,
          difference.date,
          difference.class,
          difference.subject,
          difference.currency,
          difference.leastMinor,
          difference.mostMinor,
          difference.explanation,
          difference.state,
          difference.foundAtMs,
          resolution?.action ?? null,
          resolution?.by ?? null,
          resolution?.reason ?? null,
          resolution?.atMs ?? null,
        ],
      )
    },
    async setVerdict(atmId, date, verdict, atMs) {
      await sql.query(
        `INSERT INTO verdicts (atm_id, business_date, verdict, run_at_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (atm_id, business_date) DO UPDATE SET verdict = excluded.verdict,
           run_at_ms = excluded.run_at_ms`,
        [atmId, date, verdict, atMs],
      )
    },
    async verdicts(atmId, dates) {
      if (dates.length === 0) return new Map()
      const values: readonly SqlValue[] = [atmId, ...dates]
      const {rows} = await sql.query(
        `SELECT * FROM verdicts WHERE atm_id = $1
         AND business_date IN (${dates.map((_, at) => `$${at + 2}`).join(', ')})`,
        values,
      )
      return new Map(rows.map(row => [row.text('business_date'), row.word('verdict', VERDICTS)]))
    },
  }
}

function differenceOf(row: SqlRow): KnownDifference {
  const state = row.word('state', DIFFERENCE_STATES)
  return {
    id: row.text('difference_id'),
    atmId: row.text('atm_id'),
    date: row.text('business_date'),
    class: row.word('class', DIFFERENCE_CLASSES),
    subject: row.text('subject'),
    currency: row.currency('currency'),
    leastMinor: row.minor('least'),
    mostMinor: row.minor('most'),
    explanation: row.text('explanation'),
    state,
    foundAtMs: row.moment('found_at_ms'),
    resolution:
      state === 'resolved'
        ? {
            action: row.word('action', ACTIONS),
            by: row.text('resolved_by'),
            reason: row.text('reason'),
            atMs: row.moment('resolved_at_ms'),
          }
        : null,
  }
}
