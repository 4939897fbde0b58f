/** The link's client: what it makes of answers, good and bad, over a transport of the test's own. */
import t from 'tap'
import {
  ADA,
  ATM,
  ATM_IDENTITY,
  START_MS,
  freshKey,
  openBench,
  openVisit,
  pinBlock,
  signOn,
} from '../host/bench.ts'
import {inProcessTransport} from '../../host/in-process.ts'
import {VirtualClock} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import type {Day} from '../../fsm/vocabulary.ts'
import {Secret} from '../../kit/secret.ts'
import {hostLink} from '../../src/link/client.ts'
import type {BankRequest, Transport, TransportAnswer} from '../../src/link/transport.ts'

const OPTIONS = {atmId: ATM, currency: 'EUR', answerTimeoutMs: 30_000} as const
const KEY = freshKey()
const WISH = {
  key: KEY,
  accountId: '12345',
  amountMinor: minorUnits(10_000),
  feeMinor: minorUnits(0),
  currency: 'EUR',
  last: null,
} as const
const REVERSAL = {kind: 'host.reverse', key: KEY, because: 'no-answer', row: ''} as const

/** A bank that gives these answers in turn, and the questions it was asked. */
function scripted(...answers: readonly TransportAnswer[]): Transport & {readonly asked: BankRequest[]} {
  const asked: BankRequest[] = []
  return {
    asked,
    send: async request =>
      answers[asked.push(request) - 1] ?? {kind: 'silent', why: 'script over', sent: true},
    close: async () => undefined,
  }
}

function link(transport: Transport) {
  return hostLink(transport, new VirtualClock(START_MS), silentLog, OPTIONS)
}

function answer(body: string, status = 200): TransportAnswer {
  return {kind: 'answer', status, headers: {}, body}
}

function approval(changes: Readonly<Record<string, string>> = {}): TransportAnswer {
  const fields = {
    transaction_id: '"7890"',
    account_id: '"12345"',
    amount: '100.00',
    balance: '900.00',
    transaction_date: '"2024-06-10T12:34:56Z"',
    ...changes,
  }
  return answer(
    `{${Object.entries(fields)
      .map(([name, value]) => `"${name}":${value}`)
      .join()}}`,
  )
}

t.test('an approval of exactly what was asked, and nothing else', async t => {
  t.match(await link(scripted(approval())).authorize(WISH), {kind: 'approved', amountMinor: 10_000})
  t.match(await link(scripted(approval({auth_code: '"123456"', rc: '"00"', later: '{}'}))).authorize(WISH), {
    kind: 'approved',
    authCode: '123456',
  })
  t.equal(
    (await link(scripted(approval({amount: '100'}))).authorize(WISH)).kind,
    'approved',
    'the same amount',
  )
  const others: readonly (readonly [name: string, changes: Readonly<Record<string, string>>])[] = [
    ['more', {amount: '100.01'}],
    ['less', {amount: '99.99'}],
    ['a tenth', {amount: '10.000'}],
    ['a string', {amount: '"100.00"'}],
    ['an exponent', {amount: '1e2'}],
    ['below zero', {amount: '-100.00'}],
    ['another account', {account_id: '"12346"'}],
    ['another currency', {currency: '"USD"'}],
    ['a fee nobody spoke of', {fee: '1.00'}],
    ['no balance', {balance: 'null'}],
    ['the amount twice', {amount: '100.00,"amount":100.00'}],
  ]
  for (const [name, changes] of others)
    t.equal((await link(scripted(approval(changes))).authorize(WISH)).kind, 'silent', name)
})

t.test('a no is a no, trouble is silence', async t => {
  const problem = (status: number, rc: string, retry: string) =>
    answer(
      `{"type":"urn:x:y","title":"t","status":${status},"detail":"d","rc":"${rc}","retry":"${retry}"}`,
      status,
    )
  const cases: readonly (readonly [TransportAnswer, object])[] = [
    [answer('{"rc":"51","retain":false}'), {kind: 'declined', code: '51', retain: false}],
    [answer('{"rc":"43","retain":true}'), {kind: 'declined', code: '43', retain: true}],
    [problem(422, '94', 'never'), {kind: 'declined', code: '94', retain: false}],
    [problem(403, '63', 'never'), {kind: 'declined', code: '63', retain: false}],
    [problem(500, '96', 'same-key'), {kind: 'silent'}],
    [answer('<html>502</html>', 502), {kind: 'silent', why: /502 with no JSON/}],
    [answer('{"error":"x"}', 503), {kind: 'silent', why: /503/}],
    [answer('', 200), {kind: 'silent'}],
    [answer('{}', 200), {kind: 'silent'}],
    [answer('{"rc":"00","retain":false}'), {kind: 'silent'}],
    [
      {kind: 'silent', why: 'cut', sent: true},
      {kind: 'silent', why: 'cut'},
    ],
  ]
  for (const [given, expected] of cases) t.match(await link(scripted(given)).authorize(WISH), expected)
})

t.test('one repeat, and only of what never left', async t => {
  const unsent: TransportAnswer = {kind: 'silent', why: 'refused', sent: false}
  const again = scripted(unsent, approval())
  t.equal((await link(again).authorize(WISH)).kind, 'approved')
  t.same(again.asked[0]?.headers, again.asked[1]?.headers, 'the same key')
  t.equal(again.asked[0]?.headers['idempotency-key'], `"${KEY}"`)
  t.same(again.asked[0]?.body, again.asked[1]?.body)
  const twice = scripted(unsent, unsent, approval())
  t.equal((await link(twice).authorize(WISH)).kind, 'silent')
  t.equal(twice.asked.length, 2)
  const sent = scripted({kind: 'silent', why: 'cut', sent: true}, approval())
  t.equal((await link(sent).authorize(WISH)).kind, 'silent')
  t.equal(sent.asked.length, 1, 'what may have arrived is the session’s to decide')
})

t.test('advices: acknowledged, refused or unheard', async t => {
  const acknowledged = (key: string, rc = '00') => answer(`{"key":"${key}","rc":"${rc}","state":"reversed"}`)
  const problem = (retry: string) =>
    answer(`{"type":"urn:x:y","title":"t","status":409,"detail":"d","rc":"21","retry":"${retry}"}`, 409)
  t.same(await link(scripted(acknowledged(KEY))).advise(REVERSAL), {
    kind: 'acknowledged',
    state: 'reversed',
  })
  t.equal(
    (await link(scripted(acknowledged(freshKey()))).advise(REVERSAL)).kind,
    'silent',
    'of another operation',
  )
  t.match(await link(scripted(problem('never'))).advise(REVERSAL), {kind: 'refused', why: /^21 /})
  t.equal((await link(scripted(problem('same-key'))).advise(REVERSAL)).kind, 'silent')
  const telling = scripted(acknowledged(KEY))
  await link(telling).advise({
    kind: 'host.complete',
    key: KEY,
    paidMinor: minorUnits(6_005),
    feeMinor: minorUnits(250),
    paid: [],
    row: 'exit count',
  })
  t.match(telling.asked[0], {
    method: 'POST',
    path: `/api/operations/${encodeURIComponent(KEY)}/complete`,
    body: '{"amount":60.05,"fee":2.50,"currency":"EUR","row":"exit count"}',
  })
})

const DAY: Day = {
  businessDate: '2026-11-22',
  totals: {
    withdrawals: {count: noteCount(2), sumMinor: minorUnits(12_005)},
    reversals: {count: noteCount(0), sumMinor: minorUnits(0)},
  },
  cash: [{unit: 'cassette-1', kind: 'cassette', noteMinor: minorUnits(2_000), count: noteCount(97)}],
}

t.test('the end of a date: closed, refused or unheard', async t => {
  const closed = (fields: string) =>
    answer(
      `{"atm_id":"${OPTIONS.atmId}",${fields},"business_date":"2026-11-23","settlement":"out-of-balance",` +
        '"totals":{"withdrawals":{"count":0,"amount":0.00},"reversals":{"count":0,"amount":0.00},"deposits":{"count":0,"amount":0.00}}}',
    )
  const telling = scripted(closed('"closed_date":"2026-11-22"'))
  t.same(await link(telling).cutOver(DAY, 417), {
    kind: 'closed',
    next: '2026-11-23',
    settlement: 'out-of-balance',
  })
  t.match(telling.asked[0], {
    method: 'POST',
    path: `/api/atms/${OPTIONS.atmId}/cut-over`,
    body:
      '{"business_date":"2026-11-22","currency":"EUR","totals":{"withdrawals":{"count":2,"amount":120.05},' +
      '"reversals":{"count":0,"amount":0.00},"deposits":{"count":0,"amount":0.00}},' +
      '"units":[{"unit":"cassette-1","kind":"cassette","value":20.00,"count":97}],"journal_rows":417}',
  })
  t.equal((await link(scripted(closed('"closed_date":"2026-11-21"'))).cutOver(DAY, 417)).kind, 'silent')
  const problem = (retry: string) =>
    answer(`{"type":"urn:x:y","title":"t","status":409,"detail":"d","rc":"94","retry":"${retry}"}`, 409)
  t.match(await link(scripted(problem('never'))).cutOver(DAY, 417), {kind: 'refused', why: /^94 /})
  t.equal((await link(scripted(problem('same-key'))).cutOver(DAY, 417)).kind, 'silent')
  t.equal(await link(scripted(problem('never'))).tellCash(DAY.cash, []), false)
})

t.test('against the bank itself', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const real = hostLink(
    inProcessTransport(bench.app, ATM_IDENTITY, bench.clock),
    bench.clock,
    silentLog,
    OPTIONS,
  )
  const pinKey = await signOn(bench)
  const show = (pin: string) =>
    real.verify({key: freshKey(), track2: new Secret(ADA.track2), pinBlock: pinBlock(pinKey, ADA, pin)})
  t.same(await show('0000'), {kind: 'pinWrong', triesLeft: 2})
  t.same(await show('1234'), {
    kind: 'verified',
    accounts: [
      {accountId: '12345', label: 'Checking ...2345'},
      {accountId: '12346', label: 'Savings ...2346'},
    ],
  })
  t.same(await real.balance({accountId: '12345'}), {kind: 'balance', balanceMinor: 100_000})
  t.match(
    await real.balance({accountId: '22345'}),
    {kind: 'declined', code: '63'},
    'not an account of this card',
  )
  const wish = {...WISH, key: freshKey(), feeMinor: minorUnits(150)}
  t.match(await real.authorize(wish), {kind: 'approved', amountMinor: 10_000})
  t.same(await real.authorize({...wish, amountMinor: minorUnits(1)}), {
    kind: 'declined',
    code: '94',
    retain: false,
  })
  t.same(
    await real.advise({
      kind: 'host.suspect',
      key: wish.key,
      atLeastMinor: minorUnits(0),
      atMostMinor: minorUnits(10_000),
      row: 'lost answer',
    }),
    {kind: 'acknowledged', state: 'suspect'},
  )
  t.match(await real.advise({...REVERSAL, key: wish.key}), {kind: 'refused', why: /^21 /})
  t.same(await real.balance({accountId: '12345'}), {kind: 'balance', balanceMinor: 89_850})
  t.match(await real.authorize({...wish, key: freshKey(), accountId: '99999'}), {
    kind: 'declined',
    code: '14',
  })
})

t.test('a closed bank is silent', async t => {
  const bench = await openBench()
  const real = hostLink(
    inProcessTransport(bench.app, ATM_IDENTITY, bench.clock),
    bench.clock,
    silentLog,
    OPTIONS,
  )
  t.equal(await real.probe(), true)
  await bench.close()
  t.equal((await real.authorize({...WISH, key: freshKey()})).kind, 'silent')
  t.equal(await real.probe(), false)
})

t.test('the bank refuses what comes after the machine’s own deadline', async t => {
  const bench = await openVisit()
  t.teardown(() => bench.close())
  const direct = inProcessTransport(bench.app, ATM_IDENTITY, bench.clock)
  const slow: Transport = {
    async send(request) {
      await bench.clock.sleep(30_001)
      return direct.send(request)
    },
    close: async () => undefined,
  }
  const asking = hostLink(slow, bench.clock, silentLog, OPTIONS).authorize({...WISH, key: freshKey()})
  await bench.clock.advance(31_000)
  t.same(await asking, {kind: 'declined', code: '68', retain: false})
})
