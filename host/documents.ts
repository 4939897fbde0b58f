/** The pages and documents that the bank serves beside its API. Read or made once, when somebody asks. */
import {readFileSync} from 'node:fs'
import {docsPage} from './api/docs.ts'
import * as guard from './api/guard-schema.ts'
import * as office from './api/office-schema.ts'
import {openapi} from './api/openapi.ts'
import {routes} from './api/routes.ts'
import * as schema from './api/schema.ts'
import type {Shape} from './api/shape.ts'
import {writeJson} from '../kit/exact-json.ts'

export interface Document {
  readonly url: string
  readonly contentType: string
  readonly content: () => string
}

const HTML = 'text/html; charset=utf-8'
const JS = 'text/javascript; charset=utf-8'
const FILES = [
  ['/', 'index.html', HTML],
  ['/office.css', 'office.css', 'text/css; charset=utf-8'],
  ['/office.js', 'office.js', JS],
  ['/views.js', 'views.js', JS],
  ['/fleet.js', 'fleet.js', JS],
  ['/cases.js', 'cases.js', JS],
  ['/accounts.js', 'accounts.js', JS],
  ['/alerts.js', 'alerts.js', JS],
  ['/draw.js', 'draw.js', JS],
  ['/decide.js', 'decide.js', JS],
  ['/link.js', 'link.js', JS],
] as const

/** Nothing from elsewhere, nothing inline, nowhere in a frame. */
export const DOCUMENT_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
} as const

export const documents: readonly Document[] = [
  {url: '/api/openapi.json', contentType: 'application/json', content: once(openapiText)},
  {url: '/api/docs', contentType: HTML, content: once(() => docsPage(routes))},
  ...FILES.map(([url, name, contentType]) => ({
    url,
    contentType,
    content: once(() => readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8')),
  })),
]

function once(make: () => string): () => string {
  let made: string | null = null
  return () => (made ??= make())
}

/** The OpenAPI document of this bank. */
export function openapiText(): string {
  const exported: Readonly<Record<string, unknown>> = {...schema, ...office, ...guard}
  const named = Object.entries(exported).flatMap(([name, each]) =>
    isShape(each) ? [[name, each.schema] as const] : [],
  )
  return writeJson(openapi(routes, Object.fromEntries(named)))
}

function isShape(exported: unknown): exported is Shape<unknown> {
  return typeof exported === 'object' && exported !== null && 'schema' in exported && 'decode' in exported
}
