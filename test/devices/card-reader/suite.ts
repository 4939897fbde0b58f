/**
 * What every card reader must do, whatever its model: run against any driver with its emulator. A model's
 * own test file builds the bench and adds what only that model has.
 */
import type {Test} from 'tap'
import type {Card} from '../../../devices/card-reader/emulator-card.ts'
import type {AcceptOutcome, CardReader, EjectOutcome} from '../../../devices/card-reader/port.ts'
import type {Cable, LineFault} from '../../../devices/wire/loopback.ts'
import {epochMs, VirtualClock} from '../../../kit/clock.ts'
import {seededRandom} from '../../../kit/random.ts'
import type {Random} from '../../../kit/random.ts'

/** A track 2 that no other text in a test contains. */
export const TRACK2 = '4012345678909=30122011234500000'

/** The cable of a loopback wire, or one that behaves like it. */
export type BadCable = Pick<Cable, 'misbehave' | 'behave'>

export interface ReaderBench {
  readonly reader: CardReader
  readonly clock: VirtualClock
  /** The customer's hand: pushes a card with that stripe in, or swipes it. Refused when a shutter is in the way. */
  readonly insert: (track2: string) => 'inserted' | 'refused'
  /** The same with any card, for readers of chips. */
  readonly insertCard?: (card: Card) => 'inserted' | 'refused'
  /** Pulls at the card in the mouth; false when none can be had. */
  readonly take: () => boolean
  /** Cards that came in, were taken, were captured. A swiped card came in and was taken. */
  readonly cards: () => {readonly inserted: number; readonly taken: number; readonly captured: number}
  /** Everything that was written down: transcript, log lines, the world as JSON. */
  readonly written: () => string
  readonly pullCable: () => void
  readonly plugCable: () => void
  /** Null where bytes cannot be spoilt one by one. */
  readonly cable: BadCable | null
}

/** A clock at a fixed moment. */
export function newClock(): VirtualClock {
  return new VirtualClock(epochMs(Date.UTC(2026, 10, 22)))
}

/** Runs virtual time until the promise settles. @throws when nothing could settle it, or only after ten minutes */
export async function settled<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const mark = () => {
    isSettled = true
  }
  promise.then(mark, mark)
  const end = await clock.runUntil(() => isSettled, 600_000)
  if (end !== 'done') throw new RangeError(`the promise did not settle: ${end}`)
  return promise
}

/** Whether the machine has the card once `accept` resolved. */
function holds({capabilities}: CardReader): boolean {
  return capabilities.type === 'motor' || capabilities.type === 'latchedDip'
}

/** A card with that stripe comes while `accept` waits; pulled out again where only the hand can, so that every reader has read it. */
async function cardComes(bench: ReaderBench, track2: string): Promise<void> {
  bench.insert(track2)
  if (bench.reader.capabilities.type !== 'dip') return
  await bench.clock.advance(500)
  bench.take()
}

async function accepted(bench: ReaderBench, track2 = TRACK2): Promise<AcceptOutcome> {
  const accepting = bench.reader.accept()
  await bench.clock.advance(1_000)
  await cardComes(bench, track2)
  return settled(bench.clock, accepting)
}

/** The card goes back into the customer's hand. */
async function givenBack(bench: ReaderBench): Promise<EjectOutcome> {
  const ejecting = bench.reader.eject(30_000)
  await bench.clock.advance(5_000)
  if (holds(bench.reader)) bench.take()
  return settled(bench.clock, ejecting)
}

/** Acts of a reader with contacts; none of one without. */
const chipMoments: readonly (readonly [string, (bench: ReaderBench) => Promise<unknown>])[] = [
  ['resetting the chip', async ({reader}) => reader.chip?.reset('cold')],
  ['taking the power off the chip', async ({reader}) => reader.chip?.powerOff()],
]

/** A card goes in, is read, and comes back or not. */
export function readerSuite(
  t: Test,
  newBench: () => ReaderBench | Promise<ReaderBench>,
  {badLineRounds = BAD_LINE_ROUNDS}: {readonly badLineRounds?: number} = {},
): void {
  t.test('capabilities say one thing', async t => {
    const {reader} = await newBench()
    const {capabilities} = reader
    t.equal(reader.chip === null, capabilities.chip.length === 0, 'contacts and their protocols')
    t.ok(capabilities.tracks.length + capabilities.chip.length > 0, 'it reads something')
    t.notOk(capabilities.retain && !holds(reader), 'only what is held can be kept')
    await reader.close()
  })

  t.test('a card comes in, is read and is taken back', async t => {
    const bench = await newBench()
    const {reader, clock, insert, take, cards, written} = bench
    const opened = await settled(clock, reader.open())
    t.match(opened, {kind: 'open', status: {accepting: false}})
    const accepting = reader.accept()
    await clock.advance(3_000)
    t.match(await settled(clock, reader.status()), {accepting: true})
    await cardComes(bench, TRACK2)
    const outcome = await settled(clock, accepting)
    t.equal(outcome.kind, 'inserted')
    t.equal(outcome.kind === 'inserted' && outcome.track2.reveal(), TRACK2)
    t.match(await settled(clock, reader.status()), {kind: 'status', accepting: false})
    const ejecting = reader.eject(30_000)
    await clock.advance(5_000)
    if (holds(reader)) {
      t.match(await settled(clock, reader.status()), {media: 'entering'})
      t.ok(take())
    }
    t.same(await settled(clock, ejecting), {kind: 'taken'})
    t.same(cards(), {inserted: 1, taken: 1, captured: 0})
    t.match(await settled(clock, reader.status()), {
      media: reader.capabilities.type === 'swipe' ? 'notSupported' : 'notPresent',
      accepting: false,
    })
    t.notMatch(written(), new RegExp(TRACK2.slice(0, 13)), 'no PAN is written anywhere')
    t.notMatch(JSON.stringify(outcome), new RegExp(TRACK2.slice(0, 13)), 'nor by the outcome')
    if (reader.capabilities.shutter) t.equal(insert(TRACK2), 'refused', 'and the mouth is shut')
    await reader.close()
  })

  t.test('what comes unasked is kept out, or passed over', async t => {
    const bench = await newBench()
    const {reader, clock, insert} = bench
    await settled(clock, reader.open())
    const unasked = insert('5012345678909=30122011234500000')
    if (reader.capabilities.shutter) {
      t.equal(unasked, 'refused')
    } else {
      await clock.advance(2_000)
      if (reader.capabilities.type !== 'swipe') t.ok(bench.take(), 'it stays within reach')
      await clock.advance(2_000)
    }
    const outcome = await accepted(bench)
    t.equal(outcome.kind === 'inserted' && outcome.track2.reveal(), TRACK2, 'the card that was asked for')
    if (holds(reader)) t.equal(insert(TRACK2), 'refused', 'no second card')
    await reader.close()
  })

  t.test('a card that is left is retained, or said to be there', async t => {
    const bench = await newBench()
    const {reader, clock, insert, take, cards} = bench
    await settled(clock, reader.open())
    if (!holds(reader)) {
      t.match(await settled(clock, reader.retain()), {kind: 'failed', fault: 'not-supported'})
      if (reader.capabilities.type === 'swipe') return
      const accepting = reader.accept()
      await clock.advance(1_000)
      insert(TRACK2)
      await clock.advance(5_000)
      t.match(await settled(clock, reader.status()), {media: 'present'})
      const left = await settled(clock, reader.eject(10_000))
      t.same(left, {kind: 'left'}, 'a hand that does not pull')
      t.ok(take())
      t.equal((await settled(clock, accepting)).kind, 'inserted')
      t.same(await settled(clock, reader.eject(10_000)), {kind: 'taken'})
      await reader.close()
      return
    }
    await accepted(bench)
    const beforeMs = clock.monotonicMs()
    t.same(await settled(clock, reader.eject(30_000)), {kind: 'left'})
    t.ok(clock.monotonicMs() - beforeMs >= 30_000, 'it waited the whole time')
    if (!reader.capabilities.retain) {
      t.match(await settled(clock, reader.retain()), {kind: 'failed', fault: 'not-supported'})
      t.match(await settled(clock, reader.status()), {media: 'entering'})
      return
    }
    t.same(await settled(clock, reader.retain()), {kind: 'retained'})
    t.notOk(take(), 'nothing left to pull at')
    t.same(cards(), {inserted: 1, taken: 0, captured: 1})
    t.match(await settled(clock, reader.status()), {media: 'notPresent'})
    await reader.close()
  })

  t.test('accepting ends when it is refused', async t => {
    const {reader, clock, insert, cards} = await newBench()
    await settled(clock, reader.open())
    const accepting = reader.accept()
    await clock.advance(2_000)
    await settled(clock, reader.refuse())
    t.same(await settled(clock, accepting), {kind: 'stopped'})
    t.match(await settled(clock, reader.status()), {accepting: false})
    if (reader.capabilities.shutter) {
      t.equal(insert(TRACK2), 'refused')
      t.same(cards(), {inserted: 0, taken: 0, captured: 0})
    }
    await settled(clock, reader.refuse())
    t.pass('refusing twice is harmless')
    await reader.close()
  })

  t.test('a card that comes in while accepting is refused is not forgotten', async t => {
    // Every moment of the drawing in is tried, because the race is in the milliseconds.
    for (let delayMs = 0; delayMs <= 900; delayMs += 75) {
      const {reader, clock, insert, cards} = await newBench()
      await settled(clock, reader.open())
      const accepting = reader.accept()
      await clock.advance(2_000)
      const came = insert(TRACK2)
      await clock.advance(delayMs)
      void reader.refuse()
      const outcome = await settled(clock, accepting)
      t.equal(cards().inserted, 1)
      // Where the machine does not have the card, a card too late is a card in the customer's hand.
      if (holds(reader)) t.equal(outcome.kind, 'inserted', `${came}, refused after ${delayMs} ms`)
      else t.ok(['inserted', 'stopped'].includes(outcome.kind), `${outcome.kind} after ${delayMs} ms`)
      await reader.close()
    }
  })

  t.test('what is no card at all is said so', async t => {
    const {reader, clock} = await newBench()
    await settled(clock, reader.open())
    const ejected = await settled(clock, reader.eject(5_000))
    t.match(ejected, holds(reader) ? {kind: 'failed', fault: 'no-card'} : {kind: 'taken'})
    t.match(await settled(clock, reader.retain()), {
      kind: 'failed',
      fault: reader.capabilities.retain ? 'no-card' : 'not-supported',
    })
    await reader.close()
  })

  t.test('garbage on the stripe is unreadable, and the card is given back', async t => {
    for (const stripe of [
      '',
      '4012345678909',
      'hello',
      '40123=3012',
      '4012345678909=30A2',
      `4012345678909=3012${'0'.repeat(25)}`,
    ]) {
      const bench = await newBench()
      await settled(bench.clock, bench.reader.open())
      t.equal((await accepted(bench, stripe)).kind, 'unreadable', `'${stripe}'`)
      t.same(await givenBack(bench), {kind: 'taken'})
      await bench.reader.close()
    }
  })

  t.test('a reset leaves a card where it was told to', async t => {
    const bench = await newBench()
    const {reader, clock, take, cards} = bench
    await settled(clock, reader.open())
    t.match(await settled(clock, reader.reset('stay')), {kind: 'reset', status: {accepting: false}})
    if (!holds(reader)) {
      t.match(await settled(clock, reader.reset('exit')), {kind: 'failed', fault: 'not-supported'})
      return
    }
    await accepted(bench)
    t.match(await settled(clock, reader.reset('stay')), {kind: 'reset', status: {media: 'present'}})
    t.match(await settled(clock, reader.reset('exit')), {kind: 'reset', status: {media: 'entering'}})
    t.ok(take())
    await accepted(bench)
    const kept = await settled(clock, reader.reset('retain'))
    if (reader.capabilities.retain) {
      t.match(kept, {kind: 'reset', status: {media: 'notPresent'}})
      t.same(cards(), {inserted: 2, taken: 1, captured: 1})
    } else {
      t.match(kept, {kind: 'failed', fault: 'not-supported'})
    }
    await reader.close()
  })

  t.test('a pulled cable ends every act, and a card inside survives it', async t => {
    const bench = await newBench()
    const {reader, clock, take, pullCable, plugCable} = bench
    await settled(clock, reader.open())
    const waiting = reader.accept()
    await clock.advance(1_000)
    pullCable()
    t.match(await settled(clock, waiting), {kind: 'failed', fault: 'hung-up'})
    t.match(await settled(clock, reader.open()), {kind: 'failed', fault: 'not-opened'})
    t.equal((await settled(clock, reader.status())).kind, 'failed')
    plugCable()
    t.equal((await settled(clock, reader.open())).kind, 'open')

    const outcome = await accepted(bench)
    t.equal(outcome.kind, 'inserted')
    if (holds(reader)) {
      const ejecting = reader.eject(60_000)
      await clock.advance(5_000)
      pullCable()
      t.match(await settled(clock, ejecting), {kind: 'failed', fault: 'hung-up'})
      plugCable()
      t.match(await settled(clock, reader.open()), {kind: 'open', status: {media: 'entering'}})
      t.ok(take())
      t.match(await settled(clock, reader.status()), {media: 'notPresent'})
    }
    await reader.close()
  })

  t.test('a cable that is pulled in every act and plugged in again leaves nothing hanging', async t => {
    const moments: readonly (readonly [string, (bench: ReaderBench) => Promise<unknown>])[] = [
      ['opening', ({reader}) => reader.open()],
      ['asking for the status', ({reader}) => reader.status()],
      ['accepting', ({reader}) => reader.accept()],
      ['refusing', ({reader}) => reader.refuse()],
      ['ejecting', ({reader}) => reader.eject(30_000)],
      ['retaining', ({reader}) => reader.retain()],
      ['resetting', ({reader}) => reader.reset('stay')],
      ['resetting with the card to the mouth', ({reader}) => reader.reset('exit')],
      ...chipMoments,
    ]
    for (const [act, begin] of moments)
      for (const afterMs of [0, 3, 20, 400]) {
        const bench = await newBench()
        const {reader, clock, pullCable, plugCable, cards} = bench
        await settled(clock, reader.open())
        if (act !== 'accepting') await accepted(bench)
        const acting = begin(bench)
        await clock.advance(afterMs)
        pullCable()
        await settled(clock, acting)
        t.equal(
          (await settled(clock, reader.status())).kind,
          'failed',
          `${act}, ${afterMs} ms: the line is gone`,
        )
        plugCable()
        await clock.advance(30_000)
        const again = await settled(clock, reader.open())
        t.equal(again.kind, 'open', `${act}, ${afterMs} ms: it opens again`)
        if (again.kind !== 'open' || !holds(reader)) continue
        const {inserted, taken, captured} = cards()
        const isThere = inserted - taken - captured === 1
        const {media} = again.status
        t.equal(media === 'present' || media === 'entering', isThere, `${act}, ${afterMs} ms: ${media}`)
        await reader.close()
      }
  })

  t.test('closing ends what is under way', async t => {
    const {reader, clock} = await newBench()
    t.equal((await settled(clock, reader.status())).kind, 'failed', 'before it was ever opened')
    await settled(clock, reader.open())
    const waiting = reader.accept()
    await clock.advance(1_000)
    await reader.close()
    await reader.close()
    t.equal((await settled(clock, waiting)).kind, 'failed')
  })

  t.test('whatever the line does, no card is claimed to be where it is not', async t => {
    for (let round = 0; round < badLineRounds; round++) {
      const seed = `bad-line/${round}`
      const random = seededRandom(seed)
      const bench = await newBench()
      const {cable} = bench
      if (cable === null) {
        t.pass('this wire has no bytes to spoil')
        return
      }
      for (let faults = 1 + random.below(3); faults > 0; faults--)
        cable.misbehave(random.below(2) === 0 ? 'near' : 'far', someFault(random), 1 + random.below(20))
      const complaint = await visitOnBadLine(bench, cable, random)
      if (complaint !== null) t.fail(`${seed}: ${complaint}`)
      await bench.reader.close()
    }
    t.pass(`${badLineRounds} visits`)
  })
}

const BAD_LINE_ROUNDS = 60

function someFault(random: Random): LineFault {
  const unit = random.below(2) === 0 ? 'chunk' : 'byte'
  const everyNth = 1 + random.below(unit === 'chunk' ? 8 : 80)
  switch (random.below(5)) {
    case 0:
      return {do: 'drop', unit, everyNth}
    case 1:
      return {do: 'duplicate', unit, everyNth}
    case 2:
      return {do: 'corrupt', unit, everyNth, bit: random.below(8)}
    case 3:
      return {do: 'split', everyNth, gapMs: random.below(300)}
    default:
      return {do: 'garbage', bytes: random.bytes(1 + random.below(12))}
  }
}

/** One visit over a bad line. @returns what was claimed wrongly, or null */
async function visitOnBadLine(bench: ReaderBench, cable: BadCable, random: Random): Promise<string | null> {
  const {reader, clock, insert, take, cards} = bench
  const opened = await settled(clock, reader.open())
  if (opened.kind === 'open') {
    const accepting = reader.accept()
    await clock.advance(random.below(5_000))
    while (insert(TRACK2) === 'refused' && clock.monotonicMs() < 60_000) await clock.advance(500)
    const {shutter} = reader.capabilities
    // Without a shutter a card may have been put in while none was wanted, and lie in the mouth unheeded.
    if (!shutter) await clock.advance(60_000)
    if (cards().inserted === 0 || !shutter) void reader.refuse()
    const accepted = await settled(clock, accepting)
    if (accepted.kind === 'inserted' && accepted.track2.reveal() !== TRACK2) return 'another track was read'
    if (accepted.kind === 'stopped' && cards().inserted !== 0 && shutter) return 'a card came in unnoticed'
    if (accepted.kind === 'unreadable') return 'a good stripe was called unreadable'
    const isTaker = random.below(2) === 0
    const ejecting = reader.eject(20_000)
    await clock.advance(3_000)
    if (isTaker) take()
    const ejected = await settled(clock, ejecting)
    if (ejected.kind === 'taken' && cards().taken !== 1) return 'a card was called taken and is not'
    if (ejected.kind === 'left' && cards().taken !== 0) return 'a card was called left and is taken'
    const retained = await settled(clock, reader.retain())
    if (retained.kind === 'retained' && cards().captured !== 1) return 'a card was called retained and is not'
  }
  cable.behave()
  // Bytes that a bad line stretched are still under way.
  await clock.advance(60_000)
  // A device may still be counting the bytes of a damaged frame, and swallow what comes meanwhile.
  let again = await settled(clock, reader.open())
  for (let tries = 1; again.kind !== 'open' && tries < 3; tries++) again = await settled(clock, reader.open())
  if (again.kind !== 'open') return `does not open on a good line: ${again.detail}`
  const {inserted, taken, captured} = cards()
  const isIn = inserted - taken - captured === 1
  const {media} = again.status
  return isIn === (media === 'present' || media === 'entering') ? null : `${media}, but the card is elsewhere`
}
