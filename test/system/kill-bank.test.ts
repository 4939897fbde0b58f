/**
 * The bank's process is killed as it makes a chosen system call, in its start or while it is asked, and started again,
 * over and over, on one file. Whoever has an answer has it for good, and what nobody was told is there whole or not at all.
 *
 * Asked and judged as by `npm run bank-test`.
 *
 * TELLERD_KILL_BANK: how often (4 unless set; `npm run system:kill` sets 48). TELLERD_SEED repeats the choices, and not
 * how clients and bank meet.
 */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import {present} from '../../kit/assert.ts'
import {realClock} from '../../kit/clock.ts'
import {reasonOf} from '../../kit/errors.ts'
import {seededRandom} from '../../kit/random.ts'
import type {Random} from '../../kit/random.ts'
import {sqliteDatabase} from '../bank/database.ts'
import {History, readHistory} from '../bank/history.ts'
import {Load} from '../bank/load.ts'
import {judge} from '../bank/oracle.ts'
import {HostProcess, seedBank} from '../bank/processes.ts'
import {readBank} from '../bank/rows.ts'
import {identitiesOf, pemIn} from '../bank/run.ts'
import {worldOf} from '../bank/world.ts'
import {missingProgram, skipUnless} from '../needs.ts'
import type {LastCall} from './last-call.ts'

const KILLS = Number(process.env['TELLERD_KILL_BANK'] ?? '4')
const clock = realClock()
const SEED = process.env['TELLERD_SEED'] ?? `kill-bank-${clock.wallMs()}`
const ROOT = join(import.meta.dirname, '..', '..')
const CLIENTS = 4
/**
 * What writes: to the file and its log, through to the disk, and to the callers. About as often as a host makes each
 * call from its start until it has given some dozen answers.
 */
const WRITING: readonly LastCall[] = [
  {name: 'pwrite64', time: 500},
  {name: 'fsync', time: 40},
  {name: 'write', time: 60},
]

function lastCall(random: Random): LastCall {
  const {name, time} = present(WRITING[random.below(WRITING.length)], 'a call')
  return {name, time: 1 + random.below(time)}
}

t.comment(`seed ${SEED}; TELLERD_SEED repeats the choices`)
await t.test('the bank is killed at system calls while it works', {timeout: 3_600_000}, async t => {
  if (!skipUnless(t, missingProgram(['strace']) === null, 'strace')) return
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-kill-bank-'))
  t.teardown(() => {
    rmSync(folder, {recursive: true, force: true})
  })
  const random = seededRandom(SEED)
  const world = worldOf(random.stream('world'), CLIENTS, CLIENTS)
  const worldPath = join(folder, 'world.json')
  writeFileSync(worldPath, JSON.stringify(world))
  const history = new History(join(folder, 'history.jsonl'), clock)
  history.write({line: 'world', world})
  const stateFolder = join(folder, 'bank')
  const options = {
    root: ROOT,
    stateFolder,
    worldPath,
    databaseUrl: null,
    logPath: join(folder, 'host.log'),
    clock,
    history,
    onCut: () => undefined,
  }
  await seedBank(options)
  const host = await HostProcess.open('host', options)
  t.teardown(() => host.close())
  const ready = await host.start()
  const reach = {hosts: [host], ready, authority: pemIn(stateFolder, 'authority'), clock, history}
  const load = new Load(reach, world, identitiesOf(world, stateFolder), random.stream('load'))
  await load.open()
  await host.kill()
  const killed: Record<string, number> = {}
  const failures: string[] = []
  const kill = async (): Promise<void> => {
    const calls = random.stream('calls')
    for (let left = KILLS; left > 0; left -= 1) {
      const last = lastCall(calls)
      await host.liveUntil(last)
      killed[last.name] = (killed[last.name] ?? 0) + 1
    }
  }
  // The load ends with the kills, however they end.
  await load.run(
    kill()
      .catch((thrown: unknown) => failures.push(reasonOf(thrown)))
      .then(() => host.start()),
  )
  t.strictSame(failures, [], 'it was killed that often')
  t.strictSame(await load.settle(), [], 'the bank comes back and answers')
  await load.close()
  await host.stop()
  history.close()
  const database = sqliteDatabase(stateFolder)
  t.teardown(() => database.close())
  const {violations, tally} = judge(
    readHistory(history.path),
    await readBank(statement => database.rows(statement)),
  )
  t.strictSame(violations, [], 'the bank holds')
  t.ok(tally.acknowledgedCount > KILLS, `${tally.acknowledgedCount} movements were answered`)
  t.comment(`killed at ${JSON.stringify(killed)}; ${tally.unknownCount} movements without an answer`)
})
