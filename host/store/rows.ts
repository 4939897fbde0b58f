/** Every group of rows over one open transaction. */
import {accountRows} from './account-rows.ts'
import {atmRows} from './atm-rows.ts'
import {auditRows} from './audit-rows.ts'
import {cardRows} from './card-rows.ts'
import {ledgerRows} from './ledger-rows.ts'
import {enrolmentRows} from './enrolment-rows.ts'
import {limitRows} from './limit-rows.ts'
import {messageRows} from './message-rows.ts'
import {countRows} from './count-rows.ts'
import {dayRows} from './day-rows.ts'
import {differenceRows} from './difference-rows.ts'
import {fleetRows} from './fleet-rows.ts'
import {journalRows} from './journal-rows.ts'
import {operationRows} from './operation-rows.ts'
import {peopleRows} from './people-rows.ts'
import {statementRows} from './statement-rows.ts'
import {programRows} from './program-rows.ts'
import {riskRows} from './risk-rows.ts'
import type {Tx} from './port.ts'
import type {Sql} from './sql.ts'

export function rowsOver(sql: Sql): Tx {
  return {
    atms: atmRows(sql),
    cards: cardRows(sql),
    accounts: accountRows(sql),
    operations: operationRows(sql),
    ledger: ledgerRows(sql),
    people: peopleRows(sql),
    messages: messageRows(sql),
    statements: statementRows(sql),
    days: dayRows(sql),
    fleet: fleetRows(sql),
    counts: countRows(sql),
    journals: journalRows(sql),
    differences: differenceRows(sql),
    enrolments: enrolmentRows(sql),
    audit: auditRows(sql),
    programs: programRows(sql),
    limits: limitRows(sql),
    risk: riskRows(sql),
  }
}
