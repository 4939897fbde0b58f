/** What the screen offers and shows beside cash: more time, accounts, a transfer, the last lines, a new PIN. */
import type {Context, Notice} from '../../fsm/context.ts'
import type {StateName} from '../../fsm/session.ts'
import type {Service} from '../../fsm/vocabulary.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import {digitsOf, minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import {declinedWords} from './ending.ts'
import type {Say} from './say.ts'
import type {Choice, Desk, Entry, Figure, Tone} from './view-model.ts'

/** Keys of a list whose last key, `H`, and `D` have meanings of their own. */
const LIST_KEYS: readonly Key[] = ['A', 'B', 'C', 'E', 'F', 'G']
/** So many accounts can be chosen from; a bank names no more than eight of a card. */
const ACCOUNTS_MAX = 7

/** Whether the customer is asked for more time, and for nothing else meanwhile. */
export function isAskingForTime(state: StateName, context: Context): boolean {
  return state === 'offeringTime' || (context.visit?.isAskedForTime ?? false)
}

export function moreTimeChoices(say: Say): readonly Choice[] {
  return [
    {
      id: 'noMoreTime',
      label: say.words('choice.noMoreTime', {}),
      keys: ['D', 'cancel'],
      weight: 'leave',
      language: null,
      event: {type: 'time.declined'},
    },
    {
      id: 'moreTime',
      label: say.words('choice.moreTime', {}),
      keys: ['H', 'enter'],
      weight: 'main',
      language: null,
      event: {type: 'time.granted'},
    },
  ]
}

export function accountChoices(context: Context): readonly Choice[] {
  const accounts = context.visit?.accounts ?? []
  return accounts.slice(0, ACCOUNTS_MAX).map(({accountId, label}, at) => ({
    id: `account-${accountId}`,
    label,
    keys: [LIST_KEYS[at] ?? 'H', digitKey(at)],
    weight: 'plain',
    language: null,
    event: {type: 'account.chosen', accountId},
  }))
}

const DIGIT_KEYS: readonly Key[] = ['1', '2', '3', '4', '5', '6', '7', '8']

function digitKey(at: number): Key {
  return DIGIT_KEYS[at] ?? '9'
}

export function anotherChoice(say: Say): Choice {
  return {
    id: 'another',
    label: say.words('choice.another', {}),
    keys: ['H', 'enter'],
    weight: 'main',
    language: null,
    event: {type: 'visit.continued'},
  }
}

/** The menu: only what can be done now. */
export function serviceChoices(say: Say): readonly Choice[] {
  const keys: readonly (readonly [Service, Choice['keys']])[] = [
    ['withdrawal', ['A', '1']],
    ['balance', ['B', '2']],
    ['statement', ['C', '3']],
    ['transfer', ['E', '4']],
    ['pinChange', ['F', '5']],
  ]
  return keys.map(([service, itsKeys]) => ({
    id: service,
    label: say.words(`choice.${service}`, {}),
    keys: itsKeys,
    weight: 'plain',
    language: null,
    event: {type: 'service.chosen', service},
  }))
}

/** The card's other accounts, and the number that was typed. */
export function targetChoices(context: Context, desk: Desk, say: Say): readonly Choice[] {
  const from = context.visit?.account?.accountId
  const others = (context.visit?.accounts ?? []).filter(({accountId}) => accountId !== from)
  return [
    ...others.slice(0, LIST_KEYS.length).map(({accountId, label}, at): Choice => ({
      id: `target-${accountId}`,
      label,
      // No digit: those type a number here.
      keys: [LIST_KEYS[at] ?? 'G'],
      weight: 'plain',
      language: null,
      event: {type: 'target.chosen', accountId},
    })),
    ...(desk.numberDigits === ''
      ? []
      : [goOn(say, 'typed', {type: 'target.chosen', accountId: desk.numberDigits})]),
  ]
}

/** The typed amount in minor units, or null when nothing is typed. */
export function typedAmount(desk: Desk, {setup: {currency}}: Context): Minor | null {
  return desk.amountDigits === '' ? null : minorUnits(Number(desk.amountDigits) * 10 ** digitsOf(currency))
}

export function sumChoices(context: Context, desk: Desk, say: Say): readonly Choice[] {
  const amountMinor = typedAmount(desk, context)
  return amountMinor === null ? [] : [goOn(say, 'typed', {type: 'amount.chosen', amountMinor})]
}

export function confirmChoice(say: Say): Choice {
  return {
    id: 'confirmTransfer',
    label: say.words('choice.confirmTransfer', {}),
    keys: ['H', 'enter'],
    weight: 'main',
    language: null,
    event: {type: 'transfer.confirmed'},
  }
}

/** Of lines on one page of a statement. */
const LINES_PER_PAGE = 5

export function pagesOf({statement}: Desk): number {
  return Math.max(1, Math.ceil((statement?.length ?? 0) / LINES_PER_PAGE))
}

export function pageChoices(desk: Desk, say: Say): readonly Choice[] {
  const {page} = desk
  const turn = (
    to: number,
    label: 'choice.nextPage' | 'choice.previousPage',
    keys: Choice['keys'],
  ): Choice => ({
    id: `page-${to}`,
    label: say.words(label, {}),
    keys,
    weight: 'plain',
    language: null,
    event: {type: 'page.turned', page: to},
  })
  return [
    ...(page > 0 ? [turn(page - 1, 'choice.previousPage', ['C', '1'])] : []),
    ...(page + 1 < pagesOf(desk) ? [turn(page + 1, 'choice.nextPage', ['G', '2'])] : []),
    goOn(say, 'goOn', {type: 'visit.continued'}),
  ]
}

export function goOn(say: Say, id: string, event: Choice['event']): Choice {
  return {
    id,
    label: say.words('choice.continue', {}),
    keys: ['H', 'enter'],
    weight: 'main',
    language: null,
    event,
  }
}

/** What differs from one of these screens to the next. */
interface ServiceScene {
  readonly tone: Tone
  readonly title: string
  readonly instruction: string
  readonly notice?: string | null
  readonly amount?: string | null
  readonly figures?: readonly Figure[]
  readonly entry?: Entry
}

/** The bank is asked, and the customer waits. */
export function waitingScene(
  instruction:
    | 'askingStatement.instruction'
    | 'askingPayee.instruction'
    | 'changingPin.instruction'
    | 'authorizing.instruction',
  say: Say,
): ServiceScene {
  return {tone: 'busy', title: say.words('resting.title', {}), instruction: say.words(instruction, {})}
}

export function targetScene(context: Context, desk: Desk, say: Say): ServiceScene {
  const isTyped = desk.numberDigits !== ''
  const hasOthers = (context.visit?.accounts.length ?? 0) > 1
  const instruction = hasOthers ? 'choosingTarget.own' : 'choosingTarget.instruction'
  const notice = context.visit?.notice ?? null
  return {
    tone: 'ask',
    title: say.words('choosingTarget.title', {}),
    instruction: say.words(isTyped ? 'choosingAmount.typed' : instruction, {}),
    notice: notice?.kind === 'payeeUnknown' ? say.words('notice.payeeUnknown', {}) : null,
    entry: {
      kind: 'amount',
      of: 'account',
      text: isTyped ? desk.numberDigits : '–',
      isEmpty: !isTyped,
      valid: isTyped,
      hint: '',
    },
  }
}

export function sumScene(context: Context, desk: Desk, say: Say): ServiceScene {
  const typed = typedAmount(desk, context)
  const most = context.setup.policy.transferMaxMinor
  return {
    tone: 'ask',
    title: say.words('choosingSum.title', {}),
    instruction: say.words(typed === null ? 'choosingSum.instruction' : 'choosingAmount.typed', {}),
    entry: {
      kind: 'amount',
      of: 'money',
      text: say.amount(typed ?? minorUnits(0)),
      isEmpty: typed === null,
      valid: typed !== null && typed <= most,
      hint: say.words('choosingSum.hint', {most: say.amount(most)}),
    },
  }
}

/** The same figures before and after, so that what was confirmed and what was done can be compared. */
export function transferScene(
  state: 'confirmingTransfer' | 'showingTransfer',
  context: Context,
  desk: Desk,
  say: Say,
): ServiceScene {
  const transfer = context.visit?.transfer ?? null
  const line = (label: string, text: string): Figure => ({label, text, isTotal: false})
  const to = context.visit?.accounts.find(({accountId}) => accountId === transfer?.toAccountId)
  return {
    tone: state === 'confirmingTransfer' ? 'ask' : 'good',
    title: say.words(`${state}.title`, {}),
    instruction: say.words(`${state}.instruction`, {}),
    figures:
      transfer === null
        ? []
        : [
            line(say.words('figure.from', {}), context.visit?.account?.label ?? ''),
            line(say.words('figure.to', {}), to?.label ?? transfer.toAccountId),
            ...(desk.payee === null ? [] : [line(say.words('figure.payee', {}), desk.payee)]),
            {label: say.words('figure.sum', {}), text: say.amount(transfer.amountMinor), isTotal: true},
          ],
  }
}

export function statementScene(context: Context, desk: Desk, say: Say): ServiceScene {
  const {statement, page} = desk
  const title = say.words('showingStatement.title', {})
  if (statement === null)
    return {tone: 'sorry', title, instruction: say.words('showingStatement.missing', {})}
  if (statement.length === 0)
    return {tone: 'calm', title, instruction: say.words('showingStatement.empty', {})}
  const account = context.visit?.account?.label ?? say.words('showingBalance.account', {})
  const from = page * LINES_PER_PAGE
  return {
    tone: 'calm',
    title,
    instruction: say.words('showingStatement.page', {
      account,
      page: (page + 1).toString(),
      pages: pagesOf(desk).toString(),
    }),
    figures: statement.slice(from, from + LINES_PER_PAGE).map(({at, kind, amountMinor}) => ({
      label: `${at.slice(0, 10)} ${say.words(`booking.${kind}`, {})}`,
      text: say.amount(amountMinor),
      isTotal: false,
    })),
  }
}

/** What is told on the next screen, after a service that did not come to its end; null for the notices of others. */
export function serviceNotice(notice: Notice | null, say: Say): string | null {
  switch (notice?.kind) {
    case 'statementUnavailable':
    case 'payeeUnknown':
    case 'pinsDiffer':
    case 'pinWeak':
      return say.words(`notice.${notice.kind}`, {})
    case 'transferDeclined':
    case 'pinNotChanged':
      return say.words(`notice.${notice.kind}`, {because: declinedWords(notice.code, say)})
    default:
      return null
  }
}
