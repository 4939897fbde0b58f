/**
 * What every encrypting PIN pad offers, in the words of XFS4IoT: keyboard, PIN pad, key management. The PIN never
 * leaves it in clear; what comes out is a PIN block under a key.
 */
import type {MacMethod} from '../../crypto/mac.ts'
import type {Secret} from '../../kit/secret.ts'
import type {Failed, Identity} from '../outcome.ts'

export type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'
/** Function keys: A to D on the left of the screen, E to H on the right, from the top; a pad with a row of them counts from the left. */
export type SoftKey = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'H'
export type Key = Digit | '00' | 'dot' | 'enter' | 'clear' | 'cancel' | 'up' | 'down' | SoftKey

/**
 * Under what kind of key a PIN block leaves the pad. `masterSession`: a working key that the bank sends under a master
 * key; `dukpt`: one key for each block, named by its KSN (ANSI X9.24); `fixed`: one key that never changes.
 */
export type KeyScheme = 'masterSession' | 'dukpt' | 'fixed'
/** Formats of ISO 9564-1. Format 1 does not hold the PAN, format 4 goes under AES. */
export type PinBlockFormat = 'iso0' | 'iso1' | 'iso3' | 'iso4'
export type KeyUse = 'master' | 'pin' | 'mac'

/** Where models differ. */
export interface PinPadCapabilities {
  /** What `listen` can report; a pad without digits there cannot type an amount. */
  readonly keys: readonly Key[]
  /** Of the PIN blocks this pad makes, as it is set up. */
  readonly keyScheme: KeyScheme
  /**
   * What becomes of a working key. `stored`: the pad keeps it and tells its check value; `perRequest`: the pad keeps none,
   * the driver hands it over with each request; `none`: keys come in where the pad was made or injected.
   */
  readonly keyLoad: 'stored' | 'perRequest' | 'none'
  /** Takes keys in clear over the wire, for commissioning in a controlled room. */
  readonly clearKeyLoad: boolean
  /** That it can make; the first is the one that `enterPin` makes. */
  readonly pinBlockFormats: readonly PinBlockFormat[]
  /** Who says which card the block is for: the request, or a card that the pad read itself. */
  readonly panFrom: 'request' | 'requestOrOwnReader'
  /** Tells how many digits stand, for the stars on our screen; a pad that does not shows stars itself. */
  readonly tellsDigits: boolean
  /** Empty where the pad makes no MAC. */
  readonly macMethods: readonly MacMethod[]
  /** Tones it makes when asked. */
  readonly tones: readonly Tone[]
  /** Free text on a display of its own; null without one, or with fixed messages only. */
  readonly display: {readonly rows: number; readonly columns: number} | null
  readonly selfTest: boolean
}

/** `beep` once; the others set whether each key press sounds. */
export type Tone = 'beep' | 'keysOn' | 'keysOff'

export type PinPadFault =
  | 'key-missing'
  | 'key-refused'
  | 'tampered'
  | 'battery'
  | 'busy'
  | 'locked'
  | 'hardware'
  | 'not-supported'
  | 'bad-request'

/** What the pad tells of itself; a model's driver may tell more in a wider type. */
export interface PinPadStatus {
  readonly kind: 'status'
  readonly masterKey: 'present' | 'missing' | 'unknown'
  /** The key that PIN blocks go under. */
  readonly pinKey: 'present' | 'missing' | 'unknown'
  readonly tamper: 'intact' | 'tampered' | 'unknown'
  readonly battery: 'good' | 'low' | 'unknown'
  /** Taking key presses, or not. */
  readonly input: 'idle' | 'active' | 'unknown'
  /** Empty where the pad does not tell. */
  readonly serialNumber: string
  readonly detail: string
}

export interface PinRequest {
  readonly pan: Secret<string>
  /** 4 to 12. */
  readonly lengthMin: number
  readonly lengthMax: number
  readonly entryTimeoutMs: number
  /** How many digits stand now, for the stars on the screen; kept nowhere. Only where `tellsDigits`. */
  readonly onDigits: (digits: number) => void
}

/** `ksn`: upper-case hex, the name of the key that the block is under; null unless the scheme is DUKPT. */
export type PinOutcome =
  | {
      readonly kind: 'entered'
      readonly block: Secret<Uint8Array>
      readonly format: PinBlockFormat
      readonly ksn: string | null
    }
  | {readonly kind: 'cancelled'}
  | {readonly kind: 'timedOut'}
  | Failed<PinPadFault>

/** A key on its way into the pad. */
export interface KeyToLoad {
  readonly use: KeyUse
  /** `clear` only where `clearKeyLoad`; a master key under another needs a pad that keeps keys. */
  readonly form: 'clear' | 'underMaster'
  /** 16 or 24 bytes. */
  readonly key: Secret<Uint8Array>
}

/**
 * `loaded`: the pad keeps it; the check value is what the pad computed, six upper-case hex digits (first three bytes of
 * the key over zeros). `kept`: the driver keeps it, still encrypted, for the requests to come; whether the pad can open
 * it shows only then.
 */
export type KeyLoadOutcome =
  {readonly kind: 'loaded'; readonly checkValue: string} | {readonly kind: 'kept'} | Failed<PinPadFault>

/** `ksn` as in a PIN outcome. */
export type MacOutcome =
  {readonly kind: 'mac'; readonly mac: Uint8Array; readonly ksn: string | null} | Failed<PinPadFault>

export type DoneOutcome = {readonly kind: 'done'} | Failed<PinPadFault>

export interface PinPad {
  readonly capabilities: PinPadCapabilities
  /** Connects, identifies, ends whatever input was on. Safe to call again after a lost link. */
  open(): Promise<
    {readonly kind: 'open'; readonly identity: Identity; readonly status: PinPadStatus} | Failed<PinPadFault>
  >
  status(): Promise<PinPadStatus | Failed<PinPadFault>>
  /** `not-supported` where the capabilities say so. */
  loadKey(load: KeyToLoad): Promise<KeyLoadOutcome>
  /** PIN mode until enter, cancel or the timeout. No clear key leaves the pad meanwhile. */
  enterPin(request: PinRequest): Promise<PinOutcome>
  /** Clear-key mode: every press goes to `onKey` until `stop`. Never at the same time as PIN mode. */
  listen(onKey: (key: Key) => void): Promise<{readonly kind: 'listening'} | Failed<PinPadFault>>
  /** Ends PIN mode or clear-key mode; a waiting `enterPin` resolves `cancelled`. */
  stop(): Promise<void>
  /** MAC of 8 bytes over the message, filled with zeros to whole blocks (ISO 9797-1 padding 1), under the pad's MAC key. */
  mac(message: Uint8Array, method: MacMethod): Promise<MacOutcome>
  tone(tone: Tone): Promise<DoneOutcome>
  /** Shows rows of printable ASCII, cut and filled to the display. Ends nothing; refused as `busy` in PIN mode. */
  show(rows: readonly string[]): Promise<DoneOutcome>
  /** Has the pad prove itself as far as the model can, and leaves it idle as after `open`; `detail` says what was proved. */
  selfTest(): Promise<{readonly kind: 'passed'; readonly detail: string} | Failed<PinPadFault>>
  close(): Promise<void>
}
