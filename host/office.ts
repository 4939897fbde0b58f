/** What happened, as the people of the bank look at it: transactions, operations, differences, business dates. */
import {answered, problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import type {
  DifferencesQuery,
  OperationsQuery,
  PageQuery,
  ReconciliationMessage,
  TransactionsQuery,
} from './api/office-schema.ts'
import {nextField, pageOf} from './api/paging.ts'
import {isoSeconds} from './bank.ts'
import type {Bank} from './bank.ts'
import {amountText} from './movement.ts'
import {differenceMessage, movedMessage, operationMessage, transactionMessage} from './office-messages.ts'
import {totalsMessage} from './settlement/day.ts'
import {reconcile} from './settlement/reconcile.ts'
import type {Reconciliation} from './settlement/reconcile.ts'
import {reportText} from './settlement/report.ts'
import {actionsFor} from './settlement/resolve.ts'
import type {KnownDifference, Tx} from './store/port.ts'

export async function listTransactions(bank: Bank, query: TransactionsQuery): Promise<Answer> {
  const filter = {
    accountId: query.account_id,
    atmId: query.atm_id,
    type: query.transaction_type,
    from: query.from,
    to: query.to,
  }
  return bank.store.read(async tx => {
    const page = await pageOf(
      query,
      ['text', 'text'],
      slice => tx.statements.transactions(filter, slice),
      ({transactionDate, transactionId}) => [transactionDate, transactionId],
    )
    if ('status' in page) return page
    return answered({transactions: page.items.map(transactionMessage), ...nextField(page)})
  })
}

export async function listOperations(bank: Bank, query: OperationsQuery): Promise<Answer> {
  const filter = {state: query.state, atmId: query.atm_id, accountId: query.account_id}
  return bank.store.read(async tx => {
    const page = await pageOf(
      query,
      ['number', 'text'],
      slice => tx.operations.page(filter, slice),
      ({changedAtMs, key}) => [changedAtMs, key],
    )
    if ('status' in page) return page
    return answered({operations: page.items.map(operationMessage), ...nextField(page)})
  })
}

export async function showOperation(bank: Bank, key: string): Promise<Answer> {
  return bank.store.read(async tx => {
    const operation = await tx.operations.find(key)
    return operation === null
      ? problemOf('unknown', 'there is no such operation')
      : answered(operationMessage(operation))
  })
}

export async function listDifferences(bank: Bank, query: DifferencesQuery): Promise<Answer> {
  const filter = {atmId: query.atm_id, state: query.state}
  return bank.store.read(async tx => {
    const page = await pageOf(
      query,
      ['number', 'text'],
      slice => tx.differences.list(filter, slice),
      ({foundAtMs, id}) => [foundAtMs, id],
    )
    if ('status' in page) return page
    return answered({differences: await withActions(tx, page.items), ...nextField(page)})
  })
}

async function withActions(tx: Tx, differences: readonly KnownDifference[]) {
  const messages = []
  for (const difference of differences) {
    const operation = difference.state === 'open' ? await tx.operations.find(difference.subject) : null
    messages.push(differenceMessage(difference, actionsFor(difference, operation)))
  }
  return messages
}

/** The machine's business dates, newest first, each with the verdict of its last comparison. */
export async function listDates(bank: Bank, atmId: string, query: PageQuery): Promise<Answer> {
  return bank.store.read(async tx => {
    if ((await tx.atms.find(atmId)) === null)
      return problemOf('unknown-atm', 'the machine in the path does not exist')
    const page = await pageOf(
      query,
      ['text'],
      slice => tx.days.list(atmId, slice),
      ({date}) => [date],
    )
    if ('status' in page) return page
    const dates = page.items.map(({date}) => date)
    const verdicts = await tx.differences.verdicts(atmId, dates)
    return answered({
      atm_id: atmId,
      dates: page.items.map(({date, openedAtMs, closedAtMs}) => ({
        business_date: date,
        opened_at: isoSeconds(openedAtMs),
        closed_at: closedAtMs === null ? undefined : isoSeconds(closedAtMs),
        verdict: verdicts.get(date),
      })),
      ...nextField(page),
    })
  })
}

/** Compares a date now, and tells everything about it. */
export async function runReconciliation(bank: Bank, atmId: string, date: string): Promise<Answer> {
  return bank.store.transact(async tx => {
    const day = await tx.days.find(atmId, date)
    if (day === null) return problemOf('unknown', 'the machine was never in that date')
    const run = await reconcile(tx, day, bank.clock.wallMs())
    return answered(await reconciliationMessage(tx, run))
  })
}

async function reconciliationMessage(tx: Tx, run: Reconciliation): Promise<ReconciliationMessage> {
  const {comparison, currency, machineTotals} = run
  const {journalMoved, countedMinor} = comparison
  return {
    atm_id: run.atmId,
    business_date: run.date,
    currency,
    run_at: isoSeconds(run.runAtMs),
    date_state: run.isClosed ? 'closed' : 'open',
    verdict: run.verdict,
    missing: run.missing,
    host: movedMessage(comparison.hostMoved, currency),
    ...(journalMoved === null ? {} : {journal: movedMessage(journalMoved, currency)}),
    ...(countedMinor === null ? {} : {counted: amountText(countedMinor, currency)}),
    host_totals: totalsMessage(run.hostTotals, currency),
    ...(machineTotals === null ? {} : {machine_totals: totalsMessage(machineTotals, currency)}),
    differences: await withActions(tx, run.differences),
    report: reportText(run),
  }
}
