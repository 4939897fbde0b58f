/** The protocol model: it includes the tables that run, it holds and ends, and each planted mistake breaks its promise. */
import {readFileSync} from 'node:fs'
import t from 'tap'
import {DESIGNS, ENDING, PLANTED, brokenPromise, bugsInModel, comesToAnEnd} from './check.ts'
import {REQUESTS, TABLES_FILE, tablesText} from './tables.ts'
import {skipUnless, spinPath} from '../needs.ts'
import {ADA, ATM, freshKey, openVisit, send} from '../host/bench.ts'
import type {Bench} from '../host/bench.ts'
import type {OperationState} from '../../host/ledger/operation.ts'
import {present} from '../../kit/assert.ts'

t.test('the model includes the tables that the program runs', t => {
  t.equal(readFileSync(TABLES_FILE, 'utf8'), tablesText(), 'npm run model -- --write writes them anew')
  t.end()
})

t.test('every mistake that the model knows is planted', t => {
  t.strictSame(bugsInModel(), PLANTED.map(({bug}) => bug).toSorted())
  t.end()
})

const COMPLETE = {amount: 60, fee: 0, currency: 'EUR'}
const SUSPECT = {at_least: 0, at_most: 60, currency: 'EUR'}

/** How a key comes to each state that a machine's key can come to. */
const WAYS: Readonly<
  Record<Exclude<OperationState, 'posted'>, readonly (readonly [path: string, body: object])[]>
> = {
  held: [['withdraw', {}]],
  completed: [
    ['withdraw', {}],
    ['complete', COMPLETE],
  ],
  reversed: [
    ['withdraw', {}],
    ['reverse', {reason: 'no-answer'}],
  ],
  suspect: [
    ['withdraw', {}],
    ['suspect', SUSPECT],
  ],
  declined: [['withdraw', {amount: 1_000_000}]],
  tombstone: [['reverse', {reason: 'no-answer'}]],
  forced: [['complete', COMPLETE]],
}

async function say(bench: Bench, key: string, path: string, body: object) {
  const isRequest = path === 'withdraw'
  const url = isRequest
    ? `/api/accounts/${present(ADA.accounts[0], 'her account').accountId}/withdraw`
    : `/api/operations/${key}/${path}`
  const text = JSON.stringify(isRequest ? {amount: 60, atm_id: ATM, currency: 'EUR', ...body} : body)
  return send(bench, 'POST', url, text, {key: `"${key}"`})
}

for (const [state, way] of Object.entries(WAYS)) {
  t.test(`a request under a key that is ${state}`, async t => {
    const bench = await openVisit()
    t.teardown(() => bench.close())
    const key = freshKey()
    for (const [path, body] of way) await say(bench, key, path, body)
    const operation = await bench.bank.store.read(tx => tx.operations.find(key))
    t.equal(operation?.state, state)
    const [first] = way
    const reply = await say(bench, key, 'withdraw', first?.[0] === 'withdraw' ? first[1] : {})
    const isApproved = reply.status === 200 && reply.json['rc'] === '00'
    t.equal(isApproved ? 'approved' : 'declined', REQUESTS[operation?.state ?? 'posted'])
  })
}

t.test('the design holds, and it comes to an end', async t => {
  if (!skipUnless(t, spinPath(), 'spin')) return
  for (const machine of DESIGNS) t.equal(await brokenPromise(machine), null, machine.join(' '))
  for (const machine of ENDING) t.ok(await comesToAnEnd(machine), `${machine.join(' ')} ends`)
})

t.test('each planted mistake is found by the promise that it breaks', async t => {
  if (!skipUnless(t, spinPath(), 'spin')) return
  for (const {bug, machine, breaks} of PLANTED)
    t.equal(await brokenPromise([`-DBUG_${bug}`, ...machine]), breaks, bug)
})
