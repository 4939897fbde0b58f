/**
 * The room that is left on the journal's disk, and a reserve of it: a file of ballast beside the journal, let go when
 * there is no room at all, so that what has begun can still be written to its end.
 */
import {fsyncSync, closeSync, openSync, rmSync, statSync, statfsSync, writeSync} from 'node:fs'
import {SystemFault, reasonOf} from '../kit/errors.ts'
import type {Random} from '../kit/random.ts'

export interface Room {
  /** @throws SystemFault when the file system does not say */
  freeBytes(): number
  /** Lays the reserve down where it is missing. @returns whether it is there */
  keepReserve(): boolean
  /** Lets the reserve go. @returns whether there was one: then there is room again */
  releaseReserve(): boolean
}

/** Room that never ends, for journals that live for an hour. */
export const ENDLESS_ROOM: Room = {
  freeBytes: () => Number.MAX_SAFE_INTEGER,
  keepReserve: () => true,
  releaseReserve: () => false,
}

const CHUNK_BYTES = 65_536

/**
 * The room of the file system that holds the journal.
 * @param path of the journal
 * @param reserveBytes at least a visit's worth of commits: thirty of some five pages each, twice
 * @param random fills the reserve, so that no file system can make it small
 */
export function diskRoom(path: string, reserveBytes: number, random: Random): Room {
  const ballast = `${path}.reserve`
  const isThere = (): boolean => (statSync(ballast, {throwIfNoEntry: false})?.size ?? 0) >= reserveBytes
  return {
    freeBytes() {
      try {
        const {bavail, bsize} = statfsSync(path)
        return bavail * bsize
      } catch (thrown) {
        throw new SystemFault(`the disk of ${path} does not say how full it is: ${reasonOf(thrown)}`, {
          cause: thrown,
        })
      }
    },
    keepReserve() {
      if (isThere()) return true
      try {
        const file = openSync(ballast, 'w', 0o600)
        try {
          const chunk = random.bytes(CHUNK_BYTES)
          for (let left = reserveBytes; left > 0; left -= CHUNK_BYTES)
            writeSync(file, chunk, 0, Math.min(left, CHUNK_BYTES))
          fsyncSync(file)
        } finally {
          closeSync(file)
        }
        return isThere()
      } catch {
        // No room for it: whoever asks hears so, and a piece of it is in everybody's way.
        rmSync(ballast, {force: true})
        return false
      }
    },
    releaseReserve() {
      if ((statSync(ballast, {throwIfNoEntry: false})?.size ?? 0) === 0) return false
      rmSync(ballast, {force: true})
      return true
    },
  }
}
