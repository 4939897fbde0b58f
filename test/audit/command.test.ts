/** What an auditor asks of a journal, of a machine that paid and failed and was loaded, and what comes of a forged one. */
import Database from 'better-sqlite3'
import {hash as digest} from 'node:crypto'
import {copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import t from 'tap'
import {realClock} from '../../kit/clock.ts'
import {noteCount} from '../../kit/money.ts'
import {journalCommand} from '../../src/audit/command.ts'
import {BUDGET_MS, World} from '../session/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'tellerd-audit-'))
t.teardown(() => {
  rmSync(folder, {recursive: true, force: true})
})
const settings = join(folder, 'tellerd.json')
const journal = join(folder, 'journal.db')

writeFileSync(
  settings,
  JSON.stringify({
    terminal: 'ATM123',
    currency: 'EUR',
    journal: {path: journal},
    host: {
      url: 'https://bank.example:8443',
      caPath: join(folder, 'ca.pem'),
      certificatePath: join(folder, 'atm.pem'),
      keyPath: join(folder, 'atm.key'),
      hostPins: ['0'.repeat(64)],
      signersPath: join(folder, 'signers.pem'),
    },
    cardReader: {model: 'crt310', port: '/dev/ttyS0'},
    pinPad: {model: 'szzt', port: '/dev/ttyS1'},
    dispenser: {model: 'lcdm2000', port: '/dev/ttyS2'},
    cassettes: [{cassette: 1, note: 20, initialCount: 100}],
    payout: {amountMax: 1000},
    timers: {},
    screen: {},
  }),
)

/** Nine visits, of which the fifth loses the dispenser's answer; a load in the middle; both sign. */
async function lived(): Promise<void> {
  const world = await World.open({folder})
  world.table.machine.start()
  for (let visit = 0; visit < 9; visit += 1) {
    await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
    if (visit === 6)
      world.table.machine.load(
        world.table.machine.standing.context.levels.map(level => ({...level, count: noteCount(200)})),
      )
    const customer = world.customer()
    await world.clock.runUntil(() => customer.isDone, BUDGET_MS)
    await world.settle()
  }
  await world.clock.advance(1_000_000)
  await world.close()
}
await lived()

interface Told {
  readonly isWhole: boolean
  readonly lines: readonly string[]
  readonly text: string
}

async function told(...words: readonly string[]): Promise<Told> {
  const lines: string[] = []
  const auditor = {
    clock: realClock(),
    say: (text: string) => {
      lines.push(...text.split('\n'))
    },
    sayError: (text: string) => {
      lines.push(`! ${text}`)
    },
  }
  const isWhole = await journalCommand([...words, '--config', settings], auditor)
  return {isWhole, lines, text: lines.join('\n')}
}

t.test('verify: whole, with what both have signed', async t => {
  const {isWhole, lines} = await told('verify')
  t.ok(isWhole)
  t.match(lines[0], /^whole: [0-9]+ rows$/)
  t.match(lines[1], /^anchors: [1-9][0-9]*, [0-9]+ of them by keys that are not known here; the last for row/)
  t.match(readFileSync(join(dirname(journal), 'verified'), 'utf8'), /Z whole: /)
  t.notOk(existsSync(`${journal}.audit`), 'leaves nothing behind')
})

t.test('verify: a signature that is none is a break, though the chain is right', async t => {
  const kept = join(folder, 'kept.db')
  copyFileSync(journal, kept)
  const database = new Database(journal)
  const triggers = database
    .prepare<[], {name: string; sql: string}>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    .all()
  for (const {name} of triggers) database.exec(`DROP TRIGGER ${name}`)
  const rows = database
    .prepare<
      [],
      {seq: number; session: string | null; at_ms: number; kind: string; answers: number | null; body: string}
    >('SELECT * FROM journal ORDER BY seq')
    .all()
  let previous = '0'.repeat(64)
  let isForged = false
  for (const {seq, session, at_ms, kind, answers, body} of rows) {
    const mine = body.replace(/("machineSignature":")./, (_, start: string) => `${start}!`)
    isForged ||= mine !== body
    const text = `{"answers":${answers ?? 'null'},"atMs":${at_ms},"body":${mine},"kind":"${kind}","seq":${seq},"session":${session === null ? 'null' : `"${session}"`}}`
    previous = digest('sha256', `${previous}\n${text}`)
    database.prepare('UPDATE journal SET body = ?, hash = ? WHERE seq = ?').run(mine, previous, seq)
  }
  for (const {sql} of triggers) database.exec(sql)
  database.close()
  t.ok(isForged)
  const {isWhole, lines} = await told('verify')
  t.notOk(isWhole)
  t.match(lines[0], /^broken at row [0-9]+: the anchor is not signed$/)
  copyFileSync(kept, journal)
  t.ok((await told('verify')).isWhole)
})

t.test('export: all, by rows, by date, by time; a gapless stretch whose chain can be followed', async t => {
  const all = (await told('export', '--json')).lines
  let previous = '0'.repeat(64)
  for (const line of all) {
    const [, hash = '', row = ''] = /^\{"hash":"([0-9a-f]{64})","row":(\{.*\})\}$/.exec(line) ?? []
    t.equal(digest('sha256', `${previous}\n${row}`), hash)
    previous = hash
  }
  t.strictSame((await told('export', '--json', '--from', '5', '--to', '9')).lines, all.slice(4, 9))
  t.strictSame((await told('export', '--json', '--to', '3')).lines, all.slice(0, 3))
  t.strictSame((await told('export', '--json', '--from', '2026-11-22')).lines, all)
  t.strictSame((await told('export', '--json', '--from', '2026-11-23')).lines, [])
  t.strictSame((await told('export', '--json', '--to', '2026-11-21')).lines, [])
  const moment = await told(
    'export',
    '--json',
    '--from',
    '2026-11-22T09:00:01Z',
    '--to',
    '2026-11-22T09:01:00Z',
  )
  t.ok(moment.lines.length > 0 && moment.lines.length < all.length)
  t.ok(all.join('\n').includes(moment.text))
  const paper = (await told('export', '--from', '5', '--to', '9')).text
  t.match(paper, 'Rows         5 to 9 (5)')
})

t.test('dispute: three before, three after, the counts around it, and what proves it', async t => {
  const rows = (await told('export', '--json')).lines
  const found = rows
    .filter(line => line.includes('"kind":"host.authorize"'))
    .map(line => /"key":"([^"]+)"/.exec(line)?.[1] ?? '')
  t.equal(found.length, 9)
  const [, , , , fifth = ''] = found
  const {isWhole, text} = await told('dispute', fifth)
  t.ok(isWhole)
  for (const key of found.slice(1, 8)) t.match(text, key)
  for (const key of [...found.slice(0, 1), ...found.slice(8)]) t.notMatch(text, key)
  t.match(text, `>> ${fifth}`)
  t.match(text, /ended: completed, paid 60\.00 EUR \(rule taken\), told at 2026-11-22T/)
  t.match(text, /in the cassettes before: 1: [0-9]+, 2: [0-9]+; after: 1: [0-9]+, 2: [0-9]+/)
  t.match(text, /before: 2026-11-22T.*, row [0-9]+: 1: 100, 2: 100/)
  t.match(text, /after: {2}2026-11-22T.*: 1: 200, 2: 200/)
  t.match(text, /whole: [0-9]+ rows/)
  t.match(text, /signed for by machine and bank: row [0-9]+, hash [0-9a-f]{64}/)
  t.match(text, 'card "476173', 'the visit, row by row')

  const byEnd = await told('dispute', fifth.slice('ATM123:'.length))
  t.equal(byEnd.text, text, 'a receipt’s short form will do')
  const json: unknown = JSON.parse((await told('dispute', fifth, '--json')).text)
  t.match(json, {
    reference: fifth,
    before: [{key: found[1]}, {key: found[2]}, {key: found[3]}],
    after: [{key: found[5]}, {key: found[6]}, {key: found[7]}],
    operation: {askedMinor: 6_000, advice: {kind: 'host.complete', paidMinor: 6_000}},
    proof: {isWhole: true},
    loadAfter: {levels: [{count: 200}, {count: 200}]},
  })
  t.match(await told('dispute', found[0] ?? ''), {text: /Dispute of/}, 'the first has none before it')
})

t.test('what cannot be meant is said in one line', async t => {
  const refused = async (message: RegExp, ...words: readonly string[]) =>
    t.rejects(told(...words), {name: 'BadInput', message}, words.join(' '))
  await refused(/no operation in this journal/, 'dispute', 'ATM123:2026-11-22:999999')
  await refused(/one reference is needed/, 'dispute')
  await refused(/usage/, 'verify', 'it')
  await refused(/usage/, 'print')
  await refused(/usage/)
  await refused(/go with export alone/, 'verify', '--from', '3')
  await refused(/--json goes with/, 'verify', '--json')
  await refused(/'yesterday' is no row number/, 'export', '--from', 'yesterday')
  await refused(/'0' is no row number/, 'export', '--to', '0')
})
