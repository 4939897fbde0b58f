/** A hundred thousand bytes of noise at both doors of the console; `npm run fuzz -- console` makes it a million. */
import t from 'tap'
import {inputAt, joined} from '../fuzz/input.ts'
import {fuzz} from '../fuzz/run.ts'
import {noisy} from './noise.ts'

const SEED = 'everyday'
/** At each door. */
const BYTES_COUNT = 50_000

for (const door of ['terminal', 'rig'] as const)
  t.test(`noise at the ${door} does nothing`, async t => {
    const target = noisy(door)
    let inputsCount = 0
    for (let bytes = 0; bytes < BYTES_COUNT; inputsCount++)
      bytes += joined(inputAt(SEED, target.name, inputsCount, target.good)).length
    t.equal(await fuzz(target, SEED, inputsCount), null)
  })
