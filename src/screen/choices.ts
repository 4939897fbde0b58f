/** What the customer may choose in each state, with the keys that choose it and the event it makes. */
import {fastAmounts, mostPayable, multipleOf} from '../../fsm/mix.ts'
import type {MixLimits} from '../../fsm/mix.ts'
import {canPrint, owesReceipt} from '../../fsm/context.ts'
import type {Context} from '../../fsm/context.ts'
import type {StateName} from '../../fsm/session.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import type {Say} from './say.ts'
import {
  accountChoices,
  anotherChoice,
  confirmChoice,
  goOn,
  isAskingForTime,
  moreTimeChoices,
  pageChoices,
  serviceChoices,
  sumChoices,
  targetChoices,
  typedAmount,
} from './services.ts'
import type {Choice, Desk} from './view-model.ts'
import {CATALOGUES} from './words.ts'
import type {Language} from './words.ts'

/** Keys of the six amounts, so that the smallest stands at the top left and they grow downwards. */
const AMOUNT_KEYS: readonly Key[] = ['A', 'B', 'C', 'E', 'F', 'G']

/** Keys of the languages on the welcome screen. */
const LANGUAGE_KEYS: readonly Key[] = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']
/** So many languages and the operator's own. */
export const OTHER_LANGUAGES_MAX = LANGUAGE_KEYS.length

/** Amounts offered first, in units of the smallest step that can be paid, then those that fill the gaps. */
const FAVOURED_STEPS: readonly number[] = [2, 4, 6, 10, 20, 30]
const OTHER_STEPS: readonly number[] = [1, 3, 5, 8, 15, 40]

export function choicesOf(state: StateName, context: Context, desk: Desk, say: Say): readonly Choice[] {
  if (isAskingForTime(state, context)) return moreTimeChoices(say)
  switch (state) {
    case 'idle':
      return otherLanguages(desk)
    case 'choosingService':
      return [...serviceChoices(say), ...nextLanguage(desk), cancel(say, 'H')]
    case 'choosingAccount':
      return [...accountChoices(context), cancel(say, 'D')]
    case 'choosingTarget':
      return [...targetChoices(context, desk, say), cancel(say, 'D')]
    case 'choosingSum':
      return [...sumChoices(context, desk, say), cancel(say, 'D')]
    case 'confirmingTransfer':
      return [cancel(say, 'D'), confirmChoice(say)]
    case 'showingStatement':
      return [cancel(say, 'D'), ...pageChoices(desk, say)]
    case 'showingTransfer':
    case 'showingPinChanged':
      return [cancel(say, 'D'), goOn(say, 'goOn', {type: 'visit.continued'})]
    case 'askingAnother':
      return [cancel(say, 'D'), anotherChoice(say)]
    case 'showingBalance':
      return [
        ...(canPrint(context) &&
        desk.balanceMinor !== null &&
        context.visit?.notice?.kind !== 'balancePrinted'
          ? [
              {
                id: 'printBalance',
                label: say.words('choice.printBalance', {}),
                keys: ['A', '1'],
                weight: 'plain',
                language: null,
                event: {type: 'receipt.chosen', wanted: true},
              } as const,
            ]
          : []),
        cancel(say, 'D'),
        goOn(say, 'goOn', {type: 'visit.continued'}),
      ]
    case 'choosingAmount':
      return [
        ...offered(context).map((amountMinor, at) => amountChoice(say, amountMinor, AMOUNT_KEYS[at] ?? 'G')),
        cancel(say, 'D'),
        ...confirmTyped(context, desk, say),
      ]
    case 'amountRefused':
      return refusedChoices(context, desk, say)
    case 'confirmingFee':
      return [
        cancel(say, 'D'),
        {
          id: 'acceptFee',
          label: say.words('choice.acceptFee', {}),
          keys: ['H', 'enter'],
          weight: 'main',
          language: null,
          event: {type: 'fee.accepted'},
        },
      ]
    case 'choosingReceipt':
      return [
        {
          id: 'receipt',
          label: say.words('choice.receipt', {}),
          keys: ['A', '1'],
          weight: 'plain',
          language: null,
          event: {type: 'receipt.chosen', wanted: true},
        },
        {
          id: 'noReceipt',
          label: say.words('choice.noReceipt', {}),
          keys: ['B', '2'],
          weight: 'plain',
          language: null,
          event: {type: 'receipt.chosen', wanted: false},
        },
        cancel(say, 'D'),
      ]
    case 'showingEnding':
      // It stays until something is known of the receipt.
      if (context.visit !== null && owesReceipt(context)) return []
      return [
        {
          id: 'done',
          label: say.words('choice.done', {}),
          keys: ['H', 'enter', 'cancel'],
          weight: 'main',
          language: null,
          event: {type: 'visit.continued'},
        },
      ]
    case 'starting':
    case 'recovering':
    case 'resting':
    case 'offline':
    case 'outOfService':
    case 'supervisor':
    case 'servicing':
    case 'closingDay':
    case 'suspended':
    case 'enteringPin':
    case 'offeringTime':
    case 'verifyingPin':
    case 'askingBalance':
    case 'printingBalance':
    case 'askingStatement':
    case 'askingPayee':
    case 'transferring':
    case 'enteringNewPin':
    case 'repeatingNewPin':
    case 'changingPin':
    case 'authorizing':
    case 'returningCardBeforeCash':
    case 'dispensing':
    case 'presenting':
    case 'retracting':
    case 'rejecting':
    case 'returningCard':
    case 'retainingCard':
      return []
  }
}

/** Each language keeps its key; the operator's own takes the place of the one that the screen speaks now. */
function otherLanguages({language, offered: [own, ...others]}: Desk): readonly Choice[] {
  return others.map((other, at) =>
    languageChoice(other === language ? own : other, [LANGUAGE_KEYS[at] ?? 'H']),
  )
}

/** One key that goes round the languages, for a machine whose keys are heard only after the PIN. */
function nextLanguage({language, offered}: Desk): readonly Choice[] {
  const next = offered[(offered.findIndex(tag => tag === language) + 1) % offered.length]
  return next === undefined || next === language ? [] : [languageChoice(next, ['D', '0'])]
}

function languageChoice(language: Language, keys: Choice['keys']): Choice {
  return {
    id: `language-${language}`,
    label: CATALOGUES[language].name,
    keys,
    weight: 'plain',
    language,
    event: {type: 'language.chosen', language},
  }
}

/** What every payable amount is a multiple of, and the most that one withdrawal may be; null when nothing can be paid. */
export function amountRange(
  context: Context,
): {readonly multipleMinor: Minor; readonly mostMinor: Minor} | null {
  const multipleMinor = multipleOf(context.levels)
  if (multipleMinor === null) return null
  const allowed = context.setup.policy.amountMaxMinor
  const most = Math.min(allowed - (allowed % multipleMinor), mostPayable(context.levels, limitsOf(context)))
  return {multipleMinor, mostMinor: minorUnits(most)}
}

/** Up to six amounts that the notes make, rising. */
function offered(context: Context): readonly Minor[] {
  const multipleMinor = multipleOf(context.levels)
  if (multipleMinor === null) return []
  const wishes = [...FAVOURED_STEPS, ...OTHER_STEPS]
    .map(steps => minorUnits(steps * multipleMinor))
    .filter(wish => wish <= context.setup.policy.amountMaxMinor)
  return fastAmounts(context.levels, limitsOf(context), wishes)
    .slice(0, AMOUNT_KEYS.length)
    .toSorted((a, b) => a - b)
}

function limitsOf({setup: {capabilities, policy}}: Context): MixLimits {
  return {
    notesMax: policy.notesMax,
    notesPerCassetteMax: capabilities.notesPerCassetteMax,
    notesPerBunchMax: capabilities.notesPerBunchMax,
    policy: policy.mix,
  }
}

function refusedChoices(context: Context, desk: Desk, say: Say): readonly Choice[] {
  const notice = context.visit?.notice ?? null
  const near = notice?.kind === 'cannotPay' ? notice : {belowMinor: null, aboveMinor: null}
  const typed = confirmTyped(context, desk, say)
  return [
    ...(near.belowMinor === null ? [] : [amountChoice(say, near.belowMinor, 'A')]),
    ...(near.aboveMinor === null ? [] : [amountChoice(say, near.aboveMinor, 'E')]),
    cancel(say, 'D'),
    ...(typed.length > 0
      ? typed
      : [
          {
            id: 'otherAmount',
            label: say.words('choice.otherAmount', {}),
            keys: ['H', 'enter'],
            weight: 'plain',
            language: null,
            event: {type: 'visit.continued'},
          } satisfies Choice,
        ]),
  ]
}

function amountChoice(say: Say, amountMinor: Minor, key: Key): Choice {
  return {
    id: `amount-${amountMinor}`,
    label: say.amount(amountMinor),
    keys: [key],
    weight: 'plain',
    language: null,
    event: {type: 'amount.chosen', amountMinor},
  }
}

function confirmTyped(context: Context, desk: Desk, say: Say): readonly Choice[] {
  const amountMinor = typedAmount(desk, context)
  if (amountMinor === null) return []
  return [
    {
      id: 'typed',
      label: say.words('choice.continue', {}),
      keys: ['H', 'enter'],
      weight: 'main',
      language: null,
      event: {type: 'amount.chosen', amountMinor},
    },
  ]
}

function cancel(say: Say, key: Key): Choice {
  return {
    id: 'cancel',
    label: say.words('choice.cancel', {}),
    keys: [key, 'cancel'],
    weight: 'leave',
    language: null,
    event: {type: 'visit.cancelled'},
  }
}
