/** The audit: what goes in, and that nobody with the database in their hands can change it unnoticed. */
import Database from 'better-sqlite3'
import {copyFileSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import {openBench, send} from '../bench.ts'
import type {Bench} from '../bench.ts'
import {PASSWORD, hire} from './people.ts'
import {note, verifyAudit} from '../../../host/guard/audit.ts'
import {openSqliteStore} from '../../../host/store/sqlite.ts'
import {assert} from '../../../kit/assert.ts'

const SOFIA = {kind: 'person', name: 'sofia', roles: ['supervisor']} as const
const OMAR = {kind: 'person', name: 'omar', roles: ['operator']} as const
const ANDRE = {kind: 'person', name: 'andre', roles: ['auditor']} as const

async function entries(bench: Bench) {
  return bench.bank.store.read(tx => tx.audit.from(1, 100))
}

t.test('who did what, and no secret', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const tina = await hire(bench, 'tina', ['teller'])
  const post = (path: string, body: object, who: Parameters<typeof send>[4] = {who: {kind: 'guest'}}) =>
    send(bench, 'POST', path, JSON.stringify(body), who)
  const secrets = [PASSWORD, tina.code()]
  await post('/api/sign-in', {name: 'tina', password: 'not the password 1', code: tina.code()})
  await post('/api/sign-in', {name: 'nobody', password: PASSWORD, code: tina.code()})
  await post('/api/sign-in', {name: 'tina', password: PASSWORD, code: tina.code()})
  const invited = await post('/api/people/invite', {name: 'tom', roles: ['teller']}, {who: SOFIA})
  const code = await post('/api/atms/ATM123/enrolment', {}, {who: OMAR})
  secrets.push(String(invited.json['code']), String(code.json['code']))
  await post('/api/atms/ATM123/revoke', {}, {who: OMAR})
  await post('/api/atms/ATM404/revoke', {}, {who: OMAR})
  const token = await post('/api/programs', {name: 'till-7', roles: ['teller']}, {who: SOFIA})
  secrets.push(String(token.json['token']))
  await post('/api/programs/till-7/revoke', {}, {who: SOFIA})
  await post('/api/people/tina/close', {}, {who: SOFIA})
  t.equal((await post('/api/people/sofia/close', {}, {who: SOFIA})).status, 403, 'not oneself')
  const written = await entries(bench)
  t.same(
    written.map(({who, action, subject, outcome}) => [who, action, subject, outcome].join(' ')),
    [
      'tina sign-in  refused',
      'tina sign-in  done',
      'sofia person.invited tom done',
      'omar machine.code ATM123 done',
      'omar machine.revoked ATM123 done',
      'sofia program.admitted till-7 done',
      'sofia program.revoked till-7 done',
      'sofia person.closed tina done',
    ],
  )
  const text = JSON.stringify(written)
  for (const secret of secrets) t.equal(text.includes(secret), false)
  const read = await send(bench, 'GET', '/api/audit?from=3', null, {who: ANDRE})
  t.match(read.json, {entries: [{seq: 3, who: 'sofia', action: 'person.invited', subject: 'tom'}]})
  t.match((await send(bench, 'GET', '/api/audit/verify', null, {who: ANDRE})).json, {
    verdict: 'whole',
    seq: 8,
    head: written.at(-1)?.mac,
  })
  for (const who of [OMAR, {kind: 'atm', atmId: 'ATM123'}] as const)
    t.equal((await send(bench, 'GET', '/api/audit?from=1', null, {who})).status, 403)
})

t.test('what the office does is entered as well, and a refusal is not', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const tina = {kind: 'person', name: 'tina', roles: ['teller']} as const
  const ask = (method: 'POST' | 'PATCH', path: string, body: object, who: Parameters<typeof send>[4]) =>
    send(bench, method, path, JSON.stringify(body), who)
  const person = {name: 'Eve', email: 'eve@example.org', phone_number: '+49 30 1', address: 'x'}
  await ask('POST', '/api/users', {user_id: 'eve-1', ...person}, {who: tina})
  await ask('POST', '/api/users', {user_id: 'eve-1', ...person}, {who: tina})
  await ask('PATCH', '/api/users/eve-1', {email: 'e@example.org'}, {who: tina})
  const account = {account_id: '99', user_id: 'eve-1', account_type: 'checking', currency: 'EUR'}
  await ask('POST', '/api/accounts', account, {who: tina})
  await ask('POST', '/api/accounts', {...account, account_id: '98', user_id: 'u404'}, {who: tina})
  const card = {card_number: '4761739001010093', pin: '1357', expires: '4912', accounts: ['99']}
  const made = await ask('POST', '/api/cards', card, {who: tina})
  t.equal(made.status, 200, made.text)
  await ask(
    'PATCH',
    `/api/cards/${String(made.json['card_id'])}`,
    {status: 'blocked', reason: 'lost'},
    {who: tina},
  )
  await ask('PATCH', '/api/atms/ATM999', {status: 'inactive'}, {who: OMAR})
  const written = await entries(bench)
  t.same(
    written.map(({who, action, detail}) => [who, action, detail].join(' ')),
    [
      'tina customer.added ',
      'tina customer.changed email',
      'tina account.opened ',
      'tina card.added 476173******0093',
      'tina card.changed blocked: lost',
      'omar machine.changed inactive',
    ],
  )
  t.equal(JSON.stringify(written).includes(card.card_number), false)
})

t.test('a deed that did not happen leaves no entry, one that did cannot be without', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const {bank} = bench
  const deed = {who: 'sofia', action: 'person.closed', subject: 'x'} as const
  await t.rejects(
    bank.store.transact(async tx => {
      await note(bank, tx, deed)
      throw new RangeError('the deed fails')
    }),
    RangeError,
  )
  t.same(await entries(bench), [])
  await Promise.all(Array.from({length: 20}, () => bank.store.transact(tx => note(bank, tx, deed))))
  t.same(
    (await entries(bench)).map(({seq}) => seq),
    Array.from({length: 20}, (_, index) => index + 1),
    'many at once: no gap and no fork',
  )
  t.match(await verifyAudit(bank), {kind: 'whole', count: 20})
})

t.test('whatever is done to the rows is found', async t => {
  const folder = t.testdir()
  const path = join(folder, 'bank.db')
  const bench = await openBench(path)
  const {bank} = bench
  const COUNT = 6
  for (let index = 1; index <= COUNT; index++)
    await bank.store.transact(tx =>
      note(bank, tx, {who: `person-${index}`, action: 'sign-in', subject: 's', detail: 'd'}),
    )
  await bench.close()
  const guards = ['audit_never_changed', 'audit_never_deleted', 'audit_head_never_deleted']
  const plain = new Database(path)
  for (const statement of ["UPDATE audit SET who = 'x'", 'DELETE FROM audit', 'DELETE FROM audit_head'])
    t.throws(() => plain.exec(statement), /are never|is never/, statement)
  plain.close()

  /** Somebody who has the file in their hands, and took the guards away first. */
  const tampered = async (...statements: readonly string[]) => {
    const copy = join(folder, 'copy.db')
    copyFileSync(path, copy)
    const database = new Database(copy)
    for (const guard of guards) database.exec(`DROP TRIGGER ${guard}`)
    for (const statement of statements) database.exec(statement)
    database.pragma('wal_checkpoint(TRUNCATE)')
    database.close()
    const store = openSqliteStore(copy)
    const verdict = await verifyAudit({guard: bank.guard, store})
    await store.close()
    return verdict
  }
  t.match(await tampered(), {kind: 'whole', count: COUNT}, 'untouched')
  for (let seq = 1; seq <= COUNT; seq++) {
    for (const change of [
      'at_ms = at_ms + 1',
      "who = 'somebody else'",
      "action = 'sign-out'",
      "subject = ''",
      "outcome = 'refused'",
      "detail = detail || ' '",
      "mac = '00' || substr(mac, 3)",
    ])
      t.match(
        await tampered(`UPDATE audit SET ${change} WHERE seq = ${seq}`),
        {kind: 'broken', seq},
        `${change} in ${seq}`,
      )
    t.match(await tampered(`DELETE FROM audit WHERE seq = ${seq}`), {kind: 'broken', seq}, `${seq} deleted`)
    t.match(
      await tampered(
        `DELETE FROM audit WHERE seq = ${seq}`,
        ...Array.from({length: COUNT - seq}, (_, index) => seq + 1 + index).map(
          after => `UPDATE audit SET seq = ${after - 1} WHERE seq = ${after}`,
        ),
        'UPDATE audit_head SET seq = seq - 1',
      ),
      {kind: 'broken', seq: seq < COUNT ? seq : COUNT - 1},
      `${seq} deleted and the rest moved up`,
    )
    t.match(
      await tampered(
        ...Array.from({length: COUNT - seq + 1}, (_, index) => COUNT - index).map(
          after => `UPDATE audit SET seq = ${after + 1} WHERE seq = ${after}`,
        ),
        `INSERT INTO audit SELECT ${seq}, at_ms, who, action, subject, outcome, detail, mac
           FROM audit WHERE seq = ${seq + 1}`,
        'UPDATE audit_head SET seq = seq + 1',
      ),
      {kind: 'broken', seq: seq + 1},
      `${seq} twice`,
    )
    for (let other = seq + 1; other <= COUNT; other++)
      t.match(
        await tampered(
          `UPDATE audit SET seq = -1 WHERE seq = ${seq}`,
          `UPDATE audit SET seq = ${seq} WHERE seq = ${other}`,
          `UPDATE audit SET seq = ${other} WHERE seq = -1`,
        ),
        {kind: 'broken', seq},
        `${seq} and ${other} swapped`,
      )
  }
  // A copy of the same bank that went on otherwise: its entries are genuine, and do not belong here.
  const fork = await openBench(join(folder, 'fork.db'))
  for (let index = 1; index <= COUNT; index++)
    await fork.bank.store.transact(tx =>
      note(fork.bank, tx, {who: `person-${index}`, action: 'sign-out', subject: 's', detail: 'd'}),
    )
  await fork.close()
  for (let seq = 1; seq <= COUNT; seq++)
    t.match(
      await tampered(
        `ATTACH '${join(folder, 'fork.db')}' AS fork`,
        `DELETE FROM main.audit WHERE seq = ${seq}`,
        `INSERT INTO main.audit SELECT * FROM fork.audit WHERE seq = ${seq}`,
        'DETACH fork',
      ),
      // The first entry of either fits; what follows it does not.
      {kind: 'broken', seq: seq === 1 ? 2 : seq},
      `${seq} of another copy of the bank`,
    )
  t.match(await tampered('UPDATE audit_head SET seq = 3'), {kind: 'broken', seq: 3}, 'a head turned back')
  const cut = await tampered(
    'DELETE FROM audit WHERE seq > 3',
    'UPDATE audit_head SET seq = 3, mac = (SELECT mac FROM audit WHERE seq = 3)',
  )
  const whole = await tampered()
  assert(cut.kind === 'whole' && whole.kind === 'whole', 'the chain alone does not see a cut tail')
  t.not(cut.head, whole.head, 'a tail cut off with its head: only whoever noted the head sees it')
})
