/** The Creator CRT-310 as a stand of its own, with cards to put in. */
import {COMMANDS, LINE, TRACK_FAULT} from '../../../devices/card-reader/crt310/bytes.ts'
import type {CommandName} from '../../../devices/card-reader/crt310/bytes.ts'
import type {Card, Place, Remains} from '../../../devices/card-reader/crt310/card-path.ts'
import {Crt310Emulator} from '../../../devices/card-reader/crt310/emulator.ts'
import type {LineMischief, Mischief} from '../../../devices/card-reader/crt310/mischief.ts'
import type {Json} from '../../../kit/exact-json.ts'
import {Section, isIn} from '../../../kit/section.ts'
import {PACES} from '../pace.ts'
import type {Fields, StandModel} from '../stand.ts'
import {DEMO_TRACKS, Deck, cardCommands} from './cards.ts'
import {faultWords, faultsFrom} from './faults.ts'
import type {FaultRow} from './faults.ts'

const PLACES: readonly Place[] = ['frontHeld', 'frontFree', 'inside', 'insideContact', 'rearHeld']
const STRIPES = ['good', 'notReadable', ...keysOf(TRACK_FAULT)] as const
const LENGTHS = ['normal', 'long', 'short'] as const
const BIN_MAX = 1_000

/** The demonstration bank's cards, and cards of which each shows one thing that can be wrong with one. */
const CARDS: ReadonlyMap<string, Card> = new Map<string, Card>([
  ...[...DEMO_TRACKS].map(([name, track2]) => [name, {track2}] as const),
  ...STRIPES.slice(1).map(stripe => [stripe, {track2: '', stripe}] as const),
  ['long', {track2: '', length: 'long'}],
  ['short', {track2: '', length: 'short'}],
])

const ORDERS = keysOf(COMMANDS)

const LINE_FAULTS: Readonly<Record<string, LineMischief>> = {
  'frame ignored': 'ignoreFrame',
  nak: 'nak',
  'acknowledgement lost': 'dropAck',
  'enquiry lost': 'loseEnq',
  'answer lost': 'dropReply',
  'answer corrupt': 'corruptReply',
  'answer split': 'splitReply',
  'answer late': 'lateReply',
  'answer twice': 'duplicateReply',
  'garbage before answer': 'garbageBeforeReply',
}

const ROWS: readonly FaultRow<Mischief, CommandName>[] = [
  ...Object.entries(LINE_FAULTS).map(([name, what]): FaultRow<Mischief, CommandName> => ({
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
  ...(['insert', 'eject', 'capture'] as const).map((journey): FaultRow<Mischief, CommandName> => ({
    name: `jam at ${journey}`,
    on: 'never',
    make: () => ({kind: 'jam', journey}),
  })),
  {
    name: 'power cut',
    on: 'must',
    make: (_, command) => ({kind: 'power', command: command ?? 'status'}),
  },
]

export const CRT310: StandModel<'v3'> = {
  name: 'crt310',
  wire: 'serial',
  line: LINE,
  profiles: {v3: 'version text CRT 310 V3.0'},
  faults: faultWords(ROWS),
  make: (link, clock, _random, {world, pace}) => {
    const found = worldFrom(world)
    const emulator = new Crt310Emulator(link, clock, {
      moveMs: PACES[pace].cardMoveMs,
      remains: found.remains,
    })
    return {
      start: () => emulator.start(),
      stop: () => emulator.stop(),
      world: () => worldOf(emulator.remains, found.deck),
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
        ...cardCommands(found.deck, {
          insert: card => emulator.insert(card),
          take: () => emulator.take(),
        }),
        {
          words: 'show state',
          purpose: 'power, mouth, where a card is, counts',
          run: () => ({...emulator.world}),
        },
        ...(['good', 'outside', 'backup'] as const).map(supply => ({
          words: `supply ${supply}`,
          purpose: `the supply voltage: ${supply}`,
          run: () => {
            emulator.setSupply(supply)
            return {supply}
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

interface Found {
  readonly deck: Deck<Card>
  readonly remains: Remains
}

function worldFrom(world: Json | null): Found {
  return new Section('', world ?? new Map(), 'part of a card reader').closed(s => {
    const deck = Deck.from(s, CARDS, cardFrom)
    const at = s.oneOf('at', isIn(['none', ...PLACES] as const), `none, ${PLACES.join(', ')}`, 'none')
    const name = /^.{1,32}$/
    return {
      deck,
      remains: {
        card: at === 'none' ? null : deck.named(s.text('card', name, 'the name of a card'), 'card'),
        place: at === 'none' ? 'inside' : at,
        bin: s.list(
          'bin',
          0,
          BIN_MAX,
          item => deck.named(item.itself(name, 'the name of a card'), 'bin'),
          [],
        ),
        takenCount: s.integer('takenCount', 0, 1_000_000, 0),
      },
    }
  })
}

function cardFrom(s: Section): Card {
  return {
    track2: s.text('track2', /^[0-9=]{0,37}$/, 'up to 37 digits with one = between'),
    stripe: s.oneOf('stripe', isIn(STRIPES), STRIPES.join(', '), 'good'),
    length: s.oneOf('length', isIn(LENGTHS), LENGTHS.join(', '), 'normal'),
  }
}

function worldOf({card, place, bin, takenCount}: Remains, deck: Deck<Card>): Fields {
  const given = deck.given(({track2, stripe, length}) => ({track2, stripe, length}))
  return {
    ...(given.length === 0 ? {} : {cards: given}),
    ...(card === null ? {at: 'none'} : {at: place, card: deck.nameOf(card)}),
    bin: bin.map(one => deck.nameOf(one)),
    takenCount,
  }
}

function keysOf<Key extends string>(table: Readonly<Record<Key, unknown>>): readonly Key[] {
  const keys: Key[] = []
  for (const key in table) keys.push(key)
  return keys
}
