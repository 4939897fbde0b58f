/** A card drawn through an emulated DynaPro's own slot, and the reports in which the pad tells of it. */
import {CARD_DATA, CARD_TYPE, INPUTS} from './bytes.ts'
import type {SecureModule} from './emulator-module.ts'

export interface SwipedCard {
  /** Tracks 1 to 3 with their sentinels; empty where nothing is encoded. */
  readonly tracks: readonly [string, string, string]
  /** From track 2, or null when it has none. */
  readonly pan: string | null
  /** Bits 0 to 2: a track that could not be read. */
  readonly status: number
  readonly type: number
}

/** The card whose track 2 that is, between its sentinels. */
export function swipedCard(track2: string): SwipedCard {
  const pan = /^([0-9]{8,19})=/.exec(track2)?.[1] ?? null
  const type = pan === null ? CARD_TYPE.other : CARD_TYPE.financial
  return {tracks: ['', `;${track2}?`, ''], pan, status: 0, type}
}

/** The card data reports, in the order of the published dialogue; null when there is no card key. */
export function cardReports(card: SwipedCard, module: SecureModule): readonly Uint8Array[] | null {
  const sealed = module.cardBlocks(card.tracks)
  if (sealed === null) return null
  const shown = card.tracks.map(track => Buffer.from(masked(track), 'latin1'))
  const ids = [CARD_DATA.masked1, CARD_DATA.masked2, CARD_DATA.masked3]
  const sealedIds = [CARD_DATA.encrypted1, CARD_DATA.encrypted2, CARD_DATA.encrypted3]
  const empty = new Uint8Array()
  return [
    ...ids.map((id, at) => dataReport(id, shown[at] ?? empty)),
    ...sealedIds.map((id, at) => dataReport(id, sealed.blocks[at] ?? empty)),
    // It measures no MagnePrint.
    dataReport(CARD_DATA.magnePrint, empty),
    dataReport(CARD_DATA.ksn, Uint8Array.of(...sealed.ksn, 0, 0, 0, 0)),
  ]
}

function dataReport(id: number, content: Uint8Array): Uint8Array {
  return Uint8Array.of(id, 0, content.length, ...content.subarray(0, INPUTS.cardData.bytes - 3))
}

/** Of every number the ends, of what follows it nothing. */
function masked(track: string): string {
  return track
    .replace(/([0-9]{4})([0-9]+)([0-9]{4})(?=[=^])/, (_, first: string, hidden: string, last: string) => {
      return first + '0'.repeat(hidden.length) + last
    })
    .replace(/=.*\?/, rest => `=${'0'.repeat(rest.length - 2)}?`)
}
