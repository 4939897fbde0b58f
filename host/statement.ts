/** The mini statement: the last lines of one account, for the customer who stands at a machine. */
import {answered, problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import {MINI_STATEMENT_LINES} from './api/schema.ts'
import type {StatementAnswer} from './api/schema.ts'
import type {Bank} from './bank.ts'
import {amountText, visitingCard} from './movement.ts'
import type {StatementLine} from './store/port.ts'
import {minorUnits} from '../kit/money.ts'

/** Newest first. A machine is told only of the card that was verified there just now. */
export async function miniStatement(bank: Bank, atmId: string, accountId: string): Promise<Answer> {
  return bank.store.read(async tx => {
    const account = await tx.accounts.find(accountId)
    if (account === null) return problemOf('unknown-account', 'the account in the path does not exist')
    if ((await visitingCard(tx, atmId, accountId, bank.clock.wallMs())) === null)
      return problemOf('not-you', 'no card of this account was verified at this machine')
    const lines = await tx.statements.transactions({accountId}, {after: null, countMax: MINI_STATEMENT_LINES})
    const body: StatementAnswer = {
      account_id: accountId,
      currency: account.currency,
      lines: lines.map(line => ({
        at: line.transactionDate,
        kind: kindOf(line, accountId),
        amount: amountText(signed(line, accountId), account.currency),
      })),
    }
    return answered(body)
  })
}

function kindOf(
  {transactionType, targetAccountId}: StatementLine,
  accountId: string,
): StatementAnswer['lines'][number]['kind'] {
  if (transactionType !== 'transfer') return transactionType
  return targetAccountId === accountId ? 'received' : 'sent'
}

/** What the account gained. */
function signed(line: StatementLine, accountId: string) {
  const kind = kindOf(line, accountId)
  const gains = kind === 'deposit' || kind === 'received'
  return gains ? line.amountMinor : minorUnits(0 - line.amountMinor)
}
