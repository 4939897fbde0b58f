/** eSSP's encrypted packets: length, count, text, padding and check under AES-128, behind the byte 7E. Pure. */
import {AES_BLOCK_BYTES} from '../../../crypto/essp.ts'
import type {EsspCipher} from '../../../crypto/essp.ts'
import {assert} from '../../../kit/assert.ts'
import type {Random} from '../../../kit/random.ts'
import {STEX} from './bytes.ts'
import {crcCms} from './codec.ts'

/** Length, count and check. */
const ENVELOPE_BYTES = 7
const TEXT_BYTES_MAX = 15 * AES_BLOCK_BYTES - ENVELOPE_BYTES

/** A packet's data around that text. @param count of packets, as both sides keep it */
export function sealPacket(cipher: EsspCipher, text: Uint8Array, count: number, random: Random): Uint8Array {
  assert(text.length >= 1 && text.length <= TEXT_BYTES_MAX, `${text.length} bytes in an encrypted packet`)
  const plain = new Uint8Array(Math.ceil((text.length + ENVELOPE_BYTES) / AES_BLOCK_BYTES) * AES_BLOCK_BYTES)
  plain.set(random.bytes(plain.length))
  plain[0] = text.length
  new DataView(plain.buffer).setUint32(1, count, true)
  plain.set(text, 5)
  const crc = crcCms(plain.subarray(0, -2))
  new DataView(plain.buffer).setUint16(plain.length - 2, crc, true)
  return Uint8Array.of(STEX, ...cipher.encrypt(plain))
}

/** What a packet's data holds, or null for one of another key or another count. */
export function openPacket(cipher: EsspCipher, data: Uint8Array, count: number): Uint8Array | null {
  const blocks = data.subarray(1)
  if (data[0] !== STEX || blocks.length === 0 || blocks.length % AES_BLOCK_BYTES !== 0) return null
  const plain = cipher.decrypt(blocks)
  const view = new DataView(plain.buffer, plain.byteOffset, plain.length)
  const textBytes = view.getUint8(0)
  const isGood =
    view.getUint16(plain.length - 2, true) === crcCms(plain.subarray(0, -2)) &&
    view.getUint32(1, true) === count &&
    textBytes >= 1 &&
    textBytes + ENVELOPE_BYTES <= plain.length
  return isGood ? plain.slice(5, 5 + textBytes) : null
}
