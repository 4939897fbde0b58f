/**
 * LCDM-4000: what its LAST STATUS proves about one order. The device tells the result of the motion before and not whose
 * order that was; the mark, taken before the order, tells what was there already (docs/decisions/0023). Pure.
 */
import type {Mark, PastOrder, Recall} from '../port.ts'
import {COMMANDS, SERIAL_MAX} from './bytes.ts'
import type {Answer} from './codec.ts'
import {fits, foldDispense} from './fold.ts'

/** What the device tells of its last motion, and its own serial of the last dispense where it keeps one. */
export interface Memory {
  readonly last: Extract<Answer, {kind: 'lastStatus'}>
  readonly serial: number | null
}

/** As the journal keeps it: `52 00 0 3/1/31 2/0/32 0/0/33 0/0/34 #5`. */
export function markOf({last, serial}: Memory): string {
  const cassettes = last.cassettes.map(({out, rejected, type}) => `${out}/${rejected}/${type.toString(16)}`)
  const number = serial === null ? [] : [`#${serial}`]
  return [last.command.toString(16), last.error.toString(16), last.missing, ...cassettes, ...number].join(' ')
}

/** The serial in a mark, or null. */
function serialIn(mark: string): number | null {
  const digits = /#([0-9]{1,3})$/.exec(mark)?.[1]
  return digits === undefined ? null : Number(digits)
}

/** The serial after that one. */
export function serialAfter(serial: number): number {
  return (serial + 1) % (SERIAL_MAX + 1)
}

/**
 * What the memory proves about that order. An old result proves nothing, not even that nothing moved: a device that never
 * got the order, one that lost its power and one that still moves may tell the same.
 */
export function recallFrom(memory: Memory, {picks, mark}: PastOrder): Recall {
  const {last} = memory
  const isDispense = last.command === COMMANDS.dispense.code
  if (!isDispense || !isNewer(memory, mark) || !fits(picks, last)) return {kind: 'notRemembered'}
  const outcome = foldDispense(picks, last)
  return outcome.kind === 'refused' ? {kind: 'movedNothing'} : {kind: 'moved', outcome}
}

/** Whether the memory is of a later order than the mark. */
function isNewer(memory: Memory, mark: Mark): boolean {
  if (mark === null) return false
  const before = serialIn(mark)
  if (before !== null && memory.serial !== null) return memory.serial === serialAfter(before)
  return markOf({...memory, serial: null}) !== mark.replace(/ #[0-9]+$/, '')
}
