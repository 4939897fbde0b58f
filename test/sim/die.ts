/**
 * `npm run sim:die`: every scene, once for each call at which its computer can die.
 *
 *   npm run sim:die                          every scene, every call
 *   npm run sim:die -- --pairs               on the plain withdrawals: every call, and every call after it
 *   npm run sim:die -- --part 1/2            the first half, for one of two cores
 *   npm run sim:die -- --scene NAME --deaths power.frame#17,power.bank#4     one run, as text
 *
 * Exit 1 when a promise was broken.
 */
import {parseArgs} from 'node:util'
import {BadInput} from '../../kit/errors.ts'
import {EXIT_FAULT, EXIT_OK, runProgram, say} from '../../src/program.ts'
import {deathText, deathsAfter, deathsIn, parseDeath, playDeaths} from './deaths.ts'
import type {Death} from './deaths.ts'
import {Ground} from './ground.ts'
import type {Outcome} from './run.ts'
import {PLAIN, SCENES} from './scenes.ts'
import type {Scene} from './scenes.ts'
import {lineText} from './story.ts'

await runProgram('sim', async args => {
  const {values} = parseArgs({
    args: [...args],
    options: {
      pairs: {type: 'boolean', default: false},
      part: {type: 'string', default: '1/1'},
      scene: {type: 'string'},
      deaths: {type: 'string', default: ''},
    },
  })
  const ground = await Ground.open()
  try {
    if (values.scene !== undefined) return await one(ground, values.scene, values.deaths)
    const isMine = partOf(values.part)
    const scenes = (values.pairs ? PLAIN : SCENES).filter((_, index) => isMine(index))
    let broken = 0
    for (const scene of scenes) broken += await (values.pairs ? pairsOf : singlesOf)(ground, scene)
    return broken === 0 ? EXIT_OK : EXIT_FAULT
  } finally {
    ground.close()
  }
})

function partOf(text: string): (index: number) => boolean {
  const [, part, of] = /^([1-9][0-9]*)\/([1-9][0-9]*)$/.exec(text) ?? []
  if (part === undefined || Number(part) > Number(of))
    throw new BadInput(`--part: '${text}' is no part such as 1/2`)
  return index => index % Number(of) === Number(part) - 1
}

async function one(ground: Ground, name: string, deaths: string): Promise<number> {
  const scene = SCENES.find(each => each.name === name)
  if (scene === undefined) throw new BadInput(`--scene: there is none '${name}'`)
  const parsed = deaths === '' ? [] : deaths.split(',').map(parsedDeath)
  const outcome = await playDeaths(ground, scene, parsed, line => {
    say(lineText(line))
  })
  return tell(scene, parsed, outcome) ? EXIT_FAULT : EXIT_OK
}

function parsedDeath(text: string): Death {
  const death = parseDeath(text)
  if (death === null) throw new BadInput(`--deaths: '${text}' is none, as power.frame#17 is`)
  return death
}

async function singlesOf(ground: Ground, scene: Scene): Promise<number> {
  const deaths = deathsIn(await playDeaths(ground, scene, []))
  let broken = 0
  for (const death of deaths) if (tell(scene, [death], await playDeaths(ground, scene, [death]))) broken += 1
  say(`${scene.name}: died at ${deaths.length} calls, ${broken} broken`)
  return broken
}

async function pairsOf(ground: Ground, scene: Scene): Promise<number> {
  let broken = 0
  let pairs = 0
  for (const first of deathsIn(await playDeaths(ground, scene, []))) {
    for (const second of deathsAfter(await playDeaths(ground, scene, [first]))) {
      pairs += 1
      const both = [first, second]
      if (tell(scene, both, await playDeaths(ground, scene, both))) broken += 1
    }
  }
  say(`${scene.name}: died at ${pairs} pairs of calls, ${broken} broken`)
  return broken
}

/** @returns whether a promise was broken, having said so */
function tell({name}: Scene, deaths: readonly Death[], {violation}: Outcome): boolean {
  if (violation === null) return false
  say(`BROKEN ${violation.promise}: ${violation.detail}`)
  say(`again: npm run sim:die -- --scene '${name}' --deaths '${deaths.map(deathText).join()}'`)
  return true
}
