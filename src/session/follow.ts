/** Folds that stay at the journal's head, fed only when somebody asks, so that nobody's visit pays for them. */
import type {Stored} from '../../journal/entry.ts'
import type {Clock} from '../../kit/clock.ts'

const ROWS_PER_READ = 1_000

/** The part of the journal that is followed. */
export interface Followed {
  readonly head: {readonly seq: number}
  rows(fromSeq: number, countMax: number): readonly Stored[]
}

export class Follower {
  readonly #journal: Followed
  readonly #clock: Clock
  readonly #add: (row: Stored) => void
  #next = 1
  #reading: Promise<void> = Promise.resolve()

  /** @param add takes each row once, in the journal's order */
  constructor(journal: Followed, clock: Clock, add: (row: Stored) => void) {
    this.#journal = journal
    this.#clock = clock
    this.#add = add
  }

  /** Whether the folds have every row that there is. */
  get isAtHead(): boolean {
    return this.#next > this.#journal.head.seq
  }

  /** Reads what was written since. @throws SystemFault when the journal cannot be read */
  async catchUp(): Promise<void> {
    const reading = this.#reading.then(() => this.#readOn())
    this.#reading = reading.catch(() => undefined)
    await reading
  }

  /** A long journal is read in pieces, with everybody else's turn between them. */
  async #readOn(): Promise<void> {
    for (;;) {
      const rows = this.#journal.rows(this.#next, ROWS_PER_READ)
      for (const row of rows) {
        this.#next = row.seq + 1
        this.#add(row)
      }
      if (rows.length < ROWS_PER_READ) return
      await this.#clock.sleep(0)
    }
  }
}
