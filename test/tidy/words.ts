/** The rules about words: globals with one home, modules that reach outside, units, and the way out of a secret. */
import ts from 'typescript'
import {complaint, nodesOf} from './source.ts'
import {GLOBALS, RANDOM_FILES, RANDOM_NAMES, RAW_MODULES, REVEALING} from './table.ts'
import type {Complaint, Source} from './source.ts'
import type {Grant} from './table.ts'

/** Time, chance and the surroundings of the process enter through one door each, so that one seed replays one run. */
export function globals(sources: readonly Source[]): Complaint[] {
  return sources.flatMap(source =>
    usesOf(source)
      .filter(({grant}) => isHeld(source.path, grant) && !grant.files.includes(source.path))
      .map(({grant, node}) => complaint(source, node, `${grant.what} has one home: ${grant.instead}`)),
  )
}

function usesOf(source: Source): {grant: Grant; node: ts.Node}[] {
  return nodesOf(source.ast).flatMap(node =>
    GLOBALS.filter(grant => isUseOf(node, grant.what)).map(grant => ({grant, node})),
  )
}

function isHeld(path: string, grant: Grant): boolean {
  return grant.inTests || !path.startsWith('test/')
}

function isUseOf(node: ts.Node, what: string): boolean {
  const [object = '', member] = what.split('.')
  if (member !== undefined) {
    return (
      ts.isPropertyAccessExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === object &&
      node.name.text === member
    )
  }
  return ts.isIdentifier(node) && node.text === object && !isOnlyAName(node)
}

/** A member, a key, or a declaration of that name is not the global. */
function isOnlyAName(node: ts.Identifier): boolean {
  const {parent} = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node && !isGlobalThis(parent.expression)
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return true
  return 'name' in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent)
}

function isGlobalThis(node: ts.Expression): boolean {
  return ts.isIdentifier(node) && node.text === 'globalThis'
}

/** Files, sockets and processes are touched by the file whose job it is. */
export function rawModules(sources: readonly Source[]): Complaint[] {
  return sources.flatMap(source =>
    rawUsesOf(source)
      .filter(({target}) => !(RAW_MODULES[target] ?? []).includes(source.path))
      .map(({target, line}) => ({
        path: source.path,
        line,
        says: `${target} reaches outside: take what is needed as an argument, or grant this file in test/tidy/table.ts`,
      })),
  )
}

function rawUsesOf(source: Source): readonly {target: string; line: number}[] {
  if (source.path.startsWith('test/')) return []
  return source.imports.filter(each => !each.isType && Object.hasOwn(RAW_MODULES, each.target))
}

/** Keys and nonces come from an injected Random, so that a simulation can repeat them. */
export function drawnRandomness(sources: readonly Source[]): Complaint[] {
  return sources.flatMap(source =>
    source.path.startsWith('test/') || RANDOM_FILES.includes(source.path)
      ? []
      : nodesOf(source.ast)
          .filter(node => ts.isIdentifier(node) && RANDOM_NAMES.includes(node.text))
          .map(node => complaint(source, node, 'draws its own randomness: take a Random of kit/random.ts')),
  )
}

/** A secret leaves its wrapper in few, named places. */
export function revealing(sources: readonly Source[]): Complaint[] {
  return sources.flatMap(source =>
    source.path.startsWith('test/') || REVEALING.includes(source.path)
      ? []
      : revealsIn(source).map(node =>
          complaint(
            source,
            node,
            'reveals a secret: pass the Secret on, or name this file in REVEALING of test/tidy/table.ts with care',
          ),
        ),
  )
}

function revealsIn(source: Source): ts.Node[] {
  return nodesOf(source.ast).filter(
    node =>
      ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      node.expression.name.text === 'reveal',
  )
}

/** A grant that nothing uses any more would let the next mistake through unseen. */
export function staleGrants(sources: readonly Source[]): Complaint[] {
  const byPath = new Map(sources.map(source => [source.path, source]))
  const grants = [
    ...GLOBALS.flatMap(({what, files}) => files.map(path => ({what, path, isUsed: usesGlobal(what)}))),
    ...Object.entries(RAW_MODULES).flatMap(([what, files]) =>
      files.map(path => ({
        what,
        path,
        isUsed: (source: Source) => rawUsesOf(source).some(u => u.target === what),
      })),
    ),
    ...REVEALING.map(path => ({
      what: 'reveal',
      path,
      isUsed: (source: Source) => revealsIn(source).length > 0,
    })),
  ]
  return grants
    .filter(({path, isUsed}) => {
      const source = byPath.get(path)
      return source === undefined || !isUsed(source)
    })
    .map(({what, path}) => ({
      path: 'test/tidy/table.ts',
      line: 1,
      says: `${path} is granted ${what} and does not use it: take the name out of the table`,
    }))
}

function usesGlobal(what: string) {
  return (source: Source): boolean => usesOf(source).some(({grant}) => grant.what === what)
}

const TIME_WORDS = new Set('timeout delay interval deadline duration ttl elapsed latency backoff'.split(' '))
const TIME_UNITS = new Set(['ms', 'us'])
const OUTSIDE_UNITS = new Set('sec secs second seconds millis milliseconds minutes hours'.split(' '))
const SIZE_WORDS = new Set('size len capacity'.split(' '))
const COUNT_WORDS = new Set('retries attempts tries'.split(' '))
const BOUND_WORDS = new Set(['limit'])

/** Units last: what is a time, a size, a count or a bound says so at the end of its name. */
export function units(sources: readonly Source[]): Complaint[] {
  return sources.flatMap(source =>
    nodesOf(source.ast).flatMap(node => {
      const name = numericName(node)
      const wanted = name === null ? null : missingUnit(name)
      return wanted === null
        ? []
        : [complaint(source, node, `${name ?? ''} is a number: end its name in ${wanted}`)]
    }),
  )
}

function missingUnit(name: string): string | null {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[ _]+/)
    .map(word => word.toLowerCase())
  const isBound = words.at(-1) === 'max' || words.at(-1) === 'min'
  const inner = isBound ? words.slice(0, -1) : words
  const last = inner.at(-1) ?? ''
  if (words.length > 1 && OUTSIDE_UNITS.has(last)) return 'Ms'
  if (inner.some(word => TIME_WORDS.has(word)) && !TIME_UNITS.has(last) && last !== 'count') return 'Ms'
  if (SIZE_WORDS.has(last)) return 'Bytes or Count'
  // Alone it is the counter of a loop.
  if (COUNT_WORDS.has(last) && words.length > 1 && !isBound) return 'Count or Max'
  if (BOUND_WORDS.has(last)) return 'Max or Min'
  if (/^(num|nr)[A-Z]/.test(name)) return 'Count'
  return null
}

/** The name that the node gives to a number, or null. A key in a value may be another library's word, a column another program's. */
function numericName(node: ts.Node): string | null {
  if (ts.isPropertySignature(node)) return isNumberType(node.type) ? textOf(node.name) : null
  if (ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isPropertyDeclaration(node)) {
    const isNumeric = node.type === undefined ? isNumber(node.initializer) : isNumberType(node.type)
    return isNumeric ? textOf(node.name) : null
  }
  return null
}

function textOf(name: ts.Node): string | null {
  if (!ts.isIdentifier(name) && !ts.isPrivateIdentifier(name)) return null
  const isColumn = /^[a-z]+_[a-z_]+$/.test(name.text)
  return isColumn ? null : name.text.replace('#', '')
}

function isNumber(node: ts.Expression | undefined): boolean {
  return (
    node !== undefined && (ts.isNumericLiteral(node) || (ts.isBinaryExpression(node) && isNumber(node.left)))
  )
}

function isNumberType(type: ts.TypeNode | undefined): boolean {
  if (type === undefined) return false
  if (ts.isUnionTypeNode(type)) return type.types.some(isNumberType)
  return type.kind === ts.SyntaxKind.NumberKeyword
}
