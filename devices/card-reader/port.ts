/**
 * What every card reader offers, in the words of XFS4IoT (CEN CWA 17852): accept, eject, retain, reset; chip
 * power and chip IO. A reader that only sees a card swiped or pushed in by hand is one as well, with fewer
 * capabilities: nothing here presumes that the card is in the machine's power.
 *
 * Whatever a card holds is a Secret: tracks, and what a chip is told and answers.
 */
import type {Secret} from '../../kit/secret.ts'
import type {Failed, Identity} from '../outcome.ts'
import type {StatusWord} from './apdu.ts'

/** Of the magnetic stripe, ISO/IEC 7811. */
export type Track = 1 | 2 | 3

/** How a chip talks, ISO/IEC 7816-3. */
export type ChipProtocol = 'T0' | 'T1'

/** Where models differ; the visit takes the order of things from here. */
export interface CardReaderCapabilities {
  /**
   * `motor`: draws the card in and gives it back. `latchedDip`: the customer pushes it in, and a latch holds it.
   * `dip`: pushed in and pulled out by hand, at any time. `swipe`: pulled through, never inside.
   */
  readonly type: 'motor' | 'latchedDip' | 'dip' | 'swipe'
  /** `retain` can keep a card; without it a card that was left stays where it is. */
  readonly retain: boolean
  /** Nothing can be pushed in unless `accept` waits for it. Without one, what comes unasked is passed over. */
  readonly shutter: boolean
  /** Tracks it can read; none for a reader of chips alone. */
  readonly tracks: readonly Track[]
  /** Protocols its contacts can talk; none without contacts. `chip` is null exactly then. */
  readonly chip: readonly ChipProtocol[]
}

/**
 * Why a reader could not. `jam`: the card does not move. `card-length`: what is inside is too long or too short
 * for a card. `card-moved`: a hand moved it meanwhile. `not-now`: the state forbids it, another command first.
 * `bad-request`: the reader takes our command for nonsense.
 */
export type CardReaderFault =
  | 'jam'
  | 'no-card'
  | 'card-length'
  | 'card-moved'
  | 'shutter'
  | 'retain-bin-full'
  | 'chip'
  | 'hardware'
  | 'power'
  | 'not-now'
  | 'not-supported'
  | 'bad-request'

export type CardReaderFailed = Failed<CardReaderFault>

/**
 * Where a card is. `present`: inside, out of the customer's reach but for a dip reader. `latched`: inside and held by
 * the latch. `entering`: at the mouth, within reach. `notSupported`: the reader cannot see one.
 */
export type Media = 'notPresent' | 'present' | 'latched' | 'entering' | 'jammed' | 'unknown' | 'notSupported'

/** One sensor of the transport, under the maker's name for it. */
export interface Sensor {
  readonly name: string
  /** Covered by a card, or a switch pressed. */
  readonly isActive: boolean
}

export interface CardReaderStatus {
  readonly kind: 'status'
  readonly media: Media
  /** Whether the reader would let a card in now. */
  readonly accepting: boolean
  readonly shutter: 'closed' | 'open' | 'unknown' | 'notSupported'
  readonly retainBin: 'ok' | 'full' | 'unknown' | 'notSupported'
  /** Cards kept since the bin was emptied; null where the reader does not count them. */
  readonly retainedCount: number | null
  readonly chipPower: 'online' | 'poweredOff' | 'noCard' | 'hardwareError' | 'unknown' | 'notSupported'
  /** As far as the reader tells them. */
  readonly sensors: readonly Sensor[]
  readonly detail: string
}

export interface CardReaderIdentity extends Identity {
  /** The maker's number of this very unit, or null where it has none to tell. */
  readonly serial: string | null
}

/**
 * What one track gave. `dataMissing`: nothing is encoded there. `dataInvalid`: something is, and it cannot be trusted.
 * `notSupported`: the reader has no head for that track.
 */
export type TrackRead =
  | {readonly kind: 'read'; readonly text: Secret<string>}
  | {readonly kind: 'dataMissing'}
  | {readonly kind: 'dataInvalid'; readonly why: TrackFault}
  | {readonly kind: 'notSupported'}

/** `unspecified`: the reader says only that the track is bad. */
export type TrackFault =
  'startSentinel' | 'endSentinel' | 'parity' | 'checkCharacter' | 'format' | 'unspecified'

/** Tracks that were read; those not asked for are not in it. */
export type Tracks = Readonly<Partial<Record<Track, TrackRead>>>

/**
 * `inserted`: a card, and a track 2 that parses; `source` says whether the stripe gave it, or the chip its equivalent.
 * `unreadable`: a card, and no such track. `stopped`: accepting was ended by `refuse` before a card came.
 */
export type AcceptOutcome =
  | {
      readonly kind: 'inserted'
      readonly source: 'stripe' | 'chip'
      /** Between the sentinels: `PAN=YYMM...`, ISO/IEC 7813. */
      readonly track2: Secret<string>
      readonly tracks: Tracks
    }
  | {readonly kind: 'unreadable'; readonly tracks: Tracks; readonly detail: string}
  | {readonly kind: 'stopped'}
  | CardReaderFailed

export type EjectOutcome = {readonly kind: 'taken'} | {readonly kind: 'left'} | CardReaderFailed
export type RetainOutcome = {readonly kind: 'retained'} | CardReaderFailed
export type ResetOutcome = {readonly kind: 'reset'; readonly status: CardReaderStatus} | CardReaderFailed

/** `mute`: the contacts touch a card that gives no answer to reset: no chip, or none that works. */
export type ChipResetOutcome =
  | {readonly kind: 'answered'; readonly protocol: ChipProtocol; readonly atr: Uint8Array}
  | {readonly kind: 'mute'; readonly detail: string}
  | CardReaderFailed

/** Whatever the chip says is an answer, its errors included. `mute`: it stopped talking, and needs a reset. */
export type ChipIoOutcome =
  | {readonly kind: 'answered'; readonly answer: Secret<Uint8Array>; readonly status: StatusWord}
  | {readonly kind: 'mute'; readonly detail: string}
  | CardReaderFailed

export type ChipPowerOffOutcome = {readonly kind: 'poweredOff'} | CardReaderFailed

/** The contacts of a chip card that is inside. */
export interface ChipContacts {
  /** `cold`: power off and on, moving the card to the contacts first where it must be moved. `warm`: power stays. */
  reset(how: 'cold' | 'warm'): Promise<ChipResetOutcome>
  /**
   * One command APDU (ISO/IEC 7816-4, short form), by the protocol that the last reset found. What T=0 leaves to
   * the terminal is done here: an answer that waits (61xx) is fetched, a wrong length (6Cxx) is corrected.
   */
  transmit(command: Secret<Uint8Array>): Promise<ChipIoOutcome>
  powerOff(): Promise<ChipPowerOffOutcome>
}

export interface CardReader {
  readonly capabilities: CardReaderCapabilities
  readonly chip: ChipContacts | null
  /** Connects, identifies, keeps a card that is inside where it is, closes the mouth. Safe to call again after a lost link. */
  open(): Promise<
    | {readonly kind: 'open'; readonly identity: CardReaderIdentity; readonly status: CardReaderStatus}
    | CardReaderFailed
  >
  status(): Promise<CardReaderStatus | CardReaderFailed>
  /**
   * Lets one card in, closes the mouth behind it and reads it. A motor or a latch has the card from then on; a dip or
   * swipe reader has read it, and the card may be back in the customer's hand already. Waits for ever, until a card
   * comes, `refuse` is called or the reader fails.
   * @param tracks which to read; track 2 is always read where there is a head for it
   */
  accept(tracks?: readonly Track[]): Promise<AcceptOutcome>
  /** Closes the mouth; a waiting `accept` resolves `stopped`. */
  refuse(): Promise<void>
  /**
   * The card back to the customer; `taken` only when the reader knows that they have it, `left` after `takeWithinMs`.
   * A dip reader waits for the card to be pulled out; for a swiped card, `taken` is true at once.
   */
  eject(takeWithinMs: number): Promise<EjectOutcome>
  /** Card into the retain bin. Only where capabilities say so. */
  retain(): Promise<RetainOutcome>
  /** Starts the reader anew, an operator's act: a card inside stays, is pushed out to the mouth, or into the bin. */
  reset(card: 'stay' | 'exit' | 'retain'): Promise<ResetOutcome>
  close(): Promise<void>
}
