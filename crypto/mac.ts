/**
 * Message authentication codes of PIN pads: chains of DES blocks of which the last is the code. ISO 9797-1
 * algorithms 1 and 3 with padding 1 (zeros up to a whole block, none where the block is whole).
 */
import {assert} from '../kit/assert.ts'
import {DES_BLOCK_BYTES, singleDes, tdesCbcEncrypt, tdesDecrypt, tdesEncrypt} from './tdes.ts'

/**
 * `desCbc`: single DES with the left half of the key throughout (ANSI X9.9); `retail`: the same, and the whole key on
 * the last block (ANSI X9.19); `tdesCbc`: the whole key throughout.
 */
export type MacMethod = 'desCbc' | 'retail' | 'tdesCbc'

/**
 * The code of a message, 8 bytes; who uses fewer takes the left-most.
 * @param key 16 bytes; 24 for `tdesCbc` as well
 * @param message at least one byte
 * @throws AssertionFailed on any other size
 */
export function macOf(method: MacMethod, key: Uint8Array, message: Uint8Array): Uint8Array {
  const blocks = withZeros(message)
  if (method === 'tdesCbc') return tdesCbcEncrypt(key, blocks).slice(-DES_BLOCK_BYTES)
  assert(key.length === 2 * DES_BLOCK_BYTES, `a key of ${key.length} bytes for a MAC with its halves`)
  const left = singleDes(key.subarray(0, DES_BLOCK_BYTES))
  const chained = tdesCbcEncrypt(left, blocks).slice(-DES_BLOCK_BYTES)
  if (method === 'desCbc') return chained
  const right = singleDes(key.subarray(DES_BLOCK_BYTES))
  return tdesEncrypt(left, tdesDecrypt(right, chained))
}

/** The message filled with zeros to whole blocks (ISO 9797-1 padding 1). @throws AssertionFailed when it is empty */
export function withZeros(message: Uint8Array): Uint8Array {
  assert(message.length > 0, 'a MAC over no bytes')
  const blocks = new Uint8Array(Math.ceil(message.length / DES_BLOCK_BYTES) * DES_BLOCK_BYTES)
  blocks.set(message)
  return blocks
}
