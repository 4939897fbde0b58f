/** The Puloon LCDM-4000 as a stand of its own. Its EEPROM is part of the world: a power cut does not take it. */
import {LINE} from '../../../devices/dispenser/lcdm4000/bytes.ts'
import {KINDS, Lcdm4000Emulator} from '../../../devices/dispenser/lcdm4000/emulator.ts'
import type {Eeprom, Lcdm4000Quirks} from '../../../devices/dispenser/lcdm4000/emulator.ts'
import type {Json} from '../../../kit/exact-json.ts'
import {Section} from '../../../kit/section.ts'
import {PACES} from '../pace.ts'
import type {StandModel} from '../stand.ts'
import {dispenserFaults, dispenserStand, remainsFrom} from './dispenser.ts'

const QUIRKS = {
  standard: {},
  long: {forms: 'long'},
  serial: {forms: 'serial'},
  'reset-once': {resetAnswers: 1},
  'reset-silent': {resetAnswers: 0},
  'no-eot': {closes: false},
  'keeps-last': {keepsLast: true},
} as const satisfies Readonly<Record<string, Partial<Lcdm4000Quirks>>>

export const LCDM4000: StandModel<keyof typeof QUIRKS> = {
  name: 'lcdm4000',
  wire: 'serial',
  line: LINE,
  profiles: {
    standard: 'takes both forms of a dispense, answers a reset twice, forgets LAST STATUS with the power',
    long: 'takes a dispense of 15 bytes alone',
    serial: 'takes a dispense of 7 bytes with a serial alone',
    'reset-once': 'answers a reset once, when it is done',
    'reset-silent': 'does not answer a reset',
    'no-eot': 'says no EOT after the ACK of the host',
    'keeps-last': 'LAST STATUS and the serial outlive a power cut, though not the end of this program',
  },
  faults: dispenserFaults(KINDS),
  make: (link, clock, _random, {profile, world, pace}) => {
    const [eeprom, rest] = eepromFrom(world)
    const emulator = new Lcdm4000Emulator(
      link,
      clock,
      {1: 0, 2: 0, 3: 0, 4: 0},
      {
        ...QUIRKS[profile],
        noteMs: PACES[pace].noteMs,
        remains: remainsFrom(rest, 4),
        ...(eeprom === null ? {} : {eeprom}),
      },
    )
    const stand = dispenserStand(emulator)
    return {
      ...stand,
      get transcript() {
        return stand.transcript
      },
      world: () => ({...stand.world(), eeprom: {...emulator.eeprom}}),
    }
  },
}

/** What the world says of the EEPROM, and what is left of the world without it. @throws BadInput naming the field */
function eepromFrom(world: Json | null): readonly [Eeprom | null, Json | null] {
  if (!isFields(world)) return [null, world]
  const {eeprom, ...rest} = Object.fromEntries(world)
  if (eeprom === undefined) return [null, world]
  const read = new Section('eeprom', eeprom, 'part of the EEPROM').closed((s): Eeprom => {
    const order = s.list('order', 4, 4, code => code.whole(1, 4))
    if (new Set(order).size < 4) s.refuse('order', 'names a cassette code twice')
    return {
      lengths: s.list('lengths', 4, 4, length => length.whole(0, 255)),
      opacity: s.list('opacity', 4, 4, opacity => opacity.whole(0, 223)),
      order,
    }
  })
  return [read, new Map(Object.entries(rest))]
}

function isFields(world: Json | null): world is ReadonlyMap<string, Json> {
  return world instanceof Map
}
