/** Machines' journals as they were sent, and what they say of each operation. */
import {firstRow} from './sql.ts'
import type {Sql, SqlRow} from './sql.ts'
import type {Migration} from './dialect.ts'
import type {JournalRows, JournalWord} from './port.ts'

export const JOURNAL_TABLES: Migration = {
  name: 'journals',
  statements: ({integer, strict, appendOnly}) => [
    `CREATE TABLE journal_tips (
       atm_id TEXT PRIMARY KEY REFERENCES atms,
       offset_bytes ${integer} NOT NULL,
       rows_count ${integer} NOT NULL,
       last_hash TEXT NOT NULL,
       taken_at_ms ${integer} NOT NULL
     ) ${strict}`,
    `CREATE TABLE journal_segments (
       atm_id TEXT NOT NULL REFERENCES atms,
       offset_bytes ${integer} NOT NULL,
       length_bytes ${integer} NOT NULL,
       sha256 TEXT NOT NULL,
       content TEXT NOT NULL,
       taken_at_ms ${integer} NOT NULL,
       PRIMARY KEY (atm_id, offset_bytes)
     ) ${strict}`,
    `CREATE TABLE journal_words (
       operation_key TEXT PRIMARY KEY,
       atm_id TEXT NOT NULL REFERENCES atms,
       business_date TEXT NOT NULL,
       kind TEXT NOT NULL CHECK (kind IN ('asked', 'completed', 'reversed', 'suspect', 'stored')),
       currency TEXT,
       least ${integer} NOT NULL,
       most ${integer} NOT NULL CHECK (most >= least)
     ) ${strict}`,
    'CREATE INDEX journal_words_by_date ON journal_words (atm_id, business_date)',
    ...appendOnly('journal_segments'),
  ],
}

export const ANCHOR_TABLES: Migration = {
  name: 'journal anchors',
  statements: ({integer, strict, appendOnly}) => [
    `CREATE TABLE journal_anchors (
       atm_id TEXT NOT NULL REFERENCES atms,
       rows_count ${integer} NOT NULL,
       last_hash TEXT NOT NULL,
       machine_key TEXT NOT NULL,
       machine_signature TEXT NOT NULL,
       bank_key TEXT NOT NULL,
       bank_signature TEXT NOT NULL,
       taken_at TEXT NOT NULL,
       PRIMARY KEY (atm_id, rows_count)
     ) ${strict}`,
    ...appendOnly('journal_anchors'),
  ],
}

export function journalRows(sql: Sql): JournalRows {
  return {
    async tip(atmId) {
      const row = await firstRow(sql, 'SELECT * FROM journal_tips WHERE atm_id = $1', [atmId])
      return row === null
        ? null
        : {
            offsetBytes: row.integer('offset_bytes'),
            rowsCount: row.integer('rows_count'),
            lastHash: row.text('last_hash'),
            takenAtMs: row.moment('taken_at_ms'),
          }
    },
    async add(atmId, {offsetBytes, lengthBytes, sha256, text}, tip) {
      await sql.query(
        `INSERT INTO journal_segments (atm_id, offset_bytes, length_bytes, sha256, content, taken_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6)`,
        [atmId, offsetBytes, lengthBytes, sha256, text, tip.takenAtMs],
      )
      await sql.query(
        `INSERT INTO journal_tips (atm_id, offset_bytes, rows_count, last_hash, taken_at_ms)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (atm_id) DO UPDATE SET offset_bytes = excluded.offset_bytes,
           rows_count = excluded.rows_count, last_hash = excluded.last_hash,
           taken_at_ms = excluded.taken_at_ms`,
        [atmId, tip.offsetBytes, tip.rowsCount, tip.lastHash, tip.takenAtMs],
      )
    },
    async segment(atmId, offsetBytes) {
      const row = await firstRow(
        sql,
        'SELECT * FROM journal_segments WHERE atm_id = $1 AND offset_bytes = $2',
        [atmId, offsetBytes],
      )
      return row === null
        ? null
        : {
            offsetBytes: row.integer('offset_bytes'),
            lengthBytes: row.integer('length_bytes'),
            sha256: row.text('sha256'),
            text: row.text('content'),
          }
    },
    async putWord(atmId, {key, date, kind, currency, leastMinor, mostMinor}) {
      await sql.query(
        `INSERT INTO journal_words (operation_key, atm_id, business_date, kind, currency, least, most)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (operation_key) DO UPDATE SET kind = excluded.kind, least = excluded.least,
           most = excluded.most, currency = COALESCE(excluded.currency, journal_words.currency)`,
        [key, atmId, date, kind, currency, leastMinor, mostMinor],
      )
    },
    async words(atmId, from, to) {
      const {rows} = await sql.query(
        `SELECT * FROM journal_words WHERE atm_id = $1 AND business_date > $2 AND business_date <= $3
         ORDER BY operation_key`,
        [atmId, from ?? '', to],
      )
      return rows.map(wordOf)
    },
    async anchor(atmId, row) {
      const found = await firstRow(
        sql,
        'SELECT * FROM journal_anchors WHERE atm_id = $1 AND rows_count = $2',
        [atmId, row],
      )
      return found === null
        ? null
        : {
            row: found.integer('rows_count'),
            hash: found.text('last_hash'),
            machineKey: found.text('machine_key'),
            machineSignature: found.text('machine_signature'),
            bankKey: found.text('bank_key'),
            bankSignature: found.text('bank_signature'),
            takenAt: found.text('taken_at'),
          }
    },
    async addAnchor(atmId, {row, hash, machineKey, machineSignature, bankKey, bankSignature, takenAt}) {
      await sql.query(
        `INSERT INTO journal_anchors (atm_id, rows_count, last_hash, machine_key, machine_signature,
           bank_key, bank_signature, taken_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [atmId, row, hash, machineKey, machineSignature, bankKey, bankSignature, takenAt],
      )
    },
  }
}

function wordOf(row: SqlRow): JournalWord {
  return {
    key: row.text('operation_key'),
    date: row.text('business_date'),
    kind: row.word('kind', ['asked', 'completed', 'reversed', 'suspect', 'stored']),
    currency: row.textOrNull('currency') === null ? null : row.currency('currency'),
    leastMinor: row.minor('least'),
    mostMinor: row.minor('most'),
  }
}
