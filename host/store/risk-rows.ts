/** Facts about cards at machines, the alerts that they raised, cards held by one, and second proofs. */
import {FACT_KINDS} from '../guard/rules.ts'
import type {Fact, Place} from '../guard/rules.ts'
import {firstRow} from './sql.ts'
import type {Columns, Sql, SqlRow} from './sql.ts'
import type {Migration} from './dialect.ts'
import type {Alert, RiskRows} from './port.ts'

export const RISK_TABLES: Migration = {
  name: 'risk',
  statements: ({integer, strict, neverDeleted}) => [
    `CREATE TABLE atm_places (
       atm_id TEXT PRIMARY KEY REFERENCES atms,
       latitude_micro ${integer} NOT NULL CHECK (latitude_micro BETWEEN -90000000 AND 90000000),
       longitude_micro ${integer} NOT NULL CHECK (longitude_micro BETWEEN -180000000 AND 180000000)
     ) ${strict}`,
    `CREATE TABLE card_facts (
       fact_key TEXT NOT NULL,
       kind TEXT NOT NULL,
       card_id TEXT NOT NULL REFERENCES cards,
       atm_id TEXT NOT NULL REFERENCES atms,
       at_ms ${integer} NOT NULL,
       PRIMARY KEY (fact_key, kind)
     ) ${strict}`,
    'CREATE INDEX card_facts_by_card ON card_facts (card_id, at_ms)',
    'CREATE INDEX card_facts_by_machine ON card_facts (atm_id, at_ms)',
    `CREATE TABLE alerts (
       alert_id TEXT PRIMARY KEY,
       rule TEXT NOT NULL,
       card_id TEXT REFERENCES cards,
       atm_id TEXT NOT NULL REFERENCES atms,
       why TEXT NOT NULL,
       is_holding ${integer} NOT NULL CHECK (is_holding IN (0, 1)),
       raised_at_ms ${integer} NOT NULL,
       closed_at_ms ${integer},
       closed_by TEXT,
       closing TEXT
     ) ${strict}`,
    'CREATE INDEX alerts_open ON alerts (raised_at_ms) WHERE closed_at_ms IS NULL',
    'CREATE INDEX alerts_by_card ON alerts (card_id, rule, raised_at_ms)',
    'CREATE INDEX alerts_by_machine ON alerts (atm_id, rule, raised_at_ms)',
    ...neverDeleted('alerts'),
    `CREATE TABLE step_ups (
       atm_id TEXT PRIMARY KEY REFERENCES atms,
       card_id TEXT NOT NULL REFERENCES cards,
       amount_max ${integer} NOT NULL,
       ends_at_ms ${integer} NOT NULL
     ) ${strict}`,
    `CREATE TABLE card_factors (
       card_id TEXT PRIMARY KEY REFERENCES cards,
       seed TEXT NOT NULL,
       last_step ${integer} NOT NULL
     ) ${strict}`,
  ],
}

export function riskRows(sql: Sql): RiskRows {
  const facts = async (column: 'card_id' | 'atm_id', id: string, sinceMs: number, countMax: number) => {
    const {rows} = await sql.query(
      `SELECT f.*, p.latitude_micro, p.longitude_micro FROM card_facts f LEFT JOIN atm_places p USING (atm_id)
       WHERE f.${column} = $1 AND f.at_ms >= $2 ORDER BY f.at_ms DESC, f.fact_key, f.kind LIMIT $3`,
      [id, sinceMs, countMax],
    )
    return rows.map(factOf)
  }
  return {
    async setPlace(atmId, {latitudeMicro, longitudeMicro}) {
      await sql.query(
        `INSERT INTO atm_places (atm_id, latitude_micro, longitude_micro) VALUES ($1, $2, $3)
         ON CONFLICT (atm_id) DO UPDATE
         SET latitude_micro = excluded.latitude_micro, longitude_micro = excluded.longitude_micro`,
        [atmId, latitudeMicro, longitudeMicro],
      )
    },
    addFact: fact => insertFacts(sql, [fact]),
    factsOfCard: (cardId, sinceMs, countMax) => facts('card_id', cardId, sinceMs, countMax),
    factsOfMachine: (atmId, sinceMs, countMax) => facts('atm_id', atmId, sinceMs, countMax),
    async cardOf(key) {
      const row = await firstRow(
        sql,
        "SELECT card_id FROM card_facts WHERE fact_key = $1 AND kind = 'approved'",
        [key],
      )
      return row?.text('card_id') ?? null
    },
    async latestAlert(rule, {cardId, atmId}) {
      const about = cardId === null ? 'card_id IS NULL AND atm_id = $2' : 'card_id = $2'
      const row = await firstRow(
        sql,
        `SELECT * FROM alerts WHERE rule = $1 AND ${about} ORDER BY raised_at_ms DESC, alert_id DESC LIMIT 1`,
        [rule, cardId ?? atmId],
      )
      return row === null ? null : alertOf(row)
    },
    async raise({alertId, rule, cardId, atmId, why, isHolding, raisedAtMs}) {
      await sql.query(
        `INSERT INTO alerts (alert_id, rule, card_id, atm_id, why, is_holding, raised_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [alertId, rule, cardId, atmId, why, isHolding ? 1 : 0, raisedAtMs],
      )
    },
    async isHeld(cardId) {
      const row = await firstRow(
        sql,
        'SELECT 1 AS one FROM alerts WHERE closed_at_ms IS NULL AND card_id = $1 AND is_holding = 1',
        [cardId],
      )
      return row !== null
    },
    async alerts(which, countMax) {
      const {rows} = await sql.query(
        `SELECT * FROM alerts ${which === 'open' ? 'WHERE closed_at_ms IS NULL' : ''}
         ORDER BY raised_at_ms DESC, alert_id DESC LIMIT $1`,
        [countMax],
      )
      return rows.map(alertOf)
    },
    async alert(alertId) {
      const row = await firstRow(sql, 'SELECT * FROM alerts WHERE alert_id = $1', [alertId])
      return row === null ? null : alertOf(row)
    },
    async close(alertId, {atMs, by, closing}) {
      await sql.query(
        `UPDATE alerts SET closed_at_ms = $1, closed_by = $2, closing = $3
         WHERE alert_id = $4 AND closed_at_ms IS NULL`,
        [atMs, by, closing, alertId],
      )
    },
    async grantStepUp(atmId, {cardId, amountMinorMax, endsAtMs}) {
      await sql.query(
        `INSERT INTO step_ups (atm_id, card_id, amount_max, ends_at_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (atm_id) DO UPDATE SET card_id = excluded.card_id, amount_max = excluded.amount_max,
           ends_at_ms = excluded.ends_at_ms`,
        [atmId, cardId, amountMinorMax, endsAtMs],
      )
    },
    async spendStepUp(atmId, {cardId, amountMinor, nowMs}) {
      const {changedCount} = await sql.query(
        'DELETE FROM step_ups WHERE atm_id = $1 AND card_id = $2 AND amount_max >= $3 AND ends_at_ms > $4',
        [atmId, cardId, amountMinor, nowMs],
      )
      return changedCount === 1 ? 'spent' : 'none'
    },
    async factor(cardId) {
      const row = await firstRow(sql, 'SELECT seed FROM card_factors WHERE card_id = $1', [cardId])
      return row?.text('seed') ?? null
    },
    async setFactor(cardId, seed) {
      await sql.query(
        `INSERT INTO card_factors (card_id, seed, last_step) VALUES ($1, $2, 0)
         ON CONFLICT (card_id) DO UPDATE SET seed = excluded.seed, last_step = 0`,
        [cardId, seed],
      )
    },
    async acceptStep(cardId, step) {
      const {changedCount} = await sql.query(
        'UPDATE card_factors SET last_step = $1 WHERE card_id = $2 AND last_step < $1',
        [step, cardId],
      )
      return changedCount === 1 ? 'accepted' : 'replayed'
    },
  }
}

const FACT_COLUMNS: Columns = {
  fact_key: 'text',
  kind: 'text',
  card_id: 'text',
  atm_id: 'text',
  at_ms: 'integer',
}

export async function insertFacts(sql: Sql, facts: readonly Omit<Fact, 'place'>[]): Promise<void> {
  const names = Object.keys(FACT_COLUMNS).join(', ')
  await sql.forRows(
    FACT_COLUMNS,
    facts.map(({key, kind, cardId, atmId, atMs}) => [key, kind, cardId, atmId, atMs]),
    // WHERE: or SQLite takes ON for the condition of a join.
    source =>
      `INSERT INTO card_facts (${names}) SELECT ${names} FROM ${source} AS r WHERE 1 = 1
       ON CONFLICT (fact_key, kind) DO NOTHING`,
  )
}

/** Where those of the machines are whose places are known. */
export async function placesOf(sql: Sql, atmIds: readonly string[]): Promise<ReadonlyMap<string, Place>> {
  const {rows} = await sql.forRows(
    {atm_id: 'text'},
    atmIds.map(atmId => [atmId]),
    source => `SELECT p.* FROM atm_places p JOIN ${source} AS r ON p.atm_id = r.atm_id`,
  )
  return new Map(
    rows.map(row => [
      row.text('atm_id'),
      {latitudeMicro: row.integer('latitude_micro'), longitudeMicro: row.integer('longitude_micro')},
    ]),
  )
}

/** For which cards the operations were approved. */
export async function cardsOf(sql: Sql, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const {rows} = await sql.forRows(
    {fact_key: 'text'},
    keys.map(key => [key]),
    source =>
      `SELECT f.fact_key, f.card_id FROM card_facts f JOIN ${source} AS r ON f.fact_key = r.fact_key
       WHERE f.kind = 'approved'`,
  )
  return new Map(rows.map(row => [row.text('fact_key'), row.text('card_id')]))
}

/** Those of the cards that an alert holds. */
export async function heldOf(sql: Sql, cardIds: readonly string[]): Promise<ReadonlySet<string>> {
  const {rows} = await sql.forRows(
    {card_id: 'text'},
    cardIds.map(cardId => [cardId]),
    source =>
      `SELECT a.card_id FROM alerts a JOIN ${source} AS r ON a.card_id = r.card_id
       WHERE a.closed_at_ms IS NULL AND a.is_holding = 1`,
  )
  return new Set(rows.map(row => row.text('card_id')))
}

function factOf(row: SqlRow): Fact {
  const latitudeMicro = row.integerOrNull('latitude_micro')
  const longitudeMicro = row.integerOrNull('longitude_micro')
  return {
    kind: row.word('kind', FACT_KINDS),
    cardId: row.text('card_id'),
    atmId: row.text('atm_id'),
    key: row.text('fact_key'),
    atMs: row.moment('at_ms'),
    place: latitudeMicro === null || longitudeMicro === null ? null : {latitudeMicro, longitudeMicro},
  }
}

function alertOf(row: SqlRow): Alert {
  return {
    alertId: row.text('alert_id'),
    rule: row.text('rule'),
    cardId: row.textOrNull('card_id'),
    atmId: row.text('atm_id'),
    why: row.text('why'),
    isHolding: row.flag('is_holding'),
    raisedAtMs: row.moment('raised_at_ms'),
    closedAtMs: row.integerOrNull('closed_at_ms') === null ? null : row.moment('closed_at_ms'),
    closedBy: row.textOrNull('closed_by'),
    closing: row.textOrNull('closing'),
  }
}
