/** One operation under one key: every order in which messages can arrive, against a model of what must come of it. */
import fc from 'fast-check'
import t from 'tap'
import {ADA, ATM, START_MS, freshKey, openBench, openVisit, send, signOn, verify} from './bench.ts'
import type {Bench, Reply} from './bench.ts'
import {bookFaults, totalsByAtm} from '../../host/reconcile.ts'
import {balancesOf, ledgerAccounts, openingEntry} from '../../host/ledger/book.ts'
import {present} from '../../kit/assert.ts'
import {minorUnits} from '../../kit/money.ts'

const MESSAGES = ['request', 'other', 'full', 'partial', 'reverse', 'suspect'] as const
type Message = (typeof MESSAGES)[number]
type State =
  | 'none'
  | 'held'
  | 'full'
  | 'partial'
  | 'reversed'
  | 'tombstone'
  | 'suspect'
  | 'suspectUnasked'
  | 'forcedFull'
  | 'forcedPartial'
type Outcome = 'approved' | 'declined 94' | 'refused 94' | 'refused 21' | 'acknowledged'

/** The bank of the protocol's model, with the ends that a machine never reaches added: HTTP status and code stand for the answer. */
function step(state: State, message: Message): readonly [State, Outcome] {
  const asked = !['tombstone', 'suspectUnasked', 'forcedFull', 'forcedPartial'].includes(state)
  switch (message) {
    case 'request':
      if (state === 'none') return ['held', 'approved']
      return [state, state === 'held' ? 'approved' : 'declined 94']
    case 'other':
      // Never first here, or every answer would hang on which of the two came first.
      return [state, asked ? 'refused 94' : 'declined 94']
    case 'full':
    case 'partial': {
      const forced = message === 'full' ? 'forcedFull' : 'forcedPartial'
      if (state === 'none') return [forced, 'acknowledged']
      if (state === 'held') return [message, 'acknowledged']
      if (state === message || state === forced) return [state, 'acknowledged']
      const isPaid = ['full', 'partial', 'forcedFull', 'forcedPartial'].includes(state)
      return [state, isPaid ? 'refused 94' : 'refused 21']
    }
    case 'reverse':
      if (state === 'none') return ['tombstone', 'acknowledged']
      if (state === 'held') return ['reversed', 'acknowledged']
      return [state, state === 'reversed' || state === 'tombstone' ? 'acknowledged' : 'refused 21']
    case 'suspect':
      if (state === 'none') return ['suspectUnasked', 'acknowledged']
      if (state === 'held') return ['suspect', 'acknowledged']
      return [state, state === 'suspect' || state === 'suspectUnasked' ? 'acknowledged' : 'refused 21']
  }
}

/** What the customer has less, and what the machine has paid, in minor units. */
const MONEY: Readonly<
  Record<State, readonly [customer: number, cash: number, held: number, suspense: number]>
> = {
  none: [0, 0, 0, 0],
  held: [-10_200, 0, 10_200, 0],
  full: [-10_200, 10_000, 0, 0],
  partial: [-6_200, 6_000, 0, 0],
  reversed: [0, 0, 0, 0],
  tombstone: [0, 0, 0, 0],
  suspect: [-10_200, 0, 10_200, 0],
  suspectUnasked: [0, 0, 0, 0],
  forcedFull: [0, 10_000, 0, -10_000],
  forcedPartial: [0, 6_000, 0, -6_000],
}

async function tell(bench: Bench, key: string, message: Message): Promise<Reply> {
  const withdraw = (amount: string) =>
    send(bench, 'POST', '/api/accounts/12345/withdraw', `{"amount":${amount},"atm_id":"${ATM}","fee":2.00}`, {
      key: `"${key}"`,
    })
  const advise = (verb: string, body: string) => send(bench, 'POST', `/api/operations/${key}/${verb}`, body)
  switch (message) {
    case 'request':
      return withdraw('100.00')
    case 'other':
      return withdraw('100.01')
    case 'full':
      return advise('complete', '{"amount":100.00,"fee":2.00,"currency":"EUR"}')
    case 'partial':
      return advise('complete', '{"amount":60.00,"fee":2.00,"currency":"EUR"}')
    case 'reverse':
      return advise('reverse', '{"reason":"no-answer"}')
    case 'suspect':
      return advise('suspect', '{"at_least":0.00,"at_most":100.00,"currency":"EUR"}')
  }
}

function outcomeOf({status, json}: Reply): string {
  const rc = String(json['rc'])
  if (status !== 200) return `refused ${rc}`
  if (rc !== '00') return `declined ${rc}`
  return 'transaction_id' in json ? 'approved' : 'acknowledged'
}

async function books(bench: Bench): Promise<readonly number[]> {
  const balances = balancesOf(await bench.bank.store.transact(tx => tx.ledger.postings()))
  return [
    ledgerAccounts.customer('12345'),
    ledgerAccounts.atmCash(ATM),
    ledgerAccounts.held(ATM),
    ledgerAccounts.suspense,
  ].map(account => balances.get(account) ?? 0)
}

function* orders(length: number): Generator<readonly Message[]> {
  if (length === 0) yield []
  else for (const head of orders(length - 1)) for (const last of MESSAGES) yield [...head, last]
}

/** A bank at which money is no object. */
async function openRichVisit(): Promise<Bench> {
  const bench = await openVisit()
  await bench.bank.store.transact(tx =>
    tx.ledger.post('gift', openingEntry('12345', 'EUR', minorUnits(50_000_000)), START_MS),
  )
  return bench
}

/** Sends one order of messages under a new key; tells where the bank left the model. */
async function walk(bench: Bench, order: readonly Message[]): Promise<readonly string[]> {
  const wrong: string[] = []
  const key = freshKey()
  const before = await books(bench)
  let state: State = 'none'
  let approval: string | null = null
  for (const message of order) {
    const [next, expected] = step(state, message)
    const reply = await tell(bench, key, message)
    const outcome = outcomeOf(reply)
    if (outcome !== expected) wrong.push(`${message} in ${state} gave ${outcome}, not ${expected}`)
    if (outcome === 'approved') {
      approval ??= reply.text
      if (reply.text !== approval) wrong.push('the approval changed')
    }
    state = next
  }
  const after = await books(bench)
  const moved = after.map((amount, index) => amount - present(before[index], 'a balance'))
  if (moved.join() !== MONEY[state].join()) wrong.push(`${state} moved ${moved.join()}`)
  return wrong.map(why => `${order.join(' ')}: ${why}`)
}

t.test('every order of up to four messages ends as the model says', async t => {
  const all = [1, 2, 3, 4].flatMap(length => [...orders(length)]).filter(order => order[0] !== 'other')
  t.equal(all.length, 5 + 5 * 6 + 5 * 36 + 5 * 216)
  const wrong: string[] = []
  // A bank for a few hundred orders: the books are read as a whole, and they grow.
  while (all.length > 0) {
    const bench = await openRichVisit()
    for (const order of all.splice(0, 260)) wrong.push(...(await walk(bench, order)))
    t.same(await bookFaults(bench.bank), [])
    await bench.close()
  }
  t.same(wrong.slice(0, 5), [])
})

t.test('a completion cannot take more than its hold', async t => {
  const bench = await openVisit()
  const bodies: readonly (readonly [body: string, rc: string])[] = [
    ['{"amount":100.01,"fee":2.00,"currency":"EUR"}', '13'],
    ['{"amount":100.00,"fee":2.01,"currency":"EUR"}', '13'],
    ['{"amount":0.00,"fee":0.00,"currency":"EUR"}', '13'],
    ['{"amount":100.00,"fee":2.00,"currency":"USD"}', '13'],
    ['{"amount":100.001,"fee":2.00,"currency":"EUR"}', '13'],
    ['{"amount":-1.00,"fee":2.00,"currency":"EUR"}', '30'],
    ['{"amount":1e2,"fee":2.00,"currency":"EUR"}', '30'],
  ]
  const key = freshKey()
  await tell(bench, key, 'request')
  for (const [body, rc] of bodies) {
    const reply = await send(bench, 'POST', `/api/operations/${key}/complete`, body)
    t.equal(reply.json['rc'], rc, body)
  }
  t.equal((await bench.bank.store.transact(tx => tx.operations.find(key)))?.state, 'held')
  t.equal(outcomeOf(await tell(bench, key, 'full')), 'acknowledged', 'the right one still goes')
  await bench.close()
})

t.test('a hold never ends by time', async t => {
  const bench = await openVisit()
  const key = freshKey()
  await tell(bench, key, 'request')
  await bench.clock.advance(400 * 86_400_000)
  t.equal((await bench.bank.store.transact(tx => tx.operations.find(key)))?.state, 'held')
  t.equal(outcomeOf(await tell(bench, key, 'partial')), 'acknowledged')
  await bench.close()
})

t.test('a declined withdrawal stays declined, and its reversal is acknowledged', async t => {
  const bench = await openVisit()
  const key = freshKey()
  const ask = () =>
    send(bench, 'POST', '/api/accounts/12345/withdraw', '{"amount":1000.01}', {key: `"${key}"`})
  t.equal(outcomeOf(await ask()), 'declined 51')
  t.equal(outcomeOf(await ask()), 'declined 51')
  t.equal(outcomeOf(await tell(bench, key, 'reverse')), 'acknowledged')
  t.equal(outcomeOf(await tell(bench, key, 'full')), 'refused 21')
  t.equal(outcomeOf(await tell(bench, key, 'suspect')), 'refused 21')
  t.equal(outcomeOf(await ask()), 'declined 51')
  t.same(await books(bench), [100_000, 0, 0, 0])
  await bench.close()
})

t.test('a duplicate that races its original changes nothing twice', async t => {
  const bench = await openVisit()
  const key = freshKey()
  const replies = await Promise.all(Array.from({length: 8}, () => tell(bench, key, 'request')))
  t.equal(new Set(replies.map(({text}) => text)).size, 1)
  t.same(await books(bench), [89_800, 0, 10_200, 0])
  await Promise.all(Array.from({length: 4}, () => tell(bench, key, 'full')))
  t.same(await books(bench), [89_800, 10_000, 0, 0])
  t.equal((await bench.bank.store.transact(tx => tx.ledger.transactions())).length, 1)
  await bench.close()
})

t.test('nothing is approved after its deadline', async t => {
  const bench = await openVisit()
  const ask = (deadline: string) =>
    send(bench, 'POST', '/api/accounts/12345/withdraw', `{"amount":10.00,"deadline":"${deadline}"}`, {
      key: `"${freshKey()}"`,
    })
  t.equal(outcomeOf(await ask('2026-11-22T11:00:00.000Z')), 'approved')
  t.equal(outcomeOf(await ask('2026-11-22T10:59:59.999Z')), 'declined 68')
  t.equal(outcomeOf(await ask('2026-13-22T10:59:59Z')), 'refused 30')
  await bench.close()
})

t.test('money is conserved under any traffic', async t => {
  const seed = 20_261_122
  // One bank through it all, rich in one account and soon poor in the other.
  const bench = await openRichVisit()
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(5), fc.constantFrom(...MESSAGES), fc.nat(60_000)), {maxLength: 40}),
      async traffic => {
        const keys = Array.from({length: 6}, freshKey)
        for (const [index, message, cents] of traffic) {
          const key = present(keys[index], 'a key')
          if (message === 'other')
            await send(
              bench,
              'POST',
              '/api/accounts/12346/withdraw',
              `{"amount":${Math.floor(cents / 100)}.${(cents % 100).toString().padStart(2, '0')}}`,
              {key: `"${key}"`},
            )
          else await tell(bench, key, message)
        }
        const faults = await bookFaults(bench.bank)
        const totals = totalsByAtm(await bench.bank.store.transact(tx => tx.operations.all())).get(ATM)
        const [, cash, , suspense] = await books(bench)
        const told = (totals?.completed.amountMinor ?? 0) + (totals?.forced.amountMinor ?? 0)
        return faults.length === 0 && cash === told && suspense === 0 - (totals?.forced.amountMinor ?? 0)
      },
    ),
    {seed, numRuns: 120},
  )
  await bench.close()
  t.pass(`no counterexample from seed ${seed}`)
})

t.test('another card at the machine ends the visit of the one before', async t => {
  const bench = await openBench()
  const pinKey = await signOn(bench)
  t.equal(outcomeOf(await tell(bench, freshKey(), 'request')), 'declined 57', 'nobody has shown a card')
  await verify(bench, pinKey)
  t.equal(outcomeOf(await tell(bench, freshKey(), 'request')), 'approved')
  await verify(bench, pinKey, ADA, '0000')
  t.equal(outcomeOf(await tell(bench, freshKey(), 'request')), 'declined 57', 'a wrong PIN opens nothing')
  await verify(bench, pinKey)
  await bench.clock.advance(600_001)
  t.equal(outcomeOf(await tell(bench, freshKey(), 'request')), 'declined 57', 'too long ago')
  await bench.close()
})
