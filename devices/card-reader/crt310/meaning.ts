/** Creator CRT-310: what its codes mean in the words of the card reader port, and what they ask of the operator. */
import type {NoAnswer} from '../../outcome.ts'
import type {CardReaderFailed, CardReaderFault, Media, TrackFault} from '../port.ts'
import type {RawTrack} from '../stripe.ts'
import type {CardAt, CommandName, Result, TrackTrouble} from './bytes.ts'
import type {Status} from './codec.ts'
import type {Answer} from './line.ts'
import type {Uploaded} from './tracks.ts'

/** Where each sensor state puts the card, and what an operator calls it. */
const CARD: Readonly<Record<CardAt, {readonly media: Media; readonly text: string}>> = {
  longCard: {media: 'present', text: 'card too long, inside'},
  shortCard: {media: 'present', text: 'card too short, inside'},
  frontFree: {media: 'entering', text: 'card at the mouth, free'},
  frontHeld: {media: 'entering', text: 'card at the mouth, held'},
  inside: {media: 'present', text: 'card inside'},
  insideContact: {media: 'present', text: 'card inside at the chip contacts'},
  rearHeld: {media: 'present', text: 'card held at the rear'},
  goneRear: {media: 'notPresent', text: 'last card gone to the rear'},
  none: {media: 'notPresent', text: 'no card'},
}

export function mediaAt(card: CardAt): Media {
  return CARD[card].media
}

/** For the operator: where the card is, and what may come in. */
export function shown(status: Status): string {
  const mouth = status.mouth === 'closed' ? 'mouth closed' : `mouth open on ${status.mouth}`
  return `${CARD[status.card].text}, ${mouth}, rear ${status.rear}`
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

const UNKNOWN_TO_READER = 'check that the reader is of the model in the settings'

/** Codes of an error reply; the whole table of the maker's text. */
export const REFUSALS: ReadonlyMap<number, Refusal> = new Map([
  [0x00, {fault: 'not-supported', text: 'unknown command', operator: UNKNOWN_TO_READER}],
  [0x01, {fault: 'bad-request', text: 'parameter not accepted', operator: UNKNOWN_TO_READER}],
  [
    0x02,
    {
      fault: 'not-now',
      text: 'cannot execute: not fitted, or the state forbids it',
      operator: 'look whether a card stands where it should not, and whether the option is fitted',
    },
  ],
  [0x04, {fault: 'bad-request', text: 'malformed data in the command', operator: UNKNOWN_TO_READER}],
  [
    0x05,
    {
      fault: 'power',
      text: 'supply voltage outside 10.8 to 14.5 V',
      operator: 'measure the supply of the reader',
    },
  ],
  [
    0x06,
    {
      fault: 'card-length',
      text: 'card of abnormal length inside',
      operator: 'reset the reader with the card to the mouth, or push it out at the rear',
    },
  ],
  [0x07, {fault: 'power', text: 'running on backup power', operator: 'restore the main supply'}],
])

const UNLISTED: Refusal = {
  fault: 'hardware',
  text: 'a code the maker does not list',
  operator: 'note the code for the service',
}

/** The failure that a refusal or a silence amounts to. */
export function failedBy(name: CommandName, answer: Exclude<Answer, {kind: 'reply'}>): CardReaderFailed {
  if (answer.kind === 'silent') {
    const executed = answer.executed === 'perhaps' ? ', may have been executed' : ''
    return failedWith(answer.why, `${name}: ${answer.why}${executed}; check cable and power of the reader`)
  }
  const code = answer.code.toString(16).padStart(2, '0').toUpperCase()
  const {fault, text, operator} = REFUSALS.get(answer.code) ?? UNLISTED
  return failedWith(fault, `${name}: error ${code}, ${text}; ${operator}`)
}

const RESULT_MEANING: Readonly<Record<Exclude<Result, 'done'>, Refusal>> = {
  failed: {
    fault: 'jam',
    text: "reply 'N': the card could not be moved, or the chip not be talked to",
    operator: 'open the reader and take the card out',
  },
  noCard: {fault: 'no-card', text: "reply 'E': no card", operator: 'nothing to do'},
  wrongPosition: {
    fault: 'jam',
    text: "reply 'W': the card is not where it could be moved from",
    operator: 'open the reader and take the card out',
  },
}

/** The failure that an order's letter amounts to. */
export function failedAs(name: CommandName, result: Exclude<Result, 'done'>): CardReaderFailed {
  const {fault, text, operator} = RESULT_MEANING[result]
  return failedWith(fault, `${name}: ${text}; ${operator}`)
}

const TROUBLE: Readonly<Record<Exclude<TrackTrouble, 'blank'>, TrackFault>> = {
  noStart: 'startSentinel',
  noEnd: 'endSentinel',
  parity: 'parity',
  checksum: 'checkCharacter',
}

/** What an uploaded track gave, in the port's words. */
export function rawTrack(uploaded: Uploaded): RawTrack {
  if (uploaded.kind === 'track') return {kind: 'text', text: uploaded.text}
  if (uploaded.kind === 'notReadable') return {kind: 'notSupported'}
  return uploaded.fault === 'blank'
    ? {kind: 'dataMissing'}
    : {kind: 'dataInvalid', why: TROUBLE[uploaded.fault]}
}
