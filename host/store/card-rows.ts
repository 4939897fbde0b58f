/** Cards, the accounts they open, and who stands at which machine. */
import {accountOf} from './account-rows.ts'
import {filtered} from './filter.ts'
import {firstRow} from './sql.ts'
import type {Sql, SqlRow} from './sql.ts'
import type {Migration} from './dialect.ts'
import type {BankAccount, Card, CardRows, Visit} from './port.ts'

export const CARD_TABLES: Migration = {
  name: 'cards',
  statements: ({integer, strict}) => [
    `CREATE TABLE cards (
       card_id TEXT PRIMARY KEY,
       pan_hash TEXT NOT NULL UNIQUE,
       pan_shown TEXT NOT NULL,
       expires TEXT NOT NULL,
       status TEXT NOT NULL CHECK (status IN ('active', 'blocked', 'stolen')),
       pin_verifier TEXT NOT NULL,
       pin_tries ${integer} NOT NULL CHECK (pin_tries >= 0)
     ) ${strict}`,
    `CREATE TABLE card_accounts (
       card_id TEXT NOT NULL REFERENCES cards,
       position ${integer} NOT NULL,
       account_id TEXT NOT NULL REFERENCES accounts,
       PRIMARY KEY (card_id, position)
     ) ${strict}`,
    `CREATE TABLE visits (
       atm_id TEXT PRIMARY KEY REFERENCES atms,
       card_id TEXT NOT NULL REFERENCES cards,
       verified_at_ms ${integer} NOT NULL
     ) ${strict}`,
    `CREATE TABLE verifications (
       operation_key TEXT PRIMARY KEY,
       atm_id TEXT NOT NULL REFERENCES atms,
       at_ms ${integer} NOT NULL
     ) ${strict}`,
  ],
}

export function cardRows(sql: Sql): CardRows {
  return {
    async findByPan(panHash) {
      const row = await firstRow(sql, 'SELECT * FROM cards WHERE pan_hash = $1', [panHash])
      return row === null ? null : cardOf(row)
    },
    async find(cardId) {
      const row = await firstRow(sql, 'SELECT * FROM cards WHERE card_id = $1', [cardId])
      return row === null ? null : cardOf(row)
    },
    async page({accountId}, slice) {
      const {where, values} = filtered(
        [
          [
            'EXISTS (SELECT 1 FROM card_accounts a WHERE a.card_id = c.card_id AND a.account_id = ?)',
            accountId,
          ],
        ],
        slice,
        ['c.card_id'],
        'ascending',
      )
      const {rows} = await sql.query(
        `SELECT * FROM cards c ${where} ORDER BY c.card_id LIMIT $${values.length + 1}`,
        [...values, slice.countMax],
      )
      return rows.map(cardOf)
    },
    async accounts(cardId) {
      const {rows} = await sql.query(
        `SELECT a.*, t.currency FROM card_accounts c JOIN accounts a USING (account_id)
         JOIN account_terms t USING (account_id) WHERE c.card_id = $1 ORDER BY c.position`,
        [cardId],
      )
      return rows.map(accountOf)
    },
    async put(card, accountIds) {
      await sql.query(
        `INSERT INTO cards (card_id, pan_hash, pan_shown, expires, status, pin_verifier, pin_tries)
         VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [
          card.cardId,
          card.panHash,
          card.panShown,
          card.expires,
          card.status,
          card.pinVerifier,
          card.pinTriesCount,
        ],
      )
      for (const [position, accountId] of accountIds.entries())
        await sql.query('INSERT INTO card_accounts (card_id, position, account_id) VALUES ($1, $2, $3)', [
          card.cardId,
          position,
          accountId,
        ])
    },
    async setStatus(cardId, status) {
      await sql.query('UPDATE cards SET status = $1 WHERE card_id = $2', [status, cardId])
    },
    async addTries(cardId, by) {
      await sql.query(
        `UPDATE cards SET pin_tries = CASE WHEN pin_tries + $1 < 0 THEN 0 ELSE pin_tries + $1 END
         WHERE card_id = $2`,
        [by, cardId],
      )
    },
    async clearTries(cardId) {
      await sql.query('UPDATE cards SET pin_tries = 0 WHERE card_id = $1', [cardId])
    },
    async setPinVerifier(cardId, pinVerifier) {
      await sql.query('UPDATE cards SET pin_verifier = $1 WHERE card_id = $2', [pinVerifier, cardId])
    },
    async visit(atmId) {
      const row = await firstRow(sql, 'SELECT * FROM visits WHERE atm_id = $1', [atmId])
      return row === null ? null : {cardId: row.text('card_id'), verifiedAtMs: row.moment('verified_at_ms')}
    },
    async setVisit(atmId, visit) {
      if (visit === null) await sql.query('DELETE FROM visits WHERE atm_id = $1', [atmId])
      else
        await sql.query(
          `INSERT INTO visits (atm_id, card_id, verified_at_ms) VALUES ($1, $2, $3) ON CONFLICT (atm_id)
           DO UPDATE SET card_id = excluded.card_id, verified_at_ms = excluded.verified_at_ms`,
          [atmId, visit.cardId, visit.verifiedAtMs],
        )
    },
    async recordVerification(key, atmId, atMs) {
      const {changedCount} = await sql.query(
        `INSERT INTO verifications (operation_key, atm_id, at_ms) VALUES ($1, $2, $3)
         ON CONFLICT (operation_key) DO NOTHING`,
        [key, atmId, atMs],
      )
      return changedCount === 1 ? 'new' : 'known'
    },
  }
}

/** Keeps the cards as they are for the transaction's time: what is decided on their facts is decided in turn. */
export async function lockCards(sql: Sql, cardIds: readonly string[]): Promise<void> {
  await sql.forRows(
    {card_id: 'text'},
    cardIds.map(cardId => [cardId]),
    source =>
      `SELECT c.card_id FROM cards c JOIN ${source} AS r ON c.card_id = r.card_id
       ORDER BY c.card_id ${sql.forUpdate('c')}`,
  )
}

/** Who stands at each of the machines, and the accounts of those cards. */
export async function visitsAt(
  sql: Sql,
  atmIds: readonly string[],
): Promise<{
  readonly visits: ReadonlyMap<string, Visit>
  readonly accounts: ReadonlyMap<string, readonly BankAccount[]>
}> {
  const {rows} = await sql.forRows(
    {atm_id: 'text'},
    atmIds.map(atmId => [atmId]),
    source =>
      `SELECT v.atm_id, v.card_id, v.verified_at_ms, a.*, t.currency FROM visits v
       JOIN ${source} AS r ON v.atm_id = r.atm_id LEFT JOIN card_accounts c ON c.card_id = v.card_id
       LEFT JOIN accounts a ON a.account_id = c.account_id LEFT JOIN account_terms t ON t.account_id = a.account_id
       ORDER BY v.atm_id, c.position`,
  )
  const byCard = Map.groupBy(rows, row => row.text('card_id'))
  return {
    visits: new Map(
      rows.map(row => [
        row.text('atm_id'),
        {cardId: row.text('card_id'), verifiedAtMs: row.moment('verified_at_ms')},
      ]),
    ),
    // A card at two machines at once comes twice.
    accounts: new Map(
      [...byCard].map(([cardId, own]) => [
        cardId,
        [
          ...new Map(
            own.flatMap(row =>
              row.textOrNull('account_id') === null
                ? []
                : [[row.text('account_id'), accountOf(row)] as const],
            ),
          ).values(),
        ],
      ]),
    ),
  }
}

function cardOf(row: SqlRow): Card {
  return {
    cardId: row.text('card_id'),
    panHash: row.text('pan_hash'),
    panShown: row.text('pan_shown'),
    expires: row.text('expires'),
    status: row.word('status', ['active', 'blocked', 'stolen']),
    pinVerifier: row.text('pin_verifier'),
    pinTriesCount: row.integer('pin_tries'),
  }
}
