/**
 * The way from host processes to a database server: a proxy on loopback that can lead elsewhere, hold still, and
 * be cut before or after the server has heard what was sent.
 */
import {connect, createServer} from 'node:net'
import type {AddressInfo, Server, Socket} from 'node:net'
import {assert} from '../../kit/assert.ts'
import type {Cluster} from './postgres.ts'

/** `before the server`: what is sent never arrives. `after the server`: it does, and its answer never comes back. */
export type Moment = 'before the server' | 'after the server'

interface Pair {
  readonly near: Socket
  readonly far: Socket
}

export class Wire {
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #to: Cluster
  #cut: {readonly moment: Moment; left: number} | null = null
  #cutsCount = 0

  static async open(to: Cluster): Promise<Wire> {
    const server = createServer({allowHalfOpen: false})
    const wire = new Wire(server, to)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return wire
  }

  private constructor(server: Server, to: Cluster) {
    this.#server = server
    this.#to = to
    server.on('connection', near => {
      this.#join(near)
    })
  }

  url(database: string): string {
    const address = this.#server.address()
    assert(address !== null && typeof address === 'object', 'the wire is not open')
    return `postgres://bank@127.0.0.1:${(address satisfies AddressInfo).port}/${database}`
  }

  get cutsCount(): number {
    return this.#cutsCount
  }

  /** Cuts one connection when `count` more messages have passed in that direction. */
  cutAfter(count: number, moment: Moment): void {
    this.#cut = {moment, left: count}
  }

  /** New connections lead there; those of before are cut. */
  leadTo(cluster: Cluster): void {
    this.#to = cluster
    this.cutAll()
  }

  cutAll(): void {
    for (const pair of this.#pairs) this.#end(pair)
  }

  async close(): Promise<void> {
    this.cutAll()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #join(near: Socket): void {
    const far = connect(this.#to.socketPath)
    const pair = {near, far}
    this.#pairs.add(pair)
    near.on('data', bytes => {
      this.#pass(pair, far, bytes, 'before the server')
    })
    far.on('data', bytes => {
      this.#pass(pair, near, bytes, 'after the server')
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

  #pass(pair: Pair, to: Socket, bytes: Buffer, moment: Moment): void {
    if (this.#cut?.moment === moment && this.#cut.left-- === 0) {
      this.#cut = null
      this.#cutsCount += 1
      this.#end(pair)
      return
    }
    to.write(bytes)
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair)
    pair.near.destroy()
    pair.far.destroy()
  }
}
