/**
 * Triple DES on whole blocks, key check values and key parity: what keys of PIN pads are made of.
 *
 * OpenSSL 3 offers single DES only through its legacy provider, so nothing here takes an 8-byte key; single
 * DES is triple DES with both halves the same (`singleDes`). Keys are byte arrays that the caller owns and wipes.
 */
import {createCipheriv, createDecipheriv} from 'node:crypto'
import {assert} from '../kit/assert.ts'
import {hexOf} from './hex.ts'

/** The block of DES. */
export const DES_BLOCK_BYTES = 8

const ZERO_BLOCK: Uint8Array = new Uint8Array(DES_BLOCK_BYTES)

/** Bytes of a key check value: the usual left-most three of the first block (ANSI X9.24). */
const CHECK_VALUE_BYTES = 3

/**
 * Encrypts each 8-byte block by itself (ECB).
 * @param key 16 bytes (two keys, K1 K2 K1) or 24; parity bits are not looked at
 * @param blocks a whole number of blocks, at least one
 * @throws AssertionFailed on any other size
 */
export function tdesEncrypt(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  checkSizes(key, blocks)
  const cipher = createCipheriv(cipherFor(key), key, null).setAutoPadding(false)
  return Uint8Array.from(Buffer.concat([cipher.update(blocks), cipher.final()]))
}

/** The way back from `tdesEncrypt`, with the same sizes. @throws AssertionFailed */
export function tdesDecrypt(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  checkSizes(key, blocks)
  const decipher = createDecipheriv(cipherFor(key), key, null).setAutoPadding(false)
  return Uint8Array.from(Buffer.concat([decipher.update(blocks), decipher.final()]))
}

/**
 * Encrypts blocks, each mixed with the one before (CBC).
 * @param key 16 bytes or 24
 * @param blocks a whole number of blocks, at least one
 * @param initial what the first block is mixed with, 8 bytes; zeros when left out
 * @throws AssertionFailed on any other size
 */
export function tdesCbcEncrypt(key: Uint8Array, blocks: Uint8Array, initial = ZERO_BLOCK): Uint8Array {
  checkSizes(key, blocks)
  const cipher = createCipheriv(cbcFor(key), key, initial).setAutoPadding(false)
  return Uint8Array.from(Buffer.concat([cipher.update(blocks), cipher.final()]))
}

/** The way back from `tdesCbcEncrypt`, with the same sizes. @throws AssertionFailed */
export function tdesCbcDecrypt(key: Uint8Array, blocks: Uint8Array, initial = ZERO_BLOCK): Uint8Array {
  checkSizes(key, blocks)
  const decipher = createDecipheriv(cbcFor(key), key, initial).setAutoPadding(false)
  return Uint8Array.from(Buffer.concat([decipher.update(blocks), decipher.final()]))
}

/** The triple DES key that does what single DES with these 8 bytes does. @throws AssertionFailed on any other size */
export function singleDes(half: Uint8Array): Uint8Array {
  assert(half.length === DES_BLOCK_BYTES, `a single DES key of ${half.length} bytes`)
  return Uint8Array.of(...half, ...half)
}

/**
 * The check value by which two parties compare a key without showing it: the first three bytes of a
 * block of zeros under it, as six upper-case hexadecimal digits.
 * @param key 16 or 24 bytes
 */
export function keyCheckValue(key: Uint8Array): string {
  return hexOf(tdesEncrypt(key, new Uint8Array(DES_BLOCK_BYTES)).subarray(0, CHECK_VALUE_BYTES))
}

/** Whether every byte has an odd number of ones, as DES keys are written (FIPS 46-3). */
export function hasOddParity(key: Uint8Array): boolean {
  return key.every(byte => onesIn(byte) % 2 === 1)
}

/** The same key with the lowest bit of each byte set for odd parity; the cipher ignores that bit. */
export function withOddParity(key: Uint8Array): Uint8Array {
  return key.map(byte => (onesIn(byte) % 2 === 1 ? byte : byte ^ 1))
}

function checkSizes(key: Uint8Array, blocks: Uint8Array): void {
  assert(key.length === 16 || key.length === 24, `a triple DES key of ${key.length} bytes`)
  assert(
    blocks.length > 0 && blocks.length % DES_BLOCK_BYTES === 0,
    `${blocks.length} bytes are not whole DES blocks`,
  )
}

function cbcFor(key: Uint8Array): 'des-ede-cbc' | 'des-ede3-cbc' {
  return key.length === 16 ? 'des-ede-cbc' : 'des-ede3-cbc'
}

function cipherFor(key: Uint8Array): 'des-ede-ecb' | 'des-ede3-ecb' {
  return key.length === 16 ? 'des-ede-ecb' : 'des-ede3-ecb'
}

function onesIn(byte: number): number {
  let ones = 0
  for (let rest = byte; rest !== 0; rest >>= 1) ones += rest & 1
  return ones
}
