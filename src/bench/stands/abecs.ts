/** The ABECS PIN pad as a stand of its own. What is typed at it is answered without repeating it. */
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {KSN_BYTES} from '../../../crypto/dukpt.ts'
import {tdesDecrypt, tdesEncrypt} from '../../../crypto/tdes.ts'
import {COMMANDS, LINE} from '../../../devices/pin-pad/abecs/bytes.ts'
import type {CommandId} from '../../../devices/pin-pad/abecs/bytes.ts'
import {AbecsEmulator} from '../../../devices/pin-pad/abecs/emulator.ts'
import type {Remains} from '../../../devices/pin-pad/abecs/emulator.ts'
import type {LineMischief, Mischief} from '../../../devices/pin-pad/abecs/mischief.ts'
import {DEMO_KEY, demoSlots, SLOT_COUNT} from '../../../devices/pin-pad/abecs/secure-module.ts'
import type {DukptSlot, SlotKeys} from '../../../devices/pin-pad/abecs/secure-module.ts'
import type {Json} from '../../../kit/exact-json.ts'
import {Section} from '../../../kit/section.ts'
import {keysOf} from '../../../kit/table.ts'
import type {Fields, StandModel} from '../stand.ts'
import {DEMO_TRACKS, Deck} from './cards.ts'
import {standOf} from './emulated.ts'
import {faultWords, lineRows} from './faults.ts'
import type {FaultRow} from './faults.ts'
import {keyCommands} from './keys.ts'

type Row = FaultRow<Mischief, CommandId>

const ORDERS = keysOf(COMMANDS)

const LINE_FAULTS: Readonly<Record<string, LineMischief>> = {
  'frame ignored': 'ignoreFrame',
  'answer lost': 'dropReply',
  'answer corrupt': 'corruptReply',
  'start corrupt': 'corruptStart',
  'answer split': 'splitReply',
  'answer late': 'lateReply',
  'answer twice': 'duplicateReply',
  'garbage before answer': 'garbageBeforeReply',
  'acknowledgement lost': 'dropAck',
  'frame refused': 'nak',
  'notice before answer': 'notice',
}

const ROWS: readonly Row[] = [
  ...lineRows<LineMischief, CommandId>(LINE_FAULTS),
  {
    name: 'refuse',
    takes: 'status',
    needsNumber: true,
    on: 'may',
    make: (status, command) => ({
      kind: 'refuse',
      status: status ?? 0,
      ...(command === null ? {} : {command}),
    }),
  },
  {name: 'cancel lost', on: 'never', make: () => ({kind: 'cancelLost'})},
  {name: 'power cut', on: 'must', make: (_, command) => ({kind: 'power', command: command ?? 'OPN'})},
]

export const ABECS: StandModel<'published' | 'variant5'> = {
  name: 'abecs',
  wire: 'serial',
  line: LINE,
  profiles: {
    published:
      'as the table of the published text: data methods 00 to 51; keys in slot 1, for data in slot 7 too',
    variant5: 'data methods 70 and 71 as well, which one printed example has',
  },
  faults: faultWords(ROWS),
  make: (link, clock, _random, {profile, world}) => {
    const deck = new Deck(DEMO_TRACKS, new Map<string, string>())
    const emulator = new AbecsEmulator(link, clock, {
      remains: remainsFrom(world),
      hasVariant5: profile === 'variant5',
    })
    return standOf(
      emulator,
      {rows: ROWS, orders: ORDERS},
      {
        world: () => worldOf(emulator.remains),
        commands: [
          ...keyCommands(emulator),
          {
            words: 'show state',
            purpose: 'power, mode, stars, display, chip',
            run: () => ({...emulator.world}),
          },
          {
            words: 'swipe card NAME',
            purpose: 'a card through the stripe reader: taken, or ignored',
            run: ([name = '']) => {
              const track2 = deck.named(name, 'swipe card')
              return {card: name, outcome: emulator.swipe({track1: null, track2, track3: null})}
            },
          },
          ...(['in', 'out'] as const).map(chip => ({
            words: `chip ${chip}`,
            purpose: `an empty chip card ${chip === 'in' ? 'into' : 'out of'} its reader`,
            run: () => {
              emulator.setChip(chip)
              return {chip}
            },
          })),
          {
            words: 'tamper',
            purpose: 'somebody opens the pad: its keys are gone',
            run: () => {
              emulator.tamper()
              return {isTampered: true}
            },
          },
          ...([100, 10] as const).map(percent => ({
            words: `battery ${percent === 100 ? 'good' : 'low'}`,
            purpose: `a pad with a battery, at ${percent} per cent`,
            run: () => {
              emulator.setBattery(percent)
              return {batteryPercent: percent}
            },
          })),
        ],
      },
    )
  },
}

/** Keys stand in the world under the published key, so that none lies there in clear. */
function worldOf({isTampered, keys}: Remains): Fields {
  const masters = (slots: ReadonlyMap<number, Uint8Array>) =>
    Array.from(slots, ([slot, key]) => ({slot, wrapped: hexOf(tdesEncrypt(DEMO_KEY, key))}))
  const dukpts = (slots: ReadonlyMap<number, DukptSlot>) =>
    Array.from(slots, ([slot, {initial, ksn, counter}]) => ({
      slot,
      wrapped: hexOf(tdesEncrypt(DEMO_KEY, initial)),
      ksn: hexOf(ksn),
      counter,
    }))
  return {
    isTampered,
    masterPin: masters(keys.masterPin),
    masterData: masters(keys.masterData),
    dukptPin: dukpts(keys.dukptPin),
    dukptData: dukpts(keys.dukptData),
  }
}

function remainsFrom(world: Json | null): Remains {
  return new Section('', world ?? new Map(), 'part of a PIN pad').closed(s => {
    const demo = demoSlots()
    const listed = <T>(field: keyof SlotKeys, read: (k: Section) => T): ReadonlyMap<number, T> | null =>
      s.has(field)
        ? new Map(
            s.list(field, 0, SLOT_COUNT, item =>
              item.closed(k => [k.integer('slot', 0, SLOT_COUNT - 1), read(k)] as const),
            ),
          )
        : null
    return {
      isTampered: s.flag('isTampered', false),
      keys: {
        masterPin: listed('masterPin', keyIn) ?? demo.masterPin,
        masterData: listed('masterData', keyIn) ?? demo.masterData,
        dukptPin: listed('dukptPin', dukptIn) ?? demo.dukptPin,
        dukptData: listed('dukptData', dukptIn) ?? demo.dukptData,
      },
    }
  })
}

function keyIn(k: Section): Uint8Array {
  return tdesDecrypt(DEMO_KEY, bytesOfHex(k.text('wrapped', /^[0-9A-F]{32}$/, '32 hexadecimal digits')))
}

function dukptIn(k: Section): DukptSlot {
  const name = new RegExp(`^[0-9A-F]{${2 * KSN_BYTES}}$`)
  return {
    initial: keyIn(k),
    ksn: bytesOfHex(k.text('ksn', name, `${2 * KSN_BYTES} hexadecimal digits`)),
    counter: k.integer('counter', 0, COUNTER_MAX),
  }
}

/** Twenty-one bits. */
const COUNTER_MAX = 0x1fffff
