/**
 * Every command of a dispenser model with every fault: nothing is said that the hidden ledger contradicts, and the model
 * serves again afterwards. And what its memory proves, where it has one.
 */
import type {Test} from 'tap'
import type {DispenseOutcome, Dispenser, Mark, Pick, Recall} from '../../../devices/dispenser/port.ts'
import type {DispenserEmulator, Mischief, OrderKind} from '../../../devices/dispenser/mischief.ts'
import type {World} from '../../../devices/dispenser/world.ts'
import {contradiction, dispenseAndCompare, markOf, mischiefs, orderOn, pick, rigOf} from './conformance.ts'
import type {Model, Rig} from './conformance.ts'

/** One command of the port. */
interface Act {
  readonly name: string
  /** What fault plans call it. */
  readonly on: OrderKind
  readonly run: (dispenser: Dispenser) => Promise<{readonly kind: string}>
  /** What is wrong with the account, or null. */
  readonly wrong: (said: {readonly kind: string}, before: World, after: World) => string | null
}

const still = (_said: unknown, before: World, after: World): string | null =>
  JSON.stringify(before) === JSON.stringify(after) ? null : 'notes moved'

function total(world: World, place: keyof World): number {
  return Object.values(world[place]).reduce((sum, count) => sum + count, 0)
}

/** All that a session, a probe or an operator asks of a dispenser, the dispense aside. */
export function actsOn(dispenser: Dispenser): readonly Act[] {
  const acts: readonly Act[] = [
    {name: 'open', on: 'identify', run: on => on.open(), wrong: still},
    {name: 'status', on: 'status', run: on => on.status(), wrong: still},
    {
      name: 'describe',
      on: 'identify',
      run: async on => ({kind: `${(await on.describe()).length}`}),
      wrong: still,
    },
    {name: 'denominate', on: 'status', run: on => on.denominate([pick(1, 1)]), wrong: still},
    {name: 'mark', on: 'recall', run: on => on.mark(), wrong: still},
    {
      name: 'recall',
      on: 'recall',
      run: on => on.recall({serial: 3, picks: [pick(1, 1)], mark: null}),
      wrong: still,
    },
    ...(['reset', 'purge'] as const).map((on): Act => ({
      name: 'reset',
      on,
      run: each => each.reset(),
      wrong: (said, before, after) => {
        if (total(after, 'cassette') !== total(before, 'cassette')) return 'a reset picked notes'
        return said.kind === 'reset' && total(after, 'path') + total(after, 'mouth') > 0
          ? 'notes are still in the way'
          : null
      },
    })),
    {
      name: 'test',
      on: 'test',
      run: each => each.test(1),
      wrong: (said, before, after) => {
        if (total(after, 'outlet') !== total(before, 'outlet')) return 'a test paid out'
        const isOne = total(after, 'reject') - total(before, 'reject') === 1
        return said.kind === 'tested' && !isOne ? 'not one note rejected' : null
      },
    },
  ]
  return acts.filter(({name}) => name !== 'test' || dispenser.capabilities.test)
}

/** The device is whole again: power, path, and whatever it was busy with. */
export async function restore(emulator: DispenserEmulator, settle: () => Promise<void>): Promise<void> {
  await settle()
  if (emulator.state.power === 'off') emulator.powerOn()
  emulator.operator.clearPath()
}

/** Acts that send what another one sends as well. */
const REPEATED = ['denominate', 'recall']

/**
 * The suite for one model: every command, every fault.
 * @param once leaves out what differs in strength or in our own code alone: for wires that are slow
 */
export async function everyCommand(t: Test, model: Model, once = false): Promise<void> {
  const acts = actsOn((await rigOf(model)).dispenser)
  const faults = mischiefs((await rigOf(model)).emulator, 1).filter(fault => !once || isFirstOfItsKind(fault))
  for (const act of acts.filter(({name}) => !once || !REPEATED.includes(name)))
    await t.test(`${model.name}: ${act.name} (${act.on}) under every fault`, async t => {
      for (const mischief of faults) {
        for (const isStuck of act.name === 'reset' && !once ? [false, true] : [false]) {
          const name = `${JSON.stringify(mischief)}${isStuck ? ', notes stuck before' : ''}`
          const rig = await rigOf(model)
          if (isStuck) await stick(rig)
          const before = rig.emulator.world
          rig.emulator.plan({...mischief, on: act.on})
          const said = await rig.run(act.run(rig.dispenser))
          await rig.clock.advance(200_000)
          t.equal(act.wrong(said, before, rig.emulator.world), null, `${name}: ${said.kind}`)
          await restore(rig.emulator, async () => undefined)
          t.equal((await rig.run(rig.dispenser.open())).kind, 'open', `${name}: opens again`)
          await rig.run(rig.dispenser.reset())
          const next = await dispenseAndCompare(t, rig, orderOn(rig), `${name}: the next order`, 9)
          t.equal(next.kind, 'dispensed', `${name}: the next order`)
        }
      }
    })

  await t.test(`${model.name}: a reset clears the path and says what it counted`, async t => {
    const jams = (await rigOf(model)).emulator.jamSpots
    for (const at of jams) {
      const rig = await rigOf(model)
      rig.emulator.plan({kind: 'jam', at, afterNotes: 1})
      await rig.run(rig.dispenser.dispense(orderOn(rig), 1))
      const before = rig.emulator.world
      const reset = await rig.run(rig.dispenser.reset())
      const after = rig.emulator.world
      // Notes paid before lie at the front until they are taken, where a sensor sees them there.
      const {stacker, itemsTakenSensor} = rig.dispenser.capabilities
      const media = !stacker && itemsTakenSensor && total(after, 'outlet') > 0 ? 'atMouth' : 'none'
      t.match(reset, {kind: 'reset', status: {path: 'clear', media}}, at)
      if (reset.kind === 'reset' && reset.tallies !== null) {
        const said = reset.tallies.reduce((sum, {dispensed, rejected}) => sum + dispensed + rejected, 0)
        t.equal(said, total(before, 'path') + total(before, 'mouth'), `${at}: counted`)
        const out = reset.tallies.reduce((sum, {dispensed}) => sum + dispensed, 0)
        t.equal(out, total(after, 'outlet') - total(before, 'outlet'), `${at}: what fell out is said`)
      }
    }
    const noBin = await rigOf(model)
    noBin.emulator.operator.setRejectBin('out')
    t.match(await noBin.run(noBin.dispenser.reset()), {kind: 'failed', fault: 'reject-bin-missing'})
  })

  if (!(await rigOf(model)).emulator.mischiefKinds.includes('answerLate')) return
  await t.test(`${model.name}: a late answer is not the next order's`, async t => {
    const rig = await rigOf(model)
    rig.emulator.plan({kind: 'answerLate', delayMs: 70_000})
    t.equal((await dispenseAndCompare(t, rig, orderOn(rig), 'late', 1)).kind, 'unknown')
    const next = await dispenseAndCompare(t, rig, [pick(1, 1)], 'the next order', 2)
    t.match(next, {kind: 'dispensed', tallies: [{cassette: 1, dispensed: 1}]})
  })
}

function isFirstOfItsKind(mischief: Mischief): boolean {
  if ('times' in mischief) return mischief.times === 3
  if ('gapMs' in mischief) return mischief.gapMs === 60
  if ('delayMs' in mischief) return mischief.delayMs === 70_000
  return true
}

/** Leaves a note in the path. */
async function stick(rig: Rig): Promise<void> {
  rig.emulator.plan({kind: 'jam', at: 'diverter', afterNotes: 1})
  await rig.run(rig.dispenser.dispense(orderOn(rig), 1))
}

/** What a recall claims against what happened to the notes, or null when it is true or claims nothing. */
function falseRecall(
  recall: {readonly kind: string},
  picks: readonly Pick[],
  from: World,
  to: World,
  hasStacker: boolean,
): string | null {
  if (recall.kind === 'movedNothing')
    return total(from, 'cassette') === total(to, 'cassette') ? null : 'notes moved'
  const {outcome} = isMoved(recall) ? recall : {outcome: null}
  return outcome === null ? null : contradiction(outcome, picks, from, to, hasStacker)
}

function isMoved(recall: {readonly kind: string}): recall is Extract<Recall, {kind: 'moved'}> {
  return recall.kind === 'moved'
}

/** The suite for models that recall: by this driver, or by the next one on the same wire with the mark of the first. */
export async function recallConformance(t: Test, model: Model): Promise<void> {
  const ordered = async (
    mischief: Mischief | null,
    picks: (rig: Rig) => readonly Pick[] = orderOn,
    rig: Rig | null = null,
    serial = 7,
  ): Promise<{rig: Rig; before: World; outcome: DispenseOutcome; mark: Mark; picks: readonly Pick[]}> => {
    const on = rig ?? (await rigOf(model))
    const before = on.emulator.world
    const mark = await markOf(on)
    if (mischief !== null) on.emulator.plan(mischief)
    const outcome = await on.run(on.dispenser.dispense(picks(on), serial))
    return {rig: on, before, outcome, mark, picks: picks(on)}
  }
  const recallOf = async (
    {rig, mark, picks}: {rig: Rig; mark: Mark; picks: readonly Pick[]},
    serial = 7,
    by: Dispenser = rig.dispenser,
  ) => rig.run(by.recall({serial, picks, mark}))

  await t.test(
    `${model.name}: what is recalled is true under every fault, and forgotten with the power`,
    async t => {
      for (const noteMs of [0, 150])
        for (const mischief of mischiefs((await rigOf(model)).emulator, 5)) {
          const done = await ordered(mischief, orderOn, await rigOf(model, {noteMs}))
          const {rig, before} = done
          await rig.clock.advance(100_000)
          if (rig.emulator.state.power === 'off') rig.emulator.powerOn()
          await rig.run(rig.dispenser.open())
          const recall = await recallOf(done)
          const name = `${JSON.stringify(mischief)} at ${noteMs} ms: ${done.outcome.kind}, recalled ${recall.kind}`
          const {stacker} = rig.dispenser.capabilities
          t.equal(falseRecall(recall, done.picks, before, rig.emulator.world, stacker), null, name)
          if (mischief.kind === 'powerCut') t.equal(recall.kind, 'notRemembered', name)
          const hasMoved = total(before, 'cassette') !== total(rig.emulator.world, 'cassette')
          if (hasMoved && mischief.kind !== 'powerCut') t.equal(recall.kind, 'moved', name)
          t.same(await recallOf(done), recall, 'asking changes nothing')
        }
    },
  )

  await t.test(`${model.name}: a lost answer is recalled, by this driver and by the next one`, async t => {
    const lost = await ordered({kind: 'answerLost', when: 'after-moving'})
    t.equal(lost.outcome.kind, 'unknown')
    t.match(await recallOf(lost), {kind: 'moved', outcome: {kind: 'dispensed'}})

    const rig = await rigOf(model)
    rig.clock.after(300, () => {
      rig.cable.pull()
    })
    const pulled = await ordered(null, orderOn, rig)
    t.match(pulled.outcome, {kind: 'unknown', why: 'hung-up'})
    await rig.clock.advance(10_000)
    rig.cable.plug()
    const next = await rig.reborn()
    t.equal((await rig.run(next.open())).kind, 'open')
    t.match(await recallOf(pulled, 7, next), {kind: 'moved', outcome: {kind: 'dispensed'}}, 'after a restart')
  })

  await t.test(`${model.name}: the order before is never taken for this one`, async t => {
    for (const picks of [orderOn, () => [pick(1, 1)]]) {
      const first = await ordered(null, orderOn)
      const {rig} = first
      t.equal(first.outcome.kind, 'dispensed')
      if (rig.dispenser.capabilities.stacker) await rig.run(rig.dispenser.reject())
      const before = rig.emulator.world
      const lost = await ordered({kind: 'answerLost', when: 'before-moving'}, picks, rig, 8)
      t.equal(lost.outcome.kind, 'unknown')
      const recall = await recallOf(lost, 8)
      t.not(recall.kind, 'moved', 'nothing moved')
      t.same(rig.emulator.world.cassette, before.cassette)
      if (model.needsMark)
        t.same(await recallOf({...lost, mark: null}, 8), {kind: 'notRemembered'}, 'nothing without a mark')
    }
  })

  await t.test(
    `${model.name}: power lost between order and recall: not remembered, even of an order that was done`,
    async t => {
      const done = await ordered({kind: 'answerLost', when: 'after-moving'})
      done.rig.emulator.powerCut()
      done.rig.emulator.powerOn()
      t.equal((await done.rig.run(done.rig.dispenser.open())).kind, 'open')
      t.same(await recallOf(done), {kind: 'notRemembered'})
    },
  )
}
