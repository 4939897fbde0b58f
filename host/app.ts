/**
 * The bank's application: HTTP in, answers out. It knows routes and callers; what money does is decided
 * elsewhere. It speaks over whatever server it is given, or none (`inject`).
 */
import Fastify from 'fastify'
import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify'
import {isUtf8} from 'node:buffer'
import type {IncomingMessage, Server, ServerResponse} from 'node:http'
import {problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import {routes} from './api/routes.ts'
import type {Route} from './api/routes.ts'
import type {Bank} from './bank.ts'
import type {MessageSeal} from './guard/messages.ts'
import {isAmong} from './identity.ts'
import type {Authenticate, Authenticated, Guest, Identity} from './identity.ts'
import {AssertionFailed, present} from '../kit/assert.ts'
import {codeOf, reasonOf} from '../kit/errors.ts'
import {readJson} from '../kit/exact-json.ts'
import type {Json} from '../kit/exact-json.ts'

/** The largest body taken; the largest message we know has under 1 KiB. */
const BODY_BYTES_MAX = 16_384
export type ServerFactory = (listener: (request: IncomingMessage, response: ServerResponse) => void) => Server

/** The way in from a network. */
export interface Door {
  /** Makes the server that `listen` starts. */
  readonly serverFactory: ServerFactory
  /** Nothing of a machine is done without it. */
  readonly messages: MessageSeal
}

/** @param door without it the app is driven by `inject` */
export function buildApp(bank: Bank, authenticate: Authenticate, door?: Door): FastifyInstance {
  const app = Fastify({
    // Ours is injected, and a framework's request log would hold card data sooner or later.
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    ...(door === undefined ? {} : {serverFactory: door.serverFactory}),
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', {parseAs: 'buffer'}, (_, bytes, done) => {
    done(null, bytes)
  })
  app.setNotFoundHandler((_, reply) => send(reply, problemOf('no-route', 'this path is not served')))
  app.setErrorHandler((thrown, request, reply) => send(reply, answerOfFault(bank, thrown, request)))
  for (const route of routes)
    app.route({
      method: route.method,
      url: route.url,
      handler: async (request, reply) => {
        const who = await authenticate(request.raw)
        const {answer, headers} = await answerTo(bank, door?.messages ?? null, who, route, request)
        bank.log.info('answered', {
          method: route.method,
          route: route.url,
          who: who.kind === 'atm' ? who.atmId : who.kind === 'person' ? who.name : who.kind,
          status: answer.status,
          rc: answer.rc,
        })
        return send(reply.headers(headers), answer)
      },
    })
  return app
}

/** An answer, and what seals it. */
interface Sealed {
  readonly answer: Answer
  readonly headers: Readonly<Record<string, string>>
}

async function answerTo(
  bank: Bank,
  messages: MessageSeal | null,
  who: Authenticated,
  route: Route,
  request: FastifyRequest,
): Promise<Sealed> {
  if (who.kind === 'nobody') return {answer: unknownCaller(bank, who.offered, who.why), headers: {}}
  if (who.kind !== 'atm' || messages === null)
    return {answer: await run(bank, who, route, request), headers: {}}
  const heard = await messages.hear(
    bank,
    {atmId: who.atmId, certified: present(who.certified, 'the key of a machine at the door')},
    {method: request.method, path: request.url, content: contentOf(request)},
    request.headers,
  )
  const answer = heard.kind === 'heard' ? await run(bank, who, route, request) : heard.answer
  return {answer, headers: heard.request === null ? {} : messages.seal(bank, answer, heard.request)}
}

async function run(
  bank: Bank,
  who: Identity | Guest,
  route: Route,
  request: FastifyRequest,
): Promise<Answer> {
  if (who.kind === 'atm') {
    const atm = await bank.store.read(tx => tx.atms.find(who.atmId))
    if (atm?.status !== 'active')
      return unknownCaller(bank, 'certificate', `${who.atmId} is not an active machine`)
  }
  if (!isAmong(route.callers, who))
    return who.kind === 'guest'
      ? problemOf('not-signed-in', 'this path needs a certificate or a token')
      : problemOf('not-you', 'this path is not open to the caller')
  const body = bodyOf(request, route)
  if ('why' in body) return problemOf('malformed', body.why)
  const header = request.headers['idempotency-key']
  return route.run({
    bank,
    who,
    id: idOf(request.params),
    keyHeader: typeof header === 'string' ? header : null,
    body: body.json,
  })
}

function unknownCaller(bank: Bank, offered: 'certificate' | 'token', why: string): Answer {
  bank.log.warn('a caller was refused', {why})
  return offered === 'token'
    ? problemOf('not-signed-in', 'the session is over, or never was')
    : problemOf('unknown-caller', 'the certificate is not one of an active machine')
}

function bodyOf(request: FastifyRequest, route: Route): {readonly json: Json} | {readonly why: string} {
  if (route.request === null) return {json: null}
  const content = contentOf(request)
  if (content.length === 0) return {why: 'there is no body of type application/json'}
  if (!isUtf8(content)) return {why: 'the body is not UTF-8'}
  const read = readJson(content.toString('utf8'))
  return read.kind === 'refused' ? {why: read.why} : {json: read.json}
}

/** As it travelled; empty when there was none. */
function contentOf({body}: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}

function idOf(params: unknown): string {
  return typeof params === 'object' && params !== null && 'id' in params && typeof params.id === 'string'
    ? params.id
    : ''
}

/**
 * What failed took its transaction with it, so the request is what stops, our own mistakes included: one bad
 * request must not take the bank from every other machine.
 */
function answerOfFault(bank: Bank, thrown: unknown, request: FastifyRequest): Answer {
  const code = codeOf(thrown)
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return problemOf('too-large', `more than ${BODY_BYTES_MAX} bytes`)
  if (code?.startsWith('FST_ERR_') === true)
    return problemOf('malformed', 'the request is not HTTP with a JSON body')
  bank.log.error('a request failed', {
    route: request.routeOptions.url ?? 'none',
    why: reasonOf(thrown),
    isOurMistake: thrown instanceof AssertionFailed,
  })
  return problemOf('fault', 'nothing was changed')
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  return reply.code(answer.status).type(answer.contentType).send(answer.text)
}
