/**
 * `npm run tellerd`: the installed command `tellerd` with what only the bench can do beside it. The command
 * that is installed on a machine is src/cli.ts, and knows nothing of emulators.
 */
import {crashProgram, runProgram, say} from '../program.ts'

const [name, ...rest] = process.argv.slice(2)
if (name === 'emulate') {
  const {emulate} = await import('./emulate.ts')
  // Whoever read the answers may have gone; the device on the wire goes on.
  process.stdout.on('error', () => undefined)
  await runProgram('tellerd', () =>
    emulate(rest, {input: process.stdin, say, crash: crashProgram('tellerd')}),
  )
  process.stdin.destroy()
} else {
  await import('../cli.ts')
}
