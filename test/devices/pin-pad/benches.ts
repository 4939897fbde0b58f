/** Pads on a wire in memory, with everything that they say and that is written of them. */
import {AbecsPinPad} from '../../../devices/pin-pad/abecs/driver.ts'
import {AbecsEmulator} from '../../../devices/pin-pad/abecs/emulator.ts'
import type {EmulatorOptions as AbecsOptions} from '../../../devices/pin-pad/abecs/emulator.ts'
import {MASTER_SESSION} from '../../../devices/pin-pad/abecs/bytes.ts'
import type {Profile as AbecsProfile} from '../../../devices/pin-pad/abecs/bytes.ts'
import {ZT588} from '../../../devices/pin-pad/szzt/bytes.ts'
import type {Profile as SzztProfile} from '../../../devices/pin-pad/szzt/bytes.ts'
import {SzztPinPad} from '../../../devices/pin-pad/szzt/driver.ts'
import {SzztEmulator} from '../../../devices/pin-pad/szzt/emulator.ts'
import type {EmulatorOptions as SzztOptions} from '../../../devices/pin-pad/szzt/emulator.ts'
import type {PinPadEmulator} from '../../../devices/pin-pad/mischief.ts'
import type {PinPad} from '../../../devices/pin-pad/port.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import type {ByteLink} from '../../../devices/wire/link.ts'
import {hexOf} from '../../../crypto/hex.ts'
import type {VirtualClock} from '../../../kit/clock.ts'
import {lineLog} from '../../../kit/log.ts'
import type {Log} from '../../../kit/log.ts'
import {newClock} from './suite.ts'
import type {PadBench} from './suite.ts'

export interface Bench<Pad extends PinPad, Emulator extends PinPadEmulator> extends PadBench {
  readonly pad: Pad
  readonly emulator: Emulator
  /** The wire's ends: the host's, for whoever speaks instead of the driver, and the pad's. */
  readonly near: ByteLink
  readonly far: ByteLink
}

/** A wire between pad and host; the one in memory alone can be pulled and spoilt. */
export type NewWire = (clock: VirtualClock) => Promise<{readonly near: ByteLink; readonly far: ByteLink}>

export function szztBench(
  profile: SzztProfile = ZT588,
  options: SzztOptions = {},
  newWire?: NewWire,
): Promise<Bench<SzztPinPad, SzztEmulator>> {
  return benchOf(
    profile.clearErases,
    (link, clock, log) => new SzztPinPad(link, clock, log, profile),
    (link, clock) => new SzztEmulator(link, clock, {profile, ...options}),
    newWire,
  )
}

export function abecsBench(
  profile: AbecsProfile = MASTER_SESSION,
  options: AbecsOptions = {},
  newWire?: NewWire,
): Promise<Bench<AbecsPinPad, AbecsEmulator>> {
  return benchOf(
    'last',
    (link, clock, log) => new AbecsPinPad(link, clock, log, profile),
    (link, clock) => new AbecsEmulator(link, clock, options),
    newWire,
  )
}

async function benchOf<Pad extends PinPad, Emulator extends PinPadEmulator>(
  clearErases: 'all' | 'last',
  newPad: (link: ByteLink, clock: VirtualClock, log: Log) => Pad,
  newEmulator: (link: ByteLink, clock: VirtualClock) => Emulator,
  newWire: NewWire | undefined,
): Promise<Bench<Pad, Emulator>> {
  const clock = newClock()
  const inMemory = loopbackPair(clock, {delayMs: 2})
  const {cable} = inMemory
  const {near, far} = (await newWire?.(clock)) ?? inMemory
  const emulator = newEmulator(far, clock)
  await emulator.start()
  const lines: string[] = []
  let heard = ''
  const link = tapped(near, chunk => {
    heard += `${hexOf(chunk)} `
  })
  return {
    pad: newPad(
      link,
      clock,
      lineLog(clock, line => lines.push(line), 'debug'),
    ),
    clock,
    emulator,
    near,
    far,
    clearErases,
    press: key => emulator.press(key),
    written: () => JSON.stringify([lines, emulator.transcript, emulator.world]),
    fromPad: () => {
      const since = heard
      heard = ''
      return since
    },
    pullCable: () => {
      cable.pull()
    },
    plugCable: () => {
      cable.plug()
    },
    cable,
  }
}

/** The link, keeping what it brings. */
function tapped(link: ByteLink, heard: (chunk: Uint8Array) => void): ByteLink {
  return {
    get isOpen() {
      return link.isOpen
    },
    open: listener =>
      link.open({
        bytes: chunk => {
          heard(chunk)
          listener.bytes(chunk)
        },
        lost: why => {
          listener.lost(why)
        },
      }),
    write: bytes => link.write(bytes),
    close: () => link.close(),
  }
}
