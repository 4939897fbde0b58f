/** Every command of a reader under every fault of its line, over whatever wire. */
import type {Test} from 'tap'
import type {LineMischief, Mischief} from '../../../devices/card-reader/emulator-mischief.ts'
import type {ByteLink} from '../../../devices/wire/link.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import type {VirtualClock} from '../../../kit/clock.ts'
import {newClock, settled} from './suite.ts'

export type MakeWire = (
  clock: VirtualClock,
) =>
  | Promise<{readonly near: ByteLink; readonly far: ByteLink}>
  | {readonly near: ByteLink; readonly far: ByteLink}

export const inMemory: MakeWire = clock => loopbackPair(clock, {delayMs: 2})

/** One emulated reader with a card in it, and the host's end of its line, open. */
export interface Reader<Name extends string> {
  readonly plan: (mischief: Mischief<Name>) => void
  readonly restorePower: () => void
  readonly ask: (name: Name) => Promise<Told>
  readonly close: () => Promise<void>
}

/** An answer, as far as it can be compared; or silence, and whether the command may have run all the same. */
export type Told =
  {readonly kind: 'answer'; readonly text: string} | {readonly kind: 'silent'; readonly mayHaveRun: boolean}

export interface LineModel<Name extends string> {
  readonly names: readonly Name[]
  /** A command that changes nothing, to hear whether the reader is well. */
  readonly asks: Name
  readonly isMove: (name: Name) => boolean
  readonly faults: readonly LineMischief[]
  /** After these nobody knows whether a movement happened; whatever else goes wrong, the right answer comes. */
  readonly unheard: readonly LineMischief[]
  readonly reader: (near: ByteLink, far: ByteLink, clock: VirtualClock) => Promise<Reader<Name>>
}

export async function everyCommandUnderEveryFault<Name extends string>(
  t: Test,
  model: LineModel<Name>,
  wire: MakeWire,
): Promise<void> {
  let pairs = 0
  for (const name of model.names) {
    const right = await underFault(model, wire, name, null)
    if (right.told.kind !== 'answer') t.fail(`${name} gives no answer`)
    for (const fault of model.faults) {
      const {told, after} = await underFault(model, wire, name, fault)
      const isLost = model.isMove(name) && model.unheard.includes(fault)
      const isRight = isLost
        ? told.kind === 'silent' && told.mayHaveRun
        : JSON.stringify(told) === JSON.stringify(right.told)
      if (!isRight) t.fail(`${name}, ${fault}: told ${JSON.stringify(told)}`)
      if (after.kind !== 'answer') t.fail(`${name}, ${fault}: nothing comes afterwards`)
      pairs += 1
    }
  }
  t.equal(pairs, model.names.length * model.faults.length)
}

async function underFault<Name extends string>(
  model: LineModel<Name>,
  wire: MakeWire,
  name: Name,
  fault: LineMischief | null,
): Promise<{readonly told: Told; readonly after: Told}> {
  const clock = newClock()
  const {near, far} = await wire(clock)
  const reader = await model.reader(near, far, clock)
  if (fault !== null)
    reader.plan({kind: 'line', do: fault, command: name, ...(fault === 'splitReply' ? {ms: 5} : {})})
  const told = await settled(clock, reader.ask(name))
  await clock.advance(60_000)
  const after = await settled(clock, reader.ask(model.asks))
  await reader.close()
  return {told, after}
}

/** The power goes as each command begins, and comes back. */
export async function everyCommandWithoutPower<Name extends string>(
  t: Test,
  model: LineModel<Name>,
  wire: MakeWire,
): Promise<void> {
  const clock = newClock()
  const {near, far} = await wire(clock)
  const reader = await model.reader(near, far, clock)
  for (const name of model.names) {
    reader.plan({kind: 'power', command: name})
    const told = await settled(clock, reader.ask(name))
    if (told.kind !== 'silent') t.fail(`${name} is answered without power`)
    reader.restorePower()
    const after = await settled(clock, reader.ask(model.asks))
    if (after.kind !== 'answer') t.fail(`${name}: nothing comes after the power`)
  }
  t.pass(`${model.names.length} commands`)
  await reader.close()
}
