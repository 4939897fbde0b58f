/**
 * The daemon's process is killed and started again, over and over, on one journal, one bank and one set of devices: at
 * random moments of a visit, and as it makes a chosen system call, in its start, its recovery or its visit. Each time
 * the three ledgers agree, or one more named suspect item says why not.
 *
 * TELLERD_KILL_ROUNDS: how often at a moment, over both kinds of dispenser (20 unless set; `npm run system:kill` sets 200).
 * TELLERD_KILL_CALLS: how often at a system call (100 unless set; `npm run system:kill` sets 1,000).
 */
import t from 'tap'
import {DEMO_CARDS} from '../../host/demo.ts'
import {present} from '../../kit/assert.ts'
import {seededRandom} from '../../kit/random.ts'
import type {Random} from '../../kit/random.ts'
import {missingProgram, ptyAvailable, skipUnless} from '../needs.ts'
import {Iron, PATIENCE_MS, clock} from './iron.ts'
import type {LastCall, Life} from './iron.ts'

const ROUNDS = Number(process.env['TELLERD_KILL_ROUNDS'] ?? '20')
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
/** A visit at the machine's own speed takes about this long. */
const VISIT_MS = 1_800
/** Far above what a visit takes on a busy machine under strace. */
const VISIT_MAX_MS = 20_000
const LOOK_MS = 20

/** Somebody with the demo's first card, who presses what leads to 60.00 and takes what comes, blind to the screen. */
class Somebody {
  readonly #iron: Iron
  readonly #brings: 'card' | 'nothing'
  #isHere = true
  #pressed = ''

  /** @param brings `nothing`: only takes what is offered */
  constructor(iron: Iron, brings: 'card' | 'nothing') {
    this.#iron = iron
    this.#brings = brings
  }

  leave(): void {
    this.#isHere = false
  }

  async play(life: Life): Promise<void> {
    const {reader, pinPad, dispenser} = this.#iron.emulators
    const card = present(DEMO_CARDS[3], 'a demo card')
    while (this.#isHere) {
      await clock.sleep(LOOK_MS)
      const {place, isAdmitting} = reader.world
      if (place === 'frontFree' || place === 'frontHeld') reader.take()
      dispenser.takeNotes()
      if (this.#brings === 'nothing') continue
      if (isAdmitting && place === 'none') reader.insert({track2: card.track2.slice(1, -1)})
      if (pinPad.world.mode === 'pin' && pinPad.world.stars === 0)
        for (const key of ['4', '7', '1', '1', 'enter'] as const) pinPad.press(key)
      if (life.state === this.#pressed || pinPad.world.mode !== 'clear') continue
      this.#pressed = life.state
      if (life.state === 'choosingService') pinPad.press('A')
      if (life.state === 'choosingAmount') for (const key of ['6', '0', 'enter'] as const) pinPad.press(key)
    }
  }
}

async function isSettled(iron: Iron): Promise<boolean> {
  const operations = await iron.host.bank.store.transact(tx => tx.operations.all())
  return operations.every(({state}) => state !== 'held')
}

/** Starts the daemon once more, undisturbed, until it stands between visits and has told the bank everything; then ends it. */
async function recovered(iron: Iron): Promise<string> {
  const life = iron.live()
  const somebody = new Somebody(iron, 'nothing')
  const playing = somebody.play(life)
  const endMs = clock.monotonicMs() + PATIENCE_MS
  try {
    if (!(await life.until(() => ['idle', 'outOfService', 'offline'].includes(life.state))))
      return `the daemon did not recover: ${life.log.slice(-5).join(' | ')}`
    while (!(await isSettled(iron))) {
      if (clock.monotonicMs() > endMs) return 'the bank was not told in time'
      await clock.sleep(LOOK_MS)
    }
    // An advice for an operation that the bank never heard of leaves no held row to wait for.
    await clock.sleep(200)
    return ''
  } finally {
    somebody.leave()
    await playing
    await life.kill()
  }
}

interface Round {
  /** The state it was last heard of in. */
  readonly killedIn: string
  /** What recovery failed at; empty when it did not. */
  readonly why: string
}

/** Killed at a moment. */
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
  return {killedIn, why: await recovered(iron)}
}

/** Killed by a system call; sometimes the life that recovers from it is killed the same way. */
async function callRound(iron: Iron, random: Random): Promise<Round> {
  const last = present(WRITING[random.below(WRITING.length)], 'a call')
  const at = {name: last.name, time: 1 + random.below(last.time)}
  const life = iron.live(at)
  const somebody = new Somebody(iron, 'card')
  const playing = somebody.play(life)
  const endMs = clock.monotonicMs() + VISIT_MAX_MS
  // Where the visit ends without making the call so often, the life ends with it.
  await life.until(() => life.isOver || life.state === 'showingEnding' || clock.monotonicMs() > endMs)
  const killedIn = `${at.name} ${life.state === '' ? 'before its first word' : life.state}`
  await life.kill()
  somebody.leave()
  await playing
  if (random.below(4) === 0) {
    const again = iron.live({...at, time: 1 + random.below(at.time)})
    await again.until(() => again.isOver || ['idle', 'outOfService', 'offline'].includes(again.state))
    await again.kill()
  }
  return {killedIn, why: await recovered(iron)}
}

t.comment(`seed ${SEED}; TELLERD_SEED repeats the moments`)
for (const dispenser of ['lcdm2000', 'reference'] as const)
  for (const [at, rounds, round] of [
    ['at a moment', ROUNDS, momentRound],
    ['at a system call', CALLS, callRound],
  ] as const)
    await t.test(`${dispenser}: killed ${at} and started again`, {timeout: 3_600_000}, async t => {
      if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
      if (!skipUnless(t, round === momentRound || missingProgram(['strace']) === null, 'strace')) return
      const random = seededRandom(SEED).stream(`${dispenser} ${at}`)
      const iron = await Iron.open(dispenser)
      t.teardown(() => iron.close())
      let suspects = 0
      const killed: Record<string, number> = {}
      for (let n = 1; n <= Math.ceil(rounds / 2); n += 1) {
        const {killedIn, why} = await round(iron, random)
        killed[killedIn] = (killed[killedIn] ?? 0) + 1
        t.equal(why, '', `round ${n}, killed in ${killedIn}: recovers`)
        const account = await iron.ledgers()
        t.strictSame(account.differences, [], `round ${n}: the ledgers agree`)
        t.ok(account.suspects.length - suspects <= 1, `round ${n}: at most one more suspect item`)
        suspects = account.suspects.length
      }
      const visits = (await iron.ledgers()).settled.length
      t.comment(`killed in ${JSON.stringify(killed)}; ${visits} operations settled, ${suspects} suspect`)
    })
