/** The journal at the bank: it gets there whole, whatever the line does, and tells of a disk that was cut or set back. */
import {copyFileSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import {anchorCountersigner, anchorSigner} from '../../crypto/anchor.ts'
import type {Entry} from '../../journal/entry.ts'
import {exportJsonLines} from '../../journal/export.ts'
import {everyRow} from '../../journal/reader.ts'
import {SystemFault} from '../../kit/errors.ts'
import {seededRandom} from '../../kit/random.ts'
import {TERMINAL} from '../../src/bench/table.ts'
import type {BankRequest, TransportAnswer} from '../../src/link/transport.ts'
import {inkWith} from './ink.ts'
import {BUDGET_MS, World} from './world.ts'
import type {Scene} from './world.ts'

/** Beyond an upload's and an anchor's time. */
const LONG_MS = 1_000_000

type Tap = Pick<typeof t, 'teardown'>

async function opened(t: Tap, scene: Scene = {}): Promise<World> {
  const world = await World.open(scene)
  t.teardown(() => world.close())
  return world
}

async function serve(world: World): Promise<void> {
  await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
  const customer = world.customer()
  await world.clock.runUntil(() => customer.isDone && world.state === 'idle', BUDGET_MS)
}

function tipOf(world: World) {
  return world.table.bank.store.read(tx => tx.journals.tip(TERMINAL))
}

/** The journal as the bank has it, every piece behind the other. */
async function textAtBank(world: World): Promise<string> {
  const {store} = world.table.bank
  let text = ''
  for (let offset = 0; ;) {
    const piece = await store.read(tx => tx.journals.segment(TERMINAL, offset))
    if (piece === null) return text
    text += piece.text
    offset += piece.lengthBytes
  }
}

function anchorsOf(world: World) {
  return [...everyRow(world.table.journal)].flatMap(({seq, entry}) =>
    entry.kind === 'event' && entry.event.type === 'journal.anchored' ? [{seq, event: entry.event}] : [],
  )
}

/** Stands in the line: what `instead` gives an answer for never reaches the bank. */
function between(
  world: World,
  instead: (request: BankRequest, send: () => Promise<TransportAnswer>) => Promise<TransportAnswer>,
): void {
  const {line} = world.table.stage
  const send = line.send.bind(line)
  line.send = request => instead(request, () => send(request))
}

t.test('the bank gets every row, and both sign for them', async t => {
  const world = await opened(t)
  world.table.machine.start()
  await serve(world)
  await serve(world)
  await world.clock.advance(LONG_MS)
  const {journal} = world.table
  const text = await textAtBank(world)
  const rows = [...everyRow(journal)]
  t.ok(rows.length > 30)
  t.equal(exportJsonLines(rows).slice(0, text.length), text)
  const tip = await tipOf(world)
  const last = rows.at(-1)
  const isAnchor = last?.entry.kind === 'event' && last.entry.event.type === 'journal.anchored'
  t.equal(tip?.rowsCount, journal.head.seq - (isAnchor ? 1 : 0), 'all but an anchor that stands alone')

  const anchors = anchorsOf(world)
  t.ok(anchors.length >= 1 && anchors.length <= 3, `${anchors.length} anchors`)
  for (const {seq, event} of anchors) {
    t.ok(event.row < seq)
    t.equal(journal.rows(event.row, 1)[0]?.hash, event.hash)
    const point = {atmId: TERMINAL, row: event.row, hash: event.hash}
    const machine = {key: event.machineKey, signature: event.machineSignature}
    const bank = {key: event.bankKey, signature: event.bankSignature, takenAt: event.takenAt}
    t.type(anchorSigner(point, machine), 'string', 'the machine signed')
    t.type(anchorCountersigner(point, machine, bank), 'string', 'the bank signed')
    t.equal(anchorSigner({...point, row: event.row + 1}, machine), null)
    t.equal(anchorSigner({...point, atmId: 'ATM124'}, machine), null)
    t.equal(anchorCountersigner(point, {...machine, signature: bank.signature}, bank), null)
    t.equal(anchorCountersigner(point, machine, {...bank, takenAt: '2026-11-22T11:30:00Z'}), null)
    t.not(bank.key, machine.key)
  }
  const seqBefore = journal.head.seq
  await world.clock.advance(2 * LONG_MS)
  t.equal(journal.head.seq, seqBefore, 'a machine that nobody visits writes and sends nothing')
})

t.test('a bad line: pieces are lost, answers are lost, and the bank has it once in the end', async t => {
  const world = await opened(t)
  const chance = seededRandom('a bad line')
  between(world, async ({path}, send) => {
    if (!path.includes('/journal')) return send()
    const luck = chance.below(3)
    if (luck === 0) return {kind: 'silent', why: 'lost on the way', sent: true}
    const answer = await send()
    return luck === 1 ? {kind: 'silent', why: 'the answer was lost', sent: true} : answer
  })
  world.table.machine.start()
  await serve(world)
  await serve(world)
  await world.clock.advance(LONG_MS)
  const text = await textAtBank(world)
  t.equal(exportJsonLines([...everyRow(world.table.journal)]).startsWith(text), true)
  t.ok(((await tipOf(world))?.rowsCount ?? 0) >= world.table.journal.head.seq - 1)
})

t.test('a backlog goes in several pieces, none of them while somebody is being served', async t => {
  const world = await opened(t)
  let isOut = true
  const asked: string[] = []
  between(world, async ({path, method}, send) => {
    if (isOut && path.endsWith('/journal') && method === 'POST')
      return {kind: 'silent', why: 'lost on the way', sent: true}
    if (path.includes('/journal')) asked.push(`${world.state} ${method}`)
    return send()
  })
  world.table.machine.start()
  await serve(world)
  const lost: Entry = {kind: 'event', event: {type: 'host.lost', why: 'x'.repeat(600)}, answers: null}
  for (let at = 0; at < 9; at += 1) world.table.journal.append(null, [lost, ...Array<Entry>(99).fill(lost)])
  isOut = false
  asked.length = 0
  await serve(world)
  await serve(world)
  await world.clock.advance(LONG_MS)
  t.ok(((await tipOf(world))?.rowsCount ?? 0) > 900)
  t.ok(asked.filter(one => one.endsWith('POST')).length >= 3, 'several pieces')
  t.strictSame(
    asked.filter(one => !/^(?:idle|starting|offline|outOfService) /.test(one)),
    [],
    'between visits alone',
  )
})

t.test('a disk that was cut or set back does not go into service, and says so in ink', async t => {
  for (const [what, back] of [
    ['set back', true],
    ['another machine’s', false],
  ] as const) {
    const folder = mkdtempSync(join(tmpdir(), 'tellerd-archive-'))
    t.teardown(() => {
      rmSync(folder, {recursive: true, force: true})
    })
    const world = await opened(t, {folder})
    world.table.machine.start()
    await serve(world)
    const {path} = world.table.config.journal
    const old = join(folder, 'old.db')
    await world.crash(() => {
      copyFileSync(path, old)
    })
    await serve(world)
    await world.clock.advance(LONG_MS)
    const atBank = (await tipOf(world))?.rowsCount ?? 0
    await world.crash(() => {
      if (back) copyFileSync(old, path)
      else rmSync(path)
    })
    await world.clock.runUntil(() => world.state === 'suspended', LONG_MS)
    t.equal(world.state, 'suspended', what)
    const [why = ''] = [...everyRow(world.table.journal)].flatMap(({entry}) =>
      entry.kind === 'event' && entry.event.type === 'journal.failed' ? [entry.event.why] : [],
    )
    t.match(why, `the bank has ${atBank} rows of this journal`)
    const orders = [...everyRow(world.table.journal)].filter(
      ({entry, seq}) => entry.kind === 'intent' && seq > atBank,
    )
    t.strictSame(orders, [], 'nothing moved')
    // It grows past the bank's rows: then they differ.
    const news: Entry = {
      kind: 'event',
      event: {type: 'host.restored', businessDate: '2026-11-22'},
      answers: null,
    }
    world.table.journal.append(null, [news, ...Array<Entry>(atBank).fill(news)])
    await world.crash()
    await world.clock.runUntil(() => world.state === 'suspended', LONG_MS)
    t.equal(world.state, 'suspended', `${what}, and grown`)
    await world.clock.advance(LONG_MS)
    t.equal((await tipOf(world))?.rowsCount, atBank, 'the bank takes none of it')
  }
})

t.test('an anchor that cannot be kept takes the machine out of service', async t => {
  const world = await opened(t, {
    ink: journal =>
      inkWith(journal, (session, entries) => {
        const [first] = entries
        if (first.kind === 'event' && ['journal.anchored', 'journal.failed'].includes(first.event.type))
          throw new SystemFault('the disk took nothing')
        return journal.append(session, entries)
      }),
  })
  world.table.machine.start()
  await serve(world)
  await world.clock.runUntil(() => world.state === 'suspended', LONG_MS)
  t.equal(world.state, 'suspended')
})
