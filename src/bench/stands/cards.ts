/** Cards by name, for the stands of card readers: what a rig puts in, and what a reader is found with. */
import {DEMO_CARDS} from '../../../host/demo.ts'
import {BadInput} from '../../../kit/errors.ts'
import type {Section} from '../../../kit/section.ts'
import type {Fields, StandCommand} from '../stand.ts'

const NAME = /^[a-zA-Z0-9-]{1,32}$/
const CARDS_MAX = 1_000

/** The demonstration bank's cards, `ada` to `dina`: track 2 without its sentinels, by the holder's first name. */
export const DEMO_TRACKS: ReadonlyMap<string, string> = new Map(
  DEMO_CARDS.map(({holder, track2}) => [(holder.split(' ')[0] ?? holder).toLowerCase(), track2.slice(1, -1)]),
)

/** The cards there are: those that a model brings along, and those of a world. */
export class Deck<Card> {
  readonly #cards: ReadonlyMap<string, Card>
  readonly #given: ReadonlyMap<string, Card>

  constructor(brought: ReadonlyMap<string, Card>, given: ReadonlyMap<string, Card>) {
    this.#given = given
    this.#cards = new Map([...brought, ...given])
  }

  /**
   * The cards that the model brings along and the world's own, a list of `{"name": ..., more}` in its field `cards`.
   * @param read what a card is, from the fields beside its name
   */
  static from<Card>(s: Section, brought: ReadonlyMap<string, Card>, read: (s: Section) => Card): Deck<Card> {
    const given = s.list(
      'cards',
      0,
      CARDS_MAX,
      item => item.closed(f => [f.text('name', NAME, '1 to 32 letters, digits or dashes'), read(f)] as const),
      [],
    )
    return new Deck(brought, new Map(given))
  }

  /** @param field where the name stands. @throws BadInput */
  named(name: string, field: string): Card {
    const card = this.#cards.get(name)
    if (card === undefined)
      throw new BadInput(
        `${field}: there is no card '${name}'; there are ${[...this.#cards.keys()].join(', ')}`,
      )
    return card
  }

  nameOf(card: Card): string {
    for (const [name, one] of this.#cards) if (one === card) return name
    throw new BadInput('that card is not of this deck')
  }

  /** The field `cards` as it was given. @param write the fields of a card beside its name */
  given(write: (card: Card) => Fields): readonly Fields[] {
    return [...this.#given].map(([name, card]) => ({name, ...write(card)}))
  }
}

/** The hand of the customer at a reader that takes cards in or lets them be drawn through. */
export function cardCommands<Card>(
  deck: Deck<Card>,
  hand: {
    readonly insert: (card: Card) => string
    readonly take: () => Card | null
  },
): readonly StandCommand[] {
  return [
    {
      words: 'insert card NAME',
      purpose: 'the customer pushes a card in: inserted, or refused',
      run: ([name = '']) => ({card: name, outcome: hand.insert(deck.named(name, 'insert card'))}),
    },
    {
      words: 'take card',
      purpose: 'the customer takes the card that is within reach: its name, or null',
      run: () => {
        const card = hand.take()
        return {card: card === null ? null : deck.nameOf(card)}
      },
    },
  ]
}
