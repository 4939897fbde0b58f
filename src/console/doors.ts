/** Where the console is reached: the serial port of the machine, and a socket for those logged in on it. */
import {chmodSync, lstatSync, rmSync} from 'node:fs'
import {createServer} from 'node:net'
import type {Socket} from 'node:net'
import type {SerialLink} from '../../devices/wire/serial.ts'
import type {Timer} from '../../kit/clock.ts'
import {SystemFault, reasonOf} from '../../kit/errors.ts'
import type {House} from './command.ts'
import {Line} from './line.ts'

/** How often the port is tried again, and its carrier looked at. */
const LOOK_MS = 1_000
const CONNECTIONS_MAX = 4

export interface Door {
  stop(): Promise<void>
}

/** Serves whoever is at the far end of the cable, and logs them out when it is pulled. */
export function serialDoor(link: SerialLink, house: House, crash: (thrown: unknown) => void): Door {
  const door = new SerialDoor(link, house, crash)
  door.start()
  return door
}

class SerialDoor implements Door {
  readonly #link: SerialLink
  readonly #house: House
  readonly #crash: (thrown: unknown) => void
  #line: Line | null = null
  #timer: Timer | null = null
  #hadCarrier = false
  #isStopped = false

  constructor(link: SerialLink, house: House, crash: (thrown: unknown) => void) {
    this.#link = link
    this.#house = house
    this.#crash = crash
  }

  start(): void {
    this.#look().catch(this.#crash)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#hangUp()
    await this.#link.close()
  }

  async #look(): Promise<void> {
    if (!this.#link.isOpen) await this.#open()
    else await this.#lookAtCarrier()
    if (this.#isStopped) return
    this.#timer = this.#house.clock.after(LOOK_MS, () => {
      this.start()
    })
  }

  async #open(): Promise<void> {
    const opened = await this.#link.open({
      bytes: chunk => {
        this.#line?.feed(chunk)
      },
      lost: () => {
        this.#hangUp()
      },
    })
    this.#hadCarrier = false
    if (opened === 'open' && !this.#isStopped) this.#newLine()
  }

  /** A cable of three wires tells nothing; then only the idle time ends a log-in. */
  async #lookAtCarrier(): Promise<void> {
    const hasCarrier = (await this.#link.modemLines())?.dcd ?? false
    if (this.#hadCarrier && !hasCarrier) {
      this.#hangUp()
      if (this.#link.isOpen) this.#newLine()
    }
    this.#hadCarrier = hasCarrier
  }

  #newLine(): void {
    const send = async (text: string): Promise<boolean> =>
      (await this.#link.write(Buffer.from(text, 'latin1'))) === 'written'
    // What stands on the glass there is of a life, or of a person, before.
    send('\r\n').catch(this.#crash)
    const line = new Line(
      this.#house,
      send,
      () => {
        if (this.#line === line && this.#link.isOpen) this.#newLine()
      },
      this.#crash,
    )
    this.#line = line
    line.start()
  }

  #hangUp(): void {
    const line = this.#line
    this.#line = null
    line?.hangUp()
  }
}

/**
 * Listens at that path; only this user and its group may connect, and log in all the same.
 * @throws SystemFault when nothing can listen there
 */
export async function socketDoor(
  path: string,
  house: House,
  crash: (thrown: unknown) => void,
): Promise<Door> {
  const there = lstatSync(path, {throwIfNoEntry: false})
  if (there !== undefined && !there.isSocket())
    throw new SystemFault(`${path}: something is there that is no socket`)
  // The journal is locked by this process, so a socket that is there was left by a dead one.
  rmSync(path, {force: true})
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    if (sockets.size >= CONNECTIONS_MAX) {
      socket.end('too many consoles are open\r\n')
      return
    }
    sockets.add(socket)
    serve(socket, house, crash, () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', fault => {
      reject(new SystemFault(`${path}: ${reasonOf(fault)}`, {cause: fault}))
    })
    server.listen(path, resolve)
  })
  chmodSync(path, 0o660)
  return {
    stop: () =>
      new Promise(resolve => {
        server.close(() => {
          resolve()
        })
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function serve(socket: Socket, house: House, crash: (thrown: unknown) => void, gone: () => void): void {
  const send = (text: string): Promise<boolean> =>
    new Promise(resolve => {
      if (socket.destroyed) resolve(false)
      else
        socket.write(text, 'latin1', fault => {
          resolve(fault === undefined || fault === null)
        })
    })
  const line = new Line(house, send, () => socket.end(), crash)
  socket.on('data', (chunk: Buffer) => {
    line.feed(chunk)
  })
  // Whoever hung up needs no answer; the close that follows is all there is to know.
  socket.on('error', () => {
    socket.destroy()
  })
  socket.once('close', () => {
    gone()
    line.hangUp()
  })
  line.start()
}
