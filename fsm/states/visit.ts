/** The visit up to the wish: PIN, menu, account, balance, amount, fee. Cancel ends it anywhere, and so does silence. */
import {present} from '../../kit/assert.ts'
import {
  base,
  ending,
  failed,
  listenToKeys,
  perform,
  performing,
  startTimer,
  visitBy,
  visitTo,
} from '../base.ts'
import {accountOf, canPrint, isPayable, newOperation, nextKey, plan, visitOf} from '../context.ts'
import type {Context, Notice} from '../context.ts'
import type {Account, Service} from '../vocabulary.ts'
import type {Minor} from '../../kit/money.ts'
import {ask, asks, forgetNotice, goodbye, moreTimeThen, stopAsking, takeStan} from './asking.ts'

const bankGone = {actions: ending({kind: 'bankUnreachable'}), target: 'returningCard'} as const
const noBalance = {
  actions: visitTo({notice: {kind: 'balanceUnavailable'}}),
  target: 'choosingService',
} as const

export const enteringPin = base.createStateConfig({
  entry: performing(context => ({
    kind: 'pinPad.collect',
    entryTimeoutMs: context.setup.policy.pinEntryTimeoutMs,
  })),
  exit: forgetNotice,
  on: {
    'pin.entered': 'verifyingPin',
    'pin.cancelled': goodbye,
    'pin.timedOut': 'offeringTime',
    'pin.failed': {actions: [failed('pinPad'), ending({kind: 'pinPadFailed'})], target: 'returningCard'},
  },
})

const refused = visitBy('card.refused', event => ({ending: {kind: 'declined', code: event.code}}))

export const verifyingPin = base.createStateConfig({
  entry: [performing(context => ({kind: 'host.verify', key: nextKey(context)})), takeStan],
  on: {
    'card.verified': {
      actions: visitBy('card.verified', event => ({accounts: event.accounts})),
      target: 'choosingService',
    },
    'pin.wrong': {
      actions: visitBy('pin.wrong', event => ({notice: {kind: 'pinWrong', triesLeft: event.triesLeft}})),
      target: 'enteringPin',
    },
    'card.refused': [
      {
        guard: ({context, event}) => event.retain && context.setup.capabilities.retainCard,
        actions: [refused, visitTo({cardFate: 'bank-says-so'})],
        target: 'retainingCard',
      },
      {actions: refused, target: 'returningCard'},
    ],
    'host.silent': bankGone,
  },
})

/** Where a service begins once its account is known. */
const BEGINNINGS = [
  ['balance', 'askingBalance'],
  ['transfer', 'choosingTarget'],
  ['statement', 'askingStatement'],
  ['withdrawal', 'choosingAmount'],
] as const

const withOnlyAccount = visitBy('service.chosen', ({service}, context) => ({
  service,
  account: present(visitOf(context).accounts[0], 'the only account'),
}))

function accountNamed(context: Context, accountId: string): Account | undefined {
  return visitOf(context).accounts.find(account => account.accountId === accountId)
}

export const choosingService = base.createStateConfig({
  entry: ask,
  exit: [...stopAsking, forgetNotice],
  on: {
    ...asks,
    'service.chosen': [
      {
        guard: ({event}) => event.service === 'pinChange',
        actions: visitBy('service.chosen', ({service}) => ({service, account: null, pinChange: null})),
        target: 'enteringNewPin',
      },
      {
        guard: ({context}) => visitOf(context).accounts.length > 1,
        actions: visitBy('service.chosen', ({service}) => ({service, account: null})),
        target: 'choosingAccount',
      },
      ...BEGINNINGS.map(([service, target]) => ({
        guard: ({event}: {event: {readonly service: Service}}) => event.service === service,
        actions: withOnlyAccount,
        target,
      })),
    ],
  },
})

const isFor =
  (service: Service) =>
  ({context, event}: {context: Context; event: {readonly accountId: string}}): boolean =>
    visitOf(context).service === service && accountNamed(context, event.accountId) !== undefined
const rememberAccount = visitBy('account.chosen', ({accountId}, context) => ({
  account: present(accountNamed(context, accountId), 'the chosen account'),
}))

/** Asked where the bank names more than one account. */
export const choosingAccount = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {
    ...asks,
    'account.chosen': [
      ...BEGINNINGS.map(([service, target]) => ({guard: isFor(service), actions: rememberAccount, target})),
    ],
  },
})

export const askingBalance = base.createStateConfig({
  entry: [
    performing(context => ({
      kind: 'host.balance',
      key: nextKey(context),
      account: accountOf(context),
    })),
    takeStan,
  ],
  on: {'balance.told': 'showingBalance', 'host.declined': noBalance, 'host.silent': noBalance},
})

export const showingBalance = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {
    ...asks,
    'receipt.chosen': {
      guard: ({context, event}) => event.wanted && canPrint(context),
      actions: forgetNotice,
      target: 'printingBalance',
    },
    'visit.continued': {actions: forgetNotice, target: 'askingAnother'},
  },
})

const startAnotherTimer = startTimer('customer', policy => policy.anotherTimeoutMs)

/** After a service without cash the card is still inside, and so is the customer's day. */
export const askingAnother = base.createStateConfig({
  entry: [listenToKeys, startAnotherTimer],
  exit: stopAsking,
  on: {'visit.continued': 'choosingService', 'visit.cancelled': goodbye, ...moreTimeThen(startAnotherTimer)},
})

/** On paper by the customer's own choice: a balance is nobody else's. */
export const printingBalance = base.createStateConfig({
  entry: perform({kind: 'printer.print', slip: 'balance'}),
  on: {
    'receipt.printed': {actions: visitTo({notice: {kind: 'balancePrinted'}}), target: 'showingBalance'},
    'receipt.failed': {
      actions: [failed('printer'), visitTo({notice: {kind: 'balanceNotPrinted'}})],
      target: 'showingBalance',
    },
  },
})

/** To the bank, by way of the question whether a receipt is wanted where one can be printed. */
function onwards<A extends object | readonly object[]>(actions: A) {
  return [
    {guard: ({context}: {context: Context}) => canPrint(context), actions, target: 'choosingReceipt'},
    {actions, target: 'authorizing'},
  ] as const
}

const startOperation = visitBy('amount.chosen', (event, context) => ({
  operation: newOperation(context, event.amountMinor),
}))

function cannotPay(context: Context, amountMinor: Minor): Notice {
  const planned = plan(context, amountMinor)
  const nearest = planned.kind === 'none' ? planned : {below: null, above: null}
  const aboveMinor =
    nearest.above !== null && nearest.above <= context.setup.policy.amountMaxMinor ? nearest.above : null
  return {kind: 'cannotPay', belowMinor: nearest.below, aboveMinor}
}

export const choosingAmount = base.createStateConfig({
  entry: ask,
  exit: [...stopAsking, forgetNotice],
  on: {
    ...asks,
    'amount.chosen': [
      {
        guard: ({context, event}) => !isPayable(context, event.amountMinor),
        actions: visitBy('amount.chosen', (event, context) => ({
          notice: cannotPay(context, event.amountMinor),
        })),
        target: 'amountRefused',
      },
      {
        guard: ({context}) => context.setup.policy.feeMinor > 0,
        actions: startOperation,
        target: 'confirmingFee',
      },
      ...onwards(startOperation),
    ],
  },
})

/** Says which amounts near the wish can be paid; the next key goes back to choosing. */
export const amountRefused = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {
    ...asks,
    'amount.chosen': [
      {
        guard: ({context, event}) => !isPayable(context, event.amountMinor),
        actions: visitBy('amount.chosen', (event, context) => ({
          notice: cannotPay(context, event.amountMinor),
        })),
        target: 'amountRefused',
        reenter: true,
      },
      {
        guard: ({context}) => context.setup.policy.feeMinor > 0,
        actions: [startOperation, forgetNotice],
        target: 'confirmingFee',
      },
      ...onwards([startOperation, forgetNotice]),
    ],
    'visit.continued': {actions: forgetNotice, target: 'choosingAmount'},
  },
})

const startFeeTimer = startTimer('customer', policy => policy.feeTimeoutMs)

/** The fee is shown and accepted before the bank is asked. */
export const confirmingFee = base.createStateConfig({
  entry: [listenToKeys, startFeeTimer],
  exit: stopAsking,
  on: {
    'fee.accepted': onwards([]),
    'visit.cancelled': goodbye,
    ...moreTimeThen(startFeeTimer),
  },
})

/** Asked while the customer can still say no to everything, and only where the printer works. */
export const choosingReceipt = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {
    ...asks,
    'receipt.chosen': {
      actions: visitBy('receipt.chosen', event => ({receipt: event.wanted ? 'wanted' : 'unwanted'})),
      target: 'authorizing',
    },
  },
})
