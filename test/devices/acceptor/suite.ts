/**
 * What every note acceptor must hold against its own emulator: a note said to be stacked is in the cashbox, one said to be
 * returned is not, whatever goes wrong; and what is recalled afterwards is true.
 */
import type {Test} from 'tap'
import type {AcceptorEmulator, PathMischief, PathRemains} from '../../../devices/acceptor/emulator-path.ts'
import type {TalkMischief} from '../../../devices/acceptor/emulator-talk.ts'
import type {Acceptor, ItemOutcome, ItemRecall, Mark, NoteType} from '../../../devices/acceptor/port.ts'
import type {Failed} from '../../../devices/outcome.ts'
import type {ByteLink} from '../../../devices/wire/link.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import type {Cable, LineFault} from '../../../devices/wire/loopback.ts'
import {VirtualClock, epochMs} from '../../../kit/clock.ts'
import type {Clock} from '../../../kit/clock.ts'

export type Mischief = PathMischief | TalkMischief

export interface Model {
  readonly name: string
  readonly driver: (link: ByteLink, clock: Clock) => Acceptor
  readonly emulator: (link: ByteLink, clock: Clock) => AcceptorEmulator<Mischief, PathRemains>
  /** Its memory is tied to an order by a mark. */
  readonly needsMark: boolean
}

export interface Rig {
  readonly clock: VirtualClock
  readonly cable: Cable
  readonly acceptor: Acceptor
  readonly emulator: AcceptorEmulator<Mischief, PathRemains>
  readonly run: <T>(work: Promise<T>) => Promise<T>
  /** The next driver on the same wire, as after a restart of the machine. */
  readonly reborn: () => Promise<Acceptor>
}

const BUDGET_MS = 3_600_000
const ALL = [1, 2, 3, 4]

export async function rigOf(model: Model): Promise<Rig> {
  const clock = new VirtualClock(epochMs(1_700_000_000_000))
  const {near, far, cable} = loopbackPair(clock)
  const emulator = model.emulator(far, clock)
  await emulator.start()
  const acceptor = model.driver(near, clock)
  return {
    clock,
    cable,
    acceptor,
    emulator,
    run: work => clock.finish(work, BUDGET_MS),
    reborn: async () => {
      await acceptor.close()
      return model.driver(near, clock)
    },
  }
}

/** Opened, and taking every note. */
export async function startedRig(model: Model): Promise<Rig> {
  const rig = await rigOf(model)
  await mustStart(rig, rig.acceptor)
  return rig
}

async function mustStart(rig: Rig, acceptor: Acceptor): Promise<void> {
  const opened = await rig.run(acceptor.open())
  if (opened.kind !== 'open') throw new RangeError(`does not open: ${opened.detail}`)
  const started = await rig.run(acceptor.start(ALL))
  if (started.kind !== 'started') throw new RangeError(`does not start: ${started.detail}`)
}

/** Feeds a note while the driver waits for one. */
export async function feed(rig: Rig, channel: number, manner: 'well' | 'two' | 'string' = 'well') {
  rig.clock.after(500, () => {
    rig.emulator.insert(channel, manner)
  })
  return rig.run(rig.acceptor.next(20_000))
}

/** Where the note that was fed last is. */
function whereIs(rig: Rig): string {
  return rig.emulator.remains.notes.at(-1)?.at ?? 'nowhere'
}

/** What is wrong with the account of the note that was fed last, or null. */
export function contradiction(rig: Rig, outcome: {readonly kind: string}): string | null {
  const at = whereIs(rig)
  // Credited, it is out of the customer's reach, wherever it stands still.
  if (outcome.kind === 'stacked' && !['cashbox', 'stacking'].includes(at))
    return `stacked, and it is at ${at}`
  if (outcome.kind === 'returned' && !['customer', 'bezel'].includes(at))
    return `returned, and it is at ${at}`
  return null
}

function falseRecall(rig: Rig, recall: ItemRecall | Failed<string>): string | null {
  return recall.kind === 'remembered' ? contradiction(rig, recall.outcome) : null
}

export const PATH_FAULTS: readonly PathMischief[] = [
  ...(['reading', 'stacking', 'rejecting'] as const).map(at => ({kind: 'jam' as const, at})),
  {kind: 'string'},
  {kind: 'cannotStack'},
  {kind: 'left'},
  ...(['reading', 'escrow', 'stacking', 'credited', 'rejecting'] as const).map(at => ({
    kind: 'powerCut' as const,
    at,
  })),
]

/** What can strike on the way in, to the cashbox, and back. */
function faultsOf(act: Act): readonly Mischief[] {
  const fits = (fault: PathMischief): boolean => {
    const isBack = 'at' in fault ? fault.at === 'rejecting' : fault.kind === 'left'
    const isIn = 'at' in fault && (fault.at === 'reading' || fault.at === 'escrow')
    return !isIn && isBack === (act === 'rollback')
  }
  return [...PATH_FAULTS.filter(fits), ...TALK_FAULTS]
}

export const TALK_FAULTS: readonly TalkMischief[] = [
  ...[1, 3, 30].flatMap(times =>
    (['answerLost', 'answerCorrupt', 'answerShort'] as const).map(kind => ({kind, times})),
  ),
  {kind: 'answerTwice'},
  {kind: 'strayBytes'},
  {kind: 'answerSplit', gapMs: 3},
  {kind: 'answerSplit', gapMs: 400},
  {kind: 'answerLate', delayMs: 700},
  {kind: 'answerLate', delayMs: 2_500},
]

const LINE_FAULTS: readonly LineFault[] = [
  {do: 'drop', unit: 'chunk', everyNth: 2},
  {do: 'drop', unit: 'byte', everyNth: 7},
  {do: 'duplicate', unit: 'chunk', everyNth: 1},
  {do: 'duplicate', unit: 'byte', everyNth: 5},
  ...[0, 3, 7].map(bit => ({do: 'corrupt' as const, unit: 'byte' as const, everyNth: 47, bit})),
  {do: 'split', everyNth: 1, gapMs: 2},
  {do: 'garbage', bytes: Uint8Array.of(0x7f, 0x80, 0x02, 0x09, 0xff)},
]

type Act = 'stack' | 'rollback'

interface Done {
  readonly rig: Rig
  readonly note: NoteType
  readonly mark: Mark
  readonly outcome: ItemOutcome
}

/** One note into escrow, a mark, and one act upon it. @param strike right before the act */
async function actOn(model: Model, act: Act, strike: (rig: Rig) => void): Promise<Done> {
  const rig = await startedRig(model)
  const inserted = await feed(rig, 2)
  if (inserted.kind !== 'escrowed') throw new RangeError(`not in escrow: ${inserted.kind}`)
  const marked = await rig.run(rig.acceptor.mark())
  if (marked.kind !== 'marked') throw new RangeError(`no mark: ${marked.detail}`)
  strike(rig)
  const outcome = await rig.run(act === 'stack' ? rig.acceptor.stack() : rig.acceptor.rollback())
  await rig.clock.advance(120_000)
  return {rig, note: inserted.note, mark: marked.mark, outcome}
}

/** Power and cable back, asked again by the next driver, and the next note goes in. */
async function recover(t: Test, done: Done, name: string): Promise<ItemRecall | Failed<string>> {
  const {rig, note, mark} = done
  rig.cable.behave()
  rig.cable.plug()
  if (rig.emulator.state.power === 'off') rig.emulator.restorePower()
  await rig.clock.advance(60_000)
  const next = await rig.reborn()
  const opened = await rig.run(next.open())
  t.equal(opened.kind, 'open', `${name}: opens again`)
  const recall = await rig.run(next.recall({note, mark}))
  t.equal(falseRecall(rig, recall), null, `${name}: recalled ${recall.kind}`)
  t.same(await rig.run(next.recall({note, mark})), recall, `${name}: asking changes nothing`)
  rig.emulator.clearPath()
  rig.emulator.takeBack()
  await rig.run(next.reset())
  await mustStart(rig, next)
  rig.clock.after(500, () => {
    rig.emulator.insert(1)
  })
  t.match(await rig.run(next.next(20_000)), {kind: 'escrowed', note: {channel: 1}}, `${name}: the next note`)
  t.match(await rig.run(next.stack()), {kind: 'stacked', note: {channel: 1}}, `${name}: and is stored`)
  await rig.run(next.close())
  return recall
}

/** Runs the suite for one model. */
export async function acceptorSuite(t: Test, model: Model): Promise<void> {
  const {name} = model

  await t.test(`${name}: opening takes nothing in and says who it is`, async t => {
    const rig = await rigOf(model)
    const opened = await rig.run(rig.acceptor.open())
    t.match(opened, {
      kind: 'open',
      identity: {firmware: /./},
      status: {path: 'clear', fault: null, accepting: false},
    })
    if (opened.kind === 'open') t.ok(opened.status.notes.length >= 4)
    t.equal(rig.emulator.insert(1).is, 'not-taken')
    t.equal((await rig.run(rig.acceptor.open())).kind, 'open', 'opening again is allowed')
    t.ok((await rig.run(rig.acceptor.describe())).length > 0)
    t.match(await rig.run(rig.acceptor.status()), {kind: 'status', cashbox: 'ok'})
    await t.rejects(rig.run(rig.acceptor.start([99])), {name: 'AssertionFailed'})
    await t.rejects(rig.run(rig.acceptor.next(100)), {name: 'AssertionFailed'})
    await rig.run(rig.acceptor.close())
  })

  await t.test(`${name}: notes are held, stored one by one, and each is what it was`, async t => {
    const rig = await startedRig(model)
    for (const channel of ALL) {
      t.match(await feed(rig, channel), {kind: 'escrowed', note: {channel}})
      await rig.clock.advance(35_000)
      t.match(await rig.run(rig.acceptor.status()), {path: 'escrow', accepting: true})
      t.equal(whereIs(rig), 'escrow', 'for as long as nobody decides')
      const marked = await rig.run(rig.acceptor.mark())
      t.equal(typeof (marked.kind === 'marked' ? marked.mark : 0), model.needsMark ? 'string' : 'object')
      t.match(await rig.run(rig.acceptor.stack()), {kind: 'stacked', note: {channel}})
      t.equal(whereIs(rig), 'cashbox')
    }
    t.same(await rig.run(rig.acceptor.next(2_000)), {kind: 'nothing'})
    t.same(await rig.run(rig.acceptor.end()), {kind: 'ended'})
    t.equal(rig.emulator.insert(1).is, 'not-taken', 'after the end nothing is taken')
  })

  await t.test(`${name}: a note goes back when it is asked for, and when the cash-in ends`, async t => {
    const rig = await startedRig(model)
    await feed(rig, 3)
    t.match(await rig.run(rig.acceptor.rollback()), {kind: 'returned'})
    await rig.clock.advance(5_000)
    t.equal(whereIs(rig), 'customer')
    await feed(rig, 3)
    t.same(await rig.run(rig.acceptor.end()), {kind: 'ended'})
    await rig.clock.advance(5_000)
    t.equal(whereIs(rig), 'customer')
    const again = await startedRig(model)
    await feed(again, 2)
    t.equal((await again.run(again.acceptor.open())).kind, 'open')
    await again.clock.advance(5_000)
    t.equal(whereIs(again), 'customer', 'what lay in escrow is the customer’s when the machine comes again')
  })

  await t.test(`${name}: what it does not take goes back, with the reason`, async t => {
    const rig = await startedRig(model)
    for (const [channel, manner] of [
      [0, 'well'],
      [1, 'two'],
      [1, 'string'],
    ] as const) {
      t.match(await feed(rig, channel, manner), {kind: 'refused'}, `${channel} ${manner}`)
      t.equal(whereIs(rig), 'customer')
    }
    await rig.run(rig.acceptor.end())
    t.equal((await rig.run(rig.acceptor.start([1]))).kind, 'started')
    t.match(await feed(rig, 4), {kind: 'refused'}, 'a channel that is not wanted now')
    t.match(await feed(rig, 1), {kind: 'escrowed'})
  })

  await t.test(`${name}: without a cashbox nothing is taken, and it says so`, async t => {
    const rig = await startedRig(model)
    rig.emulator.setCashbox('out')
    t.match(await rig.run(rig.acceptor.next(2_000)), {kind: 'failed', fault: 'cashbox-missing'})
    t.equal(rig.emulator.insert(1).is, 'not-taken')
    t.match(await rig.run(rig.acceptor.end()), {kind: 'ended'})
    t.match(await rig.run(rig.acceptor.status()), {cashbox: 'missing', fault: 'cashbox-missing'})
    rig.emulator.setCashbox('in')
    await rig.run(rig.acceptor.status())
    t.match(await rig.run(rig.acceptor.status()), {cashbox: 'ok', fault: null})
  })

  for (const act of ['stack', 'rollback'] as const)
    await t.test(`${name}: ${act} under every fault is true, and so is what is recalled`, async t => {
      for (const fault of faultsOf(act)) {
        const text = `${act} ${JSON.stringify(fault)}`
        const done = await actOn(model, act, ({emulator}) => {
          emulator.plan(fault)
        })
        t.equal(contradiction(done.rig, done.outcome), null, `${text}: ${done.outcome.kind}`)
        const recall = await recover(t, done, text)
        if (fault.kind === 'powerCut' && done.outcome.kind === 'unknown')
          t.equal(recall.kind, 'remembered', `${text}: it remembers through a power cut`)
      }
    })

  await t.test(`${name}: a note on its way in under every fault is never lost sight of`, async t => {
    for (const fault of [...PATH_FAULTS, ...TALK_FAULTS]) {
      const text = JSON.stringify(fault)
      const rig = await startedRig(model)
      rig.emulator.plan(fault)
      const inserted = await feed(rig, 2)
      t.ok(
        ['escrowed', 'nothing', 'failed', 'unknown', 'refused'].includes(inserted.kind),
        `${text}: ${inserted.kind}`,
      )
      if (inserted.kind === 'escrowed' && rig.emulator.state.power === 'on')
        t.equal(whereIs(rig), 'escrow', text)
      if (inserted.kind === 'refused') t.equal(whereIs(rig), 'customer', text)
      t.not(whereIs(rig), 'cashbox', `${text}: nothing is stored without an order`)
    }
  })

  await t.test(`${name}: cable and power may go at any moment`, async t => {
    for (const atMs of [
      0, 1, 100, 200, 250, 400, 500, 749, 750, 900, 1_000, 1_300, 1_499, 1_500, 1_700, 2_500,
    ])
      for (const what of ['cable', 'power'] as const) {
        const text = `${what} after ${atMs} ms`
        const done = await actOn(model, 'stack', rig => {
          rig.clock.after(atMs, () => {
            if (what === 'cable') rig.cable.pull()
            else rig.emulator.cutPower()
          })
        })
        t.equal(contradiction(done.rig, done.outcome), null, `${text}: ${done.outcome.kind}`)
        await recover(t, done, text)
      }
  })

  await t.test(`${name}: a bad line never makes a false account`, async t => {
    for (const from of ['near', 'far'] as const)
      for (const fault of LINE_FAULTS) {
        const text = `${from} ${JSON.stringify(fault)}`
        for (const act of ['stack', 'rollback'] as const) {
          const done = await actOn(model, act, ({cable}) => {
            cable.misbehave(from, fault)
          })
          t.equal(contradiction(done.rig, done.outcome), null, `${text}: ${done.outcome.kind}`)
        }
      }
  })
}
