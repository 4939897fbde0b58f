/**
 * MagTek readers: reports to values and back. Both ends of the wire use it; vectors.json is the witness that
 * neither can talk the other into a shared mistake.
 *
 * A track is believed only where it stands in clear. A reader that encrypts shows it masked, and a masked track
 * looks like any other: it is never taken for one.
 */
import {assert} from '../../../kit/assert.ts'
import type {Track} from '../port.ts'
import type {RawTrack} from '../stripe.ts'
import {
  CLEAR_TRACKS,
  COMMANDS,
  DECODE_AT,
  ENCODE,
  ENCODE_AT,
  ENCRYPTED_TRACKS,
  ENCRYPTION,
  INSERTING,
  MAGNE_SAFE_AT,
  MAGNE_SAFE_BYTES,
  MASKED_TRACKS,
  RESULT,
  SENTINELS,
  SURE_SWIPE_BYTES,
} from './bytes.ts'
import type {CommandName, Encode, Family, Result, TrackFields} from './bytes.ts'

export const TRACKS: readonly Track[] = [1, 2, 3]

/** One card, as a report tells it. */
export interface CardReport {
  /** Null for a code that the manual does not list. */
  readonly encode: Encode | null
  /** `encrypted`: the reader gives its tracks as ciphertext only. */
  readonly tracks: ReadonlyMap<Track, RawTrack> | 'encrypted'
  /** Whether it was read on the card's way in, or out; null where only a swipe is known of. */
  readonly way: 'in' | 'out' | null
  /** Bits of `ENCRYPTION`; none from a SureSwipe reader. */
  readonly encryption: number
}

/** The family whose input reports are that long, or null: a MagneSafe reader may be set to speak as a SureSwipe one. */
export function familyOf(inputBytes: number): Family | null {
  if (inputBytes === SURE_SWIPE_BYTES) return 'sureSwipe'
  return inputBytes >= MAGNE_SAFE_BYTES.short ? 'magneSafe' : null
}

/** What a report says, or null when its lengths cannot be. @param bytes as long as its family's, without a report ID */
export function decodeCard(bytes: Uint8Array): CardReport | null {
  const family = familyOf(bytes.length)
  if (family === null) return null
  const encode = nameOf(ENCODE, bytes[ENCODE_AT])
  if (family === 'sureSwipe') {
    const tracks = tracksIn(bytes, CLEAR_TRACKS)
    return tracks === null ? null : {encode, tracks, way: null, encryption: 0}
  }
  const {cardStatus, encryption: at} = MAGNE_SAFE_AT
  const encryption = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  const way = ((bytes[cardStatus] ?? 0) & INSERTING) === 0 ? 'out' : 'in'
  const isEncrypting = (encryption & ENCRYPTION.enabled) !== 0
  const hidden = tracksIn(bytes, ENCRYPTED_TRACKS)
  const shown = tracksIn(bytes, MASKED_TRACKS)
  if (hidden === null || shown === null) return null
  if (isEncrypting) return {encode, tracks: 'encrypted', way, encryption}
  // Without encryption the first fields hold the tracks in clear; where they are empty, the others do.
  const isHiddenEmpty = TRACKS.every(track => bytes[ENCRYPTED_TRACKS.lengthsAt + track - 1] === 0)
  return {encode, tracks: isHiddenEmpty ? shown : hidden, way, encryption}
}

/** The three tracks of those fields, or null when one is longer than its room. */
function tracksIn(bytes: Uint8Array, fields: TrackFields): ReadonlyMap<Track, RawTrack> | null {
  const {lengthsAt, tracksAt, trackBytes} = fields
  const read = (track: Track): RawTrack => {
    if (((bytes[DECODE_AT + track - 1] ?? 0) & 1) !== 0) return {kind: 'dataInvalid', why: 'unspecified'}
    const at = tracksAt + (track - 1) * trackBytes
    return trackOf(track, bytes.subarray(at, at + (bytes[lengthsAt + track - 1] ?? 0)))
  }
  const isPossible = TRACKS.every(track => (bytes[lengthsAt + track - 1] ?? 0) <= trackBytes)
  return isPossible ? new Map(TRACKS.map(track => [track, read(track)])) : null
}

/** A track between its sentinels. */
function trackOf(track: Track, bytes: Uint8Array): RawTrack {
  if (bytes.length === 0) return {kind: 'dataMissing'}
  if (bytes.some(byte => byte < 0x20 || byte > 0x7e)) return {kind: 'dataInvalid', why: 'format'}
  const text = Buffer.from(bytes).toString('latin1')
  const {starts, end} = SENTINELS[track]
  if (!starts.includes(text.slice(0, 1))) return {kind: 'dataInvalid', why: 'startSentinel'}
  if (text.length < 2 || !text.endsWith(end)) return {kind: 'dataInvalid', why: 'endSentinel'}
  return {kind: 'text', text: text.slice(1, -1)}
}

/** What goes into an input report, as the emulated reader has it. Null stands for a track that could not be decoded. */
export interface CardFields {
  readonly encode: Encode
  /** With sentinels; empty where nothing is encoded. */
  readonly tracks: Readonly<Record<Track, string | null>>
  /** MagneSafe only. */
  readonly magneSafe: MagneSafeFields | null
}

export interface MagneSafeFields {
  readonly way: 'in' | 'out'
  /** What stands in the encrypted fields, by track. */
  readonly encrypted: Readonly<Record<Track, Uint8Array>>
  /** What stands in the masked fields, with sentinels. */
  readonly masked: Readonly<Record<Track, string>>
  readonly encryption: number
  readonly serial: string
  readonly ksn: Uint8Array
  readonly session: Uint8Array
  readonly swipeCount: number
  readonly version: string
  readonly sha1: Uint8Array
}

/** An input report of that length. @throws AssertionFailed when something does not fit into its field */
export function encodeCard(inputBytes: number, card: CardFields): Uint8Array {
  const bytes = new Uint8Array(inputBytes)
  for (const track of TRACKS) if (card.tracks[track] === null) bytes[DECODE_AT + track - 1] = 1
  bytes[ENCODE_AT] = ENCODE[card.encode]
  const {magneSafe} = card
  if (magneSafe === null) {
    for (const track of TRACKS) putTrack(bytes, CLEAR_TRACKS, track, ascii(card.tracks[track] ?? ''))
    return bytes
  }
  for (const track of TRACKS) {
    putTrack(bytes, ENCRYPTED_TRACKS, track, magneSafe.encrypted[track])
    putTrack(bytes, MASKED_TRACKS, track, ascii(magneSafe.masked[track]))
    bytes[MAGNE_SAFE_AT.clearLengths + track - 1] = card.tracks[track]?.length ?? 0
  }
  bytes[MAGNE_SAFE_AT.cardStatus] = magneSafe.way === 'in' ? INSERTING : 0
  bytes.set(ascii(magneSafe.serial), MAGNE_SAFE_AT.serial)
  bytes.set([magneSafe.encryption >> 8, magneSafe.encryption & 0xff], MAGNE_SAFE_AT.encryption)
  bytes.set(magneSafe.ksn, MAGNE_SAFE_AT.ksn)
  bytes.set(magneSafe.session, MAGNE_SAFE_AT.session)
  if (inputBytes >= MAGNE_SAFE_BYTES.long) {
    const {swipeCount: count} = magneSafe
    bytes.set([(count >> 16) & 0xff, (count >> 8) & 0xff, count & 0xff], MAGNE_SAFE_AT.swipeCount)
    bytes.set(ascii(magneSafe.version), MAGNE_SAFE_AT.version)
    bytes.set(magneSafe.sha1, MAGNE_SAFE_AT.sha1)
  }
  return bytes
}

function putTrack(bytes: Uint8Array, fields: TrackFields, track: Track, content: Uint8Array): void {
  const {lengthsAt, tracksAt, trackBytes} = fields
  assert(content.length <= trackBytes, `a track ${track} of ${content.length} bytes`)
  bytes[lengthsAt + track - 1] = content.length
  bytes.set(content, tracksAt + (track - 1) * trackBytes)
}

/** A command as the feature report carries it, without the zeros to its end. */
export function encodeCommand(name: CommandName, content: readonly number[] = []): Uint8Array {
  return Uint8Array.of(COMMANDS[name], content.length, ...content)
}

/** Which command, or null when there is none of that number; `content` null when the length byte points beyond the report. */
export function decodeCommand(bytes: Uint8Array): {
  readonly name: CommandName | null
  readonly content: Uint8Array | null
} {
  const length = bytes[1] ?? 0
  return {
    name: nameOf(COMMANDS, bytes[0]),
    content: 2 + length > bytes.length ? null : bytes.slice(2, 2 + length),
  }
}

export function encodeAnswer(result: Result, content: Uint8Array = new Uint8Array()): Uint8Array {
  return Uint8Array.of(RESULT[result], content.length, ...content)
}

/** What an answer says, or null when it has another form. `result` null: a code that the manual does not list. */
export function decodeAnswer(
  bytes: Uint8Array,
): {readonly result: Result | null; readonly code: number; readonly content: Uint8Array} | null {
  const [code = 0, length = 0] = bytes
  if (bytes.length < 2 || 2 + length > bytes.length) return null
  return {result: nameOf(RESULT, code), code, content: bytes.slice(2, 2 + length)}
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

function nameOf<Name extends string>(
  table: Readonly<Record<Name, number>>,
  code: number | undefined,
): Name | null {
  for (const name in table) if (table[name] === code) return name
  return null
}
