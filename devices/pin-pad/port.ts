/** What every encrypting PIN pad offers. The PIN never leaves it in clear; what comes out is a PIN block under a key. */
import type {Secret} from '../../kit/secret.ts'
import type {Failed, Identity} from '../outcome.ts'

export type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'
/** Soft keys beside the screen: A to D on the left, E to H on the right, from the top. */
export type SoftKey = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'H'
export type Key = Digit | '00' | 'dot' | 'enter' | 'clear' | 'cancel' | SoftKey

export interface PinPadCapabilities {
  readonly softKeys: readonly SoftKey[]
  /** Takes keys encrypted under its master key. */
  readonly keyLoad: boolean
  /** PIN block formats of ISO 9564 that it makes. */
  readonly pinBlockFormats: readonly ('iso0' | 'iso4')[]
}

export type PinPadFault =
  | 'key-missing'
  | 'key-refused'
  | 'tampered'
  | 'battery'
  | 'busy'
  | 'hardware'
  | 'not-supported'
  | 'bad-request'

export interface PinPadStatus {
  readonly kind: 'status'
  readonly detail: string
}

export interface PinRequest {
  readonly pan: Secret<string>
  /** 4 to 12. */
  readonly lengthMin: number
  readonly lengthMax: number
  readonly entryTimeoutMs: number
  /** How many digits stand now, for the stars on the screen; kept nowhere. */
  readonly onDigits: (digits: number) => void
}

export type PinOutcome =
  | {readonly kind: 'entered'; readonly block: Secret<Uint8Array>; readonly format: 'iso0' | 'iso4'}
  | {readonly kind: 'cancelled'}
  | {readonly kind: 'timedOut'}
  | Failed<PinPadFault>

export interface PinPad {
  readonly capabilities: PinPadCapabilities
  open(): Promise<
    {readonly kind: 'open'; readonly identity: Identity; readonly status: PinPadStatus} | Failed<PinPadFault>
  >
  status(): Promise<PinPadStatus | Failed<PinPadFault>>
  /**
   * Loads the PIN key, encrypted under the pad's master key.
   * @returns the check value the pad computed: six upper-case hex digits (first three bytes of the key over zeros)
   */
  loadPinKey(
    encryptedKey: Secret<Uint8Array>,
  ): Promise<{readonly kind: 'loaded'; readonly checkValue: string} | Failed<PinPadFault>>
  /** PIN mode until enter, cancel or the timeout. No clear key leaves the pad meanwhile. */
  enterPin(request: PinRequest): Promise<PinOutcome>
  /** Clear-key mode: every press goes to `onKey` until `stop`. Never at the same time as PIN mode. */
  listen(onKey: (key: Key) => void): Promise<{readonly kind: 'listening'} | Failed<PinPadFault>>
  /** Ends PIN mode or clear-key mode; a waiting `enterPin` resolves `cancelled`. */
  stop(): Promise<void>
  close(): Promise<void>
}
