/**
 * The Puloon models over the real serial stack: pseudo-terminals, real bytes in real chunks. Every command with every fault,
 * in time that runs faster than the clock on the wall: what comes too late for that is a fault more, and an account must
 * be true all the same.
 */
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import type {DispenserEmulator, Mischief} from '../../../devices/dispenser/mischief.ts'
import type {Dispenser} from '../../../devices/dispenser/port.ts'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import type {SerialSettings} from '../../../devices/wire/serial.ts'
import {realClock} from '../../../kit/clock.ts'
import type {Clock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {DISPENSERS} from '../../../src/drivers.ts'
import {ptyAvailable, skipUnless} from '../../needs.ts'
import {actsOn} from './commands.ts'
import {contradiction, mischiefs, orderOn, pick} from './conformance.ts'
import type {Model} from './conformance.ts'
import {LCDM1000, LCDM2000, LCDM4000} from './models.ts'

const clock = realClock()
const folder = mkdtempSync(join(tmpdir(), 'tellerd-puloon-'))
t.teardown(() => {
  rmSync(folder, {recursive: true})
})

/** So many times as fast as the clock on the wall. */
const HASTE = 20
/** Cases at the same time: most of them wait. */
const AT_ONCE = 40

function hastyClock(): Clock {
  return {
    ...clock,
    monotonicMs: () => clock.monotonicMs() * HASTE,
    after: (delayMs, fire) => clock.after(delayMs / HASTE, fire),
    sleep: delayMs => clock.sleep(delayMs / HASTE),
  }
}

interface Bench {
  readonly dispenser: Dispenser
  readonly emulator: DispenserEmulator
  readonly close: () => Promise<void>
}

let terminals = 0

async function bench(model: Model, line: SerialSettings, time: Clock, noteMs: number): Promise<Bench> {
  terminals += 1
  const terminal = pseudoTerminal(join(folder, `${terminals}`))
  const emulator = model.emulator(terminal.far, time, 100, noteMs)
  await emulator.start()
  const dispenser = model.driver(serialLink(terminal.path, line, time, silentLog), time)
  return {
    dispenser,
    emulator,
    close: async () => {
      await dispenser.close()
      await emulator.stop()
      terminal.remove()
    },
  }
}

/** One case: a fault, and the command that it strikes. */
interface Case {
  readonly mischief: Mischief
  /** A command of actsOn by its place, or null for a dispense. */
  readonly act: number | null
}

/** What a case got wrong about the notes, or null; and how the command ended. */
async function played(
  model: Model,
  line: SerialSettings,
  {mischief, act}: Case,
): Promise<readonly [string, string | null]> {
  const {dispenser, emulator, close} = await bench(model, line, hastyClock(), 30)
  try {
    await dispenser.open()
    const before = emulator.world
    const one = act === null ? null : actsOn(dispenser)[act]
    emulator.plan(one === null || one === undefined ? mischief : {...mischief, on: one.on})
    const order = orderOn({dispenser})
    const said = one === null || one === undefined ? null : await one.run(dispenser)
    const outcome = said === null ? await dispenser.dispense(order, 7) : null
    // Whatever still moves comes to rest.
    while (emulator.state.isMoving) await clock.sleep(5)
    const after = emulator.world
    if (outcome !== null)
      return [outcome.kind, contradiction(outcome, order, before, after, dispenser.capabilities.stacker)]
    return [
      `${one?.name ?? ''} ${said?.kind ?? ''}`,
      said === null ? null : (one?.wrong(said, before, after) ?? null),
    ]
  } finally {
    await close()
  }
}

/** The faults, one or two strengths of each kind. */
function faultsOf(emulator: DispenserEmulator): readonly Mischief[] {
  return mischiefs(emulator, 1).filter(
    mischief => !('times' in mischief) || mischief.times === 1 || mischief.times === 3,
  )
}

/** Faults of the paper that a command without a dispense can meet. */
const MEETS: readonly Mischief['kind'][] = ['jam', 'pickFails', 'powerCut']
const PAPER: readonly Mischief['kind'][] = [...MEETS, 'doublePick', 'overflow', 'countMismatch']

for (const model of [LCDM1000, LCDM2000, LCDM4000]) {
  const {line} = DISPENSERS[model.name === 'lcdm1000' || model.name === 'lcdm2000' ? model.name : 'lcdm4000']

  t.test(`${model.name}: everything that a probe, a visit and an operator ask, in real time`, async t => {
    if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
    const {dispenser, emulator, close} = await bench(model, line, clock, 5)
    t.match(await dispenser.open(), {kind: 'open', identity: {model: model.name}, status: {path: 'clear'}})
    t.ok((await dispenser.describe()).length > 0)
    t.match(await dispenser.mark(), {kind: 'marked'})
    t.match(await dispenser.dispense(orderOn({dispenser}), 1), {kind: 'dispensed', fault: null})
    emulator.plan({kind: 'jam', at: 'diverter', afterNotes: 1})
    t.match(await dispenser.dispense([pick(1, 3)], 2), {kind: 'partial', fault: 'jam', inPath: 1})
    t.match(await dispenser.dispense([pick(1, 1)], 3), {kind: 'refused', fault: 'jam'})
    t.match(await dispenser.reset(), {kind: 'reset', status: {path: 'clear'}})
    t.match(await dispenser.test(1), {kind: 'tested', tally: {rejected: 1}})
    t.match(await dispenser.dispense([pick(1, 2)], 4), {kind: 'dispensed'})
    await close()
  })

  t.test(`${model.name}: every command with every fault`, async t => {
    if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
    const probe = await bench(model, line, clock, 0)
    const faults = faultsOf(probe.emulator)
    const actsCount = actsOn(probe.dispenser).length
    await probe.close()
    const cases: readonly Case[] = [
      ...faults.map(mischief => ({mischief, act: null})),
      ...Array.from({length: actsCount}, (_, act) => act).flatMap(act =>
        faults
          .filter(({kind}) => MEETS.includes(kind) || !PAPER.includes(kind))
          .map(mischief => ({mischief, act})),
      ),
    ]
    const kinds = new Set<string>()
    let wrong = 0
    for (let from = 0; from < cases.length; from += AT_ONCE) {
      const some = cases.slice(from, from + AT_ONCE)
      const ends = await Promise.all(some.map(each => played(model, line, each)))
      for (const [at, [ended, why]] of ends.entries()) {
        kinds.add(ended)
        if (why === null) continue
        wrong += 1
        t.fail(`${JSON.stringify(some[at])}: ${ended}: ${why}`)
      }
    }
    t.equal(wrong, 0, `${cases.length} cases`)
    // How many come through depends on the machine's speed; that not all end alike does not.
    t.ok(kinds.size > 3, `ended as ${[...kinds].join(', ')}`)
  })
}
