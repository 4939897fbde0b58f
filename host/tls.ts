/**
 * The bank's door: HTTPS with client certificates. Who a machine is follows from the hash of its public
 * key and a row in the database, read again on every request; a name inside a certificate only confirms it.
 *
 * Session tickets are off: with TLS 1.3 in Node, whoever holds a ticket resumes as its owner, without the
 * key and without any new check (measured).
 */
import {X509Certificate, constants, createHash} from 'node:crypto'
import {createServer} from 'node:https'
import {TLSSocket} from 'node:tls'
import type {ServerFactory} from './app.ts'
import type {Identified} from './certificates.ts'
import type {Authenticate} from './identity.ts'
import type {Store} from './store/port.ts'

/** How long an idle connection is kept: longer than the machines' probing period, so that they find it warm. */
const KEEP_ALIVE_MS = 72_000
/** How long a caller may take over sending one request. Chosen: a machine's own patience. */
const REQUEST_TIMEOUT_MS = 30_000
/** How long a handshake may take, so that half-open connections cannot pile up. */
const HANDSHAKE_TIMEOUT_MS = 10_000

/** SHA-256 of a certificate's SubjectPublicKeyInfo, hex: the pin. @param certificate PEM or DER */
export function spkiPin(certificate: string | Uint8Array): string {
  return pinOf(new X509Certificate(certificate))
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
        rejectUnauthorized: true,
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

/** Identity by pin. The handshake has proved the key; whether it still counts is asked of the store each time. */
export function authenticateByPin(store: Store): Authenticate {
  // What a connection's certificate says never changes, so it is worked out once for each.
  const known = new WeakMap<TLSSocket, {readonly pin: string; readonly names: string}>()
  return async request => {
    const {socket} = request
    if (!(socket instanceof TLSSocket) || !socket.authorized)
      return {kind: 'nobody', why: 'no certificate of our authority'}
    let claim = known.get(socket)
    if (claim === undefined) {
      const certificate = socket.getPeerX509Certificate()
      if (certificate === undefined) return {kind: 'nobody', why: 'no certificate'}
      claim = {pin: pinOf(certificate), names: certificate.subjectAltName ?? ''}
      known.set(socket, claim)
    }
    const {pin, names} = claim
    const found = await store.read(tx => tx.atms.findPin(pin))
    if (found === null) return {kind: 'nobody', why: `no machine has the pin ${pin}`}
    const {atmId} = found.atm
    if (found.isRevoked) return {kind: 'nobody', why: `a certificate of ${atmId} is revoked`}
    if (names !== `URI:urn:atm:${atmId}`)
      return {kind: 'nobody', why: `the certificate of ${atmId} names somebody else`}
    return {kind: 'atm', atmId}
  }
}

function pinOf(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({type: 'spki', format: 'der'})
  return createHash('sha256').update(spki).digest('hex')
}
