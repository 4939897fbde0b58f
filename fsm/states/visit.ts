/** The visit up to the wish: PIN, menu, balance, amount, fee. Cancel ends it anywhere, and so does silence. */
import {present} from '../../kit/assert.ts'
import {
  base,
  ending,
  failed,
  listenToKeys,
  notPrinted,
  perform,
  performing,
  startCustomerTimer,
  stopKeys,
  stopTimer,
  visitBy,
  visitTo,
} from '../base.ts'
import {canPrint, isPayable, newOperation, nextKey, plan, stanAfter, visitOf} from '../context.ts'
import type {Context, Notice} from '../context.ts'
import type {Minor} from '../../kit/money.ts'

const goodbye = {actions: ending({kind: 'goodbye'}), target: 'returningCard'} as const
const walkedOff = {actions: ending({kind: 'timedOut'}), target: 'returningCard'} as const
const bankGone = {actions: ending({kind: 'bankUnreachable'}), target: 'returningCard'} as const
const noBalance = {
  actions: visitTo({notice: {kind: 'balanceUnavailable'}}),
  target: 'choosingService',
} as const

const takeStan = base.assign(({context}) => ({nextStan: stanAfter(context.nextStan)}))
const forgetNotice = visitTo({notice: null})
const ask = [listenToKeys, startCustomerTimer]
const stopAsking = [stopTimer, stopKeys]

export const enteringPin = base.createStateConfig({
  entry: performing(context => ({
    kind: 'pinPad.collect',
    entryTimeoutMs: context.setup.policy.pinEntryTimeoutMs,
  })),
  exit: forgetNotice,
  on: {
    'pin.entered': 'verifyingPin',
    'pin.cancelled': goodbye,
    'pin.timedOut': walkedOff,
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

export const choosingService = base.createStateConfig({
  entry: ask,
  exit: [...stopAsking, forgetNotice],
  on: {
    'service.chosen': [
      {guard: ({event}) => event.service === 'balance', target: 'askingBalance'},
      {target: 'choosingAmount'},
    ],
    'visit.cancelled': goodbye,
    'timer.fired': walkedOff,
  },
})

export const askingBalance = base.createStateConfig({
  entry: [
    performing(context => ({
      kind: 'host.balance',
      key: nextKey(context),
      account: present(visitOf(context).accounts[0], 'account'),
    })),
    takeStan,
  ],
  on: {'balance.told': 'showingBalance', 'host.declined': noBalance, 'host.silent': noBalance},
})

export const showingBalance = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {
    'receipt.chosen': {
      guard: ({context, event}) => event.wanted && canPrint(context),
      actions: forgetNotice,
      target: 'printingBalance',
    },
    'visit.continued': {actions: forgetNotice, target: 'choosingService'},
    'visit.cancelled': goodbye,
    'timer.fired': walkedOff,
  },
})

/** On paper by the customer's own choice: a balance is nobody else's. */
export const printingBalance = base.createStateConfig({
  entry: perform({kind: 'printer.print', slip: 'balance'}),
  on: {
    'receipt.printed': {actions: visitTo({notice: {kind: 'balancePrinted'}}), target: 'showingBalance'},
    'receipt.failed': {
      actions: [notPrinted, visitTo({notice: {kind: 'balanceNotPrinted'}})],
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
    'visit.cancelled': goodbye,
    'timer.fired': walkedOff,
  },
})

/** Says which amounts near the wish can be paid; the next key goes back to choosing. */
export const amountRefused = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {
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
    'visit.cancelled': goodbye,
    'timer.fired': walkedOff,
  },
})

/** The fee is shown and accepted before the bank is asked. */
export const confirmingFee = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {
    'fee.accepted': onwards([]),
    'visit.cancelled': goodbye,
    'timer.fired': walkedOff,
  },
})

/** Asked while the customer can still say no to everything, and only where the printer works. */
export const choosingReceipt = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {
    'receipt.chosen': {
      actions: visitBy('receipt.chosen', event => ({receipt: event.wanted ? 'wanted' : 'unwanted'})),
      target: 'authorizing',
    },
    'visit.cancelled': goodbye,
    'timer.fired': walkedOff,
  },
})
