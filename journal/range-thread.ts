/** One thread of `verifyInParallel`: walks the range that it is given and tells what it found. */
import {parentPort, workerData} from 'node:worker_threads'
import {present} from '../kit/assert.ts'
import type {Walk} from './parallel.ts'
import {checkRange} from './range.ts'
import type {RangeVerdict} from './range.ts'
import {openForReading} from './schema.ts'

// eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- Node does not type it; parallel.ts made it a Walk
const {path, range} = workerData as Walk
// Whoever hears the verdict may open the journal at once: by then this thread has let go of it.
present(parentPort, 'the thread that asked').postMessage(checked())

function checked(): RangeVerdict {
  const database = openForReading(path)
  try {
    return checkRange(database, range)
  } finally {
    database.close()
  }
}
