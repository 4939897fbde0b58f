/**
 * The journal on its way to the bank: piece by piece between visits, from where the bank says that it ends, and now and
 * then signed for by both. Like the outbox it keeps no list of its own; what is to be sent is a question to the journal
 * and to the bank. What the bank has is the witness against this disk: a journal that lost its end, or was set back with
 * its disk, shows here.
 */
import {SEGMENT_CHARS_MAX} from '../../host/api/schema.ts'
import type {Event} from '../../fsm/vocabulary.ts'
import type {Stored} from '../../journal/entry.ts'
import {exportJsonLines} from '../../journal/export.ts'
import type {Head} from '../../journal/range.ts'
import type {Clock, Timer} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import type {BankTip, JournalLink, TipAnswer} from './journal-link.ts'
import type {Silent} from './port.ts'

/** Chosen: a visit's rows are at the bank about when the next customer comes. */
const UPLOAD_EVERY_MS = 60_000
/** Chosen: each anchor is a row itself, and what an auditor wants is the day. */
const ANCHOR_EVERY_MS = 900_000
/** Rows of one piece; a row has some 300 characters, 16,700 at most. */
const ROWS_MAX = 500

type Anchored = Extract<Event, {type: 'journal.anchored'}>

export interface ArchiveParts {
  readonly link: JournalLink
  readonly journal: {readonly head: Head; rows(fromSeq: number, countMax: number): readonly Stored[]}
  /** Puts the anchor in ink. @returns its row; null when the journal failed, which is then everybody's affair */
  readonly keep: (event: Anchored) => number | null
  /** Both have signed: what they signed for may be forgotten here, when it is old. */
  readonly anchored: () => Promise<void>
  /** Whether nobody's visit is under way and the bank is there. */
  readonly isFree: () => boolean
  /** The bank's journal and this one are two: nothing may go on. */
  readonly differs: (why: string) => void
  readonly clock: Clock
  readonly log: Log
  /** Ends the program: one of our own mistakes surfaced. */
  readonly crash: (thrown: unknown) => void
}

export type Comparison = {readonly kind: 'same'} | {readonly kind: 'differs'; readonly why: string} | Silent

export class Archive {
  readonly #with: ArchiveParts
  /** What the bank has; null while that is not known. */
  #tip: BankTip | null = null
  /** The last anchor of this life: in which row it stands, and when it was made. */
  #anchored: {readonly seq: number; readonly atMs: number} | null = null
  #isAnchorWanted = false
  #isGapTold = false
  #timer: Timer | null = null
  #isStopped = false

  constructor(parts: ArchiveParts) {
    this.#with = parts
  }

  start(): void {
    this.#timer = this.#with.clock.after(UPLOAD_EVERY_MS, () => {
      this.#work()
        .then(() => {
          if (!this.#isStopped) this.start()
        })
        .catch(this.#with.crash)
    })
  }

  /** Sends nothing more. A piece still under way is sent again after the next start, should the bank not have it. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  /** The next time that the bank has everything, both sign, however long ago they did. */
  anchorSoon(): void {
    this.#isAnchorWanted = true
  }

  /** Holds this journal against the bank's. `differs` is for the caller to act upon. */
  async compare(): Promise<Comparison> {
    return this.#heard(await this.#with.link.tip())
  }

  async #work(): Promise<void> {
    while (this.#isFree()) {
      if (this.#tip === null) {
        const compared = await this.compare()
        if (compared.kind === 'differs' && !this.#isStopped) this.#with.differs(compared.why)
        if (compared.kind !== 'same') return
      } else if (this.#hasNews(this.#tip)) {
        if (!(await this.#send(this.#tip))) return
      } else {
        if (this.#isAnchorDue(this.#tip)) await this.#anchor(this.#tip)
        return
      }
    }
  }

  #isFree(): boolean {
    return !this.#isStopped && this.#with.isFree()
  }

  /** An anchor is itself a row, which alone is not worth sending: it would never end. */
  #hasNews({rows}: BankTip): boolean {
    const {seq} = this.#with.journal.head
    return seq > rows && !(rows === seq - 1 && this.#anchored?.seq === seq)
  }

  /** @returns whether to go on at once */
  async #send(tip: BankTip): Promise<boolean> {
    const rows = this.#with.journal.rows(tip.rows + 1, ROWS_MAX)
    if (rows[0]?.seq !== tip.rows + 1) {
      if (!this.#isGapTold)
        this.#with.log.error('the bank lacks rows of the journal that this machine keeps no more', {
          bankRows: tip.rows,
          oldestHere: rows[0]?.seq ?? null,
        })
      this.#isGapTold = true
      return false
    }
    const compared = this.#heard(await this.#with.link.send(tip.offsetBytes, pieceOf(rows)))
    if (this.#isStopped) return false
    if (compared.kind === 'differs') this.#with.differs(compared.why)
    return compared.kind === 'same'
  }

  #isAnchorDue({rows}: BankTip): boolean {
    const last = this.#anchored
    if (last === null) return rows > 0
    const isTime = this.#with.clock.monotonicMs() - last.atMs >= ANCHOR_EVERY_MS
    return rows > last.seq && (isTime || this.#isAnchorWanted)
  }

  async #anchor({rows, hash}: BankTip): Promise<void> {
    const answer = await this.#with.link.anchor(rows, hash)
    if (this.#isStopped) return
    if (answer.kind !== 'anchored') {
      this.#with.log.warn('the bank did not sign for the journal', {rows, why: answer.why})
      this.#tip = null
      return
    }
    this.#isAnchorWanted = false
    const seq = this.#with.keep(answer.event)
    if (seq === null) return
    this.#anchored = {seq, atMs: this.#with.clock.monotonicMs()}
    await this.#with.anchored()
  }

  /** What the bank says that it has, against what is here. */
  #heard(answer: TipAnswer): Comparison {
    this.#tip = null
    if (answer.kind !== 'tip') {
      if (answer.kind === 'refused')
        this.#with.log.error('the bank does not take the journal; somebody must look', {why: answer.why})
      return {kind: 'silent', why: answer.why}
    }
    const why = this.#differenceTo(answer.tip)
    if (why !== null) return {kind: 'differs', why}
    this.#tip = answer.tip
    return {kind: 'same'}
  }

  #differenceTo({rows, hash}: BankTip): string | null {
    const {journal} = this.#with
    if (rows > journal.head.seq)
      return `the bank has ${rows} rows of this journal and this disk ${journal.head.seq}: its end is missing`
    const [row] = rows === 0 ? [] : journal.rows(rows, 1)
    // A row that is kept here no more was compared when it was signed for.
    return row === undefined || row.seq !== rows || row.hash === hash
      ? null
      : `row ${rows} at the bank is not row ${rows} of this journal`
  }
}

/** As many of the rows as fit into one piece. */
function pieceOf(rows: readonly Stored[]): string {
  let piece = ''
  for (const row of rows) {
    const line = exportJsonLines([row])
    if (piece.length + line.length > SEGMENT_CHARS_MAX) break
    piece += line
  }
  return piece
}
