/**
 * Creator CRT-310: the upload of magnetic tracks, both ways. Mode and choice of tracks are echoed, then comes each
 * track after a separator: with its content, or with what was wrong with it.
 */
import {nameOf} from '../names.ts'
import type {Track} from '../port.ts'
import {TRACK, TRACKS_WANTED, TRACK_FAULT, TRACK_NOT_READABLE} from './bytes.ts'
import type {TrackTrouble} from './bytes.ts'

/** `notReadable`: the reader has no head for that track. */
export type Uploaded =
  | {readonly kind: 'track'; readonly text: string}
  | {readonly kind: 'bad'; readonly fault: TrackTrouble}
  | {readonly kind: 'notReadable'}

export type Mode = 'ascii' | 'binary'

/** The parameter that asks for those tracks, whatever their order. */
export function parameterFor(tracks: readonly Track[]): number {
  for (const [parameter, some] of TRACKS_WANTED)
    if (some.length === new Set(tracks).size && some.every(track => tracks.includes(track))) return parameter
  return ALL_TRACKS
}
const ALL_TRACKS = 0x37

/** Each track of the reply to an upload in that mode, by its number; null when the data are not of that form. */
export function decodeTracks(data: Uint8Array): ReadonlyMap<Track, Uploaded> | null {
  const [mode, parameter, ...rest] = data
  const wanted = parameter === undefined ? undefined : TRACKS_WANTED.get(parameter)
  if (wanted === undefined || (mode !== TRACK.ascii && mode !== TRACK.binary)) return null
  const [before, ...parts] = split(rest)
  if (before === undefined || before.length > 0 || parts.length !== wanted.length) return null
  const tracks = new Map<Track, Uploaded>()
  for (const [at, track] of wanted.entries()) {
    const read = uploadedOf(parts[at] ?? [], track, mode === TRACK.binary ? 'binary' : 'ascii')
    if (read === null) return null
    tracks.set(track, read)
  }
  return tracks
}

export function encodeTracks(
  mode: Mode,
  parameter: number,
  tracks: ReadonlyMap<Track, Uploaded>,
): Uint8Array {
  const parts = (TRACKS_WANTED.get(parameter) ?? []).flatMap(track => [
    TRACK.separator,
    ...partOf(tracks.get(track) ?? {kind: 'notReadable'}, track, mode),
  ])
  return Uint8Array.of(TRACK[mode], parameter, ...parts)
}

/** At each separator, which no track holds. */
function split(bytes: readonly number[]): number[][] {
  const parts: number[][] = [[]]
  for (const byte of bytes) {
    if (byte === TRACK.separator) parts.push([])
    else parts.at(-1)?.push(byte)
  }
  return parts
}

function uploadedOf(part: readonly number[], track: Track, mode: Mode): Uploaded | null {
  const [verdict, ...rest] = part
  if (verdict === TRACK.good) {
    const text = String.fromCharCode(...rest)
    const content = mode === 'ascii' ? text : fromBinary(text, track)
    return content === null ? null : {kind: 'track', text: content}
  }
  const [code] = rest
  if (rest.length !== 1) return null
  if (verdict === TRACK.notReadable) return code === TRACK_NOT_READABLE ? {kind: 'notReadable'} : null
  const fault = verdict === TRACK.bad ? nameOf(TRACK_FAULT, code) : null
  return fault === null ? null : {kind: 'bad', fault}
}

function partOf(read: Uploaded, track: Track, mode: Mode): readonly number[] {
  switch (read.kind) {
    case 'track': {
      const text = mode === 'ascii' ? read.text : toBinary(read.text, track)
      return [TRACK.good, ...Buffer.from(text, 'latin1')]
    }
    case 'bad':
      return [TRACK.bad, TRACK_FAULT[read.fault]]
    case 'notReadable':
      return [TRACK.notReadable, TRACK_NOT_READABLE]
  }
}

/** The value a stripe's character stands for begins at this ASCII character: six bits on track 1, four on the others (ISO/IEC 7811-2). */
const ZERO_OF: Readonly<Record<Track, number>> = {1: 0x20, 2: 0x30, 3: 0x30}
const VALUE_MAX: Readonly<Record<Track, number>> = {1: 0x3f, 2: 0x0f, 3: 0x0f}

function toBinary(text: string, track: Track): string {
  return Array.from(Buffer.from(text, 'latin1'), byte =>
    (byte - ZERO_OF[track]).toString(16).toUpperCase().padStart(2, '0'),
  ).join('')
}

function fromBinary(text: string, track: Track): string | null {
  if (!/^(?:[0-9A-F]{2})*$/.test(text)) return null
  const values = [...Buffer.from(text, 'hex')]
  if (values.some(value => value > VALUE_MAX[track])) return null
  return String.fromCharCode(...values.map(value => value + ZERO_OF[track]))
}
