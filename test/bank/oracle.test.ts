/** No check of the workload is one that cannot fail: in a run that held, each is made to by a change of one thing. */
import t from 'tap'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Answer, Line, Question} from './history.ts'
import {judge} from './oracle.ts'
import {isStorm, story} from './report.ts'
import {wrongMoment} from './rows.ts'
import type {BankRows, OperationRow, PostingRow} from './rows.ts'
import {runWorkload} from './run.ts'
import {present} from '../../kit/assert.ts'
import {realClock} from '../../kit/clock.ts'

interface Evidence {
  readonly lines: readonly Line[]
  readonly rows: BankRows
}

const folder = mkdtempSync(join(tmpdir(), 'oracle-'))
const run = await runWorkload(
  {
    db: 'sqlite',
    programs: null,
    durationMs: 0,
    durationMaxMs: 90_000,
    // One in which all that the changes below need has happened.
    seed: 'oracle',
    clientsCount: 6,
    folder: join(folder, 'run'),
    plan: {killEveryMs: null, cutEveryMs: null},
    isEnough: ({answersCount}) => answersCount >= 400,
  },
  realClock(),
)
rmSync(folder, {recursive: true, force: true})

/** An operation that fits, and the key of it. */
function pick(evidence: Evidence, what: string, fits: (row: OperationRow) => boolean): OperationRow {
  return present([...evidence.rows.operations.values()].find(fits), what)
}

function isAnswered({lines}: Evidence, kind: Answer['kind']): (row: OperationRow) => boolean {
  const keys = new Set(
    lines.flatMap(line => (line.line === 'heard' && line.answer.kind === kind ? [line.key] : [])),
  )
  return ({key}) => keys.has(key)
}

function withOperation(evidence: Evidence, row: OperationRow | null, key = row?.key ?? ''): Evidence {
  const operations = new Map(evidence.rows.operations)
  if (row === null) operations.delete(key)
  else operations.set(key, row)
  return {...evidence, rows: {...evidence.rows, operations}}
}

function withPostings(
  evidence: Evidence,
  key: string,
  change: (postings: readonly PostingRow[]) => readonly PostingRow[],
): Evidence {
  const postings = new Map(evidence.rows.postings)
  postings.set(key, change(postings.get(key) ?? []))
  return {...evidence, rows: {...evidence.rows, postings}}
}

function withAnswer(
  evidence: Evidence,
  key: string,
  fits: (answer: Answer) => boolean,
  answer: Answer,
): Evidence {
  return {
    ...evidence,
    lines: evidence.lines.map(line =>
      line.line === 'heard' && line.key === key && fits(line.answer) ? {...line, answer} : line,
    ),
  }
}

function without(evidence: Evidence, isGone: (line: Line) => boolean): Evidence {
  return {...evidence, lines: evidence.lines.filter(line => !isGone(line))}
}

function isAdvice({kind}: Question): boolean {
  return kind === 'complete' || kind === 'reverse' || kind === 'suspect'
}

const AT = {at: '', ms: 9e9} as const

/** By the check that must fail. */
const CHANGES: Readonly<Record<string, (evidence: Evidence) => Evidence>> = {
  'a key has one meaning': all => {
    const {key} = pick(all, 'an approved one', isAnswered(all, 'approved'))
    return withAnswer(all, key, ({kind}) => kind === 'approved', {kind: 'refused', problem: ''})
  },
  'a no stays a no, and moves nothing': all => {
    const row = pick(all, 'a declined one', ({state}) => state === 'declined')
    return withOperation(all, {...row, state: 'posted'})
  },
  'an end is refused because of another end': all => {
    const row = pick(all, 'one whose end is known', isAnswered(all, 'acknowledged'))
    return withAnswer(all, row.key, ({kind}) => kind === 'acknowledged', {kind: 'refused', problem: ''})
  },
  'answers are such as the bank gives': all => {
    const {key} = pick(all, 'an approved one', isAnswered(all, 'approved'))
    return withAnswer(all, key, ({kind}) => kind === 'approved', {kind: 'strange', why: ''})
  },
  'each key is posted at most once': all => {
    const {key} = pick(all, 'a completed one', ({state}) => state === 'completed')
    return withPostings(all, key, postings => [
      ...postings,
      ...postings.filter(({kind}) => kind === 'completion').map(leg => ({...leg, kind: 'reversal'})),
    ])
  },
  'every acknowledged end is the end': all => {
    const row = pick(
      all,
      'one whose end is known',
      each => each.state === 'completed' && isAnswered(all, 'acknowledged')(each),
    )
    return withOperation(all, {...row, state: 'held'})
  },
  'every acknowledged operation is present as acknowledged': all => {
    const row = pick(all, 'an approved one', isAnswered(all, 'approved'))
    return withOperation(all, {...row, answer: `${row.answer ?? ''} `})
  },
  'every answered operation is there': all => {
    const {key} = pick(all, 'an approved one', isAnswered(all, 'approved'))
    return withOperation(all, null, key)
  },
  'every balance is the replay of its postings': all => ({
    ...all,
    rows: {...all.rows, balances: new Map([...all.rows.balances].map(([id, balance]) => [id, balance + 1]))},
  }),
  'every end counts once in its business date': all => ({
    ...all,
    rows: {...all.rows, accepted: new Map([...all.rows.accepted].slice(1))},
  }),
  'every end was told by somebody': all => {
    const {key} = pick(all, 'a completed one', ({state}) => state === 'completed')
    return without(all, line => line.line === 'asked' && line.key === key && isAdvice(line.question))
  },
  'every entry sums to zero in its currency': all => {
    const {key} = pick(all, 'a posted one', ({state}) => state === 'posted')
    return withPostings(all, key, postings =>
      postings.map((leg, index) => (index === 0 ? {...leg, amount: 1} : leg)),
    )
  },
  'every operation has its postings and no others': all => {
    const {key} = pick(all, 'a held one or a posted one', ({state}) => state === 'posted' || state === 'held')
    return withPostings(all, key, () => [])
  },
  'every operation is as it was asked for': all => {
    const row = pick(all, 'a posted one', ({state}) => state === 'posted')
    return withOperation(all, {...row, fee: row.fee + 1})
  },
  'every settled operation is one transaction of its account': all => {
    const row = pick(all, 'a posted one', ({state}) => state === 'posted')
    return withOperation(all, {...row, transactionId: null})
  },
  'every try at a PIN is counted': all => ({
    ...all,
    rows: {...all.rows, pinTries: new Map([...all.rows.pinTries].map(([id]) => [id, 0]))},
  }),
  'every unknown operation is wholly there or not at all': all => {
    const {key} = pick(all, 'a posted one', ({state}) => state === 'posted')
    const unheard = without(all, line => line.line === 'heard' && line.key === key)
    return withOperation(unheard, null, key)
  },
  'limits count what was approved': all => ({
    ...all,
    rows: {...all.rows, limits: new Map([...all.rows.limits].map(([id, used]) => [id, used + 1]))},
  }),
  'no operation that nobody asked for': all => {
    const row = pick(all, 'a posted one', ({state}) => state === 'posted')
    return withOperation(all, {...row, key: `${row.key}-again`})
  },
  'no posting without its operation': all => {
    const {key} = pick(all, 'a posted one', ({state}) => state === 'posted')
    return withOperation(all, null, key)
  },
  'no transaction without its operation': all => {
    const transactions = new Map(all.rows.transactions)
    transactions.set('another', {accountId: 'circle0', type: 'deposit', amount: 1})
    return {...all, rows: {...all.rows, transactions}}
  },
  'no try at a PIN is given back': all => ({
    ...all,
    lines: all.lines.map(line =>
      line.line === 'heard' && line.answer.kind === 'declined' && line.answer.rc === '55'
        ? {...line, answer: {...line.answer, triesLeft: 2}}
        : line,
    ),
  }),
  'nothing is below its limit': all => ({
    ...all,
    rows: {...all.rows, balances: new Map([...all.rows.balances].map(([id]) => [id, -1]))},
  }),
  'the balances told are one walk from first to last': all => {
    const row = pick(
      all,
      'a movement at a counter',
      ({state, type, atmId}) => state === 'posted' && type === 'deposit' && atmId === null,
    )
    return withOperation(all, {
      ...row,
      answer: (row.answer ?? '').replace(/"balance":[0-9]+/, '"balance":123456'),
    })
  },
  'the circle has its sum whenever the bank is asked': all => ({
    ...all,
    lines: [...all.lines, {...AT, line: 'look', by: 'bank', wrong: 'less'}],
  }),
  'the openings are those of the world': all =>
    withPostings(all, 'opening:circle0', postings => postings.map(leg => ({...leg, amount: 2 * leg.amount}))),
  'totals hold at every look at the rows': all => ({
    ...all,
    lines: [...all.lines, {...AT, line: 'look', by: 'database', wrong: 'less'}],
  }),
  'what has ended is not approved again': all => {
    const row = pick(
      all,
      'an approved one whose end is known',
      each => isAnswered(all, 'acknowledged')(each) && isAnswered(all, 'approved')(each),
    )
    const question = present(
      all.lines.flatMap(line =>
        line.line === 'asked' && line.key === row.key && !isAdvice(line.question) ? [line.question] : [],
      )[0],
      'the question',
    )
    const answer: Answer = {kind: 'approved', text: row.answer ?? ''}
    return {
      ...all,
      lines: [
        ...all.lines,
        {...AT, line: 'asked', ask: 1e9, key: row.key, to: '', question},
        {...AT, line: 'heard', ask: 1e9, key: row.key, answer},
      ],
    }
  },
}

t.test('the run itself held, and every check was made in it', async t => {
  t.same(run.verdict.violations, [])
  // Where nothing is cut, hardly anything is unknown.
  const seldom = 'every unknown operation is wholly there or not at all'
  const unmade = Object.keys(CHANGES).filter(check => check !== seldom && !run.verdict.checks.has(check))
  t.same(unmade, [], 'each check was made')
  const unchanged = [...run.verdict.checks.keys()].filter(check => CHANGES[check] === undefined)
  t.same(unchanged, [], 'each check has a change')
})

t.test('each check fails when what it is about is not so', async t => {
  for (const [check, change] of Object.entries(CHANGES)) {
    const {lines, rows} = change(run)
    const {violations} = judge(lines, rows)
    t.ok(
      violations.some(violation => violation.check === check),
      `${check}: ${violations.map(violation => violation.check).join('; ')}`,
    )
  }
})

t.test('a look at the totals sees what is missing', async t => {
  const right = {everything: '0', others: -5, balances: 5, held: 1, open_holds: '1', least: 0}
  t.equal(wrongMoment([right]), null)
  t.match(wrongMoment([{...right, everything: 1}]), /add up to 1/)
  t.match(wrongMoment([{...right, others: -4}]), /customers have 5/)
  t.match(wrongMoment([{...right, open_holds: 2}]), /1 is held/)
  t.match(wrongMoment([{...right, least: -1}]), /a balance is -1/)
})

t.test('a storm of deadlocks is one, and the story of an operation has its faults', async t => {
  t.notOk(isStorm({...run, deadlocksCount: 1}))
  t.ok(isStorm({...run, deadlocksCount: 100}))
  const asked = present(
    run.lines.find(line => line.line === 'asked'),
    'a question',
  )
  const fault = {...asked, line: 'fault', fault: 'host 0 killed'} as const
  const told = story({check: 'a check', key: 'key' in asked ? asked.key : '', says: 'why'}, [
    ...run.lines,
    fault,
  ])
  t.match(told, /^VIOLATED: a check, .*\n {2}why\n[^]*asks host 0[^]*hears[^]*host 0 killed/)
})
