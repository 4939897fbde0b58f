/**
 * LCDM-1000 and LCDM-2000 seen from the device: the arguments of commands and the bodies of answers. Written from
 * the protocol page alone and sharing nothing with the driver's codec, so that a mistake in one of them shows as a
 * disagreement.
 */
import type {Counted} from '../mechanism.ts'

/** One cassette's counters of one order, and its state. */
export interface Reported extends Counted {
  readonly isNearEnd: boolean
}

/** CHK EXIT ERR CASS REJ. */
export function oneCassetteBody(error: number, counted: Reported): readonly number[] {
  return [
    ...decimal(counted.picked),
    ...decimal(counted.out),
    error,
    flag(counted.isNearEnd),
    ...decimal(counted.rejected),
  ]
}

/** CHK EXIT of the upper, CHK EXIT of the lower, ERR, both CASS, both REJ. */
export function twoCassettesBody(error: number, upper: Reported, lower: Reported): readonly number[] {
  return [
    ...decimal(upper.picked),
    ...decimal(upper.out),
    ...decimal(lower.picked),
    ...decimal(lower.out),
    error,
    flag(upper.isNearEnd),
    flag(lower.isNearEnd),
    ...decimal(upper.rejected),
    ...decimal(lower.rejected),
  ]
}

/** Two ASCII digits; the wire cannot say more than 99. */
function decimal(count: number): readonly number[] {
  const text = Math.min(count, 99).toString().padStart(2, '0')
  return [text.charCodeAt(0), text.charCodeAt(1)]
}

function flag(isNearEnd: boolean): number {
  return isNearEnd ? 0x31 : 0x30
}

/** The number two or four digit bytes spell per cassette, or null when they are no digits. */
export function readCounts(argument: readonly number[], cassettes: 1 | 2): readonly number[] | null {
  if (argument.length !== 2 * cassettes) return null
  const text = String.fromCharCode(...argument)
  if (!/^[0-9]+$/.test(text)) return null
  return cassettes === 1 ? [Number(text)] : [Number(text.slice(0, 2)), Number(text.slice(2))]
}
