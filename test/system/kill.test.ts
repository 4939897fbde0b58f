/**
 * The daemon's process is killed at random moments of a visit and started again, over and over, on one journal, one
 * bank and one set of devices. Each time the three ledgers agree, or one more named suspect item says why not.
 *
 * TELLERD_KILL_ROUNDS: how often, over both kinds of dispenser (20 unless set; `npm run system:kill` sets 200).
 */
import t from 'tap'
import type {Random} from '../../kit/random.ts'
import {clock} from './iron.ts'
import type {Iron} from './iron.ts'
import {Somebody, killOver, recovered} from './killing.ts'
import type {Round} from './killing.ts'

const ROUNDS = Number(process.env['TELLERD_KILL_ROUNDS'] ?? '20')
const SEED = process.env['TELLERD_SEED'] ?? `kill-${clock.wallMs()}`
/** A visit at the machine's own speed takes about this long. */
const VISIT_MS = 1_800

async function momentRound(iron: Iron, random: Random): Promise<Round> {
  const life = iron.live()
  const somebody = new Somebody(iron, 'card')
  const playing = somebody.play(life)
  // Some are killed while they start or recover, most during the visit.
  if (random.below(5) > 0) await life.until(() => life.state === 'idle')
  await clock.sleep(random.below(VISIT_MS))
  const killedIn = life.state === '' ? 'before its first word' : life.state
  await life.kill()
  somebody.leave()
  await playing
  return {killedIn, kills: 1, why: await recovered(iron)}
}

t.comment(`seed ${SEED}; TELLERD_SEED repeats the moments`)
for (const dispenser of ['lcdm2000', 'reference'] as const)
  await t.test(`${dispenser}: killed and started again`, {timeout: 3_600_000}, t =>
    killOver(t, dispenser, Math.ceil(ROUNDS / 2), SEED, momentRound),
  )
