/** What every engine must do, whole transactions and movements that travel together. `postgres.test.ts` runs it again. */
import t from 'tap'
import {ATM, START_MS, freshKey, openBench} from './bench.ts'
import {
  balancesOf,
  completionEntry,
  holdEntry,
  ledgerAccounts,
  reversalEntry,
} from '../../host/ledger/book.ts'
import type {Entry} from '../../host/ledger/book.ts'
import {bookFaults} from '../../host/reconcile.ts'
import type {Touches, Tx} from '../../host/store/port.ts'
import {BadInput, SystemFault} from '../../kit/errors.ts'
import {minorUnits} from '../../kit/money.ts'

const MONEY = {
  accountId: '12345',
  atmId: ATM,
  currency: 'EUR',
  amountMinor: minorUnits(10_000),
  feeMinor: minorUnits(200),
} as const

const NOTHING: Touches = {keys: [], accountIds: [], atmIds: [], limits: () => []}
const ADAS: Touches = {...NOTHING, accountIds: ['12345']}

function transfer(from: string, to: string, amount: number): Entry {
  return {
    kind: 'withdrawal',
    currency: 'EUR',
    postings: [
      {ledgerAccount: ledgerAccounts.customer(from), amountMinor: minorUnits(-amount)},
      {ledgerAccount: ledgerAccounts.customer(to), amountMinor: minorUnits(amount)},
    ],
  }
}

t.test('half a transaction is none', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const {store} = bench.bank
  await t.rejects(
    store.transact(async tx => {
      await tx.ledger.post('k', holdEntry(MONEY), START_MS)
      throw new BadInput('on purpose')
    }),
    /on purpose/,
  )
  t.equal((await store.transact(tx => tx.accounts.find('12345')))?.balanceMinor, 100_000)
  t.same(await bookFaults(bench.bank), [])
  t.match(
    await store.transact(tx => tx.ledger.post('k', holdEntry(MONEY), START_MS)),
    {kind: 'posted', balances: new Map([['12345', 89_800]])},
    'and the next goes on',
  )
})

t.test('a look sees what is committed and cannot write', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const {store} = bench.bank
  await store.transact(tx => tx.ledger.post('k', holdEntry(MONEY), START_MS))
  t.equal((await store.read(tx => tx.accounts.find('12345')))?.balanceMinor, 89_800)
  await t.rejects(
    store.read(tx => tx.atms.setStatus(ATM, 'inactive')),
    SystemFault,
  )
  t.equal((await store.read(tx => tx.atms.find(ATM)))?.status, 'active')
})

t.test('a transfer moves two balances or none', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const {store} = bench.bank
  const balances = async () =>
    (await store.read(tx => tx.accounts.list())).map(({balanceMinor}) => balanceMinor)
  const before = await balances()
  // In both orders of ids, so that the refused leg is once the first that is moved and once the second.
  for (const [from, to] of [
    ['22345', '12345'],
    ['22345', '32345'],
  ] as const)
    t.same(await store.transact(tx => tx.ledger.post('k', transfer(from, to, 3_501), START_MS)), {
      kind: 'insufficient',
    })
  t.same(await balances(), before)
  await store.transact(tx => tx.ledger.post('k', transfer('22345', '12345', 3_500), START_MS))
  t.same(await balances(), [103_500, 250_000, 0, 50_000, 80_000, 100_000])
  await t.rejects(
    store.transact(tx => tx.ledger.post('k', transfer('12345', '22345', 1), START_MS)),
    /unique/i,
    'a key posts one kind once',
  )
  t.same(await bookFaults(bench.bank), [])
})

t.test('a debit beyond the balance writes nothing', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const {store} = bench.bank
  const tooMuch = holdEntry({...MONEY, amountMinor: minorUnits(100_000), feeMinor: minorUnits(1)})
  const before = (await store.transact(tx => tx.ledger.postings())).length
  t.same(await store.transact(tx => tx.ledger.post('k', tooMuch, START_MS)), {kind: 'insufficient'})
  t.equal((await store.transact(tx => tx.ledger.postings())).length, before)
  const all = holdEntry({...MONEY, amountMinor: minorUnits(100_000), feeMinor: minorUnits(0)})
  t.match(
    await store.transact(tx => tx.ledger.post('k', all, START_MS)),
    {kind: 'posted'},
    'to the last cent',
  )
})

t.test('entries', async t => {
  const sum = (kind: string, ...entries: readonly ReturnType<typeof holdEntry>[]) => {
    for (const {postings} of entries)
      t.equal(
        postings.reduce((total, {amountMinor}) => total + amountMinor, 0),
        0,
        kind,
      )
    return Object.fromEntries(balancesOf(entries.flatMap(({postings}) => postings)))
  }
  const [customer, cash, held] = [
    ledgerAccounts.customer('12345'),
    ledgerAccounts.atmCash(ATM),
    ledgerAccounts.held(ATM),
  ]
  t.same(sum('hold', holdEntry(MONEY)), {[customer]: -10_200, [held]: 10_200})
  t.same(sum('reversal', holdEntry(MONEY), reversalEntry(MONEY)), {[customer]: 0, [held]: 0})
  t.same(sum('partial', holdEntry(MONEY), completionEntry(MONEY, minorUnits(4_000), minorUnits(100))), {
    [customer]: -4_100,
    [held]: 0,
    [cash]: 4_000,
    [ledgerAccounts.feeIncome]: 100,
  })
  t.throws(() => completionEntry(MONEY, minorUnits(10_001), minorUnits(0)), /outside its hold/)
  t.throws(() => completionEntry(MONEY, minorUnits(0), minorUnits(0)), /outside its hold/)
  t.throws(() => holdEntry({...MONEY, amountMinor: minorUnits(0), feeMinor: minorUnits(0)}), /0 legs/)
})

t.test('movements that come together are decided one after another', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const {store} = bench.bank
  const hold = (key: string) =>
    store.move({...ADAS, keys: [key]}, tx => tx.ledger.post(key, holdEntry(MONEY), START_MS))
  // Ten holds of 102.00 on 1000.00: nine fit.
  const kinds = await Promise.all(
    Array.from({length: 10}, async (_, index) => (await hold(`k${index}`)).kind),
  )
  t.same(kinds.toSorted(), ['insufficient', ...Array.from({length: 9}, () => 'posted')])
  t.equal((await store.read(tx => tx.accounts.find('12345')))?.balanceMinor, 8_200)
  t.equal((await store.read(tx => tx.ledger.postings())).filter(({kind}) => kind === 'hold').length, 18)
  t.same(await bookFaults(bench.bank), [])
})

t.test('one that fails takes nothing from those beside it', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const {store} = bench.bank
  const failing = async (tx: Tx, then: (tx: Tx) => Promise<unknown>): Promise<never> => {
    await tx.ledger.post('bad', holdEntry(MONEY), START_MS)
    await tx.limits.use('drawn', 5, 10)
    await then(tx)
    throw new BadInput('on purpose')
  }
  // The second kind has asked the database itself, behind all that was to be written.
  for (const [name, then] of [
    ['kept', async () => undefined],
    ['written', (tx: Tx) => tx.atms.list()],
  ] as const) {
    const ended = await Promise.allSettled([
      store.move(ADAS, tx => tx.ledger.post(`${name} before`, holdEntry(MONEY), START_MS)),
      store.move(ADAS, tx => failing(tx, then)),
      store.move(ADAS, tx => tx.ledger.post(`${name} after`, holdEntry(MONEY), START_MS)),
      store.move({...NOTHING, limits: () => ['drawn']}, tx => tx.limits.used('drawn')),
    ])
    t.match(ended, [
      {status: 'fulfilled', value: {kind: 'posted'}},
      {status: 'rejected', reason: /on purpose/},
      {status: 'fulfilled', value: {kind: 'posted'}},
      {status: 'fulfilled', value: 0},
    ])
  }
  t.equal((await store.read(tx => tx.accounts.find('12345')))?.balanceMinor, 100_000 - 4 * 10_200)
  t.same(await bookFaults(bench.bank), [])
  // A second entry of one kind under one key is found when the database is asked to keep it.
  const twice = await Promise.allSettled([
    store.move(ADAS, tx => tx.ledger.post('kept before', holdEntry(MONEY), START_MS)),
    store.move(ADAS, tx => tx.ledger.post('fresh', holdEntry(MONEY), START_MS)),
  ])
  t.match(twice, [{status: 'rejected'}, {status: 'fulfilled', value: {kind: 'posted'}}])
  t.same(await bookFaults(bench.bank), [])
})

t.test('a movement sees every row as it is, named or not', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const {store} = bench.bank
  await store.transact(tx => tx.cards.setVisit(ATM, {cardId: 'c1', verifiedAtMs: START_MS}))
  for (const touches of [
    NOTHING,
    {keys: ['none'], accountIds: ['12345', 'none'], atmIds: [ATM, 'none'], limits: () => ['none']},
  ])
    await store.move(touches, async tx => {
      t.equal((await tx.atms.find(ATM))?.status, 'active')
      t.equal(await tx.atms.find('none'), null)
      t.equal(await tx.accounts.find('none'), null)
      t.equal(await tx.operations.find('none'), null)
      t.equal(await tx.cards.visit('none'), null)
      t.same(await tx.cards.visit(ATM), {cardId: 'c1', verifiedAtMs: START_MS})
      t.same(await tx.cards.accounts('c1'), [
        await tx.accounts.find('12345'),
        await tx.accounts.find('12346'),
      ])
      const key = freshKey()
      await tx.ledger.post(key, transfer('12345', '12346', 100), START_MS)
      const after = await tx.accounts.find('12345')
      t.same((await tx.cards.accounts('c1'))[0], after, 'with what it did itself')
      t.equal(
        (await tx.accounts.list()).find(({accountId}) => accountId === '12345')?.balanceMinor,
        after?.balanceMinor,
      )
      await tx.atms.setStatus('ATM999', 'inactive')
      t.equal((await tx.atms.find('ATM999'))?.status, 'inactive')
      await tx.ledger.post(`${key} back`, transfer('12346', '12345', 100), START_MS)
    })
  t.same(await bookFaults(bench.bank), [])
})

t.test(
  "transfers in all directions at once lose nothing and never stand in each other's way for good",
  async t => {
    const bench = await openBench()
    t.teardown(() => bench.close())
    const {store} = bench.bank
    const ids = ['12345', '12346', '22345', '32345', '42345']
    const total = async () =>
      (await store.read(tx => tx.accounts.list())).reduce((sum, {balanceMinor}) => sum + balanceMinor, 0)
    const before = await total()
    await Promise.all(
      Array.from({length: 60}, async (_, index) => {
        const from = ids[index % 5] ?? ''
        const to = ids[(index + 1 + (index % 4)) % 5] ?? ''
        const work = (tx: Tx) => tx.ledger.post(`t${index}`, transfer(from, to, 1_000), START_MS)
        const posted = await (index % 3 === 0
          ? store.transact(work)
          : store.move({...NOTHING, accountIds: [to, from]}, work))
        t.match(posted.kind, /posted|insufficient/)
      }),
    )
    t.equal(await total(), before)
    t.same(await bookFaults(bench.bank), [])
  },
)

t.test('a limit holds however many come at once', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const {store} = bench.bank
  for (const [name, use] of [
    ['transact', (by: number) => store.transact(tx => tx.limits.use('transact', by, 10))],
    [
      'move',
      (by: number) => store.move({...NOTHING, limits: () => ['move']}, tx => tx.limits.use('move', by, 10)),
    ],
  ] as const) {
    const uses = await Promise.all(Array.from({length: 8}, () => use(3)))
    t.equal(uses.filter(each => each === 'within').length, 3, name)
    t.equal(await use(11), 'beyond')
    t.equal(await store.read(tx => tx.limits.used(name)), 9)
    t.equal(await use(-4), 'within', 'given back')
    t.equal(await store.read(tx => tx.limits.used(name)), 5)
    t.equal(await use(-6), 'within', 'down to nothing')
    t.equal(await store.read(tx => tx.limits.used(name)), 0)
  }
  t.equal(await store.transact(tx => tx.limits.use('large', 11, 10)), 'beyond', 'the first as well')
  t.equal(await store.read(tx => tx.limits.used('large')), 0)
})
