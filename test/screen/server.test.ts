/** The screen's server: what it serves, and everything it refuses. */
import {readFileSync} from 'node:fs'
import {request as httpRequest} from 'node:http'
import {connect} from 'node:net'
import {join} from 'node:path'
import t from 'tap'
import type {Test} from 'tap'
import {present} from '../../kit/assert.ts'
import {readJson} from '../../kit/exact-json.ts'
import type {Json} from '../../kit/exact-json.ts'
import {silentLog} from '../../kit/log.ts'
import {Section} from '../../kit/section.ts'
import {INKS, NO_BRAND, brandFrom, contrastOf} from '../../src/screen/brand.ts'
import {EMPTY_DESK} from '../../src/screen/desk.ts'
import {listen} from '../../src/screen/local-http.ts'
import {ScreenPages} from '../../src/screen/server.ts'
import {startScreenServer} from '../../src/screen/server.ts'
import type {ScreenSource} from '../../src/screen/source.ts'
import {view} from '../../src/screen/view.ts'
import {during} from './samples.ts'

/** A screen that a test turns by hand. */
class HandScreen implements ScreenSource {
  readonly chosen: string[] = []
  digits = ''
  #tell: () => void = () => undefined

  current() {
    return view('choosingAmount', during({}), {...EMPTY_DESK, amountDigits: this.digits})
  }
  onChange(listener: () => void) {
    this.#tell = listener
    return () => undefined
  }
  choose(id: string) {
    this.chosen.push(id)
  }
  type(digits: string) {
    this.digits = digits
    this.#tell()
  }
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

function ask(url: string, {method = 'GET', headers = {}, body = ''}: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {method, headers}, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => {
        resolve({status: response.statusCode ?? 0, headers: response.headers, body: text})
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** The first `count` events of a stream, as parsed JSON. */
function events(url: string, count: number, onFirst: () => void): Promise<readonly unknown[]> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        const wasEmpty = !text.includes('data:')
        text += chunk
        const seen = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]): unknown => JSON.parse(json ?? ''))
        if (wasEmpty && seen.length > 0) onFirst()
        if (seen.length < count) return
        request.destroy()
        resolve(seen)
      })
    })
    request.on('error', reject)
    request.end()
  })
}

async function started(t: Test) {
  const source = new HandScreen()
  const pages = new ScreenPages(source, silentLog)
  const server = await listen(pages.handle, {host: '127.0.0.1', port: 0})
  t.teardown(async () => {
    pages.close()
    await server.close()
  })
  const origin = server.url.slice(0, -1)
  const touch = (body: string, headers: Readonly<Record<string, string>> = {}) =>
    ask(`${origin}/screen/choice`, {
      method: 'POST',
      headers: {'content-type': 'application/json', origin, ...headers},
      body,
    })
  return {source, pages, origin, touch}
}

t.test('the page comes with a policy that allows nothing from elsewhere', async t => {
  const {origin} = await started(t)
  const page = await ask(`${origin}/screen/`)
  t.equal(page.status, 200)
  t.match(page.headers['content-type'], 'text/html')
  const policy = String(page.headers['content-security-policy'])
  for (const part of [
    "default-src 'none'",
    "script-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'self'",
  ])
    t.match(policy, part)
  t.notMatch(policy, /unsafe|https?:|\*/)
  t.notMatch(page.body, /\son\w+=|style="|<script>|https?:\/\//, 'nothing inline, nothing from outside')
  for (const name of ['screen.css', 'tokens.css', 'brand.css', 'screen.js', 'still.js'])
    t.equal((await ask(`${origin}/screen/${name}`)).status, 200, name)
  t.equal((await ask(`${origin}/screen/../server.ts`)).status, 404)
  t.equal((await ask(`${origin}/screen/%2e%2e/server.ts`)).status, 404)
  t.equal((await ask(`${origin}/screen`)).status, 308)
  t.equal((await ask(`${origin}/screen/`, {method: 'POST', headers: {origin}})).status, 405)
})

t.test('the live view begins with the present one and goes on with every change', async t => {
  const {source, origin} = await started(t)
  const seen = await events(`${origin}/screen/view`, 2, () => {
    source.type('12')
  })
  t.match(seen, [
    {screen: 'choosingAmount', seq: 1, entry: {text: '€0'}},
    {seq: 2, entry: {text: '€12'}},
  ])
  t.notMatch(JSON.stringify(seen), /"event"/, 'events stay on this side')
})

t.test('a touch counts once, on the view that it was made on', async t => {
  const {source, pages, touch} = await started(t)
  t.equal((await touch('{"screen":"choosingAmount","seq":1,"id":"amount-6000"}')).status, 204)
  t.same(source.chosen, ['amount-6000'])
  source.type('12')
  t.equal((await touch('{"screen":"choosingAmount","seq":1,"id":"amount-6000"}')).status, 409, 'an old view')
  t.equal((await touch('{"screen":"idle","seq":2,"id":"amount-6000"}')).status, 409, 'another screen')
  t.equal(
    (await touch('{"screen":"choosingAmount","seq":2,"id":"amount-999"}')).status,
    404,
    'no such choice',
  )
  for (const body of [
    '',
    '{',
    '[]',
    '{"seq":2,"id":"cancel"}',
    '{"screen":1,"seq":2,"id":"cancel"}',
    '{"screen":"choosingAmount","seq":"2","id":"cancel"}',
  ])
    t.equal((await touch(body)).status, 400, body)
  t.same(source.chosen, ['amount-6000'], 'none of them did anything')
  t.equal(
    (await touch('{"screen":"choosingAmount","seq":2,"id":"look"}')).status,
    204,
    'the look is always offered',
  )
  t.same(pages.ignored, {stale: 2, unknown: 1, malformed: 6})
})

t.test('what comes from elsewhere is refused', async t => {
  const {source, origin, touch} = await started(t)
  const good = '{"screen":"choosingAmount","seq":1,"id":"cancel"}'
  t.equal((await touch(good, {origin: 'http://evil.example'})).status, 403, 'a foreign page')
  t.equal((await touch(good, {origin: 'null'})).status, 403, 'a page that hides where it is from')
  t.equal((await touch(good, {origin: origin.replace('http:', 'https:')})).status, 403)
  t.equal((await touch(good, {host: 'evil.example'})).status, 403, 'a name that was made to point here')
  t.equal((await touch(good, {host: '127.0.0.1:1'})).status, 403, 'another port')
  const bare = {method: 'POST', headers: {'content-type': 'application/json'}, body: good}
  t.equal((await ask(`${origin}/screen/choice`, bare)).status, 403, 'nobody says where it is from')
  t.equal((await ask(`${origin}/screen/`, {headers: {host: 'evil.example'}})).status, 403)
  t.equal((await ask(`${origin}/screen/view`, {headers: {origin: 'http://evil.example'}})).status, 403)
  t.equal((await touch(good, {'content-type': 'text/plain'})).status, 415, 'a form can send that')
  t.same(source.chosen, [])
})

t.test('a body larger than a touch is refused, however it comes', async t => {
  const {source, origin, touch} = await started(t)
  t.equal((await touch(`{"screen":"${'x'.repeat(600)}"}`)).status, 413)
  const port = Number(new URL(origin).port)
  const answered = await new Promise<string>(resolve => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(
        `POST /screen/choice HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: ${origin}\r\n` +
          'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
      )
      for (let chunk = 0; chunk < 40; chunk++) socket.write(`64\r\n${'x'.repeat(100)}\r\n`)
    })
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      resolve(text)
    })
  })
  t.match(answered, /^HTTP\/1\.1 413 /, 'and the connection ends although the body never does')
  t.same(source.chosen, [])
})

t.test('readers are bounded', async t => {
  const {origin} = await started(t)
  const readers = Array.from({length: 16}, () => {
    const request = httpRequest(`${origin}/screen/view`)
    const isOpen = new Promise(resolve => request.on('response', resolve))
    request.on('error', () => undefined)
    request.end()
    return {request, isOpen}
  })
  await Promise.all(readers.map(({isOpen}) => isOpen))
  t.equal((await ask(`${origin}/screen/view`)).status, 503)
  for (const {request} of readers) request.destroy()
})

t.test('the server of its own', async t => {
  const server = await startScreenServer(new HandScreen(), {host: '127.0.0.1', port: 0}, silentLog)
  t.match(server.url, /^http:\/\/127\.0\.0\.1:[0-9]+\/screen\/$/)
  t.equal((await ask(server.url)).status, 200)
  const port = Number(present(new URL(server.url).port, 'port'))
  await t.rejects(startScreenServer(new HandScreen(), {host: '127.0.0.1', port}, silentLog), {
    name: 'SystemFault',
  })
  await server.close()
  await t.rejects(ask(server.url), 'closed')
})

t.test('an operator has a name, colours and a logo on the screen, if they can be read', async t => {
  const brandOf = (operator: object) =>
    brandFrom(new Section('', present(jsonOf({operator}), 'settings'), 'setting'))
  t.same(brandFrom(new Section('', new Map(), 'setting')), NO_BRAND)
  t.throws(() => brandOf({accent: 'red'}), {message: 'operator: accent must be a colour such as #0a5a6e'})
  t.throws(() => brandOf({accent: '#ff8800'}), {
    message: /^operator: accent has a contrast of 2\.\d to #ffffff/,
  })
  t.throws(() => brandOf({ground: '#c0c0c0'}), {message: /^operator: ground has a contrast of \d\.\d to #/})
  t.throws(() => brandOf({accent: '#0a5a6e', ground: '#f0f0d8', name: ''}), {message: /name must be/})
  t.throws(() => brandOf({logoPath: 'logo.exe'}), {message: /logoPath must be/})
  t.throws(() => brandOf({colour: '#000000'}), {message: 'operator: colour is no setting'})
  t.equal(contrastOf('#000000', '#ffffff'), 21)
  const tokens = readFileSync(new URL('../../src/screen/page/tokens.css', import.meta.url), 'utf8')
  for (const ink of INKS) t.match(tokens, ink, 'the inks are those of the page')

  const logoPath = join(t.testdir({'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>'}), 'logo.svg')
  const brand = brandOf({name: 'Bank of Nowhere', accent: '#5a0a3c', logoPath})
  const pages = new ScreenPages(new HandScreen(), silentLog, brand)
  const server = await listen(pages.handle, {host: '127.0.0.1', port: 0})
  t.teardown(async () => {
    pages.close()
    await server.close()
  })
  t.match((await ask(`${server.url}screen/brand.css`)).body, '--accent: #5a0a3c')
  const logo = await ask(`${server.url}screen/logo`)
  t.equal(logo.headers['content-type'], 'image/svg+xml')
  t.match(
    logo.headers['content-security-policy'],
    "default-src 'none'",
    'a picture that brings a script runs none',
  )
  const [seen] = await events(`${server.url}screen/view`, 1, () => undefined)
  t.match(seen, {operator: {name: 'Bank of Nowhere', hasLogo: true}})
  t.throws(() => new ScreenPages(new HandScreen(), silentLog, {...brand, logoPath: '/nowhere/logo.svg'}), {
    name: 'BadInput',
  })
})

function jsonOf(value: object): Json | null {
  const read = readJson(JSON.stringify(value))
  return read.kind === 'json' ? read.json : null
}
