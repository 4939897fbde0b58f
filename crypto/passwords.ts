/**
 * Passwords of people: the bank's own, and a machine's. What is kept is Argon2id over the password mixed with a pepper that
 * is never in the database: a stolen database alone does not let anybody try words.
 */
import {argon2, createHmac, timingSafeEqual} from 'node:crypto'
import {bytesOfHex, hexOf} from './hex.ts'
import {present} from '../kit/assert.ts'
import type {Random} from '../kit/random.ts'
import type {Secret} from '../kit/secret.ts'

/** Of Argon2id (RFC 9106): memory in KiB, passes over it, lanes. */
export interface PasswordCost {
  readonly memoryKib: number
  readonly passesCount: number
  readonly lanesCount: number
}

/** The least that the OWASP Password Storage Cheat Sheet asks of Argon2id; 65 ms on one core (measured). */
export const PASSWORD_COST: PasswordCost = {memoryKib: 19_456, passesCount: 2, lanesCount: 1}

/** RFC 9106, section 3.1: a salt of 16 bytes is enough for passwords. */
const SALT_BYTES = 16
const HASH_BYTES = 32
const KEPT = /^argon2id\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([0-9A-F]{32})\$([0-9A-F]{64})$/

/** PCI DSS 4.0.1, 8.3.6: at least 12 characters, letters and digits both. The longest is ours. */
const LENGTH_MIN = 12
const LENGTH_MAX = 128

/** Why a new password is not taken, or null. Never repeats it. */
export function passwordFault(name: string, password: Secret<string>): string | null {
  const text = password.reveal()
  if (text.length < LENGTH_MIN || text.length > LENGTH_MAX)
    return `a password has ${LENGTH_MIN} to ${LENGTH_MAX} characters`
  if (!/\p{L}/u.test(text) || !/\p{Nd}/u.test(text)) return 'a password has letters and digits'
  return text.toLowerCase().includes(name.toLowerCase()) ? 'a password does not contain the name' : null
}

export interface Passwords {
  /** What to keep of a password; its cost stands in it. */
  keep(password: Secret<string>): Promise<string>
  /** @param kept null when there is nobody of that name: takes as long, and says no */
  isRight(password: Secret<string>, kept: string | null): Promise<boolean>
}

/** @param pepper at least 32 bytes, from outside the database */
export function passwords(pepper: Secret<Uint8Array>, random: Random, cost: PasswordCost): Passwords {
  const hashed = (password: Secret<string>, salt: Uint8Array, paid: PasswordCost): Promise<Buffer> => {
    // One spelling for one word, however the keyboard composed it.
    const text = `password|${password.reveal().normalize('NFC')}`
    const message = createHmac('sha256', pepper.reveal()).update(text).digest()
    return new Promise((resolve, reject) => {
      const {memoryKib, passesCount, lanesCount} = paid
      argon2(
        'argon2id',
        {
          message,
          nonce: salt,
          memory: memoryKib,
          passes: passesCount,
          parallelism: lanesCount,
          tagLength: HASH_BYTES,
        },
        (fault, hash) => {
          if (fault === null) resolve(hash)
          else reject(fault)
        },
      )
    })
  }
  return {
    async keep(password) {
      const salt = random.bytes(SALT_BYTES)
      const hash = await hashed(password, salt, cost)
      const {memoryKib, passesCount, lanesCount} = cost
      return `argon2id$m=${memoryKib},t=${passesCount},p=${lanesCount}$${hexOf(salt)}$${hexOf(hash)}`
    },
    async isRight(password, kept) {
      if (kept === null) {
        await hashed(password, random.bytes(SALT_BYTES), cost)
        return false
      }
      const [, memory, passes, lanes, salt, hash] = present(KEPT.exec(kept), 'a well-formed kept password')
      const paid = {
        memoryKib: Number(memory),
        passesCount: Number(passes),
        lanesCount: Number(lanes),
      }
      const actual = await hashed(password, bytesOfHex(present(salt, 'the salt of a password')), paid)
      return timingSafeEqual(actual, bytesOfHex(present(hash, 'the hash of a password')))
    },
  }
}
