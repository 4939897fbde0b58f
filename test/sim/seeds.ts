/**
 * The file of runs that once broke a promise. A line is a seed, then what of the run is played, as a failure prints it,
 * then what it was: `12 customers=3 only=power.note#1,bank.late#2 paid twice after a restart`.
 */
import type {Played} from './ground.ts'

export interface Mended {
  readonly played: Played
  readonly was: string
}

export function mendedIn(text: string): readonly Mended[] {
  return text
    .split('\n')
    .filter(line => /^[0-9]/.test(line))
    .map(mendedOf)
}

const LINE = /^(?<seed>[0-9]+)(?: customers=(?<customers>[0-9]+))?(?: only=(?<only>[^ ]+))? +(?<was>.+)$/

function mendedOf(line: string): Mended {
  const {seed, customers, only, was} = LINE.exec(line)?.groups ?? {}
  if (seed === undefined || was === undefined) throw new RangeError(`seeds.txt: '${line}' is no such line`)
  return {
    played: {
      seed: Number(seed),
      only: only === undefined ? null : new Set(only.split(',')),
      ...(customers === undefined ? {} : {customersMax: Number(customers)}),
    },
    was,
  }
}
