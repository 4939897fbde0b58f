/** `ej ...`, visits, suspense: the record, read. Nothing here can change it. */
import {sessionIdOf} from '../../../journal/entry.ts'
import type {Stored} from '../../../journal/entry.ts'
import {exportText} from '../../../journal/export.ts'
import {formatAmount} from '../../../kit/money.ts'
import {arg, look} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import {facts, refused, table, text} from '../view.ts'
import type {Reply} from '../view.ts'
import {BOOKS, HANDS} from './roles.ts'
import {spanText, timeText} from './show.ts'

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

async function suspense({machine, clock}: Scene): Promise<Reply> {
  const {suspects} = await machine.books()
  const nowMs = clock.wallMs()
  return table(
    ['reference', 'at least', 'at most', 'age', 'bank'],
    suspects.map(({key, atMs, atLeastMinor, atMostMinor, isTold}) => [
      key,
      formatAmount(atLeastMinor, machine.currency),
      formatAmount(atMostMinor, machine.currency),
      spanText(nowMs - atMs),
      isTold ? 'told' : 'not told yet',
    ]),
  )
}

async function suspect(scene: Scene): Promise<Reply> {
  const {machine, clock} = scene
  const found = (await machine.books()).suspects.find(({key}) => key === arg(scene, 'KEY'))
  if (found === undefined) return refused('no suspect operation has that reference')
  const money = (amountMinor: typeof found.atLeastMinor): string =>
    `${formatAmount(amountMinor, machine.currency)} ${machine.currency}`
  return facts(
    ['reference', found.key],
    ['since', timeText(found.atMs)],
    ['age', spanText(clock.wallMs() - found.atMs)],
    ['customer has at least', money(found.atLeastMinor)],
    ['customer has at most', money(found.atMostMinor)],
    ['rule', found.rule],
    ['bank', found.isTold ? 'told' : 'not told yet'],
  )
}

function verified({machine}: Scene): Reply {
  const verdict = machine.journal.verify()
  return verdict.kind === 'whole'
    ? facts(['chain', 'whole'], ['rows', verdict.rows])
    : facts(['chain', 'BROKEN'], ['at row', verdict.at], ['why', verdict.why])
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
  look('suspense list', 'operations of which nobody knows for certain', BOOKS, suspense),
  look('suspense show KEY', 'one of them', BOOKS, suspect, 'suspense show ATM1:2026-11-22:000418'),
]
