/**
 * SZZT ZT588 and ZT598 encrypting PIN pads: every constant of the serial protocol, the command table and
 * the profiles.
 *
 * Source: the open host code of smartkiosk/smartware (szzt_connection.rb, zt588.rb), and for the ZT598 one
 * further host source. The maker's own text is not public. What these leave open is chosen here, said so,
 * and listed in docs/protocols/szzt-zt588.md.
 */
import type {SerialSettings} from '../../wire/serial.ts'
import type {Key} from '../port.ts'

/**
 * How the line is set. 8 data bits, no parity, hardware handshake: smartware. The rate differs from pad to pad
 * (1200 to 115200, as it was last set); 9600 is what smartware opens with, and the one to change when a pad is mute.
 */
export const LINE: SerialSettings = {baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1, rtscts: true}

export const STX = 0x02
export const ETX = 0x03

/** Most characters of TEXT: its length is three decimal digits. */
export const TEXT_BYTES_MAX = 999
/** STX, three digits, TEXT, ETX, two check digits. */
export const FRAME_BYTES_MAX = 1 + 3 + TEXT_BYTES_MAX + 1 + 2
/** Longest time from a frame's first byte to its last: the longest reply in use takes 0.16 s at 9600 baud. Chosen. */
export const FRAME_TIME_MAX_MS = 1_000

/** First characters of TEXT. */
export const COMMAND = {
  loadKey: '2',
  identify: '3',
  keyTable: '4',
  control: '5',
  startPin: '6',
  fetchBlock: '7',
} as const
export type CommandName = keyof typeof COMMAND

/**
 * Control orders: a parameter character, and the value; null where the caller gives it as one byte.
 * Erasing all keys is an order too, and is left out on purpose.
 */
export const CONTROL = {
  reset: {parameter: '0', value: 0x30},
  stopInput: {parameter: '0', value: 0x32},
  clearInput: {parameter: '0', value: 0x33},
  toneOff: {parameter: '0', value: 0x34},
  toneOn: {parameter: '0', value: 0x35},
  beep: {parameter: '0', value: 0x3d},
  /** Seconds. */
  inputTime: {parameter: '2', value: null},
  /** What a digit is reported as in PIN mode. */
  mask: {parameter: '3', value: null},
  lengthMin: {parameter: '4', value: null},
  lengthMax: {parameter: '5', value: null},
  /** Hexadecimal with A to F; the other mode writes `:;<=>?` for them. */
  plainHex: {parameter: '6', value: 0x37},
  /** Hundredths of a second. */
  beepTime: {parameter: '8', value: null},
} as const satisfies Readonly<Record<string, {readonly parameter: string; readonly value: number | null}>>
export type ControlName = keyof typeof CONTROL

/** Key types in a key load. */
export const KEY_TYPE = {pin: '3'} as const
/** Length digit of an encrypted key load, by bytes. */
export const KEY_LENGTH: ReadonlyMap<number, string> = new Map([
  [16, '2'],
  [24, '3'],
])
/** PIN block formats, as one character. */
export const PIN_FORMAT = {iso0: ' '} as const

/** Return codes that mean done. */
export function isDone(code: number): boolean {
  return (code >= 0x60 && code <= 0x9f) || code === 0xa3
}

export const CODE = {
  done: 0x80,
  battery: 0xe0,
  noMasterKey: 0xe2,
  keyLength: 0xe3,
  keyMissing: 0xe4,
  keyIncompatible: 0xe5,
  parity: 0xe6,
  commandLength: 0xe8,
  malformed: 0xe9,
  parameter: 0xeb,
  timedOut: 0xee,
  tampered: 0xdd,
  inputMode: 0xf8,
} as const

/** The byte that says the pad ended input because nobody pressed a key. */
export const TIMED_OUT = 0x80
/** What each PIN digit is reported as once the mask is set to it. */
export const STAR = 0x2a

/** The scan-code table that is loaded at opening, row by row, four keys a row; 07 is the key without a label. */
export const KEY_TABLE = '1 2 3 \x1b 4 5 6 \b 7 8 9 \x07 . 0 # \r A C E G B D F H'.replaceAll(' ', '')

/** What each reported byte is, outside PIN mode. */
const KEYS: readonly (readonly [number, Key])[] = [
  [0x30, '0'],
  [0x31, '1'],
  [0x32, '2'],
  [0x33, '3'],
  [0x34, '4'],
  [0x35, '5'],
  [0x36, '6'],
  [0x37, '7'],
  [0x38, '8'],
  [0x39, '9'],
  [0x2e, 'dot'],
  [0x0d, 'enter'],
  [0x08, 'clear'],
  [0x1b, 'cancel'],
  [0x41, 'A'],
  [0x42, 'B'],
  [0x43, 'C'],
  [0x44, 'D'],
  [0x45, 'E'],
  [0x46, 'F'],
  [0x47, 'G'],
  [0x48, 'H'],
]

/** Where one pad differs from another, and what the sources leave open. */
export interface Profile {
  readonly model: 'zt588' | 'zt598'
  /** Which way PIN entry is started and fetched: the PAN goes with the start, or with the fetch. */
  readonly dialect: 'panAtStart' | 'panAtFetch'
  readonly keys: ReadonlyMap<number, Key>
  /** Where the master key lies, and where the PIN key goes. */
  readonly masterKeyIndex: number
  readonly pinKeyIndex: number
  /** Whether the clear key empties the PIN or takes its last digit back. */
  readonly clearErases: 'all' | 'last'
  /** Whether the pad ends input by itself at the most digits, without the enter key. */
  readonly endsAtLengthMax: boolean
  readonly keyTone: boolean
  readonly replyTimeoutMs: number
  /** How often one command is sent at most. */
  readonly sendsMax: number
  /** After a damaged frame, this long without a byte before bytes are believed to be keys again. */
  readonly quietMs: number
}

export const ZT588: Profile = {
  model: 'zt588',
  dialect: 'panAtStart',
  keys: new Map([...KEYS, [0x23, '00']]),
  masterKeyIndex: 0x20,
  pinKeyIndex: 0x30,
  clearErases: 'all',
  endsAtLengthMax: false,
  keyTone: true,
  replyTimeoutMs: 1_000,
  sendsMax: 5,
  quietMs: 50,
}

export const ZT598: Profile = {
  ...ZT588,
  model: 'zt598',
  dialect: 'panAtFetch',
  keys: new Map([...KEYS, [0x22, '00']]),
  masterKeyIndex: 0x10,
}
