/** Every command of a pad with every fault of its line, on any wire. */
import type {Test} from 'tap'
import {hexOf} from '../../../crypto/hex.ts'
import {MASTER_SESSION} from '../../../devices/pin-pad/abecs/bytes.ts'
import type {LineMischief as AbecsMischief} from '../../../devices/pin-pad/abecs/mischief.ts'
import type {Key} from '../../../devices/pin-pad/port.ts'
import {ZT588} from '../../../devices/pin-pad/szzt/bytes.ts'
import type {LineMischief as SzztMischief} from '../../../devices/pin-pad/szzt/mischief.ts'
import {DEMO_MASTER_KEY} from '../../../devices/pin-pad/szzt/secure-module.ts'
import {Secret} from '../../../kit/secret.ts'
import {abecsBench, szztBench} from './benches.ts'
import type {NewWire} from './benches.ts'
import {pinIn, pinKey, ready, request, settled, type} from './suite.ts'

export const SZZT_LINE_FAULTS: readonly SzztMischief[] = [
  'ignoreFrame',
  'dropReply',
  'corruptReply',
  'corruptStart',
  'splitReply',
  'lateReply',
  'duplicateReply',
  'garbageBeforeReply',
  'keyInsideReply',
]

const ABECS_LINE_FAULTS: readonly AbecsMischief[] = [
  'ignoreFrame',
  'dropReply',
  'corruptReply',
  'corruptStart',
  'splitReply',
  'lateReply',
  'duplicateReply',
  'garbageBeforeReply',
  'dropAck',
  'nak',
  'notice',
]

/** @param newWire one in memory when left out */
export async function szztFaults(t: Test, newWire?: NewWire): Promise<void> {
  await t.test('one line fault on any command that may be repeated changes nothing', async t => {
    for (const what of SZZT_LINE_FAULTS) {
      for (const command of [
        'identify',
        'loadClearKey',
        'loadKey',
        'keyTable',
        'control',
        'fetchBlock',
        'mac',
      ] as const) {
        const bench = await szztBench(ZT588, {}, newWire)
        const {pad, clock, emulator} = bench
        emulator.plan({kind: 'line', do: what, command})
        await ready(bench)
        const master = {use: 'master', form: 'clear', key: new Secret(DEMO_MASTER_KEY)} as const
        t.match(await settled(clock, pad.loadKey(master)), {checkValue: '08D7B4'})
        await settled(clock, pad.loadKey({...pinKey(), use: 'mac'}))
        const made = await settled(clock, pad.mac(Buffer.from('4012345678909D987', 'latin1'), 'retail'))
        t.equal(made.kind === 'mac' && hexOf(made.mac), 'A579BEFD6B268325', `${what} on ${command}`)
        const counts: number[] = []
        const entering = pad.enterPin(request(digits => counts.push(digits)))
        await clock.advance(3_000)
        await type(bench, ['2', '4', '6', '8', 'enter'])
        t.equal(pinIn(await settled(clock, entering)), '2468', `${what} on ${command}`)
        t.same(counts, [1, 2, 3, 4], `${what} on ${command}: no star too many`)
        await pad.close()
      }
    }
  })

  await t.test('a line fault on the start of PIN entry ends it or does not matter', async t => {
    const harmless = new Set<SzztMischief>(['splitReply', 'duplicateReply', 'garbageBeforeReply'])
    for (const what of SZZT_LINE_FAULTS) {
      const bench = await szztBench(ZT588, {}, newWire)
      const {pad, clock, emulator} = bench
      await ready(bench)
      emulator.plan({kind: 'line', do: what, command: 'startPin'})
      const entering = pad.enterPin(request())
      await clock.advance(3_000)
      // Noise before an answer is damage too: a start is not repeated, so it may end the entry.
      if (harmless.has(what) && emulator.world.mode === 'pin') {
        await type(bench, ['1', '2', '3', '4', 'enter'])
        t.equal(pinIn(await settled(clock, entering)), '1234', what)
      } else {
        t.match(await settled(clock, entering), {kind: 'failed', fault: /^(?:no-answer|nonsense)$/}, what)
      }
      t.equal(emulator.world.mode, 'idle', `${what}: the pad is left idle`)
      const again = pad.enterPin(request())
      await clock.advance(1_000)
      await type(bench, ['9', '8', '7', '6', 'enter'])
      t.equal(pinIn(await settled(clock, again)), '9876', `${what}: the next entry works`)
      await pad.close()
    }
  })
}

/** @param newWire one in memory when left out */
export async function abecsFaults(t: Test, newWire?: NewWire): Promise<void> {
  await t.test('one line fault on any command that may be repeated changes nothing', async t => {
    for (const what of ABECS_LINE_FAULTS) {
      for (const command of ['OPN', 'GIN', 'GIX', 'DSP', 'EBX'] as const) {
        const bench = await abecsBench(MASTER_SESSION, {}, newWire)
        const {pad, clock, emulator} = bench
        emulator.plan({kind: 'line', do: what, command})
        await ready(bench)
        await settled(clock, pad.loadKey({...pinKey(), use: 'mac'}))
        const made = await settled(clock, pad.mac(Buffer.from('4012345678909D987', 'latin1'), 'tdesCbc'))
        t.equal(made.kind === 'mac' && hexOf(made.mac), 'DBD7703036E84888', `${what} on ${command}`)
        const entering = pad.enterPin(request())
        await clock.advance(20_000)
        await type(bench, ['2', '4', '6', '8', 'enter'])
        t.equal(pinIn(await settled(clock, entering)), '2468', `${what} on ${command}`)
        await pad.close()
      }
    }
  })

  await t.test('a line fault on the PIN itself ends it or does not matter', async t => {
    const harmless = new Set<AbecsMischief>([
      'corruptReply',
      'splitReply',
      'duplicateReply',
      'garbageBeforeReply',
      'nak',
      'notice',
      'lateReply',
    ])
    for (const what of ABECS_LINE_FAULTS) {
      const bench = await abecsBench(MASTER_SESSION, {}, newWire)
      const {pad, clock, emulator} = bench
      await ready(bench)
      const before = pad.enterPin(request())
      await clock.advance(1_000)
      await type(bench, ['5', '5', '5', '5', 'enter'])
      t.equal(pinIn(await settled(clock, before)), '5555')
      emulator.plan({kind: 'line', do: what, command: 'GPN'})
      const entering = pad.enterPin(request())
      await clock.advance(3_000)
      await type(bench, ['1', '2', '3', '4', 'enter'])
      const outcome = await settled(clock, entering)
      if (harmless.has(what)) t.equal(pinIn(outcome), '1234', what)
      else t.match(outcome, {kind: /^(?:failed|timedOut)$/}, `${what}: and never the PIN of before`)
      t.equal(emulator.world.mode, 'idle', `${what}: the pad is left idle`)
      const again = pad.enterPin(request())
      await clock.advance(1_000)
      await type(bench, ['9', '8', '7', '6', 'enter'])
      t.equal(pinIn(await settled(clock, again)), '9876', `${what}: the next entry works`)
      await pad.close()
    }
  })

  await t.test('a line fault on a key makes up none and loses one at most', async t => {
    for (const what of ABECS_LINE_FAULTS) {
      const bench = await abecsBench(MASTER_SESSION, {}, newWire)
      const {pad, clock, emulator} = bench
      await ready(bench)
      const keys: Key[] = []
      await settled(
        clock,
        pad.listen(key => keys.push(key)),
      )
      await clock.advance(100)
      await type(bench, ['A'])
      emulator.plan({kind: 'line', do: what, command: 'CEX'})
      await type(bench, ['B'])
      await clock.advance(20_000)
      await type(bench, ['C'])
      await clock.advance(20_000)
      await type(bench, ['D'])
      t.match(keys.join(''), /^AB?C?D$/, what)
      t.ok(keys.length >= 3, `${what}: ${keys.join('')}`)
      await pad.close()
    }
  })
}
