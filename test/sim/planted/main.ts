/**
 * `npm run sim:planted`: plants one mistake after another in a copy of the sources and lets the simulator look for it.
 * Exit 1 when more than MISSED_MAX were missed.
 *
 *   npm run sim:planted                     all of them
 *   npm run sim:planted -- --seeds 500 STAN those whose name holds STAN, with more seeds each
 */
import {availableParallelism} from 'node:os'
import {parseArgs} from 'node:util'
import {realClock} from '../../../kit/clock.ts'
import {BadInput} from '../../../kit/errors.ts'
import {EXIT_FAULT, EXIT_OK, runProgram, say} from '../../../src/program.ts'
import {Field} from './hunt.ts'
import type {Hunted} from './hunt.ts'
import {PLANTED} from './table.ts'

const SEEDS_DEFAULT = 400
const MISSED_MAX = 2

await runProgram('sim:planted', async args => {
  const {values, positionals} = parseArgs({
    args: [...args],
    options: {seeds: {type: 'string'}},
    allowPositionals: true,
  })
  const seedsMax = Number(values.seeds ?? SEEDS_DEFAULT)
  if (!Number.isSafeInteger(seedsMax) || seedsMax < 1) throw new BadInput('--seeds: a whole number from 1')
  const waiting = PLANTED.filter(({name}) => positionals.every(part => name.includes(part)))
  if (waiting.length === 0) throw new BadInput(`no mistake is named so; there are ${PLANTED.length}`)
  const total = waiting.length
  const clock = realClock()
  const hunted: Hunted[] = []
  const sound = new Field()
  const isSound = await sound.isSound(seedsMax).finally(() => {
    sound.remove()
  })
  if (!isSound) {
    say('the sources themselves break a promise: npm run sim tells which')
    return EXIT_FAULT
  }
  const work = async (): Promise<void> => {
    const field = new Field()
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const startMs = clock.monotonicMs()
        const found = await field.hunt(next, seedsMax)
        hunted.push(found)
        const how = found.promise === null ? 'MISSED' : `${found.promise}, seed ${found.seed}`
        say(`${next.name.padEnd(60)} ${how}  ${((clock.monotonicMs() - startMs) / 1_000).toFixed(0)} s`)
      }
    } finally {
      field.remove()
    }
  }
  await Promise.all(Array.from({length: Math.min(availableParallelism(), total)}, work))
  const missedCount = hunted.filter(({promise}) => promise === null).length
  say(`${total - missedCount} of ${total} found`)
  return missedCount > MISSED_MAX ? EXIT_FAULT : EXIT_OK
})
