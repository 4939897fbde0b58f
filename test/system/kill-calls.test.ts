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
import type {LastCall} from './iron.ts'
import {killOver} from './killing.ts'
import type {Doom} from './killing.ts'

const CALLS = Number(process.env['TELLERD_KILL_CALLS'] ?? '100')
const SEED = process.env['TELLERD_SEED'] ?? `kill-${clock.wallMs()}`
/**
 * What writes (to the journal and its log, through to the disk, to devices and bank), and about how often each call is
 * made, up to the end of one visit, by the thread that makes it most.
 */
const WRITING: readonly LastCall[] = [
  {name: 'pwrite64', time: 65},
  {name: 'fsync', time: 13},
  {name: 'write', time: 80},
]

function callDoom(random: Random): Doom {
  const {name, time} = present(WRITING[random.below(WRITING.length)], 'a call')
  return {call: {name, time: 1 + random.below(time)}, from: 'customer', afterMs: 0}
}

t.comment(`seed ${SEED}; TELLERD_SEED repeats the choices`)
t.jobs = 2
for (const dispenser of ['lcdm2000', 'reference'] as const)
  t.test(`${dispenser}: killed at a system call`, {timeout: 3_600_000, buffered: true}, async t => {
    if (!skipUnless(t, missingProgram(['strace']) === null, 'strace')) return
    await killOver(t, dispenser, Math.ceil(CALLS / 2), SEED, callDoom)
  })
