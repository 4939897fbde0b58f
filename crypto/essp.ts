/**
 * What the encryption of ITL's eSSP is made of: a key agreed by Diffie-Hellman over numbers of 64 bits, and AES-128 on
 * whole blocks. The packets are the device's own affair; here is only the arithmetic.
 *
 * Source: GA138 and GA973 of Innovative Technology; checked with the vectors that public drivers print.
 */
import {checkPrimeSync, createCipheriv, createDecipheriv, createSecretKey} from 'node:crypto'
import type {KeyObject} from 'node:crypto'
import {assert} from '../kit/assert.ts'
import type {Random} from '../kit/random.ts'

/** The block of AES. */
export const AES_BLOCK_BYTES = 16
/** Bytes of one number of the key exchange, and of either half of the key. */
export const ESSP_NUMBER_BYTES = 8
/** The half of the key that every unit leaves the maker with. */
export const ESSP_FIXED_KEY = 0x0123456701234567n

/** One side's part of a key exchange. */
export interface KeyAgreement {
  readonly generator: bigint
  readonly modulus: bigint
  /** Sent to the other side: generator ^ secret mod modulus. */
  readonly inter: bigint
  /** The negotiated half of the key, from what the other side sent. */
  agree(otherInter: bigint): bigint
}

/** A new agreement over two primes of 63 bits, the generator the greater, as GA973 wants it. */
export function offerAgreement(random: Random): KeyAgreement {
  const [one, other] = [primeFrom(random), primeFrom(random)]
  if (one === other) return offerAgreement(random)
  return one > other ? agreementOver(one, other, random) : agreementOver(other, one, random)
}

/** An agreement over numbers that the other side chose. @throws AssertionFailed for a modulus below 2 */
export function agreementOver(generator: bigint, modulus: bigint, random: Random): KeyAgreement {
  assert(modulus >= 2n, 'a modulus is at least 2')
  return agreementWith(generator, modulus, numberFrom(random))
}

/** The same with a secret that is given, for vectors. */
export function agreementWith(generator: bigint, modulus: bigint, secret: bigint): KeyAgreement {
  return {
    generator,
    modulus,
    inter: powerModulo(generator, secret, modulus),
    agree: otherInter => powerModulo(otherInter, secret, modulus),
  }
}

/** AES-128 on whole blocks under the two halves of a session's key; the key cannot be read out or printed. */
export class EsspCipher {
  readonly #key: KeyObject

  constructor(fixed: bigint, negotiated: bigint) {
    this.#key = createSecretKey(Uint8Array.of(...littleEndian(fixed), ...littleEndian(negotiated)))
  }

  /** @throws AssertionFailed unless it is whole blocks */
  encrypt(blocks: Uint8Array): Uint8Array {
    assert(blocks.length % AES_BLOCK_BYTES === 0, `${blocks.length} bytes are no whole blocks`)
    const cipher = createCipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
    return Uint8Array.from(Buffer.concat([cipher.update(blocks), cipher.final()]))
  }

  /** @throws AssertionFailed unless it is whole blocks */
  decrypt(blocks: Uint8Array): Uint8Array {
    assert(blocks.length % AES_BLOCK_BYTES === 0, `${blocks.length} bytes are no whole blocks`)
    const cipher = createDecipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
    return Uint8Array.from(Buffer.concat([cipher.update(blocks), cipher.final()]))
  }
}

/** Eight bytes, lowest first. */
export function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({length: ESSP_NUMBER_BYTES}, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn))
}

/** What eight bytes say, lowest first. */
export function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

function powerModulo(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let power = 1n % modulus
  let square = base % modulus
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) power = (power * square) % modulus
    square = (square * square) % modulus
  }
  return power
}

/** 63 bits, the highest of them set. */
function numberFrom(random: Random): bigint {
  return (fromLittleEndian(random.bytes(ESSP_NUMBER_BYTES)) >> 2n) | (1n << 62n)
}

function primeFrom(random: Random): bigint {
  for (;;) {
    const candidate = numberFrom(random) | 1n
    if (checkPrimeSync(candidate)) return candidate
  }
}
