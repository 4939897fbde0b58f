/**
 * The computer dies in the middle: right after each append (nothing of it was performed yet), and at moments
 * all through the visit (something was). After a new start the ledgers agree, or one suspect item says why not.
 */
import t from 'tap'
import type {Journal} from '../../journal/journal.ts'
import {SystemFault} from '../../kit/errors.ts'
import type {MachineJournal} from '../../src/machine.ts'
import {afterwards} from './afterwards.ts'
import {inkWith} from './ink.ts'
import {World} from './world.ts'
import type {Scene} from './world.ts'

type Model = NonNullable<Scene['dispenser']>

/** A disk that takes so many appends and no more; whole again for the next life. */
class TiredDisk {
  #left: number
  constructor(appends: number) {
    this.#left = appends
  }

  readonly ink = (journal: Journal): MachineJournal =>
    inkWith(journal, (session, entries) => {
      if (this.#left === 0) throw new SystemFault('the disk is tired', {cause: null})
      this.#left -= 1
      return journal.append(session, entries)
    })

  heal(): void {
    this.#left = Number.MAX_SAFE_INTEGER
  }
}

/** How many appends one whole visit makes. */
async function appendsOf(dispenser: Model): Promise<number> {
  let count = 0
  const world = await World.open({
    dispenser,
    ink: journal =>
      inkWith(journal, (session, entries) => {
        count += 1
        return journal.append(session, entries)
      }),
  })
  await world.visit()
  await world.close()
  return count
}

async function diskFails(dispenser: Model, appends: number): Promise<void> {
  await t.test(`${dispenser}: the disk fails after ${appends} appends`, async t => {
    const disk = new TiredDisk(appends)
    const world = await World.open({dispenser, ink: disk.ink})
    t.teardown(() => world.close())
    world.customer()
    world.table.machine.start()
    await world.clock.runUntil(
      () => world.state === 'suspended' || world.table.journal.failed !== null,
      120_000,
    )
    const before = world.table.stage.rig.emulators.dispenser.world
    await world.clock.advance(60_000)
    t.strictSame(
      world.table.stage.rig.emulators.dispenser.world.cassette,
      before.cassette,
      'no note moves any more',
    )
    disk.heal()
    await world.crash()
    await afterwards(t, world)
  })
}

async function diesAt(dispenser: Model, atMs: number, devices: 'keepPower' | 'losePower'): Promise<void> {
  await t.test(`${dispenser}: dies ${atMs} ms after the start, devices ${devices}`, async t => {
    const world = await World.open({dispenser})
    t.teardown(() => world.close())
    world.customer()
    world.table.machine.start()
    await world.clock.advance(atMs)
    if (devices === 'losePower') powerCycle(world)
    await world.crash()
    await afterwards(t, world)
  })
}

function powerCycle(world: World): void {
  const {reader, pinPad, dispenser} = world.table.stage.rig.emulators
  reader.cutPower()
  pinPad.cutPower()
  dispenser.powerCut()
  reader.restorePower()
  pinPad.restorePower()
  dispenser.powerOn()
}

/** A prime step, so that moments fall differently against every device's rhythm. */
const STEP_MS = 307
/** A visit with no delays but the customer's takes about nine seconds. */
const VISIT_MS = 9_500

// The third one journals a mark before each order; its moments are those of recall.test.ts.
for (const dispenser of ['lcdm2000', 'reference', 'lcdm4000'] as const) {
  const appends = await appendsOf(dispenser)
  t.comment(`${dispenser}: a visit makes ${appends} appends`)
  for (let k = 0; k <= appends; k += 1) await diskFails(dispenser, k)
  if (dispenser === 'lcdm4000') continue
  for (let atMs = 100; atMs < VISIT_MS; atMs += STEP_MS) {
    await diesAt(dispenser, atMs, 'keepPower')
    await diesAt(dispenser, atMs, 'losePower')
  }
}
