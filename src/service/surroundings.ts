/**
 * What the service manager put around this process: its sockets, folders and secrets. Started by hand there is
 * none of it. The one place that reads the environment.
 */
import {writeSync} from 'node:fs'
import {join} from 'node:path'
import {textIn} from '../../kit/durable-file.ts'
import {codeOf} from '../../kit/errors.ts'

/** Sends one datagram. @returns false when nobody took it: the receiver is busy, gone, or takes none so large */
export type SendDatagram = (datagram: Uint8Array) => boolean

export interface Surroundings {
  /** To systemd: READY=1 and the like; null when it does not listen. */
  readonly toManager: SendDatagram | null
  /** To the system's journal, in its own protocol; null when there is none. */
  readonly toJournal: SendDatagram | null
  /** How long systemd waits for a sign of life before it ends the process; null when it does not wait for any. */
  readonly watchdogMs: number | null
  /** Where the status and the figures go; gone with the service. */
  readonly runtimeFolder: string | null
  /** Where systemd put the credentials that the unit asks for. */
  readonly credentialsFolder: string | null
}

type Environment = Readonly<Record<string, string | undefined>>

/** The sockets are those that package/tellerd/tellerd.pl connected. */
export function surroundings(environment: Environment = process.env): Surroundings {
  return {
    toManager: datagrams(environment['TELLERD_NOTIFY_FD']),
    toJournal: datagrams(environment['TELLERD_JOURNAL_FD']),
    watchdogMs: watchdogMs(environment['WATCHDOG_USEC']),
    runtimeFolder: environment['RUNTIME_DIRECTORY'] ?? null,
    credentialsFolder: environment['CREDENTIALS_DIRECTORY'] ?? null,
  }
}

/** A secret that systemd keeps for the unit, or null when the site gave none. @throws SystemFault when it cannot be read */
export function credential({credentialsFolder}: Surroundings, name: string): string | null {
  if (credentialsFolder === null) return null
  return textIn(join(credentialsFolder, name))?.trim() ?? null
}

function datagrams(descriptor: string | undefined): SendDatagram | null {
  if (descriptor === undefined || !/^[0-9]+$/.test(descriptor)) return null
  const fd = Number(descriptor)
  return datagram => {
    try {
      return writeSync(fd, datagram) === datagram.byteLength
    } catch (thrown) {
      if (codeOf(thrown) === null) throw thrown
      return false
    }
  }
}

function watchdogMs(microseconds: string | undefined): number | null {
  return microseconds === undefined || !/^[1-9][0-9]*$/.test(microseconds)
    ? null
    : Number(microseconds) / 1_000
}
