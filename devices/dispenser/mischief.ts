/**
 * What can be arranged to go wrong in an emulated dispenser, in words that fit every model, and the queue
 * that holds it. One mechanical and one talking fault at most strike the same order.
 */
import {assert} from '../../kit/assert.ts'
import {BadInput} from '../../kit/errors.ts'
import type {DeviceState, Notes, TranscriptLine, World} from './world.ts'

/** An order as fault plans know it. */
export type OrderKind =
  | 'dispense'
  | 'present'
  | 'retract'
  | 'reject'
  | 'purge'
  | 'reset'
  | 'test'
  | 'status'
  | 'identify'
  | 'recall'

/** Where a note may get stuck: behind its cassette, at the way to the reject bin, at the last rollers, half out. */
export type JamSpot = 'throat' | 'diverter' | 'eject' | 'mouth'

/** Goes wrong with the paper. `afterNotes` counts the notes of this order that got through before. */
export type MechanicalMischief =
  | {
      readonly kind: 'jam'
      readonly at: JamSpot
      readonly afterNotes: number
    }
  | {readonly kind: 'pickFails'; readonly afterNotes: number}
  /** Two notes at once, both rejected, so many times in a row. */
  | {readonly kind: 'doublePick'; readonly afterNotes: number; readonly times: number}
  /** One note more than asked. */
  | {readonly kind: 'overflow'}
  /** The note after those gets through uncounted. */
  | {readonly kind: 'countMismatch'; readonly afterNotes: number}
  /** Power goes while the note after those is in the path; with `afterNotes` 0 and no note to move, at once. */
  | {readonly kind: 'powerCut'; readonly afterNotes: number}
  /** The shutter does not open. */
  | {readonly kind: 'shutterBlocked'}
  /** Notes stick on their way to the reject or retract bin after so many. */
  | {readonly kind: 'rejectJam'; readonly afterNotes: number}
  /** The customer pulls so many of the presented notes out at the last moment before they are drawn back. */
  | {readonly kind: 'someTaken'; readonly count: number}

/** Goes wrong with the talking. */
export type TalkingMischief =
  /** `before-moving`: the command is swallowed, nothing moves. `after-moving`: it moves and stays silent. */
  | {readonly kind: 'answerLost'; readonly when: 'before-moving' | 'after-moving'}
  | {readonly kind: 'acknowledgementLost'}
  | {readonly kind: 'answerCorrupt'; readonly times: number}
  /** Refuses the command's frame so many times. */
  | {readonly kind: 'nakStorm'; readonly times: number}
  | {readonly kind: 'answerSplit'; readonly gapMs: number}
  | {readonly kind: 'answerTwice'}
  /** The answer ends a byte too early, so many times. */
  | {readonly kind: 'answerShort'; readonly times: number}
  /** The answer comes so much later than it was ready. */
  | {readonly kind: 'answerLate'; readonly delayMs: number}
  /** Acceptance and answer in one write. */
  | {readonly kind: 'acknowledgementGlued'}
  /** Bytes without a meaning between acceptance and answer. */
  | {readonly kind: 'strayBytes'}
  /** The exchange is not closed, on models that close it. */
  | {readonly kind: 'closingLost'}
  /** Notices of progress before the answer. */
  | {readonly kind: 'progress'}

/** One misbehaviour; used up by the next order it fits. `on` says which; dispense when left out. */
export type Mischief = (MechanicalMischief | TalkingMischief) & {readonly on?: OrderKind}

const TALKING: readonly Mischief['kind'][] = [
  'answerLost',
  'acknowledgementLost',
  'answerCorrupt',
  'nakStorm',
  'answerSplit',
  'answerTwice',
  'answerShort',
  'answerLate',
  'acknowledgementGlued',
  'strayBytes',
  'closingLost',
  'progress',
]

function isTalking(mischief: Mischief): mischief is TalkingMischief & {readonly on?: OrderKind} {
  return TALKING.includes(mischief.kind)
}

/** What strikes one order. */
export interface Strike {
  readonly mechanical: MechanicalMischief | null
  readonly talking: TalkingMischief | null
}

const PLANS_MAX = 256

export class MischiefPlan {
  readonly #kinds: ReadonlySet<Mischief['kind']>
  #queue: Mischief[] = []

  /** @param kinds what this model can do wrong */
  constructor(kinds: readonly Mischief['kind'][]) {
    this.#kinds = new Set(kinds)
  }

  /** @throws AssertionFailed when the model cannot do that wrong. @throws BadInput when 256 plans wait already */
  add(mischief: Mischief): void {
    assert(this.#kinds.has(mischief.kind), `this model cannot do ${mischief.kind}`)
    if (this.#queue.length >= PLANS_MAX) throw new BadInput(`plan: ${PLANS_MAX} faults wait already`)
    this.#queue.push(mischief)
  }

  /** Takes out the first mechanical and the first talking fault that fit this order. */
  strike(order: OrderKind): Strike {
    const fits = this.#queue.filter(mischief => (mischief.on ?? defaultOrder(mischief)) === order)
    const talking = fits.find(isTalking) ?? null
    const mechanical = fits.find(isMechanical) ?? null
    this.#queue = this.#queue.filter(mischief => mischief !== talking && mischief !== mechanical)
    return {mechanical, talking}
  }

  get waitingCount(): number {
    return this.#queue.length
  }
}

function isMechanical(mischief: Mischief): mischief is MechanicalMischief & {readonly on?: OrderKind} {
  return !isTalking(mischief)
}

function defaultOrder(mischief: Mischief): OrderKind {
  switch (mischief.kind) {
    case 'shutterBlocked':
      return 'present'
    case 'rejectJam':
      return 'reject'
    case 'someTaken':
      return 'retract'
    default:
      return 'dispense'
  }
}

/** What every emulated dispenser offers to the bench, the simulation and the tests. */
export interface DispenserEmulator {
  /** What can go wrong with this model. */
  readonly mischiefKinds: readonly Mischief['kind'][]
  /** Where its notes can jam in a dispense. */
  readonly jamSpots: readonly JamSpot[]
  readonly world: World
  readonly state: DeviceState
  /** What was said on the wire, oldest first, bounded. */
  readonly transcript: readonly TranscriptLine[]
  /** Connects its end of the wire. Once. */
  start(): Promise<void>
  stop(): Promise<void>
  plan(mischief: Mischief): void
  /** Calls the listener after every change of notes or state; the result stops it. */
  watch(listener: () => void): () => void
  /** The power goes: motion stops where it is, memory is lost, notes stay. */
  powerCut(): void
  powerOn(): void
  /** The customer takes what is within reach: what is out, and a note stuck at the mouth as well. */
  takeNotes(): Notes
  readonly operator: OperatorHand
}

/** The operator's hand: opens the safe, and counts what it takes. */
export interface OperatorHand {
  /** Takes out what stands in the transport, the mouth, the outlet and the stacker. */
  clearPath(): Notes
  /** Takes out what is left in the cassettes and puts so many notes in; says what it took out. */
  load(counts: Readonly<Record<number, number>>): Notes
  /** Empties reject and retract bins. */
  emptyBins(): Notes
  /** Pulls a cassette out, or puts it back with what is in it. */
  setCassette(position: number, is: 'in' | 'out'): void
  setRejectBin(is: 'in' | 'out'): void
}
