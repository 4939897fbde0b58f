/** What every card reader offers, in the words of XFS4IoT: media, eject, retain. */
import type {Secret} from '../../kit/secret.ts'
import type {Failed, Identity} from '../outcome.ts'

export interface CardReaderCapabilities {
  /** The reader can keep a card; without it a card that was left stays in the mouth. */
  readonly retain: boolean
  /** The reader draws the card in and holds it during the visit. */
  readonly hold: boolean
}

export type CardReaderFault =
  'jam' | 'no-card' | 'unreadable' | 'hardware' | 'power' | 'not-supported' | 'bad-request'

/** Where a card is: inside, at the mouth within the customer's reach, or nowhere. */
export type Media = 'absent' | 'inside' | 'atMouth' | 'unknown'

export interface CardReaderStatus {
  readonly kind: 'status'
  readonly media: Media
  readonly accepting: boolean
  readonly detail: string
}

/** `stopped`: accepting was ended by `refuse` before a card came. `unreadable`: a card is inside and holds no track 2 that parses. */
export type AcceptOutcome =
  | {readonly kind: 'inserted'; readonly track2: Secret<string>}
  | {readonly kind: 'unreadable'; readonly detail: string}
  | {readonly kind: 'stopped'}
  | Failed<CardReaderFault>

export type EjectOutcome = {readonly kind: 'taken'} | {readonly kind: 'left'} | Failed<CardReaderFault>
export type RetainOutcome = {readonly kind: 'retained'} | Failed<CardReaderFault>

export interface CardReader {
  readonly capabilities: CardReaderCapabilities
  /** Connects, identifies, keeps a card that is inside where it is, closes the mouth. Safe to call again after a lost link. */
  open(): Promise<
    | {readonly kind: 'open'; readonly identity: Identity; readonly status: CardReaderStatus}
    | Failed<CardReaderFault>
  >
  status(): Promise<CardReaderStatus | Failed<CardReaderFault>>
  /** Lets one card in, closes the mouth behind it and reads track 2. Waits for ever, until a card comes, `refuse` is called or the reader fails. */
  accept(): Promise<AcceptOutcome>
  /** Closes the mouth; a waiting `accept` resolves `stopped`. */
  refuse(): Promise<void>
  /** Card to the mouth; resolves when it was taken, or after `takeWithinMs`. */
  eject(takeWithinMs: number): Promise<EjectOutcome>
  /** Card into the retain bin. */
  retain(): Promise<RetainOutcome>
  close(): Promise<void>
}
