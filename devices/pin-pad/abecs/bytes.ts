/**
 * ABECS PIN pads, protocol 2.x: every constant of the link and of the commands, and the profiles.
 *
 * Source: the industry's published text (Protocolo de Comunicação, 2.12 and 2.20), held against open host and
 * device code. What it leaves open is chosen here, said so, and listed in docs/protocols/abecs.md.
 */
import type {SerialSettings} from '../../wire/serial.ts'
import type {Key} from '../port.ts'

/** 19200 baud, 8 data bits, no parity, no flow control; over USB the rate does not matter. */
export const LINE: SerialSettings = {
  baudRate: 19_200,
  dataBits: 8,
  parity: 'none',
  stopBits: 1,
  rtscts: false,
}

export const SYN = 0x16
export const ETB = 0x17
/** Marks a byte that would mean something: the byte after it is the real one plus 20 hexadecimal. */
export const ESCAPE = 0x13
export const ESCAPE_SHIFT = 0x20
export const ACK = 0x06
export const NAK = 0x15
export const CAN = 0x18
export const EOT = 0x04
/** First byte of a packet's data under a session key, which this driver does not use. */
export const SECURED = 0x12

/** Most bytes of data in a packet, before they are marked. */
export const DATA_BYTES_MAX = 2_049
/** SYN, every byte marked, ETB, check. */
export const PACKET_BYTES_MAX = 1 + 2 * DATA_BYTES_MAX + 1 + 2
/** Longest silence inside a packet, on either side. */
export const HOST_GAP_MAX_MS = 2_000
export const PAD_GAP_MAX_MS = 1_500
/** How long the pad may take to acknowledge a packet or to say that it let go of a command. */
export const ACK_TIMEOUT_MS = 2_000
/** How often a packet is sent, a reply refused, and a command cancelled, at most. */
export const TRIES_MAX = 3
/** From the acknowledgement to the reply of a command that waits for nobody. */
export const REPLY_TIMEOUT_MS = 10_000
/** After rubbish, this long without a byte before anything is said or believed. */
export const QUIET_MS = 500

/** Most bytes of a block, and of one message to encipher. */
export const BLOCK_BYTES_MAX = 999
export const CIPHER_BYTES_MAX = 256

/** A command: whether it waits for a person, and what its parameters look like. */
interface Command {
  readonly blocking: boolean
  readonly form: 'block' | 'tlv'
}

/** The commands in use. What a pad without EMV kernel and media does not know is not here. */
export const COMMANDS = {
  OPN: {blocking: false, form: 'block'},
  CLO: {blocking: false, form: 'block'},
  CLX: {blocking: false, form: 'tlv'},
  GIN: {blocking: false, form: 'block'},
  GIX: {blocking: false, form: 'tlv'},
  DSP: {blocking: false, form: 'block'},
  DEX: {blocking: false, form: 'block'},
  GKY: {blocking: true, form: 'block'},
  CKE: {blocking: true, form: 'block'},
  CEX: {blocking: true, form: 'tlv'},
  GTK: {blocking: false, form: 'tlv'},
  GPN: {blocking: true, form: 'block'},
  EBX: {blocking: false, form: 'tlv'},
  ENB: {blocking: false, form: 'block'},
  GDU: {blocking: false, form: 'block'},
  CHP: {blocking: false, form: 'block'},
  RMC: {blocking: true, form: 'block'},
  MNU: {blocking: true, form: 'tlv'},
  GCD: {blocking: true, form: 'tlv'},
} as const satisfies Readonly<Record<string, Command>>
export type CommandId = keyof typeof COMMANDS

/** Replies that answer no command by its name. */
export const NOTICE = 'NTM'
export const UNKNOWN = 'ERR'

/** Parameters that go to the pad. */
export const TAG = {
  ids: 0x0001,
  dataMethod: 0x0003,
  eventOptions: 0x0006,
  tracks: 0x0007,
  openDigits: 0x0008,
  keyIndex: 0x0009,
  workingKey: 0x000a,
  messageIndex: 0x000b,
  timeoutS: 0x000c,
  digitsMin: 0x000d,
  digitsMax: 0x000e,
  dataIn: 0x000f,
  text: 0x001b,
  initial: 0x001d,
  menuOption: 0x0020,
  panMask: 0x0023,
} as const

/** What the pad tells. */
export const TELL = {
  serial: 0x8001,
  part: 0x8002,
  model: 0x8003,
  maker: 0x8004,
  abilities: 0x8005,
  system: 0x8006,
  specification: 0x8007,
  manager: 0x8008,
  application: 0x8009,
  extension: 0x800a,
  textSize: 0x8020,
  masterPinKeys: 0x8032,
  masterDataKeys: 0x8033,
  dukptPinKeys: 0x8035,
  dukptDataKeys: 0x8036,
  event: 0x8040,
  partialTrack1: 0x8041,
  partialTrack2: 0x8042,
  partialTrack3: 0x8043,
  track1: 0x8044,
  track2: 0x8045,
  track3: 0x8046,
  track1Ksn: 0x8047,
  track2Ksn: 0x8048,
  track3Ksn: 0x8049,
  ksn: 0x804c,
  value: 0x804d,
  dataOut: 0x804e,
  battery: 0x8064,
  line: 0x8065,
} as const
/** The KSN of a slot stands under this number and the slot's, as a number. */
export const KSN_OF_PIN_SLOT = 0x9100
export const KSN_OF_DATA_SLOT = 0x9200

/** What a PIN block, or data, is enciphered with. `1` and `3`, `10` and so on stand in the commands. */
export const PIN_METHOD = {masterSession: '1', dukpt: '3'} as const
export const DATA_METHOD = {
  /** Single DES keys, of which pads of today have none. */
  desEcb: '00',
  desCbc: '01',
  masterEcb: '10',
  masterCbc: '11',
  /** The first variant of a DUKPT key, and the third; the fifth is in one printed example only. */
  dukpt1Ecb: '30',
  dukptEcb: '50',
  dukptCbc: '51',
  dukpt5Ecb: '70',
  dukpt5Cbc: '71',
} as const
export type DataMethod = keyof typeof DATA_METHOD

/** Events, as two digits. */
export const EVENT_OF_KEY = {
  enter: '00',
  up: '02',
  down: '03',
  A: '04',
  B: '05',
  C: '06',
  D: '07',
  clear: '08',
  cancel: '13',
} as const satisfies Partial<Record<Key, string>>
export type EventKey = keyof typeof EVENT_OF_KEY
export const EVENT = {swiped: '90', chipOut: '91', chipIn: '92', noContactless: '93'} as const

/** Return codes that somebody decides by. */
export const STATUS = {
  ok: 0,
  noSession: 3,
  backspace: 8,
  badSession: 9,
  notNow: 10,
  parameter: 11,
  timeout: 12,
  cancelled: 13,
  missing: 19,
  internal: 40,
  stripeUnread: 41,
  keyAbsent: 42,
  noCard: 43,
  pinBusy: 44,
  overflow: 45,
  cipher: 46,
  security: 47,
  mute: 60,
} as const

/** Where one pad differs from another in how it is set up. */
export interface Profile {
  readonly keyScheme: 'masterSession' | 'dukpt'
  /** Slots of the keys, 0 to 99; keys for PINs and keys for data are apart even under one number. */
  readonly pinKeySlot: number
  readonly dataKeySlot: number
  /** What stands on the pad's display while a PIN is entered: two rows of up to 16 characters. */
  readonly prompt: readonly [string, string]
}

export const MASTER_SESSION: Profile = {
  keyScheme: 'masterSession',
  pinKeySlot: 1,
  dataKeySlot: 1,
  prompt: ['ENTER YOUR PIN', ''],
}
export const DUKPT: Profile = {...MASTER_SESSION, keyScheme: 'dukpt'}

export const DISPLAY = {rows: 2, columns: 16} as const
