/** One thread of `verifyInParallel`: walks the range that it is given and tells what it found. */
import {parentPort, workerData} from 'node:worker_threads'
import {present} from '../kit/assert.ts'
import type {Walk} from './parallel.ts'
import {checkRange} from './range.ts'
import {openForReading} from './schema.ts'

// eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- Node does not type it; parallel.ts made it a Walk
const {path, range} = workerData as Walk
const database = openForReading(path)
try {
  present(parentPort, 'the thread that asked').postMessage(checkRange(database, range))
} finally {
  database.close()
}
