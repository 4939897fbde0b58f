/** `balance ...`, `cards clear`: totals, and the bins a person empties. */
import type {Sums} from '../../../fsm/vocabulary.ts'
import {formatAmount, noteCount} from '../../../kit/money.ts'
import {arg, look} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import {replenish} from '../replenish.ts'
import {DONE, facts, refused, table, text} from '../view.ts'
import type {Reply} from '../view.ts'
import {linesOf} from '../view.ts'
import {testCassette} from './devices.ts'
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

/** How long the bank is waited for beside a person. */
const DAY_TIMEOUT_MS = 60_000

async function settle({machine, person}: Scene): Promise<Reply> {
  const from = machine.journal.head.seq
  const why = await machine.closeDay(person.name)
  if (why !== null) return refused(why)
  await machine.until(({state}) => state !== 'closingDay', DAY_TIMEOUT_MS)
  for (const {entry} of machine.journal.rows(from + 1, DAY_ROWS_MAX)) {
    if (entry.kind !== 'event') continue
    const {event} = entry
    if (event.type === 'day.closed')
      return facts(['closed', event.businessDate], ['settlement', event.settlement], ['open', event.next])
    if (event.type === 'day.refused') return refused(`the bank does not close it: ${event.why}`)
  }
  return refused('the bank did not answer; the date is closed when it is back')
}

/** What `settle close` would tell, and the notes with it. */
async function trial({machine}: Scene): Promise<Reply> {
  const {day, whyNot} = await machine.day()
  const sums = ({count, sumMinor}: Sums): string =>
    `${count} for ${formatAmount(sumMinor, machine.currency)} ${machine.currency}`
  return facts(
    ['business date', day.businessDate === '' ? null : day.businessDate],
    ['withdrawals', sums(day.totals.withdrawals)],
    ['reversals', sums(day.totals.reversals)],
    ...day.cash.map(
      ({unit, noteMinor, count}) =>
        [unit, `${count} notes of ${formatAmount(noteMinor, machine.currency)}`] as const,
    ),
    ['can be closed', whyNot === null ? true : `no: ${whyNot}`],
  )
}

/** Rows between a date's end and the bank's answer: few, since nobody's visit is among them. */
const DAY_ROWS_MAX = 20

async function notes({machine}: Scene): Promise<Reply> {
  const {places} = await machine.books()
  return table(
    ['cassette', 'loaded', 'surplus', 'in it', 'path', 'way', 'reject', 'retract', 'customers', 'unknown'],
    places.map(each => [
      each.cassette,
      each.loaded,
      each.surplus,
      each.inCassette,
      each.inPath,
      each.underWay,
      each.rejected,
      each.retracted,
      each.withCustomers,
      each.unknown,
    ]),
  )
}

export const cashCommands: readonly Command[] = [
  look(
    'show notes',
    'where the notes are since they were loaded; nothing is lost between the columns',
    BOOKS,
    notes,
  ),
  look('settle trial', 'what closing the business date would tell the bank', BOOKS, trial),
  {
    words: 'settle close',
    purpose: 'closes the business date with the bank',
    example: 'settle close',
    may: CASH,
    kind: 'act',
    dual: 'never',
    when: 'resting',
    says: 'tell the bank the sums of this date, and go on in the next',
    run: settle,
  },
  {
    words: 'replenish',
    purpose: 'counts, loads and tests the cassettes step by step; goes on where it was left',
    example: 'replenish',
    may: CASH,
    kind: 'talk',
    dual: 'cash',
    when: 'supervisor',
    run: scene => replenish(scene, {totals, test: testCassette}),
  },
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
