/** The words for how a visit ended and what became of the card. */
import type {CardFate, Context, Ending} from '../../fsm/context.ts'
import type {OperationKey} from '../../fsm/vocabulary.ts'
import type {Say} from './say.ts'
import type {Figure, Tone} from './view-model.ts'
import type {MessageKey} from './words/catalogue.ts'

export interface EndingWords {
  readonly title: string
  readonly instruction: string
  readonly tone: Tone
  readonly amount: string | null
  readonly figures: readonly Figure[]
  readonly reference: string | null
  readonly cash: 'blink' | 'off'
}

/** @param ending null when the card alone is the story, after a start with a card inside */
export function endingWords(ending: Ending | null, context: Context, say: Say): EndingWords {
  const plain = {amount: null, figures: [], reference: null, cash: 'off'} as const
  const named = (kind: SimpleEnding, tone: Tone): EndingWords => ({
    ...plain,
    tone,
    title: say.words(`ending.${kind}.title`, {}),
    instruction: say.words(`ending.${kind}.instruction`, {}),
  })
  switch (ending?.kind) {
    case undefined:
    case 'outOfService':
      return named('outOfService', 'sorry')
    case 'goodbye':
      return named('goodbye', 'calm')
    case 'timedOut':
    case 'bankUnreachable':
    case 'cardUnreadable':
    case 'pinPadFailed':
      return named(ending.kind, 'sorry')
    case 'transferReversed':
    case 'pinUnknown':
      return {...named(ending.kind, 'sorry'), reference: readableReference(ending.reference)}
    case 'declined':
      return {
        ...named('outOfService', 'sorry'),
        title: say.words('ending.declined.title', {}),
        instruction: say.words('ending.declined.instruction', {because: declinedWords(ending.code, say)}),
      }
    case 'paid': {
      const isWaiting = cashIsWaiting(context)
      return {
        ...named(isWaiting ? 'paidNow' : 'paid', isWaiting ? 'take' : 'good'),
        amount: say.amount(ending.paidMinor),
        reference: readableReference(ending.reference),
        cash: isWaiting ? 'blink' : 'off',
      }
    }
    case 'partlyPaid':
      return {
        ...plain,
        tone: 'sorry',
        title: say.words('ending.partlyPaid.title', {}),
        instruction: say.words('ending.partlyPaid.instruction', {
          paid: say.amount(ending.paidMinor),
          asked: say.amount(ending.askedMinor),
        }),
        figures: [
          {label: say.words('figure.asked', {}), text: say.amount(ending.askedMinor), isTotal: false},
          {label: say.words('figure.paid', {}), text: say.amount(ending.paidMinor), isTotal: true},
        ],
        reference: readableReference(ending.reference),
        cash: cashIsWaiting(context) ? 'blink' : 'off',
      }
    case 'notPaid':
      return {
        ...plain,
        tone: 'sorry',
        title: say.words('ending.notPaid.title', {}),
        instruction: say.words('ending.notPaid.instruction', {
          because: say.words(`notPaid.${ending.because}`, {}),
        }),
        reference: readableReference(ending.reference),
      }
    case 'beingChecked':
      return {
        ...named('beingChecked', 'sorry'),
        reference: readableReference(ending.reference),
        cash: 'blink',
      }
  }
}

type SimpleEnding =
  | 'goodbye'
  | 'timedOut'
  | 'paid'
  | 'paidNow'
  | 'beingChecked'
  | 'transferReversed'
  | 'pinUnknown'
  | 'bankUnreachable'
  | 'cardUnreadable'
  | 'pinPadFailed'
  | 'outOfService'

/** Whether notes lie where the customer can reach them: paid out without a shutter, or left in the open mouth. */
function cashIsWaiting(context: Context): boolean {
  return !context.setup.capabilities.stacker || context.visit?.operation?.decision?.row === 'left-in-place'
}

/** What became of the card, when the customer must know; null when the card is back or still expected. */
export function cardWords(fate: CardFate, say: Say): string | null {
  switch (fate) {
    case 'inside':
    case 'returned':
      return null
    case 'leftInMouth':
    case 'stuck':
    case 'pin-tries':
    case 'bank-says-so':
    case 'not-taken':
    case 'found-at-start':
      return say.words(`card.${fate}`, {})
  }
}

/** `2026-11-22 000418` of `ATM123:2026-11-22:000418`: the terminal is printed on the machine. */
export function readableReference(key: OperationKey): string {
  return key.split(':').slice(-2).join(' ')
}

/** Response codes of ISO 8583:1987 field 39 that a customer can do something about. The rest share one sentence. */
const DECLINED: ReadonlyMap<string, DeclinedKey> = new Map([
  ['14', 'declined.card'],
  ['38', 'declined.pinTries'],
  ['51', 'declined.funds'],
  ['54', 'declined.expired'],
  ['57', 'declined.service'],
  ['58', 'declined.service'],
  ['61', 'declined.limit'],
  ['65', 'declined.count'],
  ['75', 'declined.pinTries'],
  ['91', 'declined.bank'],
  ['96', 'declined.bank'],
] as const)

type DeclinedKey = Exclude<Extract<MessageKey, `declined.${string}`>, 'declined.other'>

export function declinedWords(code: string, say: Say): string {
  const known = DECLINED.get(code)
  return known === undefined ? say.words('declined.other', {code}) : say.words(known, {})
}
