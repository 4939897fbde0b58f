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

/** One open transaction. */
export interface Sql {
  query(statement: string, values?: readonly SqlValue[]): Promise<SqlResult>
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
