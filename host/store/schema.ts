/**
 * The tables of the bank, written once for every engine: which migrations there are, in order, and the few words
 * in which the engines differ. users, accounts, transactions and atms have the columns that the product's
 * description names and no others; what else is known stands in tables beside them. Money is integer minor units.
 *
 * A migration that has been released is never edited; a change is another one behind it.
 */
import {SystemFault} from '../../kit/errors.ts'
import {ACCOUNT_TABLES} from './account-rows.ts'
import {ATM_TABLES} from './atm-rows.ts'
import {AUDIT_TABLES} from './audit-rows.ts'
import {CARD_TABLES} from './card-rows.ts'
import {LEDGER_TABLES} from './ledger-rows.ts'
import {ENROLMENT_TABLES} from './enrolment-rows.ts'
import {LIMIT_TABLES} from './limit-rows.ts'
import {MESSAGE_TABLES} from './message-rows.ts'
import {COUNT_TABLES} from './count-rows.ts'
import {DAY_TABLES} from './day-rows.ts'
import {DIFFERENCE_TABLES} from './difference-rows.ts'
import {FLEET_TABLES} from './fleet-rows.ts'
import {ANCHOR_TABLES, JOURNAL_TABLES} from './journal-rows.ts'
import {OPERATION_TABLES} from './operation-rows.ts'
import {PEOPLE_TABLES} from './people-rows.ts'
import {STATEMENT_TABLES} from './statement-rows.ts'
import {PROGRAM_TABLES} from './program-rows.ts'
import {RISK_TABLES} from './risk-rows.ts'
import type {Dialect, Migration} from './dialect.ts'

/** Applied in this order, each once, forward only. */
export const MIGRATIONS: readonly Migration[] = [
  ATM_TABLES,
  ACCOUNT_TABLES,
  CARD_TABLES,
  OPERATION_TABLES,
  LEDGER_TABLES,
  PEOPLE_TABLES,
  MESSAGE_TABLES,
  STATEMENT_TABLES,
  DAY_TABLES,
  FLEET_TABLES,
  COUNT_TABLES,
  JOURNAL_TABLES,
  DIFFERENCE_TABLES,
  ENROLMENT_TABLES,
  AUDIT_TABLES,
  PROGRAM_TABLES,
  LIMIT_TABLES,
  RISK_TABLES,
  ANCHOR_TABLES,
]

/** Where an engine notes what it has applied. */
export function migrationsTable(dialect: Dialect): string {
  return `CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) ${dialect.strict}`
}

/**
 * Those not applied yet.
 * @throws SystemFault when the database has one that this program does not know: it is newer
 */
export function pendingMigrations(appliedNames: readonly string[]): readonly Migration[] {
  const unknown = appliedNames.find(name => !MIGRATIONS.some(migration => migration.name === name))
  if (unknown !== undefined)
    throw new SystemFault(`the database was made by a newer program: it has the tables '${unknown}'`)
  return MIGRATIONS.filter(({name}) => !appliedNames.includes(name))
}
