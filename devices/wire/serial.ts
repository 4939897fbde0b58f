/**
 * A serial port as a ByteLink, over the binding of the `serialport` package.
 *
 * It reads the port itself instead of through serialport's stream, because that stream loses a hang-up:
 * when a device vanishes in the middle of a burst, a read gives 0 bytes for ever, the binding retries at
 * once for ever, and no close is ever reported (measured on a PTY with serialport 13). Here a read of 0
 * bytes is the end of the line. Its queue of writes is not used either: a write to a vanished port would
 * wait in it for the next opening, and a dispense order must never leave late.
 *
 * Deadlines are the injected clock's; a real port needs the real one.
 */
import {fstat, read} from 'node:fs'
import {promisify} from 'node:util'
import {SerialPort} from 'serialport'
import {assert} from '../../kit/assert.ts'
import type {Clock, Timer} from '../../kit/clock.ts'
import {codeOf, reasonOf, SystemFault} from '../../kit/errors.ts'
import type {Log} from '../../kit/log.ts'
import {within} from './deadline.ts'
import type {ByteLink, LinkListener, LinkLost} from './link.ts'

/** The line's settings, as in the device's manual. */
export interface SerialSettings {
  readonly baudRate: number
  readonly dataBits: 7 | 8
  readonly parity: 'none' | 'even' | 'odd'
  readonly stopBits: 1 | 2
  readonly rtscts: boolean
}

export interface SerialOptions {
  /** Default 3,000 ms. */
  readonly openTimeoutMs?: number
  /** Until the bytes have left the port; default 2,000 ms. */
  readonly writeTimeoutMs?: number
  /** How often the port is looked at whether it still exists; default 1,000 ms. */
  readonly aliveEveryMs?: number
  /** Output lines to set at opening; a port without modem lines (a PTY) is used all the same. */
  readonly lines?: {readonly dtr: boolean; readonly rts: boolean}
}

/** Input lines of the port. */
export interface ModemLines {
  readonly cts: boolean
  readonly dsr: boolean
  readonly dcd: boolean
}

export interface SerialLink extends ByteLink {
  readonly path: string
  /** Why it did not open last, in a line for a person; null when it did, or was not asked to yet. */
  readonly refusal: string | null
  /** The input lines, or null where the port has none or is not open. */
  modemLines(): Promise<ModemLines | null>
}

const READ_BYTES_MAX = 4096
const CLOSE_TIMEOUT_MS = 1_000

const readPort = promisify(read)
const statPort = promisify(fstat)

/** The serial port at that path (a stable `/dev/serial/by-id/...` name, or a PTY), not yet open; locked against other programs while it is. */
export function serialLink(
  path: string,
  settings: SerialSettings,
  clock: Clock,
  log: Log,
  options: SerialOptions = {},
): SerialLink {
  return new Serial(path, settings, clock, log, options)
}

/** What is used of serialport's port object on Linux. */
interface Port {
  readonly fd: number | null
  readonly isOpen: boolean
  readonly poller: {
    once(event: 'readable', callback: (error: Error | null) => void): unknown
    stop(): void
  }
  write(bytes: Buffer): Promise<void>
  drain(): Promise<void>
  flush(): Promise<void>
  close(): Promise<void>
  set(lines: {readonly dtr: boolean; readonly rts: boolean}): Promise<void>
  get(): Promise<ModemLines>
}

/** One opening of the port; a new one is made for the next. */
interface Opening {
  readonly port: Port
  readonly listener: LinkListener
  reading: Promise<void>
  sending: Promise<unknown>
  /** Writes that have not ended. */
  unsentCount: number
  isEnding: boolean
}

class Serial implements SerialLink {
  readonly path: string
  readonly #settings: SerialSettings
  readonly #clock: Clock
  readonly #log: Log
  readonly #options: Required<Omit<SerialOptions, 'lines'>> & Pick<SerialOptions, 'lines'>
  #opening: Opening | null = null
  #ending: Promise<void> = Promise.resolve()
  #hasBeenOpen = false
  #refusal: string | null = null
  #aliveTimer: Timer | null = null

  constructor(path: string, settings: SerialSettings, clock: Clock, log: Log, options: SerialOptions) {
    this.path = path
    this.#settings = settings
    this.#clock = clock
    this.#log = log
    this.#options = {openTimeoutMs: 3_000, writeTimeoutMs: 2_000, aliveEveryMs: 1_000, ...options}
  }

  get isOpen(): boolean {
    return this.#opening !== null
  }

  get refusal(): string | null {
    return this.#refusal
  }

  async open(listener: LinkListener): Promise<'open' | LinkLost> {
    assert(this.#opening === null, `${this.path} is open already`)
    await this.#ending
    try {
      const port = await this.#openPort()
      if (port === 'late') return this.#refuse(`it did not open within ${this.#options.openTimeoutMs} ms`)
      this.#begin(port, listener)
      this.#refusal = null
      return 'open'
    } catch (thrown) {
      return this.#refuse(refusalOf(thrown))
    }
  }

  async write(bytes: Uint8Array): Promise<'written' | LinkLost> {
    const opening = this.#opening
    if (opening === null) return this.#hasBeenOpen ? 'hung-up' : 'not-opened'
    opening.unsentCount += 1
    const sending = opening.sending.then(() => send(opening, bytes))
    opening.sending = sending
      .catch(() => undefined)
      .finally(() => {
        opening.unsentCount -= 1
      })
    const outcome = await within(this.#clock, this.#options.writeTimeoutMs, sending.then(sent, notSent))
    if (outcome === 'sent') return 'written'
    const why = outcome === 'late' ? 'write-stalled' : 'hung-up'
    // What has not left by now must not leave later, so the port is closed with its output dropped.
    this.#lose(opening, why)
    return why
  }

  async close(): Promise<void> {
    const opening = this.#opening
    if (opening !== null) this.#end(opening)
    await this.#ending
  }

  async modemLines(): Promise<ModemLines | null> {
    try {
      return (await this.#opening?.port.get()) ?? null
    } catch (thrown) {
      this.#log.debug('no modem lines', {path: this.path, reason: reasonOf(thrown)})
      return null
    }
  }

  #refuse(why: string): 'not-opened' {
    this.#refusal = why
    this.#log.info('serial port does not open', {path: this.path, why})
    return 'not-opened'
  }

  async #openPort(): Promise<Port | 'late'> {
    const {baudRate, dataBits, parity, stopBits, rtscts} = this.#settings
    const opened: Promise<unknown> = SerialPort.binding.open({
      path: this.path,
      baudRate,
      dataBits,
      parity,
      stopBits,
      rtscts,
      lock: true,
    })
    const prepared = opened.then(port => this.#prepare(port))
    const outcome = await within(this.#clock, this.#options.openTimeoutMs, prepared)
    if (outcome === 'late') void prepared.then(port => port.close()).catch(() => undefined)
    return outcome
  }

  async #prepare(opened: unknown): Promise<Port> {
    if (!isPort(opened)) throw new SystemFault('the serial binding is not the one this was written for')
    try {
      if (this.#options.lines !== undefined) await this.#setLines(opened, this.#options.lines)
      await opened.flush()
      return opened
    } catch (thrown) {
      await opened.close()
      throw thrown
    }
  }

  async #setLines(port: Port, lines: {readonly dtr: boolean; readonly rts: boolean}): Promise<void> {
    try {
      await port.set(lines)
    } catch (thrown) {
      this.#log.info('modem lines not set', {path: this.path, reason: reasonOf(thrown)})
    }
  }

  #begin(port: Port, listener: LinkListener): void {
    const opening: Opening = {
      port,
      listener,
      reading: Promise.resolve(),
      sending: Promise.resolve(),
      unsentCount: 0,
      isEnding: false,
    }
    this.#opening = opening
    this.#hasBeenOpen = true
    opening.reading = readUntilEnd(opening).then(reason => {
      if (opening.isEnding) return
      this.#log.warn('serial port hung up', {path: this.path, reason})
      this.#lose(opening, 'hung-up')
    })
    this.#watch(opening)
  }

  /** A port that went away while nobody was reading shows only in the file system. */
  #watch(opening: Opening): void {
    this.#aliveTimer = this.#clock.after(this.#options.aliveEveryMs, () => {
      void isAlive(opening).then(alive => {
        if (opening.isEnding) return
        if (alive) this.#watch(opening)
        else this.#lose(opening, 'hung-up')
      })
    })
  }

  #lose(opening: Opening, why: LinkLost): void {
    if (opening.isEnding) return
    this.#end(opening)
    opening.listener.lost(why)
  }

  #end(opening: Opening): void {
    opening.isEnding = true
    this.#opening = null
    this.#aliveTimer?.cancel()
    this.#ending = this.#release(opening)
  }

  /** Reading and writing end before the port is closed: its number may belong to another file a moment later. */
  async #release(opening: Opening): Promise<void> {
    const {port} = opening
    port.poller.stop()
    const work = async (): Promise<void> => {
      await opening.reading
      // Frees a write that stalled. What was written counts as sent, and must not be dropped: it may be the last ACK.
      if (opening.unsentCount > 0) await port.flush().catch(() => undefined)
      await opening.sending
    }
    await within(this.#clock, CLOSE_TIMEOUT_MS, work())
    const closed = port.close().catch((thrown: unknown) => {
      this.#log.warn('serial port did not close', {path: this.path, reason: reasonOf(thrown)})
    })
    await within(this.#clock, CLOSE_TIMEOUT_MS, closed)
  }
}

const sent = (): 'sent' => 'sent'
const notSent = (): 'not-sent' => 'not-sent'

async function send(opening: Opening, bytes: Uint8Array): Promise<void> {
  // Queued behind a write that stalled: the port is being closed, and this must not leave either.
  if (opening.isEnding) throw new SystemFault('the port is being closed')
  await opening.port.write(Buffer.from(bytes))
  await opening.port.drain()
}

/** Reads until the port ends or is being closed; says why it stopped. */
async function readUntilEnd(opening: Opening): Promise<string> {
  const buffer = new Uint8Array(READ_BYTES_MAX)
  while (!opening.isEnding) {
    const got = await readOnce(opening, buffer)
    if (got.kind === 'ended') return got.reason
    if (got.kind === 'bytes' && !isEnding(opening)) opening.listener.bytes(buffer.slice(0, got.count))
  }
  return 'closed'
}

type Read =
  | {readonly kind: 'bytes'; readonly count: number}
  | {readonly kind: 'again'}
  | {readonly kind: 'ended'; readonly reason: string}

/** Takes what is there, or waits until something is. */
async function readOnce(opening: Opening, buffer: Uint8Array): Promise<Read> {
  const {port} = opening
  if (port.fd === null) return {kind: 'ended', reason: 'closed'}
  try {
    const {bytesRead} = await readPort(port.fd, buffer, 0, buffer.length, null)
    return bytesRead === 0 ? {kind: 'ended', reason: 'read gave 0 bytes'} : {kind: 'bytes', count: bytesRead}
  } catch (thrown) {
    const code = codeOf(thrown)
    if (code === 'EINTR') return {kind: 'again'}
    if (code !== 'EAGAIN' && code !== 'EWOULDBLOCK') return {kind: 'ended', reason: reasonOf(thrown)}
  }
  // A poller that was stopped meanwhile would never call back.
  if (isEnding(opening)) return {kind: 'again'}
  const error = await new Promise<Error | null>(resolve => port.poller.once('readable', resolve))
  return error === null ? {kind: 'again'} : {kind: 'ended', reason: error.message}
}

/** Asked anew after every wait, whatever the compiler remembers of before it. */
function isEnding(opening: Opening): boolean {
  return opening.isEnding
}

/** Whether the open device still has a name in the file system; it loses it when it goes, under whatever link it was opened. */
async function isAlive(opening: Opening): Promise<boolean> {
  if (opening.port.fd === null) return false
  try {
    return (await statPort(opening.port.fd)).nlink > 0
  } catch {
    return false
  }
}

/** The binding's messages, such as `Error Resource temporarily unavailable Cannot lock port`, in words of ours. */
function refusalOf(thrown: unknown): string {
  const reason = reasonOf(thrown)
  if (reason.includes('Cannot lock port')) return 'another program has it open'
  if (reason.includes('Inappropriate ioctl')) return 'it is no serial port'
  return reason.replace(/^Error:? /, '').replace(/, cannot open .*$/, '')
}

function isPort(opened: unknown): opened is Port {
  return typeof opened === 'object' && opened !== null && 'fd' in opened && 'poller' in opened
}
