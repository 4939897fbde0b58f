/** Triple DES, check values and parity against published vectors. */
import t from 'tap'
import {bytesOfHex, hexOf, isHex} from '../../crypto/hex.ts'
import {hasOddParity, keyCheckValue, tdesDecrypt, tdesEncrypt, withOddParity} from '../../crypto/tdes.ts'

/** The demonstration keys of the ANSI X9.24 examples: master key, and a working key under it. */
const MASTER_KEY = '0123456789ABCDEFFEDCBA9876543210'
const WORKING_KEY = 'C1D0F8FB4958670DBA40AB1F3752EF0D'
const WORKING_UNDER_MASTER = '6EA5FA37FF743D19CC3BAE6D3C273274'

const BLOCKS = [
  {
    what: 'the working key under the master key',
    key: MASTER_KEY,
    clear: WORKING_KEY,
    under: WORKING_UNDER_MASTER,
  },
  {what: 'a PIN block of 1234', key: WORKING_KEY, clear: '041274EDCBA9876F', under: 'F12B8E897D89E69F'},
  {what: 'a PIN block of 12345', key: WORKING_KEY, clear: '05122366FFEFEFFE', under: '7BD33C733ACAA7CA'},
  // Key 1 of the ANSI X9.24-1 DUKPT example, with the PIN variant.
  {
    what: 'the DUKPT example, request 1',
    key: '042666B49184CF5C68DE9628D0397B36',
    clear: '041274EDCBA9876F',
    under: '1B9C1845EB993A7A',
  },
  // NIST SP 800-67 appendix B, three different keys, ECB.
  {
    what: 'the three-key example of SP 800-67',
    key: '0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123',
    clear: '5468652071756663',
    under: 'A826FD8CE53B855F',
  },
]

t.test('blocks go under a key and come back', t => {
  for (const {what, key, clear, under} of BLOCKS) {
    t.equal(hexOf(tdesEncrypt(bytesOfHex(key), bytesOfHex(clear))), under, what)
    t.equal(hexOf(tdesDecrypt(bytesOfHex(key), bytesOfHex(under))), clear, `${what}, back`)
  }
  t.end()
})

t.test('each block stands alone', t => {
  const once = hexOf(tdesEncrypt(bytesOfHex(MASTER_KEY), bytesOfHex('00'.repeat(8))))
  t.equal(hexOf(tdesEncrypt(bytesOfHex(MASTER_KEY), bytesOfHex('00'.repeat(24)))), once.repeat(3))
  t.end()
})

t.test('check values', t => {
  t.equal(keyCheckValue(bytesOfHex(MASTER_KEY)), '08D7B4')
  t.equal(keyCheckValue(bytesOfHex(WORKING_KEY)), '2DAF03')
  t.end()
})

t.test('a key or blocks of a wrong size are our own mistake', t => {
  const name = 'AssertionFailed'
  for (const size of [0, 7, 8, 15, 17, 32])
    t.throws(() => tdesEncrypt(new Uint8Array(size), new Uint8Array(8)), {name}, `key of ${size} bytes`)
  for (const size of [0, 7, 9]) {
    t.throws(() => tdesEncrypt(new Uint8Array(16), new Uint8Array(size)), {name}, `${size} bytes in`)
    t.throws(() => tdesDecrypt(new Uint8Array(16), new Uint8Array(size)), {name}, `${size} bytes back`)
  }
  t.end()
})

t.test('odd parity', t => {
  t.ok(hasOddParity(bytesOfHex(MASTER_KEY)))
  t.ok(hasOddParity(bytesOfHex(WORKING_KEY)))
  t.notOk(hasOddParity(bytesOfHex('00')))
  t.notOk(hasOddParity(bytesOfHex('0103')))
  t.equal(hexOf(withOddParity(bytesOfHex('00010203FEFF'))), '01010202FEFE')
  const even = bytesOfHex(WORKING_KEY).map(byte => byte ^ 1)
  t.equal(hexOf(withOddParity(even)), WORKING_KEY)
  t.equal(keyCheckValue(even), '2DAF03', 'the cipher ignores parity')
  t.end()
})

t.test('hexadecimal', t => {
  t.equal(hexOf(new Uint8Array([0, 10, 255]).subarray(1)), '0AFF')
  t.equal(hexOf(bytesOfHex('0aFf')), '0AFF')
  for (const bad of ['0', '0G', ' 00', '0x00']) {
    t.notOk(isHex(bad), bad)
    t.throws(() => bytesOfHex(bad), {name: 'AssertionFailed'}, bad)
  }
  t.ok(isHex(''))
  t.end()
})
