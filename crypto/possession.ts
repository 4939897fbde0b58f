/** Proof that whoever hands in a public key for a machine has its private half. */
import {createPublicKey} from 'node:crypto'
import type {KeyObject} from 'node:crypto'
import {isP256, isSignatureOf, signBase} from './http-signature.ts'

/**
 * What the proof is good for and nothing else: a one-time code, or the pin of the key that is to be followed.
 * Both ends name it; it does not travel with the proof.
 */
export interface Occasion {
  readonly atmId: string
  readonly because: string
}

/** A public key as it travels: base64 of its SubjectPublicKeyInfo. */
export function publicKeyText(key: KeyObject): string {
  return key.export({type: 'spki', format: 'der'}).toString('base64')
}

/** Base64. @param key private, on P-256 */
export function possessionProof(key: KeyObject, occasion: Occasion): string {
  return signBase(proofText(publicKeyText(createPublicKey(key)), occasion), key)
}

/** The key, when it is one on P-256 and the proof is its own for this occasion; else null. */
export function provedKey(publicKey: string, proof: string, occasion: Occasion): KeyObject | null {
  const key = keyOf(publicKey)
  return key !== null && isSignatureOf(proofText(publicKey, occasion), proof, key) ? key : null
}

function keyOf(publicKey: string): KeyObject | null {
  try {
    const key = createPublicKey({key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki'})
    // Written in one way alone, so that the text that was proved is the key that is kept.
    return isP256(key) && publicKeyText(key) === publicKey ? key : null
  } catch {
    // Whatever a stranger sent is no key.
    return null
  }
}

function proofText(publicKey: string, {atmId, because}: Occasion): string {
  return ['tellerd possession v1', atmId, because, publicKey].join('\n')
}
