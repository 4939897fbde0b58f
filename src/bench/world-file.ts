/** The world of one emulated device in a file: read at the start, and saved whole after every change. */
import {readFileSync, renameSync, writeFileSync} from 'node:fs'
import {BadInput, SystemFault, codeOf, reasonOf} from '../../kit/errors.ts'
import {readJson, writeJson} from '../../kit/exact-json.ts'
import type {Json} from '../../kit/exact-json.ts'
import type {Fields} from './stand.ts'

/** What the file holds; null when there is none yet. @throws BadInput naming the file and what is wrong */
export function readWorld(path: string): Json | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null
    throw new BadInput(`--world ${path}: ${reasonOf(thrown)}`, {cause: thrown})
  }
  const read = readJson(text)
  if (read.kind === 'refused') throw new BadInput(`--world ${path}: ${read.why}`)
  return read.json
}

/** A function that saves a world there if it differs from the last one saved. */
export function worldSaver(path: string): (world: Fields) => void {
  let saved = ''
  return world => {
    const text = writeJson(world)
    if (text === saved) return
    // Renamed into place, so that whoever kills this program finds the old world or the new one, never half.
    const fresh = `${path}.new`
    try {
      writeFileSync(fresh, `${text}\n`)
      renameSync(fresh, path)
    } catch (thrown) {
      throw new SystemFault(`--world ${path}: ${reasonOf(thrown)}`, {cause: thrown})
    }
    saved = text
  }
}
