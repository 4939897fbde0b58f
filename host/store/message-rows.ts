/** Which numbers of signed messages were used: one row for each signing key. */
import {firstRow} from './sql.ts'
import type {Sql} from './sql.ts'
import type {Migration} from './dialect.ts'
import type {MessageRows} from './port.ts'

export const MESSAGE_TABLES: Migration = {
  name: 'messages',
  statements: ({integer, strict}) => [
    `CREATE TABLE message_windows (
       signer_pin TEXT PRIMARY KEY,
       floor ${integer} NOT NULL,
       seen TEXT NOT NULL
     ) ${strict}`,
  ],
}

export function messageRows(sql: Sql): MessageRows {
  return {
    async window(signerPin) {
      const row = await firstRow(sql, 'SELECT * FROM message_windows WHERE signer_pin = $1', [signerPin])
      if (row === null) return {floor: -1, seen: []}
      return {floor: row.integer('floor'), seen: row.text('seen').split(',').map(Number)}
    },
    async setWindow(signerPin, {floor, seen}) {
      await sql.query(
        `INSERT INTO message_windows (signer_pin, floor, seen) VALUES ($1, $2, $3)
         ON CONFLICT (signer_pin) DO UPDATE SET floor = excluded.floor, seen = excluded.seen`,
        [signerPin, floor, seen.join(',')],
      )
    },
  }
}
