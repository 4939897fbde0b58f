/** The embedded store: durable settings, whole transactions, rows that cannot be changed. */
import Database from 'better-sqlite3'
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import {ATM, START_MS, freshKey, openBench} from './bench.ts'
import {takeAdvice} from '../../host/advice.ts'
import {
  balancesOf,
  completionEntry,
  holdEntry,
  ledgerAccounts,
  reversalEntry,
} from '../../host/ledger/book.ts'
import {bookFaults} from '../../host/reconcile.ts'
import type {Entry} from '../../host/ledger/book.ts'
import {openState} from '../../host/state.ts'
import {openSqliteStore} from '../../host/store/sqlite.ts'
import {BadInput, SystemFault} from '../../kit/errors.ts'
import {minorUnits} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'

const MONEY = {
  accountId: '12345',
  atmId: ATM,
  currency: 'EUR',
  amountMinor: minorUnits(10_000),
  feeMinor: minorUnits(200),
} as const

t.test('the described tables have the described columns, and no others', async t => {
  const path = join(t.testdir(), 'bank.db')
  await (await openBench(path)).close()
  const database = new Database(path, {readonly: true})
  t.teardown(() => database.close())
  const columns = (table: string) =>
    database
      .prepare<[string], {name: string}>('SELECT name FROM pragma_table_info(?)')
      .all(table)
      .map(({name}) => name)
  t.same(columns('users'), ['user_id', 'name', 'email', 'phone_number', 'address'])
  t.same(columns('accounts'), ['account_id', 'user_id', 'account_type', 'balance', 'created_at'])
  t.same(columns('transactions'), [
    'transaction_id',
    'account_id',
    'atm_id',
    'transaction_type',
    'amount',
    'transaction_date',
  ])
  t.same(columns('atms'), ['atm_id', 'location', 'status'])
  const loose = database
    .prepare<[], {name: string}>(
      "SELECT name FROM pragma_table_list WHERE strict = 0 AND name NOT LIKE 'sqlite_%'",
    )
    .all()
  t.same(loose, [], 'every table is strict')
  t.equal(database.pragma('journal_mode', {simple: true}), 'wal')
})

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

t.test('transactions take turns', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const seen: string[] = []
  await Promise.all(
    ['a', 'b', 'c'].map(name =>
      bench.bank.store.transact(async tx => {
        seen.push(`${name} in`)
        await tx.atms.list()
        await new Promise(resolve => setImmediate(resolve))
        seen.push(`${name} out`)
      }),
    ),
  )
  t.same(seen, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
})

t.test('a look sees what is committed and cannot write', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const {store} = bench.bank
  const writing = store.transact(tx => tx.ledger.post('k', holdEntry(MONEY), START_MS))
  t.equal((await store.read(tx => tx.accounts.find('12345')))?.balanceMinor, 89_800)
  await writing
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
  const transfer = (from: string, to: string, amount: number): Entry => ({
    kind: 'withdrawal',
    currency: 'EUR',
    postings: [
      {ledgerAccount: ledgerAccounts.customer(from), amountMinor: minorUnits(-amount)},
      {ledgerAccount: ledgerAccounts.customer(to), amountMinor: minorUnits(amount)},
    ],
  })
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
    /UNIQUE/,
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

t.test('rows of the past cannot be changed, whoever tries', async t => {
  const path = join(t.testdir(), 'bank.db')
  const bench = await openBench(path)
  await takeAdvice(bench.bank, ATM, freshKey(), {kind: 'reverse', evidence: 'no-answer'})
  await bench.close()
  const database = new Database(path)
  t.teardown(() => database.close())
  for (const [statement, why] of [
    ['UPDATE postings SET amount = 1', /never changed/],
    ['DELETE FROM postings', /never deleted/],
    ['DELETE FROM operations', /never deleted/],
    ['UPDATE accounts SET balance = -1', /CHECK/],
    ["UPDATE accounts SET balance = '1.5'", /cannot store|CHECK/],
  ] as const)
    t.throws(() => database.exec(statement), why, statement)
})

t.test('the book finds a balance that somebody changed', async t => {
  const path = join(t.testdir(), 'bank.db')
  await (await openBench(path)).close()
  const database = new Database(path)
  database.exec("UPDATE accounts SET balance = balance + 1 WHERE account_id = '12345'")
  database.close()
  const bench = await openBench(path)
  t.teardown(() => bench.close())
  t.match(await bookFaults(bench.bank), [/account 12345 shows 100001, its postings 100000/])
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

t.test('the folder of a bank', async t => {
  const folder = t.testdir()
  const first = openState(join(folder, 'bank'), seededRandom('a'))
  await first.store.close()
  const second = openState(join(folder, 'bank'), seededRandom('b'))
  await second.store.close()
  t.same(second.keys.pepper.reveal(), first.keys.pepper.reveal(), 'the keys stay')

  mkdirSync(join(folder, 'keyless'))
  await openSqliteStore(join(folder, 'keyless', 'bank.db')).close()
  t.throws(
    () => openState(join(folder, 'keyless'), seededRandom('c')),
    BadInput,
    'a bank whose keys are gone',
  )
  writeFileSync(join(folder, 'keyless', 'pin-module.json'), '{"pepper":"00"}')
  t.throws(() => openState(join(folder, 'keyless'), seededRandom('c')), BadInput, 'keys that cannot be read')
  const newer = new Database(join(folder, 'bank', 'bank.db'))
  newer.exec("INSERT INTO migrations VALUES ('of tomorrow')")
  newer.close()
  t.throws(() => openState(join(folder, 'bank'), seededRandom('d')), /newer program.*'of tomorrow'/)
  writeFileSync(join(folder, 'no-database'), 'this is a text of some length, and no database at all')
  t.throws(() => openSqliteStore(join(folder, 'no-database')), SystemFault)
})
