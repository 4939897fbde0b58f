/** The Puloon LCDM-2000 and LCDM-1000 as stands of their own. */
import {LINE} from '../../../devices/dispenser/lcdm2000/bytes.ts'
import {KINDS, Lcdm1000Emulator, Lcdm2000Emulator} from '../../../devices/dispenser/lcdm2000/emulator.ts'
import type {Lcdm2000Quirks} from '../../../devices/dispenser/lcdm2000/emulator.ts'
import {PACES} from '../pace.ts'
import type {StandModel} from '../stand.ts'
import {dispenserFaults, dispenserStand, remainsFrom} from './dispenser.ts'

/** What the page leaves open for both models. */
const SHARED = {
  'keeps-error': {keepsError: true},
  'throat-without-rejects': {throatLeavesRejectsOut: true},
  progress: {tellsProgress: true},
} as const satisfies Readonly<Record<string, Partial<Lcdm2000Quirks>>>

const SHARED_WORDS: Readonly<Record<keyof typeof SHARED, string>> = {
  'keeps-error': 'STATUS tells the last error even after a power cut',
  'throat-without-rejects': 'CHK counts only the notes that were not rejected',
  progress: 'tells progress by 3-byte notices, as newer ROMs do',
}

/** ROM VERSION answers by profile; the checksums are TerminalClient's, seen nowhere else. */
const QUIRKS = {
  lcdm1000: {rom16: {rom: 'O16TAD2C'}, rom30: {rom: 'O30T8013'}, ...SHARED},
  lcdm2000: {rom20: {rom: 'T20T5624'}, rom30: {rom: 'T30TB56D'}, ...SHARED},
} as const

const FAULTS = dispenserFaults(KINDS)

export const LCDM1000: StandModel<keyof (typeof QUIRKS)['lcdm1000']> = {
  name: 'lcdm1000',
  wire: 'serial',
  line: LINE,
  profiles: {rom16: 'ROM version 16', rom30: 'ROM version 30', ...SHARED_WORDS},
  faults: FAULTS,
  make: (link, clock, _random, {profile, world, pace}) => {
    const options = {noteMs: PACES[pace].noteMs, remains: remainsFrom(world, 1)}
    return dispenserStand(
      new Lcdm1000Emulator(link, clock, {1: 0}, {...QUIRKS.lcdm1000[profile], ...options}),
    )
  },
}

export const LCDM2000: StandModel<keyof (typeof QUIRKS)['lcdm2000']> = {
  name: 'lcdm2000',
  wire: 'serial',
  line: LINE,
  profiles: {rom20: 'ROM version 20', rom30: 'ROM version 30', ...SHARED_WORDS},
  faults: FAULTS,
  make: (link, clock, _random, {profile, world, pace}) => {
    const options = {noteMs: PACES[pace].noteMs, remains: remainsFrom(world, 2)}
    return dispenserStand(
      new Lcdm2000Emulator(link, clock, {1: 0, 2: 0}, {...QUIRKS.lcdm2000[profile], ...options}),
    )
  },
}
