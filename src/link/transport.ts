/** How one question travels to the bank and its answer back, whatever carries it. */

export interface BankRequest {
  readonly method: 'GET' | 'POST'
  /** With its leading slash; ids are percent-encoded. */
  readonly path: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON text, or null. May hold card data: it is never logged. */
  readonly body: string | null
  /** From now until the whole answer must be here, at least 1. */
  readonly deadlineMs: number
}

export type TransportAnswer =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    }
  /**
   * No whole answer in time. `sent` is false only when it is certain that no byte of the request left
   * this machine: then, and only then, the bank cannot have acted.
   */
  | {readonly kind: 'silent'; readonly why: string; readonly sent: boolean}

export interface Transport {
  /** Never rejects and never repeats by itself. */
  send(request: BankRequest): Promise<TransportAnswer>
  close(): Promise<void>
}
