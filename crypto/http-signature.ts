/**
 * HTTP Message Signatures (RFC 9421) with ECDSA P-256 and SHA-256, and the Content-Digest that they cover
 * (RFC 9530). What a message must cover is the business of a profile; ours is `atm-message.ts`.
 */
import {createHash, sign, verify} from 'node:crypto'
import type {KeyObject} from 'node:crypto'
import {assert} from '../kit/assert.ts'

/** One covered component: its identifier as `Signature-Input` writes it (`"@method"`, `"atm-seq";req`), and its value. */
export interface Component {
  readonly identifier: string
  readonly value: string
}

/** RFC 9421, section 6.2.2. */
export const ALGORITHM = 'ecdsa-p256-sha256'
/** RFC 9421, section 3.3.4: r and s side by side, 32 bytes each. */
const SIGNATURE_BYTES = 64

/** What `Signature-Input` says of a signature: the covered components in order, then the parameters (RFC 9421, 2.3). */
export function signatureParams(components: readonly Component[], parameters: string): string {
  return `(${components.map(({identifier}) => identifier).join(' ')})${parameters}`
}

/**
 * The text that is signed (RFC 9421, section 2.5).
 * @param params as `signatureParams` gives them
 */
export function signatureBase(components: readonly Component[], params: string): string {
  const lines = components.map(({identifier, value}) => `${identifier}: ${value}`)
  return [...lines, `"@signature-params": ${params}`].join('\n')
}

/** The signature in base64. @param key an EC key on P-256 */
export function signBase(base: string, key: KeyObject): string {
  assert(isP256(key), 'the key does not lie on P-256')
  return sign('sha256', Buffer.from(base), {key, dsaEncoding: 'ieee-p1363'}).toString('base64')
}

/** Whether the base64 text is the key's signature of the base; no for a key of another kind. */
export function isSignatureOf(base: string, signature: string, key: KeyObject): boolean {
  const bytes = Buffer.from(signature, 'base64')
  return (
    isP256(key) &&
    bytes.length === SIGNATURE_BYTES &&
    verify('sha256', Buffer.from(base), {key, dsaEncoding: 'ieee-p1363'}, bytes)
  )
}

export function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
}

/** `sha-256=:...:` of the content as it travels, also of none. */
export function contentDigest(content: Uint8Array | string): string {
  return `sha-256=:${createHash('sha256').update(content).digest('base64')}:`
}

/** Lower-case hex SHA-256 of a public key's SubjectPublicKeyInfo: its pin, and its name as a `keyid`. */
export function spkiPin(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({type: 'spki', format: 'der'}))
    .digest('hex')
}
