/**
 * A whole emulator under inputs: whatever bytes a stranger's host sends, it throws nothing, keeps its notes together,
 * and after some silence answers its own driver.
 */
import {loopbackPair} from '../../devices/wire/loopback.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {seededRandom} from '../../kit/random.ts'
import {KINDS} from '../../src/kinds.ts'
import type {ModelName} from '../../src/bench/stand.ts'
import {STANDS} from '../../src/bench/stands.ts'
import {notesIn} from '../bench/notes.ts'
import type {Input} from './input.ts'
import type {Target} from './targets.ts'

const SILENCE_MS = 120_000
const BUDGET_MS = 3_600_000
/** ACK, NAK, ENQ, EOT, as hosts send them between frames. */
const CONTROLS = [0x06, 0x15, 0x05, 0x04].map(byte => Uint8Array.of(byte))

export function emulated(name: ModelName, frames: readonly Uint8Array[]): Target {
  return {
    name: `${name}, whole emulator`,
    good: [...frames, ...CONTROLS],
    run: input => survives(name, input),
  }
}

async function survives(name: ModelName, input: Input): Promise<string | null> {
  const model = await STANDS[name]?.()
  const driver = KINDS.map(({models}) => models[name]).find(found => found !== undefined)
  if (model?.wire !== 'serial' || driver === undefined || driver.line === null)
    throw new RangeError(`no model ${name} on a serial line`)
  const clock = new VirtualClock(epochMs(1_700_000_000_000))
  const {near, far} = loopbackPair(clock)
  const profile = input.more.one(Object.keys(model.profiles))
  const stand = model.make(far, clock, seededRandom(name), {profile, world: null, pace: 'iron'})
  const notesBefore = notesIn(stand.world())
  await stand.start()
  await near.open({bytes: () => undefined, lost: () => undefined})
  for (const {bytes, gapMs} of input.chunks) {
    await clock.advance(gapMs)
    await near.write(bytes)
  }
  await clock.advance(SILENCE_MS)
  await near.close()
  const device = driver.on(near, clock, silentLog)
  const opened = await clock.finish(device.open(), BUDGET_MS)
  await clock.finish(device.close(), BUDGET_MS)
  await clock.finish(stand.stop(), BUDGET_MS)
  if (notesIn(stand.world()) !== notesBefore) return `${notesBefore} notes became ${notesIn(stand.world())}`
  if (opened.kind === 'open') return null
  const isMute = ['no-answer', 'nonsense', 'hung-up', 'not-opened', 'write-stalled'].includes(opened.fault)
  return isMute ? `afterwards it does not answer: ${opened.fault}, ${opened.detail}` : null
}
