/**
 * The daemon's process is killed at random moments of a visit and started again, over and over, on one journal, one
 * bank and one set of devices. Each time the three ledgers agree, or one more named suspect item says why not.
 *
 * TELLERD_KILL_ROUNDS: how often, over both kinds of dispenser (20 unless set; `npm run system:kill` sets 200).
 */
import t from 'tap'
import type {Random} from '../../kit/random.ts'
import {clock} from './iron.ts'
import {killOver} from './killing.ts'
import type {Doom} from './killing.ts'

const ROUNDS = Number(process.env['TELLERD_KILL_ROUNDS'] ?? '20')
const SEED = process.env['TELLERD_SEED'] ?? `kill-${clock.wallMs()}`
/** A start and a recovery, and what follows a customer's choice at the machine's own speed, take about this long. */
const MOMENTS_MS = {start: 1_500, choosingService: 900} as const

/** Some are killed while they start or recover, most while they serve. */
function momentDoom(random: Random): Doom {
  const from = random.below(5) === 0 ? 'start' : 'choosingService'
  return {from, after: random.below(MOMENTS_MS[from])}
}

t.comment(`seed ${SEED}; TELLERD_SEED repeats the moments`)
t.jobs = 2
for (const dispenser of ['lcdm2000', 'reference'] as const)
  t.test(`${dispenser}: killed and started again`, {timeout: 3_600_000, buffered: true}, t =>
    killOver(t, dispenser, Math.ceil(ROUNDS / 2), SEED, momentDoom),
  )
