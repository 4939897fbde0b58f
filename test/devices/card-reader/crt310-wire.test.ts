/** Creator CRT-310: the emulated reader as a host sees it that was written from the protocol page alone, and every command under every fault. */
import t from 'tap'
import {PROFILE} from '../../../devices/card-reader/crt310/bytes.ts'
import {Crt310Emulator} from '../../../devices/card-reader/crt310/emulator.ts'
import type {EmulatorOptions} from '../../../devices/card-reader/crt310/emulator.ts'
import {Line} from '../../../devices/card-reader/crt310/line.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import {everyCommandUnderEveryFault, everyCommandWithoutPower, inMemory} from './matrix.ts'
import {CHIPPED, CRT310, crt310Parameters} from './models.ts'
import {newClock, settled, TRACK2} from './suite.ts'
import {rawHost, withXor} from './wire.ts'
import type {RawHost} from './wire.ts'

interface Wire extends RawHost {
  readonly emulator: Crt310Emulator
  /** One command with its ENQ: the reply's bytes between STX and LEN and ETX, or what came instead. */
  readonly ask: (body: string) => Promise<string>
}

async function newWire(options: EmulatorOptions = {}): Promise<Wire> {
  const clock = newClock()
  const {near, far} = loopbackPair(clock)
  const emulator = new Crt310Emulator(far, clock, options)
  await emulator.start()
  const host = await rawHost(near, clock)
  const ask = async (body: string): Promise<string> => {
    const compact = body.replaceAll(' ', '')
    const length = (compact.length / 2).toString(16).padStart(4, '0').toUpperCase()
    const acked = await host.say(withXor(`02${length}${compact}03`), 100)
    if (acked !== '06') return acked
    const reply = await host.say('05')
    return reply.slice(6, -4)
  }
  return {emulator, ask, ...host}
}

t.test('nothing before ENQ, EOT cancels, no ACK on a bad check', async t => {
  const {say} = await newWire()
  t.equal(await say('05'), '', 'ENQ alone is nothing')
  t.equal(await say('02000231300302'), '06', 'only an ACK before ENQ')
  t.equal(await say('', 60_000), '', 'however long it takes')
  t.equal(await say('05'), '02000531304E4A4A034B', 'status after power-on')
  t.equal(await say('06'), '', 'a host that acknowledges the reply')
  t.equal(await say('05'), '', 'and no second reply')
  t.equal(await say('02000231300302'), '06')
  t.equal(await say('04'), '04', 'EOT cancels')
  t.equal(await say('05'), '', 'and nothing is left to execute')
  t.equal(await say('02000231300303'), '15', 'NAK for a wrong check byte')
  t.equal(await say('05'), '', 'and nothing to execute')
  t.equal(await say('02000231300302'), '06', 'sent again')
  t.equal(await say('05'), '02000531304E4A4A034B')
})

t.test('hosts send again what they think was lost', async t => {
  const {say} = await newWire()
  t.equal(await say('02000231300302'), '06')
  t.equal(await say('02000231300302'), '06', 'the same frame where ENQ was waited for')
  t.equal(await say('05'), '02000531304E4A4A034B', 'is one command')
  t.equal(await say('02000232330302'), '06')
  t.equal(await say('02000231300302'), '06', 'another takes its place')
  t.equal(await say('05'), '02000531304E4A4A034B')
  t.equal(await say('02000231300302 02000231300302'), '0606', 'glued')
  t.equal(await say('0505'), '02000531304E4A4A034B', 'two ENQ are one')
  const deaf = await newWire({frameBeforeEnq: 'ignored'})
  t.equal(await deaf.say('02000231300302'), '06')
  t.equal(await deaf.say('02000232330302'), '', 'no frame between a frame and its ENQ')
  t.equal(await deaf.say('02000232330303'), '', 'not even a bad one')
  t.equal(await deaf.say('05'), '02000531304E4A4A034B')
  const repeats = await newWire({repeatsOnNak: true})
  t.equal(await repeats.say('15'), '', 'nothing to repeat yet')
  await repeats.say('02000231300302')
  await repeats.say('05')
  t.equal(await repeats.say('15'), '02000531304E4A4A034B')
  t.equal(await say('15'), '', 'which is not so in the maker’s text')
})

t.test('stray bytes, gaps, bad lengths', async t => {
  const {say} = await newWire()
  t.equal(await say('FF55 02000231300302'), '06', 'noise before a frame')
  t.equal(await say('7F05'), '02000531304E4A4A034B', 'noise before ENQ')
  for (const byte of ['02', '00', '02', '31', '30', '03']) t.equal(await say(byte, 300), '')
  t.equal(await say('02'), '06', 'gaps of 0.3 s')
  t.equal(await say('04'), '04')
  t.equal(await say('0200023130'), '')
  t.equal(await say('02000231300302'), '06', 'an unfinished frame is forgotten in time')
  t.equal(await say('04'), '04')
  t.equal(await say('020001313003 02'), '15', 'a length too short')
  t.equal(await say('02FFFF3130'), '', 'a length beyond all bounds is noise at once')
  t.equal(await say('02000231300302'), '06')
  t.equal(await say('05'), '02000531304E4A4A034B')
})

t.test('unknown commands, parameters and amounts of data', async t => {
  const {ask} = await newWire()
  for (const [body, answer] of [
    ['4030', '4E4000'],
    ['3039', '4E3001'],
    ['323A', '4E3201'],
    ['2F3531', '4E2F01'],
    ['2F3335', '4E2F01'],
    ['2F33', '4E2F04'],
    ['2E36', '4E2E01'],
    ['2E3200', '4E2E04'],
    ['3436', '4E3401'],
    ['313000', '4E3104'],
    ['453030', '4E4504'],
    ['45303038', '4E4501'],
    ['45303232', '4E4501'],
    ['373100', '4E3704'],
    ['3731000200A4', '4E3704'],
    ['303B', '4E3004'],
    ['303B070A', '4E3004'],
  ] as const)
    t.equal(await ask(body), answer, body)
})

t.test('without a card', async t => {
  const {ask} = await newWire()
  t.equal(await ask('312F'), '312F30303030303130', 'shutter open, as after power-on')
  t.equal(await ask('312E'), '312E3030303030303130')
  t.equal(await ask('3131'), '31314E30')
  t.equal(await ask('2F3131'), '2F313159')
  t.equal(await ask('3130'), '31304E4E4E', 'closed')
  t.equal(await ask('303A'), `303A59${Buffer.from('CRT-310-0001').toString('hex').toUpperCase()}`)
  t.equal(await ask('303B07 4352542D333130'), '303B59', 'counted')
  t.equal(await ask('303A'), '303A594352542D333130')
  t.equal(await ask('303A 4142'), '303A59', 'the letter of reading writes as well')
  t.equal(await ask('303A'), '303A594142')
  for (const pm of ['2E', '2F', '30', '31', '32', '33', '34'])
    t.equal(await ask(`32${pm}`), `32${pm}45`, 'no card')
  for (const body of [
    '3330',
    '3730',
    '372F',
    '3731 0004 00A40400',
    '3732 0004 00A40400',
    '45303032',
    '45313032',
  ])
    t.equal((await ask(body)).slice(4), '45', body)
  for (const pm of ['30', '31', '32', '33', '34', '35']) {
    t.equal(await ask(`34${pm}`), `34${pm}59`)
    t.equal(await ask(`2E${pm}`), `2E${pm}59`)
  }
  for (const body of ['4630', '4931', '4A31', '3331']) t.equal(await ask(body), `${body}59`)
  t.equal(await ask('3030'), '3030435254203331302056332E3020', 'version')
  t.equal(await ask('3130'), '31304E4A4A', 'and all as after power-on')
})

t.test('a card from the mouth to the bin', async t => {
  const {ask, say, emulator} = await newWire()
  await ask('2F3331')
  t.equal(emulator.insert(CHIPPED), 'inserted')
  t.equal(await ask('3130'), '3130494A4E', 'on its way in')
  t.equal(await ask('3130'), '31304A4A4E', 'inside')
  t.equal(await ask('312E'), '312E3030313131303030')
  t.equal(await ask('3131'), '31314E31', 'no chip where the contacts are not')
  t.equal(await ask('3730'), '373057', 'wrong position')
  t.equal(await ask('322F'), '322F59')
  t.equal(await ask('3130'), '31304B4A4E')
  t.equal(await ask('3131'), '31313130', 'a chip with T=0')
  t.equal(await ask('372F'), '372F4E', 'no warm reset without power')
  t.equal(await ask('3731 0004 00A40400'), '37314E')
  t.equal(await ask('3330'), '333059')
  t.equal(await ask('3730'), '37305900093B65000044454D4F31')
  t.equal(await ask('372F'), '372F5900093B65000044454D4F31')
  t.equal(await ask('3732 0004 00A40400'), '37324E', 'the other protocol')
  t.equal(await ask('3731 0014 00A404000E315041592E5359532E444446303100'), '3731590002611C')
  t.match(await ask('3731 0005 00C000001C'), /^373159001E6F1A840E315041592E5359532E4444463031.*9000$/)
  t.equal(await ask('3731 0005 00C000001C'), '37315900026985', 'fetched once')
  t.equal(await ask('3731 0005 00B2010C00'), '37315900026C1C', 'a wrong length')
  t.equal(await ask('3331'), '333159')
  t.equal(await ask('3731 0004 00A40400'), '37314E', 'power off')
  t.equal(await ask('322E'), '322E59')
  t.equal(await ask('3130'), '31304A4A4E')
  const t2 = Buffer.from(TRACK2).toString('hex').toUpperCase()
  const t1 = Buffer.from(CHIPPED.track1).toString('hex').toUpperCase()
  t.equal(await ask('45303030'), '45303030')
  t.equal(await ask('45303032'), `453030321F59${t2}`)
  t.equal(await ask('45303034'), `453030341F59${t1}1F59${t2}`)
  t.equal(await ask('45303037'), `453030371F59${t1}1F59${t2}1F4EE5`)
  t.equal(await ask('45313033'), '453130331F4EE5', 'over the heads again')
  t.match(await ask('45303132'), /^453031321F59303430303031/, 'binary')
  t.equal(await ask('3230'), '323059')
  t.equal(await ask('3130'), '3130484A4E', 'free at the mouth')
  t.equal(await ask('3233'), '323357', 'out of the grip of the rollers')
  t.ok(emulator.take())
  t.equal(await ask('3130'), '31304E4A4E')
  emulator.insert(CHIPPED)
  await say('')
  t.equal(await ask('3231'), '323159')
  t.equal(await ask('3130'), '3130494A4E', 'held at the mouth')
  t.equal(await ask('3232'), '323259')
  t.equal(await ask('3130'), '31304C4A4E', 'held at the rear')
  t.equal(await ask('3233'), '323359')
  t.equal(await ask('3130'), '31304D4A4E', 'gone to the rear')
  t.match(emulator.world, {insertedCount: 2, takenCount: 1, capturedCount: 1})
  t.equal(emulator.emptyBin().length, 1)
  t.equal(emulator.world.capturedCount, 0)
})

t.test('where an inserted card stops', async t => {
  for (const [pm, status] of [
    ['30', '48'],
    ['31', '49'],
    ['32', '4A'],
    ['33', '4B'],
    ['34', '4C'],
    ['35', '4D'],
  ] as const) {
    const {ask, say, emulator} = await newWire()
    await ask(`2E${pm}`)
    emulator.insert(CHIPPED)
    await say('')
    t.equal(await ask('3130'), `3130${status}4A4A`)
  }
})

t.test('a card of abnormal length lets only clearing commands through', async t => {
  for (const [length, status] of [
    ['long', '46'],
    ['short', '47'],
  ] as const) {
    const {ask, say, emulator} = await newWire()
    emulator.insert({track2: TRACK2, length})
    await say('')
    t.equal(await ask('3130'), `3130${status}4A4A`)
    t.equal(await ask('45303032'), '4E4506')
    t.equal(await ask('322F'), '4E3206')
    t.equal(await ask('3234'), '323459')
    t.equal(await ask('3130'), '31304D4A4A')
  }
})

t.test('supply, options not fitted, and the letter of the mouth', async t => {
  const {ask, emulator} = await newWire({
    contacts: false,
    shutter: false,
    rearHead: false,
    version: 'v2',
    heads: [2],
  })
  t.equal(await ask('2F3131'), '4E2F02', 'no shutter')
  t.equal(await ask('2F3331'), '2F333159')
  emulator.insert(CHIPPED)
  for (const body of ['322F', '3330', '3730', '2E33', '45313032'])
    t.equal(await ask(body), `4E${body.slice(0, 2)}02`)
  t.equal(await ask('312E'), '4E3100')
  t.equal(await ask('45303031'), '453030311F4FE0', 'no head for track 1')
  emulator.setSupply('outside')
  t.equal(await ask('3130'), '4E3105')
  emulator.setSupply('backup')
  t.equal(await ask('3231'), '4E3207')
  const swapped = await newWire({mouthDone: 'N', sentinels: true, serialText: 'counted'})
  t.equal(await swapped.ask('2F3131'), '2F31314E')
  t.equal((await swapped.ask('303A')).slice(0, 8), '303A590C')
})

t.test('every command under every fault, in memory', t => everyCommandUnderEveryFault(t, CRT310, inMemory))
t.test('every command with the power gone', t => everyCommandWithoutPower(t, CRT310, inMemory))

t.test('every command refused with every code', async t => {
  const clock = newClock()
  const {near, far} = loopbackPair(clock)
  const emulator = new Crt310Emulator(far, clock)
  await emulator.start()
  const line = new Line(near, clock, PROFILE)
  await line.open()
  for (const name of CRT310.names) {
    for (const code of [0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x07, 0x33]) {
      emulator.plan({kind: 'refuse', code, command: name})
      t.same(await settled(clock, line.ask(name, crt310Parameters(name))), {kind: 'refused', code})
    }
  }
})
