/** Who is asking. How that is found out (a client certificate, a test's word) is the Authenticate port's business. */
import type {IncomingMessage} from 'node:http'

/** `teller` posts withdrawals at once. */
export type Role = 'teller'

export type Identity =
  | {readonly kind: 'atm'; readonly atmId: string}
  | {readonly kind: 'person'; readonly name: string; readonly roles: readonly Role[]}

/** `why` is for the log, not for the one who asked. */
export type Authenticated = Identity | {readonly kind: 'nobody'; readonly why: string}

/** Asked on every request: connections live for days, and a revocation must not wait for the next one. */
export type Authenticate = (request: IncomingMessage) => Promise<Authenticated>
