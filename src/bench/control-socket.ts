/** The control of a stand on a Unix socket: the same lines as on standard input, for each who connects. */
import {lstatSync, rmSync} from 'node:fs'
import {connect, createServer} from 'node:net'
import type {Socket} from 'node:net'
import {BadInput, reasonOf} from '../../kit/errors.ts'
import {serveControl} from './control.ts'
import type {StandControl} from './control.ts'

const CONNECTIONS_MAX = 8
/** Answers that wait for a reader who does not read; more than these, and the connection is ended. */
const UNREAD_BYTES_MAX = 4_194_304

/**
 * Listens there; a socket that a dead program left is replaced.
 * @returns ends all connections and removes the socket
 * @throws BadInput when something else is there, or nothing can be
 */
export async function listenAt(
  path: string,
  control: StandControl,
  crash: (thrown: unknown) => void,
): Promise<() => Promise<void>> {
  await makeRoom(path)
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    if (sockets.size >= CONNECTIONS_MAX) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    // Whoever hung up needs no answer; the close that follows is all there is to know.
    socket.on('error', () => {
      socket.destroy()
    })
    socket.once('close', () => sockets.delete(socket))
    const write = (line: string): void => {
      if (socket.writableLength > UNREAD_BYTES_MAX) socket.destroy()
      else socket.write(`${line}\n`)
    }
    serveControl(control, socket, write, crash)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => {
      reject(new BadInput(`--control ${path}: ${reasonOf(error)}`, {cause: error}))
    })
    server.listen(path, resolve)
  })
  return () =>
    new Promise(resolve => {
      server.close(() => {
        resolve()
      })
      for (const socket of sockets) socket.end(() => socket.destroy())
    })
}

async function makeRoom(path: string): Promise<void> {
  const there = lstatSync(path, {throwIfNoEntry: false})
  if (there === undefined) return
  if (!there.isSocket()) throw new BadInput(`--control ${path}: something is there that is no socket`)
  if (await isAnswered(path)) throw new BadInput(`--control ${path}: another program listens there`)
  rmSync(path, {force: true})
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}
