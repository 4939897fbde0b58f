/** Random texts that stand for a right: bearer tokens and one-time codes. The database keeps their hashes alone. */
import {createHash} from 'node:crypto'
import type {Random} from '../../kit/random.ts'

/** 256 bits: nobody guesses one, so its hash needs no salt and no stretching. */
const TOKEN_BYTES = 32
/** Crockford's base 32: no I, L, O and U, for those who read it aloud. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** 100 bits. */
const CODE_GROUPS = 4
const GROUP_CHARS = 5

/** For an `Authorization: Bearer` header. */
export function newToken(random: Random): string {
  return `tellerd_${Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url')}`
}

/** For a person to type: `7K2MZ-0Q9XA-...`. */
export function newCode(random: Random): string {
  const group = () => Array.from({length: GROUP_CHARS}, () => ALPHABET[random.below(32)]).join('')
  return Array.from({length: CODE_GROUPS}, group).join('-')
}

/** What the database keeps, lower-case hex. Case and hyphens of a typed code do not count. */
export function codeHash(code: string): string {
  return tokenHash(code.toUpperCase().replaceAll('-', ''))
}

export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The token of an `Authorization` header (RFC 6750, section 2.1), or null. */
export function bearerOf(header: string | undefined): string | null {
  return /^Bearer ([A-Za-z0-9._~+/-]{1,200}=*)$/i.exec(header ?? '')?.[1] ?? null
}
