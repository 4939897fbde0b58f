/** The customer's hand: what a key press or a touch does to the desk, and which event it makes. Pure. */
import type {Context} from '../../fsm/context.ts'
import type {StateName} from '../../fsm/session.ts'
import type {Event} from '../../fsm/vocabulary.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import {digitsOf} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import {choicesOf} from './choices.ts'
import {LOOK_ID, LOOK_KEY, lookAfter} from './look.ts'
import type {OwnLook} from './look.ts'
import {sayIn} from './say.ts'
import type {Choice, Desk} from './view-model.ts'

export const EMPTY_DESK: Desk = {
  pinDigits: 0,
  amountDigits: '',
  balanceMinor: null,
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
  if (chosen !== undefined) return taken({...desk, amountDigits: ''}, chosen)
  if (!takesAmount(state)) return {desk: key === LOOK_KEY ? inNextLook(desk) : desk, event: null}
  if (key === 'clear' && desk.amountDigits !== '')
    return {desk: {...desk, amountDigits: desk.amountDigits.slice(0, -1)}, event: null}
  if (key === '00' || /^[0-9]$/.test(key)) return {desk: typed(context, desk, key), event: null}
  return {desk, event: null}
}

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

/**
 * The desk after the machine went from one state to another: what was typed belongs to the state it was typed
 * in, a balance to the screen that shows it, language and look to the visit. An event that leaves the state alone wipes nothing.
 */
export function deskAfter(from: StateName, to: StateName, desk: Desk): Desk {
  if (from === to) return desk
  const keepsBalance = to === 'askingBalance' || to === 'showingBalance' || to === 'printingBalance'
  const afresh = deskAfresh(desk)
  const {language, look} = hasVisit(to) ? desk : afresh
  return {...afresh, language, look, balanceMinor: keepsBalance ? desk.balanceMinor : null}
}

function taken(desk: Desk, {event}: Choice): Pressed {
  return event.type === 'language.chosen'
    ? {desk: {...desk, language: event.language}, event: null}
    : {desk, event}
}

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

/** Whether the digits of the pad are an amount's there. */
export function takesAmount(state: StateName): boolean {
  return state === 'choosingAmount' || state === 'amountRefused'
}

/** Whole units only; a leading zero and what would pass the largest withdrawal are not taken. */
function typed(context: Context, desk: Desk, digits: string): Desk {
  const amountDigits = desk.amountDigits + digits
  if (amountDigits.startsWith('0')) return desk
  const most = context.setup.policy.amountMaxMinor
  const isWithin = Number(amountDigits) * 10 ** digitsOf(context.setup.currency) <= most
  return isWithin ? {...desk, amountDigits} : desk
}
