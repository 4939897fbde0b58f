/** Balance, withdrawal, deposit and transfer: the four shapes to the letter, and one key, one effect. */
import fc from 'fast-check'
import t from 'tap'
import {
  ADA,
  ATM,
  ATM_IDENTITY,
  BEN,
  TELLER,
  freshKey,
  openBench,
  openVisit,
  send,
  signOn,
  verify,
} from './bench.ts'
import type {Bench} from './bench.ts'
import {bookFaults} from '../../host/reconcile.ts'
import {ledgerAccounts} from '../../host/ledger/book.ts'
import {AssertionFailed} from '../../kit/assert.ts'

const at = (account: string, call: string) => `/api/accounts/${account}/${call}`
const asTeller = {who: TELLER}

async function balanceOf(bench: Bench, account: string): Promise<unknown> {
  return (await send(bench, 'GET', at(account, 'balance'), null, asTeller)).json['balance']
}

async function inBook(bench: Bench, ledgerAccount: string): Promise<number> {
  return bench.bank.store.read(tx => tx.ledger.balance(ledgerAccount, 'EUR'))
}

t.test('the calls of the description, by somebody who knows nothing else', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const balance = await send(bench, 'GET', at('12345', 'balance'), null, asTeller)
  t.match(balance.text, /^\{"account_id":"12345","balance":1000\.00[,}]/)
  const withdrawn = await send(
    bench,
    'POST',
    at('12345', 'withdraw'),
    '{"amount":100.00,"atm_id":"ATM123"}',
    asTeller,
  )
  t.match(
    withdrawn.text,
    /^\{"transaction_id":"[0-9a-f]+","account_id":"12345","amount":100\.00,"balance":900\.00,"transaction_date":"2026-11-22T11:00:00Z"[,}]/,
  )
  const deposited = await send(
    bench,
    'POST',
    at('12345', 'deposit'),
    '{"amount":300.00,"atm_id":"ATM123"}',
    asTeller,
  )
  t.match(
    deposited.text,
    /^\{"transaction_id":"[0-9a-f]+","account_id":"12345","amount":300\.00,"balance":1200\.00,"transaction_date":"2026-11-22T11:00:00Z"[,}]/,
  )
  const transferred = await send(
    bench,
    'POST',
    at('12345', 'transfer'),
    '{"target_account_id":"22345","amount":150.00}',
    asTeller,
  )
  t.match(
    transferred.text,
    /^\{"transaction_id":"[0-9a-f]+","source_account_id":"12345","target_account_id":"22345","amount":150\.00,"source_balance":1050\.00,"target_balance":185\.00,"transaction_date":"2026-11-22T11:00:00Z"[,}]/,
  )
  t.equal(await balanceOf(bench, '12345'), 1050)
  t.equal(await balanceOf(bench, '22345'), 185)
  t.equal(await inBook(bench, ledgerAccounts.till('tina')), -20_000, 'the drawer gave 100 and took 300')
  t.same(await bookFaults(bench.bank), [])
})

t.test('without a key every request is another one', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const once = await send(bench, 'POST', at('12345', 'withdraw'), '{"amount":100.00}', asTeller)
  const twice = await send(bench, 'POST', at('12345', 'withdraw'), '{"amount":100.00}', asTeller)
  t.not(once.json['transaction_id'], twice.json['transaction_id'])
  t.equal(await balanceOf(bench, '12345'), 800)
})

interface Movement {
  readonly kind: string
  readonly amount: number
  readonly balance: number
}

/** Every answer was held against the document, which says what is in the list. */
function isMovements(page: unknown): page is readonly Movement[] {
  return Array.isArray(page)
}

/** The calls that move money, with what is left in account 12345 of 1000.00. */
const MOVING = [
  ['withdraw', '{"amount":100.00}', '{"amount":100.01}', 900],
  ['deposit', '{"amount":100.00}', '{"amount":100.01}', 1100],
  [
    'transfer',
    '{"amount":100.00,"target_account_id":"22345"}',
    '{"amount":100.00,"target_account_id":"42345"}',
    900,
  ],
] as const

for (const [call, body, other, left] of MOVING)
  t.test(`${call}: one key, one effect, one answer`, async t => {
    const bench = await openVisit()
    t.teardown(() => bench.close())
    for (const [who, key, after] of [
      [TELLER, '"slip-1"', left],
      [ATM_IDENTITY, `"${freshKey()}"`, left + left - 1000],
    ] as const) {
      const ask = (text: string) => send(bench, 'POST', at('12345', call), text, {who, key})
      const [first, ...others] = await Promise.all(Array.from({length: 5}, () => ask(body)))
      t.equal(first?.status, 200)
      for (const again of others) t.same([again.status, again.text], [200, first?.text], 'byte for byte')
      await bench.clock.advance(86_400_000)
      t.equal((await ask(body)).text, first?.text, 'a day later')
      t.equal(
        (await ask(body.replace('100.00', '100.0'))).text,
        first?.text,
        'the same amount written otherwise',
      )
      const conflict = await ask(other)
      t.same([conflict.status, conflict.json['rc']], [422, '94'], 'another meaning')
      const elsewhere = await send(bench, 'POST', at('42345', call), body, {who, key})
      t.equal(elsewhere.status, 422, 'another account')
      t.equal(await balanceOf(bench, '12345'), after)
      await verify(bench, await signOn(bench))
    }
    const crossed = await send(bench, 'POST', at('12345', 'withdraw'), '{"amount":1.00}', {
      who: TELLER,
      key: '"slip-1"',
    })
    t.equal(crossed.status, 422, 'a key is for one kind of movement')
    t.same(await bookFaults(bench.bank), [])
  })

t.test('a no is kept as well, and two people have keys of their own', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const options = {who: TELLER, key: '"a"'}
  const no = await send(bench, 'POST', at('22345', 'withdraw'), '{"amount":35.01}', options)
  t.same([no.status, no.json['type'], no.json['rc']], [422, 'urn:tellerd:problem:insufficient-funds', '51'])
  await send(bench, 'POST', at('22345', 'deposit'), '{"amount":100.00}', asTeller)
  const still = await send(bench, 'POST', at('22345', 'withdraw'), '{"amount":35.01}', options)
  t.equal(still.text, no.text, 'the same no, byte for byte, though there is money now')
  const another = {who: {kind: 'person', name: 'tom', roles: ['teller']} as const, key: '"a"'}
  t.equal((await send(bench, 'POST', at('22345', 'withdraw'), '{"amount":35.01}', another)).status, 200)
  t.equal(
    (
      await send(
        bench,
        'POST',
        at('12345', 'transfer'),
        '{"amount":1000.01,"target_account_id":"22345"}',
        asTeller,
      )
    ).json['rc'],
    '51',
  )
  t.same(await bookFaults(bench.bank), [])
})

t.test('a machine deposits what it has stored, for the card that is there', async t => {
  const bench = await openVisit()
  t.teardown(() => bench.close())
  const key = `"${freshKey()}"`
  const body =
    '{"amount":70.00,"atm_id":"ATM123","notes":[{"value":50.00,"count":1},{"value":20.00,"count":1}]}'
  const stored = await send(bench, 'POST', at('12345', 'deposit'), body, {key})
  t.same([stored.status, stored.json['balance']], [200, 1070])
  t.equal(await inBook(bench, ledgerAccounts.atmCash(ATM)), -7_000, 'the machine has so much more')
  const [transaction] = await bench.bank.store.read(tx => tx.ledger.transactions())
  t.match(transaction, {transactionType: 'deposit', atmId: ATM, amountMinor: 7_000})
  const stranger = await send(bench, 'POST', at('22345', 'deposit'), '{"amount":70.00}', {
    key: `"${freshKey()}"`,
  })
  t.same(
    [stranger.status, stranger.json],
    [200, {rc: '57', retain: false}],
    'no card of that account: the notes go back',
  )
  const reversal = await send(
    bench,
    'POST',
    `/api/operations/${key.slice(1, -1)}/reverse`,
    '{"reason":"no-answer"}',
  )
  t.equal(reversal.status, 409, 'what is stored and booked is not reversed')
  const unasked = freshKey()
  await send(bench, 'POST', `/api/operations/${unasked}/reverse`, '{"reason":"no-answer"}')
  const late = await send(bench, 'POST', at('12345', 'deposit'), '{"amount":70.00}', {key: `"${unasked}"`})
  t.same(late.json, {rc: '94', retain: false}, 'reversed before it came: the notes go back')
  t.equal(await balanceOf(bench, '12345'), 1070)
  t.same(await bookFaults(bench.bank), [])
})

t.test('a machine transfers for its customer, and is told of nobody else', async t => {
  const bench = await openVisit()
  t.teardown(() => bench.close())
  const transfer = (target: string) =>
    send(bench, 'POST', at('12345', 'transfer'), `{"amount":10.00,"target_account_id":"${target}"}`, {
      key: `"${freshKey()}"`,
    })
  const toOthers = await transfer('22345')
  t.same([toOthers.status, toOthers.json['source_balance']], [200, 990])
  t.notOk('target_balance' in toOthers.json)
  const toOwn = await transfer('12346')
  t.same(
    [toOwn.json['source_balance'], toOwn.json['target_balance']],
    [980, 2510],
    "the card's own other account",
  )
  const fromOthers = await send(
    bench,
    'POST',
    at('22345', 'transfer'),
    '{"amount":10.00,"target_account_id":"12345"}',
    {
      key: `"${freshKey()}"`,
    },
  )
  t.equal(fromOthers.json['rc'], '57')
  t.same(await bookFaults(bench.bank), [])
})

t.test('no deadline, no approval: a teller who waited too long', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const body = '{"amount":10.00,"deadline":"2026-11-22T10:59:59Z"}'
  const late = await send(bench, 'POST', at('12345', 'withdraw'), body, asTeller)
  t.same([late.status, late.json['rc'], late.json['retry']], [422, '68', 'new-key'])
  const never = await send(
    bench,
    'POST',
    at('12345', 'withdraw'),
    '{"amount":1.00,"deadline":"2026-13-22T99:59:59Z"}',
    asTeller,
  )
  t.equal(never.status, 400)
})

t.test('whatever tellers do at once, no money is made or lost, and nothing is below zero', async t => {
  const seed = 20_261_122
  const bench = await openBench()
  t.teardown(() => bench.close())
  const accounts = ['12345', '12346', '22345', '42345'] as const
  const account = fc.constantFrom(...accounts)
  const wish = fc.record({
    call: fc.constantFrom('withdraw', 'deposit', 'transfer'),
    source: account,
    target: account,
    cents: fc.integer({min: 1, max: 90_000}),
    key: fc.nat(30),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(wish, {minLength: 1, maxLength: 12}), async wishes => {
      const replies = await Promise.all(
        wishes.map(({call, source, target, cents, key}) => {
          const amount = `${Math.floor(cents / 100)}.${(cents % 100).toString().padStart(2, '0')}`
          const to = call === 'transfer' ? `,"target_account_id":"${target}"` : ''
          return send(bench, 'POST', at(source, call), `{"amount":${amount}${to}}`, {
            who: TELLER,
            key: `"k${key}"`,
          })
        }),
      )
      const known = new Set(['00', '51', '94', '12'])
      const rows = await bench.bank.store.read(tx => tx.accounts.list())
      return (
        replies.every(({json}) => known.has(String(json['rc']))) &&
        rows.every(({balanceMinor}) => balanceMinor >= 0) &&
        (await bookFaults(bench.bank)).length === 0
      )
    }),
    {seed, numRuns: 60},
  )
  t.pass(`no counterexample from seed ${seed}`)
})

t.test('the history of an account has every posting with the balance after it', async t => {
  const bench = await openVisit()
  t.teardown(() => bench.close())
  const approved = freshKey()
  const step = async (path: string, body: string, key?: string) => {
    await bench.clock.advance(1_000)
    const options = key === undefined ? asTeller : {key: `"${key}"`}
    t.equal((await send(bench, 'POST', path, body, options)).status, 200)
  }
  await step(at('12345', 'withdraw'), '{"amount":60.00,"fee":2.00}', approved)
  await step(`/api/operations/${approved}/complete`, '{"amount":40.00,"fee":2.00,"currency":"EUR"}', approved)
  await step(at('12345', 'deposit'), '{"amount":500.00}')
  await step(at('12346', 'transfer'), '{"amount":0.05,"target_account_id":"12345"}')
  const seen: Movement[] = []
  let after = ''
  do {
    const {json} = await send(bench, 'GET', `/api/accounts/12345/history?limit=2${after}`, null, asTeller)
    const page: unknown = json['movements']
    if (!isMovements(page)) throw new AssertionFailed('the history has no movements')
    seen.push(...page)
    after = typeof json['next'] === 'string' ? `&after=${json['next']}` : ''
  } while (after !== '')
  t.same(
    seen.map(({kind, amount, balance}) => [kind, amount, balance]),
    [
      ['transfer', 0.05, 1458.05],
      ['deposit', 500, 1458],
      ['completion', 20, 958],
      ['hold', -62, 938],
      ['opening', 1000, 1000],
    ],
  )
  t.equal(await balanceOf(bench, '12345'), 1458.05)
  t.equal((await send(bench, 'GET', '/api/accounts/99999/history', null, asTeller)).status, 404)
  t.equal((await verify(bench, await signOn(bench), BEN)).json['rc'], '00')
  t.equal(
    (await send(bench, 'GET', '/api/accounts/12345/balance', null)).status,
    403,
    `${ADA.holder} has left`,
  )
})
