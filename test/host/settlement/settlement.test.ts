/**
 * A machine's days at the bank: cut-over with its sums, the journal piece by piece, notes counted, differences
 * found and resolved. The journal is a real one, exported as the machine exports it.
 */
import {createHash} from 'node:crypto'
import t from 'tap'
import {DATE, Day, NEXT, OLA, SUE, nextKey, rowsIn, sendSegment} from './day.ts'
import {ATM, send, signOn} from '../bench.ts'
import {anchorCountersigner, anchorSigner, signAnchor, signerOfSeed} from '../../../crypto/anchor.ts'
import {operationKeyOf} from '../../../fsm/vocabulary.ts'
import {ledgerAccounts} from '../../../host/ledger/book.ts'
import {bookFaults} from '../../../host/reconcile.ts'
import {present} from '../../../kit/assert.ts'

t.test('a cut-over closes the date with sums and opens the next', async t => {
  const day = await Day.open(t)
  const first = await day.approved()
  await day.completed(first, 60)
  const second = await day.approved()
  await day.post(`/api/operations/${second}/reverse`, {reason: 'not-taken'})
  const reply = await day.post(`/api/atms/${ATM}/cut-over`, {
    business_date: DATE,
    currency: 'EUR',
    totals: {
      withdrawals: {count: 1, amount: 60},
      reversals: {count: 1, amount: 100},
      deposits: {count: 0, amount: 0},
    },
    units: [{unit: 'cassette-1', kind: 'cassette', value: 50, count: 98}],
  })
  t.match(reply.json, {
    closed_date: DATE,
    business_date: NEXT,
    settlement: 'in-balance',
    totals: {withdrawals: {count: 1, amount: 60}, reversals: {count: 1, amount: 100}},
  })
  t.match(reply.text, '"amount":60.00')
  t.equal((await day.cutOver([1, 61])).status, 422, 'said again with other sums')
  t.equal((await day.cutOver([0, 0], '2026-11-20')).status, 409, 'a date that the machine was never in')
  t.equal((await send(day.bench, 'GET', `/api/atms/${ATM}/probe`, null)).json['business_date'], NEXT)
  t.equal(
    (await day.post(`/api/atms/${ATM}/sign-on`, {})).json['business_date'],
    NEXT,
    'before midnight already',
  )
  const fleet = await day.get(`/api/atms/${ATM}`)
  t.match(fleet.json, {business_date: NEXT, cash: {units: [{unit: 'cassette-1', count: 98}]}})

  t.test('what comes later counts in the date that is open then', async t => {
    const third = await day.approved()
    await day.completed(third, 100)
    const again = await day.cutOver([1, 100], NEXT)
    t.match(again.json, {settlement: 'in-balance', business_date: '2026-11-24'})
    const closed = await day.reconciled(DATE)
    t.match(
      closed.json['host_totals'],
      {withdrawals: {count: 1, amount: 60}},
      'and a closed date stays as it was',
    )
  })
})

t.test('a cut-over is answered again byte for byte, and other sums are a difference', async t => {
  const day = await Day.open(t)
  await day.completed(await day.approved())
  const first = await day.cutOver([1, 120])
  t.match(first.json, {settlement: 'out-of-balance', totals: {withdrawals: {count: 1, amount: 100}}})
  await day.bench.clock.advance(3_600_000)
  t.equal((await day.cutOver([1, 120])).text, first.text)
  t.same(await day.classes(DATE), [['totals-differ', 20, 'open']])
})

t.test('a date that the machine did not close is closed by a later sign-on', async t => {
  const day = await Day.open(t)
  const key = await day.approved()
  await day.bench.clock.advance(86_400_000)
  await signOn(day.bench)
  t.equal((await day.cutOver([0, 0])).status, 409)
  const dates = await day.get(`/api/atms/${ATM}/dates`)
  t.match(rowsIn(dates, 'dates'), [
    {business_date: NEXT},
    {business_date: DATE, closed_at: /T/, verdict: 'out-of-balance'},
  ])
  t.match((await day.get('/api/differences')).json['differences'], [
    {class: 'host-over', subject: key, explanation: /never confirmed/},
  ])
  t.same((await day.reconciled(DATE)).json['missing'], ['journal', 'count', 'totals'])
})

t.test('a journal comes in pieces, each continuing the chain', async t => {
  const day = await Day.open(t)
  const key = await day.approved()
  await day.completed(key, 60)
  const text = day.text()
  const lines = text.split(/(?<=\n)/)
  const [first = '', second = '', third = ''] = lines
  const {bench} = day
  t.match((await send(bench, 'GET', `/api/atms/${ATM}/journal`, null)).json, {next_offset: 0, rows: 0})
  const one = await sendSegment(bench, 0, first)
  t.match(one.json, {next_offset: first.length, rows: 1})
  t.equal((await sendSegment(bench, 0, first)).text, one.text, 'the same piece again')
  t.equal((await sendSegment(bench, 0, first + second)).status, 422, 'other text where one was')
  t.equal((await sendSegment(bench, first.length + 1, second)).status, 409, 'a gap')
  t.equal((await sendSegment(bench, first.length, third)).json['rc'], '95', 'a row is left out')
  t.equal(
    (await sendSegment(bench, first.length, second.replace('12345', '54321'))).json['rc'],
    '95',
    'a row is changed',
  )
  t.equal((await sendSegment(bench, first.length, second.slice(0, -1))).status, 400, 'half a line')
  t.equal((await sendSegment(bench, first.length, second, '0'.repeat(64))).status, 400, 'another hash')
  t.equal((await sendSegment(bench, first.length, 'text\n')).json['rc'], '95')
  const rest = await sendSegment(bench, first.length, second + third)
  t.match(rest.json, {next_offset: text.length, rows: 3, last_hash: /^[0-9a-f]{64}$/})
  const words = await bench.bank.store.read(tx => tx.journals.words(ATM, null, DATE))
  t.match(words, [{key, kind: 'completed', currency: 'EUR', leastMinor: 6_000, mostMinor: 6_000}])
  t.equal((await sendSegment(bench, text.length, text)).json['rc'], '95', 'it does not begin again')
})

/** Every change of one bit would be ten thousand messages; these fall on every byte of a line, and on every bit of some. */
const BIT_STEP = 13

t.test(
  'a piece of which a bit is flipped, or a line lost, doubled or in another place, is refused',
  async t => {
    const day = await Day.open(t)
    await day.completed(await day.approved(), 60)
    const {bench} = day
    const bytes = Buffer.from(day.text())
    let refused = 0
    let tried = 0
    for (let bit = 0; bit < bytes.length * 8; bit += BIT_STEP) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const reply = await sendSegment(bench, 0, flipped.toString('latin1'))
      tried += 1
      if (reply.status === 409 || reply.status === 400) refused += 1
    }
    t.ok(tried > 300)
    t.equal(refused, tried)
    const lines = bytes.toString().split(/(?<=\n)/)
    const [one = '', two = '', three = ''] = lines
    for (const wrong of [
      [two, three],
      [one, three],
      [one, two, two, three],
      [one, three, two],
      [three, two, one],
    ])
      t.equal((await sendSegment(bench, 0, wrong.join(''))).json['rc'], '95')
    t.equal((await sendSegment(bench, 0, bytes.toString())).json['rows'], 3, 'as it is, it is taken')
  },
)

t.test('both sign how far the journal goes', async t => {
  const day = await Day.open(t)
  await day.completed(await day.approved(), 60)
  const signer = signerOfSeed(new Uint8Array(32).fill(7))
  const anchored = (row: number, hash: string, more: object = {}, by = signer) => {
    const {key, signature} = signAnchor({atmId: ATM, row, hash}, by)
    return day.post(`/api/atms/${ATM}/journal/anchor`, {row, hash, public_key: key, signature, ...more})
  }
  const zeros = '0'.repeat(64)
  t.equal((await anchored(3, zeros)).status, 409, 'nothing is here')
  const tip = (await day.sendJournal()).json
  const hash = String(tip['last_hash'])
  t.equal((await anchored(2, hash)).status, 409, 'a row that is not the last')
  t.equal((await anchored(3, zeros)).json['rc'], '95', 'another hash')
  t.equal((await anchored(3, hash, {signature: `${'A'.repeat(86)}==`})).status, 403, 'not signed')
  const other = signerOfSeed(new Uint8Array(32).fill(8))
  const {key: otherKey} = signAnchor({atmId: ATM, row: 3, hash}, other)
  t.equal((await anchored(3, hash, {public_key: otherKey})).status, 403, 'signed by another key than it says')
  const first = await anchored(3, hash)
  t.match(first.json, {row: 3, hash, taken_at: /Z$/})
  const point = {atmId: ATM, row: 3, hash}
  const machine = {key: String(first.json['machine_key']), signature: String(first.json['machine_signature'])}
  const bank = {
    key: String(first.json['bank_key']),
    signature: String(first.json['bank_signature']),
    takenAt: String(first.json['taken_at']),
  }
  t.equal(anchorSigner(point, machine), signer.keyId)
  t.equal(anchorCountersigner(point, machine, bank), day.bench.bank.guard.anchorSigner.keyId)
  await day.bench.clock.advance(60_000)
  t.equal((await anchored(3, hash, {}, other)).text, first.text, 'asked again, it is the same anchor')
  await day.approved()
  await day.sendJournal()
  t.equal((await anchored(3, hash)).text, first.text, 'and stays one when the journal has grown')
  t.equal((await anchored(3, zeros)).status, 422, 'that row has one hash for ever')
})

t.test('a journal of another machine, or with an order that cannot be read, stays outside', async t => {
  const day = await Day.open(t)
  day.note({kind: 'host.reverse', key: operationKeyOf('ATM999', DATE, 1), because: 'no-answer', row: ''})
  t.match((await day.sendJournal()).json, {rc: '95', detail: /another machine/})
  const row =
    '{"answers":null,"atMs":1,"body":{"key":"ATM123:2026-11-22:000001","kind":"host.complete"},"kind":"intent","seq":1,"session":null}'
  const hash = createHash('sha256')
    .update(`${'0'.repeat(64)}\n${row}`)
    .digest('hex')
  const reply = await sendSegment(day.bench, 0, `{"hash":"${hash}","row":${row}}\n`)
  t.match(reply.json, {rc: '95', detail: /paidMinor/})
})

t.test('three sources that agree', async t => {
  const day = await Day.counted(t)
  await day.completed(await day.approved(nextKey(1)))
  await day.completed(await day.approved(nextKey(2)), 50)
  t.match((await day.cutOver([2, 150], NEXT)).json, {settlement: 'in-balance'})
  t.equal((await day.reconciled(NEXT)).json['verdict'], 'incomplete')
  await day.sendJournal()
  await day.count(NEXT, 97, 200)
  const run = await day.reconciled(NEXT)
  t.match(run.json, {
    verdict: 'in-balance',
    date_state: 'closed',
    missing: [],
    host: {at_least: 150, at_most: 150},
    journal: {at_least: 150, at_most: 150},
    counted: 150,
    differences: [],
  })
  t.match(String(run.json['report']), /in balance: the three sources agree/)
  t.equal(
    await day.inBook(ledgerAccounts.atmCash(ATM)),
    -1_000_000,
    'the book has the 200 notes that are there now',
  )
  t.same(await bookFaults(day.bench.bank), [])
})

t.test('a lost completion shows, and is gone when it arrives', async t => {
  const day = await Day.counted(t)
  const key = await day.approved(nextKey(1))
  await day.completed(key, 100, 'cut')
  await day.cutOver([0, 0], NEXT)
  await day.sendJournal()
  await day.count(NEXT, 98, 98)
  t.same(
    await day.classes(NEXT),
    [['host-over', 100, 'open']],
    'approved, paid by journal and notes, open at the bank',
  )
  await day.post(`/api/operations/${key}/complete`, {amount: 100, fee: 0, currency: 'EUR'})
  t.same(await day.classes(NEXT), [['host-over', 100, 'gone']])
  t.equal((await day.reconciled(NEXT)).json['verdict'], 'in-balance')
  t.same(await bookFaults(day.bench.bank), [])
})

t.test('a machine that comes back has its suspects named, in a date that is still open', async t => {
  const day = await Day.counted(t)
  await day.suspected(await day.approved(nextKey(1)), 0, 100)
  const known = async () => {
    const differences = await day.bench.bank.store.read(tx => tx.differences.of(ATM, NEXT))
    return differences.map(({class: name, state}) => `${name} ${state}`)
  }
  t.same(await known(), [])
  await signOn(day.bench)
  t.same(await known(), ['suspect open'])
  await signOn(day.bench)
  t.same(await known(), ['suspect open'], 'once')
})

t.test('a count closes a suspect, and the customer has what is right', async t => {
  const day = await Day.counted(t)
  const key = await day.approved(nextKey(1))
  await day.suspected(key, 0, 100)
  await day.cutOver([0, 0], NEXT)
  await day.sendJournal()
  t.same(await day.classes(NEXT), [['suspect', 0, 'open']])
  const counted = await day.count(NEXT, 99, 99)
  t.match(counted.json, {settled: [{key, paid: 50}]})
  t.same(await day.classes(NEXT), [['suspect', 0, 'resolved']])
  t.match((await day.get(`/api/operations/${key}`)).json, {
    state: 'completed',
    paid_at_least: 50,
    evidence: /settled by ola: the count of 2026-11-23/,
  })
  t.equal((await day.get('/api/accounts/12345/balance')).json['balance'], 950)
  t.match(
    (await day.post(`/api/operations/${key}/suspect`, {at_least: 0, at_most: 100, currency: 'EUR'})).json,
    {state: 'completed'},
    'the machine that did not hear our answer is told',
  )
  t.same(await bookFaults(day.bench.bank), [])
})

t.test('a person closes a suspect, with a reason', async t => {
  const day = await Day.open(t)
  const key = await day.approved()
  await day.suspected(key, 0, 100)
  const settle = (body: object, who = SUE) => day.post(`/api/operations/${key}/settle`, body, who)
  t.equal(
    (await settle({paid: 0, reason: 'seen on film'}, OLA)).status,
    403,
    'not by whoever runs the machines',
  )
  t.equal((await settle({paid: 0})).status, 400, 'not without a reason')
  t.equal((await settle({paid: 0, reason: ' '})).status, 400)
  t.equal(
    (await settle({paid: 100.01, reason: 'seen on film'})).status,
    409,
    'not for more than was asked for',
  )
  t.match((await settle({paid: 0, reason: 'seen on film'})).json, {
    state: 'reversed',
    evidence: 'settled by sue: seen on film',
  })
  t.equal((await settle({paid: 0, reason: 'again'})).status, 409)
  t.equal((await day.get('/api/accounts/12345/balance')).json['balance'], 1000)
  t.equal((await day.post('/api/operations/none/settle', {paid: 0, reason: 'x'}, SUE)).status, 404)
  t.same(await bookFaults(day.bench.bank), [])
})

/** What went wrong, which difference it makes, what is done about it, and where the money is then. */
const CASES: readonly (readonly [
  name: string,
  wrong: (day: Day) => Promise<number>,
  found: string,
  action: object,
  books: (day: Day) => readonly (readonly [ledgerAccount: string, minor: number])[],
])[] = [
  [
    'notes are missing',
    async () => 97,
    'cash-short',
    {action: 'write-off'},
    () => [
      [ledgerAccounts.cashDifference(ATM), -15_000],
      [ledgerAccounts.customer('12345'), 100_000],
    ],
  ],
  [
    'more notes than there should be, and a customer who complained',
    async day => {
      await day.completed(await day.approved(nextKey(1)))
      return 99
    },
    'cash-over',
    {action: 'credit-customer', account_id: '12345'},
    () => [
      [ledgerAccounts.cashDifference(ATM), 0],
      [ledgerAccounts.customer('12345'), 95_000],
    ],
  ],
  [
    'more notes than there should be, and nobody who misses them',
    async day => {
      await day.completed(await day.approved(nextKey(1)))
      return 99
    },
    'cash-over',
    {action: 'write-off'},
    () => [
      [ledgerAccounts.cashDifference(ATM), 5_000],
      [ledgerAccounts.customer('12345'), 90_000],
    ],
  ],
  [
    'paid, and reversed at the bank',
    async day => {
      const key = await day.approved(nextKey(1))
      await day.completed(key, 100, 'cut')
      await day.post(`/api/operations/${key}/reverse`, {reason: 'no-answer'})
      return 98
    },
    'host-short',
    {action: 'debit-customer'},
    () => [[ledgerAccounts.customer('12345'), 90_000]],
  ],
  [
    'paid under a key that was never approved',
    async day => {
      await day.completed(nextKey(1), 100)
      return 98
    },
    'forced',
    {action: 'debit-customer', account_id: '12346'},
    () => [
      [ledgerAccounts.suspense, 0],
      [ledgerAccounts.customer('12346'), 240_000],
    ],
  ],
  [
    'approved, and never heard of again',
    async day => {
      await day.approved(nextKey(1))
      return 100
    },
    'host-over',
    {action: 'settle', amount: 0},
    () => [
      [ledgerAccounts.held(ATM), 0],
      [ledgerAccounts.customer('12345'), 100_000],
    ],
  ],
]

for (const [name, wrong, found, action, books] of CASES)
  t.test(`${name}: ${found}, resolved by a person`, async t => {
    const day = await Day.counted(t)
    const counted = await wrong(day)
    await day.cutOverAgreeing(NEXT)
    await day.sendJournal()
    await day.count(NEXT, counted, counted)
    const run = await day.reconciled(NEXT)
    const difference = present(
      rowsIn(run, 'differences').find(each => each['class'] === found),
      found,
    )
    t.equal(run.json['verdict'], 'out-of-balance')
    const id = String(difference['difference_id'])
    const resolve = (body: object, who = SUE) => day.post(`/api/differences/${id}/resolve`, body, who)
    t.equal((await resolve({...action, reason: 'r'}, OLA)).status, 403)
    t.equal((await resolve(action)).status, 400, 'not without a reason')
    t.equal(
      (await resolve({action: found === 'cash-short' ? 'settle' : 'accept', reason: 'r'})).status,
      409,
      'not so',
    )
    t.match((await resolve({...action, reason: 'looked into it'})).json, {
      state: 'resolved',
      actions: [],
      resolution: {by: 'sue', reason: 'looked into it'},
    })
    t.equal((await resolve({...action, reason: 'twice'})).status, 409, 'and not twice')
    for (const [ledgerAccount, minor] of books(day))
      t.equal(await day.inBook(ledgerAccount), minor, ledgerAccount)
    t.same(await bookFaults(day.bench.bank), [])
    t.equal((await day.reconciled(NEXT)).json['verdict'], 'in-balance', 'nothing else is open')
    const after = rowsIn(await day.reconciled(NEXT), 'differences').find(each => each['difference_id'] === id)
    t.equal(after?.['state'], 'resolved', 'it stays, and stays resolved')
    t.match((await day.reconciled(NEXT)).json['report'], /looked into it/)
    const listed = await day.get('/api/differences?state=resolved', OLA)
    t.ok(rowsIn(listed, 'differences').some(each => each['difference_id'] === id))
  })

t.test('a debit that the customer cannot bear is refused, and nothing is booked', async t => {
  const day = await Day.counted(t)
  await day.completed(nextKey(1), 100)
  const [difference] = rowsIn(await day.reconciled(NEXT), 'differences')
  const path = `/api/differences/${String(difference?.['difference_id'])}/resolve`
  const body = {action: 'debit-customer', reason: 'seen', account_id: '22345'}
  t.equal((await day.post(path, body, SUE)).json['rc'], '51')
  t.equal((await day.post(path, {...body, account_id: '99999'}, SUE)).status, 404)
  t.equal(
    (await day.post(path, {...body, account_id: '12345', amount: 50}, SUE)).status,
    422,
    'not for a part of it',
  )
  t.equal(await day.inBook(ledgerAccounts.suspense), -10_000)
  t.match((await day.get('/api/differences?state=open')).json['differences'], [{state: 'open'}])
})

t.test('counts that cannot be held against the one before', async t => {
  const day = await Day.counted(t)
  t.equal((await day.count(NEXT, 100, 100)).status, 409, 'the date goes on')
  t.equal((await day.count('2026-12-24', 100, 100)).status, 409, 'a date that never was')
  await day.cutOver([0, 0], NEXT)
  const units = (list: readonly object[]) =>
    day.post(`/api/atms/${ATM}/counts`, {business_date: NEXT, currency: 'EUR', units: list}, OLA)
  t.equal((await units([])).status, 422, 'the cassette is forgotten')
  const one = {unit: 'cassette-1', kind: 'cassette', value: 50, counted: 100, left: 100}
  t.equal((await units([{...one, value: 20}])).status, 422, 'other notes')
  t.equal((await units([one, one])).status, 422, 'a unit twice')
  t.equal((await units([{...one, value: 0.001}])).status, 422, 'notes that there are not')
  t.equal((await units([{...one, value: 0}])).status, 422, 'notes without worth')
  t.equal((await units([one])).status, 200)
  t.equal((await units([one])).status, 409, 'once a date')
  const elsewhere = await day.post(
    '/api/atms/NONE/counts',
    {business_date: NEXT, currency: 'EUR', units: [one]},
    OLA,
  )
  t.equal(elsewhere.status, 404)
})

t.test('the first count brings the book to what is there', async t => {
  const day = await Day.open(t)
  await day.completed(await day.approved())
  t.equal(await day.inBook(ledgerAccounts.atmCash(ATM)), 10_000, 'the book has paid what it never loaded')
  await day.cutOver([1, 100])
  await day.count(DATE, 0, 100)
  t.equal(await day.inBook(ledgerAccounts.atmCash(ATM)), -500_000)
  t.equal(
    await day.inBook(ledgerAccounts.vault),
    510_000,
    'what is there now, and what was paid of it before',
  )
  t.same(
    (await day.reconciled(DATE)).json['missing'],
    ['journal', 'count'],
    'and there is nothing yet to hold it against',
  )
})

t.test('events are taken once, the newest of each part is shown', async t => {
  const day = await Day.open(t)
  const event = (seq: number, part: string, state: string) => ({
    seq,
    at: '2026-11-22T11:00:00Z',
    part,
    state,
    detail: `event ${seq}`,
  })
  const tell = (events: readonly object[]) => day.post(`/api/atms/${ATM}/events`, {events})
  t.match((await tell([event(2, 'dispenser', 'out'), event(1, 'dispenser', 'ok')])).json, {taken_through: 2})
  t.match((await tell([event(2, 'dispenser', 'ok'), event(3, 'safe', 'degraded')])).json, {taken_through: 3})
  const atm = await day.get(`/api/atms/${ATM}`, OLA)
  t.match(atm.json['parts'], [
    {part: 'dispenser', state: 'out', seq: 2},
    {part: 'safe', state: 'degraded'},
  ])
  t.match(atm.json, {open_holds: 0, open_suspects: 0, open_differences: 0, heard_at: /T/})
  t.equal((await tell([{...event(4, 'roof', 'ok')}])).status, 400)
  t.equal((await tell([{...event(4, 'safe', 'ok'), detail: 'two\nlines'}])).status, 400)
})

t.test('a machine tells its cash', async t => {
  const day = await Day.open(t)
  const tell = (units: readonly object[]) => day.post(`/api/atms/${ATM}/cash`, {currency: 'EUR', units})
  const one = {unit: 'cassette-1', kind: 'cassette', value: 50, count: 12}
  t.match((await tell([one])).json, {atm_id: ATM, business_date: DATE})
  t.match((await day.get('/api/atms')).json['atms'], [
    {atm_id: ATM, cash: {units: [one]}},
    {atm_id: 'ATM999'},
  ])
  t.equal((await tell([one, one])).status, 422)
  t.equal((await tell([{...one, value: 0.005}])).status, 422)
  t.equal((await tell([{...one, count: -1}])).status, 400)
})
