/**
 * Judges a run by the bank's rows and the history, and by nothing else. It knows what a correct bank is in its own
 * words and shares no code with `host/`: what the bank gets wrong, it must not get wrong in the same way.
 */
import type {Advice, Answer, Asked, Guess, Line, Movement} from './history.ts'
import type {BankRows, OperationRow, PostingRow} from './rows.ts'
import {balancesToldWrong} from './walk.ts'
import type {World} from './world.ts'
import {assert} from '../../kit/assert.ts'

export interface Violation {
  /** Name of the check. */
  readonly check: string
  /** Of the operation; null when it is about all of them. */
  readonly key: string | null
  readonly says: string
}

export interface Verdict {
  readonly violations: readonly Violation[]
  /** By name, how often each check was made. */
  readonly checks: ReadonlyMap<string, number>
  readonly tally: Tally
}

/** What happened, in counts. */
export interface Tally {
  readonly operationsCount: number
  readonly acknowledgedCount: number
  /** Of movements that were never answered for good. */
  readonly unknownCount: number
  readonly unknownPresentCount: number
  readonly asksCount: number
  /** Questions that had been asked before. */
  readonly retriesCount: number
  /** Answers for good to a question that had one already. */
  readonly repeatedAnswersCount: number
  readonly tombstonesHitCount: number
  readonly otherMeaningsCount: number
  readonly guessesCount: number
  readonly looksCount: number
}

/** One question with its answer, null when the run ended before. */
interface Exchange<Q> {
  readonly ask: number
  readonly askedMs: number
  readonly question: Q
  readonly answer: Answer | null
  readonly heardMs: number
}

/** All that was said under one key, in the order of asking. */
interface Story {
  readonly key: string
  readonly movements: readonly Exchange<Movement>[]
  readonly advices: readonly Exchange<Advice>[]
  readonly guesses: readonly Exchange<Guess>[]
}

export function judge(lines: readonly Line[], rows: BankRows): Verdict {
  const checks = new Map<string, number>()
  const violations: Violation[] = []
  const check: Check = (name, isSo, key, says) => {
    checks.set(name, (checks.get(name) ?? 0) + 1)
    if (!isSo) violations.push({check: name, key, says: says()})
  }
  const world = worldIn(lines)
  const stories = storiesIn(lines)
  for (const story of stories.values()) {
    if (story.guesses.length > 0) continue
    const row = rows.operations.get(story.key) ?? null
    const postings = rows.postings.get(story.key) ?? []
    checkAnswers(check, story, row)
    checkPresence(check, story, row, postings)
    if (row !== null) checkOperation(check, story, row, rows)
  }
  checkStrangers(check, stories, rows)
  checkSums(check, world, rows)
  checkGuesses(check, world, stories, rows)
  checkLooks(check, lines)
  checkLimits(check, rows)
  for (const group of ['circle', 'counter'] as const)
    for (const {accountId, openingMinor} of world.accounts.filter(account => account.group === group)) {
      const wrong = balancesToldWrong(accountId, openingMinor, rows)
      check(
        'the balances told are one walk from first to last',
        wrong === null,
        null,
        () => `${accountId}: ${wrong ?? ''}`,
      )
    }
  return {violations, checks, tally: tallyOf(lines, stories, rows)}
}

type Check = (name: string, isSo: boolean, key: string | null, says: () => string) => void

/** Every answer that somebody has must be true of what the bank keeps. */
function checkAnswers(check: Check, story: Story, row: OperationRow | null): void {
  const {key, movements, advices} = story
  const [first] = movements
  for (const {question, answer, askedMs} of movements) {
    if (answer === null) continue
    const isOriginal = first !== undefined && sameMeaning(question, first.question)
    check('answers are such as the bank gives', answer.kind !== 'strange', key, () => JSON.stringify(answer))
    if (answer.kind === 'approved') {
      check(
        'every acknowledged operation is present as acknowledged',
        isOriginal && row !== null && row.answer === answer.text && APPROVED_STATES.has(row.state),
        key,
        () =>
          `acknowledged ${answer.text}; the bank has ${row === null ? 'nothing' : `${row.state} ${row.answer ?? ''}`}`,
      )
      const settled = advices.find(
        advice => advice.answer?.kind === 'acknowledged' && advice.heardMs < askedMs,
      )
      check(
        'what has ended is not approved again',
        settled === undefined,
        key,
        () => `approved after its end was acknowledged: ${JSON.stringify(settled)}`,
      )
    }
    if (answer.kind === 'declined')
      check(
        'a no stays a no, and moves nothing',
        row !== null &&
          (answer.rc === '94'
            ? ENDED_STATES.has(row.state)
            : row.state === 'declined' && row.evidence === answer.rc && answer.rc === '51'),
        key,
        () =>
          `declined ${answer.rc}; the bank has ${row === null ? 'nothing' : `${row.state} ${row.evidence}`}`,
      )
    if (answer.kind === 'refused' || answer.kind === 'acknowledged')
      check(
        'a key has one meaning',
        answer.kind === 'refused' && !isOriginal,
        key,
        () => `${JSON.stringify(question)} was answered ${JSON.stringify(answer)}`,
      )
  }
  for (const {question, answer} of advices) {
    if (answer === null) continue
    const isTold = answer.kind !== 'strange' && answer.kind !== 'approved' && answer.kind !== 'declined'
    check('answers are such as the bank gives', isTold, key, () => JSON.stringify(answer))
    if (answer.kind === 'acknowledged')
      check(
        'every acknowledged end is the end',
        row !== null && row.state === answer.state && isEndBy(row, question),
        key,
        () =>
          `${JSON.stringify(question)} acknowledged as ${answer.state}; the bank has ${JSON.stringify(row)}`,
      )
    if (answer.kind === 'refused')
      check(
        'an end is refused because of another end',
        row !== null && !isEndBy(row, question),
        key,
        () => `${JSON.stringify(question)} was refused; the bank has ${JSON.stringify(row)}`,
      )
  }
}

/** What is known and what is not: all of it, or nothing. */
function checkPresence(
  check: Check,
  {key, movements}: Story,
  row: OperationRow | null,
  postings: readonly PostingRow[],
): void {
  const isAnswered = movements.some(({answer}) => answer !== null && isForGood(answer))
  check(
    isAnswered
      ? 'every answered operation is there'
      : 'every unknown operation is wholly there or not at all',
    row !== null || (postings.length === 0 && !isAnswered),
    key,
    () => `no operation, and ${postings.length} postings`,
  )
}

/** A row, against what was asked and against everything that belongs to it. */
function checkOperation(check: Check, story: Story, row: OperationRow, rows: BankRows): void {
  const {key, movements, advices} = story
  const [first] = movements
  const asked = first?.question ?? null
  check(
    'every operation is as it was asked for',
    row.accountId === null ||
      (asked !== null &&
        row.type === asked.kind &&
        row.accountId === asked.accountId &&
        row.targetAccountId === asked.targetAccountId &&
        row.amount === asked.amountMinor &&
        row.fee === asked.feeMinor &&
        row.atmId === (asked.at === 'machine' ? asked.who : null)),
    key,
    () => `asked ${JSON.stringify(asked)}; the bank has ${JSON.stringify(row)}`,
  )
  check(
    'every end was told by somebody',
    !ENDED_STATES.has(row.state) || advices.some(({question}) => isEndBy(row, question)),
    key,
    () => `nobody told ${row.state} with ${row.paid} and ${row.paidFee}`,
  )
  const postings = rows.postings.get(key) ?? []
  const expected = expectedPostings(row, asked)
  const found = postings.map(({kind, account, amount}) => `${kind} ${account} ${amount}`)
  check(
    'each key is posted at most once',
    new Set(postings.map(stageOf)).size === stagesOf(postings),
    key,
    () => found.join(', '),
  )
  check(
    'every operation has its postings and no others',
    sameSet(found, expected),
    key,
    () => `${row.state}: has ${found.join(', ')}; should have ${expected.join(', ')}`,
  )
  const transaction = row.transactionId === null ? undefined : rows.transactions.get(row.transactionId)
  const isSettled = row.state === 'posted' || row.state === 'completed'
  check(
    'every settled operation is one transaction of its account',
    isSettled
      ? transaction !== undefined &&
          transaction.accountId === row.accountId &&
          transaction.amount === row.paid &&
          transaction.type === row.type
      : transaction === undefined,
    key,
    () => `${row.state}: ${JSON.stringify(transaction)}`,
  )
  const accepted = ['withdrawal', 'reversal', 'deposit'].flatMap(what => {
    const amount = rows.accepted.get(`${key} ${what}`)
    return amount === undefined ? [] : [`${what} ${amount}`]
  })
  check(
    'every end counts once in its business date',
    sameSet(accepted, expectedAccepted(row)),
    key,
    () => `${row.state}: counted ${accepted.join(', ')}`,
  )
}

/** Rows that belong to nothing. */
function checkStrangers(check: Check, stories: ReadonlyMap<string, Story>, rows: BankRows): void {
  for (const key of rows.operations.keys())
    check('no operation that nobody asked for', stories.has(key), key, () => 'nobody asked for it')
  for (const [key, postings] of rows.postings)
    check(
      'no posting without its operation',
      rows.operations.has(key) || key.startsWith('opening:'),
      key,
      () => postings.map(({kind, account, amount}) => `${kind} ${account} ${amount}`).join(', '),
    )
  const ids = new Set([...rows.operations.values()].map(({transactionId}) => transactionId))
  for (const [id, {accountId, amount}] of rows.transactions)
    check('no transaction without its operation', ids.has(id), null, () => `${id}: ${amount} of ${accountId}`)
}

function checkSums(check: Check, world: World, rows: BankRows): void {
  const replayed = new Map<string, number>()
  for (const [key, postings] of rows.postings) {
    const sums = new Map<string, number>()
    for (const {kind, account, currency, amount} of postings) {
      sums.set(`${kind} ${currency}`, (sums.get(`${kind} ${currency}`) ?? 0) + amount)
      replayed.set(account, (replayed.get(account) ?? 0) + amount)
    }
    for (const [entry, sum] of sums)
      check('every entry sums to zero in its currency', sum === 0, key, () => `${entry} sums to ${sum}`)
  }
  for (const [accountId, balance] of rows.balances) {
    const sum = replayed.get(`customer:${accountId}`) ?? 0
    check(
      'every balance is the replay of its postings',
      balance === sum,
      null,
      () => `${accountId} has ${balance}, its postings give ${sum}`,
    )
    check('nothing is below its limit', balance >= 0, null, () => `${accountId} has ${balance}`)
  }
  const opened = world.accounts.reduce((sum, {openingMinor}) => sum + openingMinor, 0)
  const opening = 0 - (replayed.get('opening') ?? 0)
  check('the openings are those of the world', opening === opened, null, () => `${opening}, not ${opened}`)
}

/** Tries of a card are counted over all hosts and all their lives. */
function checkGuesses(check: Check, world: World, stories: ReadonlyMap<string, Story>, rows: BankRows): void {
  const guesses = [...stories.values()].flatMap(story => story.guesses).toSorted((a, b) => a.ask - b.ask)
  for (const {cardId, use} of world.cards) {
    if (use !== 'guess') continue
    const ofCard = guesses.filter(({question}) => question.cardId === cardId)
    let wrongCount = 0
    for (const {answer} of ofCard) {
      if (answer?.kind !== 'declined' || answer.rc === '81') continue
      wrongCount += 1
      const left = PIN_TRIES_MAX - wrongCount
      const told = answer.triesLeft ?? Number.NaN
      check(
        'no try at a PIN is given back',
        answer.rc === '55' ? told > 0 && told <= left : answer.rc === '75' && told === 0,
        null,
        () => `${cardId}: wrong PIN number ${wrongCount} was answered ${JSON.stringify(answer)}`,
      )
    }
    const tries = rows.pinTries.get(cardId) ?? Number.NaN
    check(
      'every try at a PIN is counted',
      tries >= Math.min(wrongCount, PIN_TRIES_MAX) && tries <= Math.min(ofCard.length, PIN_TRIES_MAX),
      null,
      () => `${cardId}: ${wrongCount} wrong PINs answered, ${ofCard.length} asked, ${tries} tries counted`,
    )
  }
}

function checkLooks(check: Check, lines: readonly Line[]): void {
  for (const line of lines)
    if (line.line === 'look')
      check(
        line.by === 'bank'
          ? 'the circle has its sum whenever the bank is asked'
          : 'totals hold at every look at the rows',
        line.wrong === null,
        null,
        () => `at ${line.at}: ${line.wrong ?? ''}`,
      )
}

/** What an account may still withdraw at machines today is what its withdrawals have left. */
function checkLimits(check: Check, rows: BankRows): void {
  const used = new Map<string, number>()
  for (const row of rows.operations.values()) {
    if (row.atmId === null || row.type !== 'withdrawal' || row.accountId === null) continue
    const day = new Date(row.createdAtMs).toISOString().slice(0, 10)
    const window = `account:${row.accountId}:${day}`
    const isOpen = row.state === 'held' || row.state === 'suspect'
    const amount = isOpen ? row.amount : row.state === 'completed' ? row.paid : 0
    used.set(`${window}:amount`, (used.get(`${window}:amount`) ?? 0) + amount)
    used.set(
      `${window}:count`,
      (used.get(`${window}:count`) ?? 0) + (isOpen || row.state === 'completed' ? 1 : 0),
    )
  }
  for (const [window, amount] of used) {
    const counted = rows.limits.get(window) ?? 0
    check(
      'limits count what was approved',
      counted === amount,
      null,
      () => `${window} has ${counted}, the operations give ${amount}`,
    )
  }
}

const PIN_TRIES_MAX = 3
/** Those of a movement that was approved once. */
const APPROVED_STATES: ReadonlySet<string> = new Set(['posted', 'held', 'completed', 'reversed', 'suspect'])
/** Those that an advice brings about. */
const ENDED_STATES: ReadonlySet<string> = new Set(['completed', 'reversed', 'suspect', 'tombstone', 'forced'])

/** Whether the operation may stand as it does because of this advice. */
function isEndBy(row: OperationRow, advice: Advice): boolean {
  switch (advice.kind) {
    case 'complete':
      return (
        (row.state === 'completed' || row.state === 'forced') &&
        row.paid === advice.paidMinor &&
        row.paidFee === advice.feeMinor
      )
    case 'reverse':
      return row.state === 'reversed' || row.state === 'tombstone' || row.state === 'declined'
    case 'suspect':
      return row.state === 'suspect' && row.paid === advice.leastMinor && row.paidAtMost === advice.mostMinor
  }
}

/** `kind account amount` of every posting that a row of that state has, and must have. */
function expectedPostings(row: OperationRow, asked: Movement | null): readonly string[] {
  const customer = `customer:${row.accountId ?? ''}`
  const total = row.amount + row.fee
  const legs = (kind: string, ...each: readonly (readonly [account: string, amount: number])[]) =>
    each.filter(([, amount]) => amount !== 0).map(([account, amount]) => `${kind} ${account} ${amount}`)
  const held = `held:${row.atmId ?? ''}`
  const cash = `atm-cash:${row.atmId ?? ''}`
  const hold = legs('hold', [customer, -total], [held, total])
  switch (row.state) {
    case 'held':
      return hold
    case 'suspect':
      return row.accountId === null ? [] : hold
    case 'completed':
      return [
        ...hold,
        ...legs(
          'completion',
          [held, -total],
          [cash, row.paid],
          ['fee-income', row.paidFee],
          [customer, total - row.paid - row.paidFee],
        ),
      ]
    case 'reversed':
      return [...hold, ...legs('reversal', [held, -total], [customer, total])]
    case 'forced':
      return legs('forced', ['suspense', -row.paid], [cash, row.paid])
    case 'posted': {
      const drawer = asked?.at === 'machine' ? cash : `till:program:${asked?.who ?? ''}`
      if (row.type === 'withdrawal')
        return legs('withdrawal', [customer, -total], [drawer, row.amount], ['fee-income', row.fee])
      if (row.type === 'deposit') return legs('deposit', [drawer, -row.amount], [customer, row.amount])
      const target = `customer:${row.targetAccountId ?? ''}`
      return legs('transfer', [customer, -row.amount], [target, row.amount])
    }
    default:
      return []
  }
}

function expectedAccepted({state, type, atmId, amount, paid}: OperationRow): readonly string[] {
  if (state === 'completed' || state === 'forced') return [`withdrawal ${paid}`]
  if (state === 'reversed') return [`reversal ${amount}`]
  return state === 'posted' && type === 'deposit' && atmId !== null ? [`deposit ${amount}`] : []
}

/** Money moves at most once at the asking and at most once at the end. */
function stageOf({kind}: PostingRow): 'asking' | 'end' {
  return kind === 'completion' || kind === 'reversal' ? 'end' : 'asking'
}

function stagesOf(postings: readonly PostingRow[]): number {
  return new Set(postings.map(({kind}) => kind)).size
}

function sameMeaning(one: Movement, other: Movement): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.toSorted().join('\n') === other.toSorted().join('\n')
}

/** Whether the one who asked knows now. */
function isForGood({kind}: Answer): boolean {
  return kind === 'approved' || kind === 'declined'
}

function worldIn(lines: readonly Line[]): World {
  const line = lines.find(each => each.line === 'world')
  assert(line?.line === 'world', 'the history begins with its world')
  return line.world
}

function storiesIn(lines: readonly Line[]): ReadonlyMap<string, Story> {
  const heard = new Map(lines.flatMap(line => (line.line === 'heard' ? [[line.ask, line] as const] : [])))
  const asked = new Map<string, Asked[]>()
  for (const line of lines) {
    if (line.line !== 'asked') continue
    const ofKey = asked.get(line.key)
    if (ofKey === undefined) asked.set(line.key, [line])
    else ofKey.push(line)
  }
  const exchange = <Q>({ask, ms}: Asked, question: Q): Exchange<Q> => ({
    ask,
    askedMs: ms,
    question,
    answer: heard.get(ask)?.answer ?? null,
    heardMs: heard.get(ask)?.ms ?? Number.POSITIVE_INFINITY,
  })
  const stories = new Map<string, Story>()
  for (const [key, asks] of asked) {
    const movements: Exchange<Movement>[] = []
    const advices: Exchange<Advice>[] = []
    const guesses: Exchange<Guess>[] = []
    for (const each of asks)
      switch (each.question.kind) {
        case 'withdrawal':
        case 'deposit':
        case 'transfer':
          movements.push(exchange(each, each.question))
          break
        case 'guess':
          guesses.push(exchange(each, each.question))
          break
        default:
          advices.push(exchange(each, each.question))
      }
    stories.set(key, {key, movements, advices, guesses})
  }
  return stories
}

function tallyOf(lines: readonly Line[], stories: ReadonlyMap<string, Story>, rows: BankRows): Tally {
  const all = [...stories.values()]
  const moved = all.filter(({movements}) => movements.length > 0)
  const isKnown = ({movements}: Story) => movements.some(({answer}) => answer !== null && isForGood(answer))
  const unknown = moved.filter(story => !isKnown(story))
  const asksCount = lines.filter(({line}) => line === 'asked').length
  const questionsCount = all.reduce(
    (sum, {movements, advices, guesses}) =>
      sum +
      new Set([...movements, ...advices, ...guesses].map(({question}) => JSON.stringify(question))).size,
    0,
  )
  const answersOf = (story: Story) =>
    [...story.movements, ...story.advices].filter(
      ({answer}) =>
        answer?.kind === 'approved' || answer?.kind === 'declined' || answer?.kind === 'acknowledged',
    ).length
  const exchanges = moved.flatMap(({movements}) => movements)
  return {
    operationsCount: moved.length,
    acknowledgedCount: moved.length - unknown.length,
    unknownCount: unknown.length,
    unknownPresentCount: unknown.filter(({key}) => rows.operations.has(key)).length,
    asksCount,
    retriesCount: asksCount - questionsCount,
    repeatedAnswersCount: all.reduce((sum, story) => sum + Math.max(0, answersOf(story) - 1), 0),
    tombstonesHitCount: moved.filter(
      ({key, movements}) =>
        rows.operations.get(key)?.state === 'tombstone' &&
        movements.some(({answer}) => answer?.kind === 'declined' && answer.rc === '94'),
    ).length,
    otherMeaningsCount: exchanges.filter(({answer}) => answer?.kind === 'refused').length,
    guessesCount: all.reduce((sum, {guesses}) => sum + guesses.length, 0),
    looksCount: lines.filter(({line}) => line === 'look').length,
  }
}
