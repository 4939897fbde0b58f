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

/** Most characters of TEXT where its length is three decimal digits; more where four more follow `000` (ZT598 source). */
export const TEXT_BYTES_MAX = 999
export const LONG_TEXT_BYTES_MAX = 2_047
/** STX, seven digits at most, TEXT, ETX, two check digits. */
export const FRAME_BYTES_MAX = 1 + 7 + LONG_TEXT_BYTES_MAX + 1 + 2
/** Longest time from a reply's first byte to its last: the longest in use takes 0.6 s at 9600 baud. Chosen. */
export const FRAME_TIME_MAX_MS = 1_000
/** Longest silence inside a command that the emulated pad bears; the sources name none. Chosen. */
export const COMMAND_GAP_MAX_MS = 1_000

/** First characters of TEXT. */
export const COMMAND = {
  loadClearKey: '1',
  loadKey: '2',
  identify: '3',
  keyTable: '4',
  control: '5',
  startPin: '6',
  fetchBlock: '7',
  mac: '8',
  cipher: '9',
  authenticate: ':',
  id: 'I',
  installFlag: 'N',
  clearInstallFlag: 'S',
} as const
export type CommandName = keyof typeof COMMAND

/** Control orders: a parameter character, and the value; null where the caller gives it as one byte. */
export const CONTROL = {
  reset: {parameter: '0', value: 0x30},
  /** Erases every key. Only the emulator knows it: the driver has no way to say it. */
  wipe: {parameter: '0', value: 0x31},
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
  /** Hexadecimal with `:;<=>?` for A to F. */
  brokenHex: {parameter: '6', value: 0x30},
  /** Hexadecimal with A to F. */
  plainHex: {parameter: '6', value: 0x37},
  /** Line speed, by a letter; which letter is which speed the sources do not agree on. */
  rate: {parameter: '6', value: null},
  /** Hundredths of a second. */
  beepTime: {parameter: '8', value: null},
} as const satisfies Readonly<Record<string, {readonly parameter: string; readonly value: number | null}>>
export type ControlName = keyof typeof CONTROL

/** Key types in a key load. Type 9 is listed and its use is not told. */
export const KEY_TYPE = {
  initial: '1',
  master: '2',
  pin: '3',
  mac: '5',
  cipher: '6',
  encrypt: '7',
  decrypt: '8',
  other: '9',
} as const
export type KeyType = (typeof KEY_TYPE)[keyof typeof KEY_TYPE]

/** Length digit of an encrypted key load, by bytes. That of a clear load counts from the profile's own start. */
export const KEY_LENGTH: ReadonlyMap<number, number> = new Map([
  [8, 1],
  [16, 2],
  [24, 3],
])
/** PIN block formats, as one character. Listed too, and nowhere defined: `@` ASCII. */
export const PIN_FORMAT = {iso0: ' ', iso1: '!', iso2: '"', iso3: '#', ibm3624: '0'} as const
export type PinFormat = keyof typeof PIN_FORMAT
/** What a MAC is made with, as one character. */
export const MAC_TYPE = {desCbc: '2', tdesCbc: 'A'} as const
/** What a cipher does, as one character. */
export const CIPHER_TYPE = {ecbEncrypt: '1', cbcEncrypt: '2', ecbDecrypt: 'A', cbcDecrypt: 'B'} as const
export type CipherType = keyof typeof CIPHER_TYPE
/** First byte of an authentication: a random number, and the proof of the master key or of the initial key. */
export const AUTHENTICATION = {challenge: 0xa0, proveMaster: 0x90, proveInitial: 0x91} as const
/** Bytes of random number, challenge and proof. */
export const AUTHENTICATION_BYTES = 16
/** Most bytes of one MAC or cipher command: two of them as hexadecimal fit into a TEXT. Chosen. */
export const MESSAGE_BYTES_MAX = 480

/** Return codes that mean done. */
export function isDone(code: number): boolean {
  return (code >= 0x60 && code <= 0x9f) || code === 0xa3
}

export const CODE = {
  done: 0x80,
  battery: 0xe0,
  noInitialKey: 0xe1,
  noMasterKey: 0xe2,
  keyLength: 0xe3,
  keyMissing: 0xe4,
  keyIncompatible: 0xe5,
  parity: 0xe6,
  commandLength: 0xe8,
  malformed: 0xe9,
  parameter: 0xeb,
  unauthenticated: 0xec,
  timedOut: 0xee,
  tampered: 0xdd,
  inputMode: 0xf8,
  removed: 0xff,
} as const

/** The byte that says the pad ended input because nobody pressed a key. */
export const TIMED_OUT = 0x80
/** What each PIN digit is reported as once the mask is set to it. */
export const STAR = 0x2a
/** The mask that smartware sets; digits are reported as stars all the same. */
export const NO_MASK = 0xff

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
  /** What the 24 keys are reported as, row by row, four a row, once it is loaded; 07 is the key without a label. */
  readonly keyTable: string
  readonly keys: ReadonlyMap<number, Key>
  /** Where the master key lies, and where working keys go. */
  readonly masterKeyIndex: number
  readonly pinKeyIndex: number
  readonly macKeyIndex: number
  /** The digit that says 8 bytes in a clear key load. */
  readonly clearLengthFrom: 0 | 1
  /** Lengths longer than 999 are told as `000` and four digits. */
  readonly longText: boolean
  /** How least and most digits of a PIN are told: 12 as 0C, or as 12. */
  readonly lengthsAs: 'hexadecimal' | 'decimal'
  /** The letter of 1200 baud; each faster rate is the next letter. */
  readonly rateFrom: 'A' | 'H'
  /** Answers "I", which tells of a low battery too. */
  readonly hasId: boolean
  /** 8 bytes: what both ends prove that they know, when the pad asks for it. */
  readonly authenticationKey: Uint8Array
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
  keyTable: '123\x1b456\b789\x07.0#\rACEGBDFH',
  keys: new Map([...KEYS, [0x23, '00']]),
  masterKeyIndex: 0x20,
  pinKeyIndex: 0x30,
  macKeyIndex: 0x31,
  clearLengthFrom: 0,
  longText: false,
  lengthsAs: 'hexadecimal',
  rateFrom: 'A',
  hasId: false,
  authenticationKey: new Uint8Array(8).fill(0x11),
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
  keyTable: ZT588.keyTable.replace('#', '"'),
  keys: new Map([...KEYS, [0x22, '00']]),
  masterKeyIndex: 0x10,
  clearLengthFrom: 1,
  longText: true,
  lengthsAs: 'decimal',
  hasId: true,
  clearErases: 'last',
}
