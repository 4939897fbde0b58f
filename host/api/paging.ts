/**
 * Lists page by page: a page begins behind a row, named by its values in the columns that order the list, so that
 * rows added meanwhile neither shift nor repeat anything. What a person holds of it is an opaque text.
 */
import {problemOf} from './answer.ts'
import type {Answer} from './answer.ts'
import {NumberText, readJson, writeJson} from '../../kit/exact-json.ts'
import type {PageQuery} from './office-schema.ts'
import type {Slice} from '../store/port.ts'

/** Rows of a page when nobody says otherwise. */
const PAGE_ROWS = 50

export type KeyPart = 'text' | 'number'
type Key = readonly (string | number)[]

export interface Page<T> {
  readonly items: readonly T[]
  /** Null on the last page. */
  readonly next: string | null
}

/**
 * One page of a list.
 * @param kinds of the parts of the key that orders the list
 * @param rows fetches a slice
 * @param keyOf the key of a row
 */
export async function pageOf<T>(
  ask: PageQuery,
  kinds: readonly KeyPart[],
  rows: (slice: Slice) => Promise<readonly T[]>,
  keyOf: (row: T) => Key,
): Promise<Page<T> | Answer> {
  const after = ask.after === undefined ? null : keyOfCursor(ask.after, kinds)
  if (after === 'foreign') return problemOf('malformed', 'after is not the next of a page of this list')
  const countMax = ask.limit ?? PAGE_ROWS
  // One more than asked for tells whether there is a next page.
  const found = await rows({after, countMax: countMax + 1})
  const items = found.slice(0, countMax)
  const last = items.at(-1)
  const next = found.length > countMax && last !== undefined ? cursorOf(keyOf(last)) : null
  return {items, next}
}

/** The fields of the answer that turn the page. */
export function nextField({next}: Page<unknown>): {readonly next?: string} {
  return next === null ? {} : {next}
}

function cursorOf(key: Key): string {
  return Buffer.from(writeJson(key)).toString('base64url')
}

function keyOfCursor(cursor: string, kinds: readonly KeyPart[]): Key | 'foreign' {
  const read = readJson(Buffer.from(cursor, 'base64url').toString('utf8'))
  if (read.kind === 'refused' || !Array.isArray(read.json) || read.json.length !== kinds.length)
    return 'foreign'
  const key: (string | number)[] = []
  for (const [at, kind] of kinds.entries()) {
    const part: unknown = read.json[at]
    if (kind === 'text' && typeof part === 'string') key.push(part)
    else if (kind === 'number' && part instanceof NumberText && /^-?[0-9]{1,15}$/.test(part.source))
      key.push(Number(part.source))
    else return 'foreign'
  }
  return key
}
