/**
 * The reference dispenser: every constant of its wire. It is a design of this project and not a product that
 * can be bought: it shows a stacker, a shutter, retract and recall, which no model here has on iron yet.
 * docs/protocols/reference-dispenser.md defines it.
 */
import type {Handshake, Retry} from '../../wire/exchange.ts'
import type {SerialSettings} from '../../wire/serial.ts'
import {counted} from '../../wire/shapes.ts'
import type {DeviceError, DispenserFault} from '../port.ts'

export const STX = 0x02
export const ETX = 0x03
export const ACK = 0x06
export const NAK = 0x15

export const LINE: SerialSettings = {
  baudRate: 38_400,
  dataBits: 8,
  parity: 'none',
  stopBits: 1,
  rtscts: false,
}

export const CASSETTES = [1, 2] as const
/** Most notes of one cassette in one order. */
export const NOTES_PER_CASSETTE_MAX = 40
/** Most notes the stacker holds. */
export const NOTES_PER_BUNCH_MAX = 40
/** Serials are at most ten decimal digits. */
export const SERIAL_MAX = 9_999_999_999

const FRAME_BYTES_MAX = 128

export const HANDSHAKE: Handshake = {
  shape: counted({
    stx: STX,
    etx: ETX,
    controls: [ACK, NAK],
    frameBytesMax: FRAME_BYTES_MAX,
    frameTimeMaxMs: 200,
  }),
  accepts: {ack: ACK, nak: NAK, timeoutMs: 300, enquiry: null},
  answers: {ack: ACK, nak: NAK, nakMax: 3},
  sendsMax: 3,
  quietMs: 20,
}

export interface CommandRow {
  /** First character of the command's text; the answer begins with the same in lower case. */
  readonly letter: string
  readonly retry: Retry
  /** Acceptance to answer; a present gets the time the customer has on top. */
  readonly answerMs: number
}

/** The whole command set. `never` marks all that moves notes. */
export const COMMANDS = {
  identify: {letter: 'I', retry: 'safe', answerMs: 1_000},
  status: {letter: 'S', retry: 'safe', answerMs: 1_000},
  announce: {letter: 'A', retry: 'safe', answerMs: 1_000},
  dispense: {letter: 'D', retry: 'never', answerMs: 60_000},
  present: {letter: 'P', retry: 'never', answerMs: 10_000},
  retract: {letter: 'R', retry: 'never', answerMs: 30_000},
  reject: {letter: 'J', retry: 'never', answerMs: 30_000},
  recall: {letter: 'Q', retry: 'safe', answerMs: 1_000},
  purge: {letter: 'C', retry: 'never', answerMs: 20_000},
} as const satisfies Readonly<Record<string, CommandRow>>

/** `before`: stopped before a pick, counts are good; `inside`: notes may stand in the path; `doubt`: the count is not to be trusted; `over`: more than asked. */
export type ErrorClass = 'ok' | 'before' | 'inside' | 'doubt' | 'over'

/** `code` is two decimal digits on the wire. */
export interface ErrorRow extends DeviceError {
  readonly class: ErrorClass
}

const row = (
  code: string,
  meaning: string,
  kind: ErrorClass,
  fault: DispenserFault | null,
  action: string,
): ErrorRow => ({code, meaning, class: kind, fault, action, source: 'agreed'})

const OURS = 'Nothing at the machine: report it with the log.'

/** It takes no order now. */
export const BUSY = '23'

/** Every error there is. */
export const ERRORS: readonly ErrorRow[] = [
  row('00', 'good', 'ok', null, ''),
  row('01', 'jam', 'inside', 'jam', 'Take the notes out of the path, count them, and reset.'),
  row('02', 'pick failed', 'before', 'pick-failed', 'Even the notes in the cassette.'),
  row('03', 'cassette empty', 'before', 'cassette-empty', 'Fill the cassette.'),
  row('04', 'cassette missing', 'before', 'cassette-missing', 'Push the cassette in.'),
  row('05', 'reject bin missing', 'before', 'reject-bin-missing', 'Put the reject bin in.'),
  row('06', 'counts differ', 'doubt', 'count-mismatch', 'Count the cassettes and the bins.'),
  row('07', 'more notes than asked', 'over', 'overflow', 'Count the cassettes.'),
  row('08', 'too many rejects', 'before', 'too-many-rejects', 'Empty the reject bin and look at the notes.'),
  row('09', 'shutter blocked', 'before', 'shutter-blocked', 'Clear the shutter.'),
  row(
    '10',
    'notes left in stacker or outlet',
    'before',
    'items-left',
    'Take the notes out, count them, and reset.',
  ),
  row(
    '11',
    'jam at the mouth',
    'inside',
    'jam-at-mouth',
    'Take the notes out of the mouth, count them, and reset.',
  ),
  row('20', 'impossible order', 'before', 'bad-request', OURS),
  row('21', 'serial not announced, or void', 'before', 'bad-request', OURS),
  row('22', 'serial used before', 'before', 'bad-request', OURS),
  row(BUSY, 'busy moving', 'before', 'hardware', 'Wait; when it lasts, switch the dispenser off and on.'),
]

/** The row of that code, or null: there are no others. */
export function errorRow(code: string): ErrorRow | null {
  return ERRORS.find(known => known.code === code) ?? null
}
