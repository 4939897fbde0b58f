/** Business dates of machines, and what was accepted in each. What is accepted is only ever added to. */
import {filtered} from './filter.ts'
import {firstRow, insertRows} from './sql.ts'
import type {Columns, Sql, SqlRow} from './sql.ts'
import {assert} from '../../kit/assert.ts'
import {epochMs} from '../../kit/clock.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import type {Migration} from './dialect.ts'
import type {Accepted, BusinessDay, DayRows} from './port.ts'
import type {Totals} from '../settlement/compare.ts'

export const DAY_TABLES: Migration = {
  name: 'business dates',
  statements: ({integer, strict, appendOnly, neverDeleted}) => [
    `CREATE TABLE business_dates (
       atm_id TEXT NOT NULL REFERENCES atms,
       business_date TEXT NOT NULL,
       opened_at_ms ${integer} NOT NULL,
       closed_at_ms ${integer},
       withdrawals_count ${integer},
       withdrawals_amount ${integer},
       reversals_count ${integer},
       reversals_amount ${integer},
       deposits_count ${integer},
       deposits_amount ${integer},
       journal_rows ${integer},
       answer TEXT,
       PRIMARY KEY (atm_id, business_date)
     ) ${strict}`,
    // One open date a machine, whatever asks for two.
    'CREATE UNIQUE INDEX business_dates_open ON business_dates (atm_id) WHERE closed_at_ms IS NULL',
    `CREATE TABLE accepted (
       operation_key TEXT NOT NULL,
       what TEXT NOT NULL CHECK (what IN ('withdrawal', 'reversal', 'deposit')),
       atm_id TEXT NOT NULL,
       business_date TEXT NOT NULL,
       amount ${integer} NOT NULL CHECK (amount >= 0),
       PRIMARY KEY (operation_key, what),
       FOREIGN KEY (atm_id, business_date) REFERENCES business_dates
     ) ${strict}`,
    'CREATE INDEX accepted_by_date ON accepted (atm_id, business_date)',
    ...appendOnly('accepted'),
    ...neverDeleted('business_dates'),
  ],
}

export function dayRows(sql: Sql): DayRows {
  return {
    async open(atmId) {
      const row = await firstRow(
        sql,
        'SELECT * FROM business_dates WHERE atm_id = $1 AND closed_at_ms IS NULL',
        [atmId],
      )
      return row === null ? null : dayOf(row)
    },
    async find(atmId, date) {
      const row = await firstRow(
        sql,
        'SELECT * FROM business_dates WHERE atm_id = $1 AND business_date = $2',
        [atmId, date],
      )
      return row === null ? null : dayOf(row)
    },
    async list(atmId, slice) {
      const {where, values} = filtered([['atm_id = ?', atmId]], slice, ['business_date'], 'descending')
      const {rows} = await sql.query(
        `SELECT * FROM business_dates ${where} ORDER BY business_date DESC LIMIT $${values.length + 1}`,
        [...values, slice.countMax],
      )
      return rows.map(dayOf)
    },
    async begin(atmId, date, atMs) {
      await sql.query(
        'INSERT INTO business_dates (atm_id, business_date, opened_at_ms) VALUES ($1, $2, $3)',
        [atmId, date, atMs],
      )
    },
    async close(atmId, date, {atMs, machineTotals, journalRowsCount, answer}) {
      const {changedCount} = await sql.query(
        `UPDATE business_dates SET closed_at_ms = $3, withdrawals_count = $4, withdrawals_amount = $5,
           reversals_count = $6, reversals_amount = $7, deposits_count = $8, deposits_amount = $9, answer = $10,
           journal_rows = $11
         WHERE atm_id = $1 AND business_date = $2 AND closed_at_ms IS NULL`,
        [
          atmId,
          date,
          atMs,
          machineTotals?.withdrawalsCount ?? null,
          machineTotals?.withdrawalsMinor ?? null,
          machineTotals?.reversalsCount ?? null,
          machineTotals?.reversalsMinor ?? null,
          machineTotals?.depositsCount ?? null,
          machineTotals?.depositsMinor ?? null,
          answer,
          journalRowsCount,
        ],
      )
      assert(changedCount === 1, `the date ${date} of ${atmId} is not open`)
    },
    async accept(key, what, {atmId, date, amountMinor}) {
      await insertAccepted(sql, [{key, what, atmId, date, amountMinor}])
    },
    async totals(atmId, date) {
      const {rows} = await sql.query(
        `SELECT what, CAST(count(*) AS BIGINT) AS times, CAST(sum(amount) AS BIGINT) AS amount FROM accepted
         WHERE atm_id = $1 AND business_date = $2 GROUP BY what`,
        [atmId, date],
      )
      const of = (what: string) => {
        const row = rows.find(each => each.text('what') === what)
        return {count: row?.integer('times') ?? 0, amountMinor: row?.minor('amount') ?? minorUnits(0)}
      }
      const withdrawals = of('withdrawal')
      const reversals = of('reversal')
      const deposits = of('deposit')
      return {
        withdrawalsCount: withdrawals.count,
        withdrawalsMinor: withdrawals.amountMinor,
        reversalsCount: reversals.count,
        reversalsMinor: reversals.amountMinor,
        depositsCount: deposits.count,
        depositsMinor: deposits.amountMinor,
      }
    },
  }
}

/** What an operation adds to the sums of a date. */
export interface NewAccepted {
  readonly key: string
  readonly what: Accepted
  readonly atmId: string
  readonly date: string
  readonly amountMinor: Minor
}

const ACCEPTED_COLUMNS: Columns = {
  operation_key: 'text',
  what: 'text',
  atm_id: 'text',
  business_date: 'text',
  amount: 'integer',
}

export function insertAccepted(sql: Sql, all: readonly NewAccepted[]): Promise<void> {
  const rows = all.map(({key, what, atmId, date, amountMinor}) => [key, what, atmId, date, amountMinor])
  return insertRows(sql, 'accepted', ACCEPTED_COLUMNS, rows)
}

/** The open dates of those machines that have one, for the transaction's time. */
export async function lockOpenDays(sql: Sql, atmIds: readonly string[]): Promise<readonly BusinessDay[]> {
  const {rows} = await sql.forRows(
    {atm_id: 'text'},
    atmIds.map(atmId => [atmId]),
    source =>
      `SELECT d.* FROM business_dates d JOIN ${source} AS r ON d.atm_id = r.atm_id
       WHERE d.closed_at_ms IS NULL ORDER BY d.atm_id ${sql.forUpdate('d')}`,
  )
  return rows.map(dayOf)
}

function dayOf(row: SqlRow): BusinessDay {
  const closedAtMs = row.integerOrNull('closed_at_ms')
  return {
    atmId: row.text('atm_id'),
    date: row.text('business_date'),
    openedAtMs: row.moment('opened_at_ms'),
    closedAtMs: closedAtMs === null ? null : epochMs(closedAtMs),
    machineTotals: row.integerOrNull('withdrawals_count') === null ? null : totalsOf(row),
    journalRowsCount: row.integerOrNull('journal_rows'),
    answer: row.textOrNull('answer'),
  }
}

function totalsOf(row: SqlRow): Totals {
  return {
    withdrawalsCount: row.integer('withdrawals_count'),
    withdrawalsMinor: row.minor('withdrawals_amount'),
    reversalsCount: row.integer('reversals_count'),
    reversalsMinor: row.minor('reversals_amount'),
    depositsCount: row.integer('deposits_count'),
    depositsMinor: row.minor('deposits_amount'),
  }
}
