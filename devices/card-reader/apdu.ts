/**
 * Command and response APDUs of chip cards, ISO/IEC 7816-4 in the short form, and what T=0 makes of them
 * (ISO/IEC 7816-3; EMV Book 1, 9.3.1: 61xx and 6Cxx are the terminal's to carry out).
 */
import type {Secret} from '../../kit/secret.ts'

/** A response always ends in two status bytes. */
const STATUS_BYTES = 2

/** CLA INS P1 P2, Lc, data, Le. */
export const COMMAND_BYTES_MIN = 4
export const COMMAND_BYTES_MAX = 4 + 1 + 255 + 1
export const RESPONSE_BYTES_MAX = 256 + STATUS_BYTES

/**
 * SW1 SW2, as what a terminal makes of them. `moreAvailable`: so many bytes wait to be fetched (61xx; 0 means 256).
 * `wrongLength`: the answer has exactly so many bytes, ask again (6Cxx; 0 means 256). `warning`: done, with a reserve
 * (62xx, 63xx). `executionError`: 64xx to 66xx. `checkingError`: 67xx to 6Fxx. `proprietary`: anything else.
 */
export type StatusWord =
  | {readonly kind: 'success'; readonly sw: 0x9000}
  | {readonly kind: 'moreAvailable' | 'wrongLength'; readonly sw: number; readonly bytes: number}
  | {
      readonly kind: 'warning' | 'executionError' | 'checkingError' | 'proprietary'
      readonly sw: number
    }

export function statusWord(sw1: number, sw2: number): StatusWord {
  const sw = sw1 * 0x100 + sw2
  if (sw === 0x9000) return {kind: 'success', sw: 0x9000}
  if (sw1 === 0x61) return {kind: 'moreAvailable', sw, bytes: sw2 === 0 ? 256 : sw2}
  if (sw1 === 0x6c) return {kind: 'wrongLength', sw, bytes: sw2 === 0 ? 256 : sw2}
  if (sw1 === 0x62 || sw1 === 0x63) return {kind: 'warning', sw}
  if (sw1 >= 0x64 && sw1 <= 0x66) return {kind: 'executionError', sw}
  if (sw1 >= 0x67 && sw1 <= 0x6f) return {kind: 'checkingError', sw}
  return {kind: 'proprietary', sw}
}

export interface ResponseApdu {
  readonly data: Uint8Array
  readonly status: StatusWord
}

/** A response APDU, or null when the bytes are too few or too many for one. */
export function decodeResponse(bytes: Uint8Array): ResponseApdu | null {
  const [sw1, sw2] = bytes.subarray(-STATUS_BYTES)
  if (sw1 === undefined || sw2 === undefined || bytes.length > RESPONSE_BYTES_MAX) return null
  return {data: bytes.slice(0, -STATUS_BYTES), status: statusWord(sw1, sw2)}
}

export interface CommandApdu {
  readonly cla: number
  readonly ins: number
  readonly p1: number
  readonly p2: number
  /** 0 to 255 bytes. */
  readonly data: Uint8Array
  /** Most bytes of answer wanted, 1 to 256; null for none. */
  readonly answerBytes: number | null
}

/** A command APDU of one of the four cases, or null when the bytes are none. */
export function decodeCommand(bytes: Uint8Array): CommandApdu | null {
  const [cla, ins, p1, p2, p3, ...rest] = bytes
  if (cla === undefined || ins === undefined || p1 === undefined || p2 === undefined) return null
  const head = {cla, ins, p1, p2}
  if (p3 === undefined) return {...head, data: new Uint8Array(), answerBytes: null}
  if (rest.length === 0) return {...head, data: new Uint8Array(), answerBytes: lengthOf(p3)}
  const data = Uint8Array.from(rest.slice(0, p3))
  const [le, ...beyond] = rest.slice(p3)
  if (p3 === 0 || data.length < p3 || beyond.length > 0) return null
  return {...head, data, answerBytes: le === undefined ? null : lengthOf(le)}
}

export function encodeCommand(command: CommandApdu): Uint8Array {
  const {cla, ins, p1, p2, data, answerBytes} = command
  const body = data.length === 0 ? [] : [data.length, ...data]
  return Uint8Array.of(cla, ins, p1, p2, ...body, ...(answerBytes === null ? [] : [answerBytes & 0xff]))
}

/** Le of 0 stands for 256. */
function lengthOf(le: number): number {
  return le === 0 ? 256 : le
}

/** GET RESPONSE of ISO/IEC 7816-4. */
const GET_RESPONSE = 0xc0

/** More exchanges than this for one command is a chip that never comes to an end. */
const EXCHANGES_MAX = 32

/**
 * Carries one command out over T=0, whose chips answer in pieces: a wrong length is asked for again with the right
 * one, and what waits is fetched. Null when the chip never comes to an end.
 * @param exchange one command to the chip and back, or why there was none
 */
export async function overT0<NoResponse extends {readonly kind: string}>(
  command: Secret<Uint8Array>,
  exchange: (command: Secret<Uint8Array>) => Promise<ResponseApdu | NoResponse>,
): Promise<ResponseApdu | NoResponse | null> {
  const data: number[] = []
  let next = command
  for (let exchanges = 1; exchanges <= EXCHANGES_MAX; exchanges++) {
    const response = await exchange(next)
    if ('kind' in response) return response
    data.push(...response.data)
    const {status} = response
    if (status.kind === 'moreAvailable') next = next.map(before => getResponse(before, status.bytes))
    else if (status.kind === 'wrongLength') next = next.map(before => withLength(before, status.bytes))
    else return {data: Uint8Array.from(data), status}
  }
  return null
}

/** Asks for what waits, on the logical channel of the command before. */
function getResponse(before: Uint8Array, bytes: number): Uint8Array {
  return Uint8Array.of((before[0] ?? 0) & 0x03, GET_RESPONSE, 0x00, 0x00, bytes & 0xff)
}

/** The same command with another Le. */
function withLength(before: Uint8Array, bytes: number): Uint8Array {
  const command = decodeCommand(before)
  return command === null ? before : encodeCommand({...command, answerBytes: bytes})
}
