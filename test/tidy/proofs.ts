/** The rules about proof: tests that run and can fail, and golden frames with a source for every device command. */
import ts from 'typescript'
import {complaint, nodesOf} from './source.ts'
import type {Complaint, Source} from './source.ts'

/** The only file in which a test may skip. */
const SKIPPING = 'test/needs.ts'
const DODGES = new Set(['skip', 'todo', 'only'])

/** A test runs, or test/needs.ts says by name what the machine lacks. */
export function dodges(sources: readonly Source[]): Complaint[] {
  return sources.flatMap(source =>
    !source.path.startsWith('test/') || source.path === SKIPPING
      ? []
      : nodesOf(source.ast)
          .filter(isDodge)
          .map(node =>
            complaint(source, node, 'skips a test: run it, delete it, or ask skipUnless of test/needs.ts'),
          ),
  )
}

function isDodge(node: ts.Node): boolean {
  if (!ts.isCallExpression(node)) return false
  const isCalled = ts.isPropertyAccessExpression(node.expression) && DODGES.has(node.expression.name.text)
  const isOption = node.arguments.some(
    argument =>
      ts.isObjectLiteralExpression(argument) &&
      argument.properties.some(each => each.name !== undefined && DODGES.has(each.name.getText())),
  )
  return (isCalled && isTapCall(node)) || (isOption && isTapCall(node))
}

/** `t.x(...)`, `t.test.x(...)`: whatever hangs on a name that begins with t for test. */
function isTapCall(node: ts.CallExpression): boolean {
  return /^(t|tt|test|tap)\b/.test(node.expression.getText())
}

/** What tap, fast-check and Playwright call a check that can fail; `pass` cannot. */
const ASSERTIONS = new Set(
  (
    'ok notOk equal not same notSame strictSame strictNotSame match notMatch matchOnly matchStrict has hasStrict ' +
    'notHas hasProp hasProps hasOwnProp hasOwnProps hasOwnPropsOnly throws doesNotThrow rejects resolves ' +
    'resolveMatch type emits error fail assert waitFor'
  ).split(' '),
)

/** Each innermost subtest asserts something itself, or hands its `t` to a function that does. */
export function assertionless(sources: readonly Source[]): Complaint[] {
  return sources
    .filter(source => source.path.endsWith('.test.ts'))
    .flatMap(source => {
      const nodes = nodesOf(source.ast)
      const empty = nodes
        .filter(node => isSubtest(node) && !canFail(node))
        .map(node =>
          complaint(source, node, 'this test asserts nothing: check something that could be wrong'),
        )
      const isBare = !nodes.some(
        node => isSubtest(node) || isAssertion(node) || (ts.isCallExpression(node) && hands(node, 't')),
      )
      return isBare ? [...empty, complaint(source, source.ast, 'this file holds no test: write one')] : empty
    })
}

function isSubtest(node: ts.Node): node is ts.CallExpression {
  return (
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    node.expression.name.text === 'test' &&
    isTapCall(node)
  )
}

function canFail(test: ts.CallExpression): boolean {
  const body = test.arguments.at(-1)
  if (body === undefined || !(ts.isArrowFunction(body) || ts.isFunctionExpression(body))) return true
  const [own] = body.parameters
  const name = own !== undefined && ts.isIdentifier(own.name) ? own.name.text : 't'
  return nodesOf(body).some(
    node => isAssertion(node) || isSubtest(node) || (ts.isCallExpression(node) && hands(node, name)),
  )
}

function hands(call: ts.CallExpression, name: string): boolean {
  return call.arguments.some(argument => ts.isIdentifier(argument) && argument.text === name)
}

function isAssertion(node: ts.Node): boolean {
  return (
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    ASSERTIONS.has(node.expression.name.text)
  )
}

const PRAGMA = new RegExp(String.raw`\b(c8|v8|istanbul|node:coverage)\s+(ignore|disable)\b`)

/** Code that no test reaches shows as such. */
export function pragmas(sources: readonly Source[]): Complaint[] {
  return sources.flatMap(source =>
    source.text.split('\n').flatMap((text, index) =>
      PRAGMA.test(text)
        ? [
            {
              path: source.path,
              line: index + 1,
              says: 'hides lines from coverage: write the test, or delete the lines',
            },
          ]
        : [],
    ),
  )
}

/** A golden frame, as far as this rule reads it. */
interface Vector {
  /** The rows of the command tables that it shows: by `command`, by `control`, or by `kind` among its fields. */
  readonly commands: readonly unknown[]
  readonly source: unknown
}

/**
 * Every model has golden frames, every frame a source, every command of the table a frame.
 * @param vectors the text of each `vectors.json` by its path
 */
export function witnesses(sources: readonly Source[], vectors: ReadonlyMap<string, string>): Complaint[] {
  return sources
    .filter(source => /^devices\/[^/]+\/[^/]+\/bytes\.ts$/.test(source.path))
    .flatMap(source => {
      const path = source.path.replace(/bytes\.ts$/, 'vectors.json')
      const text = vectors.get(path)
      if (text === undefined)
        return [{path, line: 1, says: 'this model has no golden frames: write vectors.json'}]
      return [...unsourced(path, vectorsOf(text)), ...unwitnessed(source, vectorsOf(text))]
    })
}

function unsourced(path: string, rows: readonly Vector[]): Complaint[] {
  if (rows.length === 0)
    return [{path, line: 1, says: 'holds no frames: write a list of them, or one named vectors'}]
  return rows.flatMap(({source}, index) =>
    typeof source === 'string' && source.trim() !== ''
      ? []
      : [{path, line: 1, says: `frame ${index} has no source: name the page, or say assumed`}],
  )
}

/** Most wires have one table; one has control characters beside its commands. */
const COMMAND_TABLES = new Set(['COMMANDS', 'COMMAND', 'CONTROL'])

function unwitnessed(source: Source, rows: readonly Vector[]): Complaint[] {
  const tables = nodesOf(source.ast).filter(
    node =>
      ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && COMMAND_TABLES.has(node.name.text),
  )
  if (tables.length === 0)
    return [complaint(source, source.ast, 'holds no command table: export it as COMMANDS')]
  const known = new Set(rows.flatMap(row => row.commands))
  return tables.flatMap(table =>
    commandNames(table)
      .filter(name => !known.has(name))
      .map(name => complaint(source, table, `command ${name} has no golden frame: add one to vectors.json`)),
  )
}

function commandNames(table: ts.Node): string[] {
  const object = nodesOf(table).find(ts.isObjectLiteralExpression)
  return (object?.properties ?? []).flatMap(each =>
    each.name !== undefined && (ts.isIdentifier(each.name) || ts.isStringLiteral(each.name))
      ? [each.name.text]
      : [],
  )
}

function vectorsOf(text: string): Vector[] {
  const file: unknown = JSON.parse(text)
  const rows = Array.isArray(file) ? file : memberOf(file, 'vectors')
  if (!Array.isArray(rows)) return []
  const known: readonly unknown[] = rows
  return known.map(row => ({
    commands: [
      memberOf(row, 'command'),
      memberOf(row, 'control'),
      memberOf(memberOf(row, 'fields'), 'kind'),
      // A control character is sent by the command of that name, where there is one.
      memberOf(row, 'control') === undefined ? undefined : 'control',
    ],
    source: memberOf(row, 'source'),
  }))
}

function memberOf(row: unknown, name: string): unknown {
  return typeof row === 'object' && row !== null
    ? Object.entries(row).find(([key]) => key === name)?.[1]
    : undefined
}
