/** The emulated SZZT pad before a host that is not ours: every command of the public sources, byte for byte. */
import t from 'tap'
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {decodeIso0, decodeIso1, decodeIso3} from '../../../crypto/pin-block.ts'
import type {OpenedPinBlock} from '../../../crypto/pin-block.ts'
import {singleDes, tdesCbcEncrypt, tdesDecrypt, tdesEncrypt} from '../../../crypto/tdes.ts'
import {KEY_TYPE, ZT588, ZT598} from '../../../devices/pin-pad/szzt/bytes.ts'
import type {Profile} from '../../../devices/pin-pad/szzt/bytes.ts'
import {decodeFrame, encodeFrame} from '../../../devices/pin-pad/szzt/codec.ts'
import type {EmulatorOptions} from '../../../devices/pin-pad/szzt/emulator.ts'
import {DEMO_MASTER_KEY, DEMO_PIN_KEY} from '../../../devices/pin-pad/szzt/secure-module.ts'
import {SzztPinPad} from '../../../devices/pin-pad/szzt/driver.ts'
import type {Key} from '../../../devices/pin-pad/port.ts'
import {silentLog} from '../../../kit/log.ts'
import {Secret} from '../../../kit/secret.ts'
import {szztBench} from './benches.ts'
import {PAN, PIN_KEY, PIN_KEY_UNDER_MASTER, pinKey, ready, settled} from './suite.ts'

const MASTER = hexOf(DEMO_MASTER_KEY)
const TEXT = Buffer.from('4012345678909D987', 'latin1')

/** A host that says what it likes, and hears everything. */
async function rawHost(profile: Profile = ZT588, options: EmulatorOptions = {}) {
  const bench = await szztBench(profile, options)
  let heard = ''
  await bench.near.open({
    bytes: chunk => {
      heard += hexOf(chunk)
    },
    lost: () => undefined,
  })
  const hear = async (withinMs: number): Promise<string> => {
    await bench.clock.advance(withinMs)
    const since = heard
    heard = ''
    return since
  }
  const say = async (bytes: Uint8Array, withinMs = 100): Promise<string> => {
    await bench.near.write(bytes)
    return hear(withinMs)
  }
  /** One command. @returns the return code in hex, and what follows it as text; what came, when it is no frame */
  const ask = async (text: string | Uint8Array, withinMs = 100): Promise<string> => {
    const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
    const came = await say(encodeFrame(bytes), withinMs)
    const reply = decodeFrame(bytesOfHex(came), profile.longText)
    if (reply === null) return came
    return `${hexOf(reply.subarray(0, 1))}${Buffer.from(reply.subarray(1)).toString('latin1')}`
  }
  const press = (...keys: readonly Key[]) => {
    for (const key of keys) bench.emulator.press(key)
  }
  return {...bench, say, hear, ask, press}
}

t.test('the worked frames, byte for byte', async t => {
  const host = await rawHost()
  const load = '02303339323230333033323645413546413337464637343344313943433342414536443343323733323734033033'
  t.equal(await host.say(bytesOfHex(load)), '0230303780324441463033034336')
  t.equal(
    await host.say(bytesOfHex('023032303633302030303434303132333435363738393039033243')),
    '0230303180034232',
  )
  host.press('1', '2', '3', '4')
  t.equal(await host.hear(50), '2A2A2A2A', 'four stars')
  const block = '02303231803030303446313242384538393744383945363946034231'
  t.equal(await host.say(bytesOfHex('0230303137033035')), block, 'no more digits fit: no enter is waited for')
  host.press('enter')
  t.equal(await host.hear(50), '0D')
  t.equal(await host.say(bytesOfHex('0230303137033035')), block, 'and the same after it')
  t.equal(await host.say(bytesOfHex('0230303435303332033333')), '0230303180034232')
  t.equal(await host.ask('7'), 'F8', 'the digits are gone')
})

t.test('keys, in clear and under one another', async t => {
  const {ask} = await rawHost(ZT588, {keys: new Map()})
  t.match(await ask('3'), /^80/)
  t.equal(await ask(`12021${MASTER}`), 'E1', 'a master key wants an initial key')
  t.equal(
    await ask(`18012${MASTER}${MASTER.slice(0, 16)}`),
    '8008D7B4',
    'which is of three parts, counted from 0',
  )
  t.equal(await ask(`13031${PIN_KEY}`), 'E2', 'a PIN key wants a master key')
  t.equal(await ask(`2203032${PIN_KEY_UNDER_MASTER}`), 'E2')
  t.equal(await ask(`12021${MASTER}`), '8008D7B4')
  t.equal(await ask(`12022${MASTER}`), '8008D7B4', 'counted from 1')
  t.equal(await ask(`12020${MASTER}`), 'E3', 'counted from nowhere')
  t.equal(await ask(`2203032${PIN_KEY_UNDER_MASTER}`), '802DAF03')
  t.equal(await ask(`2203033${PIN_KEY_UNDER_MASTER}`), 'E3')
  t.equal(await ask(`2203031${PIN_KEY_UNDER_MASTER.slice(0, 16)}`), `80${checkOf(PIN_KEY.slice(0, 16))}`)
  t.equal(await ask(`22030X2${PIN_KEY_UNDER_MASTER}`), 'EB', 'no such type')
  t.equal(await ask('22030'), 'E9')
  t.equal(await ask('2203032ZZ'), 'E9')
  t.equal(await ask(`2203032${'0'.repeat(32)}`), 'E6', 'no odd parity')
  t.equal(await ask('2003000'), '80', 'erased')
  t.equal(await ask('2003000'), 'E4')
  t.equal(await ask(`630@004${PAN}`), 'EB')
  t.equal(await ask(`630 0004${PAN}`), 'E4')
})

function checkOf(half: string): string {
  return hexOf(tdesEncrypt(singleDes(bytesOfHex(half)), new Uint8Array(8))).slice(0, 6)
}

t.test('MACs and ciphers, by the use of the key', async t => {
  const {ask} = await rawHost()
  const raw = (head: string, message: Uint8Array) => Uint8Array.of(...Buffer.from(head, 'latin1'), ...message)
  t.equal(await ask(raw('831A', TEXT)), 'E4')
  t.equal(await ask(`2203152${PIN_KEY_UNDER_MASTER}`), '802DAF03')
  t.equal(await ask(raw('831A', TEXT)), '80DBD7703036E84888', 'filled with zeros')
  t.equal(await ask(raw('8312', TEXT)), '80385DBBB15930D82E')
  t.equal(await ask(raw('8319', TEXT)), 'EB')
  t.equal(await ask('831A'), 'E8')
  const odd = Uint8Array.of(0x02, 0x03, 0x0a, 0x0d, 0xff)
  const oddBlock = hexOf(tdesEncrypt(DEMO_PIN_KEY, Uint8Array.of(...odd, 0, 0, 0)))
  t.equal(await ask(raw('831A', odd)), `80${oddBlock}`, 'a message may hold what frames are made of')
  t.equal(await ask(raw('8302', TEXT)), 'E4')
  t.equal(await ask('93110000000000000000'), 'E5', 'a MAC key ciphers nothing')

  t.equal(await ask(`2203262${PIN_KEY_UNDER_MASTER}`), '802DAF03')
  const clear = '00112233445566778899AABBCCDDEEFF'
  const ecb = hexOf(tdesEncrypt(DEMO_PIN_KEY, bytesOfHex(clear)))
  const cbc = hexOf(tdesCbcEncrypt(DEMO_PIN_KEY, bytesOfHex(clear)))
  t.equal(await ask(`9321${clear}`), `80${ecb}`)
  t.equal(await ask(`9322${clear}`), `80${cbc}`)
  t.equal(await ask(`932A${ecb}`), `80${clear}`)
  t.equal(await ask(`932B${cbc}`), `80${clear}`)
  t.equal(await ask(`932C${clear}`), 'EB')
  t.equal(await ask('9321001122'), 'E8')
  t.equal(await ask('9321XX'), 'E9')
  t.equal(await ask(raw('832A', TEXT)), 'E5', 'and a cipher key signs nothing')
  for (const [type, may, mayNot] of [
    ['7', '1', 'A'],
    ['8', 'A', '1'],
  ] as const) {
    t.equal(await ask(`22033${type}2${PIN_KEY_UNDER_MASTER}`), '802DAF03')
    t.match(await ask(`933${may}${clear}`), /^80/)
    t.equal(await ask(`933${mayNot}${clear}`), 'E5')
  }
  t.equal(await ask(`2203032${PIN_KEY_UNDER_MASTER}`), '802DAF03')
  t.equal(await ask(`930A${ecb}`), 'E5', 'a PIN key least of all')
})

t.test('authentication, and a pad that wants it', async t => {
  const {ask} = await rawHost(ZT588, {wantsAuthentication: true})
  t.equal(await ask(`2203032${PIN_KEY_UNDER_MASTER}`), 'EC')
  t.match(await ask('3'), /^80/, 'not for everything')
  const zeros = '30'.repeat(16)
  t.equal(await ask(':A03030'), 'E8')
  t.equal(await ask(`:99${zeros}`), 'E4', 'no key there')
  const random = (await ask(`:A0${zeros}`)).slice(2)
  t.match(random, /^[0-9A-F]{32}$/)
  const challenge = (await ask(`:20${random}`)).slice(2)
  t.equal(challenge, hexOf(tdesEncrypt(DEMO_MASTER_KEY, bytesOfHex(random))))
  const shared = singleDes(new Uint8Array(8).fill(0x11))
  const proof = hexOf(tdesEncrypt(shared, bytesOfHex(challenge)))
  t.equal(await ask(`:90${zeros}`), 'EC', 'a wrong proof')
  t.equal(await ask(`:90${proof}`), 'EC', 'and the challenge is spent')
  await ask(`:20${random}`)
  t.equal(await ask(`:90${proof}`), `80${hexOf(tdesEncrypt(shared, bytesOfHex(proof)))}`)
  t.equal(await ask(`2203032${PIN_KEY_UNDER_MASTER}`), '802DAF03')
  t.equal(await ask('5030', 3_000), '80')
  t.equal(await ask(`2203032${PIN_KEY_UNDER_MASTER}`), 'EC', 'a reset forgets it')
})

t.test('the driver authenticates a pad that wants it, and says when it cannot', async t => {
  const bench = await szztBench(ZT588, {wantsAuthentication: true})
  await ready(bench)
  t.match(await settled(bench.clock, bench.pad.loadKey(pinKey())), {kind: 'loaded', checkValue: '2DAF03'})
  await bench.pad.close()
  const {near, clock} = await szztBench(ZT588, {wantsAuthentication: true})
  const stranger = new SzztPinPad(near, clock, silentLog, {
    ...ZT588,
    authenticationKey: new Uint8Array(8).fill(0x22),
  })
  t.equal((await settled(clock, stranger.open())).kind, 'open')
  t.match(await settled(clock, stranger.loadKey(pinKey())), {
    fault: 'locked',
    detail: /EC.*authentication key/,
  })
  await stranger.close()
})

t.test('what the pad tells of itself, and keeps for its owner', async t => {
  const {ask} = await rawHost()
  t.match(await ask('3'), /^80EMULATED PAD {38}/)
  t.equal((await ask('3')).length, 2 + 146)
  t.match(await ask(`3${'OURS'.padEnd(50)}`), /^80OURS {46}/)
  t.match(await ask('3'), /^80OURS {46}/)
  t.equal(await ask('3short'), 'E8')
  t.equal(await ask('I'), '8000000001')
  t.equal(await ask('I1'), 'E8')
  t.equal(await ask('N0'), '80000')
  t.equal(await ask('S'), '80')
  t.equal(await ask('N0'), '80001', 'not installed')
  t.equal(await ask('N1'), '80')
  t.equal(await ask('N0'), '80000')
  t.equal(await ask('N2'), 'E9')
  t.equal(await ask('S1'), 'E8')
  t.equal(await ask('Z'), 'E9', 'no such command')
})

t.test('control orders, and both ways to write hexadecimal', async t => {
  const {ask, emulator} = await rawHost()
  for (const [order, code] of [
    ['503D', '80'],
    ['5034', '80'],
    ['521E', '80'],
    ['5404', '80'],
    ['550C', '80'],
    ['580A', '80'],
    ['5099', 'EB'],
    ['5900', 'EB'],
    ['503', 'E8'],
    ['50333', 'E8'],
    ['50X3', 'E8'],
    ['5648', '80'],
    ['564F', 'EB'],
  ] as const)
    t.equal(await ask(order), code, order)
  t.match(emulator.world, {beepCount: 1, keyTone: false})
  t.match(await ask('3'), /0{2}1E2A040C37370A00/, 'as it was set, and 115200 baud')
  t.equal(await ask('5630'), '80')
  t.equal(await ask(`2203032${PIN_KEY_UNDER_MASTER}`), '802=:?03', '2DAF03, broken')
  t.equal(
    await ask(
      `2203032${PIN_KEY_UNDER_MASTER.replaceAll(/[A-F]/g, c => String.fromCharCode(c.charCodeAt(0) - 7))}`,
    ),
    '802=:?03',
  )
  t.equal(await ask('5637'), '80')
  t.equal(await ask(`2203032${PIN_KEY_UNDER_MASTER}`), '802DAF03')
  const other = await rawHost(ZT588, {
    keys: new Map([[0x20, {type: KEY_TYPE.initial, key: DEMO_MASTER_KEY}]]),
  })
  t.equal(await other.ask('5031', 3_000), '80')
  t.match(await other.ask('3'), /0{48}|313233/, 'it comes back')
  t.equal(await other.ask(`2203032${PIN_KEY_UNDER_MASTER}`), 'E2', 'without any key')
})

t.test('keys are told as the table says, between the bytes of two frames as well', async t => {
  const {ask, press, hear, near, say} = await rawHost()
  t.equal(await ask('5033'), '80')
  press('1', '00', 'A', 'enter')
  t.equal(await hear(20), '3123410D')
  t.equal(await ask(`4${'41'.repeat(24)}`), '80')
  press('7')
  t.equal(await hear(20), '41')
  t.equal(await ask('44142'), 'E8')
  t.equal(await ask(`4${'ZZ'.repeat(24)}`), 'E9')
  const frame = bytesOfHex('0230303137033035')
  await near.write(frame.slice(0, 4))
  press('1')
  t.equal(await hear(20), '41', 'while a command is on its way')
  t.equal(await say(frame.slice(4)), '02303031F8034442'.replace(/.{4}$/, checkTail('02303031F803')))
})

function checkTail(head: string): string {
  const check = bytesOfHex(head)
    .subarray(1)
    .reduce((sum, byte) => sum ^ byte, 0)
  return hexOf(Buffer.from(hexOf(Uint8Array.of(check)), 'latin1'))
}

t.test('slow hosts, damaged frames, and what stands between them', async t => {
  const {say, hear, near, clock} = await rawHost()
  const frame = bytesOfHex('0230303435303344034435')
  const good = bytesOfHex('0230303435303344033435')
  const done = '0230303180034232'
  for (const byte of good) {
    await near.write(Uint8Array.of(byte))
    await clock.advance(900)
  }
  t.equal(await hear(50), done, 'every gap below the limit')
  t.equal(await say(good.slice(0, 6), 1_100), '')
  t.equal(await say(good.slice(6)), '', 'a gap above it: both halves are nothing')
  t.equal(await say(frame, 3_000), '', 'a wrong check is not answered')
  t.equal(await say(bytesOfHex('0230303503'), 1_100), '', 'a length that does not fit')
  t.equal(await say(bytesOfHex('0600FF15'), 50), '', 'stray bytes')
  t.equal(await say(Uint8Array.of(0x02, ...good), 3_000), done, 'a start too many')
  t.equal(await say(Uint8Array.of(...good, ...good)), done + done, 'two at once')
})

/** A block that says nothing but its digits. */
function plain(block: Uint8Array, expected: string): OpenedPinBlock {
  return hexOf(block) === expected ? {kind: 'pin', pin: new Secret('8642')} : {kind: 'malformed'}
}

t.test('PIN blocks of other formats, and PINs that end otherwise', async t => {
  const host = await rawHost()
  const {ask, press, hear} = host
  await ask(`2203032${PIN_KEY_UNDER_MASTER}`)
  const opened = async () => {
    const reply = await ask('7')
    t.match(reply, /^800004/)
    return tdesDecrypt(DEMO_PIN_KEY, bytesOfHex(reply.slice(6)))
  }
  for (const [sign, open] of [
    [' ', (block: Uint8Array) => decodeIso0(block, PAN)],
    ['!', (block: Uint8Array) => decodeIso1(block)],
    ['#', (block: Uint8Array) => decodeIso3(block, PAN)],
    ['"', (block: Uint8Array) => plain(block, '248642FFFFFFFFFF')],
    ['0', (block: Uint8Array) => plain(block, '8642FFFFFFFFFFFF')],
  ] as const) {
    t.equal(await ask(`630${sign}012${PAN}`), '80')
    press('8', '6', '4', '2', 'enter')
    await hear(50)
    const pin = open(await opened())
    t.equal(pin.kind === 'pin' && pin.pin.reveal(), '8642', sign)
  }
  for (const sign of ['@', 'X']) t.equal(await ask(`630${sign}012${PAN}`), 'EB', `no format ${sign}`)
  t.equal(await ask('630 012123'), 'E9', 'no card number')
  t.equal(await ask('631 0124012345678909'), 'E4', 'no key there')

  t.equal(await ask(`630 012${PAN}`), '80')
  t.equal(await ask('7'), 'F8', 'not entered yet')
  press('1', '2', '3', 'enter')
  t.equal(await hear(50), '2A2A2A', 'too few for enter')
  press('clear')
  t.equal(await hear(50), '08')
  press('1', 'cancel')
  t.equal(await hear(50), '2A1B')
  t.equal(await ask('7'), 'F8')
  t.equal(await ask('5205'), '80')
  t.equal(await ask(`630 012${PAN}`), '80')
  await host.clock.advance(4_900)
  press('1')
  t.equal(await hear(4_900), '2A', 'time begins anew with each key')
  t.equal(await hear(200), '80', 'and then it is over')
  t.equal(await ask('7'), 'F8')
  t.equal(await ask('53FF'), '80')
  t.equal(await ask(`630 012${PAN}`), '80')
  press('1')
  t.equal(await hear(50), '2A', 'no mask: a star')
  t.equal(await ask('5358'), '80')
  t.equal(await ask(`630 012${PAN}`), '80')
  press('1')
  t.equal(await hear(50), '58')
})

t.test('ZT598: its own dialect', async t => {
  const {ask, press, hear, say} = await rawHost(ZT598)
  t.equal(await ask(`2013032${PIN_KEY_UNDER_MASTER}`), '802DAF03', 'a master key at 01')
  t.equal(await ask(`2203032${PIN_KEY_UNDER_MASTER}`), '802DAF03', 'and at 20')
  t.equal(await ask('5512'), '80')
  t.equal(await ask(`630 012${PAN}`), 'E9', "the ZT588's start")
  t.equal(await ask('600011'), '80')
  press('1', '2', '9', 'clear', '3', '4', 'enter')
  t.equal(await hear(50), '2A2A2A082A2A0D')
  t.equal(await ask('730 401234567890'), '800004F12B8E897D89E69F', 'with backspace, 1234')
  t.equal(await ask('731 401234567890'), 'E4')
  t.equal(await ask('730 4012345678'), 'E9')
  t.equal(await ask('600012'), '80')
  press('9', 'clear', '1', '2', '3', '4', 'enter')
  await hear(50)
  t.equal(await ask('730 401234567890'), '800004F12B8E897D89E69F')
  t.equal(await ask('600013'), 'E9')
  press('00')
  t.equal(await ask('5033'), '80')
  press('00')
  t.equal(await hear(50), '22')

  t.equal(await ask(`2203162${PIN_KEY_UNDER_MASTER}`), '802DAF03')
  const blocks = 'AB'.repeat(600)
  const reply = await say(encodeFrame(Buffer.from(`9311${blocks}`, 'latin1')))
  t.match(reply, /^02303030313230318/, '000, and 1201 in four digits')
  t.equal(decodeFrame(bytesOfHex(reply), true)?.length, 1_201)
})

t.test('battery, seat, readiness, a held key', async t => {
  const {ask, emulator, hear, press} = await rawHost()
  emulator.setBattery('low')
  t.match(await ask('3'), /^80/)
  t.equal(await ask('5032'), '80')
  t.equal(await ask('I'), 'E0')
  t.equal(await ask(`2203032${PIN_KEY_UNDER_MASTER}`), 'E0')
  emulator.setBattery('good')
  emulator.setSeat('open')
  t.equal(await ask('3'), 'FF')
  emulator.setSeat('closed')
  emulator.setReady(false)
  t.equal(await ask('3', 1_000), '')
  t.equal(emulator.press('1'), 'ignored')
  emulator.setReady(true)
  t.equal(await ask('5033'), '80')
  t.equal(emulator.hold('3'), 'pressed')
  press('4')
  t.equal(await hear(50), '33')
  emulator.release()
  press('4')
  t.equal(await hear(50), '34')
  emulator.tamper()
  t.equal(await ask('3'), 'DD')
})
