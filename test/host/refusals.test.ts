/** Every endpoint with everything that it must refuse: callers, paths, queries, bodies, keys. Driven by the route table. */
import {connect} from 'node:net'
import t from 'tap'
import {ATM, TELLER, freshKey, openBench, openVisit, send} from './bench.ts'
import type {Bench, Reply} from './bench.ts'
import {buildApp} from '../../host/app.ts'
import {routes} from '../../host/api/routes.ts'
import type {Route} from '../../host/api/route.ts'
import {ROLES, isRole} from '../../host/guard/roles.ts'
import {isAmong} from '../../host/identity.ts'
import type {Guest, Identity} from '../../host/identity.ts'

/** A value for every parameter of a path, of the machine that calls. */
const PARAMETERS: Readonly<Record<string, string>> = {
  account_id: '12345',
  atm_id: ATM,
  key: `${ATM}:2026-11-22:999999`,
  user_id: 'u1',
  card_id: 'c1',
  business_date: '2026-11-22',
  difference_id: 'none',
  alert_id: 'none',
}

function pathOf({url}: Route): string {
  return url.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => PARAMETERS[name] ?? 'missing')
}

/** Somebody to whom the route is open. */
function callerOf(route: Route): Identity | Guest {
  if (isAmong(route.callers, {kind: 'guest'})) return {kind: 'guest'}
  return CALLERS.find(who => isAmong(route.callers, who)) ?? {kind: 'guest'}
}

const CALLERS: readonly Identity[] = [
  {kind: 'atm', atmId: ATM},
  ...Object.keys(ROLES)
    .filter(isRole)
    .map(role => ({kind: 'person' as const, name: `a-${role}`, roles: [role]})),
]

function problemIn({json}: Reply): string {
  return String(json['type']).replace('urn:tellerd:problem:', '')
}

/** Everything the bank has, to see that nothing of it moved. */
async function everything({bank}: Bench): Promise<string> {
  return bank.store.read(async tx =>
    JSON.stringify([await tx.accounts.list(), await tx.ledger.postings(), await tx.operations.all()]),
  )
}

t.test('who may call what', async t => {
  const bench = await openVisit()
  t.teardown(() => bench.close())
  for (const route of routes)
    for (const who of [...CALLERS, {kind: 'guest'} as const]) {
      const body = route.request === null ? null : '[]'
      const reply = await send(bench, route.method, pathOf(route), body, {who, key: `"${freshKey()}"`})
      const name = `${route.name} for ${who.kind === 'person' ? who.roles.join() : who.kind}`
      if (isAmong(route.callers, who)) t.notOk([401, 403].includes(reply.status), `${name} is open`)
      else if (who.kind === 'guest') t.same([reply.status, problemIn(reply)], [401, 'not-signed-in'], name)
      else t.same([reply.status, problemIn(reply)], [403, 'not-you'], name)
    }
})

t.test('bodies that no endpoint takes', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const before = await everything(bench)
  const bodies: readonly (readonly [
    name: string,
    body: string | Uint8Array | null,
    status: number,
    type?: string,
  ])[] = [
    ['none', null, 400],
    ['an empty one', '', 400],
    ['no JSON', 'amount=10', 400],
    ['half of one', '{"amount":10.', 400],
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['a field nobody knows', '{"no_such_field":1}', 400],
    ['a field twice', '{"amount":1,"amount":1}', 400],
    ['NaN', '{"amount":NaN}', 400],
    ['something behind it', '{} {}', 400],
    ['text that is not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d), 400],
    ['a byte-order mark', '\ufeff{}', 400],
    ['deep nesting', '['.repeat(5_000), 400],
    ['another content type', '{}', 415, 'text/plain'],
    ['a form', 'amount=10', 415, 'application/x-www-form-urlencoded'],
    ['10 MB', `{"amount":"${'9'.repeat(10_000_000)}"}`, 413],
  ]
  for (const route of routes.filter(({request}) => request !== null))
    for (const [name, body, status, type] of bodies) {
      const options = {who: callerOf(route), key: `"${freshKey()}"`, ...(type === undefined ? {} : {type})}
      const reply = await send(bench, route.method, pathOf(route), body, options)
      t.same([reply.status, reply.type], [status, 'application/problem+json'], `${route.name}: ${name}`)
      t.equal(reply.json['retry'], 'never')
    }
  t.equal(await everything(bench), before, 'nothing has moved')
})

t.test('a known path asked in another way', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  for (const [url, own] of Map.groupBy(routes, each => each.url)) {
    const [route] = own
    if (route === undefined) continue
    const methods = own.map(({method}) => method)
    for (const method of ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'] as const) {
      if (methods.some(each => each === method)) continue
      const reply = await send(bench, method, pathOf(route), null, {who: TELLER})
      t.same([reply.status, problemIn(reply)], [405, 'wrong-method'], `${method} ${url}`)
    }
    const raw = await bench.app.inject({method: 'DELETE', url: pathOf(route)})
    t.same(
      new Set(
        String(raw.headers['allow'])
          .split(', ')
          .filter(each => each !== 'HEAD'),
      ),
      new Set(methods),
      `${url} says how it may be asked`,
    )
  }
})

t.test('paths and queries that cannot be', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const refused = async (path: string, status: number, who: Identity = TELLER) => {
    const reply = await send(bench, 'GET', path, null, {who})
    t.same([reply.status, reply.type], [status, 'application/problem+json'], path)
  }
  await refused('/api/nothing', 404)
  await refused('/api/accounts/12345/balance/more', 404)
  await refused('/api/accounts/%27%20OR%201/balance', 400)
  await refused('/api/accounts/%zz/balance', 400)
  await refused('/api/accounts/%ff/balance', 400)
  await refused(`/api/accounts/${'9'.repeat(300)}/balance`, 400)
  await refused(`/api/accounts/${'9'.repeat(40)}/balance`, 400)
  await refused('/api/accounts//balance', 400)
  await refused('/api/accounts/12345/balance?currency=EUR', 400)
  for (const query of [
    'limit=0',
    'limit=201',
    'limit=1e2',
    'limit=-1',
    'limit=',
    'limit=10&limit=10',
    'after=!',
    'after=abc',
    'after=WyIxIiwiMiJd',
    'sort=name',
  ])
    await refused(`/api/accounts?${query}`, 400)
  await refused('/api/transactions?transaction_type=gift', 400)
  await refused('/api/transactions?from=yesterday', 400)
})

/** The three calls that move money, each with the rest of a good body. */
const MOVING = [
  ['withdraw', ''],
  ['deposit', ''],
  ['transfer', ',"target_account_id":"12346"'],
] as const

t.test('amounts that are none, in every call that moves money', async t => {
  const bench = await openVisit()
  t.teardown(() => bench.close())
  const before = await everything(bench)
  const amounts: readonly (readonly [amount: string, status: number, rc: string, says: RegExp])[] = [
    ['-10.00', 400, '30', /below zero/],
    ['-0', 400, '30', /below zero/],
    ['0', 422, '13', /nothing/],
    ['0.00', 422, '13', /nothing/],
    ['10.001', 422, '13', /more than 2 digits/],
    ['0.30000000000000004', 400, '30', /more than 4 digits/],
    ['1e2', 400, '30', /exponent/],
    ['1E-2', 400, '30', /exponent/],
    ['1000000000', 400, '30', /more than 9 digits/],
    ['9'.repeat(400), 400, '30', /more than 9 digits/],
    ['"10.00"', 400, '30', /is text/],
    ['true', 400, '30', /no number/],
    ['null', 400, '30', /no number/],
    ['[10]', 400, '30', /no number/],
    ['{"value":10}', 400, '30', /no number/],
    ['NaN', 400, '30', /no JSON value/],
    ['Infinity', 400, '30', /no JSON value/],
    ['010', 400, '30', /does not end|JSON/],
    ['+10', 400, '30', /no JSON value/],
    ['.5', 400, '30', /no JSON value/],
    ['10.', 400, '30', /does not end|JSON/],
    ['0x10', 400, '30', /does not end|JSON/],
    ['1,000', 400, '30', /no string|JSON/],
  ]
  for (const [call, rest] of MOVING)
    for (const who of [TELLER, {kind: 'atm', atmId: ATM} as const])
      for (const [amount, status, rc, says] of amounts) {
        const body = `{"amount":${amount}${rest}}`
        const reply = await send(bench, 'POST', `/api/accounts/12345/${call}`, body, {
          who,
          key: `"${freshKey()}"`,
        })
        t.same(
          [reply.status, reply.json['rc']],
          [status, rc],
          `${call} of ${amount.slice(0, 20)} by ${who.kind}`,
        )
        t.match(reply.json['detail'], says)
      }
  t.equal(await everything(bench), before, 'nothing has moved')
})

t.test('money asked for at the wrong place', async t => {
  const bench = await openVisit()
  t.teardown(() => bench.close())
  await bench.bank.store.transact(async tx => {
    await tx.atms.setStatus('ATM999', 'inactive')
    await tx.accounts.put({
      accountId: 'usd1',
      userId: 'u1',
      accountType: 'savings',
      currency: 'USD',
      createdAt: '2026-11-22T11:00:00Z',
    })
  })
  const machine: Identity = {kind: 'atm', atmId: ATM}
  const cases: readonly (readonly [
    name: string,
    who: Identity,
    account: string,
    fields: string,
    status: number,
    problem: string,
  ])[] = [
    ['an unknown account', TELLER, '99999', '', 404, 'unknown-account'],
    ['an unknown machine', TELLER, '12345', ',"atm_id":"NONE"', 404, 'unknown-atm'],
    ['a machine that is switched off', TELLER, '12345', ',"atm_id":"ATM999"', 422, 'atm-inactive'],
    ['no machine', TELLER, '12345', ',"atm_id":"a machine"', 400, 'malformed'],
    ['another machine in the body', machine, '12345', ',"atm_id":"ATM999"', 403, 'not-you'],
    ['another currency', TELLER, '12345', ',"currency":"USD"', 422, 'amount-invalid'],
    ['no currency', TELLER, '12345', ',"currency":"EURO"', 400, 'malformed'],
    ['a currency nobody knows', TELLER, '12345', ',"currency":"XXX"', 400, 'malformed'],
  ]
  for (const [call, rest] of MOVING)
    for (const [name, who, account, fields, status, problem] of cases) {
      const body = `{"amount":10.00${fields}${rest}}`
      const reply = await send(bench, 'POST', `/api/accounts/${account}/${call}`, body, {
        who,
        key: `"${freshKey()}"`,
      })
      t.same([reply.status, problemIn(reply)], [status, problem], `${call}: ${name}`)
    }
  const transfer = async (source: string, target: string) => {
    const body = `{"amount":10.00,"target_account_id":"${target}"}`
    return problemIn(await send(bench, 'POST', `/api/accounts/${source}/transfer`, body, {who: TELLER}))
  }
  t.equal(await transfer('12345', '12345'), 'same-account')
  t.equal(await transfer('12345', '99999'), 'unknown-account')
  t.equal(await transfer('12345', 'usd1'), 'amount-invalid', 'between currencies')
  t.equal(await transfer('12345', "1'2"), 'malformed')
  const notes = (list: string) =>
    send(bench, 'POST', '/api/accounts/12345/deposit', `{"amount":70.00,"notes":${list}}`, {who: TELLER})
  t.equal((await notes('[{"value":50.00,"count":1},{"value":20.00,"count":1}]')).status, 200)
  t.equal(problemIn(await notes('[{"value":50.00,"count":2}]')), 'amount-invalid', 'notes that do not add up')
  t.equal(
    problemIn(await notes('[{"value":0.001,"count":2}]')),
    'amount-invalid',
    'a note of no worth there is',
  )
  t.equal(problemIn(await notes('[{"value":70.00,"count":-1}]')), 'malformed')
})

t.test('keys', async t => {
  const bench = await openVisit()
  t.teardown(() => bench.close())
  const machine: Identity = {kind: 'atm', atmId: ATM}
  const cases: readonly (readonly [
    name: string,
    who: Identity,
    key: string | undefined,
    status: number,
    problem: string,
  ])[] = [
    ['a machine without one', machine, undefined, 400, 'key-missing'],
    ['one without quotation marks', machine, freshKey(), 400, 'key-missing'],
    ['one of another form', machine, '"slip-1"', 400, 'key-missing'],
    ['a short STAN', machine, '"ATM123:2026-11-22:17"', 400, 'key-missing'],
    ["another machine's", machine, '"ATM999:2026-11-22:000001"', 403, 'not-you'],
    ['a person with one without quotation marks', TELLER, 'slip-1', 400, 'key-missing'],
    ['a person with an endless one', TELLER, `"${'a'.repeat(65)}"`, 400, 'key-missing'],
  ]
  for (const [call, rest] of MOVING)
    for (const [name, who, key, status, problem] of cases) {
      const options = {who, ...(key === undefined ? {} : {key})}
      const reply = await send(
        bench,
        'POST',
        `/api/accounts/12345/${call}`,
        `{"amount":10.00${rest}}`,
        options,
      )
      t.same([reply.status, problemIn(reply)], [status, problem], `${call}: ${name}`)
    }
  const verify = await send(bench, 'POST', `/api/atms/${ATM}/verify-card`, '{"track2":"1","pin_block":"2"}')
  t.equal(verify.status, 400)
  for (const [call, who] of [
    ['complete', 'ATM999'],
    ['reverse', 'ATM999'],
    ['suspect', 'ATM999'],
  ] as const) {
    const reply = await send(bench, 'POST', `/api/operations/${ATM}:2026-11-22:000001/${call}`, '{}', {
      who: {kind: 'atm', atmId: who},
    })
    t.same([reply.status, problemIn(reply)], [403, 'not-you'], `${call} for another machine's key`)
  }
})

t.test('a request that breaks off half way does nothing, and the next one is served', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const before = await everything(bench)
  const app = buildApp(bench.bank, async () => TELLER)
  await app.listen({host: '127.0.0.1', port: 0})
  t.teardown(() => app.close())
  const bound = app.server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  const body = '{"amount":10.00}'
  const said = async (sent: string, length: number): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    const over = new Promise(resolve => socket.once('close', resolve))
    socket.end(
      'POST /api/accounts/12345/withdraw HTTP/1.1\r\nHost: bank\r\nConnection: close\r\n' +
        `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${sent}`,
    )
    await over
    return answer
  }
  for (const sent of ['', '{"amount":1', body])
    t.notMatch(
      await said(sent, body.length + 1),
      /^HTTP\/1\.1 2/,
      `after ${sent.length} of ${body.length + 1} bytes`,
    )
  t.equal(await everything(bench), before, 'nothing has moved')
  t.match(await said(body, body.length), /^HTTP\/1\.1 200[\s\S]*"balance":990\.00/)
})

t.test('a machine that is switched off is nobody, on its next request', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  await bench.bank.store.transact(tx => tx.atms.setStatus(ATM, 'inactive'))
  for (const route of routes.filter(({callers}) => callers.includes('atm'))) {
    const body = route.request === null ? null : '{}'
    const reply = await send(bench, route.method, pathOf(route), body, {key: `"${freshKey()}"`})
    t.same([reply.status, problemIn(reply)], [403, 'unknown-caller'], route.name)
  }
})
