/**
 * A way over loopback that can be cut. It passes bytes on and knows nothing of what they say; a fault is armed and
 * strikes the next connection that sends something, so that it always lies in the middle of a question.
 */
import {connect, createServer} from 'node:net'
import type {NetConnectOpts, Server, Socket} from 'node:net'
import {assert} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'

/**
 * - `before`: what is sent never arrives, and the connection ends
 * - `after`: it arrives, and its answer never comes back
 * - `half`: it arrives, and the connection ends in the middle of the answer
 * - `stall`: it arrives later, perhaps behind what is sent after it on another connection
 */
export const CUTS = ['before', 'after', 'half', 'stall'] as const
export type Cut = (typeof CUTS)[number]

/** How long a stalled connection stands. Chosen: longer than an asker's patience, shorter than its retries together. */
const STALL_MS = 900

interface Pair {
  readonly near: Socket
  readonly far: Socket
  /** Pieces that came from the near end. */
  piecesCount: number
  /** What happens to the answer that comes next. */
  answer: 'passes' | 'is lost' | 'is halved'
}

export interface ProxyOptions {
  readonly name: string
  /** Pieces at the beginning of a connection that are passed whatever is armed: its handshake. */
  readonly handshakeCount: number
  readonly clock: Clock
  readonly onCut: (cut: Cut, name: string) => void
}

export class Proxy {
  readonly #options: ProxyOptions
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  readonly #armed: Cut[] = []
  #to: NetConnectOpts | null = null

  static async open(options: ProxyOptions): Promise<Proxy> {
    const server = createServer()
    const proxy = new Proxy(options, server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  private constructor(options: ProxyOptions, server: Server) {
    this.#options = options
    this.#server = server
    server.on('connection', near => {
      this.#join(near)
    })
  }

  get port(): number {
    const address = this.#server.address()
    assert(address !== null && typeof address === 'object', 'the proxy is not open')
    return address.port
  }

  /** New connections lead there, or nowhere; those of before are cut. */
  leadTo(to: NetConnectOpts | null): void {
    this.#to = to
    for (const pair of this.#pairs) this.#end(pair)
  }

  /** For the next piece that is sent. */
  arm(cut: Cut): void {
    this.#armed.push(cut)
  }

  /** Nothing that is armed strikes any more. */
  disarm(): void {
    this.#armed.length = 0
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.leadTo(null)
    await closed
  }

  #join(near: Socket): void {
    if (this.#to === null) {
      near.destroy()
      return
    }
    const far = connect(this.#to)
    const pair: Pair = {near, far, piecesCount: 0, answer: 'passes'}
    this.#pairs.add(pair)
    near.on('data', bytes => {
      this.#forth(pair, bytes)
    })
    far.on('data', bytes => {
      this.#back(pair, bytes)
    })
    for (const socket of [near, far]) {
      // Whatever ended the one end ends the other.
      socket.on('error', () => {
        this.#end(pair)
      })
      socket.on('close', () => {
        this.#end(pair)
      })
    }
  }

  #forth(pair: Pair, bytes: Buffer): void {
    pair.piecesCount += 1
    const cut = pair.piecesCount > this.#options.handshakeCount ? this.#armed.shift() : undefined
    if (cut !== undefined) this.#options.onCut(cut, this.#options.name)
    if (cut === 'before') {
      this.#end(pair)
      return
    }
    if (cut === 'stall') {
      pair.near.pause()
      this.#options.clock.after(STALL_MS, () => {
        pair.far.write(bytes)
        pair.near.resume()
      })
      return
    }
    if (cut === 'after') pair.answer = 'is lost'
    if (cut === 'half') pair.answer = 'is halved'
    pair.far.write(bytes)
  }

  #back(pair: Pair, bytes: Buffer): void {
    if (pair.answer === 'passes') {
      pair.near.write(bytes)
      return
    }
    if (pair.answer === 'is halved') pair.near.write(bytes.subarray(0, Math.ceil(bytes.length / 2)))
    // What was written goes out before the end; what comes after it goes nowhere.
    pair.near.end()
    this.#pairs.delete(pair)
    pair.far.destroy()
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair)
    pair.near.destroy()
    pair.far.destroy()
  }
}
