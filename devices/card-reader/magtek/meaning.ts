/** MagTek readers: what their codes mean in the words of the card reader port, and to the operator. */
import type {NoAnswer} from '../../outcome.ts'
import type {CardReaderFailed, CardReaderFault} from '../port.ts'
import {ENCRYPTION} from './bytes.ts'
import type {CommandName, EncryptionBit, Result} from './bytes.ts'

export function failedWith(fault: CardReaderFault | NoAnswer, detail: string): CardReaderFailed {
  return {kind: 'failed', fault, detail}
}

const RESULTS: Readonly<
  Record<Exclude<Result, 'done'>, {readonly fault: CardReaderFault; readonly text: string}>
> = {
  failed: {fault: 'hardware', text: 'it failed'},
  badParameter: {fault: 'bad-request', text: 'bad parameter'},
  delayed: {fault: 'not-now', text: 'delayed, because of failed tries before'},
  badSequence: {fault: 'not-now', text: 'out of sequence, or its MAC is wrong'},
  moreFollows: {fault: 'not-supported', text: 'more of the answer follows'},
  buffering: {fault: 'not-now', text: 'still buffering'},
}

/** The failure that a result other than done amounts to. */
export function failedBy(
  name: CommandName,
  {result, code}: {readonly result: Result | null; readonly code: number},
): CardReaderFailed {
  const {fault, text} =
    result === null || result === 'done'
      ? {fault: 'hardware' as const, text: 'a code the maker does not list'}
      : RESULTS[result]
  return failedWith(fault, `${name}: result ${code.toString(16).padStart(2, '0').toUpperCase()}, ${text}`)
}

const BIT_TEXTS: Readonly<Record<EncryptionBit, string>> = {
  keysExhausted: 'its keys are used up',
  keyInjected: 'key injected',
  enabled: 'encryption on',
  authenticationRequired: 'it wants an authentication first',
  timedOut: 'it waited too long for a card',
  keySynced: 'key synced',
  counterExpired: 'its encryption counter has expired',
}

/** Bits of the encryption status as words. */
export function encryptionText(encryption: number): string {
  const texts: string[] = []
  for (const bit of ENCRYPTION_BITS) if ((encryption & ENCRYPTION[bit]) !== 0) texts.push(BIT_TEXTS[bit])
  return texts.length === 0 ? 'no encryption' : texts.join(', ')
}

const ENCRYPTION_BITS: readonly EncryptionBit[] = [
  'keysExhausted',
  'keyInjected',
  'enabled',
  'authenticationRequired',
  'timedOut',
  'keySynced',
  'counterExpired',
]
