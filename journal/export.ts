/** The journal on paper: readable lines for an auditor, and JSON lines from which the chain can be recomputed. */
import {isoTime} from '../kit/clock.ts'
import type {Currency} from '../kit/money.ts'
import {GENESIS, rowJson} from './chain.ts'
import {answersOf, bodyOf} from './entry.ts'
import type {Stored} from './entry.ts'
import {isIntent} from './reader.ts'
import {sentenceOf} from './sentences.ts'

/** Columns of the paper. */
export const COLUMNS_MAX = 80

/** Where a sentence begins: after time, row number and mark. */
const SENTENCE_COLUMN = 24

/** Whose journal it is, and what its amounts are counted in. */
export interface ExportOrigin {
  readonly terminal: string
  readonly currency: Currency
}

/**
 * Rows as lines of at most COLUMNS_MAX columns, in UTC. `>` marks an order, `<` its outcome with the order's number, `*` a fact.
 * Closes with the orders that no row among these answers.
 * @param rows in order; one visit, or any range
 */
export function exportText(rows: readonly Stored[], origin: ExportOrigin): string {
  const lines = [...header(rows, origin), '']
  let day = ''
  for (const row of rows) {
    const [date = '', time = ''] = isoTime(row.atMs).split('T')
    if (date !== day) lines.push(`${date} UTC`)
    day = date
    const answers = answersOf(row.entry)
    const outcome = answers === null ? '' : `to ${answers}: `
    const prefix = `${time.slice(0, 12)} ${row.seq.toString().padStart(8)} ${markOf(row)} `
    lines.push(...wrapped(prefix, outcome + sentenceOf(row.entry, origin.currency)))
  }
  const answered = new Set(rows.map(row => answersOf(row.entry)))
  const open = rows.filter(row => isIntent(row) && !answered.has(row.seq)).map(row => row.seq)
  const closing = open.length === 0 ? 'none' : open.join(', ')
  lines.push('', ...wrapped('', `Orders without an outcome in these rows: ${closing}`))
  return lines.map(line => `${line}\n`).join('')
}

/**
 * One JSON object a line: `{"hash":...,"row":{...}}`. A row's hash is the SHA-256 of the hash in the line before (64 zeros
 * before row 1), a newline, and the text of its `row` as it stands here.
 * @param rows in order
 */
export function exportJsonLines(rows: readonly Stored[]): string {
  return rows.map(row => `{"hash":"${row.hash}","row":${rowText(row)}}\n`).join('')
}

function rowText({seq, session, atMs, entry}: Stored): string {
  return rowJson({seq, session, atMs, kind: entry.kind, answers: answersOf(entry), body: bodyOf(entry)})
}

function header(rows: readonly Stored[], {terminal, currency}: ExportOrigin): readonly string[] {
  const first = rows[0]
  const last = rows.at(-1)
  const sessions = [...new Set(rows.flatMap(row => (row.session === null ? [] : [row.session])))]
  return [
    ...wrapped('Journal of   ', `${terminal}, amounts in ${currency}`),
    ...wrapped('Visits       ', sessions.length === 0 ? 'none' : sessions.join(', ')),
    `Rows         ${first?.seq ?? 0} to ${last?.seq ?? 0} (${rows.length})`,
    `First hash   ${first?.hash ?? GENESIS}`,
    `Last hash    ${last?.hash ?? GENESIS}`,
  ]
}

function markOf(row: Stored): string {
  if (isIntent(row)) return '>'
  return answersOf(row.entry) === null ? '*' : '<'
}

/** Breaks at spaces, a word that is longer than a line anywhere; further lines are indented. */
function wrapped(prefix: string, text: string): readonly string[] {
  const indent = ' '.repeat(prefix === '' ? 2 : Math.min(prefix.length, SENTENCE_COLUMN))
  const lines: string[] = []
  let line = prefix
  let isFresh = true
  for (const word of text.split(' ')) {
    let rest = word
    if (!isFresh && line.length + 1 + rest.length > COLUMNS_MAX) {
      lines.push(line)
      line = indent
      isFresh = true
    }
    if (!isFresh) line += ' '
    while (line.length + rest.length > COLUMNS_MAX) {
      lines.push(line + rest.slice(0, COLUMNS_MAX - line.length))
      rest = rest.slice(COLUMNS_MAX - line.length)
      line = indent
    }
    line += rest
    isFresh = false
  }
  return [...lines, line]
}
