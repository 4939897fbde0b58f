/**
 * A Debian 12 with systemd as its first process, in a container of this machine: what a package meets when it is
 * installed and booted. Needs root, systemd-nspawn and debootstrap.
 */
import {execFile, spawn} from 'node:child_process'
import type {ChildProcess} from 'node:child_process'
import {existsSync, mkdirSync, readFileSync, renameSync, rmSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {assert} from '../../kit/assert.ts'
import {SystemFault} from '../../kit/errors.ts'
import {clock} from './iron.ts'

const CACHE = join(dirname(dirname(import.meta.dirname)), '.cache')
/** What the package depends on, and what boots. */
const INCLUDED = 'systemd,systemd-sysv,dbus,libusb-1.0-0,libudev1,libstdc++6'
const COMMAND_TIMEOUT_MS = 240_000
/** A start of systemd and its first commands; a quiet machine takes a second. */
const BOOT_MAX_MS = 60_000

export interface Ran {
  readonly status: number | null
  readonly out: string
}

/** A fresh root file system at that path; the first ever is fetched and kept. */
export async function freshRoot(path: string): Promise<void> {
  const base = join(CACHE, 'bookworm')
  if (!existsSync(base)) {
    mkdirSync(CACHE, {recursive: true})
    const half = `${base}.half`
    rmSync(half, {recursive: true, force: true})
    const {status, out} = await ran(
      'debootstrap',
      ['--variant=minbase', `--include=${INCLUDED}`, 'bookworm', half],
      1_800_000,
    )
    if (status !== 0) throw new SystemFault(`debootstrap: ${out}`)
    renameSync(half, base)
  }
  const {status, out} = await ran('cp', ['-a', '--reflink=auto', base, path])
  if (status !== 0) throw new SystemFault(out)
}

/** One command in a root file system that is not booted. */
export function inRoot(
  root: string,
  command: readonly string[],
  options: readonly string[] = [],
): Promise<Ran> {
  return ran('systemd-nspawn', [
    '-q',
    '-D',
    root,
    '--register=no',
    '--keep-unit',
    '--pipe',
    ...options,
    ...command,
  ])
}

export class Container {
  readonly #child: ChildProcess
  readonly #leader: string
  readonly startedMs: number

  private constructor(child: ChildProcess, leader: string, startedMs: number) {
    this.#child = child
    this.#leader = leader
    this.startedMs = startedMs
  }

  /** Boots; resolves when its systemd answers. @param options of systemd-nspawn: binds, file systems */
  static async boot(root: string, options: readonly string[]): Promise<Container> {
    const startedMs = clock.monotonicMs()
    const child = spawn(
      'systemd-nspawn',
      [
        '-q',
        '-D',
        root,
        '--register=no',
        '--keep-unit',
        '--boot',
        '--console=pipe',
        '--link-journal=no',
        ...options,
      ],
      {stdio: 'ignore'},
    )
    while (clock.monotonicMs() - startedMs < BOOT_MAX_MS && child.exitCode === null) {
      const leader = firstChild(child.pid)
      if (leader !== null) {
        const container = new Container(child, leader, startedMs)
        if (await container.#answers()) return container
      }
      await clock.sleep(50)
    }
    child.kill('SIGKILL')
    throw new SystemFault('the container did not boot')
  }

  async #answers(): Promise<boolean> {
    return (await this.show('basic.target', 'ActiveState')) === 'active'
  }

  /** A command inside, with what it printed. */
  run(...command: readonly string[]): Promise<Ran> {
    return ran('nsenter', ['-t', this.#leader, '-a', '--', ...command])
  }

  /** A property of a unit; of the manager itself with an empty name. */
  async show(unit: string, property: string): Promise<string> {
    const {out} = await this.run(
      'systemctl',
      'show',
      '--value',
      '-p',
      property,
      ...(unit === '' ? [] : [unit]),
    )
    return out.trim()
  }

  async powerOff(): Promise<void> {
    await this.run('systemctl', 'poweroff', '--no-block')
    const endMs = clock.monotonicMs() + BOOT_MAX_MS
    while (this.#child.exitCode === null && this.#child.signalCode === null && clock.monotonicMs() < endMs)
      await clock.sleep(50)
    this.kill()
  }

  /** Its first process goes, and everything in it with it; the end of nspawn alone would leave it running. */
  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      process.kill(Number(this.#leader), 'SIGKILL')
  }
}

function firstChild(pid: number | undefined): string | null {
  assert(pid !== undefined, 'systemd-nspawn was started')
  const path = `/proc/${pid}/task/${pid}/children`
  const children = existsSync(path) ? readFileSync(path, 'utf8').trim().split(' ') : []
  return children[0] === undefined || children[0] === '' ? null : children[0]
}

/** Beside this process, which plays devices and bank meanwhile. @returns status null when there is no such program, or it took too long */
export function ran(program: string, args: readonly string[], timeout = COMMAND_TIMEOUT_MS): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(program, args, {timeout, maxBuffer: 1e8}, (_, stdout, stderr) => {
      resolve({status: child.exitCode, out: stdout + stderr})
    })
  })
}
