/**
 * `npm run sim`: whole lives of whole machines with everything going wrong, in virtual time, one for each seed.
 *
 *   npm run sim -- --seeds 1000            the next thousand seeds after those in the ledger
 *   npm run sim -- --from 1 --seeds 200    those
 *   npm run sim -- --minutes 60            as many as there is time for
 *   npm run sim -- --no-ledger --first     nothing written down; over at the first failure
 *
 * Exit 1 when a promise was broken; the seed, a command and a short story say how.
 */
import {execFileSync} from 'node:child_process'
import {appendFileSync, existsSync, readFileSync} from 'node:fs'
import {availableParallelism} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {isoTime, realClock} from '../../kit/clock.ts'
import {BadInput} from '../../kit/errors.ts'
import {EXIT_FAULT, EXIT_OK, runProgram, say} from '../../src/program.ts'
import {campaign} from './campaign.ts'
import type {Failure, Sum} from './campaign.ts'
import {UNSEEABLE} from './sometimes.ts'

const LEDGER = join(import.meta.dirname, 'ledger.jsonl')
const SEEDS_DEFAULT = 1_000
const SEEDS_ENDLESS = 1_000_000_000

await runProgram('sim', async args => {
  const {values} = parseArgs({
    args: [...args],
    options: {
      seeds: {type: 'string'},
      from: {type: 'string'},
      minutes: {type: 'string'},
      workers: {type: 'string'},
      first: {type: 'boolean', default: false},
      ledger: {type: 'boolean', default: true},
      shrink: {type: 'boolean', default: true},
    },
    allowNegative: true,
  })
  const minutes = values.minutes === undefined ? null : count('minutes', values.minutes)
  const from = values.from === undefined ? afterLedger() : count('from', values.from)
  const seeds = count('seeds', values.seeds ?? String(minutes === null ? SEEDS_DEFAULT : SEEDS_ENDLESS))
  const workers = count('workers', values.workers ?? String(availableParallelism()))
  const clock = realClock()
  const startMs = clock.monotonicMs()
  const sum = await campaign(
    {
      from,
      count: seeds,
      workers,
      limitMs: minutes === null ? null : minutes * 60_000,
      stopsAtFailure: values.first,
      shrinks: values.shrink,
      told: ({failure}) => {
        if (failure !== null) tell(failure)
      },
    },
    (ms, fire) => clock.after(ms, fire),
  )
  summary(from, sum, clock.monotonicMs() - startMs)
  if (values.ledger) appendFileSync(LEDGER, `${ledgerLine(isoTime(clock.wallMs()), from, sum)}\n`)
  return sum.failures.length === 0 ? EXIT_OK : EXIT_FAULT
})

function count(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new BadInput(`--${name}: '${text}' is no whole number from 1`)
  return value
}

function tell({seed, violation, replay, story}: Failure): void {
  say(`\nBROKEN ${violation.promise}, seed ${seed}: ${violation.detail}`)
  for (const line of story) say(`  ${line}`)
  say(`again: ${replay}\n`)
}

function summary(from: number, sum: Sum, tookMs: number): void {
  const cpuS = sum.cpuMs / 1_000
  say(
    `${sum.seeds} seeds from ${from}: ${sum.visits} visits, ${sum.lives} lives, ${sum.faults} faults, ` +
      `${(sum.virtualMs / 86_400_000).toFixed(1)} days, in ${(tookMs / 1_000).toFixed(0)} s`,
  )
  say(
    `${(sum.visits / cpuS).toFixed(0)} visits a second of one core, ` +
      `${(sum.virtualMs / 1_000 / cpuS).toFixed(0)} times real time`,
  )
  if (sum.never.length > 0) say(`never seen: ${sum.never.join('; ')}`)
  for (const [name, why] of Object.entries(UNSEEABLE))
    if (!sum.seen.has(name)) say(`not to be seen here: ${name}: ${why}`)
  say(`${sum.seeds - sum.failures.length} held, ${sum.failures.length} broken`)
}

function ledgerLine(at: string, from: number, sum: Sum): string {
  return JSON.stringify({
    at,
    commit: commit(),
    from,
    seeds: sum.seeds,
    visits: sum.visits,
    faults: sum.faults,
    virtualDays: Number((sum.virtualMs / 86_400_000).toFixed(1)),
    cpuSeconds: Math.round(sum.cpuMs / 1_000),
    failures: sum.failures.map(({seed, violation}) => `${seed} ${violation.promise}`),
    never: sum.never.length,
  })
}

function commit(): string {
  const head = execFileSync('git', ['describe', '--always', '--dirty'], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  })
  return head.trim()
}

/** A campaign goes on where the last one ended. */
function afterLedger(): number {
  if (!existsSync(LEDGER)) return 1
  const ends = [...readFileSync(LEDGER, 'utf8').matchAll(/"from":([0-9]+),"seeds":([0-9]+)/g)].map(
    ([, from = '0', seeds = '0']) => Number(from) + Number(seeds),
  )
  return Math.max(1, ...ends)
}
