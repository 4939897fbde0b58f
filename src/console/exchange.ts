/**
 * A replenishment, step by step: what comes next is computed from what was done, so that it goes on where it was
 * after a power cut at any moment. Pure: the wizard asks, the journal remembers.
 */
import type {CassetteLevel, Exchange, ExchangeStep, StepDone} from '../../fsm/vocabulary.ts'
import {noteCount} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'

/** A step and, for three of them, the cassette that it is about. */
export type Due = Pick<StepDone, 'step' | 'cassette'>

/**
 * The steps of an open exchange, in order: the reject bin counted; each cassette counted out and loaded; the levels set;
 * each cassette tested to the reject bin; retained cards; the report; the bank told.
 */
export function dueSteps(cassettes: readonly number[], canTest: boolean): readonly Due[] {
  const one = (step: ExchangeStep): Due => ({step, cassette: null})
  return [
    one('rejects'),
    ...cassettes.flatMap((cassette): Due[] => [
      {step: 'remaining', cassette},
      {step: 'loaded', cassette},
    ]),
    one('levels'),
    ...(canTest ? cassettes.map((cassette): Due => ({step: 'tested', cassette})) : []),
    one('cards'),
    one('report'),
    one('told'),
  ]
}

/** The first step that is not done, or null when all are. */
export function nextDue(due: readonly Due[], exchange: Exchange): Due | null {
  return due.find(({step, cassette}) => stepOf(exchange, step, cassette) === null) ?? null
}

/** How that step went, or null before it was done. */
export function stepOf({done}: Exchange, step: ExchangeStep, cassette: number | null): StepDone | null {
  return done.find(one => one.step === step && one.cassette === cassette) ?? null
}

/** The levels that the cassettes have from the step `levels` on. @throws AssertionFailed before they were loaded */
export function loadedLevels(levels: readonly CassetteLevel[], exchange: Exchange): readonly CassetteLevel[] {
  return levels.map(level => ({
    ...level,
    count: noteCount(stepOf(exchange, 'loaded', level.cassette)?.count ?? Number.NaN),
    state: 'ok' as const,
  }))
}

/** One line of the report of differences: what there should have been by the journal, and what a hand counted. */
export interface Difference {
  readonly what: string
  /** Null for what is not of one worth: the reject bin, cards. */
  readonly noteMinor: Minor | null
  readonly expected: number
  readonly counted: number
  /**
   * - `over`, `short`: more was found than is known of, or less;
   * - `swapped`: two cassettes are off by each other's count: they stood in each other's place;
   * - `empty`: there should have been notes, and there were none: the machine would have gone on looking for them.
   */
  readonly verdict: 'agrees' | 'over' | 'short' | 'swapped' | 'empty'
}

/** Everything that was counted so far and can be held against the journal. */
export function differences(levels: readonly CassetteLevel[], exchange: Exchange): readonly Difference[] {
  const cassettes = levels.flatMap(({cassette, noteMinor}) =>
    compared(`cassette ${cassette}`, noteMinor, stepOf(exchange, 'remaining', cassette)),
  )
  return [
    ...cassettes.map(row => (isSwapped(row, cassettes) ? {...row, verdict: 'swapped' as const} : row)),
    ...compared('reject bin', null, stepOf(exchange, 'rejects', null)),
    ...compared('retained cards', null, stepOf(exchange, 'cards', null)),
  ]
}

function compared(what: string, noteMinor: Minor | null, done: StepDone | null): readonly Difference[] {
  if (done === null || done.count === null || done.expected === null) return []
  const {count: counted, expected} = done
  return [{what, noteMinor, expected, counted, verdict: verdictOn(noteMinor !== null, expected, counted)}]
}

function verdictOn(isCassette: boolean, expected: number, counted: number): Difference['verdict'] {
  if (counted === expected) return 'agrees'
  if (counted > expected) return 'over'
  return isCassette && counted === 0 ? 'empty' : 'short'
}

/** Another cassette held what this one should have, and the other way round. */
function isSwapped(row: Difference, rows: readonly Difference[]): boolean {
  return (
    row.verdict !== 'agrees' &&
    rows.some(other => other !== row && other.expected === row.counted && other.counted === row.expected)
  )
}
