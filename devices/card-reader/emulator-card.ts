/** A plastic card in the hands of an emulated reader's customer: what its stripe and its chip hold. */
import type {ChipSpec} from './emulator-chip.ts'
import type {Track} from './port.ts'

/** What can be wrong with a track that is there. */
export type StripeFault = 'startSentinel' | 'endSentinel' | 'parity' | 'checkCharacter'

export interface Card {
  /** Each track as it lies between its sentinels; nothing is encoded on one that is left out. */
  readonly track1?: string
  /** `PAN=YYMM...` on a card of a bank. */
  readonly track2?: string
  readonly track3?: string
  /** Tracks that cannot be trusted, whatever they hold. */
  readonly faults?: Readonly<Partial<Record<Track, StripeFault>>>
  readonly chip?: ChipSpec
  /** `long` and `short` are cards of a length that is none. */
  readonly length?: 'normal' | 'long' | 'short'
}

/** A card as a bank gives it out: what its stripe says, its chip says as well. */
export function bankCard(track2: string): Card {
  return {track2, chip: {protocol: 'T0', track2, holder: 'CARD/HOLDER'}}
}

export type StripeRead =
  | {readonly kind: 'text'; readonly text: string}
  | {readonly kind: 'blank'}
  | {readonly kind: 'fault'; readonly fault: StripeFault}

/** What a head makes of one track. */
export function stripeRead(card: Card, track: Track): StripeRead {
  const fault = card.faults?.[track]
  if (fault !== undefined) return {kind: 'fault', fault}
  const text = {1: card.track1, 2: card.track2, 3: card.track3}[track]
  return text === undefined ? {kind: 'blank'} : {kind: 'text', text}
}

/** Whether any head would notice the card going by. */
export function hasStripe(card: Card): boolean {
  return ([1, 2, 3] as const).some(track => stripeRead(card, track).kind !== 'blank')
}
