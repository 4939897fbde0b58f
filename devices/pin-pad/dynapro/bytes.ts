/**
 * MagTek DynaPro Mini: every report of its HID protocol, the command table and the profile.
 *
 * Source: "DynaPro Mini PIN Encryption Device Programmer's Manual (Commands)" 99875629, revisions 2.01 (2014) and -43
 * (2018), and that of the DynaPro Go D998200136-31, as public manual pages have them. What they leave open is chosen
 * here, said so, and listed in docs/protocols/magtek-dynapro.md.
 */
import {bytesOfHex} from '../../../crypto/hex.ts'

export const VENDOR_ID = 0x0801
export const PRODUCT_ID = 0x3009

/**
 * Commands: feature reports, set by the host. After each the host gets report 01, which says whether it was accepted;
 * what comes of it arrives as an input report. One is here only with a vector for it in vectors.json.
 */
export const COMMANDS = {
  /** Clears PIN, PAN, amount and device error; shows an idle picture. */
  endSession: 0x02,
  requestSwipe: 0x03,
  requestPin: 0x04,
  cancel: 0x05,
  /** Waits for one of three function keys or enter. */
  requestSelection: 0x06,
  displayMessage: 0x07,
  requestStatus: 0x08,
  /** Set here; asked for by getting the same report. */
  configure: 0x09,
  requestCard: 0x0a,
  /** An amount, or the number of a card from another reader. */
  sendSession: 0x0d,
  /** Digits that leave encrypted. */
  requestEntry: 0x14,
  /** Followed by getting the same report. */
  deviceInformation: 0x1a,
  /** Digits that leave in clear: none of a PIN. */
  requestClearEntry: 0x1f,
  reset: 0xff,
} as const
export type CommandName = keyof typeof COMMANDS

/** Bytes of each command after its ID. 09: assumed. */
export const COMMAND_BYTES: Readonly<Record<CommandName, number>> = {
  endSession: 1,
  requestSwipe: 3,
  requestPin: 5,
  cancel: 1,
  requestSelection: 4,
  displayMessage: 2,
  requestStatus: 1,
  configure: 8,
  requestCard: 1,
  sendSession: 21,
  requestEntry: 3,
  deviceInformation: 63,
  requestClearEntry: 3,
  reset: 2,
}

/** Feature reports that the manual names and this driver has no use for; the emulated pad says that it has them not. */
export const OTHER_COMMANDS = {
  challenge: {id: 0x0b, bytes: 13},
  information: {id: 0x0e, bytes: 1},
  login: {id: 0x0f, bytes: 17},
  bigBlock: {id: 0x10, bytes: 63},
  manualEntry: {id: 0x11, bytes: 3},
  ksn: {id: 0x30, bytes: 11},
  ksnEncrypted: {id: 0x31, bytes: 63},
  binTable: {id: 0x32, bytes: 37},
} as const

/** The feature report that says what became of the command before: status, its ID, two reserved. */
export const ACK = {id: 0x01, bytes: 4} as const

/** Input reports, and their bytes after the ID. 20: one less from older firmware; 23 and 29: room, assumed. */
export const INPUTS = {
  deviceState: {id: 0x20, bytes: 6},
  entry: {id: 0x21, bytes: 19},
  cardStatus: {id: 0x22, bytes: 3},
  cardData: {id: 0x23, bytes: 115},
  pin: {id: 0x24, bytes: 19},
  selection: {id: 0x25, bytes: 2},
  messageDone: {id: 0x27, bytes: 1},
  bigBlock: {id: 0x29, bytes: 63},
  clearEntry: {id: 0x2e, bytes: 12},
} as const
export type InputName = keyof typeof INPUTS
/** Bytes of report 20 from older firmware: without the key status. */
export const OLD_STATE_BYTES = 5

/** Operation status: how a command that waited for a person ended. From 06 on: calibration and certificates. */
export const OPERATION = {
  done: 0x00,
  userCancel: 0x01,
  timeout: 0x02,
  hostCancel: 0x03,
  verifyMismatch: 0x04,
  /** The keypad noticed something; it is armed anew by asking again. */
  keypadSecurity: 0x05,
} as const
export type Operation = keyof typeof OPERATION

/** ACK status. */
export const ACK_STATUS = {
  accepted: 0x00,
  unknownReport: 0x15,
  deviceError: 0x80,
  notIdle: 0x81,
  badParameter: 0x82,
  badLength: 0x83,
  panExists: 0x84,
  noKey: 0x85,
  busy: 0x86,
  /** More than 120 PINs in an hour, or a configuration that may not be changed. */
  locked: 0x87,
  authenticationRequired: 0x88,
  badAuthentication: 0x89,
  notAvailable: 0x8a,
  amountNeeded: 0x8b,
  battery: 0x8c,
  resetting: 0x8d,
  certificateMissing: 0x90,
  certificateExpired: 0x91,
  certificateInvalid: 0x92,
  certificateRevoked: 0x93,
  crlMissing: 0x94,
  certificateExists: 0x95,
  keyExists: 0x96,
} as const
export type AckStatus = keyof typeof ACK_STATUS

export const DEVICE_STATE = {
  idle: 0x00,
  session: 0x01,
  waitingForCard: 0x02,
  waitingForPin: 0x03,
  waitingForSelection: 0x04,
  showingMessage: 0x05,
  manualEntry: 0x07,
  signature: 0x08,
  waitingForEntry: 0x09,
  chip: 0x0a,
  emv: 0x0c,
  showingPan: 0x0d,
} as const
export type DeviceState = keyof typeof DEVICE_STATE

/** Bits of the session state. */
export const SESSION = {
  amount: 0x01,
  externalPan: 0x02,
  cardPan: 0x04,
  cardData: 0x08,
  powerChange: 0x80,
} as const

/** Bits of the device status byte; those of the keys differ by revision, see `Profile.statusOf`. */
export const DEVICE_STATUS = {
  pinKey: 0x03,
  msrKey: 0x0c,
  tamper: 0x10,
  /** 2014: not authorised; 2018: authenticated. Nothing here is decided by it. */
  authentication: 0x40,
  deviceError: 0x80,
} as const

/** Bits of the certificate status. */
export const CERTIFICATES = {
  device: 0x01,
  deviceCa: 0x02,
  pinCa: 0x04,
  msrCa: 0x08,
  unbind: 0x10,
  pinCrl: 0x40,
  msrCrl: 0x80,
} as const
export type Certificate = keyof typeof CERTIFICATES

/** Bits of the hardware status. */
export const HARDWARE = {
  tamperSensors: 0x01,
  head: 0x02,
  keypadCalibrated: 0x04,
  keypadActivated: 0x08,
  keypadTampered: 0x10,
  sred: 0x20,
} as const
export type Hardware = keyof typeof HARDWARE

/** Keys in a selection: bits of the mask that allows them, and codes that tell them. */
export const SELECTION = {
  A: {mask: 0x01, code: 0x71},
  B: {mask: 0x02, code: 0x72},
  C: {mask: 0x04, code: 0x74},
  enter: {mask: 0x08, code: 0x78},
} as const
export type SelectionKey = keyof typeof SELECTION
export const ALL_SELECTION_KEYS = 0x0f

/** What stands on the pad's screen during a selection: text of the maker. */
export const SELECTION_MESSAGE = {creditDebit: 0, verifyAmount: 1, creditOtherDebit: 2} as const
const SELECTION_MESSAGE_MAX = 5

/** Messages of the pad's own. 00 and 08: revision 2.01 prints them as 'hands off' once and as 'blank' once. */
export const MESSAGE = {
  blank: 0,
  approved: 1,
  declined: 2,
  cancelled: 3,
  thankYou: 4,
  pinInvalid: 5,
  processing: 6,
  pleaseWait: 7,
  handsOff: 8,
  notAvailable: 9,
  callYourBank: 10,
  cardError: 11,
  notAccepted: 12,
  processingError: 13,
  useChip: 14,
  referToDevice: 15,
} as const
export type Message = keyof typeof MESSAGE

/** Beeps at the start of something that waits for a person. */
export const TONE = {none: 0, one: 1, two: 2} as const

export const PIN_MODE = {enter: 0, withAmount: 1, reenterWithAmount: 2, reenter: 3, verify: 4} as const
/** Bits of the last byte of a PIN request; those above the first from one source. */
export const PIN_OPTION = {iso3: 0x01, verify: 0x02, waitMessage: 0x04} as const

/** First byte of session data. */
export const SESSION_DATA = {amount: 0x00, pan: 0x01} as const
/** Room for the text of session data: the number is padded to it. */
export const PAN_BYTES = 19
export const AMOUNT_BYTES = 11

/** What device information can be asked for. */
export const INFORMATION = {
  productId: 0x00,
  messageBytesMax: 0x01,
  capabilities: 0x02,
  manufacturer: 0x03,
  product: 0x04,
  serial: 0x05,
  firmware: 0x06,
  build: 0x07,
  boot1: 0x0a,
  boot2: 0x0b,
} as const
export type Information = keyof typeof INFORMATION

/** What a card data report holds. */
export const CARD_DATA = {
  masked1: 0x01,
  masked2: 0x02,
  masked3: 0x03,
  encrypted1: 0x04,
  encrypted2: 0x05,
  encrypted3: 0x06,
  magnePrint: 0x07,
  /** KSN and MagnePrint status. */
  ksn: 0x63,
} as const
/** Card status: bits 0 to 2 a track that could not be read, bit 3 a chip. */
export const CARD_TYPE = {other: 0, financial: 1, aamva: 2, manual: 3, unknown: 4, chip: 5} as const

/** Digits of an entry that is no PIN, by its mode: a social security number, a postal code, two forms of a date. */
export const ENTRY_DIGITS: readonly number[] = [9, 5, 8, 6]

/** Values that a command takes, where a range says it. */
export const RANGE_MAX = {
  idlePicture: 4,
  swipeMessage: 4,
  tone: 2,
  pinMode: 4,
  selectionMessage: SELECTION_MESSAGE_MAX,
  message: 15,
} as const

/** Most seconds that a one-byte wait holds; 00 stands for 256, and for without end where a card or a message waits. */
export const WAIT_MAX_S = 255
export const WAIT_ZERO_S = 256

/** KSN and block of a PIN report. */
export const KSN_BYTES = 10
export const BLOCK_BYTES = 8

/** Start of the report descriptor as both manuals print it: reports 01 to 05. */
const DESCRIPTOR_HEAD = bytesOfHex(
  '0620FF0901A1017508150026FF00850109019504B202018502090295' +
    '01B202018503090395' +
    '03B202018504090495' +
    '05B202018505090595' +
    '01B20201',
)
const DESCRIPTOR_HEAD_LAST = 0x05

/** The whole descriptor: its printed start, then every further report of the usage tables in the same form, order assumed. */
export function descriptor(stateBytes: number): Uint8Array {
  const features = [
    ...Object.values(COMMANDS).flatMap((id, at) => ({id, bytes: Object.values(COMMAND_BYTES)[at] ?? 0})),
    ...Object.values(OTHER_COMMANDS),
  ].filter(({id}) => id > DESCRIPTOR_HEAD_LAST)
  const inputs = Object.values(INPUTS).map(({id, bytes}) =>
    id === INPUTS.deviceState.id ? {id, bytes: stateBytes} : {id, bytes},
  )
  return Uint8Array.of(
    ...DESCRIPTOR_HEAD,
    ...features.flatMap(({id, bytes}) => [0x85, id, 0x09, id, 0x95, bytes, 0xb2, 0x02, 0x01]),
    ...inputs.flatMap(({id, bytes}) => [0x85, id, 0x09, id, 0x95, bytes, 0x81, 0x02]),
    0xc0,
  )
}

/** Where one pad differs from another, and what the manuals leave open. */
export interface Profile {
  /** Which revision's meaning the two key fields of the device status byte have: they print 01 and 10 the other way round. */
  readonly statusOf: 2014 | 2018
  /** `fixed`: one PIN key for good; its PIN reports carry a KSN of zeros. */
  readonly keyScheme: 'dukpt' | 'fixed'
  /** Beeps when a PIN or a key is asked for. */
  readonly tone: (typeof TONE)[keyof typeof TONE]
  /** How long after a command its device state report may take. The manuals give no figure; chosen. */
  readonly stateTimeoutMs: number
  /** How often a command is given whose acceptance was not told clearly. */
  readonly triesMax: number
}

export const PROFILE: Profile = {
  statusOf: 2018,
  keyScheme: 'dukpt',
  tone: TONE.one,
  stateTimeoutMs: 2_000,
  triesMax: 3,
}

/** Older firmware: one byte less of state, and the key bits the other way round. */
export const PROFILE_2014: Profile = {...PROFILE, statusOf: 2014}
