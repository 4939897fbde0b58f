/**
 * Certificates of a demo bank: an authority, the bank's server, the key under the bank's answers, and one
 * client for each machine, made on first start into a folder and used again afterwards; and those of machines
 * that enrol. A real bank brings its own; the formats are plain PEM.
 */
import type * as X509Module from '@peculiar/x509'
import {X509Certificate, createPrivateKey, webcrypto} from 'node:crypto'
import type {KeyObject} from 'node:crypto'
import {mkdir, readFile, rename, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {IssueCertificate} from './guard/guard.ts'
import {hexOf} from '../crypto/hex.ts'
import {timeFromIso} from '../kit/clock.ts'
import type {EpochMs} from '../kit/clock.ts'
import {SystemFault, codeOf, reasonOf} from '../kit/errors.ts'
import type {Random} from '../kit/random.ts'
import {Secret} from '../kit/secret.ts'

const DAY_MS = 86_400_000
/** Lifetimes. Chosen: long enough to leave a demo alone, short enough that renewal is met with. */
const AUTHORITY_MS = 3_650 * DAY_MS
const LEAF_MS = 365 * DAY_MS
/** Of a machine that renews by itself; one that was stolen and not missed has no longer than this. */
export const MACHINE_MS = 30 * DAY_MS
/** A certificate this near its end is made anew. */
const RENEW_BEFORE_MS = 30 * DAY_MS
/** Machines' clocks may be behind ours by so much. */
const BACKDATE_MS = DAY_MS
/** RFC 5280 asks for at most 20 bytes. */
const SERIAL_BYTES = 16
const KEY_ALGORITHM = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'} as const

/** A certificate and its key, PEM. */
export interface Identified {
  readonly certificate: string
  readonly key: Secret<string>
}

export interface DemoCertificates {
  /** The only authority that either side trusts. */
  readonly authority: string
  readonly host: Identified
  /** Signs the answers to machines, with a key that the server's end of TLS never has. */
  readonly signing: Identified
  /** By machine. */
  readonly atms: ReadonlyMap<string, Identified>
  /** A certificate, PEM, for a machine that made its key itself. */
  readonly issue: IssueCertificate
}

/** What a certificate is for; the file is named after it. */
type Purpose =
  | {readonly kind: 'authority'}
  | {readonly kind: 'host'}
  | {readonly kind: 'signing'}
  | {readonly kind: 'atm'; readonly atmId: string}

interface Signer {
  readonly subject: string
  readonly privateKey: webcrypto.CryptoKey
}

/**
 * Reads what the folder has, makes what is missing, near its end or signed by another authority.
 * @param folder created with mode 0700; keys get 0600
 * @throws SystemFault when the folder cannot be used
 */
export async function demoCertificates(
  folder: string,
  atmIds: readonly string[],
  nowMs: EpochMs,
  random: Random,
): Promise<DemoCertificates> {
  try {
    await mkdir(folder, {recursive: true, mode: 0o700})
    const authority = await standing(folder, {kind: 'authority'}, null, nowMs, random)
    const host = await standing(folder, {kind: 'host'}, authority, nowMs, random)
    const signing = await standing(folder, {kind: 'signing'}, authority, nowMs, random)
    const atms = new Map<string, Identified>()
    for (const atmId of atmIds)
      atms.set(atmId, await standing(folder, {kind: 'atm', atmId}, authority, nowMs, random))
    return {
      authority: authority.certificate,
      host,
      signing,
      atms,
      issue: (atmId, key, atMs) => issued(authority, atmId, key, atMs, random),
    }
  } catch (thrown) {
    throw new SystemFault(`cannot keep certificates in ${folder}: ${reasonOf(thrown)}`, {cause: thrown})
  }
}

/** The certificate as it stands in the folder, or a new one. */
async function standing(
  folder: string,
  purpose: Purpose,
  authority: Identified | null,
  nowMs: EpochMs,
  random: Random,
): Promise<Identified> {
  const base = join(folder, purpose.kind === 'atm' ? `atm-${purpose.atmId}` : purpose.kind)
  const certificate = await textOf(`${base}.crt`)
  const key = await textOf(`${base}.key`)
  if (certificate !== null && key !== null && isGood(certificate, key, authority, nowMs))
    return {certificate, key: new Secret(key)}
  const made = await madeFor(purpose, authority, nowMs, random)
  // The key first: a certificate without its key would be taken for good by nobody.
  await replace(`${base}.key`, made.key.reveal(), 0o600)
  await replace(`${base}.crt`, made.certificate, 0o644)
  return made
}

function isGood(certificate: string, key: string, authority: Identified | null, nowMs: EpochMs): boolean {
  const parsed = new X509Certificate(certificate)
  const endsMs = timeFromIso(parsed.validTo)
  return (
    endsMs !== null &&
    endsMs - nowMs > RENEW_BEFORE_MS &&
    parsed.checkPrivateKey(createPrivateKey(key)) &&
    (authority === null || parsed.verify(new X509Certificate(authority.certificate).publicKey))
  )
}

async function madeFor(
  purpose: Purpose,
  authority: Identified | null,
  nowMs: EpochMs,
  random: Random,
): Promise<Identified> {
  const x509 = await x509Package()
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])
  const signer =
    authority === null
      ? {subject: subjectOf(purpose), privateKey: keys.privateKey}
      : await signerOf(x509, authority)
  // Machines have the signing key in their settings, so it changes when somebody changes those.
  const lifeMs = purpose.kind === 'authority' || purpose.kind === 'signing' ? AUTHORITY_MS : LEAF_MS
  const certificate = await certified(x509, purpose, signer, keys.publicKey, nowMs, lifeMs, random)
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  const key = createPrivateKey({key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8'})
  return {
    certificate,
    key: new Secret(key.export({format: 'pem', type: 'pkcs8'}).toString()),
  }
}

function subjectOf(purpose: Purpose): string {
  return `CN=${purpose.kind === 'atm' ? purpose.atmId : `Tellerd demo ${purpose.kind}`}`
}

async function certified(
  x509: X509,
  purpose: Purpose,
  signer: Signer,
  publicKey: webcrypto.CryptoKey,
  nowMs: EpochMs,
  lifeMs: number,
  random: Random,
): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create({
    // A leading 00 keeps the number positive whatever the first byte is.
    serialNumber: `00${hexOf(random.bytes(SERIAL_BYTES))}`,
    subject: subjectOf(purpose),
    issuer: signer.subject,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + lifeMs),
    publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: KEY_ALGORITHM,
    extensions: extensionsOf(x509, purpose),
  })
  return certificate.toString('pem')
}

async function issued(
  authority: Identified,
  atmId: string,
  key: KeyObject,
  nowMs: EpochMs,
  random: Random,
): Promise<string> {
  const x509 = await x509Package()
  const spki = key.export({type: 'spki', format: 'der'})
  const publicKey = await webcrypto.subtle.importKey('spki', spki, KEY_ALGORITHM, true, ['verify'])
  const signer = await signerOf(x509, authority)
  return certified(x509, {kind: 'atm', atmId}, signer, publicKey, nowMs, MACHINE_MS, random)
}

type X509 = typeof X509Module

async function signerOf(x509: X509, authority: Identified): Promise<Signer> {
  const der = createPrivateKey(authority.key.reveal()).export({format: 'der', type: 'pkcs8'})
  return {
    subject: new x509.X509Certificate(authority.certificate).subject,
    privateKey: await webcrypto.subtle.importKey('pkcs8', der, KEY_ALGORITHM, false, ['sign']),
  }
}

function extensionsOf(x509: X509, purpose: Purpose) {
  const {KeyUsageFlags, ExtendedKeyUsage} = x509
  switch (purpose.kind) {
    case 'authority':
      return [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ]
    case 'host':
      return [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([
          {type: 'dns', value: 'localhost'},
          {type: 'ip', value: '127.0.0.1'},
          {type: 'ip', value: '::1'},
        ]),
      ]
    case 'signing':
      return [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      ]
    case 'atm':
      return [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension([{type: 'url', value: `urn:atm:${purpose.atmId}`}]),
      ]
  }
}

/** Loaded only where a certificate is made: it costs 100 ms, and most starts make none. */
async function x509Package(): Promise<X509> {
  // The package's injector refuses to load before the decorator metadata polyfill.
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null
    throw thrown
  }
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  await writeFile(`${path}.new`, text, {mode})
  await rename(`${path}.new`, path)
}
