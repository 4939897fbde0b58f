/** Every dispenser model against its own emulator. */
import t from 'tap'
import {silentLog} from '../../../kit/log.ts'
import {Lcdm2000} from '../../../devices/dispenser/lcdm2000/driver.ts'
import {Lcdm2000Emulator} from '../../../devices/dispenser/lcdm2000/emulator.ts'
import {ReferenceDispenser} from '../../../devices/dispenser/reference/driver.ts'
import {ReferenceDispenserEmulator} from '../../../devices/dispenser/reference/emulator.ts'
import {conformance, stackerConformance} from './conformance.ts'
import type {Model} from './conformance.ts'

const MODELS: readonly Model[] = [
  {
    name: 'lcdm2000',
    driver: (link, clock) => new Lcdm2000(link, clock, silentLog),
    emulator: (link, clock, notes, noteMs) =>
      new Lcdm2000Emulator(link, clock, {1: notes, 2: notes}, {noteMs}),
  },
  {
    name: 'reference',
    driver: (link, clock) => new ReferenceDispenser(link, clock, silentLog),
    emulator: (link, clock, notes, noteMs) =>
      new ReferenceDispenserEmulator(link, clock, {1: notes, 2: notes}, {noteMs}),
  },
]

for (const model of MODELS) await conformance(t, model)
for (const model of MODELS.slice(1)) await stackerConformance(t, model)
