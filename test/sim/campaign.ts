/** Many seeds on all cores: workers play, one thread counts, and the ledger remembers. */
import {Worker} from 'node:worker_threads'
import {neverSeen} from './sometimes.ts'
import type {Violation} from './oracle/oracle.ts'

/** What a worker is asked: seeds from `next`, one after the other, until `end` or until it is told to stop. */
export interface Task {
  /** [0]: the next seed; [1]: 1 when it is over. */
  readonly shared: Int32Array
  readonly end: number
  /** Whether a failing run is made short before it is told. */
  readonly shrinks: boolean
}

/** One run, as a worker tells of it. */
export interface Report {
  readonly seed: number
  readonly visitsCount: number
  readonly livesCount: number
  readonly faultsCount: number
  readonly virtualMs: number
  readonly cpuMs: number
  readonly seen: readonly (readonly [string, number])[]
  readonly failure: Failure | null
}

export interface Failure {
  readonly seed: number
  readonly violation: Violation
  /** The command that plays the shortest run found. */
  readonly replay: string
  readonly story: readonly string[]
}

export interface Sum {
  readonly seeds: number
  readonly visits: number
  readonly lives: number
  readonly faults: number
  readonly virtualMs: number
  readonly cpuMs: number
  readonly failures: readonly Failure[]
  /** Names of the "sometimes" list that no run has seen. */
  readonly never: readonly string[]
  readonly seen: ReadonlyMap<string, number>
}

export interface CampaignOptions {
  readonly from: number
  readonly count: number
  readonly workers: number
  /** Over after so long, in real time; never when null. */
  readonly limitMs: number | null
  readonly stopsAtFailure: boolean
  readonly shrinks: boolean
  readonly told: (report: Report) => void
}

/** Plays the seeds. @param after sets a real timer */
export async function campaign(
  {from, count, workers, limitMs, stopsAtFailure, shrinks, told}: CampaignOptions,
  after: (ms: number, fire: () => void) => {cancel(): void},
): Promise<Sum> {
  const shared = new Int32Array(new SharedArrayBuffer(8))
  shared[0] = from
  const stop = (): void => {
    Atomics.store(shared, 1, 1)
  }
  const timer = limitMs === null ? null : after(limitMs, stop)
  const tally = {seeds: 0, visits: 0, lives: 0, faults: 0, virtualMs: 0, cpuMs: 0}
  const seen = new Map<string, number>()
  const failures: Failure[] = []
  const take = (report: Report): void => {
    tally.seeds += 1
    tally.visits += report.visitsCount
    tally.lives += report.livesCount
    tally.faults += report.faultsCount
    tally.virtualMs += report.virtualMs
    tally.cpuMs += report.cpuMs
    for (const [name, times] of report.seen) seen.set(name, (seen.get(name) ?? 0) + times)
    if (report.failure !== null) {
      failures.push(report.failure)
      if (stopsAtFailure) stop()
    }
    told(report)
  }
  const task: Task = {shared, end: from + count, shrinks}
  await Promise.all(Array.from({length: Math.min(workers, count)}, () => employ(task, take)))
  timer?.cancel()
  return {...tally, failures, seen, never: neverSeen(seen)}
}

function employ(task: Task, take: (report: Report) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {workerData: task})
    worker.on('message', take)
    worker.on('error', reject)
    worker.on('exit', () => {
      resolve()
    })
  })
}
