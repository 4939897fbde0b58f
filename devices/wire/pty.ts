/**
 * A pseudo-terminal whose far end an emulator holds, so that a driver opens a real serial port with nothing
 * behind it but a program. For the bench and the tests; the daemon never loads it.
 *
 * The native binding of `@lydell/node-pty` makes the pair; its JavaScript wrapper is not used, because it
 * reads the slave and steals the bytes (measured, 1.1.0). The slave stays open here too, so that the
 * driver may close and open again without the master end failing.
 */
import {closeSync, readlinkSync, renameSync, rmSync, symlinkSync} from 'node:fs'
import {createRequire} from 'node:module'
import {ReadStream} from 'node:tty'
import {assert} from '../../kit/assert.ts'
import {codeOf, reasonOf, SystemFault} from '../../kit/errors.ts'
import type {ByteLink, LinkListener, LinkLost} from './link.ts'

export interface PseudoTerminal {
  /** What the driver opens: the stable path given, a symbolic link to the present slave. */
  readonly path: string
  /** The device's end; stays open through `hangUp`, its bytes then go nowhere. */
  readonly far: ByteLink
  /** As if the cable, or the USB adapter, was pulled: the slave vanishes under whoever has it open. */
  hangUp(): void
  /** Stops reading what the driver writes, so that the line fills up; what it returns reads on. */
  pause(): () => void
  /** Plugs in again, under the same path. */
  plug(): void
  /** Hangs up for good and removes the path. */
  remove(): void
}

interface Pair {
  readonly master: number
  readonly slave: number
  /** Path of the slave, `/dev/pts/7`. */
  readonly pty: string
}

interface Binding {
  open(columns: number, rows: number): Pair
}

/**
 * A new pseudo-terminal under that path.
 * @param path where the symbolic link to the slave goes; its folder must exist
 * @param first `unplugged`: the path leads nowhere new until `plug`
 * @throws SystemFault when the package `@lydell/node-pty` is not installed, or the system has no terminals left
 */
export function pseudoTerminal(path: string, first: 'plugged' | 'unplugged' = 'plugged'): PseudoTerminal {
  const terminal = new Terminal(path, loadBinding())
  if (first === 'plugged') terminal.plug()
  return terminal
}

class Terminal implements PseudoTerminal {
  readonly path: string
  readonly #binding: Binding
  readonly far: ByteLink
  #listener: LinkListener | null = null
  #hasBeenOpen = false
  #plugged: {readonly slave: number; readonly stream: ReadStream} | null = null
  /** Where the path led when it was made last. */
  #pty: string | null = null

  constructor(path: string, binding: Binding) {
    this.path = path
    this.#binding = binding
    const isOpen = (): boolean => this.#listener !== null
    this.far = {
      get isOpen() {
        return isOpen()
      },
      open: async listener => {
        assert(this.#listener === null, 'the far end is open already')
        this.#listener = listener
        this.#hasBeenOpen = true
        return 'open'
      },
      write: bytes => this.#write(bytes),
      close: async () => {
        this.#listener = null
      },
    }
  }

  hangUp(): void {
    const plugged = this.#plugged
    if (plugged === null) return
    this.#plugged = null
    closeSync(plugged.slave)
    plugged.stream.destroy()
  }

  pause(): () => void {
    const stream = this.#plugged?.stream
    stream?.pause()
    return () => {
      stream?.resume()
    }
  }

  plug(): void {
    if (this.#plugged !== null) return
    const {master, slave, pty} = this.#open()
    const stream = new ReadStream(master)
    // Without raw mode the terminal would echo what the device says before anybody opened the slave.
    stream.setRawMode(true)
    // A master whose slave went away fails with EIO; that is what hanging up looks like from here.
    stream.on('error', () => {
      stream.destroy()
    })
    stream.on('data', (chunk: Buffer) => {
      this.#listener?.bytes(Uint8Array.from(chunk))
    })
    this.#plugged = {slave, stream}
    this.#pty = pty
    // Renamed into place, so that the path leads somewhere at every moment.
    const fresh = `${this.path}.new`
    rmSync(fresh, {force: true})
    symlinkSync(pty, fresh)
    renameSync(fresh, this.path)
  }

  remove(): void {
    this.hangUp()
    // Another program may have put its own terminal under this path meanwhile.
    if (this.#pty !== null && targetOf(this.path) === this.#pty) rmSync(this.path, {force: true})
  }

  #open(): Pair {
    try {
      return this.#binding.open(80, 24)
    } catch (thrown) {
      throw new SystemFault(`no pseudo-terminal: ${reasonOf(thrown)}`, {cause: thrown})
    }
  }

  async #write(bytes: Uint8Array): Promise<'written' | LinkLost> {
    if (this.#listener === null) return this.#hasBeenOpen ? 'hung-up' : 'not-opened'
    this.#plugged?.stream.write(bytes)
    return 'written'
  }
}

/** Where a symbolic link leads; null when there is none. */
function targetOf(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'EINVAL') return null
    throw thrown
  }
}

function loadBinding(): Binding {
  const name = `@lydell/node-pty-${process.platform}-${process.arch}/pty.node`
  let binding: unknown
  try {
    binding = createRequire(import.meta.url)(name)
  } catch (thrown) {
    throw new SystemFault(`pseudo-terminals need the package ${name}`, {cause: thrown})
  }
  if (!isBinding(binding)) throw new SystemFault(`${name} has no open()`)
  return binding
}

function isBinding(loaded: unknown): loaded is Binding {
  return (
    typeof loaded === 'object' && loaded !== null && 'open' in loaded && typeof loaded.open === 'function'
  )
}
