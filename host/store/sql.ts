/**
 * The seam between the bank's rows and a database engine: statements in the dialect that SQLite and PostgreSQL
 * share, values bound as `$1`, `$2`; rows read column by column with their types.
 *
 * To add a table: write one file `host/store/<part>-rows.ts` that exports its `Migration` (the tables, see
 * `schema.ts` for the words in which engines differ) and a function `<part>Rows(sql: Sql): <Part>Rows` with its
 * statements; put the migration at the end of `MIGRATIONS` in `schema.ts`, the interface into `Tx` of `port.ts`
 * and the function into `rows.ts`. Both engines have it then. `atm-rows.ts` is a short model.
 *
 * The dialect: `INSERT ... ON CONFLICT ... DO NOTHING | DO UPDATE`, `RETURNING`, joins, `CASE`, `EXISTS`, window
 * functions, `sum(...)` wrapped in `CAST(... AS BIGINT)`. Not: `INSERT OR`, `rowid`, `max(a, b)`, arrays, JSON
 * operators, date functions, booleans (0 and 1 in an integer column, `flag` reads it), sequences, advisory locks,
 * and an `ORDER BY` that leaves ties open. The same `$1` twice needs the same type in both places.
 */
import {assert} from '../../kit/assert.ts'
import {epochMs} from '../../kit/clock.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {isCurrency, minorUnits} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'

export type SqlValue = string | number | null

/** What one statement gave. */
export interface SqlResult {
  readonly rows: readonly SqlRow[]
  /** Rows inserted, updated or deleted. */
  readonly changedCount: number
}

/** Columns with their types, in the order in which rows carry their values. */
export type Columns = Readonly<Record<string, 'text' | 'integer'>>
export type RowValues = readonly SqlValue[]

/** One open transaction. */
export interface Sql {
  query(statement: string, values?: readonly SqlValue[]): Promise<SqlResult>
  /**
   * One statement for many rows: in one journey where the database is far, row by row where it is near, and not
   * at all for none.
   * @param statement gets the text that stands for the rows where a table may stand: `SELECT a FROM ${rows} AS r`
   */
  forRows(
    columns: Columns,
    rows: readonly RowValues[],
    statement: (rows: string) => string,
  ): Promise<SqlResult>
  /**
   * Ends a SELECT whose rows nobody else may change until this transaction is over, and whose sight is worth an
   * answer: what was seen is then as durable as what was written. Nothing where all of that is so anyhow.
   * @param table its name or alias, where the SELECT reads several
   */
  forUpdate(table: string): string
}

/** Inserts all the rows, in their order. */
export async function insertRows(
  sql: Sql,
  table: string,
  columns: Columns,
  rows: readonly RowValues[],
): Promise<void> {
  const names = Object.keys(columns).join(', ')
  await sql.forRows(
    columns,
    rows,
    source => `INSERT INTO ${table} (${names}) SELECT ${names} FROM ${source} AS r`,
  )
}

/** The first row, or null when there is none. */
export async function firstRow(
  sql: Sql,
  statement: string,
  values: readonly SqlValue[],
): Promise<SqlRow | null> {
  const {rows} = await sql.query(statement, values)
  return rows[0] ?? null
}

/** One row, read by the names of its columns. Every method asserts: only our own statements write here. */
export class SqlRow {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  text(column: string): string {
    const value = this.#values[column]
    assert(typeof value === 'string', `column ${column} holds no text`)
    return value
  }

  textOrNull(column: string): string | null {
    return this.#values[column] === null ? null : this.text(column)
  }

  /** Exact, or an assertion: a 64-bit integer beyond 2^53 reaches us as a number that is not safe. */
  integer(column: string): number {
    const value = this.#values[column]
    assert(Number.isSafeInteger(value), `column ${column} holds no whole number that is exact`)
    return Number(value)
  }

  integerOrNull(column: string): number | null {
    return this.#values[column] === null ? null : this.integer(column)
  }

  minor(column: string): Minor {
    return minorUnits(this.integer(column))
  }

  moment(column: string): EpochMs {
    return epochMs(this.integer(column))
  }

  flag(column: string): boolean {
    return this.integer(column) === 1
  }

  currency(column: string): Currency {
    const code = this.text(column)
    assert(isCurrency(code), `column ${column} holds a currency that this program does not know`)
    return code
  }

  /** One of the words that the table's CHECK allows. */
  word<W extends string>(column: string, words: readonly W[]): W {
    const text = this.text(column)
    const word = words.find(each => each === text)
    assert(word !== undefined, `column ${column} holds '${text}'`)
    return word
  }
}
