/** The ITL NV200 as a stand of its own. Its counters and its fixed key are part of the world: a power cut does not take them. */
import {LINE} from '../../../devices/acceptor/itl-ssp/bytes.ts'
import {DATASET, NEW, Nv200Emulator, STANDARD} from '../../../devices/acceptor/itl-ssp/emulator.ts'
import type {Nv200Quirks, Remains} from '../../../devices/acceptor/itl-ssp/emulator.ts'
import type {Json} from '../../../kit/exact-json.ts'
import {Section} from '../../../kit/section.ts'
import {PACES} from '../pace.ts'
import type {Fields, StandModel} from '../stand.ts'
import {ACCEPTOR_FAULTS, acceptorStand, pathFields, pathFrom} from './acceptor.ts'
import {faultWords} from './faults.ts'

const PROFILES = {
  standard:
    'any poll after the one that told of it accepts the note in escrow; a credit is told once on plain polls',
  'plain-poll-accepts': 'only a poll without acknowledgement accepts the note in escrow',
  'repeats-credit': 'a credit is told on every plain poll until the note is stacked',
  old: 'firmware without counters and without polls with acknowledgement',
} as const

const QUIRKS: Readonly<Record<keyof typeof PROFILES, Partial<Nv200Quirks>>> = {
  standard: {},
  'plain-poll-accepts': {ackPollAccepts: false},
  'repeats-credit': {repeatsCredit: true},
  old: {isOld: true},
}

const COUNT_MAX = 4_294_967_295
const KEY = /^[0-9]{1,20}$/

export const NV200: StandModel<keyof typeof PROFILES> = {
  name: 'nv200',
  wire: 'serial',
  line: LINE,
  profiles: PROFILES,
  faults: faultWords(ACCEPTOR_FAULTS),
  make: (link, clock, random, {profile, world, pace}) => {
    const emulator = new Nv200Emulator(link, clock, random, {
      moveMs: PACES[pace].noteMs * 5,
      quirks: {...STANDARD, ...QUIRKS[profile]},
      remains: remainsFrom(world),
    })
    return acceptorStand(emulator, DATASET, () => worldOf(emulator.remains))
  },
}

function remainsFrom(world: Json | null): Remains {
  return new Section('', world ?? new Map(), 'part of an acceptor').closed(s => ({
    ...pathFrom(s),
    counters: {
      stacked: s.integer('stacked', 0, COUNT_MAX, 0),
      rejected: s.integer('rejected', 0, COUNT_MAX, 0),
    },
    lastReject: s.integer('lastReject', 0, 255, 0),
    fixedKey: BigInt(s.text('fixedKey', KEY, 'a number', NEW.fixedKey.toString())),
  }))
}

function worldOf({counters, lastReject, fixedKey, ...path}: Remains): Fields {
  return {...pathFields(path), ...counters, lastReject, fixedKey: fixedKey.toString()}
}
