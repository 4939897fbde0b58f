/** LCDM-2000: what an answer proves about the notes, in the port's words. Pure. */
import {noteCount} from '../../../kit/money.ts'
import type {CassetteStatus, DispenseOutcome, DispenserFault, DispenserStatus, Pick, Tally} from '../port.ts'
import {errorRow, PATH_SENSORS, STATUS_BITS} from './bytes.ts'
import type {ErrorRow} from './bytes.ts'
import type {Answer, Counts} from './codec.ts'

export const UPPER = 1
export const LOWER = 2

type DispenseAnswer = Extract<Answer, {kind: 'dispenseUpper' | 'dispenseLower' | 'dispenseBoth'}>
type StatusAnswer = Extract<Answer, {kind: 'status'}>

/** One cassette: what was asked of it and what came of it. */
interface Line {
  readonly tally: Tally
  readonly asked: number
}

/**
 * What became of a dispense order. Paid is the exit count, whatever the error byte says and whatever was
 * asked; only an answer without any count, and of a fault that stops before a pick, proves that nothing moved.
 */
export function foldDispense(picks: readonly Pick[], answer: DispenseAnswer): DispenseOutcome {
  const error = errorRow(answer.error)
  const detail = detailOf(error, answer)
  const lines = linesOf(picks, answer)
  const tallies = lines.map(line => line.tally)
  const isShort = lines.some(({tally, asked}) => tally.dispensed < asked)
  const isOver = lines.some(({tally, asked}) => tally.dispensed > asked)
  const isUntouched = tallies.every(tally => tally.picked === 0)

  if ((isOver || error.class === 'over') && !isShort) return {kind: 'overpaid', tallies, detail}
  if (!isShort && error.class !== 'exitCount') return {kind: 'dispensed', tallies, fault: error.fault, detail}
  if (isUntouched && error.class === 'before' && error.fault !== null)
    return {kind: 'refused', fault: error.fault, detail}

  // Short with nothing reported wrong, or with more than asked of another cassette, is an answer that contradicts itself.
  const isDoubtful = error.class === 'exitCount' || error.class === 'ok' || error.class === 'over' || isOver
  return {
    kind: 'partial',
    fault: error.fault ?? 'count-mismatch',
    tallies,
    inPath: noteCount(
      tallies.reduce((sum, tally) => sum + tally.picked - tally.dispensed - tally.rejected, 0),
    ),
    path: error.class === 'mouth' ? 'atMouth' : 'inside',
    counts: isDoubtful ? 'inDoubt' : 'trusted',
    detail,
  }
}

function linesOf(picks: readonly Pick[], answer: DispenseAnswer): readonly Line[] {
  const askedOf = (cassette: number): number => picks.find(pick => pick.cassette === cassette)?.count ?? 0
  const line = (cassette: number, counts: Counts): Line => ({
    tally: tallyOf(cassette, counts),
    asked: askedOf(cassette),
  })
  switch (answer.kind) {
    case 'dispenseUpper':
      return [line(UPPER, answer.counts)]
    case 'dispenseLower':
      return [line(LOWER, answer.counts)]
    case 'dispenseBoth':
      return [line(UPPER, answer.upper), line(LOWER, answer.lower)]
  }
}

/** Some ROMs leave rejected notes out of the throat's count: what went somewhere was picked all the same. */
function tallyOf(cassette: number, counts: Counts): Tally {
  return {
    cassette,
    picked: noteCount(Math.max(counts.picked, counts.out + counts.rejected)),
    dispensed: noteCount(counts.out),
    rejected: noteCount(counts.rejected),
  }
}

function detailOf(error: ErrorRow, answer: DispenseAnswer): string {
  const text = (name: string, counts: Counts): string =>
    `${name} picked ${counts.picked} out ${counts.out} rejected ${counts.rejected}`
  const counts =
    answer.kind === 'dispenseBoth'
      ? `${text('upper', answer.upper)}, ${text('lower', answer.lower)}`
      : text(answer.kind === 'dispenseUpper' ? 'upper' : 'lower', answer.counts)
  return `${errorText(error)}; ${counts}`
}

/** `error 35: jam at EXIT or EJT`. */
export function errorText(error: ErrorRow): string {
  return `error ${error.code.toString(16).toUpperCase()}: ${error.meaning}`
}

/** Sensors and present error as a status. */
export function foldStatus(answer: StatusAnswer): DispenserStatus {
  const error = errorRow(answer.error)
  const blocked = blockedSensors(answer)
  const cassette = (
    position: number,
    isMissing: boolean,
    isNearEnd: boolean,
    emptyCode: number,
  ): CassetteStatus => ({
    cassette: position,
    state: isMissing ? 'missing' : answer.error === emptyCode ? 'empty' : isNearEnd ? 'low' : 'ok',
  })
  return {
    kind: 'status',
    path: blocked.length > 0 ? 'blocked' : 'clear',
    stacker: 'notSupported',
    shutter: 'notSupported',
    cassettes: [
      cassette(UPPER, isSet(answer, STATUS_BITS.upperMissing), isSet(answer, STATUS_BITS.upperNearEnd), 0x38),
      cassette(LOWER, isSet(answer, STATUS_BITS.lowerMissing), isSet(answer, STATUS_BITS.lowerNearEnd), 0x40),
    ],
    rejectBin: isSet(answer, STATUS_BITS.rejectTrayMissing) ? 'missing' : 'ok',
    fault: error.fault,
    detail: blocked.length > 0 ? `${errorText(error)}; notes at ${blocked.join(', ')}` : errorText(error),
  }
}

/** Why an order must not be given in this state, or null. The present error alone is no reason: it may be the last order's. */
export function obstacle(answer: StatusAnswer, picks: readonly Pick[]): DispenserFault | null {
  const blocked = blockedSensors(answer)
  if (blocked.length > 0) return blocked.includes('EXIT') ? 'jam-at-mouth' : 'jam'
  const status = foldStatus(answer)
  if (status.rejectBin === 'missing') return 'reject-bin-missing'
  const isMissing = picks.some(pick =>
    status.cassettes.some(known => known.cassette === pick.cassette && known.state === 'missing'),
  )
  return isMissing ? 'cassette-missing' : null
}

interface Sensor {
  readonly byte: 0 | 1
  readonly bit: number
}

function isSet(answer: StatusAnswer, sensor: Sensor): boolean {
  return (answer.sensors[sensor.byte] & (1 << sensor.bit)) !== 0
}

function blockedSensors(answer: StatusAnswer): readonly string[] {
  return PATH_SENSORS.filter(sensor => isSet(answer, sensor)).map(sensor => sensor.name)
}
