/** `npm start`: the bench. A whole machine with emulated devices, its bank, and one page to play with them. */
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {JournalReader} from '../../journal/reader.ts'
import {realClock} from '../../kit/clock.ts'
import {BadInput, SystemFault, reasonOf} from '../../kit/errors.ts'
import {lineLog, silentLog} from '../../kit/log.ts'
import {parseAmount} from '../../kit/money.ts'
import {systemRandom} from '../../kit/random.ts'
import {EXIT_OK, askedToStop, crashProgram, runProgram, say, sayError} from '../program.ts'
import {readPast} from '../session/past.ts'
import {LiveBench} from './bench.ts'
import {drawingOn} from '../paper/picture.ts'
import {PACES} from './pace.ts'
import {BENCH_DISPENSERS} from './rig.ts'
import {startBenchServer} from './server.ts'
import {setTable} from './table.ts'
import type {TableOptions} from './table.ts'

const USAGE = `usage: npm start -- [options]
  --port PORT          of the page, on this computer only (default 8400; 0 takes a free one)
  --dispenser MODEL    ${BENCH_DISPENSERS.join(' or ')} (default lcdm2000)
  --fee AMOUNT         fee of the operator, shown before it is charged (default 0)
  --state FOLDER       where journal, bank and certificates are kept (default state/bench)
  --verbose            the log on standard error`

const FULL: TableOptions['notes'] = {1: 100, 2: 100, 3: 100, 4: 100}

interface Wanted extends Pick<TableOptions, 'folder' | 'dispenser' | 'feeMinor'> {
  readonly port: number
  readonly verbose: boolean
}

async function main(args: readonly string[]): Promise<number> {
  const wanted = wantedFrom(args)
  if (wanted === 'help') {
    say(USAGE)
    return EXIT_OK
  }
  const clock = realClock()
  const log = wanted.verbose ? lineLog(clock, sayError, 'debug') : silentLog
  const crash = crashProgram('bench')
  const {folder, dispenser, feeMinor, port} = wanted
  const notes = notesFor(join(folder, 'journal.db'))
  const table = await setTable({
    folder,
    bank: 'tls',
    dispenser,
    printer: 'escpos',
    draw: drawingOn(clock),
    timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
    feeMinor,
    notes,
    pace: PACES.iron,
    clock,
    random: systemRandom(),
    log,
    crash,
  })
  const bench = new LiveBench(table, clock, crash)
  const server = await startBenchServer(bench, {host: '127.0.0.1', port})
  table.machine.start()
  say(`Tellerd's bench is ready: ${server.url}`)
  await askedToStop()
  await server.close()
  await table.stop()
  return EXIT_OK
}

/** Emulated cassettes hold what the journal of the last run says is in them: nobody opened the safe meanwhile. */
function notesFor(journalPath: string): TableOptions['notes'] {
  if (!existsSync(journalPath)) return FULL
  const reader = journalAt(journalPath)
  try {
    const {levels} = readPast(reader)
    return {...FULL, ...Object.fromEntries(levels.map(({cassette, count}) => [cassette, count]))}
  } finally {
    reader.close()
  }
}

function journalAt(path: string): JournalReader {
  try {
    return JournalReader.open(path)
  } catch (thrown) {
    if (!(thrown instanceof SystemFault)) throw thrown
    throw new BadInput(`${thrown.message}; with another --state FOLDER everything begins anew`, {
      cause: thrown,
    })
  }
}

function wantedFrom(args: readonly string[]): Wanted | 'help' {
  const values = parsed(args)
  if (values.help === true) return 'help'
  const dispenser = BENCH_DISPENSERS.find(model => model === (values.dispenser ?? 'lcdm2000'))
  if (dispenser === undefined) throw new BadInput(`--dispenser: must be ${BENCH_DISPENSERS.join(' or ')}`)
  const fee = parseAmount(values.fee ?? '0', 'EUR')
  if (fee.kind === 'refused') throw new BadInput(`--fee: ${fee.why}`)
  const port = /^[0-9]{1,5}$/.test(values.port ?? '8400') ? Number(values.port ?? '8400') : NaN
  if (!(port <= 65_535)) throw new BadInput('--port: must be a number from 0 to 65535')
  return {
    folder: values.state ?? join('state', 'bench'),
    dispenser,
    feeMinor: fee.amountMinor,
    port,
    verbose: values.verbose === true,
  }
}

function parsed(args: readonly string[]) {
  const text = {type: 'string'} as const
  const flag = {type: 'boolean'} as const
  try {
    return parseArgs({
      args: [...args],
      options: {port: text, dispenser: text, fee: text, state: text, verbose: flag, help: flag},
    }).values
  } catch (thrown) {
    throw new BadInput(reasonOf(thrown), {cause: thrown})
  }
}

await runProgram('bench', main)
