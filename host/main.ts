/** The bank as a program: reads its settings, starts, and stops when told. */
import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {join, resolve} from 'node:path'
import {parseArgs} from 'node:util'
import {atmId} from './api/schema.ts'
import {flag, list, optional, record, text, wholeNumber} from './api/shape.ts'
import type {Of} from './api/shape.ts'
import {verifyAudit} from './guard/audit.ts'
import {openGuard} from './guard/guard.ts'
import type {Role} from './guard/roles.ts'
import {openBankState, startHost} from './start.ts'
import type {HostOptions, RunningHost} from './start.ts'
import {realClock} from '../kit/clock.ts'
import type {Clock} from '../kit/clock.ts'
import {BadInput, SystemFault, reasonOf} from '../kit/errors.ts'
import {readJson} from '../kit/exact-json.ts'
import {lineLog} from '../kit/log.ts'
import type {Log} from '../kit/log.ts'
import {systemRandom} from '../kit/random.ts'

const USAGE = `usage: npm run host -- [--config FILE] [--state DIR] [--address ADDR] [--port PORT]
                       [--atm ID]... [--db URL [--single-server]] [--seed-demo] [--verify-audit]
  --config FILE   JSON with state, address, port, atms, db, single_server, seed_demo; the other flags go
                  before it
  --state DIR     database, keys and certificates (default: state/bank)
  --address ADDR  where to listen (default: 127.0.0.1)
  --port PORT     0 takes a free one (default: 8443)
  --atm ID        a machine to make a demo certificate for; repeatable (default: ATM123)
  --db URL        postgres://USER@HOST:PORT/NAME instead of a file in the state folder; so does TELLERD_HOST_DB
                  in the environment. Programs that share a database share the rest of the folder too
  --single-server development alone: take a PostgreSQL that has no synchronous standby
  --seed-demo     fill an empty bank with demo people, cards and the machines
  --verify-audit  check the audit of that folder, entry by entry, and end: 0 whole, 1 broken
`

const anyText = text('a text', /^.{1,400}$/s, 400)
const settings = record({
  state: optional(anyText),
  address: optional(anyText),
  port: optional(wholeNumber('a port', 0, 65_535)),
  atms: optional(list(atmId, 100)),
  db: optional(anyText),
  single_server: optional(flag),
  seed_demo: optional(flag),
})

interface Wish extends HostOptions {
  /** And nothing else. */
  readonly verifiesAudit: boolean
}

/** @throws BadInput */
function optionsOf(args: readonly string[]): Wish | 'help' {
  const {values} = parsed(args)
  if (values.help === true) return 'help'
  const file = values.config === undefined ? {} : readSettings(values.config)
  const port = values.port === undefined ? (file.port ?? 8443) : portOf(values.port)
  for (const id of values.atm ?? []) {
    const checked = atmId.decode(id, 'refuse')
    if (checked.kind === 'refused') throw new BadInput(`--atm ${checked.why}`)
  }
  return {
    stateFolder: values.state ?? file.state ?? 'state/bank',
    address: values.address ?? file.address ?? '127.0.0.1',
    port,
    atmIds: values.atm ?? file.atms ?? ['ATM123'],
    seedDemo: values['seed-demo'] ?? file.seed_demo ?? false,
    database: values.db ?? process.env['TELLERD_HOST_DB'] ?? file.db,
    singleServer: values['single-server'] ?? file.single_server ?? false,
    verifiesAudit: values['verify-audit'] ?? false,
  }
}

/** @throws BadInput */
function portOf(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new BadInput('--port is no number from 0 to 65535')
  return port
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        config: {type: 'string'},
        state: {type: 'string'},
        address: {type: 'string'},
        port: {type: 'string'},
        atm: {type: 'string', multiple: true},
        db: {type: 'string'},
        'single-server': {type: 'boolean'},
        'seed-demo': {type: 'boolean'},
        'verify-audit': {type: 'boolean'},
        help: {type: 'boolean'},
      },
    })
  } catch (thrown) {
    throw new BadInput(reasonOf(thrown), {cause: thrown})
  }
}

function readSettings(path: string): Of<typeof settings> {
  let source: string
  try {
    source = readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new BadInput(`cannot read ${path}: ${reasonOf(thrown)}`, {cause: thrown})
  }
  const read = readJson(source)
  if (read.kind === 'refused') throw new BadInput(`${path} is no JSON: ${read.why}`)
  const decoded = settings.decode(read.json, 'refuse')
  if (decoded.kind === 'refused') throw new BadInput(`${path} ${decoded.why}`)
  return decoded.value
}

/** Something to ask as each of the demo people. */
const DEMO_PATHS: Readonly<Record<Role, string>> = {
  teller: '/api/accounts/12345/balance',
  operator: '/api/atms',
  supervisor: '/api/differences',
  auditor: '/api/transactions',
}

/** Settings for curl with which it is one of the demo people. */
function curlPath(stateFolder: string, name: string): string {
  return join(stateFolder, `demo-${name}.curl`)
}

function curlSettings(stateFolder: string, token: string): string {
  const authority = resolve(stateFolder, 'certificates', 'authority.crt')
  return `cacert = "${authority}"\nheader = "Authorization: Bearer ${token}"\n`
}

/** What whoever started the bank must know to get in; it is written nowhere else. */
function welcome({firstCode, demoPeople, url}: RunningHost, stateFolder: string): readonly string[] {
  const first =
    firstCode === null
      ? []
      : [`nobody works here yet; code for the first supervisor, good for a day and once: ${firstCode}`]
  const demo = demoPeople.flatMap(({name, role, password, totpUri}) => [
    `demo ${role} ${name}, password ${password}, ${totpUri}`,
    `  signed in already: curl -K ${curlPath(stateFolder, name)} ${url}${DEMO_PATHS[role]}`,
  ])
  return [
    ...first,
    ...(demo.length === 0
      ? []
      : ['DEMO PEOPLE, FOR PLAYING ONLY: their secrets are shown here and kept readable']),
    ...demo,
  ]
}

/** Says what the audit is found to be, and gives the exit code. */
async function verified(options: HostOptions, clock: Clock, log: Log): Promise<number> {
  const {stateFolder} = options
  if (!existsSync(stateFolder)) throw new BadInput(`${stateFolder} does not exist`)
  const {store, keys} = await openBankState(options, clock, systemRandom(), log)
  const verdict = await verifyAudit({store, guard: openGuard(keys, systemRandom())})
  await store.close()
  process.stdout.write(
    verdict.kind === 'whole'
      ? `whole: ${verdict.count} entries, head ${verdict.head}\n`
      : `broken at entry ${verdict.seq}: ${verdict.why}\n`,
  )
  return verdict.kind === 'whole' ? 0 : 1
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2))
  if (options === 'help') {
    process.stdout.write(USAGE)
    return
  }
  const clock = realClock()
  const log = lineLog(clock, line => process.stderr.write(`${line}\n`), 'info', 'host')
  if (options.verifiesAudit) {
    process.exitCode = await verified(options, clock, log)
    return
  }
  const host = await startHost(options, clock, systemRandom(), log)
  process.stdout.write(`bank listening on ${host.url}, host pin ${host.hostPin}\n`)
  process.stdout.write(`for the machines’ settings: ${join(options.stateFolder, 'certificates')}\n`)
  process.stdout.write(`back office ${host.url}/, API ${host.url}/api/docs\n`)
  for (const {name, token} of host.demoPeople)
    writeFileSync(curlPath(options.stateFolder, name), curlSettings(options.stateFolder, token), {
      mode: 0o600,
    })
  for (const line of welcome(host, options.stateFolder)) process.stdout.write(`${line}\n`)
  const stop = () => {
    host.close().catch((thrown: unknown) => {
      log.error('the bank did not stop cleanly', {why: reasonOf(thrown)})
    })
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

try {
  await main()
} catch (thrown) {
  if (!(thrown instanceof BadInput || thrown instanceof SystemFault)) throw thrown
  process.stderr.write(`${thrown.message}\n`)
  process.exitCode = thrown instanceof BadInput ? 2 : 1
}
