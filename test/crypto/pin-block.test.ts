/** PIN blocks of formats 0, 1, 3 and 4: published vectors, the way there and back, and everything that is no such block. */
import {inspect} from 'node:util'
import t from 'tap'
import {bytesOfHex, hexOf} from '../../crypto/hex.ts'
import {
  decodeIso0,
  decodeIso1,
  decodeIso3,
  decryptIso4,
  encodeIso0,
  encodeIso1,
  encodeIso2,
  encodeIso3,
  encryptIso4,
  isPan,
  isPin,
} from '../../crypto/pin-block.ts'
import {seededRandom} from '../../kit/random.ts'

const PAN = '4012345678909'

/** PIN, PAN, block. The first is the ANSI X9.24 example. */
const VECTORS = [
  ['1234', '4012345678909', '041274EDCBA9876F'],
  ['12345', '4761739001010010', '05122366FFEFEFFE'],
  ['1234', '5555555551234567', '041261AAAAEDCBA9'],
  ['123456789012', '5555555551234567', '0C1261032D8226A9'],
] as const

t.test('published blocks, both ways', t => {
  for (const [pin, pan, block] of VECTORS) {
    t.equal(hexOf(encodeIso0(pin, pan)), block)
    const opened = decodeIso0(bytesOfHex(block), pan)
    t.equal(opened.kind === 'pin' && opened.pin.reveal(), pin, block)
  }
  t.end()
})

t.test('every PIN comes back, for PANs of 8 to 19 digits', t => {
  const random = seededRandom('pin-block')
  const digits = (count: number) => Array.from({length: count}, () => random.below(10)).join('')
  for (let round = 0; round < 1000; round++) {
    const pin = digits(4 + random.below(9))
    const pan = digits(8 + random.below(12))
    const opened = decodeIso0(encodeIso0(pin, pan), pan)
    if (opened.kind !== 'pin' || opened.pin.reveal() !== pin) t.fail(`round ${round} lost its PIN`)
  }
  t.equal(hexOf(encodeIso0('1234', '12345674')), '041234FFFEDCBA98', 'a short PAN is filled on the left')
  t.end()
})

/** Blocks before the PAN goes in: what each breaks, and its sixteen digits. */
const BAD_FIELDS = [
  ['control digit 1', '141234FFFFFFFFFF'],
  ['control digit 3', '341234FFFFFFFFFF'],
  ['length 3', '03123FFFFFFFFFFF'],
  ['length 13', '0D1234567890123F'],
  ['length 15', '0F1234FFFFFFFFFF'],
  ['length 0', '00FFFFFFFFFFFFFF'],
  ['length over the digits', '051234FFFFFFFFFF'],
  ['length under the digits', '0412345FFFFFFFFF'],
  ['a digit that is none', '04123AFFFFFFFFFF'],
  ['fill of zeros', '041234FFFFFFFF00'],
  ['fill broken inside', '041234FFFFAFFFFF'],
  ['nothing but zeros', '0000000000000000'],
] as const

t.test('what is no format 0 block is malformed', t => {
  // Twelve zeros for the PAN's part leave the field as it is.
  const panOfZeros = '0000000000000'
  t.equal(decodeIso0(bytesOfHex('041234FFFFFFFFFF'), panOfZeros).kind, 'pin', 'the good one')
  for (const [what, field] of BAD_FIELDS)
    t.equal(decodeIso0(bytesOfHex(field), panOfZeros).kind, 'malformed', what)
  for (const size of [0, 7, 9, 16])
    t.equal(decodeIso0(new Uint8Array(size), panOfZeros).kind, 'malformed', `${size} bytes`)
  t.equal(decodeIso0(encodeIso0('1234', PAN), '4761739001010010').kind, 'malformed', "another card's PAN")
  t.end()
})

t.test('a PIN or PAN that is none is our own mistake, and is not repeated', t => {
  for (const pin of ['123', '1234567890123', '12a4', '', '１２３４']) {
    t.notOk(isPin(pin))
    t.throws(() => encodeIso0(pin, PAN), {name: 'AssertionFailed'}, pin)
  }
  for (const pan of ['1234567', '12345678901234567890', '4012 3456 7890 9', '']) {
    t.notOk(isPan(pan))
    t.throws(() => encodeIso0('1234', pan), {name: 'AssertionFailed'}, pan)
    t.throws(() => decodeIso0(new Uint8Array(8), pan), {name: 'AssertionFailed'}, pan)
  }
  try {
    encodeIso0('98765432109876', PAN)
    t.fail('did not throw')
  } catch (thrown) {
    t.notMatch(inspect(thrown), /987654/)
  }
  t.notMatch(inspect(decodeIso0(encodeIso0('8642', PAN), PAN)), /8642/, 'an opened PIN does not print')
  t.end()
})

t.test('format 3 hides equal PINs, format 1 needs no PAN', t => {
  // ISO 9564-1 arithmetic, computed by an independent program.
  t.equal(hexOf(encodeIso3('1234', PAN, 'ABCDEFABCD')), '341274B9F9B9D35D')
  const third = decodeIso3(bytesOfHex('341274B9F9B9D35D'), PAN)
  t.equal(third.kind === 'pin' && third.pin.reveal(), '1234')
  t.equal(decodeIso3(bytesOfHex('041274EDCBA9876F'), PAN).kind, 'malformed', 'format 0 is not 3')
  t.equal(decodeIso0(bytesOfHex('341274B9F9B9D35D'), PAN).kind, 'malformed', 'format 3 is not 0')
  t.equal(hexOf(encodeIso1('1234', '0123456789')), '1412340123456789')
  // EMV book 3, 6.5.12: the block of VERIFY.
  t.equal(hexOf(encodeIso2('123456')), '26123456FFFFFFFF')
  for (const [field, pin] of [
    ['1412340123456789', '1234'],
    ['14123456789ABCDE', '1234'],
    ['1C123456789012FF', '123456789012'],
  ] as const) {
    const opened = decodeIso1(bytesOfHex(field))
    t.equal(opened.kind === 'pin' && opened.pin.reveal(), pin, field)
  }
  for (const bad of ['0412340123456789', '1312340123456789', '1512A40123456789', '14123401234567'])
    t.equal(decodeIso1(bytesOfHex(bad)).kind, 'malformed', bad)
  const name = 'AssertionFailed'
  t.throws(() => encodeIso3('1234', PAN, '0123456789'), {name}, 'digits are no fill of format 3')
  t.throws(() => encodeIso3('1234', PAN, 'ABCDEFABC'), {name})
  t.throws(() => encodeIso1('1234', 'G123456789'), {name})
  t.throws(() => encodeIso1('123', '01234567890'), {name})
  t.end()
})

/** Key, PIN, PAN, salt, block: the X9.24-3:2017 supplement's request, Wpay's, and the deterministic one of psec. */
const AES_VECTORS = [
  [
    'AF8CB133A78F8DC2D1359F18527593FB',
    '1234',
    '4111111111111111',
    '2F69ADDE2E9E7ACE',
    'A912150391AB65A67E52883D81CE2D15',
  ],
  [
    '62CB437131C129DF001D42676011975150506E2A382145FD9BDEA7EC5A339F63',
    '1234',
    '5237481234567895',
    'FFC853BBF9685D5E',
    '060E768D21D709B5D2A3F9660A704B9D',
  ],
  [
    '00112233445566778899AABBCCDDEEFF',
    '1234',
    '1234567890123456789',
    'FFFFFFFFFFFFFFFF',
    '28B41FDDD29B743E93124BD8E32D921E',
  ],
] as const

t.test('format 4, both ways', t => {
  for (const [key, pin, pan, salt, block] of AES_VECTORS) {
    t.equal(hexOf(encryptIso4(bytesOfHex(key), pin, pan, bytesOfHex(salt))), block)
    const opened = decryptIso4(bytesOfHex(key), bytesOfHex(block), pan)
    t.equal(opened.kind === 'pin' && opened.pin.reveal(), pin, block)
    for (let bit = 0; bit < 128; bit++) {
      const flipped = bytesOfHex(block).map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      if (decryptIso4(bytesOfHex(key), flipped, pan).kind !== 'malformed') t.fail(`${block}, bit ${bit}`)
    }
    const other = `${pan.slice(0, -1)}0`
    t.equal(decryptIso4(bytesOfHex(key), bytesOfHex(block), other).kind, 'malformed', "another card's PAN")
    t.equal(decryptIso4(bytesOfHex(key), bytesOfHex(block).subarray(8), pan).kind, 'malformed')
  }
  const key = new Uint8Array(24)
  const short = encryptIso4(key, '123456789012', '12345674', new Uint8Array(8))
  const opened = decryptIso4(key, short, '12345674')
  t.equal(opened.kind === 'pin' && opened.pin.reveal(), '123456789012', 'a short PAN')
  const name = 'AssertionFailed'
  t.throws(() => encryptIso4(new Uint8Array(8), '1234', PAN, new Uint8Array(8)), {name})
  t.throws(() => encryptIso4(key, '1234', PAN, new Uint8Array(7)), {name})
  t.throws(() => encryptIso4(key, '1234', '123', new Uint8Array(8)), {name})
  t.end()
})
