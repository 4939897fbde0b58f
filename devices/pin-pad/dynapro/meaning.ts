/** DynaPro: what its codes mean in the words of the PIN pad port, and what the operator does. */
import {keysOf} from '../../../kit/table.ts'
import type {Failed, NoAnswer} from '../../outcome.ts'
import type {PinPadFault, PinPadStatus} from '../port.ts'
import {CERTIFICATES, DEVICE_STATUS, HARDWARE} from './bytes.ts'
import type {AckStatus, Certificate, CommandName, Hardware, Operation, Profile} from './bytes.ts'
import type {Ack, Ended, StateReport} from './codec.ts'

export type PinPadFailed = Failed<PinPadFault>

interface Meaning {
  readonly fault: PinPadFault
  readonly text: string
  /** What helps; empty where the code tells of a mistake of the program. */
  readonly action: string
}

const INJECT = 'have its keys injected again'
const RESTART = 'reset the pad'

const REFUSALS: Readonly<Record<Exclude<AckStatus, 'accepted'>, Meaning>> = {
  unknownReport: {fault: 'not-supported', text: 'the pad has no such report', action: ''},
  deviceError: {fault: 'hardware', text: 'device error', action: RESTART},
  notIdle: {fault: 'busy', text: 'the pad is not idle', action: ''},
  badParameter: {fault: 'bad-request', text: 'bad parameter, or a wrong MAC', action: ''},
  badLength: {fault: 'bad-request', text: 'wrong length', action: ''},
  panExists: {fault: 'busy', text: 'the session has a card number already', action: ''},
  noKey: {fault: 'key-missing', text: 'no key, or a wrong one', action: INJECT},
  busy: {fault: 'busy', text: 'the pad is busy', action: ''},
  locked: {
    fault: 'locked',
    text: 'locked: more than 120 PINs in an hour, or a configuration that may not be changed',
    action: 'wait an hour',
  },
  authenticationRequired: {
    fault: 'locked',
    text: 'the pad wants an authentication first',
    action: 'set the pad up without authentication',
  },
  badAuthentication: {
    fault: 'locked',
    text: 'the pad took no authentication',
    action: 'set the pad up without authentication',
  },
  notAvailable: {fault: 'not-supported', text: 'not available', action: ''},
  amountNeeded: {fault: 'bad-request', text: 'an amount is needed first', action: ''},
  battery: {fault: 'battery', text: 'the battery is low', action: 'charge or replace the battery'},
  resetting: {fault: 'busy', text: 'the pad is resetting', action: ''},
  certificateMissing: {fault: 'key-refused', text: 'a certificate does not exist', action: INJECT},
  certificateExpired: {fault: 'key-refused', text: 'a certificate has expired', action: INJECT},
  certificateInvalid: {fault: 'key-refused', text: 'a certificate is not valid', action: INJECT},
  certificateRevoked: {fault: 'key-refused', text: 'a certificate is revoked', action: INJECT},
  crlMissing: {fault: 'key-refused', text: 'a list of revoked certificates does not exist', action: INJECT},
  certificateExists: {fault: 'key-refused', text: 'the certificate exists already', action: ''},
  keyExists: {fault: 'key-refused', text: 'the key exists already', action: ''},
}

export function failedWith(fault: PinPadFault | NoAnswer, detail: string): PinPadFailed {
  return {kind: 'failed', fault, detail}
}

/** The failure that a refusal amounts to. */
export function refusedBy(name: CommandName, {status, code}: Ack): PinPadFailed {
  const known = status === null || status === 'accepted' ? null : REFUSALS[status]
  const {fault, text, action} = known ?? {
    fault: 'hardware',
    text: 'a status that is not listed',
    action: RESTART,
  }
  return failedWith(fault, `${name}: ACK status ${hex(code)}, ${text}${action === '' ? '' : `; ${action}`}`)
}

const ENDS: Readonly<Record<Operation, string>> = {
  done: 'done',
  userCancel: 'cancelled by the customer',
  timeout: 'time is over',
  hostCancel: 'cancelled by the host',
  verifyMismatch: 'the two entries differ',
  keypadSecurity: 'the keypad noticed something',
}

/** The failure that such an end of a PIN entry amounts to. */
export function endedBadly({operation, code}: Ended): PinPadFailed {
  const text = operation === null ? 'a status that is not listed' : ENDS[operation]
  const action = operation === 'keypadSecurity' ? '; look at the keypad' : ''
  return failedWith('hardware', `requestPin: operation status ${hex(code)}, ${text}${action}`)
}

/** The two key fields of the device status byte, as words; whether a key is usable does not depend on the revision. */
export function keyWords(
  field: number,
  statusOf: Profile['statusOf'],
): 'present' | 'exhausted' | 'missing' | 'not bound' {
  if (field === 0) return 'present'
  if (field === 3) return 'not bound'
  return (field === 1) === (statusOf === 2018) ? 'exhausted' : 'missing'
}

export function pinKeyOf({deviceStatus}: StateReport): PinPadStatus['pinKey'] {
  return (deviceStatus & DEVICE_STATUS.pinKey) === 0 ? 'present' : 'missing'
}

export function isTampered({deviceStatus, hardware}: StateReport): boolean {
  return (deviceStatus & DEVICE_STATUS.tamper) !== 0 || (hardware & HARDWARE.keypadTampered) !== 0
}

/** For the operator: state, keys and what is wrong. */
export function stateText(state: StateReport, {statusOf}: Profile): string {
  const {deviceState, stateCode, deviceStatus} = state
  const texts = [
    deviceState ?? `state ${hex(stateCode)}`,
    `PIN key ${keyWords(deviceStatus & DEVICE_STATUS.pinKey, statusOf)}`,
    `MSR key ${keyWords((deviceStatus & DEVICE_STATUS.msrKey) >> 2, statusOf)}`,
    ...(isTampered(state) ? ['tampered'] : []),
    ...((deviceStatus & DEVICE_STATUS.deviceError) === 0 ? [] : ['device error']),
  ]
  return texts.join(', ')
}

/** Names of the bits that are set. */
export function certificatesIn(bits: number): readonly Certificate[] {
  return keysOf(CERTIFICATES).filter(name => (bits & CERTIFICATES[name]) !== 0)
}

export function hardwareIn(bits: number): readonly Hardware[] {
  return keysOf(HARDWARE).filter(name => (bits & HARDWARE[name]) !== 0)
}

function hex(code: number): string {
  return code.toString(16).padStart(2, '0').toUpperCase()
}
