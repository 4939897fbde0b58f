/** The customer's hand: what a key press or a touch does to the desk, and which event it makes. Pure. */
import type {Context} from '../../fsm/context.ts'
import type {StateName} from '../../fsm/session.ts'
import type {Event} from '../../fsm/vocabulary.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import {digitsOf} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'
import {choicesOf} from './choices.ts'
import {LOOK_ID, LOOK_KEY, lookAfter} from './look.ts'
import type {OwnLook} from './look.ts'
import {sayIn} from './say.ts'
import {isAskingForTime} from './services.ts'
import type {Choice, Desk} from './view-model.ts'

export const EMPTY_DESK: Desk = {
  pinDigits: 0,
  amountDigits: '',
  numberDigits: '',
  balanceMinor: null,
  statement: null,
  page: 0,
  payee: null,
  language: 'en',
  offered: ['en'],
  look: 'plain',
  ownLook: 'plain',
  listens: false,
}

/** Nothing typed, in the operator's own language and look. */
export function deskOffering(offered: Desk['offered'], ownLook: OwnLook = 'plain'): Desk {
  return {...EMPTY_DESK, language: offered[0], offered, look: ownLook, ownLook}
}

/** The desk that the next customer finds. */
export function deskAfresh({offered, ownLook, listens}: Desk): Desk {
  return {...deskOffering(offered, ownLook), listens}
}

/** A headset came in, or went: then nothing stays dark. */
export function withListening(desk: Desk, listens: boolean): Desk {
  return {...desk, listens, look: !listens && desk.look === 'dark' ? desk.ownLook : desk.look}
}

export interface Pressed {
  readonly desk: Desk
  /** For the machine; null when the key only typed, or meant nothing. */
  readonly event: Event | null
}

/**
 * A key in clear-key mode. Digits, `00` and `clear` edit the amount where one is asked for; every other key
 * does what the choice bound to it does; a key that means nothing now changes nothing.
 */
export function press(state: StateName, context: Context, desk: Desk, key: Key): Pressed {
  const chosen = choicesNow(state, context, desk).find(choice => choice.keys.includes(key))
  // Who asks for more time wants to go on where they were.
  if (chosen?.event.type === 'time.granted') return taken(desk, chosen)
  if (chosen !== undefined) return taken({...desk, amountDigits: '', numberDigits: ''}, chosen)
  if (!takesDigits(state)) return {desk: key === LOOK_KEY ? inNextLook(desk) : desk, event: null}
  const edited = edit(state, context, desk, key)
  if (edited === null) return {desk, event: null}
  // Who types on needs more time, and need not say so.
  return {desk: edited, event: isAskingForTime(state, context) ? {type: 'time.granted'} : null}
}

/** The desk with one digit more or less; null for a key that edits nothing here. */
function edit(state: StateName, context: Context, desk: Desk, key: Key): Desk | null {
  const isDigit = key === '00' || /^[0-9]$/.test(key)
  if (state === 'choosingTarget') {
    if (key === 'clear')
      return desk.numberDigits === '' ? null : {...desk, numberDigits: desk.numberDigits.slice(0, -1)}
    return isDigit ? {...desk, numberDigits: (desk.numberDigits + key).slice(0, NUMBER_DIGITS_MAX)} : null
  }
  const most = mostTyped(state, context)
  if (most === null) return null
  if (key === 'clear')
    return desk.amountDigits === '' ? null : {...desk, amountDigits: desk.amountDigits.slice(0, -1)}
  return isDigit ? typed(most, context.setup.currency, desk, key) : null
}

/** As many as an account id of the bank may have. */
const NUMBER_DIGITS_MAX = 34

/** A touch on the choice with that id, or on the look; it changes nothing when the screen of this moment has no such choice. */
export function choose(state: StateName, context: Context, desk: Desk, id: string): Pressed {
  if (id === LOOK_ID) return {desk: inNextLook(desk), event: null}
  const chosen = choicesNow(state, context, desk).find(choice => choice.id === id)
  return chosen === undefined ? {desk, event: null} : taken(desk, chosen)
}

function inNextLook(desk: Desk): Desk {
  return {...desk, look: lookAfter(desk.look, desk.listens)}
}

function choicesNow(state: StateName, context: Context, desk: Desk): readonly Choice[] {
  return choicesOf(state, context, desk, sayIn(desk.language, context.setup.currency, 'eye'))
}

/** The pad holds so many PIN digits now. */
export function withPinDigits(desk: Desk, pinDigits: number): Desk {
  return {...desk, pinDigits}
}

/** The bank told the balance; the screen that shows it comes next. */
export function withBalance(desk: Desk, balanceMinor: Minor): Desk {
  return {...desk, balanceMinor}
}

/** The bank told the last lines of the account; their screen comes next. */
export function withStatement(desk: Desk, statement: Desk['statement']): Desk {
  return {...desk, statement, page: 0}
}

/** The bank named whom a transfer goes to. */
export function withPayee(desk: Desk, payee: string): Desk {
  return {...desk, payee}
}

/**
 * The desk after the machine went from one state to another: what was typed belongs to the state it was typed
 * in, a balance to the screen that shows it, language and look to the visit. An event that leaves the state alone wipes nothing.
 */
export function deskAfter(from: StateName, to: StateName, desk: Desk): Desk {
  if (from === to) return desk
  const keepsBalance = to === 'askingBalance' || to === 'showingBalance' || to === 'printingBalance'
  const keepsStatement = to === 'askingStatement' || to === 'showingStatement'
  const afresh = deskAfresh(desk)
  const {language, look} = hasVisit(to) ? desk : afresh
  return {
    ...afresh,
    language,
    look,
    balanceMinor: keepsBalance ? desk.balanceMinor : null,
    statement: keepsStatement ? desk.statement : null,
    payee: WITH_PAYEE.has(to) ? desk.payee : null,
  }
}

function taken(desk: Desk, {event}: Choice): Pressed {
  if (event.type === 'language.chosen') return {desk: {...desk, language: event.language}, event: null}
  if (event.type === 'page.turned') return {desk: {...desk, page: event.page}, event: null}
  return {desk, event}
}

/** From the bank's word on whose account it is until the transfer is made. */
const WITH_PAYEE: ReadonlySet<StateName> = new Set([
  'askingPayee',
  'choosingSum',
  'confirmingTransfer',
  'transferring',
  'showingTransfer',
])

const WITHOUT_VISIT: ReadonlySet<StateName> = new Set([
  'starting',
  'recovering',
  'resting',
  'idle',
  'offline',
  'outOfService',
  'supervisor',
  'servicing',
  'closingDay',
  'suspended',
])

function hasVisit(state: StateName): boolean {
  return !WITHOUT_VISIT.has(state)
}

/** Whether the digits of the pad are an amount's there, or an account's. */
export function takesDigits(state: StateName): boolean {
  return state === 'choosingTarget' || isAmountTyped(state)
}

function isAmountTyped(state: StateName): boolean {
  return state === 'choosingAmount' || state === 'amountRefused' || state === 'choosingSum'
}

/** The largest amount that may be typed in a state; null where none is asked for. */
function mostTyped(state: StateName, {setup: {policy}}: Context): Minor | null {
  if (!isAmountTyped(state)) return null
  return state === 'choosingSum' ? policy.transferMaxMinor : policy.amountMaxMinor
}

/** Whole units only; a leading zero and what would pass the most are not taken. */
function typed(most: Minor, currency: Currency, desk: Desk, digits: string): Desk {
  const amountDigits = desk.amountDigits + digits
  if (amountDigits.startsWith('0')) return desk
  const isWithin = Number(amountDigits) * 10 ** digitsOf(currency) <= most
  return isWithin ? {...desk, amountDigits} : desk
}
