/** The two ways to talk with the console, as the conversation sees them: a person at a terminal, or a rig. */
import type {Filter} from './filter.ts'
import type {Next} from './grammar.ts'
import type {Reply} from './view.ts'

/** What `?` and TAB ask. */
export interface Helper {
  help(line: string): readonly Next[]
  complete(line: string): {readonly line: string; readonly choices: readonly string[]}
}

/** `gone`: the cable was pulled, or the client left; `idle`: nothing came for too long; `ended`: ^D or ^C. */
export type Silence = 'gone' | 'idle' | 'ended'

export type Said = {readonly kind: 'said'; readonly text: string} | {readonly kind: Silence}

export interface Front {
  /** The next line; typing keeps it from being idle. */
  command(prompt: string, helper: Helper): Promise<Said>
  /** The answer to a question. @param isSecret shows nothing and remembers nothing */
  ask(question: string, isSecret: boolean): Promise<Said>
  /** Something said beside an answer: banners, prompts of a wizard. */
  say(lines: readonly string[]): Promise<void>
  reply(command: string, reply: Reply, filters: readonly Filter[]): Promise<void>
  /** A line of the live log; never in the middle of a line being typed. */
  live(line: string): void
  /** Whether the last wait ended because nothing came for too long, and nothing has come since. */
  readonly isIdle: boolean
  /** Another person's turn. */
  forget(): void
  /** Lines of a page; 0 for no pauses. */
  setLength(lines: number): void
  setWidth(columns: number): void
  /** Ends every wait as `gone`. */
  hangUp(): void
  /** Bytes from the far end. */
  feed(bytes: Uint8Array): void
}

/** Puts bytes on the wire, in order; resolves when they have left, false when the far end is gone. */
export type Send = (text: string) => Promise<boolean>
