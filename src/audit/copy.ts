/**
 * A journal for who wants to read it whole, while the machine runs or not. A running machine keeps its file to itself;
 * what is read then is a copy, taken at a moment when nothing had been written for a while and nothing was meanwhile.
 */
import {copyFileSync, existsSync, mkdirSync, rmSync, statSync} from 'node:fs'
import {basename, join} from 'node:path'
import {JournalReader} from '../../journal/reader.ts'
import type {Clock} from '../../kit/clock.ts'
import {SystemFault, codeOf, reasonOf} from '../../kit/errors.ts'

/** File systems date a write to a few ms; what was not written for this long shows every later write. */
const STILL_MS = 1_000
/** Longer than any visit writes without a pause. */
const PATIENCE_MS = 300_000

/**
 * @param work may read until it ends
 * @throws SystemFault when there is no journal, or the machine never lets go of it long enough for a copy
 */
export async function readWhole<T>(
  path: string,
  clock: Clock,
  work: (reader: JournalReader) => T | Promise<T>,
): Promise<T> {
  const folder = `${path}.audit`
  try {
    const reader = openedUnlessRunning(path) ?? JournalReader.open(await copied(path, folder, clock))
    try {
      return await work(reader)
    } finally {
      reader.close()
    }
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}

/** Null while a machine has it open. */
function openedUnlessRunning(path: string): JournalReader | null {
  try {
    return JournalReader.open(path)
  } catch (thrown) {
    if (thrown instanceof SystemFault && codeOf(thrown.cause)?.startsWith('SQLITE_BUSY') === true) return null
    throw thrown
  }
}

async function copied(path: string, folder: string, clock: Clock): Promise<string> {
  const copy = join(folder, basename(path))
  const endMs = clock.monotonicMs() + PATIENCE_MS
  try {
    while (clock.monotonicMs() < endMs) {
      rmSync(folder, {recursive: true, force: true})
      mkdirSync(folder, {mode: 0o700})
      const before = writtenMs(path)
      if (clock.wallMs() - before >= STILL_MS) {
        copyFileSync(path, copy)
        if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`)
        if (writtenMs(path) === before) return copy
      }
      await clock.sleep(STILL_MS)
    }
  } catch (thrown) {
    if (codeOf(thrown) === null) throw thrown
    throw new SystemFault(`journal ${path} cannot be copied: ${reasonOf(thrown)}`, {cause: thrown})
  }
  throw new SystemFault(`journal ${path} is being written all the time; try again later`)
}

/** When the file or its log was written last. */
function writtenMs(path: string): number {
  return Math.max(...[path, `${path}-wal`].map(file => statSync(file, {throwIfNoEntry: false})?.mtimeMs ?? 0))
}
