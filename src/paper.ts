/** Slips on their way to paper: put together in the customer's language, and printed once. */
import type {PrintOutcome, Printer} from '../devices/printer/port.ts'
import type {Context} from '../fsm/context.ts'
import type {Slip} from '../fsm/vocabulary.ts'
import type {Clock} from '../kit/clock.ts'
import type {Log} from '../kit/log.ts'
import {receiptOf} from './screen/receipt.ts'
import type {Letterhead} from './screen/receipt.ts'
import type {Desk} from './screen/view-model.ts'

export class Paper {
  readonly #printer: Printer
  readonly #letterhead: Letterhead
  readonly #clock: Clock
  readonly #log: Log
  readonly #timeZone: string

  /** @param timeZone of the clock on the wall, which a customer compares a receipt with; this computer's own when left out */
  constructor(
    printer: Printer,
    letterhead: Letterhead,
    clock: Clock,
    log: Log,
    timeZone: string = new Intl.DateTimeFormat().resolvedOptions().timeZone,
  ) {
    this.#printer = printer
    this.#letterhead = letterhead
    this.#clock = clock
    this.#log = log
    this.#timeZone = timeZone
  }

  /** Prints the slip of the visit under way, as things stand now. */
  async print(slip: Slip, context: Context, desk: Desk): Promise<PrintOutcome> {
    const moment = {atMs: this.#clock.wallMs(), timeZone: this.#timeZone}
    const outcome = await this.#printer.print(receiptOf(slip, context, desk, this.#letterhead, moment))
    if (outcome.kind !== 'printed')
      this.#log.warn('a slip did not come out', {slip, outcome: outcome.kind, why: outcome.detail})
    return outcome
  }
}
