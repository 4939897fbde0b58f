/** Limits, second proofs and alerts, over the whole way of a withdrawal. */
import {join} from 'node:path'
import t from 'tap'
import {ADA, ATM, BEN, freshKey, isRecord, openBench, pinBlock, send, signOn, verify} from '../bench.ts'
import type {Bench, Reply} from '../bench.ts'
import {hexOf} from '../../../crypto/hex.ts'
import {codeAt} from '../../../crypto/one-time.ts'
import {NO_POLICY} from '../../../host/guard/policy.ts'
import type {Policy} from '../../../host/guard/policy.ts'
import {STEP_UP_MS} from '../../../host/guard/step-up.ts'
import {observe} from '../../../host/guard/watch.ts'
import {present} from '../../../kit/assert.ts'
import {minorUnits} from '../../../kit/money.ts'
import {Secret} from '../../../kit/secret.ts'

const SOFIA = {kind: 'person', name: 'sofia', roles: ['supervisor']} as const
const TINA = {kind: 'person', name: 'tina', roles: ['teller']} as const
const OMAR = {kind: 'person', name: 'omar', roles: ['operator']} as const
const HOUR_MS = 3_600_000

function limit(amount: number, countMax: number) {
  return {amountMinorMax: minorUnits(amount), countMax}
}

interface Counter {
  readonly bench: Bench
  readonly pinKey: Uint8Array
}

async function at(policy: Partial<Policy>, path?: string): Promise<Counter> {
  const bench = await openBench(path, {...NO_POLICY, ...policy})
  return {bench, pinKey: await signOn(bench)}
}

interface Asked {
  readonly key: string
  readonly rc: unknown
  readonly reply: Reply
}

/** At the machine, with the card that was verified last. */
async function withdraw(
  {bench}: Counter,
  amount: string,
  accountId = '12345',
  key: string = freshKey(),
): Promise<Asked> {
  const reply = await send(bench, 'POST', `/api/accounts/${accountId}/withdraw`, `{"amount":${amount}}`, {
    key: `"${key}"`,
  })
  return {key, rc: reply.json['rc'], reply}
}

async function visit(counter: Counter, card = ADA, pin = card.pin): Promise<unknown> {
  return (await verify(counter.bench, counter.pinKey, card, pin)).json['rc']
}

function advise({bench}: Counter, key: string, what: 'complete' | 'reverse', body: object): Promise<Reply> {
  return send(bench, 'POST', `/api/operations/${key}/${what}`, JSON.stringify(body), {key: `"${key}"`})
}

const reverse = (counter: Counter, key: string) => advise(counter, key, 'reverse', {reason: 'no-answer'})

async function alerts({bench}: Counter): Promise<readonly Record<string, unknown>[]> {
  const {json} = await send(bench, 'GET', '/api/alerts', null, {who: SOFIA})
  const list: unknown = json['alerts']
  return Array.isArray(list) ? list.filter(isRecord) : []
}

t.test('a card has so much a day, whatever account', async t => {
  const counter = await at({cardDay: limit(300_00, 99)})
  t.teardown(() => counter.bench.close())
  await visit(counter)
  t.equal((await withdraw(counter, '200.00')).rc, '00')
  const beyond = await withdraw(counter, '100.01', '12346')
  t.equal(beyond.rc, '61')
  t.equal((await withdraw(counter, '100.01', '12346', beyond.key)).rc, '61', 'the same no again')
  t.equal((await withdraw(counter, '100.00', '12346')).rc, '00', 'to the last cent')
  t.equal((await withdraw(counter, '0.01')).rc, '61')
  await visit(counter, BEN)
  t.equal((await withdraw(counter, '10.00', '22345')).rc, '00', 'another card has its own')
  await counter.bench.clock.advance(13 * HOUR_MS)
  await visit(counter)
  t.equal((await withdraw(counter, '300.00')).rc, '00', 'tomorrow')
})

t.test('what was not paid is given back, in its own window', async t => {
  const counter = await at({cardDay: limit(300_00, 2)})
  t.teardown(() => counter.bench.close())
  await visit(counter)
  const first = await withdraw(counter, '200.00')
  t.equal((await withdraw(counter, '200.00')).rc, '61')
  await reverse(counter, first.key)
  await reverse(counter, first.key)
  t.equal((await withdraw(counter, '300.01')).rc, '61', 'once, not twice')
  const second = await withdraw(counter, '300.00')
  t.equal(second.rc, '00')
  await advise(counter, second.key, 'complete', {amount: 120, fee: 0, currency: 'EUR'})
  t.equal((await withdraw(counter, '180.01')).rc, '61')
  t.equal((await withdraw(counter, '180.00')).rc, '00', 'the rest of a partial payment')
  t.equal((await withdraw(counter, '0.01')).rc, '61', 'amount before count')
  const poor = await at({cardDay: limit(90_000_00, 2)})
  t.teardown(() => poor.bench.close())
  await visit(poor)
  for (let round = 0; round < 5; round++)
    t.equal((await withdraw(poor, '9000.00')).rc, '51', 'too little money uses no limit')
  t.equal((await withdraw(poor, '10.00')).rc, '00')
  await poor.bench.clock.advance(13 * HOUR_MS)
  await visit(poor)
  t.equal((await withdraw(poor, '10.00')).rc, '00')
})

t.test('so often a day, so much of an account, so much of a machine, and over restarts', async t => {
  const path = join(t.testdir(), 'bank.db')
  const policy = {cardDay: limit(99_999_00, 2), accountDay: limit(500_00, 99), machineHour: limit(400_00, 99)}
  const first = await at(policy, path)
  await visit(first)
  t.equal((await withdraw(first, '100.00')).rc, '00')
  t.equal((await withdraw(first, '301.00', '12346')).rc, '61', 'the machine')
  await first.bench.close()
  const second = await at(policy, path)
  t.teardown(() => second.bench.close())
  await second.bench.clock.advance(HOUR_MS)
  await visit(second)
  t.equal((await withdraw(second, '400.01')).rc, '61', 'the account')
  t.equal((await withdraw(second, '100.00')).rc, '00')
  t.equal((await withdraw(second, '1.00')).rc, '65', 'a third time')
})

t.test('a crowd of withdrawals gets no more than the limit', async t => {
  const counter = await at({cardDay: limit(300_00, 99), accountDay: limit(300_00, 99)})
  t.teardown(() => counter.bench.close())
  await visit(counter)
  const all = await Promise.all(Array.from({length: 12}, () => withdraw(counter, '50.00')))
  t.equal(all.filter(({rc}) => rc === '00').length, 6)
})

t.test('a large amount needs a second proof: the PIN once more', async t => {
  const counter = await at({stepUpAboveMinor: minorUnits(500_00), cardDay: limit(2_000_00, 9)})
  t.teardown(() => counter.bench.close())
  const {bench, pinKey} = counter
  const proof = (card = ADA, pin = card.pin, amount = 800) =>
    send(
      bench,
      'POST',
      `/api/atms/${ATM}/step-up`,
      JSON.stringify({
        amount,
        currency: 'EUR',
        track2: card.track2,
        pin_block: hexOf(pinBlock(pinKey, card, pin).reveal()),
      }),
      {key: `"${freshKey()}"`},
    )
  t.equal((await proof()).json['rc'], '57', 'nobody stands there')
  await visit(counter)
  t.equal((await withdraw(counter, '500.00')).rc, '00', 'not large')
  const large = await withdraw(counter, '800.00', '12346')
  t.equal(large.rc, '1A')
  t.equal((await withdraw(counter, '800.00', '12346', large.key)).rc, '1A', 'the key stays a no')
  t.match((await proof(ADA, '9999')).json, {rc: '55', tries_left: 2}, 'a wrong PIN is a try')
  await visit(counter)
  t.equal((await proof(BEN)).json['rc'], '57', 'another card proves nothing')
  await visit(counter)
  t.equal((await proof()).json['rc'], '00')
  t.equal((await withdraw(counter, '800.01', '12346')).rc, '1A', 'more than was proved for')
  t.equal((await withdraw(counter, '800.00', '12346')).rc, '00')
  t.equal((await withdraw(counter, '700.00', '12346')).rc, '1A', 'once')
  t.equal((await proof()).json['rc'], '00')
  await bench.clock.advance(STEP_UP_MS)
  await visit(counter)
  t.equal((await withdraw(counter, '600.00', '12346')).rc, '1A', 'and not for long')
  t.equal((await withdraw(counter, '400.00', '12346')).rc, '00', 'what was refused used no limit')
})

t.test('a card with a second factor needs its code, and a code works once', async t => {
  const counter = await at({stepUpAboveMinor: minorUnits(100_00)})
  t.teardown(() => counter.bench.close())
  const {bench} = counter
  t.equal((await send(bench, 'POST', '/api/cards/c1/second-factor', '{}', {who: OMAR})).status, 403)
  t.equal((await send(bench, 'POST', '/api/cards/c99/second-factor', '{}', {who: TINA})).status, 404)
  const made = await send(bench, 'POST', '/api/cards/c1/second-factor', '{}', {who: TINA})
  t.match(made.json, {totp_uri: /^otpauth:\/\/totp\//})
  const sealed = present(await bench.bank.store.read(tx => tx.risk.factor('c1')), 'a factor')
  const code = () =>
    codeAt(new Secret(bench.bank.guard.vault.open('card-seed:c1', sealed)), bench.clock.wallMs())
  const proof = (given: string) =>
    send(bench, 'POST', `/api/atms/${ATM}/step-up`, `{"amount":200.00,"currency":"EUR","code":"${given}"}`, {
      key: `"${freshKey()}"`,
    })
  await visit(counter)
  t.equal((await withdraw(counter, '200.00')).rc, '1A')
  const wrongCode = () => (code() === '000000' ? '111111' : '000000')
  t.equal((await proof(wrongCode())).json['rc'], '55')
  const used = code()
  t.equal((await proof(used)).json['rc'], '00')
  t.equal((await withdraw(counter, '200.00')).rc, '00')
  t.equal((await proof(used)).json['rc'], '55', 'used')
  await bench.clock.advance(30_000)
  for (let tries = 0; tries < 2; tries++) t.equal((await proof(wrongCode())).json['rc'], '55')
  t.match((await proof(code())).json, {rc: '75', retain: true}, 'three wrong codes, and the card is locked')
})

t.test('a rule raises one alert, which can hold the card until somebody closes it', async t => {
  const rule = {
    name: 'often',
    of: 'card',
    kind: 'count',
    fact: 'approved',
    withinMs: HOUR_MS,
    countMax: 2,
  } as const
  const counter = await at({rules: [{...rule, holds: true}]})
  t.teardown(() => counter.bench.close())
  const {bench} = counter
  await visit(counter)
  for (let count = 0; count < 3; count++) t.equal((await withdraw(counter, '10.00')).rc, '00')
  t.equal((await withdraw(counter, '10.00')).rc, '59', 'held')
  t.equal(await visit(counter), '59', 'at the door too')
  t.equal(await visit(counter, BEN), '00', 'another card is free')
  const [alert, ...more] = await alerts(counter)
  t.same(more, [], 'one alert')
  t.match(alert, {rule: 'often', card_id: 'c1', atm_id: ATM, holds_card: true, why: /3 times approved/})
  const close = (who: Parameters<typeof send>[4], id = String(alert?.['alert_id'])) =>
    send(bench, 'POST', `/api/alerts/${id}/close`, '{"closing":"a birthday"}', who)
  t.equal((await close({who: OMAR})).status, 403)
  t.equal((await close({who: SOFIA}, 'f'.repeat(24))).status, 404)
  t.match((await close({who: SOFIA})).json, {closed_by: 'sofia', closing: 'a birthday', holds_card: false})
  t.same(await alerts(counter), [])
  await bench.clock.advance(1_000)
  t.equal(await visit(counter), '00', 'free again')
  for (let count = 0; count < 3; count++)
    t.equal((await withdraw(counter, '10.00')).rc, '00', 'what was closed does not count again')
  t.equal((await withdraw(counter, '10.00')).rc, '59', 'what came after does')
  const [entry] = await bench.bank.store.read(tx => tx.audit.from(1, 10))
  t.match(entry, {who: 'sofia', action: 'alert.closed', detail: 'often'})
})

t.test('wrong PINs, reversals, impossible ways, and approvals without an end are seen', async t => {
  const more = {withinMs: 24 * HOUR_MS, holds: false} as const
  const counter = await at({
    rules: [
      {name: 'wrong-pins', of: 'card', kind: 'count', fact: 'pin-wrong', countMax: 3, ...more},
      {name: 'reversals', of: 'card', kind: 'count', fact: 'reversed', countMax: 1, ...more},
      {name: 'travel', of: 'card', kind: 'travel', kmPerHourMax: 900, kmMin: 50, ...more},
      {name: 'unfinished', of: 'machine', kind: 'unfinished', afterMs: HOUR_MS, countMax: 0, ...more},
    ],
  })
  t.teardown(() => counter.bench.close())
  const {bench} = counter
  const names = async () => (await alerts(counter)).map(alert => String(alert['rule'])).sort()
  for (let round = 0; round < 2; round++) {
    t.same(await names(), [])
    await visit(counter, ADA, '9999')
    await visit(counter, ADA, '9998')
    await visit(counter)
  }
  t.same(await names(), ['wrong-pins'], 'also with a right one in between')
  for (let round = 0; round < 2; round++) {
    const {key} = await withdraw(counter, '10.00')
    await reverse(counter, key)
    await reverse(counter, key)
    t.same(await names(), round === 0 ? ['wrong-pins'] : ['reversals', 'wrong-pins'])
  }
  const place = (
    id: string,
    latitude: string,
    longitude: string,
    who: Parameters<typeof send>[4] = {who: OMAR},
  ) => send(bench, 'POST', `/api/atms/${id}/place`, JSON.stringify({latitude, longitude}), who)
  t.equal((await place(ATM, '52.520008', '13.404954')).status, 200)
  t.equal((await place('ATM999', '48.856613', '2.352222')).status, 200)
  t.equal((await place('ATM404', '1.0', '1.0')).status, 404)
  for (const [latitude, longitude] of [
    ['90.1', '0.0'],
    ['0.0', '180.1'],
    ['1e1', '0'],
    ['x', '0'],
  ] as const)
    t.equal((await place(ATM, latitude, longitude)).status, 400, `${latitude} ${longitude}`)
  t.equal((await place(ATM, '1.0', '1.0', {who: TINA})).status, 403)
  await bench.clock.advance(1_000)
  await visit(counter)
  await bench.clock.advance(600_000)
  const nowMs = bench.clock.wallMs()
  await bench.bank.store.transact(tx =>
    observe(bench.bank, tx, 'verified', {key: 'elsewhere', cardId: 'c1', atmId: 'ATM999'}, nowMs),
  )
  t.same(await names(), ['reversals', 'travel', 'wrong-pins'])
  t.match(
    (await alerts(counter)).find(({rule}) => rule === 'travel'),
    {why: /km from ATM123 to ATM999 in 10 min/},
  )
  await visit(counter)
  await withdraw(counter, '10.00')
  await bench.clock.advance(HOUR_MS + 1)
  t.same(await names(), ['reversals', 'travel', 'wrong-pins'], 'nothing has happened since')
  await signOn(bench)
  t.same(await names(), ['reversals', 'travel', 'unfinished', 'wrong-pins'])
})
