/** What a customer sees, hears and may choose at one moment. The page draws it and knows nothing else. */
import type {StateName} from '../../fsm/session.ts'
import type {Event} from '../../fsm/vocabulary.ts'
import type {Minor} from '../../kit/money.ts'
import type {StatementLine} from '../link/port.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import type {Look, OwnLook} from './look.ts'
import type {Language, Tongue} from './words.ts'

/** What the customer's hand and eyes have just now, and no record keeps. */
export interface Desk {
  /** How many PIN digits the pad holds; never which. */
  readonly pinDigits: number
  /** Whole currency units typed so far, no leading zero; empty for nothing. */
  readonly amountDigits: string
  /** Of an account, as typed so far. */
  readonly numberDigits: string
  /** From the bank, for the one screen that shows it. */
  readonly balanceMinor: Minor | null
  /** From the bank, for the screen that shows them page by page; `page` counts from 0. */
  readonly statement: readonly StatementLine[] | null
  readonly page: number
  /** Whose account a transfer goes to, as the bank names them; null where nobody was asked. */
  readonly payee: string | null
  /** What the customer reads and hears; forgotten with the visit. */
  readonly language: Tongue
  /** What can be chosen, the operator's own language first. */
  readonly offered: readonly [Language, ...Language[]]
  /** How the customer wants the screen to look; forgotten with the visit. */
  readonly look: Look
  /** How it looks to begin with. */
  readonly ownLook: OwnLook
  /** Whether the customer listens: a headset is in. */
  readonly listens: boolean
}

/** What changes the screen alone: nothing that the machine is told. */
export type DeskEvent =
  | {readonly type: 'language.chosen'; readonly language: Language}
  | {readonly type: 'page.turned'; readonly page: number}

/**
 * `calm` nothing to do; `ask` a question; `take` something waits in a slot; `good` it went well;
 * `sorry` it did not; `busy` the machine works.
 */
export type Tone = 'calm' | 'ask' | 'take' | 'good' | 'sorry' | 'busy'

/** One thing the customer may choose, by any of its keys or by touch. */
export interface Choice {
  readonly id: string
  readonly label: string
  /** The first is the one shown beside the label: a soft key, A to D on the left, E to H on the right. */
  readonly keys: readonly [Key, ...Key[]]
  /** `main` leads on, `leave` ends the visit. */
  readonly weight: 'main' | 'plain' | 'leave'
  /** Of the label, where it is not the screen's: a language's own name. */
  readonly language: Language | null
  /** What the machine is told, or the desk alone. Never sent to the page. */
  readonly event: Event | DeskEvent
}

export type Entry =
  | {readonly kind: 'pin'; readonly digits: number}
  | {
      readonly kind: 'amount'
      /** `money`, or the number of an `account`. */
      readonly of: 'money' | 'account'
      /** As typed so far, money with its currency. */
      readonly text: string
      readonly isEmpty: boolean
      /** Whether it can be had: the notes in the machine make the amount, a transfer may be as large. */
      readonly valid: boolean
      /** Which amounts can be had; empty when nothing is known. */
      readonly hint: string
    }

/** One line of a sum. */
export interface Figure {
  readonly label: string
  readonly text: string
  readonly isTotal: boolean
}

export interface ViewModel {
  readonly screen: StateName
  /** BCP 47 tag of all the words here. */
  readonly language: Tongue
  /** Which way the words run. */
  readonly direction: 'ltr' | 'rtl'
  readonly tone: Tone
  readonly title: string
  readonly instruction: string
  /** Something said beside the instruction: what went wrong before, why the card comes back. */
  readonly notice: string | null
  /** The one figure that matters now. */
  readonly amount: string | null
  readonly figures: readonly Figure[]
  readonly entry: Entry | null
  /** At most 8; no key leads to two of them. */
  readonly choices: readonly Choice[]
  /** Names the operation when the customer calls the bank: `2026-11-22 000418`. */
  readonly reference: {readonly label: string; readonly text: string} | null
  /** Which slot asks for a hand. */
  readonly slots: {readonly card: 'blink' | 'off'; readonly cash: 'blink' | 'off'}
  /** `Card ending in 4242`, while a card's visit lasts. */
  readonly card: string | null
  readonly terminal: string
  /** How the screen looks, the name of what changes that, and the key that does it now; null while none is heard for it. */
  readonly look: {readonly now: Look; readonly label: string; readonly key: Key | null}
  /** The same words as one text for speech. */
  readonly speech: string
}

/** The view model as the page gets it: no events, and of the keys only the one that is shown and a digit that does the same. */
export interface ShownView extends Omit<ViewModel, 'choices'> {
  readonly seq: number
  readonly operator: {readonly name: string | null; readonly hasLogo: boolean}
  readonly choices: readonly {
    readonly id: string
    readonly label: string
    readonly language: Language | null
    readonly key: Key
    readonly digit: string | null
    readonly weight: Choice['weight']
  }[]
}

/** @param seq counts the views of one server; a choice made on an older one is stale */
export function shownView(
  view: ViewModel,
  seq: number,
  operator: ShownView['operator'] = {name: null, hasLogo: false},
): ShownView {
  return {
    ...view,
    seq,
    operator,
    choices: view.choices.map(({id, label, language, keys, weight}) => ({
      id,
      label,
      language,
      key: keys[0],
      digit: keys.find(key => /^[0-9]$/.test(key)) ?? null,
      weight,
    })),
  }
}
