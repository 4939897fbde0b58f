/** The simulator, short: some seeds hold, the same seed is the same run, and what is broken on purpose is found. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import {Ground} from './ground.ts'
import {lineText, replayCommand} from './story.ts'

/** Seconds of one core; `npm run sim` plays as many as there is time for. */
const SEEDS_COUNT = 25

const ground = await Ground.open()
t.teardown(() => {
  ground.close()
})

/** The seeds of the file, one a line, with what they were. */
function seedsOf(text: string): readonly (readonly [seed: number, was: string])[] {
  return text
    .split('\n')
    .filter(line => /^[0-9]/.test(line))
    .map(line => [Number.parseInt(line, 10), line.replace(/^[0-9]+\s*/, '')] as const)
}

t.test('seeds hold', async t => {
  for (let seed = 1; seed <= SEEDS_COUNT; seed += 1) {
    const {violation} = await ground.play({seed})
    t.equal(violation, null, replayCommand({seed}))
  }
})

t.test('what was mended stays mended', async t => {
  const seeds = seedsOf(readFileSync(join(import.meta.dirname, 'seeds.txt'), 'utf8'))
  for (const [seed, was] of seeds) {
    const {violation} = await ground.play({seed})
    t.equal(violation, null, `seed ${seed}: ${was}`)
  }
  t.strictSame(seedsOf('# no\n12  a note was lost\n'), [[12, 'a note was lost']], 'the file is read')
})

t.test('the same seed is the same run, watched or not, and another is another', async t => {
  for (const seed of [3, 5]) {
    const lines: string[] = []
    const once = await ground.play({seed})
    const again = await ground.play({
      seed,
      watch: line => {
        lines.push(lineText(line))
      },
    })
    t.equal(once.hash, again.hash, `seed ${seed}`)
    t.strictSame(once.struck, again.struck)
    t.ok(lines.length > 50 && lines.every(line => line.length <= 100), 'what happened can be read')
  }
  const [three, four] = [await ground.play({seed: 3}), await ground.play({seed: 4})]
  t.not(three.hash, four.hash)
})
