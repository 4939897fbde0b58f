/**
 * F53/F56: what a response proves about the notes, in the port's words. Pure.
 *
 * The device tells how many notes it dispensed and rejected, and not how many it picked. A jam leaves one note in the
 * path, of the cassette that was not finished; a count that does not match proves nothing but its own counts.
 */
import {noteCount} from '../../../kit/money.ts'
import {transportOf} from '../ask.ts'
import type {DispenseOutcome, DispenserFault, DispenserStatus, Pick, Tally} from '../port.ts'
import {CASSETTES, LEVELS, SENSORS, errorRow} from './bytes.ts'
import type {ErrorRow} from './bytes.ts'
import type {Response} from './codec.ts'

/** What became of a count. Paid is what the device says it dispensed, whatever else it says. */
export function foldCount(picks: readonly Pick[], response: Response): DispenseOutcome {
  const error = errorRow(...response.error)
  const askedOf = (cassette: number): number => picks.find(pick => pick.cassette === cassette)?.count ?? 0
  const lines = CASSETTES.map((cassette, at) => ({
    cassette,
    asked: askedOf(cassette),
    ...(response.counts[at] ?? {dispensed: 0, rejected: 0}),
  })).filter(({asked, dispensed, rejected}) => asked + dispensed + rejected > 0)
  const short = lines.filter(({asked, dispensed}) => dispensed < asked)
  const isOver = lines.some(({asked, dispensed}) => dispensed > asked)
  const isUntouched = lines.every(({dispensed, rejected}) => dispensed + rejected === 0)
  const isStuck = error !== null && STUCK.has(error.fault ?? 'hardware') && error.class !== 'before'
  // At the mouth, the note may be of any cassette that was not finished.
  const stuckOf = error?.class === 'atMouth' ? short : short.slice(0, 1)
  const tallies = lines.map((line): Tally => {
    const isItsNote = isStuck && stuckOf.includes(line)
    return {
      cassette: line.cassette,
      picked: noteCount(line.dispensed + line.rejected + (isItsNote ? 1 : 0)),
      dispensed: noteCount(line.dispensed),
      rejected: noteCount(line.rejected),
    }
  })
  const detail = `${errorText(error)}; ${lines.map(line => `cassette ${line.cassette} dispensed ${line.dispensed} rejected ${line.rejected}`).join(', ')}`

  if (isOver && short.length === 0) return {kind: 'overpaid', tallies, detail}
  if (short.length === 0 && error?.class !== 'count')
    return {kind: 'dispensed', tallies, fault: error?.fault ?? null, detail}
  if (isUntouched && error?.class === 'before')
    return {kind: 'refused', fault: error.fault ?? 'hardware', detail}

  const isDoubtful = error === null || response.isGood || isOver || error.class === 'count'
  return {
    kind: 'partial',
    fault: error?.fault ?? 'count-mismatch',
    tallies,
    inPath: noteCount(isStuck || isDoubtful ? 1 : 0),
    path: error?.class === 'atMouth' ? 'atMouth' : 'inside',
    counts: isDoubtful ? 'inDoubt' : 'trusted',
    detail,
  }
}

/** Faults that leave a note between a cassette and where it should be. */
const STUCK: ReadonlySet<DispenserFault> = new Set<DispenserFault>(['jam', 'jam-at-mouth', 'hardware'])

/** `error 78 01: jam between feed and double detection`. */
export function errorText(error: ErrorRow | null): string {
  return error === null ? 'no error' : `error ${error.code}: ${error.meaning}`
}

/** Sensors and present error as a status. */
export function foldStatus(response: Response, hasPool: boolean): DispenserStatus {
  const error = errorRow(...response.error)
  const set = SENSORS.filter(({byte, bit}) => ((response.sensors[byte] ?? 0) & (1 << bit)) !== 0)
  const sees = (watches: (typeof SENSORS)[number]['watches']): boolean =>
    set.some(sensor => sensor.watches === watches)
  const isTold = response.sensors.some((register, at) => (register & ~maskOf(at)) !== 0)
  const covered = sees('path') || sees('mouth')
  return {
    kind: 'status',
    // A bit without a name may be a note.
    path: covered ? 'blocked' : isTold ? 'unknown' : 'clear',
    media: sees('mouth') || sees('taken') ? 'atMouth' : 'none',
    transport: transportOf(error?.fault ?? null),
    stacker: hasPool ? (sees('pool') ? 'notEmpty' : 'empty') : 'notSupported',
    shutter: hasPool ? 'unknown' : 'notSupported',
    cassettes: CASSETTES.map(cassette => ({
      cassette,
      state: stateOf(cassette, response.error[0]),
      detail: '',
    })),
    rejectBin: response.error[0] === 0xb0 || response.error[0] === 0xb5 ? 'missing' : 'ok',
    sensors: SENSORS.map(sensor => ({
      name: sensor.name,
      isSet: set.includes(sensor),
      means: MEANS[sensor.watches],
    })),
    error,
    fault: error?.fault ?? null,
    detail: covered
      ? `${errorText(error)}; notes at ${set.map(({name}) => name).join(', ')}`
      : errorText(error),
  }
}

const MEANS = {
  path: 'a note is there',
  mouth: 'a note is in the ejection',
  pool: 'notes are in the pool',
  taken: 'notes lie at the front',
} as const

/** Which sensors are dirty, for a person. @param levels as `LEVELS` names them */
export function levelsText(levels: readonly number[]): string {
  if (levels.length === 0) return 'their levels are not told'
  const dirty = LEVELS.names.flatMap((name, at) => {
    const level = levels[at] ?? 0
    if (level >= LEVELS.replaceFrom) return [`replace ${name} (level ${level})`]
    return level >= LEVELS.cleanFrom ? [`clean ${name} (level ${level})`] : []
  })
  return dirty.length === 0 ? 'clean' : dirty.join(', ')
}

/** Bits of that byte of the register which have a name. */
function maskOf(byte: number): number {
  return SENSORS.reduce((mask, sensor) => (sensor.byte === byte ? mask | (1 << sensor.bit) : mask), 0)
}

/** A cassette shows in the present error alone; 5 to 8 have codes of their own. */
function stateOf(cassette: number, code: number): DispenserStatus['cassettes'][number]['state'] {
  if (code === cassette * 16) return 'missing'
  return code === cassette * 16 + 1 ? 'empty' : 'ok'
}
