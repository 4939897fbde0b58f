/** What the dispensers' drivers share: from a reply on the wire to a wanted answer, or to why there is none. */
import type {Failed, NoAnswer} from '../outcome.ts'
import type {Reply} from '../wire/exchange.ts'
import type {DispenseOutcome, DispenserFault, DispenserStatus} from './port.ts'

/** A wanted answer, or why there is none. */
export type Told<A> = {readonly kind: 'told'; readonly answer: A} | Untold

export interface Untold {
  readonly kind: 'untold'
  readonly why: NoAnswer
  /** Whether the command may have run all the same. */
  readonly mayHaveRun: boolean
  readonly detail: string
}

/** A whole answer that makes no sense. */
export const NONSENSE: Untold = {
  kind: 'untold',
  why: 'nonsense',
  mayHaveRun: true,
  detail: 'the answer has impossible fields',
}

export function untold(reply: Exclude<Reply, {kind: 'answer'}>): Untold {
  switch (reply.kind) {
    case 'refused':
      return {kind: 'untold', why: 'nonsense', mayHaveRun: false, detail: 'the frame was refused every time'}
    case 'lost':
      return {kind: 'untold', why: reply.why, mayHaveRun: reply.mayHaveRun, detail: 'the link was lost'}
    case 'no-answer':
    case 'nonsense':
      return {kind: 'untold', why: reply.kind, mayHaveRun: reply.mayHaveRun, detail: 'no good answer in time'}
  }
}

/** What a dispense order without an answer came to. */
export function unheard(told: Untold): DispenseOutcome {
  return told.mayHaveRun
    ? {kind: 'unknown', why: told.why, detail: told.detail}
    : {kind: 'refused', fault: told.why, detail: told.detail}
}

export function failed(fault: DispenserFault | NoAnswer, detail: string): Failed<DispenserFault> {
  return {kind: 'failed', fault, detail}
}

/** Whether rollers and gates move, as far as a reported fault tells. */
export function transportOf(fault: DispenserFault | null): DispenserStatus['transport'] {
  return fault === 'jam' || fault === 'jam-at-mouth' || fault === 'hardware' ? 'inoperative' : 'ok'
}
