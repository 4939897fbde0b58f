/** LCDM-4000: what an answer proves about the notes, in the port's words. Pure. */
import {noteCount} from '../../../kit/money.ts'
import {transportOf} from '../ask.ts'
import type {
  CassetteStatus,
  DispenseOutcome,
  DispenserFault,
  DispenserStatus,
  Pick,
  SensorStatus,
  Tally,
} from '../port.ts'
import {CASSETTE_BITS, CASSETTES, DEVICE_BITS, errorRow, LENGTH_UNIT_MM, TYPE_ABSENT} from './bytes.ts'
import type {ErrorRow} from './bytes.ts'
import type {Answer, CassetteState, Result} from './codec.ts'

type StatusAnswer = Extract<Answer, {kind: 'status'}>

/**
 * What became of a dispense order. Paid is what left the machine, whatever the error says and whatever was asked; only a
 * result without any count, and of a fault that stops before a pick, proves that nothing moved.
 *
 * The device does not count what it picked. A note that a jam left inside is at least one, or as many as it calls missing,
 * and of the first cassette that gave too little: they run one after the other.
 */
export function foldDispense(picks: readonly Pick[], result: Result): DispenseOutcome {
  const error = errorRow(result.error)
  const askedOf = (cassette: number): number => picks.find(pick => pick.cassette === cassette)?.count ?? 0
  const lines = CASSETTES.map((cassette, index) => ({
    cassette,
    asked: askedOf(cassette),
    out: result.cassettes[index]?.out ?? 0,
    rejected: result.cassettes[index]?.rejected ?? 0,
  })).filter(({asked, out, rejected}) => asked + out + rejected > 0)
  const short = lines.find(({asked, out}) => out < asked) ?? null
  const isOver = lines.some(({asked, out}) => out > asked)
  const isUntouched = result.missing === 0 && lines.every(({out, rejected}) => out + rejected === 0)
  const stuck =
    error.class === 'inside' || error.class === 'mouth' ? Math.max(1, result.missing) : result.missing
  const tallies = lines.map(({cassette, out, rejected}): Tally => ({
    cassette,
    picked: noteCount(out + rejected + (cassette === short?.cassette ? stuck : 0)),
    dispensed: noteCount(out),
    rejected: noteCount(rejected),
  }))
  const detail = `${errorText(error)}; ${resultText(result)}`

  if ((isOver || error.class === 'over') && short === null) return {kind: 'overpaid', tallies, detail}
  if (short === null && error.class !== 'exitCount') {
    const fault = error.fault ?? (result.missing > 0 ? 'count-mismatch' : null)
    return {kind: 'dispensed', tallies, fault, detail}
  }
  if (isUntouched && error.class === 'before' && error.fault !== null)
    return {kind: 'refused', fault: error.fault, detail}

  // Short with nothing reported wrong, or with more than asked of another cassette, is an answer that contradicts itself.
  const isDoubtful = error.class === 'exitCount' || error.class === 'ok' || error.class === 'over' || isOver
  const owed = lines.reduce((sum, {asked, out}) => sum + Math.max(0, asked - out), 0)
  return {
    kind: 'partial',
    fault: error.fault ?? 'count-mismatch',
    tallies,
    inPath: noteCount(isDoubtful ? Math.max(stuck, owed) : stuck),
    path: error.class === 'mouth' ? 'atMouth' : 'inside',
    counts: isDoubtful ? 'inDoubt' : 'trusted',
    detail,
  }
}

/** What the device counted of each cassette that it moved notes of. */
export function talliesOf(result: Result): readonly Tally[] {
  return result.cassettes.flatMap(({out, rejected}, index): readonly Tally[] =>
    out + rejected === 0
      ? []
      : [
          {
            cassette: index + 1,
            picked: noteCount(out + rejected),
            dispensed: noteCount(out),
            rejected: noteCount(rejected),
          },
        ],
  )
}

/** Whether a result can be that order's: a motion of its own cassettes, and complete where it says that all is well. */
export function fits(picks: readonly Pick[], result: Result): boolean {
  const isAsked = (cassette: number): boolean => picks.some(pick => pick.cassette === cassette)
  const isOwn = result.cassettes.every(({out, rejected}, index) => out + rejected === 0 || isAsked(index + 1))
  if (!isOwn) return false
  if (errorRow(result.error).class !== 'ok') return true
  return picks.every(({cassette, count}) => result.cassettes[cassette - 1]?.out === count)
}

/** `cassette 1 out 3 rejected 1, 0 missing`. */
export function resultText({missing, cassettes}: Result): string {
  const moved = cassettes.flatMap(({out, rejected}, index) =>
    out + rejected === 0 ? [] : [`cassette ${index + 1} out ${out} rejected ${rejected}`],
  )
  return [...(moved.length === 0 ? ['nothing counted'] : moved), `${missing} missing`].join(', ')
}

/** `error 04: jam from EJT to EXIT`. */
export function errorText(error: ErrorRow): string {
  return `error ${error.code}: ${error.meaning}`
}

/** Note length in millimetres, from the device's unit. */
export function lengthMm(units: number): number {
  return Math.round(units * LENGTH_UNIT_MM)
}

/** Sensors and present error as a status. */
export function foldStatus(answer: StatusAnswer): DispenserStatus {
  const error = errorRow(answer.error)
  const sensors = sensorsOf(answer)
  const covered = sensors.filter(({isSet, watches}) => isSet && (watches === 'path' || watches === 'mouth'))
  return {
    kind: 'status',
    path: covered.length > 0 ? 'blocked' : 'clear',
    media: covered.some(({watches}) => watches === 'mouth') ? 'atMouth' : 'none',
    transport: transportOf(error.fault),
    stacker: 'notSupported',
    shutter: 'notSupported',
    cassettes: CASSETTES.map((cassette, index) => ({
      cassette,
      state: stateOf(answer.cassettes[index]),
      detail: detailOf(answer.cassettes[index]),
    })),
    // No sensor of STATUS watches the tray: only the error of an order tells.
    rejectBin: error.fault === 'reject-bin-missing' ? 'missing' : 'unknown',
    sensors: sensors.map(({name, isSet, watches}) => ({name, isSet, means: MEANS[watches]})),
    error: error.class === 'ok' ? null : error,
    fault: error.fault,
    detail:
      covered.length > 0
        ? `${errorText(error)}; notes at ${covered.map(({name}) => name).join(', ')}`
        : errorText(error),
  }
}

type Watches = (typeof DEVICE_BITS)[number]['watches'] | (typeof CASSETTE_BITS)[number]['watches']

const MEANS: Readonly<Record<Watches, string>> = {
  path: 'a note is there',
  mouth: 'a note is at the mouth',
  solenoid: 'drawn',
  present: 'in its place',
  nearEnd: 'near its end',
}

function sensorsOf({bits, cassettes}: StatusAnswer): readonly (Omit<SensorStatus, 'means'> & {
  readonly watches: Watches
})[] {
  const device = DEVICE_BITS.map(({name, bit, watches}) => ({name, watches, isSet: isSet(bits, bit)}))
  const own = cassettes.flatMap((cassette, index) =>
    CASSETTE_BITS.map(({name, bit, watches}) => ({
      name: `${name} ${index + 1}`,
      watches,
      isSet: isSet(cassette.bits, bit),
    })),
  )
  return [...device, ...own]
}

function stateOf(cassette: CassetteState | undefined): CassetteStatus['state'] {
  if (cassette === undefined || cassette.type === TYPE_ABSENT) return 'missing'
  const has = (watches: Watches): boolean =>
    CASSETTE_BITS.some(bit => bit.watches === watches && isSet(cassette.bits, bit.bit))
  if (!has('present')) return 'missing'
  return has('nearEnd') ? 'low' : 'ok'
}

function detailOf(cassette: CassetteState | undefined): string {
  if (cassette === undefined || cassette.type === TYPE_ABSENT) return ''
  const {type, opacity, length} = cassette
  return `code ${type.toString(16)}, opacity ${opacity}, note length ${lengthMm(length)} mm`
}

/** Why an order must not be given in this state, or null. The present error alone is no reason, but for the missing tray: it may be the last order's. */
export function obstacle(status: DispenserStatus, picks: readonly Pick[]): DispenserFault | null {
  if (status.media === 'atMouth') return 'jam-at-mouth'
  if (status.path === 'blocked') return 'jam'
  if (status.rejectBin === 'missing') return 'reject-bin-missing'
  const isMissing = picks.some(pick =>
    status.cassettes.some(known => known.cassette === pick.cassette && known.state === 'missing'),
  )
  return isMissing ? 'cassette-missing' : null
}

function isSet(bits: number, bit: number): boolean {
  return (bits & (1 << bit)) !== 0
}
