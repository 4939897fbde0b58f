/** Host processes: real ones, each behind a proxy of its own whose port outlives them. */
import {spawn} from 'node:child_process'
import type {ChildProcess} from 'node:child_process'
import {appendFileSync} from 'node:fs'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {Proxy} from './proxy.ts'
import type {Cut} from './proxy.ts'
import type {History} from './history.ts'
import {endingAt} from '../system/last-call.ts'
import type {LastCall} from '../system/last-call.ts'
import {assert, present} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'

/** A host that has no database to begin with is started again so often. */
const START_MAX_MS = 40_000
const START_AGAIN_MS = 200
const STOP_MAX_MS = 10_000
/** The pieces in which a TLS client greets: its hello, and the end of its handshake. */
const TLS_HANDSHAKE_COUNT = 2

/** What a host says when it is ready. */
export interface Ready {
  readonly port: number
  readonly hostPin: string
  readonly signingCertificate: string
}

export interface HostOptions {
  /** Of the tree whose sources the process runs. */
  readonly root: string
  readonly stateFolder: string
  readonly worldPath: string
  /** Null for the file in the state folder. */
  readonly databaseUrl: string | null
  /** Where what it writes goes. */
  readonly logPath: string
  readonly clock: Clock
  readonly history: History
  readonly onCut: (cut: Cut, name: string) => void
}

export class HostProcess {
  readonly name: string
  readonly proxy: Proxy
  readonly #options: HostOptions
  #child: ChildProcess | null = null
  #gone: Promise<unknown> = Promise.resolve()
  #isWanted = false
  /** Ends that nobody asked for. */
  deathsCount = 0

  static async open(name: string, options: HostOptions): Promise<HostProcess> {
    const proxy = await Proxy.open({...options, name, handshakeCount: TLS_HANDSHAKE_COUNT})
    return new HostProcess(name, options, proxy)
  }

  private constructor(name: string, options: HostOptions, proxy: Proxy) {
    this.name = name
    this.#options = options
    this.proxy = proxy
  }

  /** Starts it until it is ready. @throws SystemFault when it never is */
  async start(): Promise<Ready> {
    assert(this.#child === null, `${this.name} runs already`)
    const {clock, history} = this.#options
    const endMs = clock.monotonicMs() + START_MAX_MS
    for (;;) {
      const ready = await this.#started()
      if (ready !== null) {
        this.proxy.leadTo({host: '127.0.0.1', port: ready.port})
        history.fault(`${this.name} is up`)
        return ready
      }
      if (clock.monotonicMs() > endMs)
        throw new SystemFault(`${this.name} does not start; see ${this.#options.logPath}`)
      await clock.sleep(START_AGAIN_MS)
    }
  }

  /**
   * Starts it once, to end before that call, ready or not. Resolves when it has.
   * @throws SystemFault when it does not make the call in time
   */
  async liveUntil(last: LastCall): Promise<void> {
    assert(this.#child === null, `${this.name} runs already`)
    const {clock, history} = this.#options
    history.fault(`${this.name} is to end at ${last.name} ${last.time}`)
    const ready = await this.#started(last)
    if (ready !== null) this.proxy.leadTo({host: '127.0.0.1', port: ready.port})
    const life = {isLate: false}
    const timer = clock.after(START_MAX_MS, () => {
      life.isLate = true
      this.#child?.kill('SIGKILL')
    })
    await this.#gone
    timer.cancel()
    this.proxy.leadTo(null)
    if (life.isLate) throw new SystemFault(`${this.name} makes no ${last.name} for the ${last.time}th time`)
  }

  /** Power off. */
  async kill(): Promise<void> {
    this.#options.history.fault(`${this.name} killed`)
    await this.#ended('SIGKILL')
    this.proxy.leadTo(null)
  }

  /** Stands still, connections open, until it goes on. */
  async pause(durationMs: number): Promise<void> {
    this.#options.history.fault(`${this.name} paused for ${durationMs} ms`)
    this.#child?.kill('SIGSTOP')
    await this.#options.clock.sleep(durationMs)
    this.#child?.kill('SIGCONT')
  }

  /** Lets it finish what it does. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#isWanted = false
    const gone = new Promise(resolve => child.once('close', resolve))
    child.stdin?.end()
    const timer = this.#options.clock.after(STOP_MAX_MS, () => child.kill('SIGKILL'))
    await gone
    timer.cancel()
  }

  async close(): Promise<void> {
    await this.#ended('SIGKILL')
    await this.proxy.close()
  }

  async #ended(signal: 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#isWanted = false
    const gone = new Promise(resolve => child.once('close', resolve))
    child.kill(signal)
    await gone
  }

  /** One try; null when it ended before it was ready. */
  #started(last: LastCall | null = null): Promise<Ready | null> {
    const child = spawnHost(this.#options, [], last)
    this.#child = child
    this.#isWanted = last === null
    this.#gone = new Promise(resolve => child.once('close', resolve))
    return new Promise(resolve => {
      let isReady = false
      child.once('close', () => {
        if (this.#child === child) this.#child = null
        if (isReady && this.#isWanted) {
          this.deathsCount += 1
          this.#options.history.fault(`${this.name} ended by itself`)
          this.proxy.leadTo(null)
        }
        resolve(null)
      })
      if (child.stdout === null) return
      createInterface({input: child.stdout}).once('line', line => {
        isReady = true
        resolve(readyOf(line))
      })
    })
  }
}

/** Makes the bank: tables, people, machines, cards, opening balances. @throws SystemFault */
export async function seedBank(options: HostOptions): Promise<void> {
  const child = spawnHost(options, ['--seed'])
  const status = await new Promise(resolve => child.once('close', resolve))
  if (status !== 0) throw new SystemFault(`the bank could not be made; see ${options.logPath}`)
}

function spawnHost(
  {root, stateFolder, worldPath, databaseUrl, logPath}: HostOptions,
  flags: readonly string[],
  last: LastCall | null = null,
): ChildProcess {
  const command = [process.execPath, join(root, 'test', 'bank', 'host.ts')]
  const words = ['--state', stateFolder, '--world', worldPath, ...flags]
  const whole = [...command, ...words, ...(databaseUrl === null ? [] : ['--db', databaseUrl])]
  const [program, ...rest] = last === null ? whole : endingAt(last, whole)
  const child = spawn(present(program, 'a program'), rest, {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
    // A host that is killed every other second spends less of it on reading its sources again.
    env: {...process.env, NODE_COMPILE_CACHE: join(root, '.cache', 'compiled')},
  })
  child.stderr.on('data', (bytes: Buffer) => {
    appendFileSync(logPath, bytes)
  })
  return child
}

function readyOf(line: string): Ready {
  const parsed: unknown = JSON.parse(line)
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- what test/bank/host.ts wrote, and nobody else
  return parsed as Ready
}
