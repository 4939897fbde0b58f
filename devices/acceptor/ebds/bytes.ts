/**
 * EBDS, as acceptors of CPI (MEI) and Pyramid speak it: every constant of the wire. Byte values are hexadecimal.
 *
 * Sources: the public drivers decapod-atm/ebds, kybarg/ebds and lamassu/lamassu-machine, and the payload list of
 * PyramidTechnologies/PTI.Rs232Validator. What one of them alone says is marked assumed.
 */
import type {SerialSettings} from '../../wire/serial.ts'
import type {AcceptorCondition} from '../port.ts'

export const STX = 0x02
export const ETX = 0x03

/** 9600 7E1 (all sources). */
export const LINE: SerialSettings = {baudRate: 9_600, dataBits: 7, parity: 'even', stopBits: 1, rtscts: false}

/** A reply begins within 25 ms on iron. Chosen, far above it; the message goes again, twenty times at most. */
export const ANSWER_MS = 500
export const SENDS_MAX = 20
export const POLL_MS = 200
/** LEN counts the whole message. */
export const MESSAGE_BYTES_MAX = 0x7f
export const ENVELOPE_BYTES = 5
/** 127 bytes take 132 ms at 9600. */
export const MESSAGE_TIME_MS = 300
/** A soft reset: the line means nothing for a second, and the acceptor is there after fifteen at most. */
export const RESET_QUIET_MS = 1_000
export const RESET_MAX_MS = 15_000
export const RESET_TRY_EVERY_MS = 1_000

/** Bits 4 to 6 of the control byte. */
export const TYPES = {omnibus: 1, reply: 2, auxiliary: 6, extended: 7} as const

/** What a host says, by the type of its message and the last byte of it. */
export const COMMANDS = {
  omnibus: {type: TYPES.omnibus, code: null},
  crc: {type: TYPES.auxiliary, code: 0x00},
  cashTotal: {type: TYPES.auxiliary, code: 0x01},
  acceptorType: {type: TYPES.auxiliary, code: 0x04},
  serialNumber: {type: TYPES.auxiliary, code: 0x05},
  bootVersion: {type: TYPES.auxiliary, code: 0x06},
  applicationVersion: {type: TYPES.auxiliary, code: 0x07},
  variantName: {type: TYPES.auxiliary, code: 0x08},
  variantVersion: {type: TYPES.auxiliary, code: 0x09},
  softReset: {type: TYPES.auxiliary, code: 0x7f},
  extendedNote: {type: TYPES.extended, code: 0x02},
} as const

export type CommandName = keyof typeof COMMANDS
export type TextName =
  'acceptorType' | 'serialNumber' | 'bootVersion' | 'applicationVersion' | 'variantName' | 'variantVersion'

/** Second byte of an omnibus message. */
export const MODES = {specialInterrupt: 0x01, highSecurity: 0x02, anyWay: 0x0c, escrow: 0x10} as const
export const STACK = 0x20
export const RETURN = 0x40
/** Third byte: what becomes of a note past the escrow at a power cut (B: stacked, and its value told), extended notes. */
export const POLICY_B = 0x04
export const EXTENDED_NOTES = 0x10

/** The bits of the first four bytes of a reply, by byte and bit. */
export const BITS = {
  idling: [0, 0],
  accepting: [0, 1],
  escrowed: [0, 2],
  stacking: [0, 3],
  stacked: [0, 4],
  returning: [0, 5],
  returned: [0, 6],
  cheated: [1, 0],
  rejected: [1, 1],
  jammed: [1, 2],
  stackerFull: [1, 3],
  cassetteAttached: [1, 4],
  paused: [1, 5],
  calibrating: [1, 6],
  powerUp: [2, 0],
  invalidCommand: [2, 1],
  failure: [2, 2],
  transportOpen: [2, 6],
  stalled: [3, 0],
  flashDownload: [3, 1],
  preStack: [3, 2],
  rawBarcode: [3, 3],
  capabilities: [3, 4],
  disabled: [3, 5],
} as const satisfies Readonly<Record<string, readonly [byte: number, bit: number]>>

export type Bit = keyof typeof BITS

/** Denominations that the seven enable bits and the three index bits can name. */
export const INDEX_MAX = 7

/** What it may report of itself, and what the operator does about it. */
export const CONDITIONS = {
  jammed: {
    meaning: 'a note is stuck',
    fault: 'jam',
    action: 'Open the transport, take the note out and count it, then reset the acceptor.',
  },
  stackerFull: {meaning: 'the cassette is full', fault: 'cashbox-full', action: 'Exchange the cassette.'},
  cassetteMissing: {
    meaning: 'the cassette is missing',
    fault: 'cashbox-missing',
    action: 'Put the cassette in.',
  },
  transportOpen: {meaning: 'the transport is open', fault: 'path-open', action: 'Close the transport.'},
  cheated: {
    meaning: 'it was tricked',
    fault: 'fraud',
    action: 'Look at the pictures of that visit, and count the cassette.',
  },
  failure: {
    meaning: 'it failed',
    fault: 'hardware',
    action: 'Reset the acceptor; if it comes back, call the engineer.',
  },
  calibrating: {
    meaning: 'it is being calibrated',
    fault: 'hardware',
    action: 'Take the calibration paper out.',
  },
  flashDownload: {meaning: 'it waits for its program', fault: 'hardware', action: 'Call the engineer.'},
  stalled: {meaning: 'its motor stalls', fault: 'hardware', action: 'Call the engineer.'},
} as const satisfies Readonly<Record<string, Omit<AcceptorCondition, 'name' | 'source'>>>

export type ConditionName = keyof typeof CONDITIONS
