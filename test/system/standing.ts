/**
 * One `tellerd emulate` in a process of its own, and the hands of whoever tests it: commands on standard input and
 * on the control socket, each answered by one line.
 */
import {spawn} from 'node:child_process'
import type {ChildProcessByStdio} from 'node:child_process'
import {connect} from 'node:net'
import type {Socket} from 'node:net'
import {join} from 'node:path'
import type {Readable, Writable} from 'node:stream'
import {createInterface} from 'node:readline'
import {realClock} from '../../kit/clock.ts'

export const ROOT = join(import.meta.dirname, '..', '..')
/** Longest wait for anything of a process, on a busy machine or on an emulated one. */
const PATIENCE_MS = 120_000

export const clock = realClock()

/** Looks every few ms until it is so. @throws RangeError when it does not come */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = clock.monotonicMs() + PATIENCE_MS
  while (!(await isSo())) {
    if (clock.monotonicMs() > endMs) throw new RangeError(`waited in vain: ${what}`)
    await clock.sleep(5)
  }
}

/** What the work gives. @throws RangeError when it takes too long */
async function soon<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: {cancel(): void} | null = null
  const late = new Promise<never>((_, reject) => {
    timer = clock.after(PATIENCE_MS, () => {
      reject(new RangeError(`waited in vain: ${what}`))
    })
  })
  return Promise.race([work, late]).finally(() => timer?.cancel())
}

/** One line of JSON as its fields. @throws RangeError when it is none */
export function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  const said: unknown = JSON.parse(line)
  if (typeof said !== 'object' || said === null || Array.isArray(said))
    throw new RangeError(`no JSON object: ${line}`)
  return {...said}
}

/** Lines that come from one side and answers that wait for them, in order. */
class Answers {
  readonly #lines: string[] = []
  readonly #waiting: ((line: string) => void)[] = []
  /** Every line that came, answers included. */
  readonly all: string[] = []

  constructor(input: Readable) {
    createInterface({input}).on('line', line => {
      this.all.push(line)
      const next = this.#waiting.shift()
      if (next === undefined) this.#lines.push(line)
      else next(line)
    })
  }

  async next(what: string): Promise<Readonly<Record<string, unknown>>> {
    const [line] = this.#lines.splice(0, 1)
    const coming =
      line === undefined ? new Promise<string>(resolve => this.#waiting.push(resolve)) : Promise.resolve(line)
    return fieldsOf(await soon(what, coming))
  }
}

/** One connection to a control socket. */
export class ControlSocket {
  readonly #socket: Socket
  readonly #answers: Answers

  constructor(path: string) {
    this.#socket = connect(path)
    this.#answers = new Answers(this.#socket)
  }

  ask(line: string): Promise<Readonly<Record<string, unknown>>> {
    this.#socket.write(`${line}\n`)
    return this.#answers.next(line)
  }

  close(): void {
    this.#socket.destroy()
  }
}

export interface Ended {
  readonly code: number | null
  readonly signal: string | null
}

/** One `npm run tellerd -- ...` as npm runs it, without npm. */
export class TellerdProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #answers: Answers
  readonly #ended: Promise<Ended>
  err = ''

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [join(ROOT, 'src', 'bench', 'tellerd.ts'), ...args], {
      cwd: ROOT,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {...process.env, NODE_COMPILE_CACHE: join(ROOT, '.cache', 'compiled')},
    })
    this.#answers = new Answers(this.#child.stdout)
    this.#child.stderr.on('data', (chunk: Buffer) => (this.err += chunk.toString()))
    // A command to a process that has just ended; the end itself is what the test sees.
    this.#child.stdin.on('error', () => undefined)
    this.#ended = new Promise(resolve =>
      this.#child.once('close', (code, signal) => {
        resolve({code, signal})
      }),
    )
  }

  /** Every line of standard output so far. */
  get out(): readonly string[] {
    return this.#answers.all
  }

  /** The line it says once it answers its wire. */
  async ready(): Promise<Readonly<Record<string, unknown>>> {
    const early = this.#ended.then(({code}) => {
      throw new RangeError(`ended with ${String(code)} before it was ready: ${this.err}`)
    })
    return Promise.race([this.#answers.next('ready'), early])
  }

  ask(line: string): Promise<Readonly<Record<string, unknown>>> {
    this.#child.stdin.write(`${line}\n`)
    return this.#answers.next(line)
  }

  /** Text as it is, without a newline, and no answer awaited. */
  type(text: string): void {
    this.#child.stdin.write(text)
  }

  /** The next line that it says without being asked again. */
  answer(): Promise<Readonly<Record<string, unknown>>> {
    return this.#answers.next('an answer')
  }

  endInput(): void {
    this.#child.stdin.end()
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  kill(signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT'): Promise<Ended> {
    this.#child.kill(signal)
    return this.ended()
  }

  ended(): Promise<Ended> {
    return soon('the end of the process', this.#ended)
  }
}
