/** The rules about imports: who may reach whom, in one direction, and that every file is reached by somebody. */
import {posix} from 'node:path'
import ts from 'typescript'
import {asSeenFrom, fits, fitsAny} from './paths.ts'
import {complaint, nodesOf} from './source.ts'
import {EMULATOR, EMULATOR_USERS, NEVER_IMPORTED, ZONES} from './table.ts'
import type {Complaint, Import, Source} from './source.ts'
import type {Zone} from './table.ts'

/** The import table. */
export function arrows(sources: readonly Source[]): Complaint[] {
  return sources.flatMap(source => {
    const zone = ZONES.find(each => fitsAny(source.path, each.files))
    if (zone === undefined)
      return [{path: source.path, line: 1, says: 'no zone of test/tidy/table.ts holds this file: add one'}]
    return source.imports.flatMap(each => {
      const why = refusal(source.path, zone, each)
      return why === null ? [] : [{path: source.path, line: each.line, says: why}]
    })
  })
}

function refusal(path: string, zone: Zone, {target, isOurs, isType}: Import): string | null {
  if (!isOurs)
    return fitsAny(target, zone.packages)
      ? null
      : `${zone.name} may not use the package ${target}: move what needs it, or grant it in test/tidy/table.ts`
  for (const [hidden, users] of Object.entries(NEVER_IMPORTED)) {
    if (fits(target, hidden) && !fitsAny(path, users))
      return `${target} is never installed: move what is needed out of ${hidden}`
  }
  if (EMULATOR.test(target) && !EMULATOR.test(path) && !fitsAny(path, EMULATOR_USERS))
    return `${target} is the far end of a wire: only ${EMULATOR_USERS.join(' and ')} may reach it`
  const own = (pattern: string): boolean => fits(target, asSeenFrom(path, pattern))
  if (isInside(target, zone, path) || zone.may.some(own)) return null
  if (zone.types?.some(own) === true)
    return isType ? null : `${zone.name} may only take types from ${target}: write import type`
  return `${zone.name} may not import ${target}: the arrow points the wrong way (ARCHITECTURE.md), pass it in instead`
}

/** A zone may import itself, except where its pattern names many rooms at once. */
function isInside(target: string, zone: Zone, path: string): boolean {
  return zone.files.some(pattern => !pattern.includes('*') && fits(path, pattern) && fits(target, pattern))
}

/** No file may reach itself through its imports, types included. */
export function cycles(sources: readonly Source[]): Complaint[] {
  const graph = graphOf(sources)
  const done = new Set<string>()
  const found: Complaint[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) {
      const circle = [...trail.slice(at), path].join(' -> ')
      found.push({path, line: 1, says: `${circle}: move what both need into a file of its own`})
      return
    }
    if (done.has(path)) return
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return found
}

function graphOf(sources: readonly Source[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    sources.map(source => [source.path, source.imports.filter(each => each.isOurs).map(each => each.target)]),
  )
}

/** Whoever needs a thing imports the file that defines it, by its name. */
export function barrels(sources: readonly Source[]): Complaint[] {
  return sources.flatMap(source =>
    nodesOf(source.ast).flatMap(node => {
      if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
        return [complaint(source, node, 're-exports: import the defining file where the thing is needed')]
      const isDefault =
        (ts.isExportAssignment(node) && node.isExportEquals !== true) ||
        (node.kind === ts.SyntaxKind.DefaultKeyword && ts.canHaveModifiers(node.parent)) ||
        (ts.isExportSpecifier(node) && node.name.text === 'default')
      return isDefault ? [complaint(source, node, 'exports a default: export it by its name')] : []
    }),
  )
}

/**
 * Every file is an entry point, a test, or reached from one by an import or by its path in a string; and what is
 * not a test is reached without the tests, or only its own test would know it.
 */
export function unreached(sources: readonly Source[], entries: readonly string[]): Complaint[] {
  const tests = sources.map(source => source.path).filter(path => path.endsWith('.test.ts'))
  const byPrograms = reachedFrom(sources, entries)
  const byAll = reachedFrom(sources, [...entries, ...tests])
  return sources
    .filter(({path}) => !(path.startsWith('test/') ? byAll : byPrograms).has(path))
    .map(({path}) => ({
      path,
      line: 1,
      says: byAll.has(path)
        ? 'only tests reach this file: use it, move it to test/, or delete it'
        : 'nobody imports this file: use it, delete it, or name it in ENTRY_POINTS of test/tidy/table.ts',
    }))
}

function reachedFrom(sources: readonly Source[], starts: readonly string[]): ReadonlySet<string> {
  const byPath = new Map(sources.map(source => [source.path, source]))
  const reached = new Set<string>()
  const visit = (path: string): void => {
    const source = byPath.get(path)
    if (source === undefined || reached.has(path)) return
    reached.add(path)
    for (const each of source.imports) visit(each.target)
    for (const named of pathsNamedIn(source)) visit(named)
  }
  for (const start of starts) visit(start)
  return reached
}

/** A program that is started as a process of its own is named in a string, from the root or from beside it. */
function pathsNamedIn(source: Source): string[] {
  return nodesOf(source.ast).flatMap(node => {
    if (!ts.isStringLiteralLike(node) || !node.text.endsWith('.ts')) return []
    return [node.text, posix.join(posix.dirname(source.path), node.text)]
  })
}
