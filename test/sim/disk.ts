/**
 * The disk under the journal. The journal is the real one on a real SQLite file; what may still be lost when the power
 * goes is what SQLite wrote to its log after the last sync, and this is where it gets lost: the file of the next life is
 * made from the synced bytes and whatever part of the others the cut leaves.
 */
import {copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {Entry, SessionId, Stored} from '../../journal/entry.ts'
import {Journal} from '../../journal/journal.ts'
import type {Clock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import type {MachineJournal} from '../../src/machine.ts'
import {inkWith} from '../session/ink.ts'
import type {Life} from './clock.ts'
import type {Draws} from './draws.ts'
import type {Faults} from './faults.ts'

/** A frame of SQLite's log: its header and one page. Source: sqlite.org/fileformat2.html, 4.1. */
const FRAME_BYTES = 24 + 4096
const PAGE_BYTES = 4096

/** What becomes of appends is told here. */
export interface DiskWitness {
  /** These rows are durable, and the machine knows it. */
  appended(rows: readonly Stored[]): void
  /** These may be in the file, all or none; the machine believes that they are not, or is dead. */
  attempted(session: SessionId | null, entries: readonly Entry[]): void
  /** The power goes here and now. */
  cut(why: string): void
  say(who: string, what: string): void
  /** How many times as likely a fault is now. */
  risk(): number
}

export class SimDisk {
  readonly #folder: string
  readonly #faults: Faults
  readonly #witness: DiskWitness
  #generation = 0
  #journal: Journal | null = null
  #syncedBytes = 0
  #failed: string | null = null

  constructor(folder: string, faults: Faults, witness: DiskWitness) {
    this.#folder = folder
    this.#faults = faults
    this.#witness = witness
    mkdirSync(this.#generationFolder, {recursive: true})
  }

  /** Of the journal's file, in this life. */
  get path(): string {
    return join(this.#generationFolder, 'journal.db')
  }

  /** As it is open in this life; null while none is. */
  get journal(): Journal | null {
    return this.#journal
  }

  /** All files of the journal that may be there. */
  get files(): readonly string[] {
    return [this.path, `${this.path}-wal`]
  }

  /** Orders without an answer in the open journal; infinite while none is open. */
  get openCount(): number {
    return this.#journal?.openIntents().length ?? Number.POSITIVE_INFINITY
  }

  /** Opens the journal for a new life. @throws SystemFault as the journal does */
  open(clock: Clock, build: string, configHash: string): Journal {
    const full = this.#faults.strike('disk.full')
    const pagesCount = existsSync(this.path) ? Math.ceil(statSync(this.path).size / PAGE_BYTES) : 8
    const limits = full === null ? {} : {pagesMax: pagesCount + full.draws.between(1, 12)}
    const journal = Journal.open(this.path, clock, build, configHash, limits)
    this.#journal = journal
    this.#failed = null
    this.#syncedBytes = this.#walBytes()
    this.#witness.appended(journal.rows(journal.head.seq, 1))
    return journal
  }

  /** The journal as a life of the machine gets it. */
  ink(journal: Journal, life: Life): MachineJournal {
    return inkWith(journal, (session, entries) => {
      if (life.isDead) throw new SystemFault('this life is over')
      return this.#append(journal, life, session, entries)
    })
  }

  /**
   * The computer stops, and another life may begin on what is left.
   * @param keeps `all`: the program was killed, the system wrote everything; `synced`: the power went, and a part of
   * what was not synced went with it
   */
  stop(keeps: 'all' | 'synced', draws: Draws): void {
    const from = this.path
    this.#generation += 1
    mkdirSync(this.#generationFolder, {recursive: true})
    if (existsSync(from)) {
      copyFileSync(from, this.path)
      if (existsSync(`${from}-wal`))
        writeFileSync(`${this.path}-wal`, this.#leftOf(`${from}-wal`, keeps, draws))
    }
    // Closing folds the log into the file, so the old one is let go only after it was copied.
    this.#journal?.close()
    this.#journal = null
    rmSync(join(from, '..'), {recursive: true, force: true})
  }

  /** A copy of the file as it is, for somebody who reads it by another way. */
  copyTo(path: string): void {
    copyFileSync(this.path, path)
    rmSync(`${path}-wal`, {force: true})
    if (existsSync(`${this.path}-wal`)) copyFileSync(`${this.path}-wal`, `${path}-wal`)
  }

  get #generationFolder(): string {
    return join(this.#folder, `life-${this.#generation}`)
  }

  #append(
    journal: Journal,
    life: Life,
    session: SessionId | null,
    entries: readonly [Entry, ...Entry[]],
  ): readonly Stored[] {
    if (this.#failed !== null) throw new SystemFault(`the disk failed: ${this.#failed}`)
    const risk = this.#witness.risk()
    const moment = (['before', 'within', 'after'] as const).find(
      when => this.#faults.strike(`power.${when}Append`, risk) !== null,
    )
    if (moment === 'before') throw this.#cut('before an append')
    if (this.#faults.strike('disk.error', risk) !== null) throw this.#fail('the disk took nothing')
    let stored: readonly Stored[]
    try {
      stored = journal.append(session, entries)
    } catch (thrown) {
      if (thrown instanceof SystemFault) this.#witness.say('disk', thrown.message)
      throw thrown
    }
    if (moment === 'within') {
      this.#witness.attempted(session, entries)
      throw this.#cut('within an append')
    }
    if (this.#faults.strike('disk.syncError', risk) !== null) {
      this.#witness.attempted(session, entries)
      throw this.#fail('a sync failed')
    }
    this.#syncedBytes = this.#walBytes()
    this.#witness.appended(stored)
    if (moment === 'after') throw this.#cut('after an append')
    const slow = this.#faults.strike('disk.slow')
    if (slow !== null) life.freeze(slow.draws.below(5_000))
    return stored
  }

  #cut(why: string): SystemFault {
    this.#witness.cut(why)
    return new SystemFault(`the power went ${why}`)
  }

  #fail(why: string): SystemFault {
    this.#failed = why
    this.#witness.say('disk', why)
    return new SystemFault(why)
  }

  #walBytes(): number {
    return statSync(`${this.path}-wal`, {throwIfNoEntry: false})?.size ?? 0
  }

  #leftOf(walPath: string, keeps: 'all' | 'synced', draws: Draws): Uint8Array {
    const wal = readFileSync(walPath)
    if (keeps === 'all' || wal.length <= this.#syncedBytes) return wal
    const end = this.#syncedBytes + draws.below(wal.length - this.#syncedBytes + 1)
    const left = wal.subarray(0, end)
    // Blocks reach the platter in any order: some of the later ones without some of the earlier.
    for (let at = this.#syncedBytes; at < end; at += FRAME_BYTES)
      if (draws.chance(0.3)) left.fill(0, at, Math.min(end, at + FRAME_BYTES))
    return left
  }
}
