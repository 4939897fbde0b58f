/**
 * ITL's SSP, as NV200 and SMART Payout speak it: every constant of the wire. Byte values are hexadecimal.
 *
 * Sources: GA138 (the protocol manual, version 2.2) and GA973 (the implementation guide, version 2.2), both of Innovative
 * Technology, and the public drivers kybarg/ssp and decapod-atm/ssp, which agree with them in all that is not marked.
 */
import type {SerialSettings} from '../../wire/serial.ts'
import type {AcceptorCondition, RefusalReason} from '../port.ts'

export const STX = 0x7f
/** First byte of an encrypted packet's data. */
export const STEX = 0x7e
/** The validator, and the SMART Payout around it. */
export const ADDRESS = 0x00

/** 9600 8N2 (GA138, hardware layer). */
export const LINE: SerialSettings = {baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 2, rtscts: false}

/** From the end of a command to its answer, before the same packet goes again; and how often it goes at most. */
export const ANSWER_MS = 1_000
export const SENDS_MAX = 20
/** Data of one packet. */
export const DATA_BYTES_MAX = 255
/** 260 bytes, every one of them doubled but the first, take 541 ms at 9600. Chosen, twice that. */
export const FRAME_TIME_MS = 1_100
/** GA973: 200 to 1000. */
export const POLL_MS = 200
/** A note in escrow goes back after 10 s without a poll or a hold. */
export const HOLD_EVERY_MS = 3_000
/** The version that the driver asks for: it bounds the events that may come. */
export const PROTOCOL_VERSION = 7

/** Every command that NV200 and SMART Payout know. */
export const COMMANDS = {
  reset: 0x01,
  setInhibits: 0x02,
  bezelOn: 0x03,
  bezelOff: 0x04,
  setupRequest: 0x05,
  hostProtocolVersion: 0x06,
  poll: 0x07,
  reject: 0x08,
  disable: 0x09,
  enable: 0x0a,
  serialNumber: 0x0c,
  unitData: 0x0d,
  channelValues: 0x0e,
  channelSecurity: 0x0f,
  sync: 0x11,
  lastRejectCode: 0x17,
  hold: 0x18,
  firmwareVersion: 0x20,
  datasetVersion: 0x21,
  getAllLevels: 0x22,
  payoutAmount: 0x33,
  setDenominationLevel: 0x34,
  getDenominationLevel: 0x35,
  haltPayout: 0x38,
  setRoute: 0x3b,
  getRoute: 0x3c,
  floatAmount: 0x3d,
  getMinimumPayout: 0x3e,
  emptyAll: 0x3f,
  floatByDenomination: 0x44,
  payoutByDenomination: 0x46,
  setGenerator: 0x4a,
  setModulus: 0x4b,
  requestKeyExchange: 0x4c,
  setBaudRate: 0x4d,
  buildRevision: 0x4f,
  smartEmpty: 0x52,
  cashboxPayoutOperationData: 0x53,
  pollWithAck: 0x56,
  eventAck: 0x57,
  getCounters: 0x58,
  resetCounters: 0x59,
  disablePayout: 0x5b,
  enablePayout: 0x5c,
  setFixedKey: 0x60,
  resetFixedKey: 0x61,
} as const satisfies Readonly<Record<string, number>>

export type CommandName = keyof typeof COMMANDS

/** First byte of every answer. */
export const REPLIES = {
  ok: 0xf0,
  unknownCommand: 0xf2,
  wrongCount: 0xf3,
  outOfRange: 0xf4,
  notNow: 0xf5,
  softwareError: 0xf6,
  fail: 0xf8,
  keyNotSet: 0xfa,
} as const satisfies Readonly<Record<string, number>>

export type ReplyName = keyof typeof REPLIES

/** Options of payout and float: to try, or to do. */
export const COMMIT = 0x58
export const TEST = 0x19
export const ROUTES = {recycler: 0x00, cashbox: 0x01} as const

/** What follows an event's code: nothing, a channel, one value with its currency, several, several as paid and requested. */
export type EventShape = 'none' | 'channel' | 'value' | 'amounts' | 'paidAndRequested' | 'amountsAndError'

interface EventRow {
  readonly code: number
  readonly shape: EventShape
}

/** Every event that may come up to protocol version 8 (GA138, event pages). */
export const EVENTS = {
  slaveReset: {code: 0xf1, shape: 'none'},
  /** Channel 0 while it reads, the note's channel in escrow. */
  read: {code: 0xef, shape: 'channel'},
  credit: {code: 0xee, shape: 'channel'},
  rejecting: {code: 0xed, shape: 'none'},
  rejected: {code: 0xec, shape: 'none'},
  stacking: {code: 0xcc, shape: 'none'},
  stacked: {code: 0xeb, shape: 'none'},
  unsafeJam: {code: 0xe9, shape: 'none'},
  disabled: {code: 0xe8, shape: 'none'},
  stackerFull: {code: 0xe7, shape: 'none'},
  fraudAttempt: {code: 0xe6, shape: 'channel'},
  barcodeInEscrow: {code: 0xe5, shape: 'none'},
  cashboxReplaced: {code: 0xe4, shape: 'none'},
  cashboxRemoved: {code: 0xe3, shape: 'none'},
  clearedToCashbox: {code: 0xe2, shape: 'channel'},
  clearedFromFront: {code: 0xe1, shape: 'channel'},
  pathOpen: {code: 0xe0, shape: 'none'},
  cashboxPaid: {code: 0xde, shape: 'amounts'},
  incompleteFloat: {code: 0xdd, shape: 'paidAndRequested'},
  incompletePayout: {code: 0xdc, shape: 'paidAndRequested'},
  storedInPayout: {code: 0xdb, shape: 'none'},
  dispensing: {code: 0xda, shape: 'amounts'},
  timeout: {code: 0xd9, shape: 'amounts'},
  floated: {code: 0xd8, shape: 'amounts'},
  floating: {code: 0xd7, shape: 'amounts'},
  halted: {code: 0xd6, shape: 'amounts'},
  jammed: {code: 0xd5, shape: 'amounts'},
  dispensed: {code: 0xd2, shape: 'amounts'},
  barcodeAck: {code: 0xd1, shape: 'none'},
  deviceFull: {code: 0xcf, shape: 'none'},
  heldInBezel: {code: 0xce, shape: 'value'},
  dispensedAtReset: {code: 0xcd, shape: 'value'},
  intoStoreAtReset: {code: 0xcb, shape: 'value'},
  intoStackerAtReset: {code: 0xca, shape: 'value'},
  movedToStacker: {code: 0xc9, shape: 'value'},
  payoutOutOfService: {code: 0xc6, shape: 'none'},
  emptied: {code: 0xc3, shape: 'none'},
  emptying: {code: 0xc2, shape: 'none'},
  initialising: {code: 0xb6, shape: 'none'},
  channelsInhibited: {code: 0xb5, shape: 'none'},
  smartEmptied: {code: 0xb4, shape: 'amounts'},
  smartEmptying: {code: 0xb3, shape: 'amounts'},
  payoutError: {code: 0xb1, shape: 'amountsAndError'},
  jamRecovery: {code: 0xb0, shape: 'none'},
} as const satisfies Readonly<Record<string, EventRow>>

export type EventName = keyof typeof EVENTS

/** Why the last note went back (17): GA138's table. What is not in it is `unspecified`. */
export const REJECT_REASONS: Readonly<Record<number, readonly [RefusalReason, string]>> = {
  0x00: ['unspecified', 'accepted'],
  0x01: ['not-recognised', 'length'],
  0x02: ['not-recognised', 'internal validation'],
  0x03: ['not-recognised', 'internal validation'],
  0x04: ['not-recognised', 'internal validation'],
  0x05: ['not-recognised', 'internal validation'],
  0x06: ['not-accepted', 'channel inhibited in the dataset'],
  0x07: ['two-notes', 'a second note came behind it'],
  0x08: ['host', 'rejected by the host'],
  0x09: ['not-recognised', 'two channels matched'],
  0x0a: ['not-recognised', 'internal validation'],
  0x0b: ['not-recognised', 'too long'],
  0x0c: ['not-accepted', 'channel inhibited by the host'],
  0x0d: ['fed-badly', 'the mechanism is slow'],
  0x0e: ['fraud', 'pulled on a string'],
  0x10: ['fed-badly', 'no note seen'],
  0x11: ['not-recognised', 'internal validation'],
  0x12: ['not-recognised', 'internal validation'],
  0x13: ['timeout', 'waited in escrow too long'],
  0x14: ['not-recognised', 'internal validation'],
  0x15: ['fed-badly', 'it did not reach the camera'],
  0x16: ['not-recognised', 'internal validation'],
  0x17: ['not-recognised', 'internal validation'],
  0x18: ['fed-badly', 'pulled through too fast'],
  0x19: ['not-recognised', 'width'],
  0x1a: ['not-recognised', 'too short'],
  0x1b: ['unspecified', 'it was a payout'],
  0x1c: ['two-notes', 'two notes at once'],
  0x1d: ['not-stacked', 'it could not be stacked'],
}

/** What it may report of itself, and what the operator does about it. */
export const CONDITIONS = {
  unsafeJam: {
    meaning: 'a note is stuck within reach of the customer or the cashbox',
    fault: 'jam',
    action: 'Open the note path, take the note out and count it, then reset the acceptor.',
  },
  stackerFull: {meaning: 'the cashbox is full', fault: 'cashbox-full', action: 'Exchange the cashbox.'},
  cashboxRemoved: {
    meaning: 'the cashbox is missing',
    fault: 'cashbox-missing',
    action: 'Put the cashbox in.',
  },
  pathOpen: {meaning: 'the note path is open', fault: 'path-open', action: 'Close the note path.'},
  fraudAttempt: {
    meaning: 'a note was pulled back on its way to the cashbox',
    fault: 'fraud',
    action: 'Look at the pictures of that visit, and count the cashbox.',
  },
  jammed: {
    meaning: 'a note is stuck on its way out of the store',
    fault: 'jam',
    action: 'Open the store, take the note out and count it, then reset the acceptor.',
  },
  payoutOutOfService: {
    meaning: 'the store is out of service',
    fault: 'hardware',
    action: 'Reset the acceptor; if it comes back, call the engineer.',
  },
  payoutError: {
    meaning: 'a payout went wrong',
    fault: 'hardware',
    action: 'Compare the levels with the store, then reset the acceptor.',
  },
  deviceFull: {meaning: 'the store is full', fault: null, action: 'Empty the store.'},
  unknownEvent: {
    meaning: 'it tells of something that this program does not know',
    fault: 'hardware',
    action: 'Note the firmware and call the engineer.',
  },
} as const satisfies Readonly<Record<string, Omit<AcceptorCondition, 'name' | 'source'>>>

export type ConditionName = keyof typeof CONDITIONS
