/**
 * LCDM-4000 seen from the device: the arguments of commands and the bodies of answers. Written from the protocol page
 * alone and sharing nothing with the driver's codec, so that a mistake in one of them shows as a disagreement.
 */

/** The result of one motion, as LAST STATUS keeps it. */
export interface Outcome {
  /** Value of the error; 0 is good. */
  readonly error: number
  readonly missing: number
  /** By place, the first one first. */
  readonly out: readonly number[]
  readonly rejected: readonly number[]
}

/** What a dispense or a test asks for. */
export interface Asked {
  readonly counts: readonly number[]
  /** The serial of the short form; null in the long one. */
  readonly serial: number | null
}

/** Which forms of a dispense a firmware takes, by the bytes of its argument. */
export const FORMS = {both: [15, 7], long: [15], serial: [7]} as const

/** Numbers, errors and bit fields are said 20 higher than they are, so that none of them looks like a control byte. */
export function said(value: number): number {
  return 0x20 + value
}

/** The argument of a dispense: Q1 Q2 Q3 Q4 TO1 TO2, then nine reserved bytes or a serial; null when it is neither. */
export function readAsked(argument: readonly number[], lengths: readonly number[]): Asked | null {
  if (!lengths.includes(argument.length)) return null
  const counts = argument.slice(0, 4).map(byte => byte - 0x20)
  if (counts.some(count => count < 0 || count > 100)) return null
  const [first = 0, second = 0] = argument.slice(4, 6)
  const isOwnTime = first === 0x20 && second === 0x20
  const isGivenTime = first === 0x1c && second >= 0x30
  if (!isOwnTime && !isGivenTime) return null
  return {counts, serial: argument.length === 7 ? (argument[6] ?? 0) - 0x20 : null}
}

/** Four cassette codes 31 to 34, each once, as 1 to 4; null when they are not. */
export function readOrder(argument: readonly number[]): readonly number[] | null {
  const codes = argument.map(byte => byte - 0x30)
  const isWhole = codes.toSorted((a, b) => a - b).join() === '1,2,3,4'
  return isWhole ? codes : null
}

/** Four numbers, 20 higher each; null when they are not. */
export function readFour(argument: readonly number[]): readonly number[] | null {
  const values = argument.map(byte => byte - 0x20)
  return values.length === 4 && values.every(value => value >= 0) ? values : null
}

/** Four note lengths, two half bytes each, each 30 higher, the high one first; null when they are not. */
export function readLengths(argument: readonly number[]): readonly number[] | null {
  const halves = argument.map(byte => byte - 0x30)
  if (halves.length !== 8 || halves.some(half => half < 0 || half > 15)) return null
  return [0, 2, 4, 6].map(at => (halves[at] ?? 0) * 16 + (halves[at + 1] ?? 0))
}

export function lengthsBody(lengths: readonly number[]): readonly number[] {
  return lengths.flatMap(length => [0x30 + Math.floor(length / 16), 0x30 + (length % 16)])
}

/** ERR MISS, then EXIT REJECT TYPE of each place. */
export function outcomeBody(
  {error, missing, out, rejected}: Outcome,
  types: readonly number[],
): readonly number[] {
  return [
    said(error),
    0x30 + Math.min(missing, 9),
    ...types.flatMap((type, at) => [said(out[at] ?? 0), said(rejected[at] ?? 0), type]),
  ]
}

/** One cassette in STATUS. */
export interface Place {
  readonly isThroatCovered: boolean
  readonly isPresent: boolean
  readonly isNearEnd: boolean
  /** 30 where none stands, else 31 to 34. */
  readonly type: number
  readonly opacity: number
  readonly length: number
}

/** What the sensors of the path see. */
export interface Path {
  readonly diverter: boolean
  readonly eject: boolean
  readonly exit: boolean
}

/** ERR DISP, then STAT TYPE OPAC LENG of each place. */
export function statusBody(error: number, path: Path, places: readonly Place[]): readonly number[] {
  const bit = (isSet: boolean, at: number): number => (isSet ? 2 ** at : 0)
  return [
    said(error),
    said(bit(path.diverter, 0) + bit(path.eject, 2) + bit(path.exit, 3)),
    ...places.flatMap(place => [
      said(bit(place.isThroatCovered, 0) + bit(place.isPresent, 2) + bit(place.isNearEnd, 3)),
      place.type,
      said(place.opacity),
      // A byte holds no more: longer notes are none that it could count.
      Math.min(0xff, said(place.length)),
    ]),
  ]
}
