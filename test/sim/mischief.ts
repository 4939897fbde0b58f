/** What a run's devices will do wrong during the next visit, planned with their emulators. */
import type {Mischief as ReaderMischief} from '../../devices/card-reader/emulator-mischief.ts'
import type {Mischief as DispenserMischief, OrderKind} from '../../devices/dispenser/mischief.ts'
import type {LineMischief as PadMischief} from '../../devices/pin-pad/mischief.ts'
import type {Mischief as PrinterMischief} from '../../devices/printer/escpos/emulator.ts'
import type {Draws} from './draws.ts'
import {RESTING} from './operator.ts'
import type {Operator} from './operator.ts'
import type {World} from './world.ts'

const READER_TALK = [
  'ignoreFrame',
  'nak',
  'dropAck',
  'dropReply',
  'corruptReply',
  'splitReply',
  'lateReply',
  'duplicateReply',
  'garbageBeforeReply',
] as const satisfies readonly Extract<ReaderMischief<never>, {kind: 'line'}>['do'][]

const PAD_TALK: readonly PadMischief[] = [
  'ignoreFrame',
  'dropReply',
  'corruptReply',
  'corruptStart',
  'splitReply',
  'lateReply',
  'duplicateReply',
  'garbageBeforeReply',
]

/** By the lines that come out before. */
const PRINTER_MISCHIEF: readonly ((afterLines: number) => PrinterMischief)[] = [
  afterLines => ({kind: 'paperEnds', afterLines}),
  afterLines => ({kind: 'coverOpens', afterLines}),
  afterLines => ({kind: 'headHot', afterLines, coolMs: 5_000}),
  afterLines => ({kind: 'powerCut', afterLines}),
  () => ({kind: 'cutterSticks'}),
  () => ({kind: 'answerLost', times: 2}),
  () => ({kind: 'answerLate', ms: 2_000}),
  () => ({kind: 'answerTwice'}),
  () => ({kind: 'garbage', byte: 0x55}),
]

const DARK_MAX_MS = 60_000

/** Asks each fault whether it strikes this visit. */
export function planDevices(world: World): void {
  const {faults, devices, clock} = world
  const {reader, pad, dispenser} = devices
  if (faults.strike('reader.jamEject') !== null) reader.plan({kind: 'jam', journey: 'eject'})
  if (faults.strike('reader.jamCapture') !== null) reader.plan({kind: 'jam', journey: 'capture'})
  const readerTalk = faults.strike('reader.talk')
  if (readerTalk !== null) reader.plan({kind: 'line', do: readerTalk.draws.one(READER_TALK)})
  const padTalk = faults.strike('pad.talk')
  if (padTalk !== null) pad.plan({kind: 'line', do: padTalk.draws.one(PAD_TALK)})
  const printing = faults.strike('printer.mischief')
  if (printing !== null) devices.printer?.plan(printing.draws.one(PRINTER_MISCHIEF)(printing.draws.below(30)))
  const mischief = faults.strike('dispenser.mischief')
  if (mischief !== null) planDispenser(world, mischief.draws, MECHANICAL)
  const talk = faults.strike('dispenser.talk')
  if (talk !== null) planDispenser(world, talk.draws, TALKING)
  for (const [name, off, on] of [
    [
      'dispenser.power',
      () => {
        dispenser.powerCut()
      },
      () => {
        dispenser.powerOn()
      },
    ],
    [
      'reader.power',
      () => {
        reader.cutPower()
      },
      () => {
        reader.restorePower()
      },
    ],
    [
      'pad.power',
      () => {
        pad.cutPower()
      },
      () => {
        pad.restorePower()
      },
    ],
  ] as const) {
    const dark = faults.strike(name, 20)
    if (dark === null) continue
    clock.after(dark.draws.below(40_000), off)
    clock.after(40_000 + dark.draws.below(DARK_MAX_MS), on)
  }
  const step = faults.strike('clock.step')
  if (step !== null) {
    const byMs = step.draws.one([1_000, -1_000, 60_000, -60_000, 3_600_000, -3_600_000, 86_400_000 * 2])
    clock.after(step.draws.below(40_000), () => {
      world.say('clock', `is set by ${byMs} ms`)
      clock.stepWall(byMs)
      if (!RESTING.includes(world.machine?.standing.state ?? 'idle')) world.note('clock set in a visit')
    })
  }
}

/** People of the bank who come in between, though nobody called them. */
export function planPeople(world: World, operator: Operator): void {
  const {faults, clock, devices} = world
  const visits = faults.strike('operator.visits')
  if (visits !== null)
    clock.after(visits.draws.below(60_000), () => {
      operator.visit()
    })
  const supervises = faults.strike('operator.supervises')
  if (supervises !== null)
    clock.after(supervises.draws.below(60_000), () => {
      operator.call()
    })
  const pulls = faults.strike('operator.pullsCassette')
  if (pulls === null) return
  const cassette = pulls.draws.one(world.config.cassettes).cassette
  clock.after(pulls.draws.below(20_000), () => {
    world.say('operator', `pulls cassette ${cassette}`)
    devices.dispenser.operator.setCassette(cassette, 'out')
  })
  clock.after(20_000 + pulls.draws.below(60_000), () => {
    devices.dispenser.operator.setCassette(cassette, 'in')
  })
}

type Kind = DispenserMischief['kind']

const MECHANICAL: readonly Kind[] = [
  'jam',
  'pickFails',
  'doublePick',
  'overflow',
  'countMismatch',
  'powerCut',
  'shutterBlocked',
  'rejectJam',
  'someTaken',
]
const TALKING: readonly Kind[] = [
  'answerLost',
  'acknowledgementLost',
  'answerCorrupt',
  'nakStorm',
  'answerSplit',
  'answerTwice',
  'answerShort',
  'answerLate',
  'acknowledgementGlued',
  'strayBytes',
  'closingLost',
  'progress',
]

function planDispenser(world: World, draws: Draws, kinds: readonly Kind[]): void {
  const {dispenser} = world.devices
  const possible = dispenser.mischiefKinds.filter(kind => kinds.includes(kind))
  if (possible.length === 0) return
  const canPresent = possible.includes('shutterBlocked')
  const mischief = made(draws.one(possible), draws, dispenser.jamSpots, canPresent)
  world.say('fault', `the dispenser will: ${JSON.stringify(mischief)}`)
  world.note(`mischief ${mischief.kind}`)
  if (draws.chance(0.3)) planForLater(world, mischief)
  else dispenser.plan(mischief)
}

/** Once a note has moved, it is the next order that is struck: of the bunch after, where there is one. */
function planForLater(world: World, mischief: DispenserMischief): void {
  const {notes} = world.oracle
  const movesCount = notes.movesCount
  const stop = world.onChange(() => {
    if (notes.movesCount === movesCount) return
    stop()
    world.devices.dispenser.plan(mischief)
  })
}

function made(
  kind: Kind,
  draws: Draws,
  spots: World['devices']['dispenser']['jamSpots'],
  canPresent: boolean,
): DispenserMischief {
  // What happens to the first note is a case of its own.
  const afterNotes = draws.one([0, 0, 1, 2, 3, 4, 5])
  switch (kind) {
    case 'jam':
      return {kind, at: draws.one(spots), afterNotes, on: whereItMoves(draws, canPresent)}
    case 'powerCut':
      return {kind, afterNotes, on: whereItMoves(draws, canPresent)}
    case 'pickFails':
    case 'countMismatch':
      return {kind, afterNotes}
    case 'rejectJam':
      return {kind, afterNotes, on: draws.one(['reject', 'retract'])}
    case 'doublePick':
      return {kind, afterNotes, times: draws.one([1, 1, 2, 3, 12])}
    case 'overflow':
    case 'shutterBlocked':
      return {kind}
    case 'someTaken':
      return {kind, count: draws.between(1, 3)}
    case 'answerLost':
      return {kind, when: draws.one(['before-moving', 'after-moving'] as const), ...on(draws)}
    case 'answerCorrupt':
    case 'nakStorm':
    case 'answerShort':
      return {kind, times: draws.between(1, 4), ...on(draws)}
    case 'answerSplit':
      return {kind, gapMs: draws.below(250), ...on(draws)}
    case 'answerLate':
      return {kind, delayMs: draws.below(90_000), ...on(draws)}
    case 'acknowledgementLost':
    case 'answerTwice':
    case 'acknowledgementGlued':
    case 'strayBytes':
    case 'closingLost':
    case 'progress':
      return {kind, ...on(draws)}
  }
}

/** Notes move in a present as well, where there is one. */
function whereItMoves(draws: Draws, canPresent: boolean): 'dispense' | 'present' {
  return canPresent && draws.chance(0.3) ? 'present' : 'dispense'
}

/** Most often the order that pays. */
function on(draws: Draws): {readonly on: OrderKind} {
  return {
    on: draws.one(['dispense', 'dispense', 'dispense', 'present', 'retract', 'reject', 'status', 'recall']),
  }
}
