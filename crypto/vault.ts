/**
 * Small secrets in the database: sealed under the bank's storage key, which is never in it, and bound to
 * what each is for, so that a sealed text moved to another row opens nothing.
 */
import {createCipheriv, createDecipheriv} from 'node:crypto'
import {bytesOfHex, hexOf} from './hex.ts'
import {assert} from '../kit/assert.ts'
import type {Random} from '../kit/random.ts'
import type {Secret} from '../kit/secret.ts'

/** AES-256. */
export const STORAGE_KEY_BYTES = 32
/** NIST SP 800-38D: a nonce of 96 bits, a tag of 128. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

export interface Vault {
  /** @param purpose what the secret is, and whose: `totp:tina` */
  seal(purpose: string, clear: Uint8Array): string
  /** @throws when the text was not sealed under this key for this purpose */
  open(purpose: string, sealed: string): Uint8Array
}

/**
 * AES-256-GCM; a sealed text is nonce, tag and cipher text in upper-case hex.
 * @throws AssertionFailed unless the key has 32 bytes
 */
export function softVault(storageKey: Secret<Uint8Array>, random: Random): Vault {
  assert(storageKey.reveal().length === STORAGE_KEY_BYTES, 'the storage key does not have 32 bytes')
  return {
    seal(purpose, clear) {
      const nonce = random.bytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', storageKey.reveal(), nonce).setAAD(Buffer.from(purpose))
      const text = Buffer.concat([cipher.update(clear), cipher.final()])
      return hexOf(Buffer.concat([nonce, cipher.getAuthTag(), text]))
    },
    open(purpose, sealed) {
      const bytes = bytesOfHex(sealed)
      const decipher = createDecipheriv('aes-256-gcm', storageKey.reveal(), bytes.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(purpose))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()])
    },
  }
}
