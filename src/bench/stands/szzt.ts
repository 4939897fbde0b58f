/** The SZZT ZT588 and ZT598 as stands of their own. What is typed at them is answered without repeating it. */
import {hexOf, bytesOfHex} from '../../../crypto/hex.ts'
import {COMMAND, KEY_TYPE, LINE, ZT588, ZT598} from '../../../devices/pin-pad/szzt/bytes.ts'
import type {CommandName, Profile} from '../../../devices/pin-pad/szzt/bytes.ts'
import {demoKeys, SzztEmulator} from '../../../devices/pin-pad/szzt/emulator.ts'
import type {Remains} from '../../../devices/pin-pad/szzt/emulator.ts'
import type {LineMischief, Mischief} from '../../../devices/pin-pad/szzt/mischief.ts'
import {DEMO_PIN_KEY} from '../../../devices/pin-pad/szzt/secure-module.ts'
import type {PadKey, WrappedKey} from '../../../devices/pin-pad/szzt/secure-module.ts'
import type {Json} from '../../../kit/exact-json.ts'
import {Section, isIn} from '../../../kit/section.ts'
import {keysOf, nameOf} from '../../../kit/table.ts'
import type {Fields, StandModel} from '../stand.ts'
import {PACES} from '../pace.ts'
import {standOf} from './emulated.ts'
import {faultWords, lineRows} from './faults.ts'
import type {FaultRow} from './faults.ts'
import {keyCommands} from './keys.ts'

const KEYS_MAX = 256
const ORDERS = keysOf(COMMAND)
const KEY_USES = keysOf(KEY_TYPE)

type Row = FaultRow<Mischief, CommandName>

const LINE_FAULTS: Readonly<Record<string, LineMischief>> = {
  'frame ignored': 'ignoreFrame',
  'answer lost': 'dropReply',
  'answer corrupt': 'corruptReply',
  'start corrupt': 'corruptStart',
  'answer split': 'splitReply',
  'answer late': 'lateReply',
  'answer twice': 'duplicateReply',
  'garbage before answer': 'garbageBeforeReply',
  'key inside answer': 'keyInsideReply',
}

const ROWS: readonly Row[] = [
  ...lineRows<LineMischief, CommandName>(LINE_FAULTS),
  {
    name: 'refuse',
    takes: 'code',
    needsNumber: true,
    on: 'may',
    make: (code, command) => ({kind: 'refuse', code: code ?? 0, ...(command === null ? {} : {command})}),
  },
  {name: 'wrong check value', on: 'never', make: () => ({kind: 'wrongCheckValue'})},
  {name: 'power cut', on: 'must', make: (_, command) => ({kind: 'power', command: command ?? 'identify'})},
]

const PROFILES = {zt588: ZT588, zt598: ZT598} as const

export const SZZT: StandModel<keyof typeof PROFILES> = {
  name: 'szzt',
  wire: 'serial',
  line: LINE,
  profiles: {
    zt588: 'ZT588: the PAN goes with the start of PIN entry; master key 20, PIN key 30',
    zt598: 'ZT598: the PAN goes with the fetch of the block; master keys 01, 10 and 20, PIN key 30',
  },
  faults: faultWords(ROWS),
  make: (link, clock, random, {profile, world, pace}) => {
    const emulator = new SzztEmulator(link, clock, {
      profile: PROFILES[profile],
      keys: standKeys(PROFILES[profile]),
      remains: remainsFrom(world),
      resetMs: PACES[pace].resetMs,
      random,
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
            purpose: 'power, mode, stars, tones, loaded keys by their index',
            run: () => ({...emulator.world}),
          },
          ...(['closed', 'open'] as const).map(seat => ({
            words: `seat ${seat}`,
            purpose: `the removal switch: ${seat}`,
            run: () => {
              emulator.setSeat(seat)
              return {seat}
            },
          })),
          ...(['high', 'low'] as const).map(dsr => ({
            words: `dsr ${dsr}`,
            purpose: dsr === 'high' ? 'the pad is ready again' : 'the pad is not ready, and says nothing',
            run: () => {
              emulator.setReady(dsr === 'high')
              return {dsr}
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
          ...(['good', 'low'] as const).map(battery => ({
            words: `battery ${battery}`,
            purpose: `the battery that keeps the keys: ${battery}`,
            run: () => {
              emulator.setBattery(battery)
              return {battery}
            },
          })),
        ],
      },
    )
  },
}

/** The published working key lies beside the master key, so that a PIN can be asked for at once. */
function standKeys(profile: Profile): ReadonlyMap<number, PadKey> {
  return new Map([...demoKeys(profile), [profile.pinKeyIndex, {type: KEY_TYPE.pin, key: DEMO_PIN_KEY}]])
}

function worldOf({isTampered, isBatteryLow, keys}: Remains): Fields {
  return {
    isTampered,
    battery: isBatteryLow ? 'low' : 'good',
    keys: (keys ?? []).map(({index, type, wrapped}) => ({
      index,
      use: nameOf(KEY_TYPE, type) ?? undefined,
      wrapped: hexOf(wrapped),
    })),
  }
}

function remainsFrom(world: Json | null): Remains {
  return new Section('', world ?? new Map(), 'part of a PIN pad').closed(s => ({
    isTampered: s.flag('isTampered', false),
    isBatteryLow: s.oneOf('battery', isIn(['good', 'low'] as const), 'good or low', 'good') === 'low',
    keys: s.has('keys') ? s.list('keys', 0, KEYS_MAX, item => item.closed(wrappedKey)) : null,
  }))
}

function wrappedKey(k: Section): WrappedKey {
  return {
    index: k.integer('index', 0, 255),
    type: KEY_TYPE[k.oneOf('use', isIn(KEY_USES), KEY_USES.join(' or '))],
    wrapped: bytesOfHex(k.text('wrapped', /^(?:[0-9A-F]{16}){1,3}$/, '16, 32 or 48 hexadecimal digits')),
  }
}
