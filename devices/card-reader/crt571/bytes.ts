/**
 * Creator CRT-571, and its sister CRT-591-M: every constant of its serial protocol, the command table and the profile.
 *
 * Source, unless a line says otherwise: "CRT-591-M001 communication protocol" of the maker (2013), kept in the
 * public repository TheTrueTrooper/NFCPrintingSelfServeKiosk and written out in BMA-Dassle/Tools-Website-FT, and the
 * command and error tables of syntech-pro/crt571. What they leave open is chosen here, said so, and listed in
 * docs/protocols/creator-crt571.md.
 */
import type {SerialSettings} from '../../wire/serial.ts'

/** The reader finds out which of 9600, 19200, 38400 and 57600 its host uses, at the first initialisation after power-on. */
export const LINE: SerialSettings = {baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1, rtscts: false}

/** Single bytes of the link layer. */
export const STX = 0xf2
export const ETX = 0x03
export const EOT = 0x04
export const ACK = 0x06
export const DLE = 0x10
export const NAK = 0x15

/** Set by four switches at the reader: 0 to 15; 0 as delivered. */
export const ADDRESS_MAX = 0x0f

/** First byte of a text: of a command, of an answer, and of a refusal, which is printed as N and as 45. */
export const HEAD = {command: 0x43, good: 0x50, refused: [0x4e, 0x45]} as const

export const DATA_BYTES_MAX = 512
/** STX, address, two length bytes, a text with three status bytes, ETX, check byte. */
export const FRAME_BYTES_MAX = 4 + 6 + DATA_BYTES_MAX + 2
/**
 * Longest time from a frame's first byte to its last. The maker gives none; chosen: the longest takes 0.55 s at
 * 9600 baud, and a host may be slower than a reader.
 */
export const FRAME_TIME_MAX_MS = {ofReader: 1_500, ofHost: 3_000} as const
/**
 * Longest silence inside a frame. The maker gives none; chosen: three times what a host waits for ACK, so that what
 * a host broke off does not swallow what it says next.
 */
export const BYTE_GAP_MAX_MS = 1_000

/** st0: where the card is. `position`: where a radio or chip card is read. */
export const CARD_AT = {none: 0x30, gate: 0x31, position: 0x32} as const
export type CardAt = keyof typeof CARD_AT

/** st1: blank cards in the stacker. */
export const STACKER = {empty: 0x30, few: 0x31, enough: 0x32} as const
export type Stacker = keyof typeof STACKER

/** st2: the bin for cards that are kept. */
export const BIN = {notFull: 0x30, full: 0x31} as const
export type Bin = keyof typeof BIN

/** Sensors of the reply, in its order; an eighth byte is reserved. */
export const SENSORS = ['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S7'] as const

/** Protocol in the answer to a reset. */
export const PROTOCOL = {T0: 0x30, T1: 0x31} as const

/** How the chip is powered: parameter of the cold reset. */
export const VOLTAGE = {emv5V: 0x30, iso5V: 0x33, iso3V: 0x35} as const

/** Reply to the question for the chip's state. */
export const CHIP_STATE = {off: 0x30, at3_57MHz: 0x31, at7_16MHz: 0x32} as const

/** Kind of chip card, two characters; the same as the CRT-310's is assumed. */
export const CARD_TYPE = {none: 'N0', unknown: 'N1', chipT0: '10', chipT1: '11'} as const

/** Cards that the counter of the bin can count. */
export const COUNTER_MAX = 999

export interface CommandRow {
  readonly cm: number
  readonly pm: number
  /** `never`: it moves a card or tells a chip something, so after silence it is not repeated. */
  readonly retry: 'safe' | 'never'
  /** From the ACK to the reply. The maker prints "20 msec"; 20 s is taken to be meant where anything moves, and 3 s is chosen else. */
  readonly answerMs: number
}

const MOVE_ANSWER_MS = 20_000
const ASK_ANSWER_MS = 3_000

const asks = (cm: number, pm: number): CommandRow => ({cm, pm, retry: 'safe', answerMs: ASK_ANSWER_MS})
const sets = (cm: number, pm: number): CommandRow => ({cm, pm, retry: 'safe', answerMs: MOVE_ANSWER_MS})
const moves = (cm: number, pm: number): CommandRow => ({cm, pm, retry: 'never', answerMs: MOVE_ANSWER_MS})

/** The command table. A command is here only with a vector for it in vectors.json. */
export const COMMANDS = {
  /** Initialisation: clears errors, shuts the gate, answers with the version; first of all after power-on. A card inside goes to the gate. */
  initHold: moves(0x30, 0x30),
  /** A card inside goes into the bin. */
  initCapture: moves(0x30, 0x31),
  /** A card inside stays. */
  initStay: sets(0x30, 0x33),
  /** The same three, and cards that are kept are counted from then on. */
  initHoldCounted: moves(0x30, 0x34),
  initCaptureCounted: moves(0x30, 0x35),
  initStayCounted: sets(0x30, 0x37),
  status: asks(0x31, 0x30),
  sensors: asks(0x31, 0x31),
  /** To the gate, gripped: the customer can pull the card out, and it can still be drawn back. */
  toHold: moves(0x32, 0x30),
  /** To the chip contacts; with no card inside, one comes out of the stacker. */
  toContact: moves(0x32, 0x31),
  toRadio: moves(0x32, 0x32),
  /** Into the bin. */
  capture: moves(0x32, 0x33),
  /** Out of the gate. */
  eject: moves(0x32, 0x39),
  entryOpen: sets(0x33, 0x30),
  entryShut: sets(0x33, 0x31),
  chipType: asks(0x50, 0x30),
  radioType: asks(0x50, 0x31),
  coldReset: sets(0x51, 0x30),
  chipOff: sets(0x51, 0x31),
  chipStatus: asks(0x51, 0x32),
  apduT0: moves(0x51, 0x33),
  apduT1: moves(0x51, 0x34),
  warmReset: sets(0x51, 0x38),
  /** By whichever protocol the last reset found. */
  apduAuto: moves(0x51, 0x39),
  samReset: sets(0x52, 0x30),
  samOff: sets(0x52, 0x31),
  samStatus: asks(0x52, 0x32),
  samApduT0: moves(0x52, 0x33),
  samApduT1: moves(0x52, 0x34),
  samWarmReset: sets(0x52, 0x38),
  samApduAuto: moves(0x52, 0x39),
  samSelect: sets(0x52, 0x40),
  radioOn: sets(0x60, 0x30),
  radioOff: sets(0x60, 0x31),
  radioStatus: asks(0x60, 0x32),
  serial: asks(0xa2, 0x30),
  config: asks(0xa3, 0x30),
  version: asks(0xa4, 0x30),
  counter: asks(0xa5, 0x30),
  counterSet: sets(0xa5, 0x31),
} as const satisfies Readonly<Record<string, CommandRow>>
export type CommandName = keyof typeof COMMANDS

/** Where one reader differs from another, and what the maker's text leaves open. */
export interface Profile {
  /** 0 to 15, as the switches are set. */
  readonly address: number
  /** Protocols of its chip contacts; none without contacts, and then it can read nothing. */
  readonly chip: readonly ('T0' | 'T1')[]
  /** How long after a frame its ACK may take; maker's text, 1.4.2. */
  readonly ackTimeoutMs: number
  /** Most times a frame is sent; after silence only what moves no card is sent again. */
  readonly sendsMax: number
  /** Time between two looks at the sensors while waiting for a person. */
  readonly pollMs: number
  /** How long a card may stand at the gate while it should be drawn in, before it counts as jammed. */
  readonly drawInMs: number
}

export const PROFILE: Profile = {
  address: 0,
  chip: ['T0', 'T1'],
  ackTimeoutMs: 300,
  sendsMax: 3,
  pollMs: 200,
  drawInMs: 15_000,
}
