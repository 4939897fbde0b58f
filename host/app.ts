/**
 * The bank's application: HTTP in, answers out. It knows routes and callers; what money does is decided
 * elsewhere. It speaks over whatever server it is given, or none (`inject`).
 */
import Fastify from 'fastify'
import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify'
import type {IncomingMessage, Server, ServerResponse} from 'node:http'
import {problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import {routes} from './api/routes.ts'
import type {Route} from './api/routes.ts'
import type {Bank} from './bank.ts'
import {isAmong} from './identity.ts'
import type {Authenticate, Guest, Identity} from './identity.ts'
import {AssertionFailed} from '../kit/assert.ts'
import {codeOf, reasonOf} from '../kit/errors.ts'
import {readJson} from '../kit/exact-json.ts'
import type {Json} from '../kit/exact-json.ts'

/** The largest body taken; the largest message we know has under 1 KiB. */
const BODY_BYTES_MAX = 16_384
export type ServerFactory = (listener: (request: IncomingMessage, response: ServerResponse) => void) => Server

/** @param serverFactory makes the server that `listen` starts; without it the app is driven by `inject` */
export function buildApp(
  bank: Bank,
  authenticate: Authenticate,
  serverFactory?: ServerFactory,
): FastifyInstance {
  const app = Fastify({
    // Ours is injected, and a framework's request log would hold card data sooner or later.
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    ...(serverFactory === undefined ? {} : {serverFactory}),
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', {parseAs: 'string'}, (_, text, done) => {
    done(null, text)
  })
  app.setNotFoundHandler((_, reply) => send(reply, problemOf('no-route', 'this path is not served')))
  app.setErrorHandler((thrown, request, reply) => send(reply, answerOfFault(bank, thrown, request)))
  for (const route of routes)
    app.route({
      method: route.method,
      url: route.url,
      handler: async (request, reply) => send(reply, await answerTo(bank, authenticate, route, request)),
    })
  return app
}

async function answerTo(
  bank: Bank,
  authenticate: Authenticate,
  route: Route,
  request: FastifyRequest,
): Promise<Answer> {
  const who = await authenticate(request.raw)
  const answer =
    who.kind === 'nobody' ? unknownCaller(bank, who.offered, who.why) : await run(bank, who, route, request)
  bank.log.info('answered', {
    method: route.method,
    route: route.url,
    who: who.kind === 'atm' ? who.atmId : who.kind === 'person' ? who.name : who.kind,
    status: answer.status,
    rc: answer.rc,
  })
  return answer
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
  if (typeof request.body !== 'string') return {why: 'there is no body of type application/json'}
  const read = readJson(request.body)
  return read.kind === 'refused' ? {why: read.why} : {json: read.json}
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
