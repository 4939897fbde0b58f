/**
 * The mechanics of an emulated dispenser: notes run one after the other from a cassette past throat, diverter
 * and eject rollers to where they go. Physics only; each emulator says in its own bytes what came of it.
 */
import type {Clock} from '../../kit/clock.ts'
import type {JamSpot, MechanicalMischief} from './mischief.ts'
import type {NoteLedger, World} from './world.ts'

/** Why a motion stopped before it was complete, or right after. */
export type Stop =
  | {readonly kind: 'jam'; readonly at: JamSpot; readonly cassette: number}
  | {readonly kind: 'pickFailed' | 'empty' | 'missing'; readonly cassette: number}
  | {readonly kind: 'rejectBinMissing' | 'overflow' | 'countMismatch' | 'tooManyRejects'}

/** What the device counted of one cassette in one order. */
export interface Counted {
  readonly picked: number
  /** Seen at the end of the way. */
  readonly out: number
  readonly rejected: number
}

export interface Motion {
  readonly stop: Stop | null
  readonly counted: ReadonlyMap<number, Counted>
}

export interface Request {
  readonly cassette: number
  readonly count: number
}

export interface MechanismSettings {
  /** Cassette to the end of the way, for one note; 0 is allowed. */
  readonly noteMs: number
  /** At this many notes or fewer a cassette is near its end. */
  readonly nearEndCount: number
  /** Rejects in one order that stop it. */
  readonly rejectsMax: number
}

/** A note that covers a sensor of the path. */
export interface Spot {
  readonly at: JamSpot
  readonly cassette: number
}

/** All of it that a power cut leaves as it is. */
export interface Remains {
  readonly notes: World
  readonly spot: Spot | null
  readonly cassettesMissing: readonly number[]
  readonly isRejectBinMissing: boolean
}

type Ended = Stop | 'cut' | null

/** Counters of the order being executed. */
class Counters {
  readonly #counted = new Map<number, {picked: number; out: number; rejected: number}>()

  constructor(requests: readonly Request[]) {
    for (const {cassette} of requests) this.of(cassette)
  }

  of(cassette: number): {picked: number; out: number; rejected: number} {
    const known = this.#counted.get(cassette)
    if (known !== undefined) return known
    const fresh = {picked: 0, out: 0, rejected: 0}
    this.#counted.set(cassette, fresh)
    return fresh
  }

  total(what: keyof Counted): number {
    return [...this.#counted.values()].reduce((sum, counted) => sum + counted[what], 0)
  }

  get all(): ReadonlyMap<number, Counted> {
    return this.#counted
  }
}

export class Mechanism {
  readonly #ledger: NoteLedger
  readonly #clock: Clock
  readonly #settings: MechanismSettings
  readonly #end: 'outlet' | 'stacker'
  readonly #missing = new Set<number>()
  isRejectBinMissing = false
  #spot: Spot | null = null
  /** Every power cut ends the life that a motion belongs to. */
  #life = 0

  /** @param end where notes go: out to the customer's side, or into the stacker */
  constructor(ledger: NoteLedger, clock: Clock, settings: MechanismSettings, end: 'outlet' | 'stacker') {
    this.#ledger = ledger
    this.#clock = clock
    this.#settings = settings
    this.#end = end
  }

  get remains(): Remains {
    const {spot, missing, isRejectBinMissing} = this
    return {notes: this.#ledger.snapshot(), spot, cassettesMissing: missing, isRejectBinMissing}
  }

  /** Becomes what those remains are of; it must hold nothing yet. */
  find({notes, spot, cassettesMissing, isRejectBinMissing}: Remains): void {
    this.#ledger.find(notes)
    this.#spot = spot
    for (const cassette of cassettesMissing) this.#missing.add(cassette)
    this.isRejectBinMissing = isRejectBinMissing
  }

  /** Cassettes pulled out. */
  get missing(): readonly number[] {
    return [...this.#missing]
  }

  setMissing(cassette: number, isMissing: boolean): void {
    if (isMissing) this.#missing.add(cassette)
    else this.#missing.delete(cassette)
  }

  /** Which sensor of the path is covered, and by a note of which cassette. */
  get spot(): Spot | null {
    return this.#ledger.total('path') + this.#ledger.total('mouth') === 0 ? null : this.#spot
  }

  isNearEnd(cassette: number): boolean {
    return this.#ledger.at('cassette', cassette) <= this.#settings.nearEndCount
  }

  /** Whatever moves stands still from now on. */
  stop(): void {
    this.#life += 1
  }

  /** Executes one dispense; `cut` when the power went meanwhile. */
  async dispense(requests: readonly Request[], mischief: MechanicalMischief | null): Promise<Motion | 'cut'> {
    const counters = new Counters(requests)
    const stop = this.#refusal(requests) ?? (await this.#run(requests, mischief, counters))
    return stop === 'cut' ? 'cut' : {stop, counted: counters.all}
  }

  /** Those notes to the reject bin, one by one. `afterNotes` of a fault counts those that got there before. */
  async test(requests: readonly Request[], mischief: MechanicalMischief | null): Promise<Motion | 'cut'> {
    const counters = new Counters(requests)
    const stop = this.#refusal(requests) ?? (await this.#runTest(requests, mischief, counters))
    return stop === 'cut' ? 'cut' : {stop, counted: counters.all}
  }

  /** Runs the path: what is inside goes to reject, a note at the mouth falls out towards the customer. */
  async purge(mischief: MechanicalMischief | null): Promise<Motion | 'cut'> {
    const counters = new Counters([])
    const stop = await this.#runPurge(mischief, counters)
    return stop === 'cut' ? 'cut' : {stop, counted: counters.all}
  }

  /** Moves notes one by one from a place behind the path into a bin; jams after `jamAfter` of them. */
  async binAll(
    from: 'stacker' | 'outlet',
    to: 'reject' | 'retract',
    jamAfter: number | null,
  ): Promise<Stop | 'cut' | {readonly count: number}> {
    if (this.isRejectBinMissing) return {kind: 'rejectBinMissing'}
    let count = 0
    for (const cassette of this.#ledger.positions) {
      while (this.#ledger.at(from, cassette) > 0) {
        this.#ledger.move(cassette, from, 'path')
        this.#spot = {at: 'diverter', cassette}
        if (jamAfter === count) return {kind: 'jam', at: 'diverter', cassette}
        if (!(await this.#passes(2))) return 'cut'
        this.#ledger.move(cassette, 'path', to)
        count += 1
      }
    }
    return {count}
  }

  /** What forbids to begin. */
  #refusal(requests: readonly Request[]): Stop | null {
    if (this.isRejectBinMissing) return {kind: 'rejectBinMissing'}
    const missing = requests.find(({cassette}) => this.#missing.has(cassette))
    if (missing !== undefined) return {kind: 'missing', cassette: missing.cassette}
    const {spot} = this
    return spot === null ? null : {kind: 'jam', ...spot}
  }

  async #run(
    requests: readonly Request[],
    mischief: MechanicalMischief | null,
    counters: Counters,
  ): Promise<Ended> {
    let doublesLeft = mischief?.kind === 'doublePick' ? mischief.times : 0
    for (const {cassette, count} of requests) {
      while (counters.of(cassette).out < count) {
        const isDue = mischief !== null && dueAt(mischief) === counters.total('out')
        let ended: Ended
        if (isDue && mischief.kind === 'doublePick' && doublesLeft > 0) {
          doublesLeft -= 1
          ended = await this.#pickToReject(cassette, 2, counters)
        } else {
          ended = await this.#runNote(cassette, isDue ? mischief : null, counters)
        }
        if (ended !== null) return ended
      }
    }
    if (mischief?.kind === 'powerCut' && mischief.afterNotes === counters.total('out')) return 'cut'
    return mischief?.kind === 'overflow' ? this.#overflow(requests, counters) : null
  }

  async #runNote(cassette: number, mischief: MechanicalMischief | null, counters: Counters): Promise<Ended> {
    if (mischief?.kind === 'pickFails') return {kind: 'pickFailed', cassette}
    if (!this.#pick(cassette, counters)) return {kind: 'empty', cassette}
    const jamAt = mischief?.kind === 'jam' ? mischief.at : null
    for (const at of ['throat', 'diverter', 'eject'] as const) {
      this.#spot = {at, cassette}
      if (!(await this.#passes())) return 'cut'
      if (jamAt === at) return {kind: 'jam', at, cassette}
      if (at === 'diverter' && mischief?.kind === 'powerCut') return 'cut'
    }
    if (!(await this.#passes())) return 'cut'
    if (jamAt === 'mouth') {
      this.#spot = {at: 'mouth', cassette}
      this.#ledger.move(cassette, 'path', 'mouth')
      return {kind: 'jam', at: 'mouth', cassette}
    }
    this.#ledger.move(cassette, 'path', this.#end)
    if (mischief?.kind === 'countMismatch') return {kind: 'countMismatch'}
    counters.of(cassette).out += 1
    return null
  }

  async #runTest(
    requests: readonly Request[],
    mischief: MechanicalMischief | null,
    counters: Counters,
  ): Promise<Ended> {
    for (const {cassette, count} of requests)
      for (let done = 0; done < count; done += 1) {
        const isDue = mischief !== null && dueAt(mischief) === counters.total('rejected')
        if (isDue && mischief.kind === 'pickFails') return {kind: 'pickFailed', cassette}
        const isStuck = isDue && (mischief.kind === 'jam' || mischief.kind === 'powerCut')
        const ended = isStuck
          ? await this.#stickInTest(cassette, mischief, counters)
          : await this.#pickToReject(cassette, isDue && mischief.kind === 'doublePick' ? 2 : 1, counters)
        if (ended !== null) return ended
      }
    return null
  }

  async #stickInTest(cassette: number, mischief: MechanicalMischief, counters: Counters): Promise<Ended> {
    if (!this.#pick(cassette, counters)) return {kind: 'empty', cassette}
    this.#spot = {at: 'diverter', cassette}
    if (!(await this.#passes(2)) || mischief.kind === 'powerCut') return 'cut'
    return {kind: 'jam', at: 'diverter', cassette}
  }

  async #runPurge(mischief: MechanicalMischief | null, counters: Counters): Promise<Ended> {
    if (this.isRejectBinMissing) return {kind: 'rejectBinMissing'}
    if (!(await this.#passes(4)) || mischief?.kind === 'powerCut') return 'cut'
    const {spot} = this
    if (mischief?.kind === 'jam' && spot !== null) return {kind: 'jam', ...spot}
    for (const [cassette, count] of Object.entries(this.#ledger.moveAll('path', 'reject')))
      counters.of(Number(cassette)).rejected += count
    for (const [cassette, count] of Object.entries(this.#ledger.moveAll('mouth', 'outlet')))
      counters.of(Number(cassette)).out += count
    return null
  }

  /** Picks so many at once, which cannot go on together. With fewer left in the cassette, those go. */
  async #pickToReject(cassette: number, count: number, counters: Counters): Promise<Ended> {
    if (!this.#pick(cassette, counters)) return {kind: 'empty', cassette}
    for (let more = 1; more < count; more += 1) this.#pick(cassette, counters)
    this.#spot = {at: 'diverter', cassette}
    if (!(await this.#passes(2))) return 'cut'
    while (this.#ledger.at('path', cassette) > 0) {
      this.#ledger.move(cassette, 'path', 'reject')
      counters.of(cassette).rejected += 1
    }
    return counters.total('rejected') >= this.#settings.rejectsMax ? {kind: 'tooManyRejects'} : null
  }

  async #overflow(requests: readonly Request[], counters: Counters): Promise<Ended> {
    const last = requests.findLast(({count}) => count > 0)
    if (last === undefined) return null
    return (await this.#runNote(last.cassette, null, counters)) ?? {kind: 'overflow'}
  }

  #pick(cassette: number, counters: Counters): boolean {
    if (this.#ledger.at('cassette', cassette) === 0) return false
    this.#ledger.move(cassette, 'cassette', 'path')
    counters.of(cassette).picked += 1
    return true
  }

  /** So many quarters of a note's way; false when the power went meanwhile. */
  async #passes(quarters = 1): Promise<boolean> {
    const life = this.#life
    await this.#clock.sleep((this.#settings.noteMs * quarters) / 4)
    return life === this.#life
  }
}

/** After how many notes out it strikes. */
function dueAt(mischief: MechanicalMischief): number | null {
  return 'afterNotes' in mischief ? mischief.afterNotes : null
}
