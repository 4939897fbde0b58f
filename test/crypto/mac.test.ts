/** MACs of PIN pads against published values, and CBC against them. */
import t from 'tap'
import {bytesOfHex, hexOf} from '../../crypto/hex.ts'
import {macOf, withZeros} from '../../crypto/mac.ts'
import {singleDes, tdesCbcDecrypt, tdesCbcEncrypt} from '../../crypto/tdes.ts'
import {xored} from '../../crypto/xor.ts'

const MESSAGE = Buffer.from('4012345678909D987', 'latin1')
const WORKING_KEY = bytesOfHex('C1D0F8FB4958670DBA40AB1F3752EF0D')
/** Request and response MAC key of the first transaction of the ANSI X9.24-1 example. */
const REQUEST_KEY = bytesOfHex('042666B4918430A368DE9628D03984C9')
const RESPONSE_KEY = bytesOfHex('042666B46E84CFA368DE96282F397BC9')

t.test('published codes', t => {
  // ANSI X9.24-1:2009, annex A: the example prints the first four bytes of both.
  t.equal(hexOf(macOf('retail', REQUEST_KEY, MESSAGE)), '9CCC78173FC4FB64')
  t.equal(hexOf(macOf('retail', RESPONSE_KEY, MESSAGE)), '20364223C1FF00FA')
  // Computed from the stated rule by an independent program, for the demonstration working key.
  t.equal(hexOf(macOf('retail', WORKING_KEY, MESSAGE)), 'A579BEFD6B268325')
  t.equal(hexOf(macOf('desCbc', WORKING_KEY, MESSAGE)), '385DBBB15930D82E')
  t.equal(hexOf(macOf('tdesCbc', WORKING_KEY, MESSAGE)), 'DBD7703036E84888')
  t.end()
})

t.test('one block, whole blocks, and a key of three', t => {
  const whole = bytesOfHex('00112233445566778899AABBCCDDEEFF')
  t.same(withZeros(whole), whole, 'nothing is added to whole blocks')
  t.equal(hexOf(withZeros(Uint8Array.of(1))), '0100000000000000')
  const threeKeys = Uint8Array.of(...WORKING_KEY, ...WORKING_KEY.subarray(0, 8))
  t.same(macOf('tdesCbc', threeKeys, MESSAGE), macOf('tdesCbc', WORKING_KEY, MESSAGE), 'K1 K2 K1')
  const one = whole.subarray(0, 8)
  t.same(macOf('retail', WORKING_KEY, one), macOf('tdesCbc', WORKING_KEY, one), 'one block: the same')
  t.end()
})

t.test('retail is single DES on all but the last block, and the whole key on that', t => {
  const blocks = withZeros(MESSAGE)
  const before = macOf('desCbc', WORKING_KEY, blocks.subarray(0, -8))
  t.same(
    macOf('tdesCbc', WORKING_KEY, xored(before, blocks.subarray(-8))),
    macOf('retail', WORKING_KEY, MESSAGE),
  )
  t.end()
})

t.test('CBC there and back, and the published data request', t => {
  const dataKey = bytesOfHex('448D3F076D8304036A55A3D7E0055A78')
  const under = 'FC0D53B7EA1FDA9EE68AAF2E70D9B9506229BE2AA993F04F'
  t.equal(hexOf(tdesCbcEncrypt(dataKey, withZeros(MESSAGE))), under)
  t.same(tdesCbcDecrypt(dataKey, bytesOfHex(under)), withZeros(MESSAGE))
  const initial = bytesOfHex('0102030405060708')
  t.same(
    tdesCbcDecrypt(dataKey, tdesCbcEncrypt(dataKey, withZeros(MESSAGE), initial), initial),
    withZeros(MESSAGE),
  )
  t.not(hexOf(tdesCbcEncrypt(dataKey, withZeros(MESSAGE), initial)), under)
  t.end()
})

t.test('wrong sizes are our own mistake', t => {
  const name = 'AssertionFailed'
  t.throws(() => macOf('retail', WORKING_KEY, new Uint8Array(0)), {name})
  for (const size of [8, 24]) t.throws(() => macOf('retail', new Uint8Array(size), MESSAGE), {name})
  t.throws(() => macOf('desCbc', new Uint8Array(8), MESSAGE), {name})
  t.throws(() => singleDes(new Uint8Array(7)), {name})
  t.throws(() => xored(new Uint8Array(1), new Uint8Array(2)), {name})
  t.throws(() => tdesCbcEncrypt(WORKING_KEY, new Uint8Array(9)), {name})
  t.end()
})
