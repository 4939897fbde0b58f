/**
 * What every dispenser driver must hold against its own emulator, whatever the model: the driver's account of
 * the notes agrees with the hidden ledger, or says that it does not know. One call runs the suite for one model.
 */
import type {Test} from 'tap'
import {VirtualClock, epochMs} from '../../../kit/clock.ts'
import type {Clock} from '../../../kit/clock.ts'
import {noteCount} from '../../../kit/money.ts'
import type {
  DispenseOutcome,
  Dispenser,
  DispenserFault,
  Mark,
  PastOrder,
  Pick,
} from '../../../devices/dispenser/port.ts'
import type {DispenserEmulator, JamSpot, Mischief} from '../../../devices/dispenser/mischief.ts'
import type {World} from '../../../devices/dispenser/world.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import type {Cable, LineFault} from '../../../devices/wire/loopback.ts'
import type {ByteLink} from '../../../devices/wire/link.ts'

export interface Model {
  readonly name: string
  readonly driver: (link: ByteLink, clock: Clock) => Dispenser
  /** An emulator with so many notes in each of its cassettes. */
  readonly emulator: (link: ByteLink, clock: Clock, notes: number, noteMs: number) => DispenserEmulator
  /** Host frames of a dispense, as the transcript writes them. */
  readonly orderFrames: RegExp
  /** What it says of a cassette without notes. */
  readonly emptyFault: DispenserFault
  /** Where a jam counts as within a customer's reach, by the model's own codes. */
  readonly jamsAtMouth: readonly JamSpot[]
  /** Its memory is tied to an order by a mark. */
  readonly needsMark: boolean
  /** The wire between them; one in memory when left out. */
  readonly wire?: (clock: VirtualClock) => Promise<{readonly near: ByteLink; readonly far: ByteLink}>
}

export interface Rig {
  readonly clock: VirtualClock
  /** Of the wire in memory. */
  readonly cable: Cable
  readonly dispenser: Dispenser
  readonly emulator: DispenserEmulator
  /** Another driver on the same wire, as after a restart of the machine; the first one lets go of it. */
  reborn(): Promise<Dispenser>
  /** Runs virtual time until the work has ended. */
  run<T>(work: Promise<T>): Promise<T>
}

const BUDGET_MS = 3_600_000
const START_NOTES = 100

export async function rigOf(
  model: Model,
  {
    notes = START_NOTES,
    noteMs = 150,
    isOpen = true,
  }: {notes?: number; noteMs?: number; isOpen?: boolean} = {},
): Promise<Rig> {
  const clock = new VirtualClock(epochMs(1_700_000_000_000))
  const inMemory = loopbackPair(clock)
  const {cable} = inMemory
  const {near, far} = (await model.wire?.(clock)) ?? inMemory
  const emulator = model.emulator(far, clock, notes, noteMs)
  await emulator.start()
  const dispenser = model.driver(near, clock)
  const run = async <T>(work: Promise<T>): Promise<T> => {
    let isDone = false
    const ended = work.finally(() => {
      isDone = true
    })
    // It may fail before anybody waits for it.
    ended.catch(() => undefined)
    const how = await clock.runUntil(() => isDone, BUDGET_MS)
    if (how !== 'done') throw new RangeError(`virtual time ended (${how}) before the work did`)
    return ended
  }
  const reborn = async (): Promise<Dispenser> => {
    await dispenser.close()
    return model.driver(near, clock)
  }
  const rig = {clock, cable, dispenser, emulator, reborn, run}
  if (isOpen) {
    const opened = await run(dispenser.open())
    if (opened.kind !== 'open') throw new RangeError(`does not open: ${opened.detail}`)
  }
  return rig
}

export function pick(cassette: number, count: number): Pick {
  return {cassette, count: noteCount(count)}
}

/** An order of the past on a model whose memory needs no mark. */
export function pastOf(picks: readonly Pick[], serial: number): PastOrder {
  return {serial, picks, mark: null}
}

/** Where the device's memory stands now, as the session keeps it before each order. */
export async function markOf(rig: Rig): Promise<Mark> {
  const marked = await rig.run(rig.dispenser.mark())
  if (marked.kind !== 'marked') throw new RangeError(`no mark: ${marked.detail}`)
  return marked.mark
}

/** Five notes of as many cassettes as there are. */
export function orderOn({dispenser}: {readonly dispenser: Dispenser}): readonly Pick[] {
  switch (dispenser.capabilities.cassettes.length) {
    case 1:
      return [pick(1, 5)]
    case 2:
      return [pick(1, 3), pick(2, 2)]
    default:
      return [pick(1, 2), pick(2, 1), pick(3, 1), pick(4, 1)]
  }
}

/** What really happened to one cassette's notes between two looks at the world. */
interface Truth {
  readonly left: number
  readonly paid: number
  readonly rejected: number
  readonly inside: number
}

function truthOf(before: World, after: World, cassette: number, hasStacker: boolean): Truth {
  const gain = (place: keyof World): number => (after[place][cassette] ?? 0) - (before[place][cassette] ?? 0)
  return {
    left: -gain('cassette'),
    paid: hasStacker ? gain('stacker') : gain('outlet') + gain('customer'),
    rejected: gain('reject'),
    inside: gain('path') + gain('mouth'),
  }
}

/** Says what the account gets wrong about the notes, or null when it is true. */
export function contradiction(
  outcome: DispenseOutcome,
  picks: readonly Pick[],
  before: World,
  after: World,
  hasStacker: boolean,
): string | null {
  const truths = new Map(
    Object.keys(before.cassette)
      .map(Number)
      .map(at => [at, truthOf(before, after, at, hasStacker)]),
  )
  const sum = (what: keyof Truth): number =>
    [...truths.values()].reduce((total, truth) => total + truth[what], 0)
  const paidOf = (cassette: number): number => truths.get(cassette)?.paid ?? 0
  const wrong = (message: string): string =>
    `${message}: said ${JSON.stringify(outcome)}, true is ${JSON.stringify([...truths])}`
  switch (outcome.kind) {
    case 'unknown':
      return null
    case 'refused':
      return sum('left') === 0 ? null : wrong('refused, but notes moved')
    case 'dispensed': {
      const isRight =
        picks.every(({cassette, count}) => paidOf(cassette) === count) && sum('paid') === total(picks)
      return isRight ? null : wrong('not exactly what was asked')
    }
    case 'overpaid': {
      const isRight = outcome.tallies.every(tally => tally.dispensed === paidOf(tally.cassette))
      return isRight && sum('paid') > total(picks) ? null : wrong('overpaid otherwise')
    }
    case 'partial': {
      const said = outcome.tallies.reduce((all, tally) => all + tally.dispensed, 0)
      if (outcome.counts === 'inDoubt') {
        return said <= sum('paid') && sum('paid') <= said + outcome.inPath ? null : wrong('beyond the doubt')
      }
      const isPaid = outcome.tallies.every(tally => tally.dispensed === paidOf(tally.cassette))
      const isRejected = outcome.tallies.reduce((all, tally) => all + tally.rejected, 0) === sum('rejected')
      const isInside = outcome.inPath === sum('inside')
      const isWhere = outcome.path === 'atMouth' || sumOf(after, 'mouth') === 0
      return isPaid && isRejected && isInside && isWhere ? null : wrong('partial otherwise')
    }
  }
}

function sumOf(world: World, place: keyof World): number {
  return Object.values(world[place]).reduce((all, count) => all + count, 0)
}

function total(picks: readonly Pick[]): number {
  return picks.reduce((sum, {count}) => sum + count, 0)
}

/** Dispenses, lets everything come to rest, and compares. */
export async function dispenseAndCompare(
  t: Test,
  rig: Rig,
  picks: readonly Pick[],
  name: string,
  serial = 7,
): Promise<DispenseOutcome> {
  const before = rig.emulator.world
  const outcome = await rig.run(rig.dispenser.dispense(picks, serial))
  await rig.clock.advance(200_000)
  const why = contradiction(outcome, picks, before, rig.emulator.world, rig.dispenser.capabilities.stacker)
  t.equal(why, null, `${name}: ${outcome.kind}`)
  return outcome
}

/** Everything mechanical and talkative that this model can do wrong, with each number of notes before it. */
export function mischiefs(
  {mischiefKinds, jamSpots}: DispenserEmulator,
  noteMax: number,
): readonly Mischief[] {
  const upTo = Array.from({length: noteMax}, (_, at) => at)
  const all: readonly Mischief[] = [
    ...upTo.flatMap(afterNotes => jamSpots.map(at => ({kind: 'jam' as const, at, afterNotes}))),
    ...upTo.map(afterNotes => ({kind: 'pickFails' as const, afterNotes})),
    ...upTo.map(afterNotes => ({kind: 'doublePick' as const, afterNotes, times: 1})),
    {kind: 'doublePick', afterNotes: 1, times: 20},
    {kind: 'overflow'},
    ...upTo.map(afterNotes => ({kind: 'countMismatch' as const, afterNotes})),
    ...[...upTo, noteMax].map(afterNotes => ({kind: 'powerCut' as const, afterNotes})),
    {kind: 'answerLost', when: 'before-moving'},
    {kind: 'answerLost', when: 'after-moving'},
    {kind: 'acknowledgementLost'},
    ...[1, 2, 3, 4].map(times => ({kind: 'answerCorrupt' as const, times})),
    ...[1, 2, 3, 4].map(times => ({kind: 'nakStorm' as const, times})),
    ...[5, 19, 60].map(gapMs => ({kind: 'answerSplit' as const, gapMs})),
    {kind: 'answerTwice'},
    ...[1, 2, 3, 4].map(times => ({kind: 'answerShort' as const, times})),
    ...[10_000, 70_000].map(delayMs => ({kind: 'answerLate' as const, delayMs})),
    {kind: 'acknowledgementGlued'},
    {kind: 'strayBytes'},
    {kind: 'closingLost'},
    {kind: 'progress'},
  ]
  return all.filter(mischief => mischiefKinds.includes(mischief.kind))
}

/** At most one byte of a frame is struck: a check byte by exclusive-or cannot see two flips of the same bit. */
const LINE_FAULTS: readonly LineFault[] = [
  {do: 'drop', unit: 'chunk', everyNth: 2},
  {do: 'drop', unit: 'byte', everyNth: 7},
  {do: 'duplicate', unit: 'chunk', everyNth: 1},
  {do: 'duplicate', unit: 'byte', everyNth: 5},
  ...[0, 1, 2, 3, 4, 5, 6, 7].map(bit => ({
    do: 'corrupt' as const,
    unit: 'byte' as const,
    everyNth: 47,
    bit,
  })),
  {do: 'split', everyNth: 1, gapMs: 3},
  {do: 'split', everyNth: 1, gapMs: 250},
  {do: 'garbage', bytes: Uint8Array.of(0x15, 0x06, 0x01, 0x50, 0x02, 0xff)},
]

/** The whole suite for one model. */
export async function conformance(t: Test, model: Model): Promise<void> {
  const order = orderOn(await rigOf(model))
  const lastCassette = order.at(-1)?.cassette ?? 1

  await t.test(`${model.name}: opening moves nothing and says who it is`, async t => {
    const rig = await rigOf(model, {isOpen: false})
    const before = rig.emulator.world
    const opened = await rig.run(rig.dispenser.open())
    t.equal(opened.kind, 'open')
    if (opened.kind === 'open') {
      t.equal(opened.identity.model, model.name)
      t.match(opened.status, {path: 'clear', media: 'none', transport: 'ok', error: null})
      t.ok(opened.status.sensors.length > 0, 'it has sensors')
      t.ok(opened.identity.firmware.length > 0)
      t.same(
        opened.status.cassettes.map(({cassette}) => cassette),
        rig.dispenser.capabilities.cassettes,
      )
    }
    t.equal((await rig.run(rig.dispenser.open())).kind, 'open', 'opening again is allowed')
    t.ok((await rig.run(rig.dispenser.describe())).length > 0, 'it describes itself')
    t.same(await rig.run(rig.dispenser.denominate(order)), {kind: 'dispensable'})
    t.equal(typeof (await markOf(rig)), model.needsMark ? 'string' : 'object')
    t.same(rig.emulator.world, before, 'and none of that moves a note')
  })

  await t.test(`${model.name}: good orders are exact`, async t => {
    const rig = await rigOf(model)
    let serial = 1
    const several =
      order.length > 1 ? [[pick(2, 4)], order, [pick(2, 1), pick(1, 11)]] : [order, [pick(1, 11)]]
    for (const picks of [[pick(1, 1)], ...several]) {
      const outcome = await dispenseAndCompare(t, rig, picks, JSON.stringify(picks), serial)
      t.match(outcome, {kind: 'dispensed', fault: null})
      if (rig.dispenser.capabilities.stacker) t.same(await rig.run(takeAll(rig)), {kind: 'taken'})
      else rig.emulator.takeNotes()
      serial += 1
    }
  })

  await everyMischief(t, model, 5)

  await t.test(`${model.name}: two faults at once never make a false account`, async t => {
    const all = mischiefs((await rigOf(model)).emulator, 2)
    for (const [at, mechanical] of all.entries()) {
      const talking = all[(at * 7 + 3) % all.length]
      const rig = await rigOf(model)
      rig.emulator.plan(mechanical)
      if (talking !== undefined) rig.emulator.plan(talking)
      await dispenseAndCompare(t, rig, order, JSON.stringify([mechanical, talking]))
    }
  })

  await t.test(`${model.name}: a bad line never makes a false account`, async t => {
    for (const from of ['near', 'far'] as const) {
      for (const fault of LINE_FAULTS) {
        for (const skip of [0, 1, 2, 3, 4, 5]) {
          const rig = await rigOf(model)
          rig.cable.misbehave(from, fault)
          // Shifts which of the writes is struck.
          for (let at = 0; at < skip; at += 1) await rig.run(rig.dispenser.status())
          await dispenseAndCompare(t, rig, order, `${from} ${JSON.stringify(fault)} after ${skip}`)
        }
      }
    }
  })

  await t.test(`${model.name}: the cable may be pulled at any moment`, async t => {
    for (const atMs of [0, 1, 100, 149, 150, 151, 300, 420, 749, 750, 751, 2_000]) {
      const rig = await rigOf(model)
      const before = rig.emulator.world
      rig.clock.after(atMs, () => {
        rig.cable.pull()
      })
      const outcome = await rig.run(rig.dispenser.dispense(order, 7))
      await rig.clock.advance(10_000)
      t.equal(
        contradiction(outcome, order, before, rig.emulator.world, rig.dispenser.capabilities.stacker),
        null,
        `pulled after ${atMs} ms: ${outcome.kind}`,
      )
      t.equal(
        (await rig.run(rig.dispenser.dispense(order, 8))).kind,
        'refused',
        'nothing leaves without a link',
      )
      rig.cable.plug()
      t.equal((await rig.run(rig.dispenser.open())).kind, 'open', 'opens again')
    }
  })

  await t.test(`${model.name}: power may go at any moment`, async t => {
    for (const atMs of [0, 1, 37, 38, 76, 113, 151, 400, 700, 749, 751]) {
      const rig = await rigOf(model)
      const mark = await markOf(rig)
      let atCut: World | null = null
      rig.clock.after(atMs, () => {
        rig.emulator.powerCut()
        atCut = rig.emulator.world
      })
      const outcome = await dispenseAndCompare(t, rig, order, `power cut after ${atMs} ms`)
      t.same(rig.emulator.world, atCut, 'nothing moves without power')
      t.not(outcome.kind, 'partial', 'a dead device tells nothing')
      rig.emulator.powerOn()
      t.equal((await rig.run(rig.dispenser.open())).kind, 'open', 'opens again')
      const recall = await rig.run(rig.dispenser.recall({serial: 7, picks: order, mark}))
      if (atMs > 1 && atMs < 750)
        t.match(recall, {kind: 'notRemembered'}, 'what lost power does not remember')
    }
  })

  await t.test(`${model.name}: missing parts and empty cassettes refuse before anything moves`, async t => {
    const missing = await rigOf(model)
    missing.emulator.operator.setCassette(lastCassette, 'out')
    t.match(await missing.run(missing.dispenser.denominate(order)), {
      kind: 'refused',
      fault: 'cassette-missing',
    })
    t.match(await dispenseAndCompare(t, missing, order, 'cassette out'), {
      kind: 'refused',
      fault: 'cassette-missing',
    })
    const status = await missing.run(missing.dispenser.status())
    t.match(status.kind === 'status' && status.cassettes.at(lastCassette - 1), {state: 'missing'})
    if (order.length > 1)
      t.equal(
        (await dispenseAndCompare(t, missing, [pick(1, 1)], 'the other cassette works', 8)).kind,
        'dispensed',
      )

    const noBin = await rigOf(model)
    noBin.emulator.operator.setRejectBin('out')
    t.match(await dispenseAndCompare(t, noBin, order, 'no bin'), {
      kind: 'refused',
      fault: 'reject-bin-missing',
    })

    const empty = await rigOf(model, {notes: 0})
    t.match(await dispenseAndCompare(t, empty, [pick(1, 1)], 'empty'), {
      kind: 'refused',
      fault: model.emptyFault,
    })
    const scarce = await rigOf(model, {notes: 2})
    t.match(await dispenseAndCompare(t, scarce, [pick(1, 3)], 'scarce'), {
      kind: 'partial',
      fault: model.emptyFault,
      inPath: 0,
    })
  })

  await t.test(
    `${model.name}: notes standing in the path forbid the next order until they are cleared`,
    async t => {
      for (const at of (await rigOf(model)).emulator.jamSpots) {
        const rig = await rigOf(model)
        rig.emulator.plan({kind: 'jam', at, afterNotes: 1})
        await dispenseAndCompare(t, rig, order, `jam at ${at}`)
        const status = await rig.run(rig.dispenser.status())
        t.match(status, {kind: 'status', path: 'blocked'}, at)
        t.match(await dispenseAndCompare(t, rig, order, 'the next order', 8), {kind: 'refused'}, at)
        t.equal((await rig.run(rig.dispenser.denominate(order))).kind, 'refused', at)
        const cleared = rig.emulator.operator.clearPath()
        t.ok(Object.values(cleared).reduce((sum, count) => sum + count, 0) >= 1, 'the operator counts them')
      }
    },
  )

  await t.test(`${model.name}: impossible orders are our own mistake`, async t => {
    const rig = await rigOf(model)
    const most = rig.dispenser.capabilities.notesPerCassetteMax
    for (const picks of [[], [pick(1, 1), pick(1, 1)], [pick(9, 1)], [pick(1, 0)], [pick(1, most + 1)]]) {
      await t.rejects(async () => rig.run(rig.dispenser.denominate(picks)), {name: 'AssertionFailed'})
      await t.rejects(async () => rig.run(rig.dispenser.dispense(picks, 1)), {name: 'AssertionFailed'})
    }
  })
}

/** A dispense under every fault. @param noteMax so many notes come before a fault at most */
export async function everyMischief(
  t: Test,
  model: Model,
  noteMax: number,
  paces: readonly number[] = [0, 150],
): Promise<void> {
  await t.test(`${model.name}: the account agrees with the hidden ledger under every mischief`, async t => {
    const order = orderOn(await rigOf(model))
    for (const noteMs of paces) {
      for (const mischief of mischiefs((await rigOf(model)).emulator, noteMax)) {
        const rig = await rigOf(model, {noteMs})
        rig.emulator.plan(mischief)
        const name = `${JSON.stringify(mischief)} at ${noteMs} ms a note`
        const outcome = await dispenseAndCompare(t, rig, order, name)
        checkKnowledge(t, model, mischief, outcome, name)
        t.equal(
          orderFrames(model, rig) <= 1 || mischief.kind === 'nakStorm',
          true,
          `${name}: one frame, one chance`,
        )
      }
    }
  })
}

/** A fault that the device noticed must not be `unknown`, and silence must never be a success. */
function checkKnowledge(
  t: Test,
  {jamsAtMouth}: Model,
  mischief: Mischief,
  outcome: DispenseOutcome,
  name: string,
): void {
  switch (mischief.kind) {
    case 'jam':
      t.match(
        outcome,
        {kind: 'partial', path: jamsAtMouth.includes(mischief.at) ? 'atMouth' : 'inside'},
        name,
      )
      break
    case 'pickFails':
      t.match(outcome, {kind: mischief.afterNotes === 0 ? 'refused' : 'partial', fault: 'pick-failed'}, name)
      break
    case 'overflow':
      t.equal(outcome.kind, 'overpaid', name)
      break
    case 'countMismatch':
      t.match(outcome, {kind: 'partial', counts: 'inDoubt'}, name)
      break
    case 'powerCut':
    case 'answerLost':
      t.equal(outcome.kind, 'unknown', name)
      break
    case 'doublePick':
      t.equal(outcome.kind, mischief.times > 1 ? 'partial' : 'dispensed', name)
      break
    case 'acknowledgementLost':
    case 'acknowledgementGlued':
    case 'strayBytes':
    case 'closingLost':
    case 'answerTwice':
    case 'progress':
      t.equal(outcome.kind, 'dispensed', name)
      break
    case 'answerLate':
      t.equal(outcome.kind, mischief.delayMs <= 60_000 ? 'dispensed' : 'unknown', name)
      break
    case 'answerShort':
    case 'answerCorrupt':
      t.equal(outcome.kind, mischief.times <= 2 ? 'dispensed' : 'unknown', name)
      break
    case 'nakStorm':
      t.equal(outcome.kind, mischief.times <= 2 ? 'dispensed' : 'refused', name)
      break
    case 'answerSplit':
      t.equal(outcome.kind, mischief.gapMs < 10 ? 'dispensed' : 'unknown', name)
      break
    default:
  }
}

/** Host frames in the transcript that order a dispense. */
function orderFrames({orderFrames: frames}: Model, rig: Rig): number {
  return rig.emulator.transcript.filter(({from, hex}) => from === 'host' && frames.test(hex)).length
}

async function takeAll(rig: Rig): Promise<{readonly kind: string}> {
  rig.clock.after(2_000, () => {
    rig.emulator.takeNotes()
  })
  return rig.dispenser.present(30_000)
}

/** The suite for models with a stacker, a shutter and a memory. */
export async function stackerConformance(t: Test, model: Model): Promise<void> {
  const order = [pick(1, 3), pick(2, 2)]
  const stacked = async (serial = 7): Promise<Rig> => {
    const rig = await rigOf(model)
    const outcome = await rig.run(rig.dispenser.dispense(order, serial))
    if (outcome.kind !== 'dispensed') throw new RangeError(`does not stack: ${outcome.kind}`)
    return rig
  }

  await t.test(`${model.name}: presented notes are taken, or left and drawn back counted`, async t => {
    const taken = await stacked()
    t.same(await taken.run(takeAll(taken)), {kind: 'taken'})
    t.same(taken.emulator.world.customer, {1: 3, 2: 2})
    t.match(await taken.run(taken.dispenser.status()), {shutter: 'closed', stacker: 'empty', path: 'clear'})

    const left = await stacked()
    t.same(await left.run(left.dispenser.present(5_000)), {kind: 'left'})
    t.match(await left.run(left.dispenser.status()), {shutter: 'open', path: 'blocked'}, 'still within reach')
    t.match(await left.run(left.dispenser.dispense(order, 8)), {kind: 'refused', fault: 'items-left'})
    t.same(await left.run(left.dispenser.retract()), {kind: 'retracted', count: 5, itemsTaken: false})
    t.same(left.emulator.world.retract, {1: 3, 2: 2})
    t.match(await left.run(left.dispenser.status()), {shutter: 'closed', path: 'clear'})
  })

  await t.test(`${model.name}: notes pulled out before the retract are noticed`, async t => {
    for (const count of [1, 4, 5]) {
      const rig = await stacked()
      await rig.run(rig.dispenser.present(1_000))
      rig.emulator.plan({kind: 'someTaken', count})
      t.same(await rig.run(rig.dispenser.retract()), {kind: 'retracted', count: 5 - count, itemsTaken: true})
      t.equal(sumOf(rig.emulator.world, 'customer'), count)
    }
  })

  await t.test(`${model.name}: stacked notes are rejected and counted`, async t => {
    const rig = await stacked()
    t.same(await rig.run(rig.dispenser.reject()), {kind: 'rejected', count: 5})
    t.same(rig.emulator.world.reject, {1: 3, 2: 2})
    t.match(await rig.run(rig.dispenser.present(1_000)), {kind: 'notPresented'}, 'nothing is left to present')
  })

  await t.test(`${model.name}: a jam on the way to a bin makes it unknown`, async t => {
    for (const afterNotes of [0, 2, 4]) {
      const rejecting = await stacked()
      rejecting.emulator.plan({kind: 'rejectJam', afterNotes})
      t.match(await rejecting.run(rejecting.dispenser.reject()), {kind: 'unknown', why: 'jam'})
      const retracting = await stacked()
      await retracting.run(retracting.dispenser.present(1_000))
      retracting.emulator.plan({kind: 'rejectJam', afterNotes, on: 'retract'})
      t.match(await retracting.run(retracting.dispenser.retract()), {kind: 'unknown', why: 'jam'})
      t.match(await retracting.run(retracting.dispenser.status()), {path: 'blocked'})
    }
  })

  await t.test(`${model.name}: a present is exact, proved undone, or unknown`, async t => {
    const blocked = await stacked()
    blocked.emulator.plan({kind: 'shutterBlocked'})
    t.match(await blocked.run(blocked.dispenser.present(1_000)), {
      kind: 'notPresented',
      fault: 'shutter-blocked',
    })
    t.equal(sumOf(blocked.emulator.world, 'stacker'), 5)
    t.same(await blocked.run(blocked.dispenser.reject()), {kind: 'rejected', count: 5})

    const stuck = await stacked()
    stuck.emulator.plan({kind: 'jam', at: 'mouth', afterNotes: 0})
    t.match(await stuck.run(stuck.dispenser.present(1_000)), {kind: 'unknown', why: 'jam-at-mouth'})

    const cut = await stacked()
    cut.clock.after(2_000, () => {
      cut.emulator.powerCut()
      cut.emulator.powerOn()
    })
    t.equal((await cut.run(cut.dispenser.present(20_000))).kind, 'unknown', 'power cut while held out')
    t.match(await cut.run(cut.dispenser.status()), {shutter: 'open', path: 'blocked'})
    t.match(await cut.run(cut.dispenser.retract()), {kind: 'retracted', count: 5})
    t.equal((await cut.run(cut.dispenser.dispense(order, 8))).kind, 'dispensed')
    t.same(await cut.run(takeAll(cut)), {kind: 'taken'}, 'the next present is not disturbed')

    const lost: readonly Mischief[] = [
      {kind: 'answerLost', when: 'before-moving', on: 'present'},
      {kind: 'answerLost', when: 'after-moving', on: 'present'},
      {kind: 'powerCut', afterNotes: 0, on: 'present'},
      {kind: 'powerCut', afterNotes: 1, on: 'present'},
    ]
    for (const mischief of lost) {
      const rig = await stacked()
      rig.emulator.plan(mischief)
      t.equal((await rig.run(rig.dispenser.present(1_000))).kind, 'unknown', JSON.stringify(mischief))
      t.equal(presentFrames(rig), 1, 'asked once')
    }
  })

  await t.test(`${model.name}: recall tells moved, nothing moved, and not remembered apart`, async t => {
    for (const noteMs of [0, 150]) {
      for (const mischief of mischiefs((await rigOf(model)).emulator, 4)) {
        const rig = await rigOf(model, {noteMs})
        const before = rig.emulator.world
        rig.emulator.plan(mischief)
        const outcome = await rig.run(rig.dispenser.dispense(order, 7))
        if (mischief.kind === 'powerCut') rig.emulator.powerOn()
        const recall = await rig.run(rig.dispenser.recall(pastOf(order, 7)))
        const name = `${JSON.stringify(mischief)}: ${outcome.kind}, recalled ${recall.kind}`
        t.equal(recallIsTrue(recall, before, rig.emulator.world), true, name)
        if (mischief.kind === 'powerCut') t.equal(recall.kind, 'notRemembered', name)
        else t.not(recall.kind, 'notRemembered', name)
        t.same(await rig.run(rig.dispenser.recall(pastOf(order, 7))), recall, 'asking changes nothing')
        t.equal(
          (await rig.run(rig.dispenser.recall(pastOf(order, 6)))).kind,
          'notRemembered',
          'another serial',
        )
      }
    }

    function recallIsTrue(
      recall: {readonly kind: string; readonly outcome?: DispenseOutcome},
      from: World,
      to: World,
    ): boolean {
      if (recall.kind === 'notRemembered') return true
      if (recall.kind === 'movedNothing') return sumOf(from, 'cassette') === sumOf(to, 'cassette')
      const {outcome} = recall
      return outcome !== undefined && contradiction(outcome, order, from, to, true) === null
    }
  })

  await t.test(
    `${model.name}: asked while it moves, it says so, and an order recalled as clean never comes`,
    async t => {
      const rig = await rigOf(model)
      rig.clock.after(200, () => {
        rig.cable.pull()
      })
      t.match(await rig.run(rig.dispenser.dispense(order, 7)), {kind: 'unknown', why: 'hung-up'})
      rig.cable.plug()
      t.equal((await rig.run(rig.dispenser.open())).kind, 'open', 'questions are answered')
      t.match(await rig.run(rig.dispenser.dispense(order, 8)), {kind: 'refused'}, 'orders are not taken')
      t.same(await rig.run(rig.dispenser.recall(pastOf(order, 7))), {kind: 'busy'})
      await rig.clock.advance(5_000)
      t.match(await rig.run(rig.dispenser.recall(pastOf(order, 7))), {
        kind: 'moved',
        outcome: {kind: 'dispensed'},
      })

      const late = await rigOf(model)
      late.emulator.plan({kind: 'answerLost', when: 'before-moving'})
      await late.run(late.dispenser.dispense(order, 7))
      t.same(await late.run(late.dispenser.recall(pastOf(order, 7))), {kind: 'movedNothing'})
      t.match(await late.run(late.dispenser.dispense(order, 7)), {kind: 'refused'}, 'that serial is spent')
      t.equal(sumOf(late.emulator.world, 'stacker'), 0)
      t.equal((await late.run(late.dispenser.dispense(order, 8))).kind, 'dispensed')
    },
  )
}

/** Frames that order a present: P is 50, after STX and two bytes of length. */
function presentFrames(rig: Rig): number {
  return rig.emulator.transcript.filter(({from, hex}) => from === 'host' && /^02 .. .. 50/.test(hex)).length
}
