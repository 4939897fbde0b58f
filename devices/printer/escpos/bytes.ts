/**
 * ESC/POS receipt printers: every constant of their wire. Byte values are hexadecimal. Two families: the
 * desktop printers that follow Epson, and the kiosk printers that follow Custom, which hold a ticket in the
 * mouth and have a status block of their own.
 *
 * Sources, named by letter: E, the status tables that the manuals of Epson TM-U220 and TM-T88, Bixolon SRP-350,
 * Citizen CT-S2000, Sewoo LK and HPRT have in common; K, the kiosk printer driver of the public repository
 * smartware (esc_pos.rb, MIT) and the manual page of the Custom KPM150H. What stands in K's code from memory is assumed.
 */
import type {Retry} from '../../wire/exchange.ts'
import type {SerialSettings} from '../../wire/serial.ts'
import type {PrinterCondition} from '../port.ts'

export const DLE = 0x10
export const ESC = 0x1b
export const FS = 0x1c
export const GS = 0x1d
export const LF = 0x0a
export const CR = 0x0d
export const XON = 0x11
export const XOFF = 0x13
/** Second byte of the kiosk status block, and of the real-time request for it. */
export const KIOSK_STATUS = {request: 0x14, head: 0x0f} as const
/** Around a text that answers GS I (E). */
export const TEXT = {head: 0x5f, end: 0x00} as const
/** GS ( H, function 48: four bytes of the host's choice come back, between this answer and a zero (Epson's reference). */
export const PROCESS_ID = {
  head: [GS, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30],
  length: 11,
  answer: [0x37, 0x22],
} as const

/** What a command's answer looks like; `none` where there is none. */
export type AnswerKind = 'none' | 'realtime' | 'queued' | 'automatic' | 'id' | 'text' | 'rom' | 'kiosk'

export interface CommandRow {
  readonly code: readonly number[]
  /** Bytes of argument behind the code. */
  readonly argumentBytes: number
  readonly answer: AnswerKind
  /** `never`: it moves paper or opens a drawer. */
  readonly retry: Retry
}

/**
 * All commands that we send beside a job's own layout. Real-time ones (DLE) are carried out at once, off line
 * and in the middle of another command as well; the others wait their turn behind the job (E).
 */
export const COMMANDS = {
  /** DLE EOT n, 1 to 4: printer, why off line, error, paper. */
  realtimeStatus: {code: [DLE, 0x04], argumentBytes: 1, answer: 'realtime', retry: 'safe'},
  /** DLE ENQ n: 1 goes on with the line of the error, 2 forgets the buffer; for cutter errors only. */
  recover: {code: [DLE, 0x05], argumentBytes: 1, answer: 'none', retry: 'never'},
  /** GS a n: four bytes at once, and on every change from then on. */
  automaticStatus: {code: [GS, 0x61], argumentBytes: 1, answer: 'automatic', retry: 'safe'},
  /** GS r n: 1 paper, 2 drawer; answered when everything before it is done. */
  queuedStatus: {code: [GS, 0x72], argumentBytes: 1, answer: 'queued', retry: 'safe'},
  /** ESC v, the older way to ask for paper. */
  paperStatus: {code: [ESC, 0x76], argumentBytes: 0, answer: 'queued', retry: 'safe'},
  /** GS I n, 1 model, 2 type, 3 ROM: one byte each. */
  identify: {code: [GS, 0x49], argumentBytes: 1, answer: 'id', retry: 'safe'},
  /** GS I n, 41 firmware, 42 maker, 43 model, 44 serial number, 45 fonts: a text. */
  identifyText: {code: [GS, 0x49], argumentBytes: 1, answer: 'text', retry: 'safe'},
  /** GS I 33 of a kiosk printer: four bytes of ROM version (K). */
  romVersion: {code: [GS, 0x49, 0x33], argumentBytes: 0, answer: 'rom', retry: 'safe'},
  /** DLE EOT 20: the kiosk status block (K). */
  kioskStatus: {code: [DLE, 0x04, KIOSK_STATUS.request], argumentBytes: 0, answer: 'kiosk', retry: 'safe'},
  initialize: {code: [ESC, 0x40], argumentBytes: 0, answer: 'none', retry: 'safe'},
  /** ESC d n: prints what waits and feeds n lines. */
  feedLines: {code: [ESC, 0x64], argumentBytes: 1, answer: 'none', retry: 'never'},
  /** GS V m: 0 whole, 1 leaving a bridge. */
  cut: {code: [GS, 0x56], argumentBytes: 1, answer: 'none', retry: 'never'},
  /** GS V m n, 41 whole, 42 leaving a bridge: feeds to the cutter and n further. */
  feedAndCut: {code: [GS, 0x56], argumentBytes: 2, answer: 'none', retry: 'never'},
  /** Cuts and holds the ticket in the mouth (K). */
  cutAndPresent: {
    code: [FS, 0xc0, 0xaa, 0x0f, 0xee, 0x0b, 0x34],
    argumentBytes: 0,
    answer: 'none',
    retry: 'never',
  },
  /** ESC c 3 n: which paper sensors make the paper signal. */
  signalSensors: {code: [ESC, 0x63, 0x33], argumentBytes: 1, answer: 'none', retry: 'safe'},
  /** ESC c 4 n: which paper sensors stop printing. */
  stopSensors: {code: [ESC, 0x63, 0x34], argumentBytes: 1, answer: 'none', retry: 'safe'},
  /** GS v 0 m xL xH yL yH: dots in rows of x bytes, y rows of them, m = 0 as they are (E). */
  picture: {code: [GS, 0x76, 0x30], argumentBytes: 5, answer: 'none', retry: 'never'},
  /** ESC p m t1 t2: opens the drawer. */
  drawer: {code: [ESC, 0x70], argumentBytes: 3, answer: 'none', retry: 'never'},
} as const satisfies Readonly<Record<string, CommandRow>>

export type CommandName = keyof typeof COMMANDS

/** Where a condition stands: index of the answer or byte, and the bits there; any of them counts. */
export type Place = readonly [at: number, mask: number]

export interface ConditionRow extends PrinterCondition {
  /** Of DLE EOT 1 to 4. */
  readonly realtime?: Place
  /** Of the four automatic bytes, from 0. */
  readonly automatic?: Place
  /** Of the four bytes of the kiosk block, from 0. */
  readonly kiosk?: Place
}

const agreed = {source: 'agreed', fault: null, action: ''} as const
const assumed = {...agreed, source: 'assumed'} as const

/** Everything a printer reports of itself; where several stop it, the first in this order is named. */
export const CONDITIONS = {
  unrecoverable: {
    ...agreed,
    meaning: 'an error that only the power switch ends, if anything',
    fault: 'unrecoverable',
    action: 'Switch the printer off and on; if it comes back, change the printer.',
    realtime: [3, 0x20],
    automatic: [1, 0x20],
    kiosk: [3, 0xff],
  },
  coverOpen: {
    ...agreed,
    meaning: 'the cover is open',
    fault: 'cover-open',
    action: 'Close the cover.',
    realtime: [2, 0x04],
    automatic: [0, 0x20],
    kiosk: [1, 0x02],
  },
  headUp: {
    ...agreed,
    meaning: 'the print head is lifted',
    fault: 'cover-open',
    action: 'Press the print head down.',
    kiosk: [1, 0x01],
  },
  paperOut: {
    ...agreed,
    meaning: 'there is no paper',
    fault: 'paper-out',
    action: 'Put in a new roll.',
    realtime: [4, 0x60],
    automatic: [2, 0x0c],
    kiosk: [0, 0x01],
  },
  cutter: {
    ...agreed,
    meaning: 'the cutter is stuck',
    fault: 'cutter',
    action: 'Free the cutter, then let the machine recover the printer.',
    realtime: [3, 0x08],
    automatic: [1, 0x08],
  },
  jam: {
    ...assumed,
    meaning: 'paper is stuck in its way',
    fault: 'jam',
    action: 'Take out the paper that is stuck.',
    kiosk: [2, 0x40],
  },
  mechanical: {
    ...agreed,
    meaning: 'a part does not move, or the black mark was not found',
    fault: 'mechanical',
    action: 'Take out the paper, look for what blocks it, and put the roll in again.',
    realtime: [3, 0x04],
    automatic: [1, 0x04],
  },
  headTemperature: {
    ...agreed,
    meaning: 'the print head is too hot',
    fault: 'overheated',
    action: 'Wait; it goes on by itself when it has cooled down.',
    kiosk: [2, 0x01],
  },
  supplyVoltage: {
    ...agreed,
    meaning: 'the supply voltage is out of its range',
    fault: 'supply',
    action: 'Check the power supply of the printer.',
    kiosk: [2, 0x08],
  },
  lineError: {
    ...agreed,
    meaning: 'the printer heard bytes with errors on its serial line',
    fault: 'line-error',
    action: 'Check the cable and the line settings.',
    kiosk: [2, 0x02],
  },
  recoverable: {
    ...agreed,
    meaning: 'an error that ends by itself: the head is too hot, or the cover open',
    fault: 'overheated',
    action: 'Close the cover, or wait until the head has cooled down.',
    realtime: [3, 0x40],
    automatic: [1, 0x40],
  },
  commandError: {...assumed, meaning: 'the printer did not know a command', kiosk: [2, 0x20]},
  offLine: {...agreed, meaning: 'off line', realtime: [1, 0x08], automatic: [0, 0x08]},
  waitingForRecovery: {
    ...agreed,
    meaning: 'waits for the host to end an error',
    realtime: [1, 0x20],
    automatic: [1, 0x01],
  },
  error: {...agreed, meaning: 'off line because of an error', realtime: [2, 0x40]},
  stoppedByPaperEnd: {...agreed, meaning: 'stopped by the paper’s end', realtime: [2, 0x20]},
  paperNearEnd: {
    ...agreed,
    meaning: 'the paper is near its end',
    action: 'Bring a new roll.',
    realtime: [4, 0x0c],
    automatic: [2, 0x03],
    kiosk: [0, 0x04],
  },
  feeding: {
    ...agreed,
    meaning: 'paper is being moved',
    realtime: [2, 0x08],
    automatic: [0, 0x40],
    kiosk: [1, 0x08],
  },
  spooling: {...agreed, meaning: 'the job is still being taken', kiosk: [1, 0x04]},
  ticketInMouth: {...agreed, meaning: 'a ticket waits in the mouth', kiosk: [0, 0x20]},
  virtualPaperEnd: {
    ...agreed,
    meaning: 'the length set for a roll is used up',
    action: 'Bring a new roll, and set its length.',
    kiosk: [0, 0x40],
  },
  notchFound: {...agreed, meaning: 'the notch of the paper is under its sensor', kiosk: [0, 0x80]},
  feedButton: {...agreed, meaning: 'the feed button is pressed', realtime: [1, 0x40], automatic: [1, 0x02]},
  lineFeedKey: {...agreed, meaning: 'the line feed key is pressed', kiosk: [1, 0x20]},
  formFeedKey: {...agreed, meaning: 'the form feed key is pressed', kiosk: [1, 0x40]},
  drawerHigh: {
    ...agreed,
    meaning: 'pin 3 of the drawer connector is high',
    realtime: [1, 0x04],
    automatic: [0, 0x04],
  },
} as const satisfies Readonly<Record<string, ConditionRow>>

export type Condition = keyof typeof CONDITIONS

/** What never changes in each kind of status byte: the bits looked at, and their value (E). */
export const MARKS = {
  realtime: {mask: 0x93, value: 0x12},
  automatic: {mask: 0x93, value: 0x10},
  queued: {mask: 0x90, value: 0x00},
} as const

/** Fourth automatic byte of most printers; only its bit 4 is told to be 0 (E). */
export const AUTOMATIC_LAST = 0x0f

/** What one family of printers does otherwise than the other; what a site can have to change stands here. */
export interface Profile {
  readonly family: 'desktop' | 'kiosk'
  readonly line: SerialSettings
  /** Of the normal font, whose letters are DOTS_PER_COLUMN wide. */
  readonly columns: number
  /** Whether it tells changes by itself when asked to (GS a). */
  readonly automaticStatus: boolean
}

/** 8N1 (E, K); rate and handshake are set at the printer. A job stays below every printer's buffer, so none is used. */
function lineAt(baudRate: number): SerialSettings {
  return {baudRate, dataBits: 8, parity: 'none', stopBits: 1, rtscts: false}
}

export const PROFILES = {
  /** 80 mm paper would give 42 to 48 columns; 40 fit the narrower models too. */
  desktop: {family: 'desktop', line: lineAt(38_400), columns: 40, automaticStatus: true},
  /** 115,200 baud (K). */
  kiosk: {family: 'kiosk', line: lineAt(115_200), columns: 40, automaticStatus: false},
} as const satisfies Readonly<Record<string, Profile>>

export type ProfileName = keyof typeof PROFILES

/** Longest text answer. Chosen: the longest names in the manuals have under 40 characters. */
export const TEXT_BYTES_MAX = 80
/** A status, whatever the printer does otherwise: real-time commands are answered at once (E). Chosen. */
export const STATUS_ANSWER_MS = 500
/** Most bytes of one job of letters: the smallest receive buffer of the family is 4 KB. */
export const JOB_BYTES_MAX = 4_000
/**
 * Most bytes of one job with pictures. They do not fit the buffer and need not: at the rates of this line a printer prints
 * dots faster than they come (E: 100 mm/s and more; 115,200 baud bring 24 mm/s), and one that stops meanwhile says so.
 */
export const PICTURE_JOB_BYTES_MAX = 120_000
/** Font A (E). */
export const DOTS_PER_COLUMN = 12
/** Rows of dots in one GS v 0; some models take no more than 255 at a time. Chosen. */
export const BAND_ROWS = 240
/** Bytes written at a time, so that a slow line stays within the write's own deadline. */
export const PIECE_BYTES = 256
/** From a job's last byte to its end: K gives a kiosk printer 10 s; a desktop printer that is slower is stuck. */
export const JOB_MS = 10_000
/** How often a printer without a notice of its own is asked. */
export const POLL_MS = 100
