/**
 * The disk fails a single call, or every one from then on: at each call that a scripted visit makes on the machine's
 * journal, and at each that a scripted day makes on the bank's books. No note moves without ink, and the machine says why
 * it stopped; the bank says that it could not, and gives to the same question its one answer once the disk is well.
 *
 * TELLERD_DISK_ERRORS: how many of them, over both (24 unless set; `npm run system:errors` makes 3,000). TELLERD_SEED
 * repeats the choice.
 */
import {copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import type {Test} from 'tap'
import {hexOf} from '../../crypto/hex.ts'
import {ledgerAccounts} from '../../host/ledger/book.ts'
import {bookFaults} from '../../host/reconcile.ts'

import {assert} from '../../kit/assert.ts'
import {realClock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import {seededRandom} from '../../kit/random.ts'
import type {Random} from '../../kit/random.ts'
import {ADA, ATM, TELLER, freshKey, openBench, pinBlock, send, signOn} from '../host/bench.ts'
import type {Bench, Reply} from '../host/bench.ts'
import {afterwards} from '../session/afterwards.ts'
import {BUDGET_MS, World} from '../session/world.ts'
import {Tracer, canTrace, failureText} from './failing-calls.ts'
import type {FailingCall} from './failing-calls.ts'

const ERRORS = Number(process.env['TELLERD_DISK_ERRORS'] ?? '24')
const SEED = process.env['TELLERD_SEED'] ?? `disk-${realClock().wallMs()}`
/** Answers that one question may need while its disk is bad, before the disk is made well. */
const TRIES_ON_A_BAD_DISK = 2
/** SQLite folds the log at 1,000 pages; the day begins just below, so that it falls into it. */
const WAL_BYTES = 970 * (24 + 4_096)

/** Every way in which those calls can fail, by turns of each kind of call, in an order of chance. */
function failuresOf(calls: ReturnType<Tracer['counted']>['calls'], random: Random): readonly FailingCall[] {
  const decks = [...calls].map(([call, count]) => {
    // Reading needs no space.
    const errors = call === 'pread64' ? (['EIO'] as const) : (['EIO', 'ENOSPC'] as const)
    const deck = Array.from({length: count}, (_, index) => index + 1).flatMap(time =>
      errors.flatMap(error => [true, false].map((lasts): FailingCall => ({call, time, error, lasts}))),
    )
    return shuffled(deck, random)
  })
  const longest = Math.max(...decks.map(deck => deck.length))
  return Array.from({length: longest}, (_, index) =>
    decks.flatMap(deck => deck.slice(index, index + 1)),
  ).flat()
}

function shuffled<T>(deck: readonly T[], random: Random): readonly T[] {
  const left = [...deck]
  return deck.flatMap(() => left.splice(random.below(left.length), 1))
}

function filesOf(path: string): readonly string[] {
  return [path, `${path}-wal`, `${path}-shm`, join(path, '..')]
}

/** A folder that is gone after the test. */
function folderFor(t: Test): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tellerd-disk-')))
  t.teardown(() => {
    rmSync(folder, {recursive: true, force: true})
  })
  return folder
}

// The machine.

/** One visit on such a disk, then a new life on a disk that is well. */
async function visitOn(
  t: Test,
  dispenser: 'lcdm2000' | 'reference' | 'lcdm4000',
  failing: FailingCall | null,
): Promise<ReturnType<Tracer['counted']>> {
  const folder = folderFor(t)
  const home = join(folder, 'machine')
  mkdirSync(home)
  const tracer = await Tracer.attach(filesOf(join(home, 'journal.db')), join(folder, 'calls'), failing)
  let world: World | null = null
  try {
    world = await opened(home, dispenser)
    if (world !== null) await visited(t, world, failing)
  } finally {
    await tracer.detach()
  }
  world ??= await World.open({dispenser, folder: home})
  try {
    const hasMoved = hasLeft(world)
    await world.crash()
    const rows = world.table.journal.rows(1, 1_000)
    const isOrdered = rows.some(
      ({entry}) => entry.kind === 'intent' && entry.order.kind === 'dispenser.dispense',
    )
    t.ok(isOrdered || !hasMoved, 'no note moved without ink')
    await afterwards(t, world)
  } finally {
    await world.close()
  }
  return tracer.counted()
}

/** The world, or null when the machine does not start on such a disk. */
async function opened(
  folder: string,
  dispenser: 'lcdm2000' | 'reference' | 'lcdm4000',
): Promise<World | null> {
  try {
    return await World.open({dispenser, folder})
  } catch (thrown) {
    if (thrown instanceof SystemFault) return null
    throw thrown
  }
}

/** A customer comes; the visit ends, or the machine stops and says why. */
async function visited(t: Test, world: World, failing: FailingCall | null): Promise<void> {
  const customer = world.customer()
  const {machine, journal} = world.table
  machine.start()
  await world.clock.runUntil(() => customer.isDone || world.state === 'suspended', BUDGET_MS)
  await world.clock.advance(60_000)
  if (journal.failed === null) {
    t.ok(customer.isDone, 'the visit ended')
    return
  }
  t.equal(world.state, 'suspended', 'it stopped')
  t.match(machine.standing.context.suspendedBecause ?? '', /./, 'and says why')
  const before = world.table.stage.rig.emulators.dispenser.world.cassette
  await world.clock.advance(600_000)
  t.strictSame(world.table.stage.rig.emulators.dispenser.world.cassette, before, 'no note moves any more')
  if (failing?.lasts !== true) return
  // Started again on the same disk it comes up, or says why it does not; either way nothing moves.
  await world.crash().catch((thrown: unknown) => {
    t.ok(thrown instanceof SystemFault, `started again: ${String(thrown)}`)
  })
}

/** Whether a note is anywhere but in its cassette. */
function hasLeft(world: World): boolean {
  const {config, stage} = world.table
  const {cassette} = stage.rig.emulators.dispenser.world
  return config.cassettes.some(({cassette: number, initialCount}) => cassette[number] !== initialCount)
}

for (const dispenser of ['lcdm2000', 'reference', 'lcdm4000'] as const)
  await t.test(`${dispenser}: the disk under the journal fails`, {timeout: 3_600_000}, async t => {
    if (!canTrace(t)) return
    const {calls} = await visitOn(t, dispenser, null)
    t.comment(`a visit makes ${JSON.stringify(Object.fromEntries(calls))}`)
    const failures = failuresOf(calls, seededRandom(SEED).stream(dispenser))
    for (const failing of failures.slice(0, Math.ceil(ERRORS / 6)))
      await t.test(failureText(failing), async t => {
        const {failedCount} = await visitOn(t, dispenser, failing)
        t.ok(failedCount > 0, `${failedCount} calls failed`)
      })
  })

// The bank.

/** What was once not survived is made every time: the file that opened only for reading, and stayed so. */
const FOUND: readonly FailingCall[] = [{call: 'openat', time: 1, error: 'EIO', lasts: false}]

/** One question of the day. */
interface Step {
  readonly path: string
  readonly body: string
  readonly key: string
  /** Null for the machine itself. */
  readonly who: typeof TELLER | null
  /** What the same question is answered on the next day: the same, or that its operation has ended. */
  readonly again: 'same' | 'ended' | 'not asked'
}

const KEY = (stan: number): string => `${ATM}:2026-11-22:${stan.toString().padStart(6, '0')}`

/** Stands for a new key at each asking: what a PIN was answered is not kept. */
const VERIFIED = 'verified'

function ofMachine(path: string, key: string, body: object, again: Step['again'] = 'same'): Step {
  return {path, key, body: JSON.stringify(body), who: null, again}
}

/** Each way in which money moves and ends, once. */
function stepsOf(track2: string, pinBlockHex: string): readonly Step[] {
  const account = '/api/accounts/12345'
  const withdrawal = (stan: number, amount: number, again: Step['again'] = 'ended'): Step =>
    ofMachine(`${account}/withdraw`, KEY(stan), {amount, atm_id: ATM}, again)
  const end = (stan: number, how: string, body: object): Step =>
    ofMachine(`/api/operations/${encodeURIComponent(KEY(stan))}/${how}`, KEY(stan), body)
  const till = (key: string, how: string, body: object): Step => ({
    ...ofMachine(`${account}/${how}`, key, body),
    who: TELLER,
  })
  const paid = (amount: number): object => ({amount, fee: 0, currency: 'EUR'})
  return [
    ofMachine(`/api/atms/${ATM}/verify-card`, VERIFIED, {track2, pin_block: pinBlockHex}, 'not asked'),
    withdrawal(901, 60),
    end(901, 'complete', paid(60)),
    withdrawal(902, 40),
    end(902, 'reverse', {reason: 'nothing-moved'}),
    withdrawal(903, 50),
    end(903, 'complete', paid(20)),
    withdrawal(904, 30),
    end(904, 'suspect', {at_least: 0, at_most: 30, currency: 'EUR'}),
    till('till-1', 'deposit', {amount: 100, atm_id: ATM}),
    till('till-2', 'transfer', {amount: 25, target_account_id: '67890'}),
    withdrawal(905, 10, 'same'),
  ]
}

/** A bank's books just before its day, to be copied; and the day. */
interface Eve {
  readonly files: string
  readonly steps: readonly Step[]
}

async function eveIn(folder: string): Promise<Eve> {
  const path = join(folder, 'eve.db')
  const bench = await openBench(path)
  const pinKey = await signOn(bench)
  while (statSync(`${path}-wal`).size < WAL_BYTES)
    await send(bench, 'POST', '/api/accounts/67890/deposit', '{"amount":1}', {who: TELLER})
  const files = join(folder, 'eve')
  mkdirSync(files)
  // Nothing is under way, and what closing would fold stays in the log.
  for (const name of ['', '-wal']) copyFileSync(`${path}${name}`, join(files, `bank.db${name}`))
  await bench.close()
  return {files, steps: stepsOf(ADA.track2, hexOf(pinBlock(pinKey, ADA).reveal()))}
}

function ask(bench: Bench, {path, body, key, who}: Step): Promise<Reply> {
  const own = key === VERIFIED ? freshKey() : key
  return send(bench, 'POST', path, body, {key: `"${own}"`, ...(who === null ? {} : {who})})
}

/** The bank's rows at the end of the day, without what chance gives. */
async function booksOf({bank}: Bench): Promise<object> {
  return bank.store.read(async tx => ({
    balances: (await tx.accounts.list()).map(({accountId, balanceMinor}) => [accountId, balanceMinor]),
    operations: (await tx.operations.all())
      .filter(({key}) => key.startsWith(ATM) || key.includes('till-'))
      .map(({key, state, paidMinor, paidAtMostMinor}) => ({key, state, paidMinor, paidAtMostMinor})),
    held: await tx.ledger.balance(ledgerAccounts.held(ATM), 'EUR'),
  }))
}

/** A day on such a disk. @returns what the books say in the end, and which calls were made */
async function dayOn(
  t: Test,
  {files, steps}: Eve,
  failing: FailingCall | null,
): Promise<ReturnType<Tracer['counted']> & {readonly books: object}> {
  const folder = folderFor(t)
  const home = join(folder, 'bank')
  mkdirSync(home)
  for (const name of ['bank.db', 'bank.db-wal']) copyFileSync(join(files, name), join(home, name))
  const path = join(home, 'bank.db')
  const tracer = await Tracer.attach(filesOf(path), join(folder, 'calls'), failing)
  let first: Bench | null = null
  const answers: string[] = []
  try {
    first = await openBench(path).catch((thrown: unknown) => {
      if (thrown instanceof SystemFault) return null
      throw thrown
    })
    if (first === null) await tracer.detach()
    first ??= await openBench(path)
    for (const step of steps) {
      let reply = await ask(first, step)
      for (let tries = 1; reply.status !== 200; tries += 1) {
        t.equal(reply.json['retry'], 'same-key', `${step.path} may be asked again`)
        assert(
          tries <= TRIES_ON_A_BAD_DISK,
          `no answer to ${step.path} on a disk that is well: ${reply.text}`,
        )
        if (tries === TRIES_ON_A_BAD_DISK) await tracer.detach()
        reply = await ask(first, step)
      }
      answers.push(reply.text)
    }
  } finally {
    await tracer.detach()
    await first?.close()
  }
  const second = await openBench(path)
  try {
    for (const [index, step] of steps.entries()) {
      if (step.again === 'not asked') continue
      const {text, json} = await ask(second, step)
      if (step.again === 'same') t.equal(text, answers[index], `${step.path}: the same answer again`)
      else t.equal(json['rc'], '94', `${step.path}: it has ended`)
    }
    t.strictSame(await bookFaults(second.bank), [], 'the books balance')
    return {...tracer.counted(), books: await booksOf(second)}
  } finally {
    await second.close()
  }
}

await t.test('the disk under the bank’s books fails', {timeout: 3_600_000}, async t => {
  if (!canTrace(t)) return
  const eve = await eveIn(folderFor(t))
  const {calls, books} = await dayOn(t, eve, null)
  t.comment(`a day makes ${JSON.stringify(Object.fromEntries(calls))}`)
  const drawn = failuresOf(calls, seededRandom(SEED).stream('bank'))
  for (const failing of [...FOUND, ...drawn.slice(0, Math.ceil(ERRORS / 2))])
    await t.test(failureText(failing), async t => {
      const day = await dayOn(t, eve, failing)
      t.strictSame(day.books, books, 'the books end as on a day without failures')
      t.ok(day.failedCount > 0, `${day.failedCount} calls failed`)
    })
})
