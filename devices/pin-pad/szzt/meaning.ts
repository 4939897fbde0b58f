/** SZZT pads: what return codes mean in the words of the PIN pad port, and what the operator does. */
import type {Failed, NoAnswer} from '../../outcome.ts'
import type {PinPadFault} from '../port.ts'
import type {Answer} from './line.ts'

export interface Meaning {
  readonly fault: PinPadFault
  readonly text: string
  /** What helps; empty where the code tells of a mistake of the program. */
  readonly action: string
}

const LOAD_KEYS = 'load its keys again in a controlled way'
const REPLACE = 'replace the pad'
const SIGN_ON = 'sign on to the bank again for a fresh key'
const RESTART = 'reset the pad'

/** Source: the tables of smartkiosk/smartware (E0 to EF) and of a ZT598 host source (D0 to FF). */
export const CODES: ReadonlyMap<number, Meaning> = new Map([
  [0xd0, {fault: 'hardware', text: 'the secure module could not encrypt', action: RESTART}],
  [0xd1, {fault: 'hardware', text: 'the secure module could not decrypt', action: RESTART}],
  [0xd2, {fault: 'hardware', text: 'the secure module could not sign', action: RESTART}],
  [0xd3, {fault: 'hardware', text: 'the secure module found a wrong signature', action: RESTART}],
  [0xd4, {fault: 'hardware', text: 'the secure module could not agree on a key', action: RESTART}],
  [0xd5, {fault: 'hardware', text: 'the secure module found a wrong key agreement', action: RESTART}],
  [0xd6, {fault: 'hardware', text: 'the secure module reports an error', action: RESTART}],
  [0xd7, {fault: 'hardware', text: 'the secure module does not answer', action: REPLACE}],
  [0xd8, {fault: 'key-refused', text: 'the secure module takes no such key', action: SIGN_ON}],
  [0xda, {fault: 'key-missing', text: 'the RSA key is not initialised', action: LOAD_KEYS}],
  [0xdb, {fault: 'bad-request', text: 'the RSA key is initialised already', action: ''}],
  [0xdc, {fault: 'bad-request', text: 'the MAC of the command is wrong', action: ''}],
  [0xdd, {fault: 'tampered', text: 'the pad was opened and has erased its keys', action: REPLACE}],
  [0xde, {fault: 'hardware', text: 'the secure module is not mounted', action: REPLACE}],
  [
    0xe0,
    {
      fault: 'battery',
      text: 'the battery that keeps the keys is low',
      action: 'replace the battery before it is empty',
    },
  ],
  [0xe1, {fault: 'key-missing', text: 'no initial master key', action: LOAD_KEYS}],
  [0xe2, {fault: 'key-missing', text: 'no master key at that index', action: LOAD_KEYS}],
  [0xe3, {fault: 'key-refused', text: 'wrong key length', action: SIGN_ON}],
  [0xe4, {fault: 'key-missing', text: 'no key at that index', action: SIGN_ON}],
  [0xe5, {fault: 'key-missing', text: 'no key at that index, or one for another use', action: SIGN_ON}],
  [0xe6, {fault: 'key-refused', text: 'the key has no odd parity', action: SIGN_ON}],
  [0xe7, {fault: 'key-refused', text: 'the key check value does not fit', action: SIGN_ON}],
  [0xe8, {fault: 'bad-request', text: 'wrong command length', action: ''}],
  [0xe9, {fault: 'bad-request', text: 'illegal data', action: ''}],
  [0xea, {fault: 'bad-request', text: 'no such parameter', action: ''}],
  [0xeb, {fault: 'bad-request', text: 'wrong parameter', action: ''}],
  [
    0xec,
    {
      fault: 'locked',
      text: 'the pad wants to be authenticated first',
      action: 'check the authentication key of the profile',
    },
  ],
  [
    0xed,
    {
      fault: 'locked',
      text: 'authentication is locked for a while',
      action: 'wait, then check the authentication key of the profile',
    },
  ],
  [0xee, {fault: 'busy', text: 'input timed out', action: ''}],
  [0xef, {fault: 'hardware', text: 'general error', action: RESTART}],
  [0xf1, {fault: 'key-refused', text: 'wrong structure of an RSA key', action: LOAD_KEYS}],
  [0xf2, {fault: 'key-refused', text: 'wrong length of an RSA signature', action: LOAD_KEYS}],
  [0xf3, {fault: 'key-refused', text: 'wrong padding of RSA data', action: LOAD_KEYS}],
  [0xf4, {fault: 'key-refused', text: 'wrong RSA signature', action: LOAD_KEYS}],
  [0xf5, {fault: 'key-refused', text: 'wrong length of an RSA modulus', action: LOAD_KEYS}],
  [0xf6, {fault: 'key-refused', text: 'wrong length of an RSA exponent', action: LOAD_KEYS}],
  [0xf7, {fault: 'key-refused', text: 'wrong serial number in an RSA key load', action: LOAD_KEYS}],
  [0xf8, {fault: 'busy', text: 'not in this input mode', action: ''}],
  [0xf9, {fault: 'locked', text: 'wrong password, or none was set', action: LOAD_KEYS}],
  [0xfa, {fault: 'key-missing', text: 'the authentication key is not initialised', action: LOAD_KEYS}],
  [0xfb, {fault: 'locked', text: 'the command is locked', action: LOAD_KEYS}],
  [0xfc, {fault: 'bad-request', text: 'wrong length of a password', action: ''}],
  [0xfd, {fault: 'hardware', text: 'the RSA key cannot be read', action: REPLACE}],
  [0xfe, {fault: 'hardware', text: 'the memory of the pad is broken', action: REPLACE}],
  [0xff, {fault: 'tampered', text: 'the removal switch is open', action: 'seat the pad in its frame'}],
] satisfies [number, Meaning][])

export function failedWith(fault: PinPadFault | NoAnswer, detail: string): Failed<PinPadFault> {
  return {kind: 'failed', fault, detail}
}

/** The failure that a refusal or a silence amounts to. @param what the command, for the operator */
export function failedBy(
  what: string,
  answer: Exclude<Answer<unknown>, {kind: 'done'}>,
): Failed<PinPadFault> {
  if (answer.kind === 'silent') return failedWith(answer.why, `${what}: ${answer.why}`)
  const code = answer.code.toString(16).padStart(2, '0').toUpperCase()
  const {fault, text, action} = CODES.get(answer.code) ?? {
    fault: 'hardware',
    text: 'a code that is not listed',
    action: RESTART,
  }
  return failedWith(fault, `${what}: error ${code}, ${text}${action === '' ? '' : `; ${action}`}`)
}
