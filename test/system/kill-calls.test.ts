/**
 * The daemon's process is killed as it makes a chosen system call, in its start, its recovery or its visit, and started
 * again, over and over, on one journal, one bank and one set of devices.
 *
 * TELLERD_KILL_CALLS: how often, over both kinds of dispenser (40 unless set; `npm run system:kill` sets 1,000).
 */
import t from 'tap'
import {present} from '../../kit/assert.ts'
import type {Random} from '../../kit/random.ts'
import {missingProgram, skipUnless} from '../needs.ts'
import {clock} from './iron.ts'
import type {Iron, LastCall} from './iron.ts'
import {Somebody, killOver, recovered} from './killing.ts'
import type {Round} from './killing.ts'

const CALLS = Number(process.env['TELLERD_KILL_CALLS'] ?? '40')
const SEED = process.env['TELLERD_SEED'] ?? `kill-${clock.wallMs()}`
/** Far above what a visit takes on a busy machine under strace. */
const VISIT_MAX_MS = 20_000
/**
 * What writes (to the journal and its log, through to the disk, to devices and bank), and about how often each call is
 * made, up to the end of one visit, by the thread that makes it most.
 */
const WRITING: readonly LastCall[] = [
  {name: 'pwrite64', time: 65},
  {name: 'fsync', time: 13},
  {name: 'write', time: 80},
]

/** Every other time, the life that recovers from it is killed the same way. */
async function callRound(iron: Iron, random: Random): Promise<Round> {
  const {name, time} = present(WRITING[random.below(WRITING.length)], 'a call')
  const at = {name, time: 1 + random.below(time)}
  const life = iron.live(at)
  const somebody = new Somebody(iron, 'card')
  const playing = somebody.play(life)
  const endMs = clock.monotonicMs() + VISIT_MAX_MS
  // Where the visit ends without making the call so often, the life ends with it, and does not count.
  await life.until(() => life.isOver || life.state === 'showingEnding' || clock.monotonicMs() > endMs)
  const killedIn = `${name} ${life.state === '' ? 'before its first word' : life.state}`
  let kills = life.isOver ? 1 : 0
  await life.kill()
  somebody.leave()
  await playing
  if (random.below(2) === 0) {
    const again = iron.live({name, time: 1 + random.below(at.time)})
    await again.until(() => again.isOver || ['idle', 'outOfService', 'offline'].includes(again.state))
    if (again.isOver) kills += 1
    await again.kill()
  }
  return {killedIn, kills, why: await recovered(iron)}
}

t.comment(`seed ${SEED}; TELLERD_SEED repeats the choices`)
for (const dispenser of ['lcdm2000', 'reference'] as const)
  await t.test(`${dispenser}: killed at a system call and started again`, {timeout: 3_600_000}, async t => {
    if (!skipUnless(t, missingProgram(['strace']) === null, 'strace')) return
    await killOver(t, dispenser, Math.ceil(CALLS / 2), SEED, callRound)
  })
