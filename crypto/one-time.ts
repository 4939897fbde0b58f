/**
 * One-time codes of an authenticator app (RFC 6238): SHA-1, six digits, thirty seconds, which is what every
 * app speaks. A code works once: who accepts one keeps its step and takes only later ones.
 */
import {Secret as OtpSecret, TOTP} from 'otpauth'
import type {EpochMs} from '../kit/clock.ts'
import type {Random} from '../kit/random.ts'
import type {Secret} from '../kit/secret.ts'

/** RFC 4226, section 4, R6: at least 128 bits, 160 recommended. */
const SEED_BYTES = 20
const STEP_MS = 30_000
const DIGITS = 6
/** RFC 6238, section 5.2: one step each way for slow fingers and clocks. */
const WINDOW_STEPS = 1

export function newSeed(random: Random): Uint8Array {
  return random.bytes(SEED_BYTES)
}

/** What an app reads from a picture: `otpauth://totp/...` with the seed in it. @param issuer whose codes they are, as the app shows it */
export function seedUri(issuer: string, name: string, seed: Secret<Uint8Array>): string {
  return totpOf(seed, issuer, name).toString()
}

/** The code of a moment: for demonstrations and tests. */
export function codeAt(seed: Secret<Uint8Array>, atMs: EpochMs): string {
  return totpOf(seed).generate({timestamp: atMs})
}

/** The step that a code belongs to, or null when it is of none near now. Compares in constant time. */
export function stepOf(seed: Secret<Uint8Array>, code: string, nowMs: EpochMs): number | null {
  const totp = totpOf(seed)
  const delta = totp.validate({token: code, timestamp: nowMs, window: WINDOW_STEPS})
  return delta === null ? null : totp.counter({timestamp: nowMs}) + delta
}

function totpOf(seed: Secret<Uint8Array>, issuer = '', label = ''): TOTP {
  const bytes = seed.reveal()
  return new TOTP({
    issuer,
    label,
    algorithm: 'SHA1',
    digits: DIGITS,
    period: STEP_MS / 1_000,
    secret: new OtpSecret({
      buffer: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    }),
  })
}
