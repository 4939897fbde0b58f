/**
 * `JournalReader.verify` on several threads: the rows are cut into ranges, each thread opens the file for itself and
 * walks one, and this one looks at the file meanwhile and joins what they say.
 */
import {extname} from 'node:path'
import {Worker} from 'node:worker_threads'
import {assert} from '../kit/assert.ts'
import {joined, ranges} from './range.ts'
import type {Range, RangeVerdict, Verdict} from './range.ts'
import {JournalReader} from './reader.ts'
import {openForReading} from './schema.ts'

/**
 * Checks a closed journal, as `JournalReader.verify` does and with its verdict.
 * @param threadsCount at least 1; one a core
 * @throws SystemFault when it cannot be opened, or a running machine has it open
 */
export async function verifyInParallel(path: string, threadsCount: number): Promise<Verdict> {
  assert(threadsCount >= 1, `${threadsCount} threads`)
  const database = openForReading(path)
  try {
    const walked = Promise.all(ranges(database, threadsCount).map(range => walkedBy(path, range)))
    const reader = new JournalReader(path, database)
    const damage = reader.damage()
    return reader.verdictWith(joined(await walked), damage)
  } finally {
    database.close()
  }
}

/** What a thread is to walk. */
export interface Walk {
  readonly path: string
  readonly range: Range
}

async function walkedBy(path: string, range: Range): Promise<RangeVerdict> {
  const walk: Walk = {path, range}
  // As this file is: TypeScript from the tree, JavaScript from a package.
  const file = new URL(`./range-thread${extname(import.meta.filename)}`, import.meta.url)
  const thread = new Worker(file, {workerData: walk})
  return new Promise((resolve, reject) => {
    thread.once('message', resolve)
    thread.once('error', reject)
  })
}
