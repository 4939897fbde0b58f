/** The master key in two halves, by two people; and the clock, the certificate and the bundle for help from afar. */
import t from 'tap'
import {bytesOfHex, hexOf} from '../../crypto/hex.ts'
import {keyCheckValue} from '../../crypto/tdes.ts'
import {xored} from '../../crypto/xor.ts'
import {Ceremony, HALF_WAIT_MS} from '../../src/console/ceremony.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {Secret} from '../../kit/secret.ts'
import {Bench} from './bench.ts'
import type {Wire} from './bench.ts'

const HALVES = ['0123456789ABCDEFFEDCBA9876543210', '11111111111111112222222222222222'] as const
const checkOf = (hex: string): string => keyCheckValue(bytesOfHex(hex))
const WHOLE = hexOf(xored(bytesOfHex(HALVES[0]), bytesOfHex(HALVES[1])))

/** Somebody of security at a console of their own, in front of a machine in supervisor mode. */
async function guard(bench: Bench, name: string): Promise<Wire> {
  const wire = bench.connect()
  await wire.logIn(name)
  return wire
}

async function half(wire: Wire, hex: string, checkValue: string): Promise<string> {
  await wire.give('key half')
  await wire.type(`${hex}\r`)
  await wire.type(`${checkValue}\r`)
  return wire.glass.text.replace(/\s+/g, ' ')
}

async function supervised(): Promise<Bench> {
  const bench = await Bench.open()
  bench.world.table.machine.operate({type: 'supervisor.called', person: 'oona'})
  await bench.world.clock.runUntil(() => bench.world.state === 'supervisor', 60_000)
  return bench
}

t.test('two people bring a half each, and the pad says what it has', async t => {
  const bench = await supervised()
  const saga = await guard(bench, 'saga')
  t.match(await half(saga, HALVES[0], 'FFFFFF'), /do not fit/, 'a mistyped half goes no further')
  t.match(await half(saga, HALVES[0].slice(2), 'FFFFFF'), /32 or 48/)
  t.match(await half(saga, HALVES[0], checkOf(HALVES[0])), /kept in memory/)
  t.match(await half(saga, HALVES[1], checkOf(HALVES[1])), /for another person/, 'nobody brings both')
  const stig = await guard(bench, 'stig')
  t.match(
    await half(stig, HALVES[1], checkOf(HALVES[1]).toLowerCase()),
    /saga brought the first.*whole key's/,
  )
  await stig.type(`${checkOf(WHOLE)}\r`, 60_000)
  t.match(stig.glass.text, new RegExp(`check value +${checkOf(WHOLE)}`))
  const rows = JSON.stringify(bench.world.table.journal.rows(1, 1_000))
  t.match(rows, `the pad has check value ${checkOf(WHOLE)}`)
  const shown = saga.glass.raw + stig.glass.raw + rows
  for (const secret of [...HALVES, WHOLE]) t.notMatch(shown.toUpperCase(), secret, 'nothing shows a key')
  t.equal(bench.house.ceremony.waitingFor, null)
  await bench.close()
})

t.test('halves of another key load nothing', async t => {
  const bench = await supervised()
  await half(await guard(bench, 'saga'), HALVES[0], checkOf(HALVES[0]))
  const stig = await guard(bench, 'stig')
  await half(stig, HALVES[1], checkOf(HALVES[1]))
  await stig.type('ABCDEF\r')
  t.match(stig.glass.text.replace(/\s+/g, ' '), /nothing was loaded, both are forgotten/)
  t.equal(bench.house.ceremony.waitingFor, null)
  await bench.close()
})

t.test('a half waits half an hour, in memory alone', async t => {
  const clock = new VirtualClock(epochMs(1_700_000_000_000))
  const ceremony = new Ceremony(clock)
  const take = (person: string, hex: string) => ceremony.take(person, new Secret(hex), checkOf(hex)).kind
  t.equal(take('saga', HALVES[0]), 'first')
  await clock.advance(HALF_WAIT_MS)
  t.equal(ceremony.waitingFor, null)
  t.equal(take('stig', HALVES[1]), 'first', 'and the next begins anew')
  t.equal(take('saga', HALVES[0] + HALVES[0].slice(16)), 'refused', 'halves of two lengths make no key')
  t.equal(ceremony.waitingFor, null)
  t.equal(take('stig', HALVES[1]), 'first')
  ceremony.forget()
  t.equal(ceremony.waitingFor, null)
})

t.test('a pad that takes no key over the wire is left alone', async t => {
  const bench = await Bench.open({pinPad: 'abecs'})
  bench.world.table.machine.operate({type: 'supervisor.called', person: 'oona'})
  await bench.world.clock.runUntil(() => bench.world.state === 'supervisor', 60_000)
  const saga = await guard(bench, 'saga')
  t.match(await saga.give('key half'), /refused: this PIN pad/)
  await bench.close()
})

t.test("the bank's clock, and everything for help from afar", async t => {
  const bench = await Bench.open()
  const wire = bench.connect()
  await wire.logIn('sven')
  t.match(await wire.give('clock compare'), /seconds ahead of it +0/)
  await wire.give('terminal length 0')
  const tech = await wire.give('show tech', 60_000)
  for (const part of ['show version', 'show status', 'show config', 'show ej chain'])
    t.match(tech, `== ${part}`)
  t.match(tech, /hash\s+[0-9a-f]{64}/)
  bench.world.table.stage.line.cut()
  t.match(await wire.give('clock compare', 60_000), /the bank does not answer/)
  await bench.close()
})
