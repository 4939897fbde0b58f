/** The log: one line an entry, for people who run the machine. Never the record of money; that is the journal. */
import {isoTime} from './clock.ts'
import type {Clock} from './clock.ts'

export type Level = 'debug' | 'info' | 'warn' | 'error'
export type Fields = Readonly<Record<string, unknown>>

export interface Log {
  debug(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
  /** A log whose lines carry this layer's name (`device.dispenser`, `link`). */
  named(layer: string): Log
}

const ORDER: Readonly<Record<Level, number>> = {debug: 0, info: 1, warn: 2, error: 3}

/**
 * A log that writes JSON lines.
 * @param write takes one line without its newline: standard error in the daemon, an array in a test
 */
export function lineLog(
  clock: Clock,
  write: (line: string) => void,
  least: Level = 'info',
  layer = 'tellerd',
): Log {
  const entry = (level: Level) => (message: string, fields?: Fields) => {
    if (ORDER[level] < ORDER[least]) return
    write(JSON.stringify({at: isoTime(clock.wallMs()), level, layer, message, ...fields}))
  }
  return {
    debug: entry('debug'),
    info: entry('info'),
    warn: entry('warn'),
    error: entry('error'),
    named: name => lineLog(clock, write, least, name),
  }
}

/** A value as a person reads it: as JSON, so that a Secret stays one; a text without its quotes. */
export function shown(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** An entry as a person reads it: `stopping signal=SIGTERM`. */
export function worded(message: string, fields: Fields = {}): string {
  return [message, ...Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`)].join(' ')
}

/** A log that keeps nothing. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  named: () => silentLog,
}
