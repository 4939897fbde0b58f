/** Notes that people counted. One count a machine and date, never changed. */
import {firstRow} from './sql.ts'
import type {Sql, SqlRow} from './sql.ts'
import type {Migration} from './dialect.ts'
import type {CashCount, CountRows, CountedNotes} from './port.ts'

export const COUNT_TABLES: Migration = {
  name: 'counts',
  statements: ({integer, strict, appendOnly}) => [
    `CREATE TABLE cash_counts (
       atm_id TEXT NOT NULL REFERENCES atms,
       business_date TEXT NOT NULL,
       currency TEXT NOT NULL,
       counted_by TEXT NOT NULL,
       counted_at_ms ${integer} NOT NULL,
       PRIMARY KEY (atm_id, business_date)
     ) ${strict}`,
    `CREATE TABLE counted_units (
       atm_id TEXT NOT NULL,
       business_date TEXT NOT NULL,
       unit TEXT NOT NULL,
       kind TEXT NOT NULL CHECK (kind IN ('cassette', 'bin')),
       note ${integer} NOT NULL CHECK (note > 0),
       counted ${integer} NOT NULL CHECK (counted >= 0),
       left_in ${integer} NOT NULL CHECK (left_in >= 0),
       believed ${integer},
       PRIMARY KEY (atm_id, business_date, unit),
       FOREIGN KEY (atm_id, business_date) REFERENCES cash_counts
     ) ${strict}`,
    ...appendOnly('cash_counts'),
    ...appendOnly('counted_units'),
  ],
}

export function countRows(sql: Sql): CountRows {
  const whole = async (row: SqlRow | null): Promise<CashCount | null> => {
    if (row === null) return null
    const atmId = row.text('atm_id')
    const date = row.text('business_date')
    const units = await sql.query(
      'SELECT * FROM counted_units WHERE atm_id = $1 AND business_date = $2 ORDER BY unit',
      [atmId, date],
    )
    return {
      atmId,
      date,
      currency: row.currency('currency'),
      units: units.rows.map(unitOf),
      countedBy: row.text('counted_by'),
      countedAtMs: row.moment('counted_at_ms'),
    }
  }
  return {
    find: async (atmId, date) =>
      whole(
        await firstRow(sql, 'SELECT * FROM cash_counts WHERE atm_id = $1 AND business_date = $2', [
          atmId,
          date,
        ]),
      ),
    before: async (atmId, date) =>
      whole(
        await firstRow(
          sql,
          `SELECT * FROM cash_counts WHERE atm_id = $1 AND business_date < $2
           ORDER BY business_date DESC LIMIT 1`,
          [atmId, date],
        ),
      ),
    async add({atmId, date, currency, units, countedBy, countedAtMs}) {
      await sql.query(
        `INSERT INTO cash_counts (atm_id, business_date, currency, counted_by, counted_at_ms)
         VALUES ($1, $2, $3, $4, $5)`,
        [atmId, date, currency, countedBy, countedAtMs],
      )
      for (const {unit, kind, noteMinor, countedCount, leftCount, believedCount} of units)
        await sql.query(
          `INSERT INTO counted_units (atm_id, business_date, unit, kind, note, counted, left_in, believed)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
          [atmId, date, unit, kind, noteMinor, countedCount, leftCount, believedCount],
        )
    },
  }
}

function unitOf(row: SqlRow): CountedNotes {
  return {
    unit: row.text('unit'),
    kind: row.word('kind', ['cassette', 'bin']),
    noteMinor: row.minor('note'),
    countedCount: row.integer('counted'),
    leftCount: row.integer('left_in'),
    believedCount: row.integerOrNull('believed'),
  }
}
