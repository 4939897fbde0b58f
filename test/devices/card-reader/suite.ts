/**
 * What every card reader must do, whatever its model: run against any driver with its emulator. A model's
 * own test file builds the bench and adds what only that model has.
 */
import type {Test} from 'tap'
import type {CardReader} from '../../../devices/card-reader/port.ts'
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
  /** Pushes a card with that stripe at the mouth. */
  readonly insert: (track2: string) => 'inserted' | 'refused'
  /** Pulls at the card in the mouth. */
  readonly take: () => boolean
  /** Cards that came in, were taken, were captured. */
  readonly cards: () => {readonly inserted: number; readonly taken: number; readonly captured: number}
  /** Everything that was written down: transcript, log lines, the world as JSON. */
  readonly written: () => string
  readonly pullCable: () => void
  readonly plugCable: () => void
  readonly cable: BadCable
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

/** A card goes in, is read, and comes back or not. */
export function readerSuite(t: Test, newBench: () => ReaderBench | Promise<ReaderBench>): void {
  t.test('a card comes in, is read and is taken back', async t => {
    const {reader, clock, insert, take, cards, written} = await newBench()
    const opened = await settled(clock, reader.open())
    t.equal(opened.kind, 'open')
    t.equal(opened.kind === 'open' && opened.status.media, 'absent')
    t.equal(insert(TRACK2), 'refused', 'nothing comes in while nothing is asked for')
    const accepting = reader.accept()
    await clock.advance(3_000)
    t.equal(insert(TRACK2), 'inserted')
    const accepted = await settled(clock, accepting)
    t.equal(accepted.kind, 'inserted')
    t.equal(accepted.kind === 'inserted' && accepted.track2.reveal(), TRACK2)
    const held = await settled(clock, reader.status())
    t.match(held, {kind: 'status', media: 'inside', accepting: false})
    t.equal(insert(TRACK2), 'refused', 'no second card')

    const ejecting = reader.eject(30_000)
    await clock.advance(5_000)
    t.match(await settled(clock, reader.status()), {media: 'atMouth'})
    t.ok(take())
    t.same(await settled(clock, ejecting), {kind: 'taken'})
    t.same(cards(), {inserted: 1, taken: 1, captured: 0})
    t.match(await settled(clock, reader.status()), {media: 'absent', accepting: false})
    t.notMatch(written(), new RegExp(TRACK2.slice(0, 13)), 'no PAN is written anywhere')
    await reader.close()
  })

  t.test('a card left in the mouth is retained', async t => {
    const {reader, clock, insert, take, cards} = await newBench()
    await settled(clock, reader.open())
    const accepting = reader.accept()
    await clock.advance(1_000)
    insert(TRACK2)
    await settled(clock, accepting)
    const beforeMs = clock.monotonicMs()
    t.same(await settled(clock, reader.eject(30_000)), {kind: 'left'})
    t.ok(clock.monotonicMs() - beforeMs >= 30_000, 'it waited the whole time')
    t.same(await settled(clock, reader.retain()), {kind: 'retained'})
    t.notOk(take(), 'nothing left to pull at')
    t.same(cards(), {inserted: 1, taken: 0, captured: 1})
    t.match(await settled(clock, reader.status()), {media: 'absent'})
    await reader.close()
  })

  t.test('accepting ends when it is refused', async t => {
    const {reader, clock, insert, cards} = await newBench()
    await settled(clock, reader.open())
    const accepting = reader.accept()
    await clock.advance(2_000)
    t.match(await settled(clock, reader.status()), {accepting: true})
    await settled(clock, reader.refuse())
    t.same(await settled(clock, accepting), {kind: 'stopped'})
    t.equal(insert(TRACK2), 'refused')
    t.match(await settled(clock, reader.status()), {accepting: false, media: 'absent'})
    t.same(cards(), {inserted: 0, taken: 0, captured: 0})
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
      t.equal(outcome.kind, 'inserted', `${came}, refused after ${delayMs} ms`)
      t.equal(cards().inserted, 1)
      await reader.close()
    }
  })

  t.test('what is no card at all is said so', async t => {
    const {reader, clock} = await newBench()
    await settled(clock, reader.open())
    t.match(await settled(clock, reader.eject(5_000)), {kind: 'failed', fault: 'no-card'})
    t.match(await settled(clock, reader.retain()), {kind: 'failed', fault: 'no-card'})
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
      const {reader, clock, insert, take} = await newBench()
      await settled(clock, reader.open())
      const accepting = reader.accept()
      await clock.advance(1_000)
      insert(stripe)
      t.equal((await settled(clock, accepting)).kind, 'unreadable', `'${stripe}'`)
      const ejecting = reader.eject(10_000)
      await clock.advance(4_000)
      t.ok(take())
      t.same(await settled(clock, ejecting), {kind: 'taken'})
      await reader.close()
    }
  })

  t.test('a pulled cable ends every act, and a card inside survives it', async t => {
    const {reader, clock, insert, take, pullCable, plugCable} = await newBench()
    await settled(clock, reader.open())
    const waiting = reader.accept()
    await clock.advance(1_000)
    pullCable()
    t.match(await settled(clock, waiting), {kind: 'failed', fault: 'hung-up'})
    t.match(await settled(clock, reader.open()), {kind: 'failed', fault: 'not-opened'})
    t.equal((await settled(clock, reader.status())).kind, 'failed')
    plugCable()
    t.equal((await settled(clock, reader.open())).kind, 'open')

    const accepting = reader.accept()
    await clock.advance(1_000)
    insert(TRACK2)
    await settled(clock, accepting)
    const ejecting = reader.eject(60_000)
    await clock.advance(5_000)
    pullCable()
    t.match(await settled(clock, ejecting), {kind: 'failed', fault: 'hung-up'})
    plugCable()
    t.match(await settled(clock, reader.open()), {kind: 'open', status: {media: 'atMouth'}})
    t.ok(take())
    t.match(await settled(clock, reader.status()), {media: 'absent'})
    await reader.close()
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
    for (let round = 0; round < BAD_LINE_ROUNDS; round++) {
      const seed = `bad-line/${round}`
      const random = seededRandom(seed)
      const bench = await newBench()
      for (let faults = 1 + random.below(3); faults > 0; faults--)
        bench.cable.misbehave(random.below(2) === 0 ? 'near' : 'far', someFault(random), 1 + random.below(20))
      const complaint = await visitOnBadLine(bench, random)
      if (complaint !== null) t.fail(`${seed}: ${complaint}`)
      await bench.reader.close()
    }
    t.pass(`${BAD_LINE_ROUNDS} visits`)
  })
}

const BAD_LINE_ROUNDS = 150

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
async function visitOnBadLine(bench: ReaderBench, random: Random): Promise<string | null> {
  const {reader, clock, insert, take, cards, cable} = bench
  const opened = await settled(clock, reader.open())
  if (opened.kind === 'open') {
    const accepting = reader.accept()
    await clock.advance(random.below(5_000))
    while (insert(TRACK2) === 'refused' && clock.monotonicMs() < 60_000) await clock.advance(500)
    if (cards().inserted === 0) void reader.refuse()
    const accepted = await settled(clock, accepting)
    if (accepted.kind === 'inserted' && accepted.track2.reveal() !== TRACK2) return 'another track was read'
    if (accepted.kind === 'stopped' && cards().inserted !== 0) return 'a card came in unnoticed'
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
  // A device may still be counting the bytes of a damaged frame, and swallow what comes meanwhile.
  let again = await settled(clock, reader.open())
  for (let tries = 1; again.kind !== 'open' && tries < 3; tries++) again = await settled(clock, reader.open())
  if (again.kind !== 'open') return `does not open on a good line: ${again.detail}`
  const {inserted, taken, captured} = cards()
  const isIn = inserted - taken - captured === 1
  const {media} = again.status
  return isIn === (media === 'inside' || media === 'atMouth') ? null : `${media}, but the card is elsewhere`
}
