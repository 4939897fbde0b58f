/** Every dispenser model, its driver and its emulator, as the suites take them. */
import {PROFILES as F56_PROFILES} from '../../../devices/dispenser/f56/bytes.ts'
import {F56} from '../../../devices/dispenser/f56/driver.ts'
import {F56Emulator} from '../../../devices/dispenser/f56/emulator.ts'
import {Lcdm2000} from '../../../devices/dispenser/lcdm2000/driver.ts'
import {Lcdm1000Emulator, Lcdm2000Emulator} from '../../../devices/dispenser/lcdm2000/emulator.ts'
import {Lcdm4000} from '../../../devices/dispenser/lcdm4000/driver.ts'
import {Lcdm4000Emulator} from '../../../devices/dispenser/lcdm4000/emulator.ts'
import {ReferenceDispenser} from '../../../devices/dispenser/reference/driver.ts'
import {ReferenceDispenserEmulator} from '../../../devices/dispenser/reference/emulator.ts'
import {silentLog} from '../../../kit/log.ts'
import type {Model} from './conformance.ts'

export const LCDM1000: Model = {
  name: 'lcdm1000',
  driver: (link, clock) => new Lcdm2000(link, clock, silentLog, 'lcdm1000'),
  emulator: (link, clock, notes, noteMs) => new Lcdm1000Emulator(link, clock, {1: notes}, {noteMs}),
  orderFrames: /^04 50 02 45/,
  emptyFault: 'cassette-empty',
  // One code for EXIT and EJT.
  jamsAtMouth: ['eject', 'mouth'],
  needsMark: false,
}

export const LCDM2000: Model = {
  name: 'lcdm2000',
  driver: (link, clock) => new Lcdm2000(link, clock, silentLog),
  emulator: (link, clock, notes, noteMs) => new Lcdm2000Emulator(link, clock, {1: notes, 2: notes}, {noteMs}),
  orderFrames: /^04 50 02 (45|55|56)/,
  emptyFault: 'cassette-empty',
  jamsAtMouth: ['mouth'],
  needsMark: false,
}

export const LCDM4000: Model = {
  name: 'lcdm4000',
  driver: (link, clock) => new Lcdm4000(link, clock, silentLog),
  emulator: (link, clock, notes, noteMs) =>
    new Lcdm4000Emulator(link, clock, {1: notes, 2: notes, 3: notes, 4: notes}, {noteMs}),
  orderFrames: /^04 30 02 52/,
  // It has no code for an empty cassette.
  emptyFault: 'pick-failed',
  // A jam between EJT and EXIT may stick out.
  jamsAtMouth: ['eject', 'mouth'],
  needsMark: true,
}

/** The firmware whose dispenses carry a serial of the device's own. */
export const LCDM4000_SERIAL: Model = {
  ...LCDM4000,
  driver: (link, clock) => new Lcdm4000(link, clock, silentLog, 'serial'),
  emulator: (link, clock, notes, noteMs) =>
    new Lcdm4000Emulator(link, clock, {1: notes, 2: notes, 3: notes, 4: notes}, {noteMs, forms: 'serial'}),
}

export const REFERENCE: Model = {
  name: 'reference',
  driver: (link, clock) => new ReferenceDispenser(link, clock, silentLog),
  emulator: (link, clock, notes, noteMs) =>
    new ReferenceDispenserEmulator(link, clock, {1: notes, 2: notes}, {noteMs}),
  orderFrames: /^02 .. .. 44/,
  emptyFault: 'cassette-empty',
  jamsAtMouth: [],
  needsMark: false,
}

function f56(profile: keyof typeof F56_PROFILES): Model {
  return {
    name: 'f56',
    driver: (link, clock) => new F56(link, clock, silentLog, F56_PROFILES[profile]),
    emulator: (link, clock, notes, noteMs) =>
      new F56Emulator(
        link,
        clock,
        {1: notes, 2: notes, 3: notes, 4: notes},
        {noteMs, hasPool: profile === 'pool'},
      ),
    orderFrames: /^10 02 00 19 60 03/,
    emptyFault: 'cassette-empty',
    jamsAtMouth: ['mouth'],
    needsMark: false,
  }
}

export const F56_FRONT = f56('front')
export const F56_POOL = f56('pool')

export const MODELS: readonly Model[] = [LCDM1000, LCDM2000, LCDM4000, F56_FRONT, REFERENCE]
