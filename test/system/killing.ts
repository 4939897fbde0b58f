/**
 * Somebody at the machine, and a daemon that comes back: what every suite that kills it needs.
 */
import {DEMO_CARDS} from '../../host/demo.ts'
import {present} from '../../kit/assert.ts'
import {seededRandom} from '../../kit/random.ts'
import type {Random} from '../../kit/random.ts'
import {ptyAvailable, skipUnless} from '../needs.ts'
import {Iron, PATIENCE_MS, clock} from './iron.ts'
import type {Life} from './iron.ts'
import type {Test} from 'tap'

const LOOK_MS = 20

/** Somebody with the demo's first card, who presses what leads to 60.00 and takes what comes, blind to the screen. */
export class Somebody {
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

  async play(life: Pick<Life, 'state'>): Promise<void> {
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

/** Whether the bank has been told what became of every hold. */
export async function isSettled(iron: Iron): Promise<boolean> {
  const operations = await iron.host.bank.store.transact(tx => tx.operations.all())
  return operations.every(({state}) => state !== 'held')
}

/** Starts the daemon once more, undisturbed, until it stands between visits and has told the bank everything; then ends it. */
export async function recovered(iron: Iron): Promise<string> {
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

/** One life that was ended, and the next that settled it. */
export interface Round {
  /** The state it was last heard of in. */
  readonly killedIn: string
  /** How many lives it took. */
  readonly kills: number
  /** What recovery failed at; empty when it did not. */
  readonly why: string
}

/**
 * Kills that often or a little more, and holds the ledgers against each other after each recovery.
 * @param seed repeats the run
 */
export async function killOver(
  t: Test,
  dispenser: 'lcdm2000' | 'reference',
  kills: number,
  seed: string,
  round: (iron: Iron, random: Random) => Promise<Round>,
): Promise<void> {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const random = seededRandom(seed).stream(dispenser)
  const iron = await Iron.open(dispenser)
  t.teardown(() => iron.close())
  let suspects = 0
  const killed: Record<string, number> = {}
  let left = kills
  for (let n = 1; left > 0; n += 1) {
    const {killedIn, kills, why} = await round(iron, random)
    left -= kills
    killed[killedIn] = (killed[killedIn] ?? 0) + 1
    t.equal(why, '', `round ${n}, killed in ${killedIn}: recovers`)
    const account = await iron.ledgers()
    t.strictSame(account.differences, [], `round ${n}: the ledgers agree`)
    t.ok(account.suspects.length - suspects <= 1, `round ${n}: at most one more suspect item`)
    suspects = account.suspects.length
  }
  const visits = (await iron.ledgers()).settled.length
  t.comment(`killed in ${JSON.stringify(killed)}; ${visits} operations settled, ${suspects} suspect`)
}
