/** What is tried again, how often, and what never: faults made up here, on a clock that costs no time. */
import t from 'tap'
import {Contended} from '../../host/store/port.ts'
import {CommitUnknown, DatabaseFault, tried} from '../../host/store/retry.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {BadInput} from '../../kit/errors.ts'
import {seededRandom} from '../../kit/random.ts'

const fault = (state: string) => new DatabaseFault(state, 'made up', {cause: null})
const lost = new CommitUnknown('08006', 'made up', {cause: null})

/** Fails with each in turn, then succeeds. */
async function run(
  faults: readonly Error[],
  {isKeyed = true, costsMs = 0} = {},
): Promise<{readonly thrown: unknown; readonly triesCount: number}> {
  const clock = new VirtualClock(epochMs(0))
  let triesCount = 0
  const ending = tried(
    async () => {
      if (costsMs > 0) await clock.sleep(costsMs)
      const thrown = faults[triesCount++]
      if (thrown !== undefined) throw thrown
    },
    {clock, random: seededRandom('retry'), isKeyed},
  ).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  await clock.advance(120_000)
  return {thrown: await ending, triesCount}
}

t.test('two that met, and a server that goes or comes', async t => {
  for (const state of ['40001', '40P01', '23505', '08006', '08003', '57P01', '57P03', '53300', '25006'])
    t.same(await run([fault(state), fault('40001')]), {thrown: null, triesCount: 3}, state)
})

t.test('a fault of the work, or of the statement, is told at once', async t => {
  for (const thrown of [fault('23514'), fault('42601'), fault('22003'), new BadInput('no')])
    t.same(await run([thrown]), {thrown, triesCount: 1})
})

t.test('who waits for others too long is told so', async t => {
  for (const state of ['55P03', '57014']) {
    const ended = await run([fault(state)])
    t.ok(ended.thrown instanceof Contended && ended.triesCount === 1, state)
  }
})

t.test('a lost commit is asked for by its key, or not at all', async t => {
  t.same(await run([lost]), {thrown: null, triesCount: 2})
  t.same(await run([lost], {isKeyed: false}), {thrown: lost, triesCount: 1})
})

t.test('neither tries nor time go on for ever', async t => {
  const all = Array.from({length: 50}, () => fault('40001'))
  t.match(await run(all), {triesCount: 6})
  t.match(await run(all, {costsMs: 4_000}), {triesCount: 3})
})
