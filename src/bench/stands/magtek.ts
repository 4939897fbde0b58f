/** The MagTek swipe and insert readers as a stand of their own, with cards to draw through or to push in. */
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import type {Card} from '../../../devices/card-reader/emulator-card.ts'
import {COMMANDS} from '../../../devices/card-reader/magtek/bytes.ts'
import type {CommandName} from '../../../devices/card-reader/magtek/bytes.ts'
import {MagtekEmulator} from '../../../devices/card-reader/magtek/emulator.ts'
import type {EmulatorOptions, Mischief, Remains} from '../../../devices/card-reader/magtek/emulator.ts'
import type {Json} from '../../../kit/exact-json.ts'
import {Section} from '../../../kit/section.ts'
import {keysOf} from '../../../kit/table.ts'
import type {Fields, StandModel} from '../stand.ts'
import {Deck, cardCommands} from './cards.ts'
import {standOf} from './emulated.ts'
import {faultWords} from './faults.ts'
import type {FaultRow} from './faults.ts'
import {readerFaults} from './motor-reader.ts'
import {PLASTIC, cardFields, cardFrom} from './plastic.ts'

const PROFILES = {
  swipe: '0801:0011, MagneSafe V5 swipe, reports of 887 bytes, tracks in clear',
  sureswipe: '0801:0002, SureSwipe, reports of 337 bytes',
  insert: '0801:0013, MagneSafe V5 insert, reports of 887 bytes, tracks in clear',
  'swipe-856': '0801:0011 with the reports of older readers, 856 bytes',
  'swipe-931': '0801:0011 with reports of 931 bytes',
  'swipe-masked': '0801:0011 whose masked fields are masked even while nothing is encrypted',
  'swipe-encrypting': '0801:0011 at security level 3: tracks encrypted, and masked',
} as const

const MAKES: Readonly<Record<keyof typeof PROFILES, EmulatorOptions>> = {
  swipe: {},
  sureswipe: {productId: 0x0002},
  insert: {productId: 0x0013},
  'swipe-856': {inputBytes: 856},
  'swipe-931': {inputBytes: 931},
  'swipe-masked': {masksInClear: true},
  'swipe-encrypting': {},
}

type Row = FaultRow<Mischief, CommandName>

const ROWS: readonly Row[] = [
  ...readerFaults<CommandName>(['loseEnq', 'garbageBeforeReply'], 'getProperty').filter(
    // Nothing in these readers moves.
    ({name}) => !name.startsWith('jam'),
  ),
  {name: 'report lost', on: 'never', make: () => ({kind: 'reportLost'})},
  {name: 'bad read', on: 'never', make: () => ({kind: 'badRead'})},
]

const ORDERS = keysOf(COMMANDS)
const PROPERTIES_MAX = 32

export const MAGTEK: StandModel<keyof typeof PROFILES> = {
  name: 'magtek',
  wire: 'hid',
  profiles: PROFILES,
  faults: faultWords(ROWS),
  make: (far, clock, _random, {profile, world}) => {
    const level = profile === 'swipe-encrypting' ? 3 : 2
    const {deck, remains} = worldFrom(world, profile === 'insert', level)
    const emulator = new MagtekEmulator(far, clock, {...MAKES[profile], remains})
    return standOf(
      emulator,
      {rows: ROWS, orders: ORDERS},
      {
        world: () => worldOf(emulator.remains, deck),
        commands: [
          ...cardCommands(deck, {
            insert: card => emulator.insert(card),
            take: () => emulator.take(),
          }),
          {
            words: 'show state',
            purpose: 'power, whether a card stands in the slot, counts, security level',
            run: () => ({...emulator.world}),
          },
        ],
      },
    )
  },
}

function worldOf(
  {card, takenCount, securityLevel, keyCounter, swipeCount, properties}: Remains,
  deck: Deck<Card>,
): Fields {
  const given = deck.given(cardFields)
  return {
    ...(given.length === 0 ? {} : {cards: given}),
    ...(card === null ? {} : {card: deck.nameOf(card)}),
    takenCount,
    securityLevel,
    keyCounter,
    swipeCount,
    properties: Array.from(properties, ([number, value]) => ({number, value: hexOf(value)})),
  }
}

/** @throws BadInput */
function worldFrom(
  world: Json | null,
  hasSlot: boolean,
  level: 2 | 3,
): {readonly deck: Deck<Card>; readonly remains: Remains} {
  return new Section('', world ?? new Map(), 'part of a card reader').closed(s => {
    const deck = Deck.from(s, PLASTIC, cardFrom)
    const name = s.has('card') ? s.text('card', /^.{1,32}$/, 'the name of a card') : null
    if (name !== null && !hasSlot) s.refuse('card', 'cannot be: nothing stays in a swipe reader')
    return {
      deck,
      remains: {
        card: name === null ? null : deck.named(name, 'card'),
        place: 'frontFree',
        bin: [],
        takenCount: s.integer('takenCount', 0, 1_000_000, 0),
        securityLevel: s.integer('securityLevel', 2, 3, level) === 3 ? 3 : 2,
        keyCounter: s.integer('keyCounter', 1, 0x1fffff, 1),
        swipeCount: s.integer('swipeCount', 0, 0xffffff, 0),
        properties: new Map(
          s.list(
            'properties',
            0,
            PROPERTIES_MAX,
            item =>
              item.closed(
                p =>
                  [
                    p.integer('number', 0, 0xff),
                    bytesOfHex(
                      p.text('value', /^(?:[0-9A-F]{2}){0,15}$/, 'up to 15 bytes as hexadecimal digits'),
                    ),
                  ] as const,
              ),
            [],
          ),
        ),
      },
    }
  })
}
