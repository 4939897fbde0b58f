/**
 * HTTP for pages that only this machine's own browser may see: loopback only, one origin, small bodies,
 * files read once at the start, and streams of server-sent events that a slow reader cannot make grow.
 */
import {readFileSync} from 'node:fs'
import {createServer} from 'node:http'
import type {IncomingMessage, RequestListener, Server, ServerResponse} from 'node:http'
import {assert} from '../../kit/assert.ts'
import {BadInput, SystemFault, reasonOf} from '../../kit/errors.ts'

/** Answers the request, or returns false and has not touched it. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => boolean

export interface RunningServer {
  /** `http://127.0.0.1:port/`. */
  readonly url: string
  close(): Promise<void>
}

export interface Listening {
  readonly host: '127.0.0.1'
  /** 0 lets the system choose. */
  readonly port: number
}

/** Chosen: requests here are a few hundred bytes from the same machine, so a slow one is broken or hostile. */
const REQUEST_TIMEOUT_MS = 5_000
const CONNECTIONS_MAX = 64
const HEADERS_BYTES_MAX = 16_384

const OWN_HOST = /^(?:127\.0\.0\.1|localhost):([0-9]{1,5})$/

/** Everything a page may load comes from its own origin; nothing may frame it from outside. */
const CONTENT_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

const COMMON_HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'SAMEORIGIN',
} as const

/** @throws SystemFault when the port cannot be had */
export async function listen(handler: Handler, where: Listening): Promise<RunningServer> {
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: REQUEST_TIMEOUT_MS,
      maxHeaderSize: HEADERS_BYTES_MAX,
    },
    answering(handler),
  )
  server.maxConnections = CONNECTIONS_MAX
  await listening(server, where)
  const address = server.address()
  assert(address !== null && typeof address === 'object', 'a listening server has no address')
  return {url: `http://${where.host}:${address.port}/`, close: () => closing(server)}
}

function answering(handler: Handler): RequestListener {
  return (request, response) => {
    const why = refusalOf(request)
    if (why !== null) answer(response, 403, why)
    else if (!handler(request, response)) answer(response, 404, 'nothing is here')
  }
}

function listening(server: Server, {host, port}: Listening): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', error => {
      reject(new SystemFault(`cannot listen on ${host}:${port}: ${reasonOf(error)}`, {cause: error}))
    })
    server.listen(port, host, resolve)
  })
}

function closing(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => {
      resolve()
    })
    server.closeAllConnections()
  })
}

/**
 * Why a request does not come from a page of ours, or null. A foreign site whose name was made to resolve to
 * this machine carries its own name in Host; one that merely posts here carries its own in Origin.
 */
export function refusalOf({headers, method, socket}: IncomingMessage): string | null {
  const port = OWN_HOST.exec(headers.host ?? '')?.[1]
  if (port === undefined || Number(port) !== socket.localPort) return 'the host is not this machine'
  const isReading = method === 'GET' || method === 'HEAD'
  if (headers.origin === undefined) return isReading ? null : 'a change needs an origin'
  return headers.origin === `http://${headers.host ?? ''}` ? null : 'the origin is not this machine'
}

/** Ends the response with a line of plain text, or without any for 204. */
export function answer(response: ServerResponse, status: number, text = ''): void {
  response.writeHead(status, {...COMMON_HEADERS, 'Content-Type': 'text/plain; charset=utf-8'})
  response.end(status === 204 ? undefined : `${text}\n`)
}

/** Ends the response with JSON. */
export function answerJson(response: ServerResponse, status: number, json: string): void {
  response.writeHead(status, {...COMMON_HEADERS, 'Content-Type': 'application/json'})
  response.end(json)
}

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
} as const

function endingOf(name: `${string}${keyof typeof TYPES}`): keyof typeof TYPES {
  return name.endsWith('.html') ? '.html' : name.endsWith('.css') ? '.css' : '.js'
}

/**
 * Serves the named files of one folder, read now and never again; `prefix` itself is `index.html`.
 * @param prefix begins and ends with a slash
 * @param framesOwn whether the pages may frame pages of their own origin
 */
export function pageFiles(
  folder: URL,
  prefix: string,
  names: readonly `${string}${keyof typeof TYPES}`[],
  framesOwn = false,
): Handler {
  const policy = framesOwn ? `${CONTENT_POLICY}; frame-src 'self'` : CONTENT_POLICY
  return fixedFiles(
    new Map(
      names.map(name => [
        name === 'index.html' ? prefix : prefix + name,
        {body: readFileSync(new URL(name, folder)), type: TYPES[endingOf(name)]},
      ]),
    ),
    policy,
  )
}

/** What is served under one address, read once. */
export interface FixedFile {
  readonly body: Buffer
  readonly type: string
}

/** A picture that a person named: `.svg` or `.png`. @throws BadInput when it cannot be read */
export function pictureFile(path: string): FixedFile {
  try {
    return {body: readFileSync(path), type: path.endsWith('.svg') ? 'image/svg+xml' : 'image/png'}
  } catch (thrown) {
    throw new BadInput(`${path}: ${reasonOf(thrown)}`, {cause: thrown})
  }
}

/** Serves these by their addresses, to be read alone. */
export function fixedFiles(files: ReadonlyMap<string, FixedFile>, policy = CONTENT_POLICY): Handler {
  return (request, response) => {
    const file = files.get(request.url ?? '')
    if (file === undefined) return false
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(response, 405, 'this can only be read')
      return true
    }
    response.writeHead(200, {
      ...COMMON_HEADERS,
      'Content-Security-Policy': policy,
      'Content-Type': file.type,
      'Content-Length': file.body.length,
    })
    response.end(request.method === 'HEAD' ? undefined : file.body)
    return true
  }
}

/**
 * Hands over the body of a JSON request, or answers for itself: 415 when it is no JSON, 413 when it is larger
 * than `bytesMax`. A body that never ends is ended by the server's request timeout.
 */
export function withBody(
  request: IncomingMessage,
  response: ServerResponse,
  bytesMax: number,
  use: (text: string) => void,
): void {
  if (request.headers['content-type'] !== 'application/json') {
    answer(response, 415, 'the body is not application/json')
    return
  }
  const chunks: Buffer[] = []
  let lengthBytes = 0
  request.on('data', (chunk: Buffer) => {
    lengthBytes += chunk.length
    if (lengthBytes <= bytesMax) chunks.push(chunk)
    else if (!response.headersSent) {
      response.setHeader('Connection', 'close')
      answer(response, 413, `the body is larger than ${bytesMax} bytes`)
    }
  })
  request.on('end', () => {
    if (lengthBytes <= bytesMax) use(Buffer.concat(chunks).toString('utf8'))
  })
  // A request that broke off wants no answer.
  request.on('error', () => {
    chunks.length = 0
  })
}

/** What one reader has not seen yet as one event's JSON, or null when it has seen everything. */
export type Unseen = () => string | null

interface Reader {
  readonly response: ServerResponse
  readonly unseen: Unseen
  isBlocked: boolean
}

/**
 * Streams of server-sent events. A reader that does not keep up is simply asked later: what it has not seen
 * is made when there is room for it, so nothing piles up.
 */
export class EventStreams {
  readonly #readersMax: number
  readonly #readers = new Set<Reader>()

  constructor(readersMax: number) {
    this.#readersMax = readersMax
  }

  /** Begins a stream, with what the reader has not seen. */
  open(response: ServerResponse, unseen: Unseen): void {
    if (this.#readers.size >= this.#readersMax) {
      answer(response, 503, 'too many readers')
      return
    }
    const reader: Reader = {response, unseen, isBlocked: false}
    this.#readers.add(reader)
    response.writeHead(200, {...COMMON_HEADERS, 'Content-Type': 'text/event-stream'})
    response.on('close', () => this.#readers.delete(reader))
    response.on('drain', () => {
      reader.isBlocked = false
      tell(reader)
    })
    // Reconnect soon: the far end is this machine.
    response.write('retry: 500\n\n')
    tell(reader)
  }

  /** Something changed: every reader with room gets what it has not seen. */
  changed(): void {
    for (const reader of this.#readers) tell(reader)
  }

  close(): void {
    for (const {response} of this.#readers) response.end()
    this.#readers.clear()
  }
}

function tell(reader: Reader): void {
  if (reader.isBlocked) return
  const json = reader.unseen()
  if (json !== null) reader.isBlocked = !reader.response.write(`data: ${json}\n\n`)
}
