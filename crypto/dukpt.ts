/**
 * Derived unique key per transaction with triple DES (ANSI X9.24-1): each block goes under a key of its own, which
 * both ends derive from the initial key and a counter. The key's name, the KSN, goes beside the block.
 *
 * A KSN is ten bytes: 59 bits that name the pad, and a counter of 21 bits of which at most ten are ones. These
 * functions derive from the initial key each time; a real pad keeps only the keys still to come.
 */
import {assert} from '../kit/assert.ts'
import {bytesOfHex} from './hex.ts'
import {singleDes, tdesEncrypt} from './tdes.ts'
import {xored} from './xor.ts'

export const KSN_BYTES = 10
/** Ones in a counter that is in use, at most. */
const COUNTER_ONES_MAX = 10
const COUNTER_MAX = 0x1fffff
const KEY_BYTES = 16
/** Makes the key register's other half, and the right half of an initial key. */
const HALVES_MASK: Uint8Array = bytesOfHex('C0C0C0C000000000C0C0C0C000000000')

/** What a working key is for; a request goes from the pad to the bank. */
export type DukptUse = 'pin' | 'macRequest' | 'macResponse' | 'dataRequest' | 'dataResponse'

/** Which byte of each half the variant turns over; ANSI X9.24-1:2009, annex A. */
const VARIANT_AT: Readonly<Record<DukptUse, number>> = {
  pin: 7,
  macRequest: 6,
  macResponse: 4,
  dataRequest: 5,
  dataResponse: 3,
}

/** The counter in a KSN. @throws AssertionFailed unless it has ten bytes */
export function counterOf(ksn: Uint8Array): number {
  assert(ksn.length === KSN_BYTES, `a KSN of ${ksn.length} bytes`)
  return (((ksn[7] ?? 0) & 0x1f) << 16) | ((ksn[8] ?? 0) << 8) | (ksn[9] ?? 0)
}

/** The same KSN with another counter. @param counter 0 to 1FFFFF hexadecimal */
export function withCounter(ksn: Uint8Array, counter: number): Uint8Array {
  assert(ksn.length === KSN_BYTES, `a KSN of ${ksn.length} bytes`)
  assert(Number.isInteger(counter) && counter >= 0 && counter <= COUNTER_MAX, `a DUKPT counter of ${counter}`)
  const named = Uint8Array.from(ksn)
  named[7] = ((ksn[7] ?? 0) & 0xe0) | (counter >> 16)
  named[8] = (counter >> 8) & 0xff
  named[9] = counter & 0xff
  return named
}

/** The next counter with at most ten ones, or null when the keys are used up. */
export function nextCounter(counter: number): number | null {
  let next = counter + 1
  // Adding the lowest one carries it away: the next number with fewer ones.
  while (next <= COUNTER_MAX && onesIn(next) > COUNTER_ONES_MAX) next += next & -next
  return next <= COUNTER_MAX ? next : null
}

/** The key with which a pad begins. @param baseKey the bank's, 16 bytes @param ksn its counter does not matter */
export function initialKey(baseKey: Uint8Array, ksn: Uint8Array): Uint8Array {
  assert(baseKey.length === KEY_BYTES, `a base key of ${baseKey.length} bytes`)
  const name = withCounter(ksn, 0).subarray(0, 8)
  return Uint8Array.of(...tdesEncrypt(baseKey, name), ...tdesEncrypt(xored(baseKey, HALVES_MASK), name))
}

/** The key that a KSN names, before it is turned to a use. @param initial as `initialKey` gave it */
export function transactionKey(initial: Uint8Array, ksn: Uint8Array): Uint8Array {
  assert(initial.length === KEY_BYTES, `an initial key of ${initial.length} bytes`)
  const counter = counterOf(ksn)
  let key = initial
  let walked = 0
  for (let bit = 0x100000; bit > 0; bit >>= 1) {
    if ((counter & bit) === 0) continue
    walked |= bit
    key = steppedBy(key, withCounter(ksn, walked).subarray(2))
  }
  return key
}

/** The working key that a KSN names for that use. @param initial as `initialKey` gave it */
export function dukptKey(use: DukptUse, initial: Uint8Array, ksn: Uint8Array): Uint8Array {
  const mask = new Uint8Array(KEY_BYTES)
  mask[VARIANT_AT[use]] = 0xff
  mask[VARIANT_AT[use] + 8] = 0xff
  const key = xored(transactionKey(initial, ksn), mask)
  return use === 'dataRequest' || use === 'dataResponse' ? tdesEncrypt(key, key) : key
}

/** The one-way step of X9.24-1: the register under the left half, with the right half mixed in before and after. */
function steppedBy(key: Uint8Array, register: Uint8Array): Uint8Array {
  return Uint8Array.of(...halfStep(xored(key, HALVES_MASK), register), ...halfStep(key, register))
}

function halfStep(key: Uint8Array, register: Uint8Array): Uint8Array {
  const left = key.subarray(0, 8)
  const right = key.subarray(8)
  return xored(tdesEncrypt(singleDes(left), xored(register, right)), right)
}

function onesIn(value: number): number {
  let ones = 0
  for (let rest = value; rest !== 0; rest &= rest - 1) ones += 1
  return ones
}
