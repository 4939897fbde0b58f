/**
 * A wire of a real serial port on a pseudo-terminal under virtual time: time stands still as long as bytes are on their way,
 * so that a machine that is busy changes nothing, and an answer that takes a minute takes none.
 */
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {ByteLink, LinkListener, LinkLost} from '../../../devices/wire/link.ts'
import {pseudoTerminal} from '../../../devices/wire/pty.ts'
import {serialLink} from '../../../devices/wire/serial.ts'
import type {SerialSettings} from '../../../devices/wire/serial.ts'
import {realClock} from '../../../kit/clock.ts'
import type {Clock, VirtualClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'

/** Longest wait for bytes to cross, in real time; then they count as lost. */
const CROSSING_MAX_MS = 5_000
const real = realClock()

/** One end, as driver or emulator see it. */
class Held implements ByteLink {
  readonly #inner: ByteLink
  readonly #clock: Clock
  /** Bytes that reached this end's listener in its present opening, and who waits for how many. */
  #heardCount = 0
  readonly #waiting = new Set<{readonly count: number; readonly wake: () => void}>()
  #expectedCount = 0
  other: Held | null = null

  constructor(inner: ByteLink, clock: Clock) {
    this.#inner = inner
    this.#clock = clock
  }

  get isOpen(): boolean {
    return this.#inner.isOpen
  }

  open(listener: LinkListener): Promise<'open' | LinkLost> {
    this.#heardCount = 0
    this.#expectedCount = 0
    return this.#clock.outside(
      this.#inner.open({
        bytes: chunk => {
          this.#heardCount += chunk.length
          this.#wake()
          listener.bytes(chunk)
        },
        lost: why => {
          this.#release()
          listener.lost(why)
        },
      }),
    )
  }

  write(bytes: Uint8Array): Promise<'written' | LinkLost> {
    return this.#clock.outside(this.#cross(bytes))
  }

  async close(): Promise<void> {
    this.#release()
    await this.#clock.outside(this.#inner.close())
  }

  async #cross(bytes: Uint8Array): Promise<'written' | LinkLost> {
    // What is said to a port that nobody has open goes nowhere.
    const arrived = this.other?.isOpen === true ? this.other.arrival(bytes.length) : null
    const written = await this.#inner.write(bytes)
    if (written === 'written' && arrived !== null) await arrived
    return written
  }

  /** Resolves when so many bytes more than are on their way already have been heard. */
  arrival(count: number): Promise<void> {
    this.#expectedCount += count
    const due = this.#expectedCount
    return new Promise(resolve => {
      const timer = real.after(CROSSING_MAX_MS, resolve)
      this.#waiting.add({
        count: due,
        wake: () => {
          timer.cancel()
          resolve()
        },
      })
      this.#wake()
    })
  }

  #wake(): void {
    for (const one of this.#waiting)
      if (one.count <= this.#heardCount) {
        this.#waiting.delete(one)
        one.wake()
      }
  }

  #release(): void {
    this.#heardCount = Infinity
    this.#wake()
  }
}

/** Wires on pseudo-terminals, one at a time: making the next lets go of the one before. */
export class PtyWires {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tellerd-wires-'))
  readonly #line: SerialSettings
  #madeCount = 0
  #last: (() => Promise<void>) | null = null

  constructor(line: SerialSettings) {
    this.#line = line
  }

  async wire(clock: VirtualClock): Promise<{readonly near: ByteLink; readonly far: ByteLink}> {
    await this.#last?.()
    this.#madeCount += 1
    const terminal = pseudoTerminal(join(this.#folder, `${this.#madeCount}`))
    // Looked at never: a port that vanishes is not what is tested over these.
    const serial = serialLink(terminal.path, this.#line, clock, silentLog, {aliveEveryMs: 1_000_000_000})
    const near = new Held(serial, clock)
    const far = new Held(terminal.far, clock)
    near.other = far
    far.other = near
    this.#last = async () => {
      await near.close()
      await far.close()
      terminal.remove()
    }
    return {near, far}
  }

  async end(): Promise<void> {
    await this.#last?.()
    rmSync(this.#folder, {recursive: true})
  }
}
