/** The Puloon LCDM-2000 as a stand of its own. */
import {LINE} from '../../../devices/dispenser/lcdm2000/bytes.ts'
import {KINDS, Lcdm2000Emulator} from '../../../devices/dispenser/lcdm2000/emulator.ts'
import {PACES} from '../pace.ts'
import type {StandModel} from '../stand.ts'
import {dispenserFaults, dispenserStand, remainsFrom} from './dispenser.ts'

/** ROM VERSION answers by profile; the checksums are TerminalClient's, seen nowhere else. */
const ROMS = {rom20: 'T20T5624', rom30: 'T30TB56D'} as const

export const LCDM2000: StandModel<keyof typeof ROMS> = {
  name: 'lcdm2000',
  wire: 'serial',
  line: LINE,
  profiles: {rom20: 'ROM version 20', rom30: 'ROM version 30'},
  faults: dispenserFaults(KINDS),
  make: (link, clock, _random, {profile, world, pace}) =>
    dispenserStand(
      new Lcdm2000Emulator(
        link,
        clock,
        {1: 0, 2: 0},
        {
          rom: ROMS[profile],
          noteMs: PACES[pace].noteMs,
          remains: remainsFrom(world, 2),
        },
      ),
    ),
}
