/** What every receipt printer offers, in the words of XFS4IoT: paper, cutter, media taken. Nothing here ever moves money. */
import type {Failed, Identity, NoAnswer} from '../outcome.ts'

/** Where models differ. */
export interface PrinterCapabilities {
  /** Characters of the normal font in a line. */
  readonly columns: number
  /** Dots in a line. */
  readonly dots: number
  /** Holds a cut ticket in its mouth and notices when it was taken. */
  readonly presents: boolean
}

export type PrinterFault =
  | 'paper-out'
  | 'cover-open'
  | 'cutter'
  | 'jam'
  | 'mechanical'
  | 'overheated'
  | 'supply'
  | 'line-error'
  | 'unrecoverable'
  | 'not-supported'

/** One thing that a printer can report of itself. */
export interface PrinterCondition {
  readonly meaning: string
  /** Null where it stops no printing. */
  readonly fault: PrinterFault | null
  /** What the operator does about it, a sentence; empty where there is nothing to do. */
  readonly action: string
  /** `assumed`: one public source alone, or from memory. */
  readonly source: 'agreed' | 'assumed'
}

export interface PrinterStatus {
  readonly kind: 'status'
  readonly paper: 'ok' | 'low' | 'out'
  readonly cover: 'closed' | 'open'
  /** A cut ticket nobody has taken yet. */
  readonly ticket: 'absent' | 'inMouth' | 'notSupported'
  readonly feeding: boolean
  /** The first of its faults that stops printing, or null. */
  readonly fault: PrinterFault | null
  /** Everything the printer reports, by the names of the model's table. */
  readonly conditions: readonly string[]
  readonly detail: string
}

/** Black dots on white: rows from the top, each of whole bytes, the leftmost dot in the highest bit. */
export interface Picture {
  readonly widthDots: number
  readonly heightDots: number
  readonly bits: Uint8Array
}

/** One line of a receipt, or what stands between lines. Text wider than the line is wrapped. */
export type ReceiptPart =
  | {
      readonly kind: 'text'
      readonly text: string
      readonly align: 'left' | 'center' | 'right'
      readonly size: 'normal' | 'large'
      readonly bold: boolean
    }
  /** Left text and right text on one line. */
  | {readonly kind: 'pair'; readonly left: string; readonly right: string}
  | {readonly kind: 'rule'}
  | {readonly kind: 'feed'; readonly linesCount: number}
  | ({readonly kind: 'picture'} & Picture)

export type Receipt = readonly ReceiptPart[]

/**
 * What became of a receipt.
 * `printed`: the printer says that it carried out everything, the cut included.
 * `refused`: it could not print and was given nothing.
 * `partial`: it stopped on the way; what came out is not a receipt.
 * `unknown`: it was given the job and nothing trustworthy came back.
 */
export type PrintOutcome =
  | {readonly kind: 'printed'; readonly paper: PrinterStatus['paper']}
  | {readonly kind: 'refused'; readonly fault: PrinterFault | NoAnswer; readonly detail: string}
  | {readonly kind: 'partial'; readonly fault: PrinterFault; readonly detail: string}
  | {readonly kind: 'unknown'; readonly why: NoAnswer; readonly detail: string}

export interface Printer {
  readonly capabilities: PrinterCapabilities
  /** Connects, identifies and reads status; prints and feeds nothing. Safe to call again after a lost link. */
  open(): Promise<
    | {readonly kind: 'open'; readonly identity: Identity; readonly status: PrinterStatus}
    | Failed<PrinterFault>
  >
  status(): Promise<PrinterStatus | Failed<PrinterFault>>
  /** Prints one receipt and cuts it, once: a job is never sent again by itself. */
  print(receipt: Receipt): Promise<PrintOutcome>
  /** Waits until the ticket was taken, `left` after so long. Only where capabilities say `presents`. */
  awaitTaken(withinMs: number): Promise<{readonly kind: 'taken' | 'left'} | Failed<PrinterFault>>
  /** After the operator has mended it: leaves an error that waits for the host, forgets what was left of a job, prints nothing. */
  recover(): Promise<PrinterStatus | Failed<PrinterFault>>
  /** Calls the listener with what the printer tells by itself, where it does. */
  onStatus(listener: (status: PrinterStatus) => void): void
  close(): Promise<void>
}
