/**
 * The bank's door: HTTPS, for machines with client certificates. Who a machine is follows from the hash of
 * its public key and a row in the database, read again on every request; a name inside a certificate only
 * confirms it. People and other programs show no certificate and are known by their token.
 *
 * Session tickets are off: with TLS 1.3 in Node, whoever holds a ticket resumes as its owner, without the
 * key and without any new check (measured).
 */
import {X509Certificate, constants} from 'node:crypto'
import {createServer} from 'node:https'
import {TLSSocket} from 'node:tls'
import type {ServerFactory} from './app.ts'
import type {Bank} from './bank.ts'
import type {Identified} from './certificates.ts'
import {personOf} from './guard/sign-in.ts'
import {bearerOf} from './guard/tokens.ts'
import type {Authenticate, Authenticated, CertifiedKey} from './identity.ts'
import * as signature from '../crypto/http-signature.ts'

/** How long an idle connection is kept: longer than the machines' probing period, so that they find it warm. */
const KEEP_ALIVE_MS = 72_000
/** How long a caller may take over sending one request. Chosen: a machine's own patience. */
const REQUEST_TIMEOUT_MS = 30_000
/** How long a handshake may take, so that half-open connections cannot pile up. */
const HANDSHAKE_TIMEOUT_MS = 10_000

/** SHA-256 of a certificate's SubjectPublicKeyInfo, hex: the pin. @param certificate PEM or DER */
export function spkiPin(certificate: string | Uint8Array): string {
  return signature.spkiPin(new X509Certificate(certificate).publicKey)
}

/** A server for `buildApp`. @param authority PEM; the only one trusted for clients */
export function tlsServerFactory(host: Identified, authority: string): ServerFactory {
  return listener =>
    createServer(
      {
        key: host.key.reveal(),
        cert: host.certificate,
        ca: authority,
        requestCert: true,
        // People come without one; what a certificate is worth is judged on each request.
        rejectUnauthorized: false,
        minVersion: 'TLSv1.3',
        secureOptions: constants.SSL_OP_NO_TICKET,
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS,
      },
      listener,
    )
}

/**
 * Identity by pin, or by token for whoever shows no certificate. The handshake has proved the key; whether
 * it still counts is asked of the store each time.
 */
export function authenticateCaller(bank: Pick<Bank, 'store' | 'clock'>): Authenticate {
  const {store} = bank
  // What a connection's handshake has shown never changes, so it is worked out once for each.
  const known = new WeakMap<TLSSocket, Claim>()
  return async request => {
    const {socket} = request
    if (!(socket instanceof TLSSocket)) return nobody('a connection without TLS')
    let claim = known.get(socket)
    if (claim === undefined) {
      claim = claimOf(socket)
      known.set(socket, claim)
    }
    if (claim.kind === 'none') {
      const token = bearerOf(request.headers.authorization)
      if (token !== null) return personOf(bank, token)
      return request.headers.authorization === undefined
        ? {kind: 'guest'}
        : {kind: 'nobody', offered: 'token', why: 'an Authorization header that is no bearer token'}
    }
    if (claim.kind === 'foreign') return nobody('no certificate of our authority')
    const {certified, names} = claim
    const found = await store.read(tx => tx.atms.findPin(certified.pin))
    if (found === null) return nobody(`no machine has the pin ${certified.pin}`)
    const {atmId} = found.atm
    if (found.isRevoked) return nobody(`a certificate of ${atmId} is revoked`)
    if (names !== `URI:urn:atm:${atmId}`) return nobody(`the certificate of ${atmId} names somebody else`)
    return {kind: 'atm', atmId, certified}
  }
}

/** What a connection's handshake has shown. */
type Claim =
  | {readonly kind: 'none'}
  | {readonly kind: 'foreign'}
  | {readonly kind: 'certificate'; readonly certified: CertifiedKey; readonly names: string}

function claimOf(socket: TLSSocket): Claim {
  // Asked first: with TLS 1.3, Node may call a connection without any certificate authorized.
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return {kind: 'none'}
  if (!socket.authorized) return {kind: 'foreign'}
  const key = certificate.publicKey
  return {
    kind: 'certificate',
    certified: {pin: signature.spkiPin(key), key},
    names: certificate.subjectAltName ?? '',
  }
}

function nobody(why: string): Authenticated {
  return {kind: 'nobody', offered: 'certificate', why}
}
