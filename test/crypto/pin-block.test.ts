/** Format 0 PIN blocks: published vectors, the way there and back, and everything that is no such block. */
import {inspect} from 'node:util'
import t from 'tap'
import {bytesOfHex, hexOf} from '../../crypto/hex.ts'
import {decodeIso0, encodeIso0, isPan, isPin} from '../../crypto/pin-block.ts'
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
