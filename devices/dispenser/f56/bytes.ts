/**
 * Fujitsu F53 and F56 cash dispensers: every constant of their wire. Byte values are hexadecimal.
 *
 * Sources, named below by letter: L, the driver of the public repository lamassu/lamassu-machine (f56-rs232.js, bills.js);
 * B, the FujitsuBDU SDK's error tables, which cite the maker's paper K3KD03234; C, captured frames in three public C#
 * drivers (CashLib, LibreriaKioscoCash, Kiosko F56). What one of them alone says is marked assumed.
 */
import {keysOf} from '../../../kit/table.ts'
import type {Retry} from '../../wire/exchange.ts'
import type {SerialSettings} from '../../wire/serial.ts'
import type {DeviceError, DispenserFault} from '../port.ts'

export const DLE = 0x10
export const STX = 0x02
export const ETX = 0x03
/** Second bytes of the tokens; the first is DLE. */
export const TOKENS = {enq: 0x05, ack: 0x06, nak: 0x15} as const
/** Ends the data of every request and response. */
export const FS = 0x1c

/** 9600 8E1 (L, C). */
export const LINE: SerialSettings = {baudRate: 9_600, dataBits: 8, parity: 'even', stopBits: 1, rtscts: false}

/** Each step of the link: ENQ to ACK, text to ACK, ACK to text (L; B, citing the maker). */
export const STEP_TIMEOUT_MS = 5_000
export const TRIES_MAX = 3
/** Acceptance to response: L allows 40 s; counting and moving get more. */
const STATUS_MS = 10_000
const MOTION_MS = 60_000
/** The longest response has 157 bytes of data, 165 in all. */
export const TEXT_BYTES_MAX = 320
/** 165 bytes take 190 ms on the wire. Chosen, ten times that. */
export const TEXT_TIME_MS = 2_000
export const QUIET_MS = 20

export const CASSETTES = [1, 2, 3, 4] as const
/** Two digits of a count. */
export const NOTES_PER_CASSETTE_MAX = 99
/** Chosen: 20 notes of each cassette. No source names a limit of the pool. */
export const NOTES_PER_BUNCH_MAX = 80
/** Rejects and pick tries per cassette, as L asks for them. */
export const REJECTS_MAX = 4
export const PICKS_MAX = 3

export interface CommandRow {
  /** DH0 and DH1; the response repeats DH1. */
  readonly head: readonly [number, number]
  readonly retry: Retry
  readonly answerMs: number
}

/** The whole command set. `never` marks all that moves notes. */
export const COMMANDS = {
  status: {head: [0x00, 0x01], retry: 'safe', answerMs: STATUS_MS},
  /** Frees what waits; seen in a captured frame alone. */
  cancel: {head: [0x00, 0x10], retry: 'safe', answerMs: STATUS_MS},
  extendedStatus: {head: [0x60, 0x01], retry: 'safe', answerMs: STATUS_MS},
  /** Brings the mechanism home, moves what stands in the path to the reject box, and sets or keeps the notes' sizes. */
  reset: {head: [0x60, 0x02], retry: 'never', answerMs: MOTION_MS},
  reset8: {head: [0x60, 0x02], retry: 'never', answerMs: MOTION_MS},
  /** Counts notes out: to the front where there is no pool, into the pool where there is one. */
  count: {head: [0x60, 0x03], retry: 'never', answerMs: MOTION_MS},
  transport: {head: [0x60, 0x05], retry: 'never', answerMs: MOTION_MS},
  countAndTransport: {head: [0x60, 0x09], retry: 'never', answerMs: MOTION_MS},
  clearLog: {head: [0x60, 0x12], retry: 'safe', answerMs: STATUS_MS},
} as const satisfies Readonly<Record<string, CommandRow>>

export type CommandName = keyof typeof COMMANDS

/** First byte of a response. */
export const GOOD = 0xe0
export const BAD = 0xf0
/** Where things stand in a response, from its first byte (L; error address and registers C alone). */
export const AT = {errorCode: 3, sensors: 0x0c, dispensed: 0x27, rejected: 0x2f} as const
export const SENSOR_BYTES = 6
/** How dirty each sensor is, one byte each, in a status (B): where they stand, whose they are, and from which level on. */
export const LEVELS = {
  at: 0x27,
  names: [
    ...([1, 2, 3, 4, 5, 6] as const).map(n => `FDLS${n}`),
    ...['DFSS', 'REJS', 'BPS', 'BRS1', 'BRS2', 'BRS3', 'EJSR', 'EJSF', 'BCS'],
  ],
  cleanFrom: 9,
  replaceFrom: 13,
} as const
/** Data of the responses to a reset and to a count, FS and all (L, C). */
export const RESET_DATA_BYTES = 0x38
export const COUNT_DATA_BYTES = 0x9d

/** Sizes of a note as a reset sets them; the codes are plain millimetres around the nominal length (L's table, bills.js). */
export interface NoteSize {
  readonly lengthMaxMm: number
  readonly lengthMinMm: number
  /** 0C or 0D for every note of L's table. */
  readonly thickness: number
}

/** What a site says of its notes: 10 mm either way is what most rows of L's table have. */
export function sizeOf(lengthMm: number, thickness = 0x0d): NoteSize {
  return {lengthMaxMm: lengthMm + 10, lengthMinMm: lengthMm - 10, thickness}
}

/** Bit of ODR for polymer notes (L). */
export const ODR_POLYMER = 0x40
/** ODR of a count, as every captured frame has it (C). */
export const ODR_COUNT = 0xe4

export interface Profile {
  /** Gathers notes in a pool behind the shutter first; without one a count pays out at the front, as L drives it. */
  readonly pool: boolean
  /** Note sizes for a reset; null keeps what the device has stored. */
  readonly sizes: readonly [NoteSize, NoteSize, NoteSize, NoteSize] | null
  readonly odr: number
}

export const PROFILES = {
  front: {pool: false, sizes: null, odr: 0},
  pool: {pool: true, sizes: null, odr: 0},
} as const satisfies Readonly<Record<string, Profile>>

export type ProfileName = keyof typeof PROFILES

/**
 * Sensors in the order in which B lists their levels, taken as bits of the sensor register from its lowest on; that order
 * is assumed, but for BPS, which L reads at bit 4 of the third byte.
 */
export const SENSORS = [
  ...[1, 2, 3, 4, 5, 6].map(n => ({name: `FDLS${n}`, byte: 0, bit: n - 1, watches: 'path'}) as const),
  {name: 'DFSS', byte: 0, bit: 6, watches: 'path'},
  {name: 'REJS', byte: 0, bit: 7, watches: 'path'},
  {name: 'BRS1', byte: 1, bit: 0, watches: 'path'},
  {name: 'BRS2', byte: 1, bit: 1, watches: 'path'},
  {name: 'BRS3', byte: 1, bit: 2, watches: 'path'},
  {name: 'EJSR', byte: 1, bit: 3, watches: 'path'},
  {name: 'EJSF', byte: 1, bit: 4, watches: 'mouth'},
  {name: 'BCS', byte: 1, bit: 5, watches: 'pool'},
  {name: 'BPS', byte: 2, bit: 4, watches: 'taken'},
] as const satisfies readonly {
  readonly name: string
  readonly byte: number
  readonly bit: number
  /** `taken`: notes lie at the front for the customer. */
  readonly watches: 'path' | 'mouth' | 'pool' | 'taken'
}[]

/** When an error strikes: `before` any note left, on the way `inside`, `atMouth`, or when it is the `count` that is wrong. */
export type ErrorClass = 'before' | 'inside' | 'atMouth' | 'count'

export interface ErrorRow extends DeviceError {
  readonly class: ErrorClass
}

type Row = readonly [meaning: string, fault: DispenserFault, class_: ErrorClass, action: string]

const CALL = 'Call the engineer.'
const CLEAR = 'Take out what stands in the path and count it, then reset the dispenser.'
const SETTINGS = 'Reset the dispenser with the sizes of its notes; if it comes back, call the engineer.'

/** The first byte of the error code (B; 11, 21, 31 and 41 L and C as well). The second refines it and is shown as it is. */
const GENERAL: Readonly<Record<number, Row>> = {
  0x01: ['system down', 'hardware', 'before', CALL],
  0x02: ['system down', 'hardware', 'before', CALL],
  0x04: ['system down', 'hardware', 'before', CALL],
  0x50: ['the pool is not at home', 'hardware', 'inside', CLEAR],
  0x51: ['the pool is up', 'hardware', 'inside', CLEAR],
  0x52: ['nothing is in the pool', 'bad-request', 'before', ''],
  0x70: ['a note was left inside', 'jam', 'inside', CLEAR],
  0x76: ['a note was pulled out', 'jam-at-mouth', 'atMouth', CLEAR],
  0x77: ['a note was pulled out', 'jam-at-mouth', 'atMouth', CLEAR],
  0x78: ['jam between feed and double detection', 'jam', 'inside', CLEAR],
  0x7a: ['jam on the way to the reject box', 'jam', 'inside', CLEAR],
  0x7b: ['jam at the reject box', 'jam', 'inside', CLEAR],
  0x7c: ['jam in the ejection', 'jam-at-mouth', 'atMouth', CLEAR],
  0x7d: ['jam from the ejection to the pool', 'jam', 'inside', CLEAR],
  0x80: ['a note is too long', 'too-many-rejects', 'inside', 'Look at the notes of that cassette.'],
  0x82: ['a note is too short', 'too-many-rejects', 'inside', 'Look at the notes of that cassette.'],
  0x83: ['a note is too short', 'too-many-rejects', 'inside', 'Look at the notes of that cassette.'],
  0x84: [
    'a note is too thick, or two came at once',
    'too-many-rejects',
    'inside',
    'Fan and reload that cassette.',
  ],
  0x85: ['a note of another cassette', 'count-mismatch', 'count', CLEAR],
  0x86: ['notes come too close together', 'too-many-rejects', 'inside', 'Fan and reload that cassette.'],
  0x88: ['the count does not match', 'count-mismatch', 'count', CLEAR],
  0x89: ['the thickness sensor is out of its range', 'hardware', 'before', CALL],
  0xb0: ['the reject box is missing', 'reject-bin-missing', 'before', 'Put the reject box in.'],
  0xb5: ['the reject box is full', 'reject-bin-missing', 'before', 'Empty the reject box and count it.'],
  0xc0: ['program download', 'hardware', 'before', CALL],
  0xc1: ['program download', 'hardware', 'before', CALL],
  0xe0: ['service mode', 'hardware', 'before', CALL],
  0xe1: ['no note sizes are registered', 'hardware', 'before', SETTINGS],
  0xe4: ['no note sizes for this cassette', 'hardware', 'before', SETTINGS],
  0xe5: ['command out of sequence', 'bad-request', 'before', 'Reset the dispenser.'],
  0xe6: ['a digit has the wrong parity', 'bad-request', 'before', ''],
  0xe8: ['length or thickness out of range', 'bad-request', 'before', SETTINGS],
  0xea: ['a parameter out of range', 'bad-request', 'before', ''],
  0xec: ['the command does not end in FS', 'bad-request', 'before', ''],
  0xee: ['the command has another format', 'bad-request', 'before', ''],
  0xef: [
    'the pool is not set',
    'bad-request',
    'before',
    'Check whether this dispenser has a pool, and the settings.',
  ],
  0xf1: ['over-current', 'hardware', 'inside', CALL],
  0xf2: ['option', 'hardware', 'before', CALL],
  0xf3: ['option', 'hardware', 'before', CALL],
  0xf4: ['option', 'hardware', 'before', CALL],
  0xf6: ['checksum of the log', 'hardware', 'before', CALL],
  0xf8: ['sensor level', 'hardware', 'before', 'Clean the sensors.'],
  0xfc: ['no note came', 'pick-failed', 'inside', 'Look at the notes of that cassette.'],
  0xfd: ['the power was lost during a count', 'hardware', 'count', CLEAR],
}

/** 10 to 4F: the high digit is the cassette, 5 to 8 when 4 is added to the low one. */
const OF_CASSETTE: Readonly<Record<number, Row>> = {
  0x00: ['is missing', 'cassette-missing', 'before', 'Put the cassette in.'],
  0x01: ['is empty', 'cassette-empty', 'before', 'Refill the cassette.'],
  0x02: ['failed its diagnosis', 'hardware', 'before', CALL],
  0x06: ['no note could be picked from it', 'pick-failed', 'before', 'Fan and reload the cassette.'],
  0x08: ['no note could be picked from it', 'pick-failed', 'before', 'Fan and reload the cassette.'],
}

const SHUTTER: Row = ['the shutter', 'shutter-blocked', 'before', 'Free the shutter.']
const CAPTURE: Row = ['the capture box', 'hardware', 'before', 'Look at the capture box.']
const UNKNOWN: Row = ['not in the maker’s table', 'hardware', 'inside', CALL]

/** What an error code says. `00` is no error and gives null. */
export function errorRow(code: number, detail: number): ErrorRow | null {
  if (code === 0) return null
  const [meaning, fault, class_, action] = rowOf(code)
  const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0')
  const agreed = [0x11, 0x21, 0x31, 0x41].includes(code)
  return {
    code: detail === 0 ? hex(code) : `${hex(code)} ${hex(detail)}`,
    meaning,
    fault,
    action,
    class: class_,
    source: agreed ? 'agreed' : 'assumed',
  }
}

function rowOf(code: number): Row {
  const known = GENERAL[code]
  if (known !== undefined) return known
  if (code >= 0x10 && code < 0x50) {
    const low = code & 0x0f
    const row = OF_CASSETTE[low] ?? OF_CASSETTE[low - 4]
    const cassette = (code >> 4) + (OF_CASSETTE[low] === undefined ? 4 : 0)
    if (row !== undefined) return [`cassette ${cassette} ${row[0]}`, row[1], row[2], row[3]]
  }
  if (code >= 0xa0 && code <= 0xaf) return SHUTTER
  if (code >= 0xb8 && code <= 0xbe) return CAPTURE
  return UNKNOWN
}

/** Every code that is told, in the order of the table. */
export function errorRows(): readonly ErrorRow[] {
  const cassettes = CASSETTES.flatMap(n => keysOf(OF_CASSETTE).map(low => n * 16 + Number(low)))
  const codes = [...cassettes, ...keysOf(GENERAL).map(Number), 0xa0, 0xb8]
  return codes.flatMap(code => errorRow(code, 0) ?? [])
}
