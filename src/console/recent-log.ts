/** The last lines of the log, for whoever comes to look, and the next ones for whoever stays. */
import {isoTime} from '../../kit/clock.ts'
import type {Clock} from '../../kit/clock.ts'
import {worded} from '../../kit/log.ts'
import type {Fields, Log} from '../../kit/log.ts'

const LINES_MAX = 200

export class RecentLog {
  readonly #lines: string[] = []
  readonly #listeners = new Set<(line: string) => void>()

  /** What is logged there is kept here: `14:02:03 warn link: no answer why=timeout`. */
  log(clock: Clock, layer = 'tellerd'): Log {
    const entry = (level: string) => (message: string, fields?: Fields) => {
      const time = isoTime(clock.wallMs()).slice(11, 19)
      this.#add(`${time} ${level} ${layer}: ${worded(message, fields)}`)
    }
    return {
      debug: () => undefined,
      info: entry('info'),
      warn: entry('warn'),
      error: entry('error'),
      named: name => this.log(clock, name),
    }
  }

  #add(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > LINES_MAX) this.#lines.shift()
    for (const listener of this.#listeners) listener(line)
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  /** @returns stops the telling */
  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** Every entry in both. */
export function bothLogs(one: Log, other: Log): Log {
  return {
    debug: (message, fields) => {
      one.debug(message, fields)
      other.debug(message, fields)
    },
    info: (message, fields) => {
      one.info(message, fields)
      other.info(message, fields)
    },
    warn: (message, fields) => {
      one.warn(message, fields)
      other.warn(message, fields)
    },
    error: (message, fields) => {
      one.error(message, fields)
      other.error(message, fields)
    },
    named: layer => bothLogs(one.named(layer), other.named(layer)),
  }
}
