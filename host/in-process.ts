/**
 * The bank without a network: requests go straight into the application. For tests, simulation and the
 * bench, where machine and bank are one program.
 */
import type {FastifyInstance} from 'fastify'
import {AsyncLocalStorage} from 'node:async_hooks'
import type {Authenticate, Guest, Identity} from './identity.ts'
import {present} from '../kit/assert.ts'
import type {Clock} from '../kit/clock.ts'
import {reasonOf} from '../kit/errors.ts'

const caller = new AsyncLocalStorage<Identity | Guest>()

/** Believes what `inProcessTransport` says. An application on a network must not use it. */
export const inProcessAuthenticate: Authenticate = async () =>
  present(caller.getStore(), 'the identity of an in-process caller')

/** Has the shape of the machine's Transport. */
export interface InProcessTransport {
  send(request: {
    readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string | Uint8Array | null
    readonly deadlineMs: number
  }): Promise<InProcessAnswer | InProcessSilence>
  close(): Promise<void>
}

export interface InProcessAnswer {
  readonly kind: 'answer'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The bank was closed while it was asked, or before. */
export interface InProcessSilence {
  readonly kind: 'silent'
  readonly why: string
  readonly sent: boolean
}

/**
 * A transport that always delivers and always answers while the bank is open; what a line does to messages is laid over it.
 * Virtual time stands still while the bank works.
 * @param app built with `inProcessAuthenticate`
 */
export function inProcessTransport(
  app: FastifyInstance,
  who: Identity | Guest,
  clock: Clock,
): InProcessTransport {
  return {
    async send({method, path, headers, body}) {
      const work = caller.run(who, async () =>
        app.inject({
          method,
          url: path,
          headers: {...headers},
          ...(body === null ? {} : {payload: typeof body === 'string' ? body : Buffer.from(body)}),
        }),
      )
      try {
        const answer = await clock.outside(work)
        return {
          kind: 'answer',
          status: answer.statusCode,
          headers: {'content-type': String(answer.headers['content-type'])},
          body: answer.body,
        }
      } catch (thrown) {
        return {kind: 'silent', why: reasonOf(thrown), sent: true}
      }
    },
    close: async () => undefined,
  }
}
