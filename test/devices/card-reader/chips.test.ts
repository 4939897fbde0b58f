/** Chips, stripes and what both hold: APDUs, status words, T=0's pieces, BER-TLV, and the way to a chip's track 2. */
import t from 'tap'
import {
  decodeCommand,
  decodeResponse,
  encodeCommand,
  overT0,
  statusWord,
} from '../../../devices/card-reader/apdu.ts'
import type {ResponseApdu} from '../../../devices/card-reader/apdu.ts'
import {chipTrack2} from '../../../devices/card-reader/chip-track2.ts'
import type {ChipTrack2} from '../../../devices/card-reader/chip-track2.ts'
import type {ChipContacts, ChipIoOutcome, ChipResetOutcome} from '../../../devices/card-reader/port.ts'
import {stripeOutcome, track2Of} from '../../../devices/card-reader/stripe.ts'
import type {RawTrack} from '../../../devices/card-reader/stripe.ts'
import {findTag, findTags, readTags} from '../../../devices/card-reader/tlv.ts'
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {present} from '../../../kit/assert.ts'
import {Secret} from '../../../kit/secret.ts'

t.test('status words', t => {
  for (const [sw1, sw2, word] of [
    [0x90, 0x00, {kind: 'success', sw: 0x9000}],
    [0x90, 0x01, {kind: 'proprietary', sw: 0x9001}],
    [0x61, 0x10, {kind: 'moreAvailable', sw: 0x6110, bytes: 16}],
    [0x61, 0x00, {kind: 'moreAvailable', sw: 0x6100, bytes: 256}],
    [0x6c, 0x05, {kind: 'wrongLength', sw: 0x6c05, bytes: 5}],
    [0x62, 0x83, {kind: 'warning', sw: 0x6283}],
    [0x63, 0xc2, {kind: 'warning', sw: 0x63c2}],
    [0x64, 0x00, {kind: 'executionError', sw: 0x6400}],
    [0x66, 0x00, {kind: 'executionError', sw: 0x6600}],
    [0x67, 0x00, {kind: 'checkingError', sw: 0x6700}],
    [0x6f, 0xff, {kind: 'checkingError', sw: 0x6fff}],
    [0x70, 0x00, {kind: 'proprietary', sw: 0x7000}],
  ] as const)
    t.same(statusWord(sw1, sw2), word)
  t.same(decodeResponse(bytesOfHex('AABB9000')), {
    data: bytesOfHex('AABB'),
    status: {kind: 'success', sw: 0x9000},
  })
  t.equal(decodeResponse(bytesOfHex('90')), null)
  t.equal(decodeResponse(new Uint8Array(259)), null)
  t.not(decodeResponse(new Uint8Array(258)), null)
  t.end()
})

t.test('the four cases of a command', t => {
  for (const [hex, data, answerBytes] of [
    ['00A40400', '', null],
    ['00B2010C00', '', 256],
    ['00B2010C05', '', 5],
    ['00A40400023F00', '3F00', null],
    ['00A40400023F0000', '3F00', 256],
  ] as const) {
    const command = decodeCommand(bytesOfHex(hex))
    t.match(command, {data: bytesOfHex(data), answerBytes}, hex)
    t.equal(command === null ? null : hexOf(encodeCommand(command)), hex)
  }
  for (const bad of ['', '00A404', '00A40400033F00', '00A40400023F000000', '00A404000000'])
    t.equal(decodeCommand(bytesOfHex(bad)), null, bad)
  t.end()
})

/** A chip that gives these answers, one after the other, and what it was told. */
function scripted(answers: readonly string[]) {
  const told: string[] = []
  const exchange = async (command: Secret<Uint8Array>): Promise<ResponseApdu | {readonly kind: 'gone'}> => {
    told.push(hexOf(command.reveal()))
    const answer = answers[told.length - 1]
    return answer === undefined ? {kind: 'gone'} : present(decodeResponse(bytesOfHex(answer)), 'an answer')
  }
  return {told, exchange}
}

t.test('T=0 in pieces', async t => {
  const command = new Secret(bytesOfHex('01A404000E315041592E5359532E444446303100'))
  const pieces = scripted(['6104', 'AABB6102', 'CCDD9000'])
  const whole = await overT0(command, pieces.exchange)
  t.same(whole, {data: bytesOfHex('AABBCCDD'), status: {kind: 'success', sw: 0x9000}})
  t.same(pieces.told.slice(1), ['01C0000004', '01C0000002'], 'on the channel of the command')
  const wrong = scripted(['6C03', 'AABBCC9000'])
  await overT0(new Secret(bytesOfHex('00B2010C00')), wrong.exchange)
  t.same(wrong.told, ['00B2010C00', '00B2010C03'])
  const refused = scripted(['6A82'])
  t.match(await overT0(command, refused.exchange), {status: {kind: 'checkingError'}})
  t.same(await overT0(command, scripted(['6104']).exchange), {kind: 'gone'})
  t.equal(
    await overT0(command, scripted(Array<string>(100).fill('6104')).exchange),
    null,
    'a chip without end',
  )
  t.equal(await overT0(command, scripted(Array<string>(100).fill('6C04')).exchange), null)
})

t.test('BER-TLV, and what is broken', t => {
  const tags = readTags(bytesOfHex('6F0DA50B5F2D02656E9F38019A870102'))
  t.equal(hexOf(present(findTag(tags, 0x5f2d), 'a language')), '656E')
  t.equal(hexOf(present(findTag(tags, 0x9f38), 'a list')), '9A')
  t.equal(findTag(tags, 0x57), null)
  t.equal(findTags(readTags(bytesOfHex('61038701016103870102')), 0x87).length, 2)
  t.equal(readTags(bytesOfHex(`708180${'00'.repeat(128)}`)).length, 1, 'a length of two bytes')
  for (const bad of ['6F', '6F05AA', '6F80', '6F8200FF', '5F', '5F2D'])
    t.same(readTags(bytesOfHex(bad)), [], bad)
  t.equal(readTags(bytesOfHex('8701016F09AA')).length, 1, 'what stands before the break counts')
  const deep = readTags(bytesOfHex('6110610E610C610A610861066104610261006100'))
  t.ok(findTags(deep, 0x61).length < 9, 'no deeper than it must')
  t.end()
})

/** A card as a table: commands by their beginning, answers with status word; `6A82` to anything else. */
function card(answers: Readonly<Record<string, string>>, reset: ChipResetOutcome = ANSWERED) {
  const told: string[] = []
  const contacts: ChipContacts = {
    reset: async () => reset,
    transmit: async (command): Promise<ChipIoOutcome> => {
      const hex = hexOf(command.reveal())
      told.push(hex)
      const found = Object.entries(answers).find(([begins]) => hex.startsWith(begins))
      const answer = present(decodeResponse(bytesOfHex(found?.[1] ?? '6A82')), 'an answer')
      return {kind: 'answered', answer: new Secret(answer.data), status: answer.status}
    },
    powerOff: async () => ({kind: 'poweredOff'}),
  }
  return {told, contacts}
}
const ANSWERED: ChipResetOutcome = {kind: 'answered', protocol: 'T1', atr: bytesOfHex('3B00')}

const PSE = '00A404000E'
const VISA = '00A4040007A0000000031010'
const MASTERCARD = '00A4040007A0000000041010'
const DIRECTORY = '6F03880101' + '9000'
const TRACK = '57104012345678909D30122011234500000F'
const RECORD = `7012${TRACK}9000`

function read(found: ChipTrack2): string {
  return found.kind === 'read' ? found.track2.reveal() : found.kind
}

t.test('by directory, priority and records', async t => {
  const {told, contacts} = card({
    [PSE]: DIRECTORY,
    '00B2010C': '701C610C4F07A0000000041010870102610C4F07A00000000310108701019000',
    [VISA]: '6F098407A00000000310109000',
    '80A8': '800A180008010100100101009000',
    '00B20114': RECORD,
  })
  t.equal(read(await chipTrack2(contacts)), '4012345678909=30122011234500000')
  t.equal(told.findIndex(hex => hex.startsWith(VISA)) > 0, true)
  t.notOk(
    told.some(hex => hex.startsWith(MASTERCARD)),
    'the first by priority is enough',
  )
  t.ok(told.includes('80A8000002830000'))
})

t.test('without a directory, with a list of what the chip wants, in the long form', async t => {
  const {told, contacts} = card({
    [MASTERCARD]: '6F0AA5089F38059F66049A039000',
    '80A8': '770A820218009404080101009000',
    '00B2010C': RECORD,
  })
  t.equal(read(await chipTrack2(contacts)), '4012345678909=30122011234500000')
  t.ok(told.includes('80A800000983070000000000000000'), 'seven bytes, all of them unknown')
  t.ok(
    told.some(hex => hex.startsWith(VISA)),
    'tried in order',
  )
})

t.test('at once with the options', async t => {
  const {contacts} = card({[VISA]: '6F009000', '80A8': `7712${TRACK}9000`})
  t.equal(read(await chipTrack2(contacts)), '4012345678909=30122011234500000')
})

t.test('what a chip may say instead', async t => {
  const mute: ChipResetOutcome = {kind: 'mute', detail: 'no answer to reset'}
  t.same(await chipTrack2(card({}, mute).contacts), {kind: 'none', detail: 'no answer to reset'})
  const failed: ChipResetOutcome = {kind: 'failed', fault: 'jam', detail: 'jam'}
  t.same(await chipTrack2(card({}, failed).contacts), failed)
  t.match(await chipTrack2(card({}).contacts), {kind: 'none', detail: /no application/})
  t.match(await chipTrack2(card({[VISA]: '6F009000'}).contacts), {kind: 'none'}, 'no options')
  t.match(await chipTrack2(card({[VISA]: '6F009000', '80A8': '800218009000'}).contacts), {
    kind: 'none',
  })
  t.match(await chipTrack2(card({[VISA]: '6F009000', '80A8': '770257009000'}).contacts), {
    kind: 'none',
    detail: /7813/,
  })
  const endless = card({
    [VISA]: '6F009000',
    '80A8': '800618000801FF009000',
    '00B2': '70009000',
  })
  t.match(await chipTrack2(endless.contacts), {kind: 'none', detail: /more records/})
  t.ok(endless.told.length < 50)
  const {contacts} = card({})
  const gone = {...contacts, transmit: async () => ({kind: 'mute', detail: 'it stopped'}) as const}
  t.same(await chipTrack2(gone), {kind: 'none', detail: 'it stopped'})
})

t.test('what a stripe amounts to', t => {
  const outcome = (two: RawTrack | null) => stripeOutcome(new Map(two === null ? [] : [[2, two]]))
  t.match(outcome({kind: 'text', text: ';4012345678909=3012?'}), {kind: 'inserted', source: 'stripe'})
  t.match(outcome({kind: 'text', text: 'hello'}), {
    kind: 'unreadable',
    detail: /7813/,
    tracks: {2: {kind: 'read'}},
  })
  t.match(outcome({kind: 'text', text: '4012;345'}), {tracks: {2: {kind: 'dataInvalid', why: 'format'}}})
  t.match(outcome({kind: 'dataMissing'}), {detail: /nothing encoded/})
  t.match(outcome({kind: 'dataInvalid', why: 'unspecified'}), {detail: /cannot be read/})
  t.match(outcome({kind: 'notSupported'}), {detail: /cannot read that track/})
  t.match(outcome(null), {detail: /cannot read that track/})
  t.equal(track2Of(`4012345678909=3012${'0'.repeat(19)}`), `4012345678909=3012${'0'.repeat(19)}`)
  t.equal(track2Of(`4012345678909=3012${'0'.repeat(20)}`), null)
  t.end()
})
