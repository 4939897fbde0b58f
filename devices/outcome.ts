/** What every device port has in common: how a device says that it could not. */
import type {LinkLost} from './wire/link.ts'

/** Nothing trustworthy came back: the line went, the device stayed silent, or its answer made no sense. */
export type NoAnswer = LinkLost | 'no-answer' | 'nonsense'

/** The act did not succeed; `detail` is for the operator (`error 35: jam at EXIT`) and holds no secret. */
export interface Failed<Fault extends string> {
  readonly kind: 'failed'
  readonly fault: Fault | NoAnswer
  readonly detail: string
}

/** Who the device says it is. */
export interface Identity {
  /** Our model name, as on the command line: `lcdm2000`. */
  readonly model: string
  /** As the device tells it, printable ASCII. */
  readonly firmware: string
}
