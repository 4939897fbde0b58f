/** Creator CRT-571: what its codes mean in the words of the card reader port, and what they ask of the operator. */
import type {NoAnswer} from '../../outcome.ts'
import type {CardReaderFailed, CardReaderFault, Media} from '../port.ts'
import type {CardAt, CommandName} from './bytes.ts'
import type {State} from './codec.ts'

const CARD: Readonly<Record<CardAt, {readonly media: Media; readonly text: string}>> = {
  none: {media: 'notPresent', text: 'no card'},
  gate: {media: 'entering', text: 'card at the gate'},
  position: {media: 'present', text: 'card inside'},
}

export function mediaAt(card: CardAt): Media {
  return CARD[card].media
}

/** For the operator: where the card is, and how full stacker and bin are. */
export function shown({card, stacker, bin}: State): string {
  return `${CARD[card].text}, stacker ${stacker}, bin ${bin === 'full' ? 'full' : 'not full'}`
}

export function failedWith(fault: CardReaderFault | NoAnswer, detail: string): CardReaderFailed {
  return {kind: 'failed', fault, detail}
}

interface Refusal {
  readonly fault: CardReaderFault
  readonly text: string
  /** What the operator does about it. */
  readonly operator: string
}

const MODEL = 'check that the reader is of the model in the settings'
const OPEN = 'open the reader and take the card out'
const SERVICE = 'call the service'
const CARD_BACK = 'nothing: it is the card'

/**
 * Error codes of a refusal, two digits: the family's table, with those that only the CRT-571's list has (41, 43, 45, 67,
 * 68), the stacker and the bin.
 */
export const REFUSALS: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  ['00', {fault: 'not-supported', text: 'unknown command', operator: MODEL}],
  ['01', {fault: 'bad-request', text: 'parameter not accepted', operator: MODEL}],
  ['02', {fault: 'not-now', text: 'cannot be executed now', operator: 'look where a card stands'}],
  ['03', {fault: 'not-supported', text: 'not fitted', operator: MODEL}],
  ['04', {fault: 'bad-request', text: 'malformed data in the command', operator: MODEL}],
  ['05', {fault: 'hardware', text: 'chip contacts do not come off the card', operator: OPEN}],
  ['10', {fault: 'jam', text: 'card jammed', operator: OPEN}],
  ['11', {fault: 'shutter', text: 'shutter does not move', operator: 'clear the gate'}],
  ['12', {fault: 'hardware', text: 'sensor does not work', operator: 'clean the sensors'}],
  ['13', {fault: 'card-length', text: 'card too long', operator: OPEN}],
  ['14', {fault: 'card-length', text: 'card too short', operator: OPEN}],
  ['16', {fault: 'card-moved', text: 'card was moved by hand', operator: 'reset the reader'}],
  ['17', {fault: 'jam', text: 'card jammed on its way back', operator: OPEN}],
  ['30', {fault: 'power', text: 'power was lost', operator: 'check the supply of the reader'}],
  ['40', {fault: 'card-moved', text: 'card was pulled out while it was to be kept', operator: 'nothing'}],
  ['41', {fault: 'hardware', text: 'magnet of the chip contacts', operator: SERVICE}],
  ['43', {fault: 'jam', text: 'card does not reach the chip contacts', operator: OPEN}],
  ['45', {fault: 'card-moved', text: 'card was moved by hand', operator: 'reset the reader'}],
  [
    '50',
    {
      fault: 'retain-bin-full',
      text: 'counter of kept cards is full',
      operator: 'empty the bin and reset the counter',
    },
  ],
  ['51', {fault: 'hardware', text: 'motor does not turn', operator: SERVICE}],
  ['60', {fault: 'chip', text: 'short circuit at the chip', operator: CARD_BACK}],
  ['61', {fault: 'chip', text: 'no answer to reset', operator: CARD_BACK}],
  ['62', {fault: 'chip', text: 'protocol is not that of the chip', operator: CARD_BACK}],
  ['63', {fault: 'chip', text: 'chip does not answer', operator: CARD_BACK}],
  ['64', {fault: 'chip', text: 'chip breaks its protocol', operator: CARD_BACK}],
  ['65', {fault: 'not-now', text: 'chip has no power', operator: CARD_BACK}],
  ['66', {fault: 'chip', text: 'chip not supported (ISO)', operator: CARD_BACK}],
  ['67', {fault: 'chip', text: 'transmission to the chip fails', operator: CARD_BACK}],
  ['68', {fault: 'chip', text: 'transmission to the chip takes too long', operator: CARD_BACK}],
  ['69', {fault: 'chip', text: 'chip not supported (EMV)', operator: CARD_BACK}],
  ['A0', {fault: 'not-now', text: 'stacker is empty', operator: 'fill the stacker'}],
  ['A1', {fault: 'retain-bin-full', text: 'bin is full', operator: 'empty the bin'}],
  [
    'B0',
    {
      fault: 'not-now',
      text: 'not initialised: the reader lost its power',
      operator: 'check the supply of the reader',
    },
  ],
])

const UNLISTED: Refusal = {
  fault: 'hardware',
  text: 'a code the maker does not list',
  operator: 'note the code for the service',
}

/** Codes that speak of a chip that gives no answer, rather than of the reader. */
export const MUTE: readonly string[] = ['61', '63', '64', '66', '67', '68', '69']

export function refusedBy(name: CommandName, code: string): CardReaderFailed {
  const {fault, text, operator} = REFUSALS.get(code) ?? UNLISTED
  return failedWith(fault, `${name}: error ${code}, ${text}; ${operator}`)
}

/** What the text of a code says, for an outcome that is no failure. */
export function textOf(code: string): string {
  return (REFUSALS.get(code) ?? UNLISTED).text
}

export function silentBy(name: CommandName, why: NoAnswer, mayHaveRun: boolean): CardReaderFailed {
  const executed = mayHaveRun ? ', may have been executed' : ''
  return failedWith(why, `${name}: ${why}${executed}; check cable and power of the reader`)
}
