/** Triple DES DUKPT against the ANSI X9.24-1 example and its far counters. */
import t from 'tap'
import {
  counterOf,
  dukptKey,
  initialKey,
  nextCounter,
  transactionKey,
  withCounter,
} from '../../crypto/dukpt.ts'
import {bytesOfHex, hexOf} from '../../crypto/hex.ts'
import {encodeIso0} from '../../crypto/pin-block.ts'
import {tdesEncrypt} from '../../crypto/tdes.ts'

/** ANSI X9.24-1:2009, annex A; the far counters are those of openemv/dukpt and jPOS. */
const BASE_KEY = bytesOfHex('0123456789ABCDEFFEDCBA9876543210')
const KSN = bytesOfHex('FFFF9876543210E00000')
const INITIAL = initialKey(BASE_KEY, KSN)

t.test('the initial key, whatever the counter', t => {
  t.equal(hexOf(INITIAL), '6AC292FAA1315B4D858AB3A3D7D5933A')
  t.same(initialKey(BASE_KEY, withCounter(KSN, 0x1fffff)), INITIAL)
  t.end()
})

t.test('the key of each transaction', t => {
  const keys = [
    [1, '042666B49184CFA368DE9628D0397BC9'],
    [2, 'C46551CEF9FD24B0AA9AD834130D3BC7'],
    [3, '0DF3D9422ACA56E547676D07AD6BADFA'],
    [4, '279C0F6AEED0BE652B2C733E1383AE91'],
    [8, '27F66D5244FF62E1AA6F6120EDEB4280'],
    [0x15, 'E161D1956A61F6D2F37AFD7F9CC3699A'],
    [0xff800, 'F9CDFEBF4F5B1D9EB3EC12454527E176'],
    [0x100000, 'AA4D58DB653EC74A48C75F2F047DD2B5'],
  ] as const
  for (const [counter, key] of keys)
    t.equal(hexOf(transactionKey(INITIAL, withCounter(KSN, counter))), key, counter.toString(16))
  t.end()
})

t.test('the working keys of the first three', t => {
  const rows = [
    [1, 'pin', '042666B49184CF5C68DE9628D0397B36'],
    [1, 'macRequest', '042666B4918430A368DE9628D03984C9'],
    [1, 'macResponse', '042666B46E84CFA368DE96282F397BC9'],
    [1, 'dataRequest', '448D3F076D8304036A55A3D7E0055A78'],
    [2, 'pin', 'C46551CEF9FD244FAA9AD834130D3B38'],
    [2, 'macRequest', 'C46551CEF9FDDBB0AA9AD834130DC4C7'],
    [2, 'dataRequest', 'F1BE73B36135C5C26CF937D50ABBE5AF'],
    [3, 'pin', '0DF3D9422ACA561A47676D07AD6BAD05'],
    [3, 'macRequest', '0DF3D9422ACAA9E547676D07AD6B52FA'],
    [3, 'dataRequest', 'EEEEF522C67239E4A2A65FEBF4C511F4'],
  ] as const
  for (const [counter, use, key] of rows)
    t.equal(hexOf(dukptKey(use, INITIAL, withCounter(KSN, counter))), key, `${use} ${counter}`)
  t.not(
    hexOf(dukptKey('dataResponse', INITIAL, withCounter(KSN, 1))),
    hexOf(dukptKey('dataRequest', INITIAL, withCounter(KSN, 1))),
  )
  t.end()
})

t.test('the published PIN blocks', t => {
  const rows = [
    [1, '1B9C1845EB993A7A'],
    [2, '10A01C8D02C69107'],
    [3, '18DC07B94797B466'],
    [0x15, '72105C22EBC791E6'],
    [0xff800, '33365F5CC6F23C35'],
    [0x100000, '73EC88AD0AC5830E'],
  ] as const
  const clear = encodeIso0('1234', '4012345678909')
  for (const [counter, block] of rows)
    t.equal(hexOf(tdesEncrypt(dukptKey('pin', INITIAL, withCounter(KSN, counter)), clear)), block)
  t.end()
})

t.test('counters go up, and never have more than ten ones', t => {
  t.equal(nextCounter(0), 1)
  t.equal(nextCounter(0x3ff), 0x400, 'ten ones are allowed')
  t.equal(nextCounter(0x7fe), 0x800, 'eleven are not')
  t.equal(nextCounter(0xffc00), 0x100000)
  t.equal(nextCounter(0x1ff800), null, 'the last one')
  // Every key of ten ones or fewer, counted: the sum of 21 over k for k from 1 to 10.
  let counters = 0
  for (let counter = nextCounter(0); counter !== null; counter = nextCounter(counter)) counters += 1
  t.equal(counters, 1_048_575)
  t.end()
})

t.test('what is no KSN, counter or key is our own mistake', t => {
  const name = 'AssertionFailed'
  t.equal(counterOf(bytesOfHex('FFFF9876543210E00015')), 0x15)
  t.equal(hexOf(withCounter(KSN, 0x1fffff)), 'FFFF9876543210FFFFFF')
  for (const size of [0, 8, 12]) t.throws(() => counterOf(new Uint8Array(size)), {name})
  for (const counter of [-1, 0x200000, 1.5]) t.throws(() => withCounter(KSN, counter), {name})
  t.throws(() => initialKey(new Uint8Array(24), KSN), {name})
  t.throws(() => transactionKey(new Uint8Array(8), KSN), {name})
  t.end()
})
