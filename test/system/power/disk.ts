/**
 * A real file system on a disk that writes down everything it was told, and the disk as a power cut at any moment
 * could have left it: whatever was flushed, and of the rest what chance kept.
 *
 * QEMU's storage daemon shows the disk as a file and logs to another, in the format of the kernel's dm-log-writes
 * (Documentation/admin-guide/device-mapper/log-writes.rst): a superblock of one sector, then for each write a sector
 * that says where, how long and with which flags, and its data.
 */
import {execFileSync, spawn} from 'node:child_process'
import type {ChildProcess} from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import {truncateSync} from 'node:fs'
import {join} from 'node:path'
import {assert} from '../../../kit/assert.ts'
import type {Clock} from '../../../kit/clock.ts'
import {SystemFault} from '../../../kit/errors.ts'
import type {Random} from '../../../kit/random.ts'

const SECTOR_BYTES = 512
/** Small, so that an image is made in milliseconds; large enough for ext4 with a journal of its own. */
const DISK_BYTES = 16 * 1024 * 1024
/** Sparse: only what is written takes space. */
const LOG_BYTES_MAX = 4 * 1024 * 1024 * 1024
const START_TIMEOUT_MS = 10_000
const LOOK_MS = 20
const FLUSH = 1
const FUA = 2
const DISCARD = 4

/** Programs that the rig needs, as a person would install them. */
export const RIG_PROGRAMS = [
  'setpriv',
  'qemu-storage-daemon',
  'losetup',
  'mkfs.ext4',
  'e2fsck',
  'debugfs',
] as const

interface Logged {
  readonly offsetBytes: number
  readonly data: Uint8Array
  readonly flags: number
}

/** A place in the disk's log: everything before it was told to the disk. */
export type LogMark = number

/** A mounted disk under watch. */
export class LoggedDisk {
  /** Where its file system is mounted. */
  readonly mount: string
  readonly #folder: string
  readonly #daemon: ChildProcess
  readonly #loop: string
  readonly #log: number
  readonly #entries: Logged[] = []
  #readBytes = SECTOR_BYTES

  private constructor(folder: string, mount: string, daemon: ChildProcess, loop: string) {
    this.#folder = folder
    this.mount = mount
    this.#daemon = daemon
    this.#loop = loop
    this.#log = openSync(join(folder, 'log.img'), 'r')
  }

  /** Makes, shows and mounts a new disk, all below that folder. Needs root. @throws SystemFault when the rig does not come up */
  static async open(folder: string, clock: Clock): Promise<LoggedDisk> {
    const file = (name: string): string => join(folder, name)
    for (const name of ['disk.img', 'log.img', 'shown.img']) writeFileSync(file(name), '')
    truncateSync(file('disk.img'), DISK_BYTES)
    truncateSync(file('log.img'), LOG_BYTES_MAX)
    run('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', file('disk.img')])
    copyFileSync(file('disk.img'), file('before.img'))
    const daemon = spawn(
      'setpriv',
      [
        // Whatever becomes of the test, the daemon does not outlive it.
        ['--pdeathsig', 'KILL', 'qemu-storage-daemon'],
        ['--blockdev', `driver=file,filename=${file('disk.img')},node-name=disk`],
        ['--blockdev', `driver=file,filename=${file('log.img')},node-name=log`],
        ['--blockdev', 'driver=blklogwrites,node-name=logged,file=disk,log=log,log-sector-size=512'],
        ['--export', `type=fuse,id=shown,node-name=logged,mountpoint=${file('shown.img')},writable=on`],
      ].flat(),
      {stdio: 'ignore'},
    )
    const endMs = clock.monotonicMs() + START_TIMEOUT_MS
    // The empty file becomes one of the disk's size once it is shown.
    while (sizeOf(file('shown.img')) !== DISK_BYTES) {
      if (daemon.exitCode !== null || clock.monotonicMs() > endMs) {
        daemon.kill('SIGKILL')
        throw new SystemFault('the storage daemon does not show its disk')
      }
      await clock.sleep(LOOK_MS)
    }
    const loop = run('losetup', ['--show', '-f', file('shown.img')]).trim()
    mkdirSync(file('mount'))
    run('mount', ['-o', 'noatime', loop, file('mount')])
    return new LoggedDisk(folder, file('mount'), daemon, loop)
  }

  /** The end of the log now. What the caller was told is durable by now must be on every image cut here or later. */
  mark(): LogMark {
    for (;;) {
      const header = Buffer.alloc(SECTOR_BYTES)
      readSync(this.#log, header, 0, SECTOR_BYTES, this.#readBytes)
      const [sector, sectors, flags] = [0, 8, 16].map(at => Number(header.readBigUInt64LE(at)))
      assert(sector !== undefined && sectors !== undefined && flags !== undefined, 'three numbers were read')
      // The log ends where nothing was written yet.
      if (sectors === 0 && flags === 0) return this.#entries.length
      const bytes = (flags & DISCARD) === 0 ? sectors * SECTOR_BYTES : 0
      const data = new Uint8Array(bytes)
      readSync(this.#log, data, 0, bytes, this.#readBytes + SECTOR_BYTES)
      this.#readBytes += SECTOR_BYTES + bytes
      this.#entries.push({offsetBytes: sector * SECTOR_BYTES, data, flags})
    }
  }

  /** Unmounts and ends everything; the log stays readable for `cuts`. */
  async close(): Promise<void> {
    run('umount', [this.mount])
    run('losetup', ['-d', this.#loop])
    await new Promise<void>(resolve => {
      this.#daemon.once('exit', () => {
        resolve()
      })
      this.#daemon.kill('SIGTERM')
    })
    closeSync(this.#log)
  }

  /** The log as read up to the last mark, to be cut anywhere. */
  cutter(): Cutter {
    return new Cutter(readFileSync(join(this.#folder, 'before.img')), this.#entries, this.#folder)
  }
}

/** Makes disks as power cuts would have left them. */
export class Cutter {
  readonly #entries: readonly Logged[]
  readonly #folder: string
  /** The disk with everything below `#flushed` on it. */
  readonly #disk: Buffer
  #flushed = 0

  constructor(before: Buffer, entries: readonly Logged[], folder: string) {
    this.#disk = before
    this.#entries = entries
    this.#folder = folder
  }

  /**
   * The files of the disk after a cut there, as a file system check leaves them.
   * @param at not before the last cut's: the disk is built as it goes
   * @param names files of the root folder; a file that is not on the disk is left out
   * @returns a folder with the files, new at each call
   */
  filesAt(at: LogMark, names: readonly string[], random: Random): string {
    const written = this.#entries.slice(0, at)
    const lastFlush = written.findLastIndex(({flags}) => (flags & FLUSH) !== 0) + 1
    assert(lastFlush >= this.#flushed, 'cuts go forward')
    for (const entry of this.#entries.slice(this.#flushed, lastFlush)) apply(this.#disk, entry)
    this.#flushed = lastFlush
    const image = Buffer.from(this.#disk)
    // A drive without power forgets its cache, but not in order, and tears a write between its sectors.
    const keeps = random.below(5)
    for (const entry of written.slice(lastFlush))
      if ((entry.flags & FUA) !== 0 || keeps === 4) apply(image, entry)
      else if (keeps > 0 && random.below(4) < keeps)
        apply(image, random.below(3) === 0 ? torn(entry, random) : entry)
    const path = join(this.#folder, 'cut.img')
    writeFileSync(path, image)
    return this.#filesOf(path, names)
  }

  #filesOf(image: string, names: readonly string[]): string {
    // 1: it found and repaired something, which after a power cut it should.
    run('e2fsck', ['-fy', image], [0, 1])
    const folder = join(this.#folder, 'files')
    rmSync(folder, {recursive: true, force: true})
    mkdirSync(folder)
    const dumps = names.map(name => `dump -p /${name} ${join(folder, name)}`).join('\n')
    const script = join(this.#folder, 'dump.txt')
    writeFileSync(script, `${dumps}\n`)
    run('debugfs', ['-f', script, image])
    return folder
  }
}

function apply(disk: Buffer, {offsetBytes, data}: Logged): void {
  disk.set(data, offsetBytes)
}

/** Some sectors of a write. */
function torn(entry: Logged, random: Random): Logged {
  const sectors = Math.ceil(entry.data.length / SECTOR_BYTES)
  return {...entry, data: entry.data.subarray(0, random.below(sectors + 1) * SECTOR_BYTES)}
}

function sizeOf(path: string): number {
  return Number(run('stat', ['-c', '%s', path]).trim())
}

/** @throws SystemFault when the program ends with another status than those */
function run(program: string, args: readonly string[], expected: readonly number[] = [0]): string {
  try {
    return execFileSync(program, args, {stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', timeout: 60_000})
  } catch (thrown) {
    const status = thrown instanceof Error && 'status' in thrown ? thrown.status : null
    if (typeof status === 'number' && expected.includes(status)) return ''
    throw new SystemFault(`${program} ${args.join(' ')} failed with ${String(status)}`, {cause: thrown})
  }
}
