/** The journal when the power goes, the disk is full or the process is killed: what was acknowledged is there, and nothing is there by half. */
import {spawn} from 'node:child_process'
import {copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import type {Test} from 'tap'
import {seqOf, sessionIdOf} from '../../journal/entry.ts'
import type {Entry, Stored} from '../../journal/entry.ts'
import {Journal} from '../../journal/journal.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import {seededRandom} from '../../kit/random.ts'

const VISIT = sessionIdOf('ATM123:1')
const EJECT: Entry = {kind: 'intent', order: {kind: 'reader.eject', takeWithinMs: 30_000}}

const lost = (lengthChars: number): Entry => ({
  kind: 'event',
  event: {type: 'host.lost', why: 'x'.repeat(lengthChars)},
  answers: null,
})
const taken = (answers: number): Entry => ({
  kind: 'event',
  event: {type: 'card.taken'},
  answers: seqOf(answers),
})

function opened(path: string, limits: {readonly pagesMax?: number} = {}): Journal {
  return Journal.open(path, new VirtualClock(epochMs(1_800_000_000_000)), 'build-1', 'config-1', limits)
}

/** The file and its log as a power cut would leave them. Only for journals that nobody else wants to open: see openForWriting. */
function cut(from: string, to: string): void {
  rmSync(to, {force: true})
  rmSync(`${to}-wal`, {force: true})
  copyFileSync(from, to)
  if (existsSync(`${from}-wal`)) copyFileSync(`${from}-wal`, `${to}-wal`)
}

/** How many rows a new life finds, its own boot not counted. The chain has to be whole. */
function rowsAfterCrash(t: Test, path: string, what: string): number {
  const journal = opened(path)
  const verdict = journal.verify()
  t.equal(verdict.kind, 'whole', what)
  const rows = journal.head.seq - 1
  const open = new Set<number>()
  for (const row of journal.rows(1, 10_000)) {
    if (row.entry.kind === 'intent') open.add(row.seq)
    if (row.entry.kind === 'event' && row.entry.answers !== null) open.delete(row.entry.answers)
  }
  t.same(new Set(journal.openIntents().map(intent => Number(intent.seq))), open, `${what}: open intents`)
  journal.close()
  return rows
}

t.test('the power goes at every statement of an append', t => {
  const dir = t.testdir()
  const path = join(dir, 'journal.db')
  const copy = join(dir, 'copy.db')
  const journal = opened(path)
  const seen: number[] = []
  // Every statement of the driver passes through the one run method of its statements.
  const probe = new Database(':memory:')
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- the native class behind prepare() has no type of its own
  const statement = Object.getPrototypeOf(probe.prepare('BEGIN')) as {run: (...values: unknown[]) => unknown}
  const {run} = statement
  const look = () => {
    statement.run = run
    cut(path, copy)
    seen.push(rowsAfterCrash(t, copy, `look ${seen.length}`))
    statement.run = watched
  }
  const watched = function (this: unknown, ...values: unknown[]): unknown {
    look()
    const result = run.apply(this, values)
    look()
    return result
  }
  t.teardown(() => {
    statement.run = run
  })
  statement.run = watched
  journal.append(VISIT, [EJECT, lost(10), lost(9000)])
  t.same(
    seen,
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 4],
    'begin, three rows, commit: all of them, and only when committed',
  )
  seen.length = 0
  journal.append(VISIT, [taken(2)])
  t.same(seen, [4, 4, 4, 4, 4, 5])
  statement.run = run
  journal.close()
  t.end()
})

t.test('the log is torn at every frame, and anywhere between', t => {
  const dir = t.testdir()
  const path = join(dir, 'journal.db')
  const copy = join(dir, 'copy.db')
  const random = seededRandom('torn')
  const journal = opened(path)
  /** The log's length after an append, and the rows that are then durable. */
  const durable = [{bytes: statSync(`${path}-wal`).size, rows: journal.head.seq}]
  for (const entries of [
    [EJECT],
    [taken(2), EJECT, lost(100)],
    [lost(6000), lost(10)],
    [taken(4)],
  ] as const) {
    journal.append(VISIT, entries)
    durable.push({bytes: statSync(`${path}-wal`).size, rows: journal.head.seq})
  }
  cut(path, copy)
  journal.close()
  const file = readFileSync(copy)
  const log = readFileSync(`${copy}-wal`)
  const frameBytes = 4096 + 24
  t.equal((log.length - 32) % frameBytes, 0, 'a header of 32 bytes, then frames, as SQLite documents')
  const lengths = new Set([0, 31, 32, log.length])
  for (let frame = 32; frame <= log.length; frame += frameBytes)
    for (const bytes of [frame, frame + 24, frame + 25 + random.below(4000)])
      if (bytes < log.length) lengths.add(bytes)
  for (const bytes of lengths)
    for (const tail of ['cut', 'zeros', 'noise'] as const) {
      const rest = log.length - bytes
      const filler = {
        cut: () => Buffer.alloc(0),
        zeros: () => Buffer.alloc(rest),
        noise: () => Buffer.from(random.bytes(rest)),
      }
      writeFileSync(copy, file)
      writeFileSync(`${copy}-wal`, Buffer.concat([log.subarray(0, bytes), filler[tail]()]))
      const expected = durable.findLast(mark => mark.bytes <= bytes)?.rows ?? 0
      const what = `${bytes} bytes of the log, then ${tail}`
      t.equal(rowsAfterCrash(t, copy, what), expected, what)
    }
  t.end()
})

t.test('the power goes while the log is folded into the file', t => {
  const dir = t.testdir()
  const path = join(dir, 'journal.db')
  const before = join(dir, 'before.db')
  const mixed = join(dir, 'mixed.db')
  const journal = opened(path)
  for (let round = 0; round < 20; round++) journal.append(VISIT, [lost(500), EJECT])
  const rows = journal.head.seq
  cut(path, before)
  journal.checkpoint()
  journal.close()
  const old = readFileSync(before)
  const folded = readFileSync(path)
  t.ok(folded.length > old.length)
  const random = seededRandom('fold')
  for (let round = 0; round < 20; round++) {
    // Some pages reached the file, others did not; the log is emptied only when all have.
    const pages: Buffer[] = []
    for (let at = 0; at < folded.length; at += 4096) {
      const source = random.below(2) === 0 || at >= old.length ? folded : old
      pages.push(source.subarray(at, at + 4096))
    }
    writeFileSync(mixed, Buffer.concat(pages))
    copyFileSync(`${before}-wal`, `${mixed}-wal`)
    t.equal(rowsAfterCrash(t, mixed, `fold ${round}`), rows)
  }
  t.end()
})

t.test('a full disk: nothing by half, and no entry more', t => {
  const path = join(t.testdir(), 'journal.db')
  const journal = opened(path, {pagesMax: 40})
  const kept: Stored[] = []
  const fill = () => {
    for (let round = 0; round < 1000; round++)
      kept.push(...journal.append(VISIT, [EJECT, lost(3000), lost(3000)]))
  }
  t.throws(fill, {name: 'SystemFault', message: /full/})
  t.ok(kept.length > 9)
  t.match(journal.failed, /full/)
  const open = journal.openIntents().length
  t.equal(open, kept.length / 3, 'the intents of the failed append are not in force')
  for (const entry of [lost(1), taken(2)])
    t.throws(() => journal.append(null, [entry]), {name: 'SystemFault', message: /takes no entries/})
  t.equal(journal.rows(1, 1000).length, 1 + kept.length, 'it can still be read')
  t.equal(journal.verify().kind, 'whole')
  journal.checkpoint()
  journal.close()
  journal.close()
  t.throws(() => opened(path, {pagesMax: 10}), SystemFault, 'a limit that the file is beyond already')
  const again = opened(path)
  t.same(again.rows(2, 1000).slice(0, -1), kept, 'what was acknowledged, and a boot')
  again.append(VISIT, [taken(2)])
  t.equal(again.openIntents().length, open - 1)
  t.equal(again.verify().kind, 'whole')
  again.close()
  t.end()
})

/** Appends for ever, or until it fails; writes each acknowledged row's number, and how it failed, twice. */
const APPENDER = `
import {writeSync} from 'node:fs'
import {Journal} from '${import.meta.resolve('../../journal/journal.ts')}'
import {realClock} from '${import.meta.resolve('../../kit/clock.ts')}'
const journal = Journal.open(process.argv[1], realClock(), 'build-1', 'config-1')
const lost = {kind: 'event', event: {type: 'host.lost', why: 'x'.repeat(800)}, answers: null}
const eject = {kind: 'intent', order: {kind: 'reader.eject', takeWithinMs: 1}}
let failures = 0
while (failures < 2) {
  try {
    writeSync(1, journal.append(null, [lost, eject])[1].seq + '\\n')
  } catch (thrown) {
    failures += 1
    writeSync(1, thrown.name + '\\n')
  }
}`

/** What the appender said until it ended; `onLine` may end it. */
function appending(
  command: readonly [string, ...string[]],
  onLines: (count: number, kill: () => void) => void,
): Promise<readonly string[]> {
  const [program, ...words] = command
  const child = spawn(program, words, {stdio: ['ignore', 'pipe', 'inherit']})
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    onLines(said.split('\n').length - 1, () => child.kill('SIGKILL'))
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => {
      // A last line without its end was not said.
      resolve(said.split('\n').slice(0, -1))
    })
  })
}

const NODE = [process.execPath, '--input-type=module', '--eval', APPENDER] as const

t.test('killed in mid-append, ten times over', async t => {
  const path = join(t.testdir(), 'journal.db')
  const random = seededRandom('kill')
  for (let round = 0; round < 10; round++) {
    const enough = 1 + random.below(60)
    const said = await appending([...NODE, path], (lines, kill) => {
      if (lines >= enough) kill()
    })
    t.ok(said.length >= enough, `round ${round}: ${said.length} appends acknowledged`)
    const rows = rowsAfterCrash(t, path, `round ${round}`)
    t.ok(rows >= Number(said.at(-1)), `${rows} rows, ${said.at(-1) ?? 'none'} acknowledged`)
    t.ok(rows <= Number(said.at(-1)) + 200, 'and little more')
  }
})

t.test('the system refuses to write: every acknowledged row is there, and the failure was told', async t => {
  const path = join(t.testdir(), 'journal.db')
  // A limit on file sizes (in blocks of 512 or 1024 bytes) makes the write itself fail, in the middle of a frame.
  const script = 'trap "" XFSZ; ulimit -f 301; exec "$@"'
  const said = await appending(['sh', '-c', script, 'sh', ...NODE, path], () => undefined)
  t.same(said.slice(-2), ['SystemFault', 'SystemFault'])
  const acknowledged = said.slice(0, -2)
  t.ok(acknowledged.length > 5)
  t.equal(rowsAfterCrash(t, path, 'after the refusal'), Number(acknowledged.at(-1)))
})
