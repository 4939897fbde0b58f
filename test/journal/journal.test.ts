/** The journal in fair weather and under a forger's hands: what goes in comes back, and nothing is changed unseen. */
import {createHash} from 'node:crypto'
import {copyFileSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import {operationKeyOf} from '../../fsm/vocabulary.ts'
import type {CassetteLevel, Day, Event, Order} from '../../fsm/vocabulary.ts'
import {GENESIS, canonicalJson, chainHash} from '../../journal/chain.ts'
import {seqOf, sessionIdOf} from '../../journal/entry.ts'
import type {Entry, Stored} from '../../journal/entry.ts'
import {COLUMNS_MAX, exportJsonLines, exportText} from '../../journal/export.ts'
import {CHAIN_CHECK_ROWS, Journal} from '../../journal/journal.ts'
import {verifyInParallel} from '../../journal/parallel.ts'
import {checkRange, joined, ranges} from '../../journal/range.ts'
import {JournalReader} from '../../journal/reader.ts'
import {sentenceOf} from '../../journal/sentences.ts'
import {checkDurable, openForWriting} from '../../journal/schema.ts'
import {AssertionFailed, present} from '../../kit/assert.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'
import {Secret} from '../../kit/secret.ts'

const START = epochMs(Date.UTC(2026, 10, 22, 11, 30))
const VISIT = sessionIdOf('ATM123:1')
const KEY = operationKeyOf('ATM123', '2026-11-22', 417)
const LEVELS: readonly CassetteLevel[] = [
  {cassette: 1, noteMinor: minorUnits(2000), count: noteCount(100), state: 'ok'},
  {cassette: 2, noteMinor: minorUnits(1000), count: noteCount(80), state: 'suspect'},
]
const MIX = [
  {cassette: 1, noteMinor: minorUnits(2000), count: noteCount(2)},
  {cassette: 2, noteMinor: minorUnits(1000), count: noteCount(2)},
]
const TALLIES = [
  {cassette: 1, picked: noteCount(3), dispensed: noteCount(2), rejected: noteCount(1)},
  {cassette: 2, picked: noteCount(2), dispensed: noteCount(2), rejected: noteCount(0)},
]
const ACCOUNT = {accountId: 'A1', label: 'Épargne “plus”'}

const intent = (order: Order): Entry => ({kind: 'intent', order})
const fact = (event: Event, answers: number | null = null): Entry => ({
  kind: 'event',
  event,
  answers: answers === null ? null : seqOf(answers),
})

function opened(path: string, clock = new VirtualClock(START)): Journal {
  return Journal.open(path, clock, 'build-1', 'config-1')
}

/** One visit of 60.00 in ten rows, then closed. */
async function oneVisit(path: string): Promise<readonly Stored[]> {
  const clock = new VirtualClock(START)
  const journal = opened(path, clock)
  journal.append(null, [fact({type: 'cassettes.loaded', levels: LEVELS})])
  journal.append(VISIT, [
    fact({type: 'card.inserted', card: {masked: '411111******1111'}, businessDate: '2026-11-22'}),
    intent({kind: 'pinPad.collect', entryTimeoutMs: 30_000}),
  ])
  await clock.advance(4250)
  journal.append(VISIT, [fact({type: 'pin.entered'}, 4)])
  await clock.advance(86_400_000)
  journal.append(VISIT, [
    fact({type: 'amount.chosen', amountMinor: minorUnits(6000)}),
    intent({
      kind: 'host.authorize',
      key: KEY,
      account: ACCOUNT,
      amountMinor: minorUnits(6000),
      feeMinor: minorUnits(150),
      currency: 'EUR',
      mix: MIX,
    }),
  ])
  journal.append(VISIT, [
    fact({type: 'host.approved', authCode: '123456', amountMinor: minorUnits(6000)}, 7),
    intent({kind: 'dispenser.dispense', key: KEY, bunch: 1, mix: MIX}),
  ])
  journal.append(VISIT, [
    fact({type: 'notes.dispensed', tallies: TALLIES, fault: null}, 9),
    intent({
      kind: 'host.complete',
      key: KEY,
      paidMinor: minorUnits(6000),
      feeMinor: minorUnits(150),
      paid: MIX,
      row: 'all-out',
    }),
  ])
  const rows = journal.rows(1, 100)
  journal.close()
  return rows
}

t.test('what goes in comes back, after a restart as well', async t => {
  const path = join(t.testdir(), 'journal.db')
  const journal = opened(path)
  const heard: number[] = []
  const stop = journal.onAppend(row => heard.push(row.seq))
  const order: Order = {kind: 'reader.eject', takeWithinMs: 30_000}
  const rows = journal.append(VISIT, [fact({type: 'visit.cancelled'}), intent(order)])
  t.same(
    rows.map(row => [row.seq, row.session, row.atMs, row.entry.kind]),
    [
      [2, VISIT, START, 'event'],
      [3, VISIT, START, 'intent'],
    ],
  )
  t.same(journal.head, {seq: 3, hash: rows[1]?.hash})
  t.same(heard, [], 'listeners hear after the append')
  await Promise.resolve()
  t.same(heard, [2, 3])
  stop()
  t.same(
    journal.openIntents().map(row => row.entry.order),
    [order],
  )
  t.same(journal.rows(2, 10), rows)
  t.equal(journal.rows(1, 1)[0]?.entry.kind, 'boot')
  t.same(journal.rows(4, 1), [])
  t.same(journal.session(VISIT), rows)
  t.same(journal.session(sessionIdOf('other')), [])
  t.same(journal.verify(), {kind: 'whole', rows: 3})
  journal.close()
  t.throws(
    () => journal.append(null, [fact({type: 'host.restored', businessDate: '2026-11-22'})]),
    SystemFault,
    'a closed journal refuses',
  )

  const again = opened(path)
  t.same(again.rows(2, 2), rows)
  t.same(
    again.openIntents().map(row => row.seq),
    [3],
    'still open',
  )
  again.append(VISIT, [fact({type: 'card.taken'}, 3)])
  t.same(again.openIntents(), [])
  again.checkpoint()
  t.same(again.verify(), {kind: 'whole', rows: 5})
  again.close()
  t.same(heard, [2, 3], 'nobody told after the stop')
})

t.test('an intent is answered once, and only an intent is', t => {
  const journal = opened(join(t.testdir(), 'journal.db'))
  journal.append(VISIT, [intent({kind: 'reader.eject', takeWithinMs: 1})])
  const taken = (answers: number) => fact({type: 'card.taken'}, answers)
  const {head} = journal
  t.throws(() => journal.append(VISIT, [taken(1)]), AssertionFailed, 'a boot')
  t.throws(() => journal.append(VISIT, [taken(3)]), AssertionFailed, 'the future')
  t.throws(() => journal.append(VISIT, [taken(2), taken(2)]), AssertionFailed, 'twice in one append')
  t.same(journal.head, head, 'nothing was written')
  journal.append(VISIT, [taken(2)])
  t.throws(() => journal.append(VISIT, [taken(2)]), AssertionFailed, 'twice')
  t.equal(journal.failed, null, 'our mistake is not the disk’s')
  t.same(journal.verify(), {kind: 'whole', rows: 3})
  journal.close()
  t.end()
})

t.test('secrets, fractions and everything else that is no record are refused before they are written', t => {
  const path = join(t.testdir(), 'journal.db')
  const journal = opened(path)
  const canary = 'CANARY-4111111111111111'
  const refused: readonly (readonly [string, unknown])[] = [
    ['a secret', new Secret(canary)],
    ['a fraction', 0.5],
    ['an unsafe integer', 2 ** 53],
    ['no number', NaN],
    ['infinity', Infinity],
    ['a BigInt', 1n],
    ['undefined', undefined],
    ['a function', () => canary],
    ['a symbol', Symbol(canary)],
    ['bytes', Buffer.from(canary)],
    ['a date', new Date(0)],
    ['a map', new Map([[canary, 1]])],
    ['a deep list', JSON.parse('['.repeat(40) + ']'.repeat(40))],
    ['a long text', canary.repeat(1000)],
  ]
  for (const [what, why] of refused) {
    // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- what the types forbid is what is tried
    const event = {type: 'host.lost', why: {inside: [why]}} as unknown as Event
    t.throws(
      () => journal.append(null, [fact({type: 'host.restored', businessDate: '2026-11-22'}), fact(event)]),
      AssertionFailed,
      what,
    )
  }
  const open: Event = {type: 'card.inserted', card: {masked: '4111111111111111'}, businessDate: '2026-11-22'}
  t.throws(() => journal.append(null, [fact(open)]), AssertionFailed, 'a whole card number')
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- as above
  t.throws(() => journal.append(null, [fact({type: 'no.such'} as unknown as Event)]), AssertionFailed)
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- as above
  t.throws(() => journal.append(null, [intent({kind: 'keys.listen'} as unknown as Order)]), AssertionFailed)
  t.throws(() => sessionIdOf('a b'), AssertionFailed)
  t.throws(() => sessionIdOf(''), AssertionFailed)
  t.same(journal.verify(), {kind: 'whole', rows: 1})
  for (const file of [path, `${path}-wal`])
    t.notOk(readFileSync(file).includes('CANARY'), `${file} holds none`)
  journal.close()
  t.end()
})

t.test('canonical text', t => {
  t.throws(() => canonicalJson([new Secret('x')]), /a body holds a secret/)
  t.equal(
    canonicalJson({b: [1, -0, null, true], a: {é: 'ß', Z: ''}}),
    '{"a":{"Z":"","é":"ß"},"b":[1,0,null,true]}',
  )
  const hostile = 'a\u0000\n"\\\u007f\u0085\u200b\u2028\u202e\ufeff\ud800'
  const text = canonicalJson(hostile)
  t.equal(text, String.raw`"a\u0000\n\"\\\u007f\u0085\u200b\u2028\u202e\ufeff\ud800"`)
  t.equal(JSON.parse(text), hostile)
  const journal = opened(join(t.testdir(), 'journal.db'))
  journal.append(null, [fact({type: 'host.lost', why: hostile})])
  t.match(
    journal.rows(2, 1),
    [{entry: {event: {why: hostile}}}],
    'text from outside comes back to the letter',
  )
  journal.close()
  t.end()
})

t.test('one machine, one journal', t => {
  const dir = t.testdir({text: 'this is no database, and long enough to look at', empty: ''})
  const path = join(dir, 'journal.db')
  const journal = opened(path)
  t.throws(() => opened(path), {name: 'SystemFault', message: /already open/})
  t.throws(() => JournalReader.open(path), {name: 'SystemFault', message: /already open/})
  journal.append(null, [fact({type: 'host.restored', businessDate: '2026-11-22'})])
  t.same(journal.verify(), {kind: 'whole', rows: 2}, 'the first is not disturbed')
  journal.close()
  const reader = JournalReader.open(path)
  t.equal(reader.rows(1, 10).length, 2, 'a closed journal can be read')
  t.same(reader.head().seq, 2)
  reader.close()
  t.throws(() => JournalReader.open(join(dir, 'none.db')), SystemFault)
  t.throws(() => opened(join(dir, 'no', 'folder.db')), SystemFault)
  t.throws(() => opened(join(dir, 'text')), SystemFault)
  const other = new Database(join(dir, 'other.db'))
  other.exec('CREATE TABLE other (a)')
  other.close()
  t.throws(() => opened(join(dir, 'other.db')), {name: 'SystemFault', message: /no journal/})
  opened(join(dir, 'empty')).close()
  t.end()
})

t.test('every commit is synced, and a setting that did not hold is noticed', t => {
  const dir = t.testdir()
  const path = join(dir, 'journal.db')
  for (let life = 0; life < 2; life++) {
    const database = openForWriting(path, 1000)
    database.exec('BEGIN IMMEDIATE; COMMIT')
    t.same(
      ['journal_mode', 'synchronous', 'locking_mode', 'foreign_keys', 'secure_delete'].map(name =>
        database.pragma(name, {simple: true}),
      ),
      ['wal', 2, 'exclusive', 1, 1],
      life === 0 ? 'when created' : 'when opened again',
    )
    checkDurable(database, path)
    database.pragma('synchronous = NORMAL')
    t.throws(
      () => {
        checkDurable(database, path)
      },
      {name: 'SystemFault', message: /synchronous is 1, not 2/},
    )
    database.close()
  }
  // A setting that holds when it is made and is gone after the first write.
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object below
  const {pragma} = Database.prototype
  let asked = 0
  t.teardown(() => {
    Database.prototype.pragma = pragma
  })
  Database.prototype.pragma = function (this: Database.Database, source, options) {
    const held = pragma.call(this, source, options)
    return source === 'synchronous' && ++asked > 1 ? 1 : held
  }
  t.throws(() => opened(path), {name: 'SystemFault', message: /synchronous is 1, not 2/})
  Database.prototype.pragma = pragma
  opened(path).close()
  const rollback = new Database(join(dir, 'rollback.db'))
  t.throws(() => {
    checkDurable(rollback, 'rollback')
  }, /journal_mode is delete/)
  rollback.close()
  t.end()
})

/** Changes a closed journal behind its back, guards and all, and puts the guards back. */
function forge(path: string, change: string): void {
  const database = new Database(path)
  const guards = database
    .prepare<[], {name: string; sql: string}>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    .all()
  for (const {name} of guards) database.exec(`DROP TRIGGER ${name}`)
  database.exec(change)
  for (const {sql} of guards) database.exec(sql)
  database.close()
}

function verdictOf(path: string): string {
  const reader = JournalReader.open(path)
  const verdict = reader.verify()
  reader.close()
  return verdict.kind === 'whole' ? 'whole' : `row ${verdict.at}: ${verdict.why}`
}

t.test('whatever is changed in the table is found, and at its row', async t => {
  const dir = t.testdir()
  const pristine = join(dir, 'pristine.db')
  const rows = await oneVisit(pristine)
  t.equal(verdictOf(pristine), 'whole')
  t.equal(rows.length, 11)
  const forged = join(dir, 'forged.db')
  const after = (change: string): string => {
    copyFileSync(pristine, forged)
    forge(forged, change)
    const verdict = verdictOf(forged)
    if (verdict !== 'whole')
      t.throws(() => opened(forged), {name: 'SystemFault', message: /broken at row/}, `no start: ${change}`)
    return verdict
  }
  t.equal(after('SELECT 1'), 'whole', 'the forger alone leaves no mark')
  for (const {seq} of rows) {
    const where = `WHERE seq = ${seq}`
    for (const change of [
      "session = CASE WHEN session IS NULL THEN 'x' ELSE replace(session, 'A', 'B') END",
      'at_ms = at_ms + 1',
      "kind = CASE kind WHEN 'event' THEN 'intent' ELSE 'event' END",
      'answers = CASE WHEN answers IS NULL THEN 100 + seq ELSE NULL END',
      "body = replace(body, '\":', '\": ')",
      'body = substr(body, 1, 3) || char(unicode(substr(body, 4, 1)) + 1) || substr(body, 5)',
      "hash = CASE WHEN hash LIKE '0%' THEN '1' ELSE '0' END || substr(hash, 2)",
    ])
      t.match(after(`UPDATE journal SET ${change} ${where}`), `row ${seq}: `, `${change} ${where}`)
    t.match(after(`UPDATE journal SET seq = 1000 + seq ${where}`), `row ${seq}: `, `renumbered ${seq}`)
    t.match(after(`UPDATE journal SET seq = -seq ${where}`), /^row 1: /, `numbered below one: ${seq}`)
    if (seq < rows.length) t.match(after(`DELETE FROM journal ${where}`), `row ${seq}: a row is missing`)
    const copy = `INSERT INTO journal SELECT 12, session, at_ms, kind, NULL, body, hash FROM journal ${where}`
    t.match(after(copy), 'row 12: ', `${seq} repeated at the end`)
    if (seq < rows.length)
      t.match(
        after(
          `UPDATE journal SET seq = -1 WHERE seq = ${seq}; UPDATE journal SET seq = ${seq} WHERE seq = ${seq + 1};` +
            `UPDATE journal SET seq = ${seq + 1} WHERE seq = -1`,
        ),
        `row ${seq}: `,
        `${seq} swapped with the next`,
      )
  }
})

t.test('a chain forged with right hashes is still no journal', async t => {
  const dir = t.testdir()
  const path = join(dir, 'journal.db')
  const visit = await oneVisit(path)
  const last = present(visit.at(-1), 'the last row')
  const append = (name: string, columns: {kind: string; answers: number | null; body: string}): string => {
    const forged = join(dir, `${name}.db`)
    copyFileSync(path, forged)
    const {kind, answers, body} = columns
    const text = `{"answers":${answers ?? 'null'},"atMs":5,"body":${body},"kind":"${kind}","seq":12,"session":null}`
    const hash = createHash('sha256').update(`${last.hash}\n${text}`).digest('hex')
    forge(
      forged,
      `INSERT INTO journal VALUES (12, NULL, 5, '${kind}', ${answers ?? 'NULL'}, '${body}', '${hash}')`,
    )
    const verdict = verdictOf(forged)
    if (verdict !== 'whole') t.throws(() => opened(forged), SystemFault, name)
    return verdict
  }
  t.equal(append('right', {kind: 'event', answers: 11, body: '{"type":"host.acknowledged"}'}), 'whole')
  t.match(
    append('stray', {kind: 'event', answers: 3, body: '{"type":"host.acknowledged"}'}),
    'row 12: it answers',
  )
  t.match(
    append('spaced', {kind: 'event', answers: null, body: '{"type": "card.taken"}'}),
    'row 12: the body',
  )
  t.match(append('float', {kind: 'event', answers: null, body: '{"a":1.5,"type":"card.taken"}'}), 'row 12: ')
  t.match(append('type', {kind: 'event', answers: null, body: '{"type":"no.such"}'}), 'row 12: an event')
  t.match(append('order', {kind: 'intent', answers: null, body: '{"kind":"no.such"}'}), 'row 12: an order')
  t.match(append('kind', {kind: 'note', answers: null, body: '{}'}), "row 12: 'note'")
  t.match(append('boot', {kind: 'boot', answers: null, body: '{}'}), 'row 12: a boot')
  t.match(
    append('answer', {kind: 'intent', answers: 11, body: '{"kind":"reader.eject"}'}),
    'row 12: an answer',
  )
})

t.test('a start checks the last thousand rows and every answer, the whole check all', t => {
  const dir = t.testdir()
  const path = join(dir, 'journal.db')
  const journal = opened(path)
  journal.append(VISIT, [intent({kind: 'reader.eject', takeWithinMs: 1})])
  journal.append(VISIT, [fact({type: 'card.taken'}, 2)])
  const restored = fact({type: 'host.restored', businessDate: '2026-11-22'})
  for (let round = 0; round < 25; round++)
    journal.append(null, [restored, ...Array.from({length: 49}, () => restored)])
  const last = journal.head.seq
  journal.close()
  const starts = (change: string): string => {
    const forged = join(dir, 'forged.db')
    copyFileSync(path, forged)
    forge(forged, change)
    try {
      const again = opened(forged)
      const verdict = again.verify()
      again.close()
      return verdict.kind === 'whole' ? 'whole' : `starts, but row ${verdict.at}`
    } catch (thrown) {
      if (!(thrown instanceof SystemFault)) throw thrown
      return thrown.message.replace(/^.* broken at /, '')
    }
  }
  const kept = last - CHAIN_CHECK_ROWS
  t.equal(starts('SELECT 1'), 'whole')
  t.equal(starts('UPDATE journal SET at_ms = 1 WHERE seq = 5'), 'starts, but row 5')
  t.equal(starts(`DELETE FROM journal WHERE seq = ${kept - 1}`), `starts, but row ${kept - 1}`)
  t.match(starts(`DELETE FROM journal WHERE seq = ${kept}`), `row ${kept}: a row is missing`)
  t.match(starts(`UPDATE journal SET at_ms = 1 WHERE seq = ${kept + 1}`), `row ${kept + 1}: its hash`)
  for (const answers of [1, 3, 4, 5000])
    t.match(
      starts(`UPDATE journal SET answers = ${answers} WHERE seq = 3`),
      'row 3: it answers no earlier intent',
    )
  t.end()
})

t.test('the guards of the table', async t => {
  const dir = t.testdir()
  const path = join(dir, 'journal.db')
  await oneVisit(path)
  const database = new Database(path)
  for (const change of [
    'UPDATE journal SET at_ms = 0 WHERE seq = 3',
    'DELETE FROM journal WHERE seq = 11',
    'REPLACE INTO journal SELECT * FROM journal WHERE seq = 3',
    "INSERT INTO journal VALUES (12, NULL, 0, 'event', 4, '{}', '')",
    "REPLACE INTO journal VALUES (12, NULL, 0, 'event', 4, '{}', '')",
    "INSERT INTO journal VALUES (-1, NULL, 0, 'event', NULL, '{}', '')",
    "INSERT INTO journal VALUES (12, NULL, 'soon', 'event', NULL, '{}', '')",
    "INSERT INTO journal VALUES (12, NULL, 0, 'event', NULL, NULL, '')",
  ])
    t.throws(() => database.exec(change), {name: 'SqliteError'}, change)
  database.close()
  t.equal(verdictOf(path), 'whole')
  for (const change of [
    'DROP TRIGGER journal_no_update',
    'DROP TRIGGER journal_no_delete',
    'DROP TRIGGER journal_no_replace',
    'DROP TRIGGER journal_no_delete; CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal WHEN 0 BEGIN SELECT 1; END',
    'DROP INDEX journal_answers',
    'CREATE TABLE more (a)',
    'PRAGMA user_version = 3',
    'PRAGMA application_id = 1',
  ]) {
    const changed = join(dir, 'changed.db')
    copyFileSync(path, changed)
    const raw = new Database(changed)
    raw.exec(change)
    raw.close()
    t.throws(() => opened(changed), SystemFault, `no start after ${change}`)
  }
})

t.test('an index that hides a visit is found, although every row is whole', async t => {
  const path = join(t.testdir(), 'journal.db')
  await oneVisit(path)
  const database = new Database(path)
  const page = database
    .prepare<[], number>("SELECT pageno FROM dbstat WHERE name = 'journal_sessions'")
    .pluck()
    .get()
  database.close()
  const bytes = readFileSync(path)
  const at = bytes.indexOf(VISIT, ((page ?? 0) - 1) * 4096)
  t.ok(at > 0 && at < (page ?? 0) * 4096)
  bytes.write('B', at)
  writeFileSync(path, bytes)
  t.match(verdictOf(path), /^row 12: the file is damaged: /)
})

t.test('threads come to the verdict of one, wherever the ranges are cut', async t => {
  const dir = t.testdir()
  const pristine = join(dir, 'pristine.db')
  const journal = opened(pristine)
  journal.append(VISIT, [intent({kind: 'reader.eject', takeWithinMs: 1})])
  // Answered far behind, across every cut.
  for (let row = 3; row < 40; row++)
    journal.append(null, [fact({type: 'host.restored', businessDate: '2026-11-22'})])
  journal.append(VISIT, [fact({type: 'card.taken'}, 2)])
  const rows = journal.head.seq
  journal.close()
  const forged = join(dir, 'forged.db')
  const random = seededRandom('ranges')
  const changes = [
    'SELECT 1',
    'DELETE FROM journal',
    'UPDATE journal SET seq = 0 - seq',
    `UPDATE journal SET answers = 3 WHERE seq = ${rows}`,
    'UPDATE journal SET answers = 35 WHERE seq = 30',
    ...Array.from({length: 24}, () => {
      const seq = 1 + random.below(rows - 1)
      return [
        `DELETE FROM journal WHERE seq = ${seq}`,
        `UPDATE journal SET hash = replace(hash, '0', '1') || ' ' WHERE seq = ${seq}`,
        `UPDATE journal SET at_ms = at_ms + 1 WHERE seq = ${seq}`,
        `UPDATE journal SET seq = -1 WHERE seq = ${seq}; UPDATE journal SET seq = ${seq} WHERE seq = ${seq + 1}; UPDATE journal SET seq = ${seq + 1} WHERE seq = -1`,
        `INSERT INTO journal SELECT ${rows + 1}, session, at_ms, kind, NULL, body, hash FROM journal WHERE seq = ${seq}`,
      ]
    }).flat(),
  ]
  for (const change of changes) {
    copyFileSync(pristine, forged)
    forge(forged, change)
    const one = verdictOf(forged)
    t.equal(one === 'whole', ['SELECT 1', 'DELETE FROM journal'].includes(change), `${change}: ${one}`)
    const database = new Database(forged, {readonly: true})
    for (const partsCount of [2, 3, 7]) {
      const verdict = joined(ranges(database, partsCount).map(range => checkRange(database, range)))
      const many = verdict.kind === 'whole' ? 'whole' : `row ${verdict.at}: ${verdict.why}`
      t.equal(many, one, `${change}, in ${partsCount} ranges`)
    }
    database.close()
  }
  // A forger who hashes anew: the last row answers one of the first range that is no intent.
  copyFileSync(pristine, forged)
  const reader = JournalReader.open(forged)
  const [before] = reader.rows(rows - 1, 1)
  reader.close()
  const row = {
    seq: rows,
    session: VISIT,
    atMs: START,
    kind: 'event',
    answers: 3,
    body: '{"type":"card.taken"}',
  }
  const hash = chainHash(present(before, 'the row before the last').hash, row)
  forge(forged, `UPDATE journal SET answers = 3, hash = '${hash}' WHERE seq = ${rows}`)
  const why = 'it answers no earlier intent that was still open'
  t.equal(verdictOf(forged), `row ${rows}: ${why}`)
  t.same(await verifyInParallel(forged, 3), {kind: 'broken', at: rows, why})
  t.same(await verifyInParallel(pristine, 3), {kind: 'whole', rows}, 'on threads')
  const last = join(dir, 'last.db')
  copyFileSync(pristine, last)
  forge(last, `UPDATE journal SET at_ms = at_ms + 1 WHERE seq = ${rows}`)
  t.same(
    await verifyInParallel(last, 3),
    {kind: 'broken', at: rows, why: 'its hash does not fit it and the row before'},
    'on the last thread',
  )
})

t.test('a flipped bit of the file is found, or changed nothing that is read', async t => {
  const dir = t.testdir()
  const path = join(dir, 'journal.db')
  const rows = await oneVisit(path)
  const bytes = readFileSync(path)
  const random = seededRandom('bits')
  const flipped = join(dir, 'flipped.db')
  let found = 0
  for (let round = 0; round < 400; round++) {
    const at = random.below(bytes.length)
    const bit = random.below(8)
    const changed = Buffer.from(bytes)
    changed.writeUInt8(changed.readUInt8(at) ^ (1 << bit), at)
    writeFileSync(flipped, changed)
    try {
      const reader = JournalReader.open(flipped)
      const verdict = reader.verify()
      if (verdict.kind === 'broken') found++
      else if (JSON.stringify(reader.rows(1, 100)) !== JSON.stringify(rows))
        t.fail(`bit ${bit} of byte ${at} changed a row unseen`)
      reader.close()
    } catch (thrown) {
      if (!(thrown instanceof SystemFault)) throw thrown
      found++
    }
  }
  t.ok(found > 20, `${found} of 400 flips mattered and were found`)
})

const GOLDEN = `Journal of   ATM123, amounts in EUR
Visits       ATM123:1
Rows         1 to 11 (11)
First hash   c2c2cb78bef13b896fb8783edcbf7865e473df4b61a01850d7fe05c0f34525fd
Last hash    ace53a1a68357119eaad809e3fdfad8e00faadc139008a1be13c237098c5634d

2026-11-22 UTC
11:30:00.000        1 * started: build "build-1", settings "config-1"
11:30:00.000        2 * cassettes loaded: cassette 1 100 x 20.00, cassette 2 80
                        x 10.00 (suspect)
11:30:00.000        3 * card "411111******1111" inserted, business date
                        "2026-11-22"
11:30:00.000        4 > ask for the PIN, within 30 s
11:30:04.250        5 < to 4: PIN entered
2026-11-23 UTC
11:30:04.250        6 * customer chose 60.00 EUR
11:30:04.250        7 > ask the bank to authorize 60.00 EUR, fee 1.50 EUR, from
                        "Épargne “plus”", ATM123:2026-11-22:000417; planned 2 x
                        20.00 (cassette 1), 2 x 10.00 (cassette 2)
11:30:04.250        8 < to 7: bank approved 60.00 EUR, authorization "123456"
11:30:04.250        9 > dispense bunch 1: 2 x 20.00 (cassette 1), 2 x 10.00
                        (cassette 2), ATM123:2026-11-22:000417
11:30:04.250       10 < to 9: dispensed as ordered; cassette 1: 3 picked, 2 out,
                        1 rejected, cassette 2: 2 picked, 2 out, 0 rejected
11:30:04.250       11 > tell the bank: completed, paid 60.00 EUR, fee 1.50 EUR,
                        ATM123:2026-11-22:000417; notes 2 x 20.00 (cassette 1),
                        2 x 10.00 (cassette 2); rule "all-out"

Orders without an outcome in these rows: 11
`

t.test('a visit on paper', async t => {
  const rows = await oneVisit(join(t.testdir(), 'journal.db'))
  t.equal(exportText(rows, {terminal: 'ATM123', currency: 'EUR'}), GOLDEN)
  t.match(exportText([], {terminal: 'ATM123', currency: 'EUR'}), /^Rows {9}0 to 0 \(0\)$/m)
  const lines = exportText(rows.slice(2, 8), {terminal: 'x'.repeat(200), currency: 'JPY'}).split('\n')
  t.ok(
    lines.every(line => line.length <= COLUMNS_MAX),
    'never wider than the paper',
  )
})

const DAY: Day = {
  businessDate: '2026-11-22',
  totals: {
    withdrawals: {count: noteCount(3), sumMinor: minorUnits(18_000)},
    reversals: {count: noteCount(1), sumMinor: minorUnits(6_000)},
  },
  cash: [{unit: 'cassette-1', kind: 'cassette', noteMinor: minorUnits(2_000), count: noteCount(97)}],
}

/** One order of every kind, and how an auditor reads it. */
const ORDERS: {readonly [Kind in Order['kind']]: readonly [Extract<Order, {kind: Kind}>, string]} = {
  'reader.eject': [{kind: 'reader.eject', takeWithinMs: 1500}, 'return the card, to be taken within 1500 ms'],
  'reader.retain': [
    {kind: 'reader.retain', because: 'found-at-start'},
    'retain the card (found inside at the start)',
  ],
  'pinPad.collect': [{kind: 'pinPad.collect', entryTimeoutMs: 30_000}, 'ask for the PIN, within 30 s'],
  'host.verify': [{kind: 'host.verify', key: KEY}, `ask the bank to verify card and PIN, ${KEY}`],
  'pinPad.collectNew': [
    {kind: 'pinPad.collectNew', isRepeated: true, entryTimeoutMs: 30_000},
    'ask for the new PIN again, within 30 s',
  ],
  'host.statement': [
    {kind: 'host.statement', key: KEY, account: ACCOUNT},
    `ask the bank for the last lines of "Épargne “plus”", ${KEY}`,
  ],
  'host.changePin': [{kind: 'host.changePin', key: KEY}, `ask the bank to change the PIN, ${KEY}`],
  'host.payee': [
    {kind: 'host.payee', key: KEY, account: ACCOUNT, toAccountId: '67890'},
    `ask the bank whose account "67890" is, ${KEY}`,
  ],
  'host.transfer': [
    {
      kind: 'host.transfer',
      key: KEY,
      account: ACCOUNT,
      toAccountId: '67890',
      amountMinor: minorUnits(6_000),
      currency: 'EUR',
    },
    `ask the bank to transfer 60.00 EUR from "Épargne “plus”" to "67890", ${KEY}`,
  ],
  'host.completeTransfer': [
    {kind: 'host.completeTransfer', key: KEY, amountMinor: minorUnits(6_000), row: 'transfer-approved'},
    `tell the bank: transfer 60.00 EUR, ${KEY}; rule "transfer-approved"`,
  ],
  'host.reverseTransfer': [
    {kind: 'host.reverseTransfer', key: KEY, because: 'no-answer', row: 'transfer-not-answered'},
    `tell the bank: take the transfer back (no-answer), ${KEY}; rule "transfer-not-answered"`,
  ],
  'host.balance': [
    {kind: 'host.balance', key: KEY, account: ACCOUNT},
    `ask the bank for the balance of "Épargne “plus”", ${KEY}`,
  ],
  'host.authorize': [
    {
      kind: 'host.authorize',
      key: KEY,
      account: ACCOUNT,
      amountMinor: minorUnits(6000),
      feeMinor: minorUnits(0),
      currency: 'USD',
      mix: MIX,
    },
    `ask the bank to authorize 60.00 USD, fee 0.00 USD, from "Épargne “plus”", ${KEY}; planned 2 x 20.00 (cassette 1), 2 x 10.00 (cassette 2)`,
  ],
  'host.complete': [
    {
      kind: 'host.complete',
      key: KEY,
      paidMinor: minorUnits(0),
      feeMinor: minorUnits(0),
      paid: [],
      row: 'row "a"',
    },
    `tell the bank: completed, paid 0.00 EUR, fee 0.00 EUR, ${KEY}; notes none; rule "row \\"a\\""`,
  ],
  'host.reverse': [
    {kind: 'host.reverse', key: KEY, because: 'malfunction-no-cash', row: 'r'},
    `tell the bank: reverse (malfunction-no-cash), ${KEY}; rule "r"`,
  ],
  'host.suspect': [
    {kind: 'host.suspect', key: KEY, atLeastMinor: minorUnits(2000), atMostMinor: minorUnits(6000), row: 'r'},
    `tell the bank: suspect, between 20.00 EUR and 60.00 EUR with the customer, ${KEY}; rule "r"`,
  ],
  'dispenser.dispense': [
    {kind: 'dispenser.dispense', key: KEY, bunch: 2, mix: MIX.slice(1)},
    `dispense bunch 2: 2 x 10.00 (cassette 2), ${KEY}`,
  ],
  'dispenser.present': [
    {kind: 'dispenser.present', key: KEY, bunch: 1, takeWithinMs: 30_000},
    `present bunch 1, to be taken within 30 s, ${KEY}`,
  ],
  'dispenser.retract': [{kind: 'dispenser.retract', key: KEY, bunch: 1}, `retract bunch 1, ${KEY}`],
  'dispenser.reject': [
    {kind: 'dispenser.reject', key: KEY, bunch: 1},
    `reject bunch 1 into the reject bin, ${KEY}`,
  ],
  'printer.print': [{kind: 'printer.print', slip: 'withdrawal'}, 'print the slip of the withdrawal'],
  'host.cutOver': [
    {kind: 'host.cutOver', currency: 'EUR', ...DAY},
    'tell the bank: close business date "2026-11-22"; withdrawals 3 of 180.00 EUR, reversals 1 of 60.00 EUR; notes cassette-1 97 x 20.00',
  ],
  'operator.reset': [
    {kind: 'operator.reset', device: 'cardReader'},
    'reset the cardReader, for a person at the machine',
  ],
  'operator.test': [
    {kind: 'operator.test', cassette: 2, noteMinor: minorUnits(1000)},
    'test cassette 2: one note of 10.00 EUR to the reject bin',
  ],
}

const ODD = 'odd\u202e\n'
const ODD_READ = String.raw`"odd\u202e\n"`
const TALLIES_READ = 'cassette 1: 3 picked, 2 out, 1 rejected, cassette 2: 2 picked, 2 out, 0 rejected'

/** One event of every type, likewise. */
const EVENTS: {readonly [Type in Event['type']]: readonly [Extract<Event, {type: Type}>, string]} = {
  'devices.opened': [
    {type: 'devices.opened', failed: ['pinPad', 'dispenser'], businessDate: null},
    'devices opened; failed: pinPad, dispenser; bank not reached',
  ],
  'recovery.finished': [
    {
      type: 'recovery.finished',
      cardInside: true,
      levels: LEVELS,
      nextStan: 418,
      dispenserHeld: ODD,
      attendance: {
        supervisor: 'oona',
        testsCount: 0,
        closedBecause: ODD,
        lockedBecause: ODD,
        exchange: {person: 'oona', second: null, done: []},
      },
    },
    `recovery finished: card inside, next STAN 418, dispenser held: ${ODD_READ}; cassette 1 100 x 20.00, cassette 2 80 x 10.00 (suspect); in supervisor mode by oona; closed: ${ODD_READ}; locked: ${ODD_READ}; a replenishment open, 0 steps done`,
  ],
  'device.failed': [{type: 'device.failed', device: 'pinPad', fault: ODD}, `pinPad failed: ${ODD_READ}`],
  'device.restored': [
    {type: 'device.restored', device: 'cardReader', cardInside: true},
    'cardReader works again, card inside',
  ],
  'receipt.chosen': [{type: 'receipt.chosen', wanted: false}, 'customer wants no receipt'],
  'receipt.printed': [{type: 'receipt.printed', paper: 'low'}, 'printed, paper low'],
  'receipt.failed': [
    {type: 'receipt.failed', outcome: 'partial', fault: ODD},
    `not printed (partial): ${ODD_READ}`,
  ],
  'host.lost': [{type: 'host.lost', why: ODD}, `bank lost: ${ODD_READ}`],
  'host.restored': [
    {type: 'host.restored', businessDate: '2026-11-22'},
    'bank reached again, business date "2026-11-22"',
  ],
  'journal.failed': [{type: 'journal.failed', why: ODD}, `the journal failed: ${ODD_READ}`],
  'disk.filled': [
    {type: 'disk.filled', freeBytes: 4_096},
    'the disk has no room for another visit: 4096 bytes are free',
  ],
  'disk.freed': [
    {type: 'disk.freed', freeBytes: 9_000_000},
    'the disk has room again: 9000000 bytes are free',
  ],
  'timer.fired': [{type: 'timer.fired', name: 'ending'}, 'time is up (ending)'],
  'cassettes.loaded': [
    {type: 'cassettes.loaded', levels: LEVELS},
    'cassettes loaded: cassette 1 100 x 20.00, cassette 2 80 x 10.00 (suspect)',
  ],
  'supervisor.called': [{type: 'supervisor.called', person: 'oona'}, 'oona calls for supervisor mode'],
  'supervisor.left': [{type: 'supervisor.left', person: 'oona'}, 'oona leaves supervisor mode'],
  'service.closed': [
    {type: 'service.closed', person: 'oona', because: ODD},
    `oona takes the machine out of service: ${ODD_READ}`,
  ],
  'service.opened': [{type: 'service.opened', person: 'oona'}, 'oona puts the machine into service'],
  'machine.locked': [
    {type: 'machine.locked', person: 'saga', because: ODD},
    `saga locks the machine: ${ODD_READ}`,
  ],
  'machine.unlocked': [
    {type: 'machine.unlocked', person: 'saga', second: 'stig'},
    'saga unlocks the machine with stig',
  ],
  'reset.chosen': [{type: 'reset.chosen', person: 'erik', device: 'pinPad'}, 'erik wants the pinPad reset'],
  'reset.done': [
    {type: 'reset.done', device: 'dispenser', tallies: TALLIES},
    `dispenser reset; ${TALLIES_READ}`,
  ],
  'reset.failed': [
    {type: 'reset.failed', device: 'dispenser', fault: ODD},
    `dispenser not reset: ${ODD_READ}`,
  ],
  'test.chosen': [{type: 'test.chosen', person: 'oona', cassette: 2}, 'oona wants cassette 2 tested'],
  'test.done': [
    {
      type: 'test.done',
      tally: {cassette: 1, picked: noteCount(1), dispensed: noteCount(0), rejected: noteCount(1)},
    },
    'tested; cassette 1: 1 picked, 0 out, 1 rejected',
  ],
  'test.failed': [
    {type: 'test.failed', cassette: 1, fault: ODD},
    `test of cassette 1 failed, its note may have moved: ${ODD_READ}`,
  ],
  'exchange.opened': [
    {type: 'exchange.opened', person: 'oona', second: 'olaf'},
    'oona opens a replenishment with olaf',
  ],
  'exchange.advanced': [
    {
      type: 'exchange.advanced',
      step: 'remaining',
      cassette: 2,
      count: noteCount(79),
      expected: noteCount(80),
    },
    'replenishment: remaining of cassette 2, 79 counted of 80',
  ],
  'exchange.closed': [
    {type: 'exchange.closed', person: 'oona', second: 'olaf'},
    'oona closes the replenishment with olaf',
  ],
  'totals.closed': [{type: 'totals.closed', person: 'oona'}, 'oona closes the totals'],
  'cards.cleared': [
    {type: 'cards.cleared', person: 'oona', count: noteCount(2)},
    'oona empties the retain bin of 2 cards',
  ],
  'suspense.taken': [{type: 'suspense.taken', person: 'ines', key: KEY}, `ines looks after ${KEY}`],
  'suspense.noted': [
    {type: 'suspense.noted', person: 'ines', key: KEY, note: ODD},
    `ines notes on ${KEY}: ${ODD_READ}`,
  ],
  'suspense.closed': [
    {type: 'suspense.closed', person: 'ines', key: KEY, because: ODD},
    `ines closes ${KEY}: ${ODD_READ}`,
  ],
  'person.acted': [
    {type: 'person.acted', person: 'erik', command: 'show status', outcome: ODD},
    `erik: "show status": ${ODD_READ}`,
  ],
  'card.inserted': [
    {type: 'card.inserted', card: {masked: '411111******1111'}, businessDate: '2026-11-22'},
    'card "411111******1111" inserted, business date "2026-11-22"',
  ],
  'card.unreadable': [{type: 'card.unreadable', why: ODD}, `card cannot be read: ${ODD_READ}`],
  'card.taken': [{type: 'card.taken'}, 'card taken'],
  'card.left': [{type: 'card.left'}, 'card not taken in time'],
  'card.stuck': [{type: 'card.stuck', fault: ODD}, `card stuck: ${ODD_READ}`],
  'card.retained': [{type: 'card.retained'}, 'card retained'],
  'card.retainFailed': [{type: 'card.retainFailed', fault: ODD}, `card could not be retained: ${ODD_READ}`],
  'pin.entered': [{type: 'pin.entered'}, 'PIN entered'],
  'pin.cancelled': [{type: 'pin.cancelled'}, 'PIN entry cancelled'],
  'pin.timedOut': [{type: 'pin.timedOut'}, 'PIN not entered in time'],
  'pin.failed': [{type: 'pin.failed', fault: ODD}, `PIN pad failed: ${ODD_READ}`],
  'service.chosen': [{type: 'service.chosen', service: 'balance'}, 'customer chose balance'],
  'account.chosen': [{type: 'account.chosen', accountId: '12345'}, 'customer chose account "12345"'],
  'target.chosen': [
    {type: 'target.chosen', accountId: '67890'},
    'customer wants to transfer to account "67890"',
  ],
  'transfer.confirmed': [{type: 'transfer.confirmed'}, 'customer confirmed the transfer'],
  'statement.told': [{type: 'statement.told'}, 'bank told the last lines'],
  'payee.named': [{type: 'payee.named'}, 'bank named the payee'],
  'pin.changed': [{type: 'pin.changed'}, 'bank changed the PIN'],
  'time.granted': [{type: 'time.granted'}, 'customer needs more time'],
  'time.declined': [{type: 'time.declined'}, 'customer needs no more time'],
  'amount.chosen': [{type: 'amount.chosen', amountMinor: minorUnits(5)}, 'customer chose 0.05 EUR'],
  'fee.accepted': [{type: 'fee.accepted'}, 'customer accepted the fee'],
  'visit.continued': [{type: 'visit.continued'}, 'customer goes on'],
  'visit.cancelled': [{type: 'visit.cancelled'}, 'customer cancelled'],
  'card.verified': [
    {type: 'card.verified', accounts: [ACCOUNT, {accountId: 'A2', label: 'Current'}]},
    'bank verified the card; accounts: "Épargne “plus”", "Current"',
  ],
  'pin.wrong': [{type: 'pin.wrong', triesLeft: 2}, 'PIN wrong, 2 tries left'],
  'card.refused': [
    {type: 'card.refused', code: '41', retain: true},
    'bank refused the card, code "41", retain the card',
  ],
  'balance.told': [{type: 'balance.told'}, 'bank told the balance'],
  'host.approved': [
    {type: 'host.approved', authCode: '123456', amountMinor: minorUnits(6000)},
    'bank approved 60.00 EUR, authorization "123456"',
  ],
  'host.declined': [{type: 'host.declined', code: '51', retain: false}, 'bank declined, code "51"'],
  'host.silent': [{type: 'host.silent', why: ODD}, `no trustworthy answer from the bank: ${ODD_READ}`],
  'host.acknowledged': [
    {type: 'host.acknowledged', state: 'forced'},
    'bank acknowledged, and has it as "forced"',
  ],
  'day.due': [
    {type: 'day.due', person: 'oona', ...DAY},
    'business date "2026-11-22" is to be closed for oona: withdrawals 3 of 180.00 EUR, reversals 1 of 60.00 EUR',
  ],
  'day.closed': [
    {type: 'day.closed', businessDate: '2026-11-22', next: '2026-11-23', settlement: 'out-of-balance'},
    'bank closed business date "2026-11-22", OUT OF BALANCE; the next is "2026-11-23"',
  ],
  'day.refused': [
    {type: 'day.refused', businessDate: '2026-11-22', why: ODD},
    `bank does not close business date "2026-11-22": ${ODD_READ}`,
  ],
  'host.refusedAdvice': [
    {type: 'host.refusedAdvice', key: KEY, row: 12, why: ODD},
    `bank REFUSES the advice of row 12, ${KEY}: ${ODD_READ}`,
  ],
  'notes.dispensed': [
    {type: 'notes.dispensed', tallies: TALLIES, fault: ODD},
    `dispensed as ordered, with a fault: ${ODD_READ}; ${TALLIES_READ}`,
  ],
  'notes.refused': [{type: 'notes.refused', fault: ODD}, `no note left a cassette: ${ODD_READ}`],
  'notes.partial': [
    {
      type: 'notes.partial',
      tallies: TALLIES,
      fault: ODD,
      inPath: noteCount(1),
      path: 'atMouth',
      counts: 'inDoubt',
    },
    `dispensed in part: ${ODD_READ}; ${TALLIES_READ}; 1 in the path, at the mouth; counts in doubt`,
  ],
  'notes.overpaid': [
    {type: 'notes.overpaid', tallies: TALLIES, fault: ODD},
    `MORE DISPENSED THAN ORDERED: ${ODD_READ}; ${TALLIES_READ}`,
  ],
  'notes.unknown': [
    {type: 'notes.unknown', why: ODD, path: 'blocked'},
    `NOT KNOWN what was dispensed: ${ODD_READ}; path blocked`,
  ],
  'notes.taken': [{type: 'notes.taken'}, 'notes taken'],
  'notes.left': [{type: 'notes.left'}, 'notes not taken in time'],
  'notes.notPresented': [{type: 'notes.notPresented', fault: ODD}, `notes not presented: ${ODD_READ}`],
  'notes.presentUnknown': [
    {type: 'notes.presentUnknown', why: ODD},
    `NOT KNOWN whether the notes were presented: ${ODD_READ}`,
  ],
  'notes.retracted': [
    {type: 'notes.retracted', count: noteCount(3), itemsTaken: true},
    'notes retracted, 3 counted, some had been taken',
  ],
  'notes.retractUnknown': [
    {type: 'notes.retractUnknown', why: ODD},
    `NOT KNOWN what was retracted: ${ODD_READ}`,
  ],
  'notes.rejected': [{type: 'notes.rejected', count: null}, 'notes rejected, not counted'],
  'notes.rejectUnknown': [
    {type: 'notes.rejectUnknown', why: ODD},
    `NOT KNOWN what was rejected: ${ODD_READ}`,
  ],
  'order.abandoned': [{type: 'order.abandoned', because: ODD}, `abandoned, nothing is owed: ${ODD_READ}`],
  'operation.recovered': [
    {type: 'operation.recovered', key: KEY, row: ODD},
    `recovery settled ${KEY} by its rule ${ODD_READ}`,
  ],
  'dispenser.marked': [
    {type: 'dispenser.marked', mark: ODD},
    `dispenser's memory before the order: ${ODD_READ}`,
  ],
  'journal.anchored': [
    {
      type: 'journal.anchored',
      row: 41,
      hash: '0'.repeat(64),
      takenAt: '2026-11-22T11:30:00Z',
      machineKey: 'MCow',
      machineSignature: 'ab==',
      bankKey: 'MCow',
      bankSignature: 'cd==',
    },
    `machine and bank have signed for row 41, hash ${'0'.repeat(64)}, at 2026-11-22T11:30:00Z`,
  ],
}

t.test('every word of the machine is stored, read back and has its sentence', t => {
  const journal = opened(join(t.testdir(), 'journal.db'))
  const words: readonly (readonly [Entry, string])[] = [
    ...Object.values(ORDERS).map(([order, sentence]) => [intent(order), sentence] as const),
    ...Object.values(EVENTS).map(([event, sentence]) => [fact(event), sentence] as const),
  ]
  for (const [entry, sentence] of words) {
    const [stored] = journal.append(VISIT, [entry])
    const back = journal.rows(stored?.seq ?? 0, 1)
    t.same(back[0]?.entry, entry)
    const lines = exportText(back, {terminal: 'ATM123', currency: 'EUR'}).split('\n')
    t.ok(
      lines.every(line => line.length <= COLUMNS_MAX),
      'fits the paper',
    )
    t.equal(sentenceOf(entry, 'EUR'), sentence)
  }
  t.match(
    journal.verify(),
    {kind: 'broken', why: /anchors another row/},
    'one of them does not tell the truth',
  )
  journal.close()
  t.end()
})

t.test('the chain can be recomputed from the JSON lines', async t => {
  const rows = await oneVisit(join(t.testdir(), 'journal.db'))
  let hash = GENESIS
  for (const line of exportJsonLines(rows).trimEnd().split('\n')) {
    const [, said = '', row = ''] = /^\{"hash":"([0-9a-f]{64})","row":(.*)\}$/.exec(line) ?? []
    hash = createHash('sha256').update(`${hash}\n${row}`).digest('hex')
    t.equal(said, hash)
    t.equal(canonicalJson(JSON.parse(line)), line, 'canonical itself')
  }
})
