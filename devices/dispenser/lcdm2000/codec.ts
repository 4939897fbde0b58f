/** LCDM-2000: commands to frames and answer frames to values. Envelope and check were judged by the framer before. */
import {assert} from '../../../kit/assert.ts'
import {xorOf} from '../../wire/shapes.ts'
import {CASSETTE_NEAR_END, COMMANDS, DEVICE_ID, EOT, ETX, NOTES_PER_COMMAND_MAX, STX} from './bytes.ts'

export type Command =
  | {readonly kind: 'purge' | 'status' | 'romVersion' | 'testUpper' | 'testLower'}
  | {readonly kind: 'dispenseUpper' | 'dispenseLower'; readonly count: number}
  | {readonly kind: 'dispenseBoth'; readonly upper: number; readonly lower: number}

/** One cassette's counts in a dispense answer: seen at its throat, out of the mouth, diverted. */
export interface Counts {
  readonly picked: number
  readonly out: number
  readonly rejected: number
  readonly isNearEnd: boolean
}

export type Answer =
  | {readonly kind: 'purge'; readonly error: number}
  | {readonly kind: 'status'; readonly error: number; readonly sensors: readonly [number, number]}
  | {
      readonly kind: 'romVersion'
      /** T for LCDM-2000, O for LCDM-1000. */
      readonly letter: string
      /** Two digits. */
      readonly version: string
      /** Four characters. */
      readonly checksum: string
    }
  | OneCassette<'dispenseUpper'>
  | OneCassette<'dispenseLower'>
  | OneCassette<'testUpper'>
  | OneCassette<'testLower'>
  | {
      readonly kind: 'dispenseBoth'
      readonly error: number
      readonly upper: Counts
      readonly lower: Counts
    }
  /** An error and nothing else where counts belong: the command was not understood. That this is its form is assumed. */
  | {readonly kind: 'declined'; readonly error: number}

export interface OneCassette<Kind extends string> {
  readonly kind: Kind
  readonly error: number
  readonly counts: Counts
}

/** @throws AssertionFailed for a count outside 1..60. */
export function encode(command: Command): Uint8Array {
  const head = [EOT, DEVICE_ID, STX, COMMANDS[command.kind].code]
  const frame = Uint8Array.from([...head, ...argumentsOf(command), ETX])
  return Uint8Array.from([...frame, xorOf(frame)])
}

function argumentsOf(command: Command): readonly number[] {
  switch (command.kind) {
    case 'dispenseUpper':
    case 'dispenseLower':
      return twoDigits(command.count)
    case 'dispenseBoth':
      return [...twoDigits(command.upper), ...twoDigits(command.lower)]
    default:
      return []
  }
}

function twoDigits(count: number): readonly number[] {
  assert(
    Number.isInteger(count) && count >= 1 && count <= NOTES_PER_COMMAND_MAX,
    `${count} notes in a command`,
  )
  return [0x30 + Math.floor(count / 10), 0x30 + (count % 10)]
}

/** Whether the frame answers that kind of command. */
export function answers(frame: Uint8Array, kind: Command['kind']): boolean {
  return frame[3] === COMMANDS[kind].code
}

/** The answer in a whole, checked frame; null when its length or a field makes no sense. */
export function decode(frame: Uint8Array): Answer | null {
  const kind = kindOf(frame[3])
  if (kind === null) return null
  const body = frame.subarray(4, -2)
  if (frame.length !== COMMANDS[kind].answerBytes)
    return frame.length === DECLINED_BYTES ? {kind: 'declined', error: at(body, 0)} : null
  switch (kind) {
    case 'purge':
      return {kind, error: at(body, 0)}
    case 'status':
      return decodeStatus(body)
    case 'romVersion':
      return decodeRom(body)
    case 'dispenseBoth':
      return decodeBoth(body)
    case 'dispenseUpper':
    case 'dispenseLower':
    case 'testUpper':
    case 'testLower':
      return decodeOne(kind, body)
  }
}

/** `01 50 02 CMD ERR 03 BCC`. */
const DECLINED_BYTES = 7

function kindOf(code: number | undefined): Command['kind'] | null {
  const kinds: readonly Command['kind'][] = [
    'purge',
    'dispenseUpper',
    'status',
    'romVersion',
    'dispenseLower',
    'dispenseBoth',
    'testUpper',
    'testLower',
  ]
  return kinds.find(kind => COMMANDS[kind].code === code) ?? null
}

function decodeStatus(body: Uint8Array): Answer | null {
  const sensors = [at(body, 2), at(body, 3)] as const
  // The first byte is always 30, and bit 7 of the first sensor byte always 1.
  if (at(body, 0) !== 0x30 || (sensors[0] & 0x80) === 0) return null
  return {kind: 'status', error: at(body, 1), sensors}
}

function decodeRom(body: Uint8Array): Answer | null {
  const text = String.fromCharCode(...body)
  const match = /^([A-Z])([0-9]{2})T([0-~]{4})$/.exec(text)
  if (match === null) return null
  const [, letter = '', version = '', checksum = ''] = match
  return {kind: 'romVersion', letter, version, checksum: checksum.replace(/[:-?]/g, nibble)}
}

/** Checksum digits above 9 travel as 3A to 3F on some ROMs: the low nibble is the digit. */
function nibble(char: string): string {
  return (char.charCodeAt(0) & 0x0f).toString(16).toUpperCase()
}

/** CHK(2) EXIT(2) ERR CASS REJ(2). */
function decodeOne(
  kind: 'dispenseUpper' | 'dispenseLower' | 'testUpper' | 'testLower',
  body: Uint8Array,
): Answer | null {
  const counts = countsOf(body, {picked: 0, out: 2, cassette: 5, rejected: 6})
  return counts === null ? null : {kind, error: at(body, 4), counts}
}

/** CHKu(2) EXITu(2) CHKl(2) EXITl(2) ERR CASSu CASSl REJu(2) REJl(2). */
function decodeBoth(body: Uint8Array): Answer | null {
  const upper = countsOf(body, {picked: 0, out: 2, cassette: 9, rejected: 11})
  const lower = countsOf(body, {picked: 4, out: 6, cassette: 10, rejected: 13})
  return upper === null || lower === null ? null : {kind: 'dispenseBoth', error: at(body, 8), upper, lower}
}

interface Where {
  readonly picked: number
  readonly out: number
  readonly cassette: number
  readonly rejected: number
}

function countsOf(body: Uint8Array, where: Where): Counts | null {
  const picked = digitsAt(body, where.picked)
  const out = digitsAt(body, where.out)
  const rejected = digitsAt(body, where.rejected)
  if (picked === null || out === null || rejected === null) return null
  return {picked, out, rejected, isNearEnd: at(body, where.cassette) === CASSETTE_NEAR_END}
}

function digitsAt(body: Uint8Array, index: number): number | null {
  const tens = at(body, index) - 0x30
  const ones = at(body, index + 1) - 0x30
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : null
}

function at(body: Uint8Array, index: number): number {
  const byte = body[index]
  assert(byte !== undefined, `answer has no byte ${index}, its length was checked`)
  return byte
}
