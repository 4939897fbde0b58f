/**
 * Creator CRT-310 V3: every constant of its serial protocol, the command table and the profile.
 *
 * Source, unless a line says otherwise: "CRT-310 Communication Protocol" of the maker (2007), kept in the
 * public repository TheTrueTrooper/NFCPrintingSelfServeKiosk. What it leaves open is chosen here, said so,
 * and listed in docs/protocols/creator-crt310.md.
 */
import type {SerialSettings} from '../../wire/serial.ts'
import type {ChipProtocol, Track} from '../port.ts'

/** How the line is set when the reader leaves the factory; 1200 to 38400 can be set. */
export const LINE: SerialSettings = {baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1, rtscts: false}

/** Single bytes of the link layer. */
export const STX = 0x02
export const ETX = 0x03
export const EOT = 0x04
export const ENQ = 0x05
export const ACK = 0x06
export const NAK = 0x15

/** Most bytes of one frame's data after CM and PM; a command APDU of 261 bytes with its length fits. */
export const DATA_BYTES_MAX = 264
/** STX, two length bytes, CM, PM, data, ETX, check byte. */
export const FRAME_BYTES_MAX = 5 + DATA_BYTES_MAX + 2
/**
 * Longest time from a frame's first byte to its last. The maker gives none; chosen: the longest frame takes 0.28 s at
 * 9600 baud, and a host may be slower than a reader.
 */
export const FRAME_TIME_MAX_MS = {ofReader: 1_000, ofHost: 2_500} as const
/**
 * Longest silence inside a frame. The maker gives none; chosen: three times what a host waits for ACK, so that what
 * a host broke off does not swallow what it says next.
 */
export const BYTE_GAP_MAX_MS = 1_000

/** Where CM stands in a reply, this says the command was refused and an error code follows. */
export const ERROR_HEAD = 0x4e

/** First data byte of a reply to an order. */
export const RESULT = {done: 0x59, failed: 0x4e, noCard: 0x45, wrongPosition: 0x57} as const
export type Result = keyof typeof RESULT

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
  /** Two ASCII hexadecimal digits for each character of the stripe. */
  binary: 0x31,
  separator: 0x1f,
  good: 0x59,
  bad: 0x4e,
  notReadable: 0x4f,
} as const

/** Which tracks are uploaded: second parameter. Tracks come in the order of their numbers. */
export const TRACKS_WANTED: ReadonlyMap<number, readonly Track[]> = new Map([
  [0x30, []],
  [0x31, [1]],
  [0x32, [2]],
  [0x33, [3]],
  [0x34, [1, 2]],
  [0x35, [2, 3]],
  [0x36, [1, 3]],
  [0x37, [1, 2, 3]],
])

/** Second byte of a bad track: what was wrong with the stripe. */
export const TRACK_FAULT = {
  noStart: 0xe1,
  noEnd: 0xe2,
  parity: 0xe3,
  checksum: 0xe4,
  blank: 0xe5,
} as const
export type TrackTrouble = keyof typeof TRACK_FAULT
/** Second byte after `notReadable`. */
export const TRACK_NOT_READABLE = 0xe0

/** First byte of a chip's answer: done, and after a reset also which protocol. */
export const CHIP = {t0: 0x59, t1: 0x5a} as const

/** Reply to the question for the kind of card at the contacts; two characters. */
export const CARD_TYPE = {
  none: 'N0',
  unknown: 'N1',
  wrongPosition: 'N2',
  radio: '00',
  chipT0: '10',
  chipT1: '11',
  sle4442: '30',
  sle4428: '31',
} as const

/** Parameter of the order that sets the line's rate. */
export const BAUD: ReadonlyMap<number, number> = new Map([
  [0x30, 1_200],
  [0x31, 2_400],
  [0x32, 4_800],
  [0x33, 9_600],
  [0x34, 19_200],
  [0x35, 38_400],
])

/** Sensors of the reply to `sensors`, in its order; the V3 reply has one more before them. */
export const SENSORS = ['PSS1', 'PSS2', 'PSS3', 'PSS4', 'PSS5', 'shutter', 'switch'] as const
export const SENSORS_V3 = ['PSS0', ...SENSORS] as const

/** Most characters of the serial text. */
export const SERIAL_CHARACTERS_MAX = 16

export interface CommandRow {
  /** CM and PM. For `mouth` and `stopAt` PM is a parameter; the row holds null there. */
  readonly cm: number
  readonly pm: number | null
  /** `never`: it moves a card, so once it may have been executed it is not repeated; the sensors are asked instead. */
  readonly retry: 'safe' | 'never'
  /** How long after ENQ the reply may take. The maker gives no figure: 20 s where anything moves, 3 s else, chosen. */
  readonly replyTimeoutMs: number
}

/** The maker gives no figure: 20 s where anything moves or a chip thinks, 3 s else, chosen. */
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
  serialRead: asks(0x30, 0x3a),
  serialWrite: sets(0x30, 0x3b),
  status: asks(0x31, 0x30),
  /** Sensors PSS1 to PSS5, shutter, switch. */
  sensors: asks(0x31, 0x2f),
  /** The same with PSS0 before them; readers of version 3 know it. */
  sensorsV3: asks(0x31, 0x2e),
  /** What kind of card is at the contacts. */
  cardType: asks(0x31, 0x31),
  /** What lets a card in. The reader's own default after power-on and reset is: switch, rear open. */
  mouth: sets(0x2f, null),
  stopAt: asks(0x2e, null),
  toRadio: moves(0x32, 0x2e),
  toContact: moves(0x32, 0x2f),
  ejectFree: moves(0x32, 0x30),
  /** To the mouth, gripped: the customer can pull the card out, and the rollers can still draw it back. */
  ejectHeld: moves(0x32, 0x31),
  rearHeld: moves(0x32, 0x32),
  /** Out at the rear, into the bin. */
  capture: moves(0x32, 0x33),
  /** Pushes a card of abnormal length out at the rear. */
  captureAbnormal: moves(0x32, 0x34),
  chipPowerOn: sets(0x33, 0x30),
  chipPowerOff: sets(0x33, 0x31),
  baud: sets(0x34, null),
  coldReset: sets(0x37, 0x30),
  warmReset: sets(0x37, 0x2f),
  /** What a chip was told once it may not be told twice. */
  apduT0: moves(0x37, 0x31),
  apduT1: moves(0x37, 0x32),
  /** Uploads what was read while the card was drawn in. */
  readTracks: asks(0x45, 0x30),
  /** Moves the card over the heads once more first. */
  readTracksAgain: moves(0x45, 0x31),
  led: sets(0x46, null),
  blink: sets(0x49, null),
  simOff: sets(0x4a, 0x31),
} as const satisfies Readonly<Record<string, CommandRow>>
export type CommandName = keyof typeof COMMANDS

/** Where one reader differs from another, and what the maker's text leaves open. */
export interface Profile {
  /** How a card is let in while we accept one. */
  readonly admit: Exclude<Mouth, 'closed'>
  /** Whether the mouth has an electric shutter; without one nothing but `switch` can be set, and cards stop in the mouth while none is wanted. */
  readonly shutter: boolean
  /** Whether a bin stands behind the rear; without one a card is never pushed out there. */
  readonly bin: boolean
  /** Tracks that the reader has heads for. */
  readonly tracks: readonly Track[]
  /** Protocols of its chip contacts; none without contacts. */
  readonly chip: readonly ChipProtocol[]
  /** Whether a bad track is worth moving the card over the heads once more. */
  readonly rereads: boolean
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
  shutter: true,
  bin: true,
  tracks: [1, 2, 3],
  chip: ['T0', 'T1'],
  rereads: true,
  ackTimeoutMs: 300,
  offersMax: 3,
  pollMs: 200,
  drawInMs: 15_000,
}

/** Units that lack something, which none of them tells: the settings do. */
export const LESSER = {
  'no-shutter': {...PROFILE, shutter: false},
  'no-bin': {...PROFILE, bin: false},
  'no-contacts': {...PROFILE, chip: []},
  'track-2': {...PROFILE, tracks: [2]},
  'front-head': {...PROFILE, rereads: false},
} as const satisfies Readonly<Record<string, Profile>>
