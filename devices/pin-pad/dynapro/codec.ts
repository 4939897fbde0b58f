/**
 * DynaPro: reports to values and back. Both ends of the wire use it; vectors.json is the witness that neither can
 * talk the other into a shared mistake. Bytes here are those after the report's ID, which the wire carries.
 */
import {hexOf} from '../../../crypto/hex.ts'
import {isPan} from '../../../crypto/pin-block.ts'
import {assert} from '../../../kit/assert.ts'
import {Secret} from '../../../kit/secret.ts'
import {nameOf} from '../../../kit/table.ts'
import {
  ACK,
  ACK_STATUS,
  AMOUNT_BYTES,
  BLOCK_BYTES,
  COMMAND_BYTES,
  DEVICE_STATE,
  INPUTS,
  KSN_BYTES,
  OLD_STATE_BYTES,
  OPERATION,
  PAN_BYTES,
  PIN_MODE,
  PIN_OPTION,
  SELECTION,
  SESSION_DATA,
  WAIT_MAX_S,
} from './bytes.ts'
import type {AckStatus, DeviceState, Operation, SelectionKey} from './bytes.ts'

/** What the pad made of a command. `status` null: a code that is not listed. */
export interface Ack {
  readonly status: AckStatus | null
  readonly code: number
  /** Report ID of the command that it speaks of. */
  readonly of: number
}

export function encodeAck(status: AckStatus, of: number): Uint8Array {
  return Uint8Array.of(ACK_STATUS[status], of, 0, 0)
}

/** Null when it has another length. */
export function decodeAck(bytes: Uint8Array): Ack | null {
  const [code = 0, of = 0] = bytes
  return bytes.length === ACK.bytes ? {status: nameOf(ACK_STATUS, code), code, of} : null
}

/** A PIN request. */
export interface PinAsk {
  /** 1 to 255 s; 0 is 256 s. */
  readonly waitS: number
  readonly mode: (typeof PIN_MODE)[keyof typeof PIN_MODE]
  readonly lengthMin: number
  readonly lengthMax: number
  readonly tone: number
  /** Bits of `PIN_OPTION`. */
  readonly options: number
}

export function encodePinAsk({waitS, mode, lengthMin, lengthMax, tone, options}: PinAsk): Uint8Array {
  assert(waitS >= 0 && waitS <= WAIT_MAX_S, `a wait of ${waitS} s`)
  assert(lengthMin <= lengthMax && lengthMin >= 0 && lengthMax <= 0x0f, `${lengthMin} to ${lengthMax} digits`)
  return Uint8Array.of(waitS, mode, (lengthMax << 4) | lengthMin, tone, options)
}

/** Null when it has another length, or no such mode. */
export function decodePinAsk(bytes: Uint8Array): PinAsk | null {
  const [waitS = 0, modeByte, lengths = 0, tone = 0, options = 0] = bytes
  const mode = nameOf(PIN_MODE, modeByte)
  if (bytes.length !== COMMAND_BYTES.requestPin || mode === null) return null
  return {waitS, mode: PIN_MODE[mode], lengthMin: lengths & 0x0f, lengthMax: lengths >> 4, tone, options}
}

/** Whether the format is 3 rather than 0; without a number it is 1 in any case. */
export function isIso3({options}: PinAsk): boolean {
  return (options & PIN_OPTION.iso3) !== 0
}

/** Session data with a card's number. @throws AssertionFailed unless `isPan(pan)` */
export function encodePan(pan: string): Uint8Array {
  assert(isPan(pan), 'session data without a card number')
  const bytes = new Uint8Array(COMMAND_BYTES.sendSession)
  bytes.set([SESSION_DATA.pan, pan.length])
  bytes.set(Buffer.from(pan, 'latin1'), 2)
  return bytes
}

export type SessionData =
  | {readonly kind: 'pan'; readonly pan: Secret<string>}
  /** `type`: the byte before the amount, whose meaning is not certain. */
  | {readonly kind: 'amount'; readonly type: number; readonly amount: string}
  | {readonly kind: 'refused'}

export function decodeSession(bytes: Uint8Array): SessionData {
  const [what, length = 0] = bytes
  if (bytes.length !== COMMAND_BYTES.sendSession) return {kind: 'refused'}
  if (what === SESSION_DATA.pan && length <= PAN_BYTES) {
    const pan = Buffer.from(bytes.subarray(2, 2 + length)).toString('latin1')
    return isPan(pan) ? {kind: 'pan', pan: new Secret(pan)} : {kind: 'refused'}
  }
  if (what !== SESSION_DATA.amount || length < 1 || length > AMOUNT_BYTES) return {kind: 'refused'}
  const amount = Buffer.from(bytes.subarray(3, 3 + length)).toString('latin1')
  return /^[0-9.]+$/.test(amount) ? {kind: 'amount', type: bytes[2] ?? 0, amount} : {kind: 'refused'}
}

/** What report 20 tells. `deviceState` null: a code that is not listed. */
export interface StateReport {
  readonly deviceState: DeviceState | null
  readonly stateCode: number
  readonly session: number
  readonly deviceStatus: number
  readonly certificates: number
  readonly hardware: number
  /** Null from older firmware. */
  readonly keyStatus: number | null
}

/** @param bytes 5 of older firmware, or 6. Null for another length. */
export function decodeState(bytes: Uint8Array): StateReport | null {
  if (bytes.length !== OLD_STATE_BYTES && bytes.length !== INPUTS.deviceState.bytes) return null
  const [stateCode = 0, session = 0, deviceStatus = 0, certificates = 0, hardware = 0, keyStatus = null] =
    bytes
  const deviceState = nameOf(DEVICE_STATE, stateCode)
  return {deviceState, stateCode, session, deviceStatus, certificates, hardware, keyStatus}
}

export function encodeState(state: Omit<StateReport, 'deviceState'>): Uint8Array {
  const {stateCode, session, deviceStatus, certificates, hardware, keyStatus} = state
  const bytes = [stateCode, session, deviceStatus, certificates, hardware]
  return Uint8Array.from(keyStatus === null ? bytes : [...bytes, keyStatus])
}

/** How something that waited for a person ended. `operation` null: a code that is not listed. */
export interface Ended {
  readonly operation: Operation | null
  readonly code: number
}

function endedBy(code: number): Ended {
  return {operation: nameOf(OPERATION, code), code}
}

export interface PinReport extends Ended {
  /** Upper-case hex; null when it is all zeros, as with a fixed key. */
  readonly ksn: string | null
  readonly block: Secret<Uint8Array>
}

/** Null when it has another length. */
export function decodePin(bytes: Uint8Array): PinReport | null {
  if (bytes.length !== INPUTS.pin.bytes) return null
  const ksn = bytes.subarray(1, 1 + KSN_BYTES)
  return {
    ...endedBy(bytes[0] ?? 0),
    ksn: ksn.every(byte => byte === 0) ? null : hexOf(ksn),
    block: new Secret(bytes.slice(1 + KSN_BYTES, 1 + KSN_BYTES + BLOCK_BYTES)),
  }
}

/** A PIN report, or that of an encrypted entry. @param made null when nothing was entered */
export function encodeBlock(
  operation: Operation,
  made: {readonly ksn: Uint8Array; readonly block: Uint8Array} | null,
): Uint8Array {
  const bytes = new Uint8Array(INPUTS.pin.bytes)
  bytes[0] = OPERATION[operation]
  if (made !== null) {
    bytes.set(made.ksn, 1)
    bytes.set(made.block, 1 + KSN_BYTES)
  }
  return bytes
}

/** `key` null when none was pressed, or one that is not listed. */
export interface SelectionReport extends Ended {
  readonly key: SelectionKey | null
}

/** Null when it has another length. */
export function decodeSelection(bytes: Uint8Array): SelectionReport | null {
  const [code = 0, pressed] = bytes
  if (bytes.length !== INPUTS.selection.bytes) return null
  const key = SELECTION_KEYS.find(name => SELECTION[name].code === pressed) ?? null
  return {...endedBy(code), key}
}

export function encodeSelection(operation: Operation, key: SelectionKey | null): Uint8Array {
  return Uint8Array.of(OPERATION[operation], key === null ? 0 : SELECTION[key].code)
}

export const SELECTION_KEYS: readonly SelectionKey[] = ['A', 'B', 'C', 'enter']

/** Text that ends with a zero, or with its report; null when something else than text is in it. */
export function decodeText(bytes: Uint8Array): string | null {
  const end = bytes.indexOf(0)
  const text = end < 0 ? bytes : bytes.subarray(0, end)
  return text.every(byte => byte >= 0x20 && byte < 0x7f) ? Buffer.from(text).toString('latin1') : null
}
