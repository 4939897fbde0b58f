/** What the stands of all motor card readers have in common: cards to put in, a bin, a customer's hand. */
import type {Card} from '../../../devices/card-reader/emulator-card.ts'
import type {LineMischief, Mischief} from '../../../devices/card-reader/emulator-mischief.ts'
import {JOURNEYS, PLACES} from '../../../devices/card-reader/emulator-path.ts'
import type {Remains} from '../../../devices/card-reader/emulator-path.ts'
import type {CardReaderEmulator} from '../../../devices/card-reader/emulator-reader.ts'
import type {Json} from '../../../kit/exact-json.ts'
import {Section, isIn} from '../../../kit/section.ts'
import type {Fields, Stand, StandCommand} from '../stand.ts'
import {Deck, cardCommands} from './cards.ts'
import {standOf} from './emulated.ts'
import {lineRows} from './faults.ts'
import type {FaultRow} from './faults.ts'
import {PLASTIC, cardFields, cardFrom} from './plastic.ts'

const BIN_MAX = 1_000
const STACKED_MAX = 1_000

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

/**
 * What can go wrong with a motor reader.
 * @param without what the line of this model cannot do
 * @param lookedAt the command that a power cut strikes where none is named
 */
export function readerFaults<Command extends string>(
  without: readonly LineMischief[],
  lookedAt: Command,
): readonly FaultRow<Mischief<Command>, Command>[] {
  type Row = FaultRow<Mischief<Command>, Command>
  return [
    ...lineRows<LineMischief, Command>(
      Object.fromEntries(Object.entries(LINE_FAULTS).filter(([, what]) => !without.includes(what))),
    ),
    {
      name: 'refuse',
      takes: 'code',
      needsNumber: true,
      on: 'may',
      make: (code, command) => ({
        kind: 'refuse',
        code: code ?? 0,
        ...(command === null ? {} : {command}),
      }),
    },
    ...JOURNEYS.map((journey): Row => ({
      name: `jam at ${journey}`,
      on: 'never',
      make: () => ({kind: 'jam', journey}),
    })),
    {
      name: 'power cut',
      on: 'must',
      make: (_, command) => ({kind: 'power', command: command ?? lookedAt}),
    },
  ]
}

/** A world as `make` was given it. */
export interface ReaderWorld {
  readonly deck: Deck<Card>
  readonly remains: Remains
}

/** @param stacked blank cards in the default world; 0 where there is no stacker. @throws BadInput */
export function readerWorld(world: Json | null, stacked: number): ReaderWorld {
  return new Section('', world ?? new Map(), 'part of a card reader').closed(s => {
    const deck = Deck.from(s, PLASTIC, cardFrom)
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
        stackedCount: s.integer('stackedCount', 0, stacked === 0 ? 0 : STACKED_MAX, stacked),
      },
    }
  })
}

function worldFields({card, place, bin, takenCount, stackedCount}: Remains, deck: Deck<Card>): Fields {
  const given = deck.given(cardFields)
  return {
    ...(given.length === 0 ? {} : {cards: given}),
    ...(card === null ? {at: 'none'} : {at: place, card: deck.nameOf(card)}),
    bin: bin.map(one => deck.nameOf(one)),
    takenCount,
    ...(stackedCount === undefined || stackedCount === 0 ? {} : {stackedCount}),
  }
}

export interface MotorReader<Command extends string> extends CardReaderEmulator {
  plan(mischief: Mischief<Command>): void
  /** The operator's hand. @returns what lay in the bin */
  emptyBin(): readonly Card[]
}

/** The stand of such a reader. @param commands of this model alone */
export function motorReaderStand<Command extends string>(
  emulator: MotorReader<Command>,
  deck: Deck<Card>,
  rows: readonly FaultRow<Mischief<Command>, Command>[],
  orders: readonly Command[],
  commands: readonly StandCommand[],
): Stand {
  return standOf(
    emulator,
    {rows, orders},
    {
      world: () => worldFields(emulator.remains, deck),
      commands: [
        ...cardCommands(deck, {
          insert: card => emulator.insert(card),
          take: () => emulator.take(),
        }),
        {
          words: 'show state',
          purpose: 'power, mouth, where a card is, counts',
          run: () => ({...emulator.world}),
        },
        {
          words: 'empty bin',
          purpose: 'the operator takes the kept cards out: their names',
          run: () => ({cards: emulator.emptyBin().map(card => deck.nameOf(card))}),
        },
        ...commands,
      ],
    },
  )
}
