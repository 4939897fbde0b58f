/** The SQL of machines and cards in the embedded store. Prepared once. */
import type Database from 'better-sqlite3'
import {epochMs} from '../../kit/clock.ts'
import {accountOf} from './sqlite-accounts.ts'
import type {AccountRow} from './sqlite-accounts.ts'
import type {Atm, AtmRows, Card, CardRows, CardStatus} from './port.ts'

type Db = Database.Database

interface AtmRow {
  readonly atm_id: string
  readonly location: string
  readonly status: Atm['status']
}

export function atmRows(database: Db): AtmRows {
  const find = database.prepare<[string], AtmRow>(
    'SELECT atm_id, location, status FROM atms WHERE atm_id = ?',
  )
  const list = database.prepare<[], AtmRow>('SELECT atm_id, location, status FROM atms ORDER BY atm_id')
  const put = database.prepare<[string, string, string]>('INSERT INTO atms VALUES (?, ?, ?)')
  const putKeys = database.prepare<[string, string]>('INSERT INTO atm_keys VALUES (?, ?, NULL)')
  const setStatus = database.prepare<[string, string]>('UPDATE atms SET status = ? WHERE atm_id = ?')
  const keys = database.prepare<[string], {master_key: string; pin_key: string | null}>(
    'SELECT master_key, pin_key FROM atm_keys WHERE atm_id = ?',
  )
  const setPinKey = database.prepare<[string | null, string]>(
    'UPDATE atm_keys SET pin_key = ? WHERE atm_id = ?',
  )
  const findPin = database.prepare<[string], AtmRow & {is_revoked: number}>(
    `SELECT a.atm_id, a.location, a.status, p.is_revoked FROM atm_pins p JOIN atms a USING (atm_id) WHERE p.spki_sha256 = ?`,
  )
  const addPin = database.prepare<[string, string]>(
    'INSERT INTO atm_pins VALUES (?, ?, 0) ON CONFLICT (spki_sha256) DO NOTHING',
  )
  const revokePin = database.prepare<[string]>('UPDATE atm_pins SET is_revoked = 1 WHERE spki_sha256 = ?')
  const atmOf = (row: AtmRow): Atm => ({atmId: row.atm_id, location: row.location, status: row.status})
  return {
    async find(atmId) {
      const row = find.get(atmId)
      return row === undefined ? null : atmOf(row)
    },
    list: async () => list.all().map(atmOf),
    async put(atm, masterKey) {
      put.run(atm.atmId, atm.location, atm.status)
      putKeys.run(atm.atmId, masterKey)
    },
    async setStatus(atmId, status) {
      setStatus.run(status, atmId)
    },
    async keys(atmId) {
      const row = keys.get(atmId)
      return row === undefined ? null : {masterKey: row.master_key, pinKey: row.pin_key}
    },
    async setPinKey(atmId, pinKey) {
      setPinKey.run(pinKey, atmId)
    },
    async findPin(spkiSha256) {
      const row = findPin.get(spkiSha256)
      return row === undefined ? null : {atm: atmOf(row), isRevoked: row.is_revoked === 1}
    },
    async addPin(atmId, spkiSha256) {
      addPin.run(spkiSha256, atmId)
    },
    async revokePin(spkiSha256) {
      revokePin.run(spkiSha256)
    },
  }
}

interface CardRow {
  readonly card_id: string
  readonly pan_hash: string
  readonly pan_shown: string
  readonly expires: string
  readonly status: CardStatus
  readonly pin_verifier: string
  readonly pin_tries: number
}

export function cardRows(database: Db): CardRows {
  const findByPan = database.prepare<[string], CardRow>('SELECT * FROM cards WHERE pan_hash = ?')
  const accounts = database.prepare<[string], AccountRow>(
    `SELECT a.*, t.currency FROM card_accounts c JOIN accounts a USING (account_id)
     JOIN account_terms t USING (account_id) WHERE c.card_id = ? ORDER BY c.position`,
  )
  const put = database.prepare<[string, string, string, string, string, string, number]>(
    'INSERT INTO cards VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const putAccount = database.prepare<[string, number, string]>('INSERT INTO card_accounts VALUES (?, ?, ?)')
  const setStatus = database.prepare<[string, string]>('UPDATE cards SET status = ? WHERE card_id = ?')
  const addTries = database.prepare<[number, string]>(
    'UPDATE cards SET pin_tries = max(0, pin_tries + ?) WHERE card_id = ?',
  )
  const clearTries = database.prepare<[string]>('UPDATE cards SET pin_tries = 0 WHERE card_id = ?')
  const visit = database.prepare<[string], {card_id: string; verified_at_ms: number}>(
    'SELECT card_id, verified_at_ms FROM visits WHERE atm_id = ?',
  )
  const setVisit = database.prepare<[string, string, number]>(
    'INSERT OR REPLACE INTO visits VALUES (?, ?, ?)',
  )
  const endVisit = database.prepare<[string]>('DELETE FROM visits WHERE atm_id = ?')
  const verification = database.prepare<[string, string, number]>(
    'INSERT INTO verifications VALUES (?, ?, ?) ON CONFLICT (operation_key) DO NOTHING',
  )
  return {
    async findByPan(panHash) {
      const row = findByPan.get(panHash)
      return row === undefined ? null : cardOf(row)
    },
    accounts: async cardId => accounts.all(cardId).map(accountOf),
    async put(card, accountIds) {
      put.run(
        card.cardId,
        card.panHash,
        card.panShown,
        card.expires,
        card.status,
        card.pinVerifier,
        card.pinTriesCount,
      )
      for (const [position, accountId] of accountIds.entries())
        putAccount.run(card.cardId, position, accountId)
    },
    async setStatus(cardId, status) {
      setStatus.run(status, cardId)
    },
    async addTries(cardId, by) {
      addTries.run(by, cardId)
    },
    async clearTries(cardId) {
      clearTries.run(cardId)
    },
    async visit(atmId) {
      const row = visit.get(atmId)
      return row === undefined ? null : {cardId: row.card_id, verifiedAtMs: epochMs(row.verified_at_ms)}
    },
    async setVisit(atmId, next) {
      if (next === null) endVisit.run(atmId)
      else setVisit.run(atmId, next.cardId, next.verifiedAtMs)
    },
    async recordVerification(key, atmId, atMs) {
      return verification.run(key, atmId, atMs).changes === 1 ? 'new' : 'known'
    },
  }
}

function cardOf(row: CardRow): Card {
  return {
    cardId: row.card_id,
    panHash: row.pan_hash,
    panShown: row.pan_shown,
    expires: row.expires,
    status: row.status,
    pinVerifier: row.pin_verifier,
    pinTriesCount: row.pin_tries,
  }
}
