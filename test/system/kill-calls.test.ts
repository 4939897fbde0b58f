/**
 * The daemon's process is killed as it makes a chosen system call, in its start, its recovery or its visit, and started
 * again, over and over, on one journal, one bank and one set of devices.
 *
 * TELLERD_KILL_CALLS: how often, over both kinds of dispenser (100 unless set; `npm run system:kill` sets 1,000).
 */
import t from 'tap'
import {present} from '../../kit/assert.ts'
import type {Random} from '../../kit/random.ts'
import {missingProgram, skipUnless} from '../needs.ts'
import {clock} from './iron.ts'
import {killOver} from './killing.ts'
import type {Doom} from './killing.ts'

const CALLS = Number(process.env['TELLERD_KILL_CALLS'] ?? '100')
const SEED = process.env['TELLERD_SEED'] ?? `kill-${clock.wallMs()}`
/**
 * What writes (to the journal and its log, through to the disk, to devices and bank), and about how often a thread makes
 * each call: from the start of the process until it is idle, and from a customer's choice until the bank has heard
 * of the end.
 */
const WRITING: readonly {readonly name: string; readonly starting: number; readonly serving: number}[] = [
  {name: 'pwrite64', starting: 20, serving: 36},
  {name: 'fsync', starting: 5, serving: 7},
  {name: 'write', starting: 30, serving: 25},
]

/** Two of three end while they serve: that is where the money is. */
function callDoom(random: Random): Doom {
  const {name, starting, serving} = present(WRITING[random.below(WRITING.length)], 'a call')
  const isServing = random.below(3) > 0
  return {
    from: isServing ? 'choosingService' : 'start',
    after: {name, time: 1 + random.below(isServing ? serving : starting)},
  }
}

t.comment(`seed ${SEED}; TELLERD_SEED repeats the choices`)
t.jobs = 2
for (const dispenser of ['lcdm2000', 'reference'] as const)
  t.test(`${dispenser}: killed at a system call`, {timeout: 3_600_000, buffered: true}, async t => {
    if (!skipUnless(t, missingProgram(['strace']) === null, 'strace')) return
    await killOver(t, dispenser, Math.ceil(CALLS / 2), SEED, callDoom)
  })
