/** The Creator CRT-310 as a stand of its own, with cards to put in. */
import {COMMANDS, LINE} from '../../../devices/card-reader/crt310/bytes.ts'
import {Crt310Emulator} from '../../../devices/card-reader/crt310/emulator.ts'
import type {EmulatorOptions} from '../../../devices/card-reader/crt310/emulator.ts'
import {namesOf} from '../../../devices/card-reader/names.ts'
import {PACES} from '../pace.ts'
import type {StandModel} from '../stand.ts'
import {faultWords} from './faults.ts'
import {motorReaderStand, readerFaults, readerWorld} from './motor-reader.ts'

const ROWS = readerFaults<keyof typeof COMMANDS>([], 'status')

/** Where readers differ, and what the protocol page leaves open. */
const PROFILES = {
  v3: 'version 3 with shutter, contacts and heads for all tracks',
  v2: 'an earlier version, which does not know the question for PSS0',
  'no-shutter': 'no electric shutter: only the switch can be set at the mouth, else error 02',
  'no-contacts': 'no chip contacts: error 02 to all that needs them',
  'track-2': 'a head for track 2 alone',
  'front-head': 'tracks cannot be read again: error 02 to 45 31',
  'mouth-n': 'the mouth order is done with the letter 4E instead of 59',
  'serial-counted': 'a byte with its length before the serial text',
  sentinels: 'tracks are uploaded with their sentinels',
  'deaf-before-enq': 'a frame where ENQ is waited for is passed over, instead of replacing the one before',
  'repeats-on-nak': 'a NAK after a reply brings it again',
} as const

const MAKES: Readonly<Record<keyof typeof PROFILES, EmulatorOptions>> = {
  v3: {},
  v2: {version: 'v2'},
  'no-shutter': {shutter: false},
  'no-contacts': {contacts: false},
  'track-2': {heads: [2]},
  'front-head': {rearHead: false},
  'mouth-n': {mouthDone: 'N'},
  'serial-counted': {serialText: 'counted'},
  sentinels: {sentinels: true},
  'deaf-before-enq': {frameBeforeEnq: 'ignored'},
  'repeats-on-nak': {repeatsOnNak: true},
}

export const CRT310: StandModel<keyof typeof PROFILES> = {
  name: 'crt310',
  wire: 'serial',
  line: LINE,
  profiles: PROFILES,
  faults: faultWords(ROWS),
  make: (link, clock, _random, {profile, world, pace}) => {
    const {deck, remains} = readerWorld(world, 0)
    const emulator = new Crt310Emulator(link, clock, {
      ...MAKES[profile],
      moveMs: PACES[pace].cardMoveMs,
      remains,
    })
    return motorReaderStand(emulator, deck, ROWS, namesOf(COMMANDS), [
      ...(['good', 'outside', 'backup'] as const).map(supply => ({
        words: `supply ${supply}`,
        purpose: `the supply voltage: ${supply}`,
        run: () => {
          emulator.setSupply(supply)
          return {supply}
        },
      })),
    ])
  },
}
