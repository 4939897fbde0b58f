/**
 * Mistakes that a bank could make, as changes of a few words in a copy of its sources. A workload that lets one of
 * them pass is no proof of anything.
 */
import {cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {assert} from '../../kit/assert.ts'
import type {Plan} from './chaos.ts'
import type {RunOptions} from './run.ts'

export interface Planted {
  readonly name: string
  readonly db: 'sqlite' | 'postgres'
  readonly changes: readonly {readonly file: string; readonly from: string; readonly to: string}[]
  /** What is done to the bank while it makes its mistake, and how often until it must have made it. */
  readonly plan: Plan
  readonly clientsCount: number
  readonly isEnough: NonNullable<RunOptions['isEnough']>
  /** The checks of which at least one must fail; none: a storm of deadlocks must come. */
  readonly reds: readonly string[]
}

type Surroundings = Pick<Planted, 'plan' | 'isEnough' | 'clientsCount'>
/** Answers enough that every kind of question was asked often. */
const ASKED: Surroundings = {
  clientsCount: 8,
  plan: {killEveryMs: null, cutEveryMs: null, database: []},
  isEnough: ({answersCount}) => answersCount >= 200,
}
const KILLED: Surroundings = {
  clientsCount: 6,
  plan: {killEveryMs: 1_500, cutEveryMs: null, database: []},
  isEnough: ({done, answersCount}) => done.kills >= 3 && answersCount >= 40,
}
const GUESSED: Surroundings = {
  ...KILLED,
  clientsCount: 2,
  isEnough: ({done, guessesCount}) => done.kills >= 2 && guessesCount >= 6,
}
const PROMOTED: Surroundings = {
  clientsCount: 8,
  plan: {killEveryMs: null, cutEveryMs: null, database: ['stale standby promoted']},
  isEnough: ({done}) => (done.database['stale standby promoted'] ?? 0) >= 3,
}

const STRANGER = 'no operation that nobody asked for'
const ACKNOWLEDGED = 'every acknowledged operation is present as acknowledged'
const END = 'every acknowledged end is the end'

export const PLANTED: readonly Planted[] = [
  {
    name: 'the tombstone is dropped',
    db: 'sqlite',
    changes: [
      {
        file: 'host/advice.ts',
        from: '        if (isNew) await tx.operations.insert(next)\n',
        to:
          "        if (next.state === 'tombstone') return acknowledged(key, next.state)\n" +
          '        if (isNew) await tx.operations.insert(next)\n',
      },
    ],
    ...ASKED,
    // Few customers take back what the bank has not heard of yet.
    isEnough: ({answersCount, tombstonesCount}) => answersCount >= 200 && tombstonesCount >= 5,
    reds: [END, 'what has ended is not approved again'],
  },
  {
    name: 'a duplicate is executed again',
    db: 'sqlite',
    changes: [
      {
        file: 'host/transfer.ts',
        from: '    if (before !== null) return before\n',
        to:
          '    if (before !== null)\n' +
          "      return move(bank, tx, who, {wish: {...wish, key: `${wish.key}-${newId(bank, accountId)}`}, target: present(wish.target, ''), heldBy: null}, bank.clock.wallMs())\n",
      },
    ],
    ...ASKED,
    reds: [STRANGER, ACKNOWLEDGED],
  },
  {
    name: 'a restart resets the try counter',
    db: 'sqlite',
    changes: [
      {
        file: 'host/store/sqlite.ts',
        from: '    migrate(database)\n',
        to: "    migrate(database)\n    database.exec('UPDATE cards SET pin_tries = 0')\n",
      },
    ],
    ...GUESSED,
    reds: ['no try at a PIN is given back', 'every try at a PIN is counted'],
  },
  {
    name: 'an answer goes out before its commit',
    db: 'sqlite',
    changes: [
      {
        file: 'host/store/sqlite.ts',
        from: '        for (const member of members) tellings.push(await attempt(member))\n',
        to:
          '        for (const member of members) (await attempt(member))()\n' +
          '        await new Promise(resolve => setTimeout(resolve, 100))\n',
      },
    ],
    ...KILLED,
    reds: [ACKNOWLEDGED, 'every answered operation is there', END],
  },
  {
    name: 'postings and their record are two transactions',
    db: 'sqlite',
    changes: [
      {
        file: 'host/transfer.ts',
        from: '  await tx.operations.insert(operationOf(wish, state, {transactionId, answer: answer.text}, nowMs))\n',
        to:
          '  const record = operationOf(wish, state, {transactionId, answer: answer.text}, nowMs)\n' +
          '  void bank.clock.sleep(250).then(() => bank.store.transact(own => own.operations.insert(record))).catch(() => undefined)\n',
      },
    ],
    ...KILLED,
    reds: ['no posting without its operation', 'every unknown operation is wholly there or not at all'],
  },
  {
    name: 'accounts are locked in no order',
    db: 'postgres',
    changes: [
      {
        file: 'host/store/account-rows.ts',
        from: "ORDER BY a.account_id ${sql.forUpdate('a')}",
        to: "ORDER BY random() ${sql.forUpdate('a')}",
      },
    ],
    // A crowd at few accounts.
    ...ASKED,
    clientsCount: 24,
    reds: [],
  },
  {
    name: 'a commit does not wait for the standby',
    db: 'postgres',
    changes: [
      {
        file: 'host/store/postgres.ts',
        from: "SET LOCAL synchronous_commit = 'on'",
        to: "SET LOCAL synchronous_commit = 'local'",
      },
    ],
    ...PROMOTED,
    reds: [ACKNOWLEDGED, 'every answered operation is there', END],
  },
]

const ROOT = dirname(dirname(import.meta.dirname))

/**
 * A copy of what a host process runs, with the mistake in it.
 * @param folder where it goes; made
 */
export function plant({name, changes}: Pick<Planted, 'name' | 'changes'>, folder: string): void {
  mkdirSync(join(folder, 'test', 'bank'), {recursive: true})
  const tests = ['host', 'world', 'policy'].map(name => `test/bank/${name}.ts`)
  for (const part of ['host', 'kit', 'crypto', 'package.json', ...tests])
    cpSync(join(ROOT, part), join(folder, part), {recursive: true})
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  for (const {file, from, to} of changes) {
    const path = join(folder, file)
    const [before = '', after, ...more] = readFileSync(path, 'utf8').split(from)
    assert(after !== undefined && more.length === 0, `${file} has the place of "${name}" once`)
    writeFileSync(path, before + to + after)
  }
}
