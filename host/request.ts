/** An HTTP request taken apart: its path, its query, its key and its body, read as far as no route is needed for it. */
import type {FastifyRequest} from 'fastify'
import {isUtf8} from 'node:buffer'
import type {Call, Route} from './api/route.ts'
import {readJson} from '../kit/exact-json.ts'
import type {Json} from '../kit/exact-json.ts'

export type Parts = Omit<Call, 'bank' | 'who'>

/** `why` never repeats what was sent. */
export function partsOf(request: FastifyRequest, route: Route): Parts | {readonly why: string} {
  const query = queryOf(request.url)
  if (query === null) return {why: 'the query names a parameter twice'}
  const body = bodyOf(request, route)
  if ('why' in body) return body
  const header = request.headers['idempotency-key']
  return {
    path: parametersOf(request.params),
    query,
    keyHeader: typeof header === 'string' ? header : null,
    body: body.json,
  }
}

/** The body as it travelled; empty when there was none. */
export function contentOf({body}: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}

function bodyOf(request: FastifyRequest, route: Route): {readonly json: Json} | {readonly why: string} {
  if (route.request === null) return {json: null}
  const content = contentOf(request)
  if (content.length === 0) return {why: 'there is no body of type application/json'}
  if (!isUtf8(content)) return {why: 'the body is not UTF-8'}
  const read = readJson(content.toString('utf8'))
  return read.kind === 'refused' ? {why: read.why} : {json: read.json}
}

/** The parameters behind the question mark; null when one is named twice. */
function queryOf(url: string): Json | null {
  const query = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(url.split('?')[1] ?? '')) {
    if (query.has(name)) return null
    query.set(name, value)
  }
  return query
}

function parametersOf(params: unknown): Json {
  if (typeof params !== 'object' || params === null) return new Map()
  return new Map(
    Object.entries(params).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
