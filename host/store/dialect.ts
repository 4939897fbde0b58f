/** The words in which the engines' table definitions differ. Everything else of a definition is common to them. */

export interface Migration {
  /** For ever the same; what the database remembers. */
  readonly name: string
  readonly statements: (dialect: Dialect) => readonly string[]
}

export interface Dialect {
  /** A 64-bit integer. Money, moments, counts, and flags with `CHECK (x IN (0, 1))`. */
  readonly integer: 'INTEGER' | 'BIGINT'
  /** Behind the closing parenthesis of every table: types are checked. */
  readonly strict: 'STRICT' | ''
  /** Statements after which no row of the table can be changed or deleted, whoever tries. */
  readonly appendOnly: (table: string) => readonly string[]
  /** The same for deletion alone. */
  readonly neverDeleted: (table: string) => readonly string[]
}

export const SQLITE: Dialect = {
  integer: 'INTEGER',
  strict: 'STRICT',
  appendOnly: table => [sqliteGuard(table, 'UPDATE', 'changed'), sqliteGuard(table, 'DELETE', 'deleted')],
  neverDeleted: table => [sqliteGuard(table, 'DELETE', 'deleted')],
}

export const POSTGRES: Dialect = {
  integer: 'BIGINT',
  strict: '',
  appendOnly: table => [
    ...postgresGuard(table, 'UPDATE', 'changed'),
    ...postgresGuard(table, 'DELETE', 'deleted'),
  ],
  neverDeleted: table => postgresGuard(table, 'DELETE', 'deleted'),
}

type Forbidden = 'UPDATE' | 'DELETE'

function sqliteGuard(table: string, what: Forbidden, done: string): string {
  return `CREATE TRIGGER ${table}_never_${done} BEFORE ${what} ON ${table}
          BEGIN SELECT RAISE(ABORT, '${table} are never ${done}'); END`
}

function postgresGuard(table: string, what: Forbidden, done: string): readonly string[] {
  const name = `${table}_never_${done}`
  return [
    `CREATE FUNCTION ${name}() RETURNS TRIGGER LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION '${table} are never ${done}'; END $$`,
    `CREATE TRIGGER ${name} BEFORE ${what} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${name}()`,
  ]
}
