/**
 * MagTek swipe and insert readers on USB HID: every constant of their reports, the command table and the profile.
 *
 * Sources: "USB HID SureSwipe & USB HID Swipe Reader Technical Reference Manual" D99875191 for the reports in clear,
 * "MagneSafe V5 Communication Reference Manual" D99875475 with its worked examples for the others, and MagTek's open
 * WebHID code (MIT) for what both print alike. What they leave open is chosen here, said so, and listed in
 * docs/protocols/magtek-hid.md.
 */
import {bytesOfHex} from '../../../crypto/hex.ts'

export const VENDOR_ID = 0x0801

/** The readers this driver knows, by their product ID: drawn through by hand, or pushed in and pulled out. */
export const PRODUCTS = {
  0x0002: {type: 'swipe', name: 'USB HID SureSwipe'},
  0x0011: {type: 'swipe', name: 'MagneSafe V5 swipe'},
  0x0013: {type: 'dip', name: 'MagneSafe V5 insert'},
} as const
export type ProductId = keyof typeof PRODUCTS

export function isProduct(productId: number): productId is ProductId {
  return Object.hasOwn(PRODUCTS, productId)
}

/** `sureSwipe`: tracks in clear, small reports. `magneSafe`: encrypts when it is told to, and tells of itself. */
export type Family = 'sureSwipe' | 'magneSafe'

/** The only length of a SureSwipe input report. */
export const SURE_SWIPE_BYTES = 337
/** Lengths of a MagneSafe input report: of older readers, with swipe count, version and hash, and of some. */
export const MAGNE_SAFE_BYTES = {short: 856, long: 887, longest: 931} as const
/** Bytes of the one feature report. */
export const FEATURE_BYTES: Readonly<Record<Family, number>> = {sureSwipe: 24, magneSafe: 60}

/** Three tracks in an input report: one byte of length each, and room for each. Offsets from the report's first byte. */
export interface TrackFields {
  readonly lengthsAt: number
  readonly tracksAt: number
  readonly trackBytes: number
}

/** Decode status, one byte a track: bit 0 says that it could not be decoded. */
export const DECODE_AT = 0
export const ENCODE_AT = 6
/** SureSwipe: the tracks. */
export const CLEAR_TRACKS: TrackFields = {lengthsAt: 3, tracksAt: 7, trackBytes: 110}
/** MagneSafe: ciphertext; and the tracks in clear as long as nothing is encrypted (D99875475, appendix D, example 3). */
export const ENCRYPTED_TRACKS: TrackFields = {lengthsAt: 3, tracksAt: 7, trackBytes: 112}
/** MagneSafe: the tracks as they may be shown. In clear on readers that encrypt nothing and mask nothing. */
export const MASKED_TRACKS: TrackFields = {lengthsAt: 505, tracksAt: 508, trackBytes: 112}

/** What a MagneSafe report holds besides; the last three only in reports of 887 bytes or more. */
export const MAGNE_SAFE_AT = {
  /** Insert readers: bit 0 is 1 while the card goes in, 0 while it comes out. */
  cardStatus: 343,
  /** 16 bytes of ASCII, zero at the end. */
  serial: 477,
  /** Two bytes, high first (as the dump of example 9 has it). */
  encryption: 493,
  /** 10 bytes. */
  ksn: 495,
  /** 8 bytes. */
  session: 844,
  /** Three bytes: length of each track before it was encrypted. */
  clearLengths: 852,
  /** Three bytes, high first (order assumed). */
  swipeCount: 856,
  /** 8 bytes of ASCII. */
  version: 859,
  /** 20 bytes, over track 2. */
  sha1: 867,
} as const
export const INSERTING = 0x01

/** Bits of the encryption status. */
export const ENCRYPTION = {
  keysExhausted: 0x001,
  keyInjected: 0x002,
  enabled: 0x004,
  authenticationRequired: 0x008,
  timedOut: 0x010,
  keySynced: 0x080,
  counterExpired: 0x100,
} as const
export type EncryptionBit = keyof typeof ENCRYPTION

/** What is encoded on the card. Code 2 is not in use. */
export const ENCODE = {iso: 0, aamva: 1, blank: 3, other: 4, undetermined: 5} as const
export type Encode = keyof typeof ENCODE

/** What a track may start with, and what it ends with: ISO/IEC 7811, and AAMVA's `#` on track 3. */
export const SENTINELS = {
  1: {starts: '%', end: '?'},
  2: {starts: ';', end: '?'},
  3: {starts: ';+#', end: '?'},
} as const

/**
 * Commands over the feature report: `command, length, data`, zeros to the end; answered the same way, with a result
 * in the command's place. All of them only ask or set, so any may be repeated. One is here only with a vector for it.
 */
export const COMMANDS = {
  getProperty: 0x00,
  setProperty: 0x01,
  reset: 0x02,
  /** MagneSafe: name and counter of the key that comes next. */
  ksn: 0x09,
  /** MagneSafe: eight bytes that come back, encrypted, with the next card. */
  setSession: 0x0a,
  readerState: 0x14,
  /** MagneSafe: asks for the level; with data and a MAC it raises it, for good. */
  securityLevel: 0x15,
  encryptionCounter: 0x1c,
} as const
export type CommandName = keyof typeof COMMANDS

/** What a SureSwipe reader knows of them. */
export const SURE_SWIPE_COMMANDS: readonly CommandName[] = ['getProperty', 'setProperty', 'reset']

/** First byte of an answer. */
export const RESULT = {
  done: 0x00,
  failed: 0x01,
  badParameter: 0x02,
  delayed: 0x05,
  badSequence: 0x07,
  moreFollows: 0x0a,
  buffering: 0x0b,
} as const
export type Result = keyof typeof RESULT

/** Property numbers that mean the same in both families. */
export const PROPERTY = {softwareId: 0x00, usbSerial: 0x01, pollInterval: 0x02, interface: 0x10} as const
/** The others. What is 03 with one family is another thing with the other. */
export const SURE_SWIPE_PROPERTY = {maxPacket: 0x03, trackEnable: 0x04} as const
export const MAGNE_SAFE_PROPERTY = {
  deviceSerial: 0x03,
  version: 0x04,
  trackEnable: 0x05,
  isoMask: 0x07,
  maxPacket: 0x0a,
  sureSwipe: 0x38,
} as const

/** Value of the property `interface`: what the reader is on the bus. */
export const INTERFACE = {hid: 0, keyboard: 1} as const
/** Value of the property `trackEnable` for all three tracks. */
export const ALL_TRACKS = 0x95

/** From this security level on tracks leave the reader encrypted only. */
export const SECURITY_LEVEL_ENCRYPTING = 3

/** Report descriptor of the SureSwipe reader, as the manual prints it. */
export const SURE_SWIPE_DESCRIPTOR: Uint8Array = bytesOfHex(
  '0600FF0901A101150026FF00750809200921092209280929092A093895078102' +
    '0930956E8202010931956E8202010932956E82020109209518B20201C0',
)

/** As far as the manual's pages print it: tracks, card status, MagnePrint status. */
const MAGNE_SAFE_HEAD = bytesOfHex(
  '0600FF0901A101150026FF00750809200921092209280929092A093895078102' +
    '093095708202010931957082020109329570820201093995018102752009239501810275080933',
)
const MAGNE_SAFE_HEAD_BYTES = 348
/** The feature report, as printed. */
const MAGNE_SAFE_TAIL = bytesOfHex('820201' + '0920953CB20201C0')

/**
 * Report descriptor of a MagneSafe reader. What follows the MagnePrint status is one field up to the length, its usage
 * assumed: the lengths are what a host takes from a descriptor.
 */
export function magneSafeDescriptor(inputBytes: number): Uint8Array {
  const restBytes = inputBytes - MAGNE_SAFE_HEAD_BYTES
  return Uint8Array.of(...MAGNE_SAFE_HEAD, 0x96, restBytes & 0xff, restBytes >> 8, ...MAGNE_SAFE_TAIL)
}

/** Where one reader differs from another, and what the manuals leave open. */
export interface Profile {
  /** So long a reader that was told to reset may be away; the manual has the host wait 5 s. */
  readonly resetMaxMs: number
  /** Between two tries to open it again. */
  readonly reopenMs: number
}

export const PROFILE: Profile = {resetMaxMs: 10_000, reopenMs: 250}
