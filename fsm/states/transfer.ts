/**
 * A transfer: to which account, how much, is that right, and the bank's answer. The bank holds the amount until it is told
 * what became of its answer; so a question without an answer is taken back, and never becomes two transfers.
 */
import {assert} from '../../kit/assert.ts'
import {minorUnits} from '../../kit/money.ts'
import {base, performing, visitBy, visitTo} from '../base.ts'
import {accountOf, nextKey, transferOf, visitOf} from '../context.ts'
import type {Context, Transfer} from '../context.ts'
import type {Event, TransferAdvice} from '../vocabulary.ts'
import {ask, asks, forgetNotice, stopAsking, takeStan} from './asking.ts'

const startTransfer = visitBy('target.chosen', ({accountId}) => ({
  transfer: {toAccountId: accountId, amountMinor: minorUnits(0), key: null, advice: null},
}))
const payeeUnknown = visitTo({notice: {kind: 'payeeUnknown'}})

/** To the same account nothing can be transferred; the card's others need no name. */
export const choosingTarget = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {
    ...asks,
    'target.chosen': [
      {
        guard: ({context, event}) => event.accountId === accountOf(context).accountId,
        actions: payeeUnknown,
        target: 'choosingTarget',
        reenter: true,
      },
      {
        guard: ({context, event}) =>
          visitOf(context).accounts.some(({accountId}) => accountId === event.accountId),
        actions: [forgetNotice, startTransfer],
        target: 'choosingSum',
      },
      {actions: [forgetNotice, startTransfer], target: 'askingPayee'},
    ],
  },
})

/** Whose account it is: the customer is to see that the number was typed right. */
export const askingPayee = base.createStateConfig({
  entry: [
    performing(context => ({
      kind: 'host.payee',
      key: nextKey(context),
      account: accountOf(context),
      toAccountId: transferOf(context).toAccountId,
    })),
    takeStan,
  ],
  on: {
    'payee.named': 'choosingSum',
    'host.declined': {actions: payeeUnknown, target: 'choosingTarget'},
    'host.silent': {
      actions: visitTo({notice: {kind: 'transferDeclined', code: '91'}}),
      target: 'choosingService',
    },
  },
})

export const choosingSum = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {
    ...asks,
    'amount.chosen': {
      guard: ({context, event}) =>
        event.amountMinor > 0 && event.amountMinor <= context.setup.policy.transferMaxMinor,
      actions: visitBy('amount.chosen', ({amountMinor}, context) => ({
        transfer: {...transferOf(context), amountMinor},
      })),
      target: 'confirmingTransfer',
    },
  },
})

/** Everything is shown once more, and nothing goes to the bank before the customer says so here. */
export const confirmingTransfer = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {...asks, 'transfer.confirmed': 'transferring'},
})

/** The bank is told in the same ink as its answer, so no death in between leaves a hold behind. */
function concluding(advice: (transfer: Transfer, event: Event) => TransferAdvice) {
  return [
    base.assign(({context, event}) => {
      const transfer = transferOf(context)
      assert(transfer.advice === null, 'a transfer is concluded once')
      return {visit: {...visitOf(context), transfer: {...transfer, advice: advice(transfer, event)}}}
    }),
    performing(context => adviceOfTransfer(transferOf(context))),
  ]
}

function adviceOfTransfer({advice}: Transfer): TransferAdvice {
  assert(advice !== null, 'a transfer that was concluded has its advice')
  return advice
}

function keyOf({key}: Transfer): TransferAdvice['key'] {
  assert(key !== null, 'a transfer that was asked for has its key')
  return key
}

const reversed = (because: 'no-answer' | 'malfunction', row: string) => [
  ...concluding(transfer => ({kind: 'host.reverseTransfer', key: keyOf(transfer), because, row})),
  base.assign(({context}) => ({
    visit: {
      ...visitOf(context),
      ending: {kind: 'transferReversed', reference: keyOf(transferOf(context))} as const,
    },
  })),
]

const declined = visitBy('host.declined', ({code}) => ({notice: {kind: 'transferDeclined', code}}))

export const transferring = base.createStateConfig({
  entry: [
    base.assign(({context}) => ({
      visit: {...visitOf(context), transfer: {...transferOf(context), key: nextKey(context)}},
    })),
    performing(context => {
      const transfer = transferOf(context)
      return {
        kind: 'host.transfer',
        key: keyOf(transfer),
        account: accountOf(context),
        toAccountId: transfer.toAccountId,
        amountMinor: transfer.amountMinor,
        currency: context.setup.currency,
      }
    }),
    takeStan,
  ],
  on: {
    'host.approved': [
      {
        guard: ({context, event}) => event.amountMinor === transferOf(context).amountMinor,
        actions: concluding(transfer => ({
          kind: 'host.completeTransfer',
          key: keyOf(transfer),
          amountMinor: transfer.amountMinor,
          row: 'transfer-approved',
        })),
        target: 'showingTransfer',
      },
      // An approval of another amount is no approval of ours.
      {actions: reversed('malfunction', 'transfer-approved-otherwise'), target: 'returningCard'},
    ],
    'host.declined': [
      {
        guard: ({context, event}: {context: Context; event: {readonly retain: boolean}}) =>
          event.retain && context.setup.capabilities.retainCard,
        actions: [
          visitBy('host.declined', ({code}) => ({ending: {kind: 'declined', code}})),
          visitTo({cardFate: 'bank-says-so'}),
        ],
        target: 'retainingCard',
      },
      {actions: declined, target: 'choosingService'},
    ],
    'host.silent': {actions: reversed('no-answer', 'transfer-not-answered'), target: 'returningCard'},
  },
})

export const showingTransfer = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {...asks, 'visit.continued': 'askingAnother'},
})
