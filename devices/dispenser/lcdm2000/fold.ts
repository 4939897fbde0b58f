/** LCDM-2000: what an answer proves about the notes, in the port's words. Pure. */
import {noteCount} from '../../../kit/money.ts'
import type {Count} from '../../../kit/money.ts'
import {transportOf} from '../ask.ts'
import type {CassetteStatus, DispenseOutcome, DispenserFault, DispenserStatus, Pick, Tally} from '../port.ts'
import {errorRow, LOWER, UPPER} from './bytes.ts'
import type {ErrorRow, StatusBit, Variant} from './bytes.ts'
import type {Answer, Counts} from './codec.ts'

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
 *
 * A jam at the mouth is a note there, whatever the throat counted: the customer may have it.
 */
export function foldDispense(picks: readonly Pick[], answer: DispenseAnswer): DispenseOutcome {
  const error = errorRow(answer.error)
  const detail = detailOf(error, answer)
  const lines = error.class === 'mouth' ? withStuck(linesOf(picks, answer)) : linesOf(picks, answer)
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
    inPath: inPathOf(lines),
    path: error.class === 'mouth' ? 'atMouth' : 'inside',
    counts: isDoubtful ? 'inDoubt' : 'trusted',
    detail,
  }
}

function inPathOf(lines: readonly Line[]): Count {
  return noteCount(lines.reduce((sum, {tally}) => sum + tally.picked - tally.dispensed - tally.rejected, 0))
}

/** At least one note picked and neither out nor rejected, of the first cassette that gave too little. */
function withStuck(lines: readonly Line[]): readonly Line[] {
  const short = lines.find(({tally, asked}) => tally.dispensed < asked)
  if (short === undefined || inPathOf(lines) > 0) return lines
  const stuck: Line = {...short, tally: {...short.tally, picked: noteCount(short.tally.picked + 1)}}
  return lines.map(line => (line === short ? stuck : line))
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
export function tallyOf(cassette: number, counts: Counts): Tally {
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
  return `error ${error.code}: ${error.meaning}`
}

/** Bill end of that cassette. */
const EMPTY_BYTES: Readonly<Record<number, number>> = {[UPPER]: 0x38, [LOWER]: 0x40}

/** Sensors and present error as a status. */
export function foldStatus({statusBits, cassettes}: Variant, answer: StatusAnswer): DispenserStatus {
  const error = errorRow(answer.error)
  const set = statusBits.filter(bit => isSet(answer, bit))
  const has = (watches: StatusBit['watches'], cassette = 0): boolean =>
    set.some(bit => bit.watches === watches && bit.cassette === cassette)
  const state = (cassette: number): CassetteStatus['state'] => {
    if (has('cassetteMissing', cassette)) return 'missing'
    if (answer.error === EMPTY_BYTES[cassette]) return 'empty'
    return has('nearEnd', cassette) ? 'low' : 'ok'
  }
  const covered = coveredBits(statusBits, answer)
  return {
    kind: 'status',
    path: covered.length > 0 ? 'blocked' : 'clear',
    media: has('mouth') ? 'atMouth' : 'none',
    transport: transportOf(error.fault),
    stacker: 'notSupported',
    shutter: 'notSupported',
    cassettes: cassettes.map(cassette => ({cassette, state: state(cassette), detail: ''})),
    rejectBin: has('rejectTrayMissing') ? 'missing' : 'ok',
    sensors: statusBits.map(bit => ({name: bit.name, isSet: isSet(answer, bit), means: MEANS[bit.watches]})),
    error: error.class === 'ok' ? null : error,
    fault: error.fault,
    detail:
      covered.length > 0
        ? `${errorText(error)}; notes at ${covered.map(({name}) => name).join(', ')}`
        : errorText(error),
  }
}

const MEANS: Readonly<Record<StatusBit['watches'], string>> = {
  path: 'a note is there',
  mouth: 'a note is at the mouth',
  cassetteMissing: 'missing',
  nearEnd: 'near its end',
  rejectTrayMissing: 'missing',
  solenoid: 'drawn',
}

/** Why an order must not be given in this state, or null. The present error alone is no reason: it may be the last order's. */
export function obstacle(
  variant: Variant,
  answer: StatusAnswer,
  picks: readonly Pick[],
): DispenserFault | null {
  const covered = coveredBits(variant.statusBits, answer)
  if (covered.length > 0) return covered.some(({watches}) => watches === 'mouth') ? 'jam-at-mouth' : 'jam'
  const status = foldStatus(variant, answer)
  if (status.rejectBin === 'missing') return 'reject-bin-missing'
  const isMissing = picks.some(pick =>
    status.cassettes.some(known => known.cassette === pick.cassette && known.state === 'missing'),
  )
  return isMissing ? 'cassette-missing' : null
}

function isSet(answer: StatusAnswer, {byte, bit}: StatusBit): boolean {
  return (answer.sensors[byte] & (1 << bit)) !== 0
}

/** The sensors that see notes. */
function coveredBits(statusBits: readonly StatusBit[], answer: StatusAnswer): readonly StatusBit[] {
  return statusBits.filter(bit => (bit.watches === 'path' || bit.watches === 'mouth') && isSet(answer, bit))
}
