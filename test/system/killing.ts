/**
 * Somebody at the machine, and a daemon that comes back: what every suite that kills it needs.
 */
import {copyFileSync, existsSync, mkdtempSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import type {Test} from 'tap'
import {DEMO_CARDS} from '../../host/demo.ts'
import {JournalReader} from '../../journal/reader.ts'
import {assert, present} from '../../kit/assert.ts'
import {SystemFault} from '../../kit/errors.ts'
import {seededRandom} from '../../kit/random.ts'
import type {Random} from '../../kit/random.ts'
import {ptyAvailable, skipUnless} from '../needs.ts'
import {Iron, PATIENCE_MS, clock} from './iron.ts'
import type {Life} from './iron.ts'
import type {LastCall} from './last-call.ts'

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
      if (life.state === 'choosingAccount') pinPad.press('A')
      if (life.state === 'choosingAmount') for (const key of ['6', '0', 'enter'] as const) pinPad.press(key)
    }
  }
}

/** Whether the bank has been told what became of every hold. */
export async function isSettled(iron: Iron): Promise<boolean> {
  const operations = await iron.host.bank.store.transact(tx => tx.operations.all())
  return operations.every(({state}) => state !== 'held')
}

/** How a life is to end: so many ms, or before that system call, counted from its start or from a customer's choice. */
export interface Doom {
  readonly from: 'start' | 'choosingService'
  readonly after: number | LastCall
}

/** One journal, one bank and one set of devices see so many kills; then there are new ones. */
const LIVES_PER_IRON = 100
/** And that many on the average before a kill leaves notes that only an operator may clear. */
const KILLS_PER_IRON_MIN = 2
const LIVES_PER_KILL_MAX = 3
/** Customers that one life serves while the call it is to end before is not made. */
const CUSTOMERS_MAX = 3
/** Far above what a visit takes on a busy machine under strace. */
const VISIT_MAX_MS = 20_000
const RESTS: readonly string[] = ['idle', 'outOfService']

/**
 * Kills that often, and holds the ledgers against each other each time the daemon has come to rest again. No life is
 * spent on recovering alone: the one that settles what the last left behind is the next to be killed, in the middle of
 * that if its end falls there.
 * @param seed repeats the dooms
 */
export async function killOver(
  t: Test,
  dispenser: 'lcdm2000' | 'reference',
  kills: number,
  seed: string,
  doomOf: (random: Random) => Doom,
): Promise<void> {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const random = seededRandom(seed).stream(dispenser)
  const killed: Record<string, number> = {}
  let irons = 0
  for (let left = kills; left > 0; irons += 1) {
    assert(irons * KILLS_PER_IRON_MIN <= kills, 'a machine seldom waits for its operator')
    const iron = await Iron.open(dispenser)
    try {
      left -= await killOn(t, iron, Math.min(LIVES_PER_IRON, left), killed, () => doomOf(random))
    } finally {
      await iron.close()
    }
  }
  t.comment(`killed in ${JSON.stringify(killed)}; ${irons} machines`)
}

/**
 * On one machine, until it was killed that often or waits for its operator, who does not come here.
 * @returns how often it was killed
 */
async function killOn(
  t: Test,
  iron: Iron,
  kills: number,
  killed: Record<string, number>,
  nextDoom: () => Doom,
): Promise<number> {
  let suspects = 0
  let after = 'at first'
  const settled = async (life: Life): Promise<void> => {
    t.ok(RESTS.includes(life.state), `${after}: recovers`)
    const account = await withCopy(iron, path => iron.ledgers(path))
    t.strictSame(account.differences, [], `${after}: the ledgers agree`)
    // Whatever happened since the last rest, one customer was there.
    t.ok(account.suspects.length - suspects <= 1, `${after}: at most one more suspect item`)
    suspects = account.suspects.length
  }
  let count = 0
  for (let lives = 0; count < kills; lives += 1) {
    assert(lives < kills * LIVES_PER_KILL_MAX, 'the calls are made')
    const {killedIn, end} = await doomed(iron, nextDoom(), settled)
    if (end === 'shut') return count
    after = `after the end in ${killedIn}`
    if (end === 'in vain') continue
    count += 1
    killed[killedIn] = (killed[killedIn] ?? 0) + 1
  }
  await doomed(iron, {from: 'choosingService', after: 0}, settled)
  return count
}

/** How a life came to its end: as it was to, without having made the call, or out of service. */
type End = 'killed' | 'in vain' | 'shut'

/**
 * One life, until it ends as it is to end.
 * @param settled called each time the daemon stands between visits and has told the bank everything
 * @throws SystemFault when it ends by itself
 */
async function doomed(
  iron: Iron,
  {from, after}: Doom,
  settled: (life: Life) => Promise<void>,
): Promise<{readonly killedIn: string; readonly end: End}> {
  const isTimed = typeof after === 'number'
  const life = iron.live(from === 'start' && !isTimed ? after : null)
  try {
    if (from === 'start' && isTimed) {
      await withSomebody(iron, 'nothing', life, () => clock.sleep(after))
      return {killedIn: stateOf(life), end: 'killed'}
    }
    let isArmed = from === 'start'
    for (let customers = 1; customers <= CUSTOMERS_MAX; customers += 1) {
      if (!(await withSomebody(iron, 'nothing', life, () => atRest(iron, life)))) break
      await settled(life)
      if (life.state === 'outOfService') return {killedIn: life.state, end: 'shut'}
      // Whoever chooses waits until the daemon is watched.
      const seen = {
        get state() {
          return isArmed ? life.state : ''
        },
      }
      await withSomebody(iron, 'card', seen, async () => {
        if (!isArmed) await life.until(() => life.state === 'choosingService')
        if (!isArmed && !isTimed) await life.endAt(after)
        isArmed = true
        await (isTimed ? clock.sleep(after) : served(life))
      })
      if (isTimed) break
    }
    if (life.failure !== null) throw new SystemFault(`the daemon ended by itself: ${life.failure}`)
    return {killedIn: stateOf(life), end: isTimed || life.isOver ? 'killed' : 'in vain'}
  } finally {
    await life.kill()
  }
}

function stateOf({state}: Life): string {
  return state === '' ? 'before its first word' : state
}

async function withSomebody<T>(
  iron: Iron,
  brings: 'card' | 'nothing',
  life: Pick<Life, 'state'>,
  work: () => Promise<T>,
): Promise<T> {
  const somebody = new Somebody(iron, brings)
  const playing = somebody.play(life)
  try {
    return await work()
  } finally {
    somebody.leave()
    await playing
  }
}

/** Until a customer was served, or nobody came to it. */
async function served(life: Life): Promise<void> {
  const endMs = clock.monotonicMs() + VISIT_MAX_MS
  const isServed = (): boolean => life.state === 'showingEnding'
  await life.until(() => life.isOver || isServed() || clock.monotonicMs() > endMs)
}

/**
 * Until the daemon stands between visits and the bank has acknowledged everything.
 * @returns false when its life was over before
 * @throws SystemFault when neither comes
 */
async function atRest(iron: Iron, life: Life): Promise<boolean> {
  const endMs = clock.monotonicMs() + PATIENCE_MS
  while (!life.isOver) {
    if (RESTS.includes(life.state) && (await owesNothing(iron))) return true
    if (clock.monotonicMs() > endMs)
      throw new SystemFault(`the daemon did not come to rest: ${life.log.slice(-5).join(' | ')}`)
    await clock.sleep(LOOK_MS)
  }
  return false
}

/** Whether the bank has answered everything that the journal holds, and holds nothing that it was not told of. */
async function owesNothing(iron: Iron): Promise<boolean> {
  if (!(await isSettled(iron))) return false
  return withCopy(iron, async path => {
    const journal = JournalReader.open(path)
    try {
      return journal.openIntents().length === 0
    } finally {
      journal.close()
    }
  })
}

/** The journal as it stands now, read while the daemon has it for itself. */
async function withCopy<T>(iron: Iron, look: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(iron.folder, 'copy-'))
  try {
    for (const name of ['journal.db', 'journal.db-wal'])
      if (existsSync(join(iron.folder, name))) copyFileSync(join(iron.folder, name), join(folder, name))
    return await look(join(folder, 'journal.db'))
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}
