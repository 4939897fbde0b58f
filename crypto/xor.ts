/** Exclusive-or of byte arrays: how variants of keys, PIN blocks and chained blocks are made. */
import {assert} from '../kit/assert.ts'

/** @throws AssertionFailed unless both are equally long */
export function xored(left: Uint8Array, right: Uint8Array): Uint8Array {
  assert(left.length === right.length, `${left.length} bytes with ${right.length}`)
  return left.map((byte, at) => byte ^ (right[at] ?? 0))
}
