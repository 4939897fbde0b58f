/**
 * `npm run canary -- --visits 10000`: card numbers, tracks and PINs that nothing else has go through whole lives of the
 * machine with everything going wrong, and are looked for in every byte that it and its bank leave behind: the journal's
 * and the bank's files, every line of the log, every screen, the transcripts of all wires, status, figures, and exports;
 * as text, in hexadecimal, in base64 and packed. Exit 1 when one is found.
 */
import {parseArgs} from 'node:util'
import {BadInput} from '../../kit/errors.ts'
import {EXIT_FAULT, EXIT_OK, runProgram, say} from '../../src/program.ts'
import {Ground} from '../sim/ground.ts'
import {replayCommand} from '../sim/story.ts'

const VISITS_DEFAULT = '10000'
const TELL_EVERY = 1_000
const SECRET_PROMISE = 'no-secret-is-kept'

await runProgram('canary', async args => {
  const {values} = parseArgs({args: [...args], options: {visits: {type: 'string', default: VISITS_DEFAULT}}})
  const wanted = Number(values.visits)
  if (!Number.isSafeInteger(wanted) || wanted < 1)
    throw new BadInput(`--visits: '${values.visits}' is no whole number from 1`)
  const ground = await Ground.open()
  try {
    let visits = 0
    for (let seed = 1; visits < wanted; seed += 1) {
      const before = visits
      const {violation, visitsCount} = await ground.play({seed, isThorough: true})
      visits += visitsCount
      if (violation !== null) {
        say(`seed ${seed}: ${violation.promise}: ${violation.detail}`)
        say(`again: ${replayCommand({seed})}`)
        // Another promise that broke is what npm run sim is for.
        if (violation.promise === SECRET_PROMISE) return EXIT_FAULT
      }
      if (Math.floor(visits / TELL_EVERY) > Math.floor(before / TELL_EVERY))
        say(`${visits} visits, ${seed} lives of machines, nothing found`)
    }
    say(`${visits} visits: nothing found`)
    return EXIT_OK
  } finally {
    ground.close()
  }
})
