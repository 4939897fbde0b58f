/** `ej ...` and visits: the record, read. Nothing here can change it. */
import {sessionIdOf} from '../../../journal/entry.ts'
import type {Stored} from '../../../journal/entry.ts'
import {exportText} from '../../../journal/export.ts'
import {arg, look} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import {facts, refused, table, text} from '../view.ts'
import type {Reply} from '../view.ts'
import {BOOKS, HANDS} from './roles.ts'
import {timeText} from './show.ts'

const READERS = [...new Set([...BOOKS, ...HANDS])]
/** Rows of one answer. */
const ROWS_MAX = 500

function printed({machine}: Scene, rows: readonly Stored[]): Reply {
  const {terminal, currency} = machine
  if (rows.length === 0) return refused('there are no such rows')
  return text(exportText(rows, {terminal, currency}).trimEnd().split('\n'))
}

function last(scene: Scene): Reply {
  const {journal} = scene.machine
  const count = Number(arg(scene, 'COUNT'))
  if (count < 1 || count > ROWS_MAX) return refused(`from 1 to ${ROWS_MAX} rows at once`)
  return printed(scene, journal.rows(Math.max(1, journal.head.seq - count + 1), count))
}

async function visits({machine}: Scene): Promise<Reply> {
  const {recentVisits} = await machine.books()
  return table(
    ['visit', 'began', 'rows'],
    recentVisits.map(({id, atMs, rows}) => [id, timeText(atMs), rows]),
  )
}

function verified({machine}: Scene): Reply {
  const verdict = machine.journal.verify()
  return verdict.kind === 'whole'
    ? facts(['chain', 'whole'], ['rows', verdict.rows])
    : facts(['chain', 'BROKEN'], ['at row', verdict.at], ['why', verdict.why])
}

async function dispute(scene: Scene): Promise<Reply> {
  const told = await scene.machine.dispute(arg(scene, 'KEY'))
  return told.kind === 'told' ? text(told.lines) : refused(told.why)
}

export const journalCommands: readonly Command[] = [
  look('ej last COUNT', 'the last rows of the journal', READERS, last, 'ej last 20'),
  look(
    'ej row ROW',
    'twenty rows from that one on',
    READERS,
    scene => printed(scene, scene.machine.journal.rows(Number(arg(scene, 'ROW')), 20)),
    'ej row 418',
  ),
  {...look('ej verify', 'checks every row against its chain', READERS, verified), when: 'resting'},
  {
    ...look(
      'ej dispute KEY',
      'all about one payout, with what proves it',
      BOOKS,
      dispute,
      'ej dispute ATM1:2026-11-22:000418',
    ),
    when: 'resting',
  },
  look('show ej chain', 'number and hash of the last row', READERS, ({machine}) =>
    facts(['rows', machine.journal.head.seq], ['hash', machine.journal.head.hash]),
  ),
  look('show sessions', 'the last visits', READERS, visits),
  look(
    'show session VISIT',
    'one visit, row by row',
    READERS,
    scene => printed(scene, scene.machine.journal.session(sessionIdOf(arg(scene, 'VISIT')))),
    'show session visit-17',
  ),
]
