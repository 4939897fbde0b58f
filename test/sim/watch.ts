/**
 * `npm run sim:watch -- --seed N`: one life as text, event by event.
 *
 *   --customers N   no more than N of them
 *   --only a#1,b#2  of all faults, those alone: as a failure prints it
 *   --bytes         what drivers log as well
 */
import {parseArgs} from 'node:util'
import {BadInput} from '../../kit/errors.ts'
import {EXIT_FAULT, EXIT_OK, runProgram, say} from '../../src/program.ts'
import {Ground} from './ground.ts'
import {lineText} from './story.ts'

await runProgram('sim', async args => {
  const {values} = parseArgs({
    args: [...args],
    options: {
      seed: {type: 'string'},
      customers: {type: 'string'},
      only: {type: 'string'},
      bytes: {type: 'boolean', default: false},
    },
  })
  const seed = Number(values.seed)
  if (!Number.isSafeInteger(seed) || seed < 1) throw new BadInput('--seed: a whole number from 1')
  const ground = await Ground.open()
  try {
    const outcome = await ground.play({
      seed,
      only: values.only === undefined ? null : new Set(values.only.split(',')),
      ...(values.customers === undefined ? {} : {customersMax: Number(values.customers)}),
      watch: line => {
        if (values.bytes || !line.who.startsWith('device.')) say(lineText(line))
      },
    })
    say(`seed ${seed}, ${outcome.visitsCount} visits, ${outcome.struck.length} faults, trace ${outcome.hash}`)
    return outcome.violation === null ? EXIT_OK : EXIT_FAULT
  } finally {
    ground.close()
  }
})
