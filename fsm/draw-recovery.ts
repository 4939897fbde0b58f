/**
 * Draws the recovery table: `npm run states` writes `docs/recovery.md`. The rows are tried on every case that can be,
 * so the page shows what the table does and not what it says.
 */
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {FOUND_VALUES, IMPOSSIBLE, RECOVERY_ROWS, REMEDIES, recoveryRow} from './recovery.ts'
import type {Found} from './recovery.ts'

export const RECOVERY_FILE = join(import.meta.dirname, '..', 'docs', 'recovery.md')

export type Column = keyof Found

/** In the order of the page. */
export const COLUMNS: readonly Column[] = ['open', 'bank', 'recall', 'path', 'media', 'stacker', 'shutter']

/** Every combination of the values of every column. */
export function everyCase(): readonly Found[] {
  const {open, bank, recall, path, media, stacker, shutter} = FOUND_VALUES
  return open.flatMap(o =>
    bank.flatMap(b =>
      recall.flatMap(r =>
        path.flatMap(p =>
          media.flatMap(m =>
            stacker.flatMap(s =>
              shutter.map((u): Found => ({
                open: o,
                bank: b,
                recall: r,
                path: p,
                media: m,
                stacker: s,
                shutter: u,
              })),
            ),
          ),
        ),
      ),
    ),
  )
}

/** Whether a journal of ours can say so. */
export function isPossible(found: Found): boolean {
  return IMPOSSIBLE.every(({when}) => !when(found))
}

/** Cases that differ in no column but by these values. */
export type Box = Readonly<Record<Column, ReadonlySet<string>>>

/** The fewest boxes that a greedy cut finds: whole, or cut along the first column whose values lead to different rests. */
export function boxesOf(cases: readonly Found[]): readonly Box[] {
  const box = boxOf(cases)
  if (COLUMNS.reduce((size, column) => size * box[column].size, 1) === cases.length) return [box]
  for (const column of COLUMNS) {
    const alike = Map.groupBy([...box[column]], value =>
      JSON.stringify(cases.filter(found => found[column] === value).map(found => ({...found, [column]: ''}))),
    )
    if (alike.size > 1)
      return [...alike.values()].flatMap(values =>
        boxesOf(cases.filter(found => values.includes(found[column]))),
      )
  }
  return [box]
}

function boxOf(cases: readonly Found[]): Box {
  const valuesOf = (column: Column): ReadonlySet<string> => new Set(cases.map(found => found[column]))
  return {
    open: valuesOf('open'),
    bank: valuesOf('bank'),
    recall: valuesOf('recall'),
    path: valuesOf('path'),
    media: valuesOf('media'),
    stacker: valuesOf('stacker'),
    shutter: valuesOf('shutter'),
  }
}

/** The whole of `docs/recovery.md`. */
export function recoveryDrawing(): string {
  const possible = everyCase().filter(isPossible)
  const byRow = Map.groupBy(possible, found => recoveryRow(found).name)
  return [
    '# Recovery, drawn from its table',
    '',
    'Written by `npm run states` from `fsm/recovery.ts`; `test/session/recover.test.ts` holds this page to the code. Do not edit it.',
    '',
    'At start each order that the life before left open gets its one answer, before anybody is served. A dispenser is asked only at rest, and about that very order. What a remedy learns goes through the money table of `fsm/decide.ts` like the evidence of a visit, and the advice to the bank is in the same ink.',
    '',
    `- **open**: the order that nothing answered.`,
    '- **bank**: what it said of the operation under way. `nothingUnderWay`: never asked, declined, or an advice in ink already says what became of it.',
    '- **recall**: what the dispenser remembers of the last dispense order; `notRemembered` as well when it does not answer.',
    '- **path, media, stacker, shutter**: its sensors.',
    '',
    `Of ${everyCase().length} combinations ${possible.length} can be, and exactly one row matches each. An empty cell: whatever it says.`,
    '',
    `| row | ${COLUMNS.join(' | ')} | then |`,
    `|---|${COLUMNS.map(() => '---|').join('')}---|`,
    ...RECOVERY_ROWS.flatMap(({name, remedy}) =>
      boxesOf(byRow.get(name) ?? []).map((box, at) =>
        tableRow([
          at === 0 ? `**${name}**` : '',
          ...COLUMNS.map(column => cell(column, box[column])),
          at === 0 ? REMEDIES[remedy] : '',
        ]),
      ),
    ),
    '',
    '## What cannot be',
    '',
    'A journal that says one of these was not written by this program, or a mistake of ours wrote it: the program stops before anything moves.',
    '',
    ...IMPOSSIBLE.map(({why}) => `- ${why}`),
    '',
  ].join('\n')
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function cell(column: Column, values: ReadonlySet<string>): string {
  if (values.size === FOUND_VALUES[column].length) return ''
  return [...values].map(value => `\`${value}\``).join(', ')
}

if (import.meta.main) writeFileSync(RECOVERY_FILE, recoveryDrawing())
