/** Card and PIN: tries that survive, keys that go, and nothing secret left anywhere. */
import {readFileSync, readdirSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import {ADA, ATM, BEN, freshKey, openBench, pinBlock, send, signOn, verify} from './bench.ts'
import {hexOf, bytesOfHex} from '../../crypto/hex.ts'
import {tdesDecrypt} from '../../crypto/tdes.ts'
import {DEMO_MASTER_KEY_HEX} from '../../host/demo.ts'
import {DEFAULT_POLICY} from '../../host/guard/policy.ts'
import {newHsmKeys, softPinModule, stretched} from '../../host/pin.ts'
import type {PinModule} from '../../host/pin.ts'
import {minorUnits} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'
import {Secret} from '../../kit/secret.ts'

t.test('three wrong PINs keep the card, whatever is restarted in between', async t => {
  const path = join(t.testdir(), 'bank.db')
  const answers: unknown[] = []
  for (const pin of ['0000', '9999']) {
    const bench = await openBench(path)
    answers.push((await verify(bench, await signOn(bench), ADA, pin)).json)
    await bench.close()
  }
  const bench = await openBench(path)
  const pinKey = await signOn(bench)
  answers.push((await verify(bench, pinKey, ADA, '4321')).json)
  answers.push((await verify(bench, pinKey, ADA, '1234')).json)
  t.same(answers, [
    {rc: '55', retain: false, tries_left: 2},
    {rc: '55', retain: false, tries_left: 1},
    {rc: '75', retain: true, tries_left: 0},
    {rc: '75', retain: true, tries_left: 0},
  ])
  t.equal((await verify(bench, pinKey, BEN)).json['rc'], '00', 'another card is not touched')
  await bench.close()
})

t.test('the right PIN forgives', async t => {
  const bench = await openBench()
  const pinKey = await signOn(bench)
  for (let round = 0; round < 2; round++) {
    t.equal((await verify(bench, pinKey, ADA, '0000')).json['tries_left'], 2)
    t.equal((await verify(bench, pinKey, ADA, '1111')).json['tries_left'], 1)
    t.same((await verify(bench, pinKey)).json, {
      rc: '00',
      accounts: [
        {account_id: '12345', account_type: 'checking'},
        {account_id: '12346', account_type: 'savings'},
      ],
    })
  }
  await bench.close()
})

t.test('a crowd of guesses gets three', async t => {
  const bench = await openBench()
  const pinKey = await signOn(bench)
  const pins = Array.from({length: 12}, (_, index) => (5_000 + index).toString())
  const replies = await Promise.all(pins.map(pin => verify(bench, pinKey, ADA, pin)))
  t.equal(replies.filter(({json}) => json['rc'] === '55').length, 2)
  t.equal(replies.filter(({json}) => json['rc'] === '75').length, 10)
  t.equal((await verify(bench, pinKey)).json['rc'], '75')
  await bench.close()
})

t.test('a try is on disk before the PIN is looked at', async t => {
  const bench = await openBench()
  const pinKey = await signOn(bench)
  let triesSeen = -1
  const checkPin = bench.bank.pin.checkPin.bind(bench.bank.pin)
  bench.bank.pin.checkPin = async ask => {
    const hash = bench.bank.pin.panHash(ask.pan)
    triesSeen = (await bench.bank.store.transact(tx => tx.cards.findByPan(hash)))?.pinTriesCount ?? -1
    return checkPin(ask)
  }
  await verify(bench, pinKey)
  t.equal(triesSeen, 1)
  await bench.close()
})

t.test('a block that does not open costs the machine its key, not the customer a try', async t => {
  const bench = await openBench()
  const pinKey = await signOn(bench)
  const stale = pinKey.map(byte => byte ^ 0xf0)
  t.same((await verify(bench, stale)).json, {rc: '81', retain: false})
  t.equal((await verify(bench, pinKey)).json['rc'], '81', 'the true key is of no use any more')
  const next = await signOn(bench)
  t.equal((await verify(bench, next, ADA, '0000')).json['tries_left'], 2, 'no try was lost')
  t.equal((await verify(bench, pinKey)).json['rc'], '81', 'the key of the sign-on before')
  await bench.close()
})

t.test('a verification is never answered twice under one key', async t => {
  const bench = await openBench()
  const pinKey = await signOn(bench)
  const key = `"${freshKey()}"`
  const ask = (pin: string) =>
    send(
      bench,
      'POST',
      `/api/atms/${ATM}/verify-card`,
      JSON.stringify({track2: ADA.track2, pin_block: hexOf(pinBlock(pinKey, ADA, pin).reveal())}),
      {key},
    )
  t.equal((await ask('1234')).json['rc'], '00')
  const again = await ask('0000')
  t.same([again.status, again.json['rc'], again.json['retry']], [409, '94', 'new-key'])
  t.equal((await verify(bench, pinKey, ADA, '0000')).json['tries_left'], 2, 'the repeat cost no try')
  await bench.close()
})

t.test('the verifier is the published construction', async t => {
  const pepper = new Secret(new Uint8Array(32).fill(0x5a))
  const salt = bytesOfHex('00112233445566778899AABBCCDDEEFF')
  t.equal(
    hexOf(await stretched(pepper, '4111111111111111', '1234', salt)),
    '19872711BBB4EFC3B6C63082EA41A626D538DAFAE460F035D01BB80E5854BB21',
  )
})

t.test('a stolen database tries no PIN: without the pepper the right one is wrong', async t => {
  const random = seededRandom('pepper')
  const ours = newHsmKeys(random)
  const {pepper} = newHsmKeys(random)
  const pan = new Secret(ADA.pan)
  const made = softPinModule(ours, random)
  const verifier = await made.pinVerifier(pan, new Secret(ADA.pin))
  const masterKey = made.keepMasterKey(ATM, new Secret(bytesOfHex(DEMO_MASTER_KEY_HEX)))
  const {stored, underMaster} = made.makePinKey(ATM, masterKey)
  const pinKey = tdesDecrypt(bytesOfHex(DEMO_MASTER_KEY_HEX), underMaster)
  const check = (module: PinModule, pin: string, owner = ADA) =>
    module.checkPin({
      atmId: ATM,
      pinKey: stored,
      pinBlock: pinBlock(pinKey, owner, pin),
      pan: new Secret(owner.pan),
      verifier,
    })
  t.equal(await check(made, ADA.pin), 'right')
  t.equal(await check(made, '4321'), 'wrong')
  t.equal(
    await check(softPinModule({...ours, pepper}, random), ADA.pin),
    'wrong',
    'everything but the pepper',
  )
  t.equal(await check(made, ADA.pin, BEN), 'wrong', 'a verifier is of one card: it opens no other')
})

t.test('no secret reaches the database or the log', async t => {
  const folder = t.testdir()
  // With the whole policy on, so that facts, alerts and second proofs are written as well.
  const bench = await openBench(join(folder, 'bank.db'), {...DEFAULT_POLICY, stepUpAboveMinor: minorUnits(1)})
  const pinKey = await signOn(bench)
  const blocks: string[] = []
  for (const [card, pin] of [
    [ADA, '8642'],
    [ADA, ADA.pin],
    [BEN, BEN.pin],
  ] as const) {
    blocks.push(hexOf(pinBlock(pinKey, card, pin).reveal()))
    await verify(bench, pinKey, card, pin)
  }
  await verify(bench, pinKey, ADA)
  const again = {
    amount: 50,
    currency: 'EUR',
    track2: ADA.track2,
    pin_block: hexOf(pinBlock(pinKey, ADA).reveal()),
  }
  const proof = await send(bench, 'POST', `/api/atms/${ATM}/step-up`, JSON.stringify(again), {
    key: `"${freshKey()}"`,
  })
  t.equal(proof.json['rc'], '00')
  await send(bench, 'POST', `/api/atms/${ATM}/verify-card`, `{"track2":"${ADA.track2}","pin_block":1}`, {
    key: `"${freshKey()}"`,
  })
  // Read while it is open: what a checkpoint would fold away is still in the log file.
  const files = readdirSync(folder).map(name => readFileSync(join(folder, name)))
  await bench.close()
  files.push(...readdirSync(folder).map(name => readFileSync(join(folder, name))))
  const written = [...files.map(bytes => bytes.toString('latin1')), ...bench.lines].join('\n')
  t.ok(written.includes('476173******0010'), 'the card is there as first six, last four')
  const discretionary = ADA.track2.slice(ADA.track2.indexOf('=') + 1, -1)
  const secrets = [
    ADA.pan,
    BEN.pan,
    ADA.track2,
    discretionary,
    '8642',
    hexOf(pinKey),
    ...blocks,
    ...blocks.map(block => Buffer.from(block, 'hex').toString('latin1')),
    Buffer.from(pinKey).toString('latin1'),
  ]
  for (const secret of secrets) {
    t.notOk(written.includes(secret), `a secret of ${secret.length} characters`)
    t.notOk(written.includes(secret.toLowerCase()), `a secret of ${secret.length} characters, lower case`)
  }
})
