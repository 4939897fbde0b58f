/** A journal that forgets its oldest rows: only those that both have signed for, and the chain of the others still proves itself. */
import Database from 'better-sqlite3'
import {copyFileSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import {operationKeyOf} from '../../fsm/vocabulary.ts'
import type {Event, Order} from '../../fsm/vocabulary.ts'
import {sessionIdOf, seqOf} from '../../journal/entry.ts'
import type {Entry, SessionId} from '../../journal/entry.ts'
import {CHAIN_CHECK_ROWS, Journal, ROWS_KEPT_MIN} from '../../journal/journal.ts'
import {verifyInParallel} from '../../journal/parallel.ts'
import {JournalReader} from '../../journal/reader.ts'
import {AssertionFailed} from '../../kit/assert.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import {CUT_ROWS_MAX, Retention} from '../../src/session/retention.ts'

const START = epochMs(Date.UTC(2026, 10, 22, 11, 30))
const DAY_MS = 86_400_000
const LEVELS = [{cassette: 1, noteMinor: minorUnits(2000), count: noteCount(100), state: 'ok'}] as const

const fact = (event: Event, answers: number | null = null): Entry => ({
  kind: 'event',
  event,
  answers: answers === null ? null : seqOf(answers),
})
const intent = (order: Order): Entry => ({kind: 'intent', order})

/** Signatures are of no account to the chain. */
function anchor(journal: Journal, row = journal.head.seq, hash = journal.head.hash): number {
  const signed = {machineKey: 'MCow', machineSignature: 'ab==', bankKey: 'MCow', bankSignature: 'cd=='}
  const event: Event = {type: 'journal.anchored', row, hash, takenAt: '2026-11-22T11:30:00Z', ...signed}
  return journal.append(null, [fact(event)])[0]?.seq ?? 0
}

function fill(journal: Journal, count: number, session: SessionId | null = null): void {
  for (let left = count; left > 0; left -= 100)
    journal.append(session, [
      fact({type: 'pin.entered'}),
      ...Array<Entry>(Math.min(left, 100) - 1).fill(fact({type: 'pin.cancelled'})),
    ])
}

function advice(stan: number): Entry {
  const key = operationKeyOf('ATM123', '2026-11-22', stan)
  return intent({kind: 'host.reverse', key, because: 'no-answer', row: 'not-moved'})
}

function authorize(stan: number): Entry {
  return intent({
    kind: 'host.authorize',
    key: operationKeyOf('ATM123', '2026-11-22', stan),
    account: {accountId: 'A1', label: 'Checking'},
    amountMinor: minorUnits(6000),
    feeMinor: minorUnits(0),
    currency: 'EUR',
    mix: [],
  })
}

function verdictOf(path: string): string {
  const reader = JournalReader.open(path)
  try {
    const verdict = reader.verify()
    return verdict.kind === 'whole' ? `whole ${verdict.rows}` : `row ${verdict.at}: ${verdict.why}`
  } finally {
    reader.close()
  }
}

function forge(path: string, change: string): void {
  const database = new Database(path)
  try {
    database.pragma('synchronous = OFF')
    const triggers = database
      .prepare<[], {name: string; sql: string}>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
      .all()
    for (const {name} of triggers) database.exec(`DROP TRIGGER ${name}`)
    database.exec(change)
    for (const {sql} of triggers) database.exec(sql)
  } finally {
    database.close()
  }
}

t.test('what must stay', t => {
  const journal = Journal.open(join(t.testdir(), 'journal.db'), new VirtualClock(START), 'build', 'config')
  t.teardown(() => {
    journal.close()
  })
  fill(journal, 10)
  const early = journal.head.seq
  anchor(journal)
  t.equal(journal.cutFault(early), `the last ${ROWS_KEPT_MIN} rows stay`)
  const visit = sessionIdOf('visit-1')
  fill(journal, 5, visit)
  const within = journal.head.seq
  fill(journal, 5, visit)
  const open = journal.append(sessionIdOf('visit-2'), [fact({type: 'pin.entered'}), advice(1)])[1]?.seq ?? 0
  const behind = journal.head.seq
  anchor(journal)
  fill(journal, 1)
  const lying = journal.head.seq
  anchor(journal, lying, '0'.repeat(64))
  fill(journal, ROWS_KEPT_MIN + 10)
  t.equal(journal.cutFault(early), null)
  t.equal(journal.cutFault(early + 1), 'machine and bank have not signed for it')
  t.equal(journal.cutFault(within), 'a visit would be cut in two')
  t.equal(journal.cutFault(behind), `the order in row ${open} is open`)
  t.equal(journal.cutFault(lying), 'machine and bank have not signed for it')
  const late =
    journal.append(sessionIdOf('visit-2'), [fact({type: 'host.acknowledged', state: 'completed'}, open)])[0]
      ?.seq ?? 0
  t.equal(journal.cutFault(behind), `row ${late} answers one of them`)
  t.equal(journal.cutFault(0), 'it is no row of this journal')
  t.throws(() => {
    journal.cutThrough(behind)
  }, AssertionFailed)
  t.end()
})

t.test('what remains proves itself, is guarded as before, and shows every change', async t => {
  const dir = t.testdir()
  const path = join(dir, 'journal.db')
  const clock = new VirtualClock(START)
  const journal = Journal.open(path, clock, 'build', 'config')
  fill(journal, 500)
  const first = journal.head.seq
  anchor(journal)
  fill(journal, 50)
  const second = journal.head.seq
  const secondAnchor = anchor(journal)
  fill(journal, ROWS_KEPT_MIN + 20)
  const last = journal.head.seq
  journal.cutThrough(first)
  t.equal(journal.rows(1, 1)[0]?.seq, first + 1)
  t.equal(journal.verify().kind, 'whole', 'while it runs')
  t.equal(journal.cutFault(first), 'it is no row of this journal')
  fill(journal, 3)
  journal.close()
  t.equal(verdictOf(path), `whole ${last + 3 - first}`)
  for (const threads of [1, 2, 3, 7])
    t.strictSame(await verifyInParallel(path, threads), {kind: 'whole', rows: last + 3 - first})

  const again = Journal.open(path, clock, 'build', 'config')
  t.equal(again.head.seq, last + 4, 'it starts')
  again.cutThrough(second)
  again.close()
  t.equal(verdictOf(path), `whole ${last + 4 - second}`, 'cut twice')
  const guarded = new Database(path)
  t.throws(() => guarded.exec(`DELETE FROM journal WHERE seq = ${last}`), /never shortened/)
  guarded.close()

  const forged = join(dir, 'forged.db')
  const after = (change: string): string => {
    copyFileSync(path, forged)
    forge(forged, change)
    return verdictOf(forged)
  }
  const gone = 'row 1: a row is missing'
  t.equal(after(`DELETE FROM journal WHERE seq <= ${second + 7}`), gone, 'a row that nobody signed for')
  t.equal(after(`DELETE FROM journal WHERE seq = ${secondAnchor}`), gone, 'the anchor itself')
  t.match(
    after(
      `UPDATE journal SET body = replace(body, '"row":${second}', '"row":${second + 1}') WHERE seq = ${secondAnchor}`,
    ),
    /^row 1: /,
  )
  t.match(after(`UPDATE journal SET seq = ${second} WHERE seq = ${second + 1}`), /^row /)
  // Of the anchor's long text some bits, of a short row each.
  for (const [seq, step] of [
    [secondAnchor, 29],
    [secondAnchor + 1, 1],
  ] as const) {
    const bits = rowText(path, seq).length * 8
    for (let bit = 0; bit < bits; bit += step)
      if (!after(flip(path, seq, bit)).startsWith('row ')) t.fail(`bit ${bit} of row ${seq}`)
    t.match(after(`DELETE FROM journal WHERE seq = ${seq}`), /^row /, `without row ${seq}`)
  }
})

function rowText(path: string, seq: number): string {
  const database = new Database(path, {readonly: true})
  const text = database.prepare<[number], string>('SELECT body FROM journal WHERE seq = ?').pluck().get(seq)
  database.close()
  return text ?? ''
}

function flip(path: string, seq: number, bit: number): string {
  const bytes = Buffer.from(rowText(path, seq))
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return `UPDATE journal SET body = CAST(x'${bytes.toString('hex')}' AS TEXT) WHERE seq = ${seq}`
}

t.test('an anchor that speaks of another row, or of one to come, is a break', t => {
  const path = join(t.testdir(), 'journal.db')
  const journal = Journal.open(path, new VirtualClock(START), 'build', 'config')
  fill(journal, 20)
  anchor(journal)
  t.equal(journal.verify().kind, 'whole')
  const seq = anchor(journal, 7, journal.rows(8, 1)[0]?.hash)
  t.match(journal.verify(), {kind: 'broken', at: seq, why: /anchors another row/})
  journal.close()
  t.end()
})

/** A machine's rows over time: a load, visits, an anchor each day. */
function lived(path: string, clock: VirtualClock): Journal {
  const journal = Journal.open(path, clock, 'build', 'config')
  journal.append(null, [fact({type: 'cassettes.loaded', levels: LEVELS})])
  return journal
}

async function days(journal: Journal, clock: VirtualClock, count: number, rowsADay: number): Promise<void> {
  for (let day = 0; day < count; day += 1) {
    fill(journal, rowsADay)
    const key = operationKeyOf('ATM123', '2026-11-22', day + 1)
    const [verify] = journal.append(null, [intent({kind: 'host.verify', key})])
    journal.append(null, [fact({type: 'card.refused', code: '62', retain: false}, verify?.seq ?? 0)])
    anchor(journal)
    await clock.advance(DAY_MS)
  }
}

t.test('old rows go between visits, and what the machine knows never does', async t => {
  const clock = new VirtualClock(START)
  const journal = lived(join(t.testdir(), 'journal.db'), clock)
  t.teardown(() => {
    journal.close()
  })
  let isFree = true
  const retention = new Retention({journal, keepDays: 90, isFree: () => isFree, clock, log: silentLog})
  const tidy = () => clock.finish(retention.tidy(), 10_000)
  const oldest = () => journal.rows(1, 1)[0]?.seq ?? 0
  await days(journal, clock, 120, 30)
  await tidy()
  t.equal(oldest(), 1, 'nothing goes before the last load of the cassettes')
  journal.append(null, [fact({type: 'cassettes.loaded', levels: LEVELS})])
  isFree = false
  await tidy()
  t.equal(oldest(), 1, 'nothing goes while somebody is served')
  isFree = true
  await tidy()
  const cut = oldest()
  t.ok(cut > 900 && cut < 1_100, `30 days went: ${cut}`)
  t.equal(journal.verify().kind, 'whole')
  await tidy()
  t.equal(oldest(), cut, 'and no more than that')

  const [asked] = journal.append(null, [authorize(999)])
  const [, told] = journal.append(null, [
    fact({type: 'host.silent', why: 'lost'}, asked?.seq ?? 0),
    advice(999),
  ])
  anchor(journal)
  await days(journal, clock, 200, 10)
  journal.append(null, [fact({type: 'service.closed', person: 'oona', because: 'paper'})])
  journal.append(null, [fact({type: 'cassettes.loaded', levels: LEVELS})])
  await days(journal, clock, 100, 20)
  await tidy()
  t.ok(oldest() <= (told?.seq ?? 0), 'an advice that the bank has not taken stays')
  journal.append(null, [fact({type: 'host.acknowledged', state: 'completed'}, told?.seq ?? 0)])
  const before = oldest()
  await tidy()
  t.equal(oldest(), before, 'nor is it parted from its answer')
  t.equal(CHAIN_CHECK_ROWS < ROWS_KEPT_MIN && ROWS_KEPT_MIN < CUT_ROWS_MAX, true)
})

t.test('rows whose forgetting would change what the machine knows stay, however old', async t => {
  const clock = new VirtualClock(START)
  const journal = lived(join(t.testdir(), 'journal.db'), clock)
  t.teardown(() => {
    journal.close()
  })
  const warned: string[] = []
  const log = {...silentLog, warn: (message: string) => warned.push(message)}
  const retention = new Retention({journal, keepDays: 90, isFree: () => true, clock, log})
  journal.append(null, [fact({type: 'service.closed', person: 'oona', because: 'paper'})])
  await days(journal, clock, 100, 20)
  journal.append(null, [fact({type: 'cassettes.loaded', levels: LEVELS})])
  await clock.finish(retention.tidy(), 10_000)
  t.equal(journal.rows(1, 1)[0]?.seq, 1, 'somebody took it out of service, and nobody put it back')
  t.match(warned, [/would know less/])
  journal.append(null, [fact({type: 'service.opened', person: 'oona'})])
  await clock.finish(retention.tidy(), 10_000)
  t.ok((journal.rows(1, 1)[0]?.seq ?? 0) > 100)
})
