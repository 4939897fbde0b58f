/** SZZT pads: what return codes mean in the words of the PIN pad port, and to the operator. */
import type {Failed, NoAnswer} from '../../outcome.ts'
import type {PinPadFault} from '../port.ts'
import type {Answer} from './line.ts'

interface Meaning {
  readonly fault: PinPadFault
  readonly text: string
}

/** Source: the tables of smartkiosk/smartware (E0 to EF) and of a ZT598 host source (D0 to DE, F1 to FF). */
const CODES: ReadonlyMap<number, Meaning> = new Map([
  [0xda, {fault: 'hardware', text: 'the secure module is not initialised'}],
  [0xdd, {fault: 'tampered', text: 'the pad was opened and has erased its keys'}],
  [0xe0, {fault: 'battery', text: 'the battery that keeps the keys is low'}],
  [0xe1, {fault: 'key-missing', text: 'no initial master key'}],
  [0xe2, {fault: 'key-missing', text: 'no master key at that index'}],
  [0xe3, {fault: 'key-refused', text: 'wrong key length'}],
  [0xe4, {fault: 'key-missing', text: 'no key at that index'}],
  [0xe5, {fault: 'key-missing', text: 'no key at that index, or one for another use'}],
  [0xe6, {fault: 'key-refused', text: 'the key has no odd parity'}],
  [0xe7, {fault: 'key-refused', text: 'the key check value does not fit'}],
  [0xe8, {fault: 'bad-request', text: 'wrong command length'}],
  [0xe9, {fault: 'bad-request', text: 'malformed command'}],
  [0xea, {fault: 'bad-request', text: 'wrong parameter'}],
  [0xeb, {fault: 'bad-request', text: 'wrong parameter'}],
  [0xec, {fault: 'not-supported', text: 'the pad wants an authentication first'}],
  [0xed, {fault: 'not-supported', text: 'authentication is locked'}],
  [0xee, {fault: 'busy', text: 'input timed out'}],
  [0xef, {fault: 'hardware', text: 'general error'}],
  [0xf8, {fault: 'busy', text: 'not in this input mode'}],
  [0xff, {fault: 'tampered', text: 'the removal switch is open'}],
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
  const {fault, text} = CODES.get(answer.code) ?? {fault: 'hardware', text: 'a code that is not listed'}
  return failedWith(fault, `${what}: error ${code}, ${text}`)
}
