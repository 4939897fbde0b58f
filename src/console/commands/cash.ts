/** `balance ...`, `cards clear`: totals, and the bins a person empties. */
import {noteCount} from '../../../kit/money.ts'
import {formatAmount} from '../../../kit/money.ts'
import {arg, look} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import {DONE, table, text} from '../view.ts'
import type {Reply} from '../view.ts'
import {linesOf} from '../view.ts'
import {BOOKS, CASH} from './roles.ts'
import {timeText} from './show.ts'

/** The totals since they were closed last, as lines. */
export async function totals({machine}: Pick<Scene, 'machine'>): Promise<readonly string[]> {
  const books = await machine.books()
  const rows = books.cassettes.map(({cassette, noteMinor, loaded, dispensed, rejected, unknown}) => [
    cassette,
    formatAmount(noteMinor, machine.currency),
    loaded,
    dispensed,
    rejected,
    unknown,
  ])
  const view = {
    kind: 'table',
    columns: ['cassette', 'note', 'loaded', 'dispensed', 'rejected', 'unknown'],
    rows,
  } as const
  const since = books.sinceMs === null ? 'the beginning' : timeText(books.sinceMs)
  return [
    `totals since ${since}`,
    ...linesOf(view),
    `visits ${books.visits}, completed ${books.completed.count} for ${formatAmount(books.completed.sumMinor, machine.currency)} ${machine.currency}, reversed ${books.reversed}, in suspense ${books.suspense.length}`,
  ]
}

async function close(scene: Scene): Promise<Reply> {
  const lines = await totals(scene)
  scene.machine.journal.note({type: 'totals.closed', person: scene.person.name})
  return text(lines)
}

export const cashCommands: readonly Command[] = [
  look('balance trial', 'the totals, and leaves them', BOOKS, async scene => text(await totals(scene))),
  {
    words: 'balance close',
    purpose: 'the totals, and begins them anew',
    example: 'balance close',
    may: CASH,
    kind: 'act',
    dual: 'never',
    when: 'resting',
    says: 'close the totals',
    run: close,
  },
  {
    words: 'cards clear COUNT',
    purpose: 'the retain bin was emptied of so many cards',
    example: 'cards clear 2',
    may: CASH,
    kind: 'act',
    dual: 'cash',
    when: 'supervisor',
    says: 'record that the retain bin was emptied',
    run: async scene => {
      const {machine, person} = scene
      const expected = (await machine.books()).retained.length
      const count = noteCount(Number(arg(scene, 'COUNT')))
      machine.journal.note({type: 'cards.cleared', person: person.name, count})
      return count === expected ? DONE : table(['cards by the journal', 'cards counted'], [[expected, count]])
    },
  },
]
