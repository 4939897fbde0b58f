/** What a magnetic stripe holds, as every reader of it has to understand it (ISO/IEC 7811, 7813). Pure. */
import {Secret} from '../../kit/secret.ts'
import type {AcceptOutcome, Track, TrackRead, Tracks} from './port.ts'

/** Most characters of track 2 between its sentinels (ISO/IEC 7813: 40 with sentinels and check character). */
const TRACK2_CHARACTERS_MAX = 37

/** Sentinels stand round a track or do not, since readers differ: `%...?` on track 1, `;...?` on the others. */
const BETWEEN_SENTINELS = /^[%;]?([^%;?]*)\??$/s

/**
 * Track 2 without sentinels, `PAN=YYMM...`, or null when the text is not one. The PAN's check digit is the bank's
 * affair.
 */
export function track2Of(text: string): string | null {
  const match = /^;?([0-9]{8,19}=[0-9]{4}[0-9]*)\??$/.exec(text)
  const [, content] = match ?? []
  return content === undefined || content.length > TRACK2_CHARACTERS_MAX ? null : content
}

/** What a head gave of one track, not wrapped yet. */
export type RawTrack =
  {readonly kind: 'text'; readonly text: string} | Exclude<TrackRead, {readonly kind: 'read'}>

/** What a card amounts to whose tracks gave that: good for a visit with a track 2 that parses, or unreadable. */
export function stripeOutcome(
  raw: ReadonlyMap<Track, RawTrack>,
): Extract<AcceptOutcome, {kind: 'inserted' | 'unreadable'}> {
  const tracks: Tracks = Object.fromEntries([...raw].map(([track, one]) => [track, wrapped(one)]))
  const second = raw.get(2)
  const track2 = second?.kind === 'text' ? track2Of(second.text) : null
  return track2 === null
    ? {kind: 'unreadable', tracks, detail: `track 2: ${trouble(second)}`}
    : {kind: 'inserted', source: 'stripe', track2: new Secret(track2), tracks}
}

function wrapped(raw: RawTrack): TrackRead {
  if (raw.kind !== 'text') return raw
  const content = BETWEEN_SENTINELS.exec(raw.text)?.[1]
  return content === undefined
    ? {kind: 'dataInvalid', why: 'format'}
    : {kind: 'read', text: new Secret(content)}
}

const FAULT_TEXT = {
  startSentinel: 'no start sentinel',
  endSentinel: 'no end sentinel',
  parity: 'parity error',
  checkCharacter: 'check character wrong',
  format: 'not in the form of ISO/IEC 7813',
  unspecified: 'cannot be read',
} as const

/** For the operator: why a track is no use. */
function trouble(raw: RawTrack | undefined): string {
  switch (raw?.kind) {
    case undefined:
    case 'notSupported':
      return 'the reader cannot read that track'
    case 'dataMissing':
      return 'nothing encoded'
    case 'dataInvalid':
      return FAULT_TEXT[raw.why]
    case 'text':
      return FAULT_TEXT.format
  }
}
