/** What the system says of itself, and the files that a collector reads. The one place of src/status that touches the disk. */
import {statSync, statfsSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {replaceFile, textIn} from '../../kit/durable-file.ts'
import {SystemFault, codeOf} from '../../kit/errors.ts'
import {verdictPath} from './verdict.ts'

export interface Disk {
  readonly freeBytes: number
  readonly sizeBytes: number
}

export interface Sensors {
  /** Of the disk with the journal; null when the system does not say. */
  disk(): Disk | null
  /** Sizes of the journal's file and of its write-ahead log; 0 for what is not there. */
  journalBytes(): {readonly main: number; readonly wal: number}
  residentBytes(): number
  /** What `verdictText` left there; null before the first check of the whole journal. */
  verifiedText(): string | null
  /** The text of the settings' file. */
  settingsText(): string | null
  /** Replaces a file for a collector, which everybody on this machine may read. @throws SystemFault */
  publish(name: string, text: string): void
}

/** @param folder of the files for a collector; null for none */
export function systemSensors(journalPath: string, settingsPath: string, folder: string | null): Sensors {
  return {
    disk() {
      try {
        const {bsize, bavail, blocks} = statfsSync(dirname(journalPath))
        return {freeBytes: bavail * bsize, sizeBytes: blocks * bsize}
      } catch (thrown) {
        if (codeOf(thrown) === null) throw thrown
        return null
      }
    },
    journalBytes: () => ({main: sizeOf(journalPath), wal: sizeOf(`${journalPath}-wal`)}),
    residentBytes: () => process.memoryUsage.rss(),
    verifiedText: () => seen(verdictPath(journalPath)),
    settingsText: () => seen(settingsPath),
    publish(name, text) {
      if (folder !== null) replaceFile(join(folder, name), text, 0o644)
    },
  }
}

/** A file that is there and cannot be read is seen as an empty one: somebody must look, and nothing else stops. */
function seen(path: string): string | null {
  try {
    return textIn(path)
  } catch (thrown) {
    if (thrown instanceof SystemFault) return ''
    throw thrown
  }
}

function sizeOf(path: string): number {
  return statSync(path, {throwIfNoEntry: false})?.size ?? 0
}
