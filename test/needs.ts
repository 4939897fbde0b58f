/**
 * What a test may need and a machine may lack. The one place where a test may skip: what is missing is named,
 * counted as skipped, and fails the run where `CI=true` promises that everything is there.
 */
import {accessSync, constants, globSync, realpathSync, statSync} from 'node:fs'
import {delimiter, dirname, join} from 'node:path'
import type {Test} from 'tap'

/** The first of those programs that is missing, or null when all are there. */
export function missingProgram(names: readonly string[]): string | null {
  return names.find(name => programPath(name) === null) ?? null
}

/** Debian's Chromium, or null. */
export function chromiumPath(): string | null {
  return programPath('chromium')
}

/** curl, or null. */
export function curlPath(): string | null {
  return programPath('curl')
}

/** systemd's unit checker, or null. */
export function systemdAnalyzePath(): string | null {
  return programPath('systemd-analyze')
}

/** Debian's package checker, or null. */
export function lintianPath(): string | null {
  return programPath('lintian')
}

/** The model checker and the compiler of what it writes, or null unless both are there. */
export function spinPath(): string | null {
  return programPath('gcc') === null ? null : programPath('spin')
}

/** Whether this machine can make pseudo-terminals, which stand in for serial ports. */
export function ptyAvailable(): boolean {
  return statSync('/dev/ptmx', {throwIfNoEntry: false})?.isCharacterDevice() ?? false
}

/** Whether this process may mount a file system. */
export function mayMount(): boolean {
  return process.geteuid?.() === 0 && programPath('mount') !== null
}

/** The folder of PostgreSQL's server programs, or null. Debian keeps them out of the way, one folder a version. */
export function postgresFolder(): string | null {
  const path = programPath('initdb')
  if (path !== null) return dirname(realpathSync(path))
  const folders = globSync('/usr/lib/postgresql/*/bin').toSorted((a, b) =>
    a.localeCompare(b, 'en', {numeric: true}),
  )
  return folders.at(-1) ?? null
}

/** The pooler between programs and PostgreSQL, or null. */
export function pgbouncerPath(): string | null {
  return programPath('pgbouncer')
}

/**
 * Whether the test has what it needs; when it has not, the test is marked as skipped and must return.
 * @param have what was found: a path, or true; null or false when missing
 * @param name what a person would install, such as `chromium`
 */
export function skipUnless<T>(t: Test, have: T, name: string): have is Exclude<T, null | false> {
  if (have !== null && have !== false) return true
  t.pass(name, {skip: `this machine has no ${name}`})
  return false
}

/** Where the command line would find that program, or null. */
function programPath(name: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '')
  return folders.map(folder => join(folder, name)).find(isExecutable) ?? null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
