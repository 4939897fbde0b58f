/**
 * The computer dies at a call of a laid-down visit, and at one of the life that recovers from it. Every scene takes
 * part; of its calls, those that the seed picks, another set at each run: `npm run sim:die` takes all of them, and all
 * pairs with `--pairs`.
 *
 * TELLERD_SEED repeats a run.
 */
import t from 'tap'
import {realClock} from '../../kit/clock.ts'
import {DEATHS, deathText, deathsAfter, deathsIn, playDeaths} from './deaths.ts'
import {Draws} from './draws.ts'
import {Ground} from './ground.ts'
import {PLAIN, SCENES} from './scenes.ts'

const SEED = process.env['TELLERD_SEED'] ?? `deaths-${realClock().wallMs()}`
const SINGLES_PER_SCENE = 2
const PAIRS_PER_MACHINE = 6

const draws = new Draws(SEED)
const ground = await Ground.open()
t.teardown(() => {
  ground.close()
})
t.comment(`seed ${SEED}; TELLERD_SEED repeats it`)

t.test('there are scenes enough, and each is a story of its own', async t => {
  t.ok(SCENES.length >= 60)
  t.equal(new Set(SCENES.map(({name}) => name)).size, SCENES.length)
  const hashes = new Set<string>()
  for (const scene of SCENES) {
    const outcome = await playDeaths(ground, scene, [])
    t.equal(outcome.violation, null, scene.name)
    t.equal(outcome.livesCount, 1, `${scene.name}: nothing dies by itself`)
    t.equal(outcome.struck.length, scene.script.size, `${scene.name}: what is laid down happens`)
    const asked = new Set(deathsIn(outcome).map(({fault}) => fault))
    const rest = DEATHS.filter(fault => !asked.has(fault) && fault !== 'power.note')
    t.strictSame(rest, [], `${scene.name}: every death has an opportunity`)
    hashes.add(outcome.hash)
  }
  t.equal(hashes.size, SCENES.length, 'no two are the same run')
})

t.test('dies at a call', async t => {
  for (const scene of SCENES) {
    const deaths = deathsIn(await playDeaths(ground, scene, []))
    for (let n = 0; n < SINGLES_PER_SCENE; n += 1) {
      const death = draws.one(deaths)
      const {violation, livesCount} = await playDeaths(ground, scene, [death])
      t.equal(violation, null, `${scene.name}: ${deathText(death)}`)
      if (death.fault.startsWith('power.')) t.ok(livesCount > 1, 'it did die')
    }
  }
})

t.test('dies at a call, and again at one that follows', async t => {
  for (const scene of PLAIN) {
    const firsts = deathsIn(await playDeaths(ground, scene, []))
    for (let n = 0; n < PAIRS_PER_MACHINE; n += 1) {
      const first = draws.one(firsts)
      const seconds = deathsAfter(await playDeaths(ground, scene, [first]))
      if (seconds.length === 0) continue
      const second = draws.one(seconds)
      const {violation} = await playDeaths(ground, scene, [first, second])
      t.equal(violation, null, `${scene.name}: ${deathText(first)}, ${deathText(second)}`)
    }
  }
})
