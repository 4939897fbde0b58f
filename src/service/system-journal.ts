/**
 * The log in the system's journal, each field searchable by its name and each message by an id of its own that does
 * not change with its words in another language: `journalctl MESSAGE_ID=...`. The protocol is systemd's: https://systemd.io/JOURNAL_NATIVE_PROTOCOL.
 */
import {createHash} from 'node:crypto'
import {shown, worded} from '../../kit/log.ts'
import type {Fields, Level, Log} from '../../kit/log.ts'
import type {SendDatagram} from './surroundings.ts'

/** syslog's numbers. */
const PRIORITY: Readonly<Record<Exclude<Level, 'debug'>, number>> = {info: 6, warn: 4, error: 3}

/** A datagram goes into the kernel's send buffer whole; the smallest default has 208 kB. What is larger is no log line. */
const FIELD_CHARS_MAX = 8_000

/** 128 bits in hex, of the message's constant text. */
export function messageId(message: string): string {
  return createHash('sha256').update(`tellerd: ${message}`).digest('hex').slice(0, 32)
}

/**
 * @param orElse the log for an entry that the journal did not take: nothing is lost because it is busy
 */
export function systemJournalLog(send: SendDatagram, orElse: Log, layer = 'tellerd'): Log {
  const entry = (level: keyof typeof PRIORITY) => (message: string, fields?: Fields) => {
    if (!send(entryOf(level, layer, message, fields ?? {}))) orElse[level](message, fields)
  }
  return {
    debug: () => undefined,
    info: entry('info'),
    warn: entry('warn'),
    error: entry('error'),
    named: name => systemJournalLog(send, orElse.named(name), name),
  }
}

function entryOf(level: keyof typeof PRIORITY, layer: string, message: string, fields: Fields): Uint8Array {
  const told = Object.entries(fields).map(([name, value]) => [name, shown(value)] as const)
  return Buffer.concat(
    [
      ['MESSAGE', worded(message, fields)],
      ['MESSAGE_ID', messageId(message)],
      ['PRIORITY', String(PRIORITY[level])],
      ['SYSLOG_IDENTIFIER', 'tellerd'],
      ['TELLERD_LAYER', layer],
      ...told.map(([name, value]) => [`TELLERD_${fieldName(name)}`, value] as const),
    ].map(([name = '', value = '']) => field(name, value.slice(0, FIELD_CHARS_MAX))),
  )
}

/** `screenUrl` is TELLERD_SCREEN_URL: upper case, digits and underscores are all that the journal takes. */
function fieldName(name: string): string {
  return name
    .replaceAll(/(?<=[a-z0-9])[A-Z]/g, letter => `_${letter}`)
    .toUpperCase()
    .replaceAll(/[^A-Z0-9_]/g, '_')
}

/** With its length before it, as a value may that has a line break in it: so none can pass for another field. */
function field(name: string, value: string): Uint8Array {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(bytes.length))
  return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')])
}
