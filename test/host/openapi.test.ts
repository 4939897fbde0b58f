/** The document of the API: whole, true to the routes, and readable. Every other suite holds its answers against it. */
import t from 'tap'
import {DOCUMENT, faultsOf, plain, undocumented} from './document.ts'
import {openBench, send} from './bench.ts'
import {PROBLEMS, problemNames} from '../../host/api/answer.ts'
import {problemsOf} from '../../host/api/openapi.ts'
import {routes} from '../../host/api/routes.ts'
import {openapiText} from '../../host/documents.ts'
import {readJson} from '../../kit/exact-json.ts'

const PATHS = plain(DOCUMENT['paths'])

/** Every object inside a value, with the way to it. */
function objectsIn(
  value: unknown,
  where = '#',
): {where: string; object: Readonly<Record<string, unknown>>}[] {
  if (Array.isArray(value)) return value.flatMap((item, at) => objectsIn(item, `${where}/${at}`))
  if (typeof value !== 'object' || value === null) return []
  const object = plain(value)
  return [
    {where, object},
    ...Object.entries(object).flatMap(([name, inner]) => objectsIn(inner, `${where}/${name}`)),
  ]
}

t.test('every route is in the document, and nothing else is', async t => {
  const documented = Object.entries(PATHS).flatMap(([url, item]) =>
    Object.keys(plain(item)).map(method => `${method.toUpperCase()} ${url}`),
  )
  t.same(documented.sort(), routes.map(({method, url}) => `${method} ${url}`).sort())
  t.equal(new Set(routes.map(({name}) => name)).size, routes.length, 'one name each')
})

t.test('the document has the structure of OpenAPI 3.1', async t => {
  t.equal(readJson(openapiText()).kind, 'json')
  t.equal(DOCUMENT['openapi'], '3.1.0')
  t.match(DOCUMENT['info'], {title: /./, version: /./})
  const groups = new Set(objectsIn(DOCUMENT['tags']).map(({object}) => object['name']))
  for (const route of routes) {
    const operation = plain(plain(PATHS[route.url])[route.method.toLowerCase()])
    t.match(operation, {operationId: route.name, summary: /./, description: /./}, route.name)
    t.ok(
      Array.isArray(operation['tags']) && operation['tags'].every(tag => groups.has(tag)),
      `${route.name}: its tags`,
    )
    const inPath = [...route.url.matchAll(/\{([a-z_]+)\}/g)].map(([, name]) => name)
    const parameters = objectsIn(operation['parameters']).map(({object}) => object)
    t.same(
      parameters.filter(each => each['in'] === 'path').map(({name, required}) => [name, required]),
      inPath.map(name => [name, true]),
      `${route.name}: the parameters of its path`,
    )
    t.equal('requestBody' in operation, route.request !== null)
    const responses = plain(operation['responses'])
    t.same(
      Object.keys(responses).sort(),
      ['200', ...new Set(problemsOf(route).map(name => PROBLEMS[name][0].toString()))].sort(),
      `${route.name}: every status`,
    )
    for (const name of problemsOf(route))
      t.match(
        JSON.stringify(responses[PROBLEMS[name][0].toString()]),
        `"urn:tellerd:problem:${name}"`,
        `${route.name}: the problem ${name}`,
      )
  }
})

t.test('whatever is referred to is there, and whatever is there is referred to', async t => {
  const schemas = plain(plain(DOCUMENT['components'])['schemas'])
  const referred = objectsIn(DOCUMENT).flatMap(({object}) =>
    typeof object['$ref'] === 'string' ? [object['$ref']] : [],
  )
  t.same(
    [...new Set(referred)].sort(),
    Object.keys(schemas)
      .map(name => `#/components/schemas/${name}`)
      .sort(),
  )
  for (const {where, object} of objectsIn(DOCUMENT))
    if (typeof object['pattern'] === 'string')
      t.ok(new RegExp(object['pattern'], 'u'), `${where}: a pattern of JSON Schema`)
  t.ok(Object.keys(schemas).length > 40, `${Object.keys(schemas).length} messages have a name`)
})

t.test('requests are closed, answers may grow', async t => {
  const closed = {
    type: 'object',
    properties: {amount: {type: 'number', minimum: 0}},
    additionalProperties: false,
  }
  t.same(faultsOf({amount: 1, more: 2}, closed, 'it'), ['it has more'])
  t.same(
    faultsOf({amount: -1}, closed, 'it'),
    ['it.amount is below 0'],
    'the validator of these suites can refuse',
  )
  const schemas = plain(plain(DOCUMENT['components'])['schemas'])
  t.equal(plain(schemas['WithdrawRequest'])['additionalProperties'], false)
  t.notOk('additionalProperties' in plain(schemas['WithdrawAnswer']))
})

t.test('an answer that the document does not know is noticed', async t => {
  const balance = {account_id: '1', balance: 10.5}
  const ask = (json: unknown, status = 200, type = 'application/json') =>
    undocumented('GET', '/api/accounts/1/balance', {status, type, json})
  t.same(ask(balance), [])
  t.not(ask({...balance, balance: '10.50'}).length, 0, 'another type')
  t.not(ask({account_id: '1'}).length, 0, 'a field less')
  t.not(ask(balance, 201).length, 0, 'another status')
  t.not(ask(balance, 200, 'text/html').length, 0, 'another content type')
  t.not(undocumented('GET', '/api/secret', {status: 200, type: 'application/json', json: {}}).length, 0)
})

t.test('every problem belongs to a route, or to none because no route was found', async t => {
  const used = new Set(routes.flatMap(problemsOf))
  t.same(
    problemNames.filter(name => !used.has(name)),
    ['no-route', 'wrong-method'],
  )
})

t.test('document and page are served to anybody, with nothing from elsewhere', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const document = await bench.app.inject('/api/openapi.json')
  t.equal(document.statusCode, 200)
  t.match(document.headers['content-type'], /^application\/json/)
  t.equal(document.body, openapiText())
  const page = await bench.app.inject('/api/docs')
  t.match(page.headers['content-type'], /^text\/html/)
  t.match(page.headers['content-security-policy'], "default-src 'none'")
  t.notMatch(
    page.body,
    /https?:|<script|<style|style=/,
    'no script, no style of its own, nothing from outside',
  )
  for (const {name, url} of routes) {
    t.match(page.body, `<h3 id="${name}">`)
    t.match(page.body, `${url}</code>`)
  }
  for (const name of problemNames) t.match(page.body, `id="problem-${name}"`)
  const links = [...page.body.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id ?? '')
  for (const id of new Set(links)) t.match(page.body, `id="${id}"`, `the link to ${id} leads somewhere`)
  t.equal((await send(bench, 'POST', '/api/docs', '{}')).status, 404, 'a page is not posted to')
})
