/** The customer's screen as a pure function: what the machine knows and what the hand just typed, in words. */
import {valueOf} from '../../fsm/decide.ts'
import {canPrint, isPayable, leavesReferenceAlone, owesReceipt} from '../../fsm/context.ts'
import type {Context} from '../../fsm/context.ts'
import type {StateName} from '../../fsm/session.ts'
import {minorUnits} from '../../kit/money.ts'
import {amountRange, choicesOf} from './choices.ts'
import {takesDigits} from './desk.ts'
import {cardWords, endingWords, readableReference} from './ending.ts'
import {LOOK_KEY} from './look.ts'
import {sayIn} from './say.ts'
import type {Say} from './say.ts'
import {
  isAskingForTime,
  serviceNotice,
  statementScene,
  sumScene,
  targetScene,
  transferScene,
  typedAmount,
  waitingScene,
} from './services.ts'
import type {Choice, Desk, Entry, Tone, ViewModel} from './view-model.ts'
import {isRightToLeft} from './words.ts'

/** What differs from state to state; the rest is the same everywhere. */
type Scene = Pick<ViewModel, 'title' | 'instruction' | 'tone'> &
  Partial<Pick<ViewModel, 'notice' | 'amount' | 'figures' | 'entry'>> & {
    readonly card?: 'blink'
    readonly cash?: 'blink' | 'off'
    readonly reference?: string | null
  }

/** The whole screen. It never fails: a context without a visit, in a state that has one, still gives words. */
export function view(state: StateName, context: Context, desk: Desk): ViewModel {
  const {language} = desk
  const eye = sayIn(language, context.setup.currency, 'eye')
  const scene = sceneOf(state, context, desk, eye)
  const masked = context.visit?.card?.masked
  const choices = choicesOf(state, context, desk, eye)
  return {
    screen: state,
    language,
    direction: isRightToLeft(language) ? 'rtl' : 'ltr',
    tone: scene.tone,
    title: scene.title,
    instruction: scene.instruction,
    notice: scene.notice ?? null,
    amount: scene.amount ?? null,
    figures: scene.figures ?? [],
    entry: scene.entry ?? null,
    choices,
    reference:
      scene.reference === undefined || scene.reference === null
        ? null
        : {label: eye.words('figure.reference', {}), text: scene.reference},
    slots: {card: scene.card ?? 'off', cash: scene.cash ?? 'off'},
    card: masked === undefined ? null : eye.words('figure.card', {digits: masked.slice(-4)}),
    terminal: context.setup.terminal,
    look: {
      now: desk.look,
      label: eye.words('look.label', {}),
      key: state === 'idle' || choices.length === 0 || takesDigits(state) ? null : LOOK_KEY,
    },
    speech: speechOf(state, context, desk, sayIn(language, context.setup.currency, 'ear')),
  }
}

/** The question for more time lies over the screen that it is asked on; what was typed there stays to be seen. */
function sceneOf(state: StateName, context: Context, desk: Desk, say: Say): Scene {
  const scene = ownSceneOf(state, context, desk, say)
  if (state === 'offeringTime' || !isAskingForTime(state, context)) return scene
  return {
    tone: 'ask',
    title: say.words('moreTime.title', {}),
    instruction: say.words('moreTime.instruction', {}),
    ...(scene.entry?.kind === 'amount' && !scene.entry.isEmpty ? {entry: scene.entry} : {}),
  }
}

function ownSceneOf(state: StateName, context: Context, desk: Desk, say: Say): Scene {
  switch (state) {
    case 'starting':
    case 'recovering':
    case 'resting':
    case 'closingDay':
    case 'verifyingPin':
    case 'askingBalance':
    case 'printingBalance':
    case 'rejecting':
    case 'retracting':
      return plain(state, 'busy', say)
    case 'idle':
      return {...plain(state, 'calm', say), card: 'blink'}
    case 'offline':
    case 'outOfService':
    case 'supervisor':
    case 'servicing':
    case 'suspended':
      return plain(state, 'sorry', say)
    case 'enteringPin':
    case 'enteringNewPin':
    case 'repeatingNewPin':
      return {
        ...plain(state, 'ask', say),
        notice: noticeWords(context, say),
        entry: {kind: 'pin', digits: desk.pinDigits},
      }
    case 'offeringTime':
      return {
        tone: 'ask',
        title: say.words('moreTime.title', {}),
        instruction: `${say.words('moreTime.instruction', {})} ${say.words('offeringTime.instruction', {})}`,
      }
    case 'askingStatement':
    case 'askingPayee':
    case 'changingPin':
      return waitingScene(`${state}.instruction`, say)
    case 'transferring':
      return {
        ...waitingScene('authorizing.instruction', say),
        amount: say.amount(context.visit?.transfer?.amountMinor ?? minorUnits(0)),
      }
    case 'choosingTarget':
      return targetScene(context, desk, say)
    case 'choosingSum':
      return sumScene(context, desk, say)
    case 'confirmingTransfer':
      return transferScene(state, context, desk, say)
    case 'showingTransfer': {
      const scene = transferScene(state, context, desk, say)
      const key = context.visit?.transfer?.key ?? null
      return {...scene, reference: key === null ? null : readableReference(key)}
    }
    case 'showingStatement':
      return statementScene(context, desk, say)
    case 'showingPinChanged':
      return plain(state, 'good', say)
    case 'choosingAccount':
    case 'askingAnother':
    case 'choosingReceipt':
      return plain(state, 'ask', say)
    case 'choosingService':
      return {...plain(state, 'ask', say), notice: noticeWords(context, say) ?? withoutPaper(context, say)}
    case 'showingBalance':
      return balanceScene(context, desk, say)
    case 'choosingAmount':
      return amountScene(state, context, desk, say)
    case 'amountRefused':
      return refusedScene(context, desk, say)
    case 'confirmingFee':
      return feeScene(context, say)
    case 'authorizing':
      return {...plain(state, 'busy', say), amount: amountWords(context, say)}
    case 'returningCardBeforeCash':
      return {...plain(state, 'take', say), amount: amountWords(context, say), card: 'blink'}
    case 'dispensing':
      return dispensingScene(context, say)
    case 'presenting':
      return presentingScene(context, say)
    case 'returningCard':
      return returningCardScene(context, say)
    case 'retainingCard': {
      const fate = context.visit?.cardFate ?? 'found-at-start'
      const ending = context.visit?.ending ?? null
      const {title, instruction, tone} = endingWords(ending, context, say)
      return {
        tone: tone === 'good' ? 'busy' : 'sorry',
        title: say.words('retainingCard.title', {}),
        instruction: cardWords(fate, say) ?? say.words('card.found-at-start', {}),
        notice: ending === null ? null : `${title}. ${instruction}`,
      }
    }
    case 'showingEnding':
      return endingScene(context, say)
  }
}

type PlainState = Exclude<
  StateName,
  | 'offeringTime'
  | 'askingStatement'
  | 'askingPayee'
  | 'changingPin'
  | 'transferring'
  | 'choosingTarget'
  | 'choosingSum'
  | 'showingStatement'
  | 'amountRefused'
  | 'dispensing'
  | 'retainingCard'
  | 'showingEnding'
  | 'showingBalance'
>

function plain(state: PlainState, tone: Tone, say: Say): Scene {
  return {tone, title: say.words(`${state}.title`, {}), instruction: say.words(`${state}.instruction`, {})}
}

function noticeWords(context: Context, say: Say): string | null {
  const notice = context.visit?.notice ?? null
  switch (notice?.kind) {
    case undefined:
      return null
    case 'pinWrong':
      return say.plural('notice.pinWrong', notice.triesLeft)
    case 'balanceUnavailable':
      return say.words('notice.balanceUnavailable', {})
    case 'cannotPay':
      return say.words('notice.cannotPay', {})
    case 'balancePrinted':
    case 'balanceNotPrinted':
      return say.words(`notice.${notice.kind}`, {})
    default:
      return serviceNotice(notice, say)
  }
}

/** Said before anybody commits to anything: there will be no receipt. */
function withoutPaper(context: Context, say: Say): string | null {
  return canPrint(context) ? null : say.words('notice.noReceipts', {})
}

/** What becomes of the receipt while the last screen stands; null where none is owed and none is missed. */
function receiptWords(context: Context, say: Say): string | null {
  if (context.visit === null) return null
  if (owesReceipt(context)) return say.words('receipt.printing', {})
  if (context.visit.receipt === 'printed') return say.words('receipt.take', {})
  if (!leavesReferenceAlone(context)) return null
  return say.words(context.visit.receipt === 'failed' ? 'receipt.failed' : 'receipt.none', {})
}

function balanceScene(context: Context, desk: Desk, say: Say): Scene {
  const title = say.words('showingBalance.title', {})
  if (desk.balanceMinor === null)
    return {tone: 'sorry', title, instruction: say.words('showingBalance.missing', {})}
  const account = context.visit?.account?.label ?? say.words('showingBalance.account', {})
  return {
    tone: 'calm',
    title,
    instruction: say.words('showingBalance.instruction', {account}),
    amount: say.amount(desk.balanceMinor),
    notice: noticeWords(context, say),
  }
}

function amountScene(state: 'choosingAmount', context: Context, desk: Desk, say: Say): Scene {
  return {
    tone: 'ask',
    title: say.words(`${state}.title`, {}),
    instruction: say.words(desk.amountDigits === '' ? `${state}.instruction` : 'choosingAmount.typed', {}),
    entry: amountEntry(context, desk, say),
  }
}

function refusedScene(context: Context, desk: Desk, say: Say): Scene {
  const notice = context.visit?.notice ?? null
  const hasNear = notice?.kind === 'cannotPay' && (notice.belowMinor !== null || notice.aboveMinor !== null)
  const ask = hasNear ? 'amountRefused.near' : 'amountRefused.none'
  return {
    tone: 'sorry',
    title: say.words('amountRefused.title', {}),
    instruction: say.words(desk.amountDigits === '' ? ask : 'choosingAmount.typed', {}),
    notice: noticeWords(context, say),
    entry: desk.amountDigits === '' ? null : amountEntry(context, desk, say),
  }
}

function amountEntry(context: Context, desk: Desk, say: Say): Entry {
  const typed = typedAmount(desk, context)
  const range = amountRange(context)
  return {
    kind: 'amount',
    of: 'money',
    text: say.amount(typed ?? minorUnits(0)),
    isEmpty: typed === null,
    valid: typed !== null && isPayable(context, typed),
    hint:
      range === null
        ? ''
        : say.words('choosingAmount.hint', {
            multiple: say.amount(range.multipleMinor),
            most: say.amount(range.mostMinor),
          }),
  }
}

function feeScene(context: Context, say: Say): Scene {
  const operation = context.visit?.operation
  const scene = plain('confirmingFee', 'ask', say)
  if (operation === undefined || operation === null) return scene
  const {amountMinor, feeMinor} = operation
  return {
    ...scene,
    figures: [
      {label: say.words('figure.amount', {}), text: say.amount(amountMinor), isTotal: false},
      {label: say.words('figure.fee', {}), text: say.amount(feeMinor), isTotal: false},
      {
        label: say.words('figure.total', {}),
        text: say.amount(minorUnits(amountMinor + feeMinor)),
        isTotal: true,
      },
    ],
  }
}

function amountWords(context: Context, say: Say): string | null {
  const operation = context.visit?.operation ?? null
  return operation === null ? null : say.amount(operation.amountMinor)
}

function dispensingScene(context: Context, say: Say): Scene {
  const act = context.setup.capabilities.stacker ? 'counting' : 'coming'
  return {
    tone: 'busy',
    title: say.words(`dispensing.${act}.title`, {}),
    instruction: say.words(`dispensing.${act}.instruction`, {}),
    amount: amountWords(context, say),
    cash: act === 'coming' ? 'blink' : 'off',
  }
}

function presentingScene(context: Context, say: Say): Scene {
  const scene: Scene = {...plain('presenting', 'take', say), cash: 'blink'}
  const operation = context.visit?.operation ?? null
  const bunch = operation?.bunches[operation.bunch]
  if (operation === null || bunch === undefined) return scene
  const part = (operation.bunch + 1).toString()
  const parts = operation.bunches.length.toString()
  const isLast = part === parts
  return {
    ...scene,
    amount: say.amount(valueOf(bunch)),
    notice:
      parts === '1' ? null : say.words(isLast ? 'presenting.lastPart' : 'presenting.part', {part, parts}),
  }
}

/** The card comes first; why the visit ends is said beside it, because the machine goes to rest right after. */
function returningCardScene(context: Context, say: Say): Scene {
  const scene: Scene = {...plain('returningCard', 'take', say), card: 'blink'}
  const ending = context.visit?.ending ?? null
  if (ending === null) return scene
  const words = endingWords(ending, context, say)
  const isPlain = ending.kind === 'goodbye' || ending.kind === 'paid'
  const instruction = isPlain ? words.instruction : `${sentence(words.title)} ${words.instruction}`
  return {...scene, instruction, reference: words.reference}
}

function endingScene(context: Context, say: Say): Scene {
  const visit = context.visit
  const words = endingWords(visit?.ending ?? null, context, say)
  const card = visit === null ? null : cardWords(visit.cardFate, say)
  return {
    title: words.title,
    instruction: words.instruction,
    tone: card !== null && words.tone !== 'take' ? 'sorry' : words.tone,
    amount: words.amount,
    figures: words.figures,
    notice: joined(card, receiptWords(context, say)),
    reference: words.reference,
    cash: words.cash,
    ...(visit?.cardFate === 'leftInMouth' ? {card: 'blink'} : {}),
  }
}

function joined(...texts: readonly (string | null)[]): string | null {
  const said = texts.filter(text => text !== null)
  return said.length === 0 ? null : said.join(' ')
}

/** The screen read aloud, in the order of importance; a PIN is heard as tones of the pad, never as words. */
function speechOf(state: StateName, context: Context, desk: Desk, say: Say): string {
  const scene = sceneOf(state, context, desk, say)
  const entry = scene.entry ?? null
  const isTyped = entry?.kind === 'amount' && !entry.isEmpty
  return [
    sentence(scene.title),
    scene.amount === undefined || scene.amount === null ? '' : sentence(scene.amount),
    scene.notice === undefined || scene.notice === null ? '' : sentence(scene.notice),
    ...(scene.figures ?? []).map(figure => sentence(`${figure.label}: ${figure.text}`)),
    isTyped ? typedWords(entry, say) : '',
    sentence(scene.instruction),
    entry?.kind === 'amount' && !isTyped && entry.hint !== '' ? sentence(entry.hint) : '',
    scene.reference === undefined || scene.reference === null
      ? ''
      : sentence(`${say.words('figure.reference', {})}: ${spelled(scene.reference)}`),
    // On the welcome screen no key is heard, so none is told.
    ...(state === 'idle' ? [] : choicesOf(state, context, desk, say)).map(choice =>
      spokenChoice(choice, say),
    ),
  ]
    .filter(text => text !== '')
    .join(' ')
}

function typedWords({of, text}: Extract<Entry, {kind: 'amount'}>, say: Say): string {
  return of === 'money'
    ? say.words('speech.typed', {amount: text})
    : say.words('speech.typedNumber', {digits: spelled(text)})
}

function spokenChoice({label, keys}: Choice, say: Say): string {
  const plainKey = keys.find(key => /^[0-9]$/.test(key) || key === 'enter' || key === 'cancel')
  if (plainKey === undefined) return say.words('speech.softKey', {choice: label, key: keys[0]})
  const key = plainKey === 'enter' || plainKey === 'cancel' ? say.words(`key.${plainKey}`, {}) : plainKey
  return say.words('speech.key', {choice: label, key})
}

function sentence(text: string): string {
  return /[.?!。？！।؟]$/.test(text) ? text : `${text}.`
}

/** Digit by digit, so that a reference is not read as a number of thousands. */
function spelled(reference: string): string {
  return reference.replaceAll(/\d(?=\d)/g, '$& ')
}
