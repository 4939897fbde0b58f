/** What the stands of all emulated dispensers share: their world as a file holds it, hands, and fault plans. */
import type {Remains, Spot} from '../../../devices/dispenser/mechanism.ts'
import type {DispenserEmulator, JamSpot, Mischief, OrderKind} from '../../../devices/dispenser/mischief.ts'
import {PLACES} from '../../../devices/dispenser/world.ts'
import type {Notes, Place, World} from '../../../devices/dispenser/world.ts'
import {BadInput} from '../../../kit/errors.ts'
import type {Json} from '../../../kit/exact-json.ts'
import {noteCount} from '../../../kit/money.ts'
import {Section, isIn} from '../../../kit/section.ts'
import {DISPENSER_FAULTS} from '../dispenser-faults.ts'
import type {Fields, Stand, StandCommand} from '../stand.ts'
import {faultWords, faultsFrom} from './faults.ts'
import type {FaultRow} from './faults.ts'

/** Far more than any cassette or customer holds. */
const NOTES_MAX = 100_000
/** Notes of a full cassette. Chosen; the makers' cassettes take 2,000 to 3,000. */
const FULL_COUNT = 2_000

const JAM_SPOTS: readonly JamSpot[] = ['throat', 'diverter', 'eject', 'mouth']
const ORDERS: readonly OrderKind[] = [
  'dispense',
  'present',
  'retract',
  'reject',
  'purge',
  'reset',
  'test',
  'status',
  'identify',
  'recall',
]
/** Everywhere but in a cassette. */
const ELSEWHERE = PLACES.filter(place => place !== 'cassette')

/** An emulator whose remains survive a power cut. */
export interface LastingDispenser extends DispenserEmulator {
  readonly remains: Remains
}

/**
 * What a dispenser with that many cassettes finds: of the world given, or full cassettes and nothing elsewhere.
 * @throws BadInput naming the field
 */
export function remainsFrom(world: Json | null, cassettesCount: number): Remains {
  return new Section('', world ?? new Map(), 'part of a dispenser').closed(s => remains(s, cassettesCount))
}

function remains(s: Section, cassettesCount: number): Remains {
  const cassettes = s.list(
    'cassettes',
    cassettesCount,
    cassettesCount,
    c =>
      c.closed(f => ({
        count: f.integer('count', 0, NOTES_MAX),
        is: f.oneOf('is', isIn(['in', 'out'] as const), 'in or out', 'in'),
      })),
    Array.from({length: cassettesCount}, () => ({count: FULL_COUNT, is: 'in'}) as const),
  )
  const notes = Object.fromEntries(ELSEWHERE.map(place => [place, notesAt(s, place, cassettesCount)]))
  const spot = s.has('covered') ? s.section('covered').closed(c => spotFrom(c, cassettesCount)) : null
  return {
    notes: {...EMPTY, ...notes, cassette: notesOf(cassettes.map(({count}) => count))},
    spot,
    cassettesMissing: cassettes.flatMap(({is}, at) => (is === 'out' ? [at + 1] : [])),
    isRejectBinMissing: s.oneOf('rejectBin', isIn(['in', 'out'] as const), 'in or out', 'in') === 'out',
  }
}

function notesAt(s: Section, place: Place, cassettesCount: number): Notes {
  const none = Array.from({length: cassettesCount}, () => 0)
  return notesOf(s.list(place, cassettesCount, cassettesCount, count => count.whole(0, NOTES_MAX), none))
}

function spotFrom(s: Section, cassettesCount: number): Spot {
  return {
    at: s.oneOf('at', isIn(JAM_SPOTS), JAM_SPOTS.join(', ')),
    cassette: s.integer('cassette', 1, cassettesCount),
  }
}

const EMPTY: World = {
  cassette: {},
  path: {},
  mouth: {},
  stacker: {},
  outlet: {},
  customer: {},
  reject: {},
  retract: {},
  removed: {},
}

/** Counts in a list, cassette 1 first, as notes by cassette. */
function notesOf(counts: readonly number[]): Notes {
  return Object.fromEntries(counts.map((count, at) => [at + 1, noteCount(count)]))
}

/** Notes by cassette as a list, cassette 1 first. */
function countsOf(notes: Notes): readonly number[] {
  return Object.entries(notes)
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, count]) => count)
}

function worldOf({notes, spot, cassettesMissing, isRejectBinMissing}: Remains): Fields {
  return {
    cassettes: countsOf(notes.cassette).map((count, at) => ({
      count,
      is: cassettesMissing.includes(at + 1) ? 'out' : 'in',
    })),
    ...Object.fromEntries(ELSEWHERE.map(place => [place, countsOf(notes[place])])),
    covered: spot === null ? undefined : {at: spot.at, cassette: spot.cassette},
    rejectBin: isRejectBinMissing ? 'out' : 'in',
  }
}

type Row = FaultRow<Mischief, OrderKind>

/** Faults of the talk, and of where a jam is; the rest is the bench's own table. */
const MORE_FAULTS: readonly Row[] = [
  ...(['throat', 'eject'] as const).map((at): Row => ({
    name: `jam at ${at}`,
    takes: 'after',
    on: 'never',
    make: after => ({kind: 'jam', at, afterNotes: after ?? 0}),
  })),
  {name: 'acknowledgement lost', on: 'may', make: (_, on) => struckOn({kind: 'acknowledgementLost'}, on)},
  {
    name: 'answer corrupt',
    takes: 'times',
    on: 'may',
    make: (times, on) => struckOn({kind: 'answerCorrupt', times: times ?? 1}, on),
  },
  {
    name: 'nak storm',
    takes: 'times',
    on: 'may',
    make: (times, on) => struckOn({kind: 'nakStorm', times: times ?? 1}, on),
  },
  {
    name: 'answer split',
    takes: 'ms',
    on: 'may',
    make: (gapMs, on) => struckOn({kind: 'answerSplit', gapMs: gapMs ?? 20}, on),
  },
  {name: 'answer twice', on: 'may', make: (_, on) => struckOn({kind: 'answerTwice'}, on)},
  {
    name: 'answer short',
    takes: 'times',
    on: 'may',
    make: (times, on) => struckOn({kind: 'answerShort', times: times ?? 1}, on),
  },
  {
    name: 'answer late',
    takes: 'ms',
    on: 'may',
    make: (delayMs, on) => struckOn({kind: 'answerLate', delayMs: delayMs ?? 70_000}, on),
  },
  {name: 'acknowledgement glued', on: 'may', make: (_, on) => struckOn({kind: 'acknowledgementGlued'}, on)},
  {name: 'stray bytes', on: 'may', make: (_, on) => struckOn({kind: 'strayBytes'}, on)},
  {name: 'closing lost', on: 'may', make: (_, on) => struckOn({kind: 'closingLost'}, on)},
  {name: 'progress', on: 'may', make: (_, on) => struckOn({kind: 'progress'}, on)},
]

const ROWS: readonly Row[] = [
  ...DISPENSER_FAULTS.map(({name, takesNotes, make}): Row => ({
    name,
    ...(takesNotes ? {takes: 'after'} : {}),
    on: 'may',
    make: (notesCount, on) => struckOn(make(notesCount ?? 0), on),
  })),
  ...MORE_FAULTS,
]

function struckOn(mischief: Mischief, on: OrderKind | null): Mischief {
  return on === null ? mischief : {...mischief, on}
}

function rowsFor(kinds: readonly Mischief['kind'][]): readonly Row[] {
  return ROWS.filter(row => kinds.includes(row.make(null, null).kind))
}

/** What can be planned with a model that can do these things wrong, for `help`. */
export function dispenserFaults(kinds: readonly Mischief['kind'][]): readonly string[] {
  return faultWords(rowsFor(kinds))
}

/** The stand of one emulated dispenser. @param more commands of this model alone */
export function dispenserStand(emulator: LastingDispenser, more: readonly StandCommand[] = []): Stand {
  return {
    start: () => emulator.start(),
    stop: () => emulator.stop(),
    world: () => worldOf(emulator.remains),
    watch: listener => emulator.watch(listener),
    plan: text => {
      for (const mischief of faultsFrom(text, rowsFor(emulator.mischiefKinds), ORDERS))
        emulator.plan(mischief)
    },
    commands: [...handsOf(emulator), ...more],
    powerCut: () => {
      emulator.powerCut()
    },
    powerOn: () => {
      emulator.powerOn()
    },
    get transcript() {
      return emulator.transcript
    },
  }
}

function handsOf(emulator: LastingDispenser): readonly StandCommand[] {
  const {operator} = emulator
  const positions = Object.keys(emulator.world.cassette).length
  const part = (is: 'in' | 'out', words: string, purpose: string): StandCommand => ({
    words,
    purpose,
    run: ([position = '']) => {
      operator.setCassette(numberFrom(position, 1, positions, 'a cassette'), is)
      return {cassette: Number(position), is}
    },
  })
  return [
    {
      words: 'take notes',
      purpose: 'the customer takes what is within reach; says how many of each cassette',
      run: () => ({taken: countsOf(emulator.takeNotes())}),
    },
    {
      words: 'show state',
      purpose: 'power, motion, shutter, parts pulled out',
      run: () => ({...emulator.state}),
    },
    {
      words: 'load COUNTS',
      purpose: `the operator refills the cassettes: ${positions} numbers; says what was left in them`,
      run: ([counts = '']) => ({removed: countsOf(operator.load(loadFrom(counts, positions)))}),
    },
    {
      words: 'clear path',
      purpose: 'the operator takes out what stands in the transport and at the mouth',
      run: () => ({removed: countsOf(operator.clearPath())}),
    },
    {
      words: 'empty bins',
      purpose: 'the operator empties reject and retract bins',
      run: () => ({removed: countsOf(operator.emptyBins())}),
    },
    part('out', 'pull cassette N', 'the operator pulls a cassette out'),
    part('in', 'push cassette N', 'the operator puts it back, with what is in it'),
    ...(['out', 'in'] as const).map((is): StandCommand => ({
      words: is === 'out' ? 'pull reject bin' : 'push reject bin',
      purpose: is === 'out' ? 'the operator pulls the reject bin out' : 'the operator puts it back',
      run: () => {
        operator.setRejectBin(is)
        return {rejectBin: is}
      },
    })),
  ]
}

function loadFrom(text: string, positions: number): Readonly<Record<number, number>> {
  const counts = text.split(/\s+/)
  if (counts.length !== positions) throw new BadInput(`load takes ${positions} numbers`)
  return notesOf(counts.map(count => numberFrom(count, 0, NOTES_MAX, 'a number of notes')))
}

function numberFrom(text: string, least: number, most: number, what: string): number {
  const number = /^[0-9]{1,6}$/.test(text) ? Number(text) : NaN
  if (!(number >= least && number <= most)) throw new BadInput(`${what} is a number from ${least} to ${most}`)
  return number
}
