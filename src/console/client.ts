/** `tellerd console`: a terminal at the machine itself, joined to the daemon's socket byte for byte. It decides nothing. */
import {connect} from 'node:net'
import {BadInput, reasonOf} from '../../kit/errors.ts'
import {RIG_WORD} from './rig-word.ts'

/** A terminal, or what stands for one in a pipe. */
export interface Terminals {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
}

/**
 * Until the person leaves at the log-in (^D), or the daemon ends it.
 * @param isLines one command and one JSON object a line, for programs
 * @throws BadInput when no machine listens there
 */
export async function attach(path: string, isLines: boolean, {input, output}: Terminals): Promise<void> {
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', fault => {
      reject(new BadInput(`no machine listens at ${path}: ${reasonOf(fault)}`, {cause: fault}))
    })
  })
  const isRaw = input.isTTY && !isLines
  if (isRaw) input.setRawMode(true)
  if (isLines) socket.write(`${RIG_WORD}\n`)
  input.pipe(socket)
  socket.pipe(output, {end: false})
  await new Promise<void>(resolve => {
    socket.once('close', resolve)
    socket.once('error', () => {
      socket.destroy()
    })
  })
  if (isRaw) input.setRawMode(false)
  input.unpipe(socket)
  input.pause()
}
