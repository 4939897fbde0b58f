/**
 * The machine's key and certificate on disk. Both change together or not at all, whatever power does in
 * between: what is fresh is written beside the old in full, and then takes its place.
 */
import {X509Certificate, createPrivateKey, generateKeyPairSync} from 'node:crypto'
import {renameSync, writeFileSync} from 'node:fs'
import {dirname} from 'node:path'
import {timeFromIso} from '../../kit/clock.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {handOver, makeFolder, syncFolder, textIn} from '../../kit/durable-file.ts'
import {SystemFault, reasonOf} from '../../kit/errors.ts'
import {Secret} from '../../kit/secret.ts'

export interface IdentityFiles {
  readonly certificatePath: string
  readonly keyPath: string
}

/** PEM, both; they belong together. */
export interface MachineIdentity {
  readonly certificate: string
  readonly key: Secret<string>
}

/** A private key on P-256, PEM. */
export function newMachineKey(): Secret<string> {
  const {privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'})
  return new Secret(privateKey.export({format: 'pem', type: 'pkcs8'}).toString())
}

/** When the certificate begins and ends to count. */
export function lifeOf(certificate: string): {readonly fromMs: EpochMs; readonly toMs: EpochMs} {
  const {validFrom, validTo} = new X509Certificate(certificate)
  const fromMs = timeFromIso(validFrom)
  const toMs = timeFromIso(validTo)
  if (fromMs === null || toMs === null) throw new SystemFault('a certificate without dates')
  return {fromMs, toMs}
}

/**
 * What is wrong with a certificate that the bank issued for this machine's key, or null.
 * @param authority PEM, the one that the settings trust
 */
export function certificateFault(
  {certificate, key}: MachineIdentity,
  atmId: string,
  authority: string,
): string | null {
  const parsed = new X509Certificate(certificate)
  if (!parsed.checkPrivateKey(createPrivateKey(key.reveal()))) return 'it is for another key'
  if (parsed.subjectAltName !== `URI:urn:atm:${atmId}`) return 'it is for another machine'
  return parsed.verify(new X509Certificate(authority).publicKey) ? null : 'another authority signed it'
}

/**
 * Reads the identity, and ends a change that was cut off in the middle.
 * @throws SystemFault when there is no certificate with its key
 */
export function readIdentity({certificatePath, keyPath}: IdentityFiles): MachineIdentity {
  for (const certificateFrom of [certificatePath, fresh(certificatePath)])
    for (const keyFrom of [keyPath, fresh(keyPath)]) {
      const identity = pairIn(certificateFrom, keyFrom)
      if (identity === null) continue
      if (certificateFrom !== certificatePath || keyFrom !== keyPath)
        keepIdentity({certificatePath, keyPath}, identity)
      return identity
    }
  throw new SystemFault(
    `${certificatePath} and ${keyPath} hold no certificate with its key; 'tellerd enroll' gets one`,
  )
}

/**
 * Durable when it returns: the old identity may be worthless from the next message on. What root enrols belongs to the
 * owner of the folder, which is made where it is missing. @throws SystemFault
 */
export function keepIdentity({certificatePath, keyPath}: IdentityFiles, identity: MachineIdentity): void {
  try {
    for (const path of [keyPath, certificatePath]) makeFolder(dirname(path))
    writeFileSync(fresh(keyPath), identity.key.reveal(), {mode: 0o600, flush: true})
    writeFileSync(fresh(certificatePath), identity.certificate, {mode: 0o644, flush: true})
    for (const path of [keyPath, certificatePath]) handOver(fresh(path))
    renameSync(fresh(certificatePath), certificatePath)
    renameSync(fresh(keyPath), keyPath)
    for (const folder of new Set([dirname(certificatePath), dirname(keyPath)])) syncFolder(folder)
  } catch (thrown) {
    throw new SystemFault(`cannot keep the machine’s identity: ${reasonOf(thrown)}`, {cause: thrown})
  }
}

function pairIn(certificatePath: string, keyPath: string): MachineIdentity | null {
  const certificate = textIn(certificatePath)
  const key = textIn(keyPath)
  if (certificate === null || key === null) return null
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
      ? {certificate, key: new Secret(key)}
      : null
  } catch {
    // Cut off in the middle of writing, or no PEM at all: there is no pair here.
    return null
  }
}

function fresh(path: string): string {
  return `${path}.new`
}
