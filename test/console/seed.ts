/** What somebody's authenticator app reads from a screen. */
import {present} from '../../kit/assert.ts'
import {Secret} from '../../kit/secret.ts'

/** The seed in an `otpauth:` address, in base 32 (RFC 4648). */
export function seedIn(uri: string): Secret<Uint8Array> {
  const letters = present(/secret=([A-Z2-7]+)/.exec(uri)?.[1], `a secret in ${uri}`)
  const bits = letters
    .split('')
    .map(letter => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
  const bytes = bits.join('').match(/[01]{8}/g) ?? []
  return new Secret(Uint8Array.from(bytes, byte => parseInt(byte, 2)))
}
