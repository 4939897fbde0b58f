/** What durable ink costs: one append of the journal against one bare commit, and against one synced write. */
import Database from 'better-sqlite3'
import {closeSync, fdatasyncSync, openSync, writeSync} from 'node:fs'
import {join} from 'node:path'
import {sessionIdOf} from '../../journal/entry.ts'
import {Journal} from '../../journal/journal.ts'
import {realClock} from '../../kit/clock.ts'
import {interleaved, median, rowOf, timed} from './measure.ts'
import type {Seq} from '../../journal/entry.ts'
import type {Row} from './measure.ts'

const ROUNDS = 9
/** Commits in one round of one measure. */
const COMMITS_PER_ROUND = 200
/** As much as SQLite writes to its log for a small commit: a page with its header. */
const RAW_WRITE_BYTES = 4120

/** @param folder on the file system to be measured */
export async function inkRows(folder: string): Promise<readonly Row[]> {
  const journal = Journal.open(join(folder, 'journal.db'), realClock(), 'perf', '0'.repeat(64))
  const bare = bareDatabase(join(folder, 'bare.db'))
  const raw = openSync(join(folder, 'raw'), 'w')
  try {
    const values = await interleaved(
      {
        journal: repeated(appender(journal)),
        bare: repeated(bare.commit),
        raw: repeated(() => {
          writeSync(raw, RAW_BLOCK)
          fdatasyncSync(raw)
        }),
      },
      ROUNDS,
    )
    return [
      rowOf(
        {name: 'journal append', unit: 'ms', against: 'bare commit', ratioMax: 1.15},
        values.journal,
        values.bare,
      ),
      rowOf(
        {name: 'journal append', unit: 'ms', against: 'write and fdatasync', ratioMax: 2},
        values.journal,
        values.raw,
      ),
    ]
  } finally {
    closeSync(raw)
    bare.close()
    journal.close()
  }
}

const RAW_BLOCK = Buffer.alloc(RAW_WRITE_BYTES, 1)

/** The median of one round, in ms: a burst of somebody else's writing does not move it. */
function repeated(work: () => void): () => Promise<number> {
  return async () => {
    const times: number[] = []
    for (let commit = 0; commit < COMMITS_PER_ROUND; commit++) times.push(await timed(work))
    return median(times)
  }
}

/** One turn of the loop as the machine writes it: the event that answers the last order, and the next order. */
function appender(journal: Journal): () => void {
  const session = sessionIdOf('perf')
  let open: Seq | null = null
  return () => {
    const rows = journal.append(session, [
      {kind: 'event', event: {type: 'card.left'}, answers: open},
      {kind: 'intent', order: {kind: 'reader.eject', takeWithinMs: 30_000}},
    ])
    open = rows[1]?.seq ?? null
  }
}

/** The least that SQLite can do with the journal's settings: one row, one commit. */
export function bareDatabase(path: string): {commit: () => void; close: () => void} {
  const database = new Database(path)
  for (const setting of [
    'locking_mode = EXCLUSIVE',
    'journal_mode = WAL',
    'synchronous = FULL',
    'wal_autocheckpoint = 4000',
  ])
    database.pragma(setting)
  database.exec('CREATE TABLE bare (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT')
  const insert = database.prepare('INSERT INTO bare (body) VALUES (?)')
  const body = 'x'.repeat(200)
  return {
    commit: () => {
      insert.run(body)
    },
    close: () => {
      database.close()
    },
  }
}
