/**
 * Puloon LCDM-4000 cash dispenser: every constant of its wire. Byte values are hexadecimal. The maker published no paper
 * of it; all of this was read from programs that drive it.
 *
 * Sources, named below by letter: L, lamassu/lamassu-machine (lib/puloon), a fleet in the field; Y, module lcdm4000 of
 * the PyPI package puloon 0.2.1; C, a C# wrapper of 2018; K, the drivers of C# DeviceKit. What one of them says alone is
 * marked assumed.
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
export const DEVICE_ID = 0x30
/** Seen from idle devices (L); means nothing. */
const IDLE_NOISE = 0xff

/** Numbers travel as byte = value + 20, errors and bit fields too. */
export const OFFSET = 0x20
/** Digits of the missing-note indicator and the note lengths travel as byte = value + 30. */
export const DIGIT = 0x30

/** 9600 8E1 (L); C opens 8N1, see PROFILES. */
export const LINE: SerialSettings = {baudRate: 9_600, dataBits: 8, parity: 'even', stopBits: 1, rtscts: false}

/** What one knows of a device only by trying; settings name one of these. */
export interface Profile {
  readonly line: SerialSettings
  /** `long`: 15 bytes, the last nine reserved (Y, C). `serial`: 7 bytes, the last one a serial of the device's own (L). */
  readonly dispenseForm: 'long' | 'serial'
}

const LONG: Profile = {line: LINE, dispenseForm: 'long'}
const NO_PARITY: SerialSettings = {...LINE, parity: 'none'}

/** The first is the default. */
export const PROFILES = {
  long: LONG,
  'long-8n1': {...LONG, line: NO_PARITY},
  serial: {line: LINE, dispenseForm: 'serial'},
  'serial-8n1': {line: NO_PARITY, dispenseForm: 'serial'},
} as const satisfies Readonly<Record<string, Profile>>

export const CASSETTES = [1, 2, 3, 4] as const
/** Most notes of one cassette in one order; chosen: the most that a public driver sends (Y; L sends 20). */
export const NOTES_PER_CASSETTE_MAX = 40
/** The device stops at 100 notes in one order, rejected ones included, and at 10 rejected ones. */
export const NOTES_PER_ORDER_MAX = 90

/** First bytes of the timeout field: the device's own time, or a digit of ours behind 1C. */
export const OWN_TIME = [0x20, 0x20] as const
export const GIVEN_TIME_MARK = 0x1c
/** Bytes after the timeout field in the long form. */
export const RESERVED_COUNT = 9
/** Highest serial of a dispense; assumed, where it wraps nobody says. */
export const SERIAL_MAX = 0xff - OFFSET
/** One unit of note length is 0.785 mm; a length is kept when 0 is sent (L). */
export const LENGTH_UNIT_MM = 0.785
export const LENGTH_MAX = 0xff

export interface CommandRow {
  readonly code: number
  readonly retry: Retry
  /** Acceptance to answer. */
  readonly answerMs: number
  readonly perNoteMs: number
  /** Length of the whole answer; null where it varies. */
  readonly answerBytes: number | null
}

const ASKING = {retry: 'safe', answerMs: 2_000, perNoteMs: 0} as const
/** An answer comes within 60 s of the ACK (L, Y), a dispense gets a second more for each note (chosen, as for the LCDM-2000). */
const DISPENSING = {retry: 'never', answerMs: 60_000, perNoteMs: 1_000} as const
/** Writing its EEPROM twice does no harm. */
const SETTING = {retry: 'safe', answerMs: 5_000, perNoteMs: 0} as const

/** The whole command set. `never` marks all that moves notes. */
export const COMMANDS = {
  reset: {code: 0x44, retry: 'never', answerMs: 2_500, perNoteMs: 0, answerBytes: 7},
  status: {code: 0x50, ...ASKING, answerBytes: 24},
  purge: {code: 0x51, retry: 'never', answerMs: 60_000, perNoteMs: 0, answerBytes: 20},
  dispense: {code: 0x52, ...DISPENSING, answerBytes: 29},
  test: {code: 0x53, ...DISPENSING, answerBytes: 29},
  lastStatus: {code: 0x55, ...ASKING, answerBytes: 21},
  diagnose: {code: 0x58, retry: 'never', answerMs: 60_000, perNoteMs: 0, answerBytes: 10},
  setOpacity: {code: 0x5a, ...SETTING, answerBytes: 7},
  opacity: {code: 0x5b, ...ASKING, answerBytes: 10},
  setOrder: {code: 0x5c, ...SETTING, answerBytes: 7},
  order: {code: 0x5d, ...ASKING, answerBytes: 10},
  setLengths: {code: 0x5e, ...SETTING, answerBytes: 7},
  lengths: {code: 0x5f, ...ASKING, answerBytes: 15},
  dispenseSerial: {code: 0x67, ...ASKING, answerBytes: 8},
  version: {code: 0x71, ...ASKING, answerBytes: null},
} as const satisfies Readonly<Record<string, CommandRow>>

/** Argument of `version` (K). */
export const VERSION_ARGUMENT = [0x30, 0x20, 0x20, 0x20] as const

/** Quiet after which a reset counts as done: L waits for two answers, Y and C sleep 2 s and read none. */
export const RESET_QUIET_MS = 2_500

export const HANDSHAKE: Handshake = {
  shape: closedByEtx({
    head: [SOH, DEVICE_ID, STX],
    etx: ETX,
    // Every value travels with an offset of at least 20; LAST STATUS with nothing to tell may say 00 for the command.
    isBody: byte => byte >= OFFSET || byte === 0x00,
    controls: [ACK, NAK, EOT, IDLE_NOISE],
    // The longest answer known is 29 bytes; a version text may be longer.
    frameBytesMax: 96,
    // First byte to BCC, as for the LCDM-1000.
    frameTimeMaxMs: 200,
  }),
  // 500 to 550 ms (L, Y).
  accepts: {ack: ACK, nak: NAK, timeoutMs: 550, enquiry: null},
  // It closes with EOT (L, Y, C); a device that leaves it out is waited for and carried on with.
  answers: {ack: ACK, nak: NAK, nakMax: 3, closing: {byte: EOT, timeoutMs: 500}},
  sendsMax: 3,
  // Chosen: 20 characters at 9600 baud, far below the device's own timeouts.
  quietMs: 20,
}

/**
 * What an error says about the notes. `ok`; `before`: stopped before a pick, counts are good; `inside`: notes may stand in
 * the path; `mouth`: the same, and within a customer's reach; `exitCount`: the count of notes out cannot be trusted;
 * `over`: more out than asked.
 */
export type ErrorClass = 'ok' | 'before' | 'inside' | 'mouth' | 'exitCount' | 'over'

export interface ErrorRow extends DeviceError {
  /** The value; its byte on the wire is 20 more. */
  readonly value: number
  readonly class: ErrorClass
}

const row = (
  value: number,
  meaning: string,
  kind: ErrorClass,
  fault: DispenserFault | null,
  action: string,
  source: DeviceError['source'] = 'agreed',
): ErrorRow => ({
  value,
  code: value.toString(16).toUpperCase().padStart(2, '0'),
  meaning,
  class: kind,
  fault,
  action,
  source,
})

const CLEAR_PATH = 'Open the transport, take out the notes, count them, and reset.'
const CLEAR_MOUTH =
  'Look at the mouth first: a note may be half out. Take out the notes, count them, and reset.'
const COUNT = 'Count the cassettes and the reject tray; the counts of the last order are not to be trusted.'
const OURS = 'Nothing at the machine: the order was impossible. Report it with the log.'
const SERVICE = 'Reset. When it comes back, the part needs service.'
const WRONG_CASSETTE =
  'Check that the cassettes stand in their places with the notes they are named for, then count.'

/** Every error that is known (Y and C agree; 29 by one of them alone). Which fault and class each is, is this project's reading. */
export const ERRORS: readonly ErrorRow[] = [
  row(0x00, 'good', 'ok', null, ''),
  row(
    0x01,
    'pick-up failure',
    'before',
    'pick-failed',
    'Fill the cassette, even its notes, clean the rollers.',
  ),
  row(0x02, 'jam from CHK to DVT', 'inside', 'jam', CLEAR_PATH),
  row(0x03, 'jam from DVT to EJT', 'inside', 'jam', CLEAR_PATH),
  row(0x04, 'jam from EJT to EXIT', 'mouth', 'jam-at-mouth', CLEAR_MOUTH),
  row(0x05, 'note staying in EXIT', 'mouth', 'jam-at-mouth', CLEAR_MOUTH),
  row(0x06, 'a note to be rejected was ejected', 'exitCount', 'count-mismatch', COUNT),
  row(0x07, 'counts differ at EJT', 'exitCount', 'count-mismatch', COUNT),
  row(0x08, 'a note to be rejected went past EJT', 'exitCount', 'count-mismatch', COUNT),
  row(0x09, 'note too long at EJT', 'inside', 'jam', CLEAR_PATH),
  row(0x0a, 'note too long at EXIT', 'mouth', 'jam-at-mouth', CLEAR_MOUTH),
  row(0x0b, 'notes on the path before picking', 'before', 'items-left', CLEAR_PATH),
  row(
    0x0c,
    'too many notes in one order',
    'before',
    'too-many-rejects',
    'Empty the reject tray, look at the notes.',
  ),
  row(
    0x0d,
    'too many rejects',
    'before',
    'too-many-rejects',
    'Empty the reject tray and look at the notes: worn, stuck together, or of another length than is set.',
  ),
  row(0x0e, 'purge ended abnormally', 'inside', 'jam', CLEAR_PATH),
  row(0x20, 'sensor trouble', 'inside', 'hardware', 'Clean the sensors, then reset.'),
  row(0x21, 'sensor trouble', 'inside', 'hardware', 'Clean the sensors, then reset.'),
  row(0x22, 'solenoid', 'inside', 'hardware', SERVICE),
  row(0x23, 'motor or slit disc', 'inside', 'hardware', SERVICE),
  row(
    0x24,
    'asked for a cassette that is not there',
    'before',
    'cassette-missing',
    'Push the cassette in until it locks.',
  ),
  row(0x25, 'cassette near its end', 'before', 'cassette-empty', 'Fill the cassette.'),
  row(0x26, 'reject tray missing', 'before', 'reject-bin-missing', 'Put the reject tray in, then reset.'),
  row(
    0x29,
    'more notes out than asked',
    'over',
    'overflow',
    'Count the cassettes: the customer has more than was asked. Check for notes that stick together.',
    'assumed',
  ),
  row(0x30, 'bad command', 'before', 'bad-request', OURS),
  row(0x31, 'bad parameter', 'before', 'bad-request', OURS),
  row(0x32, 'program does not verify', 'inside', 'hardware', SERVICE),
  row(0x33, 'program does not write', 'inside', 'hardware', SERVICE),
  row(0x34, 'program failed to verify', 'inside', 'hardware', SERVICE),
  row(0x35, 'EEPROM does not write', 'inside', 'hardware', SERVICE),
  row(
    0x36,
    'EEPROM checksum',
    'inside',
    'hardware',
    'Set the note lengths again; when it comes back, service.',
  ),
  row(0x40, 'note from wrong cassette 1', 'exitCount', 'count-mismatch', WRONG_CASSETTE),
  row(0x41, 'note from wrong cassette 2', 'exitCount', 'count-mismatch', WRONG_CASSETTE),
  row(0x42, 'note from wrong cassette 3', 'exitCount', 'count-mismatch', WRONG_CASSETTE),
  row(0x43, 'note from wrong cassette 4', 'exitCount', 'count-mismatch', WRONG_CASSETTE),
]

/** The row of that value; another family of firmware numbers differently, so an unknown one is a jam with the counts as reported. */
export function errorRow(value: number): ErrorRow {
  return (
    ERRORS.find(known => known.value === value) ??
    row(value, 'unknown to this driver', 'inside', 'jam', CLEAR_PATH, 'assumed')
  )
}

/** Bits of the device byte in STATUS (Y, C agree). */
export const DEVICE_BITS = [
  {name: 'DVTL', bit: 0, watches: 'path'},
  {name: 'DVTR', bit: 1, watches: 'path'},
  {name: 'EJT', bit: 2, watches: 'path'},
  {name: 'EXIT', bit: 3, watches: 'mouth'},
  {name: 'RJT', bit: 4, watches: 'path'},
  {name: 'solenoid', bit: 5, watches: 'solenoid'},
] as const

/** Bits of a cassette's byte in STATUS (Y, C agree). */
export const CASSETTE_BITS = [
  {name: 'CHKL', bit: 0, watches: 'path'},
  {name: 'CHKR', bit: 1, watches: 'path'},
  {name: 'present', bit: 2, watches: 'present'},
  {name: 'near end', bit: 3, watches: 'nearEnd'},
] as const

/** TYPE of a cassette that is not there; a cassette's own code is 31 to 34. */
export const TYPE_ABSENT = 0x30
