/**
 * The reference dispenser: every constant of its wire. It is a design of this project and not a product that
 * can be bought: it shows a stacker, a shutter, retract and recall, which no model here has on iron yet.
 * docs/protocols/reference-dispenser.md defines it.
 */
import type {Handshake, Retry} from '../../wire/exchange.ts'
import type {SerialSettings} from '../../wire/serial.ts'
import {counted} from '../../wire/shapes.ts'
import type {DispenserFault} from '../port.ts'

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

export interface ErrorRow {
  /** Two decimal digits on the wire. */
  readonly code: string
  readonly meaning: string
  readonly class: ErrorClass
  readonly fault: DispenserFault | null
}

/** Every error there is. */
export const ERRORS: readonly ErrorRow[] = [
  {code: '00', meaning: 'good', class: 'ok', fault: null},
  {code: '01', meaning: 'jam', class: 'inside', fault: 'jam'},
  {code: '02', meaning: 'pick failed', class: 'before', fault: 'pick-failed'},
  {code: '03', meaning: 'cassette empty', class: 'before', fault: 'cassette-empty'},
  {code: '04', meaning: 'cassette missing', class: 'before', fault: 'cassette-missing'},
  {code: '05', meaning: 'reject bin missing', class: 'before', fault: 'reject-bin-missing'},
  {code: '06', meaning: 'counts differ', class: 'doubt', fault: 'count-mismatch'},
  {code: '07', meaning: 'more notes than asked', class: 'over', fault: 'overflow'},
  {code: '08', meaning: 'too many rejects', class: 'before', fault: 'too-many-rejects'},
  {code: '09', meaning: 'shutter blocked', class: 'before', fault: 'shutter-blocked'},
  {code: '10', meaning: 'notes left in stacker or outlet', class: 'before', fault: 'items-left'},
  {code: '11', meaning: 'jam at the mouth', class: 'inside', fault: 'jam-at-mouth'},
  {code: '20', meaning: 'impossible order', class: 'before', fault: 'bad-request'},
  {code: '21', meaning: 'serial not announced, or void', class: 'before', fault: 'bad-request'},
  {code: '22', meaning: 'serial used before', class: 'before', fault: 'bad-request'},
  {code: '23', meaning: 'busy moving', class: 'before', fault: 'hardware'},
]

/** The row of that code, or null: there are no others. */
export function errorRow(code: string): ErrorRow | null {
  return ERRORS.find(known => known.code === code) ?? null
}
