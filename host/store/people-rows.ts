/** The bank's own people: who they are, their sessions, and invitations to become one of them. */
import {assert} from '../../kit/assert.ts'
import {isRole} from '../guard/roles.ts'
import type {Role} from '../guard/roles.ts'
import {firstRow} from './sql.ts'
import type {Sql, SqlRow} from './sql.ts'
import type {Migration} from './dialect.ts'
import type {PeopleRows, Person} from './port.ts'

export const PEOPLE_TABLES: Migration = {
  name: 'people',
  statements: ({integer, strict, neverDeleted}) => [
    `CREATE TABLE people (
       name TEXT PRIMARY KEY,
       roles TEXT NOT NULL,
       password TEXT NOT NULL,
       seed TEXT NOT NULL,
       last_step ${integer} NOT NULL,
       tries ${integer} NOT NULL CHECK (tries >= 0),
       locked_until_ms ${integer} NOT NULL,
       is_closed ${integer} NOT NULL CHECK (is_closed IN (0, 1)),
       created_at_ms ${integer} NOT NULL
     ) ${strict}`,
    // Closed, that is: a name is never given to somebody else.
    ...neverDeleted('people'),
    `CREATE TABLE sessions (
       token_hash TEXT PRIMARY KEY,
       name TEXT NOT NULL REFERENCES people,
       used_at_ms ${integer} NOT NULL,
       ends_at_ms ${integer} NOT NULL
     ) ${strict}`,
    'CREATE INDEX sessions_by_name ON sessions (name)',
    `CREATE TABLE invitations (
       code_hash TEXT PRIMARY KEY,
       purpose TEXT NOT NULL CHECK (purpose IN ('person', 'first-supervisor')),
       name TEXT,
       roles TEXT NOT NULL,
       seed TEXT NOT NULL,
       ends_at_ms ${integer} NOT NULL,
       used_at_ms ${integer}
     ) ${strict}`,
  ],
}

export function peopleRows(sql: Sql): PeopleRows {
  return {
    async find(name) {
      const row = await firstRow(sql, 'SELECT * FROM people WHERE name = $1', [name])
      return row === null ? null : personOf(row)
    },
    async list() {
      const {rows} = await sql.query('SELECT * FROM people ORDER BY name')
      return rows.map(personOf)
    },
    async insert(person) {
      await sql.query(
        `INSERT INTO people (name, roles, password, seed, last_step, tries, locked_until_ms, is_closed, created_at_ms)
         VALUES ($1, $2, $3, $4, $5, 0, 0, 0, $6)`,
        [
          person.name,
          person.roles.join(','),
          person.password,
          person.seed,
          person.lastStep,
          person.createdAtMs,
        ],
      )
    },
    async takeTry(name, {nowMs, triesMax, lockedUntilMs}) {
      // Guard and change are one statement, so that no crowd of guesses gets more than its tries.
      const {changedCount} = await sql.query(
        `UPDATE people SET
           tries = CASE WHEN tries >= $1 THEN 1 ELSE tries + 1 END,
           locked_until_ms = CASE WHEN tries + 1 = $1 THEN CAST($2 AS BIGINT) ELSE 0 END
         WHERE name = $3 AND is_closed = 0 AND locked_until_ms <= $4`,
        [triesMax, lockedUntilMs, name, nowMs],
      )
      return changedCount === 1 ? 'taken' : 'refused'
    },
    async acceptStep(name, step) {
      const {changedCount} = await sql.query(
        `UPDATE people SET tries = 0, locked_until_ms = 0, last_step = $1
         WHERE name = $2 AND is_closed = 0 AND last_step < $1`,
        [step, name],
      )
      return changedCount === 1 ? 'accepted' : 'replayed'
    },
    async close(name) {
      await sql.query('UPDATE people SET is_closed = 1 WHERE name = $1', [name])
      await sql.query('DELETE FROM sessions WHERE name = $1', [name])
    },
    async addSession(tokenHash, {name, usedAtMs, endsAtMs}) {
      await sql.query(
        'INSERT INTO sessions (token_hash, name, used_at_ms, ends_at_ms) VALUES ($1, $2, $3, $4)',
        [tokenHash, name, usedAtMs, endsAtMs],
      )
    },
    async session(tokenHash) {
      const row = await firstRow(
        sql,
        `SELECT s.name, s.used_at_ms, s.ends_at_ms, p.roles FROM sessions s JOIN people p USING (name)
         WHERE s.token_hash = $1 AND p.is_closed = 0`,
        [tokenHash],
      )
      if (row === null) return null
      return {
        name: row.text('name'),
        roles: rolesIn(row),
        usedAtMs: row.moment('used_at_ms'),
        endsAtMs: row.moment('ends_at_ms'),
      }
    },
    async useSession(tokenHash, atMs) {
      await sql.query('UPDATE sessions SET used_at_ms = $1 WHERE token_hash = $2', [atMs, tokenHash])
    },
    async endSession(tokenHash) {
      await sql.query('DELETE FROM sessions WHERE token_hash = $1', [tokenHash])
    },
    async invite(codeHash, {purpose, name, roles, seed, endsAtMs}) {
      await sql.query(
        'INSERT INTO invitations (code_hash, purpose, name, roles, seed, ends_at_ms) VALUES ($1, $2, $3, $4, $5, $6)',
        [codeHash, purpose, name, roles.join(','), seed, endsAtMs],
      )
    },
    async invitation(codeHash, nowMs) {
      const row = await firstRow(
        sql,
        'SELECT * FROM invitations WHERE code_hash = $1 AND used_at_ms IS NULL AND ends_at_ms > $2',
        [codeHash, nowMs],
      )
      if (row === null) return null
      return {
        purpose: row.word('purpose', ['person', 'first-supervisor']),
        name: row.textOrNull('name'),
        roles: rolesIn(row),
        seed: row.text('seed'),
        endsAtMs: row.moment('ends_at_ms'),
      }
    },
    async spendInvitation(codeHash, nowMs) {
      const {changedCount} = await sql.query(
        `UPDATE invitations SET used_at_ms = $1
         WHERE code_hash = $2 AND used_at_ms IS NULL AND ends_at_ms > $1`,
        [nowMs, codeHash],
      )
      return changedCount === 1 ? 'spent' : 'gone'
    },
  }
}

function personOf(row: SqlRow): Person {
  return {
    name: row.text('name'),
    roles: rolesIn(row),
    password: row.text('password'),
    seed: row.text('seed'),
    lastStep: row.integer('last_step'),
    isClosed: row.flag('is_closed'),
    createdAtMs: row.moment('created_at_ms'),
  }
}

/** The column `roles`. @throws AssertionFailed: only our own code writes it */
export function rolesIn(row: SqlRow): readonly Role[] {
  return row
    .text('roles')
    .split(',')
    .map(role => {
      assert(isRole(role), 'the database holds a role that this program does not know')
      return role
    })
}
