/** The SZZT ZT588 and ZT598 as stands of their own. What is typed at them is answered without repeating it. */
import {hexOf, bytesOfHex} from '../../../crypto/hex.ts'
import {COMMAND, LINE, ZT588, ZT598} from '../../../devices/pin-pad/szzt/bytes.ts'
import type {CommandName} from '../../../devices/pin-pad/szzt/bytes.ts'
import {SzztEmulator} from '../../../devices/pin-pad/szzt/emulator.ts'
import type {Remains} from '../../../devices/pin-pad/szzt/emulator.ts'
import type {LineMischief, Mischief} from '../../../devices/pin-pad/szzt/mischief.ts'
import type {Json} from '../../../kit/exact-json.ts'
import {Section, isIn} from '../../../kit/section.ts'
import type {Fields, StandModel} from '../stand.ts'
import {faultWords, faultsFrom} from './faults.ts'
import type {FaultRow} from './faults.ts'
import {keyCommands} from './keys.ts'

const KEYS_MAX = 256
const ORDERS = keysOf(COMMAND)

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
  ...Object.entries(LINE_FAULTS).map(([name, what]): Row => ({
    name,
    ...(what === 'splitReply' || what === 'lateReply' ? {takes: 'ms'} : {}),
    on: 'may',
    make: (ms, command) => ({
      kind: 'line',
      do: what,
      ...(ms === null ? {} : {ms}),
      ...(command === null ? {} : {command}),
    }),
  })),
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
    zt588: 'ZT588: the PAN goes with the start of PIN entry; master key 20',
    zt598: 'ZT598: the PAN goes with the fetch of the block; master key 10',
  },
  faults: faultWords(ROWS),
  make: (link, clock, _random, {profile, world}) => {
    const emulator = new SzztEmulator(link, clock, {profile: PROFILES[profile], remains: remainsFrom(world)})
    return {
      start: () => emulator.start(),
      stop: () => emulator.stop(),
      world: () => worldOf(emulator.remains),
      watch: listener => {
        let isWatching = true
        emulator.onChange(() => {
          if (isWatching) listener()
        })
        return () => {
          isWatching = false
        }
      },
      plan: text => {
        for (const mischief of faultsFrom(text, ROWS, ORDERS)) emulator.plan(mischief)
      },
      commands: [
        ...keyCommands(key => emulator.press(key)),
        {
          words: 'show state',
          purpose: 'power, mode, stars, tones, loaded keys by their index',
          run: () => ({...emulator.world}),
        },
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
      powerCut: () => {
        emulator.cutPower()
      },
      powerOn: () => {
        emulator.restorePower()
      },
      get transcript() {
        return emulator.transcript
      },
    }
  },
}

/** Keys stand in the world as they came over the wire: encrypted. */
function worldOf({isTampered, isBatteryLow, loaded}: Remains): Fields {
  return {
    isTampered,
    battery: isBatteryLow ? 'low' : 'good',
    pinKeys: loaded.map(({masterIndex, index, encryptedKey}) => ({
      masterIndex,
      index,
      encryptedKey: hexOf(encryptedKey),
    })),
  }
}

function remainsFrom(world: Json | null): Remains {
  return new Section('', world ?? new Map(), 'part of a PIN pad').closed(s => ({
    isTampered: s.flag('isTampered', false),
    isBatteryLow: s.oneOf('battery', isIn(['good', 'low'] as const), 'good or low', 'good') === 'low',
    loaded: s.list(
      'pinKeys',
      0,
      KEYS_MAX,
      item =>
        item.closed(k => ({
          masterIndex: k.integer('masterIndex', 0, 255),
          index: k.integer('index', 0, 255),
          encryptedKey: bytesOfHex(
            k.text('encryptedKey', /^(?:[0-9A-F]{32}|[0-9A-F]{48})$/, '32 or 48 hexadecimal digits'),
          ),
        })),
      [],
    ),
  }))
}

function keysOf<Key extends string>(table: Readonly<Record<Key, unknown>>): readonly Key[] {
  const keys: Key[] = []
  for (const key in table) keys.push(key)
  return keys
}
