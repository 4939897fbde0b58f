/** The installed command `tellerd`: one table of subcommands. */
import {parseArgs} from 'node:util'
import {everyRow} from '../journal/reader.ts'
import {realClock} from '../kit/clock.ts'
import {BadInput, reasonOf} from '../kit/errors.ts'
import {formatAmount} from '../kit/money.ts'
import {readWhole} from './audit/copy.ts'
import {readConfig} from './config.ts'
import type {Config} from './config.ts'
import {enroll} from './main.ts'
import {
  EXIT_BAD_INPUT,
  EXIT_FAULT,
  EXIT_OK,
  dialogue,
  ownTerminal,
  runProgram,
  say,
  sayError,
} from './program.ts'
import {run} from './run.ts'
import {SuspenseFold} from './session/suspense.ts'

interface Subcommand {
  /** What follows its name. */
  readonly takes: string
  readonly purpose: string
  readonly run: (args: readonly string[]) => Promise<number>
}

const HOUR_MS = 3_600_000

/** Where the package's unit looks. */
const CONFIG_PATH = '/etc/tellerd/tellerd.json'

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  run: {
    takes: '--config FILE',
    purpose: 'run the machine until told to stop',
    run: args => run(parsed(args).config),
  },
  config: {
    takes: 'check FILE',
    purpose: 'say whether a file of settings is right, and what is not',
    run: checked,
  },
  console: {
    takes: '--config FILE [--lines]',
    purpose: 'the diagnostics console of the machine that runs here',
    run: attached,
  },
  setup: {
    takes: '[--config FILE]',
    purpose: 'ask what the site knows, find the devices, and write the settings',
    run: setUp,
  },
  enroll: {
    takes: '--config FILE --code CODE',
    purpose: 'get this machine its certificate, with a code that the bank made',
    run: enrolled,
  },
  journal: {
    takes: 'verify|export|dispute ...',
    purpose: 'check the journal, print it, or tell all about one payout',
    run: audited,
  },
  suspense: withConfig('list what waits for a count or a person, oldest first', suspense),
  probe: {
    takes: 'MODEL --port PATH [--json]',
    purpose: 'ask one device who it is and how it is; moves nothing',
    run: async args => {
      // The machine at boot has no use for models that are not its own.
      const {probe} = await import('./probe.ts')
      return probe(args, realClock(), say)
    },
  },
}

function usage(): string {
  const rows = Object.entries(SUBCOMMANDS).map(
    ([name, {takes, purpose}]) => [`${name} ${takes}`, purpose] as const,
  )
  const width = Math.max(...rows.map(([words]) => words.length))
  const lines = rows.map(([words, purpose]) => `  ${words.padEnd(width)}  ${purpose}`)
  return ['usage: tellerd SUBCOMMAND ...', ...lines].join('\n')
}

async function main([name = '', ...rest]: readonly string[]): Promise<number> {
  if ([name, ...rest].includes('--help')) {
    say(usage())
    return EXIT_OK
  }
  const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined
  if (subcommand === undefined) throw new BadInput(`'${name}' is no subcommand; --help lists them`)
  return subcommand.run(rest)
}

/** A subcommand that needs the machine's settings and nothing else. */
function withConfig(purpose: string, work: (config: Config) => Promise<number>): Subcommand {
  return {takes: '--config FILE', purpose, run: args => work(configOf(args))}
}

function configOf(args: readonly string[]): Config {
  const {config, code} = parsed(args)
  if (code !== undefined) throw new BadInput('--code goes with enroll alone')
  return settings(config)
}

function settings(path: string | undefined): Config {
  if (path === undefined) throw new BadInput('--config FILE is missing')
  return readConfig(path)
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({args: [...args], options: {config: {type: 'string'}, code: {type: 'string'}}}).values
  } catch (thrown) {
    throw new BadInput(reasonOf(thrown), {cause: thrown})
  }
}

async function checked([word, file, ...more]: readonly string[]): Promise<number> {
  if (word !== 'check' || file === undefined || more.length > 0)
    throw new BadInput("'config' takes: check FILE")
  const {mistakesIn} = await import('./config-check.ts')
  const mistakes = mistakesIn(file)
  for (const mistake of mistakes) sayError(mistake)
  if (mistakes.length > 0) return EXIT_BAD_INPUT
  say(`${file}: a machine can start with it`)
  return EXIT_OK
}

async function attached(args: readonly string[]): Promise<number> {
  const isLines = args.includes('--lines')
  const {config} = parsed(args.filter(word => word !== '--lines'))
  const door = settings(config).console
  if (door === null) throw new BadInput(`${config ?? ''}: this machine has no console`)
  const {attach} = await import('./console/client.ts')
  await attach(door.socketPath, isLines, ownTerminal())
  return EXIT_OK
}

async function setUp(args: readonly string[]): Promise<number> {
  const {config, code} = parsed(args)
  if (code !== undefined) throw new BadInput('--code goes with enroll alone')
  // The machine at boot asks nobody.
  const {setup} = await import('./setup.ts')
  const person = await dialogue()
  try {
    await setup({configPath: config ?? CONFIG_PATH, root: '/'}, person, realClock())
    return EXIT_OK
  } finally {
    person.close()
  }
}

async function enrolled(args: readonly string[]): Promise<number> {
  const {config, code} = parsed(args)
  if (code === undefined) throw new BadInput('--code CODE is missing; an operator of the bank makes it')
  const {terminal, host} = settings(config)
  await enroll({terminal, host}, code)
  say(`${terminal} has its certificate: ${host.certificatePath}`)
  return EXIT_OK
}

async function suspense({currency, journal}: Config): Promise<number> {
  const clock = realClock()
  const items = await readWhole(journal.path, clock, reader => {
    const fold = new SuspenseFold()
    for (const row of everyRow(reader)) fold.add(row)
    return fold.items()
  })
  for (const {key, why, leastMinor, mostMinor, sinceMs, owner} of items) {
    const range = `${formatAmount(leastMinor, currency)} to ${formatAmount(mostMinor, currency)} ${currency}`
    const hoursCount = Math.floor((clock.wallMs() - sinceMs) / HOUR_MS)
    say(`${key}  ${why.padEnd(7)}  ${range}  for ${hoursCount} h, owner ${owner ?? 'nobody'}`)
  }
  say(`${items.length} open`)
  return EXIT_OK
}

async function audited(args: readonly string[]): Promise<number> {
  // Its threads are no concern of a machine that starts.
  const {journalCommand} = await import('./audit/command.ts')
  const isWhole = await journalCommand(args, {clock: realClock(), say, sayError})
  return isWhole ? EXIT_OK : EXIT_FAULT
}

await runProgram('tellerd', main)
