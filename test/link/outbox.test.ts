/** The outbox over a line that loses, repeats and delays, in virtual time. */
import fc from 'fast-check'
import t from 'tap'
import {START_MS, freshKey} from '../host/bench.ts'
import {present} from '../../kit/assert.ts'
import {VirtualClock} from '../../kit/clock.ts'
import {lineLog, silentLog} from '../../kit/log.ts'
import {minorUnits} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'
import type {Advice, OperationKey} from '../../fsm/vocabulary.ts'
import {Outbox} from '../../src/link/outbox.ts'
import type {AdviceSource, OpenAdvice} from '../../src/link/outbox.ts'
import type {AdviceAnswer} from '../../src/link/port.ts'

const HOUR_MS = 3_600_000

function reverse(key: OperationKey): Advice {
  return {kind: 'host.reverse', key, because: 'no-answer', row: ''}
}

function suspect(key: OperationKey): Advice {
  return {kind: 'host.suspect', key, atLeastMinor: minorUnits(0), atMostMinor: minorUnits(1), row: ''}
}

/** A journal reduced to its open advices. */
function journalOf(
  ...advices: readonly Advice[]
): AdviceSource & {add(advice: Advice): void; readonly acknowledged: number[]; readonly parked: number[]} {
  const open: OpenAdvice[] = advices.map((advice, index) => ({seq: index + 1, advice, isParked: false}))
  const parked: number[] = []
  const acknowledged: number[] = []
  let nextSeq = open.length + 1
  return {
    acknowledged,
    openAdvices: () => [...open],
    acknowledge(seq) {
      const index = open.findIndex(one => one.seq === seq)
      present(open[index], `an open advice ${seq}`)
      open.splice(index, 1)
      acknowledged.push(seq)
    },
    park(seq) {
      parked.push(seq)
      const index = open.findIndex(one => one.seq === seq)
      open[index] = {...present(open[index], `an open advice ${seq}`), isParked: true}
    },
    parked,
    add: advice => open.push({seq: nextSeq++, advice, isParked: false}),
  }
}

/** A bank with a script: the nth try gets the nth answer, every further one an acknowledgement. */
function bankOf(clock: VirtualClock, ...answers: readonly AdviceAnswer[]) {
  const triesMs: number[] = []
  const told: string[] = []
  const advise = async (advice: Advice): Promise<AdviceAnswer> => {
    told.push(`${advice.kind} ${advice.key}`)
    return answers[triesMs.push(clock.monotonicMs()) - 1] ?? {kind: 'acknowledged', state: 'completed'}
  }
  return {advise, triesMs, told}
}

const SILENT: AdviceAnswer = {kind: 'silent', why: 'line down'}

t.test('tells until it is acknowledged, later and later, never never', async t => {
  const clock = new VirtualClock(START_MS)
  const journal = journalOf(reverse(freshKey()))
  const bank = bankOf(clock, ...Array.from({length: 40}, () => SILENT))
  const outbox = new Outbox(journal, bank.advise, clock, seededRandom('outbox'), silentLog)
  outbox.kick()
  t.equal(await clock.runUntil(() => journal.acknowledged.length === 1, 100 * HOUR_MS), 'done')
  t.equal(bank.triesMs.length, 41)
  const gaps = bank.triesMs.slice(1).map((atMs, index) => atMs - present(bank.triesMs[index], 'a try'))
  for (const [index, gapMs] of gaps.entries())
    t.ok(gapMs <= Math.min(300_000, 1_000 * 2 ** index), `gap ${index} of ${gapMs} ms`)
  t.ok(Math.max(...gaps) > 150_000, 'it does slow down')
  t.ok(new Set(gaps.slice(10)).size > 20, 'it does not march in step')
  t.equal(await clock.runUntil(() => false, HOUR_MS), 'idle', 'nothing is left to do')
})

t.test('two machines that lose the bank together do not return together', async t => {
  const returns = ['one', 'two'].map(async name => {
    const clock = new VirtualClock(START_MS)
    const bank = bankOf(clock, ...Array.from({length: 12}, () => SILENT))
    new Outbox(journalOf(reverse(freshKey())), bank.advise, clock, seededRandom(name), silentLog).kick()
    await clock.runUntil(() => bank.triesMs.length === 13, HOUR_MS * 10)
    return bank.triesMs.slice(4)
  })
  const [one, two] = await Promise.all(returns)
  t.equal(present(one, 'one').length, 9)
  t.notOk(present(one, 'one').some(atMs => present(two, 'two').includes(atMs)))
})

t.test('one operation in order, and none waiting for another', async t => {
  const clock = new VirtualClock(START_MS)
  const [stuck, free, third] = [freshKey(), freshKey(), freshKey()]
  const journal = journalOf(suspect(stuck), reverse(free), reverse(stuck), reverse(third))
  const told: string[] = []
  let isOpen = false
  const advise = async (advice: Advice): Promise<AdviceAnswer> => {
    told.push(`${advice.kind} ${advice.key}`)
    return advice.key === stuck && !isOpen ? SILENT : {kind: 'acknowledged', state: 'completed'}
  }
  const outbox = new Outbox(journal, advise, clock, seededRandom('order'), silentLog)
  outbox.kick()
  await clock.advance(HOUR_MS)
  t.same([...journal.acknowledged].sort(), [2, 4], 'the others went')
  t.notOk(told.includes(`host.reverse ${stuck}`), 'the second word of an operation waits for the first')
  isOpen = true
  outbox.kick()
  await clock.runUntil(() => journal.acknowledged.length === 4, 1_000)
  t.same(journal.acknowledged.slice(2), [1, 3])
})

t.test('what the bank refuses is an alarm, tried at the cap, and blocks nobody', async t => {
  const clock = new VirtualClock(START_MS)
  const lines: string[] = []
  const [refusedKey, good] = [freshKey(), freshKey()]
  const journal = journalOf(reverse(refusedKey))
  const triesMs: number[] = []
  const advise = async (advice: Advice): Promise<AdviceAnswer> => {
    if (advice.key === good) return {kind: 'acknowledged', state: 'completed'}
    triesMs.push(clock.monotonicMs())
    return triesMs.length < 4
      ? {kind: 'refused', why: '21 out of order'}
      : {kind: 'acknowledged', state: 'completed'}
  }
  const outbox = new Outbox(
    journal,
    advise,
    clock,
    seededRandom('alarm'),
    lineLog(clock, line => lines.push(line)),
  )
  outbox.kick()
  await clock.advance(1_000)
  journal.add(reverse(good))
  outbox.kick()
  await clock.runUntil(() => journal.acknowledged.length === 2, HOUR_MS)
  t.same(journal.acknowledged, [2, 1])
  t.same(triesMs, [0, 300_000, 600_000, 900_000])
  t.equal(lines.filter(line => line.includes('"level":"error"')).length, 1, 'one alarm')
  t.same(journal.parked, [1], 'parked once, in ink')
  t.match(lines.join(), /21 out of order/)
})

t.test('an acknowledgement that comes late, or not into the journal, or into a stopped outbox', async t => {
  const clock = new VirtualClock(START_MS)
  const key = freshKey()
  const journal = journalOf(reverse(key))
  let triesCount = 0
  let failuresLeft = 2
  const source: AdviceSource = {
    openAdvices: () => journal.openAdvices(),
    acknowledge(seq) {
      if (failuresLeft-- > 0) throw new RangeError('disk full')
      journal.acknowledge(seq, 'completed')
    },
    park: seq => {
      journal.park(seq, '')
    },
  }
  const slow = async (): Promise<AdviceAnswer> => {
    triesCount += 1
    await clock.sleep(20_000)
    return {kind: 'acknowledged', state: 'completed'}
  }
  const outbox = new Outbox(source, slow, clock, seededRandom('late'), silentLog)
  outbox.kick()
  await clock.advance(10_000)
  outbox.kick()
  outbox.kick()
  t.equal(triesCount, 1, 'not told again while it is being told')
  t.equal(await clock.runUntil(() => journal.acknowledged.length === 1, HOUR_MS), 'done')
  t.equal(triesCount, 3, 'told again until the journal has it')

  journal.add(reverse(freshKey()))
  outbox.kick()
  await clock.advance(1)
  outbox.stop()
  await clock.advance(HOUR_MS)
  t.equal(journal.acknowledged.length, 1, 'after a stop nothing is written')
  t.equal(triesCount, 4)
  outbox.kick()
  await clock.advance(HOUR_MS)
  t.equal(triesCount, 4, 'and nothing sent')
})

t.test('sendOnce tells each operation once', async t => {
  const clock = new VirtualClock(START_MS)
  const key = freshKey()
  const journal = journalOf(suspect(key), reverse(key), reverse(freshKey()))
  const bank = bankOf(clock, SILENT)
  const outbox = new Outbox(journal, bank.advise, clock, seededRandom('once'), silentLog)
  await outbox.sendOnce()
  t.equal(bank.told.length, 2)
  t.same(journal.acknowledged, [3])
  await outbox.sendOnce()
  t.same(journal.acknowledged, [3, 1], 'whatever the backoff')
})

t.test('over a bad line every advice arrives, in order, and is acknowledged once', async t => {
  const seed = 20_261_122
  await fc.assert(
    fc.asyncProperty(
      fc.string({minLength: 1, maxLength: 8}),
      fc.array(fc.nat(4), {minLength: 1, maxLength: 12}),
      fc.nat(90),
      async (name, operations, lossPercent) => {
        const clock = new VirtualClock(START_MS)
        const random = seededRandom(name)
        const keys = Array.from({length: 5}, freshKey)
        const advices = operations.map(index => present(keys[index], 'a key')).map(reverse)
        const journal = journalOf(...advices)
        const arrived = new Map<string, number[]>()
        const line = random.stream('line')
        const advise = async (advice: Advice): Promise<AdviceAnswer> => {
          const seq = present(
            journal.openAdvices().find(open => open.advice === advice),
            'the advice that is told',
          ).seq
          await clock.sleep(line.below(30_000))
          if (line.below(100) < lossPercent) return SILENT
          const times = 1 + line.below(2)
          for (let copy = 0; copy < times; copy++)
            arrived.set(advice.key, [...(arrived.get(advice.key) ?? []), seq])
          await clock.sleep(line.below(30_000))
          return line.below(100) < lossPercent ? SILENT : {kind: 'acknowledged', state: 'completed'}
        }
        new Outbox(journal, advise, clock, random.stream('outbox'), silentLog).kick()
        const end = await clock.runUntil(() => journal.openAdvices().length === 0, 10_000 * HOUR_MS)
        const isOrdered = [...arrived.values()].every(seqs =>
          seqs.every((seq, i) => i === 0 || seq >= (seqs[i - 1] ?? 0)),
        )
        return end === 'done' && isOrdered && journal.acknowledged.length === advices.length
      },
    ),
    {seed, numRuns: 100},
  )
  t.pass(`no counterexample from seed ${seed}`)
})
