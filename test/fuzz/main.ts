/**
 * `npm run fuzz`: a million inputs for every framer and decoder, a fiftieth of that for every whole emulator and for
 * the console, which are a million bytes of noise there. Prints the seed and a line for each target; exit 1 with seed and input in hex when something did not hold.
 *
 *   npm run fuzz                             all of them, with a seed of its own
 *   npm run fuzz -- --seed S --count N NAME  those whose name holds NAME, again
 */
import {availableParallelism} from 'node:os'
import {parseArgs} from 'node:util'
import {Worker, isMainThread, parentPort, workerData} from 'node:worker_threads'
import {realClock} from '../../kit/clock.ts'
import {systemRandom} from '../../kit/random.ts'
import {noisy} from '../console/noise.ts'
import {findingAt, fuzz} from './run.ts'
import type {Finding} from './run.ts'
import {EMULATED, TARGETS} from './table.ts'

const INPUTS_COUNT = 1_000_000
/** So many inputs of a decoder cost what one of a whole emulator does. */
const EMULATOR_SHARE = 50
/** No input takes a second; one that takes this long never ends. */
const ENDLESS_MS = 60_000

const ALL = [...TARGETS, ...EMULATED, noisy('terminal'), noisy('rig')]
const clock = realClock()

/** What a worker gets: `progress` holds the index of the target in ALL, and of its input. */
interface Task {
  readonly seed: string
  readonly inputsCount: number
  readonly progress: Int32Array
}

type Said =
  | {readonly kind: 'next'}
  | {
      readonly kind: 'done'
      readonly target: number
      readonly finding: Finding | null
      readonly tookMs: number
    }

if (isMainThread) await main()
else work()

async function main(): Promise<void> {
  const {values, positionals} = parseArgs({
    options: {seed: {type: 'string'}, count: {type: 'string'}},
    allowPositionals: true,
  })
  const seed = values.seed ?? Buffer.from(systemRandom().bytes(6)).toString('hex')
  const inputsCount = Number(values.count ?? INPUTS_COUNT)
  const wanted = ALL.flatMap(({name}, target) =>
    positionals.every(part => name.includes(part)) ? [target] : [],
  )
  if (!Number.isSafeInteger(inputsCount) || inputsCount < 1 || wanted.length === 0) {
    process.stderr.write(
      `fuzz: no such count or no such target; there are ${ALL.map(({name}) => name).join('; ')}\n`,
    )
    process.exitCode = 2
    return
  }
  say(`seed ${seed}`)
  const waiting = [...wanted]
  const findings = await Promise.all(
    Array.from({length: Math.min(availableParallelism(), wanted.length)}, () =>
      employ(waiting, {seed, inputsCount}),
    ),
  )
  const all = findings.flat()
  for (const {target, seed: with_, index, why, input} of all) {
    process.exitCode = 1
    say(`FAIL ${target}: ${why}\n     seed ${with_}, input ${index}: ${input}`)
  }
  say(`${wanted.length - all.length} held, ${all.length} failed, seed ${seed}`)
}

/** Gives one worker a target after the other, until none is left. */
function employ(
  waiting: number[],
  {seed, inputsCount}: {readonly seed: string; readonly inputsCount: number},
): Promise<readonly Finding[]> {
  const progress = new Int32Array(new SharedArrayBuffer(8))
  const task: Task = {seed, inputsCount, progress}
  const worker = new Worker(new URL(import.meta.url), {workerData: task})
  const findings: Finding[] = []
  return new Promise((resolve, reject) => {
    const endless = watchdog(progress, (target, index) => {
      const hung = ALL[target]
      if (hung !== undefined) findings.push(findingAt(hung, seed, index, `no end within ${ENDLESS_MS} ms`))
      void worker.terminate()
    })
    worker.on('message', (said: Said) => {
      if (said.kind === 'done') {
        if (said.finding !== null) findings.push(said.finding)
        const name = ALL[said.target]?.name ?? ''
        const count = countFor(said.target, inputsCount)
        say(
          `${said.finding === null ? 'ok  ' : 'FAIL'} ${name.padEnd(28)} ${count} inputs, ${(said.tookMs / 1000).toFixed(1)} s`,
        )
      }
      worker.postMessage(waiting.shift() ?? null)
    })
    worker.once('error', reject)
    worker.once('exit', () => {
      endless.cancel()
      resolve(findings)
    })
  })
}

/** Looks whether the worker goes on; cancelling ends it. */
function watchdog(progress: Int32Array, hang: (target: number, index: number) => void): {cancel: () => void} {
  let seen = ''
  let timer = clock.after(ENDLESS_MS, look)
  function look(): void {
    const now = progress.join('/')
    if (now === seen) hang(progress[0] ?? 0, progress[1] ?? 0)
    else {
      seen = now
      timer = clock.after(ENDLESS_MS, look)
    }
  }
  return {
    cancel: () => {
      timer.cancel()
    },
  }
}

function countFor(target: number, inputsCount: number): number {
  return target < TARGETS.length ? inputsCount : Math.ceil(inputsCount / EMULATOR_SHARE)
}

/** The worker's side: a target comes in, what was found goes out. */
function work(): void {
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- what employ() gave, and nobody else
  const {seed, inputsCount, progress} = workerData as Task
  const port = parentPort
  if (port === null) throw new RangeError('no parent')
  const tell = (said: Said): void => {
    port.postMessage(said)
  }
  port.on('message', (index: number | null) => {
    const target = index === null ? undefined : ALL[index]
    if (index === null || target === undefined) {
      port.close()
      return
    }
    progress[0] = index
    const startMs = clock.monotonicMs()
    void fuzz(target, seed, countFor(index, inputsCount), input => {
      progress[1] = input
    }).then(finding => {
      tell({kind: 'done', target: index, finding, tookMs: clock.monotonicMs() - startMs})
    })
  })
  tell({kind: 'next'})
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
