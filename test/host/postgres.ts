/**
 * A PostgreSQL of the test's own: a cluster in a temporary folder, spoken to over a socket in that folder, so that
 * no port is taken; run by an unprivileged user when the test is root, because the server refuses to be.
 */
import {spawn} from 'node:child_process'
import type {ChildProcess} from 'node:child_process'
import {chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import pg from 'pg'
import {openPostgresStore} from '../../host/store/postgres.ts'
import type {Store} from '../../host/store/port.ts'
import {assert} from '../../kit/assert.ts'
import {realClock} from '../../kit/clock.ts'
import {SystemFault, codeOf, reasonOf} from '../../kit/errors.ts'
import {silentLog} from '../../kit/log.ts'
import {systemRandom} from '../../kit/random.ts'

/** Debian's `nobody`. */
const UNPRIVILEGED_ID = 65_534
const START_MAX_MS = 60_000
const POLL_MS = 50
/** Names the socket's file; no port is opened. */
const PORT = 5432
const POOLER_PORT = 6432
const clock = realClock()

/** Files in memory, where there are any: what is tested is not the disk, and a sync costs nothing here. */
const MEMORY = '/dev/shm'

/**
 * A new folder that the server's user may write; its path is short, as those of sockets must be.
 * @param ground what is measured on a disk wants another than memory
 */
export function clusterFolder(ground = existsSync(MEMORY) ? MEMORY : tmpdir()): string {
  const folder = mkdtempSync(join(ground, 'bank-'))
  if (isRoot()) chownSync(folder, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
  return folder
}

export class Cluster {
  readonly #programs: string
  readonly #name: string
  readonly folder: string
  /** Where this server's socket is. */
  readonly socketFolder: string
  #server: ChildProcess | null = null
  #said = ''

  /**
   * @param programs folder of `initdb` and `postgres`
   * @param folder made by `clusterFolder`
   * @param name of this server in it
   * @param socketGround the same kind of folder, where the first one's path is too long for sockets
   */
  constructor(programs: string, folder: string, name: string, socketGround = folder) {
    this.#programs = programs
    this.#name = name
    this.folder = join(folder, name)
    this.socketFolder = join(socketGround, `${name}-s`)
  }

  get socketPath(): string {
    return join(this.socketFolder, `.s.PGSQL.${PORT}`)
  }

  /** What the server wrote last, for a failure's message. */
  get said(): string {
    return this.#said.slice(-4_000)
  }

  get isRunning(): boolean {
    return this.#server !== null
  }

  async init(): Promise<void> {
    // Without syncing the new files: the folder is nobody's treasure yet.
    await this.#run('initdb', [
      '-D',
      this.folder,
      '-U',
      'bank',
      '-A',
      'trust',
      '-N',
      '--locale=C',
      '-E',
      'UTF8',
    ])
  }

  /** A copy of a running server, which follows it once started. */
  async copyFrom(source: Cluster): Promise<void> {
    rmSync(this.folder, {recursive: true, force: true})
    const from = `host=${source.socketFolder} port=${PORT} user=bank application_name=${this.#name}`
    await this.#run('pg_basebackup', [
      '-D',
      this.folder,
      '-d',
      from,
      '-R',
      '-X',
      'stream',
      '-c',
      'fast',
      '-N',
    ])
  }

  /** Starts it and waits until it answers. @param settings `name=value` */
  async start(settings: readonly string[] = []): Promise<void> {
    assert(this.#server === null, 'the server runs already')
    mkdirSync(this.socketFolder, {recursive: true})
    if (isRoot()) chownSync(this.socketFolder, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    const words = ['listen_addresses=', `port=${PORT}`, 'max_connections=60', ...settings]
    const server = this.#spawn('postgres', [
      '-D',
      this.folder,
      '-k',
      this.socketFolder,
      ...words.flatMap(word => ['-c', word]),
    ])
    this.#server = server
    server.once('exit', () => {
      if (this.#server === server) this.#server = null
    })
    const endMs = clock.monotonicMs() + START_MAX_MS
    while (!(await this.#answers())) {
      if (this.#server !== server || clock.monotonicMs() > endMs)
        throw new SystemFault(`the server does not come up: ${this.said}`)
      await clock.sleep(POLL_MS)
    }
  }

  /** Sends the postmaster a signal and waits for its end. `SIGKILL`: as a power cut; its children notice. */
  async stop(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
    const server = this.#server
    if (server === null) return
    const ended = new Promise(resolve => server.once('exit', resolve))
    server.kill(signal)
    await ended
  }

  /** Stops all of it in its tracks, or lets it go on. */
  signalAll(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const pid = this.#server?.pid
    if (pid === undefined) return
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    for (const each of [pid, ...children.filter(text => text !== '').map(Number)]) sendSignal(each, signal)
  }

  async promote(): Promise<void> {
    await this.#run('pg_ctl', ['promote', '-D', this.folder, '-w'])
  }

  url(database = 'postgres'): string {
    return `postgres:///${database}?host=${this.socketFolder}&port=${PORT}&user=bank`
  }

  /** One statement, outside any transaction. */
  sql(statement: string, database = 'postgres'): Promise<readonly Record<string, unknown>[]> {
    return sqlOn(this.url(database), statement)
  }

  async #answers(): Promise<boolean> {
    try {
      await this.sql('SELECT 1')
      return true
    } catch (thrown) {
      this.#said += `${reasonOf(thrown)}\n`
      return false
    }
  }

  #spawn(program: string, args: readonly string[]): ChildProcess {
    const child = spawn(join(this.#programs, program), [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: {LC_ALL: 'C', PATH: '/usr/bin:/bin'},
      cwd: tmpdir(),
      ...(isRoot() ? {uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID} : {}),
    })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => {
        this.#said = (this.#said + bytes.toString()).slice(-20_000)
      })
    return child
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    const child = this.#spawn(program, args)
    const status = await new Promise(resolve => {
      child.once('exit', resolve)
    })
    if (status !== 0) throw new SystemFault(`${program} failed: ${this.said}`)
  }
}

/** pgbouncer in transaction mode, with fewer sessions than its clients ask for. */
export class Pooler {
  readonly #program: ChildProcess
  readonly #socketFolder: string

  private constructor(program: ChildProcess, socketFolder: string) {
    this.#program = program
    this.#socketFolder = socketFolder
  }

  /** @param folder made by `clusterFolder` */
  static async start(program: string, folder: string, cluster: Cluster): Promise<Pooler> {
    const settings = join(folder, 'pooler.ini')
    const users = join(folder, 'pooler-users')
    writeFileSync(users, '"bank" ""\n')
    writeFileSync(
      settings,
      `[databases]
* = host=${cluster.socketFolder} port=${PORT} user=bank
[pgbouncer]
listen_addr =
listen_port = ${POOLER_PORT}
unix_socket_dir = ${folder}
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = 3
`,
    )
    const child = spawn(program, ['-q', settings], {
      stdio: 'ignore',
      ...(isRoot() ? {uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID} : {}),
    })
    const socket = join(folder, `.s.PGSQL.${POOLER_PORT}`)
    const endMs = clock.monotonicMs() + START_MAX_MS
    while (!existsSync(socket)) {
      if (child.exitCode !== null || clock.monotonicMs() > endMs)
        throw new SystemFault('the pooler does not come up')
      await clock.sleep(POLL_MS)
    }
    return new Pooler(child, folder)
  }

  url(database: string): string {
    return `postgres:///${database}?host=${this.#socketFolder}&port=${POOLER_PORT}&user=bank`
  }

  async stop(): Promise<void> {
    if (this.#program.exitCode !== null) return
    const ended = new Promise(resolve => this.#program.once('exit', resolve))
    this.#program.kill('SIGINT')
    await ended
  }
}

async function sqlOn(url: string, statement: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({connectionString: url, connectionTimeoutMillis: 5_000})
  await client.connect()
  try {
    const {rows} = await client.query<Record<string, unknown>>(statement)
    return rows
  } finally {
    await client.end()
  }
}

/** Has the tables already: to copy them is quicker than to make them. */
const TEMPLATE = 'migrated'

/** Makes a database on a single server and opens it. @param url of any database there */
export async function openNewDatabase(url: string, name: string): Promise<Store> {
  const templates = await sqlOn(url, `SELECT 1 FROM pg_database WHERE datname = '${TEMPLATE}'`)
  if (templates.length === 0) {
    await sqlOn(url, `CREATE DATABASE ${TEMPLATE}`)
    await (await openStore(url, TEMPLATE)).close()
  }
  await sqlOn(url, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`)
  return openStore(url, name)
}

function openStore(url: string, name: string): Promise<Store> {
  return openPostgresStore({
    url: url.replace('/postgres?', `/${name}?`),
    durability: 'server',
    // Real, whatever the test's own clock does: what passes here is the server's time.
    clock,
    random: systemRandom(),
    log: silentLog,
  })
}

/** To a process that may have ended meanwhile. */
function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (thrown) {
    if (codeOf(thrown) !== 'ESRCH') throw thrown
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}
