/**
 * `npm run sim:watch -- --seed N`: one life as text, event by event.
 *
 *   --customers N   no more than N of them
 *   --only a#1,b#2  of all faults, those alone: as a failure prints it
 *   --bytes         what drivers log as well
 *   --page          on the bench's page instead, at the speed chosen there
 *   --port PORT     of that page, on this computer only (default 8400; 0 takes a free one)
 */
import {parseArgs} from 'node:util'
import {BadInput} from '../../kit/errors.ts'
import {startBenchServer} from '../../src/bench/server.ts'
import {EXIT_FAULT, EXIT_OK, askedToStop, crashProgram, runProgram, say} from '../../src/program.ts'
import {Ground} from './ground.ts'
import type {Played} from './ground.ts'
import {PlayedBench} from './played.ts'
import {lineText} from './story.ts'

await runProgram('sim', async args => {
  const {values} = parseArgs({
    args: [...args],
    options: {
      seed: {type: 'string'},
      customers: {type: 'string'},
      only: {type: 'string'},
      bytes: {type: 'boolean', default: false},
      page: {type: 'boolean', default: false},
      port: {type: 'string', default: '8400'},
    },
  })
  const seed = Number(values.seed)
  if (!Number.isSafeInteger(seed) || seed < 1) throw new BadInput('--seed: a whole number from 1')
  const port = Number(values.port)
  if (!Number.isSafeInteger(port) || port < 0 || port > 65_535)
    throw new BadInput('--port: a number from 0 to 65535')
  const ground = await Ground.open()
  const played = {
    seed,
    only: values.only === undefined ? null : new Set(values.only.split(',')),
    ...(values.customers === undefined ? {} : {customersMax: Number(values.customers)}),
  }
  if (values.page) return onPage(ground, played, port)
  try {
    const outcome = await ground.play({
      ...played,
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

/** Until somebody stops it: the last picture stays. */
async function onPage(ground: Ground, played: Played, port: number): Promise<number> {
  const bench = new PlayedBench(ground, played)
  const server = await startBenchServer(bench, {host: '127.0.0.1', port})
  say(`Seed ${played.seed} on the bench: ${server.url}`)
  bench.play().catch(crashProgram('sim'))
  await askedToStop()
  await server.close()
  ground.close()
  return EXIT_OK
}
