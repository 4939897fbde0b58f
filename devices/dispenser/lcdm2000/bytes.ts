/**
 * Puloon LCDM-2000 and LCDM-1000 cash dispensers: every constant of their wire. Byte values are hexadecimal. The 1000 is
 * the older one with a single cassette; where they differ, the table VARIANTS says how.
 *
 * Sources, named below by letter: M, the maker's interface specification for the LCDM-1000T, V3.3T of 2005
 * (in the public repository vaerizk/puloon-cxx); P, puloon-cxx; A, AlexSpb03/lcdm-2000; T,
 * AlexObukhoff/TerminalClient. What only one of them says is marked assumed.
 */
import {closedByEtx} from '../../wire/shapes.ts'
import type {Handshake, Retry} from '../../wire/exchange.ts'
import type {SerialSettings} from '../../wire/serial.ts'
import type {DeviceError, DispenserFault} from '../port.ts'

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

/** The whole command set; which of them a model has, VARIANTS says. `never` marks all that moves notes. */
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

export interface ErrorRow extends DeviceError {
  readonly byte: number
  readonly class: ErrorClass
  /** The models that know the code (M describes the 1000; P and A add those of the 2000). */
  readonly on: 'both' | 'lcdm2000'
}

const row = (
  byte: number,
  meaning: string,
  kind: ErrorClass,
  fault: DispenserFault | null,
  action: string,
  more: Partial<Pick<ErrorRow, 'source' | 'on'>> = {},
): ErrorRow => ({
  byte,
  code: byte.toString(16).toUpperCase(),
  meaning,
  class: kind,
  fault,
  action,
  source: 'agreed',
  on: 'both',
  ...more,
})

const NOTHING_TO_DO = ''
const CLEAR_PATH = 'Open the transport, take out the notes, count them, and reset.'
const CLEAR_MOUTH =
  'Look at the mouth first: a note may be half out. Take out the notes, count them, and reset.'
const COUNT = 'Count the cassettes and the reject tray; the counts of the last order are not to be trusted.'
const REFILL = 'Fill the cassette, and check that its pusher presses.'
const SEAT = 'Push the cassette in until it locks.'
const OURS = 'Nothing at the machine: the order was impossible. Report it with the log.'
const REPAIR = 'Reset. When it comes back, the part needs service.'
/** Not in the maker's paper of the 1000; two public drivers agree on it. */
const NEWER = {on: 'lcdm2000'} as const
/** T alone. */
const ASSUMED = {source: 'assumed'} as const

/** Every error byte that is known (M; 3A, 40, 46, 48 and 4C of the two-cassette model from P, A). */
export const ERRORS: readonly ErrorRow[] = [
  row(0x30, 'good', 'ok', null, NOTHING_TO_DO),
  row(0x31, 'normal stop', 'ok', null, NOTHING_TO_DO),
  row(
    0x32,
    'pick-up error',
    'before',
    'pick-failed',
    'Take the cassette out, loosen and even the notes, clean the rollers.',
  ),
  row(0x33, 'jam at CHK1 or CHK2', 'inside', 'jam', CLEAR_PATH),
  row(
    0x34,
    'more notes passed than asked',
    'over',
    'overflow',
    'Count the cassettes: the customer has more than was asked. Check for notes that stick together.',
  ),
  row(0x35, 'jam at EXIT or EJT', 'mouth', 'jam-at-mouth', CLEAR_MOUTH),
  row(0x36, 'jam at DIV', 'inside', 'jam', CLEAR_PATH),
  row(0x37, 'undefined command', 'before', 'bad-request', OURS),
  row(0x38, 'upper cassette empty', 'before', 'cassette-empty', REFILL),
  row(0x3a, 'counts differ between CHK3/4 and DIV', 'inside', 'count-mismatch', CLEAR_PATH, NEWER),
  row(0x3b, 'impossible count asked', 'before', 'bad-request', OURS),
  row(0x3c, 'counts differ between DIV and EJT', 'inside', 'count-mismatch', CLEAR_PATH),
  row(0x3d, 'counts differ between EJT and EXIT', 'exitCount', 'count-mismatch', COUNT),
  row(0x3f, 'reject tray missing', 'before', 'reject-bin-missing', 'Put the reject tray in.'),
  row(0x40, 'lower cassette empty', 'before', 'cassette-empty', REFILL, NEWER),
  row(0x41, 'motor stopped', 'inside', 'hardware', CLEAR_PATH),
  row(0x42, 'jam at DIV', 'inside', 'jam', CLEAR_PATH),
  row(0x43, 'timeout from DIV to EJT', 'inside', 'jam', CLEAR_PATH),
  row(
    0x44,
    'too many rejects',
    'before',
    'too-many-rejects',
    'Empty the reject tray and look at the notes: worn, stuck together, or of another size.',
  ),
  row(0x45, 'upper cassette missing', 'before', 'cassette-missing', SEAT),
  row(0x46, 'lower cassette missing', 'before', 'cassette-missing', SEAT, NEWER),
  row(0x47, 'dispensing timeout', 'inside', 'jam', CLEAR_PATH),
  row(0x48, 'jam at EJT', 'inside', 'jam', CLEAR_PATH, NEWER),
  row(0x49, 'diverter solenoid or its sensor', 'inside', 'hardware', REPAIR),
  row(0x4a, 'solenoid sensor', 'inside', 'hardware', REPAIR),
  row(0x4b, 'totals of CHK and DIV differ', 'inside', 'count-mismatch', CLEAR_PATH, ASSUMED),
  row(0x4c, 'jam at CHK3 or CHK4', 'inside', 'jam', CLEAR_PATH, NEWER),
  row(0x4e, 'purge failed, jam at DIV', 'inside', 'jam', CLEAR_PATH),
  row(0x4f, 'note seen at the other cassette', 'inside', 'count-mismatch', CLEAR_PATH, ASSUMED),
  row(0x50, 'timeout from CHK to DIV', 'inside', 'jam', CLEAR_PATH, ASSUMED),
]

/** The row of that error byte; an unknown one counts as a jam with the counts as reported. */
export function errorRow(byte: number): ErrorRow {
  return (
    ERRORS.find(known => known.byte === byte) ??
    row(byte, 'unknown to this driver', 'inside', 'jam', CLEAR_PATH, ASSUMED)
  )
}

/** Cassette flag of an answer: enough notes, or near its end. */
export const CASSETTE_NEAR_END = 0x31

export const UPPER = 1
export const LOWER = 2

/** What a bit of the two status bytes watches; 1 = covered, missing or near its end. */
export interface StatusBit {
  readonly name: string
  readonly byte: 0 | 1
  readonly bit: number
  readonly watches: 'path' | 'mouth' | 'cassetteMissing' | 'nearEnd' | 'rejectTrayMissing' | 'solenoid'
  /** Of which cassette; 0 where it is of none. */
  readonly cassette: 0 | typeof UPPER | typeof LOWER
}

const bit = (
  name: string,
  byte: 0 | 1,
  at: number,
  watches: StatusBit['watches'],
  cassette: StatusBit['cassette'] = 0,
): StatusBit => ({name, byte, bit: at, watches, cassette})

/** SENSOR0, the same on both models (M, P, A agree); bit 7 is always 1. */
const SENSOR0: readonly StatusBit[] = [
  bit('CHK1', 0, 0, 'path', UPPER),
  bit('CHK2', 0, 1, 'path', UPPER),
  bit('DIV1', 0, 2, 'path'),
  bit('DIV2', 0, 3, 'path'),
  bit('EJT', 0, 4, 'path'),
  bit('EXIT', 0, 5, 'mouth'),
  bit('near end upper', 0, 6, 'nearEnd', UPPER),
]

/** Where the two models differ. */
export interface Variant {
  readonly model: 'lcdm1000' | 'lcdm2000'
  readonly name: string
  /** First character of its ROM VERSION (M for the layout). */
  readonly romLetter: 'O' | 'T'
  readonly cassettes: readonly number[]
  readonly statusBits: readonly StatusBit[]
  readonly errors: readonly ErrorRow[]
}

export const VARIANTS = {
  /** SENSOR1 by M alone. Of the commands it has no 55, 56 and 77, of the errors no 3A, 40, 46, 48 and 4C. */
  lcdm1000: {
    model: 'lcdm1000',
    name: 'LCDM-1000',
    romLetter: 'O',
    cassettes: [UPPER],
    statusBits: [
      ...SENSOR0,
      bit('reject tray', 1, 0, 'rejectTrayMissing'),
      bit('cassette', 1, 1, 'cassetteMissing', UPPER),
      bit('solenoid', 1, 2, 'solenoid'),
    ],
    errors: ERRORS.filter(({on}) => on === 'both'),
  },
  /** SENSOR1 by P and A. */
  lcdm2000: {
    model: 'lcdm2000',
    name: 'LCDM-2000',
    romLetter: 'T',
    cassettes: [UPPER, LOWER],
    statusBits: [
      ...SENSOR0,
      bit('solenoid', 1, 0, 'solenoid'),
      bit('cassette upper', 1, 1, 'cassetteMissing', UPPER),
      bit('cassette lower', 1, 2, 'cassetteMissing', LOWER),
      bit('CHK3', 1, 3, 'path', LOWER),
      bit('CHK4', 1, 4, 'path', LOWER),
      bit('near end lower', 1, 5, 'nearEnd', LOWER),
      bit('reject tray', 1, 6, 'rejectTrayMissing'),
    ],
    errors: ERRORS,
  },
} as const satisfies Readonly<Record<string, Variant>>

/** Checksums of ROMs that were seen (T alone: assumed). */
export const KNOWN_ROMS: Readonly<Record<string, string>> = {
  AD2C: 'LCDM-1000 ROM 16',
  '8013': 'LCDM-1000 ROM 30',
  '5624': 'LCDM-2000 ROM 20',
  B56D: 'LCDM-2000 ROM 30',
}
