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
import {closedTo} from './api/route.ts'
import type {Route} from './api/route.ts'
import type {Bank} from './bank.ts'
import {DOCUMENT_HEADERS, documents} from './documents.ts'
import type {MessageSeal} from './guard/messages.ts'
import type {Authenticate, Authenticated, Guest, Identity} from './identity.ts'
import {contentOf, partsOf} from './request.ts'
import {Contended} from './store/port.ts'
import {AssertionFailed, present} from '../kit/assert.ts'
import {codeOf, reasonOf} from '../kit/errors.ts'

export type ServerFactory = (listener: (request: IncomingMessage, response: ServerResponse) => void) => Server

/** The way in from a network. */
export interface Door {
  /** Makes the server that `listen` starts. */
  readonly serverFactory: ServerFactory
  /** Nothing of a machine is done without it. */
  readonly messages: MessageSeal
}

/** Longest parameter of a path: the id of a difference. */
const PARAMETER_CHARS_MAX = 220

/** @param door without it the app is driven by `inject` */
export function buildApp(bank: Bank, authenticate: Authenticate, door?: Door): FastifyInstance {
  const app = Fastify({
    // Ours is injected, and a framework's request log would hold card data sooner or later.
    logger: false,
    routerOptions: {maxParamLength: PARAMETER_CHARS_MAX},
    frameworkErrors: (_, __, reply) => {
      send(reply, problemOf('malformed', 'the path is not well written'))
    },
    ...(door === undefined ? {} : {serverFactory: door.serverFactory}),
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', {parseAs: 'buffer'}, (_, bytes, done) => {
    done(null, bytes)
  })
  app.setNotFoundHandler(notFound)
  app.setErrorHandler((thrown, request, reply) => send(reply, answerOfFault(bank, thrown, request)))
  for (const route of routes) serve(app, bank, authenticate, door?.messages ?? null, route)
  // For whoever asks: there is nothing in them that is not in the source.
  for (const {url, contentType, content} of documents)
    app.get(url, async (_, reply) => reply.headers(DOCUMENT_HEADERS).type(contentType).send(content()))
  return app
}

function serve(
  app: FastifyInstance,
  bank: Bank,
  authenticate: Authenticate,
  messages: MessageSeal | null,
  route: Route,
): void {
  app.route({
    method: route.method,
    url: pattern(route.url),
    bodyLimit: route.bodyBytesMax,
    handler: async (request, reply) => {
      const who = await authenticate(request.raw)
      const {answer, headers} = await answerTo(bank, messages, who, route, request)
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
}

/** `/api/users/{user_id}` as the router writes it. */
function pattern(url: string): string {
  return url.replaceAll(/\{([a-z_]+)\}/g, ':$1')
}

/** Nothing is there, or something that is asked in another way. Paths are looked through only then. */
function notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const [path = ''] = request.url.split('?')
  const methods = routes
    .filter(({url}) => new RegExp(`^${url.replaceAll(/\{[a-z_]+\}/g, '[^/]+')}$`).test(path))
    .map(({method}) => method)
  if (methods.length === 0) return send(reply, problemOf('no-route', 'this path is not served'))
  const allowed = methods.flatMap(method => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return send(
    reply.header('allow', allowed.join(', ')),
    problemOf('wrong-method', `this path is asked with ${allowed.join(' or ')}`),
  )
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
  const closed = closedTo(route, who)
  if (closed !== null) return closed
  const parts = partsOf(request, route)
  return 'why' in parts ? problemOf('malformed', parts.why) : route.run({bank, who, ...parts})
}

function unknownCaller(bank: Bank, offered: 'certificate' | 'token', why: string): Answer {
  bank.log.warn('a caller was refused', {why})
  return offered === 'token'
    ? problemOf('not-signed-in', 'the session is over, or never was')
    : problemOf('unknown-caller', 'the certificate is not one of an active machine')
}

/**
 * What failed took its transaction with it, or committed it and lost the answer; either way the request is what
 * stops, our own mistakes included: one bad request must not take the bank from every other machine.
 */
function answerOfFault(bank: Bank, thrown: unknown, request: FastifyRequest): Answer {
  const code = codeOf(thrown)
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return problemOf('too-large', `more than ${request.routeOptions.bodyLimit} bytes`)
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return problemOf('wrong-type', 'a body here is application/json')
  if (code?.startsWith('FST_ERR_') === true)
    return problemOf('malformed', 'the request is not HTTP with a JSON body')
  if (thrown instanceof Contended) {
    bank.log.warn('a request met another', {route: request.routeOptions.url ?? 'none', why: reasonOf(thrown)})
    return problemOf('in-progress', 'ask again under the same key')
  }
  bank.log.error('a request failed', {
    route: request.routeOptions.url ?? 'none',
    why: reasonOf(thrown),
    isOurMistake: thrown instanceof AssertionFailed,
  })
  // Not "nothing was changed": a commit whose answer was lost may have been one.
  return problemOf('fault', 'ask again under the same key')
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply
    .code(answer.status)
    .headers({'cache-control': 'no-store', 'x-content-type-options': 'nosniff'})
    .type(answer.contentType)
    .send(answer.text)
}
