/** The Creator CRT-571 as a stand of its own, with cards to put in and blank ones to give out. */
import {COMMANDS, LINE} from '../../../devices/card-reader/crt571/bytes.ts'
import {Crt571Emulator, WITHOUT} from '../../../devices/card-reader/crt571/emulator.ts'
import type {EmulatorOptions} from '../../../devices/card-reader/crt571/emulator.ts'
import {namesOf} from '../../../devices/card-reader/names.ts'
import {PACES} from '../pace.ts'
import type {StandModel} from '../stand.ts'
import {faultWords} from './faults.ts'
import {motorReaderStand, readerFaults, readerWorld} from './motor-reader.ts'

const ROWS = readerFaults<keyof typeof COMMANDS>(WITHOUT, 'status')

/** Blank cards in the default world. */
const STACKED = 50

/** Where readers differ, and what the protocol page leaves open. */
const PROFILES = {
  m001: 'refusals begin with 4E, the sensors have 8 bytes, a cleared line is answered with 04',
  'refusal-45': 'refusals begin with 45, the value that the maker prints beside the letter N',
  'sensors-10': 'the sensors have 10 bytes, as the maker draws the frame',
  'cancel-dle': 'a cleared line is answered with 10 04 instead of 04',
  'no-init': 'commands are executed before the first initialisation',
} as const

const MAKES: Readonly<Record<keyof typeof PROFILES, EmulatorOptions>> = {
  m001: {},
  'refusal-45': {refusalHead: 0x45},
  'sensors-10': {sensorBytes: 10},
  'cancel-dle': {cancelAnswer: 'dleEot'},
  'no-init': {needsInit: false},
}

export const CRT571: StandModel<keyof typeof PROFILES> = {
  name: 'crt571',
  wire: 'serial',
  line: LINE,
  profiles: PROFILES,
  faults: faultWords(ROWS),
  make: (link, clock, _random, {profile, world, pace}) => {
    const {deck, remains} = readerWorld(world, STACKED)
    const emulator = new Crt571Emulator(link, clock, {
      ...MAKES[profile],
      moveMs: PACES[pace].cardMoveMs,
      remains,
    })
    return motorReaderStand(emulator, deck, ROWS, namesOf(COMMANDS), [])
  },
}
