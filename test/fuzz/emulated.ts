/**
 * A whole emulator under inputs: whatever bytes a stranger's host sends, it throws nothing, keeps its notes together,
 * and after some silence answers its own driver.
 */
import type {ReportTable} from '../../devices/wire/hid-descriptor.ts'
import {hidPair} from '../../devices/wire/hid-pair.ts'
import {loopbackPair} from '../../devices/wire/loopback.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {seededRandom} from '../../kit/random.ts'
import type {Model} from '../../src/drivers.ts'
import {KINDS} from '../../src/kinds.ts'
import type {Device} from '../../src/kinds.ts'
import type {HidStandModel, ModelName, SerialStandModel} from '../../src/bench/stand.ts'
import {STANDS} from '../../src/bench/stands.ts'
import {notesIn} from '../bench/notes.ts'
import type {Input} from './input.ts'
import type {Target} from './targets.ts'

const SILENCE_MS = 120_000
const BUDGET_MS = 3_600_000
/** Profiles that stand for another product, which has a driver of its own. */
const PROFILE_DRIVERS: Readonly<Record<string, string>> = {
  'magtek/insert': 'magtek-insert',
  'dynapro/mini-2014': 'dynapro-2014',
}
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
  if (model === undefined) throw new RangeError(`no model ${name}`)
  const profile = input.more.one(Object.keys(model.profiles))
  return model.wire === 'serial' ? onLine(model, profile, input) : onBus(model, profile, input)
}

function driverOf(name: string): Model<Device> {
  const driver = KINDS.map(({models}) => models[name]).find(found => found !== undefined)
  if (driver === undefined) throw new RangeError(`no driver of ${name}`)
  return driver
}

async function onLine(model: SerialStandModel, profile: string, input: Input): Promise<string | null> {
  const {name} = model
  const driver = driverOf(name)
  if (driver.line === null) throw new RangeError(`the driver of ${name} is not for a serial line`)
  const clock = new VirtualClock(epochMs(1_700_000_000_000))
  const {near, far} = loopbackPair(clock)
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
  return muteOr(opened)
}

/** Each chunk is one feature report that the host sets, its first byte the ID where reports are numbered; it may be asked for one as well. */
async function onBus(model: HidStandModel, profile: string, input: Input): Promise<string | null> {
  const driver = driverOf(PROFILE_DRIVERS[`${model.name}/${profile}`] ?? model.name)
  if (driver.line !== null) throw new RangeError(`the driver of ${model.name} is not for HID`)
  const clock = new VirtualClock(epochMs(1_700_000_000_000))
  const {near, far} = hidPair(clock)
  const stand = model.make(far, clock, seededRandom(model.name), {profile, world: null, pace: 'iron'})
  await stand.start()
  let reports: ReportTable | null = null
  const listener = {report: () => undefined, garbage: () => undefined, lost: () => undefined}
  for (const {bytes, gapMs} of input.chunks) {
    await clock.advance(gapMs)
    // A reset takes it off the bus; then there is nothing to send to until it is back.
    if (!near.isOpen) {
      const found = await clock.finish(near.open(listener), BUDGET_MS)
      if (found.kind === 'open') reports = found.reports
    }
    if (!near.isOpen || reports === null) continue
    const {isNumbered, lengths} = reports
    const ids = [...lengths.feature.keys()]
    const id = isNumbered ? (ids[(bytes[0] ?? 0) % ids.length] ?? 0) : 0
    const content = bytes.subarray(isNumbered ? 1 : 0, lengths.feature.get(id))
    await clock.finish(near.send('feature', id, content), BUDGET_MS)
    await clock.finish(near.getFeature(ids[(bytes[1] ?? 0) % ids.length] ?? 0), BUDGET_MS)
  }
  await clock.advance(SILENCE_MS)
  await near.close()
  const device = driver.on(near, clock, silentLog)
  const opened = await clock.finish(device.open(), BUDGET_MS)
  await clock.finish(device.close(), BUDGET_MS)
  await clock.finish(stand.stop(), BUDGET_MS)
  return muteOr(opened)
}

function muteOr(opened: Awaited<ReturnType<Device['open']>>): string | null {
  if (opened.kind === 'open') return null
  const isMute = ['no-answer', 'nonsense', 'hung-up', 'not-opened', 'write-stalled'].includes(opened.fault)
  return isMute ? `afterwards it does not answer: ${opened.fault}, ${opened.detail}` : null
}
