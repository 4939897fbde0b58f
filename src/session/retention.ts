/**
 * How long the journal stays on this machine. What goes is old, at the bank, and signed for by both; what the machine
 * knows must be the same without it, which is not argued but tried: the folds over the rows that remain must say what the
 * folds over all of them say.
 */
import type {Journal} from '../../journal/journal.ts'
import {ROWS_KEPT_MIN} from '../../journal/journal.ts'
import type {Stored} from '../../journal/entry.ts'
import type {Clock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import type {Log} from '../../kit/log.ts'
import {DayFold} from './day.ts'
import {PastFold} from './past.ts'
import {PlacesFold} from './places.ts'
import {SuspenseFold} from './suspense.ts'

const DAY_MS = 86_400_000
/** Rows read between two turns of everybody else. */
const ROWS_PER_READ = 1_000
/** Rows forgotten at once, some five megabytes: a longer deletion would be felt. */
export const CUT_ROWS_MAX = 10_000

export interface RetentionParts {
  readonly journal: Pick<Journal, 'rows' | 'head' | 'cutFault' | 'cutThrough'>
  /** Rows stay at least as long. */
  readonly keepDays: number
  /** Whether nobody's visit is under way. */
  readonly isFree: () => boolean
  readonly clock: Clock
  readonly log: Log
}

export class Retention {
  readonly #with: RetentionParts
  #isBusy = false

  constructor(parts: RetentionParts) {
    this.#with = parts
  }

  /** Forgets what may be forgotten, at most CUT_ROWS_MAX rows of it. Gives up when a visit begins: there is always a next time. */
  async tidy(): Promise<void> {
    const {journal, clock, keepDays} = this.#with
    const [oldest] = journal.rows(1, 1)
    const beforeMs = clock.wallMs() - keepDays * DAY_MS
    if (this.#isBusy || oldest === undefined || oldest.atMs >= beforeMs) return
    this.#isBusy = true
    try {
      await this.#cut(oldest.seq, beforeMs)
    } catch (thrown) {
      if (!(thrown instanceof SystemFault)) throw thrown
      this.#with.log.error('the journal could not be shortened', {why: thrown.message})
    } finally {
      this.#isBusy = false
    }
  }

  async #cut(oldest: number, beforeMs: number): Promise<void> {
    const {journal, log} = this.#with
    const all = await this.#said(oldest, beforeMs)
    if (all === null) return
    const through = all.cuts.findLast(row => journal.cutFault(row) === null)
    if (through === undefined) return
    const rest = await this.#said(through + 1, beforeMs)
    if (rest === null) return
    if (rest.knowledge !== all.knowledge) {
      log.warn('the journal is not shortened: the machine would know less', {through})
      return
    }
    journal.cutThrough(through)
    log.info('the journal was shortened; the bank has the rows', {from: oldest, through})
  }

  /** What the rows from that one on say, and where they may be cut by their age; null when somebody came. */
  async #said(from: number, beforeMs: number) {
    const {journal, isFree, clock} = this.#with
    const walk = new Walk(from, beforeMs)
    for (let next = from; ;) {
      if (!isFree()) return null
      const rows = journal.rows(next, ROWS_PER_READ)
      for (const row of rows) walk.add(row)
      const last = rows.at(-1)
      if (last === undefined || rows.length < ROWS_PER_READ) return walk.said()
      next = last.seq + 1
      await clock.sleep(0)
    }
  }
}

class Walk {
  readonly #past = new PastFold()
  readonly #suspense = new SuspenseFold()
  readonly #day = new DayFold()
  readonly #places = new PlacesFold()
  readonly #from: number
  readonly #beforeMs: number
  /** The last row of those that are old, with nothing young before it. */
  #oldThrough: number
  #isOld = true
  #anchored: readonly number[] = []
  /** Rows from here on stay: the last load of the cassettes, and the last time the totals were closed. */
  readonly #stays = new Map<'cassettes.loaded' | 'totals.closed', number>()
  #last = 0

  constructor(from: number, beforeMs: number) {
    this.#from = from
    this.#oldThrough = from - 1
    this.#beforeMs = beforeMs
  }

  add(row: Stored): void {
    this.#past.add(row)
    this.#suspense.add(row)
    this.#day.add(row)
    this.#places.add(row)
    this.#last = row.seq
    this.#isOld &&= row.atMs < this.#beforeMs
    if (this.#isOld) this.#oldThrough = row.seq
    if (row.entry.kind !== 'event') return
    const {event} = row.entry
    if (event.type === 'journal.anchored') this.#anchored = [...this.#anchored, event.row]
    if (event.type === 'cassettes.loaded' || event.type === 'totals.closed')
      this.#stays.set(event.type, row.seq)
  }

  said() {
    const through = Math.min(
      this.#oldThrough,
      this.#from + CUT_ROWS_MAX - 1,
      this.#last - ROWS_KEPT_MIN,
      ...[...this.#stays.values()].map(row => row - 1),
    )
    // Of refused advices only open ones count, and their rows stay anyway.
    const past = {...this.#past.past(), parked: null}
    const knowledge = JSON.stringify([past, this.#suspense.items(), this.#day.totals, this.#places.places()])
    return {knowledge, cuts: this.#anchored.filter(row => row >= this.#from && row <= through)}
  }
}
