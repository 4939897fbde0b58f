/** Small files of the program's own: after a power cut each holds its old text or its new one, never a part. */
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import {dirname} from 'node:path'
import {SystemFault, codeOf, reasonOf} from './errors.ts'

/** The file's text; null when there is no such file. @throws SystemFault when it cannot be read */
export function textIn(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null
    throw new SystemFault(`${path}: ${reasonOf(thrown)}`, {cause: thrown})
  }
}

/**
 * The new text is on disk when this returns.
 * @param mode of the file; its owner's alone when left out. What root writes belongs to the owner of the folder
 * @throws SystemFault when it cannot be written; the old text stands then
 */
export function writeDurably(path: string, text: string, mode = 0o600): void {
  try {
    writeFileSync(`${path}.new`, text, {mode, flush: true})
    handOver(`${path}.new`)
    renameSync(`${path}.new`, path)
    syncFolder(dirname(path))
  } catch (thrown) {
    throw new SystemFault(`${path} cannot be written: ${reasonOf(thrown)}`, {cause: thrown})
  }
}

/**
 * Whoever reads meanwhile gets the old text or the new one; neither need outlive a power cut.
 * @param mode of the file, whatever the umask
 * @throws SystemFault when it cannot be written
 */
export function replaceFile(path: string, text: string, mode: number): void {
  try {
    writeFileSync(`${path}.new`, text)
    chmodSync(`${path}.new`, mode)
    renameSync(`${path}.new`, path)
  } catch (thrown) {
    throw new SystemFault(`${path} cannot be written: ${reasonOf(thrown)}`, {cause: thrown})
  }
}

/**
 * Makes the folder, its owner's alone, and those above it that are missing. What root makes belongs to the owner of the
 * folder above. Throws what the system throws.
 */
export function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path, {mode: 0o700})
  handOver(path)
}

/** Root writes for others: a daemon finds what is in its folder its own. Throws what the system throws. */
export function handOver(path: string): void {
  if (process.geteuid?.() !== 0) return
  const {uid, gid} = statSync(dirname(path))
  chownSync(path, uid, gid)
}

/** A rename is on disk when its folder is. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
