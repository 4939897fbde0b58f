/** Rows of the bank as the messages of the back office have them. */
import type {
  AccountMessage,
  Action,
  CardMessage,
  DifferenceMessage,
  OperationMessage,
  ReconciliationMessage,
  TransactionMessage,
  UserMessage,
} from './api/office-schema.ts'
import {isoSeconds} from './bank.ts'
import type {Operation} from './ledger/operation.ts'
import {amountText} from './movement.ts'
import type {Moved} from './settlement/compare.ts'
import type {BankAccount, Card, KnownDifference, StatementLine, User} from './store/port.ts'
import type {Currency} from '../kit/money.ts'

export function userMessage(user: User): UserMessage {
  return {
    user_id: user.userId,
    name: user.name,
    email: user.email,
    phone_number: user.phoneNumber,
    address: user.address,
  }
}

export function accountMessage(account: BankAccount): AccountMessage {
  return {
    account_id: account.accountId,
    user_id: account.userId,
    account_type: account.accountType,
    balance: amountText(account.balanceMinor, account.currency),
    created_at: account.createdAt,
    currency: account.currency,
  }
}

export function cardMessage(card: Card, accounts: readonly BankAccount[]): CardMessage {
  return {
    card_id: card.cardId,
    card_number: card.panShown,
    expires: card.expires,
    status: card.status,
    pin_tries: card.pinTriesCount,
    accounts: accounts.map(({accountId}) => accountId),
  }
}

export function transactionMessage(line: StatementLine): TransactionMessage {
  return {
    transaction_id: line.transactionId,
    account_id: line.accountId,
    ...(line.atmId === null ? {} : {atm_id: line.atmId}),
    transaction_type: line.transactionType,
    amount: amountText(line.amountMinor, line.currency),
    transaction_date: line.transactionDate,
    currency: line.currency,
    ...(line.targetAccountId === null ? {} : {target_account_id: line.targetAccountId}),
  }
}

export function operationMessage(operation: Operation): OperationMessage {
  const {currency, state} = operation
  const hasSpoken = !['held', 'declined', 'tombstone'].includes(state)
  return {
    key: operation.key,
    type: operation.type,
    state,
    ...(operation.atmId === null ? {} : {atm_id: operation.atmId}),
    ...(operation.accountId === null ? {} : {account_id: operation.accountId}),
    ...(operation.transactionId === null ? {} : {transaction_id: operation.transactionId}),
    ...(currency === null
      ? {}
      : {
          currency,
          amount: amountText(operation.amountMinor, currency),
          fee: amountText(operation.feeMinor, currency),
          ...(hasSpoken
            ? {
                paid_at_least: amountText(operation.paidMinor, currency),
                paid_at_most: amountText(operation.paidAtMostMinor, currency),
              }
            : {}),
        }),
    evidence: operation.evidence,
    created_at: isoSeconds(operation.createdAtMs),
    changed_at: isoSeconds(operation.changedAtMs),
  }
}

/** @param actions what a person may do about it now */
export function differenceMessage(
  difference: KnownDifference,
  actions: readonly Action[],
): DifferenceMessage {
  const {currency, resolution} = difference
  return {
    difference_id: difference.id,
    atm_id: difference.atmId,
    business_date: difference.date,
    class: difference.class,
    subject: difference.subject,
    currency,
    amount: amountText(difference.leastMinor, currency),
    amount_at_most: amountText(difference.mostMinor, currency),
    explanation: difference.explanation,
    state: difference.state,
    found_at: isoSeconds(difference.foundAtMs),
    actions,
    ...(resolution === null
      ? {}
      : {
          resolution: {
            action: resolution.action,
            by: resolution.by,
            reason: resolution.reason,
            at: isoSeconds(resolution.atMs),
          },
        }),
  }
}

export function movedMessage(
  {leastMinor, mostMinor}: Moved,
  currency: Currency,
): ReconciliationMessage['host'] {
  return {at_least: amountText(leastMinor, currency), at_most: amountText(mostMinor, currency)}
}
