/**
 * The named errors of the project. What the world does (a jam, a silent host) is a value in an
 * outcome type, never an error; an error is bad input from a person, or a system call that failed.
 */

/** Somebody gave us something we cannot use. The message is one line that names what and why; the command line exits with 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput'
}

/** The operating system refused: a file, a socket, a port. Pass the cause, always. */
export class SystemFault extends Error {
  override readonly name = 'SystemFault'
}

/** The text of anything that was thrown, for a log line or an outcome's detail. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The `code` of a Node system error (`ECONNREFUSED`, `ENOENT`), or null. */
export function codeOf(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null
}
