/** Slips on their way to paper: put together in the customer's language, drawn where the printer has no letters for it, and printed once. */
import type {PrintOutcome, Printer, Receipt} from '../../devices/printer/port.ts'
import type {Context} from '../../fsm/context.ts'
import type {Slip} from '../../fsm/vocabulary.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import {receiptOf} from '../screen/receipt.ts'
import type {Letterhead} from '../screen/receipt.ts'
import type {Desk} from '../screen/view-model.ts'
import type {Tongue} from '../screen/words.ts'
import {isDrawn} from './fonts.ts'
import type {Draw} from './picture.ts'

/** What paper needs around it. */
export interface PaperParts {
  readonly printer: Pick<Printer, 'capabilities' | 'print'>
  readonly letterhead: Letterhead
  readonly draw: Draw
  readonly clock: Clock
  readonly log: Log
  /** Of the clock on the wall, which a customer compares a slip with. */
  readonly timeZone: string
}

export class Paper {
  readonly #with: PaperParts

  constructor(parts: PaperParts) {
    this.#with = parts
  }

  /** Prints the slip of the visit under way, as things stand now. */
  async print(slip: Slip, context: Context, desk: Desk): Promise<PrintOutcome> {
    const {printer, letterhead, clock, log, timeZone} = this.#with
    const moment = {atMs: clock.wallMs(), timeZone}
    const receiptIn = (language: Tongue): Receipt =>
      receiptOf(slip, context, {...desk, language}, letterhead, moment)
    const outcome = await printer.print(await this.#printable(desk, receiptIn))
    if (outcome.kind !== 'printed')
      log.warn('a slip did not come out', {slip, outcome: outcome.kind, why: outcome.detail})
    return outcome
  }

  /** In the customer's language; in one of the machine's that the printer has letters for, where it cannot be drawn. */
  async #printable({language, offered}: Desk, receiptIn: (language: Tongue) => Receipt): Promise<Receipt> {
    if (!isDrawn(language)) return receiptIn(language)
    const {printer, draw, log} = this.#with
    const drawing = await draw(receiptIn(language), language, printer.capabilities.dots)
    if (drawing.kind === 'drawn') return [{...drawing, kind: 'picture'}]
    const instead = offered.find(other => !isDrawn(other)) ?? 'en'
    log.warn('a slip is not in the customer’s language', {language, instead, why: drawing.why})
    return receiptIn(instead)
  }
}

/** For a machine that has nothing to draw with. */
export const drawNothing: Draw = () => Promise.resolve({kind: 'notDrawn', why: 'this machine draws nothing'})
