/** What keeps the bank's door: the checks that need keys from outside the database. Constructed once, like the PIN module. */
import {createHmac} from 'node:crypto'
import type {KeyObject} from 'node:crypto'
import {signerOfSeed} from '../../crypto/anchor.ts'
import type {Signer} from '../../crypto/atm-message.ts'
import {PASSWORD_COST, passwords} from '../../crypto/passwords.ts'
import type {PasswordCost, Passwords} from '../../crypto/passwords.ts'
import {NO_POLICY} from './policy.ts'
import type {Policy} from './policy.ts'
import {softVault} from '../../crypto/vault.ts'
import type {Vault} from '../../crypto/vault.ts'
import type {HsmKeys} from '../pin.ts'
import {hexOf} from '../../crypto/hex.ts'
import type {EpochMs} from '../../kit/clock.ts'
import type {Random} from '../../kit/random.ts'

/** Who the bank is in its people's authenticator apps. */
export const ISSUER = 'Tellerd bank'

/** Issues a certificate, PEM, for a machine's public key. */
export type IssueCertificate = (atmId: string, key: KeyObject, nowMs: EpochMs) => Promise<string>

export interface Guard {
  readonly passwords: Passwords
  readonly vault: Vault
  /** Upper-case hex, of the audit's chain. */
  readonly auditMac: (text: string) => string
  /** Null in a bank without a network, which has no authority either. */
  readonly issue: IssueCertificate | null
  readonly policy: Policy
  /** Countersigns machines' journals. */
  readonly anchorSigner: Signer
}

export interface GuardOptions {
  /** A key made of the bank's own unless told, which is for a bank without certificates. */
  readonly anchorSigner?: Signer
  readonly issue?: IssueCertificate
  /** `NO_POLICY` unless told. */
  readonly policy?: Policy
  /** Of a password; less than `PASSWORD_COST` only where no real password is kept. */
  readonly cost?: PasswordCost
}

export function openGuard(keys: HsmKeys, random: Random, options: GuardOptions = {}): Guard {
  const {issue = null, policy = NO_POLICY, cost = PASSWORD_COST} = options
  // A key of its own, so that what one of the two could ever let slip is of no use against the other.
  const pepper = keys.pepper.map(key => createHmac('sha256', key).update('tellerd password pepper').digest())
  const auditKey = keys.storageKey.map(key => createHmac('sha256', key).update('tellerd audit').digest())
  const anchorSeed = keys.storageKey.map(key => createHmac('sha256', key).update('tellerd anchors').digest())
  return {
    passwords: passwords(pepper, random, cost),
    vault: softVault(keys.storageKey, random),
    auditMac: text => hexOf(createHmac('sha256', auditKey.reveal()).update(text).digest()),
    issue,
    policy,
    anchorSigner: options.anchorSigner ?? signerOfSeed(anchorSeed.reveal()),
  }
}
