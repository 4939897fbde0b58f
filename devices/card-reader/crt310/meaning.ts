/** Creator CRT-310: what its codes mean in the words of the card reader port, and to the operator. */
import type {NoAnswer} from '../../outcome.ts'
import type {CardReaderFailed, CardReaderFault, Media} from '../port.ts'
import {REFUSALS} from './bytes.ts'
import type {CardAt, CommandName} from './bytes.ts'
import type {Status} from './codec.ts'
import type {Answer} from './line.ts'

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

/** Codes of an error reply that mean more than that the reader is broken. */
const REFUSED_AS: ReadonlyMap<number, CardReaderFault> = new Map([
  [0x00, 'not-supported'],
  [0x01, 'bad-request'],
  [0x02, 'not-supported'],
  [0x04, 'bad-request'],
  [0x05, 'power'],
  [0x06, 'jam'],
  [0x07, 'power'],
])

/** The failure that a refusal or a silence amounts to. */
export function failedBy(name: CommandName, answer: Exclude<Answer, {kind: 'reply'}>): CardReaderFailed {
  if (answer.kind === 'silent') {
    const executed = answer.executed === 'perhaps' ? ', may have been executed' : ''
    return failedWith(answer.why, `${name}: ${answer.why}${executed}`)
  }
  const code = answer.code.toString(16).padStart(2, '0').toUpperCase()
  const text = REFUSALS.get(answer.code) ?? 'a code the maker does not list'
  return failedWith(REFUSED_AS.get(answer.code) ?? 'hardware', `${name}: error ${code}, ${text}`)
}
