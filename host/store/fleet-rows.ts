/** What machines say of themselves: cash, parts and their events. The newest of each is kept ready for the fleet's list. */
import {filtered} from './filter.ts'
import {firstRow} from './sql.ts'
import type {Sql, SqlRow, SqlValue} from './sql.ts'
import {atmOf} from './atm-rows.ts'
import {epochMs} from '../../kit/clock.ts'
import type {Migration} from './dialect.ts'
import {PARTS} from './port.ts'
import type {FleetRows, MachineEvent, MachineStatus, OpenCounts} from './port.ts'

export const FLEET_TABLES: Migration = {
  name: 'fleet',
  statements: ({integer, strict, appendOnly}) => [
    `CREATE TABLE machine_status (
       atm_id TEXT PRIMARY KEY REFERENCES atms,
       heard_at_ms ${integer} NOT NULL,
       cash TEXT,
       cash_at_ms ${integer}
     ) ${strict}`,
    `CREATE TABLE machine_events (
       atm_id TEXT NOT NULL REFERENCES atms,
       seq ${integer} NOT NULL,
       at TEXT NOT NULL,
       part TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('ok', 'degraded', 'out')),
       detail TEXT NOT NULL,
       taken_at_ms ${integer} NOT NULL,
       PRIMARY KEY (atm_id, seq)
     ) ${strict}`,
    `CREATE TABLE machine_parts (
       atm_id TEXT NOT NULL REFERENCES atms,
       part TEXT NOT NULL,
       seq ${integer} NOT NULL,
       PRIMARY KEY (atm_id, part),
       FOREIGN KEY (atm_id, seq) REFERENCES machine_events
     ) ${strict}`,
    ...appendOnly('machine_events'),
  ],
}

export function fleetRows(sql: Sql): FleetRows {
  return {
    async list(slice) {
      const {where, values} = filtered([], slice, ['atm_id'], 'ascending')
      const {rows} = await sql.query(
        `SELECT * FROM atms ${where} ORDER BY atm_id LIMIT $${values.length + 1}`,
        [...values, slice.countMax],
      )
      return rows.map(atmOf)
    },
    async setLocation(atmId, location) {
      await sql.query('UPDATE atms SET location = $2 WHERE atm_id = $1', [atmId, location])
    },
    async statuses(atmIds) {
      const rows = await among(sql, 'SELECT * FROM machine_status WHERE atm_id', atmIds)
      return new Map(rows.map(row => [row.text('atm_id'), statusOf(row)]))
    },
    async heard(atmId, atMs) {
      await sql.query(
        `INSERT INTO machine_status (atm_id, heard_at_ms) VALUES ($1, $2)
         ON CONFLICT (atm_id) DO UPDATE SET heard_at_ms = excluded.heard_at_ms`,
        [atmId, atMs],
      )
    },
    async setCash(atmId, cash, atMs) {
      await sql.query(
        `INSERT INTO machine_status (atm_id, heard_at_ms, cash, cash_at_ms) VALUES ($1, $2, $3, $2)
         ON CONFLICT (atm_id) DO UPDATE SET heard_at_ms = excluded.heard_at_ms, cash = excluded.cash,
           cash_at_ms = excluded.cash_at_ms`,
        [atmId, atMs, cash],
      )
    },
    async addEvent(atmId, {seq, at, part, state, detail}, atMs) {
      const {changedCount} = await sql.query(
        `INSERT INTO machine_events (atm_id, seq, at, part, state, detail, taken_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (atm_id, seq) DO NOTHING`,
        [atmId, seq, at, part, state, detail, atMs],
      )
      if (changedCount === 0) return
      await sql.query(
        `INSERT INTO machine_parts (atm_id, part, seq) VALUES ($1, $2, $3)
         ON CONFLICT (atm_id, part) DO UPDATE SET seq = excluded.seq WHERE machine_parts.seq < excluded.seq`,
        [atmId, part, seq],
      )
    },
    async lastEventSeq(atmId) {
      const row = await firstRow(
        sql,
        'SELECT CAST(COALESCE(max(seq), 0) AS BIGINT) AS seq FROM machine_events WHERE atm_id = $1',
        [atmId],
      )
      return row?.integer('seq') ?? 0
    },
    async parts(atmIds) {
      const rows = await among(
        sql,
        `SELECT e.* FROM machine_parts p JOIN machine_events e ON e.atm_id = p.atm_id AND e.seq = p.seq
         WHERE p.atm_id`,
        atmIds,
      )
      const byAtm = Map.groupBy(rows, row => row.text('atm_id'))
      return new Map([...byAtm].map(([atmId, own]) => [atmId, own.map(eventOf).sort(byPart)]))
    },
    async openCounts() {
      const counts = new Map<string, OpenCounts>()
      const put = (row: SqlRow, more: Partial<OpenCounts>) => {
        const atmId = row.text('atm_id')
        const none: OpenCounts = {holdsCount: 0, suspectsCount: 0, differencesCount: 0}
        counts.set(atmId, {...(counts.get(atmId) ?? none), ...more})
      }
      const operations = await sql.query(
        `SELECT atm_id, state, CAST(count(*) AS BIGINT) AS times FROM operations
         WHERE state IN ('held', 'suspect') AND atm_id IS NOT NULL GROUP BY atm_id, state`,
      )
      for (const row of operations.rows)
        put(
          row,
          row.text('state') === 'held'
            ? {holdsCount: row.integer('times')}
            : {suspectsCount: row.integer('times')},
        )
      const differences = await sql.query(
        `SELECT atm_id, CAST(count(*) AS BIGINT) AS times FROM differences WHERE state = 'open' GROUP BY atm_id`,
      )
      for (const row of differences.rows) put(row, {differencesCount: row.integer('times')})
      return counts
    },
  }
}

/** The rows of these machines. @param statement ends where the list of ids goes */
async function among(sql: Sql, statement: string, atmIds: readonly string[]): Promise<readonly SqlRow[]> {
  if (atmIds.length === 0) return []
  const values: readonly SqlValue[] = atmIds
  const {rows} = await sql.query(
    `${statement} IN (${values.map((_, at) => `$${at + 1}`).join(', ')})`,
    values,
  )
  return rows
}

function byPart(one: MachineEvent, other: MachineEvent): number {
  return PARTS.indexOf(one.part) - PARTS.indexOf(other.part)
}

function statusOf(row: SqlRow): MachineStatus {
  const cashAtMs = row.integerOrNull('cash_at_ms')
  return {
    atmId: row.text('atm_id'),
    heardAtMs: row.moment('heard_at_ms'),
    cash: row.textOrNull('cash'),
    cashAtMs: cashAtMs === null ? null : epochMs(cashAtMs),
  }
}

function eventOf(row: SqlRow): MachineEvent {
  return {
    seq: row.integer('seq'),
    at: row.text('at'),
    part: row.word('part', PARTS),
    state: row.word('state', ['ok', 'degraded', 'out']),
    detail: row.text('detail'),
  }
}
