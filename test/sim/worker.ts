/** One core's share of a campaign. */
import {parentPort, workerData} from 'node:worker_threads'
import {present} from '../../kit/assert.ts'
import type {Failure, Report, Task} from './campaign.ts'
import {Ground} from './ground.ts'
import type {Played} from './ground.ts'
import type {Outcome} from './run.ts'
import {shrunk} from './shrink.ts'
import {lastVisit, lineText, replayCommand} from './story.ts'
import type {Line} from './trace.ts'

// eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- campaign.ts hands over exactly this
const {shared, end, shrinks} = workerData as Task
const port = present(parentPort, 'the campaign')

const ground = await Ground.open()
try {
  for (;;) {
    if (Atomics.load(shared, 1) === 1) break
    const seed = Atomics.add(shared, 0, 1)
    if (seed >= end) break
    port.postMessage(await reported(seed))
  }
} finally {
  ground.close()
}

async function reported(seed: number): Promise<Report> {
  const before = process.threadCpuUsage()
  const outcome = await ground.play({seed})
  const {user, system} = process.threadCpuUsage(before)
  return {
    seed,
    visitsCount: outcome.visitsCount,
    livesCount: outcome.livesCount,
    faultsCount: outcome.struck.length,
    virtualMs: outcome.virtualMs,
    cpuMs: (user + system) / 1_000,
    seen: [...outcome.seen],
    failure: await failureOf(outcome),
  }
}

async function failureOf(outcome: Outcome): Promise<Failure | null> {
  const {violation} = outcome
  if (violation === null) return null
  const shortest: Played = shrinks ? await shrunk(ground, outcome) : {seed: outcome.seed}
  const lines: Line[] = []
  await ground.play({
    ...shortest,
    watch: line => {
      lines.push(line)
    },
  })
  return {
    seed: outcome.seed,
    violation,
    replay: replayCommand(shortest),
    story: lastVisit(lines).map(lineText),
  }
}
