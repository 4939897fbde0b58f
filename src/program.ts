/** The edge of every program here: arguments in, an exit code out, and one line for bad input. */
import {BadInput, SystemFault, reasonOf} from '../kit/errors.ts'

/** 0: done. */
export const EXIT_OK = 0
/** A fault of the system or of ours. */
export const EXIT_FAULT = 1
/** The arguments, the settings or an input file cannot be used. */
export const EXIT_BAD_INPUT = 2

/**
 * Runs a program's main function and sets the exit code.
 * @param name before the error line
 */
export async function runProgram(
  name: string,
  main: (args: readonly string[]) => Promise<number>,
): Promise<void> {
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (thrown) {
    process.exitCode = exitCodeOf(name, thrown)
  }
}

/** Says what was thrown on standard error and gives its exit code; a mistake of ours with its stack. */
export function exitCodeOf(name: string, thrown: unknown): number {
  const isOurs = !(thrown instanceof BadInput || thrown instanceof SystemFault)
  sayError(
    isOurs && thrown instanceof Error ? (thrown.stack ?? thrown.message) : `${name}: ${reasonOf(thrown)}`,
  )
  return thrown instanceof BadInput ? EXIT_BAD_INPUT : EXIT_FAULT
}

/** One line or more on standard output. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** One line or more on standard error. */
export function sayError(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Where this program was started. */
export interface OwnTerminal {
  readonly input: typeof process.stdin
  readonly output: typeof process.stdout
}

export function ownTerminal(): OwnTerminal {
  return {input: process.stdin, output: process.stdout}
}

/** Questions on standard output, a line of standard input each; null when there are no more. */
export async function dialogue(): Promise<{
  readonly say: (text: string) => void
  readonly ask: (question: string) => Promise<string | null>
  readonly close: () => void
}> {
  // The machine at boot asks nobody.
  const {createInterface} = await import('node:readline')
  const lines = createInterface({input: process.stdin})
  const next = lines[Symbol.asyncIterator]()
  return {
    say,
    async ask(question) {
      process.stdout.write(question)
      const line = await next.next()
      return line.done === true ? null : line.value
    },
    close: () => {
      lines.close()
    },
  }
}

/** Ends the process at once: a mistake of ours surfaced, and going on could cost money. */
export function crashProgram(name: string): (thrown: unknown) => void {
  return thrown => {
    exitCodeOf(name, thrown)
    process.exit(EXIT_FAULT)
  }
}

/** Resolves with the name of the signal when the program is asked to end. */
export function askedToStop(): Promise<string> {
  return new Promise(resolve => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
}
