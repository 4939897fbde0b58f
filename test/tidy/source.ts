/** One source file as the tidy rules see it: parsed once, with its imports resolved to paths of the tree. */
import {posix} from 'node:path'
import ts from 'typescript'

export interface Import {
  /** A path of the tree (`kit/money.ts`) for a relative import, else the specifier (`node:fs`, `xstate`). */
  readonly target: string
  readonly isOurs: boolean
  /** Erased when the program runs. */
  readonly isType: boolean
  readonly line: number
}

export interface Source {
  /** From the root, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly ast: ts.SourceFile
  readonly imports: readonly Import[]
}

/** What a rule found; `says` tells what to do about it. */
export interface Complaint {
  readonly path: string
  readonly line: number
  readonly says: string
}

export function parse(path: string, text: string): Source {
  const ast = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true, ts.ScriptKind.TS)
  return {path, text, ast, imports: importsOf(path, ast)}
}

export function complaint(source: Source, node: ts.Node, says: string): Complaint {
  return {path: source.path, line: lineOf(source.ast, node), says}
}

/** Every node below, parents before children. */
export function nodesOf(root: ts.Node): ts.Node[] {
  const nodes: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    nodes.push(node)
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(root, visit)
  return nodes
}

function lineOf(ast: ts.SourceFile, node: ts.Node): number {
  return ast.getLineAndCharacterOfPosition(node.getStart(ast)).line + 1
}

function importsOf(path: string, ast: ts.SourceFile): Import[] {
  return nodesOf(ast).flatMap(node => {
    const found = specifierOf(node)
    if (found === null) return []
    const isOurs = found.specifier.startsWith('.')
    const target = isOurs ? posix.join(posix.dirname(path), found.specifier) : found.specifier
    return [{target, isOurs, isType: found.isType, line: lineOf(ast, node)}]
  })
}

function specifierOf(node: ts.Node): {specifier: string; isType: boolean} | null {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier))
    return {specifier: node.moduleSpecifier.text, isType: isTypeOnly(node)}
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier))
    return {specifier: node.moduleSpecifier.text, isType: node.isTypeOnly}
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments
    if (argument && ts.isStringLiteral(argument)) return {specifier: argument.text, isType: false}
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    const {literal} = node.argument
    if (ts.isStringLiteral(literal)) return {specifier: literal.text, isType: true}
  }
  return null
}

function isTypeOnly(node: ts.ImportDeclaration): boolean {
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
}
