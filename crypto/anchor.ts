/**
 * An anchor: machine and bank sign how far a journal goes, and with which hash. With it a third party can tell, years
 * later and from the signed texts alone, that rows up to there are the ones that both had: neither side can shorten or
 * rewrite them any more without the other.
 *
 * Keys lie on P-256 (ECDSA with SHA-256, r and s behind each other), or are Ed25519: those of a simulation, whose
 * signatures must be the same in every run.
 */
import {createPrivateKey, createPublicKey, sign, verify} from 'node:crypto'
import type {KeyObject} from 'node:crypto'
import type {Signer} from './atm-message.ts'
import {isP256, isSignatureOf, signBase, spkiPin} from './http-signature.ts'
import {publicKeyText} from './possession.ts'
import {assert} from '../kit/assert.ts'

/** A journal's length and last hash. */
export interface AnchorPoint {
  readonly atmId: string
  /** Number of the last row. */
  readonly row: number
  /** Of that row, lower-case hexadecimal. */
  readonly hash: string
}

/** A public key (base64 of its SubjectPublicKeyInfo) and what it signed, in base64. */
export interface Signed {
  readonly key: string
  readonly signature: string
}

/** What the bank says to it. */
export interface Countersigned extends Signed {
  /** By the bank's clock, in whole seconds: `2026-11-22T11:30:00Z`. */
  readonly takenAt: string
}

/** The machine's signature under the point. */
export function signAnchor(point: AnchorPoint, {key}: Signer): Signed {
  return signedBy(key, anchorText(point))
}

/** The bank's, over the point, the machine's signature and the time. */
export function countersignAnchor(
  point: AnchorPoint,
  machine: Signed,
  takenAt: string,
  {key}: Signer,
): Countersigned {
  return {...signedBy(key, countersignText(point, machine, takenAt)), takenAt}
}

/** The pin of the machine's key when the signature under the point is its own; null otherwise. */
export function anchorSigner(point: AnchorPoint, machine: Signed): string | null {
  return signerOfText(anchorText(point), machine)
}

/** The pin of the bank's key when the countersignature is its own; null otherwise. */
export function anchorCountersigner(point: AnchorPoint, machine: Signed, bank: Countersigned): string | null {
  return signerOfText(countersignText(point, machine, bank.takenAt), bank)
}

/** An Ed25519 signer out of 32 bytes: for simulations, where no certificate is. */
export function signerOfSeed(seed: Uint8Array): Signer {
  assert(seed.length === SEED_BYTES, 'a seed has 32 bytes')
  const key = createPrivateKey({
    key: Buffer.concat([ED25519_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  return {keyId: spkiPin(createPublicKey(key)), key}
}

const SEED_BYTES = 32

/** What stands before the seed in a PKCS #8 key of Ed25519. Source: RFC 8410, section 7. */
const ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

const ED25519_SIGNATURE_BYTES = 64

function anchorText({atmId, row, hash}: AnchorPoint): string {
  return ['tellerd anchor v1', atmId, row, hash].join('\n')
}

function countersignText(point: AnchorPoint, machine: Signed, takenAt: string): string {
  return ['tellerd anchor taken v1', anchorText(point), machine.key, machine.signature, takenAt].join('\n')
}

function signedBy(key: KeyObject, text: string): Signed {
  const signature = isP256(key) ? signBase(text, key) : sign(null, Buffer.from(text), key).toString('base64')
  return {key: publicKeyText(createPublicKey(key)), signature}
}

function signerOfText(text: string, {key: keyText, signature}: Signed): string | null {
  const key = publicKeyOf(keyText)
  return key !== null && isSigned(text, signature, key) ? spkiPin(key) : null
}

function isSigned(text: string, signature: string, key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'ed25519') return isSignatureOf(text, signature, key)
  const bytes = Buffer.from(signature, 'base64')
  return bytes.length === ED25519_SIGNATURE_BYTES && verify(null, Buffer.from(text), key, bytes)
}

function publicKeyOf(text: string): KeyObject | null {
  try {
    return createPublicKey({key: Buffer.from(text, 'base64'), format: 'der', type: 'spki'})
  } catch {
    // Whatever a stranger wrote there is no key.
    return null
  }
}
