/** The embedded engine and the folder it lies in: durable settings, rows that nobody can change. */
import Database from 'better-sqlite3'
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import {ATM, freshKey, openBench} from './bench.ts'
import {takeAdvice} from '../../host/advice.ts'
import {bookFaults} from '../../host/reconcile.ts'
import {openState} from '../../host/state.ts'
import {openSqliteStore} from '../../host/store/sqlite.ts'
import {BadInput, SystemFault} from '../../kit/errors.ts'
import {seededRandom} from '../../kit/random.ts'

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

t.test('the folder of a bank', async t => {
  const folder = t.testdir()
  const first = await openState(join(folder, 'bank'), seededRandom('a'))
  await first.store.close()
  const second = await openState(join(folder, 'bank'), seededRandom('b'))
  await second.store.close()
  t.same(second.keys.pepper.reveal(), first.keys.pepper.reveal(), 'the keys stay')

  mkdirSync(join(folder, 'keyless'))
  const keyless = openSqliteStore(join(folder, 'keyless', 'bank.db'))
  await keyless.transact(tx => tx.atms.put({atmId: ATM, location: 'Hall', status: 'active'}, 'sealed'))
  await keyless.close()
  await t.rejects(
    openState(join(folder, 'keyless'), seededRandom('c')),
    BadInput,
    'a bank whose keys are gone',
  )
  writeFileSync(join(folder, 'keyless', 'pin-module.json'), '{"pepper":"00"}')
  await t.rejects(openState(join(folder, 'keyless'), seededRandom('c')), BadInput, 'keys that cannot be read')
  const newer = new Database(join(folder, 'bank', 'bank.db'))
  newer.exec("INSERT INTO migrations VALUES ('of tomorrow')")
  newer.close()
  await t.rejects(openState(join(folder, 'bank'), seededRandom('d')), /newer program.*'of tomorrow'/)
  writeFileSync(join(folder, 'no-database'), 'this is a text of some length, and no database at all')
  t.throws(() => openSqliteStore(join(folder, 'no-database')), SystemFault)
})
