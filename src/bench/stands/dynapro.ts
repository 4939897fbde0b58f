/** The DynaPro Mini as a stand of its own. What is typed at it is answered without repeating it. */
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {COMMAND_BYTES, COMMANDS} from '../../../devices/pin-pad/dynapro/bytes.ts'
import type {CommandName} from '../../../devices/pin-pad/dynapro/bytes.ts'
import {DynaProEmulator, NEW} from '../../../devices/pin-pad/dynapro/emulator.ts'
import type {Mischief, Remains} from '../../../devices/pin-pad/dynapro/emulator.ts'
import {swipedCard} from '../../../devices/pin-pad/dynapro/emulator-card.ts'
import type {PinKey} from '../../../devices/pin-pad/dynapro/emulator-module.ts'
import type {LineMischief} from '../../../devices/pin-pad/mischief.ts'
import type {Json} from '../../../kit/exact-json.ts'
import {Section, isIn} from '../../../kit/section.ts'
import {keysOf} from '../../../kit/table.ts'
import type {Fields, StandCommand, StandModel} from '../stand.ts'
import {DEMO_TRACKS, Deck} from './cards.ts'
import {standOf} from './emulated.ts'
import {faultWords, lineRows} from './faults.ts'
import type {FaultRow} from './faults.ts'
import {keyCommands} from './keys.ts'

const PROFILES = {
  mini: 'firmware as of 2018: six bytes of state, key bits 01 exhausted and 10 missing; DUKPT keys as published',
  'mini-2014': 'firmware as of 2014: five bytes of state, key bits 01 missing and 10 exhausted',
  'fixed-key': 'one PIN key for good: PIN reports with a KSN of zeros',
  'no-key': 'no PIN key: a PIN request gets ACK status 85',
} as const

const PIN_KEYS: Readonly<Record<keyof typeof PROFILES, PinKey>> = {
  mini: 'dukpt',
  'mini-2014': 'dukpt',
  'fixed-key': 'fixed',
  'no-key': 'none',
}

type Row = FaultRow<Mischief, CommandName>

const LINE_FAULTS: Readonly<Record<string, LineMischief>> = {
  'frame ignored': 'ignoreFrame',
  'answer lost': 'dropReply',
  'answer corrupt': 'corruptReply',
  'answer late': 'lateReply',
  'report twice': 'duplicateReply',
  'garbage before report': 'garbageBeforeReply',
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
  {name: 'keypad security', on: 'never', make: () => ({kind: 'keypadSecurity'})},
  {name: 'PIN report lost', on: 'never', make: () => ({kind: 'losePin'})},
  {
    name: 'power cut',
    on: 'must',
    make: (_, command) => ({kind: 'power', command: command ?? 'requestStatus'}),
  },
]

const ORDERS = keysOf(COMMANDS)

export const DYNAPRO: StandModel<keyof typeof PROFILES> = {
  name: 'dynapro',
  wire: 'hid',
  profiles: PROFILES,
  faults: faultWords(ROWS),
  make: (far, clock, random, {profile, world}) => {
    const emulator = new DynaProEmulator(far, clock, random, {
      firmware: profile === 'mini-2014' ? 2014 : 2018,
      remains: remainsFrom(world, PIN_KEYS[profile]),
    })
    return standOf(
      emulator,
      {rows: ROWS, orders: ORDERS},
      {
        world: () => worldOf(emulator.remains),
        commands: commandsOf(emulator),
      },
    )
  },
}

function commandsOf(emulator: DynaProEmulator): readonly StandCommand[] {
  const deck = new Deck(DEMO_TRACKS, new Map<string, string>())
  return [
    ...keyCommands(emulator),
    {
      words: 'show state',
      purpose: 'power, device state, message on the display, stars, beeps',
      run: () => ({...emulator.world}),
    },
    {
      words: 'swipe card NAME',
      purpose: 'a card through the pad’s own slot: read, or ignored',
      run: ([name = '']) => ({
        card: name,
        outcome: emulator.swipe(swipedCard(deck.named(name, 'swipe card'))),
      }),
    },
    {
      words: 'tamper',
      purpose: 'somebody opens the pad: its keys are gone',
      run: () => {
        emulator.tamper()
        return {isTampered: true}
      },
    },
    {
      words: 'fail',
      purpose: 'a device error, until the session is ended',
      run: () => {
        emulator.fail()
        return {deviceError: true}
      },
    },
    {
      words: 'wake',
      purpose: 'the bus slept and woke: the session is lost, the link is not',
      run: () => {
        emulator.wake()
        return {woken: true}
      },
    },
  ]
}

function worldOf({pinKey, pinCounter, isTampered, configuration}: Remains): Fields {
  return {pinKey, pinCounter, isTampered, configuration: hexOf(configuration)}
}

/** @throws BadInput */
function remainsFrom(world: Json | null, pinKey: PinKey): Remains {
  return new Section('', world ?? new Map(), 'part of a PIN pad').closed(s => ({
    pinKey: s.oneOf('pinKey', isIn(['dukpt', 'fixed', 'none'] as const), 'dukpt, fixed or none', pinKey),
    pinCounter: s.integer('pinCounter', 0, 0x1fffff, 0),
    isTampered: s.flag('isTampered', false),
    configuration: bytesOfHex(
      s.text('configuration', CONFIGURATION, `${COMMAND_BYTES.configure} bytes`, hexOf(NEW.configuration)),
    ),
  }))
}

const CONFIGURATION = new RegExp(`^[0-9A-F]{${2 * COMMAND_BYTES.configure}}$`)
