/** A whole machine in virtual time with its bank in the same process: what the session's tests play with. */
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {Customer} from '../../src/bench/customer.ts'
import {endingOf} from '../../src/bench/ending.ts'
import {compareLedgers} from '../../src/bench/ledgers.ts'
import type {Account} from '../../src/bench/ledgers.ts'
import {parsePlan} from '../../src/bench/plan.ts'
import {setTable} from '../../src/bench/table.ts'
import type {Table, TableOptions} from '../../src/bench/table.ts'
import {DEMO_CARDS} from '../../host/demo.ts'
import {present} from '../../kit/assert.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import type {Timer} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {minorUnits} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'

export interface Scene {
  readonly dispenser?: TableOptions['dispenser']
  readonly reader?: TableOptions['reader']
  readonly pinPad?: TableOptions['pinPad']
  readonly printer?: NonNullable<TableOptions['printer']>
  readonly plan?: string
  readonly pin?: string
  readonly card?: number
  readonly amountDigits?: string
  readonly feeMinor?: number
  readonly notes?: TableOptions['notes']
  readonly ink?: TableOptions['ink']
  readonly room?: TableOptions['room']
  readonly cutOverAt?: string
  /** Where the journal is, when it is not to be forgotten at the end. */
  readonly folder?: string
}

/** Longest that anything here takes, in virtual time. */
export const BUDGET_MS = 3_600_000
/** How often a bystander looks. */
const LOOK_MS = 500
/** 2026-11-22T09:00:00Z; every run has the same. */
const START_MS = epochMs(1_795_338_000_000)

export class World {
  readonly clock: VirtualClock
  readonly table: Table
  readonly #folder: string
  readonly #scene: Scene
  #looks: Timer | null = null

  private constructor(clock: VirtualClock, table: Table, folder: string, scene: Scene) {
    this.clock = clock
    this.table = table
    this.#folder = folder
    this.#scene = scene
  }

  static async open(scene: Scene): Promise<World> {
    const clock = new VirtualClock(START_MS)
    const folder = scene.folder ?? mkdtempSync(join(tmpdir(), 'tellerd-world-'))
    const table = await setTable({
      folder,
      bank: 'inProcess',
      dispenser: scene.dispenser ?? 'lcdm2000',
      ...(scene.reader === undefined ? {} : {reader: scene.reader}),
      ...(scene.pinPad === undefined ? {} : {pinPad: scene.pinPad}),
      ...(scene.printer === undefined ? {} : {printer: scene.printer}),
      feeMinor: minorUnits(scene.feeMinor ?? 0),
      notes: scene.notes ?? {1: 100, 2: 100},
      pace: {cardMoveMs: 500, noteMs: 150, lineMs: 30},
      clock,
      random: seededRandom('world'),
      log: silentLog,
      crash: thrown => {
        process.nextTick(() => {
          throw thrown
        })
      },
      ...(scene.ink === undefined ? {} : {ink: scene.ink}),
      ...(scene.room === undefined ? {} : {room: scene.room}),
      ...(scene.cutOverAt === undefined ? {} : {cutOverAt: scene.cutOverAt}),
    })
    const world = new World(clock, table, folder, scene)
    table.plans.add(parsePlan(scene.plan ?? ''))
    return world
  }

  /** A customer with the scene's wishes, on the way to the machine. */
  customer(): Customer {
    const {card = 0, pin, amountDigits = '60'} = this.#scene
    const demo = present(DEMO_CARDS[card], 'a demo card')
    const {machine, stage} = this.table
    const wish = {track2: demo.track2.slice(1, -1), pin: pin ?? demo.pin, amountDigits}
    const customer = new Customer(machine, stage.rig.emulators, this.clock, wish, stage.manners)
    customer.visit().catch((thrown: unknown) => {
      process.nextTick(() => {
        throw thrown
      })
    })
    return customer
  }

  /** Starts the machine, lets one customer through, then lets the bank hear everything. */
  async visit(): Promise<void> {
    const customer = this.customer()
    this.table.machine.start()
    await this.clock.runUntil(() => customer.isDone, BUDGET_MS)
    await this.settle()
  }

  /** Cables and lines are whole again, and time passes until nothing is open any more. */
  async settle(): Promise<void> {
    const {stage} = this.table
    stage.line.restore()
    for (const cable of Object.values(stage.rig.cables)) cable?.plug()
    await this.clock.runUntil(() => this.table.journal.openIntents().length === 0, BUDGET_MS)
  }

  /** Somebody who takes what the machine offers, for as long as the world stands. */
  bystander(): void {
    const {reader, dispenser} = this.table.stage.rig.emulators
    const look = (): void => {
      const {place} = reader.world
      if (place === 'frontFree' || place === 'frontHeld') reader.take()
      dispenser.takeNotes()
      this.#looks = this.clock.after(LOOK_MS, look)
    }
    look()
  }

  /** The machine's computer dies here and now, and starts again; the devices keep their power. */
  async crash(meanwhile?: () => void): Promise<void> {
    await this.clock.finish(this.table.relive(meanwhile), BUDGET_MS)
    this.table.machine.start()
  }

  get ending(): number {
    return endingOf(this.table.journal.rows(1, 10_000)).code
  }

  /** Where the machine stands. */
  get state(): string {
    return this.table.machine.standing.state
  }

  ledgers(): Promise<Account> {
    const {config, journal, machine, stage, bank} = this.table
    const noteMinors = new Map(config.cassettes.map(({cassette, noteMinor}) => [cassette, noteMinor]))
    return compareLedgers(
      journal,
      stage.rig.emulators.dispenser.world,
      machine.standing.context.levels,
      noteMinors,
      bank,
    )
  }

  async close(): Promise<void> {
    this.#looks?.cancel()
    await this.clock.finish(this.table.stop(), BUDGET_MS)
    if (this.#scene.folder === undefined) rmSync(this.#folder, {recursive: true, force: true})
  }
}
