/**
 * System calls of this very thread that fail as a bad or a full disk makes them fail: strace, attached from outside,
 * puts the error in the call's place, on the named files alone. SQLite works in the thread that calls it, so nothing
 * has to be started anew for it.
 */
import {spawn} from 'node:child_process'
import type {ChildProcess} from 'node:child_process'
import {readFileSync} from 'node:fs'
import type {Test} from 'tap'
import {realClock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import {missingProgram, skipUnless} from '../needs.ts'

/** What SQLite asks of a disk: to open, write, cut and sync files, and to read them. */
export const DISK_CALLS = ['openat', 'pwrite64', 'ftruncate', 'fsync', 'pread64'] as const

export interface FailingCall {
  readonly call: (typeof DISK_CALLS)[number]
  /** From 1, of the calls on those files. */
  readonly time: number
  readonly error: 'EIO' | 'ENOSPC'
  /** Whether every later one of its kind fails too. */
  readonly lasts: boolean
}

const ATTACH_TIMEOUT_MS = 20_000
const LOOK_MS = 2
const clock = realClock()

/** `fsync 12 fails with EIO from then on`. */
export function failureText({call, time, error, lasts}: FailingCall): string {
  return `${call} ${time} fails with ${error} ${lasts ? 'from then on' : 'once'}`
}

/** Whether this process may be traced by its own child; the test is marked as skipped when it may not. */
export function canTrace(t: Test): boolean {
  return (
    skipUnless(t, missingProgram(['strace']) === null, 'strace') &&
    skipUnless(t, process.getuid?.() === 0, 'tracing as root')
  )
}

/** strace, attached to this thread. */
export class Tracer {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #outPath: string

  private constructor(child: ChildProcess, outPath: string) {
    this.#child = child
    this.#outPath = outPath
    this.#ended = new Promise(resolve => child.once('close', resolve))
  }

  /**
   * @param paths the files, there or not yet there
   * @param outPath where strace notes each call on them
   * @param failing null: they are counted alone
   * @throws SystemFault when strace does not attach
   */
  static async attach(
    paths: readonly string[],
    outPath: string,
    failing: FailingCall | null,
  ): Promise<Tracer> {
    const calls = failing === null ? DISK_CALLS.join() : failing.call
    const words = [
      ...['-p', String(process.pid), '-qq', '-o', outPath],
      ...paths.flatMap(path => ['-P', path]),
      ...['-e', `trace=${calls}`],
      ...(failing === null
        ? []
        : ['-e', `inject=${calls}:error=${failing.error}:when=${failing.time}${failing.lasts ? '+' : ''}`]),
    ]
    const tracer = new Tracer(spawn('strace', words, {stdio: 'ignore'}), outPath)
    const endMs = clock.monotonicMs() + ATTACH_TIMEOUT_MS
    while (!/^TracerPid:\s*[1-9]/m.test(readFileSync('/proc/self/status', 'utf8'))) {
      if (tracer.#child.exitCode !== null || clock.monotonicMs() > endMs) {
        await tracer.detach()
        throw new SystemFault('strace does not attach')
      }
      await clock.sleep(LOOK_MS)
    }
    return tracer
  }

  /** Lets go. Harmless when it has already. */
  async detach(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended
  }

  /** After `detach`: how often each call was made on the files, and how many were made to fail. */
  counted(): {
    readonly calls: ReadonlyMap<(typeof DISK_CALLS)[number], number>
    readonly failedCount: number
  } {
    const lines = readFileSync(this.#outPath, 'utf8').split('\n')
    const countOf = (start: string): number => lines.filter(line => line.startsWith(start)).length
    return {
      calls: new Map(DISK_CALLS.map(call => [call, countOf(`${call}(`)])),
      failedCount: lines.filter(line => line.endsWith('(INJECTED)')).length,
    }
  }
}
