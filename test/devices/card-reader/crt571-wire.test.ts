/** Creator CRT-571: the emulated reader as a host sees it that was written from the protocol page alone, and every command under every fault. */
import t from 'tap'
import {Crt571Emulator} from '../../../devices/card-reader/crt571/emulator.ts'
import type {EmulatorOptions} from '../../../devices/card-reader/crt571/emulator.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import {everyCommandUnderEveryFault, everyCommandWithoutPower, inMemory} from './matrix.ts'
import {CHIPPED, CRT571} from './models.ts'
import {newClock} from './suite.ts'
import {rawHost, withXor} from './wire.ts'
import type {RawHost} from './wire.ts'

const CHIP = CHIPPED.chip

interface Wire extends RawHost {
  readonly emulator: Crt571Emulator
  /** One command by its CM, PM and data, acknowledged: the text of the answer after CM and PM, or what came instead. */
  readonly ask: (body: string) => Promise<string>
}

async function newWire(options: EmulatorOptions = {}): Promise<Wire> {
  const clock = newClock()
  const {near, far} = loopbackPair(clock)
  const emulator = new Crt571Emulator(far, clock, {needsInit: false, ...options})
  await emulator.start()
  const host = await rawHost(near, clock)
  const ask = async (body: string): Promise<string> => {
    const compact = `43${body.replaceAll(' ', '')}`
    const length = (compact.length / 2).toString(16).padStart(4, '0').toUpperCase()
    const heard = await host.say(withXor(`F200${length}${compact}03`))
    await host.say('06', 10)
    if (!heard.startsWith('06F200')) return heard
    return heard.slice(10, 12) + heard.slice(16, -4)
  }
  return {emulator, ask, ...host}
}

const STATUS = 'F200000343313003B0'
const NO_CARD = '06F20000065031303030300396'

t.test('first of all the initialisation', async t => {
  const {ask, emulator} = await newWire({needsInit: true})
  for (const body of ['3130', '3230', '3330', '5130', 'A530']) t.equal(await ask(body), '4E4230', body)
  t.equal(await ask('3033'), '503030304352542D3539312D4D303031', 'the version')
  t.equal(await ask('3130'), '50303030')
  emulator.cutPower()
  t.equal(await ask('3130'), '', 'dead')
  emulator.restorePower()
  t.equal(await ask('3130'), '4E4230')
  const old = await newWire({needsInit: true, refusalHead: 0x45})
  t.equal(await old.ask('3130'), '454230')
})

t.test('ACK, NAK, and who answers', async t => {
  const {say} = await newWire()
  t.equal(await say(STATUS), NO_CARD, 'no ENQ is needed')
  t.equal(await say(STATUS), NO_CARD, 'a host that never acknowledges')
  t.equal(await say('15'), NO_CARD.slice(2), 'a NAK brings the answer again')
  t.equal(await say('15'), NO_CARD.slice(2), 'as often as it is sent')
  t.equal(await say('06'), '')
  t.equal(await say('15'), '', 'but not once it was acknowledged')
  t.equal(await say('F200000343313003B1'), '15', 'NAK for a wrong check byte')
  t.equal(await say(STATUS), NO_CARD, 'sent again')
  t.equal(await say(`FF0055${STATUS}`), NO_CARD, 'noise before a frame')
  t.equal(await say('F201000343313003B1'), '', 'another address')
  t.equal(await say('F201000343313003B2'), '', 'damaged or not')
  t.equal(await say(withXor('F20000035031300 3'.replaceAll(' ', ''))), '', 'an answer is no command')
  t.equal(await say('04'), '04', 'a cleared line')
  t.equal(await say('1004'), '04')
  const dle = await newWire({cancelAnswer: 'dleEot', address: 15})
  t.equal(await dle.say('04'), '1004')
  t.equal(await dle.say(STATUS), '')
  t.equal((await dle.say(withXor('F20F000343313003'))).slice(0, 6), '06F20F')
})

t.test('gaps and bad lengths', async t => {
  const {say} = await newWire()
  for (const byte of STATUS.match(/../g)?.slice(0, -1) ?? []) t.equal(await say(byte, 300), '')
  t.equal(await say('B0'), NO_CARD, 'gaps of 0.3 s')
  t.equal(await say(STATUS.slice(0, -4)), '')
  t.equal(await say(STATUS), NO_CARD, 'an unfinished frame is forgotten in time')
  t.equal(await say('F200000243313003B1'), '15', 'a length too short')
  t.equal(await say('F200FFFF4331'), '', 'a length beyond all bounds is noise at once')
  t.equal(await say(STATUS), NO_CARD)
})

t.test('a command that is sent again while it runs, runs once', async t => {
  const {ask, say, emulator} = await newWire({
    remains: {card: CHIPPED, place: 'inside', bin: [], takenCount: 0},
  })
  const capture = 'F200000343323303B0'
  t.equal(await say(capture, 100), '06')
  t.equal(await say(capture, 100), '06', 'its ACK again')
  t.equal(await say(STATUS, 100), '', 'and nothing else is heard')
  t.equal(await say(withXor('F200000343313103').replace(/..$/, '00'), 100), '')
  t.match(await say(''), /^F20000065032333030/)
  t.equal(emulator.world.capturedCount, 1)
  t.equal(await ask('3130'), '50303030')
})

t.test('EOT discontinues', async t => {
  const {say, ask, emulator} = await newWire({
    remains: {card: CHIPPED, place: 'inside', bin: [], takenCount: 0},
  })
  t.equal(await say('F200000343323003B3', 100), '06')
  t.equal(emulator.world.isMoving, true)
  t.equal(await say('04'), '04', 'and no answer to the command')
  t.match(emulator.world, {isMoving: false, place: 'inside'})
  t.equal(await ask('3230'), '50313030', 'a later command runs')
  await ask('3330')
  emulator.take()
  emulator.insert(CHIPPED)
  t.equal(await say('04'), '04')
  t.equal(emulator.world.place, 'inside', 'a card that comes in is no command')
})

t.test('unknown commands, parameters and amounts of data', async t => {
  const {ask} = await newWire()
  for (const [body, code] of [
    ['4030', '3030'],
    ['3032', '3031'],
    ['3239', '4130'],
    ['323A', '3031'],
    ['313000', '3034'],
    ['5133000102', '3034'],
    ['513034', '3031'],
    ['A5313030', '3034'],
    ['A531303041', '3034'],
    ['524036', '3031'],
    ['524031', '3033'],
    ['3233', '3032'],
  ] as const)
    t.equal(await ask(body), `4E${code}`, body)
})

t.test('a card from the gate to the bin', async t => {
  const {ask, say, emulator} = await newWire({
    remains: {card: null, place: 'inside', bin: [], takenCount: 0, stackedCount: 3},
  })
  t.equal(await ask('3037'), '503031304352542D3539312D4D303031')
  t.equal(await ask('3131'), '503031303030303030303030')
  t.equal(emulator.insert(CHIPPED), 'refused')
  t.equal(await ask('3330'), '50303130')
  t.equal(emulator.insert(CHIPPED), 'inserted')
  await say('')
  t.equal(await ask('3130'), '50323130', 'at the place where cards are read')
  t.equal(await ask('3331'), '50323130')
  t.equal(await ask('3131'), '503231303031313030303030')
  t.equal(await ask('5030'), '503231304E31', 'no chip where the contacts are not')
  t.equal(await ask('5031'), '503231304E30')
  t.equal(await ask('5130'), '4E3032')
  t.equal(await ask('3231'), '50323130')
  t.equal(await ask('5030'), '503231303130')
  t.equal(await ask('5132'), '5032313030', 'no power')
  t.equal(await ask('5138'), '4E3635')
  t.equal(await ask('5133 00A40400'), '4E3635')
  t.equal(await ask('513030'), '50323130303B65000044454D4F31')
  t.equal(await ask('5132'), '5032313031')
  t.equal(await ask('5138'), '50323130303B65000044454D4F31')
  t.equal(await ask('5134 00A40400'), '4E3632', 'the other protocol')
  t.equal(await ask('5133 00A404000E315041592E5359532E444446303100'), '50323130611C')
  t.match(await ask('5139 00C000001C'), /^503231306F1A840E.*9000$/)
  t.equal(await ask('5131'), '50323130')
  t.equal(await ask('5133 00A40400'), '4E3635')
  t.equal(await ask('3230'), '50313130')
  t.equal(await ask('3131'), '503131303130303030303030')
  t.equal(await ask('3233'), '50303130')
  t.equal(await ask('A530'), '50303130303031', 'counted')
  t.equal(await ask('A531303939'), '50303130')
  t.equal(await ask('A530'), '50303130303939')
  t.equal(await ask('3231'), '50323130', 'one out of the stacker')
  t.equal(await ask('3239'), '50313130', 'and out of the gate')
  t.ok(emulator.take())
  t.match(emulator.world, {insertedCount: 1, takenCount: 1, capturedCount: 1, stackedCount: 2})
  t.equal(await ask('A531393939'), '50303130')
  t.equal(await ask('3231'), '50323130')
  t.equal(await ask('3233'), '4E3530', 'the counter is full')
  t.equal(
    await ask('3031'),
    '503031304352542D3539312D4D303031',
    'and is not looked at by an initialisation that does not count',
  )
  t.equal(await ask('A530'), '50303130393939')
  t.equal(await ask('A230'), '5030313008' + Buffer.from('571M0001').toString('hex').toUpperCase())
  t.equal(await ask('A330'), '5030313044454D4F')
  t.equal(await ask('6030 4142'), '4E3631')
  t.equal(await ask('6032'), '503031303030')
  t.equal(await ask('6031'), '50303130')
})

t.test('security modules', async t => {
  const {ask} = await newWire({modules: [CHIP, {...CHIP, protocol: 'T1'}]})
  t.equal(await ask('5232'), '503030303030')
  t.equal(await ask('5233 00A40400'), '4E3635')
  t.equal(await ask('523033'), '50303030303B65000044454D4F31')
  t.equal(await ask('5232'), '503030303130')
  t.equal(await ask('5239 00B2010C00'), '503030306985')
  t.equal(await ask('524031'), '50303030')
  t.match(await ask('5230'), /^50303030313BE5/)
  t.equal(await ask('5234 00B2010C00'), '503030306985')
  t.equal(await ask('5233 00B2010C00'), '4E3632')
  t.equal((await ask('5238')).slice(0, 12), '50303030313B')
  t.equal(await ask('5231'), '50303030')
  t.equal(await ask('524032'), '4E3033', 'no third')
  const none = await newWire()
  t.equal(await none.ask('524030'), '50303030')
  t.equal(await none.ask('5230'), '4E3631', 'an empty slot')
})

t.test('every command under every fault, in memory', t => everyCommandUnderEveryFault(t, CRT571, inMemory))
t.test('every command with the power gone', t => everyCommandWithoutPower(t, CRT571, inMemory))
