/** Programs with tokens: what they may do, where they end, and that the token is nowhere. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import {freshKey, openBench, send} from '../bench.ts'
import {asPerson, openDoor} from '../door.ts'
import {hire} from './people.ts'
import {personOf} from '../../../host/guard/sign-in.ts'
import {isAmong} from '../../../host/identity.ts'

const SOFIA = {kind: 'person', name: 'sofia', roles: ['supervisor']} as const

t.test('only a supervisor makes one, and never a supervisor', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const admit = (body: object, who: Parameters<typeof send>[4] = {who: SOFIA}) =>
    send(bench, 'POST', '/api/programs', JSON.stringify(body), who)
  const ask = {name: 'till-7', roles: ['teller'], days: 2}
  for (const role of ['teller', 'operator', 'auditor'] as const)
    t.equal((await admit(ask, {who: {kind: 'person', name: 'x', roles: [role]}})).status, 403, role)
  for (const roles of [[], ['supervisor'], ['teller', 'supervisor'], ['teller', 'teller'], ['boss']])
    t.equal((await admit({...ask, roles})).status, 400, roles.join('+'))
  for (const days of [0, 367]) t.equal((await admit({...ask, days})).status, 400)
  const made = await admit(ask)
  t.match(made.json, {name: 'till-7', roles: ['teller'], ends_at: '2026-11-24T11:00:00Z'})
  t.equal((await admit(ask)).status, 409, 'the name is used')
  const token = String(made.json['token'])
  const caller = await personOf(bench.bank, token)
  t.same(caller, {kind: 'person', name: 'program:till-7', roles: ['teller']})
  if (caller.kind === 'person') {
    t.equal(isAmong(['money.post'], caller), true)
    t.equal(isAmong(['fleet.read', 'people.manage', 'audit.read'], caller), false)
  }
  t.equal((await personOf(bench.bank, `${token.slice(0, -1)}_`)).kind, 'nobody')
  await bench.clock.advance(2 * 86_400_000)
  t.equal((await personOf(bench.bank, token)).kind, 'nobody', 'over')
  const list = await send(bench, 'GET', '/api/programs', null, {who: SOFIA})
  t.same(list.json, {
    programs: [{name: 'till-7', roles: ['teller'], ends_at: '2026-11-24T11:00:00Z', is_revoked: false}],
  })
})

t.test('a program’s keys are its own, also beside a person of the same name', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  await hire(bench, 'tina', ['teller'])
  const withdraw = (name: string) =>
    send(bench, 'POST', '/api/accounts/12345/withdraw', '{"amount":10.00}', {
      key: `"${freshKeyText}"`,
      who: {kind: 'person', name, roles: ['teller']},
    })
  const freshKeyText = freshKey()
  const first = await withdraw('tina')
  const second = await withdraw('program:tina')
  t.equal(first.status, 200)
  t.not(second.json['transaction_id'], first.json['transaction_id'])
  t.equal(second.json['balance'], 980)
})

t.test('it works over the door until it is revoked, and its token lies nowhere', async t => {
  const folder = t.testdir()
  const door = await openDoor(folder)
  t.teardown(() => door.host.close())
  const made = await asPerson(door, 'supervisor', 'POST', '/api/programs', {
    name: 'till-7',
    roles: ['teller'],
  })
  const token = String(made.json['token'])
  const line = door.knock({as: null})
  t.teardown(() => line.close())
  const ask = async (method: 'GET' | 'POST', path: string, body: string | null) => {
    const answer = await line.send({
      method,
      path,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': '"a-key-of-its-own"',
      },
      body,
      deadlineMs: 5_000,
    })
    return answer.kind === 'answer'
      ? {status: answer.status, body: answer.body}
      : {status: 0, body: answer.why}
  }
  const paid = await ask('POST', '/api/accounts/12345/withdraw', '{"amount":100.00}')
  t.match(paid, {status: 200, body: /"balance":900\.00/})
  t.same(await ask('POST', '/api/accounts/12345/withdraw', '{"amount":100.00}'), paid, 'once, however often')
  t.equal((await ask('POST', '/api/people/invite', '{"name":"eve","roles":["teller"]}')).status, 403)
  for (const name of ['bank.db', 'bank.db-wal'])
    t.equal(readFileSync(join(folder, name)).includes(token), false, name)
  t.equal((await asPerson(door, 'supervisor', 'POST', '/api/programs/till-7/revoke', {})).status, 200)
  t.equal((await ask('GET', '/api/accounts/12345/balance', null)).status, 401, 'on the same connection')
  t.equal((await asPerson(door, 'supervisor', 'POST', '/api/programs/till-8/revoke', {})).status, 404)
})
