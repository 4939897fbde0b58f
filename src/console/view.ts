/** What a command answers, and its two faces: fixed columns of 7-bit ASCII for a person, one JSON object for a rig. */
import {writeJson} from '../../kit/exact-json.ts'
import type {Writable} from '../../kit/exact-json.ts'

export type Cell = string | number | boolean | null

export type View =
  | {readonly kind: 'facts'; readonly facts: readonly (readonly [name: string, value: Cell])[]}
  | {
      readonly kind: 'table'
      readonly columns: readonly string[]
      readonly rows: readonly (readonly Cell[])[]
    }
  | {readonly kind: 'text'; readonly lines: readonly string[]}

/** How a command ended. `refused` moved and changed nothing. */
export type Reply =
  {readonly kind: 'done'; readonly view: View} | {readonly kind: 'refused'; readonly why: string}

export const DONE: Reply = {kind: 'done', view: {kind: 'text', lines: ['done']}}

export function refused(why: string): Reply {
  return {kind: 'refused', why}
}

export function facts(...pairs: readonly (readonly [name: string, value: Cell])[]): Reply {
  return {kind: 'done', view: {kind: 'facts', facts: pairs}}
}

export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): Reply {
  return {kind: 'done', view: {kind: 'table', columns, rows}}
}

export function text(lines: readonly string[]): Reply {
  return {kind: 'done', view: {kind: 'text', lines}}
}

/** Of the JSON form; raised when a field changes its meaning. */
const FORM = 1

/** Width of the names of facts. */
const NAME_WIDTH = 24

/** The lines that a person reads. */
export function linesOf(view: View): readonly string[] {
  switch (view.kind) {
    case 'facts':
      return view.facts.map(([name, value]) => ascii(`${name.padEnd(NAME_WIDTH)} ${shown(value)}`))
    case 'table':
      return tableLines(view.columns, view.rows)
    case 'text':
      return view.lines.map(ascii)
  }
}

/** One JSON object without a newline. */
export function jsonOf(command: string, reply: Reply): string {
  return ascii(
    writeJson(
      reply.kind === 'done'
        ? {form: FORM, command, outcome: 'done', result: resultOf(reply.view)}
        : {form: FORM, command, outcome: 'refused', why: reply.why},
    ),
  )
}

function resultOf(view: View): Writable {
  switch (view.kind) {
    case 'facts':
      return Object.fromEntries(view.facts)
    case 'table':
      return view.rows.map(row => Object.fromEntries(view.columns.map((name, at) => [name, row[at] ?? null])))
    case 'text':
      return {lines: view.lines}
  }
}

function tableLines(columns: readonly string[], rows: readonly (readonly Cell[])[]): readonly string[] {
  if (rows.length === 0) return ['none']
  const cells = [columns, ...rows.map(row => row.map(shown))]
  const widths = columns.map((_, at) => Math.max(...cells.map(row => row[at]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    ascii(row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')).trimEnd()
  return cells.map(line)
}

function shown(value: Cell): string {
  if (value === null) return '-'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return value.toString()
}

/** Seven bits, nothing that moves a cursor: what came from outside cannot draw on somebody's terminal. */
export function ascii(line: string): string {
  return line.replaceAll('\u2019', "'").replace(/[^ -~]/g, '?')
}
