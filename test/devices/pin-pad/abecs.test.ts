/** ABECS pads: golden vectors, the PIN pad suite, every rule of the link, and every misbehaviour the emulator knows. */
import t from 'tap'
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {COMMANDS, DUKPT, MASTER_SESSION, TAG} from '../../../devices/pin-pad/abecs/bytes.ts'
import type {CommandId, Profile} from '../../../devices/pin-pad/abecs/bytes.ts'
import {
  blockCommand,
  decodePacket,
  decodeReply,
  encodePacket,
  frameShape,
  pinIn as pinInReply,
  pinRequestBlock,
  textOf,
  tlv,
  tlvCommand,
  toldIn,
} from '../../../devices/pin-pad/abecs/codec.ts'
import {AbecsPinPad} from '../../../devices/pin-pad/abecs/driver.ts'
import {STATUSES} from '../../../devices/pin-pad/abecs/meaning.ts'
import {demoSlots} from '../../../devices/pin-pad/abecs/secure-module.ts'
import golden from '../../../devices/pin-pad/abecs/vectors.json' with {type: 'json'}
import type {Key} from '../../../devices/pin-pad/port.ts'
import {Framer} from '../../../devices/wire/framer.ts'
import {silentLog} from '../../../kit/log.ts'
import {seededRandom} from '../../../kit/random.ts'
import {abecsBench} from './benches.ts'
import {abecsFaults} from './faults.ts'
import {padSuite, PAN, pinIn, pinKey, ready, request, settled, type} from './suite.ts'

interface Vector {
  readonly name: string
  readonly from: string
  readonly data: string
  readonly hex: string
  readonly source: string
  readonly command?: string
  readonly scheme?: string
  readonly slot?: number
  readonly key?: string
  readonly pan?: string
  readonly lengthMin?: number
  readonly lengthMax?: number
  readonly prompt?: readonly string[]
  readonly answers?: string
  readonly expect?: Readonly<Record<string, unknown>>
}
const vectors: readonly Vector[] = golden.vectors

/** The data that our codec makes of what the vector says; null for commands that the driver never gives. */
function dataOf({name, command, ...vector}: Vector): Uint8Array | null {
  switch (command) {
    case 'OPN':
      return name === 'open' ? blockCommand('OPN') : blockCommand('OPN', '')
    case 'GIN':
      return blockCommand('GIN', '00')
    case 'GIX':
      return tlvCommand('GIX', [tlv(TAG.ids, bytesOfHex('8001800480349101910E'))])
    case 'CEX':
      return tlvCommand('CEX', [
        tlv(TAG.eventOptions, name === 'keys alone' ? '100000' : '101000'),
        ...(name === 'keys alone' ? [] : [tlv(TAG.timeoutS, 30)]),
      ])
    case 'EBX':
      return tlvCommand('EBX', [
        tlv(TAG.dataIn, 'DADO A SER CRIPTOGRAFADO'),
        tlv(TAG.dataMethod, '51'),
        tlv(TAG.keyIndex, '07'),
      ])
    case 'GPN': {
      const {
        scheme,
        slot = 0,
        key,
        pan = '',
        lengthMin = 0,
        lengthMax = 0,
        prompt: [first = '', second = ''] = [],
      } = vector
      const profile: Profile = {
        ...MASTER_SESSION,
        keyScheme: scheme === 'dukpt' ? 'dukpt' : 'masterSession',
        pinKeySlot: slot,
        prompt: [first, second],
      }
      const workingKey = key === undefined ? null : bytesOfHex(key)
      return blockCommand('GPN', pinRequestBlock(profile, workingKey, pan, lengthMin, lengthMax))
    }
    default:
      return null
  }
}

/** What our codec reads out of a reply. */
function readOut(vector: Vector, data: Uint8Array): unknown {
  const reply = decodeReply(data)
  if (reply === null) return null
  const {status, blocks} = reply
  const event = toldIn(blocks)?.get(0x8040)
  if (vector.expect?.['event'] !== undefined) return {event: event === undefined ? null : textOf(event)}
  return vector.expect?.['block'] === undefined ? {status, blocks: blocks.map(textOf)} : pinInReply(blocks)
}

t.test('golden vectors, both ways', t => {
  for (const vector of vectors) {
    const data = decodePacket(bytesOfHex(vector.hex))
    if (data === null) {
      t.fail(`${vector.name} does not decode`)
      continue
    }
    t.equal(hexOf(data), vector.data, vector.name)
    t.equal(hexOf(encodePacket(data)), vector.hex, vector.name)
    const ours = dataOf(vector)
    if (ours !== null) t.equal(hexOf(ours), vector.data, `${vector.name}, made`)
    if (vector.expect !== undefined) t.same(readOut(vector, data), vector.expect, `${vector.name}, read`)
  }
  for (const name in COMMANDS)
    t.ok(
      vectors.some(({command}) => command === name),
      name,
    )
  for (const {source, name} of vectors)
    t.ok(['published text', 'packet rule', 'assumed'].includes(source), name)
  t.end()
})

t.test('every one-bit flip and every cut of every vector is refused', t => {
  let refused = 0
  for (const {hex, name} of vectors) {
    const bytes = bytesOfHex(hex)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      if (decodePacket(flipped) === null) refused += 1
      else t.fail(`${name} with bit ${bit} flipped was taken`)
    }
    for (let length = 0; length < bytes.length; length++)
      if (decodePacket(bytes.slice(0, length)) !== null) t.fail(`${name} cut to ${length} was taken`)
    if (decodePacket(Uint8Array.of(...bytes, 0x30)) !== null) t.fail(`${name} with a byte more was taken`)
  }
  t.ok(refused > 5_000)
  t.end()
})

t.test('any data comes back, in any pieces, with noise between', t => {
  const random = seededRandom('abecs-stream')
  for (let round = 0; round < 60; round++) {
    const datas = Array.from({length: 1 + random.below(4)}, () => random.bytes(1 + random.below(120)))
    const noise = () =>
      random
        .bytes(random.below(6))
        .filter(byte => byte !== 0x16 && byte !== 0x06 && byte !== 0x15 && byte !== 0x04)
    const stream = Uint8Array.from(datas.flatMap(data => [...noise(), ...encodePacket(data)]))
    const framer = new Framer(frameShape('host'))
    const found: string[] = []
    for (let at = 0; at < stream.length;) {
      const end = at + 1 + random.below(40)
      for (const verdict of framer.push(stream.slice(at, end), 0))
        if (verdict.kind === 'frame') found.push(hexOf(decodePacket(verdict.bytes) ?? new Uint8Array(0)))
      at = end
    }
    t.same(found, datas.map(hexOf), `round ${round}`)
  }
  const marks = Uint8Array.of(0x13, 0x16, 0x17, 0x33, 0x36, 0x37, 0x13)
  t.same(decodePacket(encodePacket(marks)), marks)
  t.end()
})

for (const profile of [MASTER_SESSION, DUKPT]) {
  t.test(`as every pad: ${profile.keyScheme}`, t => {
    padSuite(t, () => abecsBench(profile))
    t.end()
  })
}

/** A host that says what it likes, and hears everything. */
async function rawHost() {
  const bench = await abecsBench()
  let heard = ''
  const near = bench.near
  await near.open({
    bytes: chunk => {
      heard += hexOf(chunk)
    },
    lost: () => undefined,
  })
  /** Writes bytes, and brings what came within the time. */
  const say = async (bytes: Uint8Array, withinMs = 100): Promise<string> => {
    await near.write(bytes)
    return hear(withinMs)
  }
  const hear = async (withinMs: number): Promise<string> => {
    await bench.clock.advance(withinMs)
    const since = heard
    heard = ''
    return since
  }
  /** A command, acknowledged and answered. @returns its reply as text */
  const ask = async (data: string | Uint8Array): Promise<string> => {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
    return replyIn(await say(encodePacket(bytes)))
  }
  const replyIn = (hex: string): string => {
    const reply = decodePacket(bytesOfHex(hex.replace(/^06/, '')))
    return reply === null ? hex : textOf(reply)
  }
  return {...bench, say, hear, ask, replyIn}
}
const ACKED = '06'
const REFUSED = '15'
const LET_GO = '04'
const latin = (text: string) => Buffer.from(text, 'latin1')

t.test('the rules of the link, as a pad has them', async t => {
  const host = await rawHost()
  const {say, hear} = host
  t.equal(await say(Uint8Array.of(0x15)), '', 'nothing to say again yet')
  t.equal(await say(Uint8Array.of(0x18)), LET_GO, 'always')
  t.equal(await say(bytesOfHex('164F504E17A8A9')), `${ACKED}${hexOf(encodePacket(latin('OPN000')))}`)
  t.equal(await say(Uint8Array.of(0x15)), hexOf(encodePacket(latin('OPN000'))), 'again')
  t.equal(await say(bytesOfHex('164F504E170000'), 490), '', 'a wrong check is waited out')
  t.equal(await hear(100), REFUSED)
  await say(bytesOfHex('164F504E170000'), 400)
  t.equal(await say(bytesOfHex('164F504E17A8A9'), 490), '', 'a good packet within the rubbish is rubbish')
  t.equal(await hear(100), REFUSED)
  t.equal(await say(bytesOfHex('00FF060455'), 3_000), '', 'stray bytes mean nothing')
  const packet = bytesOfHex('1647494E303032303017EECA')
  for (const byte of packet) {
    await host.near.write(Uint8Array.of(byte))
    await host.clock.advance(1_400)
  }
  t.match(host.replyIn(await hear(100)), /^GIN000100/, 'slow, and every gap is short')
  t.equal(await say(packet.slice(0, 5), 1_600), '', 'a packet that stops is forgotten')
  t.equal(await say(packet.slice(5), 700), '', 'and its end is noise')
  t.match(host.replyIn(await say(packet)), /^GIN000100/)
  t.equal(
    await say(encodePacket(latin(`XYZ${'0'.repeat(2_046)}`))),
    `${ACKED}${hexOf(encodePacket(latin('ERR010')))}`,
  )
  const tooLong = Uint8Array.of(0x16, ...latin(`XYZ${'0'.repeat(2_047)}`), 0x17, 0, 0)
  t.equal(await say(tooLong, 700), REFUSED, 'one byte more than a packet holds')
  const babble = new Uint8Array(6_000).fill(0x41)
  babble[0] = 0x16
  t.equal(await say(babble, 700), REFUSED, 'no end at all')
})

t.test('a waiting command ends by CAN, by a new packet, and not by noise', async t => {
  const host = await rawHost()
  const {say, hear, emulator} = host
  const keys = encodePacket(tlvCommand('CEX', [tlv(TAG.eventOptions, '100000')]))
  t.equal(await say(keys), ACKED)
  t.equal(emulator.world.mode, 'clear')
  t.equal(await say(Uint8Array.of(0x18)), LET_GO)
  t.equal(emulator.press('A'), 'ignored')
  t.equal(await say(keys), ACKED)
  t.equal(
    await say(encodePacket(latin('OPN'))),
    `${ACKED}${hexOf(encodePacket(latin('OPN000')))}`,
    'no word of the keys',
  )
  t.equal(emulator.press('A'), 'ignored')
  t.equal(await say(keys), ACKED)
  await say(bytesOfHex('0055AA'), 1_000)
  t.equal(emulator.press('A'), 'pressed')
  t.equal(host.replyIn(await hear(100)), 'CEX000006\x80@\x00\x0204')
  t.equal(host.replyIn(await say(Uint8Array.of(0x15))), 'CEX000006\x80@\x00\x0204', 'and again when asked')
  t.equal(await say(Uint8Array.of(0x18)), LET_GO)
})

t.test('malformed commands, by what is wrong with them', async t => {
  const {ask} = await rawHost()
  t.equal(await ask('XYZ'), 'ERR010')
  t.equal(await ask('OP'), 'ERR010')
  t.equal(await ask('\x12secured'), 'ERR003')
  t.equal(await ask('GIN'), 'GIN011')
  t.equal(await ask('GIN003'), 'GIN011', 'a block shorter than it says')
  t.equal(await ask('GIN00A00'), 'GIN011')
  t.equal(await ask('GPN001X'), 'GPN011')
  t.equal(await ask('GIX003\x00\x01\x00'), 'GIX011', 'half a parameter')
  t.equal(await ask('CEX'), 'CEX019')
  t.equal(await ask('GCD'), 'GCD019')
  t.equal(await ask('MNU'), 'MNU019')
  t.equal(await ask('EBX'), 'EBX019')
  t.equal(await ask('GKY001X'), 'GKY011')
  t.equal(await ask('CKE0011'), 'CKE011')
  t.equal(await ask('DEX005999ab'), 'DEX011')
  t.equal(await ask('CHP00591000'), 'CHP011', 'no contactless reader')
  t.equal(await ask('CHP00501000'), 'CHP043', 'no chip in it')
  t.equal(await ask('GDU003399'), 'GDU011')
  t.equal(await ask('GDU003302'), 'GDU042')
  t.equal(await ask('GTK'), 'GTK010', 'no card was swiped')
  const pin = (change: (block: string) => string) =>
    ask(blockCommand('GPN', change(pinRequestBlock(DUKPT, null, PAN, 4, 12))))
  t.equal(await pin(block => block.replace('301', '399')), 'GPN011', 'no such slot')
  t.equal(await pin(block => block.replace('301', '302')), 'GPN042', 'an empty slot')
  t.equal(await pin(block => block.replace('301', '201')), 'GPN011', 'no such method')
  t.equal(await pin(block => block.replace('10412', '10312')), 'GPN011', 'three digits are no PIN')
  t.equal(await pin(block => block.replace('10412', '10403')), 'GPN011')
  t.equal(await pin(block => block.replace('10412', '20412')), 'GPN011', 'two PINs')
  t.equal(await pin(block => block.replace(`13${PAN}`, `13401234567890X`)), 'GPN011')
  t.equal(await pin(block => block.replace(`13${PAN}`, `00${' '.repeat(13)}`)), 'GPN010', 'no card was read')
})

t.test('the commands that the driver does not need', async t => {
  const {ask, emulator, say, hear, replyIn} = await rawHost()
  t.equal(await ask('GDU003301'), 'GDU000020FFFF9876543210E00001')
  t.equal(await ask('DSP032HELLO           THERE           '), 'DSP000')
  t.same(emulator.world.display, ['HELLO', 'THERE'])
  t.equal(await ask('DEX010007ONE\rTWO'), 'DEX000')
  t.same(emulator.world.display, ['ONE', 'TWO'])
  t.equal(await ask('CLO032BYE                             '), 'CLO000')
  t.same(emulator.world.display, ['BYE', ''])
  t.equal(await ask(tlvCommand('CLX', [tlv(TAG.text, 'GOOD\rBYE')])), 'CLX000')
  t.same(emulator.world.display, ['GOOD', 'BYE'])
  t.match(await ask('GIN00202'), /^GIN000042ABECS/)
  t.match(await ask('GIN00203'), /^GIN000042ABECS.*T00$/)
  t.match(await ask('GIX'), /^GIX0005/, 'everything, in one block')
  t.match(
    await ask(tlvCommand('GIX', [tlv(TAG.ids, bytesOfHex('91 01 91 02 FF FF'.replaceAll(' ', '')))])),
    /^GIX000014/,
  )
  // TDES of the published working key over the block of the published text, by the emulator's own slot.
  t.match(
    await ask('ENB051101' + '6EA5FA37FF743D19CC3BAE6D3C273274' + '0000000000000000'),
    /^ENB0000162DAF03/,
  )

  t.equal(await say(encodePacket(latin('GKY'))), ACKED)
  t.equal(emulator.press('5'), 'ignored', 'no digit in clear')
  t.equal(emulator.press('D'), 'pressed')
  t.equal(replyIn(await hear(100)), 'GKY007')
  t.equal(await say(encodePacket(latin('CKE0041110'))), ACKED)
  t.equal(emulator.press('up'), 'ignored')
  t.equal(emulator.press('cancel'), 'pressed')
  t.equal(replyIn(await hear(100)), 'CKE000003013')

  t.equal(
    await say(
      encodePacket(tlvCommand('GCD', [tlv(TAG.messageIndex, bytesOfHex('0009')), tlv(TAG.digitsMin, 2)])),
    ),
    ACKED,
  )
  for (const key of ['4', 'enter', '2', '7', 'clear', '1'] as const) emulator.press(key)
  t.match(emulator.world.display, ['MESSAGE 9', /^ *421$/])
  emulator.press('enter')
  t.equal(replyIn(await hear(100)), 'GCD000007\x80M\x00\x03421')
  const menu = tlvCommand('MNU', [
    tlv(TAG.text, 'PICK'),
    tlv(TAG.menuOption, '1 CASH'),
    tlv(TAG.menuOption, '2 CARD'),
  ])
  t.equal(await say(encodePacket(menu)), ACKED)
  t.same(emulator.world.display, ['PICK', '1 CASH'])
  emulator.press('down')
  emulator.press('down')
  t.same(emulator.world.display, ['PICK', '2 CARD'])
  emulator.press('enter')
  t.equal(replyIn(await hear(100)), 'MNU000006\x80M\x00\x0202')
  t.equal(await say(encodePacket(menu)), ACKED)
  emulator.press('1')
  t.equal(replyIn(await hear(100)), 'MNU000006\x80M\x00\x0201', 'by the digit it begins with')
})

t.test('cards in the pad of others', async t => {
  const {ask, emulator, say, hear, replyIn, clock} = await rawHost()
  const events = (options: string, more: Parameters<typeof tlvCommand>[1] = []) =>
    say(encodePacket(tlvCommand('CEX', [tlv(TAG.eventOptions, options), ...more])))
  t.equal(await events('010000'), ACKED)
  const stripe = {
    track1: null,
    track2: '6673324673241312=1512601234879534275',
    track3: null,
  }
  t.equal(emulator.press('A'), 'ignored')
  t.equal(emulator.swipe(stripe), 'taken')
  t.equal(replyIn(await hear(100)), 'CEX000034\x80@\x00\x0290\x80B\x00\x186673324673241312=1512601')
  const packed = '6673324673241312D1512601234879534275'
  const tracks = await say(encodePacket(tlvCommand('GTK', [])))
  t.ok(hexOf(latin(replyIn(tracks))).includes(packed), 'the whole track, once')
  t.equal(await ask('GTK'), 'GTK010')
  t.equal(await events('010000', [tlv(TAG.panMask, '0604')]), ACKED)
  emulator.swipe(stripe)
  t.match(replyIn(await hear(100)), /667332\*{6}1312=1512601$/)
  const masked = tlvCommand('GTK', [
    tlv(TAG.dataMethod, '50'),
    tlv(TAG.keyIndex, '07'),
    tlv(TAG.openDigits, '4'),
  ])
  const under = hexOf(latin(replyIn(await say(encodePacket(masked)))))
  t.notMatch(under, /667332467324/, 'enciphered')
  t.match(under, /8048000AFFFF9876543210E00001/, 'by a key with a name')
  t.equal(emulator.swipe(stripe), 'ignored', 'nobody asked')

  t.equal(await events('001000', [tlv(TAG.timeoutS, 30)]), ACKED)
  emulator.setChip('in')
  t.equal(replyIn(await hear(100)), 'CEX000006\x80@\x00\x0292')
  t.equal(replyIn(await events('001000')), 'CEX000006\x80@\x00\x0292', 'there already')
  t.equal(await ask('CHP00501000'), 'CHP0000270123B29008072A4456400FF0010')
  t.equal(await ask('CHP0290201200A4040007A0000000041010'), 'CHP0000070026A82', 'an empty chip')
  t.equal(await ask('CHP00500000'), 'CHP000003000')
  t.equal(await ask('CHP0130200400A40400'), 'CHP061', 'switched off')
  t.equal(await say(encodePacket(latin(`RMC032${'TAKE IT'.padEnd(32)}`))), ACKED)
  emulator.setChip('out')
  t.equal(replyIn(await hear(100)), 'RMC000')
  t.equal(await events('002000', [tlv(TAG.timeoutS, 5)]).then(replyIn), 'CEX000006\x80@\x00\x0291')
  t.equal(await events('100000', [tlv(TAG.timeoutS, 5)]), ACKED)
  await clock.advance(5_000)
  t.equal(replyIn(await hear(10)), 'CEX012')
  t.equal(await events('100100', [tlv(TAG.timeoutS, 200)]), ACKED)
  await clock.advance(120_000)
  t.equal(replyIn(await hear(10)), 'CEX000006\x80@\x00\x0293', 'no contactless card in two minutes')
})

t.test('the PIN of a card that the pad read, without its number on the wire', async t => {
  const {emulator, say, hear, replyIn} = await rawHost()
  await say(encodePacket(tlvCommand('CEX', [tlv(TAG.eventOptions, '010000'), tlv(TAG.panMask, '0604')])))
  emulator.swipe({track1: null, track2: `${PAN}=30122010000000000`, track3: null})
  await hear(100)
  const block = pinRequestBlock(DUKPT, null, PAN, 4, 12).replace(`13${PAN}`, `00${' '.repeat(13)}`)
  t.equal(await say(encodePacket(blockCommand('GPN', block))), ACKED)
  for (const key of ['1', '2', '3', '4', 'enter'] as const) emulator.press(key)
  t.equal(replyIn(await hear(100)), 'GPN0000361B9C1845EB993A7AFFFF9876543210E00001')
})

t.test('every command with every line fault', async t => {
  await abecsFaults(t)
})

t.test('a wish to stop that is not heard is said again', async t => {
  const bench = await abecsBench()
  await ready(bench)
  const entering = bench.pad.enterPin(request())
  await bench.clock.advance(1_000)
  bench.emulator.plan({kind: 'cancelLost'})
  bench.emulator.plan({kind: 'cancelLost'})
  await settled(bench.clock, bench.pad.stop())
  t.same(await settled(bench.clock, entering), {kind: 'cancelled'})
  t.equal(bench.press('1'), 'ignored')
  for (let times = 0; times < 3; times++) bench.emulator.plan({kind: 'cancelLost'})
  const deaf = bench.pad.enterPin(request())
  await bench.clock.advance(1_000)
  await settled(bench.clock, bench.pad.stop())
  t.match(await settled(bench.clock, deaf), {kind: 'failed', fault: 'no-answer'}, 'three times in vain')
})

t.test('every status has its meaning and the operator an action', async t => {
  const bench = await abecsBench()
  await ready(bench)
  const statuses: (readonly [number, string])[] = Array.from(STATUSES, ([status, {fault}]) => [status, fault])
  for (const [status, fault] of [...statuses, [99, 'hardware'] as const]) {
    bench.emulator.plan({kind: 'refuse', status, command: 'GPN'})
    const outcome = await settled(bench.clock, bench.pad.enterPin(request()))
    if (status === 12) t.same(outcome, {kind: 'timedOut'})
    else if (status === 13) t.same(outcome, {kind: 'cancelled'})
    else
      t.match(outcome, {
        kind: 'failed',
        fault,
        detail: new RegExp(`enter PIN: status ${status.toString().padStart(3, '0')}, `),
      })
  }
  for (const [status, {fault, text, action}] of STATUSES) {
    t.ok(text.length > 5, String(status))
    if (fault !== 'bad-request' && fault !== 'busy') t.ok(action.length > 5, `${status}: what to do`)
  }
})

t.test('DUKPT: a key is used once, across a power cut and another life', async t => {
  const bench = await abecsBench(DUKPT)
  const {pad, clock, emulator} = bench
  await ready(bench)
  const ksns: (string | null)[] = []
  const enter = async () => {
    const entering = pad.enterPin(request())
    await clock.advance(1_000)
    await type(bench, ['1', '2', '3', '4', 'enter'])
    const outcome = await settled(clock, entering)
    ksns.push(outcome.kind === 'entered' ? outcome.ksn : null)
    t.equal(pinIn(outcome), '1234')
  }
  await enter()
  await enter()
  emulator.cutPower()
  emulator.restorePower()
  await settled(clock, pad.open())
  await enter()
  t.same(ksns, ['FFFF9876543210E00001', 'FFFF9876543210E00002', 'FFFF9876543210E00003'])
  t.match(await settled(clock, pad.status()), {nextKsn: 'FFFF9876543210E00004', pinKey: 'present'})
  const {remains} = emulator
  t.equal(remains.keys.dukptPin.get(1)?.counter, 3)

  const last = demoSlots().dukptPin.get(1)
  if (last === undefined) throw new RangeError('the demonstration has a DUKPT slot 1')
  const usedUp = await abecsBench(DUKPT, {
    remains: {
      isTampered: false,
      keys: {...demoSlots(), dukptPin: new Map([[1, {...last, counter: 0x1ff800}]])},
    },
  })
  await ready(usedUp)
  t.match(
    await settled(usedUp.clock, usedUp.pad.enterPin(request())),
    {fault: 'key-missing'},
    'no key is left',
  )
  t.match(await settled(usedUp.clock, usedUp.pad.selfTest()), {fault: 'key-missing'})
})

t.test('tamper, power, and a pad that is not one of the new ones', async t => {
  const bench = await abecsBench()
  const {pad, clock, emulator} = bench
  await ready(bench)
  t.match(await settled(clock, pad.status()), {
    masterKey: 'present',
    slots: {masterPin: [1], dukptData: [1, 7]},
    display: {rows: 2, columns: 16},
    batteryPercent: null,
    battery: 'unknown',
  })
  emulator.setBattery(12)
  t.match(await settled(clock, pad.status()), {battery: 'low', batteryPercent: 12})
  emulator.plan({kind: 'refuse', status: 10, command: 'GIX'})
  t.match(await settled(clock, pad.status()), {
    masterKey: 'unknown',
    slots: {masterPin: null},
    serialNumber: '00000001',
  })
  const entering = pad.enterPin(request())
  await clock.advance(1_000)
  await type(bench, ['1', '2'])
  t.equal(emulator.world.stars, 2)
  emulator.cutPower()
  t.equal(bench.press('3'), 'ignored')
  t.match(
    await settled(clock, entering),
    {kind: 'failed', fault: 'no-answer'},
    'a mute pad is given up at our own deadline',
  )
  t.match(await settled(clock, pad.open()), {kind: 'failed', fault: 'no-answer'})
  emulator.restorePower()
  emulator.tamper()
  t.match(await settled(clock, pad.open()), {kind: 'open', status: {masterKey: 'missing'}})
  t.match(await settled(clock, pad.enterPin(request())), {fault: 'key-missing', detail: /042/})
})

t.test('the power goes at each command', async t => {
  for (const command of ['OPN', 'GIN', 'GIX', 'DSP', 'GPN', 'CEX', 'EBX'] satisfies CommandId[]) {
    const bench = await abecsBench()
    const {pad, clock, emulator} = bench
    emulator.plan({kind: 'power', command})
    const opened = await settled(clock, pad.open())
    await settled(clock, pad.loadKey({...pinKey(), use: 'mac'}))
    await settled(clock, pad.loadKey(pinKey()))
    const entered = await settled(clock, pad.enterPin({...request(), entryTimeoutMs: 1_000}))
    const listening = await settled(
      clock,
      pad.listen(() => undefined),
    )
    await settled(clock, pad.stop())
    const made = await settled(clock, pad.mac(latin('abc'), 'tdesCbc'))
    t.ok(
      [opened, entered, listening, made].some(({kind}) => kind === 'failed'),
      command,
    )
    emulator.restorePower()
    t.equal((await settled(clock, pad.open())).kind, 'open', command)
    await pad.close()
  }
})

t.test('a held key, and lengths that a wrong driver would ask', async t => {
  const bench = await abecsBench()
  const {pad, clock, emulator} = bench
  await ready(bench)
  const keys: Key[] = []
  await settled(
    clock,
    pad.listen(key => keys.push(key)),
  )
  await clock.advance(100)
  t.equal(emulator.hold('A'), 'pressed')
  await clock.advance(1_000)
  t.equal(bench.press('B'), 'ignored')
  emulator.release()
  t.equal(bench.press('B'), 'pressed')
  await clock.advance(100)
  t.same(keys, ['A', 'B'])
  const stranger = new AbecsPinPad(bench.near, clock, silentLog)
  t.match(await settled(clock, stranger.status()), {fault: 'not-opened'})
})
