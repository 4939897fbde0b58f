/** What the contacts of every card reader must do: resets, commands by both protocols, and chips that fail. */
import type {Test} from 'tap'
import {hexOf, bytesOfHex} from '../../../crypto/hex.ts'
import type {Card} from '../../../devices/card-reader/emulator-card.ts'
import type {ChipContacts, ChipIoOutcome, ChipProtocol} from '../../../devices/card-reader/port.ts'
import {present} from '../../../kit/assert.ts'
import {Secret} from '../../../kit/secret.ts'
import {settled, TRACK2} from './suite.ts'
import type {ReaderBench} from './suite.ts'

const PSE = '315041592E5359532E4444463031'
const AID = 'A0000000031010'
const SELECT_PSE = `00A404000E${PSE}00`
const SELECT_AID = `00A4040007${AID}00`
const PAN = TRACK2.slice(0, 13)

function chipCard(protocol: ChipProtocol, state: 'good' | 'dead' | 'stalls' = 'good'): Card {
  return {track2: TRACK2, chip: {protocol, track2: TRACK2, holder: 'NOBODY/ADA', state}}
}

interface AtChip {
  readonly bench: ReaderBench
  readonly chip: ChipContacts
  readonly say: (hex: string) => Promise<ChipIoOutcome>
}

/** A bench with that card inside, accepted as far as it can be read. */
async function withCard(newBench: () => ReaderBench | Promise<ReaderBench>, card: Card): Promise<AtChip> {
  const bench = await newBench()
  const {reader, clock, insertCard} = bench
  await settled(clock, reader.open())
  const accepting = reader.accept()
  await clock.advance(1_000)
  present(insertCard ?? null, 'a hand with chip cards')(card)
  await settled(clock, accepting)
  const chip = present(reader.chip, 'contacts')
  return {bench, chip, say: hex => settled(clock, chip.transmit(new Secret(bytesOfHex(hex))))}
}

/** Data and status of an answer, spaced for reading. */
function told(outcome: ChipIoOutcome): string {
  return outcome.kind === 'answered'
    ? `${hexOf(outcome.answer.reveal())} ${outcome.status.sw.toString(16).toUpperCase()}`
    : outcome.kind
}

export function chipSuite(t: Test, newBench: () => ReaderBench | Promise<ReaderBench>): void {
  t.test('both protocols give the same answers', async t => {
    const answers: string[][] = []
    for (const protocol of ['T0', 'T1'] as const) {
      const {bench, chip, say} = await withCard(newBench, chipCard(protocol))
      const {clock, reader, written} = bench
      const reset = await settled(clock, chip.reset('cold'))
      t.match(reset, {kind: 'answered', protocol})
      t.equal(reset.kind === 'answered' && reset.atr[0], 0x3b)
      t.match(await settled(clock, reader.status()), {chipPower: 'online'})
      const heard = []
      for (const command of [
        SELECT_PSE,
        '00B2010C00',
        '00B2020C00',
        SELECT_AID,
        '80A8000002830000',
        '00B2010C00',
        '00B2011400',
        '00A4040005A00000000900',
        '0084000008',
        'FF00000000',
      ])
        heard.push(told(await say(command)))
      answers.push(heard)
      t.match(heard[0], new RegExp(`^6F.*84 ?0E${PSE}.* 9000$`))
      t.match(heard[1], new RegExp(`^70.*4F07${AID}.* 9000$`))
      t.equal(heard[2], ' 6A83', 'no second record')
      t.match(heard[4], /^800A1800.* 9000$/)
      t.match(heard[5], new RegExp(`57..${PAN}D`), 'the equivalent of track 2')
      t.equal(heard[7], ' 6A82', 'another application')
      t.equal(heard[8], ' 6D00')
      t.equal(heard[9], ' 6E00')
      t.notMatch(written(), new RegExp(PAN), 'nothing of the chip is written down')
      t.notMatch(written().replaceAll(' ', ''), /A0000000031010/, 'not even in hex')
      await reader.close()
    }
    t.same(answers[0], answers[1])
  })

  t.test('status words are values', async t => {
    const {bench, chip, say} = await withCard(newBench, chipCard('T0'))
    await settled(bench.clock, chip.reset('cold'))
    t.match(await say('00B2010C00'), {kind: 'answered', status: {kind: 'checkingError', sw: 0x6985}})
    t.match(await say(SELECT_PSE), {kind: 'answered', status: {kind: 'success'}})
    t.match(await say('00C0000010'), {kind: 'answered', status: {kind: 'checkingError', sw: 0x6985}})
    await bench.reader.close()
  })

  t.test('a warm reset keeps the power and forgets the rest', async t => {
    const {bench, chip, say} = await withCard(newBench, chipCard('T0'))
    const {clock} = bench
    t.match(await settled(clock, chip.reset('warm')), {kind: 'failed', fault: 'not-now'})
    t.match(await say(SELECT_PSE), {kind: 'failed', fault: 'not-now'})
    await settled(clock, chip.reset('cold'))
    await say(SELECT_PSE)
    t.match(await settled(clock, chip.reset('warm')), {kind: 'answered', protocol: 'T0'})
    t.match(await say('00B2010C00'), {status: {sw: 0x6985}}, 'nothing is selected any more')
    t.same(await settled(clock, chip.powerOff()), {kind: 'poweredOff'})
    t.match(await say(SELECT_PSE), {kind: 'failed', fault: 'not-now'})
    await bench.reader.close()
  })

  t.test('a card without a chip, a dead one, and one that stops talking', async t => {
    for (const card of [{track2: TRACK2}, chipCard('T0', 'dead')]) {
      const {bench, chip} = await withCard(newBench, card)
      t.match(await settled(bench.clock, chip.reset('cold')), {kind: 'mute'})
      await bench.reader.close()
    }
    const {bench, chip, say} = await withCard(newBench, chipCard('T1', 'stalls'))
    t.match(await settled(bench.clock, chip.reset('cold')), {kind: 'answered'})
    t.match(await say(SELECT_PSE), {kind: 'mute'})
    t.match(await say(SELECT_PSE), {kind: 'failed', fault: 'not-now'}, 'it needs a reset')
    await bench.reader.close()
  })

  t.test('the card goes back as if nothing had been', async t => {
    const {bench, chip, say} = await withCard(newBench, chipCard('T0'))
    const {reader, clock, take} = bench
    await settled(clock, chip.reset('cold'))
    await say(SELECT_PSE)
    const ejecting = reader.eject(30_000)
    await clock.advance(5_000)
    t.ok(take())
    t.same(await settled(clock, ejecting), {kind: 'taken'})
    t.match(await settled(clock, reader.status()), {chipPower: 'noCard'})
    t.match(await settled(clock, chip.reset('cold')), {kind: 'failed', fault: 'no-card'})
    t.match(await say(SELECT_PSE), {kind: 'failed', fault: 'not-now'})
    await reader.close()
  })
}
