/** The machine as a service of this system: says how it stands and that it lives, and ends between visits. */
import {isRest} from '../../fsm/context.ts'
import type {Standing} from '../../fsm/session.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import {manager} from './manager.ts'
import type {Manager} from './manager.ts'
import type {Surroundings} from './surroundings.ts'
import {Watchdog} from './watchdog.ts'
import type {Watched} from './watchdog.ts'

/** Longer than a visit whose customer does nothing more; the unit's TimeoutStopSec has half a minute on top. */
export const REST_MAX_MS = 150_000

/** The part of the machine that a service needs. */
export interface Served extends Watched {
  readonly onChange: (listener: () => void) => () => void
}

export class Service {
  readonly #machine: Served
  readonly #clock: Clock
  readonly #log: Log
  readonly #manager: Manager
  readonly #watchdog: Watchdog | null
  #told: Standing | null = null
  #forget: () => void = () => undefined

  constructor(
    machine: Served,
    {toManager, watchdogMs}: Pick<Surroundings, 'toManager' | 'watchdogMs'>,
    clock: Clock,
    log: Log,
  ) {
    this.#machine = machine
    this.#clock = clock
    this.#log = log
    this.#manager = manager(toManager)
    const sign = (): void => {
      this.#manager.alive()
    }
    this.#watchdog = watchdogMs === null ? null : new Watchdog(machine, watchdogMs, sign, clock, log)
  }

  start(): void {
    this.#watchdog?.start()
    this.#forget = this.#machine.onChange(() => {
      this.#tell()
    })
    this.#tell()
  }

  /** Resolves between visits, or after REST_MAX_MS with one still going on: recovery then ends it at the next start. */
  async rest(): Promise<void> {
    this.#manager.stopping()
    if (this.#canEnd()) return
    this.#log.info('the visit ends first', {state: this.#machine.standing.state})
    await new Promise<void>(resolve => {
      const end = (): void => {
        late.cancel()
        forget()
        resolve()
      }
      const late = this.#clock.after(REST_MAX_MS, end)
      const forget = this.#machine.onChange(() => {
        if (this.#canEnd()) end()
      })
    })
  }

  stop(): void {
    this.#forget()
    this.#watchdog?.stop()
  }

  /** Also a machine whose journal failed: it moves nothing any more, and recovery ends its visit at the next start. */
  #canEnd(): boolean {
    return isRest(this.#machine.standing.state)
  }

  /** Each standing once; what changes besides is the screen's. */
  #tell(): void {
    const {standing} = this.#machine
    if (standing === this.#told) return
    if (standing.state !== this.#told?.state) this.#log.info('state', {state: standing.state})
    this.#told = standing
    this.#manager.standing(standing)
  }
}
