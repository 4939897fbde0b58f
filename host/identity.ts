/** Who is asking, and who may ask. How the first is found out (a certificate, a token, a test's word) is the Authenticate port's business. */
import type {KeyObject} from 'node:crypto'
import type {IncomingMessage} from 'node:http'
import {allows} from './guard/roles.ts'
import type {Permission, Role} from './guard/roles.ts'

export type Identity =
  | {
      readonly kind: 'atm'
      readonly atmId: string
      /** That its handshake has proved; absent in process. */
      readonly certified?: CertifiedKey
    }
  /** Somebody who signed in, or a program that holds a token. */
  | {
      readonly kind: 'person'
      readonly name: string
      readonly roles: readonly Role[]
      /** Hash of the token that it came with; absent in process. */
      readonly session?: string
    }

/** A machine's public key, under the pin by which the bank knows it. */
export interface CertifiedKey {
  readonly pin: string
  readonly key: KeyObject
}

/** Offered neither a certificate nor a token. */
export interface Guest {
  readonly kind: 'guest'
}

/** `nobody` offered something that does not count; `why` is for the log, not for the one who asked. */
export type Authenticated =
  | Identity
  | Guest
  | {readonly kind: 'nobody'; readonly offered: 'certificate' | 'token'; readonly why: string}

/** Asked on every request: connections live for days, and a revocation must not wait for the next one. */
export type Authenticate = (request: IncomingMessage) => Promise<Authenticated>

/** One way to be let in to a route: without a name, as a machine, as anybody who signed in, or with a permission. */
export type Caller = 'anyone' | 'atm' | 'person' | Permission

/** Whether the route that names these callers is open to this one. */
export function isAmong(callers: readonly Caller[], who: Identity | Guest): boolean {
  return callers.some(caller => {
    if (caller === 'anyone') return true
    if (caller === 'atm' || caller === 'person') return who.kind === caller
    return who.kind === 'person' && allows(who.roles, caller)
  })
}
