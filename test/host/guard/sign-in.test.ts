/** People of the bank: how they come in, how long they stay, and who gets no further than the door. */
import {join} from 'node:path'
import t from 'tap'
import {openBench, send} from '../bench.ts'
import type {Bench, Reply} from '../bench.ts'
import {PASSWORD, hire} from './people.ts'
import {firstInvitation} from '../../../host/guard/invitations.ts'
import {codeAt, stepOf} from '../../../crypto/one-time.ts'
import {PASSWORD_COST, passwordFault, passwords} from '../../../crypto/passwords.ts'
import {ROLES, allows} from '../../../host/guard/roles.ts'
import {LOCK_MS, SESSION_IDLE_MS, SESSION_MS, personOf} from '../../../host/guard/sign-in.ts'
import {bearerOf, newCode, newToken, codeHash} from '../../../host/guard/tokens.ts'
import {softVault} from '../../../crypto/vault.ts'
import {isAmong} from '../../../host/identity.ts'
import {present} from '../../../kit/assert.ts'
import {epochMs} from '../../../kit/clock.ts'
import {seededRandom} from '../../../kit/random.ts'
import {Secret} from '../../../kit/secret.ts'

const random = seededRandom('sign-in')
const GUEST = {kind: 'guest'} as const

function post(bench: Bench, path: string, body: object, who: Parameters<typeof send>[4] = {who: GUEST}) {
  return send(bench, 'POST', path, JSON.stringify(body), who)
}

function signIn(bench: Bench, name: string, code: string, password = PASSWORD): Promise<Reply> {
  return post(bench, '/api/sign-in', {name, password, code})
}

/** A step later, so that the next code is a new one. */
async function nextStep(bench: Bench): Promise<void> {
  await bench.clock.advance(30_000)
}

t.test('one-time codes are those of the standard', async t => {
  // RFC 6238, appendix B, SHA-1: its codes have eight digits, of which ours are the last six.
  const seed = new Secret(Buffer.from('12345678901234567890'))
  const published: readonly (readonly [seconds: number, code: string])[] = [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ]
  for (const [seconds, code] of published) {
    const atMs = epochMs(seconds * 1_000)
    t.equal(codeAt(seed, atMs), code.slice(2))
    t.equal(stepOf(seed, code.slice(2), atMs), Math.floor(seconds / 30))
    t.equal(stepOf(seed, code.slice(2), epochMs(atMs + 30_000)), Math.floor(seconds / 30), 'a step late')
    t.equal(stepOf(seed, code.slice(2), epochMs(atMs + 61_000)), null, 'two steps late')
  }
})

t.test('what is kept of a password', async t => {
  const pepper = new Secret(new Uint8Array(32).fill(0x5a))
  const cheap = passwords(pepper, random, {memoryKib: 8, passesCount: 1, lanesCount: 1})
  const kept = await cheap.keep(new Secret(PASSWORD))
  t.equal(await cheap.isRight(new Secret(PASSWORD), kept), true)
  t.equal(await cheap.isRight(new Secret(`${PASSWORD} `), kept), false)
  t.equal(await cheap.isRight(new Secret(PASSWORD), null), false)
  const other = passwords(new Secret(new Uint8Array(32)), random, PASSWORD_COST)
  t.equal(await other.isRight(new Secret(PASSWORD), kept), false, 'without the pepper')
  t.not(await cheap.keep(new Secret(PASSWORD)), kept, 'salted')
  const accented = await cheap.keep(new Secret('caf\u00e9 on the corner 1'))
  t.equal(await cheap.isRight(new Secret('cafe\u0301 on the corner 1'), accented), true, 'one spelling')
  t.match(await other.keep(new Secret(PASSWORD)), /^argon2id\$m=19456,t=2,p=1\$/, 'at the cost of OWASP')
  const faults: readonly (readonly [string, RegExp | null])[] = [
    ['short 1', /12 to 128/],
    ['x1'.repeat(65), /12 to 128/],
    ['only letters here', /letters and digits/],
    ['123456789012', /letters and digits/],
    ['Tina is here 2', /name/],
    [PASSWORD, null],
  ]
  for (const [password, why] of faults) {
    const fault = passwordFault('tina', new Secret(password))
    if (why === null) t.equal(fault, null)
    else t.match(fault, why)
  }
})

t.test('a sealed secret opens for its own purpose only', async t => {
  const vault = softVault(new Secret(random.bytes(32)), random)
  const sealed = vault.seal('seed:tina', Buffer.from('secret'))
  t.equal(Buffer.from(vault.open('seed:tina', sealed)).toString(), 'secret')
  t.throws(() => vault.open('seed:omar', sealed))
  t.throws(() => softVault(new Secret(random.bytes(32)), random).open('seed:tina', sealed))
})

t.test('password and code together open a session', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const tina = await hire(bench, 'tina', ['teller'])
  const reply = await signIn(bench, 'tina', tina.code())
  t.match(reply.json, {name: 'tina', roles: ['teller'], idle_minutes: 15, ends_at: '2026-11-22T21:00:00Z'})
  const token = String(reply.json['token'])
  t.match(await personOf(bench.bank, token), {kind: 'person', name: 'tina', roles: ['teller']})
  t.equal((await personOf(bench.bank, `${token}x`)).kind, 'nobody')
  const who = await personOf(bench.bank, token)
  t.equal(who.kind, 'person')
  if (who.kind !== 'person') return
  t.equal((await post(bench, '/api/sign-out', {}, {who})).status, 200)
  t.equal((await personOf(bench.bank, token)).kind, 'nobody', 'signed out')
})

t.test('every refusal is the same refusal', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const tina = await hire(bench, 'tina', ['teller'])
  const used = tina.code()
  t.equal((await signIn(bench, 'tina', used)).status, 200)
  const refusals = [
    await signIn(bench, 'tina', used),
    await signIn(bench, 'tina', tina.code() === '000000' ? '111111' : '000000'),
    await signIn(bench, 'nobody', used),
  ]
  await nextStep(bench)
  refusals.push(await signIn(bench, 'tina', tina.code(), 'not the password 1'))
  for (const {status, text} of refusals) t.same([status, text], [401, refusals[0]?.text])
  t.equal((await signIn(bench, 'tina', tina.code())).status, 200, 'the code of the failed try is still good')
  for (const line of bench.lines) t.notMatch(line, new RegExp(`${PASSWORD}|not the password`))
})

t.test('a session ends: idle, at its hour, or with its person', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const tina = await hire(bench, 'tina', ['teller'])
  const open = async () => {
    await nextStep(bench)
    return String((await signIn(bench, 'tina', tina.code())).json['token'])
  }
  const kind = async (token: string) => (await personOf(bench.bank, token)).kind
  const idle = await open()
  await bench.clock.advance(SESSION_IDLE_MS - 1)
  t.equal(await kind(idle), 'person', 'asked just in time')
  await bench.clock.advance(SESSION_IDLE_MS - 1)
  t.equal(await kind(idle), 'person', 'which counts from then')
  await bench.clock.advance(SESSION_IDLE_MS)
  t.equal(await kind(idle), 'nobody', 'idle')
  const busy = await open()
  for (let ms = 0; ms < SESSION_MS - 600_000; ms += 600_000) {
    await bench.clock.advance(600_000)
    t.equal(await kind(busy), 'person')
  }
  await bench.clock.advance(600_000)
  t.equal(await kind(busy), 'nobody', 'at its hour, however busy')
  const last = await open()
  await bench.bank.store.transact(tx => tx.people.close('tina'))
  t.equal(await kind(last), 'nobody', 'closed')
  await nextStep(bench)
  t.equal((await signIn(bench, 'tina', tina.code())).status, 401)
})

t.test('a crowd of guesses gets five tries, whatever is restarted in between', async t => {
  const path = join(t.testdir(), 'bank.db')
  const first = await openBench(path)
  const tina = await hire(first, 'tina', ['teller'])
  const guesses = await Promise.all(
    Array.from({length: 12}, (_, index) => signIn(first, 'tina', tina.code(), `guess number ${index}`)),
  )
  t.ok(guesses.every(({status}) => status === 401))
  t.equal((await signIn(first, 'tina', tina.code())).status, 401, 'locked, for the right password too')
  const code = tina.code()
  await first.close()
  const second = await openBench(path)
  t.teardown(() => second.close())
  t.equal((await signIn(second, 'tina', code)).status, 401, 'a restart unlocks nothing')
  await second.clock.advance(LOCK_MS)
  const seed = present(await second.bank.store.transact(tx => tx.people.find('tina')), 'tina').seed
  const now = () => codeAt(new Secret(second.bank.guard.vault.open('seed:tina', seed)), second.clock.wallMs())
  for (let index = 0; index < 4; index++)
    t.equal((await signIn(second, 'tina', now(), `guess again ${index}`)).status, 401)
  t.equal((await signIn(second, 'tina', now())).status, 200, 'five fresh tries, the last one right')
})

t.test('the first supervisor comes by a code, once and for ever', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  const code = present(await firstInvitation(bench.bank), 'the first code')
  const spare = present(await firstInvitation(bench.bank), 'the code of a second start')
  const opened = await post(bench, '/api/invitations/open', {code})
  const openedSpare = await post(bench, '/api/invitations/open', {code: spare})
  t.match(opened.json, {roles: ['supervisor'], totp_uri: /^otpauth:\/\/totp\//})
  t.equal((await post(bench, '/api/invitations/open', {code: code.toLowerCase()})).text, opened.text)
  const accept = (changes: object = {}) =>
    post(bench, '/api/invitations/accept', {
      code,
      name: 'sofia',
      password: PASSWORD,
      one_time_code: codeOf(bench, opened),
      ...changes,
    })
  t.match((await accept({one_time_code: '000000'})).json, {type: /sign-in-refused/})
  t.match((await accept({password: 'too short'})).json, {type: /password-weak/})
  t.match((await accept({code: newCode(random)})).json, {type: /code-gone/})
  t.same((await accept()).json, {name: 'sofia', roles: ['supervisor']})
  t.match((await accept({name: 'other'})).json, {type: /code-gone/}, 'used')
  const late = {name: 'other', code: spare, one_time_code: codeOf(bench, openedSpare)}
  t.match((await accept(late)).json, {type: /code-gone/}, 'somebody is here')
  t.equal(await firstInvitation(bench.bank), null, 'never again')
  t.equal((await signIn(bench, 'sofia', codeOf(bench, opened))).status, 401, 'the code that proved the app')
  await nextStep(bench)
  t.equal((await signIn(bench, 'sofia', codeOf(bench, opened))).status, 200)
})

t.test('a supervisor invites, and nobody else does', async t => {
  const bench = await openBench()
  t.teardown(() => bench.close())
  await hire(bench, 'sofia', ['supervisor'])
  const ask = {name: 'tina', roles: ['teller']}
  for (const role of ['teller', 'operator', 'auditor'] as const)
    t.equal(
      (await post(bench, '/api/people/invite', ask, {who: {kind: 'person', name: 'x', roles: [role]}}))
        .status,
      403,
    )
  t.equal((await post(bench, '/api/people/invite', ask)).status, 401, 'a guest')
  const sofia = {who: {kind: 'person', name: 'sofia', roles: ['supervisor']}} as const
  for (const roles of [[], ['teller', 'teller'], ['boss']])
    t.equal((await post(bench, '/api/people/invite', {...ask, roles}, sofia)).status, 400)
  const {json} = await post(bench, '/api/people/invite', ask, sofia)
  const opened = await post(bench, '/api/invitations/open', {code: json['code']})
  t.match(opened.json, {name: 'tina', roles: ['teller']})
  const accept = (name: string) =>
    post(bench, '/api/invitations/accept', {
      code: json['code'],
      name,
      password: PASSWORD,
      one_time_code: codeOf(bench, opened),
    })
  t.equal((await accept('tim')).status, 400, 'for another name')
  t.equal((await accept('tina')).status, 200)
  const late = await post(bench, '/api/people/invite', {name: 'tom', roles: ['teller']}, sofia)
  await bench.clock.advance(86_400_000)
  t.equal((await post(bench, '/api/invitations/open', {code: late.json['code']})).status, 403, 'a day later')
  t.match((await post(bench, '/api/people/invite', ask, sofia)).json, {type: /name-taken/})
})

/** The code of now, from what the invitation shows an app. */
function codeOf(bench: Bench, opened: Reply): string {
  const base32 = present(/secret=([A-Z2-7]+)/.exec(String(opened.json['totp_uri']))?.[1], 'a seed')
  let bits = ''
  for (const letter of base32)
    bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')
  const bytes = Uint8Array.from((bits.match(/.{8}/g) ?? []).map(octet => Number.parseInt(octet, 2)))
  return codeAt(new Secret(bytes), bench.clock.wallMs())
}

t.test('who may do what', async t => {
  const person = (...roles: (keyof typeof ROLES)[]) => ({kind: 'person', name: 'x', roles}) as const
  const atm = {kind: 'atm', atmId: 'ATM123'} as const
  t.equal(isAmong(['money.post'], person('teller')), true)
  t.equal(isAmong(['money.post'], person('supervisor', 'operator', 'auditor')), false, 'no teller, no money')
  t.equal(isAmong(['money.post'], person()), false)
  t.equal(isAmong(['atm'], person('teller', 'supervisor', 'operator', 'auditor')), false)
  t.equal(isAmong(['atm', 'accounts.read'], atm), true)
  t.equal(isAmong(['accounts.read', 'person'], atm), false, 'a machine is not a person')
  t.equal(isAmong(['anyone'], GUEST), true)
  t.equal(isAmong(['person', 'atm', 'accounts.read'], GUEST), false)
  for (const permission of ROLES.auditor) t.match(permission, /\.read$/, 'an auditor changes nothing')
  t.equal(allows(['supervisor'], 'people.manage'), true)
})

t.test('tokens and codes', async t => {
  const code = newCode(random)
  t.match(code, /^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$/)
  t.equal(codeHash(code.toLowerCase().replaceAll('-', '')), codeHash(code))
  const token = newToken(random)
  t.equal(bearerOf(`Bearer ${token}`), token)
  t.equal(bearerOf(`bearer ${token}`), token, 'the scheme is case-insensitive (RFC 9110, 11.1)')
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Basic eDp5',
    `Bearer ${token} x`,
    `Bearer ${'x'.repeat(500)}`,
  ])
    t.equal(bearerOf(header), null)
})
