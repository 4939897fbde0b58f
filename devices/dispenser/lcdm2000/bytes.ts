/**
 * Puloon LCDM-2000 cash dispenser: every constant of its wire. Byte values are hexadecimal.
 *
 * Sources, named below by letter: M, the maker's interface specification for the LCDM-1000T, V3.3T of 2005
 * (in the public repository vaerizk/puloon-cxx); P, puloon-cxx; A, AlexSpb03/lcdm-2000; T,
 * AlexObukhoff/TerminalClient. What only one of them says is marked assumed.
 */
import {closedByEtx} from '../../wire/shapes.ts'
import type {Handshake, Retry} from '../../wire/exchange.ts'
import type {SerialSettings} from '../../wire/serial.ts'
import type {DispenserFault} from '../port.ts'

export const EOT = 0x04
export const SOH = 0x01
export const STX = 0x02
export const ETX = 0x03
export const ACK = 0x06
export const NAK = 0x15
/** The address byte of this family. */
export const DEVICE_ID = 0x50

/** 8N1 without flow control (P, A, T; the maker's paper is silent); T also offers 19,200 and 38,400. */
export const LINE: SerialSettings = {baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1, rtscts: false}

/** Most notes of one cassette in one command (M). */
export const NOTES_PER_COMMAND_MAX = 60

/** Response of the device within so long of its ACK (M); a dispense gets a second more for each note (T). */
const ANSWER_MS = 60_000
const PER_NOTE_MS = 1_000

export interface CommandRow {
  readonly code: number
  readonly retry: Retry
  /** Acceptance to answer. */
  readonly answerMs: number
  readonly perNoteMs: number
  /** Length of the whole answer (M; 55, 56 and 77 from P, A). */
  readonly answerBytes: number
}

/** The whole command set. `never` marks all that moves notes. */
export const COMMANDS = {
  purge: {code: 0x44, retry: 'never', answerMs: 20_000, perNoteMs: 0, answerBytes: 7},
  dispenseUpper: {code: 0x45, retry: 'never', answerMs: ANSWER_MS, perNoteMs: PER_NOTE_MS, answerBytes: 14},
  status: {code: 0x46, retry: 'safe', answerMs: 2_000, perNoteMs: 0, answerBytes: 10},
  romVersion: {code: 0x47, retry: 'safe', answerMs: 5_000, perNoteMs: 0, answerBytes: 14},
  dispenseLower: {code: 0x55, retry: 'never', answerMs: ANSWER_MS, perNoteMs: PER_NOTE_MS, answerBytes: 14},
  dispenseBoth: {code: 0x56, retry: 'never', answerMs: ANSWER_MS, perNoteMs: PER_NOTE_MS, answerBytes: 21},
  testUpper: {code: 0x76, retry: 'never', answerMs: ANSWER_MS, perNoteMs: 0, answerBytes: 14},
  testLower: {code: 0x77, retry: 'never', answerMs: ANSWER_MS, perNoteMs: 0, answerBytes: 14},
} as const satisfies Readonly<Record<string, CommandRow>>

/** Second byte of the 3-byte notices of newer firmware: 8D while dispensing, 9C while rejecting (T alone: assumed). */
export const NOTICES = {dispensing: 0x8d, rejecting: 0x9c} as const
const NOTICE_BYTES = 3

/** Longest frame of the device is the answer to 56, 21 bytes. */
const FRAME_BYTES_MAX = 32

export const HANDSHAKE: Handshake = {
  shape: closedByEtx({
    head: [SOH, DEVICE_ID, STX],
    etx: ETX,
    // Digits, error codes from 30 and sensor bytes with bit 7 set: nothing below 30 is ever a body byte (M).
    isBody: byte => byte >= 0x30,
    controls: [ACK, NAK],
    notices: new Map([
      [NOTICES.dispensing, NOTICE_BYTES],
      [NOTICES.rejecting, NOTICE_BYTES],
    ]),
    frameBytesMax: FRAME_BYTES_MAX,
    // First byte to BCC (M).
    frameTimeMaxMs: 200,
  }),
  // 500 ms from the end of the frame (M).
  accepts: {ack: ACK, nak: NAK, timeoutMs: 500, enquiry: null},
  // The device gives up after the third NAK (M).
  answers: {ack: ACK, nak: NAK, nakMax: 3},
  sendsMax: 3,
  // Chosen: 20 characters at 9600 baud, far below the device's own timeouts.
  quietMs: 20,
  isNotice: frame => frame.length === NOTICE_BYTES,
}

/**
 * What an error byte says about the notes. `ok`; `before`: stopped before a pick, counts are good;
 * `inside`: notes may stand in the path; `mouth`: the same, and within a customer's reach; `exitCount`: the
 * count of notes out cannot be trusted; `over`: more passed than asked.
 */
export type ErrorClass = 'ok' | 'before' | 'inside' | 'mouth' | 'exitCount' | 'over'

export interface ErrorRow {
  readonly code: number
  readonly meaning: string
  readonly class: ErrorClass
  readonly fault: DispenserFault | null
  /** `assumed`: one source alone (T). */
  readonly source: 'agreed' | 'assumed'
}

const row = (
  code: number,
  meaning: string,
  kind: ErrorClass,
  fault: DispenserFault | null,
  source: ErrorRow['source'] = 'agreed',
): ErrorRow => ({code, meaning, class: kind, fault, source})

/** Every error byte that is known (M; 3A, 40, 46, 48 and 4C of the two-cassette model from P, A). */
export const ERRORS: readonly ErrorRow[] = [
  row(0x30, 'good', 'ok', null),
  row(0x31, 'normal stop', 'ok', null),
  row(0x32, 'pick-up error', 'before', 'pick-failed'),
  row(0x33, 'jam at CHK1 or CHK2', 'inside', 'jam'),
  row(0x34, 'more notes passed than asked', 'over', 'overflow'),
  row(0x35, 'jam at EXIT or EJT', 'mouth', 'jam-at-mouth'),
  row(0x36, 'jam at DIV', 'inside', 'jam'),
  row(0x37, 'undefined command', 'before', 'bad-request'),
  row(0x38, 'upper cassette empty', 'before', 'cassette-empty'),
  row(0x3a, 'counts differ between CHK3/4 and DIV', 'inside', 'count-mismatch'),
  row(0x3b, 'impossible count asked', 'before', 'bad-request'),
  row(0x3c, 'counts differ between DIV and EJT', 'inside', 'count-mismatch'),
  row(0x3d, 'counts differ between EJT and EXIT', 'exitCount', 'count-mismatch'),
  row(0x3f, 'reject tray missing', 'before', 'reject-bin-missing'),
  row(0x40, 'lower cassette empty', 'before', 'cassette-empty'),
  row(0x41, 'motor stopped', 'inside', 'hardware'),
  row(0x42, 'jam at DIV', 'inside', 'jam'),
  row(0x43, 'timeout from DIV to EJT', 'inside', 'jam'),
  row(0x44, 'too many rejects', 'before', 'too-many-rejects'),
  row(0x45, 'upper cassette missing', 'before', 'cassette-missing'),
  row(0x46, 'lower cassette missing', 'before', 'cassette-missing'),
  row(0x47, 'dispensing timeout', 'inside', 'jam'),
  row(0x48, 'jam at EJT', 'inside', 'jam'),
  row(0x49, 'diverter solenoid or its sensor', 'inside', 'hardware'),
  row(0x4a, 'solenoid sensor', 'inside', 'hardware'),
  row(0x4b, 'totals of CHK and DIV differ', 'inside', 'count-mismatch', 'assumed'),
  row(0x4c, 'jam at CHK3 or CHK4', 'inside', 'jam'),
  row(0x4e, 'purge failed, jam at DIV', 'inside', 'jam'),
  row(0x4f, 'note seen at the other cassette', 'inside', 'count-mismatch', 'assumed'),
  row(0x50, 'timeout from CHK to DIV', 'inside', 'jam', 'assumed'),
]

/** The row of that error byte; an unknown one counts as a jam with the counts as reported. */
export function errorRow(code: number): ErrorRow {
  return (
    ERRORS.find(known => known.code === code) ??
    row(code, 'unknown to this driver', 'inside', 'jam', 'assumed')
  )
}

/** Cassette flag of an answer: enough notes, or near its end. */
export const CASSETTE_NEAR_END = 0x31

/** Sensors that see notes in the path, by status byte and bit (P, A agree). */
export const PATH_SENSORS = [
  {name: 'CHK1', byte: 0, bit: 0},
  {name: 'CHK2', byte: 0, bit: 1},
  {name: 'DIV1', byte: 0, bit: 2},
  {name: 'DIV2', byte: 0, bit: 3},
  {name: 'EJT', byte: 0, bit: 4},
  {name: 'EXIT', byte: 0, bit: 5},
  {name: 'CHK3', byte: 1, bit: 3},
  {name: 'CHK4', byte: 1, bit: 4},
] as const

/** The other bits of the two status bytes; 1 = missing or near its end (P, A agree). */
export const STATUS_BITS = {
  upperNearEnd: {byte: 0, bit: 6},
  solenoid: {byte: 1, bit: 0},
  upperMissing: {byte: 1, bit: 1},
  lowerMissing: {byte: 1, bit: 2},
  lowerNearEnd: {byte: 1, bit: 5},
  rejectTrayMissing: {byte: 1, bit: 6},
} as const

/** Model letter of a ROM: T is the LCDM-2000, O the LCDM-1000 (M for the layout). */
export const ROM_LETTER = 'T'

/** Checksums of ROMs that were seen (T alone: assumed). */
export const KNOWN_ROMS: Readonly<Record<string, string>> = {
  AD2C: 'LCDM-1000 ROM 16',
  '8013': 'LCDM-1000 ROM 30',
  '5624': 'LCDM-2000 ROM 20',
  B56D: 'LCDM-2000 ROM 30',
}
