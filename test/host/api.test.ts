/** The API from outside: shapes, refusals, who may do what. */
import t from 'tap'
import {ADA, ATM, BEN, CARLA, TELLER, freshKey, openBench, openVisit, send, signOn, verify} from './bench.ts'
import type {Identity} from '../../host/identity.ts'
import {bankView} from '../../host/reconcile.ts'
import {problem} from '../../host/api/schema.ts'
import {readJson} from '../../kit/exact-json.ts'

const WITHDRAW = '/api/accounts/12345/withdraw'

t.test('the two paths of the product description, to the letter', async t => {
  const bench = await openVisit()
  const balance = await send(bench, 'GET', '/api/accounts/12345/balance', null)
  t.equal(balance.status, 200)
  t.equal(balance.type, 'application/json')
  t.equal(balance.text, '{"account_id":"12345","balance":1000.00,"currency":"EUR"}')

  const key = freshKey()
  const withdrawn = await send(bench, 'POST', WITHDRAW, '{"amount":100.00,"atm_id":"ATM123"}', {
    key: `"${key}"`,
  })
  t.equal(withdrawn.status, 200)
  t.match(
    withdrawn.text,
    /^\{"transaction_id":"[0-9a-f]+","account_id":"12345","amount":100\.00,"balance":900\.00,"transaction_date":"2026-11-22T11:00:00Z","fee":0\.00,"currency":"EUR","rc":"00","auth_code":"[0-9]{6}"\}$/,
  )
  const after = await send(bench, 'GET', '/api/accounts/12345/balance', null)
  t.equal(after.json['balance'], 900)
  const view = await bankView(bench.bank)
  const account = view.accounts.find(({accountId}) => accountId === '12345')
  t.same([account?.balanceMinor, account?.heldMinor], [90_000, 10_000])
  t.equal(view.operations[0]?.state, 'held')
  t.equal(
    (await bench.bank.store.transact(tx => tx.ledger.transactions())).length,
    0,
    'a hold is no transaction yet',
  )

  await send(
    bench,
    'POST',
    `/api/operations/${key}/complete`,
    '{"amount":100.00,"fee":0.00,"currency":"EUR"}',
  )
  const [transaction] = await bench.bank.store.transact(tx => tx.ledger.transactions())
  t.same(transaction, {
    transactionId: withdrawn.json['transaction_id'],
    accountId: '12345',
    atmId: ATM,
    transactionType: 'withdrawal',
    amountMinor: 10_000,
    transactionDate: '2026-11-22T11:00:00Z',
  })
  await bench.close()
})

t.test('bad withdrawals are refused with a problem, and nothing moves', async t => {
  const bench = await openVisit()
  const own = () => `"${freshKey()}"`
  const good = '{"amount":10.00}'
  const cases: readonly (readonly [
    name: string,
    path: string,
    body: string | null,
    key: string | undefined,
    status: number,
    rc: string,
  ])[] = [
    ['no key', WITHDRAW, good, undefined, 400, '30'],
    ['a key without quotes', WITHDRAW, good, freshKey(), 400, '30'],
    ['a key of another form', WITHDRAW, good, '"abc"', 400, '30'],
    ['a short STAN', WITHDRAW, good, '"ATM123:2026-11-22:17"', 400, '30'],
    ["another machine's key", WITHDRAW, good, '"ATM999:2026-11-22:000001"', 403, '63'],
    ['another machine in the body', WITHDRAW, '{"amount":10.00,"atm_id":"ATM999"}', own(), 403, '63'],
    ['no body', WITHDRAW, null, own(), 400, '30'],
    ['an empty body', WITHDRAW, '', own(), 400, '30'],
    ['no JSON', WITHDRAW, 'amount=10', own(), 400, '30'],
    ['an array', WITHDRAW, '[]', own(), 400, '30'],
    ['no amount', WITHDRAW, '{}', own(), 400, '30'],
    ['an unknown field', WITHDRAW, '{"amount":10.00,"amount_minor":1}', own(), 400, '30'],
    ['an amount twice', WITHDRAW, '{"amount":10.00,"amount":10.00}', own(), 400, '30'],
    ['a string', WITHDRAW, '{"amount":"10.00"}', own(), 400, '30'],
    ['null', WITHDRAW, '{"amount":null}', own(), 400, '30'],
    ['an exponent', WITHDRAW, '{"amount":1e1}', own(), 400, '30'],
    ['a sign', WITHDRAW, '{"amount":-10.00}', own(), 400, '30'],
    ['NaN', WITHDRAW, '{"amount":NaN}', own(), 400, '30'],
    ['a number without end', WITHDRAW, `{"amount":${'9'.repeat(400)}}`, own(), 400, '30'],
    ['one digit too many', WITHDRAW, '{"amount":10.001}', own(), 422, '13'],
    ['float noise', WITHDRAW, '{"amount":0.30000000000000004}', own(), 400, '30'],
    ['nothing', WITHDRAW, '{"amount":0.00}', own(), 422, '13'],
    ['another currency', WITHDRAW, '{"amount":10.00,"currency":"USD"}', own(), 422, '13'],
    ['no currency we know', WITHDRAW, '{"amount":10.00,"currency":"XXX"}', own(), 400, '30'],
    ['a negative fee', WITHDRAW, '{"amount":10.00,"fee":-5}', own(), 400, '30'],
    ['an unknown account', '/api/accounts/99999/withdraw', good, own(), 404, '14'],
    ['no account id', '/api/accounts/%27%20OR%201/withdraw', good, own(), 400, '30'],
    ['no route', '/api/accounts/12345/empty', good, own(), 404, '30'],
    ['a huge body', WITHDRAW, `{"amount":10.00,"atm_id":"${'A'.repeat(20_000)}"}`, own(), 413, '30'],
  ]
  for (const [name, path, body, key, status, rc] of cases) {
    const reply = await send(bench, 'POST', path, body, key === undefined ? {} : {key})
    t.same([reply.status, reply.json['rc'], reply.type], [status, rc, 'application/problem+json'], name)
    const read = readJson(reply.text)
    t.ok(
      read.kind === 'json' && problem.decode(read.json, 'refuse').kind === 'decoded',
      `${name}: a whole problem`,
    )
    t.match(reply.json['type'], /^urn:tellerd:problem:[a-z-]+$/)
  }
  t.equal((await bench.bank.store.transact(tx => tx.operations.all())).length, 0)
  await bench.close()
})

t.test('business declines are 200 with a code', async t => {
  const bench = await openBench()
  await verify(bench, await signOn(bench), BEN)
  const short = await send(bench, 'POST', '/api/accounts/22345/withdraw', '{"amount":35.01}', {
    key: `"${freshKey()}"`,
  })
  t.same([short.status, short.json], [200, {rc: '51', retain: false}])
  const all = await send(bench, 'POST', '/api/accounts/22345/withdraw', '{"amount":35}', {
    key: `"${freshKey()}"`,
  })
  t.same([all.status, all.json['balance']], [200, 0])
  const feeTooMuch = await send(bench, 'POST', '/api/accounts/22345/withdraw', '{"amount":0.01,"fee":0.01}', {
    key: `"${freshKey()}"`,
  })
  t.equal(feeTooMuch.json['rc'], '51')
  await bench.close()
})

t.test('a machine speaks for itself alone, and only while it is active', async t => {
  const bench = await openVisit()
  const other: Identity = {kind: 'atm', atmId: 'ATM999'}
  const key = freshKey()
  const paths: readonly (readonly ['GET' | 'POST', string, string | null])[] = [
    ['POST', `/api/atms/${ATM}/sign-on`, '{}'],
    ['GET', `/api/atms/${ATM}/probe`, null],
    ['POST', `/api/atms/${ATM}/verify-card`, '{}'],
    ['POST', `/api/operations/${key}/complete`, '{"amount":1.00,"fee":0.00,"currency":"EUR"}'],
    ['POST', `/api/operations/${key}/reverse`, '{"reason":"no-answer"}'],
    ['POST', `/api/operations/${key}/suspect`, '{"at_least":0,"at_most":1,"currency":"EUR"}'],
    ['GET', '/api/accounts/12345/balance', null],
  ]
  for (const [method, path, body] of paths)
    t.equal((await send(bench, method, path, body, {who: other})).status, 403, `${path} for another machine`)
  for (const [method, path, body] of paths.slice(0, 6))
    t.equal((await send(bench, method, path, body, {who: TELLER})).status, 403, `${path} for a teller`)
  t.equal((await send(bench, 'GET', `/api/atms/${ATM}/probe`, null)).status, 200)
  await bench.bank.store.transact(tx => tx.atms.setStatus(ATM, 'inactive'))
  t.equal(
    (await send(bench, 'GET', `/api/atms/${ATM}/probe`, null)).status,
    403,
    'switched off between two requests',
  )
  t.equal(await bench.bank.store.transact(tx => tx.operations.find(key)), null)
  await bench.close()
})

t.test('a teller posts at once', async t => {
  const bench = await openBench()
  const ask = (body: string, key = '"slip-1"', who: Identity = TELLER) =>
    send(bench, 'POST', WITHDRAW, body, {key, who})
  const first = await ask('{"amount":100.00,"atm_id":"ATM123"}')
  t.same([first.status, first.json['balance']], [200, 900])
  t.equal((await ask('{"amount":100.00,"atm_id":"ATM123"}')).text, first.text, 'the same slip again')
  t.equal((await ask('{"amount":100.01,"atm_id":"ATM123"}')).status, 422, 'the same slip, another amount')
  t.equal((await ask('{"amount":1.00,"atm_id":"NONE"}', '"slip-2"')).status, 404)
  t.equal((await ask('{"amount":900.01}', '"slip-3"')).json['rc'], '51')
  t.equal((await ask('{"amount":1.00}', '"slip-4"', {kind: 'person', name: 'gus', roles: []})).status, 403)
  const transactions = await bench.bank.store.transact(tx => tx.ledger.transactions())
  t.same(
    transactions.map(({amountMinor, atmId}) => [amountMinor, atmId]),
    [[10_000, ATM]],
  )
  t.equal((await send(bench, 'GET', '/api/accounts/12345/balance', null, {who: TELLER})).json['balance'], 900)
  await bench.close()
})

t.test('cards that are not taken', async t => {
  const bench = await openBench()
  const pinKey = await signOn(bench)
  t.same((await verify(bench, pinKey, CARLA)).json, {rc: '43', retain: true}, 'stolen')
  await bench.bank.store.transact(tx => tx.cards.setStatus('c2', 'blocked'))
  t.same((await verify(bench, pinKey, BEN)).json, {rc: '36', retain: true}, 'blocked')
  const unknown = {...ADA, pan: '4000000000000002', track2: ';4000000000000002=49122011234567890?'}
  t.same((await verify(bench, pinKey, unknown)).json, {rc: '14', retain: false}, 'unknown')
  const old = {...ADA, track2: ADA.track2.replace('=4912', '=2610')}
  t.same((await verify(bench, pinKey, old)).json, {rc: '54', retain: false}, 'expired')
  const lastMonth = {...ADA, track2: ADA.track2.replace('=4912', '=2611')}
  t.equal((await verify(bench, pinKey, lastMonth)).json['rc'], '00', 'valid through its month')
  const body = '{"track2":";4761739001010010=4912?","pin_block":"0123"}'
  const short = await send(bench, 'POST', `/api/atms/${ATM}/verify-card`, body, {key: `"${freshKey()}"`})
  t.equal(short.status, 400)
  t.notMatch(short.text, /4761739001010010|0123/, 'a refusal repeats nothing')
  await bench.close()
})
