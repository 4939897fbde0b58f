// What comes in from outside: time, chance, and the way out for words.
import t from 'tap'
import {AssertionFailed} from '../../kit/assert.ts'
import {VirtualClock, epochMs, isoTime, realClock, timeFromIso} from '../../kit/clock.ts'
import {lineLog, silentLog} from '../../kit/log.ts'
import {seededRandom, systemRandom} from '../../kit/random.ts'
import {Secret} from '../../kit/secret.ts'

const START = epochMs(1_795_347_000_000)
const DAY_MS = 86_400_000

t.test('virtual time waits for nothing and keeps its order', async t => {
  const clock = new VirtualClock(START)
  const seen: string[] = []
  const startMs = realClock().monotonicMs()
  clock.after(DAY_MS, () => seen.push('day'))
  clock.after(10, () => seen.push('first of two'))
  clock.after(10, () => seen.push('second of two'))
  clock.after(5, () => clock.after(5, () => seen.push('set later, due then')))
  clock.after(7, () => seen.push('never')).cancel()
  const slept = clock.sleep(20).then(() => seen.push('slept'))
  t.equal(await clock.runUntil(() => seen.includes('day'), 2 * DAY_MS), 'done')
  await slept
  t.same(seen, ['first of two', 'second of two', 'set later, due then', 'slept', 'day'])
  t.equal(clock.monotonicMs(), DAY_MS)
  t.equal(clock.wallMs(), START + DAY_MS)
  t.equal(realClock().monotonicMs() - startMs < DAY_MS, true, 'a day took less than a day')
})

t.test('virtual time says when nothing can come any more, and when it would come too late', async t => {
  const clock = new VirtualClock(START)
  t.equal(await clock.runUntil(() => false, 1_000), 'idle')
  t.equal(clock.monotonicMs(), 0, 'idle time does not pass')
  let isFired = false
  clock.after(1_001, () => {
    isFired = true
  })
  t.equal(await clock.runUntil(() => isFired, 1_000), 'late')
  t.equal(isFired, false)
  t.equal(clock.monotonicMs(), 1_000)
  await clock.advance(1)
  t.equal(isFired, true)
  await clock.advance(500)
  t.equal(clock.monotonicMs(), 1_501)
  t.throws(() => clock.after(-1, () => undefined), AssertionFailed)
})

t.test('everything set in motion comes to rest before the next timer', async t => {
  const clock = new VirtualClock(START)
  const seen: string[] = []
  clock.after(1, () => {
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => seen.push('chain'))
  })
  clock.after(2, () => seen.push('timer'))
  await clock.runUntil(() => seen.length === 2, 10)
  t.same(seen, ['chain', 'timer'])
})

t.test('work outside holds virtual time, whether it ends well or not', async t => {
  const clock = new VirtualClock(START)
  const seen: string[] = []
  const real = realClock()
  const work = clock.outside(real.sleep(20)).then(() => seen.push('outside'))
  clock.after(1, () => seen.push('timer'))
  await clock.runUntil(() => seen.length === 2, 10)
  t.same(seen, ['outside', 'timer'])
  await work
  const failing = clock.outside(real.sleep(5).then(() => Promise.reject(new AssertionFailed('broken'))))
  const caught = t.rejects(failing, AssertionFailed)
  clock.after(1, () => seen.push('after the failure'))
  t.equal(await clock.runUntil(() => seen.length === 3, 10), 'done', 'time goes on after a failure')
  await caught
})

t.test('the real clock fires once, can be cancelled, and never steps back', async t => {
  const clock = realClock()
  let firedCount = 0
  clock.after(1, () => firedCount++)
  const timer = clock.after(1, () => (firedCount += 100))
  timer.cancel()
  const beforeMs = clock.monotonicMs()
  await clock.sleep(20)
  t.equal(firedCount, 1)
  t.equal(clock.monotonicMs() >= beforeMs, true)
  timer.cancel()
  t.equal(await clock.outside(Promise.resolve(4)), 4)
})

t.test('a time is a time', t => {
  t.equal(isoTime(START), '2026-11-22T11:30:00.000Z')
  t.equal(timeFromIso('2026-11-22T11:30:00Z'), START)
  t.equal(timeFromIso('yesterday'), null)
  for (const value of [-1, 0.5, Number.NaN]) t.throws(() => epochMs(value), AssertionFailed)
  t.end()
})

t.test('one seed gives one run, and a stream is moved by nobody else', t => {
  const draw = (random = seededRandom('seed')): number[] =>
    Array.from({length: 50}, () => random.below(1_000_000))
  t.same(draw(), draw())
  t.notSame(draw(), draw(seededRandom('another')))
  const quiet = seededRandom('seed')
  const busy = seededRandom('seed')
  busy.below(6)
  busy.stream('customer').bytes(100)
  t.same(draw(busy.stream('device')), draw(quiet.stream('device')))
  t.notSame(draw(quiet.stream('device')), draw(quiet.stream('customer')))
  t.notSame(draw(seededRandom('seed').stream('a')), draw(seededRandom('seed')))
  t.end()
})

t.test('a draw is fair and within its bound', t => {
  for (const random of [seededRandom('dice'), systemRandom()]) {
    const counts = new Map<number, number>()
    for (let roll = 0; roll < 6_000; roll++) {
      const face = random.below(6)
      counts.set(face, (counts.get(face) ?? 0) + 1)
    }
    t.same([...counts.keys()].toSorted(), [0, 1, 2, 3, 4, 5])
    // Seven standard deviations: a fair die stays within it for ever, a crooked one does not.
    for (const count of counts.values())
      t.equal(Math.abs(count - 1_000) < 202, true, `${count} of about 1000`)
    t.equal(random.below(1), 0)
    t.equal(random.bytes(33).length, 33)
    for (const bound of [0, -1, 1.5, 2 ** 32 + 1]) t.throws(() => random.below(bound), AssertionFailed)
  }
  t.equal(seededRandom('x').below(2 ** 32) >= 0, true)
  t.end()
})

t.test('a log line is one line of JSON, from the level asked for, and no secret is in it', t => {
  const lines: string[] = []
  const log = lineLog(new VirtualClock(START), line => lines.push(line))
  log.debug('not written')
  log.info('started', {port: 1})
  log
    .named('link')
    .warn('two\nlines', {pin: new Secret('1234'), inner: {pan: new Secret('4761739001010119')}})
  log.error('broken')
  t.same(
    lines.map(line => JSON.parse(line) as unknown), // eslint-disable-line @typescript-eslint/consistent-type-assertions -- compared as a whole
    [
      {at: '2026-11-22T11:30:00.000Z', level: 'info', layer: 'tellerd', message: 'started', port: 1},
      {
        at: '2026-11-22T11:30:00.000Z',
        level: 'warn',
        layer: 'link',
        message: 'two\nlines',
        pin: '[secret]',
        inner: {pan: '[secret]'},
      },
      {at: '2026-11-22T11:30:00.000Z', level: 'error', layer: 'tellerd', message: 'broken'},
    ],
  )
  t.equal(
    lines.some(line => line.includes('\n') || line.includes('1234') || line.includes('4761')),
    false,
  )
  const all: string[] = []
  lineLog(new VirtualClock(START), line => all.push(line), 'debug').debug('written')
  t.equal(all.length, 1)
  silentLog.named('x').error('nobody hears')
  t.end()
})
