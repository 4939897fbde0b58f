/** Customers, accounts, cards and machines as people keep them; and lists that are read page by page. */
import {readFileSync, readdirSync} from 'node:fs'
import {join} from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import {ADA, ATM, TELLER, freshKey, openBench, send, signOn, verify} from './bench.ts'
import type {Bench, Reply} from './bench.ts'
import type {Identity} from '../../host/identity.ts'
import {hasCheckDigit, shownPan} from '../../host/pan.ts'
import {AssertionFailed} from '../../kit/assert.ts'

const OLA: Identity = {kind: 'person', name: 'ola', roles: ['operator']}

type Row = Readonly<Record<string, unknown>>

async function get(bench: Bench, path: string, who: Identity = TELLER): Promise<Reply> {
  return send(bench, 'GET', path, null, {who})
}

async function post(bench: Bench, path: string, body: object, who: Identity = TELLER): Promise<Reply> {
  return send(bench, 'POST', path, JSON.stringify(body), {who})
}

async function patch(bench: Bench, path: string, body: object, who: Identity = TELLER): Promise<Reply> {
  return send(bench, 'PATCH', path, JSON.stringify(body), {who})
}

/** Every row of a list, page by page, as many at a time. */
async function allOf(
  bench: Bench,
  path: string,
  field: string,
  rowsMax: number,
  who = TELLER,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (let after: unknown = ''; typeof after === 'string';) {
    const join = path.includes('?') ? '&' : '?'
    const {json} = await get(
      bench,
      `${path}${join}limit=${rowsMax}${after === '' ? '' : `&after=${after}`}`,
      who,
    )
    const page = json[field]
    if (!isRows(page)) throw new AssertionFailed(`no ${field} in ${JSON.stringify(json)}`)
    if (page.length > rowsMax) throw new AssertionFailed('a page is longer than asked for')
    rows.push(...page)
    after = json['next']
  }
  return rows
}

/** Every answer was held against the document, which says what is in the list. */
function isRows(value: unknown): value is readonly Row[] {
  return Array.isArray(value)
}

const MIA = {
  user_id: 'mia',
  name: 'Mia Ødegård',
  email: 'mia@example.org',
  phone_number: '+47 22 00 00 00',
  address: 'Storgata 1, 0155 Oslo',
}

t.test('customers', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  t.same((await post(bench, '/api/users', MIA)).json, MIA)
  t.same((await get(bench, '/api/users/mia')).json, MIA)
  t.equal((await post(bench, '/api/users', MIA)).status, 200, 'the same again')
  t.equal((await post(bench, '/api/users', {...MIA, name: 'Somebody'})).status, 409, 'another one of that id')
  t.same((await patch(bench, '/api/users/mia', {address: 'Elsewhere'})).json, {...MIA, address: 'Elsewhere'})
  t.equal((await patch(bench, '/api/users/nobody', {address: 'x'})).status, 404)
  t.equal((await get(bench, '/api/users/nobody')).status, 404)
  const {user_id: _, ...nameless} = MIA
  const made = await post(bench, '/api/users', nameless)
  t.match(made.json, {...nameless, user_id: /^[0-9a-f]{24}$/})
  for (const [field, value] of [
    ['name', ''],
    ['name', '  '],
    ['name', 'two\nlines'],
    ['name', 'x'.repeat(121)],
    ['name', 7],
    ['email', 'mia'],
    ['email', 'mia@'],
    ['email', 'a b@example.org'],
    ['phone_number', 'call me'],
    ['address', '\u0000'],
    ['user_id', 'a/b'],
  ] as const)
    t.equal(
      (await post(bench, '/api/users', {...MIA, [field]: value})).status,
      400,
      `${field} ${JSON.stringify(value)}`,
    )
})

t.test('accounts', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  await post(bench, '/api/users', MIA)
  const wish = {account_id: 'mia1', user_id: 'mia', account_type: 'savings', currency: 'JPY'}
  const opened = await post(bench, '/api/accounts', wish)
  t.match(opened.text, '"balance":0,')
  t.match(opened.json, {...wish, balance: 0, created_at: '2026-11-22T11:00:00Z'})
  t.equal((await post(bench, '/api/accounts', wish)).text, opened.text, 'the same again')
  t.equal((await post(bench, '/api/accounts', {...wish, account_type: 'checking'})).status, 409)
  t.equal((await post(bench, '/api/accounts', {...wish, account_id: 'x', user_id: 'nobody'})).status, 404)
  t.equal((await post(bench, '/api/accounts', {...wish, account_type: 'gold'})).status, 400)
  t.equal((await post(bench, '/api/accounts', {...wish, currency: 'XXX'})).status, 400)
  t.equal(
    (await post(bench, '/api/accounts', {...wish, balance: 1})).status,
    400,
    'money comes in by a deposit',
  )
  const {account_id: _, ...nameless} = wish
  t.equal((await post(bench, '/api/accounts', nameless)).status, 200)
  t.equal((await post(bench, '/api/accounts/mia1/deposit', {amount: 500})).json['balance'], 500)
  t.match(
    (await get(bench, '/api/accounts/mia1')).text,
    '"balance":500,',
    'yen have no digits after the point',
  )
  const tooFine = await send(bench, 'POST', '/api/accounts/mia1/deposit', '{"amount":500.0}', {who: TELLER})
  t.equal(tooFine.json['rc'], '13')
  t.equal((await get(bench, '/api/accounts/none')).status, 404)
  t.equal((await allOf(bench, '/api/accounts?user_id=mia', 'accounts', 50)).length, 2)
})

t.test('a card is taken in, used and blocked, and its number and PIN are nowhere', async t => {
  const folder = t.testdir()
  const bench = await openBench(join(folder, 'bank.db'))
  const number = '5555341244441115'
  const pin = '918273'
  const wish = {card_number: number, expires: '4912', pin, accounts: ['12346', '12345']}
  const card = await post(bench, '/api/cards', wish)
  t.match(card.json, {
    card_number: '555534******1115',
    status: 'active',
    pin_tries: 0,
    accounts: ['12346', '12345'],
  })
  const path = `/api/cards/${String(card.json['card_id'])}`
  t.same((await get(bench, path)).json, card.json)
  t.equal((await post(bench, '/api/cards', wish)).status, 409)
  const track2 = `;${number}=49121010000000000?`
  const pinKey = await signOn(bench)
  const mia = {...ADA, pan: number, pin, track2}
  t.match((await verify(bench, pinKey, mia)).json, {
    rc: '00',
    accounts: [{account_id: '12346'}, {account_id: '12345'}],
  })
  for (let tries = 0; tries < 3; tries += 1) await verify(bench, pinKey, mia, '000000')
  t.equal((await get(bench, path)).json['pin_tries'], 3)
  t.equal((await verify(bench, pinKey, mia)).json['rc'], '75')
  t.equal((await patch(bench, path, {forgive_tries: 'yes'})).status, 400, 'not without a reason')
  t.equal(
    (await patch(bench, path, {forgive_tries: 'yes', reason: 'came with a passport'})).json['pin_tries'],
    0,
  )
  t.equal((await verify(bench, pinKey, mia)).json['rc'], '00')
  t.equal((await patch(bench, path, {status: 'stolen', reason: 'called'})).json['status'], 'stolen')
  t.equal((await verify(bench, pinKey, mia)).json['rc'], '43')
  t.equal((await patch(bench, '/api/cards/none', {status: 'stolen', reason: 'called'})).status, 404)
  t.equal((await get(bench, '/api/cards/none')).status, 404)
  const refused: (readonly [string, object, number])[] = [
    ['a wrong check digit', {card_number: '5555341244441116'}, 400],
    ['a short number', {card_number: '555534124444'}, 400],
    ['a short PIN', {pin: '123'}, 400],
    ['a PIN that is a number', {pin: 1234}, 400],
    ['no such month', {expires: '4913'}, 400],
    ['no account', {accounts: []}, 400],
    ['an account twice', {accounts: ['12345', '12345']}, 400],
    ['an unknown account', {accounts: ['99999']}, 404],
  ]
  for (const [name, change, status] of refused) {
    const reply = await post(bench, '/api/cards', {...wish, card_number: '4000000000000002', ...change})
    t.equal(reply.status, status, name)
    t.notMatch(reply.text, /4000000000000002|5555341244441116|918273/, 'a refusal repeats nothing')
  }
  t.match(await allOf(bench, '/api/cards?account_id=12346', 'cards', 1), [{card_id: /./}, {card_id: /./}])
  await bench.close()
  for (const file of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, file), 'latin1')
    t.notOk(
      bytes.includes(number) || bytes.includes(pin) || bytes.includes(track2),
      `${file} has no number and no PIN`,
    )
  }
  t.notMatch(bench.lines.join('\n'), /5555341244441115|918273/)
})

t.test('machines', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const wish = {atm_id: 'ATM7', location: 'Harbour', master_key: '0123456789ABCDEFFEDCBA9876543210'}
  t.same((await post(bench, '/api/atms', wish, OLA)).json, {
    atm_id: 'ATM7',
    location: 'Harbour',
    status: 'inactive',
    master_key_check_value: '08D7B4',
  })
  t.equal((await post(bench, '/api/atms', wish, OLA)).status, 409)
  t.equal((await post(bench, '/api/atms', {...wish, atm_id: 'ATM8', master_key: '00'}, OLA)).status, 400)
  const asSeven = {who: {kind: 'atm', atmId: 'ATM7'} as const}
  const signsOn = async () => (await send(bench, 'POST', '/api/atms/ATM7/sign-on', '{}', asSeven)).status
  t.equal(await signsOn(), 403, 'switched off until somebody switches it on')
  t.match((await patch(bench, '/api/atms/ATM7', {status: 'active'}, OLA)).json, {
    status: 'active',
    location: 'Harbour',
  })
  t.equal(await signsOn(), 200)
  t.match((await patch(bench, '/api/atms/ATM7', {location: 'Station'}, OLA)).json, {
    location: 'Station',
    status: 'active',
    business_date: '2026-11-22',
  })
  t.equal((await patch(bench, '/api/atms/NONE', {status: 'active'}, OLA)).status, 404)
  t.equal((await get(bench, '/api/atms/NONE', OLA)).status, 404)
  t.equal((await get(bench, '/api/atms/NONE/dates', OLA)).status, 404)
  t.equal((await post(bench, `/api/atms/${ATM}/dates/2020-01-01/reconcile`, {}, OLA)).status, 404)
  const supervisor: Identity = {kind: 'person', name: 'sue', roles: ['supervisor']}
  t.same(
    (await allOf(bench, '/api/atms', 'atms', 2, supervisor)).map(({atm_id}) => atm_id),
    ['ATM123', 'ATM7', 'ATM999'],
  )
})

t.test('transactions with filters, an account finds its transfers from both ends', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const step = async (account: string, call: string, body: object) => {
    await bench.clock.advance(60_000)
    await post(bench, `/api/accounts/${account}/${call}`, body)
  }
  await step('12345', 'withdraw', {amount: 10, atm_id: ATM})
  await step('12345', 'deposit', {amount: 20})
  await step('12345', 'transfer', {amount: 30, target_account_id: '67890'})
  await step('67890', 'withdraw', {amount: 40, atm_id: 'ATM999'})
  const amounts = async (query: string) =>
    (await allOf(bench, `/api/transactions${query}`, 'transactions', 2)).map(({amount}) => amount)
  t.same(await amounts(''), [40, 30, 20, 10], 'newest first')
  t.same(await amounts('?account_id=67890'), [40, 30])
  t.same(await amounts('?account_id=12345&transaction_type=transfer'), [30])
  t.same(await amounts(`?atm_id=${ATM}`), [10])
  t.same(
    await amounts('?from=2026-11-22T11:02:00Z&to=2026-11-22T11:04:00Z'),
    [30, 20],
    'from counts, to does not',
  )
  t.same(await amounts('?account_id=none'), [])
  const [transfer] = await allOf(bench, '/api/transactions?transaction_type=transfer', 'transactions', 1)
  t.match(transfer, {account_id: '12345', target_account_id: '67890', currency: 'EUR'})
  t.notOk(transfer !== undefined && 'atm_id' in transfer)
})

t.test('operations with filters', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  await verify(bench, await signOn(bench))
  const held = freshKey()
  await send(bench, 'POST', '/api/accounts/12345/withdraw', '{"amount":10.00}', {key: `"${held}"`})
  await bench.clock.advance(1_000)
  await send(bench, 'POST', '/api/accounts/12345/withdraw', '{"amount":9999.00}', {who: TELLER, key: '"big"'})
  const keys = async (query: string) =>
    (await allOf(bench, `/api/operations${query}`, 'operations', 1)).map(({key}) => key)
  t.same(await keys(''), ['person:tina:big', held])
  t.same(await keys('?state=held'), [held])
  t.same(await keys(`?atm_id=${ATM}&account_id=12345`), [held])
  t.same(await keys('?state=suspect'), [])
  t.match((await get(bench, '/api/operations/person:tina:big')).json, {
    state: 'declined',
    evidence: '51',
    amount: 9999,
  })
  t.equal((await get(bench, '/api/operations/none')).status, 404)
})

t.test('pages neither repeat nor leave out, whatever their length and whatever comes meanwhile', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  // Many in one moment, so that the order has ties to break.
  for (let count = 0; count < 23; count += 1) {
    if (count % 5 === 0) await bench.clock.advance(1_000)
    await post(bench, '/api/accounts/12345/deposit', {amount: count + 1})
  }
  const all = await allOf(bench, '/api/transactions', 'transactions', 200)
  t.equal(all.length, 23)
  await fc.assert(
    fc.asyncProperty(fc.integer({min: 1, max: 24}), async limit => {
      const some = await allOf(bench, '/api/transactions', 'transactions', limit)
      return JSON.stringify(some) === JSON.stringify(all)
    }),
    {seed: 3, numRuns: 12},
  )
  const first = await get(bench, '/api/transactions?limit=10')
  await bench.clock.advance(1_000)
  await post(bench, '/api/accounts/12345/deposit', {amount: 99})
  const second = await get(bench, `/api/transactions?limit=10&after=${String(first.json['next'])}`)
  t.same(second.json['transactions'], all.slice(10, 20), 'one that came meanwhile shifts nothing')
})

t.test('check digits', async t => {
  // ISO/IEC 7812-1, annex B gives 7992739871 3; the others are published test numbers.
  for (const good of ['79927398713', '4111111111111111', '5555341244441115', '378282246310005'])
    t.ok(hasCheckDigit(good), good)
  for (const bad of ['79927398710', '4111111111111112', '4111111111111101']) t.notOk(hasCheckDigit(bad), bad)
  t.equal(shownPan('4111111111111111'), '411111******1111')
  t.equal(shownPan('4111111111116'), '411111***1116')
})
