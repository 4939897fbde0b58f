/**
 * Creator CRT-310 V3: every constant of its serial protocol, the command table and the profile.
 *
 * Source, unless a line says otherwise: "CRT-310 Communication Protocol" of the maker (2007), kept in the
 * public repository TheTrueTrooper/NFCPrintingSelfServeKiosk. What it leaves open is chosen here, said so,
 * and listed in docs/protocols/creator-crt310.md.
 */
import type {SerialSettings} from '../../wire/serial.ts'

/** How the line is set when the reader leaves the factory; 1200 to 38400 can be set. */
export const LINE: SerialSettings = {baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1, rtscts: false}

/** Single bytes of the link layer. */
export const STX = 0x02
export const ETX = 0x03
export const EOT = 0x04
export const ENQ = 0x05
export const ACK = 0x06
export const NAK = 0x15

/** Most bytes of one frame's data after CM and PM. */
export const DATA_BYTES_MAX = 264
/** STX, two length bytes, CM, PM, data, ETX, check byte. */
export const FRAME_BYTES_MAX = 5 + DATA_BYTES_MAX + 2
/** Longest time from a frame's first byte to its last: the longest takes 0.28 s at 9600 baud. Chosen; the maker gives none. */
export const FRAME_TIME_MAX_MS = 1_000

/** Where CM stands in a reply, this says the command was refused and an error code follows. */
export const ERROR_HEAD = 0x4e

/** First data byte of a reply to an order. */
export const RESULT = {done: 0x59, failed: 0x4e, noCard: 0x45, wrongPosition: 0x57} as const
export type Result = keyof typeof RESULT

/** Codes of an error reply. */
export const REFUSALS: ReadonlyMap<number, string> = new Map([
  [0x00, 'unknown command'],
  [0x01, 'parameter not accepted'],
  [0x02, 'cannot execute: not fitted, or the state forbids it'],
  [0x04, 'malformed data in the command'],
  [0x05, 'supply voltage outside 10.8 to 14.5 V'],
  [0x06, 'card of abnormal length inside'],
  [0x07, 'running on backup power'],
])

/** S1 of the status reply: where the card is. */
export const CARD_AT = {
  longCard: 0x46,
  shortCard: 0x47,
  frontFree: 0x48,
  frontHeld: 0x49,
  inside: 0x4a,
  insideContact: 0x4b,
  rearHeld: 0x4c,
  goneRear: 0x4d,
  none: 0x4e,
} as const
export type CardAt = keyof typeof CARD_AT

/** S2 of the status reply: what lets a card in at the front. */
export const MOUTH_STATUS = {magAndSwitch: 0x49, switch: 0x4a, mag: 0x4b, closed: 0x4e} as const
/** First parameter of the insertion order: the same four, in other letters. */
export const MOUTH_ORDER = {closed: 0x31, magAndSwitch: 0x32, switch: 0x33, mag: 0x34} as const
/** `magAndSwitch`: a striped card; `switch`: anything that fits; `mag`: the stripe alone, for thin cards. */
export type Mouth = keyof typeof MOUTH_STATUS

/** S3 of the status reply, and second parameter of the insertion order: insertion from the rear. */
export const REAR_STATUS = {open: 0x4a, closed: 0x4e} as const
export const REAR_ORDER = {open: 0x30, closed: 0x31} as const
export type Rear = keyof typeof REAR_STATUS

/** Parameter of the stop-position order: where a card that was let in comes to rest. */
export const STOP_AT = {
  frontFree: 0x30,
  frontHeld: 0x31,
  inside: 0x32,
  insideContact: 0x33,
  rearHeld: 0x34,
  rearFree: 0x35,
} as const
export type StopAt = keyof typeof STOP_AT

/** Parameters and markers of the track upload. */
export const TRACK = {
  ascii: 0x30,
  track2: 0x32,
  separator: 0x1f,
  good: 0x59,
  bad: 0x4e,
  notReadable: 0x4f,
} as const

/** Second byte of a bad track: what was wrong with the stripe. */
export const TRACK_FAULT = {
  noStart: 0xe1,
  noEnd: 0xe2,
  parity: 0xe3,
  checksum: 0xe4,
  blank: 0xe5,
} as const
export type TrackFault = keyof typeof TRACK_FAULT
/** Second byte after `notReadable`. */
export const TRACK_NOT_READABLE = 0xe0

export interface CommandRow {
  /** CM and PM. For `mouth` and `stopAt` PM is a parameter; the row holds null there. */
  readonly cm: number
  readonly pm: number | null
  /** `never`: it moves a card, so once it may have been executed it is not repeated; the sensors are asked instead. */
  readonly retry: 'safe' | 'never'
  /** How long after ENQ the reply may take. The maker gives no figure: 20 s where anything moves, 3 s else, chosen. */
  readonly replyTimeoutMs: number
}

const MOVE_REPLY_MS = 20_000
const ASK_REPLY_MS = 3_000

const asks = (cm: number, pm: number | null): CommandRow => ({
  cm,
  pm,
  retry: 'safe',
  replyTimeoutMs: ASK_REPLY_MS,
})
const sets = (cm: number, pm: number | null): CommandRow => ({
  cm,
  pm,
  retry: 'safe',
  replyTimeoutMs: MOVE_REPLY_MS,
})
const moves = (cm: number, pm: number | null): CommandRow => ({
  cm,
  pm,
  retry: 'never',
  replyTimeoutMs: MOVE_REPLY_MS,
})

/** The command table. A command is here only with a vector for it in vectors.json. */
export const COMMANDS = {
  /** Reset that leaves a card where it is; answers with the version text. Opens the mouth, see `mouth`. */
  resetInPlace: sets(0x30, 0x30),
  resetEjectFront: moves(0x30, 0x31),
  resetEjectRear: moves(0x30, 0x32),
  status: asks(0x31, 0x30),
  /** Sensors PSS1 to PSS5, shutter, switch. */
  sensors: asks(0x31, 0x2f),
  /** What lets a card in. The reader's own default after power-on and reset is: switch, rear open. */
  mouth: sets(0x2f, null),
  stopAt: asks(0x2e, null),
  toContact: moves(0x32, 0x2f),
  ejectFree: moves(0x32, 0x30),
  /** To the mouth, gripped: the customer can pull the card out, and the rollers can still draw it back. */
  ejectHeld: moves(0x32, 0x31),
  /** Out at the rear, into the bin. */
  capture: moves(0x32, 0x33),
  /** Pushes a card of abnormal length out at the rear. */
  captureAbnormal: moves(0x32, 0x34),
  /** Uploads what was read while the card was drawn in. */
  readTracks: asks(0x45, 0x30),
} as const satisfies Readonly<Record<string, CommandRow>>
export type CommandName = keyof typeof COMMANDS

/** Where one reader differs from another, and what the maker's text leaves open. */
export interface Profile {
  /** How a card is let in while we accept one. */
  readonly admit: Exclude<Mouth, 'closed'>
  /** How long after a frame its ACK may take. The maker gives no figure; chosen. */
  readonly ackTimeoutMs: number
  /** How often a command is offered before we give up on the reader; nothing is executed before ENQ. */
  readonly offersMax: number
  /** Time between two looks at the sensors while waiting for a person. */
  readonly pollMs: number
  /** How long a card may stand at the mouth while it should be drawn in, before it counts as jammed. */
  readonly drawInMs: number
}

export const PROFILE: Profile = {
  admit: 'magAndSwitch',
  ackTimeoutMs: 300,
  offersMax: 3,
  pollMs: 200,
  drawInMs: 15_000,
}
