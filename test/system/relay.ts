/** The line between a machine and its bank, which a test can cut and mend. */
import {connect, createServer} from 'node:net'
import type {AddressInfo, Socket} from 'node:net'

export class Relay {
  readonly #server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  private constructor(toPort: number) {
    this.#server = createServer(near => {
      if (this.#isCut) {
        near.destroy()
        return
      }
      const far = connect(toPort, '127.0.0.1')
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => {
          this.#sockets.delete(socket)
          near.destroy()
          far.destroy()
        })
      }
      near.pipe(far)
      far.pipe(near)
    })
  }

  static async open(toPort: number): Promise<Relay> {
    const relay = new Relay(toPort)
    await new Promise<void>(resolve => relay.#server.listen(0, '127.0.0.1', resolve))
    return relay
  }

  get port(): number {
    // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- a TCP server that listens has such an address
    return (this.#server.address() as AddressInfo).port
  }

  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  mend(): void {
    this.#isCut = false
  }

  close(): void {
    this.cut()
    this.#server.close()
  }
}
