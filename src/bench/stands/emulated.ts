/** The part of a stand that every emulator of a reader or a pad fills in the same way. */
import type {Fields, Stand, StandCommand, TranscriptLine} from '../stand.ts'
import {faultsFrom} from './faults.ts'
import type {FaultRow} from './faults.ts'

/** What these emulators have in common. */
export interface Emulated<Mischief> {
  start(): Promise<void>
  stop(): Promise<void>
  onChange(watcher: () => void): () => void
  plan(mischief: Mischief): void
  cutPower(): void
  restorePower(): void
  readonly transcript: readonly TranscriptLine[]
}

/**
 * The stand of an emulator.
 * @param plans what can go wrong with this model, and the orders that a fault may wait for
 * @param own its world, and the commands that only it has
 */
export function standOf<Mischief, Order extends string>(
  emulator: Emulated<Mischief>,
  plans: {readonly rows: readonly FaultRow<Mischief, Order>[]; readonly orders: readonly Order[]},
  own: {readonly world: () => Fields; readonly commands: readonly StandCommand[]},
): Stand {
  return {
    start: () => emulator.start(),
    stop: () => emulator.stop(),
    world: own.world,
    watch: listener => emulator.onChange(listener),
    plan: text => {
      for (const mischief of faultsFrom(text, plans.rows, plans.orders)) emulator.plan(mischief)
    },
    commands: own.commands,
    powerCut: () => {
      emulator.cutPower()
    },
    powerOn: () => {
      emulator.restorePower()
    },
    get transcript() {
      return emulator.transcript
    },
  }
}
